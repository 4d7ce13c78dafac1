"""Stage 1 of blinding: the whole plan on data made from the plan itself, without an effect or with the one that it aims at."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from trialkit.design.stream import checked_seed
from trialkit.errors import PlanError, UsageError
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.plan.blinding.answers import answers_of
from trialkit.plan.blinding.people import drawn_people
from trialkit.plan.locking.status import status_of_run
from trialkit.plan.planned.beside import beside
from trialkit.plan.planned.prepare import used_scale
from trialkit.results import Note

if TYPE_CHECKING:
    from trialkit.plan.record import PlanRecord
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec
    from trialkit.report.save import Report

__all__ = ["run_simulated", "simulated_data"]

Truth = Literal["null", "target"]


def run_simulated(
    plan: PlanRecord,
    *,
    seed: int,
    truth: Truth = "target",
    people: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    now: str | None = None,
) -> Report:
    """Run every planned analysis on simulated data: whether the plan runs, and what its report looks like, before there are data.

    Parameters
    ----------
    plan : a `tk.Plan`. seed, truth, people : as in `simulated_data`. progress, now : as in `Plan.run`.

    Returns
    -------
    Report
        Marked 'SIMULATED: no real people' on every section.

    Examples
    --------
    >>> run_simulated(plan, seed=1, truth="null").save("simulated")                  # doctest: +SKIP
    """
    from trialkit.plan.run import run_plan

    number = checked_seed(seed)
    made = _made(plan, number, truth, people)
    spec, left = _with_files(plan)
    content = run_plan(
        spec, made.frame, lock=status_of_run(plan), folder=plan.folder, plan_name=plan.name, progress=progress, now=now
    )
    notes = tuple(Note("simulated", text) for text in (*made.said, *left))
    return replace(
        content,
        blinding={
            "mark": "simulated",
            "seed": number,
            "truth": truth,
            "icc": spec.design.assumptions.icc if spec.grouped_arms else None,
        },
        notes=(*notes, *content.notes),
        data={**content.data, "file": "simulated data"},
        command=f"trialkit blind simulated {plan.name} --seed {number} --truth {truth}",
    )


def simulated_data(plan: PlanRecord, *, seed: int, truth: Truth = "target", people: int | None = None) -> pd.DataFrame:
    """Data with every column that the plan reads, made from its design, scales and assumptions.

    People are drawn into arms and groups by the plan's design. Outcomes are those of the power simulation (`tk.power.simulate`): baseline correlation,
    ICC, rates, times and counts as assumed. Questionnaires get answers to each item that follow the outcome. Losses are at random, by wave.

    Parameters
    ----------
    plan : a `tk.Plan`. seed : required.
    truth : 'target', with the effects that the plan assumes, or 'null', without any.
    people : instead of [design] units.

    Raises
    ------
    PlanError
        The plan does not say how many people there are.

    Examples
    --------
    >>> simulated_data(plan, seed=1)["arm"].value_counts()                           # doctest: +SKIP
    """
    return _made(plan, checked_seed(seed), truth, people).frame


@dataclass
class _World:
    """The data as they grow."""

    spec: PlanSpec
    folder: Path | None
    frame: pd.DataFrame
    unit: IntArray
    takes: Any
    seed: int
    effect: bool
    latent: dict[str, FloatArray] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    @property
    def arms(self) -> Any:
        return self.frame[self.spec.data.arm].to_numpy()

    def rng(self, what: str) -> np.random.Generator:
        return np.random.default_rng(self.stream(what))

    def stream(self, what: str) -> np.random.SeedSequence:
        """Random numbers of one thing, whatever else is drawn."""
        return np.random.SeedSequence(self.seed, spawn_key=tuple(what.encode("utf-8")))

    def baseline(self, column: str) -> FloatArray:
        """What stands behind a baseline measurement, in SDs."""
        if column not in self.latent:
            self.latent[column] = self.rng(f"baseline {column}").standard_normal(len(self.frame))
        return self.latent[column]


def _made(plan: PlanRecord, seed: int, truth: str, people: int | None) -> _World:
    if truth not in ("null", "target"):
        raise UsageError(
            f"truth={truth!r}: say 'null' for data without an effect, or 'target' for the effects that the plan assumes."
        )
    spec = plan.spec
    n = people if people is not None else spec.design.units
    if n is None:
        raise PlanError("the plan does not say how many people there are: write units under [design], or say people= (--people).")
    spec = spec.model_copy(update={"design": spec.design.model_copy(update={"units": n})})
    frame, unit, takes = drawn_people(spec, n, seed, plan.folder)
    world = _World(spec, plan.folder, frame, unit, takes, seed, truth == "target")
    for outcome in spec.outcomes:
        if outcome.index is None:
            _add(world, outcome)
    _add_mediators(world)
    _add_parts(world)
    _add_scales(world)
    _lose(world)
    return world


def _add(world: _World, outcome: Outcome) -> None:
    """The outcome and its baseline; of a scale what stands behind its answers."""
    from trialkit.power.simulation.assumed import assumed_outcome

    spec, column = world.spec, world.spec.value_column(outcome)
    before = spec.baseline_column(outcome)
    z = world.baseline(before) if before is not None else world.rng(f"level {column}").standard_normal(len(world.frame))
    made = assumed_outcome(
        spec, outcome, arms=world.arms, unit=world.unit, z=z, takes=world.takes, seed=world.stream(f"outcome {column}"), effect=world.effect
    )  # fmt: skip
    if made is None or (world.effect and not made.has_effect):
        world.said.append(f"the plan assumes no effect on '{outcome.name}', so the simulated data have none on it.")
    if world.effect and _goes_wrong(world, outcome):
        world.said.append(
            f"the effect that the plan assumes on '{outcome.name}' is a worse outcome: its sign goes against what is better."
        )
    level = outcome.assume.control_mean or 0.0
    if made is None:
        values = np.exp(0.5 * z + world.rng(f"outcome {column}").standard_normal(len(z)))
        world.frame[column] = values
        return
    if outcome.scale is not None:
        world.latent[column] = made.values
        return
    mean = outcome.measure == "mean_difference"
    world.frame[column] = made.values + (level if mean else 0.0)
    if made.events is not None:
        world.frame[str(outcome.event)] = made.events
    if outcome.baseline is not None and outcome.baseline not in spec.score_columns():
        world.frame[outcome.baseline] = level + made.sd * z if mean else z


def _goes_wrong(world: _World, outcome: Outcome) -> bool:
    """Whether the assumed difference is in the worse direction, which for a scale its registry entry knows."""
    effect, better = outcome.assume.effect, outcome.better
    if better is None and outcome.scale is not None:
        entry = world.spec.scale(outcome.scale)
        better = used_scale(entry.scale, entry.form, world.folder).direction_of(entry.subscale)
    if not effect or better is None or outcome.measure not in ("mean_difference", "risk_difference"):
        return False
    return (effect > 0) != (better == "higher")


def _add_mediators(world: _World) -> None:
    for entry in world.spec.mediation:
        column, before = world.spec.mediator_column(entry), world.spec.mediator_baseline(entry)
        if column in world.frame or column in world.latent:
            continue
        rng = world.rng(f"mediator {column}")
        path = entry.assume.a if world.effect and entry.assume is not None else 0.0
        own = rng.standard_normal(len(world.frame))
        values = 0.5 * world.baseline(before) + np.sqrt(0.75) * own if before is not None else own
        values = values + path * (world.arms != world.spec.control)
        if column in world.spec.score_columns():
            world.latent[column] = values
        else:
            world.frame[column] = values
        if before is not None and before not in world.spec.score_columns():
            world.frame[before] = world.baseline(before)


def _add_parts(world: _World) -> None:
    """Columns that an index is made of and that are no outcome of their own."""
    for outcome in world.spec.outcomes:
        for column, part in world.spec.components(outcome).items():
            if part is None and column not in world.frame and column not in world.spec.score_columns():
                world.frame[column] = world.rng(f"part {column}").standard_normal(len(world.frame))


def _add_scales(world: _World) -> None:
    for name, (scale, wave) in world.spec.score_columns().items():
        trait = world.latent[name] if name in world.latent else world.baseline(name)
        for column, values in answers_of(
            world.spec.scale(scale), wave, trait, world.rng(f"answers {name}"), world.folder
        ).items():
            world.frame[column] = values


def _lose(world: _World) -> None:
    """Take out what people who were lost by a wave would have answered; who is lost stays lost."""
    spec, n = world.spec, len(world.frame)
    wave_at = {w: i for i, w in enumerate(spec.wave_names)}
    chance = world.rng("lost").random(n)
    at_baseline = {o.baseline_wave for o in spec.outcomes} | {spec.wave_names[0] if spec.wave_names else None}
    for outcome in spec.outcomes:
        own = outcome.assume.attrition if outcome.assume.attrition is not None else spec.design.assumptions.attrition
        if (
            not own
            or outcome.kind == "time"
            or outcome.index is not None
            or (outcome.wave in at_baseline and outcome.wave in wave_at)
        ):
            continue
        gone = chance < own
        for column in _columns_of(world, outcome):
            world.frame[column] = world.frame[column].where(~gone)


def _columns_of(world: _World, outcome: Outcome) -> list[str]:
    if outcome.scale is None:
        return [world.spec.value_column(outcome)]
    entry = world.spec.scale(outcome.scale)
    name = entry.items if outcome.wave is None else entry.items.replace("{wave}", outcome.wave)
    pattern = re.compile(r"\w+".join(re.escape(p) for p in re.split(r"\{item[^}]*\}", name)))
    return [c for c in world.frame.columns if pattern.fullmatch(c)]


def _with_files(plan: PlanRecord) -> tuple[PlanSpec, list[str]]:
    """The plan without the lists that only a trial under way has, and what was left out."""
    spec, said = plan.spec, []
    change: dict[str, Any] = {}
    if spec.harms is not None and spec.harms.events and not beside(plan.folder, spec.harms.events).exists():
        said.append(f"the list of events '{spec.harms.events}' is not there yet, so it is left out of this run.")
        change["harms"] = spec.harms.model_copy(update={"events": None}) if spec.harms.columns else None
    reach = spec.selection.reach
    if reach is not None and not beside(plan.folder, reach.funnel).exists():
        said.append(f"the funnel '{reach.funnel}' is not there yet, so reach is left out of this run.")
        change["selection"] = spec.selection.model_copy(update={"reach": None})
    return (spec.model_copy(update=change) if change else spec), said
