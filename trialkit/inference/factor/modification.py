"""Modification indices: what freeing a parameter would take off the chi-square, without refitting.

With g the derivative of minus the log-likelihood to the parameter and V = I_cc - I_c' I^-1 I_c its information given the free
numbers, the index is g^2 / V (a score test, chi-square with one df) and the expected change -g / V.
Source: Sorbom (1989), Psychometrika 54; for equalities Bentler & Chou (1992).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.factor.fit import Fit
from trialkit.inference.factor.likelihood import Matrices, evaluate, information, parameter_gradient, parameter_information
from trialkit.inference.factor.model import INTERCEPT, LOADING, RESIDUAL, Layout, Parameter, layout


@dataclass(frozen=True, slots=True)
class ScoreTests:
    """One entry a candidate.

    Attributes
    ----------
    parameters : the candidates.
    index : modification index.
    change : expected change of the parameter; `standardized` with factors and items (residual covariances: residuals) of variance 1.
    """

    parameters: tuple[Parameter, ...]
    index: FloatArray
    change: FloatArray
    standardized: FloatArray


def absent_parameters(fit: Fit) -> list[Parameter]:
    """The loadings and residual covariances that the model leaves at zero."""
    lay = fit.layout
    named = set(zip(lay.kind.tolist(), lay.group.tolist(), lay.row.tolist(), lay.col.tolist()))
    out: list[Parameter] = []
    for g in range(lay.n_groups):
        for f in range(lay.n_factors):
            out += [Parameter("loading", g, i, f) for i in range(lay.n_items) if (LOADING, g, i, f) not in named]
        for i in range(lay.n_items):
            out += [Parameter("residual", g, i, j) for j in range(i) if not {(RESIDUAL, g, i, j), (RESIDUAL, g, j, i)} & named]
    return out


def modification_indices(fit: Fit, candidates: Sequence[Parameter] | None = None, *, observed: bool | None = None) -> ScoreTests:
    """Score tests of parameters that are not in the model, by default of every loading and residual covariance.

    The information is that of the fit: expected for complete data, observed with missing items, where expected information
    holds only when answers are missing completely at random. lavaan takes the expected one throughout: `observed=False`.
    """
    extra = absent_parameters(fit) if candidates is None else list(candidates)
    wide = layout(fit.model.with_parameters(extra))
    first = len(fit.model.parameters)
    return _tests(fit, wide, np.arange(first, first + len(extra)), tuple(extra), observed)


def release_tests(fit: Fit, *, observed: bool | None = None) -> ScoreTests:
    """Score tests of letting one place of a shared label go free: where an equality does not hold.

    Of a label with two places one is tested: letting either go is the same.
    """
    lay = fit.layout
    counts = np.bincount(lay.index[lay.free], minlength=lay.n_free)
    shared = [k for k in range(len(lay.kind)) if lay.index[k] >= 0 and counts[lay.index[k]] > 1]
    seen: set[int] = set()
    tested: list[int] = []
    for k in reversed(shared):
        if counts[lay.index[k]] > 2 or lay.index[k] not in seen:
            tested.append(k)
        seen.add(int(lay.index[k]))
    chosen = np.array(sorted(tested), dtype=np.int64)
    return _tests(fit, lay, chosen, tuple(fit.model.parameters[k] for k in chosen), observed)


def _tests(fit: Fit, wide: Layout, chosen: IntArray, named: tuple[Parameter, ...], observed: bool | None) -> ScoreTests:
    if not len(chosen):
        return ScoreTests((), *(np.zeros(0) for _ in range(3)))
    point = evaluate(wide, fit.data, fit.theta)
    assert point is not None
    slope = parameter_gradient(wide, point)[chosen]
    kind = not fit.data.complete if observed is None else observed
    full = parameter_information(wide, fit.data, point, observed=kind)
    known = fit.covariance if observed is None else np.linalg.inv(information(fit.layout, fit.data, fit.point, observed=kind))
    across = wide.select(full[chosen])
    own = full[chosen, chosen] - np.einsum("ck,kl,cl->c", across, known, across)
    # A candidate that the free numbers imply already has no information of its own.
    usable = own > 1e-8 * np.abs(full[chosen, chosen])
    with np.errstate(divide="ignore", invalid="ignore"):
        index = np.where(usable, slope**2 / own, np.nan)
        change = np.where(usable, -slope / own, np.nan)
    return ScoreTests(named, index, change, change * _unit(point.matrices, wide, chosen))


def _unit(at: Matrices, lay: Layout, chosen: IntArray) -> FloatArray:
    """What a change is multiplied by to be in standard deviations."""
    g, row, col, kind = lay.group[chosen], lay.row[chosen], lay.col[chosen], lay.kind[chosen]
    item = np.sqrt(np.einsum("gii->gi", at.sigma))
    residual = np.einsum("gii->gi", at.residuals)
    out = np.ones(len(chosen))
    k = kind == LOADING
    # A negative variance has no root: what is standardized by it is undefined.
    with np.errstate(invalid="ignore", divide="ignore"):
        out[k] = np.sqrt(at.factors[g[k], col[k], col[k]]) / item[g[k], row[k]]
        k = kind == RESIDUAL
        out[k] = 1 / (np.sqrt(residual[g[k], row[k]]) * np.sqrt(residual[g[k], col[k]]))
    k = kind == INTERCEPT
    out[k] = 1 / item[g[k], row[k]]
    return out
