"""A plan's own analysis on data that somebody else makes: a generator of the user's, or people resampled from a pilot (pilot.py).

Replicate i of block b has one stream of random numbers, the same for every effect, so that power is a smooth function of the effect.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trialkit.errors import ColumnNotFoundError, TrialkitError, UsageError, ValueTypeError, shown
from trialkit.estimate.itt import itt
from trialkit.estimate.measures import is_ratio
from trialkit.estimate.request import Contrasts
from trialkit.power.arguments import real
from trialkit.power.simulation.analysis import Estimates
from trialkit.power.simulation.rules import Rule
from trialkit.power.simulation.running import size_of
from trialkit.power.simulation.tally import Tally, tally
from trialkit.trial import Trial

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

Generator = Callable[[np.random.Generator, float], Any]
Truth = float | Callable[[float], float] | None
ONE_BY_ONE = 10


@dataclass(frozen=True, slots=True)
class Generated:
    """One outcome of a plan and who makes its data; it travels to workers."""

    spec: PlanSpec
    outcome: Outcome
    pair: tuple[str, str]
    generator: Generator
    effects: tuple[float, ...]
    truths: tuple[float, ...]
    seed: int
    alpha: float
    rule: Rule | None
    source: str
    replicates: int = ONE_BY_ONE
    later: int = ONE_BY_ONE

    def frame(self, block: int, replicate: int, effect: float) -> pd.DataFrame:
        """The data of one replicate, checked."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(block, replicate)))
        made = self.generator(rng, effect)
        check_frame(self.spec, self.outcome, self.pair, made, self.source)
        return made

    def block(self, index: int) -> list[Tally]:
        """The tallies of one block."""
        found = np.full((len(self.effects), size_of(self, index), 3), np.nan)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for j, effect in enumerate(self.effects):
                for i in range(found.shape[1]):
                    frame = self.frame(index, i, effect)
                    try:
                        found[j, i] = effect_of(self.spec, self.outcome, frame, self.pair)
                    except (TrialkitError, np.linalg.LinAlgError):
                        continue
        return [tally(Estimates(f[:, 0], f[:, 1], f[:, 2]), truth, self.alpha, self.rule) for f, truth in zip(found, self.truths)]

    def rehearse(self) -> None:
        """The first data of every effect, analysed: raises what would otherwise be counted as failures."""
        for effect in self.effects:
            failed: TrialkitError | None = None
            for i in range(3):
                try:
                    effect_of(self.spec, self.outcome, self.frame(0, i, effect), self.pair)
                    failed = None
                    break
                except TrialkitError as error:
                    failed = error
            if failed is not None:
                raise failed

    def head(self) -> dict[str, Any]:
        """What tells the blocks of this simulation from those of another, for a checkpoint: the first data of each effect stand for the generator."""
        first = [self.frame(0, 0, e).to_csv(index=False) for e in self.effects]
        return {
            "seed": self.seed, "effects": list(self.effects), "outcome": self.outcome.name, "replicates": [self.replicates, self.later],
            "alpha": self.alpha, "rule": str(self.rule), "contrast": list(self.pair), "truths": [str(t) for t in self.truths],
            "plan": hashlib.sha256(str(self.spec).encode()).hexdigest(), "data": hashlib.sha256("".join(first).encode()).hexdigest(),
        }  # fmt: skip


def effect_of(spec: PlanSpec, outcome: Outcome, frame: pd.DataFrame, pair: tuple[str, str]) -> tuple[float, float, float]:
    """Estimate (of a ratio the log), standard error and df of one contrast, from the plan's analysis of all arms."""
    own = spec.roles()
    for role in ("unit", "group", "cluster", "weights", "facilitator"):
        if own[role] not in frame:
            own[role] = None
    own["categorical"] = [c for c in own["categorical"] if c in frame]
    if own["group"] is None:
        own["grouped_arms"] = None
    contrasts: Contrasts = "control" if pair[1] == spec.control else "all"
    result = itt(Trial(frame, **own), better=outcome.better, contrasts=contrasts, **spec.asked_of_itt(outcome))
    ratio = is_ratio(outcome.measure)
    for sign, text in ((1, f"{pair[0]} - {pair[1]}"), (-1, f"{pair[1]} - {pair[0]}")):
        for e in result.estimates:
            if e.contrast == text:
                value = e.estimate if not ratio else math.log(e.estimate) if e.estimate > 0 else math.nan
                return sign * value, e.std_error, e.df
    raise UsageError(
        f"the analysis has no contrast '{pair[0]} - {pair[1]}'; it has {shown([e.contrast for e in result.estimates])}."
    )


