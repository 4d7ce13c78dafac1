"""Intraclass correlations of ratings or waves."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.reliability.delta import robust_interval
from trialkit.inference.reliability.intraclass import Intraclass, intraclass, intraclass_values, mean_squares
from trialkit.measurement.reliability.ratings import complete_table
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Note, TableResult

_MEANINGS = {
    "icc1": "one rating; other raters for every person",
    "icc2": "one rating; absolute agreement of a sample of raters",
    "icc3": "one rating; consistency of these raters",
    "icc1k": "mean of the ratings; other raters for every person",
    "icc2k": "mean of the ratings; absolute agreement of a sample of raters",
    "icc3k": "mean of the ratings; consistency of these raters",
}


@dataclass(frozen=True)
class IccResult(TableResult):
    """Six intraclass correlations, one a row of `.tidy()`: icc, estimate, conf_low, conf_high, statistic (F), df_num, df_denom, p_value, meaning.

    Attributes
    ----------
    icc1, icc2, icc3, icc1k, icc2k, icc3k : the coefficients; each has `_low` and `_high`.
    sem_agreement, sem_consistency : standard error of measurement of one rating, with and without differences between raters.
    n, k : people and ratings.
    """

    kind = "icc"

    def _at(self, icc: str, name: str) -> float:
        value = next(r[name] for r in self.table if r["icc"] == icc)
        return math.nan if value is None else -math.inf if value == "-inf" else float(value)

    @property
    def icc1(self) -> float:
        return self._at("icc1", "estimate")

    @property
    def icc1_low(self) -> float:
        return self._at("icc1", "conf_low")

    @property
    def icc1_high(self) -> float:
        return self._at("icc1", "conf_high")

    @property
    def icc2(self) -> float:
        return self._at("icc2", "estimate")

    @property
    def icc2_low(self) -> float:
        return self._at("icc2", "conf_low")

    @property
    def icc2_high(self) -> float:
        return self._at("icc2", "conf_high")

    @property
    def icc3(self) -> float:
        return self._at("icc3", "estimate")

    @property
    def icc3_low(self) -> float:
        return self._at("icc3", "conf_low")

    @property
    def icc3_high(self) -> float:
        return self._at("icc3", "conf_high")

    @property
    def icc1k(self) -> float:
        return self._at("icc1k", "estimate")

    @property
    def icc1k_low(self) -> float:
        return self._at("icc1k", "conf_low")

    @property
    def icc1k_high(self) -> float:
        return self._at("icc1k", "conf_high")

    @property
    def icc2k(self) -> float:
        return self._at("icc2k", "estimate")

    @property
    def icc2k_low(self) -> float:
        return self._at("icc2k", "conf_low")

    @property
    def icc2k_high(self) -> float:
        return self._at("icc2k", "conf_high")

    @property
    def icc3k(self) -> float:
        return self._at("icc3k", "estimate")

    @property
    def icc3k_low(self) -> float:
        return self._at("icc3k", "conf_low")

    @property
    def icc3k_high(self) -> float:
        return self._at("icc3k", "conf_high")

    @property
    def sem_agreement(self) -> float:
        return float(self.details["sem_agreement"])

    @property
    def sem_consistency(self) -> float:
        return float(self.details["sem_consistency"])

    @property
    def n(self) -> int:
        return int(self.details["n"])

    @property
    def k(self) -> int:
        return int(self.details["k"])

    def _title(self) -> str:
        return f"Intraclass correlations: {self.n} people, {self.k} ratings, intervals {self.details['interval']}"

    def __str__(self) -> str:
        columns = ["icc", "estimate", "conf_low", "conf_high", "meaning"]
        errors = f"  standard error of one rating: {number(self.sem_agreement)} (agreement), {number(self.sem_consistency)} (consistency)"
        table = self.tidy()[columns].to_string(index=False, float_format=number, na_rep="")
        return "\n".join([self._title(), table, errors, *(f"  note: {n.text}" for n in self.notes)])


@explained
def icc(table: Any, *, cluster: Any = None, missing_codes: Iterable[Any] | None = None, conf_level: float = 0.95) -> IccResult:
    """Intraclass correlations of ratings: how much of the variance of a rating is between people?

    Parameters
    ----------
    table : data frame or array, one row a person and one column a rater, wave or form; a column named in `cluster` is set aside.
    cluster : column or one value a person: the peer group. The intervals are then distribution-free, respect that people of one group may be
        alike, and hold for these raters; the F tests are left out.
    missing_codes : codes or words that stand for a missing rating. People without all ratings are left out, and counted.
    conf_level : of the intervals; without `cluster` they are the F intervals for independent people and normal ratings.

    Returns
    -------
    IccResult
        `.icc1 .icc2 .icc3` (one rating) and `.icc1k .icc2k .icc3k` (mean of the ratings), each with `_low` and `_high`. Choose by
        design: icc1 when every person had other raters, icc2 when the raters are a sample and should give the same number (test and
        retest), icc3 when only these raters matter and a shift between them does not.

    Raises
    ------
    UsageError, DataError, EstimationError
        One column; text; the same rating throughout; fewer than three people with all ratings.

    Notes
    -----
    Sources: Shrout & Fleiss (1979), Psychological Bulletin 86; McGraw & Wong (1996), Psychological Methods 1.

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> ratings = pd.DataFrame({"j1": [9, 6, 8, 7, 10, 6], "j2": [2, 1, 4, 1, 5, 2], "j3": [5, 3, 6, 2, 6, 4], "j4": [8, 2, 8, 6, 9, 7]})
    >>> found = tk.measurement.icc(ratings)
    >>> round(found.icc1, 2), round(found.icc2, 2), round(found.icc3, 2)
    (0.17, 0.29, 0.71)
    """
    if not 0.5 <= conf_level < 1:
        raise UsageError(f"conf_level={conf_level!r} must lie between .5 and 1, such as 0.95.")
    x, names, unit, notes = complete_table(table, cluster, missing_codes, least=3)
    ms = mean_squares(x)
    found = intraclass(ms, conf_level)
    if unit is not None:
        found = _by_units(x, unit, found, conf_level)
        if math.isnan(found["icc1"].low):
            notes.append(Note("interval_undefined", "the units are too few for an interval."))
    if found["icc1"].estimate < 0:
        notes.append(
            Note(
                "negative_icc",
                "icc1 is negative: ratings of one person differ more than those of different people. Read it as 0.",
            )
        )
    rows = [{"icc": name, **_row(value), "meaning": _MEANINGS[name]} for name, value in found.items()]
    details = {
        "n": ms.n,
        "k": ms.k,
        "ratings": list(names),
        "conf_level": conf_level,
        "interval": "by F" if unit is None else f"robust to {int(unit.max()) + 1} units",
        "sem_agreement": math.sqrt(max((ms.raters - ms.residual) / ms.n, 0.0) + ms.residual),
        "sem_consistency": math.sqrt(ms.residual),
        "mean_squares": {name: getattr(ms, name) for name in ("between", "within", "raters", "residual")},
    }
    return IccResult((), tuple(notes), details, tuple(rows))


def _row(value: Intraclass) -> dict[str, float]:
    return {
        "estimate": value.estimate,
        "conf_low": value.low,
        "conf_high": value.high,
        "statistic": value.statistic,
        "df_num": float(value.df_num),
        "df_denom": float(value.df_denom),
        "p_value": value.p_value,
    }


def _by_units(x: FloatArray, unit: IntArray, found: dict[str, Intraclass], conf_level: float) -> dict[str, Intraclass]:
    """The coefficients with intervals from the influence of units; a mean of k ratings by its exact relation to one rating."""
    per_person = _influence(x)
    k = x.shape[1]
    out = {}
    for column, name in enumerate(("icc1", "icc2", "icc3")):
        single = robust_interval(found[name].estimate, per_person[:, column], unit=unit, conf_level=conf_level)
        ends = (single.low, single.high)
        many = tuple(k * r / (1 + (k - 1) * r) if 1 + (k - 1) * r > 0 else -math.inf for r in ends)
        for key, (low, high) in ((name, ends), (f"{name}k", many)):
            out[key] = Intraclass(found[key].estimate, low, high, math.nan, math.nan, math.nan, math.nan)
    return {name: out[name] for name in found}


def _influence(x: FloatArray) -> FloatArray:
    """Influence of each person on icc1, icc2 and icc3 (n, 3): their derivative along (d d' - S) and d, by central differences."""
    n, k = x.shape
    mean, s = x.mean(axis=0), np.cov(x.T)
    d = x - mean
    step = 1e-5 * float(np.trace(s)) / k
    move = 1e-5 * math.sqrt(float(np.trace(s)) / k)
    out = np.zeros((n, 3))
    for i in range(k):
        push = np.zeros(k)
        push[i] = move
        slope = (intraclass_values(s, mean + push, n) - intraclass_values(s, mean - push, n)) / (2 * move)
        out += d[:, i : i + 1] * slope
        for j in range(i, k):
            change = np.zeros((k, k))
            change[i, j] = change[j, i] = step
            slope = (intraclass_values(s + change, mean, n) - intraclass_values(s - change, mean, n)) / (2 * step)
            out += (d[:, i] * d[:, j] - s[i, j])[:, None] * slope
    return out
