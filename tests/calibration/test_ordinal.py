"""Win odds and proportional odds: size and coverage with groups in one arm and for people alone.

Neither is equivariant, so coverage is simulated at an effect besides none. Ratings have four categories (15, 35, 30 and 20 % of the controls).
Bands: docs/calibration.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

import trialkit as tk
from tests.calibration.batch import Batch
from tests.calibration.one_arm_outcomes import OneArm, logistic
from tests.calibration.tables import DESIGNS, REPLICATES, coverage_inside, grid, mc_error, over_designs, p_values, size_inside
from trialkit.estimate.linear.linear_model import fit_linear
from trialkit.estimate.sample import sample
from trialkit.inference.outcomes.proportional_odds import cumulative_logit
from trialkit.inference.outcomes.win_odds import win_probability

SHARES = np.array([0.15, 0.35, 0.30, 0.20])
CUTS = np.log(np.cumsum(SHARES)[:-1] / (1 - np.cumsum(SHARES)[:-1]))
EFFECT = 0.8  # log odds ratio
GROUPS, ICCS, COLUMNS = (6, 10, 20, 40), (0.0, 0.05, 0.1, 0.3), ("groups", "icc", "effect")
CHECKED = 25  # of each design


def outcome(people: OneArm, kind: str, icc: float, effect: float, replicates: int, rng: np.random.Generator) -> np.ndarray:
    """Logistic scores shifted by `effect` in the treated arm, as they are or in four categories."""
    latent = logistic(people.scores(replicates, icc, rng)) + effect * people.arm
    return latent if kind == "continuous" else np.digitize(latent, CUTS).astype(float)


def true_log_win_odds(kind: str, effect: float) -> float:
    if kind == "continuous":  # P(L1 - L0 + b > 0) of two logistic variables
        p = 0.5 if effect == 0 else np.exp(effect) * (np.exp(effect) - 1 - effect) / (np.exp(effect) - 1) ** 2
    else:
        below = np.concatenate([[0], expit(CUTS), [1]]), np.concatenate([[0], expit(CUTS - effect), [1]])
        control, treated = np.diff(below[0]), np.diff(below[1])
        p = float(treated @ (np.cumsum(control) - control / 2))
    return float(np.log(p / (1 - p)))


def arm_model(people: OneArm, y: np.ndarray, df: str = "auto"):
    """The regression of linearized values on the arms that the estimators use, and the sum of its two means."""
    s = sample(people.trial(y), "y", (), "impute")
    arms = (s.arm[:, None] == np.arange(2)).astype(float)
    return fit_linear(replace(s, y=y), arms, ["solo", "peer"], kind="auto", df=df), np.ones(2)


def win_odds_design(kind: str, groups: int, icc: float, effect: float, design: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors, standard errors and df of the log win odds over the replicates of one set of group sizes."""
    rng = np.random.default_rng([1, len(kind), groups, int(icc * 100), int(effect * 100), design])
    people = OneArm.drawn(groups, rng)
    y = outcome(people, kind, icc, effect, REPLICATES, rng)
    placements, p = np.empty_like(y), np.empty(len(y))
    for r, values in enumerate(y):
        found = win_probability(y=values, treated=people.arm == 1)
        placements[r], p[r] = found.placements, found.probability
    batch = Batch(*arm_model(people, placements[0])).run(placements)
    return np.log(p / (1 - p)) - true_log_win_odds(kind, effect), batch.std_error / (p * (1 - p)), batch.df


