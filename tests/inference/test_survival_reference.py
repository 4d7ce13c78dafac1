"""Survival kernels against R's `survival` (numbers of survival/generate.R) and against statsmodels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trialkit.inference.survival.cox import cox, dfbeta, expected_events, score_residuals
from trialkit.inference.survival.curve import curve_quantile, survival_curve
from trialkit.inference.survival.logrank import logrank_score
from trialkit.inference.survival.proportional import time_variation
from trialkit.inference.survival.restricted import restricted

FOLDER = Path(__file__).parent / "survival"
REFERENCE = {k: g["value"].to_numpy(float) for k, g in pd.read_csv(FOLDER / "reference.csv").groupby("name")}
PEOPLE = pd.read_csv(FOLDER / "people.csv")
X = PEOPLE[["z", "x"]].to_numpy(float)
ENTRY, WEIGHTS, SITE = PEOPLE["entry"].to_numpy(float), PEOPLE["w"].to_numpy(), PEOPLE["site"].to_numpy()
ARGS = {"time": PEOPLE["weeks"].to_numpy(float), "event": PEOPLE["event"].to_numpy()}
EXITS = {"time": ARGS["time"], "event": (PEOPLE["status"] == 1).to_numpy(), "other": (PEOPLE["status"] == 2).to_numpy()}
MODELS = {
    "efron": {}, "breslow": {"ties": "breslow"}, "strata": {"stratum": SITE}, "entry": {"stratum": SITE, "entry": ENTRY}, "weighted": {"weights": WEIGHTS},
}  # fmt: skip


def close(found, name, tolerance=1e-10):
    np.testing.assert_allclose(found, REFERENCE[name], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", MODELS)
def test_cox_models(name):
    fit = cox(**ARGS, X=X, **MODELS[name])
    close(fit.coef, f"{name}.coef")
    close(np.sqrt(np.diag(fit.covariance)), f"{name}.se")
    close([fit.loglik_start, fit.loglik], f"{name}.loglik")
    close(score_residuals(fit)[0], f"{name}.score1")
    assert bool(fit.converged)


def test_martingale_residuals_and_robust_covariances():
    close(PEOPLE["event"] - expected_events(cox(**ARGS, X=X)), "efron.martingale")
    close(np.sqrt((dfbeta(cox(**ARGS, X=X, weights=WEIGHTS)) ** 2).sum(axis=1)), "weighted.robust")
    sums = np.array([np.bincount(PEOPLE["unit"], weights=v) for v in dfbeta(cox(**ARGS, X=X, stratum=SITE))])
    close(np.sqrt((sums**2).sum(axis=1)), "clustered.robust")


def test_proportional_hazards_is_cox_zph():
    fit = cox(**ARGS, X=X)
    for transform in ("km", "identity"):
        close(time_variation(fit, transform=transform).chisq, f"zph.{transform}")
    close(time_variation(cox(**ARGS, X=X, stratum=SITE)).chisq, "zph.strata")


@pytest.mark.parametrize(("name", "options"), [("km", {}), ("km.entry", {"entry": ENTRY})])
def test_kaplan_meier_with_log_log_limits(name, options):
    curve = survival_curve(**ARGS, **options)
    died = curve.events > 0
    for key, values in {
        "time": curve.time, "surv": curve.survival, "se": curve.std_error, "low": curve.conf_low, "high": curve.conf_high
    }.items():  # fmt: skip
        close(values[died], f"{name}.{key}")


def test_weighted_kaplan_meier():
    """R's robust variance has no n/(n - 1)."""
    curve = survival_curve(**ARGS, weights=WEIGHTS)
    died = curve.events > 0
    close(curve.survival[died], "km.weighted.surv")
    close(curve.std_error[died] / np.sqrt(90 / 89), "km.weighted.se")


def test_median_restricted_mean_and_other_exits():
    median = curve_quantile(survival_curve(**ARGS))
    close([median.estimate, median.conf_low, median.conf_high], "median")
    mean = restricted(**ARGS, tau=15)
    close([mean.value, np.sqrt(mean.variance)], "rmst")
    curve = survival_curve(**EXITS)
    left = curve.events + curve.others > 0
    for key, values in {"time": curve.time, "share": curve.share, "se": curve.share_std_error}.items():
        close(values[left], f"aj.{key}")
    close([restricted(**EXITS, tau=15, quantity="time_lost").value], "aj.lost")


@pytest.mark.parametrize(("name", "stratum"), [("logrank", None), ("logrank.strata", SITE)])
def test_logrank(name, stratum):
    found = logrank_score(**ARGS, arm=PEOPLE["arm"].to_numpy(), stratum=stratum)
    close([found.statistic], f"{name}.chisq")
    close(found.observed, f"{name}.observed")
    close(found.expected, f"{name}.expected")


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("what", ["entry", "strata"])
def test_statsmodels_phreg(ties, what):
    """One at a time and without entries tied with times: there statsmodels 0.15 differs from R, with which we agree above."""
    from statsmodels.duration.hazard_regression import PHReg

    untied = np.maximum(ENTRY - 0.5, 0.0)
    theirs = {"entry": untied} if what == "entry" else {"strata": SITE}
    other = PHReg(ARGS["time"], X, status=ARGS["event"], ties=ties, **theirs).fit()
    fit = cox(**ARGS, X=X, ties=ties, **({"entry": untied} if what == "entry" else {"stratum": SITE}))
    np.testing.assert_allclose(fit.coef, other.params, rtol=1e-8)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), other.bse, rtol=1e-8)


def test_statsmodels_survfunc_and_survdiff():
    from statsmodels.duration.survfunc import SurvfuncRight, survdiff

    other = SurvfuncRight(ARGS["time"], ARGS["event"])
    curve = survival_curve(**ARGS)
    died = np.isin(curve.time, other.surv_times)
    np.testing.assert_allclose(curve.survival[died], other.surv_prob, rtol=1e-8)
    np.testing.assert_allclose(curve.std_error[died], other.surv_prob_se, rtol=1e-8)
    median = curve_quantile(curve)
    assert median.estimate == other.quantile(0.5)
    assert (median.conf_low, median.conf_high) == other.quantile_ci(0.5, method="cloglog")
    for stratum in (None, SITE):
        chisq, _ = survdiff(ARGS["time"], ARGS["event"], PEOPLE["arm"], strata=stratum)
        assert float(logrank_score(**ARGS, arm=PEOPLE["arm"].to_numpy(), stratum=stratum).statistic) == pytest.approx(
            chisq, rel=1e-8
        )


def test_statsmodels_cumulative_incidence():
    from statsmodels.duration.survfunc import CumIncidenceRight

    other = CumIncidenceRight(ARGS["time"], PEOPLE["status"])
    curve = survival_curve(**EXITS)
    np.testing.assert_allclose(curve.share[np.isin(curve.time, other.times)], other.cinc[0], rtol=1e-8)
