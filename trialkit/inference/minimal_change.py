"""The smallest change that people call an improvement, from changes and an anchor, for a batch of weights at once.

Everything is worked out from the weight of improved and of other people at each distinct change: B draws of n people become two (B, T) tables.

- ROC: the cut at which sensitivity + specificity - 1 is largest (Youden 1950), halfway between two observed changes; of several the one at which
  sensitivity and specificity are nearest. Source: de Vet et al. (2007), Quality of Life Research 16.
- Predictive: logistic regression of improved on change, the change at which the odds are those of the whole sample (likelihood ratio 1):
  (logit q - C) / B, q the share improved. Source: Terluin, Eekhout, Terwee & de Vet (2015), Journal of Clinical Epidemiology 68.
- Adjusted: predictive - (.090 + .103 r) SD(change) logit q, r the correlation of change with improved, because the predictive value follows the share
  improved. Source: Terluin, Eekhout & Terwee (2017), Journal of Clinical Epidemiology 83; constants by their simulations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from trialkit.inference.arrays import BoolArray, FloatArray

ITERATIONS, SAME, GRADIENT = 60, 1e-10, 1e-9


@dataclass(frozen=True, slots=True)
class AnchorNumbers:
    """(...) numbers of each set of weights; NaN where improved and others are not both there, or do not overlap (predictive)."""

    share_improved: FloatArray
    auc: FloatArray
    youden: FloatArray
    sensitivity: FloatArray
    specificity: FloatArray
    correlation: FloatArray
    predictive: FloatArray
    adjusted: FloatArray


def anchor_numbers(*, change: FloatArray, improved: BoolArray, weights: FloatArray) -> AnchorNumbers:
    """Cut-offs of change (n,), positive when better, against improved (n,), for weights (..., n) that are zero or positive."""
    values, place = np.unique(change, return_inverse=True)
    place = place.reshape(-1)
    lead = weights.shape[:-1]
    flat = weights.reshape(-1, weights.shape[-1])
    yes, no = _binned(flat, improved, place, len(values)), _binned(flat, ~improved, place, len(values))
    both = (yes.sum(axis=1) > 0) & (no.sum(axis=1) > 0)
    yes, no = np.where(both[:, None], yes, 1.0), np.where(both[:, None], no, 1.0)
    total = yes + no
    q = yes.sum(axis=1) / total.sum(axis=1)
    people = len(change)
    mean = total @ values / total.sum(axis=1)
    centred = values - mean[:, None]
    variance = (total * centred**2).sum(axis=1) / total.sum(axis=1)
    covariance = (yes * centred).sum(axis=1) / total.sum(axis=1)
    sd = np.sqrt(variance * people / max(people - 1, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = covariance / np.sqrt(variance * q * (1 - q))
        predictive = _predictive(values, yes, no, q, mean, sd)
        adjusted = predictive - (0.090 + 0.103 * correlation) * sd * special.logit(q)
    cut, sensitivity, specificity = _youden(values, yes, no)
    below = np.cumsum(no, axis=1) - no
    auc = (yes * (below + no / 2)).sum(axis=1) / (yes.sum(axis=1) * no.sum(axis=1))
    out = (q, auc, cut, sensitivity, specificity, correlation, predictive, adjusted)
    return AnchorNumbers(*(np.where(both, v, np.nan).reshape(lead) for v in out))


def _binned(weights: FloatArray, inside: BoolArray, place: np.ndarray, size: int) -> FloatArray:
    table = np.zeros((int(inside.sum()), size))
    table[np.arange(len(table)), place[inside]] = 1.0
    return np.asarray(weights[:, inside] @ table)


def _youden(values: FloatArray, yes: FloatArray, no: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Cut, sensitivity and specificity; a change at or above the cut counts as improved."""
    if len(values) < 2:
        nothing = np.full(len(yes), np.nan)
        return nothing, nothing, nothing
    specificity = (np.cumsum(no, axis=1) / no.sum(axis=1, keepdims=True))[:, :-1]
    sensitivity = 1 - (np.cumsum(yes, axis=1) / yes.sum(axis=1, keepdims=True))[:, :-1]
    score = sensitivity + specificity
    best = score >= score.max(axis=1, keepdims=True) - SAME
    apart = np.where(best, np.abs(sensitivity - specificity), np.inf)
    chosen = apart.argmin(axis=1)[:, None]
    sens, spec = np.take_along_axis(sensitivity, chosen, axis=1), np.take_along_axis(specificity, chosen, axis=1)
    level = (np.abs(sensitivity - sens) < SAME) & (np.abs(specificity - spec) < SAME)
    first, last = level.argmax(axis=1), level.shape[1] - 1 - level[:, ::-1].argmax(axis=1)
    return (values[first] + values[last + 1]) / 2, sens[:, 0], spec[:, 0]


def _predictive(
    values: FloatArray, yes: FloatArray, no: FloatArray, q: FloatArray, mean: FloatArray, sd: FloatArray
) -> FloatArray:
    """(logit q - C)/B by Newton's method on standardized changes; NaN where the likelihood has no maximum."""
    x = (values - mean[:, None]) / np.where(sd > 0, sd, np.nan)[:, None]
    total = yes + no
    size = total.sum(axis=1)
    a, b = special.logit(q), np.zeros(len(q))
    slope = a
    for _ in range(ITERATIONS):
        p = special.expit(a[:, None] + b[:, None] * x)
        residual = yes - total * p
        load = total * p * (1 - p)
        g0, g1 = residual.sum(axis=1), (residual * x).sum(axis=1)
        h00, h01, h11 = load.sum(axis=1), (load * x).sum(axis=1), (load * x**2).sum(axis=1)
        slope = np.hypot(g0, g1) / size
        determinant = h00 * h11 - h01**2
        step_a, step_b = (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant
        shrink = np.minimum(1.0, 2.0 / np.maximum(np.abs(step_a) + np.abs(step_b), 1e-300))
        moving = slope > GRADIENT
        a, b = a + np.where(moving, shrink * step_a, 0.0), b + np.where(moving, shrink * step_b, 0.0)
        if not moving.any():
            break
    good = (slope <= GRADIENT) & ~_apart(yes, no) & (np.abs(b) > SAME)
    return np.where(good, mean + sd * (special.logit(q) - a) / np.where(good, b, np.nan), np.nan)


def _apart(yes: FloatArray, no: FloatArray) -> BoolArray:
    """Whether some change divides improved from others without an overlap of more than one value."""
    size = yes.shape[1]
    first = [(t > 0).argmax(axis=1) for t in (yes, no)]
    last = [size - 1 - (t > 0)[:, ::-1].argmax(axis=1) for t in (yes, no)]
    return np.asarray((last[1] <= first[0]) | (last[0] <= first[1]))
