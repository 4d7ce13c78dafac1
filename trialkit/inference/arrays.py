"""Array types and segment sums shared by the kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Clusters:
    """Rows sorted by cluster, so that sums per cluster are one pass.

    Attributes
    ----------
    order : rows in cluster order, shape (n,).
    starts : first sorted row of each cluster, shape (S,).
    sizes : rows in each cluster, shape (S,).
    """

    order: IntArray
    starts: IntArray
    sizes: IntArray

    @classmethod
    def from_labels(cls, labels: NDArray[np.generic]) -> Clusters:
        """Clusters from labels of any kind, in the order of their sorted labels."""
        _, codes = np.unique(labels, return_inverse=True)
        codes = codes.reshape(-1)
        sizes = np.bincount(codes)
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        return cls(
            order=np.argsort(codes, kind="stable").astype(np.int64), starts=starts.astype(np.int64), sizes=sizes.astype(np.int64)
        )

    @property
    def count(self) -> int:
        return len(self.sizes)

    def sum(self, values: FloatArray) -> FloatArray:
        """Sum rows (axis -2) of sorted `values` (..., n, k) within clusters: (..., S, k)."""
        return np.add.reduceat(values, self.starts, axis=-2)

    def gram(self, left: FloatArray, right: FloatArray) -> FloatArray:
        """left_s' right_s for each cluster of sorted (..., n, k) and (..., n, m): (..., S, k, m)."""
        k, m = left.shape[-1], right.shape[-1]
        out = np.empty((*np.broadcast_shapes(left.shape[:-2], right.shape[:-2]), self.count, k, m))
        symmetric = left is right
        for i in range(k):
            for j in range(i if symmetric else 0, m):
                out[..., i, j] = np.add.reduceat(left[..., i] * right[..., j], self.starts, axis=-1)
                if symmetric:
                    out[..., j, i] = out[..., i, j]
        return out
