"""Covariance structures, sufficient statistics and derivatives of the likelihood against dense matrices and differences."""

from __future__ import annotations

import numpy as np
import pytest

from tests.inference.repeated_helpers import AFTER, dense, dense_minus2, small_trial
from trialkit.inference.repeated.covariance_structures import STRUCTURES, RootStructure, structure
from trialkit.inference.repeated.data import repeated_data
from trialkit.inference.repeated.likelihood import (
    CovarianceModel,
    curvature,
    directions,
    expected_information,
    second_matrices,
    state,
)

TARGET = np.array([[2, 1, 0.8, 0.5], [1, 2.2, 1.1, 0.7], [0.8, 1.1, 2.5, 1.3], [0.5, 0.7, 1.3, 3.0]])
TIMES = np.array([0, 1, 2.5, 6.0])
SIZES = {"us": 10, "cs": 2, "csh": 5, "ar1": 2, "ar1h": 5, "toep": 4, "toeph": 7, "ad": 4, "adh": 7, "sp_exp": 2}


def differences(function, at, step=1e-5):
    return np.array([(function(at + step * e) - function(at - step * e)) / (2 * step) for e in np.eye(len(at))])


def check_derivatives(family, theta):
    np.testing.assert_allclose(family.slopes(theta), differences(family.matrix, theta), atol=1e-8)
    second = family.curvatures(theta)
    expected = differences(family.slopes, theta)
    np.testing.assert_allclose(np.zeros_like(expected) if second is None else second, expected, atol=1e-7)


@pytest.mark.parametrize("name", STRUCTURES)
def test_derivatives_of_a_structure(name):
    family = structure(name, 4, times=TIMES)
    theta = family.start(TARGET)
    assert family.size == SIZES[name] == len(theta)
    assert np.linalg.eigvalsh(family.matrix(theta))[0] > 0
    check_derivatives(family, theta)


@pytest.mark.parametrize("name", ["us", "cs", "ar1"])
def test_derivatives_of_a_root(name):
    base = structure(name, 4, inside=np.array([False, True, True, True]))
    floor = np.zeros((4, 4)) if name == "ar1" else 0.1 * np.diag([0.0, 1, 1, 1])
    family = RootStructure(base, floor)
    theta = family.start(np.diag([0, 0.4, 0.4, 0.4]))
    assert np.abs(family.matrix(theta)[0]).max() == 0
    np.testing.assert_allclose(base.matrix(family.natural(theta)), family.matrix(theta), atol=1e-12)
    check_derivatives(family, theta + 0.05)


def test_the_structures_are_what_their_names_say():
    v, r = 2.0, 0.5
    lag = np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    np.testing.assert_allclose(structure("ar1", 4).matrix(np.array([v, r])), v * r**lag)
    np.testing.assert_allclose(structure("cs", 4).matrix(np.array([v, 0.7])), np.where(lag == 0, v, 0.7))
    np.testing.assert_allclose(structure("toep", 4).matrix(np.array([4.0, 3, 2, 1])), 4.0 - lag)
    spaced = np.abs(np.subtract.outer(TIMES, TIMES))
    np.testing.assert_allclose(structure("sp_exp", 4, times=TIMES).matrix(np.array([v, r])), v * r**spaced)
    ad = structure("ad", 4).matrix(np.array([v, 0.9, 0.5, 0.2]))
    assert ad[0, 3] == pytest.approx(v * 0.9 * 0.5 * 0.2)
    s, rho = np.array([1.0, 4.0, 9.0, 16.0]), np.array([0.5])
    np.testing.assert_allclose(structure("ar1h", 4).matrix(np.r_[s, rho]), np.sqrt(np.outer(s, s)) * r**lag)


CASES = [("us", "us", True), ("ar1h", "cs", False), ("toeph", "ar1", True), ("us", "us", False), ("csh", None, True)]


def prepared(people, groups, by_arm, inside=AFTER):
    y, X, arm, group = small_trial()
    families = () if groups is None else (structure(groups, 3, inside=inside),)
    model = CovarianceModel((structure(people, 3),) * (2 if by_arm else 1), families)
    data = repeated_data(y=y, X=X, part=arm if by_arm else None, group=None if groups is None else group)
    base = np.eye(3) * 1.5 + 0.6
    theta = [f.start(base * (1 + 0.2 * i)) for i, f in enumerate(model.people)]
    theta += [f.start(np.eye(3) * 0.3 + 0.05) for f in model.groups]
    return y, X, arm, group, data, model, np.concatenate(theta)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("people, groups, by_arm", CASES)
