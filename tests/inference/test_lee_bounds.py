"""Lee's bounds against the printed example of Stata's leebounds and the stored cases."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from trialkit.inference.bounds.lee_bounds import imbens_manski, lee_bounds
from trialkit.inference.linear.winsorize import winsorize

REFERENCE = Path(__file__).parents[1] / "reference"
CASES = {c["id"]: c for c in json.loads((REFERENCE / "more_cases.json").read_text())}


def stata() -> tuple[np.ndarray, np.ndarray]:
    """Treated n = 98, observed 42, ones 18; control n = 24, observed 10, ones 2."""
    y = np.r_[np.ones(18), np.zeros(24), np.full(56, np.nan), np.ones(2), np.zeros(8), np.full(14, np.nan)]
    return y, np.arange(122) < 98


def test_the_example_of_leebounds():
    y, treated = stata()
    found = lee_bounds(y=y, selected=~np.isnan(y), treated=treated)
    printed = (0.2122449, 0.2209034, 0.2408163, 0.1947452)
    assert (found.lower, found.se_lower, found.upper, found.se_upper) == pytest.approx(printed, abs=5e-8)
    assert found.trim == pytest.approx(0.0278, abs=5e-5) and found.trimmed_treated


@pytest.mark.parametrize(("case", "outcome"), [("lee_bounds", "y1_obs"), ("lee_bounds_ties", "rating")])
def test_stored_cases(case: str, outcome: str):
    d = pd.read_csv(REFERENCE / "data" / "individual.csv")
    selected = (d["responded"] == 1).to_numpy()
    y = np.where(selected, d[outcome], np.nan)
    found = lee_bounds(y=y, selected=selected, treated=(d["z"] == 1).to_numpy())
    low, high = imbens_manski(
        lower=found.lower, upper=found.upper, se_lower=found.se_lower, se_upper=found.se_upper, conf_level=0.95
    )
    values = {k: getattr(found, k) for k in ("lower", "upper", "se_lower", "se_upper", "trim")}
    assert values | {"effect_conf_low": low, "effect_conf_high": high} == pytest.approx(CASES[case]["expected"], abs=1e-8)


def test_values_carry_the_variance():
    d = pd.read_csv(REFERENCE / "data" / "individual.csv")
    y = d["savings"].to_numpy()
    found = lee_bounds(y=y, selected=y > 0, treated=(d["z"] == 1).to_numpy())
    for values, se in ((found.values_lower, found.se_lower), (found.values_upper, found.se_upper)):
        assert values.sum() == pytest.approx(0, abs=1e-9)
        assert np.sqrt((values**2).sum()) == pytest.approx(se, rel=0.01)


def test_equal_shares_are_not_trimmed_and_arms_turn_round():
    rng = np.random.default_rng(1)
    y, treated = rng.normal(size=100), np.arange(100) < 50
    selected = np.tile(np.r_[np.ones(40, bool), np.zeros(10, bool)], 2)
    found = lee_bounds(y=y, selected=selected, treated=treated)
    plain = y[selected & treated].mean() - y[selected & ~treated].mean()
    assert (found.lower, found.upper, found.trim) == pytest.approx((plain, plain, 0.0), abs=1e-12)
    neyman = sum(y[selected & a].var(ddof=1) / 40 for a in (treated, ~treated))
    gap = (
        y[selected & treated].max() - y[selected & treated].mean()
    )  # the shares are equal by chance: their difference still varies
    assert found.se_lower**2 == pytest.approx(neyman + gap**2 * 2 * 0.2 / (0.8 * 50))
    y, treated = stata()
    one, other = (lee_bounds(y=y, selected=~np.isnan(y), treated=t) for t in (treated, ~treated))
    assert (other.lower, other.upper) == pytest.approx((-one.upper, -one.lower))
    assert (other.se_lower, other.se_upper, other.trimmed_treated) == (one.se_upper, one.se_lower, False)
    with pytest.raises(ValueError, match="fewer than two"):
        lee_bounds(y=y, selected=treated, treated=treated)


def test_bounds_bracket_the_effect_of_the_always_selected():
    rng = np.random.default_rng(2)
    n = 200_000
    treated = rng.random(n) < 0.5
    score, noise = rng.normal(size=n), rng.normal(size=n)
    always = score > 0.2
    selected = np.where(treated, score > -0.3, always)
    y = 0.5 * score + noise + 0.4 * treated
    found = lee_bounds(y=y, selected=selected, treated=treated)
    assert found.lower < 0.4 < found.upper
    assert found.trim == pytest.approx(1 - norm.sf(0.2) / norm.sf(-0.3), abs=0.01)


def test_imbens_manski_lies_between_one_and_two_sided():
    point = imbens_manski(lower=0.0, upper=0.0, se_lower=1.0, se_upper=1.0, conf_level=0.95)
    assert point == pytest.approx((-1.959964, 1.959964), abs=1e-6)
    wide = imbens_manski(lower=0.0, upper=50.0, se_lower=1.0, se_upper=1.0, conf_level=0.95)
    assert wide == pytest.approx((-1.644854, 51.644854), abs=1e-6)
    few = imbens_manski(lower=0.0, upper=0.0, se_lower=1.0, se_upper=1.0, conf_level=0.95, df=5)
    assert few == pytest.approx((-2.570582, 2.570582), abs=1e-6)


def test_winsorize_is_pooled_and_keeps_missing():
    y = np.r_[np.arange(101.0), np.nan]
    found = winsorize(y=y, upper=0.99)
    assert (found.low, found.high, found.n_above, found.n_below) == (-np.inf, 99.0, 1, 0)
    assert np.isnan(found.values[-1]) and found.values[100] == 99
    both = winsorize(y=y, lower=0.05, upper=0.95)
    assert (both.low, both.high, both.n_below, both.n_above) == (5.0, 95.0, 5, 5)
