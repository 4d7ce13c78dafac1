"""Tests of contrasts of the fixed effects of repeated measures: Satterthwaite, Kenward-Roger and residual degrees of freedom.

With Phi the covariance of b, W that of the covariance parameters (twice the inverse Hessian of -2 l) and g_k = c' dPhi/dtheta_k c:

    Satterthwaite   df = 2 (c'Phi c)^2 / (g'W g);
    several rows    t tests along the eigenvectors of C Phi C', E = sum nu/(nu - 2), df = 2E/(E - q) (Fai & Cornelius 1996); their mean
                    when all are equal, 2 when any is 2 or less;
    Kenward-Roger   Phi_A = Phi + 2 Phi [sum_kl W_kl (Q_kl - P_k Phi P_l - R_kl/4)] Phi, with P_k = dA/dtheta_k, A = X'V^-1 X,
                    Q_kl = X'V^-1 V_k V^-1 V_l V^-1 X, R_kl = X'V^-1 V_kl V^-1 X; F scaled and its df as in Kenward & Roger (1997).

The linear Kenward-Roger covariance leaves R out. It does not depend on how the covariance is parameterized and is the default; the full one
holds for the natural parameters of covariance_structures.py. For one row the two df rules agree.
Source: Satterthwaite (1946); Kenward & Roger (1997), Biometrics 53; McCaffrey & Bell (2006) for the empirical covariances.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray
from trialkit.inference.linear.wald import WaldTest
from trialkit.inference.repeated.fit import RepeatedFit
from trialkit.inference.repeated.likelihood import directions, first_matrices, second_matrices, state


@dataclass(frozen=True, slots=True)
class RepeatedContrasts:
    """What turns contrasts of a fit into tests.

    Attributes
    ----------
    fit : the fitted model. covariance : (r, r) of the kept coefficients, as reported.
    df_rule : 'satterthwaite', 'kenward_roger' or 'residual'.
    """

    fit: RepeatedFit
    covariance: FloatArray
    df_rule: str

    def test(self, c: FloatArray) -> tuple[float, float, float]:
        """Estimate, standard error and df of c'b, c over the r kept columns."""
        estimate = float(c @ self.fit.coef[self.fit.kept])
        variance = float(c @ self.covariance @ c)
        return estimate, math.sqrt(max(variance, 0.0)), self.df(c)

    def df(self, c: FloatArray) -> float:
        """Degrees of freedom of one row."""
        fit = self.fit
        if self.df_rule == "residual":
            return float(fit.data.n_observed - fit.data.rank)
        variance, slopes = self._gradient(c)
        spread = float(slopes @ fit.theta_covariance @ slopes)
        return 2 * variance**2 / spread if spread > 0 else math.inf

    def _gradient(self, c: FloatArray) -> tuple[float, FloatArray]:
        """c'Phi c and its derivatives, in units of the scaled outcome."""
        u = self.fit.bread @ (self.fit.data.rotation.T @ c)
        return float(u @ np.linalg.solve(self.fit.bread, u)), -np.einsum("i,kij,j->k", u, self.fit.first, u)

    def joint(self, C: FloatArray) -> WaldTest:
        """Test that all rows of C b, C (q, r), are zero together."""
        q = len(C)
        gap = C @ self.fit.coef[self.fit.kept]
        inner = C @ self.covariance @ C.T
        spread = np.sqrt(np.diag(inner))
        if not (spread > 0).all() or np.linalg.eigvalsh(inner / np.outer(spread, spread))[0] <= 1e-12:
            raise ValueError("the covariance of the contrasts is singular")
        statistic = float(gap / spread @ np.linalg.solve(inner / np.outer(spread, spread), gap / spread)) / q
        if self.df_rule == "kenward_roger":
            factor, df = self._kenward_roger(C)
            return _f_test(factor * statistic, q, df)
        _, vectors = np.linalg.eigh(inner)
        return _f_test(statistic, q, pooled_df(np.array([self.df(row) for row in vectors.T @ C])))

    def _kenward_roger(self, C: FloatArray) -> tuple[float, float]:
        """Scale and denominator df of the F of q rows."""
        fit, q = self.fit, len(C)
        L = C @ fit.data.rotation
        middle = fit.bread @ L.T @ np.linalg.solve(L @ fit.bread @ L.T, L @ fit.bread)
        turned = middle @ fit.first
        traces = np.einsum("kii->k", turned)
        W = fit.theta_covariance
        a1 = float(traces @ W @ traces)
        a2 = float((W * np.tensordot(turned, np.swapaxes(turned, 1, 2), axes=((1, 2), (1, 2)))).sum())
        if not a2 > 0:
            return 1.0, math.inf
        b = (a1 + 6 * a2) / (2 * q)
        g = ((q + 1) * a1 - (q + 4) * a2) / ((q + 2) * a2)
        base = 3 * q + 2 * (1 - g)
        c1, c2, c3 = g / base, (q - g) / base, (q + 2 - g) / base
        mean = 1 / (1 - a2 / q)
        ratio = (2 / q) * (1 + c1 * b) / ((1 - c2 * b) ** 2 * (1 - c3 * b)) / (2 * mean**2)
        df = 4 + (q + 2) / (q * ratio - 1)
        return df / (mean * (df - 2)), df


def pooled_df(each: FloatArray) -> float:
    """Denominator df of an F of q independent t tests with these df."""
    if len(each) == 1 or np.ptp(each) <= 1e-8 * abs(float(each[0])):
        return float(each.mean())
    if (each <= 2).any():
        return 2.0
    total = float(sum(1.0 if math.isinf(v) else v / (v - 2) for v in each))
    return 2 * total / (total - len(each)) if total > len(each) else math.inf


def _f_test(statistic: float, q: int, df: float) -> WaldTest:
    p = special.chdtrc(q, q * statistic) if math.isinf(df) else special.fdtrc(q, df, statistic)
    return WaldTest(statistic, q, df, float(p))


def model_based(fit: RepeatedFit, df_rule: str) -> RepeatedContrasts:
    """With the covariance that the model implies."""
    return RepeatedContrasts(fit, fit.covariance, df_rule)


def kenward_roger(fit: RepeatedFit, *, linear: bool = True) -> RepeatedContrasts:
    """With the covariance of Kenward and Roger, without (linear) or with the second derivatives of the covariance matrices."""
    data, model, r = fit.data, fit.model, fit.data.rank
    found = state(data, model, fit.theta, reml=fit.reml)
    assert found is not None
    values, vectors = np.linalg.eigh(fit.theta_covariance)
    roots = (vectors * np.sqrt(np.maximum(values, 0.0))).T
    sigma, gamma = (np.tensordot(roots, slopes, axes=1) for slopes in model.slopes(fit.theta))
    Q = second_matrices(data, found, directions(data, found, sigma, gamma)).sum(axis=0)[:r, :r] / 2
    P = np.tensordot(roots, fit.first, axes=1)
    inner = Q - np.einsum("kij,jl,klm->im", P, fit.bread, P)
    if not linear:
        bent = directions(data, found, *(m[None] for m in model.bent(fit.theta, fit.theta_covariance)))
        inner = inner + first_matrices(data, found, bent)[0, :r, :r] / 4
    turn = data.scale * data.rotation
    adjusted = turn @ (fit.bread + 2 * fit.bread @ inner @ fit.bread) @ turn.T
    return RepeatedContrasts(fit, (adjusted + adjusted.T) / 2, "kenward_roger")
