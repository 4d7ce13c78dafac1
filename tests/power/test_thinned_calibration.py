"""Every ninth setting of the calibration of power, in the ordinary test run."""

from __future__ import annotations

import numpy as np
import pytest

import trialkit as tk
from tests.calibration.test_power import DRAWS, KNOWN, WITHIN, Setting, settings

THINNED = list(settings())[::9]


@pytest.mark.parametrize("setting", THINNED, ids=lambda s: f"{s.family}-{s.kind}-{s.target}")
def test_formula_against_simulation(setting: Setting):
    found = getattr(tk.power, setting.family)(power=setting.target, **setting.design)
    rejected = setting.simulate(found.effect, np.random.default_rng(7))
    assert rejected.shape == (DRAWS,)
    assert abs(rejected.mean() - setting.target) < KNOWN.get(setting.kind, WITHIN)
