"""The trial: what the columns mean, said once and checked once.

Rules on groups (API.md): `group` is the group assigned, not attended. Groups exist in the grouped arms only; in the other
arms labels are missing or unique. A label in two arms, a member of a grouped arm without a label, and a group of one are
errors with their remedies.
"""

from __future__ import annotations

import html
from collections.abc import Hashable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from trialkit.design.base import Design
from trialkit.errors import (
    ArmError,
    ColumnNotFoundError,
    DataError,
    GroupError,
    IdentifierError,
    MissingDataError,
    UsageError,
    nearest,
    shown,
)
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.io.frames import numeric, to_pandas
from trialkit.misuse import explained
from trialkit.printed import counted_people
from trialkit.results import Note

ALONE = -1


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Trial:
    """A randomized trial: data and the roles of its columns.

    Parameters
    ----------
    data : pandas, polars or pyarrow table, one row a person who was randomized, drop-outs included.
    arm : column with the arm assigned. control : its value for the control arm.
    unit : column that identifies people; missing or repeated values are an error.
    strata : columns used in the randomization; always categorical.
    cluster : column of the unit of randomization when whole groups were randomized, in every arm.
    group : column with the group *assigned* (not attended), for groups formed after randomization.
    grouped_arms : arms in which groups exist; by default the arms in which labels repeat.
    facilitator : column with the person who leads the group.
    weights : column of sampling weights, zero or positive; a weight of zero is a row that is not there.
    categorical : numeric columns to treat as categories when adjusting.
    design : the randomization design (`tk.design`), joined to the data by `unit`.
    ungrouped : 'error' (default) or 'singleton': what a member of a grouped arm without a group, or alone in one, is.

    Raises
    ------
    ColumnNotFoundError, ArmError, GroupError, IdentifierError, MissingDataError
        Each with the rows and the remedy.

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> d = pd.DataFrame({"arm": ["peer"] * 4 + ["solo"] * 3, "group": ["a", "a", "b", "b", None, None, None], "y": range(7)})
    >>> trial = tk.Trial(d, arm="arm", control="solo", group="group")
    >>> trial.grouped_arms
    ('peer',)
    """

    data: pd.DataFrame
    arm: str
    control: Hashable
    unit: str | None
    strata: tuple[str, ...]
    cluster: str | None
    group: str | None
    grouped_arms: tuple[Hashable, ...]
    facilitator: str | None
    weights: str | None
    categorical: tuple[str, ...]
    design: Any
    arms: tuple[Hashable, ...]
    notes: tuple[Note, ...]
    arm_codes: IntArray
    group_codes: IntArray
    places: IntArray | None

    @explained
    def __init__(
        self,
        data: Any,
        *,
        arm: str,
        control: Hashable,
        unit: str | None = None,
        strata: Sequence[str] = (),
        cluster: str | None = None,
        group: str | None = None,
        grouped_arms: Sequence[Hashable] | None = None,
        facilitator: str | None = None,
        weights: str | None = None,
        categorical: Sequence[str] = (),
        design: Any = None,
        ungrouped: Literal["error", "singleton"] = "error",
    ):
        frame = to_pandas(data).reset_index(drop=True)
        frame.attrs = {}  # labels of a file: pandas copies them deeply with every column that is taken
        strata, categorical = _names(strata, "strata"), _names(categorical, "categorical")
        for name in (arm, unit, *strata, cluster, group, facilitator, weights, *categorical):
            if name is not None and name not in frame.columns:
                raise ColumnNotFoundError(name, frame.columns)
        if ungrouped not in ("error", "singleton"):
            raise UsageError(f"ungrouped={ungrouped!r} is unknown: say 'error' or 'singleton'.")
        if not len(frame):
            raise DataError("the data have no rows.")
        notes: list[Note] = []
        _check_units(frame, unit)
        arms, codes = _arms(frame, arm, control)
        for name in strata:
            _check_complete(
                frame, name, "stratum", "every randomized person was drawn in a stratum, so fill it in from the allocation list"
            )
        if cluster is not None:
            _check_complete(frame, cluster, "cluster", "fill it in from the allocation list")
            _check_nested(frame, cluster, codes)
        if weights is not None:
            _check_weights(frame, weights)
        groups, grouped = _groups(frame, group, arms, codes, grouped_arms, ungrouped, notes)
        if facilitator is not None:
            notes.append(
                Note(
                    "facilitator_recorded",
                    "the facilitator is recorded; standard errors follow the groups, not the facilitators.",
                )
            )
        placed = None
        if design is not None:
            design, placed = _joined(design, frame, unit, arms, codes)
        values = {
            "data": frame, "arm": arm, "control": arms[0], "unit": unit, "strata": strata, "cluster": cluster, "group": group,
            "grouped_arms": grouped, "facilitator": facilitator, "weights": weights, "categorical": categorical, "design": design,
            "arms": arms, "notes": tuple(notes), "arm_codes": codes, "group_codes": groups, "places": placed,
        }  # fmt: skip
        for key, value in values.items():
            object.__setattr__(self, key, value)

    @property
    def n(self) -> int:
        return len(self.data)

    @property
    def n_groups(self) -> int:
        return len(np.unique(self.group_codes[self.group_codes != ALONE]))

    def column(self, name: str) -> pd.Series:
        """A column of the data, or an error that names the nearest."""
        if name not in self.data.columns:
            raise ColumnNotFoundError(name, self.data.columns)
        return self.data[name]

    def values(self, name: str) -> FloatArray:
        """A numeric column as floats, missing as NaN."""
        return numeric(self.column(name), name)

    def with_columns(self, columns: Mapping[str, Any]) -> Trial:
        """The same trial with further or other columns, a value a person each; columns with a role stay as they are."""
        roles = {self.arm, self.unit, *self.strata, self.cluster, self.group, self.facilitator, self.weights}
        taken = [c for c in columns if c in roles]
        if taken:
            raise UsageError(f"'{taken[0]}' has a role in the trial: make a new Trial to change it.")
        other = copy(self)
        object.__setattr__(other, "data", self.data.assign(**columns))
        return other

    def codes(self, *names: str) -> IntArray:
        """Codes 0, 1, ... of the combinations of categorical columns; -1 where one is missing."""
        combined = pd.Series(0, index=self.data.index)
        missing = np.zeros(self.n, dtype=bool)
        for name in names:
            part, _ = pd.factorize(self.column(name), sort=True)
            missing |= part < 0
            combined = combined * (int(part.max(initial=0)) + 2) + part
        codes, _ = pd.factorize(combined, sort=True)
        codes[missing] = -1
        return codes.astype(np.int64)

    def __str__(self) -> str:
        lines = [f"Trial of {self.n} people, {len(self.arms)} arms"]
        for code, label in enumerate(self.arms):
            inside = self.arm_codes == code
            groups = len(np.unique(self.group_codes[inside & (self.group_codes != ALONE)]))
            lines.append(
                f"  {label}{' (control)' if code == 0 else ''}: {int(inside.sum())} people{f' in {groups} groups' if groups else ''}"
            )
        if self.strata:
            lines.append(f"  strata: {', '.join(self.strata)}")
        if self.cluster:
            lines.append(f"  randomized by cluster: {self.cluster} ({self.data[self.cluster].nunique()})")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def _joined(
    design: Any, frame: pd.DataFrame, unit: str | None, arms: tuple[Hashable, ...], codes: IntArray
) -> tuple[Any, IntArray]:
    """The design with counts fixed as observed where it asks so, and the column of its draws for each row of the data.

    Rows are matched by `unit`; a design without identifiers is matched by position. An assignment that the design cannot
    make is refused: the data and the design are not of one trial.
    """
    if not isinstance(design, Design):
        raise UsageError(f"design= takes a design of tk.design, not a {type(design).__name__}.")
    places = design.positions(frame[unit] if unit is not None and design.people.unit is not None else np.arange(len(frame)))
    drawn = design.codes([arms[c] for c in codes])
    ordered = np.empty_like(drawn)
    ordered[places] = drawn
    if not design.resolved:
        design = design.resolve(ordered)
    impossible = design.probability_matrix[np.arange(design.n), ordered] <= 0
    if impossible.any():
        who = design.people.ids[impossible].tolist()
        raise ArmError(
            f"the design could not have put {shown(who)} in the arm that the data give: the data or the design are of another trial."
        )
    return design, places


