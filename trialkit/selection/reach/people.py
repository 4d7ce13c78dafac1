"""Covariates of a trial's people and of a population, in the same columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from trialkit.errors import ColumnNotFoundError, DataError, MissingDataError, UsageError, ValueTypeError, repeated, shown
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.io.frames import numeric
from trialkit.printed import counted_people
from trialkit.trial import rows_text


@dataclass(frozen=True, slots=True)
class Column:
    """One column of both tables: a number, or the indicator of a level."""

    covariate: str
    level: str
    sample: FloatArray
    population: FloatArray

    @property
    def name(self) -> str:
        return f"{self.covariate}: {self.level}" if self.level else self.covariate

    @property
    def outside(self) -> BoolArray:
        """People of the population beyond what the sample holds: outside its range, or of a level that nobody there has."""
        if self.level:
            return np.asarray((self.population > 0) & (not (self.sample > 0).any()))
        return np.asarray((self.population < self.sample.min()) | (self.population > self.sample.max()))


@dataclass(frozen=True, slots=True)
class Shared:
    """All columns; `matrix` leaves out the first level of each category."""

    columns: tuple[Column, ...]
    reference: tuple[bool, ...]

    def matrix(self, which: str) -> FloatArray:
        """(n, k + 1) a constant and the columns of 'sample' or 'population'."""
        kept = [getattr(c, which) for c, first in zip(self.columns, self.reference) if not first]
        n = len(getattr(self.columns[0], which))
        return np.column_stack([np.ones(n), *kept])

    @property
    def names(self) -> list[str]:
        return [c.name for c, first in zip(self.columns, self.reference) if not first]


def shared_columns(
    sample: pd.DataFrame,
    population: pd.DataFrame,
    covariates: Sequence[str],
    *,
    categorical: Sequence[str] = (),
    words: tuple[str, str] = ("the sample", "the population"),
) -> Shared:
    """Columns of both tables, checked: present in both, of the same kind, without missing values."""
    if isinstance(covariates, str):
        raise UsageError(f"covariates takes a list of columns: write ['{covariates}'].")
    if not len(covariates):
        raise UsageError("covariates is empty: name the columns in which the people of the trial and the population may differ.")
    if len(set(covariates)) < len(covariates):
        raise UsageError(f"covariates names {shown(repeated(covariates))} twice: once is enough.")
    tables = (sample, population)
    for table, where in zip(tables, words):
        if len(table) < 2:
            raise DataError(
                f"{where} has {len(table)} {'person' if len(table) == 1 else 'people'}: two or more are needed to compare them."
            )
        for name in covariates:
            if name not in table.columns:
                raise ColumnNotFoundError(name, table.columns, where)
            absent = table[name].isna().to_numpy()
            if absent.any():
                raise MissingDataError(
                    f"'{name}' is missing for {counted_people(int(absent.sum()))} of {where} ({rows_text(absent)}). Whose covariates are unknown cannot be compared: "
                    f"fill the values in, leave '{name}' out, or leave those people out of the table and say so."
                )
    columns: list[Column] = []
    reference: list[bool] = []
    for name in covariates:
        new = _columns(name, sample[name], population[name], name in categorical, words)
        columns += new
        reference += [bool(c.level) and i == 0 for i, c in enumerate(new)]
    return Shared(tuple(columns), tuple(reference))


def _columns(name: str, sample: pd.Series, population: pd.Series, category: bool, words: tuple[str, str]) -> list[Column]:
    numbers = [is_numeric_dtype(s) or is_bool_dtype(s) for s in (sample, population)]
    if numbers[0] != numbers[1] and not category:
        kinds = ["numbers" if v else "text" for v in numbers]
        raise ValueTypeError(
            f"'{name}' holds {kinds[0]} in {words[0]} and {kinds[1]} in {words[1]}: code it the same way in both tables."
        )
    if all(numbers) and not category:
        return [Column(name, "", numeric(sample, name), numeric(population, name))]
    both = [s.astype(str).to_numpy() for s in (sample, population)]
    inside = sorted(set(both[0]))
    levels = inside + sorted(set(both[1]) - set(inside))  # the reference is a level that the sample holds
    return [Column(name, level, (both[0] == level).astype(float), (both[1] == level).astype(float)) for level in levels]
