"""From a frame of items to the arrays of a factor model, refusing what would give numbers that only look fine."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from trialkit.errors import (
    ColumnNotFoundError,
    DataError,
    EstimationError,
    MissingDataError,
    NotIdentifiedError,
    UsageError,
    ValueTypeError,
    shown,
)
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.factor.fiml import Saturated
from trialkit.measurement.scoring.answers import as_frame, rows_in_words
from trialkit.measurement.scoring.people_rows import people_text, row_labels, unit_codes
from trialkit.measurement.scoring.stray_codes import stray_codes
from trialkit.results import Note

Missing = Literal["fiml", "listwise"]

_DEPENDENT = 1e-8


@dataclass(frozen=True, slots=True)
class CfaData:
    """Items as numbers with everything that goes with their rows.

    Attributes
    ----------
    x, rows : answers (n, p), NaN = missing, and their positions in the frame.
    items, factors, pattern : names, and which item loads on which factor.
    group, group_labels : codes by row and their labels; one group without a label when there are none.
    unit : independent unit of each row, None when people are independent.
    """

    x: FloatArray
    rows: IntArray
    items: tuple[str, ...]
    factors: tuple[str, ...]
    pattern: BoolArray
    group: IntArray
    group_labels: tuple[str, ...]
    unit: IntArray | None
    complete: bool
    notes: tuple[Note, ...]


def read_model(model: Mapping[str, Sequence[Hashable]]) -> tuple[tuple[str, ...], list[Hashable], BoolArray]:
    """Factor names, item columns in the order in which they first occur, and the pattern."""
    if not isinstance(model, Mapping) or not model:
        raise UsageError("model says which items belong to which factor: {'f': ['item1', 'item2', 'item3']}.")
    columns: list[Hashable] = []
    for factor, items in model.items():
        if isinstance(items, str) or not isinstance(items, Sequence | pd.Index | np.ndarray):
            raise UsageError(f"model['{factor}'] must be a list of item columns, not {items!r}.")
        twice = sorted({str(i) for i in items if list(items).count(i) > 1})
        if twice:
            raise UsageError(f"model['{factor}'] lists {shown(twice)} more than once.")
        if len(items) < 2:
            which = f"the single item '{items[0]}'" if len(items) else "no item"
            raise NotIdentifiedError(
                f"factor '{factor}' has {which}: its residual variance cannot be told from the factor. "
                "Give a factor at least three items, or leave it out."
            )
        columns += [i for i in items if i not in columns]
    if len(model) == 1 and len(columns) == 2:
        raise NotIdentifiedError(
            f"the factor with only {shown([str(c) for c in columns])} has 4 free numbers and 3 variances and covariances to find "
            "them from. A factor alone needs at least three items."
        )
    pattern = np.array([[c in list(items) for items in model.values()] for c in columns], dtype=bool)
    return tuple(str(f) for f in model), columns, pattern


def read_data(
    items: Any,
    model: Mapping[str, Sequence[Hashable]],
    *,
    groups: Any,
    cluster: Any,
    missing: Missing,
) -> CfaData:
    """The arrays of a request."""
    frame = as_frame(items)
    factors, columns, pattern = read_model(model)
    x = np.column_stack([_numbers(frame, c) for c in columns])
    names = tuple(str(c) for c in columns)
    labels = None if groups is None else row_labels(frame, groups, "groups")
    units = None if cluster is None else row_labels(frame, cluster, "cluster")
    keep, notes = _kept_rows(x, labels, missing)
    x, rows = x[keep], np.flatnonzero(keep)
    group, group_labels = _group_codes(labels, keep)
    out = CfaData(
        x=x,
        rows=rows,
        items=names,
        factors=factors,
        pattern=pattern,
        group=group,
        group_labels=group_labels,
        unit=None if units is None else unit_codes(units[keep]),
        complete=not np.isnan(x).any(),
        notes=(*notes, *stray_codes(x, names, lambda code: f"Make it missing first: items.replace({code:g}, float('nan')).")),
    )
    _check_enough(out)
    return out


def _numbers(frame: pd.DataFrame, column: Hashable) -> FloatArray:
    if column not in frame.columns:
        raise ColumnNotFoundError(str(column), frame.columns, where="the items")
    series = frame[column]
    if isinstance(series, pd.DataFrame):
        raise DataError(f"the items have more than one column named '{column}'. Rename or drop the copies.")
    kind = series.dtype
    if not (pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind)) or pd.api.types.is_complex_dtype(kind):
        words = [str(v) for v in series.dropna().unique()[:5]]
        raise ValueTypeError(
            f"item '{column}' holds {'categories' if isinstance(kind, pd.CategoricalDtype) else 'text'} ({shown(words)}), not numbers. "
            "Turn the answers into codes first, for instance with tk.measurement.score(data, scale, items=..., value_labels={...})."
        )
    values: FloatArray = series.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(values).any():
        raise ValueTypeError(
            f"item '{column}' holds infinite values ({rows_in_words(series.index[np.isinf(values)])}). Make them missing."
        )
    return values


def _kept_rows(x: FloatArray, labels: pd.Series | None, missing: Missing) -> tuple[BoolArray, list[Note]]:
    absent = np.isnan(x)
    keep: BoolArray = ~np.all(absent, axis=1)
    notes = []
    if not keep.all():
        notes.append(Note("no_answers", f"{people_text(int((~keep).sum()))} without any answer left out."))
    if labels is not None:
        nowhere = keep & labels.isna().to_numpy()
        if nowhere.any():
            notes.append(Note("no_group", f"{people_text(int(nowhere.sum()))} without a value of groups left out."))
        keep &= ~nowhere
    partial = keep & absent.any(axis=1)
    if missing == "listwise":
        if partial.any():
            notes.append(
                Note("listwise", f"{people_text(int(partial.sum()))} with a missing answer left out (missing='listwise').")
            )
        keep &= ~partial
    elif partial.any():
        notes.append(
            Note(
                "fiml",
                f"{people_text(int(partial.sum()))} with missing answers used as far as they go (full-information maximum likelihood: "
                "answers missing at random given the others).",
            )
        )
    if not keep.any():
        raise MissingDataError("no person is left with answers to these items. Check the columns and the missing codes.")
    return keep, notes


def _group_codes(labels: pd.Series | None, keep: BoolArray) -> tuple[IntArray, tuple[str, ...]]:
    if labels is None:
        return np.zeros(int(keep.sum()), dtype=np.int64), ("",)
    codes, found = pd.factorize(labels[keep], sort=True)
    if len(found) < 2:
        raise DataError(
            f"groups has one value only ({shown(found)}) among the people with answers. Leave groups out, or check the column."
        )
    if len(found) > 20:
        raise UsageError(
            f"groups has {len(found)} values; a model is fitted for each. For people in groups use cluster=, not groups=."
        )
    return codes.astype(np.int64), tuple(str(v) for v in found)


def _check_enough(data: CfaData) -> None:
    p = len(data.items)
    for g, label in enumerate(data.group_labels):
        x = data.x[data.group == g]
        where = f" in group '{label}'" if label else ""
        answered = (~np.isnan(x)).sum(axis=0)
        if answered.min() < 2:
            raise MissingDataError(
                f"item '{data.items[int(answered.argmin())]}' has {answered.min()} answers{where}. Leave the item out."
            )
        spread = np.nanmax(x, axis=0) - np.nanmin(x, axis=0)
        if (spread == 0).any():
            j = int(np.flatnonzero(spread == 0)[0])
            raise DataError(
                f"item '{data.items[j]}' has the same answer ({x[~np.isnan(x[:, j]), j][0]:g}) from everyone{where}, so it has no "
                "covariance with the others. Leave it out of the model."
            )
        if len(x) <= p:
            raise EstimationError(
                f"{people_text(len(x))}{where} and {p} items: a covariance matrix of {p} items needs more people than items "
                "(and a factor model many more). Use fewer items, or no separate groups."
            )
        together = (~np.isnan(x)).astype(float)
        pairs = together.T @ together
        if pairs.min() < 2:
            i, k = divmod(int(pairs.argmin()), p)
            raise MissingDataError(
                f"items '{data.items[i]}' and '{data.items[k]}' are answered together by {people_text(int(pairs.min()))}{where}: their "
                "covariance is not in the data. Leave one of them out."
            )


def check_dependence(data: CfaData, h1: Saturated) -> None:
    """Refuse items that are a sum of other items."""
    if not h1.converged:
        raise EstimationError(
            "the means and covariances of the items could not be found from the incomplete answers (EM did not converge). "
            "Too few people answered some items together; leave those items out or say missing='listwise'."
        )
    for g, label in enumerate(data.group_labels):
        sd = np.sqrt(np.diag(h1.cov[g]))
        values, vectors = np.linalg.eigh(h1.cov[g] / np.outer(sd, sd))
        if values[0] < _DEPENDENT:
            involved = [data.items[j] for j in np.flatnonzero(np.abs(vectors[:, 0]) > 0.05)]
            where = f" in group '{label}'" if label else ""
            raise DataError(
                f"items {shown(involved, 8)} determine each other{where} (copies, or a total beside its parts). Leave one of them out."
            )
