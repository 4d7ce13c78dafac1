"""Shares of kinds of people, attendance, and bounds by principal stratum: closed forms, recovery, repeated samples, refusals."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.errors import (
    ColumnNotFoundError,
    DataError,
    EstimationError,
    MissingDataError,
    NotIdentifiedError,
    UsageError,
    ValueTypeError,
)
from trialkit.inference.take_up.principal_strata import principal_bounds


def people(seed=1, n=1200, always=0.15, effects=(1.0, 0.2, -0.3), icc=0.0):
    """Compliers, never- and always-takers with effects of assignment of their own; groups of 10 in the peer arm."""
    rng = np.random.default_rng(seed)
    vulnerable = rng.random(n) < 0.4
    latent = rng.normal(size=n) + 0.5 * vulnerable
    cut = np.quantile(latent, 1 - 0.35)
    kind = np.where(latent > cut, 1, np.where(latent < np.quantile(latent, always), 2, 0))
    arm = np.r_[np.ones(n // 2), np.zeros(n - n // 2)].astype(int)
    order = rng.permutation(n)
    vulnerable, kind = vulnerable[order], kind[order]
    group = np.where(arm == 1, np.arange(n) // 10, -1)
    shared = np.where(arm == 1, np.repeat(rng.normal(size=n // 10), 10), 0) * math.sqrt(icc)
    took = (kind == 2) | ((kind == 0) & (arm == 1))
    y = np.array([0.0, -1.0, 1.0])[kind] + np.array(effects)[kind] * arm + rng.normal(size=n) * math.sqrt(1 - icc) + shared
    return pd.DataFrame(
        {
            "arm": np.where(arm == 1, "peer", "solo"), "group": [f"g{g}" if g >= 0 else None for g in group], "kind": kind, "came": took * 1, "y": y,
            "v": np.where(vulnerable, "high", "low"), "sessions": took * rng.integers(1, 11, n), "row": np.arange(n),
        }
    )  # fmt: skip


def trial_of(d, **roles):
    return tk.Trial(d, arm="arm", control="solo", **roles)


# --- shares


def test_shares_are_those_of_the_arms():
    d = people()
    r = tk.selection.take_up(trial_of(d), "came", by="v")
    for stratum, inside in (("all", d), ("high", d[d["v"] == "high"]), ("low", d[d["v"] == "low"])):
        p = inside.groupby("arm")["came"].mean()
        assert r.share("never_taker", stratum) == pytest.approx(1 - p["peer"])
        assert r.share("always_taker", stratum) == pytest.approx(p["solo"])
        assert r.share("complier", stratum) == pytest.approx(p["peer"] - p["solo"])
    row = r.tidy().set_index(["stratum", "kind"]).loc[("high", "complier")]
    assert row["difference"] == pytest.approx(r.share("complier", "high") - r.share("complier", "low"))
    p = d[d["v"] == "high"].groupby("arm")["came"].agg(["mean", "size"])
    assert row["std_error"] == pytest.approx(math.sqrt((p["mean"] * (1 - p["mean"]) / (p["size"] - 1)).sum()), rel=1e-6)


def test_shares_agree_with_the_complier_profile():
    d = people()
    shares = tk.selection.take_up(trial_of(d), "came")
    profile = tk.selection.complier_profile(trial_of(d), uptake="came", covariates=["row"])
    assert shares.share("complier") == pytest.approx(profile.share_complier)


def test_bands_are_simultaneous_and_follow_the_groups():
    d = people()
    one = tk.selection.take_up(trial_of(d), "came").tidy().iloc[0]
    two = tk.selection.take_up(trial_of(d), "came", by="v")
    assert two.details["level_each"] == pytest.approx(math.sqrt(0.95))
    together = d.sort_values(["arm", "came"]).reset_index(drop=True)
    together["group"] = np.where(together["arm"] == "peer", together.index // 10, None)
    together["group"] = together["group"].where(together["arm"] == "peer", None).map(lambda g: None if g is None else f"g{g}")
    grouped = tk.selection.take_up(trial_of(together, group="group"), "came").tidy().iloc[0]
    assert grouped["std_error"] > 1.7 * one["std_error"] and grouped["df"] < one["df"]


def test_bands_cover_all_strata_at_once():
    covered = []
    for seed in range(100):
        d = people(seed, n=400)
        t = tk.selection.take_up(trial_of(d), "came", by="v").tidy()
        # shares in a large population of the same make
        mine = t[(t["kind"] == "never_taker") & (t["stratum"] != "all")].set_index("stratum")
        covered.append(all(mine.loc[s, "conf_low"] <= v <= mine.loc[s, "conf_high"] for s, v in NEVER.items()))
    assert 0.88 <= np.mean(covered) <= 0.995


NEVER = {s: float(g.mean()) for s, g in (people(999, n=400_000)["kind"] == 1).groupby(people(999, n=400_000)["v"])}


def test_two_sided_strata_with_unequal_shares():
    rng = np.random.default_rng(3)
    n = 40_000
    site = rng.integers(0, 2, n)
    arm = rng.random(n) < np.array([0.2, 0.8])[site]
    kind = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    kind = np.where((site == 1) & (kind == 1), 0, kind)
    came = (kind == 2) | ((kind == 0) & arm)
    d = pd.DataFrame({"arm": np.where(arm, "peer", "solo"), "site": site.astype(str), "came": came * 1})
    r = tk.selection.take_up(trial_of(d, strata=["site"]), "came")
    assert r.share("never_taker") == pytest.approx((kind == 1).mean(), abs=0.01)


def test_take_up_notes_and_refusals():
    d = people()
    lone = d.assign(v=np.where((d["arm"] == "peer") & (d["row"] < 20), "rare", d["v"]))
    r = tk.selection.take_up(trial_of(lone), "came", by="v")
    assert "stratum_one_arm" in {n.code for n in r.notes} and math.isnan(r.share("complier", "rare"))
    assert str(tk.Result.from_dict(json.loads(json.dumps(r.to_dict())))).startswith("Take-up of 'came' by v")
    upside = d.assign(came=(d["arm"] == "solo") * 1)
    assert "negative_share" in {n.code for n in tk.selection.take_up(trial_of(upside), "came").notes}
    gap = d.assign(came=d["came"].astype(float).where(d["row"] > 4))
    assert "uptake_missing" in {n.code for n in tk.selection.take_up(trial_of(gap), "came").notes}
    for change, options, error, match in (
        (lambda x: x.assign(came=2), {}, ValueTypeError, "0 or 1"),
        (lambda x: x.assign(came="yes"), {}, ValueTypeError, "words where numbers"),
        (lambda x: x, {"by": "vulnerable"}, ColumnNotFoundError, "vulnerable"),
        (lambda x: x.assign(v=x["v"].where(x["row"] > 2)), {"by": "v"}, MissingDataError, "unknown"),
        (lambda x: x, {"by": "row"}, UsageError, "few strata"),
        (lambda x: x.assign(arm=np.where(x["row"] % 3 == 0, "third", x["arm"])), {}, UsageError, "two arms"),
    ):
        with pytest.raises(error, match=match):
            tk.selection.take_up(trial_of(change(d)), "came", **options)


# --- attendance


def test_dose_numbers():
    d = people()
    r = tk.selection.dose(trial_of(d, group="group"), "sessions", by="v", planned=10, enough=8)
    row = r.tidy().set_index(["arm", "stratum"]).loc[("peer", "all")]
    x = d.loc[d["arm"] == "peer", "sessions"]
    assert [row["mean"], row["sd"], row["median"], row["none"], row["enough"], row["share_of_planned"]] == pytest.approx(
        [x.mean(), x.std(), x.median(), (x == 0).mean(), (x >= 8).mean(), x.mean() / 10]
    )
    means = d[d["arm"] == "peer"].groupby("group")["sessions"].mean()
    assert (row["n_groups"], row["group_low"], row["group_high"]) == (60, means.min(), means.max())
    sums = d[d["arm"] == "peer"].assign(e=lambda f: f["sessions"] - x.mean()).groupby("group")["e"].sum()
    assert row["std_error"] == pytest.approx(math.sqrt((sums**2 / (1 - 10 / 600)).sum()) / 600, rel=1e-9)


def test_weights_are_those_of_the_average_causal_response():
    d = people()
    w = tk.selection.dose(trial_of(d), "sessions").weights
    assert w["weight"].sum() == pytest.approx(1)
    means = d.groupby("arm")["sessions"].mean()
    assert (w["share_arm"] - w["share_control"]).sum() == pytest.approx(means["peer"] - means["solo"])
    # with an effect b_j of the j-th session the instrumented slope is sum w_j b_j
    b = np.array([1.0, 0.5, 0.25, 0, 0, 0, 0, 0, -0.1, -0.2])
    y = np.array([b[:s].sum() for s in d["sessions"]])
    slope = (y[d["arm"] == "peer"].mean() - y[d["arm"] == "solo"].mean()) / (means["peer"] - means["solo"])
    assert slope == pytest.approx(float(w["weight"] @ b))


def test_dose_of_an_arm_without_offer_and_refusals():
    d = people(always=0.0)
    d["sessions"] = d["sessions"].astype(float).where(d["arm"] == "peer")
    r = tk.selection.dose(trial_of(d), "sessions")
    assert r.tidy()["arm"].tolist() == ["peer"] and "not_offered" in {n.code for n in r.notes}
    assert r.weights["share_control"].eq(0).all() and "not_a_dose_response" in {n.code for n in r.notes}
    for change, options, error, match in (
        (lambda x: x.assign(sessions=-1), {}, ValueTypeError, "zero or more"),
        (lambda x: x, {"planned": 3}, DataError, "above planned=3"),
        (lambda x: x, {"planned": 0}, UsageError, "above zero"),
        (lambda x: x.assign(sessions=np.nan), {}, MissingDataError, "everyone"),
    ):
        with pytest.raises(error, match=match):
            tk.selection.dose(trial_of(change(d)), "sessions", **options)


# --- principal strata


def test_bounds_by_hand():
    y = np.array([5.0, 6, 7, 8, 1, 2, 0, 1, 2, 3, 4, 9])
    z = np.array([1] * 6 + [0] * 6, dtype=bool)
    took = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1], dtype=bool)
    c, n, a = principal_bounds(y=y, assigned=z, took=took)
    assert (c.share, n.share, a.share) == pytest.approx((1 / 2, 1 / 3, 1 / 6))
    # three of four who came are compliers; three of five controls who stayed away are
    assert (c.lower, c.upper) == pytest.approx(((5 + 6 + 7) / 3 - (2 + 3 + 4) / 3, (6 + 7 + 8) / 3 - (0 + 1 + 2) / 3))
    assert (n.lower, n.upper) == pytest.approx((1.5 - 3.5, 1.5 - 0.5))
    assert math.isnan(a.lower)  # a single always-taker among the controls


def test_bounds_hold_the_truth_and_average_to_the_effect():
    d = people(n=40_000)
    r = tk.selection.principal_strata(trial_of(d), "y", uptake="came")
    for kind, truth in (("complier", 1.0), ("never_taker", 0.2), ("always_taker", -0.3)):
        low, high = r.bounds(kind)
        assert low - 0.05 < truth < high + 0.05
    t = r.tidy()
    effect = d.groupby("arm")["y"].mean().diff().iloc[-1] * -1
    assert t["share"] @ t["lower"] <= effect <= t["share"] @ t["upper"]


def test_standard_errors_of_bounds_are_those_of_repeated_samples():
    tables = []
    for s in range(150):
        d = people(s, n=500, icc=0.2)
        tables.append(tk.selection.principal_strata(trial_of(d, group="group"), "y", uptake="came").tidy().set_index("kind"))
    for kind in ("complier", "never_taker", "always_taker"):
        for end in ("lower", "upper"):
            values = np.array([t.loc[kind, end] for t in tables])
            errors = np.array([t.loc[kind, f"se_{end}"] for t in tables])
            assert errors.mean() == pytest.approx(values.std(), rel=0.2), (kind, end)


def test_bounds_shift_with_the_outcome_and_not_with_order():
    d = people()
    one = tk.selection.principal_strata(trial_of(d), "y", uptake="came").tidy()
    two = tk.selection.principal_strata(
        trial_of(d.sample(frac=1, random_state=1).assign(y=lambda f: 3 - 2 * f["y"])), "y", uptake="came"
    ).tidy()
    assert two["lower"].to_numpy() == pytest.approx(-2 * one["upper"].to_numpy())
    assert two["se_upper"].to_numpy() == pytest.approx(2 * one["se_lower"].to_numpy(), rel=1e-6)


def test_one_sided_compliance_identifies_treated_means():
    d = people(always=0.0)
    r = tk.selection.principal_strata(trial_of(d), "y", uptake="came")
    assert "no_such_people" in {n.code for n in r.notes}
    assert math.isnan(r.bounds("always_taker")[0])
    assert str(tk.Result.from_dict(json.loads(json.dumps(r.to_dict())))).split("\n")[0] == str(r).split("\n")[0]


def test_principal_refusals():
    d = people()
    for change, roles, error, match in (
        (lambda x: x.assign(came=(x["arm"] == "solo") * 1), {}, NotIdentifiedError, "not higher"),
        (lambda x: x.assign(y=1.0), {}, EstimationError, "does not vary"),
        (lambda x: x.assign(came=3), {}, ValueTypeError, "0 or 1"),
        (
            lambda x: x.assign(s=np.where((x["arm"] == "peer") & (x["row"] % 3 > 0), "a", "b")),
            {"strata": ["s"]},
            UsageError,
            "differ between strata",
        ),
        (lambda x: x.assign(k=1.0), {"weights": "k"}, UsageError, "without weights"),
    ):
        with pytest.raises(error, match=match):
            tk.selection.principal_strata(trial_of(change(d), **roles), "y", uptake="came")


def test_a_small_stratum_in_which_all_did_the_same_is_not_tested():
    """Five of five came: the share has no variation, so a difference from the others has no standard error of its own."""
    data = pd.DataFrame(
        {
            "arm": ["solo", "peer"] * 100 + ["solo"] * 5 + ["peer"] * 5,
            "came": [0, 1, 0, 0] * 50 + [0] * 5 + [1] * 5,
            "debts": ["yes", "yes", "no", "no"] * 25 + ["no", "no", "yes", "yes"] * 25 + ["not said"] * 10,
        }
    )
    found = tk.selection.take_up(tk.Trial(data, arm="arm", control="solo"), "came", by="debts").tidy()
    row = found[(found["stratum"] == "not said") & (found["kind"] == "complier")].iloc[0]
    assert row["share"] == 1
    assert np.isnan([row["difference_se"], row["difference_low"], row["difference_high"], row["p_value"]]).all()
