from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

import trialkit as tk
from tests.estimate.mediation.core_trials import effects, grouped, people, trial
from trialkit.estimate.mediation.fits import Models, fitted
from trialkit.inference.mediation.effects import effects_of_means
from trialkit.inference.mediation.nested_means import MediatorLaw, OutcomeLaw, nested_means, normal_nodes
from trialkit.inference.mediation.ordered_scores import ordered_influence
from trialkit.inference.mediation.weighted_fits import weighted_fits
from trialkit.inference.outcomes.glm import glm
from trialkit.inference.outcomes.proportional_odds import cumulative_logit

ADJUST = ["m0", "y0"]


def test_the_nodes_give_the_integral_of_a_normal_mediator():
    X = np.array([[0.3], [-1.0]])
    law_m, law_y = MediatorLaw("linear", X, 0.5), OutcomeLaw("logit", X, True)
    theta_m, theta_y, sigma = np.array([[0.2, 0.7, 0.4]]), np.array([[-0.3, 0.5, 0.2, 1.1, -0.4]]), np.array([1.3])
    found = nested_means(
        mediator=law_m, outcome=law_y, theta_m=theta_m, sigma=sigma, theta_y=theta_y, weights=np.array([1.0, 3.0])
    )[0]

    def mean(t, s, x):
        mu = 0.2 + 0.7 * s + 0.4 * x
        eta = lambda m: -0.3 + 0.5 * t + 0.2 * x + (1.1 - 0.4 * t) * (m - 0.5)  # noqa: E731
        return integrate.quad(lambda m: special.expit(eta(m)) * stats.norm.pdf(m, mu, 1.3), -15, 15, epsabs=1e-12)[0]

    by = [0.25 * mean(t, s, 0.3) + 0.75 * mean(t, s, -1.0) for t in (0, 1) for s in (0, 1)]
    assert found == pytest.approx(by, abs=2e-7)


@pytest.mark.parametrize("steepness", [0.1, 0.8, 0.9, 1.5, 4.0, 12.0])
def test_nodes_are_as_many_as_the_slope_needs(steepness):
    nodes, shares = normal_nodes(steepness)
    for a in (0.0, 0.7, 3.0):
        exact = integrate.quad(
            lambda z, a=a: special.expit(a + steepness * z) * stats.norm.pdf(z), -12, 12, epsabs=1e-13, limit=500
        )[0]
        assert shares @ special.expit(a + steepness * nodes) == pytest.approx(exact, abs=2e-7)
    nodes, shares = normal_nodes(2 * steepness)
    exact = integrate.quad(
        lambda z: np.exp(-np.exp(min(steepness * z, 30.0))) * stats.norm.pdf(z), -12, 12, epsabs=1e-13, limit=500
    )[0]
    assert shares @ np.exp(-np.exp(np.minimum(steepness * nodes, 30.0))) == pytest.approx(exact, abs=2e-7)


def test_a_log_link_and_a_normal_mediator_have_a_closed_form():
    law_m, law_y = MediatorLaw("linear", np.zeros((1, 0)), 0.0), OutcomeLaw("poisson", np.zeros((1, 0)), True)
    theta_m, theta_y = np.array([[0.1, 0.4]]), np.array([[0.2, 0.3, 0.5, -0.2]])
    found = nested_means(
        mediator=law_m, outcome=law_y, theta_m=theta_m, sigma=np.array([1.4]), theta_y=theta_y, weights=np.ones(1)
    )[0]
    slope = np.array([0.5, 0.3])
    by = [np.exp(0.2 + 0.3 * t + slope[t] * (0.1 + 0.4 * s) + (slope[t] * 1.4) ** 2 / 2) for t in (0, 1) for s in (0, 1)]
    assert found == pytest.approx(by, rel=1e-12)


