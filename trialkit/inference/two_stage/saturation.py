"""Two-stage saturation designs: clusters are randomized to the share of their people that is treated, people within clusters to treatment.

With Ybar_j(z) the mean of cluster j among people with treatment z, the mean potential outcome at saturation a is the plain mean of Ybar_j(z) over its J_a
clusters, every cluster counting the same. Direct effects are differences of z at one saturation; spillovers are differences of saturation at one z; the
marginal direct effect averages the direct effects by the shares of clusters J_a/J. Variances are those between clusters: a contrast sum_z k_z Ybar_j(z)
has the variance S^2_a(k)/J_a at saturation a, with J_a - 1 df, and different saturations are independent (Satterthwaite). Source: Imai, Jiang & Malani (2021),
Journal of the American Statistical Association 116, section 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class SaturationMeans:
    """Per cluster (J,): its saturation's code and its means (J, 2) among untreated and treated."""

    saturation: IntArray
    means: FloatArray

    @property
    def counts(self) -> IntArray:
        return np.bincount(self.saturation).astype(np.int64)

    @property
    def potential(self) -> FloatArray:
        """(A, 2) mean outcomes without and with treatment at each saturation."""
        return np.array([self.means[self.saturation == a].mean(axis=0) for a in range(len(self.counts))])


@dataclass(frozen=True, slots=True)
class SaturationContrast:
    """A contrast of mean potential outcomes."""

    estimate: float
    std_error: float
    df: float


def cluster_means(*, y: FloatArray, treated: IntArray, cluster: IntArray, saturation: IntArray) -> SaturationMeans:
    """Means of clusters 0..J-1 from people's outcomes (n,), treatment 0/1, cluster and saturation codes. Clusters hold people of both kinds."""
    size = int(cluster.max()) + 1
    level = np.zeros(size, dtype=np.int64)
    level[cluster] = saturation
    means = np.column_stack(
        [
            np.bincount(cluster[treated == z], weights=y[treated == z], minlength=size)
            / np.bincount(cluster[treated == z], minlength=size)
            for z in (0, 1)
        ]
    )
    return SaturationMeans(level, means)


def contrast(clusters: SaturationMeans, weights: FloatArray) -> SaturationContrast:
    """sum over a and z of weights (A, 2) times the mean potential outcome."""
    estimate = float((weights * clusters.potential).sum())
    parts, dfs = [], []
    for a, count in enumerate(clusters.counts):
        if np.any(weights[a] != 0):
            values = clusters.means[clusters.saturation == a] @ weights[a]
            parts.append(float(values.var(ddof=1)) / count if count > 1 else math.nan)
            dfs.append(count - 1)
    variance = sum(parts)
    spread = sum(p * p / d for p, d in zip(parts, dfs) if d > 0)
    return SaturationContrast(estimate, math.sqrt(variance), variance**2 / spread if spread > 0 else math.nan)
