"""The mixed model through `itt`: outside numbers, closed form, what must not matter, several arms, and bad input."""

from __future__ import annotations

import doctest
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from tests.inference.test_mixed_grouped import oracle
from trialkit.errors import (
    ColumnNotFoundError,
    CombinationError,
    EstimationError,
    GroupError,
    MissingDataError,
    NotIdentifiedError,
    UsageError,
    ValueTypeError,
)
from trialkit.estimate.mixed import mixed_result
from trialkit.estimate.mixed.mixed_result import MixedResult
from trialkit.inference.arrays import Clusters
from trialkit.results import COLUMNS, Result

FOLDER = Path(__file__).parent / "mixed_reference"
NUMBERS = ["estimate", "std_error", "df", "p_value", "conf_low", "conf_high"]


def mixed(trial: tk.Trial, outcome: str = "y", **options) -> MixedResult:
    result = tk.itt(trial, outcome, estimator="mixed", **options)
    assert isinstance(result, MixedResult)
    return result


def numbers(result: Result, row: int = 0) -> np.ndarray:
    return result.tidy()[NUMBERS].to_numpy(dtype=float)[row]


def three_arms(seed: int = 1, coach_groups: int = 7) -> pd.DataFrame:
    """Peer and coach groups, and people alone."""
    rng = np.random.default_rng(seed)
    group = np.r_[np.repeat(np.arange(9), 8), 9 + np.repeat(np.arange(coach_groups), 6)]
    arm = np.r_[np.repeat("peer", 72), np.repeat("coach", 6 * coach_groups), np.repeat("solo", 80)]
    n = len(arm)
    y = rng.normal(size=n) + np.r_[rng.normal(size=9 + coach_groups)[group] * 0.5, np.zeros(80)]
    labels = [f"g{g}" for g in group] + [None] * 80
    return pd.DataFrame({"id": range(n), "arm": arm, "group": labels, "y0": rng.normal(size=n), "y": y})


def clustered(seed: int = 1, clusters: int = 16, share: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(4, 15, clusters)
    c = np.repeat(np.arange(clusters), sizes)
    y = rng.normal(size=len(c)) + rng.normal(size=clusters)[c] * 0.5
    return pd.DataFrame({"arm": c % share, "cluster": c, "x": rng.normal(size=len(c)), "y": y, "site": c % 5})


def test_the_closed_form_of_the_specification():
    d = oracle()
    frame = pd.DataFrame({"arm": np.where(d["part"], "peer", "solo"), "y": d["y"]})
    frame["group"] = [f"g{g}" if g >= 0 else None for g in d["group"]]
    r = mixed(tk.Trial(frame, arm="arm", control="solo", group="group"))
    row = r.tidy().iloc[0]
    assert list(r.tidy().columns) == COLUMNS
    assert row["estimate"] == pytest.approx(2.75, abs=1e-8)
    assert row["std_error"] == pytest.approx(1.3735261461195685, abs=1e-8)
    assert row["df"] == pytest.approx(5.6120403, abs=5e-8)
    expected = {"var_group": 4.4907407, "var_resid_peer": 2.1666667, "var_resid_solo": 3.5, "icc": 0.6745480}
    assert r.variance_components == pytest.approx(expected, abs=5e-8)
    assert r.deviance == pytest.approx(70.3813152, abs=5e-8)
    assert row["estimand"] == "precision-weighted ITT"


REFERENCE = json.loads((FOLDER / "crossed.json").read_text())
MODELS = {"site": (None, ["site"]), "site_and_group": ("group", ["site"]), "coach_crossed_with_group": ("group", ["coach"])}
MODELS["all_three"] = ("group", ["site", "coach"])


@pytest.mark.parametrize("name", MODELS)
def test_crossed_effects_agree_with_lme4(name):
    """lmerTest 3.1.3 and pbkrtest 0.5.2 by crossed.R; their optimizer leaves about seven digits in df."""
    group, random = MODELS[name]
    trial = tk.Trial(pd.read_csv(FOLDER / "crossed.csv"), arm="arm", control="solo", unit="id", group=group)
    expected = REFERENCE[name]
    r = mixed(trial, adjust=["y0"], residual_by_arm=False, random=random)
    kr = mixed(trial, adjust=["y0"], residual_by_arm=False, random=random, df="kenward_roger")
    assert numbers(r)[:2] == pytest.approx([expected["estimate"], expected["std_error"]], rel=2e-6)
    assert numbers(r)[2] == pytest.approx(expected["df"], rel=1e-5)
    assert numbers(kr)[1:3] == pytest.approx([expected["std_error_kr"], expected["df_kr"]], rel=1e-5)
    assert r.deviance == pytest.approx(expected["deviance"], abs=1e-7)
    for key, value in expected.items():
        if key.startswith("var_"):
            assert r.variance_components[key.replace("Residual", "resid")] == pytest.approx(value, rel=2e-5)


def test_the_joint_test_agrees_with_pbkrtest():
    trial = tk.Trial(pd.read_csv(FOLDER / "crossed.csv"), arm="arm", control="solo", unit="id", group="group")
    r = mixed(trial, adjust=["y0"], residual_by_arm=False, random=["site"], df="kenward_roger")
    test, expected = r.joint_test(["peer", "y0"]), REFERENCE["joint_kr"]
    assert (test.statistic, test.df_num) == (pytest.approx(expected["statistic"], rel=1e-6), expected["df_num"])
    assert test.df_denom == pytest.approx(expected["df_denom"], rel=1e-6)
    assert test.p_value == pytest.approx(expected["p_value"], rel=1e-5)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000))
