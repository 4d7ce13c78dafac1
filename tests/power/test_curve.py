"""Curves: combinations, what has no solution, speed, the figure."""

from __future__ import annotations

import time

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import trialkit as tk
from trialkit.errors import UsageError
from trialkit.power import NoSolutionError, PowerCurve
from trialkit.results import TableResult

GRID = {"effect": [0.2, 0.3, 0.4], "groups": range(6, 31), "group_size": 12, "controls": 144, "icc": 0.05}


@pytest.fixture(scope="module")
def grouped() -> PowerCurve:
    return tk.power.curve(tk.power.grouped, **GRID)


def test_every_combination_is_a_row_with_the_function_s_number(grouped):
    table = grouped.tidy()
    assert table.shape[0] == 75 and table["groups"].tolist()[:25] == list(range(6, 31))
    row = table[(table["effect"] == 0.3) & (table["groups"] == 17)].iloc[0]
    found = tk.power.grouped(effect=0.3, groups=17, group_size=12, controls=144, icc=0.05)
    for name in ("power", "n", "treated", "std_error", "df", "type_m"):
        assert row[name] == getattr(found, name)
    assert (table.groupby("effect")["power"].diff().dropna() > 0).all()


def test_a_curve_of_exact_grouped_power_takes_less_than_two_seconds():
    start = time.process_time()
    tk.power.curve(tk.power.grouped, **GRID)
    assert time.process_time() - start < 2


def test_any_argument_may_vary_and_anything_be_solved_for():
    found = tk.power.curve(tk.power.individual, power=np.array([0.8, 0.9]), effect=[0.3, 0.5], sd=[1.0, (1.0, 2.0)])
    assert found.details["solved_for"] == "n_per_arm" and len(found.tidy()) == 8
    assert found.tidy()["n_per_arm"].iloc[0] == tk.power.individual(power=0.8, effect=0.3).n_per_arm


def test_a_tuple_is_one_value():
    found = tk.power.curve(tk.power.grouped, effect=[0.4, 0.5], group_size=(8, 10, 12, 9), controls=60, icc=0.05)
    assert len(found.tidy()) == 2


def test_points_without_a_solution_are_missing_with_a_note():
    found = tk.power.curve(tk.power.grouped, effect=[0.2, 0.6], group_size=[8, 12], controls=50, icc=0.05, power=0.8)
    assert found.tidy()["groups"].isna().tolist() == [True, True, False, False]
    assert "2 of 4 combinations have no solution" in str(found) and "controls are needed" in str(found)
    with pytest.raises(NoSolutionError, match="no combination"):
        tk.power.curve(tk.power.grouped, effect=[0.1, 0.2], group_size=8, controls=50, icc=0.05, power=0.8)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"effect": 0.3, "n": 50}, "nothing varies"),
        ({"effect": [], "n": 50}, "effect is an empty list"),
        ({"effect": [0.3], "n": range(4, 200_004)}, "too many"),
        ({"effect": [0.3, "x"], "n": 50}, "effect must be a finite number"),
    ],
)
def test_refusals(arguments, words):
    with pytest.raises(UsageError, match=words):
        tk.power.curve(tk.power.individual, **arguments)


def test_round_trip(grouped):
    back = tk.Result.from_dict(grouped.to_dict())
    assert isinstance(back, PowerCurve) and back.tidy().equals(grouped.tidy())
    assert isinstance(back.plot(), Axes)


def test_the_figure_has_a_line_a_value_and_names_them(grouped):
    ax = grouped.plot()
    lines = [line for line in ax.get_lines() if len(line.get_xdata()) == 25]
    assert isinstance(ax, Axes) and len(lines) == 3
    assert ax.get_xlabel() == "Groups" and ax.get_ylim() == (0.0, 1.0)
    assert {t.get_text() for t in ax.texts} == {"0.2", "0.3", "0.4", "Effect"}
    assert lines[1].get_ydata().tolist() == grouped.tidy().query("effect == 0.3")["power"].tolist()


def test_the_figure_of_sizes_and_one_s_own_axes(grouped):
    curve = tk.power.curve(tk.power.individual, effect=[0.3, 0.4, 0.5], power=0.8)
    own = Figure().add_subplot()
    ax = curve.plot(ax=own, labels={"n_per_arm": "People in each arm"})
    assert ax is own and ax.get_title(loc="left") == "People in each arm" and not ax.texts


def test_labels_at_the_same_height_are_moved_apart():
    curve = tk.power.curve(
        tk.power.grouped, effect=[0.4, 0.5], groups=[9, 10, 11, 12], icc=[0.05, 0.0501, 0.0502], group_size=12, controls=144
    )
    ax = curve.plot()
    heights = sorted(t.xyann[1] for t in ax.texts if "," in t.get_text() and "Intra" not in t.get_text())
    assert len(heights) == 6 and min(np.diff(heights)) > 0.03


def test_what_is_no_curve_is_refused(grouped):
    from trialkit.report.figures.power_curve_chart import power_curve

    with pytest.raises(UsageError, match=r"tk\.power\.curve"):
        power_curve(TableResult(()))
    with pytest.raises(UsageError, match="horizontal axis"):
        tk.power.curve(tk.power.individual, alternative=["greater", "two-sided"], effect=0.3, n=50).plot()


def test_the_heading_of_the_names_stands_inside_the_figure():
    """Curves that end at 100 % once pushed it past the upper edge."""
    curve = tk.power.curve(tk.power.individual, effect=[0.3, 0.5], baseline_correlation=[0.0, 0.5], n_per_arm=range(20, 201, 20))
    figure = curve.plot().figure
    FigureCanvasAgg(figure).draw()
    for text in figure.axes[0].texts:
        assert text.get_window_extent().y1 < figure.bbox.y1
