"""Covariances of items from the people who answered both, for one sample or for many weightings of its units.

    s_jk = [ sum w x_j x_k - (sum w x_j)(sum w x_k) / N_jk ] / (N_jk - 1),     sums over those who answered j and k, N_jk = sum w.

For complete answers this is the usual covariance matrix. Sums of units are enough for every weighting of them, which is what a bootstrap over whole
groups repeats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class ItemSums:
    """Sums by unit: answers together, sums of the first item of a pair and products, each (U, p * p)."""

    counts: FloatArray
    sums: FloatArray
    products: FloatArray
    items: int

    def covariances(self, weights: FloatArray) -> FloatArray:
        """Covariance matrices (B, p, p) of weightings (B, U) of the units; NaN where fewer than two people answered both items."""
        return self._from_totals(weights @ self.counts, weights @ self.sums, weights @ self.products)

    def without_each(self) -> FloatArray:
        """Covariance matrices (U, p, p) without each unit in turn."""
        return self._from_totals(*(total.sum(axis=0) - total for total in (self.counts, self.sums, self.products)))

    def _from_totals(self, counts: FloatArray, sums: FloatArray, products: FloatArray) -> FloatArray:
        shape = (len(counts), self.items, self.items)
        counts, sums, products = (total.reshape(shape) for total in (counts, sums, products))
        with np.errstate(divide="ignore", invalid="ignore"):
            out = (products - sums * sums.swapaxes(1, 2) / counts) / (counts - 1)
        return np.where(counts > 1 + 1e-9, out, np.nan)


def item_sums(x: FloatArray, unit: IntArray) -> ItemSums:
    """Sums of answers (n, p), NaN = missing, by unit codes 0..U-1 (n,)."""
    n, p = x.shape
    seen = ~np.isnan(x)
    d = np.where(seen, x - np.nanmean(x, axis=0), 0.0)
    o = seen.astype(float)
    order = np.argsort(unit, kind="stable")
    starts = np.flatnonzero(np.diff(unit[order], prepend=-1))

    def totals(left: FloatArray, right: FloatArray) -> FloatArray:
        made = (left[order][:, :, None] * right[order][:, None, :]).reshape(n, p * p)
        return np.add.reduceat(made, starts, axis=0)

    return ItemSums(totals(o, o), totals(d, o), totals(d, d), p)


def pair_counts(x: FloatArray) -> FloatArray:
    """How many people answered each pair of items (p, p)."""
    seen = (~np.isnan(x)).astype(float)
    return np.asarray(seen.T @ seen)


def item_covariances(x: FloatArray) -> FloatArray:
    """Covariance matrix (p, p) of the answers (n, p) of complete pairs."""
    seen = ~np.isnan(x)
    d = np.where(seen, x - np.nanmean(x, axis=0), 0.0)
    o = seen.astype(float)
    counts, sums = o.T @ o, d.T @ o
    with np.errstate(divide="ignore", invalid="ignore"):
        out = (d.T @ d - sums * sums.T / counts) / (counts - 1)
    return np.where(counts > 1, out, np.nan)
