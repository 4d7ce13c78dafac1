"""Lee's bounds with weights, in cells of covariates, and for many sets of weights at once.

With weights w (sampling, 1/share of the arm in the stratum, bootstrap) shares, counts and means are weighted ones, and the value at the threshold is kept in the
part that makes the kept weight exactly W1 (1 - q). The first-order values of lee_bounds.py get the weight of their person.

Cells of baseline covariates tighten the bounds (Lee 2009): trimmed within each, and averaged over those selected under both arms. Their share in a cell is that
of the people selected in the arm with the lower share; where the sign of the difference changes between cells (Semenova, generalized Lee bounds), a cell of share
pi_c counts pi_c min(p1c, p0c). The shares of the cells are estimated, and their first-order values are counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.bounds.lee_bounds import LeeBounds


def lee_in_cells(
    *, y: FloatArray, selected: BoolArray, treated: BoolArray, weights: FloatArray, cell: IntArray
) -> tuple[LeeBounds, bool]:
    """Bounds over cells, and whether the sign of the difference in selection changes between them.

    `cell` (n,) codes; each needs two people selected in either arm, else ValueError. `trim` is the share cut of the trimmed arm's selected people, over the
    cells; `trimmed_treated` that of everyone together.
    """
    codes = np.unique(cell)
    parts = [_weighted(y, selected, treated, weights, cell == c) for c in codes]
    total = _shares(selected, treated, weights, np.ones(len(y), dtype=bool))
    turned = total[1] >= total[0]
    mixed = any(p.trimmed_treated != turned and p.trim > 0 for p in parts)
    size, moves = _cell_shares(selected, treated, weights, cell, codes, turned, mixed)
    ends = []
    for bound, values in (("lower", "values_lower"), ("upper", "values_upper")):
        each = np.array([getattr(p, bound) for p in parts])
        mean = float(size @ each)
        own = sum(s * getattr(p, values) for s, p in zip(size, parts))
        ends.append((mean, own + moves @ (each - mean)))
    lower, upper = ends
    kept = float(size @ np.array([p.trim for p in parts]))
    errors = [float(np.sqrt((v**2).sum())) for _, v in ends]
    return LeeBounds(lower[0], upper[0], errors[0], errors[1], kept, turned, lower[1], upper[1]), mixed


def _shares(selected: BoolArray, treated: BoolArray, weights: FloatArray, inside: BoolArray) -> tuple[float, float]:
    control, arm = (
        float(weights[inside & a & selected].sum() / weights[inside & a].sum()) if (inside & a).any() else np.nan
        for a in (~treated, treated)
    )
    return control, arm


def _weighted(y: FloatArray, selected: BoolArray, treated: BoolArray, weights: FloatArray, inside: BoolArray) -> LeeBounds:
    """Bounds of the people inside, with values for everyone (zero outside)."""
    if min(int((selected & inside & a).sum()) for a in (~treated, treated)) < 2:
        raise ValueError("an arm has fewer than two people selected")
    p0, p1 = _shares(selected, treated, weights, inside)
    turned = p1 >= p0
    more, less = (treated, ~treated) if turned else (~treated, treated)
    more, less = more & inside, less & inside
    high, low = max(p0, p1), min(p0, p1)
    q = (high - low) / high
    s = selected.astype(float)
    n1, n0 = float(weights[more & selected].sum()), float(weights[less & selected].sum())
    others = float(weights[less & selected] @ y[less & selected]) / n0
    sign = 1.0 if turned else -1.0
    ends = []
    for top in (False, True):
        side = 1.0 if top else -1.0
        mean, threshold = _trimmed(y[more & selected] * side, weights[more & selected], n1 * (1 - q))
        mean, threshold = mean * side, threshold * side
        excess = np.where(selected, np.maximum((y - threshold) * side, 0.0), 0.0)
        centre = float(weights[more & selected] @ excess[more & selected]) / n1
        moved = mean - threshold
        values = np.zeros(len(y))
        values[more] = (weights * (s * (excess - centre) * side / (1 - q) + moved * (s - high)) / n1)[more]
        values[less] = (-weights * (np.where(selected, y - others, 0.0) + moved * (s - low)) / n0)[less]
        ends.append((sign * (mean - others), sign * values))
    (lower, v_low), (upper, v_high) = ends if turned else ends[::-1]
    errors = [float(np.sqrt((v**2).sum())) for v in (v_low, v_high)]
    return LeeBounds(lower, upper, errors[0], errors[1], q, turned, v_low, v_high)


def _trimmed(y: FloatArray, weights: FloatArray, keep: float) -> tuple[float, float]:
    """Mean of the highest values of weight `keep`, and the last value kept."""
    order = np.argsort(-y, kind="stable")
    total = np.cumsum(weights[order])
    last = min(int((total < keep * (1 - 1e-12)).sum()), len(y) - 1)
    before = float(total[last - 1]) if last else 0.0
    mean = (float(weights[order][:last] @ y[order][:last]) + (keep - before) * float(y[order][last])) / keep
    return mean, float(y[order][last])


def _cell_shares(
    selected: BoolArray, treated: BoolArray, weights: FloatArray, cell: IntArray, codes: IntArray, turned: bool, mixed: bool
) -> tuple[FloatArray, FloatArray]:
    """(C,) share of each cell among those selected under both arms, and (n, C) first-order values of the shares."""
    inside = cell[:, None] == codes
    if not mixed:
        untrimmed = selected & (~treated if turned else treated)
        counted = np.where(untrimmed, weights, 0.0)
        size = counted @ inside / counted.sum()
        return size, counted[:, None] * (inside - size) / counted.sum()
    total = weights.sum()
    pi = weights @ inside / total
    each = [_shares(selected, treated, weights, inside[:, j]) for j in range(len(codes))]
    least = np.array([min(e) for e in each])
    arm = np.array([e[1] < e[0] for e in each])
    amount = pi * least
    moves = weights[:, None] * (inside - pi) * least / total
    for j in range(len(codes)):
        who = inside[:, j] & (treated if arm[j] else ~treated)
        moves[who, j] += (pi[j] * weights * (selected - least[j]) / weights[who].sum())[who]
    size = amount / amount.sum()
    return size, (moves - moves.sum(axis=1)[:, None] * size) / amount.sum()


@dataclass(frozen=True, slots=True)
class Sorted:
    """One outcome's people of an arm (and cell) in order of the outcome: `rows` of those selected, `everyone` of all."""

    y: FloatArray
    rows: IntArray
    everyone: IntArray


