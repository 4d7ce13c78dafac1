"""Does the file agree with the scale? Coding base, items keyed the other way, people who ticked one column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialkit.errors import ColumnNotFoundError, ValueTypeError, shown
from trialkit.measurement.questionnaires.parts import Codes

__all__ = ["Misfit", "check_coding_base", "check_mixture", "looks_like_missing", "misfits", "people_table"]

CLEAR = 0.2
ENOUGH = 30
# Codes that questionnaires use for 'does not know', 'refused' and the like.
MISSING_CODES = (7, 8, 9, 66, 77, 88, 96, 97, 98, 99, 666, 777, 888, 996, 997, 998, 999, 7777, 8888, 9997, 9998, 9999)


@dataclass(frozen=True, slots=True)
class Misfit:
    """An item whose answers run against its key; `r` is its correlation, before reversal, with the sum of the other items."""

    position: int
    r: float
    is_reversed: bool


def looks_like_missing(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which out-of-range values are typical codes for a missing answer."""
    return (values < 0) | np.isin(values, MISSING_CODES)


def check_coding_base(codes: NDArray[np.float64], low: int, high: int, *, where: str) -> None:
    """Refuse answers that lie one step below (or above) the declared codes throughout.

    A 0 on a 1-4 scale whose highest answer is 3 is not a stray value: the file is coded 0-3, and dropping the zeros would drop
    exactly the people at one end.
    """
    near = codes[(codes >= low - 1) & (codes <= high + 1)]
    if near.size == 0:
        return
    lowest, highest = near.min(), near.max()
    if low == 1 and lowest == low - 1 and highest <= high - 1:
        other, stray, never = (low - 1, high - 1), low - 1, high
    elif low == 0 and highest == high + 1 and lowest >= low + 1:
        other, stray, never = (low + 1, high + 1), high + 1, low
    else:
        return
    n = int((near == stray).sum())
    often = "once" if n == 1 else f"{n} times"
    raise ValueTypeError(
        f"{where}: the codes should be {low}-{high}, but {stray} occurs {often} and {never} never: the file seems to be coded "
        f"{other[0]}-{other[1]}. If so, say codes={other}. If {stray} is no answer, say missing_codes=[{stray}]."
    )


def check_mixture(codes: NDArray[np.float64], low: int, high: int, others: Sequence[Codes], *, where: str) -> None:
    """Refuse answers that reach both ends of two codings in circulation: part of the file is coded one way, part the other."""
    for other in others:
        if other.max - other.min != high - low or abs(other.min - low) != 1:
            continue
        lowest, highest = min(low, other.min), max(high, other.max)
        if (codes == lowest).any() and (codes == highest).any():
            raise ValueTypeError(
                f"{where}: both {lowest} and {highest} occur, so codes {low}-{high} and {other.min}-{other.max}, which are both in "
                f"circulation, seem to be mixed. Recode one part of the file; or, if one of the two is a typing error, say "
                f"codes={(low, high)} or codes={other.pair}."
            )


def misfits(codes: NDArray[np.float64], is_reversed: Sequence[bool]) -> list[Misfit]:
    """Items that run against their key, judged by correlations before reversal; none below 30 answers or three usable items.

    The first principal axis of the item correlations divides the items into two camps. The camps should be the reversed items
    and the others. Comparing with the keyed sum instead would miss a file in which *all* reversed items were turned already.
    """
    answered = ~np.isnan(codes)
    keep = [j for j in range(codes.shape[1]) if answered[:, j].sum() >= ENOUGH and np.nanstd(codes[:, j]) > 0]
    if len(keep) < 3:
        return []
    mask = answered[:, keep].astype(float)
    x = codes[:, keep]
    z = np.where(np.isnan(x), 0.0, (x - np.nanmean(x, axis=0)) / np.nanstd(x, axis=0))
    correlations = (z.T @ z) / np.maximum(mask.T @ mask, 1.0)
    side = np.where(np.linalg.eigh(correlations)[1][:, -1] >= 0, 1.0, -1.0)
    item_rest = _item_rest(z, mask, side)
    keyed_down = np.array([is_reversed[j] for j in keep])
    clear = side * item_rest > CLEAR
    upward = _orientation(side, keyed_down, clear)
    wrong = clear & (side * upward != np.where(keyed_down, -1.0, 1.0))
    return [Misfit(keep[p], float(upward * item_rest[p]), bool(keyed_down[p])) for p in np.flatnonzero(wrong)]


