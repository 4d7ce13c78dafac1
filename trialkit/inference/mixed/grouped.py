"""The mixed model of a trial with groups in some arms, or with randomized clusters: one random intercept a person.

grouped_reml.py fits the variances; this file puts data on a basis that loses no digits, and turns the fit into what contrasts need:
with C_j the cross-products of X in the sets of rows of one variance v_j = L_j theta,

    F_p = sum_j L_jp C_j / v_j^2,     Q_pq = sum_j L_jp L_jq C_j / v_j^3.

Where the maximum lies on the lower limit of a group variance, weights n/(sigma2 + n tau2) would let the largest group stand for the
whole arm. The variance is then held at 0, which is conservative because the groups differ less than chance, and
contrasts that rest on it get no more df than there are groups (`MixedFit.limit_df`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.linear.least_squares import LeastSquares, least_squares
from trialkit.inference.mixed.fit import MixedFit, units_beyond_fixed
from trialkit.inference.mixed.grouped_reml import VarianceFits, VarianceStrata, grouped_strata, reml_many, stacked


def grouped_mixed(
    *,
    y: FloatArray,
    X: FloatArray,
    part: IntArray,
    group: IntArray,
    between: IntArray | None = None,
    second: bool = True,
    zero: BoolArray | None = None,
) -> MixedFit:
    """Fit by REML.

    Parameters
    ----------
    y : (n,), or (R, n) for R replicates of one design: the fit then has a leading axis R.
    X : (n, k) of full column rank.
    part : (n,) 0..A-1, rows that share a residual variance. group : (n,) random intercept, or -1. between : (n,) 0..B-1, rows whose
        groups share a variance; by default `part`.
    second : whether to keep what Kenward and Roger's method needs.
    zero : (P,) True for group variances that are held at 0 from the start (for likelihood-ratio tests).
    """
    single = y.ndim == 1
    outcomes = y[None] if single else y
    fit = least_squares(y=outcomes, X=X)
    unit = _unit(outcomes, fit)
    basis = fit.q * np.sqrt(len(X))
    rest = np.nan_to_num(fit.residuals / unit[:, None])
    strata = grouped_strata(y=rest, X=basis, part=part, group=group, between=between)
    out = _fitted(strata, fit, unit, lambda _: _spare(X, part, group, between, strata.random), second, zero)
    return replicate(out, 0) if single else out


def grouped_mixed_designs(
    *,
    y: FloatArray,
    X: FloatArray,
    part: IntArray,
    group: IntArray,
    between: IntArray | None = None,
    second: bool = True,
) -> MixedFit:
    """The same for R replicates that differ in arms, groups or covariates: all arrays have a leading axis R.

    Every replicate has people in every part and groups in the same parts.
    """
    fits, strata, units = [], [], []
    for r in range(len(y)):
        one = least_squares(y=y[r], X=X[r])
        if len(one.kept) < X.shape[-1]:
            raise ValueError(f"replicate {r}: the columns are not independent")
        unit = float(_unit(y[r], one))
        shared = None if between is None else between[r]
        stats = grouped_strata(
            y=np.nan_to_num(one.residuals / unit), X=one.q * np.sqrt(X.shape[-2]), part=part[r], group=group[r], between=shared
        )
        fits.append(one)
        units.append(unit)
        strata.append(stats)

    def spare(r: int) -> FloatArray:
        return _spare(X[r], part[r], group[r], None if between is None else between[r], strata[r].random)

    return _fitted(stacked(strata), _side_by_side(fits), np.array(units), spare, second, None)


def _unit(y: FloatArray, fit: LeastSquares) -> FloatArray:
    """(...) residual SD; NaN where the columns determine the outcome, so that rounding errors are not taken for data."""
    spread = ((y - y.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    return np.asarray(np.where(fit.rss > 1e-20 * spread, np.sqrt(fit.rss / y.shape[-1]), np.nan))


def replicate(fit: MixedFit, r: int) -> MixedFit:
    """One replicate of a batch, without the leading axis."""
    pick = {name: getattr(fit, name)[r] for name in MixedFit.__dataclass_fields__ if name not in ("random", "second", "rotation")}
    return MixedFit(
        **pick, random=fit.random, second=None if fit.second is None else fit.second[r],
        rotation=fit.rotation if fit.rotation.ndim == 2 else fit.rotation[r],
    )  # fmt: skip


def _fitted(
    strata: VarianceStrata,
    fit: LeastSquares,
    unit: FloatArray,
    spare: Callable[[int], FloatArray],
    second: bool,
    zero: BoolArray | None,
) -> MixedFit:
    replicates, width, k = strata.cross.shape[0], strata.loadings.shape[1], strata.cross.shape[-1] - 1
    n = fit.residuals.shape[-1]
    asked = np.zeros((replicates, width), dtype=bool) if zero is None else np.broadcast_to(zero, (replicates, width))
    found, held = _within_limits(strata, asked)
    limit_df = np.full((replicates, width), np.inf)
    for r in np.flatnonzero(held.any(axis=1)):
        limit_df[r] = spare(int(r))
    rotation = fit.rotation * np.sqrt(n)
    w = 1.0 / (found.theta @ strata.loadings.T)
    C, L = strata.cross[..., :k, :k], strata.loadings
    first = np.einsum("rjp,rjab->rpab", (w**2)[..., None] * L, C)
    Q = np.einsum("rjpq,rjab->rpqab", (w**3)[..., None, None] * (L[:, :, None] * L[:, None, :]), C) if second else None
    coef = fit.coef + unit[:, None] * np.einsum("...ij,...j->...i", rotation, found.beta)
    # from the residuals in units of `unit` on the basis back to y on X
    deviance = found.minus2 + 2 * (n - k) * np.log(unit) - 2 * np.linalg.slogdet(rotation)[1]
    return MixedFit(
        coef, found.theta * unit[:, None] ** 2, strata.random, deviance, found.covariance, rotation, unit, first, Q,
        found.hessian / 2, found.expected / 2, held, limit_df, found.converged & np.isfinite(unit), found.iterations,
    )  # fmt: skip


def _within_limits(strata: VarianceStrata, zero: BoolArray) -> tuple[VarianceFits, BoolArray]:
    """Fits with variances held at 0 where they were asked to be, ended on their limit; and which were held."""
    held = zero.copy()
    found = reml_many(strata, zero=held)
    for _ in range(int(strata.random.sum())):
        again = found.at_edge & ~held
        rows = np.flatnonzero(again.any(axis=1))
        if not len(rows):
            break
        held[rows] |= again[rows]
        found = found.with_rows(rows, reml_many(strata.of(rows), zero=held[rows]))
    return found, held


def _spare(X: FloatArray, part: IntArray, group: IntArray, between: IntArray | None, random: BoolArray) -> FloatArray:
    """(P,) groups of each set beyond the fixed effects between them; infinite for residual variances."""
    shared = part if between is None else between
    out = np.full(len(random), np.inf)
    for p, a in zip(np.flatnonzero(random), np.unique(shared[group >= 0])):
        out[p] = units_beyond_fixed(X, np.where(shared == a, group, -1))
    return out


def _side_by_side(fits: Sequence[LeastSquares]) -> LeastSquares:
    """Fits of the same shape as one with a leading axis."""
    one = fits[0]
    stack = {name: np.stack([getattr(f, name) for f in fits]) for name in ("coef", "residuals", "X", "q", "bread", "rotation")}
    return LeastSquares(kept=one.kept, weights=None, df_resid=one.df_resid, **stack)