def adjusted_design(groups: int, icc: float, effect: float, design: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same with a covariate that correlates .6 with the outcome's score."""
    rng = np.random.default_rng([8, groups, int(icc * 100), int(effect * 100), design])
    people = OneArm.drawn(groups, rng)
    x = rng.normal(size=people.n)
    y = logistic(0.6 * x + 0.8 * people.scores(REPLICATES, icc, rng)) + effect * people.arm
    placements, p = np.empty_like(y), np.empty(len(y))
    for r, values in enumerate(y):
        found = win_probability(y=values, treated=people.arm == 1)
        placements[r], p[r] = found.placements, found.probability
    s = sample(people.trial(y[0]), "y", (), "impute")
    arms = (s.arm[:, None] == np.arange(2)).astype(float)
    columns = np.concatenate([arms, arms * (x - x.mean())[:, None]], axis=1)
    model = fit_linear(replace(s, y=placements[0]), columns, ["solo", "peer", "x in solo", "x in peer"], kind="auto", df="auto")
    batch = Batch(model, np.array([1.0, 1.0, 0.0, 0.0])).run(placements)
    adjusted = batch.estimate - p
    return (
        np.log(adjusted / (1 - adjusted)) - true_log_win_odds("continuous", effect),
        batch.std_error / (adjusted * (1 - adjusted)),
        batch.df,
    )


def proportional_design(groups: int, icc: float, effect: float, design: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same of the common log odds ratio; the model is fitted to the eight counts."""
    rng = np.random.default_rng([2, groups, int(icc * 100), int(effect * 100), design])
    people = OneArm.drawn(groups, rng)
    y = outcome(people, "rating", icc, effect, REPLICATES, rng).astype(np.int64)
    sizes = np.bincount(people.arm)
    category, treated = np.tile(np.arange(4), 2), np.repeat([0.0, 1.0], 4)
    estimate, values = np.empty(len(y)), np.empty(y.shape)
    for r, codes in enumerate(y):
        cell = 4 * people.arm + codes
        counts = np.bincount(cell, minlength=8).astype(float)
        used = counts > 0
        fit = cumulative_logit(
            category=np.unique(category[used], return_inverse=True)[1], X=treated[used, None], weights=counts[used]
        )
        per_person = np.zeros(8)
        per_person[used] = fit.values[:, 0] / counts[used]
        estimate[r], values[r] = fit.coef[0], (per_person[cell] * sizes[people.arm])
    batch = Batch(*arm_model(people, values[0])).run(values)
    return estimate - effect, batch.std_error, batch.df


def alone_design(kind: str, people: int, effect: float, design: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """People alone, a third of them treated: DeLong's standard error and Welch's df."""
    rng = np.random.default_rng([3, len(kind), people, int(effect * 100), design])
    arm = np.r_[np.ones(people // 3, dtype=np.int64), np.zeros(people - people // 3, dtype=np.int64)]
    latent = logistic(rng.normal(size=(REPLICATES, people))) + effect * arm
    y = latent if kind == "continuous" else np.digitize(latent, CUTS).astype(float)
    p, variance, df = np.empty(REPLICATES), np.empty(REPLICATES), np.empty(REPLICATES)
    for r, values in enumerate(y):
        found = win_probability(y=values, treated=arm == 1)
        p[r] = found.probability
        parts = np.array([found.placements[arm == a].var(ddof=1) / (arm == a).sum() for a in (0, 1)])
        variance[r] = parts.sum()
        df[r] = variance[r] ** 2 / (parts**2 / (np.bincount(arm) - 1)).sum() if variance[r] > 0 else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(p / (1 - p)) - true_log_win_odds(kind, effect), np.sqrt(variance) / (p * (1 - p)), df


def row(cell: dict, parts: list, groups: float) -> dict:
    """Rejections of the truth: the size without an effect, one minus coverage with one."""
    error, se, df = (np.concatenate([p[i] for p in parts]) for i in range(3))
    usable = np.isfinite(error) & (se > 0)
    wrong = np.where(usable, p_values(np.where(usable, error, 0), np.where(usable, se, 1), df) < 0.05, False)
    share = float(wrong.mean())
    inside = size_inside(share, groups) if cell["effect"] == 0 else coverage_inside(1 - share, groups)
    return cell | {
        "replicates": len(error), "undefined": int((~usable).sum()), "wrong": share, "mc_error": mc_error(share, len(error)),
        "bias": float(error[usable].mean()), "mean_df": float(df[usable].mean()), "inside_band": inside,
    }  # fmt: skip


def cell(run: Callable[..., Any], groups: int, icc: float, effect: float) -> list[dict]:
    return [row({"groups": groups, "icc": icc, "effect": effect}, over_designs(run, groups, icc, effect), groups)]


def win_odds_cell(kind: str, groups: int, icc: float, effect: float) -> list[dict]:
    of = {"outcome": kind, "groups": groups, "icc": icc, "effect": effect}
    return [row(of, over_designs(win_odds_design, kind, groups, icc, effect), groups)]


@pytest.mark.calibration
def test_win_odds_with_groups_in_one_arm():
    cells = list(product(("rating", "continuous"), GROUPS, ICCS, (0.0, EFFECT)))
    table = grid("win_odds", ("outcome", *COLUMNS), cells, win_odds_cell)
    outside = table[~table["inside_band"]]
    assert outside.empty, f"outside the band:\n{outside.to_string(index=False)}"


@pytest.mark.calibration
def test_adjusted_win_odds_with_groups_in_one_arm():
    cells = list(product(GROUPS, (0.0, 0.1, 0.3), (0.0, EFFECT)))
    table = grid("win_odds_adjusted", COLUMNS, cells, partial(cell, adjusted_design))
    outside = table[~table["inside_band"]]
    assert outside.empty, f"outside the band:\n{outside.to_string(index=False)}"


@pytest.mark.calibration
def test_proportional_odds_with_groups_in_one_arm():
    table = grid("proportional_odds", COLUMNS, list(product(GROUPS, ICCS, (0.0, EFFECT))), partial(cell, proportional_design))
    outside = table[~table["inside_band"]]
    assert outside.empty, f"outside the band:\n{outside.to_string(index=False)}"


def check_design(groups: int, icc: float, design: int) -> np.ndarray:
    """p-values of the check of proportionality over the trials of one set of group sizes; odds are proportional."""
    rng = np.random.default_rng([7, groups, int(icc * 100), design])
    people = OneArm.drawn(groups, rng)
    trials = (people.trial(y) for y in outcome(people, "rating", icc, EFFECT, CHECKED, rng))
    return np.array([tk.itt(t, "y", measure="proportional_odds").proportionality.p_value for t in trials])


def check_cell(groups: int, icc: float) -> list[dict]:
    p = np.concatenate(over_designs(check_design, groups, icc))
    share = float(np.mean(p[np.isfinite(p)] < 0.05))
    of = {"groups": groups, "icc": icc, "replicates": len(p), "undefined": int((~np.isfinite(p)).sum())}
    return [of | {"rejected": share, "mc_error": mc_error(share, len(p)), "inside_band": size_inside(share, groups)}]


@pytest.mark.calibration
def test_the_check_of_proportionality():
    cells = list(product(GROUPS[:3], (0.0, 0.1, 0.3)))
    table = grid("proportional_odds_check", ("groups", "icc"), cells, check_cell, replicates=DESIGNS * CHECKED)
    assert (table["rejected"] < 0.12).all()


def alone_cell(kind: str, people: int, effect: float) -> list[dict]:
    """Rows with the normal limits of the default and with Bell-McCaffrey df."""
    parts, of = over_designs(alone_design, kind, people, effect), {"outcome": kind, "people": people, "effect": effect}
    normal = [(e, s, np.full_like(d, np.inf)) for e, s, d in parts]
    return [row(of | {"df": "auto"}, normal, people), row(of | {"df": "independence"}, parts, people)]


@pytest.mark.calibration
def test_win_odds_of_people_alone():
    cells = list(product(("rating", "continuous"), (30, 60, 120, 360), (0.0, EFFECT)))
    table = grid("win_odds_people", ("outcome", "people", "effect"), cells, alone_cell)
    assert (table["wrong"] < 0.07).all()


def test_a_thin_version_and_that_it_is_what_itt_gives():
    """1,000 replicates at 10 groups within five Monte Carlo errors; one replicate equals the public surface."""
    for run, arguments in ((win_odds_design, ("rating", 10, 0.1, 0.0)), (proportional_design, (10, 0.1, 0.0))):
        found = row({"effect": 0.0}, [run(*arguments, d) for d in range(2)], 10)
        assert abs(found["wrong"] - 0.05) < 5 * np.sqrt(0.05 * 0.95 / found["replicates"]), run.__name__
    rng = np.random.default_rng([1, len("rating"), 10, 10, 0, 0])
    people = OneArm.drawn(10, rng)
    y = outcome(people, "rating", 0.1, 0.0, REPLICATES, rng)[7]
    error, se, df = (v[7] for v in win_odds_design("rating", 10, 0.1, 0.0, 0))
    result = tk.itt(people.trial(y), "y", measure="win_odds").estimates[0]
    np.testing.assert_allclose([np.log(result.estimate), result.std_error, result.df], [error, se, df], rtol=1e-6)
    rng = np.random.default_rng([8, 10, 10, 0, 0])
    people = OneArm.drawn(10, rng)
    x = rng.normal(size=people.n)
    y = logistic(0.6 * x + 0.8 * people.scores(REPLICATES, 0.1, rng))[7]
    error, se, df = (v[7] for v in adjusted_design(10, 0.1, 0.0, 0))
    result = tk.itt(people.trial(y, x=x), "y", measure="win_odds", adjust=["x"]).estimates[0]
    np.testing.assert_allclose([np.log(result.estimate), result.std_error, result.df], [error, se, df], rtol=1e-6)
    rng = np.random.default_rng([2, 10, 10, 0, 0])
    people = OneArm.drawn(10, rng)
    y = outcome(people, "rating", 0.1, 0.0, REPLICATES, rng)[7]
    error, se, df = (v[7] for v in proportional_design(10, 0.1, 0.0, 0))
    result = tk.itt(people.trial(y), "y", measure="proportional_odds").estimates[0]
    np.testing.assert_allclose([np.log(result.estimate), result.std_error, result.df], [error, se, df], rtol=1e-6)


def test_the_truth_of_the_simulation():
    rng = np.random.default_rng(1)
    for kind in ("rating", "continuous"):
        latent = logistic(rng.normal(size=400_000)), logistic(rng.normal(size=400_000)) + EFFECT
        a, b = latent if kind == "continuous" else (np.digitize(v, CUTS) for v in latent)
        p = (b > a).mean() + (b == a).mean() / 2
        assert np.log(p / (1 - p)) == pytest.approx(true_log_win_odds(kind, EFFECT), abs=0.012)
