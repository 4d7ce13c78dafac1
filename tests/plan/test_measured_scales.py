"""How well the planned scales measured: every number is that of the function by itself, and a scale that changes its meaning is said to."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.plan.conftest import SMALL
from tests.report.pages import Page, leaves, numbers
from tests.report.pages import found as stands
from trialkit.plan.reading.load import PlanFileError, parse_plan
from trialkit.report.assemble import assemble
from trialkit.report.document import Bullets, Fold, Section, Table, Text
from trialkit.report.save import Report
from trialkit.report.tables.frames import frames
from trialkit.report.view import View

PLAN = """\
schema_version = 1
[trial]
title = "Circles"
population = "people who feel low"
[arms]
solo = { label = "Leaflet", control = true }
peer = { label = "Circle", grouped = true }
[data]
unit = "id"
arm = "arm"
group = "group"
waves = { t0 = "before", t1 = "after" }
[[scales]]
name = "mood"
scale = "who5"
items = "mood_{wave}_{item}"
[[outcomes]]
name = "mood"
label = "Well-being"
scale = "mood"
wave = "t1"
role = "primary"
[[outcomes]]
name = "calls"
column = "calls"
better = "higher"
role = "secondary"
[[outcomes]]
name = "ease"
label = "Ease"
role = "exploratory"
index = { of = ["mood", "calls"] }
[[subgroups]]
by = "young"
kind = "categorical"
"""
ITEMS = {w: [f"mood_{w}_{i}" for i in range(1, 6)] for w in ("t0", "t1")}
ROLES: dict[str, Any] = {"arm": "arm", "control": "solo", "unit": "id", "group": "group"}


@cache
def _people(n: int = 400, groups: int = 24) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    arm = np.repeat(["solo", "peer"], n // 2)
    member = np.where(arm == "peer", np.arange(n) % groups, -1)
    before = rng.normal(size=n)
    shared = np.where(member >= 0, rng.normal(0, 0.25, groups)[member], 0)
    after = 0.6 * before + 0.4 * (arm == "peer") + shared + 0.75 * rng.normal(size=n)
    d = pd.DataFrame({"id": range(n), "arm": arm, "group": [f"g{g}" if g >= 0 else None for g in member]})
    for wave, factor in (("t0", before), ("t1", after)):
        for i in range(1, 6):
            d[f"mood_{wave}_{i}"] = np.clip(np.round(2.3 + 0.8 * factor + 0.7 * rng.normal(size=n)), 0, 5)
    d["calls"] = rng.normal(size=n)
    d["young"] = rng.integers(0, 2, n)
    return d


def people() -> pd.DataFrame:
    return _people().copy()


def moved(item: str = "mood_t1_3", who: str | None = None, by: float = 1.3) -> pd.DataFrame:
    """An item that people come to answer otherwise, in one arm or in both."""
    d = people()
    changed = d["arm"] == who if who else pd.Series(True, index=d.index)
    d.loc[changed, item] = (d.loc[changed, item] + round(by) * (np.arange(int(changed.sum())) % 10 < 9)).clip(0, 5)
    return d


@cache
def run(kind: str = "plain") -> Report:
    made = {"plain": people, "wave": moved, "arm": lambda: moved(who="peer", by=2)}[kind]()
    return tk.Plan.from_text(PLAN).run(made)


def measured(content: Report) -> Section:
    return next(s for s in assemble(View(content)).sections if s.id == "measurement")


def words(section: Section) -> str:
    said = []
    for b in section.blocks:
        said += [b.text] if isinstance(b, Text) else list(b.items) if isinstance(b, Bullets) else []
    return " ".join(said)


def test_numbers_are_those_of_the_functions():
    d, m = people(), run().measurement[0]
    answers = d[[*ITEMS["t0"], *ITEMS["t1"], "arm", "group"]]
    alone = tk.measurement.reliability(answers, waves=ITEMS, cluster="group")
    pd.testing.assert_frame_equal(m.reliability.tidy(), alone.tidy())
    by_arm = tk.measurement.reliability(answers, waves=ITEMS, cluster="group", by="arm")
    pd.testing.assert_frame_equal(m.reliability_by_arm.tidy(), by_arm.tidy())
    waves = tk.measurement.invariance(answers, waves=ITEMS, cluster="group")
    pd.testing.assert_frame_equal(m.over_waves["t0 to t1"].tidy(), waves.tidy())
    arms = tk.measurement.invariance(answers, ITEMS["t1"], by="arm", cluster="group")
    pd.testing.assert_frame_equal(m.over_arms["t1"].tidy(), arms.tidy())
    scores = tk.measurement.score(d, "who5", "mood_{wave}_{item}", waves=["t0", "t1"])
    trial = tk.Trial(d.assign(a=scores["t0"].values, b=scores["t1"].values), **ROLES)
    change = tk.measurement.reliable_change("a", "b", reliability=alone["t0"].omega, better="higher", trial=trial)
    pd.testing.assert_frame_equal(m.change["t0 to t1"].tidy(), change.tidy())
    np.testing.assert_array_equal(m.change["t0 to t1"].differences()["estimate"], change.differences()["estimate"])
    ends = tk.measurement.floor_ceiling(["a", "b"], range=(0, 100), trial=trial)
    np.testing.assert_array_equal(m.ends.tidy()["share_ceiling"], ends.tidy()["share_ceiling"])
    assert m.ends.tidy()["wave"].tolist() == ["t0"] * 3 + ["t1"] * 3


def test_a_scale_that_stays_the_same_measure_has_no_warning():
    content = run()
    assert not content.measurement[0].changed and not content.measurement[0].latent and not content.measurement[0].left_out
    assert not any(n.code in ("response_shift", "arms_not_invariant") for o in content.outcomes for n in o.result.notes)
    table = measured(content).blocks[1]
    assert isinstance(table, Table) and len(table.rows) == 1
    assert table.rows[0].cells[0] == "The World Health Organization-Five Well-Being Index" or "WHO" in str(table.rows[0].cells[0])
    assert [c for c in table.rows[0].cells if c == "yes"] == ["yes", "yes"]
    assert all(isinstance(b, Fold) for b in measured(content).blocks[2:])


@pytest.mark.parametrize(("kind", "code"), [("wave", "response_shift"), ("arm", "arms_not_invariant")])
def test_every_effect_from_a_scale_that_moved_carries_the_note(kind, code):
    content = run(kind)
    by_name = {o.name: o for o in content.outcomes}
    assert any(n.code == code and "mood_t1_3" in n.text for n in by_name["mood"].result.notes)
    assert any(n.code == code for n in by_name["mood"].effect_size.notes)
    assert any(n.code == code and "in Ease" in n.text for n in by_name["ease"].result.notes)
    assert any(n.code == code for n in content.subgroups["mood by young"].notes)
    assert not any(n.code == code for n in by_name["calls"].result.notes)
    plain = tk.Plan.from_text(PLAN + "[measurement]\ninvariance = false\n").run(
        moved() if kind == "wave" else moved(who="peer", by=2)
    )
    assert plain.tidy()["estimate"].tolist() == content.tidy()["estimate"].tolist()


def test_the_latent_effect_has_what_moved_over_time_free():
    d, m = moved(), run("wave").measurement[0]
    trial = tk.Trial(d, **ROLES)
    by_hand = tk.measurement.latent_effect(trial, ITEMS, free=tk.measurement.invariance(d, waves=ITEMS, cluster="group"))
    found = m.latent["mood"]
    rows = found.tidy()
    np.testing.assert_allclose(rows["estimate"][:-1], by_hand.tidy()["estimate"], rtol=1e-10)
    sd = tk.measurement.score(d, "who5", "mood_t0_{item}").values.std()
    assert rows["estimate"].iloc[-1] == pytest.approx(run("wave").outcomes[0].result.estimates[0].estimate / sd)
    assert set(found.tidy()["outcome"]) == {"mood"}
    assert found.details["freed"]


def test_the_latent_effect_leaves_out_what_the_arms_answer_differently():
    content = run("arm")
    found = content.measurement[0].latent["mood"].tidy().set_index(["level", "unit"])
    plain = run().outcomes[0].result.estimates[0].estimate
    biased = content.outcomes[0].result.estimates[0].estimate
    assert biased > plain + 4
    same = tk.measurement.latent_effect(tk.Trial(people(), **ROLES), ITEMS).tidy().set_index(["level", "unit"])
    at = ("latent", "baseline SD")
    assert found.loc[at, "estimate"] == pytest.approx(same.loc[at, "estimate"], abs=0.1)
    assert not any("_3" in r["item"] for r in content.measurement[0].latent["mood"].details["loadings"])


def test_where_the_tests_by_groups_are_not_defined_those_of_people_stand_in():
    found = run("arm").measurement[0].over_arms["t1"]
    alone = tk.measurement.invariance(moved(who="peer", by=2), ITEMS["t1"], by="arm")
    assert found.scalar == "partial" and any(n.code == "groups_ignored" for n in found.notes)
    pd.testing.assert_frame_equal(found.tidy(), alone.tidy())


def test_the_section_says_it_and_sets_the_effects_side_by_side():
    content = run("wave")
    section = measured(content)
    assert "cancels in the difference" in words(section) and "cancels" not in words(measured(run("arm")))
    assert "not the same measure from 'before' to 'after'" in words(section)
    table = next(b for b in section.blocks if isinstance(b, Table) and b.file == "latent_effects")
    latent = content.measurement[0].latent["mood"].tidy()
    shown = latent[latent["unit"].isin(["baseline SD", "baseline SD of the score"])].drop_duplicates("level", keep="last")
    shown = shown.set_index("level")["estimate"]
    assert table.rows[0].cells[1] == f"{shown['observed']:.2f}" and table.rows[0].cells[3] == f"{shown['latent']:.2f}"
    box = next(s for s in assemble(View(content)).sections if s.id == "summary")
    assert "did not keep their meaning" in words(box)
    assert "did not keep" not in words(assemble(View(run())).sections[0])
    outcomes = next(s for s in assemble(View(content)).sections if s.id == "outcomes")
    assert "did not stay the same measure" in words(outcomes)


def test_no_number_of_the_section_is_made_by_the_page(tmp_path):
    for kind in ("wave", "arm"):
        saved = run(kind).save(tmp_path / kind)
        known = leaves(json.loads((saved.parent / "results.json").read_text("utf-8")))
        text = re.sub(r"Table \d+\.", "", Page(saved.read_text("utf-8")).section("measurement"))
        fixed = {".001", "0.7", "15", "2007", "95", "2.5"}  # conventions that the words name
        assert len(numbers(text)) > 100
        assert [n for n in numbers(text) if n not in fixed and not stands(n, known)] == []


def test_the_content_survives_json_and_has_its_tables():
    content = run("wave")
    again = Report.from_dict(json.loads(json.dumps(content.to_dict(), allow_nan=False)))
    assert again.to_dict() == content.to_dict()
    assert measured(again) == measured(content)
    made = dict(frames(content))
    assert len(made["measurement"]) == 2 and set(made["measurement"]["same_measure_since"]) == {"", "t0: some_items"}
    assert {"reliability", "items", "invariance", "scale_ends", "reliable_change", "latent_effects"} <= set(made)
    older = {k: v for k, v in content.to_dict().items() if k != "measurement"}
    assert Report.from_dict(older).measurement == ()


def test_a_plan_can_leave_invariance_out():
    m = tk.Plan.from_text(PLAN + "[measurement]\ninvariance = false\n").run(moved()).measurement[0]
    assert not m.over_waves and not m.over_arms and not m.latent
    assert m.reliability is not None and m.change


def test_an_unsaid_section_leaves_the_hash_alone():
    assert "measurement" not in parse_plan(PLAN).to_dict()
    assert parse_plan(PLAN + "[measurement]\n").to_dict()["measurement"] == {"invariance": True}


def test_bad_plans():
    with pytest.raises(PlanFileError, match=r"no \[\[scales\]\]"):
        parse_plan(SMALL + "[measurement]\ninvariance = false\n")
    with pytest.raises(PlanFileError, match="invariance"):
        parse_plan(PLAN + "[measurement]\ninvariances = false\n")


def test_an_item_that_everyone_answers_alike_is_named_and_the_run_goes_on():
    content = tk.Plan.from_text(PLAN).run(people().assign(mood_t1_2=3))
    m = content.measurement[0]
    assert m.reliability is None and any("'mood_t1_2'" in text for text in m.left_out)
    assert content.outcomes[0].result.estimates[0].n == 400
    assert "mood_t1_2" in words(measured(content))


def test_one_wave_and_missing_codes():
    text = PLAN.replace('items = "mood_{wave}_{item}"', 'items = "mood_t1_{item}"').replace('\nwave = "t1"', "", 1)
    text = text.replace('waves = { t0 = "before", t1 = "after" }', 'missing_codes = { -99 = "refused" }')
    d = people()
    d.loc[:3, "mood_t1_1"] = -99
    m = tk.Plan.from_text(text).run(d).measurement[0]
    assert not m.over_waves and not m.change and list(m.over_arms) == [""]
    assert m.reliability.tidy()["n_complete"].tolist() == [396]
    assert m.ends.tidy()["n"].iloc[0] == 396


@pytest.mark.filterwarnings("ignore:the scale .rosenberg.")
def test_reversed_items_are_turned_around_before_they_are_compared():
    rng = np.random.default_rng(1)
    d = people().assign(
        **{f"se_{w}_{i}": np.clip(np.round(1.5 + 0.6 * rng.normal(size=400)), 0, 3) for w in ("t0", "t1") for i in range(1, 11)}
    )
    answers = tk.measurement.score(d, "rosenberg", "se_t0_{item}", form="reversed_2_5_6_8_9").answers
    np.testing.assert_array_equal(answers["se_t0_2"], 3 - d["se_t0_2"])
    np.testing.assert_array_equal(answers["se_t0_1"], d["se_t0_1"])


def test_scores_of_several_waves_hold_their_answers():
    scores = tk.measurement.score(people(), "who5", "mood_{wave}_{item}", waves=["t0", "t1"])
    assert scores.items == ITEMS
    pd.testing.assert_frame_equal(scores.answers, people()[[*ITEMS["t0"], *ITEMS["t1"]]].astype(float))


THREE = PLAN.replace("[data]", 'mail = { label = "Letters" }\n[data]')


@pytest.mark.parametrize(
    "contrasts", ['"control"', '"all"', '[{ label = "Either", weights = { peer = 0.5, mail = 0.5, solo = -1 } }]']
)
def test_three_arms(contrasts):
    d = people()
    d.loc[(d["arm"] == "solo") & (d["id"] % 2 == 0), "arm"] = "mail"
    d.loc[d["arm"] == "peer", "mood_t1_3"] = (d.loc[d["arm"] == "peer", "mood_t1_3"] + 1).clip(0, 5)
    content = tk.Plan.from_text(f"{THREE}\n[analysis]\ncontrasts = {contrasts}\n").run(d)
    m = content.measurement[0]
    assert m.reliability_by_arm.tidy()["by"].tolist() == ["mail", "peer", "solo"] * 2
    rows = m.latent["mood"].tidy()
    assert set(rows.loc[rows["unit"] == "baseline SD", "contrast"]) == {"mail - solo", "peer - solo"}
    table = next(b for b in measured(content).blocks if isinstance(b, Table) and b.file == "latent_effects")
    assert [r.beneath for r in table.rows] == ["Letters − Leaflet", "Circle − Leaflet"] or len(table.rows) == 2
    scores = {e.contrast: e for e in content.outcomes[0].result.estimates}
    assert [r.cells[1] == "–" for r in table.rows] == ["peer - solo" not in scores] * 2


def test_answers_in_words_are_those_in_codes():
    d = moved()
    said = dict(enumerate(["never", "rarely", "less", "more", "mostly", "always"]))
    in_words = d.assign(**{c: d[c].map(said) for columns in ITEMS.values() for c in columns})
    codes = ", ".join(f"{word} = {code}" for code, word in said.items())
    text = PLAN.replace('items = "mood_{wave}_{item}"', f'items = "mood_{{wave}}_{{item}}"\ncodes = {{ {codes} }}')
    assert tk.Plan.from_text(text).run(in_words).measurement[0].to_dict() == run("wave").measurement[0].to_dict()


def test_weights_leave_the_latent_effect_out_and_say_so():
    text = PLAN.replace('group = "group"', 'group = "group"\nweights = "w"')
    content = tk.Plan.from_text(text).run(moved().assign(w=np.linspace(0.5, 1.5, 400)))
    m = content.measurement[0]
    assert not m.latent and any("sampling weights" in t for t in m.left_out)
    assert any(n.code == "response_shift" for n in content.outcomes[0].result.notes)


def test_what_chance_does_is_not_called_a_change():
    told = {"undecided": 0, "same": 0}
    for seed in range(6):
        rng = np.random.default_rng(seed)
        d = people().sample(110, random_state=seed).reset_index(drop=True)
        d["arm"], d["group"] = rng.permutation(np.repeat(["solo", "peer"], 55)), None
        d.loc[d["arm"] == "peer", "group"] = [f"g{k % 6}" for k in range(55)]
        content = tk.Plan.from_text(PLAN).run(d)
        told[content.measurement[0].over_arms["t1"].details["standing"]] += 1
        assert not any(n.code == "arms_not_invariant" for n in content.outcomes[0].result.notes)
        if content.measurement[0].over_arms["t1"].details["standing"] == "undecided":
            table = measured(content).blocks[1]
            assert "cannot be told" in table.rows[0].cells and "no more than chance" in table.note
    assert told["undecided"] > 0


def test_few_people_are_not_said_to_have_changed_their_meaning():
    d = people()
    d = d[(d["id"] < 20) | d["group"].isin(["g0", "g1"])].query("group in ['g0', 'g1'] or arm == 'solo'")
    content = tk.Plan.from_text(PLAN).run(d.reset_index(drop=True))
    for n in content.outcomes[0].result.notes:
        assert "is not the same measure" not in n.text


def test_mediation_through_a_scale_that_moved_carries_the_note():
    text = PLAN + '[[mediation]]\noutcome = "calls"\nmediator = { scale = "mood", wave = "t1" }\ndraws = 100\nseed = 1\n'
    content = tk.Plan.from_text(text).run(moved())
    assert [n.code for m in content.mediation for n in m.result.notes if n.code == "response_shift"] == ["response_shift"]


def test_the_course_over_the_waves_carries_the_note():
    d = moved()
    rng = np.random.default_rng(2)
    for i in range(1, 6):
        d[f"mood_t2_{i}"] = (d[f"mood_t1_{i}"] + rng.integers(-1, 2, len(d))).clip(0, 5)
    text = PLAN.replace('t1 = "after" }', 't1 = "after", t2 = "later" }') + '[analysis]\ncompanions = ["longitudinal"]\n'
    text = text.replace(
        '[[outcomes]]\nname = "calls"',
        '[[outcomes]]\nname = "later"\nscale = "mood"\nwave = "t2"\nrole = "secondary"\n[[outcomes]]\nname = "calls"',
    )
    content = tk.Plan.from_text(text).run(d)
    assert list(content.measurement[0].over_waves) == ["t0 to t1", "t0 to t2"]
    assert set(content.over_time) == {"mood", "later"}
    for name, result in content.over_time.items():
        assert any(n.code == "response_shift" for n in result.notes), name
    companion = content.outcomes[0].companions["longitudinal"]
    assert any(n.code == "response_shift" for n in companion.notes)
