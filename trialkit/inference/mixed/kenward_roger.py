"""Kenward and Roger's standard errors and degrees of freedom, with variances that enter the covariance linearly.

Phi understates the variance of the estimated fixed effects, because theta is estimated. With F_p, Q_pq of mixed_fit.py and W the inverse of the
expected information of theta,

    Phi_A = Phi + 2 Phi [ sum_pq W_pq (Q_pq - F_p Phi F_q) ] Phi.

Second derivatives of V are zero in the natural parameters (variances), which is why they are used: the term that depends on the
parameterization drops out. F = lambda/q (Cb)'(C Phi_A C')^-1 (Cb) is referred to F(q, m), where lambda and m match two moments; with one contrast
lambda = 1 and m = 2 v^2 / g'Wg, Satterthwaite's df with the expected information. Source: Kenward & Roger (1997), Biometrics 53(3);
pbkrtest computes the same.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray
from trialkit.inference.linear.wald import WaldTest
from trialkit.inference.mixed.fit import Contrasts, MixedFit, contrasts_of


def kenward_roger_contrasts(fit: MixedFit, contrasts: FloatArray) -> Contrasts:
    """Estimate, adjusted standard error and df of each contrast (m, k)."""
    C = fit.on_basis(contrasts)
    loads = C @ fit.phi
    variance = np.einsum("...mi,...mi->...m", loads, C)
    slopes = np.einsum("...mi,...pij,...mj->...mp", loads, fit.first, loads)
    W = fit.inverse_information(fit.expected)
    spread = np.einsum("...mp,...pq,...mq->...m", slopes, W, slopes)
    adjusted = variance + np.einsum("...mi,...ij,...mj->...m", loads, _adjustment(fit, W), loads)
    return contrasts_of(fit, contrasts, variance=variance, spread=spread, slopes=slopes, adjusted=adjusted)


def kenward_roger_covariance(fit: MixedFit) -> FloatArray:
    """(..., k, k) Phi_A of the fixed effects."""
    W = fit.inverse_information(fit.expected)
    matrix = fit.phi + fit.phi @ _adjustment(fit, W) @ fit.phi
    turned = fit.rotation @ matrix @ np.swapaxes(fit.rotation, -1, -2)
    return np.asarray(turned * np.asarray(fit.unit)[..., None, None] ** 2)


def kenward_roger_joint(fit: MixedFit, contrasts: FloatArray) -> WaldTest:
    """Scaled F test that contrasts (q, k) of one fit are zero together; the contrasts are independent of each other."""
    C = fit.on_basis(contrasts)
    q = len(C)
    V = C @ fit.phi @ C.T
    if np.linalg.eigvalsh(V)[0] <= 1e-12 * np.trace(V):
        raise ValueError("the contrasts are not independent of each other")
    W = fit.inverse_information(fit.expected)
    loads = C @ fit.phi
    turned = np.linalg.solve(V, np.einsum("mi,pij,nj->pmn", loads, fit.first, loads))
    traces = np.einsum("pmm->p", turned)
    A1 = float(traces @ W @ traces)
    A2 = float(np.einsum("pq,pmn,qnm->", W, turned, turned))
    scale, df = _moments(A1, A2, q)
    adjusted = V + loads @ _adjustment(fit, W) @ loads.T
    gap = contrasts @ fit.coef / fit.unit
    statistic = scale * float(gap @ np.linalg.solve(adjusted, gap)) / q
    return WaldTest(statistic, q, df, float(special.fdtrc(q, df, statistic)))


def _adjustment(fit: MixedFit, W: FloatArray) -> FloatArray:
    """(..., k, k) 2 sum_pq W_pq (Q_pq - F_p Phi F_q)."""
    if fit.second is None:
        raise ValueError("this fit was made without the second-order terms")
    product = np.einsum("...pij,...jk,...qkl->...pqil", fit.first, fit.phi, fit.first)
    total = 2 * np.einsum("...pq,...pqij->...ij", W, fit.second - product)
    return np.asarray((total + np.swapaxes(total, -1, -2)) / 2)


def _moments(A1: float, A2: float, q: int) -> tuple[float, float]:
    """Scale and denominator df of the F statistic."""
    g = ((q + 1) * A1 - (q + 4) * A2) / ((q + 2) * A2)
    common = 3 * q + 2 * (1 - g)
    c1, c2, c3 = g / common, (q - g) / common, (q + 2 - g) / common
    B = (A1 + 6 * A2) / (2 * q)
    mean = 1 / (1 - A2 / q)
    spread = 2 / q * (1 + c1 * B) / ((1 - c2 * B) ** 2 * (1 - c3 * B))
    rho = spread / (2 * mean**2)
    df = 4 + (q + 2) / (q * rho - 1)
    return df / (mean * (df - 2)), df
