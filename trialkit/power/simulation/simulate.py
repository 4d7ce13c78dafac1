"""`tk.power.simulate`: the plan's own analysis on data made from its design section."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trialkit.design.stream import Seed, checked_seed
from trialkit.errors import PlanError, UsageError, nearest, shown
from trialkit.misuse import explained
from trialkit.power.arguments import real
from trialkit.power.plans.outcome import scale_of
from trialkit.power.plans.scale import Scale
from trialkit.power.plans.sizes import Planned, has_formula, planned
from trialkit.power.simulation.analysis import batched, block_sizes, of_block, rehearse
from trialkit.power.simulation.from_statistics import sufficient
from trialkit.power.simulation.result import SimulatedPower
from trialkit.power.simulation.rules import Rule, margin_power, rule_of
from trialkit.power.simulation.running import ROUND, Blocks, Saved, Told, blocks_for, run, size_of
from trialkit.power.simulation.tally import Tally, row, tally
from trialkit.power.simulation.world import Block, World, world_of
from trialkit.power.words import number, percent
from trialkit.results import Note

if TYPE_CHECKING:
    import pandas as pd

    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

DISAGREES = 0.01


@dataclass(frozen=True, slots=True)
class Question:
    """One outcome of a plan with everything that its simulation needs; it travels to workers."""

    spec: PlanSpec
    outcome: Outcome
    world: World
    effects: tuple[float, ...]
    seed: int
    alpha: float
    replicates: int
    later: int
    rule: Rule | None = None

    def made(self, index: int) -> tuple[Block, np.random.Generator]:
        """One randomization; its random numbers follow from the seed and its index alone."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(index,)))
        return self.world.block(self.spec, self.outcome, rng), rng

    def block(self, index: int) -> list[Tally]:
        """The tallies of one block."""
        made, rng = self.made(index)
        found = of_block(self.spec, self.outcome, made, rng, np.asarray(self.effects), size_of(self, index))
        return [tally(e, self.world.truth(effect), self.alpha, self.rule) for e, effect in zip(found, self.effects)]

    def head(self) -> dict[str, Any]:
        """What tells the blocks of this simulation from those of another, for a checkpoint."""
        return {
            "seed": self.seed, "effects": list(self.effects), "outcome": self.outcome.name, "replicates": [self.replicates, self.later],
            "alpha": self.alpha, "rule": str(self.rule), "world": str(self.world),
        }  # fmt: skip


