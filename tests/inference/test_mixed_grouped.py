"""The mixed model with one random intercept a person: closed form, a dense likelihood, batches, and the lower limit."""

from __future__ import annotations

import numpy as np
import pytest

from tests.calibration.test_mixed import grouped as calibrated
from tests.inference.mixed_dense import Dense
from trialkit.inference.mixed.fit import MixedFit
from trialkit.inference.mixed.grouped import grouped_mixed, grouped_mixed_designs, replicate
from trialkit.inference.mixed.kenward_roger import kenward_roger_contrasts, kenward_roger_covariance, kenward_roger_joint
from trialkit.inference.mixed.satterthwaite import satterthwaite_contrasts, satterthwaite_joint

ARM = np.array([[0, 1.0]])


def oracle() -> dict[str, np.ndarray]:
    """spec: groups {10,12,11}, {14,15,13}, {9,8,12}, {13,16,14}; controls 8, 11, 9, 12, 7, 10."""
    y = np.array([10, 12, 11, 14, 15, 13, 9, 8, 12, 13, 16, 14, 8, 11, 9, 12, 7, 10.0])
    z = np.r_[np.ones(12), np.zeros(6)].astype(int)
    group = np.r_[np.repeat([0, 1, 2, 3], 3), -np.ones(6)].astype(int)
    return {"y": y, "X": np.column_stack([np.ones(18), z]), "part": z, "group": group}


