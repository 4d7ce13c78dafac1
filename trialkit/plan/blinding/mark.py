"""The column that tells simulated data from those of people, in every row, so that a file is not taken for the trial's later."""

from __future__ import annotations

import pandas as pd

__all__ = ["MARK", "is_made_up"]

MARK = ("simulated", "no real people")


def is_made_up(frame: pd.DataFrame) -> bool:
    """Whether every row says that it is of no real person."""
    column, words = MARK
    return column in frame.columns and len(frame) > 0 and bool((frame[column].astype(str) == words).all())
