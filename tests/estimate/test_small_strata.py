"""Pairs and small blocks: adjusted estimators of means keep the variance of their design, which Ye et al.'s stratum term would halve."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.reference.mapping import data


def blocked(size: int, blocks: int, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = size * blocks
    block = np.repeat(np.arange(blocks), size)
    arm = np.concatenate([rng.permutation(np.arange(size) % 2) for _ in range(blocks)])
    x = rng.normal(size=n)
    y = rng.normal(size=blocks)[block] + 0.5 * x + 0.3 * arm + rng.normal(size=n)
    return pd.DataFrame({"block": block, "arm": arm, "x": x, "y": y})


def numbers(d, estimator, **options):
    e = tk.itt(tk.Trial(d, arm="arm", control=0, strata=["block"]), "y", estimator=estimator, **options).estimates[0]
    return e.estimate, e.std_error, e.df


@pytest.mark.parametrize(
    ("size", "estimators"), [(2, ["g_computation"]), (4, ["g_computation", "aipw"]), (8, ["g_computation", "aipw"])]
)
def test_without_covariates_it_is_the_difference_in_means_of_the_design(size, estimators):
    d = blocked(size, 80 // size)
    plain = numbers(d, "difference_in_means")
    for estimator in estimators:
        np.testing.assert_allclose(numbers(d, estimator, strata_effects="none"), plain, rtol=1e-9)
        if size > 2:
            np.testing.assert_allclose(numbers(d, estimator), plain, rtol=1e-9)


def test_a_covariate_gains_precision_and_no_more():
    for size in (2, 4):
        plain = numbers(blocked(size, 40), "difference_in_means")[1]
        adjusted = numbers(blocked(size, 40), "g_computation", adjust=["x"], strata_effects="none")[1]
        assert 0.7 * plain < adjusted < plain


def test_standard_errors_match_the_spread_over_simulated_trials():
    found = np.array([numbers(blocked(4, 15, seed), "aipw", adjust=["x"])[:2] for seed in range(150)])
    assert np.sqrt((found[:, 1] ** 2).mean()) == pytest.approx(found[:, 0].std(), rel=0.2)
    assert np.sqrt((found[:, 1] ** 2).mean()) > 0.85 * found[:, 0].std()


def test_large_strata_keep_the_variance_of_ye():
    d = blocked(100, 4)
    e = tk.itt(tk.Trial(d, arm="arm", control=0, strata=["block"]), "y", estimator="aipw", adjust=["x"]).estimates[0]
    assert e.df == np.inf
    assert e.covariance == "influence values"


def test_contrasts_of_ones_own():
    trial = tk.Trial(data("three_arms.csv"), arm="arm", control="control")
    for estimator in ("aipw", "g_computation"):
        pairs = tk.itt(trial, "y", adjust=["x"], estimator=estimator, contrasts="all").tidy()
        own = tk.itt(trial, "y", adjust=["x"], estimator=estimator, contrasts=[{"peer": 1, "coach": -1}]).tidy()
        assert own["estimate"][0] == pytest.approx(pairs["estimate"][2], rel=1e-12)
        assert own["std_error"][0] == pytest.approx(pairs["std_error"][2], rel=1e-12)


def test_people_alone_can_ask_for_a_t():
    trial = tk.Trial(data("individual.csv"), arm="arm", control="control")
    for estimator in ("g_computation",):
        normal = tk.itt(trial, "y1", adjust=["y0"], estimator=estimator).estimates[0]
        careful = tk.itt(trial, "y1", adjust=["y0"], estimator=estimator, df="independence").estimates[0]
        assert careful.estimate == pytest.approx(normal.estimate, rel=1e-12)
        assert careful.std_error == pytest.approx(normal.std_error, rel=0.01)
        assert careful.df < 360 < normal.df
