"""The levels of invariance, each against the one before, by Chen's bounds.

A level holds when CFI falls by less than .010 and, beside it, RMSEA rises by less than .015 or SRMR by less than .030 (metric) or .010
(scalar, strict). Chen (2007), Structural Equation Modeling 14, takes the CFI as the main index and the others as supplements;
a fall of .010 is a failure here whatever the supplements say. For small samples (300 people or fewer) .005, .010 and .025 or
.005 are ascribed to her: not checked against the source.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trialkit.errors import EstimationError, shown
from trialkit.inference.factor.fit import Fit, fit
from trialkit.inference.factor.indices import FitIndices, fit_indices
from trialkit.inference.factor.invariant import (
    Difference,
    Level,
    Place,
    difference,
    invariant_model,
    scaled_difference,
)
from trialkit.inference.factor.robust import Robust
from trialkit.inference.factor.robust import robust as robust_corrections
from trialkit.measurement.invariance.data import Answers

SMALL = 300
_FREE = frozenset[Place]()


@dataclass(frozen=True, slots=True)
class Bounds:
    """Changes from which a level fails."""

    cfi: float
    rmsea: float
    srmr: float


@dataclass(frozen=True, slots=True)
class Step:
    """One fitted level.

    Attributes
    ----------
    name : "metric", or "partial metric" with `freed` places.
    cfi, rmsea : what is judged: plain, robust with complete data and a robust test, scaled with missing answers.
    """

    name: str
    level: Level
    freed: frozenset[Place]
    fit: Fit
    indices: FitIndices
    corrected: Robust | None

    @property
    def cfi(self) -> float:
        if self.fit.df == 0:
            return 1.0
        if self.corrected is None:
            return self.indices.cfi
        return self.corrected.cfi if math.isfinite(self.corrected.cfi) else self.corrected.cfi_scaled

    @property
    def rmsea(self) -> float:
        if self.fit.df == 0:
            return 0.0
        if self.corrected is None:
            return self.indices.rmsea
        own = self.corrected.rmsea.value
        return own if math.isfinite(own) else self.corrected.rmsea_scaled.value


@dataclass(frozen=True, slots=True)
class Change:
    """A level against a freer one; falls of CFI are negative, rises of RMSEA and SRMR positive."""

    test: Difference
    cfi: float
    rmsea: float
    srmr: float


def bounds(level: Level, *, small: bool = False) -> Bounds:
    """Chen's (2007) bounds; those for small samples, which were not checked against the source, on request."""
    if small:
        return Bounds(0.005, 0.010, 0.025 if level == "metric" else 0.005)
    return Bounds(0.010, 0.015, 0.030 if level == "metric" else 0.010)


def holds(change: Change, limit: Bounds) -> bool | None:
    """Whether a level holds; None when an index is undefined."""
    if not all(map(math.isfinite, (change.cfi, change.rmsea, change.srmr))):
        return None
    return change.cfi > -limit.cfi and (change.rmsea < limit.rmsea or change.srmr < limit.srmr)


def compare(step: Step, freer: Step) -> Change:
    """Changes of the indices, and the likelihood ratio test, scaled where the tests are."""
    a, b = step.fit, freer.fit
    test = difference(a.chisq, a.df, b.chisq, b.df)
    if step.corrected is not None and freer.corrected is not None:
        test = scaled_difference(a.chisq, a.df, step.corrected.scaling, b.chisq, b.df, freer.corrected.scaling)
    return Change(test, step.cfi - freer.cfi, step.rmsea - freer.rmsea, step.indices.srmr - freer.indices.srmr)


def fit_level(answers: Answers, level: Level, freed: frozenset[Place] = _FREE) -> Fit | None:
    """Fit one level with some places free; None where there is no maximum, which for the configural model is an error.

    Equalities that the data contradict grossly can drive residual variances below zero without end.
    """
    model = invariant_model(answers.n_items, len(answers.waves), len(answers.data.group_labels), level, freed)
    try:
        found = fit(model, answers.moments, h1=answers.saturated)
    except np.linalg.LinAlgError:
        found = None
    if found is not None and found.converged and not found.unidentified:
        return found
    if level == "configural":
        below = [] if found is None else [answers.data.items[i] for i in _negative(found)]
        heywood = f" The residual variance of {shown(below)} runs below zero." if below else ""
        raise EstimationError(
            f"the configural model did not converge.{heywood} Look at each wave and group with tk.measurement.cfa first: an item that hardly "
            "belongs, or too few people, gives this."
        )
    return None


def _negative(found: Fit) -> list[int]:
    """Items with a negative residual variance somewhere."""
    below = (np.einsum("gii->gi", found.point.matrices.residuals) < 0).any(axis=0)
    return [int(i) for i in np.flatnonzero(below)]


def step_of(answers: Answers, found: Fit, level: Level, freed: frozenset[Place], *, robust: bool) -> Step:
    """The indices of a fitted level."""
    indices = fit_indices(found)
    name = ("partial " if freed else "") + level
    return Step(name, level, freed, found, indices, _corrected(answers, found, indices) if robust else None)


def _corrected(answers: Answers, found: Fit, indices: FitIndices) -> Robust:
    data = answers.data
    try:
        return robust_corrections(found, data.x, group=data.group, baseline=indices.baseline_chisq, unit=data.unit)
    except np.linalg.LinAlgError:
        raise EstimationError(
            "the robust corrections need the inverse of the information about all variances and covariances, which these few people "
            "do not give. Use robust=False without cluster, or fewer items."
        ) from None


def climb(answers: Answers, levels: Sequence[Level], *, robust: bool) -> list[Step]:
    """Every level asked for, in full, up to the first that cannot be fitted."""
    steps: list[Step] = []
    for level in levels:
        found = fit_level(answers, level)
        if found is None:
            break
        steps.append(step_of(answers, found, level, _FREE, robust=robust))
    return steps
