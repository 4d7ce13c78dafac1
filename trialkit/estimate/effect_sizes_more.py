"""Effect sizes beyond Hedges g (`tk.effect_size`): from summary numbers, from a result, and from a trial.

From a trial, with intervals that respect its groups: `pre_post_control`, `cohens_h`, `cox_d`, `logit_d`, `common_language`, `cliffs_delta`. From
published numbers: `clustered_g`, `one_arm_grouped_g`, `from_counts`, `convert`, `risk_ratio_for_evalue`. From a result: `number_needed_to_treat`,
`percentile_improvement`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from scipy import special

from trialkit.errors import CombinationError, DataError, EstimationError, UsageError, nearest, shown
from trialkit.estimate.conversions import ConversionResult, convert, risk_ratio_for_evalue
from trialkit.estimate.effect_size_results import EffectMeasure, EffectSize, tested
from trialkit.estimate.effect_sizes_trial import cliffs_delta, cohens_h, common_language, cox_d, logit_d, pre_post_control
from trialkit.estimate.sample import Sample, sample
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import TTest, t_test
from trialkit.inference.effect_sizes import ClusteredD, clustered_d, two_by_two
from trialkit.results import Estimate, Note, Result, TableResult
from trialkit.trial import ALONE, Trial

__all__ = [
    "ConversionResult",
    "EffectMeasure",
    "EffectSize",
    "NumberNeeded",
    "cliffs_delta",
    "clustered_g",
    "cohens_h",
    "common_language",
    "convert",
    "cox_d",
    "from_counts",
    "logit_d",
    "number_needed_to_treat",
    "one_arm_grouped_g",
    "percentile_improvement",
    "pre_post_control",
    "risk_ratio_for_evalue",
]

_OF_TRIAL = {
    "cohens_h": cohens_h,
    "cox_d": cox_d,
    "logit_d": logit_d,
    "cliffs_delta": cliffs_delta,
    "common_language": common_language,
}
KINDS = ("hedges_g", "cohens_d", "dppc2", *_OF_TRIAL, "percentile_improvement")


@dataclass(frozen=True)
class NumberNeeded(TableResult):
    """Numbers needed to treat; `.tidy()` has contrast, estimate, at_conf_low, at_conf_high and the set in words."""

    kind = "number_needed"

    @property
    def estimate(self) -> float:
        """1 / risk difference: positive for one more event, negative for one fewer."""
        return self._number("estimate")

    @property
    def at_conf_low(self) -> float:
        """1 / lower limit of the risk difference."""
        return self._number("at_conf_low")

    @property
    def at_conf_high(self) -> float:
        return self._number("at_conf_high")

    def _number(self, name: str) -> float:
        if len(self.table) != 1:
            raise UsageError(f"this result has {len(self.table)} rows: read them from .tidy().")
        # infinity is text in JSON
        return float(self.table[0][name])

    def _title(self) -> str:
        return "Number needed to treat"


def standardize_more(
    result: Result,
    kind: str,
    *,
    trial: Trial | None,
    baseline: str | None = None,
    icc: float | None = None,
) -> Result:
    """The effect size `kind` of an ITT result, for the same contrasts; what stands behind `result.standardized(kind, ...)`.

    Parameters
    ----------
    result : an unadjusted ITT result. trial : the trial it came from (None for a result read from a file).
    kind : 'dppc2' (with `baseline`), 'cohens_h', 'cox_d', 'logit_d', 'cliffs_delta', 'common_language', or 'hedges_g' with `icc` (total variance;
        Hedges 2007 for clusters, Hedges & Citkowicz 2015 for groups in one arm).

    Raises
    ------
    CombinationError
        An effect size that does not exist, lacks its argument, or is asked of an adjusted effect.
    """
    if kind not in (*_OF_TRIAL, "dppc2", "hedges_g"):
        near = nearest(kind, KINDS)
        raise CombinationError(f"there is no effect size '{kind}'; there are {shown(KINDS, 20)}.{f' Did you mean {near!r}?' if near else ''}")
    if trial is None:
        raise UsageError(f"the effect size '{kind}' is computed from the people, which a result read from a file does not hold: run tk.itt again.")
    if result.details.get("adjust"):
        raise CombinationError(f"the effect size '{kind}' is of the raw outcome, not of an adjusted effect: run tk.itt without adjust, or use 'hedges_g'.")
    outcome, conf_level = result.estimates[0].outcome, result.estimates[0].conf_level
    contrasts: Literal["control", "all"] = "all" if any(reference for _, reference in result.details["contrasts"]) else "control"
    if kind == "dppc2":
        if baseline is None:
            raise CombinationError("'dppc2' needs the pretest: standardized('dppc2', baseline='y0').")
        return pre_post_control(trial, outcome, baseline=baseline, contrasts=contrasts, conf_level=conf_level)
    if kind == "hedges_g":
        if icc is None:
            raise CombinationError("'hedges_g' on the total variance needs the intraclass correlation: icc=0.1, for instance.")
        return clustered_from_trial(trial, outcome, icc=icc, contrasts=contrasts, conf_level=conf_level)
    return _OF_TRIAL[kind](trial, outcome, contrasts=contrasts, conf_level=conf_level)


def clustered_g(
    *,
    mean_1: float,
    sd_1: float,
    sizes_1: Sequence[int],
    mean_0: float,
    sd_0: float,
    sizes_0: Sequence[int],
    icc: float,
    conf_level: float = 0.95,
) -> EffectSize:
    """Hedges' g of a cluster-randomized trial from means, SDs, cluster sizes and a known intraclass correlation.

    Standardized by the total SD, between and within clusters; the interval is t on h degrees of freedom.

    Parameters
    ----------
    mean_1, sd_1 : mean and SD over the people of the treated arm (n - 1). mean_0, sd_0 : of the control arm.
    sizes_1, sizes_0 : size of every cluster of an arm, equal or not: [20] * 8.
    icc : intraclass correlation, taken as known.
    conf_level : of the interval.

    Returns
    -------
    EffectSize
        The row is g; `.d .variance` (of d) `.df .g`.

    References
    ----------
    Hedges (2007), total-variance effect size; variance d^2/(2h) as in What Works Clearinghouse (2022), E.21.

    Examples
    --------
    >>> import trialkit as tk
    >>> found = clustered_g(mean_1=52.4, sd_1=9.8, sizes_1=[20] * 8, mean_0=49.1, sd_0=10.6, sizes_0=[20] * 10, icc=0.15)
    >>> round(found.d, 4), round(found.g, 4), round(found.df, 1)
    (0.3193, 0.3184, 256.3)
    """
    one, zero = _sizes(sizes_1, "sizes_1"), _sizes(sizes_0, "sizes_0")
    found = _checked_d(mean_1 - mean_0, sd_1, one, sd_0, zero, icc, one_arm=False)
    base = _summary_row(one, zero, conf_level, int(len(one) + len(zero)), 0)
    return _clustered_result([(base, found)], icc, "total SD, between and within clusters", "Hedges g, clusters in both arms")


def one_arm_grouped_g(
    *, mean_1: float, sd_1: float, sizes_1: Sequence[int], mean_0: float, sd_0: float, n_0: int, icc: float, conf_level: float = 0.95
) -> EffectSize:
    """Hedges' g of a trial with groups in the treated arm and single people as controls, from summary numbers.

    Standardized by the total SD of the grouped arm, whose within-group part the controls share; arguments and result as in
    `clustered_g`, with `n_0` controls.

    References
    ----------
    Hedges & Citkowicz (2015).

    Examples
    --------
    >>> import trialkit as tk
    >>> found = one_arm_grouped_g(mean_1=31.2, sd_1=9.9, sizes_1=[12] * 8, mean_0=27.9, sd_0=9.1, n_0=80, icc=0.1)
    >>> round(found.g, 4), round(found.df, 1)
    (0.3351, 163.9)
    """
    one, zero = _sizes(sizes_1, "sizes_1"), np.ones(int(n_0))
    found = _checked_d(mean_1 - mean_0, sd_1, one, sd_0, zero, icc, one_arm=True)
    base = _summary_row(one, zero, conf_level, int(len(one) + len(zero)), len(one))
    return _clustered_result([(base, found)], icc, "total SD of the grouped arm", "Hedges g, groups in one arm")


def clustered_from_trial(
    trial: Trial, outcome: str, *, icc: float, contrasts: Literal["control", "all"] = "control", conf_level: float = 0.95
) -> EffectSize:
    """`clustered_g`, or `one_arm_grouped_g` where groups exist in one arm only, from the people of a trial."""
    s = sample(trial, outcome, (), "impute")
    if not s.clustered:
        raise UsageError("icc= needs clusters or groups: name them in Trial(cluster=...) or Trial(group=...), or leave icc out.")
    if s.weights is not None:
        raise CombinationError("icc= does not combine with weights: leave one of them out.")
    pairs = [(a, 0) for a in range(1, len(s.arms))]
    if contrasts == "all":
        pairs += [(a, b) for b in range(1, len(s.arms)) for a in range(b + 1, len(s.arms))]
    rows, unit, method = [], "total SD, between and within clusters", "Hedges g, clusters in both arms"
    for arm, reference in pairs:
        inside = np.isin(s.arm, (arm, reference))
        base = replace(
            _summary_row(np.ones(int(inside.sum())), np.empty(0), conf_level, len(np.unique(s.unit_of_variance[inside])), s.groups_in(inside)),
            outcome=outcome,
            contrast=f"{s.arms[arm]} - {s.arms[reference]}",
        )
        found, one_arm = _of_arms(s, arm, reference, icc)
        if one_arm:
            unit, method = "total SD of the grouped arm", "Hedges g, groups in one arm"
        rows.append((base, found))
    result = _clustered_result(rows, icc, unit, method)
    said = [Note("strata_unused", "strata do not enter this effect size: its means and SDs are those of the arms.")] if trial.strata else []
    return EffectSize(result.estimates, (*s.notes, *result.notes, *said), {**result.details, "contrasts": [list(p) for p in pairs]})


def _of_arms(s: Sample, arm: int, reference: int, icc: float) -> tuple[ClusteredD, bool]:
    """d of two arms; the grouped arm stands first where only one is grouped."""
    y, sizes, grouped = [], [], []
    for code in (arm, reference):
        inside = s.arm == code
        y.append(s.y[inside])
        sizes.append(np.unique(s.unit_of_variance[inside], return_counts=True)[1].astype(float))
        grouped.append(s.cluster is not None or bool((s.group[inside] != ALONE).any()))
    if not any(grouped):
        raise UsageError(f"neither {s.arms[arm]!r} nor {s.arms[reference]!r} has groups: this contrast has no intraclass correlation.")
    order = [0, 1] if grouped[0] else [1, 0]
    one, zero = order
    sign = 1.0 if one == 0 else -1.0
    difference, sds = sign * float(y[0].mean() - y[1].mean()), [float(v.std(ddof=1)) for v in y]
    found = _checked_d(difference, sds[one], sizes[one], sds[zero], sizes[zero], icc, one_arm=not all(grouped))
    return replace(found, d=sign * found.d), not all(grouped)


def _checked_d(
    difference: float, sd_1: float, sizes_1: FloatArray, sd_0: float, sizes_0: FloatArray, icc: float, *, one_arm: bool
) -> ClusteredD:
    if not 0 <= icc < 1:
        raise UsageError(f"icc={icc} must lie between 0 and 1; take a negative estimate as 0.")
    if not (math.isfinite(difference) and sd_1 >= 0 and sd_0 >= 0 and max(sd_1, sd_0) > 0 and math.isfinite(sd_1 + sd_0)):
        raise DataError("means must be known, and SDs known, not negative and not both zero.")
    if sizes_1.sum() < 2 or sizes_0.sum() < 2:
        raise DataError("each arm needs two people or more.")
    return clustered_d(difference=difference, sd_1=sd_1, sizes_1=sizes_1, sd_0=sd_0, sizes_0=sizes_0, icc=icc, one_arm=one_arm)


def _sizes(values: Sequence[int], name: str) -> FloatArray:
    sizes = np.asarray(list(values), dtype=float)
    if len(sizes) < 2 or not (sizes >= 1).all() or not (sizes == np.round(sizes)).all():
        raise DataError(f"{name} lists the size of each cluster, two or more clusters of at least one person; got {shown(sizes.tolist())}.")
    return sizes


def _summary_row(sizes_1: FloatArray, sizes_0: FloatArray, conf_level: float, clusters: int, groups: int) -> Estimate:
    nan = math.nan
    n = int(sizes_1.sum() + sizes_0.sum())
    return Estimate("outcome", "", "treated - control", nan, nan, nan, nan, nan, nan, nan, conf_level, n, clusters, groups, "", "known ICC")


def _clustered_result(rows: Sequence[tuple[Estimate, ClusteredD]], icc: float, unit: str, method: str) -> EffectSize:
    estimates, parts = [], []
    for base, d in rows:
        se = d.j * math.sqrt(d.variance)
        test = t_test(d.g, se, d.df, base.conf_level)
        estimates.append(replace(tested(base, d.g, se, test, estimand=f"participant-average ITT in SDs ({unit})", method=method), df=d.df))
        parts.append(
            {
                "contrast": base.contrast, "d": d.d, "variance": d.variance, "variance_printed": d.variance_printed, "df": d.df, "g": d.g,
                "j": d.j, "icc": icc,
            }
        )  # fmt: skip
    note = Note("icc_known", f"the intraclass correlation of {icc:g} is taken as known: its uncertainty is not in the interval.")
    return EffectSize(tuple(estimates), (note,), {"kind": "hedges_g", "parts": parts})


def from_counts(*, events_1: int, n_1: int, events_0: int, n_0: int, conf_level: float = 0.95) -> EffectMeasure:
    """Risk difference, risk ratio and odds ratio of a two by two table of independent people, with Wald's normal intervals.

    No adjustment, no continuity correction, no groups: for published tables and for comparison. With groups, use `tk.itt`. Ratios are
    ratios and their standard errors those of the log.

    Parameters
    ----------
    events_1, n_1 : events and people of the treated arm. events_0, n_0 : of the control arm.
    conf_level : of the intervals.

    Examples
    --------
    >>> import trialkit as tk
    >>> from_counts(events_1=30, n_1=100, events_0=20, n_0=100).tidy()["estimate"].round(3).tolist()
    [0.1, 1.5, 1.714]
    """
    for name, events, n in (("treated", events_1, n_1), ("control", events_0, n_0)):
        if not (n >= 1 and 0 <= events <= n):
            raise DataError(f"the {name} arm has {events} events among {n} people: events lie between 0 and the number of people.")
    t = two_by_two(events_1=float(events_1), n_1=float(n_1), events_0=float(events_0), n_0=float(n_0))
    base = replace(_summary_row(np.array([n_1]), np.array([n_0]), conf_level, int(n_1 + n_0), 0), df=math.inf, covariance="wald")
    rows, notes = [], []
    for name, value, se, ratio in (
        ("risk difference", t.risk_difference, t.se_risk_difference, False),
        ("risk ratio", t.log_risk_ratio, t.se_log_risk_ratio, True),
        ("odds ratio", t.log_odds_ratio, t.se_log_odds_ratio, True),
    ):
        test = t_test(value, se, math.inf, conf_level)
        if math.isnan(test.p_value):
            notes.append(Note("empty_cell", f"an empty cell of the table leaves the {name} without {'a value' if math.isnan(value) else 'an interval'}."))
        if ratio:
            value, test = math.exp(value), TTest(test.statistic, test.p_value, math.exp(test.conf_low), math.exp(test.conf_high))
        rows.append(tested(base, value, se, test, estimand=name, method="two by two table"))
    return EffectMeasure(tuple(rows), tuple(notes), {"kind": "counts"})


def number_needed_to_treat(result: Result) -> NumberNeeded:
    """How many people to treat for one more event, from a risk difference.

    When the interval of the risk difference covers zero, the set of numbers runs through infinity: it is two pieces, 'so many or more for
    one more event' and 'so many or more for one fewer', and the limits have opposite signs.

    Parameters
    ----------
    result : of `tk.itt(..., measure="risk_difference")`, or of `from_counts`.

    Returns
    -------
    NumberNeeded
        `.estimate .at_conf_low .at_conf_high` (1 over the risk difference and over its limits; negative for one fewer event), and the set in
        words in `.tidy()`.

    References
    ----------
    Altman (1998).

    Examples
    --------
    >>> import trialkit as tk
    >>> found = number_needed_to_treat(from_counts(events_1=30, n_1=100, events_0=20, n_0=100))
    >>> round(found.estimate), round(found.at_conf_low), round(found.at_conf_high)
    (10, -53, 5)
    """
    rows = [e for e in result.estimates if result.details.get("measure") == "risk_difference" or e.estimand == "risk difference"]
    if not rows:
        raise CombinationError("a number needed to treat is of a risk difference: use tk.itt(..., measure='risk_difference').")
    table = []
    for e in rows:
        at_low, at_high = _reciprocal(e.conf_low), _reciprocal(e.conf_high)
        row: dict[str, Any] = {"outcome": e.outcome, "contrast": e.contrast, "estimate": _reciprocal(e.estimate)}
        table.append(row | {"at_conf_low": at_low, "at_conf_high": at_high, "conf_level": e.conf_level, "set": _needed_set(e)})
    return NumberNeeded((), tuple(result.notes), {"measure": "number needed to treat"}, tuple(table))


def _reciprocal(value: float) -> float:
    return 1 / value if value else math.inf


def _needed_set(e: Estimate) -> str:
    low, high = e.conf_low, e.conf_high
    if math.isnan(low) or math.isnan(high):
        return "no interval"
    more, fewer = "for one more event", "for one fewer event"
    if low > 0:
        return f"{1 / high:.1f} to {1 / low:.1f} {more}"
    if high < 0:
        return f"{-1 / low:.1f} to {-1 / high:.1f} {fewer}"
    pieces = [f"{1 / high:.1f} or more {more}"] if high > 0 else []
    pieces += [f"{-1 / low:.1f} or more {fewer}"] if low < 0 else []
    return ", or ".join(pieces) if pieces else "no number: the risk difference is zero"


def percentile_improvement(result: Result) -> EffectMeasure:
    """By how many percentile points the average person of the arm stands above the average control: 100 (Phi(g) - .5).

    Cohen's U3, in `.tidy()` as `u3`, is the percentile itself. Both suppose normal outcomes of one SD.

    Parameters
    ----------
    result : standardized effects, such as `tk.itt(...).standardized("hedges_g")`. Intervals are those of the effect size, converted.

    References
    ----------
    Cohen (1988), section 2.2; the What Works Clearinghouse's improvement index.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 50, "y": rng.normal(size=100)})
    >>> g = tk.itt(tk.Trial(d, arm="arm", control="solo"), "y").standardized("hedges_g")
    >>> bool(-50 < percentile_improvement(g).estimate < 50)
    True
    """
    if not result.kind.startswith("effect_size"):
        raise CombinationError("percentile improvement is of an effect in SDs: use result.standardized('hedges_g') first.")
    rows = []
    for e in result.estimates:
        value, low, high = (100 * float(special.ndtr(v)) for v in (e.estimate, e.conf_low, e.conf_high))
        se = 100 * math.exp(-(e.estimate**2) / 2) / math.sqrt(2 * math.pi) * e.std_error
        test = TTest(e.statistic, e.p_value, low - 50, high - 50)
        row = tested(e, value - 50, se, test, estimand="percentile points above the average control", method=f"percentile improvement, {e.method}")
        rows.append(replace(row, extra={"u3": value, "u3_low": low, "u3_high": high}))
    return EffectMeasure(tuple(rows), tuple(result.notes), {"kind": "percentile_improvement"})