def sorted_people(*, y: FloatArray, selected: BoolArray, treated: BoolArray, cell: IntArray) -> list[tuple[Sorted, Sorted]]:
    """(control, treated) of each cell, sorted once for all draws."""
    out = []
    for c in np.unique(cell):
        pair = []
        for a in (~treated, treated):
            rows = np.flatnonzero(selected & a & (cell == c))
            rows = rows[np.argsort(y[rows], kind="stable")]
            pair.append(Sorted(y[rows], rows, np.flatnonzero(a & (cell == c))))
        out.append((pair[0], pair[1]))
    return out


def lee_batch(*, people: list[tuple[Sorted, Sorted]], weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(B,) lower and upper bounds for weights (B, n); NaN in a draw that leaves an arm of a cell without weight."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = [_batch(control, treated, weights) for control, treated in people]
        if len(found) == 1:
            return found[0][0], found[0][1]
        lower, upper, selected, total = (np.stack(v) for v in zip(*found))
        shares = selected / total
        overall = selected.sum(axis=0) / total.sum(axis=0)
        turned = overall[1] >= overall[0]
        change = ((shares[:, 1] >= shares[:, 0]) != turned) & (shares[:, 1] != shares[:, 0])
        fixed = np.where(turned, selected[:, 0], selected[:, 1])
        size = np.where(change.any(axis=0), total.sum(axis=1) * shares.min(axis=1), fixed)
        size = size / size.sum(axis=0)
        return (size * lower).sum(axis=0), (size * upper).sum(axis=0)


def _batch(control: Sorted, treated: Sorted, weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    own = [weights[:, a.rows] for a in (control, treated)]
    selected = np.stack([w.sum(axis=1) for w in own])
    total = np.stack([weights[:, a.everyone].sum(axis=1) for a in (control, treated)])
    shares = selected / total
    keep = selected * np.minimum(1.0, shares[::-1] / shares)
    (c_low, c_high), (t_low, t_high) = (_ends(a.y, w, k) for a, w, k in zip((control, treated), own, keep))
    return t_low - c_high, t_high - c_low, selected, total


def _ends(y: FloatArray, weights: FloatArray, keep: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Means of the lowest and of the highest values of weight `keep` (B,), y (n,) sorted."""
    total = np.cumsum(weights, axis=1)
    sums = np.cumsum(weights * y, axis=1)
    whole, everything = total[:, -1], sums[:, -1]
    low = _lowest(y, total, sums, keep)
    rest = whole - keep
    cut = np.where(rest > 1e-12 * whole, _lowest(y, total, sums, rest), 0.0)
    return low / keep, (everything - cut) / keep


def _lowest(y: FloatArray, total: FloatArray, sums: FloatArray, keep: FloatArray) -> FloatArray:
    """(B,) sum of the lowest values of weight `keep`."""
    last = np.minimum((total < (keep * (1 - 1e-12))[:, None]).sum(axis=1), len(y) - 1)
    before = np.maximum(last - 1, 0)[:, None]
    full = np.where(last > 0, np.take_along_axis(total, before, axis=1)[:, 0], 0.0)
    summed = np.where(last > 0, np.take_along_axis(sums, before, axis=1)[:, 0], 0.0)
    return np.asarray(summed + (keep - full) * y[last])
