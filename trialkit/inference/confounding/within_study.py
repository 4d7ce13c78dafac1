"""A trial's own controls against outsiders: what is left of a difference in means when support, then covariates are made alike.

C are the controls of a trial, O the outsiders, S the range of the log odds of taking part that both the trial and the outsiders cover.

    mean C - mean O = [(mean C - mean O) - (mean C in S - mean O in S)]     support
                    + [m(C in S) - mean O in S]                              covariates
                    + [mean C in S - m(C in S)],                             residual selection

with m(C in S) the mean that the outcomes of outsiders in S predict for the controls in S: least squares weighted by the odds, right if either the regression or the odds
are. The same three parts as Heckman, Ichimura, Smith & Todd (1998), Econometrica 66, but for the shares in S, which they multiply with: without them a constant added to
the outcome moves no part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.confounding.matching import nearest_neighbour
from trialkit.inference.confounding.membership import membership
from trialkit.inference.linear.least_squares import least_squares
from trialkit.inference.reach.entropy_balancing import entropy_balance

CONTROL, TREATED, OUTSIDE = 0, 1, 2
PARTS = ("experimental", "naive", "bias", "support", "covariates", "residual")
METHODS = ("naive", "regression", "matching", "weighting", "entropy_balancing", "doubly_robust")


@dataclass(frozen=True, slots=True)
class Pieces:
    """Values in the order of PARTS and of METHODS (NaN where a fit failed), who is in the common support, the coefficients to start a draw from."""

    parts: FloatArray
    methods: FloatArray
    inside: BoolArray
    matching_se: float
    start: tuple[FloatArray, FloatArray]


def within_study(
    *,
    y: FloatArray,
    X: FloatArray,
    part: IntArray,
    weights: FloatArray,
    unit: IntArray,
    start: tuple[FloatArray, FloatArray] | None = None,
    matching: bool = True,
    balancing: bool = True,
) -> Pieces:
    """Decomposition and non-randomized estimates from people (n,) of the three parts with positive weights; X (n, K) holds a constant first, columns of unit scale.

    `start` begins a draw at the coefficients of the whole sample; `matching` and `balancing` say whether to do what a draw has no use for.
    """
    control, treated, outside = (part == p for p in (CONTROL, TREATED, OUTSIDE))
    first = None if start is None else start[0]
    odds = membership(X=X, member=~outside, weights=weights, start=first)
    means = {p: _mean(y, weights, part == p) for p in (CONTROL, TREATED, OUTSIDE)}
    inside = _common(odds.eta, outside)
    support = covariates = residual = np.nan
    if odds.converged and (inside & control).sum() > 1 and (inside & outside).sum() > X.shape[1]:
        c, o = _mean(y, weights, inside & control), _mean(y, weights, inside & outside)
        predicted = _predicted(
            y, X, weights * np.exp(odds.eta - odds.eta[outside].max()), weights, inside & outside, inside & control
        )
        support = (means[CONTROL] - means[OUTSIDE]) - (c - o)
        covariates, residual = predicted - o, c - predicted
    experimental, naive = means[TREATED] - means[CONTROL], means[TREATED] - means[OUTSIDE]
    parts = np.array([experimental, naive, naive - experimental, support, covariates, residual])
    rest = treated | outside
    methods, se, second = _methods(
        y[rest], X[rest], treated[rest], weights[rest], unit[rest], None if start is None else start[1], matching, balancing
    )
    return Pieces(parts, methods, inside, se, (odds.coef, second))


def _methods(
    y: FloatArray,
    X: FloatArray,
    treated: BoolArray,
    w: FloatArray,
    unit: IntArray,
    start: FloatArray | None,
    matching: bool,
    balancing: bool,
) -> tuple[FloatArray, float, FloatArray]:
    """Effects on the treated as a study without randomization would have them."""
    out = dict.fromkeys(METHODS, np.nan)
    other = ~treated
    mean_treated = _mean(y, w, treated)
    out["naive"] = mean_treated - _mean(y, w, other)
    fit = least_squares(y=y, X=np.column_stack([X[:, :1], treated, X[:, 1:]]), weights=w)
    out["regression"] = float(fit.coef[1])
    odds = membership(X=X, member=treated, weights=w, start=start)
    se = np.nan
    if odds.converged:
        tilt = w * np.exp(odds.eta - odds.eta[other].max())
        out["weighting"] = mean_treated - _mean(y, tilt, other)
        out["doubly_robust"] = mean_treated - _predicted(y, X, tilt, w, other, treated)
        if matching:
            found = nearest_neighbour(y=y, score=odds.eta, treated=treated, unit=unit)
            out["matching"], se = found.estimate, found.std_error
    target = (w[treated] @ X[treated, 1:]) / w[treated].sum()
    balanced = entropy_balance(x=X[other, 1:], target=target, base=w[other]) if balancing else None
    if balanced is not None and balanced.converged:
        out["entropy_balancing"] = mean_treated - float(balanced.weights @ y[other])
    return np.array([out[m] for m in METHODS]), se, odds.coef


def _common(eta: FloatArray, outside: BoolArray) -> BoolArray:
    low = max(eta[outside].min(), eta[~outside].min())
    high = min(eta[outside].max(), eta[~outside].max())
    return np.asarray((eta >= low) & (eta <= high))


def _mean(y: FloatArray, w: FloatArray, which: BoolArray) -> float:
    return float(w[which] @ y[which]) / float(w[which].sum())


def _predicted(y: FloatArray, X: FloatArray, tilt: FloatArray, w: FloatArray, source: BoolArray, target: BoolArray) -> float:
    """Mean outcome that the source people, weighted by `tilt`, predict for the target people."""
    use = source & (tilt > 1e-300)
    fit = least_squares(y=y[use], X=X[use], weights=tilt[use])
    means = (w[target] @ X[target]) / w[target].sum()
    return float(means[fit.kept] @ fit.coef[fit.kept])
