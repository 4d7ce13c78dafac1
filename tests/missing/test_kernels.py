"""The draws against closed forms: posterior of a regression with and without groups, donors, separation, waves, rules, EM, jackknife."""

from __future__ import annotations

import numpy as np
import pytest

from trialkit.inference.imputation import group_effects
from trialkit.inference.imputation.conditional import draw_logistic, draw_probit, nearest_donors
from trialkit.inference.imputation.conditional_mean import conditional_mean, jackknife_variance
from trialkit.inference.imputation.group_effects import draw_regression, log_ratio
from trialkit.inference.imputation.normal_ml import normal_fit
from trialkit.inference.imputation.reference import conditional, delta_adjustment, last_observed, rule_covariance, rule_mean
from trialkit.inference.imputation.waves import draw_waves

T = np.array([[1.0, 0.6, 0.4], [0.6, 1.2, 0.7], [0.4, 0.7, 1.5]])
R = np.array([[0.8, 0.3, 0.2], [0.3, 0.9, 0.5], [0.2, 0.5, 1.1]])


def grouped(G=8, m=10, tau=0.6, seed=0):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(G), m)
    X = np.column_stack([np.ones(G * m), rng.normal(size=G * m)])
    y = X @ [1.0, 0.5] + tau * rng.normal(size=G)[group] + rng.normal(size=G * m)
    return y, X, group


def test_draws_without_groups_are_the_posterior_of_a_regression():
    y, X, _ = grouped(tau=0)
    rng = np.random.default_rng(1)
    alone = np.full(len(y), -1)
    draws = [draw_regression(y=y, X=X, group=alone, n_groups=0, rng=rng) for _ in range(4000)]
    coef = np.array([d.coef for d in draws])
    hat, rss = np.linalg.lstsq(X, y, rcond=None)[:2]
    df = len(y) - 2
    expected = rss[0] / (df - 2) * np.linalg.inv(X.T @ X)
    assert coef.mean(axis=0) == pytest.approx(hat, abs=4 * np.sqrt(expected.max() / 4000))
    assert np.cov(coef.T) == pytest.approx(expected, abs=0.1 * expected.max())
    assert np.mean([d.sigma**2 for d in draws]) == pytest.approx(rss[0] / (df - 2), rel=0.02)


def test_density_of_the_ratio_is_that_of_the_full_covariance():
    y, X, group = grouped()
    group = np.where(np.arange(len(y)) % 7 == 0, -1, group)
    Z = np.column_stack([X, y])
    inside = group >= 0
    sums = group_effects._sums(Z[inside], group[inside], 8)
    size = np.bincount(group[inside], minlength=8).astype(float)
    ratios = np.array([0.0, 0.3, 1.0, 2.5])
    found = log_ratio(cross=Z.T @ Z, size=size, sums=sums, n=len(y), sigma=None, ratio=ratios)
    direct = []
    for r in ratios:
        V = np.eye(len(y)) + r**2 * ((group[:, None] == group) & inside[:, None])
        inner = np.linalg.inv(V)
        A = X.T @ inner @ X
        rest = y - X @ np.linalg.solve(A, X.T @ inner @ y)
        direct.append(-np.linalg.slogdet(V)[1] / 2 - np.linalg.slogdet(A)[1] / 2 - (len(y) - 2) / 2 * np.log(rest @ inner @ rest))
    assert found - found[0] == pytest.approx(np.array(direct) - direct[0], abs=1e-8)


@pytest.mark.parametrize("tau", [0.0, 0.5, 1.5])
def test_the_spline_of_the_density_is_the_density(tau):
    y, X, group = grouped(tau=tau, seed=3)
    Z = np.column_stack([X, y])
    given = {"cross": Z.T @ Z, "size": np.full(8, 10.0), "sums": group_effects._sums(Z, group, 8), "n": len(y), "sigma": None}
    spline = group_effects._SPLINE @ log_ratio(**given, ratio=group_effects._POINTS)
    exact = log_ratio(**given, ratio=group_effects._MIDDLES)
    mass = [np.exp(v - v.max()) * np.diff(group_effects._EDGES) for v in (spline, exact)]
    assert np.abs(mass[0] / mass[0].sum() - mass[1] / mass[1].sum()).sum() / 2 < 0.005


