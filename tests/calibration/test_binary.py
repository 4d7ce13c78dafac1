"""Size and coverage of the defaults for outcomes of 0 and 1 and for counts: g-computation, logistic and Poisson regression.

Groups in one arm (mean 12, CV .5, as many controls), clusters in both arms (mean 20, CV .5), people alone; one covariate; latent ICC. Size is
at equal rates, coverage of the population's effect at a treated rate .15 above (counts: a ratio of 1.5).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

import trialkit as tk
from tests.calibration.binary_trials import (
    Estimates,
    alone,
    clusters,
    counts,
    events,
    g_computation,
    groups_in_one_arm,
    regression,
    truth,
)
from tests.calibration.tables import (
    REPLICATES,
    coverage_inside,
    grid,
    mc_error,
    over_designs,
    p_values,
    size_inside,
)

GROUPS, ICCS, RATES = (6, 10, 20, 40), (0.0, 0.05, 0.1, 0.3), (0.1, 0.3, 0.5)
MAKE = {"groups in one arm": groups_in_one_arm, "clusters": clusters, "people alone": alone}
MEASURES = ("risk_difference", "risk_ratio")
COLUMNS = ("units", "icc", "control", "treated")


def one_design(
    design: str, size: int, icc: float, rates: tuple[float, float], number: int, replicates: int = REPLICATES
) -> dict[str, np.ndarray]:
    """Per analysis: rejections, intervals that cover, undefined ratios, sum of df."""
    seed = [size, int(100 * icc), *(int(1000 * r) for r in rates), number, len(design)]
    rng = np.random.default_rng(seed)
    people = MAKE[design](size, rng)
    x, y = events(people, icc, rates, rng, replicates)
    found = dict(g_computation(people, x, y, MEASURES, ye=design == "people alone"))
    if design == "people alone":
        found |= {f"{m}, df='independence'": e for m, e in g_computation(people, x, y, MEASURES).items()}
    return {name: tally(e, truth(name.split(",")[0], rates)) for name, e in found.items()}


def one_count_design(
    size: int, spread: float, means: tuple[float, float], number: int, replicates: int = REPLICATES
) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([size, int(100 * spread), *(int(1000 * m) for m in means), number, 77])
    people = groups_in_one_arm(size, rng)
    x, y = counts(people, spread, means, rng, replicates)
    return {"rate_ratio": tally(regression(people, x, y, "poisson"), truth("rate_ratio", means))}


def one_logit_design(
    size: int, icc: float, rates: tuple[float, float], number: int, replicates: int = REPLICATES
) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([size, int(100 * icc), *(int(1000 * r) for r in rates), number, 78])
    people = groups_in_one_arm(size, rng)
    x, y = events(people, icc, rates, rng, replicates)
    return {"odds_ratio, logit": tally(regression(people, x, y, "logistic"), 0.0)}


def tally(e: Estimates, true: float) -> np.ndarray:
    defined = np.isfinite(e.estimate) & (e.std_error > 0)
    se, df = np.where(defined, e.std_error, 1.0), np.where(defined, e.df, np.inf)
    rejected = defined & (p_values(np.where(defined, e.estimate, 0.0), se, df) < 0.05)
    missed = defined & (p_values(np.where(defined, e.estimate - true, 0.0), se, df) < 0.05)
    return np.array([rejected.sum(), missed.sum(), (~defined).sum(), np.where(defined & np.isfinite(df), df, 0.0).sum(), len(se)])


def rows_of(design: str, size: int, icc: float, rates: tuple[float, float], parts: list[dict[str, np.ndarray]]) -> list[dict]:
    """A row an analysis; what is not defined in a replicate is left out of it, and its share is said."""
    out = []
    units = 10**6 if design == "people alone" else size
    for name in parts[0]:
        rejected, missed, undefined, df, total = np.sum([p[name] for p in parts], axis=0)
        n = total - undefined
        row = {
            "design": design, "analysis": name, "units": size, "icc": icc, "control": rates[0], "treated": rates[1], "replicates": int(total),
            "undefined": undefined / total, "size": rejected / n if rates[0] == rates[1] else np.nan, "coverage": 1 - missed / n,
            "mc_error": mc_error(missed / n, n), "mean_df": df / n,
        }  # fmt: skip
        inside = size_inside(row["size"], units) if rates[0] == rates[1] else coverage_inside(row["coverage"], units)
        out.append(row | {"inside_band": inside})
    return out


def cell(
    run: Callable[..., dict[str, np.ndarray]], design: str, size: int, icc: float, control: float, treated: float
) -> list[dict]:
    arguments = (design,) if run is one_design else ()
    rates = (control, treated)
    return rows_of(design, size, icc, rates, over_designs(run, *arguments, size, icc, rates))


@pytest.mark.calibration
@pytest.mark.parametrize("design", list(MAKE))
def test_risk_difference_and_risk_ratio(design):
    sizes = (60, 100, 200, 400) if design == "people alone" else GROUPS
    cells = [(k, icc, p, p) for k in sizes for icc in (ICCS if design != "people alone" else (0.0,)) for p in RATES]
    cells += [(k, 0.0 if design == "people alone" else 0.1, p, round(p + 0.15, 2)) for k in sizes for p in RATES]
    table = grid(f"binary_{design.replace(' ', '_')}", COLUMNS, cells, partial(cell, one_design, design))
    assert (table["coverage"] > 0.9).all()


@pytest.mark.calibration
def test_rate_ratio():
    cells = [(k, spread, 1.0, 1.0) for k in GROUPS for spread in (0.0, 0.05, 0.2)]
    cells += [(k, 0.05, 1.0, 1.5) for k in GROUPS]
    table = grid("counts_groups_in_one_arm", COLUMNS, cells, partial(cell, one_count_design, "groups in one arm"))
    assert (table["coverage"] > 0.9).all()


@pytest.mark.calibration
def test_conditional_odds_ratio():
    cells = [(k, icc, 0.3, 0.3) for k in GROUPS[:3] for icc in (0.0, 0.1, 0.3)]
    table = grid("logit_groups_in_one_arm", COLUMNS, cells, partial(cell, one_logit_design, "groups in one arm"))
    assert (table["size"] < 0.1).all()


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(("design", "units"), [("groups in one arm", 6), ("clusters", 6), ("people alone", 60)])
def test_the_batch_gives_the_numbers_of_itt(design, units, measure):
    rng = np.random.default_rng(3)
    people = MAKE[design](units, rng)
    x, y = events(people, 0.1, (0.3, 0.45), rng, 3)
    found = g_computation(people, x, y, MEASURES, ye=design == "people alone")[measure]
    for r in range(3):
        e = tk.itt(people.trial(x[r], y[r]), "y", adjust=["x"], measure=measure).estimates[0]
        expected = (e.estimate if measure == "risk_difference" else np.log(e.estimate), e.std_error, e.df)
        np.testing.assert_allclose((found.estimate[r], found.std_error[r], found.df[r]), expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("family", "estimator", "measure"), [("logistic", "logit", "odds_ratio"), ("poisson", "poisson", "rate_ratio")]
)
def test_the_batch_gives_the_numbers_of_regressions(family, estimator, measure):
    rng = np.random.default_rng(4)
    people = groups_in_one_arm(6, rng)
    x, y = events(people, 0.1, (0.3, 0.45), rng, 2)
    found = regression(people, x, y, family)
    e = tk.itt(people.trial(x[1], y[1]), "y", adjust=["x"], measure=measure, estimator=estimator).estimates[0]
    np.testing.assert_allclose(
        (found.estimate[1], found.std_error[1], found.df[1]), (np.log(e.estimate), e.std_error, e.df), rtol=1e-9
    )


@pytest.mark.parametrize(("design", "units", "rate"), [("groups in one arm", 10, 0.3), ("people alone", 200, 0.3)])
def test_a_thin_version_of_the_size(design, units, rate):
    """2,000 replicates: within five Monte Carlo errors of the nominal level."""
    parts = [one_design(design, units, 0.1 if design != "people alone" else 0.0, (rate, rate), d) for d in range(4)]
    total = 4 * REPLICATES
    for name in MEASURES:
        rejected, _, undefined, _, _ = np.sum([p[name] for p in parts], axis=0)
        assert undefined == 0
        assert abs(rejected / total - 0.05) < 5 * np.sqrt(0.05 * 0.95 / total)
