"""What cannot be imputed is refused with what, where and the remedy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.missing.test_impute import frame, trial


def refused(error, words, t=None, columns=("y2",), **given):
    with pytest.raises(error, match=words):
        tk.missing.impute(trial() if t is None else t, columns, **({"seed": 1, "n_imputations": 2} | given))


def changed(**columns):
    return trial(frame().assign(**columns))


E = tk.errors


@pytest.mark.parametrize(
    ("error", "words", "given"),
    [
        (E.ColumnNotFoundError, "Did you mean 'y2'", {"columns": ["yy2"]}),
        (E.UsageError, "columns is empty", {"columns": []}),
        (E.UsageError, "arms are imputed apart", {"columns": ["y2", "arm"]}),
        (E.UsageError, "its effect is in the model", {"columns": ["y2"], "predictors": ["group"]}),
        (E.UsageError, "leave it out of predictors", {"columns": ["y1", "y2"], "predictors": ["y1"]}),
        (E.UsageError, "twice", {"columns": ["y2", "y2"]}),
        (E.ValueTypeError, "text or categories", {"columns": ["y2", "site"]}),
        (E.UsageError, "not a seed", {"seed": None}),
        (E.UsageError, "n_imputations=1", {"n_imputations": 1}),
        (E.UsageError, "n_iterations=0", {"n_iterations": 0}),
        (E.UsageError, "Did you mean 'j2r'", {"strategy": "j2rr"}),
        (E.UsageError, "does not go with strategy", {"strategy": "j2r", "model": "chained"}),
        (E.UsageError, "for chained equations", {"columns": ["y1", "y2"], "model": "joint", "n_iterations": 5}),
        (E.UsageError, "is unknown: say one of", {"methods": {"y2": "forest"}}),
        (E.UsageError, "Did you mean 'y2'", {"methods": {"y22": "pmm"}}),
        (E.UsageError, "for 0 and 1", {"methods": {"y2": "logistic"}}),
        (E.UsageError, "neither in columns nor in predictors", {"predicts": {"y2": ["y1"]}}),
        (E.UsageError, "in order of time", {"columns": ["y2", "y1"], "strategy": "cir"}),
        (E.UsageError, "increasing order", {"columns": {2: "y2", 1: "y1"}, "strategy": "cir"}),
        (E.ArmError, "Did you mean 'solo'", {"columns": ["y1", "y2"], "strategy": "cir", "reference": "sollo"}),
        (E.UsageError, "borrows from no other arm", {"reference": "solo"}),
        (E.UsageError, "holds 0 and 1 only", {"columns": ["job"], "strategy": "j2r"}),
        (E.UsageError, "nothing is missing", {"columns": ["y0"]}),
    ],
)
def test_requests(error, words, given):
    refused(error, words, **given)


def test_a_list_is_a_list():
    with pytest.raises(tk.errors.UsageError, match=r"columns=\['y2'\]"):
        tk.missing.impute(trial(), "y2", seed=1)


def test_missing_for_everyone_and_for_an_arm():
    d = frame()
    refused(E.MissingDataError, "missing for everyone", changed(y2=np.nan))
    refused(E.MissingDataError, "all 60 people in arm 'peer'", trial(d.assign(y2=d["y2"].where(d["arm"] == "solo"))))


def test_groups_without_outcomes_but_one():
    d = frame()
    refused(E.GroupError, "has 1 group with 'y2'", trial(d.assign(y2=d["y2"].where(d["group"].isna() | (d["group"] == "g1")))))


def test_codes_that_were_not_declared():
    d = frame()
    refused(E.ValueTypeError, "-99", trial(d.assign(y2=d["y2"].fillna(-99))))
    with pytest.raises(E.ValueTypeError, match="-99"):
        tk.missing.what_if(trial(d.assign(y2=d["y2"].where(d["y2"] < 1, -99.0))), "y2", failed=0)


def test_text_and_infinite_values():
    d = frame()
    refused(E.ValueTypeError, "text or categories", trial(d.assign(y2=d["y2"].astype(str))))
    refused(E.ValueTypeError, "infinite", trial(d.assign(y2=d["y2"].where(d["y2"].isna() | (d["y2"] > -1), np.inf))))


def test_columns_that_follow_from_others():
    d = frame()
    refused(E.UsageError, "follows exactly", trial(d.assign(total=d["y1"] + d["y2"])), columns=["y1", "y2", "total"])
    refused(E.UsageError, "follows exactly", trial(d.assign(twin=2 * d["y2"] + 1)), columns=["y2", "twin"])


def test_more_predictors_than_people():
    rng = np.random.default_rng(1)
    d = frame(n=44, G=4, lost=0.1).assign(**{f"x{j}": rng.normal(size=44) for j in range(18)})
    refused(E.EstimationError, "coefficients to predict", trial(d), predictors=[f"x{j}" for j in range(18)])


def test_a_constant_in_one_arm_is_harmless():
    d = frame()
    d["hours"] = np.where(d["arm"] == "peer", np.arange(120) % 7, 0.0)
    found = tk.missing.impute(trial(d), ["y2", "hours"], predictors=["y0"], n_imputations=2, seed=1)
    assert np.isfinite(found.completed(0).values("y2")).all()


def test_the_same_answer_from_everyone_observed_in_an_arm():
    d = frame()
    d.loc[(d["arm"] == "solo") & d["rating"].notna(), "rating"] = 3.0
    found = tk.missing.impute(trial(d), ["rating"], predictors=["y0"], n_imputations=2, seed=1)
    assert set(found.completed(0).values("rating")[d["arm"] == "solo"]) == {3.0}


def test_analyses_that_cannot_be_pooled():
    found = tk.missing.impute(trial(), ["y2"], predictors=["y0"], n_imputations=2, seed=1)
    with pytest.raises(E.UsageError, match="result with rows"):
        found.analyse(lambda t: 3)
    with pytest.raises(E.EstimationError, match="other rows"):
        seen = iter(["y2", "y0"])
        found.analyse(lambda t: tk.itt(t, next(seen)))
    with pytest.raises(E.UsageError, match="numbered 0 to 1"):
        found.completed(2)
    with pytest.raises(E.UsageError, match="was not imputed"):
        found.shifted({"y0": np.zeros(3)})
    with pytest.raises(E.UsageError, match="each of its"):
        found.shifted({"y2": np.zeros(3)})
    with pytest.raises(E.UsageError, match="each of the 1 waves"):
        tk.missing.delta(found, [1, 2])


def test_reference_based_refusals():
    d = frame()
    with pytest.raises(E.UsageError, match="Did you mean 'cir'"):
        tk.missing.reference_based(trial(), ["y1", "y2"], strategy="ciir")
    with pytest.raises(E.UsageError, match="not among the waves"):
        tk.missing.reference_based(trial(), ["y1", "y2"], strategy="cir", outcome="y3")
    with pytest.raises(E.UsageError, match="no sampling weights"):
        tk.missing.reference_based(trial(d.assign(w=1.0), weights="w"), ["y1", "y2"], strategy="cir")
    with pytest.raises(E.UsageError, match="say 't' or 'normal'"):
        tk.missing.reference_based(trial(), ["y1", "y2"], strategy="cir", interval="z")
    with pytest.raises(E.UsageError, match="differ by stratum"):
        d["s"] = np.where(d["arm"] == "peer", np.arange(120) % 4 == 0, np.arange(120) % 4 > 0).astype(str)
        tk.missing.reference_based(trial(d, strata=["s"]), ["y1", "y2"], strategy="cir")
    one = pd.DataFrame({"arm": ["p"] * 20 + ["s"] * 20, "g": ["a"] * 20 + [None] * 20, "y": np.arange(40.0) % 7})
    with pytest.raises(E.GroupError, match="one group"):
        tk.missing.reference_based(tk.Trial(one, arm="arm", control="s", group="g"), ["y"], strategy="cir")


def test_a_covariate_that_rests_on_one_group():
    d = frame()
    d["rare"] = (d["group"] == "g2").astype(float)
    with pytest.raises(E.EstimationError, match="without some unit"):
        tk.missing.reference_based(trial(d), ["y1", "y2"], strategy="cir", adjust=["y0", "rare"])
