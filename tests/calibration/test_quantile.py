"""Quantile effects with groups in one arm: size and coverage of the intervals.

'density' from 20,000 replicates; the bootstrap intervals (400 resamples) and quantile regression (a linear program a replicate) from 4,000.
Effects multiply a lognormal amount by exp(.5) in the treated arm. Bands: docs/calibration.md.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtri

import trialkit as tk
from tests.calibration.batch import Batch
from tests.calibration.one_arm_outcomes import OneArm
from tests.calibration.tables import DESIGNS, REPLICATES, coverage_inside, grid, mc_error, over_designs, p_values, size_inside
from trialkit.estimate.linear.linear_model import fit_linear
from trialkit.estimate.sample import sample
from trialkit.inference.draws.group_bootstrap import bootstrap_weights, resampling_cells
from trialkit.inference.outcomes.quantile_regression import linear_values, quantile_regression
from trialkit.inference.outcomes.quantiles import arm_quantile, sample_quantile

FEW = 100  # of each design: 4,000 a cell
FEW_CELLS = [(groups, icc) for groups in (6, 10, 20, 40) for icc in (0.0, 0.1, 0.3)]
DRAWS = 400


def amounts(people: OneArm, kind: str, icc: float, effect: float, replicates: int, rng: np.random.Generator) -> np.ndarray:
    z = people.scores(replicates, icc, rng)
    return z if kind == "normal" else np.exp(z + effect * people.arm)


def truth(kind: str, q: float, effect: float) -> float:
    return 0.0 if kind == "normal" else float(np.exp(ndtri(q)) * (np.exp(effect) - 1))


def batch_of(people: OneArm, values: np.ndarray, vector: np.ndarray) -> Batch:
    s = sample(people.trial(values), "y", (), "impute")
    arms = (s.arm[:, None] == np.arange(2)).astype(float)
    return Batch(fit_linear(replace(s, y=values), arms, ["solo", "peer"], kind="auto", df="auto"), vector)


def unit_of(people: OneArm) -> np.ndarray:
    return np.r_[people.group, people.group.max() + 1 + np.arange(people.controls)]


def density_design(kind: str, groups: int, icc: float, q: float, effect: float, design: int, replicates: int = REPLICATES):
    """Errors, standard errors and df over the replicates of one set of group sizes."""
    rng = np.random.default_rng([4, len(kind), groups, int(icc * 100), int(q * 100), int(effect * 100), design])
    people = OneArm.drawn(groups, rng)
    y = amounts(people, kind, icc, effect, replicates, rng)
    unit, treated = unit_of(people), people.arm == 1
    error, values = np.empty(replicates), np.empty_like(y)
    for r, row in enumerate(y):
        ends = []
        for inside in (~treated, treated):
            found = arm_quantile(y=row[inside], weights=np.ones(int(inside.sum())), unit=unit[inside], q=q)
            values[r, inside] = -found.spread * found.below
            ends.append(found.value)
        error[r] = ends[1] - ends[0] - truth(kind, q, effect)
    batch = batch_of(people, values[0], np.array([-1.0, 1.0])).run(values)
    return error, batch.std_error, batch.df


def bootstrap_design(groups: int, icc: float, design: int):
    """The density interval's df with the bootstrap standard error, and whether the percentile interval leaves the truth out."""
    error, _, df = density_design("normal", groups, icc, 0.5, 0.0, design, FEW)
    rng = np.random.default_rng([4, len("normal"), groups, int(icc * 100), 50, 0, design])
    people = OneArm.drawn(groups, rng)
    y = amounts(people, "normal", icc, 0.0, FEW, rng)
    code, cell = resampling_cells(arm=people.arm, stratum=None, unit=unit_of(people))
    copies = np.concatenate(list(bootstrap_weights(cell=cell, n_draws=DRAWS, seed=design)))[:, code]
    treated = people.arm == 1
    se, outside = np.empty(FEW), np.empty(FEW, dtype=bool)
    for r, row in enumerate(y):
        ends = []
        for inside in (~treated, treated):
            order = np.argsort(row[inside])
            weights = np.ones(int(inside.sum()))
            ends.append(sample_quantile(y=row[inside][order], weights=weights, q=0.5, copies=copies[:, inside][:, order]))
        drawn = ends[1] - ends[0]
        se[r] = drawn.std(ddof=1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        outside[r] = low > 0 or high < 0
    return error, se, df, outside


def adjusted_design(groups: int, icc: float, design: int):
    """Quantile regression on a covariate that explains a third of the variance."""
    rng = np.random.default_rng([5, groups, int(icc * 100), design])
    people = OneArm.drawn(groups, rng)
    z = people.scores(FEW, icc, rng)
    x = rng.normal(size=people.n)
    y, unit = z + 0.7 * x, unit_of(people)
    X = np.column_stack([np.ones(people.n), people.arm, x])
    estimate, values = np.empty(FEW), np.empty_like(y)
    sizes = np.bincount(people.arm)[people.arm]
    for r, row in enumerate(y):
        fit = quantile_regression(y=row, X=X, q=0.5)
        density = np.empty(people.n)
        for a in (0, 1):
            inside = people.arm == a
            density[inside] = (
                1 / arm_quantile(y=fit.residuals[inside], weights=np.ones(int(inside.sum())), unit=unit[inside], q=0.5).spread
            )
        estimate[r] = fit.coef[1]
        values[r] = linear_values(X=X, fit=fit, density=density)[:, 1] * sizes
    batch = batch_of(people, values[0], np.ones(2)).run(values)
    return estimate, batch.std_error, batch.df


def row(cell: dict, wrong: np.ndarray, groups: int, effect: float = 0.0) -> dict:
    share = float(np.mean(wrong))
    inside = size_inside(share, groups) if effect == 0 else coverage_inside(1 - share, groups)
    return cell | {"replicates": len(wrong), "wrong": share, "mc_error": mc_error(share, len(wrong)), "inside_band": inside}


def rejected(parts: list) -> np.ndarray:
    return np.concatenate([p_values(e, s, d) < 0.05 for e, s, d in parts])


def density_cell(kind: str, groups: int, icc: float, q: float, effect: float) -> list[dict]:
    parts = over_designs(density_design, kind, groups, icc, q, effect)
    cell = {"interval": "density", "outcome": kind, "q": q, "groups": groups, "icc": icc, "effect": effect}
    return [row(cell, rejected(parts), groups, effect)]


def bootstrap_cell(groups: int, icc: float) -> list[dict]:
    parts = over_designs(bootstrap_design, groups, icc)
    cell = {"outcome": "normal", "q": 0.5, "groups": groups, "icc": icc}
    return [
        row({"interval": "bootstrap"} | cell, rejected([p[:3] for p in parts]), groups),
        row({"interval": "percentile"} | cell, np.concatenate([p[3] for p in parts]), groups),
    ]


def adjusted_cell(groups: int, icc: float) -> list[dict]:
    parts = over_designs(adjusted_design, groups, icc)
    return [row({"interval": "density", "q": 0.5, "groups": groups, "icc": icc}, rejected(parts), groups)]


@pytest.mark.calibration
def test_density_interval_with_groups_in_one_arm():
    cells = [("normal", k, icc, 0.5, 0.0) for k in (6, 10, 20, 40) for icc in (0.0, 0.1, 0.3)]
    cells += [("lognormal", k, icc, 0.5, 0.5) for k in (6, 10, 20, 40) for icc in (0.0, 0.1, 0.3)]
    cells += [("lognormal", k, 0.1, q, e) for q in (0.25, 0.75, 0.9) for k in (6, 10, 20, 40) for e in (0.0, 0.5)]
    columns = ("outcome", "groups", "icc", "q", "effect")
    table = grid("quantile", columns, cells, density_cell)
    assert (table["wrong"] < 0.1).all()


@pytest.mark.calibration
def test_bootstrap_intervals_with_groups_in_one_arm():
    table = grid("quantile_bootstrap", ("groups", "icc"), FEW_CELLS, bootstrap_cell, replicates=DESIGNS * FEW)
    assert (table["wrong"] < 0.15).all()


@pytest.mark.calibration
def test_quantile_regression_with_groups_in_one_arm():
    table = grid("quantile_regression", ("groups", "icc"), FEW_CELLS, adjusted_cell, replicates=DESIGNS * FEW)
    assert (table["wrong"] < 0.15).all()


def test_a_thin_version_and_that_it_is_what_itt_gives():
    """1,000 replicates at 10 groups within five Monte Carlo errors; one replicate equals the public surface."""
    wrong = rejected([density_design("normal", 10, 0.1, 0.5, 0.0, d, 250) for d in range(4)])
    assert abs(wrong.mean() - 0.05) < 5 * np.sqrt(0.05 * 0.95 / len(wrong))
    rng = np.random.default_rng([4, len("normal"), 10, 10, 50, 0, 0])
    people = OneArm.drawn(10, rng)
    y = amounts(people, "normal", 0.1, 0.0, 250, rng)[3]
    error, se, df = (v[3] for v in density_design("normal", 10, 0.1, 0.5, 0.0, 0, 250))
    result = tk.itt(people.trial(y), "y", measure="quantile").estimates[0]
    np.testing.assert_allclose([result.estimate, result.std_error, result.df], [error, se, df], rtol=1e-6)
