"""tk.longitudinal refuses, with what, where and the remedy; what is suspicious without being wrong is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.estimate.test_longitudinal import WAVES, codes, people, trial, with_groups
from trialkit.errors import (
    ColumnNotFoundError,
    CombinationError,
    DataError,
    EstimationError,
    GroupError,
    IdentifierError,
    MissingDataError,
    NotIdentifiedError,
    UsageError,
    ValueTypeError,
)
from trialkit.estimate.longitudinal.long_format import to_wide


@pytest.fixture
def d():
    return people(0)


@pytest.mark.parametrize(
    "waves, words",
    [
        ({0: "y0"}, "1 wave is too few"),
        ({0: "y0", 1: "y1", 2: "y1"}, "'y1' stands for the waves 1 and 2"),
        ("y", "to_wide"),
        (["y0", "y1"], "mapping from each wave to its column"),
        ({0: "y0", 1: 7}, "7 is not one"),
        ({0: "y0", float("nan"): "y1"}, "finite number"),
        ({0: "y0", 1: "arm"}, "'arm' is the arm"),
        ({0: "y0", 1: "id"}, "'id' is the identifier"),
    ],
)
def test_waves(d, waves, words):
    with pytest.raises(UsageError, match=words):
        tk.longitudinal(trial(d), waves)


def test_columns(d):
    with pytest.raises(ColumnNotFoundError, match="Did you mean 'y1'"):
        tk.longitudinal(trial(d), {0: "y0", 1: "yy1"})
    with pytest.raises(ColumnNotFoundError, match="one row a measurement"):
        tk.longitudinal(trial(d), {0: "before", 1: "afterwards"})
    with pytest.raises(ColumnNotFoundError, match="agee"):
        tk.longitudinal(trial(d), WAVES, adjust=["agee"])
    with pytest.raises(ValueTypeError, match="holds text"):
        tk.longitudinal(trial(d), {0: "y0", 1: "sex"})


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"model": "lmm"}, UsageError, "'clda'"),
        ({"covariance_structure": "unstructured"}, UsageError, "one of us, cs"),
        ({"baseline": None}, CombinationError, "model='mmrm' with baseline=None"),
        ({"baseline": 0}, UsageError, "'first'"),
        ({"df": "z"}, CombinationError, "satterthwaite"),
        ({"covariance": "HC2"}, CombinationError, "CR2"),
        ({"df": "kenward_roger", "covariance": "CR2"}, CombinationError, "df='satterthwaite'"),
        ({"df": "kenward_roger", "covariance": "model"}, CombinationError, "of its own"),
        ({"df": "kenward_roger", "reml": False}, CombinationError, "REML"),
        ({"covariance": "kenward_roger"}, CombinationError, "goes with df"),
        ({"df": "residual"}, CombinationError, "no groups"),
        ({"group_structure": "toep"}, CombinationError, "'ar1'"),
        ({"over_waves": "slope"}, UsageError, r"over_waves=\['slope'\]"),
        ({"over_waves": ["trend"]}, UsageError, "'trend'"),
        ({"over_waves": {"late": {0: -1, 2: 1}}}, UsageError, "no follow-up"),
        ({"over_waves": {"late": {}}}, UsageError, "weights by wave"),
        ({"over_waves": {"late": {1: 0}}}, UsageError, "other than zero"),
        ({"contrasts": [{"peer": 1}]}, CombinationError, "'control' or 'all'"),
        ({"adjust": "age"}, UsageError, r"adjust=\['age'\]"),
        ({"adjust": ["y0"]}, UsageError, "a wave of the model"),
        ({"adjust": ["group"]}, UsageError, "the group"),
        ({"conf_level": 95}, UsageError, "between 0 and 1"),
        ({"covariate_missing": "zero"}, UsageError, "impute"),
        ({"strata_effects": "additive"}, UsageError, "needs strata"),
    ],
)
def test_options(d, options, error, words):
    with pytest.raises(error, match=words):
        tk.longitudinal(with_groups(d), WAVES, **options)


def test_no_trial(d):
    with pytest.raises(UsageError, match="takes a Trial first"):
        tk.longitudinal(d, WAVES)


def test_slopes_and_distances_need_numbers(d):
    words = {"start": "y0", "after": "y1", "later": "y2"}
    with pytest.raises(UsageError, match="numbers as labels"):
        tk.longitudinal(trial(d), words, over_waves=["slope"])
    with pytest.raises(UsageError, match="times as labels"):
        tk.longitudinal(trial(d), words, covariance_structure="sp_exp")
    with pytest.raises(UsageError, match="two follow-ups"):
        tk.longitudinal(trial(d), {0: "y0", 1: "y1"}, over_waves=["average"])


def test_waves_without_values(d):
    with pytest.raises(MissingDataError, match="'y2'\\) is missing for everyone"):
        tk.longitudinal(trial(d.assign(y2=np.nan)), WAVES)
    with pytest.raises(MissingDataError, match="there is no follow-up: 'y1' and 'y2'"):
        tk.longitudinal(trial(d.assign(y1=np.nan, y2=np.nan)), WAVES)
    with pytest.raises(MissingDataError, match="everyone in arm 'peer'"):
        tk.longitudinal(trial(d.assign(y2=d["y2"].where(d["arm"] == "solo"))), WAVES)
    few = d["y2"].where((d["arm"] == "solo") | (d["id"] == d.loc[d["y2"].first_valid_index(), "id"]))
    with pytest.raises(EstimationError, match="one person in arm 'peer'"):
        tk.longitudinal(trial(d.assign(y2=few)), WAVES)
    with pytest.raises(MissingDataError, match="baseline 'y0' has no values"):
        tk.longitudinal(trial(d.assign(y0=np.nan)), WAVES, model="mmrm")
    with pytest.raises(MissingDataError, match="model='clda'"):
        tk.longitudinal(trial(d.assign(y0=d["y0"].where(d["id"] > 3))), WAVES, model="mmrm", covariate_missing="error")


def test_waves_without_variation(d):
    with pytest.raises(EstimationError, match="the same \\(3\\) for everyone"):
        tk.longitudinal(trial(d.assign(y2=3.0)), WAVES)
    still = d.assign(y2=d["y2"].where(d["arm"] == "solo", 3.0))
    assert "constant_in_arm" in codes(tk.longitudinal(trial(still), WAVES))
    with pytest.raises(EstimationError):
        tk.longitudinal(trial(still), WAVES, covariance_by_arm=True)


@pytest.mark.parametrize("copy", [lambda d: d["y1"], lambda d: 2 * d["y1"] - d["y0"], lambda d: d["y1"] * 3 + 1])
@pytest.mark.parametrize("structure", ["us", "toeph"])
def test_waves_that_determine_each_other(d, copy, structure):
    with pytest.raises(EstimationError, match=r"determine each other|no maximum that can be trusted"):
        tk.longitudinal(trial(d.assign(y2=copy(d))), WAVES, covariance_structure=structure)


def test_two_waves_that_nobody_has_together(d):
    half = d["id"] % 2 == 0
    apart = d.assign(y1=d["y1"].where(half), y2=d["y2"].where(~half))
    with pytest.raises(EstimationError, match="nobody has both waves 1 and 2"):
        tk.longitudinal(trial(apart), WAVES)
    assert np.isfinite(tk.longitudinal(trial(apart), WAVES, covariance_structure="cs").tidy()["std_error"]).all()


def test_covariates_that_carry_the_arm(d):
    d["copy"] = (d["arm"] == "peer").astype(float)
    with pytest.raises(NotIdentifiedError, match="copy"):
        tk.longitudinal(trial(d), WAVES, adjust=["copy"])
    d["twice"] = 2 * d["age"]
    r = tk.longitudinal(trial(d), WAVES, adjust=["age", "twice"])
    assert "collinear" in codes(r)
    np.testing.assert_allclose(
        r.tidy()["estimate"], tk.longitudinal(trial(d), WAVES, adjust=["age"]).tidy()["estimate"], atol=1e-9
    )


def test_weights_that_differ(d):
    with pytest.raises(UsageError, match="sampling weights"):
        tk.longitudinal(trial(d.assign(w=1.0 + d["id"] % 3), weights="w"), WAVES)
    with pytest.raises(DataError, match="missing or negative"):
        trial(d.assign(w=np.where(d["id"] == 1, np.nan, 1.0)), weights="w")


def test_one_group(d):
    d["group"] = np.where(d["arm"] == "peer", "only", None)
    with pytest.raises(GroupError, match="one"):
        tk.longitudinal(with_groups(d), WAVES)
    with pytest.raises(GroupError, match="1 cluster"):
        tk.longitudinal(trial(d.assign(c=np.where(d["arm"] == "peer", "p", "c" + (d["id"] % 5).astype(str))), cluster="c"), WAVES)


def test_a_stratum_without_an_arm(d):
    d["site"] = np.where(d["arm"] == "peer", np.where(d["id"] % 5 == 0, "A", "B"), np.where(d["id"] % 5 < 4, "A", "B"))
    d.loc[(d["site"] == "A") & (d["arm"] == "peer"), ["y1", "y2"]] = np.nan
    d.loc[d.index[:3], ["y1", "y2"]] = 1.0, 2.0
    with pytest.raises(EstimationError, match="stratum 'site=A'"):
        tk.longitudinal(trial(d, strata=["site"]), WAVES, strata_effects="interacted")


def test_more_terms_than_measurements():
    d = people(0, groups=2, controls=8, drop=0).groupby("arm").head(6)
    d["kind"] = d["id"].astype(str)
    with pytest.raises((EstimationError, NotIdentifiedError)):
        tk.longitudinal(trial(d), WAVES, adjust=["kind"])


def test_what_is_suspicious_is_said(d):
    assert "suspicious_values" in codes(tk.longitudinal(trial(d.assign(y2=d["y2"].where(d["id"] % 7 > 0, -99))), WAVES))
    shifted = tk.longitudinal(trial(d.assign(y0=d["y0"] + 3 * (d["arm"] == "peer"))), WAVES)
    assert "baseline_differs" in codes(shifted) and "baseline_differs" not in codes(tk.longitudinal(trial(d), WAVES))
    wide = d.assign(y1=np.where(d["arm"] == "peer", 2.5, 1.0) * d["y1"])
    assert "covariances_differ" in codes(tk.longitudinal(with_groups(wide), WAVES))
    assert "covariances_differ" not in codes(tk.longitudinal(with_groups(wide), WAVES, covariance_by_arm=True))
    assert "covariances_differ" not in codes(tk.longitudinal(with_groups(d), WAVES))
    uneven = tk.longitudinal(trial(d), {0: "y0", 1: "y1", 12: "y2"}, covariance_structure="ar1")
    assert "waves_unevenly_spaced" in codes(uneven)


def test_to_wide():
    rows = pd.DataFrame({"id": [1, 1, 2], "wave": [0, 1, 0], "arm": ["solo", "solo", "peer"], "y": [3.0, 4.0, 2.5]})
    with pytest.raises(IdentifierError, match="two rows at one 'wave'"):
        to_wide(pd.concat([rows, rows.head(1)]), unit="id", wave="wave", outcome="y")
    with pytest.raises(DataError, match="'arm' changes within a person"):
        to_wide(rows.assign(arm=["solo", "peer", "peer"]), unit="id", wave="wave", outcome="y")
    with pytest.raises(ColumnNotFoundError, match="Did you mean 'wave'"):
        to_wide(rows, unit="id", wave="waves", outcome="y")
    with pytest.raises(IdentifierError, match="missing in row 2"):
        to_wide(rows.assign(id=[1, None, 2]), unit="id", wave="wave", outcome="y")
    with pytest.raises(DataError, match="already have a column 'y_0'"):
        to_wide(rows.assign(y_0=1), unit="id", wave="wave", outcome="y")


def test_long_data_in_a_trial_say_what_to_do():
    rows = pd.DataFrame(
        {"id": [1, 1, 2, 2], "wave": [0, 1, 0, 1], "arm": ["solo", "solo", "peer", "peer"], "y": [3.0, 4.0, 2.5, 2.0]}
    )
    with pytest.raises(IdentifierError, match="waves of a person in columns"):
        tk.Trial(rows, arm="arm", control="solo", unit="id")
