"""Does knowledge of institutions pass from trained members to the others of their group?

From the top of the repository: `python analyses/questions/institutional_capital_transfer/run.py`.
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

import telling  # noqa: E402  (the folder above is not a package)
import town  # noqa: E402

SEED, N, WORTHWHILE = 1, 1120, 0.2
# in standard deviations: what training does to the trained, and what their presence does to every other member
DIRECT, SPILLOVER, GROUP_SD, SD = 0.50, 0.20, 0.23, 1.75
OUTCOME, BASELINE = "institutional_t1", "institutional_t0"


def main(arguments: list[str]) -> int:
    """Print the answer."""
    return telling.told(answer, arguments)


def answer() -> dict[str, Any]:
    """Simulate, run the plan on the untrained, and take the direct effect by the lottery within groups."""
    frame = data()
    rest, within = frame[frame["drawn"] == "no"], frame[frame["seeding"] == "some"]
    spilled = tk.Plan.load(HERE / "plan.toml").run(rest).outcomes[0].result.estimates[0]
    trial = tk.Trial(within, unit="id", arm="drawn", control="no", strata=["group"], design=lottery_within(within))
    direct = tk.itt(trial, OUTCOME, adjust=[BASELINE]).estimates[0]
    by_lottery = tk.randomization_test(trial, OUTCOME, adjust=[BASELINE], n_draws=2000, seed=SEED)
    drawn = tk.Trial(
        frame[frame["drawn"] == "yes"], unit="id", arm="seeding", control="none", cluster="group", strata=["district"]
    )  # fmt: skip
    trained = tk.itt(drawn, OUTCOME, adjust=[BASELINE]).estimates[0]
    return {
        "question": "Does institutional capital pass from trained members to the rest of their group?",
        "design": "groups drawn to have three in ten members trained or none; within every group those members are drawn too",
        "size": size(),
        "estimand": "effect on members who were not trained of three in ten of their group being trained (points of 0 to 10)",
        "truth": SPILLOVER * SD,
        "naive": naive(within),
        "estimate": spilled.estimate,
        "low": spilled.conf_low,
        "high": spilled.conf_high,
        "rows": [
            telling.row(f"trained against untrained of one group (p = {by_lottery.p_value:.4f} by the lottery)", found=direct, truth=(DIRECT - SPILLOVER) * SD),
            telling.row("drawn for training in groups with it against those in groups without", found=trained, truth=DIRECT * SD),
        ],
        "conclusion": conclusion(spilled, trained),
        "missing": "",
    }  # fmt: skip


def data() -> pd.DataFrame:
    """Everyone in a group; groups drawn within districts, members within groups."""
    frame = town.people(N, seed=SEED)
    frame["group"] = town.groups(frame, np.ones(N, dtype=bool), seed=SEED)
    groups = tk.design.stratified_clustered(frame, unit="id", cluster="group", strata=["district"], arms={"none": 1, "some": 1})
    frame = frame.merge(groups.assign(seed=SEED)[["id", "arm"]].rename(columns={"arm": "seeding"}), on="id")
    members = lottery_within(frame).assign(seed=SEED + 1)
    frame = frame.merge(members[["id", "arm"]].rename(columns={"arm": "drawn"}), on="id")
    there, drawn = frame["seeding"] == "some", frame["drawn"] == "yes"
    effect = np.where(there & drawn, DIRECT, np.where(there, SPILLOVER, 0.0))
    frame[OUTCOME] = town.scores(
        frame, OUTCOME, seed=SEED, effect=effect, group=frame["group"], group_sd=GROUP_SD, baseline=BASELINE, persistence=0.5, sd=SD, mean=4.0
    )  # fmt: skip
    frame["talked"] = town.binary(frame, "talked to a trained member", seed=SEED, share=0.5, on=BASELINE, slope=1.0)
    return frame


def lottery_within(frame: pd.DataFrame) -> Any:
    """Three in ten members of every group; groups of other sizes round up or down by lot."""
    return tk.design.stratified(frame, unit="id", strata=["group"], arms={"no": 7, "yes": 3})


def naive(within: pd.DataFrame) -> float:
    """Untrained members who say they talked to a trained one against those who did not: contact was their own choice."""
    said = within[within["drawn"] == "no"]
    return float(tk.itt(tk.Trial(said, unit="id", arm="talked", control=0), OUTCOME).estimates[0].estimate)


def size() -> str:
    """Groups for the spillover on seven untrained members of each."""
    wanted = tk.power.clustered(effect=SPILLOVER, cluster_size=7, icc=0.05, baseline_r2=0.25, power=0.8)
    return (
        f"{N} people in groups of 8 to 12. Wanted for 80 % power for {SPILLOVER:.2f} SD on seven untrained members a group: "
        f"{wanted.design['clusters']} groups, half of them with training"
    )


def conclusion(spilled: Any, trained: Any) -> str:
    """From the intervals alone."""
    first = telling.verdict(spilled.conf_low, spilled.conf_high, WORTHWHILE, of="What reaches members who were not trained")
    low, high = telling.number(spilled.conf_low), telling.number(spilled.conf_high)
    second = (
        "training does raise the capital of those trained"
        if trained.conf_low > 0
        else "whether the trained themselves gained is not settled"
    )
    return f"{first[:-1]} ({low} to {high} points), and {second} ({telling.number(trained.conf_low)} to {telling.number(trained.conf_high)})."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
