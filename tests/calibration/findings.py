"""Why cells lie outside their bands: the first finding whose query holds a cell gives its reason.

Queries may use the columns of the table, `what` (the column that is outside), its `value` and its `mc_error`. What no finding holds and is within two Monte Carlo
errors of the band is said to be that; the rest says that its cause was not found.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tests.calibration.published import TABLES, Table
from tests.calibration.tables import FOLDER

UNKNOWN = "cause not found"
NOISE = "within two Monte Carlo errors of the band: more replicates would tell"


@dataclass(frozen=True)
class Finding:
    """Cells of a table (a pandas query) that lie outside for one reason."""

    table: str
    query: str
    reason: str


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
        "mixed_clusters",
        "groups == 10 and icc == 0",
        "too careful: 10 clusters of unequal size (4 to 20 people) at ICC 0 leave 7 df on average; with equal sizes they are 8 and the size is .050",
    ),
    Finding(
        "binary_groups_in_one_arm",
        "analysis == 'risk_difference' and units <= 10 and icc == 0.3",
        "too free: 6 or 10 groups that differ much; at a rate of .1 the standard error goes with the rate in the groups (correlation .5) and nearly all false "
        "rejections are of lower rates there (.059 against .011), and df that follow the fitted variance are large where it is small; the risk ratio keeps its level",
    ),
    Finding(
        "win_odds_people",
        "df == 'independence'",
        "too careful (not the default): limits on the log odds with a t quantile stretch with 10 or 20 treated; the default is normal there",
    ),
    Finding(
        "quantile",
        "q >= 0.75",
        "too careful: Woodruff's inversion reaches into the long tail of a lognormal, where amounts thin out; inside the band at 40 groups",
    ),
    Finding(
        "quantile_bootstrap",
        "interval == 'percentile' and groups == 6",
        "too free (not the default): few groups to resample; the default takes the density and a t quantile",
    ),
    Finding(
        "lee_bounds",
        "what == 'coverage_lower'",
        "too careful: the trimmed share is estimated and its sign can turn with few groups",
    ),
    Finding(
        "lee_bounds",
        "what == 'coverage_upper' and value < 0.94",
        "too short: the mean of the highest lognormal amounts is skewed, and the interval spends its 5 % on one side",
    ),
    Finding(
        "survival_people",
        "measure == 'rmst_difference'",
        "too free: normal limits on Greenwood's variance (the reference case) with 20 people in an arm; with df='independence' .052-.058, and the result says so",
    ),
    Finding(
        "mediation",
        "method in ('percentile', 'bca') and groups <= 20",
        "too short (not the default below 40 independent units in an arm): few groups to resample; Monte Carlo with CR2, the default there, is inside the band",
    ),
    Finding(
        "primary_missing",
        "analysis == 'difference of available cases'",
        "shown for contrast: the people who stayed differ between the arms, and nothing is done about it",
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
    return pd.concat([outside_of(t) for t in TABLES if (FOLDER / f"{t.name}.csv").exists()], ignore_index=True)


def outside_of(table: Table) -> pd.DataFrame:
    """Of one table; `row` is the row it stands in."""
    cells = pd.read_csv(FOLDER / f"{table.name}.csv")
    found = []
    for column in table.held:
        for i, row in cells[table.holds(cells, column)].iterrows():
            if not table.inside(row, column):
                of = {"what": column, "value": row[column], "mc_error": table.mc_error(row, column), "row": i}
                found.append(row.to_dict() | of | {"replicates": table.replicates(row, column), "near": table.near(row, column)})
    columns = ["row", "table", "what", "value", "replicates", "mc_error", "cell", "reason"]
    if not found:
        return pd.DataFrame(columns=columns)
    numbers = pd.DataFrame(found)
    words = [", ".join(f"{c}={r[c]:g}" if isinstance(r[c], float) else f"{c}={r[c]}" for c in table.cell) for r in found]
    return numbers.assign(table=table.name, cell=words, reason=reasons(table.name, numbers))[columns]


def reasons(table: str, numbers: pd.DataFrame) -> pd.Series:
    """Of the first finding that holds a row; without one, whether it is near its band."""
    out = numbers["near"].map({True: NOISE, False: UNKNOWN})
    for finding in reversed([f for f in FINDINGS if f.table == table]):
        out[numbers.query(finding.query).index] = finding.reason
    return out
