"""Covariance matrices of repeated measures as functions of few parameters, with exact first and second derivatives.

| name | Sigma_ij | parameters |
|---|---|---|
| us | free | T(T+1)/2 |
| cs, csh | c (i != j); s_i s_j r | 2; T + 1 |
| ar1, ar1h | v r^|i-j|; s_i s_j r^|i-j| | 2; T + 1 |
| toep, toeph | c_|i-j|; s_i s_j r_|i-j| | T; 2T - 1 |
| ad, adh | v r_i ... r_{j-1}; s_i s_j r_i ... r_{j-1} (first-order ante-dependence) | T; 2T - 1 |
| sp_exp | v r^(|t_i - t_j|/d), t the times of the waves, d the smallest step between two | 2 |

The parameters are the natural ones: covariances where Sigma is linear in them (us, cs, toep), otherwise variances v_i = s_i^2 and
correlations. Second derivatives vanish in the linear ones, so that the Kenward-Roger correction does not depend on a choice there.
Source: Jennrich & Schluchter (1986), Biometrics 42; Zimmerman & Nunez-Anton (2010), Antedependence Models for Longitudinal Data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray

StructureName = Literal["us", "cs", "csh", "ar1", "ar1h", "toep", "toeph", "ad", "adh", "sp_exp"]
STRUCTURES: tuple[str, ...] = get_args(StructureName)
_LINEAR = ("us", "cs", "toep")
_START_LIMIT = 0.9
AT_FLOOR = 1e-3

Correlations: TypeAlias = Callable[[FloatArray], tuple[FloatArray, FloatArray, FloatArray]]


@dataclass(frozen=True, slots=True)
class Structure:
    """A family of T x T covariance matrices, of those waves that `inside` marks; the rows and columns of the others are zero.

    Attributes
    ----------
    name : one of STRUCTURES.
    inside : (T,) True for the waves that it describes.
    variance : (K,) True for parameters in squared units of the outcome, False for correlations.
    basis : (K, T, T) with Sigma = sum_k theta_k basis_k, or None where Sigma is not linear.
    correlation : correlations of the waves inside with their derivatives, where Sigma is not linear.
    """

    name: str
    inside: BoolArray
    variance: BoolArray
    basis: FloatArray | None
    correlation: Correlations | None = None

    @property
    def size(self) -> int:
        return len(self.variance)

    @property
    def heterogeneous(self) -> bool:
        return self.name.endswith("h")

    def matrix(self, theta: FloatArray) -> FloatArray:
        """(T, T), NaN where the parameters describe no matrix (a negative variance between waves of different variance)."""
        if self.basis is not None:
            return np.tensordot(theta, self.basis, axes=1)
        assert self.correlation is not None
        with np.errstate(invalid="ignore"):
            R = self.correlation(theta[~self.variance])[0]
            s, _, _ = self._scale(theta[self.variance])
            return self._embedded(s * R)

    def slopes(self, theta: FloatArray) -> FloatArray:
        """(K, T, T) first derivatives."""
        if self.basis is not None:
            return self.basis
        assert self.correlation is not None
        R, dR, _ = self.correlation(theta[~self.variance])
        s, ds, _ = self._scale(theta[self.variance])
        return self._embedded(np.concatenate([ds * R, s * dR]))

    def curvatures(self, theta: FloatArray) -> FloatArray | None:
        """(K, K, T, T) second derivatives, None where they are zero."""
        if self.basis is not None:
            return None
        assert self.correlation is not None
        R, dR, ddR = self.correlation(theta[~self.variance])
        s, ds, dds = self._scale(theta[self.variance])
        cross = ds[:, None] * dR[None]
        top = np.concatenate([dds * R, cross], axis=1)
        bottom = np.concatenate([np.swapaxes(cross, 0, 1), s * ddR], axis=1)
        return self._embedded(np.concatenate([top, bottom]))

    def coordinates(self, matrix: FloatArray) -> FloatArray:
        """The parameters of a member of a linear family, from its (T, T) matrix."""
        where = np.flatnonzero(self.inside)
        found = matrix[np.ix_(where, where)]
        if self.name == "us":
            return found[np.tril_indices(len(where))]
        return found[0, : self.size]

    def _scale(self, v: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The matrix s_i s_j and its derivatives in the variances."""
        m = int(self.inside.sum())
        if not self.heterogeneous:
            return np.full((m, m), v[0]), np.ones((1, m, m)), np.zeros((1, 1, m, m))
        s = np.sqrt(v)
        first, second = 0.5 / s, -0.25 / s**3
        ds = np.zeros((m, m, m))
        dds = np.zeros((m, m, m, m))
        for i in range(m):
            ds[i, i, :] += first[i] * s
            ds[i, :, i] += first[i] * s
            dds[i, i, i, :] += second[i] * s
            dds[i, i, :, i] += second[i] * s
            for j in range(m):
                dds[i, j, i, j] += first[i] * first[j]
                dds[i, j, j, i] += first[i] * first[j]
        return np.outer(s, s), ds, dds

    def _embedded(self, values: FloatArray) -> FloatArray:
        if self.inside.all():
            return values
        out = np.zeros((*values.shape[:-2], len(self.inside), len(self.inside)))
        where = np.flatnonzero(self.inside)
        out[..., where[:, None], where] = values
        return out

    def start(self, target: FloatArray) -> FloatArray:
        """Parameters near a given (T, T) covariance matrix, drawn towards a diagonal one until the result is positive definite."""
        where = np.flatnonzero(self.inside)
        found = target[np.ix_(where, where)]
        spread = np.sqrt(np.diag(found))
        R = np.clip(found / np.outer(spread, spread), -_START_LIMIT, _START_LIMIT)
        np.fill_diagonal(R, 1.0)
        level = spread if self.name == "us" or self.heterogeneous else np.full_like(spread, np.sqrt((spread**2).mean()))
        for share in (1.0, 0.75, 0.5, 0.25, 0.1, 0.0):
            shrunk = np.outer(level, level) * (share * R + (1 - share) * np.eye(len(where)))
            theta = self._nearest(shrunk)
            values = np.linalg.eigvalsh(self.matrix(theta)[np.ix_(where, where)])
            if values[0] > 0.02 * values[-1]:
                break
        return theta

    def _nearest(self, target: FloatArray) -> FloatArray:
        """Parameters by averages of the entries of a covariance matrix of the waves inside."""
        m = len(target)
        lag = np.abs(np.subtract.outer(np.arange(m), np.arange(m)))
        R = target / np.sqrt(np.outer(np.diag(target), np.diag(target)))
        kind = self.name.removesuffix("h") if self.name != "us" else "us"
        if kind == "us":
            return target[np.tril_indices(m)]
        variances = np.diag(target) if self.heterogeneous else np.array([np.diag(target).mean()])
        if m == 1:
            return variances
        if kind == "cs":
            rho = np.array([R[lag > 0].mean()])
        elif kind == "toep":
            rho = np.array([R[lag == d].mean() for d in range(1, m)])
        elif kind == "ad":
            rho = np.diag(R, 1).copy()
        else:
            rho = np.array([np.diag(R, 1).mean()])
            if kind == "sp_exp":
                rho = np.maximum(rho, 0.1)
        return np.concatenate([variances, variances[0] * rho]) if self.basis is not None else np.concatenate([variances, rho])


