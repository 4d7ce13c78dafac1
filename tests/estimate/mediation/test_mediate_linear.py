from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.estimate.mediation.core_trials import effects, grouped, people, trial
from trialkit.inference.draws.group_bootstrap import bootstrap_weights, resampling_cells
from trialkit.inference.mediation.cross_products import linear_paths
from trialkit.inference.mediation.draws import acceleration, bca_levels, bias_correction, sign_p, t_draws
from trialkit.inference.mediation.effects import EFFECTS, effects_of_means, linear_means

ADJUST = ["m0", "y0"]


def by_hand(y, m, t, X, w, interaction):
    """Both weighted regressions by lstsq, and the effects at the means of X."""
    root = np.sqrt(w)[:, None]
    base = np.column_stack([np.ones(len(y)), t, X])
    alpha = np.linalg.lstsq(base * root, m * root[:, 0], rcond=None)[0]
    full = np.column_stack([base, m, t * m] if interaction else [base, m])
    beta = np.linalg.lstsq(full * root, y * root[:, 0], rcond=None)[0]
    k = base.shape[1]
    m0 = alpha[0] + np.average(X, axis=0, weights=w) @ alpha[2:]
    b0 = beta[k]
    b1 = b0 + (beta[k + 1] if interaction else 0.0)
    acme = alpha[1] * b0, alpha[1] * b1
    ade = beta[1] + (b1 - b0) * m0, beta[1] + (b1 - b0) * (m0 + alpha[1])
    return [*acme, sum(acme) / 2, *ade, sum(ade) / 2, acme[1] + ade[0], sum(acme) / 2 / (acme[1] + ade[0])]


@pytest.mark.parametrize("interaction", [True, False])
def test_bootstrap_draws_are_refits_of_both_models_on_the_same_groups(interaction):
    s = grouped(people(3, groups=9))
    r = tk.mediate(
        s, "y1", mediator="m1", adjust=ADJUST, interaction=interaction, inference="group_bootstrap", n_draws=60, seed=5
    )
    e = r.evidence
    code, cell = resampling_cells(arm=e.sample.arm, stratum=None, unit=e.unit)
    weights = np.concatenate(list(bootstrap_weights(cell=cell, n_draws=60, seed=5, people=len(code))))
    for draw, w in zip(e.draws, weights[:, code], strict=True):
        kept = w > 0
        by = by_hand(e.y[kept], e.m[kept], e.t[kept], e.X[kept], w[kept], interaction)
        assert draw[:-1] == pytest.approx(by[:-1], abs=1e-9)
    assert [x.estimate for x in r.estimates] == pytest.approx(
        by_hand(e.y, e.m, e.t, e.X, np.ones(len(e.y)), interaction), abs=1e-10
    )
    low, high = np.quantile(e.draws[:, 2], [0.025, 0.975])
    assert (r.effect("acme").conf_low, r.effect("acme").conf_high) == pytest.approx((low, high), abs=1e-12)


def test_a_draw_without_a_category_keeps_its_paths():
    d = people(8, n=40)
    X = np.column_stack([d.m0, np.arange(40) == 7])
    t = (d.arm == "peer").to_numpy(float)
    paths = linear_paths(y=d.y1.to_numpy(), m=d.m1.to_numpy(), t=t, X=X, unit=np.arange(40), interaction=True)
    w = np.ones(40)
    w[7] = 0
    found = effects_of_means(linear_means(paths.draw(w[None, :])))[0]
    kept = w > 0
    assert found == pytest.approx(by_hand(d.y1[kept], d.m1[kept], t[kept], X[kept][:, :1], w[kept], True), abs=1e-8)


def test_effects_add_up():
    means = np.random.default_rng(0).uniform(0.1, 0.9, size=(50, 4))
    for scale in ("difference", "log", "logit"):
        e = dict(zip(EFFECTS, effects_of_means(means, scale).T, strict=True))
        assert e["total"] == pytest.approx(e["acme_treated"] + e["ade_control"])
        assert e["total"] == pytest.approx(e["acme_control"] + e["ade_treated"])
        assert e["total"] == pytest.approx(e["acme"] + e["ade"])
    assert np.isnan(effects_of_means(np.zeros((1, 4)))[0, -1])


def test_delta_is_sobel_with_classical_covariances():
    r = tk.mediate(
        trial(people(1)), "y1", mediator="m1", adjust=ADJUST, interaction=False, inference="delta", covariance="classical"
    )
    a, b = r.paths.loc["a"], r.paths.loc["b"]
    sobel = np.sqrt((a.estimate * b.std_error) ** 2 + (b.estimate * a.std_error) ** 2)
    assert r.effect("acme").std_error == pytest.approx(sobel, rel=1e-8)


