"""Mediator and outcome of two waves: the numbers are mediate's, the order is checked, changes are changes."""

from __future__ import annotations

import numpy as np
import pytest

import trialkit as tk
from tests.estimate.mediation.core_trials import effects, grouped, people, trial
from trialkit.errors import ColumnNotFoundError, UsageError
from trialkit.results import Result

WAVES = {"mediator_wave": 1, "outcome_wave": 2}
BASE = {"mediator_baseline": "m0", "outcome_baseline": "y0"}


def found(d, t=trial, **kw):
    options = {"inference": "delta"} | BASE | WAVES | kw
    return tk.mediation.longitudinal(t(d), "y1", mediator="m1", **options)


def test_levels_are_mediate_with_both_baselines():
    d = people(1, n=160, groups=8)
    a = found(d, grouped, inference="monte_carlo", seed=3, n_draws=200)
    b = tk.mediate(grouped(d), "y1", mediator="m1", inference="monte_carlo", seed=3, n_draws=200, **BASE)
    assert a.tidy().equals(b.tidy())
    assert a.details["adjust"] == ["m0", "y0"] and a.details["change"] is False
    note = a.notes[0]
    assert note.code == "waves" and "m0" in note.text and "y0" in note.text
    assert "same_wave" not in {n.code for n in a.notes}
    assert a.sensitivity().breakpoint == pytest.approx(b.sensitivity().breakpoint)


def test_changes():
    d = people(2)
    a = found(d, change=True)
    by_hand = d.assign(dm=d["m1"] - d["m0"], dy=d["y1"] - d["y0"])
    b = tk.mediate(trial(by_hand), "dy", mediator="dm", inference="delta")
    assert effects(a) == pytest.approx(effects(b), abs=1e-12)
    assert a.details["mediator"] == "change in m1" and a.details["adjust"] == []
    assert "baseline_not_adjusted" not in {n.code for n in a.notes}
    assert "not adjusted for" in a.notes[0].text
    assert str(Result.from_dict(a.to_dict())) == str(a)
    with_stage = found(d, change=True, adjust=["site"])
    assert with_stage.details["adjust"] == ["site"]


def test_changes_and_levels_agree_with_baselines_as_covariates():
    d = people(3).assign(dm=lambda x: x["m1"] - x["m0"], dy=lambda x: x["y1"] - x["y0"])
    a = tk.mediate(trial(d), "dy", mediator="dm", adjust=["m0", "y0"], interaction=False, inference="delta")
    assert effects(a) == pytest.approx(effects(found(d, interaction=False)), abs=1e-10)


def test_known_truth():
    """Constant causes of level: changes are right; chance in the baseline: levels are right and changes are not."""
    n = 20_000
    rng = np.random.default_rng(5)
    d = people(0, n=n)
    arm = (d["arm"] == "peer").to_numpy(float)
    u = rng.normal(size=n)
    d["m0"], d["y0"] = u + rng.normal(size=n), u + rng.normal(size=n)
    step = 0.5 * arm + rng.normal(size=n)
    d["m1"], d["y1"] = d["m0"] + step, d["y0"] + 0.4 * step + 0.1 * arm + rng.normal(size=n)
    assert effects(found(d, change=True))["acme"] == pytest.approx(0.2, abs=0.02)
    d["m1"] = 0.5 * arm + 0.5 * d["m0"] + rng.normal(size=n)
    d["y1"] = 0.4 * d["m1"] + 0.3 * d["y0"] + 0.1 * arm + rng.normal(size=n)
    assert effects(found(d))["acme"] == pytest.approx(0.2, abs=0.02)
    assert abs(effects(found(d, change=True))["acme"] - 0.2) > 0.02


def test_missing_baseline_leaves_changes_out():
    d = people(4)
    d.loc[:4, "m0"] = np.nan
    assert found(d, change=True).estimates[0].n == len(d) - 5
    assert found(d).estimates[0].n == len(d)


def test_bad_requests():
    d = people(5)
    with pytest.raises(UsageError, match="no earlier than the outcome"):
        found(d, outcome_wave=1)
    with pytest.raises(UsageError, match="no earlier than the outcome"):
        found(d, mediator_wave=3)
    with pytest.raises(UsageError, match="no later than baseline"):
        found(d, mediator_wave=0)
    with pytest.raises(UsageError, match="must be a number"):
        found(d, outcome_wave="t2")
    with pytest.raises(UsageError, match="four columns"):
        found(d, mediator_baseline="m1")
    with pytest.raises(ColumnNotFoundError):
        found(d, outcome_baseline="y00")
    with pytest.raises(UsageError, match="list of columns"):
        found(d, adjust="site")
