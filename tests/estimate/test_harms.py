"""Adverse events by arm: counts by hand, limits by the exact formula, group-aware differences, lists of events."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk


@pytest.fixture
def people() -> pd.DataFrame:
    """Sixty controls alone and six groups of ten; events fall in the first two groups."""
    arm = np.repeat([0, 1], 60)
    group = [None] * 60 + [f"g{i // 10}" for i in range(60)]
    loan = np.zeros(120)
    loan[[3, 60, 61, 62, 70, 71]] = [1, 1, 2, 1, 1, 3]
    loan[[5, 6, 119]] = np.nan
    return pd.DataFrame({"id": range(120), "arm": arm, "group": group, "loan": loan, "none": 0.0})


def test_counts_by_hand(people):
    found = tk.harms(tk.Trial(people, arm="arm", control=0, group="group"), columns=["loan"])
    rows = found.tidy().set_index("arm")
    assert rows.loc[0, ["people", "not_assessed", "with_event", "events"]].tolist() == [58, 2, 1, 1]
    assert rows.loc[1, ["people", "not_assessed", "with_event", "events"]].tolist() == [59, 1, 5, 8]
    assert rows["share"].tolist() == pytest.approx([1 / 58, 5 / 59])


def test_the_difference_is_that_of_itt_with_groups(people):
    trial = tk.Trial(people, arm="arm", control=0, group="group")
    row = tk.harms(trial, columns=["loan"]).differences().iloc[0]
    had = people.assign(had=people["loan"].gt(0).where(people["loan"].notna()).astype(float))
    same = tk.itt(
        tk.Trial(had, arm="arm", control=0, group="group"), "had", estimator="difference_in_means", measure="risk_difference"
    )
    assert row[["estimate", "std_error", "df"]].tolist() == pytest.approx(
        same.tidy().iloc[0][["estimate", "std_error", "df"]].tolist()
    )
    assert row["estimate"] == pytest.approx(5 / 59 - 1 / 58)


def test_no_event_in_a_grouped_arm_has_a_limit_and_no_difference(people):
    found = tk.harms(tk.Trial(people, arm="arm", control=0, group="group"), columns=["none"])
    assert found.differences().empty
    limits = found.tidy().set_index("arm")["limit"]
    assert limits[0] == pytest.approx(1 - 0.05 ** (1 / 60))
    assert limits[1] == pytest.approx(1 - 0.05 ** (1 / 6))
    assert "at most 39 %" in found.notes[0].text


def test_without_groups_an_arm_without_events_still_has_an_interval(people):
    people = people.drop(columns="group")
    people.loc[people["arm"] == 0, "loan"] = 0.0
    row = tk.harms(tk.Trial(people, arm="arm", control=0), columns=["loan"]).differences().iloc[0]
    assert row["conf_low"] < row["estimate"] < row["conf_high"]


def test_a_list_of_events_counts_kinds_and_serious_ones(people):
    listed = pd.DataFrame({"id": [3, 3, 61.0, 99], "event": ["loan", "threat", "loan", None], "serious": [0, 1, 0, 0]})
    found = tk.harms(tk.Trial(people, arm="arm", control=0, group="group", unit="id"), events=listed)
    counts = found.tidy().pivot(index="event", columns="arm", values="with_event")
    assert counts.loc["any event"].tolist() == [1, 2]
    assert counts.loc["any serious event"].tolist() == [1, 0]
    assert counts.loc["loan"].tolist() == [1, 1]
    assert counts.loc["not said"].tolist() == [0, 1]
    again = tk.Result.from_dict(found.to_dict())
    assert again.tidy().equals(found.tidy()) or again.tidy()["with_event"].tolist() == found.tidy()["with_event"].tolist()


@pytest.mark.parametrize(
    ("change", "asked", "words"),
    [
        ({}, {}, "needs columns"),
        ({"loan": -99.0}, {"columns": ["loan"]}, "below zero"),
        ({}, {"columns": ["loans"]}, "Did you mean 'loan'"),
        ({}, {"events": pd.DataFrame({"id": [999], "event": ["x"]})}, "not in the trial"),
        ({}, {"events": pd.DataFrame({"idd": [1]})}, "Did you mean 'idd'"),
        ({}, {"events": pd.DataFrame({"id": [1], "serious": ["yes"]})}, "0 or 1"),
    ],
)
def test_bad_input_is_named(people, change, asked, words):
    trial = tk.Trial(people.assign(**change), arm="arm", control=0, group="group", unit="id")
    with pytest.raises(tk.errors.TrialkitError, match=words):
        tk.harms(trial, **asked)


def test_an_arm_where_nobody_asked(people):
    people.loc[people["arm"] == 1, "loan"] = np.nan
    found = tk.harms(tk.Trial(people, arm="arm", control=0, group="group"), columns=["loan"])
    assert [n.code for n in found.notes] == ["not_assessed"]
    assert found.differences().empty


def test_the_limit_of_an_arm_without_events_counts_randomized_clusters_and_not_their_people():
    cluster = np.repeat(np.arange(12), 20)
    d = pd.DataFrame(
        {"arm": np.where(cluster % 2, "peer", "solo"), "cluster": cluster, "fall": (np.arange(240) == 0) * 1, "none": 0}
    )
    trial = tk.Trial(d, arm="arm", control="solo", cluster="cluster")
    found = tk.harms(trial, columns=["fall"]).tidy().set_index("arm")
    assert found.loc["peer", "limit"] == pytest.approx(
        1 - 0.05 ** (1 / 6), abs=1e-12
    )  # six clusters that fared alike, not 120 people
    assert found.loc["solo", "with_event"] == 1
    with pytest.raises(tk.errors.EstimationError, match="up to 39 % if all members of a group fared alike"):
        tk.itt(trial, "none", measure="risk_difference")


def test_events_are_compared_within_strata_where_the_shares_of_the_arms_differ():
    """One site sends a fifth of its people to the programme and has many falls, the other four fifths and few: the programme does nothing."""
    site = np.repeat([0, 1], 500)
    peer = np.r_[np.arange(500) % 5 == 0, np.arange(500) % 5 > 0]
    fall = np.where(site == 0, np.arange(1000) // 5 % 10 < 6, np.arange(1000) // 5 % 10 < 1).astype(float)
    d = pd.DataFrame({"arm": np.where(peer, "peer", "solo"), "site": site, "fall": fall})
    trial = tk.Trial(d, arm="arm", control="solo", strata=["site"])
    found = tk.harms(trial, columns=["fall"]).estimates[0]
    cells = d.groupby(["site", "arm"])["fall"]
    means, variances = cells.mean().unstack(), (cells.var(ddof=1) / cells.size()).unstack()
    assert found.estimate == pytest.approx(float((means["peer"] - means["solo"]).mean()), abs=1e-12)
    assert found.std_error == pytest.approx(float(np.sqrt(variances.to_numpy().sum()) / 2), rel=1e-9)
    assert abs(found.estimate) < 1e-12 < 0.2 < fall[~peer].mean() - fall[peer].mean()
    for interval in ("exact", "score"):
        with pytest.raises(tk.errors.EstimationError, match="confounded"):
            tk.itt(trial, "fall", measure="risk_ratio", estimator="exact", interval=interval)
