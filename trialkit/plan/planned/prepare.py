"""From a data file to a trial: missing codes, arms, scale scores, composite values, and the roles of the columns."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from trialkit.errors import ArmError, DataError, ValueTypeError, shown
from trialkit.inference.arrays import BoolArray
from trialkit.io import apply_missing_codes, content_hash, labels, numeric, read, to_pandas
from trialkit.measurement import Scale, scale, score
from trialkit.missing.imputations import Imputations
from trialkit.plan.locking.expected import arm_text, data_problems, expected_columns
from trialkit.plan.planned.beside import beside
from trialkit.plan.planned.indices import add_indices
from trialkit.plan.planned.randomization import design_of
from trialkit.plan.schema.outcomes import Outcome
from trialkit.plan.schema.plan_spec import PlanSpec
from trialkit.report.content import ScaleContent
from trialkit.results import Note
from trialkit.trial import Trial

Direction = Literal["higher", "lower"]


@dataclass(frozen=True)
class Prepared:
    """A trial ready for its analyses.

    `directions` holds which way is better for each [[scales]] entry; `source` what is known of the file (name, hashes, size);
    `indices` how each index was made, by the name of its outcome; `answers` what each item counts, by the column of its score;
    `imputations` those made so far, so that analyses of the same columns share them.
    """

    trial: Trial
    scales: tuple[ScaleContent, ...]
    directions: dict[str, Direction]
    labels: dict[str, str]
    source: dict[str, Any]
    notes: tuple[Note, ...]
    roles: dict[str, Any]
    indices: dict[str, dict[str, Any]]
    answers: dict[str, pd.DataFrame]
    imputations: dict[tuple[str, ...], Imputations] = field(default_factory=dict, compare=False, repr=False)

    def designed(self, spec: PlanSpec) -> Trial:
        """The trial with the design that the plan declares, for analyses that draw from it."""
        return Trial(self.trial.data, **self.roles, design=design_of(spec, self.trial.data))


@dataclass(frozen=True)
class Loaded:
    """Data as a plan reads them, so that what needs them twice reads them once.

    `frame` has the missing `codes` of the plan blanked, `source` is what is known of the file; `given` is the path or frame itself.
    """

    frame: pd.DataFrame
    source: dict[str, Any]
    codes: dict[Any, Any]
    given: Any


def prepare(spec: PlanSpec, data: Any, *, folder: Path | None = None) -> Prepared:
    """Check `data` (a path, any data frame, or what `load_data` read) against the plan; `folder` is where relative scale files are."""
    loaded = load_data(spec, data)
    frame, source = loaded.frame.copy() if loaded is data else loaded.frame, loaded.source
    check_data(spec, frame, folder)
    frame[spec.data.arm] = _arm_labels(spec, frame)
    scored, directions, answers = _score(spec, frame, folder)
    notes = _composites(spec, frame, [o for o in spec.outcomes if o.kind in ("column", "scale")])
    known = labels.variable_labels(frame)
    roles = spec.roles()
    trial, made, more = with_indices(spec, frame, directions)
    notes += more
    known |= {s.column: f"{s.label}, {spec.wave_label(s.wave)}" if s.wave else s.label for s in scored}
    return Prepared(trial, tuple(scored), directions, known, source, tuple(notes), roles, made, answers)


def with_indices(
    spec: PlanSpec, frame: pd.DataFrame, directions: dict[str, Direction]
) -> tuple[Trial, dict[str, dict[str, Any]], list[Note]]:
    """The trial with its indices made (in `frame` too), how each was made, and what was noted."""
    roles = spec.roles()
    trial = Trial(frame, **roles)
    made = add_indices(spec, trial, frame, directions)
    if not made:
        return trial, made, []
    notes = _composites(spec, frame, [o for o in spec.outcomes if o.index is not None])
    return Trial(frame, **roles), made, notes


def load_data(spec: PlanSpec, data: Any) -> Loaded:
    """The frame with declared missing codes blanked, and where it came from; what was loaded by the same codes is not read again."""
    codes = dict(spec.data.missing_codes)
    if isinstance(data, Loaded):
        if data.codes == codes:
            return data
        data = data.given
    if isinstance(data, (str, os.PathLike)):
        frame = read(data, missing_codes=codes)
        found = labels.source(frame)
        source = dict(found) if found is not None else {"file": Path(data).name}
    else:
        frame = apply_missing_codes(to_pandas(data), codes)
        source = {"file": "a data frame in memory"}
    frame = frame.reset_index(drop=True)
    source |= {"rows": len(frame), "columns": frame.shape[1], "content_sha256": content_hash(frame)}
    return Loaded(frame, source, codes, data)


def check_data(spec: PlanSpec, frame: pd.DataFrame, folder: Path | None = None) -> None:
    """Every column and arm of the plan at once; the first problem settles the class of the error."""
    arm = spec.data.arm
    arms = list(frame[arm].dropna().unique()) if arm in frame.columns else None
    problems = data_problems(expected_columns(spec, folder), list(frame.columns), arms, labels=labels.variable_labels(frame))
    if not problems:
        return
    text = problems[0] + (f" Also: {' '.join(problems[1:])}" if len(problems) > 1 else "")
    raise (ArmError if arms is not None and f"'{arm}' holds" in problems[0] else DataError)(text)


def _arm_labels(spec: PlanSpec, frame: pd.DataFrame) -> pd.Series:
    """Arms as the plan writes them; codes such as 0 and 1 are matched by their text."""
    column = frame[spec.data.arm]
    known = {arm_text(value): arm_text(value) for value in column.dropna().unique()}
    return pd.Series([None if pd.isna(v) else known[arm_text(v)] for v in column], index=column.index, dtype="object")


def _score(
    spec: PlanSpec, frame: pd.DataFrame, folder: Path | None
) -> tuple[list[ScaleContent], dict[str, Direction], dict[str, pd.DataFrame]]:
    """Add a column of scores for every scale and wave that the plan uses."""
    contents: list[ScaleContent] = []
    directions: dict[str, Direction] = {}
    specs: dict[str, Scale] = {}
    answers: dict[str, pd.DataFrame] = {}
    for column, (name, wave) in spec.score_columns().items():
        use = spec.scale(name)
        if name not in specs:
            specs[name] = used_scale(use.scale, use.form, folder)
            directions[name] = specs[name].direction_of(use.subscale)
        items = use.items if wave is None else use.items.replace("{wave}", wave)
        made = score(frame, specs[name], items, **use.scoring(wave))
        frame[column] = made.values.to_numpy(dtype=float, na_value=np.nan)
        answers[column] = made.answers
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
                (*_unverified(specs[name]), *(Note(code, text) for code, text in made.notes)),
            )
        )
    return contents, directions, answers


def _unverified(used: Scale) -> tuple[Note, ...]:
    if used.verified:
        return ()
    fields = ", ".join(used.unverified)
    return (Note("scale_unverified", f"these details of the scale have not been compared with a publication: {fields}."),)


def used_scale(key: str, form: str | None, folder: Path | None) -> Scale:
    """The scale of a [[scales]] entry, from the registry or from a file of one's own."""
    if key.endswith(".toml"):
        return Scale.from_toml(beside(folder, key))
    return scale(key, form=form)


