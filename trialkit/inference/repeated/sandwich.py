"""Empirical covariances of the fixed effects of repeated measures: CR0, CR2 and CR3 on the whitened scale.

Rows are multiplied by V^(-1/2) of the fitted model, unit by unit (a group, with everyone outside groups a unit of one). Least squares on the
whitened rows gives the same coefficients, and its cluster-robust covariances (covariance.py) are those of mmrm: A_s = I, (I - H_ss)^(-1/2) or
(I - H_ss)^-1, H the hat matrix of the whitened rows. The Satterthwaite degrees of freedom take the fitted model as the working covariance,
which is the identity there. None of it depends on which root of V is taken.
Source: Liang & Zeger (1986); Mancl & DeRouen (2001); Bell & McCaffrey (2002); Pustejovsky & Tipton (2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import Clusters, FloatArray, IntArray
from trialkit.inference.linear.covariance import Covariance, CovarianceKind, covariance
from trialkit.inference.linear.least_squares import LeastSquares, least_squares
from trialkit.inference.linear.small_sample import satterthwaite
from trialkit.inference.linear.wald import WaldTest, htz
from trialkit.inference.repeated.contrasts import RepeatedContrasts
from trialkit.inference.repeated.fit import RepeatedFit


@dataclass(frozen=True, slots=True)
class EmpiricalContrasts(RepeatedContrasts):
    """Contrasts with an empirical covariance; `whitened` and `robust` are the whitened regression and its covariance."""

    whitened: LeastSquares
    robust: Covariance

    def df(self, c: FloatArray) -> float:
        if self.df_rule == "residual":
            return float(self.fit.data.n_observed - self.fit.data.rank)
        return satterthwaite(self.whitened, self.robust, c).df

    def joint(self, C: FloatArray) -> WaldTest:
        """The approximate Hotelling test of all rows together."""
        return htz(self.whitened, self.robust, C, value=-C @ self.fit.coef[self.fit.kept])


def empirical(fit: RepeatedFit, kind: CovarianceKind, df_rule: str = "satterthwaite") -> EmpiricalContrasts:
    """Contrasts with the covariance CR0, CR2 or CR3; units of variance are the groups of the fit and everyone else alone."""
    rows, unit = _whitened(fit)
    ols = least_squares(y=rows[:, -1], X=rows[:, :-1])
    robust = covariance(ols, kind, Clusters.from_labels(unit))
    return EmpiricalContrasts(fit, robust.matrix, df_rule, ols, robust)


def _whitened(fit: RepeatedFit) -> tuple[FloatArray, IntArray]:
    """Rows (N, r + 1) of V^(-1/2) [X, residual], and the unit of each.

    For a group V = D^(1/2) (I + U Gamma U') D^(1/2)' with U = D^(-1/2) E, E what puts the group's effects into rows. With U'U = A = S S the root is
    I + U S^+ [(I + S Gamma S)^(-1/2) - I] S^+ U', which adds the same T x q matrix to all members before each is whitened by its own Sigma.
    """
    data = fit.data
    Z = np.zeros((data.n, data.waves, data.rank + 1))
    X = data.X[..., fit.kept]
    Z[data.seen] = np.column_stack([X[data.seen], data.y[data.seen] - X[data.seen] @ fit.coef[fit.kept]])
    pair = data.observed[:, :, None] & data.observed[:, None, :]
    filled = np.where(pair, fit.sigma[data.part], np.eye(data.waves))
    if data.n_groups:
        Z = Z + _shared(fit, Z, np.where(pair, np.linalg.inv(filled), 0.0))
    lower = np.linalg.inv(np.linalg.cholesky(filled))
    white = lower[data.cell] @ np.where(data.seen[..., None], Z, 0.0)
    own = np.arange(data.n) + data.n_groups
    unit = np.where(data.group >= 0, data.group, own)
    units: IntArray = np.repeat(unit[:, None], data.waves, axis=1)[data.seen]
    return np.asarray(white[data.seen], dtype=float), units


def _shared(fit: RepeatedFit, Z: FloatArray, W: FloatArray) -> FloatArray:
    """(n, T, q) what each person's group adds; zero outside groups."""
    data = fit.data
    weighted = W[data.cell] @ Z
    inside = data.group >= 0
    B = np.zeros((data.n_groups, *Z.shape[1:]))
    np.add.at(B, data.group[inside], weighted[inside])
    A = np.tensordot(data.members, W, axes=1)
    values, vectors = np.linalg.eigh(A)
    seen = values > 1e-12 * np.maximum(values[:, -1:], 1e-300)
    root = np.sqrt(np.where(seen, values, 0.0))
    inverse = np.where(seen, 1 / np.where(seen, root, 1.0), 0.0)
    S = (vectors * root[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    back = (vectors * inverse[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    identity = np.eye(data.waves)
    size, turn = np.linalg.eigh(identity + S @ fit.gamma[data.group_part] @ S)
    shrink = (turn * (1 / np.sqrt(size))[:, None, :]) @ np.swapaxes(turn, 1, 2) - identity
    out = np.zeros_like(Z)
    out[inside] = (back @ shrink @ back @ B)[data.group[inside]]
    return out
