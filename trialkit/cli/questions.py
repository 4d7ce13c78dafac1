"""The questions of `trialkit init`: how each is asked, what holds when nobody says, and how an answer is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trialkit.errors import ScaleError, shown
from trialkit.measurement import Scale, scale
from trialkit.plan.reading.template import WAVES

__all__ = ["QUESTIONS", "Answers", "Question", "lacking", "needs_form", "scale_of"]

Answers = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to know: how it is asked (empty: by its flag alone), what it is when nobody says (a value, or from earlier answers), how it is read.

    `read` raises ValueError with the remedy.
    """

    key: str
    asked: str
    default: Any
    read: Callable[[str], Any] = str
    applies: Callable[[Answers], bool] = lambda answers: True

    def unsaid(self, answers: Answers) -> Any:
        return self.default(answers) if callable(self.default) else self.default


def _truth(text: str) -> bool:
    word = text.casefold()
    if word not in ("yes", "y", "no", "n", "true", "false", "ja", "j", "nee"):
        raise ValueError("say yes or no.")
    return word in ("yes", "y", "true", "ja", "j")


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,7}", text) or int(text) < 4:
        raise ValueError(f"a number of people is a whole number from 4 on, as in 400; it is '{text}'.")
    return int(text)


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,4})\s*(?:-|to|tot|,)\s*(\d{1,4})", text)
    if not found or not 2 <= int(found[1]) <= int(found[2]):
        raise ValueError(f"the smallest and the largest group, of 2 or more, read as in 10-15; it is '{text}'.")
    return int(found[1]), int(found[2])


def _distance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError(f"the smallest worthwhile effect is a number above 0, with a decimal point, as in 0.05; it is '{text}'.")
    return value


def _words(text: str) -> str:
    if not text:
        raise ValueError("say it in a few words.")
    return text


def _arm(text: str) -> tuple[str, str]:
    """'solo=Individual support', or a label alone, from which the name in the data is made."""
    name, equals, label = text.partition("=")
    name, label = (name.strip(), label.strip()) if equals else (re.sub(r"\W+", "_", text.casefold()).strip("_"), text)
    if not name or not label:
        raise ValueError(f"an arm reads name=label, as in solo=\"Individual support\"; it is '{text}'.")
    return name, label


def _waves(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    found = {name.strip(): label.strip() for name, _, label in pairs}
    if len(found) < len(pairs) or not all(k and v for k, v in found.items()):
        raise ValueError(
            f"times of measurement read name=label, each name once, as in t0=before, t1=after six months; it is '{text}'."
        )
    return found


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"say {shown(words).replace(' and ', ' or ')}; it is '{text}'.")
        return text

    return read


def _scale_or_none(text: str) -> str | None:
    if text in ("", "none", "no", "column"):
        return None
    try:
        return scale(text).key
    except ScaleError as reason:
        raise ValueError(str(reason)) from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _languages(text: str) -> tuple[str, ...]:
    found = tuple(_one_of("en", "nl")(word) for word in _names(text))
    return found or ("en",)


def needs_form(key: str | None) -> bool:
    """Whether someone must say which form was used."""
    return key is not None and len(scale(key).forms) > 1 and scale(key).default_form is None


def scale_of(answers: Answers) -> Scale | None:
    """The scale in the form that was said; None for a column, or while its form is not known."""
    key, form = answers["scale"], answers.get("form")
    if key is None or (form is None and needs_form(key)):
        return None
    entry: Scale = scale(key)
    return entry if form is None else entry.with_form(form) if form in entry.forms else None


def lacking(answers: Answers) -> tuple[str, str] | None:
    """An answer about the scale that is wrong or that someone must give, and why; None when everything is known."""
    key, entry = answers["scale"], scale_of(answers)
    if key is None:
        return None
    if entry is None:
        return (
            "form",
            f"the scale '{key}' exists in several forms, and a wrong one gives wrong scores: {shown(scale(key).forms, 20)}.",
        )
    form, codes, part = _used(answers), entry.codes, answers.get("subscale")
    if part is not None and part not in form.subscales:
        return "subscale", f"the scale '{key}' has {f'the parts {shown(form.subscales, 20)}' if form.subscales else 'no parts'}."
    if part is None and form.total is False:
        return "subscale", f"the scale '{key}' has no total score: name a part of it, {shown(form.subscales, 20)}."
    if codes.declare and answers.get("code_range") is None:
        return (
            "code_range",
            f"the scale '{key}' circulates with different numbers of answers: say which, as in {codes.min}-{codes.max}.",
        )
    return None


