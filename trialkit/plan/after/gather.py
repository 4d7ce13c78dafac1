"""What a run adds to its content for the documents after the analysis."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from trialkit.plan.after.eef import eef_table
from trialkit.plan.after.facts import plan_facts
from trialkit.plan.after.populated import populated_plan
from trialkit.plan.after.relative import absolute_and_relative
from trialkit.plan.after.standards import wwc_table
from trialkit.report.content.after import AfterContent
from trialkit.report.save import Report

if TYPE_CHECKING:
    from trialkit.plan.planned.prepare import Prepared
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["with_documents_after"]


def with_documents_after(spec: PlanSpec, ready: Prepared, content: Report) -> Report:
    """The content with the populated plan, the verdicts and what checklists ask of the plan."""
    other, no_other = absolute_and_relative(spec, ready, content.outcomes)
    wwc, no_wwc = wwc_table(spec, ready, content.outcomes)
    eef, no_eef = eef_table(spec, ready, content.outcomes)
    after = AfterContent(
        plan=plan_facts(spec),
        tests=populated_plan(spec, content),
        wwc=wwc if wwc.table else None,
        eef=eef if eef.table else None,
        other_form=other,
        left_out=(*no_other, *no_wwc, *no_eef),
    )
    least = spec.report.minimum_cell
    return replace(content, after=_discreet(after, _few_lost(content, least)) if least >= 2 else after)


def _few_lost(content: Report, least: int) -> frozenset[str]:
    """Outcomes on which an arm lost so few that the report withholds the number."""
    return frozenset(
        o.name for o in content.outcomes if o.attrition is not None and any(0 < r["lost"] < least for r in o.attrition.table)
    )


def _discreet(after: AfterContent, few_lost: frozenset[str]) -> AfterContent:
    """Where small counts are withheld: without what says the same shares or losses in another way."""
    adjusted = {name: r for name, r in after.other_form.items() if r.details.get("adjust")}
    hidden = dict.fromkeys(("overall", "differential", "boundary", "margin"), math.nan)
    rows = () if after.wwc is None else (r for r in after.wwc.table if r["row"] != "baseline")
    kept = tuple({**r, **{k: v for k, v in hidden.items() if k in r}} if r["outcome"] in few_lost else r for r in rows)
    wwc = None if after.wwc is None else replace(after.wwc, table=kept)
    eef = None if after.eef is None else replace(after.eef, table=tuple(r for r in after.eef.table if r["line"] != "missing"))
    return replace(after, other_form=adjusted, wwc=wwc, eef=eef)
