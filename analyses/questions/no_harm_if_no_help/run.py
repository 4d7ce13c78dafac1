"""If it does not help, does it at least do no harm? The upper limit of the share of people left worse off.

From the top of the repository: `python analyses/questions/no_harm_if_no_help/run.py`.
"""

from __future__ import annotations

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

SEED, N, SMALL, MARGIN = 1, 1020, 120, 0.06
# log odds of ending up worse off that the group adds, and the spread of the groups in it
SHARE, HARM, GROUP_SD = 0.12, 0.10, 0.45


def main(arguments: list[str]) -> int:
    """Print the answer."""
    return telling.told(answer, arguments)


def answer() -> dict[str, Any]:
    """Simulate, run the plan, and say how much harm is left possible."""
    frame = data()
    planned = tk.Plan.load(HERE / "plan.toml").run(frame).outcomes[0].result
    test = planned.noninferiority
    small = ungrouped(frame.iloc[:SMALL])
    whole = ungrouped(frame)
    return {
        "question": "If it does not help, does it at least do no harm?",
        "design": "randomized, groups in one arm; the margin of harm that would be too much is set beforehand",
        "size": size(),
        "estimand": "difference in the share of people worse off after a year, group minus usual, all randomized",
        "truth": truth(),
        "naive": small.estimate,
        "estimate": test.estimate,
        "low": test.conf_low,
        "high": test.conf_high,
        "rows": [
            telling.row(
                f"the first {SMALL} people: no significant difference (p = {small.p_value:.2f})", found=small, truth=truth()
            ),
            telling.row("everyone, groups ignored", found=whole, truth=truth()),
        ],
        "conclusion": conclusion(test, small),
        "missing": "",
    }


def data() -> pd.DataFrame:
    """The trial: the group leaves some people worse off who would not have been, and some groups more than others."""
    frame = town.people(N, seed=SEED)
    frame["arm"] = town.allocate(frame, seed=SEED)
    offered = (frame["arm"] == "group").to_numpy(dtype=float)
    frame["group"] = town.groups(frame, offered, seed=SEED)
    frame["worse_off"] = town.binary(
        frame, "worse off", seed=SEED, share=SHARE, effect=HARM * offered, group=frame["group"], group_sd=GROUP_SD, on="debt_t0"
    )
    return frame


def truth() -> float:
    """The difference in shares that was put in, averaged over groups that are still to be drawn."""
    frame = town.people(8_000, seed=SEED + 1)
    spread = GROUP_SD * stats.norm.ppf((np.arange(15) + 0.5) / 15)

    def share(effect: float) -> float:
        return float(town.chances(frame, "worse off", seed=SEED, share=SHARE, effect=effect, on="debt_t0").mean())

    return float(np.mean([share(HARM + u) for u in spread])) - share(0.0)


def ungrouped(frame: pd.DataFrame) -> Any:
    """The usual analysis: no groups, no margin."""
    return tk.itt(
        tk.Trial(frame, unit="id", arm="arm", control="usual"), "worse_off", measure="risk_difference", estimator="ancova"
    ).estimates[0]


def size() -> str:
    """Groups to exclude the margin when the group does no harm, and what a small trial can exclude."""
    wanted = tk.power.noninferiority(
        margin=MARGIN, control_rate=SHARE, group_size=10, allocation=(1, 1), icc=0.02, alpha=0.025, power=0.8
    )
    small = tk.power.noninferiority(
        control_rate=SHARE, groups=SMALL / 20, group_size=10, controls=SMALL / 2, icc=0.02, alpha=0.025, power=0.8
    )
    return (
        f"{N} people, {round(N / 20)} groups of 10. Wanted to exclude {points(MARGIN)} points more with 80 % power if there is no harm: "
        f"{wanted.design['groups']} groups of 10 and {wanted.design['controls']} people alone; {SMALL} people can exclude no less than "
        f"{points(small.margin)} points"
    )


def conclusion(test: Any, small: Any) -> str:
    """From the intervals alone."""
    limit = points(test.conf_high)
    if test.conf_low > 0:
        first = f"Groups leave more people worse off, by {points(test.conf_low)} to {limit} percentage points"
    elif test.shown:
        first = f"Groups leave at most {limit} percentage points more people worse off (the margin was {points(MARGIN)}), which does not mean that nobody is harmed"
    else:
        first = f"Harm is not excluded: groups may leave up to {limit} percentage points more people worse off, and the margin was {points(MARGIN)}"
    seen = "saw no significant difference and " if small.conf_low <= 0 <= small.conf_high else ""
    return f"{first}; the first {SMALL} people {seen}left up to {points(small.conf_high)} points possible."


def points(share: float) -> str:
    """A difference in shares in percentage points."""
    return f"{100 * share:.1f}".removesuffix(".0")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
