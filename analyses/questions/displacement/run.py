"""Do job seekers in groups get jobs at the expense of others? Two lotteries: markets to a saturation, job seekers to a group.

From the top of the repository: `python analyses/questions/displacement/run.py`.
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

SEED, MARKETS, SIZE, WORTHWHILE = 1, 330, 20, 0.03
SHARE = {"none": 0.0, "quarter": 0.25, "three_quarters": 0.75}
# log odds of a job: what a group adds for its member, and what a market full of groups takes from everyone in it
JOBS, OWN, TAKEN, MARKET_SD = 0.40, 0.50, -0.35, 0.25
ADJUST = ["education", "age", "motivation"]


def main(arguments: list[str]) -> int:
    """Print the answer."""
    return telling.told(answer, arguments)


def answer() -> dict[str, Any]:
    """Simulate, run the plan between markets, and split the total into direct effect and spillover."""
    frame = data()
    planned = tk.Plan.load(HERE / "plan.toml").run(frame).outcomes[0].result
    total = {e.contrast.split(" - ")[0]: e for e in planned.estimates}
    mixed = frame[frame["saturation"] != "none"].assign(share=frame["saturation"].map(SHARE))
    within = {(e.extra["effect"], e.extra["saturation"]): e for e in saturation(mixed).estimates}
    outside = tk.Trial(frame[frame["in_group"] == 0], unit="id", arm="saturation", control="none", cluster="market")
    spilled = {
        e.contrast.split(" - ")[0]: e
        for e in tk.itt(outside, "job", measure="risk_difference", estimator="ancova", adjust=ADJUST).estimates
    }
    full, true = total["three_quarters"], truths()
    return {
        "question": "Do members of job-search groups take the jobs of others?",
        "design": "labour markets drawn to have none, a quarter or three quarters of their job seekers in groups; within markets the job seekers are drawn",
        "size": size(frame),
        "estimand": "total effect: difference in the share of all job seekers with a job, markets with three quarters in groups against markets with none",
        "truth": true["total", "three_quarters"],
        "naive": within["marginal_direct", "all"].estimate,
        "estimate": full.estimate,
        "low": full.conf_low,
        "high": full.conf_high,
        "rows": [
            telling.row("total, a quarter in groups", found=total["quarter"], truth=true["total", "quarter"]),
            telling.row("direct, a quarter in groups", found=within["direct", "0.25"], truth=true["direct", "quarter"]),
            telling.row("direct, three quarters in groups", found=within["direct", "0.75"], truth=true["direct", "three_quarters"]),
            telling.row("spillover on people without a group, a quarter", found=spilled["quarter"], truth=true["spillover", "quarter"]),
            telling.row("spillover on people without a group, three quarters", found=spilled["three_quarters"], truth=true["spillover", "three_quarters"]),
        ],
        "conclusion": conclusion(full, spilled["three_quarters"], within["direct", "0.75"]),
        "missing": "tk.selection.saturation leaves markets without groups out and takes no covariates, and tk.power has no saturation design: total and spillover "
        "are compared between markets with tk.itt, and the size is that of a comparison of markets.",
    }  # fmt: skip


def saturation(mixed: pd.DataFrame) -> Any:
    """Members against others of the same markets, at each saturation and over both: the second is all that a trial that draws people only can see."""
    return tk.selection.saturation(mixed, "job", arm="in_group", cluster="market", saturation="share")


def lottery() -> pd.DataFrame:
    """Job seekers in markets, markets drawn to a saturation, job seekers drawn within."""
    frame = town.people(MARKETS * SIZE, seed=SEED)
    frame["market"] = np.repeat([f"market {m:03d}" for m in range(1, MARKETS + 1)], SIZE)
    drawn = tk.design.clustered(frame, unit="id", cluster="market", arms=dict.fromkeys(SHARE, 1)).assign(seed=SEED)
    frame = frame.merge(drawn[["id", "arm"]].rename(columns={"arm": "saturation"}), on="id")
    frame["in_group"] = 0
    for place, (label, share) in enumerate(SHARE.items()):
        here = frame[frame["saturation"] == label]
        if share:
            seats = tk.design.stratified(here, unit="id", strata=["market"], arms={"no": 1 - share, "yes": share}).assign(
                seed=SEED + place
            )
            frame.loc[frame["id"].isin(seats.loc[seats["arm"] == "yes", "id"]), "in_group"] = 1
    return frame


def data() -> pd.DataFrame:
    """The trial."""
    frame = lottery()
    effect = OWN * frame["in_group"] + TAKEN * frame["saturation"].map(SHARE)
    return frame.assign(
        job=town.binary(
            frame,
            "job",
            seed=SEED,
            share=JOBS,
            effect=effect.to_numpy(),
            group=frame["market"],
            group_sd=MARKET_SD,
            on="motivation",
        )
    )


def truths() -> dict[tuple[str, str], float]:
    """What was put in, averaged over people and markets."""
    frame = town.people(20_000, seed=SEED + 1)
    frame["market"] = np.repeat([f"market {m:04d}" for m in range(1_000)], SIZE)

    def share(effect: float) -> float:
        return float(
            town.chances(
                frame, "job", seed=SEED, share=JOBS, effect=effect, group=frame["market"], group_sd=MARKET_SD, on="motivation"
            ).mean()
        )

    none, found = share(0.0), {}
    for label in ("quarter", "three_quarters"):
        s = SHARE[label]
        member, other = share(OWN + TAKEN * s), share(TAKEN * s)
        found["total", label] = s * member + (1 - s) * other - none
        found["direct", label] = member - other
        found["spillover", label] = other - none
    return found


def size(frame: pd.DataFrame) -> str:
    """Markets for a total effect of five points between two kinds of markets."""
    wanted = tk.power.clustered(effect=0.05, cluster_size=SIZE, icc=0.015, control_rate=JOBS, power=0.8)
    return (
        f"{len(frame)} job seekers in {MARKETS} labour markets, a third of them at each saturation. Wanted for 80 % power for a total effect of 5 percentage "
        f"points: {wanted.design['clusters'] // 2} markets of {SIZE} at each of the two saturations compared"
    )


def conclusion(full: Any, spilled: Any, direct: Any) -> str:
    """From the intervals alone."""
    first = telling.verdict(full.conf_low, full.conf_high, WORTHWHILE, of="The effect on all job seekers together")
    ahead = (
        "Members do better than others in the same market"
        if direct.conf_low > 0
        else "Whether members do better than others in the same market is not settled"
    )
    others = (
        "others lose jobs"
        if spilled.conf_high < 0
        else "others gain"
        if spilled.conf_low > 0
        else "whether others lose jobs is not settled"
    )
    return f"{ahead} ({points(direct)} percentage points) and {others} ({points(spilled)}). {first[:-1]} ({points(full)})."


def points(e: Any) -> str:
    """An interval in percentage points."""
    return f"{100 * e.conf_low:.1f} to {100 * e.conf_high:.1f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
