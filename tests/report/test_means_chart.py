"""tk.plot.means_by_wave: what stands on the axes is what stands in the result."""

from __future__ import annotations

import numpy as np
import pytest

import trialkit as tk
from tests.estimate.test_longitudinal import WAVES, people, trial
from trialkit.report.figures.style import png_bytes, svg_text


@pytest.fixture(scope="module")
def result():
    return tk.longitudinal(trial(people(1)), WAVES)


def test_means_and_intervals_are_those_of_the_result(result):
    ax = tk.plot.means_by_wave(result)
    lines = [line for line in ax.get_lines() if len(line.get_xdata()) == 3]
    means = result.means
    for line, arm in zip(lines, ("solo", "peer"), strict=True):
        np.testing.assert_allclose(line.get_ydata(), means.loc[means["arm"] == arm, "estimate"])
        np.testing.assert_allclose(line.get_xdata(), [0, 1, 2], atol=0.02)
    bars = [line.get_ydata() for line in ax.get_lines() if len(line.get_xdata()) == 2]
    np.testing.assert_allclose(sorted(map(tuple, bars)), sorted(zip(means["conf_low"], means["conf_high"])))
    low, high = ax.get_ylim()
    assert low < means["conf_low"].min() and high > means["conf_high"].max()


def test_labels_that_would_touch_stand_apart(result):
    ax = tk.plot.means_by_wave(
        tk.longitudinal(trial(people(1)), {0: "y0", 1: "y1", 24: "y2"}), wave_labels={0: "at the start", 1: "one month"}
    )
    assert [t.get_text() for t in ax.get_xticklabels()] == ["at the start", "\none month", "24"]
    assert ax.get_xlabel() == "Wave"


def test_words_as_waves_stand_one_after_another():
    r = tk.longitudinal(trial(people(1)), {"before": "y0", "after": "y1", "later": "y2"})
    ax = tk.plot.means_by_wave(r, labels={"peer": "Peer groups"}, outcome="Self-efficacy")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["before", "after", "later"]
    assert ax.get_title(loc="left") == "Self-efficacy"
    assert "Peer groups" in svg_text(ax.figure)


def test_the_same_bytes_and_no_colour_alone(result):
    assert png_bytes(tk.plot.means_by_wave(result).figure) == png_bytes(tk.plot.means_by_wave(result).figure)
    markers = {line.get_marker() for line in tk.plot.means_by_wave(result).get_lines() if len(line.get_xdata()) == 1}
    assert len(markers) == 2


def test_other_results_are_refused(result):
    with pytest.raises(tk.errors.UsageError, match=r"tk\.longitudinal"):
        tk.plot.means_by_wave(tk.itt(trial(people(1)), "y1"))
