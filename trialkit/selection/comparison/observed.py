"""The rows and columns of a regression on data that were not randomized: complete people, categories as indicators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from trialkit.errors import ColumnNotFoundError, EstimationError, MissingDataError, NotIdentifiedError, UsageError
from trialkit.estimate.covariates import category_columns
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.linear.least_squares import LeastSquares, least_squares
from trialkit.io.frames import numeric, to_pandas
from trialkit.results import Note
from trialkit.trial import Trial


@dataclass(frozen=True, slots=True)
class Observed:
    """Outcome (n,), treatment (n,), columns of the covariates (n, k) and which covariate each belongs to."""

    y: FloatArray
    x: FloatArray
    columns: FloatArray
    owner: IntArray
    names: tuple[str, ...]
    notes: tuple[Note, ...]

    @property
    def n(self) -> int:
        return len(self.y)

    def of(self, names: Sequence[str]) -> FloatArray:
        """Columns of some covariates."""
        which = [self.names.index(name) for name in names]
        return self.columns[:, np.isin(self.owner, which)]

    def fit(self, outcome: FloatArray, *parts: FloatArray) -> LeastSquares:
        """Least squares on a constant and these columns."""
        return least_squares(y=outcome, X=np.column_stack([np.ones(self.n), *parts]))


def frame_of(data: Any) -> pd.DataFrame:
    """Rows of a trial (those with a weight above zero) or of any data frame."""
    if not isinstance(data, Trial):
        return to_pandas(data).reset_index(drop=True)
    if data.weights is None:
        return data.data
    return data.data[data.values(data.weights) > 0].reset_index(drop=True)


def column(frame: pd.DataFrame, name: str) -> pd.Series:
    if name not in frame.columns:
        raise ColumnNotFoundError(name, frame.columns)
    return frame[name]


def listed(value: Sequence[str], what: str) -> tuple[str, ...]:
    if isinstance(value, str):
        raise UsageError(f"{what} takes a list of columns: write {what}=['{value}'].")
    found = tuple(value)
    if len(set(found)) < len(found):
        raise UsageError(f"{what} names a column twice: {list(found)}.")
    return found


def observed(data: Any, outcome: str, treatment: str, adjust: Sequence[str], *, least: int = 1) -> Observed:
    """Complete rows of the columns named; `least` is the smallest number of covariates that makes sense."""
    frame, names = frame_of(data), listed(adjust, "adjust")
    if len(names) < least:
        raise UsageError("adjust is empty: name the covariates that the comparison controls for.")
    if outcome == treatment or {outcome, treatment} & set(names):
        raise UsageError("the outcome, the treatment and the covariates in adjust must be different columns.")
    y, x = numeric(column(frame, outcome), outcome), numeric(column(frame, treatment), treatment)
    keep = np.isfinite(y) & np.isfinite(x)
    for name in names:
        keep &= ~column(frame, name).isna().to_numpy(dtype=bool)
    if not keep.any():
        raise MissingDataError("no row has the outcome, the treatment and every covariate: check the columns.")
    columns, owner = [], []
    for i, name in enumerate(names):
        found = regressors(frame.loc[keep, name], name)
        columns.append(found)
        owner += [i] * found.shape[1]
    notes = []
    if not keep.all():
        notes.append(
            Note("incomplete_rows", f"{int((~keep).sum())} of {len(frame)} people miss one of the columns and are left out.")
        )
    made = Observed(
        y[keep], x[keep], np.column_stack(columns) if columns else np.empty((int(keep.sum()), 0)), np.array(owner, dtype=np.int64),
        names, tuple(notes),
    )  # fmt: skip
    _check(made, outcome, treatment)
    return made


def regressors(series: pd.Series, name: str) -> FloatArray:
    """A number as it is, a category as indicators of all levels but the first."""
    if isinstance(series.dtype, pd.CategoricalDtype) or not (is_numeric_dtype(series) or is_bool_dtype(series)):
        return category_columns(series)[0]
    return numeric(series, name)[:, None]


def _check(data: Observed, outcome: str, treatment: str) -> None:
    for values, name, what in ((data.y, outcome, "outcome"), (data.x, treatment, "treatment")):
        if np.ptp(values) <= 1e-12 * max(1.0, float(np.abs(values).max())):
            raise EstimationError(f"the {what} '{name}' is the same ({values[0]:g}) for everyone: there is nothing to compare.")
    fit = data.fit(data.x, data.columns)
    if float(fit.rss) <= 1e-12 * float(((data.x - data.x.mean()) ** 2).sum()):
        raise NotIdentifiedError(
            f"the covariates determine '{treatment}' exactly: its coefficient cannot be told apart from theirs. Leave out what defines it."
        )
    if data.n - len(fit.kept) - 1 < 2:
        raise EstimationError(f"{data.n} complete people and {len(fit.kept) + 1} terms leave too few degrees of freedom.")
