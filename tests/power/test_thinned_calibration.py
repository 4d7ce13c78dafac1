"""The first setting of every kind in every family of the calibration of power, 20,000 replicates, in the ordinary test run."""

from __future__ import annotations

import numpy as np
import pytest

from tests.calibration.power_kernels import Setting
from tests.calibration.test_power import KNOWN, WITHIN, settings

REPLICATES = 20_000


def thinned() -> list[Setting]:
    found: dict[tuple[str, str], Setting] = {}
    for setting in settings():
        found.setdefault((setting.function, setting.kind), setting)
    return list(found.values())


def test_every_family_is_there():
    assert len({s.function for s in thinned()}) >= 15
    assert {s.kind for s in thinned()} >= set(KNOWN)


@pytest.mark.parametrize("setting", thinned(), ids=lambda s: f"{s.function}-{s.kind}")
def test_formula_against_simulation(setting: Setting):
    found = setting.answer()
    simulated = setting.simulated(found, np.random.default_rng(7), REPLICATES)
    error = np.sqrt(simulated * (1 - simulated) / REPLICATES)
    code, known = KNOWN.get(setting.kind, ("", WITHIN))
    difference = abs(setting.closed_form(found) - simulated)
    assert difference < (4.5 * error if setting.kind == "exact" else known + 3 * error)
    if difference > WITHIN + 3 * error:
        assert code in {n.code for n in found.notes}
