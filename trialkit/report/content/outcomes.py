"""What a report says of an arm and of an outcome, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trialkit.report.content.stored import stored_table_if_any
from trialkit.results import Result, TableResult, plain

Verdict = Literal[
    "worthwhile_benefit",  # whole interval at or beyond the smallest worthwhile effect
    "benefit_size_uncertain",  # interval beyond zero; the smallest worthwhile effect inside it (or none stated)
    "benefit_too_small",  # interval beyond zero but wholly below the smallest worthwhile effect
    "no_worthwhile_difference",  # interval around zero, wholly inside +- the smallest worthwhile effect
    "inconclusive",  # interval around zero and wider than that
    "harm",  # interval beyond zero on the wrong side
]


@dataclass(frozen=True)
class ArmContent:
    """An arm as the reader knows it."""

    name: str
    label: str
    control: bool
    grouped: bool


@dataclass(frozen=True)
class OutcomeContent:
    """One planned outcome with everything reported on it.

    `estimates` of `result` carry `p_adjusted` in `extra` where the plan asks for a correction. `worthwhile` is in outcome units
    and positive towards `better`; None when the plan names none. `verdicts` has one entry a row of `result`. `few_groups` is the effect by
    every method for few groups; `index` how an index was made (as `tk.index` tells it).
    """

    name: str
    label: str
    role: Literal["primary", "secondary", "exploratory"]
    family: str
    estimand: str
    measure: str
    better: Literal["higher", "lower"] | None
    worthwhile: float | None
    result: Result
    verdicts: tuple[Verdict, ...]
    effect_size: Result | None = None
    companions: Mapping[str, Result] = field(default_factory=dict)
    attrition: TableResult | None = None
    icc: Mapping[str, Any] = field(default_factory=dict)
    column: str = ""
    few_groups: TableResult | None = None
    index: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name, "label": self.label, "role": self.role, "family": self.family, "estimand": self.estimand,
            "measure": self.measure, "better": self.better, "worthwhile": self.worthwhile, "column": self.column,
            "verdicts": list(self.verdicts), "result": self.result.to_dict(),
            "effect_size": None if self.effect_size is None else self.effect_size.to_dict(),
            "companions": {k: r.to_dict() for k, r in self.companions.items()},
            "attrition": None if self.attrition is None else self.attrition.to_dict(), "icc": plain(self.icc),
            "few_groups": None if self.few_groups is None else self.few_groups.to_dict(), "index": plain(self.index),
        }  # fmt: skip

    @staticmethod
    def from_dict(o: Mapping[str, Any]) -> OutcomeContent:
        """What `to_dict` wrote."""
        return OutcomeContent(
            name=o["name"], label=o["label"], role=o["role"], family=o["family"], estimand=o["estimand"], measure=o["measure"],
            better=o["better"], worthwhile=o["worthwhile"], result=Result.from_dict(o["result"]), verdicts=tuple(o["verdicts"]),
            effect_size=None if o["effect_size"] is None else Result.from_dict(o["effect_size"]),
            companions={k: Result.from_dict(r) for k, r in o["companions"].items()},
            attrition=stored_table_if_any(o["attrition"]), icc=o["icc"], column=o["column"],
            few_groups=stored_table_if_any(o.get("few_groups")), index=o.get("index", {}),
        )  # fmt: skip
