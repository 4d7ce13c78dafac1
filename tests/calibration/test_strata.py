"""Size and coverage of the default estimators with strata, groups in one arm or clusters in both, equal and varying shares.

Coverage is of the sample-average effect when the effect differs by stratum; the interacted regressions are equivariant to it, so
theirs is one minus the size. 'ancova' is the default of `tk.itt` with the design declared: additive strata with equal shares, interacted
with varying ones. 'ancova, additive' is what it resolves to without a design where the shares could still be equal by chance (column
`seen_without_design`: how often varying shares are recognized from the data alone).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

import trialkit as tk
from tests.calibration.batch import Batch, Found
from tests.calibration.strata_trials import CLUSTERS, ONE_ARM, StrataTrial, clusters, one_arm, regression
from tests.calibration.tables import (
    DESIGNS,
    REPLICATES,
    coverage_inside,
    grid,
    mc_error,
    over_designs,
    p_values,
    size_inside,
)

MAKE = {"groups in one arm": one_arm, "clusters": clusters}
LAYOUTS = {"groups in one arm": ONE_ARM, "clusters": CLUSTERS}
GROUPS, ICCS = (6, 10, 20, 40), (0.0, 0.05, 0.1, 0.3)


def analyses(design: str, shares: str) -> list[tuple[str, str, str]]:
    """Name, estimator, strata_effects."""
    out = [("ancova", "ancova", "auto"), ("lin", "lin", "auto")]
    if shares != "varying, strata of one cluster":  # there the blocked difference in means refuses
        out.append(("difference_in_means", "difference_in_means", "auto"))
    if shares != "equal" and design == "clusters":  # varying shares of single people are seen in the data
        out.append(("ancova, additive", "ancova", "additive"))
    return out


def one_design(
    design: str, groups: int, shares: str, unequal: bool, icc: float, number: int, replicates: int = REPLICATES
) -> dict[str, np.ndarray]:
    """Per analysis: rejections, intervals that cover, mean df, failures of the working covariance; and whether shares are seen to vary."""
    rng = np.random.default_rng([groups, int(icc * 100), int(unequal), number, list(LAYOUTS[design]).index(shares), len(design)])
    people = MAKE[design](groups, shares, unequal, rng)
    y = people.outcomes(rng, icc, replicates)
    change, truth = people.effects
    out = {}
    for name, estimator, strata_effects in analyses(design, shares):
        batch = regression(people, y[0], estimator, strata_effects)
        none = batch.run(y)
        some = shifted(batch, none, y, change)
        rejected = p_values(none.estimate, none.std_error, none.df) < 0.05
        covered = p_values(some.estimate - truth, some.std_error, some.df) >= 0.05
        out[name] = np.array([rejected.sum(), covered.sum(), none.df.mean(), none.failures])
    out["seen"] = np.array([people.shares_differ_without_design()])
    return out


def shifted(batch: Batch, none: Found, y: np.ndarray, change: np.ndarray) -> Found:
    """The analysis of y + change; a change in the column space moves the estimate and nothing else."""
    if np.abs(change - batch.basis @ (batch.basis.T @ change)).max() < 1e-10:
        return replace(none, estimate=none.estimate + batch.slope @ change)
    return batch.run(y + change)


def cell(design: str, groups: int, shares: str, unequal: bool, icc: float) -> list[dict[str, object]]:
    parts = over_designs(one_design, design, groups, shares, unequal, icc)
    total = DESIGNS * REPLICATES
    rows = []
    for name, _, _ in analyses(design, shares):
        found = np.array([p[name] for p in parts])
        size, coverage = found[:, 0].sum() / total, found[:, 1].sum() / total
        rows.append(
            {
                "design": design, "groups_per_arm": groups, "sizes": "unequal" if unequal else "equal", "shares": shares, "icc": icc,
                "estimator": name, "replicates": total, "size": size, "coverage": coverage, "mc_error": mc_error(size, total),
                "mean_df": round(found[:, 2].mean(), 2), "reml_failures": int(found[:, 3].sum()),
                "seen_without_design": round(float(np.mean([p["seen"] for p in parts])), 3),
                "inside_band": size_inside(size, groups) and coverage_inside(coverage, groups),
            }
        )  # fmt: skip
    return rows


@pytest.mark.calibration
@pytest.mark.slow
def test_size_and_coverage_with_strata():
    cells = {}
    for d, k, number, unequal, icc in product(MAKE, GROUPS, (0, 1, 2), (False, True), ICCS):
        shares = list(LAYOUTS[d])[number]
        cells[d, k, "unequal" if unequal else "equal", shares, icc] = (d, k, shares, unequal, icc)
    table = grid("strata", ("design", "groups_per_arm", "sizes", "shares", "icc"), cells, cell)
    # a cell outside its band is a finding that the table shows; gross failures stop here
    assert (table.loc[table["estimator"] != "ancova, additive", "size"] <= 0.09).all()


@pytest.mark.parametrize("design", list(MAKE))
@pytest.mark.parametrize("shares", [0, 1, 2])
def test_the_batched_path_is_the_package(design, shares):
    layout = list(LAYOUTS[design])[shares]
    rng = np.random.default_rng([7, shares])
    people = MAKE[design](10, layout, True, rng)
    y = people.outcomes(rng, 0.1, 60)
    for name, estimator, strata_effects in analyses(design, layout):
        found = regression(people, y[0], estimator, strata_effects).run(y)
        for r in (0, 17, 59):
            _agrees(people, y[r], estimator, strata_effects, (found.estimate[r], found.std_error[r], found.df[r]), name)


def _agrees(people: StrataTrial, y, estimator, strata_effects, found, name) -> None:
    adjust = [] if estimator == "difference_in_means" else ["y0"]
    e = tk.itt(people.trial(y), "y", adjust=adjust, estimator=estimator, strata_effects=strata_effects).estimates[0]
    assert found[:2] == pytest.approx((e.estimate, e.std_error), abs=1e-9), name
    assert found[2] == pytest.approx(e.df, rel=1e-7), name
    assert p_values(*found) == pytest.approx(e.p_value, abs=1e-9), name


@pytest.mark.parametrize("design", list(MAKE))
def test_a_thin_version_of_the_size(design):
    """2,000 replicates at 10 groups, varying shares: within five Monte Carlo errors of the nominal level."""
    parts = [one_design(design, 10, "varying", True, 0.05, d, replicates=250) for d in range(8)]
    size = sum(p["ancova"][0] for p in parts) / 2000
    coverage = sum(p["ancova"][1] for p in parts) / 2000
    assert abs(size - 0.05) < 5 * np.sqrt(0.05 * 0.95 / 2000)
    assert coverage == pytest.approx(1 - size, abs=1e-12)
