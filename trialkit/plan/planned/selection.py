"""The planned look at selection: reach, take-up, losses, how groups were formed, and what the missing could do to the primary effects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trialkit.errors import TrialkitError
from trialkit.estimate.covariates import is_category
from trialkit.plan.planned.beside import read_beside
from trialkit.plan.planned.missing import planned_missing
from trialkit.plan.schema.outcomes import Outcome
from trialkit.report.content import OutcomeContent
from trialkit.report.content.selection import SelectionContent
from trialkit.results import Result, TableResult
from trialkit.selection.attrition import attrition
from trialkit.selection.peers.assignment import peer_assignment_test
from trialkit.selection.reach.funnel import reach
from trialkit.selection.take_up.shares import take_up
from trialkit.trial import ALONE, Trial

if TYPE_CHECKING:
    from trialkit.plan.planned.prepare import Prepared
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["planned_reach", "with_selection"]

Progress = Callable[[str, int, int], None]


def planned_reach(spec: PlanSpec, folder: Path | None) -> TableResult | None:
    """The enrolment funnel of [selection] reach, or None where the plan has none."""
    said = spec.selection.reach
    if said is None:
        return None
    try:
        return reach(
            read_beside(folder, said.funnel, "the funnel"), by=list(said.by) or None, conf_level=spec.analysis.conf_level
        )
    except TrialkitError as error:
        error.args = (f"[selection] reach: {error}",)
        raise


def with_selection(
    spec: PlanSpec,
    ready: Prepared,
    outcomes: list[OutcomeContent],
    *,
    reached: TableResult | None,
    progress: Progress | None = None,
) -> tuple[SelectionContent, list[OutcomeContent]]:
    """What the report says of selection, and the outcomes, the primary ones with tests of selective attrition."""
    left_out: list[str] = []
    missing: dict[str, Mapping[str, Result]] = {}
    out = []
    for o in outcomes:
        planned = spec.outcome(o.name)
        if o.role == "primary":
            found, said = planned_missing(spec, ready, planned, progress=progress)
            missing |= {o.name: found} if found else {}
            left_out += said
            if o.attrition is not None:
                o = replace(o, attrition=_losses(spec, ready, planned, o.attrition, left_out))
        out.append(o)
    content = SelectionContent(
        reach=reached,
        take_up=_take_up(spec, ready, left_out),
        formed=_formed(spec, ready, left_out),
        formation=_formation(spec),
        missing=missing,
        left_out=tuple(left_out),
    )
    return content, out


def _losses(spec: PlanSpec, ready: Prepared, outcome: Outcome, plain: TableResult, left_out: list[str]) -> TableResult:
    """Losses with tests of whether they were selective, and by the traits of [selection] vulnerability."""
    trial, column = ready.trial, spec.value_column(outcome)
    if not float(plain.details["overall"]):
        return plain
    traits = list(spec.selection.vulnerability) or None
    level = spec.analysis.conf_level
    tested = [c for c in spec.adjust_for(outcome) if c not in trial.strata and not is_category(trial, c)]
    try:
        return attrition(trial, column, baseline=tested or None, traits=traits, conf_level=level)
    except TrialkitError as error:
        left_out.append(f"'{outcome.label or outcome.name}', tests of selective losses: {error}")
    return attrition(trial, column, traits=traits, conf_level=level)


def _take_up(spec: PlanSpec, ready: Prepared, left_out: list[str]) -> dict[str, TableResult]:
    """Kinds of people by take-up: everyone, then by each trait of [selection] vulnerability."""
    if not spec.selection.take_up or spec.data.uptake is None:
        return {}
    trial = ready.trial
    found: dict[str, TableResult] = {}
    if len(trial.arms) != 2:
        left_out.append(
            "take-up: kinds of people are told apart by two arms, and this trial has more; the shares that took part are on the page."
        )
        return found
    for trait in ("", *spec.selection.vulnerability):
        try:
            used = trial if not trait else trial.with_columns({trait: _few_levels(trial, trait)})
            found[trait] = take_up(used, spec.data.uptake, by=trait or None, conf_level=spec.analysis.conf_level)
        except TrialkitError as error:
            left_out.append(f"take-up{f' by {trait!r}' if trait else ''}: {error}")
    return found


def _few_levels(trial: Trial, name: str) -> pd.Series:
    """The trait as text: numbers of more than two values split at their median, and 'missing' a level of its own."""
    column = trial.column(name)
    absent = column.isna()
    if is_category(trial, name) or column.dropna().nunique() <= 2:
        number = not is_category(trial, name)
        text = column.map(lambda v: f"{v:g}" if number and pd.notna(v) else str(v))
        return pd.Series(text, index=column.index, dtype=object).astype(object).mask(absent, "missing")
    values = trial.values(name)
    middle = float(np.median(values[~absent.to_numpy()]))
    return pd.Series(np.where(values <= middle, f"up to {middle:g}", f"above {middle:g}"), index=column.index).mask(
        absent, "missing"
    )


def _formed(spec: PlanSpec, ready: Prepared, left_out: list[str]) -> dict[str, TableResult]:
    """Tests of whether chance put people in their groups, by draws within the pools that groups were filled from."""
    found: dict[str, TableResult] = {}
    trial = ready.trial
    if not spec.selection.groups_by_chance or trial.group is None:
        return found
    pool = _pools(spec, trial)
    frame = trial.data.assign(**{"pool of the group": pool})
    for trait in spec.selection.groups_by_chance:
        try:
            found[trait] = peer_assignment_test(
                frame, x=trait, group=trial.group, pool="pool of the group", n_draws=spec.analysis.draws, seed=spec.analysis.seed
            )
        except TrialkitError as error:
            left_out.append(f"whether chance formed the groups, by '{trait}': {error}")
    return found


def _pools(spec: PlanSpec, trial: Trial) -> pd.Series:
    """The arm and what groups were formed within: as planned, or else the strata where no group lies in two of them."""
    planned = spec.design.groups.within if spec.design.groups is not None else ()
    names = planned or trial.strata
    arm = trial.arm_codes.astype(str)
    stratum = trial.codes(*names).astype(str) if names else np.full(trial.n, "")
    inside = trial.group_codes != ALONE
    spread = pd.Series(stratum[inside]).groupby(trial.group_codes[inside]).nunique()
    cell = np.char.add(np.char.add(arm.astype(str), " "), stratum.astype(str)) if spread.max() <= 1 else arm
    return pd.Series(cell, index=trial.data.index)


def _formation(spec: PlanSpec) -> dict[str, Any]:
    formed = spec.design.groups
    if not spec.grouped_arms:
        return {}
    said = {"arms": list(spec.grouped_arms), "planned": formed is not None}
    return said if formed is None else said | {"alike": list(formed.alike), "mixed": list(formed.mixed)}
