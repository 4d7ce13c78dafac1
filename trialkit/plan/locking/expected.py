"""Which columns the data must have for a plan, with role, type and allowed values: written into the lock, held against the data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialkit.errors import nearest, shown
from trialkit.plan.schema.checks.scales import form_columns
from trialkit.plan.schema.outcomes import BINARY_MEASURES

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["ExpectedColumn", "arm_text", "data_problems", "expected_columns"]


@dataclass(frozen=True, slots=True)
class ExpectedColumn:
    """A column of the data, or with {item} in its name the columns of a questionnaire at one wave."""

    name: str
    roles: tuple[str, ...]
    type: str
    allowed: tuple[str, ...] = ()
    wave: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain tables and lists, as they stand in the lock."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


def expected_columns(spec: PlanSpec, folder: Path | None = None) -> tuple[ExpectedColumn, ...]:
    """Every column that the planned analyses read, once, with all its roles.

    Scores are not among them: trialkit makes those from the items. Scale files of one's own stand in `folder`, that of the plan.

    Examples
    --------
    >>> [c.name for c in expected_columns(spec)][:3]       # doctest: +SKIP
    ['id', 'arm', 'group']
    """
    scores = spec.score_columns()
    found: dict[str, ExpectedColumn] = {}
    for column in _wanted(spec, folder):
        if column.name in scores:
            continue
        before = found.get(column.name)
        if before is None:
            found[column.name] = column
        else:
            roles = tuple(dict.fromkeys((*before.roles, *column.roles)))
            kind = before.type if before.type != "number or category" else column.type
            found[column.name] = ExpectedColumn(column.name, roles, kind, before.allowed or column.allowed, before.wave)
    return tuple(found.values())


def data_problems(
    expected: Iterable[ExpectedColumn | Mapping[str, Any]],
    columns: Sequence[object],
    arms: Iterable[object] | None = None,
    *,
    labels: Mapping[str, str] | None = None,
) -> list[str]:
    """Sentences on what the data lack: absent columns with their near miss, arms that the plan does not know or that are absent.

    Parameters
    ----------
    expected
        From `expected_columns`, or the tables of a lock.
    columns
        Names of the columns of the data.
    arms
        The values of the arm column, if they are to be checked (missing values left out).
    labels
        Labels of columns, to say what the near miss is.
    """
    names = [str(c) for c in columns]
    problems = []
    for entry in expected:
        column = entry if isinstance(entry, ExpectedColumn) else _read(entry)
        if not _present(column.name, names):
            problems.append(_absent(column, names, labels or {}))
        elif "arm" in column.roles and arms is not None:
            problems += _arm_problems(column, arms)
    return problems


def _read(entry: Mapping[str, Any]) -> ExpectedColumn:
    return ExpectedColumn(
        str(entry["name"]), tuple(entry["roles"]), str(entry["type"]), tuple(entry.get("allowed", ())), entry.get("wave")
    )


def _present(name: str, names: list[str]) -> bool:
    if "{item" not in name:
        return name in names
    before, _, after = re.split(r"(\{item[^}]*\})", name)
    pattern = re.compile(re.escape(before) + r"\w+" + re.escape(after))
    return any(pattern.fullmatch(n) for n in names)


def _absent(column: ExpectedColumn, names: list[str], labels: Mapping[str, str]) -> str:
    role = column.roles[0]
    near = nearest(column.name, names)
    label = f" (label: {labels[near]})" if near is not None and near in labels else ""
    hint = f"Did you mean '{near}'{label}?" if near else f"The columns are: {shown(names, 12)}."
    what = f"no column fits '{column.name}'" if "{item" in column.name else f"there is no column '{column.name}'"
    return f"{what} in the data, which the plan names as {role}. {hint}"


ARM_WITHOUT_ROWS = "Everyone who was randomized belongs in the file, also who dropped out: export it again without a selection, or join the files of the arms."


def _arm_problems(column: ExpectedColumn, arms: Iterable[object]) -> list[str]:
    seen = list(dict.fromkeys(arm_text(a) for a in arms))
    unknown = [a for a in seen if a not in column.allowed]
    absent = [a for a in column.allowed if a not in seen]
    problems = []
    if unknown:
        near = nearest(unknown[0], absent or column.allowed)
        named = f"It names {shown(column.allowed)}: write the names as they stand in the data, or mend the data."
        hint = f"Did you mean '{near}'?" if near else named
        problems.append(f"column '{column.name}' holds {shown(unknown)}, which [arms] does not name. {hint}")
    if absent:
        problems.append(f"no row of the data is in arm {shown(absent)}, which the plan names. {ARM_WITHOUT_ROWS}")
    return problems


def arm_text(arm: object) -> str:
    """Arms coded 0 and 1 arrive as 0.0 and 1.0 when one is missing."""
    return str(int(arm)) if isinstance(arm, float) and arm.is_integer() else str(arm)


def _wanted(spec: PlanSpec, folder: Path | None) -> Iterator[ExpectedColumn]:
    data = spec.data
    yield ExpectedColumn(data.unit, ("unit",), "identifier")
    yield ExpectedColumn(data.arm, ("arm",), "label", spec.arm_names)
    for role, kind in (
        ("group", "label"),
        ("cluster", "label"),
        ("facilitator", "label"),
        ("weights", "number"),
        ("uptake", "binary"),
    ):
        column = getattr(data, role)
        if column is not None:
            yield ExpectedColumn(column, (role,), kind)
    for column in data.strata:
        yield ExpectedColumn(column, ("strata",), "category")
    yield from _outcome_columns(spec)
    yield from _item_columns(spec, folder)
    yield from _covariate_columns(spec)


def _outcome_columns(spec: PlanSpec) -> Iterator[ExpectedColumn]:
    for outcome in spec.outcomes:
        role = f"outcome '{outcome.name}'"
        if outcome.column is not None:
            kind = "binary" if outcome.measure in BINARY_MEASURES else "number"
            yield ExpectedColumn(outcome.column, (role,), kind, wave=outcome.wave)
        if outcome.time is not None and outcome.event is not None:
            yield ExpectedColumn(outcome.time, (f"time of {role}",), "number")
            yield ExpectedColumn(outcome.event, (f"event of {role}",), "binary")
        for column, part in spec.components(outcome).items():
            if part is None:
                yield ExpectedColumn(column, (f"part of the index '{outcome.name}'",), "number", wave=outcome.wave)
        if outcome.baseline is not None:
            yield ExpectedColumn(outcome.baseline, (f"baseline of {role}",), "number")
        for event, handled in outcome.intercurrent.items():
            if handled.column is not None:
                yield ExpectedColumn(handled.column, (f"'{event}' of {role}",), "binary")
    for entry in spec.mediation:
        if entry.mediator.column is not None:
            yield ExpectedColumn(entry.mediator.column, (f"mediator of '{entry.outcome}'",), "number", wave=entry.mediator.wave)
        if entry.mediator.baseline is not None:
            yield ExpectedColumn(entry.mediator.baseline, (f"baseline of the mediator of '{entry.outcome}'",), "number")


def _item_columns(spec: PlanSpec, folder: Path | None) -> Iterator[ExpectedColumn]:
    for entry in spec.scales:
        kind = "label" if entry.codes else "number"
        for wave in spec.scale_waves(entry.name) if "{wave}" in entry.items else (None,):
            name = entry.items if wave is None else entry.items.replace("{wave}", wave)
            yield ExpectedColumn(name, (f"items of '{entry.name}'",), kind, wave=wave)
            for what, column in form_columns(entry, folder).items():
                place = column if wave is None else column.replace("{wave}", wave)
                yield ExpectedColumn(place, (f"{what}, which decides on the form of '{entry.name}'",), "number or category")


def _covariate_columns(spec: PlanSpec) -> Iterator[ExpectedColumn]:
    def covariate(column: str, role: str, kind: str = "number or category") -> ExpectedColumn:
        return ExpectedColumn(column, (role,), "category" if column in spec.data.categorical else kind)

    for column in spec.data.categorical:
        yield covariate(column, "categorical")
    for column in spec.analysis.adjust:
        yield covariate(column, "adjust")
    for outcome in spec.outcomes:
        for column in outcome.adjust or ():
            yield covariate(column, f"adjust of outcome '{outcome.name}'")
    for entry in spec.mediation:
        for column in entry.adjust or ():
            yield covariate(column, f"adjust of the mediation of '{entry.outcome}'")
    for columns in spec.multiverse.adjust.values() if spec.multiverse else ():
        for column in columns:
            yield covariate(column, "adjust of the multiverse")
    for column in spec.selection.balance:
        yield covariate(column, "balance")
    for column in spec.selection.vulnerability:
        yield covariate(column, "vulnerability")
    for column in spec.selection.groups_by_chance:
        yield covariate(column, "groups_by_chance", "number")
    for group in spec.subgroups:
        yield covariate(group.by, "subgroups", "number" if group.kind == "continuous" else "category")
    for column in spec.harms.columns if spec.harms else ():
        yield covariate(column, "harms", "number")
