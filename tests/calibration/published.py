"""Which tables are published, on which page, and what of each is held to which band."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from tests.calibration.tables import coverage_inside, size_inside


@dataclass(frozen=True)
class Band:
    """What a number must keep to with `units` groups or clusters, in words and as limits."""

    words: str
    inside: Callable[[float, float], bool]
    limits: Callable[[float], tuple[float, float]]


BANDS = {
    "size": Band(
        ".04 to .06 from 10 groups or clusters on, at most .065 with fewer",
        size_inside,
        lambda units: (0.04, 0.06) if units >= 10 else (0.0, 0.065),
    ),
    "coverage": Band(
        ".94 to .96 from 10 groups or clusters on, at least .935 with fewer",
        coverage_inside,
        lambda units: (0.94, 0.96) if units >= 10 else (0.935, 1.0),
    ),
    "careful": Band("at most .06", lambda value, _: value <= 0.06, lambda _: (0.0, 0.06)),
    "indirect": Band(".93 to .97", lambda value, _: 0.93 <= value <= 0.97, lambda _: (0.93, 0.97)),
    "difference": Band("at most .01 from the simulation", lambda value, _: abs(value) <= 0.01, lambda _: (-0.01, 0.01)),
}


@dataclass(frozen=True)
class Table:
    """A table of results: the columns that say which cell a row is, and the columns that are held to a band.

    `units` is the column with the number of groups, clusters or studies; people alone are held to the narrow band. `only` has a query for columns that are
    not held in every row, `replicates_of` a factor for those that are of more or fewer replicates than the column `replicates` says. Pages fold by `parts`
    and show the columns `shown` beside the figures; `pooled` is a figure averaged over the cells of a query, by the values of two columns.
    """

    name: str
    page: str
    what: str
    cell: tuple[str, ...]
    held: Mapping[str, str]
    units: str = ""
    parts: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    only: Mapping[str, str] = field(default_factory=dict)
    replicates_of: Mapping[str, float] = field(default_factory=dict)
    pooled: tuple[str, str, str, str] | None = None

    def limits(self, row: pd.Series, column: str) -> tuple[float, float]:
        return BANDS[self.held[column]].limits(self._units(row))

    def inside(self, row: pd.Series, column: str) -> bool:
        return BANDS[self.held[column]].inside(float(row[column]), self._units(row))

    def replicates(self, row: pd.Series, column: str) -> int:
        return round(float(row["replicates"]) * self.replicates_of.get(column, 1.0))

    def mc_error(self, row: pd.Series, column: str) -> float:
        if self.held[column] == "difference":
            return float(row["mc_error"])
        value = float(row[column])
        return float(np.sqrt(max(value * (1 - value), 0.0) / self.replicates(row, column)))

    def near(self, row: pd.Series, column: str) -> bool:
        """Within two Monte Carlo errors of the band."""
        (low, high), error = self.limits(row, column), 2 * self.mc_error(row, column)
        return bool(low - error <= row[column] <= high + error)

    def holds(self, rows: pd.DataFrame, column: str) -> pd.Series:
        """In which rows the column is held: not where it has no number."""
        there = rows[column].notna()
        return there & rows.eval(self.only[column]) if column in self.only else there

    def _units(self, row: pd.Series) -> float:
        people = not self.units or "people" in str(row.get("design", ""))
        return 10.0 if people else float(row[self.units])


ONE_ARM = "groups in one arm"
SHARES_CELL = ("analysis", "units", "icc", "control", "treated")
SHARES_HELD = {"size": "size", "coverage": "coverage"}
WAVES = ("wave_1", "wave_2", "average", "fade_out")
TABLES = (
    Table("itt_groups", "effects", f"ANCOVA, {ONE_ARM}; variance ratio of the arms 1 and 2", ("groups", "icc", "variance_ratio"), {"size": "size"}, "groups", ("groups",)),
    Table("itt_clusters", "effects", "ANCOVA, clusters randomized (unequal, mean 20, CV .5), half or a third treated; people alone with twice the variance in the treated arm",
          ("design", "units", "treated_share", "icc"), {"size": "size"}, "units", ("design",)),
    Table("strata", "effects", "strata with equal and varying shares of the treated; the effect differs by stratum", ("design", "groups_per_arm", "sizes", "shares", "icc", "estimator"),
          {"size": "size", "coverage": "coverage"}, "groups_per_arm", ("design", "groups_per_arm")),
    Table("mixed_groups", "mixed", "REML, groups in one arm", ("groups", "icc", "variance_ratio", "controls_per_treated"),
          {"size_satterthwaite": "size", "size_kenward_roger": "size"}, "groups", ("groups",)),
    Table("mixed_clusters", "mixed", "REML, clusters randomized", ("groups", "icc", "treated_share"), {"size_satterthwaite": "size", "size_kenward_roger": "size"}, "groups", ("groups",)),
    Table("longitudinal", "mixed", f"three waves by cLDA, {ONE_ARM}, 30 % drop-out by the wave before; half of the replicates without an effect",
          ("groups", "icc", "variance_ratio", "covariance_by_arm"), {f"size_{w}": "size" for w in WAVES} | {f"coverage_{w}": "coverage" for w in WAVES}, "groups", ("groups",),
          replicates_of={f"{k}_{w}": 0.5 for k in ("size", "coverage") for w in WAVES}),
    Table("binary_groups_in_one_arm", "binary", f"risk difference and ratio by g-computation, {ONE_ARM}", SHARES_CELL, SHARES_HELD, "units", ("units",), only={"coverage": "control != treated"}),
    Table("binary_clusters", "binary", "the same, clusters in both arms (mean 20, CV .5)", SHARES_CELL, SHARES_HELD, "units", ("units",), only={"coverage": "control != treated"}),
    Table("binary_people_alone", "binary", "the same, people alone", SHARES_CELL, SHARES_HELD, "", ("units",), only={"coverage": "control != treated"}),
    Table("counts_groups_in_one_arm", "binary", f"rate ratio by Poisson regression of overdispersed counts, {ONE_ARM}", SHARES_CELL, SHARES_HELD, "units", ("units",), only={"coverage": "control != treated"}),
    Table("logit_groups_in_one_arm", "binary", f"conditional odds ratio by logistic regression, {ONE_ARM}", SHARES_CELL, SHARES_HELD, "units", ("units",), only={"coverage": "control != treated"}),
    Table("win_odds", "ordinal", f"win odds of a rating and of a continuous outcome, {ONE_ARM}", ("outcome", "groups", "icc", "effect"), {"wrong": "size"}, "groups", ("outcome", "groups")),
    Table("win_odds_people", "ordinal", "win odds of people alone, a third treated", ("outcome", "people", "effect", "df"), {"wrong": "size"}, "", ("outcome",)),
    Table("win_odds_adjusted", "ordinal", f"win odds with a covariate, {ONE_ARM}", ("groups", "icc", "effect"), {"wrong": "size"}, "groups", ("groups",)),
    Table("proportional_odds", "ordinal", f"common odds ratio, {ONE_ARM}", ("groups", "icc", "effect"), {"wrong": "size"}, "groups", ("groups",)),
    Table("proportional_odds_check", "ordinal", "the check that odds are proportional, where they are", ("groups", "icc"), {"rejected": "size"}, "groups"),
    Table("quantile", "ordinal", f"difference of quantiles, the default interval, {ONE_ARM}", ("outcome", "q", "groups", "icc", "effect"), {"wrong": "size"}, "groups", ("outcome", "q")),
    Table("quantile_bootstrap", "ordinal", "difference of medians, bootstrap of groups, 400 resamples", ("interval", "groups", "icc"), {"wrong": "size"}, "groups", ("interval",)),
    Table("quantile_regression", "ordinal", "difference of medians with a covariate", ("groups", "icc"), {"wrong": "size"}, "groups"),
    Table("lee_bounds", "ordinal", f"either end of Lee's bounds of the intensive margin, {ONE_ARM}", ("groups", "icc"), {"coverage_lower": "coverage", "coverage_upper": "coverage"}, "groups"),
    Table("survival", "survival", f"hazard ratio, restricted mean and log-rank test, {ONE_ARM}", ("measure", "groups", "icc", "hazard_ratio", "censoring"), {"wrong": "size"}, "groups", ("groups",)),
    Table("survival_people", "survival", "the same, people alone", ("measure", "people", "share", "hazard_ratio", "censoring"), {"wrong": "size"}, "", ("people",)),
    Table("survival_designs", "survival", "hazard ratio and log-rank test with covariates, with strata and with clusters", ("design", "strata", "units", "icc", "measure"), {"wrong": "size"}, "units", ("design",)),
    Table("effect_sizes", "effect_sizes", "intervals of effect sizes: people alone, clusters, groups in one arm", ("design", "units_per_arm", "icc", "measure", "effect"), {"coverage": "coverage"},
          "units_per_arm", ("design", "units_per_arm")),
    Table("meta", "effect_sizes", "meta-analysis by Hartung and Knapp, 5 to 20 studies", ("studies", "tau2", "sizes"), {"coverage": "coverage", "prediction_coverage": "coverage"}, "studies", ("studies",)),
    Table("randomization", "draws", "group-studentized randomization test, groups in one arm", ("groups", "icc"), {"size": "size"}, "groups"),
    Table("randomization_arms", "draws", "randomization test with three arms: of a row, and of the family", ("cell", "people"), {"row": "size", "family": "careful"}),
    Table("wild_bootstrap", "draws", "wild cluster bootstrap, clusters and groups in one arm", ("design", "units", "treated_share", "icc", "kind"), {"size": "size"}, "units", ("design", "units")),
    Table("specification_curve", "draws", "joint test of a specification curve, groups of 10 in one arm formed by the design", ("groups", "icc", "statistic"), {"size": "size"}, "groups", ("groups",)),
    Table("family", "draws", f"family-wise error of Romano-Wolf, {ONE_ARM}, ICC .1", ("groups", "outcomes", "correlation"), {"family_wise_error": "size"}, "groups"),
    Table("subgroups", "subgroups", f"interactions, and the effect in the first subgroup, {ONE_ARM}", ("moderator", "groups", "icc"), {"size": "size", "size_subgroup": "size", "band_missed": "size"},
          "groups", ("moderator",)),
    Table("subgroups_ratios", "subgroups", "interaction of risk ratios: the package, and its formula written out for ten times as many", ("groups", "icc"), {"size": "size", "size_formula": "size"}, "groups",
          replicates_of={"size_formula": 10.0}),
    Table("equivalence", "subgroups", "one-sided tests of an effect that lies on the margin, groups in one arm", ("groups", "icc"), {"above": "size", "below": "size"}, "groups"),
    Table("cace", "take_up", "complier effects, take-up .15 and .7, people, clusters and groups in one arm", ("design", "units_per_arm", "compliers", "always_takers", "selection", "icc"),
          {"t_coverage": "coverage", "tf_coverage": "coverage", "anderson_rubin_coverage": "coverage", "anderson_rubin_size": "size"}, "units_per_arm", ("design",)),
    Table("mediation", "mediation", "indirect effect, groups in one arm, a fifth of outcomes missing", ("outcome", "group_effects", "icc", "arm_on_mediator", "groups", "method"),
          {"coverage_of_limit": "indirect"}, "groups", ("outcome", "groups"), pooled=("coverage_of_limit", "arm_on_mediator > 0", "groups", "method")),
    Table("latent_effect", "mediation", "effect on a latent change, two-wave factor model, groups of 10 in one arm, a fifth of answers missing or none", ("groups", "icc", "missing", "unit"),
          {"coverage": "coverage"}, "groups", ("groups",)),
    Table("primary_missing", "missing", "primary analysis by imputation and by weights, 10 groups in one arm, losses by baseline and arm", ("groups", "analysis"), {"coverage": "coverage"}, "groups"),
    Table("transport", "missing", "effects carried over to a population, groups in one arm", ("method", "groups", "shift", "icc"), {"coverage": "coverage"}, "groups", ("method",)),
    Table("power", "power", "closed-form power less that of the simulated test it names", ("family", "setting"), {"difference": "difference"}, "", ("family",), ("closed_form", "simulated")),
    Table("scenarios", "scenarios", "planned effects of the two-arm scenarios", ("scenario", "outcome", "metric"), {"coverage": "coverage"}, "", ("scenario",)),
)  # fmt: skip
