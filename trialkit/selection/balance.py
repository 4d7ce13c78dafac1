"""Balance at baseline: raw summaries by arm and standardized differences, among everyone randomized.

The standardized difference is (mean_a - mean_control) / sqrt((s2_a + s2_control)/2) of the unadjusted data; for a category it
is given level by level with s2 = p(1 - p). No p-values: in a randomized trial differences at baseline are chance by
construction, and their size is what matters. Source: Austin (2009), Statistics in Medicine 28.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import UsageError
from trialkit.estimate.covariates import is_category
from trialkit.inference.arrays import FloatArray
from trialkit.results import Note, TableResult
from trialkit.trial import Trial

DENOMINATOR = "square root of the mean of the two arms' variances"


@dataclass(frozen=True)
class BalanceResult(TableResult):
    """One row a covariate (a level of a category) and contrast."""

    kind = "balance"

    def _title(self) -> str:
        return "Balance at baseline (standardized differences)"


def balance(trial: Trial, covariates: Sequence[str]) -> BalanceResult:
    """Standardized differences and variance ratios of baseline covariates, each arm against control.

    Parameters
    ----------
    covariates : baseline columns. Numbers give one row, categories one a level; a row of missingness is added where values
        are missing.

    Returns
    -------
    BalanceResult
        `.tidy()` with covariate, level, kind ('number', 'share', 'missing'), contrast, n, mean and sd per arm (`_control`,
        `_arm`), standardized_difference, variance_ratio (numbers only).

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> d = pd.DataFrame({"arm": list("abab"), "age": [20, 22, 24, 30]})
    >>> tk.selection.balance(tk.Trial(d, arm="arm", control="a"), ["age"]).tidy()["standardized_difference"].round(2).tolist()
    [0.97]
    """
    if isinstance(covariates, str):
        raise UsageError(f"covariates takes a list of columns: write ['{covariates}'].")
    rows: list[Mapping[str, Any]] = []
    for name in covariates:
        for level, kind, values in _columns(trial, name):
            rows += [_row(trial, name, level, kind, values, arm) for arm in range(1, len(trial.arms))]
    return BalanceResult(
        (), (Note("denominator", f"standardized by the {DENOMINATOR}."),), {"denominator": DENOMINATOR}, tuple(rows)
    )


def _columns(trial: Trial, name: str) -> list[tuple[str, str, FloatArray]]:
    series = trial.column(name)
    missing = series.isna().to_numpy()
    out: list[tuple[str, str, FloatArray]] = []
    if is_category(trial, name):
        codes, levels = pd.factorize(series, sort=True)
        for code, level in enumerate(levels):
            out.append((str(level), "share", np.where(missing, np.nan, (codes == code).astype(float))))
    else:
        values = trial.values(name)
        binary = set(np.unique(values[np.isfinite(values)]).tolist()) <= {0.0, 1.0}
        out.append(("", "share" if binary else "number", values))
    if missing.any():
        out.append(("", "missing", missing.astype(float)))
    return out


def _row(trial: Trial, name: str, level: str, kind: str, values: FloatArray, arm: int) -> Mapping[str, Any]:
    a = values[(trial.arm_codes == arm) & np.isfinite(values)]
    c = values[(trial.arm_codes == 0) & np.isfinite(values)]
    means = [float(v.mean()) if len(v) else math.nan for v in (c, a)]
    variances = [_variance(v, m, kind) for v, m in zip((c, a), means)]
    scale = math.sqrt(sum(variances) / 2) if math.isfinite(sum(variances)) else math.nan
    return {
        "covariate": name, "level": level, "kind": kind, "contrast": f"{trial.arms[arm]} - {trial.arms[0]}",
        "n_control": len(c), "n_arm": len(a), "mean_control": means[0], "mean_arm": means[1],
        "sd_control": math.sqrt(variances[0]), "sd_arm": math.sqrt(variances[1]),
        "standardized_difference": (means[1] - means[0]) / scale if scale > 0 else (0.0 if means[0] == means[1] else math.nan),
        "variance_ratio": variances[1] / variances[0] if kind == "number" and variances[0] > 0 else math.nan,
    }  # fmt: skip


def _variance(values: FloatArray, mean: float, kind: str) -> float:
    if kind in ("share", "missing"):
        return mean * (1 - mean)
    return float(values.var(ddof=1)) if len(values) > 1 else math.nan
