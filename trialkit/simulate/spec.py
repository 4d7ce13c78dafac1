"""Scenario files: parameters with their provenance, the parts they belong to, columns, outcomes and targets.

Every number of a part is written as a table `{ value = ..., status = ..., ... }`, so that no number is without its origin:
'review' (the review says so), 'source' (verified in the publication), 'assumed' (ours).
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import Field, SerializeAsAny, ValidationError, model_validator

from trialkit.errors import PlanError, UsageError, nearest, shown
from trialkit.misuse import explained
from trialkit.simulate import components  # noqa: F401  (registers its parts)
from trialkit.simulate.components.answers import Items
from trialkit.simulate.parts import PARTS, Part, Spec

__all__ = [
    "Column",
    "OutcomeSpec",
    "Parameter",
    "ScenarioSpec",
    "Target",
    "load_scenario",
    "plan_of",
    "scenario_keys",
    "scenario_text",
]

Metric = Literal["difference", "standardized", "mean_ratio", "odds_ratio", "log_odds_ratio", "log_odds_d", "control_mean"]


class Parameter(Spec):
    """A number of the scenario and where it comes from."""

    where: str
    value: Any
    review_value: Any = None
    source_value: Any = None
    source: str = ""
    status: Literal["review", "source", "assumed"]


class Column(Spec):
    """A column of the data, or with `items` all answers of an items part; in the order of the file."""

    name: str = ""
    items: str = ""
    label: str
    kind: Literal["integer", "text"] = "integer"
    values: str = ""
    wave: str = ""

    @model_validator(mode="after")
    def _one(self) -> Column:
        if bool(self.name) == bool(self.items):
            raise ValueError("a column has a name, or items with the name of an items part")
        return self


class OutcomeSpec(Spec):
    """An outcome whose truth is computed: the score of an items part, a 0/1 column, or with kind 'number' a column of amounts
    and with 'effect' one of effects of studies, which has differences only. `name` is that of the plan."""

    name: str
    score: str = ""
    column: str = ""
    label: str
    kind: Literal["", "number", "effect"] = ""

    @model_validator(mode="after")
    def _one(self) -> OutcomeSpec:
        if bool(self.score) == bool(self.column):
            raise ValueError("an outcome has a score (an items part) or a column")
        if self.kind and not self.column:
            raise ValueError(f"kind = '{self.kind}' is for a column; a score is a number anyway")
        return self

    @property
    def binary(self) -> bool:
        """Whether it is a share rather than a score."""
        return bool(self.column) and not self.kind


class Target(Spec):
    """A truth that a parameter was tuned to, as in 'self_efficacy_t1.effect' or, an entry of a table, 'boost.effects.interest'.
    With more than two arms it names the `arm` that is compared with control."""

    outcome: str
    metric: Metric
    estimand: Literal["ITT", "complier"] = "ITT"
    arm: str = ""
    parameter: str
    value: float


class ScenarioSpec(Spec):
    """A scenario: who, which trial, which truths, and the provenance of every number.

    Examples
    --------
    >>> spec = load_scenario("klier_2019")
    >>> spec.people, spec.arms
    (1400, ('individual', 'peer'))
    """

    schema_version: Literal[1]
    key: str
    version: str
    title: str
    study: str
    design: str
    people: int = Field(ge=4)
    unit: str
    unit_prefix: str
    arms: Annotated[tuple[str, ...], Field(min_length=2)]
    parts: tuple[SerializeAsAny[Part], ...]
    columns: tuple[Column, ...]
    outcomes: tuple[OutcomeSpec, ...]
    targets: tuple[Target, ...] = ()
    provenance: tuple[Parameter, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> ScenarioSpec:
        names = [p.name for p in self.parts]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"two parts are called {shown(twice)}; the name decides the random numbers, so give each its own")
        for name in [*(c.items for c in self.columns if c.items), *(o.score for o in self.outcomes if o.score)]:
            self.items_part(name)
        if len(set(self.arms)) < len(self.arms):
            raise ValueError(f"arms {shown(self.arms)} must have different names")
        if self.several_arms:
            for part in self.parts:
                if part.two_arms:
                    raise ValueError(
                        f"part '{part.name}' ({part.part}) knows two arms and there are {len(self.arms)}; 'allocation' assigns to several, "
                        "'armeffect' has effects by arm"
                    )
        for target in self.targets:
            self._checked_arm(target)
        return self

    def _checked_arm(self, target: Target) -> None:
        compared = self.several_arms and target.metric != "control_mean"
        if compared and target.arm not in self.arms[1:]:
            raise ValueError(
                f"target '{target.parameter}' needs arm, one of {shown(self.arms[1:])}, because there are several arms"
            )
        if target.arm and not compared:
            raise ValueError(
                f"target '{target.parameter}' has arm = '{target.arm}', but there is nothing to choose from; leave arm out"
            )

    @property
    def several_arms(self) -> bool:
        """Whether there are more arms than control and one other."""
        return len(self.arms) > 2

    def part(self, name: str) -> Part:
        """The part of this name."""
        for part in self.parts:
            if part.name == name:
                return part
        near = nearest(name, [p.name for p in self.parts])
        raise PlanError(f"scenario '{self.key}' has no part '{name}'.{f' Did you mean {near!r}?' if near else ''}")

    def items_part(self, name: str) -> Items:
        """The items part of this name."""
        part = self.part(name)
        if not isinstance(part, Items):
            raise PlanError(f"part '{name}' of scenario '{self.key}' is a '{part.part}', not items.")
        return part

    @property
    def parameters(self) -> pd.DataFrame:
        """Every number with review value, source value, source and status."""
        return pd.DataFrame([p.model_dump() for p in self.provenance], columns=list(Parameter.model_fields))

    @property
    def scale_files(self) -> tuple[str, ...]:
        """Own scale files that the plan names, relative to the plan."""
        used = dict.fromkeys(p.scale for p in self.parts if isinstance(p, Items))
        return tuple(s for s in used if s.endswith(".toml"))

    @property
    def world_sha256(self) -> str:
        """Hash of all that decides the truth: parts that make people (not those that hide answers) and their scales."""
        made = [p for p in self.parts if not p.observation]
        scales = [_scored(p) for p in made if isinstance(p, Items)]
        content = {
            "parts": [p.model_dump(mode="json") for p in made],
            "scales": scales,
            "outcomes": [o.model_dump(mode="json", exclude=None if o.kind else {"kind"}) for o in self.outcomes],
            **({"arms": list(self.arms)} if self.several_arms else {}),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _scored(part: Items) -> list[Any]:
    chosen = part.spec.chosen
    return [part.spec.items, part.spec.codes.pair, list(chosen.reversed), chosen.score, chosen.multiply]


@explained
def read_scenario(text: str, name: str) -> ScenarioSpec:
    """A scenario from the text of its file; `name` is what errors call it."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as reason:
        raise PlanError(f"{name} is not valid TOML: {reason}.") from None
    found: list[dict[str, Any]] = []
    for section in ("people", "targets"):
        if section in raw:
            raw[section] = _plain(raw[section], section, found, name)
    raw["parts"] = [_part(entry, found, name) for entry in raw.get("parts", [])]
    try:
        return ScenarioSpec.model_validate(raw | {"provenance": found})
    except ValidationError as error:
        raise PlanError(f"{name}: {_mistakes(error)}") from None


