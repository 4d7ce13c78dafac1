"""None, light or heavy support of groups: a dose contrast, and a test that more is not always better.

From the top of the repository: `python analyses/questions/institutional_support/run.py`.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pandas as pd

import trialkit as tk

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import town  # noqa: E402  (the folder above is not a package)
from telling import interval, row, told  # noqa: E402

SEED, N, CLUBS = 1, 900, 90
# in standard deviations, assumed: light support helps, and a paid leader takes most of that away
EFFECT = {"none": 0.0, "light": 0.35, "heavy": 0.10}
ICC = 0.08


def main(arguments: list[str]) -> int:
    """Print the answer."""
    return told(answer, arguments)


def answer() -> dict[str, Any]:
    """Simulate, run the plan, and say what was found."""
    frame = data()
    report = tk.Plan.load(HERE / "plan.toml").run(frame)
    dose, first, second, bend = report.outcomes[0].result.estimates
    people_alone = tk.Trial(frame, arm="arm", control="none", unit="id")
    naive = tk.itt(
        people_alone, "command_t1", adjust=["self_efficacy_t0", "income_t0"], contrasts=[{"heavy": 1, "none": -1}]
    ).estimates[0]
    found = {
        "question": "Should an institution support groups not at all, lightly or heavily?",
        "design": "whole groups (clubs) randomized to none, light or heavy support; errors follow the clubs",
        "size": size(),
        "estimand": "second step: heavy against light support on command of one's money (SD of the score)",
        "truth": EFFECT["heavy"] - EFFECT["light"],
        "naive": naive.estimate,
        "estimate": second.estimate,
        "low": second.conf_low,
        "high": second.conf_high,
        "missing": "",
        "rows": [
            row("dose: heavy against none", dose, EFFECT["heavy"] - EFFECT["none"]),
            row("first step: light against none", first, EFFECT["light"] - EFFECT["none"]),
            row("second step: heavy against light", second, EFFECT["heavy"] - EFFECT["light"]),
            row("bend: light against the mean of both", bend, EFFECT["light"] - (EFFECT["none"] + EFFECT["heavy"]) / 2),
            row("naive: heavy against none, clubs ignored", naive, EFFECT["heavy"] - EFFECT["none"]),
        ],
        "p_non_monotone": turn(first, second),
    }
    return found | {"conclusion": conclusion(found, first, second)}


def data() -> pd.DataFrame:
    """Clubs of ten neighbours, a third of them in each arm."""
    frame = town.people(N, seed=SEED)
    frame["club"] = town.groups(frame, [True] * N, seed=SEED, size=(N // CLUBS, N // CLUBS), by=None)
    clubs = pd.DataFrame({"club": sorted(frame["club"].unique())})
    clubs["arm"] = town.allocate(clubs, seed=SEED, arms=tuple(EFFECT), by=None, name="support")
    frame = frame.merge(clubs, on="club")
    frame["command_t1"] = town.scores(
        frame, "command", seed=SEED, effect=frame["arm"].map(EFFECT).to_numpy(dtype=float), group=frame["club"],
        group_sd=math.sqrt(ICC / (1 - ICC)), baseline="self_efficacy_t0", persistence=0.5,
    )  # fmt: skip
    return frame


def turn(first: Any, second: Any) -> float:
    """p of 'up, then down': both steps must show it, so the larger of the two one-sided p-values counts (Berger 1982)."""

    def one_sided(step: Any, sign: int) -> float:
        return float(step.p_value / 2 if sign * step.estimate > 0 else 1 - step.p_value / 2)

    return max(one_sided(first, 1), one_sided(second, -1))


def size() -> str:
    """Clubs for one step between two arms, with the third arm as large."""
    two = tk.power.clustered(effect=0.3, cluster_size=N // CLUBS, icc=ICC, individual_r2=0.25, power=0.8)
    return (
        f"{N} people in {CLUBS} clubs of {N // CLUBS}, {CLUBS // 3} in each arm. Wanted for one step of 0.3 SD at 80 % power: "
        f"{math.ceil(two.clusters / 2)} clubs in each arm"
    )


def conclusion(found: dict[str, Any], first: Any, second: Any) -> str:
    """From the two steps: what each shows by itself, and whether both together show a turn."""
    p = found["p_non_monotone"]
    up = "light support helped" if first.conf_low > 0 else "that light support helps is not shown"
    down = (
        "heavy support did worse than light" if second.conf_high < 0 else "that heavy support does worse than light is not shown"
    )
    both = "more support is not always better" if p < 0.025 else "a turning point is not proven"
    return f"{up.capitalize()}, and {down} ({interval(found)} SD): {both} (one-sided p {max(p, 0.0001):.4f})."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
