"""Many data sets at once are the data sets one by one."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.errors import UsageError
from trialkit.simulate import load_scenario, many
from trialkit.simulate.spec import scenario_keys


@pytest.mark.parametrize("key", scenario_keys())
def test_each_replicate_is_the_scenario_of_its_seed(key):
    sets = many(key, n=3, seed=1)
    assert len(sets) == 3 and len(set(sets.seeds)) == 3
    for r, seed in enumerate(sets.seeds):
        one = tk.simulate.scenario(key, seed=seed)
        pd.testing.assert_frame_equal(sets.data(r), one.data)
        assert sets.lists(r).keys() == one.tables.keys()
        for name, table in sets.lists(r).items():
            pd.testing.assert_frame_equal(table, one.tables[name])
    pd.testing.assert_frame_equal(sets.truth, one.truth)


def test_columns_are_people_by_replicates():
    sets = many("klier_2019", n=60, seed=3, people=200, columns=["arm", "employed_t2", "group"])
    assert {a.shape for a in sets.columns.values()} == {(200, 60)}
    assert (sets["arm"].sum(axis=0) == 100).all()
    assert set(np.unique(sets["employed_t2"][~np.isnan(sets["employed_t2"])])) == {0.0, 1.0}
    again = many("klier_2019", n=60, seed=3, people=200, columns=["employed_t2"])
    np.testing.assert_array_equal(sets["employed_t2"], again["employed_t2"])
    assert not set(sets.seeds) & set(many("klier_2019", n=60, seed=4, people=200, columns=["arm"]).seeds)
    assert "60 data sets of 200 people" in str(sets)


def test_fewer_data_sets_are_the_first_of_more():
    assert many("himle_2014", n=7, seed=5).seeds == many("himle_2014", n=9, seed=5).seeds[:7]


def test_amounts_too_large_for_single_precision_stay_exact(monkeypatch):
    spec = load_scenario("himle_2014")
    part = spec.part("hours_t1").model_copy(update={"log_mean": 18.0, "maximum": 2.0**40})
    large = spec.model_copy(update={"parts": tuple(part if p.name == "hours_t1" else p for p in spec.parts)})
    monkeypatch.setattr("trialkit.simulate.replicates.load_scenario", lambda key: large)
    hours = many("himle_2014", n=55, seed=1)["hours_t1"]
    assert hours.dtype == np.float64 and np.nanmax(hours) > 2**24 and (hours[hours > 2**24] % 2 == 1).any()


def test_a_thousand_data_sets_in_five_seconds_of_work():
    many("klier_2019", n=2, seed=1)
    start = time.process_time()
    many("klier_2019", n=100, seed=1)
    assert time.process_time() - start < 0.5 * 1.5, "a tenth of 5 seconds, and half as much again for a busy machine"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (dict(n=0), "n=0"),
        (dict(n=True), "n=True"),
        (dict(seed=-1), "seed="),
        (dict(people=2), "people=2"),
        (dict(columns="arm"), "list of names"),
        (dict(columns=["amr"]), "Did you mean 'arm'"),
    ],
)
def test_impossible_requests(given, words):
    with pytest.raises(UsageError, match=words):
        many("himle_2014", **({"n": 2, "seed": 1} | given))


def test_what_was_not_kept_is_named():
    sets = many("himle_2014", n=2, seed=1, columns=["arm"])
    with pytest.raises(UsageError, match="made without"):
        sets.data(0)
    with pytest.raises(UsageError, match="Did you mean 'arm'"):
        sets["arms"]
    with pytest.raises(UsageError, match="from 0 to 1"):
        many("job_clubs", n=2, seed=1).data(2)
