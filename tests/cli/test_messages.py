"""Ordinary mistakes at the command line: each is answered in one sentence that names the place, the thing and the remedy."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

from trialkit.cli import run
from trialkit.cli.help import COMMANDS

SIMULATED = Path(__file__).parents[2] / "simulated_data"
CHECK, FIT, RUN, LOCK = (
    ["check", "plan.toml"], ["check", "plan.toml", "data.csv"], ["run", "plan.toml", "data.csv", "--quiet"], ["lock", "plan.toml"],
)  # fmt: skip
# what a program says to its maker and not to a researcher
INTERNAL = re.compile(
    r"Traceback|datetime\.|NoneType|\bNone\b|dict\b|tuple|object has no|pydantic|Input should|Errno|trialkit itself failed|\(char \d"
)
FIRST_WAVE = (
    'scale = "self_efficacy"                 # scored at t1, adjusted for t0\nwave = "t1"',
    'scale = "self_efficacy"\nwave = "t1"',
)


class Said(NamedTuple):
    code: int
    out: str
    err: str


Saying = Callable[..., Said]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(SIMULATED / "klier_2019.plan.toml", tmp_path / "plan.toml")
    shutil.copy(SIMULATED / "klier_2019.csv", tmp_path / "data.csv")
    shutil.copytree(SIMULATED / "scales", tmp_path / "scales")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def say(folder: Path, capsys: pytest.CaptureFixture[str]) -> Saying:
    def saying(*arguments: str) -> Said:
        capsys.readouterr()
        code = run(list(arguments))
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return saying


def mend(folder: Path, *changes: tuple[str, str]) -> None:
    text = (folder / "plan.toml").read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    (folder / "plan.toml").write_text(text)


# name: (what is typed instead of what, the line that is named or None, words that must be in the answer)
IN_THE_PLAN: dict[str, tuple[str, str, int | None, tuple[str, ...]]] = {
    "misspelt key": ("population =", "populaton =", 8, ("[trial]", "'populaton'", "Did you mean 'population'?")),
    "misspelt section": ("[analysis]", "[analyis]", 100, ("'analyis'", "Did you mean 'analysis'?")),
    "key of another section": ('uptake = "attended"', "conf_level = 0.95", 19, ("[data]", "belongs in [analysis]")),
    "single brackets": ("[[outcomes]]", "[outcomes]", 61, ("[[outcomes]]", "double brackets")),
    "number in quotes": ("units = 1400", 'units = "1400"', 26, ("'units' in [design]", "without quotes", "'1400'")),
    "name without quotes": ('unit = "id"', "unit = id", 15, ('unit = "id"',)),
    "a date": ("[trial]", "[trial]\nregistration = 2026-01-01", 7, ("'registration'", "in quotes", "2026-01-01")),
    "percentage": ("conf_level = 0.95", "conf_level = 95", 103, ("'conf_level'", "write 0.95")),
    "icc in percent": ("icc = 0.05", "icc = 5", 28, ("'icc'", "write 0.05")),
    "decimal comma": ("smallest_worthwhile = 0.05", "smallest_worthwhile = 0,05", 53, ("decimal comma", "write 0.05")),
    "percent sign": ("smallest_worthwhile = 0.05", "smallest_worthwhile = 5%", 53, ("write 0.05",)),
    "margin of the wrong sign": ("smallest_worthwhile = 0.05", "smallest_worthwhile = -0.05", 53, ("must be above 0", "-0.05")),
    "share above one": ("smallest_worthwhile = 0.05", "smallest_worthwhile = 5", 53, ("write 0.05 for 5 percentage points",)),
    "SDs of a share": ("smallest_worthwhile = 0.05", "smallest_worthwhile = { hedges_g = 0.2 }", 53, ("'risk_difference'", "own units")),
    "margin": ("smallest_worthwhile = 0.05", "smallest_worthwhile = 0.05\nmargin = 0.1", 54, ("'margin'", "noninferiority")),
    "text for a list": ('strata = ["agency"]', 'strata = "agency"', 18, ("in brackets", "'agency'")),
    "list for a table": (
        '{ t0 = "before randomization", t1 = "after three months", t2 = "after nine months" }', '["t0", "t1", "t2"]', 20,
        ("must be a table", 'waves = { t0 = "before"'),
    ),
    "codes without reasons": ('{ -99 = "refused", -98 = "does not know" }', "[-99, -98]", 21, ('{ -99 = "refused" }', "[-99, -98]")),
    "unknown scheme": ('"stratified"', '"stratifed"', 24, ("'scheme' in [design]", "Did you mean 'stratified'?")),
    "blocks": ('"stratified"', '"blocked"', 24, ("Did you mean 'permuted_blocks'?",)),
    "unknown estimator": ('estimator = "ancova"', 'estimator = "ols"', 101, ("Did you mean 'ancova'?", "Possible:")),
    "unknown measure": ('"risk_difference"', '"risk_diff"', 51, ("[[outcomes]] 'employed'", "Did you mean 'risk_difference'?")),
    "Bonferroni": ('method = "holm"', 'method = "Bonferroni"', 107, ("[multiplicity]", "Did you mean 'holm'?")),
    "complete cases": ('"available_cases"', '"complete cases"', 110, ("Did you mean 'available_cases'?",)),
    "strategy": ('strategy = "treatment_policy"', 'strategy = "itt"', 57, ("never_attended", "Did you mean 'treatment_policy'?")),
    "event as text": ('never_attended = { strategy = "treatment_policy" }', 'never_attended = "itt"', 57, ("must be a table", '{ strategy = "')),
    "role": ('role = "primary"', 'role = "primry"', 49, ("Did you mean 'primary'?",)),
    "no primary outcome": ('role = "primary"', 'role = "secondary"', 49, ('role = "primary"',)),
    "direction": ('better = "higher"', 'better = "up"', 52, ("Did you mean 'higher'?",)),
    "unknown scale": ('scale = "gse"', 'scale = "gze"', 32, ("'gze'", "Did you mean 'gse'?", ".toml")),
    "scale without columns": ("gse_{wave}_{item}", "gse_{wave}", 33, ("{item}", '"self_efficacy_{wave}_{item}"')),
    "scale that is not scored": ('scale = "self_efficacy"  ', 'scale = "self_eficacy"  ', 64, ("[[scales]]", "Did you mean 'self_efficacy'?")),
    "no wave": (FIRST_WAVE[0], 'scale = "self_efficacy"', 61, ("say when", 'wave = "')),
    "unknown wave": ('wave = "t1"\nrole', 'wave = "t3"\nrole', 65, ("'t3'", "'t0', 't1' and 't2'")),
    "baseline that comes after": (FIRST_WAVE[0], FIRST_WAVE[1] + '\nbaseline_wave = "t2"', 66, ("must come before", "'t2'")),
    "outcome without a column": ('column = "employed_t2"\n', "", 45, ("'employed'", "column = ...")),
    "outcome from two places": ('column = "employed_t2"', 'column = "employed_t2"\nscale = "self_efficacy"', 49, ("keep one of them",)),
    "two outcomes of one name": ('name = "search_confidence"\nlabel', 'name = "self_efficacy"\nlabel', 75, ("'self_efficacy'", "twice")),
    "arm that is not there": ("allocation = { individual", "allocation = { indivdual", 25, ("[arms]", "Did you mean 'individual'?")),
    "no control": (", control = true", "", 10, ("control = true",)),
    "groups in no arm": (", grouped = true", "", 17, ("grouped = true", "[arms]")),
    "no column of groups": ('group = "group"    ', "#    ", 14, ("arm 'peer' is grouped", 'group = "group"')),
    "sizes the wrong way round": ("[10, 15]", "[15, 10]", 27, ("write [10, 15]",)),
    "one size": ("[10, 15]", "12", 27, ("size = [10, 15]",)),
    "arm as covariate": ('adjust = ["age"', 'adjust = ["arm"', 102, ("'arm' cannot be a covariate",)),
    "covariate twice": ('adjust = ["age", "female"', 'adjust = ["age", "age"', 102, ("'age' twice", "keep one")),
    "draws without a seed": ('"difference_in_means"]', '"randomization_test"]', 104, ("[analysis] seed = ",)),
    "covariance": ("conf_level = 0.95", 'covariance = "HC2"\nconf_level = 0.95', 103, ("ignores the groups", '"CR2"')),
    "another language": ("[arms]", 'report_languages = ["de"]\n[arms]', 10, ("'de'", "'en' and 'nl'")),
    "no version": ("schema_version = 1", "", 1, ("schema_version = 1", "first line")),
    "later version": ("schema_version = 1", "schema_version = 2", 4, ("install a newer trialkit",)),
}  # fmt: skip


@pytest.mark.parametrize("mistake", IN_THE_PLAN)
def test_a_mistake_in_the_plan(folder: Path, say: Saying, mistake: str) -> None:
    old, new, line, words = IN_THE_PLAN[mistake]
    mend(folder, (old, new))
    told = say(*CHECK)
    assert told.code == 3
    assert told.out == ""
    assert told.err.startswith("error: plan.toml")
    assert f"line {line}: " in told.err
    assert [w for w in words if w not in told.err] == []
    assert not INTERNAL.search(told.err)
    assert say(*LOCK) == told
    assert say(*RUN) == told
    assert sorted(p.name for p in folder.iterdir()) == ["data.csv", "plan.toml", "scales"]


def test_one_mistake_is_told_once(folder: Path, say: Saying) -> None:
    mend(folder, ("[arms]", 'report_languages = ["de"]\n[arms]'))
    assert "things to mend" not in say(*CHECK).err
    mend(folder, ('"after nine months" }', '"after nine months" }'), ('report_languages = ["de"]\n', ""))
    waves = '{ t0 = "before randomization", t1 = "after three months", t2 = "after nine months" }'
    mend(folder, (waves, '["t0", "t1", "t2"]'))
    assert say(*CHECK).err.count("must be a table") == 1


def column(name: str, value: Callable[[pd.DataFrame], Any]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda d: d.assign(**{name: value(d)})


IN_THE_DATA: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], int, tuple[str, ...]]] = {
    "misspelt column": (lambda d: d.rename(columns={"employed_t2": "employd_t2"}), 4, ("outcome 'employed'", "Did you mean 'employd_t2'?")),
    "no such column": (lambda d: d.drop(columns="employed_t2"), 4, ("there is no column 'employed_t2'", "The columns are:")),
    "items that are not there": (lambda d: d.drop(columns=[c for c in d if c.startswith("gse_t1")]), 4, ("'gse_t1_{item}'", "'self_efficacy'")),
    "arms by another name": (column("arm", lambda d: d["arm"].map({"peer": "1", "individual": "0"})), 4, ("'1' and '0'", "'individual' and 'peer'")),
    "misspelt arm": (column("arm", lambda d: d["arm"].replace("peer", "Peer")), 4, ("holds 'Peer'", "Did you mean 'peer'?")),
    "one arm": (lambda d: d[d["arm"] == "peer"], 4, ("no row of the data is in arm 'individual'", "join the files")),
    "a group in two arms": (column("group", lambda d: d["group"].where(d.index != 1, "A-08")), 4, ("'A-08'", "more than one arm")),
    "a person twice": (column("id", lambda d: d["id"].where(d.index != 1, "k0001")), 4, ("'k0001' (rows 1 and 2)", "remove the copies")),
    "a person without a name": (column("id", lambda d: d["id"].where(d.index != 1, "")), 4, ("'id' is missing in row 2",)),
    "words in an outcome": (column("employed_t2", lambda d: d["employed_t2"].where(d.index != 1, "yes")), 4, ("outcome 'employed'", "'yes' in row 2", "Write 1 for yes")),
    "a third value": (column("employed_t2", lambda d: d["employed_t2"].where(d.index != 1, "2")), 4, ("outcome 'employed'", "2 in row 2", "recode")),
    "an outcome of nobody": (column("employed_t2", lambda d: ""), 4, ("outcome 'employed'", "missing for everyone")),
    "an outcome of all": (column("employed_t2", lambda d: "1"), 7, ("outcome 'employed'", "the same (1) for everyone")),
    "a file without rows": (lambda d: d.iloc[:0], 4, ("no rows", "Export the data again")),
}  # fmt: skip


@pytest.mark.parametrize("mistake", IN_THE_DATA)
def test_a_mistake_in_the_data_is_told_alike_by_check_and_run(folder: Path, say: Saying, mistake: str) -> None:
    change, code, words = IN_THE_DATA[mistake]
    change(pd.read_csv("data.csv", dtype=str, keep_default_na=False)).to_csv("data.csv", index=False)
    told = say(*FIT)
    assert told.code == code
    answer = told.err[told.err.index("error: ") :]
    assert [w for w in words if w not in answer] == []
    assert not INTERNAL.search(answer)
    again = say(*RUN)
    assert (again.code, again.err[again.err.index("error: ") :]) == (code, answer)
    assert sorted(p.name for p in folder.iterdir()) == ["data.csv", "plan.toml", "scales"]


# what is typed: (exit code, words of the answer)
TYPED: dict[str, tuple[int, tuple[str, ...]]] = {
    "chek plan.toml": (2, ("'chek'", "Did you mean 'check'", "`trialkit --help`")),
    "check": (2, ("PLAN is missing", "`trialkit check --help`")),
    "run plan.toml": (2, ("DATA is missing", "`trialkit run --help`")),
    "check plan.toml data.csv more": (2, ("'more'",)),
    "check plan.toml --langg nl": (2, ("--langg", "--lang")),
    "check plan.toml --lang de": (2, ("--lang de", "en or nl")),
    "check plan.toml data.csv --lang de": (2, ("--lang de", "en or nl")),
    "run plan.toml data.csv --lang de": (2, ("'de'", "en or nl")),
    "check plan.tml": (3, ("'plan.tml'", "Did you mean 'plan.toml'?")),
    "check scales": (3, ("is a folder", "scales/plan.toml")),
    "run data.csv plan.toml": (3, ("'data.csv' is a data file", "the plan comes first")),
    "run plan.toml dat.csv": (4, ("Did you mean 'data.csv'?",)),
    "power plan.toml --simulate ten": (2, ("--simulate takes a whole number", "`trialkit power --help`")),
    "power plan.toml --simulate 100": (2, ("--seed 1",)),
    "power plan.toml --simulate 10 --seed 1 --workers 0": (2, ("--workers must be 1 or more",)),
    "power plan.toml --search people --seed 1": (2, ("--search 'people'", "'groups'")),
    "power plan.toml --search n --target 80 --seed 1": (2, ("--target 0.8",)),
    "power plan.toml --memo memo.pdf": (2, ("memo.html",)),
    "verify plan.lock.json": (5, ("there is no lock", "trialkit lock")),
    "verify plan.toml": (2, ("is a plan", "trialkit verify plan.lock.json")),
    "verify data.csv": (5, ("is no lock", "trialkit lock plan.toml")),
    "verify report": (4, ("no file or folder 'report'",)),
    "deviate plan.toml": (5, ("there is no lock", "trialkit lock")),
    "lock plan.toml --amend why": (5, ("there is no lock", "without a reason")),
    "lock plan.toml --kind registry": (2, ("--evidence",)),
    "report results.json": (4, ("there is no file 'results.json'", "folder of a report")),
    "erratum report plan.toml data.csv": (2, ("--reason", "--by")),
    "export plan.toml": (2, ("--as is missing", "`trialkit export --help`")),
    "export plan.toml --as pdf": (2, ("'pdf'", "'sap'")),
    "export plan.toml --as consort": (2, ("made from a report", "trialkit export report --as consort")),
    "export plan.toml --as dictionary": (2, ("made from data", "trialkit export data.csv --as dictionary")),
    "export data.csv --as sap": (2, ("made from a plan", "trialkit export plan.toml --as sap")),
    "export nothing --as sap": (4, ("no file or folder 'nothing'",)),
    "randomize plan.toml data.csv --reason again": (2, ("--reason", "no allocation yet")),
    "release allocation": (6, ("--enrolment-closed",)),
    "blind nothing": (2, ("'nothing'", "`trialkit blind --help`")),
    "blind simulated plan.toml": (2, ("--seed 1",)),
    "blind simulated plan.toml --seed 1 --truth none": (2, ("--truth 'none'", "'null'", "'target'")),
    "blind masked plan.toml data.csv": (2, ("--key",)),
    "blind unblind plan.toml data.csv": (2, ("--by 'C. de Vries'",)),
    "blind unblind plan.toml data.csv --by me": (6, ("not locked", "trialkit lock plan.toml")),
    "simulate klier": (2, ("'klier'", "Did you mean 'klier_2019'?")),
    "simulate klier_2019": (2, ("--seed 1",)),
    "scales gze": (3, ("Did you mean 'gse'?",)),
    "demo --folder data.csv": (2, ("data.csv is a file", "Choose another name")),
    "init plan.toml --defaults": (2, ("plan.toml is already there", "--force")),
    "init n.toml --defaults --worthwhile 5%": (2, ("--worthwhile", "0.05", "'5%'")),
    "init n.toml --defaults --group-size 15-10": (2, ("--group-size", "10-15")),
}


@pytest.mark.parametrize("typed", TYPED)
def test_what_was_typed(folder: Path, say: Saying, typed: str) -> None:
    code, words = TYPED[typed]
    told = say(*typed.split())
    assert told.code == code
    assert told.err.startswith("error: ")
    assert told.err.count("error: ") == 1
    assert [w for w in words if w not in told.err] == []
    assert not INTERNAL.search(told.err)
    assert sorted(p.name for p in folder.iterdir()) == ["data.csv", "plan.toml", "scales"]


def test_in_the_wrong_order(folder: Path, say: Saying) -> None:
    assert say(*LOCK).code == 0
    assert "already locks this very plan" in say(*LOCK).err
    assert "--new '...' and --type '...'" in say("deviate", "plan.toml").err
    for typed in ("--timing never", "--type wrong", "--severity less"):
        told = say("deviate", "plan.toml", "--reason", "x", *typed.split())
        assert told.code == 2
        assert "it is one of" in told.err or "did you mean" in told.err
    mend(folder, ("conf_level = 0.95", "conf_level = 0.90"))
    again, told = say(*LOCK), say(*RUN)
    assert again.code == told.code == 5
    assert "analysis.conf_level: 0.95 -> 0.9" in again.err
    assert "--amend 'why'" in again.err
    assert "analysis.conf_level: 0.95 -> 0.9" in told.err
    assert "`trialkit deviate`" in told.err
    (folder / "report").write_text("a file")
    refused = say("run", "plan.toml", "data.csv", "--out", "report", "--quiet", "--lock", "nowhere.lock.json")
    assert (refused.code, "nowhere.lock.json" in refused.err) == (5, True)


@pytest.mark.parametrize("command", [[], ["blind"]])
def test_without_a_word_the_help_appears(say: Saying, command: list[str]) -> None:
    told = say(*command)
    assert told.code == 2
    assert told.err.startswith("Usage: trialkit")
    assert "..." not in told.err.partition("Commands:")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_ends_with_what_to_type(say: Saying, command: str) -> None:
    summary, examples = COMMANDS[command]
    below = command in ("simulated", "rerandomized", "masked", "unblind")
    told = say(*(["blind", command] if below else [command]), "--help")
    assert told.code == 0
    assert [line for line in examples if line not in told.out] == []
    assert all(line.startswith(f"trialkit blind {command}" if below else f"trialkit {command}") for line in examples)
    assert not re.search(r"<(str|int|float|list)", told.out)
    assert summary in say(*(["blind"] if below else []), "--help").out


def test_the_data_are_told_in_english_and_it_is_said(folder: Path, say: Saying) -> None:
    note = "in het Engels"
    assert note not in say(*FIT).out
    assert note in say(*FIT, "--lang", "nl").out
    mend(folder, ("[arms]", 'report_languages = ["nl"]\n[arms]'))
    assert note in say(*FIT).out
    assert note not in say(*FIT, "--lang", "en").out


def test_a_plan_is_told_with_the_estimators_it_gets(folder: Path, say: Saying) -> None:
    mend(
        folder,
        ('"risk_difference"', '"odds_ratio"'),
        ("smallest_worthwhile = 0.05", "smallest_worthwhile = 1.3"),
        ("effect = 0.15", "effect = 1.8"),
    )
    told = " ".join(say(*CHECK).out.split())
    assert "G-computation from one working model with 'age'" in told
    assert "(for 'employed')" in told
    assert "(ANCOVA) with 'age'" in told
    assert "(for 'self_efficacy', 'search_confidence' and 'search_intensity')" in told


def test_traps_between_outcomes(folder: Path, say: Saying) -> None:
    mend(folder, ('wave = "t1"\nrole = "secondary"', 'wave = "t0"\nrole = "primary"'))
    told = " ".join(say(*CHECK).out.split())
    assert "'self_efficacy' is taken at 't0', the first wave" in told
    assert "2 primary outcomes stand in 2 families" in told
