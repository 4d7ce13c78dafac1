"""The result object: words, round trip, immutability, what a little more would buy."""

from __future__ import annotations

import copy
import doctest
import importlib
import json
import pickle
import pkgutil

import pytest

import trialkit as tk
import trialkit.power as package
from trialkit.power import PowerResult

RESULTS = {
    "individual": lambda: tk.power.individual(effect=0.4, power=0.8, sd=(1, 2), attrition=(0.1, 0.2), take_up=0.8),
    "paired": lambda: tk.power.paired(effect=0.3, pairs=50, correlation=0.5),
    "binary": lambda: tk.power.binary(control_rate=0.2, effect=0.15, power=0.8),
    "fisher": lambda: tk.power.binary(control_rate=0.2, effect=0.25, n_per_arm=40, method="fisher"),
    "clustered": lambda: tk.power.clustered(effect=0.3, cluster_size=20, icc=0.05, power=0.8),
    "listed": lambda: tk.power.clustered(effect=0.5, cluster_size=[[9, 12, 8, 20], [15, 30, 22]], icc=0.08),
    "grouped": lambda: tk.power.grouped(groups=12, group_size=12, controls=144, icc=0.05, power=0.8, baseline_correlation=0.5),
    "sizes": lambda: tk.power.grouped(effect=0.5, group_size=(6, 8, 9, 10), controls=60, icc=0.1),
    "normal": lambda: tk.power.individual(effect=0.4, n=100, test="z"),
}


@pytest.fixture(params=list(RESULTS))
def result(request) -> PowerResult:
    return RESULTS[request.param]()


def test_round_trip_through_json(result):
    written = json.dumps(result.to_dict(), allow_nan=False)
    back = tk.Result.from_dict(json.loads(written))
    assert isinstance(back, PowerResult) and back == result
    assert back.gains == result.gains and str(back) == str(result)


def test_copies_and_pickles(result):
    assert pickle.loads(pickle.dumps(result)) == result == copy.deepcopy(result)


def test_nothing_can_be_set(result):
    with pytest.raises(AttributeError):
        result.power = 1.0
    with pytest.raises(AttributeError):
        result.details = {}


def test_tidy_is_one_row_of_what_there_is(result):
    table = result.tidy()
    assert len(table) == 1 and not table.isna().any().any()
    assert {"function", "solved_for", "power", "effect", "std_error", "df", "type_s", "type_m"} <= set(table.columns)
    assert table["power"].iloc[0] == result.power


def test_the_design_to_plan_is_whole_and_can_be_asked_for(result):
    call = getattr(tk.power, result.function)
    sizes = (
        "n",
        "n_per_arm",
        "treated",
        "controls",
        "pairs",
        "clusters",
        "cluster_size",
        "groups",
        "group_size",
        "allocation",
        "power",
    )
    again = call(**{**{k: v for k, v in result.inputs.items() if k not in sizes}, **result.design, "effect": result.effect})
    assert again.power == pytest.approx(result.power_at_design)
    if result.solved_for not in ("power", "effect"):
        assert again.power >= result.power
        assert all(float(v).is_integer() for v in result.design.values() if not isinstance(v, tuple))


def test_one_paragraph_with_what_a_reader_needs(result):
    text = result.paragraph()
    assert "\n" not in text and "nan" not in text and "None" not in text
    for part in ("probability", "level 0.05", "standard error", result.standardizer, "type M", "type S", "Assumed: "):
        assert part in text
    assert all(a in text for a in result.assumptions)
    assert all(f"note: {n.text}" in str(result) for n in result.notes)
    assert "<p>" in result._repr_html_() and "<table" in result._repr_html_()


def test_words_of_the_grouped_answer():
    text = str(tk.power.grouped(effect=0.5, groups=10, group_size=10, controls=78, icc=0.1))
    assert text.startswith(
        "With 10 groups of 10 and 78 controls, an effect of 0.5 (0.50 in units of the common SD) is detected with 76.5 % probability."
    )
    assert "t with 24 df" in text and "One more group would bring power to 79.3 %" in text


def test_gains_are_the_same_call_with_one_thing_changed():
    base = {"groups": 12, "group_size": 12, "controls": 144, "icc": 0.05}
    found = tk.power.grouped(power=0.8, **base)
    by_words = {g["change"]: g["effect"] for g in found.gains}
    assert by_words["one more group"] == tk.power.grouped(power=0.8, **(base | {"groups": 13})).effect
    assert by_words["one more member per group"] == tk.power.grouped(power=0.8, **(base | {"group_size": 13})).effect
    assert (
        by_words["a baseline measurement that correlates 0.5"]
        == tk.power.grouped(power=0.8, baseline_correlation=0.5, **base).effect
    )
    assert all(effect < found.effect for effect in by_words.values())


def test_gains_of_a_solved_size_start_from_the_design_to_plan():
    found = tk.power.individual(effect=0.4, power=0.8)
    assert found.gains[0]["power"] == tk.power.individual(effect=0.4, n_per_arm=110).power
    assert found.gains[0]["power"] > found.power_at_design > found.power


def test_a_change_the_design_does_not_admit_is_left_out():
    found = tk.power.grouped(effect=0.5, groups=10, group_size=10, controls=78, icc=0.8)
    assert not any("baseline" in g["change"] for g in found.gains)
    assert len(found.gains) == 3


def test_an_effect_of_zero_has_no_type_m():
    found = tk.power.individual(effect=0, n=100)
    assert found.power == pytest.approx(0.05) and found.type_m is None and found.type_s is None
    assert "type M" not in str(found)


def test_standardizers():
    design = {"effect": 1.0, "n": 100, "sd": (2.0, 4.0)}
    assert tk.power.individual(**design).effect_standardized == 0.25
    assert tk.power.individual(**design, standardizer="treated").effect_standardized == 0.5
    assert tk.power.individual(**design, standardizer="pooled").effect_standardized == pytest.approx(1 / 10**0.5)


def test_public_names_are_functions_whatever_was_imported_first():
    importlib.import_module("trialkit.power.families.grouped")
    importlib.import_module("trialkit.power.curves")
    assert all(callable(getattr(package, name)) for name in package.__all__)
    assert set(dir(package)) == set(package.__all__)
    with pytest.raises(AttributeError, match="grupped"):
        package.grupped  # noqa: B018


def test_examples_in_the_documentation_run():
    tried = 0
    for found in pkgutil.walk_packages(package.__path__, "trialkit.power."):
        outcome = doctest.testmod(importlib.import_module(found.name), extraglobs={"tk": tk})
        tried += outcome.attempted
        assert outcome.failed == 0, found.name
    for name in ("noncentral", "grouped_power"):
        assert doctest.testmod(importlib.import_module(f"trialkit.inference.power.{name}")).failed == 0
    assert tried >= 10
