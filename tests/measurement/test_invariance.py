"""tk.measurement.invariance: lavaan's numbers, Chen's rules, the partial search, verdicts, bad input."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.measurement.cfa_cases import TWO_WAVES, misfit, peer_groups, with_missing
from tests.measurement.latent_worlds import WAVES, World, frame
from trialkit.errors import (
    ColumnNotFoundError,
    DataError,
    EstimationError,
    MissingDataError,
    NotIdentifiedError,
    UsageError,
    ValueTypeError,
)
from trialkit.inference.factor import fiml
from trialkit.inference.factor.fit import fit
from trialkit.inference.factor.identification import unidentified
from trialkit.inference.factor.invariant import LEVELS, Place, difference, invariant_model, scaled_difference
from trialkit.results import Result

ladder = import_module("trialkit.measurement.invariance.ladder")

LAVAAN = json.loads((Path(__file__).parent / "invariance_reference" / "lavaan.json").read_text())
TWO = {"t0": TWO_WAVES["a"], "t1": TWO_WAVES["b"]}
invariance = tk.measurement.invariance


def rows(result, models=("configural", "metric", "scalar")):
    return result.tidy().set_index("model").loc[list(models)]


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    """Six hundred people, five items, nothing missing, the same measure at both waves."""
    return frame(*World(groups=30, missing=0.0, icc=0.0, effect=0.0).arrays(np.random.default_rng(4)))


@pytest.fixture(scope="module")
def shifted(answers) -> pd.DataFrame:
    """The third item reads higher at follow-up."""
    return answers.assign(t1_i3=answers["t1_i3"] + 0.7)


class TestLavaan:
    def check(self, result, expected):
        found = rows(result)
        for level, numbers in expected.items():
            for key, value in numbers.items():
                assert found.loc[level, key] == pytest.approx(value, abs=1e-5), (level, key)

    def test_waves_and_arms_at_once(self):
        self.check(invariance(misfit(), waves=TWO, by="z", partial=False), LAVAAN["both"])

    def test_missing_answers(self):
        self.check(invariance(with_missing(), waves=TWO, partial=False), LAVAAN["fiml"])

    def test_scaled_differences(self):
        found = rows(invariance(misfit(), waves=TWO, robust="mlr", partial=False))
        names = {"chisq": "chisq_change", "df": "df_change", "p": "p_change", "scaled": "chisq_scaled", "cfi": "cfi_corrected"}
        for level, expected in LAVAAN["scaled"].items():
            for key, column in (names | {"rmsea": "rmsea_corrected"}).items():
                assert found.loc[level, column] == pytest.approx(expected[key], abs=5e-5), (level, key)

    def test_partial_model(self):
        x = misfit()[[*TWO["t0"], *TWO["t1"]]].to_numpy(float)
        freed = [Place(k, j, 1, 0) for k in ("loading", "intercept") for j in (2, 4)]
        found = fit(invariant_model(6, 2, 1, "scalar", freed), fiml.moments(x))
        assert found.chisq == pytest.approx(LAVAAN["partial"]["chisq"], abs=1e-5)
        assert found.df == LAVAAN["partial"]["df"]

    def test_a_school_of_cases_by_hand(self):
        """Equal numbers everywhere against a model of each group alone: chi-squares and df of groups add up."""
        d = misfit()
        together = rows(invariance(d, items=TWO["t1"], by="z", partial=False)).loc["configural"]
        alone = [tk.measurement.cfa(part, {"f": TWO["t1"]}) for _, part in d.groupby("z")]
        assert together["chisq"] == pytest.approx(sum(r.chisq for r in alone), abs=1e-6)
        assert together["df"] == sum(r.df for r in alone)


class TestModels:
    @pytest.mark.parametrize("level", LEVELS)
    @pytest.mark.parametrize(("waves", "groups"), [(1, 2), (2, 1), (2, 2), (3, 1), (1, 3)])
    def test_identified(self, level, waves, groups):
        assert unidentified(invariant_model(4, waves, groups, level)) == ()

    def test_df_by_counting(self):
        r = invariance(misfit(), waves=TWO, levels=LEVELS, partial=False).tidy()
        # 12 variances and means and 66 covariances; 12 loadings, residuals and intercepts, 6 pairs, 1 correlation
        assert r["df"].tolist() == [90 - 43, 90 - 38, 90 - 33, 90 - 27]

    def test_three_waves_take_the_first_as_reference(self, answers):
        third = answers[WAVES["t1"]].rename(columns=lambda c: c.replace("t1", "t2")) + np.random.default_rng(1).normal(
            scale=0.3, size=(len(answers), 5)
        )
        r = invariance(pd.concat([answers, third], axis=1), waves=WAVES | {"t2": list(third)})
        # 15 intercepts equal, two factor means free: 8 more at each step
        assert np.diff(r.tidy()["df"]).tolist() == [8, 8]

    def test_freeing_everything_but_one_item_is_the_metric_model(self):
        x = misfit()[[*TWO["t0"], *TWO["t1"]]].to_numpy(float)
        freed = [Place("intercept", j, 1, 0) for j in range(1, 6)]
        data = fiml.moments(x)
        metric = fit(invariant_model(6, 2, 1, "metric"), data)
        assert fit(invariant_model(6, 2, 1, "scalar", freed), data).chisq == pytest.approx(metric.chisq, abs=1e-6)


class TestRules:
    @pytest.mark.parametrize(
        ("level", "cfi", "rmsea", "srmr", "expected"),
        [
            ("metric", -0.009, 0.014, 0.029, True),
            ("metric", -0.010, 0.0, 0.0, False),
            ("metric", -0.009, 0.015, 0.029, True),
            ("metric", -0.009, 0.015, 0.030, False),
            ("scalar", -0.009, 0.015, 0.010, False),
            ("scalar", -0.009, 0.014, 0.020, True),
            ("strict", 0.004, 0.02, 0.02, False),
        ],
    )
    def test_chen(self, level, cfi, rmsea, srmr, expected):
        change = ladder.Change(difference(3, 5, 1, 4), cfi, rmsea, srmr)
        assert ladder.holds(change, ladder.bounds(level)) is expected

    def test_undefined_is_not_judged(self):
        assert ladder.holds(ladder.Change(difference(3, 5, 1, 4), np.nan, 0.0, 0.0), ladder.bounds("metric")) is None

    def test_small_sample_bounds(self):
        assert ladder.bounds("metric", small=True) == ladder.Bounds(0.005, 0.010, 0.025)
        assert ladder.bounds("scalar", small=True) == ladder.Bounds(0.005, 0.010, 0.005)

    def test_scaled_difference_by_hand(self):
        # c_d = (10 1.2 - 8 1.1)/2 = 1.6
        found = scaled_difference(30.0, 10, 1.2, 20.0, 8, 1.1)
        assert found.chisq == pytest.approx(10 / 1.6)
        assert scaled_difference(30.0, 10, 1.0, 20.0, 8, 1.0) == difference(30.0, 10, 20.0, 8)
        assert np.isnan(scaled_difference(30.0, 10, 0.5, 20.0, 8, 1.1).p_value)
        assert scaled_difference(30.0, 2, 1.2, 20.0, 0, np.nan).chisq == pytest.approx(10 / 1.2)


class TestVerdicts:
    def test_the_same_measure(self, answers):
        r = invariance(answers, waves=WAVES, levels=LEVELS)
        assert (r.level, r.scalar, r.freed, r.over) == ("strict", "full", (), "waves")
        assert r.verdict.startswith("strict invariance over waves holds")
        assert r.tidy()["holds"].tolist() == [True] * 4

    def test_an_intercept_that_moved_is_named(self, shifted):
        r = invariance(shifted, waves=WAVES)
        assert (r.level, r.scalar) == ("partial scalar", "partial")
        assert r.freed == ("intercept of t1_i3",)
        table = rows(r, ("scalar", "partial scalar"))
        assert table["holds"].tolist() == [False, True]
        assert table.loc["partial scalar", "against"] == "metric"
        assert "intercept of t1_i3" in r.verdict
        assert "partial_search" in [n.code for n in r.notes]

    def test_a_loading_that_moved_takes_its_intercept_along(self, answers):
        d = answers.assign(t1_i2=3 * answers["t1_i2"])
        r = invariance(d, waves=WAVES)
        assert r.level == "partial scalar"
        assert set(r.freed) == {"loading of t1_i2", "intercept of t1_i2"}

    def test_partial_strict_frees_the_residual_only(self, answers):
        rng = np.random.default_rng(8)
        d = answers.assign(t1_i4=answers["t1_i4"] + 1.6 * rng.normal(size=len(answers)), t1_i1=answers["t1_i1"] + 0.8)
        r = invariance(d, waves=WAVES, levels=LEVELS)
        assert r.level == "partial strict"
        assert set(r.freed) == {"intercept of t1_i1", "residual variance of t1_i4"}
        assert r.scalar == "partial"

    def test_freed_residual_alone_leaves_scalar_full(self, answers):
        rng = np.random.default_rng(8)
        d = answers.assign(t1_i4=answers["t1_i4"] + 1.6 * rng.normal(size=len(answers)))
        r = invariance(d, waves=WAVES, levels=LEVELS)
        assert (r.level, r.scalar) == ("partial strict", "full")

    def test_arms_name_the_group(self, answers):
        d = answers.assign(t1_i3=answers["t1_i3"] + 0.9 * (answers["arm"] == "peer"))
        r = invariance(d, items=WAVES["t1"], by="arm")
        assert r.over == "groups"
        assert r.freed == ("intercept of t1_i3 (group solo)",)

    def test_no_search_on_request(self, shifted):
        r = invariance(shifted, waves=WAVES, partial=False)
        assert (r.level, r.scalar, r.freed) == ("metric", "fails", ())

    @pytest.mark.parametrize("size", [0.5, 1.0])
    def test_too_much_moved(self, answers, size):
        """At size 1 the scalar model has no maximum: a residual variance runs below zero without end."""
        moved = {f"t1_i{j}": answers[f"t1_i{j}"] + size * s for j, s in zip((1, 2, 3, 4), (1.5, -1.5, 3.0, -3.0))}
        r = invariance(answers.assign(**moved), waves=WAVES, levels=LEVELS)
        assert (r.level, r.scalar) == ("metric", "fails")
        assert r.verdict.startswith("scalar invariance over waves fails")
        assert r.tidy()["holds"].tolist() == [True, True, False, False]
        if size == 1:
            assert "no_solution" in [n.code for n in r.notes]
            assert r.tidy()["chisq"].isna().tolist() == [False, False, True, True]
            assert "scalar" in str(r)

    def test_a_configural_model_that_does_not_fit_ends_it(self, answers):
        rng = np.random.default_rng(2)
        second = rng.normal(size=len(answers))
        d = answers.assign(**{f"t{w}_i{j}": answers[f"t{w}_i{j}"] + 1.2 * second for w in (0, 1) for j in (4, 5)})
        r = invariance(d, waves=WAVES)
        assert (r.level, r.scalar) == ("none", "not judged")
        assert r.verdict.startswith("the configural model does not fit")
        table = r.tidy()
        assert table["model"].tolist() == ["configural", "metric", "scalar"]
        assert table["holds"].tolist() == [False, None, None]

    def test_noise_is_refused(self):
        d = pd.DataFrame(np.random.default_rng(5).normal(size=(150, 8)), columns=[f"t{w}_i{j}" for w in (0, 1) for j in range(4)])
        with pytest.raises(EstimationError, match="configural model did not converge"):
            invariance(d, waves={w: [c for c in d if c.startswith(w)] for w in ("t0", "t1")})

    def test_three_items_by_arm_cannot_test_the_configural_model(self, answers):
        r = invariance(answers, items=WAVES["t1"][:3], by="arm")
        table = r.tidy()
        assert table["df"].tolist()[0] == 0
        assert np.isfinite(table["cfi_change"][1:]).all()
        assert r.level == "scalar"

    def test_undefined_indices_are_not_judged(self, answers, monkeypatch):
        monkeypatch.setattr(import_module("trialkit.measurement.invariance.invariance"), "holds", lambda *_: None)
        r = invariance(answers, waves=WAVES)
        assert (r.level, r.scalar) == ("configural", "not judged")
        assert r.verdict.startswith("metric invariance over waves cannot be judged")
        assert "cannot be judged" in tk.measurement.response_shift_note(r, "mood").text

    def test_peer_groups(self):
        d = misfit().assign(g=peer_groups(320))
        r = invariance(d, waves=TWO, cluster="g")
        table = r.tidy()
        assert table["chisq_scaled"].notna().all()
        assert "few_clusters" in [n.code for n in r.notes]
        assert (table["chisq_scaled"] != table["chisq"]).all()

    def test_small_samples_hear_of_stricter_bounds(self, answers):
        d = answers.iloc[::3].reset_index(drop=True)
        d["t1_i3"] += 0.35
        r = invariance(d, waves=WAVES)
        change = rows(r).loc["scalar", "cfi_change"]
        said = [n for n in r.notes if n.code == "small_sample"]
        assert -0.01 < change < -0.005
        assert "scalar" in said[0].text
        assert "exact_equality" in [n.code for n in r.notes]

    def test_few_categories(self, answers):
        d = answers.copy()
        for c in WAVES["t0"] + WAVES["t1"]:
            d[c] = pd.qcut(d[c], 3, labels=False)
        said = {n.code: n.text for n in invariance(d, waves=WAVES).notes}
        assert "t0_i1 (3)" in said["few_categories"]

    def test_printing_and_storing(self, shifted):
        r = invariance(shifted, waves=WAVES)
        assert "5 items, n = 600" in str(r)
        assert "partial scalar" in r._repr_html_()
        again = Result.from_dict(json.loads(json.dumps(r.to_dict())))
        assert again.verdict == r.verdict
        assert again.tidy()["cfi"].tolist() == r.tidy()["cfi"].tolist()


class TestResponseShift:
    def test_quiet_when_the_measure_is_the_same(self, answers):
        assert tk.measurement.response_shift_note(invariance(answers, waves=WAVES), "y") is None

    def test_partial(self, shifted):
        note = tk.measurement.response_shift_note(invariance(shifted, waves=WAVES), "mood")
        assert note.code == "response_shift"
        assert "mood" in note.text
        assert "t1_i3" in note.text

    def test_fails_and_not_judged(self, shifted):
        failing = invariance(shifted, waves=WAVES, partial=False)
        assert "no few items" in tk.measurement.response_shift_note(failing, "mood").text.lower()
        unfit = invariance(misfit(), items=TWO["t1"], by="z")
        note = tk.measurement.response_shift_note(unfit, "mood")
        assert note.code == "arms_not_invariant"
        assert "configural model does not fit" in note.text

    def test_needs_the_scalar_level(self, answers):
        with pytest.raises(UsageError, match="scalar level was not tested"):
            tk.measurement.response_shift_note(invariance(answers, waves=WAVES, levels=("configural", "metric")), "mood")


class TestProperties:
    @settings(max_examples=8, deadline=None)
    @given(st.integers(0, 1000), st.floats(0.2, 5), st.floats(-10, 10))
    def test_order_of_people_and_units_of_items(self, seed, scale, shift):
        d = misfit()
        base = rows(invariance(d, waves=TWO, partial=False))
        other = d.sample(frac=1, random_state=seed)
        for c in ("t0_i2", "t1_i2"):
            other[c] = scale * other[c] + shift
        again = rows(invariance(other, waves=TWO, partial=False))
        for key in ("chisq", "cfi", "rmsea", "srmr"):
            assert np.allclose(base[key], again[key], atol=1e-5)

    def test_names_of_arms_do_not_matter(self):
        d = misfit()
        base = rows(invariance(d, items=TWO["t1"], by="z"))
        swapped = rows(invariance(d.assign(z=1 - d["z"]), items=TWO["t1"], by="z"))
        assert np.allclose(base["chisq"], swapped["chisq"], atol=1e-6)

    def test_single_people_as_clusters_are_no_clusters(self):
        d = misfit()
        one = rows(invariance(d, waves=TWO, partial=False, cluster=np.arange(len(d))))
        none = rows(invariance(d, waves=TWO, partial=False, robust="mlr"))
        assert np.allclose(one["chisq_scaled"], none["chisq_scaled"])

    def test_unused_columns_and_the_index_do_not_matter(self):
        d = misfit()
        odd = d.assign(comment="x").set_index(pd.Index(np.arange(len(d)) + 7))
        assert rows(invariance(d, waves=TWO)).equals(rows(invariance(odd, waves=TWO)))


class TestBadInput:
    @pytest.mark.parametrize(
        ("request_", "error", "words"),
        [
            ({}, UsageError, "say waves="),
            ({"waves": TWO, "items": TWO["t0"]}, UsageError, "not both"),
            ({"items": TWO["t0"]}, UsageError, "need by="),
            ({"waves": {"t0": TWO["t0"]}}, UsageError, "two waves"),
            ({"waves": {"t0": TWO["t0"], "t1": TWO["t1"][:5]}}, UsageError, "numbers of items differ"),
            ({"waves": {"t0": TWO["t0"][:2], "t1": TWO["t1"][:2]}}, NotIdentifiedError, "at least three items"),
            ({"waves": {"t0": TWO["t0"], "t1": TWO["t0"]}}, UsageError, "more than once"),
            ({"waves": {"t0": "t0_i1", "t1": TWO["t1"]}}, UsageError, "must be a list"),
            ({"items": "t1_i1", "by": "z"}, UsageError, "must be a list"),
            ({"items": [*TWO["t1"][:5], "t1_i66"], "by": "z"}, ColumnNotFoundError, "t1_i66"),
            ({"items": TWO["t1"], "by": "arms"}, ColumnNotFoundError, "arms"),
            ({"waves": TWO, "levels": ("configural", "scalar")}, UsageError, "without gaps"),
            ({"waves": TWO, "levels": "scalar"}, UsageError, "takes a list"),
            ({"waves": TWO, "levels": ("weak",)}, UsageError, "none of"),
            ({"waves": TWO, "missing": "mean"}, UsageError, "fiml"),
            ({"waves": TWO, "robust": "wls"}, UsageError, "mlr"),
            ({"waves": TWO, "cluster": [1, 2]}, UsageError, "one value a row"),
        ],
    )
    def test_requests(self, request_, error, words):
        with pytest.raises(error, match=words):
            invariance(misfit(), **request_)

    def test_one_arm(self):
        with pytest.raises(DataError, match="one value only"):
            invariance(misfit().assign(z=1), items=TWO["t1"], by="z")

    def test_constant_item(self):
        with pytest.raises(DataError, match="same answer"):
            invariance(misfit().assign(t1_i2=3.0), waves=TWO)

    def test_constant_item_in_one_arm(self):
        d = misfit()
        d.loc[d["z"] == 1, "t1_i2"] = 3.0
        with pytest.raises(DataError, match="in group '1'"):
            invariance(d, items=TWO["t1"], by="z")

    def test_codes_for_missing_answers(self):
        d = misfit().round().clip(-3, 3) + 4
        d.loc[3, "t1_i2"] = -99
        with pytest.raises(ValueTypeError, match="-99"):
            invariance(d, waves=TWO)

    def test_text(self):
        with pytest.raises(ValueTypeError, match="text"):
            invariance(misfit().assign(t1_i2="often"), waves=TWO)

    def test_nobody_at_follow_up(self):
        with pytest.raises(MissingDataError, match="t1_i1"):
            invariance(misfit().assign(**dict.fromkeys(TWO["t1"], np.nan)), waves=TWO)

    def test_a_total_beside_its_parts(self):
        d = misfit()
        d["t1_i6"] = d[["t1_i1", "t1_i2"]].sum(axis=1)
        with pytest.raises(DataError, match="determine each other"):
            invariance(d, waves=TWO)

    def test_too_few_people(self):
        with pytest.raises(EstimationError, match="more people than items"):
            invariance(misfit().head(10), waves=TWO)
