"""Why no size reaches the power when people are treated in groups, in words with the bound."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import optimize

from trialkit.power.families.grouped_model import Grouped
from trialkit.power.model import Shortfall, Sizes
from trialkit.power.solve import Root, first_crossing
from trialkit.power.words import number, percent, size

_MANY = 1e9
_CONTROLS = np.geomspace(2.5, 1e6, 40)


def explanation(model: Grouped, name: str, fixed: Sizes, tie: Callable[[Sizes], Sizes]) -> Callable[[Shortfall, float], str]:
    """The sentences of the error when no value of `name` reaches the target.

    `fixed` holds the other sizes; `tie` adds the controls that follow the treated, if any do.
    """

    def explain(found: Shortfall, effect: float) -> str:
        given = " and ".join(f"{k}={size(v)}" for k, v in fixed.items())
        where = f", at about {number(found.peak_at)} {name}" if math.isfinite(found.peak_at) else ""
        reached = f"with {given} no number of {name} reaches power={found.target:g}: it is {percent(found.peak)} at most{where}."
        if name == "group_size":
            reached = f"with {given} no group_size reaches power={found.target:g}: it is {percent(found.peak)} at most."
        return f"{reached} {_remedy(model, name, fixed, tie, found.target, effect)}"

    return explain


def _remedy(model: Grouped, name: str, fixed: Sizes, tie: Callable[[Sizes], Sizes], target: float, effect: float) -> str:
    if name == "controls":
        needed = groups_needed(model, fixed, target, effect)
        least = "" if needed is None else f"About {number(needed)} groups of this size are needed. "
        return f"{_floor(model, target, effect)}{least}Raise groups or group_size, or ask for less power."
    if name == "group_size":
        needed = _crossing(model, "groups", lambda k: tie({**fixed, "group_size": _MANY, "groups": k}), target, effect)
        if needed is None:
            return f"{_floor(model, target, effect)}{_other_arm(model, fixed, target, effect)}"
        return f"{_floor(model, target, effect)}However large the groups, {number(needed)} of them are needed. Raise groups, or ask for less power."
    return _other_arm(model, fixed, target, effect)


def _other_arm(model: Grouped, fixed: Sizes, target: float, effect: float) -> str:
    """What the control arm needs when no treated arm is enough."""
    other = "control_groups" if model.control_grouped else "controls"
    if other not in fixed or model.listed is not None:
        return "Raise the other sizes, or ask for less power."
    unlimited = {k: v for k, v in fixed.items() if k != "group_size"} | {
        "groups": _MANY,
        "group_size": fixed.get("group_size", _MANY),
    }
    needed = _crossing(model, other, lambda n: {**unlimited, other: n}, target, effect)
    least = "" if needed is None else f"However many groups, {number(needed)} {other} are needed. "
    return f"{least}Raise {other}, or ask for less power."


def _floor(model: Grouped, target: float, effect: float) -> str:
    """The bound below which neither larger groups nor more controls help: K > z^2 su2 / d^2 by the normal formula."""
    bound = model.test.quantile_sum(target) ** 2 * float(model.components(effect).group) / effect**2
    if bound < 1:
        return ""
    return f"By the normal formula groups must exceed z^2 var_group/effect^2 = {number(bound)} even with unlimited group_size and controls. "


def groups_needed(model: Grouped, fixed: Sizes, target: float, effect: float) -> float | None:
    """Number of groups at which the best number of controls just reaches the target."""

    def best(groups: float) -> float:
        sizes = {**fixed, "groups": np.full(_CONTROLS.shape, groups), "controls": _CONTROLS / (1 - model.attrition[1])}
        return float(np.max(model.tails(effect, sizes).power))

    if model.listed is not None:
        return None
    low, high = float(fixed["groups"]), 2 * float(fixed["groups"])
    while best(high) < target:
        low, high = high, 2 * high
        if high > _MANY:
            return None
    return float(optimize.brentq(lambda k: best(k) - target, low, high, xtol=1e-3))


def _crossing(model: Grouped, name: str, at: Callable[[Any], Sizes], target: float, effect: float) -> float | None:
    """Smallest value of one size that reaches the target, or None."""
    if model.listed is not None and name == "groups":
        return None
    found = first_crossing(lambda x: model.tails(effect, at(x)).power, target, np.geomspace(2.5, _MANY, 97))
    return found.value if isinstance(found, Root) else None
