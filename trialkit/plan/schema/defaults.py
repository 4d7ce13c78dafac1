"""Defaults that depend on other parts of the plan, written out before validation so that the hash holds them.

Only absent keys are filled, and only where the surrounding shapes are what they should be: anything malformed is left for the
validation, which can name it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialkit.plan.schema.base import MAX_SEED
from trialkit.plan.schema.sections import DRAWING_COMPANIONS, DRAWING_MISSING

__all__ = ["with_defaults"]


def with_defaults(raw: Any) -> Any:
    """A copy of the plan's tables with every default that follows from another part."""
    if not isinstance(raw, Mapping):
        return raw
    plan = dict(raw)
    plan["arms"] = _labelled_arms(plan.get("arms"))
    if plan["arms"] is None:
        del plan["arms"]
    plan["design"] = _design(plan)
    plan["outcomes"] = _each(plan.get("outcomes"), lambda o: _outcome(o, plan))
    primary = [o.get("name") for o in _tables(plan["outcomes"]) if o.get("role") == "primary"]
    if isinstance(plan.get("multiplicity"), Mapping):
        plan["multiplicity"] = _graph(plan["multiplicity"])
    plan["subgroups"] = _each(plan.get("subgroups"), lambda s: {**s, "outcomes": s.get("outcomes", primary)})
    for section, wish, drawing in (("analysis", "companions", DRAWING_COMPANIONS), ("missing", "sensitivity", DRAWING_MISSING)):
        plan[section] = _seeded(plan.get(section), wish, drawing, _table(plan.get("multiplicity")).get("seed"))
    return {k: v for k, v in plan.items() if v is not None}


def _labelled_arms(arms: Any) -> Any:
    if not isinstance(arms, Mapping):
        return arms
    return {k: {"label": k, **v} if isinstance(v, Mapping) else v for k, v in arms.items()}


def _design(plan: dict[str, Any]) -> Any:
    design = plan.get("design", {})
    if not isinstance(design, Mapping):
        return design
    data = _table(plan.get("data"))
    implied = "_".join(word for word, key in (("stratified", "strata"), ("clustered", "cluster")) if data.get(key)) or "complete"
    filled = {"scheme": implied, **design}
    arms = plan.get("arms")
    if isinstance(arms, Mapping):
        filled.setdefault("allocation", dict.fromkeys(arms, 1.0))
    return filled


def _graph(section: Mapping[str, Any]) -> Mapping[str, Any]:
    by_families = section.get("method") == "gatekeeping" and section.get("families")
    return {**({"pass_on": "all"} if by_families else {}), **section}


def _outcome(outcome: Mapping[str, Any], plan: dict[str, Any]) -> dict[str, Any]:
    filled = dict(outcome)
    if isinstance(outcome.get("name"), str):
        filled.setdefault("label", outcome["name"])
    if isinstance(outcome.get("role"), str):
        filled.setdefault("family", outcome["role"])
    if outcome.get("measure") == "quantile":
        filled.setdefault("q", 0.5)
    index = outcome.get("index")
    if isinstance(index, Mapping):
        filled.setdefault("better", "higher")
        filled["index"] = {**({"missing": "pattern"} if index.get("kind", "icw") == "icw" else {}), **index}
    estimand = outcome.get("estimand", {})
    if isinstance(estimand, Mapping):
        filled["estimand"] = {"average": _table(plan.get("analysis")).get("average", "participant"), **estimand}
    if "baseline_wave" not in outcome:
        filled["baseline_wave"] = _first_wave(outcome, plan)
    elif outcome["baseline_wave"] == "none":
        filled["baseline_wave"] = None
    return filled


def _first_wave(outcome: Mapping[str, Any], plan: dict[str, Any]) -> str | None:
    """The wave of the baseline score: the first one, unless the outcome is measured then or the scale has no waves."""
    waves = _table(plan.get("data")).get("waves")
    names = list(waves) if isinstance(waves, Mapping) else []
    scale = next((s for s in _tables(plan.get("scales")) if s.get("name") == outcome.get("scale")), None)
    if scale is None or not names or "{wave}" not in str(scale.get("items")) or outcome.get("wave") in (None, names[0]):
        return None
    taken = scale.get("waves")
    return names[0] if not taken or not isinstance(taken, (list, tuple)) or names[0] in taken else None


def _seeded(section: Any, wish: str, drawing: frozenset[str], seed: Any) -> Any:
    if not isinstance(section, Mapping) or "seed" in section or not _is_seed(seed):
        return section
    wished = section.get(wish)
    used = [*(wished if isinstance(wished, (list, tuple)) else ()), section.get("estimator"), section.get("primary")]
    draws = section.get("few_groups") is True or any(w in drawing for w in used if isinstance(w, str))
    return {**section, "seed": seed} if draws else section


def _is_seed(seed: Any) -> bool:
    return isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed <= MAX_SEED


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _tables(value: Any) -> list[Mapping[str, Any]]:
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, (list, tuple)) else []


def _each(value: Any, fill: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return value
    return [fill(v) if isinstance(v, Mapping) else v for v in value]
