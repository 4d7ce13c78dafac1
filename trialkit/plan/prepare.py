"""From a data file to a trial: missing codes, arms, scale scores, composite values, and the roles of the columns."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import ArmError, ColumnNotFoundError, DataError, nearest, shown
from trialkit.io import apply_missing_codes, content_hash, labels, numeric, read, to_pandas
from trialkit.measurement import Scale, scale, score
from trialkit.plan.schema import PlanSpec
from trialkit.report.content import ScaleContent
from trialkit.results import Note
from trialkit.trial import Trial


@dataclass(frozen=True)
class Prepared:
    """A trial ready for its analyses.

    `directions` holds which way is better for each [[scales]] entry; `source` what is known of the file (name, hashes, size).
    """

    trial: Trial
    scales: tuple[ScaleContent, ...]
    directions: dict[str, str]
    labels: dict[str, str]
    source: dict[str, Any]
    notes: tuple[Note, ...]


def prepare(spec: PlanSpec, data: Any, *, folder: Path | None = None) -> Prepared:
    """Read and check `data` (a path or any data frame) against the plan; `folder` is where relative scale files are."""
    frame, source = load_data(spec, data)
    check_columns(spec, frame)
    frame[spec.data.arm] = _arm_labels(spec, frame)
    scored, directions = _score(spec, frame, folder)
    notes = _composites(spec, frame)
    known = labels.variable_labels(frame)
    trial = Trial(
        frame,
        arm=spec.data.arm,
        control=spec.control,
        unit=spec.data.unit,
        strata=list(spec.data.strata),
        cluster=spec.data.cluster,
        group=spec.data.group,
        grouped_arms=list(spec.grouped_arms) or None,
        facilitator=spec.data.facilitator,
        weights=spec.data.weights,
        categorical=list(spec.data.categorical),
    )
    known |= {s.column: s.label for s in scored}
    return Prepared(trial, tuple(scored), directions, known, source, tuple(notes))


def load_data(spec: PlanSpec, data: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The frame with declared missing codes blanked, and where it came from."""
    codes = dict(spec.data.missing_codes)
    if isinstance(data, (str, os.PathLike)):
        frame = read(data, missing_codes=codes)
        found = labels.source(frame)
        source = dict(found) if found is not None else {"file": Path(data).name}
    else:
        frame = apply_missing_codes(to_pandas(data), codes)
        source = {"file": "a data frame in memory"}
    frame = frame.reset_index(drop=True)
    return frame, source | {"rows": len(frame), "columns": frame.shape[1], "content_sha256": content_hash(frame)}


def required_columns(spec: PlanSpec) -> dict[str, str]:
    """Every column that a run reads, with what it is for; scores that the run makes itself are not among them."""
    made = set(spec.score_columns())
    wanted: dict[str, str] = {spec.data.unit: "[data] unit", spec.data.arm: "[data] arm"}
    for key in ("group", "cluster", "weights", "uptake", "facilitator"):
        name = getattr(spec.data, key)
        if name is not None:
            wanted.setdefault(name, f"[data] {key}")
    for name in (*spec.data.strata, *spec.data.categorical):
        wanted.setdefault(name, "[data] strata or categorical")
    for outcome in spec.outcomes:
        for name in (outcome.column, outcome.time, outcome.event, *spec.adjust_for(outcome)):
            if name is not None:
                wanted.setdefault(name, f"outcome '{outcome.name}'")
        for event, handled in outcome.intercurrent.items():
            if handled.column is not None:
                wanted.setdefault(handled.column, f"intercurrent event '{event}'")
    for name in spec.selection.balance:
        wanted.setdefault(name, "[selection] balance")
    return {name: role for name, role in wanted.items() if name not in made}


