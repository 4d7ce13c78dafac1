"""Fitting repeated measures: Newton steps on the exact Hessian, Fisher scoring where it is not positive definite.

A step is halved until the likelihood does not fall, so that no covariance matrix on the way is indefinite.

Group variances may be negative, so that the estimator does not switch on the data, but not without limit: the mean of the largest group is
taken to vary at least LEAST_SHARE as much as the mean of as many people alone. Without a limit the largest of unequal groups can be given a
variance near zero, all the weight in its arm and a standard error near zero. Where the maximum lies beyond the limit the fit stays on it and
says so, and the degrees of freedom come from the expected information.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.repeated.covariance_structures import RootStructure, Structure
from trialkit.inference.repeated.data import RepeatedData
from trialkit.inference.repeated.likelihood import CovarianceModel, Curvature, State, curvature, expected_information, state

SINGULAR = 1e-6
LEAST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class RepeatedFit:
    """Repeated measures fitted by REML or maximum likelihood.

    Attributes
    ----------
    sigma, gamma : covariance matrices of people (A, T, T) and of groups (B, T, T), in squared units of the outcome.
    coef : (K,) fixed effects, NaN for columns left out. covariance : (r, r) of those kept.
    minus2 : -2 log (restricted) likelihood.
    theta : (P,) parameters of the covariance, in units of data.scale. theta_covariance : (P, P), twice the inverse Hessian of -2 l.
    bread, first : covariance of the rotated coefficients (r, r) and derivatives of its inverse (P, r, r), in units of data.scale.
    converged : the gradient vanishes and the Hessian is positive definite, in the free directions.
    at_limit : the covariance of some groups is as small as it may be.
    singular : some part's Sigma is singular to working precision: waves determine each other.
    """

    data: RepeatedData
    model: CovarianceModel
    reml: bool
    sigma: FloatArray
    gamma: FloatArray
    coef: FloatArray
    covariance: FloatArray
    minus2: float
    theta: FloatArray
    theta_covariance: FloatArray
    bread: FloatArray
    first: FloatArray
    converged: bool
    at_limit: bool
    singular: bool
    iterations: int

    @property
    def kept(self) -> IntArray:
        return self.data.ols.kept

    @property
    def n_parameters(self) -> int:
        """Covariance parameters, with the fixed effects added under maximum likelihood."""
        return self.model.size + (0 if self.reml else self.data.rank)

    @property
    def aic(self) -> float:
        return self.minus2 + 2 * self.n_parameters

    @property
    def bic(self) -> float:
        """With the logarithm of the number of people."""
        return self.minus2 + float(np.log(self.data.n)) * self.n_parameters


def fit_repeated(data: RepeatedData, model: CovarianceModel, *, reml: bool = True, max_iterations: int = 100) -> RepeatedFit:
    """Fit by REML (or, with reml=False, by maximum likelihood).

    The caller looks at `converged` and `singular`: a fit that is not converged holds the last point reached.

    Raises
    ------
    numpy.linalg.LinAlgError
        When no likelihood can be computed where the fit begins or ends.
    """
    people = [s.start(_residual_covariance(data, data.part == a)) for a, s in enumerate(model.people)]
    sigma = np.array([s.matrix(theta) for s, theta in zip(model.people, people)])
    families = [s for s in model.groups if isinstance(s, Structure)]
    rooted = CovarianceModel(
        model.people, tuple(RootStructure(s, _floor(data, s, data.group_part == b, sigma)) for b, s in enumerate(families))
    )
    level = 0.05 * float(np.mean(np.diagonal(sigma, axis1=1, axis2=2)))
    groups = [s.start(level * np.diag(s.inside.astype(float))) for s in rooted.groups]
    theta, iterations, reached = _climb(data, rooted, np.concatenate([*people, *groups]), reml, max_iterations)
    natural, at_limit = rooted.natural(theta)
    found = _known(state(data, model, natural, reml=reml))
    shape = curvature(data, model, natural, found, reml=reml)
    inverse, definite = _inverse(shape.hessian)
    if at_limit or (reached and model.groups and not definite):
        # the Hessian describes a peak that lies beyond the limit: what the data tell of theta is its expectation
        inverse, definite = _inverse(expected_information(data, model, natural, found, shape.first, reml=reml))
        at_limit = True
    return _assembled(data, model, natural, found, shape, 2 * inverse, reached and definite, at_limit, iterations, reml)


def _known(found: State | None) -> State:
    if found is None:
        raise np.linalg.LinAlgError("a covariance matrix is not positive definite")
    return found


def _floor(data: RepeatedData, structure: Structure, groups: BoolArray, sigma: FloatArray) -> FloatArray:
    """(T, T) how far below zero the covariance of a part of the groups may go.

    The mean of n people alone has the covariance S/n given the waves before there were groups; n is that of the largest group. Where the groups lie
    in several parts of people, or the family is not free, the smallest eigenvalue stands in for S.
    """
    out = np.zeros((data.waves, data.waves))
    if structure.basis is None:
        return out
    inside = structure.inside
    members = data.members[groups]
    largest = float((members @ (data.observed & inside).any(axis=1)).max())
    where = np.ix_(inside, inside)
    given = [np.linalg.inv(np.linalg.inv(sigma[a])[where]) for a in np.unique(data.part[members.any(axis=0)])]
    least = given[0]
    if len(given) > 1 or structure.name != "us":
        least = np.eye(int(inside.sum())) * min(float(np.linalg.eigvalsh(m)[0]) for m in given)
    out[where] = (1 - LEAST_SHARE) / max(largest, 1.0) * least
    return out


def _assembled(
    data: RepeatedData,
    model: CovarianceModel,
    theta: FloatArray,
    s: State,
    shape: Curvature,
    theta_covariance: FloatArray,
    converged: bool,
    at_limit: bool,
    iterations: int,
    reml: bool,
) -> RepeatedFit:
    sigma, gamma = (m * data.scale**2 for m in model.matrices(theta))
    coef = data.ols.coef.copy()
    turn = data.scale * data.rotation
    coef[data.ols.kept] += turn @ s.beta
    spare = data.n_observed - (data.rank if reml else 0)
    constant = data.constant if reml else data.n_observed * np.log(data.scale**2)
    r = data.rank
    return RepeatedFit(
        data, model, reml, sigma, gamma, coef, turn @ s.bread @ turn.T, s.value + float(constant) + spare * float(np.log(2 * np.pi)),
        theta, theta_covariance, s.bread, shape.first[:, :r, :r], converged, at_limit, _singular(sigma), iterations,
    )  # fmt: skip


def _singular(sigma: FloatArray) -> bool:
    spread = np.sqrt(np.einsum("aii->ai", sigma))
    return bool((np.linalg.eigvalsh(sigma / (spread[:, :, None] * spread[:, None, :]))[:, 0] < SINGULAR).any())


def _climb(
    data: RepeatedData, model: CovarianceModel, theta: FloatArray, reml: bool, max_iterations: int
) -> tuple[FloatArray, int, bool]:
    """Newton steps until the decrement of -2 l is negligible; whether it became so at a minimum."""
    found = _known(state(data, model, theta, reml=reml))
    for iteration in range(max_iterations):
        shape = curvature(data, model, theta, found, reml=reml)
        step, newton = _step(data, model, theta, found, shape, reml)
        small = -float(shape.gradient @ step) < 1e-9
        ahead = _line_search(data, model, theta, step, found, reml)
        if ahead is None:
            return theta, iteration, newton and -float(shape.gradient @ step) < 1e-6
        theta, found = model.positive(ahead[0]), ahead[1]
        if _singular(model.matrices(theta)[0]):  # the likelihood has no maximum in sight
            return theta, iteration + 1, False
        if small and newton:
            return theta, iteration + 1, True
    return theta, max_iterations, False


def _step(
    data: RepeatedData, model: CovarianceModel, theta: FloatArray, now: State, shape: Curvature, reml: bool
) -> tuple[FloatArray, bool]:
    """Newton's step (True). Where the Hessian is not positive definite (False) the scoring step, or, where roots of group covariances near
    zero would make that one endless, the step with the Hessian's eigenvalues made positive.
    """
    inverse, definite = _inverse(shape.hessian)
    if definite:
        return -inverse @ shape.gradient, True
    expected = expected_information(data, model, theta, now, shape.first, reml=reml)
    inverse, definite = _inverse(expected)
    if definite and not model.groups:
        return -inverse @ shape.gradient, False
    unit = np.sqrt(np.maximum(np.maximum(np.diag(expected), np.abs(np.diag(shape.hessian))), 1e-12))
    values, vectors = np.linalg.eigh(shape.hessian / np.outer(unit, unit))
    bent = np.maximum(np.abs(values), 1e-3 * np.abs(values).max())
    return -((vectors / bent) @ (vectors.T @ (shape.gradient / unit))) / unit, False


def _inverse(matrix: FloatArray) -> tuple[FloatArray, bool]:
    """Inverse of a symmetric matrix and whether it is positive definite, judged in units of its diagonal."""
    diagonal = np.diag(matrix)
    if not (len(diagonal) == 0 or (np.isfinite(matrix).all() and (diagonal > 0).all())):
        return np.zeros_like(matrix), False
    unit = np.sqrt(diagonal)
    values, vectors = np.linalg.eigh(matrix / np.outer(unit, unit))
    if len(values) and values[0] < 1e-9 * values[-1]:
        return np.zeros_like(matrix), False
    return (vectors / values) @ vectors.T / np.outer(unit, unit), True


def _line_search(
    data: RepeatedData, model: CovarianceModel, theta: FloatArray, step: FloatArray, now: State, reml: bool
) -> tuple[FloatArray, State] | None:
    """The longest of the halved steps that does not raise -2 l; None when none helps."""
    for halving in range(40):
        ahead = theta + step * 0.5**halving
        found = state(data, model, ahead, reml=reml)
        if found is not None and found.value <= now.value + 1e-12 * abs(now.value):
            return ahead, found
    return None


def _residual_covariance(data: RepeatedData, cells: BoolArray) -> FloatArray:
    """Covariance of the scaled residuals over pairs of waves seen together; zero for pairs that never are."""
    q = data.rank
    products = data.cross[cells][..., q, q].sum(axis=0)
    pair = data.observed[cells][:, :, None] & data.observed[cells][:, None, :]
    counts = np.tensordot(data.people[cells], pair, axes=1)
    found = products / np.maximum(counts, 1.0)
    diagonal = np.diag(found).copy()
    diagonal = np.maximum(diagonal, 1e-3 * max(float(diagonal.max()), 1e-12))
    np.fill_diagonal(found, diagonal)
    return found
