"""Stability of a score between two occasions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from trialkit.errors import DataError, UsageError
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.measurement.reliability.ratings import complete_table
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Note, TableResult

_CHANGED = 0.2


@dataclass(frozen=True)
class TestRetest(TableResult):
    """Stability of a score.

    Attributes
    ----------
    correlation, correlation_low, correlation_high : between the two occasions.
    sem : standard error of measurement, SD of the first occasion times sqrt(1 - reliability).
    se_difference : standard error of the difference of two measurements, sem times sqrt 2.
    smallest_detectable_change : the change that measurement error alone exceeds in 1 - conf_level of unchanged people.
    mean_change, reliability, n : of the people with both scores.
    """

    kind = "test_retest"
    __test__ = False

    def _number(self, name: str) -> float:
        value = self.table[0][name]
        return math.nan if value is None else float(value)

    @property
    def correlation(self) -> float:
        return self._number("correlation")

    @property
    def correlation_low(self) -> float:
        return self._number("correlation_low")

    @property
    def correlation_high(self) -> float:
        return self._number("correlation_high")

    @property
    def reliability(self) -> float:
        return self._number("reliability")

    @property
    def sem(self) -> float:
        return self._number("sem")

    @property
    def se_difference(self) -> float:
        return self._number("se_difference")

    @property
    def smallest_detectable_change(self) -> float:
        return self._number("smallest_detectable_change")

    @property
    def mean_change(self) -> float:
        return self._number("mean_change")

    @property
    def n(self) -> int:
        return int(self.table[0]["n"])

    def _title(self) -> str:
        return f"Test and retest, n = {self.n}"

    def __str__(self) -> str:
        level = f"{100 * self.details['conf_level']:g}%"
        given = "given" if self.details["reliability_given"] else "the correlation"
        lines = [
            self._title(),
            f"  correlation {number(self.correlation)} ({level} interval {number(self.correlation_low)} to {number(self.correlation_high)}); "
            f"mean change {number(self.mean_change)}",
            f"  standard error of measurement {number(self.sem)}, of a difference {number(self.se_difference)} (reliability "
            f"{number(self.reliability)}, {given})",
            f"  smallest detectable change of one person {number(self.smallest_detectable_change)} ({level})",
        ]
        return "\n".join([*lines, *(f"  note: {n.text}" for n in self.notes)])


@explained
def test_retest(
    pre: Any,
    post: Any,
    *,
    reliability: float | None = None,
    cluster: Any = None,
    missing_codes: Iterable[Any] | None = None,
    conf_level: float = 0.95,
) -> TestRetest:
    """Stability of a score in people who should not have changed, and what one person's change must exceed to be more than error.

    Parameters
    ----------
    pre, post : one score a person at the two occasions, in the same order.
    reliability : reliability of the score for the standard error of measurement; default the test-retest correlation.
    cluster : one value a person: the peer group. The interval is then robust to likeness within groups; people without a value are alone.
    missing_codes : codes or words that stand for a missing score. People without both scores are left out, and counted.
    conf_level : of the interval of the correlation and of the smallest detectable change (1.96 standard errors at .95).

    Returns
    -------
    TestRetest
        `.correlation .correlation_low .correlation_high .sem .se_difference .smallest_detectable_change .mean_change .n`. The interval is
        Fisher's for independent people, and with `cluster` a distribution-free one on Fisher's scale.

    Raises
    ------
    UsageError, DataError, EstimationError
        Different lengths; the same score from everyone; fewer than four people with both scores; a reliability outside 0 to 1.

    Notes
    -----
    The correlation ignores a shift of everyone between the occasions: for agreement see `tk.measurement.icc`. In treated people true change lowers
    it: use untreated people, and a short interval between the occasions. Sources: Jacobson & Truax (1991), Journal of Consulting and Clinical
    Psychology 59, for the standard error of a difference; Fisher (1921) for the interval.

    Examples
    --------
    >>> import numpy as np, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> true = rng.normal(size=300)
    >>> found = tk.measurement.test_retest(true + 0.5 * rng.normal(size=300), true + 0.5 * rng.normal(size=300))
    >>> round(found.correlation, 2), round(found.sem, 2)
    (0.75, 0.54)
    """
    if reliability is not None and not 0 < reliability < 1:
        raise UsageError(f"reliability={reliability!r} must lie between 0 and 1, such as 0.85.")
    if not 0.5 <= conf_level < 1:
        raise UsageError(f"conf_level={conf_level!r} must lie between .5 and 1, such as 0.95.")
    first, second = (pd.Series(np.asarray(v)) for v in (pre, post))
    if len(first) != len(second):
        raise UsageError(f"pre has {len(first)} scores and post {len(second)}. Give both for the same people in the same order.")
    frame = pd.DataFrame({"pre": first, "post": second})
    x, _, unit, notes = complete_table(frame, cluster, missing_codes, least=4)
    for name, column in zip(("pre", "post"), x.T):
        if np.ptp(column) == 0:
            raise DataError(f"{name} has the same score from everyone, so that it has no correlation with anything.")
    r = float(np.corrcoef(x[:, 0], x[:, 1])[0, 1])
    low, high = _interval(x, r, unit, conf_level)
    used = r if reliability is None else float(reliability)
    sd = float(x[:, 0].std(ddof=1))
    sem = sd * math.sqrt(1 - used) if 0 <= used <= 1 + 1e-12 else math.nan
    if math.isnan(sem):
        notes.append(
            Note(
                "negative_correlation",
                "the scores of the two occasions go against each other: no standard error of measurement is given.",
            )
        )
    if math.isnan(low):
        notes.append(
            Note("interval_undefined", "the interval of the correlation is not defined: too few units, or a correlation of one.")
        )
    change = x[:, 1] - x[:, 0]
    if abs(change.mean()) > _CHANGED * sd:
        notes.append(
            Note(
                "shift",
                f"scores shifted by {change.mean():.3g} between the occasions ({change.mean() / sd:.2f} SD): people may have changed, and the correlation "
                "does not see it.",
            )
        )
    reach = float(special.ndtri((1 + conf_level) / 2)) * math.sqrt(2) * sem
    row = {
        "n": len(x),
        "correlation": r,
        "correlation_low": low,
        "correlation_high": high,
        "reliability": used,
        "sd": sd,
        "sem": sem,
        "se_difference": math.sqrt(2) * sem,
        "smallest_detectable_change": reach,
        "mean_change": float(change.mean()),
    }
    details = {"conf_level": conf_level, "reliability_given": reliability is not None}
    return TestRetest((), tuple(notes), details, (row,))


def _interval(x: FloatArray, r: float, unit: IntArray | None, conf_level: float) -> tuple[float, float]:
    """Fisher's z for independent people; with units z +- t se, se from the influence of units on r."""
    if 1 - abs(r) < 1e-12:
        return math.nan, math.nan
    z, n = math.atanh(r), len(x)
    if unit is None:
        reach = float(special.ndtri((1 + conf_level) / 2)) / math.sqrt(n - 3)
        return math.tanh(z - reach), math.tanh(z + reach)
    d = (x - x.mean(axis=0)) / x.std(axis=0)
    totals = np.bincount(unit, weights=(d[:, 0] * d[:, 1] - r * (d**2).sum(axis=1) / 2) / (1 - r * r))
    sizes, units = np.bincount(unit).astype(float), len(totals)
    df = n**2 / float((sizes**2).sum()) - 1
    if units < 2 or df < 1 - 1e-9:
        return math.nan, math.nan
    error = math.sqrt(units / (units - 1) * float(((totals - totals.mean()) ** 2).sum())) / n
    reach = float(special.stdtrit(df, (1 + conf_level) / 2)) * error
    return math.tanh(z - reach), math.tanh(z + reach)
