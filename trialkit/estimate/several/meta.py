"""Meta-analysis: one pooled effect of several sites, outcomes or trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
import pandas as pd
from scipy import special

from trialkit.errors import DataError, EstimationError, UsageError, shown
from trialkit.estimate.request import checked_level
from trialkit.estimate.several.meta_regression import MetaRegression, meta_regression
from trialkit.estimate.several.moderators import check_same_rows
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_quantile, t_test
from trialkit.inference.several.pooling import Pooled, TauMethod, pool
from trialkit.misuse import explained
from trialkit.printed import interval_text, number, p_text, test_text
from trialkit.results import Estimate, FirstRow, Note

Prediction = Literal["hts", "normal", "hk"]

_METHODS = {
    "REML": "random effects, REML",
    "DL": "random effects, DerSimonian-Laird",
    "PM": "random effects, Paule-Mandel",
    "FE": "common effect",
}


@dataclass(frozen=True)
class MetaResult(FirstRow):
    """A pooled effect; `.studies` has what was pooled, with weights in percent.

    In `.tidy()`, `n` and `n_clusters` count the estimates pooled, and tau2, i2, q, q_p_value, prediction_low and prediction_high follow
    the usual columns. `.estimate`, `.std_error`, `.df` (infinite for a normal test and interval), `.statistic`, `.p_value`, `.conf_low` and `.conf_high` are
    those of its row.
    """

    kind = "meta"

    @property
    def tau2(self) -> float:
        """Variance of the true effects."""
        return self._extra("tau2")

    @property
    def i2(self) -> float:
        """Percentage of the variation that is between true effects."""
        return self._extra("i2")

    @property
    def q(self) -> float:
        """Cochran's Q; `.q_p_value` tests that all true effects are the same."""
        return self._extra("q")

    @property
    def q_p_value(self) -> float:
        return self._extra("q_p_value")

    @property
    def prediction_low(self) -> float:
        """Lower end of the interval for the true effect of a new study."""
        return self._extra("prediction_low")

    @property
    def prediction_high(self) -> float:
        return self._extra("prediction_high")

    @property
    def studies(self) -> pd.DataFrame:
        """label, estimate, std_error, conf_low, conf_high and weight (percent) of everything pooled."""
        return pd.DataFrame(self.details["studies"])

    def _title(self) -> str:
        return f"Meta-analysis of {self.estimates[0].n} estimates"

    def __str__(self) -> str:
        e = self.estimates[0]
        level = f"{100 * e.conf_level:g}"
        lines = [
            self._title(),
            f"  {e.estimand}: {interval_text(e)}",
            f"    {test_text(e)}; {e.method}, {e.covariance}",
            f"  tau2 {number(self.tau2)}, I2 {self.i2:.1f}%, Q({e.n - 1}) = {self.q:.2f}, p {p_text(self.q_p_value)}",
        ]
        if math.isfinite(self.prediction_low):
            ends = f"{number(self.prediction_low)} to {number(self.prediction_high)}"
            lines.append(f"  true effect in a new study: {level}% prediction interval {ends}")
        return "\n".join(lines + [f"  note: {n.text}" for n in self.notes])


@overload
def meta(
    estimates: Sequence[float],
    variances: Sequence[float],
    *,
    method: TauMethod | None = None,
    hartung_knapp: bool = True,
    conf_level: float = 0.95,
    labels: Sequence[str] | None = None,
    prediction: Prediction = "hts",
    tolerance: float | None = None,
    moderators: None = None,
    study: None = None,
    rho: float = 0.8,
) -> MetaResult: ...


@overload
def meta(
    estimates: Sequence[float],
    variances: Sequence[float],
    *,
    method: TauMethod | None = None,
    hartung_knapp: bool = True,
    conf_level: float = 0.95,
    labels: Sequence[str] | None = None,
    prediction: Prediction = "hts",
    tolerance: float | None = None,
    moderators: Any = None,
    study: Any = None,
    rho: float = 0.8,
) -> MetaRegression: ...


