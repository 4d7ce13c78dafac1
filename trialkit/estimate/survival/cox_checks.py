"""What can be wrong with a Cox model: no events in an arm, no maximum, few events, hazards that are not proportional."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trialkit.errors import EstimationError, shown
from trialkit.estimate.outcomes.linearized import by_arm
from trialkit.estimate.sample import Sample
from trialkit.estimate.survival.time_sample import TimeSample
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_tail
from trialkit.inference.survival.cox import CoxFit
from trialkit.inference.survival.proportional import time_variation
from trialkit.printed import p_text
from trialkit.results import Note

EVENTS_PER_TERM = 10
DOUBTFUL_P = 0.05
REMEDY = "Use measure='rmst_difference' (restricted mean time), which needs none, or report the counts."


def check_events(t: TimeSample, remedy: str = REMEDY) -> None:
    """A hazard ratio needs an event in every arm."""
    s = t.people
    without = [label for code, label in enumerate(s.arms) if not t.event[s.arm == code].any()]
    if without:
        raise EstimationError(
            f"nobody in {shown(without)} has the event '{t.asked.event}': the hazard ratio is zero or infinite. {remedy}"
        )


def check_fit(t: TimeSample, fit: CoxFit, names: tuple[str, ...]) -> None:
    """A likelihood that rises for ever, or one that was not climbed, is an error with the term that drives it."""
    if bool(fit.separated):
        scaled = np.abs(fit.coef) * fit.columns.std(axis=-1)
        worst = names[int(np.argmax(scaled))]
        what = (
            "leave it out of adjust, or merge its categories" if not worst.startswith("arm ") else REMEDY[0].lower() + REMEDY[1:]
        )
        raise EstimationError(
            f"the Cox model has no finite maximum: '{worst}' separates those with the event '{t.asked.event}' from those at risk with them (a level "
            f"without events, for instance); {what}" + ("." if not what.endswith(".") else "")
        )
    if not bool(fit.converged):
        raise EstimationError(
            f"the Cox model did not converge in {fit.iterations} steps: look for covariates with extreme values, and leave out those that matter least."
        )


def drifts(fit: CoxFit, s: Sample, kind: str, inflation: FloatArray) -> list[dict[str, Any]]:
    """Test of proportional hazards of each arm against control: score of a coefficient that moves with 1 - S(t-).

    With the model's covariance the chi-square of the score; otherwise t from the same units as the estimate, its variance raised by `inflation`.
    """
    found = time_variation(fit)
    out = []
    for a in range(1, len(s.arms)):
        score = float(found.score[a - 1])
        if kind == "classical":
            variance, df = float(found.model_variance[a - 1]), math.inf
        else:
            spread = by_arm(s, found.values[a - 1], df="auto")
            variance, df = spread.std_error**2 * float(inflation[a - 1]), spread.df
        statistic = score / math.sqrt(variance) if variance > 0 else math.nan
        out.append(
            {
                "arm": s.arms[a],
                "statistic": statistic,
                "df": df,
                "p_value": 2 * t_tail(abs(statistic), df) if variance > 0 else math.nan,
            }
        )
    return out


def model_notes(t: TimeSample, drift: list[dict[str, Any]], terms: int) -> list[Note]:
    events = int(t.event.sum())
    notes = []
    if events < EVENTS_PER_TERM * terms:
        text = f"{events} events for {terms} terms are few: hazard ratios are then pulled away from 1 and intervals rough; adjust for less."
        notes.append(Note("few_events", text))
    for d in drift:
        if d["p_value"] < DOUBTFUL_P:
            text = (
                f"hazards of {d['arm']} and {t.people.arms[0]} are not proportional over time (p {p_text(d['p_value'])}): the hazard ratio is an average that "
                "depends on the censoring. Read measure='rmst_difference' beside it."
            )
            notes.append(Note("hazards_not_proportional", text))
    if t.other is not None:
        text = (
            f"people with another exit ('{t.asked.competing}') count as censored then: a cause-specific hazard ratio, which says nothing of how many get "
            "there. Read measure='cumulative_incidence_difference' beside it."
        )
        notes.append(Note("cause_specific", text))
    return notes
