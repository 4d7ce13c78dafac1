"""The figure of curves: what is drawn, what stands in its table, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.reference.mapping import data, individual
from trialkit.errors import UsageError
from trialkit.report.figures.style import png_bytes, svg_text

TIME = tk.Time("weeks", "event")


@pytest.fixture(scope="module")
def result():
    return tk.itt(individual(), TIME, measure="rmst_difference", tau=20)


def texts(ax) -> list[str]:
    return [t.get_text() for t in ax.texts]


def test_curves_start_at_one_and_follow_kaplan_meier(result):
    ax = tk.plot.survival(result, event="a job", labels={"peer": "Peer groups"})
    assert ax.get_title(loc="left") == "Still without a job"
    assert ax.get_xlabel() == "Weeks"
    curves = [line for line in ax.lines if line.get_label() in ("control", "peer")]
    assert len(curves) == 2
    for line in curves:
        x, y = line.get_xdata(), line.get_ydata()
        mine = result.curves[result.curves["arm"] == line.get_label()]
        assert (x[0], y[0]) == (0, 1)
        np.testing.assert_allclose(y[1:], mine["survival"])
    assert "Peer groups" in texts(ax)


def test_the_table_counts_people_under_observation(result):
    ax = tk.plot.survival(result)
    d = data("individual.csv")
    for label in ("control", "peer"):
        weeks = d.loc[d["arm"] == label, "weeks"]
        for tick in (0, 5, 10):
            assert str(int((weeks >= tick).sum())) in texts(ax)
    assert "Under observation" in texts(ax)


def test_shares_with_the_event_and_other_exits(result):
    ax = tk.plot.survival(result, show="with")
    line = next(line for line in ax.lines if line.get_label() == "peer")
    mine = result.curves[result.curves["arm"] == "peer"]
    np.testing.assert_allclose(line.get_ydata()[1:], 1 - mine["survival"])
    d = data("individual.csv")
    d["moved"] = ((d["event"] == 0) & (np.arange(len(d)) % 2 == 0)).astype(int)
    trial = tk.Trial(d, arm="arm", control="control")
    found = tk.itt(trial, tk.Time("weeks", "event", competing="moved"), measure="cumulative_incidence_difference", tau=15)
    ax = tk.plot.survival(found)
    line = next(line for line in ax.lines if line.get_label() == "peer")
    np.testing.assert_allclose(line.get_ydata()[1:], found.curves.loc[found.curves["arm"] == "peer", "share"])
    with pytest.raises(UsageError, match="those who left"):
        tk.plot.survival(found, show="without")


def test_the_stored_result_gives_the_same_figure(result):
    again = tk.Result.from_dict(json.loads(json.dumps(result.to_dict())))
    assert svg_text(tk.plot.survival(again).figure) == svg_text(tk.plot.survival(result).figure)
    assert png_bytes(tk.plot.survival(result).figure)[:4] == b"\x89PNG"


def test_long_and_odd_names():
    d = data("individual.csv")
    d["arm"] = np.where(d["arm"] == "peer", "$Peer group$ at the library in the evening", "x")
    ax = tk.plot.survival(tk.itt(tk.Trial(d, arm="arm", control="x"), TIME, measure="hazard_ratio"))
    assert svg_text(ax.figure)


def test_what_it_refuses(result):
    with pytest.raises(UsageError, match=r"tk.Time"):
        tk.plot.survival(tk.itt(individual(), "y1"))
    with pytest.raises(UsageError, match="show='both'"):
        tk.plot.survival(result, show="both")


def test_own_axes(result):
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    assert tk.plot.survival(result, ax=ax) is ax
    assert isinstance(result.curves, pd.DataFrame)
