"""From a frame of items to the answers of each wave and arm, turned around and checked."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from trialkit.errors import (
    ColumnNotFoundError,
    DataError,
    EstimationError,
    MissingDataError,
    NotIdentifiedError,
    ScaleError,
    UsageError,
    ValueTypeError,
    shown,
)
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.reliability.item_moments import pair_counts
from trialkit.measurement.questionnaires.registered import scale as registered
from trialkit.measurement.questionnaires.registered import warn_if_unverified
from trialkit.measurement.questionnaires.scale import Scale
from trialkit.measurement.scoring.answers import as_frame, item_columns, read_answers
from trialkit.measurement.scoring.people_rows import people_text, row_labels, unit_codes
from trialkit.measurement.scoring.recode import code_bounds, counted
from trialkit.measurement.scoring.screening import check_coding_base, check_mixture
from trialkit.measurement.scoring.stray_codes import stray_codes
from trialkit.results import Note

Missing = Literal["pairwise", "listwise"]

_MOST_LEVELS = 20


@dataclass(frozen=True, slots=True)
class ItemSet:
    """The answers of one wave and arm.

    Attributes
    ----------
    wave, level : labels, "" when there are none. x : answers (n, p), NaN = missing. items : names of the columns.
    unit : codes 0..U-1 of independent units (n,); people alone are units of one. clustered : whether units were given.
    """

    wave: str
    level: str
    x: FloatArray
    items: tuple[str, ...]
    unit: IntArray
    clustered: bool
    notes: tuple[Note, ...]

    @property
    def where(self) -> str:
        return " in " + ", ".join(f"'{part}'" for part in (self.wave, self.level) if part) if self.wave or self.level else ""


@dataclass(frozen=True, slots=True)
class Reading:
    """How answers become numbers that all run one way."""

    scale: Scale | None
    subscale: str | None
    codes: tuple[int, int] | None
    reverse: tuple[Hashable, ...]
    missing_codes: Any


def read_how(
    scale: Scale | str | None,
    form: str | None,
    subscale: str | None,
    codes: tuple[int, int] | None,
    reverse: Sequence[Hashable],
    missing_codes: Iterable[Any] | None,
) -> Reading:
    """The options, checked against each other."""
    entry = registered(scale) if isinstance(scale, str) else scale
    if entry is not None and not isinstance(entry, Scale):
        raise UsageError(f"scale must be a Scale or the key of one in the registry, not {type(entry).__name__}.")
    if isinstance(reverse, str):
        raise UsageError(f"reverse takes a list of item columns: write reverse=['{reverse}'].")
    if entry is None and (subscale is not None or form is not None):
        raise UsageError("form and subscale belong to a registered scale; give scale= too, or the columns of the subscale only.")
    if entry is not None and len(reverse):
        raise UsageError(
            f"scale '{entry.key}' says itself which items are reversed. Leave reverse out, or leave scale out and say reverse and codes."
        )
    if len(reverse) and codes is None:
        raise UsageError(
            "reverse needs codes=(lowest, highest): items are turned around on the codes that were offered, never on those that occur."
        )
    if codes is not None and (len(tuple(codes)) != 2 or not codes[0] < codes[1]):
        raise UsageError(f"codes={codes!r} must be the lowest and the highest code in the file, such as codes=(1, 5).")
    if entry is not None:
        entry = _part(entry if form is None else entry.with_form(form), subscale)
        warn_if_unverified(entry)
    return Reading(entry, subscale, codes, tuple(reverse), missing_codes)


def _part(entry: Scale, subscale: str | None) -> Scale:
    if subscale is None and not entry.chosen.total:
        parts = list(entry.chosen.subscales)
        raise ScaleError(
            f"the scale '{entry.key}' has no total score, so its items together have no reliability. Name a subscale: {shown(parts, 20)}."
        )
    return entry


def item_sets(
    items: Any,
    how: Reading,
    *,
    by: Any,
    waves: Mapping[str, Sequence[Hashable]] | None,
    cluster: Any,
    missing: Missing,
) -> list[ItemSet]:
    """One set for each wave and each value of `by`."""
    frame = as_frame(items)
    labels = None if by is None else row_labels(frame, by, "by")
    units = None if cluster is None else row_labels(frame, cluster, "cluster")
    aside = [name for name in (by, cluster) if isinstance(name, Hashable) and not isinstance(name, pd.Series)]
    columns = _columns_of_waves(frame, waves, aside)
    _check_reverse(how, [c for wave in columns.values() for c in wave])
    levels = _levels(labels)
    out = []
    for wave, chosen in columns.items():
        x, names, notes = _answers(frame, chosen, how)
        notes += _unlabelled(labels)
        whole = ItemSet(wave, "", x, tuple(str(c) for c in names), np.arange(len(x)), units is not None, tuple(notes))
        for level, mine in levels:
            kept = _kept(replace(whole, level=level), mine, units, missing)
            _check(kept)
            out.append(kept)
    return out


def _columns_of_waves(
    frame: pd.DataFrame, waves: Mapping[str, Sequence[Hashable]] | None, aside: list[Hashable]
) -> dict[str, list[Hashable]]:
    if waves is None:
        columns = {"": [c for c in frame.columns if c not in aside]}
    else:
        if not isinstance(waves, Mapping) or not waves:
            raise UsageError("waves says which columns hold the items of each wave: {'t0': ['t0_1', ...], 't1': ['t1_1', ...]}.")
        columns = {str(w): list(chosen) for w, chosen in waves.items()}
    lengths = {wave: len(chosen) for wave, chosen in columns.items()}
    if len(set(lengths.values())) > 1:
        raise UsageError(
            f"the waves have different numbers of items: {lengths}. List the same items, in the same order, in each."
        )
    for wave, chosen in columns.items():
        where = f" (wave '{wave}')" if wave else ""
        absent = [c for c in chosen if c not in frame.columns]
        if absent:
            raise ColumnNotFoundError(str(absent[0]), frame.columns, where=f"the items{where}")
        twice = sorted({str(c) for c in chosen if chosen.count(c) > 1 or list(frame.columns).count(c) > 1})
        if twice:
            raise DataError(f"the items have {shown(twice)} more than once{where}. Keep one column an item.")
        if len(chosen) < 2:
            which = f"the single item '{chosen[0]}'" if chosen else "no item column"
            raise NotIdentifiedError(
                f"there is {which}{where}: reliability compares items with each other. Give the columns of two items or more; for one "
                "number measured twice see tk.measurement.test_retest."
            )
    return columns


def _check_reverse(how: Reading, columns: list[Hashable]) -> None:
    for name in how.reverse:
        if name not in columns:
            raise ColumnNotFoundError(str(name), columns, where="the items (named in reverse)")


def _levels(labels: pd.Series | None) -> list[tuple[str, BoolArray | None]]:
    if labels is None:
        return [("", None)]
    found = sorted(labels.dropna().unique(), key=lambda v: (isinstance(v, str), v))
    if not found:
        raise DataError("by has no value for anyone. Check the column.")
    if len(found) > _MOST_LEVELS:
        raise UsageError(
            f"by has {len(found)} values; every value gets its own reliability. For people in peer groups use cluster=, not by=."
        )
    names = [f"{v:g}" if isinstance(v, float) else str(v) for v in found]
    return [(name, np.asarray((labels == v).to_numpy(dtype=bool, na_value=False))) for name, v in zip(names, found)]


def _unlabelled(labels: pd.Series | None) -> list[Note]:
    count = 0 if labels is None else int(labels.isna().sum())
    return [Note("no_level", f"{people_text(count)} without a value of by left out.")] if count else []


def _answers(frame: pd.DataFrame, columns: list[Hashable], how: Reading) -> tuple[FloatArray, list[Hashable], list[Note]]:
    if how.scale is not None:
        return _by_scale(frame, columns, how, how.scale)
    x = read_answers(frame, columns, value_labels=None, missing_codes=how.missing_codes).codes
    _refuse_infinite(x, columns)
    if how.codes is None:
        return x, columns, stray_codes(x, columns, lambda code: f"Say missing_codes=[{code:g}].")
    low, high = how.codes
    x, notes = _inside(x, np.full(len(columns), float(low)), np.full(len(columns), float(high)), columns)
    turned = [j for j, c in enumerate(columns) if c in how.reverse]
    x[:, turned] = low + high - x[:, turned]
    return x, columns, notes


def _by_scale(
    frame: pd.DataFrame, columns: list[Hashable], how: Reading, entry: Scale
) -> tuple[FloatArray, list[Hashable], list[Note]]:
    numbers = entry.subscale_items(how.subscale) if how.subscale else tuple(range(1, entry.items + 1))
    chosen = item_columns(columns, entry, numbers, list(frame.columns))
    if how.codes is None and entry.codes.declare:
        raise ScaleError(
            f"the scale '{entry.key}' circulates with different numbers of answers, so the codes of the file must be said: "
            f"codes={entry.codes.pair} for the version that is stored."
        )
    low, high = how.codes or entry.codes.pair
    if high - low + 1 != entry.codes.steps:
        raise ScaleError(
            f"codes=({low}, {high}) has {high - low + 1} answers, but the scale '{entry.key}' has {entry.codes.steps}."
        )
    x = read_answers(frame, chosen, value_labels=None, missing_codes=how.missing_codes, steps=high - low + 1).codes
    where = f"scale '{entry.key}', columns {shown([str(c) for c in chosen], 2)}"
    if how.codes is None:
        check_mixture(x, low, high, entry.other_codes, where=where)
    check_coding_base(x, low, high, where=where)
    lows, highs = code_bounds(entry, numbers, low)
    x, notes = _inside(x, lows, highs, chosen)
    turned = [str(c) for c, n in zip(chosen, numbers) if entry.chosen.keyed_down(n)]
    if turned:
        notes.append(Note("reversed", f"turned around as scale '{entry.key}' says: {shown(turned, 20)}."))
    return counted(x, entry, numbers, low=low, already=frozenset()), chosen, notes


def _inside(x: FloatArray, lows: FloatArray, highs: FloatArray, columns: list[Hashable]) -> tuple[FloatArray, list[Note]]:
    outside: BoolArray = np.logical_or(x < lows, x > highs)
    notes = []
    if outside.any():
        which = [str(c) for c, bad in zip(columns, np.any(outside, axis=0).tolist()) if bad]
        seen = [float(v) for v in np.unique(x[outside])]
        notes.append(
            Note(
                "out_of_range",
                f"{int(outside.sum())} answers outside the codes ({shown(seen)}) were set missing, in {shown(which)}.",
            )
        )
    return np.where(outside, np.nan, x), notes


def _refuse_infinite(x: FloatArray, columns: list[Hashable]) -> None:
    bad = np.isinf(x).any(axis=0)
    if bad.any():
        raise ValueTypeError(f"item '{columns[int(bad.argmax())]}' holds infinite values. Make them missing.")


def _kept(whole: ItemSet, mine: BoolArray | None, units: pd.Series | None, missing: Missing) -> ItemSet:
    absent = np.isnan(whole.x)
    rows = np.ones(len(absent), dtype=bool) if mine is None else mine
    answered = rows & ~absent.all(axis=1)
    notes = list(whole.notes)
    if (rows & ~answered).any():
        notes.append(
            Note("no_answers", f"{people_text(int((rows & ~answered).sum()))} without any answer left out{whole.where}.")
        )
    partial = answered & absent.any(axis=1)
    keep = answered & ~partial if missing == "listwise" else answered
    if missing == "listwise" and partial.any():
        notes.append(
            Note(
                "listwise", f"{people_text(int(partial.sum()))} with a missing answer left out{whole.where} (missing='listwise')."
            )
        )
    elif partial.any():
        least = int(pair_counts(whole.x[keep]).min())
        notes.append(
            Note(
                "pairwise",
                f"{people_text(int(partial.sum()))} with missing answers{whole.where} count in the covariances of the items that they answered; "
                f"every two items were answered together by at least {people_text(least)}, which is the n of Feldt's interval.",
            )
        )
    if not keep.any():
        raise MissingDataError(
            f"no person is left with answers to these items{whole.where}. Check the columns and missing codes."
        )
    unit = np.arange(int(keep.sum())) if units is None else unit_codes(units[keep])
    return replace(whole, x=whole.x[keep], unit=unit, notes=tuple(notes))


def _check(found: ItemSet) -> None:
    x, items, where = found.x, found.items, found.where
    answered = (~np.isnan(x)).sum(axis=0)
    if answered.min() < 3:
        raise MissingDataError(
            f"item '{items[int(answered.argmin())]}' has {answered.min()} answers{where}. Leave the item out, or check its column."
        )
    spread = np.nanmax(x, axis=0) - np.nanmin(x, axis=0)
    if (spread == 0).any():
        j = int(np.flatnonzero(spread == 0)[0])
        raise DataError(
            f"item '{items[j]}' has the same answer ({x[~np.isnan(x[:, j]), j][0]:g}) from everyone{where}: it has no correlation with the "
            "other items, and adds nothing that could be reliable. Leave it out."
        )
    if len(x) <= x.shape[1]:
        raise EstimationError(
            f"{people_text(len(x))}{where} and {len(items)} items: the covariances of {len(items)} items need more people than items. "
            "Use fewer items, or no separate sets."
        )
    together = pair_counts(x)
    if together.min() < 3:
        i, k = divmod(int(together.argmin()), len(items))
        raise MissingDataError(
            f"items '{items[i]}' and '{items[k]}' are answered together by {people_text(int(together.min()))}{where}: their covariance is not "
            "in the data. Leave one of them out."
        )
