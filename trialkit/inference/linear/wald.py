"""Joint tests of several linear contrasts of least-squares coefficients: C b = value.

Q = (C b - value)' (C V C')^-1 (C b - value) is the Wald statistic of q contrasts. With a classical or HC covariance Q/q is
referred to F(q, n - K).

With clusters Q/q with F(q, S - 1) rejects far too often when clusters are few. The approximate Hotelling test matches T = C V C' to a
Wishart matrix in the total variance of its entries. With T = sum_s (p_s'e)(p_s'e)', p_s = (I-H)_s' u_s for the q contrasts in
the coordinates in which E T = I under the working covariance O, and the q x q blocks G_st = p_s' O p_t,

    nu = q (q + 1) / sum_st [ (tr G_st)^2 + tr(G_st G_st) ],
    F  = (nu - q + 1) / (nu q) * Q  ~  F(q, nu - q + 1).

With q = 1 this is the square of the Satterthwaite t test (small_sample.py). The sums over pairs of clusters are formed from 2r x 2r products,
never from n x n or S x S matrices. Source: Pustejovsky & Tipton (2018), Journal of Business & Economic Statistics 36(4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from trialkit.inference.arrays import Clusters, FloatArray
from trialkit.inference.linear.covariance import Covariance
from trialkit.inference.linear.least_squares import LeastSquares
from trialkit.inference.linear.small_sample import WorkingCovariance


@dataclass(frozen=True, slots=True)
class WaldTest:
    """An F test. `df_denom` is NaN, and with it `statistic` and `p_value`, when the clusters are too few for q contrasts."""

    statistic: float
    df_num: int
    df_denom: float
    p_value: float


def htz(
    fit: LeastSquares,
    cov: Covariance,
    contrasts: FloatArray,
    *,
    value: FloatArray | None = None,
    working: WorkingCovariance | None = None,
) -> WaldTest:
    """The joint test that suits the covariance: approximate Hotelling with CR kinds, plain F with classical and HC kinds.

    Parameters
    ----------
    contrasts : (q, r), a contrast a row, in the columns kept in the fit; the rows must be independent.
    value : (q,) hypothesized values, by default 0.
    working : covariance of the errors for the moments, by default independence with equal variances.

    Raises
    ------
    ValueError
        When the contrasts are not independent or their covariance is singular.
    """
    C = np.atleast_2d(np.asarray(contrasts, dtype=float))
    q = C.shape[0]
    comparable = C * _units(fit)
    if np.linalg.matrix_rank(comparable / np.maximum(np.linalg.norm(comparable, axis=1, keepdims=True), 1e-300)) < q:
        raise ValueError("the contrasts are not independent of each other")
    gap = C @ fit.coef[fit.kept] - (0.0 if value is None else value)
    wald = _wald(gap, C @ cov.matrix @ C.T)
    if cov.clusters is None:
        return _f_test(wald / q, q, float(fit.df_resid))
    nu = hotelling_df(fit, cov, C, working)
    denominator = nu - q + 1
    if not denominator > 0:
        return WaldTest(math.nan, q, math.nan, math.nan)
    return _f_test(denominator / nu * wald / q, q, denominator)


def hotelling_df(fit: LeastSquares, cov: Covariance, contrasts: FloatArray, working: WorkingCovariance | None = None) -> float:
    """nu, the degrees of freedom of the Wishart matrix that C V C' is matched to; contrasts (q, r).

    Raises ValueError for kinds without adjusted influence values.
    """
    if cov.influence is None or cov.influence.ndim != 2:
        raise ValueError(f"no moments for {cov.kind}")
    if type(fit) is not LeastSquares:
        raise ValueError("a joint test by clusters needs a column for every stratum: the strata are absorbed")
    q = contrasts.shape[0]
    mean = _moment_sums(fit, cov, contrasts, working)[0]
    scale = np.sqrt(np.diag(mean))
    if not (scale > 0).all():
        raise ValueError("the covariance of the contrasts is singular")
    values, vectors = np.linalg.eigh((mean + mean.T) / 2 / np.outer(scale, scale))
    if values[0] <= 1e-12 * values[-1]:
        raise ValueError("the covariance of the contrasts is singular")
    standardized = (vectors / np.sqrt(values)) @ vectors.T @ (contrasts / scale[:, None])
    total = _moment_sums(fit, cov, standardized, working)[1]
    return q * (q + 1) / total


def _moment_sums(
    fit: LeastSquares, cov: Covariance, C: FloatArray, working: WorkingCovariance | None
) -> tuple[FloatArray, float]:
    """E T (q, q), and sum_st (tr G_st)^2 + tr(G_st G_st).

    G^ij_st = [s = t] u_is'O u_js + Z_is' K Z_js with Z_i = [X'u_i, (WX)'O u_i] by cluster, as in small_sample.py.
    """
    assert cov.influence is not None
    clusters = cov.clusters if cov.clusters is not None else _singletons(len(fit.residuals))
    X = fit.X[clusters.order]
    WX = X if fit.weights is None else X * fit.weights[clusters.order][:, None]
    u = cov.influence @ C.T
    own = u if working is None else working.times(u, clusters)
    OWX = WX if working is None else working.times(WX, clusters)
    M = fit.bread
    K = np.block([[M @ (WX.T @ OWX) @ M, -M], [-M, np.zeros_like(M)]])
    Z = [np.concatenate([clusters.sum(X * u[:, [i]]), clusters.sum(WX * own[:, [i]])], axis=1) for i in range(C.shape[0])]
    alpha = clusters.gram(u, own)
    beta = np.stack([np.stack([np.einsum("sa,ab,sb->s", zi, K, zj) for zj in Z], axis=-1) for zi in Z], axis=-2)
    mean = (alpha + beta).sum(axis=0)
    # sums of elementwise products over all pairs of clusters: the clusters' own terms, then products of 2r x 2r matrices
    trace_a, trace_b = np.einsum("sii->s", alpha), np.einsum("sii->s", beta)
    total = float((trace_a**2 + 2 * trace_a * trace_b).sum())
    total += float(np.einsum("sij,sji->", alpha, alpha) + 2 * np.einsum("sij,sji->", alpha, beta))
    for zi in Z:
        for zj in Z:
            forward, back = K @ (zi.T @ zj), K @ (zj.T @ zi)
            total += float((forward * back.T).sum() + (back * back.T).sum())
    return mean, total


def _units(fit: LeastSquares) -> FloatArray:
    """Standard errors up to a constant, which put contrasts of columns in different units on one footing."""
    return np.sqrt(np.diag(fit.bread))


def _wald(gap: FloatArray, matrix: FloatArray) -> float:
    scale = np.sqrt(np.diag(matrix))
    if not (scale > 0).all():
        raise ValueError("the covariance of the contrasts is singular")
    unit = matrix / np.outer(scale, scale)
    if np.linalg.eigvalsh(unit)[0] <= 1e-12:
        raise ValueError("the covariance of the contrasts is singular")
    z = gap / scale
    return float(z @ np.linalg.solve(unit, z))


def _f_test(statistic: float, q: int, df: float) -> WaldTest:
    return WaldTest(statistic, q, df, float(special.fdtrc(q, df, statistic)))


def _singletons(n: int) -> Clusters:
    rows = np.arange(n, dtype=np.int64)
    return Clusters(rows, rows, np.ones(n, dtype=np.int64))
