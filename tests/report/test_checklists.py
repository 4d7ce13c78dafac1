"""Checklists, the populated plan, verdicts and the work sheet: in the report, exported, and in both languages."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.report.contents import content, hostile
from trialkit.cli.app import app
from trialkit.errors import EstimationError, UsageError
from trialkit.plan import Plan
from trialkit.report.assemble import assemble
from trialkit.report.checklists.consort import ITEMS
from trialkit.report.checklists.extensions import CLUSTER, SOCIAL
from trialkit.report.checklists.marks import concerns
from trialkit.report.content import ReportContent
from trialkit.report.content.counts import count_problems
from trialkit.report.export import KINDS, export_report
from trialkit.report.save import content_of, load_content, results_text, save_report
from trialkit.report.sections.checklists import LISTS, answers
from trialkit.report.view import View
from trialkit.report.words.dutch import DUTCH
from trialkit.report.words.en.checklist_items import ITEMS as ENGLISH_TEXTS
from trialkit.report.words.nl.checklist_items import ITEMS as DUTCH_TEXTS
from trialkit.report.writing.html import page

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["klier_2019", "felgenhauer_2019", "himle_2014"])
def run(request: pytest.FixtureRequest) -> ReportContent:
    return Plan.load(ROOT / "analyses" / request.param / "plan.toml").run(
        ROOT / "simulated_data" / f"{request.param}.csv", now="2026-11-22T10:15:00+00:00"
    )


@pytest.fixture(scope="module")
def himle() -> ReportContent:
    return Plan.load(ROOT / "analyses" / "himle_2014" / "plan.toml").run(ROOT / "simulated_data" / "himle_2014.csv")


def answered(report: ReportContent, name: str = "consort") -> dict[str, object]:
    view = View(report)
    present = frozenset(s.id for s in assemble(view).sections)
    return {f"{a.item.number} {a.item.source}".strip(): a for a in answers(view, name, present)}


def test_there_are_30_items_and_42_with_their_parts():
    numbers = [i.number for i in ITEMS]
    assert len(numbers) == len(set(numbers)) == 42
    assert sorted({int(re.match(r"\d+", n)[0]) for n in numbers}) == list(range(1, 31))


def test_every_item_has_words_in_both_languages():
    keys = {i.key for items in LISTS.values() for i in items}
    assert keys == set(ENGLISH_TEXTS) == set(DUTCH_TEXTS)
    for key in keys:
        assert (ENGLISH_TEXTS[key][1] == "") == (DUTCH_TEXTS[key][1] == ""), key
    assert {number for number, *_ in (*CLUSTER, *SOCIAL)} <= {i.number for i in ITEMS}


def test_every_answer_is_whole(run: ReportContent):
    ids = {s.id for s in assemble(View(run)).sections}
    for name in LISTS:
        for number, a in answered(run, name).items():
            assert set(a.where) <= ids
            if a.status == "auto":
                assert (a.fact or a.where) and not a.to_write, number
            elif a.status == "not_applicable":
                assert a.fact and not a.to_write, number
            else:
                assert a.to_write, (name, number)


def test_what_the_data_decide_is_filled_in(himle: ReportContent):
    found = answered(himle)
    assert all(found[n].status == "auto" for n in ("9", "10", "14", "17b", "21a", "21b", "21c", "22a", "25", "26", "28"))
    assert "29" in found["22a"].fact and "26" in found["22a"].fact  # randomized and analysed of the control arm
    assert all(found[n].status == "author" for n in ("5a", "5b", "6", "11", "20a", "29"))


def test_groups_in_one_arm_have_a_statement_and_only_the_items_that_mean_something(himle: ReportContent):
    text = page(replace(assemble(View(himle)), sections=assemble(View(himle)).sections[-1:]), {}, View(himle).words)
    assert "No extension of CONSORT covers trials with groups in one arm only" in text
    cluster = answered(himle, "cluster")
    assert cluster["22a 13a, 16"].status == "auto" and "4 groups of 29 people" in cluster["22a 13a, 16"].fact
    assert cluster["1a 1a"].status == "not_applicable"
    none = answered(content(grouped=False), "cluster")
    assert {a.status for a in none.values()} == {"not_applicable"}


def test_links_lead_to_sections_of_the_page(himle: ReportContent):
    text = page(replace(assemble(View(himle)), sections=assemble(View(himle)).sections[-1:]), {}, View(himle).words)
    targets = set(re.findall(r'<td><a href="#([a-z_]+)">', text))
    assert targets and targets <= {s.id for s in assemble(View(himle)).sections}


def test_counts_agree_in_every_trial(run: ReportContent):
    assert count_problems(run) == ()


def test_contradicting_counts_are_refused_and_nothing_is_written(himle: ReportContent, tmp_path: Path):
    rows = [dict(r) for r in himle.flow.table]
    rows[0]["people"] += 1
    wrong = replace(himle, flow=replace(himle.flow, table=tuple(rows)))
    assert len(count_problems(wrong)) > 3
    with pytest.raises(EstimationError, match="contradict each other"):
        save_report(wrong, tmp_path / "report", word=False)
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize(("place", "by"), [("n", 1), ("n", -1), ("n_randomized", 5)])
def test_a_changed_number_of_an_analysis_is_found(himle: ReportContent, place: str, by: int):
    stored = json.loads(results_text(himle))
    stored["outcomes"][0]["result"]["details"]["arms"][0][place] += by
    assert count_problems(content_of(stored))


def test_a_changed_number_of_table_one_is_found(himle: ReportContent):
    stored = json.loads(results_text(himle))
    stored["balance"]["table"][0]["n_control"] -= 1
    assert any("Table 1" in p for p in count_problems(content_of(stored)))


def test_withheld_counts_are_not_held_against_anything(himle: ReportContent):
    rows = tuple(dict(r) | {"people": "<5"} for r in himle.flow.table)
    assert count_problems(replace(himle, flow=replace(himle.flow, table=rows))) == ()


def test_every_planned_test_has_a_row(run: ReportContent):
    rows = run.after.tests.table
    effects = {r["outcome"]: r for r in rows if r["test"] == "effect"}
    assert set(effects) == {o.name for o in run.outcomes}
    for o in run.outcomes:
        e, row = o.result.estimates[0], effects[o.name]
        assert (row["estimate"], row["p_value"], row["p_adjusted"]) == (e.estimate, e.p_value, e.extra["p_adjusted"])
    beside = [(r["outcome"], r["method"]) for r in rows if r["test"] == "companion"]
    assert len(beside) == len(set(beside)) == len(run.outcomes) * len(run.after.plan["companions"])
    assert all(r["status"] == "done" for r in rows)


def test_both_forms_of_an_effect_on_yes_or_no(run: ReportContent):
    binary = [o for o in run.outcomes if o.measure == "risk_difference"]
    assert set(run.after.other_form) == {o.name for o in binary}
    for o in binary:
        arms = {a["arm"]: a["mean"] for a in o.result.details["arms"]}
        ratio = run.after.other_form[o.name].estimates[0]
        assert ratio.conf_low < arms["peer"] / arms["individual"] < ratio.conf_high


def test_the_content_comes_back_from_results_json(run: ReportContent):
    again = content_of(json.loads(results_text(run)))
    assert results_text(again) == results_text(run)
    assert json.dumps(again.after.to_dict(), allow_nan=False)


def test_results_of_an_earlier_version_are_drawn_without_what_they_lack(himle: ReportContent):
    stored = json.loads(results_text(himle))
    del stored["after"]
    old = content_of(stored)
    ids = [s.id for s in assemble(View(old)).sections]
    assert "tests" not in ids and "standards" not in ids and ids[-1] == "checklists"
    assert answered(old)["17b"].status == "author"


def test_hostile_labels_stay_text():
    view = View(hostile())
    text = page(replace(assemble(view), sections=assemble(view).sections[-1:]), {}, view.words)
    assert "<script>" not in text.split("</style>")[1]


def test_dutch_has_dutch_words_and_the_work_sheet(himle: ReportContent):
    document = assemble(View(himle, DUTCH))
    text = page(replace(document, sections=document.sections[-2:]), {}, DUTCH)
    assert "Eén onderzoek is niet genoeg voor het niveau Effectief" in text and "Te schrijven" in text
    for english in ("To write", "Partly", "can meet the standards", "In the report"):
        assert english not in text


@pytest.mark.parametrize(
    ("path", "test", "outcome", "expected"),
    [
        ("outcomes['a'].adjust", "effect", "a", True), ("outcomes['a'].adjust", "effect", "b", False), ("analysis.conf_level", "missing", "a", True),
        ("missing.imputations", "missing", "a", True), ("missing.imputations", "effect", "a", False), ("multiplicity.method", "effect", "a", True),
        ("subgroups[1].by", "subgroup", "a", True), ("harms.events", "effect", "a", False), ("", "effect", "a", False),
    ],
)  # fmt: skip
def test_a_deviation_marks_the_tests_it_concerns(path: str, test: str, outcome: str, expected: bool):
    assert concerns(path, {"test": test, "outcome": outcome, "method": "ancova"}) is expected


def test_the_mark_stands_in_the_table(himle: ReportContent):
    entry = {"id": "D1", "plan_path": "outcomes['hours'].adjust", "original": [], "new": ["age"], "reason": "r", "type": "model"}
    marked = replace(himle, deviations=(entry,))
    section = next(s for s in assemble(View(marked)).sections if s.id == "tests")
    table = section.blocks[-1].blocks[0]
    assert table.columns[-1].header == "Deviation"
    assert sum(r.style != "band" and r.cells[-1] == "D1" for r in table.rows) == 2  # the effect on hours and its companion


def test_unplanned_analyses_stand_below(himle: ReportContent):
    more = himle.with_unplanned("Without the pilot", himle.outcomes[0].result, reason="A reviewer asked.")
    section = next(s for s in assemble(View(more)).sections if s.id == "tests")
    assert "Without the pilot" in [r.cells[0] for r in section.blocks[-1].blocks[0].rows]


def test_documents_are_exported_whole(himle: ReportContent, tmp_path: Path):
    written = export_report(himle, ["all"], tmp_path / "documents")
    assert {p.stem for p in written} == set(KINDS) and all(p.stat().st_size > 500 for p in written)
    stored = json.loads((tmp_path / "documents" / "consort.json").read_text("utf-8"))
    assert len(stored["lists"]["consort"]) == 42 and stored["plan_hash"] == himle.lock.plan_hash
    assert len(json.loads((tmp_path / "documents" / "pap.json").read_text("utf-8"))["tests"]) == len(himle.after.tests.table)
    text = (tmp_path / "documents" / "consort.html").read_text("utf-8")
    assert 'href="#flow"' not in text and "<details" not in text


def test_an_unknown_document_or_language_is_named(himle: ReportContent, tmp_path: Path):
    with pytest.raises(UsageError, match="Did you mean 'consort'"):
        export_report(himle, ["consrt"], tmp_path / "d")
    with pytest.raises(UsageError, match="en or nl"):
        export_report(himle, ["wwc"], tmp_path / "d", language="fr")
    with pytest.raises(UsageError, match="run the plan again"):
        export_report(content(), ["pap"], tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_the_command_exports_a_saved_report(himle: ReportContent, tmp_path: Path):
    save_report(himle, tmp_path / "report", word=False)
    asked = ["export", str(tmp_path / "report"), "--as", "wwc,movisie", "--out", str(tmp_path / "out"), "--json"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["files"]) >= 4
    assert load_content(tmp_path / "report").after.wwc is not None


def test_withheld_losses_are_not_told_by_a_verdict(himle: ReportContent):
    plan = Plan.load(ROOT / "analyses" / "himle_2014" / "plan.toml")
    report = plan.spec.report.model_copy(update={"minimum_cell": 5})
    quiet = replace(plan, spec=plan.spec.model_copy(update={"report": report})).run(ROOT / "simulated_data" / "himle_2014.csv")
    assert not [r for r in quiet.after.wwc.table if r["row"] == "baseline"]
    assert not [r for r in quiet.after.eef.table if r["line"] == "missing"]
    # the arms lost two and three people
    assert all(np.isnan(r["margin"]) for r in quiet.after.wwc.table)
    assert [r["verdict"] for r in quiet.after.wwc.table] == [
        r["verdict"] for r in himle.after.wwc.table if r["row"] != "baseline"
    ]
