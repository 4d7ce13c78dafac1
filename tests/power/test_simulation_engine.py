"""The engine of the simulation: blocks, sufficient statistics, workers of a Dask cluster, checkpoints that survive a kill, progress, and frozen draws."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from dataclasses import replace

import joblib
import numpy as np
import pytest

import trialkit as tk
from tests.power.test_simulation import GROUPED, plan, question
from trialkit.errors import UsageError
from trialkit.estimate.linear import linear_model
from trialkit.power.simulation import analysis, simulate
from trialkit.power.simulation.analysis import Estimates, analysed, block_sizes, numbers, of_block
from trialkit.power.simulation.from_statistics import from_statistics, sufficient
from trialkit.power.simulation.running import blocks_for, size_of
from trialkit.power.simulation.simulate import Question
from trialkit.power.simulation.tally import Tally, row, tally
from trialkit.trial import Trial

PLAIN = GROUPED.replace('strata = ["office"]\n', "").replace('baseline = "y0"\n', 'estimator = "difference_in_means"\n')


def asked(text: str, effects: tuple[float, ...] = (0.0, 0.8)) -> Question:
    spec = plan(text).spec
    outcome, pair = spec.primary[0], spec.contrasts[0]
    scale = simulate.scale_of(spec, outcome)
    return simulate._question(spec, outcome, pair, scale, simulate.planned(spec, outcome, pair, scale), effects, 5)


def test_blocks_are_small_first_and_a_longer_run_begins_with_the_shorter_one():
    q = question("savings", (0.8,))
    assert (q.replicates, q.later) == (100, 500)
    assert [blocks_for(q, n) for n in (2, 100, 101, 4000, 4001, 4500, 10_000)] == [1, 1, 2, 40, 41, 41, 52]
    assert sum(size_of(q, b) for b in range(blocks_for(q, 10_000))) == 10_000
    assert sum(size_of(q, b) for b in range(blocks_for(q, 4001))) == 4500
    large = replace(q.world, people=(20_000, 20_000))
    assert block_sizes(q.spec, q.outcome, large) == (100, 100)


def test_the_monte_carlo_error_is_that_of_a_ratio_of_sums_over_blocks():
    rng = np.random.default_rng(1)
    sizes = np.array([100] * 30 + [500] * 20)
    hits = rng.binomial(sizes, rng.beta(40, 10, len(sizes)))
    total = Tally()
    for n, x in zip(sizes, hits):
        estimate = np.where(np.arange(n) < x, 10.0, 0.0)
        total = total + tally(Estimates(estimate, np.ones(n), np.full(n, np.inf)), 1.0, 0.05)
    found = row(total, 1.0, 1.0)
    power = hits.sum() / sizes.sum()
    expected = np.sqrt(50 / 49 * np.square(hits - power * sizes).sum()) / sizes.sum()
    assert found["power"] == pytest.approx(power)
    assert found["mc_error"] == pytest.approx(expected, rel=1e-9)
    assert expected > 1.5 * np.sqrt(power * (1 - power) / sizes.sum())


def test_the_error_that_is_stated_is_the_spread_of_repeated_runs():
    found = [tk.power.simulate(plan(), effects=[0.8], n_draws=500, seed=s).table[0] for s in range(16)]
    spread = np.std([r["power"] for r in found], ddof=1)
    assert 0.55 < spread / np.mean([r["mc_error"] for r in found]) < 1.5


ANCOVA = PLAIN.replace('"difference_in_means"', '"ancova"', 1)
SERVED = {
    "difference in means": (PLAIN, True),
    "ancova of nothing": (ANCOVA, True),
    "lin of nothing": (ANCOVA.replace('"ancova"', '"lin"', 1), True),
    "CR1": (ANCOVA + '[analysis]\ncovariance = "CR1"\n', False),
    "independence": (PLAIN + '[analysis]\ndf = "independence"\n', False),
    "a covariate": (ANCOVA + '[analysis]\nadjust = ["age"]\n', False),
    "baseline and strata": (GROUPED, False),
}


@pytest.mark.parametrize("name", SERVED)
def test_statistics_serve_exactly_the_analysis_that_they_are_sufficient_for(name):
    q = asked(SERVED[name][0])
    assert sufficient(q.spec, q.outcome, q.world) is SERVED[name][1]


def test_an_effect_on_compliers_is_not_drawn_from_statistics():
    q = asked(PLAIN)
    assert not sufficient(q.spec, q.outcome, replace(q.world, on_compliers=True, take_up=0.7))
    assert not sufficient(q.spec, q.outcome, replace(q.world, groups=((10, 10), (10, 10))))
    assert not sufficient(q.spec, q.outcome, replace(q.world, correlation=0.3))


def test_statistics_and_people_have_one_power_bias_and_coverage(monkeypatch):
    """The same analysis as a batch of people: power, size, bias, mean standard error within their Monte Carlo errors."""
    drawn = tk.power.simulate(plan(ANCOVA), effects=[0, 0.8], n_draws=60_000, seed=3).table
    monkeypatch.setattr(analysis, "sufficient", lambda *a: False)
    people = tk.power.simulate(plan(ANCOVA), effects=[0, 0.8], n_draws=8_000, seed=4).table
    for a, b in zip(drawn, people):
        assert abs(a["power"] - b["power"]) < 4 * np.hypot(a["mc_error"], b["mc_error"])
        assert abs(a["coverage"] - b["coverage"]) < 0.012
        assert abs(a["bias"] - b["bias"]) < 4 * a["sd_of_estimates"] / np.sqrt(8_000)
        assert a["std_error"] == pytest.approx(b["std_error"], rel=0.01)
        assert a["failures"] == b["failures"] == 0


def test_groups_in_the_reference_arm_turn_the_sign():
    q = asked(PLAIN, (0.0,))
    turned = replace(q.world, people=q.world.people[::-1], groups=q.world.groups[::-1])
    one, two = (
        from_statistics(w.block(q.spec, q.outcome, np.random.default_rng(1)), np.random.default_rng(2), 5)
        for w in (q.world, turned)
    )
    assert one[0] == pytest.approx(one[1].estimate) and two[0] == pytest.approx(-two[1].estimate)


def test_a_block_without_people_fails_and_is_counted():
    q = asked(PLAIN, (0.0,))
    empty = replace(q, world=replace(q.world, people=(4, 4), groups=((2, 2), ()), attrition=0.95))
    found = [empty.block(i)[0] for i in range(10)]
    assert sum(t.failures for t in found) > 0
    assert all(t.failures in (0, t.draws) for t in found)


def test_a_first_replicate_without_a_working_covariance_does_not_decide_for_the_others(monkeypatch):
    q = question("savings", (0.4,))
    block = q.world.block(q.spec, q.outcome, np.random.default_rng(3))
    whole = of_block(q.spec, q.outcome, block, np.random.default_rng(4), np.array([0.4]), 50)[0]
    fitted, calls = linear_model.working_covariance, []

    def fails_once(*a, **k):
        calls.append(1)
        return None if len(calls) == 1 else fitted(*a, **k)

    monkeypatch.setattr(linear_model, "working_covariance", fails_once)
    found = of_block(q.spec, q.outcome, block, np.random.default_rng(4), np.array([0.4]), 50)[0]
    assert len(calls) == 2
    assert found.df == pytest.approx(whole.df, rel=1e-9) and found.std_error == pytest.approx(whole.std_error, rel=1e-12)
    monkeypatch.setattr(linear_model, "working_covariance", lambda *a, **k: None)
    none = of_block(q.spec, q.outcome, block, np.random.default_rng(4), np.array([0.4]), 50)[0]
    assert none.df == pytest.approx(whole.df, rel=1e-9)


def test_a_run_and_its_simulation_ask_the_same_of_itt(monkeypatch):
    """The plan has one description of what it asks; a simulation has no margins and all its covariates."""
    spec = tk.Plan.load("analyses/klier_2019/plan.toml").spec
    known = set(inspect.signature(tk.itt).parameters)
    for outcome in spec.outcomes:
        assert set(spec.asked_of_itt(outcome)) <= known
    assert set(spec.roles()) <= set(inspect.signature(Trial).parameters)
    q, seen = question("savings", (0.0,)), {}
    monkeypatch.setattr(analysis, "itt", lambda trial, **options: seen.update(options, trial=trial))
    block = q.world.block(q.spec, q.outcome, np.random.default_rng(1))
    analysed(q.spec, q.outcome, block.frame(q.spec, "y1", block.z), q.world.pair)
    assert seen.pop("trial").grouped_arms == ("circle",)
    assert seen.pop("better") == "higher"
    assert seen == q.spec.asked_of_itt(q.outcome)


SINGLE = (
    GROUPED.replace("circle = { grouped = true }", "circle = {}")
    .replace('group = "group"\n', "")
    .replace("groups = { size = [10, 12] }\n", "")
)


TEXTS = {"single": SINGLE, "grouped": GROUPED}
KINDS = [
    *(("single", c, "auto") for c in ("classical", "HC0", "HC1", "HC2", "HC3")),
    *(("single", "HC2", "independence"), ("grouped", "classical", "auto"), ("grouped", "CR0", "residual")),
    *(("grouped", c, d) for c in ("CR1", "CR2", "CR3") for d in ("auto", "working", "independence")),
]


@pytest.mark.parametrize(("text", "covariance", "df"), KINDS)
def test_the_batch_is_itt_with_every_covariance_and_df(text, covariance, df):
    q = asked(f'{TEXTS[text]}[analysis]\ncovariance = "{covariance}"\ndf = "{df}"\n')
    block = q.world.block(q.spec, q.outcome, np.random.default_rng(3))
    found = of_block(q.spec, q.outcome, block, np.random.default_rng(4), np.array([0.0, 0.8]), 2)[1]
    for i, y in enumerate(block.means(np.random.default_rng(4), 2) + 0.8 * block.arm):
        one = numbers(analysed(q.spec, q.outcome, block.frame(q.spec, "y1", y), q.world.pair))
        assert [found.estimate[i], found.std_error[i]] == pytest.approx(one[:2], abs=1e-9)
        assert found.df[i] == pytest.approx(one[2], rel=1e-6)


def test_an_average_over_groups_runs_one_by_one():
    """Its weights are not in the batch."""
    text = GROUPED.replace('role = "primary"', 'role = "primary"\nestimand = { average = "group" }')
    found = tk.power.simulate(plan(text), effects=[0.8], n_draws=20, seed=1)
    assert any(n.code == "one_by_one" for n in found.notes)
    assert found.table[0]["failures"] == 0


def test_two_dask_workers_give_the_numbers_of_one_process():
    distributed = pytest.importorskip("distributed")
    alone = tk.power.simulate(plan(), effects=[0, 0.8], n_draws=600, seed=9).to_dict()
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        assert len(client.run(lambda: None)) == 2
        with distributed.get_task_stream(client) as tasks, joblib.parallel_config(backend="dask"):
            there = tk.power.simulate(plan(), effects=[0, 0.8], n_draws=600, seed=9, workers=2).to_dict()
    assert tasks.data  # the blocks were made there
    assert there == alone


KILLED = """
import os, sys
import trialkit as tk
tk.power.simulate(tk.Plan.load(sys.argv[1]), effects=[0.5], n_draws=800, seed=9, checkpoint=sys.argv[2], progress=lambda done, of: os._exit(9) if done == 3 else None)
"""


def test_a_run_goes_on_after_a_kill(tmp_path):
    (tmp_path / "plan.toml").write_text(GROUPED)
    file = tmp_path / "blocks.jsonl"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "plan.toml"), str(file)], capture_output=True, text=True
    )
    assert killed.returncode == 9, killed.stderr
    assert len(file.read_text().splitlines()) == 4
    with file.open("a") as f:
        f.write('{"block": 3, "tallies": [{"bl')
    whole = tk.power.simulate(plan(), effects=[0.5], n_draws=800, seed=9).to_dict()
    assert tk.power.simulate(plan(), effects=[0.5], n_draws=800, seed=9, checkpoint=file).to_dict() == whole
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["block"] for line in lines[1:]] == list(range(8))


def test_a_finished_checkpoint_is_not_run_again_and_serves_a_longer_run(tmp_path, monkeypatch):
    file = tmp_path / "blocks.jsonl"
    options = {"effects": [0.5], "seed": 9, "checkpoint": file}
    first = tk.power.simulate(plan(), n_draws=300, **options).to_dict()
    made, block = [], Question.block
    monkeypatch.setattr(Question, "block", lambda self, index: made.append(index) or block(self, index))
    assert tk.power.simulate(plan(), n_draws=300, **options).to_dict() == first
    assert made == []
    tk.power.simulate(plan(), n_draws=500, **options)
    assert made == [3, 4]
    with pytest.raises(UsageError, match="another simulation"):
        tk.power.simulate(plan(), n_draws=300, **(options | {"seed": 10}))


def test_a_checkpoint_cut_off_in_its_first_line_starts_anew(tmp_path):
    file = tmp_path / "blocks.jsonl"
    tk.power.simulate(plan(), effects=[0.5], n_draws=100, seed=9, checkpoint=file)
    head = file.read_text().splitlines()[0]
    for left in ("", head[:20]):
        file.write_text(left)
        tk.power.simulate(plan(), effects=[0.5], n_draws=100, seed=9, checkpoint=file)
        assert file.read_text().splitlines()[0] == head


def test_progress_is_a_bar_with_the_time_left_or_a_function(capsys):
    seen = []
    tk.power.simulate(plan(), effects=[0.5], n_draws=300, seed=9, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    tk.power.simulate(plan(), effects=[0.5], n_draws=300, seed=9, progress=True)
    bar = capsys.readouterr().err
    assert "simulating" in bar and "3/3" in bar and "<" in bar
    tk.power.simulate(plan(), effects=[0.5], n_draws=300, seed=9, progress=False)
    assert capsys.readouterr().err == ""


# power and coverage by effect, and the bias
FROZEN = {
    "batch": ([[0.0486, 0.9514], [0.7272, 0.9514]], 0.0011211288324650167),
    "statistics": ([[0.0474, 0.9526], [0.6364, 0.9526]], -0.00281808708511589),
}


@pytest.mark.parametrize("name", ["batch", "statistics"])
def test_the_draws_of_a_seed_are_frozen(name):
    """Counts and sums of a seed; they change only when a release says so."""
    found = tk.power.simulate(plan(GROUPED if name == "batch" else PLAIN), effects=[0, 0.8], n_draws=5000, seed=4711).table
    assert [r["n_draws"] for r in found] == [5000, 5000]
    assert [[r["power"], r["coverage"]] for r in found] == FROZEN[name][0]
    assert [r["bias"] for r in found] == pytest.approx([FROZEN[name][1]] * 2, rel=1e-8)
