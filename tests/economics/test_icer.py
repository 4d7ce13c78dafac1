"""Fieller's set, net benefit and acceptability: the numbers of the specification, roots put back, simulation, refusals."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import trialkit as tk
from trialkit.errors import UsageError
from trialkit.inference.fieller import fieller
from trialkit.results import Result

SPEC = {"delta_cost": 1000, "se_cost": 300, "delta_effect": 0.05, "se_effect": 0.015, "correlation": 0.2, "threshold": 30_000}


def test_the_spec():
    found = tk.economics.icer(**SPEC)
    assert found.icer == pytest.approx(20_000)
    assert found.roots == (pytest.approx(8214.361, abs=5e-4), pytest.approx(48695.21, abs=5e-3))
    assert found.bounded and found.inmb == pytest.approx(500)
    assert found.ceac([30_000])[0] == pytest.approx(0.8470411, abs=5e-8)
    assert found.ceac([0])[0] == pytest.approx(0.5 * math.erfc(1000 / 300 / math.sqrt(2)))


@given(a=st.floats(-100, 100), b=st.floats(-10, 10), sa=st.floats(0.1, 20), sb=st.floats(0.1, 5), rho=st.floats(-0.95, 0.95))
def test_the_set_is_what_the_test_does_not_reject(a, b, sa, sb, rho):
    assume(abs(b**2 - 4 * sb**2) > 1e-3)
    found = fieller(numerator=a, denominator=b, variances=(sa**2, sb**2), covariance=rho * sa * sb, quantile=2.0)
    assert found.bounded == (b**2 > 4 * sb**2)
    for ratio in (-1e6, -30.0, -1.0, 0.0, 0.7, 12.0, 1e6):
        gap = (a - ratio * b) ** 2 - 4 * (sa**2 + ratio**2 * sb**2 - 2 * ratio * rho * sa * sb)
        if abs(gap) > 1e-6 * (1 + ratio**2):
            assert found.holds(ratio) == (gap < 0)


def test_coverage():
    rng = np.random.default_rng(1)
    draws = rng.multivariate_normal([1000, 0.05], [[300**2, 0.2 * 300 * 0.03], [0.2 * 300 * 0.03, 0.03**2]], 4000)
    held = [
        fieller(numerator=a, denominator=b, variances=(300**2, 0.03**2), covariance=1.8, quantile=1.959964).holds(20_000)
        for a, b in draws
    ]
    assert np.mean(held) == pytest.approx(0.95, abs=0.012)


def test_unbounded_sets_and_meaningless_ratios_say_so():
    none = tk.economics.icer(**SPEC | {"delta_effect": 0.001, "delta_cost": 10})
    assert not none.bounded and math.isnan(none.roots[0]) and "every number" in str(none)
    outside = tk.economics.icer(**SPEC | {"delta_effect": 0.02})
    assert not outside.bounded and "below" in str(outside)
    better = tk.economics.icer(**SPEC | {"delta_cost": -1000})
    assert "costs less and does more" in better.notes[0].text
    for result in (none, outside, better):
        back = Result.from_dict(json.loads(json.dumps(result.to_dict(), allow_nan=False)))
        assert str(back).splitlines()[0] == str(result).splitlines()[0] and back.ceac() == result.ceac()


def test_few_groups_widen():
    wide, plain = tk.economics.icer(**SPEC, df=8), tk.economics.icer(**SPEC)
    assert wide.roots[0] < plain.roots[0] and wide.roots[1] > plain.roots[1]
    assert wide.ceac([30_000])[0] < plain.ceac([30_000])[0]


def test_refusals():
    for wrong in ({"se_cost": 0}, {"correlation": 1.2}, {"delta_cost": math.nan}, {"conf_level": 95}, {"df": 0}):
        with pytest.raises(UsageError):
            tk.economics.icer(**SPEC | wrong)
