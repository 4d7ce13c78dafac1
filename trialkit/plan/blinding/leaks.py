"""Columns of a data file that tell the arm: copies of it, answers that only one arm gave, numbers that stand apart by arm."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from pandas.api import types

from trialkit.inference.arrays import BoolArray

__all__ = ["leak_of"]

CHANCE = 1e-4  # a value in one arm alone is no leak where chance does this as often
APART = 0.95  # share of pairs of people of two arms that a column of numbers puts in order
MISSING_APART = 0.5
FEW_VALUES = 50


def leak_of(values: pd.Series, arm: pd.Series) -> str | None:
    """Why a column tells the arm, without saying which, or None.

    Ordinary losses and effects stay: what one arm has more often than the other is data. Taken as leaks are a value (or a code, or no answer) that only
    one arm has and that chance would rarely keep there, a difference of half in who has a value at all, and numbers that hardly overlap.
    """
    known = arm.notna().to_numpy()
    groups = [known & (arm == a).to_numpy() for a in arm.dropna().unique()]
    gone = values.isna().to_numpy()
    shares = [float(gone[g].mean()) for g in groups if g.any()]
    if shares and max(shares) - min(shares) >= MISSING_APART:
        return "is filled in in some arms only"
    text = values.astype(str).to_numpy()
    levels = pd.Series(text[~gone]).value_counts()
    for level in levels.index[:FEW_VALUES]:
        if _one_sided((text == level) & ~gone, groups):
            return "has a value that occurs in some arms only"
    if _tells(text, gone, known, arm, levels):
        return "tells the arm"
    if types.is_numeric_dtype(values) and not types.is_bool_dtype(values) and _apart(values, groups):
        return "has other numbers in some arms"
    return None


def _one_sided(has: BoolArray, groups: list[BoolArray]) -> bool:
    """Whether some arm lacks a value that chance would hardly keep out of it."""
    everyone = sum(int(g.sum()) for g in groups)
    count = sum(int((has & g).sum()) for g in groups)
    return any(
        not (has & g).any() and count * math.log1p(-int(g.sum()) / everyone) < math.log(CHANCE)
        for g in groups
        if g.sum() < everyone
    )


def _tells(text: np.ndarray, gone: BoolArray, known: BoolArray, arm: pd.Series, levels: pd.Series) -> bool:
    """Labels of many kinds (groups, sessions, sites of one arm) each of which is in one arm only, as often as not by more than chance."""
    from scipy import stats  # slow to import, and most calls of the package do without it

    if not len(levels) or levels.iloc[0] < 2:
        return False
    chosen = known & ~gone
    table = pd.crosstab(pd.Series(text[chosen]), pd.Series(arm.to_numpy()[chosen]).astype(str))
    repeated = table[table.sum(axis=1) >= 2]
    if repeated.sum().sum() < 20:
        return False
    share = (repeated.sum() / repeated.sum().sum()).to_numpy()
    pure = repeated.max(axis=1) == repeated.sum(axis=1)
    expected = (share[None, :] ** repeated.sum(axis=1).to_numpy()[:, None]).sum(axis=1)
    return bool(stats.binom.sf(int(pure.sum()) - 1, len(repeated), float(expected.mean())) < CHANCE)


def _apart(values: pd.Series, groups: list[BoolArray]) -> bool:
    from scipy import stats  # slow to import, and most calls of the package do without it

    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    for i, first in enumerate(groups):
        for second in groups[i + 1 :]:
            a, b = numbers[first], numbers[second]
            a, b = a[np.isfinite(a)], b[np.isfinite(b)]
            if len(a) and len(b):
                won = stats.mannwhitneyu(a, b).statistic / (len(a) * len(b))
                if min(len(a), len(b)) >= 10 and max(won, 1 - won) >= APART:
                    return True
    return False
