"""Figures of subgroups and margins: what is drawn where, in which units, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from trialkit.errors import UsageError
from trialkit.report.figures.ratio_axis import _ticks
from trialkit.report.figures.style import png_bytes


@pytest.fixture(scope="module")
def trial() -> tk.Trial:
    d = grouped_data(4)
    rng = np.random.default_rng(4)
    d["edu"] = rng.choice(["low", "mid", "high"], len(d))
    d["age"] = rng.uniform(20, 60, len(d))
    d["job"] = (rng.random(len(d)) < 0.4).astype(int)
    return grouped_trial(d)


@pytest.fixture(scope="module")
def found(trial: tk.Trial):
    return tk.subgroups(trial, "y", by=["edu", "age"], adjust=["y0"], planned=["edu"], correction="holm")


def written(ax) -> list[str]:
    return [t.get_text() for a in ax.figure.axes for t in a.texts] + [a.get_xlabel() for a in ax.figure.axes]


def drawn(ax) -> list[np.ndarray]:
    return [np.asarray(line.get_xdata(), dtype=float) for line in ax.lines]


def test_the_forest_stands_under_its_interaction_tests(found) -> None:
    ax = tk.plot.subgroups(found, labels={"edu": "Education", "y": "Well-being"})
    text = "\n".join(written(ax))
    assert "Education (planned)" in text and "Age (not planned)" in text and "corrected p" in text
    assert "Everyone, n\u00a0=\u00a0" in text and "Effect on Well-being: peer - solo" in text
    for e in found.effects.itertuples():
        assert any(np.allclose(x, [e.conf_low, e.conf_high]) for x in drawn(ax) if len(x) == 2), e.subgroup
    overall = found.overall["estimate"][0]
    assert any(np.allclose(x, [overall, overall]) for x in drawn(ax))
    bold = [t.get_text() for t in ax.texts if t.get_fontweight() == "bold"]
    assert bold == ["Education (planned)", "Age (not planned)"]
    assert len(png_bytes(ax.figure)) > 5000


def test_a_continuous_moderator_is_a_line_with_two_bands_and_its_people(trial: tk.Trial, found) -> None:
    ax = tk.plot.subgroups(found, moderator="age")
    curve = found.curve("age")
    line = next(x for x in ax.lines if len(x.get_xdata()) == len(curve))
    assert np.allclose(line.get_ydata(), curve["estimate"]) and len(ax.collections) == 2
    edges = [np.concatenate([p.vertices[:, 1] for p in c.get_paths()]) for c in ax.collections]
    assert edges[0].min() == pytest.approx(curve["band_low"].min()) and edges[1].max() == pytest.approx(curve["conf_high"].max())
    strip = ax.figure.axes[1]
    assert (
        sum(p.get_height() for p in strip.patches) == trial.data["age"].between(curve["value"].min(), curve["value"].max()).sum()
    )
    alone = tk.plot.subgroups(found, moderator="age", ax=tk.plot.subgroups(found).figure.add_subplot())
    assert alone.get_xlabel() == "Age"


def test_shares_are_in_points_and_ratios_on_a_log_axis(trial: tk.Trial) -> None:
    share = tk.subgroups(trial, "job", by="edu", measure="risk_difference")
    ax = tk.plot.subgroups(share)
    e = share.effects.iloc[0]
    assert any(np.allclose(x, [100 * e["conf_low"], 100 * e["conf_high"]]) for x in drawn(ax) if len(x) == 2)
    ratio = tk.subgroups(trial, "job", by="edu", measure="risk_ratio")
    ax = tk.plot.subgroups(ratio)
    e = ratio.effects.iloc[0]
    assert any(np.allclose(x, np.log([e["conf_low"], e["conf_high"]])) for x in drawn(ax) if len(x) == 2)
    ticks = {t.get_text(): x for t, x in zip(ax.get_xticklabels(), ax.get_xticks())}
    assert ticks["1"] == 0.0 and all(math.isclose(math.exp(x), float(k)) for k, x in ticks.items())


@pytest.mark.parametrize(("low", "high"), [(0.001, 5000), (0.3, 4), (0.75, 1.2), (0.97, 1.03), (1.2, 1.3)])
def test_every_range_of_ratios_has_ticks_inside_it(low: float, high: float) -> None:
    ticks = _ticks(math.log(low), math.log(high))
    assert 1 <= len(ticks) <= 8 and (all(low <= t <= high for t in ticks) or (low, high) == (1.2, 1.3))


def test_the_margin_figure_shades_what_counts_as_equivalent(trial: tk.Trial) -> None:
    r = tk.itt(trial, "y", adjust=["y0"], equivalence=(-0.6, 0.8))
    ax = tk.plot.equivalence(r)
    e = r.equivalence
    assert any(np.allclose(x, [e.conf_low, e.conf_high]) for x in drawn(ax) if len(x) == 2)
    assert any(np.allclose(x, [r.estimates[0].conf_low, r.estimates[0].conf_high]) for x in drawn(ax) if len(x) == 2)
    zone = ax.patches[0].get_extents().transformed(ax.transData.inverted())
    assert (zone.x0, zone.x1) == pytest.approx((-0.6, 0.8))
    text = "\n".join(written(ax))
    assert "−0.6 to 0.8" in text and "90% interval" in text and ("equivalent: shown" in text) == e.shown


def test_the_zone_of_noninferiority_is_open_on_the_better_side(trial: tk.Trial) -> None:
    r = tk.itt(trial, "job", measure="risk_difference", noninferiority=0.1, better="higher")
    ax = tk.plot.equivalence(r)
    zone = ax.patches[0].get_extents().transformed(ax.transData.inverted())
    assert (zone.x0, zone.x1) == pytest.approx((-10, ax.get_xlim()[1])) and "not inferior (above −10" in "\n".join(written(ax))
    lower = tk.plot.equivalence(tk.itt(trial, "y", noninferiority=0.3, better="lower"))
    zone = lower.patches[0].get_extents().transformed(lower.transData.inverted())
    assert (zone.x0, zone.x1) == pytest.approx((lower.get_xlim()[0], 0.3))


def test_margins_of_ratios_and_of_compliers_are_drawn(trial: tk.Trial) -> None:
    ratio = tk.itt(trial, "job", measure="risk_ratio", equivalence=(0.5, 2.0))
    ax = tk.plot.equivalence(ratio)
    zone = ax.patches[0].get_extents().transformed(ax.transData.inverted())
    assert (zone.x0, zone.x1) == pytest.approx((math.log(0.5), math.log(2)))
    d = trial.data.assign(came=(trial.data["arm"] == "peer").astype(int) * (np.arange(trial.n) % 5 > 0))
    complier = tk.cace(grouped_trial(d), "y", uptake="came", equivalence=1.0)
    assert "1" in "\n".join(written(tk.plot.equivalence(complier)))


def test_what_the_figures_refuse(trial: tk.Trial, found) -> None:
    plain = tk.itt(trial, "y")
    with pytest.raises(UsageError, match="needs a result with a margin"):
        tk.plot.equivalence(plain)
    with pytest.raises(UsageError, match="needs a result with a margin"):
        tk.plot.equivalence(tk.itt(trial, "y", equivalence=1.0), kind="noninferiority")
    with pytest.raises(UsageError, match=r"draws what tk\.subgroups returns"):
        tk.plot.subgroups(plain)
    with pytest.raises(UsageError, match="no moderator 'sex'"):
        tk.plot.subgroups(found, moderator="sex")
    with pytest.raises(UsageError, match="no contrast 'x'"):
        tk.plot.subgroups(found, contrast="x")


def test_an_undefined_effect_leaves_a_gap(found) -> None:
    from dataclasses import replace

    nan = float("nan")
    rows = tuple(
        replace(e, estimate=nan, std_error=nan, p_value=nan, conf_low=nan, conf_high=nan) if e.extra["moderator"] == "edu" else e
        for e in found.estimates
    )
    ax = tk.plot.subgroups(replace(found, estimates=rows))
    assert "interaction not tested" in "\n".join(written(ax))


@pytest.mark.parametrize("moderator", [None, "age"])
def test_long_labels_stay_inside_the_figure(found, moderator) -> None:
    """Titles and labels of axes of a long outcome are wrapped, not cut at the edge."""
    label = "Depressive symptoms (CES-D 10) six months after the last of the five workshop sessions, self-reported"
    figure = tk.plot.subgroups(found, moderator=moderator, labels={"y": label}).figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    for text in [t for axes in figure.axes for t in (axes.xaxis.label, *axes.texts) if t.get_text()]:
        box = text.get_window_extent(renderer)
        assert box.x0 >= -1 and box.x1 <= figure.bbox.width + 1, text.get_text()
        assert box.y0 >= -1 and box.y1 <= figure.bbox.height + 1, text.get_text()
