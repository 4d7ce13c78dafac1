"""Money with zeros: caps, margins and transforms with every estimator of a mean difference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.estimate.ordered_trials import alone, grouped, numbers, rated, trial
from trialkit.errors import CombinationError, EstimationError, UsageError, ValueTypeError
from trialkit.inference.bounds.lee_bounds import imbens_manski, lee_bounds
from trialkit.results import Result

ESTIMATORS = ("ancova", "lin", "difference_in_means", "aipw", "g_computation")


def codes(result: tk.Result) -> list[str]:
    return [n.code for n in result.notes]


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    "option", [{"cap": 0.95}, {"cap": (0.05, 0.9)}, {"margin": "any"}, {"margin": "positive"}, {"transform": "asinh"}]
)
def test_is_the_estimator_on_the_prepared_outcome(estimator: str, option: dict):
    d = rated(1)
    y = d["amount"]
    if "cap" in option:
        low, high = option["cap"] if isinstance(option["cap"], tuple) else (0, option["cap"])
        made = y.clip(y.quantile(low), y.quantile(high))
    else:
        made = {"any": (y > 0) * 1.0, "positive": y.where(y > 0), "asinh": np.arcsinh(y)}[next(iter(option.values()))]
    adjust = [] if estimator == "difference_in_means" else ["y0"]
    found = tk.itt(grouped(d), "amount", estimator=estimator, adjust=adjust, **option)
    plain = tk.itt(grouped(d.assign(made=made)), "made", estimator=estimator, adjust=adjust)
    np.testing.assert_allclose(numbers(found), numbers(plain), rtol=1e-12)
    assert found.estimates[0].outcome == "amount" and found.kind == "money"
    assert found.estimates[0].estimand != plain.estimates[0].estimand
    assert found.evidence.trial.data["amount"].equals(d["amount"])


def test_cap_is_pooled_and_recorded():
    d = rated(2)
    found = tk.itt(grouped(d), "amount", cap=0.9)
    assert found.cap == pytest.approx(d["amount"].quantile(0.9))
    assert "capped at its pooled 90th percentile" in next(n.text for n in found.notes if n.code == "capped")
    both = tk.itt(grouped(d), "y", cap=(0.02, 0.975))
    assert both.cap == pytest.approx((d["y"].quantile(0.02), d["y"].quantile(0.975)))
    assert both.estimates[0].estimand.endswith("capped at its 2nd and 97.5th percentiles")
    again = Result.from_dict(both.to_dict())
    assert again.cap == pytest.approx(both.cap)
    ratio = tk.itt(grouped(d), "amount", measure="mean_ratio", cap=0.9)
    assert ratio.details["cap"] == found.cap


def test_extensive_margin_goes_with_the_measures_of_shares():
    d = rated(3)
    share = (d["amount"] > 0).groupby(d["arm"]).mean()
    found = tk.itt(grouped(d), "amount", margin="any", measure="risk_difference", estimator="difference_in_means")
    assert found.estimates[0].estimate == pytest.approx(share["peer"] - share["solo"])
    ratio = tk.itt(grouped(d), "amount", margin="any", measure="risk_ratio")
    assert ratio.estimates[0].estimate == pytest.approx(share["peer"] / share["solo"])


def test_intensive_margin_says_what_it_is():
    d = rated(4, effect=0.6)
    found = tk.itt(grouped(d), "amount", margin="positive")
    positive = d[d["amount"] > 0]
    means = positive.groupby("arm")["amount"].mean()
    assert found.estimates[0].estimate == pytest.approx(means["peer"] - means["solo"])
    assert found.estimates[0].estimand == "difference among those above zero"
    assert {"intensive_margin", "lee_bounds"} <= set(codes(found)) and "outcome_missing" not in codes(found)
    assert f"peer: {(positive['arm'] == 'peer').sum()} of {(d['arm'] == 'peer').sum()}" in str(found)
    b = found.lee_bounds.iloc[0]
    assert b["lower"] <= found.estimates[0].estimate <= b["upper"] and b["df"] < 100
    assert b["conf_low"] < b["lower"] and b["conf_high"] > b["upper"]
    d.loc[:4, "amount"] = np.nan
    gaps = tk.itt(grouped(d), "amount", margin="positive")
    assert next(n.text for n in gaps.notes if n.code == "outcome_missing").startswith("5 of")


def test_lee_bounds_of_people_alone_are_lees_and_groups_widen_them():
    d = rated(5, icc=0.4, groups=12)
    people = tk.itt(trial(d), "amount", margin="positive").lee_bounds.iloc[0]
    kernel = lee_bounds(y=d["amount"].to_numpy(), selected=(d["amount"] > 0).to_numpy(), treated=(d["arm"] == "peer").to_numpy())
    assert (people["lower"], people["se_upper"]) == pytest.approx((kernel.lower, kernel.se_upper))
    ends = {k: people[k] for k in ("lower", "upper", "se_lower", "se_upper")}
    assert (people["conf_low"], people["conf_high"]) == pytest.approx(imbens_manski(**ends, conf_level=0.95))
    grouped_bounds = tk.itt(grouped(d), "amount", margin="positive").lee_bounds.iloc[0]
    assert (grouped_bounds["lower"], grouped_bounds["upper"]) == pytest.approx((people["lower"], people["upper"]))
    assert grouped_bounds["se_upper"] > people["se_upper"]
    several = tk.itt(trial(alone(5, n=240, arms=3)), "amount", margin="positive", contrasts="all")
    assert several.lee_bounds["contrast"].tolist() == several.tidy()["contrast"].tolist()
    assert Result.from_dict(several.to_dict()).lee_bounds.shape == several.lee_bounds.shape
    weighted = tk.itt(grouped(d, weights="weight"), "amount", margin="positive")
    assert "no_lee_bounds" in codes(weighted)
    with pytest.raises(UsageError, match="margin='positive'"):
        _ = weighted.lee_bounds


@pytest.mark.parametrize("transform", ["asinh", "log1p"])
def test_transforms_show_what_the_unit_does(transform: str):
    d = rated(6, effect=0.8)
    found = tk.itt(grouped(d), "amount", transform=transform, adjust=["y0"])
    cents = tk.itt(grouped(d.assign(amount=d["amount"] * 100)), "amount", transform=transform, adjust=["y0"])
    check = found.unit_check.iloc[0]
    assert check["estimate"] == found.estimates[0].estimate
    assert check["estimate_unit_100"] == pytest.approx(cents.estimates[0].estimate)
    assert check["estimate_unit_100"] > check["estimate"] + 0.1
    note = next(n.text for n in found.notes if n.code == "unit_dependent")
    assert f"{check['estimate']:.3g} becomes {check['estimate_unit_100']:.3g}" in note
    with pytest.raises(UsageError, match="do not depend on it"):
        _ = tk.itt(grouped(d), "amount", cap=0.9).unit_check
    plain = tk.itt(grouped(d.assign(amount=np.exp(d["y"]) + 50)), "amount", transform=transform)
    assert "near a percentage" in next(n.text for n in plain.notes if n.code == "unit_dependent")


def test_a_family_of_margins():
    t = grouped(rated(7))
    members = [tk.itt(t, "amount", cap=0.99), tk.itt(t, "amount", margin="any"), tk.itt(t, "amount", measure="win_odds")]
    members.append(tk.itt(t, "y", measure="quantile"))
    found = tk.family(members, n_draws=500, seed=1).tidy()
    assert (found["p_adjusted"] >= found["p_value"] - 0.06).all()


@pytest.mark.parametrize("cap", [99, 1.0, 0, 0.3, -0.5, "top", (0.6, 0.9), (0.9,), (0.1, None), True])
def test_caps_that_are_not_percentiles(cap: object):
    with pytest.raises(UsageError, match="cap"):
        tk.itt(grouped(rated(8)), "amount", cap=cap)


def test_bad_input():
    d = rated(9)
    t = grouped(d)
    with pytest.raises(UsageError, match="one of them"):
        tk.itt(t, "amount", cap=0.9, margin="any")
    with pytest.raises(UsageError, match="'any' or 'positive'"):
        tk.itt(t, "amount", margin="some")
    with pytest.raises(UsageError, match="'asinh' or 'log1p'"):
        tk.itt(t, "amount", transform="log")
    with pytest.raises(CombinationError, match="measure='mean_difference'"):
        tk.itt(t, "amount", margin="positive", measure="risk_difference")
    with pytest.raises(CombinationError, match=r"cap=0.9 goes with"):
        tk.itt(t, "amount", cap=0.9, measure="win_odds")
    with pytest.raises(ValueTypeError, match=r"-3 in row 1.*zero and more"):
        tk.itt(grouped(d.assign(amount=np.r_[-3, d["amount"][1:]])), "amount", transform="log1p")
    with pytest.raises(EstimationError, match=r"nobody in arm 'peer'.*margin='any'"):
        tk.itt(grouped(d.assign(amount=d["amount"].where(d["arm"] == "solo", 0))), "amount", margin="positive")
    with pytest.raises(EstimationError, match="leaves no variation"):
        tk.itt(grouped(d.assign(amount=np.r_[np.zeros(len(d) - 2), 5, 9])), "amount", cap=0.9)
    with pytest.raises(EstimationError, match="the same"):
        tk.itt(grouped(d.assign(amount=0.0)), "amount", margin="any")
    with pytest.raises(ValueTypeError, match="text where numbers belong"):
        tk.itt(grouped(d.assign(amount="much")), "amount", cap=0.9)
    debts = tk.itt(grouped(d.assign(amount=d["amount"] - 10)), "amount", margin="any")
    assert "negative_amounts" in codes(debts)
    empty = d.assign(amount=d["amount"].where(d["arm"] == "solo", 0))
    assert tk.itt(grouped(empty), "amount", margin="any").estimates[0].estimate < 0
    frame = pd.DataFrame({"arm": ["a", "b"] * 10, "amount": [0.0] * 19 + [8.0]})
    with pytest.raises(EstimationError, match="above zero"):
        tk.itt(tk.Trial(frame, arm="arm", control="a"), "amount", margin="positive")
