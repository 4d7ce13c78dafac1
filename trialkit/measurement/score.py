"""Scoring: answers to items become one number a person, and everything done on the way is counted."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from numbers import Integral
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialkit.errors import ScaleError, UsageError, shown
from trialkit.measurement.answers import as_frame, item_columns, read_answers
from trialkit.measurement.remarks import Note, Tally, remarks
from trialkit.measurement.scale import Direction, Scale, warn_if_unverified
from trialkit.measurement.scale import scale as registered
from trialkit.measurement.screening import check_coding_base, n_straight_lining

__all__ = ["ScoreResult", "score"]

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ScoreResult:
    """Scores of one scale and what was done to the answers.

    Attributes
    ----------
    values
        Scores, with the index of the data; NaN where a person could not be scored.
    n_people, n_scored, n_missing
        Rows of the data, people with and without a score.
    n_prorated
        People whose score used the missing rule.
    n_reversed, n_answers_recoded
        Reversed items, and answers that were turned around.
    n_out_of_range
        Answers outside the codes; they were set missing.
    n_straight_lining
        People who gave all items the same code although some are reversed; None without reversed items.
    per_item
        One row an item: item, column, reversed, n_answered, n_missing, n_out_of_range, and mean, min and max of the valid answers
        as they stand in the file (before reversal).
    codes, range
        The codes of the file; lowest and highest possible score.
    notes
        Pairs (code, sentence).
    """

    scale: Scale
    form: str
    subscale: str | None
    codes: tuple[int, int]
    range: tuple[float, float]
    values: pd.Series
    per_item: pd.DataFrame
    n_people: int
    n_scored: int
    n_missing: int
    n_prorated: int
    n_reversed: int
    n_answers_recoded: int
    n_out_of_range: int
    n_straight_lining: int | None
    notes: tuple[Note, ...]

    @property
    def direction(self) -> Direction:
        """Which scores are better."""
        return self.scale.direction

    def _summary(self) -> dict[str, float | None]:
        found = self.values.dropna()
        sd = float(found.std()) if len(found) > 1 else None
        if not len(found):
            return {"mean": None, "sd": None, "min": None, "max": None}
        return {"mean": float(found.mean()), "sd": sd, "min": float(found.min()), "max": float(found.max())}

    def _title(self) -> str:
        part = f", subscale '{self.subscale}'" if self.subscale else ""
        return f"{self.scale.name} ({self.scale.key}, form '{self.form}'{part})"

    def _lines(self) -> list[tuple[str, str]]:
        s, (low, high) = self._summary(), self.range
        spread = "" if s["mean"] is None else f": mean {s['mean']:.2f}"
        spread += "" if s["sd"] is None else f", SD {s['sd']:.2f}"
        spread += "" if s["min"] is None else f", observed {s['min']:.4g} to {s['max']:.4g}"
        lines = [
            ("answers", f"{self.n_people} people, {len(self.per_item)} items, codes {self.codes[0]}-{self.codes[1]}"),
            ("score", f"{low:g} to {high:g}, {self.direction} is better"),
            ("scored", f"{self.n_scored} people{spread}"),
            ("no score", f"{self.n_missing} people"),
            ("missing rule", f"used for {self.n_prorated} people"),
            ("reversed", f"{self.n_reversed} items, {self.n_answers_recoded} answers"),
            ("out of range", f"{self.n_out_of_range} answers, set missing"),
        ]
        if self.n_straight_lining is not None:
            lines.append(("same code", f"{self.n_straight_lining} people gave every item the same code"))
        return lines

    def __str__(self) -> str:
        lines = [self._title(), *(f"  {label:<13}{text}" for label, text in self._lines())]
        return "\n".join([*lines, *(f"  note [{code}] {sentence}" for code, sentence in self.notes)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th scope='row'>{label}</th><td>{escape(text)}</td></tr>" for label, text in self._lines())
        notes = "".join(f"<li><code>{code}</code> {escape(sentence)}</li>" for code, sentence in self.notes)
        table = f"<table><caption>{escape(self._title())}</caption><tbody>{rows}</tbody></table>"
        return table + (f"<ul>{notes}</ul>" if notes else "")

    def to_dict(self, *, values: bool = False) -> dict[str, Any]:
        """Counts, item table and notes for JSON. Scores of single people are left out unless `values` is True."""
        table = self.per_item.astype(object).where(self.per_item.notna(), None).to_dict(orient="records")
        content: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "kind": "score",
            "scale": self.scale.key,
            "verified": self.scale.verified,
            "form": self.form,
            "subscale": self.subscale,
            "direction": self.direction,
            "codes": list(self.codes),
            "range": list(self.range),
            **{name: getattr(self, name) for name in COUNTS},
            **self._summary(),
            "per_item": [{k: v.item() if isinstance(v, np.generic) else v for k, v in row.items()} for row in table],
            "notes": [list(note) for note in self.notes],
        }
        if values:
            content["index"] = [label if isinstance(label, int | str) else str(label) for label in self.values.index.tolist()]
            content["values"] = [None if np.isnan(v) else float(v) for v in self.values]
        return content


COUNTS = (
    "n_people",
    "n_scored",
    "n_missing",
    "n_prorated",
    "n_reversed",
    "n_answers_recoded",
    "n_out_of_range",
    "n_straight_lining",
)


def score(
    data: Any,
    scale: Scale | str,
    items: str | Sequence[Hashable],
    *,
    codes: tuple[int, int] | None = None,
    form: str | None = None,
    subscale: str | None = None,
    prorate: int | None = None,
    value_labels: Mapping[str, float | None] | None = None,
    missing_codes: Iterable[Any] | None = None,
    already_reversed: Sequence[int] | Literal["all"] = (),
) -> ScoreResult:
    """Score a scale: recode, check, apply the missing rule, and count everything that was done.

    Reversal uses the theoretical range (lowest + highest code - answer), never the observed one. Answers outside the codes are
    set missing, counted and named.

    Parameters
    ----------
    data
        Data frame, one row a person.
    scale
        A `Scale`, or the key of one in the registry.
    items
        A pattern with {item} for the item number (from 1), such as "gse_t0_{item}" or "gse_{item:02d}", or the column names in
        the order of the scale.
    codes
        Lowest and highest code in the file when they differ from the scale's, such as (0, 3) for a 1-4 scale. The answers are
        moved to the scale's codes first, so the score keeps its published range.
    form, subscale
        Named form (order) of the scale; one of its subscales. On subscales every item is required unless the scale or
        `prorate` says otherwise.
    prorate
        How many answers may be missing, instead of the scale's own rule; 0 asks for every item.
    value_labels
        Text to code, for answers stored as words: {"never": 0, "always": 3}; None as code means missing.
    missing_codes
        Codes or words that stand for a missing answer: [-99, -98], or a mapping from code to reason.
    already_reversed
        Numbers of reversed items that were turned around in the file already, or "all".

    Returns
    -------
    ScoreResult

    Raises
    ------
    ColumnNotFoundError
        An item column is absent; proposes the near name.
    ValueTypeError
        Text answers without `value_labels`; a file whose coding base is not the scale's.
    ScaleError
        Unknown scale, form or subscale; a form that must be named; codes with another number of steps.

    Examples
    --------
    >>> import pandas as pd
    >>> from trialkit.measurement import score
    >>> people = pd.DataFrame({f"w{i}": [5, 3, 0] for i in range(1, 6)})
    >>> score(people, "who5", items="w{item}").values.tolist()
    [100.0, 60.0, 0.0]
    """
    entry = registered(scale) if isinstance(scale, str) else scale
    if not isinstance(entry, Scale):
        raise UsageError(
            f"scale must be a Scale or the key of one in the registry, not {type(entry).__name__}. Use scale('gse')."
        )
    entry = entry.with_form(form) if form else entry
    chosen = entry.chosen
    numbers = entry.subscale_items(subscale) if subscale else tuple(range(1, entry.items + 1))
    low, high = _file_codes(entry, codes)
    allowed = _allowed_missing(entry, subscale, prorate, len(numbers))
    turned = _items_to_turn(entry, numbers, already_reversed)
    warn_if_unverified(entry)

    frame = as_frame(data)
    columns = item_columns(items, entry, numbers, list(frame.columns))
    answers = read_answers(frame, columns, value_labels=value_labels, missing_codes=missing_codes)
    check_coding_base(answers.codes, low, high, where=f"scale '{entry.key}', columns {shown([str(c) for c in columns], 2)}")

    outside = (answers.codes < low) | (answers.codes > high)
    if entry.codes.whole:
        outside |= ~np.isnan(answers.codes) & ~outside & (answers.codes != np.floor(answers.codes))
    valid = np.where(outside, np.nan, answers.codes)
    keyed = np.where(turned, low + high - valid, valid) + (entry.codes.min - low)
    n_answered = (~np.isnan(valid)).sum(axis=1)
    scorable = n_answered >= len(numbers) - allowed
    values = _scores(keyed, n_answered, scorable, rule=chosen.score, multiply=chosen.multiply)

    tally = Tally(
        scale=entry,
        numbers=numbers,
        columns=tuple(str(c) for c in columns),
        index=frame.index,
        raw=answers.codes,
        valid=valid,
        outside=outside,
        turned=turned,
        already_reversed=tuple(n for n in numbers if n in chosen.reversed and not turned[numbers.index(n)]),
        codes=(low, high),
        codes_given=codes is not None,
        allowed_missing=allowed,
        rule_overridden=prorate is not None,
        subscale=subscale,
        n_answered=n_answered,
        scorable=scorable,
        text_columns=answers.text_columns,
        n_straight_lining=n_straight_lining(valid) if turned.any() and len(numbers) > 2 else None,
    )
    return ScoreResult(
        scale=entry,
        form=str(entry.form),
        subscale=subscale,
        codes=(low, high),
        range=entry.range_of(subscale=subscale),
        values=pd.Series(values, index=frame.index, name=f"{entry.key}_{subscale}" if subscale else entry.key),
        per_item=_item_table(tally),
        n_people=len(frame),
        n_scored=int(scorable.sum()),
        n_missing=int((~scorable).sum()),
        n_prorated=tally.n_prorated,
        n_reversed=int(turned.sum()),
        n_answers_recoded=int((~np.isnan(valid[:, turned])).sum()),
        n_out_of_range=int(outside.sum()),
        n_straight_lining=tally.n_straight_lining,
        notes=remarks(tally),
    )


def _file_codes(scale: Scale, codes: tuple[int, int] | None) -> tuple[int, int]:
    if codes is None:
        return scale.codes.pair
    pair = tuple(codes)
    if len(pair) != 2 or not all(isinstance(c, Integral) for c in pair) or pair[0] >= pair[1]:
        raise UsageError(f"codes={codes!r} must be the lowest and the highest code in the file, such as codes=(0, 3).")
    low, high = int(pair[0]), int(pair[1])
    steps, published = high - low + 1, scale.codes.max - scale.codes.min + 1
    if steps != published:
        raise ScaleError(
            f"codes=({low}, {high}) has {steps} answers, but the scale '{scale.key}' has {published} ({scale.codes.min}-"
            f"{scale.codes.max}). With another number of answers it is another scale: describe it in a TOML file of your own "
            f"(Scale.from_toml), and do not compare its scores with published ones."
        )
    return low, high


def _allowed_missing(scale: Scale, subscale: str | None, prorate: int | None, n_items: int) -> int:
    if prorate is None:
        return scale.missing.max_missing_subscale if subscale else scale.missing.max_missing
    if prorate is True or not isinstance(prorate, Integral) or not 0 <= prorate < n_items:
        raise UsageError(f"prorate={prorate!r} must say how many of the {n_items} answers may be missing: 0 to {n_items - 1}.")
    return int(prorate)


def _items_to_turn(scale: Scale, numbers: tuple[int, ...], already: Sequence[int] | Literal["all"]) -> NDArray[np.bool_]:
    keyed_down = scale.chosen.reversed
    if already == "all":
        already = keyed_down
    elif isinstance(already, str):
        raise UsageError(f"already_reversed={already!r} must be item numbers, such as [3], or 'all'.")
    unknown = [n for n in already if n not in keyed_down]
    if unknown:
        has = f"reversed items are {shown(keyed_down, 20)}" if keyed_down else "form has no reversed items"
        raise UsageError(f"already_reversed names {shown(unknown)}, but the {has} ('{scale.key}', form '{scale.form}').")
    return np.array([n in keyed_down and n not in already for n in numbers])


def _scores(
    keyed: NDArray[np.float64], n_answered: NDArray[Any], scorable: NDArray[np.bool_], *, rule: str, multiply: float
) -> NDArray[np.float64]:
    mean = np.nansum(keyed, axis=1) / np.maximum(n_answered, 1)
    n_items = keyed.shape[1]
    # A full sum is added up, not rebuilt from the mean, so that whole numbers stay whole.
    total = np.where(n_answered == n_items, np.nansum(keyed, axis=1), mean * n_items)
    return np.where(scorable, (total if rule == "sum" else mean) * multiply, np.nan)


def _item_table(tally: Tally) -> pd.DataFrame:
    valid, answered = tally.valid, (~np.isnan(tally.valid)).sum(axis=0)
    empty = answered == 0
    total = np.nansum(valid, axis=0)
    lowest, highest = np.fmin.reduce(valid, axis=0), np.fmax.reduce(valid, axis=0)
    return pd.DataFrame(
        {
            "item": list(tally.numbers),
            "column": list(tally.columns),
            "reversed": tally.turned,
            "n_answered": answered,
            "n_missing": np.isnan(tally.raw).sum(axis=0),
            "n_out_of_range": tally.outside.sum(axis=0),
            "mean": np.where(empty, np.nan, total / np.maximum(answered, 1)),
            "min": lowest,
            "max": highest,
        }
    )
