"""The Dutch report: every word of the English one, the same numbers, and nothing English left unmarked."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

import trialkit as tk
from tests.report.contents import content, few, graph, people
from tests.report.pages import Page
from tests.report.test_report_words import BASE
from trialkit.cli.app import app
from trialkit.errors import UsageError
from trialkit.plan.locking.levels import LEVELS, claimed, level_in_words
from trialkit.plan.words.verdict import verdict
from trialkit.report.assemble import assemble
from trialkit.report.content import ReportContent, Verdict
from trialkit.report.document import Bullets, Passage, Text
from trialkit.report.drawings import drawn
from trialkit.report.save import load_content, save_report
from trialkit.report.sections.summary import summary
from trialkit.report.view import View
from trialkit.report.words.dutch import DUTCH, Dutch
from trialkit.report.words.english import ENGLISH, English
from trialkit.report.words.nl.methods import dutch_method
from trialkit.report.words.nl.notes import CATALOGUE, dutch_note
from trialkit.report.words.nl.phrases import number_in_dutch
from trialkit.report.writing.html import page
from trialkit.results import Note

# methods without words of their own, and the marks that the two languages share
SHARED = {
    "alt_flow_arm", "arm_value", "arm_with_n", "arrow", "axis_difference", "blinding_mark", "checklist_item", "checklist_rule", "contrast", "correction",
    "field", "in_family", "left_out_of_scale", "listed", "lost", "manifest_name", "mediation_coefficient", "moment", "note_for", "outcome_heading",
    "eef_title", "outside", "quantity", "reach_stage", "reading", "role_and_unit", "test_of", "value_of_people", "wwc_title", "zone_of",
}  # fmt: skip
PUBLIC = sorted(name for name in dir(English) if not name.startswith("_"))
ENGLISH_WORDS = re.compile(r"\b(the|and|with|from|which|were|this|their|each|people|because|is not)\b", re.IGNORECASE)


def _own(name: str) -> bool:
    """Whether a class of the Dutch defines the name."""
    return any(
        name in vars(c)
        for c in Dutch.__mro__
        if c.__module__.startswith(("trialkit.report.words.nl", "trialkit.report.words.dutch"))
    )


@pytest.mark.parametrize("name", PUBLIC)
def test_every_name_stands_in_dutch(name: str) -> None:
    english, dutch = getattr(ENGLISH, name), getattr(DUTCH, name)
    assert _own(name) or name in SHARED, f"{name} has no Dutch"
    if callable(english):
        assert list(inspect.signature(english).parameters) == list(inspect.signature(dutch).parameters)
    if isinstance(english, Mapping):
        assert set(english) <= set(dutch)
        for key, text in english.items():
            assert re.findall(r"\{\w*\}", str(text)) == re.findall(r"\{\w*\}", str(dutch[key]))
    if isinstance(english, tuple):
        assert not english or len(english) == len(dutch)


def test_marks_of_numbers() -> None:
    n = DUTCH.numbers
    assert (n.fixed(-1234.5), n.percent(0.312), n.p(0.0314), n.p(1e-9)) == ("\u22121.234,50", "31,2%", "0,031", "< 0,001")
    assert DUTCH.moment("2026-11-22T10:15:00+00:00") == "22 november 2026, 10:15 UTC"
    assert [number_in_dutch(t) for t in ("1400", "0.525", "0", "-0.31", "1400.5", "4e+03")] == [
        "1.400", "0,525", "0", "-0,31", "1.400,5", "4e+03",
    ]  # fmt: skip


def told(low: float, high: float, *, better: Any = "higher", worthwhile: float | None = 0.05) -> str:
    """The text of the box for one interval of the primary outcome."""
    first = BASE.outcomes[0]
    rows = tuple(replace(e, estimate=(low + high) / 2, conf_low=low, conf_high=high) for e in first.result.estimates)
    outcome = replace(
        first, better=better, worthwhile=worthwhile, result=replace(first.result, estimates=rows),
        verdicts=(verdict(low, high, better, worthwhile),),
    )  # fmt: skip
    blocks = summary(View(replace(BASE, outcomes=(outcome, *BASE.outcomes[1:])), DUTCH)).blocks
    parts = [b.items if isinstance(b, Bullets) else (b.text,) for b in blocks if isinstance(b, (Bullets, Text))]
    return " ".join(text for part in parts for text in part)


@pytest.mark.parametrize(
    ("low", "high", "said", "never"),
    [
        (0.06, 0.12, "minstens zo groot als het kleinste verschil dat volgens het plan de moeite waard is (5,0 procentpunt)", "onbeslist"),
        (0.02, 0.12, "Of het verschil groot genoeg is om de moeite waard te zijn", "minstens zo groot"),
        (0.01, 0.04, "maar het verschil is kleiner dan wat volgens het plan de moeite waard is", "minstens zo groot"),
        (-0.03, 0.04, "geen verschil dat volgens het plan groot genoeg is", "deden het op deze uitkomst beter"),
        (-0.03, 0.12, "Deze vergelijking is onbeslist.", "volgens het plan"),
        (-0.12, -0.02, "deden het op deze uitkomst slechter", "beter dan"),
    ],
)  # fmt: skip
def test_each_verdict_has_its_sentence(low: float, high: float, said: str, never: str) -> None:
    text = told(low, high)
    assert said in text and never not in text
    assert not re.search(r"geen effect|bewezen|significant|p-waarde|regressie|covaria", text)


def test_inconclusive_is_not_called_no_difference() -> None:
    text = told(-0.03, 0.12)
    assert "Dat is iets anders dan aantonen dat er geen verschil is." in text
    assert "tussen 3,0 procentpunt lager en 12,0 procentpunt hoger (het 95%-betrouwbaarheidsinterval)" in text
    assert "tussen 2,0 en 12,0 procentpunt lager" in told(-0.12, -0.02)
    assert "9,0 procentpunt lager: ongeveer 9 minder op elke 100 mensen" in told(-0.12, -0.06, better="lower")
    for low, high in ((0.02, 0.12), (-0.12, -0.02), (-0.03, 0.12)):
        assert not re.search(r"\b(beter|slechter)\b", told(low, high, better=None))


@pytest.mark.parametrize("found", get_args(Verdict))
def test_every_verdict_differs_from_every_other_in_both_languages(found: Verdict) -> None:
    for better in ("higher", None):
        said = {w.headline(found, "A", "B", "5", better) for w in (ENGLISH, DUTCH)}
        others = {w.headline(v, "A", "B", "5", better) for w in (ENGLISH, DUTCH) for v in get_args(Verdict) if v != found}
        assert len(said) == 2 and not said & others


MEASURES = (
    "risk_ratio",
    "odds_ratio",
    "rate_ratio",
    "mean_ratio",
    "win_odds",
    "proportional_odds",
    "hazard_ratio",
    "rmst_ratio",
    "other",
)


@pytest.mark.parametrize("measure", MEASURES)
def test_ratios_are_whole_sentences(measure: str) -> None:
    for adjusted in (False, True):
        text = DUTCH.difference_ratio(adjusted, "A", "B", "1,50", measure)
        assert text[0].isupper() and text.endswith(".") and "1,50" in text and "‘A’" in text and "‘B’" in text
        assert text.startswith("Als we rekening houden") is adjusted


def _sample(kind: str, i: int) -> tuple[str, str]:
    """What a result would say at a hole, and what the Dutch must say there."""
    return {
        "n": (f"{i + 2}.25", f"{i + 2},25"), "p": (f"{i + 30} people", f"{i + 30} mensen"), "q": (f"'naam {i}'", f"'naam {i}'"),
        "l": ("'a', 'b' and 4 more", "'a', 'b' en nog 4"), "w": (" in 't0', 'arm'", " in 't0', 'arm'"), "x": ("iets: 3", "iets: 3"),
        "v": ("= .031", "= 0,031"), "f": ("reference, licence", "bron, licentie"),
    }[kind]  # fmt: skip


@pytest.mark.parametrize("english", sorted(CATALOGUE))
def test_notes_carry_all_their_numbers_and_names(english: str) -> None:
    holes = re.findall(r"\{([a-z]\d?)\}", english)
    assert sorted(holes) == sorted(re.findall(r"\{([a-z]\d?)\}", CATALOGUE[english]))
    text = english
    for i, hole in enumerate(holes):
        text = text.replace(f"{{{hole}}}", _sample(hole[0], i)[0], 1)
    dutch = dutch_note(text)
    assert not isinstance(dutch, Passage)
    for i, hole in enumerate(holes):
        assert _sample(hole[0], i)[1] in dutch
    assert not ENGLISH_WORDS.search(dutch.replace("with Trial", "")), dutch


@pytest.mark.parametrize("margin", [0.01, 0.1, 0.5])
def test_margins_are_told(margin: float) -> None:
    frame = people(n=400)
    trial = tk.Trial(frame, arm="arm", control="individual", unit="id", strata=["agency"], group="group")
    for asked in (
        {"equivalence": margin},
        {"noninferiority": margin, "better": "higher"},
        {"noninferiority": margin, "better": "lower"},
    ):
        result = tk.itt(trial, "employed_t2", adjust=["age", "months_unemployed"], measure="risk_difference", **asked)  # type: ignore[arg-type]
        left = [n.text for n in result.notes if isinstance(dutch_note(n.text), Passage)]
        assert not left, left
        told_of = next(dutch_note(n.text) for n in result.notes if n.code.startswith(("equivalence", "noninferiority")))
        assert re.search(r"gelijkwaardig|slechter", told_of) and not re.search(r"\d\.\d", told_of)


def test_notes_in_full() -> None:
    lost = "220 of 1400 people have no 'employed_t2' and are left out (individual: 128, peer: 92)."
    assert (
        dutch_note(lost) == "Van 220 van de 1.400 mensen ontbreekt 'employed_t2'; zij doen niet mee (individual: 128, peer: 92)."
    )
    rows = (
        "1 person without a score, because more than 1 of 6 answers are missing; 1 of them answered none of the items (row 12)."
    )
    assert (
        dutch_note(rows)
        == "1 mens zonder score, omdat meer dan 1 van de 6 antwoorden ontbreken; van hen beantwoordden er 1 geen enkel item (rij 12)."
    )
    few_said = "few groups (7 groups in peer): the interval rests on its small-sample correction."
    assert "(7 groepen in peer)" in dutch_note(few_said)


def test_an_unknown_note_stays_english_and_is_marked() -> None:
    strange = "a <b>sentence</b> that no pattern knows, with 1,400.5 in it."
    assert isinstance(dutch_note(strange), Passage) and dutch_note(strange) == strange
    made = replace(content(), notes=(Note("strange", strange),))
    text = _page(made)
    assert '<span lang="en">a &lt;b&gt;sentence&lt;/b&gt; that no pattern knows, with 1,400.5 in it.</span>' in text
    assert "<span lang=" not in page(assemble(View(made)), _figures(View(made)), ENGLISH)


@pytest.mark.parametrize("level", [*LEVELS, *(claimed(level) for level in LEVELS[1:])])
def test_every_level_of_a_lock_is_told(level: str) -> None:
    amended = " The plan was amended 2 times: first; second; plan.lock.1.json is the lock that was amended."
    for text in (level_in_words(level), level_in_words(level) + amended):
        said = dutch_note(text)
        assert not isinstance(said, Passage) and level.removesuffix(" (claimed)") in said
        assert ("vooraf geregistreerd" in said) is (level in ("L2", "L3"))


@pytest.mark.parametrize(
    ("english", "dutch"),
    [
        ("ANCOVA (linear probability)", "ANCOVA (lineair kansmodel)"),
        ("difference in means (groups in one arm, strata interacted)", "verschil in gemiddelden (groepen in één arm, strata per arm)"),
        ("CR2 (df under the grouped working covariance)", "CR2 (df bij de werkcovariantie met groepen)"),
        ("Hedges g, ANCOVA", "Hedges' g, ANCOVA"), ("HC2", "HC2"), ("", ""),
    ],
)  # fmt: skip
def test_names_of_methods(english: str, dutch: str) -> None:
    assert dutch_method(english) == dutch


def test_a_method_with_an_unknown_part_stays_english() -> None:
    said = DUTCH.method("a method of tomorrow", "CR2")
    assert isinstance(said, Passage) and said == "a method of tomorrow; CR2"


def _figures(view: View) -> dict[str, str]:
    return {f.name: f.svg for f in drawn(view, lambda name: None)}


def _page(made: ReportContent) -> str:
    view = View(made, DUTCH)
    return page(assemble(view), _figures(view), view.words)


def _without_labels(made: ReportContent, text: str) -> str:
    """What is left of a page without its style, its passages marked as English, its tags, and the study's own labels."""
    text = re.sub(r"<style>.*?</style>|<span lang=\"en\">.*?</span>|<svg.*?</svg>", " ", text, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", "\n", text).replace("&#39;", "'")
    own = [
        made.title,
        made.population,
        made.plan_text,
        *(a.label for a in made.arms),
        *(o.label for o in made.outcomes),
        *made.labels.values(),
    ]
    own += [str(v) for d in made.deviations for v in d.values()]
    for label in sorted(filter(None, own), key=len, reverse=True):
        text = text.replace(label, "#")
    return text


@pytest.mark.parametrize(
    "made", [content(), content(locked=False), few(), graph()], ids=["whole", "unlocked", "few groups", "graph"]
)
def test_no_english_is_left_unmarked(made: ReportContent) -> None:
    text = _page(made)
    left = [line.strip() for line in _without_labels(made, text).split("\n") if ENGLISH_WORDS.search(line)]
    assert not left, left
    html = next(e for e in Page(text).elements if e.tag == "html")
    assert html.attributes["lang"] == "nl"


def test_two_languages_are_linked_pages_of_one_bundle(tmp_path: Path) -> None:
    made = replace(content(), languages=("nl", "en"))
    first = save_report(made, tmp_path / "report")
    dutch, english = first.read_text("utf-8"), (tmp_path / "report" / "index.en.html").read_text("utf-8")
    assert '<html lang="nl">' in dutch and '<a href="index.en.html" lang="en" hreflang="en">English</a>' in dutch
    assert '<html lang="en">' in english and '<a href="index.html" lang="nl" hreflang="nl">Nederlands</a>' in english
    names = {p.name for p in (tmp_path / "report" / "figures").iterdir()}
    assert {"forest.svg", "forest.en.svg", "forest.png", "forest.en.png"} <= names
    assert load_content(tmp_path / "report").languages == ("nl", "en")


def test_one_language_has_one_page_and_no_links(tmp_path: Path) -> None:
    save_report(content(), tmp_path / "a", language="nl")
    assert '<html lang="nl">' in (tmp_path / "a" / "index.html").read_text("utf-8")
    assert not list((tmp_path / "a").glob("index.*.html")) and "hreflang" not in (tmp_path / "a" / "index.html").read_text(
        "utf-8"
    )


def test_the_command_line_asks_for_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    save_report(content(), tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["report", "a/results.json", "--out", "b", "--language", "nl", "--lang", "en"])
    assert done.exit_code == 0 and {"index.html", "index.en.html"} <= {p.name for p in (tmp_path / "b").iterdir()}
    with pytest.raises(UsageError, match="en or nl, not in 'fr'"):
        save_report(content(), tmp_path / "c", language="fr")
    assert not (tmp_path / "c").exists()
