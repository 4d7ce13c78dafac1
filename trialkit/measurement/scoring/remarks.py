"""What a reader must know about a scoring run, in sentences: stray answers, missing rule, items that run the wrong way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialkit.errors import shown
from trialkit.measurement.questionnaires.scale import Scale
from trialkit.measurement.scoring.answers import rows_in_words
from trialkit.measurement.scoring.people_rows import people_text
from trialkit.measurement.scoring.person_forms import PersonForms
from trialkit.measurement.scoring.screening import looks_like_missing, misfits

__all__ = ["Note", "Tally", "remarks"]

Note = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """The state of a scoring run. `raw` holds the answers of the file, `valid` the same without those outside the codes."""

    scale: Scale
    numbers: tuple[int, ...]
    columns: tuple[str, ...]
    index: pd.Index
    raw: NDArray[np.float64]
    valid: NDArray[np.float64]
    outside: NDArray[np.bool_]
    turned: NDArray[np.bool_]
    already_reversed: tuple[int, ...]
    codes: tuple[int, int]
    codes_given: bool
    allowed_missing: int
    rule_overridden: bool
    subscale: str | None
    n_answered: NDArray[Any]
    scorable: NDArray[np.bool_]
    text_columns: tuple[str, ...]
    n_straight_lining: int | None
    n_speeding: int | None
    seconds_per_item: float
    people: PersonForms | None

    @property
    def n_prorated(self) -> int:
        return int((self.scorable & (self.n_answered < len(self.numbers))).sum())


def remarks(tally: Tally) -> tuple[Note, ...]:
    return (
        *_coding(tally),
        *_out_of_range(tally),
        *_missing(tally),
        *_without_information(tally),
        *_keying(tally),
        *_straight_lining(tally),
        *_speeding(tally),
        *_forms_by_person(tally),
        *(("caveat", caveat) for caveat in tally.scale.caveats),
    )


def _answers(n: int) -> str:
    return "1 answer" if n == 1 else f"{n} answers"


def _bare(words: list[str]) -> str:
    return shown(words).replace("'", "")


def _items(numbers: list[int], verb: str = "") -> str:
    plural = {"looks": "look", "runs": "run", "has": "have"}
    one = len(numbers) == 1
    return f"item{'' if one else 's'} {shown(numbers, 12)}" + (f" {verb if one else plural[verb]}" if verb else "")


def _coding(tally: Tally) -> list[Note]:
    notes = []
    (low, high), own = tally.codes, tally.scale.codes
    if low != own.min:
        text = f"the answers were moved from codes {low}-{high} to {own.min}-{own.max}, so scores keep the published range."
        notes.append(("codes_moved", text))
    if tally.text_columns:
        text = f"numbers stored as text were read as numbers in {shown(tally.text_columns)}."
        notes.append(("text_numbers", text))
    others = [c for c in tally.scale.other_codes if c.pair != own.pair]
    if not tally.codes_given and others and not np.isnan(tally.valid).all():
        lowest, highest = np.nanmin(tally.valid), np.nanmax(tally.valid)
        fitting = [c for c in others if c.min <= lowest and highest <= c.max]
        if fitting:
            alternative = fitting[0]
            text = (
                f"all answers lie in {lowest:g}-{highest:g}, which fits codes {own.min}-{own.max} (used) as well as "
                f"{alternative.min}-{alternative.max}; both are in circulation. Say codes={own.pair} or codes={alternative.pair}."
            )
            notes.append(("coding_base_unclear", text))
    return notes


def _out_of_range(tally: Tally) -> list[Note]:
    if not tally.outside.any():
        return []
    strays = tally.raw[tally.outside]
    as_missing = looks_like_missing(strays)
    codes = f"{tally.codes[0]}-{tally.codes[1]}"
    notes = []
    if as_missing.any():
        found, counts = np.unique(strays[as_missing], return_counts=True)
        said = _bare([f"{value:g}" for value in found])
        text = (
            f"{_answers(int(counts.sum()))} outside the codes {codes} may be undeclared codes for missing: {said}. They were set "
            f"missing; declare them to say so: missing_codes=[{', '.join(f'{v:g}' for v in found[:5])}]."
        )
        notes.append(("undeclared_missing_code", text))
    if not as_missing.all():
        mask = tally.outside.copy()
        mask[tally.outside] = ~as_missing
        per_item = [f"item {tally.numbers[j]} ({mask[:, j].sum()}x)" for j in np.flatnonzero(mask.any(axis=0))]
        values = _bare([f"{v:g}" for v in np.unique(strays[~as_missing])])
        text = (
            f"{_answers(int(mask.sum()))} outside the codes {codes} set missing: {values}, in {_bare(per_item)} "
            f"({rows_in_words(tally.index[mask.any(axis=1)])}). Correct them in the data if they are typing errors."
        )
        notes.append(("out_of_range", text))
    return notes


def _missing(tally: Tally) -> list[Note]:
    notes = []
    allowed, rule = tally.allowed_missing, tally.scale.missing
    if tally.n_prorated:
        place = "a zero" if rule.rule == "counts_as_zero" and not tally.rule_overridden else "the mean of their other answers"
        text = f"{people_text(tally.n_prorated)} left up to {allowed} of {len(tally.numbers)} items unanswered and got {place} in place of them"
        published = rule.max_missing_subscale if tally.subscale else rule.max_missing
        if tally.rule_overridden and allowed != published:
            notes.append(("prorated_by_choice", f"{text}. This is the choice prorate={allowed}, not a rule of the scale."))
        elif rule.ours:
            notes.append(("prorated_by_choice", f"{text}: {rule.note or 'this rule is our choice, not a published one'}."))
        else:
            notes.append(("prorated", f"{text}, by the rule of the scale{f' ({rule.note})' if rule.note else ''}."))
    without = ~tally.scorable
    if without.any():
        nothing = int((tally.n_answered == 0).sum())
        rest = f"; {nothing} of them answered none of the items" if nothing else ""
        limit = f"more than {allowed} of {len(tally.numbers)} answers are missing" if allowed else "an answer is missing"
        text = (
            f"{people_text(int(without.sum()))} without a score, because {limit}{rest} ({rows_in_words(tally.index[without])})."
        )
        notes.append(("no_score", text))
    return notes


def _without_information(tally: Tally) -> list[Note]:
    notes = []
    answered = (~np.isnan(tally.valid)).sum(axis=0)
    empty = [n for n, k in zip(tally.numbers, answered) if k == 0]
    if empty:
        notes.append(("empty_item", f"{_items(empty, 'has')} no valid answer at all. Check the column."))
    spread = np.fmax.reduce(tally.valid, axis=0) - np.fmin.reduce(tally.valid, axis=0)
    constant = [n for n, k, s in zip(tally.numbers, answered, spread) if k > 1 and s == 0]
    if constant:
        text = f"{_items(constant, 'has')} the same answer from everyone, which says nothing about differences between people. Check the column."
        notes.append(("constant_item", text))
    return notes


def _keying(tally: Tally) -> list[Note]:
    found = misfits(tally.valid, tally.turned.tolist())
    notes = []
    for reversed_ones, code in ((True, "already_reversed"), (False, "runs_against")):
        some = [m for m in found if m.is_reversed is reversed_ones]
        if not some:
            continue
        numbers = [tally.numbers[m.position] for m in some]
        by_item = ", ".join(f"r = {m.r:.2f}" for m in some[:5])
        if reversed_ones:
            text = (
                f"{_items(numbers, 'looks')} already reversed in the file: before recoding the answers go up with the other "
                f"items ({by_item}), but by the scale they should go down. If they were turned already, say "
                f"already_reversed={numbers}."
            )
        else:
            text = (
                f"{_items(numbers, 'runs')} against the other items ({by_item}), though not reversed by the scale. Check the order "
                f"of the items, the form and the coding."
            )
        notes.append((code, text))
    if found:
        notes += _other_form(tally)
    return notes


def _other_form(tally: Tally) -> list[Note]:
    """Another form of the same scale that the answers fit."""
    for name, form in tally.scale.forms.items():
        keyed_down = [form.keyed_down(n) for n in tally.numbers]
        differs = keyed_down != [tally.scale.chosen.keyed_down(n) for n in tally.numbers]
        if differs and tally.subscale is None and not misfits(tally.valid, keyed_down):
            return [("other_form_fits", f"the answers fit form '{name}' of the scale; form '{tally.scale.form}' was used.")]
    return []


def _straight_lining(tally: Tally) -> list[Note]:
    if not tally.n_straight_lining:
        return []
    text = (
        f"{people_text(tally.n_straight_lining)} gave every item the same code although {int(tally.turned.sum())} of "
        f"{len(tally.numbers)} items are reversed: they may not have read the questions. Their scores are kept."
    )
    return [("straight_lining", text)]


def _speeding(tally: Tally) -> list[Note]:
    if not tally.n_speeding:
        return []
    text = (
        f"{people_text(tally.n_speeding)} took less than {tally.seconds_per_item:g} seconds for each answer: they may not have read the "
        f"questions. Their scores are kept."
    )
    return [("speeding", text)]


def _forms_by_person(tally: Tally) -> list[Note]:
    if tally.people is None:
        return []
    counts = [f"{name} ({n})" for name, n in zip(tally.people.names, tally.people.counts())]
    text = (
        f"each person was scored by their own form: {_bare(counts)}. The form is part of the score: see that arms and waves do not "
        f"differ in it by the way they were interviewed."
    )
    notes = [("forms_by_person", text)]
    unknown = tally.people.which < 0
    if unknown.any():
        text = f"{people_text(int(unknown.sum()))} without a score, because no form of the scale is for them or it is not known which ({rows_in_words(tally.index[unknown])})."
        notes.append(("form_unknown", text))
    return notes
