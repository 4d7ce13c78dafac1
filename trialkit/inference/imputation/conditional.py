"""Draws of the missing values of one column given the others: normal, predictive mean matching, logistic, probit with groups.

- normal: y* = x b* + u* + s* z from a draw of group_effects.py.
- pmm: the value of a person observed, drawn from the DONORS nearest; predicted by the centre of the draw for those observed and by the
  draw for those missing ("type 1" matching: van Buuren 2018, Flexible Imputation of Missing Data, section 3.4).
- logistic: b* from the normal approximation to the posterior. So that perfect prediction does not carry b away, rows one standard deviation
  on either side of the mean of each predictor are added for either answer, of total weight k + 1 (White, Daniel & Royston 2010,
  Computational Statistics & Data Analysis 54, 2267-2275).
- probit with a group effect, for 0/1 columns where people share groups: y = 1 when z > 0, z normal of unit variance (Albert & Chib 1993, JASA 88,
  669-679); z carried from visit to visit. Independent priors N(0, 2.5^2) on the coefficients of standardized predictors.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import special

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.imputation.group_effects import draw_regression
from trialkit.inference.outcomes.glm import glm

Method = Literal["normal", "pmm", "logistic"]
DONORS = 5
SWEEPS, FIRST_SWEEPS = 2, 20
_PRIOR_PRECISION = 1 / 2.5**2


def draw_normal(
    *, y: FloatArray, X: FloatArray, observed: BoolArray, group: IntArray, n_groups: int, rng: np.random.Generator
) -> FloatArray:
    """(m,) values for the rows where `observed` is False; y, X, group have a row a person of the arm."""
    unit, centre = _unit(y[observed])
    z = (y[observed] - centre) / unit
    draw = draw_regression(y=z, X=X[observed], group=group[observed], n_groups=n_groups, rng=rng)
    mean = draw.mean(X[~observed], group[~observed])
    return centre + unit * (mean + draw.sigma * rng.standard_normal(len(mean)))


def draw_matched(
    *, y: FloatArray, X: FloatArray, observed: BoolArray, group: IntArray, n_groups: int, rng: np.random.Generator
) -> FloatArray:
    """The same by predictive mean matching: only values that were observed in the arm."""
    unit, centre = _unit(y[observed])
    z = (y[observed] - centre) / unit
    draw = draw_regression(y=z, X=X[observed], group=group[observed], n_groups=n_groups, rng=rng)
    predicted = draw.centre(X[observed], group[observed])
    wanted = draw.mean(X[~observed], group[~observed])
    return nearest_donors(values=y[observed], predicted=predicted, wanted=wanted, rng=rng)


def nearest_donors(
    *, values: FloatArray, predicted: FloatArray, wanted: FloatArray, rng: np.random.Generator, donors: int = DONORS
) -> FloatArray:
    """(m,) for each wanted mean the value of one of the `donors` people whose predicted means are nearest."""
    mixed = rng.permutation(len(values))  # so that the choice among equal predictions does not follow the order of the rows
    order = mixed[np.argsort(predicted[mixed], kind="stable")]
    ranked = predicted[order]
    d = min(donors, len(values))
    first = np.searchsorted(ranked, wanted)
    window = np.clip(first[:, None] + np.arange(-d, d), 0, len(values) - 1)
    distance = np.abs(ranked[window] - wanted[:, None])
    # a row that the clipping repeats counts once
    distance[:, 1:][window[:, 1:] == window[:, :-1]] = np.inf
    near = np.argpartition(distance, d - 1, axis=1)[:, :d]
    pick = near[np.arange(len(wanted)), rng.integers(d, size=len(wanted))]
    return np.asarray(values[order[window[np.arange(len(wanted)), pick]]])


def draw_logistic(*, y: FloatArray, X: FloatArray, observed: BoolArray, rng: np.random.Generator) -> FloatArray:
    """(m,) zeros and ones; X has the constant first."""
    known, rows = y[observed], X[observed]
    k = X.shape[1] - 1
    if k:
        mean, spread = rows[:, 1:].mean(axis=0), rows[:, 1:].std(axis=0)
        added = np.repeat(mean[None], 2 * k, axis=0)
        added[np.arange(k), np.arange(k)] += spread
        added[k + np.arange(k), np.arange(k)] -= spread
        added = np.column_stack([np.ones(2 * k), added])
    else:
        added = np.ones((1, 1))
    pseudo = np.vstack([added, added])
    answers = np.repeat([0.0, 1.0], len(added))
    weights = np.concatenate([np.ones(len(known)), np.full(len(pseudo), (k + 1) / len(pseudo))])
    fit = glm(y=np.concatenate([known, answers]), X=np.vstack([rows, pseudo]), family="logistic", weights=weights)
    drawn = np.zeros(X.shape[1])
    drawn[fit.kept] = fit.coef[fit.kept] + fit.rotation @ rng.standard_normal(len(fit.kept))
    chance = special.expit(X[~observed] @ drawn)
    return (rng.random(len(chance)) < chance).astype(float)


def draw_probit(
    *,
    y: FloatArray,
    X: FloatArray,
    observed: BoolArray,
    group: IntArray,
    n_groups: int,
    latent: FloatArray | None,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """(m,) zeros and ones, and the latent values (n_observed,) to hand in at the next visit."""
    known, rows, members = y[observed], X[observed], group[observed]
    precision = np.full(X.shape[1], _PRIOR_PRECISION)
    z = (
        _latent(known, np.full(len(known), special.ndtri((known.sum() + 0.5) / (len(known) + 1))), rng)
        if latent is None
        else latent
    )
    for _ in range(FIRST_SWEEPS if latent is None else SWEEPS):
        draw = draw_regression(y=z, X=rows, group=members, n_groups=n_groups, rng=rng, sigma=1.0, precision=precision)
        z = _latent(known, draw.mean(rows, members), rng)
    chance = special.ndtr(draw.mean(X[~observed], group[~observed]))
    return (rng.random(len(chance)) < chance).astype(float), z


def _latent(y: FloatArray, mean: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Normal values of unit variance above 0 where y is 1 and below 0 where it is 0."""
    side = np.where(y > 0.5, 1.0, -1.0)
    share = np.maximum(rng.random(len(y)), 1e-300)
    inside = special.ndtri(np.maximum(share * special.ndtr(side * mean), 1e-300))
    return np.asarray(mean - side * inside)


def _unit(y: FloatArray) -> tuple[float, float]:
    spread = float(y.std())
    return (spread if spread > 0 else 1.0), float(y.mean())
