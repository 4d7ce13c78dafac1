"""`tk.power.simulate`: the plan's own analysis on data made from its design section."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trialkit.design.stream import Seed, checked_seed
from trialkit.errors import PlanError, UsageError, nearest, shown
from trialkit.power.arguments import real
from trialkit.power.plan_outcome import Scale, scale_of
from trialkit.power.plan_sizes import Planned, planned
from trialkit.power.simulation.analysis import batched, of_block, rehearse
from trialkit.power.simulation.result import SimulatedPower
from trialkit.power.simulation.tally import Tally, row, tally
from trialkit.power.simulation.world import RATES, Block, World, world_of
from trialkit.power.words import number, percent
from trialkit.results import Note

if TYPE_CHECKING:
    from trialkit.plan.schema import PlanSpec
    from trialkit.plan.schema_outcomes import Outcome

BLOCK = 100
ROUND = 20
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

    def made(self, index: int) -> tuple[Block, np.random.Generator]:
        """One randomization; its random numbers follow from the seed and its index alone."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(index,)))
        return self.world.block(self.spec, self.outcome, rng), rng

    def block(self, index: int) -> list[Tally]:
        """The tallies of one block."""
        made, rng = self.made(index)
        found = of_block(self.spec, self.outcome, made, rng, np.asarray(self.effects), self.replicates)
        return [tally(e, effect * self.world.dilution, self.alpha) for e, effect in zip(found, self.effects)]


