"""How much attrition a planned trial can bear before it loses a rating of the What Works Clearinghouse."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trialkit.errors import UsageError
from trialkit.inference.attrition.wwc import ASSUMPTIONS, TABLE, table_boundary
from trialkit.results import TableResult

DIFFERENCES = (0.02, 0.04, 0.06)


def attrition_room(attrition: float, *, differences: Sequence[float] = DIFFERENCES) -> TableResult:
    """The largest difference in losses that is low at the planned attrition, and the attrition that loses the rating at a difference between the arms.

    Parameters
    ----------
    attrition : share of everyone randomized that is expected to be lost.
    differences : shares by which the arms may differ in losses.

    Returns
    -------
    TableResult
        A row an assumption ('cautious', 'optimistic') and difference: attrition, boundary (the largest low difference there; NaN where none is),
        difference, lost_from (the smallest overall attrition, a whole percent, at which that difference is high; NaN where it always is), room
        (lost_from - attrition).

    Raises
    ------
    UsageError
        An attrition outside 0 to 1, or a difference that is none.

    Notes
    -----
    By the published table (Standards Handbook 4.1, table II.1). Its boundary rises a little up to about 10 % overall and falls from there; the rating is lost
    where it stays below the difference.

    Examples
    --------
    >>> found = attrition_room(0.15, differences=[0.05]).tidy()
    >>> found[["assumption", "boundary", "lost_from"]].round(3).values.tolist()
    [['cautious', 0.059, 0.24], ['optimistic', 0.107, 0.45]]
    """
    if not 0 <= attrition < 1:
        raise UsageError(f"attrition={attrition} must be a share from 0 to below 1: write 0.15 for 15 %.")
    if any(not 0 <= d < 1 for d in differences):
        raise UsageError(f"differences={list(differences)} must be shares from 0 to below 1: write 0.05 for 5 percentage points.")
    rows = []
    for assumption in ASSUMPTIONS:
        boundary = table_boundary(attrition, assumption)
        for difference in differences:
            lost_from = _lost_from(assumption, difference)
            rows.append(
                {
                    "assumption": assumption, "attrition": attrition, "boundary": boundary, "difference": difference, "lost_from": lost_from,
                    "room": lost_from - attrition,
                }
            )  # fmt: skip
    return TableResult((), (), {"attrition": attrition}, tuple(rows))


def room_sentences(attrition: float) -> list[str]:
    """What a plan's assumed attrition leaves of the rating, in words."""
    rows = attrition_room(attrition).table
    out = []
    for assumption in ASSUMPTIONS:
        mine = [r for r in rows if r["assumption"] == assumption]
        parts = [
            f"{'the arms differ by ' if i == 0 else ''}{100 * r['difference']:g} points and {100 * r['lost_from']:.0f}% or more are lost"
            for i, r in enumerate(mine)
            if math.isfinite(r["lost_from"])
        ]
        if math.isfinite(mine[0]["boundary"]):
            head = f"at the assumed attrition of {100 * attrition:g}% the arms may differ by at most {100 * mine[0]['boundary']:.1f} points"
        else:
            head = f"the assumed attrition of {100 * attrition:g}% is high whatever the difference"
        lost = f"; the best rating is lost when {', '.join(parts[:-1])} or {parts[-1]}" if len(parts) > 1 else ""
        out.append(f"What Works Clearinghouse, {assumption} assumption: {head}{lost}.")
    return out


def _lost_from(assumption: str, difference: float) -> float:
    """The whole percent from which the boundary stays below the difference."""
    column = TABLE[assumption]
    low = [percent for percent, most in enumerate(column) if 100 * difference <= most + 1e-9]
    return (low[-1] + 1) / 100 if low else math.nan
