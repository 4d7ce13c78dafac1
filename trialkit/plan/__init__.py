"""Plans: read, described, locked, verified and run. Names load on first use, so that importing this costs nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trialkit.plan.plan import Plan
    from trialkit.plan.reading.load import load_spec
    from trialkit.plan.reading.template import starter_plan
    from trialkit.plan.schema.json_schema import json_schema
    from trialkit.plan.schema.plan_spec import PlanSpec
    from trialkit.plan.words.estimand import estimand_sentence

# Functions named as their module (lock, verify, describe, not_yet) are imported from it: trialkit.plan.locking.lock.lock.
_PLACES = {
    "Plan": "plan",
    "PlanSpec": "schema.plan_spec",
    "estimand_sentence": "words.estimand",
    "json_schema": "schema.json_schema",
    "load_spec": "reading.load",
    "starter_plan": "reading.template",
}

__all__ = ["Plan", "PlanSpec", "estimand_sentence", "json_schema", "load_spec", "starter_plan"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'trialkit.plan' has no attribute '{name}'")
    return getattr(import_module(f"trialkit.plan.{_PLACES[name]}"), name)
