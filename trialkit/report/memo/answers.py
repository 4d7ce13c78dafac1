"""Every further number of a memo, asked of the power functions themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from trialkit.errors import UsageError
from trialkit.power.curves import PowerCurve, curve
from trialkit.power.published_iccs import RANGES, IccRange
from trialkit.power.result import PowerResult
from trialkit.power.solve import NoSolutionError
from trialkit.report.memo.questions import Question, family_of, function_of

PUBLISHED = "group_interventions"
_MORE_LOST, _FEWER = 0.10, 0.70
_EFFECTS = (0.5, 0.75, 1.0, 1.25)
_ICCS, _LOSSES = (0.0, 0.02, 0.05, 0.1), (0.0, 0.1, 0.2, 0.3)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing changed: its key in the words and its value, power at the same effect and the effect at the target power."""

    key: str
    value: float | None
    power: PowerResult | None
    detectable: PowerResult | None


@dataclass(frozen=True, slots=True)
class Answers:
    """Numbers of one question.

    Attributes
    ----------
    detectable : the design at the target power. gains, risks : changes for the better and the worse.
    sensitivity : power over `rows_by` ("icc" or "attrition") and effect, or None. curve : power over numbers of groups, clusters or people; `axis` which.
    published : the range of ICCs from the bank, for groups that receive an intervention.
    """

    detectable: PowerResult | None
    gains: tuple[Change, ...]
    risks: tuple[Change, ...]
    rows_by: str
    sensitivity: PowerCurve | None
    axis: str
    curve: PowerCurve | None
    published: IccRange | None


def answers(question: Question) -> Answers:
    """Ask for everything that the page of this question needs."""
    published = RANGES[PUBLISHED] if question.result.function == "grouped" and "icc" in question.base() else None
    rows_by, sensitivity = _sensitivity(question, published)
    axis, found = _curve(question)
    return Answers(
        question.ask(power=question.target),
        _gains(question),
        _risks(question, published),
        rows_by,
        sensitivity,
        axis,
        found,
        published,
    )


def _change(question: Question, key: str, value: float | None, **arguments: Any) -> Change:
    power = question.ask(**arguments, effect=question.result.effect)
    return Change(key, value, power, question.ask(**arguments, power=question.target))


def _gains(question: Question) -> tuple[Change, ...]:
    """What the family itself offers: one more group, one more member, a better baseline."""
    result = question.result
    sizes = family_of(result).SIZE_ARGUMENTS
    base = {k: v for k, v in question.base().items() if k not in sizes} | result.details["as_asked"]
    found = []
    for _, arguments in family_of(result).improvements(base):
        key = _kind(arguments, base)
        value = arguments.get("baseline_correlation", arguments.get("baseline_r2"))
        dropped = {k: None for k in sizes if k not in base}
        made = _change(question, key, value, **{**dropped, **base, **arguments})
        if made.power is not None:
            found.append(made)
    return tuple(found)


def _kind(arguments: Mapping[str, Any], base: Mapping[str, Any]) -> str:
    """Which change it is, by the arguments that it changes."""
    if set(arguments) == {"treated", "controls"}:
        return "people"
    if "clusters" in arguments:
        return "clusters"
    if "group_size" in arguments and isinstance(arguments["group_size"], tuple):
        return "groups" if len(arguments["group_size"]) > len(base["group_size"]) else "group_size"
    (key,) = arguments
    return key


def _risks(question: Question, published: IccRange | None) -> tuple[Change, ...]:
    base = question.base()
    found = [_change_of_effect(question)]
    icc = base.get("icc")
    if published is not None and icc is not None and published.quartiles[2] > icc:
        found.append(_change(question, "published_icc", published.quartiles[2], icc=published.quartiles[2]))
    elif icc and 2 * icc < 1:
        found.append(_change(question, "icc", 2 * icc, icc=2 * icc))
    lost = base.get("attrition", 0.0)
    if not isinstance(lost, tuple) and lost + _MORE_LOST < 1:
        found.append(_change(question, "attrition", lost + _MORE_LOST, attrition=lost + _MORE_LOST))
    if base.get("take_up", 1.0) == 1.0 and base.get("effect_on", "compliers") == "compliers" and question.share is None:
        found.append(_change(question, "take_up", _FEWER, take_up=_FEWER))
    if base.get("baseline_correlation"):
        found.append(_change(question, "baseline", None, baseline_correlation=None))
    return tuple(c for c in found if c.power is not None)


