"""Kernels of reliability: closed forms, exact probabilities, derivatives and agreement between two ways to the same number."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from trialkit.inference.factor.one_factor import one_factor
from trialkit.inference.reliability.alpha import alpha, alpha_gradient, correlations, feldt, item_statistics, standardized_alpha
from trialkit.inference.reliability.delta import influence, jackknife_interval, robust_interval
from trialkit.inference.reliability.intraclass import intraclass, intraclass_values, mean_squares
from trialkit.inference.reliability.item_moments import item_covariances, item_sums, pair_counts
from trialkit.inference.reliability.omega import omega
from trialkit.inference.reliability.polychoric import EDGE, bivariate_normal, categories, polychoric
from trialkit.inference.reliability.split_half import split_half


def answers(seed: int, n: int = 200, p: int = 6, spread: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    loadings = 1 + spread * rng.uniform(-0.5, 0.5, p)
    return rng.normal(size=(n, 1)) * loadings + rng.normal(size=(n, p)) * rng.uniform(0.7, 1.3, p)


def with_gaps(x: np.ndarray, seed: int = 1) -> np.ndarray:
    return np.where(np.random.default_rng(seed).random(x.shape) < 0.1, np.nan, x)


def test_covariances_of_complete_pairs():
    x = with_gaps(answers(1))
    s = item_covariances(x)
    for i, j in ((0, 1), (2, 2), (3, 5)):
        both = ~np.isnan(x[:, i]) & ~np.isnan(x[:, j])
        assert s[i, j] == pytest.approx(np.cov(x[both, i], x[both, j])[0, 1], abs=1e-12)
    assert pair_counts(x)[0, 1] == (~np.isnan(x[:, 0]) & ~np.isnan(x[:, 1])).sum()


def test_sums_by_unit_give_the_covariances_of_any_weighting():
    x = with_gaps(answers(2))
    unit = np.random.default_rng(3).permutation(np.repeat(np.arange(40), 5))
    weights = np.random.default_rng(4).integers(0, 3, size=(3, 40)).astype(float)
    found = item_sums(x, unit).covariances(weights)
    for w, s in zip(weights, found):
        repeated = np.repeat(x, w[unit].astype(int), axis=0)
        assert s == pytest.approx(item_covariances(repeated), abs=1e-10)
    without = item_sums(x, unit).without_each()
    assert without[7] == pytest.approx(item_covariances(x[unit != 7]), abs=1e-10)


def test_alpha_of_compound_symmetric_items_is_spearman_brown():
    s = 4 * (0.3 + 0.7 * np.eye(5))
    assert float(alpha(s)) == pytest.approx(5 * 0.3 / (1 + 4 * 0.3))
    assert float(standardized_alpha(correlations(s))) == pytest.approx(float(alpha(s)))
    assert omega(s).model == pytest.approx(float(alpha(s)), abs=1e-6)
    found = item_statistics(s)
    assert found.alpha_if_dropped == pytest.approx(np.full(5, 4 * 0.3 / (1 + 3 * 0.3)))


def test_item_rest_and_alpha_if_dropped_from_the_answers():
    x = answers(5)
    found = item_statistics(np.cov(x.T))
    rest = np.delete(x, 2, axis=1)
    assert found.item_rest[2] == pytest.approx(np.corrcoef(x[:, 2], rest.sum(axis=1))[0, 1])
    assert found.alpha_if_dropped[2] == pytest.approx(float(alpha(np.cov(rest.T))))
    assert np.isnan(item_statistics(np.cov(x[:, :2].T)).alpha_if_dropped).all()


def test_feldt_holds_the_quantiles_of_f():
    low, high = feldt(0.8, n=50, items=6, conf_level=0.9)
    assert (1 - low) / 0.2 == pytest.approx(stats.f(49, 245).ppf(0.95))
    assert (1 - high) / 0.2 == pytest.approx(stats.f(49, 245).ppf(0.05))
    assert low < 0.8 < high


@pytest.mark.parametrize("seed", [1, 2])
def test_gradients_are_derivatives(seed):
    """Also where one factor is wrong: two items share more than it."""
    x = answers(seed)
    x[:, 0] += 0.8 * x[:, 1]
    s = np.cov(x.T)
    change = np.random.default_rng(seed).normal(size=s.shape)
    change = 1e-3 * (change + change.T)
    found = omega(s)
    for gradient, value in (
        (found.gradient, lambda m: omega(m).model),
        (found.gradient_observed, lambda m: omega(m).observed),
        (alpha_gradient(s), lambda m: float(alpha(m))),
    ):
        assert (gradient * change).sum() == pytest.approx((value(s + change) - value(s - change)) / 2, rel=2e-3)


def test_influence_is_the_change_from_one_more_person():
    x = answers(6, n=400)
    s = np.cov(x.T)
    per_person = influence(alpha_gradient(s), x=x, s=s)
    twice = [float(alpha(np.cov(np.vstack([x, x[i]]).T))) for i in range(30)]
    assert (np.array(twice) - float(alpha(s))) * 400 == pytest.approx(per_person[:30], abs=0.02)


def test_jackknife_and_influence_agree_with_many_units():
    x = answers(7, n=900)
    unit = np.repeat(np.arange(300), 3)
    s = np.cov(x.T)
    a = float(alpha(s))
    by_influence = robust_interval(a, influence(alpha_gradient(s), x=x, s=s), unit=unit, conf_level=0.95)
    jackknife = jackknife_interval(a, alpha(item_sums(x, unit).without_each()), unit=unit, conf_level=0.95)
    assert jackknife.std_error == pytest.approx(by_influence.std_error, rel=0.02)
    assert by_influence.df == jackknife.df == 299
    found = omega(s)
    by_influence = robust_interval(found.model, influence(found.gradient, x=x, s=s), unit=unit, conf_level=0.95)
    left_out = one_factor(item_sums(x, unit).without_each()).omega
    assert jackknife_interval(found.model, left_out, unit=unit, conf_level=0.95).std_error == pytest.approx(
        by_influence.std_error, rel=0.02
    )


def test_one_unit_has_no_interval():
    x = answers(8)
    s = np.cov(x.T)
    per_person = influence(alpha_gradient(s), x=x, s=s)
    assert math.isnan(robust_interval(0.8, per_person, unit=np.zeros(len(x), dtype=int), conf_level=0.95).low)
    assert math.isnan(jackknife_interval(0.8, np.array([0.8]), unit=np.zeros(9, dtype=int), conf_level=0.95).low)


def test_split_halves():
    x = answers(9)
    s = np.cov(x.T)
    found = split_half(s, np.array([1, 1, 0, 0, 1, 0], dtype=bool))
    first, second = x[:, [0, 1, 4]].sum(axis=1), x[:, [2, 3, 5]].sum(axis=1)
    r = np.corrcoef(first, second)[0, 1]
    assert found.correlation == pytest.approx(r)
    assert found.spearman_brown == pytest.approx(2 * r / (1 + r))
    assert found.guttman == pytest.approx(2 * (1 - (first.var(ddof=1) + second.var(ddof=1)) / x.sum(axis=1).var(ddof=1)))
    assert found.n_splits == 10
    assert found.mean == pytest.approx(float(alpha(s)))  # the mean over all equal halves is alpha
    assert found.lowest <= found.guttman <= found.highest


def test_unequal_halves_of_parallel_items():
    """Horst's form gives back the reliability of the whole."""
    s = 0.4 + 0.6 * np.eye(5)
    found = split_half(s, np.array([1, 0, 1, 0, 1], dtype=bool))
    assert found.spearman_brown == pytest.approx(float(alpha(s)))
    assert found.n_splits == 10


