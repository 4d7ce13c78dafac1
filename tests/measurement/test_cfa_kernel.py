"""trialkit.inference.factor: derivatives, invariance over waves, batches, and where lavaan's choice of information differs."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.measurement.cfa_cases import DATA, LAVAAN, TWO_WAVES, misfit, peer_groups, recoded, with_missing
from trialkit.inference.factor import fiml, indices, likelihood, modification, one_factor, robust
from trialkit.inference.factor.fit import fit
from trialkit.inference.factor.identification import unidentified
from trialkit.inference.factor.model import FactorModel, Parameter, factor_model, layout, saturated_model

CASES = {c["id"]: c for f in ("cases.json", "more_cases.json") for c in json.loads((DATA.parent / f).read_text())}
ITEMS = [*TWO_WAVES["a"], *TWO_WAVES["b"]]


def two_factors(p: int) -> np.ndarray:
    pattern = np.zeros((2 * p, 2), dtype=bool)
    pattern[:p, 0] = pattern[p:, 1] = True
    return pattern


def two_waves(p: int, level: str) -> FactorModel:
    """One factor a wave, residuals of the same item correlated, marker item; equal over waves as `level` says."""
    base = factor_model(
        two_factors(p), mean_structure=True, residual_pairs=[(j, j + p) for j in range(p)], identification="marker"
    )
    kinds = {"configural": (), "metric": ("loading",), "scalar": ("loading", "intercept")}.get(
        level, ("loading", "intercept", "residual")
    )

    def same_over_waves(x: Parameter) -> Parameter:
        shared = x.label is not None and x.kind in kinds and (x.kind != "residual" or x.row == x.col)
        return replace(x, label=f"{x.kind} {x.row % p}") if shared else x

    model = base.changed(same_over_waves)
    return model.with_parameters([Parameter("mean", 0, 1, 0, "mean of the second wave")]) if "intercept" in kinds else model


@pytest.fixture(scope="module")
def point():
    """A model with everything in it, away from its maximum."""
    d = with_missing()
    pattern = two_factors(6)
    pattern[2, 1] = True
    model = factor_model(pattern, n_groups=2, mean_structure=True, residual_pairs=[(0, 5)], equal=("loadings", "intercepts"))
    group = d["z"].to_numpy(dtype=np.int64)
    x = d[ITEMS].to_numpy()
    data = fiml.moments(x, group)
    lay = layout(model)
    theta = fit(model, data).theta + 0.02 * np.random.default_rng(1).normal(size=lay.n_free)
    return lay, data, theta, x, group


class TestDerivatives:
    def test_gradient(self, point):
        lay, data, theta, *_ = point
        h = 1e-5
        numeric = [
            (likelihood.evaluate(lay, data, theta + h * e).value - likelihood.evaluate(lay, data, theta - h * e).value) / (2 * h)
            for e in np.eye(len(theta))
        ]
        assert np.allclose(likelihood.gradient(lay, likelihood.evaluate(lay, data, theta)), numeric, atol=1e-5)

    def test_observed_information(self, point):
        lay, data, theta, *_ = point
        h = 1e-5

        def slope(at):
            return likelihood.gradient(lay, likelihood.evaluate(lay, data, at))

        numeric = [(slope(theta + h * e) - slope(theta - h * e)) / (2 * h) for e in np.eye(len(theta))]
        found = likelihood.information(lay, data, likelihood.evaluate(lay, data, theta), observed=True)
        assert np.allclose(found, numeric, atol=1e-4)

    def test_expected_information_is_the_mean_of_squared_scores(self):
        rng = np.random.default_rng(3)
        model = factor_model(two_factors(3), mean_structure=True)
        lay = layout(model)
        theta = np.concatenate([np.full(6, 0.8), np.full(6, 0.5), [0.4], np.zeros(6)])
        start = likelihood.matrices(lay, theta)
        x = rng.multivariate_normal(np.zeros(6), start.sigma[0], 60_000)
        data = fiml.moments(x)
        at = likelihood.evaluate(lay, data, theta)
        scores = fiml.person_scores(lay, x, np.zeros(len(x), dtype=np.int64), fiml.pattern_of_rows(x), at)
        expected = likelihood.information(lay, data, at) / len(x)
        assert np.allclose(scores.T @ scores / len(x), expected, atol=0.04 * np.abs(expected).max())

    def test_scores_sum_to_the_gradient(self, point):
        lay, data, theta, x, group = point
        at = likelihood.evaluate(lay, data, theta)
        scores = fiml.person_scores(lay, x, group, fiml.pattern_of_rows(x, group), at)
        assert np.allclose(scores.sum(axis=0), -likelihood.gradient(lay, at), atol=1e-9)

    def test_many_items_take_the_other_road(self, point, monkeypatch):
        lay, data, theta, *_ = point
        at = likelihood.evaluate(lay, data, theta)
        known = likelihood.information(lay, data, at, observed=True)
        monkeypatch.setattr(likelihood, "_MOST_ITEMS_AT_ONCE", 0)
        assert np.allclose(likelihood.information(lay, data, at, observed=True), known)


class TestInvarianceOverWaves:
    @pytest.mark.parametrize(
        ("name", "level"),
        [("", k) for k in ("configural", "metric", "scalar", "strict")]
        + [("misfit_", k) for k in ("configural", "metric", "scalar")],
    )
    def test_reference_cases(self, name, level):
        case = CASES["invariance_waves_strict" if level == "strict" else f"{name}invariance_waves"]
        d = misfit()[ITEMS] if name else pd.concat([recoded("t0"), recoded("t1")], axis=1)
        found = indices.fit_indices(fit(two_waves(d.shape[1] // 2, level), fiml.moments(d.to_numpy(float))))
        for key in ("chisq", "df", "cfi", "rmsea", "srmr"):
            assert getattr(found, key) == pytest.approx(case["expected"][f"{level}_{key}"], abs=1e-5)

    def test_speed(self):
        rng = np.random.default_rng(2)
        eta = rng.multivariate_normal([0, 0.2], [[1, 0.6], [0.6, 1]], 1400)
        own = 0.4 * rng.normal(size=(1400, 10))
        lam = np.linspace(0.6, 0.9, 10)
        x = np.hstack([eta[:, [k]] * lam + own + 0.5 * rng.normal(size=(1400, 10)) for k in (0, 1)])
        seconds = []
        for _ in range(3):
            start = time.process_time()
            found = indices.fit_indices(fit(two_waves(10, "scalar"), fiml.moments(x)))
            seconds.append(time.process_time() - start)
        assert found.df == 177
        assert min(seconds) < 0.2


class TestIdentification:
    def test_known_rules(self):
        one, three = np.ones((6, 2), dtype=bool), two_factors(3)
        assert unidentified(factor_model(three)) == ()
        assert unidentified(factor_model(three, identification="marker")) == ()
        assert unidentified(factor_model(two_factors(2))) == ()
        assert unidentified(factor_model(np.ones((5, 1), dtype=bool), residual_pairs=[(0, 1), (2, 3)])) == ()
        # as many numbers as moments, but the loadings of the two pairs can be exchanged: (c l1, c l2, l3 / c, l4 / c)
        assert len(unidentified(factor_model(np.ones((4, 1), dtype=bool), residual_pairs=[(0, 1), (2, 3)]))) == 10
        assert len(unidentified(factor_model(one))) > 6
        assert unidentified(two_waves(3, "scalar")) == ()
        two_items = factor_model(np.ones((3, 1), dtype=bool), residual_pairs=[(0, 1)])
        assert "residual[1,0]@0" in unidentified(two_items)

    def test_free_means_need_equal_intercepts(self):
        model = factor_model(two_factors(3), mean_structure=True).with_parameters([Parameter("mean", 0, 0, 0, "a mean")])
        assert "a mean" in unidentified(model)


class TestSaturated:
    def test_em_is_the_maximum(self):
        data = fiml.moments(with_missing()[ITEMS].to_numpy())
        found = fiml.saturated(data)
        lay = layout(saturated_model(12, 1, True))
        theta = np.where(lay.kind == 3, found.mean[0, lay.row], found.cov[0, lay.row, lay.col])
        at = likelihood.evaluate(lay, data, theta)
        slope = likelihood.gradient(lay, at)
        move = np.linalg.solve(likelihood.information(lay, data, at, observed=True), slope)
        assert found.converged
        assert abs(slope @ move) < 1e-6
        assert LAVAAN["fiml"]["fit"]["unrestricted.logl"] == pytest.approx(
            -found.value - np.log(2 * np.pi) / 2 * with_missing()[ITEMS].notna().to_numpy().sum(), abs=1e-5
        )

    def test_from_covariances(self):
        x = misfit()[ITEMS].to_numpy()
        model = factor_model(two_factors(6))
        cov = np.cov(x.T, bias=True)[None]
        found = fit(model, fiml.moments_from_covariances(cov, np.array([len(x)])))
        assert found.chisq == pytest.approx(fit(model, fiml.moments(x)).chisq)


def test_modification_indices_with_missing_answers_and_expected_information():
    """lavaan takes the expected information for these whatever the standard errors are made of."""
    found = fit(factor_model(two_factors(6), mean_structure=True), fiml.moments(with_missing()[ITEMS].to_numpy()))
    tests = modification.modification_indices(found, observed=False)
    mine = {}
    for p, *numbers in zip(tests.parameters, tests.index, tests.change, tests.standardized):
        left, right = ("ab"[p.col], ITEMS[p.row]) if p.kind == "loading" else (ITEMS[p.col], ITEMS[p.row])
        mine[left, right] = numbers
    table = LAVAAN["fiml"]["mi"]
    expected = {(a, b): v for a, b, *v in zip(*(table[k] for k in ("lhs", "rhs", "mi", "epc", "sepc")))}
    assert mine.keys() == expected.keys()
    for key, numbers in expected.items():
        assert mine[key] == pytest.approx(numbers, abs=1e-4, rel=1e-4)


def test_lavaan_with_clusters_leaves_out_second_derivatives():
    """Its scaling factor is ours once the model's bread is without them; its saturated part and standard errors are ours as they are."""
    x = misfit()[ITEMS].to_numpy()
    labels = pd.Series(peer_groups(len(x)))
    unit = np.unique(labels.fillna(1000.0 + pd.Series(range(len(x)))), return_inverse=True)[1].astype(np.int64)
    group = np.zeros(len(x), dtype=np.int64)
    found = fit(factor_model(two_factors(6), mean_structure=True), fiml.moments(x))
    known = LAVAAN["cluster"]["fit"]
    ours = robust.robust(found, x, group=group, baseline=known["baseline.chisq"], unit=unit)
    lay = found.layout
    everything = np.arange(len(lay.kind))
    observed = likelihood.information(lay, found.data, found.point, observed=True)
    meat = observed @ ours.covariance @ observed
    curvature = lay.select(lay.select(likelihood._curvature(lay, found.point, everything, 0)).T)
    trace = np.trace(np.linalg.solve(observed - curvature, meat))
    assert trace / lay.n_free == pytest.approx(known["scaling.factor.h0"], abs=1e-5)
    saturated_trace = ours.scaling * found.df + np.trace(np.linalg.solve(observed, meat))
    assert saturated_trace / 90 == pytest.approx(known["scaling.factor.h1"], abs=1e-5)


