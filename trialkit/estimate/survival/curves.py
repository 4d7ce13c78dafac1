"""What each arm looks like: its curve with intervals, its median, its person-time; and the window that all arms cover."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trialkit.errors import EstimationError, UsageError
from trialkit.estimate.survival.time_sample import TimeSample
from trialkit.inference.arrays import BoolArray, IntArray
from trialkit.inference.survival.curve import Curve, curve_quantile, survival_curve
from trialkit.results import Note
from trialkit.trial import ALONE, Trial

FEW_AT_RISK = 10


def arm_curves(t: TimeSample, conf_level: float) -> list[Curve]:
    """The curve of each arm; in arms with groups or clusters its limits count them as units."""
    return [
        survival_curve(**t.part(t.people.arm == a), unit=_units(t, a), conf_level=conf_level) for a in range(len(t.people.arms))
    ]


def _units(t: TimeSample, arm: int) -> IntArray | None:
    s = t.people
    inside = s.arm == arm
    grouped = s.cluster is not None or bool((s.group[inside] != ALONE).any())
    return s.unit_of_variance[inside] if grouped else None


def curve_details(t: TimeSample, curves: list[Curve]) -> list[dict[str, Any]]:
    """Curves as lists: what figures draw, and what a stored result keeps."""
    out = []
    for label, c in zip(t.people.arms, curves):
        found: dict[str, Any] = {
            "arm": label, "time": c.time.tolist(), "at_risk": c.at_risk.tolist(), "events": c.events.tolist(),
            "survival": c.survival.tolist(), "conf_low": c.conf_low.tolist(), "conf_high": c.conf_high.tolist(),
        }  # fmt: skip
        if t.other is not None:
            found |= {
                "others": c.others.tolist(), "share": c.share.tolist(), "share_low": c.share_low.tolist(),
                "share_high": c.share_high.tolist(),
            }  # fmt: skip
        out.append(found)
    return out


def arm_rows(trial: Trial, t: TimeSample, curves: list[Curve]) -> list[dict[str, Any]]:
    """Raw summaries by arm, control first: people, events, person-time, the median time with its interval."""
    s, out = t.people, []
    for code, (label, curve) in enumerate(zip(s.arms, curves)):
        inside = s.arm == code
        observed = float((s.y[inside] - (0.0 if t.entry is None else t.entry[inside])).sum())
        median = curve_quantile(curve)
        row = {
            "arm": label, "n_randomized": int((trial.arm_codes == code).sum()), "n": int(inside.sum()),
            "n_groups": s.groups_in(inside), "n_clusters": len(np.unique(s.unit_of_variance[inside])), "events": int(t.event[inside].sum()),
        }  # fmt: skip
        if t.other is not None:
            row["other_exits"] = int(t.other[inside].sum())
        row |= {"person_time": observed, "mean": math.nan, "sd": math.nan}
        if t.other is None:
            row |= {"median": median.estimate, "median_low": median.conf_low, "median_high": median.conf_high}
        out.append(row)
    return out


def window(t: TimeSample, tau: float | None, cells: list[tuple[str, BoolArray]]) -> tuple[float, list[Note]]:
    """The end of the window, checked against the follow-up of every cell (label, people), and what to say of it.

    Without `tau` it is the smallest of the cells' largest times, up to which every curve is known.
    """
    s = t.people
    largest = {label: float(s.y[inside].max()) for label, inside in cells}
    end = min(largest.values())
    notes = []
    if tau is None:
        tau = end
        text = f"tau = {tau:g} is the smallest of the arms' largest times: it depends on the data. Say tau= in the plan."
        notes.append(Note("tau_rule", text))
    if (
        isinstance(tau, bool)
        or not isinstance(tau, (int, float, np.integer, np.floating))
        or not (math.isfinite(tau) and tau > 0)
    ):
        raise UsageError(f"tau={tau!r} must be a number above zero: the end of the window, in the units of '{t.asked.time}'.")
    tau = float(tau)
    for label, inside in cells:
        _check_reach(t, tau, label, inside, end)
    if not (t.event & (s.y <= tau)).any():
        raise EstimationError(
            f"nobody has the event by tau={tau:g}: there is nothing to compare up to there. Choose a later tau."
        )
    under = {label: int((s.y[inside] >= tau).sum()) for label, inside in cells}
    few = [f"{count} in {label}" for label, count in under.items() if count < FEW_AT_RISK]
    if few:
        text = f"few people are still under observation at tau = {tau:g} ({', '.join(few)}): the end of the curve is uncertain."
        notes.append(Note("few_at_risk", text))
    none = [label for label, inside in cells if not (t.event[inside] & (s.y[inside] <= tau)).any()]
    if none:
        text = f"nobody has the event by tau = {tau:g} in {', '.join(none)}: its average counts there as known, so the standard error is too small."
        notes.append(Note("no_events_in_arm", text))
    return tau, notes


def _check_reach(t: TimeSample, tau: float, label: str, inside: BoolArray, end: float) -> None:
    """The curve is known up to the largest time, and beyond it where everybody has left by an event."""
    last = float(t.people.y[inside].max())
    left = t.event[inside] if t.other is None else t.event[inside] | t.other[inside]
    if tau > last and not left[t.people.y[inside] == last].all():
        raise EstimationError(
            f"tau={tau:g} lies beyond the observation of {label!r}, which ends at {last:g} with people still without the event: nothing is known "
            f"from there on. Say tau={end:g} or less."
        )
    if t.entry is not None:
        _check_entries(t, tau, label, inside)


def _check_entries(t: TimeSample, tau: float, label: str, inside: BoolArray) -> None:
    """With delayed entry the risk set may run empty before others enter; the curve is then not known."""
    assert t.entry is not None
    curve = survival_curve(
        time=t.people.y[inside], event=t.event[inside], other=None if t.other is None else t.other[inside], entry=t.entry[inside]
    )
    empty = np.flatnonzero((curve.survival <= 0) & (curve.time < min(tau, float(curve.time[-1]))))
    if len(empty) or float(t.entry[inside].min()) > 0:
        raise EstimationError(
            f"in {label!r} nobody is under observation {'after ' + format(float(curve.time[empty[0]]), 'g') if len(empty) else 'at the start'}, because "
            f"'{t.asked.entry}' comes later: a mean or share from randomization on cannot be estimated. Use measure='hazard_ratio'."
        )
