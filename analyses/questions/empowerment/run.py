"""Does empowerment lead to a better position? A trial with three waves, the mediator measured before the outcome.

From the top of the repository: `python analyses/questions/empowerment/run.py`.
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

import town  # noqa: E402  (the folder above is not a package)
from telling import interval, row, told, verdict  # noqa: E402

SEED, N, WORTHWHILE = 1, 760, 60.0
# what the simulation puts in, in standard deviations: the programme on self-efficacy, that on income, and the programme on income directly
PATH_A, PATH_B, DIRECT = 0.40, 0.25, 0.08
INCOME_SD, EFFICACY_SD = 390.0, 0.47


def main(arguments: list[str]) -> int:
    """Print the answer."""
    return told(answer, arguments)


def answer() -> dict[str, Any]:
    """Simulate, run the plan, and say what was found."""
    frame = data()
    report = tk.Plan.load(HERE / "plan.toml").run(frame)
    itt = {o.name: o.result.estimates[0] for o in report.outcomes}
    through = report.mediation[0].result
    acme, direct = through.effect("acme"), through.effect("ade")
    sensitivity = through.sensitivity()
    total = INCOME_SD * (PATH_A * PATH_B + DIRECT)
    found = {
        "question": "Do self-efficacy and capital come first, and does a better position follow?",
        "design": "randomized, groups in one arm, three waves: empowerment after 6 months, income after 18",
        "size": size(),
        "estimand": "natural indirect effect of the group on net income through self-efficacy (euros a month)",
        "truth": INCOME_SD * PATH_A * PATH_B,
        "naive": naive(frame),
        "estimate": acme.estimate,
        "low": acme.conf_low,
        "high": acme.conf_high,
        "missing": "",
        "rows": [
            row("income, all randomized", itt["income"], total),
            row("self-efficacy, all randomized", itt["self_efficacy"], PATH_A * EFFICACY_SD),
            row("social capital, all randomized", itt["social_capital"], 0.25 * 1.9),
            row("institutional capital, all randomized", itt["institutional_capital"], 0.15 * 1.75),
            row("income, not through self-efficacy", direct, INCOME_SD * DIRECT),
        ],
    }
    return found | {"breakpoint": sensitivity.breakpoint, "conclusion": conclusion(found, itt["income"], sensitivity.breakpoint)}


def data() -> pd.DataFrame:
    """The trial: everybody gains a little self-efficacy with time; 10 % are lost by the end, more of those who began with little."""
    frame = town.people(N, seed=SEED)
    frame["arm"] = town.allocate(frame, seed=SEED)
    offered = (frame["arm"] == "group").to_numpy(dtype=float)
    frame["group"] = town.groups(frame, offered, seed=SEED)

    def after(
        name: str, start: str, effect: Any, *, sd: float, mean: float, persistence: float = 0.55, group_sd: float = 0.2
    ) -> Any:
        return town.scores(
            frame, name, seed=SEED, effect=effect, group=frame["group"], group_sd=group_sd, baseline=start,
            persistence=persistence, sd=sd, mean=mean,
        )  # fmt: skip

    frame["self_efficacy_t1"] = after("self-efficacy", "self_efficacy_t0", PATH_A * offered, sd=EFFICACY_SD, mean=2.64 + 0.12)
    frame["social_t1"] = after("social", "social_t0", 0.25 * offered, sd=1.9, mean=5.1)
    frame["institutional_t1"] = after("institutional", "institutional_t0", 0.15 * offered, sd=1.75, mean=4.0)
    step = PATH_B * (frame["self_efficacy_t1"] - 2.76).to_numpy() / EFFICACY_SD
    # those who begin with more of either would have risen anyway
    carried = (
        0.15 * (frame["social_t0"] - 5.1).to_numpy() / 1.9 + 0.2 * (frame["self_efficacy_t0"] - 2.64).to_numpy() / EFFICACY_SD
    )
    frame["income_t2"] = after(
        "income", "income_t0", step + carried + DIRECT * offered, sd=INCOME_SD, mean=1480, persistence=0.6, group_sd=0.15
    )
    unhappy = frame.assign(low=-frame["self_efficacy_t0"])
    frame.loc[town.lost(unhappy, seed=SEED, share=0.1, on="low"), "income_t2"] = np.nan
    return frame


def naive(frame: pd.DataFrame) -> float:
    """What a before-and-after study of members multiplies: their rise in self-efficacy, and its slope with income afterwards."""
    members = frame[(frame["arm"] == "group") & frame["income_t2"].notna()]
    slope = np.polyfit(members["self_efficacy_t1"], members["income_t2"], 1)[0]
    return float(slope * (members["self_efficacy_t1"] - members["self_efficacy_t0"]).mean())


def size() -> str:
    """Groups for the effect on income by the closed form, and the power for the indirect effect by simulating the plan."""
    grouped = tk.power.grouped(
        effect=PATH_A * PATH_B + DIRECT,
        group_size=10,
        allocation=(1, 1),
        icc=0.04,
        baseline_correlation=0.7,
        attrition=0.1,
        power=0.8,
    )
    plan = tk.Plan.load(HERE / "plan.toml")
    through = tk.power.simulate(plan, mediator="self_efficacy_t1", effects=[PATH_A / 2], n_draws=200, seed=SEED).tidy().iloc[0]
    return (
        f"{N} people, {round(N / 20)} groups of 10. Wanted for the effect on income ({grouped.effect:.2f} SD) at 80 % power: {grouped.design['groups']} groups of 10 "
        f"and as many people alone; the plan, simulated, then finds an indirect effect of half the size expected with {100 * through['power']:.0f} % power"
    )


def conclusion(found: dict[str, Any], income: Any, breakpoint: float) -> str:
    """From the intervals alone."""
    said = verdict(
        found["low"], found["high"], WORTHWHILE / 2, of="The part of the effect on income that goes through self-efficacy"
    )
    total = (
        "the effect on income as a whole is above zero"
        if income.conf_low > 0
        else "the effect on income as a whole is not settled"
    )
    return (
        f"{said[:-1]} ({interval(found)} euros a month), and {total}; the first would be nothing if something unmeasured moved self-efficacy and income "
        f"together with a correlation of {breakpoint:.2f}."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
