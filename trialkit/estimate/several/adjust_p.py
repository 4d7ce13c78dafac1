"""Adjusted p-values of a family of tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trialkit.errors import CombinationError, DataError, EstimationError, UsageError, nearest, shown
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.inference.several import multiplicity
from trialkit.inference.several.stepdown import StepDown, romano_wolf, westfall_young
from trialkit.misuse import explained

METHODS = {
    "holm": multiplicity.holm,
    "hochberg": multiplicity.hochberg,
    "bh": multiplicity.benjamini_hochberg,
    "sharpened_q": multiplicity.sharpened_q,
}
JOINT = ("romano_wolf", "westfall_young")
_ELSEWHERE = {
    "dunnett": "a comparison of several arms with one control: ask for it in tk.itt(..., correction='dunnett')",
    "gatekeeping": "a graph of hypotheses: use tk.gatekeeping(p, weights=..., transitions=...)",
}


@explained
def adjust_p(
    p: Sequence[float] | None = None,
    *,
    method: str,
    statistics: Sequence[float] | None = None,
    null: Any = None,
    plus_one: bool = True,
) -> FloatArray:
    """Adjust the p-values of one family, in their order.

    Parameters
    ----------
    p : p-values, each in [0, 1]; a missing one is an error, because leaving it out would make the others smaller.
    method : 'holm' and 'hochberg' (family-wise error), 'bh' (false discovery rate), 'sharpened_q' (Anderson 2008). With the joint
        null distribution, which uses that outcomes are correlated and so loses less power: 'romano_wolf' (step-down on the
        largest statistic) and 'westfall_young' (step-down on the smallest p-value).
    statistics : observed t statistics, two-sided, for 'romano_wolf'; t rather than the raw difference, so that outcomes weigh
        the same.
    null : draws x hypotheses. Statistics ('romano_wolf') or p-values ('westfall_young') under the null, the same draw of the
        trial's own randomization (or group bootstrap) for every hypothesis of a row.
    plus_one : (1 + #)/(1 + B), the default, because it is valid for any number of draws. False gives #/B, for draws that are all
        assignments there are, the observed one among them.

    Returns
    -------
    numpy.ndarray
        Adjusted p-values (q-values for 'bh' and 'sharpened_q'), never falling from a smaller p-value to a larger one. Draws within a
        relative 1.5e-8 of the observed value count as ties.

    Raises
    ------
    CombinationError
        A method that does not exist, or one without its draws.
    DataError
        Missing or impossible values; draws of another shape.
    EstimationError
        With `plus_one=False`, a p-value of exactly 0: then the draws do not hold the observed assignment.

    References
    ----------
    Holm (1979); Hochberg (1988); Benjamini & Hochberg (1995); Anderson (2008); Westfall & Young (1993), algorithm 2.8; Romano & Wolf
    (2005, 2016).

    Examples
    --------
    >>> import trialkit as tk
    >>> tk.adjust_p([0.01, 0.04], method="holm").tolist()
    [0.02, 0.04]
    >>> draws = [[0.3, -1.2], [2.4, 2.6], [-0.9, 0.1], [1.1, 0.8]]
    >>> tk.adjust_p(statistics=[2.5, 0.5], null=draws, method="romano_wolf").tolist()
    [0.4, 0.8]
    """
    if method in JOINT:
        return _by_draws(p, method, statistics, null, plus_one)
    if method not in METHODS:
        raise CombinationError(_unknown(method))
    if statistics is not None or null is not None:
        raise CombinationError(f"method='{method}' takes p-values only: statistics= and null= are for {shown(JOINT)}.")
    if p is None:
        raise UsageError(f"method='{method}' needs p-values: tk.adjust_p([0.01, 0.04], method='{method}').")
    values = np.asarray(list(p), dtype=float)
    if len(values):
        _check_p(values, "p-values")
    return METHODS[method](values) if len(values) else values


def _unknown(method: str) -> str:
    if method in _ELSEWHERE:
        return f"method='{method}' is for {_ELSEWHERE[method]}."
    known = (*METHODS, *JOINT)
    near = nearest(method, known)
    return f"there is no correction '{method}'; there are {shown(known, 10)}.{f' Did you mean {near!r}?' if near else ''}"


def _by_draws(
    p: Sequence[float] | None, method: str, statistics: Sequence[float] | None, null: Any, plus_one: bool
) -> FloatArray:
    on_statistics = method == "romano_wolf"
    given, other = (statistics, p) if on_statistics else (p, statistics)
    name, wrong = ("statistics", "p-values") if on_statistics else ("p-values", "statistics")
    example = "statistics=t, null=draws" if on_statistics else "p, null=draws"
    if given is None or null is None or other is not None:
        raise CombinationError(
            f"method='{method}' steps down on {name} and needs those of every draw as well, not {wrong}: "
            f"tk.adjust_p({example}, method='{method}')."
        )
    try:
        observed, draws = np.asarray(list(given), dtype=float), np.asarray(null, dtype=float)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name} and null= hold numbers: a value a hypothesis, and in null= a row a draw.") from error
    _check_draws(observed, draws, name)
    if on_statistics:
        found = romano_wolf(statistics=observed, null=draws, plus_one=plus_one)
    else:
        _check_p(observed, name)
        _check_p(draws.reshape(-1), "p-values of the draws")
        found = westfall_young(p=observed, null=draws, plus_one=plus_one)
    _check_positive(found)
    return found.p_adjusted


def _check_draws(observed: FloatArray, draws: FloatArray, name: str) -> None:
    if draws.ndim != 2 or draws.shape[1] != len(observed) or not len(observed):
        remedy = " Transpose it: a row is a draw." if draws.ndim == 2 and draws.shape[0] == len(observed) else ""
        raise DataError(
            f"null= needs a column for each of the {len(observed)} {name} and a row for each draw; it has "
            f"{' x '.join(map(str, draws.shape)) or 'one number'}.{remedy}"
        )
    if not len(draws):
        raise DataError("null= holds no draws.")
    if not np.isfinite(observed).all():
        raise DataError(
            f"the {name} hold missing or infinite values (at {_places(~np.isfinite(observed))}): every hypothesis needs one."
        )
    missing = np.isnan(draws)
    if missing.any():
        rows = np.flatnonzero(missing.any(axis=1))
        raise DataError(
            f"null= is missing in {int(missing.sum())} places (draws {shown((rows + 1).tolist())}). A draw whose test failed is not a draw without an "
            "effect: find out why it failed, or leave the whole draw out and say so."
        )


def _check_p(values: FloatArray, what: str) -> None:
    valid = (values >= 0) & (values <= 1)
    if not valid.all():
        raise DataError(f"{what} lie between 0 and 1 and none may be missing; got {shown(values[~valid].tolist())}.")


def _check_positive(found: StepDown) -> None:
    if (found.p_adjusted <= 0).any():
        raise EstimationError(
            f"none of the {found.n_draws} draws reaches hypothesis {_places(found.p_adjusted <= 0)}, so its p-value would be exactly 0. plus_one=False is "
            "for draws that hold the observed assignment; leave it out for a sample of draws."
        )


def _places(mask: BoolArray) -> str:
    return shown((np.flatnonzero(mask) + 1).tolist())
