"""Attrition: rates by arm, wave, group and trait, the tests of selective attrition, and the Clearinghouse's verdict."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from trialkit.errors import ColumnNotFoundError, CombinationError, MissingDataError, UsageError
from trialkit.inference.attrition.permutation import permutation_tests
from trialkit.inference.attrition.wwc import TABLE, model_boundary, table_boundary
from trialkit.results import Result


def people(seed: int, n: int = 200, lost: float = 0.2, selective: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    d = pd.DataFrame({"arm": rng.permutation(["solo", "peer"] * (n // 2)), "y0": rng.normal(size=n), "age": rng.normal(40, 9, n)})
    d["site"] = rng.choice(["a", "b", "c"], n)
    chance = lost + selective * d["y0"] * (d["arm"] == "peer")
    d["y"] = rng.normal(size=n)
    d.loc[rng.random(n) < chance, "y"] = np.nan
    return d


def trial(d: pd.DataFrame, **roles) -> tk.Trial:
    return tk.Trial(d, arm="arm", control="solo", **roles)


def lossy(seed: int, **options) -> pd.DataFrame:
    d = grouped_data(seed, **options)
    d.loc[np.random.default_rng(seed).random(len(d)) < 0.2, "y"] = np.nan
    return d


def rows_of(d: pd.DataFrame, baseline="y0", roles=None, **options) -> pd.DataFrame:
    return tk.selection.attrition(trial(d, **(roles or {})), "y", baseline=baseline, **options).tests


def test_classical_tests_are_analyses_of_variance():
    d = people(1)
    found = rows_of(d, covariance="classical").set_index("test")
    cells = [g["y0"].to_numpy() for _, g in d.groupby(["arm", d["y"].isna()])]
    anova = stats.f_oneway(*cells)
    assert found.loc["iv_p", "statistic"] == pytest.approx(anova.statistic)
    assert found.loc["iv_p", "p_value"] == pytest.approx(anova.pvalue)
    assert found.loc["iv_p", ["df_num", "df_denom"]].tolist() == [3, 196]
    assert found.loc["iv_r", "df_num"] == 2


def test_selective_attrition_is_found_and_unselective_is_not_every_time():
    found = rows_of(people(2, 2000, lost=0.3, selective=0.12)).set_index("test")["p_value"]
    assert found["iv_r"] < 1e-6 and found["iv_p"] < 1e-6
    p = np.array([rows_of(people(s, 120))["p_value"] for s in range(150)])
    assert ((p < 0.05).mean(axis=0) < 0.11).all() and ((p < 0.5).mean(axis=0) > 0.35).all()


def test_singleton_clusters_are_people():
    d = people(3)
    d["own"] = np.arange(len(d))
    plain = rows_of(d, covariance="HC2")["statistic"].to_numpy()
    alone = rows_of(d, roles={"cluster": "own"})
    by_hand = alone["statistic"] * (alone["df_denom"] + alone["df_num"] - 1) / alone["df_denom"]
    assert by_hand.to_numpy() == pytest.approx(plain, rel=1e-8)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 100), st.floats(-50, 50))
def test_order_units_and_labels_do_not_matter(seed: int, scale: float, shift: float):
    d = people(seed % 7, 80)
    base = rows_of(d, ["y0", "age"])
    moved = d.assign(y0=shift + scale * d["y0"]).sample(frac=1, random_state=seed)
    turned = d.assign(arm=d["arm"].map({"solo": "peer", "peer": "solo"}))
    for other in (moved, turned):
        assert rows_of(other, ["y0", "age"])["statistic"].to_numpy() == pytest.approx(base["statistic"].to_numpy(), rel=1e-6)


def test_groups_are_counted_in_tests_and_rates():
    d = lossy(4)
    whole = d["group"].isin(["g00", "g01", "g02"])
    d.loc[whole, "y"] = np.nan
    d.loc[whole, "y0"] += 2
    with_groups = tk.selection.attrition(grouped_trial(d), "y", baseline="y0")
    without = tk.selection.attrition(trial(d), "y", baseline="y0")
    assert (with_groups.tests["df_denom"] < 60).all()
    assert with_groups.tests["p_value"].iloc[0] > without.tests["p_value"].iloc[0]
    assert with_groups.rates["std_error"][0] > without.rates["std_error"][0]
    assert "groups_lost" in [n.code for n in with_groups.notes]
    assert "g00" in str(with_groups)
    by = with_groups.by_group.set_index("group")
    assert by.loc["g00", "rate"] == 1 and by["members"].sum() == d["group"].notna().sum()


def test_joint_test_of_people_is_a_chi_square_and_of_groups_an_f():
    assert rows_of(people(5), ["y0", "age"]).query("baseline == 'all'")["distribution"].tolist() == ["chi2", "chi2"]
    grouped = tk.selection.attrition(grouped_trial(lossy(5)), "y", baseline=["y0", "female"]).tests.query("baseline == 'all'")
    assert grouped["distribution"].tolist() == ["F", "F"] and (grouped["df_denom"] < 60).all()
    few = tk.selection.attrition(grouped_trial(lossy(6, groups=3)), "y", baseline=["y0", "female"])
    assert few.tests.query("baseline == 'all'")["p_value"].isna().any() and "test_undefined" in [n.code for n in few.notes]


def test_permutation_matches_the_kolmogorov_distance_and_its_p_value():
    rng = np.random.default_rng(1)
    x, arm = rng.normal(size=60), np.arange(60) % 2
    one, _ = permutation_tests(x=x[:, None], arm=arm, observed=np.ones(60, bool), stratum=None, n_draws=4000, seed=3)
    ks = stats.ks_2samp(x[arm == 1], x[arm == 0], method="exact")
    assert one.statistic == pytest.approx(ks.statistic * np.sqrt(15))
    assert one.p_value == pytest.approx(ks.pvalue, abs=0.03)
    tied = np.round(x)
    again, _ = permutation_tests(x=tied[:, None], arm=arm, observed=np.ones(60, bool), stratum=None, n_draws=10, seed=3)
    assert again.statistic == pytest.approx(stats.ks_2samp(tied[arm == 1], tied[arm == 0]).statistic * np.sqrt(15))


def test_permutation_rows_depend_on_the_seed_alone_and_are_never_zero():
    d = people(7, 400, lost=0.3, selective=0.15)
    rows = [
        rows_of(d, roles={"strata": ["site"]}, n_draws=400, seed=s).query("distribution == 'permutation'")["p_value"].tolist()
        for s in (1, 1, 2)
    ]
    assert rows[0] == rows[1] and rows[0][0] >= 1 / 401
    assert rows[0][0] < 0.05


def test_rates_by_wave_and_trait_add_up():
    d = people(8).assign(w1=lambda x: x["y"], w2=lambda x: x["y"])
    d.loc[:20, "w1"] = np.nan
    d.loc[10:40, "w2"] = np.nan
    r = tk.selection.attrition(trial(d), "w2", waves={1: "w1", 2: "w2"}, traits=["age", "site"])
    waves = r.by_wave.set_index(["wave", "arm"])
    assert waves.loc[2, "lost"].sum() == d["w2"].isna().sum()
    assert waves.loc[2, "returned"].sum() == (d["w1"].isna() & d["w2"].notna()).sum()
    assert waves.loc[1, "never_again"].sum() == (d["w1"].isna() & d["w2"].isna()).sum()
    for _, rows in r.by_trait.groupby("trait"):
        assert rows["lost"].sum() == d["w2"].isna().sum() and rows["randomized"].sum() == len(d)
    assert r.by_trait.query("trait == 'age'")["level"].nunique() == 2


def test_the_published_table_and_the_model_beside_it():
    published = {10: (6.3, 10.9), 20: (5.4, 10.0), 30: (4.1, 8.2), 40: (2.6, 6.0), 0: (5.7, 10.0), 57: (0.0, 2.1)}
    for percent, values in published.items():
        assert [100 * table_boundary(percent / 100, a) for a in TABLE] == pytest.approx(list(values))
    assert np.isnan(table_boundary(0.58, "cautious")) and 100 * table_boundary(0.65, "optimistic") == pytest.approx(0.3)
    assert np.isnan(table_boundary(0.66, "optimistic"))
    assert table_boundary(0.145, "cautious") == table_boundary(0.15, "cautious")
    for assumption, column in TABLE.items():
        assert all(np.diff(column[12:]) <= 0)
        for percent in range(7, len(column)):
            assert 100 * model_boundary(overall=percent / 100, assumption=assumption) == pytest.approx(column[percent], abs=0.15)


@pytest.mark.parametrize(
    ("lost", "verdict"), [((29, 25), ["low", "low"]), ((30, 24), ["high", "low"]), ((40, 20), ["high", "high"])]
)
def test_verdicts_by_the_table(lost: tuple[int, int], verdict: list[str]):
    d = pd.DataFrame({"arm": ["peer"] * 100 + ["solo"] * 100, "y": 1.0})
    d.loc[: lost[0] - 1, "y"] = np.nan
    d.loc[100 : 99 + lost[1], "y"] = np.nan
    table = tk.selection.attrition(trial(d), "y").wwc
    assert table["attrition"].tolist() == verdict  # 27 % lost: 4.5 and 8.8 points; 30 %: 4.1 and 8.2
    assert table["margin"].to_numpy() == pytest.approx(100 * (table["boundary"] - table["differential"].abs()))


def test_a_difference_on_the_boundary_is_low():
    d = pd.DataFrame({"arm": ["peer"] * 1000 + ["solo"] * 1000, "y": 1.0})
    d.loc[:226, "y"] = np.nan  # 22.7 % and 17.3 %: 20 % overall, 5.4 points
    d.loc[1000:1172, "y"] = np.nan
    r = tk.selection.attrition(trial(d), "y")
    assert r.wwc["attrition"].tolist() == ["low", "low"] and r.wwc["margin"][0] == pytest.approx(0, abs=1e-9)
    assert "5.4" in r.verdicts[0]


def test_clusters_are_judged_as_clusters_and_as_people_in_those_that_stayed():
    d = pd.DataFrame({"arm": np.repeat(["peer", "solo"], 50), "school": np.repeat(np.arange(20), 5), "y": np.arange(100.0)})
    d.loc[d["school"] == 0, "y"] = np.nan
    d.loc[60:62, "y"] = np.nan
    table = tk.selection.attrition(trial(d, cluster="school"), "y").wwc.query("assumption == 'cautious'").set_index("level")
    assert table.loc["clusters", ["overall", "differential"]].tolist() == [0.05, 0.1]
    assert table.loc["people", "overall"] == pytest.approx(3 / 95)


def test_three_arms_and_an_arm_without_losses():
    rng = np.random.default_rng(9)
    d = pd.DataFrame({"arm": ["solo", "peer", "coach"] * 60, "y0": rng.normal(size=180), "y": 1.0 * rng.normal(size=180)})
    d.loc[(d["arm"] != "peer") & (rng.random(180) < 0.3), "y"] = np.nan
    r = tk.selection.attrition(trial(d), "y", baseline="y0")
    assert r.tests.set_index("test")["df_num"].to_dict() == {"iv_r": 3.0, "iv_p": 4.0}
    assert r.wwc["contrast"].nunique() == 2 and len(r.rates) == 2
    assert r.bias["cautious"] < 0 and abs(r.bias["cautious"]) > abs(r.bias["optimistic"])


def test_nobody_or_everybody_lost():
    d = people(10).assign(full=1.5)
    none = tk.selection.attrition(trial(d), "full", baseline="y0")
    assert none.overall == 0 and none.tests["df_num"].tolist() == [1, 1] and "Nobody is lost" in str(none)
    gone = tk.selection.attrition(trial(d.assign(full=np.nan)), "full")
    assert gone.overall == 1 and "everyone_lost" in [n.code for n in gone.notes] and np.isnan(gone.bias["cautious"])


def test_json_round_trip_keeps_every_table():
    r = tk.selection.attrition(trial(people(11)), "y", baseline=["y0", "age"], traits="site", waves={1: "y"}, n_draws=20, seed=1)
    back = Result.from_dict(json.loads(json.dumps(r.to_dict(), allow_nan=False)))
    for name in ("tests", "wwc", "rates", "by_wave", "by_trait", "by_group"):
        pd.testing.assert_frame_equal(getattr(back, name), getattr(r, name), check_dtype=False)
    assert str(back) == str(r) and back.bias == r.bias


def test_without_a_baseline_the_table_is_as_the_report_reads_it():
    r = tk.selection.attrition(trial(people(12)), "y")
    assert r.tidy().columns.tolist() == ["arm", "randomized", "lost", "rate", "difference"]
    rows = tk.selection.attrition(trial(people(12)), "y", baseline="y0").tidy()
    assert rows["row"].tolist() == ["arm", "arm", "iv_r", "iv_p"] and rows["lost"].dtype == "Int64"


def test_refusals():
    d = people(13)
    with pytest.raises(ColumnNotFoundError, match="Did you mean 'y0'"):
        rows_of(d, "y00")
    with pytest.raises(UsageError, match="same for everyone"):
        rows_of(d.assign(y0=1.0))
    with pytest.raises(MissingDataError, match="no values at all"):
        rows_of(d.assign(y0=np.nan))
    with pytest.raises(UsageError, match="seed"):
        rows_of(d, n_draws=100)
    with pytest.raises(UsageError, match="strata"):
        rows_of(d, saturated=True)
    with pytest.raises(CombinationError, match="needs groups or clusters"):
        rows_of(d, covariance="CR2")
    with pytest.raises(CombinationError, match="one by one"):
        tk.selection.attrition(grouped_trial(lossy(1)), "y", baseline="y0", n_draws=10, seed=1)
    with pytest.raises(UsageError, match="waves="):
        _ = tk.selection.attrition(trial(d), "y").by_wave
    with pytest.raises(UsageError, match="'cautious' or 'optimistic'"):
        tk.selection.attrition_boundary([0.1], assumption="cautios")
    with pytest.raises(UsageError, match="shares"):
        tk.selection.attrition_boundary([10], assumption="cautious")
    coded = d.assign(y=d["y"].abs().fillna(-99))
    assert "missing_codes" in [n.code for n in tk.selection.attrition(trial(coded), "y").notes]


def test_missing_baselines_and_small_cells_are_said():
    d = people(14, 60)
    d.loc[:3, "y0"] = np.nan
    d["y"] = 1.0
    peers = d.index[d["arm"] == "peer"]
    d.loc[[*peers[-1:], *d.index[(d["arm"] == "solo")][-3:]], "y"] = np.nan
    codes = [n.code for n in tk.selection.attrition(trial(d), "y", baseline="y0").notes]
    assert "baseline_missing" in codes and "small_cells" in codes


@pytest.mark.parametrize("seed", range(3))
def test_nobody_lost_in_the_arm_with_groups(seed):
    """The likelihood of its variance has no maximum then; the standard error is that of the share lost among the controls."""
    d = pd.DataFrame({"arm": ["solo"] * 100 + ["peer"] * 100, "y": 1.0})
    d["group"] = [None] * 100 + [f"g{i // 10}" for i in range(100)]
    d.loc[np.random.default_rng(seed).choice(100, 3, replace=False), "y"] = np.nan
    (row,) = tk.selection.attrition(tk.Trial(d, arm="arm", control="solo", group="group"), "y").rates.to_dict("records")
    assert (row["estimate"], row["std_error"]) == pytest.approx((-0.03, np.sqrt(0.03 * 0.97 / 99)))
    assert row["df"] == 9


def test_categorical_outcomes_are_counted_and_small_joint_tests_warned_of():
    d = people(16, 60)
    d["level"] = pd.Categorical(np.where(d["y"].isna(), None, np.where(d["y"] > 0, "high", "low")), ["low", "high"], ordered=True)
    r = tk.selection.attrition(trial(d), "level", baseline=["y0", "age"], waves={1: "level"})
    assert r.overall == d["y"].isna().mean() and "few_in_a_cell" in [n.code for n in r.notes]
    weighted = tk.selection.attrition(trial(d.assign(w=1.0), weights="w"), "y", baseline="y0")
    assert {"tests_unweighted", "losses_unweighted"} <= {n.code for n in weighted.notes}


def test_figures():
    r = tk.selection.attrition(trial(people(15)), "y", traits="site", waves={1: "y"})
    for by in ("arm", "wave", "trait"):
        ax = tk.plot.attrition(r, by=by)
        assert ax.get_xlim()[0] == 0 and len(ax.lines) >= 4
    grouped = tk.selection.attrition(grouped_trial(lossy(2)), "y")
    assert len(tk.plot.attrition(grouped, by="group").lines) == 20
    ax = tk.plot.attrition_boundary(r)
    assert ax.lines[-1].get_xdata()[0] == pytest.approx(100 * r.overall)
    with pytest.raises(UsageError, match="waves="):
        tk.plot.attrition(grouped, by="wave")
