"""From a design matrix to contrasts for logistic and Poisson regressions: what linear_model.py is for least squares.

The fit is handed on as its whitened regression (inference/outcomes/glm_covariance.py), so that covariances, Satterthwaite's df and, with groups in one
arm, the working covariance (fitted to Pearson residuals) are those of a regression.

People whose outcome the model fits exactly in the limit, such as a stratum without events, say nothing about the arms' ratio and are
left out with a note; where that concerns covariates of many values, or part of an arm, there is no estimate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trialkit.errors import EstimationError, shown
from trialkit.estimate.analysis import Contrast
from trialkit.estimate.fit_notes import collinear
from trialkit.estimate.linear.linear_model import LinearModel, settled
from trialkit.estimate.outcomes.g_computation_scale import arm_contrasts, undefined
from trialkit.estimate.request import Request
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.linear.covariance import Covariance, CovarianceKind
from trialkit.inference.outcomes.firth import firth
from trialkit.inference.outcomes.glm import Family, Glm
from trialkit.inference.outcomes.glm_covariance import glm_covariance, whitened
from trialkit.inference.outcomes.separation import LimitingFit, limiting_fit
from trialkit.printed import counted_people
from trialkit.results import Note
from trialkit.trial import ALONE


@dataclass(frozen=True, slots=True)
class GlmModel:
    """A fitted model: the regression that stands for it, and the fit itself; its sample holds the people used."""

    model: LinearModel
    fit: Glm


def with_events(s: Sample, family: Family) -> tuple[Sample, list[int]]:
    """The people of the arms whose ratio to others is defined, and the codes of those arms: with events and, for shares, without."""
    able = [a for a in range(len(s.arms)) if (s.y[s.arm == a] > 0).any() and (family == "poisson" or (s.y[s.arm == a] < 1).any())]
    if len(able) == len(s.arms):
        return s, able
    position = np.full(len(s.arms), -1)
    position[able] = np.arange(len(able))
    kept = rows_of(s, np.flatnonzero(np.isin(s.arm, able)))
    return replace(kept, arm=position[kept.arm], arms=tuple(s.arms[a] for a in able)), able


def fit_glm(
    s: Sample,
    design: FloatArray,
    names: list[str],
    *,
    family: Family,
    kind: str,
    df: str,
    offset: FloatArray | None = None,
    penalized: bool = False,
) -> GlmModel:
    """Fit, with the arms in columns 1, 2, ... of `design`, and settle covariance and df as `fit_linear` does.

    `penalized`: Firth's likelihood, which always has a maximum.
    """
    notes: list[Note] = []
    found = _fit(s, design, family, offset, penalized)
    fit = _checked(s, design, names, found, notes)
    if not bool(fit.converged):
        raise EstimationError(
            f"the {family} regression of '{s.outcome}' did not converge: look for outliers among {shown(s.terms, 8)}, or leave covariates out."
        )
    if fit.df_resid < 1:
        raise EstimationError(
            f"{len(fit.y)} people and {len(fit.kept)} terms leave no degrees of freedom: leave covariates or strata out."
        )
    if float(np.abs(fit.y - fit.mu).max()) <= 1e-7 * float(fit.y.max()):
        raise EstimationError(
            f"the outcome '{s.outcome}' is determined exactly by the terms of the model: there is no standard error. Leave covariates or strata out."
        )
    left = [n for j, n in enumerate(names) if fit.collinear[j] and design[found.used][:, j].any()]
    if left:
        notes.append(collinear(left))
    rows = np.flatnonzero(found.used)
    part = s if found.used.all() else rows_of(s, rows)

    def make(kind: CovarianceKind) -> tuple[CovarianceKind, Covariance]:
        return kind, glm_covariance(fit, kind, part.clusters if kind.startswith("CR") else None)[1]

    regression = whitened(fit)
    model = settled(
        part, regression, design=design[rows], names=names, outcome=regression.residuals, kind=kind, df=df, notes=notes, make=make
    )
    return GlmModel(model, fit)


def contrasts_of(
    found: GlmModel | None, s: Sample, able: list[int], request: Request, notes: list[Note]
) -> tuple[tuple[Contrast, ...], tuple[FloatArray, ...]]:
    """The contrasts of a request with their vectors; NaN with a note where an arm has no estimate.

    `found` was fitted to the arms `able` of the whole sample `s`; None when there are fewer than two of them.
    """
    values = np.where(np.isin(np.arange(len(s.arms)), able), 0.0, np.nan)
    contrasts, vectors = [], []
    for c in arm_contrasts(s, request):
        vector = np.zeros(1 if found is None else found.model.design.shape[1])
        if found is None or np.isnan(values[c.weights != 0]).any():
            row, note = undefined(s, c, request.measure, values)
            notes.append(note)
        else:
            vector[1 : len(able)] = c.weights[able][1:]
            row = Contrast(c.arm, c.reference, *found.model.contrast(vector), c.label)
        contrasts.append(row)
        vectors.append(vector)
    return tuple(contrasts), tuple(vectors)


def _fit(s: Sample, design: FloatArray, family: Family, offset: FloatArray | None, penalized: bool) -> LimitingFit:
    if not penalized:
        return limiting_fit(y=s.y, X=design, family=family, offset=offset, weights=s.weights)
    fit = firth(y=s.y, X=design, family=family, offset=offset)
    return LimitingFit(fit, np.ones(s.n, dtype=bool), np.empty((0, design.shape[1])))


def _checked(s: Sample, design: FloatArray, names: list[str], found: LimitingFit, notes: list[Note]) -> Glm:
    """A note on levels that the fit was left without; an error for any other exact fit."""
    if not len(found.directions):
        assert found.fit is not None
        return found.fit
    moved = np.abs(found.directions).max(axis=0) > 1e-9
    levels = np.isin(design, (0.0, 1.0)).all(axis=0) | np.array([n.startswith("stratum ") for n in names])
    what = [n for n, m, level in zip(names, moved, levels) if m and not level]
    if found.fit is None or moved[1 : len(s.arms)].any():
        what = [n for n, m in zip(names, moved) if m and n != "constant"]
    if what or found.fit is None:
        raise EstimationError(
            f"{shown(what, 8)} tell the outcomes of '{s.outcome}' apart exactly for {int((~found.used).sum())} of {s.n} people, so the regression has "
            "no maximum. Leave covariates out, or use estimator='g_computation'; a logistic regression also takes penalty='firth'."
        )
    notes.append(
        Note(
            "separated",
            counted_people(
                int((~found.used).sum()),
                "lie in strata or levels where all have the same outcome: they say nothing about the ratio.",
            ),
        )
    )
    return found.fit


def rows_of(s: Sample, rows: IntArray) -> Sample:
    """The people of these rows; whoever is left alone of a group is a person alone."""
    group = s.group[rows]
    sizes = np.bincount(group[group != ALONE], minlength=1)
    group = np.where((group != ALONE) & (sizes[group] > 1), group, ALONE)
    return replace(
        s, y=s.y[rows], arm=s.arm[rows], X=s.X[rows], stratum=None if s.stratum is None else s.stratum[rows],
        cluster=None if s.cluster is None else s.cluster[rows], group=group, unit_of_variance=s.unit_of_variance[rows],
        weights=None if s.weights is None else s.weights[rows], rows=s.rows[rows],
    )  # fmt: skip
