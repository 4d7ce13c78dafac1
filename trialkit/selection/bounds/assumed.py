"""Bounds of Kling and Liebman: those lost lie some share of an SD from their arm's mean, in opposite directions in the arms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from trialkit.errors import UsageError
from trialkit.estimate.request import checked_level
from trialkit.inference.bounds.assumed_means import assumed_mean
from trialkit.misuse import explained
from trialkit.results import Note
from trialkit.selection.bounds.people import People, checked_outcomes, pairs, people
from trialkit.selection.bounds.result import BoundsResult, interval, undefined_note
from trialkit.trial import Trial

ESTIMAND = "participant-average ITT"


@explained
def kling_liebman(
    trial: Trial,
    outcome: str | list[str] | tuple[str, ...],
    *,
    sd: float | Sequence[float] = (0.10, 0.25),
    contrasts: Literal["control", "all"] = "control",
    conf_level: float = 0.95,
) -> BoundsResult:
    """Bounds of the effect on everyone randomized, if those lost lie at most `sd` SD from the mean of their arm's observed people.

    Parameters
    ----------
    trial : everyone randomized. outcome : column, or several.
    sd : distances in SD of each arm's observed people; a row each. The lower bound puts the treated who are lost below and the control people above.
    contrasts : each arm against 'control', or 'all' pairs.
    conf_level : of Imbens and Manski's interval of the effect.

    Returns
    -------
    BoundsResult
        With a column `sd`. Standard errors count that means, SDs and shares are estimated (filling values in does not), by group or cluster, with t.

    Raises
    ------
    UsageError, MissingDataError
        Distances that are not above zero; an arm with fewer than two people observed.

    Source: Kling & Liebman (2004), Experimental analysis of neighborhood effects on youth.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 50, "y": rng.normal(size=100)})
    >>> d.loc[rng.random(100) < 0.2, "y"] = np.nan
    >>> tk.selection.kling_liebman(tk.Trial(d, arm="arm", control="solo"), "y").tidy()["sd"].tolist()
    [0.1, 0.25]
    """
    level = checked_level(conf_level)
    distances = [float(v) for v in ((sd,) if isinstance(sd, (int, float)) else tuple(sd))]
    if not distances or not all(math.isfinite(v) and v > 0 for v in distances):
        raise UsageError(f"sd={sd!r} must be a distance above zero, or several, such as sd=0.25.")
    notes: list[Note] = []
    rows = []
    for name in checked_outcomes(outcome):
        for arm, reference in pairs(trial, contrasts):
            p, said = people(trial, name, arm, reference)
            notes += said
            rows += [_row(p, name, k, level) for k in distances]
    notes += undefined_note(rows)
    return BoundsResult((), tuple(dict.fromkeys(notes)), {"title": "Bounds of Kling & Liebman"}, tuple(rows))


def _row(p: People, outcome: str, k: float, level: float) -> dict[str, Any]:
    ends = []
    for side in (-1.0, 1.0):
        arm, control = (
            assumed_mean(y=p.sample.y, observed=p.observed, inside=inside, weights=p.weights, distance=d)
            for inside, d in ((p.treated, side * k), (~p.treated, -side * k))
        )
        error, df = p.errors(arm.values - control.values)
        ends.append((arm.mean - control.mean, error, df))
    (lower, se_lower, df_low), (upper, se_upper, df_high) = ends
    df = min(df_low, df_high)
    low, high = interval(lower=lower, upper=upper, se_lower=se_lower, se_upper=se_upper, df=df, conf_level=level)
    return {
        **p.row(outcome), "estimand": ESTIMAND, "lower": lower, "upper": upper, "se_lower": se_lower, "se_upper": se_upper, "df": df,
        "effect_conf_low": low, "effect_conf_high": high, "conf_level": level, "trim": 0.0, "trimmed_arm": "", "sd": k,
        "method": "means of those lost assumed, first-order standard errors",
        "assumption": f"those lost lie {k:g} SD or less from their arm's mean",
    }  # fmt: skip
