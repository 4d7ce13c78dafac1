"""Balance, flow and attrition: hand-computed, and reconciling."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from trialkit.errors import ColumnNotFoundError, UsageError
from trialkit.results import Result


def trial() -> tk.Trial:
    d = pd.DataFrame(
        {
            "arm": ["t"] * 4 + ["c"] * 4,
            "group": ["a", "a", "b", "b", None, None, None, None],
            "age": [20.0, 22, 24, 26, 30, 30, 34, np.nan],
            "woman": [1, 1, 1, 0, 0, 0, 1, 0],
            "level": ["low", "low", "high", "mid", "low", "high", "high", None],
            "y": [1.0, np.nan, 2, 3, 4, 5, np.nan, np.nan],
            "came": [1, 0, 1, 1, 0, 0, 0, 0],
        }
    )
    return tk.Trial(d, arm="arm", control="c", group="group")


def test_balance_by_hand():
    table = tk.selection.balance(trial(), ["age", "woman", "level"]).tidy()
    age = table[(table["covariate"] == "age") & (table["kind"] == "number")].iloc[0]
    assert age["mean_arm"] == 23
    assert age["n_control"] == 3
    va, vc = np.var([20, 22, 24, 26], ddof=1), np.var([30, 30, 34], ddof=1)
    assert age["standardized_difference"] == pytest.approx((23 - 94 / 3) / np.sqrt((va + vc) / 2))
    assert age["variance_ratio"] == pytest.approx(va / vc)
    woman = table[table["covariate"] == "woman"].iloc[0]
    assert woman["kind"] == "share"
    assert woman["standardized_difference"] == pytest.approx(0.5 / np.sqrt((0.75 * 0.25 + 0.25 * 0.75) / 2))
    low = table[(table["covariate"] == "level") & (table["level"] == "low")].iloc[0]
    assert (low["mean_arm"], low["mean_control"]) == (0.5, pytest.approx(1 / 3))
    missing = table[(table["covariate"] == "age") & (table["kind"] == "missing")].iloc[0]
    assert (missing["mean_arm"], missing["mean_control"]) == (0.0, 0.25)
    assert "p_value" not in table.columns


def test_a_difference_without_variation_is_undefined_not_zero():
    d = pd.DataFrame({"arm": list("ab") * 3, "x": [1, 0] * 3})
    row = tk.selection.balance(tk.Trial(d, arm="arm", control="a"), ["x"]).tidy().iloc[0]
    assert np.isnan(row["standardized_difference"])


def test_balance_refusals():
    with pytest.raises(UsageError, match="list of columns"):
        tk.selection.balance(trial(), "age")
    with pytest.raises(ColumnNotFoundError, match="Did you mean 'age'"):
        tk.selection.balance(trial(), ["agee"])


def test_flow_counts_people_and_groups():
    table = tk.selection.flow(trial(), ["y"], uptake="came").tidy().set_index(["arm", "stage"])
    assert table.loc[("t", "randomized"), "people"] == 4
    assert table.loc[("t", "randomized"), "groups"] == 2
    assert table.loc[("t", "randomized"), "group_size_mean"] == 2
    assert table.loc[("t", "took_up"), "people"] == 3
    assert table.loc[("t", "outcome"), "people"] == 3
    assert table.loc[("c", "outcome"), "share"] == 0.5
    assert table.loc[("c", "randomized"), "groups"] == 0


def test_attrition_rates():
    found = tk.selection.attrition(trial(), "y")
    assert found.overall == pytest.approx(3 / 8)
    assert found.differential == pytest.approx(-0.25)
    assert found.tidy()["lost"].tolist() == [2, 1]


def test_tables_survive_json():
    t = grouped_trial(grouped_data(1))
    for result in (tk.selection.balance(t, ["y0"]), tk.selection.flow(t, ["y"]), tk.selection.attrition(t, "y")):
        back = Result.from_dict(json.loads(json.dumps(result.to_dict(), allow_nan=False)))
        assert type(back) is type(result)
        assert back.tidy().shape == result.tidy().shape
        assert str(back) == str(result)
        assert "<table" in result._repr_html_()
