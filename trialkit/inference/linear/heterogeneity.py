"""Do several estimates differ? Wald tests on any covariance of them, with small-sample degrees of freedom.

Q = (C b)' (C S C')^-1 (C b) for q contrasts C of L estimates b with covariance S. C S C' is matched to a Wishart matrix with nu degrees of freedom
(inference/linear/wald.py), and F = (nu - q + 1) / (nu q) Q is referred to F(q, nu - q + 1), to chi-square / q when nu is infinite.

For independent estimates, S = diag(v_l) with v_l on f_l degrees of freedom, the match has a closed form. With a_l the columns of
(C S C')^{-1/2} C, the entries of the estimated matrix have total variance sum_l 2 (v_l a_l'a_l)^2 / f_l, and a Wishart matrix of mean I has q (q + 1) / nu:

    nu = q (q + 1) / sum_l 2 (v_l a_l'a_l)^2 / f_l.

With q = 1 this is Welch and Satterthwaite's df of a difference. Source of the match: Pustejovsky & Tipton (2018), JBES 36(4).
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray
from trialkit.inference.linear.wald import WaldTest


def separate_df(*, variances: FloatArray, df: FloatArray, contrasts: FloatArray) -> float:
    """nu for contrasts (q, L) of independent estimates with variances (L,) on df (L,) degrees of freedom."""
    C = np.atleast_2d(contrasts)
    q = C.shape[0]
    values, vectors = np.linalg.eigh(C @ (variances[:, None] * C.T))
    if not values[0] > 1e-12 * values[-1]:
        raise ValueError("the covariance of the contrasts is singular")
    standardized = (vectors / np.sqrt(values)).T @ C
    shares = variances * (standardized**2).sum(axis=0)
    total = float((2 * shares**2 / df).sum())
    return q * (q + 1) / total if total > 0 else math.inf


def wald_f(*, estimates: FloatArray, covariance: FloatArray, contrasts: FloatArray, nu: float) -> WaldTest:
    """The test that contrasts (q, L) of estimates (L,) are zero; undefined (NaN) when nu is too small for q contrasts."""
    C = np.atleast_2d(contrasts)
    q = C.shape[0]
    gap, matrix = C @ estimates, C @ covariance @ C.T
    scale = np.sqrt(np.diag(matrix))
    if not (scale > 0).all() or np.linalg.eigvalsh(matrix / np.outer(scale, scale))[0] <= 1e-12:
        raise ValueError("the covariance of the contrasts is singular")
    wald = float((gap / scale) @ np.linalg.solve(matrix / np.outer(scale, scale), gap / scale))
    if math.isinf(nu):
        return WaldTest(wald / q, q, math.inf, float(special.chdtrc(q, wald)))
    denominator = nu - q + 1
    if not denominator > 0:
        return WaldTest(math.nan, q, math.nan, math.nan)
    statistic = denominator / nu * wald / q
    return WaldTest(statistic, q, denominator, float(special.fdtrc(q, denominator, statistic)))


def differences(count: int) -> FloatArray:
    """(count - 1, count) contrasts of every estimate with the first."""
    return np.column_stack([-np.ones(count - 1), np.eye(count - 1)])


def trend(*, scores: FloatArray, sizes: FloatArray) -> FloatArray:
    """(L,) contrast whose product with estimates is their least-squares slope over the scores, weighted by size.

    Weights that were fixed beforehand keep the test's level; those of estimated variances would not with few groups.
    """
    centred = scores - np.average(scores, weights=sizes)
    return np.asarray(sizes * centred / (sizes * centred**2).sum())
