"""The demonstration: one simulated trial from plan to report, with the truth beside the estimates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from trialkit.plan.on_record import run_on_record
from trialkit.plan.plan import Plan
from trialkit.printed import number
from trialkit.report.save import Report
from trialkit.simulate import scenario
from trialkit.simulate.simulated import Simulated

KEY = "klier_2019"


def play(folder: Path, seed: int, progress: Callable[[str, int, int], None]) -> str:
    """Write plan, lock, data and report into `folder`; the story in words."""
    simulated = scenario(KEY, seed=seed)
    written = {p.name: p for p in simulated.write(folder)}
    data = written[f"{KEY}.csv"]
    plan = Plan.load(written[f"{KEY}.plan.toml"])
    # a demonstration starts anew each time: the lock and the data of an earlier one are not earlier ones of this trial
    for kind in (".lock.json", ".data.json", ".unblinding.jsonl", ".deviations.jsonl"):
        written[f"{KEY}.plan.toml"].with_suffix(kind).unlink(missing_ok=True)
    plan.lock()
    content = run_on_record(plan, data, fingerprint=True, progress=progress)
    report = content.save(folder / "report", progress=progress)
    return "\n".join(_story(plan, data, report, content, simulated))


def _story(plan: Plan, data: Path, report: Path, content: Report, simulated: Simulated) -> list[str]:
    return [
        f"1. The plan          {plan.path}",
        f"2. locked            {plan.lock_path}   {content.lock.plan_hash[:16]}...",
        f"3. simulated data    {data}   {content.data['rows']} people, seed {simulated.seed}",
        f"4. analysed          {len(content.outcomes)} outcomes; groups exist in one arm and are accounted for",
        "",
        estimates_beside_truth(content, simulated).to_string(index=False),
        "   (such an interval misses the truth in 1 of 20 draws; see another draw with --seed)",
        "",
        f"5. The report        {report}   (open it in a browser)",
    ]


def estimates_beside_truth(content: Report, simulated: Simulated) -> pd.DataFrame:
    """Each outcome's estimate and interval with the ITT effect that the simulation put in."""
    rows = []
    for outcome in content.outcomes:
        e = outcome.result.estimates[0]
        interval = f"{number(e.conf_low)} to {number(e.conf_high)}"
        rows.append(
            {
                "outcome": outcome.name,
                "estimate": number(e.estimate),
                "95% interval": interval,
                "truth": number(simulated.value(outcome.name, "difference")),
            }
        )
    return pd.DataFrame(rows)