@settings(max_examples=40, deadline=None)
@given(st.floats(-4, 4), st.floats(-4, 4), st.floats(-0.999, 0.999))
def test_bivariate_normal_by_quadrature(h, k, rho):
    s = math.sqrt(1 - rho * rho)
    kink = k / rho if abs(rho) > 0.05 and -9 < k / rho < h else None
    expected = integrate.quad(
        lambda z: stats.norm.pdf(z) * stats.norm.cdf((k - rho * z) / s), -9, h, epsabs=1e-12, limit=400, points=kink and [kink]
    )[0]
    found = float(bivariate_normal(np.array(h), np.array(k), np.array(rho)))
    assert found == pytest.approx(expected, abs=1e-9)


def test_bivariate_normal_at_zero():
    zero, half = np.zeros(1), np.array([0.5])
    assert float(bivariate_normal(zero, zero, half)[0]) == pytest.approx(0.25 + math.asin(0.5) / (2 * math.pi), abs=1e-14)
    assert float(bivariate_normal(zero, np.array([1.0]), zero)[0]) == pytest.approx(0.5 * stats.norm.cdf(1), abs=1e-14)
    assert float(bivariate_normal(np.array([9.0]), np.array([-1.0]), half)[0]) == pytest.approx(stats.norm.cdf(-1), abs=1e-14)


def test_tetrachoric_of_median_splits_in_closed_form():
    """Cut at the medians, P(both low) = 1/4 + asin(rho) / (2 pi)."""
    both, apart = 400, 100
    codes = np.repeat([[0, 0], [1, 1], [0, 1], [1, 0]], [both, both, apart, apart], axis=0)
    expected = math.sin(2 * math.pi * (both / 1000 - 0.25))
    assert polychoric(codes).correlations[0, 0, 1] == pytest.approx(expected, abs=1e-8)


