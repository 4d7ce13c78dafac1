"""The plain-language box: a fixed sentence for every verdict, never more than the interval allows."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, get_args

import pytest

from tests.report.contents import content
from trialkit.plan.words.verdict import verdict
from trialkit.report.content import ReportContent, Verdict
from trialkit.report.document import Bullets, Text
from trialkit.report.sections.summary import summary
from trialkit.report.view import View
from trialkit.report.words.dutch import DUTCH
from trialkit.report.words.english import ENGLISH
from trialkit.results import Note

BASE = content()


def told(low: float, high: float, *, better: Any = "higher", worthwhile: float | None = 0.05, **changes: Any) -> str:
    """The text of the box for one interval of the primary outcome."""
    first = BASE.outcomes[0]
    rows = tuple(replace(e, estimate=(low + high) / 2, conf_low=low, conf_high=high) for e in first.result.estimates)
    outcome = replace(
        first, better=better, worthwhile=worthwhile, result=replace(first.result, estimates=rows),
        verdicts=(verdict(low, high, better, worthwhile),), **changes,
    )  # fmt: skip
    return _text(replace(BASE, outcomes=(outcome, *BASE.outcomes[1:])))


def _text(made: ReportContent) -> str:
    parts = []
    for b in summary(View(made)).blocks:
        parts += list(b.items) if isinstance(b, Bullets) else [b.text] if isinstance(b, Text) else []
    return " ".join(parts)


@pytest.mark.parametrize(
    ("low", "high", "said", "never"),
    [
        (
            0.06,
            0.12,
            "at least as large as the smallest difference that the plan calls worthwhile (5.0 percentage points)",
            "settle",
        ),
        (0.02, 0.12, "Whether the difference is large enough to be worthwhile", "at least as large"),
        (0.01, 0.04, "but by less than the plan calls worthwhile", "at least as large"),
        (-0.03, 0.04, "no difference as large as the plan calls worthwhile", "did better"),
        (-0.03, 0.12, "does not settle", "than the plan calls"),
        (-0.12, -0.02, "did worse on this outcome", "did better"),
    ],
)
def test_each_verdict_has_its_sentence(low: float, high: float, said: str, never: str) -> None:
    text = told(low, high)
    assert said in text and never not in text
    assert "no effect" not in text and "proves" not in text and "significant" not in text


def test_inconclusive_is_not_called_no_difference() -> None:
    text = told(-0.03, 0.12)
    assert "That is not the same as showing that there is no difference." in text
    assert "between 3.0 percentage points lower and 12.0 percentage points higher" in text


def test_an_interval_on_one_side_runs_from_the_smaller_to_the_larger_difference() -> None:
    assert "between 2.0 and 12.0 percentage points higher" in told(0.02, 0.12)
    assert "between 2.0 and 12.0 percentage points lower" in told(-0.12, -0.02)


def test_lower_can_be_better() -> None:
    text = told(-0.12, -0.06, better="lower")
    assert "did better" in text and "9.0 percentage points lower: about 9 fewer of every 100 people" in text


def test_without_a_direction_nothing_is_called_better_or_worse() -> None:
    for low, high in ((0.02, 0.12), (-0.12, -0.02), (-0.03, 0.12)):
        text = told(low, high, better=None, worthwhile=None)
        assert "scored" in text and "better" not in text and "worse" not in text.replace("worthwhile", "")


def test_without_a_smallest_worthwhile_difference_none_is_named() -> None:
    text = told(0.02, 0.12, worthwhile=None)
    assert "does not say how large a difference must be" in text and "None" not in text


def test_a_small_difference_is_not_rounded_to_people() -> None:
    assert "fewer than 1 person in every 100" in told(-0.01, 0.014)
    assert "the same in both arms to the first decimal" in told(-0.01, 0.01)


def test_what_could_not_be_estimated_is_said_so() -> None:
    text = told(float("nan"), float("nan"))
    assert "could not be estimated" in text and "nan" not in text and "settle" not in text


def test_groups_that_were_ignored_are_not_said_to_be_counted() -> None:
    assert "The interval takes this into account." in told(0.02, 0.12)
    first = BASE.outcomes[0]
    notes = (*first.result.notes, Note("dependence_ignored", "HC2 ignores the groups"))
    outcome = replace(first, result=replace(first.result, notes=notes))
    text = _text(replace(BASE, outcomes=(outcome, *BASE.outcomes[1:])))
    assert "does not take into account" in text and "takes this into account" not in text


def test_a_mean_difference_is_told_in_points_and_standard_deviations() -> None:
    second = replace(BASE.outcomes[1], role="primary")
    text = _text(replace(BASE, outcomes=(second, *BASE.outcomes[2:])))
    e, g = second.result.estimates[0], second.effect_size.estimates[0]  # type: ignore[union-attr]
    assert f"{e.estimate:.2f} points higher ({g.estimate:.2f} standard deviations)" in text
    assert "of every 100" not in text


def test_the_box_says_what_it_does_not_show() -> None:
    text = told(0.02, 0.12)
    for said in ("effect of being assigned", "77% did", "unknown for 13%", "It is an average", "15-24"):
        assert said in text


def test_every_verdict_has_words() -> None:
    verdicts = set(get_args(Verdict))
    assert verdicts == set(ENGLISH.readings) == set(ENGLISH.readings_neutral)
    sentences = {v: ENGLISH.headline(v, "A", "B", "5", "higher") for v in verdicts}
    assert len(set(sentences.values())) == len(verdicts)
    assert all("“A”" in s and "“B”" in s for s in sentences.values())


def test_moments_are_dates_a_reader_knows() -> None:
    assert ENGLISH.moment("2026-11-22T10:15:00+00:00") == "22 November 2026, 10:15 UTC"
    assert ENGLISH.moment("2026-11-22T11:15:00+01:00") == "22 November 2026, 10:15 UTC"
    assert ENGLISH.moment("2026-03-03") == "3 March 2026"
    assert ENGLISH.moment("last week") == "last week"


@pytest.mark.parametrize(
    ("low", "high", "p_adjusted", "warned"),
    [
        (0.02, 0.12, 0.08, True),
        (-0.12, -0.02, 0.08, True),
        (0.02, 0.12, 0.04, False),
        (-0.03, 0.12, 0.3, False),
        (0.02, 0.12, None, False),
    ],
)
@pytest.mark.parametrize("words", [ENGLISH, DUTCH])
def test_a_difference_that_the_correction_does_not_leave_standing_says_so(
    low: float, high: float, p_adjusted: float | None, warned: bool, words: Any
) -> None:
    """The headline follows the interval of one test; beside it stands what the correction of the plan leaves of it."""
    first = BASE.outcomes[0]
    extra = {} if p_adjusted is None else {"p_adjusted": p_adjusted}
    rows = tuple(replace(e, estimate=(low + high) / 2, conf_low=low, conf_high=high, extra=extra) for e in first.result.estimates)
    outcome = replace(first, result=replace(first.result, estimates=rows), verdicts=(verdict(low, high, "higher", 0.05),))
    blocks = summary(View(replace(BASE, outcomes=(outcome, *BASE.outcomes[1:])), words)).blocks
    text = " ".join(b.text for b in blocks if isinstance(b, Text))
    assert (words.not_after_correction(words.numbers.p(p_adjusted)) in text) == warned


def test_words_live_in_the_language_alone() -> None:
    """Sections hold no sentences of their own: another language needs no change in them."""
    import inspect

    from trialkit.report.sections import (
        baseline,
        indices,
        next_study,
        outcomes,
        participants,
        primary,
        record,
        status,
    )
    from trialkit.report.sections import summary as summary_module
    from trialkit.report.sections.several import families, few_groups

    for module in (
        baseline,
        families,
        few_groups,
        indices,
        next_study,
        outcomes,
        participants,
        primary,
        record,
        status,
        summary_module,
    ):
        code = re.sub(r'"""[\s\S]*?"""', "", inspect.getsource(module))
        sentences = re.findall(r"[\"'][A-Z][a-z]+ [a-z]+[^\"']*[\"']", code)
        assert sentences == [], (module.__name__, sentences)
