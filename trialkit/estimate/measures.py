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
    estimator : the default one. ratio : contrasts are logs, and rows show the ratio. points : effects are differences of shares.
    better : how the better side of the effect follows from that of the outcome. 'turned': a better (for instance shorter) time shows as a larger
        number; 'directed': the estimate counts what is better already, so the direction must be known.
    """

    name: str
    title: str
    outcome: OutcomeKind
    estimator: str
    ratio: bool = False
    points: bool = False
    better: Literal["same", "turned", "directed"] = "same"

    @property
    def null(self) -> float:
        """The value that means no effect, as rows show it."""
        return 1.0 if self.ratio else 0.0


MEASURES: dict[str, Measure] = {
    m.name: m
    for m in (
        Measure("mean_difference", "difference in means", "number", "ancova"),
        Measure("risk_difference", "difference in proportions", "binary", "g_computation", points=True),
        Measure("risk_ratio", "ratio of proportions", "binary", "g_computation", ratio=True),
        Measure("odds_ratio", "odds ratio", "binary", "g_computation", ratio=True),
        Measure("rate_ratio", "ratio of rates", "count", "poisson", ratio=True),
        Measure("mean_ratio", "ratio of means", "count", "poisson", ratio=True),
        Measure("win_odds", "win odds, ties split", "ordered", "win_odds", ratio=True, better="directed"),
        Measure("quantile", "difference in quantiles", "number", "quantile"),
        Measure("proportional_odds", "common odds ratio of ordered categories", "ordered", "proportional_odds", ratio=True, better="directed"),
        Measure("hazard_ratio", "hazard ratio", "time", "cox", ratio=True, better="turned"),
        Measure("rmst_difference", "difference in restricted mean time", "time", "rmst"),
        Measure("rmst_ratio", "ratio of restricted mean times", "time", "rmst", ratio=True),
        Measure("rmtl_difference", "difference in restricted mean time lost", "time", "aalen_johansen", better="turned"),
        Measure("cumulative_incidence_difference", "difference in the share with the event", "time", "aalen_johansen", points=True, better="turned"),
    )
}  # fmt: skip


def better_effect(measure: str, better: Literal["higher", "lower"] | None) -> Literal["higher", "lower"] | None:
    """The better side of the effect, from the better direction of the outcome."""
    how = MEASURES[measure].better if measure in MEASURES else "same"
    if how == "directed":
        return "higher"
    if how == "turned" and better is not None:
        return "lower" if better == "higher" else "higher"
    return better


def is_ratio(measure: str) -> bool:
    """Whether rows of this measure show a ratio; what is not in the table (an effect in points, for instance) is a difference."""
    return measure in MEASURES and MEASURES[measure].ratio


def is_of_shares(measure: str) -> bool:
    """Whether arms are described by shares: the outcome is 0 or 1."""
    return measure in MEASURES and MEASURES[measure].outcome == "binary"


def in_points(measure: str) -> bool:
    """Whether effects are differences of shares, told in percentage points."""
    return measure in MEASURES and MEASURES[measure].points