def _used(answers: Answers) -> Any:
    entry = scale(answers["scale"])
    return entry.forms[answers.get("form") or entry.default_form or next(iter(entry.forms))]


def _needs_part(answers: Answers) -> bool:
    return scale_of(answers) is not None and _used(answers).total is False


def _needs_codes(answers: Answers) -> bool:
    entry = scale_of(answers)
    return entry is not None and bool(entry.codes.declare)


def _codes(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    found = re.fullmatch(r"(-?\d{1,4})\s*(?:-|to|tot|,)\s*(-?\d{1,4})", text)
    if not found or int(found[1]) >= int(found[2]):
        raise ValueError(f"the lowest and the highest code read as in 1-7; it is '{text}'.")
    return int(found[1]), int(found[2])


def _form(text: str) -> str | None:
    return text or None


def _with_scale(answers: Answers) -> bool:
    return answers["scale"] is not None


def _with_column(answers: Answers) -> bool:
    return answers["scale"] is None


def _treatment(answers: Answers) -> tuple[str, str]:
    if answers["grouped"]:
        return "peer", "Individual support plus a peer group"
    return "coach", "Individual support plus a coach"


def _outcome_name(answers: Answers) -> str:
    return answers["scale"] or "employed"


def _column_name(answers: Answers) -> str:
    return f"{answers['outcome']}_{list(answers['waves'])[-1]}"


def _label(answers: Answers) -> str:
    if answers["scale"] is not None:
        return scale(answers["scale"]).name
    return "In work after six months" if answers["outcome"] == "employed" else answers["outcome"]


def _worthwhile(answers: Answers) -> float | None:
    return 0.2 if answers["scale"] is not None else 0.05 if answers["kind"] == "binary" else None


QUESTIONS = (
    Question("title", "Title of the trial", "A new programme against individual support", _words),
    Question("population", "Who is randomized? Among all randomized ...", "people who applied for the programme", _words),
    Question("control", "What do controls get? (name in the data=in words)", ("individual", "Individual support"), _arm),
    Question("grouped", "Does the new programme put people in groups? (yes or no)", True, _truth),
    Question("treatment", "What do the others get?", _treatment, _arm),
    Question("group_size", "Smallest and largest group", (10, 15), _size, lambda a: a["grouped"]),
    Question("people", "How many people will be randomized?", 400, _count),
    Question("waves", "When is measured, the first time before randomization?", WAVES, _waves),
    Question("scale", "Is the primary outcome a scale? Its key (`trialkit scales` lists them), or none", None, _scale_or_none),
    Question(
        "form", "Which form of the scale? (`trialkit scales KEY` tells them)", None, _form, lambda a: needs_form(a["scale"])
    ),
    Question("subscale", "Which part of the scale? (it has no total score)", None, _form, _needs_part),
    Question("code_range", "Lowest and highest code of the answers, as in 1-7", None, _codes, _needs_codes),
    Question("outcome", "A short name for the outcome", _outcome_name, _words),
    Question("label", "The outcome in words", _label, _words),
    Question(
        "items", "How are the columns of its answers called?", lambda a: f"{a['scale']}_{{wave}}_{{item}}", _words, _with_scale
    ),
    Question("column", "Which column holds it?", _column_name, _words, _with_column),
    Question("kind", "Is it binary (0 and 1) or a number?", "binary", _one_of("binary", "number"), _with_column),
    Question("baseline", "Which column holds the same before randomization? (empty: none)", None, _form, _with_column),
    Question("better", "Which is better, higher or lower?", "higher", _one_of("higher", "lower"), _with_column),
    Question(
        "worthwhile",
        "The smallest effect that would matter (a share as 0.05; a scale in standard deviations)",
        _worthwhile,
        _distance,
    ),
    Question("strata", "", (), _names),
    Question("adjust", "", (), _names),
    Question("languages", "", ("en",), _languages),
)
