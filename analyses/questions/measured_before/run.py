"""Measured before with a validated questionnaire, or asked afterwards? The same programme through both.

From the top of the repository: `python analyses/questions/measured_before/run.py`.
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

SEED, N, ICC, ITEMS = 1, 820, 0.04, 10
# in standard deviations of self-efficacy: the programme, and what half a year does to everyone who sought help when things were bad
EFFECT, EVERYONE = 0.20, 0.25
# what answering adds: to please an interviewer, to a remembered start that makes the change look good, and to a questionnaire filled in alone after a programme
PLEASING, REMEMBERED, ALONE = 0.20, -0.25, 0.03
CUTS = (-1.3, -0.2, 1.0)


def main(arguments: list[str]) -> int:
    """Print the answer."""
    return telling.told(answer, arguments)


def answer() -> dict[str, Any]:
    """Simulate, run the plan, and ask the members afterwards."""
    frame = data()
    report = tk.Plan.load(HERE / "plan.toml").run(frame)
    planned = report.outcomes[0]
    found, worthwhile = planned.result.estimates[0], planned.worthwhile
    true = truth()
    asked = frame[(frame["arm"] == "group") & (frame["interviewed"] == 1)]
    now, then, before, after = (score(frame, wave) for wave in ("now", "then", "t0", "t1"))
    members = frame["arm"] == "group"
    bias, changed = tk.measurement.desirability_bias(planned.result), any(m.changed for m in report.measurement)
    return {
        "question": "Measure before with a validated questionnaire, or ask people afterwards?",
        "design": "randomized, groups in one arm, the same ten questions before and after in both arms; beside it an interview of members afterwards",
        "size": size(),
        "estimand": "effect of the group on the self-efficacy score (GSE, 10 to 40), all randomized",
        "truth": true,
        "naive": float((now - then)[asked.index].mean()),
        "estimate": found.estimate,
        "low": found.conf_low,
        "high": found.conf_high,
        "rows": [
            shift_row("members' own account: now less how it was, as remembered", (now - then)[asked.index], true),
            shift_row("members, questionnaire after less before", (after - before)[members], true),
            shift_row("people without a group, after less before", (after - before)[~members], 0.0),
            {
                "what": "overstating by members that would undo the effect", "truth": "", "estimate": f"{telling.number(bias.breakpoint)} points",
                "interval": f"covers zero from {telling.number(bias.breakpoint_interval)}",
            },
            {"what": "the same measure before and after, and in both arms", "truth": "yes", "estimate": "not shown" if changed else "yes", "interval": ""},
        ],
        "conclusion": conclusion(found, worthwhile, float((now - then)[asked.index].mean())),
        "missing": "plans have no word for questions about the past ('then'): they are scored with tk.measurement.score; how much members overstate cannot be "
        "estimated from answers, only varied.",
    }  # fmt: skip


def data() -> pd.DataFrame:
    """The trial with its questionnaires, and the interviews of members who can be found and like to talk."""
    frame = town.people(N, seed=SEED)
    frame["arm"] = town.allocate(frame, seed=SEED)
    offered = (frame["arm"] == "group").to_numpy(dtype=float)
    frame["group"] = town.groups(frame, offered, seed=SEED)
    before, after = traits(frame, offered, frame["group"])
    told = {"t0": before, "t1": after + ALONE * offered, "now": after + PLEASING, "then": before + REMEMBERED}
    answers = pd.concat([items(frame, wave, trait) for wave, trait in told.items()], axis=1)
    lost = town.lost(frame, seed=SEED, share=0.1)
    answers.loc[lost, [c for c in answers if c.startswith("gse_t1")]] = np.nan
    content = frame.assign(after=after)
    frame["interviewed"] = town.binary(content, "interviewed", seed=SEED, share=0.5, on="after") * (~lost) * (offered == 1)
    return pd.concat([frame, answers], axis=1)


def traits(frame: pd.DataFrame, offered: Any, group: Any) -> tuple[Any, Any]:
    """Self-efficacy before and after, as it is."""
    before = town.scores(frame, "as it is before", seed=SEED, baseline="self_efficacy_t0", persistence=0.8)
    known = frame.assign(before=before)
    after = town.scores(
        known, "as it is after", seed=SEED, effect=EVERYONE + EFFECT * offered, group=group, group_sd=math.sqrt(ICC / (1 - ICC)), baseline="before", persistence=0.6
    )  # fmt: skip
    return before, after


def items(frame: pd.DataFrame, wave: str, trait: Any) -> pd.DataFrame:
    """Ten answers from 1 to 4."""
    answers = {}
    for i in range(1, ITEMS + 1):
        lean = 0.7 * trait + math.sqrt(1 - 0.49) * town.scores(frame, f"gse {wave} {i}", seed=SEED)
        answers[f"gse_{wave}_{i}"] = 1.0 + np.searchsorted(CUTS, lean)
    return pd.DataFrame(answers, index=frame.index)


def score(frame: pd.DataFrame, wave: str) -> pd.Series:
    """The score by the rules of the scale."""
    return tk.measurement.score(frame, tk.measurement.scale("gse"), items=f"gse_{wave}_{{item}}").values


def truth() -> float:
    """The effect on honest answers, everyone in a group against nobody in a town of 10,000."""
    frame = town.people(10_000, seed=SEED + 1)
    everyone = np.ones(len(frame))
    group = town.groups(frame, everyone, seed=SEED + 1)
    there, alone = traits(frame, everyone, group)[1], traits(frame, 0 * everyone, None)[1]
    means = [items(frame, "t1", trait).sum(axis=1).mean() for trait in (there, alone)]
    return float(means[0] - means[1])


def shift_row(what: str, change: pd.Series, truth: float) -> dict[str, str]:
    """A mean change, which has no control and therefore no interval of an effect."""
    return {"what": what, "truth": telling.number(truth), "estimate": telling.number(float(change.mean())), "interval": ""}


def size() -> str:
    """Groups for the effect on the score."""
    wanted = tk.power.grouped(
        effect=EFFECT, group_size=10, allocation=(1, 1), icc=ICC, baseline_correlation=0.5, attrition=0.1, power=0.8
    )
    return (
        f"{N} people, {round(N / 20)} groups of 10. Wanted for 80 % power for {EFFECT:.2f} SD with 10 % lost: {wanted.design['groups']} groups of 10 and "
        f"{wanted.design['controls']} people alone"
    )


def conclusion(found: Any, worthwhile: float, told: float) -> str:
    """From the interval alone."""
    first = telling.verdict(found.conf_low, found.conf_high, worthwhile, of="The group's effect on self-efficacy")
    span = f"{telling.number(found.conf_low)} to {telling.number(found.conf_high)} points"
    place = "above" if told > found.conf_high else "below" if told < found.conf_low else "inside"
    return f"{first[:-1]} ({span}); the {telling.number(told)} points that members report afterwards lie {place} that interval."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
