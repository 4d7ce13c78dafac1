"""Multiple imputation by chained equations, arms apart (van Buuren & Groothuis-Oudshoorn 2011; Sullivan et al. 2018 for trials).

Missing values start as random values of people of the same arm. Each iteration visits the incomplete columns, the fewest missing first, and
draws their missing values given all other columns and the complete predictors, in each arm by itself. The arms apart, every relation may
differ between them, so effects and their modification are kept; groups in one arm get a random intercept there and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.imputation.conditional import Method, draw_logistic, draw_matched, draw_normal, draw_probit


@dataclass(frozen=True, slots=True)
class ChainedDraw:
    """One completed data set.

    Attributes
    ----------
    values : (n, p) completed. mean_trace, sd_trace : (iterations, p) of the values filled in; NaN for complete columns.
    """

    values: FloatArray
    mean_trace: FloatArray
    sd_trace: FloatArray


@dataclass(frozen=True, slots=True)
class _Arm:
    rows: IntArray
    group: IntArray
    n_groups: int
    fixed: FloatArray
    centre: FloatArray
    scale: FloatArray


def chained(
    *,
    values: FloatArray,
    fixed: FloatArray,
    arm: IntArray,
    group: IntArray,
    methods: Sequence[Method],
    uses: BoolArray,
    iterations: int,
    rng: np.random.Generator,
) -> ChainedDraw:
    """Run one chain and keep its last state.

    Parameters
    ----------
    values : (n, p) columns, NaN where missing. fixed : (n, q) complete predictors. arm : (n,) codes. group : (n,) codes or -1.
    methods : p of 'normal', 'pmm', 'logistic'. uses : (p, p + q) which columns predict which; the diagonal is ignored.
    """
    holes = np.isnan(values)
    filled = values.copy()
    p = values.shape[1]
    arms = [_arm(np.flatnonzero(arm == a), values, fixed, group) for a in np.unique(arm)]
    incomplete = [int(j) for j in np.argsort(holes.sum(axis=0), kind="stable") if holes[:, j].any()]
    for part in arms:
        for j in incomplete:
            gaps = holes[part.rows, j]
            known = values[part.rows[~gaps], j]
            filled[part.rows[gaps], j] = rng.choice(known, size=int(gaps.sum()))
    mean_trace, sd_trace = np.full((iterations, p), np.nan), np.full((iterations, p), np.nan)
    latent: dict[tuple[int, int], FloatArray] = {}
    for step in range(iterations):
        for j in incomplete:
            for a, part in enumerate(arms):
                gaps = holes[part.rows, j]
                if gaps.any():
                    drawn, kept = _visit(filled, part, j, gaps, methods[j], uses[j], latent.get((a, j)), rng)
                    filled[part.rows[gaps], j] = drawn
                    if kept is not None:
                        latent[a, j] = kept
            imputed = filled[holes[:, j], j]
            mean_trace[step, j], sd_trace[step, j] = imputed.mean(), imputed.std()
    return ChainedDraw(filled, mean_trace, sd_trace)


def _arm(rows: IntArray, values: FloatArray, fixed: FloatArray, group: IntArray) -> _Arm:
    """Rows of one arm sorted by group, codes of the groups from 0, and centres and scales that bring predictors to about unit variance."""
    rows = rows[np.argsort(group[rows], kind="stable")]
    codes = np.full(len(rows), -1, dtype=np.int64)
    member = group[rows] >= 0
    found, inner = np.unique(group[rows][member], return_inverse=True)
    codes[member] = inner
    both = np.column_stack([values[rows], fixed[rows]])
    centre, scale = np.nanmean(both, axis=0), np.nanstd(both, axis=0)
    varies = scale > 1e-10 * np.maximum(1.0, np.abs(centre))
    # a column that is constant in the arm carries nothing there: infinite scale makes it zero
    scale = np.where(varies, scale, np.inf)
    p = values.shape[1]
    return _Arm(rows, codes, len(found), (fixed[rows] - centre[p:]) / scale[p:], centre[:p], scale[:p])


def _visit(
    filled: FloatArray,
    part: _Arm,
    j: int,
    gaps: BoolArray,
    method: Method,
    uses: BoolArray,
    latent: FloatArray | None,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray | None]:
    p = filled.shape[1]
    used = uses[:p] & np.isfinite(part.scale)
    used[j] = False
    inside = filled[part.rows]
    X = np.column_stack(
        [
            np.ones(len(part.rows)),
            (inside[:, used] - part.centre[used]) / part.scale[used],
            part.fixed[:, uses[p:] & part.fixed.any(axis=0)],
        ]
    )
    y, observed = inside[:, j], ~gaps
    if not np.isfinite(part.scale[j]) and method != "logistic":  # everyone observed in the arm has the same value
        return np.full(int(gaps.sum()), y[observed][0]), None
    if method == "logistic" and part.n_groups:
        return draw_probit(y=y, X=X, observed=observed, group=part.group, n_groups=part.n_groups, latent=latent, rng=rng)
    if method == "logistic":
        return draw_logistic(y=y, X=X, observed=observed, rng=rng), None
    draw = draw_normal if method == "normal" else draw_matched
    return draw(y=y, X=X, observed=observed, group=part.group, n_groups=part.n_groups, rng=rng), None
