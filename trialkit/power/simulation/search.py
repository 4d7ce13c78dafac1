"""`tk.power.search`: how many groups, people or clusters a plan's own analysis needs, or which effect it detects, by simulation.

Power is simulated at a few sizes, a probit line is fitted through it (surrogate.py), and the next sizes lie where the line crosses the target, until the
crossing is known well enough. Common random numbers serve all effects of one simulation; each size has random numbers of its own, because then
the line averages the Monte Carlo errors of its points instead of sharing one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trialkit.design.stream import Seed, checked_seed
from trialkit.errors import UsageError, shown
from trialkit.misuse import explained
from trialkit.power.arguments import real
from trialkit.power.plans.outcome import scale_of
from trialkit.power.simulation.rules import rule_of
from trialkit.power.simulation.search_effects import search_effects
from trialkit.power.simulation.search_result import SimulatedSearch
from trialkit.power.simulation.search_sizes import search_sizes
from trialkit.power.simulation.searching import Search, SolveFor
from trialkit.power.simulation.simulate import checked_pair, chosen_outcome
from trialkit.power.simulation.sizes import sizes_for

if TYPE_CHECKING:
    pass

LEAST_DRAWS = 2_000
SOLVABLE = ("groups", "n", "clusters", "effect")


@explained
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
    chosen = chosen_outcome(spec, outcome)
    pair = spec.contrasts[0] if contrast is None else (str(contrast[0]), str(contrast[1]))
    checked_pair(spec, pair)
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
        if wanted.rule is not None:
            raise UsageError(
                "the plan has a margin for this outcome: its power is about the margin, not about an effect. Look for a size."
            )
        if effect is not None:
            raise UsageError("effect is what solve_for='effect' looks for: leave it out.")
        return search_effects(wanted, bounds[0], bounds[1])
    return search_sizes(wanted, sizes_for(spec, chosen, pair, scale, solve_for), _effect(wanted, effect), bounds[0], bounds[1])


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
