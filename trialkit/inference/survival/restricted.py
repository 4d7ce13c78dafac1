"""Averages over a window [0, tau] of one sample: share with the event, time lost to it, restricted mean time; with values of people.

With Y at risk, d events and d1 of the kind of interest at each time t, S the Kaplan-Meier estimate of having left by no exit at all,

    F(tau) = sum over t <= tau of S(t-) d1/Y                    share with the event by tau (Aalen & Johansen 1978),
    L(tau) = integral of F = sum of S(t-) (tau - t) d1/Y        time lost to it before tau,
    R(tau) = integral of S from 0 to tau                        restricted mean time (no other exits): tau - L(tau).

Person i has the value w_i sum_t [ a_t (dN1_i - Y_i d1/Y)/Y - b_t (dN_i - Y_i d/Y)/(Y - d) ], a_t = S(t-) g(t), b_t the part of the sum after t,
g = 1 or tau - t: the derivative of the estimate by the person's weight. The values sum to zero; the sum of their squares is the variance.
Without other exits it equals Greenwood's formula sum [integral of S from t to tau]^2 d/(Y(Y-d)) exactly (not the variance of min(T, tau),
which some programs print); with them it is the infinitesimal jackknife.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trialkit.inference.arrays import FloatArray
from trialkit.inference.survival.risk import risk_sets

Quantity = Literal["restricted_mean", "time_lost", "share"]


@dataclass(frozen=True, slots=True)
class Restricted:
    """An average over [0, tau]; leading axes are replicates.

    Attributes
    ----------
    value : (...). influence : (..., n) values of people, in the order given, that sum to zero and whose squares sum to `variance` (...).
    at_risk : (...) people (or their weight) still under observation at tau, those whose time is tau included.
    """

    value: FloatArray
    influence: FloatArray
    at_risk: FloatArray

    @property
    def variance(self) -> FloatArray:
        return np.asarray((self.influence**2).sum(axis=-1))


def restricted(
    *,
    time: FloatArray,
    event: NDArray[np.generic],
    tau: float | FloatArray,
    quantity: Quantity = "restricted_mean",
    other: NDArray[np.generic] | None = None,
    entry: FloatArray | None = None,
    weights: FloatArray | None = None,
) -> Restricted:
    """Estimate one of the averages in one sample.

    Parameters
    ----------
    time : (..., n) until exit or censoring; leading axes are replicates. event : (..., n) true for the event of interest.
    tau : end of the window, a number or one a replicate (...).
    quantity : 'restricted_mean' (of the time without the event, which takes no `other`), 'time_lost' or 'share'.
    other : (..., n) true where another exit ended the observation. entry : (..., n) start of observation.
    weights : (n,) or (..., n) positive weights.

    Examples
    --------
    >>> import numpy as np
    >>> found = restricted(time=np.array([2.0, 4, 6, 8]), event=np.array([1, 1, 0, 1]), tau=8)
    >>> float(found.value)
    5.5
    """
    wanted = np.asarray(event).astype(bool)
    leaves = wanted if other is None else wanted | np.asarray(other).astype(bool)
    if quantity == "restricted_mean" and other is not None:
        raise ValueError("a restricted mean takes no other exits: use 'time_lost'")
    risk = risk_sets(time=time, event=leaves, entry=entry)
    w = np.ones(np.shape(time)[-1]) if weights is None else weights
    people = risk.at_risk(np.broadcast_to(w, np.shape(time)))
    weight = risk.at(np.broadcast_to(w, np.shape(time)))
    exits = risk.tie_sum(weight)
    mine = np.where(risk.at(wanted), weight, 0.0)
    events = risk.tie_sum(mine)
    head = risk.head
    people = np.where(risk.event & (people > 0), people, 1.0)
    left = np.maximum(people - exits, 0.0)
    left = np.where(left > 1e-12 * people, left, 0.0)
    survival = np.cumprod(np.where(head, left / people, 1.0), axis=-1)
    before = np.concatenate([np.ones((*survival.shape[:-1], 1)), survival[..., :-1]], axis=-1)
    before = np.take_along_axis(before, risk.first, axis=-1)
    end = np.asarray(tau, dtype=float)[..., None]
    inside = risk.event & (risk.time <= end)
    gain = np.where(inside, before * (1.0 if quantity == "share" else end - risk.time), 0.0)
    parts = np.where(head, gain * events / people, 0.0)
    total = parts.sum(axis=-1)
    later = np.where(inside, total[..., None] - np.cumsum(parts, axis=-1), 0.0)
    later = np.where(left > 0, np.take_along_axis(later, risk.first, axis=-1), 0.0)
    safe = np.where(left > 0, left, 1.0)
    own = risk.of_time(np.where(risk.at(wanted), gain / people, 0.0) - later / safe)
    hazard = np.where(head, gain * events / people**2 - later * exits / (people * safe), 0.0)
    values = w * (np.where(leaves, own, 0.0) - risk.accumulate(hazard))
    seen = w * (np.asarray(time) >= end) * (1.0 if entry is None else (np.asarray(entry) < end))
    if quantity == "restricted_mean":
        return Restricted(end[..., 0] - total, -values, seen.sum(axis=-1))
    return Restricted(total, values, seen.sum(axis=-1))