def test_monte_carlo_spreads_like_the_delta_method_but_with_the_tails_of_few_groups():
    s = grouped(people(3, n=400, groups=8))
    drawn = tk.mediate(s, "y1", mediator="m1", adjust=ADJUST, inference="monte_carlo", n_draws=20_000, seed=2)
    delta = tk.mediate(s, "y1", mediator="m1", adjust=ADJUST, inference="delta")
    assert delta.effect("ade_control").df < 40
    assert drawn.effect("ade").std_error == pytest.approx(delta.effect("ade").std_error, rel=0.15)
    assert drawn.effect("ade").std_error > delta.effect("ade").std_error


def test_the_covariance_across_models_is_that_of_the_groups():
    d = people(9, n=400, groups=20)
    lift = d.group.map(dict(zip(d.group.dropna().unique(), np.random.default_rng(1).normal(size=20), strict=True))).fillna(0.0)
    e = tk.mediate(
        grouped(d.assign(m1=d.m1 + lift, y1=d.y1 + lift)), "y1", mediator="m1", adjust=ADJUST, inference="delta"
    ).evidence
    k = len(e.mediator_model.coef)
    assert e.joint_vcov[:k, :k] == pytest.approx(e.mediator_vcov)
    assert e.joint_vcov[k:, k:] == pytest.approx(e.outcome_vcov)
    assert e.joint_vcov[:k, k:] == pytest.approx(e.mediator_model.contributions.T @ e.outcome_model.contributions)
    assert e.mediator_model.contributions.shape == (220, k)
    assert (np.linalg.eigvalsh(e.joint_vcov) > -1e-12).all()
    apart = tk.mediate(grouped(d), "y1", mediator="m1", adjust=ADJUST, inference="delta", covariance="classical").evidence
    assert not apart.joint_vcov[:k, k:].any()
    assert e.mediator_residuals == pytest.approx(e.m - e.mediator_model.design @ e.mediator_model.coef)
    assert e.outcome_residuals == pytest.approx(e.y - e.outcome_model.design @ e.outcome_model.coef)
    assert e.outcome_model.names[-2:] == ("m1", "arm peer x m1")


def test_t_draws_have_the_covariance_and_the_tails():
    from scipy import stats

    cov = np.array([[1.0, 0.6, 0.0], [0.6, 4.0, -0.5], [0.0, -0.5, 0.25]])
    draws = t_draws(estimate=np.array([1.0, -2.0, 0.0]), cov=cov, df=np.array([np.inf, 5.0, 200.0]), n_draws=200_000, seed=1)
    assert draws.mean(axis=0) == pytest.approx([1, -2, 0], abs=0.02)
    assert np.corrcoef(draws.T)[0, 1] == pytest.approx(0.3, abs=0.02)
    assert np.quantile(draws[:, 1], [0.025, 0.975]) == pytest.approx(-2 + 2 * stats.t(5).ppf([0.025, 0.975]), abs=0.08)
    assert draws[:, 0].std() == pytest.approx(1, abs=0.01)
    assert (t_draws(estimate=np.zeros(1), cov=np.eye(1), df=np.array([3.0]), n_draws=5, seed=1) == t_draws(
        estimate=np.zeros(1), cov=np.eye(1), df=np.array([3.0]), n_draws=5, seed=1)).all()  # fmt: skip


def test_bca_is_scipys_for_one_sample():
    from scipy import stats

    x = np.random.default_rng(4).exponential(size=30)
    ours = stats.bootstrap((x,), np.mean, method="BCa", n_resamples=4000, random_state=1)
    draws = ours.bootstrap_distribution[:, None]
    left_out = np.array([[np.delete(x, i).mean()] for i in range(30)])
    a = acceleration(left_out=left_out, cell=np.zeros(30, dtype=int))
    z0 = bias_correction(estimate=np.array([x.mean()]), draws=draws)
    levels = bca_levels(float(z0[0]), float(a[0]), np.array([0.025, 0.975]))
    low, high = np.quantile(draws[:, 0], levels)
    assert (low, high) == pytest.approx((ours.confidence_interval.low, ours.confidence_interval.high), rel=2e-3)


def test_p_values_are_never_zero():
    assert sign_p(np.ones(99)) == pytest.approx(2 / 100)
    assert sign_p(np.array([1.0, -1.0])) == 1.0
    r = tk.mediate(trial(people(2, n=600)), "y1", mediator="m1", adjust=ADJUST, n_draws=100, seed=1)
    assert min(e.p_value for e in r.estimates) == pytest.approx(2 / 101)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.floats(-50, 50), st.floats(0.01, 40), st.floats(-50, 50), st.floats(0.01, 40))
