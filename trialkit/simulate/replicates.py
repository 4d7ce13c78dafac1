"""Many data sets of one scenario at once, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from trialkit.errors import UsageError, nearest, shown
from trialkit.misuse import explained
from trialkit.simulate.people import People, checked_seed
from trialkit.simulate.runner import frame, observed, simulate_people, tables
from trialkit.simulate.simulated import checked_people
from trialkit.simulate.spec import ScenarioSpec, load_scenario
from trialkit.simulate.truth import stored_truth, truth_table

__all__ = ["Replicates", "many"]

# All columns of data files hold whole numbers, which are exact in single precision below this.
EXACT = 2**24
CHUNK = 50

Values = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False, repr=False)
class Replicates:
    """Replicated data sets of a scenario.

    Attributes
    ----------
    columns : by name an array of people x replicates. Whole numbers in single precision (exact), NaN where a cell is blank; a
        category or group is a code 0, 1, ..., whose words are in `labels`.
    seeds : `scenario(key, seed=seeds[r])` is replicate r.
    labels : per replicate the words of the codes, by column.
    tables : per replicate the lists beside the data (columns of equal length), by name.
    truth : as in `Simulated`; the same for all replicates.
    scenario : the specification.
    """

    columns: Mapping[str, Values]
    seeds: tuple[int, ...]
    labels: tuple[Mapping[str, tuple[str, ...]], ...]
    tables: tuple[Mapping[str, Mapping[str, list[Any]]], ...]
    truth: pd.DataFrame
    scenario: ScenarioSpec

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, column: str) -> Values:
        if column not in self.columns:
            near = nearest(column, self.columns)
            remedy = f"Did you mean '{near}'?" if near else f"There are: {shown(self.columns, 20)}."
            raise UsageError(f"the replicates hold no column '{column}'. {remedy}")
        return self.columns[column]

    def value(self, outcome: str, metric: str, estimand: str = "ITT", arm: str | None = None) -> float:
        """One truth; with several arms `arm` says which is compared with control."""
        return stored_truth(self.scenario.key).value(outcome, metric, estimand, arm)

    def data(self, replicate: int) -> pd.DataFrame:
        """One replicate as the data frame that `scenario` gives; needs all columns."""
        left_out = [n for n, _ in observed(self.scenario) if n != self.scenario.unit and n not in self.columns]
        if left_out:
            raise UsageError(f"the replicates were made without {shown(left_out, 5)}: leave columns= out to get data frames.")
        return frame(self.scenario, self._people(replicate))

    def lists(self, replicate: int) -> dict[str, pd.DataFrame]:
        """The lists beside the data of one replicate."""
        return tables(self.scenario, self._people(replicate))

    def _people(self, replicate: int) -> People:
        if isinstance(replicate, bool) or not isinstance(replicate, (int, np.integer)) or not 0 <= replicate < len(self):
            raise UsageError(f"replicate={replicate!r} must be a whole number from 0 to {len(self) - 1}.")
        values = {name: array[:, replicate].astype(float) for name, array in self.columns.items()}
        n = len(next(iter(values.values())))
        lists = {k: dict(v) for k, v in self.tables[replicate].items()}
        return People(n, self.scenario.arms, None, values, dict(self.labels[replicate]), lists)

    def __str__(self) -> str:
        people = next(iter(self.columns.values())).shape[0]
        return f"{self.scenario.title} ({self.scenario.key} {self.scenario.version}): {len(self)} data sets of {people} people"

    __repr__ = __str__


@explained
def many(
    key: str,
    *,
    n: int = 1000,
    seed: int | np.random.Generator,
    people: int | None = None,
    columns: Sequence[str] | None = None,
) -> Replicates:
    """Simulate a trial of the library many times, independently, for bias, coverage and power.

    Parameters
    ----------
    key : name of the scenario.
    n : number of data sets.
    seed : whole number or numpy Generator. The seeds of the data sets are drawn from it, so that two calls with neighbouring
        seeds share no data set.
    people : number of people in each data set instead of the scenario's own.
    columns : the columns to keep; all by default (about 250 MB for 1,000 sets of 1,400 people with 44 item answers).

    Returns
    -------
    Replicates
        `["column"]` (people x replicates), `.seeds`, `.data(r)`, `.value(...)`, `.truth`.

    Raises
    ------
    UsageError
        Unknown scenario or column, a number of data sets below 1, or a seed that is none.

    Examples
    --------
    >>> import numpy as np
    >>> import trialkit as tk
    >>> sets = tk.simulate.many("klier_2019", n=20, seed=1, columns=["arm", "employed_t2"])
    >>> y, treated = sets["employed_t2"], sets["arm"] == 1
    >>> effects = np.nanmean(np.where(treated, y, np.nan), axis=0) - np.nanmean(np.where(treated, np.nan, y), axis=0)
    >>> effects.shape, bool(abs(effects.mean() - sets.value("employed", "difference")) < 0.03)
    ((20,), True)
    """
    spec, drawn = load_scenario(key), checked_seed(seed)
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise UsageError(f"n={n!r} must be a whole number of 1 or more: the number of data sets.")
    size = checked_people(spec, people)
    kept = _kept(spec, columns)
    seeds = tuple(int(s) for s in np.random.SeedSequence(drawn).generate_state(int(n), np.uint64) >> np.uint64(1))
    arrays: dict[str, Values] = {name: np.empty((len(seeds), size), dtype=np.float32) for name in kept}
    labels, lists = [], []
    for start in range(0, len(seeds), CHUNK):
        made = [simulate_people(spec, n=size, entropy=s) for s in seeds[start : start + CHUNK]]
        for name in kept:
            rows = arrays[name][start : start + len(made)]
            np.stack([p[name] for p in made], out=rows, casting="same_kind")
            if rows.dtype == np.float32 and max(np.fmax.reduce(rows, axis=None), -np.fmin.reduce(rows, axis=None)) >= EXACT:
                arrays[name] = arrays[name].astype(np.float64)
                np.stack([p[name] for p in made], out=arrays[name][start : start + len(made)])
        labels += [{k: v for k, v in p.labels.items() if k in arrays} for p in made]
        lists += [p.tables for p in made]
    by_person = {name: array.T for name, array in arrays.items()}
    return Replicates(by_person, seeds, tuple(labels), tuple(lists), truth_table(stored_truth(key)), spec)


def _kept(spec: ScenarioSpec, columns: Sequence[str] | None) -> list[str]:
    known = [name for name, _ in observed(spec) if name != spec.unit]
    if columns is None:
        return known
    if isinstance(columns, str) or not columns:
        raise UsageError(f"columns={columns!r} must be a list of names, such as columns=['{known[0]}'].")
    for name in columns:
        if name not in known:
            near = nearest(name, known)
            remedy = f"Did you mean '{near}'?" if near else f"There are: {shown(known, 20)}."
            raise UsageError(f"scenario '{spec.key}' has no column '{name}'. {remedy}")
    return list(dict.fromkeys(columns))
