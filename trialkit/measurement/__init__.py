"""Measurement: questionnaires and scores, reliability, factor models and invariance, change, effects at the latent level."""

from trialkit.measurement.change.clinical import clinical_change
from trialkit.measurement.change.desirability import desirability_bias, desirability_correlation
from trialkit.measurement.change.floor_ceiling import floor_ceiling
from trialkit.measurement.change.minimal_difference import minimal_difference
from trialkit.measurement.change.regression_to_mean import regression_to_mean
from trialkit.measurement.change.reliable_change import reliable_change
from trialkit.measurement.factor_models.cfa import cfa
from trialkit.measurement.factor_models.cfa_result import CfaResult
from trialkit.measurement.invariance.invariance import invariance
from trialkit.measurement.invariance.response_shift import response_shift_note
from trialkit.measurement.invariance.result import InvarianceResult
from trialkit.measurement.latent.latent_effect import latent_effect
from trialkit.measurement.questionnaires.parts import Codes, CutOff, Form, MissingRule, Points, Source, TypicalSd
from trialkit.measurement.questionnaires.registered import UnverifiedScaleWarning, scale, scales, template, templates
from trialkit.measurement.questionnaires.scale import Scale
from trialkit.measurement.reliability.icc import IccResult, icc
from trialkit.measurement.reliability.reliability import reliability
from trialkit.measurement.reliability.reliability_result import Reliability
from trialkit.measurement.reliability.retest import TestRetest, test_retest
from trialkit.measurement.scoring.answer_formats import answer_labels
from trialkit.measurement.scoring.long_format import score_long
from trialkit.measurement.scoring.score import score
from trialkit.measurement.scoring.score_result import ScoreResult
from trialkit.measurement.scoring.waves import WaveScores

__all__ = [
    "CfaResult",
    "Codes",
    "CutOff",
    "Form",
    "IccResult",
    "InvarianceResult",
    "MissingRule",
    "Points",
    "Reliability",
    "Scale",
    "ScoreResult",
    "Source",
    "TestRetest",
    "TypicalSd",
    "UnverifiedScaleWarning",
    "WaveScores",
    "answer_labels",
    "cfa",
    "clinical_change",
    "desirability_bias",
    "desirability_correlation",
    "floor_ceiling",
    "minimal_difference",
    "regression_to_mean",
    "reliable_change",
    "icc",
    "invariance",
    "latent_effect",
    "reliability",
    "response_shift_note",
    "scale",
    "scales",
    "score",
    "score_long",
    "test_retest",
    "template",
    "templates",
]
