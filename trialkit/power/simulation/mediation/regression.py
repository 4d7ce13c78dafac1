"""CR2 (or HC2) standard errors, scores and Satterthwaite df of many regressions whose designs differ by replicate.

What estimate/linear/linear_model.py does for one: in an orthonormal basis q of the design, A_s q_s = q_s (I - q_s'q_s)^(-1/2), a group's block being of size K; the df of a
contrast is that of inference/linear/small_sample.py, from sums over units. The working covariance is fitted by REML on cross-products, which for the columns m and t m of a
replicate follow from those of m, y and m + y, since t is 0 or 1 in each arm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.mixed.grouped_reml import VarianceStrata, grouped_strata, reml_many

FULL = 1 - 1e-10


@dataclass(frozen=True, slots=True)
class Units:
    """The independent units of a trial, in the order of their codes, rows sorted by unit.

    Attributes
    ----------
    t, X : (n,) arm and (n, k) covariates, in sorted order. order, starts, sizes : as in `Clusters`.
    arm : (S,) arm of each unit. group : (n,) group codes, -1 alone, where a working covariance is fitted to groups in some arms, else None.
    clustered : whether units hold several people: CR2, else HC2 with n - K df.
    """

    t: FloatArray
    X: FloatArray
    order: IntArray
    starts: IntArray
    sizes: IntArray
    arm: IntArray
    group: IntArray | None
    clustered: bool

    @property
    def fewest(self) -> float:
        """The smallest number of groups of a grouped arm less one: the df where no working covariance is found."""
        assert self.group is not None
        inside = self.group >= 0
        return float(min(len(np.unique(self.group[inside & (self.t == a)])) for a in np.unique(self.t[inside])) - 1)


@dataclass(frozen=True, slots=True)
class Contrasted:
    """Contrasts of R regressions: estimates (R, C), scores of the units (R, S, C), df (R, C), and which replicates a row or group of full leverage spoils."""

    estimate: FloatArray
    scores: FloatArray
    df: FloatArray
    spoilt: BoolArray


def contrasted(
    units: Units, design: FloatArray, y: FloatArray, contrasts: FloatArray, strata: VarianceStrata | None
) -> Contrasted:
    """Regresses y (R, n) on design (R, n, K), rows in the order of `units`; contrasts (R, K, C); strata for the REML fit of the same regression."""
    q, upper = np.linalg.qr(design)
    turned = np.linalg.solve(np.swapaxes(upper, -1, -2), contrasts)
    qy = np.swapaxes(q, -1, -2) @ y[..., None]
    residual = y - (q @ qy)[..., 0]
    estimate = (np.swapaxes(turned, -1, -2) @ qy)[..., 0]
    u, spoilt = _influence(units, q, turned)
    scores = np.add.reduceat(u * residual[..., None], units.starts, axis=1)
    if not units.clustered:
        return Contrasted(estimate, scores, np.full(estimate.shape, float(y.shape[1] - design.shape[-1])), spoilt)
    if strata is None:
        return Contrasted(estimate, scores, _degrees(units, q, u, np.ones((len(y), 2)), np.zeros((len(y), 2))), spoilt)
    resid, group, converged = _working(units, strata)
    df = _degrees(units, q, u, resid, group)
    return Contrasted(estimate, scores, np.where(converged[:, None], df, units.fewest), spoilt)


def _influence(units: Units, q: FloatArray, turned: FloatArray) -> tuple[FloatArray, BoolArray]:
    """(R, n, C) adjusted influence values."""
    single = np.repeat(units.sizes == 1, units.sizes)
    out = np.empty((*q.shape[:2], turned.shape[-1]))
    leverage = np.einsum("rik,rik->ri", q[:, single], q[:, single])
    spoilt = (leverage >= FULL).any(axis=1)
    out[:, single] = (q[:, single] @ turned) / np.sqrt(np.maximum(1 - leverage, 1 - FULL))[..., None]
    for s in np.flatnonzero(units.sizes > 1):
        rows = slice(int(units.starts[s]), int(units.starts[s] + units.sizes[s]))
        own = q[:, rows]
        values, vectors = np.linalg.eigh(np.swapaxes(own, -1, -2) @ own)
        spoilt |= values[:, -1] >= FULL
        root = 1 / np.sqrt(np.maximum(1 - values, 1 - FULL))
        out[:, rows] = own @ ((vectors * root[:, None, :]) @ (np.swapaxes(vectors, -1, -2) @ turned))
    return out, np.asarray(spoilt)


def _degrees(units: Units, q: FloatArray, u: FloatArray, resid: FloatArray, group: FloatArray) -> FloatArray:
    """(R, C) Satterthwaite df under residual and group variances (R, 2) by arm."""
    own_resid = resid[:, units.arm]
    own_group = np.where(units.sizes > 1, group[:, units.arm], 0.0)
    members = np.repeat(own_resid, units.sizes, axis=1)
    sums = np.add.reduceat(q, units.starts, axis=1)
    middle = np.swapaxes(q * members[..., None], -1, -2) @ q + np.swapaxes(sums * own_group[..., None], -1, -2) @ sums
    size = q.shape[-1]
    kernel = np.zeros((len(middle), 2 * size, 2 * size))
    kernel[:, :size, :size] = middle
    kernel[:, :size, size:] = kernel[:, size:, :size] = -np.eye(size)
    out = np.empty((len(middle), u.shape[-1]))
    for j in range(u.shape[-1]):
        v = u[..., j]
        total = np.add.reduceat(v, units.starts, axis=1)
        squares = np.add.reduceat(v * v, units.starts, axis=1)
        left = np.add.reduceat(q * v[..., None], units.starts, axis=1)
        right = own_resid[..., None] * left + (own_group * total)[..., None] * sums
        alpha = own_resid * squares + own_group * total**2
        Z = np.concatenate([np.broadcast_to(left, right.shape), right], axis=-1)
        diagonal = ((Z @ kernel) * Z).sum(axis=-1)
        cross = kernel @ (np.swapaxes(Z, -1, -2) @ Z)
        whole = (
            (alpha**2).sum(axis=1) + 2 * (alpha * diagonal).sum(axis=1) + (cross * np.swapaxes(cross, -1, -2)).sum(axis=(1, 2))
        )
        out[:, j] = (alpha + diagonal).sum(axis=1) ** 2 / whole
    return out


def _working(units: Units, strata: VarianceStrata) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Residual and group variances (R, 2) by arm, by REML, and whether the fit is a maximum."""
    assert units.group is not None
    k = strata.cross.shape[-1] - 1
    total = strata.cross.sum(axis=1)
    turn = np.broadcast_to(np.eye(k + 1), total.shape).copy()
    turn[:, :k, k] = -np.linalg.solve(total[:, :k, :k], total[:, :k, k, None])[..., 0]
    rows = float(np.sum(strata.rows))
    last = turn[:, :, k]
    scale = np.sqrt((last[:, None, :] @ total @ last[:, :, None])[:, 0, 0] / rows)
    turn[:, :, k] /= scale[:, None]
    cross = np.swapaxes(turn, -1, -2)[:, None] @ strata.cross @ turn[:, None]
    found = reml_many(VarianceStrata(cross, strata.rows, strata.loadings, strata.random))
    theta = found.theta * (scale**2)[:, None]
    group = np.zeros((len(theta), 2))
    for j, arm in enumerate(np.unique(units.t[units.group >= 0]).astype(int)):
        group[:, arm] = theta[:, 2 + j]
    return theta[:, :2], group, found.converged


