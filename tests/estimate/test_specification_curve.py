"""The specification curve: rows against `itt`, the joint test against the randomization test and against fits draw by draw, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from trialkit.errors import CombinationError, DesignError, EstimationError, UsageError
from trialkit.estimate.draws.assignments import Source
from trialkit.estimate.multiverse.joint import redrawn
from trialkit.inference.draws.interacted_effects import interacted_effects
from trialkit.inference.draws.specification_curve import Curves, joint_test
from trialkit.results import Result

SETS = [["y0"], ["y0", "age"], []]


def people(n: int = 60, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"id": np.arange(n), "site": np.tile(["a", "b"], n // 2), "y0": rng.normal(size=n), "age": rng.normal(40, 9, n)}
    )


def trial(
    n: int = 60, *, effect: float = 0.5, seed: int = 1, groups: bool = False, strata: bool = False, lost: float = 0.0
) -> tk.Trial:
    d = people(n, seed)
    rng = np.random.default_rng(seed + 100)
    arms = {"solo": 1, "peer": 1}
    design = (
        tk.design.stratified(d, unit="id", strata=["site"], arms=arms) if strata else tk.design.complete(d, unit="id", arms=arms)
    )
    if groups:
        design = design.with_groups(arm="peer", size=(4, 6))
    d = d.merge(design.assign(seed=seed).reset_index(drop=True), on="id")
    d["y1"] = d["y0"] / 2 + effect * (d["arm"] == "peer") + rng.normal(size=n)
    d["y2"] = d["y1"] + 0.3 * rng.normal(size=n)
    d.loc[rng.random(n) < lost, "y1"] = np.nan
    return tk.Trial(
        d,
        arm="arm",
        control="solo",
        unit="id",
        strata=["site"] if strata else [],
        group="group" if groups else None,
        design=design,
    )


@pytest.mark.parametrize("groups", [False, True])
def test_every_row_is_what_itt_gives(groups):
    t = trial(groups=groups)
    found = tk.specification_curve(t, "y1", adjust=SETS, estimators=["ancova", "lin"], caps=[None, 0.9], n_draws=0)
    assert len(found.estimates) == 12 and found.registered is found.estimates[0]
    for e in found.estimates:
        adjust = [] if e.extra["adjusted_for"] == "not adjusted" else e.extra["adjusted_for"].split(", ")
        cap = None if e.extra["extremes"] == "as measured" else 0.9
        own = tk.itt(t, "y1", adjust=adjust, estimator=e.extra["estimator"], cap=cap).estimates[0]
        assert (e.estimate, e.std_error, e.df, e.p_value) == (own.estimate, own.std_error, own.df, own.p_value)


def test_one_specification_is_the_randomization_test():
    for groups, adjust in ((False, ["y0"]), (True, ["y0"]), (False, [])):
        t = trial(groups=groups)
        own = tk.randomization_test(t, "y1", adjust=adjust, statistic="studentized", n_draws=299, seed=5)
        found = tk.specification_curve(t, "y1", adjust=[adjust], n_draws=299, seed=5)
        joint = found.joint.set_index("statistic")
        assert found.p_value == pytest.approx(own.p_value, abs=1e-12)
        assert joint.loc["mean_abs_t", "p_value"] == pytest.approx(own.p_value, abs=1e-12)
        assert joint.loc["median_t", "observed"] == pytest.approx(own.statistic, rel=1e-9)


def test_listed_assignments_give_the_exact_p():
    t = trial(10, effect=1.5)
    own = tk.randomization_test(t, "y1", statistic="difference", n_draws="all")
    found = tk.specification_curve(t, "y1", n_draws="all", statistic="median_estimate")
    assert found.p_value == pytest.approx(own.p_value, abs=1e-12)
    assert found.details["enumerated"] and found.joint["mc_error"].max() == 0


def test_the_batch_is_the_fit_of_every_draw():
    t = trial(strata=True)
    drawn = Source.of(t, 25, 3).all_arms()
    found = tk.specification_curve(t, "y1", adjust=SETS, estimators=["ancova", "lin"], n_draws=25, seed=3)
    assert len(found.details["in_joint"]) == 6
    made = np.empty((len(drawn.arms), 6, 2))
    for b in range(len(drawn.arms)):
        other = redrawn(t, drawn, b)
        for j, e in enumerate(found.estimates):
            adjust = [] if e.extra["adjusted_for"] == "not adjusted" else e.extra["adjusted_for"].split(", ")
            row = tk.itt(other, "y1", adjust=adjust, estimator=e.extra["estimator"]).estimates[0]
            made[b, j] = row.estimate, row.statistic
    median = np.median(made[:, :, 1], axis=1)
    joint = found.joint.set_index("statistic")
    assert joint.loc["median_t", "observed"] == pytest.approx(median[0], rel=1e-8)
    assert joint.loc["median_t", "p_value"] == pytest.approx(np.mean(np.abs(median) >= abs(median[0]) - 1e-9))
    absolute = np.abs(made[:, :, 1]).mean(axis=1)
    assert joint.loc["mean_abs_t", "p_value"] == pytest.approx(np.mean(absolute >= absolute[0] - 1e-9))
    spread = t.values("y1").std(ddof=1)
    assert joint.loc["median_estimate", "observed"] == pytest.approx(np.median(made[0, :, 0]) / spread, rel=1e-8)


def test_clusters_and_pairs_are_drawn_as_they_were():
    rng = np.random.default_rng(4)
    d = pd.DataFrame({"id": np.arange(96), "school": np.repeat(np.arange(12), 8), "y0": rng.normal(size=96)})
    design = tk.design.clustered(d, cluster="school", unit="id", arms={"solo": 1, "peer": 1})
    d = d.merge(design.assign(seed=1).reset_index(drop=True), on="id")
    d["y1"] = rng.normal(size=12)[d["school"]] + d["y0"] + rng.normal(size=96)
    t = tk.Trial(d, arm="arm", control="solo", unit="id", cluster="school", design=design)
    own = tk.randomization_test(t, "y1", adjust=["y0"], statistic="studentized", n_draws="all")
    found = tk.specification_curve(t, "y1", adjust=[["y0"]], n_draws="all")
    assert found.p_value == pytest.approx(own.p_value, abs=1e-12)
    both = tk.specification_curve(t, "y1", adjust=[["y0"], []], estimators=["ancova", "lin"], n_draws=99, seed=1)
    assert both.details["in_joint"] == [0, 1, 2, 3] and set(both.joint["statistic"]) >= {"median_estimate"}
    people_of_pairs = people(40).assign(pair=np.repeat(np.arange(20), 2))
    pairs = tk.design.matched_pairs(people_of_pairs, pairs="pair", unit="id", arms={"solo": 1, "peer": 1})
    d = people_of_pairs.merge(pairs.assign(seed=1).reset_index(drop=True), on="id")
    d["y1"] = d["y0"] + rng.normal(size=40)
    t = tk.Trial(d, arm="arm", control="solo", unit="id", strata=["pair"], design=pairs)
    found = tk.specification_curve(t, "y1", adjust=[["y0"], []], n_draws=99, seed=1)
    assert found.details["in_joint"] == [0, 1] and 0 < found.p_value <= 1


def test_specifications_that_are_not_linear_are_left_out_or_run_again():
    t = trial(40, lost=0.2)
    rules = {
        "available cases": None,
        "imputed": lambda d, y: tk.missing.impute(d, [y], predictors=["y0"], n_imputations=3, seed=1),
        "weighted": ["y0"],
    }
    asked = {"adjust": [["y0"]], "missing": rules, "n_draws": 9, "seed": 2}
    left = tk.specification_curve(t, "y1", **asked)
    assert left.details["in_joint"] == [0]
    assert any(n.code == "not_in_joint_test" and n.text.startswith("2 of 3") for n in left.notes)
    again = tk.specification_curve(t, "y1", refit=True, **asked)
    assert again.details["in_joint"] == [0, 1, 2] and 0.1 <= again.p_value <= 1
    pooled = tk.missing.impute(t, ["y1"], predictors=["y0"], n_imputations=3, seed=1).analyse(
        lambda d: tk.itt(d, "y1", adjust=["y0"])
    )
    assert again.estimates[1].estimate == pooled.estimates[0].estimate
    assert again.estimates[2].estimate == tk.itt(t, "y1", adjust=["y0"], response_weights=["y0"]).estimates[0].estimate
    assert [e.n for e in again.estimates][:2] == [t.n - int(np.isnan(t.values("y1")).sum()), t.n]


def test_combinations_are_counted_once():
    t = trial(lost=0.1)
    found = tk.specification_curve(t, "y1", adjust=SETS, estimators=["ancova", "difference_in_means"], n_draws=0)
    assert [e.extra["specification"] for e in found.estimates] == [
        "y0; ancova", "not adjusted; difference_in_means", "y0, age; ancova", "not adjusted; ancova",
    ]  # fmt: skip
    weighted = {"available cases": None, "weighted": ["y0"]}
    crossed = tk.specification_curve(t, "y1", adjust=SETS, estimators=["ancova", "lin"], missing=weighted, n_draws=0)
    assert crossed.summary["specifications"] == 9
    assert next(n for n in crossed.notes if n.code == "no_such_specification").text.startswith("3 combinations")
    single = tk.specification_curve(
        t, "y1", adjust=SETS, estimators=["ancova", "lin"], caps=[None, 0.9], combine="one_at_a_time", n_draws=0
    )
    assert single.summary["specifications"] == 1 + 2 + 1 + 1


def test_the_summary_is_of_the_rows():
    found = tk.specification_curve(trial(effect=0.2), "y1", adjust=SETS, estimators=["ancova", "lin"], n_draws=0)
    d, s = found.tidy(), found.summary
    assert (s["median"], s["lowest"], s["highest"]) == (d["estimate"].median(), d["estimate"].min(), d["estimate"].max())
    assert s["significant"] == (d["p_value"] < 0.05).sum()
    assert s["same_sign"] == (np.sign(d["estimate"]) == np.sign(d["estimate"][0])).sum()
    assert s["place"] == (d["estimate"] < d["estimate"][0]).sum() + 1
    ancova = next(r for r in found.details["options"] if r["option"] == "ancova")
    assert ancova["median"] == d.loc[d["estimator"] == "ancova", "estimate"].median()


def test_a_failure_stays_with_its_reason():
    t = trial()
    t = t.with_columns({"copy": (t.data["arm"] == "peer").astype(float)})
    found = tk.specification_curve(t, "y1", adjust=[["y0"], ["copy"]], n_draws=49, seed=1)
    failed = found.failed
    assert len(failed) == 1 and "cannot be told apart" in failed[0].extra["reason"] and np.isnan(failed[0].estimate)
    assert found.summary["estimated"] == 1 and found.details["in_joint"] == [0]
    assert "failed: copy" in str(found)


def test_scorings_are_shown_in_sds_of_the_control_arm():
    t = trial()
    t = t.with_columns({"tens": 10 * t.values("y1") + 3})
    found = tk.specification_curve(t, "y1", adjust=[["y0"]], scoring={"registered": "y1", "in tens": "tens"}, n_draws=99, seed=1)
    first, second = found.estimates
    sd = t.values("y1")[t.arm_codes == 0].std(ddof=1)
    assert first.estimate == pytest.approx(tk.itt(t, "y1", adjust=["y0"]).estimates[0].estimate / sd)
    assert second.estimate == pytest.approx(first.estimate) and second.extra["column"] == "tens"
    swapped = tk.specification_curve(
        t, "y1", adjust=[["y0"]], scoring={"registered": "y1", "other": "y2"}, instead={"other": {"y0": "age"}}, n_draws=0
    )
    assert (
        swapped.estimates[1].std_error > 0
        and swapped.estimates[1].p_value == tk.itt(t, "y2", adjust=["age"]).estimates[0].p_value
    )


def test_ratios_and_several_arms():
    t = trial()
    t = t.with_columns({"job": (t.values("y1") > 0).astype(float)})
    ratio = tk.specification_curve(t, "job", measure="risk_ratio", adjust=[["y0"], []], estimators=["g_computation"], n_draws=0)
    assert ratio.summary["positive"] == sum(e.estimate > 1 for e in ratio.estimates)
    d = people(90)
    design = tk.design.complete(d, unit="id", arms={"solo": 1, "peer": 1, "coach": 1})
    d = d.merge(design.assign(seed=1).reset_index(drop=True), on="id")
    d["y1"] = np.random.default_rng(7).normal(size=90) + 3.0 * (d["arm"] == "coach")
    three = tk.Trial(d, arm="arm", control="solo", unit="id", design=design)
    with pytest.raises(UsageError, match="several treated arms"):
        tk.specification_curve(three, "y1", n_draws=0)
    with pytest.raises(UsageError, match="Did you mean 'peer'"):
        tk.specification_curve(three, "y1", arm="peers", n_draws=0)
    asked = {"adjust": [["y0"], []], "n_draws": 99, "seed": 1}
    coach, peer = (tk.specification_curve(three, "y1", arm=a, **asked) for a in ("coach", "peer"))
    assert coach.p_value == 0.01 and peer.p_value > 0.01
    own = tk.randomization_test(three, "y1", adjust=["y0"], statistic="studentized", n_draws=99, seed=1, correction=None).tidy()
    alone = tk.specification_curve(three, "y1", arm="peer", adjust=[["y0"]], n_draws=99, seed=1)
    assert alone.p_value == pytest.approx(own.set_index("contrast").loc["peer - solo", "p_value"])


@settings(max_examples=8, deadline=None)
@given(shift=st.floats(-50, 50), scale=st.sampled_from([0.01, 0.5, 3.0, 1000.0]), order=st.integers(0, 1000))
def test_units_and_row_order_change_nothing(shift, scale, order):
    t = trial(40, groups=True)
    asked = {"adjust": SETS, "estimators": ["ancova", "lin"], "n_draws": 99, "seed": 1}
    base = tk.specification_curve(t, "y1", **asked)
    d = t.data.sample(frac=1, random_state=order).assign(y1=lambda x: shift + scale * x["y1"])
    other = tk.Trial(d, arm="arm", control="solo", unit="id", group="group", design=t.design)
    moved = tk.specification_curve(other, "y1", **asked)
    assert np.allclose(moved.tidy()["estimate"], scale * base.tidy()["estimate"], rtol=1e-6)
    assert np.allclose(moved.joint["p_value"], base.joint["p_value"])


def test_turned_arms_turn_the_curve():
    t = trial(40)
    turned = tk.Trial(t.data, arm="arm", control="peer", unit="id", design=t.design)
    asked = {"adjust": SETS, "n_draws": 199, "seed": 1}
    one, two = tk.specification_curve(t, "y1", **asked), tk.specification_curve(turned, "y1", **asked)
    assert np.allclose(one.tidy()["estimate"], -two.tidy()["estimate"])
    assert np.allclose(one.joint["p_value"], two.joint["p_value"])


def test_weights_of_zero_are_rows_that_are_not_there():
    t = trial(40)
    weight = np.where(np.arange(40) < 5, 0.0, 1.0)
    weighted = tk.Trial(t.data.assign(w=weight), arm="arm", control="solo", unit="id", weights="w")
    dropped = tk.Trial(t.data[weight > 0], arm="arm", control="solo", unit="id")
    one, two = (tk.specification_curve(x, "y1", adjust=SETS, n_draws=0).tidy()["estimate"] for x in (weighted, dropped))
    assert np.allclose(one, two)


def test_lin_over_draws_has_the_standard_errors_of_lin():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    basis = np.linalg.qr(np.column_stack([np.ones(50), X]))[0]
    draws = np.array([rng.permutation(np.repeat([0, 1], 25)) for _ in range(6)])
    value, variance = interacted_effects(y=y, draws=draws, n_arms=2, arm=1, reference=0, basis=basis)
    for b in range(6):
        d = pd.DataFrame({"arm": draws[b], "y": y, "a": X[:, 0], "b": X[:, 1], "c": X[:, 2]})
        own = tk.itt(tk.Trial(d, arm="arm", control=0), "y", adjust=["a", "b", "c"], estimator="lin").estimates[0]
        assert value[b] == pytest.approx(own.estimate, rel=1e-9) and np.sqrt(variance[b]) == pytest.approx(
            own.std_error, rel=1e-9
        )
    few = np.where(np.arange(50) < 3, 1, 0)[None, :]
    assert np.isnan(interacted_effects(y=y, draws=few, n_arms=2, arm=1, reference=0, basis=basis)[0]).all()


def test_the_statistics_of_a_curve_by_hand():
    curves = Curves(
        np.array([[1.0, 2, 9], [0, 0, 0], [-3, -2, 1]]),
        np.array([[2.5, -1, 3], [0.5, 0, 1], [-3, -2.5, -4]]),
        np.full((3, 3), 1e6),
    )
    own = Curves(curves.estimate[:1], curves.t[:1], curves.df[:1])
    expected = {
        "median_t": (2.5, 2 / 3),
        "mean_abs_t": (6.5 / 3, 2 / 3),
        "share_significant": (2 / 3, 2 / 3),
        "median_estimate": (2, 2 / 3),
    }
    for name, (observed, p) in expected.items():
        found = joint_test(name=name, drawn=curves, observed=own, weights=np.full(3, 1 / 3))
        assert (found.observed, found.p_value) == (pytest.approx(observed), pytest.approx(p))


def test_a_stored_curve_is_the_same_curve():
    found = tk.specification_curve(trial(), "y1", adjust=SETS, n_draws=49, seed=1)
    again = Result.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert again.to_dict() == found.to_dict() and again.p_value == found.p_value >= 0.02
    assert str(again) == str(found) and "chosen beforehand" in str(found)


def test_without_a_design_the_curve_has_no_test():
    t = trial()
    bare = tk.Trial(t.data, arm="arm", control="solo", unit="id")
    found = tk.specification_curve(bare, "y1", adjust=SETS)
    assert np.isnan(found.p_value) and found.joint.empty and any(n.code == "no_design" for n in found.notes)
    grouped = trial(groups=True)
    unformed = tk.Trial(grouped.data, arm="arm", control="solo", unit="id", group="group", design=t.design)
    with pytest.raises(DesignError, match="with_groups"):
        tk.specification_curve(unformed, "y1", n_draws=9, seed=1)
    with pytest.raises(DesignError, match="listed"):
        tk.specification_curve(grouped, "y1", n_draws="all")


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"adjust": "y0"}, UsageError, "lists of columns"),
        ({"adjust": {"a": "y0"}}, UsageError, "list of columns"),
        ({"adjust": {}}, UsageError, r"\[\] for none"),
        ({"estimators": "lin"}, UsageError, "takes a list"),
        ({"estimators": ["lim"]}, CombinationError, "Did you mean 'lin'"),
        ({"estimators": ["ancova", "cox"]}, CombinationError, "mean_difference"),
        ({"estimators": ["response_weighting"]}, UsageError, "rule for missing"),
        ({"covariances": ["auto", "CR9"]}, CombinationError, "none of the estimators"),
        ({"missing": {}}, UsageError, "empty"),
        ({"missing": {"w": "y0"}}, UsageError, "list of columns"),
        ({"scoring": {"other": "y2"}}, UsageError, "registered"),
        ({"statistic": "median"}, UsageError, "Did you mean 'median_t'"),
        ({"combine": "some"}, UsageError, "one_at_a_time"),
        ({"measure": "mean"}, UsageError, "no measure"),
        ({"alpha": 5}, UsageError, "between 0 and 1"),
        ({"caps": [0.3]}, EstimationError, "above one half"),
        ({"n_draws": 99}, UsageError, "seed"),
        ({"n_draws": 2.5, "seed": 1}, UsageError, "number of draws"),
    ],
)  # fmt: skip
def test_what_is_refused(asked, error, words):
    with pytest.raises(error, match=words):
        tk.specification_curve(trial(20), "y1", **({"n_draws": 0} | asked))


def test_outcomes_that_cannot_be_analysed():
    t = trial(20)
    t = t.with_columns({"flat": np.ones(20), "gone": np.full(20, np.nan), "words": ["a", "b"] * 10})
    for column, words in (("flat", "the same"), ("gone", "missing for everyone"), ("words", "words|text|numbers"), ("y9", "y9")):
        with pytest.raises(EstimationError, match=words):
            tk.specification_curve(t, column, n_draws=0)
    grouped = trial(groups=True)
    with pytest.raises(UsageError, match="median_t"):
        tk.specification_curve(grouped, "y1", statistic="median_estimate", n_draws=9, seed=1)
    assert "median_estimate" not in set(tk.specification_curve(grouped, "y1", n_draws=19, seed=1).joint["statistic"])
    with pytest.raises(UsageError, match="Trial first"):
        tk.specification_curve(t.data, "y1")
