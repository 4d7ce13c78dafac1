"""Log hazard ratios, log-rank tests and restricted means: size and coverage with groups in one arm, with strata, and for people alone.

Times of both arms are exponential whatever the groups: latent normal scores that are alike within groups give the place in the distribution, so that
hazards stay proportional and the truth known. Censoring is uniform: 'light' leaves 84 % of the controls' events, 'heavy' 48 %.
What the package computes for one trial is computed for all replicates at once by its own kernels; `test_batches_are_tk_itt` holds them to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_ndtr

import trialkit as tk
from tests.calibration.one_arm_outcomes import OneArm
from tests.calibration.tables import REPLICATES, coverage_inside, grid, mc_error, over_designs, p_values, size_inside
from trialkit.estimate.linear.linear_model import fit_linear
from trialkit.estimate.linear.many_outcomes import ManyOutcomes
from trialkit.estimate.sample import Sample, sample
from trialkit.estimate.survival.spread import adjusted_values
from trialkit.inference.survival.cox import cox
from trialkit.inference.survival.logrank import logrank_score
from trialkit.inference.survival.restricted import restricted

WINDOWS = {"light": (1.0, 3.0, 1.5), "heavy": (0.2, 1.2, 1.0)}  # earliest and latest censoring, tau
Errors = tuple[np.ndarray, np.ndarray, np.ndarray]
Run = Callable[..., dict[str, Errors]]


def times(scores: np.ndarray, hazard: np.ndarray, censoring: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Times and events of (replicates, n) normal scores."""
    exact = -log_ndtr(-scores) / hazard
    low, high, _ = WINDOWS[censoring]
    end = rng.uniform(low, high, scores.shape)
    return np.minimum(exact, end), exact <= end


def true_difference(hazard_ratio: float, tau: float) -> float:
    return (1 - np.exp(-hazard_ratio * tau)) / hazard_ratio - (1 - np.exp(-tau))


def by_arm(s: Sample, values: np.ndarray) -> ManyOutcomes:
    arms = (s.arm[:, None] == np.arange(2)).astype(float)
    model = fit_linear(replace(s, y=values), arms, ["solo", "peer"], kind="auto", df="auto" if s.clustered else "independence")
    return ManyOutcomes(model, np.ones(2))


def hazard_ratios(s: Sample, time: np.ndarray, event: np.ndarray, truth: float) -> tuple[Errors, Errors]:
    """Log hazard ratios; and observed less expected events, their hypergeometric variance times what the groups do to that of the hazard ratio."""
    fit = cox(time=time, event=event, X=s.arm[:, None].astype(float))
    ok = fit.converged
    values = adjusted_values(s, fit, np.ones(1))[ok] * np.bincount(s.arm)[s.arm]
    found = by_arm(s, values[0]).run(values)
    error, se, df = (np.full(len(time), np.nan) for _ in range(3))
    error[ok], se[ok], df[ok] = fit.coef[ok, 0] - truth, found.std_error, found.df
    score = logrank_score(time=time, event=event, arm=s.arm, arms=2)
    inflated = np.sqrt(np.where(ok, score.covariance[:, 1, 1] * fit.information[:, 0, 0], np.nan)) * se
    return (error, se, df), ((score.observed - score.expected)[:, 1], inflated, df)


def restricted_means(s: Sample, time: np.ndarray, event: np.ndarray, tau: float, truth: float) -> Errors:
    values = np.empty(time.shape)
    for a in (0, 1):
        inside = s.arm == a
        found = restricted(time=time[:, inside], event=event[:, inside], tau=tau)
        values[:, inside] = found.value[:, None] + found.influence * inside.sum()
    columns = np.column_stack([np.ones(s.n), s.arm])
    model = fit_linear(
        replace(s, y=values[0]), columns, ["constant", "arm"], kind="auto", df="auto" if s.clustered else "independence"
    )
    spread = ManyOutcomes(model, np.array([0.0, 1.0])).run(values)
    return spread.estimate - truth, spread.std_error, spread.df


def one_arm_design(groups: int, icc: float, hazard_ratio: float, censoring: str, design: int) -> dict[str, Errors]:
    rng = np.random.default_rng([11, groups, int(icc * 100), int(hazard_ratio * 100), len(censoring), design])
    people = OneArm.drawn(groups, rng)
    time, event = times(people.scores(REPLICATES, icc, rng), hazard_ratio**people.arm, censoring, rng)
    s = sample(people.trial(time[0]), "y", (), "impute")
    tau = WINDOWS[censoring][2]
    hazard, logrank = hazard_ratios(s, time, event, np.log(hazard_ratio))
    found = {
        "hazard_ratio": hazard,
        "rmst_difference": restricted_means(s, time, event, tau, true_difference(hazard_ratio, tau)),
    }
    return found | ({"logrank": logrank} if hazard_ratio == 1 else {})


def alone_trial(n: int, treated: int, y: np.ndarray, **columns: np.ndarray) -> tk.Trial:
    arm = np.where(np.arange(n) < treated, "peer", "solo")
    return tk.Trial(pd.DataFrame({"arm": arm, "y": y} | columns), arm="arm", control="solo")


