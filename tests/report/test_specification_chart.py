"""The figure of a specification curve: every specification once, the registered one told apart, failures without an estimate."""

from __future__ import annotations

import numpy as np
import pytest

import trialkit as tk
from tests.estimate.test_specification_curve import trial
from trialkit.errors import UsageError
from trialkit.report.figures.style import COLOURS, svg_text
from trialkit.report.words.dutch import Dutch


def curve(**asked):
    t = trial(60, effect=0.6)
    noise = np.random.default_rng(5).normal(size=(2, 60))
    t = t.with_columns(
        {"copy": (t.data["arm"] == "peer").astype(float), "b": noise[0], "c": noise[1], "job": (t.values("y1") > 0).astype(float)}
    )
    return tk.specification_curve(t, asked.pop("outcome", "y1"), n_draws=0, **asked)


SETS = {
    "y0": ["y0"],
    "y0, age": ["y0", "age"],
    "everything": ["y0", "age", "b", "c"],
    "b": ["b"],
    "not adjusted": [],
    "wrong": ["copy"],
}


def test_sixty_specifications_stand_in_order():
    found = curve(adjust=SETS, estimators=["ancova", "lin"], caps=[None, 0.99, 0.95, (0.05, 0.95), 0.9])
    assert len(found.estimates) == 60 and found.summary["failed"] == 10
    ax = tk.plot.specification_curve(found, labels={"y0": "Before"})
    values = [line.get_ydata()[0] for line in ax.lines if len(line.get_xdata()) == 1]
    assert len(values) == 50 and values == sorted(values)
    diamonds = [line for line in ax.lines if line.get_marker() == "D"]
    assert len(diamonds) == 1 and diamonds[0].get_ydata()[0] == pytest.approx(found.registered.estimate)
    assert COLOURS[1] in (diamonds[0].get_color(), diamonds[0].get_markeredgecolor())
    assert diamonds[0].get_xdata()[0] == found.summary["place"] - 1
    below = ax.figure.axes[1]
    marks = [line for line in below.lines if len(line.get_xdata()) == 1]
    assert len(marks) == 60 * 3 and sum(m.get_marker() == "x" for m in marks) == 30
    assert min(m.get_xdata()[0] for m in marks if m.get_marker() == "x") == 50
    text = svg_text(ax.figure)
    assert "registered" in text and "Before, age" in text and "winsorized at 99%" in text


def test_open_marks_have_no_small_p():
    found = curve(adjust=SETS)
    ax = tk.plot.specification_curve(found)
    marks = [line for line in ax.lines if len(line.get_xdata()) == 1]
    there = sorted((e for e in found.estimates if not e.extra["reason"]), key=lambda e: e.estimate)
    assert [m.get_color() != "white" for m in marks] == [e.p_value < 0.05 for e in there]


def test_other_units_another_language_and_axes_of_ones_own():
    ratio = curve(outcome="job", measure="risk_ratio", estimators=["g_computation"], adjust=[["y0"], []])
    ax = tk.plot.specification_curve(ratio, words=Dutch())
    values = [line.get_ydata()[0] for line in ax.lines if len(line.get_xdata()) == 1]
    assert values == pytest.approx(sorted(np.log(e.estimate) for e in ratio.estimates))
    text = svg_text(ax.figure)
    assert "geregistreerd" in text and "niets" in text and "Gecorrigeerd voor" in text
    own = tk.plot.specification_curve(ratio, ax=ax)
    assert own is ax
    share = curve(outcome="job", measure="risk_difference", estimators=["ancova"], adjust=[["y0"], []])
    drawn = tk.plot.specification_curve(share)
    values = [line.get_ydata()[0] for line in drawn.lines if len(line.get_xdata()) == 1]
    assert values == pytest.approx(sorted(100 * e.estimate for e in share.estimates))


def test_other_results_are_refused():
    with pytest.raises(UsageError, match=r"tk\.specification_curve"):
        tk.plot.specification_curve(tk.itt(trial(), "y1"))
