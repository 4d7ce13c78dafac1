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
from trialkit.power.simulation.world import RATES, Block
from trialkit.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

    from trialkit.plan.schema import PlanSpec
    from trialkit.plan.schema_outcomes import Outcome

BATCHED = ("ancova", "lin")


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
    """Whether the fast way exists: a regression of a mean or of a share."""
    return spec.estimator_for(outcome) in BATCHED and outcome.measure in ("mean_difference", "risk_difference")


def roles(spec: PlanSpec) -> dict[str, Any]:
    """The roles of the columns, as keywords of `Trial`."""
    d = spec.data
    return {
        "arm": d.arm, "control": spec.control, "unit": d.unit, "strata": list(d.strata), "cluster": d.cluster, "group": d.group,
        "grouped_arms": list(spec.grouped_arms) or None, "facilitator": None, "weights": None, "categorical": list(d.categorical),
        "ungrouped": "singleton",
    }  # fmt: skip


def analysed(spec: PlanSpec, outcome: Outcome, frame: pd.DataFrame, pair: tuple[str, str]) -> IttResult:
    """The planned effect of one data set with these two arms."""
    own = roles(spec) | {"control": pair[1]}
    if own["group"] not in frame:
        own |= {"group": None, "grouped_arms": None}
    else:
        own["grouped_arms"] = [a for a in pair if a in spec.grouped_arms]
    known = set(frame.columns)
    own["categorical"] = [c for c in own["categorical"] if c in known]
    if own["unit"] not in known:
        own["unit"] = None
    a, estimator = spec.analysis, spec.estimator_for(outcome)
    unadjusted = estimator == "difference_in_means"
    return itt(
        Trial(frame, **own),
        spec.value_column(outcome),
        adjust=() if unadjusted else spec.adjust_for(outcome),
        estimator=estimator,
        measure=outcome.measure,
        covariance="auto" if unadjusted else a.covariance,
        df=a.df,
        strata_effects=a.strata_effects,
        average=outcome.estimand.average,
        conf_level=a.conf_level,
    )


def of_block(
    spec: PlanSpec, outcome: Outcome, block: Block, rng: np.random.Generator, effects: FloatArray, replicates: int
) -> list[Estimates]:
    """Estimates of every effect on the same random numbers."""
    world, column = block.world, spec.value_column(outcome)
    if outcome.measure in RATES:
        uniforms = block.rates(rng, replicates)
        outcomes = [block.events(uniforms, float(e)) for e in effects]
    else:
        null = block.means(rng, replicates)
        moved = block.arm * (block.takes if world.on_compliers else 1.0)
        outcomes = [null + e * moved for e in effects]
    if not batched(spec, outcome):
        return [_one_by_one(spec, outcome, block, column, y) for y in outcomes]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = _first(spec, outcome, block, column, outcomes)
    if first is None:
        nothing = np.full(replicates, np.nan)
        return [Estimates(nothing, nothing, nothing) for _ in effects]
    assert first.evidence is not None and first.evidence.model is not None
    many = ManyOutcomes(first.evidence.model, first.evidence.vectors[0])
    rows = first.evidence.sample.rows
    if outcome.measure not in RATES and not world.on_compliers:
        # the arm is a term of the model: an effect shifts the estimate by itself and leaves residuals, standard error and df as they are
        found = many.run(null[:, rows])
        return [Estimates(found.estimate + e, found.std_error, found.df) for e in effects]
    return [_checked(many.run(y[:, rows])) for y in outcomes]


def rehearse(spec: PlanSpec, outcome: Outcome, blocks: list[Block], rng: np.random.Generator) -> None:
    """Analyses one replicate of the first block that can be analysed; raises the error when none can."""
    failed: TrialkitError | None = None
    for block in blocks:
        y = block.events(block.rates(rng, 1), 0.0) if outcome.measure in RATES else block.means(rng, 1)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                analysed(spec, outcome, block.frame(spec, spec.value_column(outcome), y[0]), block.world.pair)
            return
        except TrialkitError as error:
            failed = error
    assert failed is not None
    raise failed


def _checked(found: Any) -> Estimates:
    return Estimates(found.estimate, found.std_error, found.df)


def _first(spec: PlanSpec, outcome: Outcome, block: Block, column: str, outcomes: list[FloatArray]) -> IttResult | None:
    """The analysis of the first replicate that can be analysed; its design serves the others."""
    for y in (y for ys in outcomes for y in ys[:5]):
        try:
            return analysed(spec, outcome, block.frame(spec, column, y), block.world.pair)
        except (TrialkitError, np.linalg.LinAlgError):
            continue
    return None


def _one_by_one(spec: PlanSpec, outcome: Outcome, block: Block, column: str, y: FloatArray) -> Estimates:
    rows = np.full((len(y), 3), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i, values in enumerate(y):
            try:
                rows[i] = numbers(analysed(spec, outcome, block.frame(spec, column, values), block.world.pair))
            except (TrialkitError, np.linalg.LinAlgError):
                continue
    return Estimates(rows[:, 0], rows[:, 1], rows[:, 2])


def numbers(result: IttResult) -> tuple[float, float, float]:
    """Estimate (log of a ratio), standard error and df of the first row."""
    from trialkit.estimate.measures import is_ratio

    e = result.estimates[0]
    value = math.log(e.estimate) if is_ratio(str(result.details["measure"])) and e.estimate > 0 else e.estimate
    return value, e.std_error, e.df
