"""What a sceptic asks of effects: the same answer wherever the outcome starts, an interval that fits its estimate, a warning with few people."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk


def people(seed: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    d = pd.DataFrame(
        {"arm": rng.permutation(np.repeat(["solo", "peer"], n // 2)), "x": rng.normal(size=n), "amount": rng.gamma(2, 1, n)}
    )
    return d.assign(y=d["x"] / 2 + rng.normal(size=n))


def test_the_noncentral_interval_is_for_the_plain_difference_only():
    rng = np.random.default_rng(4)
    d = people(4, 300).assign(site=rng.integers(0, 2, 300))
    d["arm"] = np.where(rng.random(300) < np.where(d["site"] == 0, 0.3, 0.7), "peer", "solo")
    d["y"] += d["site"]
    plain = tk.itt(tk.Trial(d, arm="arm", control="solo"), "y").standardized("hedges_g", interval="noncentral").estimates[0]
    assert plain.conf_low < plain.estimate < plain.conf_high
    d["w"] = rng.uniform(0.5, 2, 300)
    for roles in ({"strata": ["site"]}, {"weights": "w"}):
        found = tk.itt(tk.Trial(d, arm="arm", control="solo", **roles), "y")
        with pytest.raises(tk.errors.CombinationError, match="plain difference"):
            found.standardized("hedges_g", interval="noncentral")


@pytest.mark.parametrize(
    "asked", [{"estimator": "aipw", "adjust": ["x"]}, {"estimator": "g_computation", "measure": "mean_ratio"}]
)
def test_a_normal_interval_with_few_people_says_so(asked):
    outcome = "amount" if "measure" in asked else "y"
    few, enough = (tk.itt(tk.Trial(people(5, n), arm="arm", control="solo"), outcome, **asked) for n in (16, 60))
    assert np.isinf(few.estimates[0].df) and np.isinf(enough.estimates[0].df)
    assert next(n.text for n in few.notes if n.code == "small_arm").startswith("few people (8 in solo, 8 in peer)")
    assert "small_arm" not in {n.code for n in enough.notes}
    if "measure" in asked:
        careful = tk.itt(tk.Trial(people(5, 16), arm="arm", control="solo"), outcome, **asked, df="independence")
        assert careful.estimates[0].df < 15
        assert "small_arm" not in {n.code for n in careful.notes}


def test_aipw_with_groups_keeps_its_standard_error_far_from_the_origin():
    d = people(6, 160).sort_values("arm").reset_index(drop=True)
    d["group"] = [f"g{i % 9}" if a == "peer" else None for i, a in enumerate(d["arm"])]
    near, far = (
        tk.itt(
            tk.Trial(d.assign(y=d["y"] + shift), arm="arm", control="solo", group="group"), "y", adjust=["x"], estimator="aipw"
        ).estimates[0]
        for shift in (0.0, 1e9)
    )
    assert (far.std_error, far.df) == pytest.approx((near.std_error, near.df), rel=1e-4)


@pytest.mark.parametrize("unit", [1e-14, 1e14])
def test_the_unit_of_an_outcome_changes_only_its_unit(unit):
    d = people(7, 60)
    found, scaled = (
        tk.itt(tk.Trial(d.assign(y=d["y"] * u), arm="arm", control="solo"), "y", adjust=["x"]).estimates[0] for u in (1.0, unit)
    )
    assert (scaled.estimate / unit, scaled.std_error / unit, scaled.p_value) == pytest.approx(
        (found.estimate, found.std_error, found.p_value), rel=1e-9
    )
