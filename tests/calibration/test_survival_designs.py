"""Cox models with covariates, strata and clusters: size of the default covariance where leverage and strata matter.

Strata differ in their baseline hazards (from exp(-.7) to exp(.7) of the middle one) and hold whole groups; nothing has an effect. Models
that leave units out are fitted one replicate at a time, so that strata have 1,000 replicates a cell.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.calibration.one_arm_outcomes import OneArm
from tests.calibration.tables import DESIGNS, REPLICATES, grid, over_designs
from tests.calibration.test_survival import Errors, by_arm, row, times
from trialkit.estimate.request import Request
from trialkit.estimate.sample import sample
from trialkit.estimate.survival.cox import effects
from trialkit.estimate.survival.logrank import logrank_of
from trialkit.estimate.survival.spread import adjusted_values
from trialkit.estimate.survival.time_sample import time_sample
from trialkit.inference.survival.cox import cox

TIME = tk.Time("y", "event")
REQUEST = Request("y", (), "cox", "hazard_ratio", "auto", "auto", "auto", "participant", "control", "impute", 0.95)
CALLS = 25  # for each of 40 designs
COLUMNS = ("design", "strata", "units", "icc")
STRATA = [(2, 5, False), (4, 5, False), (6, 2, False), (10, 1, False), (4, 3, True), (10, 2, True), (12, 1, True)]


def covariates_design(groups: int, icc: float, count: int, design: int) -> Errors:
    """Covariates of people, the first of which is the same for a whole group."""
    rng = np.random.default_rng([21, groups, int(icc * 100), count, design])
    people = OneArm.drawn(groups, rng)
    time, event = times(people.scores(REPLICATES, icc, rng), np.ones(people.n), "light", rng)
    x = rng.normal(size=(people.n, count))
    x[: len(people.group), 0] = rng.normal(size=groups)[people.group]
    s = sample(people.trial(time[0]), "y", (), "impute")
    fit = cox(time=time, event=event, X=np.column_stack([s.arm, x]))
    vector = np.zeros(count + 1)
    vector[0] = 1.0
    values = adjusted_values(s, fit, vector) * np.bincount(s.arm)[s.arm]
    found = by_arm(s, values[0]).run(values)
    return fit.coef[:, 0], found.std_error, found.df


def strata_trial(strata: int, per_stratum: int, icc: float, clusters: bool, rng: np.random.Generator) -> tk.Trial:
    """`per_stratum` groups of about 12 in each stratum and as many controls; or as many clusters in either arm."""
    units = strata * per_stratum * (2 if clusters else 1)
    sizes = np.maximum(2, np.round(rng.gamma(4, 3, units))).astype(int)
    unit = np.repeat(np.arange(units), sizes)
    place = unit % strata
    arm = (unit // strata) % 2 if clusters else np.ones(len(unit), dtype=np.int64)
    scores = np.sqrt(icc) * rng.normal(size=units)[unit] + np.sqrt(1 - icc) * rng.normal(size=len(unit))
    label = pd.Series([f"u{u}" for u in unit], dtype="object")
    if not clusters:
        controls = np.repeat(np.arange(strata), np.bincount(place, minlength=strata))
        place, arm = np.r_[place, controls], np.r_[arm, np.zeros(len(controls), dtype=np.int64)]
        scores = np.r_[scores, rng.normal(size=len(controls))]
        label = pd.concat([label, pd.Series([None] * len(controls), dtype="object")], ignore_index=True)
    hazard = np.exp(np.linspace(-0.7, 0.7, strata))[place] if strata > 1 else np.ones(len(place))
    time, event = times(scores[None], hazard, "light", rng)
    d = pd.DataFrame({"arm": arm, "y": time[0], "event": event[0].astype(int), "place": place, "unit": label})
    return tk.Trial(d, arm="arm", control=0, strata=["place"], **({"cluster": "unit"} if clusters else {"group": "unit"}))


def strata_design(strata: int, per_stratum: int, icc: float, clusters: bool, calls: int, design: int) -> dict[str, Errors]:
    rng = np.random.default_rng([22, strata, per_stratum, int(icc * 100), int(clusters), design])
    found: dict[str, list] = {"hazard_ratio": [], "logrank": []}
    for _ in range(calls):
        trial = strata_trial(strata, per_stratum, icc, clusters, rng)
        t = time_sample(trial, TIME, (), "impute")
        c = effects(trial, t, REQUEST).contrasts[0]
        test = logrank_of(t, t.people.stratum, "auto")
        found["hazard_ratio"].append((c.estimate, c.std_error, c.df))
        found["logrank"].append((np.sqrt(test.statistic), 1.0, test.df_denom))
    return {k: tuple(np.array(v).T) for k, v in found.items()}  # type: ignore[misc]


def covariates_cell(groups: int, icc: float) -> list[dict]:
    of = {"design": "3 covariates", "strata": 1, "units": groups, "icc": icc, "measure": "hazard_ratio", "hazard_ratio": 1.0}
    return [row(of, over_designs(covariates_design, groups, icc, 3), groups)]


def strata_cell(strata: int, per_stratum: int, clusters: bool, icc: float) -> list[dict]:
    parts = over_designs(strata_design, strata, per_stratum, icc, clusters, CALLS)
    units = strata * per_stratum * (2 if clusters else 1)
    of = {"design": "clusters" if clusters else "groups in one arm", "strata": strata, "units": units, "icc": icc}
    return [row(of | {"measure": m, "hazard_ratio": 1.0}, [p[m] for p in parts], units) for m in parts[0]]


def either(covariates: bool, *arguments: Any) -> list[dict]:
    return (covariates_cell if covariates else strata_cell)(*arguments)


@pytest.mark.calibration
def test_covariates_strata_and_clusters():
    cells = {("3 covariates", 1, k, icc): (True, k, icc) for k in (6, 10, 20) for icc in (0.05, 0.2)}
    for strata, per_stratum, clusters in STRATA:
        design, units = ("clusters", 2 * strata * per_stratum) if clusters else ("groups in one arm", strata * per_stratum)
        cells |= {(design, strata, units, icc): (False, strata, per_stratum, clusters, icc) for icc in (0.0, 0.1)}
    table = grid("survival_designs", COLUMNS, cells, either, replicates=DESIGNS * CALLS)
    assert (table["wrong"] < 0.12).all()


def test_strata_raise_the_variance_that_shrunk_scores_give():
    """Two groups a stratum: plain values miss between a sixth and a third of the variance (docs/calibration.md)."""
    rng = np.random.default_rng(23)
    raised = []
    for _ in range(12):
        trial = strata_trial(5, 2, 0.2, False, rng)
        raised.append(effects(trial, time_sample(trial, TIME, (), "impute"), REQUEST).inflation[0])
    assert 1.2 < np.mean(raised) < 2.0
