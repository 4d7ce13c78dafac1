"""One regression for many outcomes at once: what `tk.itt` gives an outcome at a time, for simulations.

The design matrix, its leverages, the CR2 factors and the moments behind Satterthwaite's df do not depend on the outcome and are taken
from the package's own model of one outcome. What depends on it is done for all replicates together: residuals, scores of the units, and
the REML fit of the working covariance. `tests/calibration/test_batch.py` holds all of it to `tk.itt` and `tk.cace` at 1e-9.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.estimate.linear.linear_model import LinearModel
from trialkit.inference.arrays import Clusters
from trialkit.inference.linear.absorb import moments
from trialkit.inference.linear.small_sample import WorkingCovariance
from trialkit.inference.mixed.grouped_reml import grouped_strata, reml_many
from trialkit.trial import ALONE


@dataclass(frozen=True)
class Found:
    """(R,) estimates, variances and degrees of freedom; how often the working covariance had no maximum."""

    estimate: np.ndarray
    variance: np.ndarray
    df: np.ndarray
    failures: int

    @property
    def std_error(self) -> np.ndarray:
        return np.sqrt(self.variance)


class Batch:
    """A contrast of a fitted model, ready for other outcomes (R, n) of the same people."""

    def __init__(self, model: LinearModel, vector: np.ndarray) -> None:
        assert model.fit.weights is None, "weights are not needed here"
        self.model, c = model, vector[model.fit.kept]
        n = model.sample.n
        clusters = model.cov.clusters
        self.clusters = clusters if clusters is not None else Clusters(np.arange(n), np.arange(n), np.ones(n, dtype=np.int64))
        self.loads = model.cov.influence @ c  # in cluster order
        self.slope = model.fit.X @ (model.fit.bread @ c)
        self.basis = model.fit.q
        self.fixed_df = model._df(c) if model.df_rule != "working" else None
        self.borrows = model.borrows(c)
        if self.fixed_df is None or self.borrows:
            self._working_moments(c)

    def scores(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(R,) estimates and (R, S) scores of the units: variances are sums of their squares."""
        residual = y - (y @ self.basis) @ self.basis.T
        return y @ self.slope, self.cluster_sums(residual)

    def cluster_sums(self, residual: np.ndarray) -> np.ndarray:
        weighted = residual[:, self.clusters.order] * self.loads
        if self.clusters.count == weighted.shape[1]:
            return weighted
        return np.add.reduceat(weighted, self.clusters.starts, axis=1)

    def run(self, y: np.ndarray) -> Found:
        estimate, scores = self.scores(y)
        return self.with_df(estimate, np.einsum("rs,rs->r", scores, scores), y)

    def with_df(self, estimate: np.ndarray, variance: np.ndarray, y: np.ndarray) -> Found:
        """The df of outcomes `y`, and the variance that strata with one group borrow, beside a given variance."""
        if self.fixed_df is not None and not self.borrows:
            return Found(estimate, variance, np.full(len(y), self.fixed_df), 0)
        residual = y - (y @ self.basis) @ self.basis.T
        theta, converged = fit_variances(residual, X=self.model.fit.X, part=self.part, group=self.group)
        mean = theta @ self.means
        if self.fixed_df is None:
            df = mean**2 / np.einsum("rp,pq,rq->r", theta, self.squares, theta)
        else:
            df = np.full(len(y), self.fixed_df)
        if self.borrows:
            missing = np.maximum(theta @ self.true - mean, 0.0)
            total = variance + missing
            df_total = total**2 / (variance / np.sqrt(df) + missing / np.sqrt(self.spare)) ** 2
            variance, df = np.where(converged, total, variance), np.where(converged, df_total, df)
        fallback = self.smallest - 1.0 if self.fixed_df is None else self.fixed_df
        return Found(estimate, variance, np.where(converged, df, fallback), int((~converged).sum()))

    def by_arm(self, y: np.ndarray) -> ByArm:
        """For the regression on two arms alone: what the analysis of any multiple by arm of `y` needs."""
        s = self.model.sample
        assert self.model.fit.X.shape[1] == 2, "two arms and nothing else"
        _, scores = self.scores(y)
        inside = s.arm[self.clusters.order][self.clusters.starts] == 1
        squares = scores**2
        theta, converged = np.empty((len(y), 0)), np.ones(len(y), dtype=bool)
        if self.fixed_df is None:
            residual = y - (y @ self.basis) @ self.basis.T
            theta, converged = fit_variances(residual, X=self.model.fit.X, part=self.part, group=self.group)
        return ByArm(self, squares[:, inside].sum(1), squares[:, ~inside].sum(1), theta, converged)

    def _working_moments(self, c: np.ndarray) -> None:
        """Mean and squares of the variance estimate are linear and quadratic in the variance parameters: their coefficients."""
        s = self.model.sample
        zero = np.zeros(s.n)
        if s.cluster is not None:
            self.part, self.group, self.smallest = np.zeros(s.n, dtype=np.int64), s.cluster, s.n_clusters
            pieces = [(zero + 1, zero), (zero, zero + 1)]
        else:
            arms, part = np.unique(s.arm, return_inverse=True)
            grouped = [a for a in range(len(arms)) if (s.group[part == a] != ALONE).any()]
            member = (s.group != ALONE).astype(float)
            pieces = [((part == a).astype(float), zero) for a in range(len(arms))]
            pieces += [(zero, (part == a) * member) for a in grouped]
            self.part, self.group = part.astype(np.int64), s.group
            self.smallest = min(s.groups_in(s.arm == arms[a]) for a in grouped)
        count = len(pieces)
        points = 1.0 + np.random.default_rng(1).random((count * (count + 1) // 2 + 3, count))
        found = [moments(self.model.fit, self.model.cov, c, _working(pieces, point)) for point in points]
        self.means = np.linalg.lstsq(points, np.array([m.mean for m in found]), rcond=None)[0]
        rows, columns = np.triu_indices(count)
        products = points[:, rows] * points[:, columns]
        halves = np.linalg.lstsq(products, np.array([m.mean**2 / m.df for m in found]), rcond=None)[0]
        self.squares = np.zeros((count, count))
        self.squares[rows, columns] = halves / 2
        self.squares += self.squares.T
        order = self.clusters.order
        t = self.slope[order]
        self.true = np.array(
            [t @ _working(pieces, np.eye(count)[p]).times(t[:, None], self.clusters)[:, 0] for p in range(count)]
        )
        self.spare = max(self.model._groups_left(), 1.0)


@dataclass(frozen=True)
class ByArm:
    """(R,) variances of the arms' means, and the working covariance: (R, 3) variances of the controls, of the treated, and of their groups."""

    batch: Batch
    treated: np.ndarray
    control: np.ndarray
    theta: np.ndarray
    converged: np.ndarray

    def scaled(self, one: np.ndarray | float, zero: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """(R,) standard errors and df when outcomes are multiplied by `one` among the treated and by `zero` among the controls."""
        variance = one**2 * self.treated + zero**2 * self.control
        if self.batch.fixed_df is not None:
            return np.sqrt(variance), np.full(len(variance), self.batch.fixed_df)
        theta = self.theta * np.stack(np.broadcast_arrays(zero**2, one**2, one**2), axis=-1)
        df = (theta @ self.batch.means) ** 2 / np.einsum("rp,pq,rq->r", theta, self.batch.squares, theta)
        return np.sqrt(variance), np.where(self.converged, df, self.batch.smallest - 1.0)


def _working(pieces: list[tuple[np.ndarray, np.ndarray]], theta: np.ndarray) -> WorkingCovariance:
    return WorkingCovariance(sum(t * p[0] for t, p in zip(theta, pieces)), sum(t * p[1] for t, p in zip(theta, pieces)))


def fit_variances(residual: np.ndarray, *, X: np.ndarray, part: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(R, P) variance parameters by REML and (R,) whether they are a maximum, from least-squares residuals (R, n)."""
    scale = np.sqrt(np.mean(residual**2, axis=1))
    found = reml_many(grouped_strata(y=residual / scale[:, None], X=X, part=part, group=group))
    return found.theta * (scale**2)[:, None], found.converged
