"""A plan with every kind of outcome, margins and subgroups: what it reports is what the functions give."""

from __future__ import annotations

import json
import re
from functools import cache

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.plan.words.verdict import verdict_of
from trialkit.report.save import Report

PLAN = """
schema_version = 1
[trial]
title = "Every kind of outcome"
population = "people out of work"
[arms]
solo = { label = "One-on-one", control = true }
peer = { label = "Peer group", grouped = true }
[data]
unit = "id"
arm = "arm"
group = "group"
strata = ["agency"]
[[outcomes]]
name = "weeks"
time = "weeks"
event = "event"
role = "primary"
measure = "hazard_ratio"
better = "lower"
smallest_worthwhile = 1.2
[[outcomes]]
name = "job"
column = "job"
role = "primary"
measure = "risk_ratio"
better = "higher"
[[outcomes]]
name = "rmst"
time = "weeks"
event = "event"
role = "secondary"
measure = "rmst_difference"
tau = 26
better = "lower"
[[outcomes]]
name = "efficacy"
column = "y1"
baseline = "y0"
role = "secondary"
better = "higher"
noninferiority = 0.2
[[outcomes]]
name = "contacts"
column = "contacts"
role = "secondary"
measure = "rate_ratio"
better = "higher"
[[outcomes]]
name = "median"
column = "y1"
role = "exploratory"
measure = "quantile"
q = 0.5
[[outcomes]]
name = "rating"
column = "rating"
role = "exploratory"
measure = "win_odds"
better = "higher"
[[outcomes]]
name = "rating_po"
column = "rating"
role = "exploratory"
measure = "proportional_odds"
better = "higher"
[analysis]
adjust = ["age"]
companions = ["mixed", "lin", "wild_bootstrap"]
draws = 200
seed = 3
[multiplicity]
method = "romano_wolf"
draws = 500
seed = 4
[[subgroups]]
by = "agency"
kind = "categorical"
outcomes = ["efficacy", "job"]
[[subgroups]]
by = "age"
kind = "continuous"
outcomes = ["efficacy"]
"""


@cache
def people() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    n = 240
    d = pd.DataFrame({"id": range(n), "arm": np.where(np.arange(n) % 2, "peer", "solo"), "agency": rng.choice(["a", "b"], n)})
    d["age"], d["y0"] = rng.normal(40, 10, n).round(), rng.normal(3, 1, n)
    d["group"] = None
    for a in "ab":
        inside = d.index[(d["arm"] == "peer") & (d["agency"] == a)]
        d.loc[inside, "group"] = [f"{a}{i % (len(inside) // 8)}" for i in range(len(inside))]
    pull = d["group"].map({g: rng.normal(0, 0.3) for g in d["group"].dropna().unique()}).fillna(0).astype(float)
    t = (d["arm"] == "peer") * 1
    d["y1"] = 2.9 + 0.5 * d["y0"] + 0.4 * t + pull + rng.normal(0, 0.8, n)
    d["job"] = (rng.random(n) < 1 / (1 + np.exp(0.6 - 0.5 * t - pull))).astype(int)
    time, end = rng.exponential(30 / np.exp(0.4 * t + 0.3 * pull)), rng.uniform(30, 52, n)
    d["weeks"], d["event"] = np.minimum(time, end) + 0.1, (time <= end) * 1
    d["contacts"] = rng.poisson(np.exp(1 + 0.3 * t + 0.3 * pull))
    d["rating"] = np.clip(np.round(2.5 + 0.3 * t + pull + rng.normal(0, 1, n)), 1, 4).astype(int)
    return d


@cache
def report() -> Report:
    return tk.Plan.from_text(PLAN).run(people(), now="2026-01-01T00:00:00+00:00")


def trial() -> tk.Trial:
    return tk.Trial(people(), arm="arm", control="solo", unit="id", group="group", strata=["agency"])


