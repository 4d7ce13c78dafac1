"""The (restricted) likelihood of repeated measures with group effects, with exact gradient and Hessian.

Person i of group g: y_i = X_i b + u_g + e_i at the waves seen, Var(e_i) = Sigma of the part, Var(u_g) = Gamma of the group's part (zero at
waves before the groups existed). With W_i the inverse of Sigma at the waves seen (zero elsewhere), A_g = sum W_i and
B_g = sum W_i [X_i y_i] over a group, K_g = (I + Gamma A_g)^-1 Gamma, and M = sum_i [X y]_i' W_i [X y]_i - sum_g B_g' K_g B_g,

    -2 l = sum_i log|Sigma_i| + sum_g log|I + Gamma A_g| + log|M_XX| + M_yy - M_yX M_XX^-1 M_Xy  (log|M_XX| with REML only).

Only T x T matrices are inverted; Gamma may be negative as long as every group's covariance is positive definite. Derivatives of -2 l along
dSigma, dGamma need M along each parameter, and of second derivatives only their products with N = [Phi 0; 0 0] + vv', Phi = M_XX^-1,
v = (-b, 1), which contracts the q columns away before any pair of parameters is formed.
Source: Laird & Ware (1982); Lindstrom & Bates (1988); Wolfinger, Tobias & Sall (1994), SIAM J. Sci. Comput. 15(6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray
from trialkit.inference.repeated.covariance_structures import RootStructure, Structure
from trialkit.inference.repeated.data import RepeatedData

EDGE = 1e-6  # a group's covariance is positive definite when its eigenvalues relative to its people's exceed this


@dataclass(frozen=True, slots=True)
class CovarianceModel:
    """The structure of each part of people (Sigma) and of each part of groups (Gamma); theta holds their parameters in this order."""

    people: tuple[Structure, ...]
    groups: tuple[Structure | RootStructure, ...] = ()

    @property
    def size(self) -> int:
        return sum(s.size for s in (*self.people, *self.groups))

    def matrices(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Sigma (A, T, T) and Gamma (B, T, T)."""
        found = [s.matrix(part) for s, part in self._split(theta)]
        waves = len(self.people[0].inside)
        return np.array(found[: len(self.people)]), np.array(found[len(self.people) :]).reshape(-1, waves, waves)

    def slopes(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """First derivatives (P, A, T, T) and (P, B, T, T)."""
        waves = len(self.people[0].inside)
        out = np.zeros((self.size, len(self.people) + len(self.groups), waves, waves))
        at = 0
        for place, (s, part) in enumerate(self._split(theta)):
            out[at : at + s.size, place] = s.slopes(part)
            at += s.size
        return out[:, : len(self.people)], out[:, len(self.people) :]

    def curved(self, theta: FloatArray, sigma: FloatArray, gamma: FloatArray) -> FloatArray:
        """(P, P) sums of the second derivatives of Sigma and Gamma times matrices (A, T, T) and (B, T, T)."""
        out = np.zeros((self.size, self.size))
        at = 0
        for (s, part), weight in zip(self._split(theta), (*sigma, *gamma)):
            second = s.curvatures(part)
            if second is not None:
                out[at : at + s.size, at : at + s.size] = np.tensordot(second, weight, axes=2)
            at += s.size
        return out

    def bent(self, theta: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Sums over pairs of parameters of weights (P, P) times the second derivatives of Sigma (A, T, T) and Gamma (B, T, T)."""
        waves = len(self.people[0].inside)
        out = np.zeros((len(self.people) + len(self.groups), waves, waves))
        at = 0
        for place, (s, part) in enumerate(self._split(theta)):
            second = s.curvatures(part)
            if second is not None:
                out[place] = np.tensordot(weights[at : at + s.size, at : at + s.size], second, axes=2)
            at += s.size
        return out[: len(self.people)], out[len(self.people) :]

    def positive(self, theta: FloatArray) -> FloatArray:
        """The same matrices, those of groups by their positive roots."""
        return np.concatenate([s.positive(part) if isinstance(s, RootStructure) else part for s, part in self._split(theta)])

    def natural(self, theta: FloatArray) -> tuple[FloatArray, bool]:
        """theta with groups in natural parameters, and whether a covariance of groups is at its limit."""
        pieces = self._split(theta)
        found = np.concatenate([s.natural(part) if isinstance(s, RootStructure) else part for s, part in pieces])
        return found, any(isinstance(s, RootStructure) and s.at_floor(part) for s, part in pieces)

    def _split(self, theta: FloatArray) -> list[tuple[Structure | RootStructure, FloatArray]]:
        out: list[tuple[Structure | RootStructure, FloatArray]] = []
        at = 0
        for s in (*self.people, *self.groups):
            out.append((s, theta[at : at + s.size]))
            at += s.size
        return out


@dataclass(frozen=True, slots=True)
class State:
    """The model at one theta: what value and derivatives share.

    Attributes
    ----------
    W : (C, T, T). A, F, K : (G, T, T), F = (I + Gamma A)^-1. B : (G, T, q). M : (q, q). beta : (r,). bread : (r, r) Phi.
    """

    W: FloatArray
    A: FloatArray
    B: FloatArray
    F: FloatArray
    K: FloatArray
    M: FloatArray
    beta: FloatArray
    bread: FloatArray
    value: float


def state(data: RepeatedData, model: CovarianceModel, theta: FloatArray, *, reml: bool) -> State | None:
    """The model at theta, or None where a covariance matrix is not positive definite."""
    sigma, gamma = model.matrices(theta)
    if not (np.isfinite(sigma).all() and np.isfinite(gamma).all()):
        return None
    try:
        np.linalg.cholesky(sigma)
    except np.linalg.LinAlgError:
        return None
    pair = data.observed[:, :, None] & data.observed[:, None, :]
    filled = np.where(pair, sigma[data.part], np.eye(data.waves))
    sign, logdet = np.linalg.slogdet(filled)
    if not (sign > 0).all():
        return None
    W = np.where(pair, np.linalg.inv(filled), 0.0)
    value = float(data.people @ logdet)
    M = np.tensordot(W, data.cross, axes=3)
    A = np.tensordot(data.members, W, axes=1)
    B = _group_sums(W[None], data)[0]
    identity = np.eye(data.waves)
    F = K = np.zeros_like(A)
    if data.n_groups:
        G = gamma[data.group_part]
        spread = _spread(A, G)
        if spread.min() < EDGE:
            return None
        value += float(np.log(spread).sum())
        F = np.linalg.inv(identity + G @ A)
        K = F @ G
        K = (K + np.swapaxes(K, 1, 2)) / 2
        M = M - np.tensordot(B, K @ B, axes=((0, 1), (0, 1)))
    r = data.rank
    M = (M + M.T) / 2
    sign_m, log_m = np.linalg.slogdet(M[:r, :r])
    if not sign_m > 0:
        return None
    bread = np.asarray(np.linalg.inv(M[:r, :r]))
    beta = bread @ M[:r, r]
    value += float(M[r, r] - beta @ M[:r, r]) + (float(log_m) if reml else 0.0)
    return State(W, A, B, F, K, M, beta, bread, value)


def _group_sums(weights: FloatArray, data: RepeatedData) -> FloatArray:
    """(D, G, T, q) sums over cells of weights (D, C, T, T) times the groups' sums."""
    D, C, T, _ = weights.shape
    left = np.swapaxes(weights, 1, 2).reshape(D * T, C * T)
    right = data.sums.reshape(data.n_groups, C * T, data.sums.shape[-1])
    return np.swapaxes((left @ right).reshape(data.n_groups, D, T, data.sums.shape[-1]), 0, 1)


def _spread(A: FloatArray, G: FloatArray) -> FloatArray:
    """(G, T) eigenvalues of I + A^(1/2) Gamma A^(1/2)."""
    values, vectors = np.linalg.eigh(A)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    return np.linalg.eigvalsh(np.eye(A.shape[-1]) + root @ G @ root)


@dataclass(frozen=True, slots=True)
class Directions:
    """First derivatives of the parts of a state along D directions: V (D, C, T, T), and of groups (D, G, ...)."""

    dS: FloatArray
    dG: FloatArray
    V: FloatArray
    A: FloatArray
    B: FloatArray
    K: FloatArray
    F: FloatArray


def directions(data: RepeatedData, s: State, sigma: FloatArray, gamma: FloatArray) -> Directions:
    """Derivatives of a state along sigma (D, A, T, T) and gamma (D, B, T, T)."""
    dS, dG = sigma[:, data.part], gamma[:, data.group_part]
    V = s.W @ dS @ s.W
    dA = (
        -np.tensordot(V, data.members, axes=((1,), (1,))).transpose(0, 3, 1, 2)
        if data.n_groups
        else np.zeros((len(V), 0, *V.shape[2:]))
    )
    dB = -_group_sums(V, data)
    dK = s.F @ dG @ np.swapaxes(s.F, 1, 2) - s.K @ dA @ s.K
    dF = -(dK @ s.A + s.K @ dA)
    return Directions(dS, dG, V, dA, dB, dK, dF)


def first_matrices(data: RepeatedData, s: State, d: Directions) -> FloatArray:
    """(D, q, q) derivatives of M."""
    out = -np.tensordot(d.V, data.cross, axes=3)
    if data.n_groups:
        mixed = np.tensordot(d.B, s.K @ s.B, axes=((1, 2), (0, 1)))
        out -= mixed + np.swapaxes(mixed, 1, 2) + np.tensordot(d.K @ s.B, s.B, axes=((1, 2), (0, 1)))
    return out


def second_matrices(data: RepeatedData, s: State, d: Directions) -> FloatArray:
    """(D, q, q) second derivatives of M along each direction by itself, Sigma and Gamma taken as linear."""
    twice = 2 * d.V @ d.dS @ s.W
    out = np.tensordot(twice, data.cross, axes=3)
    if not data.n_groups:
        return out
    ddA = np.tensordot(twice, data.members, axes=((1,), (1,))).transpose(0, 3, 1, 2)
    ddB = _group_sums(twice, data)
    bent = d.F @ d.dG @ np.swapaxes(s.F, 1, 2) - d.K @ d.A @ s.K
    ddK = bent + np.swapaxes(bent, 2, 3) - s.K @ ddA @ s.K
    mixed = np.einsum("dgtq,gtr->dqr", ddB, s.K @ s.B) + 2 * np.einsum("dgtq,dgtr->dqr", d.B, d.K @ s.B)
    own = np.einsum("dgtq,dgtr->dqr", d.B, s.K @ d.B)
    return out - mixed - np.swapaxes(mixed, 1, 2) - 2 * own - np.einsum("gtq,dgtr->dqr", s.B, ddK @ s.B)


@dataclass(frozen=True, slots=True)
class Curvature:
    """Gradient (P,) and Hessian (P, P) of -2 l, and the derivatives of M (P, q, q)."""

    gradient: FloatArray
    hessian: FloatArray
    first: FloatArray


def curvature(data: RepeatedData, model: CovarianceModel, theta: FloatArray, s: State, *, reml: bool) -> Curvature:
    """Derivatives of -2 l at a state of theta."""
    r = data.rank
    slopes = model.slopes(theta)
    d = directions(data, s, *slopes)
    M = first_matrices(data, s, d)
    v = np.append(-s.beta, 1.0)
    N = np.outer(v, v)
    if reml:
        N[:r, :r] += s.bread
    E, Y = _contracted(data, s, N)
    G_sigma, G_gamma = _gradient_matrices(data, model, s, E, Y)
    gradient = _flat(*slopes) @ np.concatenate([G_sigma.reshape(-1), G_gamma.reshape(-1)])
    turned = M[:, :r] @ v
    hessian = _log_pairs(data, s, d) + _pairs(data, s, d, N, E, Y) - 2 * turned @ s.bread @ turned.T
    if reml:
        hessian -= _traces(s, M, r)
    hessian += model.curved(theta, G_sigma, G_gamma)
    return Curvature(gradient, (hessian + hessian.T) / 2, M)


def expected_information(
    data: RepeatedData, model: CovarianceModel, theta: FloatArray, s: State, first: FloatArray, *, reml: bool
) -> FloatArray:
    """(P, P) expectation of the Hessian of -2 l at the model's own theta; `first` are the derivatives of M."""
    r = data.rank
    d = directions(data, s, *model.slopes(theta))
    out = -_log_pairs(data, s, d)
    if reml:
        Phi = np.zeros_like(s.M)
        Phi[:r, :r] = s.bread
        out = out - _pairs(data, s, d, Phi, *_contracted(data, s, Phi)) + _traces(s, first, r)
    return (out + out.T) / 2


def _traces(s: State, first: FloatArray, r: int) -> FloatArray:
    """(P, P) tr(Phi M_k Phi M_l)."""
    turned = s.bread @ first[:, :r, :r]
    return _gram(turned, np.swapaxes(turned, 1, 2))


def _flat(sigma: FloatArray, gamma: FloatArray) -> FloatArray:
    return np.concatenate([sigma.reshape(len(sigma), -1), gamma.reshape(len(gamma), -1)], axis=1)


def _gradient_matrices(
    data: RepeatedData, model: CovarianceModel, s: State, E: FloatArray, Y: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Derivatives of -2 l in the entries of Sigma (A, T, T) and Gamma (B, T, T)."""
    by_cell = data.people[:, None, None] * s.W - s.W @ (E + _spread_over_cells(data, s.K)) @ s.W
    by_group = s.A @ s.F - np.swapaxes(s.F, 1, 2) @ Y @ s.F
    sigma = np.zeros((len(model.people), data.waves, data.waves))
    gamma = np.zeros((len(model.groups), data.waves, data.waves))
    np.add.at(sigma, data.part, by_cell)
    np.add.at(gamma, data.group_part, by_group)
    return sigma, gamma


def _contracted(data: RepeatedData, s: State, N: FloatArray) -> tuple[FloatArray, FloatArray]:
    """E (C, T, T), what multiplies second derivatives of W in <M_kl, N>, and Y = B N B' (G, T, T)."""
    E = np.tensordot(data.cross, N, axes=2)
    Y = s.B @ N @ np.swapaxes(s.B, 1, 2)
    if data.n_groups:
        R = np.tensordot(data.sums, s.K @ s.B @ N, axes=((0, 3), (0, 2)))
        E = E - R - np.swapaxes(R, 1, 2) + _spread_over_cells(data, s.K @ Y @ s.K)
    return E, Y


def _spread_over_cells(data: RepeatedData, values: FloatArray) -> FloatArray:
    """(C, T, T) sums over groups of their members in a cell times values (G, T, T)."""
    return np.tensordot(data.members, values, axes=((0,), (0,)))


def _gram(left: FloatArray, right: FloatArray) -> FloatArray:
    """(D, D) sums of products over everything behind the first axis."""
    return left.reshape(len(left), -1) @ right.reshape(len(right), -1).T


def _cell_pairs(s: State, d: Directions, E: FloatArray) -> FloatArray:
    """(D, D) sums over cells of tr(W_kl E), W_kl the second derivative of W, E symmetric."""
    half = _gram(d.V, np.swapaxes(d.dS @ s.W @ E, 2, 3))
    return half + half.T


def _log_pairs(data: RepeatedData, s: State, d: Directions) -> FloatArray:
    """(D, D) second derivatives of the log determinants, Sigma and Gamma taken as linear."""
    out = -_gram(data.people[:, None, None] * d.V, d.dS)
    if not data.n_groups:
        return out
    dH = d.A @ s.F + s.A @ d.F
    out = out + _cell_pairs(s, d, _spread_over_cells(data, s.K))
    return out + _gram(d.dG, np.swapaxes(dH, 2, 3)) + _gram(d.A, d.K)


def _pairs(data: RepeatedData, s: State, d: Directions, N: FloatArray, E: FloatArray, Y: FloatArray) -> FloatArray:
    """(D, D) products <M_kl, N> of second derivatives of M, Sigma and Gamma taken as linear; E and Y as `_contracted`."""
    out = _cell_pairs(s, d, E)
    if not data.n_groups:
        return out
    mixed = _gram(d.K @ (s.B @ N), d.B)
    own = _gram(s.K @ d.B @ N, d.B)
    bent = _gram(Y @ s.F @ d.dG, d.F) - _gram(Y @ s.K @ d.A, d.K)
    return out - 2 * (mixed + mixed.T + own + bent)
