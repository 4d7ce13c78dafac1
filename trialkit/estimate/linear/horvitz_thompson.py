"""Horvitz-Thompson and Hajek: means weighted by the inverse of the design's probabilities; no model, normal inference."""

from __future__ import annotations

from functools import cache

import numpy as np

from trialkit.errors import CombinationError, DesignError, EstimationError
from trialkit.estimate.analysis import Analysis, Contrast
from trialkit.estimate.request import Request, arm_pairs
from trialkit.estimate.sample import Sample, sample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.linear.horvitz_thompson import Weighted, weighted_difference
from trialkit.results import Note
from trialkit.trial import ALONE, Trial

MOST_UNITS = 20_000


def run(trial: Trial, request: Request) -> Analysis:
    """The difference of Horvitz-Thompson means: unbiased, and sensitive to a constant added to the outcome."""
    return _run(trial, request, hajek=False)


def run_hajek(trial: Trial, request: Request) -> Analysis:
    """The difference of weighted means (Hajek): nearly unbiased and mostly more precise."""
    return _run(trial, request, hajek=True)


def _run(trial: Trial, request: Request, *, hajek: bool) -> Analysis:
    if request.adjust:
        raise CombinationError(
            f"estimator='{request.estimator}' takes no adjust: use estimator='aipw' with covariates and known probabilities."
        )
    if request.average == "group":
        raise CombinationError(
            f"estimator='{request.estimator}' averages over participants: use estimator='ancova' for average='group'."
        )
    if trial.design is None:
        raise DesignError(
            f"estimator='{request.estimator}' needs the probabilities of the design: give Trial(design=tk.design...)."
        )
    s = sample(trial, request.outcome, (), request.covariate_missing)
    if (s.group != ALONE).any() and s.cluster is None:
        raise CombinationError(
            f"estimator='{request.estimator}' takes people (or randomized clusters) as independent, but groups exist in one arm: use estimator='ancova'."
        )
    if s.weights is not None:
        raise CombinationError(f"estimator='{request.estimator}' has weights of its own: leave Trial(weights=...) out.")
    pairs = arm_pairs(len(s.arms), request.contrasts)
    contrasts = []
    for arm, reference in pairs:
        found = _difference(trial, s, arm, reference, hajek)
        if not found.std_error > 0:
            raise EstimationError(f"the variance of '{s.outcome}' under this design is estimated as zero: no standard error.")
        contrasts.append(Contrast(arm, reference, found.estimate, found.std_error, float("inf")))
    notes = (
        []
        if trial.design.probabilities_exact
        else [Note("probabilities_simulated", "the probabilities of the design are known by simulation only.")]
    )
    name = "Hajek" if hajek else "Horvitz-Thompson"
    return Analysis(s, tuple(contrasts), "participant-average ITT", name, "design-based, normal", tuple(notes))


def _difference(trial: Trial, s: Sample, arm: int, reference: int, hajek: bool) -> Weighted:
    design, places = trial.design, trial.places
    assert places is not None
    unit, rows = _units(s)
    if len(rows) > MOST_UNITS:
        raise CombinationError(
            f"joint probabilities of {len(rows)} units do not fit: use estimator='difference_in_means' or 'ancova'."
        )
    code = {a: int(design.codes([s.arms[a]])[0]) for a in (arm, reference)}
    where = places[s.rows][rows]
    probability = design.probability_matrix[where]

    @cache
    def joint(first: int, second: int) -> FloatArray:
        labels = {1: design.arms[code[arm]], 0: design.arms[code[reference]]}
        return np.asarray(design.pair_probabilities(labels[first], labels[second])[np.ix_(where, where)], dtype=float)

    arms = s.arm[rows]
    return weighted_difference(
        y=np.bincount(unit, weights=s.y).astype(float),
        treated=arms == arm,
        reference=arms == reference,
        p_treated=probability[:, code[arm]],
        p_reference=probability[:, code[reference]],
        joint=joint,
        people=float(s.n),
        hajek=hajek,
        size=np.bincount(unit).astype(float),
    )


def _units(s: Sample) -> tuple[IntArray, IntArray]:
    """Unit of randomization of each row (0, 1, ...) and one row of each unit."""
    if s.cluster is None:
        return np.arange(s.n), np.arange(s.n)
    _, first, unit = np.unique(s.cluster, return_index=True, return_inverse=True)
    return unit.reshape(-1).astype(np.int64), first.astype(np.int64)
