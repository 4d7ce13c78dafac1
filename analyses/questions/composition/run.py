"""Equals or stronger shoulders? Members randomized to groups alike, moderately and widely mixed.

From the top of the repository: `python analyses/questions/composition/run.py`.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import trialkit as tk

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import town  # noqa: E402  (the folder above is not a package)
from telling import interval, row, told  # noqa: E402

SEED, N = 1, 1120
# in standard deviations, assumed: any group helps, moderately mixed ones most, and in widely mixed groups the weak gain what the strong lose
EFFECT = {"usual": 0.0, "alike": 0.10, "moderate": 0.40, "wide": 0.15}
BY_RANK = -0.4
ADJUST = ["institutional_t0", "income_t0"]


def main(arguments: list[str]) -> int:
    """Print the answer."""
    return told(answer, arguments)


def answer() -> dict[str, Any]:
    """Simulate, run the plan, and say what was found."""
    frame = data()
    report = tk.Plan.load(HERE / "plan.toml").run(frame)
    hump, over_alike, over_wide, ends, any_group = report.outcomes[0].result.estimates
    rank, thirds = by_rank(frame), by_third(frame)
    found = {
        "question": "Do people gain more among equals, or with stronger shoulders in the group?",
        "design": "members randomized to groups alike, moderately mixed or widely mixed in institutional capital, or to no group",
        "size": size(),
        "estimand": "moderately mixed groups against the mean of the two ends: the quadratic contrast in spread (SD of the score)",
        "truth": EFFECT["moderate"] - (EFFECT["alike"] + EFFECT["wide"]) / 2,
        "naive": ends.estimate,
        "estimate": hump.estimate,
        "low": hump.conf_low,
        "high": hump.conf_high,
        "missing": "plans have no word for a curve over each group's spread and for effects by own third: the script asks tk.selection.peer_composition.",
        "rows": [
            row("moderate against alike", over_alike, EFFECT["moderate"] - EFFECT["alike"]),
            row("moderate against wide", over_wide, EFFECT["moderate"] - EFFECT["wide"]),
            row("wide against alike (the naive, straight line)", ends, EFFECT["wide"] - EFFECT["alike"]),
            row("any group against none", any_group, sum(EFFECT.values()) / 3),
            row("wide against alike, lowest third by own rank", thirds["wide - alike, lowest third"], ends_truth(frame, 0)),
            row("wide against alike, highest third by own rank", thirds["wide - alike, highest third"], ends_truth(frame, 2)),
            row("wide against alike, per step from lowest to highest rank", rank, BY_RANK),
            row("bend of the curve over each group's spread (its square)", curve(frame)),
        ],
        "spread": frame[frame["arm"] != "usual"]
        .groupby(["arm", "group"])["institutional_t0"]
        .std()
        .groupby("arm")
        .mean()
        .to_dict(),
    }
    return found | {"conclusion": conclusion(found, over_alike, over_wide, rank)}


def data() -> pd.DataFrame:
    """The trial; in wide groups the members stand evenly over all ranks, in moderate ones they are drawn from near each other."""
    frame = town.people(N, seed=SEED)
    frame["rank"] = frame["institutional_t0"].rank(method="first", pct=True)
    frame["arm"] = town.allocate(frame, seed=SEED, arms=tuple(EFFECT), by=None)
    near = town.scores(frame, "near", seed=SEED, baseline="institutional_t0", persistence=0.75)
    order = frame.groupby("arm")["institutional_t0"].rank(method="first").astype(int) - 1
    frame["near"], frame["dealt"] = near, order % (N // 40)
    frame["group"] = None
    for arm, alike in (("alike", "institutional_t0"), ("moderate", "near"), ("wide", "dealt")):
        labels = town.groups(frame, frame["arm"] == arm, seed=SEED, size=(10, 10), by=None, alike=alike, name=f"groups {arm}")
        frame["group"] = np.where(pd.notna(labels), arm + " " + pd.Series(labels).astype(str), frame["group"])
    wide = (frame["arm"] == "wide").to_numpy()
    effect = frame["arm"].map(EFFECT).to_numpy(dtype=float) + wide * BY_RANK * (frame["rank"] - 0.5).to_numpy()
    frame["position_t1"] = town.scores(
        frame,
        "position",
        seed=SEED,
        effect=effect,
        group=frame["group"],
        group_sd=0.2,
        baseline="institutional_t0",
        persistence=0.5,
    )
    return frame


def by_rank(frame: pd.DataFrame) -> Any:
    """How the effect of a wide group instead of one of equals changes from the lowest to the highest own rank."""
    trial = tk.Trial(frame, arm="arm", control="usual", unit="id", group="group")
    found = tk.subgroups(trial, "position_t1", by=["rank"], adjust=ADJUST, contrasts="all", planned=True)
    return next(e for e in found.estimates if e.extra["subgroup"] == "interaction" and e.contrast == "wide - alike")


def by_third(frame: pd.DataFrame) -> dict[str, Any]:
    """Kinds of groups compared within each third of institutional capital at the start."""
    members = frame[frame["arm"] != "usual"]
    trial = tk.Trial(members, arm="arm", control="alike", unit="id", group="group")
    found = tk.selection.peer_composition(trial, "position_t1", baseline="institutional_t0", adjust=["income_t0"])
    return {e.contrast: e for e in found.estimates}


def ends_truth(frame: pd.DataFrame, third: int) -> float:
    """The true effect of a wide group instead of one of equals in a third by own rank."""
    ranks = frame["rank"][np.minimum((3 * frame["rank"]).astype(int), 2) == third]
    return EFFECT["wide"] - EFFECT["alike"] + BY_RANK * (float(ranks.mean()) - 0.5)


def curve(frame: pd.DataFrame) -> Any:
    """The bend of the line over the spread that each group turned out to have, over all kinds of groups together."""
    pooled = frame.assign(arm=np.where(frame["arm"] == "usual", "usual", "group"))
    trial = tk.Trial(pooled, arm="arm", control="usual", unit="id", group="group")
    return tk.selection.peer_composition(trial, "position_t1", baseline="institutional_t0", adjust=["income_t0"]).row(
        "spread squared"
    )


def size() -> str:
    """Groups a kind: the contrast has 1.5 times the variance of one kind's mean, where a difference of two has 2."""
    two = tk.power.clustered(effect=0.25, cluster_size=10, icc=0.04, baseline_correlation=0.5, power=0.8)
    return f"{N} people, {N // 40} groups of 10 of each kind and as many people alone. Wanted for a contrast of 0.25 SD at 80 % power: {math.ceil(0.375 * two.clusters)} of each kind"


def conclusion(found: dict[str, Any], over_alike: Any, over_wide: Any, rank: Any) -> str:
    """The inverted U needs both comparisons; own rank has an interval of its own."""
    if over_alike.conf_low > 0 and over_wide.conf_low > 0:
        shape = "Moderately mixed groups did better than both ends, as an inverted U has it"
    elif found["low"] > 0:
        shape = "Moderately mixed groups did better than the mean of the two ends, but not shown better than each of them: no proof of an inverted U"
    else:
        shape = "Whether moderately mixed groups do better than the ends is not settled"
    if rank.conf_high < 0:
        who = "in widely mixed groups the weaker gained more than the stronger"
    elif rank.conf_low > 0:
        who = "in widely mixed groups the stronger gained more than the weaker"
    else:
        who = "whether wide groups suit the weaker better than the stronger is not settled"
    return f"{shape} ({interval(found)} SD); {who}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
