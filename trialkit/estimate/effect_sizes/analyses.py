"""Effect sizes beyond Hedges g (`tk.effect_size`): from summary numbers, from a result, and from a trial.

From a trial, with intervals that respect its groups: `pre_post_control`, `cohens_h`, `cox_d`, `logit_d`, `common_language`, `cliffs_delta`. From
published numbers: `clustered_g`, `one_arm_grouped_g`, `from_counts`, `convert`, `risk_ratio_for_evalue`. From a result: `number_needed_to_treat`,
`percentile_improvement`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from scipy import special

from trialkit.errors import CombinationError, DataError, UsageError, nearest, shown
from trialkit.estimate.effect_sizes.conversions import ConversionResult, convert, risk_ratio_for_evalue
from trialkit.estimate.effect_sizes.effect_size import standardize
from trialkit.estimate.effect_sizes.of_clusters import clustered_from_trial, clustered_g, one_arm_grouped_g
from trialkit.estimate.effect_sizes.of_trial import (
    cliffs_delta,
    cohens_h,
    common_language,
    cox_d,
    logit_d,
    pre_post_control,
)
from trialkit.estimate.effect_sizes.results import EffectMeasure, EffectSize, summary_row, tested
from trialkit.inference.distributions import TTest, t_test
from trialkit.inference.effect_sizes import two_by_two
from trialkit.misuse import explained
from trialkit.results import Estimate, Note, Result, TableResult
from trialkit.trial import Trial

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
    kind : 'dppc2' (with `baseline`), 'cohens_h', 'cox_d', 'logit_d', 'cliffs_delta', 'common_language', 'percentile_improvement' (of Hedges g), or
        'hedges_g' with `icc` (total variance; Hedges 2007 for clusters, Hedges & Citkowicz 2015 for groups in one arm).

    Raises
    ------
    CombinationError
        An effect size that does not exist, lacks its argument, or is asked of an adjusted effect.
    """
    if kind == "percentile_improvement":
        return percentile_improvement(standardize(result, "hedges_g", standardizer="auto", interval="t"))
    if kind == "cohens_d":
        raise CombinationError("icc= goes with 'hedges_g'; Cohen's d on the total variance is its .d.")
    if kind not in (*_OF_TRIAL, "dppc2", "hedges_g"):
        near = nearest(kind, KINDS)
        raise CombinationError(
            f"there is no effect size '{kind}'; there are {shown(KINDS, 20)}.{f' Did you mean {near!r}?' if near else ''}"
        )
    if trial is None:
        raise UsageError(
            f"the effect size '{kind}' is computed from the people, which a result read from a file does not hold: run tk.itt again."
        )
    if result.details.get("adjust"):
        raise CombinationError(
            f"the effect size '{kind}' is of the raw outcome, not of an adjusted effect: run tk.itt without adjust, or use 'hedges_g'."
        )
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


@explained
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
    >>> tk.effect_size.from_counts(events_1=30, n_1=100, events_0=20, n_0=100).tidy()["estimate"].round(3).tolist()
    [0.1, 1.5, 1.714]
    """
    for name, events, n in (("treated", events_1, n_1), ("control", events_0, n_0)):
        if not (n >= 1 and 0 <= events <= n):
            raise DataError(
                f"the {name} arm has {events} events among {n} people: events lie between 0 and the number of people."
            )
    t = two_by_two(events_1=float(events_1), n_1=float(n_1), events_0=float(events_0), n_0=float(n_0))
    base = replace(summary_row(np.array([n_1]), np.array([n_0]), conf_level, int(n_1 + n_0), 0), df=math.inf, covariance="wald")
    rows, notes = [], []
    for name, value, se, ratio in (
        ("risk difference", t.risk_difference, t.se_risk_difference, False),
        ("risk ratio", t.log_risk_ratio, t.se_log_risk_ratio, True),
        ("odds ratio", t.log_odds_ratio, t.se_log_odds_ratio, True),
    ):
        test = t_test(value, se, math.inf, conf_level)
        if math.isnan(test.p_value):
            notes.append(
                Note(
                    "empty_cell",
                    f"an empty cell of the table leaves the {name} without {'a value' if math.isnan(value) else 'an interval'}.",
                )
            )
        if ratio:
            value, test = math.exp(value), TTest(test.statistic, test.p_value, math.exp(test.conf_low), math.exp(test.conf_high))
        rows.append(tested(base, value, se, test, estimand=name, method="two by two table"))
    return EffectMeasure(tuple(rows), tuple(notes), {"kind": "counts"})


@explained
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
    >>> found = tk.effect_size.number_needed_to_treat(tk.effect_size.from_counts(events_1=30, n_1=100, events_0=20, n_0=100))
    >>> round(found.estimate), round(found.at_conf_low), round(found.at_conf_high)
    (10, -52, 5)
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


@explained
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
    >>> bool(-50 < tk.effect_size.percentile_improvement(g).estimate < 50)
    True
    """
    if not result.kind.startswith("effect_size"):
        raise CombinationError("percentile improvement is of an effect in SDs: use result.standardized('hedges_g') first.")
    rows = []
    for e in result.estimates:
        value, low, high = (100 * float(special.ndtr(v)) for v in (e.estimate, e.conf_low, e.conf_high))
        se = 100 * math.exp(-(e.estimate**2) / 2) / math.sqrt(2 * math.pi) * e.std_error
        test = TTest(e.statistic, e.p_value, low - 50, high - 50)
        row = tested(
            e,
            value - 50,
            se,
            test,
            estimand="percentile points above the average control",
            method=f"percentile improvement, {e.method}",
        )
        rows.append(replace(row, extra={"u3": value, "u3_low": low, "u3_high": high}))
    return EffectMeasure(tuple(rows), tuple(result.notes), {"kind": "percentile_improvement"})
