"""Horvitz-Thompson and Hajek differences from inclusion probabilities, with normal inference.

V = N^-2 [ sum y1~^2 + sum y0~^2 + sum_{i != j} A_ij y~_i y~_j ], y~ = y / p, A_ij = (p_ij - p_i p_j) / p_ij, terms of opposite
arms negative. The squares take the whole of y~^2 rather than (1 - p) y~^2: the covariance of a person's two potential outcomes
is not identified and is bounded (Neyman). A pair that can never be seen together adds y_i^2 / p_i for each of its members
(Young's inequality). Sources: Aronow & Middleton (2013), Journal of Causal Inference 1(1); Aronow & Samii (2017).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray

NEVER = 1e-12


@dataclass(frozen=True, slots=True)
class Weighted:
    """Estimate and standard error; `mean` by arm (reference first)."""

    estimate: float
    std_error: float
    means: tuple[float, float]


def weighted_difference(
    *,
    y: FloatArray,
    treated: BoolArray,
    reference: BoolArray,
    p_treated: FloatArray,
    p_reference: FloatArray,
    joint: Callable[[int, int], FloatArray],
    people: float,
    hajek: bool,
    size: FloatArray | None = None,
) -> Weighted:
    """The difference over units in `treated` and `reference`.

    Parameters
    ----------
    y : (n,) outcome of each unit; the total of a cluster when units are clusters. size : (n,) people of each unit.
    joint : joint(a, b) is the (n, n) matrix of probabilities that i is in arm a and j in arm b; a, b are 1 treated, 0 reference.
    people : N, the number of people the mean is over. hajek : divide by the estimated instead of the known number of people.
    """
    count = np.ones_like(y) if size is None else size
    means, values = [], []
    for who, p in ((reference, p_reference), (treated, p_treated)):
        if hajek:
            mean = float((y[who] / p[who]).sum() / (count[who] / p[who]).sum())
            values.append((y[who] - mean * count[who]) / p[who])
        else:
            mean = float((y[who] / p[who]).sum() / people)
            values.append(y[who] / p[who])
        means.append(mean)
    members = (np.flatnonzero(reference), np.flatnonzero(treated))
    probabilities = (p_reference, p_treated)
    total = 0.0
    for arm in (0, 1):
        own, v, p = members[arm], values[arm], probabilities[arm][members[arm]]
        total += float(v @ v) + _same_arm(v, p, joint(arm, arm)[np.ix_(own, own)])
    total -= 2 * _cross(
        values[1],
        probabilities[1][members[1]],
        values[0],
        probabilities[0][members[0]],
        joint(1, 0)[np.ix_(members[1], members[0])],
    )
    return Weighted(means[1] - means[0], float(np.sqrt(max(total, 0.0))) / people, (means[0], means[1]))


def _same_arm(v: FloatArray, p: FloatArray, joint: FloatArray) -> float:
    never = joint <= NEVER
    np.fill_diagonal(never, False)
    A = np.where(never, 0.0, 1 - np.outer(p, p) / np.where(joint > NEVER, joint, 1.0))
    np.fill_diagonal(A, 0.0)
    # v = y / p, so y^2 / p is v^2 p
    return float(v @ A @ v + (never.sum(axis=1) * v**2 * p).sum())


def _cross(v: FloatArray, p: FloatArray, w: FloatArray, q: FloatArray, joint: FloatArray) -> float:
    never = joint <= NEVER
    A = np.where(never, 0.0, 1 - np.outer(p, q) / np.where(joint > NEVER, joint, 1.0))
    bound = (never.sum(axis=1) * v**2 * p).sum() / 2 + (never.sum(axis=0) * w**2 * q).sum() / 2
    return float(v @ A @ w - bound)