def test_units_and_origins(seed, shift_y, scale_y, shift_m, scale_m):
    d = people(seed, groups=6)
    moved = d.assign(y1=shift_y + scale_y * d.y1, m1=shift_m + scale_m * d.m1)
    for kw in ({"inference": "group_bootstrap"}, {"inference": "monte_carlo"}, {"inference": "delta"}):
        one = tk.mediate(grouped(d), "y1", mediator="m1", adjust=ADJUST, n_draws=40, seed=3, **kw)
        two = tk.mediate(grouped(moved), "y1", mediator="m1", adjust=ADJUST, n_draws=40, seed=3, **kw)
        for a, b in zip(one.estimates[:-1], two.estimates[:-1], strict=True):
            assert (b.estimate, b.std_error) == pytest.approx((scale_y * a.estimate, scale_y * a.std_error), rel=1e-4, abs=1e-7)
            assert (b.conf_low, b.conf_high) == pytest.approx((scale_y * a.conf_low, scale_y * a.conf_high), rel=1e-4, abs=1e-7)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_rows_labels_and_sides(seed):
    d = people(seed, groups=6)
    base = tk.mediate(grouped(d), "y1", mediator="m1", adjust=ADJUST, inference="delta")
    mixed = d.sample(frac=1, random_state=seed)
    again = tk.mediate(grouped(mixed), "y1", mediator="m1", adjust=ADJUST, inference="delta")
    for a, b in zip(base.estimates, again.estimates, strict=True):
        assert (a.estimate, a.std_error, a.df) == pytest.approx((b.estimate, b.std_error, b.df), rel=1e-6)
    plain = d.drop(columns="group")
    here, there = (
        tk.mediate(trial(plain, control=c), "y1", mediator="m1", adjust=ADJUST, inference="delta") for c in ("solo", "peer")
    )
    assert effects(here)["acme_control"] == pytest.approx(-effects(there)["acme_treated"], abs=1e-10)
    assert effects(here)["ade_treated"] == pytest.approx(-effects(there)["ade_control"], abs=1e-10)
    assert effects(here)["total"] == pytest.approx(-effects(there)["total"], abs=1e-10)


def test_weight_zero_is_a_row_that_is_not_there_and_weights_count():
    d = people(5)
    d["w"] = 1.0 + (np.arange(len(d)) % 3)
    d.loc[d.index[:7], "w"] = 0
    with_zero = tk.mediate(trial(d, weights="w"), "y1", mediator="m1", adjust=ADJUST, inference="delta")
    without = tk.mediate(trial(d[d.w > 0], weights="w"), "y1", mediator="m1", adjust=ADJUST, inference="delta")
    assert effects(with_zero) == pytest.approx(effects(without), rel=1e-12)
    e = without.evidence
    assert list(effects(without).values()) == pytest.approx(by_hand(e.y, e.m, e.t, e.X, e.weights, True), abs=1e-9)


def test_people_alone_are_what_groups_of_one_are():
    d = people(6)
    lone = d.assign(group=[f"p{i}" if a == "peer" else None for i, a in enumerate(d.arm)])
    lone.loc[lone.index[lone.arm == "peer"][:2], "group"] = "pair"
    a = tk.mediate(trial(d), "y1", mediator="m1", adjust=ADJUST, n_draws=200, seed=1, inference="group_bootstrap")
    b = tk.mediate(
        grouped(lone, ungrouped="singleton"), "y1", mediator="m1", adjust=ADJUST, n_draws=200, seed=1, inference="group_bootstrap"
    )
    assert effects(a) == pytest.approx(effects(b), abs=1e-12)
    assert b.effect("total").n_groups == 1
    assert a.effect("total").std_error == pytest.approx(b.effect("total").std_error, rel=0.3)


def test_strata_enter_both_models_and_bound_the_resampling():
    d = people(7, n=150)
    r = tk.mediate(trial(d, strata=["site"]), "y1", mediator="m1", adjust=ADJUST, n_draws=100, seed=1)
    dummies = np.column_stack([d.site == "1", d.site == "2", d.m0, d.y0]).astype(float)
    hand = by_hand(d.y1.to_numpy(), d.m1.to_numpy(), (d.arm == "peer").to_numpy(float), dummies, np.ones(len(d)), True)
    assert [e.estimate for e in r.estimates] == pytest.approx(hand, abs=1e-9)


