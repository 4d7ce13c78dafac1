"""Sequentially rejective graphical tests (Bretz, Maurer, Brannath & Posch 2009), with Bonferroni's inequality behind them.

Hypothesis i starts with the share w_i of alpha. The one with the smallest p_i / w_i is rejected when that is at most alpha; its
share moves along its arrows g_ij, and the graph closes over it:

    w_j <- w_j + w_i g_ij,   g_jl <- (g_jl + g_ji g_il) / (1 - g_ji g_ij).

The adjusted p-value is the largest p / w up to and including a hypothesis' own step: the smallest alpha at which it is rejected.
The order among ties does not matter for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class GraphTest:
    """Steps of a graphical test, carried through to the last hypothesis.

    Attributes
    ----------
    p_adjusted : (m,), at most 1; 1 for hypotheses that no share ever reaches.
    order : (m,) hypotheses in the order taken, those never reached last.
    share : (m,) share of alpha that each had at its own step, in the order of the hypotheses.
    """

    p_adjusted: FloatArray
    order: IntArray
    share: FloatArray


def graph_test(*, p: FloatArray, weights: FloatArray, transitions: FloatArray) -> GraphTest:
    """Adjusted p-values of m hypotheses.

    Parameters
    ----------
    p : (m,). weights : (m,) shares of alpha, not negative, of sum at most 1.
    transitions : (m, m) with a zero diagonal, rows not negative and of sum at most 1.

    Examples
    --------
    >>> import numpy as np
    >>> graph_test(p=np.array([0.02, 0.04]), weights=np.array([1.0, 0.0]), transitions=np.array([[0.0, 1], [0, 0]])).p_adjusted.tolist()
    [0.02, 0.04]
    """
    m = len(p)
    w, g = weights.astype(float), transitions.astype(float)
    left = np.ones(m, dtype=bool)
    adjusted, share, order = np.ones(m), np.zeros(m), []
    highest = 0.0
    while left.any():
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(left & (w > 0), p / w, np.inf)
        i = int(np.argmin(ratio))
        if not np.isfinite(ratio[i]):
            order += np.flatnonzero(left).tolist()
            break
        highest = max(highest, min(float(ratio[i]), 1.0))
        adjusted[i], share[i] = highest, w[i]
        order.append(i)
        left[i] = False
        w, g = _without(w, g, i)
    return GraphTest(adjusted, np.array(order, dtype=np.int64), share)


def _without(w: FloatArray, g: FloatArray, i: int) -> tuple[FloatArray, FloatArray]:
    """The graph after hypothesis i is rejected."""
    loop = 1 - g[:, i] * g[i]
    with np.errstate(divide="ignore", invalid="ignore"):
        closed = np.where((loop > 1e-14)[:, None], (g + np.outer(g[:, i], g[i])) / loop[:, None], 0.0)
    np.fill_diagonal(closed, 0.0)
    closed[i] = closed[:, i] = 0.0
    shares = w + w[i] * g[i]
    shares[i] = 0.0
    return shares, closed