def test_effects_of_groups_without_rows_come_from_the_prior():
    y, X, group = grouped(G=30, tau=0.7)
    rng = np.random.default_rng(2)
    draws = [draw_regression(y=y, X=X, group=group, n_groups=31, rng=rng) for _ in range(1500)]
    empty, spread = np.array([d.effects[30] for d in draws]), np.array([d.ratio * d.sigma for d in draws])
    assert empty.mean() == pytest.approx(0, abs=0.07)
    assert empty.std() == pytest.approx(np.sqrt((spread**2).mean()), rel=0.08)


def test_groups_that_no_one_shares_change_nothing():
    y, X, _ = grouped()
    alone = np.full(len(y), -1)
    one = draw_regression(y=y, X=X, group=alone, n_groups=0, rng=np.random.default_rng(1))
    two = draw_regression(y=y, X=X, group=alone, n_groups=4, rng=np.random.default_rng(1))
    assert one.coef.tolist() == two.coef.tolist()


def test_donors_are_the_nearest_and_each_as_likely():
    values, predicted = np.arange(10.0), np.array([0, 1, 2, 3, 4, 10, 11, 12, 13, 14.0])
    drawn = nearest_donors(values=values, predicted=predicted, wanted=np.full(20000, 2.2), rng=np.random.default_rng(1))
    share = np.bincount(drawn.astype(int), minlength=10) / 20000
    assert share[:5] == pytest.approx([0.2] * 5, abs=0.015)
    assert share[5:].sum() == 0
    edge = nearest_donors(values=values, predicted=predicted, wanted=np.array([-50.0, 99.0]), rng=np.random.default_rng(1))
    assert edge[0] <= 4
    assert edge[1] >= 5


def test_perfect_prediction_leaves_the_draws_between_0_and_1():
    x = np.linspace(-2, 2, 60)
    X = np.column_stack([np.ones(60), x])
    y, observed = (x > 0).astype(float), np.arange(60) % 3 > 0
    rng = np.random.default_rng(1)
    drawn = np.array([draw_logistic(y=y, X=X, observed=observed, rng=rng) for _ in range(400)])
    chance = drawn.mean(axis=0)
    assert 0.02 < chance[np.abs(x[~observed]) < 0.3].mean() < 0.98
    assert chance[0] < 0.1
    assert chance[-1] > 0.9


def test_same_answer_from_everyone_keeps_doubt():
    X, observed = np.ones((40, 1)), np.arange(40) < 20
    rng = np.random.default_rng(1)
    drawn = np.concatenate([draw_logistic(y=np.zeros(40), X=X, observed=observed, rng=rng) for _ in range(300)])
    assert 0.005 < drawn.mean() < 0.15


def test_probit_keeps_the_shares_of_groups():
    group = np.repeat(np.arange(12), 40)
    rng = np.random.default_rng(4)
    level = 1.2 * rng.normal(size=12)
    y = (level[group] + rng.normal(size=480) > 0).astype(float)
    observed = rng.random(480) < 0.6
    draws = [
        draw_probit(y=y, X=np.ones((480, 1)), observed=observed, group=group, n_groups=12, latent=None, rng=rng)[0]
        for _ in range(30)
    ]
    share = np.mean(draws, axis=0)
    by_group = np.array([[share[group[~observed] == g].mean(), y[observed & (group == g)].mean()] for g in range(12)])
    assert np.corrcoef(by_group.T)[0, 1] > 0.97


def test_rules_by_hand():
    own, ref = np.array([1.0, 2.0, 4.0]), np.array([0.0, 0.5, 1.5])
    expected = {"mar": [1, 2, 4], "cr": [0, 0.5, 1.5], "j2r": [1, 2, 1.5], "cir": [1, 2, 3.0], "lmcf": [1, 2, 2]}
    for rule, mean in expected.items():
        assert rule_mean(rule=rule, own=own, reference=ref, last=2).tolist() == mean
    nothing = {"mar": own, "lmcf": own, "cr": ref, "j2r": ref, "cir": ref}
    for rule, mean in nothing.items():
        assert rule_mean(rule=rule, own=own, reference=ref, last=0).tolist() == mean.tolist()


@pytest.mark.parametrize("rule", ["j2r", "cir"])
@pytest.mark.parametrize("last", [1, 2])
def test_the_past_is_of_the_own_arm_and_the_future_given_the_past_of_the_reference(rule, last):
    S = rule_covariance(rule=rule, own=T, reference=R, last=last)
    assert S[:last, :last] == pytest.approx(T[:last, :last])
    observed = np.arange(3) < last
    here, there = conditional(covariance=S, observed=observed), conditional(covariance=R, observed=observed)
    assert here.slope == pytest.approx(there.slope)
    assert here.rest == pytest.approx(there.rest)
    assert np.linalg.eigvalsh(S).min() > 0
    assert rule_covariance(rule=rule, own=T, reference=T, last=last) == pytest.approx(T)


