"""Scoring: answers to items become one number a person, and everything done on the way is counted."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any, Literal, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialkit.errors import ScaleError, UsageError, shown
from trialkit.measurement.questionnaires.registered import scale as registered
from trialkit.measurement.questionnaires.registered import warn_if_unverified
from trialkit.measurement.questionnaires.scale import Scale
from trialkit.measurement.scoring.answer_formats import answer_labels
from trialkit.measurement.scoring.answers import as_frame, item_columns, read_answers
from trialkit.measurement.scoring.person_forms import PersonForms, forms_of_people
from trialkit.measurement.scoring.recode import code_bounds, convert, counted, total_scores
from trialkit.measurement.scoring.remarks import Tally, remarks
from trialkit.measurement.scoring.score_result import ScoreResult
from trialkit.measurement.scoring.screening import check_coding_base, check_mixture, people_table
from trialkit.measurement.scoring.waves import WaveScores, by_wave, require_waves
from trialkit.misuse import explained

__all__ = ["score"]

AlreadyReversed = Sequence[int] | Literal["all"]


@overload
def score(
    data: Any,
    scale: Scale | str,
    items: str | Sequence[Hashable],
    *,
    codes: tuple[int, int] | None = None,
    form: str | None = None,
    form_from: Mapping[str, str] | None = None,
    subscale: str | None = None,
    prorate: int | None = None,
    value_labels: Mapping[str, float | None] | str | None = None,
    missing_codes: Iterable[Any] | None = None,
    already_reversed: AlreadyReversed = (),
    waves: None = None,
    seconds: str | None = None,
    seconds_per_item: float = 2.0,
) -> ScoreResult: ...


@overload
def score(
    data: Any,
    scale: Scale | str,
    items: str,
    *,
    codes: tuple[int, int] | None = None,
    form: str | None = None,
    form_from: Mapping[str, str] | None = None,
    subscale: str | None = None,
    prorate: int | None = None,
    value_labels: Mapping[str, float | None] | str | None = None,
    missing_codes: Iterable[Any] | None = None,
    already_reversed: AlreadyReversed = (),
    waves: Sequence[str],
    seconds: str | None = None,
    seconds_per_item: float = 2.0,
) -> WaveScores: ...


@explained
def score(
    data: Any,
    scale: Scale | str,
    items: str | Sequence[Hashable],
    *,
    codes: tuple[int, int] | None = None,
    form: str | None = None,
    form_from: Mapping[str, str] | None = None,
    subscale: str | None = None,
    prorate: int | None = None,
    value_labels: Mapping[str, float | None] | str | None = None,
    missing_codes: Iterable[Any] | None = None,
    already_reversed: AlreadyReversed = (),
    waves: Sequence[str] | None = None,
    seconds: str | None = None,
    seconds_per_item: float = 2.0,
) -> ScoreResult | WaveScores:
    """Score a scale: recode, check, apply the missing rule, and count everything that was done.

    Reversal uses the theoretical range (lowest + highest code - answer), never the observed one. Answers outside the codes are
    set missing, counted and named. For one row an answer instead of one row a person see `score_long`.

    Parameters
    ----------
    data
        Data frame, one row a person.
    scale
        A `Scale`, or the key of one in the registry.
    items
        A pattern with {item} for the item number (from 1), such as "gse_t0_{item}" or "gse_{item:02d}", or the column names in
        the order of the scale. With `waves` a pattern with {wave} too, such as "gse_{wave}_{item}".
    codes
        Lowest and highest code in the file when they differ from the scale's, such as (0, 3) for a 1-4 scale. The answers are
        moved to the scale's codes first, so the score keeps its published range.
    form, subscale
        Named form (order) of the scale; one of its subscales. On subscales every item is required unless the scale or
        `prorate` says otherwise.
    form_from
        For scales whose score depends on the person: where that stands, as in {"age": "age", "administration": "mode"} for
        "cfpb_10". In place of a column one word may hold for everyone: {"age": "age", "administration": "self"}.
    prorate
        How many answers may be missing, instead of the scale's own rule; 0 asks for every item. The mean of the person's other
        answers takes the place of a missing one.
    value_labels
        Text to code, for answers stored as words: {"never": 0, "always": 3}; None as code means missing. Or the name of the
        scale's own answer format, such as "agreement" (see `answer_labels`).
    missing_codes
        Codes or words that stand for a missing answer: [-99, -98], or a mapping from code to reason.
    already_reversed
        Numbers of reversed items that were turned around in the file already, or "all".
    waves
        Names to put at the place of {wave}, one after the other.
    seconds
        Column with the seconds that a person spent on this scale; those who took less than `seconds_per_item` for each answer are
        reported, never dropped. Two seconds is the usual bound of what can be read (Huang et al. 2012, J Bus Psychol 27, 99-114).

    Returns
    -------
    ScoreResult
        With `waves`: a WaveScores, which holds one for each wave.

    Raises
    ------
    ColumnNotFoundError
        An item column is absent; proposes the near name.
    ValueTypeError
        Text answers without `value_labels`; a file whose coding base is not the scale's, or that mixes two.
    ScaleError
        Unknown scale, form or subscale; a form that must be named; codes with another number of steps.

    Examples
    --------
    >>> import pandas as pd
    >>> from trialkit.measurement import score
    >>> people = pd.DataFrame({f"w{i}": [5, 3, 0] for i in range(1, 6)})
    >>> score(people, "who5", items="w{item}").values.tolist()
    [100.0, 60.0, 0.0]
    >>> people = pd.DataFrame({"age": [40, 70]} | {f"c{i}": [2, 2] for i in range(1, 11)})
    >>> score(people, "cfpb_10", "c{item}", form_from={"age": "age", "administration": "self"}).values.tolist()
    [50.0, 53.0]
    """
    entry = registered(scale) if isinstance(scale, str) else scale
    if not isinstance(entry, Scale):
        raise UsageError(
            f"scale must be a Scale or the key of one in the registry, not {type(entry).__name__}. Use scale('gse')."
        )
    frame = as_frame(data)
    if form is not None and form_from is not None:
        raise UsageError("form names one form for everyone and form_from one for each person: give one of the two.")
    options: dict[str, Any] = {
        "codes": codes,
        "subscale": subscale,
        "prorate": prorate,
        "value_labels": value_labels,
        "missing_codes": missing_codes,
        "already_reversed": already_reversed,
        "seconds_per_item": seconds_per_item,
    }
    if waves is None:
        require_waves(items, frame, entry)
        return _score(frame, entry, items, form=form, form_from=form_from, seconds=seconds, **options)
    scored = {
        wave: _score(frame, entry, pattern, form=form, form_from=places, seconds=column, **options)
        for wave, pattern, places, column in by_wave(items, waves, form_from, seconds)
    }
    return WaveScores(scored)


def _score(
    frame: pd.DataFrame,
    entry: Scale,
    items: str | Sequence[Hashable],
    *,
    codes: tuple[int, int] | None,
    form: str | None,
    form_from: Mapping[str, str] | None,
    subscale: str | None,
    prorate: int | None,
    value_labels: Mapping[str, float | None] | str | None,
    missing_codes: Iterable[Any] | None,
    already_reversed: AlreadyReversed,
    seconds: str | None,
    seconds_per_item: float,
) -> ScoreResult:
    people = forms_of_people(frame, entry, form_from) if form_from is not None else None
    entry = _with_form(entry, form, people)
    chosen = entry.chosen
    _check_total(entry, subscale)
    numbers = entry.subscale_items(subscale) if subscale else tuple(range(1, entry.items + 1))
    low, high = _file_codes(entry, codes)
    allowed = _allowed_missing(entry, subscale, prorate, len(numbers))
    already = _turned_in_file(entry, already_reversed)
    warn_if_unverified(entry)

    columns = item_columns(items, entry, numbers, list(frame.columns))
    labels = _labels(entry, value_labels, (low, high))
    answers = read_answers(frame, columns, value_labels=labels, missing_codes=missing_codes, steps=high - low + 1)
    where = f"scale '{entry.key}', columns {shown([str(c) for c in columns], 2)}"
    if codes is None:
        check_mixture(answers.codes, low, high, entry.other_codes, where=where)
    check_coding_base(answers.codes, low, high, where=where)

    lows, highs = code_bounds(entry, numbers, low)
    outside = (answers.codes < lows) | (answers.codes > highs)
    if entry.codes.whole:
        outside |= ~np.isnan(answers.codes) & ~outside & (answers.codes != np.floor(answers.codes))
    valid = np.where(outside, np.nan, answers.codes)
    n_answered = (~np.isnan(valid)).sum(axis=1)
    scorable = n_answered >= len(numbers) - allowed
    filled = prorate is not None or entry.missing.rule != "counts_as_zero"
    counts = counted(valid, entry, numbers, low=low, already=already)
    values = total_scores(counts, n_answered, scorable, rule=chosen.score, filled=filled) * chosen.multiply
    if chosen.conversion:
        values = convert(values, entry, numbers, people)

    turned = np.array([chosen.keyed_down(n) and n not in already for n in numbers])
    # Equal answers throughout contradict each other only where some items run one way and some the other.
    judge_lines = bool(turned.any() and not turned.all()) and len(numbers) > 2
    per_person = people_table(
        frame, valid, outside, judge_lines=judge_lines, seconds=seconds, seconds_per_item=seconds_per_item
    )  # fmt: skip
    tally = Tally(
        scale=entry,
        numbers=numbers,
        columns=tuple(str(c) for c in columns),
        index=frame.index,
        raw=answers.codes,
        valid=valid,
        outside=outside,
        turned=turned,
        already_reversed=tuple(n for n in numbers if n in already),
        codes=(low, high),
        codes_given=codes is not None,
        allowed_missing=allowed,
        rule_overridden=prorate is not None,
        subscale=subscale,
        n_answered=n_answered,
        scorable=scorable,
        text_columns=answers.text_columns,
        n_straight_lining=int(per_person["straight_lining"].sum()) if judge_lines else None,
        n_speeding=None if seconds is None else int(per_person["speeding"].sum()),
        seconds_per_item=seconds_per_item,
        people=people,
    )
    return ScoreResult(
        scale=entry,
        form=str(entry.form) if people is None else shown(people.names).replace("'", ""),
        subscale=subscale,
        codes=(low, high),
        range=_range(entry, subscale, people),
        values=pd.Series(values, index=frame.index, name=f"{entry.key}_{subscale}" if subscale else entry.key),
        per_item=_item_table(tally),
        n_people=len(frame),
        n_scored=int((~np.isnan(values)).sum()),
        n_missing=int(np.isnan(values).sum()),
        n_prorated=tally.n_prorated,
        n_reversed=int(turned.sum()),
        n_answers_recoded=int((~np.isnan(valid[:, turned])).sum()),
        n_out_of_range=int(outside.sum()),
        n_straight_lining=tally.n_straight_lining,
        n_speeding=tally.n_speeding,
        per_person=per_person,
        answers=pd.DataFrame(counts, index=frame.index, columns=[str(c) for c in columns]),
        notes=remarks(tally),
    )


def _with_form(entry: Scale, form: str | None, people: PersonForms | None) -> Scale:
    if form is not None:
        return entry.with_form(form)
    if people is None:
        return entry
    if not people.names:
        raise ScaleError(
            f"nobody in the data fits a form of scale '{entry.key}': {shown(entry.forms, 10)}. Check the columns of form_from."
        )
    return entry.with_form(people.names[0])


def _check_total(entry: Scale, subscale: str | None) -> None:
    if subscale is None and not entry.chosen.total:
        subscales = list(entry.chosen.subscales)
        raise ScaleError(
            f"the scale '{entry.key}' has no total score. Name a subscale: {shown(subscales, 20)}, as in subscale={subscales[0]!r}."
        )


def _range(entry: Scale, subscale: str | None, people: PersonForms | None) -> tuple[float, float]:
    ends = [entry.range_of(name, subscale=subscale) for name in (people.names if people else (entry.form,))]
    return min(low for low, _ in ends), max(high for _, high in ends)


def _labels(
    entry: Scale, value_labels: Mapping[str, float | None] | str | None, codes: tuple[int, int]
) -> Mapping[str, float | None] | None:
    """The labels, looked up when an answer format is named; only the scale can say which way its codes run."""
    if not isinstance(value_labels, str):
        return value_labels
    if entry.codes.format != value_labels or entry.item_codes:
        known = answer_labels(value_labels, codes=codes)
        own = f"its answer format is '{entry.codes.format}'" if entry.codes.format else "no answer format is stored for it"
        raise ScaleError(
            f"scale '{entry.key}': {own}, so it is not known which way '{value_labels}' runs. Read it off the questionnaire and say "
            f"value_labels=answer_labels('{value_labels}', codes={codes}, falling=False) if {codes[0]} stands for "
            f"'{next(iter(known))}', falling=True if {codes[1]} does."
        )
    return answer_labels(value_labels, codes=codes, falling=entry.chosen.falling)


def _file_codes(scale: Scale, codes: tuple[int, int] | None) -> tuple[int, int]:
    if codes is None:
        if scale.codes.declare:
            raise ScaleError(
                f"the scale '{scale.key}' circulates with different numbers of answers, so the codes of the file must be said: "
                f"codes={scale.codes.pair} for the version that is stored (in a plan: code_range = {list(scale.codes.pair)})."
            )
        return scale.codes.pair
    pair = tuple(codes)
    if len(pair) != 2 or not all(isinstance(c, Integral) for c in pair) or pair[0] >= pair[1]:
        raise UsageError(f"codes={codes!r} must be the lowest and the highest code in the file, such as codes=(0, 3).")
    low, high = int(pair[0]), int(pair[1])
    steps, published = high - low + 1, scale.codes.steps
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
    if prorate and scale.chosen.conversion:
        raise UsageError(
            f"prorate={prorate!r}: the table of scale '{scale.key}' converts full raw sums only, so every item is needed."
        )
    return int(prorate)


def _turned_in_file(scale: Scale, already: AlreadyReversed) -> frozenset[int]:
    keyed_down = tuple(n for n in range(1, scale.items + 1) if scale.chosen.keyed_down(n))
    if already == "all":
        already = keyed_down
    elif isinstance(already, str):
        raise UsageError(f"already_reversed={already!r} must be item numbers, such as [3], or 'all'.")
    unknown = [n for n in already if n not in keyed_down]
    if unknown:
        has = f"reversed items are {shown(keyed_down, 20)}" if keyed_down else "form has no reversed items"
        raise UsageError(f"already_reversed names {shown(unknown)}, but the {has} ('{scale.key}', form '{scale.form}').")
    return frozenset(already)


def _item_table(tally: Tally) -> pd.DataFrame:
    valid, answered = tally.valid, (~np.isnan(tally.valid)).sum(axis=0)
    empty = answered == 0
    total: NDArray[np.float64] = np.nansum(valid, axis=0)
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
