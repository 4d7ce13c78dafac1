"""Answers in long form, one row an answer: scored as if each person had one row."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd

from trialkit.errors import ColumnNotFoundError, DataError, UsageError, ValueTypeError, shown
from trialkit.measurement.questionnaires.registered import scale as registered
from trialkit.measurement.questionnaires.scale import Scale
from trialkit.measurement.scoring.answers import PLACE, as_frame
from trialkit.measurement.scoring.score import score
from trialkit.measurement.scoring.score_result import ScoreResult
from trialkit.measurement.scoring.waves import WaveScores
from trialkit.misuse import explained

__all__ = ["score_long"]

OFFERED = ("codes", "form", "form_from", "subscale", "prorate", "value_labels", "missing_codes", "already_reversed")


@explained
def score_long(
    data: Any,
    scale: Scale | str,
    *,
    person: str,
    item: str,
    answer: str,
    wave: str | None = None,
    items: str | None = None,
    **options: Any,
) -> ScoreResult | WaveScores:
    """Score answers that stand one below the other: columns for the person, the item, the answer and, if any, the wave.

    An item for which a person has no row counts as not answered; so does everyone's whole wave when they have no row in it.

    Parameters
    ----------
    data
        Data frame, one row an answer.
    scale
        A `Scale`, or the key of one in the registry.
    person, item, answer, wave
        Columns: who, which item, the answer, and when.
    items
        A pattern for the values of `item`, such as "gse_{item}", when they are names; rows with other names belong to other scales
        and are left out. Unsaid: the values are the item numbers, from 1.
    **options
        As in `score`: codes, form, form_from, subscale, prorate, value_labels, missing_codes, already_reversed. The columns of
        form_from must hold one value for each person and wave.

    Returns
    -------
    ScoreResult
        With the persons as index, in the order in which they first occur; with `wave` a WaveScores.

    Raises
    ------
    ColumnNotFoundError
        A named column is absent; proposes the near name.
    DataError
        A person has two answers to one item (in one wave), or rows without a person or wave.
    ValueTypeError
        Values of `item` that are no item numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from trialkit.measurement import score_long
    >>> answers = pd.DataFrame({"id": ["a"] * 5, "item": [1, 2, 3, 4, 5], "answer": [5, 4, 3, 2, 1]})
    >>> score_long(answers, "who5", person="id", item="item", answer="answer").values.to_dict()
    {'a': 60.0}
    """
    entry = registered(scale) if isinstance(scale, str) else scale
    if not isinstance(entry, Scale):
        raise UsageError(f"scale must be a Scale or the key of one in the registry, not {type(entry).__name__}.")
    unknown = [name for name in options if name not in OFFERED]
    if unknown:
        raise UsageError(f"score_long has no option {shown(unknown)}; it has {shown(OFFERED, 20)}.")
    frame = as_frame(data).reset_index(drop=True)
    by = [person] if wave is None else [person, wave]
    for column in [*by, item, answer]:
        if column not in frame.columns:
            raise ColumnNotFoundError(column, frame.columns)
    frame = frame[_rows_of_scale(frame[item], items)]
    if not len(frame):
        raise DataError(
            f"no row of column '{item}' fits items='{items}'. Look at its values: they must be names with the item number."
        )
    _require_keys(frame, by)
    numbers = _item_numbers(frame[item], item, items, entry)
    wide = _wide(frame, numbers, by, answer, entry)
    people = pd.Index(frame[person].drop_duplicates(), name=person)
    columns = [place for place in (options.get("form_from") or {}).values() if place in frame.columns]
    constant = _constant(frame, by, columns) if columns else pd.DataFrame(index=wide.index)
    if wave is None:
        return score(wide.reindex(people).join(constant), entry, range(1, entry.items + 1), **options)
    every_wave = list(dict.fromkeys(frame[wave]))
    scored = {}
    for label in every_wave:
        of_wave = wide.xs(label, level=wave).reindex(people)
        scored[_text(label)] = score(of_wave.join(constant.xs(label, level=wave)), entry, range(1, entry.items + 1), **options)
    return WaveScores(scored)


def _text(label: Hashable) -> str:
    return f"{label:g}" if isinstance(label, float) else str(label)


def _rows_of_scale(values: pd.Series, items: str | None) -> pd.Series:
    if items is None:
        return pd.Series(True, index=values.index)
    place = PLACE.search(items)
    if place is None:
        raise UsageError(f"items='{items}' must hold the place of the item number as {{item}}, such as items='gse_{{item}}'.")
    before, after = items[: place.start()], items[place.end() :]
    text = values.astype("string")
    length = len(before) + len(after)
    middle = text.str.slice(len(before), None if not after else -len(after))
    fits = text.str.startswith(before) & text.str.endswith(after) & (text.str.len() > length) & middle.str.fullmatch(r"\d+")
    return fits.fillna(False).astype(bool)


def _require_keys(frame: pd.DataFrame, by: list[str]) -> None:
    for column in by:
        empty = int(frame[column].isna().sum())
        if empty:
            raise DataError(
                f"column '{column}' is empty in {empty} rows, so it is not known whose answers these are. Fill or drop them."
            )


def _item_numbers(values: pd.Series, column: str, items: str | None, scale: Scale) -> pd.Series:
    if items is not None:
        place = PLACE.search(items)
        assert place is not None
        after = len(items) - place.end()
        values = values.astype("string").str.slice(place.start(), -after if after else None)
    numbers = pd.to_numeric(values, errors="coerce")
    wrong = numbers.isna() | (numbers < 1) | (numbers > scale.items) | (numbers % 1 != 0)
    if wrong.fillna(True).any():
        seen = [str(v) for v in pd.unique(values[wrong.fillna(True)])]
        raise ValueTypeError(
            f"column '{column}' holds {shown(seen)}, but the scale '{scale.key}' has items 1 to {scale.items}. Keep only the rows of this "
            f"scale, or say how its items are named, as in items='{scale.key}_{{item}}'."
        )
    return numbers.astype(int)


def _wide(frame: pd.DataFrame, numbers: pd.Series, by: list[str], answer: str, scale: Scale) -> pd.DataFrame:
    keys: list[Any] = [frame[column] for column in by]
    twice = pd.concat([*keys, numbers.rename("_item")], axis=1).duplicated(keep=False)
    if twice.any():
        first = frame[twice].iloc[0]
        who = ", ".join(f"{column} {first[column]}" for column in by)
        raise DataError(
            f"{int(twice.sum())} rows are second answers of one person to one item, first {who}, item {numbers[twice].iloc[0]}. Keep one "
            f"answer each" + (", or name the column of the wave." if len(by) == 1 else ".")
        )
    indexed = frame[answer].set_axis(pd.MultiIndex.from_arrays([*keys, numbers]))
    return indexed.unstack().reindex(columns=range(1, scale.items + 1))


def _constant(frame: pd.DataFrame, by: Any, columns: list[str]) -> pd.DataFrame:
    """One row a person (and wave) of what must not differ between their rows."""
    groups = frame.groupby(by if len(by) > 1 else by[0], sort=False)
    for column in columns:
        varying = groups[column].nunique() > 1
        if varying.any():
            raise DataError(
                f"column '{column}' differs between the answers of one person ({shown([str(varying.idxmax())])}). Correct it."
            )
    return groups[columns].first()
