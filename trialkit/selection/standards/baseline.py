"""Differences at baseline among those analysed, as the What Works Clearinghouse measures them.

For numbers g = w (mean_t - mean_c) / S with S the pooled SD of the two arms and w = 1 - 3/(4N - 9); for shares the Cox index
d = w [logit p_t - logit p_c] / 1.65. Source: What Works Clearinghouse, Procedures Handbook 4.0 (as its published code has it).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from trialkit.estimate.covariates import is_category
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.trial import Trial

COX = 1.65


def hedges_g(treated: FloatArray, control: FloatArray) -> float:
    """g of a number; NaN without two people an arm, or where the arms differ and neither varies."""
    n_t, n_c = len(treated), len(control)
    if min(n_t, n_c) < 2:
        return math.nan
    pooled = math.sqrt(((n_t - 1) * treated.var(ddof=1) + (n_c - 1) * control.var(ddof=1)) / (n_t + n_c - 2))
    if pooled == 0:
        return 0.0 if treated.mean() == control.mean() else math.nan
    return _small(n_t + n_c) * float(treated.mean() - control.mean()) / pooled


def cox_index(treated: FloatArray, control: FloatArray) -> float:
    """Cox's d of a share; NaN where a share is 0 or 1."""
    n_t, n_c = len(treated), len(control)
    if min(n_t, n_c) < 2:
        return math.nan
    shares = float(treated.mean()), float(control.mean())
    if not all(0 < p < 1 for p in shares):
        return 0.0 if shares[0] == shares[1] else math.nan
    return _small(n_t + n_c) * (_logit(shares[0]) - _logit(shares[1])) / COX


def differences(trial: Trial, name: str, arm: int, analysed: BoolArray) -> Iterator[tuple[str, float, int]]:
    """(level, difference, people with a value) of a column: one for a number or a 0/1 column, one a level of a category."""
    column = trial.column(name)
    known = column.notna().to_numpy(dtype=bool)
    one, zero = ((trial.arm_codes == a) & analysed & known for a in (arm, 0))
    people = int(one.sum() + zero.sum())
    if not is_category(trial, name):
        values = trial.values(name)
        measure = cox_index if set(np.unique(values[known])) <= {0.0, 1.0} else hedges_g
        yield "", measure(values[one], values[zero]), people
        return
    codes, levels = pd.factorize(column, sort=True)
    for code, level in enumerate(levels):
        has = (codes == code).astype(float)
        yield str(level), cox_index(has[one], has[zero]), people


def _small(n: int) -> float:
    return 1 - 3 / (4 * n - 9)


def _logit(p: float) -> float:
    return math.log(p / (1 - p))
