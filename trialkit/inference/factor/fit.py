"""Maximum likelihood of a factor model: Fisher scoring with halved steps, Newton near the end.

Variances are not bounded: a negative residual variance is a finding about the model (Heywood case), which a bound would hide.
Converged means that the remaining decrease of minus the log-likelihood, g' I^-1 g / 2, is below 1e-10, and that the observed
information is positive definite there, so that it is a maximum. Source: Lee & Jennrich (1979), Psychometrika 44, for scoring.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray
from trialkit.inference.factor.fiml import Saturated, saturated
from trialkit.inference.factor.likelihood import Moments, Point, evaluate, gradient, information
from trialkit.inference.factor.model import FactorModel, Layout, layout
from trialkit.inference.factor.start import starting_values

_MOST_STEPS = 150
_DECREASE = 1e-10
_NEWTON_FROM = 1.0
_SINGULAR = 1e-9
_INVOLVED = 0.1


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model.

    Attributes
    ----------
    theta : free numbers in the order of `layout.labels`.
    point : likelihood and matrices there.
    h1 : moments without the model.
    chisq, df : likelihood ratio against them.
    information : of the free numbers, expected for complete data, observed when items are missing (Kenward & Molenberghs 1998).
    covariance : its inverse; NaN when it is singular.
    unidentified : labels of the numbers that the data cannot tell apart, empty when all is well.
    """

    model: FactorModel
    layout: Layout
    data: Moments
    theta: FloatArray
    point: Point
    h1: Saturated
    chisq: float
    df: int
    iterations: int
    converged: bool
    information: FloatArray
    covariance: FloatArray
    unidentified: tuple[str, ...]

    @property
    def n(self) -> int:
        return round(float(self.data.n.sum()))


def fit(
    model: FactorModel,
    data: Moments,
    *,
    h1: Saturated | None = None,
    start: FloatArray | None = None,
    max_steps: int = _MOST_STEPS,
) -> Fit:
    """Fit by maximum likelihood.

    Parameters
    ----------
    data : from `fiml.moments` or `fiml.moments_from_covariances`.
    h1 : the saturated moments when they are known already: the same for every model of the same data.
    start : free numbers to begin at, for a model near one that was fitted.
    """
    lay = layout(model)
    without = saturated(data) if h1 is None else h1
    theta = starting_values(lay, without.mean, without.cov) if start is None else np.array(start, dtype=float)
    point = evaluate(lay, data, theta)
    if point is None:
        theta = starting_values(lay, without.mean, _damped(without.cov))
        point = evaluate(lay, data, theta)
    if point is None:
        raise np.linalg.LinAlgError("no starting values with a positive definite covariance matrix")
    theta, point, steps, converged = _climb(lay, data, theta, point, max_steps)
    seen = information(lay, data, point, observed=not data.complete)
    covariance, unidentified = _inverse(lay, seen)
    top = _positive_definite(information(lay, data, point, observed=True)) if not unidentified else True
    return Fit(
        model=model,
        layout=lay,
        data=data,
        theta=theta,
        point=point,
        h1=without,
        chisq=max(2 * (point.value - without.value), 0.0),
        df=lay.df,
        iterations=steps,
        converged=converged and top,
        information=seen,
        covariance=covariance,
        unidentified=unidentified,
    )


def _climb(lay: Layout, data: Moments, theta: FloatArray, point: Point, most: int) -> tuple[FloatArray, Point, int, bool]:
    remaining = np.inf
    for step in range(most):
        slope = gradient(lay, point)
        move = _direction(lay, data, point, slope, newton=remaining < _NEWTON_FROM)
        remaining = float(slope @ move) / 2
        if remaining < _DECREASE:
            return theta, point, step, True
        size, after = 1.0, None
        while size > 1e-8:
            after = evaluate(lay, data, theta - size * move)
            if after is not None and after.value <= point.value - 1e-4 * size * remaining:
                break
            after, size = None, size / 2
        if after is None:
            # Differences of the likelihood are below its rounding before the decrement is.
            return theta, point, step, remaining < 1e-7 * max(1.0, abs(point.value) * 1e-3)
        theta, point = theta - size * move, after
    return theta, point, most, False


def _direction(lay: Layout, data: Moments, point: Point, slope: FloatArray, *, newton: bool) -> FloatArray:
    for observed in (True, False) if newton else (False,):
        try:
            root = np.linalg.cholesky(information(lay, data, point, observed=observed))
        except np.linalg.LinAlgError:
            continue
        return np.linalg.solve(root.T, np.linalg.solve(root, slope)).astype(float)
    damped = information(lay, data, point)
    return np.linalg.lstsq(damped + 1e-6 * np.diag(np.diag(damped) + 1e-12), slope, rcond=None)[0].astype(float)


def _inverse(lay: Layout, seen: FloatArray) -> tuple[FloatArray, tuple[str, ...]]:
    """Inverse of the information, NaN when there is none, and the labels in its null space."""
    loose = null_labels(lay, seen)
    if loose or not _positive_definite(seen):
        return np.full_like(seen, np.nan), loose
    size = np.sqrt(np.diag(seen))
    inverse = np.linalg.inv(seen / np.outer(size, size)) / np.outer(size, size)
    return (inverse + inverse.T) / 2, ()


def null_labels(lay: Layout, seen: FloatArray) -> tuple[str, ...]:
    """Labels of the numbers that a singular information matrix cannot tell apart."""
    size = np.sqrt(np.abs(np.diag(seen)))
    size = np.where(size == 0, 1.0, size)
    values, vectors = np.linalg.eigh(seen / np.outer(size, size))
    null = vectors[:, np.abs(values) < _SINGULAR]
    loose = np.flatnonzero(np.abs(null).max(axis=1, initial=0.0) > _INVOLVED)
    return tuple(lay.labels[k] for k in loose)


def _positive_definite(matrix: FloatArray) -> bool:
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return True


def _damped(cov: FloatArray) -> FloatArray:
    """Covariances halved: from there every start has a positive definite matrix."""
    eye = np.eye(cov.shape[-1])
    return 0.5 * cov + 0.5 * cov * eye
