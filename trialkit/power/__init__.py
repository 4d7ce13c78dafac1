"""Power before the study: closed forms that invert exactly, one file a design family.

A family is a file in `families/` and a line here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trialkit.power.curves import PowerCurve, curve
    from trialkit.power.families.binary import binary
    from trialkit.power.families.clustered import clustered
    from trialkit.power.families.grouped import grouped
    from trialkit.power.families.individual import individual
    from trialkit.power.families.paired import paired
    from trialkit.power.plan_answer import PowerAnswer, answer_for_plan
    from trialkit.power.result import PowerResult
    from trialkit.power.solve import NoSolutionError

# The families lie in a folder of their own: a module of the same name here would take the function's place once imported.
_PUBLIC = {
    "individual": "families.individual",
    "paired": "families.paired",
    "binary": "families.binary",
    "clustered": "families.clustered",
    "grouped": "families.grouped",
    "curve": "curves",
    "PowerCurve": "curves",
    "PowerResult": "result",
    "NoSolutionError": "solve",
    "answer_for_plan": "plan_answer",
    "PowerAnswer": "plan_answer",
}

__all__ = [
    "NoSolutionError",
    "PowerAnswer",
    "PowerCurve",
    "PowerResult",
    "answer_for_plan",
    "binary",
    "clustered",
    "curve",
    "grouped",
    "individual",
    "paired",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'trialkit.power' has no attribute '{name}'")
    value = getattr(import_module(f"trialkit.power.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
