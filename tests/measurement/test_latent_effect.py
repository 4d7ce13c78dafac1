"""tk.measurement.latent_effect: lavaan's numbers, agreement with itt where there is no error, recovery, properties, bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.measurement.cfa_cases import TWO_WAVES, misfit, peer_groups, with_missing
from tests.measurement.latent_worlds import EFFECT, LOADINGS, WAVES, World, frame, trial
from trialkit.errors import (
    ColumnNotFoundError,
    DataError,
    EstimationError,
    MissingDataError,
    UsageError,
    ValueTypeError,
)
from trialkit.inference.factor.identification import unidentified
from trialkit.inference.factor.indices import fit_indices
from trialkit.inference.factor.invariant import Place
from trialkit.inference.factor.latent_regression import latent_regression, latent_regression_model
from trialkit.results import Result

LAVAAN = json.loads((Path(__file__).parent / "invariance_reference" / "lavaan.json").read_text())
TWO = {"t0": TWO_WAVES["a"], "t1": TWO_WAVES["b"]}
UNITS = ["marker item", "baseline SD", "item points", "baseline SD", "baseline SD, corrected"]
latent_effect = tk.measurement.latent_effect


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    return frame(*World().arrays(np.random.default_rng(11)))


@pytest.fixture(scope="module")
def complete() -> pd.DataFrame:
    return frame(*World(missing=0.0).arrays(np.random.default_rng(12)))


def latent(result) -> np.ndarray:
    return np.array([[e.estimate, e.std_error, e.df] for e in result.estimates[:2]])


class TestLavaan:
    """Numbers of lavaan 0.6-14 (invariance_reference/reference.R); it stops about 1e-6 before the maximum."""

    def check(self, name, data, freed=(), unit=None):
        expected = LAVAAN[name]
        found = latent_regression(data[[*TWO["t0"], *TWO["t1"]]].to_numpy(float), data[["z"]].to_numpy(float), freed=freed)
        shared = np.arange(len(data)) if unit is None else unit
        count = shared.max() + 1
        correction = 1.0 if unit is None else np.sqrt(count / (count - 1))
        errors = [
            correction * np.sqrt((np.bincount(shared, weights=v[:, 0]) ** 2).sum())
            for v in (found.influence, found.standardized_influence)
        ]
        known = dict(zip(expected["label"], zip(expected["est"], expected["se"])))
        assert found.effects[0] == pytest.approx(known["c"][0], abs=2e-6)
        assert found.slope == pytest.approx(known["s"][0], abs=2e-6)
        assert found.standardized[0] == pytest.approx(known["std"][0], abs=2e-6)
        assert errors == pytest.approx([known["c"][1], known["std"][1]], abs=2e-6)
        indices = fit_indices(found.fit)
        for key in ("chisq", "df", "cfi", "rmsea", "srmr"):
            assert getattr(indices, key) == pytest.approx(expected[key], abs=1e-5)

    def test_complete(self):
        self.check("latent", misfit())

    def test_missing(self):
        self.check("latent_fiml", with_missing())

    def test_partial_invariance(self):
        self.check("latent_partial", misfit(), [Place(k, j, 1, 0) for k in ("loading", "intercept") for j in (2, 4)])

    def test_peer_groups(self):
        labels = pd.Series(peer_groups(320))
        unit = np.unique(labels.fillna(1000.0 + pd.Series(range(320))), return_inverse=True)[1]
        self.check("latent_cluster", misfit(), unit=unit)


class TestKernel:
    def test_identified(self):
        assert unidentified(latent_regression_model(3, 1)) == ()
        assert unidentified(latent_regression_model(5, 4, marker=2, freed=[Place("intercept", 0, 1, 0)])) == ()

    def test_influence_is_what_leaving_a_person_out_does(self, answers):
        x, z = answers[[c for w in WAVES.values() for c in w]].to_numpy(), (answers[["arm"]] == "peer").to_numpy(float)
        whole = latent_regression(x, z)
        for i in np.argsort(-np.abs(whole.influence[:, 0]))[:4]:
            without = latent_regression(np.delete(x, i, axis=0), np.delete(z, i, axis=0))
            assert whole.effects[0] - without.effects[0] == pytest.approx(whole.influence[i, 0], rel=0.05)
            change = whole.standardized[0] - without.standardized[0]
            assert change == pytest.approx(whole.standardized_influence[i, 0], rel=0.05)
        assert whole.influence.sum(axis=0) == pytest.approx(0, abs=1e-7)

    def test_items_without_error_give_ancova(self):
        """With next to no error in the items the factor is the item, and the latent effect the ANCOVA of it."""
        rng = np.random.default_rng(3)
        n = 300
        z = np.column_stack([np.arange(n) % 2, rng.normal(size=n)])
        before = rng.normal(size=n)
        after = 0.5 * before + 0.4 * z[:, 0] + 0.3 * z[:, 1] + rng.normal(size=n)
        x = np.column_stack([f[:, None] + 0.01 * rng.normal(size=(n, 3)) for f in (before, after)])
        found = latent_regression(x, z)
        b = np.linalg.lstsq(np.column_stack([np.ones(n), before, z]), after, rcond=None)[0]
        assert [found.slope, *found.effects] == pytest.approx(b[1:], abs=2e-3)


class TestRows:
    def test_what_is_printed(self, answers):
        r = latent_effect(trial(answers), WAVES)
        t = r.tidy()
        assert t["unit"].tolist() == UNITS
        assert t["level"].tolist() == ["latent"] * 2 + ["observed"] * 3
        assert (t["n_groups"] == 20).all()
        assert t["covariance"].str.startswith("CR2").all()
        assert (t["df"] < 100).all()
        assert t["estimate"][1] == pytest.approx(t["estimate"][0] / r.baseline_sd)
        assert t["estimate"][4] == pytest.approx(t["estimate"][3] / np.sqrt(r.reliability))
        assert "marker item t0_i1" in str(r)
        assert r.loadings.loc["t1_i2", "loading"] == r.loadings.loc["t0_i2", "loading"]
        again = Result.from_dict(json.loads(json.dumps(r.to_dict())))
        assert again.tidy().equals(t)
        assert again.reliability == r.reliability

    def test_observed_rows_are_itt_of_the_mean(self, complete):
        r = latent_effect(trial(complete), WAVES)
        d = complete.assign(before=complete[WAVES["t0"]].mean(axis=1), after=complete[WAVES["t1"]].mean(axis=1))
        known = tk.itt(trial(d), "after", adjust=["before"]).estimates[0]
        row = r.estimates[2]
        for key in ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high"):
            assert getattr(row, key) == pytest.approx(getattr(known, key))
        assert r.estimates[3].estimate == pytest.approx(known.estimate / d["before"].std())

    def test_reliability_is_omega(self, complete):
        common = LOADINGS.sum() ** 2
        truth = common / (common + 5 * (0.4**2 + 0.6**2))
        assert latent_effect(trial(complete), WAVES).reliability == pytest.approx(truth, abs=0.03)

    def test_marker_changes_the_unit_only(self, complete):
        base, other = latent_effect(trial(complete), WAVES), latent_effect(trial(complete), WAVES, marker="t1_i3")
        ratio = base.loadings.loc["t0_i3", "loading"]
        assert other.estimates[0].estimate == pytest.approx(ratio * base.estimates[0].estimate, rel=1e-5)
        assert latent(other)[1] == pytest.approx(latent(base)[1], rel=1e-4)

    def test_strata_and_covariates(self, complete):
        rng = np.random.default_rng(1)
        d = complete.assign(
            site=np.arange(len(complete)) % 3,
            age=rng.normal(size=len(complete)),
            sex=np.where(rng.random(len(complete)) < 0.5, "m", "f"),
        )
        d.loc[:20, "age"] = np.nan
        r = latent_effect(trial(d, strata=["site"]), WAVES, adjust=["age", "sex", "site"])
        assert "covariate_imputed" in [n.code for n in r.notes]
        assert r.estimates[0].conf_low < EFFECT < r.estimates[0].conf_high
        copies = latent_effect(trial(d.assign(again=d["age"].fillna(0.0)).drop(columns="age")), WAVES, adjust=["again", "sex"])
        doubled = d.assign(again=d["age"].fillna(0.0), twice=2 * d["age"].fillna(0.0)).drop(columns="age")
        left_out = latent_effect(trial(doubled), WAVES, adjust=["again", "twice", "sex"])
        assert "collinear" in [n.code for n in left_out.notes]
        assert latent(left_out) == pytest.approx(latent(copies))

    def test_several_arms(self, complete):
        d = complete.copy()
        third = (d["arm"] == "solo") & (np.arange(len(d)) % 2 == 0)
        d.loc[third, "arm"] = "letter"
        r = latent_effect(trial(d), WAVES)
        assert [e.contrast for e in r.estimates[::5]] == ["letter - solo", "peer - solo"]
        assert len(r.direct_effects) == 20

    def test_randomized_clusters(self, complete):
        unit = np.arange(len(complete)) // 10
        d = complete.drop(columns="group").assign(unit=unit)
        r = latent_effect(tk.Trial(d, arm="arm", control="solo", cluster="unit"), WAVES)
        assert r.estimates[0].n_clusters == 40
        assert r.estimates[0].df < 40

    def test_response_shift_is_let_go(self, complete):
        d = complete.assign(t1_i3=complete["t1_i3"] + 0.8)
        t = trial(d)
        checked = tk.measurement.invariance(d, waves=WAVES)
        by_result, by_name = latent_effect(t, WAVES, free=checked), latent_effect(t, WAVES, free=["t1_i3"])
        assert by_result.details["freed"] == ["intercept of t1_i3"]
        assert len(by_name.details["freed"]) == 2
        assert "misfit" in [n.code for n in latent_effect(t, WAVES).notes]
        assert "misfit" not in [n.code for n in by_result.notes]
        assert latent_effect(t, WAVES, free=["t0_i1"]).details["marker"] == "t0_i2"

    def test_an_item_that_the_programme_teaches(self, complete):
        d = complete.assign(t1_i4=complete["t1_i4"] + 0.8 * (complete["arm"] == "peer"))
        note = next(n for n in latent_effect(trial(d), WAVES).notes if n.code == "direct_effects")
        assert "t1_i4 (peer" in note.text
        assert "t1_i2" not in note.text


class TestProperties:
    @settings(max_examples=8, deadline=None)
    @given(st.integers(0, 1000), st.floats(0.2, 5), st.floats(-10, 10))
    def test_order_and_units(self, complete, seed, scale, shift):
        base = latent(latent_effect(trial(complete), WAVES))
        d = complete.sample(frac=1, random_state=seed)
        for c in [*WAVES["t0"], *WAVES["t1"]]:
            d[c] = scale * d[c] + shift
        again = latent(latent_effect(trial(d), WAVES))
        assert again[1] == pytest.approx(base[1], rel=1e-3)
        assert again[0, :2] == pytest.approx(scale * base[0, :2], rel=1e-3)

    def test_arms_swapped(self, answers):
        base = latent(latent_effect(trial(answers), WAVES))
        swapped = latent(latent_effect(trial(answers, control="peer"), WAVES))
        assert swapped[:, 0] == pytest.approx(-base[:, 0], abs=1e-6)
        assert swapped[:, 1:] == pytest.approx(base[:, 1:], rel=1e-4)

    def test_groups_of_one_are_no_groups(self, complete):
        d = complete.assign(group=None)
        none = latent(latent_effect(trial(d, group=None), WAVES))
        d["group"] = [f"g{i}" if a == "peer" else None for i, a in enumerate(d["arm"])]
        one = latent(latent_effect(trial(d, grouped_arms=["peer"], ungrouped="singleton"), WAVES))
        assert one[:, :2] == pytest.approx(none[:, :2])

    def test_people_without_answers_do_not_count(self, answers):
        extra = answers.iloc[:4].assign(**dict.fromkeys([*WAVES["t0"], *WAVES["t1"]], np.nan))
        base = latent_effect(trial(answers), WAVES)
        more = latent_effect(trial(pd.concat([answers, extra])), WAVES)
        assert latent(more) == pytest.approx(latent(base))
        assert "no_answers" in [n.code for n in more.notes]


class TestRecovery:
    def test_a_thin_version_of_the_calibration(self):
        """60 trials of 20 groups, 20 % of answers missing: bias within four Monte Carlo errors, at least 52 intervals that cover."""
        found, covered, loadings = [], 0, []
        for k in range(60):
            r = latent_effect(trial(frame(*World(size=6).arrays(np.random.default_rng([7, k])))), WAVES)
            found.append([e.estimate for e in r.estimates[:2]])
            covered += r.estimates[0].conf_low <= EFFECT <= r.estimates[0].conf_high
            loadings.append(r.loadings["loading"].to_numpy()[:5])
        for values, truth in ((np.array(found), [EFFECT, EFFECT]), (np.array(loadings)[:, 1:], LOADINGS[1:])):
            error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
            assert (np.abs(values.mean(axis=0) - truth) < 4 * error).all()
        assert covered >= 52


class TestBadInput:
    @pytest.mark.parametrize(
        ("request_", "error", "words"),
        [
            ({"items": {"t0": WAVES["t0"]}}, UsageError, "two waves"),
            ({"items": WAVES | {"t2": ["a", "b", "c"]}}, UsageError, "two waves"),
            ({"items": {"t0": WAVES["t0"], "t1": WAVES["t1"][:4]}}, UsageError, "numbers of items differ"),
            ({"items": {"t0": WAVES["t0"], "t1": [*WAVES["t1"][:4], "t1_i9"]}}, ColumnNotFoundError, "t1_i9"),
            ({"free": ["t1_i8"]}, UsageError, "no item"),
            ({"free": "t1_i3"}, UsageError, "takes a list"),
            ({"free": WAVES["t1"][:4]}, UsageError, "fewer than two items"),
            ({"marker": "mood"}, UsageError, "no item"),
            ({"marker": "t1_i3", "free": ["t0_i3"]}, UsageError, "is free"),
            ({"adjust": ["arm"]}, UsageError, "the arm"),
            ({"adjust": ["t0_i1"]}, UsageError, "is an item"),
            ({"adjust": ["agee"]}, ColumnNotFoundError, "agee"),
            ({"adjust": "age"}, UsageError, "takes a list"),
            ({"conf_level": 95}, UsageError, "between 0 and 1"),
        ],
    )
    def test_requests(self, complete, request_, error, words):
        given_ = {"items": WAVES} | request_
        with pytest.raises(error, match=words):
            latent_effect(trial(complete), given_.pop("items"), **given_)

    def test_invariance_of_other_items(self, complete):
        three = {w: c[:3] for w, c in WAVES.items()}
        with pytest.raises(UsageError, match="other items"):
            latent_effect(trial(complete), WAVES, free=tk.measurement.invariance(complete, waves=three))

    def test_weights(self, complete):
        with pytest.raises(UsageError, match="weights"):
            latent_effect(trial(complete.assign(w=1.0), weights="w"), WAVES)

    def test_an_arm_without_follow_up(self, complete):
        d = complete.copy()
        d.loc[d["arm"] == "solo", WAVES["t1"]] = np.nan
        with pytest.raises(MissingDataError, match="arm 'solo' answered an item of wave 't1'"):
            latent_effect(trial(d), WAVES)

    def test_constant_item(self, complete):
        with pytest.raises(DataError, match="same answer"):
            latent_effect(trial(complete.assign(t1_i2=1.0)), WAVES)

    def test_codes_and_text(self, complete):
        d = complete.copy()
        for c in [*WAVES["t0"], *WAVES["t1"]]:
            d[c] = d[c].round().clip(0, 6)
        d.loc[2, "t1_i2"] = -99
        with pytest.raises(ValueTypeError, match="-99"):
            latent_effect(trial(d), WAVES)
        with pytest.raises(ValueTypeError, match="text"):
            latent_effect(trial(complete.assign(t1_i2="often")), WAVES)

    def test_too_few_people(self, complete):
        few = pd.concat([complete.iloc[:6], complete.iloc[-5:]])
        with pytest.raises(EstimationError, match="11 people and 11 items"):
            latent_effect(trial(few, group=None), WAVES)

    def test_items_that_determine_each_other(self, complete):
        d = complete.assign(t1_i5=complete["t1_i1"] + complete["t1_i2"])
        with pytest.raises((DataError, EstimationError)):
            latent_effect(trial(d), WAVES)