@explained
def simulate(
    plan: Any,
    *,
    effects: Sequence[float] | None = None,
    n_draws: int = 10_000,
    seed: Seed,
    outcome: str | None = None,
    contrast: tuple[str, str] | None = None,
    mediator: str | None = None,
    workers: int = 1,
    stop_at: float | None = None,
    checkpoint: str | Path | None = None,
    progress: bool | Callable[[int, int], None] | None = None,
    generator: Callable[[np.random.Generator, float], Any] | None = None,
    truth: float | Callable[[float], float] | None = None,
    pilot: pd.DataFrame | None = None,
) -> SimulatedPower:
    """Power, size, bias and coverage of a plan's own analysis, by simulation.

    Parameters
    ----------
    plan : a `tk.Plan` (or its `.spec`). Its [design] and the outcome's `assume` make the data: numbers of people, groups, ICC, baseline
        correlation, attrition, take-up, rates.
    effects : true effects, in the units of the closed form (SDs for a scale, the outcome's own units where `assume` gives its SD, differences of rates; ratios
        of means, hazards or odds of a better category, win odds, where 1 is no effect; times for restricted means);
        by default 0 and the effect that the plan assumes; with a margin the margin itself, and the assumed effect
        or none. All effects use the same random numbers, so a curve is smooth and nested.
    n_draws : replicates for each effect. They come in blocks that share a randomization, groups, baseline and losses: 40 of 100 and then of 500 each (see
        Notes for other analyses); the last block is run whole. seed : required.
    outcome : name of the outcome; by default the first primary one. contrast : (arm, reference); by default the plan's first.
    mediator : the column or scale of one of [[mediation]], to simulate that question with `tk.mediate` in place of the effect on the outcome. `effects` are then those of the
        arm on the mediator, path a, with b and the rest as the entry assumes; by default 0 and the assumed a. See Notes.
    workers : processes; the numbers do not depend on it. Inside `joblib.parallel_config(backend="dask")` with a client of dask.distributed, or `"ray"` after
        `ray.util.joblib.register_ray()`, they are the workers of that cluster.
    stop_at : stop early once the power of the last effect is above or below this by three Monte Carlo errors.
    checkpoint : a file to which finished blocks are written, and from which an interrupted run goes on; also with a larger n_draws.
    progress : True for a bar with the time left, or a function that is called with (blocks done, blocks).

    generator : a function of your own, (rng, effect) -> DataFrame with the plan's columns and all its arms; for every effect of a replicate it gets the same
        random numbers. Effects and truths are then in the units of the measure, ratios as ratios. Scales are given by their scores.
    truth : with a generator: what the analysis should estimate, for bias and coverage: a number or a function of the effect; by default the effect.
    pilot : a data frame of a pilot in the plan's columns, for differences of means, with effects in the outcome's own units. People are resampled in the plan's
        numbers, groups whole, without the pilot's effect. Without groups or with one arm the ICC is the plan's.

    Returns
    -------
    SimulatedPower
        A row an effect, beside the closed form; a note where the two differ by more than .01 and three Monte Carlo errors.

    Raises
    ------
    UsageError, PlanError
        A plan without [design] units, an unknown outcome, or a measure that has no simulation; data of a generator or a pilot without the plan's columns or arms.

    Notes
    -----
    What a replicate costs depends on the analysis. A difference in means of single people and groups without covariates or strata is drawn as sufficient
    statistics (100,000 replicates in well under a second, in 40 blocks of 250 and then of 2,500). Other regressions of means and shares, 'ancova' and 'lin', are batched:
    the design of a block is factorised once (10,000 replicates in 1 to 10 s). Every other analysis runs a replicate at a time, in blocks of 10 (10,000 in minutes).
    A mediation question is one of linear models. Its rows are of the acme (`effect` is the true one, a b), with power, bias and coverage of the total beside it as `total_power` and so
    on; the closed form is the Monte Carlo test of `mediation`, where people stand alone. Each replicate takes at most 999 inner draws, the same for the replicates of a randomization;
    10,000 replicates take 10 to 60 s.

    Numbers follow from the seed and the place of a block alone. Failed fits count as not significant. The Monte Carlo error is taken between blocks.

    Examples
    --------
    On one machine, on the workers of a Dask cluster, and on those of a Ray cluster, with the same numbers:

    >>> tk.power.simulate(plan, effects=[0, 0.2, 0.4], n_draws=2_000, seed=1)          # doctest: +SKIP
    >>> with Client("tcp://scheduler:8786"), joblib.parallel_config(backend="dask"):  # doctest: +SKIP
    ...     tk.power.simulate(plan, n_draws=100_000, seed=1, workers=-1)
    >>> ray.util.joblib.register_ray()                                                # doctest: +SKIP
    >>> with joblib.parallel_config(backend="ray"):                                   # doctest: +SKIP
    ...     tk.power.simulate(plan, n_draws=100_000, seed=1, workers=-1)
    """
    spec = getattr(plan, "spec", plan)
    chosen = chosen_outcome(spec, outcome)
    pair = spec.contrasts[0] if contrast is None else (str(contrast[0]), str(contrast[1]))
    checked_pair(spec, pair)
    if mediator is not None:
        if generator is not None or pilot is not None or truth is not None:
            raise UsageError("mediator= simulates the paths that the plan assumes: leave out generator, pilot and truth.")
        return _of_mediation(
            spec, mediator, outcome, pair, effects, n_draws, checked_seed(seed), (workers, stop_at, checkpoint, progress)
        )
    if generator is not None or pilot is not None:
        return _of_data(
            spec,
            chosen,
            pair,
            generator,
            truth,
            pilot,
            effects,
            n_draws,
            checked_seed(seed),
            (workers, stop_at, checkpoint, progress),
        )
    if truth is not None:
        raise UsageError("truth belongs to generator=: what the plan's own data have as their effect is known.")
    scale = scale_of(spec, chosen)
    if scale is None:
        raise UsageError(
            f"measure '{chosen.measure}' of '{chosen.name}' has no simulation: give tk.power.simulate an outcome of a mean, a rate, a count, a time or ordered categories."
        )
    if spec.design.units is None:
        raise PlanError("[design] units is missing: a simulation needs the planned number of people, over all arms.")
    closed = _without_strata(planned(spec, chosen, pair, scale), scale)
    asked = _effects(effects, scale, rule_of(chosen, scale, 1 - spec.analysis.conf_level))
    question = _question(spec, chosen, pair, scale, closed, asked, checked_seed(seed))
    first = [question.made(b)[0] for b in range(3)]
    rehearse(spec, chosen, first, np.random.default_rng(question.seed))
    totals, stopped = _totals(question, len(asked), n_draws, workers, stop_at, checkpoint, progress)
    return _result(question, closed, scale, totals, stopped=stopped)


