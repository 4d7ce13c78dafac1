"""Floor and ceiling, regression to the mean, social desirability."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

import trialkit as tk
from tests.measurement.change_cases import people, trial
from trialkit.errors import DataError, MissingDataError, TrialkitError, UsageError
from trialkit.inference.linear.correlation import correlation

M = tk.measurement


def test_floor_and_ceiling_by_wave_and_arm():
    d = people(n=100)
    d["y0"], d["y1"] = 20.0, 20.0
    d.loc[:9, "y0"], d.loc[50:, "y1"] = 0.0, 40.0
    d.loc[3, "y0"] = np.nan
    found = M.floor_ceiling(["y0", "y1"], range=(0, 40), trial=trial(d))
    table = found.tidy().set_index(["wave", "arm"])
    assert table.loc[("y0", "solo"), ["n", "n_missing", "floor", "verdict"]].tolist() == [49, 1, 9, "floor"]
    assert (
        table.loc[("y0", "everyone"), "share_floor"] == pytest.approx(9 / 99)
        and table.loc[("y0", "everyone"), "verdict"] == "none"
    )
    assert table.loc[("y1", "peer"), ["share_ceiling", "verdict"]].tolist() == [1.0, "ceiling"]
    assert any("no room to improve" in w for w in found.words) and any("fewer than 50" in n.text for n in found.notes)
    assert type(tk.Result.from_dict(json.loads(json.dumps(found.to_dict())))) is type(found)


def test_fifteen_percent_exactly_is_within_the_convention():
    assert M.floor_ceiling([0.0] * 15 + [3.0] * 85, range=(0, 5)).tidy()["verdict"].tolist() == ["none"]
    assert M.floor_ceiling([0.0] * 16 + [3.0] * 84, range=(0, 5)).tidy()["verdict"].tolist() == ["floor"]


def test_ends_of_a_scale():
    who5 = M.scale("who5")
    found = M.floor_ceiling({"t0": pd.Series([0.0, 100, 60, 60]), "t1": [100.0] * 4}, scale=who5)
    assert found.tidy()["share_ceiling"].tolist() == [0.25, 1.0] and found.details["high"] == 100
    assert "lower is better" in str(M.floor_ceiling([0.0, 3], scale=M.scale("k6")))
    for bad, error, said in (
        ({"values": [1.0, 2]}, UsageError, "would hide a floor"),
        ({"values": [1.0, -99], "range": (0, 5)}, DataError, "-99"),
        ({"values": [1.0], "range": (5, 0)}, UsageError, "range="),
        ({"values": [1.0], "range": (0, 5), "scale": who5}, UsageError, "leave range= out"),
        ({"values": [np.nan], "range": (0, 5)}, MissingDataError, "no value"),
        ({"values": {}, "range": (0, 5)}, UsageError, "no wave"),
        ({"values": ["a"], "range": (0, 5)}, TrialkitError, "values"),
    ):
        with pytest.raises(error, match=said):
            M.floor_ceiling(bad.pop("values"), **bad)


def test_expected_regression_by_integration():
    """E[X2 - X1 | X1 <= c] of a bivariate normal."""
    mu, sd, rho, c = 40.0, 8.0, 0.55, 34.0
    mass = stats.norm.cdf(c, mu, sd)
    began = integrate.quad(lambda x: x * stats.norm.pdf(x, mu, sd), -np.inf, c)[0] / mass
    found = M.regression_to_mean([30.0, 31], [33.0, 34], cutoff=c, correlation=rho, mean=mu, sd=sd)
    assert found.expected == pytest.approx((1 - rho) * (mu - began), rel=1e-8)
    assert found.details["expected_mean_pre"] == pytest.approx(began, rel=1e-8)
    above = M.regression_to_mean(
        [50.0, 51], [43.0, 44], cutoff=2 * mu - c, correlation=rho, mean=mu, sd=sd, selected="at_or_above"
    )
    assert above.expected == pytest.approx(-found.expected)
    far = M.regression_to_mean([-1000.0], [0.0], cutoff=-400, correlation=0.5, mean=0, sd=10)
    assert far.expected == pytest.approx(0.5 * 10 * (40 + 1 / 40), rel=1e-3)


def test_a_trial_without_effect_shows_the_expected_change_in_both_arms():
    rng = np.random.default_rng(12)
    n, rho = 40_000, 0.6
    pre = rng.normal(50, 10, n)
    post = 50 + rho * (pre - 50) + math.sqrt(1 - rho**2) * rng.normal(0, 10, n)
    t = tk.Trial(pd.DataFrame({"arm": np.arange(n) % 2, "pre": pre, "post": post}), arm="arm", control=0)
    found = M.regression_to_mean("pre", "post", cutoff=42, correlation=rho, trial=t)
    table = found.tidy()
    assert table["change"].tolist() == pytest.approx(table["expected"].tolist(), abs=0.35)
    assert table["beyond"].tolist() == pytest.approx([0, 0, 0], abs=0.35)
    row = found.estimates[0]
    assert found.expected > 4 and abs(row.estimate) < 3 * row.std_error and row.n == table["n"][0]


def test_the_effect_among_those_selected_is_that_of_itt_on_them():
    d = people()
    chosen = d[d["y0"] <= 45]
    found = M.regression_to_mean("y0", "y1", cutoff=45, correlation=0.6, trial=trial(d))
    by_hand = tk.itt(trial(chosen, ungrouped="singleton"), "y1", adjust=["y0"]).estimates[0]
    assert (found.estimates[0].estimate, found.estimates[0].std_error) == (by_hand.estimate, by_hand.std_error)
    assert "free of regression to the mean" in str(found)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"cutoff": 99}, UsageError, "give its mean= and sd="),
        ({"cutoff": -5}, DataError, "nobody"),
        ({"cutoff": 3, "mean": 4}, UsageError, "go together"),
        ({"cutoff": 3, "correlation": 0}, UsageError, "test-retest"),
        ({"cutoff": 3, "selected": "below"}, UsageError, "at_or_below"),
        ({"cutoff": math.inf}, UsageError, "no score"),
    ],
)
def test_bad_selection(arguments, error, said):
    with pytest.raises(error, match=said):
        M.regression_to_mean([1.0, 2, 3, 8], [2.0, 2, 3, 5], **{"correlation": 0.5} | arguments)


def test_correlation_of_people_alone_is_near_fishers():
    rng = np.random.default_rng(13)
    x = rng.normal(size=4000)
    y = 0.4 * x + rng.normal(size=4000)
    c = correlation(x=x, y=y, unit=np.arange(4000))
    assert c.r == pytest.approx(np.corrcoef(x, y)[0, 1]) and c.std_error == pytest.approx(1 / math.sqrt(3997), rel=0.05)
    assert np.isnan(correlation(x=x[:10], y=x[:10], unit=np.arange(10)).conf_low)


def test_groups_of_one_are_no_groups():
    rng = np.random.default_rng(14)
    x, y = rng.normal(size=(2, 60))
    a = correlation(x=x, y=y, unit=np.arange(60))
    b = correlation(x=x, y=y, unit=np.arange(60), group=np.arange(60))
    c = correlation(x=5 - 2 * x, y=3 + y, unit=np.arange(60), weights=np.full(60, 2.0))
    assert (a.std_error, a.r) == (b.std_error, b.r)
    assert (c.std_error, -c.r) == pytest.approx((a.std_error, a.r))


def test_what_people_share_in_groups_widens_the_interval():
    rng = np.random.default_rng(15)
    g = np.arange(200) // 20
    x, y = rng.normal(size=(2, 10))[:, g] * 1.5 + rng.normal(size=(2, 200))
    wide, narrow = correlation(x=x, y=y, unit=g, group=g), correlation(x=x, y=y, unit=np.arange(200))
    assert wide.std_error > 1.5 * narrow.std_error and wide.df < 15 and wide.units == 10


def test_desirability_by_arm():
    d = people()
    found = M.desirability_correlation(trial(d), "y1", desirability="md")
    both = d.dropna(subset="y1")
    for row in found.tidy().to_dict("records"):
        mine = both[both["arm"] == row["arm"]]
        assert row["correlation"] == pytest.approx(np.corrcoef(mine["y1"], mine["md"])[0, 1]) and row["n"] == len(mine)
        assert row["conf_low"] < row["correlation"] < row["conf_high"]
    solo, peer = found.tidy()["correlation"]
    assert found.estimates[0].estimate == pytest.approx(math.atanh(peer) - math.atanh(solo))
    assert found.estimates[0].n_groups == 12 and found.estimates[0].n == len(both)
    clustered = d.assign(c=np.arange(len(d)) // 12).drop(columns="group")
    assert M.desirability_correlation(trial(clustered, group=None, cluster="c"), "y1", desirability="md").tidy()["df"].max() < 12


def test_arm_dependent_bias_is_found_and_undone():
    """People in the treated arm overstate by half a point, those who want to look good by more; the true effect is .3."""
    rng = np.random.default_rng(16)
    n = 20_000
    arm, wish = np.arange(n) % 2, rng.normal(size=n)
    truth = 0.3 * arm + rng.normal(size=n)
    t = tk.Trial(pd.DataFrame({"arm": arm, "wish": wish, "told": truth + arm * (0.5 + 0.4 * wish)}), arm="arm", control=0)
    by_arm = M.desirability_correlation(t, "told", desirability="wish")
    assert by_arm.estimates[0].conf_low > 0 and abs(by_arm.tidy()["correlation"][0]) < 0.03
    effect = tk.itt(t, "told")
    found = M.desirability_bias(effect, bias=[0, 0.5])
    biased, mended = found.tidy().to_dict("records")
    assert biased["conf_low"] > 0.7 and mended["conf_low"] < 0.3 < mended["conf_high"]
    assert found.breakpoint == pytest.approx(effect.estimates[0].estimate)


def test_bias_moves_the_interval_and_breaks_where_it_says():
    effect = tk.itt(trial(), "y1", adjust=["y0"])
    e = effect.estimates[0]
    found = M.desirability_bias(effect, bias=[0.0, e.estimate, e.conf_low])
    start, none, edge = found.tidy().to_dict("records")
    assert (start["estimate"], start["conf_low"], start["p_value"]) == (e.estimate, e.conf_low, e.p_value)
    assert none["estimate"] == 0 and none["p_value"] == 1
    assert edge["conf_low"] == 0 and edge["p_value"] == pytest.approx(0.05)
    assert (found.breakpoint, found.breakpoint_interval) == (e.estimate, e.conf_low)
    assert M.desirability_bias(effect).tidy()["bias_sd"].tolist() == pytest.approx([0, 0.05, 0.1, 0.2, 0.3, 0.5])
    exact = M.desirability_bias(
        tk.itt(
            tk.Trial(people().assign(y1=lambda d: (d["y1"] > 40) * 1), arm="arm", control="solo"),
            "y1",
            measure="risk_difference",
            estimator="exact",
        )
    )
    assert exact.tidy()["p_value"].isna().tolist() == [False] + [True] * 5 and exact.notes
    turned = M.desirability_bias(effect, better="lower")
    assert np.isnan(turned.breakpoint) and "not an improvement" in str(turned)
    assert M.desirability_bias(effect, sd=2.0, bias=[1.0]).tidy()["bias_sd"].tolist() == [0.5]
    again = tk.Result.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.breakpoint == found.breakpoint and again._repr_html_()


def test_bad_desirability():
    t = trial()
    for call, error, said in (
        (lambda: M.desirability_correlation(t.data, "y1", desirability="md"), UsageError, "takes a Trial"),
        (lambda: M.desirability_correlation(t, "y1", desirability="y1"), UsageError, "both"),
        (lambda: M.desirability_correlation(t, "y1", desirability="mdd"), TrialkitError, "Did you mean 'md'"),
        (
            lambda: M.desirability_correlation(trial(people().assign(md=1.0)), "y1", desirability="md"),
            DataError,
            "for everyone in arm",
        ),
        (
            lambda: M.desirability_correlation(trial(people().assign(md=np.nan)), "y1", desirability="md"),
            MissingDataError,
            "0 people of arm",
        ),
        (
            lambda: M.desirability_bias(
                tk.itt(trial(people().assign(y1=lambda d: (d["y1"] > 40) * 1)), "y1", measure="risk_ratio")
            ),
            UsageError,
            "ratio",
        ),
        (lambda: M.desirability_bias(3), UsageError, "result of tk.itt"),
        (lambda: M.desirability_bias(tk.itt(t, "y1"), bias=[-1]), UsageError, "from 0 up"),
        (lambda: M.desirability_bias(tk.itt(t, "y1"), better="up"), UsageError, "'higher' or 'lower'"),
        (lambda: M.desirability_bias(tk.itt(t, "y1"), sd=0), UsageError, "standard deviation"),
    ):
        with pytest.raises(error, match=said):
            call()
