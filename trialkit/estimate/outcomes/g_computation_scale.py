"""From the arms' means to a measure: differences, log ratios and log odds ratios, with their derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from trialkit.errors import shown
from trialkit.estimate.analysis import Contrast
from trialkit.estimate.averages import size_note
from trialkit.estimate.linear.ancova import contrast_label, own_weights
from trialkit.estimate.request import Request, arm_pairs
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray
from trialkit.results import Note

Scale = Literal["difference", "log", "logit"]
SCALES: dict[str, Scale] = {
    "mean_difference": "difference",
    "risk_difference": "difference",
    "risk_ratio": "log",
    "mean_ratio": "log",
    "odds_ratio": "logit",
}


@dataclass(frozen=True, slots=True)
class ArmContrast:
    """Weights (A,) of the arms' transformed means, with the codes of a pair of arms or, for a contrast of one's own, -1 and a label."""

    arm: int
    reference: int
    weights: FloatArray
    label: str = ""

    def words(self, s: Sample) -> str:
        return self.label or f"{s.arms[self.arm]} - {s.arms[self.reference]}"


def arm_contrasts(s: Sample, request: Request) -> list[ArmContrast]:
    """The contrasts of a request."""
    if not isinstance(request.contrasts, str):
        return [ArmContrast(-1, -1, own_weights(s.arms, w), contrast_label(w)) for w in request.contrasts]
    out = []
    for arm, reference in arm_pairs(len(s.arms), request.contrasts):
        weights = np.zeros(len(s.arms))
        weights[arm], weights[reference] = 1.0, -1.0
        out.append(ArmContrast(arm, reference, weights))
    return out


def transformed(scale: Scale, means: FloatArray) -> tuple[FloatArray, FloatArray]:
    """h(means) and its derivative, NaN where a log or a logit has none."""
    if scale == "difference":
        return means, np.ones_like(means)
    inside = (means > 0) & (means < 1) if scale == "logit" else means > 0
    safe = np.where(inside, means, 0.5)
    value, slope = (np.log(safe), 1 / safe) if scale == "log" else (np.log(safe / (1 - safe)), 1 / (safe * (1 - safe)))
    return np.where(inside, value, np.nan), np.where(inside, slope, np.nan)


def size_notes(s: Sample, request: Request) -> list[Note]:
    """Whether group size goes with the outcome, from the linear regression on arm and covariates; for a ratio told as a difference."""
    arms = s.arm_indicators
    found = size_note(s, np.concatenate([np.ones((s.n, 1)), arms, s.X], axis=1), request)
    if SCALES.get(request.measure) == "difference":
        return found
    return [Note(n.code, f"{n.text} (These are differences, not ratios.)") for n in found]


def undefined(s: Sample, contrast: ArmContrast, measure: str, values: FloatArray) -> tuple[Contrast, Note]:
    """The row of a ratio that an arm without events (or with nothing else) leaves undefined, and why."""
    arms = [s.arms[a] for a in range(len(s.arms)) if contrast.weights[a] and np.isnan(values[a])]
    what = measure.replace("_", " ")
    note = Note(
        "undefined_ratio",
        f"the {what} of {contrast.words(s)} is not defined: {shown(arms)} has no events, or no one without. Report the difference"
        f"{', or estimator=' + chr(39) + 'exact' + chr(39) if measure in ('risk_ratio', 'odds_ratio') and not s.clustered else ''}.",
    )
    nan = float("nan")
    return Contrast(contrast.arm, contrast.reference, nan, nan, nan, contrast.label), note
