"""Worst-case bounds of Horowitz and Manski: everyone who is lost could have any value of the outcome's range.

The lower bound fills in the least value for the treated and the greatest for control, the upper bound the other way round; each is a difference in means of
an outcome without missing values, with the variance of the trial's design. No assumption about who is lost is made. Source: Horowitz & Manski (2000), Journal of the
American Statistical Association 95; Imbens & Manski (2004) for the interval.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from trialkit.errors import EstimationError, UsageError, ValueTypeError
from trialkit.estimate.itt import itt
from trialkit.estimate.request import checked_level
from trialkit.inference.arrays import FloatArray
from trialkit.misuse import explained
from trialkit.results import Estimate, Note
from trialkit.selection.bounds.people import checked_outcome, checked_outcomes, is_clustered, pairs, person_weights
from trialkit.selection.bounds.result import BoundsResult, interval, undefined_note
from trialkit.trial import Trial, rows_text

ESTIMAND = "participant-average ITT"


@explained
def manski_bounds(
    trial: Trial,
    outcome: str | list[str] | tuple[str, ...],
    *,
    support: tuple[float, float] | None = None,
    contrasts: Literal["control", "all"] = "control",
    conf_level: float = 0.95,
) -> BoundsResult:
    """Bounds of the effect on everyone randomized, from the range of the outcome alone.

    Parameters
    ----------
    trial : everyone randomized. outcome : column, or several with one range.
    support : least and greatest value that the outcome can have, as (1, 4) of a rating; (0, 1) by default for an outcome of 0 and 1. The range of the
        scale, not of the data.
    contrasts : each arm against 'control', or 'all' pairs.
    conf_level : of Imbens and Manski's interval of the effect.

    Returns
    -------
    BoundsResult
        Standard errors are those of the difference in means of the filled-in outcome under the trial's design; the interval is normal for people
        alone, and t with groups or clusters.

    Raises
    ------
    UsageError, ValueTypeError, MissingDataError
        No range for an outcome that is not 0 and 1, values outside it, nobody observed.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 10, "job": [0, 1, 1, 1, np.nan] * 4})
    >>> found = tk.selection.manski_bounds(tk.Trial(d, arm="arm", control="solo"), "job")
    >>> round(found.lower, 2), round(found.upper, 2)
    (-0.2, 0.2)
    """
    level = checked_level(conf_level)
    notes: list[Note] = []
    rows = []
    for name in checked_outcomes(outcome):
        y, said = checked_outcome(trial, name)
        notes += said
        least, greatest = _support(name, y, support)
        rows += [
            _row(trial, name, y, arm, reference, least, greatest, level, notes) for arm, reference in pairs(trial, contrasts)
        ]
    notes += undefined_note(rows)
    return BoundsResult((), tuple(dict.fromkeys(notes)), {"title": "Worst-case bounds (Horowitz & Manski)"}, tuple(rows))


def _support(outcome: str, y: FloatArray, support: tuple[float, float] | None) -> tuple[float, float]:
    known = y[np.isfinite(y)]
    if support is None:
        if not set(np.unique(known).tolist()) <= {0.0, 1.0}:
            raise UsageError(
                f"'{outcome}' needs its range: support=(least, greatest) that the scale allows, such as support=(1, 4). An outcome without limits has no "
                "worst case; use tk.selection.lee_bounds."
            )
        return 0.0, 1.0
    if len(tuple(support)) != 2 or not (math.isfinite(support[0]) and math.isfinite(support[1]) and support[0] < support[1]):
        raise UsageError(f"support={support!r} must be two numbers, the least first, such as (1, 4).")
    least, greatest = float(support[0]), float(support[1])
    outside = np.isfinite(y) & ((y < least) | (y > greatest))
    if outside.any():
        raise ValueTypeError(
            f"'{outcome}' is {y[outside][0]:g} in {rows_text(outside)}, outside support=({least:g}, {greatest:g}): widen the range, or set codes for "
            "missing answers to missing."
        )
    return least, greatest


def _row(
    trial: Trial,
    outcome: str,
    y: FloatArray,
    arm: int,
    reference: int,
    least: float,
    greatest: float,
    level: float,
    notes: list[Note],
) -> dict[str, Any]:
    seen = np.isfinite(y)
    own = trial.arm_codes == arm
    ends = []
    for mine, other in ((least, greatest), (greatest, least)):
        filled = np.where(seen, y, np.where(own, mine, other))
        ends.append(_difference(trial, outcome, filled, arm, reference, level, notes))
    low, high = ends
    df = min(low.df, high.df) if is_clustered(trial) else math.inf
    errors = [0.0 if math.isnan(e.std_error) else e.std_error for e in ends]
    conf = interval(lower=low.estimate, upper=high.estimate, se_lower=errors[0], se_upper=errors[1], df=df, conf_level=level)
    weights = person_weights(trial)[0]
    w = np.ones(trial.n) if weights is None else weights
    inside = (own | (trial.arm_codes == reference)) & (w > 0)
    arms = [trial.arm_codes == c for c in (arm, reference)]
    shares = [float(w[seen & a].sum() / w[a].sum()) for a in arms]
    means = [float(w[seen & a] @ y[seen & a] / w[seen & a].sum()) if s else math.nan for a, s in zip(arms, shares)]
    return {
        "outcome": outcome, "contrast": low.contrast, "observed_difference": means[0] - means[1], "share_observed_arm": shares[0],
        "share_observed_control": shares[1], "n": int(inside.sum()), "n_observed": int((seen & inside).sum()), "n_clusters": low.n_clusters,
        "n_groups": low.n_groups, "estimand": ESTIMAND, "lower": low.estimate, "upper": high.estimate, "se_lower": low.std_error,
        "se_upper": high.std_error, "df": df, "effect_conf_low": conf[0], "effect_conf_high": conf[1], "conf_level": level, "trim": 0.0,
        "trimmed_arm": "", "method": f"worst cases, {low.method}",
        "assumption": f"those lost could have any value from {least:g} to {greatest:g}",
    }  # fmt: skip


def _difference(
    trial: Trial, outcome: str, filled: FloatArray, arm: int, reference: int, level: float, notes: list[Note]
) -> Estimate:
    result = itt(
        trial.with_columns({outcome: filled}),
        outcome,
        estimator="difference_in_means",
        contrasts="all" if reference else "control",
        conf_level=level,
    )
    notes += [n for n in result.notes if n.code not in ("outcome_missing",)]
    wanted = [arm, reference]
    found = [e for e, pair in zip(result.estimates, result.details["contrasts"]) if list(pair) == wanted]
    if not found:
        raise EstimationError(f"the contrast of {trial.arms[arm]!r} and {trial.arms[reference]!r} could not be computed.")
    return found[0]
