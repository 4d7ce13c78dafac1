"""Meta-regression: against metafor, robumeta and clubSandwich, by what defines it, and what is refused."""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from trialkit.errors import DataError, EstimationError, UsageError
from trialkit.estimate.several.meta_regression import MetaRegression
from trialkit.inference.several.meta_regression import meta_regress
from trialkit.results import Result

# made by meta_reference/meta_regression.R: metafor 3.8.1, robumeta 2.0, clubSandwich 0.5.8
NUMBERS: dict[str, dict[str, float]] = defaultdict(dict)
with (Path(__file__).parent / "meta_reference" / "meta_regression.csv").open(encoding="utf-8") as file:
    for entry in csv.DictReader(file):
        NUMBERS[entry["case"]][entry["name"]] = float(entry["value"])


def column(case: str, name: str) -> np.ndarray:
    return np.array([v for k, v in NUMBERS[case].items() if k.rstrip("0123456789") == name])


def bcg(**options) -> MetaRegression:
    mods = {n: column("bcg_data", n) for n in ("ablat", "year")}
    return tk.meta(column("bcg_data", "yi"), column("bcg_data", "vi"), moderators=mods, **options)


def dependent(moderators=("x", "z"), **options) -> MetaRegression:
    y, v, study = (column("dependent_data", n) for n in ("y", "v", "study"))
    mods = {n: column("dependent_data", n) for n in moderators} or None
    return tk.meta(y, v, moderators=mods, study=study, **options)


@pytest.mark.parametrize("method", ["REML", "PM", "DL", "FE"])
def test_metafor_gives_the_same(method):
    found, ref = bcg(method=method, prediction="hk"), NUMBERS[f"bcg_{method}"]
    for j, e in enumerate(found.estimates, 1):
        shown = (e.estimate, e.std_error, e.p_value, e.conf_low, e.conf_high)
        assert shown == pytest.approx([ref[f"{n}{j}"] for n in ("b", "se", "p", "low", "high")], rel=1e-7)
    joint = found.f * (2 if method == "FE" else 1)  # metafor's chi-square of the common effect is not divided
    shown = (found.tau2, found.i2, found.q, found.q_p_value, joint, found.f_p_value)
    assert shown == pytest.approx([ref[n] for n in ("tau2", "I2", "QE", "QEp", "QM", "QMp")], rel=1e-7)
    at = found.predict({"year": 1960, "ablat": 40})
    assert (at["estimate"], at["conf_low"], at["conf_high"]) == pytest.approx(
        [ref[f"predict{n}"] for n in ("", "_low", "_high")], rel=1e-7
    )
    if method == "FE":
        assert math.isnan(found.r2) and math.isnan(at["prediction_low"])
    else:
        assert found.r2 == pytest.approx(ref["R2"], rel=1e-7)
        assert (at["prediction_low"], at["prediction_high"]) == pytest.approx([ref["new_low"], ref["new_high"]], rel=1e-7)


def test_without_knapp_and_hartung_the_test_is_normal_as_in_metafor():
    found, ref = bcg(hartung_knapp=False), NUMBERS["bcg_z"]
    assert [e.std_error for e in found.estimates] == pytest.approx([ref[f"se{j}"] for j in (1, 2, 3)], rel=1e-7)
    assert [e.p_value for e in found.estimates] == pytest.approx([ref[f"p{j}"] for j in (1, 2, 3)], rel=1e-6)
    assert (2 * found.f, found.f_p_value) == pytest.approx((ref["QM"], ref["QMp"]), rel=1e-7)
    assert math.isinf(found.f_df[1]) and {e.covariance for e in found.estimates} == {"model"}


@pytest.mark.parametrize("rho", [0, 0.5, 0.8])
def test_robumeta_and_clubsandwich_give_the_same(rho):
    found, ref = dependent(rho=rho), NUMBERS[f"robu_{rho}"]
    for j, e in enumerate(found.estimates, 1):
        shown = (e.estimate, e.std_error, e.df, e.p_value)
        assert shown == pytest.approx([ref[f"{n}{j}"] for n in ("b", "se", "df", "p")], rel=1e-8)
    assert found.tau2 == pytest.approx(ref["tau2"], rel=1e-9)
    assert (found.f, found.f_df[1], found.f_p_value) == pytest.approx([ref[n] for n in ("F", "F_df", "F_p")], rel=1e-8)
    assert "few_df" in [n.code for n in found.notes] and math.isnan(found.q) and math.isnan(found.i2)


def test_the_mean_of_dependent_effects_is_robumetas():
    found, ref = dependent(()), NUMBERS["robu_mean"]
    (e,) = found.estimates
    assert (e.estimate, e.std_error, e.df, found.tau2) == pytest.approx([ref[n] for n in ("b1", "se1", "df1", "tau2")], rel=1e-8)
    assert (e.n, e.n_clusters, e.estimand) == (36, 14, "mean of the true effects") and math.isnan(found.r2)
    at = found.predict()
    assert (at["estimate"], at["std_error"], at["df"]) == pytest.approx((e.estimate, e.std_error, e.df))
    assert at["prediction_high"] - at["estimate"] > e.conf_high - e.estimate


