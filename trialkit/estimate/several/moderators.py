"""Moderators of a meta-analysis as columns of a regression."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import DataError, UsageError, nearest, shown
from trialkit.inference.arrays import FloatArray

INTERCEPT = "intercept"


@dataclass(frozen=True, slots=True)
class Moderator:
    """A moderator: a number (`levels` empty) or a category, whose first level is the one compared with."""

    name: str
    levels: tuple[str, ...] = ()

    @property
    def terms(self) -> list[str]:
        return [f"{self.name}: {level}" for level in self.levels[1:]] or [self.name]

    def columns(self, values: Sequence[Any]) -> FloatArray:
        """One column for a number, one a level after the first for a category."""
        if not self.levels:
            return np.asarray(pd.to_numeric(pd.Series(list(values)), errors="coerce"), dtype=float)[:, None]
        unknown = [str(v) for v in values if str(v) not in self.levels]
        if unknown:
            near = nearest(unknown[0], self.levels)
            raise UsageError(
                f"moderator '{self.name}' has no level '{unknown[0]}'; it has {shown(self.levels)}.{f' Did you mean {near!r}?' if near else ''}"
            )
        return np.array([[str(v) == level for level in self.levels[1:]] for v in values], dtype=float)


def read_moderators(given: Any, names: Sequence[str]) -> tuple[tuple[Moderator, ...], FloatArray]:
    """The moderators and the matrix of the regression, a column of ones first; `names` are the labels of the estimates."""
    table = _table(given, len(names))
    found, columns = [], [np.ones((len(names), 1))]
    for name in table.columns:
        moderator = _moderator(str(name), table[name], names)
        found.append(moderator)
        columns.append(moderator.columns(table[name].tolist()))
    return tuple(found), np.column_stack(columns)


def check_same_rows(estimates: Any, **given: Any) -> None:
    """Refuse columns whose row labels are not those of the estimates: by position they would be joined to the wrong ones."""
    if not isinstance(estimates, pd.Series):
        return
    for name, value in given.items():
        columns = value.items() if isinstance(value, Mapping) else [("", value)]
        for column, values in columns:
            labelled = isinstance(values, (pd.Series, pd.DataFrame)) and len(values) == len(estimates)
            if labelled and not values.index.equals(estimates.index):
                raise DataError(
                    f"the rows of {name}={f' ({column!r})' if column else ''} have other labels than the estimates, or the same in another order: take both from "
                    "one table, or say that they go by position with .to_numpy() or .reset_index(drop=True) on both."
                )


def design_row(moderators: Sequence[Moderator], values: Mapping[str, Any]) -> FloatArray:
    """The row of the matrix at given values of all moderators."""
    known = [m.name for m in moderators]
    wrong = [k for k in values if k not in known] or [k for k in known if k not in values]
    if wrong:
        raise UsageError(f"give one value for each moderator and nothing else ({shown(known)}); see '{wrong[0]}'.")
    row = np.concatenate([[1.0], *(m.columns([values[m.name]])[0] for m in moderators)])
    if not np.isfinite(row).all():
        raise UsageError(f"moderators take numbers or levels; got {shown([f'{k} = {v}' for k, v in values.items()])}.")
    return row


def _table(given: Any, count: int) -> pd.DataFrame:
    if given is None:
        return pd.DataFrame(index=range(count))
    if isinstance(given, pd.DataFrame):
        table = given.reset_index(drop=True)
    elif isinstance(given, pd.Series):
        table = given.reset_index(drop=True).to_frame(given.name or "moderator")
    elif isinstance(given, Mapping):
        single = [k for k, v in given.items() if isinstance(v, str) or not hasattr(v, "__len__")]
        if single:
            raise UsageError(f"moderator '{single[0]}' is one value: give a list of them, one an estimate.")
        lengths = {k: len(v) for k, v in given.items()}
        wrong = [k for k, n in lengths.items() if n != count]
        if wrong:
            raise DataError(f"moderator '{wrong[0]}' has {lengths[wrong[0]]} values for {count} estimates: one an estimate.")
        table = pd.DataFrame({k: pd.Series(v).reset_index(drop=True) for k, v in given.items()})
    else:
        raise UsageError("moderators= is a data frame or a mapping such as {'training': [0, 1, 1, ...]}.")
    if len(table) != count:
        raise DataError(f"there are {len(table)} rows of moderators for {count} estimates: one row an estimate.")
    if not len(table.columns):
        raise UsageError("moderators= holds no columns: leave it out to pool the estimates.")
    return table


def _moderator(name: str, values: Any, labels: Sequence[str]) -> Moderator:
    if not isinstance(values, pd.Series):
        raise DataError(f"there are two moderators called '{name}': name each one once.")
    missing = values.isna()
    if missing.any():
        at = [label for label, absent in zip(labels, missing.tolist()) if absent]
        raise DataError(
            f"moderator '{name}' is missing for {shown(at)}: find the value, or leave these estimates out of the analysis and say so."
        )
    if isinstance(values.dtype, pd.CategoricalDtype):
        present = {str(v) for v in values.tolist()}
        levels = tuple(str(v) for v in values.cat.categories if str(v) in present)
    elif pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_numeric_dtype(values.dtype):
        numbers = [float(v) for v in values.tolist()]
        infinite = [labels[i] for i, v in enumerate(numbers) if not math.isfinite(v)]
        if infinite:
            raise DataError(f"moderator '{name}' is infinite for {shown(infinite)}.")
        if len(set(numbers)) < 2:
            raise DataError(f"moderator '{name}' is {numbers[0]:g} everywhere, so nothing depends on it: leave it out.")
        return Moderator(name)
    else:
        levels = tuple(sorted({str(v) for v in values.tolist()}))
    if len(levels) < 2:
        raise DataError(f"moderator '{name}' is '{levels[0]}' everywhere, so nothing depends on it: leave it out.")
    return Moderator(name, levels)
