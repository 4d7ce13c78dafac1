"""Survival kernels against definitions written out slowly, and the properties they must have."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trialkit.inference.survival.cox import cox, dfbeta, score_residuals
from trialkit.inference.survival.curve import survival_curve
from trialkit.inference.survival.leverage import adjusted_dfbeta, person_information
from trialkit.inference.survival.logrank import logrank_score
from trialkit.inference.survival.proportional import time_variation
from trialkit.inference.survival.restricted import restricted
from trialkit.inference.survival.risk import risk_sets


def people(seed: int, n: int = 40, ties: bool = True) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    time = rng.exponential(5, n) + 0.01
    if ties:
        time = np.ceil(time)
    entry = np.where(rng.random(n) < 0.4, np.floor(rng.random(n) * time), 0.0)
    entry = np.minimum(entry, time - 0.005)
    kind = rng.choice(3, n, p=[0.3, 0.5, 0.2])
    return {
        "time": time, "event": kind == 1, "other": kind == 2, "entry": entry, "arm": rng.integers(0, 2, n), "x": rng.normal(size=n),
        "stratum": rng.integers(0, 3, n), "weights": rng.uniform(0.5, 2, n), "unit": rng.integers(0, 9, n),
    }  # fmt: skip


def slow_loglik(d: dict[str, np.ndarray], X: np.ndarray, b: np.ndarray, extra=None) -> float:
    """Efron's partial likelihood as written in the docstring, a time at a time; `extra` (n, times) adds a covariate that moves."""
    total = 0.0
    for s in np.unique(d["stratum"]):
        for k, t in enumerate(np.unique(d["time"])):
            eta = X @ b + (0.0 if extra is None else extra[:, k])
            dead = (d["stratum"] == s) & (d["time"] == t) & d["event"]
            risk = (d["stratum"] == s) & (d["time"] >= t) & (d["entry"] < t)
            for j in range(int(dead.sum())):
                phi = (d["weights"] * np.exp(eta))[risk].sum() - j / dead.sum() * (d["weights"] * np.exp(eta))[dead].sum()
                total -= d["weights"][dead].mean() * np.log(phi)
            total += (d["weights"] * eta)[dead].sum()
    return total


def test_partial_likelihood_score_and_information_by_differences():
    d = people(1)
    X = np.column_stack([d["arm"], d["x"]]).astype(float)
    fit = cox(**{k: d[k] for k in ("time", "event", "entry", "stratum", "weights")}, X=X)
    b, h = fit.coef, 1e-4
    assert slow_loglik(d, X, b) == pytest.approx(float(fit.loglik), rel=1e-12)
    steps = h * np.eye(2)
    gradient = [(slow_loglik(d, X, b + e) - slow_loglik(d, X, b - e)) / (2 * h) for e in steps]
    np.testing.assert_allclose(gradient, 0.0, atol=1e-6)
    second = [[(slow_loglik(d, X, b + e + f) - slow_loglik(d, X, b + e - f) - slow_loglik(d, X, b - e + f) + slow_loglik(d, X, b - e - f)) / (4 * h * h) for e in steps] for f in steps]  # fmt: skip
    np.testing.assert_allclose(-np.array(second), fit.information, rtol=1e-4)


def test_time_variation_is_the_score_of_a_covariate_that_moves():
    d = people(2)
    d["weights"] = np.ones(len(d["time"]))
    X = np.column_stack([d["arm"], d["x"]]).astype(float)
    fit = cox(**{k: d[k] for k in ("time", "event", "entry", "stratum")}, X=X)
    found = time_variation(fit, transform="identity")
    grid = np.unique(d["time"])
    g = grid - d["time"][d["event"]].mean()

    def moved(theta: float) -> float:
        return slow_loglik(d, X, fit.coef, extra=theta * X[:, [0]] * g)

    h = 1e-5
    assert (moved(h) - moved(-h)) / (2 * h) == pytest.approx(float(found.score[0]), rel=1e-5)


