"""What is said of the rows of a questionnaire: a label each, the unit each person belongs to, and how many people that is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import ColumnNotFoundError, UsageError
from trialkit.inference.arrays import IntArray

__all__ = ["people_text", "row_labels", "unit_codes"]


def row_labels(frame: pd.DataFrame, given: Any, name: str) -> pd.Series:
    """A label each row: a column by its name, or values in the order of the rows."""
    if isinstance(given, str | int) or (isinstance(given, tuple) and given in frame.columns):
        if given not in frame.columns:
            raise ColumnNotFoundError(str(given), frame.columns, where="the items")
        return frame[given].reset_index(drop=True)
    values = pd.Series(np.asarray(given)).reset_index(drop=True)
    if len(values) != len(frame):
        raise UsageError(
            f"{name} has {len(values)} values and the items have {len(frame)} rows. Give one value a row, or a column name."
        )
    return values


def unit_codes(values: pd.Series) -> IntArray:
    """Codes of clusters; a person without one is a cluster of one."""
    codes, found = pd.factorize(values, use_na_sentinel=True)
    alone = codes < 0
    out: IntArray = codes.astype(np.int64)
    out[alone] = len(found) + np.arange(int(alone.sum()))
    return out


def people_text(count: int) -> str:
    """'1 person', '2 people'."""
    return "1 person" if count == 1 else f"{count} people"
