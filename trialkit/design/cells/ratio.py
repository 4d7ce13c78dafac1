"""Allocation weights as small whole numbers, for schemes that fill blocks with a fixed number of each arm."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from fractions import Fraction

import numpy as np

from trialkit.design.people import arm_shares, as_mapping
from trialkit.errors import DesignError

__all__ = ["whole_ratio"]

MOST_PLACES = 60


def whole_ratio(arms: Mapping[Hashable, float]) -> tuple[tuple[Hashable, ...], tuple[int, ...]]:
    """Labels and the smallest whole numbers in the ratio of their weights: {"a": 0.5, "b": 1} gives (1, 2).

    Raises
    ------
    DesignError
        Weights whose ratio needs more than 60 places, such as 1 : 1.37.
    """
    labels, shares = arm_shares(arms)
    arms = as_mapping(arms)
    parts = [Fraction(float(s / shares.min())).limit_denominator(MOST_PLACES) for s in shares]
    scale = math.lcm(*(p.denominator for p in parts))
    whole = [int(p * scale) for p in parts]
    divisor = math.gcd(*whole)
    whole = [w // divisor for w in whole]
    if sum(whole) > MOST_PLACES or not np.allclose(np.array(whole) / sum(whole), shares, rtol=1e-6, atol=0):
        weights = " : ".join(f"{w:g}" for w in arms.values())
        raise DesignError(
            f"the allocation {weights} is no ratio of small whole numbers, and a block holds whole people: "
            "choose weights such as 1 : 1, 2 : 1 or 3 : 2."
        )
    return labels, tuple(whole)