def _item_rest(z: NDArray[np.float64], mask: NDArray[np.float64], side: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation of each item with the sum of the others, every item pointing to its side; over those who answered the item."""
    rest = (z @ side)[:, None] - z * side
    n = mask.sum(axis=0)
    mean = (rest * mask).sum(axis=0) / n
    spread = np.sqrt(np.maximum(((rest - mean) ** 2 * mask).sum(axis=0) / n, 1e-12))
    return (z * rest).sum(axis=0) / n / spread


def _orientation(side: NDArray[np.float64], keyed_down: NDArray[np.bool_], clear: NDArray[np.bool_]) -> float:
    """+1 or -1: which camp is the upward one."""
    if not clear.any():
        return 1.0
    if np.ptp(side[clear]) == 0 and np.ptp(keyed_down[clear].astype(int)) > 0:
        # All items run the same way: the hallmark of a file that was turned already, so the upward items set the direction.
        return float(side[clear][0])
    agreement = float((side * np.where(keyed_down, -1.0, 1.0))[clear].sum())
    if agreement == 0:
        agreement = float(side[clear & ~keyed_down].sum())
    return -1.0 if agreement < 0 else 1.0


def people_table(
    data: pd.DataFrame,
    valid: NDArray[np.float64],
    outside: NDArray[np.bool_],
    *,
    judge_lines: bool,
    seconds: str | None,
    seconds_per_item: float,
) -> pd.DataFrame:
    """How each person answered. `judge_lines`: whether equal answers throughout contradict each other."""
    n_answered = (~np.isnan(valid)).sum(axis=1)
    straight = (valid == valid[:, :1]).all(axis=1)
    return pd.DataFrame(
        {
            "n_answered": n_answered,
            "n_out_of_range": outside.sum(axis=1),
            "longest_run": _longest_run(valid),
            "straight_lining": pd.array(straight if judge_lines else [pd.NA] * len(data), dtype="boolean"),
            "speeding": _speeding(data, n_answered, seconds, seconds_per_item),
        },
        index=data.index,
    )


def _longest_run(valid: NDArray[np.float64]) -> NDArray[np.int_]:
    """The most answers with the same code in a row; a missing answer ends a row."""
    run = (~np.isnan(valid[:, 0])).astype(int)
    longest = run.copy()
    for j in range(1, valid.shape[1]):
        answered = ~np.isnan(valid[:, j])
        run = np.where(answered, np.where(valid[:, j] == valid[:, j - 1], run + 1, 1), 0)
        longest = np.maximum(longest, run)
    return longest


def _speeding(data: pd.DataFrame, n_answered: NDArray[np.int_], seconds: str | None, seconds_per_item: float) -> pd.Series:
    if seconds is None:
        return pd.Series(pd.NA, index=data.index, dtype="boolean")
    if seconds not in data.columns:
        raise ColumnNotFoundError(seconds, data.columns)
    time = pd.to_numeric(data[seconds], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    unread = data[seconds].notna().to_numpy() & np.isnan(time)
    if unread.any():
        seen = [str(v) for v in pd.unique(data[seconds][unread])]
        raise ValueTypeError(f"column '{seconds}' holds {shown(seen)} where seconds belong. Export times as numbers of seconds.")
    if (time < 0).any():
        raise ValueTypeError(
            f"column '{seconds}' holds negative seconds ({np.nanmin(time):g}). Blank the codes for missing first."
        )
    judged = ~np.isnan(time) & (n_answered > 0)
    fast = pd.Series(time < seconds_per_item * n_answered, index=data.index, dtype="boolean")
    return fast.where(pd.Series(judged, index=data.index))
