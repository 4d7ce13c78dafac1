"""What was asked of `itt`, checked once and passed to the estimator."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trialkit.errors import UsageError, repeated, shown
from trialkit.estimate.covariates import CovariateMissing
from trialkit.estimate.outcome import Time

StrataEffects = Literal["auto", "additive", "interacted", "none"]
Average = Literal["participant", "group"]
Contrasts = Literal["control", "all"]
Better = Literal["higher", "lower"]


def checked_level(conf_level: float) -> float:
    """The level of intervals as a number between 0 and 1."""
    if not 0 < conf_level < 1:
        raise UsageError(f"conf_level={conf_level} must lie between 0 and 1, for instance 0.95.")
    return float(conf_level)


@dataclass(frozen=True, slots=True)
class Request:
    """The arguments of `itt`; `outcome` names the column (of a time: its column) and `options` are the estimator's own."""

    outcome: str
    adjust: tuple[str, ...]
    estimator: str
    measure: str
    covariance: str
    df: str
    strata_effects: StrataEffects
    average: Average
    contrasts: Contrasts | tuple[Mapping[Hashable, float], ...]
    covariate_missing: CovariateMissing
    conf_level: float
    options: Mapping[str, Any] = field(default_factory=dict)
    time: Time | None = None
    better: Better | None = None

    def __post_init__(self) -> None:
        checked_level(self.conf_level)
        for name, value, allowed in (
            ("strata_effects", self.strata_effects, ("auto", "additive", "interacted", "none")),
            ("average", self.average, ("participant", "group")),
            ("covariate_missing", self.covariate_missing, ("impute", "drop", "error")),
            ("better", self.better, (None, "higher", "lower")),
        ):
            if value not in allowed:
                raise UsageError(f"{name}={value!r} is unknown: it is one of {shown([a for a in allowed if a])}.")
        if isinstance(self.contrasts, str) and self.contrasts not in ("control", "all"):
            raise UsageError(
                f"contrasts={self.contrasts!r} is unknown: it is 'control', 'all', or a list of weights by arm such as [{{'peer': 1, 'coach': -1}}]."
            )
        if len(set(self.adjust)) < len(self.adjust):
            raise UsageError(f"adjust names {shown(repeated(self.adjust))} twice: once is enough.")


def arm_pairs(arms: int, contrasts: object) -> list[tuple[int, int]]:
    """Pairs (arm, reference) of arm codes: each arm against control and, with 'all', the later arms against the earlier."""
    pairs = [(a, 0) for a in range(1, arms)]
    if contrasts == "all":
        pairs += [(a, b) for b in range(1, arms) for a in range(b + 1, arms)]
    return pairs
