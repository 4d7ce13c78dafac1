"""Numbers that looked fine elsewhere and were wrong, each as a user reported it: here a right number or a refusal.

One pair among blocks, a pair that lost a member, and blocks of singleton clusters: test_difference_in_means.py. Draws with the
declared number treated, and sharp nulls by arm: test_randomization.py.
"""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from trialkit.errors import GroupError, NotIdentifiedError, TrialkitError


def clustered(seed: int = 0, clusters: int = 12) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(clusters), 10)
    arms = np.where(label < clusters // 2, "a", np.where(label < clusters - 2, "b", "c"))
    return pd.DataFrame({"cluster": label, "arm": arms, "y": rng.normal(size=len(label)) + rng.normal(size=clusters)[label]})


def test_a_linear_contrast_has_its_own_df():
    trial = tk.Trial(clustered(), arm="arm", control="a", cluster="cluster")
    r = tk.itt(trial, "y", contrasts=[{"b": 0.5, "c": 0.5, "a": -1}, {"b": 1, "c": -1}])
    assert (r.tidy()["df"] < 12).all()
    assert r.estimates[0].df != pytest.approx(r.estimates[1].df, rel=0.05)


def test_a_constant_regressor_moves_nothing():
    d = grouped_data(1).assign(one=1.0, huge=1e11)
    a = tk.itt(grouped_trial(d), "y", adjust=["y0"]).estimates[0]
    b = tk.itt(grouped_trial(d), "y", adjust=["y0", "one", "huge"]).estimates[0]
    assert b.estimate == pytest.approx(a.estimate, rel=1e-9)
    assert b.df == pytest.approx(a.df, rel=1e-6)


def test_zero_weights_are_no_rows():
    d = grouped_data(2).assign(w=1.0)
    d.loc[d.index[-30:], "w"] = 0
    r = tk.itt(grouped_trial(d, weights="w"), "y", covariance="classical")
    kept = tk.itt(grouped_trial(d.iloc[:-30]), "y", covariance="classical")
    assert (r.estimates[0].n, r.estimates[0].df) == (kept.estimates[0].n, kept.estimates[0].df)


def test_a_single_cluster_has_no_standard_error():
    d = clustered().query("arm != 'c'").assign(cluster=lambda x: np.where(x["arm"] == "a", 0, x["cluster"]))
    with pytest.raises(GroupError, match="one cluster"):
        tk.itt(tk.Trial(d, arm="arm", control="a", cluster="cluster"), "y")


@pytest.mark.parametrize("blocks", [6, 150])
def test_an_arm_fixed_within_strata_has_no_effect_to_estimate(blocks):
    """Fixed effects that swallow the treatment gave a standard error of 7e-15; also when they are absorbed."""
    rng = np.random.default_rng(1)
    block = np.repeat(np.arange(blocks), 4)
    d = pd.DataFrame({"block": block, "arm": np.where(block % 2, "t", "c"), "y": rng.normal(size=len(block))})
    with pytest.raises(NotIdentifiedError):
        tk.itt(tk.Trial(d, arm="arm", control="c", strata=["block"]), "y", strata_effects="additive")


def test_leftover_places_keep_the_declared_probabilities():
    """N = 4 with (.2, .2, .6): drawing leftovers one by one by weight gives .6167 for the third arm."""
    design = tk.design.complete({"id": range(4)}, unit="id", arms={"a": 0.2, "b": 0.2, "c": 0.6})
    listed, weights = design.enumerate()
    realised = [float(weights @ (listed == code).mean(axis=1)) for code in range(3)]
    np.testing.assert_allclose(realised, [0.2, 0.2, 0.6], atol=1e-12)


def test_listed_assignments_count_by_their_probability():
    assignments = [["t", "t", "c", "c"], ["c", "t", "t", "c"], ["c", "c", "t", "t"]]
    design = tk.design.custom({"id": range(4)}, unit="id", assignments=assignments, probabilities=[0.1, 0.6, 0.3])
    d = pd.DataFrame({"id": range(4), "arm": assignments[0], "y": [5.0, 1.0, 0.0, 2.0]})
    r = tk.randomization_test(
        tk.Trial(d, arm="arm", control="c", unit="id", design=design), "y", n_draws="all",
        statistic=lambda y, arms, groups: float(y[arms == 1].sum()),
    )  # fmt: skip
    assert r.p_value == pytest.approx(0.1)


def test_a_studentized_statistic_moves_with_a_null_that_is_not_zero():
    rng = np.random.default_rng(2)
    people = pd.DataFrame({"id": range(12)})
    design = tk.design.complete(people, unit="id", arms={"c": 1, "t": 1})
    d = people.merge(design.assign(seed=1), on="id").assign(y=rng.normal(size=12))
    shifted = d.assign(y=d["y"] + 3.0 * (d["arm"] == "t"))
    roles = dict(arm="arm", control="c", unit="id", design=design)
    zero = tk.randomization_test(tk.Trial(d, **roles), "y", statistic="studentized", n_draws="all")
    three = tk.randomization_test(tk.Trial(shifted, **roles), "y", statistic="studentized", n_draws="all", null_effect=3.0)
    assert three.p_value == pytest.approx(zero.p_value)


DRAWING = [
    lambda t: tk.randomization_test(t, "y", n_draws=10),
    lambda t: tk.wild_bootstrap(t, "y", n_draws=11),
    lambda t: tk.family([tk.itt(t, "y")], n_draws=10),
    lambda t: tk.few_groups(t, "y"),
    lambda t: t.design.draw_many(5, seed=None),
    lambda t: t.design.assign(seed=None),
    lambda t: tk.simulate.scenario("klier_2019", seed=None),
]


@pytest.mark.parametrize("call", DRAWING)
def test_there_is_no_default_seed(call):
    people = pd.DataFrame({"id": range(48)})
    design = tk.design.complete(people, unit="id", arms={"solo": 1, "peer": 1}).with_groups("peer", size=(6, 6), restarts=1)
    d = people.merge(design.assign(seed=1), on="id").assign(y=np.random.default_rng(1).normal(size=48))
    with pytest.raises(TrialkitError, match="seed"):
        call(tk.Trial(d, arm="arm", control="solo", unit="id", group="group", design=design))


def test_no_public_function_has_a_seed_built_in():
    for name in tk.__all__:
        function = getattr(tk, name)
        if callable(function) and not inspect.isclass(function):
            seed = inspect.signature(function).parameters.get("seed")
            assert seed is None or seed.default in (None, inspect.Parameter.empty), name
