"""Two-stage least squares with one endogenous variable, and inference that survives weak instruments.

y = d t + W g + e with instruments Z and exogenous columns W. With d^ the fit of d on [Z W], (t, g) are the coefficients of y on [d^ W];
residuals are y - d t - W g, while leverage and clusters' blocks are those of the second stage, x^(X^'X^)^-1 x^' with X^ = [d^ W] (as in
estimatr and clubSandwich), so that the covariances of covariance.py apply to the fit returned here.

- Effective F (Montiel Olea & Pflueger 2013): p'Qp / tr(QV), p the first-stage coefficients of Z, V their robust covariance,
  Q = Z~'Z~ with W taken out. With one instrument it is the squared robust t.
- Anderson-Rubin: at a hypothesized t the regression of y - d t on [Z W] has no effect of Z. Its coefficients are linear and
  their robust covariance quadratic in t, so with one instrument the set not rejected solves a quadratic: an interval, the
  outside of one, everything, or a half-line. With several instruments it is found on the circle of directions (cos, sin)
  with t = tan, where no value is at infinity; it may then be empty.
- tF (Lee, McCrary, Moreira & Porter 2022, American Economic Review 112(10), Table 3): a critical value for |t| that depends
  on F and gives intervals of 95 % coverage whatever the strength of one instrument.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import optimize, special

from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.linear.covariance import Covariance
from trialkit.inference.linear.least_squares import LeastSquares, least_squares

SetKind = Literal["interval", "disjoint", "everything", "half-line", "empty"]

WEAK_F = 10.0
T_VALID_F = 104.67
# critical values of |t| at sqrt(F) = 2.0, 2.1, ..., 10.3, linear in between; printed to two decimals
TF_FIRST, TF_STEP = 2.0, 0.1
TF_TABLE = np.array([
    18.66, 9.74, 7.37, 6.18, 5.43, 4.92, 4.54, 4.25, 4.01, 3.82, 3.65, 3.51, 3.39, 3.29, 3.19, 3.11, 3.03, 2.97, 2.91, 2.85, 2.80,
    2.75, 2.71, 2.67, 2.63, 2.60, 2.57, 2.54, 2.51, 2.48, 2.46, 2.43, 2.41, 2.39, 2.37, 2.35, 2.33, 2.32, 2.30, 2.29, 2.27, 2.26,
    2.24, 2.23, 2.22, 2.21, 2.20, 2.19, 2.17, 2.16, 2.16, 2.15, 2.14, 2.13, 2.12, 2.11, 2.10, 2.10, 2.09, 2.08, 2.08, 2.07, 2.06,
    2.06, 2.05, 2.04, 2.04, 2.03, 2.03, 2.02, 2.02, 2.01, 2.01, 2.00, 2.00, 1.99, 1.99, 1.99, 1.98, 1.98, 1.97, 1.97, 1.97, 1.96,
])  # fmt: skip
DIRECTIONS = 2001


@dataclass(frozen=True, slots=True)
class TwoStage:
    """A two-stage least squares fit.

    Attributes
    ----------
    second : y on [d^ W] with the residuals of y - d t - W g; column 0 is the endogenous variable.
    reduced, first : y and d on [Z W]; the instruments are the first `instruments` columns.
    instruments : (m,) positions of the instruments among the columns kept there.
    """

    second: LeastSquares
    reduced: LeastSquares
    first: LeastSquares
    instruments: IntArray


@dataclass(frozen=True, slots=True)
class AndersonRubinSet:
    """The test of no effect, F(df_num, df_denom), and the set of effects not rejected.

    `conf_low` and `conf_high` are its outermost ends (infinite, or NaN when it is empty); `intervals` its parts.
    """

    statistic: float
    p_value: float
    df_num: int
    df_denom: float
    kind: SetKind
    intervals: tuple[tuple[float, float], ...]
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True)
class ReducedForm:
    """Effects of m instruments on y and on d with their joint covariance, which makes that on y - b d for every b.

    Attributes
    ----------
    effect : (2, m) on y and on d. cov_y, cov_yd, cov_d : (m, m); cov_yd is symmetrized.
    """

    effect: FloatArray
    cov_y: FloatArray
    cov_yd: FloatArray
    cov_d: FloatArray

    def wald(self, cosine: float, sine: float) -> float:
        """Wald statistic of no effect of the instruments on cosine y - sine d."""
        gap = cosine * self.effect[0] - sine * self.effect[1]
        matrix = cosine**2 * self.cov_y - 2 * cosine * sine * self.cov_yd + sine**2 * self.cov_d
        if not np.diag(matrix).min() > 0:
            return math.inf if np.abs(gap).max() > 0 else 0.0
        return float(gap @ np.linalg.lstsq(matrix, gap, rcond=None)[0])


def two_stage(*, y: FloatArray, d: FloatArray, W: FloatArray, Z: FloatArray, weights: FloatArray | None = None) -> TwoStage:
    """Fit y (n,) on d (n,) and W (n, k) with instruments Z (n, m).

    Raises
    ------
    ValueError
        When Z is a combination of W, or d has no part that Z explains: there is no first stage.
    """
    m = Z.shape[1]
    both = least_squares(y=np.stack([y, d]), X=np.concatenate([Z, W], axis=1), weights=weights)
    positions = np.flatnonzero(both.kept < m)
    reduced, first = (replace(both, coef=both.coef[i], residuals=both.residuals[i]) for i in (0, 1))
    fitted = d - first.residuals
    alone = least_squares(y=np.stack([fitted, d]), X=W, weights=weights)
    if not len(positions) or alone.rss[0] <= 1e-16 * max(float(alone.rss[1]), 1e-300):
        raise ValueError("there is no first stage")
    second = least_squares(y=y, X=np.column_stack([fitted, W]), weights=weights)
    residuals = y - np.column_stack([d, W])[:, second.kept] @ second.coef[second.kept]
    return TwoStage(replace(second, residuals=residuals), reduced, first, positions)


def reduced_form(fits: TwoStage, cov: Covariance) -> ReducedForm:
    """Effects of the instruments and their covariance as `cov`, the covariance of the reduced form, defines it."""
    at = fits.instruments
    effect = np.stack([fits.reduced.coef[fits.reduced.kept[at]], fits.first.coef[fits.first.kept[at]]])
    errors = np.stack([fits.reduced.residuals, fits.first.residuals])
    if cov.influence is None:
        weighted = errors if fits.reduced.weights is None else errors * fits.reduced.weights
        sigma = weighted @ errors.T / fits.reduced.df_resid
        bread = fits.reduced.bread[np.ix_(at, at)]
        return ReducedForm(effect, sigma[0, 0] * bread, sigma[0, 1] * bread, sigma[1, 1] * bread)
    u = cov.influence[:, at]
    if cov.clusters is None:
        scores = [u * e[:, None] for e in errors]
    else:
        scores = [cov.clusters.sum(u * e[cov.clusters.order, None]) for e in errors]
    cross = scores[0].T @ scores[1]
    return ReducedForm(effect, scores[0].T @ scores[0], (cross + cross.T) / 2, scores[1].T @ scores[1])


def effective_f(fits: TwoStage, form: ReducedForm) -> float:
    """Strength of the instruments; infinite when they determine the endogenous variable exactly."""
    Q = np.linalg.inv(fits.first.bread[np.ix_(fits.instruments, fits.instruments)])
    noise = float(np.trace(Q @ form.cov_d))
    signal = float(form.effect[1] @ Q @ form.effect[1])
    return signal / noise if noise > 1e-14 * signal else math.inf


def tf_critical(f: float) -> float:
    """Critical value of |t| at the 5 % level given the first-stage F; infinite below F = 4, where the table begins."""
    root = math.sqrt(f)
    if root < TF_FIRST:
        return math.inf
    grid = TF_FIRST + TF_STEP * np.arange(len(TF_TABLE))
    return float(np.interp(root, grid, TF_TABLE))


def anderson_rubin(
    form: ReducedForm, *, df_denom: float, conf_level: float, shrink: float = 1.0, unit: float = 1.0, centre: float = 0.0
) -> AndersonRubinSet:
    """The set of effects at which shrink * Wald / m lies below the F(m, df_denom) critical value.

    Parameters
    ----------
    shrink : factor of the approximate Hotelling test (wald.py), 1 for others.
    centre, unit : where and on what scale to look when there are several instruments (the estimate and its standard error).
    """
    m = form.effect.shape[1]
    statistic = shrink * form.wald(1.0, 0.0) / m
    limit = m * _f_quantile(conf_level, m, df_denom) / shrink
    intervals = _quadratic_set(form, limit) if m == 1 else _direction_set(form, limit, centre, unit)
    low = intervals[0][0] if intervals else math.nan
    high = intervals[-1][1] if intervals else math.nan
    return AndersonRubinSet(
        statistic, _f_tail(statistic, m, df_denom), m, df_denom, _kind(intervals), tuple(intervals), low, high
    )


def _quadratic_set(form: ReducedForm, limit: float) -> list[tuple[float, float]]:
    """(y - b d)^2 <= limit (V_y - 2 b V_yd + b^2 V_d), that is a b^2 - 2 h b + c <= 0."""
    on_y, on_d = float(form.effect[0, 0]), float(form.effect[1, 0])
    a = on_d**2 - limit * float(form.cov_d[0, 0])
    h = on_y * on_d - limit * float(form.cov_yd[0, 0])
    c = on_y**2 - limit * float(form.cov_y[0, 0])
    if abs(a) <= 1e-14 * on_d**2:
        if h == 0:
            return [(-math.inf, math.inf)] if c <= 0 else []
        return [(c / (2 * h), math.inf)] if h > 0 else [(-math.inf, c / (2 * h))]
    discriminant = h * h - a * c
    if a < 0 and discriminant <= 0:
        return [(-math.inf, math.inf)]
    # the estimate satisfies the inequality, so with a > 0 a negative discriminant is rounding
    larger = h + math.copysign(math.sqrt(max(discriminant, 0.0)), h)
    roots = sorted((larger / a, c / larger) if larger != 0 else (0.0, 0.0))
    if a > 0:
        return [(roots[0], roots[1])]
    return [(-math.inf, roots[0]), (roots[1], math.inf)]


def _direction_set(form: ReducedForm, limit: float, centre: float, unit: float) -> list[tuple[float, float]]:
    """The same by root finding over b = centre + unit tan(angle), angle in [-pi/2, pi/2], a closed circle."""
    shifted = ReducedForm(
        np.stack([form.effect[0] - centre * form.effect[1], unit * form.effect[1]]),
        form.cov_y - 2 * centre * form.cov_yd + centre**2 * form.cov_d,
        unit * (form.cov_yd - centre * form.cov_d),
        unit**2 * form.cov_d,
    )

    def excess(angle: float) -> float:
        return shifted.wald(math.cos(angle), math.sin(angle)) - limit

    angles = np.linspace(-math.pi / 2, math.pi / 2, DIRECTIONS)
    inside = np.array([excess(a) for a in angles]) <= 0
    if inside.all():
        return [(-math.inf, math.inf)]
    turns = [
        float(optimize.brentq(excess, angles[i], angles[i + 1], xtol=1e-14, rtol=1e-14))
        for i in np.flatnonzero(inside[1:] != inside[:-1])
    ]
    ends = ([-math.pi / 2] if inside[0] else []) + turns + ([math.pi / 2] if inside[-1] else [])
    values = [centre + unit * math.tan(a) if abs(a) < math.pi / 2 else math.copysign(math.inf, a) for a in ends]
    return [(values[i], values[i + 1]) for i in range(0, len(values), 2)]


def _kind(intervals: list[tuple[float, float]]) -> SetKind:
    if not intervals:
        return "empty"
    if len(intervals) > 1:
        return "disjoint"
    low, high = intervals[0]
    if math.isinf(low) and math.isinf(high):
        return "everything"
    return "half-line" if math.isinf(low) or math.isinf(high) else "interval"


def _f_quantile(probability: float, m: int, df: float) -> float:
    if math.isinf(df):
        return float(special.chdtri(m, 1 - probability)) / m
    return float(special.fdtri(m, df, probability))


def _f_tail(statistic: float, m: int, df: float) -> float:
    if math.isinf(statistic):
        return 0.0
    return float(special.chdtrc(m, m * statistic) if math.isinf(df) else special.fdtrc(m, df, statistic))
