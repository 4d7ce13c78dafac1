"""Subgroup analyses: other packages' numbers, definitions by hand, what must not change the answer, and what is refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from tests.reference.mapping import data
from trialkit.errors import (
    ColumnNotFoundError,
    CombinationError,
    EstimationError,
    GroupError,
    MissingDataError,
    TrialkitError,
    UsageError,
    ValueTypeError,
)
from trialkit.estimate.measures import MEASURES
from trialkit.estimate.parts import restricted
from trialkit.estimate.request import Request
from trialkit.estimate.subgroups.each_subgroup import by_subgroup
from trialkit.estimate.subgroups.effect_modification import _arguments
from trialkit.estimate.subgroups.moderators import moderator
from trialkit.estimate.subgroups.regression import by_regression
from trialkit.inference.arrays import Clusters
from trialkit.inference.linear.covariance import covariance
from trialkit.inference.linear.least_squares import least_squares
from trialkit.inference.linear.wald import htz
from trialkit.results import Result


def people(seed: int = 1, n: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    d = pd.DataFrame({"id": np.arange(n), "z": np.arange(n) % 2, "y0": rng.normal(size=n), "age": rng.uniform(20, 60, n)})
    d["edu"] = rng.choice(["high", "low", "mid"], n)
    d["sex"] = rng.choice(["f", "m"], n)
    d["y"] = (
        0.5 * d["y0"]
        + 0.3 * d["z"] * (d["sex"] == "m")
        + 0.02 * d["z"] * (d["age"] - 40)
        + rng.normal(size=n) * (1 + 0.4 * d["z"])
    )
    d["job"] = (rng.random(n) < 0.3 + 0.2 * d["z"]).astype(int)
    d["arm"] = np.where(d["z"] == 1, "peer", "solo")
    return d


def alone(d: pd.DataFrame, **roles) -> tk.Trial:
    return tk.Trial(d, **({"arm": "arm", "control": "solo", "unit": "id"} | roles))


def crossed(seed: int = 2, **k) -> pd.DataFrame:
    d = grouped_data(seed, **k)
    rng = np.random.default_rng(seed + 100)
    d["edu"] = rng.choice(["a", "b", "c"], len(d))
    d["age"] = rng.uniform(20, 60, len(d))
    d["job"] = (rng.random(len(d)) < 0.4).astype(int)
    return d


def both_ways(trial: tk.Trial, outcome: str, name: str, **changes):
    """One regression without covariates, and the same estimator in each subgroup."""
    values = {"average": "participant", "covariance": "auto"} | changes
    r = Request(
        outcome,
        (),
        "ancova",
        "mean_difference",
        values["covariance"],
        "auto",
        "auto",
        values["average"],
        "control",
        "impute",
        0.95,
    )
    m = moderator(trial, name, outcome, kind="categorical", scores=None, missing="drop")
    return by_regression(trial, r, m, None), by_subgroup(trial, outcome, r, m, _arguments(r))


def test_interactions_agree_with_statsmodels():
    d = people()
    r = tk.subgroups(alone(d), "y", by=["sex", "edu", "age"], adjust=["y0"])
    two = smf.ols("y ~ z*C(sex) + y0", d).fit(cov_type="HC2", use_t=True)
    row = r.interactions.iloc[0]
    assert (row["estimate"], row["std_error"], row["df"], row["p_value"]) == pytest.approx(
        (two.params["z:C(sex)[T.m]"], two.bse["z:C(sex)[T.m]"], two.df_resid, two.pvalues["z:C(sex)[T.m]"]), rel=1e-9
    )
    three = smf.ols("y ~ z*C(edu) + y0", d).fit(cov_type="HC2", use_t=True)
    joint = three.f_test("z:C(edu)[T.low] = 0, z:C(edu)[T.mid] = 0")
    row = r.interactions.iloc[1]
    assert (row["statistic"], row["df_num"], row["df"], row["p_value"]) == pytest.approx(
        (joint.fvalue, 2, joint.df_denom, joint.pvalue), rel=1e-9
    )
    slope = smf.ols("y ~ z*age + y0", d).fit(cov_type="HC2", use_t=True)
    row = r.interactions.iloc[2]
    assert (row["estimate"], row["std_error"], row["p_value"]) == pytest.approx(
        (slope.params["z:age"], slope.bse["z:age"], slope.pvalues["z:age"]), rel=1e-8
    )
    effect = two.t_test("z + z:C(sex)[T.m] = 0")
    male = r.effects[r.effects["subgroup"] == "m"].iloc[0]
    assert (male["estimate"], male["std_error"]) == pytest.approx((effect.effect[0], effect.sd[0][0]), rel=1e-9)


def test_the_line_agrees_with_statsmodels_at_every_value():
    d = people()
    r = tk.subgroups(alone(d), "y", by="age", adjust=["y0"], at={"age": [25, 50]})
    fit = smf.ols("y ~ z*age + y0", d).fit(cov_type="HC2", use_t=True)
    for value, (_, e) in zip((25, 50), r.effects.iterrows()):
        t = fit.t_test(f"z + {value}*z:age = 0")
        assert (e["estimate"], e["conf_low"], e["value"]) == pytest.approx((t.effect[0], t.conf_int()[0][0], value), rel=1e-8)
    curve = r.curve()
    assert (curve["band_low"] < curve["conf_low"]).all() and (curve["band_high"] > curve["conf_high"]).all()
    assert curve["value"].iloc[[0, -1]].tolist() == pytest.approx(
        [d.groupby("z")["age"].min().max(), d.groupby("z")["age"].max().min()], rel=1e-12
    )


def test_the_joint_test_with_groups_is_the_hotelling_test_of_its_own_matrix():
    """Three levels, groups that cross them: CR2 and the approximate Hotelling test from arrays built here."""
    d = crossed()
    trial = grouped_trial(d)
    found = tk.subgroups(trial, "y", by="edu", adjust=["y0"], df="independence").interactions.iloc[0]
    z = (d["arm"] == "peer").to_numpy(float)
    levels = (d["edu"].to_numpy()[:, None] == np.array(["a", "b", "c"])).astype(float)
    X = np.column_stack([levels, levels * z[:, None], d["y0"]])
    units = np.where(d["group"].isna(), [f"p{i}" for i in range(len(d))], d["group"])
    fit = least_squares(y=d["y"].to_numpy(), X=X)
    C = np.zeros((2, 7))
    C[0, [3, 4]], C[1, [3, 5]] = (-1, 1), (-1, 1)
    test = htz(fit, covariance(fit, "CR2", Clusters.from_labels(units)), C)
    assert (found["statistic"], found["df"], found["p_value"]) == pytest.approx(
        (test.statistic, test.df_denom, test.p_value), rel=1e-9
    )
    working = tk.subgroups(trial, "y", by="edu", adjust=["y0"]).interactions.iloc[0]
    assert working["df"] != pytest.approx(found["df"]) and working["n_groups"] == 10


def test_each_subgroup_and_one_regression_are_the_same_without_covariates():
    """The unit-level covariance of subgroups that share groups gives the regression's own numbers."""
    for trial in (grouped_trial(crossed()), alone(people())):
        for name in ("edu", "female" if "female" in trial.data else "sex"):
            one, each = both_ways(trial, "y", name)
            for a, b in zip(one.effects, each.effects):
                assert (a.subgroup, a.estimate, a.std_error) == (
                    b.subgroup,
                    pytest.approx(b.estimate),
                    pytest.approx(b.std_error, rel=1e-8),
                )
            for a, b in zip(one.interactions, each.interactions):
                assert a.df_num == b.df_num
                scale = a.std_error if a.df_num == 1 else a.statistic
                # a joint F also has the df in it, which the two find in different ways
                assert scale == pytest.approx(b.std_error if b.df_num == 1 else b.statistic, rel=1e-8 if a.df_num == 1 else 0.01)
                assert a.p_value == pytest.approx(b.p_value, abs=0.01)


