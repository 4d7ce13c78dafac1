"""Savings groups in three arms: the plan, what is done instead, harms, and how often each interval holds the truth.

From the top of the repository: `python analyses/kast_2012_groups/run.py [folder for the report]`, or with `coverage` as the only argument the
last table (half a minute).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import trialkit as tk
from trialkit.results import Estimate

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import planned  # noqa: E402  (the folder above is not a package)

KEY = HERE.name
ADJUST = ["age", "female", "saved_t0"]
MEASURES = {"deposits": "rate_ratio", "balance": "mean_ratio"}
SERIOUS_GRADE = 3


def main(arguments: list[str]) -> int:
    """The plan and the tables beside it; or, with `coverage`, replicated data."""
    if arguments == ["coverage"]:
        print(coverage().to_string(index=False))
        return 0
    planned.main(KEY, arguments)
    data = tk.read(planned.data(KEY))
    print("\nInstead:", naive(data).to_string(index=False), sep="\n")
    print("\nHarms:", harms(data, events()).to_string(index=False), sep="\n")
    return 0


def trial(data: pd.DataFrame, *, clustered: bool = True) -> tk.Trial:
    """The members; the groups were randomized."""
    return tk.Trial(data, arm="arm", control="account", unit="id", cluster="savings_group" if clustered else None)


def naive(data: pd.DataFrame) -> pd.DataFrame:
    """The peer groups against the account alone, by what is often done with skewed amounts in groups."""
    truth = tk.simulate.scenario(KEY, seed=1).value
    rows = []
    for outcome in MEASURES:
        for name, (metric, estimate) in ANALYSES.items():
            e = estimate(data, outcome)
            shown = [f"{v:.3f}" for v in (e.estimate, e.conf_low, e.conf_high)]
            rows.append(
                {
                    "outcome": outcome,
                    "analysis": name,
                    "truth": f"{truth(outcome, metric, arm='self_help'):.3f}",
                    "estimate": shown[0],
                    "interval": f"{shown[1]} to {shown[2]}",
                }
            )
    return pd.DataFrame(rows)


def ratio(data: pd.DataFrame, outcome: str) -> Estimate:
    """Ratio of means with the groups as clusters."""
    return _self_help(tk.itt(trial(data), outcome, measure=MEASURES[outcome], adjust=ADJUST))


def ratio_of_people(data: pd.DataFrame, outcome: str) -> Estimate:
    """The same as if people had been randomized."""
    return _self_help(tk.itt(trial(data, clustered=False), outcome, measure=MEASURES[outcome], adjust=ADJUST))


def t_test(data: pd.DataFrame, outcome: str) -> Estimate:
    """Difference in means as if people had been randomized."""
    return _self_help(tk.itt(trial(data, clustered=False), outcome, estimator="difference_in_means"))


def log_plus_one(data: pd.DataFrame, outcome: str) -> Estimate:
    """Regression of log(1 + y), clustered, its coefficient turned into a 'ratio'."""
    logs = data.assign(logged=np.log1p(data[outcome]))
    found = _self_help(tk.itt(trial(logs), "logged", adjust=ADJUST))
    return replace(found, **{k: float(np.exp(getattr(found, k))) for k in ("estimate", "conf_low", "conf_high")})


ANALYSES: dict[str, tuple[str, Callable[[pd.DataFrame, str], Estimate]]] = {
    "ratio of means, groups as clusters": ("mean_ratio", ratio),
    "ratio of means, as if people were randomized": ("mean_ratio", ratio_of_people),
    "exp of a regression of log(1 + y)": ("mean_ratio", log_plus_one),
    "t test of people": ("difference", t_test),
}


def _self_help(found: tk.Result) -> Estimate:
    return next(e for e in found.estimates if e.contrast == "self_help - account")


def events() -> pd.DataFrame:
    """The list of adverse events; grade 3 is serious."""
    listed = pd.read_csv(planned.data(KEY).with_name(f"{KEY}.adverse_events.csv"))
    return listed.assign(serious=(listed["grade"] >= SERIOUS_GRADE).astype(int))


def harms(data: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    """People with events by arm, and what no event leaves open."""
    table = tk.harms(trial(data), events=listed).tidy()
    shown = table[["event", "arm", "people", "with_event"]].copy()
    shown["share"] = [f"{100 * s:.1f} %" for s in table["share"]]
    shown["upper limit"] = ["" if pd.isna(v) else f"{100 * v:.2f} %" for v in table["limit"]]
    return shown


def coverage(n: int = 300) -> pd.DataFrame:
    """Shares of intervals that hold the truth, and of false alarms for the interest rate, over replicated data."""
    sets = tk.simulate.many(KEY, n=n, seed=1)
    found: dict[tuple[str, str, str], list[tuple[float, bool]]] = {}
    for r in range(n):
        data = sets.data(r)
        for clustered, label in ((True, "groups as clusters"), (False, "as if people were randomized")):
            for outcome, measure in MEASURES.items():
                for e in tk.itt(trial(data, clustered=clustered), outcome, measure=measure, adjust=ADJUST).estimates:
                    arm = e.contrast.split(" - ")[0]
                    truth = sets.value(outcome, "mean_ratio", arm=arm)
                    found.setdefault((label, outcome, arm), []).append((e.estimate, e.conf_low <= truth <= e.conf_high))
    rows = []
    for (label, outcome, arm), each in sorted(found.items()):
        truth = sets.value(outcome, "mean_ratio", arm=arm)
        rows.append(
            {
                "analysis": label,
                "outcome": outcome,
                "arm": arm,
                "truth": f"{truth:.3f}",
                "median estimate": f"{np.median([e for e, _ in each]):.3f}",
                "coverage of 95 %": f"{100 * np.mean([c for _, c in each]):.1f}",
            }
        )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
