"""Running a scenario: people from its parts, and the data frame a researcher would see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from trialkit.simulate.components.answers import Items
from trialkit.simulate.people import Entropy, People, stream
from trialkit.simulate.spec import Column, ScenarioSpec

__all__ = ["frame", "observed", "simulate_people", "tables"]


def simulate_people(
    spec: ScenarioSpec, *, n: int, entropy: Entropy, everyone: int | None = None, measured: frozenset[str] | None = None
) -> People:
    """Run the parts in their order.

    Parameters
    ----------
    n : number of people.
    entropy : seed, or seed and batch number.
    everyone : the number of an arm (0 is control) puts everybody in it; all other random numbers stay the same, so one run an arm
        gives all potential outcomes of the same people. Parts that only hide answers are then left out.
    measured : names of the items parts to run; None runs all.
    """
    people = People(n, spec.arms, everyone)
    for part in spec.parts:
        hidden = part.observation and everyone is not None
        unneeded = isinstance(part, Items) and measured is not None and part.name not in measured
        if not hidden and not unneeded:
            part.draw(people, stream(entropy, part.name))
    return people


def observed(spec: ScenarioSpec) -> list[tuple[str, Column]]:
    """Columns of the data in order, items written out."""
    columns: list[tuple[str, Column]] = []
    for entry in spec.columns:
        names = spec.items_part(entry.items).columns if entry.items else (entry.name,)
        columns += [(name, entry) for name in names]
    return columns


def frame(spec: ScenarioSpec, people: People) -> pd.DataFrame:
    """The data: identifiers, labels instead of codes, whole numbers where nothing is missing."""
    table: dict[str, Any] = {}
    for name, entry in observed(spec):
        if name == spec.unit:
            table[name] = identifiers(spec.unit_prefix, people.n)
        elif entry.kind == "text":
            table[name] = _labelled(people, name)
        else:
            values = people[name]
            table[name] = values if np.isnan(values).any() else values.astype(np.int64)
    return pd.DataFrame(table)


def tables(spec: ScenarioSpec, people: People) -> dict[str, pd.DataFrame]:
    """Lists beside the data; a column of person numbers becomes the identifiers of the data."""
    names = identifiers(spec.unit_prefix, people.n)
    made = {}
    for key, columns in people.tables.items():
        rows = {spec.unit if k == "person" else k: [names[i - 1] for i in v] if k == "person" else v for k, v in columns.items()}
        made[key] = pd.DataFrame(rows)
    return made


def identifiers(prefix: str, n: int) -> list[str]:
    """'k0001', 'k0002', ...: the order says nothing, because people are made in random order."""
    width = max(4, len(str(n)))
    return [f"{prefix}{i:0{width}d}" for i in range(1, n + 1)]


def _labelled(people: People, name: str) -> list[str | None]:
    labels = people.labels[name]
    return [None if np.isnan(code) else labels[int(code)] for code in people[name].tolist()]
