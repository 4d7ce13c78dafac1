"""`tk.power.search`: how many groups, people or clusters a plan's own analysis needs, or which effect it detects, by simulation.

Power is simulated at a few sizes, a probit line is fitted through it (surrogate.py), and the next sizes lie where the line crosses the target, until the
crossing is known well enough. Common random numbers serve all effects of one simulation; each size has random numbers of its own, because then
the line averages the Monte Carlo errors of its points instead of sharing one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from trialkit.design.stream import Seed, checked_seed
from trialkit.errors import PlanError, UsageError, nearest, shown
from trialkit.power.arguments import real
from trialkit.power.plans.outcome import Scale, scale_of
from trialkit.power.plans.sizes import RATIO_FAMILIES, Planned
from trialkit.power.simulation.result import SimulatedPower
from trialkit.power.simulation.rules import Rule, margin_power, rule_of
from trialkit.power.simulation.search_result import SimulatedSearch
from trialkit.power.simulation.simulate import simulate
from trialkit.power.simulation.surrogate import Point, Surrogate
from trialkit.power.words import number, percent
from trialkit.results import Note

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

SolveFor = Literal["groups", "n", "clusters", "effect"]
SOLVABLE = ("groups", "n", "clusters", "effect")
FINAL_SHARE = 4
LEAST_DRAWS = 2_000
DISAGREES = 0.01


@dataclass(slots=True)
class Search:
    """One search: the question, the random numbers, what was simulated so far and what is left to spend.

    Effects are those of the plan's scale here, logs of ratios; `tk.power.simulate` and readers have the ratios themselves.
    """

    spec: PlanSpec
    outcome: Outcome
    pair: tuple[str, str]
    scale: Scale
    rule: Rule | None
    target: float
    tolerance: float
    seed: int
    n_draws: int
    workers: int
    progress: Callable[[int, int], None] | None
    spent: int = 0
    calls: int = 0
    visits: dict[float, list[Point]] = field(default_factory=dict)
    closed: dict[float, float | None] = field(default_factory=dict)
    last: SimulatedPower | None = None

    @property
    def reserve(self) -> int:
        """Replicates kept for the last simulation, at what was found."""
        return self.n_draws // FINAL_SHARE

    @property
    def left(self) -> int:
        return self.n_draws - self.reserve - self.spent

    def run(self, spec: PlanSpec, effects: Sequence[float], draws: int) -> list[Point]:
        """Powers of these effects, from random numbers of this call alone."""
        self.calls += 1
        words = np.random.SeedSequence(self.seed, spawn_key=(self.calls,)).generate_state(2, np.uint32)
        own = (int(words[0]) << 32) | int(words[1])
        found = simulate(
            spec, effects=[self.scale.shown(e) for e in effects], n_draws=draws, seed=own, outcome=self.outcome.name, contrast=self.pair,
            workers=self.workers,
        )  # fmt: skip
        self.last = found
        points = [Point(e, float(r["power"]), float(r["mc_error"]), int(r["n_draws"])) for e, r in zip(effects, found.table)]
        self.spent += points[0].draws
        if self.progress is not None:
            self.progress(min(self.spent, self.n_draws), self.n_draws)
        return points

    def keep(self, x: float, point: Point, closed: float | None) -> None:
        """Adds a simulated power to the curve."""
        self.visits.setdefault(x, []).append(Point(x, point.power, point.mc_error, point.draws))
        self.closed[x] = closed

    @property
    def points(self) -> list[Point]:
        """One point an x; visits with random numbers of their own are averaged."""
        return [pooled(v) for _, v in sorted(self.visits.items())]

    def signed(self, effect: float) -> float:
        """An effect with the sign of the direction that the plan looks in."""
        return -effect if self.scale.falls else effect

    def has_formula(self, question: Planned) -> bool:
        """Whether the closed form is of this outcome, as `tk.power.simulate` judges it."""
        if self.scale.kind in ("mean", "rate"):
            return True
        return self.scale.ratio and question.family in RATIO_FAMILIES and "take_up" not in question.arguments

    def formula(self, question: Planned, effect: float) -> float | None:
        """Power by the closed form at an effect with its sign, or None where it has none."""
        if self.rule is not None:
            return margin_power(self.rule, question, self.scale, effect)
        if not effect or not self.has_formula(question):
            return None
        try:
            return float(question.ask(effect=abs(effect)).power)
        except (UsageError, PlanError):
            return None


def pooled(visits: Sequence[Point]) -> Point:
    draws = sum(p.draws for p in visits)
    power = sum(p.draws * p.power for p in visits) / draws
    error = math.sqrt(sum((p.draws * p.mc_error) ** 2 for p in visits)) / draws
    return Point(visits[0].x, power, error, draws)


def search(
    plan: Any,
    *,
    solve_for: SolveFor,
    power: float = 0.8,
    seed: Seed,
    n_draws: int = 50_000,
    effect: float | None = None,
    outcome: str | None = None,
    contrast: tuple[str, str] | None = None,
    tolerance: float = 0.005,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    lowest: float | None = None,
    highest: float | None = None,
) -> SimulatedSearch:
    """The size or the effect at which a plan's own analysis reaches a power, by simulation.

    Parameters
    ----------
    plan : a `tk.Plan` (or its `.spec`); neither it nor its file is changed. What is assumed is what `tk.power.simulate` assumes.
    solve_for : "groups" of the grouped arm (their size and the allocation stay: the other arms grow with them), "n" people over all arms (groups keep their
        size, clusters their number), "clusters" over all arms (of the plan's mean size), or the "effect" that the plan's own numbers detect.
    power : the power to reach. seed : required.
    n_draws : the most replicates in all, up to the rest of a block; a quarter is kept for the last simulation, at what was found.
    effect : true effect when a size is looked for, in the units of `tk.power.simulate`; by default the one that the plan assumes (with a margin: none).
    outcome, contrast : as in `tk.power.simulate`.
    tolerance : stop when power at the crossing is known to within this (half of a 95 % interval), or when the whole number is settled.
    workers : processes; the numbers do not depend on it. progress : called with (replicates done, n_draws).
    lowest, highest : bounds of the search; by default from the smallest design that leaves a test up to 20,000 people (effects: the room that a rate has).

    Returns
    -------
    SimulatedSearch
        `.found .power .mc_error .conf_low .conf_high .closed_form .units`, `.tidy()`, `.plot()`.

    Raises
    ------
    NoSolutionError
        The power is out of reach within the bounds, or the smallest design has it already; the sentence has the power at the bound.
    UsageError, PlanError
        No such size in this plan, no effect to look for, or a measure without a simulation.

    Notes
    -----
    Whole numbers: the fewest whose power on the fitted curve is at least the target, simulated anew at the end with random numbers that did not choose it, so
    that the power printed is not flattered by the choice. The interval is that of Monte Carlo error alone: it says nothing of the assumptions. Curves
    fitted to simulated powers: Wilson et al. (2021, doi 10.1177/0962280220975790), Zimmer & Debelak (2023, doi 10.1037/met0000611).

    Examples
    --------
    >>> tk.power.search(plan, solve_for="groups", power=0.8, seed=1)                            # doctest: +SKIP
    """
    spec = getattr(plan, "spec", plan)
    if solve_for not in SOLVABLE:
        raise UsageError(f"solve_for={solve_for!r} is none of {shown(SOLVABLE)}.")
    chosen = _outcome(spec, outcome)
    pair = spec.contrasts[0] if contrast is None else (str(contrast[0]), str(contrast[1]))
    unknown = [arm for arm in pair if arm not in spec.arm_names]
    if unknown:
        raise UsageError(f"{shown(unknown)} is not an arm of the plan; it has {shown(spec.arm_names)}.")
    scale = scale_of(spec, chosen)
    if scale is None:
        raise UsageError(f"measure '{chosen.measure}' of '{chosen.name}' has no simulation, and so no search.")
    alpha = 1 - spec.analysis.conf_level
    draws = int(real("n_draws", n_draws, at_least=LEAST_DRAWS))
    wanted = Search(
        spec, chosen, pair, scale, rule_of(chosen, scale, alpha), real("power", power, above=alpha, below=1),
        real("tolerance", tolerance, above=0), checked_seed(seed), draws, workers, progress,
    )  # fmt: skip
    bounds = tuple(None if b is None else real(name, b, above=0) for name, b in (("lowest", lowest), ("highest", highest)))
    if bounds[0] is not None and bounds[1] is not None and bounds[0] >= bounds[1]:
        raise UsageError(f"lowest={lowest:g} must be below highest={highest:g}.")
    if solve_for == "effect":
        from trialkit.power.simulation.search_effects import search_effects

        if wanted.rule is not None:
            raise UsageError(
                "the plan has a margin for this outcome: its power is about the margin, not about an effect. Look for a size."
            )
        if effect is not None:
            raise UsageError("effect is what solve_for='effect' looks for: leave it out.")
        return search_effects(wanted, bounds[0], bounds[1])
    from trialkit.power.simulation.search_sizes import search_sizes
    from trialkit.power.simulation.sizes import sizes_for

    return search_sizes(wanted, sizes_for(spec, chosen, pair, scale, solve_for), _effect(wanted, effect), bounds[0], bounds[1])


def _outcome(spec: PlanSpec, name: str | None) -> Outcome:
    known = [o.name for o in spec.outcomes]
    if name is None:
        return spec.primary[0]
    if name not in known:
        near = nearest(name, known)
        raise UsageError(f"the plan has no outcome '{name}'; it has {shown(known)}.{f' Did you mean {near!r}?' if near else ''}")
    return spec.outcome(name)


def _effect(wanted: Search, effect: float | None) -> float:
    """The true effect with its sign."""
    if effect is None:
        if wanted.scale.assumed is not None:
            return wanted.signed(wanted.scale.assumed)
        if wanted.rule is not None:
            return 0.0
        raise UsageError(f"the plan assumes no effect for '{wanted.outcome.name}': give effect=, or write it in its assume.")
    null = wanted.scale.shown(0.0)
    found = real("effect", effect, above=0) if wanted.scale.ratio else real("effect", effect)
    size = math.log(found) if wanted.scale.ratio else found
    if wanted.rule is not None:
        return size
    if size == 0:
        raise UsageError(
            f"effect={null:g} cannot be detected: no size gives power above alpha. Give the smallest effect that would matter."
        )
    if wanted.scale.falls != (size < 0):
        direction = "a fall" if wanted.scale.falls else "a rise"
        raise UsageError(
            f"effect={found:g} lies in the other direction than the plan looks in, {direction}: give one {'below' if wanted.scale.falls else 'above'} {null:g}."
        )
    return size


def differs(check: Point, formula: float | None) -> list[Note]:
    """A note where the closed form is off by more than .01 and three Monte Carlo errors, the rule of `tk.power.simulate`."""
    if formula is None or abs(check.power - formula) <= max(DISAGREES, 3 * check.mc_error):
        return []
    text = f"the closed form has {percent(formula)} where the simulation has {percent(check.power)}: trust the simulation, which runs the planned analysis."
    return [Note("closed_form_differs", text)]


def answer(
    wanted: Search,
    fit: Surrogate,
    check: Point,
    *,
    solve_for: SolveFor,
    found: float,
    closed: float | None,
    closed_power: float | None,
    rows: Sequence[dict[str, Any]],
    notes: Sequence[Note],
    more: dict[str, Any],
) -> SimulatedSearch:
    """The result, with the notes that every search has."""
    assert wanted.last is not None
    said = wanted.last.details
    every = list(notes)
    if check.power + 3 * check.mc_error < wanted.target:
        text = (
            f"the last simulation has {percent(check.power)}, below {percent(wanted.target)} by more than three Monte Carlo errors: "
            "the curve is not straight here. Search again with lowest and highest nearer to the answer."
        )
        every.append(Note("check_below_target", text))
    if fit.half_width > wanted.tolerance and not more.get("settled"):
        text = (
            f"{number(wanted.n_draws)} replicates were spent before power at the crossing was known to within {percent(wanted.tolerance)}: "
            f"it is known to within {percent(fit.half_width)}. Give more n_draws for a narrower interval."
        )
        every.append(Note("budget_spent", text))
    own = {n.code: n for n in wanted.last.notes if n.code in ("one_by_one", "failures")}
    details = {
        "solve_for": solve_for, "found": found, "target": wanted.target, "power": check.power, "mc_error": check.mc_error,
        "root": fit.root, "conf_low": fit.conf_low, "conf_high": fit.conf_high, "half_width": fit.half_width, "tolerance": wanted.tolerance,
        "closed_form": closed, "closed_form_power": closed_power, "intercept": fit.intercept, "slope": fit.slope, "spent": wanted.spent,
        "seed": wanted.seed, "outcome": wanted.outcome.name, "contrast": said["contrast"], "assumptions": list(said["assumptions"]),
        "method": said["method"], "design": said["design"], "alpha": said["alpha"], "unit_of_effect": said["units"], **more,
    }  # fmt: skip
    return SimulatedSearch((), (*every, *own.values()), details, tuple(rows))
