"""Absorbed levels against a dummy for every level: estimates, leverage, every covariance and the degrees of freedom."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from trialkit.inference.arrays import Clusters
from trialkit.inference.linear import absorb
from trialkit.inference.linear.absorb import (
    absorbed_covariance,
    absorbed_least_squares,
    exact_cluster_covariance,
    finest,
    moments,
    nesting,
    within,
)
from trialkit.inference.linear.covariance import KINDS, covariance
from trialkit.inference.linear.least_squares import least_squares
from trialkit.inference.linear.small_sample import WorkingCovariance, satterthwaite

N = 240


def layout(name, rng):
    """Levels and clusters (n,)."""
    if name == "clusters in levels":
        levels = rng.integers(0, 8, N)
        return levels, levels * 10 + rng.integers(0, 6, N)
    if name == "levels in clusters":
        clusters = rng.integers(0, 10, N)
        return finest([clusters * 5 + rng.integers(0, 4, N)]), clusters
    if name == "one level a cluster":
        clusters = rng.integers(0, 12, N)
        return finest([clusters]), clusters
    levels, clusters = rng.integers(0, 12, N), rng.integers(0, 30, N)
    if name == "single people":
        levels[-1], clusters[:100] = 12, 100 + np.arange(100)
    return levels, clusters


def both(name, weighted, seed=1):
    rng = np.random.default_rng(seed)
    levels, clusters = layout(name, rng)
    X = np.column_stack([np.ones(N), rng.integers(0, 2, N), rng.normal(size=N), rng.normal(1000, 50, N)])
    y = rng.normal(size=N) + 0.3 * levels
    w = rng.uniform(0.3, 3, N) if weighted else None
    dummies = (levels[:, None] == np.arange(levels.max() + 1)).astype(float)
    dense = least_squares(y=y, X=np.column_stack([X[:, 1:], dummies]), weights=w)
    return dense, absorbed_least_squares(y=y, X=X, levels=levels, weights=w), Clusters.from_labels(clusters), clusters, rng


LAYOUTS = ["clusters in levels", "levels in clusters", "one level a cluster", "crossed", "single people"]


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("weighted", [False, True])
def test_fit_is_that_with_dummies(name, weighted):
    dense, fit, _, _, _ = both(name, weighted)
    assert fit.kept.tolist() == [1, 2, 3]
    assert np.isnan(fit.coef[0])
    np.testing.assert_allclose(fit.coef[1:], dense.coef[:3], rtol=1e-9)
    np.testing.assert_allclose(fit.residuals, dense.residuals, atol=1e-9)
    np.testing.assert_allclose(fit.leverage, dense.leverage, atol=1e-9)
    assert fit.df_resid == dense.df_resid


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_covariances_are_those_with_dummies(name, weighted, kind):
    dense, fit, clusters, _, _ = both(name, weighted)
    used = clusters if kind.startswith("CR") else None
    try:
        expected = covariance(dense, kind, used)
    except np.linalg.LinAlgError:
        pytest.skip("CR3 with a level inside a cluster has no dense inverse; the absorbed form does not need it")
    found = absorbed_covariance(fit, kind, used)
    np.testing.assert_allclose(found.matrix, expected.matrix[:3, :3], rtol=1e-8)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("working", [False, True])
@pytest.mark.parametrize("kind", ["CR2", "HC2"])
def test_degrees_of_freedom_are_those_with_dummies(name, weighted, working, kind):
    dense, fit, clusters, labels, rng = both(name, weighted)
    _, codes = np.unique(labels, return_inverse=True)
    shared = np.where(clusters.sizes > 1, 0.3, 0.0)[codes]
    errors = WorkingCovariance(rng.uniform(0.5, 2, N), shared if kind == "CR2" else np.zeros(N)) if working else None
    used = clusters if kind == "CR2" else None
    c = np.array([1.0, 0.3, -0.01])
    padded = np.concatenate([c, np.zeros(len(dense.kept) - 3)])
    expected = satterthwaite(dense, covariance(dense, kind, used), padded, errors)
    found = moments(fit, absorbed_covariance(fit, kind, used), c, errors)
    assert (found.mean, found.df) == pytest.approx((expected.mean, expected.df), rel=1e-7)


def test_plain_fits_pass_through():
    dense, _, clusters, _, _ = both("crossed", False)
    cov = covariance(dense, "CR2", clusters)
    c = np.eye(len(dense.kept))[0]
    assert moments(dense, cov, c) == satterthwaite(dense, cov, c)


def test_levels_inside_clusters_do_not_count_as_fitted_exactly():
    _, fit, clusters, _, _ = both("one level a cluster", False)
    assert absorbed_covariance(fit, "CR2", clusters).n_full_leverage == 0


@pytest.mark.parametrize("name", LAYOUTS[:2])
def test_nesting_is_recognized(name):
    levels, clusters = layout(name, np.random.default_rng(1))
    assert nesting(levels, Clusters.from_labels(clusters)) == name


def test_crossed_is_recognized():
    levels, clusters = layout("crossed", np.random.default_rng(1))
    assert nesting(levels, Clusters.from_labels(clusters)) == "crossed"


def test_nested_factors_span_what_the_finest_spans():
    region = np.repeat([0, 1, 2], 80)
    town = np.repeat(np.arange(12), 20)
    assert (finest([region, town]) == town).all()
    assert (finest([town, region]) == town).all()
    with pytest.raises(ValueError, match="crossed"):
        finest([town, np.arange(240) % 7])


def test_columns_constant_within_levels_vanish_whatever_their_size():
    levels = np.repeat(np.arange(6), 5)
    steady = 1e9 + levels * 3.7
    moving = 1e5 + np.arange(30.0)
    out = within(np.column_stack([steady, moving]), levels)
    assert (out[:, 0] == 0).all()
    np.testing.assert_allclose(out[:, 1], np.tile(np.arange(5.0) - 2, 6), atol=1e-6)


def test_cr2_across_too_many_levels_is_refused(monkeypatch):
    _, fit, clusters, _, _ = both("crossed", False)
    assert exact_cluster_covariance(fit, clusters)
    monkeypatch.setattr(absorb, "COST_LIMIT", 100.0)
    assert not exact_cluster_covariance(fit, clusters)
    with pytest.raises(ValueError, match="out of reach"):
        absorbed_covariance(fit, "CR2", clusters)
    assert absorbed_covariance(fit, "CR1", clusters).kind == "CR1"


def test_one_cluster_is_refused():
    _, fit, _, _, _ = both("crossed", False)
    with pytest.raises(ValueError, match="one cluster"):
        absorbed_covariance(fit, "CR2", Clusters.from_labels(np.zeros(N)))


REGISTER = """
import resource, time
import numpy as np
from trialkit.inference.linear.absorb import absorbed_covariance, absorbed_least_squares, moments
from trialkit.inference.arrays import Clusters
rng = np.random.default_rng(1)
n, levels = 1_000_000, rng.integers(0, 10_000, 1_000_000)
half = rng.integers(0, 2, n)
x = rng.normal(size=(n, 2))
y, arm = rng.normal(size=n) + x[:, 0] / 2, (half == levels % 2).astype(float)
start = time.process_time()
fit = absorbed_least_squares(y=y, X=np.column_stack([np.ones(n), arm, x]), levels=levels)
cov = absorbed_covariance(fit, "CR2", Clusters.from_labels(levels * 2 + half))
df = moments(fit, cov, np.array([1.0, 0, 0])).df
print(time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, df, cov.matrix[0, 0] ** 0.5)
"""


@pytest.mark.slow
def test_a_register_of_a_million_people():
    """n = 1e6, 1e4 strata absorbed, CR2 by 2e4 clusters with its df: 10 s and 2 GB."""
    done = subprocess.run([sys.executable, "-c", REGISTER], capture_output=True, text=True, check=True)
    seconds, kilobytes, df, se = (float(v) for v in done.stdout.split())
    assert seconds < 10
    assert kilobytes < 2e6
    assert 9_500 < df < 10_000
    assert se == pytest.approx(0.002, rel=0.05)