def _part(entry: dict[str, Any], found: list[dict[str, Any]], name: str) -> Part:
    kind, label = str(entry.get("part")), str(entry.get("name"))
    if kind not in PARTS:
        near = nearest(kind, PARTS)
        remedy = f"did you mean '{near}'?" if near else f"there are {shown(sorted(PARTS), 20)}"
        raise PlanError(f"{name}, part '{label}': there is no part of kind '{kind}'; {remedy}")
    try:
        return PARTS[kind].model_validate({k: _plain(v, f"{label}.{k}", found, name) for k, v in entry.items()})
    except ValidationError as error:
        raise PlanError(f"{name}, part '{label}': {_mistakes(error)}") from None


def _plain(value: Any, where: str, found: list[dict[str, Any]], name: str) -> Any:
    """The value without its provenance, which is noted in `found`; a bare number is an error."""
    if isinstance(value, Mapping) and "value" in value and "status" in value:
        known = {k: value[k] for k in ("value", "review_value", "source_value", "source", "status") if k in value}
        rest = {k: v for k, v in value.items() if k not in known}
        found.append({"where": f"{where}.{rest['outcome']}.{rest['metric']}" if "outcome" in rest else where, **known})
        return {**rest, "value": value["value"]} if rest else value["value"]
    if isinstance(value, Mapping):
        return {k: _plain(v, f"{where}.{k}", found, name) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v, where, found, name) for v in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise PlanError(
            f'{name}: {where} = {value} has no origin; write {{ value = {value}, status = "assumed" }} (or review, source)'
        )
    return value


def _mistakes(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(p) for p in e['loc']) or 'the table'}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()
    )


def scenario_keys() -> tuple[str, ...]:
    """Keys of the scenarios that come with the package."""
    names = [str(entry.name) for entry in _folder().iterdir()]
    return tuple(sorted(n.removesuffix(".toml") for n in names if n.endswith(".toml") and not n.endswith(".plan.toml")))


def scenario_text(name: str) -> str:
    """Text of a file of the scenarios folder."""
    return str((_folder() / name).read_text(encoding="utf-8"))


def plan_of(key: str) -> str:
    """Text of the scenario's plan; empty when it has none."""
    path = _folder() / f"{key}.plan.toml"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


@cache
def load_scenario(key: str) -> ScenarioSpec:
    """The specification of a scenario that comes with the package."""
    if key not in scenario_keys():
        near = nearest(key, scenario_keys())
        remedy = f"Did you mean '{near}'?" if near else f"There are: {shown(scenario_keys(), 30)}."
        raise UsageError(f"there is no scenario '{key}'. {remedy}")
    return read_scenario(scenario_text(f"{key}.toml"), f"scenario '{key}'")


def _folder() -> Path:
    return Path(str(files("trialkit.simulate"))) / "scenarios"
