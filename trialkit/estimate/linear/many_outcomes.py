"""One regression for many outcomes at once: what `itt` gives an outcome at a time, for simulations.

The design matrix, its leverages, the CR2 factors and the moments behind Satterthwaite's df do not depend on the outcome and are taken from a model of one
outcome. What depends on it is done for all replicates together: residuals, scores of the units, and the REML fit of the working covariance. The mean of the
variance estimate is linear in the variance parameters and its variance quadratic, so their coefficients are found once, from a few points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.errors import CombinationError
from trialkit.estimate.linear.linear_model import LinearModel
from trialkit.inference.arrays import BoolArray, Clusters, FloatArray, IntArray
from trialkit.inference.linear.absorb import moments
from trialkit.inference.linear.small_sample import WorkingCovariance
from trialkit.inference.mixed.grouped_reml import grouped_strata, reml_many
from trialkit.trial import ALONE


@dataclass(frozen=True, slots=True)
class FoundMany:
    """(R,) estimates, variances and degrees of freedom, and how often the working covariance had no maximum."""

    estimate: FloatArray
    variance: FloatArray
    df: FloatArray
    failures: int

    @property
    def std_error(self) -> FloatArray:
        return np.sqrt(self.variance)


@dataclass(frozen=True, slots=True)
class _WorkingMoments:
    """Coefficients of the moments of the variance estimate in the variance parameters.

    mean = theta . means, df = mean^2 / theta' squares theta; `true` of the variance of the estimate itself; `part` and `group` of the REML fit.
    """

    part: IntArray
    group: IntArray
    means: FloatArray
    squares: FloatArray
    true: FloatArray
    fewest: float


class ManyOutcomes:
    """A contrast of a fitted model, ready for other outcomes (R, n) of the same people.

    Raises
    ------
    CombinationError
        For weights, which the batch does not know.
    """

    def __init__(self, model: LinearModel, vector: FloatArray) -> None:
        if model.fit.weights is not None:
            raise CombinationError("many outcomes at once are for analyses without weights.")
        c = vector[model.fit.kept]
        clusters = model.cov.clusters
        n = model.sample.n
        self._model = model
        self._ordered = clusters is None
        self._clusters = clusters if clusters is not None else Clusters(np.arange(n), np.arange(n), np.ones(n, dtype=np.int64))
        self._loads = None if model.cov.influence is None else model.cov.influence @ c  # None is the classical covariance
        self._spread = float(c @ model.fit.bread @ c) / model.fit.df_resid
        self._slope = model.fit.X @ (model.fit.bread @ c)
        # 'groups' says that the outcome of the model had no working covariance, not that these have none
        working = model.df_rule in ("working", "groups")
        self._fixed_df = None if working else model._df(c)
        self._borrows = model.borrows(c)
        self._working = self._moments(c) if working or self._borrows else None

    def run(self, y: FloatArray) -> FoundMany:
        """Estimates, variances and df of the outcomes y (R, n), in the order of the model's people."""
        residual = self._residuals(y)
        scores = np.sqrt(self._spread) * residual if self._loads is None else self.cluster_sums(residual)
        return self._with_df(y @ self._slope, np.einsum("rs,rs->r", scores, scores), residual)

    def scores(self, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(R,) estimates and (R, S) scores of the units: variances are sums of their squares."""
        return y @ self._slope, self.cluster_sums(self._residuals(y))

    def cluster_sums(self, residual: FloatArray) -> FloatArray:
        """(R, S) sums over the units of residuals (R, n) times each person's load in the contrast; not for the classical covariance."""
        assert self._loads is not None
        weighted = (residual if self._ordered else residual[:, self._clusters.order]) * self._loads
        if self._clusters.count == weighted.shape[1]:
            return weighted
        return np.asarray(np.add.reduceat(weighted, self._clusters.starts, axis=1))

    def _with_df(self, estimate: FloatArray, variance: FloatArray, residual: FloatArray) -> FoundMany:
        """The df of each outcome, and the variance that strata with one group borrow, beside the robust variance."""
        replicates = len(estimate)
        if self._working is None:
            assert self._fixed_df is not None
            return FoundMany(estimate, variance, np.full(replicates, self._fixed_df), 0)
        w = self._working
        theta, converged = fit_variances(residual, X=self._model.fit.q, part=w.part, group=w.group)
        mean = theta @ w.means
        if self._fixed_df is None:
            df, fallback = mean**2 / np.einsum("rp,pq,rq->r", theta, w.squares, theta), w.fewest - 1.0
        else:
            df, fallback = np.full(replicates, self._fixed_df), self._fixed_df
        if self._borrows:
            spare = max(self._model._groups_left(), 1.0)
            missing = np.maximum(theta @ w.true - mean, 0.0)
            total = variance + missing
            df_total = total**2 / (variance / np.sqrt(df) + missing / np.sqrt(spare)) ** 2
            variance, df = np.where(converged, total, variance), np.where(converged, df_total, df)
        return FoundMany(estimate, variance, np.where(converged, df, fallback), int((~converged).sum()))

    def _residuals(self, y: FloatArray) -> FloatArray:
        basis = self._model.fit.q
        return y - (y @ basis) @ basis.T

    def _moments(self, c: FloatArray) -> _WorkingMoments:
        part, group, pieces, fewest = _variance_pieces(self._model)
        count = len(pieces)
        points = 1.0 + np.random.default_rng(1).random((count * (count + 1) // 2 + 3, count))
        found = [moments(self._model.fit, self._model.cov, c, _combined(pieces, point)) for point in points]
        means = np.linalg.lstsq(points, np.array([m.mean for m in found]), rcond=None)[0]
        rows, columns = np.triu_indices(count)
        halves = np.linalg.lstsq(points[:, rows] * points[:, columns], np.array([m.mean**2 / m.df for m in found]), rcond=None)[0]
        squares = np.zeros((count, count))
        squares[rows, columns] = halves / 2
        t = self._slope[self._clusters.order]
        true = [t @ _combined(pieces, unit).times(t[:, None], self._clusters)[:, 0] for unit in np.eye(count)]
        return _WorkingMoments(part, group, means, squares + squares.T, np.array(true), fewest)


def _variance_pieces(model: LinearModel) -> tuple[IntArray, IntArray, list[tuple[FloatArray, FloatArray]], float]:
    """Parts and groups of the REML fit, (residual, group) variance of each person per parameter, and the fewest groups of an arm."""
    s = model.sample
    zero = np.zeros(s.n)
    if s.cluster is not None:
        return np.zeros(s.n, dtype=np.int64), s.cluster, [(zero + 1, zero), (zero, zero + 1)], float(s.n_clusters)
    arms, part = np.unique(s.arm, return_inverse=True)
    grouped = [a for a in range(len(arms)) if (s.group[part == a] != ALONE).any()]
    member = (s.group != ALONE).astype(float)
    pieces = [((part == a).astype(float), zero) for a in range(len(arms))]
    pieces += [(zero, (part == a) * member) for a in grouped]
    fewest = min(s.groups_in(s.arm == arms[a]) for a in grouped)
    return part.astype(np.int64), s.group, pieces, float(fewest)


def _combined(pieces: list[tuple[FloatArray, FloatArray]], theta: FloatArray) -> WorkingCovariance:
    resid, group = (np.sum([t * p[i] for t, p in zip(theta, pieces)], axis=0) for i in (0, 1))
    return WorkingCovariance(resid, group)


def fit_variances(residual: FloatArray, *, X: FloatArray, part: IntArray, group: IntArray) -> tuple[FloatArray, BoolArray]:
    """(R, P) variance parameters by REML and (R,) whether they are a maximum, from least-squares residuals (R, n)."""
    scale = np.sqrt(np.mean(residual**2, axis=1))
    found = reml_many(grouped_strata(y=residual / scale[:, None], X=X, part=part, group=group))
    return found.theta * (scale**2)[:, None], np.asarray(found.converged)