def strata_of_mediator(units: Units, base: FloatArray, m: FloatArray) -> VarianceStrata:
    """Cross-products of [base, m] for its regression on base (n, k), which holds the constant and the arm."""
    assert units.group is not None
    return grouped_strata(y=m, X=base, part=units.t.astype(np.int64), group=units.group)


def strata_of_outcome(
    units: Units, base: FloatArray, m: FloatArray, y: FloatArray, of_mediator: VarianceStrata, *, interaction: bool
) -> VarianceStrata:
    """Cross-products of [base, m, t m, y]; each stratum of `of_mediator` lies in one arm."""
    assert units.group is not None
    part = units.t.astype(np.int64)
    of_y = grouped_strata(y=y, X=base, part=part, group=units.group).cross
    of_sum = grouped_strata(y=m + y, X=base, part=part, group=units.group).cross
    first, k = of_mediator.cross, base.shape[1]
    treated = of_mediator.loadings[:, 1]
    size = k + 2 + interaction
    out = np.zeros((*first.shape[:2], size, size))
    out[..., :k, :k] = first[..., :k, :k]
    mixed = (of_sum[..., k, k] - first[..., k, k] - of_y[..., k, k]) / 2
    for j, load in [(k, np.ones_like(treated)), (k + 1, treated)][: 1 + interaction]:
        out[..., :k, j] = out[..., j, :k] = first[..., :k, k] * load[:, None]
        out[..., j, -1] = out[..., -1, j] = mixed * load
        for i in range(k, j + 1):
            out[..., i, j] = out[..., j, i] = first[..., k, k] * load
    out[..., :k, -1] = out[..., -1, :k] = of_y[..., :k, k]
    out[..., -1, -1] = of_y[..., k, k]
    return VarianceStrata(out, of_mediator.rows, of_mediator.loadings, of_mediator.random)
