"""What `trialkit check` points at in a valid plan: each trap where it is, and nowhere else."""

from __future__ import annotations

import pytest

from trialkit.inference.attrition.wwc import table_boundary
from trialkit.plan.reading.load import load_spec
from trialkit.plan.reading.template import starter_plan
from trialkit.plan.words.look_again import _WORDS, look_again

# a plan without traps: large, a baseline, everything said
SOUND = starter_plan(kind="number", units=4000, baseline="y0", column="y1", smallest_worthwhile=0.3, expected=0.3).replace(
    "assume = { effect = 0.3 }", "assume = { effect = 0.3, sd = 1 }"
)
MORE = """
[[outcomes]]
name = "other{i}"
column = "other{i}"
baseline = "before{i}"
role = "primary"
smallest_worthwhile = 0.3
assume = {{ sd = 1 }}
"""
TRAPS = {
    "no_worthwhile": [("smallest_worthwhile = 0.3", "")],
    "no_baseline": [('baseline = "y0"', "")],
    "assumes_less": [("effect = 0.3", "effect = 0.1")],
    "assumes_harm": [("effect = 0.3", "effect = -0.3")],
    "wide_margin": [("smallest_worthwhile = 0.3", "equivalence = 0.5\nsmallest_worthwhile = 0.3")],
    "no_icc_one_arm": [("icc = 0.05, ", "")],
    "no_units": [("units = 4000", "")],
    "few_groups": [("units = 4000", "units = 200"), ("sd = 1", "sd = 0.1")],
    "low_power": [("sd = 1", "sd = 30")],
    "rating_narrow": [("attrition = 0.15", "attrition = 0.3"), ('"available_cases"', '"available_cases"\nsensitivity = ["lee_bounds"]')],
    "rating_optimistic": [("attrition = 0.15", "attrition = 0.6"), ('"available_cases"', '"available_cases"\nsensitivity = ["lee_bounds"]')],
    "rating_lost": [("attrition = 0.15", "attrition = 0.8"), ('"available_cases"', '"available_cases"\nsensitivity = ["lee_bounds"]')],
    "conf_level": [("conf_level = 0.95", "conf_level = 0.05")],
}  # fmt: skip


def codes(text: str) -> list[str]:
    return [look.code for look in look_again(load_spec(text))]


def test_a_sound_plan_has_none() -> None:
    assert codes(SOUND) == []


@pytest.mark.parametrize("code", TRAPS)
def test_each_trap_alone(code: str) -> None:
    text = SOUND
    for old, new in TRAPS[code]:
        assert text.count(old) == 1
        text = text.replace(old, new)
    assert codes(text) == [code]


def test_many_primary_outcomes() -> None:
    assert codes(SOUND + "".join(MORE.format(i=i) for i in range(4))) == []
    assert codes(SOUND + "".join(MORE.format(i=i) for i in range(5))) == ["many_primary"]
    found = look_again(load_spec(SOUND.replace('"holm"', '"none"') + MORE.format(i=1)))
    assert [x.code for x in found] == ["no_correction"]
    assert "up to 10 %" in found[0].text  # 1 - .95^2 = .0975


def test_whole_clusters() -> None:
    text = (
        SOUND.replace('group = "group"', 'cluster = "school"')
        .replace(", grouped = true", "")
        .replace("groups = {", "# groups = {")
    )
    text = (
        text.replace('scheme = "complete"', 'scheme = "clustered"\nclusters = 12')
        .replace("icc = 0.05, ", "")
        .replace("sd = 1", "sd = 0.1")
    )
    assert codes(text) == ["no_icc", "few_clusters"]


def test_losses_are_held_against_the_published_boundary() -> None:
    text = SOUND.replace("attrition = 0.15", "attrition = 0.22").replace(
        '"available_cases"', '"available_cases"\nsensitivity = ["lee_bounds"]'
    )
    english, dutch = (look_again(load_spec(text), language)[0].text for language in ("en", "nl"))  # type: ignore[arg-type]
    assert f"more than {100 * table_boundary(0.22, 'cautious'):.1f} points" in english
    assert "9.7 (optimistic)" in english
    assert "9,7 (ruime grens)" in dutch


def test_losses_without_a_look_at_what_they_could_do() -> None:
    assert codes(SOUND.replace("attrition = 0.15", "attrition = 0.25")) == ["rating_narrow", "no_sensitivity"]


def test_the_remedy_is_written_as_a_plan_writes_it() -> None:
    spec = load_spec(SOUND.replace("conf_level = 0.95", "conf_level = 0.05"))
    assert "conf_level = 0.95" in look_again(spec)[0].text
    assert "0.95" in look_again(spec, "nl")[0].text


def test_both_languages_have_every_sentence() -> None:
    assert set(_WORDS["en"]) == set(_WORDS["nl"])
    for code, english in _WORDS["en"].items():
        assert {p.split("}")[0] for p in english.split("{")[1:]} == {
            p.split("}")[0] for p in _WORDS["nl"][code].split("{")[1:]
        }, code
