"""Regression of a factor at follow-up on the same factor at baseline and on observed variables, items measured with error.

    x_w = nu + lambda eta_w + e_w   (w = 0, 1; lambda and nu the same at both waves),     eta_1 = a + b eta_0 + c' z + u.

z (arms, covariates) are factors of their own with one item each and no residual. All covariances of (eta_0, eta_1, z) are free, so
that (b, c) = Psi_xx^-1 Psi_x1 is a function of them, and the observed z need no distribution. The unit of eta is that of the
marker item; c over the standard deviation of eta_0 is in baseline standard deviations.

Influence of person i on a function h of the free numbers: grad h' A^-1 s_i, with A the observed information and s_i the score; the values
sum to zero, and their sums over independent units give the sandwich variance. Sources: Bollen (1989), ch. 8; Yuan & Bentler (2000).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray
from trialkit.inference.factor.fiml import moments, pattern_of_rows, person_scores, saturated
from trialkit.inference.factor.fit import Fit, fit
from trialkit.inference.factor.invariant import Place
from trialkit.inference.factor.likelihood import information
from trialkit.inference.factor.model import FACTOR, FactorModel, Kind, Parameter
from trialkit.inference.factor.modification import modification_indices


@dataclass(frozen=True, slots=True)
class LatentRegression:
    """A fitted latent regression.

    Attributes
    ----------
    fit : the factor model; its last items are the columns of z in their standard deviations.
    slope : b.
    effects, influence : c (q,) in units of the marker item, and each person's influence on them (n, q).
    standardized, standardized_influence : c over the baseline standard deviation of the factor.
    baseline_sd : of the factor.
    """

    fit: Fit
    slope: float
    effects: FloatArray
    influence: FloatArray
    standardized: FloatArray
    standardized_influence: FloatArray
    baseline_sd: float


def latent_regression_model(n_items: int, n_observed: int, *, marker: int = 0, freed: Collection[Place] = ()) -> FactorModel:
    """Items of the first wave, of the second, then z; the factors eta_0, eta_1 and one for each z. `freed` as in `invariant_model`."""
    apart = set(freed)
    table: list[Parameter] = []

    def label(kind: Kind, item: int, wave: int) -> str:
        return f"{kind} {item}" + (f" at {wave}" if Place(kind, item, wave, 0) in apart else "")

    for w in (0, 1):
        for j in range(n_items):
            row = w * n_items + j
            fixed = j == marker
            table.append(Parameter("loading", 0, row, w, None if fixed else label("loading", j, w), 1.0))
            table.append(Parameter("intercept", 0, row, 0, label("intercept", j, w)))
            table.append(Parameter("residual", 0, row, row, f"residual {row}"))
    table += [Parameter("residual", 0, n_items + j, j, f"same item {j}") for j in range(n_items)]
    for k in range(n_observed):
        table.append(Parameter("loading", 0, 2 * n_items + k, 2 + k, None, 1.0))
        table.append(Parameter("intercept", 0, 2 * n_items + k, 0, f"mean of z {k}"))
    table += [Parameter("factor", 0, a, b, f"factor {a}, {b}") for a in range(2 + n_observed) for b in range(a + 1)]
    table.append(Parameter("mean", 0, 1, 0, "mean at follow-up"))
    return FactorModel(2 * n_items + n_observed, 2 + n_observed, 1, True, tuple(table))


def latent_regression(x: FloatArray, z: FloatArray, *, marker: int = 0, freed: Collection[Place] = ()) -> LatentRegression:
    """Fit by full-information maximum likelihood.

    Parameters
    ----------
    x : (n, 2p) items of the first wave and then of the second, NaN = missing. z : (n, q) complete columns that vary.
    marker : item whose unit the factor has. freed : loadings and intercepts that differ between the waves.

    Raises
    ------
    numpy.linalg.LinAlgError
        No starting values, or a singular information matrix.
    """
    scale = z.std(axis=0)
    everything = np.column_stack([x, (z - z.mean(axis=0)) / scale])
    model = latent_regression_model(x.shape[1] // 2, z.shape[1], marker=marker, freed=freed)
    data = moments(everything)
    found = fit(model, data, h1=saturated(data))
    return _regression(found, everything, scale)


def _regression(found: Fit, x: FloatArray, scale: FloatArray) -> LatentRegression:
    psi = found.point.matrices.factors[0]
    order = [0, *range(2, len(psi))]
    inner = np.linalg.inv(psi[np.ix_(order, order)])
    b = inner @ psi[order, 1]
    slopes = _slope_gradient(found, inner, b, order)
    group = np.zeros(len(x), dtype=np.int64)
    scores = person_scores(found.layout, x, group, pattern_of_rows(x, group), found.point)
    a = information(found.layout, found.data, found.point, observed=True)
    influence = scores @ np.linalg.solve(a, slopes[1:].T) / scale
    sd = float(np.sqrt(psi[0, 0]))
    spread = np.zeros(found.layout.n_free)
    spread[_position(found, 0, 0)] = 1 / (2 * sd)
    of_sd = scores @ np.linalg.solve(a, spread)
    effects = b[1:] / scale
    return LatentRegression(
        fit=found,
        slope=float(b[0]),
        effects=effects,
        influence=influence,
        standardized=effects / sd,
        standardized_influence=influence / sd - np.outer(of_sd, effects) / sd**2,
        baseline_sd=sd,
    )


def _slope_gradient(found: Fit, inner: FloatArray, b: FloatArray, order: list[int]) -> FloatArray:
    """Derivative of b = S^-1 c to the free numbers, (1 + q, free): S^-1 (dc - dS b)."""
    place = {f: k for k, f in enumerate(order)}
    out = np.zeros((len(b), found.layout.n_free))
    lay = found.layout
    for k in np.flatnonzero(lay.kind == FACTOR):
        r, c = int(lay.row[k]), int(lay.col[k])
        move = np.zeros(len(b))
        if 1 in (r, c):
            if r == c:
                continue
            move[place[c if r == 1 else r]] = 1.0
        else:
            i, j = place[r], place[c]
            move[i] -= b[j]
            if i != j:
                move[j] -= b[i]
        out[:, lay.index[k]] += inner @ move
    return out


def _position(found: Fit, row: int, col: int) -> int:
    lay = found.layout
    return int(lay.index[(lay.kind == FACTOR) & (lay.row == row) & (lay.col == col)][0])


def direct_effects(found: Fit, n_items: int, column: int) -> FloatArray:
    """Score tests (1 df each, (2p,)) that z column `column` moves an item beside the factor: arms that answer it differently."""
    tests = modification_indices(found, [Parameter("loading", 0, row, 2 + column) for row in range(2 * n_items)])
    return tests.index
