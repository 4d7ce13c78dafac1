"""Meta-analysis: common effect, and random effects with tau2 by REML, DerSimonian & Laird or Paule & Mandel.

y_i = theta + u_i + e_i, Var(e_i) = v_i known, Var(u_i) = tau2; w_i = 1/(v_i + tau2), theta = sum w y / sum w.

- DL: tau2 = (Q - (k - 1)) / (sum w - sum w^2 / sum w) at w = 1/v, cut off at 0 (DerSimonian & Laird 1986);
- PM: the tau2 at which the generalized Q is k - 1 (Paule & Mandel 1982);
- REML: Fisher scoring, (y'PPy - tr P) / tr PP a step, halved where it would go below 0 (Viechtbauer 2005).

Hartung & Knapp (2001): SE^2 = q / sum w with q = sum w (y - theta)^2 / (k - 1), and t on k - 1 df. I2 = tau2 / (tau2 + s2), s2 the typical
within-study variance (Higgins & Thompson 2002).

How far tau2 is iterated: R's metafor stops REML at a change below 1e-5 and finds the root of PM to 1.2e-4, which is fine for standardized
effects and leaves I2 in the third digit to the stopping rule. Digits compare only by the same rule, so it is the default where the variances
are of that size; for smaller or larger ones, where it would be wrong or not arrive, and with a `tolerance`, tau2 is iterated to the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize

from trialkit.inference.arrays import FloatArray
from trialkit.inference.several.between_studies import MOST_STEPS, scored_tau2

TauMethod = Literal["REML", "DL", "PM", "FE"]

_STANDARDIZED = (0.005, 5.0)  # typical within-study variances of standardized effects
_REML_CHANGE = 1e-5
_PM_ROOT = float(np.finfo(float).eps ** 0.25)
_PM_HIGHEST = 100.0


@dataclass(frozen=True, slots=True)
class Pooled:
    """A pooled effect.

    Attributes
    ----------
    estimate, std_error : theta and 1/sqrt(sum w), tau2 taken as known.
    std_error_hk : of Hartung and Knapp.
    tau2, i2 : i2 as a share. q, df : homogeneity statistic at tau2 = 0 and k - 1.
    weights : (k,) shares.
    """

    estimate: float
    std_error: float
    std_error_hk: float
    tau2: float
    i2: float
    q: float
    df: int
    weights: FloatArray


def pool(*, estimates: FloatArray, variances: FloatArray, method: TauMethod, tolerance: float | None = None) -> Pooled:
    """Pool k >= 2 estimates (k,) with known variances (k,).

    `tolerance` : change of tau2 (relative to the typical variance) at which it is final; None for the rule of the module.

    Raises ArithmeticError when the iteration does not settle.

    Examples
    --------
    >>> import numpy as np
    >>> round(pool(estimates=np.array([0.1, 0.5]), variances=np.array([0.01, 0.01]), method="DL").tau2, 3)
    0.07
    """
    k = len(estimates)
    fixed = 1 / variances
    q = _generalized_q(0.0, estimates, variances)
    typical = (k - 1) * fixed.sum() / (fixed.sum() ** 2 - (fixed**2).sum())
    tau2 = 0.0
    if method == "DL":
        tau2 = max(0.0, (q - (k - 1)) / (fixed.sum() - (fixed**2).sum() / fixed.sum()))
    elif method == "PM":
        tau2 = _paule_mandel(estimates, variances, typical, tolerance)
    elif method == "REML":
        tau2 = _reml(estimates, variances, typical, tolerance)
    w = 1 / (variances + tau2)
    share = w / w.sum()
    estimate = float(share @ estimates)
    spread = float(w @ (estimates - estimate) ** 2) / (k - 1)
    i2 = max(0.0, 1 - (k - 1) / q) if method == "FE" and q > 0 else tau2 / (tau2 + typical)
    error = 1 / math.sqrt(w.sum())
    return Pooled(estimate, error, error * math.sqrt(spread), float(tau2), float(i2), q, k - 1, share)


def _generalized_q(tau2: float, y: FloatArray, v: FloatArray) -> float:
    w = 1 / (v + tau2)
    return float(w @ (y - (w @ y) / w.sum()) ** 2)


def _settled(typical: float, tolerance: float | None, usual: float) -> float:
    if tolerance is not None:
        return tolerance * typical
    return usual if _STANDARDIZED[0] <= typical <= _STANDARDIZED[1] else 1e-10 * typical


def _paule_mandel(y: FloatArray, v: FloatArray, typical: float, tolerance: float | None) -> float:
    def excess(tau2: float) -> float:
        return _generalized_q(tau2, y, v) - (len(y) - 1)

    if excess(0.0) <= 0:
        return 0.0
    end = _settled(typical, tolerance, _PM_ROOT)
    if end == _PM_ROOT and excess(_PM_HIGHEST) < 0:
        return _brent(excess, 0.0, _PM_HIGHEST, end)
    # at this tau2 even the largest deviation is too small for the root to lie beyond
    highest = float(np.sum((y - y.mean()) ** 2)) + typical
    return float(optimize.brentq(excess, 0.0, highest, xtol=min(end, 1e-10 * typical)))


def _reml(y: FloatArray, v: FloatArray, typical: float, tolerance: float | None) -> float:
    end = _settled(typical, tolerance, _REML_CHANGE)

    def step(tau2: float) -> float:
        w = 1 / (v + tau2)
        total = w.sum()
        deviations = w * (y - (w @ y) / total)
        trace = total - (w**2).sum() / total
        squares = (w**2).sum() - 2 * (w**3).sum() / total + ((w**2).sum() / total) ** 2
        return float((deviations @ deviations - trace) / squares)

    return scored_tau2(max(0.0, float(np.var(y, ddof=1) - v.mean())), step, end)


def _brent(f: Callable[[float], float], a: float, b: float, tolerance: float) -> float:
    """Brent's (1973) zeroin as R's uniroot has it: scipy's brentq steps otherwise and stops at another place within the tolerance."""
    fa, fb = f(a), f(b)
    c, fc = a, fa
    for _ in range(MOST_STEPS):
        previous = b - a
        if abs(fc) < abs(fb):
            a, b, c = b, c, b
            fa, fb, fc = fb, fc, fb
        near = 2 * float(np.finfo(float).eps) * abs(b) + tolerance / 2
        step = (c - b) / 2
        if abs(step) <= near or fb == 0:
            return b
        if abs(previous) >= near and abs(fa) > abs(fb):
            p, q = _interpolated(a, b, c, fa, fb, fc)
            if p < 0.75 * (c - b) * q - abs(near * q) / 2 and p < abs(previous * q / 2):
                step = p / q
        if abs(step) < near:
            step = math.copysign(near, step)
        a, fa = b, fb
        b += step
        fb = f(b)
        if (fb > 0) == (fc > 0):
            c, fc = a, fa
    raise ArithmeticError("the root of the generalized Q was not found")


def _interpolated(a: float, b: float, c: float, fa: float, fb: float, fc: float) -> tuple[float, float]:
    """Numerator (positive) and denominator of the secant or inverse quadratic step."""
    ratio = fb / fa
    if a == c:
        p, q = (c - b) * ratio, 1 - ratio
    else:
        to_c, of_c = fa / fc, fb / fc
        p = ratio * ((c - b) * to_c * (to_c - of_c) - (b - a) * (of_c - 1))
        q = (to_c - 1) * (of_c - 1) * (ratio - 1)
    return (p, -q) if p > 0 else (-p, q)
