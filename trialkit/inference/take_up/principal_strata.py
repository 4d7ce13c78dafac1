"""Bounds of the effect of assignment among compliers, never-takers and always-takers, without an exclusion restriction.

With assignment Z, take-up D, p_z = P(D = 1 | Z = z) and monotonicity (nobody is kept away by being assigned): never-takers are seen where Z = 1, D = 0 and
always-takers where Z = 0, D = 1; where Z = 1, D = 1 a share q = (p1 - p0)/p1 are compliers and the rest always-takers; where Z = 0, D = 0 a share (p1 - p0)/(1 - p0)
are compliers and the rest never-takers. The mean of a kind in a mixed cell lies between the means of its share of lowest and of highest outcomes,

    L(q) = y_q - E(y_q - Y)^+ / q,   H(q) = y_q + E(Y - y_q)^+ / q,

y_q the threshold; their derivative in y_q is zero and that in q is (y_q - mean)/q, so that each is to first order a sum over people. Sources: Zhang & Rubin (2003),
Journal of Educational and Behavioral Statistics 28; Lee (2009) for the trimmed means.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray

KINDS = ("complier", "never_taker", "always_taker")


@dataclass(frozen=True, slots=True)
class KindBounds:
    """Share of a kind and bounds of the effect of assignment on it, with (n,) values that sum to the errors of each.

    Bounds are NaN where a cell that they need holds fewer than two people.
    """

    kind: str
    share: float
    lower: float
    upper: float
    share_values: FloatArray
    lower_values: FloatArray
    upper_values: FloatArray


@dataclass(frozen=True, slots=True)
class _Mean:
    """A mean with the values that sum to its error."""

    mean: float
    values: FloatArray


def principal_bounds(*, y: FloatArray, assigned: BoolArray, took: BoolArray) -> tuple[KindBounds, ...]:
    """Bounds for the three kinds from y, assigned and took, each (n,). Raises ValueError when take-up is not higher where assigned."""
    p1, p0 = float(took[assigned].mean()), float(took[~assigned].mean())
    if p1 <= p0:
        raise ValueError("take-up is not higher among the assigned")
    d1 = np.where(assigned, (took - p1) / assigned.sum(), 0.0)
    d0 = np.where(~assigned, (took - p0) / (~assigned).sum(), 0.0)
    offered, refused = assigned & took, assigned & ~took
    eager, idle = ~assigned & took, ~assigned & ~took
    q_offered, dq_offered = (p1 - p0) / p1, -d0 / p1 + p0 * d1 / p1**2
    q_idle, dq_idle = (p1 - p0) / (1 - p0), d1 / (1 - p0) - d0 * (1 - p1) / (1 - p0) ** 2
    complier = [
        _difference(_part(y, offered, q_offered, dq_offered, top), _part(y, idle, q_idle, dq_idle, not top))
        for top in (False, True)
    ]
    never = [_difference(_whole(y, refused), _part(y, idle, 1 - q_idle, -dq_idle, not top)) for top in (False, True)]
    always = [_difference(_part(y, offered, 1 - q_offered, -dq_offered, top), _whole(y, eager)) for top in (False, True)]
    shares = ((p1 - p0, d1 - d0), (1 - p1, -d1), (p0, d0))
    return tuple(
        KindBounds(kind, share, low.mean, high.mean, values, low.values, high.values)
        for kind, (share, values), (low, high) in zip(KINDS, shares, (complier, never, always))
    )


def _difference(one: _Mean, zero: _Mean) -> _Mean:
    return _Mean(one.mean - zero.mean, one.values - zero.values)


def _whole(y: FloatArray, cell: BoolArray) -> _Mean:
    n = int(cell.sum())
    if n < 2:
        return _Mean(math.nan, np.zeros(len(y)))
    mean = float(y[cell].mean())
    return _Mean(mean, np.where(cell, (y - mean) / n, 0.0))


def _part(y: FloatArray, cell: BoolArray, q: float, dq: FloatArray, top: bool) -> _Mean:
    """Mean of the share q of highest (lowest) outcomes of a cell, the last of them in part; `dq` (n,) sums to the error of q."""
    n = int(cell.sum())
    if n < 2 or q <= 1e-12:
        return _Mean(math.nan, np.zeros(len(y)))
    if q >= 1 - 1e-12:
        # a cell of one kind; should its share vary, the mean would move by the threshold at the other end
        whole = _whole(y, cell)
        edge = float(y[cell].min() if top else y[cell].max())
        return _Mean(whole.mean, whole.values + (edge - whole.mean) * dq)
    sign = 1.0 if top else -1.0
    order = np.sort(sign * y[cell])[::-1]
    threshold = sign * float(order[min(math.ceil(q * n - 1e-9), n) - 1])
    excess = np.where(cell, np.maximum(sign * (y - threshold), 0.0), 0.0)
    level = float(excess.sum()) / n
    mean = threshold + sign * level / q
    values = np.where(cell, sign * (excess - level) / (q * n), 0.0) + (threshold - mean) / q * dq
    return _Mean(mean, values)
