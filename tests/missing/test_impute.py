"""Multiple imputation from end to end: what stays, what is drawn, reproducibility, groups, strategies, diagnostics."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import trialkit as tk


def frame(seed=1, n=120, G=6, lost=0.25, tau=0.4):
    """`G` peer groups and as many people alone; y1, y2 lost at random given y0, a job, a scale of 1 to 5, money with zeros."""
    rng = np.random.default_rng(seed)
    half = n // 2
    peer = np.repeat([True, False], half)
    g = np.arange(half) % G
    u = np.zeros(n)
    u[:half] = tau * rng.normal(size=G)[g]
    d = pd.DataFrame({"arm": np.where(peer, "peer", "solo"), "group": [*[f"g{k}" for k in g], *[None] * half]})
    d["id"] = np.arange(n)
    d["site"] = np.where(rng.random(n) < 0.5, "north", "south")
    d["y0"] = rng.normal(size=n)
    d["y1"] = 0.5 * d["y0"] + 0.3 * peer + u + rng.normal(size=n)
    d["y2"] = 0.3 * d["y0"] + 0.4 * d["y1"] + 0.4 * peer + u + rng.normal(size=n)
    d["job"] = (d["y1"] + rng.normal(size=n) > 0).astype(float)
    d["rating"] = np.clip(np.round(3 + d["y1"] + 0.5 * rng.normal(size=n)), 1, 5)
    d["money"] = np.where(rng.random(n) < 0.3, 0, np.exp(6 + 0.5 * d["y1"]))
    gone = rng.random(n) < lost * 2 / (1 + np.exp(-d["y0"]))
    for name in ("y2", "job", "rating", "money"):
        d.loc[gone, name] = np.nan
    d.loc[gone & (rng.random(n) < 0.5), "y1"] = np.nan
    return d


def trial(d=None, **roles):
    return tk.Trial(frame() if d is None else d, **({"arm": "arm", "control": "solo", "unit": "id", "group": "group"} | roles))


ALL = ["y1", "y2", "job", "rating", "money"]


def effect(t):
    return tk.itt(t, "y2", adjust=["y0"])


def test_observed_values_stay_and_drawn_ones_are_possible():
    t = trial()
    found = tk.missing.impute(t, ALL, predictors=["y0"], n_imputations=3, seed=1)
    assert [found.methods[c] for c in ALL] == [
        "normal with group effects", "normal with group effects", "logistic, with groups probit", "pmm with group effects", "pmm with group effects",
    ]  # fmt: skip
    for one in found.trials:
        for c in ALL:
            before, after = t.values(c), one.values(c)
            known = np.isfinite(before)
            assert (after[known] == before[known]).all()
            assert np.isfinite(after).all()
        for c in ("job", "rating", "money"):
            assert set(one.values(c)) <= set(t.values(c)[np.isfinite(t.values(c))])
    assert t.data["y2"].isna().any()


def test_matching_stays_within_the_arm():
    d = frame()
    d.loc[(d["arm"] == "peer") & d["money"].notna(), "money"] = np.arange(((d["arm"] == "peer") & d["money"].notna()).sum()) + 1e6
    found = tk.missing.impute(trial(d), ["money"], predictors=["y0"], methods={"money": "pmm"}, n_imputations=2, seed=1)
    after = found.completed(1).values("money")
    assert (after[d["arm"] == "peer"] >= 1e6).all()
    assert (after[d["arm"] == "solo"] < 1e6).all()


def test_a_seed_gives_the_same_and_more_imputations_begin_with_the_same():
    t = trial()
    for model in ("chained", "joint"):
        few = tk.missing.impute(t, ["y1", "y2"], predictors=["y0"], n_imputations=2, seed=7, model=model)
        more = tk.missing.impute(t, ["y1", "y2"], predictors=["y0"], n_imputations=4, seed=7, model=model)
        other = tk.missing.impute(t, ["y1", "y2"], predictors=["y0"], n_imputations=2, seed=8, model=model)
        assert few.drawn["y2"].tolist() == more.drawn["y2"][:2].tolist()
        assert not np.array_equal(few.drawn["y2"], other.drawn["y2"])


@pytest.mark.parametrize("model", ["chained", "joint"])
def test_outcome_in_other_units(model):
    d = frame()
    moved = d.assign(y1=100 + 10 * d["y1"], y2=-5 + 3 * d["y2"])
    one = tk.missing.impute(trial(d), ["y1", "y2"], predictors=["y0"], n_imputations=2, seed=7, model=model)
    other = tk.missing.impute(trial(moved), ["y1", "y2"], predictors=["y0"], n_imputations=2, seed=7, model=model)
    assert other.drawn["y1"] == pytest.approx(100 + 10 * one.drawn["y1"], rel=1e-5)
    assert other.drawn["y2"] == pytest.approx(-5 + 3 * one.drawn["y2"], rel=1e-5, abs=1e-6)


def test_pooled_df_start_from_the_contrast_and_not_from_the_people():
    t = trial()
    found = tk.missing.impute(t, ["y2"], predictors=["y0"], n_imputations=10, seed=1)
    pooled = found.analyse(effect)
    each = [effect(c).estimates[0] for c in found.trials]
    assert pooled.df_complete == pytest.approx(np.mean([e.df for e in each]))
    assert pooled.df_complete < 40
    assert pooled.df < pooled.df_complete
    by_hand = tk.missing.pool([e.estimate for e in each], [e.std_error**2 for e in each], df=pooled.df_complete)
    for name in ("estimate", "std_error", "df", "conf_low", "fmi"):
        assert getattr(pooled, name) == pytest.approx(getattr(by_hand, name), rel=1e-12)
    row = pooled.tidy().iloc[0]
    assert (row["n"], row["n_groups"]) == (120, 6)
    assert {"imputed", "few_groups_imputation"} <= {n.code for n in pooled.notes}
    assert "outcome_missing" not in [n.code for n in pooled.notes]
    assert tk.Result.from_dict(pooled.to_dict()).fmi == pooled.fmi


def test_ratios_are_pooled_as_logs():
    t = trial()
    found = tk.missing.impute(t, ["job"], predictors=["y0"], n_imputations=6, seed=1)
    pooled = found.analyse(lambda c: tk.itt(c, "job", measure="risk_ratio"))
    each = [tk.itt(c, "job", measure="risk_ratio").estimates[0] for c in found.trials]
    assert pooled.estimate == pytest.approx(math.exp(np.mean([math.log(e.estimate) for e in each])))
    assert pooled.conf_low * pooled.conf_high == pytest.approx(pooled.estimate**2)


def test_rows_of_ratios_are_known_by_their_intervals():
    """Subgroup results mix ratios in one table."""
    found = tk.missing.impute(trial(frame(n=240, G=10)), ["job"], predictors=["y0"], n_imputations=3, seed=1)

    def analysis(c):
        return tk.subgroups(c, "job", by=["site"], measure="risk_ratio")

    pooled = found.analyse(analysis).estimates
    for i, e in enumerate(pooled):
        each = [analysis(c).estimates[i] for c in found.trials]
        assert e.estimate == pytest.approx(math.exp(np.mean([math.log(x.estimate) for x in each])))
        assert e.conf_low * e.conf_high == pytest.approx(e.estimate**2)


def test_rows_with_weight_zero_neither_inform_nor_change():
    d = frame().assign(w=1.0)
    d.loc[[0, 5, 70], "w"] = 0.0
    wild = d.copy()
    wild.loc[[5, 70], "y1"] = 1e6
    wild.loc[0, "y2"] = np.nan
    one = tk.missing.impute(trial(d, weights="w"), ["y1", "y2"], predictors=["site"], n_imputations=2, seed=1)
    two = tk.missing.impute(trial(wild, weights="w"), ["y1", "y2"], predictors=["site"], n_imputations=2, seed=1)
    rows = one.missing["y1"]
    assert two.missing["y1"].tolist() == rows.tolist()
    assert one.drawn["y1"].tolist() == two.drawn["y1"].tolist()
    assert np.isnan(two.completed(0).values("y2")[0])


def test_strata_and_categories_predict():
    d = frame(n=400, G=10)
    d["y2"] = np.where(d["y2"].isna(), np.nan, d["y2"] + 20 * (d["site"] == "north"))
    t = trial(d, strata=["site"])
    found = tk.missing.impute(t, ["y2"], n_imputations=3, seed=1)
    drawn, north = found.drawn["y2"].mean(axis=0), (d["site"] == "north").to_numpy()[found.missing["y2"]]
    assert drawn[north].mean() - drawn[~north].mean() == pytest.approx(20, abs=1.5)


def test_group_variance_survives_only_with_group_effects():
    """Half the outcomes gone at random: between-group variance of the completed data, truth .49."""
    seen, blind = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        d = frame(seed=seed, n=480, G=24, lost=0, tau=0)
        level = 0.7 * rng.normal(size=24)
        d["y"] = rng.normal(size=480)
        d.loc[:239, "y"] += level[np.arange(240) % 24]
        d.loc[rng.random(480) < 0.5, "y"] = np.nan
        for roles, out in (({}, seen), ({"group": None}, blind)):
            found = tk.missing.impute(trial(d, **roles), ["y"], predictors=["y0"], n_imputations=4, seed=seed)
            for c in found.trials:
                by = pd.DataFrame({"y": c.values("y")[:240], "g": np.arange(240) % 24}).groupby("g")["y"]
                out.append(by.mean().var() - by.var().mean() / 10)
    assert np.mean(seen) == pytest.approx(0.49, abs=0.12)
    assert np.mean(blind) < 0.3


def test_coverage_under_missing_at_random_with_groups_in_one_arm():
    """Dropping out depends on y0, in opposite ways in the arms; the analysis leaves y0 out."""
    hits, bias, bias_cases = [], [], []
    for r in range(40):
        rng = np.random.default_rng(900 + r)
        d = frame(seed=r, n=160, G=8, lost=0)
        peer = (d["arm"] == "peer").to_numpy()
        u = np.zeros(160)
        u[:80] = 0.4 * rng.normal(size=8)[np.arange(80) % 8]
        d["y"] = 0.6 * d["y0"] + 0.3 * peer + u + rng.normal(size=160)
        d.loc[rng.random(160) < 1 / (1 + np.exp(0.6 - np.where(peer, 1.2, -1.2) * d["y0"])), "y"] = np.nan
        t = trial(d)
        pooled = tk.missing.impute(t, ["y"], predictors=["y0"], n_imputations=5, seed=r).analyse(lambda c: tk.itt(c, "y"))
        hits.append(pooled.conf_low <= 0.3 <= pooled.conf_high)
        bias.append(pooled.estimate - 0.3)
        bias_cases.append(tk.itt(t, "y").estimates[0].estimate - 0.3)
    assert np.mean(hits) >= 0.88
    assert abs(np.mean(bias)) < 0.12
    assert np.mean(bias_cases) < -0.25


def test_joint_waves_and_chained_equations_agree():
    t = trial(frame(n=400, G=10))
    found = [
        tk.missing.impute(t, ["y1", "y2"], predictors=["y0"], n_imputations=30, seed=1, model=m).analyse(effect)
        for m in ("chained", "joint")
    ]
    assert found[0].estimate == pytest.approx(found[1].estimate, abs=0.25 * found[0].std_error)
    assert found[0].std_error == pytest.approx(found[1].std_error, rel=0.15)


def test_rules_order_the_effect_and_agree_with_conditional_means():
    d = frame(n=400, G=10, lost=0.35)
    d.loc[d["arm"] == "peer", ["y1", "y2"]] += 1.0
    t = trial(d)
    drawn, means = {}, {}
    for rule in ("mar", "cir", "j2r", "cr", "lmcf"):
        found = tk.missing.impute(
            t,
            ["y1", "y2"],
            predictors=["y0"],
            strategy=rule,
            model="joint" if rule == "mar" else "auto",
            n_imputations=12,
            seed=1,
        )
        drawn[rule] = found.analyse(effect)
        means[rule] = tk.missing.reference_based(t, ["y1", "y2"], strategy=rule, adjust=["y0"]).estimates[0]
        assert drawn[rule].estimate == pytest.approx(means[rule].estimate, abs=0.35 * means[rule].std_error)
    assert drawn["mar"].estimate > drawn["cir"].estimate > drawn["j2r"].estimate
    assert "reference_based" in [n.code for n in drawn["j2r"].notes]


def test_delta_moves_only_what_came_after_dropping_out():
    d = frame()
    d.loc[3, ["y1", "y2"]] = [np.nan, 1.0]
    t = trial(d)
    found = tk.missing.impute(t, ["y1", "y2"], predictors=["y0"], strategy="cir", n_imputations=2, seed=1)
    moved = tk.missing.delta(found, [5, 6], dlag=[1, 2])
    change1 = moved.completed(0).values("y1") - found.completed(0).values("y1")
    change2 = moved.completed(0).values("y2") - found.completed(0).values("y2")
    peer = (d["arm"] == "peer").to_numpy()
    both, last = d["y1"].isna().to_numpy() & d["y2"].isna().to_numpy(), d["y2"].isna().to_numpy() & d["y1"].notna().to_numpy()
    assert change1[peer & both] == pytest.approx(5)
    assert change2[peer & both] == pytest.approx(17)
    assert change2[peer & last] == pytest.approx(6)
    assert change1[3] == 0
    assert (change2[~peer] == 0).all()
    everyone = tk.missing.delta(found, [1, 0], dlag=[1, 0], arms=["peer", "solo"])
    assert (everyone.completed(0).values("y2") - found.completed(0).values("y2"))[both] == pytest.approx(1)


def test_diagnostics_trace_and_progress():
    said = []
    found = tk.missing.impute(
        trial(), ALL, predictors=["y0"], n_imputations=4, seed=1, n_iterations=6, progress=lambda *a: said.append(a)
    )
    table = found.diagnostics()
    assert table["column"].tolist() == ALL
    assert table["n_missing"].tolist() == [len(found.missing[c]) for c in ALL]
    assert np.isfinite(table["r_hat"]).all()
    assert len(found.trace()) == 5 * 4 * 6
    assert said == [("impute", i, 4) for i in range(1, 5)]
    assert len(found) == 4
    assert "y2" in repr(found)


def test_a_group_without_outcomes_is_drawn_and_said():
    d = frame()
    d.loc[d["group"] == "g2", "y2"] = np.nan
    found = tk.missing.impute(trial(d), ["y2"], predictors=["y0"], n_imputations=3, seed=1)
    assert "group_without_values" in [n.code for n in found.notes]
    assert np.isfinite(found.completed(2).values("y2")).all()


def test_clusters_have_effects_in_every_arm():
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(16), 12)
    d = pd.DataFrame({"arm": np.where(cluster < 8, "a", "b"), "cluster": cluster})
    d["y"] = rng.normal(size=16)[cluster] + rng.normal(size=192)
    d.loc[rng.random(192) < 0.3, "y"] = np.nan
    t = tk.Trial(d, arm="arm", control="b", cluster="cluster")
    found = tk.missing.impute(t, ["y"], n_imputations=10, seed=1)
    assert found.methods["y"] == "normal with group effects"
    pooled = found.analyse(lambda c: tk.itt(c, "y"))
    assert pooled.df < 16