def test_listed_mediators_agree_with_simulation():
    X = np.zeros((1, 0))
    rng = np.random.default_rng(1)
    one = np.ones(1)
    law_y = OutcomeLaw("logit", X, True)
    theta_y = np.array([[-0.5, 0.3, 0.6, 0.2]])
    expit = special.expit
    cases = {
        "logit": (np.array([[-0.2, 0.8]]), None, lambda s: rng.random(400_000) < expit(-0.2 + 0.8 * s)),
        "poisson": (np.array([[0.4, 0.5]]), None, lambda s: rng.poisson(np.exp(0.4 + 0.5 * s), 400_000)),
        "ordered": (
            np.array([[-0.5, 1.0, 0.9]]), np.array([1.0, 2.0, 4.0]),
            lambda s: np.array([1.0, 2.0, 4.0])[(rng.random(400_000)[:, None] > expit(np.array([-0.5, 1.0]) - 0.9 * s)).sum(axis=1)],
        ),
    }  # fmt: skip
    for kind, (theta_m, values, drawn) in cases.items():
        law = MediatorLaw(kind, X, 0.7, values)
        found = nested_means(
            mediator=law, outcome=law_y, theta_m=theta_m, sigma=np.full(1, np.nan), theta_y=theta_y, weights=one
        )[0]
        by = [expit(-0.5 + 0.3 * t + (0.6 + 0.2 * t) * (drawn(s) - 0.7)).mean() for t in (0, 1) for s in (0, 1)]
        assert found == pytest.approx(by, abs=2e-3), kind


def test_mean_time_up_to_tau_is_the_area_under_the_survival_curve():
    law = OutcomeLaw("piecewise_exponential", np.zeros((1, 0)), False, widths=np.array([2.0, 3.0, 5.0]))
    theta = np.array([[-1.5, 0.4, 0.3, -0.5, 0.6]])
    eta, slope = law.base(theta, 1)
    found = law.mean(theta, eta + slope * 0.8)[0, 0]
    rates = np.exp(-1.5 + 0.4 + 0.3 * 0.8 + np.array([0.0, -0.5, 0.6]))

    def survival(u):
        spent = np.clip(u - np.array([0.0, 2.0, 5.0]), 0, [2.0, 3.0, 5.0])
        return np.exp(-(rates * spent).sum())

    assert found == pytest.approx(integrate.quad(survival, 0, 10, points=[2, 5])[0], abs=1e-8)


@pytest.mark.parametrize("kind", ["linear", "logistic", "poisson"])
def test_weighted_refits_are_fits_of_the_repeated_rows(kind):
    rng = np.random.default_rng(2)
    X = np.column_stack([np.ones(90), rng.normal(size=(90, 2))])
    eta = X @ [0.2, 0.5, -0.3]
    y = {
        "linear": eta + rng.normal(size=90),
        "logistic": rng.random(90) < special.expit(eta),
        "poisson": rng.poisson(np.exp(eta)),
    }[kind].astype(float)
    counts = rng.multinomial(90, np.full(90, 1 / 90), size=12)

    def fit(rows):
        if kind == "linear":
            return np.linalg.lstsq(X[rows], y[rows], rcond=None)[0]
        return glm(y=y[rows], X=X[rows], family=kind).coef

    found = weighted_fits(y=y, X=X, kind=kind, weights=counts.astype(float), start=fit(np.arange(90)))
    for got, count in zip(found, counts, strict=True):
        assert got == pytest.approx(fit(np.repeat(np.arange(90), count)), abs=1e-7)


def test_a_draw_that_separates_stays_finite():
    y = np.r_[np.zeros(20), np.ones(20)]
    X = np.column_stack([np.ones(40), np.r_[np.zeros(18), np.ones(20), np.zeros(2)]])
    w = np.ones((1, 40))
    w[0, [18, 19, 38, 39]] = 0
    start = glm(y=y, X=X, family="logistic").coef
    found = weighted_fits(y=y, X=X, kind="logistic", weights=w, start=start)
    assert np.isfinite(found).all()
    assert special.expit(found @ np.array([1.0, 0.0])) < 1e-6


def test_ordered_influence_has_zero_sum_and_the_information_of_the_fit():
    d = people(3, n=300)
    X = np.column_stack([(d.arm == "peer").astype(float), d.m0])
    fit = cumulative_logit(category=d.stage.to_numpy(), X=X)
    theta = np.concatenate([fit.thresholds, fit.coef])
    influence, inverse = ordered_influence(category=d.stage.to_numpy(), X=X, theta=theta)
    assert influence.sum(axis=0) == pytest.approx(np.zeros(len(theta)), abs=1e-8)
    # expected information beside the observed one of the fit
    assert np.diag(inverse)[-2:] == pytest.approx(np.diag(fit.bread), rel=0.05)
    assert influence[:, -2:] == pytest.approx(fit.values, abs=0.3 * np.abs(fit.values).max())


