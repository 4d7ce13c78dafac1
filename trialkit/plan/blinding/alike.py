"""Outcomes of made-up groups: members of a group are made alike, and every outcome keeps the values that it has in the data.

Groups that are drawn anew have no effect of their own, so that an analysis that ignores groups would look right on them. Here each person's outcome becomes
a normal score z (ties in random order), a group adds its part, z* = sqrt(1 - r) z + sqrt(r) u, and z* is read back as a quantile of the outcomes of everyone
(a Gaussian copula; Cario & Nelson 1997, NORTA). So shares stay shares, counts counts and scores possible scores; an arm has the distribution of everyone in
expectation, and the groups pull its mean up and down as groups do. r is chosen such that the correlation of two members is the ICC in the units of the outcome.
"""

from __future__ import annotations

import numpy as np
from scipy import optimize, special

from trialkit.inference.arrays import FloatArray, IntArray

__all__ = ["latent_share", "made_alike"]

NODES = 64
LARGEST = 0.999


def made_alike(order: FloatArray, values: FloatArray, unit: IntArray, icc: float, rng: np.random.Generator) -> IntArray:
    """Whose outcome each person gets.

    Parameters
    ----------
    order : (n,) what orders the outcomes, complete. values : (n,) in whose units the ICC is meant, complete.
    unit : (n,) group of each person, -1 alone. icc : correlation of two members of a group. rng : random numbers.

    Returns
    -------
    IntArray
        (n,) the person whose outcome stands in for one's own; people alone keep theirs.
    """
    n = len(order)
    ranked = np.lexsort((rng.random(n), order))
    rank = np.empty(n, dtype=np.int64)
    rank[ranked] = np.arange(n)
    inside = unit >= 0
    found = np.arange(n)
    share = latent_share(values[ranked], icc)
    own = special.ndtri((rank + rng.random(n)) / n)
    common = rng.standard_normal(int(unit.max()) + 1 if inside.any() else 0)
    mixed = np.sqrt(1 - share) * own[inside] + np.sqrt(share) * common[unit[inside]]
    found[inside] = ranked[np.minimum((special.ndtr(mixed) * n).astype(np.int64), n - 1)]
    return found


def latent_share(ranked: FloatArray, icc: float) -> float:
    """Correlation of two normal scores at which their quantiles among `ranked` (ascending) correlate by `icc`.

    The correlation of the quantiles at r is the sum over k of c_k^2 r^k, c_k the standardized Hermite coefficients of the quantile function.
    """
    n = len(ranked)
    variance = float(ranked.var())
    if icc <= 0 or variance == 0:
        return 0.0
    edges = special.ndtri(np.arange(n + 1) / n)
    density = np.exp(-(edges**2) / 2) / np.sqrt(2 * np.pi)
    weights = _coefficients(ranked, edges, density)
    part = weights**2 / variance
    powers = np.arange(1, NODES + 1)

    def found(r: float) -> float:
        # what the first terms leave belongs to higher powers
        return float((part * r**powers).sum() + max(1 - part.sum(), 0.0) * r ** (NODES + 1))

    if found(LARGEST) <= icc:
        return LARGEST
    return float(optimize.brentq(lambda r: found(r) - icc, 0.0, LARGEST, xtol=1e-10))


def _coefficients(ranked: FloatArray, edges: FloatArray, density: FloatArray) -> FloatArray:
    """(NODES,) integrals of the step function `ranked` between `edges` against the orthonormal Hermite polynomials 1 to NODES.

    The integral of h_k phi between a and b is (h_{k-1}(a) phi(a) - h_{k-1}(b) phi(b)) / sqrt(k) for orthonormal h.
    """
    finite = np.where(np.isfinite(edges), edges, 0.0)
    before, now = np.zeros_like(finite), np.ones_like(finite)
    found = np.empty(NODES)
    for k in range(1, NODES + 1):
        at = now * density
        found[k - 1] = ranked @ (at[:-1] - at[1:]) / np.sqrt(k)
        before, now = now, (finite * now - np.sqrt(k - 1) * before) / np.sqrt(k)
    return found
