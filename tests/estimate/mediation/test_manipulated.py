"""Designs that manipulate the mediator: bounds against a programme over all types and a closed form, truth within them, groups, bad input."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

import trialkit as tk
from tests.estimate.mediation.core_trials import grouped, trial
from trialkit.errors import ArmError, ColumnNotFoundError, NotIdentifiedError, UsageError, ValueTypeError
from trialkit.inference.mediation.type_bounds import ENCOURAGEMENT, PARALLEL, type_bounds
from trialkit.results import Result

CHAINS = {PARALLEL: ((0,), (1,)), ENCOURAGEMENT: ((0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 1, 1))}


def population(seed, design):
    """Types (mediators in control, in treated, Y(0,0), Y(0,1), Y(1,0), Y(1,1)) and random shares of them."""
    kinds = list(product(CHAINS[design], CHAINS[design], *[(0, 1)] * 4))
    return kinds, np.random.default_rng(seed).dirichlet(np.full(len(kinds), 0.15))


def seen_all(kinds, design):
    """Everything that both arms show: a row a share, a column a type."""
    rows = []
    for t in (0, 1):
        for z in range(len(CHAINS[design][0])):
            for y, m in product((0, 1), (0, 1)):
                rows.append([k[t][z] == m and k[2 + 2 * t + m] == y for k in kinds])
        if design == PARALLEL:
            rows += [[k[2 + 2 * t + m] == 1 for k in kinds] for m in (0, 1)]
    return np.array(rows, float)


def acme(kinds, t, design):
    z = 0 if design == PARALLEL else 1
    return np.array([k[2 + 2 * t + k[1][z]] - k[2 + 2 * t + k[0][z]] for k in kinds], float)


def used(kinds, p, design, t):
    """The shares that `type_bounds` asks for."""
    rows = []
    for z in range(len(CHAINS[design][0])):
        for y, m in ((1, 1), (1, 0), (0, 1)):
            rows.append([k[t][z] == m and k[2 + 2 * t + m] == y for k in kinds])
    z = 0 if design == PARALLEL else 1
    rows.append([k[1 - t][z] == 1 for k in kinds])
    if design == PARALLEL:
        rows += [[k[3 + 2 * t] == 1 for k in kinds], [k[2 + 2 * t] == 1 for k in kinds]]
    return np.array(rows, float) @ p


@pytest.mark.parametrize("design", [PARALLEL, ENCOURAGEMENT])
@pytest.mark.parametrize("seed", range(4))
def test_sharp_among_all_types(design, seed):
    kinds, p = population(seed, design)
    A = seen_all(kinds, design)
    for t in (0, 1):
        c = acme(kinds, t, design)
        low, high = (s * optimize.linprog(s * c, A_eq=A, b_eq=A @ p, bounds=(0, None), method="highs").fun for s in (1.0, -1.0))
        shares = used(kinds, p, design, t)
        found = type_bounds(design=design, low=shares - 1e-9, high=shares + 1e-9)
        found = found if t == 1 else (-found[1], -found[0])
        assert found == pytest.approx((low, high), abs=1e-6)
        assert low - 1e-9 <= c @ p <= high + 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_closed_form_of_the_parallel_design(seed):
    """E[Y(1, M0)] = q0 + E[D M0], D = Y(1,1) - Y(1,0): largest with as many of D = 1 and few of D = -1 among M0 = 1 as the two margins allow."""
    kinds, p = population(seed, PARALLEL)
    shares = used(kinds, p, PARALLEL, 1)
    p11, p10, p01, r, q1, q0 = shares
    y1, y0, size = np.array([p11, q1 - p11]), np.array([q0 - p10, p10]), np.array([p11 + p01, 1 - p11 - p01])
    least, most = np.maximum(0, y1 - y0).sum(), np.minimum(y1, size - y0).sum()
    gap = q1 - q0
    d = np.clip(r, least, most)
    e = np.clip(r, least - gap, most - gap)
    upper = q0 + min(r, d) - max(0, r - 1 + d - gap)
    lower = q0 - min(r, e) + max(0, r - 1 + e + gap)
    found = type_bounds(design=PARALLEL, low=shares - 1e-10, high=shares + 1e-10)
    assert found == pytest.approx((p11 + p10 - upper, p11 + p10 - lower), abs=1e-6)


def drawn(seed, design, n, groups=0):
    kinds, p = population(seed, design)
    rng = np.random.default_rng(100 + seed)
    who = [kinds[i] for i in rng.choice(len(kinds), n, p=p)]
    arm, how = np.arange(n) % 2, rng.permutation(np.arange(n) // 2 % (2 if design == PARALLEL else 3))
    setting = 0 * how if design == PARALLEL else how
    m = np.array([k[t][z] for k, t, z in zip(who, arm, setting, strict=True)])
    if design == PARALLEL:
        m = np.where(how == 1, rng.integers(0, 2, n), m)
    y = np.array([k[2 + 2 * t + v] for k, t, v in zip(who, arm, m, strict=True)])
    label = [f"g{i // 2 % groups}" if groups and i % 2 else None for i in range(n)]
    d = pd.DataFrame({"id": range(n), "arm": np.where(arm == 1, "peer", "solo"), "group": label, "m1": m, "y1": y})
    d["how"] = how if design == PARALLEL else how - 1
    truth = {f"acme_{a}": float(acme(kinds, t, design) @ p) for t, a in enumerate(("control", "treated"))}
    return d, truth


def ask(d, design, t=trial, **kw):
    if design == PARALLEL:
        return tk.mediation.parallel_design(t(d), "y1", mediator="m1", manipulated="how", **kw)
    return tk.mediation.encouragement_design(t(d), "y1", mediator="m1", encouragement="how", **kw)


@pytest.mark.parametrize("design", [PARALLEL, ENCOURAGEMENT])
def test_limits_cover_the_truth(design):
    misses = 0
    for seed in range(12):
        d, truth = drawn(seed, design, 900)
        b = ask(d, design).bounds
        for name, value in truth.items():
            misses += not b.loc[name, "conf_low"] <= value <= b.loc[name, "conf_high"]
            if np.isfinite(b.loc[name, "lower"]):
                assert b.loc[name, "conf_low"] - 1e-9 <= b.loc[name, "lower"] <= b.loc[name, "upper"] + 1e-6
                assert b.loc[name, "upper"] <= b.loc[name, "conf_high"] + 1e-9
    assert misses <= 1


def continuous(seed, n, g=0.0):
    """An unmeasured u moves mediator and outcome; direct effect .3 + g m, slope .5."""
    rng = np.random.default_rng(seed)
    arm, how, u = np.arange(n) % 2, np.arange(n) // 2 % 2, rng.normal(size=n)
    m = np.where(how == 1, rng.integers(0, 2, n), u + 0.2 + 0.6 * arm + rng.normal(size=n) > 0)
    y = 0.5 * m + (0.3 + g * m) * arm + u + rng.normal(size=n)
    d = pd.DataFrame({"id": range(n), "arm": np.where(arm == 1, "peer", "solo"), "m1": m.astype(int), "y1": y, "how": how})
    return d, rng


def test_point_without_interaction():
    from scipy.stats import norm

    moved = norm.cdf(0.8 / np.sqrt(2)) - norm.cdf(0.2 / np.sqrt(2))
    inside, total = 0, []
    for seed in range(100):
        r = ask(continuous(seed, 400)[0], PARALLEL)
        rows = {e.estimand: e for e in r.estimates}
        e = rows["acme, no interaction"]
        total.append(e.estimate)
        inside += e.conf_low <= 0.5 * moved <= e.conf_high
        assert e.estimate + rows["direct, no interaction"].estimate == pytest.approx(rows["total"].estimate, abs=1e-12)
    assert inside >= 87  # .95 of 100 less 3.5 standard errors
    assert np.mean(total) == pytest.approx(0.5 * moved, abs=0.07)
    assert r.bounds.empty and "no_bounds" in {n.code for n in r.notes}
    big = {e.estimand: e for e in ask(continuous(1, 8000, g=0.8)[0], PARALLEL).estimates}["interaction"]
    assert big.conf_low > 0 and big.estimate == pytest.approx(0.8, abs=4 * big.std_error)


@pytest.mark.parametrize("design", [PARALLEL, ENCOURAGEMENT])
def test_groups_widen(design):
    d, _ = drawn(3, design, 720, groups=12)
    g, a = ask(d, design, grouped), ask(d, design)
    rows, alone = ({e.estimand: e for e in r.estimates} for r in (g, a))
    assert rows["total"].covariance == "CR2" and rows["total"].df < alone["total"].df
    assert rows["total"].estimate == pytest.approx(alone["total"].estimate, abs=1e-12)
    assert g.bounds[["lower", "upper"]].to_numpy() == pytest.approx(
        a.bounds[["lower", "upper"]].to_numpy(), abs=1e-7, nan_ok=True
    )
    assert (g.bounds["conf_high"] >= a.bounds["conf_high"] - 1e-6).all()
    assert (g.bounds["conf_low"] <= a.bounds["conf_low"] + 1e-6).all()
    assert g.bounds.loc["acme_treated", "conf_high"] > a.bounds.loc["acme_treated", "conf_high"]
    shuffled = ask(d.sample(frac=1, random_state=2), design, grouped)
    assert shuffled.bounds.to_numpy() == pytest.approx(g.bounds.to_numpy(), abs=1e-5, nan_ok=True)
    back = Result.from_dict(g.to_dict())
    assert str(back) == str(g) and back.bounds.equals(g.bounds)


def test_weights_of_zero_are_rows_dropped():
    d, _ = drawn(4, PARALLEL, 600)
    d["w"] = np.where(d["id"] % 7 == 0, 0.0, 1.5)
    weighted = lambda x: trial(x, weights="w")  # noqa: E731
    kept = ask(d[d["w"] > 0].reset_index(drop=True), PARALLEL, weighted)
    r = ask(d, PARALLEL, weighted)
    assert r.bounds.to_numpy() == pytest.approx(kept.bounds.to_numpy(), abs=1e-6, nan_ok=True)
    plain = {e.estimand: e.estimate for e in ask(d[d["w"] > 0], PARALLEL).estimates}
    assert {e.estimand: e.estimate for e in r.estimates}["total"] == pytest.approx(plain["total"], abs=1e-12)


def test_what_contradicts_the_design_is_said():
    d, _ = drawn(2, ENCOURAGEMENT, 1800)
    against = d.assign(m1=np.where(d["how"] == 0, d["m1"], (d["how"] < 0).astype(int)))
    r = ask(against, ENCOURAGEMENT)
    assert r.bounds.isna().all().all()
    assert "an assumption fails" in next(n.text for n in r.notes if n.code == "contradicted")


def test_bad_requests():
    d, _ = drawn(1, PARALLEL, 200)
    with pytest.raises(ColumnNotFoundError):
        tk.mediation.parallel_design(trial(d), "y1", mediator="m1", manipulated="hew")
    with pytest.raises(ValueTypeError, match="values other than"):
        ask(d.assign(how=d["how"] + 1), PARALLEL)
    with pytest.raises(NotIdentifiedError, match="one value only"):
        ask(d.assign(m1=np.where(d["how"] == 1, 1, d["m1"])), PARALLEL)
    with pytest.raises(NotIdentifiedError, match="has 0 people"):
        ask(d.assign(how=np.where(d["arm"] == "solo", 0, d["how"])), PARALLEL)
    with pytest.raises(UsageError, match="already is"):
        tk.mediation.parallel_design(trial(d), "y1", mediator="m1", manipulated="m1")
    with pytest.raises(ArmError, match="3 arms"):
        ask(d.assign(arm=np.where(d["id"] < 50, "third", d["arm"])), PARALLEL)
    with pytest.raises(UsageError, match="between 0 and 1"):
        ask(d, PARALLEL, conf_level=95)
    e, _ = drawn(1, ENCOURAGEMENT, 300)
    with pytest.raises(ValueTypeError, match="need both to be 0 and 1"):
        ask(e.assign(y1=e["y1"] * 2), ENCOURAGEMENT)
