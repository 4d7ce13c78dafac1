"""From a trial and its items to the arrays of a latent regression."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialkit.errors import EstimationError, MissingDataError, UsageError, nearest, shown
from trialkit.estimate.covariates import CovariateMissing, category_columns, covariates
from trialkit.estimate.sample import Sample, units_of_variance
from trialkit.estimate.strata import shares_differ, strata_codes
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.factor.invariant import Place
from trialkit.measurement.factor_models.cfa_data import read_data
from trialkit.measurement.invariance.data import few_categories, wave_items
from trialkit.measurement.invariance.result import InvarianceResult
from trialkit.results import Note
from trialkit.trial import Trial

_DEPENDENT = 1e-8


@dataclass(frozen=True, slots=True)
class LatentData:
    """Arrays of the people with an answer to some item.

    Attributes
    ----------
    x : (n, 2p) items of both waves. z : (n, q) arm indicators first, then strata and covariates.
    sample : the same people as other analyses know them; its y holds nothing.
    """

    x: FloatArray
    z: FloatArray
    waves: tuple[str, str]
    columns: tuple[str, ...]
    sample: Sample
    notes: tuple[Note, ...]

    @property
    def n_items(self) -> int:
        return len(self.columns) // 2


def latent_data(
    trial: Trial, items: Mapping[str, Sequence[Hashable]], adjust: tuple[str, ...], covariate_missing: CovariateMissing
) -> LatentData:
    """The arrays of a request, checked."""
    if not isinstance(items, Mapping) or len(items) != 2:
        raise UsageError("items needs the two waves, baseline first: {'t0': ['t0_i1', ...], 't1': ['t1_i1', ...]}.")
    if trial.weights is not None:
        raise UsageError("a latent effect does not take sampling weights: make the Trial without weights=.")
    lists = wave_items(None, items, None)
    answers = read_data(trial.data, lists, groups=None, cluster=None, missing="fiml")
    _check_roles(trial, answers.items, adjust)
    filled = covariates(trial, tuple(a for a in adjust if a not in trial.strata), covariate_missing)
    kept = filled.complete[answers.rows]
    rows = answers.rows[kept]
    names = tuple(lists)
    _check_answers(trial, answers.x[kept], rows, names, answers.items)
    columns, notes = _observed(trial, rows, filled.columns[rows], list(filled.names))
    few = few_categories(answers.x[kept], answers.items)
    cluster = trial.codes(trial.cluster)[rows] if trial.cluster else None
    group = trial.group_codes[rows]
    people = Sample(
        names[1], np.zeros(len(rows)), trial.arm_codes[rows], trial.arms, np.zeros((len(rows), 0)), (), None, cluster, group,
        units_of_variance(trial, cluster, group), None, rows, (),
    )  # fmt: skip
    said = (*trial.notes, *filled.notes, *answers.notes, *notes, *few)
    return LatentData(answers.x[kept], columns, (names[0], names[1]), answers.items, people, said)


def _check_roles(trial: Trial, items: Sequence[str], adjust: tuple[str, ...]) -> None:
    roles = {trial.arm: "the arm", trial.unit: "the identifier", trial.group: "the group", trial.weights: "the weights"}
    for name in adjust:
        if roles.get(name) is not None:
            raise UsageError(f"adjust holds '{name}', which is {roles[name]}: leave it out of adjust.")
        if name in items:
            raise UsageError(f"adjust holds '{name}', which is an item: the factor at baseline is adjusted for already.")


def _check_answers(trial: Trial, x: FloatArray, rows: IntArray, waves: tuple[str, ...], items: Sequence[str]) -> None:
    p = len(items) // 2
    arm = trial.arm_codes[rows]
    for code, label in enumerate(trial.arms):
        inside = arm == code
        for w, wave in enumerate(waves):
            answered = int((~np.isnan(x[inside, w * p : (w + 1) * p])).any(axis=1).sum())
            if answered < 2:
                raise MissingDataError(
                    f"{answered} people in arm {label!r} answered an item of wave '{wave}': the effect on the factor needs both waves in every arm."
                )
    constant = [i for j, i in enumerate(items) if np.nanmax(x[:, j]) == np.nanmin(x[:, j])]
    if constant:
        raise EstimationError(
            f"{shown(constant)} {'has' if len(constant) == 1 else 'have'} the same answer from everyone: leave out that item."
        )


def _observed(trial: Trial, rows: IntArray, x: FloatArray, names: list[str]) -> tuple[FloatArray, list[Note]]:
    """Arm indicators, strata and covariates; what is a combination of the others is left out."""
    arm = trial.arm_codes[rows]
    columns = [(arm == a).astype(float) for a in range(1, len(trial.arms))]
    labels = [f"arm {a}" for a in trial.arms[1:]]
    notes = []
    if trial.strata:
        strata, found = category_columns(pd.Series(strata_codes(trial)[rows]))
        columns += list(strata.T)
        labels += [f"stratum {s}" for s in found]
        if shares_differ(trial):
            text = "shares of the arms differ by stratum: strata enter as indicators, so the effect is weighted by the overlap of the arms in each."
            notes.append(Note("overlap_weighted", text))
    columns += list(x.T)
    labels += names
    kept: list[int] = []
    for k, column in enumerate(columns):
        base = np.column_stack([np.ones(len(column)), *(columns[j] for j in kept)])
        rest = column - base @ np.linalg.lstsq(base, column, rcond=None)[0]
        if np.sum(rest**2) > _DEPENDENT * max(np.sum((column - column.mean()) ** 2), 1e-300) and np.ptp(column) > 0:
            kept.append(k)
    left = [labels[k] for k in range(len(columns)) if k not in kept]
    if left:
        text = f"{shown(left, 8)} {'is' if len(left) == 1 else 'are'} a combination of other terms and left out."
        notes.append(Note("collinear", text))
    return np.column_stack([columns[k] for k in kept]), notes


def freed_places(free: Sequence[Hashable] | InvarianceResult, data: LatentData) -> frozenset[Place]:
    """Loadings and intercepts that may differ between the waves."""
    if isinstance(free, InvarianceResult):
        return _from_result(free, data)
    if isinstance(free, str):
        raise UsageError(f"free takes a list of item columns: write free=['{free}'].")
    out: set[Place] = set()
    for name in free:
        if str(name) not in data.columns:
            near = nearest(str(name), data.columns)
            raise UsageError(f"free names '{name}', which is no item.{f' Did you mean {near!r}?' if near else ''}")
        j = data.columns.index(str(name)) % data.n_items
        out |= {Place("loading", j, 1, 0), Place("intercept", j, 1, 0)}
    if len({p.item for p in out}) > data.n_items - 2:
        raise UsageError(
            "free leaves fewer than two items equal over the waves, and with those a change cannot be told from a new meaning."
        )
    return frozenset(out)


def _from_result(free: InvarianceResult, data: LatentData) -> frozenset[Place]:
    columns = [c for pair in zip(*(_wave(free, w) for w in (0, 1))) for c in pair] if free.over == "waves" else []
    own = [c for j in range(data.n_items) for c in (data.columns[j], data.columns[data.n_items + j])]
    if columns != own:
        raise UsageError(
            "free holds an invariance result of other items or of groups. Give one of these items over these two waves, in the same order."
        )
    return frozenset(Place(k, j, 1, 0) for k, j, *_ in free.details["freed_places"] if k in ("loading", "intercept"))


def _wave(free: InvarianceResult, wave: int) -> list[str]:
    return [str(names[wave]) for names in free.details["columns"]]