def trial(seed: int, groups: int = 9, icc: float = 0.2, controls: int = 70, spread: float = 1.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(3, 15, groups)
    group = np.r_[np.repeat(np.arange(groups), sizes), -np.ones(controls)].astype(int)
    z = (group >= 0).astype(int)
    x = rng.normal(size=len(z))
    u = rng.normal(size=groups) * np.sqrt(icc)
    y = 0.5 * x + rng.normal(size=len(z)) * np.where(z == 1, spread * np.sqrt(1 - icc), 1.0) + np.where(z == 1, u[group], 0.0)
    return {"y": y, "X": np.column_stack([np.ones(len(z)), z, x]), "part": z, "group": group}


def test_equal_groups_are_welch_on_group_means():
    fit = grouped_mixed(**oracle())
    for rule in (satterthwaite_contrasts, kenward_roger_contrasts):
        found = rule(fit, ARM)
        assert found.estimate[0] == pytest.approx(2.75, abs=1e-8)
        assert found.std_error[0] == pytest.approx(1.3735261461195685, abs=1e-8)
    assert satterthwaite_contrasts(fit, ARM).df[0] == pytest.approx(5.6120403, abs=5e-8)
    d = oracle()
    means = d["y"][:12].reshape(4, 3).mean(axis=1)
    vt, vc = means.var(ddof=1) / 4, d["y"][12:].var(ddof=1) / 6
    welch = (vt + vc) ** 2 / (vt**2 / 3 + vc**2 / 5)
    assert satterthwaite_contrasts(fit, ARM).df[0] == pytest.approx(welch, abs=1e-8)
    within = d["y"][:12].reshape(4, 3).var(axis=1, ddof=1).mean()
    np.testing.assert_allclose(fit.theta, [d["y"][12:].var(ddof=1), within, means.var(ddof=1) - within / 3], atol=1e-8)
    np.testing.assert_allclose(fit.theta, [3.5, 2.1666667, 4.4907407], atol=5e-8)
    assert fit.deviance == pytest.approx(70.3813152, abs=5e-8)
    assert fit.theta[2] / (fit.theta[2] + fit.theta[1]) == pytest.approx(0.6745480, abs=5e-8)


@pytest.mark.parametrize("seed, icc", [(1, 0.3), (2, 0.05), (22, 0.0)])
def test_agrees_with_the_dense_model(seed, icc):
    d = trial(seed, icc=icc, spread=1.5)
    fit = grouped_mixed(**d)
    dense = Dense(d["y"], d["X"], [np.diag((d["part"] == a).astype(float)) for a in (0, 1)], [d["group"]])
    assert dense.minus2(fit.theta) == pytest.approx(float(fit.deviance), abs=1e-8)
    assert np.abs(dense.gradient(fit.theta)).max() < 1e-4
    c = np.array([[0, 1.0, 0], [0, 1.0, -2.0]])
    for found, (estimate, std_error, df) in (
        (satterthwaite_contrasts(fit, c), dense.satterthwaite(fit.theta, c)),
        (kenward_roger_contrasts(fit, c), dense.kenward_roger(fit.theta, c)),
    ):
        np.testing.assert_allclose(found.estimate, estimate, rtol=1e-8)
        np.testing.assert_allclose(found.std_error, std_error, rtol=1e-7)
        np.testing.assert_allclose(found.df, df, rtol=1e-4)
    np.testing.assert_allclose(kenward_roger_covariance(fit), dense.adjusted(fit.theta), rtol=1e-6)
    np.testing.assert_allclose(fit.covariance, dense.phi(fit.theta), rtol=1e-8)


def test_a_variance_below_zero_is_estimated_as_such():
    """The seeds above hold one of them: the dense comparison would not notice a truncation."""
    fit = grouped_mixed(**trial(22, icc=0.0, spread=1.5))
    assert fit.theta[2] < 0
    assert not fit.at_limit.any()


def test_joint_tests_of_one_contrast_are_its_t_test():
    fit = grouped_mixed(**trial(3))
    c = np.array([[0, 1.0, 0]])
    for rule, joint in ((satterthwaite_contrasts, satterthwaite_joint), (kenward_roger_contrasts, kenward_roger_joint)):
        one, test = rule(fit, c), joint(fit, c)
        assert test.statistic == pytest.approx(float((one.estimate / one.std_error)[0] ** 2), rel=1e-9)
        assert test.df_denom == pytest.approx(float(one.df[0]), rel=1e-8)
        with pytest.raises(ValueError, match="not independent"):
            joint(fit, np.array([[0, 1.0, 0], [0, 2.0, 0]]))


def same(one: MixedFit, other: MixedFit, tolerance: float = 1e-8) -> None:
    for rule in (satterthwaite_contrasts, kenward_roger_contrasts):
        a, b = rule(one, np.array([[0, 1.0, 0]])), rule(other, np.array([[0, 1.0, 0]]))
        for name in ("estimate", "std_error", "df"):
            np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(one.theta, other.theta, rtol=tolerance, atol=tolerance)
    assert (one.at_limit == other.at_limit).all()


@pytest.mark.parametrize("groups, icc", [(6, 0.0), (20, 0.1)])
def test_a_batch_is_its_single_fits(groups, icc):
    """With fits at the limit among them."""
    d = trial(7, groups=groups, icc=icc)
    rng = np.random.default_rng(1)
    y = rng.normal(size=(60, len(d["y"]))) + np.where(d["part"] == 1, rng.normal(size=(60, groups))[:, d["group"]] * icc**0.5, 0)
    batch = grouped_mixed(**(d | {"y": y}))
    for r in range(60):
        same(replicate(batch, r), grouped_mixed(**(d | {"y": y[r]})))
    assert batch.converged.all()
    if groups == 6:
        assert 0 < batch.at_limit[:, 2].sum() < 60


def test_a_batch_of_designs_is_its_single_fits():
    trials = [trial(s, groups=8, controls=50) for s in range(12)]
    n = min(len(t["y"]) for t in trials)
    cut = [{k: v[len(v) - n :] for k, v in t.items()} for t in trials]
    batch = grouped_mixed_designs(**{k: np.stack([t[k] for t in cut]) for k in cut[0]})
    for r, t in enumerate(cut):
        same(replicate(batch, r), grouped_mixed(**t))


def test_at_the_lower_limit_the_variance_is_held_at_zero():
    """A group of 30 and ten of 3 whose means are all alike: at the limit its mean would be the arm's."""
    sizes = [30, *[3] * 10]
    group = np.r_[np.repeat(np.arange(11), sizes), -np.ones(40)].astype(int)
    z = (group >= 0).astype(int)
    rng = np.random.default_rng(3)
    y = rng.normal(size=len(z))
    for g in range(11):
        y[group == g] -= 0.98 * y[group == g].mean()
    fit = grouped_mixed(y=y, X=np.column_stack([np.ones(len(z)), z]), part=z, group=group)
    assert fit.at_limit.tolist() == [False, False, True]
    assert fit.theta[2] == 0
    assert fit.converged
    found = satterthwaite_contrasts(fit, ARM)
    assert found.estimate[0] == pytest.approx(y[z == 1].mean() - y[z == 0].mean(), abs=1e-9)
    assert found.std_error[0] == pytest.approx(np.sqrt(y[z == 1].var(ddof=1) / 60 + y[z == 0].var(ddof=1) / 40), rel=1e-8)
    assert found.df[0] == 10.0


@pytest.mark.parametrize("scale, shift", [(1e-9, 0.0), (1e9, 0.0), (1.0, 1e7)])
def test_units_of_outcome_and_covariates_do_not_matter(scale, shift):
    d = trial(4)
    a = satterthwaite_contrasts(grouped_mixed(**d), np.array([[0, 1.0, 0]]))
    moved = d | {"y": scale * d["y"] + shift, "X": d["X"] * np.array([1, 1, 1e6]) + np.array([0, 0, 1e7])}
    b = satterthwaite_contrasts(grouped_mixed(**moved), np.array([[0, 1.0, 0]]))
    np.testing.assert_allclose(b.estimate / scale, a.estimate, rtol=1e-6)
    np.testing.assert_allclose(b.std_error / scale, a.std_error, rtol=1e-7)
    np.testing.assert_allclose(b.df, a.df, rtol=1e-6)


def test_what_has_no_maximum_is_nan_and_harms_no_neighbour():
    """A constant outcome, one that X fits, groups of one value each, a constant control arm."""
    d = trial(6, groups=5)
    rng = np.random.default_rng(0)
    y = np.stack([d["y"]] * 5)
    y[1], y[2] = 3.0, d["X"][:, :2] @ [1, 2.0]
    y[3, d["part"] == 1] = rng.normal(size=5)[d["group"][d["part"] == 1]]
    y[4, d["part"] == 0] = 1.0
    fit = grouped_mixed(y=y, X=d["X"][:, :2], part=d["part"], group=d["group"])
    assert fit.converged.tolist() == [True, False, False, False, False]
    found = satterthwaite_contrasts(fit, ARM)
    assert np.isnan(found.estimate[1:]).all()
    assert np.isnan(found.std_error[1:]).all()
    same_one = satterthwaite_contrasts(grouped_mixed(y=d["y"], X=d["X"][:, :2], part=d["part"], group=d["group"]), ARM)
    assert found.std_error[0] == pytest.approx(same_one.std_error, rel=1e-9)


@pytest.mark.parametrize("cell", [(6, 0.0, 2.0, 2.0, 20), (10, 0.0, 0.5, 0.5, 5), (20, 0.05, 0.5, 0.5, 39)])
def test_slow_rises_are_climbed(cell):
    """Draws with a saddle on the way to the limit, where 100 steps of Fisher scoring were too few: no failure among the 500 of the design."""
    assert calibrated(*cell)[-1] == 0


def test_variances_shared_and_apart():
    """Two grouped arms with one residual variance and a group variance each, against the dense model."""
    rng = np.random.default_rng(8)
    group = np.r_[np.repeat(np.arange(6), 7), 6 + np.repeat(np.arange(5), 4), -np.ones(30)].astype(int)
    arm = np.r_[np.ones(42), np.full(20, 2), np.zeros(30)].astype(int)
    y = rng.normal(size=92) + np.where(group >= 0, rng.normal(size=11)[group] * np.where(arm == 1, 0.5, 1.0), 0)
    X = (arm[:, None] == np.arange(3)).astype(float)
    fit = grouped_mixed(y=y, X=X, part=np.zeros(92, int), group=group, between=arm)
    dense = Dense(y, X, [np.eye(92)], [np.where(arm == a, group, -1) for a in (1, 2)])
    assert dense.minus2(fit.theta) == pytest.approx(float(fit.deviance), abs=1e-8)
    assert np.abs(dense.gradient(fit.theta)).max() < 1e-4
    c = np.array([[-1.0, 1, 0], [0, -1.0, 1]])
    np.testing.assert_allclose(satterthwaite_contrasts(fit, c).df, dense.satterthwaite(fit.theta, c)[2], rtol=1e-4)