@explained
def meta(
    estimates: Sequence[float],
    variances: Sequence[float],
    *,
    method: TauMethod | None = None,
    hartung_knapp: bool = True,
    conf_level: float = 0.95,
    labels: Sequence[str] | None = None,
    prediction: Prediction = "hts",
    tolerance: float | None = None,
    moderators: Any = None,
    study: Any = None,
    rho: float = 0.8,
) -> MetaResult | MetaRegression:
    """Pool independent estimates of the same effect, or ask what the effects of studies depend on.

    Parameters
    ----------
    estimates : effects on one scale; ratios as logs.
    variances : their squared standard errors, taken as known.
    method : 'REML' (the default, None), 'DL' (DerSimonian-Laird), 'PM' (Paule-Mandel) for random effects; 'FE' for one common effect.
    hartung_knapp : standard error and t (k - 1 df) of Hartung and Knapp, the default, because normal intervals are too short with
        few studies. Not for 'FE', whose variances are taken as right.
    conf_level : of the intervals.
    labels : names of the studies; by default the index of `estimates` if it is a labelled Series, else 1, 2, ...
    prediction : interval for the true effect in a new study: 'hts', t on k - 2 df and the plain standard error (Higgins, Thompson &
        Spiegelhalter 2009; default); 'hk', t on k - 1 df and that of Hartung and Knapp; 'normal'.
    tolerance : change of tau2, relative to the typical variance, at which its iteration ends. Unsaid, tau2 ends as in R's metafor where the
        variances are those of standardized effects, so that digits compare (REML at a change of 1e-5, PM within 1.2e-4), and at 1e-10
        elsewhere; give 1e-10 for the limit itself. With `moderators` it is 1e-10 unless said.
    moderators : what the true effects may depend on: a data frame, or a mapping of names to values, one row an estimate. Numbers enter
        as they are; text and categories as a difference from their first level. The result is a `MetaRegression`. Studies were not
        randomized to their moderators: a coefficient compares studies, whatever else they differ in. Needs 5 studies a column.
    study : the study of each estimate, where studies give several (outcomes, waves) of the same people. Weights are then by study
        (correlated effects), tau2 by moments, standard errors CR2 by study with Satterthwaite df, whatever the dependence; with or without
        `moderators` the result is a `MetaRegression`.
    rho : assumed correlation of the errors of a study's estimates, for tau2 with `study` only; it hardly matters there.

    Returns
    -------
    MetaResult
        `.estimate .std_error .conf_low .conf_high .df .p_value .tau2 .i2 .q .prediction_low .prediction_high .studies`.
    MetaRegression
        With `moderators` or `study`: a row a coefficient, `.term(name) .tau2 .r2 .i2 .f .f_p_value .predict({...}) .studies`.

    Raises
    ------
    DataError
        Missing numbers, variances that are not positive, lists of different lengths, fewer than two studies; moderators that are missing,
        the same everywhere or combinations of each other.
    EstimationError
        Fewer than 5 studies for each column of moderators.

    Notes
    -----
    Without `study` the estimates must come from different people. Outcomes of the same people in one trial are pooled by an index
    (`tk.index`).

    References
    ----------
    Viechtbauer (2005); DerSimonian & Laird (1986); Paule & Mandel (1982); Hartung & Knapp (2001); Higgins & Thompson (2002). Moderators:
    Knapp & Hartung (2003); several estimates a study: Hedges, Tipton & Johnson (2010), Tipton (2015), Tipton & Pustejovsky (2015).

    Examples
    --------
    >>> import trialkit as tk
    >>> found = tk.meta([0.10, 0.32, 0.25], [0.010, 0.020, 0.015], labels=["north", "west", "south"])
    >>> round(found.estimate, 3), round(found.df)
    (0.198, 2)
    >>> trained = {"training": [0, 0, 0, 1, 1, 1]}
    >>> by_training = tk.meta([0.05, 0.12, 0.08, 0.31, 0.25, 0.40], [0.01] * 6, moderators=trained)
    >>> round(by_training.term("training").estimate, 3)
    0.237
    """
    _check_study(study, method, hartung_knapp)
    method = method or "REML"
    _check_options(method, prediction, conf_level, tolerance)
    y, v, names = _inputs(estimates, variances, labels)
    if moderators is not None or study is not None:
        check_same_rows(estimates, moderators=moderators, study=study)
        return meta_regression(
            y, v, names, moderators=moderators, study=study, rho=rho, method=method, hartung_knapp=hartung_knapp, conf_level=conf_level,
            prediction=prediction, tolerance=tolerance, words=_METHODS[method],
        )  # fmt: skip
    try:
        pooled = pool(estimates=y, variances=v, method=method, tolerance=tolerance)
    except ArithmeticError as error:
        raise EstimationError(f"{error}: use method='DL', which needs no iteration.") from error
    adjusted = hartung_knapp and method != "FE"
    notes = _notes(pooled, adjusted, method, prediction, len(y))
    se, df = (pooled.std_error_hk, float(pooled.df)) if adjusted else (pooled.std_error, math.inf)
    test = t_test(pooled.estimate, se, df, conf_level)
    low, high = _prediction(pooled, method, prediction, conf_level)
    row = Estimate(
        outcome="pooled effect", estimand="common effect" if method == "FE" else "mean of the true effects", contrast="",
        estimate=pooled.estimate, std_error=se, df=df, statistic=test.statistic, p_value=test.p_value, conf_low=test.conf_low,
        conf_high=test.conf_high, conf_level=conf_level, n=len(y), n_clusters=len(y), n_groups=0, method=_METHODS[method],
        covariance="Hartung-Knapp" if adjusted else "model",
        extra={
            "tau2": pooled.tau2, "i2": 100 * pooled.i2, "q": pooled.q, "q_p_value": float(special.chdtrc(pooled.df, pooled.q)),
            "prediction_low": low, "prediction_high": high,
        },
    )  # fmt: skip
    details = {
        "method": method,
        "hartung_knapp": adjusted,
        "prediction": prediction,
        "studies": _studies(y, v, names, pooled, conf_level),
    }
    return MetaResult((row,), tuple(notes), details)


