"""One call gives data, truth and plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from trialkit.errors import UsageError
from trialkit.misuse import explained
from trialkit.simulate.files import write_files
from trialkit.simulate.people import checked_seed
from trialkit.simulate.runner import frame, simulate_people, tables
from trialkit.simulate.spec import ScenarioSpec, load_scenario, plan_of, scenario_keys
from trialkit.simulate.truth import stored_truth, truth_table

__all__ = ["Simulated", "checked_people", "scenario", "scenarios", "write_scenario"]


@dataclass(frozen=True, eq=False, repr=False)
class Simulated:
    """A simulated trial with known truth.

    Attributes
    ----------
    data : one row a person, item answers included; missing codes as a questionnaire would have them.
    truth : outcome, metric, estimand (ITT or complier), value, mc_error (Monte Carlo standard error), computed; with several arms
        `arm`, the arm that is compared with control.
    plan_text : the plan (TOML) that analyses the data; empty for a design that no plan covers, such as one without a control arm.
    scenario : the specification; `.parameters` lists every number with its origin.
    seed : the seed of the data.
    tables : lists beside the data, such as 'adverse_events', 'funnel' or 'groups', where the scenario has them.
    """

    data: pd.DataFrame
    truth: pd.DataFrame
    plan_text: str
    scenario: ScenarioSpec
    seed: int
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def value(self, outcome: str, metric: str, estimand: str = "ITT", arm: str | None = None) -> float:
        """One truth, as in `value("self_efficacy", "standardized")`; with several arms `arm` says which is compared with control."""
        return stored_truth(self.scenario.key).value(outcome, metric, estimand, arm)

    @property
    def context(self) -> Mapping[str, Mapping[str, float]]:
        """What the arms look like in the truth: by outcome `control_mean`, `control_sd` and so on; under 'people' the take-up."""
        return stored_truth(self.scenario.key).context

    def write(self, folder: str | Path) -> tuple[Path, ...]:
        """Write data, codebook, manifest, plan, the scale files the plan names and the lists beside the data; returns their paths.

        Examples
        --------
        >>> import tempfile
        >>> scenario("klier_2019", seed=1, people=200).write(tempfile.mkdtemp())[3].name
        'klier_2019.plan.toml'
        """
        return write_files(
            Path(folder), self.scenario, data=self.data, tables=self.tables, plan_text=self.plan_text, seed=self.seed
        )

    def __str__(self) -> str:
        spec = self.scenario
        lines = [
            f"{spec.title} ({spec.key} {spec.version}), seed {self.seed}: {len(self.data)} people",
            "  truth (intention to treat)",
        ]
        for row in self.truth.loc[self.truth["estimand"] == "ITT"].to_dict("records"):
            where = f" ({row['arm']})" if "arm" in row else ""
            lines.append(f"    {row['outcome']}, {row['metric']}{where}: {row['value']:.3f}")
        return "\n".join(lines)

    __repr__ = __str__


@explained
def scenario(key: str, *, seed: int | np.random.Generator, people: int | None = None) -> Simulated:
    """Simulate a trial of the library of scenarios.

    Parameters
    ----------
    key : name of the scenario; `scenarios()` lists them.
    seed : whole number or numpy Generator; there is no default, so that no result rests on a hidden draw.
    people : number of people instead of the scenario's own. The truth is that of the population, so it stays the same.

    Returns
    -------
    Simulated
        `.data`, `.truth`, `.plan_text`, `.scenario`, `.seed`.

    Raises
    ------
    UsageError
        Unknown scenario or a seed that is none.
    DesignError
        So few people that a group would have one member.

    Examples
    --------
    >>> import trialkit as tk
    >>> trial = tk.simulate.scenario("klier_2019", seed=1)
    >>> len(trial.data), round(trial.value("self_efficacy", "standardized"), 1)
    (1400, 0.4)
    """
    spec, drawn = load_scenario(key), checked_seed(seed)
    made = simulate_people(spec, n=checked_people(spec, people), entropy=drawn)
    truth = truth_table(stored_truth(key))
    return Simulated(frame(spec, made), truth, plan_of(key), spec, drawn, tables(spec, made))


@explained
def write_scenario(key: str, folder: str | Path, seed: int) -> tuple[Path, ...]:
    """Write a simulated trial: `<key>.csv`, `.codebook.csv`, `.manifest.json`, `.plan.toml`, the scale files the plan names, and `<key>.<table>.csv`
    for each list beside the data.

    The same key, seed and version of the scenario give the same bytes on every machine.

    Returns
    -------
    The paths, in that order.

    Examples
    --------
    >>> import tempfile
    >>> [p.name for p in write_scenario("klier_2019", tempfile.mkdtemp(), seed=1)][:3]
    ['klier_2019.csv', 'klier_2019.codebook.csv', 'klier_2019.manifest.json']
    """
    return scenario(key, seed=seed).write(folder)


def checked_people(spec: ScenarioSpec, people: int | None) -> int:
    """The number of people asked for, or the scenario's own."""
    n = spec.people if people is None else people
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 4:
        raise UsageError(f"people={n!r} must be a whole number of 4 or more.")
    return int(n)


@explained
def scenarios() -> pd.DataFrame:
    """The library: key, title, version, people, outcomes and design.

    Examples
    --------
    >>> "klier_2019" in set(scenarios()["key"])
    True
    """
    rows = []
    for key in scenario_keys():
        spec = load_scenario(key)
        rows.append(
            {
                "key": key,
                "title": spec.title,
                "version": spec.version,
                "people": spec.people,
                "outcomes": ", ".join(o.name for o in spec.outcomes),
                "design": spec.design,
            }
        )
    return pd.DataFrame(rows)
