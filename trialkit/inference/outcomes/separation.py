"""Logistic and Poisson fits whose maximum lies at infinity: found for certain, and taken to their limit.

A direction d of the coefficients separates the data when moving along it never lowers the likelihood and raises it for some rows:
s_i x_i'd >= 0 for all i with s = 1 for an event and -1 for none (logistic), x_i'd = 0 where y > 0 and x_i'd <= 0 where y = 0 (Poisson).
Whether one exists is a linear program (Albert & Anderson 1984; Konis 2007; Correia, Guimaraes & Zylkin 2019 for counts). Rows with
x_i'd other than 0 are fitted exactly at 0 (or 1) in the limit and say nothing about the other coefficients, which are those of the rows
left (Geyer 2009).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.inference.outcomes.glm import Family, Glm, glm

TOLERANCE = 1e-7


@dataclass(frozen=True, slots=True)
class LimitingFit:
    """The limit of a fit.

    Attributes
    ----------
    fit : of the rows left, or None when none are. used : (n,) those rows.
    directions : (D, K), one after the other; none when the maximum exists.
    """

    fit: Glm | None
    used: BoolArray
    directions: FloatArray

    def eta(self, X: FloatArray, offset: FloatArray | None = None) -> FloatArray:
        """(n,) linear predictor of rows X, infinite along the first direction in which a row lies."""
        out = np.zeros(len(X)) if self.fit is None else X @ np.nan_to_num(self.fit.coef)
        if offset is not None:
            out = out + offset
        free = np.ones(len(X), dtype=bool)
        for d in self.directions:
            along = X @ d
            moved = free & (np.abs(along) > TOLERANCE)
            out = np.where(moved, np.where(along > 0, np.inf, -np.inf), out)
            free &= ~moved
        return np.asarray(out)


def separating_direction(*, y: FloatArray, X: FloatArray, family: Family) -> FloatArray | None:
    """(K,) a separating direction, entries within 1 in units of a column's largest value; None when the maximum exists."""
    scale = np.abs(X).max(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    unit = X / scale
    if family == "logistic":
        signed = np.where(y > 0.5, 1.0, -1.0)[:, None] * unit
        equal = None
    else:
        signed, equal = -unit[y == 0], unit[y > 0]
        if not len(signed):
            return None
    found = optimize.linprog(
        -signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), A_eq=equal, b_eq=None if equal is None else np.zeros(len(equal)),
        bounds=(-1, 1), method="highs",
    )  # fmt: skip
    if not found.success or -found.fun <= TOLERANCE:
        return None
    return np.asarray(found.x / scale)


def limiting_fit(
    *, y: FloatArray, X: FloatArray, family: Family, offset: FloatArray | None = None, weights: FloatArray | None = None
) -> LimitingFit:
    """The maximum likelihood fit, or its limit where the maximum lies at infinity.

    Parameters
    ----------
    y : (n,) of 0 and 1, or counts. X : (n, K) of full rank. offset, weights : (n,) or None.
    """
    used = np.ones(len(y), dtype=bool)
    directions: list[FloatArray] = []
    while True:
        fit = glm(
            y=y[used], X=X[used], family=family, offset=None if offset is None else offset[used],
            weights=None if weights is None else weights[used],
        )  # fmt: skip
        if not bool(fit.suspect):
            break
        part = X[used][:, fit.kept]
        found = separating_direction(y=y[used], X=part, family=family)
        if found is None:
            break
        direction = np.zeros(X.shape[1])
        direction[fit.kept] = found
        moved = np.abs(X[used] @ direction) > TOLERANCE
        directions.append(direction)
        used[np.flatnonzero(used)[moved]] = False
        if not used.any():
            return LimitingFit(None, used, np.array(directions))
    return LimitingFit(fit, used, np.array(directions).reshape(-1, X.shape[1]))