def check_columns(spec: PlanSpec, frame: pd.DataFrame) -> None:
    """All missing columns at once, each with the nearest name and its label."""
    known = labels.variable_labels(frame)
    missing = {n: role for n, role in required_columns(spec).items() if n not in frame.columns}
    if not missing:
        return
    name, role = next(iter(missing.items()))
    first = ColumnNotFoundError(name, frame.columns, f"the data, though {role} of the plan names it", known)
    if len(missing) == 1:
        raise first
    rest = []
    for other in list(missing)[1:]:
        near = nearest(other, frame.columns)
        rest.append(f"'{other}'{f' (nearest: {near!r})' if near else ''}")
    raise DataError(f"{first} Also missing: {', '.join(rest)}.")


def _arm_labels(spec: PlanSpec, frame: pd.DataFrame) -> pd.Series:
    """Arms as the plan writes them; codes such as 0 and 1 are matched by their text."""
    column = frame[spec.data.arm]
    text = column.map(_as_text, na_action="ignore")
    unknown = sorted(set(text.dropna()) - set(spec.arm_names))
    if unknown:
        rows = (np.flatnonzero(text.isin(unknown)) + 1).tolist()
        near = nearest(unknown[0], spec.arm_names)
        raise ArmError(
            f"'{spec.data.arm}' holds {shown(unknown)} ({'row' if len(rows) == 1 else 'rows'} {shown(rows)}), but the plan has the arms "
            f"{shown(spec.arm_names)}.{f' Did you mean {near!r}?' if near else ''} Correct the data, or add the arm to [arms]."
        )
    absent = [a for a in spec.arm_names if a not in set(text.dropna())]
    if absent:
        raise ArmError(f"nobody in the data is in arm {shown(absent)} of the plan: a comparison needs every planned arm.")
    return text.astype("str" if pd.__version__ >= "3" else object)


def _as_text(value: object) -> str:
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _score(spec: PlanSpec, frame: pd.DataFrame, folder: Path | None) -> tuple[list[ScaleContent], dict[str, str]]:
    """Add a column of scores for every scale and wave that the plan uses."""
    contents, directions = [], {}
    specs: dict[str, Scale] = {}
    for column, (name, wave) in spec.score_columns().items():
        use = spec.scale(name)
        if name not in specs:
            specs[name] = _scale(use.scale, use.form, folder)
            directions[name] = specs[name].direction
        items = use.items if wave is None else use.items.replace("{wave}", wave)
        made = score(frame, specs[name], items, form=use.form, value_labels=dict(use.codes) or None)
        frame[column] = made.values.to_numpy(dtype=float, na_value=np.nan)
        contents.append(
            ScaleContent(
                name,
                specs[name].name,
                wave or "",
                column,
                {
                    "people": made.n_people,
                    "scored": made.n_scored,
                    "no_score": made.n_missing,
                    "prorated": made.n_prorated,
                    "items_reversed": made.n_reversed,
                    "answers_reversed": made.n_answers_recoded,
                    "out_of_range": made.n_out_of_range,
                    "low": made.range[0],
                    "high": made.range[1],
                },
                tuple(Note(code, text) for code, text in made.notes),
            )
        )
    return contents, directions


def _scale(key: str, form: str | None, folder: Path | None) -> Scale:
    if key.endswith(".toml"):
        path = Path(key)
        return Scale.from_toml(path if path.is_absolute() or folder is None else folder / path)
    return scale(key, form=form)


def _composites(spec: PlanSpec, frame: pd.DataFrame) -> list[Note]:
    """Give people with a composite event the planned value of the outcome."""
    notes = []
    for outcome in spec.outcomes:
        if outcome.kind == "time":
            continue
        column = spec.value_column(outcome)
        for event, handled in outcome.intercurrent.items():
            if handled.strategy != "composite" or handled.column is None or handled.value is None:
                continue
            happened = numeric(frame[handled.column], handled.column) == 1
            values = numeric(frame[column], column)
            frame[column] = np.where(happened, handled.value, values)
            notes.append(
                Note(
                    "composite",
                    f"{int(happened.sum())} people with '{event}' count as {handled.value:g} on '{outcome.name}' (composite strategy).",
                )
            )
    return notes
