"""Figures of mediation: the numbers drawn are those of the result, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

import trialkit as tk
from tests.plan.test_mediation import data
from trialkit.errors import UsageError
from trialkit.report.figures.style import png_bytes
from trialkit.results import Result


@pytest.fixture(scope="module")
def trial() -> tk.Trial:
    return tk.Trial(data(), arm="arm", control="solo", unit="id", group="group")


@pytest.fixture(scope="module")
def found(trial: tk.Trial):
    return tk.mediate(trial, "y", mediator="m", adjust=["m0", "y0"], n_draws=200, seed=1)


def written(ax) -> str:
    return "\n".join(t.get_text() for a in ax.figure.axes for t in a.texts)


def test_the_diagram_holds_coefficients_effects_and_the_breakpoint(found) -> None:
    ax = tk.plot.mediation(found, labels={"m": "Self-efficacy", "y": "Well-being", "peer": "Peer group"})
    text = written(ax)
    for label in ("Self-efficacy", "Well-being", "Peer group", "unmeasured"):
        assert label in text
    assert f"{found.paths.loc['a', 'estimate']:.3f}" in text
    e = found.effect("acme")
    assert f"Indirect effect: {e.estimate:.3f}" in text
    assert f"correlation of errors of {found.sensitivity().breakpoint:.2f}" in text
    assert len(png_bytes(ax.figure)) > 5000
    assert written(found.plot()) == written(tk.plot.mediation(found))


def test_without_the_data_the_diagram_has_no_breakpoint_unless_given(found) -> None:
    stored = Result.from_dict(found.to_dict())
    assert "unmeasured" not in written(tk.plot.mediation(stored))
    given = tk.plot.mediation(stored, sensitivity=found.sensitivity())
    assert written(given) == written(tk.plot.mediation(found))


def test_bars_are_the_effects_and_add_up(found) -> None:
    ax = tk.plot.mediation_effects(found)
    widths = [p.get_width() for p in ax.patches]
    expected = [
        found.effect(n).estimate for n in ("acme", "acme_control", "acme_treated", "ade", "ade_control", "ade_treated", "total")
    ]
    assert widths == pytest.approx(expected)
    assert widths[0] + widths[3] == pytest.approx(widths[-1])
    ends = [np.asarray(x.get_xdata(), dtype=float) for x in ax.lines]
    assert any(np.allclose(x, [found.effect("acme").conf_low, found.effect("acme").conf_high]) for x in ends if len(x) == 2)


def test_shares_are_in_points_and_ratios_on_a_log_axis(trial: tk.Trial) -> None:
    share = tk.mediate(trial, "job", mediator="m", interaction=False, n_draws=100, seed=1)
    ax = tk.plot.mediation_effects(share)
    assert [p.get_width() for p in ax.patches] == pytest.approx(
        [100 * share.effect(n).estimate for n in ("acme", "ade", "total")]
    )
    assert "percentage points" in written(tk.plot.mediation(share))
    ratio = tk.mediate(trial, "job", mediator="m", measure="odds_ratio", interaction=False, n_draws=100, seed=1)
    ax = tk.plot.mediation_effects(ratio)
    widths = [p.get_width() for p in ax.patches]
    assert widths == pytest.approx([np.log(ratio.effect(n).estimate) for n in ("acme", "ade", "total")])
    assert widths[0] + widths[1] == pytest.approx(widths[2])
    assert "1" in [t.get_text() for t in ax.get_xticklabels()]


def test_the_curve_is_that_of_the_result_and_crosses_zero_at_its_breakpoint(found) -> None:
    s = found.sensitivity()
    ax = tk.plot.mediation_sensitivity(s)
    line = max(ax.lines, key=lambda x: x.get_linewidth())
    at = dict(zip(np.round(line.get_xdata(), 2), line.get_ydata(), strict=True))
    assert at[0.3] == pytest.approx(s.at(0.3)["estimate"])
    assert any(np.allclose(x.get_xdata(), s.breakpoint) for x in ax.lines)
    assert ax.get_xlim()[1] > abs(s.breakpoint)


def test_other_results_are_refused(trial: tk.Trial, found) -> None:
    other = tk.itt(trial, "y")
    for draw, what in (
        (tk.plot.mediation, "tk.mediate"),
        (tk.plot.mediation_effects, "tk.mediate"),
        (tk.plot.mediation_sensitivity, "sensitivity"),
    ):
        with pytest.raises(UsageError, match=what):
            draw(other)
    with pytest.raises(UsageError, match="two correlations"):
        tk.plot.mediation_sensitivity(found.sensitivity(rho=[0.1]))
