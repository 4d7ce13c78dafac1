"""Lee's bounds: the effect on those who would be observed under either arm, when the arms lose different shares.

Derivation and variance: inference/bounds/lee_bounds.py; weights and cells: inference/bounds/trimming.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from trialkit.design.stream import checked_seed
from trialkit.errors import EstimationError, UsageError
from trialkit.estimate.request import checked_level
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.bounds.lee_bounds import lee_bounds as plain_bounds
from trialkit.inference.bounds.trimming import Sorted, lee_batch, lee_in_cells, sorted_people
from trialkit.inference.draws.group_bootstrap import bootstrap_weights, resampling_cells
from trialkit.misuse import explained
from trialkit.results import Note
from trialkit.selection.bounds.people import People, checked_outcomes, pairs, people
from trialkit.selection.bounds.result import BoundsResult, interval, undefined_note
from trialkit.trial import Trial

UNSURE = 2.0
ESTIMAND = "effect on those who would be observed under either arm"


@explained
def lee_bounds(
    trial: Trial,
    outcome: str | list[str] | tuple[str, ...],
    *,
    cells: Sequence[str] = (),
    contrasts: Literal["control", "all"] = "control",
    n_draws: int | None = None,
    seed: int | np.random.Generator | None = None,
    conf_level: float = 0.95,
) -> BoundsResult:
    """Bounds of the effect on people who would have the outcome under either arm.

    The arm that keeps more people is trimmed from above and from below by its surplus. The bounds hold when the arm moves being observed in one
    direction only (nobody is lost because of one arm who would be lost under the other for the opposite reason).

    Parameters
    ----------
    trial : everyone randomized. outcome : column, or several, each a row; missing values are the losses.
    cells : categorical baseline columns in whose cells people are trimmed, which tightens the bounds; each cell needs two people observed in either arm.
        Where strata have different shares of the arms, people are weighted so that strata count by their size.
    contrasts : each arm against 'control', or 'all' pairs.
    n_draws, seed : standard errors from a bootstrap of whole groups, clusters or people instead of the analytic ones.
    conf_level : of Imbens and Manski's interval of the effect.

    Returns
    -------
    BoundsResult
        Standard errors are Lee's for people alone (normal); with groups, clusters, weights or cells CR2 (HC2) of the bounds' first-order values, with t on
        Satterthwaite's df.

    Raises
    ------
    MissingDataError, EstimationError, UsageError, GroupError
        An arm or a cell with fewer than two people observed, draws without a seed, one group in an arm.

    Source: Lee (2009), Review of Economic Studies 76; Tauchmann (2014), Stata Journal 14(4); Imbens & Manski (2004), Econometrica 72.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 100, "y": rng.normal(size=200)})
    >>> d.loc[(d["arm"] == "solo") & (rng.random(200) < 0.2), "y"] = np.nan
    >>> found = tk.selection.lee_bounds(tk.Trial(d, arm="arm", control="solo"), "y")
    >>> bool(found.lower < found.tidy()["observed_difference"][0] < found.upper)
    True
    """
    level = checked_level(conf_level)
    if isinstance(cells, str):
        raise UsageError(f"cells takes a list of columns: write cells=['{cells}'].")
    if n_draws is not None and (n_draws < 2 or seed is None):
        raise UsageError(
            "bootstrap standard errors need two draws or more and a seed: n_draws=1000, seed=4711 (any number you choose)."
        )
    number = checked_seed(seed) if n_draws is not None and seed is not None else None
    chosen, notes, rows = pairs(trial, contrasts), [], []
    drawn: dict[Any, list[FloatArray]] = {}
    for name in checked_outcomes(outcome):
        for arm, reference in chosen:
            found, said = people(trial, name, arm, reference)
            row, more = _row(trial, found, name, tuple(cells), n_draws, number, level, drawn)
            rows.append(row)
            notes += [*said, *more]
    notes += undefined_note(rows)
    title = "Lee's bounds" + (f", in cells of {', '.join(cells)}" if cells else "")
    return BoundsResult((), tuple(dict.fromkeys(notes)), {"title": title, "cells": list(cells), "n_draws": n_draws}, tuple(rows))


def _row(
    trial: Trial,
    p: People,
    outcome: str,
    cells: tuple[str, ...],
    n_draws: int | None,
    seed: int | None,
    level: float,
    drawn: dict[Any, list[FloatArray]],
) -> tuple[dict[str, Any], list[Note]]:
    y, treated = p.sample.y, p.treated
    cell, notes = _cells(trial, p, cells, outcome)
    df, mixed = math.inf, False
    if p.plain and not cells:
        found = plain_bounds(y=y, selected=p.observed, treated=treated)
    else:
        found, mixed = lee_in_cells(y=y, selected=p.observed, treated=treated, weights=p.weights, cell=cell)
    errors = (found.se_lower, found.se_upper)
    if not p.plain or cells or p.sample.clustered:
        (low, df_low), (high, df_high) = p.errors(found.values_lower), p.errors(found.values_upper)
        errors, df = (low, high), min(df_low, df_high)
    how = "analytic"
    if n_draws is not None and seed is not None:
        errors, how = _bootstrap(p, cell, n_draws, seed, drawn), f"bootstrap of {n_draws} draws"
    low, high = interval(lower=found.lower, upper=found.upper, se_lower=errors[0], se_upper=errors[1], df=df, conf_level=level)
    trimmed = p.arms[int(found.trimmed_treated)]
    other = p.arms[1 - int(found.trimmed_treated)]
    notes += _notes(p, found.trim, mixed, trimmed, other)
    return {
        **p.row(outcome), "estimand": ESTIMAND, "lower": found.lower, "upper": found.upper, "se_lower": errors[0], "se_upper": errors[1], "df": df,
        "effect_conf_low": low, "effect_conf_high": high, "conf_level": level, "trim": found.trim, "trimmed_arm": str(trimmed) if found.trim > 0 else "",
        "method": f"Lee's bounds{' in cells' if cells else ''}, {how} standard errors",
        "assumption": "the arm moves being observed in one direction only",
    }, notes  # fmt: skip


def _cells(trial: Trial, p: People, cells: tuple[str, ...], outcome: str) -> tuple[IntArray, list[Note]]:
    if not cells:
        return np.zeros(p.sample.n, dtype=np.int64), []
    missing = [c for c in cells if trial.column(c).isna().any()]
    if missing:
        raise UsageError(
            f"the cell column '{missing[0]}' has missing values: give them a category of their own, so that nobody is left out."
        )
    code = trial.codes(*cells)[p.sample.rows]
    for c in np.unique(code):
        for arm, label in enumerate(p.arms):
            inside = (code == c) & (p.sample.arm == arm)
            if int((inside & p.observed).sum()) < 2:
                first = int(p.sample.rows[np.flatnonzero(code == c)[0]])
                where = ", ".join(f"{name}={trial.data[name].iloc[first]}" for name in cells)
                raise EstimationError(
                    f"the cell {where} has {int((inside & p.observed).sum())} of {int(inside.sum())} people of arm {label!r} with '{outcome}': trimming needs two. "
                    "Use fewer or coarser cells (a column with many values is cut beforehand, as in y0 >= 3)."
                )
    return code, []


def _notes(p: People, trim: float, mixed: bool, trimmed: Any, other: Any) -> list[Note]:
    lost = {a: int((~p.observed & (p.sample.arm == c)).sum()) for c, a in enumerate(p.arms)}
    notes = []
    if mixed:
        text = "the sign of the difference in being observed changes between cells: there the other arm is trimmed. One direction for everybody is then in doubt."
        notes.append(Note("direction_changes", text))
    if not any(lost.values()):
        return notes
    if trim > 0 and abs(_surplus(p)) < UNSURE:
        text = f"the shares observed differ by less than {UNSURE:g} standard errors: which arm to trim is not sure, and neither are these standard errors."
        notes.append(Note("direction_unsure", text))
    if trim == 0:
        text = "the arms keep equal shares, so nothing is trimmed: the bounds are a point, the effect on those observed, if the arm moves nobody in or out."
        notes.append(Note("equal_shares", text))
    elif not lost[trimmed]:
        text = f"nobody is lost in {trimmed}: those observed under either arm are the kind of people observed in {other}, and the bounds are for them."
        notes.append(Note("one_arm_complete", text))
    return notes


def _surplus(p: People) -> float:
    """Difference of the shares observed, in standard errors."""
    shares = [float(p.weights[p.observed & a].sum() / p.weights[a].sum()) for a in (~p.treated, p.treated)]
    values = np.zeros(p.sample.n)
    for sign, share, inside in zip((-1.0, 1.0), shares, (~p.treated, p.treated)):
        values[inside] = (sign * p.weights * (p.observed - share) / p.weights[inside].sum())[inside]
    error, _ = p.errors(values)
    return (shares[1] - shares[0]) / error if error > 0 else math.inf


def _bootstrap(p: People, cell: IntArray, n_draws: int, seed: int, drawn: dict[Any, list[FloatArray]]) -> tuple[float, float]:
    """Standard deviations of the bounds over draws of whole units; the same draws for every outcome."""
    s = p.sample
    key = (s.arms, s.n, int(s.rows.sum()))
    unit, cells = resampling_cells(arm=s.arm, stratum=s.stratum, unit=s.unit_of_variance)
    if key not in drawn:
        drawn[key] = list(bootstrap_weights(cell=cells, n_draws=n_draws, seed=seed, people=s.n))
    order = sorted_people(y=s.y, selected=p.observed, treated=p.treated, cell=cell)
    if p.plain:  # the weight of a person is that of the unit, so units are read in the place of people
        order = [(_of_units(control, unit), _of_units(treated, unit)) for control, treated in order]
    ends = [lee_batch(people=order, weights=chunk if p.plain else chunk[:, unit] * p.weights) for chunk in drawn[key]]
    lower, upper = (np.concatenate(v) for v in zip(*ends))
    fine = np.isfinite(lower) & np.isfinite(upper)
    if fine.mean() < 0.99:
        raise EstimationError(
            f"{int((~fine).sum())} of {n_draws} draws leave an arm of a cell without anybody observed: use fewer cells, or the analytic standard errors."
        )
    return float(lower[fine].std(ddof=1)), float(upper[fine].std(ddof=1))


def _of_units(people: Sorted, unit: IntArray) -> Sorted:
    return replace(people, rows=unit[people.rows], everyone=unit[people.everyone])
