"""Which weighted sums of the effects at single waves are reported: their average, the last less the first, the slope, and one's own."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from trialkit.errors import UsageError, shown

NAMES = ("average", "fade_out", "slope")


@dataclass(frozen=True, slots=True)
class Weighted:
    """A row of the result: weights by position of the wave; `wave` is the label of a single one, `name` that of a weighted sum."""

    weights: Mapping[int, float]
    wave: Hashable | None
    name: str | None
    estimand: str


def weighted_effects(labels: Sequence[Hashable], follow_ups: Sequence[int], asked: Any, estimand: str) -> list[Weighted]:
    """Each follow-up by itself, then what was asked for over them.

    Parameters
    ----------
    asked : 'auto' (average and fade-out of two follow-ups or more, the slope of three or more with numbers as labels), names among NAMES, or a
        mapping from names of one's own to weights by wave.
    estimand : of a single wave.
    """
    singles = [Weighted({j: 1.0}, labels[j], None, estimand) for j in follow_ups]
    named = [_named(name, labels, follow_ups, estimand) for name in _names(asked, labels, follow_ups)]
    return [*singles, *named, *_own(asked, labels, follow_ups, estimand)]


def _names(asked: Any, labels: Sequence[Hashable], follow_ups: Sequence[int]) -> list[str]:
    if isinstance(asked, Mapping):
        return []
    if asked == "auto":
        several, many = len(follow_ups) > 1, len(follow_ups) > 2 and _numeric([labels[j] for j in follow_ups])
        return [*(["average", "fade_out"] if several else []), *(["slope"] if many else [])]
    if isinstance(asked, str):
        raise UsageError(f"over_waves takes a list or 'auto': write over_waves=['{asked}'].")
    unknown = [n for n in asked if n not in NAMES]
    if unknown:
        raise UsageError(
            f"over_waves holds {shown(unknown)}; it is 'auto', some of {shown(NAMES)}, or weights by wave such as {{'late': {{1: -1, 2: 1}}}}."
        )
    if asked and len(follow_ups) < 2:
        raise UsageError(f"over_waves={list(asked)!r} needs two follow-ups; there is one.")
    return list(asked)


def _numeric(labels: Sequence[Hashable]) -> bool:
    return all(isinstance(k, Real) and not isinstance(k, bool) for k in labels)


def _named(name: str, labels: Sequence[Hashable], follow_ups: Sequence[int], estimand: str) -> Weighted:
    first, last = labels[follow_ups[0]], labels[follow_ups[-1]]
    if name == "average":
        return Weighted({j: 1 / len(follow_ups) for j in follow_ups}, None, name, f"{estimand}, mean of waves {first} to {last}")
    if name == "fade_out":
        return Weighted({follow_ups[-1]: 1.0, follow_ups[0]: -1.0}, None, name, f"{estimand}, wave {last} less wave {first}")
    found = [labels[j] for j in follow_ups]
    if not _numeric(found):
        raise UsageError(
            f"a slope needs waves with numbers as labels, not {shown(found)}: use for instance months, waves={{0: ..., 6: ..., 12: ...}}."
        )
    times = np.array(found, dtype=float)
    centred = times - times.mean()
    weights = (centred / (centred @ centred)).tolist()
    return Weighted(
        dict(zip(follow_ups, weights)), None, name, f"{estimand}, slope over waves {first} to {last} per unit of the label"
    )


def _own(asked: Any, labels: Sequence[Hashable], follow_ups: Sequence[int], estimand: str) -> list[Weighted]:
    if not isinstance(asked, Mapping):
        return []
    position = {labels[j]: j for j in follow_ups}
    out = []
    for name, weights in asked.items():
        if not isinstance(weights, Mapping) or not weights:
            raise UsageError(f"over_waves['{name}'] gives weights by wave, such as {{1: -1, 2: 1}}.")
        unknown = [w for w in weights if w not in position]
        if unknown:
            raise UsageError(
                f"over_waves['{name}'] names {shown(unknown)}, which {'is' if len(unknown) == 1 else 'are'} no follow-up; those are {shown(position)}."
            )
        used = {position[w]: float(v) for w, v in weights.items() if v}
        if not used:
            raise UsageError(f"over_waves['{name}'] has no weight other than zero.")
        out.append(Weighted(used, None, str(name), f"{estimand}, weighted over waves: {name}"))
    return out