def _check_study(study: Any, method: str | None, hartung_knapp: bool) -> None:
    if study is None:
        return
    if method is not None:
        raise UsageError(
            f"method='{method}' takes estimates as independent; with study= tau2 is found by moments for correlated effects: leave method= out."
        )
    if not hartung_knapp:
        raise UsageError("with study= the standard errors are CR2 by study: leave hartung_knapp= out.")


def _check_options(method: str, prediction: str, conf_level: float, tolerance: float | None) -> None:
    if method not in _METHODS:
        raise UsageError(f"method={method!r} is unknown: it is one of {shown(_METHODS)}.")
    if prediction not in ("hts", "normal", "hk"):
        raise UsageError(f"prediction={prediction!r} is unknown: it is 'hts', 'normal' or 'hk'.")
    checked_level(conf_level)
    if tolerance is not None and not 0 < tolerance < 1:
        raise UsageError(f"tolerance={tolerance} must be a small positive number, for instance 1e-10.")


def _inputs(estimates: Any, variances: Any, labels: Sequence[str] | None) -> tuple[FloatArray, FloatArray, list[str]]:
    y, v = np.asarray(list(estimates), dtype=float), np.asarray(list(variances), dtype=float)
    if len(y) != len(v):
        raise DataError(f"there are {len(y)} estimates and {len(v)} variances: one variance an estimate.")
    if len(y) < 2:
        raise DataError(f"a meta-analysis pools two estimates or more; got {len(y)}.")
    if labels is None:
        own = getattr(estimates, "index", None)
        named = own is not None and not callable(own) and not isinstance(own, pd.RangeIndex)
        labels = [str(i) for i in own] if named and own is not None else [str(i) for i in range(1, len(y) + 1)]
    if len(labels) != len(y):
        raise DataError(f"there are {len(y)} estimates and {len(labels)} labels.")
    names = [str(n) for n in labels]
    bad = [n for n, a, b in zip(names, y, v) if not (math.isfinite(a) and math.isfinite(b) and b > 0)]
    if bad:
        raise DataError(
            f"the estimate or variance of {shown(bad)} is missing, infinite or not positive: leave the study out and say so, or find the number "
            "(a variance is the squared standard error)."
        )
    return y, v, names


def _notes(pooled: Pooled, adjusted: bool, method: str, prediction: str, k: int) -> list[Note]:
    notes = []
    if adjusted and not pooled.std_error_hk > 0:
        notes.append(
            Note(
                "no_spread",
                "the estimates are all the same, so the Hartung-Knapp standard error is zero and there is no test: use hartung_knapp=False.",
            )
        )
    elif adjusted and pooled.std_error_hk < pooled.std_error:
        notes.append(
            Note(
                "hartung_knapp_smaller",
                f"the estimates lie closer together than their variances foresee, so the Hartung-Knapp standard error ({number(pooled.std_error_hk)}) is below "
                f"the plain one ({number(pooled.std_error)}).",
            )
        )
    if k < 5 and method != "FE":
        notes.append(Note("few_studies", f"{k} estimates: the variance between true effects is hardly known."))
    if method == "FE":
        notes.append(
            Note("no_prediction", "a common effect has no prediction interval: all true effects are taken to be the same.")
        )
    elif prediction == "hts" and k < 3:
        notes.append(Note("no_prediction", "two estimates leave no degrees of freedom for a prediction interval."))
    return notes


def _prediction(pooled: Pooled, method: str, prediction: str, conf_level: float) -> tuple[float, float]:
    df = {"hts": pooled.df - 1.0, "hk": float(pooled.df), "normal": math.inf}[prediction]
    if method == "FE" or df < 1:
        return math.nan, math.nan
    se = pooled.std_error_hk if prediction == "hk" else pooled.std_error
    half = t_quantile((1 + conf_level) / 2, df) * math.sqrt(pooled.tau2 + se**2)
    return pooled.estimate - half, pooled.estimate + half


def _studies(y: FloatArray, v: FloatArray, names: Sequence[str], pooled: Pooled, conf_level: float) -> list[dict[str, Any]]:
    half = t_quantile((1 + conf_level) / 2, math.inf) * np.sqrt(v)
    return [
        {
            "label": n, "estimate": float(a), "std_error": math.sqrt(b), "conf_low": float(a - h), "conf_high": float(a + h),
            "weight": float(100 * w),
        }
        for n, a, b, h, w in zip(names, y, v, half, pooled.weights)
    ]  # fmt: skip