def test_the_general_way_gives_the_closed_form_of_two_linear_models():
    r = tk.mediate(
        grouped(people(3, groups=9)), "y1", mediator="m1", adjust=ADJUST, inference="group_bootstrap", n_draws=50, seed=4
    )
    e = r.evidence
    asked = dict(mediator="m1", interaction=True, covariance="auto", trial=e.trial, outcome="y1", tau=None)

    class General(Models):
        linear = False

    problem = fitted(General("linear", "linear", "mean_difference"), e.sample, e.m, e.X, e.terms, e.unit, **asked)
    assert problem.effects(problem.parameters().estimate[None, :])[0] == pytest.approx(list(effects(r).values()), abs=1e-9)
    from trialkit.inference.draws.group_bootstrap import bootstrap_weights, resampling_cells

    code, cell = resampling_cells(arm=e.sample.arm, stratum=None, unit=e.unit)
    weights = np.concatenate(list(bootstrap_weights(cell=cell, n_draws=50, seed=4, people=len(code))))
    assert problem.resampled(weights)[:, :-1] == pytest.approx(e.draws[:, :-1], abs=1e-8)


def test_binary_outcome_and_mediator_by_hand():
    d = people(5, n=400)
    r = tk.mediate(trial(d), "job", mediator="keen", adjust=["y0"], n_draws=100, seed=1)
    assert r.details["measure"] == "risk_difference"
    assert (r.details["mediator_model"], r.details["outcome_model"]) == ("logit", "logit")
    t = (d.arm == "peer").to_numpy(float)
    base = np.column_stack([np.ones(400), t, d.y0])
    alpha = glm(y=d.keen.to_numpy(float), X=base, family="logistic").coef
    beta = glm(y=d.job.to_numpy(float), X=np.column_stack([base, d.keen, t * d.keen]), family="logistic").coef

    def mean(a, s):
        p = special.expit(alpha[0] + alpha[1] * s + alpha[2] * d.y0)
        low = beta[0] + beta[1] * a + beta[2] * d.y0
        return float(((1 - p) * special.expit(low) + p * special.expit(low + beta[3] + a * beta[4])).mean())

    means = np.array([mean(a, s) for a in (0, 1) for s in (0, 1)])
    assert list(effects(r).values()) == pytest.approx(effects_of_means(means), abs=1e-9)
    odds = tk.mediate(trial(d), "job", mediator="keen", adjust=["y0"], measure="odds_ratio", n_draws=100, seed=1)
    g = np.log(means / (1 - means))
    assert odds.effect("acme_control").estimate == pytest.approx(np.exp(g[1] - g[0]), rel=1e-9)
    assert odds.effect("total").conf_low < odds.effect("total").estimate < odds.effect("total").conf_high
    assert odds.effect("acme").estimate * odds.effect("ade").estimate == pytest.approx(odds.effect("total").estimate)


@pytest.mark.parametrize(
    ("outcome", "kw"),
    [
        ("job", {"mediator": "m1"}),
        ("job", {"mediator": "m1", "measure": "risk_ratio"}),
        ("visits", {"mediator": "m1", "measure": "mean_ratio"}),
        ("y1", {"mediator": "keen"}),
        ("y1", {"mediator": "visits", "mediator_model": "poisson"}),
        ("y1", {"mediator": "stage", "mediator_model": "ordered"}),
        ("stage", {"mediator": "visits", "outcome_model": "ordered"}),
        ("job", {"mediator": "stage", "mediator_model": "ordered"}),
    ],
)
def test_methods_agree_and_groups_are_counted(outcome, kw):
    s = grouped(people(12, n=600, groups=45))
    delta = tk.mediate(s, outcome, adjust=ADJUST, inference="delta", **kw)
    drawn = tk.mediate(s, outcome, adjust=ADJUST, inference="monte_carlo", n_draws=1500, seed=1, **kw)
    assert effects(delta) == pytest.approx(effects(drawn))
    methods = [drawn]
    if "ordered" not in kw.values():
        methods.append(tk.mediate(s, outcome, adjust=ADJUST, inference="group_bootstrap", n_draws=300, seed=1, **kw))
    for other in methods:
        for name in ("acme", "ade", "total"):
            assert other.effect(name).std_error == pytest.approx(delta.effect(name).std_error, rel=0.25)
    assert "models" in {n.code for n in delta.notes}
    assert delta.effect("acme").n_groups == 45
    assert delta.group_slopes.slope.tolist() == ["pooled", "within groups", "between groups"]
    assert ("linear_slopes" in {n.code for n in delta.notes}) == (outcome != "y1")