def test_value_gradient_and_hessian(people, groups, by_arm, reml):
    y, X, arm, group, data, model, theta = prepared(people, groups, by_arm)
    found = state(data, model, theta, reml=reml)
    sigma, gamma = (m * data.scale**2 for m in model.matrices(theta))
    V, Xd, yd = dense(y, X, sigma, gamma[0] if len(gamma) else np.zeros((3, 3)), arm if by_arm else 0 * arm, group)
    spare = data.n_observed - (data.rank if reml else 0)
    constant = (data.constant if reml else data.n_observed * np.log(data.scale**2)) + spare * np.log(2 * np.pi)
    assert found.value + constant == pytest.approx(dense_minus2(V, Xd, yd, reml), abs=1e-9)
    np.testing.assert_allclose(
        data.ols.coef[data.ols.kept] + data.scale * data.rotation @ found.beta,
        np.linalg.solve(Xd.T @ np.linalg.solve(V, Xd), Xd.T @ np.linalg.solve(V, yd)), atol=1e-9,
    )  # fmt: skip
    shape = curvature(data, model, theta, found, reml=reml)
    np.testing.assert_allclose(shape.gradient, differences(lambda t: state(data, model, t, reml=reml).value, theta), atol=1e-6)
    slopes = differences(lambda t: curvature(data, model, t, state(data, model, t, reml=reml), reml=reml).gradient, theta)
    np.testing.assert_allclose(shape.hessian, slopes, atol=1e-6)
    np.testing.assert_allclose(shape.first, differences(lambda t: state(data, model, t, reml=reml).M, theta), atol=1e-6)


def test_expected_information_is_the_trace_of_dense_products():
    y, X, arm, group, data, model, theta = prepared("us", "us", True)
    found = state(data, model, theta, reml=True)
    shape = curvature(data, model, theta, found, reml=True)
    V, Xd, _ = dense(y, X, *[m if i == 0 else m[0] for i, m in enumerate(model.matrices(theta))], arm, group)
    Vi = np.linalg.inv(V)
    P = Vi - Vi @ Xd @ np.linalg.solve(Xd.T @ Vi @ Xd, Xd.T @ Vi)
    sigma, gamma = model.slopes(theta)
    products = [P @ dense(y, X, s, g[0], arm, group)[0] for s, g in zip(sigma, gamma)]
    traces = np.array([[np.sum(a * b.T) for b in products] for a in products])
    np.testing.assert_allclose(expected_information(data, model, theta, found, shape.first, reml=True), traces, atol=1e-8)


def test_second_matrices_along_a_direction():
    *_, data, model, theta = prepared("us", "us", True)
    found = state(data, model, theta, reml=True)
    step = 1e-4
    at = [state(data, model, theta + s * step * e, reml=True).M for e in np.eye(len(theta)) for s in (1, -1)]
    expected = (np.array(at[::2]) + np.array(at[1::2]) - 2 * found.M) / step**2
    np.testing.assert_allclose(second_matrices(data, found, directions(data, found, *model.slopes(theta))), expected, atol=1e-4)


def test_clusters_have_effects_at_every_wave():
    y, X, arm, group, data, model, theta = prepared("us", "us", False, inside=np.ones(3, bool))
    found = state(data, model, theta, reml=True)
    sigma, gamma = (m * data.scale**2 for m in model.matrices(theta))
    V, Xd, yd = dense(y, X, sigma, gamma[0], 0 * arm, group)
    constant = data.constant + (data.n_observed - data.rank) * np.log(2 * np.pi)
    assert found.value + constant == pytest.approx(dense_minus2(V, Xd, yd), abs=1e-9)


def test_indefinite_covariances_have_no_state():
    *_, data, model, theta = prepared("us", "us", False)
    broken = theta.copy()
    broken[1] = 50.0
    assert state(data, model, broken, reml=True) is None
    broken = theta.copy()
    broken[6] = -5.0
    assert state(data, model, broken, reml=True) is None


def test_refusals():
    y, X, *_ = small_trial()
    with pytest.raises(ValueError, match="without any wave"):
        repeated_data(y=np.where(np.arange(len(y))[:, None] == 3, np.nan, y), X=X)
    with pytest.raises(ValueError, match="exactly"):
        repeated_data(y=X @ np.arange(1.0, 7.0), X=X)
    with pytest.raises(ValueError, match="times"):
        structure("sp_exp", 3)
    with pytest.raises(ValueError, match="no structure"):
        structure("unstructured", 3)