def needed(spec: PlanSpec, outcome: Outcome) -> dict[str, str]:
    """Columns that the analysis of an outcome reads, each with what it is."""
    d = spec.data
    found = {d.arm: "the arm", spec.value_column(outcome): f"the outcome '{outcome.name}'"}
    if outcome.event is not None:
        found[outcome.event] = f"the event of '{outcome.name}'"
    if spec.grouped_arms and d.group is not None:
        found[d.group] = "the group"
    if d.cluster is not None:
        found[d.cluster] = "the cluster"
    if d.weights is not None:
        found[d.weights] = "the weights"
    found |= dict.fromkeys(d.strata, "a stratum")
    baseline = spec.baseline_column(outcome)
    return found | {c: "the baseline" if c == baseline else "a covariate" for c in spec.adjust_for(outcome)}


def check_frame(spec: PlanSpec, outcome: Outcome, pair: tuple[str, str], frame: Any, source: str) -> None:
    """Data with the plan's columns and arms, or an error that says what is missing and what to do."""
    if not isinstance(frame, pd.DataFrame):
        raise UsageError(
            f"the {source} gave a {type(frame).__name__}; it gives a pandas DataFrame with the columns that the plan names."
        )
    for column, what in needed(spec, outcome).items():
        if column not in frame.columns:
            more = "" if column not in spec.score_columns() else ", the score itself and not the items of the scale"
            raise ColumnNotFoundError(column, frame.columns, f"the data of the {source} ({what}{more})")
    arms = set(frame[spec.data.arm].dropna().astype(str))
    foreign = sorted(arms - set(spec.arm_names))
    if foreign:
        raise UsageError(
            f"the {source} has {shown(foreign)} in '{spec.data.arm}'; the arms of the plan are {shown(spec.arm_names)}."
        )
    missing = [a for a in pair if a not in arms]
    if missing:
        raise UsageError(
            f"the {source} has nobody in {shown(missing)}, which is compared: give both arms of {pair[0]} - {pair[1]}."
        )
    columns = [spec.value_column(outcome), *((outcome.event,) if outcome.event else ()), *spec.adjust_for(outcome)]
    codes = {_number(code) for code in spec.data.missing_codes} - {None}
    for column in columns:
        values = frame[column]
        text = values.dtype.kind not in "biuf"
        if text and column in columns[:2] and pd.to_numeric(values, errors="coerce").isna().sum() > values.isna().sum():
            raise ValueTypeError(
                f"the {source} gives text in '{column}', where the analysis needs numbers: recode it in the {source}."
            )
        if codes and not text and values.isin(list(codes)).any():
            raise ValueTypeError(
                f"the {source} gives a missing-value code of the plan in '{column}': write missing values as NaN, because codes are not read here."
            )


def _number(code: str) -> float | None:
    try:
        return float(code)
    except ValueError:
        return None


def effects_of(effects: Sequence[float] | None, outcome: Outcome, assumed: float | None) -> tuple[float, ...]:
    """Effects as the generator takes them; by default none and the one that the plan assumes, in the units of the measure."""
    null = 1.0 if is_ratio(outcome.measure) else 0.0
    if effects is None:
        return (null,) if assumed is None else (null, assumed)
    if isinstance(effects, (str, bytes)) or not isinstance(effects, (Sequence, np.ndarray)):
        raise UsageError(f"effects is a list: write effects=[{null:g}, {effects!r}].")
    found = tuple(real("effects", e) for e in effects)
    if not found:
        raise UsageError(f"effects is empty: give at least one true effect, as in effects=[{null:g}, 0.4].")
    return found


def truths_of(effects: tuple[float, ...], outcome: Outcome, truth: Truth) -> tuple[float, ...]:
    """What the analysis should estimate at each effect; of a ratio the log."""
    found = []
    for effect in effects:
        value = real("truth", truth(effect) if callable(truth) else effect if truth is None else truth)
        if is_ratio(outcome.measure):
            if value <= 0:
                said = f"truth={value:g} at effect {effect:g}" if truth is not None else f"effects={value:g}"
                raise UsageError(
                    f"{said} is no {outcome.measure}, which is above 0: give truth=, the ratio at an effect (a number or a function of the effect)."
                )
            value = math.log(value)
        found.append(value)
    return tuple(found)
