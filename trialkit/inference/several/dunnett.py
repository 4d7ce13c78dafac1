"""Single-step adjustment of several comparisons with one control: P(max |T_i| >= t) for a multivariate t, by quadrature.

T_i = X_i / S with X normal of correlation R and S = sqrt(chi2_v / v). Given S this is one function of the cut-off, so

    p(t) = E_S[ Q(t S) ],  Q(x) = 1 - P(|X_i| < x for all i),

and the expectation over S is a trapezoidal sum on log S. Comparisons of independent arms with one control have
r_ij = b_i b_j (Dunnett 1955): X_i = b_i Z + sqrt(1 - b_i^2) e_i makes Q a one-dimensional integral over Z. Covariates and clusters bend
that structure. For any R, the path R(u) = R0 + u (R - R0) from the nearest matrix of product form gives the rest, since (Plackett
1954) the derivative of a normal rectangle probability in r_ij is the bivariate density at its corners times the probability of
the other coordinates given those two, which is a rectangle of two dimensions fewer. Everything is deterministic; tails are summed as
tails, so small p-values keep their digits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import numpy as np
from scipy import optimize, special

from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_tail

Tail = Literal["two-sided", "greater", "less"]

_NORMAL_DF = 1e10
_EDGE = 8.6  # the normal density is 1e-16 of its peak there
_MOST_LOADING = 0.9999
_SMOOTH_LOADING = 0.95  # where the path starts from an inexact product form: sharper ones are costly to integrate and interpolate
_NEGLIGIBLE = 1e-8
# nodes along the path by the largest distance from product form: the error of n Gauss nodes is of order distance^(2n + 1)
_PATH_NODES = ((0.003, 1), (0.03, 2), (0.1, 4), (0.3, 8), (math.inf, 16))


def dunnett_p(
    statistics: Sequence[float] | FloatArray,
    correlation: FloatArray,
    df: float | Sequence[float] | FloatArray,
    *,
    alternative: Tail = "two-sided",
) -> FloatArray:
    """Adjusted p-values of k comparisons that share a control.

    Parameters
    ----------
    statistics : (k,) t statistics. correlation : (k, k) of the estimates, positive definite.
    df : degrees of freedom, one or (k,), each used for its own comparison; infinite for normal statistics.
    alternative : 'two-sided', or the tail that every comparison is tested in.

    Raises
    ------
    ValueError
        For shapes that do not agree, a matrix that is no positive definite correlation matrix, or df not above 0.

    Examples
    --------
    >>> import numpy as np
    >>> dunnett_p([2.3490, 0.5, 1.0], np.full((3, 3), 0.5) + np.eye(3) / 2, np.inf).round(3).tolist()
    [0.05, 0.925, 0.624]
    """
    t = np.asarray(statistics, dtype=float)
    matrix = _checked(np.asarray(correlation, dtype=float), len(t))
    each = np.broadcast_to(np.asarray(df, dtype=float), t.shape)
    if not (np.isfinite(t).all() and (each > 0).all()):
        raise ValueError("statistics must be finite and degrees of freedom positive")
    if alternative not in ("two-sided", "greater", "less"):
        raise ValueError(f"alternative={alternative!r} is unknown: it is 'two-sided', 'greater' or 'less'")
    cut = np.abs(t) if alternative == "two-sided" else t if alternative == "greater" else -t
    beyond = _Beyond(matrix, alternative == "two-sided")
    return np.array([beyond.studentized(float(c), float(v)) for c, v in zip(cut, each)])


def dunnett_critical(correlation: FloatArray, df: float, alpha: float = 0.05, *, alternative: Tail = "two-sided") -> float:
    """The cut-off of simultaneous intervals: estimate +- cut-off times standard error.

    Examples
    --------
    >>> import numpy as np
    >>> round(dunnett_critical(np.array([[1, 0.5], [0.5, 1]]), np.inf), 4)
    2.2121
    """
    matrix = _checked(np.asarray(correlation, dtype=float), len(correlation))
    two_sided = alternative == "two-sided"
    finite, tail = min(df, _NORMAL_DF), alpha / 2 if two_sided else alpha
    # one comparison alone and Bonferroni's inequality bracket the cut-off
    low, high = -float(special.stdtrit(finite, tail)), -float(special.stdtrit(finite, tail / len(matrix)))
    beyond = _Beyond(matrix, two_sided)
    return float(optimize.brentq(lambda c: beyond.studentized(c, df) - alpha, low - 1e-6, high + 1e-6, xtol=1e-10))


def _checked(matrix: FloatArray, k: int) -> FloatArray:
    if matrix.shape != (k, k):
        raise ValueError(f"{k} statistics need a correlation matrix of {k} x {k}, not of {matrix.shape}")
    if not (np.allclose(matrix, matrix.T) and np.allclose(np.diag(matrix), 1)):
        raise ValueError("a correlation matrix is symmetric with ones on its diagonal")
    if np.linalg.eigvalsh(matrix)[0] <= 1e-10:
        raise ValueError("the correlation matrix is singular: some comparison is a combination of the others")
    return matrix


class _Beyond:
    """Q(x) = P(some X_i beyond x) of one correlation matrix.

    The part of product form is computed where it is asked for. What the path adds is costly with many comparisons and smooth as a
    share of it, so that share is interpolated from Chebyshev nodes.
    """

    def __init__(self, matrix: FloatArray, two_sided: bool):
        self._two_sided = two_sided
        self._loadings, rest = _product_form(matrix)
        self._grid = _grid(self._loadings)
        self._low = 0.0 if two_sided else -6.0
        self._share: FloatArray | None = None
        if float(np.abs(rest).max()) > _NEGLIGIBLE:
            self._share = self._interpolated(rest)

    def _interpolated(self, rest: FloatArray) -> FloatArray:
        """Chebyshev coefficients of what the path adds as a share, with more nodes until the last ones are negligible."""
        for nodes in (32, 64, 128, 256):
            x = np.polynomial.chebyshev.chebpts1(nodes)
            cut = self._low + (x + 1) / 2 * (_EDGE - self._low)
            gain = _along_path(*self._bounds(cut), self._loadings, rest, _NEGLIGIBLE)
            found = np.asarray(np.polynomial.chebyshev.chebfit(x, gain / self._product(cut), nodes - 1), dtype=float)
            if np.abs(found[-4:]).max() < _NEGLIGIBLE:
                break
        return found

    def normal(self, cut: FloatArray) -> FloatArray:
        """Q at each cut-off (M,)."""
        found = self._product(cut)
        if self._share is None:
            return found
        place = 2 * (np.clip(cut, self._low, _EDGE) - self._low) / (_EDGE - self._low) - 1
        return found * (1 - np.polynomial.chebyshev.chebval(place, self._share))

    def studentized(self, cut: float, df: float) -> float:
        """P(some T_i beyond the cut-off)."""
        if df >= _NORMAL_DF:
            return float(self.normal(np.array([cut]))[0])
        scale, weights = _scale_nodes(df)
        alone = t_tail(cut, df) * (2 if self._two_sided else 1)
        # adjusting never lowers a p-value; this holds the digits where the sum over S has run out of them
        return min(max(float(weights @ self.normal(cut * scale)), alone), 1.0)

    def _bounds(self, cut: FloatArray) -> tuple[FloatArray, FloatArray]:
        upper = np.repeat(cut[:, None], len(self._loadings), axis=1)
        return (-upper if self._two_sided else np.full_like(upper, -np.inf)), upper

    def _product(self, cut: FloatArray) -> FloatArray:
        return _outside(*self._bounds(cut), self._loadings, self._grid)


def _scale_nodes(df: float) -> tuple[FloatArray, FloatArray]:
    """Nodes of S = sqrt(chi2_v / v) and their weights, to 1e-18 of the density's peak."""
    drop = 41.0 / df
    low, high = -(drop + math.sqrt(drop**2 + 4 * drop)) / 2, math.sqrt(drop)
    x = np.linspace(low, high, math.ceil((high - low) / min(0.12, 0.5 / math.sqrt(2 * df))) + 1)
    weights = np.exp(-df * (np.expm1(2 * x) - 2 * x) / 2)
    return np.exp(x), weights / weights.sum()


