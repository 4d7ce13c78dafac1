"""The plans whose lines for R were run: those of the simulated trials, some with another estimator or covariance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from trialkit.plan.plan import Plan
from trialkit.plan.planned.prepare import prepare
from trialkit.trial import Trial

ROOT = Path(__file__).resolve().parents[2]
STORED = Path(__file__).parent / "data" / "r_lines.json"
ANCOVA = 'estimator = "ancova"'
ALONE = """\
schema_version = 1
[trial]
title = "people alone"
population = "people"
[arms]
individual = { control = true }
peer = {}
[data]
unit = "id"
arm = "arm"
categorical = ["education"]
missing_codes = { -99 = "refused", -98 = "does not know" }
[[outcomes]]
name = "employed"
column = "employed_t2"
role = "primary"
measure = "risk_difference"
[analysis]
adjust = ["age", "education", "agency", "motivation_t0"]
"""


MADE = """\
schema_version = 1
[trial]
title = "made"
population = "people"
[arms]
a = { control = true }
b = {}
[data]
unit = "id"
arm = "by_site"
missing_codes = { -99 = "refused" }
[[outcomes]]
name = "y"
column = "y1"
role = "primary"
[analysis]
adjust = ["age", "school"]
"""
BY_SITE = ('arm = "by_site"', 'arm = "by_site"\nstrata = ["site"]')
WEIGHTED = ('arm = "by_site"', 'arm = "by_site"\nstrata = ["site"]\nweights = "w"')


def made(*changes: tuple[str, str], analysis: str = "") -> str:
    """The plan of made people, changed."""
    text = MADE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return f"{text}{analysis}\n"


def people(n: int = 600) -> pd.DataFrame:
    """Made people: villages with an arm each, sites with other shares of the arms, gaps in every covariate and in the outcome."""
    rng = np.random.default_rng(3)
    village, site = rng.integers(0, 40, n), rng.choice(list("xyz"), n)
    by_village = rng.permutation(["a", "b"] * 20)[village]
    by_site = np.where(rng.random(n) < np.where(site == "x", 0.3, 0.6), "b", "a")
    frame = pd.DataFrame({"id": range(n), "village": village, "site": site, "by_village": by_village, "by_site": by_site})
    frame["by_three"] = rng.choice(["a", "b", "c"], n)
    frame["age"], frame["school"], frame["w"] = (
        rng.normal(40, 9, n),
        rng.choice(["low", "mid", "high"], n),
        rng.uniform(0.5, 3, n),
    )
    frame["y1"] = rng.normal(size=n) + 0.3 * (by_village == "b") + 0.02 * frame["age"]
    frame["died"] = (rng.random(n) < 0.05).astype(int)
    for column, gap in (("age", np.nan), ("school", None), ("y1", -99.0)):
        frame.loc[rng.random(n) < 0.1, column] = gap
    return frame


@dataclass(frozen=True)
class Case:
    """A simulated trial's plan beside its data; `change` replaces a text in it, `text` is a plan of its own; no trial: made people."""

    trial: str
    change: tuple[str, str] = ("", "")
    text: str = ""


CASES = {
    "groups in one arm": Case("klier_2019"),
    "lin": Case("klier_2019", (ANCOVA, 'estimator = "lin"')),
    "strata interacted": Case("klier_2019", (ANCOVA, 'strata_effects = "interacted"')),
    "CR1": Case("klier_2019", (ANCOVA, 'covariance = "CR1"')),
    "independence": Case("klier_2019", (ANCOVA, 'df = "independence"')),
    "scale": Case("felgenhauer_2019"),
    "few groups": Case("himle_2014"),
    "clusters": Case("greaney_2016"),
    "scale and strata": Case("tyohon"),
    "two primary outcomes": Case("jobs_ii_2000"),
    "people alone": Case("klier_2019", text=ALONE),
    "no covariates": Case("klier_2019", text=ALONE[: ALONE.index("adjust")] + 'estimator = "difference_in_means"\n'),
    "HC3": Case("klier_2019", text=ALONE.replace("[analysis]\n", '[analysis]\ncovariance = "HC3"\n')),
    "clusters, weights": Case("", text=made(('arm = "by_site"', 'arm = "by_village"\ncluster = "village"\nweights = "w"'))),
    "clusters, lin": Case(
        "", text=made(('arm = "by_site"', 'arm = "by_village"\ncluster = "village"'), analysis='estimator = "lin"')
    ),
    "unequal strata": Case("", text=made(BY_SITE)),
    "unequal strata, drop": Case("", text=made(BY_SITE, analysis='covariate_missing = "drop"')),
    "unequal strata, additive": Case("", text=made(BY_SITE, analysis='strata_effects = "additive"')),
    "weights, interacted": Case("", text=made(WEIGHTED, analysis='strata_effects = "interacted"')),
    "weights, lin": Case("", text=made(WEIGHTED, analysis='estimator = "lin"')),
    "three arms, HC1": Case("", text=made(("b = {}", "b = {}\nc = {}"), ("by_site", "by_three"), analysis='covariance = "HC1"')),
    "an event that counts": Case(
        "",
        text=made(
            (
                'role = "primary"',
                'role = "primary"\nintercurrent = { died = { strategy = "composite", value = -2.0, column = "died" } }',
            )
        ),
    ),
}


def plan_and_trial(case: Case) -> tuple[Plan, Trial]:
    """The plan of a case and its trial, scored."""
    if not case.trial:
        plan = Plan.from_text(case.text)
        return plan, prepare(plan.spec, people()).trial
    path = ROOT / "analyses" / case.trial / "plan.toml"
    text = case.text or path.read_text(encoding="utf-8")
    if case.change[0]:
        assert case.change[0] in text
        text = text.replace(*case.change, 1)
    plan = replace(Plan.from_text(text), path=path)
    return plan, prepare(plan.spec, ROOT / "simulated_data" / f"{case.trial}.csv", folder=path.parent).trial
