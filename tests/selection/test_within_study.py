"""Within-study comparison: NSW with CPS, parts that add up, populations with known parts, kernels against their definitions."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from trialkit.errors import ColumnNotFoundError, MissingDataError, NotIdentifiedError, UsageError, ValueTypeError
from trialkit.inference.confounding.matching import nearest_neighbour
from trialkit.inference.confounding.membership import membership
from trialkit.inference.outcomes.glm import glm
from trialkit.results import Result

MALE = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]
PARTS = ("support", "covariates", "residual")


def trial_and_outsiders(seed: int = 1, n: int = 300, residual: float = 0.5, shift: float = 0.7) -> tuple[tk.Trial, pd.DataFrame]:
    """Outsiders have x lower by `shift` and, at the same x, outcomes higher by `residual`."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(shift, 1, n), rng.normal(0, 1, 2 * n)
    arm = rng.permutation(np.repeat(["solo", "peer"], n // 2))
    inside = pd.DataFrame({"arm": arm, "x": x, "y": 2 * x + (arm == "peer") + rng.normal(size=n)})
    outside = pd.DataFrame({"x": z, "y": 2 * z + residual + rng.normal(size=2 * n)})
    return tk.Trial(inside, arm="arm", control="solo"), outside


def compare(trial: tk.Trial, outside: pd.DataFrame, **options):
    return tk.selection.within_study(
        trial, "y", **({"comparison": outside, "covariates": ["x"], "seed": 1, "n_draws": 40} | options)
    )


def test_nsw_with_cps():
    """Dehejia-Wahba men against the CPS: the experimental 1794.342 (670.997), a naive -8497.52, and regression 699.13 as in Dehejia & Wahba (1999)."""
    causaldata = pytest.importorskip("causaldata")
    men, cps = (getattr(causaldata, n).load_pandas().data for n in ("nsw_mixtape", "cps_mixtape"))
    trial = tk.Trial(men, arm="treat", control=0)
    own = tk.itt(trial, "re78", estimator="difference_in_means").estimates[0]
    assert (own.estimate, own.std_error) == (pytest.approx(1794.342, abs=5e-4), pytest.approx(670.997, abs=5e-4))
    found = tk.selection.within_study(trial, "re78", comparison=cps, covariates=MALE, seed=3, n_draws=100)
    assert found.part("experimental").estimate == pytest.approx(own.estimate)
    assert found.part("experimental").std_error == pytest.approx(own.std_error, rel=0.25)
    assert found.part("naive").estimate == pytest.approx(-8497.52, abs=0.01)
    assert found.part("bias").estimate == pytest.approx(men.loc[men["treat"] == 0, "re78"].mean() - cps["re78"].mean())
    assert sum(found.part(p).estimate for p in PARTS) == pytest.approx(found.part("bias").estimate)
    table = found.alternatives().set_index("method")
    assert table.loc["regression", "estimate"] == pytest.approx(699.13, abs=0.01)
    # covariates explain nearly all of a bias of ten thousand dollars
    assert abs(found.part("residual").estimate) < 0.1 * abs(found.part("bias").estimate)
    assert np.isfinite(table["estimate"]).all() and np.isnan(table.loc["matching", "bias_std_error"])


def test_known_parts_are_found():
    """Support is whole; covariates are worth 2 * .7 and the residual -.5, and every method is off by .5 at the most but the naive one."""
    trial, outside = trial_and_outsiders(n=4000)
    found = compare(trial, outside, n_draws=20)
    assert found.part("covariates").estimate == pytest.approx(1.4, abs=0.15)
    assert found.part("residual").estimate == pytest.approx(-0.5, abs=0.08)
    assert found.part("support").estimate == pytest.approx(0, abs=0.05)
    bias = found.alternatives().set_index("method")["bias"]
    assert bias["naive"] == pytest.approx(0.9, abs=0.15)
    for method in ("regression", "matching", "weighting", "entropy_balancing", "doubly_robust"):
        assert bias[method] == pytest.approx(-0.5, abs=0.15)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.floats(0.1, 10), shift=st.floats(-50, 50))
def test_a_constant_moves_no_part_and_order_does_not_matter(seed, scale, shift):
    trial, outside = trial_and_outsiders(seed, n=80)
    one = compare(trial, outside, n_draws=2)
    other = trial.data.sample(frac=1, random_state=seed).assign(y=lambda d: shift + scale * d["y"], x=lambda d: 5 * d["x"] + 1)
    moved = outside.sample(frac=1, random_state=seed).assign(y=lambda d: shift + scale * d["y"], x=lambda d: 5 * d["x"] + 1)
    two = compare(tk.Trial(other, arm="arm", control="solo"), moved, n_draws=2)
    for a, b in zip(one.estimates, two.estimates):
        assert b.estimate == pytest.approx(scale * a.estimate, rel=1e-6, abs=1e-6 * scale)
    first, second = (r.alternatives()["estimate"].to_numpy(dtype=float) for r in (one, two))
    assert second == pytest.approx(scale * first, rel=1e-5, abs=1e-5 * scale)


def test_groups_widen_the_error_of_what_they_are_in():
    d = grouped_data(3, groups=12, icc=0.5)
    rng = np.random.default_rng(1)
    outside = pd.DataFrame({"y0": rng.normal(size=300), "y": rng.normal(size=300)})
    options = {"comparison": outside, "covariates": ["y0"], "seed": 1, "n_draws": 150}
    grouped = tk.selection.within_study(grouped_trial(d), "y", **options)
    alone = tk.selection.within_study(tk.Trial(d, arm="arm", control="solo"), "y", **options)
    assert grouped.part("naive").std_error > 1.3 * alone.part("naive").std_error
    assert grouped.part("bias").std_error == pytest.approx(alone.part("bias").std_error, rel=0.3)
    assert grouped.part("naive").df == 11
    single = d.assign(group=np.where(d["arm"] == "peer", "s" + d["id"].astype(str), None))
    people = tk.Trial(single, arm="arm", control="solo", group="group", grouped_arms=["peer"], ungrouped="singleton")
    same = tk.selection.within_study(people, "y", **options)
    assert same.part("naive").std_error == pytest.approx(alone.part("naive").std_error, rel=0.2)


def test_strata_count_as_in_the_trial_and_weight_zero_is_not_there():
    trial, outside = trial_and_outsiders(n=200)
    d = trial.data.assign(site=np.where(np.arange(200) < 80, "a", "b"))
    d = d[~((d["site"] == "a") & (d["arm"] == "peer") & (d.index % 3 == 0))].reset_index(drop=True)
    blocked = tk.Trial(d, arm="arm", control="solo", strata=["site"])
    found = compare(blocked, outside, n_draws=5)
    own = tk.itt(blocked, "y", estimator="difference_in_means")
    assert found.part("experimental").estimate == pytest.approx(own.estimates[0].estimate)
    extra = pd.concat([trial.data.assign(w=1.0), trial.data.head(9).assign(w=0.0, y=99.0)], ignore_index=True)
    weighted = compare(tk.Trial(extra, arm="arm", control="solo", weights="w"), outside, n_draws=5)
    assert weighted.part("residual").estimate == pytest.approx(compare(trial, outside, n_draws=5).part("residual").estimate)


def test_missing_values_and_the_seed():
    trial, outside = trial_and_outsiders()
    d = trial.data.assign(town=np.resize(["u", "v", None], 300))
    d.loc[::11, "x"] = np.nan
    d.loc[5, "y"] = np.nan
    outside = outside.assign(town=np.resize(["v", "u", "w"], len(outside)))
    outside.loc[::17, "x"] = np.nan
    made = tk.Trial(d, arm="arm", control="solo")
    found = compare(made, outside, covariates=["x", "town"])
    again = compare(made, outside, covariates=["x", "town"])
    assert found.to_dict() == again.to_dict()
    assert found.to_dict() != compare(made, outside, covariates=["x", "town"], seed=2).to_dict()
    assert "outcome_missing" in [n.code for n in found.notes]
    back = Result.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert str(back) == str(found) and type(back) is type(found)


def test_membership_is_the_logistic_regression():
    rng = np.random.default_rng(1)
    X = np.column_stack([np.ones(200), rng.normal(size=(200, 2))])
    member, weights = rng.random(200) < 0.4, rng.random(200) + 0.5
    own = membership(X=X, member=member, weights=weights)
    assert own.coef == pytest.approx(glm(y=member.astype(float), X=X, family="logistic", weights=weights).coef, abs=1e-7)
    assert not membership(X=X, member=X[:, 1] > 0, weights=weights).converged


def test_matching_by_hand():
    """Scores 0 and 1 treated; untreated at -1 and 1 (a tie for the first), two at 2: used 1/2 and 3/2."""
    y = np.array([5.0, 7.0, 1.0, 3.0, 10.0, 12.0])
    score = np.array([0.0, 1.0, -1.0, 1.0, 2.0, 2.0])
    treated = np.array([1, 1, 0, 0, 0, 0], dtype=bool)
    found = nearest_neighbour(y=y, score=score, treated=treated, unit=np.arange(6))
    assert found.estimate == pytest.approx(((5 - 2) + (7 - 3)) / 2)
    assert found.used.tolist() == [0.5, 1.5, 0, 0]
    # residuals -.5 and .5 of two units; the untreated at 1 has the two at 2 as its nearest: s2 = 2/3 (3 - 11)^2
    variance = 2 * 0.5 + 1.5 * 0.5 * (2 / 3) * 64
    assert found.std_error == pytest.approx(np.sqrt(variance) / 2)


def test_refusals():
    trial, outside = trial_and_outsiders(n=60)
    with pytest.raises(ColumnNotFoundError, match="no column 'x'"):
        compare(trial, outside.rename(columns={"x": "xx"}).assign(x1=1), covariates=["x"])
    with pytest.raises(UsageError, match=r"covariates=\['x'\]"):
        compare(trial, outside, covariates="x")
    with pytest.raises(UsageError, match="covariates is empty"):
        compare(trial, outside, covariates=[])
    with pytest.raises(NotIdentifiedError, match="in common"):
        compare(trial, outside.assign(x=outside["x"] + 100))
    with pytest.raises(MissingDataError, match="outsiders"):
        compare(trial, outside.assign(y=np.nan))
    with pytest.raises(ValueTypeError, match="text"):
        compare(trial, outside.assign(y="a"))
    with pytest.raises(UsageError, match="seed"):
        compare(trial, outside, seed=None)
    three = trial.data.assign(arm=np.resize(["a", "b", "c"], 60))
    with pytest.raises(UsageError, match="two arms"):
        compare(tk.Trial(three, arm="arm", control="a"), outside)
