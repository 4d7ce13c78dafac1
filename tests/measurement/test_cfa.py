"""tk.measurement.cfa against lavaan 0.6-14 (cfa_reference/reference.R) and properties."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.measurement.cfa_cases import (
    HOLZINGER,
    LAVAAN,
    TWO_WAVES,
    holzinger,
    lavaan_rows,
    misfit,
    peer_groups,
    recoded,
    with_missing,
)

INDICES = {
    "chisq": "chisq",
    "df": "df",
    "cfi": "cfi",
    "tli": "tli",
    "rmsea": "rmsea",
    "rmsea_low": "rmsea.ci.lower",
    "rmsea_high": "rmsea.ci.upper",
    "p_close": "rmsea.pvalue",
    "srmr": "srmr",
    "log_likelihood": "logl",
    "aic": "aic",
    "bic": "bic",
}
ROBUST = {
    "chisq_scaled": "chisq.scaled",
    "p_scaled": "pvalue.scaled",
    "scaling_factor": "chisq.scaling.factor",
    "cfi_scaled": "cfi.scaled",
    "rmsea_scaled": "rmsea.scaled",
    "cfi_robust": "cfi.robust",
    "tli_robust": "tli.robust",
    "rmsea_robust": "rmsea.robust",
}
LEVELS = {
    "configural": [],
    "metric": ["loadings"],
    "scalar": ["loadings", "intercepts"],
    "strict": ["loadings", "intercepts", "residuals"],
    "means": ["loadings", "intercepts", "residuals", "means"],
}


def same_fit(found, name, names=INDICES, tolerance=2e-6):
    expected = {k: LAVAAN[name]["fit"][v] for k, v in names.items()}
    assert {k: getattr(found, k) for k in names} == pytest.approx(expected, abs=tolerance, rel=tolerance)


def same_loadings(found, name, tolerance=1e-5):
    groups = list(found.details["groups"])
    table = found.tidy()
    table = table[table["parameter"] == "loading"].set_index(["group", "left", "right"])
    rows = lavaan_rows(name, "=~")
    assert len(rows) == len(table)
    for factor, item, group, estimate, error, standardized in rows:
        row = table.loc[(groups[group - 1], factor, item)]
        assert row["estimate"] == pytest.approx(estimate, abs=tolerance)
        assert row["standardized"] == pytest.approx(standardized, abs=tolerance)
        assert np.nan_to_num(row["std_error"]) == pytest.approx(error, abs=tolerance)


def by_school():
    data = holzinger()
    return data.assign(school=data["school"].map({"Pasteur": "1 Pasteur", "Grant-White": "2 Grant-White"}))


def two_waves(**options):
    return tk.measurement.cfa(with_missing(), TWO_WAVES, **options)


class TestAgainstLavaan:
    def test_holzinger_swineford_as_published(self):
        found = tk.measurement.cfa(holzinger(), HOLZINGER)
        assert (round(found.chisq, 3), found.df) == (85.306, 24)
        assert [round(v, 3) for v in (found.cfi, found.tli, found.rmsea)] == [0.931, 0.896, 0.092]
        assert found.verdict.startswith("does not fit: CFI .931 is below .95, RMSEA .092 is above .06")
        same_fit(found, "hs")
        same_loadings(found, "hs")

    def test_marker_items(self):
        found = tk.measurement.cfa(holzinger(), HOLZINGER, std_lv=False)
        same_fit(found, "hs_marker")
        same_loadings(found, "hs_marker")
        assert math.isnan(found.se_loadings.loc["x1", "visual"])

    def test_residual_covariances_and_every_parameter(self):
        found = tk.measurement.cfa(holzinger(), HOLZINGER, residual_covariances=[("x7", "x8"), ("x1", "x2")])
        same_fit(found, "hs_pairs")
        table = found.tidy()
        table = table[table["parameter"] != "loading"]
        numbers = {frozenset((r["left"], r["right"] or r["left"])): r for r in table.to_dict("records")}
        rows = lavaan_rows("hs_pairs", "~~")
        assert len(rows) == len(numbers)
        for left, right, _, estimate, error, standardized in rows:
            row = numbers[frozenset((left, right))]
            assert row["estimate"] == pytest.approx(estimate, abs=1e-5)
            assert np.nan_to_num(row["std_error"]) == pytest.approx(error, abs=1e-5)
            assert row["standardized"] == pytest.approx(standardized, abs=1e-5)

    @pytest.mark.parametrize("level", LEVELS)
    def test_equal_over_schools(self, level):
        found = tk.measurement.cfa(by_school(), HOLZINGER, groups="school", equal=LEVELS[level], std_lv=False)
        same_fit(found, f"school_{level}")
        same_loadings(found, f"school_{level}", 1e-4)

    def test_invariance_as_published(self):
        found = [tk.measurement.cfa(by_school(), HOLZINGER, groups="school", equal=LEVELS[k]) for k in list(LEVELS)[:3]]
        assert [(round(f.chisq, 3), f.df) for f in found] == [(115.851, 48), (124.044, 54), (164.103, 60)]
        same_fit(found[2], "school_scalar_std")
        same_loadings(found[2], "school_scalar_std", 1e-4)

    def test_equalities_let_go(self):
        found = tk.measurement.cfa(by_school(), HOLZINGER, groups="school", equal=["loadings", "intercepts"])
        table = found.modification_indices()
        mine = table[table["parameter"].isin(["equal loading", "equal intercept"])]["index"]
        assert sorted(mine) == pytest.approx(sorted(LAVAAN["school_scalar_std"]["score"]["x2"]), abs=1e-4)
        assert table.iloc[0]["index"] == table["index"].max()

    def test_missing_answers(self):
        found = two_waves()
        same_fit(found, "fiml")
        same_loadings(found, "fiml")
        assert "fiml" in {n.code for n in found.notes}

    def test_missing_answers_in_groups(self):
        data = with_missing()
        first = data["z"].iloc[0]
        data["z"] = data["z"].map({first: "a first", 1 - first: "b second"})
        found = tk.measurement.cfa(data, TWO_WAVES, groups="z", equal=["loadings", "intercepts"], std_lv=False)
        same_fit(found, "fiml_groups", tolerance=1e-5)
        same_loadings(found, "fiml_groups", 1e-4)

    @pytest.mark.parametrize("name", ["mlr", "mlr_groups", "mlr_fiml"])
    def test_robust(self, name):
        data = misfit()
        first = data["z"].iloc[0]
        data["z"] = data["z"].map({first: "a", 1 - first: "b"})
        if name == "mlr":
            found = tk.measurement.cfa(data, TWO_WAVES, robust="mlr")
        elif name == "mlr_groups":
            found = tk.measurement.cfa(data, TWO_WAVES, robust="mlr", groups="z", equal=["loadings", "intercepts"])
        else:
            found = two_waves(robust="mlr")
        # with missing answers lavaan has another robust CFI, which is not offered
        names = {k: v for k, v in ROBUST.items() if name != "mlr_fiml" or "_robust" not in k}
        same_fit(found, name, INDICES | names, 1e-5)
        same_loadings(found, name)
        assert math.isnan(found.cfi_robust) == (name == "mlr_fiml")

    def test_peer_groups(self):
        data = misfit()
        found = tk.measurement.cfa(data, TWO_WAVES, cluster=peer_groups(len(data)))
        same_loadings(found, "cluster")
        assert found.chisq == pytest.approx(LAVAAN["cluster"]["fit"]["chisq"], abs=1e-5)
        # lavaan leaves second derivatives out of the bread here, and only here: see test_cfa_kernel
        assert found.scaling_factor == pytest.approx(LAVAAN["cluster"]["fit"]["chisq.scaling.factor"], rel=0.02)
        assert found.details["covariance"] == "standard errors robust to 180 clusters"

    def test_modification_indices(self):
        found = tk.measurement.cfa(holzinger(), HOLZINGER, std_lv=False).modification_indices()
        mine = {(r["left"], r["right"]): r for r in found.to_dict("records")}
        table = LAVAAN["hs_marker"]["mi"]
        assert len(found) == len(table["lhs"]) == 54
        for left, right, index, change, standardized in zip(*(table[k] for k in ("lhs", "rhs", "mi", "epc", "sepc"))):
            row = mine.get((left, right)) or mine[right, left]
            assert row["index"] == pytest.approx(index, abs=1e-4)
            assert row["expected_change"] == pytest.approx(change, abs=1e-5)
            assert row["standardized_change"] == pytest.approx(standardized, abs=1e-5)

    def test_no_degrees_of_freedom(self):
        found = tk.measurement.cfa(recoded("t0"), {"f": ["t0_i1", "t0_i2", "t0_i3"]})
        assert (found.df, found.fits) == (0, None)
        assert found.chisq == pytest.approx(0, abs=1e-8)
        assert found.verdict.startswith("fit cannot be tested")
        assert all(math.isnan(v) for v in (found.p_value, found.cfi, found.tli, found.rmsea))

    def test_scores_are_the_regression_scores(self):
        found = tk.measurement.cfa(misfit(), TWO_WAVES)
        lam, psi = found.loadings.to_numpy(), found.factor_covariances.to_numpy()
        sigma = lam @ psi @ lam.T + np.diag(found.residual_variances["estimate"])
        x = misfit()[[*TWO_WAVES["a"], *TWO_WAVES["b"]]]
        expected = (x - x.mean()).to_numpy() @ np.linalg.solve(sigma, lam @ psi)
        assert np.allclose(found.factor_scores, expected, atol=1e-10)


class TestProperties:
    @settings(max_examples=8, deadline=None)
    @given(st.integers(0, 10_000))
    def test_order_of_rows_and_units_of_items(self, seed):
        rng = np.random.default_rng(seed)
        data = with_missing()
        found = tk.measurement.cfa(data, TWO_WAVES)
        scale, shift = rng.uniform(0.1, 10, 12), rng.normal(size=12)
        changed = (data[found.details["items"]] * scale + shift).sample(frac=1, random_state=seed)
        other = tk.measurement.cfa(changed, TWO_WAVES)
        assert other.chisq == pytest.approx(found.chisq, abs=1e-6)
        assert other.srmr == pytest.approx(found.srmr, abs=1e-6)
        assert np.allclose(other.loadings, found.loadings.to_numpy() * scale[:, None], rtol=1e-5)
        assert np.allclose(other.standardized_loadings, found.standardized_loadings, atol=1e-6)

    def test_groups_renamed(self):
        data = misfit()
        options = {"groups": "z", "equal": ["loadings", "intercepts"]}
        found = tk.measurement.cfa(data, TWO_WAVES, **options)
        other = tk.measurement.cfa(data.assign(z=1 - data["z"]), TWO_WAVES, **options)
        assert other.chisq == pytest.approx(found.chisq, abs=1e-7)
        assert [other.cfi, other.srmr] == pytest.approx([found.cfi, found.srmr], abs=1e-8)

    def test_groups_as_a_column_or_as_values(self):
        data = misfit()
        found = [
            tk.measurement.cfa(data, TWO_WAVES, groups=g).chisq
            for g in ("z", data["z"], data["z"].tolist(), data["z"].to_numpy())
        ]
        assert len(set(found)) == 1

    def test_frames_of_other_libraries(self):
        polars = pytest.importorskip("polars")
        found = tk.measurement.cfa(polars.from_pandas(misfit()), TWO_WAVES)
        assert found.chisq == pytest.approx(tk.measurement.cfa(misfit(), TWO_WAVES).chisq)
        assert found.factor_scores.shape == (320, 2)

    def test_clusters_of_one_are_people(self):
        alone = tk.measurement.cfa(misfit(), TWO_WAVES, cluster=np.full(320, np.nan))
        people = tk.measurement.cfa(misfit(), TWO_WAVES, robust="mlr")
        assert np.allclose(alone.se_loadings, people.se_loadings, equal_nan=True)
        assert alone.chisq_scaled == pytest.approx(people.chisq_scaled)

    def test_listwise_is_the_complete_rows(self):
        found = two_waves(missing="listwise")
        complete = tk.measurement.cfa(with_missing().dropna(), TWO_WAVES)
        assert (found.n, found.chisq) == (complete.n, complete.chisq)
        assert "listwise" in {n.code for n in found.notes}

    def test_identification_changes_no_fit(self):
        one, other = (tk.measurement.cfa(misfit(), TWO_WAVES, std_lv=v) for v in (True, False))
        assert other.chisq == pytest.approx(one.chisq, abs=1e-7)
        assert np.allclose(one.standardized_loadings, other.standardized_loadings, atol=1e-6)

    def test_an_item_of_two_factors(self):
        rng = np.random.default_rng(4)
        f = rng.multivariate_normal([0, 0], [[1, 0.3], [0.3, 1]], 4000)
        lam = np.array([[0.8, 0], [0.7, 0], [0.6, 0], [0.5, 0.4], [0, 0.8], [0, 0.7], [0, 0.6]])
        data = pd.DataFrame(f @ lam.T + 0.6 * rng.normal(size=(4000, 7)), columns=list("abcdefg"))
        found = tk.measurement.cfa(data, {"u": list("abcd"), "v": list("defg")})
        assert np.allclose(found.loadings, lam, atol=0.06)
        assert found.fits

    def test_round_trip(self):
        found = two_waves(robust="mlr", groups="z", equal=["loadings"])
        back = tk.Result.from_dict(json.loads(json.dumps(found.to_dict())))
        assert type(back) is type(found)
        assert str(back) == str(found)
        assert back.modification_indices().equals(found.modification_indices())
        with pytest.raises(tk.errors.UsageError, match="stored result has no factor scores"):
            _ = back.factor_scores

    def test_prints_the_verdict_before_the_numbers(self):
        text = str(tk.measurement.cfa(misfit(), {"f": TWO_WAVES["a"]}))
        assert text.splitlines()[1].strip().startswith("does not fit: RMSEA .095 is above .06; chi-square(9) = 34.82, p < .001")
        assert "0.000" not in text

    def test_a_page_has_the_verdict(self):
        found = tk.measurement.cfa(misfit(), {"f": TWO_WAVES["a"]})
        assert "does not fit: RMSEA .095" in found._repr_html_()


def test_two_waves_scalar_is_fast():
    """1,400 people, 20 items, two factors: a configural two-wave model through the public function within the bound."""
    rng = np.random.default_rng(2)
    eta = rng.multivariate_normal([0, 0.2], [[1, 0.6], [0.6, 1]], 1400)
    own = 0.4 * rng.normal(size=(1400, 10))
    lam = np.linspace(0.6, 0.9, 10)
    x = np.hstack([eta[:, [k]] * lam + own + 0.5 * rng.normal(size=(1400, 10)) for k in (0, 1)])
    names = [f"t{w}_{j}" for w in (0, 1) for j in range(10)]
    data = pd.DataFrame(x, columns=names)
    pairs = list(zip(names[:10], names[10:]))
    seconds = []
    for _ in range(3):
        start = time.process_time()
        found = tk.measurement.cfa(data, {"t0": names[:10], "t1": names[10:]}, residual_covariances=pairs)
        seconds.append(time.process_time() - start)
    assert found.fits
    assert min(seconds) < 0.5  # about 0.03 on an idle core
