"""Errors of a plan file: the line, the key, the near miss, the remedy."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plan.conftest import EXAMPLE
from trialkit.errors import PlanError
from trialkit.plan.reading.lines import key_lines
from trialkit.plan.reading.load import PlanFileError, load_spec
from trialkit.plan.schema.plan_spec import PlanSpec
from trialkit.plan.words.describe import describe

# (written, instead, line, words that the error must hold)
MISTAKES = [
    ('strata = ["agency"]', 'strat = ["agency"]', 20, "[data] has no key 'strat'. Did you mean 'strata'?"),
    ('strata = ["agency"]', 'strata = "agency"', 20, "must be a list in brackets, as in strata = [\"...\"]; it is 'agency'"),
    ('strata = ["agency"]', 'strata = ["agency", "agency"]', 20, "names 'agency' twice"),
    ('measure = "risk_difference"', 'measure = "risk_diff"', 42, "cannot be 'risk_diff'. Did you mean 'risk_difference'?"),
    ('"en", "nl"', '"en", "fr"', 10, "cannot be 'fr'. Possible: 'en' and 'nl'."),
    ('"treatment_policy" }\nmoved', '"policy" }\nmoved', 48, "'strategy' in [[outcomes]] 'employed' intercurrent never_attended"),
    ('unit = "id"', "", 16, "[data] needs 'unit': the column that identifies a person"),
    ('unit = "id"', "unit = 3", 17, 'must be text in quotes, as in unit = "..."; it is 3'),
    ('unit = "id"', 'unit = " id"', 17, "without spaces at its ends"),
    ('unit = "id"', "unit = id", 17, 'text stands in quotes: unit = "id"'),
    ('unit = "id"', 'unit = "id"\nunit = "code"', 18, "'unit' is set twice (first on line 17)"),
    ('unit = "id"', "unit = “id”", 17, "curly quotes"),
    ('strata = ["agency"]', "strata = [“agency”]", 20, "curly quotes"),
    ('unit = "id"', 'unit = "it’s', 17, "add the closing quote"),
    ('unit = "id"', 'unit = "id', 17, "add the closing quote"),
    ('unit = "id"', "unit =", 17, "has no value after the '='"),
    ('unit = "id"', 'unit "id"', 17, "a setting reads name = value"),
    ('unit = "id"', 'unit = "c:\\users"', 17, "backslash"),
    ("grouped = true", "grouped = True", 14, "write true instead of True"),
    ("grouped = true", "group = true", 14, "[arms] peer has no key 'group'. Did you mean 'grouped'?"),
    ("control = true", 'control = "yes"', 13, "must be true or false, without quotes"),
    ("icc = 0.05", "icc = 0,05", 30, "'0,05' has a decimal comma; write 0.05"),
    ("icc = 0.05", "icc = 5", 30, "for 5 percent write 0.05"),
    ("icc = 0.05", "icc = nan", 30, "finite"),
    ("conf_level = 0.95", "conf_level = 95", 76, "must be below 1; for 95 percent write 0.95"),
    ("conf_level = 0.95", "conf_level = 95%", 76, "write 0.95"),
    ("conf_level = 0.95", "conf_level = .95", 76, "digits on both sides of the point"),
    ("conf_level = 0.95", 'conf_level = "0.95"', 76, "must be a number, without quotes"),
    ("conf_level = 0.95", "alpha = 0.05", 76, "write conf_level = 0.95 for alpha 0.05"),
    ("conf_level = 0.95", "conf_level = 0.95 0.9", 76, "something after the value"),
    ("units = 1400", "units = 1400.5", 28, "must be a whole number"),
    ("units = 1400", "units = 01400", 28, "does not begin with 0"),
    ("units = 1400", "seed = 1400", 28, "the seed of an allocation is the allocation list itself"),
    ("units = 1400", "conf_level = 0.9", 28, "'conf_level' belongs in [analysis]"),
    ("size = [10, 15]", "size = [15, 10]", 29, "write [10, 15]"),
    ("size = [10, 15]", "size = 12", 29, "as in size = [10, 15]; it is 12"),
    ("size = [10, 15]", "size = [10]", 29, "must hold two numbers"),
    ("size = [10, 15]", "size = [10, 15", 29, "needs its closing ] or }"),
    ('scale = "gse"', 'scale = "gss"', 34, "the registry has no scale 'gss'. Did you mean 'gse'?"),
    ("hedges_g = 0.2", "hedge = 0.2", 59, "Did you mean 'hedges_g'?"),
    ('wave = "t1"\nrole', 'wave = "t11"\nrole', 56, "Did you mean 't1'?"),
    (
        "allocation = { individual = 1, peer = 1 }",
        "allocation = { individual = 1, pear = 1, peer = 1 }",
        27,
        "Did you mean 'peer'?",
    ),
    ("[analysis]", "[analysys]", 73, "there is no section or key 'analysys'. Did you mean 'analysis'?"),
    ("[design]", "[data]", 25, "the section [data] stands twice"),
    ("[arms]", "[arms", 12, "stands in brackets that close"),
    ("[[mediation]]", "[mediation]", 88, "must be a list"),
    ("tau = 39", "", 66, "as in tau = 39"),
    (", value = 0 }", " }", 51, "as in value = 0"),
    (", value = 0 }", ", }", 51, "a comma too many?"),
    (", value = 0 }", ", value = }", 51, "'value' has no value"),
    (", value = 0 }", ", value = none }", 51, 'value = "none"'),
    (", value = 0 }", ", value = 0", 51, "with commas between its settings"),
    ('label = "In work', 'label = "In \\u001b[31mwork', 39, "control character"),
    ("seed = 7", "seed = 9007199254740992", 92, "must be at most 9007199254740991"),
    ("seed = 7", "seed = -7", 92, "must be at least 0"),
    ("draws = 5000                            #", "draws = 5                #", 81, "must be at least 100"),
]


@pytest.mark.parametrize(("written", "instead", "line", "said"), MISTAKES, ids=[m[1][:28] for m in MISTAKES])
def test_each_mistake_names_its_line(text: str, written: str, instead: str, line: int, said: str) -> None:
    text = _squeezed(text)
    written = _squeezed(written)
    assert written in text
    with pytest.raises(PlanFileError) as found:
        load_spec(text.replace(written, _squeezed(instead), 1))
    lines = [problem[0] for problem in found.value.problems]
    assert said in str(found.value)
    assert line in lines
    if len(lines) == 1:
        assert str(found.value).startswith(f"the plan, line {line}: ")
    assert found.value.exit_code == 3


def _squeezed(text: str) -> str:
    """Without the runs of spaces before comments, so that a mistake can be written briefly."""
    return "\n".join(line.split("   ")[0] if "   #" in line else line for line in text.split("\n"))


def test_several_mistakes_are_listed_by_line(text: str) -> None:
    wrong = text.replace("strata =", "strat =").replace("icc = 0.05", "icc = 5").replace("grouped = true", "groupd = true")
    with pytest.raises(PlanFileError) as found:
        load_spec(wrong)
    assert [p[0] for p in found.value.problems] == [14, 20, 30]
    assert str(found.value).startswith("the plan has 3 things to mend:\n  line 14: ")


def test_misspelt_section_is_told_once(text: str) -> None:
    with pytest.raises(PlanFileError) as found:
        load_spec(text.replace("[trial]", "[trail]"))
    assert len(found.value.problems) == 1
    assert "Did you mean 'trial'?" in str(found.value)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("schema_version = 2", "line 4: the plan is written in version 2 of the plan language, and this trialkit reads up to 1"),
        ('schema_version = "1"', "line 4: schema_version must be the number 1, without quotes"),
        ("schema_version = 0", "line 4: "),
        ("", "write it on the first line"),
    ],
)
def test_schema_version(text: str, version: str, said: str) -> None:
    with pytest.raises(PlanFileError) as found:
        load_spec(text.replace("schema_version = 1", version))
    assert said in str(found.value)


def test_version_under_a_section_is_explained(text: str) -> None:
    with pytest.raises(PlanFileError, match=r"it stands in \[trial\]; move it above the first section"):
        load_spec(text.replace("schema_version = 1", "").replace("[trial]", "[trial]\nschema_version = 1"))


def test_file_errors_name_the_file_and_the_line(plan_file: Path, text: str) -> None:
    plan_file.write_text(text.replace("strata =", "strat ="), encoding="utf-8")
    with pytest.raises(PlanFileError, match=r"^plan\.toml, line 20: \[data\] has no key 'strat'"):
        load_spec(plan_file)


def test_line_numbers_with_windows_line_ends(plan_file: Path, text: str) -> None:
    plan_file.write_bytes(text.replace("strata =", "strat =").replace("\n", "\r\n").encode())
    with pytest.raises(PlanFileError, match=r"line 20"):
        load_spec(str(plan_file))


def test_byte_order_mark_is_accepted(plan_file: Path, text: str, spec: PlanSpec) -> None:
    plan_file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert load_spec(plan_file) == spec


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x00\x01\x02", "binary"),
        (b"PK\x03\x04\x00\x00", "binary"),
        (b"# caf\xe9\n", "plan.toml, line 1: a character is not saved as UTF-8"),
        ("schema_version = 1".encode("utf-16"), "UTF-16"),
        (b"#" * 1_000_001, "larger than 1 MB"),
        (b"a = " + b"[" * 50_000, "deeply"),
        (b"schema_version = " + b"1" * 10_000, "too long"),
        (b"schema_version = 1\n", "the plan needs a section [trial]"),
    ],
)
def test_files_that_are_no_plan_get_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(content)
    with pytest.raises(PlanError) as found:
        load_spec(path)
    assert said in str(found.value)


def test_absent_file_proposes_the_near_name(plan_file: Path) -> None:
    with pytest.raises(PlanError, match=r"Did you mean 'plan\.toml'\?"):
        load_spec(plan_file.with_name("plam.toml"))
    with pytest.raises(PlanError, match="is a folder"):
        load_spec(plan_file.parent)


def test_control_characters_of_a_key_do_not_reach_the_terminal(text: str) -> None:
    with pytest.raises(PlanFileError) as found:
        load_spec(text.replace("[data]", '[data]\n"\\u001b[31m" = 1'))
    assert "\x1b" not in str(found.value)


TRICKY = '''\
a.b."c.d" = 1   # [x] = {
'quoted key' = """
[not.a.section]
x = 1 \\
""""
list = [
  { p = 1, q = [1, 2] }, # comment ]
  { p = "}" },
]
[t.u]
v = { w.x = 'it''s' }
[[many]]
n = 1
[many.sub]
k = 2
[[many.deep]]
z = 2024-01-01
[[many]]
n = 2
'''.replace("'it''s'", "'it ]'")


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [p for key, v in inside for p in ((*path, key), *_paths(v, (*path, key)))]


def test_every_key_of_a_tricky_text_has_its_line() -> None:
    lines = key_lines(TRICKY)
    assert set(_paths(tomllib.loads(TRICKY))) <= set(lines)
    assert lines[("a", "b", "c.d")] == 1
    assert lines[("list", 1, "p")] == 8
    assert lines[("t", "u", "v", "w", "x")] == 11
    assert lines[("many", 0, "sub", "k")] == 15
    assert lines[("many", 0, "deep", 0, "z")] == 17
    assert lines[("many", 1, "n")] == 19
    assert not any("not" in path for path in lines)


def test_every_key_of_the_example_has_its_line(text: str) -> None:
    lines = key_lines(text)
    rows = text.split("\n")
    for path in _paths(tomllib.loads(text)):
        named = next(str(p) for p in reversed(path) if isinstance(p, str))
        assert named in rows[lines[path] - 1]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_mangled_plan_is_read_or_explained(text: str, data: st.DataObject) -> None:
    """Lines lost, doubled or given another value: a plan that can be described, or sentences with the project's own words."""
    rows = text.split("\n")
    for _ in range(data.draw(st.integers(1, 3))):
        i = data.draw(st.integers(0, len(rows) - 1))
        value = data.draw(
            st.sampled_from(["1", "-0.5", '"t2"', "true", "[]", '["a", 1]', "{}", "{ a = 1 }", "nan", "“x”", "2024-01-01", "x"])
        )
        key = rows[i].partition("=")[0]
        rows[i : i + 1] = data.draw(st.sampled_from([[], [rows[i]] * 2, [f"{key}= {value}"], [rows[i][: len(rows[i]) // 2]]]))
    try:
        spec = load_spec("\n".join(rows) + "\n")
    except PlanError as found:
        assert "Input should" not in str(found)
        assert "cannot be read (" not in str(found)
    else:
        assert describe(spec).startswith(spec.trial.title)
        assert hash(spec) == hash(PlanSpec.model_validate(spec.to_dict()))


def test_reading_a_plan_loads_no_data_libraries() -> None:
    code = "import sys; from trialkit.plan.plan import Plan; Plan.load(sys.argv[1]); print('pandas' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(EXAMPLE)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
