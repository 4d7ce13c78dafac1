"""Strata with one cluster of an arm, arms interacted with strata: the cluster's own variance is not seen and is borrowed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk

TREATED, CONTROL, SIZE = (1, 2, 3), (3, 2, 2), 5


def cluster_trial(seed: int = 3, **roles) -> tk.Trial:
    rng = np.random.default_rng(seed)
    cells = [(1, j, k) for j, k in enumerate(TREATED)] + [(0, j, k) for j, k in enumerate(CONTROL)]
    arm = np.concatenate([np.repeat(a, k) for a, _, k in cells])
    site = np.concatenate([np.repeat(j, k) for _, j, k in cells])
    cluster = np.repeat(np.arange(len(arm)), SIZE)
    y = rng.normal(size=len(cluster)) + rng.normal(size=len(arm))[cluster]
    data = pd.DataFrame({"arm": arm[cluster], "site": site[cluster], "cluster": cluster, "y": y})
    return tk.Trial(data, arm="arm", control=0, cluster="cluster", strata=["site"], **roles)


def by_hand(trial: tk.Trial) -> tuple[float, float]:
    """The difference averaged over strata, and its standard error with the pooled variance in cells of one cluster."""
    means = trial.data.groupby(["site", "arm", "cluster"])["y"].mean()
    cells = means.groupby(["site", "arm"])
    pooled = ((means - cells.transform("mean")) ** 2).sum() / (len(means) - cells.ngroups)
    share = trial.data.groupby("site").size() / len(trial.data)
    estimate = variance = 0.0
    for (site, arm), values in cells:
        own = values.var(ddof=1) if len(values) > 1 else pooled
        estimate += share[site] * values.mean() * (1 if arm == 1 else -1)
        variance += share[site] ** 2 * own / len(values)
    return float(estimate), float(np.sqrt(variance))


@pytest.mark.parametrize("estimator", ["ancova", "lin"])
def test_the_missing_variance_is_that_of_the_other_cells(estimator):
    trial = cluster_trial()
    result = tk.itt(trial, "y", estimator=estimator, strata_effects="interacted")
    e = result.estimates[0]
    assert (e.estimate, e.std_error) == pytest.approx(by_hand(trial), abs=1e-8)
    assert 1 < e.df < len(TREATED) * 2 + 7
    assert "group_variance_borrowed" in [n.code for n in result.notes]


def test_clubsandwichs_numbers_stay_on_request_and_are_called_too_small():
    trial = cluster_trial()
    ours = tk.itt(trial, "y", strata_effects="interacted").estimates[0]
    plain = tk.itt(trial, "y", strata_effects="interacted", df="independence")
    assert plain.estimates[0].std_error < 0.9 * ours.std_error
    assert "full_leverage" in [n.code for n in plain.notes]


def test_additive_strata_have_nothing_to_borrow():
    trial = cluster_trial()
    result = tk.itt(trial, "y", strata_effects="additive")
    model, vector = result.evidence.model, result.evidence.vectors[0]
    plain = float(np.sqrt(vector[model.fit.kept] @ model.cov.matrix @ vector[model.fit.kept]))
    assert result.estimates[0].std_error == pytest.approx(plain, abs=1e-12)


def test_the_complier_effect_borrows_as_its_reduced_form_does():
    trial = cluster_trial()
    came = trial.data["arm"] * (np.arange(len(trial.data)) % 3 > 0)
    trial = tk.Trial(trial.data.assign(came=came), arm="arm", control=0, cluster="cluster", strata=["site"])
    itt = tk.itt(trial, "y", strata_effects="interacted").estimates[0]
    found = tk.cace(trial, "y", uptake="came", strata_effects="interacted")
    assert found.anderson_rubin.p_value == pytest.approx(itt.p_value, abs=1e-9)
    assert found.estimates[0].estimate == pytest.approx(itt.estimate / found.first_stage["estimate"], abs=1e-9)


def test_a_count_of_clusters_that_overstates_the_df_is_said():
    rng = np.random.default_rng(1)
    sizes = np.repeat([3, 30], 5)
    cluster = np.repeat(np.arange(10), sizes)
    arm, site = np.array([1, 1, 1, 0, 0] * 2), np.repeat([0, 1], 5)
    data = pd.DataFrame({"arm": arm[cluster], "site": site[cluster], "cluster": cluster, "y": rng.normal(size=len(cluster))})
    uneven = tk.itt(
        tk.Trial(data, arm="arm", control=0, cluster="cluster", strata=["site"]), "y", estimator="difference_in_means"
    )
    assert uneven.estimates[0].df == 6
    assert "df_by_count" in [n.code for n in uneven.notes]
    asked = tk.itt(
        tk.Trial(data, arm="arm", control=0, cluster="cluster", strata=["site"]), "y", estimator="difference_in_means",
        df="independence",
    ).estimates[0]  # fmt: skip
    assert asked.std_error == pytest.approx(uneven.estimates[0].std_error, rel=1e-9)
    assert asked.df < 0.8 * 6
    even = data.assign(cluster=np.arange(len(data)) % 12, site=np.arange(len(data)) % 12 // 6, arm=np.arange(len(data)) % 2)
    fine = tk.itt(tk.Trial(even, arm="arm", control=0, cluster="cluster", strata=["site"]), "y", estimator="difference_in_means")
    assert "df_by_count" not in [n.code for n in fine.notes]
