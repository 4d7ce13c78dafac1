"""Stage 2 of blinding: the whole plan on the real data with arms that are made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trialkit.design.stream import checked_seed
from trialkit.plan.blinding.made_up import made_up
from trialkit.plan.locking.status import status_of_run
from trialkit.plan.run import run_plan
from trialkit.results import Note

if TYPE_CHECKING:
    from trialkit.design.base import Design
    from trialkit.plan.record import PlanRecord
    from trialkit.report.save import Report

__all__ = ["run_rerandomized"]


def run_rerandomized(
    plan: PlanRecord,
    data: Any,
    *,
    seed: int,
    icc: float | None = None,
    take_up: float | None = None,
    design: Design | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    now: str | None = None,
) -> Report:
    """Run every planned analysis on the real data with arms drawn anew by the plan's design: the report as it will be, without its answer.

    Arm, group, facilitator and take-up are taken out of the data before anything is computed, and so is every column that the plan does not name; they may
    be absent already. The design draws arms and groups in the planned ratio, not in that of the data; members of a made-up group are made alike at the
    assumed ICC, by exchange of outcomes, so that every value is one that somebody has. Take-up is made up at the assumed share.

    Parameters
    ----------
    plan : a `tk.Plan`. data : a path or any data frame.
    seed : required; another seed gives another made-up trial.
    icc, take_up : instead of the plan's assumptions. design : instead of the plan's [design].
    progress, now : as in `Plan.run`.

    Returns
    -------
    Report
        Marked 'BLINDED: arms are made up' on every section. `save` writes it.

    Raises
    ------
    DataError, PlanError, DesignError, EstimationError
        With the remedy.

    Notes
    -----
    Nothing planned for the trial's own arms is told: no count, loss or mean by real arm. What stays real is about everyone together: reliability, the
    share without an outcome, the spread of the outcomes.

    Examples
    --------
    >>> run_rerandomized(plan, "wave1.sav", seed=1).save("blinded")                  # doctest: +SKIP
    """
    number = checked_seed(seed)
    ready = made_up(plan.spec, data, seed=number, folder=plan.folder, icc=icc, take_up=take_up, design=design)
    content = run_plan(
        plan.spec, ready.redrawn(1), lock=status_of_run(plan), folder=plan.folder, plan_name=plan.name, progress=progress, now=now
    )
    said = {
        "mark": "rerandomized", "seed": number, "icc": ready.icc if plan.spec.grouped_arms else None,
        "take_up": ready.take_up if plan.spec.data.uptake is not None else None, "left_out": len(ready.left_out),
    }  # fmt: skip
    file = content.data.get("file", "data")
    return replace(
        content,
        blinding=said,
        notes=(Note("made_up", _told(ready.icc, bool(plan.spec.grouped_arms))), *content.notes),
        command=f"trialkit blind rerandomized {plan.name} {file} --seed {number}",
    )


def _told(icc: float, grouped: bool) -> str:
    first = "arms were drawn anew by the plan's design; columns that would tell the real ones, and those that the plan does not name, were taken out first"
    return first + (f"; made-up groups have an intraclass correlation of {icc:g} in expectation." if grouped else ".")
