"""Families of tests and joint tests."""

from __future__ import annotations

import json
import time

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from trialkit.errors import CombinationError, UsageError
from trialkit.results import Result


def grouped_family(seed: int, outcomes: int = 4, effect: float = 0.0) -> tuple[tk.Trial, list[str]]:
    d = grouped_data(seed, effect=effect)
    rng = np.random.default_rng(seed + 500)
    names = [f"y{k}" for k in range(1, outcomes + 1)]
    for name in names:
        d[name] = d["y"] + rng.normal(size=len(d)) * 0.7
    return grouped_trial(d), names


def test_a_family_of_one_is_left_as_it_was():
    trial, names = grouped_family(1)
    one = tk.itt(trial, names[0], adjust=["y0"])
    found = tk.family([one], n_draws=20_000, seed=1).estimates[0]
    p = one.estimates[0].p_value
    assert found.extra["p_adjusted"] == pytest.approx(p, abs=5 * np.sqrt(p * (1 - p) / 20_000) + 0.02)


def test_identical_outcomes_cost_nothing_and_independent_ones_cost_holm():
    d = grouped_data(2)
    d["copy"] = d["y"] * 3 + 1
    trial = grouped_trial(d)
    same = tk.family([tk.itt(trial, "y"), tk.itt(trial, "copy")], n_draws=4000, seed=1)
    alone = same.estimates[0]
    assert alone.extra["p_adjusted"] == same.estimates[1].extra["p_adjusted"]
    assert alone.extra["p_adjusted"] == pytest.approx(alone.p_value, abs=4 * np.sqrt(alone.p_value * (1 - alone.p_value) / 4000))
    trial, names = grouped_family(3, outcomes=5)
    members = [tk.itt(trial, n) for n in names]
    stepdown = np.array([e.extra["p_adjusted"] for e in tk.family(members, n_draws=5000, seed=1).estimates])
    holm = np.array([e.extra["p_adjusted"] for e in tk.family(members, correction="holm").estimates])
    assert (stepdown <= holm + 0.03).all()
    assert stepdown.sum() < holm.sum()


def test_romano_wolf_and_westfall_young_agree_here():
    trial, names = grouped_family(4)
    members = [tk.itt(trial, n, adjust=["y0"]) for n in names]
    a, b = (
        np.array([e.extra["p_adjusted"] for e in tk.family(members, correction=c, n_draws=3000, seed=2).estimates])
        for c in ("romano_wolf", "westfall_young")
    )
    np.testing.assert_allclose(a, b, atol=2e-3)


def test_draws_from_the_design_without_groups():
    rng = np.random.default_rng(5)
    people = pd.DataFrame({"id": range(80), "site": np.tile(["a", "b"], 40)})
    design = tk.design.stratified(people, unit="id", strata=["site"], arms={"c": 1, "t": 1})
    data = people.merge(design.assign(seed=3), on="id")
    shared = rng.normal(size=80)
    data = data.assign(y1=shared + rng.normal(size=80), y2=shared + rng.normal(size=80), b=(rng.random(80) < 0.4) * 1.0)
    trial = tk.Trial(data, arm="arm", control="c", unit="id", strata=["site"], design=design)
    members = [tk.itt(trial, "y1"), tk.itt(trial, "y2"), tk.itt(trial, "b", measure="risk_difference")]
    by_design = tk.family(members, n_draws=3000, seed=1)
    assert "own design" in by_design.notes[0].text
    by_scores = tk.family(members, n_draws=3000, seed=1, draws="scores")
    assert "people" in by_scores.notes[0].text
    a, b = ([e.extra["p_adjusted"] for e in f.estimates] for f in (by_design, by_scores))
    np.testing.assert_allclose(a, b, atol=0.05)


def test_missing_outcomes_keep_their_own_rows():
    d = grouped_data(6)
    d["late"] = d["y"].where(d.index % 4 != 0)
    trial = grouped_trial(d)
    found = tk.family([tk.itt(trial, "y"), tk.itt(trial, "late")], n_draws=500, seed=1)
    assert [e.n for e in found.estimates] == [len(d), int(d["late"].notna().sum())]


def test_draws_are_frozen_and_survive_json():
    trial, names = grouped_family(7)
    members = [tk.itt(trial, n) for n in names]
    first, second = (tk.family(members, n_draws=300, seed=9) for _ in range(2))
    pd.testing.assert_frame_equal(first.tidy(), second.tidy())
    pd.testing.assert_frame_equal(Result.from_dict(json.loads(json.dumps(first.to_dict()))).tidy(), first.tidy())


def test_refusals():
    trial, names = grouped_family(8)
    members = [tk.itt(trial, n) for n in names[:2]]
    with pytest.raises(UsageError, match="seed"):
        tk.family(members)
    with pytest.raises(UsageError, match="at least one"):
        tk.family([])
    with pytest.raises(CombinationError, match="romano_wolf"):
        tk.family(members, correction="romano_wulf", seed=1)
    with pytest.raises(CombinationError, match="design"):
        tk.family(members, draws="design", seed=1)
    other, _ = grouped_family(9)
    with pytest.raises(UsageError, match="different Trial"):
        tk.family([members[0], tk.itt(other, names[0])], seed=1)
    stored = Result.from_dict(members[0].to_dict())
    with pytest.raises(UsageError, match="read from a file"):
        tk.family([stored], seed=1)
    blocked = tk.itt(tk.Trial(trial.data, arm="arm", control="solo"), "y", estimator="difference_in_means")
    with pytest.raises(CombinationError, match="ancova"):
        tk.family([blocked], seed=1)


@pytest.mark.calibration
def test_family_wise_error_with_groups():
    """Six correlated outcomes, 10 groups, no effects: some rejection in at most 6.5 % of 1,000 trials."""
    rejected = 0
    for seed in range(1000):
        trial, names = grouped_family(seed, outcomes=6)
        found = tk.family([tk.itt(trial, n, adjust=["y0"]) for n in names], n_draws=999, seed=seed)
        rejected += any(e.extra["p_adjusted"] <= 0.05 for e in found.estimates)
    assert 0.03 <= rejected / 1000 <= 0.065


def test_joint_test_of_terms():
    trial, _ = grouped_family(1)
    r = tk.itt(trial, "y", adjust=["y0", "female"])
    one = r.joint_test(["arm peer"])
    assert one.statistic == pytest.approx(r.estimates[0].statistic ** 2, rel=1e-9)
    assert one.p_value == pytest.approx(r.estimates[0].p_value, rel=1e-6)
    both = r.joint_test(["y0", "female"])
    assert both.df_num == 2
    assert both.p_value < 1e-6
    with pytest.raises(UsageError, match="Did you mean 'female'"):
        r.joint_test(["femal"])


def test_ten_outcomes_ten_thousand_draws(capsys):
    """A bound with room for a busy machine; the figure is in the benchmarks."""
    d = grouped_data(1, groups=56, controls=700)
    rng = np.random.default_rng(0)
    for k in range(10):
        d[f"o{k}"] = d["y"] + rng.normal(size=len(d))
    trial = grouped_trial(d)
    members = [tk.itt(trial, f"o{k}", adjust=["y0"]) for k in range(10)]
    start = time.process_time()
    tk.family(members, n_draws=10_000, seed=1)
    assert time.process_time() - start < 10
