"""The standard error of an estimate that is to first order a sum over people: its linearization enters a regression as an outcome.

A win probability is a mean of placements in either arm, a quantile a mean of indicators over a density, a common odds ratio a mean of scores.
Cell means of such values, their CR2 (HC2) covariance and the degrees of freedom under the grouped working covariance are what
`fit_linear` computes for any outcome, so groups, clusters, weights and strata are treated as they are for a difference in means.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trialkit.errors import CombinationError, NotIdentifiedError, shown
from trialkit.estimate.fit_notes import collinear
from trialkit.estimate.linear.ancova import describe, strata_rule
from trialkit.estimate.linear.linear_model import LinearModel, fit_linear
from trialkit.estimate.request import Request
from trialkit.estimate.sample import Sample
from trialkit.estimate.strata import check_cells, strata_names
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.results import Note
from trialkit.trial import Trial


@dataclass(frozen=True, slots=True)
class Linearized:
    """A combination of cell means of linearized values.

    Attributes
    ----------
    estimate, std_error, df : of the combination.
    influence : (n,) values whose sums over independent units, squared and summed, are the variance.
    covariance : in words. notes : few groups, and the like.
    """

    estimate: float
    std_error: float
    df: float
    influence: FloatArray
    covariance: str
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells that are averaged: one an arm, or one an arm and stratum.

    Attributes
    ----------
    columns : (n, C) indicators, the control's cells first. names : of the columns.
    shares : (S,) what each stratum counts, summing to one. stratum : (n,) codes 0..S-1.
    """

    columns: FloatArray
    names: list[str]
    shares: FloatArray
    stratum: IntArray

    def combine(self, control: float, treated: float) -> FloatArray:
        """(C,) weights of the cells: `control` and `treated` times the share of the stratum."""
        return np.concatenate([control * self.shares, treated * self.shares])


def two_arm_cells(trial: Trial, s: Sample, request: Request, remedy: str) -> tuple[Cells, str, list[Note]]:
    """Cells of a comparison of two arms (codes 0 and 1), the rule for the strata, and what to say of them.

    'interacted': strata count by their (weighted) size. 'additive': by n1 n0 / (n1 + n0), where the arms overlap most. 'none': one cell an arm.
    """
    rule, unequal = strata_rule(trial, request)
    if rule == "additive" and request.strata_effects == "auto":
        rule = "interacted"
    if rule == "none":
        arms = (s.arm[:, None] == np.arange(2)).astype(float)
        return Cells(arms, [str(a) for a in s.arms], np.ones(1), np.zeros(s.n, dtype=np.int64)), rule, []
    assert s.stratum is not None
    labels = strata_names(trial)
    check_cells(s, labels, remedy)
    present, stratum = np.unique(s.stratum, return_inverse=True)
    stratum = stratum.reshape(-1).astype(np.int64)
    weight = np.ones(s.n) if s.weights is None else s.weights
    size = np.array([np.bincount(stratum[s.arm == a], weights=weight[s.arm == a], minlength=len(present)) for a in (0, 1)])
    counts = size.sum(axis=0) if rule == "interacted" else size.prod(axis=0) / size.sum(axis=0)
    columns = [((stratum == z) & (s.arm == a)).astype(float) for a in (0, 1) for z in range(len(present))]
    names = [f"{a} in stratum {labels[z]}" for a in s.arms for z in present]
    notes = []
    if rule == "additive":
        text = "strata count by n1 n0/(n1 + n0), their people in either arm: an overlap-weighted effect."
        notes.append(Note("overlap_weighted", text))
    elif unequal:
        text = "shares of the arms differ by stratum: the effect is averaged over strata by their size in the sample."
        notes.append(Note("strata_interacted", text))
    return Cells(np.column_stack(columns), names, counts / counts.sum(), stratum), rule, notes


def linearized(
    s: Sample, values: FloatArray, columns: FloatArray, names: list[str], vector: FloatArray, *, df: str
) -> Linearized:
    """vector'b of the regression of `values` on `columns`, with CR2 (HC2) and Satterthwaite's df of its own design.

    `df`: 'auto', 'working' or 'independence'; people alone always have 'independence' (Bell-McCaffrey).
    """
    rule = df if s.clustered else "independence"
    if df == "working" and not s.clustered:
        raise CombinationError("df='working' is for groups that exist in some arms only (group=): use df='independence'.")
    model = fit_linear(replace(s, y=values), columns, names, kind="auto", df=rule)
    estimate, std_error, found = model.contrast(vector)
    return Linearized(estimate, std_error, found, person_values(model, vector), describe(model), model.notes)


def by_arm(s: Sample, values: FloatArray, *, df: str, strata: bool = False) -> Linearized:
    """CR2 (HC2) of values that sum to an estimate's error, as means of each arm; sampling weights are in the values already.

    `strata`: the model has stratum effects, so means are of each arm and stratum, which leaves fewer groups to learn a variance from; where
    some stratum holds one group (person) of an arm, of each arm.
    """
    code = s.arm
    if strata and s.stratum is not None:
        _, cells = np.unique(s.arm * (int(s.stratum.max()) + 1) + s.stratum, return_inverse=True)
        units = np.unique(np.column_stack([cells.reshape(-1), s.unit_of_variance]), axis=0)[:, 0]
        code = cells.reshape(-1) if np.bincount(units).min() > 1 else s.arm
    columns = (code[:, None] == np.unique(code)).astype(float)
    size = columns.sum(axis=0)
    names = [f"cell {k}" for k in range(len(size))]
    return linearized(replace(s, weights=None), values * s.n, columns, names, size / s.n, df=df)


def person_values(model: LinearModel, vector: FloatArray) -> FloatArray:
    """(n,) contributions of people to vector'b, adjusted as its variance is; their sums by unit are `model.influence`."""
    assert model.cov.influence is not None
    u = model.cov.influence @ vector[model.fit.kept]
    clusters = model.cov.clusters
    if clusters is None:
        return u * model.fit.residuals
    out = np.empty(len(u))
    out[clusters.order] = u * model.fit.residuals[clusters.order]
    return out


def collinear_notes(X: FloatArray, kept: IntArray, names: list[str], arms: range) -> list[Note]:
    """A note on columns left out of a model, or an error where one of them carries the effect of an arm (columns `arms`)."""
    dropped = np.setdiff1d(np.arange(X.shape[1]), kept)
    if not len(dropped):
        return []
    shares = np.linalg.lstsq(np.column_stack([np.ones(len(X)), X[:, kept]]), X[:, dropped], rcond=None)[0][1:]
    size = np.abs(X[:, dropped]).max(axis=0)
    own = np.isin(kept, list(arms))
    guilty = [names[j] for j, share, top in zip(dropped, shares.T, size) if (np.abs(share[own]) > 1e-6 * top).any()]
    if guilty or not set(arms) <= set(kept.tolist()):
        what = shown(guilty or [names[j] for j in dropped])
        raise NotIdentifiedError(
            f"the effect of the arm cannot be told apart from {what}: in these data they carry the same information. Leave it out of adjust."
        )
    left = [names[j] for j in dropped]
    return [collinear(left)]
