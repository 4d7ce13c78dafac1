"""Does it last? Effects at three follow-ups and their fading, time to a job, and work at the end.

From the top of the repository: `python analyses/questions/persistence/run.py`.
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

import town  # noqa: E402  (the folder above is not a package)
from telling import interval, number, row, told, verdict  # noqa: E402

SEED, N, HORIZON = 1, 880, 540
# assumed: the effect on confidence in SD by wave (months), jobs found sooner, and jobs of members that last as long as those of others
EFFECT = {3: 0.40, 9: 0.25, 18: 0.10}
MEDIAN_DAYS, HAZARD_RATIO, GROUP_SD, KEPT_DAYS = 300.0, 1.40, 0.15, 900.0
WORTHWHILE = 0.05


def main(arguments: list[str]) -> int:
    """Print the answer."""
    return told(answer, arguments)


def answer() -> dict[str, Any]:
    """Simulate, run the plan and the model of all waves, and say what was found."""
    frame = data()
    report = tk.Plan.load(HERE / "plan.toml").run(frame)
    found_by = {o.name: o.result.estimates[0] for o in report.outcomes}
    work = found_by["in_work"]
    waves = over_waves(frame)
    found = {
        "question": "Does the effect last, and are jobs kept?",
        "design": "randomized, groups in one arm; a score at 3, 9 and 18 months, jobs and their ends from a register over 540 days",
        "size": size(),
        "estimand": "in work at day 540, all randomized (difference in shares)",
        "truth": in_work(True) - in_work(False),
        "naive": naive(frame),
        "estimate": work.estimate,
        "low": work.conf_low,
        "high": work.conf_high,
        "missing": "further jobs after the first ended are not simulated; retention as a recurrent event has no estimator here.",
        "rows": [
            *(row(f"confidence after {w} months (SD)", waves[w], EFFECT[w]) for w in EFFECT),
            row("fade: last less first follow-up", waves["fade_out"], EFFECT[18] - EFFECT[3]),
            row("time to job: hazard ratio", found_by["time_to_job"], f"below {HAZARD_RATIO:.2f}"),
            row("days in work out of 540", found_by["days_in_work"], days_in_work(True) - days_in_work(False)),
        ],
    }
    return found | {"conclusion": conclusion(found, waves, found_by["time_to_job"])}


def data() -> pd.DataFrame:
    """The trial; the score has a steady part, 8, 15 and 20 % are lost at the waves, and the register loses nobody."""
    frame = town.people(N, seed=SEED)
    frame["arm"] = town.allocate(frame, seed=SEED)
    offered = (frame["arm"] == "group").to_numpy(dtype=float)
    frame["group"] = town.groups(frame, offered, seed=SEED)
    frame["steady"] = town.scores(frame, "steady", seed=SEED, baseline="self_efficacy_t0", persistence=0.6)
    frame["confidence_t0"] = town.scores(frame, "confidence 0", seed=SEED, baseline="steady", persistence=0.75)
    for wave, (month, share) in enumerate(zip(EFFECT, (0.08, 0.15, 0.20)), start=1):
        frame[f"confidence_t{wave}"] = town.scores(
            frame, f"confidence {month}", seed=SEED, effect=EFFECT[month] * offered, group=frame["group"], group_sd=0.15,
            baseline="steady", persistence=0.75,
        )  # fmt: skip
        gone = town.lost(frame.assign(low=-frame["confidence_t0"]), seed=SEED, share=share, on="low", name=f"lost {month}")
        frame.loc[gone, f"confidence_t{wave}"] = np.nan
    frame["days"], frame["found"] = town.time_to(
        frame, "job", seed=SEED, median_days=MEDIAN_DAYS, hazard_ratio=HAZARD_RATIO**offered, group=frame["group"],
        group_sd=GROUP_SD, horizon=HORIZON,
    )  # fmt: skip
    kept, _ = town.time_to(frame, "kept", seed=SEED, median_days=KEPT_DAYS * math.log(2), horizon=10 * HORIZON)
    left = HORIZON - frame["days"].to_numpy()
    frame["days_in_work"] = np.where(frame["found"] == 1, np.minimum(kept, left), 0.0)
    frame["in_work_540"] = ((frame["found"] == 1) & (kept > left)).astype(int)
    return frame


def over_waves(frame: pd.DataFrame) -> dict[Any, Any]:
    """Effects by wave and their fading, from one model that keeps whoever misses a wave."""
    trial = tk.Trial(frame, arm="arm", control="usual", unit="id", group="group", strata=["district"])
    columns = {0: "confidence_t0", **{month: f"confidence_t{i}" for i, month in enumerate(EFFECT, start=1)}}
    return {e.extra["over_waves"] or e.extra["wave"]: e for e in tk.longitudinal(trial, waves=columns).estimates}


def in_work(member: bool) -> float:
    """P(a job found by then and not yet ended): found at rate a, ended at rate b, over all groups that could have been."""
    b = 1 / KEPT_DAYS
    return _averaged(member, lambda a: a * (math.exp(-b * HORIZON) - math.exp(-a * HORIZON)) / (a - b))


def days_in_work(member: bool) -> float:
    """The integral of that probability over the days."""
    b = 1 / KEPT_DAYS
    return _averaged(member, lambda a: a / (a - b) * ((1 - math.exp(-b * HORIZON)) / b - (1 - math.exp(-a * HORIZON)) / a))


def _averaged(member: bool, of_rate: Any) -> float:
    rate = math.log(2) / MEDIAN_DAYS
    if not member:
        return float(of_rate(rate))
    nodes, weights = np.polynomial.hermite_e.hermegauss(15)
    values = [of_rate(rate * HAZARD_RATIO * math.exp(GROUP_SD * z)) for z in nodes]
    return float(np.dot(weights, values) / math.sqrt(2 * math.pi))


def naive(frame: pd.DataFrame) -> float:
    """Retention among those who found a job: who these are depends on the programme, which finds jobs for people late as well."""
    found = frame[frame["found"] == 1]
    return float(found.groupby("arm")["in_work_540"].mean().loc[["usual", "group"]].diff().iloc[-1])


def size() -> str:
    """Groups for the share in work, and for the hazard ratio."""
    share = tk.power.grouped(control_rate=0.5, effect=0.10, group_size=10, allocation=(1, 1), icc=0.02, power=0.8)
    score = tk.power.repeated(effect=0.25, pre=1, post=3, correlation=0.56, attrition=0.15, power=0.8)
    return (
        f"{N} people, about {N // 20} groups of 10. Wanted at 80 % power: {share.design['groups']} groups of 10 and as many people alone for 10 points more in work; "
        f"{math.ceil(score.n_per_arm)} people in each arm for 0.25 SD of confidence over three waves if nobody met in groups"
    )


def conclusion(found: dict[str, Any], waves: dict[Any, Any], job: Any) -> str:
    """Work at the end first; then the first wave, the last, and their difference."""
    said = verdict(found["low"], found["high"], WORTHWHILE, of="The effect on work after eighteen months")
    first = "confidence rose at first" if waves[3].conf_low > 0 else "that confidence rose at first is not shown"
    last = "was still higher at the end" if waves[18].conf_low > 0 else "is not shown to be higher at the end"
    fade = "the effect faded" if waves["fade_out"].conf_high < 0 else "fading is not settled"
    sooner = "jobs were found sooner" if job.conf_low > 1 else "that jobs were found sooner is not shown"
    return f"{said[:-1]} ({interval(found)}); {sooner} (hazard ratio {number(job.estimate)}); {first} and {last}: {fade}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
