"""Lee's bounds beside the intensive margin: the effect on the amount of those who are above zero under either arm.

They hold when the arm moves people over zero in one direction only. Standard errors: Lee's for people alone; with groups or clusters CR2 of the
values that sum to the bounds' errors (inference/bounds/lee_bounds.py), t on the df of the grouped working covariance. The interval is Imbens & Manski's.
"""

from __future__ import annotations

import math
from typing import Any

from trialkit.estimate.outcomes.linearized import by_arm
from trialkit.estimate.parts import two_arms
from trialkit.estimate.request import Request, arm_pairs
from trialkit.estimate.sample import Sample, sample
from trialkit.inference.bounds.lee_bounds import LeeBounds, imbens_manski, lee_bounds
from trialkit.printed import number
from trialkit.results import Note
from trialkit.trial import Trial


def bounds_of_positive(trial: Trial, request: Request) -> tuple[list[dict[str, Any]], list[Note]]:
    """A row a contrast, and the first in words; none with sampling weights."""
    if trial.weights is not None:
        return [], [Note("no_lee_bounds", "Lee's bounds take no sampling weights and are left out.")]
    base = sample(trial, request.outcome, (), request.covariate_missing)
    asked = request.contrasts if isinstance(request.contrasts, str) else "control"
    rows = [_row(two_arms(base, a, b), request) for a, b in arm_pairs(len(base.arms), asked)]
    first = rows[0]
    text = (
        f"Lee's bounds of {first['contrast']} for those above zero under either arm: {number(first['lower'])} to {number(first['upper'])} "
        f"({100 * request.conf_level:g}% interval {number(first['conf_low'])} to {number(first['conf_high'])}), {100 * first['trim']:.1f} % of those above zero in "
        f"{first['trimmed_arm']} trimmed."
    )
    return rows, [Note("lee_bounds", text)]


def _row(s: Sample, request: Request) -> dict[str, Any]:
    found = lee_bounds(y=s.y, selected=s.y > 0, treated=s.arm == 1)
    se_lower, se_upper, df = _errors(s, found)
    low, high = imbens_manski(
        lower=found.lower, upper=found.upper, se_lower=se_lower, se_upper=se_upper, conf_level=request.conf_level, df=df
    )
    return {
        "contrast": f"{s.arms[1]} - {s.arms[0]}", "lower": found.lower, "upper": found.upper, "se_lower": se_lower, "se_upper": se_upper, "df": df,
        "conf_low": low, "conf_high": high, "trim": found.trim, "trimmed_arm": str(s.arms[int(found.trimmed_treated)]),
        "share_arm": float((s.y > 0)[s.arm == 1].mean()), "share_reference": float((s.y > 0)[s.arm == 0].mean()),
    }  # fmt: skip


def _errors(s: Sample, found: LeeBounds) -> tuple[float, float, float]:
    """Standard errors of the bounds, and the smaller of their df."""
    if not s.clustered:
        return found.se_lower, found.se_upper, math.inf
    ends = [by_arm(s, v, df="auto") for v in (found.values_lower, found.values_upper)]
    return ends[0].std_error, ends[1].std_error, min(e.df for e in ends)
