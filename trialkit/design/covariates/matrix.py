"""Covariates that a design balances: as a matrix of numbers, complete, without constants, and on the Mahalanobis scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.api import types

from trialkit.design.people import People
from trialkit.errors import DesignError, UsageError, ValueTypeError, shown
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.io.frames import numeric

__all__ = ["cluster_means", "covariate_matrix", "mahalanobis_coordinates"]

MOST_LEVELS = 20
_RANK = 1e-7


def covariate_matrix(people: People, names: Sequence[str]) -> tuple[FloatArray, list[str]]:
    """(n, columns) numbers and the covariate each column comes from; text becomes one 0/1 column a level.

    Raises
    ------
    DesignError
        A missing value (names who), the same value for everyone, or text with more than twenty levels.
    UsageError
        A name given twice.
    """
    repeated = sorted({n for n in names if list(names).count(n) > 1})
    if repeated:
        raise UsageError(f"the covariate {shown(repeated)} is named more than once.")
    columns: list[FloatArray] = []
    sources: list[str] = []
    for name in names:
        block = _numbers(people.complete(name, "covariate"), name)
        if np.all(block == block[0]):
            raise DesignError(f"the covariate '{name}' is the same for everyone, so there is nothing to balance: leave it out.")
        columns.append(block)
        sources += [name] * block.shape[1]
    return np.hstack(columns), sources


def _numbers(values: pd.Series, name: str) -> FloatArray:
    try:
        return numeric(values, name)[:, None]
    except ValueTypeError:
        if not (types.is_string_dtype(values.dtype) or isinstance(values.dtype, pd.CategoricalDtype)):
            raise
    texts = np.array([str(v) for v in values])
    levels, codes = np.unique(texts, return_inverse=True)
    if len(levels) > MOST_LEVELS:
        raise DesignError(
            f"the covariate '{name}' is text with {len(levels)} different values: group them into at most {MOST_LEVELS} categories."
        )
    return (codes[:, None] == np.arange(len(levels))).astype(float)


def mahalanobis_coordinates(values: FloatArray, sources: Sequence[str], what: str = "people") -> FloatArray:
    """Coordinates whose Euclidean distance is Mahalanobis' (generalized inverse when covariates are collinear).

    Raises
    ------
    DesignError
        A covariate without variation, or as many covariates as units: then all distances are equal.
    """
    n = len(values)
    centred = values - values.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0) / max(n - 1, 1))
    flat = sorted({s for s, v, c in zip(sources, spread, np.abs(values).max(axis=0)) if v <= 1e-12 * max(c, 1e-300)})
    if flat:
        raise DesignError(f"the covariate {shown(flat)} does not differ between the {what}: leave it out.")
    basis: list[FloatArray] = []
    for column in (centred / spread).T:
        # in the order of the columns, so that coordinates do not depend on a library's choice of eigenvectors
        rest = _without(_without(column, basis), basis)
        size = float(np.sqrt((rest**2).sum()))
        if size > _RANK * np.sqrt(n - 1):
            basis.append(rest / size)
    if len(basis) >= n - 1 and n > 2:
        raise DesignError(
            f"{n} {what} are too few for {values.shape[1]} covariate columns: every distance would be the same. Name fewer covariates."
        )
    return np.column_stack(basis) * np.sqrt(n - 1)


def _without(column: FloatArray, basis: Sequence[FloatArray]) -> FloatArray:
    """What the orthonormal columns of the basis leave of a column."""
    for q in basis:
        column = column - q * (q * column).sum()
    return column


def cluster_means(values: FloatArray, codes: IntArray) -> FloatArray:
    """(clusters, columns) means."""
    sizes = np.bincount(codes)
    return np.column_stack([np.bincount(codes, weights=column) / sizes for column in values.T])
