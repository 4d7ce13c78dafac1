"""The plan's [selection] and [missing]: what a run makes of them, and what the page says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.plan.test_run import PLAN, data
from tests.report.pages import Page
from trialkit.errors import DataError, PlanError
from trialkit.report.save import Report

ALL = """[missing]
sensitivity = ["multiple_imputation", "jump_to_reference", "inverse_probability_weights", "manski_bounds", "kling_liebman", "tipping_point"]
imputations = 4
seed = 5
[analysis]
seed = 3
draws = 199
"""
ASKED = """[selection]
take_up = true
vulnerability = ["female", "y0"]
groups_by_chance = ["y0"]
reach = { funnel = "funnel.csv", by = ["poor"] }
"""
FUNNEL = "poor,eligible,consented,randomized,followed_up\nno,300,100,80,70\nyes,600,60,50,40\n"


def text() -> str:
    return (
        PLAN.replace("[analysis]\n", ALL)
        .replace("[selection]\n", ASKED)
        .replace('group = "group"\n', 'group = "group"\nuptake = "came"\n', 1)
    )


def lost(seed: int = 1) -> pd.DataFrame:
    """The data with 15 and 25 of 100 lost, by a hidden trait, and take-up of 8 in 10."""
    d = data(seed)
    rng = np.random.default_rng(seed)
    treated = (d["arm"] == "peer").to_numpy()
    gone = rng.random(len(d)) < np.where(treated, 0.15, 0.25)
    return d.assign(y=d["y"].mask(gone), came=np.where(treated, rng.random(len(d)) < 0.8, False).astype(float))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    at = tmp_path_factory.mktemp("plan")
    (at / "funnel.csv").write_text(FUNNEL)
    (at / "plan.toml").write_text(text())
    return at


@pytest.fixture(scope="module")
def content(folder: Path) -> Report:
    return tk.Plan.load(folder / "plan.toml").run(lost())


@pytest.fixture(scope="module")
def page(content: Report, folder: Path) -> Page:
    return Page(content.save(folder / "report").read_text("utf-8"))


def own_trial() -> tk.Trial:
    return tk.Trial(lost(), arm="arm", control="solo", unit="id", group="group")


def test_every_planned_rule_stands_beside_the_primary_outcome(content):
    assert content.not_run == ()
    assert list(content.selection.missing) == ["mood"]
    ran = {"multiple_imputation", "jump_to_reference", "inverse_probability_weights", "kling_liebman", "tipping_point"}
    assert set(content.selection.missing["mood"]) == ran | {"lee_bounds"}
    (unable,) = content.selection.left_out
    assert unable.startswith("'mood', manski bounds: worst cases need an outcome of 0 and 1 or the score of a scale")


def test_numbers_are_those_of_the_public_functions(content):
    trial, found = own_trial(), content.selection.missing["mood"]
    lee = tk.selection.lee_bounds(trial, "y")
    assert (found["lee_bounds"].lower, found["lee_bounds"].upper) == (lee.lower, lee.upper)
    imputed = tk.missing.impute(trial, ["y"], predictors=["y0", "female"], n_imputations=4, seed=5)
    pooled = imputed.analyse(lambda t: tk.itt(t, "y", adjust=["y0", "female"]))
    assert found["multiple_imputation"].estimate == pytest.approx(pooled.estimate, abs=1e-12)
    assert found["multiple_imputation"].df == pytest.approx(pooled.df, rel=1e-12)
    weighted = tk.itt(trial, "y", adjust=["y0", "female"], response_weights=["y0", "female"])
    assert found["inverse_probability_weights"].estimates[0].estimate == pytest.approx(weighted.estimates[0].estimate, abs=1e-12)
    assert content.selection.take_up[""].share("complier") == tk.selection.take_up(trial, "came").share("complier")
    tests = content.outcomes[0].attrition.details["tests"]
    own = tk.selection.attrition(trial, "y", baseline=["y0", "female"]).details["tests"]
    assert [r["p_value"] for r in tests] == pytest.approx([r["p_value"] for r in own], nan_ok=True)


def test_content_comes_back_from_json(content):
    stored = json.loads(json.dumps(content.to_dict()))
    again = Report.from_dict(stored)
    assert json.loads(json.dumps(again.to_dict())) == stored
    assert again.selection.missing["mood"]["lee_bounds"].lower == content.selection.missing["mood"]["lee_bounds"].lower
    stored.pop("selection")
    assert Report.from_dict(stored).selection is None


def test_a_question_at_a_time_with_its_verdict(page, content):
    said = page.section("selection")
    assert "Of 900 people eligible, 130 (14.4%) were randomized" in said
    assert "“yes” were reached 0.31 times as often as the others" in said
    share = content.outcomes[0].attrition.details["overall"]
    assert f"{100 * share:.1f}% of everyone randomized lack “mood”" in said
    assert "of those assigned to “Counselling plus a group” took part" in said
    assert "Did chance or choice form the groups?" in said and "the plan does not say how groups were formed" in said


def test_the_tables_behind_the_page_are_written(page, folder):
    frames = {p.stem for p in (folder / "report" / "tables").glob("*.csv")}
    assert {"reach", "take_up", "wwc", "selective_losses", "losses_by_trait", "missing_sensitivity", "groups_by_chance"} <= frames


def test_a_drawn_again_report_says_the_same(content, page, tmp_path):
    again = Report.from_dict(json.loads(json.dumps(content.to_dict())))
    assert Page(again.save(tmp_path / "again").read_text("utf-8")).section("selection") == page.section("selection")


def test_a_funnel_that_is_not_there(tmp_path):
    (tmp_path / "plan.toml").write_text(text())
    with pytest.raises(DataError, match=r"funnel\.csv' is not there: put it beside the plan"):
        tk.Plan.load(tmp_path / "plan.toml").run(lost())


def test_without_losses_the_page_says_that_nothing_is_missing():
    found = tk.Plan.from_text(PLAN).run(data())
    assert found.selection.missing == {} and found.selection.left_out == ()


def test_lee_bounds_stand_unasked_unless_losses_are_switched_off():
    assert set(tk.Plan.from_text(PLAN).run(lost()).selection.missing["mood"]) == {"lee_bounds"}
    off = tk.Plan.from_text(PLAN.replace("[selection]\n", "[selection]\nattrition = false\n")).run(lost())
    assert off.selection.missing == {}


def test_rules_that_an_outcome_does_not_take_are_named():
    d = lost().assign(job=lambda f: f["job"].mask(f["y"].isna()))
    swapped = (
        text()
        .replace('role = "primary"', 'role = "x"')
        .replace('role = "secondary"\nfamily = "work"\nmeasure', 'role = "primary"\nfamily = "work"\nmeasure')
    )
    swapped = swapped.replace('role = "x"', 'role = "secondary"').replace(
        'reach = { funnel = "funnel.csv", by = ["poor"] }\n', ""
    )
    found = tk.Plan.from_text(
        swapped.replace('[outcomes.intercurrent]\ndied = { strategy = "composite", value = 0, column = "died" }\n', "")
    ).run(d)
    assert [t.split(":")[0] for t in found.selection.left_out] == ["'job', jump to reference"]
    assert found.selection.missing["job"]["tipping_point"].kind == "what_if"


FORMED = '[design.groups]\nsize = [3, 12]\nalike = ["y0"]\n'
BAD = [
    ('vulnerability = ["female", "y0"]', 'vulnerability = ["y"]', "'y' is not a trait people had before"),
    ('groups_by_chance = ["y0"]', 'groups_by_chance = ["came"]', "'came' is not a trait people had before"),
    ("seed = 3\n", "", "groups_by_chance: random draws need a seed"),
    ("[[outcomes]]", FORMED + "[[outcomes]]", "groups were formed by 'y0'"),
    (
        "[[outcomes]]",
        FORMED.replace('alike = ["y0"]', 'keep_apart = "id"') + "[[outcomes]]",
        "keep_apart ties people to each other",
    ),
    ('uptake = "came"\n', "", "take_up needs the column"),
]


@pytest.mark.parametrize("old, new, message", BAD)
def test_contradictions_are_named_with_a_remedy(old, new, message):
    assert old in text()
    with pytest.raises(PlanError, match=message):
        tk.Plan.from_text(text().replace(old, new, 1))


def test_plans_without_the_new_keys_keep_their_hash():
    spec = tk.Plan.from_text(PLAN).spec.to_dict()
    assert "vulnerability" not in spec["selection"] and "groups_by_chance" not in spec["selection"]


def test_three_arms_have_a_verdict_each(tmp_path):
    three = text().replace('reach = { funnel = "funnel.csv", by = ["poor"] }\n', "")
    three = three.replace("[data]\n", 'mail = { label = "Letters" }\n[data]\n', 1)
    d = lost()
    second = d[d["arm"] == "solo"].index[::2]
    d.loc[second, "arm"] = "mail"
    found = tk.Plan.from_text(three).run(d)
    missing = found.selection.missing["mood"]
    assert {"tipping_point: peer - solo", "tipping_point: mail - solo"} <= set(missing)
    assert [t.split(":")[0] for t in found.selection.left_out] == ["'mood', manski bounds", "take-up"]
    said = Page(found.save(tmp_path / "report").read_text("utf-8")).section("selection")
    assert "“mood”, Counselling plus a group:" in said and "“mood”, Letters:" in said
