"""The whole number of groups, people or clusters at which simulated power reaches its target."""

from __future__ import annotations

import math
from typing import NoReturn

import numpy as np
from scipy import special

from trialkit.errors import UsageError
from trialkit.power.simulation.search_result import SimulatedSearch
from trialkit.power.simulation.searching import Search, answer, differs
from trialkit.power.simulation.sizes import NAMES, Sizes
from trialkit.power.simulation.surrogate import Point, Surrogate, surrogate
from trialkit.power.solve import NoSolutionError
from trialkit.power.words import number, percent
from trialkit.results import Note

SPREAD = (-0.5, 0.0, 0.5)
OFFSETS = (0.0, -0.35, 0.35)
PILOT, STEP = 50, 25
SURE = 3.0
_TWO_SIDED = 1.96


def search_sizes(wanted: Search, sizes: Sizes, effect: float, lowest: float | None, highest: float | None) -> SimulatedSearch:
    """Start at the closed form, follow the curve to the target, simulate anew at the whole number."""
    low = sizes.smallest() if lowest is None else max(sizes.whole(lowest), sizes.smallest())
    high = sizes.largest() if highest is None else sizes.whole(highest)
    if low >= high:
        raise UsageError(f"the smallest design that leaves a test has {sizes.words(low)}: give highest above it.")
    question = _Question(wanted, sizes, effect, low, high)
    closed = question.closed_size()
    question.pilot(high if closed is None else closed)
    fit, settled = question.follow()
    size = sizes.whole(fit.root)
    if size > high:
        question.out_of_reach(question.at(high, wanted.reserve))
    if fit.conf_high < low:
        question.too_easy(question.at(low, wanted.reserve))
    size = max(size, low)
    check = wanted.run(sizes.spec_at(size), [effect], wanted.reserve)[0]
    formula = question.formula(size)
    notes = differs(check, formula)
    if sizes.name == "n" and sizes.groups_fixed:
        text = "groups keep their size, so power rises in steps where one more group fits, and the curve runs through the steps: solve_for='groups' is sharper."
        notes.append(Note("steps", text))
    rows = [question.row(p, fit, "curve") for p in wanted.points] + [
        question.row(Point(size, check.power, check.mc_error, check.draws), fit, "check")
    ]
    more = {
        "names": NAMES[sizes.name], "effect": wanted.scale.shown(effect), "curve": "sqrt", "units": sizes.spec_at(size).design.units, "clusters": sizes.spec_at(size).design.clusters,
        "settled": settled,
    }  # fmt: skip
    return answer(
        wanted, fit, check, solve_for=sizes.name, found=size, closed=closed, closed_power=formula, rows=rows, notes=notes, more=more
    )  # fmt: skip


