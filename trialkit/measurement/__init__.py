"""Measurement: scales, scoring."""

from trialkit.measurement.scale import (
    Codes,
    CutOff,
    Form,
    MissingRule,
    Scale,
    Source,
    TypicalSd,
    UnverifiedScaleWarning,
    scale,
    scales,
)
from trialkit.measurement.score import ScoreResult, score

__all__ = [
    "Codes",
    "CutOff",
    "Form",
    "MissingRule",
    "Scale",
    "ScoreResult",
    "Source",
    "TypicalSd",
    "UnverifiedScaleWarning",
    "scale",
    "scales",
    "score",
]
