"""How much attrition is much: verdicts by the What Works Clearinghouse's published table, and its bias model for curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from trialkit.errors import UsageError, nearest
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.inference.attrition.wwc import (
    ASSUMPTIONS,
    MODEL_TOLERANCE,
    Assumption,
    model_bias,
    model_boundaries,
    table_boundary,
)
from trialkit.misuse import explained
from trialkit.trial import Trial


@explained
def attrition_boundary(
    overall: float | Sequence[float], *, assumption: Assumption, tolerance: float = MODEL_TOLERANCE
) -> FloatArray:
    """Differential attrition at which the Clearinghouse's model gives a bias of `tolerance` SD: for curves, not for verdicts.

    Parameters
    ----------
    overall : shares of everyone randomized who are lost.
    assumption : 'cautious' when the programme can change who leaves, 'optimistic' when it hardly can.
    tolerance : bias in SD; .055 reproduces the published table within .15 percentage point from 7 % overall on.

    Returns
    -------
    numpy.ndarray
        Shares; NaN where the bias is above the tolerance without any difference.

    Examples
    --------
    >>> import trialkit as tk
    >>> tk.selection.attrition_boundary([0.1, 0.2], assumption="cautious").round(3).tolist()
    [0.063, 0.055]
    """
    if assumption not in ASSUMPTIONS:
        near = nearest(str(assumption), ASSUMPTIONS)
        raise UsageError(
            f"assumption={assumption!r} is unknown: it is 'cautious' or 'optimistic'.{f' Did you mean {near!r}?' if near else ''}"
        )
    rates = np.atleast_1d(np.asarray(overall, dtype=float))
    if not ((rates >= 0) & (rates <= 1)).all():
        raise UsageError(f"overall={rates.tolist()} must be shares between 0 and 1: write 0.2 for 20 %.")
    if not tolerance > 0:
        raise UsageError(f"tolerance={tolerance} must be above 0, such as 0.055 (SD).")
    return model_boundaries(overall=rates, assumption=assumption, tolerance=tolerance)


def wwc_rows(trial: Trial, lost: BoolArray) -> list[dict[str, Any]]:
    """A verdict for each arm against control under either assumption; in trials of clusters for clusters and for the people in those that stayed."""
    out = []
    for arm in range(1, len(trial.arms)):
        contrast = f"{trial.arms[arm]} - {trial.arms[0]}"
        for level, arms, gone in _levels(trial, lost):
            counts = [(int((arms == a).sum()), int(gone[arms == a].sum())) for a in (arm, 0)]
            if min(n for n, _ in counts) == 0:
                continue
            out += [_verdict(contrast, level, counts, assumption) for assumption in ASSUMPTIONS]
    return out


def _levels(trial: Trial, lost: BoolArray) -> list[tuple[str, Any, BoolArray]]:
    if trial.cluster is None:
        return [("people", trial.arm_codes, lost)]
    cluster = trial.codes(trial.cluster)
    _, first, code = np.unique(cluster, return_index=True, return_inverse=True)
    code = code.reshape(-1)
    empty = np.bincount(code, weights=~lost) == 0
    stayed = ~empty[code]
    return [("clusters", trial.arm_codes[first], empty), ("people", trial.arm_codes[stayed], lost[stayed])]


def _verdict(contrast: str, level: str, counts: list[tuple[int, int]], assumption: str) -> dict[str, Any]:
    """`margin`: percentage points between the difference and the boundary, below zero when attrition is high."""
    rates = [gone / n for n, gone in counts]
    overall = sum(gone for _, gone in counts) / sum(n for n, _ in counts)
    differential = rates[0] - rates[1]
    most = table_boundary(overall, assumption)
    low = bool(abs(differential) <= most + 1e-9) if math.isfinite(most) else False
    return {
        "contrast": contrast, "level": level, "assumption": assumption, "overall": overall, "differential": differential, "boundary": most,
        "margin": 100 * (most - abs(differential)), "attrition": "low" if low else "high",
        "bias": model_bias(attrition_treated=rates[0], attrition_control=rates[1], assumption=assumption),
    }  # fmt: skip


def verdict_sentences(rows: Sequence[dict[str, Any]]) -> list[str]:
    """A sentence for each contrast and level."""
    out = []
    for first, second in zip(rows[::2], rows[1::2]):
        of = "" if first["level"] == "people" and len({r["level"] for r in rows}) == 1 else f" of {first['level']}"
        parts = [_part(r) for r in (first, second)]
        out.append(
            f"{first['contrast']}: {100 * first['overall']:.1f}% lost{of} overall, a difference of {100 * first['differential']:+.1f} points. By the What Works "
            f"Clearinghouse's table attrition is {parts[0]}, {'and' if first['attrition'] == second['attrition'] else 'but'} {parts[1]}."
        )
    return out


def _part(row: dict[str, Any]) -> str:
    head = f"{row['attrition']} under its {row['assumption']} assumption"
    if not math.isfinite(row["boundary"]):
        return f"{head} (no difference is small enough at this overall rate)"
    gap = row["margin"]
    side = f"{gap:.1f} points inside" if gap >= 0 else f"{-gap:.1f} points beyond"
    return f"{head} ({side} the boundary of {100 * row['boundary']:.1f})"