def test_the_group_average_counts_a_group_once_in_each_subgroup():
    one, each = both_ways(grouped_trial(crossed()), "y", "edu", average="group")
    for a, b in zip(one.effects, each.effects):
        assert (a.estimate, a.std_error) == pytest.approx((b.estimate, b.std_error), rel=1e-8)


def test_the_covariance_of_subgroups_that_share_groups_by_hand():
    """Risk ratios of two subgroups: the delta method on group totals, with the CR2 factors of the estimator left in its own standard errors."""
    d = crossed(5)
    trial = grouped_trial(d)
    r = tk.subgroups(trial, "job", by="female", measure="risk_ratio")
    e, i = r.effects, r.interactions.iloc[0]
    assert i["estimate"] == pytest.approx(e["estimate"][1] / e["estimate"][0], rel=1e-10)
    sums = {}
    for level in (0, 1):
        for arm in ("peer", "solo"):
            part = d[(d["female"] == level) & (d["arm"] == arm)]
            p = part["job"].mean()
            u = (part["job"] - p) / len(part) / p * (1 if arm == "peer" else -1)
            sums.setdefault(level, []).append(u.groupby(part["group"].fillna("p" + part["id"].astype(str))).sum())
    U = pd.DataFrame({k: pd.concat(v) for k, v in sums.items()}).fillna(0.0)
    rho = U[0] @ U[1] / math.sqrt((U[0] @ U[0]) * (U[1] @ U[1]))
    a, b = e["std_error"]
    assert i["std_error"] == pytest.approx(math.sqrt(a**2 + b**2 - 2 * rho * a * b), rel=0.005)
    assert i["conf_low"] < i["estimate"] < i["conf_high"] and i["df"] < 100


