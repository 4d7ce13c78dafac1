"""Covariate columns of a design matrix: numbers as they are, categories as indicators, missing baseline values filled in.

A randomized person is never dropped for a missing baseline value: the mean over both arms is filled in and an indicator of
missingness added. Both are blind to the arm, so the effect stays unbiased (Zhao & Ding 2022, "To adjust or not to adjust ...
in the presence of missingness").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from trialkit.errors import MissingDataError, ValueTypeError
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.io.suspicions import undeclared_codes
from trialkit.printed import counted_people
from trialkit.results import Note
from trialkit.trial import Trial, rows_text

CovariateMissing = Literal["impute", "drop", "error"]


@dataclass(frozen=True, slots=True)
class Covariates:
    """Columns (n, k) with their names; `complete` marks rows to keep when missing values are dropped."""

    columns: FloatArray
    names: tuple[str, ...]
    complete: BoolArray
    notes: tuple[Note, ...]


def covariates(trial: Trial, adjust: tuple[str, ...], missing: CovariateMissing) -> Covariates:
    """Columns for `adjust`, in order; the first level of a category is the reference."""
    columns: list[FloatArray] = []
    names: list[str] = []
    notes: list[Note] = []
    complete = np.ones(trial.n, dtype=bool)
    for name in adjust:
        absent = trial.column(name).isna().to_numpy()
        if absent.any() and missing == "error":
            raise MissingDataError(
                f"the covariate '{name}' is missing in {rows_text(absent)}. Fill it in, or let covariate_missing='impute' fill in the "
                "mean with an indicator (randomized people then stay in the analysis)."
            )
        complete &= ~absent
        if is_category(trial, name):
            _add_category(trial, name, absent, columns, names, notes, missing)
        else:
            _add_number(trial, name, absent, columns, names, notes, missing)
    stacked = np.column_stack(columns) if columns else np.empty((trial.n, 0))
    keep = complete if missing == "drop" else np.ones(trial.n, dtype=bool)
    if not keep.all():
        notes.append(
            Note(
                "covariate_rows_dropped",
                counted_people(int((~keep).sum()), "with a missing covariate are left out (covariate_missing='drop')."),
            )
        )
    return Covariates(stacked, tuple(names), keep, tuple(notes))


def is_category(trial: Trial, name: str) -> bool:
    column = trial.column(name)
    named = name in trial.categorical or name in trial.strata
    return named or isinstance(column.dtype, pd.CategoricalDtype) or not (is_numeric_dtype(column) or is_bool_dtype(column))


def category_columns(values: pd.Series) -> tuple[FloatArray, list[str]]:
    """Indicators of all levels but the first; a missing value is a level of its own, the last."""
    codes, levels = pd.factorize(values, sort=True)
    labels = [str(v) for v in levels]
    if (codes < 0).any():
        codes = np.where(codes < 0, len(labels), codes)
        labels.append("missing")
    return (codes[:, None] == np.arange(1, len(labels))).astype(float), labels[1:]


def _add_category(
    trial: Trial, name: str, absent: BoolArray, columns: list[FloatArray], names: list[str], notes: list[Note], missing: str
) -> None:
    indicators, levels = category_columns(trial.column(name))
    word = None if name in trial.categorical or name in trial.strata else _word_among_numbers(trial.column(name))
    if word is not None:
        if 2 * len(levels) > trial.n:
            raise ValueTypeError(
                f"the covariate '{name}' holds numbers and words, such as '{word}', and with {len(levels) + 1} different values it can be no "
                "category: mend the cells, or declare the word as a missing code."
            )
        notes.append(
            Note(
                "covariate_words",
                f"'{name}' holds numbers and words, such as '{word}': it is taken as a category. Mend the cells, or name it under "
                "categorical in [data].",
            )
        )
    for j, level in enumerate(levels):
        columns.append(indicators[:, j])
        names.append(f"{name}: {level}")
    if absent.any() and missing == "impute":
        notes.append(
            Note(
                "covariate_imputed",
                f"'{name}' is missing for {counted_people(int(absent.sum()))}: missing is a category of its own.",
            )
        )


def _word_among_numbers(values: pd.Series) -> str | None:
    """The first word of a column whose other values are numbers: a slip in one cell turns a number into a category."""
    texts = pd.Series(values.dropna().unique()).astype(str)
    numbers = pd.to_numeric(texts, errors="coerce")
    wordy = texts[~np.isfinite(numbers)]
    return str(wordy.iloc[0]) if 0 < len(wordy) < len(texts) else None


def _add_number(
    trial: Trial, name: str, absent: BoolArray, columns: list[FloatArray], names: list[str], notes: list[Note], missing: str
) -> None:
    values = trial.values(name)
    absent = absent | ~np.isfinite(values)
    if absent.all():
        raise MissingDataError(f"the covariate '{name}' has no values at all: leave it out of adjust, or check the column.")
    if absent.any():
        values = np.where(absent, values[~absent].mean(), values)
    columns.append(values)
    names.append(name)
    notes += [Note("undeclared_code", f"{text}.") for text in undeclared_codes(pd.Series(values[~absent]), name)]
    if absent.any() and missing == "impute":
        columns.append(absent.astype(float))
        names.append(f"{name}: missing")
        notes.append(
            Note(
                "covariate_imputed",
                f"'{name}' is missing for {counted_people(int(absent.sum()))}: the mean over both arms was filled in and an indicator added.",
            )
        )
