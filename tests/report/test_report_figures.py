"""Figures: what they draw, in which units, and that they leave the user's settings alone."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace

import matplotlib
import numpy as np
import pytest

import trialkit as tk
from tests.report.contents import ARMS, LABELS, content, hostile
from trialkit.errors import UsageError
from trialkit.report.content import ReportContent
from trialkit.report.figures.style import inline_svg, svg_text


@pytest.fixture(scope="module")
def two() -> ReportContent:
    return content()


@pytest.fixture(scope="module")
def three() -> ReportContent:
    return content(5, arms=("individual", "peer", "mentor"))


def texts(ax: object) -> list[str]:
    figure = ax.figure  # type: ignore[attr-defined]
    return [t.get_text() for a in figure.axes for t in a.texts] + [a.get_xlabel() for a in figure.axes]


def lines(ax: object) -> list[np.ndarray]:
    return [np.asarray(line.get_xdata(), dtype=float) for line in ax.lines]  # type: ignore[attr-defined]


def test_the_interval_and_the_estimate_are_drawn_in_percentage_points(two: ReportContent) -> None:
    o = two.outcomes[0]
    e = o.result.estimates[0]
    ax = tk.plot.interval(o.result, worthwhile=0.05, better="higher")
    drawn = lines(ax)
    assert any(np.allclose(x, [100 * e.conf_low, 100 * e.conf_high]) for x in drawn if len(x) == 2)
    assert any(np.allclose(x, [100 * e.estimate]) for x in drawn if len(x) == 1)
    assert any(np.allclose(x, 5.0) for x in drawn) and any(np.allclose(x, -5.0) for x in drawn)
    low, high = ax.get_xlim()
    assert low < 0 < high and low < 100 * e.conf_low and high > 100 * e.conf_high
    assert "better →" in texts(ax) and "Percentage points" in ax.get_xlabel()


def test_the_better_side_is_left_when_lower_is_better(two: ReportContent) -> None:
    ax = tk.plot.interval(two.outcomes[2].result, better="lower")
    assert "← better" in texts(ax) and "worse →" in texts(ax)


def test_units_never_share_an_axis(two: ReportContent) -> None:
    sizes = [o.effect_size for o in two.outcomes[1:]]
    ax = tk.plot.forest([two.outcomes[0].result, *sizes])
    assert [a.get_xlabel() for a in ax.figure.axes] == ["Percentage points", "Standard deviations (Hedges g)"]
    raw = tk.plot.forest([o.result for o in two.outcomes])
    assert [a.get_xlabel() for a in raw.figure.axes] == ["Percentage points", *["Units of the measure"] * 3]
    with pytest.raises(UsageError, match="different units"):
        tk.plot.forest([two.outcomes[0].result, *sizes], ax=ax)


def test_a_forest_holds_every_estimate(three: ReportContent) -> None:
    ax = tk.plot.forest([o.effect_size for o in three.outcomes[1:]], labels={o.name: o.label for o in three.outcomes})
    points = sorted(x[0] for x in lines(ax) if len(x) == 1)
    expected = sorted(e.estimate for o in three.outcomes[1:] for e in o.effect_size.estimates)  # type: ignore[union-attr]
    assert np.allclose(points, expected)
    legend = [t.get_text() for t in ax.figure.legends[0].get_texts()]
    assert legend == ["mentor - individual", "peer - individual"]
    markers = {line.get_marker() for line in ax.lines if len(line.get_xdata()) == 1}
    assert len(markers) == 2


def test_means_show_shares_from_zero_and_means_with_their_spread(two: ReportContent) -> None:
    shares = tk.plot.means(two.outcomes[0].result, labels=ARMS)
    arms = two.outcomes[0].result.details["arms"]
    assert shares.get_xlim()[0] == 0
    assert any(np.allclose(x, [0, 100 * arms[1]["mean"]]) for x in lines(shares) if len(x) == 2)
    assert f"{100 * arms[0]['mean']:.1f}% (n\u00a0=\u00a0{arms[0]['n']})" in texts(shares)
    arm = two.outcomes[1].result.details["arms"][1]
    drawn = lines(tk.plot.means(two.outcomes[1].result))
    assert any(np.allclose(x, [arm["mean"] - arm["sd"], arm["mean"] + arm["sd"]]) for x in drawn if len(x) == 2)


def test_love_plots_every_difference_between_the_lines(three: ReportContent) -> None:
    assert three.balance is not None
    ax = tk.plot.love(three.balance, labels=LABELS)
    points = [x[0] for x in lines(ax) if len(x) == 1]
    assert np.allclose(sorted(points), sorted(r["standardized_difference"] for r in three.balance.table))
    edges = {round(float(x[0]), 3) for x in lines(ax) if len(x) == 2}
    assert edges == {0.0, 0.05, -0.05, 0.25, -0.25}


def test_the_flow_counts_people_and_groups(two: ReportContent) -> None:
    said = " ".join(texts(tk.plot.flow(two.flow, labels=ARMS)))
    for row in two.flow.table:
        if row["stage"] != "outcome" or row["outcome"] == "employed_t2":
            assert f"{row['people']} people" in said
    peer = next(r for r in two.flow.table if r["arm"] == "peer" and r["stage"] == "randomized")
    assert f"in {peer['groups']} groups" in said and f"mean {peer['group_size_mean']:.1f}" in said
    assert len(tk.plot.flow(two.flow).patches) == 1 + 2 * 3
    with pytest.raises(UsageError, match="no outcome 'weight'"):
        tk.plot.flow(two.flow, outcome="weight")


def test_the_flow_shows_the_total_where_the_table_has_it(two: ReportContent) -> None:
    ax = tk.plot.flow(replace(two.flow, details={"people": 1400}))
    assert "1,400 people" in texts(ax)


def test_group_sizes_stand_beside_the_plan(two: ReportContent) -> None:
    ax = tk.plot.group_sizes(two.flow, planned=(10, 15))
    row = next(r for r in two.flow.table if "group_size_mean" in r)
    assert any(np.allclose(x, [row["group_size_min"], row["group_size_max"]]) for x in lines(ax) if len(x) == 2)
    assert len(ax.patches) == 1
    with pytest.raises(UsageError, match="no groups"):
        tk.plot.group_sizes(content(grouped=False).flow)


def test_figures_without_content_say_what_they_need(two: ReportContent) -> None:
    with pytest.raises(UsageError, match="needs results with estimates"):
        tk.plot.forest([])
    with pytest.raises(UsageError, match="no summaries by arm"):
        tk.plot.means(two.outcomes[1].effect_size)
    with pytest.raises(UsageError, match="no rows"):
        tk.plot.love(replace(two.balance, table=()))  # type: ignore[type-var]
    with pytest.raises(UsageError, match="no rows"):
        tk.plot.flow(replace(two.flow, table=()))


def test_an_estimate_that_is_not_there_is_said_so() -> None:
    broken = hostile().outcomes[1].result
    assert "not estimated" in texts(tk.plot.forest(broken))
    assert "not estimated" in texts(tk.plot.interval(broken))


def test_the_users_axes_are_drawn_on(two: ReportContent) -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    ax = figure.add_subplot()
    assert tk.plot.love(two.balance, ax=ax) is ax
    assert tk.plot.forest(two.outcomes[0].result, ax=ax) is ax
    assert figure.axes == [ax]


def test_settings_of_the_user_stay_as_they_are(two: ReportContent) -> None:
    before = dict(matplotlib.rcParams)
    svg_text(tk.plot.forest(two.outcomes[0].result).figure)
    assert dict(matplotlib.rcParams) == before


def test_pyplot_is_not_loaded_and_a_notebook_shows_the_axes(two: ReportContent) -> None:
    code = "import sys, trialkit as tk; tk.plot.forest; tk.plot.flow; tk.plot.flow; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
    ax = tk.plot.forest(two.outcomes[0].result)
    assert ax._repr_png_().startswith(b"\x89PNG") and ax.figure._repr_png_() == ax._repr_png_()


def test_svg_is_well_formed_the_same_twice_and_escapes_labels() -> None:
    bad = hostile()
    labels = {"age": "<b>&$\\frac{1}{$</b>", "female": "\x00\x1b\u202e\ud83d你好"}
    drawn = [svg_text(tk.plot.love(bad.balance, labels=labels).figure) for _ in range(2)]
    assert drawn[0] == drawn[1]
    root = ET.fromstring(drawn[0])
    said = "".join(t.text or "" for t in root.iter("{http://www.w3.org/2000/svg}text"))
    assert "<b>&$\\frac{1}{$</b>" in said and "你好" in said


def test_inline_svg_is_named_and_its_identifiers_are_its_own() -> None:
    svg = svg_text(tk.plot.love(content().balance).figure)
    made = inline_svg(svg, "love", 'a "dot" <plot>')
    assert made.startswith("<svg") and made.endswith("</svg>")
    assert '<title id="love-alt">a &quot;dot&quot; &lt;plot&gt;</title>' in made and 'aria-labelledby="love-alt"' in made
    root = ET.fromstring(made)
    identifiers = [e.attrib["id"] for e in root.iter() if "id" in e.attrib]
    assert len(identifiers) == len(set(identifiers)) and all(i.startswith("love-") for i in identifiers)
    used = {v[1:] for e in root.iter() for k, v in e.attrib.items() if k.endswith("href")}
    assert used and used <= set(identifiers)


def test_every_public_figure_is_listed_and_loads() -> None:
    known = {"flow", "forest", "group_quality", "group_sizes", "interval", "love", "means", "meta_forest", "power_curve"}
    assert known <= set(tk.plot.__all__)
    assert sorted(tk.plot.__all__) == dir(tk.plot)
    assert all(callable(getattr(tk.plot, n)) for n in tk.plot.__all__ for _ in range(2))
    with pytest.raises(AttributeError, match="no attribute 'pie'"):
        _ = tk.plot.pie