def test_dfbeta_is_the_derivative_by_weights():
    d = people(3, ties=False)
    X = np.column_stack([d["arm"], d["x"]]).astype(float)
    args = {k: d[k] for k in ("time", "event", "entry", "stratum")}
    fit = cox(**args, X=X, weights=d["weights"])
    h = 1e-5
    for i in range(0, 40, 7):
        moved = [cox(**args, X=X, weights=d["weights"] + s * h * (np.arange(40) == i)).coef for s in (1, -1)]
        np.testing.assert_allclose((moved[0] - moved[1]) / (2 * h) * d["weights"][i], dfbeta(fit)[:, i], rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("quantity", ["share", "time_lost", "restricted_mean"])
@pytest.mark.parametrize("late", [False, True])
def test_influence_values_are_derivatives_by_weights(quantity, late):
    d = people(4)
    args = {"time": d["time"], "event": d["event"], "tau": 9.5, "quantity": quantity}
    args |= {} if quantity == "restricted_mean" else {"other": d["other"]}
    args |= {"entry": np.minimum(d["entry"], 0.9)} if late else {}
    found = restricted(**args, weights=d["weights"])
    assert abs(found.influence.sum()) < 1e-12
    h = 1e-6
    for i in range(0, 40, 3):
        moved = [float(restricted(**args, weights=d["weights"] + s * h * (np.arange(40) == i)).value) for s in (1, -1)]
        assert (moved[0] - moved[1]) / (2 * h) * d["weights"][i] == pytest.approx(found.influence[i], abs=1e-7)


def test_greenwood_and_the_area_under_the_curve():
    d = people(5)
    curve = survival_curve(time=d["time"], event=d["event"])
    tau = 8.0
    grid = np.r_[0.0, curve.time[curve.time < tau], tau]
    height = np.r_[1.0, curve.survival[curve.time < tau]]
    found = restricted(time=d["time"], event=d["event"], tau=tau)
    assert float(found.value) == pytest.approx(float(np.diff(grid) @ height))
    area = np.cumsum((np.diff(grid) * height)[::-1])[::-1][1:]
    d_k, y_k = curve.events[curve.time < tau], curve.at_risk[curve.time < tau]
    assert float(found.variance) == pytest.approx(float((area**2 * d_k / (y_k * (y_k - d_k))).sum()))


def test_without_censoring_the_restricted_mean_is_a_mean():
    time = np.array([1.0, 2, 2, 5, 9, 12])
    found = restricted(time=time, event=np.ones(6), tau=10)
    cut = np.minimum(time, 10)
    assert float(found.value) == pytest.approx(cut.mean())
    np.testing.assert_allclose(found.influence, (cut - cut.mean()) / 6)


def test_units_of_one_are_people():
    d = people(6)
    alone, units = (
        survival_curve(time=d["time"], event=d["event"], other=d["other"], entry=d["entry"] * 0, unit=u)
        for u in (None, np.arange(40))
    )
    np.testing.assert_allclose(units.std_error, alone.std_error * np.sqrt(40 / 39), rtol=1e-9)
    np.testing.assert_allclose(units.share_std_error, alone.share_std_error * np.sqrt(40 / 39), rtol=1e-9, atol=1e-12)
    fit = cox(time=d["time"], event=d["event"], X=np.column_stack([d["arm"], d["x"]]))
    np.testing.assert_allclose(adjusted_dfbeta(fit), adjusted_dfbeta(fit, np.arange(40)))
    np.testing.assert_allclose(person_information(fit).sum(axis=-1), fit.information, rtol=1e-10)


def test_leverage_is_that_of_least_squares_where_the_model_is_linear():
    """Adjusted values are I^-1/2 (1 - I^-1/2 G I^-1/2)^-1/2 I^-1/2 U for each unit."""
    d = people(7)
    fit = cox(time=d["time"], event=d["event"], X=np.column_stack([d["arm"], d["x"]]))
    parts, scores, values = person_information(fit), score_residuals(fit), adjusted_dfbeta(fit, d["unit"])
    w, v = np.linalg.eigh(fit.information)
    half = (v / np.sqrt(w)) @ v.T
    for u in range(9):
        inside = d["unit"] == u
        H = half @ parts[..., inside].sum(axis=-1) @ half
        e, q = np.linalg.eigh(np.eye(2) - H)
        expected = half @ (q / np.sqrt(e)) @ q.T @ half @ scores[:, inside].sum(axis=1)
        np.testing.assert_allclose(values[:, inside].sum(axis=1), expected, rtol=1e-9)


def test_batches_are_their_replicates():
    rng = np.random.default_rng(8)
    time, event = np.ceil(rng.exponential(6, (5, 30)) * 2) / 2, rng.random((5, 30)) < 0.7
    other = ~event & (rng.random((5, 30)) < 0.4)
    entry, arm, x = np.minimum(0.4, time / 3), np.arange(30) % 2, rng.normal(size=(30, 2))
    stratum = np.arange(30) % 3
    many = cox(time=time, event=event, X=x, entry=entry, stratum=stratum)
    scores = logrank_score(time=time, event=event, arm=arm, entry=entry, stratum=stratum)
    lost = restricted(time=time, event=event, other=other, entry=entry, tau=6.0, quantity="time_lost")
    for r in range(5):
        one = cox(time=time[r], event=event[r], X=x, entry=entry[r], stratum=stratum)
        np.testing.assert_allclose(many.coef[r], one.coef, rtol=1e-9)
        np.testing.assert_allclose(adjusted_dfbeta(many, arm)[r], adjusted_dfbeta(one, arm), rtol=1e-8, atol=1e-12)
        alone = logrank_score(time=time[r], event=event[r], arm=arm, entry=entry[r], stratum=stratum)
        np.testing.assert_allclose(scores.statistic[r], alone.statistic)
        single = restricted(time=time[r], event=event[r], other=other[r], entry=entry[r], tau=6.0, quantity="time_lost")
        np.testing.assert_allclose([lost.value[r], lost.variance[r]], [single.value, single.variance])


@pytest.mark.parametrize(
    ("arm", "event"),
    [
        (np.r_[np.zeros(10), np.ones(10)], np.r_[np.ones(10), np.zeros(10)]),
        (np.r_[np.zeros(10), np.ones(10)], np.zeros(20)),
        (np.zeros(20), np.ones(20)),
    ],
)
def test_no_maximum_is_found_out(arm, event):
    time = np.random.default_rng(9).exponential(size=20)
    fit = cox(time=time, event=event, X=arm[:, None])
    assert bool(fit.separated)
    assert not bool(fit.converged)


def test_separation_by_a_combination_of_covariates():
    rng = np.random.default_rng(10)
    x = rng.normal(size=(40, 2))
    fit = cox(time=np.argsort(np.argsort(-x.sum(axis=1))) + 1.0, event=np.ones(40), X=x)
    assert not bool(fit.converged)


def test_large_numbers_do_not_overflow():
    d = people(11)
    plain = cox(time=d["time"], event=d["event"], X=d["x"][:, None])
    scaled = cox(time=d["time"] * 1e9, event=d["event"], X=1e6 * d["x"][:, None] + 1e8)
    np.testing.assert_allclose(scaled.coef * 1e6, plain.coef, rtol=1e-6)


def test_who_is_at_risk():
    """At 3: the one who leaves at 3 and the one after; not who enters at 3, nor who left at 2."""
    risk = risk_sets(time=np.array([2.0, 3, 5, 6]), event=np.array([1, 1, 0, 1]), entry=np.array([0.0, 0, 1, 3]))
    found = dict(zip(risk.time[risk.event], risk.at_risk(np.ones(4))[risk.event]))
    assert found == {2.0: 3.0, 3.0: 2.0, 6.0: 1.0}
    np.testing.assert_allclose(risk.accumulate(np.where(risk.event, 1.0, 0.0)), [1, 2, 2, 1])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_row_order_time_unit_and_labels(seed):
    d = people(seed, n=30)
    assume(d["event"][d["arm"] == 0].sum() > 1 and d["event"][d["arm"] == 1].sum() > 1)
    X = np.column_stack([d["arm"], d["x"]]).astype(float)
    args = {"event": d["event"], "stratum": d["stratum"]}
    fit = cox(time=d["time"], X=X, **args)
    assume(bool(fit.converged))
    order = np.random.default_rng(seed).permutation(30)
    shuffled = cox(time=d["time"][order], X=X[order], event=d["event"][order], stratum=d["stratum"][order])
    np.testing.assert_allclose(shuffled.coef, fit.coef, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(dfbeta(shuffled), dfbeta(fit)[:, order], rtol=1e-6, atol=1e-9)
    # only the order of times counts, and relabelled arms turn the sign
    np.testing.assert_allclose(cox(time=np.log(d["time"] + 1) * 7, X=X, **args).coef, fit.coef, rtol=1e-7, atol=1e-9)
    turned = cox(time=d["time"], X=np.column_stack([1 - X[:, 0], X[:, 1]]), **args)
    np.testing.assert_allclose(turned.coef, fit.coef * [-1, 1], rtol=1e-7, atol=1e-9)
    mean, scaled = (restricted(time=k * d["time"], event=d["event"], tau=k * 6.0) for k in (1.0, 7.0))
    np.testing.assert_allclose([scaled.value, np.sqrt(scaled.variance)], [7 * mean.value, 7 * np.sqrt(mean.variance)])
    test, other = (logrank_score(time=d["time"], event=d["event"], arm=a, stratum=d["stratum"]) for a in (d["arm"], 1 - d["arm"]))
    assert float(test.statistic) == pytest.approx(float(other.statistic))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), dropped=st.sets(st.integers(0, 29), min_size=1, max_size=6))
def test_weight_near_zero_is_a_dropped_row(seed, dropped):
    d = people(seed, n=30, ties=False)
    keep = ~np.isin(np.arange(30), list(dropped))
    X = d["arm"][:, None].astype(float)
    w = np.where(keep, d["weights"], 1e-13)
    whole, part = (
        cox(time=d["time"], event=d["event"], X=X, weights=w),
        cox(time=d["time"][keep], event=d["event"][keep], X=X[keep], weights=w[keep]),
    )
    assume(bool(part.converged))
    np.testing.assert_allclose(whole.coef, part.coef, rtol=1e-6, atol=1e-6)
    for quantity in ("share", "time_lost"):
        values = [float(restricted(time=d["time"][m], event=d["event"][m], other=d["other"][m], weights=w[m], tau=5.0, quantity=quantity).value) for m in (slice(None), keep)]  # fmt: skip
        assert values[0] == pytest.approx(values[1], abs=1e-9)


@pytest.mark.parametrize("module", ["cox", "curve", "logrank", "restricted"])
def test_examples_in_docstrings(module):
    assert doctest.testmod(importlib.import_module(f"trialkit.inference.survival.{module}")).failed == 0
