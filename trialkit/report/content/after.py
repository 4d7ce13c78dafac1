"""What a report carries for the documents after the analysis, as data: facts of the plan, its tests one by one, and what standards of evidence make of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trialkit.report.content.stored import stored_table_if_any
from trialkit.results import Result, TableResult, plain


@dataclass(frozen=True)
class AfterContent:
    """Empty where a report was made without a plan or by an earlier version.

    Attributes
    ----------
    plan : what checklists ask of the plan (scheme, strata, sample size, outcomes, rules).
    tests : the populated plan, a row a planned test. wwc : attrition, baseline and rating of the What Works Clearinghouse. eef : lines that the Education
        Endowment Foundation asks for. other_form : by outcome of yes and no, the ratio beside the difference or the difference beside the ratio.
    left_out : what could not be had, and why.
    """

    plan: Mapping[str, Any] = field(default_factory=dict)
    tests: TableResult | None = None
    wwc: TableResult | None = None
    eef: TableResult | None = None
    other_form: Mapping[str, Result] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        tables = {k: None if (r := getattr(self, k)) is None else r.to_dict() for k in ("tests", "wwc", "eef")}
        return {
            "plan": plain(self.plan), **tables, "other_form": {k: r.to_dict() for k, r in self.other_form.items()}, "left_out": list(self.left_out),
        }  # fmt: skip

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> AfterContent:
        """What `to_dict` wrote."""
        return AfterContent(
            plan=content["plan"],
            **{k: stored_table_if_any(content[k]) for k in ("tests", "wwc", "eef")},
            other_form={k: Result.from_dict(r) for k, r in content["other_form"].items()},
            left_out=tuple(content["left_out"]),
        )