def test_row_order_and_labels_do_not_matter(seed):
    d = grouped_data(seed)
    a = numbers(mixed(grouped_trial(d), adjust=["y0", "female"]))
    shuffled = d.sample(frac=1, random_state=seed)
    shuffled["group"] = shuffled["group"].map(lambda g: None if pd.isna(g) else f"renamed {g[::-1]}")
    np.testing.assert_allclose(numbers(mixed(grouped_trial(shuffled), adjust=["y0", "female"])), a, rtol=1e-6)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000), st.floats(-3, 3), st.floats(-4, 4))
def test_affine_outcomes(seed, shift, power):
    d = grouped_data(seed)
    scale = 10.0**power
    a = mixed(grouped_trial(d), adjust=["y0"])
    d["y"] = shift + scale * d["y"]
    b = mixed(grouped_trial(d), adjust=["y0"])
    np.testing.assert_allclose(b.tidy()[["estimate", "std_error"]] / scale, a.tidy()[["estimate", "std_error"]], rtol=1e-6)
    np.testing.assert_allclose(b.tidy()[["df", "p_value"]], a.tidy()[["df", "p_value"]], rtol=1e-4)
    assert b.variance_components["icc"] == pytest.approx(a.variance_components["icc"], abs=1e-6)
    assert b.variance_components["var_group"] / scale**2 == pytest.approx(a.variance_components["var_group"], abs=1e-6)


def test_swapping_the_control_arm_changes_the_sign_only():
    d = grouped_data(3)
    a, b = (numbers(mixed(grouped_trial(d, control=c), adjust=["y0"])) for c in ("solo", "peer"))
    np.testing.assert_allclose(b[[0, 4, 5]], -a[[0, 5, 4]], rtol=1e-7)
    np.testing.assert_allclose(b[1:4], a[1:4], rtol=1e-6)


def test_labels_of_controls_are_no_groups():
    """Unique labels in the control arm, as in a file where everyone has a label."""
    d = grouped_data(5)
    a = numbers(mixed(grouped_trial(d), adjust=["y0"]))
    d["group"] = d["group"].where(d["group"].notna(), "alone " + d["id"].astype(str))
    np.testing.assert_allclose(numbers(mixed(grouped_trial(d), adjust=["y0"])), a, rtol=1e-9)


