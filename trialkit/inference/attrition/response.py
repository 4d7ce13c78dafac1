"""Respondents weighted by the inverse of their probability of responding, with the response model's error in the variance.

Two estimating equations are stacked: the logistic regression of responding R on Z, sum z (R - p) = 0 over everyone, and the weighted regression of the outcome
on X, sum R x (y - x'b)/p = 0 over respondents. With A the logit's information, B = sum R x x'/p and e = y - x'b, b is to first order a sum over people of

    B^-1 [ R x e/p - (sum R (1 - p)/p e x z') A^-1 z (R - p) ],

whose squares (with groups: squares of sums) add up to the variance. Taking the weights as known leaves the second term out, which usually overstates the
variance. Prior weights multiply both equations. Source: Newey & McFadden (1994); Wooldridge (2007), Journal of Econometrics 141(2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.inference.outcomes.glm import Glm
from trialkit.inference.outcomes.separation import limiting_fit


@dataclass(frozen=True, slots=True)
class ResponseWeighted:
    """The weighted regression; columns that are combinations of earlier ones are left out (NaN in `coef`, 0 in the values).

    Attributes
    ----------
    coef : (K,). values, values_fixed : (n, K) that sum to the errors of the coefficients, with the response model's error and with known weights.
    probability : (n,) of responding; certain : (n,) who has 1. response : (J,) coefficients of the logit, NaN for columns left out.
    df_resid : respondents minus terms.
    """

    coef: FloatArray
    values: FloatArray
    values_fixed: FloatArray
    probability: FloatArray
    certain: BoolArray
    response: FloatArray
    df_resid: int


def response_weighted(
    *, y: FloatArray, observed: BoolArray, X: FloatArray, Z: FloatArray, certain: BoolArray, weights: FloatArray | None = None
) -> ResponseWeighted:
    """Fit both models.

    Parameters
    ----------
    y : (n,), read where observed. X : (n, K) of the outcome, Z : (n, J) of the response, both with a constant.
    certain : (n,) people whose response is certain (an arm without losses); they have probability 1 and are not in the response model.
    weights : (n,) prior weights.

    Raises
    ------
    ValueError
        When some combination of Z tells exactly that people are lost: nobody can stand for them. Where it tells exactly that people respond, they have
        probability 1, the limit of the fit.
    """
    n = len(observed)
    a = np.ones(n) if weights is None else weights
    p = np.ones(n)
    shift = np.zeros((n, 0))
    response = np.full(Z.shape[1], np.nan)
    modelled = ~certain
    fit: Glm | None = None
    if modelled.any():
        rows = np.flatnonzero(modelled)
        limit = limiting_fit(
            y=observed[rows].astype(float), X=Z[rows], family="logistic", weights=None if weights is None else weights[rows]
        )
        alone = rows[~limit.used]
        if not observed[alone].all() or limit.fit is None or not bool(limit.fit.converged):
            raise ValueError("some people are lost with certainty")
        fit = limit.fit
        modelled = modelled.copy()
        modelled[alone] = False
        p[modelled] = fit.mu
        response = fit.coef
        score = np.zeros((n, len(fit.kept)))
        score[modelled] = fit.X * (a[modelled] * (observed[modelled] - fit.mu))[:, None]
        shift = score @ fit.bread
    basis = np.linalg.qr(X[observed] * np.sqrt(a[observed] / p[observed])[:, None])[1]
    kept = _independent(basis)
    design = X[:, kept]
    load = np.where(observed, a / p, 0.0)
    bread = np.linalg.inv(design.T @ (design * load[:, None]))
    known = np.where(observed, y, 0.0)
    b = bread @ (design.T @ (load * known))
    error = np.where(observed, known - design @ b, 0.0)
    fixed = design * (load * error)[:, None]
    full = fixed
    if fit is not None:
        pull = (design * (load * (1 - p) * error)[:, None])[modelled].T @ fit.X
        full = fixed - shift @ pull.T
    coef = np.full(X.shape[1], np.nan)
    coef[kept] = b
    values, values_fixed = np.zeros(X.shape), np.zeros(X.shape)
    values[:, kept], values_fixed[:, kept] = full @ bread, fixed @ bread
    return ResponseWeighted(coef, values, values_fixed, p, ~modelled, response, int(observed.sum()) - len(kept))


def _independent(upper: FloatArray) -> list[int]:
    """Columns of a triangular factor that add something to those before them."""
    size = np.linalg.norm(upper, axis=0)
    kept: list[int] = []
    for j in range(upper.shape[1]):
        rest = upper[:, j]
        if kept:
            rest = rest - upper[:, kept] @ np.linalg.lstsq(upper[:, kept], rest, rcond=None)[0]
        if size[j] > 0 and np.linalg.norm(rest) > 1e-9 * size[j]:
            kept.append(j)
    return kept