def _product_form(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Loadings b of the nearest r_ij = b_i b_j, and what is left off the diagonal."""
    k = len(matrix)
    i, j = np.triu_indices(k, 1)
    if k == 1:
        loadings = np.zeros(1)
    elif k == 2:
        size = min(math.sqrt(abs(matrix[0, 1])), _MOST_LOADING)
        loadings = np.array([size, math.copysign(size, matrix[0, 1])])
    else:
        loadings = _fitted_loadings(matrix, _MOST_LOADING)
        gap = np.abs(np.outer(loadings, loadings) - matrix)[i, j].max()
        if gap > _NEGLIGIBLE and np.abs(loadings).max() > _SMOOTH_LOADING:
            loadings = _fitted_loadings(matrix, _SMOOTH_LOADING)
    rest = matrix - np.outer(loadings, loadings)
    np.fill_diagonal(rest, 0.0)
    return loadings, rest


def _fitted_loadings(matrix: FloatArray, most: float) -> FloatArray:
    i, j = np.triu_indices(len(matrix), 1)
    values, vectors = np.linalg.eigh(matrix)
    start = np.clip(vectors[:, -1] * math.sqrt(values[-1]), -0.9, 0.9)
    fit = optimize.least_squares(
        lambda b: b[i] * b[j] - matrix[i, j], start, bounds=(-most, most), xtol=1e-15, ftol=1e-15, gtol=1e-15
    )
    return np.asarray(fit.x, dtype=float)


def _grid(loadings: FloatArray) -> FloatArray:
    """Nodes over Z. The trapezoidal sum's error is exp(-2 pi^2 / (h^2 A)) with A = 1 + sum b^2/(1 - b^2): 1e-14 here."""
    sharpness = 1 + float(np.sum(loadings**2 / (1 - loadings**2)))
    return np.linspace(-_EDGE, _EDGE, 2 * math.ceil(_EDGE * math.sqrt(sharpness) / 0.78) + 1)


def _outside(lower: FloatArray, upper: FloatArray, loadings: FloatArray, z: FloatArray) -> FloatArray:
    """Probability outside the rectangle (M, k) under product correlation, summed on the tails."""
    density = np.exp(-0.5 * z**2)
    density /= density.sum()
    log_inside = np.zeros((len(upper), len(z)))
    for i, b in enumerate(loadings):
        spread = math.sqrt(1 - b * b)
        tails = special.ndtr((b * z - upper[:, [i]]) / spread) + special.ndtr((lower[:, [i]] - b * z) / spread)
        with np.errstate(divide="ignore"):
            log_inside += np.log1p(-np.minimum(tails, 1.0))
    return -np.expm1(log_inside) @ density


def _inside(lower: FloatArray, upper: FloatArray, matrix: FloatArray, tolerance: float) -> FloatArray:
    """P(lower < X < upper), bounds (M, k), to an absolute tolerance."""
    if len(matrix) == 0:
        return np.ones(len(lower))
    if len(matrix) == 1:
        return special.ndtr(upper[:, 0]) - special.ndtr(lower[:, 0])
    loadings, rest = _product_form(matrix)
    found = 1 - _outside(lower, upper, loadings, _grid(loadings))
    return found + _along_path(lower, upper, loadings, rest, tolerance)


def _along_path(lower: FloatArray, upper: FloatArray, loadings: FloatArray, rest: FloatArray, tolerance: float) -> FloatArray:
    """What the rectangle gains on the way from product form to R."""
    k, farthest = len(loadings), float(np.abs(rest).max())
    total = np.zeros(len(upper))
    if farthest * k * k < tolerance:
        return total
    start = np.outer(loadings, loadings)
    np.fill_diagonal(start, 1.0)
    pairs = list(combinations(range(k), 2))
    nodes, weights = np.polynomial.legendre.leggauss(next(n for most, n in _PATH_NODES if farthest <= most))
    for node, weight in zip((nodes + 1) / 2, weights / 2):
        matrix = start + node * rest
        for i, j in pairs:
            allowed = tolerance / (len(pairs) * max(abs(rest[i, j]), 1e-300))
            total += weight * rest[i, j] * _derivative(lower, upper, matrix, i, j, allowed)
    return total


def _derivative(lower: FloatArray, upper: FloatArray, matrix: FloatArray, i: int, j: int, tolerance: float) -> FloatArray:
    """Derivative of the rectangle in r_ij: signed bivariate densities at its corners, times the others given both."""
    r, m = matrix[i, j], len(upper)
    x = np.concatenate([upper[:, i], upper[:, i], lower[:, i], lower[:, i]])
    y = np.concatenate([upper[:, j], lower[:, j], upper[:, j], lower[:, j]])
    sign = np.repeat([1.0, -1.0, -1.0, 1.0], m)
    density = np.zeros(4 * m)
    at = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    x, y = x[at], y[at]
    density[at] = np.exp(-(x * x - 2 * r * x * y + y * y) / (2 * (1 - r * r))) / (2 * math.pi * math.sqrt(1 - r * r))
    most = float(np.sum(density.reshape(4, m).max(axis=1)))
    if most < tolerance:
        return np.zeros(m)
    others = [o for o in range(len(matrix)) if o not in (i, j)]
    slope = np.linalg.solve(matrix[np.ix_([i, j], [i, j])], matrix[np.ix_([i, j], others)])
    given = matrix[np.ix_(others, others)] - matrix[np.ix_(others, [i, j])] @ slope
    spread = np.sqrt(np.diag(given))
    mean = np.column_stack([x, y]) @ slope
    rows, inner = at % m, given / np.outer(spread, spread)
    low, high = (lower[rows][:, others] - mean) / spread, (upper[rows][:, others] - mean) / spread
    found = np.zeros(4 * m)
    found[at] = density[at] * _inside(low, high, inner, tolerance / most)
    return (sign * found).reshape(4, m).sum(axis=0)
