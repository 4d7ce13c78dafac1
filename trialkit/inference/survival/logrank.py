"""Log-rank test, stratified or not, for one data set or a batch of replicates.

At each event time of a stratum, with d events among Y at risk, Y_a of them in arm a,

    O_a - E_a = sum (d_a - d Y_a/Y),     V_ab = sum d (Y - d)/(Y - 1) (Y_a/Y) ([a = b] - Y_b/Y),

and the statistic (O - E)' V^- (O - E) is chi-square with arms - 1 degrees of freedom when the curves are the same and people independent (Mantel 1966).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.survival.risk import risk_sets


@dataclass(frozen=True, slots=True)
class LogrankScore:
    """Observed less expected events, and what they vary; leading axes are replicates.

    Attributes
    ----------
    observed, expected : (..., A). covariance : (..., A, A) hypergeometric, of their difference; with weights without (Y - d)/(Y - 1).
    """

    observed: FloatArray
    expected: FloatArray
    covariance: FloatArray

    @property
    def statistic(self) -> FloatArray:
        """(...) chi-square with A - 1 degrees of freedom: the first arm's part follows from the others'."""
        difference = (self.observed - self.expected)[..., 1:]
        solved = np.linalg.solve(self.covariance[..., 1:, 1:], difference[..., None])[..., 0]
        return np.asarray(np.einsum("...a,...a->...", difference, solved))


def logrank_score(
    *,
    time: FloatArray,
    event: NDArray[np.generic],
    arm: IntArray,
    arms: int | None = None,
    entry: FloatArray | None = None,
    stratum: IntArray | None = None,
    weights: FloatArray | None = None,
) -> LogrankScore:
    """Compare the curves of the arms.

    Parameters
    ----------
    time, event, entry, stratum, weights : as in `cox`; with weights the covariance takes them for people and only has the right shape.
    arm : (n,) or (..., n) codes 0 .. arms - 1.

    Examples
    --------
    >>> import numpy as np
    >>> found = logrank_score(time=np.array([1.0, 2, 3, 4]), event=np.ones(4), arm=np.array([0, 0, 1, 1]))
    >>> found.observed.tolist(), round(float(found.statistic), 4)
    ([2.0, 2.0], 2.8824)
    """
    risk = risk_sets(time=time, event=event, entry=entry, stratum=stratum)
    count = int(np.max(arm)) + 1 if arms is None else arms
    member = (np.asarray(arm)[..., None, :] == np.arange(count)[:, None]).astype(float)
    if member.ndim < np.ndim(time) + 1:
        member = np.broadcast_to(member, (*np.shape(time)[:-1], *member.shape[-2:]))
    w = np.ones(np.shape(time)[-1]) if weights is None else weights
    people = np.where(risk.event, risk.at_risk(np.broadcast_to(w, np.shape(time))), 1.0)
    share = np.where(risk.event[..., None, :], risk.at_risk(w * member), 0.0) / people[..., None, :]
    events = np.where(risk.head, risk.tie_sum(risk.at(np.broadcast_to(w, np.shape(time)))), 0.0)
    observed = (risk.at(w * member) * risk.event[..., None, :]).sum(axis=-1)
    expected = (events[..., None, :] * share).sum(axis=-1)
    spread = events if weights is not None else events * (people - events) / np.maximum(people - 1, 1.0)
    scaled = share * spread[..., None, :]
    covariance = np.eye(count) * scaled.sum(axis=-1)[..., None, :] - scaled @ np.swapaxes(share, -1, -2)
    return LogrankScore(observed, expected, covariance)
