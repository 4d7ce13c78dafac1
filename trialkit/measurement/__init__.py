"""Measurement: scales, scoring."""

from trialkit.measurement.answer_formats import answer_labels
from trialkit.measurement.cfa import cfa
from trialkit.measurement.cfa_result import CfaResult
from trialkit.measurement.long_format import score_long
from trialkit.measurement.registered import UnverifiedScaleWarning, scale, scales, template, templates
from trialkit.measurement.scale import Scale
from trialkit.measurement.scale_parts import Codes, CutOff, Form, MissingRule, Points, Source, TypicalSd
from trialkit.measurement.score import score
from trialkit.measurement.score_result import ScoreResult
from trialkit.measurement.waves import WaveScores

__all__ = [
    "CfaResult",
    "Codes",
    "CutOff",
    "Form",
    "MissingRule",
    "Points",
    "Scale",
    "ScoreResult",
    "Source",
    "TypicalSd",
    "UnverifiedScaleWarning",
    "WaveScores",
    "answer_labels",
    "cfa",
    "scale",
    "scales",
    "score",
    "score_long",
    "template",
    "templates",
]
