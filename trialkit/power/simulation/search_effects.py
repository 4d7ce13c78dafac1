"""The effect at which simulated power reaches its target: one simulation gives the curve, because all effects share its random numbers."""

from __future__ import annotations

import math

from trialkit.errors import PlanError
from trialkit.power.plans.kinds import restricted_mean
from trialkit.power.plans.sizes import Planned, planned
from trialkit.power.simulation.search_result import SimulatedSearch
from trialkit.power.simulation.searching import Search, answer, differs
from trialkit.power.simulation.surrogate import Point, Surrogate, surrogate
from trialkit.power.solve import NoSolutionError
from trialkit.power.words import number, percent

PILOT = (0.6, 0.8, 1.0, 1.25, 1.5)
NEAR = (0.9, 0.95, 1.0, 1.05, 1.1)
SHARE, MOST_MOVES = 10, 8
ALMOST = 0.999
SURE = 3.0


def search_effects(wanted: Search, lowest: float | None, highest: float | None) -> SimulatedSearch:
    """Effects about the closed form's first, then about the crossing; sizes in the direction that the plan looks in."""
    if wanted.spec.design.units is None:
        raise PlanError("[design] units is missing: the effect that a plan detects needs its number of people, over all arms.")
    question = planned(wanted.spec, wanted.outcome, wanted.pair, wanted.scale)
    room = _room(wanted)
    low, high = _size(wanted, lowest) or 0.0, min(_size(wanted, highest) or math.inf, room)
    closed = _closed(wanted, question)
    fit = _pilot(wanted, closed if closed is not None else wanted.scale.assumed or min(high, 1.0) / 2, low, high)
    step = wanted.n_draws // SHARE
    if wanted.left >= step:
        wanted.visits.clear()
    grid = sorted({min(fit.root * c, high) for c in NEAR})
    while wanted.left >= step:
        _simulated(wanted, grid, step)
        again = surrogate(wanted.points, target=wanted.target, sizes=False, shared=True)
        fit = fit if again is None else again
        if fit.half_width <= wanted.tolerance:
            break
    check = wanted.run(wanted.spec, [wanted.signed(fit.root)], wanted.reserve)[0]
    formula = wanted.formula(question, wanted.signed(fit.root))
    rows = [_row(wanted, question, p, fit, "curve") for p in wanted.points]
    rows.append(_row(wanted, question, Point(fit.root, check.power, check.mc_error, check.draws), fit, "check"))

    def shown(size: float) -> float:
        return wanted.scale.shown(wanted.signed(size))

    turned = sorted((shown(fit.conf_low), shown(fit.conf_high)))
    more = {
        "names": ("effect", "the effect"), "effect": None, "curve": "log" if wanted.scale.ratio else "identity", "units": wanted.spec.design.units,
        "clusters": wanted.spec.design.clusters, "conf_low": turned[0], "conf_high": turned[1], "root": shown(fit.root), "slope": wanted.signed(fit.slope),
    }  # fmt: skip
    value = None if closed is None else shown(closed)
    return answer(
        wanted, fit, check, solve_for="effect", found=shown(fit.root), closed=value, closed_power=formula, rows=rows, notes=differs(check, formula), more=more
    )  # fmt: skip


def _size(wanted: Search, bound: float | None) -> float | None:
    """A bound as the size of an effect: bounds of ratios are ratios on either side of 1."""
    return None if bound is None else abs(math.log(bound)) if wanted.scale.ratio else bound


def _room(wanted: Search) -> float:
    """The largest effect that fits what is assumed of the control arm: a rate, or a mean time up to its horizon."""
    rate, given, falls = wanted.scale.rate, wanted.scale.given, wanted.scale.falls
    if rate is not None:
        return ALMOST * (rate if falls else 1 - rate)
    if wanted.scale.kind == "time" and not wanted.scale.ratio:
        mean = restricted_mean(given["control_median"], given["shape"], 0.0, given["tau"])
        return ALMOST * (mean if falls else given["tau"] - mean)
    return math.inf


def _closed(wanted: Search, question: Planned) -> float | None:
    """Size of the effect by the closed form, of a ratio that of its log."""
    if not wanted.has_formula(question):
        return None
    try:
        return abs(float(question.size(question.ask(power=wanted.target))))
    except NoSolutionError:
        return None


def _simulated(wanted: Search, grid: list[float], draws: int) -> None:
    for x, point in zip(grid, wanted.run(wanted.spec, [wanted.signed(x) for x in grid], draws)):
        wanted.keep(x, point, None)


def _pilot(wanted: Search, start: float, low: float, high: float) -> Surrogate:
    """A curve whose root lies among its effects; the effects move by at most a factor of two at a time."""
    for _ in range(MOST_MOVES):
        wanted.visits.clear()
        grid = sorted({min(max(start * c, low), high) for c in PILOT})
        _simulated(wanted, grid, max(wanted.n_draws // (2 * SHARE), 200))
        points = wanted.points
        if points[-1].x == high and points[-1].power + SURE * points[-1].mc_error < wanted.target:
            _out_of_reach(wanted, points[-1])
        if points[0].x == low and points[0].power - SURE * points[0].mc_error > wanted.target:
            _too_easy(wanted, points[0])
        fit = surrogate(points, target=wanted.target, sizes=False, shared=True)
        if fit is not None and max(grid[0], low) <= fit.root <= min(grid[-1], high):
            return fit
        if fit is not None:
            start = min(max(fit.root, start / 2), 2 * start)
        else:
            start = start / 2 if points[0].power > wanted.target else 2 * start
        start = min(start, high)
        if wanted.left <= 0:
            break
    seen = ", ".join(f"{percent(p.power)} at {number(wanted.scale.shown(wanted.signed(p.x)))}" for p in points)
    raise NoSolutionError(
        f"no effect was found with power={wanted.target:g}: the planned analysis has {seen}. Give more n_draws, or other bounds (lowest=, highest=)."
    )


def _out_of_reach(wanted: Search, p: Point) -> None:
    room = ""
    if wanted.scale.rate is not None and p.x >= _room(wanted):
        room = f", which is all the room that a rate of {percent(wanted.scale.rate)} has"
    raise NoSolutionError(
        f"power={wanted.target:g} is out of reach for any effect up to {number(wanted.scale.shown(wanted.signed(p.x)))}{room}: there the planned analysis has "
        f"{percent(p.power)}, with a Monte Carlo error of {percent(p.mc_error)}. Plan for more people, or ask for less power."
    )


def _too_easy(wanted: Search, p: Point) -> None:
    raise NoSolutionError(
        f"power={wanted.target:g} is below what the smallest effect of the search has: {number(wanted.scale.shown(wanted.signed(p.x)))} is detected with "
        f"{percent(p.power)}. Give a lower bound (lowest=)."
    )


def _row(wanted: Search, question: Planned, p: Point, fit: Surrogate, use: str) -> dict[str, object]:
    return {
        "effect": wanted.scale.shown(wanted.signed(p.x)), "units": wanted.spec.design.units, "power": p.power, "mc_error": p.mc_error, "n_draws": p.draws,
        "closed_form": wanted.formula(question, wanted.signed(p.x)), "surrogate": float(fit.power(p.x)), "use": use,
    }  # fmt: skip