def _names(value: Sequence[str], what: str) -> tuple[str, ...]:
    if isinstance(value, str):
        raise UsageError(f"{what} takes a list of columns: write {what}=['{value}'].")
    return tuple(value)


def rows_text(mask: Any, most: int = 5) -> str:
    """'rows 3, 7 and 2 more' of a boolean mask, counted from 1."""
    rows = (np.flatnonzero(np.asarray(mask)) + 1).tolist()
    return f"{'row' if len(rows) == 1 else 'rows'} {shown(rows, most)}"


def _check_units(frame: pd.DataFrame, unit: str | None) -> None:
    if unit is None:
        return
    missing = frame[unit].isna()
    if missing.any():
        raise IdentifierError(f"'{unit}' is missing in {rows_text(missing)}: every person needs an identifier.")
    twice = frame[unit].duplicated(keep=False)
    if twice.any():
        values = frame.loc[twice, unit].drop_duplicates().tolist()
        raise IdentifierError(
            f"'{unit}' is repeated: {shown(values)} ({rows_text(twice)}). One row a person is needed: "
            "remove the copies, or put the waves of a person in columns of one row."
        )


def _arms(frame: pd.DataFrame, arm: str, control: Hashable) -> tuple[tuple[Hashable, ...], IntArray]:
    missing = frame[arm].isna()
    if missing.any():
        raise ArmError(
            f"'{arm}' is missing in {rows_text(missing)}: keep only people who were randomized, all of them, with the arm assigned."
        )
    codes, labels = pd.factorize(frame[arm], sort=True)
    found = [v.item() if hasattr(v, "item") else v for v in labels]
    if len(found) > 20:
        raise ArmError(f"'{arm}' has {len(found)} different values: it is not a column of arms.")
    if control not in found:
        near = nearest(str(control), found)
        remedy = f" Did you mean {near!r}?" if near else ""
        raise ArmError(f"the control arm {control!r} does not occur in '{arm}', which holds {shown(found)}.{remedy}")
    if len(found) < 2:
        raise ArmError(
            f"'{arm}' has one arm only ({found[0]!r}): a comparison needs the control people and the treated people in one table."
        )
    order = [found.index(control)] + [i for i, v in enumerate(found) if v != control]
    position = np.empty(len(found), dtype=np.int64)
    position[order] = np.arange(len(found))
    return tuple(found[i] for i in order), position[codes]