def test_a_category_is_compared_with_its_first_level():
    y, v = column("bcg_data", "yi"), column("bcg_data", "vi")
    alloc = [*["random"] * 4, *["alternate"] * 2, *["random"] * 3, *["systematic"] * 4]
    with pytest.raises(EstimationError, match="13 studies are too few for 3 columns"):
        tk.meta(y, v, moderators={"alloc": alloc, "year": column("bcg_data", "year")})
    found, ref = tk.meta(y, v, moderators=pd.DataFrame({"alloc": alloc})), NUMBERS["bcg_alloc"]
    assert [e.contrast for e in found.estimates] == ["intercept", "alloc: random", "alloc: systematic"]
    assert [e.estimate for e in found.estimates] == pytest.approx([ref[f"b{j}"] for j in (1, 2, 3)], rel=1e-7)
    assert [e.std_error for e in found.estimates] == pytest.approx([ref[f"se{j}"] for j in (1, 2, 3)], rel=1e-7)
    assert (found.f, found.f_p_value) == pytest.approx((ref["QM"], ref["QMp"]), rel=1e-7)
    ordered = pd.Categorical(alloc, categories=["systematic", "none", "alternate", "random"])
    again = tk.meta(y, v, moderators={"alloc": ordered})
    assert [e.contrast for e in again.estimates] == ["intercept", "alloc: alternate", "alloc: random"]
    assert again.predict({"alloc": "random"}) == pytest.approx(found.predict({"alloc": "random"}), rel=1e-7)
    assert found.predict({"alloc": "alternate"})["estimate"] == pytest.approx(ref["b1"], rel=1e-7)
    assert "few_studies" in [n.code for n in found.notes]


@pytest.mark.parametrize("method", ["REML", "PM", "DL", "FE"])
def test_a_column_of_ones_is_the_plain_meta_analysis(method):
    y, v = column("bcg_data", "yi"), column("bcg_data", "vi")
    plain = tk.meta(y, v, method=method, tolerance=1e-11)
    found = meta_regress(estimates=y, variances=v, X=np.ones((13, 1)), method=method)
    assert (found.tau2, 100 * found.i2, found.q) == pytest.approx((plain.tau2, plain.i2, plain.q), rel=1e-7)
    assert found.fit.coef[0] == pytest.approx(plain.estimate, rel=1e-8)


def test_two_sorts_of_studies_with_equal_variances_are_a_t_test():
    y = np.array([0.1, 0.4, 0.3, 0.9, 0.2, 0.8, 1.1, 0.5, 0.9, 1.0])
    found = tk.meta(y, [0.02] * 10, moderators={"both": [False] * 5 + [True] * 5})
    a, b = y[:5], y[5:]
    pooled = (a.var(ddof=1) + b.var(ddof=1)) / 2
    e = found.term("both")
    assert (e.estimate, e.std_error, e.df) == pytest.approx((b.mean() - a.mean(), math.sqrt(pooled * 2 / 5), 8))
    assert found.tau2 == pytest.approx(pooled - 0.02) and found.f == pytest.approx(e.statistic**2)


@given(seed=st.integers(0, 2**32 - 1), factor=st.sampled_from([-3.0, 0.01, 40.0]), dependence=st.booleans())
@settings(max_examples=25, deadline=None)
def test_order_units_and_labels_change_nothing(seed, factor, dependence):
    rng = np.random.default_rng(seed)
    k = 18
    x, v, study = rng.normal(size=k), rng.uniform(0.01, 0.05, k), np.repeat(np.arange(9), 2)
    y = 0.2 + 0.1 * x + 0.3 * rng.normal(size=k)
    options = {"study": study} if dependence else {}
    plain = tk.meta(y, v, moderators={"x": x}, **options)
    order = rng.permutation(k)
    options = {"study": [f"s{s}" for s in study[order]]} if dependence else {}
    turned = tk.meta(y[order] * factor, v[order] * factor**2, moderators={"x": 5 - 2 * x[order]}, **options)
    e, other = plain.term("x"), turned.term("x")
    assert other.estimate == pytest.approx(-factor / 2 * e.estimate, rel=1e-6, abs=1e-9)
    assert other.std_error == pytest.approx(abs(factor) / 2 * e.std_error, rel=1e-5)
    assert (other.df, other.p_value) == pytest.approx((e.df, e.p_value), rel=1e-4)
    assert turned.tau2 == pytest.approx(factor**2 * plain.tau2, rel=1e-5, abs=1e-9 * factor**2)


