"""Conditional-mean imputation under a reference-based rule, refitted without each independent unit (jackknife).

Each missing wave becomes its expectation given the observed waves under the rule of reference.py, at the maximum likelihood estimates of every arm; the
completed last wave is regressed on arms and covariates. Nothing is drawn. With theta_-u the effect when unit u (a person, or a whole group with all that
is estimated from it) is left out,

    V = (U - 1)/U sum_u (theta_-u - mean)^2                                        nobody shares a group,
    V = sum_a V_a,   V_a = (U_a - 1)/U_a sum_{u in a} (theta_-u - mean_a)^2        otherwise, a the arms,

because one factor for all units would count few groups as if they were many people. The df of the sum are Satterthwaite's,
V^2 / sum V_a^2 / (U_a - 1). Sources: Wolbers et al. (2022), Pharmaceutical Statistics 21, 1246-1257; Quenouille-Tukey jackknife by strata, Wolter (2007), section 4.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.imputation.normal_ml import NormalFit, check_rank, normal_fit
from trialkit.inference.imputation.reference import Rule, conditional, last_observed, rule_covariance, rule_mean

CHUNK = 256


@dataclass(frozen=True, slots=True)
class ConditionalMean:
    """estimate (K,) effects; replicates (U, K) without each unit; completed (n, J); converged."""

    estimate: FloatArray
    replicates: FloatArray
    completed: FloatArray
    converged: bool


def conditional_mean(
    *,
    y: FloatArray,
    X: Sequence[FloatArray],
    arm: IntArray,
    unit: IntArray,
    design: FloatArray,
    arms: IntArray,
    rule: Rule,
    reference: int,
    wave: int,
) -> ConditionalMean:
    """Effects and their jackknife replicates.

    Parameters
    ----------
    y : (n, J) NaN where missing. X : per arm (n, q_a), its predictors for everyone. arm : (n,) codes 0..A-1. unit : (n,) codes 0..U-1.
    design : (n, d) regressors of the analysis, of full rank. arms : (K,) columns of `design` whose coefficients are wanted.
    reference : the arm whose means the rule borrows; it and the control arm (0) are missing at random. wave : which of the J waves is analysed, from 0.
    """
    n_arms = len(X)
    inside = [np.flatnonzero(arm == a) for a in range(n_arms)]
    full = [normal_fit(y=y[r], X=x[r], weights=np.ones((1, len(r)))) for r, x in zip(inside, X)]
    done = np.where(np.isnan(y)[None], 0.0, y[None])
    for a in range(n_arms):
        done[0, inside[a]] = _completed(y, X, inside, full, a, rule, reference)[0]
    everyone = np.ones((1, len(y)))
    estimate = _effects(done[:, :, wave], design, everyone, arms)[0]
    units = int(unit.max()) + 1
    replicates = np.empty((units, len(arms)))
    converged = all(bool(f.converged.all()) for f in full)
    for low in range(0, units, CHUNK):
        left = np.arange(low, min(low + CHUNK, units))
        weights = (unit[None] != left[:, None]).astype(float)
        fits = []
        for a in range(n_arms):
            touched = (weights[:, inside[a]] == 0).any(axis=1)
            again = (
                normal_fit(y=y[inside[a]], X=X[a][inside[a]], weights=weights[touched][:, inside[a]], start=full[a])
                if touched.any()
                else None
            )
            fits.append(_merged(full[a], again, touched))
            converged &= bool(fits[a].converged.all())
        last_wave = np.empty((len(left), len(y)))
        for a in range(n_arms):
            last_wave[:, inside[a]] = _completed(y, X, inside, fits, a, rule, reference)[:, :, wave]
        replicates[left] = _effects(last_wave, design, weights, arms)
    return ConditionalMean(estimate, replicates, done[0], converged)


def jackknife_variance(*, replicates: FloatArray, block: IntArray) -> tuple[FloatArray, FloatArray]:
    """Variance (K,) and its df (K,) from (U, K) replicates; `block` (U,) numbers the sets with a factor of their own.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([1.0, 2.0, 4.0, 7.0])
    >>> without = (y.sum() - y) / 3
    >>> variance, df = jackknife_variance(replicates=without[:, None], block=np.zeros(4, dtype=int))
    >>> bool(np.isclose(variance[0], y.var(ddof=1) / 4)), df.tolist()
    (True, [3.0])
    """
    parts, dfs = [], []
    for b in np.unique(block):
        own = replicates[block == b]
        u = len(own)
        parts.append((u - 1) / u * ((own - own.mean(axis=0)) ** 2).sum(axis=0))
        dfs.append(u - 1)
    V, d = np.array(parts), np.array(dfs, dtype=float)[:, None]
    total = V.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return total, np.asarray(total**2 / (V**2 / d).sum(axis=0))


def _merged(full: NormalFit, again: NormalFit | None, touched: FloatArray) -> NormalFit:
    """Fits of every replicate: refitted where a unit of the arm is left out, the full one elsewhere."""
    R = len(touched)
    coef, sigma, converged = np.repeat(full.coef, R, axis=0), np.repeat(full.sigma, R, axis=0), np.repeat(full.converged, R)
    if again is not None:
        coef[touched], sigma[touched], converged[touched] = again.coef, again.sigma, again.converged
    return NormalFit(coef, sigma, converged)


def _completed(
    y: FloatArray,
    X: Sequence[FloatArray],
    inside: Sequence[IntArray],
    fits: Sequence[NormalFit],
    a: int,
    rule: Rule,
    reference: int,
) -> FloatArray:
    """(R, n_a, J) completed waves of arm a."""
    rows = inside[a]
    own = X[a][rows] @ fits[a].coef
    other = X[reference][rows] @ fits[reference].coef
    values = y[rows]
    observed = ~np.isnan(values)
    out = np.repeat(np.where(observed, values, 0.0)[None], len(own), axis=0)
    kinds, which = np.unique(observed, axis=0, return_inverse=True)
    which = which.reshape(-1)
    lasts = last_observed(kinds)
    for k, kind in enumerate(kinds):
        if kind.all():
            continue
        chosen, last = np.flatnonzero(which == k), int(lasts[k])
        used: Rule = "mar" if a in (0, reference) else rule
        mean = rule_mean(rule=used, own=own[:, chosen], reference=other[:, chosen], last=last)
        spread = rule_covariance(rule=used, own=fits[a].sigma, reference=fits[reference].sigma, last=last)
        given = conditional(covariance=spread, observed=kind)
        filled = mean[:, :, ~kind] + (values[chosen][:, kind][None] - mean[:, :, kind]) @ given.slope
        out[:, chosen[:, None], np.flatnonzero(~kind)] = filled
    return out


def _effects(y: FloatArray, design: FloatArray, weights: FloatArray, arms: IntArray) -> FloatArray:
    """(R, K) coefficients of weighted regressions of y (R, n)."""
    d = design.shape[1]
    pairs = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    gram = (weights @ pairs).reshape(len(weights), d, d)
    check_rank(gram)
    right = (weights * y) @ design
    return np.asarray(np.linalg.solve(gram, right[..., None])[..., 0][:, arms])
