"""Plans: read, described, locked, verified and run. Names load on first use, so that importing this costs nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trialkit.plan.estimand import estimand_sentence
    from trialkit.plan.load import load_spec
    from trialkit.plan.plan import Plan
    from trialkit.plan.schema import PlanSpec, json_schema
    from trialkit.plan.template import starter_plan

# Functions named as their module (lock, verify, describe, not_yet) are imported from it: trialkit.plan.lock.lock.
_PLACES = {
    "Plan": "plan",
    "PlanSpec": "schema",
    "estimand_sentence": "estimand",
    "json_schema": "schema",
    "load_spec": "load",
    "starter_plan": "template",
}

__all__ = ["Plan", "PlanSpec", "estimand_sentence", "json_schema", "load_spec", "starter_plan"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'trialkit.plan' has no attribute '{name}'")
    return getattr(import_module(f"trialkit.plan.{_PLACES[name]}"), name)
