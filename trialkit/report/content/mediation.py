"""What a report says of effects through an intermediate step, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trialkit.report.content.stored import stored_table_if_any
from trialkit.results import Result, TableResult


@dataclass(frozen=True)
class MediationContent:
    """One planned mediation analysis in one treated arm.

    `result` is None where it could not be made; `left_out` says why, and what else could not. `sensitivity` is the curve over the correlation of errors, of linear
    models of step and outcome where `linear_curve`; `waves` are those of step and outcome in words ('' unsaid).
    """

    outcome: str
    label: str
    mediator: str
    mediator_label: str
    arm: str
    control: str
    result: Result | None
    sensitivity: TableResult | None = None
    evalues: TableResult | None = None
    linear_curve: bool = False
    waves: tuple[str, str] = ("", "")
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            **{k: getattr(self, k) for k in ("outcome", "label", "mediator", "mediator_label", "arm", "control", "linear_curve")},
            **{k: None if (r := getattr(self, k)) is None else r.to_dict() for k in ("result", "sensitivity", "evalues")},
            "waves": list(self.waves),
            "left_out": list(self.left_out),
        }

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> MediationContent:
        """What `to_dict` wrote."""
        kept = {k: v for k, v in content.items() if k not in ("result", "sensitivity", "evalues", "waves", "left_out")}
        return MediationContent(
            **kept,
            result=Result.from_dict(content["result"]) if content["result"] else None,
            sensitivity=stored_table_if_any(content["sensitivity"]),
            evalues=stored_table_if_any(content["evalues"]),
            waves=(content["waves"][0], content["waves"][1]),
            left_out=tuple(content["left_out"]),
        )


def share_withheld(result: Result) -> bool:
    """Whether the interval of the total covers no effect, so that its share through the step is not given."""
    total = next(e for e in result.estimates if e.estimand == "total")
    null = 1.0 if result.details.get("ratio") else 0.0
    return not (total.conf_low > null or total.conf_high < null)