def _totals(
    question: Blocks,
    effects: int,
    n_draws: int,
    workers: int,
    stop_at: float | None,
    checkpoint: str | Path | None,
    progress: bool | Callable[[int, int], None] | None,
) -> tuple[list[Tally], bool]:
    """Tallies of every effect over the blocks, and whether they were stopped early."""
    blocks = blocks_for(question, int(real("n_draws", n_draws, at_least=2)))
    target = None if stop_at is None else real("stop_at", stop_at, above=0, below=1)
    saved = Saved(checkpoint, question)
    totals = [Tally() for _ in range(effects)]
    done = 0
    with Told(progress, blocks) as tell:
        for start in range(0, blocks, ROUND):
            for tallies in run(question, range(start, min(start + ROUND, blocks)), workers, saved):
                totals = [a + b for a, b in zip(totals, tallies)]
                done += 1
                tell(done)
            if target is not None and _settled(totals[-1], target):
                break
    return totals, done < blocks


def _of_data(
    spec: PlanSpec, outcome: Outcome, pair: tuple[str, str], generator: Any, truth: Any, pilot: Any, effects: Any, n_draws: int, seed: int,
    how: tuple[Any, ...],
) -> SimulatedPower:  # fmt: skip
    """The same on data of the user's."""
    from trialkit.power.simulation.from_data import details_of, generated, resampled

    if generator is not None and pilot is not None:
        raise UsageError("generator and pilot are two sources of data: give one of them.")
    if pilot is not None and truth is not None:
        raise UsageError("truth belongs to generator=: the effect in resampled pilot data is the one added to them.")
    question, notes, assumptions, words = (
        generated(spec, outcome, pair, generator, effects, truth, seed)
        if generator is not None
        else resampled(spec, outcome, pair, pilot, effects, seed)
    )
    totals, stopped = _totals(question, len(question.effects), n_draws, *how)
    rows = [
        row(t, e, true) | {"closed_form": None, "difference": None}
        for t, e, true in zip(totals, question.effects, question.truths)
    ]
    if question.rule is not None:
        rows = [r | {"type_s": math.nan, "type_m": math.nan} for r in rows]
    every = (*notes, *_endings(totals, stopped))
    return SimulatedPower((), every, details_of(question, assumptions, words), tuple(rows))


