"""Run the plan of tyohon on the simulated data, then the indirect effects as planned and as often done, each beside the truth.

From the top of the repository: `python analyses/tyohon/run.py [folder for the report]`, or `... run.py coverage` for replicated trials.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

import trialkit as tk
from trialkit.measurement import scale, score
from trialkit.results import Estimate

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import planned  # noqa: E402  (the folder above is not a package)
import worlds  # noqa: E402

KEY = HERE.name
ADJUST = ["age", "female", "motivation_t0", "months_unemployed"]
# Outcome, its column, and the same before.
OUTCOMES = (
    ("quality", "quality_t2", None),
    ("strain", "strain_t2", "strain_t0"),
    ("depression", "depression_t2", "depression_t0"),
)


def main(arguments: list[str]) -> int:
    """The plan with its report, and the indirect effects."""
    if arguments == ["coverage"]:
        print(coverage().to_string(index=False))
        return 0
    if len(arguments) > 1:
        print("run.py takes one folder for the report, or 'coverage'", file=sys.stderr)
        return 2
    planned.main(KEY, arguments)
    print(f"\nThrough preparedness\n{mediation(trial()).to_string(index=False)}")
    return 0


def trial(data: pd.DataFrame | None = None) -> tk.Trial:
    """The people with their scores."""
    data = tk.read(planned.data(KEY)) if data is None else data
    for name, key, items, waves in (
        ("depression", "cesd_10", "ces", ("t0", "t2")),
        ("preparedness", "jobs_search_self_efficacy", "jss", ("t0", "t1")),
    ):
        for wave in waves:
            data[f"{name}_{wave}"] = score(data, scale(key), f"{items}_{wave}_{{item}}").values
    return tk.Trial(data, arm="arm", control="material", unit="id", group="group", strata=["office"])


def mediation(people: tk.Trial) -> pd.DataFrame:
    """Natural indirect effects: truth, as planned, and without anything from before."""
    total = tk.simulate.scenario(KEY, seed=1).value
    rows = []
    for outcome, column, before in OUTCOMES:
        true = worlds.natural_effects(KEY, "preparedness_t1", outcome)["acme"]
        right, naive = indirect(people, column, before), indirect(people, column, before, planned=False)
        e, other = (acme(found) for found in (right, naive))
        rows.append(
            {
                "outcome": outcome,
                "true total": f"{total(outcome, 'difference'):.3f}",
                "true indirect": f"{true:.3f}",
                "planned": f"{e.estimate:.3f}",
                "interval": f"{e.conf_low:.3f} to {e.conf_high:.3f}",
                "nothing from before": f"{other.estimate:.3f}",
                "its interval": f"{other.conf_low:.3f} to {other.conf_high:.3f}",
                "zero at a correlation of": f"{right.sensitivity().breakpoint:.2f}",
            }
        )
    return pd.DataFrame(rows)


def indirect(people: tk.Trial, column: str, before: str | None, *, planned: bool = True) -> tk.Result:
    """The mediation analysis as planned, or with neither covariates nor the mediator and the outcome before."""
    return tk.mediate(
        people,
        column,
        mediator="preparedness_t1",
        adjust=ADJUST if planned else [],
        mediator_baseline="preparedness_t0" if planned else None,
        outcome_baseline=before if planned else None,
        inference="delta",
    )


def acme(found: tk.Result) -> Estimate:
    """The row of the natural indirect effect."""
    return next(e for e in found.estimates if e.estimand == "acme")


def coverage(replications: int = 150) -> pd.DataFrame:
    """Coverage over replicated trials: the effect on preparedness with and without groups, the indirect effects planned and not."""
    sets = tk.simulate.many(KEY, n=replications, seed=2005)
    aim = sets.value("preparedness", "difference")
    true = {o: worlds.natural_effects(KEY, "preparedness_t1", o)["acme"] for o, _, _ in OUTCOMES}
    found: dict[tuple[str, str], list[tuple[float, bool]]] = {}

    def noted(what: str, how: str, e: Estimate, value: float) -> None:
        found.setdefault((what, how), []).append((e.estimate / value, e.conf_low <= value <= e.conf_high))

    for r in range(replications):
        people = trial(sets.data(r))
        alone = tk.Trial(people.data, arm="arm", control="material", unit="id", strata=["office"])
        for how, those in (("with groups", people), ("without", alone)):
            e = tk.itt(those, "preparedness_t1", adjust=["preparedness_t0", *ADJUST]).estimates[0]
            noted("effect on preparedness", how, e, aim)
        for outcome, column, before in OUTCOMES:
            for how in ("planned", "nothing from before"):
                noted(
                    f"indirect, {outcome}", how, acme(indirect(people, column, before, planned=how == "planned")), true[outcome]
                )
    rows = []
    for (what, how), those in found.items():
        ratio, hit = np.mean(those, axis=0)
        rows.append({"what": what, "analysis": how, "mean estimate / truth": f"{ratio:.2f}", "coverage": f"{hit:.3f}"})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
