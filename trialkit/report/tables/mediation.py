"""The tables on effects through an intermediate step, unrounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from trialkit.report.content import ReportContent
from trialkit.report.content.mediation import MediationContent, share_withheld
from trialkit.results import Result


def mediation_frames(content: ReportContent) -> dict[str, pd.DataFrame]:
    """Effects, paths, the curve over the correlation of errors, and E-values: one row each, with outcome and step in front."""
    made = [m for m in content.mediation if m.result is not None]
    return {
        "mediation": _frame((m, _effects(m.result)) for m in made if m.result is not None),
        "mediation_paths": _frame((m, m.result.details["paths"]) for m in made if m.result is not None),
        "mediation_sensitivity": _frame((m, m.sensitivity.table) for m in made if m.sensitivity is not None),
        "mediation_evalues": _frame((m, m.evalues.table) for m in made if m.evalues is not None),
    }


def _effects(result: Result) -> list[dict[str, Any]]:
    """Effects, without a share that a report withholds; results.json has it with its note."""
    return [e.row() for e in result.estimates if e.estimand != "proportion" or not share_withheld(result)]


def _frame(parts: Iterable[tuple[MediationContent, Iterable[Mapping[str, Any]]]]) -> pd.DataFrame:
    return pd.DataFrame([{"name": m.outcome, "mediator": m.mediator, "arm": m.arm} | dict(r) for m, rows in parts for r in rows])
