"""The graph of a plan with method = "gatekeeping": its hypotheses, what must hold of it, and the test.

A hypothesis is one row of the results: an outcome, or with several comparisons of arms an outcome and its comparison. Exploratory
outcomes may stay outside the graph; they are reported without a correction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from trialkit.errors import shown
from trialkit.plan.schema.base import Path, Problem
from trialkit.plan.schema.names import near_miss
from trialkit.plan.schema.sections import GRAPH_KEYS

if TYPE_CHECKING:
    from trialkit.estimate.several.gatekeeping import GatekeepingResult
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["graph_problems", "graph_test", "hypotheses", "hypothesis", "starting_share"]

ROUNDING = 1e-9


def hypothesis(spec: PlanSpec, outcome: str, contrast: str) -> str:
    """The name of one test: 'employed', or with several comparisons 'employed: peer - individual'."""
    return outcome if len(spec.comparisons) == 1 else f"{outcome}: {contrast}"


def hypotheses(spec: PlanSpec) -> dict[str, tuple[str, str]]:
    """Every test of the plan by name: its outcome and the text of its comparison."""
    return {hypothesis(spec, o.name, c.text): (o.name, c.text) for o in spec.outcomes for c in spec.comparisons}


def graph_problems(spec: PlanSpec) -> Iterator[Problem]:
    """What contradicts itself in the graph, with the remedy."""
    m = spec.multiplicity
    given = [k for k in GRAPH_KEYS if getattr(m, k) not in (None, ())]
    if m.method != "gatekeeping":
        for key in given:
            yield Problem(("multiplicity", key), f"{key} belongs to method = \"gatekeeping\"; the method here is '{m.method}'")
        return
    if m.families and (m.weights is not None or m.transitions is not None):
        key = "weights" if m.weights is not None else "transitions"
        yield Problem(("multiplicity", key), f"families makes the graph already; remove {key}, or families")
    elif m.families:
        yield from _family_problems(spec, m.families)
    elif not m.weights:
        message = (
            "'gatekeeping' needs its order: families = [...] (tested one after the other), or weights = { ... } with transitions = { ... } "
            "between hypotheses"
        )
        yield Problem(("multiplicity", "method"), message)
    else:
        yield from _arrow_problems(spec)
    if m.pass_on is not None and not m.families:
        yield Problem(
            ("multiplicity", "pass_on"), "pass_on belongs to families; between hypotheses the transitions say what passes on"
        )


def _family_problems(spec: PlanSpec, families: tuple[str, ...]) -> Iterator[Problem]:
    known = tuple(spec.families)
    for i, family in enumerate(families):
        if family not in known:
            yield Problem(
                ("multiplicity", "families", i), f"'{family}' is no family of [[outcomes]].{near_miss(family, known, most=12)}"
            )
    for family, members in spec.families.items():
        confirmed = [o.name for o in members if o.role != "exploratory"]
        if confirmed and family not in families:
            message = f"family '{family}' ({shown(confirmed)}) has no place in families; add it, or make its outcomes exploratory"
            yield Problem(("multiplicity", "families"), message)


def _arrow_problems(spec: PlanSpec) -> Iterator[Problem]:
    m = spec.multiplicity
    weights: Mapping[str, float] = m.weights or {}
    arrows: Mapping[str, Mapping[str, float]] = m.transitions or {}
    known = tuple(hypotheses(spec))
    unknown: list[Problem] = []
    for where, name in _names(weights, arrows):
        if name not in known:
            unknown.append(Problem(where, f"'{name}' is no hypothesis of this plan.{near_miss(name, known, most=12)}"))
    yield from unknown
    total = sum(weights.values())
    if total > 1 + ROUNDING or total <= 0:
        message = f"the weights sum to {total:g}; they are shares of one alpha, so their sum is above 0 and at most 1"
        yield Problem(("multiplicity", "weights"), message)
    for start, row in arrows.items():
        where = ("multiplicity", "transitions", start)
        if row.get(start):
            yield Problem((*where, start), f"'{start}' passes its share to itself; remove '{start}' from its own row")
        if sum(row.values()) > 1 + ROUNDING:
            message = f"the arrows of '{start}' sum to {sum(row.values()):g}; a rejected hypothesis has one share to pass on, so at most 1"
            yield Problem(where, message)
    if unknown:
        return
    reached = _reached(weights, arrows)
    roles = {o.name: o.role for o in spec.outcomes}
    for name, (outcome, _) in hypotheses(spec).items():
        if name not in reached and (roles[outcome] != "exploratory" or any(n == name for _, n in _names(weights, arrows))):
            message = (
                f"no share ever reaches '{name}', so it could never be rejected; give it a weight or an arrow that leads to it"
            )
            yield Problem(("multiplicity", "transitions" if m.transitions is not None else "weights"), message)


def _names(weights: Mapping[str, float], arrows: Mapping[str, Mapping[str, float]]) -> Iterator[tuple[Path, str]]:
    """Every name in the graph and where it stands."""
    for name in weights:
        yield ("multiplicity", "weights", name), name
    for start, row in arrows.items():
        yield ("multiplicity", "transitions", start), start
        for end in row:
            yield ("multiplicity", "transitions", start, end), end


def _reached(weights: Mapping[str, float], arrows: Mapping[str, Mapping[str, float]]) -> set[str]:
    """Hypotheses to which some share of alpha can come."""
    found = {name for name, share in weights.items() if share > 0}
    waiting = list(found)
    while waiting:
        for end, share in arrows.get(waiting.pop(), {}).items():
            if share > 0 and end not in found:
                found.add(end)
                waiting.append(end)
    return found


def in_graph(spec: PlanSpec) -> tuple[str, ...]:
    """The hypotheses that the graph holds, in the order of the plan."""
    m = spec.multiplicity
    if m.families:
        inside = {o.name for f in m.families for o in spec.families[f]}
        return tuple(h for h, (outcome, _) in hypotheses(spec).items() if outcome in inside)
    reached = _reached(m.weights or {}, m.transitions or {})
    return tuple(h for h in hypotheses(spec) if h in reached)


def starting_share(spec: PlanSpec, outcome: str) -> float:
    """The share of alpha that a test of this outcome has from the start; the smallest over its comparisons."""
    m = spec.multiplicity
    if m.families:
        first = sum(len(spec.comparisons) for _ in spec.families[m.families[0]])
        return 1 / first if spec.outcome(outcome).family == m.families[0] else 0.0
    weights: Mapping[str, float] = m.weights or {}
    return min(weights.get(name, 0.0) for name, (of, _) in hypotheses(spec).items() if of == outcome)


def graph_test(spec: PlanSpec, p: Mapping[str, float]) -> GatekeepingResult:
    """Run the graph; a hypothesis without a p-value (not estimated, or not built yet) counts as not rejected.

    alpha is one minus the confidence level of the plan.
    """
    from trialkit.estimate.several.gatekeeping import gatekeeping

    m, inside = spec.multiplicity, in_graph(spec)
    values = {h: p[h] if h in p and math.isfinite(p[h]) else 1.0 for h in inside}
    alpha = round(1 - spec.analysis.conf_level, 12)
    if m.families:
        of_family = {f: [h for h in inside if hypotheses(spec)[h][0] in {o.name for o in spec.families[f]}] for f in m.families}
        return gatekeeping(values, families=of_family, pass_on=m.pass_on or "all", alpha=alpha)
    arrows = {start: dict(row) for start, row in (m.transitions or {}).items()}
    return gatekeeping(values, weights=dict(m.weights or {}), transitions=arrows, alpha=alpha)
