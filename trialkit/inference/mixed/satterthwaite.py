"""Satterthwaite's degrees of freedom for contrasts of a mixed model.

The variance v = c'Phi c of a contrast has, by the delta method, variance g'Wg, with g_p = c'Phi F_p Phi c its derivative in theta_p
and W the inverse of the observed Hessian of -l_R. A chi-square on df degrees of freedom with that mean and variance has

    df = 2 v^2 / g'Wg.

W is the Hessian's inverse at a maximum, so df does not depend on how the variances are parameterized. Several contrasts at once:
the contrasts are turned to be uncorrelated, each has its df nu_m, and F is referred to F(q, 2E/(E - q)), E = sum nu_m/(nu_m - 2).
Sources: Satterthwaite (1946); Giesbrecht & Burns (1985), Biometrics 41(2); Fai & Cornelius (1996), J. Statist. Comput. Simul. 54.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray
from trialkit.inference.linear.wald import WaldTest
from trialkit.inference.mixed.fit import Contrasts, MixedFit, contrasts_of


def satterthwaite_contrasts(fit: MixedFit, contrasts: FloatArray) -> Contrasts:
    """Estimate, standard error and df of each contrast (m, k)."""
    loads = fit.on_basis(contrasts) @ fit.phi
    variance = np.einsum("...mi,...mi->...m", loads, fit.on_basis(contrasts))
    slopes = np.einsum("...mi,...pij,...mj->...mp", loads, fit.first, loads)
    W = fit.inverse_information(fit.observed)
    spread = np.einsum("...mp,...pq,...mq->...m", slopes, W, slopes)
    return contrasts_of(fit, contrasts, variance=variance, spread=spread, slopes=slopes, adjusted=variance)


def satterthwaite_joint(fit: MixedFit, contrasts: FloatArray) -> WaldTest:
    """F test that contrasts (q, k) of one fit are zero together; the contrasts are independent of each other."""
    C = fit.on_basis(contrasts)
    values, vectors = np.linalg.eigh(C @ fit.phi @ C.T)
    if values[0] <= 1e-12 * values[-1]:
        raise ValueError("the contrasts are not independent of each other")
    turned = vectors.T @ contrasts
    found = satterthwaite_contrasts(fit, turned)
    q = len(contrasts)
    statistic = float(np.mean((found.estimate / found.std_error) ** 2))
    df = _pooled_df(found.df)
    return WaldTest(statistic, q, df, float(special.fdtrc(q, df, statistic)))


def _pooled_df(df: FloatArray) -> float:
    """Of equal df their mean, with one of at most two 2, else 2E/(E - q)."""
    q = len(df)
    if q == 1 or np.ptp(df) <= 1e-8 * df.max():
        return float(df.mean())
    if (df <= 2).any():
        return 2.0
    E = float((df / (df - 2)).sum())
    return 2 * E / (E - q)
