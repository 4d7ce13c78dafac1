"""tk.wild_bootstrap: reference numbers, what must not change the answer, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from tests.reference.mapping import data
from trialkit.errors import EstimationError, GroupError, NotIdentifiedError, UsageError
from trialkit.estimate.draws import wild_bootstrap as module
from trialkit.estimate.draws.wild_bootstrap import wild_bootstrap
from trialkit.results import Result


def few(**roles):
    return tk.Trial(data("few_clusters.csv"), **({"arm": "z", "control": 0, "cluster": "cluster"} | roles))


def test_enumerated_test_and_interval_agree_with_full_enumeration():
    found = wild_bootstrap(few(), "y", adjust=["x"], multipliers="rademacher", n_draws="all")
    assert found.statistic == pytest.approx(1.524751300768, rel=1e-10)
    assert found.p_value == 0.2109375
    assert (found.conf_low, found.conf_high) == pytest.approx((-0.40274317685530536, 1.8844164771666922), abs=1e-6)
    assert found.mc_error == 0
    assert found.details["n_draws"] == 256


@pytest.mark.parametrize(
    ("kind", "alternative", "p"),
    [
        ("WCR11", "greater", 0.10546875), ("WCR11", "less", 0.8984375),
        ("WCU11", "two-sided", 0.2109375), ("WCU11", "greater", 0.10546875), ("WCU11", "less", 0.89453125),
    ],
)  # fmt: skip
def test_kinds_and_alternatives_agree_with_full_enumeration(kind, alternative, p):
    found = wild_bootstrap(few(), "y", adjust=["x"], kind=kind, n_draws="all", alternative=alternative)
    assert found.p_value == p


def test_all_draws_are_listed_without_a_seed_when_there_are_no_more():
    listed = wild_bootstrap(few(), "y", adjust=["x"], n_draws="all")
    assert wild_bootstrap(few(), "y", adjust=["x"]).to_dict() == listed.to_dict()
    with pytest.raises(UsageError, match="needs a seed"):
        wild_bootstrap(few(), "y", adjust=["x"], n_draws=200)


def test_simulated_p_is_within_its_error_of_the_enumerated_one():
    exact = wild_bootstrap(few(), "y", adjust=["x"], n_draws="all").p_value
    found = wild_bootstrap(few(), "y", adjust=["x"], n_draws=255, seed=5)
    assert not found.details["enumerated"]
    assert found.mc_error == pytest.approx(np.sqrt(found.p_value * (1 - found.p_value) / 255))
    assert abs(found.p_value - exact) < 4 * found.mc_error


@pytest.mark.parametrize("multipliers", ["rademacher", "webb", "mammen", "normal"])
def test_draws_depend_on_the_seed_alone(multipliers, monkeypatch):
    options = {"multipliers": multipliers, "n_draws": 150, "seed": 3, "kind": "WCR31"}
    whole = wild_bootstrap(few(), "y", adjust=["x"], **options)
    monkeypatch.setattr(module, "LEAST_BLOCK", 7)
    monkeypatch.setattr(module, "BLOCK_CELLS", 1)
    blocks = wild_bootstrap(few(), "y", adjust=["x"], **options)
    assert blocks.p_value == whole.p_value
    assert (blocks.conf_low, blocks.conf_high) == pytest.approx((whole.conf_low, whole.conf_high), rel=1e-9)
    shuffled = tk.Trial(data("few_clusters.csv").sample(frac=1, random_state=1), arm="z", control=0, cluster="cluster")
    assert wild_bootstrap(shuffled, "y", adjust=["x"], **options).p_value == whole.p_value
    assert wild_bootstrap(few(), "y", adjust=["x"], **(options | {"seed": 4})).to_dict() != whole.to_dict()


def test_p_is_never_zero():
    d = data("few_clusters.csv")
    d["y"] = d["y"] / 1000 + 5 * d["z"]
    trial = tk.Trial(d, arm="z", control=0, cluster="cluster")
    assert wild_bootstrap(trial, "y", n_draws="all").p_value == 2 / 256
    assert wild_bootstrap(trial, "y", n_draws="all", kind="WCU11").p_value >= 1 / 256
    assert wild_bootstrap(trial, "y", n_draws=99, seed=1, kind="WCU11").p_value >= 1 / 100


def test_scale_and_shift_of_the_outcome_change_nothing_else():
    d = data("few_clusters.csv")
    d["other"] = 7 - 1e6 * d["y"]
    trial = tk.Trial(d, arm="z", control=0, cluster="cluster")
    one, other = (wild_bootstrap(trial, y, adjust=["x"], n_draws="all") for y in ("y", "other"))
    assert other.p_value == one.p_value
    assert (other.conf_low, other.conf_high) == pytest.approx((-1e6 * one.conf_high, -1e6 * one.conf_low), rel=1e-6)


def test_groups_in_one_arm_with_everyone_else_alone():
    d = grouped_data(1, groups=6, controls=20)
    found = wild_bootstrap(grouped_trial(d), "y", adjust=["y0"], n_draws=499, seed=1)
    assert found.estimates[0].n_clusters == 26
    assert found.estimates[0].n_groups == 6
    assert found.details["weights_per_draw"] == 26
    ancova = tk.itt(grouped_trial(d), "y", adjust=["y0"], covariance="CR1").estimates[0]
    assert (found.estimates[0].estimate, found.estimates[0].std_error) == pytest.approx((ancova.estimate, ancova.std_error))
    by_person = wild_bootstrap(grouped_trial(d), "y", adjust=["y0"], n_draws=499, seed=1, subcluster="unit")
    assert by_person.details["weights_per_draw"] == len(d)
    assert by_person.statistic == found.statistic
    assert by_person.p_value != found.p_value
    assert "weights_by_person" in [n.code for n in by_person.notes]


def test_independent_people_and_weights():
    d = grouped_data(2, controls=40)
    d["w"] = np.linspace(0.5, 2, len(d))
    trial = tk.Trial(d, arm="arm", control="solo", weights="w")
    found = wild_bootstrap(trial, "y", adjust=["y0"], n_draws=199, seed=1).estimates[0]
    expected = tk.itt(trial, "y", adjust=["y0"], covariance="HC1").estimates[0]
    assert found.estimate == pytest.approx(expected.estimate, rel=1e-10)
    assert found.std_error == pytest.approx(expected.std_error, rel=1e-2)
    assert found.n_clusters == len(d)


def test_strata_enter_as_in_itt():
    d = grouped_data(3, groups=12, strata=3)
    trial = grouped_trial(d, strata=["site"])
    found = wild_bootstrap(trial, "y", adjust=["y0", "site"], n_draws=99, seed=1)
    assert found.estimates[0].estimate == pytest.approx(tk.itt(trial, "y", adjust=["y0"]).estimates[0].estimate)


def test_several_arms_share_their_draws():
    d = data("three_arms.csv")
    trial = tk.Trial(d, arm="arm", control="control")
    found = wild_bootstrap(trial, "y", adjust=["x"], n_draws=199, seed=1, contrasts="all")
    itt = tk.itt(trial, "y", adjust=["x"], contrasts="all", covariance="HC1").tidy()
    assert found.tidy()["contrast"].tolist() == itt["contrast"].tolist()
    np.testing.assert_allclose(found.tidy()["estimate"], itt["estimate"], rtol=1e-9)
    alone = wild_bootstrap(trial, "y", adjust=["x"], n_draws=199, seed=1)
    assert found.tidy()["p_value"][:2].tolist() == alone.tidy()["p_value"].tolist()


def test_too_few_clusters_give_an_unbounded_interval_and_say_so():
    d = data("few_clusters.csv")
    trial = tk.Trial(d[d["cluster"].isin([1, 2, 5, 6])], arm="z", control=0, cluster="cluster")
    found = wild_bootstrap(trial, "y", n_draws="all")
    assert (found.conf_low, found.conf_high) == (-np.inf, np.inf)
    codes = [n.code for n in found.notes]
    assert {"interval_unbounded", "few_draws", "few_groups", "no_df"} <= set(codes)


def test_result_is_readable_and_comes_back_from_json():
    found = wild_bootstrap(few(), "y", adjust=["x"], n_draws=99, seed=1, alternative="greater")
    back = Result.from_dict(json.loads(json.dumps(found.to_dict())))
    assert back == found or back.to_dict() == found.to_dict()
    text = str(found)
    assert "Monte Carlo error" in text and "nan" not in text
    assert found.tidy().columns[:3].tolist() == ["outcome", "estimand", "contrast"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "WCR13"}, "Did you mean"),
        ({"multipliers": "rademacher's"}, "Did you mean 'rademacher'"),
        ({"alternative": "two.sided"}, "two-sided"),
        ({"subcluster": "group"}, "'unit'"),
        ({"n_draws": 0}, "number of draws"),
        ({"n_draws": "every"}, "number of draws"),
        ({"n_draws": "all", "multipliers": "mammen"}, "cannot be listed"),
        ({"n_draws": "all", "subcluster": "unit"}, "too many"),
        ({"adjust": "x"}, r"adjust=\['x'\]"),
        ({"n_draws": 99, "seed": -1}, "not a seed"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options, words):
    with pytest.raises(UsageError, match=words):
        wild_bootstrap(few(), "y", **options)


def test_data_that_allow_no_test_are_refused():
    d = data("few_clusters.csv")
    with pytest.raises(UsageError, match="takes a Trial"):
        wild_bootstrap(d, "y")
    with pytest.raises(GroupError, match="one cluster"):
        wild_bootstrap(tk.Trial(d[d["cluster"].isin([1, 5, 6])], arm="z", control=0, cluster="cluster"), "y", n_draws="all")
    copy = d.assign(copy=d["z"] * 2.0)
    with pytest.raises(NotIdentifiedError, match="copy"):
        wild_bootstrap(tk.Trial(copy, arm="z", control=0, cluster="cluster"), "y", adjust=["copy"], n_draws="all")
    with pytest.raises(EstimationError, match="same"):
        wild_bootstrap(tk.Trial(d.assign(y=1.0), arm="z", control=0, cluster="cluster"), "y", n_draws="all")


def test_jackknife_without_which_the_model_cannot_be_fitted_is_said():
    d = pd.concat([data("few_clusters.csv")] * 2, ignore_index=True)
    d["odd"] = ((d["cluster"] == 3) & (d.index % 2 == 0)).astype(float)
    trial = tk.Trial(d, arm="z", control=0, cluster="cluster")
    found = wild_bootstrap(trial, "y", adjust=["odd"], kind="WCR33", n_draws="all")
    assert "jackknife_singular" in [n.code for n in found.notes]
    assert 0 < found.p_value <= 1
