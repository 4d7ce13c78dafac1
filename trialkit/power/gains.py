"""What a little more would buy: the same call again with one thing changed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from trialkit.errors import UsageError

if TYPE_CHECKING:
    from trialkit.power.result import PowerResult


# arguments that are no size: when one of them was solved for, the sizes stay as they were asked
NOT_A_SIZE = ("power", "effect", "margin", "hazard_ratio", "rate_ratio", "odds_ratio", "b")


def gains(result: PowerResult) -> tuple[dict[str, Any], ...]:
    """One entry a change: its words and the power (or the detectable effect) it brings.

    When the effect was left out, every change lowers it at the same power; otherwise it raises the power of the design to plan
    at the same effect.
    """
    from trialkit.power import HOMES

    family = import_module(f"trialkit.power.{HOMES[result.function]}")
    call = getattr(family, result.function)
    wanted = result.solved_for if result.solved_for in NOT_A_SIZE else "power"
    base = {k: v for k, v in result.inputs.items() if k not in family.SIZE_ARGUMENTS and k != wanted}
    base |= result.design if result.solved_for not in NOT_A_SIZE else result.details["as_asked"]
    found = []
    for change, arguments in family.improvements(base):
        try:
            other = call(**{**base, **arguments})
        except UsageError:  # a change that the design does not admit (a correlation that leaves no variance) buys nothing
            continue
        found.append({"change": change, wanted: getattr(other, wanted)})
    return tuple(found)


def better_baseline(arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A baseline measurement, or one that correlates .1 more."""
    now = abs(float(arguments.get("baseline_correlation") or 0.0))
    if now == 0:
        return "a baseline measurement that correlates 0.5", {"baseline_correlation": 0.5}
    better = min(now + 0.1, 0.95)
    return f"a baseline that correlates {better:.2g}", {"baseline_correlation": better}
