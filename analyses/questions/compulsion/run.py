"""May people be made to go? A doubly randomized preference trial: first who may choose, then the programme of the others.

From the top of the repository: `python analyses/questions/compulsion/run.py`.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

import trialkit as tk

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import telling  # noqa: E402  (the folder above is not a package)
import town  # noqa: E402

SEED, N, WORTHWHILE = 1, 1760, 0.15
# in standard deviations: a group instead of coaching for people who would choose it and for people who would not; how much better off the first are anyway
WILLING, UNWILLING, AHEAD, ICC = 0.40, -0.20, 0.15, 0.05
OUTCOME = "self_efficacy_t1"


def main(arguments: list[str]) -> int:
    """Print the answer."""
    return telling.told(answer, arguments)


def answer() -> dict[str, Any]:
    """Simulate, run the plan on the half that was drawn, and set the choosers beside it."""
    frame = data()
    drawn = frame[frame["may_choose"] == "random"]
    report = tk.Plan.load(HERE / "plan.toml").run(drawn)
    by = {e.extra["subgroup"]: e for e in next(iter(report.subgroups.values())).estimates}
    effects = tk.selection.preference_trial(frame, OUTCOME, arm="may_choose", treatment="programme", reference="alone")
    preference = next(e for e in effects.estimates if e.extra["effect"] == "preference")
    low, high = by_groups(frame, preference.estimate)
    unwilling = by[next(k for k in by if k.endswith("alone"))]
    willing = by[next(k for k in by if k.endswith("group"))]
    true = (WILLING - UNWILLING) / 2
    return {
        "question": "May people be made to go, or does it matter that they chose?",
        "design": "people are drawn to choose or to have their programme drawn; everyone says beforehand what they would choose; groups in the group programme only",
        "size": size(),
        "estimand": "preference effect: having the programme one prefers instead of the other, in SD of self-efficacy",
        "truth": true,
        "naive": naive(frame),
        "estimate": preference.estimate,
        "low": low,
        "high": high,
        "rows": [
            telling.row("preference effect, groups ignored", found=preference, truth=true),
            telling.row(
                "group instead of coaching, drawn, all", found=report.outcomes[0].result.estimates[0], truth=average(frame)
            ),
            telling.row("  who would have chosen the group", found=willing, truth=WILLING),
            telling.row("  who would not: made to go", found=unwilling, truth=UNWILLING),
        ],
        "conclusion": conclusion(low, high, unwilling),
        "missing": "tk.selection.preference_trial takes no groups and no covariates, and tk.power has no preference design: the interval is computed in the "
        "script, with variances between groups, and the size is a multiple of that of two arms.",
    }


def data() -> pd.DataFrame:
    """The trial. What people would choose is known; in the choosing half they get it, in the other half the lot decides."""
    frame = town.people(N, seed=SEED)
    frame["may_choose"] = town.allocate(frame, seed=SEED, arms=("choice", "random"), by=None, name="who may choose")
    wish = town.binary(frame, "prefers the group", seed=SEED, share=0.5, on="motivation", slope=0.8)
    frame["prefers"] = np.where(wish == 1, "group", "alone")
    lot = town.allocate(frame, seed=SEED, arms=("alone", "group"), by="may_choose")
    frame["programme"] = np.where(frame["may_choose"] == "choice", frame["prefers"], lot)
    in_group = frame["programme"] == "group"
    frame["group"] = town.groups(frame, in_group, seed=SEED, by="may_choose")
    effect = AHEAD * wish + np.where(wish == 1, WILLING, UNWILLING) * in_group
    frame[OUTCOME] = town.scores(
        frame, "self-efficacy", seed=SEED, effect=effect, group=frame["group"], group_sd=math.sqrt(ICC / (1 - ICC)),
        baseline="self_efficacy_t0", persistence=0.6,
    )  # fmt: skip
    return frame


def average(frame: pd.DataFrame) -> float:
    """The effect of the group by lot, over willing and unwilling as many as there are."""
    return float(np.where(frame["prefers"] == "group", WILLING, UNWILLING).mean())


def naive(frame: pd.DataFrame) -> float:
    """Volunteers against people sent by lot, both in groups: who chooses is also who does better."""
    inside = frame[frame["programme"] == "group"].groupby("may_choose")[OUTCOME].mean()
    return float(inside["choice"] - inside["random"])


def by_groups(frame: pd.DataFrame, estimate: float) -> tuple[float, float]:
    """95 % interval of the preference effect when people of one group fare alike.

    The effect is half of (x1 - y1)/(1 - p) + (x2 - y2)/p, with p the share that chooses the group, x the means of people who chose the group or coaching and
    y those of people who drew it (Rücker 1989). The variance of each mean is that between groups; the share varies by person, because choosing comes before
    groups are formed.
    """
    chose = frame["may_choose"] == "choice"
    p = float((frame.loc[chose, "programme"] == "group").mean())
    weight = {"group": 0.5 / (1 - p), "alone": 0.5 / p}
    cells = dict(list(frame.groupby(["may_choose", "programme"])))
    variance = sum(weight[programme] ** 2 * variance_of_mean(cell) for (_, programme), cell in cells.items())
    gap = {k: cells["choice", k][OUTCOME].mean() - cells["random", k][OUTCOME].mean() for k in weight}
    slope = 0.5 * (gap["group"] / (1 - p) ** 2 - gap["alone"] / p**2)
    variance += slope**2 * p * (1 - p) / chose.sum()
    groups = min(cells[half, "group"]["group"].nunique() for half in ("choice", "random"))
    reach = float(stats.t.ppf(0.975, groups - 1)) * math.sqrt(variance)
    return estimate - reach, estimate + reach


def variance_of_mean(cell: pd.DataFrame) -> float:
    """Of the mean of people who were treated alike: between groups, or between people alone."""
    unit = cell["group"].where(cell["group"].notna(), cell["id"])
    sums = (cell[OUTCOME] - cell[OUTCOME].mean()).groupby(unit).sum()
    return float(len(sums) / (len(sums) - 1) * (sums**2).sum() / len(cell) ** 2)


def size() -> str:
    """Where half would choose the group, the preference effect has four times the variance of the effect of two arms of as many people."""
    two_arms = tk.power.individual(effect=(WILLING - UNWILLING) / 2, power=0.8)
    wanted = 4 * two_arms.n * (1 + (1 + 9 * ICC)) / 2
    return (
        f"{N} people, half of whom choose. Wanted for 80 % power for a preference effect of {(WILLING - UNWILLING) / 2:.2f} SD when half would choose the group: "
        f"about {math.ceil(wanted / 10) * 10}, four times the {math.ceil(two_arms.n)} of a trial of two arms and more for the groups"
    )


def conclusion(low: float, high: float, unwilling: Any) -> str:
    """From the intervals alone."""
    first = telling.verdict(low, high, WORTHWHILE, of="An advantage of having what one prefers")
    span = f"{telling.number(unwilling.conf_low)} to {telling.number(unwilling.conf_high)} SD"
    said = "lose by it" if unwilling.conf_high < 0 else "gain all the same" if unwilling.conf_low > 0 else "may lose or gain"
    return f"{first[:-1]} ({telling.number(low)} to {telling.number(high)} SD); people made to go against their preference {said} ({span})."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
