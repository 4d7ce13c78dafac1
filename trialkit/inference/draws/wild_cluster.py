"""Wild cluster bootstrap of one linear contrast, at cluster level only.

The contrast c'b is made the first of r orthonormal coordinates: with sqrt(w) X = q R and Q = q O, O orthogonal, c'b = |R^-T c| g_1, and the
columns of Q have Q'Q = I. Everything below then needs, per cluster, the r x r matrix Q_g'Q_g and r-vectors of scores.

Bootstrap data y* have the residuals v_g e_g of the model with g_1 = r imposed (WCR) or not (WCU), v_g a weight of mean 0 and variance 1. With
scores z_g = Q_g'e_g and their weighted total z* = sum v_g z_g,

    t* = (z*_1) / sqrt(sum_g d_g^2),      d_g = L_g'(v_g z_g - Q_g'Q_g z*).

- Variance 1 (CV1): L_g = e_1 times sqrt of (S/(S-1)) (N-1)/(N-K). Variance 3 (CV3, cluster jackknife): L_g is the first row of
  (I - Q_g'Q_g)^-1 times sqrt((S-1)/S).
- Residuals 1: as they are; residuals 3: those of the model fitted without the cluster, z_g + Q_g'Q2_g (I - Q2_g'Q2_g)^-1 Q2_g'e_g, with Q2 the
  columns of the model that makes the residuals (all but the first for WCR).

'WCR31' reads: restricted, residuals 3, variance 1. Under WCR the residuals are linear in r, so one draw serves all r:
t*(r) = (A - r B)/sqrt(CC - 2 r CD + r^2 DD). p(r) is a step function; its interval ends at jumps, found by bracketing and bisection.
Weights by row within clusters (subcluster bootstrap) keep the clusters in d_g. Sources: Cameron, Gelbach & Miller (2008); Roodman, Nielsen, MacKinnon & Webb
(2019); MacKinnon & Webb (2018) for subclusters; MacKinnon, Nielsen & Webb (2023), Journal of Applied Econometrics 38(5), for 31 and 33.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import special

from trialkit.inference.arrays import BoolArray, Clusters, FloatArray
from trialkit.inference.linear.least_squares import LeastSquares

WildKind = Literal["WCR11", "WCU11", "WCR31", "WCR33", "WCU31", "WCU33"]
Multipliers = Literal["rademacher", "webb", "mammen", "normal"]
Alternative = Literal["two-sided", "greater", "less"]
KINDS: tuple[str, ...] = get_args(WildKind)
MULTIPLIERS: tuple[str, ...] = get_args(Multipliers)
ALTERNATIVES: tuple[str, ...] = get_args(Alternative)

TIES = 1.5e-8
SINGULAR = 1e-10
# products below this size are not handed to several threads
SCAN_CELLS = 1 << 15
SIX_POINTS = np.array([-math.sqrt(1.5), -1.0, -math.sqrt(0.5), math.sqrt(0.5), 1.0, math.sqrt(1.5)])
MAMMEN = (-(math.sqrt(5) - 1) / 2, (math.sqrt(5) + 1) / 2, (math.sqrt(5) + 1) / (2 * math.sqrt(5)))


@dataclass(frozen=True, slots=True)
class ClusterModel:
    """What the draws of one contrast need.

    Attributes
    ----------
    estimate, std_error : of the contrast, in its own units; the statistic is their ratio.
    scale : the contrast is `scale` times the first coordinate.
    restricted : whether the null is imposed on the residuals.
    scores : (2, m, r) scores of the m weighted units from the parts of the residuals free of r and linear in r.
    own : (2, m) L_g'z of those units. through : (S, r) L_g'Q_g'Q_g. starts : (S,) first unit of each cluster.
    n_full_leverage : clusters without which the model cannot be fitted; they enter as a pseudo-inverse.
    """

    estimate: float
    std_error: float
    scale: float
    restricted: bool
    scores: FloatArray
    own: FloatArray
    through: FloatArray
    starts: NDArray[np.int64]
    n_full_leverage: int

    @property
    def units(self) -> int:
        """Weights in a draw."""
        return self.scores.shape[1]


@dataclass(frozen=True, slots=True)
class Draws:
    """t*(r) = (A - r B)/sqrt(CC - 2 r CD + r^2 DD) of each draw: `terms` (5, draws) holds A, B, CC, CD, DD in the first coordinate."""

    terms: FloatArray
    enumerated: bool

    @property
    def count(self) -> int:
        return self.terms.shape[1]


@dataclass(frozen=True, slots=True)
class WildTest:
    """p of no effect and the interval by inversion, infinite where no value is rejected.

    `monte_carlo_error` is the standard error of a simulated p, 0 when enumerated. `connected` is False when some value inside the interval is rejected.
    """

    statistic: float
    p_value: float
    conf_low: float
    conf_high: float
    monte_carlo_error: float
    connected: bool


def cluster_model(
    *, fit: LeastSquares, y: FloatArray, contrast: FloatArray, clusters: Clusters, kind: WildKind, by_row: bool = False
) -> ClusterModel:
    """Scores and leverages of a contrast (r,) in the columns kept of `fit`, a fit of y (n,); weights by row or by cluster.

    Raises
    ------
    ValueError
        With one cluster, or without any variance between clusters.
    """
    if clusters.count < 2:
        raise ValueError("one cluster: nothing varies between clusters")
    direction = fit.rotation.T @ contrast
    scale = float(np.linalg.norm(direction))
    Q = (fit.q @ _first_axis(direction / scale))[clusters.order]
    yw = (y if fit.weights is None else y * np.sqrt(fit.weights))[clusters.order]
    gamma = Q.T @ yw
    restricted, jackknife, variance = kind.startswith("WCR"), kind[3] == "3", kind[4]
    skip = 1 if restricted else 0
    grams = clusters.gram(Q, Q)
    residuals = [yw - Q[:, skip:] @ gamma[skip:]] + ([Q[:, 0]] if restricted else [])
    L, full = _loadings(grams, variance, len(yw), fit.df_resid)
    plain = clusters.sum(Q * (yw - Q @ gamma)[:, None])
    spread = float(np.sqrt(((L * plain).sum(axis=1) ** 2).sum()))
    if not spread > 1e-12 * max(float(np.abs(yw).max()), 1e-300):
        raise ValueError("no variance between clusters")
    if by_row:
        free = 1.0 - (Q[:, skip:] ** 2).sum(axis=1)
        factor = 1.0 / np.where(free > SINGULAR, free, np.inf) if jackknife else np.ones(len(yw))
        scores = np.stack([Q * (e * factor)[:, None] for e in residuals])
        loads, starts = np.repeat(L, clusters.sizes, axis=0), clusters.starts
    else:
        scores = np.stack([clusters.sum(Q * e[:, None]) for e in residuals])
        if jackknife:
            scores = np.stack([_without_cluster(grams, z, skip) for z in scores])
        loads, starts = L, np.arange(clusters.count, dtype=np.int64)
    own, through = (scores * loads).sum(axis=-1), (L[:, None, :] @ grams)[:, 0]
    return ClusterModel(scale * float(gamma[0]), scale * spread, scale, restricted, scores, own, through, starts, full)


def _first_axis(unit: FloatArray) -> FloatArray:
    """Orthogonal (r, r) whose first column is `unit` (Householder)."""
    v = unit.copy()
    sign = 1.0 if unit[0] >= 0 else -1.0
    v[0] += sign
    return -sign * (np.eye(len(unit)) - 2 * np.outer(v, v) / (v @ v))


def _loadings(grams: FloatArray, variance: str, n: int, df_resid: int) -> tuple[FloatArray, int]:
    """L (S, r) and the number of clusters whose (I - Q_g'Q_g) is singular; that number counts for CV3 alone."""
    count, r = grams.shape[0], grams.shape[-1]
    if variance == "1":
        out = np.zeros((count, r))
        out[:, 0] = math.sqrt(count / (count - 1) * (n - 1) / df_resid)
        return out, 0
    inverse, full = _pseudo_inverse(np.eye(r) - grams)
    return math.sqrt((count - 1) / count) * inverse[:, 0, :], full


def _without_cluster(grams: FloatArray, scores: FloatArray, skip: int) -> FloatArray:
    if grams.shape[-1] == skip:
        return scores
    inverse, _ = _pseudo_inverse(np.eye(grams.shape[-1] - skip) - grams[:, skip:, skip:])
    shift = inverse @ scores[:, skip:, None]
    return scores + (grams[:, :, skip:] @ shift)[..., 0]


def _pseudo_inverse(matrices: FloatArray) -> tuple[FloatArray, int]:
    values, vectors = np.linalg.eigh((matrices + np.swapaxes(matrices, 1, 2)) / 2)
    positive = values > SINGULAR
    inverse = np.where(positive, 1.0 / np.where(positive, values, 1.0), 0.0)
    return (vectors * inverse[:, None, :]) @ np.swapaxes(vectors, 1, 2), int((~positive[:, 0]).sum())


def words_per_draw(multipliers: Multipliers, units: int) -> int:
    """64-bit random words that one draw of `units` weights consumes."""
    return -(-units // {"rademacher": 64, "webb": 2}.get(multipliers, 1))


def from_words(words: NDArray[np.uint64], multipliers: Multipliers, units: int) -> FloatArray:
    """Weights (units, draws) made of random words (draws, words_per_draw)."""
    if multipliers == "rademacher":
        octets = np.ascontiguousarray(words.astype("<u8", copy=False)).view(np.uint8)
        return np.ascontiguousarray(1.0 - 2.0 * np.unpackbits(octets, axis=1, bitorder="little")[:, :units].T)
    if multipliers == "webb":
        halves = np.ascontiguousarray(words.astype("<u8", copy=False)).view("<u4")[:, :units].astype(np.uint64)
        return np.asarray(SIX_POINTS[((halves * np.uint64(6)) >> np.uint64(32)).astype(np.int64)].T)
    uniform = (words[:, :units] >> np.uint64(11)).astype(float) * 2.0**-53 + 2.0**-54
    if multipliers == "mammen":
        low, high, share = MAMMEN
        return np.where(uniform < share, low, high).T
    return np.asarray(special.ndtri(uniform)).T


def possible_draws(multipliers: Multipliers, units: int) -> float:
    """How many different draws there are that are equally likely; infinite where they are not."""
    base = {"rademacher": 2.0, "webb": 6.0}.get(multipliers)
    return math.inf if base is None or units * math.log(base) > 700 else base**units


def enumerated(multipliers: Multipliers, units: int, start: int, stop: int) -> FloatArray:
    """Draws `start` to `stop` of all draws, (units, stop - start)."""
    base = 2 if multipliers == "rademacher" else 6
    points = np.array([1.0, -1.0]) if base == 2 else SIX_POINTS
    index = np.arange(start, stop, dtype=np.int64)
    return np.asarray(points[(index // base ** np.arange(units, dtype=np.int64)[:, None]) % base])


def draw_terms(model: ClusterModel, weights: FloatArray) -> FloatArray:
    """A, B, CC, CD, DD (5, draws) of weights (units, draws)."""
    totals = [z.T @ weights for z in model.scores]
    parts = []
    for own, total in zip(model.own, totals):
        weighted = own[:, None] * weights
        if len(model.starts) < model.units:
            weighted = np.add.reduceat(weighted, model.starts, axis=0)
        parts.append(weighted - model.through @ total)
    zero = np.zeros(weights.shape[1])
    first = np.einsum("gb,gb->b", parts[0], parts[0])
    if not model.restricted:
        return np.stack([totals[0][0], zero, first, zero, zero])
    cross, second = np.einsum("gb,gb->b", parts[0], parts[1]), np.einsum("gb,gb->b", parts[1], parts[1])
    return np.stack([totals[0][0], totals[1][0], first, cross, second])


def wild_test(model: ClusterModel, draws: Draws, *, alternative: Alternative, conf_level: float) -> WildTest:
    """Test of no effect and the interval of all values that the same test does not reject at 1 - conf_level."""
    p = p_value(model, draws, 0.0, alternative)
    error = 0.0 if draws.enumerated else math.sqrt(p * (1 - p) / draws.count)
    curve = _Curve.of(model, draws, alternative, 1 - conf_level)
    low, inside_low = (-math.inf, True) if alternative == "less" else curve.end(-1.0)
    high, inside_high = (math.inf, True) if alternative == "greater" else curve.end(1.0)
    centre, unit = model.estimate, model.std_error
    return WildTest(centre / unit, p, centre + unit * low, centre + unit * high, error, inside_low and inside_high)


def p_value(model: ClusterModel, draws: Draws, value: float, alternative: Alternative) -> float:
    """p of the hypothesis that the contrast is `value`: share of draws at least as extreme, ties included."""
    A, B, CC, CD, DD = draws.terms
    t, r = (model.estimate - value) / model.std_error, value / model.scale
    slack = TIES * abs(t)
    if model.restricted:
        numerator, root = A - r * B, np.sqrt(np.maximum(CC - 2 * r * CD + r * r * DD, 0.0))
    else:
        numerator, root = A, np.sqrt(CC)
    if alternative == "two-sided":
        beyond = np.abs(numerator) >= (abs(t) - slack) * root
    elif alternative == "greater":
        beyond = numerator >= (t - slack) * root
    else:
        beyond = numerator <= (t + slack) * root
    return float(_share(np.count_nonzero(beyond), draws))


def _share(extreme: Any, draws: Draws) -> Any:
    """(1 + #) / (1 + B) when simulated. An enumerated set is never empty of draws as extreme: the data count as one of them."""
    return np.maximum(extreme, 1) / draws.count if draws.enumerated else (1 + extreme) / (1 + draws.count)


@dataclass(frozen=True, slots=True)
class _Curve:
    """p at hypothesized values g standard errors above the estimate.

    There t = -g, and a draw has |t*| >= |t| where a quartic in g is not negative: (a - g b)^2 >= g^2 (c_0 + c_1 g + c_2 g^2).

    Attributes
    ----------
    quartic : (5, draws) its coefficients, ties included; `outside` the same with ties left out.
    line : (2, draws) coefficients of the numerator of t*.
    """

    quartic: FloatArray
    outside: FloatArray
    line: FloatArray
    draws: Draws
    alternative: Alternative
    alpha: float

    @classmethod
    def of(cls, model: ClusterModel, draws: Draws, alternative: Alternative, alpha: float) -> _Curve:
        A, B, CC, CD, DD = draws.terms
        r, unit = model.estimate / model.scale, model.std_error / model.scale
        a, b = (A - r * B) / unit, B
        below = np.stack([(CC - 2 * r * CD + r * r * DD) / unit**2, -2 * (CD - r * DD) / unit, DD])
        above = np.stack([a * a, -2 * a * b, b * b])
        forms = []
        for slack in (1 - TIES, 1 + TIES):
            form = np.zeros((5, len(A)))
            form[:3] += above
            form[2:] -= slack**2 * below
            forms.append(form)
        return cls(forms[0], forms[1], np.stack([a, -b]), draws, alternative, alpha)

    def kept(self, steps: FloatArray) -> BoolArray:
        """Whether p > alpha at each of `steps` (k,)."""
        powers = steps[:, None] ** np.arange(5)
        if self.alternative == "two-sided":
            extreme = np.count_nonzero(powers @ self.quartic >= 0, axis=1)
        else:
            extreme = np.array([self._one_sided(p) for p in powers])
        return np.asarray(_share(extreme, self.draws) > self.alpha * (1 + 1e-12))

    def _one_sided(self, powers: FloatArray) -> int:
        """t* >= t for 'greater', mirrored for 'less'; t = -g may have either sign."""
        sign = 1.0 if self.alternative == "greater" else -1.0
        forward = sign * (powers[:2] @ self.line) >= 0
        if sign * powers[1] <= 0:
            return int(np.count_nonzero(forward & (powers @ self.quartic >= 0)))
        return int(np.count_nonzero(forward | (powers @ self.outside <= 0)))

    def end(self, side: float) -> tuple[float, bool]:
        """The outermost jump of p through alpha on one side of the estimate, and whether all values up to it are kept."""
        steps = np.concatenate(([0.0], np.geomspace(0.01, 1e8, 61)))
        kept = self._scan(side * steps)
        if kept[-1]:
            return side * math.inf, bool(kept.all())
        last = int(np.flatnonzero(kept)[-1]) if kept.any() else 0
        fine = np.linspace(steps[last], steps[last + 1], 33)
        inner = np.concatenate(([True], self._scan(side * fine[1:-1]), [False]))
        step = int(np.flatnonzero(inner)[-1])
        low, high = float(fine[step]), float(fine[step + 1])
        while low < (middle := (low + high) / 2) < high and high - low > 1e-13 * high:
            low, high = (middle, high) if self.kept(np.array([side * middle]))[0] else (low, middle)
        return side * (low + high) / 2, bool(kept[: last + 1].all() and inner[: step + 1].all())

    def _scan(self, steps: FloatArray) -> BoolArray:
        size = max(1, SCAN_CELLS // self.draws.count)
        return np.concatenate([self.kept(steps[i : i + size]) for i in range(0, len(steps), size)])
