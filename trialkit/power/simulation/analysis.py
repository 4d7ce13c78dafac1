"""The plan's own analysis of one outcome, for many simulated outcomes of one block.

A regression with a fixed design is factorised once and every replicate is a matrix product (estimate/linear/many_outcomes.py); every other analysis runs a
replicate at a time through `itt`, and says so.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trialkit.errors import TrialkitError
from trialkit.estimate.itt import itt
from trialkit.estimate.itt_result import IttResult
from trialkit.estimate.linear.many_outcomes import ManyOutcomes
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.power.simulation.from_statistics import from_statistics, sufficient
from trialkit.power.simulation.kinds import Outcomes
from trialkit.power.simulation.world import Block, World
from trialkit.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

BATCHED = ("ancova", "lin")
MOST_NUMBERS = 4_000_000
NO_WORKING = {"working_df_failed", "full_leverage"}


@dataclass(frozen=True, slots=True)
class Estimates:
    """(R,) estimates, standard errors and df of one effect; NaN where the analysis failed. Ratios are logs."""

    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray

    @property
    def ok(self) -> BoolArray:
        return np.isfinite(self.estimate) & np.isfinite(self.std_error) & (self.std_error > 0)


def batched(spec: PlanSpec, outcome: Outcome) -> bool:
    """Whether the fast way exists: a regression of a mean or of a share, in which each person counts the same."""
    linear = spec.estimator_for(outcome) in BATCHED and outcome.measure in ("mean_difference", "risk_difference")
    return linear and outcome.estimand.average == "participant"


def block_sizes(spec: PlanSpec, outcome: Outcome, world: World) -> tuple[int, int]:
    """Replicates in each of the first blocks and in each of the later ones: large where a block costs more than its replicates."""
    if sufficient(spec, outcome, world):
        return 250, 2500
    if not batched(spec, outcome):
        return 10, 10
    return 100, 500 if 500 * sum(world.people) <= MOST_NUMBERS else 100


def analysed(spec: PlanSpec, outcome: Outcome, frame: pd.DataFrame, pair: tuple[str, str]) -> IttResult:
    """The planned effect of one data set with these two arms: what `plan.run` asks for, of the columns that a simulation makes."""
    own = spec.roles() | {"control": pair[1], "facilitator": None, "weights": None}
    if own["group"] in frame:
        own["grouped_arms"] = [a for a in pair if a in spec.grouped_arms]
    else:
        own |= {"group": None, "grouped_arms": None, "ungrouped": "singleton"}
    own["categorical"] = [c for c in own["categorical"] if c in frame]
    if own["unit"] not in frame:
        own["unit"] = None
    return itt(Trial(frame, **own), better=outcome.better, **spec.asked_of_itt(outcome))


def of_block(
    spec: PlanSpec, outcome: Outcome, block: Block, rng: np.random.Generator, effects: FloatArray, replicates: int
) -> list[Estimates]:
    """Estimates of every effect on the same random numbers."""
    column = spec.value_column(outcome)
    if sufficient(spec, outcome, block.world):
        return _drawn(block, rng, effects, replicates)
    common = block.common(rng, replicates)
    if not batched(spec, outcome):
        return [_one_by_one(spec, outcome, block, column, block.outcomes(common, float(e))) for e in effects]
    # the arm is a term of the model: an effect that shifts it leaves residuals, standard error and df as they are
    outcomes = [np.asarray(block.outcomes(common, float(e))) for e in (effects[:1] if block.shifts else effects)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = _first(spec, outcome, block, column, outcomes)
    if first is None:
        return [_nothing(replicates) for _ in effects]
    assert first.evidence is not None and first.evidence.model is not None
    many = ManyOutcomes(first.evidence.model, first.evidence.vectors[0])
    rows = first.evidence.sample.rows
    found = [many.run(y if len(rows) == y.shape[1] else y[:, rows]) for y in outcomes]
    if block.shifts:
        return [Estimates(found[0].estimate + (e - effects[0]), found[0].std_error, found[0].df) for e in effects]
    return [Estimates(f.estimate, f.std_error, f.df) for f in found]


def _drawn(block: Block, rng: np.random.Generator, effects: FloatArray, replicates: int) -> list[Estimates]:
    found = from_statistics(block, rng, replicates)
    if found is None:
        return [_nothing(replicates) for _ in effects]
    null, test = found
    return [Estimates(null + e, test.std_error, test.df) for e in effects]


def _nothing(replicates: int) -> Estimates:
    """Nobody to analyse: every replicate failed."""
    return Estimates(*(np.full(replicates, np.nan) for _ in range(3)))


def rehearse(spec: PlanSpec, outcome: Outcome, blocks: list[Block], rng: np.random.Generator) -> None:
    """Analyses one replicate of the first block that can be analysed; raises the error when none can."""
    failed: TrialkitError | None = None
    for block in blocks:
        y = block.outcomes(block.common(rng, 1), 0.0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                analysed(spec, outcome, block.frame(spec, spec.value_column(outcome), one_of(y, 0)), block.world.pair)
            return
        except TrialkitError as error:
            failed = error
    assert failed is not None
    raise failed


def _first(spec: PlanSpec, outcome: Outcome, block: Block, column: str, outcomes: list[FloatArray]) -> IttResult | None:
    """The analysis of the first replicate whose model serves the others: one with a working covariance, where the analysis has one."""
    second = None
    for y in (y for ys in outcomes for y in ys[:5]):
        try:
            found = analysed(spec, outcome, block.frame(spec, column, y), block.world.pair)
        except (TrialkitError, np.linalg.LinAlgError):
            continue
        if not NO_WORKING & {n.code for n in found.notes}:
            return found
        second = second or found
    return second


def one_of(y: Outcomes, replicate: int) -> Any:
    """One replicate of outcomes: (n,) values or, of a time, a pair of them."""
    return tuple(part[replicate] for part in y) if isinstance(y, tuple) else y[replicate]


def _one_by_one(spec: PlanSpec, outcome: Outcome, block: Block, column: str, y: Outcomes) -> Estimates:
    rows = np.full((len(y[0]) if isinstance(y, tuple) else len(y), 3), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(len(rows)):
            try:
                rows[i] = numbers(analysed(spec, outcome, block.frame(spec, column, one_of(y, i)), block.world.pair))
            except (TrialkitError, np.linalg.LinAlgError):
                continue
    return Estimates(rows[:, 0], rows[:, 1], rows[:, 2])


def numbers(result: IttResult) -> tuple[float, float, float]:
    """Estimate (log of a ratio), standard error and df of the first row."""
    from trialkit.estimate.measures import is_ratio

    e = result.estimates[0]
    value = math.log(e.estimate) if is_ratio(str(result.details["measure"])) and e.estimate > 0 else e.estimate
    return value, e.std_error, e.df
