"""Power of a plan by simulation: the batch is `itt`, workers do not matter, a run can be resumed, and the closed form agrees."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import trialkit as tk
from trialkit.errors import UsageError
from trialkit.power.simulation.analysis import analysed, numbers, of_block
from trialkit.power.simulation.simulate import _question, planned, scale_of

GROUPED = """
schema_version = 1
[trial]
title = "Savings circles"
population = "people in debt"
[arms]
solo = { control = true }
circle = { grouped = true }
[data]
unit = "id"
arm = "arm"
group = "group"
strata = ["office"]
[design]
units = 240
groups = { size = [10, 12] }
assumptions = { icc = 0.1, attrition = 0.1, baseline_correlation = 0.5 }
[[outcomes]]
name = "savings"
column = "y1"
baseline = "y0"
role = "primary"
measure = "mean_difference"
better = "higher"
assume = { sd = 2.0, effect = 1.0 }
[[outcomes]]
name = "job"
column = "job"
role = "secondary"
measure = "risk_difference"
estimator = "ancova"
better = "higher"
assume = { control_rate = 0.3, effect = 0.15 }
"""


@cache
def plan(text: str = GROUPED) -> tk.Plan:
    return tk.Plan.from_text(text)


def question(name: str, effects: tuple[float, ...]):
    spec = plan().spec
    outcome = spec.outcome(name)
    scale = scale_of(spec, outcome)
    return _question(spec, outcome, spec.contrasts[0], scale, planned(spec, outcome, spec.contrasts[0], scale), effects, 5)


@pytest.mark.parametrize(("name", "effects"), [("savings", (0.0, 0.8)), ("job", (0.0, 0.2))])
def test_the_batch_is_itt(name, effects):
    """Every replicate of a block equals tk.itt on its data, at 1e-9."""
    q = question(name, effects)
    block = q.world.block(q.spec, q.outcome, np.random.default_rng(3))
    found = of_block(q.spec, q.outcome, block, np.random.default_rng(4), np.array(effects), 4)
    rng = np.random.default_rng(4)
    for j, effect in enumerate(effects):
        rng = np.random.default_rng(4)
        y = block.events(block.rates(rng, 4), effect) if name == "job" else block.means(rng, 4) + effect * block.arm
        for i in range(4):
            one = numbers(analysed(q.spec, q.outcome, block.frame(q.spec, q.spec.value_column(q.outcome), y[i]), q.world.pair))
            assert [found[j].estimate[i], found[j].std_error[i]] == pytest.approx(one[:2], abs=1e-9)
            assert found[j].df[i] == pytest.approx(one[2], rel=1e-6)


def test_numbers_of_people_groups_and_losses_are_the_plans():
    q = question("savings", (0.0,))
    block = q.world.block(q.spec, q.outcome, np.random.default_rng(1))
    assert (block.arm == 1).sum() == 120
    sizes = np.bincount(block.unit[block.unit >= 0])
    assert sizes.sum() == 120 and set(sizes) <= {10, 11, 12}
    assert (block.unit[block.arm == 0] == -1).all()
    y = np.concatenate(
        [
            q.world.block(q.spec, q.outcome, np.random.default_rng(i)).means(np.random.default_rng(i), 50).ravel()
            for i in range(20)
        ]
    )
    assert y.std() == pytest.approx(2.0, abs=0.03)


def test_rates_have_the_mean_and_the_icc():
    q = question("job", (0.1,))
    block = q.world.block(q.spec, q.outcome, np.random.default_rng(1))
    y = block.events(block.rates(np.random.default_rng(2), 4000), 0.1)
    treated = y[:, block.arm == 1]
    assert treated.mean() == pytest.approx(0.4, abs=0.01)
    assert y[:, block.arm == 0].mean() == pytest.approx(0.3, abs=0.01)
    unit = block.unit[block.arm == 1]
    means = np.stack([treated[:, unit == u].mean(axis=1) for u in np.unique(unit)], axis=1)
    m = np.bincount(unit)[np.unique(unit)].mean()
    assert means.var() == pytest.approx(0.4 * 0.6 * (0.1 + 0.9 / m), rel=0.05)


def test_power_agrees_with_the_closed_form_and_size_is_kept():
    found = tk.power.simulate(plan(), effects=[0, 0.8], n_draws=4000, seed=2)
    table = found.tidy().set_index("effect")
    assert 0.035 < table.loc[0.0, "power"] < 0.067
    assert abs(table.loc[0.8, "difference"]) < 0.03
    assert table.loc[0.8, "coverage"] == pytest.approx(0.95, abs=0.015)
    assert table.loc[0.8, "std_error"] == pytest.approx(table.loc[0.8, "sd_of_estimates"], rel=0.06)
    assert table.loc[0.8, "bias"] == pytest.approx(0, abs=0.03)


def test_workers_and_checkpoint_do_not_change_a_number(tmp_path):
    one = tk.power.simulate(plan(), effects=[0.5], n_draws=600, seed=9).to_dict()
    two = tk.power.simulate(plan(), effects=[0.5], n_draws=600, seed=9, workers=2).to_dict()
    assert one == two
    file = tmp_path / "blocks.jsonl"
    tk.power.simulate(plan(), effects=[0.5], n_draws=300, seed=9, checkpoint=file)
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:2]) + '\n{"block": 1, "tall')  # stopped in the middle of a line
    resumed = tk.power.simulate(plan(), effects=[0.5], n_draws=600, seed=9, checkpoint=file).to_dict()
    assert resumed == one
    with pytest.raises(UsageError, match="another simulation"):
        tk.power.simulate(plan(), effects=[0.6], n_draws=300, seed=9, checkpoint=file)


def test_draws_of_a_seed_are_frozen():
    found = tk.power.simulate(plan(), effects=[0, 0.8], n_draws=200, seed=4711).tidy()
    assert found["n_draws"].tolist() == [200, 200]
    again = tk.power.simulate(plan(), effects=[0, 0.8], n_draws=200, seed=4711).tidy()
    assert found.equals(again)
    assert tk.power.simulate(plan(), effects=[0, 0.8], n_draws=200, seed=4712).tidy()["bias"].tolist() != found["bias"].tolist()


def test_an_estimator_without_a_batch_runs_one_by_one():
    text = GROUPED.replace('baseline = "y0"', 'estimator = "difference_in_means"')
    found = tk.power.simulate(plan(text), effects=[0.8], n_draws=40, seed=1)
    assert any(n.code == "one_by_one" for n in found.notes)
    assert found.table[0]["n_draws"] == 40


def test_stopping_early_is_said():
    found = tk.power.simulate(plan(), effects=[3.0], n_draws=6000, seed=1, stop_at=0.8)
    assert found.table[0]["n_draws"] < 6000
    assert any(n.code == "stopped_early" for n in found.notes)


def test_results_read_back_and_say_what_was_assumed():
    found = tk.power.simulate(plan(), effects=[0, 0.8], n_draws=200, seed=1)
    back = tk.Result.from_dict(json.loads(json.dumps(found.to_dict())))
    assert str(back) == str(found)
    assert any("intracluster correlation 0.1" in a for a in found.assumptions)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"outcome": "saving"}, "savings"),
        ({"effects": []}, "empty"),
        ({"effects": 0.4}, "list"),
        ({"contrast": ("circle", "nobody")}, "not an arm"),
        ({"outcome": "job", "effects": [0.8]}, "between 0 and 1"),
        ({"n_draws": 0}, "n_draws"),
    ],
)
def test_bad_questions_are_refused(options, words):
    with pytest.raises(UsageError, match=words):
        tk.power.simulate(plan(), **({"n_draws": 100, "seed": 1} | options))


def test_a_failed_fit_is_counted_not_hidden():
    q = question("savings", (0.0,))
    tiny = replace(q.world, people=(4, 4), groups=((2, 2), ()), attrition=0.9)
    broken = replace(q, world=tiny, replicates=5)
    tallies = [broken.block(i)[0] for i in range(6)]
    assert sum(t.failures for t in tallies) > 0
    assert all(t.rejected <= t.draws - t.failures for t in tallies)