EXPECTED = {
    "weeks": lambda: tk.itt(trial(), tk.Time("weeks", "event"), measure="hazard_ratio", adjust=["age"]),
    "job": lambda: tk.itt(trial(), "job", measure="risk_ratio", adjust=["age"]),
    "rmst": lambda: tk.itt(trial(), tk.Time("weeks", "event"), measure="rmst_difference", adjust=["age"], tau=26),
    "efficacy": lambda: tk.itt(trial(), "y1", adjust=["y0", "age"], noninferiority=0.2, better="higher"),
    "contacts": lambda: tk.itt(trial(), "contacts", measure="rate_ratio", adjust=["age"]),
    "median": lambda: tk.itt(trial(), "y1", measure="quantile", q=0.5, adjust=["age"]),
    "rating": lambda: tk.itt(trial(), "rating", measure="win_odds", adjust=["age"], better="higher"),
    "rating_po": lambda: tk.itt(trial(), "rating", measure="proportional_odds", adjust=["age"]),
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_report_says_what_itt_says(name):
    found = next(o for o in report().outcomes if o.name == name)
    (mine,), (theirs,) = found.result.estimates, EXPECTED[name]().estimates
    for part in ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high", "n", "method", "covariance"):
        assert getattr(mine, part) == getattr(theirs, part), part


def test_margins_subgroups_and_companions_are_there():
    content = report()
    assert content.not_run == tuple(
        f"outcome '{o}': companion '{c}', which is not for measure '{m}'"
        for o, m in (("weeks", "hazard_ratio"), ("job", "risk_ratio"))
        for c in ("mixed", "lin", "wild_bootstrap")
    )
    efficacy = next(o for o in content.outcomes if o.name == "efficacy")
    assert set(efficacy.companions) == {"mixed", "lin"}
    assert "p_noninferiority" in efficacy.result.tidy()
    assert list(content.subgroups) == ["efficacy by agency", "job by agency", "efficacy by age"]
    direct = tk.subgroups(trial(), "y1", by=["agency"], adjust=["y0", "age"], planned=True, kind={"agency": "categorical"})
    mine = content.subgroups["efficacy by agency"].tidy()
    np.testing.assert_allclose(mine["p_value"].dropna(), direct.tidy()["p_value"].dropna())


def test_the_report_survives_its_own_json_and_is_drawn(tmp_path):
    content = report()
    again = Report.from_dict(json.loads(json.dumps(content.to_dict())))
    assert again.to_dict() == content.to_dict()
    page = again.save(tmp_path / "report").read_text()
    for words in (
        "times the chance that it",
        "Does the effect differ between kinds of people?",
        "above 1 is better",
        "Under observation",
    ):
        assert words in page
    assert "NaN" not in page and not re.search(r"\bnan\b", page.split("</style>")[1])
    assert (tmp_path / "report" / "tables" / "subgroups.csv").exists()


@pytest.mark.parametrize(
    ("measure", "low", "high", "better", "worthwhile", "said"),
    [
        ("hazard_ratio", 1.3, 1.9, "lower", 1.2, "worthwhile_benefit"),
        ("hazard_ratio", 0.5, 0.9, "lower", None, "harm"),
        ("risk_ratio", 1.05, 1.4, "higher", 1.2, "benefit_size_uncertain"),
        ("risk_ratio", 0.9, 1.1, "higher", 1.2, "no_worthwhile_difference"),
        ("odds_ratio", 0.5, 0.8, "lower", None, "benefit_size_uncertain"),
        ("win_odds", 1.1, 1.5, "lower", None, "benefit_size_uncertain"),
        ("proportional_odds", 1.1, 1.5, "lower", None, "benefit_size_uncertain"),
        ("rmst_difference", -4.0, -1.0, "lower", 0.5, "worthwhile_benefit"),
        ("cumulative_incidence_difference", 0.02, 0.1, "lower", None, "benefit_size_uncertain"),
    ],
)
def test_verdicts_know_ratios_and_directions(measure, low, high, better, worthwhile, said):
    assert verdict_of(measure, low, high, better, worthwhile) == said
