"""The demonstration: one simulated trial from plan to report, with the truth beside the estimates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from trialkit.plan.plan import Plan
from trialkit.report.content import ReportContent
from trialkit.results import number
from trialkit.simulate import scenario, write_scenario
from trialkit.simulate.simulated import Simulated

KEY = "klier_2019"


def play(folder: Path, seed: int, progress: Callable[[str, int, int], None]) -> str:
    """Write plan, lock, data and report into `folder`; the story in words."""
    folder.mkdir(parents=True, exist_ok=True)
    simulated = scenario(KEY, seed=seed)
    paths = write_scenario(KEY, folder, seed)
    data = next(p for p in paths if p.name == f"{KEY}.csv")
    plan_path = folder / "plan.toml"
    plan_path.write_text(simulated.plan_text, encoding="utf-8")
    plan = Plan.load(plan_path)
    if plan.lock_path.exists():
        plan.lock_path.unlink()
    plan.lock()
    content = plan.run(data, progress=progress)
    content.save(folder / "report")
    return "\n".join(_story(folder, data, content, simulated))


def _story(folder: Path, data: Path, content: ReportContent, simulated: Simulated) -> list[str]:
    return [
        f"1. The plan          {folder / 'plan.toml'}",
        f"2. locked            {folder / 'plan.lock.json'}   {content.lock.plan_hash[:16]}...",
        f"3. simulated data    {data}   {content.data['rows']} people, seed {simulated.seed}",
        f"4. analysed          {len(content.outcomes)} outcomes; groups exist in one arm and are accounted for",
        "",
        estimates_beside_truth(content, simulated).to_string(index=False),
        "",
        f"5. The report        {folder / 'report' / 'index.html'}   (open it in a browser)",
    ]


def estimates_beside_truth(content: ReportContent, simulated: Simulated) -> pd.DataFrame:
    """Each outcome's estimate and interval with the ITT effect that the simulation put in."""
    truth = simulated.truth
    known = truth[(truth["metric"] == "difference") & (truth["estimand"] == "ITT")].set_index("outcome")["value"]
    rows = []
    for outcome in content.outcomes:
        e = outcome.result.estimates[0]
        interval = f"{number(e.conf_low)} to {number(e.conf_high)}"
        rows.append({"outcome": outcome.name, "estimate": number(e.estimate), "95% interval": interval, "truth": number(float(known[outcome.name]))})
    return pd.DataFrame(rows)
