"""What every planned scenario's `run.py` does: run the plan on the simulated data and print each estimate beside the truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

import trialkit as tk

ROOT = Path(__file__).resolve().parents[1]
# which truth a measure of the plan is compared with; all others are differences
TRUTHS = {"rate_ratio": "mean_ratio", "mean_ratio": "mean_ratio", "odds_ratio": "odds_ratio"}


def main(key: str, arguments: list[str]) -> int:
    """Load, run, save, print. The folder for the report may be given as the only argument."""
    target = Path(arguments[0]) if arguments else Path("report") / key
    plan = load(key)
    report = plan.run(data(key))
    saved = report.save(target)
    print(table(key, report, without_groups(plan).run(data(key))).to_string(index=False))
    print(f"\nReport: {saved}")
    return 0


def load(key: str) -> tk.Plan:
    """The plan in the scenario's folder."""
    return tk.Plan.load(ROOT / "analyses" / key / "plan.toml")


def data(key: str) -> Path:
    """The simulated data of the scenario."""
    return ROOT / "simulated_data" / f"{key}.csv"


def table(key: str, report: Any, naive: Any) -> pd.DataFrame:
    """Truth, planned estimate and the interval of an analysis that ignores the groups, in both metrics."""
    simulated = tk.simulate.scenario(key, seed=1)
    measures = {o.name: TRUTHS.get(o.measure, "difference") for o in load(key).spec.outcomes}
    rows = []
    for planned, ignoring in zip(report.outcomes, naive.outcomes):
        for arm in simulated.scenario.arms[1:] if simulated.scenario.several_arms else [None]:
            rows.append(row(planned.name, measures[planned.name], simulated.value, planned.result, ignoring.result, arm))
            if planned.effect_size is not None:
                rows.append(row(planned.name, "standardized", simulated.value, planned.effect_size, ignoring.effect_size, arm))
    return pd.DataFrame(rows)


def row(outcome: str, metric: str, truth: Any, planned: tk.Result, naive: tk.Result, arm: str | None = None) -> dict[str, str]:
    """One line of the table; with several arms of `arm` against control."""
    e, ignoring = (
        next(e for e in found.estimates if arm is None or e.contrast.startswith(f"{arm} - ")) for found in (planned, naive)
    )
    return {
        "outcome": outcome,
        "metric": f"{metric} ({arm})" if arm else metric,
        "truth": f"{round(truth(outcome, metric, arm=arm), 3) + 0.0:.3f}",
        "estimate": f"{e.estimate:.3f}",
        "interval": f"{e.conf_low:.3f} to {e.conf_high:.3f}",
        "se": f"{e.std_error:.3f}",
        "interval ignoring groups": f"{ignoring.conf_low:.3f} to {ignoring.conf_high:.3f}",
        "se ignoring groups": f"{ignoring.std_error:.3f}",
    }


def without_groups(plan: tk.Plan) -> tk.Plan:
    """The same plan as if the groups or clusters did not exist: the analysis that most studies report."""
    spec = plan.spec
    people = {"clustered": "complete", "stratified_clustered": "stratified"}
    scheme = people.get(spec.design.scheme, spec.design.scheme)
    changes = {
        "arms": tuple(arm.model_copy(update={"grouped": False}) for arm in spec.arms),
        "data": spec.data.model_copy(update={"group": None, "cluster": None}),
        "design": spec.design.model_copy(update={"groups": None, "clusters": None, "scheme": scheme}),
    }
    return replace(plan, spec=spec.model_copy(update=changes))
