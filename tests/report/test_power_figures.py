"""Figures of power: what is drawn is what the results hold."""

from __future__ import annotations

from dataclasses import replace

import matplotlib
import numpy as np
import pytest

import trialkit as tk
from tests.power.test_plan_answer import PLAN
from trialkit.errors import UsageError
from trialkit.plan.reading.load import parse_plan
from trialkit.report.figures.style import png_bytes, svg_text

GRID = dict(effect=0.4, controls=144, icc=0.05)


@pytest.fixture(scope="module")
def simulated():
    design = "units = 120\ngroups = { size = [10, 10] }\nassumptions = { icc = 0.05 }"
    parts = dict(solo="", peer="grouped = true", arms="", data='group = "g"', design=design, more="", outcome='column = "y1"')
    return tk.power.simulate(parse_plan(PLAN.format(**parts)), effects=[0, 0.3, 0.6], n_draws=300, seed=3)


@pytest.fixture(scope="module")
def grid():
    return tk.power.curve(tk.power.grouped, groups=range(6, 19, 3), group_size=[6, 10, 14], **GRID)


@pytest.fixture(scope="module")
def assured():
    priors = {"icc": "group_interventions", "effect": ("normal", 0.4, 0.08)}
    return tk.power.assurance(tk.power.grouped, priors=priors, groups=12, group_size=12, controls=144, n_points=64)


def texts(ax) -> list[str]:
    return [t.get_text() for t in ax.figure.findobj(matplotlib.text.Text) if t.get_text()]


def test_simulated_power_draws_the_rows(simulated):
    ax = simulated.plot()
    lines = [tuple(map(tuple, line.get_xydata())) for line in ax.lines]
    assert tuple((r["effect"], r["power"]) for r in simulated.table) in lines
    closed = tuple((r["effect"], r["closed_form"]) for r in simulated.table[1:])
    assert closed in lines and simulated.table[0]["closed_form"] is None
    assert ((0.0, simulated.table[0]["power"]),) in lines
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    last = simulated.table[-1]
    assert np.isclose(band, min(last["power"] + 1.959964 * last["mc_error"], 1), atol=1e-6).any()
    assert any(f"{100 * simulated.table[0]['power']:.1f}%" in t and "level 5%" in t for t in texts(ax))
    assert ax.get_xlabel() == "True effect (SDs)" and ax.get_ylim() == (0, 1)


def test_simulated_power_without_null_or_formula(simulated):
    rows = tuple({**r, "closed_form": None} for r in simulated.table if r["effect"])
    ax = tk.plot.simulated_power(replace(simulated, table=rows), target=None, labels={"effect": "Euros a month"})
    assert ax.get_xlabel() == "Euros a month"
    assert not any("without an effect" in t or t == "closed form" for t in texts(ax))
    margin = replace(simulated, details={**simulated.details, "shows": "non-inferiority", "units": "rate_ratio; bias of its log"})
    assert "Probability of showing non-inferiority" in texts(tk.plot.simulated_power(margin))
    assert tk.plot.simulated_power(margin).get_xlabel() == "True effect (rate_ratio)"


def test_power_contour_draws_the_grid(grid):
    ax = tk.plot.power_contour(grid, design={"groups": 12, "group_size": 10})
    assert (ax.get_xlabel(), ax.get_xlim(), ax.get_ylim()) == ("Groups", (6, 18), (6, 14))
    said = texts(ax)
    assert {"70%", "80%", "the design"} <= set(said) and any("equally many people" in t for t in said)
    assert any(line.get_xydata().tolist() == [[12, 10]] for line in ax.lines)
    turned = tk.plot.power_contour(grid, x="group_size")
    assert turned.get_xlabel() == "People per group" and turned.get_xlim() == (6, 14)
    assert tk.plot.power_contour(grid, y="groups").get_xlabel() == "People per group"


def test_power_contour_puts_each_power_in_its_place(grid):
    from trialkit.report.figures.power_contour_chart import _grid

    across, up, power, people = _grid(grid, "groups", "group_size")
    for row in grid.table:
        at = (list(up).index(row["group_size"]), list(across).index(row["groups"]))
        assert power[at] == row["power"] and people[at] == row["n"]


def test_power_contour_without_people_lines():
    found = tk.power.curve(tk.power.grouped, icc=[0, 0.05, 0.1], effect=[0.2, 0.4, 0.6], groups=12, group_size=12, controls=144)
    assert not any("equally many" in t for t in texts(tk.plot.power_contour(found)))


def test_assurance_draws_the_distribution(assured):
    ax = assured.plot()
    heights = sum(p.get_height() for p in ax.patches)
    assert heights == pytest.approx(1.0)
    dark = sum(p.get_height() for p in ax.patches if p.get_x() >= 0.8 - 1e-9)
    assert dark == pytest.approx(assured.details["reaches"])
    assert any(f"{100 * assured.assurance:.1f}%" in t for t in texts(ax))
    assert any(line.get_xydata().tolist() == [[assured.assurance, 0]] for line in ax.lines)


def test_figures_become_files_without_touching_the_settings(simulated, grid, assured):
    before = dict(matplotlib.rcParams)
    for ax in (simulated.plot(), tk.plot.power_contour(grid), assured.plot()):
        assert svg_text(ax.figure) == svg_text(ax.figure) and png_bytes(ax.figure, 40)[:4] == b"\x89PNG"
    assert dict(matplotlib.rcParams) == before


def test_refusals(simulated, grid, assured):
    solved = tk.power.curve(tk.power.grouped, groups=[8, 10], group_size=[8, 10], controls=144, icc=0.05, power=0.8)
    one = tk.power.curve(tk.power.grouped, groups=[8, 10], group_size=10, **GRID)
    single = tk.power.curve(tk.power.grouped, groups=[8, 10], group_size=[10], **GRID)
    for result, options, words in (
        (simulated, {}, "tk.power.curve returns"),
        (solved, {}, "solved for effect"),
        (one, {}, "exactly two"),
        (single, {}, "at least two values"),
        (grid, {"x": "group"}, "Did you mean 'groups'"),
        (grid, {"x": "groups", "y": "groups"}, "both 'groups'"),
        (grid, {"design": {"groups": 12}}, "does not say 'group_size'"),
        (grid, {"design": {"groups": 30, "group_size": 10}}, "outside the grid"),
    ):
        with pytest.raises(UsageError, match=words):
            tk.plot.power_contour(result, **options)
    with pytest.raises(UsageError, match=r"tk\.power\.simulate"):
        tk.plot.simulated_power(grid)
    with pytest.raises(UsageError, match=r"tk\.power\.assurance"):
        tk.plot.assurance(grid)
