"""Robustness values of a comparison that was not randomized, with benchmarks by observed covariates and their contours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import UsageError
from trialkit.inference.arrays import FloatArray
from trialkit.inference.confounding import robustness as kernel
from trialkit.inference.distributions import t_test
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Estimate, Note, Result
from trialkit.selection.comparison.observed import Observed, listed, observed
from trialkit.trial import Trial

ESTIMAND = "regression coefficient; an effect only without unmeasured confounders"


@dataclass(frozen=True)
class RobustnessResult(Result):
    """The coefficient of the treatment, its robustness values, and confounders as strong as observed covariates."""

    kind = "robustness"

    @property
    def rv_q(self) -> float:
        """Partial R2 with both treatment and outcome that takes away 100q % of the estimate."""
        return float(self.details["rv_q"])

    @property
    def rv_qa(self) -> float:
        """The same that leaves the rest at the edge of significance at level alpha."""
        return float(self.details["rv_qa"])

    @property
    def partial_r2(self) -> float:
        """Partial R2 of the treatment with the outcome: a confounder that explains all other variation of the outcome needs this much of the treatment."""
        return float(self.details["partial_r2"])

    def benchmarks(self) -> pd.DataFrame:
        """One row a covariate and strength k: its R2 bounds, and the estimate, standard error, t and interval with such a confounder."""
        return pd.DataFrame(list(self.details["benchmarks"]))

    def adjusted(self, r2_treatment: Any, r2_outcome: Any) -> tuple[FloatArray, FloatArray]:
        """Estimate and standard error with a confounder of these partial R2 (numbers or arrays of one shape, from 0 to below 1)."""
        d, y = np.broadcast_arrays(np.asarray(r2_treatment, dtype=float), np.asarray(r2_outcome, dtype=float))
        if not ((d >= 0) & (d < 1) & (y >= 0) & (y <= 1)).all():
            raise UsageError("r2_treatment lies from 0 to below 1, r2_outcome from 0 to 1.")
        e = self.estimates[0]
        return kernel.adjusted(estimate=e.estimate, std_error=e.std_error, df=e.df, r2_treatment=d, r2_outcome=y)

    def _title(self) -> str:
        return f"Robustness of '{self.estimates[0].outcome}' on '{self.details['treatment']}' to confounding"

    def __str__(self) -> str:
        d = self.details
        lines = [
            super().__str__(),
            f"  robustness value {number(self.rv_q)} (q = {d['q']:g}), {number(self.rv_qa)} at alpha = {d['alpha']:g}; partial R2 {number(self.partial_r2)}",
        ]
        for b in d["benchmarks"]:
            if b["estimate"] is not None:
                lines.append(f"  a confounder {b['k']:g} x {b['covariate']}: estimate {number(float(b['estimate']))}")
        return "\n".join(lines)


@explained
def robustness_value(
    data: Any,
    outcome: str,
    *,
    treatment: str,
    adjust: Sequence[str],
    q: float = 1.0,
    alpha: float = 0.05,
    benchmarks: Sequence[str] | None = None,
    k: Sequence[float] = (1.0, 2.0, 3.0),
    conf_level: float = 0.95,
) -> RobustnessResult:
    """How strong an unmeasured confounder must be to change what a regression says about a treatment nobody randomized.

    Parameters
    ----------
    data : data frame (or Trial) with one row a person. outcome, treatment : numeric columns.
    adjust : covariates in the regression; text and categories become indicators.
    q : share of the estimate to be taken away; 1 brings it to zero. alpha : level of the test for `rv_qa`.
    benchmarks : covariates of `adjust` to compare with, by default all. k : how many times as strong a confounder is taken.
    conf_level : of the intervals.

    Returns
    -------
    RobustnessResult
        `.rv_q`, `.rv_qa`, `.partial_r2`, `.benchmarks()`, `.adjusted(r2_treatment, r2_outcome)`; `tk.plot.robustness` draws the contours. Standard errors are
        those of ordinary least squares for independent people: `rv_q` does not depend on them, `rv_qa` does.

    Raises
    ------
    UsageError, ColumnNotFoundError, NotIdentifiedError, EstimationError
        Columns that are unknown or in two roles, a treatment that the covariates determine, nothing to compare.

    References
    ----------
    Cinelli & Hazlett (2020), Making sense of sensitivity, JRSS B 82.

    Examples
    --------
    >>> import numpy as np, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=200); came = (x + rng.normal(size=200) > 0) * 1
    >>> data = {"x": x, "came": came, "y": x + came + rng.normal(size=200)}
    >>> found = tk.selection.robustness_value(data, "y", treatment="came", adjust=["x"])
    >>> 0 < found.rv_qa < found.rv_q < 1
    True
    """
    if not 0 < q <= 1:
        raise UsageError(f"q={q} must lie above 0 and up to 1: the share of the effect that a confounder would take away.")
    for name, level, usual in (("alpha", alpha, 0.05), ("conf_level", conf_level, 0.95)):
        if not 0 < level < 1:
            raise UsageError(f"{name}={level} must lie between 0 and 1, for instance {usual}.")
    if not len(k) or min(k) <= 0:
        raise UsageError("k holds positive numbers, such as [1, 2, 3].")
    d = observed(data, outcome, treatment, adjust)
    wanted = d.names if benchmarks is None else listed(benchmarks, "benchmarks")
    unknown = [name for name in wanted if name not in d.names]
    if unknown:
        raise UsageError(f"benchmarks holds '{unknown[0]}', which is not in adjust.")
    fit = d.fit(d.y, d.x[:, None], d.columns)
    df = float(fit.df_resid)
    estimate = float(fit.coef[1])
    place = int(np.flatnonzero(fit.kept == 1)[0])
    std_error = float(np.sqrt(fit.bread[place, place] * float(fit.rss) / df))
    test = t_test(estimate, std_error, df, conf_level)
    row = Estimate(
        outcome, ESTIMAND, treatment, estimate, std_error, df, test.statistic, test.p_value, test.conf_low, test.conf_high,
        conf_level, d.n, 0, 0, "least squares", "classical",
    )  # fmt: skip
    details: dict[str, Any] = {
        "treatment": treatment, "q": q, "alpha": alpha, "partial_r2": kernel.partial_r2(test.statistic, df),
        "rv_q": kernel.robustness_value(t=test.statistic, df=df, q=q),
        "rv_qa": kernel.robustness_value(t=test.statistic, df=df, q=q, alpha=alpha),
        "benchmarks": [_benchmark(d, row, name, float(times)) for name in wanted for times in k],
    }  # fmt: skip
    notes = list(d.notes)
    if isinstance(data, Trial) and (data.group is not None or data.cluster is not None):
        notes.append(
            Note(
                "independent_people",
                "standard errors take people as independent: rv_qa ignores the groups or clusters, rv_q does not depend on them.",
            )
        )
    if any(b["estimate"] is None for b in details["benchmarks"]):
        notes.append(
            Note(
                "benchmark_beyond",
                "a confounder that many times as strong as a covariate would explain all of the treatment: no bound.",
            )
        )
    if any(b["r2_outcome"] == 1 for b in details["benchmarks"]):
        notes.append(
            Note(
                "benchmark_capped",
                "a confounder that many times as strong would explain more than all of the outcome: it is taken to explain all of it.",
            )
        )
    return RobustnessResult((row,), tuple(notes), details)


def _benchmark(d: Observed, row: Estimate, name: str, k: float) -> dict[str, Any]:
    """A confounder k times as strong as a covariate (all indicators of a category together)."""
    others = d.of([n for n in d.names if n != name])
    treatment = _added(d, d.x, [others], d.of([name]))
    outcome = _added(d, d.y, [d.x[:, None], others], d.of([name]))
    bound = kernel.benchmark(r2_treatment=treatment, r2_outcome=outcome, k=k)
    found: dict[str, Any] = {"covariate": name, "k": k, "r2_treatment": None, "r2_outcome": None}
    if bound.r2_treatment != bound.r2_treatment:
        return found | dict.fromkeys(("estimate", "std_error", "statistic", "conf_low", "conf_high"))
    moved, se = kernel.adjusted(
        estimate=row.estimate, std_error=row.std_error, df=row.df, r2_treatment=np.array(bound.r2_treatment),
        r2_outcome=np.array(bound.r2_outcome),
    )  # fmt: skip
    test = t_test(float(moved), float(se), row.df - 1, row.conf_level)
    return found | {
        "r2_treatment": bound.r2_treatment, "r2_outcome": bound.r2_outcome, "estimate": float(moved), "std_error": float(se),
        "statistic": test.statistic, "conf_low": test.conf_low, "conf_high": test.conf_high,
    }  # fmt: skip


def _added(d: Observed, y: FloatArray, rest: list[FloatArray], more: FloatArray) -> float:
    """Partial R2 of columns beside the rest."""
    without, with_them = float(d.fit(y, *rest).rss), float(d.fit(y, *rest, more).rss)
    return max(1 - with_them / without, 0.0)
