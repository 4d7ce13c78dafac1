"""Several random intercepts a person: a dense likelihood, the other kernel, the lower limit."""

from __future__ import annotations

import numpy as np
import pytest

from tests.inference.mixed_dense import Dense
from tests.inference.test_mixed_grouped import trial
from trialkit.inference.mixed.crossed import crossed_mixed, inverse_times
from trialkit.inference.mixed.grouped import grouped_mixed
from trialkit.inference.mixed.kenward_roger import kenward_roger_contrasts, kenward_roger_covariance
from trialkit.inference.mixed.satterthwaite import satterthwaite_contrasts

FIELDS = ("coef", "theta", "deviance", "phi", "first", "second", "observed", "expected", "converged")


def crossed(seed: int, site: float = 0.6, coach: float = 0.6):
    """Groups in the treated arm, coaches across the groups, sites in both arms, residual variance by arm."""
    rng = np.random.default_rng(seed)
    group = np.r_[np.repeat(np.arange(9), 8), -np.ones(60)].astype(int)
    z = (group >= 0).astype(int)
    n = len(z)
    sites, coaches = rng.integers(0, 6, n), np.where(z == 1, rng.integers(0, 7, n), -1)
    x = rng.normal(size=n)
    y = 0.3 * x + rng.normal(size=n) * np.where(z == 1, 1.2, 0.8) + rng.normal(size=6)[sites] * site
    y += np.where(z == 1, rng.normal(size=9)[group] * 0.6 + rng.normal(size=7)[coaches] * coach, 0)
    return {"y": y, "X": np.column_stack([np.ones(n), z, x]), "part": z, "effects": [sites, group, coaches]}


@pytest.mark.parametrize("seed", [1, 2])
def test_agrees_with_the_dense_model(seed):
    d = crossed(seed)
    fit = crossed_mixed(**d)
    dense = Dense(d["y"], d["X"], [np.diag((d["part"] == a).astype(float)) for a in (0, 1)], d["effects"])
    assert bool(fit.converged)
    assert dense.minus2(fit.theta) == pytest.approx(float(fit.deviance), abs=1e-8)
    assert np.abs(dense.gradient(fit.theta)).max() < 1e-4
    c = np.array([[0, 1.0, 0], [1.0, 1.0, -2.0]])
    for found, (estimate, std_error, df) in (
        (satterthwaite_contrasts(fit, c), dense.satterthwaite(fit.theta, c)),
        (kenward_roger_contrasts(fit, c), dense.kenward_roger(fit.theta, c)),
    ):
        np.testing.assert_allclose(found.estimate, estimate, rtol=1e-7)
        np.testing.assert_allclose(found.std_error, std_error, rtol=1e-7)
        np.testing.assert_allclose(found.df, df, rtol=2e-4)
    np.testing.assert_allclose(kenward_roger_covariance(fit), dense.adjusted(fit.theta), rtol=1e-6, atol=1e-10)


def test_a_negative_variance_is_a_maximum_like_any_other():
    """Sites that differ less than chance: the gradient of the dense likelihood is 0 at a negative variance."""
    for seed in range(3, 12):
        d = crossed(seed, site=0.0)
        fit = crossed_mixed(**d)
        if fit.theta[2] < 0 and not fit.at_limit.any():
            dense = Dense(d["y"], d["X"], [np.diag((d["part"] == a).astype(float)) for a in (0, 1)], d["effects"])
            assert np.abs(dense.gradient(fit.theta, step=1e-6)).max() < 1e-4
            return
    raise AssertionError("no seed gave a negative variance")


def test_without_a_maximum_inside_the_variance_is_held_at_zero():
    """Every site has the same residual mean: the restricted likelihood rises until V is singular."""
    rng = np.random.default_rng(5)
    sites = np.repeat(np.arange(6), 20)
    coaches = np.tile(np.arange(5), 24)
    z = np.tile([0, 1], 60)
    X = np.column_stack([np.ones(120), z])
    y = rng.normal(size=120) + rng.normal(size=5)[coaches]
    for s in range(6):
        y[sites == s] -= y[sites == s].mean()
    fit = crossed_mixed(y=y, X=X, part=np.zeros(120, int), effects=[sites, coaches])
    assert fit.at_limit.tolist() == [False, True, False]
    alone = crossed_mixed(y=y, X=X, part=np.zeros(120, int), effects=[coaches])
    np.testing.assert_allclose(fit.theta[[0, 2]], alone.theta, rtol=1e-7)
    assert satterthwaite_contrasts(fit, np.array([[0, 1.0]])).std_error == pytest.approx(
        satterthwaite_contrasts(alone, np.array([[0, 1.0]])).std_error, rel=1e-7
    )


@pytest.mark.parametrize("seed", [1, 4])
def test_with_one_effect_a_person_it_is_the_other_kernel(seed):
    d = trial(seed)
    one = grouped_mixed(**d)
    other = crossed_mixed(y=d["y"], X=d["X"], part=d["part"], effects=[d["group"]])
    for name in FIELDS:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-6, atol=1e-8)


def test_inverse_times_is_the_inverse():
    d = crossed(3)
    fit = crossed_mixed(**d)
    dense = Dense(d["y"], d["X"], [np.diag((d["part"] == a).astype(float)) for a in (0, 1)], d["effects"])
    found = inverse_times(d["y"], part=d["part"], effects=d["effects"], theta=fit.theta)
    np.testing.assert_allclose(found, dense.inverse(fit.theta) @ d["y"], rtol=1e-8, atol=1e-10)


def test_the_order_of_rows_and_the_names_of_levels_do_not_matter():
    d = crossed(4)
    order = np.random.default_rng(0).permutation(len(d["y"]))
    renamed = [np.where(e >= 0, 10 * (20 - e) + 3, -1)[order] for e in d["effects"]]
    moved = {"y": d["y"][order], "X": d["X"][order], "part": d["part"][order], "effects": renamed}
    a, b = crossed_mixed(**d), crossed_mixed(**moved)
    np.testing.assert_allclose(a.theta, b.theta, rtol=1e-6)
    np.testing.assert_allclose(a.coef, b.coef, rtol=1e-7, atol=1e-9)