def test_randomized_clusters_may_cross_subgroups_or_not():
    d = data("cluster.csv")
    d["kind"] = np.where(d["cluster"].rank(method="dense").to_numpy() % 4 < 2, "near", "far")
    trial = tk.Trial(d, arm="z", control=0, cluster="cluster")
    for name in ("female", "kind"):
        one, each = both_ways(trial, "y", name)
        a, b = one.interactions[0], each.interactions[0]
        assert (a.estimate, a.std_error) == pytest.approx((b.estimate, b.std_error), rel=1e-9)
        assert a.df == pytest.approx(b.df, rel=1e-6 if name == "female" else 0.25)
    with pytest.raises(UsageError, match="cluster that was randomized"):
        tk.subgroups(trial, "y", by="cluster")


@pytest.mark.parametrize(
    ("measure", "outcome", "options"),
    [
        ("odds_ratio", "job", {}),
        ("win_odds", "rating", {}),
        ("rate_ratio", "contacts", {}),
        ("hazard_ratio", tk.Time("weeks", "event"), {}),
        ("rmst_difference", tk.Time("weeks", "event"), {"tau": 12}),
    ],
)
def test_any_measure_is_compared_with_groups_that_cross_subgroups(measure, outcome, options):
    d = crossed(3, groups=8, controls=60)
    rng = np.random.default_rng(3)
    d = d.assign(
        rating=rng.integers(1, 5, len(d)),
        contacts=rng.poisson(2, len(d)),
        weeks=rng.exponential(10, len(d)),
        event=rng.integers(0, 2, len(d)),
    )
    trial = grouped_trial(d)
    r = tk.subgroups(trial, outcome, by="female", measure=measure, **options)
    i, e = r.interactions.iloc[0], r.effects
    ratio = bool(MEASURES[measure].ratio)
    assert i["estimate"] == pytest.approx(
        e["estimate"][1] / e["estimate"][0] if ratio else e["estimate"][1] - e["estimate"][0], rel=1e-9
    )
    apart = math.hypot(*e["std_error"])
    assert 0.5 * apart < i["std_error"] < 1.5 * apart and abs(i["std_error"] - apart) > 1e-6 and 2 < i["df"] < 500
    part = restricted(trial, (d["female"] == 1).to_numpy())
    alone_in_it = tk.itt(part, outcome, measure=measure, **options).estimates[0]
    assert (alone_in_it.estimate, alone_in_it.std_error) == pytest.approx((e["estimate"][1], e["std_error"][1]), rel=1e-12)


