"""Reference-based analysis without draws, tipping points and what-if rules."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

import trialkit as tk
from tests.missing.test_impute import frame, trial


def based(t, rule="j2r", **given):
    return tk.missing.reference_based(t, ["y1", "y2"], **({"strategy": rule, "adjust": ["y0"]} | given))


def test_complete_data_are_ancova_whatever_the_rule():
    t = trial(frame(lost=0), group=None)
    plain = tk.itt(t, "y2", adjust=["y0"], covariance="HC3").estimates[0]
    for rule in ("mar", "cr", "j2r", "cir", "lmcf"):
        found = based(t, rule).estimates[0]
        assert found.estimate == pytest.approx(plain.estimate, abs=1e-12)
        assert found.std_error == pytest.approx(plain.std_error, rel=0.03)
        assert found.df == 117


def test_without_groups_the_jackknife_is_rbmis():
    """SE = sqrt((n - 1)/n sum (theta_-i - mean)^2) with theta_-i from the public function on n - 1 people; normal interval."""
    d = frame(n=40, G=4)
    t = trial(d, group=None)
    found = based(t, interval="normal").estimates[0]
    without = []
    for i in range(40):
        without.append(based(trial(d.drop(index=i), group=None)).estimates[0].estimate)
    expected = math.sqrt(39 / 40 * ((np.array(without) - np.mean(without)) ** 2).sum())
    assert found.std_error == pytest.approx(expected, rel=1e-6)
    assert found.conf_high == pytest.approx(found.estimate + 1.959963985 * found.std_error, rel=1e-9)
    assert math.isinf(found.df)


def test_with_groups_a_whole_group_is_left_out():
    d = frame(n=60, G=5)
    t = trial(d)
    found = based(t).estimates[0]
    units = np.where(d["group"].isna(), "p" + d["id"].astype(str), d["group"])
    parts, dfs = [], []
    for arm in ("peer", "solo"):
        names = np.unique(units[d["arm"] == arm])
        without = [based(trial(d[units != u])).estimates[0].estimate for u in names]
        parts.append((len(names) - 1) / len(names) * ((np.array(without) - np.mean(without)) ** 2).sum())
        dfs.append(len(names) - 1)
    assert found.std_error == pytest.approx(math.sqrt(sum(parts)), rel=1e-6)
    assert found.df == pytest.approx(sum(parts) ** 2 / sum(p**2 / f for p, f in zip(parts, dfs)), rel=1e-5)
    assert (found.n_clusters, found.n_groups) == (35, 5)


def test_row_order_units_and_labels():
    d = frame()
    one = based(trial(d)).estimates[0]
    mixed = based(trial(d.sample(frac=1, random_state=1))).estimates[0]
    scaled = based(trial(d.assign(y1=3 - 2 * d["y1"], y2=1 - 2 * d["y2"]))).estimates[0]
    named = based(trial(d.assign(arm=d["arm"].map({"peer": "A", "solo": "B"})), control="B")).estimates[0]
    for other, factor in ((mixed, 1), (scaled, -2), (named, 1)):
        assert other.estimate == pytest.approx(factor * one.estimate, rel=1e-6)
        assert other.std_error == pytest.approx(abs(factor) * one.std_error, rel=1e-6)
        assert other.df == pytest.approx(one.df, rel=1e-5)


def test_another_reference_leaves_the_control_arm_alone():
    rng = np.random.default_rng(3)
    d = pd.DataFrame({"arm": ["a", "b", "c"] * 40, "y": rng.normal(size=120)})
    d.loc[rng.random(120) < 0.3, "y"] = np.nan
    t = tk.Trial(d, arm="arm", control="c")
    found = tk.missing.reference_based(t, ["y"], strategy="j2r", reference="b").details["completed_mean"]
    means, share = d.groupby("arm")["y"].mean(), d.groupby("arm")["y"].apply(lambda y: y.notna().mean())
    assert found["c"] == pytest.approx(means["c"])
    assert found["b"] == pytest.approx(means["b"])
    assert found["a"] == pytest.approx(share["a"] * means["a"] + (1 - share["a"]) * means["b"])


def test_earlier_wave_and_round_trip():
    found = based(trial(), outcome="y1")
    assert found.estimates[0].outcome == "y1"
    again = tk.Result.from_dict(found.to_dict())
    assert type(again) is type(found)
    assert str(again) == str(found)


def test_j2r_without_later_observations_is_a_shrunken_effect():
    """Nothing observed after baseline for the lost and no covariates: (1 - share lost among the treated) x complete-case effect."""
    rng = np.random.default_rng(3)
    d = pd.DataFrame({"arm": ["t", "c"] * 50, "y": rng.normal(size=100)})
    d.loc[d.index[d["arm"] == "t"][:20], "y"] = np.nan
    t = tk.Trial(d, arm="arm", control="c")
    cases = tk.itt(t, "y").estimates[0].estimate
    found = tk.missing.reference_based(t, ["y"], strategy="j2r").estimates[0].estimate
    assert found == pytest.approx(0.6 * cases, rel=1e-10)


@pytest.fixture(scope="module")
def tipped():
    d = frame(n=200, G=10, tau=0.1)
    d.loc[d["arm"] == "peer", "y2"] += 0.6
    found = (
        tk.missing.impute(trial(d), ["y2"], predictors=["y0", "y1"], n_imputations=5, seed=1) if d["y1"].notna().all() else None
    )
    found = found or tk.missing.impute(trial(d), ["y1", "y2"], predictors=["y0"], n_imputations=5, seed=1)
    return found, tk.missing.tipping_point(found, "y2", deltas=[-4, -2, -1], adjust=["y0"])


def test_at_the_tipping_point_the_interval_begins_to_hold_zero(tipped):
    found, curve = tipped
    rows = found.missing["y2"]
    peer = (found.trial.arm_codes[rows] > 0).astype(float)

    def low(delta):
        return found.shifted({"y2": delta * peer}).analyse(lambda t: tk.itt(t, "y2", adjust=["y0"])).conf_low

    assert -4 < curve.tipping < 0
    assert low(curve.tipping + 0.005) > 0 > low(curve.tipping - 0.005)
    table = curve.tidy()
    assert table["delta"].tolist() == [-4, -2, -1, 0]
    assert np.diff(table["estimate"]) == pytest.approx(np.diff(table["delta"]) * np.diff(table["estimate"])[0] / 2, rel=1e-6)
    assert curve.in_sd == pytest.approx(curve.tipping / curve.details["sd_control"])


def test_curve_draws_and_round_trips(tipped):
    _, curve = tipped
    ax = curve.plot()
    assert isinstance(ax, Axes)
    assert "y2" in ax.get_ylabel()
    again = tk.Result.from_dict(curve.to_dict())
    assert again.tipping == curve.tipping
    assert "Tipping point of y2" in str(curve)


def test_deltas_unsaid_go_against_the_estimate(tipped):
    found, curve = tipped
    whole = tk.missing.tipping_point(found, "y2", adjust=["y0"])
    assert whole.tidy()["delta"].to_numpy() == pytest.approx(-whole.details["sd_control"] * np.arange(8, -1, -1) / 4)
    assert whole.tipping == pytest.approx(curve.tipping, abs=0.01)


def test_no_tipping_is_said(tipped):
    found, _ = tipped
    curve = tk.missing.tipping_point(found, "y2", deltas=[0.1], adjust=["y0"])
    assert math.isnan(curve.tipping)
    assert "no_tipping" in [n.code for n in curve.notes]
    assert isinstance(curve.plot(), Axes)
    assert math.isnan(tk.Result.from_dict(curve.to_dict()).tipping)


def test_tipping_refusals(tipped):
    found, _ = tipped
    with pytest.raises(tk.errors.UsageError, match="needs a seed"):
        tk.missing.tipping_point(trial(), "y2", deltas=[-1])
    with pytest.raises(tk.errors.UsageError, match="Did you mean 'y2'"):
        tk.missing.tipping_point(found, "y22", deltas=[-1])
    with pytest.raises(tk.errors.UsageError, match="other than 0"):
        tk.missing.tipping_point(found, "y2", deltas=[0])
    with pytest.raises(tk.errors.UsageError, match="what_if"):
        tk.missing.tipping_point(trial(), "job", deltas=[-1], seed=1, n_imputations=2)
    with pytest.raises(tk.errors.ArmError, match="Did you mean 'peer'"):
        tk.missing.tipping_point(found, "y2", deltas=[-1], arms=["peers"])


def lost_jobs():
    job = [1.0] * 25 + [0.0] * 15 + [None] * 10 + [1.0] * 20 + [0.0] * 25 + [None] * 5
    return tk.Trial(pd.DataFrame({"arm": ["peer"] * 50 + ["solo"] * 50, "job": job}), arm="arm", control="solo")


def test_what_if_by_hand():
    table = tk.missing.what_if(lost_jobs(), "job").tidy().set_index("scenario")["estimate"]
    assert table["as observed"] == pytest.approx(25 / 40 - 20 / 45)
    assert table["all lost failed"] == pytest.approx(25 / 50 - 20 / 50)
    assert table["all lost succeeded"] == pytest.approx(35 / 50 - 25 / 50)
    assert table["worst for the programme"] == pytest.approx(25 / 50 - 25 / 50)
    assert table["best for the programme"] == pytest.approx(35 / 50 - 20 / 50)


def test_what_if_where_lower_is_better():
    table = tk.missing.what_if(lost_jobs(), "job", better="lower").tidy().set_index("scenario")["estimate"]
    assert table["all lost failed"] == pytest.approx(35 / 50 - 25 / 50)
    assert table["worst for the programme"] == pytest.approx(35 / 50 - 20 / 50)


def test_what_if_of_a_score_and_round_trip():
    t = trial()
    found = tk.missing.what_if(t, "y2", failed=-2, adjust=["y0"])
    assert found.tidy()["scenario"].tolist() == ["as observed", "all lost failed"]
    assert found.tidy()["n"].tolist()[1] == 120
    filled = t.with_columns({"y2": np.nan_to_num(t.values("y2"), nan=-2.0)})
    assert found.estimates[1].estimate == tk.itt(filled, "y2", adjust=["y0"]).estimates[0].estimate
    again = tk.Result.from_dict(found.to_dict())
    assert str(again) == str(found)
    assert "all lost failed, peer - solo" in str(found)


@pytest.mark.parametrize(
    ("outcome", "given", "words"),
    [
        ("y2", {}, "which value counts as failed"),
        ("y2", {"failed": 3, "succeeded": 1}, "contradict"),
        ("job", {"failed": 0.5}, "0 and 1 too"),
        ("y0", {"failed": 0}, "nobody lacks"),
        ("y2", {"failed": np.nan}, "not a number"),
        ("job", {"better": "more"}, "'higher' or 'lower'"),
    ],
)
def test_what_if_refusals(outcome, given, words):
    with pytest.raises(tk.errors.UsageError, match=words):
        tk.missing.what_if(trial(), outcome, **given)
