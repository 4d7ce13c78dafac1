"""Checks of a longitudinal analysis that change nothing and are said: arms that differ at the start, group size that goes with the outcome."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trialkit.estimate.averages import size_note
from trialkit.estimate.longitudinal.wave_sample import BASELINE_P, WaveSample
from trialkit.estimate.request import Request
from trialkit.estimate.sample import sample
from trialkit.inference.distributions import t_tail
from trialkit.results import Note
from trialkit.trial import Trial


def baseline_note(s: WaveSample) -> list[Note]:
    """The constrained model gives the arms one mean at the baseline: a note when they differ more than randomization explains (p < .001)."""
    if not s.first or s.cluster is not None:
        return []
    y = s.y[:, 0]
    control = y[(s.arm == 0) & np.isfinite(y)]
    for a in range(1, len(s.arms)):
        treated = y[(s.arm == a) & np.isfinite(y)]
        v1, v0 = treated.var(ddof=1) / len(treated), control.var(ddof=1) / len(control)
        if not v1 + v0 > 0:
            continue
        df = (v1 + v0) ** 2 / (v1**2 / (len(treated) - 1) + v0**2 / (len(control) - 1))
        gap = float(treated.mean() - control.mean())
        if 2 * t_tail(abs(gap) / float(np.sqrt(v1 + v0)), float(df)) < BASELINE_P:
            text = (
                f"at the baseline '{s.columns[0]}' {s.arms[a]} and {s.arms[0]} differ by {gap:.3g}, more than randomization explains (p < .001): check that it was "
                "measured before randomization; if not, use model='mmrm' with baseline=None."
            )
            return [Note("baseline_differs", text)]
    return []


def size_notes(trial: Trial, s: WaveSample, request: Request) -> list[Note]:
    """A note when at the first follow-up the average over people differs from that over groups (clusters): the model's lies between them."""
    if not s.grouped or len(s.arms) != 2:
        return []
    column = s.columns[s.first]
    found = sample(trial, column, request.adjust, request.covariate_missing)
    X = np.column_stack([np.ones(found.n), found.arm == 1, found.X])
    if not size_note(replace(found, weights=None), X, request):
        return []
    what = "cluster" if s.cluster is not None else "group"
    text = (
        f"{what} size goes with the outcome '{column}': averages over people and over {what}s differ, and this model's lies between them. "
        "Say which you mean with tk.itt(..., average='participant') or 'group'."
    )
    return [Note("informative_size", text)]


def constant_notes(s: WaveSample) -> list[Note]:
    """A wave without any variation in one arm shares its covariance with arms that vary."""
    out = []
    for a, arm in enumerate(s.arms):
        for j, column in enumerate(s.columns):
            y = s.y[s.seen[:, j] & (s.arm == a), j]
            if np.ptp(y) == 0:
                text = f"'{column}' is {y[0]:g} for everyone in arm {arm!r}: the model gives that arm the spread of the others; check the column."
                out.append(Note("constant_in_arm", text))
    return out