def test_the_slope_within_groups_stands_beside_the_pooled_one():
    rng = np.random.default_rng(0)
    d = people(9, n=400, groups=20)
    both = dict(zip(d.group.dropna().unique(), 2 * rng.normal(size=20), strict=True))
    lift = d.group.map(both).fillna(0.0)
    d["m1"], d["y1"] = d.m1 + lift, d.y1 + lift
    r = tk.mediate(grouped(d), "y1", mediator="m1", adjust=ADJUST, inference="delta")
    slopes = r.group_slopes.set_index("slope").estimate
    assert slopes["within groups"] < slopes["pooled"] < slopes["between groups"]
    assert slopes["pooled"] == pytest.approx(r.paths.loc["b_treated", "estimate"], rel=1e-8)
    members = d[d.arm == "peer"]
    centred = np.column_stack([members.m1 - members.groupby("group").m1.transform("mean")])
    assert slopes["within groups"] == pytest.approx(
        np.linalg.lstsq(np.column_stack([np.ones(200), members[ADJUST], centred]), members.y1, rcond=None)[0][-1], abs=0.08
    )
    assert "group_is_a_cause" in {n.code for n in r.notes}


def test_the_rule_of_inference_and_what_is_said():
    few = tk.mediate(grouped(people(3, groups=9)), "y1", mediator="m1", n_draws=50, seed=1)
    assert few.details["inference"] == "monte_carlo"
    assert {"inference_chosen", "baseline_not_adjusted", "few_groups"} <= {n.code for n in few.notes}
    assert "9 groups" in next(n.text for n in few.notes if n.code == "inference_chosen")
    many = tk.mediate(trial(people(3)), "y1", mediator="m1", adjust=["m0", "y0"], n_draws=50, seed=1)
    assert many.details["inference"] == "group_bootstrap"
    assert "baseline_not_adjusted" not in {n.code for n in many.notes}
    named = tk.mediate(trial(people(3)), "y1", mediator="m1", mediator_baseline="m0", outcome_baseline="y0", n_draws=50, seed=1)
    assert effects(named) == pytest.approx(effects(many))
    forced = tk.mediate(grouped(people(3, groups=9)), "y1", mediator="m1", inference="group_bootstrap", n_draws=50, seed=1)
    assert "few_units_bootstrap" in {n.code for n in forced.notes}


def test_bca_of_groups_and_the_same_seed():
    s = grouped(people(3, groups=9))
    one, two = (
        tk.mediate(s, "y1", mediator="m1", adjust=ADJUST, inference="group_bootstrap", interval="bca", n_draws=400, seed=9)
        for _ in "ab"
    )
    assert one.tidy().equals(two.tidy())
    percentile = tk.mediate(s, "y1", mediator="m1", adjust=ADJUST, inference="group_bootstrap", n_draws=400, seed=9)
    e = one.effect("acme")
    assert e.conf_low < e.estimate < e.conf_high
    assert e.conf_low != percentile.effect("acme").conf_low


def test_clusters_may_have_a_mediator_of_their_own():
    d = people(4, n=240)
    d["cluster"] = np.where(d.arm == "peer", "p", "s") + (np.arange(240) // 2 % 12).astype(str)
    d["norm"] = d.groupby("cluster").m1.transform("mean")
    r = tk.mediate(tk.Trial(d, arm="arm", control="solo", cluster="cluster"), "y1", mediator="norm", n_draws=100, seed=1)
    assert r.effect("acme").n_clusters == 24
    assert r.details["inference"] == "monte_carlo"


def test_one_of_several_arms():
    d = people(2, n=150)
    d.loc[d.index[::3], "arm"] = "coach"
    with pytest.raises(tk.errors.ArmError, match="arm='coach'"):
        tk.mediate(trial(d), "y1", mediator="m1", seed=1)
    r = tk.mediate(trial(d), "y1", mediator="m1", adjust=ADJUST, arm="peer", inference="delta")
    alone = tk.mediate(trial(d[d.arm != "coach"]), "y1", mediator="m1", adjust=ADJUST, inference="delta")
    assert effects(r) == pytest.approx(effects(alone), rel=1e-10)
    assert r.effect("acme").contrast == "peer - solo"
    assert "arms_left_out" in {n.code for n in r.notes}


def test_a_stored_result_reads_back():
    r = tk.mediate(trial(people(2)), "y1", mediator="m1", n_draws=50, seed=1)
    back = tk.Result.from_dict(r.to_dict())
    assert type(back) is type(r)
    assert back.tidy().equals(r.tidy())
    assert back.paths.loc["a", "estimate"] == r.paths.loc["a", "estimate"]
    with pytest.raises(tk.errors.UsageError, match="read from a file"):
        back.needed()
    with pytest.raises(tk.errors.UsageError, match="Did you mean 'acme'"):
        r.effect("acmee")
