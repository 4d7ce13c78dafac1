"""What the change functions are given: scores before and after, with their scale, checked once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from trialkit.errors import DataError, MissingDataError, UsageError, shown
from trialkit.inference.arrays import FloatArray
from trialkit.io.frames import numeric
from trialkit.io.suspicions import suspicions
from trialkit.measurement.questionnaires.scale import Scale
from trialkit.measurement.scoring.score_result import ScoreResult
from trialkit.results import Note

if TYPE_CHECKING:
    from trialkit.trial import Trial

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Scores:
    """(n,) scores before and after, NaN where missing, with the index of the data."""

    pre: FloatArray
    post: FloatArray
    index: pd.Index
    names: tuple[str, str]
    better: Better
    notes: tuple[Note, ...]

    @property
    def sign(self) -> float:
        """1 when a rise is an improvement, -1 when a fall is."""
        return 1.0 if self.better == "higher" else -1.0

    @property
    def change(self) -> FloatArray:
        return self.post - self.pre


def scores(
    pre: Any, post: Any, *, trial: Trial | None, scale: Scale | None, subscale: str | None, better: Better | None
) -> Scores:
    """Both waves as numbers; values off the scale, waves of other people and waves without a value are errors."""
    first, before = one_wave(pre, "pre", trial)
    second, after = one_wave(post, "post", trial)
    index = _same_people(first, second)
    second = second.reindex(index) if not second.index.equals(index) else second
    names = (before, after) if before != after else (f"{before} (pre)", f"{after} (post)")
    values = [numeric(first, names[0]), numeric(second, names[1])]
    notes: list[Note] = []
    for name, given, column in zip(names, (pre, post), values):
        limits = limits_of(given, scale, subscale)
        if not np.isfinite(column).any():
            raise MissingDataError(f"'{name}' has no value: nobody's change can be known.")
        notes += checked(column, name, limits)
    return Scores(values[0], values[1], index, names, direction(pre, post, scale, subscale, better), tuple(dict.fromkeys(notes)))


def one_wave(given: Any, what: str, trial: Trial | None) -> tuple[pd.Series, str]:
    """A column of the trial, a score, or values, with its name."""
    if trial is not None:
        if not isinstance(given, str):
            raise UsageError(f"with trial= {what} is the name of a column: write {what}='score_t0'.")
        return trial.column(given), given
    if isinstance(given, str):
        raise UsageError(f"{what}='{given}' names a column: say trial= too, or give the values, as in data['{given}'].")
    if isinstance(given, ScoreResult):
        return given.values, f"{given.scale.key}" if given.subscale is None else f"{given.scale.key}, {given.subscale}"
    if isinstance(given, pd.Series):
        return given, str(given.name) if given.name is not None else what
    values = np.asarray(given)
    if values.ndim != 1:
        raise UsageError(f"{what} has {values.ndim} dimensions: give one score a person.")
    return pd.Series(values), what


def _same_people(first: pd.Series, second: pd.Series) -> pd.Index:
    if len(first) != len(second):
        raise UsageError(
            f"pre has {len(first)} people and post {len(second)}: give both waves of the same people, missing as NaN."
        )
    if first.index.equals(second.index):
        return first.index
    if first.index.is_unique and second.index.is_unique and set(first.index) == set(second.index):
        return first.index
    raise UsageError(
        "pre and post are not indexed by the same people: set the person's identifier as the index of both, or give two columns of one table."
    )


def limits_of(given: Any, scale: Scale | None, subscale: str | None) -> tuple[float, float] | None:
    """Lowest and highest possible score, where a scale says so."""
    if isinstance(given, ScoreResult):
        return given.range
    return None if scale is None else scale.range_of(subscale=subscale)


def checked(values: FloatArray, name: str, limits: tuple[float, float] | None) -> list[Note]:
    """An error for scores off the scale; without a scale a note on values such as -99."""
    found = values[np.isfinite(values)]
    if limits is not None:
        off = found[(found < limits[0] - 1e-9) | (found > limits[1] + 1e-9)]
        if len(off):
            raise DataError(
                f"'{name}' has {len(off)} value{'' if len(off) == 1 else 's'} outside {limits[0]:g} to {limits[1]:g} ({shown(f'{v:g}' for v in np.unique(off))}): give codes "
                "for missing as missing (missing_codes= of tk.read), and check that the scores are those of this scale and form."
            )
        return []
    return [Note("undeclared_code", f"{text}.") for text in suspicions(pd.DataFrame({name: values}))]


def direction(pre: Any, post: Any, scale: Scale | None, subscale: str | None, better: Better | None) -> Better:
    """Which change is an improvement: said, or known from the scale; else up."""
    known: set[Better] = {g.direction for g in (pre, post) if isinstance(g, ScoreResult)}
    if scale is not None:
        known.add(scale.direction_of(subscale))
    if better not in (None, "higher", "lower"):
        raise UsageError(f"better={better!r} is unknown: it is 'higher' or 'lower'.")
    if len(known) > 1 or (better is not None and known and better not in known):
        raise UsageError(
            f"better is {better!r}, but of the scale {shown(sorted(known))} is better: leave better out, or check the scale."
        )
    said: Better = "higher" if better is None else better
    return next(iter(known), said)


def checked_reliability(reliability: float) -> float:
    value = float(reliability)
    if not 0 < value < 1:
        raise UsageError(
            f"reliability={reliability!r} is not between 0 and 1: give the coefficient of the scale, as alpha, omega or the test-retest correlation."
        )
    return value


def checked_level(conf_level: float) -> float:
    if not 0 < conf_level < 1:
        raise UsageError(f"conf_level={conf_level!r} is not between 0 and 1: write 0.95.")
    return float(conf_level)


def spread(values: FloatArray, sd: float | None, name: str, weights: FloatArray | None = None) -> tuple[float, str]:
    """The standard deviation that stands for the scale, and what it is of.

    With weights (people of a sample) it is that of the population, with n/(n - 1) for the n people of positive weight.
    """
    if sd is not None:
        if not (math.isfinite(sd) and sd > 0):
            raise UsageError(f"sd={sd!r} is no standard deviation: give a positive number, as one of a norm group.")
        return float(sd), "SD given"
    kept = np.isfinite(values) if weights is None else np.isfinite(values) & (weights > 0)
    found = values[kept]
    if len(found) < 2:
        raise MissingDataError(
            f"'{name}' has {len(found)} value{'' if len(found) == 1 else 's'}: its standard deviation is unknown. Give sd=, as one of a norm group."
        )
    w = np.ones(len(found)) if weights is None else weights[kept]
    mean = np.average(found, weights=w)
    value = math.sqrt(np.average((found - mean) ** 2, weights=w) * len(found) / (len(found) - 1))
    if value <= 1e-12 * max(1.0, float(np.abs(found).max())):
        raise DataError(f"'{name}' is {found[0]:g} for everyone: it has no standard deviation. Give sd=, as one of a norm group.")
    return value, f"SD of '{name}' (n = {len(found)})"
