"""What would the group do for everyone it is meant for? The effect among those who signed up, carried to those who did not.

From the top of the repository: `python analyses/questions/generalization/run.py`.
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

import telling  # noqa: E402  (the folder above is not a package)
import town  # noqa: E402

SEED, ELIGIBLE, TRIAL, WORTHWHILE, ICC = 1, 3300, 1200, 0.15, 0.04
# the effect in standard deviations: at an average motivation, for each point more, and less of it for the poorest fifth
EFFECT, PER_POINT, POOREST, AVERAGE = 0.20, 0.10, -0.15, 4.6
COVARIATES = ["age", "education", "motivation", "poorest", "self_efficacy_t0"]
OUTCOME = "self_efficacy_t1"


def main(arguments: list[str]) -> int:
    """Print the answer."""
    return telling.told(answer, arguments)


def answer() -> dict[str, Any]:
    """Simulate, run the plan among those who signed up, and carry its effect to the others."""
    frame, rest = data()
    report = tk.Plan.load(HERE / "plan.toml").run(frame)
    inside = report.outcomes[0].result.estimates[0]
    trial = tk.Trial(frame, unit="id", arm="arm", control="usual", group="group", strata=["district"])
    carried = {
        m: tk.selection.transport(trial, OUTCOME, rest, COVARIATES, method=m) for m in ("doubly_robust", "entropy_balancing")
    }
    rows = {e.extra["people"]: e for e in carried["doubly_robust"].estimates}
    weighted = next(e for e in carried["entropy_balancing"].estimates if e.extra["people"] == "population")
    found = tk.selection.generalizability(frame, rest, COVARIATES)
    true = {"inside": float(effect(frame).mean()), "outside": float(effect(rest).mean())}
    outside = rows["population"]
    return {
        "question": "Does what was found among people who signed up hold for everyone the group is meant for?",
        "design": "randomized among those who signed up, groups in one arm; the others are described by the register with the same five traits",
        "size": size(carried["doubly_robust"].effective_n),
        "estimand": "average effect of a group on self-efficacy among eligible people who did not sign up, in SD",
        "truth": true["outside"],
        "naive": inside.estimate,
        "estimate": outside.estimate,
        "low": outside.conf_low,
        "high": outside.conf_high,
        "rows": [
            telling.row("people who signed up (the trial)", found=inside, truth=true["inside"]),
            telling.row("people who did not, weights only", found=weighted, truth=true["outside"]),
            telling.row(
                "people who did not minus people who did", found=rows["difference"], truth=true["outside"] - true["inside"]
            ),
            {
                "what": "likeness of the two (Tipton's index)",
                "truth": "",
                "estimate": telling.number(found.index),
                "interval": found.verdict,
            },
            {
                "what": "outside the range of the trial",
                "truth": "",
                "estimate": f"{100 * found.share_outside:.1f} %",
                "interval": "of those who did not",
            },
        ],
        "conclusion": conclusion(inside, outside, found),
        "missing": "tk.power has no size for a transported effect: the people who count after weighting say afterwards what it cost.",
    }


def effect(frame: pd.DataFrame) -> np.ndarray:
    """Each person's effect."""
    return (EFFECT + PER_POINT * (frame["motivation"] - AVERAGE) + POOREST * frame["poorest"]).to_numpy(dtype=float)


def data() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The trial among people who signed up, and everyone eligible who did not."""
    everyone = town.people(ELIGIBLE, seed=SEED)
    signed = everyone["would_enrol"] == 1
    frame, rest = everyone[signed].iloc[:TRIAL].reset_index(drop=True), everyone[~signed].reset_index(drop=True)
    frame["arm"] = town.allocate(frame, seed=SEED)
    offered = (frame["arm"] == "group").to_numpy(dtype=float)
    frame["group"] = town.groups(frame, offered, seed=SEED)
    frame[OUTCOME] = town.scores(
        frame, OUTCOME, seed=SEED, effect=effect(frame) * offered, group=frame["group"], group_sd=math.sqrt(ICC / (1 - ICC)), baseline="self_efficacy_t0"
    )  # fmt: skip
    return frame, rest


def size(effective: dict[str, float]) -> str:
    """Groups for the effect in the trial, and how many people it counts for elsewhere."""
    wanted = tk.power.grouped(effect=0.2, group_size=10, allocation=(1, 1), icc=ICC, baseline_correlation=0.6, power=0.9)
    left = sum(effective.values())
    return (
        f"{TRIAL} people who signed up, of {ELIGIBLE} eligible. Wanted for 90 % power for 0.20 SD in the trial: {wanted.design['groups']} groups of 10 and "
        f"{wanted.design['controls']} people alone; weighted towards the others its people count for {left:.0f}"
    )


def conclusion(inside: Any, outside: Any, found: Any) -> str:
    """From the intervals alone."""
    first = (
        "Among those who signed up the group works"
        if inside.conf_low > 0
        else "Whether the group works among those who signed up is not settled"
    )
    first += f" ({telling.number(inside.conf_low)} to {telling.number(inside.conf_high)} SD)"
    second = telling.verdict(outside.conf_low, outside.conf_high, WORTHWHILE, of="the effect on the others")
    return f"{first}; {second[:-1]} ({telling.number(outside.conf_low)} to {telling.number(outside.conf_high)} SD), if the five traits are all that matters."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