class _Question:
    """Simulated and closed-form power by size."""

    def __init__(self, wanted: Search, sizes: Sizes, effect: float, low: int, high: int) -> None:
        self.wanted, self.sizes, self.effect, self.low, self.high = wanted, sizes, effect, low, high
        self.probit = float(special.ndtri(wanted.target))
        self._formulas: dict[int, float | None] = {}

    def formula(self, size: int) -> float | None:
        if size not in self._formulas:
            self._formulas[size] = self.wanted.formula(self.sizes.planned_at(size), self.effect)
        return self._formulas[size]

    def _reaches(self, size: int) -> bool:
        found = self.formula(size)
        return found is not None and found >= self.wanted.target

    def closed_size(self) -> int | None:
        """The fewest by the closed form within the bounds, or None."""
        grid = sorted({min(self.sizes.whole(x), self.high) for x in np.geomspace(self.low, self.high, 30)})
        first = next((i for i, size in enumerate(grid) if self._reaches(size)), None)
        if first is None:
            return None
        if first == 0:
            return grid[0]
        below, above = grid[first - 1], grid[first]
        while (middle := self.sizes.whole((below + above) // 2)) not in (below, above) and below < middle < above:
            below, above = (below, middle) if self._reaches(middle) else (middle, above)
        between = (self.sizes.whole(x) for x in range(below + 1, above + 1))
        return next(size for size in between if self._reaches(size))

    def at(self, size: int, draws: int) -> Point:
        """Simulates one size and adds it to the curve."""
        point = self.wanted.run(self.sizes.spec_at(size), [self.effect], draws)[0]
        self.wanted.keep(float(size), point, self.formula(size))
        return next(p for p in self.wanted.points if p.x == size)

    def pilot(self, start: int) -> None:
        """Three sizes about the start, spread by the slope that a normal test would have."""
        slope = (self.probit + _TWO_SIDED) / math.sqrt(start)
        spread = [max(math.sqrt(start) + d / slope, 1.0) ** 2 for d in SPREAD]
        for size in sorted({self._within(x) for x in spread}):
            self.at(size, max(self.wanted.n_draws // PILOT, 200))

    def _within(self, x: float) -> int:
        return min(max(self.sizes.whole(x), self.low), self.high)

    def follow(self) -> tuple[Surrogate, bool]:
        """Simulates near the crossing until it is known well enough or the draws are spent; whether the whole number is settled."""
        step = max(self.wanted.n_draws // STEP, 200)
        for turn in range(10_000):
            points = self.wanted.points
            fit = surrogate(points, target=self.wanted.target, sizes=True)
            if fit is not None and turn and self.low <= fit.root <= self.high:
                settled = self.sizes.whole(fit.conf_low) == self.sizes.whole(fit.conf_high)
                if settled or fit.half_width <= self.wanted.tolerance:
                    return fit, settled
            self._refuse_at_a_bound(points)
            if self.wanted.left < step:
                break
            self.at(self._next(fit, points, turn), step)
        if fit is None:
            self._flat(points)
        return fit, False

    def _next(self, fit: Surrogate | None, points: list[Point], turn: int) -> int:
        smallest, largest = points[0].x, points[-1].x
        if fit is not None:
            return self._within(min(max(fit.at(self.probit + OFFSETS[turn % 3]), smallest / 2), 2 * largest))
        if all(p.power < self.wanted.target for p in points):
            return self._within(2 * largest)
        if all(p.power >= self.wanted.target for p in points):
            return self._within(smallest / 2)
        return self._within(1.5 * largest if turn % 2 else smallest / 1.5)

    def _refuse_at_a_bound(self, points: list[Point]) -> None:
        target = self.wanted.target
        for p in points:
            if p.x == self.high and p.power + SURE * p.mc_error < target:
                self.out_of_reach(p)
            if p.x == self.low and p.power - SURE * p.mc_error > target:
                self.too_easy(p)

    def out_of_reach(self, p: Point) -> NoReturn:
        formula = self.formula(int(p.x))
        by_formula = "" if formula is None else f" (closed form {percent(formula)})"
        raise NoSolutionError(
            f"power={self.wanted.target:g} is out of reach up to {self.sizes.words(p.x)}, the most that the search allows: there the planned analysis has "
            f"{percent(p.power)}, with a Monte Carlo error of {percent(p.mc_error)}{by_formula}.{self._limit()} {self._remedy()}"
        )

    def _limit(self) -> str:
        """With a fixed number of clusters, people in them cannot take power beyond a limit."""
        question = self.sizes.planned_at(self.high)
        if (
            self.sizes.name != "n"
            or question.family != "clustered"
            or self.wanted.rule is not None
            or not self.wanted.has_formula(question)
        ):
            return ""
        most = question.ask(effect=abs(self.effect), cluster_size=1e9).power
        return f" However many people they have, {self.sizes.spec.design.clusters} clusters reach {percent(most)} at most by the closed form."

    def _remedy(self) -> str:
        if self.sizes.name == "n" and self.sizes.spec.design.clusters is not None:
            return "Plan for more clusters (solve_for='clusters')."
        return "Give a higher bound (highest=), or plan for a larger effect, a better baseline or less power."

    def too_easy(self, p: Point) -> NoReturn:
        raise NoSolutionError(
            f"power={self.wanted.target:g} is below what the smallest design of the search has: {self.sizes.words(p.x)} give {percent(p.power)} "
            f"(Monte Carlo error {percent(p.mc_error)}) for this effect. Plan with that number, or ask for more power."
        )

    def _flat(self, points: list[Point]) -> NoReturn:
        seen = ", ".join(f"{percent(p.power)} at {number(p.x)}" for p in points)
        raise NoSolutionError(
            f"simulated power does not rise clearly with the number of {NAMES[self.sizes.name][1]}: {seen}. No number can be named for "
            f"power={self.wanted.target:g}; give more n_draws, or change something else in the design."
        )

    def row(self, p: Point, fit: Surrogate, use: str) -> dict[str, object]:
        size = int(p.x)
        return {
            self.sizes.name: size, "units": self.sizes.spec_at(size).design.units, "effect": self.wanted.scale.shown(self.effect), "power": p.power, "mc_error": p.mc_error,
            "n_draws": p.draws, "closed_form": self.formula(size), "surrogate": float(fit.power(float(size))), "use": use,
        }  # fmt: skip
