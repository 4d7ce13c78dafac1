"""Is online as good as meeting? Non-inferiority by a margin set beforehand, as assigned and among those who do as assigned.

From the top of the repository: `python analyses/questions/online_or_meeting/run.py`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import trialkit as tk

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import town  # noqa: E402  (the folder above is not a package)
from telling import number, row, told  # noqa: E402

SEED, N, MARGIN = 1, 960, 0.20
# in standard deviations, assumed: taking part online instead of meeting costs nothing at 42 and more with every year
AT_42, BY_YEAR = -0.02, -0.010
ADJUST = ["self_efficacy_t0", "age", "online_skill"]


def main(arguments: list[str]) -> int:
    """Print the answer."""
    return told(answer, arguments)


def answer() -> dict[str, Any]:
    """Simulate, run the plan, and say what was found."""
    frame = data()
    report = tk.Plan.load(HERE / "plan.toml").run(frame)
    itt = report.outcomes[0].result.estimates[0]
    trial = tk.Trial(frame, arm="arm", control="meeting", unit="id", group="group", strata=["district"])
    compliers = tk.cace(
        trial, "confidence_t1", uptake="went_online", adjust=ADJUST, noninferiority=MARGIN, better="higher"
    ).estimates[0]
    age = next(e for e in next(iter(report.subgroups.values())).estimates if e.extra["subgroup"] == "interaction")
    found = {
        "question": "Is a group online as good as a group that meets?",
        "design": f"people randomized to groups online or meeting, head to head; margin {MARGIN:.2f} SD set beforehand",
        "size": size(),
        "estimand": "online against meeting on job-search confidence, as assigned (SD of the score)",
        "truth": float((gain(frame) * (frame["if_online"] - frame["if_meeting"])).mean()),
        "naive": as_chosen(frame),
        "estimate": itt.estimate,
        "low": itt.conf_low,
        "high": itt.conf_high,
        "missing": "",
        "rows": [
            row("among those who do as assigned", compliers, complier_truth(frame)),
            row("change of the effect with ten years of age", _times(age, 10), 10 * by_age(frame)),
        ],
    }
    return found | {"complier_low": compliers.conf_low, "conclusion": conclusion(found, compliers, age)}


def data() -> pd.DataFrame:
    """The trial. The skilled more often go online against their assignment, the unskilled more often go to meetings."""
    frame = town.people(N, seed=SEED)
    frame["arm"] = town.allocate(frame, seed=SEED, arms=("meeting", "online"))
    labels = [town.groups(frame, frame["arm"] == a, seed=SEED, name=f"groups {a}") for a in ("meeting", "online")]
    frame["group"] = [f"{a} {m or o}" for a, m, o in zip(frame["arm"], *labels)]
    stays_online = town.binary(frame, "stays online", seed=SEED, share=0.85, on="online_skill", slope=1.2)
    goes_online = town.binary(frame, "goes online", seed=SEED, share=0.10, on="online_skill", slope=1.2)
    frame["if_meeting"] = goes_online * stays_online
    frame["if_online"] = stays_online
    frame["went_online"] = np.where(frame["arm"] == "online", frame["if_online"], frame["if_meeting"])
    skill = 0.20 * (frame["online_skill"] - 3.2).to_numpy()
    frame["confidence_t1"] = town.scores(
        frame, "confidence", seed=SEED, effect=gain(frame) * frame["went_online"].to_numpy() + skill,
        group=frame["group"], group_sd=0.2, baseline="self_efficacy_t0", persistence=0.6,
    )  # fmt: skip
    return frame


def gain(frame: pd.DataFrame) -> Any:
    """What taking part online instead of meeting does to each person."""
    return AT_42 + BY_YEAR * (frame["age"].to_numpy() - 42)


def complier_truth(frame: pd.DataFrame) -> float:
    """The mean of it among those who go where they are sent."""
    return float(gain(frame)[(frame["if_online"] > frame["if_meeting"]).to_numpy()].mean())


def by_age(frame: pd.DataFrame) -> float:
    """The straight line through everybody's effect of assignment over age."""
    assigned = gain(frame) * (frame["if_online"] - frame["if_meeting"]).to_numpy()
    return float(np.polyfit(frame["age"], assigned, 1)[0])


def as_chosen(frame: pd.DataFrame) -> float:
    """Those who were online against those who met, whatever was assigned."""
    return float(frame.groupby("went_online")["confidence_t1"].mean().diff().iloc[-1])


def size() -> str:
    """Groups for a lower limit above the margin at 80 % power, one-sided 2.5 %."""
    two = tk.power.noninferiority(
        margin=MARGIN, effect=0.0, cluster_size=10, icc=0.04, individual_r2=0.36, alpha=0.025, power=0.8
    )
    return f"{N} people, {N // 20} groups of about 10 in each arm. Wanted if the two are equal, at 80 % power: {two.design['clusters'] // 2} groups in each arm"


def conclusion(found: dict[str, Any], compliers: Any, age: Any) -> str:
    """Both analyses must keep within the margin; 'no significant difference' says nothing."""
    both = f"lower limits {number(found['low'])} as assigned and {number(compliers.conf_low)} among those who do as assigned, margin -{MARGIN:.2f}"
    if min(found["low"], compliers.conf_low) > -MARGIN:
        said = f"Online loses less than the margin, in both analyses ({both})"
    elif max(found["high"], compliers.conf_high) < -MARGIN:
        said = f"Online is worse by more than the margin ({both})"
    elif found["low"] > -MARGIN:
        said = f"As assigned online keeps within the margin, but not for sure among those who do as assigned, so that 'as good as meeting' is not shown ({both})"
    else:
        said = f"That online is as good as meeting is not shown, and neither is that it is worse than the margin allows ({both})"
    older = "it suits older people less" if age.conf_high < 0 else "whether it suits older people less is not settled"
    return f"{said}; {older}."


def _times(found: Any, factor: float) -> Any:
    return replace(found, estimate=factor * found.estimate, conf_low=factor * found.conf_low, conf_high=factor * found.conf_high)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