def _check_complete(frame: pd.DataFrame, name: str, role: str, remedy: str) -> None:
    missing = frame[name].isna()
    if missing.any():
        raise MissingDataError(f"the {role} '{name}' is missing in {rows_text(missing)}: {remedy}.")


def _check_nested(frame: pd.DataFrame, cluster: str, codes: IntArray) -> None:
    per_cluster = pd.Series(codes).groupby(frame[cluster].to_numpy()).nunique()
    split = per_cluster[per_cluster > 1].index.tolist()
    if split:
        raise GroupError(
            f"cluster {shown(split)} of '{cluster}' has people in more than one arm: cluster= is for trials that randomized whole "
            "clusters; when people were randomized inside them, name the column under strata=."
        )


def _check_weights(frame: pd.DataFrame, weights: str) -> None:
    values = numeric(frame[weights], weights)
    bad = ~np.isfinite(values) | (values < 0)
    if bad.any():
        raise DataError(
            f"the weights in '{weights}' are missing or negative in {rows_text(bad)}: weights are zero or positive numbers."
        )
    if not (values > 0).any():
        raise DataError(f"all weights in '{weights}' are zero.")


def _groups(
    frame: pd.DataFrame,
    group: str | None,
    arms: tuple[Hashable, ...],
    codes: IntArray,
    grouped_arms: Sequence[Hashable] | None,
    ungrouped: str,
    notes: list[Note],
) -> tuple[IntArray, tuple[Hashable, ...]]:
    alone = np.full(len(frame), ALONE, dtype=np.int64)
    if group is None:
        if grouped_arms:
            raise GroupError("grouped_arms is given without group=: name the column that holds the groups.")
        return alone, ()
    labels = frame[group]
    crossing = pd.Series(codes).groupby(labels.to_numpy()).nunique()
    crossing = crossing[crossing > 1].index.tolist()
    if crossing:
        raise GroupError(
            f"group {shown(crossing)} of '{group}' has members in more than one arm. '{group}' must be the group assigned, which lies in "
            "one arm; people who switched stay in the group they were assigned to."
        )
    size = labels.map(labels.value_counts()).to_numpy(dtype=float, na_value=0.0)
    repeats = [a for c, a in enumerate(arms) if (size[codes == c] > 1).any()]
    grouped = _declared(grouped_arms, arms, repeats)
    if not grouped:
        raise GroupError(
            f"no label of '{group}' is shared by two people: there are no groups. Leave group= out, or name the column with the groups."
        )
    for a in repeats:
        if a not in grouped:
            inside = codes == arms.index(a)
            raise GroupError(
                f"arm {a!r} is not among the grouped arms but its labels in '{group}' repeat ({rows_text(inside & (size > 1))}). Add it to "
                "grouped_arms, or empty its labels."
            )
    members = np.isin(codes, [arms.index(a) for a in grouped])
    _check_members(labels, size, members, group, ungrouped, notes)
    real = members & (size > 1)
    found, _ = pd.factorize(labels[real], sort=True)
    alone[real] = found
    return alone, grouped


