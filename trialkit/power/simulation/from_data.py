"""Simulated power of a plan on data of the user's: a generator, or a pilot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trialkit.errors import PlanError, UsageError
from trialkit.estimate.measures import is_ratio
from trialkit.power.plans.outcome import scale_of
from trialkit.power.plans.sizes import people_of, planned
from trialkit.power.simulation.generated import Generated, Truth, effects_of, truths_of
from trialkit.power.simulation.pilot import no_shift, pilot_of
from trialkit.power.simulation.rules import Rule, bounds_of
from trialkit.power.simulation.world import even, world_of
from trialkit.results import Note

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec


def generated(
    spec: PlanSpec,
    outcome: Outcome,
    pair: tuple[str, str],
    generator: Any,
    effects: Sequence[float] | None,
    truth: Truth,
    seed: int,
) -> tuple[Generated, tuple[Note, ...], tuple[str, ...], str]:
    """The question of a generator, with notes, assumptions and the design in words."""
    if not callable(generator):
        raise UsageError(f"generator is a function of (rng, effect) that gives a DataFrame, not a {type(generator).__name__}.")
    assume = outcome.assume
    said = assume.hazard_ratio if outcome.measure == "hazard_ratio" and assume.hazard_ratio is not None else assume.effect
    # the effect assumed for a scale is in SDs, which a generator's data may not be
    asked = effects_of(effects, outcome, None if outcome.kind == "scale" else said)
    found = _question(spec, outcome, pair, generator, asked, truths_of(asked, outcome, truth), seed, "generator")
    return found, (), ("the data are those of your generator",), "data of a generator"


def resampled(
    spec: PlanSpec, outcome: Outcome, pair: tuple[str, str], frame: pd.DataFrame, effects: Sequence[float] | None, seed: int
) -> tuple[Generated, tuple[Note, ...], tuple[str, ...], str]:
    """The question of a pilot, with notes, assumptions and the design in words."""
    scale = scale_of(spec, outcome)
    if spec.design.units is None:
        raise PlanError("[design] units is missing: a simulation needs the planned number of people, over all arms.")
    if scale is None or outcome.measure != "mean_difference":
        raise no_shift(outcome)
    closed = planned(spec, outcome, pair, scale)
    world = world_of(spec, outcome, pair, {**closed.arguments, "baseline_correlation": 0.0}, (), scale)
    if world.on_compliers and world.take_up < 1:
        raise UsageError("a pilot gives the effect on everyone randomized: leave out take_up, or give the effect diluted by it.")
    clusters = world.clusters
    sizes = world.groups if clusters is None else (even(world.people[0], clusters[0]), even(world.people[1], clusters[1]))
    pilot = pilot_of(spec, outcome, pair, frame, sizes, people_of(spec, pair), world.icc, world.attrition)
    assumed = outcome.assume.effect
    if assumed is not None and outcome.kind == "scale":
        assumed = assumed * float(np.std(pilot.y, ddof=1))
    asked = effects_of(effects, outcome, assumed)
    found = _question(spec, outcome, pair, pilot, asked, asked, seed, "pilot")
    lost = f"{100 * world.attrition:.3g} % lost to follow-up at random"
    return found, pilot.notes, (*pilot.assumptions, lost), f"{closed.words}, people of the pilot"


def _question(
    spec: PlanSpec, outcome: Outcome, pair: tuple[str, str], generator: Any, effects: tuple[float, ...], truths: tuple[float, ...], seed: int,
    source: str,
) -> Generated:  # fmt: skip
    alpha = 1 - spec.analysis.conf_level
    rule: Rule | None = bounds_of(outcome, alpha, 1.0)
    found = Generated(spec, outcome, pair, generator, effects, truths, seed, alpha, rule, source)
    found.rehearse()
    return found


def details_of(question: Generated, assumptions: tuple[str, ...], words: str) -> dict[str, Any]:
    """Details of the result."""
    spec, outcome = question.spec, question.outcome
    ratio = is_ratio(outcome.measure)
    return {
        "outcome": outcome.name, "contrast": f"{question.pair[0]} - {question.pair[1]}", "seed": question.seed, "assumptions": list(assumptions),
        "method": spec.estimator_for(outcome), "design": words, "alpha": question.alpha,
        "units": f"{outcome.measure}; bias and standard errors of its log" if ratio else "raw", "null": 1.0 if ratio else 0.0,
        "shows": None if question.rule is None else question.rule.words,
    }  # fmt: skip
