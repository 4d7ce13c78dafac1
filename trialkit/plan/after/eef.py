"""What the Education Endowment Foundation's guidance for evaluators asks of each outcome, gathered from the planned analyses.

Not checked against the source: the lines are from memory of the statistical guidance of 2022, which should be read before a report to the Foundation.
They are g on the total variance with an interval that knows the groups, the intraclass correlation of outcome and pretest, missingness by arm, and the
effect among those who took it up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from trialkit.errors import TrialkitError
from trialkit.estimate.effect_sizes.effect_size import standardize
from trialkit.estimate.icc import achieved_icc
from trialkit.estimate.take_up.cace import cace
from trialkit.report.content import OutcomeContent
from trialkit.results import Estimate, Result, TableResult

if TYPE_CHECKING:
    from trialkit.plan.planned.prepare import Prepared
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["eef_table"]

DIFFERENCES = ("mean_difference", "risk_difference")


def eef_table(spec: PlanSpec, ready: Prepared, outcomes: tuple[OutcomeContent, ...]) -> tuple[TableResult, list[str]]:
    """Rows of outcome, line ('hedges_g', 'icc', 'icc_pretest', 'missing', 'cace', 'first_stage'), where (a contrast or an arm), estimate, conf_low, conf_high, n.

    Also what could not be had, in words.
    """
    rows: list[dict[str, Any]] = []
    left_out: list[str] = []
    for o in outcomes:
        planned = spec.outcome(o.name)
        found = [*_size(o), *_correlations(spec, ready, o, planned), *_missing(o), *_compliers(spec, ready, o, planned, left_out)]
        rows += [{"outcome": o.name, **row} for row in found]
    return TableResult((), (), {"standard": "eef"}, tuple(rows)), left_out


def _line(line: str, where: str, value: Any, low: Any = math.nan, high: Any = math.nan, n: Any = None) -> dict[str, Any]:
    return {"line": line, "where": where, "estimate": float(value), "conf_low": float(low), "conf_high": float(high), "n": n}


def _of(line: str, e: Estimate) -> dict[str, Any]:
    return _line(line, e.contrast, e.estimate, e.conf_low, e.conf_high, e.n)


def _size(o: OutcomeContent) -> Iterator[dict[str, Any]]:
    """g by the pooled SD of the people of both arms: between and within groups together, not adjusted for anything."""
    if o.effect_size is None:
        return
    for e in standardize(o.result, "hedges_g", standardizer="pooled", interval="t").estimates:
        yield _of("hedges_g", e)


def _correlations(spec: PlanSpec, ready: Prepared, o: OutcomeContent, planned: Outcome) -> Iterator[dict[str, Any]]:
    for where, entry in o.icc.items():
        yield _line("icc", str(where), entry["icc"], n=entry["units"])
    pretest = spec.baseline_column(planned)
    if pretest is not None and o.icc:
        for where, entry in achieved_icc(ready.trial, pretest).items():
            yield _line("icc_pretest", str(where), entry["icc"], n=entry["units"])


def _missing(o: OutcomeContent) -> Iterator[dict[str, Any]]:
    for row in () if o.attrition is None else o.attrition.table:
        yield _line("missing", str(row["arm"]), row["rate"], n=int(row["lost"]))


def _compliers(
    spec: PlanSpec, ready: Prepared, o: OutcomeContent, planned: Outcome, left_out: list[str]
) -> Iterator[dict[str, Any]]:
    """The effect among those who took it up, where the plan says who did: as planned, or made here for the primary outcomes."""
    if spec.data.uptake is None or o.role != "primary" or o.measure not in DIFFERENCES:
        return
    try:
        found: Result = o.companions.get("cace") or cace(
            ready.trial, spec.value_column(planned), uptake=spec.data.uptake, adjust=spec.adjust_for(planned),
            covariate_missing=spec.analysis.covariate_missing, conf_level=spec.analysis.conf_level,
        )  # fmt: skip
    except TrialkitError as error:
        left_out.append(f"'{o.label or o.name}', effect among those who took it up: {error}")
        return
    for e in found.estimates:
        yield _of("cace", e)
        f = found.details["contrasts"].get(e.contrast, {}).get("effective_f")
        if f is not None:
            yield _line("first_stage", e.contrast, f, n=e.n)
