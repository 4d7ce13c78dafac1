"""The design memo: its numbers are those of the results, in both languages and in every form; what it cannot say it refuses."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import math
import re
from html import unescape
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.power.test_plan_answer import PLAN
from trialkit.cli import run as command
from trialkit.errors import PlanError, UsageError
from trialkit.plan.reading.load import parse_plan
from trialkit.report.memo import phrases as p
from trialkit.report.memo.answers import answers
from trialkit.report.memo.assumptions import ELSEWHERE, VARIANCES
from trialkit.report.memo.questions import FUNCTIONS, questions
from trialkit.report.words.en.memo import ENGLISH_MEMO, MemoWords
from trialkit.report.words.nl.memo import DUTCH_MEMO

LANGUAGES = {"en": ENGLISH_MEMO, "nl": DUTCH_MEMO}
KRINGEN = """\
schema_version = 1
[trial]
title = "Spaarkringen tegen geldstress"
population = "huishoudens met beginnende betalingsachterstanden"
[arms]
brief = { label = "Alleen de folder", control = true }
kring = { label = "Spaarkring met lotgenotencontact", grouped = true }
[data]
unit = "id"
arm = "arm"
group = "kring"
strata = ["wijk"]
[design]
scheme = "stratified"
units = 300
groups = { size = [12, 13] }
assumptions = { icc = 0.05, attrition = 0.15, take_up = 0.8, baseline_correlation = 0.5 }
[[outcomes]]
name = "stress"
label = "Geldstress na een jaar"
column = "stress_t1"
baseline = "stress_t0"
role = "primary"
better = "lower"
assume = { effect = -2.5, sd = 6 }
smallest_worthwhile = 1.5
"""


def plan_of(text: str = KRINGEN):
    return parse_plan(text)


def grouped(**changes):
    return tk.power.grouped(**{**dict(effect=0.4, groups=12, group_size=12, controls=144, icc=0.05), **changes})


RESULTS = {
    "individual": lambda: tk.power.individual(effect=0.35, power=0.9),
    "welch": lambda: tk.power.individual(effect=-120, n=300, sd=(420, 400), allocation=(2, 1), attrition=(0.1, 0.2), take_up=0.7),
    "strata": lambda: tk.power.individual(effect=0.4, n=200, baseline_correlation=0.5, strata_r2=0.1, n_strata=4, attrition=0.1),
    "binary": lambda: tk.power.binary(control_rate=0.3, effect=-0.1, power=0.8),
    "fisher": lambda: tk.power.binary(control_rate=0.3, effect=0.3, treated=40, controls=30, method="fisher", take_up=0.8),
    "grouped": grouped,
    "grouped_effect": lambda: tk.power.grouped(groups=10, group_size=10, controls=90, icc=0.1, power=0.8, baseline_correlation=0.4),
    "grouped_listed": lambda: tk.power.grouped(effect=0.5, group_size=(8, 10, 12, 9), controls=80, icc=0.05, method="satterthwaite"),
    "grouped_variances": lambda: tk.power.grouped(effect=3, groups=10, group_size=10, controls=80, var_group=5, var_resid=60, var_control=64),
    "grouped_both": lambda: tk.power.grouped(effect=0.5, groups=10, group_size=10, control_groups=8, control_group_size=9, icc=0.05),
    "grouped_rate": lambda: tk.power.grouped(effect=0.2, control_rate=0.3, groups=14, group_size=10, controls=100, icc=0.05, attrition=0.1),
    "grouped_controls": lambda: tk.power.grouped(effect=0.45, groups=12, group_size=10, power=0.8, icc=0.05, test="z"),
    "clustered": lambda: tk.power.clustered(effect=0.3, power=0.8, cluster_size=20, icc=0.05, size_cv=0.4, baseline_r2=0.3),
    "clustered_rate": lambda: tk.power.clustered(effect=0.2, control_rate=0.3, clusters=20, cluster_size=20, icc=0.05),
    "clustered_listed": lambda: tk.power.clustered(effect=0.6, cluster_size=([10, 12, 9, 14], [11, 10, 13, 9]), icc=0.05),
}  # fmt: skip


def facts(memo, i: int = 0) -> dict[str, str]:
    return dict(memo.page.blocks[i].facts)


def visible(html: str) -> str:
    body = re.sub(r"<style>.*?</style>|<svg.*?</svg>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def word_text(path) -> tuple[str, object]:
    from docx import Document

    document = Document(str(path))
    cells = [c.text for t in document.tables for r in t.rows for c in r.cells]
    return " ".join([*(x.text for x in document.paragraphs), *cells]), document


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_are_those_of_the_results(language):
    found, w = grouped(), LANGUAGES[language]
    memo = tk.power.memo(found, language=language)
    told = facts(memo)
    assert told[w.power_row] == p.percent(w, found.power) == p.marked(w, f"{100 * found.power:.1f}%")
    assert told[w.error_row].startswith(p.number(w, found.std_error)) and p.number(w, found.df) in told[w.error_row]
    assert p.marked(w, f"{found.type_m:.2f}") in told[w.type_row]
    assert p.number(w, grouped(effect=None, power=0.8).effect) in told[w.detectable_row]
    rows = {r[0]: r[1:] for r in memo.page.blocks[0].changes.rows if len(r) > 1}
    for gain, key in zip(found.gains, ("groups", "group_size", "controls")):
        assert rows[w.more[key]][0] == p.percent(w, gain["power"])
    upper = w.worse["published_icc"].format(value=p.number(w, 0.12))
    assert rows[upper] == (
        p.percent(w, grouped(icc=0.12).power),
        p.number(w, grouped(icc=0.12, effect=None, power=0.8).effect) + " SD",
    )
    lost = w.worse["attrition"].format(share="10%")
    assert rows[lost][0] == p.percent(w, grouped(attrition=0.1).power)
    table = memo.page.blocks[0].sensitivity
    icc, effect = table.bold
    assert (table.rows[icc][0], table.columns[effect]) == (p.number(w, 0.05), p.number(w, 0.4) + " SD")
    assert table.rows[icc][effect] == p.percent(w, found.power)
    assert table.rows[-1][1] == p.percent(w, grouped(icc=0.12, effect=0.2).power)


def test_every_percentage_of_the_page_is_in_a_result():
    memo = tk.power.memo(grouped())
    powers = {0.10, 0.70, 0.80}  # changed assumptions and the target
    for _, result in memo.results:
        powers |= {result.details["power"], result.details["type_s"]} if "power" in result.details else set()
        powers |= {r["power"] for r in getattr(result, "table", ())}
    printed = {p.percent(ENGLISH_MEMO, v) for v in powers} | {p.small(ENGLISH_MEMO, v) for v in powers}
    said = set(re.findall(r"[<>]?\d+(?:\.\d+)?%", str(memo)))
    assert said and said <= printed


@pytest.mark.parametrize("name", RESULTS)
def test_every_family_in_both_languages(name):
    found = RESULTS[name]()
    english, dutch = (tk.power.memo(found, language=k, outcomes="stress") for k in LANGUAGES)
    assert numbers(english, ENGLISH_MEMO) == numbers(dutch, DUTCH_MEMO)
    for foreign in (
        "power",
        "detectable",
        "control",
        "cluster of",
        "assum",
        "people",
        "treated",
        "baseline",
        "lost to",
        " with ",
        " the ",
    ):
        assert foreign not in without_references(dutch).lower().replace("controle", ""), foreign
    (question,) = questions(found, None)
    assert question.result.power == pytest.approx(found.power_at_design, abs=1e-9)
    assert not {"{", "}"} & set(str(english) + str(dutch))


def without_references(memo) -> str:
    return str(dataclasses.replace(memo, page=dataclasses.replace(memo.page, references=())))


def numbers(memo, w: MemoWords) -> list[float]:
    """Every number above the last line, whatever signs a language writes it with; a sentence may have them in another order."""
    found = re.findall(r"\d[\d.,]*\d|\d", without_references(memo).rpartition("\n")[0])
    return sorted(float(v.replace(w.numbers.thousands, "").replace(w.numbers.decimal, ".")) for v in found)


def test_a_fall_of_a_share_is_solved_downwards():
    found = tk.power.binary(control_rate=0.3, effect=-0.1, treated=294, controls=294)
    memo = tk.power.memo(found)
    assert facts(memo)[ENGLISH_MEMO.power_row] == "80.1%"
    assert facts(memo)[ENGLISH_MEMO.detectable_row] == "a fall from 30% to 20%, with 80% power"
    back = tk.power.binary(control_rate=0.3, power=0.8, treated=294, controls=294, alternative="less", alpha=0.025)
    assert back.effect == pytest.approx(-dict(memo.results)["1.detectable"].effect, abs=1e-4)
    assert facts(tk.power.memo(back))[ENGLISH_MEMO.effect_row] == "a fall from 30% to 20%"


def test_whole_numbers_where_a_size_was_solved_for():
    memo = tk.power.memo(tk.power.individual(effect=0.35, power=0.9))
    assert facts(memo)[ENGLISH_MEMO.people_row] == "346: 173 treated and 173 controls"
    assert facts(memo)[ENGLISH_MEMO.power_row] == p.percent(ENGLISH_MEMO, tk.power.individual(effect=0.35, n_per_arm=173).power)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plan(language):
    spec, w = plan_of(), LANGUAGES[language]
    (answer,) = tk.power.answer_for_plan(spec).answers
    memo = tk.power.memo(spec, language=language)
    assert memo.page.title == spec.trial.title and "Spaarkring met lotgenotencontact" in memo.page.question[0]
    told = facts(memo)
    assert told[w.power_row] == p.percent(w, answer.assumed.power)
    assert p.number(w, answer.detectable.effect) in told[w.detectable_row]
    assert told[w.effect_row] == w.fall_raw.format(value=p.number(w, 2.5), sd=p.number(w, 2.5 / 6))
    assert p.number(w, 1.5) in told[w.smallest_row]
    sources = {r[0]: r[2] for r in memo.page.blocks[0].assumptions.rows}
    assert sources[w.assumptions["attrition"]] == w.sources["plan"]
    taking = {r[0]: r[1] for r in memo.page.blocks[0].assumptions.rows}[w.assumptions["take_up"]]
    assert "80%" in taking and p.number(w, 2.5 / 0.8) in taking
    assert w.aside["strata"] in memo.page.blocks[0].assumptions.note


def test_a_plan_says_what_it_lacks():
    text = KRINGEN.replace("icc = 0.05, attrition = 0.15, take_up = 0.8, ", "").replace('baseline = "stress_t0"\n', "")
    rows = {r[0]: r[2] for r in tk.power.memo(plan_of(text)).page.blocks[0].assumptions.rows}
    assert rows["Intracluster correlation (ICC)"].startswith("not in the plan; supplied here")
    assert rows["Correlation with the baseline"] == "in the plan, but not used for this outcome"


def test_aside_covers_what_the_answer_leaves_aside():
    texts = [
        KRINGEN,
        KRINGEN.replace('scheme = "stratified"', 'scheme = "minimization"\nbalance_on = ["age"]').replace(
            'strata = ["wijk"]\n', ""
        ),
    ]
    texts.append(KRINGEN + "\n[analysis]\nadjust = ['age']\n")
    for text in texts:
        spec = plan_of(text)
        (answer,) = tk.power.answer_for_plan(spec).answers
        left = next((s for s in answer.sentences if s.startswith("Left aside")), "Left aside: .")
        (question,) = questions(spec, None)
        assert len(question.aside) == left.count(";") + (left != "Left aside: .")


@pytest.mark.parametrize("language", LANGUAGES)
def test_strata_that_the_formula_used_are_not_left_aside(language):
    w = LANGUAGES[language]
    spec = plan_of(KRINGEN.replace("sd = 6 }", "sd = 6, strata_r2 = 0.1 }"))
    found = tk.power.memo(spec, language=language).page.blocks[0].assumptions
    row = next(r for r in found.rows if r[0] == w.assumptions["strata_r2"])
    assert row[2] == w.sources["plan"] and w.aside["strata"] not in found.note
    assert "Left aside: what strata explain" not in str(tk.power.answer_for_plan(spec))


def test_several_outcomes_and_a_correction():
    second = (
        KRINGEN[KRINGEN.index("[[outcomes]]") :]
        .replace('"stress"', '"sparen"')
        .replace("Geldstress", "Sparen")
        .replace("stress_t", "spaar_t")
    )
    memo = tk.power.memo(plan_of(KRINGEN + second + '\n[multiplicity]\nmethod = "holm"\n'))
    assert [b.heading.split(":")[0] for b in memo.page.blocks] == ["Geldstress na een jaar", "Sparen na een jaar"]
    assert "After correction for 2 tests" in facts(memo)
    assert len(set(re.findall(r'id="(memo-\d-alt)"', memo.html))) == 2
    both = tk.power.memo([grouped(), grouped(effect=0.5)], outcomes=["stress", "debt"])
    assert [b.heading for b in both.page.blocks] == ["Stress", "Debt"]


def test_html_and_word_say_the_same(tmp_path):
    made = tk.power.memo(plan_of(), language="nl", costs={"treated": 150, "groups": 900, "fixed": 5000})
    html, docx = made.save(tmp_path / "memo.html"), made.save(tmp_path / "memo.docx")
    page = html.read_text(encoding="utf-8")
    assert page == made.html and page.startswith("<!doctype html>") and '<html lang="nl">' in page
    assert "http" not in re.sub(r'xmlns(:xlink)?="[^"]+"', "", page)
    text, document = word_text(docx)
    block = made.page.blocks[0]
    cells = [c for g in (block.assumptions, block.changes, block.sensitivity, made.page.costs) for r in g.rows for c in r]
    for said in (block.lead, *cells, *(v for _, v in block.facts)):
        assert said in text and said in visible(page)
    assert document.core_properties.language == "nl-NL"
    (shape,) = document.inline_shapes
    assert shape._inline.docPr.get("descr") == block.picture[1] and block.picture[1] in page
    assert sorted(f.name for f in tmp_path.iterdir()) == ["memo.docx", "memo.html"]
    assert "&lt;!doctype html&gt;" in made._repr_html_()


def test_costs():
    memo = tk.power.memo(grouped(), costs={"treated": 100, "controls": 10.5, "groups": 500, "fixed": 1000})
    assert memo.page.costs.rows[-1] == ("Total", "", "", "€ 22,912")
    assert memo.page.costs.rows[1] == ("Controls", "144", "€ 10.50", "€ 1,512")
    assert dict(memo.results)["cost"].total == 144 * 100 + 144 * 10.5 + 12 * 500 + 1000


@pytest.mark.parametrize("language", LANGUAGES)
def test_simulation_assurance_and_a_curve(language):
    w = LANGUAGES[language]
    simulated = tk.power.simulate(plan_of(), effects=[0, -2.5], n_draws=200, seed=1)
    priors = {"icc": ("uniform", 0.0, 0.1), "effect": ("normal", 0.4, 0.05)}
    assured = tk.power.assurance(tk.power.grouped, priors=priors, n_points=32, groups=12, group_size=12, controls=144)
    curve = tk.power.curve(tk.power.grouped, effect=[0.3, 0.4], groups=range(8, 17, 2), group_size=12, controls=144, icc=0.05)
    memo = tk.power.memo(grouped(), language=language, simulated=simulated, assurance=assured, curve=curve)
    (_, first), (_, second) = memo.page.extra
    for row in simulated.table:
        assert p.percent(w, row["power"]) in first and p.percent(w, row["mc_error"]) in first
    for key in ("assurance", "worst", "reaches", "at_medians"):
        assert p.percent(w, assured.details[key]) in second
    assert {"simulated", "assurance", "given_curve"} <= set(dict(memo.results)) and "tk.power" not in first


def test_own_sources_title_question_and_unit():
    found = tk.power.individual(effect=120, n=300, sd=400)
    memo = tk.power.memo(
        found,
        title="A <b>",
        question="Does it pay?",
        unit="euros a month",
        outcomes="savings",
        sources={"sd": "our register, 2024"},
    )
    assert "<h1>A &lt;b&gt;</h1>" in memo.html and memo.page.question == ("Does it pay?",)
    assert facts(memo)["Effect looked for"] == "a difference of 120 euros a month (0.3 SD)"
    assert memo.page.blocks[0].assumptions.rows[0][2] == "our register, 2024"


def test_to_dict_holds_every_result():
    made = tk.power.memo(grouped(), language="nl").to_dict()
    assert made["language"] == "nl" and made["results"]["1.design"]["details"]["power"] == grouped().power
    assert "1.sensitivity" in made["results"] and "1.published_icc.power" in made["results"]


@settings(max_examples=15, deadline=None)
@given(st.floats(0.15, 0.8), st.integers(4, 25), st.integers(4, 20), st.floats(0.0, 0.2))
def test_the_design_lies_on_its_curve_and_in_its_table(effect, groups, size, icc):
    found = tk.power.grouped(effect=effect, groups=groups, group_size=size, controls=100, icc=icc)
    (question,) = questions(found, None)
    asked = answers(question)
    assert any(r["groups"] == groups and math.isclose(r["power"], found.power, abs_tol=1e-9) for r in asked.curve.table)
    assert any(r["icc"] == icc and math.isclose(r["power"], found.power, abs_tol=1e-9) for r in asked.sensitivity.table)
    assert all(c.power.power >= found.power - 1e-9 for c in asked.gains if c.key in ("groups", "baseline_correlation"))


def test_planned_sizes_lie_on_their_curve():
    for name in ("grouped_listed", "grouped_both", "clustered", "binary", "individual", "welch"):
        (question,) = questions(RESULTS[name](), None)
        found = answers(question)
        at = question.result.details[found.axis]
        (row,) = [r for r in found.curve.table if r[found.axis] == at]
        assert row["power"] == pytest.approx(question.result.power, abs=1e-9), name


def test_no_argument_of_a_power_function_is_without_words():
    for name in FUNCTIONS:
        for argument in inspect.signature(getattr(tk.power, name)).parameters:
            for w in LANGUAGES.values():
                assert argument in ELSEWHERE or argument in VARIANCES or argument in w.assumptions, (
                    f"{name}: {argument} in {w.language}"
                )


def test_no_note_or_method_of_a_power_function_is_without_words():
    package = Path(tk.__file__).parent / "power"
    files = [package / "assemble.py", package / "solve.py", package / "random_designs.py"]
    files += [package / "families" / f"{n}.py" for n in (*FUNCTIONS, "grouped_model", "clustered_model", "grouped_limits")]
    codes = {c for f in files if f.exists() for c in re.findall(r'Note\(\s*"([a-z_]+)"', f.read_text())}
    codes |= set(import_module("trialkit.power.families.grouped")._NOTES)
    elsewhere = {"moderator_spread"}  # of interaction, of which there is no memo
    methods = set(import_module("trialkit.power.families.grouped")._METHOD_WORDS.values())
    methods |= set(import_module("trialkit.power.families.binary")._METHOD_WORDS.values()) | {
        "normal formula",
        "pooled variance",
        "Welch",
    }
    for node in ast.walk(ast.parse((package / "families" / "clustered.py").read_text())):
        if isinstance(node, ast.keyword) and node.arg == "method" and isinstance(node.value, ast.IfExp):
            methods |= {n.value for n in (node.value.body, node.value.orelse) if isinstance(n, ast.Constant)}
    for w in LANGUAGES.values():
        assert codes - elsewhere <= set(w.cautions) and methods <= set(w.methods)


def test_both_languages_have_the_same_fields():
    for field in dataclasses.fields(MemoWords):
        english, dutch = (getattr(w, field.name) for w in LANGUAGES.values())
        if isinstance(english, str):
            assert dutch and set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", dutch)), field.name
        elif isinstance(english, dict):
            assert set(english) == set(dutch), field.name
            for key in english:
                assert set(re.findall(r"{\w+}", english[key])) == set(re.findall(r"{\w+}", dutch[key])), (field.name, key)


def test_an_assumption_without_words_is_refused():
    found = grouped()
    odd = found.with_details(inputs={**found.inputs, "moon_phase": 0.3})
    with pytest.raises(UsageError, match="moon_phase"):
        tk.power.memo(odd, language="nl")
    with pytest.raises(UsageError, match="normal of the moon"):
        tk.power.memo(found.with_details(method="normal of the moon"), language="nl")


def test_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.toml").write_text(KRINGEN, encoding="utf-8")

    def run(*arguments: str) -> int:
        return command(["power", "plan.toml", *arguments])

    assert run("--memo", "memo.html", "--language", "nl") == 0
    assert "memo: memo.html" in capsys.readouterr().out and "groepen van" in (tmp_path / "memo.html").read_text(encoding="utf-8")
    assert run("--memo", "memo.docx", "--simulate", "100", "--seed", "1", "--json") == 0
    assert "simulated trials" in word_text(tmp_path / "memo.docx")[0]
    for arguments, words in (
        (("--memo", "memo.pdf"), ".docx"),
        (("--memo", "nowhere/memo.html"), "does not exist"),
        (("--memo", "m.html", "--language", "de"), "'de'"),
    ):
        capsys.readouterr()
        assert run(*arguments) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists() and not (tmp_path / "m.html").exists()


def test_refusals(tmp_path, monkeypatch):
    bare = PLAN.format(solo="", peer="", arms="", data="", design="", more="", outcome='column = "y1"')
    with pytest.raises(PlanError, match=r"\[design\] units"):
        tk.power.memo(parse_plan(bare))
    hopeless = PLAN.format(
        solo="",
        peer="",
        arms="",
        data="",
        design="units = 100",
        more="",
        outcome='time = "w"\nevent = "e"\nmeasure = "rmst_difference"\ntau = 5',
    )
    with pytest.raises(UsageError, match="no number for any primary outcome"):
        tk.power.memo(parse_plan(hopeless))
    made = tk.power.memo(grouped())
    for target, words in (
        ("memo.pdf", r"\.html or \.docx"),
        ("nowhere/memo.html", "does not exist"),
        ("nowhere/memo.docx", "does not exist"),
    ):
        with pytest.raises(UsageError, match=words):
            made.save(tmp_path / target)
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        made.save(tmp_path / "folder.html")
    cases = (
        (grouped(), dict(language="dutch"), "language 'dutch'"),
        (grouped(), dict(simulated=grouped()), r"tk\.power\.simulate"),
        (grouped(), dict(sources={"iccc": "x"}), "Did you mean 'icc'"),
        (grouped(), dict(costs={"group": 5}), "Did you mean 'groups'"),
        (grouped(), dict(costs={"groups": -5}), "at least 0"),
        (grouped(), dict(costs={}), "empty"),
        ([grouped(), grouped(groups=14)], dict(costs={"groups": 5}), "one design"),
        ([grouped()], dict(outcomes=["a", "b"]), "2 names for 1"),
        (plan_of(), dict(outcomes="a"), "labels of its own"),
        (tk.power.time_to_event(hazard_ratio=0.7, power=0.9), {}, r"no memo of tk\.power\.time_to_event"),
        (0.8, {}, r"tk\.Plan"),
        ([], {}, r"tk\.Plan"),
    )  # fmt: skip
    for what, options, words in cases:
        with pytest.raises(UsageError, match=words):
            tk.power.memo(what, **options)
    solved = tk.power.curve(tk.power.grouped, groups=[8, 10], group_size=12, controls=144, icc=0.05, power=0.8)
    with pytest.raises(UsageError, match="solved for effect"):
        tk.power.memo(grouped(), curve=solved)
    monkeypatch.setitem(__import__("sys").modules, "docx", None)
    with pytest.raises(UsageError, match=r"pip install trialkit\[word\]"):
        made.save(tmp_path / "memo.docx")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["folder.html"]
