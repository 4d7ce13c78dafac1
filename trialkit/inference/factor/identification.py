"""Whether the moments determine the numbers of a model, before any data are looked at.

A model is locally identified where the derivative of (Sigma, mu) to the free numbers has full column rank, that is where the
expected information is not singular; if it is so at one point, it is so almost everywhere. The point is generic: unequal
loadings, small covariances. Source: Wald (1950); Bollen (1989), p. 246.
"""

from __future__ import annotations

import numpy as np

from trialkit.inference.factor.fiml import moments_from_covariances
from trialkit.inference.factor.fit import null_labels
from trialkit.inference.factor.likelihood import evaluate, information, matrices
from trialkit.inference.factor.model import FACTOR, LOADING, RESIDUAL, FactorModel, layout

_SPREAD = 0.618033988749895


def unidentified(model: FactorModel) -> tuple[str, ...]:
    """Labels of the numbers that no data could tell apart; empty when the model is identified."""
    lay = layout(model)
    uneven = np.modf(_SPREAD * np.arange(1, lay.n_free + 1))[0]
    first = np.array([int(np.flatnonzero(lay.index == k)[0]) for k in range(lay.n_free)], dtype=np.int64)
    kind, diagonal = lay.kind[first], lay.row[first] == lay.col[first]
    size = max(lay.n_items, 2)
    theta = np.where(kind == LOADING, 0.4 + 0.5 * uneven, 0.3 * uneven)
    theta = np.where((kind == RESIDUAL) | (kind == FACTOR), np.where(diagonal, 0.8 + 0.4 * uneven, 0.4 * uneven / size), theta)
    at = matrices(lay, theta)
    data = moments_from_covariances(at.sigma, np.ones(lay.n_groups), at.mu)
    point = evaluate(lay, data, theta)
    return () if point is None else null_labels(lay, information(lay, data, point))
