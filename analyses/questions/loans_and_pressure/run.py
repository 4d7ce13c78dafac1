"""Do circles drive people into loans, or put them under pressure? Adverse events asked of everyone, with limits where none was seen.

From the top of the repository: `python analyses/questions/loans_and_pressure/run.py`.
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

N, SEED = 800, 1
# event: share in the usual arm, share in a circle; all assumed
EVENTS = {"new_loan": (0.04, 0.07), "pressed": (0.03, 0.08), "quarrel": (0.05, 0.08), "violence": (0.0002, 0.0002)}
WORDS = {"new_loan": "took a loan for a contribution", "pressed": "was pressed to pay", "quarrel": "had a quarrel"}
SERIOUS = "violence"
GROUP_SD, HEARD = 0.3, 0.25


def main(arguments: list[str]) -> int:
    """Print the answer."""
    telling.show(answer())
    return 0


def simulate() -> pd.DataFrame:
    """The trial with a 0/1 column an event, and what circle leaders heard of by themselves."""
    frame = town.people(N, seed=SEED)
    frame["arm"] = town.allocate(frame, seed=SEED, arms=("usual", "circle"))
    treated = (frame["arm"] == "circle").to_numpy()
    frame["circle_id"] = town.groups(frame, treated, seed=SEED)
    for event, (usual, circle) in EVENTS.items():
        without, within = (
            town.binary(frame, event, seed=SEED, share=share, group=g, group_sd=sd, on="debt_t0", slope=0.3)
            for share, g, sd in ((usual, None, 0.0), (circle, frame["circle_id"], GROUP_SD))
        )  # fmt: skip
        frame[event] = np.where(treated, within, without)
    frame["heard"] = frame["new_loan"] * town.binary(frame, "leader hears", seed=SEED, share=HEARD) * treated
    return frame


def true_difference(event: str) -> float:
    """Mean difference of the chances, circles' effects included, in a town of 100,000."""
    usual, circle = EVENTS[event]
    frame = town.people(100_000, seed=SEED + 1)
    labels = np.array([f"c{i % 400}" for i in range(len(frame))], dtype=object)
    one = town.chances(frame, "truth", seed=SEED, share=circle, group=labels, group_sd=GROUP_SD, on="debt_t0", slope=0.3)
    none = town.chances(frame, "truth", seed=SEED, share=usual, on="debt_t0", slope=0.3)
    return float((one - none).mean())


def answer() -> dict[str, Any]:
    """Size, simulation, plan: differences with their limits, and what no event at all leaves open."""
    frame = simulate()
    found = tk.Plan.load(HERE / "plan.toml").run(frame).harms
    differences = found.differences().set_index("outcome")
    counted = found.tidy()
    treated = int((frame["arm"] == "circle").sum())
    heard = 100 * frame["heard"].sum() / treated
    told = [
        lines.Line(f"{words}, circle minus usual, %", 100 * true_difference(event), heard if event == "new_loan" else np.nan,
                   *(100 * float(differences.loc[event, k]) for k in ("estimate", "conf_low", "conf_high")), 1)
        for event, words in WORDS.items() if event in differences.index
    ]  # fmt: skip
    serious = counted.query(f"event == '{SERIOUS}' and arm == 'circle'").iloc[0]
    margin = tk.power.noninferiority(
        margin=0.05, control_rate=0.96, power=0.8, alpha=0.025, group_size=10, icc=0.03, allocation=(1, 1)
    )  # fmt: skip
    return {
        "question": "Do circles drive people into loans, or put them under pressure?",
        "design": "everyone in both arms is asked the same list of events every month for a year, whatever their leader has heard; circles of 8 to 12 in one arm",
        "size": f"{N} people, {treated} of them in {frame['circle_id'].nunique()} circles; {int(np.ceil(margin.groups))} circles of 10 and as many controls exclude a rise from 4 to 9 % at 80 % power "
        f"if there is none; {int(np.ceil(3 / 0.01))} people without a single event exclude more than 1 % (3/n)",
        "estimand": "difference in the share of people who took a loan to pay a contribution within a year, in percentage points",
        **told[0].headline,
        "rows": lines.table(told),
        "conclusion": f"{conclusion(told)} {of_serious(serious, treated)}",
        "missing": "the list shows what people say when asked; what they hide, it does not. Nothing is corrected for several events, so one of them may stand out by chance.",
    }  # fmt: skip


def conclusion(told: list[lines.Line]) -> str:
    """One sentence, from the intervals."""
    loan, pressed = told[:2]
    first = loan.says(
        above=f"More people take a loan for a contribution in circles than without one ({loan.span()} percentage points)", below=f"Fewer people take a loan for a contribution in circles than without one ({loan.span()} percentage points)",
        unsure=f"More loans are not shown and not excluded: up to {loan.high:.1f} percentage points more are possible",
    )  # fmt: skip
    second = pressed.says(
        above=f"and more people are pressed to pay ({pressed.span()} percentage points).", below=f"and fewer people are pressed to pay ({pressed.span()} percentage points).",
        unsure=f"and for pressure to pay up to {pressed.high:.1f} percentage points more are possible.",
    )  # fmt: skip
    return f"{first}, {second}"


def of_serious(row: pd.Series, treated: int) -> str:
    """What the count of the serious event in circles says."""
    if row["with_event"]:
        return f"{int(row['with_event'])} of {treated} people in circles met with violence."
    return (
        f"Nobody among {treated} people in circles met with violence, which still allows {100 * 3 / treated:.1f} % (3/n), and up to {100 * row['limit']:.0f} % "
        "if the people of one circle share their fate."
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
