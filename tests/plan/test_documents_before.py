"""Documents that come before the data: every item present, nothing claimed that the plan lacks, two languages, hostile text."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import docx
import pytest
from docx.enum.text import WD_COLOR_INDEX

from tests.plan.conftest import EXAMPLE, SMALL
from trialkit.cli import run
from trialkit.errors import UsageError
from trialkit.estimate.measures import MEASURES
from trialkit.plan import Plan, starter_plan
from trialkit.plan.documents import word
from trialkit.plan.documents.export import DOCUMENTS, document, export
from trialkit.plan.documents.form import Form
from trialkit.plan.documents.html import html_page
from trialkit.plan.documents.registries import AEA, ASPREDICTED, OSF
from trialkit.plan.documents.sap import PARTS as SAP
from trialkit.plan.documents.spirit import PARTS as SPIRIT
from trialkit.plan.documents.text import plain_text
from trialkit.plan.documents.tidier import PARTS as TIDIER
from trialkit.plan.documents.told import Told
from trialkit.plan.documents.words_en import EN
from trialkit.plan.documents.words_nl import NL
from trialkit.plan.schema.outcomes import Estimator, Measure
from trialkit.plan.schema.sections import Companion, Correction, Sensitivity

FORMS = ("sap", "spirit", "tidier", "methods", "aea", "osf", "aspredicted")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan.load(EXAMPLE)


@pytest.fixture(scope="module")
def small() -> Plan:
    return Plan.from_text(SMALL)


def said(form: Form, number: str) -> str:
    parts = form.entry(number).said
    return " ".join(p if isinstance(p, str) else " ".join(p) for p in parts)


@pytest.mark.parametrize(
    ("parts", "count", "first", "last"),
    [(SAP, 55, "1a", "32d"), (SPIRIT, 53, "1a", "34"), (TIDIER, 12, "1", "12"), (AEA, 34, "1", "34"), (OSF, 22, "q2", "q23"), (ASPREDICTED, 10, "1", "10")],
)  # fmt: skip
def test_every_item_of_a_published_list_is_there_in_order(parts: tuple, count: int, first: str, last: str) -> None:
    numbers = [i.number for _, _, items in parts for i in items]
    assert len(numbers) == count == len(set(numbers))
    assert (numbers[0], numbers[-1]) == (first, last)
    whole = [int(re.sub(r"\D", "", n)) for n in numbers]
    assert whole == sorted(whole)


def test_the_gamble_list_counts_its_parts() -> None:
    numbers = [i.number for _, _, items in SAP for i in items]
    parts = {n: sum(re.fullmatch(rf"{n}[a-f]?", m) is not None for m in numbers) for n in range(1, 33)}
    assert sum(parts.values()) == 55 and all(parts.values())
    assert {n: c for n, c in parts.items() if c > 1} == {1: 2, 4: 3, 6: 3, 13: 3, 19: 4, 24: 3, 25: 2, 26: 3, 27: 6, 32: 4}


def test_both_languages_have_the_same_sentences_with_the_same_holes() -> None:
    def holes(text: str) -> list[str]:
        return sorted(re.findall(r"\{(\w+)\}", text))

    assert set(EN) == set(NL)
    assert [k for k in EN if holes(EN[k]) != holes(NL[k])] == []


def test_every_choice_of_the_plan_language_has_words() -> None:
    for prefix, kind in (("estimator", Estimator), ("measure", Measure), ("companion", Companion), ("rule", Sensitivity)):
        assert [v for v in kind.__args__ if f"{prefix}_{v}" not in EN] == []
    assert {m.estimator for name, m in MEASURES.items() if name in Measure.__args__} <= {
        k.removeprefix("estimator_") for k in EN if k.startswith("estimator_")
    }
    told = Told(Plan.from_text(SMALL).spec)
    for method in Correction.__args__:
        changed = told.spec.multiplicity.model_copy(update={"method": method})
        assert Told(told.spec.model_copy(update={"multiplicity": changed})).correction_name()


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_item_says_something_or_asks_for_it(plan: Plan, small: Plan, kind: str, language: str) -> None:
    for which in (plan, small):
        form = document(which, kind, language)
        assert all(e.said or e.ask for e in form.entries)
        assert all(p for e in form.entries for p in e.said)
        assert sum(form.counts().values()) == len(form.entries)
        assert which.hash in dict(form.facts).values()
        assert "{" not in re.sub(r"\{(wave|item)\}", "", plain_text(form))


def test_the_plan_fills_what_it_knows(plan: Plan) -> None:
    form = document(plan, "sap")
    assert plan.spec.trial.title in said(form, "1a")
    for outcome in plan.spec.outcomes:
        assert outcome.label in said(form, "26a") and outcome.label in said(form, "8")
    assert "Tests are two-sided at level 0.05." in said(form, "16")
    assert "95%" in said(form, "18")
    assert "partially nested" in said(form, "9")
    assert "CR2" in said(form, "27a")
    assert form.entry("7").state == form.entry("6a").state == "author"
    assert any("Gamble" in r for r in form.references)


def test_the_numbers_of_the_sample_size_are_those_of_the_power_answer() -> None:
    from trialkit.power import answer_for_plan
    from trialkit.report.format import Numbers

    plan = Plan.load(ROOT / "analyses" / "klier_2019" / "plan.toml")
    (answer,) = answer_for_plan(plan.spec).answers
    assert answer.detectable is not None
    reached = 0.30 + answer.detectable.details["effect"]
    assert f"a rise from 30% to {Numbers().percent(reached)}" in said(document(plan, "sap"), "11")
    dutch = Numbers(decimal=",", thousands=".").percent(reached)
    assert dutch in said(document(plan, "sap", "nl"), "11")
    assert f"a rise from 30% to {Numbers().percent(reached)}" in said(document(plan, "aea"), "31")


def test_nothing_is_claimed_that_a_bare_plan_lacks(small: Plan) -> None:
    form = document(small, "sap")
    for number in ("1b", "11", "15", "19a", "21", "25a", "25b", "26c", "27c", "27d"):
        assert form.entry(number).state == "author", number
    assert "power calculation" in form.entry("11").ask and "units is missing" in form.entry("11").ask
    assert said(form, "30") == "Harms are not planned: the report will say that they were not assessed."
    assert said(form, "27f") == "No subgroup analysis is planned."
    assert "nothing is corrected" in said(form, "17")
    text = plain_text(form)
    for word_ in ("group", "stratif", "imputation", "mediat", "bootstrap"):
        assert (
            word_ not in re.sub(r"\[to be written.*?\]|subgroup\w*|two groups", "", text, flags=re.IGNORECASE | re.DOTALL).lower()
        ), word_
    assert not any(n in text for n in ("Holm S", "Pustejovsky", "Roberts C"))


def test_the_level_and_margins_follow_the_plan() -> None:
    text = (
        SMALL.replace('role = "primary"', 'role = "primary"\nnoninferiority = 2.5\nbetter = "higher"')
        + "[analysis]\nconf_level = 0.9\n"
    )
    form = document(Plan.from_text(text), "sap")
    assert (
        said(form, "16")
        == "Tests are two-sided at level 0.1. Equivalence and non-inferiority are judged by one-sided tests at level 0.1."
    )
    assert "non-inferiority, with a margin of 2.5" in said(form, "12") and "superiority" not in said(form, "12")
    assert "90%" in said(form, "18")


def test_the_dutch_plan_is_dutch(plan: Plan) -> None:
    english, dutch = document(plan, "sap"), document(plan, "sap", "nl")
    same = [e.number for e, d in zip(english.entries, dutch.entries) if e.title == d.title]
    assert same == ["21", "31"]  # screening, software: the same words
    assert said(dutch, "8").startswith("Onder alle gerandomiseerde mensen")
    assert '<html lang="nl">' in html_page(dutch)
    text = plain_text(dutch)
    assert "door de auteurs te schrijven" in text and "to be written" not in text
    assert re.search(r"\b(the|are|with|which)\b", re.sub(r"[‘'(].*?[’')]|In het Engels.*", "", said(dutch, "27a"))) is None


def test_registries_stay_english(plan: Plan) -> None:
    for kind in ("aea", "osf", "aspredicted"):
        assert document(plan, kind, "nl").language == "en"
        assert "form is in English" in plain_text(document(plan, kind, "nl"))


HOSTILE = '<script>alert(1)</script> {measure} /* /// \\n*/ \\"quoted\\" =1+1'


@pytest.fixture(scope="module")
def hostile() -> Plan:
    text = SMALL.replace('title = "t"', f'title = "{HOSTILE}"').replace('name = "y"', f'name = "y"\nlabel = "{HOSTILE}"')
    text = text.replace("a = { control = true }", f'a = {{ control = true, label = "{HOSTILE}" }}')
    return Plan.from_text(text.replace('column = "y1"', 'column = \'y"]]; system("x"); d[["\''))


def test_hostile_text_is_escaped_in_html(hostile: Plan) -> None:
    page = html_page(document(hostile, "sap"))
    assert "<script" not in page and "&lt;script&gt;alert(1)&lt;/script&gt; {measure}" in page


def test_hostile_text_is_text_in_word(hostile: Plan) -> None:
    found = docx.Document(io.BytesIO(word.word_bytes(document(hostile, "sap"))))
    assert any("<script>alert(1)</script> {measure}" in p.text for p in found.paragraphs)


def test_hostile_text_stays_in_its_comment_and_its_quotes(hostile: Plan, tmp_path: Path) -> None:
    export(hostile, ["r", "stata"], tmp_path / "out")
    r = (tmp_path / "out" / "primary.R").read_text()
    do = (tmp_path / "out" / "primary.do").read_text()
    assert [line for line in r.splitlines() if "script" in line and not line.startswith("# ")] == []
    assert 'y <- as.numeric(d[["y\\"]]; system(\\"x\\"); d[[\\""]])' in r
    comments = [line for line in do.splitlines() if "script" in line]
    assert comments and all(line.startswith("// ") and "///" not in line and "/*" not in line for line in comments)
    assert "is no name in Stata" in do


def test_word_has_headings_lists_and_marked_gaps(plan: Plan) -> None:
    form = document(plan, "sap")
    found = docx.Document(io.BytesIO(word.word_bytes(form)))
    headings = [p.text for p in found.paragraphs if p.style.name == "Heading 2"]
    assert headings == [f"{e.number}  {e.title}" for e in form.entries]
    marked = [p for p in found.paragraphs if p.runs and p.runs[0].font.highlight_color == WD_COLOR_INDEX.YELLOW]
    assert [p.text for p in marked] == [form.asked(e) for e in form.entries if e.ask]
    assert any(p.style.name == "List Bullet" for p in found.paragraphs)
    assert found.core_properties.language == "en-GB" and found.core_properties.author == ""


def test_gaps_are_marked_in_html_and_text(plan: Plan) -> None:
    form = document(plan, "spirit")
    gaps = sum(bool(e.ask) for e in form.entries)
    assert html_page(form).count('class="ask"') == gaps == plain_text(form).count("[to be written by the authors: ")


def test_fields_to_paste_have_sane_lengths(plan: Plan) -> None:
    for kind in ("osf", "aspredicted", "aea"):
        for e in document(plan, kind).entries:
            assert len(said(document(plan, kind), e.number)) < 6000, (kind, e.number)


def test_the_lock_is_told(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(starter_plan())
    assert dict(document(Plan.load(path), "tidier").facts)["Lock"] == "not locked"
    Plan.load(path).lock()
    assert dict(document(Plan.load(path), "tidier").facts)["Lock"].startswith("L0, locked 20")
    path.write_text(starter_plan(units=800))
    assert "not the locked one" in dict(document(Plan.load(path), "tidier").facts)["Lock"]


def test_methods_are_running_text_with_the_works_they_use(plan: Plan) -> None:
    form = document(plan, "methods")
    assert all(isinstance(p, str) for e in form.entries for p in e.said)
    assert any(r.startswith("Pustejovsky") for r in form.references)
    assert not any(r.startswith("Gamble") for r in form.references)


def test_export_writes_all_or_nothing(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = export(plan, ["all"], tmp_path / "out", language="nl")
    names = {p.name for p in written}
    assert names == {f"{k}.{e}" for k in ("sap", "spirit", "tidier", "methods") for e in ("html", "docx")} | {
        "aea.txt", "osf.txt", "aspredicted.txt", "primary.R", "primary.do",
    }  # fmt: skip
    assert {p.name for p in (tmp_path / "out").iterdir()} == names | {".trialkit"}
    before = (tmp_path / "out" / "sap.html").read_text()
    monkeypatch.setattr("trialkit.plan.documents.export.word_bytes", lambda form: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export(plan, ["sap"], tmp_path / "out")
    assert (tmp_path / "out" / "sap.html").read_text() == before


@pytest.mark.parametrize(
    ("kinds", "language", "part"),
    [(["sapp"], "en", "Did you mean 'sap'"), ([], "en", "say which document"), (["sap"], "de", "there is no language 'de'")],
)
def test_export_refuses_in_words(plan: Plan, tmp_path: Path, kinds: list[str], language: str, part: str) -> None:
    with pytest.raises(UsageError, match=re.escape(part)):
        export(plan, kinds, tmp_path / "out", language=language)
    assert not (tmp_path / "out").exists()


def test_export_leaves_the_files_of_others(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="did not write"):
        export(plan, ["r"], tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_word_missing_is_said_before_anything_is_written(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "docx", None)
    with pytest.raises(UsageError, match=r"pip install trialkit\[word\]"):
        export(plan, ["sap"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert export(plan, ["osf", "r"], tmp_path / "out")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(starter_plan())
    out = str(tmp_path / "out")
    assert run(["export", str(path), "--as", "osf,tidier", "--as", "r", "--out", out]) == 0
    assert "osf.txt" in capsys.readouterr().out
    assert run(["export", str(path), "--as", "osf", "--out", out, "--json"]) == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert sum(file["items"].values()) == 22
    assert run(["export", str(path), "--as", "nothing", "--out", out]) == 2
    assert run(["export", str(path), "--out", out]) == 2
    broken = tmp_path / "broken.toml"
    broken.write_text("schema_version = 1\n")
    assert run(["export", str(broken), "--as", "osf", "--out", out]) == 3
    assert "Traceback" not in capsys.readouterr().err


def test_what_the_documents_list_offers() -> None:
    assert set(DOCUMENTS) == {*FORMS, "r", "stata"}


def test_the_page_of_the_documentation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "documents.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.toml").write_text(starter_plan())
    space: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "documents.md", "exec"), space)
    assert isinstance(space["form"], Form) and (tmp_path / "documents" / "osf.txt").is_file()


def test_degrees_of_freedom_are_told_once() -> None:
    clustered = SMALL.replace('arm = "arm"', 'arm = "arm"\ncluster = "village"')
    assert "Satterthwaite" in said(document(Plan.from_text(clustered), "sap"), "27a")
    text = said(document(Plan.from_text(f'{clustered}[analysis]\ndf = "residual"\n'), "sap"), "27a")
    assert "Satterthwaite" not in text and "Degrees of freedom: residual." in text


def test_sizes_by_arm_are_whole_people_or_about_so_many() -> None:
    text = SMALL.replace("b = {}", "b = {}\nc = {}") + "[design]\nunits = 100\nallocation = { a = 1, b = 1, c = 1 }\n"
    assert "‘a’: about 33 people" in said(document(Plan.from_text(text), "aea"), "30")
