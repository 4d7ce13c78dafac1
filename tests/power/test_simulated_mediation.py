"""Power of a [[mediation]] entry by simulation: the batch is `tk.mediate` replicate by replicate, and agrees with closed forms."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import trialkit as tk
from trialkit.errors import PlanError, UsageError
from trialkit.power.simulation.mediation.question import MediationQuestion, question_of

HEAD = """
schema_version = 1
[trial]
title = "Paths"
population = "people in debt"
[arms]
solo = {{ control = true }}
circle = {{ grouped = {grouped} }}
[data]
unit = "id"
arm = "arm"
{data}
[design]
units = {units}
{design}
[analysis]
adjust = {adjust}
[[outcomes]]
name = "calm"
column = "y1"
{baseline}
role = "primary"
better = "higher"
measure = "{measure}"
assume = {{ {outcome} }}
"""
ENTRY = """
[[mediation]]
outcome = "calm"
mediator = {{ column = "{column}"{own} }}
interaction = {interaction}
seed = 3
{assume}
"""


def text(
    units: int = 240,
    *,
    kind: str = "single",
    outcome: str = "effect = 0.3, icc = 0.1, baseline_correlation = 0.4",
    assume: str | None = "a = 0.45, b = 0.3, direct = 0.1",
    own: str = "",
    interaction: bool = True,
    strata: bool = False,
    measure: str = "mean_difference",
    entries: int = 1,
) -> str:
    data = {"single": "", "groups": 'group = "group"', "clusters": 'cluster = "site"'}[kind]
    design = {"single": "", "groups": "groups = { size = [5, 6] }", "clusters": 'scheme = "clustered"\nclusters = 16'}[kind]
    head = HEAD.format(
        grouped="true" if kind == "groups" else "false",
        data=data + ('\nstrata = ["town"]' if strata else ""),
        units=units,
        design=design,
        adjust='["age"]',
        baseline='baseline = "y0"' if measure == "mean_difference" else "",
        measure=measure,
        outcome=outcome,
    )
    said = "" if assume is None else f"assume = {{ {assume} }}"
    paths = [ENTRY.format(column=f"m{i + 1}", own=own, interaction=str(interaction).lower(), assume=said) for i in range(entries)]
    return head + "".join(paths)


def question(plan: str, effects: list[float] | None = None) -> MediationQuestion:
    return question_of(tk.Plan.from_text(plan).spec, "m1", None, ("circle", "solo"), effects, 7)[0]


CASES = {
    "single people, bootstrap": (text(120), "group_bootstrap"),
    "no interaction": (text(120, interaction=False), "group_bootstrap"),
    "few single people": (text(60), "monte_carlo"),
    "few groups": (text(120, kind="groups"), "monte_carlo"),
    "few groups, no interaction": (text(120, kind="groups", interaction=False), "monte_carlo"),
    "few groups, people lost, baseline": (
        text(120, kind="groups", own=', baseline = "m0"', outcome="effect = 0.3, icc = 0.2, attrition = 0.15"),
        "monte_carlo",
    ),
    "many groups": (text(480, kind="groups"), "group_bootstrap"),
    "groups and strata": (text(160, kind="groups", strata=True), "monte_carlo"),
    "clusters": (text(160, kind="clusters"), "monte_carlo"),
    "strata": (text(160, strata=True), "group_bootstrap"),
}


@pytest.mark.parametrize("case", CASES)
def test_every_replicate_is_what_mediate_gives(case: str) -> None:
    plan, method = CASES[case]
    q = question(plan)
    block, rng = q.randomized(0)
    m, y = block.draw(rng, 3)
    found = q.inferred(block, m, y, 11)
    for path, of_path in zip(q.paths, found):
        for r in range(3):
            asked = q.one(block, m[r], y[r], path, n_draws=q.draws, seed=11)
            assert asked.details["inference"] == method
            rows = {e.estimand: e for e in asked.estimates}
            for i, name in enumerate(("acme", "total")):
                own = rows[name]
                assert of_path.estimate[i, r] == pytest.approx(own.estimate, abs=1e-10)
                assert of_path.std_error[i, r] == pytest.approx(own.std_error, rel=1e-6)
                assert of_path.conf_low[i, r] == pytest.approx(own.conf_low, abs=1e-6)
                assert of_path.conf_high[i, r] == pytest.approx(own.conf_high, abs=1e-6)
                assert of_path.p_value[i, r] == own.p_value


def test_groups_fitted_exactly_go_through_mediate_one_at_a_time() -> None:
    """Strata with one group each have a variance rule of their own."""
    q = question(text(64, kind="groups", strata=True, outcome="effect = 0.3, icc = 0.1, attrition = 0.3"))
    block, rng = q.randomized(0)
    m, y = block.draw(rng, 2)
    found = q.inferred(block, m, y, 11)[1]
    for r in range(2):
        rows = {e.estimand: e for e in q.one(block, m[r], y[r], q.paths[1], n_draws=q.draws, seed=11).estimates}
        assert found.estimate[0, r] == pytest.approx(rows["acme"].estimate, abs=1e-10)
        assert found.p_value[0, r] == rows["acme"].p_value


def test_a_replicate_with_a_copied_covariate_is_not_batched_wrongly() -> None:
    """A mediator that a covariate tells exactly: `tk.mediate` refuses the replicate, and it counts as failed."""
    q = question(text(120))
    block, rng = q.randomized(0)
    m, y = block.draw(rng, 4)
    m[2] = block.before["age"]
    found = q.inferred(block, m, y, 11)[1]
    assert found.ok.tolist() == [[True, True, False, True]] * 2


def test_power_agrees_with_the_closed_form_where_people_stand_alone() -> None:
    plan = tk.Plan.from_text(text(160, outcome="effect = 0.3, baseline_correlation = 0.5", assume="a = 0.45, b = 0.3"))
    found = tk.power.simulate(plan, mediator="m1", n_draws=4_000, seed=1)
    none, assumed = found.table
    # the baseline explains a quarter of the outcome's variance given the mediator
    alone = tk.power.mediation(a=0.45, b=0.3 / math.sqrt(0.75), n=160, method="monte_carlo").power
    assert assumed["closed_form"] == pytest.approx(alone, abs=1e-12)
    assert abs(assumed["power"] - alone) < 0.025
    assert none["closed_form"] is None and none["power"] < 0.06
    assert abs(assumed["bias"]) < 4 * assumed["sd_of_estimates"] / math.sqrt(4_000)
    assert assumed["coverage"] == pytest.approx(0.95, abs=0.02)
    # the total is the effect of the arm on the outcome, whose variance given the arm is 1 + b^2 less what the baseline takes
    total = tk.power.individual(effect=0.135 / math.sqrt(0.75 + 0.09), n=160).power
    assert assumed["total_power"] == pytest.approx(total, abs=0.03)


def test_few_groups_keep_level_and_coverage() -> None:
    found = tk.power.simulate(tk.Plan.from_text(text(132, kind="groups")), mediator="m1", n_draws=1_200, seed=2)
    none, assumed = found.table
    assert none["power"] < 0.075
    assert 0.92 < assumed["coverage"] < 0.985
    assert 0.92 < assumed["total_coverage"] < 0.985
    assert none["closed_form"] is None and assumed["closed_form"] is None
    assert assumed["failures"] == 0
    assert any("intracluster correlation 0.1" in a for a in found.assumptions)


def test_group_effects_that_correlate_bias_the_indirect_effect_as_they_should() -> None:
    """In the treated arm the slope takes up Cov(g_m, g_y)/Var(m) = rho icc; the acme averages it with the control arm's slope."""
    base = "effect = 0.3, icc = 0.2"
    plan = text(1000, kind="groups", outcome=base, assume="a = 0.5, b = 0.3, group_correlation = 0.8")
    found = tk.power.simulate(tk.Plan.from_text(plan), mediator="m1", effects=[0.5], n_draws=1_000, seed=3).table[0]
    assert found["bias"] == pytest.approx(0.5 * 0.8 * 0.2 / 2, abs=0.005)
    assert abs(found["total_bias"]) < 0.01
    assert found["coverage"] < 0.9


