"""Factorial randomization: several factors at once, every combination of their levels an arm."""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trialkit.design.cells.leftovers import Misfits
from trialkit.design.mechanism import ArmCodes
from trialkit.design.mechanisms.celled import CellDesign, cell_parts
from trialkit.design.people import arm_shares, as_mapping, as_pairs
from trialkit.errors import DesignError, UsageError, shown
from trialkit.misuse import explained


@dataclass(frozen=True, eq=False, repr=False)
class Factorial(CellDesign):
    """See `factorial`.

    Attributes
    ----------
    factors : factor -> its level in each arm, in the order of `arms`.
    """

    factors: Mapping[str, tuple[Hashable, ...]] = field(default_factory=dict)

    scheme = "factorial"

    def _allocation_columns(self, codes: ArmCodes) -> dict[str, list[Any]]:
        return {name: [levels[c] for c in codes] for name, levels in self.factors.items()}


@explained
def factorial(
    data: Any,
    *,
    factors: Any,
    unit: str | None = None,
    strata: Sequence[str] = (),
    cluster: str | None = None,
    misfits: Misfits = "stratum",
    counts: Any = None,
) -> Factorial:
    """Factorial randomization: complete or stratified over all combinations of the factors' levels.

    Parameters
    ----------
    data : people, one row each.
    factors : factor -> list of levels, the reference first, or level -> weight. Arms are named 'no/yes', and `assign` gives a
        column for every factor beside `arm`.
    unit : column that identifies people. strata : columns of strata. cluster : column of clusters randomized whole.
    misfits : leftover places within strata, see `stratified`. Arms that are next to each other in leftover draws differ in one
        factor only, so that leftovers spread over the levels of each factor.
    counts : arm -> number (per stratum with strata) instead of shares, or 'observed'.

    Raises
    ------
    DesignError
        A factor with fewer than two levels, or whose name is a column of the allocation; fewer people than arms.
    IdentifierError
        Missing or repeated identifiers.

    Notes
    -----
    Fisher (1935), The Design of Experiments, ch. VI. The order of arms in leftover draws is a reflected Gray code.

    Examples
    --------
    >>> import trialkit as tk
    >>> d = tk.design.factorial({"id": range(8)}, unit="id", factors={"group": ["no", "yes"], "coach": ["no", "yes"]})
    >>> d.arms
    ('no/no', 'no/yes', 'yes/no', 'yes/yes')
    >>> d.assign(seed=1).columns.tolist()
    ['id', 'arm', 'group', 'coach']
    """
    weights = _weights(factors, unit)
    combinations = list(itertools.product(*weights.values()))
    labels = ["/".join(str(level) for level in row) for row in combinations]
    if len(set(labels)) < len(labels):
        repeated = [label for label in dict.fromkeys(labels) if labels.count(label) > 1]
        raise DesignError(f"the arms {shown(repeated)} cannot be told apart: use levels without '/'.")
    arms = {
        label: math.prod(weights[name][level] for name, level in zip(weights, row)) for label, row in zip(labels, combinations)
    }
    parts = cell_parts(
        data, unit=unit, arms=arms, strata=strata, cluster=cluster, counts=counts, misfits=misfits,
        order=_gray([len(levels) for levels in weights.values()]),
    )  # fmt: skip
    settings = {key: value for key, value in parts["settings"].items() if key != "arms"}
    parts["settings"] = settings | {"factors": as_pairs(weights)}
    return Factorial(**parts, factors={name: tuple(row[i] for row in combinations) for i, name in enumerate(weights)})


def _weights(factors: Any, unit: str | None) -> dict[str, dict[Hashable, float]]:
    """Levels of each factor with their weights."""
    given = as_mapping(factors)
    if not isinstance(given, Mapping) or not given:
        raise UsageError(
            "factors names the levels of each factor, as in factors={'group': ['no', 'yes'], 'coach': ['no', 'yes']}."
        )
    taken = [name for name in given if name in ("arm", unit or "unit")]
    if taken:
        raise DesignError(
            f"a factor cannot be called {shown(taken)}: the allocation has a column of that name. Rename the factor."
        )
    out: dict[str, dict[Hashable, float]] = {}
    for name, levels in given.items():
        if isinstance(levels, str) or not hasattr(levels, "__iter__"):
            raise UsageError(f"factor '{name}' is {levels!r} and takes a list of levels: write ['no', 'yes'].")
        mine = dict(levels) if isinstance(levels, Mapping) else dict.fromkeys(levels, 1)
        if len(mine) < 2:
            raise DesignError(f"factor '{name}' has one level only ({shown(mine)}): give two or more, or leave the factor out.")
        arm_shares(mine)
        out[str(name)] = mine
    return out


def _gray(levels: Sequence[int]) -> list[int]:
    """Combinations in an order in which neighbours differ in one factor."""
    walk: list[tuple[int, ...]] = [()]
    for n in levels:
        walk = [(*row, level) for i, row in enumerate(walk) for level in (range(n) if i % 2 == 0 else reversed(range(n)))]
    place = {row: i for i, row in enumerate(itertools.product(*(range(n) for n in levels)))}
    return [place[row] for row in walk]