def test_without_groups_the_subgroups_are_independent():
    d = people()
    r = tk.subgroups(alone(d), "y", by="sex", estimator="difference_in_means")
    parts = [tk.itt(alone(d[d["sex"] == s]), "y", estimator="difference_in_means").estimates[0] for s in ("f", "m")]
    v = np.array([e.std_error**2 for e in parts])
    i = r.interactions.iloc[0]
    assert (i["estimate"], i["std_error"]) == pytest.approx(
        (parts[1].estimate - parts[0].estimate, math.sqrt(v.sum())), rel=1e-10
    )
    assert i["df"] == pytest.approx(v.sum() ** 2 / sum(x**2 / e.df for x, e in zip(v, parts)), rel=1e-10)


def test_ordinal_moderators_are_tested_by_their_trend():
    d = people().assign(edu=lambda d: pd.Categorical(d["edu"], ["low", "mid", "high"], ordered=True))
    r = tk.subgroups(alone(d), "y", by="edu")
    e = r.effects.set_index("subgroup")["estimate"]
    assert list(e.index) == ["low", "mid", "high"]
    n = d["edu"].value_counts()[list(e.index)].to_numpy(float)
    assert r.interactions["estimate"][0] == pytest.approx(np.polyfit([0, 1, 2], e.to_numpy(), 1, w=np.sqrt(n))[0], rel=1e-10)
    assert r.interactions["df_num"].tolist() == [1] and r.of("edu")["heterogeneity"]["peer - solo"]["df_num"] == 2
    scored = tk.subgroups(alone(d), "y", by="edu", scores={"edu": {"low": 0, "mid": 2, "high": 4}})
    assert scored.interactions["estimate"][0] == pytest.approx(r.interactions["estimate"][0] / 2, rel=1e-10)
    assert scored.interactions["p_value"][0] == pytest.approx(r.interactions["p_value"][0], rel=1e-10)
    numbers = tk.subgroups(alone(d.assign(edu=d["edu"].cat.codes * 2)), "y", by="edu", kind="ordinal")
    assert numbers.interactions["estimate"][0] == pytest.approx(scored.interactions["estimate"][0], rel=1e-10)


def test_lin_gives_the_average_effect_of_the_subgroup_with_its_own_covariates():
    d = people()
    r = tk.subgroups(alone(d), "y", by="sex", adjust=["y0"], estimator="lin")
    own = d["y0"] - d.groupby("sex")["y0"].transform("mean")
    fit = smf.ols("y ~ z*C(sex) + y0 + z:own", d.assign(own=own)).fit(cov_type="HC2", use_t=True)
    assert r.interactions["estimate"][0] == pytest.approx(fit.params["z:C(sex)[T.m]"], rel=1e-9)
    assert r.effects["std_error"][0] == pytest.approx(fit.bse["z"], rel=1e-9)


@pytest.mark.parametrize("rule", ["auto", "additive"])
def test_unequal_shares_cross_the_strata_with_the_moderator(rule):
    rng = np.random.default_rng(3)
    d = people(3, 400)
    d["site"] = rng.choice(["A", "B"], 400)
    d["z"] = (rng.random(400) < np.where(d["site"] == "A", 0.25, 0.75)).astype(int)
    d["arm"] = np.where(d["z"] == 1, "peer", "solo")
    d["y"] = 2.0 * (d["site"] == "B") * (d["sex"] == "m") + rng.normal(size=400)  # strata matter in one subgroup only
    r = tk.subgroups(alone(d, strata=["site"]), "y", by="sex", strata_effects=rule)
    for e in r.effects.itertuples():
        part = d[d["sex"] == e.subgroup]
        if rule == "auto":
            means = part.groupby(["site", "z"])["y"].mean().unstack()
            expected = (means[1] - means[0]) @ part["site"].value_counts(normalize=True)[means.index]
        else:
            expected = smf.ols("y ~ z + C(site)", part).fit().params["z"]
            assert "overlap-weighted" in e.estimand
        assert e.estimate == pytest.approx(expected, rel=1e-9)