def test_numbers_do_not_depend_on_workers_on_the_other_effects_or_on_an_interruption(tmp_path) -> None:
    plan = tk.Plan.from_text(text(100))
    one = tk.power.simulate(plan, mediator="m1", n_draws=300, seed=4)
    two = tk.power.simulate(plan, mediator="m1", n_draws=300, seed=4, workers=2)
    assert one.table == two.table
    alone = tk.power.simulate(plan, mediator="m1", effects=[0.45], n_draws=300, seed=4)
    assert alone.table[0]["power"] == one.table[1]["power"]
    file = tmp_path / "blocks.jsonl"
    tk.power.simulate(plan, mediator="m1", n_draws=200, seed=4, checkpoint=file)
    assert tk.power.simulate(plan, mediator="m1", n_draws=300, seed=4, checkpoint=file).table == one.table
    with pytest.raises(UsageError, match="another simulation"):
        tk.power.simulate(plan, mediator="m1", n_draws=300, seed=5, checkpoint=file)


def test_the_direct_effect_moves_the_total_and_not_the_acme() -> None:
    low = tk.power.simulate(tk.Plan.from_text(text(100)), mediator="m1", n_draws=200, seed=4).table[1]
    plan = text(100, assume="a = 0.45, b = 0.3, direct = 0.6")
    high = tk.power.simulate(tk.Plan.from_text(plan), mediator="m1", n_draws=200, seed=4).table[1]
    for key in ("power", "bias", "coverage", "effect"):
        assert high[key] == pytest.approx(low[key], abs=1e-12)
    assert high["total"] == pytest.approx(low["total"] + 0.5)
    assert high["total_power"] > low["total_power"]
    assert high["total_bias"] == pytest.approx(low["total_bias"], abs=1e-12)