def _of_mediation(
    spec: PlanSpec, mediator: str, outcome: str | None, pair: tuple[str, str], effects: Sequence[float] | None, n_draws: int, seed: int, how: tuple[Any, ...],
) -> SimulatedPower:  # fmt: skip
    """Power of a [[mediation]] entry."""
    from trialkit.power.simulation.mediation.question import notes_of, question_of, rows_of
    from trialkit.power.simulation.mediation.question import rehearse as rehearsed

    if effects is not None and not isinstance(effects, Iterable):
        raise UsageError(f"effects is a list: write effects=[0, {effects}].")
    question, words, assumptions = question_of(spec, mediator, outcome, pair, effects, seed)
    rehearsed(question)
    totals, stopped = _totals(question, 2 * len(question.paths), n_draws, *how)
    rows = rows_of(question, totals)
    notes = [*notes_of(question, rows), *_endings(totals[1::2], stopped)]
    details = {
        "outcome": question.outcome.name, "mediator": mediator, "contrast": f"{pair[0]} - {pair[1]}", "seed": seed, "assumptions": list(assumptions),
        "method": f"effect through {mediator}", "design": words, "alpha": question.alpha, "units": "SDs", "null": 0.0, "shows": None,
        "inner_draws": question.draws,
    }  # fmt: skip
    return SimulatedPower((), tuple(notes), details, tuple(rows))


def _endings(totals: list[Tally], stopped: bool) -> list[Note]:
    notes = []
    if stopped:
        notes.append(Note("stopped_early", f"stopped after {totals[-1].draws} replicates, when the answer was settled."))
    failed = sum(t.failures for t in totals)
    if failed:
        notes.append(Note("failures", f"{failed} fits failed and count as not significant."))
    return notes


def chosen_outcome(spec: PlanSpec, name: str | None) -> Outcome:
    """The outcome of this name; without a name the first primary one."""
    if name is None:
        return spec.primary[0]
    known = [o.name for o in spec.outcomes]
    if name not in known:
        near = nearest(name, known)
        raise UsageError(f"the plan has no outcome '{name}'; it has {shown(known)}.{f' Did you mean {near!r}?' if near else ''}")
    return spec.outcome(name)


def checked_pair(spec: PlanSpec, pair: tuple[str, str]) -> None:
    """Refuse a name that is no arm of the plan."""
    for name in pair:
        if name not in spec.arm_names:
            raise UsageError(f"'{name}' is not an arm of the plan; it has {shown(spec.arm_names)}.")


def _effects(effects: Sequence[float] | None, scale: Scale, rule: Rule | None) -> tuple[float, ...]:
    if effects is None:
        sign = -1.0 if scale.falls else 1.0
        if rule is not None:
            own = scale.kind == "mean" or scale.measure in (
                "risk_difference",
                "rate_ratio",
                "mean_ratio",
                "hazard_ratio",
                "rmst_difference",
            )
            return (*((rule.bound,) if own else ()), 0.0 if scale.assumed is None else sign * scale.assumed)
        return (0.0,) if scale.assumed is None else (0.0, sign * scale.assumed)
    if not isinstance(effects, Iterable):
        raise UsageError(f"effects is a list: write effects=[0, {effects}].")
    found = tuple(real("effects", e) for e in effects)
    if not found:
        raise UsageError("effects is empty: give at least one true effect, as in effects=[0, 0.4].")
    return tuple(scale.read(e) for e in found)


def _question(
    spec: PlanSpec, outcome: Outcome, pair: tuple[str, str], scale: Scale, closed: Planned, effects: tuple[float, ...], seed: int
) -> Question:
    arguments = dict(closed.arguments)
    if scale.rate is not None:
        arguments["control_rate"] = scale.rate
    said: tuple[str, ...] = (*closed.used, *closed.missing, *(a for a in closed.left_aside if a.startswith("take-up")))
    if spec.data.strata and not arguments.get("strata_r2"):
        said = (*said, "no strata effects on the outcome")
    if scale.kind not in ("mean", "rate") and spec.adjust_for(outcome):
        said = (*said, "covariates explain nothing of the outcome")
    world = world_of(spec, outcome, pair, arguments, said, scale)
    if scale.rate is not None:
        for e in effects:
            if not 0 < scale.rate + e < 1:
                raise UsageError(
                    f"effect={e:g} takes a rate of {scale.rate:g} to {scale.rate + e:g}; a rate lies between 0 and 1."
                )
    for e in effects:
        world.truth(e)
    alpha = 1 - spec.analysis.conf_level
    return Question(
        spec, outcome, world, effects, seed, alpha, *block_sizes(spec, outcome, world), rule_of(outcome, scale, alpha)
    )


