"""The wild bootstrap against its definition: bootstrap data made row by row and the regression run again."""

from __future__ import annotations

import numpy as np
import pytest

from trialkit.inference.arrays import Clusters
from trialkit.inference.draws.wild_cluster import (
    ALTERNATIVES,
    KINDS,
    Draws,
    cluster_model,
    draw_terms,
    enumerated,
    from_words,
    p_value,
    possible_draws,
    wild_test,
    words_per_draw,
)
from trialkit.inference.linear.least_squares import least_squares

CONTRAST = np.array([0.0, 1.0, 0.4])


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(7)
    labels = np.repeat(np.arange(6), [3, 8, 5, 6, 9, 4])
    n = len(labels)
    X = np.column_stack([np.ones(n), (labels % 2).astype(float), rng.normal(size=n)])
    y = 0.5 * X[:, 1] + rng.normal(size=n) + rng.normal(size=6)[labels]
    return y, X, labels, rng.uniform(0.4, 2, n)


def regression(y, X, labels, w, variance):
    """Contrast and its CV1 or CV3 standard error; CV3 by leaving each cluster out."""
    M = np.linalg.inv((X * w[:, None]).T @ X)
    b = M @ (X * w[:, None]).T @ y
    count, n, K = labels.max() + 1, len(y), X.shape[1]
    if variance == "1":
        scores = np.array([M @ (X * w[:, None])[labels == g].T @ (y - X @ b)[labels == g] for g in range(count)])
        V = count / (count - 1) * (n - 1) / (n - K) * scores.T @ scores
    else:
        left = np.array(
            [
                np.linalg.solve(
                    (X * w[:, None])[labels != g].T @ X[labels != g], (X * w[:, None])[labels != g].T @ y[labels != g]
                )
                for g in range(count)
            ]
        )
        V = (count - 1) / count * (left - b).T @ (left - b)
    return CONTRAST @ b, float(np.sqrt(CONTRAST @ V @ CONTRAST))


def bootstrap_t(y, X, labels, w, kind, multipliers, value, units=None):
    """t* of one vector of row multipliers when the contrast is held to be `value`."""
    # the contrast becomes the first column's coefficient
    T = np.vstack([CONTRAST, np.eye(3)[[0, 2]]])
    Z = X @ np.linalg.inv(T)
    restricted = kind.startswith("WCR")
    used, held = (Z[:, 1:], value * Z[:, 0]) if restricted else (Z, np.zeros(len(y)))

    def fit(keep):
        return np.linalg.solve((used * w[:, None])[keep].T @ used[keep], (used * w[:, None])[keep].T @ (y - held)[keep])

    everyone = np.ones(len(y), dtype=bool)
    fitted = held + used @ fit(everyone)
    residual = y - fitted
    if kind[3] == "3":
        units = labels if units is None else units
        for u in range(units.max() + 1):
            residual[units == u] = (y - held - used @ fit(units != u))[units == u]
    estimate, se = regression(fitted + multipliers * residual, X, labels, w, kind[4])
    centre = value if restricted else regression(y, X, labels, w, "1")[0]
    return (estimate - centre) / se


def model_of(rows, kind, weighted=True, by_row=False):
    y, X, labels, w = rows
    fit = least_squares(y=y, X=X, weights=w if weighted else None)
    return cluster_model(fit=fit, y=y, contrast=CONTRAST, clusters=Clusters.from_labels(labels), kind=kind, by_row=by_row)


def t_values(model, terms, value):
    A, B, CC, CD, DD = terms
    r = value / model.scale if model.restricted else 0.0
    return (A - r * B) / np.sqrt(CC - 2 * r * CD + r * r * DD)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0.0, 0.7])