def _happened(frame: pd.DataFrame, column: str, event: str) -> BoolArray:
    """To whom an event happened: 1; any other code than 0 would pass for 'no' and leave the outcome as it was measured."""
    values = numeric(frame[column], column)
    strange = sorted(set(values[np.isfinite(values)].tolist()) - {0.0, 1.0})
    if strange:
        raise ValueTypeError(
            f"column '{column}' says to whom '{event}' happened, as 0 or 1, and holds {shown([f'{v:g}' for v in strange])}: recode it, or "
            "declare a code for missing under missing_codes."
        )
    return np.asarray(values == 1)


def _composites(spec: PlanSpec, frame: pd.DataFrame, outcomes: Sequence[Outcome]) -> list[Note]:
    """Give people with a composite event the planned value of the outcome."""
    notes = []
    for outcome in outcomes:
        column = spec.value_column(outcome)
        for event, happened, value in composites(outcome, frame):
            frame[column] = np.where(happened, value, numeric(frame[column], column))
            told = f"{int(happened.sum())} people with '{event}' count as {value:g} on '{outcome.name}' (composite strategy)."
            notes.append(Note("composite", told))
    return notes


def composites(outcome: Outcome, frame: pd.DataFrame) -> Iterator[tuple[str, BoolArray, float]]:
    """Events with a planned value of the outcome that a column tells: the event, to whom it happened, the value."""
    for event, handled in outcome.intercurrent.items():
        if handled.strategy == "composite" and handled.column is not None and handled.value is not None:
            yield event, _happened(frame, handled.column, event), handled.value
