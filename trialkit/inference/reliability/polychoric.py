"""Polychoric correlations in two steps: thresholds from the margins, then each correlation by maximum likelihood.

Answers a and b are categories of two standard normal variables cut at thresholds; the probability of a cell is a rectangle of the bivariate normal
distribution, in closed form through Owen's T, and its derivative in rho a sum of four bivariate densities. The correlation is found by Fisher scoring
within a bracket on the sign of the score. Empty cells are left as they are: nothing is added to them. Where that drives a correlation to the
edge it stops at +-`EDGE`, and is marked.
Sources: Olsson (1979), Psychometrika 44; Owen (1956), Annals of Mathematical Statistics 27.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import sparse, special

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray

EDGE = 0.9995
_FAR = 9.0
_TINY = 1e-150
_LEAST = 1e-16
_STEP = 1e-9
_CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class Polychoric:
    """Correlations (B, p, p); `at_edge` (B, p, p) marks those that ran to +-EDGE; `thresholds` of the first set, one array an item."""

    correlations: FloatArray
    at_edge: BoolArray
    thresholds: tuple[FloatArray, ...]


def categories(x: FloatArray) -> tuple[IntArray, list[FloatArray]]:
    """Category codes from 0 (n, p), -1 = missing, and the distinct answers of each item."""
    codes = np.full(x.shape, -1, dtype=np.int64)
    values = []
    for j in range(x.shape[1]):
        seen = ~np.isnan(x[:, j])
        found, codes[seen, j] = np.unique(x[seen, j], return_inverse=True)
        values.append(found)
    return codes, values


def polychoric(codes: IntArray, *, unit: IntArray | None = None, weights: FloatArray | None = None) -> Polychoric:
    """Polychoric correlations of one sample or of weightings of its units.

    Parameters
    ----------
    codes : categories from 0 (n, p), -1 = missing. A pair uses the people who answered both; thresholds use everyone who answered.
    unit, weights : codes 0..U-1 (n,) and weights (B, U); without them every person counts once.
    """
    n, p = codes.shape
    units = np.arange(n) if unit is None else unit
    w = np.ones((1, int(units.max()) + 1)) if weights is None else weights
    sizes = codes.max(axis=0) + 1
    thresholds = [_thresholds(_counts(codes[:, j], int(sizes[j]), units, w)) for j in range(p)]
    out = np.broadcast_to(np.eye(p), (len(w), p, p)).copy()
    edge = np.zeros(out.shape, dtype=bool)
    for j, k in combinations(range(p), 2):
        a, b = int(sizes[j]), int(sizes[k])
        both = (codes[:, j] >= 0) & (codes[:, k] >= 0)
        cell = np.where(both, codes[:, j] * b + codes[:, k], -1)
        tables = _counts(cell, a * b, units, w).reshape(len(w), a, b)
        for rows in _chunks(len(w), a * b):
            rho = _correlation(tables[rows], thresholds[j][rows], thresholds[k][rows])
            out[rows, j, k] = out[rows, k, j] = rho
        edge[:, j, k] = edge[:, k, j] = np.abs(out[:, j, k]) > EDGE - 1e-6
    return Polychoric(out, edge, tuple(t[0] for t in thresholds))


def bivariate_normal(h: FloatArray, k: FloatArray, rho: FloatArray) -> FloatArray:
    """P(Z1 <= h, Z2 <= k) of standard normal variables with correlation rho, |rho| < 1."""
    a, b = np.where(np.abs(h) < _TINY, _TINY, h), np.where(np.abs(k) < _TINY, _TINY, k)
    s = np.sqrt((1 - rho) * (1 + rho))
    with np.errstate(over="ignore"):
        wings = special.owens_t(a, (b - rho * a) / (a * s)) + special.owens_t(b, (a - rho * b) / (b * s))
    both: FloatArray = (special.ndtr(a) + special.ndtr(b)) / 2 - wings - np.where(a * b < 0, 0.5, 0.0)
    return both


def _chunks(count: int, cells: int) -> Iterator[slice]:
    step = max(1, _CHUNK * 25 // cells)
    for first in range(0, count, step):
        yield slice(first, min(first + step, count))


def _counts(code: IntArray, size: int, unit: IntArray, weights: FloatArray) -> FloatArray:
    """Weighted counts of the codes 0..size-1 (B, size)."""
    seen = code >= 0
    ones = np.ones(int(seen.sum()))
    table = sparse.csr_array((ones, (code[seen], unit[seen])), shape=(size, weights.shape[1]))
    return np.ascontiguousarray((table @ weights.T).T)


def _thresholds(counts: FloatArray) -> FloatArray:
    """Cuts (B, size - 1) from the shares of the categories (B, size)."""
    share = np.cumsum(counts, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        cuts = special.ndtri(np.clip(share[:, :-1] / share[:, -1:], 0.0, 1.0))
    return np.clip(cuts, -_FAR, _FAR)


def _correlation(tables: FloatArray, left: FloatArray, right: FloatArray) -> FloatArray:
    """Maximum-likelihood correlation of each table (B, a, b) given the cuts (B, a - 1) and (B, b - 1)."""
    total = tables.sum(axis=(1, 2))
    low, high = np.full(len(tables), -EDGE), np.full(len(tables), EDGE)
    defined = (total > 0) & _varies(left) & _varies(right)
    rho = np.where(defined, np.clip(np.nan_to_num(_start(tables)), -0.9, 0.9), np.nan)
    active = np.flatnonzero(defined)
    for _ in range(80):
        if not len(active):
            break
        at = rho[active]
        p, slope = _cells(at, left[active], right[active])
        seen = tables[active] > 0
        score = np.where(seen, tables[active] * slope / p, 0.0).sum(axis=(1, 2))
        size = total[active] * (slope**2 / p).sum(axis=(1, 2))
        up = score > 0
        low[active[up]], high[active[~up]] = at[up], at[~up]
        with np.errstate(divide="ignore", invalid="ignore"):
            tried = at + score / size
        inside = (tried > low[active]) & (tried < high[active])
        tried = np.where(inside, tried, (low[active] + high[active]) / 2)
        rho[active] = tried
        active = active[np.abs(tried - at) > _STEP]
    return np.where(high - low < 1e-6, np.where(rho > 0, np.minimum(high, EDGE), np.maximum(low, -EDGE)), rho)


def _varies(cuts: FloatArray) -> BoolArray:
    """Whether an item has more than one category (B,); without it a correlation is not defined."""
    below = special.ndtr(cuts)
    edges = np.concatenate([np.zeros((len(cuts), 1)), below, np.ones((len(cuts), 1))], axis=1)
    return np.asarray(np.diff(edges, axis=1).max(axis=1) < 1 - 1e-12)


def _start(tables: FloatArray) -> FloatArray:
    """Product-moment correlation of the category numbers."""
    _, a, b = tables.shape
    u, v = np.arange(a, dtype=float), np.arange(b, dtype=float)
    total = tables.sum(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        mu, mv = tables.sum(axis=2) @ u / total, tables.sum(axis=1) @ v / total
        uu, vv = tables.sum(axis=2) @ u**2 / total - mu**2, tables.sum(axis=1) @ v**2 / total - mv**2
        return np.asarray((np.einsum("bij,i,j->b", tables, u, v) / total - mu * mv) / np.sqrt(uu * vv))


def _cells(rho: FloatArray, left: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Probabilities of the cells (B, a, b) and their derivatives in rho."""
    batch, a, b = len(rho), left.shape[1] + 1, right.shape[1] + 1
    h, k, r = left[:, :, None], right[:, None, :], rho[:, None, None]
    below = np.zeros((batch, a + 1, b + 1))
    below[:, 1:a, 1:b] = bivariate_normal(h, k, r)
    below[:, a, 1:b], below[:, 1:a, b], below[:, a, b] = special.ndtr(right), special.ndtr(left), 1.0
    density = np.zeros_like(below)
    s2 = (1 - r) * (1 + r)
    density[:, 1:a, 1:b] = np.exp(-(h * h - 2 * r * h * k + k * k) / (2 * s2)) / (2 * math.pi * np.sqrt(s2))
    cells = np.diff(np.diff(below, axis=1), axis=2)
    return np.maximum(cells, _LEAST), np.diff(np.diff(density, axis=1), axis=2)
