"""A table of numbers, people by raters or waves, checked and complete."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import ColumnNotFoundError, DataError, EstimationError, UsageError, ValueTypeError, repeated, shown
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.measurement.scoring.answers import as_frame, read_answers
from trialkit.results import Note


def complete_table(
    table: Any, cluster: Any, missing_codes: Any, *, least: int
) -> tuple[FloatArray, tuple[str, ...], IntArray | None, list[Note]]:
    """Numbers (n, k), names of the columns, unit codes (n,) or None, notes. People with a missing number are left out."""
    if isinstance(table, np.ndarray) and table.ndim == 2:
        table = pd.DataFrame(table, columns=[f"rating{j}" for j in range(1, table.shape[1] + 1)])
    frame = as_frame(table)
    units = None if cluster is None else _units(frame, cluster)
    aside = [cluster] if isinstance(cluster, str | int) else []
    columns = [c for c in frame.columns if c not in aside]
    if len(set(columns)) < len(columns):
        raise DataError(f"the table has more than one column named {shown(repeated(columns))}. Rename or drop the copies.")
    if len(columns) < 2:
        raise UsageError(
            f"the table has {len(columns)} column{'' if len(columns) == 1 else 's'} of ratings: agreement needs two or more, one row a person and one column a rater or wave. "
            "Long data go to that shape with data.pivot(index='id', columns='rater', values='score')."
        )
    x = read_answers(frame, columns, value_labels=None, missing_codes=missing_codes).codes
    names = tuple(str(c) for c in columns)
    for j, name in enumerate(names):
        if np.isinf(x[:, j]).any():
            raise ValueTypeError(f"column '{name}' holds infinite values. Make them missing.")
    x, whole, notes = _complete(x, least)
    _refuse_codes(x, names)
    if np.ptp(x) == 0:
        raise DataError("everyone has the same rating from every rater, so that nobody can be told from another.")
    codes = None if units is None else units[whole]
    return x, names, None if codes is None else np.unique(codes, return_inverse=True)[1].reshape(-1).astype(np.int64), notes


def _complete(x: FloatArray, least: int) -> tuple[FloatArray, IntArray, list[Note]]:
    whole = ~np.isnan(x).any(axis=1)
    left_out = int((~whole).sum())
    notes = []
    if left_out:
        people = "1 person" if left_out == 1 else f"{left_out} people"
        notes.append(Note("listwise", f"{people} without all {x.shape[1]} ratings left out."))
    if int(whole.sum()) < least:
        raise EstimationError(
            f"{int(whole.sum())} people have all {x.shape[1]} ratings; at least {least} are needed. Leave out columns with many missing values."
        )
    return x[whole], np.flatnonzero(whole).astype(np.int64), notes


def _refuse_codes(x: FloatArray, names: tuple[str, ...]) -> None:
    for j, name in enumerate(names):
        low = x[:, j].min()
        others = x[x[:, j] > low, j]
        if low in (-9, -99, -999, -98, -97, -88, -77) and len(others) and others.min() >= 0:
            raise ValueTypeError(
                f"column '{name}' holds {low:g} beside values from {others.min():g}: that looks like a code for a missing answer. Say "
                f"missing_codes=[{low:g}]."
            )


def _units(frame: pd.DataFrame, given: Any) -> IntArray:
    if isinstance(given, str | int):
        if given not in frame.columns:
            raise ColumnNotFoundError(str(given), frame.columns, where="the table")
        given = frame[given]
    values = pd.Series(np.asarray(given))
    if len(values) != len(frame):
        raise UsageError(f"cluster has {len(values)} values and the table has {len(frame)} rows. Give one value a row.")
    codes, found = pd.factorize(values, use_na_sentinel=True)
    out: IntArray = codes.astype(np.int64)
    out[codes < 0] = len(found) + np.arange(int((codes < 0).sum()))
    return out