def _change_of_effect(question: Question) -> Change:
    return Change("effect", None, question.ask(effect=question.result.effect / 2), None)


def _sensitivity(question: Question, published: IccRange | None) -> tuple[str, PowerCurve | None]:
    base, effect = question.base(), question.result.effect
    rows_by = "icc" if "icc" in base else "attrition"
    assumed = base.get(rows_by, 0.0)
    usual = _LOSSES if rows_by == "attrition" else (0.0, *published.quartiles) if published is not None else _ICCS
    values = sorted({*usual, *(() if isinstance(assumed, tuple) else (float(assumed),))})
    effects = [k * effect for k in _EFFECTS]
    if question.rate is not None:
        counted = base["control_rate"]
        effects = [e for e in effects if 0 < counted + e < 1]
    fixed = {k: v for k, v in base.items() if k != rows_by}
    return rows_by, _curve_or_none(question, **{rows_by: values}, effect=effects, **fixed)


def _curve_or_none(question: Question, **arguments: Any) -> PowerCurve | None:
    """None where a point of the grid is no design: the page then has no such table or figure."""
    try:
        return curve(function_of(question.result), **arguments)
    except (NoSolutionError, UsageError):
        return None


def _curve(question: Question) -> tuple[str, PowerCurve | None]:
    """Power over numbers of groups, clusters or people, through the design itself."""
    base, result = question.base(), question.result
    effect = result.effect
    if result.function == "grouped":
        if isinstance(base["group_size"], tuple):
            return "groups", _listed(question, base["group_size"])
        return "groups", _curve_or_none(question, **{**base, "groups": _around(result.groups or 0.0, 2), "effect": effect})
    if result.function == "clustered":
        if isinstance(base["cluster_size"], tuple):
            return "clusters", None
        sides = base.get("allocation", (1, 1))
        fewest = 2 * sum(sides) / min(sides) + 2
        return "clusters", _curve_or_none(
            question, **{**base, "clusters": _around(result.clusters or 0.0, fewest), "effect": effect}
        )
    arms = (float(result.treated or 0.0), float(result.controls or 0.0))
    fixed = {k: v for k, v in base.items() if k not in family_of(result).SIZE_ARGUMENTS}
    return "n", _curve_or_none(question, **{**fixed, "n": _around(sum(arms), 10), "allocation": arms, "effect": effect})


def _around(planned: float, fewest: float) -> list[float]:
    """A dozen whole numbers from .4 to 1.8 times the planned one, which is one of them."""
    step = max(round(1.4 * planned / 14), 1)
    below = [planned - step * i for i in range(14, 0, -1) if planned - step * i >= max(fewest, 0.35 * planned)]
    return [*below, planned, *(planned + step * i for i in range(1, 9))]


def _listed(question: Question, sizes: tuple[float, ...]) -> PowerCurve | None:
    """Groups of about the same mean size, as even as whole people allow; at the planned number the planned sizes themselves."""
    count, people = len(sizes), sum(sizes)
    lists = []
    for k in map(int, _around(count, 2)):
        if k == count:
            lists.append(tuple(sizes))
            continue
        total = round(people * k / count)
        small, larger = divmod(total, k)
        lists.append((float(small + 1),) * larger + (float(small),) * (k - larger))
    fixed = {k: v for k, v in question.base().items() if k not in ("group_size", "groups")}
    found = _curve_or_none(question, **fixed, group_size=lists, effect=question.result.effect)
    if found is None:
        return None
    rows = tuple({"groups": len(r["group_size"]), **{k: v for k, v in r.items() if k != "group_size"}} for r in found.table)
    return replace(found, table=rows, details={**found.details, "varied": ("groups",)})
