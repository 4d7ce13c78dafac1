"""What every search by simulation shares: the question, the draws that were spent, the curve so far, and the result at the end."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from trialkit.errors import PlanError, UsageError
from trialkit.power.plans.scale import Scale
from trialkit.power.plans.sizes import Planned, has_formula
from trialkit.power.simulation.result import SimulatedPower
from trialkit.power.simulation.rules import Rule, margin_power
from trialkit.power.simulation.search_result import SimulatedSearch
from trialkit.power.simulation.simulate import DISAGREES, simulate
from trialkit.power.simulation.surrogate import Point, Surrogate
from trialkit.power.words import number, percent
from trialkit.results import Note

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

SolveFor = Literal["groups", "n", "clusters", "effect"]
FINAL_SHARE = 4


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
        return has_formula(question, self.scale)

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
