"""The tables of what follows an analysis, as data frames."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from trialkit.report.checklists.marks import concerning
from trialkit.report.content import ReportContent
from trialkit.report.content.people import counted
from trialkit.results import Estimate


def after_frames(content: ReportContent) -> dict[str, pd.DataFrame]:
    """People behind each result, effects in their other form, the populated plan, and the rows behind the verdicts."""
    after = content.after
    tests = () if after.tests is None else after.tests.table
    return {
        "analysed": pd.DataFrame([{"name": o.name, "label": o.label} | r for o in content.outcomes for r in counted(content, o)]),
        "other_form": pd.DataFrame([_named(e, r.details.get("measure")) for r in after.other_form.values() for e in r.estimates]),
        "planned_tests": pd.DataFrame([dict(r) | {"deviation": ", ".join(concerning(content, r, "not logged"))} for r in tests]),
        "wwc": pd.DataFrame([] if after.wwc is None else [dict(r) for r in after.wwc.table]),
        "eef": pd.DataFrame([] if after.eef is None else [dict(r) for r in after.eef.table]),
    }


def _named(e: Estimate, measure: object) -> dict[str, object]:
    return {"measure": str(measure)} | replace(e, extra={}).row()
