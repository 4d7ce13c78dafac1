"""Regression to the mean: how much a group selected on its first score moves without any effect.

Of scores X1, X2 with the same mean mu and SD sigma and correlation rho, normal, the people with X1 <= c began on average lambda sigma below mu,
lambda = phi(z)/Phi(z), z = (c - mu)/sigma, and are expected to rise by (1 - rho) lambda sigma (Davis 1976, American Journal of Epidemiology 104; Barnett,
van der Pols & Dobson 2005, International Journal of Epidemiology 34). Whatever the selection, people who began at a mean m are expected to move by
(1 - rho)(mu - m) when regression is linear (Galton 1886).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from scipy import special

from trialkit.errors import DataError, TrialkitError, UsageError
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.measurement.change.by_arm import difference, parts_of, restricted, weights_of
from trialkit.measurement.change.inputs import Better, Scores, checked_level, checked_reliability, scores, spread
from trialkit.measurement.change.reliable_change import check_adjust
from trialkit.measurement.change.result import RegressionToMean
from trialkit.measurement.questionnaires.scale import Scale
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Estimate, Note
from trialkit.trial import Trial


@explained
def regression_to_mean(
    pre: Any,
    post: Any,
    *,
    cutoff: float,
    correlation: float,
    selected: Literal["at_or_below", "at_or_above"] = "at_or_below",
    mean: float | None = None,
    sd: float | None = None,
    better: Better | None = None,
    scale: Scale | None = None,
    subscale: str | None = None,
    trial: Trial | None = None,
    adjust: Sequence[str] = (),
    conf_level: float = 0.95,
) -> RegressionToMean:
    """Change that people selected on a cut-off show without any effect, beside the change observed.

    Parameters
    ----------
    pre, post, better, scale, subscale, trial, adjust, conf_level : as in `reliable_change`.
    cutoff, selected : who was selected on `pre`: 'at_or_below' or 'at_or_above' the cut-off.
    correlation : of the two scores without a programme, in the population before selection: a test-retest correlation over about the same time. The
        reliability (alpha) leaves out real ups and downs, and so gives too little regression. The correlation among selected people is too low.
    mean, sd : of the population before selection. By default those of `pre`, which is possible only when the data hold people who were not selected.

    Returns
    -------
    RegressionToMean
        `.tidy()`: n, mean_pre, mean_post, change, expected, expected_given_pre and beyond, for everyone selected and by arm; `.expected`. With a trial
        `.differences()` has the effect on `post` among those selected, adjusted for `pre`.

    Raises
    ------
    UsageError, DataError, MissingDataError
        Only selected people in the data and no mean and sd; nobody selected; as `reliable_change`.

    Notes
    -----
    Both arms of a randomized trial regress alike: the difference between arms is free of it, whatever the correlation. What is not free of it is a change
    in one arm, and a comparison with people who were not selected in the same way.

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> pre, post = pd.Series([30.0, 35, 40, 38]), pd.Series([38.0, 40, 43, 41])
    >>> found = tk.measurement.regression_to_mean(pre, post, cutoff=40, mean=50, sd=10, correlation=0.6)
    >>> round(found.expected, 2), found.tidy()["change"].tolist()
    (6.1, [4.75])
    """
    check_adjust(adjust, trial)
    checked_level(conf_level)
    rho = _correlation(correlation)
    if selected not in ("at_or_below", "at_or_above"):
        raise UsageError(f"selected={selected!r} is unknown: it is 'at_or_below' or 'at_or_above'.")
    if isinstance(cutoff, bool) or not math.isfinite(cutoff):
        raise UsageError(f"cutoff={cutoff!r} is no score.")
    s = scores(pre, post, trial=trial, scale=scale, subscale=subscale, better=better)
    weights = _weights(trial, len(s.pre))
    chosen = s.pre <= cutoff if selected == "at_or_below" else s.pre >= cutoff
    if not (chosen & (weights > 0) & np.isfinite(s.post)).any():
        raise DataError(
            f"nobody with both scores has '{s.names[0]}' {selected.replace('_', ' ')} {cutoff:g}: check the cut-off and the side."
        )
    mu, sigma, source = _population(s, chosen, mean, sd, weights)
    way = 1.0 if selected == "at_or_below" else -1.0
    z = way * (cutoff - mu) / sigma
    distance = sigma * math.exp(-(z**2) / 2 - special.log_ndtr(z)) / math.sqrt(2 * math.pi)
    expected = way * (1 - rho) * distance
    rows = _rows(s, chosen, weights, trial, mu, rho, expected)
    estimates, notes = _compared(trial, s, chosen, adjust, conf_level)
    everyone = rows[0]
    details = {
        "title": f"Regression to the mean from {s.names[0]} to {s.names[1]}, selected {selected.replace('_', ' ')} {cutoff:g}", "cutoff": float(cutoff),
        "selected": selected, "correlation": rho, "mean": mu, "sd": sigma, "expected": expected, "expected_mean_pre": mu - way * distance,
        "words": [
            f"In a normal population with {source}, people selected so begin at {number(mu - way * distance)} and change by {number(expected)} points "
            f"without any effect (correlation {rho:g}).",
            f"The {everyone['n']} people here began at {number(everyone['mean_pre'])} and changed by {number(everyone['change'])}; from where they began "
            f"{number(everyone['expected_given_pre'])} is expected without any effect.",
            "A difference between randomized arms is free of regression to the mean, because both arms regress alike; a change within one arm is not.",
        ],
    }  # fmt: skip
    return RegressionToMean(estimates, tuple(dict.fromkeys((*s.notes, *notes))), details, tuple(rows))


def _correlation(value: float) -> float:
    if value == 1:
        return 1.0
    try:
        return checked_reliability(value)
    except UsageError:
        raise UsageError(
            f"correlation={value!r}: give the test-retest correlation without a programme, above 0 and at most 1."
        ) from None


def _weights(trial: Trial | None, n: int) -> FloatArray:
    if trial is None:
        return np.ones(n)
    return weights_of(trial)


def _population(
    s: Scores, chosen: BoolArray, mean: float | None, sd: float | None, weights: FloatArray
) -> tuple[float, float, str]:
    known = np.isfinite(s.pre) & (weights > 0)
    if (mean is None) != (sd is None):
        raise UsageError("mean= and sd= of the population go together: give both, or neither.")
    if mean is not None:
        if not math.isfinite(mean):
            raise UsageError(f"mean={mean!r} is no number.")
        sigma, _ = spread(s.pre, sd, s.names[0])
        return float(mean), sigma, f"mean {mean:g} and SD {sigma:g} (given)"
    if chosen[known].all():
        raise UsageError(
            f"everyone with '{s.names[0]}' was selected, so the population they come from is not in the data: give its mean= and sd=, as those of the screening or a norm."
        )
    sigma, _ = spread(s.pre, None, s.names[0], weights)
    mu = float(np.average(s.pre[known], weights=weights[known]))
    return mu, sigma, f"mean {number(mu)} and SD {number(sigma)} (of '{s.names[0]}', n = {int(known.sum())})"


def _rows(
    s: Scores, chosen: BoolArray, weights: FloatArray, trial: Trial | None, mu: float, rho: float, expected: float
) -> list[dict[str, Any]]:
    both = chosen & np.isfinite(s.change)
    rows = []
    for label, inside in parts_of(trial, len(s.pre)):
        here = inside & both
        before, after = (float(np.average(v[here], weights=weights[here])) if here.any() else math.nan for v in (s.pre, s.post))
        given = (1 - rho) * (mu - before)
        rows.append(
            {
                "arm": label, "n": int(here.sum()), "n_missing": int((inside & chosen & ~both).sum()), "mean_pre": before, "mean_post": after,
                "change": after - before, "expected": expected, "expected_given_pre": given, "beyond": after - before - given,
            }
        )  # fmt: skip
    return rows


def _compared(
    trial: Trial | None, s: Scores, chosen: BoolArray, adjust: Sequence[str], conf_level: float
) -> tuple[tuple[Estimate, ...], tuple[Note, ...]]:
    """The effect on the second score among those selected, which was decided before randomization."""
    if trial is None:
        return (), ()
    name = f"{s.names[1]}, of those selected"
    try:
        part = restricted(trial, chosen)
    except TrialkitError as error:
        return (), (Note("no_difference", f"{name}: no difference between arms is given: {error}"),)
    covariates = tuple(dict.fromkeys((s.names[0], *adjust)))
    return difference(part, name, s.post[chosen], measure="mean_difference", adjust=covariates, conf_level=conf_level)