class TestOneFactor:
    @staticmethod
    def batch(count: int, n: int = 150, p: int = 10) -> np.ndarray:
        rng = np.random.default_rng(3)
        lam = np.linspace(0.5, 0.9, p)
        x = rng.normal(size=(count, n, 1)) * lam + 0.7 * rng.normal(size=(count, n, p))
        x -= x.mean(axis=1, keepdims=True)
        return x.swapaxes(1, 2) @ x / n

    def test_each_is_the_single_fit(self):
        s = self.batch(12)
        found = one_factor.one_factor(s)
        assert found.converged.all()
        model = factor_model(np.ones((10, 1), dtype=bool))
        for b in range(12):
            single = fit(model, fiml.moments_from_covariances(s[b : b + 1], np.array([150.0])))
            assert np.allclose(single.point.matrices.loadings[0, :, 0], found.loadings[b], atol=1e-5)
            assert single.chisq == pytest.approx(150 * found.discrepancy[b], abs=1e-7)

    @pytest.mark.parametrize("name", ["cfa_t0", "cfa_t1", "misfit_cfa_t0", "misfit_cfa_t1"])
    def test_reference_omega(self, name):
        wave = name[-2:]
        x = misfit()[[f"{wave}_i{j}" for j in range(1, 7)]] if "misfit" in name else recoded(wave)
        s = np.cov(x.to_numpy(float).T, bias=True)[None]
        found, expected = one_factor.one_factor(s), CASES[name]["expected"]
        assert found.omega[0] == pytest.approx(expected["omega_model"], abs=1e-5)
        assert found.omega_observed(s)[0] == pytest.approx(expected["omega_observed"], abs=1e-5)

    def test_what_cannot_be_fitted_says_so(self):
        s = self.batch(4)
        s[1, 3] = s[1, :, 3] = 0.0
        s[2, 0, 0] = np.nan
        found = one_factor.one_factor(s)
        assert found.converged.tolist() == [True, False, False, True]
        assert np.isnan(found.omega).tolist() == [False, True, True, False]

    def test_negative_residual_variance_is_seen(self):
        s = np.array([[[1, 0.8, 0.8], [0.8, 1, 0.5], [0.8, 0.5, 1]]])
        found = one_factor.one_factor(s)
        assert found.heywood.tolist() == [True]
        assert found.residuals[0, 0] == pytest.approx(1 - 0.8 * 0.8 / 0.5, abs=1e-5)

    def test_a_thousand_in_a_moment(self):
        s = self.batch(1000)
        start = time.process_time()
        assert one_factor.one_factor(s).converged.all()
        assert time.process_time() - start < 5
