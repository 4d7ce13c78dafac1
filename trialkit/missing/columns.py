"""What is imputed and how: the columns, their methods, and the predictors that are complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from trialkit.errors import EstimationError, GroupError, MissingDataError, UsageError, ValueTypeError, nearest, shown
from trialkit.estimate.covariates import category_columns, covariates, is_category
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.imputation.conditional import Method
from trialkit.io.suspicions import suspicions
from trialkit.printed import counted_people
from trialkit.results import Note
from trialkit.trial import ALONE, Trial

FEW_GROUPS = 10
_SPARE = 3
_SKEWED = 1.0
_LEVELS = 12


@dataclass(frozen=True, slots=True)
class Prepared:
    """Arrays of the people with a positive weight.

    Attributes
    ----------
    rows : (n,) positions in the trial. values : (n, p) with NaN. fixed : (n, q) complete predictors named by `terms`.
    arm, group : (n,) codes; group -1 for people who share none. Randomized clusters are groups in every arm.
    """

    rows: IntArray
    columns: tuple[str, ...]
    values: FloatArray
    fixed: FloatArray
    terms: tuple[str, ...]
    arm: IntArray
    group: IntArray
    methods: tuple[Method, ...]
    notes: tuple[Note, ...]


def prepared(trial: Trial, columns: Sequence[str], predictors: Sequence[str], methods: Mapping[str, str]) -> Prepared:
    """Check the request and turn it into arrays."""
    names = listed(columns, "columns")
    if not names:
        raise UsageError("columns is empty: name the columns to impute, and those that predict them.")
    more = listed(predictors, "predictors")
    check_roles(trial, (*names, *more))
    twice = [n for n in names if n in more]
    if twice:
        raise UsageError(
            f"'{twice[0]}' stands in columns and in predictors: columns predict each other already, so leave it out of predictors."
        )
    stray = [n for n in methods if n not in names]
    if stray:
        near = nearest(stray[0], names)
        raise UsageError(
            f"methods names '{stray[0]}', which is not among the columns.{f' Did you mean {near!r}?' if near else ''}"
        )
    active = np.ones(trial.n, dtype=bool) if trial.weights is None else trial.values(trial.weights) > 0
    rows = np.flatnonzero(active)
    values = np.column_stack([number_column(trial, n) for n in names])[rows]
    x = covariates(trial, more, "impute")
    strata, levels = _strata(trial)
    notes = [*trial.notes, *x.notes]
    if trial.weights is not None and not active.all():
        notes.append(Note("zero_weights", counted_people(int((~active).sum()), "have weight zero: they are left as they are.")))
    group = (trial.codes(trial.cluster) if trial.cluster else trial.group_codes)[rows]
    arm = trial.arm_codes[rows]
    fixed = np.column_stack([x.columns, strata])[rows]
    chosen = tuple(_method(n, values[:, j], methods.get(n)) for j, n in enumerate(names))
    out = Prepared(rows, names, values, fixed, (*x.names, *levels), arm, group, chosen, tuple(notes))
    _check_arms(trial, out)
    _check_collinear(out)
    return Prepared(rows, names, values, fixed, out.terms, arm, group, chosen, (*notes, *_group_notes(trial, out)))


def listed(names: Sequence[str], what: str) -> tuple[str, ...]:
    if isinstance(names, str):
        raise UsageError(f"{what} takes a list of columns: write {what}=['{names}'].")
    out = tuple(names)
    again = [n for i, n in enumerate(out) if n in out[:i]]
    if again:
        raise UsageError(f"{what} names '{again[0]}' twice.")
    return out


def check_roles(trial: Trial, names: Sequence[str]) -> None:
    roles = {
        trial.arm: "the arm: arms are imputed apart", trial.group: "the group: its effect is in the model", trial.unit: "the identifier",
        trial.cluster: "the cluster: its effect is in the model",
    } | dict.fromkeys(trial.strata, "a stratum: strata are predictors already")  # fmt: skip
    for name in names:
        trial.column(name)
        if name in roles:
            raise UsageError(f"'{name}' is {roles[name]}. Leave it out.")


def number_column(trial: Trial, name: str) -> FloatArray:
    """A column as numbers, refused when it is text, a category or full of undeclared codes."""
    column = trial.column(name)
    if is_category(trial, name) or not (is_numeric_dtype(column) or is_bool_dtype(column)):
        raise ValueTypeError(
            f"'{name}' holds text or categories, which cannot be imputed as numbers. Code ordered answers 1, 2, 3, ... and unordered ones as a "
            "0/1 column each; a complete one can stand in predictors."
        )
    found = list(suspicions(column.to_frame(name)))
    values = trial.values(name)
    if found and np.isfinite(values).any():
        raise ValueTypeError(f"{found[0]}, or set it to missing: it would be taken for an answer and not be imputed.")
    if np.isinf(values).any():
        raise ValueTypeError(f"'{name}' has infinite values: set them to missing or mend them.")
    return values


def _strata(trial: Trial) -> tuple[FloatArray, list[str]]:
    columns, names = [np.empty((trial.n, 0))], []
    for name in trial.strata:
        indicators, levels = category_columns(trial.column(name))
        columns.append(indicators)
        names += [f"{name}: {level}" for level in levels]
    return np.column_stack(columns), names


def _method(name: str, values: FloatArray, asked: str | None) -> Method:
    known = values[np.isfinite(values)]
    levels = np.unique(known)
    if asked is not None:
        options: tuple[Literal["normal", "pmm", "logistic"], ...] = get_args(Method)
        if asked not in options:
            raise UsageError(f"methods={{'{name}': {asked!r}}} is unknown: say one of {shown(options)}.")
        if asked == "logistic" and not np.isin(levels, (0.0, 1.0)).all():
            raise UsageError(
                f"'{name}' has the values {shown(levels.tolist())}, and 'logistic' is for 0 and 1: recode it, or say 'pmm'."
            )
        return next(o for o in options if o == asked)
    if np.isin(levels, (0.0, 1.0)).all():
        return "logistic"
    spread = known.std()
    skew = float(((known - known.mean()) ** 3).mean() / spread**3) if spread > 0 else 0.0
    heap = max(np.unique(known, return_counts=True)[1]) / len(known) if len(known) else 0.0
    return "pmm" if len(levels) <= _LEVELS or abs(skew) > _SKEWED or heap > 0.1 else "normal"


def _check_arms(trial: Trial, p: Prepared) -> None:
    for j, name in enumerate(p.columns):
        gaps = np.isnan(p.values[:, j])
        if gaps.all():
            raise MissingDataError(f"'{name}' is missing for everyone: check the column, or that the wave is in the file.")
        for a, label in enumerate(trial.arms):
            inside = p.arm == a
            lost, known = int((gaps & inside).sum()), inside & ~gaps
            if not lost:
                continue
            if not known.any():
                raise MissingDataError(
                    f"'{name}' is missing for all {counted_people(lost)} in arm {label!r}: nothing in the data says what it would be there. "
                    "Leave the column out; tk.selection bounds the effect of what was lost."
                )
            width = len(p.columns) + int((np.ptp(p.fixed[inside], axis=0) > 0).sum())
            if known.sum() < width + _SPARE:
                raise EstimationError(
                    f"arm {label!r} has {int(known.sum())} people with '{name}' and {width} coefficients to predict it: name fewer columns or "
                    "predictors, such as one total in place of its items."
                )
            groups = np.unique(p.group[known & (p.group != ALONE)])
            if trial.grouped_arms and label in trial.grouped_arms and len(groups) < 2:
                raise GroupError(
                    f"arm {label!r} has {len(groups)} group with '{name}': the variance between groups cannot be drawn from one. "
                    "With so few groups, use tk.missing.what_if or bounds."
                )


def _check_collinear(p: Prepared) -> None:
    """A column that others determine exactly would be imputed as if it could differ from them."""
    complete = ~np.isnan(p.values).any(axis=1)
    width = p.values.shape[1] + p.fixed.shape[1]
    if complete.sum() <= width + 1 or width < 2:
        return
    both = np.column_stack([p.values, p.fixed])[complete]
    both = both - both.mean(axis=0)
    scale = np.sqrt((both**2).sum(axis=0))
    varies = scale > 0
    unit = both[:, varies] / scale[varies]
    places = np.flatnonzero(varies)
    names = (*p.columns, *p.terms)
    for i, j in enumerate(places):
        if j >= len(p.columns):
            break
        others = np.delete(unit, i, axis=1)
        rest = unit[:, i] - others @ np.linalg.lstsq(others, unit[:, i], rcond=1e-10)[0]
        if float(rest @ rest) < 1e-12:
            with_it = names[int(np.delete(places, i)[np.argmax(np.abs(others.T @ unit[:, i]))])]
            raise UsageError(
                f"'{p.columns[j]}' follows exactly from the other columns ('{with_it}' among them), so it cannot be imputed beside them. Leave it out "
                "and compute it in each completed trial: analyse(lambda t: tk.itt(t.with_columns({...}), ...))."
            )


def _group_notes(trial: Trial, p: Prepared) -> list[Note]:
    notes = []
    what = "clusters" if trial.cluster else "groups"
    for a, label in enumerate(trial.arms):
        member = (p.arm == a) & (p.group != ALONE)
        count = len(np.unique(p.group[member]))
        if count and count < FEW_GROUPS:
            notes.append(
                Note(
                    "few_groups_imputation",
                    f"arm {label!r} has {count} {what}: the variance between them is drawn with much uncertainty, and the imputations spread accordingly.",
                )
            )
        for j, name in enumerate(p.columns):
            empty = [g for g in np.unique(p.group[member]) if np.isnan(p.values[member & (p.group == g), j]).all()]
            if empty:
                notes.append(
                    Note(
                        "group_without_values",
                        f"'{name}' is missing for everyone in {len(empty)} of the {count} {what} of arm {label!r}: their effect is drawn from the distribution of the others.",
                    )
                )
    return notes


def uses_matrix(p: Prepared, predicts: Mapping[str, Sequence[str]], strata: Sequence[str]) -> BoolArray:
    """(p, p + q) which columns predict which; by default all, and strata always."""
    names = (*p.columns, *p.terms)
    uses = np.ones((len(p.columns), len(names)), dtype=bool)
    for target, sources in predicts.items():
        if target not in p.columns:
            raise UsageError(f"predicts names '{target}', which is not among the columns.")
        wanted = listed(sources, f"predicts['{target}']")
        for s in wanted:
            if not any(_made_of(n, s) for n in names):
                near = nearest(s, names)
                remedy = f" Did you mean {near!r}?" if near else ""
                raise UsageError(f"predicts['{target}'] holds '{s}', which is neither in columns nor in predictors.{remedy}")
        uses[p.columns.index(target)] = [any(_made_of(n, s) for s in (*wanted, *strata)) for n in names]
    return uses


def _made_of(term: str, column: str) -> bool:
    return term == column or term.startswith(f"{column}: ")
