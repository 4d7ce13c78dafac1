"""How the cost grows: the same call at one, two, four and eight times a size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

import trialkit as tk
from tests.benchmarks import test_power_simulation as simulated
from tests.benchmarks.rows import grouped_outcomes, mixed_data, traits, trial
from tests.benchmarks.test_mediation import people
from tests.benchmarks.test_mixed import one
from trialkit.io.read import read

Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Growth:
    """A call for each size; sizes are 1, 2, 4 and 8 times the smallest."""

    what: str
    along: str
    smallest: int
    at: Callable[[int], Call]

    @property
    def sizes(self) -> list[int]:
        return [self.smallest * k for k in (1, 2, 4, 8)]


def _ancova(n: int) -> Call:
    t = trial(n)
    return lambda: tk.itt(t, "y0", adjust=["x0", "x1", "x2"])


def _grouped(n: int) -> Call:
    t = grouped_outcomes(1, n, n // 24)
    return lambda: tk.itt(t, "y0")


def _mixed(groups: int) -> Call:
    data = mixed_data(1, groups, 24 * groups)
    return lambda: one(data, data["y"][0])


def _randomization(draws: int) -> Call:
    t = trial()
    return lambda: tk.randomization_test(t, "y0", adjust=["x0", "x1", "x2"], n_draws=draws, seed=1)


def _family(outcomes: int) -> Call:
    t = trial(outcomes=outcomes)
    results = [tk.itt(t, f"y{m}", adjust=["x0"]) for m in range(outcomes)]
    return lambda: tk.family(results, correction="romano_wolf", n_draws=5_000, seed=1)


def _mediation(draws: int) -> Call:
    t = tk.Trial(people(), arm="arm", control="alone", group="group")
    return lambda: tk.mediate(t, "y", mediator="m", adjust=["m0", "y0"], inference="group_bootstrap", n_draws=draws, seed=1)


def _formed(n: int) -> Call:
    base = tk.design.complete(traits(n), unit="id", arms={"solo": 1, "peer": 1})
    design = base.with_groups("peer", size=(10, 15), alike=["age"], mixed=["calm", "hope"])
    return lambda: design.draw_many(4, seed=1)


def _power(draws: int) -> Call:
    plan = tk.Plan.from_text(simulated.GROUPED)
    return lambda: tk.power.simulate(plan, n_draws=draws, seed=1)


def _bounds(outcomes: int) -> Call:
    t, names = grouped_outcomes(outcomes), [f"y{k}" for k in range(outcomes)]
    return lambda: tk.selection.lee_bounds(t, names, n_draws=500, seed=1)


def _imputed(columns: int) -> Call:
    t, names = grouped_outcomes(columns), [f"y{k}" for k in range(columns)]
    return lambda: tk.missing.impute(t, names, n_imputations=2, n_iterations=2, seed=1)


def _scored(n: int) -> Call:
    answers = np.random.default_rng(1).integers(0, 4, size=(n, 20)).astype(float)
    data = pd.DataFrame(answers, columns=[f"i{k}" for k in range(1, 21)])
    return lambda: tk.measurement.score(data, "ces_d", items="i{item}")


def _wide(columns: int) -> Call:
    import tempfile
    from pathlib import Path

    file = Path(tempfile.mkdtemp()) / "wide.csv"
    values = np.random.default_rng(1).integers(0, 9, size=(50, columns))
    pd.DataFrame(values, columns=[f"c{k}" for k in range(columns)]).to_csv(file, index=False)
    return lambda: read(file)


GROWTHS = [
    Growth("`tk.itt`, ANCOVA, people alone", "people", 10_000, _ancova),
    Growth("`tk.itt`, groups of 12 in one arm", "people", 1_200, _grouped),
    Growth("mixed model, groups of 4 to 20 in one arm", "groups", 30, _mixed),
    Growth("forming groups of 10 to 15, one alike and two mixed traits, 4 draws", "people", 100, _formed),
    Growth("randomization test, 1,400 people", "draws", 2_500, _randomization),
    Growth("mediation, bootstrap of groups, 1,400 people", "draws", 500, _mediation),
    Growth("power by simulation, groups in one arm", "draws", 12_500, _power),
    Growth("Romano-Wolf, 5,000 draws, 1,400 people", "outcomes", 3, _family),
    Growth("Lee bounds, 500 bootstraps of groups, 1,400 people", "outcomes", 3, _bounds),
    Growth("imputation, 2 draws of 2 sweeps, 1,400 people", "columns", 5, _imputed),
    Growth("scoring 20 items", "people", 25_000, _scored),
    Growth("reading a CSV of 50 rows", "columns", 1_000, _wide),
]