def test_every_grouped_arm_has_its_own_variance():
    r = mixed(tk.Trial(three_arms(), arm="arm", control="solo", group="group"), adjust=["y0"], contrasts="all")
    names = {"var_group_peer", "var_group_coach", "var_resid_solo", "var_resid_peer", "var_resid_coach"}
    assert set(r.variance_components) == names | {"icc_group_peer", "icc_group_coach"}
    assert r.tidy()["contrast"].tolist() == ["coach - solo", "peer - solo", "peer - coach"]
    assert r.tidy()["estimate"].iloc[2] == pytest.approx(r.tidy()["estimate"].iloc[1] - r.tidy()["estimate"].iloc[0])
    assert r.icc["arm"].tolist() == ["coach", "peer"]
    own = mixed(
        tk.Trial(three_arms(), arm="arm", control="solo", group="group"), adjust=["y0"], contrasts=[{"peer": 1, "coach": -1}]
    )
    np.testing.assert_allclose(numbers(own), numbers(r, 2), rtol=1e-9)
    test = r.joint_test(["peer", "coach"])
    assert test.df_num == 2
    assert 0 < test.p_value < 1


def test_arms_apart_are_as_good_as_together_without_shared_terms():
    """Without covariates nothing is shared between arms: each contrast is that of the trial of its two arms."""
    d = three_arms()
    both = mixed(tk.Trial(d, arm="arm", control="solo", group="group"))
    alone = mixed(tk.Trial(d[d["arm"] != "coach"], arm="arm", control="solo", group="group"))
    np.testing.assert_allclose(numbers(both, 1), numbers(alone), rtol=1e-7)
    assert both.variance_components["var_group_peer"] == pytest.approx(alone.variance_components["var_group"], rel=1e-7)


def test_dunnett_and_families_take_mixed_results():
    trial = tk.Trial(three_arms(), arm="arm", control="solo", group="group")
    r = mixed(trial, adjust=["y0"], correction="dunnett")
    assert (r.tidy()["p_adjusted"] >= r.tidy()["p_value"]).all()
    family = tk.family([mixed(trial, adjust=["y0"])], correction="romano_wolf", n_draws=400, seed=1)
    assert (family.tidy()["p_adjusted"] >= family.tidy()["p_value"] - 0.05).all()


def test_values_of_people_sum_to_the_variance():
    r = mixed(grouped_trial(grouped_data(4)), adjust=["y0"])
    s = r.evidence.sample
    sums = Clusters.from_labels(s.unit_of_variance)
    totals = sums.sum(r.evidence.influence[0][sums.order][:, None])
    assert float((totals**2).sum()) == pytest.approx(r.estimates[0].std_error ** 2, rel=1e-10)


def test_clusters_in_every_arm():
    d = clustered()
    trial = tk.Trial(d, arm="arm", control=0, cluster="cluster")
    r = mixed(trial, adjust=["x"])
    assert set(r.variance_components) == {"var_cluster", "var_resid", "icc"}
    by_arm = mixed(trial, adjust=["x"], residual_by_arm=True, random_by_arm=True)
    assert set(by_arm.variance_components) == {
        "var_cluster_0", "var_cluster_1", "var_resid_0", "var_resid_1", "icc_cluster_0", "icc_cluster_1",
    }  # fmt: skip
    shared = mixed(trial, adjust=["x"], residual_by_arm=True)
    assert set(shared.variance_components) == {"var_cluster", "var_resid_0", "var_resid_1", "icc_cluster_0", "icc_cluster_1"}
    assert by_arm.deviance <= shared.deviance + 1e-8 <= r.deviance + 2e-8


def test_groups_inside_clusters_have_both_variances():
    d = clustered(2, clusters=20)
    d["group"] = [f"{c}-{i % 3}" if a else None for i, (c, a) in enumerate(zip(d["cluster"], d["arm"]))]
    r = mixed(tk.Trial(d, arm="arm", control=0, cluster="cluster", group="group", ungrouped="singleton"))
    assert {"var_cluster", "var_group", "var_resid"} <= set(r.variance_components)
    d["group"] = np.where(d["arm"] == 1, "g" + d["cluster"].astype(str), None)
    same = mixed(tk.Trial(d, arm="arm", control=0, cluster="cluster", group="group"))
    assert "groups_are_clusters" in {n.code for n in same.notes}
    plain = mixed(tk.Trial(d, arm="arm", control=0, cluster="cluster"))
    np.testing.assert_allclose(numbers(same), numbers(plain), rtol=1e-9)