def test_polychoric_is_the_maximum_and_finds_the_truth():
    rng = np.random.default_rng(10)
    z = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=20_000)
    codes, _ = categories(np.column_stack([np.digitize(z[:, 0], [-1, 0, 1.2]), np.digitize(z[:, 1], [-0.5, 0.3])]).astype(float))
    found = polychoric(codes)
    rho = found.correlations[0, 0, 1]
    assert rho == pytest.approx(0.6, abs=0.02)
    assert found.thresholds[0] == pytest.approx([-1, 0, 1.2], abs=0.04)
    table = np.zeros((4, 3))
    np.add.at(table, (codes[:, 0], codes[:, 1]), 1)
    cuts = [np.r_[-9, t, 9] for t in found.thresholds]

    def likelihood(r: float) -> float:
        grid = bivariate_normal(cuts[0][:, None], cuts[1][None, :], np.array(r))
        return float((table * np.log(np.diff(np.diff(grid, axis=0), axis=1))).sum())

    assert likelihood(rho) >= max(likelihood(rho - 1e-4), likelihood(rho + 1e-4))


def test_polychoric_of_weights_is_that_of_repeated_people():
    x = np.clip(np.round(answers(11, n=150, p=3)), -2, 2)
    codes, _ = categories(with_gaps(x))
    weights = np.random.default_rng(12).integers(0, 3, size=(2, 150)).astype(float)
    found = polychoric(codes, unit=np.arange(150), weights=weights).correlations
    for w, r in zip(weights, found):
        assert r == pytest.approx(polychoric(np.repeat(codes, w.astype(int), axis=0)).correlations[0], abs=1e-7)


def test_polychoric_of_identical_items_stops_at_the_edge():
    codes = np.column_stack([np.arange(90) % 3] * 2)
    found = polychoric(codes)
    assert found.at_edge[0, 0, 1]
    assert found.correlations[0, 0, 1] == pytest.approx(EDGE, abs=1e-6)
    turned = polychoric(np.column_stack([codes[:, 0], 2 - codes[:, 0]]))
    assert turned.correlations[0, 0, 1] == pytest.approx(-EDGE, abs=1e-6)


def test_intraclass_two_ways():
    x = answers(13, n=40, p=3) + np.array([0, 0.5, 1])
    found = intraclass(mean_squares(x), 0.95)
    other = intraclass_values(np.cov(x.T), x.mean(axis=0), 40)
    assert [found[f"icc{i}"].estimate for i in (1, 2, 3)] == pytest.approx(list(other), abs=1e-12)
    assert found["icc3k"].estimate == pytest.approx(float(alpha(np.cov(x.T))))  # consistency of the mean is alpha
    low, high = feldt(float(alpha(np.cov(x.T))), n=40, items=3, conf_level=0.95)
    assert (found["icc3k"].low, found["icc3k"].high) == pytest.approx((low, high))


def test_feldt_and_robust_intervals_cover_thinned():
    """1,000 trials of ten groups of eight in one arm and eighty people alone; Feldt for people alone."""
    rng = np.random.default_rng(14)
    p, truth, reps = 4, 4 / (4 + 1.5), 1000
    unit = np.r_[np.repeat(np.arange(10), 8), 10 + np.arange(80)]
    feldt_in = jackknife_in = naive_in = 0
    for _ in range(reps):
        x = rng.normal(size=(60, 1)) + math.sqrt(1.5) * rng.normal(size=(60, p))
        low, high = feldt(float(alpha(np.cov(x.T))), n=60, items=p, conf_level=0.95)
        feldt_in += low <= truth <= high
        shared, own = math.sqrt(0.5), math.sqrt(0.5)
        trait = shared * rng.normal(size=90)[unit] + own * rng.normal(size=160)
        error = shared * rng.normal(size=(90, p))[unit] + own * rng.normal(size=(160, p))
        x = trait[:, None] + math.sqrt(1.5) * error
        a = float(alpha(np.cov(x.T)))
        found = jackknife_interval(a, alpha(item_sums(x, unit).without_each()), unit=unit, conf_level=0.95)
        jackknife_in += found.low <= truth <= found.high
        low, high = feldt(a, n=160, items=p, conf_level=0.95)
        naive_in += low <= truth <= high
    assert abs(feldt_in / reps - 0.95) < 0.025
    assert abs(jackknife_in / reps - 0.95) < 0.035
    assert naive_in < jackknife_in - 30  # without the groups the interval is too short
