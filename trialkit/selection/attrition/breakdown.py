"""Attrition by wave, by group and by baseline trait."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import UsageError
from trialkit.estimate.covariates import is_category
from trialkit.inference.arrays import BoolArray
from trialkit.results import Note
from trialkit.trial import ALONE, Trial


def observed(trial: Trial, name: str) -> BoolArray:
    """Who has a value: a finite number, or a level of a categorical column (text is refused, because it may hold codes for missing)."""
    if isinstance(trial.column(name).dtype, pd.CategoricalDtype):
        return np.asarray(trial.column(name).notna().to_numpy(), dtype=bool)
    return np.isfinite(trial.values(name))


def by_wave(trial: Trial, waves: Mapping[Any, str]) -> list[dict[str, Any]]:
    """A row a wave and arm; `returned` counts those lost at the wave before and seen again, `never_again` those not seen at this or a later wave."""
    if not isinstance(waves, Mapping) or not waves:
        raise UsageError("waves takes the column of each wave, as in waves={1: 'y1', 2: 'y2'}.")
    seen = np.column_stack([observed(trial, c) for c in waves.values()])
    later = np.cumsum(seen[:, ::-1], axis=1)[:, ::-1] > 0
    rows: list[dict[str, Any]] = []
    for w, wave in enumerate(waves):
        rates = [float((~seen[trial.arm_codes == a, w]).mean()) for a in range(len(trial.arms))]
        for a, label in enumerate(trial.arms):
            inside = trial.arm_codes == a
            back = int((inside & seen[:, w] & ~seen[:, w - 1]).sum()) if w else 0
            rows.append(
                {
                    "wave": wave, "arm": label, "randomized": int(inside.sum()), "lost": int((inside & ~seen[:, w]).sum()), "rate": rates[a],
                    "difference": rates[a] - rates[0], "returned": back, "never_again": int((inside & ~later[:, w]).sum()),
                }
            )  # fmt: skip
    return rows


def by_group(trial: Trial, lost: BoolArray) -> tuple[list[dict[str, Any]], list[Note]]:
    """A row a group (a randomized cluster), and a note on those of which nobody is left."""
    name = trial.cluster or trial.group
    if name is None:
        return [], []
    inside_any = np.ones(trial.n, dtype=bool) if trial.cluster else trial.group_codes != ALONE
    labels = trial.column(name)
    rows: list[dict[str, Any]] = []
    for label in pd.unique(labels[inside_any]):
        inside = inside_any & (labels == label).to_numpy(dtype=bool, na_value=False)
        gone = int(lost[inside].sum())
        arm = trial.arms[int(trial.arm_codes[inside][0])]
        rows.append({"group": label, "arm": arm, "members": int(inside.sum()), "lost": gone, "rate": gone / int(inside.sum())})
    what = "clusters" if trial.cluster else "groups"
    empty = [str(r["group"]) for r in rows if r["lost"] == r["members"]]
    notes = []
    if empty:
        some = ", ".join(empty[:5]) + ("" if len(empty) <= 5 else f" and {len(empty) - 5} more")
        notes.append(
            Note(
                "groups_lost",
                f"{len(empty)} of {len(rows)} {what} have nobody left ({some}): their loss is a loss of whole {what}.",
            )
        )
    return rows, notes


def by_trait(trial: Trial, lost: BoolArray, traits: Sequence[str]) -> list[dict[str, Any]]:
    """A row a trait, level and arm; numbers are split at their median over everyone, missing is a level of its own."""
    rows: list[dict[str, Any]] = []
    for name in traits:
        for level, inside in _levels(trial, name):
            rates = []
            for a, label in enumerate(trial.arms):
                here = inside & (trial.arm_codes == a)
                rates.append(float(lost[here].mean()) if here.any() else math.nan)
                rows.append(
                    {
                        "trait": name, "level": level, "arm": label, "randomized": int(here.sum()), "lost": int(lost[here].sum()), "rate": rates[a],
                        "difference": rates[a] - rates[0],
                    }
                )  # fmt: skip
    return rows


def _levels(trial: Trial, name: str) -> list[tuple[str, BoolArray]]:
    column = trial.column(name)
    absent = column.isna().to_numpy()
    out: list[tuple[str, BoolArray]] = []
    values = None if is_category(trial, name) else trial.values(name)
    if values is not None and len(np.unique(values[~absent])) > 2:
        middle = float(np.median(values[~absent]))
        out += [(f"up to {middle:g}", values <= middle), (f"above {middle:g}", values > middle)]
    else:
        codes, labels = pd.factorize(column, sort=True)
        out += [(str(label), codes == c) for c, label in enumerate(labels)]
    return [*out, ("missing", absent)] if absent.any() else out


_CODES = (-9.0, -77.0, -88.0, -99.0, -999.0, -9999.0)


def undeclared_codes(trial: Trial, outcome: str) -> list[Note]:
    """A note when values that look like codes for missing count as observed."""
    if isinstance(trial.column(outcome).dtype, pd.CategoricalDtype):
        return []
    values = trial.values(outcome)
    found = values[np.isfinite(values)]
    codes = sorted(set(found.tolist()) & set(_CODES))
    if not codes or (found[~np.isin(found, codes)] < 0).any():
        return []
    count = int(np.isin(found, codes).sum())
    return [
        Note(
            "missing_codes",
            f"'{outcome}' is {', '.join(f'{c:g}' for c in codes)} for {count} people, who count as observed: if that is a code for missing, set it to missing first.",
        )
    ]


def checked_names(value: str | Sequence[str] | None, what: str) -> tuple[str, ...]:
    """Names of columns; one name may stand alone."""
    if value is None:
        return ()
    names = (value,) if isinstance(value, str) else tuple(value)
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise UsageError(f"{what} names '{twice}' twice.")
    return names
