"""Differences in means with the variance and degrees of freedom that the design implies.

| design | variance | df |
|---|---|---|
| standard | s1^2/n1 + s0^2/n0 (Neyman) | Welch |
| blocked | sum (N_j/N)^2 V_j | n - 2J |
| block-clustered | the same with V_j the CR2 variance inside block j | clusters - 2J |
| matched pairs | sum (tau_j - tau)^2 / (J(J-1)) | J - 1 |
| matched pairs of clusters | J/((J-1)N^2) sum (N_j tau_j - N tau/J)^2 | J - 1 |
| small blocks (one unit of an arm) | sum w_j (tau_j - tau)^2/(n_S + sum w_j), w_j = N_j^2/(n_S - 2N_j) | blocks - 1 |
| hybrid | (n_B/N)^2 V_B + (n_S/N)^2 V_S | Welch-Satterthwaite |

Sources: Imai, King & Nall (2009); Pashley & Miratrix (2021), eq. 8 for small blocks of unequal size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from trialkit.inference.arrays import Clusters, FloatArray, IntArray
from trialkit.inference.linear.covariance import covariance
from trialkit.inference.linear.least_squares import least_squares


@dataclass(frozen=True, slots=True)
class MeanDifference:
    """Estimate, standard error and df; `parts` holds the big- and small-block standard errors of a hybrid."""

    estimate: float
    std_error: float
    df: float
    design: str
    parts: dict[str, float] = field(default_factory=dict)


def standard(*, y: FloatArray, treated: IntArray) -> MeanDifference:
    """y (n,), treated (n,) of 0/1."""
    a, b = y[treated == 1], y[treated == 0]
    va, vb = float(a.var(ddof=1) / len(a)), float(b.var(ddof=1) / len(b))
    df = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1)) if va + vb > 0 else math.nan
    return MeanDifference(float(a.mean() - b.mean()), math.sqrt(va + vb), df, "standard")


def blocked(*, y: FloatArray, treated: IntArray, block: IntArray) -> MeanDifference:
    """Blocks with two or more of each arm, blocks with a single unit of an arm, or both ('hybrid')."""
    sizes, effects, variances, small = [], [], [], []
    for j in np.unique(block):
        a, b = y[(block == j) & (treated == 1)], y[(block == j) & (treated == 0)]
        if not (len(a) and len(b)):
            raise ValueError("a block has one arm only")
        sizes.append(len(a) + len(b))
        effects.append(a.mean() - b.mean())
        small.append(min(len(a), len(b)) < 2)
        variances.append(0.0 if small[-1] else a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    size, effect, variance, is_small = np.array(sizes, float), np.array(effects), np.array(variances), np.array(small)
    total = size.sum()
    estimate = float(size @ effect / total)
    if not is_small.any():
        return MeanDifference(estimate, math.sqrt(float((size / total) ** 2 @ variance)), total - 2 * len(size), "blocked")
    v_small, df_small = _small_blocks(size[is_small], effect[is_small])
    if is_small.all():
        return MeanDifference(estimate, math.sqrt(v_small), df_small, "small blocks")
    big = size[~is_small]
    v_big = float((big / big.sum()) ** 2 @ variance[~is_small])
    df_big = big.sum() - 2 * len(big)
    p_big, p_small = (big.sum() / total) ** 2 * v_big, (size[is_small].sum() / total) ** 2 * v_small
    df = (p_big + p_small) ** 2 / (p_big**2 / df_big + p_small**2 / df_small)
    return MeanDifference(
        estimate, math.sqrt(p_big + p_small), float(df), "hybrid blocks", {"big": math.sqrt(v_big), "small": math.sqrt(v_small)}
    )


def _small_blocks(size: FloatArray, effect: FloatArray) -> tuple[float, float]:
    if len(size) < 2:
        raise ValueError("exactly one block has a single unit in an arm")
    n = size.sum()
    mean = float(size @ effect / n)
    if np.ptp(size) == 0:
        return float(((effect - mean) ** 2).sum() / (len(size) * (len(size) - 1))), len(size) - 1.0
    if (2 * size >= n).any():
        raise ValueError("one block holds at least half of all people in blocks with a single unit of an arm")
    w = size**2 / (n - 2 * size)
    return float(w @ (effect - mean) ** 2 / (n + w.sum())), len(size) - 1.0


def matched_pairs(*, y: FloatArray, treated: IntArray, pair: IntArray) -> MeanDifference:
    order_t = np.argsort(pair[treated == 1], kind="stable")
    order_c = np.argsort(pair[treated == 0], kind="stable")
    effect = y[treated == 1][order_t] - y[treated == 0][order_c]
    pairs = len(effect)
    return MeanDifference(float(effect.mean()), float(effect.std(ddof=1) / math.sqrt(pairs)), pairs - 1.0, "matched pairs")


def matched_pair_clusters(*, y: FloatArray, treated: IntArray, pair: IntArray) -> MeanDifference:
    labels = np.unique(pair)
    size = np.array([(pair == j).sum() for j in labels], dtype=float)
    effect = np.array([y[(pair == j) & (treated == 1)].mean() - y[(pair == j) & (treated == 0)].mean() for j in labels])
    total, pairs = size.sum(), len(labels)
    estimate = float(size @ effect / total)
    variance = pairs / ((pairs - 1) * total**2) * float(((size * effect - total * estimate / pairs) ** 2).sum())
    return MeanDifference(estimate, math.sqrt(variance), pairs - 1.0, "matched pairs of clusters")


def block_clustered(*, y: FloatArray, treated: IntArray, block: IntArray, cluster: IntArray) -> MeanDifference:
    """Clusters randomized inside blocks; every block needs two clusters of each arm."""
    estimate, variance, clusters = 0.0, 0.0, 0
    labels = np.unique(block)
    for j in labels:
        inside = block == j
        for arm in (0, 1):
            if len(np.unique(cluster[inside & (treated == arm)])) < 2:
                raise ValueError("a block has fewer than two clusters of an arm")
        X = np.column_stack([np.ones(int(inside.sum())), treated[inside]])
        fit = least_squares(y=y[inside], X=X)
        found = Clusters.from_labels(cluster[inside])
        share = inside.sum() / len(y)
        estimate += share * float(fit.coef[1])
        variance += share**2 * float(covariance(fit, "CR2", found).matrix[1, 1])
        clusters += found.count
    return MeanDifference(estimate, math.sqrt(variance), float(clusters - 2 * len(labels)), "block-clustered")