def test_random_strata_replace_fixed_ones():
    d = clustered(3, clusters=20)
    d["site"] = "s" + (d["cluster"] // 2 % 5).astype(str)
    trial = tk.Trial(d, arm="arm", control=0, cluster="cluster", strata=["site"])
    fixed, random = mixed(trial), mixed(trial, random=["site"])
    assert "var_site" in random.variance_components
    assert "var_site" not in fixed.variance_components
    unstratified = mixed(tk.Trial(d, arm="arm", control=0, cluster="cluster"), random=["site"])
    np.testing.assert_allclose(numbers(random), numbers(unstratified), rtol=1e-9)


def test_the_facilitator_may_be_named_by_its_role():
    d = pd.read_csv(FOLDER / "crossed.csv")
    trial = tk.Trial(d, arm="arm", control="solo", unit="id", group="group", facilitator="coach")
    r = mixed(trial, adjust=["y0"], random=["facilitator"])
    assert {"var_facilitator", "var_group"} <= set(r.variance_components)
    assert "facilitator_recorded" not in {n.code for n in r.notes}
    assert "facilitator_recorded" in {n.code for n in mixed(trial, adjust=["y0"]).notes}


def test_companions_are_the_ancova_and_the_likelihood_ratio():
    trial = grouped_trial(grouped_data(2, icc=0.4))
    r = mixed(trial, adjust=["y0"])
    table = r.companions().tidy()
    np.testing.assert_allclose(table[NUMBERS].to_numpy(dtype=float)[0], numbers(tk.itt(trial, "y", adjust=["y0"])), rtol=1e-9)
    ratio = table.iloc[1]
    assert ratio["contrast"] == "var_group"
    assert ratio["covariance"] == "half chi-square(0), half chi-square(1)"
    from scipy import stats

    assert ratio["p_value"] == pytest.approx(stats.chi2.sf(ratio["statistic"], 1) / 2, rel=1e-9)
    assert "Beside" in str(r.companions())


def test_the_likelihood_ratio_is_that_of_the_model_without_groups():
    """Residual variance by arm and nothing else: two regressions' worth of REML, in closed form without covariates."""
    d = grouped_data(2, icc=0.4)
    r = mixed(grouped_trial(d))
    null = 0.0
    for arm in ("peer", "solo"):
        y = d.loc[d["arm"] == arm, "y"].to_numpy()
        null += (len(y) - 1) * (np.log(2 * np.pi * y.var(ddof=1)) + 1) + np.log(len(y))
    assert r.companions().tidy()["statistic"].iloc[1] == pytest.approx(null - r.deviance, abs=1e-7)


def test_results_survive_a_file():
    r = mixed(grouped_trial(grouped_data(2)), adjust=["y0"])
    back = Result.from_dict(json.loads(json.dumps(r.to_dict())))
    assert isinstance(back, MixedResult)
    assert back.variance_components == r.variance_components
    assert back.deviance == r.deviance
    pd.testing.assert_frame_equal(back.companions().tidy(), r.companions().tidy())
    assert back.icc["conf_high"].tolist() == r.icc["conf_high"].tolist()
    assert "var_group" in str(back)
    with pytest.raises(UsageError, match="run the analysis again"):
        back.joint_test(["y0"])


def test_kenward_roger_keeps_the_estimate_and_widens():
    trial = grouped_trial(grouped_data(6))
    a, b = mixed(trial, adjust=["y0"]), mixed(trial, adjust=["y0"], df="kenward_roger")
    assert numbers(a)[0] == numbers(b)[0]
    assert numbers(b)[1] > numbers(a)[1]
    assert (a.tidy()["covariance"] == "model-based (Satterthwaite df)").all()
    assert (b.tidy()["covariance"] == "Kenward-Roger").all()


def test_strata_enter_as_in_the_ancova():
    d = grouped_data(7, groups=12, strata=3)
    r = mixed(grouped_trial(d, strata=["site"]), adjust=["y0"], strata_effects="interacted")
    assert "interacted" in r.estimates[0].method
    additive = mixed(grouped_trial(d, strata=["site"]), adjust=["y0"], strata_effects="additive")
    assert additive.estimates[0].estimate != r.estimates[0].estimate


def test_strata_by_the_hundred():
    """The design-based companion absorbs them; the model has a column for each."""
    rng = np.random.default_rng(1)
    strata = np.repeat(np.arange(110), 6)
    d = pd.DataFrame({"site": strata.astype(str), "arm": np.tile([1, 1, 1, 0, 0, 0], 110), "y": rng.normal(size=660)})
    d["group"] = np.where(d["arm"] == 1, "g" + pd.Series(strata // 5).astype(str), None)
    trial = tk.Trial(d, arm="arm", control=0, group="group", strata=["site"])
    r = mixed(trial)
    np.testing.assert_allclose(numbers(r.companions()), numbers(tk.itt(trial, "y")), rtol=1e-9)
    demeaned = d["y"] - d.groupby("site")["y"].transform("mean")
    assert r.estimates[0].estimate == pytest.approx(2 * demeaned[d["arm"] == 1].mean(), abs=0.02)


def test_groups_more_alike_than_chance_are_said():
    d = grouped_data(8, groups=10, icc=0.0)
    inside = d["group"].notna()
    d.loc[inside, "y"] -= 0.5 * d[inside].groupby("group")["y"].transform("mean")
    r = mixed(grouped_trial(d))
    assert r.variance_components["var_group"] < 0
    assert r.variance_components["icc"] == 0
    assert "negative_variance" in {n.code for n in r.notes}
    assert r.companions().tidy()["p_value"].iloc[1] == 1.0


def test_the_lower_limit_is_said_and_its_df_are_few():
    d = grouped_data(8, groups=10, icc=0.0)
    inside = d["group"].notna()
    d.loc[inside, "y"] -= 0.999 * d[inside].groupby("group")["y"].transform("mean")
    d.loc[d["group"] == "g03", "y"] += 0.01
    r = mixed(grouped_trial(d))
    assert "variance_at_limit" in {n.code for n in r.notes}
    assert r.variance_components["var_group"] == 0
    assert r.estimates[0].df == 9
    assert r.details["at_limit"] == ["group"]


def test_people_without_groups_are_not_for_this_estimator():
    d = grouped_data(1)
    with pytest.raises(CombinationError, match="estimator='ancova'"):
        mixed(tk.Trial(d, arm="arm", control="solo"))


def test_one_group_and_groups_of_one():
    d = grouped_data(1)
    one = d[(d["arm"] == "solo") | (d["group"] == "g01")]
    with pytest.raises(GroupError, match="one of the groups"):
        mixed(grouped_trial(one))
    left = d.copy()
    left.loc[left["group"].notna() & left.duplicated("group"), "y"] = np.nan
    with pytest.raises(GroupError, match=r"have one member with 'y'.*ancova"):
        mixed(grouped_trial(left))


def test_weights_and_group_averages_are_refused():
    d = grouped_data(1).assign(w=1.5)
    with pytest.raises(CombinationError, match=r"takes no weights.*ancova"):
        mixed(grouped_trial(d, weights="w"))
    with pytest.raises(CombinationError, match=r"average='group'.*ancova"):
        mixed(grouped_trial(d), average="group")


def test_options_that_make_no_sense():
    d = pd.read_csv(FOLDER / "crossed.csv")
    trial = tk.Trial(d, arm="arm", control="solo", unit="id", group="group", strata=["site"])
    for options, error, text in (
        ({"random": "site"}, UsageError, r"random=\['site'\]"),
        ({"random": ["sit"]}, ColumnNotFoundError, "Did you mean 'site'"),
        ({"random": ["group"]}, UsageError, "in the model already"),
        ({"random": ["arm"]}, UsageError, "which is the arm"),
        ({"random": ["coach"], "adjust": ["coach"]}, UsageError, "fixed or random, not both"),
        ({"random": ["coach", "coach"]}, UsageError, "twice"),
        ({"residual_by_arm": "yes"}, UsageError, "not True or False"),
        ({"random_by_arm": True}, CombinationError, "randomized clusters"),
        ({"residual_by_arms": True}, UsageError, "Did you mean 'residual_by_arm'"),
        ({"df": "residual"}, CombinationError, "does not take df='residual'"),
        ({"covariance": "CR2"}, CombinationError, "does not take covariance='CR2'"),
        ({"measure": "risk_difference"}, CombinationError, "does not give measure"),
    ):
        with pytest.raises(error, match=text):
            mixed(trial, **options)


def test_effects_that_cannot_be_told_apart():
    d = pd.read_csv(FOLDER / "crossed.csv")
    d["leader"] = d["group"].map(lambda g: None if pd.isna(g) else f"leader of {g}")
    trial = tk.Trial(d, arm="arm", control="solo", unit="id", group="group")
    with pytest.raises(NotIdentifiedError, match="same people"):
        mixed(trial, random=["leader"])
    d["half"] = d["coach"].where(np.arange(len(d)) % 2 == 0)
    with pytest.raises(MissingDataError, match="'half' is missing"):
        mixed(tk.Trial(d, arm="arm", control="solo", unit="id", group="group"), random=["half"])
    d["one"] = "all"
    with pytest.raises(GroupError, match="one of the levels of 'one'"):
        mixed(tk.Trial(d, arm="arm", control="solo", unit="id", group="group"), random=["one"])


def test_outcomes_without_anything_to_vary():
    d = grouped_data(9)
    d["alike"] = d["group"].map(lambda g: None if pd.isna(g) else float(g[1:]) ** 0.5)
    d["alike"] = d["alike"].astype(float).where(d["group"].notna(), d["y"])
    with pytest.raises(EstimationError, match="var_resid_peer goes to 0"):
        mixed(grouped_trial(d), "alike")
    d["flat"] = d["y"].where(d["arm"] == "peer", 4.0)
    with pytest.raises(EstimationError, match="var_resid_solo goes to 0"):
        mixed(grouped_trial(d), "flat")
    d["copy"] = 2 * d["y0"] + 1
    with pytest.raises(EstimationError, match="determined exactly"):
        mixed(grouped_trial(d), "copy", adjust=["y0"])
    with pytest.raises(EstimationError, match="same"):
        mixed(grouped_trial(d.assign(constant=3.0)), "constant")


def test_missing_outcomes_and_text():
    d = grouped_data(3)
    d.loc[d.index[::7], "y"] = np.nan
    r = mixed(grouped_trial(d), adjust=["y0"])
    complete = mixed(grouped_trial(d[d["y"].notna()]), adjust=["y0"])
    np.testing.assert_allclose(numbers(r), numbers(complete), rtol=1e-9)
    assert "outcome_missing" in {n.code for n in r.notes}
    with pytest.raises(MissingDataError, match="missing for everyone"):
        mixed(grouped_trial(d.assign(y=np.nan)))
    with pytest.raises(ValueTypeError):
        mixed(grouped_trial(d.assign(y="high")))
    with pytest.raises(ColumnNotFoundError, match="Did you mean 'y0'"):
        mixed(grouped_trial(d), adjust=["y00"])


def test_sizes_that_go_with_the_outcome_are_said():
    d = grouped_data(3, groups=30)
    size = d.groupby("group")["id"].transform("size").fillna(0)
    d["y"] += 0.3 * size
    r = mixed(grouped_trial(d))
    text = {n.code: n.text for n in r.notes}["informative_size"]
    assert text.endswith("with 'ancova' you choose.")
    assert "average; say which" not in text


def test_few_levels_of_a_random_column_are_said():
    d = pd.read_csv(FOLDER / "crossed.csv")
    d["region"] = d["site"].map({"s0": "n", "s1": "n", "s2": "m", "s3": "m"}).fillna("s")
    r = mixed(tk.Trial(d, arm="arm", control="solo", unit="id", group="group"), random=["region"])
    assert "few_levels" in {n.code for n in r.notes}


def test_the_example_runs():
    assert doctest.testmod(mixed_result).failed == 0
