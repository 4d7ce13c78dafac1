"""Posterior draws of the joint normal model of the waves of one arm, by data augmentation.

    y_i = B'x_i + u_g + e_i  (J waves),   e ~ N(0, Sigma),   u_g ~ N(0, Psi);   people outside groups have no u.

Priors: flat on B; |Sigma|^-(J+1)/2; Psi of Huang & Wand (2013, Bayesian Analysis 8, 439-452) with two degrees of freedom, which makes each group
standard deviation half-t with scale the residual one and each correlation uniform, so that few groups do not have their variance chosen by
the prior. All conditionals are standard (Schafer & Yucel 2002; Goldstein et al. 2009):

    Sigma ~ IW(n - q, RSS), B ~ MN(B_hat, Sigma x (X'X)^-1),   u_g ~ N(V_g Sigma^-1 sum r, V_g), V_g = (Psi^-1 + n_g Sigma^-1)^-1,
    Psi ~ IW(J + 1 + G, U'U + 4 diag(1/a)),   a_j ~ IG((J + 2)/2, 2 (Psi^-1)_jj + 1/A_j^2),   missing waves normal given the observed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.imputation.reference import conditional

BURN_IN, THIN = 300, 25
_FREEDOM = 2


@dataclass(frozen=True, slots=True)
class WavesDraw:
    """coef (q, J), sigma and psi (J, J), effects (G, J), y (n, J) completed as missing at random."""

    coef: FloatArray
    sigma: FloatArray
    psi: FloatArray
    effects: FloatArray
    y: FloatArray


def draw_waves(
    *,
    y: FloatArray,
    X: FloatArray,
    group: IntArray,
    n_groups: int,
    draws: int,
    rng: np.random.Generator,
    burn_in: int = BURN_IN,
    thin: int = THIN,
) -> Iterator[WavesDraw]:
    """Draws `thin` sweeps apart after `burn_in` sweeps.

    Parameters
    ----------
    y : (n, J) NaN where missing, each wave with some values. X : (n, q) with the constant, n > q + J. group : (n,) codes 0..G-1, or -1.
    """
    n, J = y.shape
    holes = np.isnan(y)
    patterns = _patterns(holes)
    root = np.linalg.cholesky(np.linalg.pinv(X.T @ X, hermitian=True) + 1e-14 * np.eye(X.shape[1]))
    hat = root @ root.T @ X.T
    scale = np.maximum(np.nanstd(y, axis=0), 1e-12)
    state = np.where(holes, np.nanmean(y, axis=0) + scale * rng.standard_normal(y.shape), y)
    member = group >= 0
    indicators = np.zeros((n_groups, n))
    indicators[group[member], np.flatnonzero(member)] = 1.0
    size = indicators.sum(axis=1)
    effects, psi, helper = np.zeros((n_groups, J)), np.diag(scale**2) / 10, scale**2
    for sweep in range(burn_in + draws * thin):
        shift = indicators.T @ effects
        free = state - shift
        fitted = hat @ free
        rest = free - X @ fitted
        sigma = _inverse_wishart(n - X.shape[1], rest.T @ rest, rng)
        coef = fitted + root @ rng.standard_normal(fitted.shape) @ np.linalg.cholesky(sigma).T
        if n_groups:
            effects = _effects(indicators @ (state - X @ coef), size, sigma, psi, rng)
            psi = _inverse_wishart(J + _FREEDOM - 1 + n_groups, effects.T @ effects + 2 * _FREEDOM * np.diag(1 / helper), rng)
            rate = _FREEDOM * np.diag(np.linalg.inv(psi)) + 1 / np.diag(sigma)
            helper = rate / rng.gamma((_FREEDOM + J) / 2, size=J)
            shift = indicators.T @ effects
        fill(state, X @ coef + shift, sigma, patterns, rng)
        if sweep >= burn_in and (sweep - burn_in) % thin == thin - 1:
            yield WavesDraw(coef, sigma, psi if n_groups else np.zeros((J, J)), effects, state.copy())


def fill(
    y: FloatArray, mean: FloatArray, covariance: FloatArray, patterns: list[tuple[IntArray, BoolArray]], rng: np.random.Generator
) -> None:
    """Put draws of the missing waves given the observed into y, for sets of rows with the same waves observed."""
    for rows, observed in patterns:
        given = conditional(covariance=covariance, observed=observed)
        noise = rng.standard_normal((len(rows), len(given.rest))) @ np.linalg.cholesky(given.rest).T
        missing = np.flatnonzero(~observed)
        away = (y[rows] - mean[rows])[:, observed]
        y[rows[:, None], missing] = mean[rows[:, None], missing] + away @ given.slope + noise


def _patterns(holes: BoolArray) -> list[tuple[IntArray, BoolArray]]:
    """Rows and waves observed of every pattern with something missing."""
    kinds, which = np.unique(holes, axis=0, return_inverse=True)
    which = which.reshape(-1)
    return [(np.flatnonzero(which == k).astype(np.int64), ~kind) for k, kind in enumerate(kinds) if kind.any()]


def _effects(sums: FloatArray, size: FloatArray, sigma: FloatArray, psi: FloatArray, rng: np.random.Generator) -> FloatArray:
    inner = np.linalg.inv(sigma)
    variance = np.linalg.inv(np.linalg.inv(psi) + size[:, None, None] * inner)
    variance = (variance + np.swapaxes(variance, 1, 2)) / 2
    mean = np.einsum("gij,jk,gk->gi", variance, inner, sums)
    return np.asarray(mean + np.einsum("gij,gj->gi", np.linalg.cholesky(variance), rng.standard_normal(mean.shape)))


def _inverse_wishart(df: float, scale: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A draw of IW(df, scale) by Bartlett's decomposition of the Wishart."""
    k = len(scale)
    lower = np.tril(rng.standard_normal((k, k)), -1)
    lower[np.arange(k), np.arange(k)] = np.sqrt(rng.chisquare(df - np.arange(k)))
    inner = np.linalg.solve(lower, np.linalg.cholesky((scale + scale.T) / 2).T)
    return np.asarray(inner.T @ inner)