def test_a_time_goes_by_its_mean_up_to_tau():
    d = people(4, n=500)
    rng = np.random.default_rng(6)
    raw = rng.exponential(6 * np.exp(-0.5 * d.m1 - 0.2 * (d.arm == "peer")))
    d["weeks"], d["event"] = np.minimum(raw, 12.0).clip(0.01), (raw <= 12).astype(int)
    s = trial(d)
    time = tk.Time("weeks", "event")
    delta = tk.mediate(s, time, mediator="m1", adjust=["m0"], tau=10, inference="delta")
    assert delta.details["measure"] == "rmst_difference"
    assert delta.effect("acme").estimate < 0
    drawn = tk.mediate(s, time, mediator="m1", adjust=["m0"], tau=10, inference="group_bootstrap", n_draws=300, seed=1)
    assert drawn.effect("acme").std_error == pytest.approx(delta.effect("acme").std_error, rel=0.2)
    plain = tk.itt(s, time, measure="rmst_difference", tau=10)
    assert delta.effect("total").estimate == pytest.approx(plain.estimates[0].estimate, abs=1.5 * plain.estimates[0].std_error)
    assert tk.mediate(s, time, mediator="m1", tau=10, measure="rmst_ratio", inference="delta").effect("total").estimate < 1
    with pytest.raises(tk.errors.CombinationError, match="covariance='HC3'"):
        tk.mediate(s, time, mediator="m1", tau=10, inference="delta", covariance="HC3")
    with pytest.raises(tk.errors.UsageError, match="tau="):
        tk.mediate(s, time, mediator="m1", seed=1)
    with pytest.raises(tk.errors.UsageError, match="both arms reach"):
        tk.mediate(s, time, mediator="m1", tau=99, seed=1)


def test_recovers_the_truth_of_a_binary_outcome():
    rng = np.random.default_rng(0)
    n = 40_000
    t = np.arange(n) % 2
    m = 0.6 * t + rng.normal(size=n)
    y = rng.random(n) < special.expit(-0.4 + 0.3 * t + (0.7 + 0.3 * t) * m)
    d = pd.DataFrame({"arm": t, "m": m, "y": y.astype(int)})
    r = tk.mediate(tk.Trial(d, arm="arm", control=0), "y", mediator="m", inference="delta")
    e = rng.normal(size=1_000_000)

    def mean(a, s):
        return special.expit(-0.4 + 0.3 * a + (0.7 + 0.3 * a) * (0.6 * s + e)).mean()

    truth = dict(zip(effects(r), effects_of_means(np.array([mean(a, s) for a in (0, 1) for s in (0, 1)])), strict=True))
    for name in ("acme_control", "acme_treated", "ade_control", "ade_treated", "total"):
        assert effects(r)[name] == pytest.approx(truth[name], abs=3.5 * r.effect(name).std_error)


def raw_means(e, outcome_mean, mediator_support):
    """Nested means from the raw coefficients and columns, person by person."""
    k = e.X.shape[1]
    out = []
    for t in (0, 1):
        for s in (0, 1):
            total = np.zeros(len(e.y))
            for value, probability in mediator_support(s):
                columns = np.column_stack(
                    [np.full(len(e.y), float(t)), e.X, np.broadcast_to(value, len(e.y)), t * np.broadcast_to(value, len(e.y))]
                )
                assert columns.shape[1] == k + 3
                total += probability * outcome_mean(columns)
            out.append(total.mean())
    return np.array(out)


def test_ordered_mediator_from_raw_coefficients():
    e = tk.mediate(
        trial(people(5, n=300)), "y1", mediator="stage", mediator_model="ordered", adjust=ADJUST, inference="delta"
    ).evidence
    cuts, slopes, beta = e.mediator_model.coef[:3], e.mediator_model.coef[3:], e.outcome_model.coef

    def support(s):
        upto = special.expit(cuts - (np.column_stack([np.full(300, s), e.X]) @ slopes)[:, None])
        return zip(range(4), np.diff(upto, prepend=0.0, append=1.0).T, strict=True)

    means = raw_means(e, lambda c: beta[0] + c @ beta[1:], support)
    found = tk.mediate(
        e.trial, "y1", mediator="stage", mediator_model="ordered", adjust=ADJUST, inference="monte_carlo", n_draws=50, seed=1
    )
    assert list(effects(found).values()) == pytest.approx(effects_of_means(means), abs=1e-8)


