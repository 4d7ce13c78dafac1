"""What the What Works Clearinghouse's rules make of a trial: attrition, baseline equivalence, and the rating that they leave open.

A randomized trial with low attrition can meet the standards without reservations. With high attrition it can meet them with reservations when those analysed
are alike at baseline: |g| up to .05 is alike, up to .25 is alike once the analysis adjusts for it, above .25 is not. Source: What Works Clearinghouse,
Standards Handbook 4.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from trialkit.inference.attrition.wwc import ASSUMPTIONS
from trialkit.results import Note, TableResult
from trialkit.selection.attrition.boundary import wwc_rows
from trialkit.selection.attrition.breakdown import checked_names, observed
from trialkit.selection.standards.baseline import differences
from trialkit.trial import Trial

ALIKE, ADJUSTABLE = 0.05, 0.25


def wwc_rating(
    trial: Trial,
    outcome: str,
    *,
    baseline: Sequence[str] = (),
    pretest: str | None = None,
    adjusted: Sequence[str] = (),
) -> TableResult:
    """The rating that attrition and baseline differences leave open, and how far it is from the next one.

    Parameters
    ----------
    trial : everyone randomized. outcome : the column whose missing values are the losses.
    baseline : columns measured before randomization that those analysed are compared on.
    pretest : the outcome itself before randomization. Where there is one it decides on equivalence, and the other columns are shown; without one the
        largest difference of `baseline` decides. A review protocol may ask for other columns.
    adjusted : columns that the analysis adjusts for.

    Returns
    -------
    TableResult
        Rows of three kinds (`row`): 'attrition' (contrast, level, assumption, overall, differential, boundary, margin in percentage points, verdict 'low' or
        'high'); 'baseline' (contrast, variable, value, g, margin to the next boundary in SD, adjusted, n, verdict 'alike', 'alike_adjusted',
        'needs_adjustment', 'apart', 'unknown'); 'rating' (contrast, assumption, decided_by, margin, unit 'points' or 'sd', verdict 'without_reservations', 'with_reservations',
        'does_not_meet', 'unknown').

    Notes
    -----
    The cautious assumption is for programmes that can change who leaves. Whether assignment was compromised and whether one thing differs besides the programme
    (a confound, such as one leader for all groups) are judged by people: the rating here is the best that attrition and baseline allow.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 50, "y0": np.arange(100.0), "y1": np.arange(100.0)})
    >>> found = wwc_rating(tk.Trial(d, arm="arm", control="solo"), "y1", pretest="y0")
    >>> found.tidy().query("row == 'rating'")["verdict"].tolist()
    ['without_reservations', 'without_reservations']
    """
    lost = ~observed(trial, outcome)
    attrition = [_attrition(r) for r in wwc_rows(trial, lost)]
    names = list(dict.fromkeys([*([pretest] if pretest else []), *checked_names(baseline, "baseline")]))
    rows: list[dict[str, Any]] = []
    for arm in range(1, len(trial.arms)):
        contrast = f"{trial.arms[arm]} - {trial.arms[0]}"
        losses = [r for r in attrition if r["contrast"] == contrast]
        measured = [_baseline(trial, name, contrast, arm, lost, name in adjusted) for name in names]
        flat = [r for of_name in measured for r in of_name]
        deciding = [r for r in flat if r["variable"] == pretest] if pretest else flat
        rows += [*losses, *flat, *(_rating(contrast, a, losses, deciding) for a in ASSUMPTIONS)]
    notes = _notes(rows, pretest)
    return TableResult(
        (), tuple(notes), {"outcome": outcome, "pretest": pretest, "arms": [str(a) for a in trial.arms]}, tuple(rows)
    )


def _attrition(r: dict[str, Any]) -> dict[str, Any]:
    kept = ("contrast", "level", "assumption", "overall", "differential", "boundary", "margin")
    return {"row": "attrition", **{k: r[k] for k in kept}, "verdict": r["attrition"]}


def _baseline(trial: Trial, name: str, contrast: str, arm: int, lost: Any, adjusted: bool) -> list[dict[str, Any]]:
    out = []
    for value, g, n in differences(trial, name, arm, ~lost):
        verdict, margin = _alike(g, adjusted)
        out.append(
            {"row": "baseline", "contrast": contrast, "variable": name, "value": value, "g": g, "margin": margin, "adjusted": adjusted, "n": n, "verdict": verdict}
        )  # fmt: skip
    return out


def _alike(g: float, adjusted: bool) -> tuple[str, float]:
    """The verdict, and the distance in SD to the boundary above it (above .25: below zero, to .25)."""
    size = abs(g)
    if not math.isfinite(size):
        return "unknown", math.nan
    if size <= ALIKE:
        return "alike", ALIKE - size
    if size <= ADJUSTABLE:
        return "alike_adjusted" if adjusted else "needs_adjustment", ADJUSTABLE - size
    return "apart", ADJUSTABLE - size


# from good to bad: the last one found decides
_ORDER = ("alike", "alike_adjusted", "unknown", "needs_adjustment", "apart")


def _rating(
    contrast: str, assumption: str, losses: Sequence[dict[str, Any]], deciding: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    mine = [r for r in losses if r["assumption"] == assumption]
    row = {"row": "rating", "contrast": contrast, "assumption": assumption}
    if mine and all(r["verdict"] == "low" for r in mine):
        return row | {
            "decided_by": "attrition",
            "margin": min(r["margin"] for r in mine),
            "unit": "points",
            "verdict": "without_reservations",
        }
    if not deciding:
        return row | {"decided_by": "", "margin": math.nan, "unit": "", "verdict": "unknown"}
    worst = max(deciding, key=lambda r: (_ORDER.index(r["verdict"]), abs(r["g"]) if math.isfinite(r["g"]) else 0.0))
    rating = {"alike": "with_reservations", "alike_adjusted": "with_reservations", "unknown": "unknown"}
    said = worst["variable"] + (f" = {worst['value']}" if worst["value"] else "")
    return row | {
        "decided_by": said,
        "margin": worst["margin"],
        "unit": "sd",
        "verdict": rating.get(worst["verdict"], "does_not_meet"),
    }


def _notes(rows: Sequence[dict[str, Any]], pretest: str | None) -> list[Note]:
    notes = []
    unknown = [
        r["variable"] + (f" = {r['value']}" if r["value"] else "")
        for r in rows
        if r["row"] == "baseline" and r["verdict"] == "unknown"
    ]
    if unknown:
        notes.append(
            Note(
                "baseline_unknown",
                f"no difference is defined for {', '.join(dict.fromkeys(unknown))}: no variation, or a share of 0 or 1 in one arm.",
            )
        )
    if pretest is None and any(r["row"] == "rating" and r["unit"] == "sd" for r in rows):
        notes.append(
            Note("no_pretest", "the outcome was not measured before randomization: the largest difference at baseline decides.")
        )
    return notes
