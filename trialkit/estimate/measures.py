"""What can be compared between arms: one row a measure. A ratio is estimated on the log scale and shown as the ratio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OutcomeKind = Literal["number", "binary", "count", "ordered", "time"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of effect.

    Attributes
    ----------
    title : in words. outcome : what the outcome must be ('count' is any number from zero up, 'ordered' any number).
    estimator : the default one. ratio : contrasts are logs, and rows show the ratio.
    """

    name: str
    title: str
    outcome: OutcomeKind
    estimator: str
    ratio: bool = False

    @property
    def null(self) -> float:
        """The value that means no effect, as rows show it."""
        return 1.0 if self.ratio else 0.0


MEASURES: dict[str, Measure] = {
    m.name: m
    for m in (
        Measure("mean_difference", "difference in means", "number", "ancova"),
        Measure("risk_difference", "difference in proportions", "binary", "g_computation"),
        Measure("risk_ratio", "ratio of proportions", "binary", "g_computation", ratio=True),
        Measure("odds_ratio", "odds ratio", "binary", "g_computation", ratio=True),
        Measure("rate_ratio", "ratio of rates", "count", "poisson", ratio=True),
        Measure("mean_ratio", "ratio of means", "count", "poisson", ratio=True),
        Measure("win_odds", "win odds, ties split", "ordered", "win_odds", ratio=True),
        Measure("quantile", "difference in quantiles", "number", "quantile"),
        Measure("proportional_odds", "common odds ratio of ordered categories", "ordered", "proportional_odds", ratio=True),
        Measure("hazard_ratio", "hazard ratio", "time", "cox", ratio=True),
        Measure("rmst_difference", "difference in restricted mean time", "time", "rmst"),
        Measure("rmst_ratio", "ratio of restricted mean times", "time", "rmst", ratio=True),
        Measure("rmtl_difference", "difference in restricted mean time lost", "time", "aalen_johansen"),
        Measure("cumulative_incidence_difference", "difference in the share with the event", "time", "aalen_johansen"),
    )
}


# where a better (for instance shorter) time shows as a larger number, and where the estimate counts what is better already
TURNED = frozenset({"hazard_ratio", "rmtl_difference", "cumulative_incidence_difference"})
DIRECTED = frozenset({"win_odds", "proportional_odds"})


def better_effect(measure: str, better: Literal["higher", "lower"] | None) -> Literal["higher", "lower"] | None:
    """The better side of the effect, from the better direction of the outcome."""
    if measure in DIRECTED:
        return "higher"
    if measure in TURNED and better is not None:
        return "lower" if better == "higher" else "higher"
    return better


def is_ratio(measure: str) -> bool:
    """Whether rows of this measure show a ratio; what is not in the table (an effect in points, for instance) is a difference."""
    return measure in MEASURES and MEASURES[measure].ratio
