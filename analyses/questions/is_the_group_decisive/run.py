"""Is the group decisive? Circle and lessons crossed: the effect of each, and whether they strengthen each other.

From the top of the repository: `python analyses/questions/is_the_group_decisive/run.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import trialkit as tk

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import lines  # noqa: E402
import telling  # noqa: E402
import town  # noqa: E402

N, SEED = 960, 1
ARMS = ("usual", "lessons", "circle", "both")
CIRCLE, LESSONS, TOGETHER, ICC, R = 0.20, 0.15, 0.10, 0.05, 0.6
INTERACTION = {"both": 1.0, "circle": -1.0, "lessons": -1.0, "usual": 1.0}


def main(arguments: list[str]) -> int:
    """Print the answer."""
    telling.show(answer())
    return 0


def simulate() -> pd.DataFrame:
    """The trial: circles are formed within district and arm, after the allocation."""
    frame = town.people(N, seed=SEED)
    frame["arm"] = town.allocate(frame, seed=SEED, arms=ARMS)
    in_circle, taught = frame["arm"].isin(["circle", "both"]), frame["arm"].isin(["lessons", "both"])
    frame["circle_id"] = town.groups(frame.assign(room=frame["district"] + " " + frame["arm"]), in_circle, seed=SEED, by="room")
    effect = CIRCLE * in_circle + LESSONS * taught + TOGETHER * (in_circle & taught)
    frame["self_efficacy_t1"] = town.scores(
        frame, "self-efficacy after six months", seed=SEED, effect=effect.to_numpy(), group=frame["circle_id"],
        group_sd=np.sqrt(ICC / (1 - ICC)), baseline="self_efficacy_t0", persistence=R,
    )  # fmt: skip
    return frame


def circles_needed() -> tuple[int, float, float]:
    """Circles in each of the two circle arms for 90 % power for the main effect; that power, and the power for the interaction."""
    for circles in range(6, 80):
        grouped = {"groups": circles, "group_size": 10, "icc": ICC / (1 - R**2)}
        alone = {"n": 10 * circles}
        found = tk.power.factorial(effect=CIRCLE, cells=[alone, alone, grouped, grouped], sd=float(np.sqrt(1 - R**2)))
        if found.power >= 0.9:
            break
    same = tk.power.factorial(
        effect=TOGETHER, cells=[alone, alone, grouped, grouped], sd=float(np.sqrt(1 - R**2)), contrast="interaction"
    )
    return circles, found.power, same.power


def answer() -> dict[str, Any]:
    """Size, simulation, plan, and what the plan has no word for."""
    frame = simulate()
    report = tk.Plan.load(HERE / "plan.toml").run(frame)
    circle, lessons = report.outcomes[0].result.estimates
    trial = tk.Trial(frame, unit="id", arm="arm", control="usual", group="circle_id", strata=["district"])
    crossed = tk.itt(trial, "self_efficacy_t1", adjust=["self_efficacy_t0"], contrasts=[INTERACTION]).estimates[0]
    package = frame[frame["arm"].isin(["usual", "both"])].drop(columns="circle_id")
    naive = tk.itt(tk.Trial(package, arm="arm", control="usual"), "self_efficacy_t1", adjust=["self_efficacy_t0"]).estimates[0]
    told = [
        lines.line("a circle against none", circle, truth=CIRCLE + TOGETHER / 2, naive=naive.estimate),
        lines.line("lessons against none", lessons, truth=LESSONS + TOGETHER / 2),
        lines.line("circle x lessons", crossed, truth=TOGETHER),
    ]
    circles, power, power_crossed = circles_needed()
    return {
        "question": "Is it the group that does it, or what is taught there?",
        "design": "people randomized to a circle, lessons one to one, both or neither; circles of 8 to 12 in two of the four arms",
        "size": f"{N} people; {circles} circles of 10 in each circle arm and {10 * circles} people in each other arm give {100 * power:.0f} % power for an effect "
        f"of {CIRCLE:.2f} SD of the circle, and {100 * power_crossed:.0f} % for an interaction of {TOGETHER:.2f} SD",
        "estimand": "main effect of being assigned to a circle on self-efficacy, averaged over people with and without lessons, in SD",
        **told[0].headline,
        "rows": lines.table(told),
        "conclusion": conclusion(told),
        "missing": "a circle is also more attention than no circle; a third comparison, with the same hours of individual attention, would separate the two. "
        "The plan's own contrasts are averages against averages, so the interaction is asked of tk.itt directly.",
    }  # fmt: skip


def conclusion(told: list[lines.Line]) -> str:
    """One sentence, from the intervals."""
    circle, _, crossed = told
    within, both = circle.span(" SD"), crossed.span(" SD")
    first = circle.says(
        above=f"The circle adds something of its own ({within})", below=f"The circle does worse than no circle ({within})",
        unsure=f"Whether the circle adds anything is not settled ({within})",
    )  # fmt: skip
    second = crossed.says(
        above=f"and it adds more together with lessons ({both}).", below=f"and it adds less together with lessons ({both}).",
        unsure=f"and whether it adds more or less together with lessons is not settled ({both}).",
    )  # fmt: skip
    return f"{first}, {second}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
