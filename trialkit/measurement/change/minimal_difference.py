"""The smallest difference that matters: by the distribution of scores, and by what people themselves call better.

Distribution: .2 SD and .5 SD (Cohen 1988; Norman, Sloan & Wyrwich 2003), SEM = SD sqrt(1 - r) (Wyrwich, Tierney & Wolinsky 1999), and the smallest detectable
change of one person z sqrt(2) SEM (de Vet et al. 2006), which is noise and not importance. Of these
only Norman et al. was checked against a copy. Anchor: `inference/minimal_change.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from trialkit.errors import DataError, GroupError, UsageError, nearest, shown
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.draws.group_bootstrap import bootstrap_weights, resampling_cells
from trialkit.inference.minimal_change import anchor_numbers
from trialkit.io.frames import numeric
from trialkit.measurement.change.by_arm import weights_of
from trialkit.measurement.change.inputs import (
    Better,
    Scores,
    checked,
    checked_level,
    checked_reliability,
    direction,
    limits_of,
    one_wave,
    scores,
    spread,
)
from trialkit.measurement.change.result import MinimalDifference
from trialkit.measurement.questionnaires.scale import Scale
from trialkit.misuse import explained
from trialkit.printed import counted_people
from trialkit.results import Note
from trialkit.trial import Trial

Levels = Hashable | Iterable[Hashable]
WEAK_ANCHOR, UNEVEN, FEW_UNITS, FEW_SLIGHT, LOST = 0.3, (0.3, 0.7), 20, 10, 0.05


@explained
def minimal_difference(
    pre: Any,
    post: Any = None,
    *,
    seed: int,
    reliability: float = 0.85,
    sd: float | None = None,
    anchor: Any = None,
    improved: Levels | None = None,
    slightly_better: Levels | None = None,
    unchanged: Levels | None = None,
    group: Any = None,
    better: Better | None = None,
    scale: Scale | None = None,
    subscale: str | None = None,
    trial: Trial | None = None,
    n_draws: int = 2000,
    conf_level: float = 0.95,
) -> MinimalDifference:
    """Candidates for the minimal important difference, in points of the scale, with bootstrap intervals that resample groups.

    Parameters
    ----------
    pre, post : scores before and after, as in `reliable_change`. Without `post` the distribution-based rows only.
    seed : of the bootstrap.
    reliability, sd : as in `reliable_change`; taken as known, so the intervals of SEM and SDC leave out that the reliability was estimated.
    anchor : each person's own rating of change (a global rating: 'much worse' ... 'much better'); with `trial` a column. Needs post.
    improved : the ratings that count as improved, the slight ones among them; all other ratings are 'not improved', worse ones too.
    slightly_better, unchanged : the ratings of people who improved a little, and of people who did not change.
    group : group of each person, missing for people alone; not with `trial`, which knows it.
    n_draws, conf_level : draws of the percentile intervals; conf_level is also that of the smallest detectable change.

    Returns
    -------
    MinimalDifference
        `.tidy()`: method, basis, estimate, conf_low, conf_high, n; `found["0.5 SD"]`; `.auc`, `.anchor_correlation`.

        Rows "0.2 SD", "0.5 SD", "SEM", "SDC"; with an anchor "mean change" (of the slightly better), "mean change beyond unchanged", "ROC", "predictive"
        and "predictive, adjusted". All are sizes: a positive number is an improvement.

    Raises
    ------
    UsageError, DataError, GroupError
        No or unknown ratings; a single group; as `reliable_change`.

    Notes
    -----
    These are thresholds for the change of a person, and a margin for a difference between arms is a choice to be made and defended before the data are seen:
    nothing here replaces that. SD rules know nothing of what people value; an anchor that hardly correlates with change (below .3, a convention
    ascribed to Revicki et al. 2008, not checked against the source) says little; ROC and predictive values rise with the share improved, which the adjusted one corrects.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> pre = pd.Series(rng.normal(50, 10, 200))
    >>> change = rng.normal(4, 8, 200)
    >>> felt = pd.cut(change + rng.normal(0, 6, 200), [-99, 0, 8, 99], labels=["same", "a bit better", "much better"])
    >>> found = tk.measurement.minimal_difference(
    ...     pre, pre + change, anchor=felt, improved=["a bit better", "much better"], slightly_better="a bit better", seed=1, n_draws=200
    ... )
    >>> found.tidy()["method"].tolist()
    ['0.2 SD', '0.5 SD', 'SEM', 'SDC', 'mean change', 'ROC', 'predictive', 'predictive, adjusted']
    """
    checked_level(conf_level)
    rel = checked_reliability(reliability)
    _check_draws(n_draws, seed)
    s = _waves(pre, post, trial, scale, subscale, better)
    weights = np.ones(len(s.pre))
    if trial is not None:
        weights = weights_of(trial)
    base, sd_of = spread(s.pre, sd, s.names[0], weights)
    felt = _anchor(anchor, s, trial, post, improved, slightly_better, unchanged)
    rows_in = np.flatnonzero(weights > 0)
    unit, cell = _units(trial, group, s.index, rows_in)
    sem = np.sqrt(1 - rel)
    multiples = {"0.2 SD": 0.2, "0.5 SD": 0.5, "SEM": sem, "SDC": float(special.ndtri((1 + conf_level) / 2)) * np.sqrt(2) * sem}
    numbers = _numbers(s, weights, sd, felt, multiples)
    draws = _draws(numbers, weights, rows_in, unit, cell, n_draws, seed)
    point = {k: float(v[0]) for k, v in numbers(weights[None]).items()}
    rows, notes = _rows(point, draws, felt, s, weights, multiples, sd is not None, conf_level)
    units = len(cell)
    few = int(np.bincount(cell)[np.unique(cell)].min())
    if few < FEW_UNITS:
        within = " in an arm" if trial is not None else ""
        notes.append(Note("few_units", f"{few} independent units{within}: percentile intervals of so few are too short."))
    details = {
        "title": f"Minimal important difference of {s.names[0]}", "sd": base, "sd_of": sd_of, "reliability": rel, "n_draws": n_draws, "seed": seed,
        "conf_level": conf_level, "units": units, "auc": point.get("auc"), "anchor_correlation": point.get("correlation"),
        "share_improved": point.get("share"), "sensitivity": point.get("sensitivity"), "specificity": point.get("specificity"),
        "words": _words(base, sd_of, rel, point, conf_level, units, len(s.pre)),
    }  # fmt: skip
    notes += _anchor_notes(point, felt)
    return MinimalDifference((), tuple(dict.fromkeys((*s.notes, *notes))), details, tuple(rows))


def _check_draws(n_draws: int, seed: int) -> None:
    if isinstance(n_draws, bool) or not isinstance(n_draws, int) or n_draws < 100:
        raise UsageError(f"n_draws={n_draws!r}: percentile intervals need at least 100 draws.")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise UsageError(f"seed={seed!r} is no seed: give a whole number from 0 up.")


def _waves(pre: Any, post: Any, trial: Trial | None, scale: Scale | None, subscale: str | None, better: Better | None) -> Scores:
    if post is not None:
        return scores(pre, post, trial=trial, scale=scale, subscale=subscale, better=better)
    series, name = one_wave(pre, "pre", trial)
    values = numeric(series, name)
    notes = checked(values, name, limits_of(pre, scale, subscale))
    return Scores(
        values,
        np.full(len(values), np.nan),
        series.index,
        (name, ""),
        direction(pre, None, scale, subscale, better),
        tuple(notes),
    )


def _anchor(
    anchor: Any, s: Scores, trial: Trial | None, post: Any, improved: Levels | None, slight: Levels | None, same: Levels | None
) -> dict[str, BoolArray] | None:
    """Who rated, who improved, a little, and not at all; (n,) each."""
    if anchor is None:
        if improved is not None or slight is not None or same is not None:
            raise UsageError("improved=, slightly_better= and unchanged= name ratings of an anchor: give anchor= too.")
        return None
    if post is None:
        raise UsageError("an anchor is a rating of change: give post= too.")
    if improved is None and slight is None:
        raise UsageError("say which ratings of the anchor count: improved=[...] (all that are better) and slightly_better='...'.")
    series, name = one_wave(anchor, "anchor", trial)
    if len(series) != len(s.pre):
        raise UsageError(
            f"the anchor has {len(series)} people and the scores {len(s.pre)}: give one rating a person, missing as NaN."
        )
    if not series.index.equals(s.index):
        if not (series.index.is_unique and set(series.index) == set(s.index)):
            raise UsageError("the anchor is not indexed by the same people as the scores.")
        series = series.reindex(s.index)
    rated = series.notna().to_numpy() & np.isfinite(s.change)
    found = list(dict.fromkeys(series.dropna().tolist()))
    out = {"rated": rated}
    for role, given in (("improved", improved), ("slight", slight), ("unchanged", same)):
        if given is not None:
            out[role] = series.isin(_levels(given, found, name)).to_numpy() & rated
    if "improved" in out:
        for role, word in (("slight", "slightly_better"), ("unchanged", "unchanged")):
            if role in out and (out[role] & ~out["improved"]).any() == (role == "slight"):
                raise UsageError(
                    f"{word}= {'lies outside' if role == 'slight' else 'overlaps with'} improved=: improved holds every better rating, no other."
                )
        if not out["improved"].any() or not (rated & ~out["improved"]).any():
            who = "nobody" if not out["improved"].any() else "everybody"
            raise DataError(
                f"{who} with a rating in '{name}' and both scores has improved: an anchor needs both kinds of people."
            )
    return out


def _levels(given: Levels, found: list[Any], name: str) -> list[Any]:
    wanted = list(given) if isinstance(given, Iterable) and not isinstance(given, (str, bytes)) else [given]
    for level in wanted:
        if level not in found:
            near = nearest(str(level), found)
            raise DataError(
                f"nobody has the rating {level!r} in '{name}', which holds {shown(found, 10)}.{f' Did you mean {near!r}?' if near else ''}"
            )
    return wanted


def _units(trial: Trial | None, group: Any, index: pd.Index, rows: IntArray) -> tuple[IntArray, IntArray]:
    """Unit code of each person in `rows` and cell code of each unit: units are drawn within arms, or groups and people alone apart."""
    n = len(index)
    if trial is not None:
        if group is not None:
            raise UsageError("group= is not for a trial, which knows its groups.")
        if trial.cluster is not None:
            member = trial.codes(trial.cluster)
        else:
            member = np.where(trial.group_codes >= 0, trial.group_codes, -1)
        cell_of = trial.arm_codes
    else:
        member = np.full(n, -1, dtype=np.int64)
        if group is not None:
            labels = (
                group.reindex(index)
                if isinstance(group, pd.Series) and not group.index.equals(index)
                else pd.Series(np.asarray(group, dtype=object))
            )
            if len(labels) != n:
                raise UsageError(f"group has {len(labels)} people and the scores {n}.")
            member = pd.factorize(labels)[0].astype(np.int64)
        cell_of = (member >= 0).astype(np.int64)
    unit = np.where(member >= 0, member, member.max(initial=-1) + 1 + np.arange(n)).astype(np.int64)
    code, cell = resampling_cells(arm=np.asarray(cell_of, dtype=np.int64)[rows], stratum=None, unit=unit[rows])
    counts = np.bincount(cell)
    if (counts == 1).any():
        raise GroupError(
            "a single group (or one person alone) cannot be resampled, so nothing is known of its uncertainty: leave group= out only if people were not grouped, "
            "or put more groups in the data."
        )
    return code, cell


def _numbers(
    s: Scores, base: FloatArray, sd: float | None, felt: dict[str, BoolArray] | None, multiples: dict[str, float]
) -> Callable[[FloatArray], dict[str, FloatArray]]:
    """Function of weights (B, n) to every number (B,)."""
    known = np.isfinite(s.pre) & (base > 0)
    first = s.pre[known]
    gain = s.sign * np.where(np.isfinite(s.change), s.change, 0.0)

    def numbers(weights: FloatArray) -> dict[str, FloatArray]:
        w = weights[:, known]
        mean = w @ first / w.sum(axis=1)
        square = (w * (first - mean[:, None]) ** 2).sum(axis=1) / w.sum(axis=1) * len(first) / (len(first) - 1)
        scale = np.sqrt(square) if sd is None else np.full(len(w), float(sd))
        out = {name: factor * scale for name, factor in multiples.items()}
        if felt is None:
            return out
        if "slight" in felt:
            out["mean change"] = _mean(weights, gain, felt["slight"])
            if "unchanged" in felt:
                out["mean change beyond unchanged"] = out["mean change"] - _mean(weights, gain, felt["unchanged"])
        if "improved" in felt:
            on = felt["rated"] & (base > 0)
            found = anchor_numbers(change=gain[on], improved=felt["improved"][on], weights=weights[:, on])
            out |= {"ROC": found.youden, "predictive": found.predictive, "predictive, adjusted": found.adjusted}
            out |= {"auc": found.auc, "correlation": found.correlation, "share": found.share_improved}
            out |= {"sensitivity": found.sensitivity, "specificity": found.specificity}
        return out

    return numbers


def _mean(weights: FloatArray, values: FloatArray, inside: BoolArray) -> FloatArray:
    total = weights[:, inside].sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(weights[:, inside] @ values[inside] / total)


def _draws(
    numbers: Callable[[FloatArray], dict[str, FloatArray]], base: FloatArray, rows: IntArray, unit: IntArray, cell: IntArray, n_draws: int, seed: int
) -> dict[str, FloatArray]:  # fmt: skip
    parts = []
    for drawn in bootstrap_weights(cell=cell, n_draws=n_draws, seed=int(seed), people=len(base)):
        weights = np.zeros((len(drawn), len(base)))
        weights[:, rows] = drawn[:, unit] * base[rows]
        parts.append(numbers(weights))
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


INSIDE = ("auc", "correlation", "share", "sensitivity", "specificity")


def _rows(
    point: dict[str, float], draws: dict[str, FloatArray], felt: dict[str, BoolArray] | None, s: Scores, base: FloatArray,
    multiples: dict[str, float], sd_given: bool, conf_level: float,
) -> tuple[list[dict[str, Any]], list[Note]]:  # fmt: skip
    rows: list[dict[str, Any]] = []
    notes: list[Note] = []
    tail = (1 - conf_level) / 2
    for name, value in point.items():
        if name in INSIDE:
            continue
        by_distribution = name in multiples
        found = draws[name][np.isfinite(draws[name])]
        lost = 1 - len(found) / len(draws[name])
        low, high = (np.nan, np.nan)
        if np.isfinite(value) and lost <= LOST and not (by_distribution and sd_given):
            low, high = (float(v) for v in np.quantile(found, [tail, 1 - tail]))
        if not np.isfinite(value):
            notes.append(
                Note(
                    "undefined",
                    f"'{name}' is not defined: the changes of improved and other people do not overlap, or do not vary.",
                )
            )
        elif lost > LOST:
            notes.append(Note("no_interval", f"'{name}' is undefined in {100 * lost:.0f} % of the draws, so it has no interval."))
        elif lost:
            notes.append(
                Note("draws_lost", f"'{name}' is undefined in {100 * lost:.2g} % of the draws; its interval is of the others.")
            )
        rows.append(
            {
                "method": name, "basis": "distribution" if by_distribution else "anchor", "estimate": value, "conf_low": low, "conf_high": high,
                "n": _people(name, felt, s, base, by_distribution),
            }
        )  # fmt: skip
    if sd_given:
        notes.append(Note("sd_given", "the SD was given, so what rests on it alone has no interval."))
    return rows, notes


def _people(name: str, felt: dict[str, BoolArray] | None, s: Scores, base: FloatArray, by_distribution: bool) -> int:
    """People behind a row; for mean changes those slightly better."""
    if by_distribution or felt is None:
        return int((np.isfinite(s.pre) & (base > 0)).sum())
    return int((felt["slight" if name.startswith("mean") else "rated"] & (base > 0)).sum())


def _words(
    base: float, sd_of: str, reliability: float, point: dict[str, float], conf_level: float, units: int, n: int
) -> list[str]:
    words = [
        f"In points, an improvement as a positive number; {sd_of} {base:.4g}, reliability {reliability:g}. SDC is the smallest change of one person beyond "
        f"measurement error ({100 * conf_level:g} %), which is no statement on importance.",
        f"Intervals: percentiles of a bootstrap of {units} independent units ({n} people).",
    ]
    if "auc" in point:
        words.append(
            f"Anchor: {100 * point['share']:.0f} % improved, correlation with change {point['correlation']:.2f}, area under the curve {point['auc']:.2f}; at the "
            f"ROC cut sensitivity {point['sensitivity']:.2f} and specificity {point['specificity']:.2f}."
        )
    return words


def _anchor_notes(point: dict[str, float], felt: dict[str, BoolArray] | None) -> list[Note]:
    notes = []
    if felt is not None and "slight" in felt and felt["slight"].sum() < FEW_SLIGHT:
        notes.append(
            Note(
                "few_slightly_better",
                f"only {counted_people(int(felt['slight'].sum()), 'were slightly better: their mean change is little more than noise.')}",
            )
        )
    if "correlation" not in point:
        return notes
    if not point["correlation"] >= WEAK_ANCHOR:
        notes.append(
            Note(
                "weak_anchor",
                f"the anchor hardly goes with change (correlation {point['correlation']:.2f}; below {WEAK_ANCHOR:g}, by convention): the anchor-based "
                "rows should not be used.",
            )
        )
    if not UNEVEN[0] <= point["share"] <= UNEVEN[1]:
        notes.append(
            Note(
                "uneven_anchor",
                f"{100 * point['share']:.0f} % improved: far from half, ROC and predictive values are pulled towards the mean change; prefer 'predictive, adjusted'.",
            )
        )
    return notes
