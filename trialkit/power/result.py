"""The answer of a power function: numbers, the design to plan, assumptions in words."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, Self, TypeVar, overload

import pandas as pd

from trialkit.power.words import decimals, number, percent, small
from trialkit.results import Result, plain

T = TypeVar("T")

_IN_TIDY = (
    "function", "solved_for", "power", "effect", "effect_assigned", "effect_standardized", "n", "n_per_arm", "treated", "controls", "pairs", "clusters",
    "cluster_size", "blocks", "block_size", "events", "hazard_ratio", "margin", "groups", "group_size", "control_groups", "control_group_size",
    "std_error", "df", "design_effect", "size", "type_s", "type_m", "alpha",
    "alternative", "method",
)  # fmt: skip


class Detail(Generic[T]):
    """A number of a result, read from `details`; None where the design has no such thing."""

    def __init__(self, meaning: str):
        self.__doc__ = meaning

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, result: None, owner: type) -> Detail[T]: ...
    @overload
    def __get__(self, result: Result, owner: type) -> T: ...
    def __get__(self, result: Result | None, owner: type) -> Detail[T] | T:
        return self if result is None else result.details.get(self.name)  # type: ignore[return-value]

    def __set__(self, result: Result, value: object) -> None:
        raise AttributeError(f"a power result is immutable: '{self.name}' cannot be set")


@dataclass(frozen=True)
class PowerResult(Result):
    """Power, effect and sizes of one design, whichever was left out.

    Solved sizes are real numbers, at which power is exactly the target; `design` holds the whole numbers to plan and
    `power_at_design` what they reach.

    Examples
    --------
    >>> found = tk.power.individual(effect=0.5, power=0.8)
    >>> round(found.n_per_arm, 5), found.design, round(found.power_at_design, 4)
    (63.76561, {'treated': 64, 'controls': 64}, 0.8015)
    """

    kind = "power"

    function = Detail[str]("the power function")
    solved_for = Detail[str]("the argument that was left out")
    power = Detail[float]("probability that the test rejects")
    effect = Detail[float]("effect as stated: on compliers or on everyone assigned")
    effect_assigned = Detail[float]("effect on everyone assigned")
    effect_standardized = Detail["float | None"]("effect divided by the standardizer")
    standardizer = Detail[str]("what the effect is divided by, in words")
    std_error = Detail["float | None"]("standard error of the effect on everyone assigned")
    df = Detail[float]("degrees of freedom at the population values; infinite for a normal test")
    alpha = Detail[float]("level of the test")
    alternative = Detail[str]("two-sided, greater or less")
    method = Detail[str]("formula or enumeration used")
    n = Detail["float | None"]("people to randomize, over both arms")
    n_per_arm = Detail["float | None"]("people to randomize in each arm, where the arms are equal")
    treated = Detail["float | None"]("people to randomize to the treated arm")
    controls = Detail["float | None"]("people to randomize to the control arm")
    pairs = Detail["float | None"]("pairs")
    clusters = Detail["float | None"]("clusters over both arms")
    cluster_size = Detail[Any]("people per cluster")
    groups = Detail["float | None"]("groups in the treated arm")
    group_size = Detail[Any]("people per group; a tuple when they differ")
    control_groups = Detail["float | None"]("groups in the control arm")
    control_group_size = Detail[Any]("people per group of the control arm")
    design_effect = Detail["float | None"]("variance relative to as many independent people")
    correlation_of_means = Detail["float | None"]("correlation of cluster means before and after")
    size = Detail["float | None"]("rejection probability without an effect (exact tests)")
    type_s = Detail["float | None"]("probability that a significant estimate has the wrong sign")
    type_m = Detail["float | None"]("how many times a significant estimate exaggerates the effect, on average")
    design = Detail["dict[str, Any]"]("whole-number design to plan, as keyword arguments")
    power_at_design = Detail[float]("power of that design at the same effect")
    assumptions = Detail["tuple[str, ...]"]("what was assumed, in words")
    inputs = Detail["dict[str, Any]"]("the arguments of the call")

    def __post_init__(self) -> None:
        read = {k: _read(v) for k, v in self.details.items()}
        stored = read.pop("gains", None)
        object.__setattr__(self, "details", read)
        if stored is not None:
            self.__dict__["gains"] = stored

    def __getattr__(self, name: str) -> Any:
        """Further numbers of a family (`.events`, `.variance_factor`, `.power_a` ...), as its docstring lists them."""
        details = self.__dict__.get("details", {})
        if name.startswith("_") or name not in details:
            raise AttributeError(
                f"a {details.get('function', 'power')} result has no '{name}'; it has {', '.join(sorted(details))}."
            )
        return details[name]

    def with_details(self, **more: Any) -> Self:
        """The same result with further or other numbers."""
        return replace(self, details={**self.details, **more})

    @cached_property
    def gains(self) -> tuple[dict[str, Any], ...]:
        """What one more group, one more member or a better baseline would buy, each computed anew when first asked for."""
        from trialkit.power.gains import gains

        return gains(self)

    def tidy(self) -> pd.DataFrame:
        """One row with every number that the design has."""
        return pd.DataFrame([{k: self.details[k] for k in _IN_TIDY if self.details.get(k) is not None}])

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and text, the gains included; `tk.Result.from_dict` reads it back."""
        return super().to_dict() | {"details": plain({**self.details, "gains": self.gains})}

    def paragraph(self, *, gains: bool = True) -> str:
        """The answer as one paragraph."""
        sentences = [self._main_sentence(), self._test_sentence(), self._error_sentence(), self._assumed()]
        sentences += [gains_sentence(self)] if gains else []
        return " ".join(s for s in sentences if s)

    def __str__(self) -> str:
        return "\n".join([self.paragraph(), *(f"note: {n.text}" for n in self.notes)])

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(n.text)}</li>" for n in self.notes)
        table = self.tidy().to_html(index=False, border=0, float_format=number, escape=True)
        return f"<div><p>{html.escape(self.paragraph())}</p>{table}{f'<ul>{notes}</ul>' if notes else ''}</div>"

    def _effect_words(self) -> str:
        if "effect_words" in self.details:
            return str(self.details["effect_words"])
        text = f"an effect of {number(self.effect)}"
        if self.effect_standardized is None:
            return text
        return f"{text} ({decimals(self.effect_standardized)} in units of {self.standardizer})"

    def _main_sentence(self) -> str:
        effect, chance, words = self._effect_words(), percent(self.power), str(self.details["words"])
        if self.solved_for == "power" or self.solved_for in _IMPROVED:
            return f"With {words}, {effect} is detected with {chance} probability."
        plan = str(self.details["design_words"])
        reached = f"the design to plan, {plan}, has {percent(self.power_at_design)}"
        return f"{effect[0].upper()}{effect[1:]} is detected with {chance} probability by {words}; {reached}."

    def _test_sentence(self) -> str:
        parts = [self.method] if self.std_error is None else [f"standard error {number(self.std_error)}", self.method]
        if self.size is None:
            parts.insert(0, "normal test" if math.isinf(self.df) else f"t with {number(self.df)} df")
        else:
            parts.append(f"rejecting with probability {number(self.size)} without an effect")
        return f"{str(self.details['test_words']).capitalize()} ({', '.join(parts)})."

    def _error_sentence(self) -> str:
        if self.type_m is None or self.type_s is None:
            return ""
        return (
            f"A significant estimate would exaggerate this effect {decimals(self.type_m)} times on average (type M) "
            f"and have the wrong sign with probability {small(self.type_s)} (type S)."
        )

    def _assumed(self) -> str:
        return f"Assumed: {'; '.join(self.assumptions)}." if self.assumptions else ""


