"""Why cells lie outside their bands: the first finding whose query holds a cell gives its reason, and `docs/calibration/outside.csv` lists them.

`python -m tests.calibration.findings` writes the list anew from the tables, as every `make calibrate` does.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tests.calibration.tables import FOLDER, coverage_inside, size_inside

UNKNOWN = "cause not found"


@dataclass(frozen=True)
class Table:
    """A table of results, the columns that say which cell a row is, and what is held to which band.

    `units` is the column with the number of groups or clusters; rows of people alone are held to the narrow band. A difference of power is held to .01.
    """

    name: str
    cell: tuple[str, ...]
    units: str
    held: dict[str, str]

    def inside(self, row: pd.Series, column: str) -> bool:
        if self.held[column] == "difference":
            return bool(row["inside"])
        units = 10 if "people" in str(row.get("design", "")) else row[self.units]
        return (size_inside if self.held[column] == "size" else coverage_inside)(row[column], units)


@dataclass(frozen=True)
class Finding:
    """Cells of a table (a pandas query) that lie outside for one reason."""

    table: str
    query: str
    reason: str


SIZE, COVERAGE = {"size": "size"}, {"coverage": "coverage"}
TABLES = (
    Table("itt_groups", ("groups", "icc", "variance_ratio"), "groups", SIZE),
    Table("itt_clusters", ("design", "units", "treated_share", "icc"), "units", SIZE),
    Table("strata", ("design", "groups_per_arm", "sizes", "shares", "icc", "estimator"), "groups_per_arm", SIZE | COVERAGE),
    Table(
        "cace",
        ("design", "units_per_arm", "compliers", "always_takers", "selection", "icc"),
        "units_per_arm",
        {
            "t_coverage": "coverage",
            "tf_coverage": "coverage",
            "anderson_rubin_coverage": "coverage",
            "anderson_rubin_size": "size",
        },
    ),
    Table("effect_sizes", ("design", "units_per_arm", "icc", "measure", "effect"), "units_per_arm", COVERAGE),
    Table("family", ("groups", "outcomes", "correlation"), "groups", {"family_wise_error": "size"}),
    Table("randomization", ("groups", "icc"), "groups", SIZE),
    Table("wild_bootstrap", ("design", "units", "treated_share", "icc", "kind"), "units", SIZE),
    Table("power", ("family", "setting"), "replicates", {"difference": "difference"}),
    Table("meta", ("studies", "tau2", "sizes"), "studies", COVERAGE | {"prediction_coverage": "coverage"}),
)
FINDINGS = (
    Finding(
        "itt_clusters",
        "design == 'clusters' and value < 0.04",
        "too careful: with 3 treated clusters of 10 Satterthwaite's df are few",
    ),
    Finding(
        "itt_clusters",
        "design == 'people'",
        "too free: n - k df with HC2 where the smaller arm has the larger variance; df='independence' keeps the level",
    ),
    Finding(
        "strata",
        "design == 'groups in one arm' and groups_per_arm == 6 and sizes == 'unequal' and icc >= 0.1",
        "too free: six groups in three strata leave 3 df between groups; with the true variances in place of the fitted ones the size of the default is .030-.047",
    ),
    Finding(
        "strata",
        "estimator == 'difference_in_means' and design == 'clusters'",
        "too free: clusters - 2 strata df, the published convention; with Satterthwaite's (df='independence', ancova, lin) inside the band, and the result says so",
    ),
    Finding(
        "strata",
        "what == 'coverage' and value > 0.96 and (estimator == 'ancova, additive' or shares == 'equal')",
        "too careful: the effect differs by stratum and additive strata leave that in the residuals; interacted (lin) inside the band",
    ),
    Finding(
        "strata",
        "design == 'clusters' and sizes == 'unequal' and shares == 'varying' and icc == 0",
        "too careful: cells of two clusters leave Satterthwaite's df at 7",
    ),
    Finding(
        "cace",
        "what == 't_coverage' and value > 0.96",
        "too careful: a weak instrument; the Anderson-Rubin set that is advised there is inside the band",
    ),
    Finding(
        "cace",
        "what == 't_coverage'",
        "too short: a weak instrument and types that differ much; the Anderson-Rubin set that is advised there is inside the band",
    ),
    Finding(
        "cace",
        "what == 'tf_coverage'",
        "too careful: the tF interval pays for the worst correlation there could be between take-up and outcome (Lee et al. 2022)",
    ),
    Finding(
        "family",
        "groups == 6",
        "too free: with 6 groups the t test itself is too free far in its tail, where many tests are decided (Bonferroni .06-.09), and their correlation is hardly known",
    ),
    Finding(
        "family",
        "groups == 10",
        "too free: p-values far in the tail (Bonferroni .062 for 10 outcomes) and a correlation that few groups tell little of",
    ),
    Finding(
        "randomization",
        "icc == 0.3",
        "too free: 6 or 10 groups of unequal size at ICC .3; the groups' own effects are most of the variance and the statistic takes their sizes as balanced",
    ),
    Finding(
        "wild_bootstrap",
        "kind == 'WCR11, webb'",
        "too free: Webb's weights with 6 or 10 clusters in balanced arms; Rademacher, the default, is inside the band",
    ),
    Finding(
        "wild_bootstrap",
        "kind == 'by person'",
        "too free: weights by person with 6 or 10 groups miss what a group shares; weights by group, the default, are inside the band",
    ),
    Finding(
        "wild_bootstrap",
        "kind == 'tk.itt'",
        "too careful: with 3 treated clusters of 10 Satterthwaite's df are few",
    ),
    Finding(
        "effect_sizes",
        "design == 'people' and units_per_arm <= 20 and measure in ('cohens_h', 'cox_d', 'logit_d', 'risk_ratio of counts', 'odds_ratio of counts')",
        "too careful: three to six events expected in an arm; Wald's errors of log odds, log ratios and arcsines are large for few events",
    ),
    Finding(
        "effect_sizes",
        "measure == 'risk_difference, number needed' and design == 'people'",
        "too free: normal limits (the default for people alone) on a Wald error; with t limits (estimator='ancova') inside the band from 20 an arm on",
    ),
    Finding(
        "effect_sizes",
        "measure == 'risk_difference, ancova'",
        "too free: Wald's error with 10 an arm and a rate of .65 against .30",
    ),
    Finding(
        "effect_sizes",
        "measure == 'common_language, cliffs_delta' and design == 'people'",
        "too careful: limits on the log odds with a t quantile stretch with 10 or 20 an arm",
    ),
    Finding(
        "effect_sizes",
        "design == 'people' and units_per_arm <= 20 and measure in ('hedges_g, control SD', 'dppc2')",
        "too careful: the d^2/(2v) of the variance takes d as estimated, large by chance where v is 9 to 19",
    ),
    Finding(
        "meta",
        "what == 'coverage'",
        "too short: studies of very unequal size, tau2 hardly known (Roever, Knapp & Friede 2015); the larger of both errors with t covers .942 or more",
    ),
    Finding(
        "meta",
        "what == 'prediction_coverage' and tau2 == 0",
        "too wide: no heterogeneity, but tau2 is estimated above zero in 45 % of the draws",
    ),
    Finding(
        "meta",
        "what == 'prediction_coverage'",
        "too short: the interval takes tau2 as known, and it is often estimated at zero (Partlett & Riley 2017)",
    ),
    Finding(
        "power",
        "kind == 'optimistic: baseline'",
        "too high: the published formula takes a covariate as balanced between the arms; .power_with_imbalance and the note have the exact power",
    ),
    Finding(
        "power",
        "kind in ('optimistic: few people, Welch', 'optimistic: few clusters, two SDs', 'optimistic: plug-in df')",
        "too high: plug-in Satterthwaite df with few units; the note has the exact power (grouped: method='exact', the default)",
    ),
    Finding(
        "power",
        "kind == 'optimistic: grouped cells'",
        "too high: plug-in Satterthwaite df with 4 groups in a cell; the note says so",
    ),
    Finding(
        "power",
        "kind == 'optimistic: equivalence, few groups'",
        "too high: two one-sided tests with plug-in df and 4 groups; the note says so",
    ),
    Finding(
        "power",
        "kind == 'optimistic: take-up'",
        "too high: when participants alone have the effect the treated are a mixture with a larger variance; the note names its size",
    ),
    Finding(
        "power",
        "kind == 'optimistic: moderator'",
        "too high: the formula takes the spread of a continuous moderator as set; the note has the power with a drawn one",
    ),
    Finding(
        "power",
        "kind == 'optimistic: ordered, normal formula'",
        "too high: normal formula (Whitehead's) with 60 people an arm; the note says so",
    ),
    Finding(
        "power",
        "kind in ('optimistic: rate', 'optimistic: rate, 6 groups', 'optimistic: rate in clusters')",
        "too high: the variance between few groups follows their rates; the note names its size",
    ),
    Finding("power", "kind == 'counts'", "a saw: counts are whole numbers; method='exact' follows it and is inside"),
    Finding(
        "power",
        "kind == 'counts, normal formula'",
        "too low: normal formula for a quasi-Poisson test with 60 people an arm; the note says so",
    ),
    Finding(
        "power",
        'kind == "events: the formula\'s own case"',
        "Schoenfeld's and Freedman's formulas are first-order in the log hazard ratio: 60 events, ratios of .6 and 1.5; the note gives both",
    ),
    Finding(
        "power",
        'kind == "events: unequal arms, the other formula\'s case"',
        "with unequal arms Schoenfeld's formula does not hold where a minority has the event, nor Freedman's where all have it; the note gives both",
    ),
)


def outside() -> pd.DataFrame:
    """Every number outside its band: table, cell, what, value, replicates, reason."""
    rows = []
    for table in TABLES:
        path = FOLDER / f"{table.name}.csv"
        if not path.exists():
            continue
        cells = pd.read_csv(path)
        for column in table.held:
            for _, row in cells.iterrows():
                if table.inside(row, column):
                    continue
                text = ", ".join(f"{c}={row[c]:g}" if isinstance(row[c], float) else f"{c}={row[c]}" for c in table.cell)
                rows.append(
                    {
                        "table": table.name, "what": column, "value": row[column], "replicates": row["replicates"], "cell": text,
                        "reason": reason(table.name, column, row),
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def reason(table: str, column: str, row: pd.Series) -> str:
    """Of the first finding that holds the cell; queries may use `what`, the column that is outside, and its `value`."""
    one = pd.DataFrame([row.to_dict() | {"what": column, "value": row[column]}])
    return next((f.reason for f in FINDINGS if f.table == table and len(one.query(f.query))), UNKNOWN)


def refresh() -> pd.DataFrame:
    """Write the list."""
    found = outside()
    found.to_csv(FOLDER / "outside.csv", index=False, float_format="%.5g", lineterminator="\n")
    return found


if __name__ == "__main__":
    refresh()
