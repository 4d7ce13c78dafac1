"""Meta-regression: what the true effects of studies depend on, with one estimate a study or several.

One estimate a study: `inference/several/meta_regression.py`. Several: `inference/several/meta_dependent.py`, robust variance by study.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from trialkit.errors import DataError, EstimationError, UsageError, shown
from trialkit.estimate.several.moderators import INTERCEPT, Moderator, design_row, read_moderators
from trialkit.inference.arrays import Clusters, FloatArray
from trialkit.inference.distributions import t_quantile, t_test
from trialkit.inference.linear.least_squares import least_squares
from trialkit.inference.linear.small_sample import satterthwaite
from trialkit.inference.linear.wald import WaldTest, htz
from trialkit.inference.several.meta_dependent import regress_dependent
from trialkit.inference.several.meta_regression import meta_regress
from trialkit.inference.several.pooling import TauMethod
from trialkit.printed import interval_text, number, p_text, test_text
from trialkit.results import Estimate, Note, Result

# Fewer studies than this for each column of moderators and the coefficients follow single studies; ours.
FEWEST_STUDIES = 5
# Below this a moderator is looked into with reserve: Cochrane Handbook, section 10.11.5.1.
ENOUGH_STUDIES = 10
FEW_DF = 4.0


@dataclass(frozen=True)
class MetaRegression(Result):
    """Coefficients of a meta-regression, one a row; `contrast` of `.tidy()` has the term and `.predict` the mean effect at chosen values.

    `.tau2`, `.i2` and `.r2` are the variance of the true effects that the moderators leave, its share of the variation left, and the
    percentage of the variance that they take away. `.f`, `.f_df` and `.f_p_value` test all moderators at once.
    """

    kind = "meta_regression"

    def term(self, name: str) -> Estimate:
        """The row of a term, such as 'intercept', 'year' or 'components: both'."""
        for e in self.estimates:
            if e.contrast == name:
                return e
        raise UsageError(f"there is no term '{name}'; there are {shown([e.contrast for e in self.estimates], 12)}.")

    @property
    def tau2(self) -> float:
        return self._number("tau2")

    @property
    def i2(self) -> float:
        return self._number("i2")

    @property
    def r2(self) -> float:
        """Percentage of tau2 without moderators that the moderators take away, 0 at least; NaN without moderators."""
        return self._number("r2")

    @property
    def q(self) -> float:
        """Q of what is left; `.q_p_value` tests that the moderators explain all differences. NaN with several estimates a study."""
        return self._number("q")

    @property
    def q_p_value(self) -> float:
        return self._number("q_p_value")

    @property
    def f(self) -> float:
        """Joint test of all moderators; NaN without moderators or with too few studies for it."""
        return self._number("f")

    @property
    def f_df(self) -> tuple[float, float]:
        return self._number("f_df_num"), self._number("f_df_denom")

    @property
    def f_p_value(self) -> float:
        return self._number("f_p_value")

    @property
    def studies(self) -> pd.DataFrame:
        """label, study, estimate, std_error and weight (percent) of every estimate."""
        return pd.DataFrame(self.details["studies"])

    def predict(self, moderators: Mapping[str, Any] | None = None) -> dict[str, float]:
        """The mean of the true effects at given values of all moderators, and where the true effect of a new study like that may lie.

        Returns
        -------
        dict
            estimate, std_error, df, conf_low, conf_high, prediction_low, prediction_high. The prediction interval follows `prediction=` of
            `tk.meta` ('hts' takes one df less and the standard error without Knapp and Hartung's factor; with several estimates a study all three
            take the interval's own); it is NaN for a common effect.

        Examples
        --------
        >>> import trialkit as tk
        >>> y, both = [0.1, 0.0, 0.2, 0.6, 0.5, 0.8], [0, 0, 0, 1, 1, 1]
        >>> found = tk.meta(y, [0.02] * 6, moderators={"both": both})
        >>> round(found.predict({"both": 1})["estimate"], 3)
        0.633
        """
        row = design_row(_stored_moderators(self.details), moderators or {})
        return _predicted(self.details, row, self.estimates[0].conf_level)

    def _number(self, name: str) -> float:
        value = self.details[name]
        # read back from JSON, an undefined number is None and an infinite one text
        return math.nan if value is None else float(value)

    def _title(self) -> str:
        e = self.estimates[0]
        return f"Meta-regression of {e.n} estimates" + (f" of {e.n_clusters} studies" if e.n_clusters != e.n else "")

    def __str__(self) -> str:
        lines = [self._title()]
        for e in self.estimates:
            lines += [f"  {e.contrast}: {interval_text(e)}", f"    {test_text(e)}"]
        lines.append(f"  {self.estimates[0].method}, {self.estimates[0].covariance}")
        if len(self.estimates) > 1:
            top, bottom = self.f_df
            words = "undefined" if math.isnan(self.f) else f"F({top:g}, {bottom:.1f}) = {self.f:.2f}, p {p_text(self.f_p_value)}"
            lines.append(f"  all moderators: {words}")
        left = f"  tau2 {number(self.tau2)}"
        left += "" if math.isnan(self.r2) else f", R2 {self.r2:.1f}%"
        left += (
            ""
            if math.isnan(self.i2)
            else f", I2 {self.i2:.1f}%, Q({self.details['q_df']}) = {self.q:.2f}, p {p_text(self.q_p_value)}"
        )
        return "\n".join([*lines, left, *(f"  note: {n.text}" for n in self.notes)])


@dataclass(frozen=True, slots=True)
class _Fitted:
    """What both kinds of fit give: coefficients, covariance, df by contrast, the joint test, and the numbers around them."""

    coef: FloatArray
    matrix: FloatArray
    plain: FloatArray
    df: list[float]
    joint: WaldTest
    weights: FloatArray
    numbers: Mapping[str, float]


def meta_regression(
    y: FloatArray,
    v: FloatArray,
    labels: Sequence[str],
    *,
    moderators: Any,
    study: Any,
    rho: float,
    method: TauMethod,
    hartung_knapp: bool,
    conf_level: float,
    prediction: str,
    tolerance: float | None,
    words: str,
) -> MetaRegression:
    """Regress checked estimates on moderators; the options are those of `tk.meta`, `words` the method in words."""
    if not 0 <= rho <= 1:
        raise UsageError(f"rho={rho} must be a correlation of errors from 0 to 1, for instance 0.8.")
    clusters, own = _studies(study, labels)
    terms, X = read_moderators(moderators, labels)
    notes = _enough(len(own), X.shape[1] - 1)
    common, adjusted = method == "FE", hartung_knapp and method != "FE"
    try:
        if clusters is None:
            found = _independent(y, v, X, method, adjusted, tolerance)
        else:
            found = _dependent(y, v, X, clusters, rho)
    except ArithmeticError as error:
        raise EstimationError(f"{error}: use method='DL', which needs no iteration.") from error
    covariance = "CR2" if clusters is not None else "Knapp-Hartung" if adjusted else "model"
    if clusters is not None:
        words = "random effects, correlated effects by moments"
    rows = _rows(found, terms, common, conf_level, words, covariance, len(y), len(own))
    notes += _notes(rows, found, covariance)
    details = {
        **found.numbers, "method": "correlated effects" if clusters is not None else method, "hartung_knapp": adjusted, "prediction": prediction,
        "rho": rho if clusters is not None else None,
        "studies": [
            {"label": n, "study": s, "estimate": float(a), "std_error": math.sqrt(b), "weight": float(100 * w)}
            for n, s, a, b, w in zip(labels, labels if study is None else [str(s) for s in study], y, v, found.weights / found.weights.sum())
        ],
        "moderators": [{"name": t.name, "levels": list(t.levels)} for t in terms],
        "design": X.tolist(),
    }  # fmt: skip
    return MetaRegression(tuple(rows), tuple(notes), details)


def _studies(study: Any, labels: Sequence[str]) -> tuple[Clusters | None, list[str]]:
    """Clusters, or None with one estimate a study, and the names of the studies."""
    if study is None:
        return None, list(labels)
    if isinstance(study, str) or not hasattr(study, "__iter__"):
        raise UsageError(f"study={study!r} must be a list: the study of each of the {len(labels)} estimates.")
    given = list(study)
    if len(given) != len(labels):
        raise DataError(f"study= has {len(given)} values for {len(labels)} estimates: the study of each estimate.")
    missing = [n for n, s in zip(labels, given) if pd.isna(s)]
    if missing:
        raise DataError(f"study= is missing for {shown(missing)}: an estimate without a study cannot be weighed.")
    names = [str(s) for s in given]
    return Clusters.from_labels(np.array(names)), sorted(set(names))


def _enough(studies: int, columns: int) -> list[Note]:
    needed = max(2, FEWEST_STUDIES * columns)
    if studies < needed:
        count = f"{columns} column{'s' if columns > 1 else ''} of moderators" if columns else "a mean"
        raise EstimationError(
            f"{studies} studies are too few for {count}: {needed} are the least ({FEWEST_STUDIES} a column; a category of three levels is two columns). "
            "Take fewer moderators, or describe the studies one by one."
        )
    if columns and studies < ENOUGH_STUDIES * columns:
        text = (
            f"{studies} studies for {columns} column{'s' if columns > 1 else ''} of moderators: below {ENOUGH_STUDIES} a column a coefficient can "
            "rest on one or two studies."
        )
        return [Note("few_studies", text)]
    return []


def _independent(
    y: FloatArray, v: FloatArray, X: FloatArray, method: TauMethod, adjusted: bool, tolerance: float | None
) -> _Fitted:
    found = meta_regress(estimates=y, variances=v, X=X, method=method, tolerance=tolerance)
    _full_rank(found.fit.collinear)
    bare = meta_regress(estimates=y, variances=v, X=X[:, :1], method=method, tolerance=tolerance)
    matrix = found.fit.bread * (found.scale if adjusted else 1.0)
    df = float(found.df) if adjusted else math.inf
    numbers = {
        "tau2": found.tau2, "i2": 100 * found.i2, "r2": _r2(bare.tau2, found.tau2, X.shape[1] - 1, method), "q": found.q, "q_df": found.df,
        "q_p_value": float(special.chdtrc(found.df, found.q)),
    }  # fmt: skip
    joint = _wald(found.fit.coef, matrix, df)
    assert found.fit.weights is not None
    return _Fitted(found.fit.coef, matrix, found.fit.bread, [df] * X.shape[1], joint, found.fit.weights, numbers | _joint(joint))


def _dependent(y: FloatArray, v: FloatArray, X: FloatArray, clusters: Clusters, rho: float) -> _Fitted:
    found = regress_dependent(estimates=y, variances=v, X=X, clusters=clusters, rho=rho)
    _full_rank(found.fit.collinear)
    bare = regress_dependent(estimates=y, variances=v, X=X[:, :1], clusters=clusters, rho=rho)
    if clusters.count <= X.shape[1]:
        raise EstimationError(f"{clusters.count} studies do not carry {X.shape[1]} coefficients: take fewer moderators.")
    identity = np.eye(X.shape[1])
    df = [satterthwaite(found.fit, found.cov, c).df for c in identity]
    numbers = {
        "tau2": found.tau2, "i2": math.nan, "r2": _r2(bare.tau2, found.tau2, X.shape[1] - 1, "moments"), "q": math.nan, "q_df": math.nan,
        "q_p_value": math.nan,
    }  # fmt: skip
    joint = _no_test(0)
    if X.shape[1] > 1:
        try:
            joint = htz(found.fit, found.cov, identity[1:])
        except ValueError:
            joint = _no_test(X.shape[1] - 1)
    return _Fitted(found.fit.coef, found.cov.matrix, found.cov.matrix, df, joint, found.weights, numbers | _joint(joint))


def _full_rank(collinear: Any) -> None:
    if collinear.any():
        raise DataError(
            "a moderator is a combination of the others (or of the intercept), so their coefficients are not separate: leave one out."
        )


def _r2(before: float, after: float, columns: int, method: str) -> float:
    return 100 * max(0.0, (before - after) / before) if columns and before > 0 and method != "FE" else math.nan


def _no_test(q: int) -> WaldTest:
    return WaldTest(math.nan, q, math.nan, math.nan)


def _wald(coef: FloatArray, matrix: FloatArray, df: float) -> WaldTest:
    q = len(coef) - 1
    scale = np.sqrt(np.diag(matrix)[1:])
    if not q or not (scale > 0).all():
        return _no_test(q)
    z = coef[1:] / scale
    statistic = float(z @ np.linalg.solve(matrix[1:, 1:] / np.outer(scale, scale), z)) / q
    p = special.chdtrc(q, q * statistic) if math.isinf(df) else special.fdtrc(q, df, statistic)
    return WaldTest(statistic, q, df, float(p))


def _joint(test: WaldTest) -> dict[str, float]:
    return {"f": test.statistic, "f_df_num": float(test.df_num), "f_df_denom": test.df_denom, "f_p_value": test.p_value}


def _rows(
    found: _Fitted,
    terms: Sequence[Moderator],
    common: bool,
    conf_level: float,
    method: str,
    covariance: str,
    n: int,
    studies: int,
) -> list[Estimate]:
    what = "common effect" if common else "mean of the true effects"
    named = [(INTERCEPT, f"{what} where every moderator is zero or at its first level" if terms else what)]
    for t in terms:
        if t.levels:
            named += [
                (f"{t.name}: {level}", f"difference in the {what}, {level} against {t.levels[0]}") for level in t.levels[1:]
            ]
        else:
            named.append((t.name, f"difference in the {what} per unit of {t.name}"))
    rows = []
    for j, (term, estimand) in enumerate(named):
        se = math.sqrt(max(found.matrix[j, j], 0.0))
        test = t_test(float(found.coef[j]), se, found.df[j], conf_level)
        rows.append(
            Estimate(
                outcome="effect of a study", estimand=estimand, contrast=term, estimate=float(found.coef[j]), std_error=se, df=found.df[j],
                statistic=test.statistic, p_value=test.p_value, conf_low=test.conf_low, conf_high=test.conf_high, conf_level=conf_level, n=n,
                n_clusters=studies, n_groups=0, method=method, covariance=covariance,
            )
        )  # fmt: skip
    return rows


def _notes(rows: Sequence[Estimate], found: _Fitted, covariance: str) -> list[Note]:
    notes = []
    if covariance == "Knapp-Hartung" and found.matrix[0, 0] < 0.98 * found.plain[0, 0]:
        text = "the estimates lie closer to the regression than their variances foresee, so the Knapp-Hartung standard errors are below the plain ones."
        notes.append(Note("hartung_knapp_smaller", text))
    if covariance == "CR2":
        few = [e.contrast for e in rows if e.df < FEW_DF]
        if few:
            text = (
                f"{shown(few)}: fewer than {FEW_DF:g} degrees of freedom, so few studies carry this coefficient that its p-value is not to be "
                "relied on (Tipton 2015)."
            )
            notes.append(Note("few_df", text))
        if len(rows) > 1 and math.isnan(found.joint.statistic):
            notes.append(Note("no_joint_test", "the studies are too few for a joint test of these moderators."))
        notes.append(Note("no_q", "with several estimates a study there is no Q and no I2: they take estimates as independent."))
    return notes


def _stored_moderators(details: Mapping[str, Any]) -> list[Moderator]:
    return [Moderator(str(m["name"]), tuple(m["levels"])) for m in details["moderators"]]


def _predicted(details: Mapping[str, Any], row: FloatArray, conf_level: float) -> dict[str, float]:
    """The fit is made again from what the result holds, so that one read from a file predicts as well."""
    studies, tau2 = details["studies"], float(details["tau2"])
    y = np.array([s["estimate"] for s in studies], dtype=float)
    v = np.array([s["std_error"] for s in studies], dtype=float) ** 2
    X = np.array(details["design"], dtype=float)
    half = (1 + conf_level) / 2
    if details["rho"] is not None:
        clusters = Clusters.from_labels(np.array([str(s["study"]) for s in studies]))
        dependent = regress_dependent(estimates=y, variances=v, X=X, clusters=clusters, tau2=tau2)
        mean = float(row @ dependent.fit.coef)
        se = math.sqrt(float(row @ dependent.cov.matrix @ row))
        df = satterthwaite(dependent.fit, dependent.cov, row).df
        new_se, new_df = se, df
    else:
        fit = least_squares(y=y, X=X, weights=1 / (v + tau2))
        mean, plain = float(row @ fit.coef), math.sqrt(float(row @ fit.bread @ row))
        adjusted = bool(details["hartung_knapp"])
        se = plain * math.sqrt(float(fit.rss) / fit.df_resid) if adjusted else plain
        df = float(fit.df_resid) if adjusted else math.inf
        kinds = {"hts": (plain, fit.df_resid - 1.0), "hk": (se, float(fit.df_resid)), "normal": (plain, math.inf)}
        new_se, new_df = kinds[str(details["prediction"])]
    test = t_test(mean, se, df, conf_level)
    around = math.nan
    if details["method"] != "FE" and new_df > 0:
        around = t_quantile(half, new_df) * math.sqrt(tau2 + new_se**2)
    return {
        "estimate": mean, "std_error": se, "df": df, "conf_low": test.conf_low, "conf_high": test.conf_high,
        "prediction_low": mean - around, "prediction_high": mean + around,
    }  # fmt: skip