def alone_design(n: int, share: float, hazard_ratio: float, censoring: str, design: int) -> dict[str, Errors]:
    """People alone: HC2 with Bell-McCaffrey df, the model's and the classical log-rank with the normal, Greenwood's with it."""
    rng = np.random.default_rng([12, n, int(share * 100), int(hazard_ratio * 100), len(censoring), design])
    treated = int(n * share)
    scores = rng.normal(size=(REPLICATES, n))
    arm = (np.arange(n) < treated).astype(np.int64)
    time, event = times(scores, hazard_ratio**arm, censoring, rng)
    s = sample(alone_trial(n, treated, time[0]), "y", (), "impute")
    tau, normal = WINDOWS[censoring][2], np.full(REPLICATES, np.inf)
    robust, _ = hazard_ratios(s, time, event, np.log(hazard_ratio))
    fit = cox(time=time, event=event, X=arm[:, None].astype(float))
    means = [restricted(time=time[:, arm == a], event=event[:, arm == a], tau=tau) for a in (0, 1)]
    greenwood = (
        means[1].value - means[0].value - true_difference(hazard_ratio, tau),
        np.sqrt(means[0].variance + means[1].variance),
        normal,
    )
    model = np.where(fit.converged, 1 / np.sqrt(np.maximum(fit.information[:, 0, 0], 1e-300)), np.nan)
    found = {"hazard_ratio": robust, "hazard_ratio, classical": (robust[0], model, normal), "rmst_difference": greenwood}
    if hazard_ratio == 1:
        score = logrank_score(time=time, event=event, arm=arm, arms=2)
        difference = (score.observed - score.expected)[:, 1]
        found["logrank"] = difference, np.sqrt(score.covariance[:, 1, 1]), normal
    return found


def row(cell: dict, parts: list[Errors], groups: float) -> dict:
    error, se, df = (np.concatenate([p[i] for p in parts]) for i in range(3))
    usable = np.isfinite(error) & (se > 0) & (df > 0)
    wrong = np.where(
        usable, p_values(np.where(usable, error, 0.0), np.where(usable, se, 1.0), np.where(usable, df, 1.0)) < 0.05, False
    )
    share = float(wrong.mean())
    inside = size_inside(share, groups) if cell["hazard_ratio"] == 1 else coverage_inside(1 - share, groups)
    return cell | {
        "replicates": len(error), "undefined": int((~usable).sum()), "wrong": share, "mc_error": mc_error(share, len(error)),
        "bias": float(error[usable].mean()), "sd": float(error[usable].std()), "mean_se": float(np.sqrt((se[usable] ** 2).mean())),
        "mean_df": float(df[usable].mean()), "inside_band": inside,
    }  # fmt: skip


def cell(run: Run, columns: tuple[str, ...], *values: Any) -> list[dict]:
    """A row a measure."""
    parts = over_designs(run, *values)
    of = dict(zip(columns, values, strict=True))
    units = values[0] if "groups" in columns else 10
    return [row({"measure": m} | of, [p[m] for p in parts], units) for m in parts[0]]


GRID = [
    (groups, icc, hazard_ratio, censoring)
    for groups in (6, 10, 20, 40)
    for icc, hazard_ratio, censoring in (
        (0.0, 1.0, "light"), (0.05, 1.0, "light"), (0.2, 1.0, "light"), (0.05, 1.0, "heavy"), (0.2, 1.0, "heavy"), (0.05, 1.5, "light"), (0.2, 1.5, "light"),
    )
]  # fmt: skip


@pytest.mark.calibration
def test_times_with_groups_in_one_arm():
    columns = ("groups", "icc", "hazard_ratio", "censoring")
    table = grid("survival", columns, GRID, partial(cell, one_arm_design, columns))
    outside = table[~table["inside_band"]]
    assert outside.empty, f"outside the band:\n{outside.to_string(index=False)}"


@pytest.mark.calibration
def test_times_of_people_alone():
    columns = ("people", "share", "hazard_ratio", "censoring")
    cells = [
        (n, share, hr, c)
        for n, share in ((40, 0.5), (100, 0.5), (100, 0.2), (300, 0.5))
        for hr, c in ((1.0, "light"), (1.0, "heavy"), (1.5, "light"))
    ]
    table = grid("survival_people", columns, cells, partial(cell, alone_design, columns))
    assert (table["wrong"] < 0.1).all()


def test_a_thin_version_of_the_size():
    """1,000 replicates at 10 groups: within five Monte Carlo errors of the nominal level."""
    parts = [one_arm_design(10, 0.05, 1.0, "light", d) for d in range(2)]
    for measure in parts[0]:
        found = row({"hazard_ratio": 1.0}, [p[measure] for p in parts], 10)
        assert found["undefined"] == 0
        assert abs(found["wrong"] - 0.05) < 5 * np.sqrt(0.05 * 0.95 / found["replicates"])
        assert found["mean_se"] == pytest.approx(found["sd"], rel=0.1)


def test_batches_are_tk_itt():
    rng = np.random.default_rng(3)
    people = OneArm.drawn(8, rng)
    time, event = times(people.scores(3, 0.1, rng), 1.5**people.arm, "light", rng)
    s = sample(people.trial(time[0]), "y", (), "impute")
    hazard, logrank = hazard_ratios(s, time, event, 0.0)
    batched = {"hazard_ratio": hazard, "rmst_difference": restricted_means(s, time, event, 1.5, 0.0)}
    for r in range(3):
        trial = people.trial(time[r], event=event[r].astype(int))
        for measure, options in (("hazard_ratio", {}), ("rmst_difference", {"tau": 1.5})):
            one = tk.itt(trial, tk.Time("y", "event"), measure=measure, **options).estimates[0]
            expected = np.log(one.estimate) if measure == "hazard_ratio" else one.estimate
            np.testing.assert_allclose([a[r] for a in batched[measure]], [expected, one.std_error, one.df], rtol=1e-6)
        test = tk.logrank(trial, tk.Time("y", "event"))
        step, se, df = (a[r] for a in logrank)
        np.testing.assert_allclose([(step / se) ** 2, df], [test.statistic, test.df_denom], rtol=1e-6)
