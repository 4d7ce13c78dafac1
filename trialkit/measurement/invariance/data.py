"""From a request to the answers of each wave and group."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import DataError, NotIdentifiedError, UsageError, shown
from trialkit.inference.arrays import FloatArray
from trialkit.inference.factor.fiml import Saturated, moments, saturated
from trialkit.inference.factor.invariant import Place
from trialkit.inference.factor.likelihood import Moments
from trialkit.measurement.factor_models.cfa_data import CfaData, Missing, check_dependence, read_data
from trialkit.measurement.scoring.answers import as_frame
from trialkit.results import Note

_CONTINUOUS_FROM = 5


@dataclass(frozen=True, slots=True)
class Answers:
    """Items of every wave with their moments.

    Attributes
    ----------
    data : the items of the first wave, then those of the second, and so on.
    waves : names; one without a name when there is a single wave.
    over : what is compared, in words: "waves", "groups" or "waves and groups".
    """

    data: CfaData
    waves: tuple[str, ...]
    over: str
    moments: Moments
    saturated: Saturated
    notes: tuple[Note, ...]

    @property
    def n_items(self) -> int:
        return len(self.data.items) // len(self.waves)

    def item(self, j: int) -> str:
        """'t0_calm/t1_calm'."""
        return "/".join(self.data.items[j :: self.n_items])

    def place(self, p: Place) -> str:
        """'intercept of t1_calm', with its group where there are groups."""
        words = {"residual": "residual variance"}.get(p.kind, p.kind)
        where = f" (group {self.data.group_labels[p.group]})" if len(self.data.group_labels) > 1 else ""
        return f"{words} of {self.data.items[p.wave * self.n_items + p.item]}{where}"


def read_answers(
    data: Any,
    items: Sequence[Hashable] | None,
    waves: Mapping[str, Sequence[Hashable]] | None,
    by: Any,
    cluster: Any,
    missing: Missing,
) -> Answers:
    """The answers of a request, checked."""
    model = wave_items(items, waves, by)
    frame = as_frame(data)
    if by is not None:
        _check_groups(frame, by)
    found = read_data(frame, model, groups=by, cluster=cluster, missing=missing)
    facts = moments(found.x, found.group)
    without = saturated(facts)
    check_dependence(found, without)
    over = {(True, False): "waves", (False, True): "groups"}.get((len(model) > 1, by is not None), "waves and groups")
    return Answers(found, tuple(model), over, facts, without, (*found.notes, *few_categories(found.x, found.items)))


def wave_items(
    items: Sequence[Hashable] | None, waves: Mapping[str, Sequence[Hashable]] | None, by: Any
) -> dict[str, list[Hashable]]:
    """Item columns by wave."""
    if (items is None) == (waves is None):
        raise UsageError(
            "say waves={'t0': [...], 't1': [...]} to compare waves, or items=[...] with by='arm' to compare arms, and not both."
        )
    if waves is None:
        assert items is not None
        if isinstance(items, str):
            raise UsageError(f"items must be a list of item columns, not {items!r}.")
        if by is None:
            raise UsageError("items of one wave need by=, the column whose values are compared. To compare waves give waves=.")
        waves = {"": list(items)}
    elif not isinstance(waves, Mapping) or len(waves) < 2:
        raise UsageError("waves needs the items of two waves or more: {'t0': ['t0_i1', 't0_i2'], 't1': ['t1_i1', 't1_i2']}.")
    lists: dict[str, list[Hashable]] = {}
    for name, columns in waves.items():
        if isinstance(columns, str):
            raise UsageError(f"waves['{name}'] must be a list of item columns, not {columns!r}.")
        lists[str(name)] = list(columns)
    _check_items(lists)
    return lists


def _check_items(lists: dict[str, list[Hashable]]) -> None:
    sizes = {name: len(columns) for name, columns in lists.items()}
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"'{name}' {size}" for name, size in sizes.items())
        raise UsageError(f"every wave needs the same items in the same order; the numbers of items differ: {said}.")
    size = next(iter(sizes.values()))
    if size < 3:
        raise NotIdentifiedError(
            f"{size} item{'s' if size != 1 else ''} a wave: a factor needs at least three items to be tested."
        )
    every = [c for columns in lists.values() for c in columns]
    twice = sorted({str(c) for c in every if every.count(c) > 1})
    if twice:
        raise UsageError(f"{shown(twice)} stands in the lists of items more than once. Each wave needs columns of its own.")


def _check_groups(frame: pd.DataFrame, by: Any) -> None:
    if isinstance(by, Mapping) or (not isinstance(by, str | int) and not hasattr(by, "__len__")):
        raise UsageError(f"by={by!r} must be a column, as by='arm', or a value for each row.")
    named = isinstance(by, str | int) and by in frame.columns
    values = frame[by] if named else pd.Series(np.asarray(by)).reset_index(drop=True) if not isinstance(by, str | int) else None
    if values is not None and values.dropna().nunique() < 2:
        raise DataError(
            f"by has one value only ({shown(values.dropna().unique())}): there is nothing to compare. Check the column."
        )


def few_categories(x: FloatArray, names: Sequence[str]) -> list[Note]:
    """Items with fewer answer categories than a model of continuous items allows."""
    few = []
    for j, name in enumerate(names):
        count = len(np.unique(x[~np.isnan(x[:, j]), j]))
        if count < _CONTINUOUS_FROM:
            few.append(f"{name} ({count})")
    if not few:
        return []
    text = (
        f"items with fewer than {_CONTINUOUS_FROM} different answers: {shown(few, 6)}. They are treated as continuous, which makes loadings too "
        "small and differences between skewed items look like non-invariance (Rhemtulla, Brosseau-Liard & Savalei 2012)."
    )
    return [Note("few_categories", text)]