def simulate(
    plan: Any,
    *,
    effects: Sequence[float] | None = None,
    n_draws: int = 10_000,
    seed: Seed,
    outcome: str | None = None,
    contrast: tuple[str, str] | None = None,
    workers: int = 1,
    stop_at: float | None = None,
    checkpoint: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SimulatedPower:
    """Power, size, bias and coverage of a plan's own analysis, by simulation.

    Parameters
    ----------
    plan : a `tk.Plan` (or its `.spec`). Its [design] and the outcome's `assume` make the data: numbers of people, groups, ICC, baseline
        correlation, attrition, take-up, rates.
    effects : true effects, in the units of the closed form (SDs for a scale, the outcome's own units where `assume` gives its SD, differences of rates);
        by default 0 and the effect that the plan assumes. All effects use the same random numbers, so a curve is smooth and nested.
    n_draws : replicates for each effect. They come in blocks of 100 that share a randomization, groups, baseline and losses. seed : required.
    outcome : name of the outcome; by default the first primary one. contrast : (arm, reference); by default the plan's first.
    workers : processes; the numbers do not depend on it. With a dask or ray backend registered in joblib they run there.
    stop_at : stop early once the power of the last effect is above or below this by three Monte Carlo errors.
    checkpoint : a file to which finished blocks are written, and from which an interrupted run goes on.
    progress : called with (blocks done, blocks).

    Returns
    -------
    SimulatedPower
        A row an effect, beside the closed form; a note where the two differ by more than .01 and three Monte Carlo errors.

    Raises
    ------
    UsageError, PlanError
        A plan without [design] units, an unknown outcome, or a measure that has no simulation.

    Notes
    -----
    Regressions of means and shares are batched: the design of a block is factorised once. Other analyses run a replicate at a time (about 5 ms each).
    Failed fits count as not significant.

    Examples
    --------
    >>> tk.power.simulate(plan, effects=[0, 0.2, 0.4], n_draws=2_000, seed=1)          # doctest: +SKIP
    """
    spec = getattr(plan, "spec", plan)
    chosen = _outcome(spec, outcome)
    pair = spec.contrasts[0] if contrast is None else (str(contrast[0]), str(contrast[1]))
    _known_pair(spec, pair)
    scale = scale_of(spec, chosen)
    if scale is None:
        raise UsageError(
            f"measure '{chosen.measure}' of '{chosen.name}' has no simulation: give tk.power.simulate an outcome of a mean or a rate."
        )
    if spec.design.units is None:
        raise PlanError("[design] units is missing: a simulation needs the planned number of people, over all arms.")
    closed = planned(spec, chosen, pair, scale)
    asked = _effects(effects, scale)
    question = _question(spec, chosen, pair, scale, closed, asked, checked_seed(seed))
    first = [question.made(b)[0] for b in range(3)]
    rehearse(spec, chosen, first, np.random.default_rng(question.seed))
    blocks = -(-int(real("n_draws", n_draws, at_least=2)) // question.replicates)
    saved = _Saved(checkpoint, question)
    totals = [Tally() for _ in asked]
    done = 0
    for start in range(0, blocks, ROUND):
        for tallies in _run(question, range(start, min(start + ROUND, blocks)), workers, saved):
            totals = [a + b for a, b in zip(totals, tallies)]
            done += 1
            if progress is not None:
                progress(done, blocks)
        if stop_at is not None and _settled(totals[-1], real("stop_at", stop_at, above=0, below=1)):
            break
    return _result(question, closed, scale, totals, stopped=done < blocks)


def _outcome(spec: PlanSpec, name: str | None) -> Outcome:
    if name is None:
        return spec.primary[0]
    known = [o.name for o in spec.outcomes]
    if name not in known:
        near = nearest(name, known)
        raise UsageError(f"the plan has no outcome '{name}'; it has {shown(known)}.{f' Did you mean {near!r}?' if near else ''}")
    return spec.outcome(name)


def _known_pair(spec: PlanSpec, pair: tuple[str, str]) -> None:
    for name in pair:
        if name not in spec.arm_names:
            raise UsageError(f"'{name}' is not an arm of the plan; it has {shown(spec.arm_names)}.")


def _effects(effects: Sequence[float] | None, scale: Scale) -> tuple[float, ...]:
    if effects is None:
        sign = -1.0 if scale.falls else 1.0
        return (0.0,) if scale.assumed is None else (0.0, sign * scale.assumed)
    if not isinstance(effects, Iterable):
        raise UsageError(f"effects is a list: write effects=[0, {effects}].")
    found = tuple(real("effects", e) for e in effects)
    if not found:
        raise UsageError("effects is empty: give at least one true effect, as in effects=[0, 0.4].")
    return found


def _question(
    spec: PlanSpec, outcome: Outcome, pair: tuple[str, str], scale: Scale, closed: Planned, effects: tuple[float, ...], seed: int
) -> Question:
    arguments = dict(closed.arguments)
    if scale.rate is not None:
        arguments["control_rate"] = scale.rate
    said = (*closed.used, *closed.missing, *(("no strata effects on the outcome",) if spec.data.strata else ()))
    world = world_of(spec, outcome, pair, arguments, said)
    if scale.rate is not None:
        for e in effects:
            if not 0 < scale.rate + e < 1:
                raise UsageError(
                    f"effect={e:g} takes a rate of {scale.rate:g} to {scale.rate + e:g}; a rate lies between 0 and 1."
                )
    replicates = BLOCK if batched(spec, outcome) else 10
    return Question(spec, outcome, world, effects, seed, 1 - spec.analysis.conf_level, replicates)


def _run(question: Question, blocks: range, workers: int, saved: _Saved) -> Iterator[list[Tally]]:
    """Tallies in the order of the blocks, from the checkpoint where it has them."""
    waiting = [b for b in blocks if b not in saved.known]
    if workers == 1 or len(waiting) < 2:
        made = (question.block(b) for b in waiting)
    else:
        from joblib import Parallel, delayed

        made = iter(Parallel(n_jobs=workers, return_as="generator")(delayed(question.block)(b) for b in waiting))
    for b in blocks:
        if b in saved.known:
            yield saved.known[b]
            continue
        tallies = next(made)
        saved.keep(b, tallies)
        yield tallies


class _Saved:
    """Finished blocks in a file, a line each; the first line says whose they are."""

    def __init__(self, path: str | Path | None, question: Question) -> None:
        self.path = None if path is None else Path(path)
        self.known: dict[int, list[Tally]] = {}
        head = {
            "seed": question.seed, "effects": list(question.effects), "outcome": question.outcome.name, "replicates": question.replicates,
            "world": str(question.world),
        }  # fmt: skip
        if self.path is None:
            return
        if not self.path.exists():
            self.path.write_text(json.dumps(head) + "\n")
            return
        lines = self.path.read_text().splitlines()
        if not lines or json.loads(lines[0]) != head:
            raise UsageError(f"'{self.path.name}' holds the blocks of another simulation: delete it, or name another checkpoint.")
        for line in lines[1:]:
            try:
                content = json.loads(line)
            except json.JSONDecodeError:  # a line cut off when the run was stopped
                continue
            self.known[content["block"]] = [Tally(**t) for t in content["tallies"]]

    def keep(self, block: int, tallies: list[Tally]) -> None:
        self.known[block] = tallies
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps({"block": block, "tallies": [t.to_dict() for t in tallies]}) + "\n")


def _settled(t: Tally, target: float) -> bool:
    found = row(t, 0.0, 0.0)
    return bool(t.blocks >= ROUND and abs(found["power"] - target) > 3 * found["mc_error"])


def _result(question: Question, closed: Planned, scale: Scale, totals: list[Tally], *, stopped: bool) -> SimulatedPower:
    world, rows, notes = question.world, [], []
    for t, effect in zip(totals, question.effects):
        found = row(t, effect, effect * world.dilution)
        formula = _closed_form(closed, scale, effect)
        found["closed_form"] = formula
        found["difference"] = None if formula is None else found["power"] - formula
        rows.append(found)
        if formula is not None and effect and abs(found["difference"]) > max(DISAGREES, 3 * found["mc_error"]):
            side = "lower" if found["difference"] < 0 else "higher"
            notes.append(
                Note(
                    "closed_form_differs",
                    f"at effect {number(effect)} the simulation has {percent(found['power'])}, {percent(abs(found['difference']))} {side} than the closed "
                    f"form ({percent(formula)}): trust the simulation, which runs the planned analysis.",
                )
            )
    if stopped:
        notes.append(Note("stopped_early", f"stopped after {totals[-1].draws} replicates, when the answer was settled."))
    if not batched(question.spec, question.outcome):
        notes.append(
            Note("one_by_one", "this analysis runs a replicate at a time; an ancova of a mean or a share would be batched.")
        )
    failed = sum(t.failures for t in totals)
    if failed:
        notes.append(Note("failures", f"{failed} fits failed and count as not significant."))
    spec = question.spec
    details = {
        "outcome": question.outcome.name, "contrast": f"{world.pair[0]} - {world.pair[1]}", "seed": question.seed, "assumptions": list(world.assumptions),
        "method": spec.estimator_for(question.outcome), "design": closed.words, "alpha": question.alpha,
        "units": "differences of rates" if question.outcome.measure in RATES else "raw" if scale.raw else "SDs",
    }  # fmt: skip
    return SimulatedPower((), tuple(notes), details, tuple(rows))


def _closed_form(closed: Planned, scale: Scale, effect: float) -> float | None:
    """Power by formula, of an effect in the direction that the closed form looks in."""
    if effect == 0:
        return None
    size = -effect if scale.falls else effect
    if size <= 0 and scale.rate is not None:
        return None
    return float(closed.ask(effect=abs(size) if scale.rate is None else size).power)
