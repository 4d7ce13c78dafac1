"""Adjusted p-values from a list of p-values.

Holm (1979), Hochberg (1988), Benjamini & Hochberg (1995); sharpened q-values of Anderson (2008) after Benjamini, Krieger &
Yekutieli (2006), on the published grid of steps of .001.
"""

from __future__ import annotations

import numpy as np

from trialkit.inference.arrays import FloatArray


def holm(p: FloatArray) -> FloatArray:
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return _restore(np.minimum(stepped, 1.0), order)


def hochberg(p: FloatArray) -> FloatArray:
    order = np.argsort(p, kind="stable")
    stepped = np.minimum.accumulate((p[order] * np.arange(len(p), 0, -1))[::-1])[::-1]
    return _restore(np.minimum(stepped, 1.0), order)


def benjamini_hochberg(p: FloatArray) -> FloatArray:
    order = np.argsort(p, kind="stable")
    stepped = np.minimum.accumulate((p[order] * len(p) / np.arange(1, len(p) + 1))[::-1])[::-1]
    return _restore(np.minimum(stepped, 1.0), order)


def sharpened_q(p: FloatArray) -> FloatArray:
    """For q = 1.000 down by .001, the smallest q at which the two-stage procedure rejects."""
    order = np.argsort(p, kind="stable")
    ranked, m = p[order], len(p)
    ranks = np.arange(1, m + 1)
    q_values = np.ones(m)
    for thousandth in range(1000, 0, -1):
        q = thousandth / 1000
        first = q / (1 + q)
        rejected = _largest_rank(ranked, first * ranks / m)
        second = first * m / (m - rejected) if rejected < m else np.inf
        rejected = _largest_rank(ranked, second * ranks / m)
        q_values[ranks <= rejected] = q
    return _restore(q_values, order)


def _largest_rank(ranked: FloatArray, bounds: FloatArray) -> int:
    passed = np.flatnonzero(ranked <= bounds)
    return int(passed[-1]) + 1 if len(passed) else 0


def _restore(values: FloatArray, order: np.ndarray) -> FloatArray:
    out = np.empty_like(values)
    out[order] = values
    return out