@dataclass(frozen=True, slots=True)
class RootStructure:
    """A family written as S^2 - floor, with S symmetric and of the family `base`: never below -floor, and smooth up to it.

    At the limit an eigenvalue of S is zero and the likelihood has an ordinary stationary point in S, so that Newton's steps need no
    active set. Of a family that is not linear (AR(1)) the variance is a square, and the floor is zero.
    """

    base: Structure
    floor: FloatArray

    @property
    def inside(self) -> BoolArray:
        return self.base.inside

    @property
    def variance(self) -> BoolArray:
        return self.base.variance

    @property
    def size(self) -> int:
        return self.base.size

    def matrix(self, theta: FloatArray) -> FloatArray:
        if self.base.basis is None:
            return self.base.matrix(self._squared(theta))
        S = self.base.matrix(theta)
        return S @ S - self.floor

    def slopes(self, theta: FloatArray) -> FloatArray:
        if self.base.basis is None:
            return self.base.slopes(self._squared(theta)) * self._chain(theta)[:, None, None]
        S = self.base.matrix(theta)
        return self.base.basis @ S + S @ self.base.basis

    def curvatures(self, theta: FloatArray) -> FloatArray:
        basis = self.base.basis
        if basis is None:
            squared, chain = self._squared(theta), self._chain(theta)
            second = self.base.curvatures(squared)
            assert second is not None
            out = second * (chain[:, None] * chain)[..., None, None]
            out[0, 0] += 2 * self.base.slopes(squared)[0]
            return out
        products = basis[:, None] @ basis[None]
        return products + np.swapaxes(products, 2, 3)

    def start(self, target: FloatArray) -> FloatArray:
        """Parameters of a (T, T) covariance matrix above the floor."""
        if self.base.basis is None:
            theta = self.base.start(target)
            return np.concatenate([np.sqrt(theta[:1]), theta[1:]])
        values, vectors = np.linalg.eigh(target + self.floor)
        return self.base.coordinates((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)

    def positive(self, theta: FloatArray) -> FloatArray:
        """The same matrix by its positive root: roots with eigenvalues s and -s are places from which no direction leads."""
        if self.base.basis is None:
            return np.concatenate([np.abs(theta[:1]), theta[1:]])
        values, vectors = np.linalg.eigh(self.base.matrix(theta))
        return self.base.coordinates((vectors * np.abs(values)) @ vectors.T)

    def natural(self, theta: FloatArray) -> FloatArray:
        """Parameters of the family itself."""
        return self._squared(theta) if self.base.basis is None else self.base.coordinates(self.matrix(theta))

    def at_floor(self, theta: FloatArray) -> bool:
        """Whether some eigenvalue is as small as it may be."""
        where = np.flatnonzero(self.inside)
        S = self.base.matrix(theta if self.base.basis is not None else self._squared(theta))[np.ix_(where, where)]
        values = np.abs(np.linalg.eigvalsh(S))
        return bool(values.min() <= AT_FLOOR * max(float(values.max()), float(np.sqrt(np.abs(self.floor).max()))))

    def _squared(self, theta: FloatArray) -> FloatArray:
        return np.concatenate([theta[:1] ** 2, theta[1:]])

    def _chain(self, theta: FloatArray) -> FloatArray:
        return np.concatenate([2 * theta[:1], np.ones(len(theta) - 1)])


def structure(name: str, waves: int, *, times: FloatArray | None = None, inside: BoolArray | None = None) -> Structure:
    """A family of covariance matrices of `waves` waves.

    Parameters
    ----------
    name : one of STRUCTURES.
    times : (T,) increasing times, for 'sp_exp'.
    inside : (T,) the waves described, by default all.
    """
    if name not in STRUCTURES:
        raise ValueError(f"no structure {name!r}")
    where = np.ones(waves, dtype=bool) if inside is None else inside
    m = int(where.sum())
    if m == 1:  # all structures are one variance
        return _linear(name.removesuffix("h"), where, np.ones((1, 1, 1)))
    if name in _LINEAR:
        return _linear(name, where, _basis(name, m))
    kind = name.removesuffix("h")
    if kind == "sp_exp" and times is None:
        raise ValueError("'sp_exp' needs the times of the waves")
    steps = np.arange(m, dtype=float) if times is None or kind != "sp_exp" else np.asarray(times, dtype=float)[where]
    family, count = _family(kind, m, steps)
    variances = m if name.endswith("h") else 1
    return Structure(name, where, np.arange(variances + count) < variances, None, family)


def _linear(name: str, where: BoolArray, basis: FloatArray) -> Structure:
    out = Structure(name, where, np.ones(len(basis), dtype=bool), basis)
    return Structure(name, where, out.variance, out._embedded(basis))


def _basis(name: str, m: int) -> FloatArray:
    lag = np.abs(np.subtract.outer(np.arange(m), np.arange(m)))
    if name == "cs":
        return np.stack([lag == 0, lag > 0]).astype(float)
    if name == "toep":
        return (lag == np.arange(m)[:, None, None]).astype(float)
    rows, columns = np.tril_indices(m)
    out = np.zeros((len(rows), m, m))
    out[np.arange(len(rows)), rows, columns] = 1.0
    out[np.arange(len(rows)), columns, rows] = 1.0
    return out


def _family(kind: str, m: int, steps: FloatArray) -> tuple[Correlations, int]:
    """Correlations of m waves with their derivatives, and how many parameters they take."""
    if kind in ("ar1", "sp_exp"):
        distance = np.abs(np.subtract.outer(steps, steps))
        return _power_family(distance / np.diff(steps).min()), 1
    if kind == "ad":
        return _ante_family(m), m - 1
    return _patterned_family(_basis(kind, m)[1:]), 1 if kind == "cs" else m - 1


def _patterned_family(patterns: FloatArray) -> Correlations:
    count, m, _ = patterns.shape

    def family(rho: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        return np.eye(m) + np.tensordot(rho, patterns, axes=1), patterns, np.zeros((count, count, m, m))

    return family


def _power_family(distance: FloatArray) -> Correlations:
    """r to the power of the distance; the smallest distance is 1, so that nothing is infinite at r = 0."""
    lower = distance * (distance - 1)

    def family(rho: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        r = rho[0]
        first = np.where(distance > 0, distance * np.power(r, np.where(distance > 0, distance - 1, 0.0)), 0.0)
        second = np.where(lower != 0, lower * np.power(r, np.where(lower != 0, distance - 2, 0.0)), 0.0)
        return np.power(r, distance), first[None], second[None, None]

    return family


def _ante_family(m: int) -> Correlations:
    between = np.array([[[min(i, j) <= k < max(i, j) for j in range(m)] for i in range(m)] for k in range(m - 1)])

    def family(rho: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        def product(left_out: tuple[int, ...]) -> FloatArray:
            factors = np.where(between, rho[:, None, None], 1.0)
            used = np.ones((m, m), dtype=bool)
            for k in left_out:
                used &= between[k]
                factors[k] = 1.0
            return np.where(used, factors.prod(axis=0), 0.0)

        first = np.stack([product((k,)) for k in range(m - 1)])
        second = np.zeros((m - 1, m - 1, m, m))
        for k in range(m - 1):
            for j in range(k):
                second[k, j] = second[j, k] = product((k, j))
        return product(()), first, second

    return family