def _declared(
    grouped_arms: Sequence[Hashable] | None, arms: tuple[Hashable, ...], repeats: list[Hashable]
) -> tuple[Hashable, ...]:
    if grouped_arms is None:
        return tuple(repeats)
    if isinstance(grouped_arms, str):
        raise UsageError(f"grouped_arms takes a list of arms: write grouped_arms=['{grouped_arms}'].")
    for a in grouped_arms:
        if a not in arms:
            near = nearest(str(a), arms)
            raise ArmError(
                f"grouped_arms names {a!r}, which is not an arm; the arms are {shown(arms)}.{f' Did you mean {near!r}?' if near else ''}"
            )
    return tuple(a for a in arms if a in grouped_arms)


def _check_members(labels: pd.Series, size: FloatArray, members: Any, group: str, ungrouped: str, notes: list[Note]) -> None:
    without = members & labels.isna().to_numpy()
    lone = members & (size == 1)
    if ungrouped == "singleton":
        count = int(without.sum() + lone.sum())
        if count:
            notes.append(
                Note(
                    "ungrouped_singletons",
                    counted_people(count, "in grouped arms have no group or are alone in one: each counts as a cluster of one."),
                )
            )
        return
    if without.any():
        raise GroupError(
            f"{counted_people(int(without.sum()), 'in a grouped arm have no group in')} '{group}' ({rows_text(without)}). Give the group they were assigned to, "
            "also if they never came; if they were assigned to none, say ungrouped='singleton'."
        )
    if lone.any():
        names = labels[lone].tolist()
        raise GroupError(
            f"group {shown(names)} of '{group}' has 1 member ({rows_text(lone)}). If the others dropped out, put their rows back (everyone who was "
            "randomized belongs in the data); if the person is on their own, say ungrouped='singleton'."
        )