def test_statistics_of_all_draws_are_those_of_refitted_regressions(rows, kind, value):
    y, X, labels, w = rows
    model = model_of(rows, kind)
    assert (model.estimate, model.std_error) == pytest.approx(regression(y, X, labels, w, kind[4]), rel=1e-10)
    weights = enumerated("rademacher", 6, 0, 64)
    # under WCU the identity draw repeats nothing: its t* is 0 and compared in absolute terms
    expected = [bootstrap_t(y, X, labels, w, kind, v[labels], value) for v in weights.T]
    np.testing.assert_allclose(t_values(model, draw_terms(model, weights), value), expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("kind", ["WCR11", "WCU11", "WCR33"])
def test_weights_by_row_keep_the_clusters_in_the_variance(rows, kind):
    y, X, labels, _ = rows
    w = np.ones(len(y))
    model = model_of(rows, kind, weighted=False, by_row=True)
    assert model.units == len(y)
    draws = np.random.default_rng(1).choice([-1.0, 1.0], size=(len(y), 20))
    found = t_values(model, draw_terms(model, draws), 0.2)
    expected = [bootstrap_t(y, X, labels, w, kind, v, 0.2, units=np.arange(len(y))) for v in draws.T]
    np.testing.assert_allclose(found, expected, rtol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_interval_holds_what_the_test_keeps(rows, kind, alternative):
    model = model_of(rows, kind)
    draws = Draws(draw_terms(model, enumerated("rademacher", 6, 0, 64)), True)
    found = wild_test(model, draws, alternative=alternative, conf_level=0.8)
    assert found.statistic == pytest.approx(model.estimate / model.std_error)
    assert found.monte_carlo_error == 0
    for end, side in ((found.conf_low, -1), (found.conf_high, 1)):
        if np.isfinite(end):
            step = 1e-6 * model.std_error
            assert p_value(model, draws, end - side * step, alternative) > 0.2
            assert p_value(model, draws, end + side * step, alternative) <= 0.2
    assert np.isinf(found.conf_low) == (alternative == "less")
    assert np.isinf(found.conf_high) == (alternative == "greater")


def test_three_clusters_cannot_reject_anything(rows):
    y, X, labels, _ = rows
    three = labels < 3
    fit = least_squares(y=y[three], X=X[three])
    model = cluster_model(fit=fit, y=y[three], contrast=CONTRAST, clusters=Clusters.from_labels(labels[three]), kind="WCR11")
    found = wild_test(
        model, Draws(draw_terms(model, enumerated("rademacher", 3, 0, 8)), True), alternative="two-sided", conf_level=0.95
    )
    assert found.p_value >= 0.25
    assert (found.conf_low, found.conf_high) == (-np.inf, np.inf)


def test_one_cluster_is_refused(rows):
    y, X, _, _ = rows
    with pytest.raises(ValueError, match="one cluster"):
        cluster_model(
            fit=least_squares(y=y, X=X), y=y, contrast=CONTRAST, clusters=Clusters.from_labels(np.zeros(len(y))), kind="WCR11"
        )


def test_all_draws_are_listed_once_and_the_identity_among_them():
    two = enumerated("rademacher", 5, 0, 32)
    assert len({tuple(v) for v in two.T}) == 32
    assert (two[:, 0] == 1).all()
    six = enumerated("webb", 3, 0, 216)
    assert len({tuple(v) for v in six.T}) == 216
    assert (six == 1).all(axis=0).sum() == 1
    np.testing.assert_array_equal(np.concatenate([enumerated("webb", 3, 0, 100), enumerated("webb", 3, 100, 216)], axis=1), six)
    assert [possible_draws(m, 10) for m in ("rademacher", "webb", "mammen", "normal")] == [1024, 6**10, np.inf, np.inf]


@pytest.mark.parametrize("multipliers", ["rademacher", "webb", "mammen", "normal"])
def test_weights_have_mean_zero_and_variance_one(multipliers):
    words = np.random.PCG64(1).random_raw(20_000 * words_per_draw(multipliers, 70)).reshape(20_000, -1)
    weights = from_words(words, multipliers, 70)
    assert weights.shape == (70, 20_000)
    moments = [(weights**k).mean() for k in (1, 2, 3)]
    assert moments == pytest.approx([0, 1, 1 if multipliers == "mammen" else 0], abs=0.015)
    assert abs(np.corrcoef(weights[:8])[np.triu_indices(8, 1)]).max() < 0.05
    np.testing.assert_array_equal(from_words(words[:7], multipliers, 70), weights[:, :7])


def test_test_vectors_of_the_weights():
    words = np.array([[0x0123456789ABCDEF, 0xFEDCBA9876543210]], dtype=np.uint64)
    assert from_words(words, "rademacher", 8)[:, 0].tolist() == [-1, -1, -1, -1, 1, -1, -1, -1]
    np.testing.assert_allclose(from_words(words, "webb", 4)[:, 0] ** 2, [0.5, 1.5, 0.5, 1.5])
    assert (from_words(words, "mammen", 2)[:, 0] < 0).tolist() == [True, False]
    np.testing.assert_allclose(from_words(words, "normal", 2)[:, 0], [-2.616298, 2.616298], atol=1e-6)
