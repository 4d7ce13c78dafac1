"""Floor and ceiling: people at the lowest and the highest possible score, who cannot be told apart and cannot move further.

The convention is more than 15 % at an end (Terwee et al. 2007, Journal of Clinical Epidemiology 60, 34-42; that it asks for 50 people or more was not
checked against the source).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import MissingDataError, UsageError, shown
from trialkit.inference.arrays import FloatArray
from trialkit.io.frames import numeric
from trialkit.measurement.change.by_arm import parts_of, share, weights_of
from trialkit.measurement.change.inputs import Better, checked, direction, limits_of, one_wave
from trialkit.measurement.change.result import FloorCeiling
from trialkit.measurement.questionnaires.scale import Scale
from trialkit.measurement.scoring.score_result import ScoreResult
from trialkit.measurement.scoring.waves import WaveScores
from trialkit.misuse import explained
from trialkit.results import Note
from trialkit.trial import Trial

CONVENTION, ENOUGH = 0.15, 50


@explained
def floor_ceiling(
    values: Any,
    *,
    scale: Scale | None = None,
    subscale: str | None = None,
    range: tuple[float, float] | None = None,
    better: Better | None = None,
    trial: Trial | None = None,
) -> FloorCeiling:
    """Shares of people at the lowest and at the highest possible score, by wave and arm.

    Parameters
    ----------
    values : scores of one wave (Series, array, `ScoreResult`), or of several: `WaveScores`, a frame with a column a wave, or a mapping {'t0': ...}. With `trial` a
        column or a list of columns.
    scale, subscale, range : the lowest and highest *possible* score, by a scale or as numbers; never taken from the data, in which the ends may not occur.
    better : which end leaves no room to improve; by default what the scale says, else 'higher'.
    trial : gives a row an arm beside everyone.

    Returns
    -------
    FloorCeiling
        `.tidy()`: wave, arm, n, n_missing, floor, ceiling, share_floor, share_ceiling (weighted where the trial has weights), verdict.

    Raises
    ------
    UsageError, DataError, MissingDataError
        No range; scores outside it; a wave without a value.

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> found = tk.measurement.floor_ceiling(pd.Series([0, 0, 10, 20, 40] * 20), range=(0, 40))
    >>> found.tidy()[["share_floor", "share_ceiling", "verdict"]].values.tolist()
    [[0.4, 0.2, 'floor and ceiling']]
    """
    waves = _waves(values, trial)
    rows: list[dict[str, Any]] = []
    way: Better = "higher"
    ends: tuple[float, float] = (np.nan, np.nan)
    for name, given, column in waves:
        ends = _ends(given, scale, subscale, range)
        way = direction(given, None, scale, subscale, better)
        if not np.isfinite(column).any():
            raise MissingDataError(f"'{name}' has no value for anyone: check the column, or that its wave is in the file.")
        checked(column, name, ends)
        rows += _wave(name, column, ends, trial)
    words = [_words(ends, way), *(_found(r, way) for r in rows if r["verdict"] != "none")]
    notes = []
    small = list(dict.fromkeys(f"{r['wave']}, {r['arm']}" for r in rows if r["n"] < ENOUGH))
    if small:
        notes.append(
            Note("few_people", f"fewer than {ENOUGH} people in {shown(small)}: the convention asks for {ENOUGH} or more.")
        )
    details = {
        "title": "Floor and ceiling",
        "words": words,
        "low": ends[0],
        "high": ends[1],
        "convention": CONVENTION,
        "better": way,
    }
    return FloorCeiling((), tuple(notes), details, tuple(rows))


def _waves(values: Any, trial: Trial | None) -> list[tuple[str, Any, FloatArray]]:
    if trial is not None and isinstance(values, (list, tuple)):
        given: list[tuple[str, Any]] = [(str(v), v) for v in values]
    elif isinstance(values, WaveScores):
        given = list(values.by_wave.items())
    elif isinstance(values, pd.DataFrame):
        given = [(str(c), values[c]) for c in values.columns]
    elif isinstance(values, Mapping):
        given = [(str(k), v) for k, v in values.items()]
    else:
        given = [("", values)]
    if not given:
        raise UsageError("floor_ceiling was given no wave: give scores, or {'t0': scores, 't1': scores}.")
    out = []
    for label, one in given:
        series, name = one_wave(one, "values", trial)
        out.append((label or name, one, numeric(series, label or name)))
    return out


def _ends(given: Any, scale: Scale | None, subscale: str | None, limits: tuple[float, float] | None) -> tuple[float, float]:
    if limits is not None:
        if scale is not None or isinstance(given, ScoreResult):
            raise UsageError("the scale knows its range: leave range= out.")
        if len(limits) != 2 or not limits[0] < limits[1]:
            raise UsageError(f"range={limits!r}: give the lowest and the highest possible score, as range=(0, 40).")
        return float(limits[0]), float(limits[1])
    found = limits_of(given, scale, subscale)
    if found is None:
        raise UsageError(
            "the lowest and highest possible score are needed: scale=, or range=(low, high). The observed ones would hide a floor."
        )
    return found


def _wave(name: str, column: FloatArray, ends: tuple[float, float], trial: Trial | None) -> list[dict[str, Any]]:
    known = np.isfinite(column)
    low, high = known & (column <= ends[0] + 1e-9), known & (column >= ends[1] - 1e-9)
    weights = np.ones(len(column)) if trial is None else weights_of(trial)
    rows = []
    for label, inside in parts_of(trial, len(column)):
        here = inside & known
        shares = share(low, here, weights), share(high, here, weights)
        over = [word for word, s in zip(("floor", "ceiling"), shares) if s > CONVENTION]
        rows.append(
            {
                "wave": name, "arm": label, "n": int(here.sum()), "n_missing": int((inside & ~known).sum()), "floor": int((here & low).sum()),
                "ceiling": int((here & high).sum()), "share_floor": shares[0], "share_ceiling": shares[1], "verdict": " and ".join(over) or "none",
            }
        )  # fmt: skip
    return rows


def _words(ends: tuple[float, float], better: Better) -> str:
    best = "ceiling" if better == "higher" else "floor"
    return (
        f"Possible scores {ends[0]:g} to {ends[1]:g}; {better} is better, so people at the {best} have no room to improve on this scale. Floor or ceiling: more than "
        "15 % at an end (convention of Terwee et al. 2007)."
    )


def _found(row: dict[str, Any], better: Better) -> str:
    at = {"floor": row["share_floor"], "ceiling": row["share_ceiling"]}
    best = "ceiling" if better == "higher" else "floor"
    said = [
        f"{100 * at[end]:.0f} % at the {end}{' (no room to improve: an effect can be understated)' if end == best else ''}"
        for end in str(row["verdict"]).split(" and ")
    ]
    return f"{row['wave']}, {row['arm']}: {'; '.join(said)}."