def test_strata_with_equal_shares_enter_once_even_when_they_are_the_moderator():
    d = people().assign(site=lambda d: np.where(np.arange(len(d)) // 2 % 2, "A", "B"))
    r = tk.subgroups(alone(d, strata=["site"]), "y", by=["site", "sex"], adjust=["y0"])
    fit = smf.ols("y ~ z*C(site) + y0", d).fit(cov_type="HC2", use_t=True)
    assert r.interactions["estimate"][0] == pytest.approx(fit.params["z:C(site)[T.B]"], rel=1e-9)
    both = smf.ols("y ~ z*C(sex) + C(site) + y0", d).fit(cov_type="HC2", use_t=True)
    assert r.interactions["std_error"][1] == pytest.approx(both.bse["z:C(sex)[T.m]"], rel=1e-9)
    assert "collinear" not in [n.code for n in r.notes]
    lin = tk.subgroups(alone(d, strata=["site"]), "y", by="site", estimator="lin")
    assert lin.effects["estimate"].tolist() == pytest.approx(
        tk.subgroups(alone(d), "y", by="site").effects["estimate"].tolist(), rel=1e-9
    )


def test_many_strata_are_absorbed_to_the_same_numbers():
    d = people(4, 480)
    d["pair"] = np.arange(480) // 4
    r = tk.subgroups(alone(d, strata=["pair"]), "y", by="sex", adjust=["y0"])
    fit = smf.ols("y ~ z*C(sex) + C(pair) + y0", d).fit(cov_type="HC2", use_t=True)
    assert (r.interactions["estimate"][0], r.interactions["std_error"][0]) == pytest.approx(
        (fit.params["z:C(sex)[T.m]"], fit.bse["z:C(sex)[T.m]"]), rel=1e-8
    )


def test_a_moderator_among_the_covariates_counts_once():
    d = people()
    a, b = (tk.subgroups(alone(d), "y", by=["sex", "age"], adjust=adjust) for adjust in (["y0"], ["y0", "sex"]))
    assert a.interactions["estimate"][0] == b.interactions["estimate"][0]
    assert a.interactions["estimate"][1] != b.interactions["estimate"][1]


def test_several_arms_and_contrasts():
    d = people(6, 300)
    d["arm"] = np.array(["solo", "peer", "coach"])[np.arange(300) % 3]
    r = tk.subgroups(alone(d), "y", by="sex", adjust=["y0"], contrasts="all")
    i, e = r.interactions, r.effects
    assert i["contrast"].tolist() == ["coach - solo", "peer - solo", "peer - coach"]
    assert i["estimate"][2] == pytest.approx(i["estimate"][1] - i["estimate"][0], abs=1e-12)
    assert len(e) == 6 and r.details["tests"] == 3
    each = tk.subgroups(alone(d), "job", by="sex", measure="risk_ratio", contrasts="all")
    assert each.interactions["estimate"][2] == pytest.approx(
        each.interactions["estimate"][1] / each.interactions["estimate"][0], rel=1e-9
    )


def test_planned_direction_and_correction_are_marked_everywhere():
    r = tk.subgroups(
        alone(people()),
        "y",
        by=["sex", "age", "edu"],
        planned=["sex"],
        direction={"sex": "greater", "age": "less"},
        correction="holm",
        adjust=["y0"],
    )
    table = r.tidy()
    assert table.groupby("moderator", sort=False)["planned"].first().tolist() == [True, False, False]
    assert r.interactions["p_adjusted"].tolist() == pytest.approx(tk.adjust_p(r.interactions["p_value"], method="holm").tolist())
    assert r.of("sex")["as_predicted"] == {"peer - solo": bool(r.interactions["estimate"][0] > 0)}
    assert r.of("age")["as_predicted"] == {"peer - solo": False} and r.of("edu")["as_predicted"] == {"peer - solo": None}
    assert "3 interaction tests (1 planned), corrected by holm" in str(r) and "not planned: exploratory" in str(r)
    items = r.credibility.set_index(["moderator", "item"])["answer"]
    assert items["sex", "planned"] == "yes, as stated" and "opposite" in items["age", "direction"]
    assert items["edu", "tests"].startswith("3, corrected")
    free = tk.subgroups(alone(people()), "y", by=["sex", "age"])
    assert "about 10 in 100" in next(n.text for n in free.notes if n.code == "tests_counted")


def test_missing_moderators_have_their_own_rule():
    d = people()
    d.loc[::9, "sex"] = None
    d.loc[::7, "age"] = np.nan
    dropped = tk.subgroups(alone(d), "y", by=["sex", "age"], adjust=["y0"])
    assert dropped.interactions["n"].tolist() == [int(d["sex"].notna().sum()), int(d["age"].notna().sum())]
    assert sum(n.code == "moderator_missing" for n in dropped.notes) == 2
    own = tk.subgroups(alone(d), "y", by="sex", moderator_missing="category")
    assert own.effects["subgroup"].tolist() == ["f", "m", "missing"]
    with pytest.raises(MissingDataError, match="moderator_missing='drop'"):
        tk.subgroups(alone(d), "y", by="sex", moderator_missing="error")
    only = tk.subgroups(alone(d[d["sex"].notna()]), "y", by="sex", adjust=["y0"])
    assert only.interactions["estimate"][0] == pytest.approx(dropped.interactions["estimate"][0], rel=1e-10)


def test_a_trait_that_the_programme_changed_is_said_so():
    d = people()
    d["came"] = ((d["z"] == 1) & (np.arange(len(d)) % 3 > 0)).astype(int)
    with pytest.raises(EstimationError, match=r"nobody of arm 'solo'.*tk\.cace"):
        tk.subgroups(alone(d), "y", by="came")
    rng = np.random.default_rng(1)
    d["later"] = rng.random(len(d)) < 0.2 + 0.4 * d["z"]
    d["score"] = rng.normal(size=len(d)) + d["z"]
    r = tk.subgroups(alone(d), "y", by=["later", "score", "sex"])
    assert [n.text.split("'")[1] for n in r.notes if n.code == "moderator_differs_by_arm"] == ["later", "score"]
    assert "doubtful" in r.credibility.set_index(["moderator", "item"])["answer"]["later", "before"]
    d["sessions"] = d["came"] * rng.uniform(1, 9, len(d))
    with pytest.raises(EstimationError, match="is 0 for everyone of arm 'solo'"):
        tk.subgroups(alone(d), "y", by="sessions")


def test_codes_and_small_whole_numbers_are_pointed_out():
    d = people()
    d.loc[:4, "age"] = -99
    d["region"] = np.arange(len(d)) // 2 % 4 + 1
    r = tk.subgroups(alone(d), "y", by=["age", "region"])
    texts = {n.code: n.text for n in r.notes}
    assert "-99" in texts["moderator_codes"] and "kind={'region': 'categorical'}" in texts["moderator_kind"]
    assert tk.subgroups(alone(d), "y", by="region", kind="categorical").interactions["df_num"].tolist() == [3]


def test_a_bend_in_the_line_is_noted():
    d = people(9, 400)
    d["y"] = d["z"] * ((d["age"] - 40) / 10) ** 2 + np.random.default_rng(9).normal(size=400)
    assert "moderator_not_linear" in [n.code for n in tk.subgroups(alone(d), "y", by="age").notes]


def test_groups_that_shrink_to_one_member_in_a_subgroup_stay_groups():
    trial = grouped_trial(crossed())
    part = restricted(trial, (trial.data["edu"] == "a").to_numpy())
    assert part.n == (trial.data["edu"] == "a").sum() and part.arms == trial.arms
    assert set(np.unique(part.group_codes)) <= set(np.unique(trial.group_codes))


def test_results_survive_a_round_trip():
    r = tk.subgroups(grouped_trial(crossed()), "y", by=["edu", "age"], adjust=["y0"], correction="bh")
    back = Result.from_dict(json.loads(json.dumps(r.to_dict())))
    assert str(back) == str(r) and back.curve("age").equals(r.curve("age"))
    assert back.interactions["p_value"].equals(r.interactions["p_value"]) and back.overall["n"].tolist() == [
        len(r.overall) and r.estimates[0].n
    ]


@given(seed=st.integers(0, 10_000), scale=st.sampled_from([1e-6, -3.0, 1e6]), shift=st.sampled_from([0.0, 1e3]))
@settings(max_examples=8, deadline=None)
def test_order_units_and_names_do_not_matter(seed, scale, shift):
    d = crossed(seed % 50)
    r = tk.subgroups(grouped_trial(d), "y", by=["edu", "age"], adjust=["y0"])
    rng = np.random.default_rng(seed)
    other = d.sample(frac=1, random_state=int(rng.integers(1e6)))
    other = other.assign(
        y=shift + scale * other["y"], age=other["age"] * 12, edu=other["edu"].map({"a": "z", "b": "y", "c": "x"})
    )
    s = tk.subgroups(grouped_trial(other), "y", by=["edu", "age"], adjust=["y0"])
    assert s.interactions["p_value"].tolist() == pytest.approx(r.interactions["p_value"].tolist(), rel=1e-5)
    assert s.interactions["estimate"][1] == pytest.approx(scale * r.interactions["estimate"][1] / 12, rel=1e-5)
    first, last = r.effects.iloc[0], s.effects[s.effects["subgroup"] == "z"].iloc[0]
    assert (last["estimate"], last["df"]) == pytest.approx((scale * first["estimate"], first["df"]), rel=1e-5)


def test_turned_arms_turn_the_sign_and_zero_weights_are_no_rows():
    d = people()
    a, b = (tk.subgroups(alone(d, control=c), "y", by="sex", adjust=["y0"]).interactions for c in ("solo", "peer"))
    assert a["estimate"][0] == pytest.approx(-b["estimate"][0], rel=1e-9) and a["p_value"][0] == pytest.approx(
        b["p_value"][0], rel=1e-9
    )
    w = d.assign(w=np.where(np.arange(len(d)) % 5 == 0, 0.0, 1.0 + (np.arange(len(d)) % 3)))
    full = tk.subgroups(alone(w, weights="w"), "y", by=["sex", "age"], adjust=["y0"]).tidy()
    fewer = tk.subgroups(alone(w[w["w"] > 0], weights="w"), "y", by=["sex", "age"], adjust=["y0"]).tidy()
    keep = full["value"].isna()  # percentiles of the moderator are those of everyone with a moderator
    assert full.loc[keep, "estimate"].dropna().tolist() == pytest.approx(fewer.loc[keep, "estimate"].dropna().tolist(), rel=1e-9)


def test_single_groups_are_people():
    d = crossed()
    d["group"] = [f"s{i}" if a == "peer" else None for i, a in enumerate(d["arm"])]
    d.loc[d["arm"] == "peer", "group"] = d.loc[d["arm"] == "peer", "group"].where(
        np.arange((d["arm"] == "peer").sum()) > 1, "pair"
    )
    plain = tk.subgroups(alone(d.rename(columns={"group": "g"})), "y", by="edu")
    single = tk.subgroups(grouped_trial(d, ungrouped="singleton"), "y", by="edu")
    assert single.effects["estimate"].tolist() == pytest.approx(plain.effects["estimate"].tolist(), rel=1e-10)
    assert single.effects["std_error"].tolist() == pytest.approx(plain.effects["std_error"].tolist(), rel=0.02)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"by": "sexe"}, ColumnNotFoundError, "Did you mean 'sex'"),
        ({"by": []}, UsageError, "names no moderator"),
        ({"by": ["sex", "sex"]}, UsageError, "twice"),
        ({"by": "arm"}, UsageError, "which is the arm"),
        ({"by": "y"}, UsageError, "which is the outcome"),
        ({"by": "id"}, UsageError, "the identifier"),
        ({"by": "sex", "adjust": "y0"}, UsageError, "adjust=['y0']"),
        ({"by": "sex", "kind": {"sxe": "ordinal"}}, UsageError, "not in by"),
        ({"by": "sex", "kind": "ordnal"}, UsageError, "Did you mean 'ordinal'"),
        ({"by": "sex", "kind": "ordinal"}, UsageError, "order is not known"),
        ({"by": "sex", "kind": "continuous"}, ValueTypeError, "sex"),
        ({"by": "sex", "scores": {"sex": [0, 1]}}, UsageError, "kind='ordinal'"),
        ({"by": "edu", "kind": "ordinal", "scores": {"edu": {"high": 1, "low": 0}}}, UsageError, "leave out 'mid'"),
        ({"by": "edu", "kind": "ordinal", "scores": {"edu": [1, 1, 1]}}, UsageError, "not all the same"),
        ({"by": "age", "at": {"age": [10]}}, UsageError, "where both arms have people"),
        ({"by": "sex", "at": {"sex": [1]}}, UsageError, "continuous"),
        ({"by": "sex", "planned": ["age"]}, UsageError, "not in by"),
        ({"by": "sex", "direction": {"sex": "up"}}, UsageError, "one of"),
        ({"by": "sex", "correction": "bonferroni"}, UsageError, "holm"),
        ({"by": "sex", "moderator_missing": "impute"}, UsageError, "'drop', 'category' or 'error'"),
        ({"by": "sex", "contrasts": [{"peer": 1, "solo": -1}]}, CombinationError, "for itt"),
        ({"by": "sex", "estimator": "ancofa"}, CombinationError, "Did you mean 'ancova'"),
        ({"by": "sex", "nonsense": 1}, UsageError, "no option 'nonsense'"),
        ({"by": "age", "estimator": "difference_in_means"}, CombinationError, "levels chosen beforehand"),
        ({"by": "const"}, EstimationError, "no subgroups to compare"),
        ({"by": "empty"}, MissingDataError, "no values at all"),
        ({"by": "many"}, UsageError, "bring them together"),
        ({"by": "rare"}, EstimationError, "one person of arm"),
        ({"by": "sex", "conf_level": 95}, UsageError, "between 0 and 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(change, error, said):
    d = people()
    d["const"], d["empty"] = "x", np.nan
    d["many"] = "c" + (d["id"] % 30).astype(str)
    d["rare"] = np.where(d["id"] < 3, "a", "b")
    with pytest.raises(error) as caught:
        tk.subgroups(alone(d), "y", **change)
    assert said in str(caught.value)


def test_subgroups_of_one_group_are_refused():
    d = crossed()
    d["near"] = np.where((d["group"] == "g00") | (d["group"].isna() & (np.arange(len(d)) % 4 == 0)), "yes", "no")
    for estimator in ("ancova", "difference_in_means"):
        with pytest.raises(GroupError, match="one group of arm 'peer' only"):
            tk.subgroups(grouped_trial(d), "y", by="near", estimator=estimator)
    with pytest.raises(UsageError, match="exists only because of the assignment"):
        tk.subgroups(grouped_trial(d), "y", by="group")
    with pytest.raises(CombinationError, match="hang together"):
        tk.subgroups(grouped_trial(d), "y", by="edu", estimator="difference_in_means")


def test_an_error_within_a_subgroup_names_it():
    d = people()
    d.loc[(d["sex"] == "m") & (d["z"] == 0), "job"] = 0
    d.loc[(d["sex"] == "m") & (d["z"] == 1), "job"] = 0
    with pytest.raises(TrialkitError, match="in subgroup 'm' of 'sex'"):
        tk.subgroups(alone(d), "job", by="sex", measure="risk_ratio")


def test_a_trial_is_needed():
    with pytest.raises(UsageError, match="takes a Trial first"):
        tk.subgroups(people(), "y", by="sex")