def _settled(t: Tally, target: float) -> bool:
    found = row(t, 0.0, 0.0)
    return bool(t.blocks >= ROUND and abs(found["power"] - target) > 3 * found["mc_error"])


def _result(question: Question, closed: Planned, scale: Scale, totals: list[Tally], *, stopped: bool) -> SimulatedPower:
    world, rows, notes = question.world, [], []
    for t, effect in zip(totals, question.effects):
        found = row(t, scale.shown(effect), world.truth(effect))
        if question.rule is None:
            formula = _closed_form(closed, scale, effect)
        else:
            formula = margin_power(question.rule, closed, scale, effect)
            found |= {"type_s": math.nan, "type_m": math.nan}
        found["closed_form"] = formula
        found["difference"] = None if formula is None else found["power"] - formula
        rows.append(found)
        if formula is not None and effect and abs(found["difference"]) > max(DISAGREES, 3 * found["mc_error"]):
            side = "lower" if found["difference"] < 0 else "higher"
            notes.append(
                Note(
                    "closed_form_differs",
                    f"at effect {number(scale.shown(effect))} the simulation has {percent(found['power'])}, {percent(abs(found['difference']))} {side} than the closed "
                    f"form ({percent(formula)}): trust the simulation, which runs the planned analysis.",
                )
            )
    if not (batched(question.spec, question.outcome) or sufficient(question.spec, question.outcome, world)):
        notes.append(
            Note(
                "one_by_one",
                "this analysis runs a replicate at a time (10,000 take minutes, and workers= shares them out); an ancova of a mean or a share would be batched.",
            )
        )
    notes += _endings(totals, stopped)
    spec = question.spec
    details = {
        "outcome": question.outcome.name, "contrast": f"{world.pair[0]} - {world.pair[1]}", "seed": question.seed, "assumptions": list(world.assumptions),
        "method": spec.estimator_for(question.outcome), "design": closed.words, "alpha": question.alpha,
        "units": _units(question.outcome, scale), "null": scale.shown(0.0),
        "shows": None if question.rule is None else question.rule.words,
    }  # fmt: skip
    return SimulatedPower((), tuple(notes), details, tuple(rows))


def _without_strata(closed: Planned, scale: Scale) -> Planned:
    """Strata explain means here; of a rate neither side of the comparison counts with them."""
    if scale.kind == "mean" or "strata_r2" not in closed.arguments:
        return closed
    kept = {k: v for k, v in closed.arguments.items() if k != "strata_r2"}
    return replace(closed, arguments=kept, used=tuple(u for u in closed.used if not u.startswith("strata that")))


def _units(outcome: Outcome, scale: Scale) -> str:
    """What effects are in the rows; bias and standard errors are the analysis's own, of a ratio those of its log."""
    if scale.kind == "rate":
        return (
            "differences of rates"
            if outcome.measure == "risk_difference"
            else f"differences of rates; bias and standard errors of log {outcome.measure}"
        )
    if scale.ratio:
        return f"{outcome.measure}; bias and standard errors of its log"
    return "time" if scale.kind == "time" else "raw" if scale.raw else "SDs"


def _closed_form(closed: Planned, scale: Scale, effect: float) -> float | None:
    """Power by formula, of an effect in the direction that the closed form looks in."""
    if effect == 0 or not has_formula(closed, scale):
        return None
    size = -effect if scale.falls else effect
    if size <= 0 and scale.rate is not None:
        return None
    return float(closed.ask(effect=abs(size) if scale.kind == "mean" else size).power)
