"""Prevention or cure? New debts among those without, exit from debts among those with, and whether the two effects differ.

From the top of the repository: `python analyses/questions/prevention_or_cure/run.py`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

import trialkit as tk

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import town  # noqa: E402  (the folder above is not a package)
from telling import interval, row, told  # noqa: E402

SEED, N = 1, 1400
# assumed: without the programme 20 % fall into debt and 25 % of those in debt get out; effects and groups on the log odds of being in debt
SHARE = {0: 0.20, 1: 0.75}
EFFECT = {0: -0.35, 1: -0.75}
GROUP_SD = 0.35
WORTHWHILE = 0.05


def main(arguments: list[str]) -> int:
    """Print the answer."""
    return told(answer, arguments)


def answer() -> dict[str, Any]:
    """Simulate, run the plan, and say what was found."""
    frame = data()
    report = tk.Plan.load(HERE / "plan.toml").run(frame)
    everybody = report.outcomes[0].result.estimates[0]
    by_debt = next(iter(report.subgroups.values())).estimates
    rows = {str(e.extra["subgroup"]): e for e in by_debt}
    prevention, cure, differs = rows["0"], rows["1"], rows["interaction"]
    found = {
        "question": "Do groups prevent debts, or cure them?",
        "design": "randomized within those with and without problematic debts (schulden), groups in one arm",
        "size": size(),
        "estimand": "exit from debt within eighteen months among those in debt (difference in shares)",
        "truth": -truth(frame, 1),
        "naive": naive(frame),
        "estimate": -cure.estimate,
        "low": -cure.conf_high,
        "high": -cure.conf_low,
        "missing": "",
        "rows": [
            row("new debt, among those without", prevention, truth(frame, 0)),
            row("exit from debt, among those in debt", turned(cure), -truth(frame, 1)),
            row("cure less prevention: the interaction", turned(differs), truth(frame, 0) - truth(frame, 1)),
            row("in debt, everybody", everybody, mean_truth(frame)),
        ],
    }
    return found | {"conclusion": conclusion(found, prevention, differs)}


def data() -> pd.DataFrame:
    """The trial: people with and without debts are randomized apart and sit in the same groups."""
    frame = town.people(N, seed=SEED)
    frame["arm"] = town.allocate(frame, seed=SEED, by="debt_t0")
    offered = (frame["arm"] == "group").to_numpy(dtype=float)
    frame["group"] = town.groups(frame, offered, seed=SEED)
    for start, some in frame.groupby("debt_t0"):
        frame.loc[some.index, "debt_t1"] = town.binary(
            some,
            f"debt {start}",
            effect=EFFECT[start] * offered[some.index],
            group=some["group"],
            group_sd=GROUP_SD,
            **asked(start),
        )
    return frame


def asked(start: int) -> dict[str, Any]:
    """What decides on debts at the end besides the groups; the poor are in debt more often."""
    return {"seed": SEED, "share": SHARE[start], "on": "income_t0", "slope": -0.4}


def truth(frame: pd.DataFrame, start: int) -> float:
    """The true difference in the share in debt at the end, among these people and over all groups that could have been."""
    some = frame[frame["debt_t0"] == start]
    in_group = town.expected_chances(some, f"debt {start}", effect=EFFECT[start], group_sd=GROUP_SD, **asked(start))
    return float((in_group - town.chances(some, f"debt {start}", **asked(start))).mean())


def mean_truth(frame: pd.DataFrame) -> float:
    """The same over everybody."""
    share = float(frame["debt_t0"].mean())
    return share * truth(frame, 1) + (1 - share) * truth(frame, 0)


def naive(frame: pd.DataFrame) -> float:
    """What a study of members reports: the share of those who came with debts and left without."""
    members = frame[(frame["arm"] == "group") & (frame["debt_t0"] == 1)]
    return float(1 - members["debt_t1"].mean())


def turned(found: Any) -> Any:
    """Exit is the other side of being in debt."""
    return replace(found, estimate=-found.estimate, conf_low=-found.conf_high, conf_high=-found.conf_low)


def size() -> str:
    """Groups for the cure, of which four members in ten are in debt; and the power for the difference between the two effects."""
    cure = tk.power.grouped(control_rate=0.25, effect=0.12, group_size=4, allocation=(1, 1), icc=0.03, power=0.8)
    differs = tk.power.interaction(
        effect=0.10, sd=0.43, moderator_share=0.4, groups=N // 20, group_size=10, controls=N // 2, icc=0.03
    )
    return (
        f"{N} people, about {N // 20} groups of 10 of whom 4 are in debt. Wanted for 12 points more exits at 80 % power: "
        f"{cure.design['groups']} groups; the power for a difference of 10 points between cure and prevention is then {differs.power:.0%}"
    )


def conclusion(found: dict[str, Any], prevention: Any, differs: Any) -> str:
    """Each effect by its interval, and which is larger by that of the interaction only."""
    cure = (
        f"groups help people out of debt ({interval(found)})"
        if found["low"] > 0
        else f"that groups help people out of debt is not shown ({interval(found)})"
    )
    before = "they prevent new debts" if prevention.conf_high < 0 else "that they prevent new debts is not shown"
    if differs.conf_high < 0:
        larger = "the cure is the larger of the two"
    elif differs.conf_low > 0:
        larger = "prevention is the larger of the two"
    else:
        larger = "which of the two is larger is not settled, whatever the two say apart"
    return f"{cure[0].upper() + cure[1:]}; {before}; {larger}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
