"""Does it work only for people who are motivated already? The effect of the offer by motivation, who comes, and the effect on those who come.

From the top of the repository: `python analyses/questions/motivation/run.py`.
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

N, SEED = 2400, 1
COMES, COMES_SLOPE = 0.55, 0.8
GAIN, GAIN_SLOPE, ANYWAY, CENTRE = 0.30, -0.08, 0.25, 4.6
ICC, R = 0.03, 0.6
HIGH = 5


def main(arguments: list[str]) -> int:
    """Print the answer."""
    telling.show(answer())
    return 0


def gain(frame: pd.DataFrame) -> np.ndarray:
    """The effect of coming, in SD: it falls with motivation, because the motivated have less to gain."""
    return (GAIN + GAIN_SLOPE * (frame["motivation"] - CENTRE)).to_numpy(dtype=float)


def simulate() -> pd.DataFrame:
    """Half are offered a place; the motivated come more often, and fare better with or without the circle."""
    frame = town.people(N, seed=SEED)
    frame["arm"] = town.allocate(frame, seed=SEED, arms=("usual", "offer"))
    offered = (frame["arm"] == "offer").to_numpy()
    frame["circle_id"] = town.groups(frame, offered, seed=SEED)
    frame["came"] = town.binary(frame, "comes when invited", seed=SEED, share=COMES, on="motivation", slope=COMES_SLOPE) * offered
    motivated = (frame["motivation"] - frame["motivation"].mean()) / frame["motivation"].std()
    frame["self_efficacy_t1"] = town.scores(
        frame, "self-efficacy after six months", seed=SEED, effect=(gain(frame) * frame["came"] + ANYWAY * motivated).to_numpy(),
        group=frame["circle_id"].where(frame["came"] == 1, None), group_sd=np.sqrt(ICC / (1 - ICC)), baseline="self_efficacy_t0", persistence=R,
    )  # fmt: skip
    frame["motivated"] = np.where(frame["motivation"] >= HIGH, "higher", "lower")
    return frame


def truths() -> dict[str, float]:
    """What is so in a town of 100,000: chances of coming and effects are known there, because they were put in."""
    frame = town.people(100_000, seed=SEED + 1)
    comes = town.chances(frame, "comes when invited", seed=SEED, share=COMES, on="motivation", slope=COMES_SLOPE)
    effect, high = gain(frame), (frame["motivation"] >= HIGH).to_numpy()
    return {
        "offer": float((comes * effect).mean()), "slope": float(np.polyfit(frame["motivation"], comes * effect, 1)[0]),
        "come": float(np.average(effect, weights=comes)), "come lower": float(np.average(effect[~high], weights=comes[~high])),
        "come higher": float(np.average(effect[high], weights=comes[high])), "reach": float(comes[high].mean() - comes[~high].mean()),
    }  # fmt: skip


def trial_of(frame: pd.DataFrame) -> tk.Trial:
    """Offered against not offered; circles are those in which the place was offered."""
    return tk.Trial(
        frame, unit="id", arm="arm", control="usual", group="circle_id", strata=["district"], grouped_arms=["offer"], ungrouped="singleton"
    )  # fmt: skip


def answer() -> dict[str, Any]:
    """Size, simulation, plan, the effect on those who come in each half, and reach."""
    frame, true = simulate(), truths()
    report = tk.Plan.load(HERE / "plan.toml").run(frame)
    planned = report.outcomes[0]
    by = next(iter(report.subgroups.values()))
    interaction = next(e for e in by.estimates if e.extra.get("subgroup") == "interaction")
    came = planned.companions["cace"].estimates[0]
    halves = {
        half: tk.cace(trial_of(frame[frame["motivated"] == half]), "self_efficacy_t1", uptake="came", adjust=["self_efficacy_t0"]).estimates[0]
        for half in ("lower", "higher")
    }  # fmt: skip
    reach = (
        tk.selection.take_up(trial_of(frame), "came", by="motivated")
        .tidy()
        .query("kind == 'complier' and stratum == 'higher'")
        .iloc[0]
    )
    told = [
        lines.line("effect of the offer, per point of motivation", interaction, truth=true["slope"], naive=naive_slope(frame)),
        lines.line("effect of the offer", planned.result.estimates[0], truth=true["offer"]),
        lines.line("effect on those who come", came, truth=true["come"], naive=naive_came(frame)),
        lines.line("  of lower motivation (1 to 4)", halves["lower"], truth=true["come lower"]),
        lines.line("  of higher motivation (5 to 7)", halves["higher"], truth=true["come higher"]),
        lines.Line(
            "share that comes, higher minus lower", true["reach"], np.nan, float(reach["difference"]), float(reach["difference_low"]), float(reach["difference_high"]),
        ),
    ]  # fmt: skip
    sd = float(frame["motivation"].std())
    size = tk.power.interaction(effect=0.10, moderator_sd=sd, power=0.8, individual_r2=R**2)
    return {
        "question": "Does it work only for people who are motivated already?",
        "design": "the offer of a place is randomized, to motivated and unmotivated alike; circles of 8 to 12 among those offered; who comes is counted",
        "size": f"{N:,} people, half of them offered a place; {int(np.ceil(size.n)):,} people give 80 % power for an effect of the offer that differs by 0.10 SD per point of motivation "
        "(a trait that varies within circles is hardly blurred by them)",
        "estimand": "change of the effect of the offer on self-efficacy per point of motivation (1 to 7), in SD, tested on both sides",
        **told[0].headline,
        "rows": lines.table(told),
        "conclusion": conclusion(told),
        "missing": "there is no test yet of whether the effect on those who come differs by motivation: it is given for each half beside each other, each with its interval.",
    }  # fmt: skip


def naive_slope(frame: pd.DataFrame) -> float:
    """What an evaluation without controls sees: how much higher participants end, given where they began, per point of motivation."""
    came = frame[frame["came"] == 1]
    X = np.column_stack([np.ones(len(came)), came["motivation"], came["self_efficacy_t0"]])
    return float(np.linalg.lstsq(X, came["self_efficacy_t1"].to_numpy(), rcond=None)[0][1])


def naive_came(frame: pd.DataFrame) -> float:
    """Those who came against everyone else who was offered a place."""
    offered = frame[frame["arm"] == "offer"]
    return float(
        tk.itt(tk.Trial(offered, arm="came", control=0), "self_efficacy_t1", adjust=["self_efficacy_t0"]).estimates[0].estimate
    )


def conclusion(told: list[lines.Line]) -> str:
    """One sentence, from the intervals."""
    slope, reach = told[0], told[-1]
    words = slope.span(" SD a point")
    first = slope.says(
        above=f"The offer does more for the motivated ({words})", below=f"The offer does less for the motivated ({words})",
        unsure=f"The offer may do somewhat more or somewhat less for the motivated ({words}), so that motivation as a precondition is not shown",
    )  # fmt: skip
    comes = reach.span(" percentage points", scale=100, digits=0)
    second = reach.says(
        above=f"while the motivated come more often ({comes}).", below=f"while the motivated come less often ({comes}).",
        unsure=f"and whether they come more often is open ({comes}).",
    )  # fmt: skip
    return f"{first}, {second}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