def test_copies_of_an_estimate_within_a_study_add_nothing():
    rng = np.random.default_rng(4)
    y, v, x = rng.normal(size=12), rng.uniform(0.05, 0.2, 12), rng.normal(size=12)
    once = tk.meta(y, v, moderators={"x": x}, study=np.arange(12), rho=1.0)
    thrice = tk.meta(
        np.repeat(y, 3), np.repeat(v, 3), moderators={"x": np.repeat(x, 3)}, study=np.repeat(np.arange(12), 3), rho=1.0
    )
    for a, b in zip(once.estimates, thrice.estimates):
        assert (a.estimate, a.std_error, a.df) == pytest.approx((b.estimate, b.std_error, b.df))
    assert once.tau2 == pytest.approx(thrice.tau2)


def test_a_stored_result_predicts_and_shows_itself():
    for found in (bcg(), dependent()):
        again = Result.from_dict(json.loads(json.dumps(found.to_dict())))
        assert isinstance(again, MetaRegression)
        at = {m["name"]: 1.5 for m in found.details["moderators"]}
        assert again.predict(at) == pytest.approx(found.predict(at))
        assert str(again) == str(found) and "all moderators: F(2," in str(found)
        assert again.studies.equals(found.studies) and found.studies["weight"].sum() == pytest.approx(100)
    hts = bcg().predict({"ablat": 40, "year": 1960})
    hk = bcg(prediction="hk").predict({"ablat": 40, "year": 1960})
    assert hts["conf_low"] == hk["conf_low"] and hts["prediction_low"] != hk["prediction_low"]


TWELVE = [0.1, 0.3, 0.2, 0.5, 0.4, 0.1, 0.6, 0.2, 0.3, 0.7, 0.4, 0.5]
HALF = [0, 1] * 6


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"moderators": {"a": HALF[:-1]}}, DataError, "moderator 'a' has 11 values for 12 estimates"),
        ({"moderators": pd.DataFrame({"a": HALF[:-1]})}, DataError, "11 rows of moderators"),
        ({"moderators": {"a": [np.nan, *HALF[1:]]}}, DataError, "missing for '1'"),
        ({"moderators": {"a": [np.inf, *HALF[1:]]}}, DataError, "infinite for '1'"),
        ({"moderators": {"a": [3] * 12}}, DataError, "3 everywhere"),
        ({"moderators": {"a": ["yes"] * 12}}, DataError, "'yes' everywhere"),
        ({"moderators": {"a": HALF, "b": [1 - h for h in HALF]}}, DataError, "combination"),
        ({"moderators": {"a": HALF, "b": [1 - h for h in HALF]}, "study": list(range(12))}, DataError, "combination"),
        ({"moderators": {"a": HALF, "b": TWELVE, "c": TWELVE[::-1]}}, EstimationError, "12 studies are too few for 3 columns"),
        ({"moderators": {"a": HALF}, "study": [1] * 6 + [2] * 6}, EstimationError, "2 studies are too few"),
        ({"study": [1] * 12}, EstimationError, "1 studies are too few for a mean"),
        ({"moderators": pd.DataFrame(index=range(12))}, UsageError, "no columns"),
        ({"moderators": HALF}, UsageError, "data frame or a mapping"),
        ({"study": [1, 2]}, DataError, "2 values for 12"),
        ({"study": [None, *range(11)]}, DataError, "missing for '1'"),
        ({"study": list(range(12)), "method": "REML"}, UsageError, "leave method= out"),
        ({"study": list(range(12)), "hartung_knapp": False}, UsageError, "CR2 by study"),
        ({"study": list(range(12)), "rho": 1.2}, UsageError, "rho=1.2"),
    ],
)
def test_what_cannot_be_answered_is_refused(options, error, words):
    with pytest.raises(error, match=words):
        tk.meta(TWELVE, [0.02] * 12, **options)


def test_rows_in_another_order_are_not_joined_by_position():
    table = pd.DataFrame({"y": TWELVE, "v": 0.02, "x": HALF}, index=list("abcdefghijkl"))
    found = tk.meta(table["y"], table["v"], moderators=table[["x"]], study=table.index.to_series())
    assert found.studies["label"].tolist() == list("abcdefghijkl")
    turned = table[::-1]
    for given_ in ({"moderators": turned[["x"]]}, {"moderators": {"x": turned["x"]}}, {"study": turned.index.to_series()}):
        with pytest.raises(DataError, match="other labels than the estimates"):
            tk.meta(table["y"], table["v"], **given_)


def test_predictions_ask_for_all_moderators():
    found = tk.meta(TWELVE, [0.02] * 12, moderators={"kind": ["a", "b"] * 6})
    for given_, words in [({}, "kind"), ({"kind": "c"}, "no level 'c'"), ({"kind": "a", "year": 1}, "year")]:
        with pytest.raises(UsageError, match=words):
            found.predict(given_)
    with pytest.raises(UsageError, match="no term 'kind'"):
        found.term("kind")
    with pytest.raises(UsageError, match="moderators take numbers"):
        bcg().predict({"ablat": "far", "year": 1960})
