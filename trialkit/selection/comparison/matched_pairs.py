"""Rosenbaum bounds: how unequal the odds of treatment within matched pairs may be before a finding is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import optimize

from trialkit.errors import DataError, EstimationError, UsageError
from trialkit.inference.arrays import FloatArray
from trialkit.inference.confounding.rosenbaum import SignedRank, bounds, signed_rank
from trialkit.io.frames import numeric
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Note, TableResult
from trialkit.trial import Trial

Method = Literal["normal", "exact"]
LARGEST = 100.0


@dataclass(frozen=True)
class RosenbaumBounds(TableResult):
    """`.tidy()`: gamma, p_lower and p_upper, one-sided. `.gamma` is the largest Gamma at which p_upper is at most alpha."""

    kind = "rosenbaum_bounds"

    @property
    def statistic(self) -> float:
        """Wilcoxon's signed rank sum."""
        return float(self.details["statistic"])

    @property
    def p_upper(self) -> list[float]:
        return [float(r["p_upper"]) for r in self.table]

    @property
    def p_lower(self) -> list[float]:
        return [float(r["p_lower"]) for r in self.table]

    @property
    def gamma(self) -> float:
        """Sensitivity value; NaN when the test is not significant without any bias, infinite beyond 100."""
        found = self.details["gamma"]
        return float("nan") if found is None else float(found)

    def _title(self) -> str:
        return f"Rosenbaum bounds of {self.details['pairs']} pairs: the finding holds up to Gamma = {number(self.gamma)} at alpha = {self.details['alpha']:g}"


@explained
def rosenbaum_bounds(
    differences: Any,
    *,
    gamma: Sequence[float] = (1.0, 1.25, 1.5, 2.0, 3.0),
    outcome: str | None = None,
    alternative: Literal["greater", "less"] = "greater",
    method: Method = "normal",
    alpha: float = 0.05,
) -> RosenbaumBounds:
    """Bounds on the signed rank test of matched pairs when unmeasured traits change the odds of treatment by up to Gamma.

    Parameters
    ----------
    differences : treated minus untreated outcome, one a pair; or a Trial whose strata are pairs, with `outcome`.
    gamma : bounds on the odds ratio of treatment within a pair, 1 (as if randomized) and up.
    alternative : 'greater' when treatment is to raise the outcome, 'less' when it is to lower it.
    method : 'normal' (default, without continuity correction) or 'exact', for few pairs.
    alpha : level at which `.gamma` is found.

    Returns
    -------
    RosenbaumBounds
        `.statistic`, `.p_upper`, `.p_lower`, `.gamma`. Pairs with a missing or zero difference are left out, the missing ones with a note.

    Raises
    ------
    UsageError, DataError, EstimationError
        Gamma below 1, a Trial whose strata are not pairs, no difference at all.

    References
    ----------
    Rosenbaum (2002), Observational Studies, section 4.3.

    Examples
    --------
    >>> found = rosenbaum_bounds([1.2, -0.4, 2.2, 0.9, -1.1, 3, 0.3, 1.7, -0.2, 2.6], gamma=[1, 1.5, 2])
    >>> found.statistic, [round(p, 6) for p in found.p_upper]
    (46.0, [0.029668, 0.088123, 0.156475])
    """
    if alternative not in ("greater", "less"):
        raise UsageError(f"alternative={alternative!r} is unknown: it is 'greater' or 'less'.")
    if method not in ("normal", "exact"):
        raise UsageError(f"method={method!r} is unknown: it is 'normal' or 'exact'.")
    levels = [float(g) for g in np.atleast_1d(np.asarray(gamma, dtype=float))]
    if not levels or not all(np.isfinite(g) and g >= 1 for g in levels):
        raise UsageError(f"gamma={gamma!r} must hold numbers from 1 up, such as [1, 1.5, 2]: 1 is no hidden bias.")
    if not 0 < alpha < 1:
        raise UsageError(f"alpha={alpha} must lie between 0 and 1, for instance 0.05.")
    d = _differences(differences, outcome)
    notes = []
    if not np.isfinite(d).all():
        notes.append(Note("pairs_incomplete", f"{int((~np.isfinite(d)).sum())} pairs have no difference and are left out."))
        d = d[np.isfinite(d)]
    if not (d != 0).any():
        raise EstimationError("no pair has a difference other than zero: there is nothing to test.")
    if (d == 0).any():
        notes.append(Note("pairs_equal", f"{int((d == 0).sum())} pairs do not differ and carry no rank."))
    test = signed_rank(d if alternative == "greater" else -d)
    if method == "normal" and len(test.ranks) < 20:
        notes.append(Note("few_pairs", f"{len(test.ranks)} pairs: method='exact' does not rest on a normal approximation."))
    rows = []
    for g in levels:
        upper, lower = bounds(test, g, method)
        rows.append({"gamma": g, "p_lower": lower, "p_upper": upper})
    found = _sensitivity(test, alpha, method)
    details = {
        "statistic": test.statistic, "pairs": len(test.ranks), "alpha": alpha, "gamma": "inf" if found == float("inf") else found,
        "alternative": alternative, "method": method,
    }  # fmt: skip
    return RosenbaumBounds((), tuple(notes), details, tuple(rows))


def _sensitivity(test: SignedRank, alpha: float, method: Method) -> float | None:
    def beyond(g: float) -> float:
        return bounds(test, g, method)[0] - alpha

    if beyond(1.0) > 0:
        return None
    if beyond(LARGEST) <= 0:
        return float("inf")
    return float(optimize.brentq(beyond, 1.0, LARGEST, xtol=1e-10))


def _differences(given: Any, outcome: str | None) -> FloatArray:
    if not isinstance(given, Trial):
        if outcome is not None:
            raise UsageError("outcome= belongs to a Trial of pairs: give the differences alone, or the Trial and the outcome.")
        return numeric(given, "differences")
    if outcome is None:
        raise UsageError("say outcome=: the column that is compared within pairs.")
    if len(given.arms) != 2 or not given.strata:
        raise DataError("bounds for pairs need a Trial of two arms whose strata are the pairs: Trial(..., strata=['pair']).")
    pair, y = given.codes(*given.strata), given.values(outcome)
    treated = given.arm_codes == 1
    counts = np.stack(
        [np.bincount(pair[treated], minlength=pair.max() + 1), np.bincount(pair[~treated], minlength=pair.max() + 1)]
    )
    if (counts != 1).any():
        bad = int(np.flatnonzero((counts != 1).any(axis=0))[0])
        raise DataError(
            f"stratum {bad + 1} holds {counts[0, bad]} treated and {counts[1, bad]} untreated people: every stratum must be a pair of one each."
        )
    sums = np.where(treated, y, -y)
    out = np.zeros(counts.shape[1])
    np.add.at(out, pair, sums)
    return out