@pytest.mark.parametrize(
    ("event", "expected"), [(2, [0, 6, 20, 44]), (3, [0, 0, 7, 23]), (1, [5, 17, 38, 70]), (5, [0, 0, 0, 0])]
)
def test_delta_of_rbmi(event, expected):
    found = delta_adjustment(delta=np.array([5.0, 6, 7, 8]), dlag=np.array([1.0, 2, 3, 4]), event=event)
    assert found.tolist() == expected


def test_last_observed():
    seen = np.array([[1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 0]], dtype=bool)
    assert last_observed(seen).tolist() == [3, 1, 2, 0]


def waves(seed=0, n=200, monotone=True):
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.normal(size=n)])
    y = X @ np.array([[0.0, 1, 2], [0.5, 0.4, 0.3]]) + rng.multivariate_normal(np.zeros(3), T, n)
    lost = rng.random(n)
    y[lost < 0.3, 2] = np.nan
    y[lost < 0.15, 1] = np.nan
    if not monotone:
        y[rng.random(n) < 0.1, 0] = np.nan
    return y, X


def test_em_of_monotone_waves_is_the_factored_likelihood():
    """Anderson (1957): regressions of each wave on the earlier ones among those who have it."""
    y, X = waves()
    fit = normal_fit(y=y, X=X, weights=np.ones((1, len(y))))
    b0 = np.linalg.lstsq(X, y[:, 0], rcond=None)[0]
    has = np.isfinite(y[:, 1])
    b1 = np.linalg.lstsq(np.column_stack([X, y[:, 0]])[has], y[has, 1], rcond=None)[0]
    last = np.isfinite(y[:, 2])
    b2 = np.linalg.lstsq(np.column_stack([X, y[:, :2]])[last], y[last, 2], rcond=None)[0]
    mean1 = b1[:2] + b1[2] * b0
    assert pytest.approx(np.array([b0, mean1, b2[:2] + b2[2] * b0 + b2[3] * mean1]), abs=1e-8) == fit.coef[0].T


def test_em_in_a_batch_is_em_one_by_one():
    y, X = waves(monotone=False, n=40)
    weights = np.ones((40, 40)) - np.eye(40)
    full = normal_fit(y=y, X=X, weights=np.ones((1, 40)))
    batch = normal_fit(y=y, X=X, weights=weights, start=full)
    for r in (0, 7, 39):
        keep = np.arange(40) != r
        one = normal_fit(y=y[keep], X=X[keep], weights=np.ones((1, 39)))
        assert batch.coef[r] == pytest.approx(one.coef[0], abs=1e-7)
        assert batch.sigma[r] == pytest.approx(one.sigma[0], abs=1e-7)


def test_posterior_of_waves_is_around_the_likelihood():
    y, X = waves(n=600, monotone=False)
    fit = normal_fit(y=y, X=X, weights=np.ones((1, 600)))
    alone = np.full(600, -1)
    draws = list(draw_waves(y=y, X=X, group=alone, n_groups=0, draws=100, rng=np.random.default_rng(1), burn_in=100, thin=5))
    assert np.mean([d.coef for d in draws], axis=0) == pytest.approx(fit.coef[0], abs=0.03)
    assert np.mean([d.sigma for d in draws], axis=0) == pytest.approx(fit.sigma[0], rel=0.06)
    known = np.isfinite(y)
    assert (draws[0].y[known] == y[known]).all()


def test_jackknife_of_a_difference_is_its_exact_variance():
    """Complete data, no covariates: by arm the jackknife gives s2/n of each arm."""
    rng = np.random.default_rng(1)
    y, arm = rng.normal(size=(30, 1)), np.repeat([0, 1], [18, 12])
    found = conditional_mean(
        y=y, X=[np.ones((30, 1))] * 2, arm=arm, unit=np.arange(30), design=np.column_stack([np.ones(30), arm]), arms=np.array([1]),
        rule="mar", reference=0, wave=0,
    )  # fmt: skip
    variance, df = jackknife_variance(replicates=found.replicates, block=arm)
    parts = [y[arm == a, 0].var(ddof=1) / (arm == a).sum() for a in (0, 1)]
    assert variance[0] == pytest.approx(sum(parts), rel=1e-10)
    assert df[0] == pytest.approx(sum(parts) ** 2 / (parts[0] ** 2 / 17 + parts[1] ** 2 / 11), rel=1e-10)
