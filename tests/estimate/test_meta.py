"""Meta-analysis: each estimator by what defines it, intervals, and the figure."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from trialkit.errors import DataError, UsageError
from trialkit.estimate.several.meta import MetaResult, meta
from trialkit.report.figures.meta_chart import meta_forest
from trialkit.results import Result


def studies(seed: int = 3, k: int = 9, tau: float = 0.25) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    v = rng.uniform(0.01, 0.06, k)
    return 0.3 + tau * rng.normal(size=k) + np.sqrt(v) * rng.normal(size=k), v


def restricted(tau2: float, y: np.ndarray, v: np.ndarray) -> float:
    w = 1 / (v + tau2)
    m = w @ y / w.sum()
    return float(np.log(v + tau2).sum() + np.log(w.sum()) + w @ (y - m) ** 2)


@pytest.mark.parametrize("seed", range(5))
def test_reml_maximizes_the_restricted_likelihood(seed):
    y, v = studies(seed)
    best = optimize.minimize_scalar(lambda t: restricted(t, y, v), bounds=(0, 2), method="bounded", options={"xatol": 1e-12}).x
    assert meta(y, v, tolerance=1e-10).tau2 == pytest.approx(best, abs=1e-6)
    assert meta(y, v).tau2 == pytest.approx(best, abs=5e-5)


@pytest.mark.parametrize("seed", range(5))
def test_paule_mandel_makes_q_its_degrees_of_freedom(seed):
    y, v = studies(seed)
    tau2 = meta(y, v, method="PM", tolerance=1e-12).tau2
    w = 1 / (v + tau2)
    q = w @ (y - w @ y / w.sum()) ** 2
    assert q == pytest.approx(len(y) - 1) if tau2 > 0 else q < len(y) - 1
    assert meta(y, v, method="PM").tau2 == pytest.approx(tau2, abs=1e-4)


def test_dersimonian_laird_with_equal_variances_is_the_variance_of_the_estimates():
    y = np.array([0.1, 0.5, 0.3, 0.9])
    found = meta(y, [0.02] * 4, method="DL")
    assert found.tau2 == pytest.approx(y.var(ddof=1) - 0.02)
    assert found.i2 == pytest.approx(100 * found.tau2 / (found.tau2 + 0.02))
    # with equal variances Hartung and Knapp's is the t test of the mean
    test = stats.ttest_1samp(y, 0)
    assert found.p_value == pytest.approx(test.pvalue) and found.df == 3


@pytest.mark.parametrize("method", ["REML", "DL", "PM", "FE"])
@pytest.mark.parametrize("factor", [1e-4, 1e4])
def test_units_of_measurement_change_nothing(method, factor):
    """An absolute stopping rule would be wrong for shares and never arrive for euros."""
    y, v = studies()
    plain = meta(y, v, method=method, tolerance=1e-10)
    scaled = meta(y * factor, v * factor**2, method=method)
    assert scaled.i2 == pytest.approx(plain.i2, rel=1e-5)
    assert scaled.estimate / factor == pytest.approx(plain.estimate, rel=1e-6)
    assert scaled.p_value == pytest.approx(plain.p_value, rel=1e-5)


def test_homogeneous_estimates_have_no_variance_between():
    y, v = np.array([0.30, 0.31, 0.29, 0.30]), np.full(4, 0.04)
    for method in ("REML", "DL", "PM"):
        found = meta(y, v, method=method, tolerance=1e-8)
        assert found.tau2 == pytest.approx(0, abs=1e-8) and found.i2 == pytest.approx(0, abs=1e-4)
    assert "hartung_knapp_smaller" in [n.code for n in meta(y, v).notes]
    same = meta([0.3, 0.3, 0.3], [0.01, 0.02, 0.03])
    assert math.isnan(same.p_value) and "no_spread" in [n.code for n in same.notes]


def test_a_common_effect_weighs_by_precision_and_takes_no_hartung_knapp():
    found = meta([0.1, 0.4], [0.01, 0.03], method="FE")
    assert found.estimate == pytest.approx((0.1 / 0.01 + 0.4 / 0.03) / (1 / 0.01 + 1 / 0.03))
    assert found.std_error == pytest.approx((1 / 0.01 + 1 / 0.03) ** -0.5)
    assert math.isinf(found.df) and found.tidy()["covariance"].tolist() == ["model"] and math.isnan(found.prediction_low)


def test_prediction_intervals_by_their_formulas():
    y, v = studies()
    plain = meta(y, v, hartung_knapp=False)
    hts = meta(y, v)
    half = stats.t.ppf(0.975, len(y) - 2) * math.sqrt(plain.tau2 + plain.std_error**2)
    assert (hts.prediction_high - hts.prediction_low) / 2 == pytest.approx(half)
    hk = meta(y, v, prediction="hk", conf_level=0.9)
    half = stats.t.ppf(0.95, len(y) - 1) * math.sqrt(hk.tau2 + hk.std_error**2)
    assert hk.prediction_high - hk.estimate == pytest.approx(half)
    two = meta([0.1, 0.4], [0.01, 0.01])
    assert math.isnan(two.prediction_low) and {"few_studies", "no_prediction"} <= {n.code for n in two.notes}


def test_labels_come_from_the_argument_or_from_a_labelled_series():
    named = pd.Series([0.1, 0.3], index=["north", "south"])
    assert meta(named, [0.01, 0.02]).studies["label"].tolist() == ["north", "south"]
    assert meta(named.reset_index(drop=True), [0.01, 0.02]).studies["label"].tolist() == ["1", "2"]
    assert meta(named, [0.01, 0.02], labels=["a", "b"]).studies["label"].tolist() == ["a", "b"]
    assert meta(named, [0.01, 0.02]).studies["weight"].sum() == pytest.approx(100)


def test_the_result_shows_itself_and_survives_json():
    y, v = studies()
    found = meta(y, v)
    again = Result.from_dict(json.loads(json.dumps(found.to_dict())))
    assert isinstance(again, MetaResult)
    assert (again.tau2, again.i2, again.prediction_low) == (found.tau2, found.i2, found.prediction_low)
    assert again.studies.equals(found.studies)
    assert "prediction interval" in str(found) and "I2" in str(found) and "pooled effect" in found._repr_html_()
    fixed = Result.from_dict(json.loads(json.dumps(meta(y, v, method="FE").to_dict())))
    assert isinstance(fixed, MetaResult) and math.isnan(fixed.prediction_low) and math.isinf(fixed.df)


@pytest.mark.parametrize(
    ("y", "v", "options", "error", "words"),
    [
        ([0.1], [0.01], {}, DataError, "two estimates or more"),
        ([0.1, 0.2], [0.01], {}, DataError, "2 estimates and 1 variances"),
        ([0.1, 0.2], [0.01, 0.0], {}, DataError, "'2'"),
        ([0.1, np.nan], [0.01, 0.02], {"labels": ["north", "south"]}, DataError, "'south'"),
        ([0.1, 0.2], [0.01, 0.02], {"labels": ["north"]}, DataError, "1 labels"),
        ([0.1, 0.2], [0.01, 0.02], {"method": "ML"}, UsageError, "method='ML'"),
        ([0.1, 0.2], [0.01, 0.02], {"prediction": "t"}, UsageError, "prediction='t'"),
        ([0.1, 0.2], [0.01, 0.02], {"conf_level": 95}, UsageError, "conf_level"),
        ([0.1, 0.2], [0.01, 0.02], {"tolerance": 0}, UsageError, "tolerance"),
    ],
)
def test_wrong_numbers_are_refused(y, v, options, error, words):
    with pytest.raises(error, match=words):
        meta(y, v, **options)


def test_the_forest_draws_every_study_the_pooled_effect_and_the_prediction():
    y, v = studies(k=4)
    found = meta(y, v, labels=["north", "west", "south", "east"])
    ax = meta_forest(found, axis="Standard deviations", labels={"north": "The north"})
    said = [t.get_text() for t in ax.texts]
    assert {"The north", "west", "All together", "True effect in a new study"} <= set(said)
    drawn = [np.asarray(line.get_xdata(), dtype=float) for line in ax.lines]
    assert sorted(x[0] for x in drawn if len(x) == 1) == pytest.approx(sorted(y))
    corners = ax.patches[0].get_xy()[:, 0]
    assert (corners.min(), corners.max()) == pytest.approx((found.conf_low, found.conf_high))
    assert any(np.allclose(x, [found.prediction_low, found.prediction_high]) for x in drawn if len(x) == 2)
    low, high = ax.get_xlim()
    assert low < min(found.prediction_low, 0) and high > found.prediction_high
    squares = {line.get_markersize() for line in ax.lines if line.get_marker() == "s"}
    assert max(squares) == 9.0 and len(squares) == 4


def test_the_forest_does_without_a_prediction_and_refuses_other_results():
    ax = meta_forest(meta([0.1, 0.4], [0.01, 0.02], method="FE"))
    assert "True effect in a new study" not in [t.get_text() for t in ax.texts]
    no_test = meta_forest(meta([0.3, 0.3], [0.01, 0.02]))
    assert not no_test.patches and any(line.get_marker() == "D" for line in no_test.lines)
    with pytest.raises(UsageError, match=r"tk\.meta returns"):
        meta_forest(Result(()))
