"""Power before the study: closed forms that invert exactly, one file a design family.

A family is a file in `families/` and a line here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trialkit.power.curves import PowerCurve, curve
    from trialkit.power.design_memo import memo
    from trialkit.power.families.binary import binary
    from trialkit.power.families.blocked import blocked, multisite
    from trialkit.power.families.clustered import clustered
    from trialkit.power.families.count import count
    from trialkit.power.families.factorial import factorial
    from trialkit.power.families.grouped import grouped
    from trialkit.power.families.individual import individual
    from trialkit.power.families.interaction import interaction
    from trialkit.power.families.margins import equivalence, noninferiority
    from trialkit.power.families.mediation import mediation
    from trialkit.power.families.optimal import optimal_allocation, optimal_clustered, optimal_grouped
    from trialkit.power.families.ordinal import ordinal
    from trialkit.power.families.paired import paired
    from trialkit.power.families.repeated import repeated
    from trialkit.power.families.several_arms import several_arms
    from trialkit.power.families.time_to_event import time_to_event
    from trialkit.power.families.type_s_m import type_s_m
    from trialkit.power.plans.answer import PowerAnswer, answer_for_plan
    from trialkit.power.published_iccs import icc_ranges
    from trialkit.power.result import PowerResult
    from trialkit.power.simulation.result import SimulatedPower
    from trialkit.power.simulation.search import search
    from trialkit.power.simulation.search_result import SimulatedSearch
    from trialkit.power.simulation.simulate import simulate
    from trialkit.power.solve import NoSolutionError
    from trialkit.power.uncertain import Assurance, assurance, maximin

# The families lie in a folder of their own: a module of the same name here would take the function's place once imported.
HOMES = {
    "individual": "families.individual",
    "paired": "families.paired",
    "binary": "families.binary",
    "clustered": "families.clustered",
    "grouped": "families.grouped",
    "repeated": "families.repeated",
    "blocked": "families.blocked",
    "multisite": "families.blocked",
    "interaction": "families.interaction",
    "factorial": "families.factorial",
    "time_to_event": "families.time_to_event",
    "several_arms": "families.several_arms",
    "mediation": "families.mediation",
    "noninferiority": "families.margins",
    "equivalence": "families.margins",
    "type_s_m": "families.type_s_m",
    "optimal_allocation": "families.optimal",
    "optimal_grouped": "families.optimal",
    "optimal_clustered": "families.optimal",
    "count": "families.count",
    "ordinal": "families.ordinal",
    "simulate": "simulation.simulate",
    "SimulatedPower": "simulation.result",
    "search": "simulation.search",
    "SimulatedSearch": "simulation.search_result",
    "assurance": "uncertain",
    "maximin": "uncertain",
    "Assurance": "uncertain",
    "icc_ranges": "published_iccs",
    "curve": "curves",
    "PowerCurve": "curves",
    "PowerResult": "result",
    "NoSolutionError": "solve",
    "answer_for_plan": "plans.answer",
    "PowerAnswer": "plans.answer",
    "memo": "design_memo",
}

__all__ = [
    "Assurance",
    "NoSolutionError",
    "PowerAnswer",
    "PowerCurve",
    "PowerResult",
    "SimulatedPower",
    "SimulatedSearch",
    "answer_for_plan",
    "assurance",
    "binary",
    "blocked",
    "clustered",
    "count",
    "curve",
    "equivalence",
    "factorial",
    "grouped",
    "icc_ranges",
    "individual",
    "interaction",
    "maximin",
    "mediation",
    "memo",
    "multisite",
    "noninferiority",
    "optimal_allocation",
    "optimal_clustered",
    "optimal_grouped",
    "ordinal",
    "paired",
    "repeated",
    "search",
    "several_arms",
    "simulate",
    "time_to_event",
    "type_s_m",
]


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module 'trialkit.power' has no attribute '{name}'")
    value = getattr(import_module(f"trialkit.power.{HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
