"""Balance of covariates between two arms: the omnibus test of an assignment, and what chance alone does to a difference.

Units of assignment are people or whole clusters (x are then cluster totals). With z in {0, 1} permuted within strata of n units, n_t of them treated,

    T = sum_s sum_i (z_i - zbar_s) x_i,   Var T = sum_s n_t n_c / (n (n - 1)) sum_i (x_i - xbar_s)(x_i - xbar_s)',   chi2 = T' Var(T)^- T,

on as many df as Var(T) has rank. Dividing T by sum_s n_t n_c / n gives the adjusted mean differences and leaves chi2 as it is. With draws from the
design, mean and variance of T are those of the draws and the p-value is the rank of the observed one. Source: Hansen & Bowers (2008), Statistical
Science 23(2), eq. 5-9.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray

RANK = 1e-8
TIE = 1e-9


@dataclass(frozen=True, slots=True)
class Omnibus:
    """`chisq` on `df`, with its p-value; df 0 where nothing varies within strata."""

    chisq: float
    df: int
    p_value: float


def omnibus(*, x: FloatArray, treated: BoolArray, stratum: IntArray) -> Omnibus:
    """The test of columns x (n, k) of n units of assignment, permuted within strata (n,)."""
    centred, variance = _permuted(x, treated, stratum)
    scaled, values = _standardized(treated.astype(float) @ centred, variance)
    if not len(values):
        return Omnibus(0.0, 0, float("nan"))
    chisq = float((scaled**2).sum())
    return Omnibus(chisq, len(values), float(special.chdtrc(len(values), chisq)))


def omnibus_draws(*, x: FloatArray, treated: FloatArray, stratum: IntArray, weights: FloatArray, observed: BoolArray) -> float:
    """p-value of the observed assignment (n,) among assignments (B, n) with probabilities (B,), the observed one included."""
    centred, _ = _permuted(x, observed, stratum)
    totals = treated @ centred
    mean = weights @ totals
    deviations = totals - mean
    basis, _ = _standardized(np.eye(x.shape[1]), (deviations * weights[:, None]).T @ deviations)
    if basis.shape[1] == 0:
        return float("nan")
    distance = ((deviations @ basis) ** 2).sum(axis=1)
    own = float((((observed.astype(float) @ centred - mean) @ basis) ** 2).sum())
    return float(min(weights[distance >= own - TIE * max(own, 1.0)].sum(), 1.0))


def _permuted(x: FloatArray, treated: BoolArray, stratum: IntArray) -> tuple[FloatArray, FloatArray]:
    """x centred within strata, and the variance of T."""
    n = np.bincount(stratum).astype(float)
    assigned = np.bincount(stratum, weights=treated)
    means = np.column_stack([np.bincount(stratum, weights=column) for column in x.T]) / np.maximum(n, 1)[:, None]
    centred = x - means[stratum]
    s2 = np.where(n > 1, assigned * (n - assigned) / np.maximum(n * (n - 1), 1), 0.0)
    return centred, (centred * s2[stratum][:, None]).T @ centred


def _standardized(totals: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """totals (..., k) on the principal axes of the variance, in standard errors, and the variances of these axes."""
    spread = np.sqrt(np.diag(variance))
    unit = np.where(spread > RANK * max(float(spread.max(initial=0.0)), 1e-300), spread, np.inf)
    values, vectors = np.linalg.eigh(variance / np.outer(unit, unit))
    keep = values > RANK * max(float(values.max(initial=0.0)), 1e-300)
    return (totals / unit) @ vectors[:, keep] / np.sqrt(values[keep]), values[keep]


@dataclass(frozen=True, slots=True)
class Chance:
    """Mean and standard deviation of a difference in means under assignment within strata."""

    mean: float
    sd: float


def chance_difference(*, x: FloatArray, treated: BoolArray, stratum: IntArray, unit: IntArray) -> Chance:
    """What assignment alone does to mean(x | treated) - mean(x | not), for people (n,) with codes of strata and of units of assignment.

    With arms of n_t and n_c people the difference is sum_i z_i (x_i - xbar) (1/n_t + 1/n_c) to first order, exactly so when units are people.
    """
    n_t, n_c = int(treated.sum()), int((~treated).sum())
    factor = 1 / n_t + 1 / n_c
    _, first, code = np.unique(unit, return_index=True, return_inverse=True)
    totals = np.bincount(code.reshape(-1), weights=x - x.mean()).astype(float)[:, None]
    own_stratum, own_arm = stratum[first], treated[first]
    _, variance = _permuted(totals, own_arm, own_stratum)
    share = np.bincount(own_stratum, weights=own_arm) / np.maximum(np.bincount(own_stratum), 1)
    return Chance(float(factor * (share[own_stratum] @ totals[:, 0])), float(factor * np.sqrt(variance[0, 0])))


def standardized_difference_draws(*, x: FloatArray, treated: FloatArray, share: bool) -> FloatArray:
    """(B,) standardized differences of x (n,) for assignments (B, n) of ones and zeros; the denominator of each is its own."""
    n = np.stack([treated.sum(axis=1), (1 - treated).sum(axis=1)])
    centre = 0.0 if share else float(x.mean())
    value = x - centre
    sums = np.stack([treated @ value, (1 - treated) @ value])
    squares = np.stack([treated @ value**2, (1 - treated) @ value**2])
    with np.errstate(divide="ignore", invalid="ignore"):
        means = sums / n
        variances = means * (1 - means) if share else (squares - n * means**2) / (n - 1)
        return np.asarray((means[0] - means[1]) / np.sqrt(variances.mean(axis=0)))
