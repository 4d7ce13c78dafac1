"""Times cut into pieces of constant hazard, as rows of people by piece.

Pieces end at quantiles of the times of events before tau, at most five, so that each has events of its own. Sources: Holford (1980); for the mean
time up to tau as the scale of mediation, VanderWeele (2011), Epidemiology 22(4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.errors import CombinationError, EstimationError, UsageError
from trialkit.estimate.outcome import Time
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.trial import Trial

MOST_PIECES = 5
EVENTS_A_PIECE = 10


@dataclass(frozen=True, slots=True)
class Pieces:
    """Rows (N,) of people at risk in a piece: the person, the event there, the time at risk; `later` (N, J-1) indicates pieces 2..J."""

    person: IntArray
    event: FloatArray
    exposure: FloatArray
    later: FloatArray
    widths: FloatArray


def pieces(trial: Trial, outcome: Time, s: Sample, tau: float | None) -> Pieces:
    """Rows of the people of a sample, up to tau."""
    if outcome.competing is not None:
        raise CombinationError(
            "mediation of a time with competing exits is not there: leave competing= out and say what such exits are (censored)."
        )
    times, events = s.y, trial.values(outcome.event)[s.rows]
    entry = np.zeros(s.n) if outcome.entry is None else trial.values(outcome.entry)[s.rows]
    reach = min(float(times[s.arm == a].max()) for a in range(len(s.arms)))
    if tau is None:
        raise UsageError(
            f"a time needs tau=, the time up to which its mean is taken: up to {reach:g} here, the follow-up that both arms reach."
        )
    if not 0 < tau <= reach:
        raise UsageError(f"tau={tau:g} must lie between 0 and {reach:g}, the follow-up that both arms reach.")
    happened = times[(events == 1) & (times <= tau)]
    for code, label in enumerate(s.arms):
        if not ((events == 1) & (times <= tau) & (s.arm == code)).any():
            raise EstimationError(f"nobody in arm {label!r} has the event up to {tau:g}: take a longer tau, or a binary outcome.")
    count = int(np.clip(len(happened) // EVENTS_A_PIECE, 1, MOST_PIECES))
    inner = np.unique(np.quantile(happened, np.arange(1, count) / count, method="lower"))
    cuts = np.concatenate([[0.0], inner[inner < tau], [tau]])
    low, high = cuts[:-1], cuts[1:]
    at_risk = np.minimum(times[:, None], high) - np.maximum(entry[:, None], low)
    person, piece = np.nonzero(at_risk > 0)
    ends_here = (events[person] == 1) & (times[person] > low[piece]) & (times[person] <= high[piece])
    return Pieces(
        person.astype(np.int64), ends_here.astype(float), at_risk[person, piece], (piece[:, None] == np.arange(1, len(low))).astype(float), high - low
    )  # fmt: skip