_IMPROVED = {
    "effect": "this effect",
    "hazard_ratio": "this ratio",
    "rate_ratio": "this ratio",
    "odds_ratio": "this ratio",
    "b": "this path",
    "margin": "the margin",
}


def gains_sentence(result: PowerResult) -> str:
    """'One more group would bring power to 79.1 %; one more member a group to 77.2 %.'"""
    parts = []
    for gain in result.gains:
        found = gain[result.solved_for] if result.solved_for in gain else gain["power"]
        to = percent(found) if "power" in gain else " to ".join(map(number, found if isinstance(found, tuple) else (found,)))
        parts.append(f"{gain['change']} to {to}")
    if not parts:
        return ""
    what = _IMPROVED.get(result.solved_for, "power")
    return (
        f"{parts[0][0].upper()}{parts[0].replace(' to ', f' would bring {what} to ', 1)[1:]}"
        + "".join(f"; {p}" for p in parts[1:])
        + "."
    )


def _read(value: Any) -> Any:
    """A stored value as it was: lists become tuples, 'inf' a number."""
    if isinstance(value, (list, tuple)):
        return tuple(_read(v) for v in value)
    if isinstance(value, Mapping):
        return {k: _read(v) for k, v in value.items()}
    return {"inf": math.inf, "-inf": -math.inf}.get(value, value) if isinstance(value, str) else value