def test_ordered_outcome_from_raw_coefficients():
    d = people(5, n=300)
    r = tk.mediate(
        trial(d.assign(busy=(d.visits > 1).astype(int))),
        "stage",
        mediator="busy",
        outcome_model="ordered",
        adjust=ADJUST,
        inference="delta",
    )
    e = r.evidence
    cuts, slopes, alpha = e.outcome_model.coef[:3], e.outcome_model.coef[3:], e.mediator_model.coef

    def support(s):
        p = special.expit(alpha[0] + alpha[1] * s + e.X @ alpha[2:])
        return ((0.0, 1 - p), (1.0, p))

    means = raw_means(e, lambda c: 3 - special.expit(cuts - (c @ slopes)[:, None]).sum(axis=1), support)
    assert list(effects(r).values()) == pytest.approx(effects_of_means(means), abs=1e-8)
    assert e.outcome_residuals.mean() == pytest.approx(0, abs=0.02)


def test_counts_and_times_from_raw_coefficients():
    d = people(5, n=300)
    r = tk.mediate(trial(d), "visits", mediator="m1", measure="mean_ratio", adjust=ADJUST, inference="delta")
    e = r.evidence
    alpha, beta, sigma = e.mediator_model.coef, e.outcome_model.coef, e.mediator_model.sigma
    nodes, shares = np.polynomial.hermite_e.hermegauss(40)

    def support(s):
        mu = alpha[0] + alpha[1] * s + e.X @ alpha[2:]
        return ((mu + sigma * z, w / shares.sum()) for z, w in zip(nodes, shares, strict=True))

    means = raw_means(e, lambda c: np.exp(beta[0] + c @ beta[1:]), support)
    assert np.log([effects(r)[n] for n in ("acme", "ade", "total")]) == pytest.approx(
        effects_of_means(means, "log")[[2, 5, 6]], abs=1e-8
    )
    rng = np.random.default_rng(6)
    d["weeks"], d["event"] = rng.exponential(6, 300).clip(0.01, 12), 1
    d.loc[d.weeks == 12, "event"] = 0
    r = tk.mediate(trial(d), tk.Time("weeks", "event"), mediator="keen", adjust=ADJUST, tau=10, inference="delta")
    e = r.evidence
    alpha, beta = e.mediator_model.coef, e.outcome_model.coef
    happened = d.weeks[(d.event == 1) & (d.weeks <= 10)]
    cuts = np.concatenate([[0], np.quantile(happened, [0.2, 0.4, 0.6, 0.8], method="lower"), [10]])
    assert len(beta) == 1 + 5 + 4

    def mean_time(c):
        rates = np.exp((beta[0] + c @ beta[1:6])[:, None] + np.r_[0.0, beta[6:]])
        hazard = np.cumsum(np.column_stack([np.zeros(300), rates * np.diff(cuts)]), axis=1)
        return ((np.exp(-hazard[:, :-1]) - np.exp(-hazard[:, 1:])) / rates).sum(axis=1)

    def keen(s):
        p = special.expit(alpha[0] + alpha[1] * s + e.X @ alpha[2:])
        return ((0.0, 1 - p), (1.0, p))

    assert list(effects(r).values()) == pytest.approx(effects_of_means(raw_means(e, mean_time, keen)), abs=1e-8)


def test_ordered_categoricals_take_proportional_odds_by_themselves():
    d = people(5, n=300)
    words = pd.Categorical(
        d.stage.map({0: "none", 1: "some", 2: "much", 3: "all"}), ["none", "some", "much", "all"], ordered=True
    )
    numbers = tk.mediate(
        trial(d.assign(stage=d.stage + 1)), "y1", mediator="stage", mediator_model="ordered", adjust=ADJUST, inference="delta"
    )
    r = tk.mediate(trial(d.assign(stage=words)), "y1", mediator="stage", adjust=ADJUST, inference="delta")
    assert effects(r) == pytest.approx(effects(numbers))
    assert "none (1) < some (2)" in next(n.text for n in r.notes if n.code == "ordered_codes")
    outcome = tk.mediate(trial(d.assign(stage=words)), "stage", mediator="visits", adjust=ADJUST, inference="delta")
    assert outcome.details["outcome_model"] == "ordered"
    by_name = tk.mediate(trial(d), "stage", mediator="visits", outcome_model="ordered", adjust=ADJUST, inference="delta")
    assert outcome.effect("total").estimate == pytest.approx(by_name.effect("total").estimate)
