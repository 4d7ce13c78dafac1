"""Times that cannot be meant, and questions that have no answer: each refused with its remedy, nothing silent."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.estimate.helpers import grouped_trial
from tests.estimate.test_time import TIME, first, people
from tests.reference.mapping import data, individual
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

D = data("individual.csv")


def trial(**columns) -> tk.Trial:
    return tk.Trial(D.assign(**columns), arm="arm", control="control")


@pytest.mark.parametrize(
    ("columns", "error", "words"),
    [
        ({"event": D["event"] + 1}, ValueTypeError, r"holds 1 and 2; 1 means the event and 0 censored. Where 2 is the event"),
        ({"event": D["event"] + (D.index % 9 == 0) * (1 - D["event"]) * 2}, ValueTypeError, "competing='exit'"),
        ({"event": D["event"].where(D.index > 0, -99)}, ValueTypeError, "first in row 1; .* codes for missing answers"),
        ({"event": D["event"].map({0: "no", 1: "yes"})}, ValueTypeError, "holds (words|text)"),
        ({"event": D["event"].where(D.index > 2)}, MissingDataError, "missing in rows 1, 2 and 3 that have a time"),
        ({"event": 0}, EstimationError, "nobody has the event"),
        ({"weeks": D["weeks"].where(D.index != 3, -99)}, ValueTypeError, r"below zero \(-99\) in row 4"),
        ({"weeks": D["weeks"].where(D.index != 2, 0)}, ValueTypeError, "add 1 to every time"),
        ({"weeks": D["weeks"].astype(str) + " w"}, ValueTypeError, "holds (words|text)"),
        ({"weeks": pd.Timestamp("2024-01-01") + pd.to_timedelta(D["weeks"], "D")}, ValueTypeError, "days since"),
        ({"weeks": D["weeks"].where(D["event"] == 0)}, MissingDataError, "empty the event as well"),
        ({"weeks": np.nan, "event": np.nan}, MissingDataError, "missing for everyone"),
        ({"weeks": 5.0}, EstimationError, "the same"),
        (
            {"weeks": D["weeks"].where(D["arm"] == "peer"), "event": D["event"].where(D["arm"] == "peer")},
            MissingDataError,
            "arm 'control'",
        ),
    ],
)
def test_columns_that_cannot_be_meant(columns, error, words):
    with pytest.raises(error, match=words):
        first(trial(**columns))
    with pytest.raises(error, match=words):
        tk.logrank(trial(**columns), TIME)


def test_truth_values_are_events():
    assert first(trial(event=D["event"].astype(bool))).estimate == first(trial()).estimate


def test_people_never_observed_are_left_out_with_a_note():
    censored = np.flatnonzero(D["event"] == 0)[:4]
    found = tk.itt(trial(weeks=D["weeks"].where(~D.index.isin(censored), 0)), TIME, measure="hazard_ratio")
    assert found.estimates[0].n == len(D) - 4
    assert "no_follow_up" in [n.code for n in found.notes]
    assert found.estimates[0].estimate == pytest.approx(
        first(trial(weeks=D["weeks"].where(~D.index.isin(censored), 1e-3))).estimate
    )


def test_missing_times_are_counted():
    lost = D.index % 8 == 0
    found = tk.itt(trial(weeks=D["weeks"].where(~lost), event=D["event"].where(~lost)), TIME, measure="hazard_ratio")
    assert found.estimates[0].n == int((~lost).sum())
    assert "outcome_missing" in [n.code for n in found.notes]


@pytest.mark.parametrize(
    ("time", "columns", "error", "words"),
    [
        (tk.Time("weeks", "evnt"), {}, ColumnNotFoundError, "Did you mean 'event'"),
        (tk.Time("weeks", "weeks"), {}, UsageError, "names a column twice"),
        (tk.Time("weeks", "event", entry="late"), {"late": D["weeks"]}, ValueTypeError, "not before 'weeks'"),
        (tk.Time("weeks", "event", entry="late"), {"late": -1.0}, ValueTypeError, "below zero"),
        (tk.Time("weeks", "event", entry="late"), {"late": np.nan}, MissingDataError, "say 0"),
        (tk.Time("weeks", "event", competing="moved"), {"moved": 1}, ValueTypeError, "observation ends once"),
        (tk.Time("weeks", "event", competing="moved"), {"moved": np.nan}, MissingDataError, "another exit and 0 for none"),
        (tk.Time("weeks", "event", competing="moved"), {"moved": 2}, ValueTypeError, "1 means another exit"),
        (tk.Time("weeks", "arm"), {}, ValueTypeError, "holds (words|text)"),
    ],
)
def test_entries_and_other_exits(time, columns, error, words):
    with pytest.raises(error, match=words):
        tk.itt(trial(**columns), time, measure="hazard_ratio")


def test_kinds_of_outcome_and_measure():
    with pytest.raises(UsageError, match=r"write tk.Time\('weeks'"):
        tk.itt(individual(), "weeks", measure="hazard_ratio")
    with pytest.raises(UsageError, match="'hazard_ratio', 'rmst_difference'"):
        tk.itt(individual(), TIME)
    with pytest.raises(UsageError, match=r"tk.Time\('weeks'"):
        tk.logrank(individual(), "weeks")
    with pytest.raises(UsageError, match="covariance='HC3'"):
        tk.logrank(individual(), TIME, covariance="HC3")
    with pytest.raises(UsageError, match="across them"):
        tk.logrank(individual(), TIME, strata_effects="interacted")


def test_no_events_in_an_arm():
    one_arm = trial(event=D["event"].where(D["arm"] == "peer", 0))
    with pytest.raises(EstimationError, match=r"nobody in 'control' has the event.*rmst_difference"):
        first(one_arm)
    result = tk.itt(one_arm, TIME, measure="rmst_difference", tau=20)
    assert result.estimates[0].estimate < 0
    assert "no_events_in_arm" in [n.code for n in result.notes]
    assert np.isfinite(tk.logrank(one_arm, TIME).p_value)


def test_a_level_without_events_is_named():
    d = D.assign(level=np.where((np.arange(len(D)) % 10 == 0) & (D["event"] == 0), "c", np.where(D["female"] == 1, "a", "b")))
    with pytest.raises(EstimationError, match="no finite maximum: 'level: c'"):
        tk.itt(tk.Trial(d, arm="arm", control="control"), TIME, measure="hazard_ratio", adjust=["level"])


@pytest.mark.parametrize(
    ("tau", "error", "words"),
    [
        (100, EstimationError, "lies beyond the observation of .* or less"),
        (-1, UsageError, "a number above zero"),
        ("20", UsageError, "a number above zero"),
        (True, UsageError, "a number above zero"),
        (np.nan, UsageError, "a number above zero"),
        (1e-6, EstimationError, "nobody has the event by tau"),
    ],
)
def test_windows_that_the_data_do_not_cover(tau, error, words):
    with pytest.raises(error, match=words):
        first(individual(), "rmst_difference", tau=tau)


def test_a_window_beyond_the_last_event_is_covered_where_all_have_had_it():
    d = D.assign(event=1)
    found = tk.itt(tk.Trial(d, arm="arm", control="control"), TIME, measure="rmst_difference", tau=100)
    assert found.by_arm["rmst"]["peer"] == pytest.approx(d.loc[d["arm"] == "peer", "weeks"].mean())


def test_combinations_that_do_not_exist():
    grouped = people()
    with pytest.raises(CombinationError, match="never ends"):
        tk.itt(trial(moved=0), tk.Time("weeks", "event", competing="moved"), measure="rmst_difference", tau=10)
    with pytest.raises(CombinationError, match="use 'HC2'"):
        first(individual(), covariance="CR2")
    with pytest.raises(CombinationError, match="does not go with weights"):
        first(individual(weights="weight"), covariance="classical")
    with pytest.raises(CombinationError, match="does not go with weights"):
        tk.logrank(individual(weights="weight"), TIME, covariance="classical")
    with pytest.raises(CombinationError, match="df='working'"):
        first(individual(), df="working")
    with pytest.raises(CombinationError, match="df='residual'"):
        first(grouped, df="residual")
    with pytest.raises(CombinationError, match="'greenwood'"):
        first(individual(), "rmst_difference", tau=15, covariance="greenwood", adjust=["y0"])
    with pytest.raises(CombinationError, match="does not take covariance='HC3'"):
        first(individual(), covariance="HC3")
    with pytest.raises(UsageError, match="no interacted strata"):
        first(individual(strata=["site"]), strata_effects="interacted")
    with pytest.raises(UsageError, match="ties='exact'"):
        first(individual(), ties="exact")
    with pytest.raises(UsageError, match="adjust holds 'event'"):
        first(individual(), adjust=["event"])
    with pytest.raises(NotIdentifiedError, match="strata_effects='none'"):
        first(tk.Trial(D.assign(place=D["arm"]), arm="arm", control="control", strata=["place"]))


def test_one_group_says_nothing_of_groups():
    d = people().data
    only = grouped_trial(d[(d["arm"] == "solo") | (d["group"] == "g00")])
    for measure, options in (("hazard_ratio", {}), ("rmst_difference", {"tau": 8})):
        with pytest.raises(GroupError, match="one group"):
            first(only, measure, **options)


def test_events_in_one_group_only_give_no_variance_between_strata_and_groups():
    d = people(5, groups=6, strata=2).data
    quiet = (d["arm"] == "peer") & (d["group"] != "g00")
    with pytest.raises(EstimationError, match="without one of the groups"):
        first(grouped_trial(d.assign(event=d["event"].where(~quiet, 0)), strata=["site"]))


def test_nobody_under_observation_at_the_start():
    with pytest.raises(EstimationError, match="nobody is under observation at the start"):
        tk.itt(trial(late=0.001), tk.Time("weeks", "event", entry="late"), measure="rmst_difference", tau=10)


def test_properties_that_a_result_does_not_have():
    hazard, mean = (
        tk.itt(individual(), TIME, measure=m, **o) for m, o in (("hazard_ratio", {}), ("rmst_difference", {"tau": 15}))
    )
    with pytest.raises(UsageError, match="no window"):
        _ = hazard.tau
    with pytest.raises(UsageError, match=r"tk.logrank"):
        _ = mean.logrank
    with pytest.raises(UsageError, match="assumed by"):
        _ = mean.proportional_hazards
    with pytest.raises(UsageError, match="needs groups"):
        _ = mean.jackknife_std_error
    with pytest.raises(CombinationError):
        hazard.standardized()


@pytest.mark.parametrize("module", ["outcome", "survival.logrank"])
def test_examples_in_docstrings(module):
    assert doctest.testmod(importlib.import_module(f"trialkit.estimate.{module}")).failed == 0