def test_the_result_reads_and_survives_json() -> None:
    found = tk.power.simulate(tk.Plan.from_text(text(120)), mediator="m1", n_draws=200, seed=4)
    assert [r["effect"] for r in found.table] == [0.0, pytest.approx(0.135)]
    assert found.table[1]["total"] == pytest.approx(0.235)
    said = str(found)
    assert "effect through m1" in said and "the total effect of 0.235 is detected with" in said
    assert "999 draws instead of the plan's 5000" in said
    assert str(tk.Result.from_dict(json.loads(json.dumps(found.to_dict())))) == said
    assert found.power == found.table[1]["power"]


def test_an_entry_without_assume_keeps_the_hash_of_its_plan() -> None:
    assert '"assume"' not in tk.Plan.from_text(text(assume=None)).spec.mediation[0].model_dump_json()


def test_a_scale_is_found_by_its_name_with_its_own_baseline() -> None:
    plan = text(120, own="").replace("units = 120", "units = 120\nassumptions = { baseline_correlation = 0.6 }")
    plan = plan.replace('arm = "arm"', 'arm = "arm"\nwaves = { t0 = "before", t1 = "after" }').replace(
        '{ column = "m1" }', '{ scale = "hope", wave = "t1" }'
    )
    plan += '[[scales]]\nname = "hope"\nscale = "who5"\nitems = "hope_{wave}_{item}"\nwaves = ["t0", "t1"]\n'
    spec = tk.Plan.from_text(plan).spec
    q = question_of(spec, "hope", None, ("circle", "solo"), None, 7)[0]
    assert q.made.columns.mediator == "hope_t1"
    assert q.made.columns.mediator_baseline == "hope_t0"
    assert q.made.correlation == 0.6


def test_tiny_trials_count_their_failures() -> None:
    plan = text(26, outcome="effect = 0.3, attrition = 0.72")
    found = tk.power.simulate(tk.Plan.from_text(plan), mediator="m1", n_draws=400, seed=4)
    worst = found.table[1]
    assert 0 < worst["failures"] < 400 and worst["failures"] == worst["total_failures"]
    assert np.isfinite(worst["bias"]) and worst["coverage"] <= 1 - worst["failures"] / 400
    assert any(n.code == "failures" for n in found.notes)


@pytest.mark.parametrize(
    ("plan", "keywords", "error", "says"),
    [
        (text(entries=0), {"mediator": "m1"}, UsageError, r"no \[\[mediation\]\]: add one"),
        (text(), {"mediator": "m2"}, UsageError, "goes through 'm2'; the plan has 'm1'"),
        (text(), {"mediator": "m1", "outcome": "joy"}, UsageError, "no outcome 'joy'"),
        (text(assume=None), {"mediator": "m1"}, PlanError, r"assume = \{ a = 0.4, b = 0.3"),
        (text(), {"mediator": "m1", "effects": 0.3}, UsageError, r"effects=\[0, 0.3\]"),
        (text(), {"mediator": "m1", "effects": []}, UsageError, "at least one effect of the arm on the mediator"),
        (text(), {"mediator": "m1", "effects": [math.nan]}, UsageError, "effects"),
        (text(), {"mediator": "m1", "contrast": ("solo", "circle")}, UsageError, r"contrast=\('circle', 'solo'\)"),
        (text(), {"mediator": "m1", "truth": 0.1}, UsageError, "leave out generator, pilot and truth"),
        (
            text(measure="risk_difference", outcome="control_rate = 0.4, effect = 0.1"),
            {"mediator": "m1"},
            UsageError,
            "only linear mediation",
        ),
        (text().replace("units = 240", ""), {"mediator": "m1"}, PlanError, "units is missing"),
        (
            text(kind="groups", own=', baseline = "m0"', assume="a = 0.4, b = 0.3, icc = 0.9, baseline_correlation = 0.8"),
            {"mediator": "m1"},
            PlanError,
            "of the mediator leave no variance",
        ),
    ],
)
def test_refusals_say_what_to_do(plan: str, keywords: dict[str, object], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        tk.power.simulate(tk.Plan.from_text(plan), n_draws=100, seed=1, **keywords)
