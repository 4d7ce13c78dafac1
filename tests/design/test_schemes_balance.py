"""The imbalance that a design lets one expect, against all of its allocations and against the balance table of a trial."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit import design
from trialkit.errors import ColumnNotFoundError, DesignError, IdentifierError, UsageError
from trialkit.results import Result

TWO = {"solo": 1, "peer": 1}
PEOPLE = pd.DataFrame(
    {
        "id": [f"p{i}" for i in range(9)],
        "age": [23.0, 31, 44, 29, 57, 62, np.nan, 38, 41],
        "job": [0, 1, 1, 0, 0, 1, 0, 1, 1],
        "town": list("nnnssswww"),
    }
)


def _exact(made, values):
    """Standardized differences of a number over all allocations, with their probabilities."""
    rows, weights = made.enumerate()
    out = []
    for row in rows:
        a, b = (values[(row == code) & ~np.isnan(values)] for code in (0, 1))
        out.append((b.mean() - a.mean()) / np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2))
    return np.array(out), weights


def test_expected_imbalance_is_that_of_all_allocations():
    made = design.complete(PEOPLE, unit="id", arms=TWO)
    row = made.balance(["age"], n_draws=8000, seed=5).tidy().iloc[0]
    differences, weights = _exact(made, PEOPLE["age"].to_numpy())
    mean = weights @ np.abs(differences)
    error = np.sqrt(weights @ (np.abs(differences) - mean) ** 2 / 8000)
    assert abs(row["mean_abs_difference"] - mean) < 3.5 * error
    order = np.argsort(differences)
    upto = np.cumsum(weights[order])
    assert (
        differences[order][np.searchsorted(upto, 0.015)] <= row["range_low"] <= differences[order][np.searchsorted(upto, 0.035)]
    )
    assert (
        differences[order][np.searchsorted(upto, 0.965)] <= row["range_high"] <= differences[order][np.searchsorted(upto, 0.985)]
    )
    assert row["largest"] == pytest.approx(np.abs(differences).max())
    assert row["share_large"] == pytest.approx(weights @ (np.abs(differences) > 0.1), abs=0.02)


def test_a_stratum_is_balanced_by_its_own_randomization():
    people = pd.DataFrame({"id": range(24), "town": list("nnnnsssssssswwwwwwwwwwww")})
    within = design.stratified(people, unit="id", strata=["town"], arms=TWO).balance(["town"], seed=1, n_draws=200).tidy()
    assert within["level"].tolist() == ["n", "s", "w"]
    assert within["largest"].max() < 1e-9
    plain = design.complete(people, unit="id", arms=TWO).balance(["town"], seed=1, n_draws=200).tidy()
    assert (plain["mean_abs_difference"] > 0.2).all()


@pytest.mark.parametrize("arms", [TWO, {"solo": 1, "peer": 1, "coach": 1}])
def test_an_allocation_has_the_numbers_of_the_balance_table(arms):
    made = design.complete(PEOPLE, unit="id", arms=arms)
    allocation = made.assign(seed=3).sample(frac=1, random_state=1)
    ours = made.balance(["age", "job", "town"], allocation=allocation).tidy()
    trial = tk.Trial(PEOPLE.merge(allocation, on="id"), arm="arm", control="solo", unit="id")
    theirs = tk.selection.balance(trial, ["age", "job", "town"]).tidy()
    keys = ["covariate", "level", "kind", "contrast"]
    merged = ours.merge(theirs, on=keys, suffixes=("", "_trial"))
    assert len(merged) == len(ours) == len(theirs)
    for a, b in (
        ("standardized_difference", "standardized_difference_trial"),
        ("mean_first", "mean_control"),
        ("mean_arm", "mean_arm_trial"),
    ):
        np.testing.assert_allclose(merged[a], merged[b], atol=1e-12)


def test_balance_is_the_same_for_the_same_seed_and_other_rows():
    made = design.stratified(PEOPLE, unit="id", strata=["town"], arms=TWO)
    again = design.stratified(PEOPLE.iloc[::-1], unit="id", strata=["town"], arms=TWO)
    a, b = made.balance(["age", "job"], seed=2, n_draws=100), again.balance(["age", "job"], seed=2, n_draws=100)
    pd.testing.assert_frame_equal(a.tidy(), b.tidy())
    assert "Balance to expect over 100 draws" in str(a)
    assert a.tidy()["kind"].tolist() == ["number", "missing", "share"]


def test_balance_survives_a_file():
    made = design.complete(PEOPLE, unit="id", arms=TWO)
    found = made.balance(["age", "town"], seed=2, n_draws=50)
    restored = Result.from_dict(found.to_dict())
    assert type(restored) is type(found)
    pd.testing.assert_frame_equal(restored.tidy(), found.tidy())


def test_draws_without_people_in_an_arm_are_said():
    made = design.simple(PEOPLE.head(3), unit="id", arms=TWO)
    found = made.balance(["age"], seed=1, n_draws=200)
    assert [n.code for n in found.notes] == ["range", "empty_arm"]
    assert np.isnan(found.tidy()["mean_abs_difference"]).all()


def test_categories_by_type_and_without_a_unit():
    people = pd.DataFrame({"sex": pd.Categorical(["f", "m", None, "f"]), "flag": [True, False, True, False]})
    made = design.complete(people, arms=TWO)
    found = made.balance(["sex", "flag"], allocation={"arm": ["solo", "solo", "peer", "peer"]}).tidy()
    assert found["level"].tolist() == ["f", "m", "", ""]
    assert found["kind"].tolist() == ["share", "share", "missing", "share"]
    assert found.loc[0, "mean_first"] == 0.5
    assert found.loc[0, "mean_arm"] == 1.0


def test_what_cannot_be_compared_is_refused():
    made = design.complete(PEOPLE, unit="id", arms=TWO)
    allocation = made.assign(seed=1)
    with pytest.raises(ColumnNotFoundError, match="Did you mean 'age'"):
        made.balance(["agee"], seed=1)
    with pytest.raises(UsageError, match=r"covariates=\['age'\]"):
        made.balance("age", seed=1)
    with pytest.raises(UsageError, match="empty"):
        made.balance([], seed=1)
    with pytest.raises(UsageError, match="n_draws=5"):
        made.balance(["age"], n_draws=5, seed=1)
    with pytest.raises(ColumnNotFoundError, match="'arm' in the allocation"):
        made.balance(["age"], allocation=allocation.drop(columns="arm"))
    with pytest.raises(IdentifierError, match="in the design but not in the data"):
        made.balance(["age"], allocation=allocation.head(5))
    with pytest.raises(DesignError, match="not an arm"):
        made.balance(["age"], allocation=allocation.assign(arm="other"))
