"""Lin's estimator over many assignments: a regression in each arm, read at the mean of everyone's covariates.

With b the mean row of the basis B (n, r) of constant, strata and covariates, arm a has G_a = sum_{i in a} B_i B_i', beta_a = G_a^-1 sum_{i in a} B_i y_i, and the
effect is b'(beta_a - beta_0). Its variance sums squares of b'G_a^-1 B_i e_i with HC2 factors 1/sqrt(1 - h_i), or over groups with 1/sqrt(1 - n_g/n_arm). Source:
Lin (2013), Annals of Applied Statistics 7(1); `regression_effects` has the same without interactions.
"""

from __future__ import annotations

import numpy as np

from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.linear.arm_effects import CELLS, SINGULAR, ArmArray, group_scores


def interacted_effects(
    *, y: FloatArray, draws: ArmArray, n_arms: int, arm: int, reference: int, basis: FloatArray, groups: IntArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """(B,) effects of `arm` against `reference` (codes) and (B,) variances; NaN where an arm has too few people for its regression.

    Parameters
    ----------
    y : (n,). draws : (B, n) arm codes. basis : (n, r) orthonormal. groups : (B, n) group codes, -1 alone; None for HC2.
    """
    r, mean = basis.shape[1], basis.mean(axis=0)
    columns = np.column_stack([(basis[:, :, None] * basis[:, None, :]).reshape(len(y), -1), basis * y[:, None]])
    effects, variances = np.empty(len(draws)), np.empty(len(draws))
    step = max(16, CELLS // draws.shape[1])
    for start in range(0, len(draws), step):
        part = slice(start, start + step)
        value, scores = np.zeros(len(draws[part])), np.zeros(draws[part].shape)
        for code, sign in ((arm, 1.0), (reference, -1.0)):
            inside = (draws[part] == code).astype(float)
            sums = inside @ columns
            inverse = _inverse(sums[:, : r * r].reshape(-1, r, r), inside.sum(axis=1))
            beta = (inverse @ sums[:, r * r :, None])[:, :, 0]
            value += sign * beta @ mean
            left = y - beta @ basis.T
            if groups is None:
                h = np.einsum("bnr,nr->bn", basis @ inverse, basis)
                left /= np.sqrt(np.maximum(1 - h, 1e-12))
            scores += sign * inside * ((inverse @ mean) @ basis.T) * left
        if groups is not None:
            scores = group_scores(scores[:, None, :], draws[part], groups[part], n_arms)[:, 0]
        effects[part], variances[part] = value, np.einsum("bs,bs->b", scores, scores)
    return effects, variances


def _inverse(gram: FloatArray, count: FloatArray) -> FloatArray:
    """Inverses of the cross-products; NaN where the covariates cannot be told apart in the arm."""
    r = gram.shape[1]
    scaled = gram / np.maximum(np.einsum("bii->b", gram) / r, 1e-300)[:, None, None]
    smallest = np.linalg.eigvalsh(scaled)[:, 0]
    bad = (smallest <= SINGULAR) | (count <= r)
    usable = np.where(bad[:, None, None], np.eye(r), gram)
    out = np.linalg.inv(usable)
    out[bad] = np.nan
    return out
