"""Traits of people as whole-number features, so that a search over groups gives the same answer on every machine.

A trait is centred and scaled among all people of its stratum, before anybody is assigned, and rounded to 1/1024 of a standard
deviation. Sums and products of such features are whole numbers that a float holds exactly, in whatever order they are added.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api import types

from trialkit.design.people import People
from trialkit.errors import DesignError, shown
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.io.frames import numeric

UNIT = 1024.0
MOST_LEVELS = 50


@dataclass(frozen=True, slots=True)
class Trait:
    """One trait of everyone.

    Attributes
    ----------
    name : its column.
    level : (people, columns) a number as one column, a category as an indicator for each value; in every stratum centred, with a
        total sum of squares of one (times UNIT squared) a person.
    spread : (people, 0 or 1) squared deviations, scaled alike; none for categories and for numbers with two values.
    """

    name: str
    level: FloatArray
    spread: FloatArray


def trait(people: People, name: str, strata: IntArray, *, categorical: bool = False) -> Trait:
    """The features of one column.

    Parameters
    ----------
    strata : (people,) codes 0, 1, ... of the strata in which groups are formed.
    categorical : take numbers as categories.

    Raises
    ------
    DesignError
        Missing values (names the people), a trait that is the same for everyone, text with too many different values.
    """
    values = people.complete(name, "trait")
    if categorical or _is_category(values):
        return Trait(name, _scaled(_indicators(values, name), strata), np.zeros((people.n, 0)))
    numbers = numeric(values, name)
    if np.isnan(numbers).any():
        raise DesignError(f"the trait '{name}' is missing for {people.named(np.isnan(numbers))}: fill it in before the draw.")
    if np.all(numbers == numbers[0]):
        raise DesignError(f"the trait '{name}' is the same for everyone: leave it out, it cannot form groups.")
    level = _scaled(numbers[:, None], strata)
    spread = _squares(numbers, strata)
    return Trait(name, level, spread if spread.any() else np.zeros((people.n, 0)))


def _is_category(values: pd.Series) -> bool:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype) or types.is_bool_dtype(dtype):
        return True
    return bool(types.is_object_dtype(dtype) or types.is_string_dtype(dtype)) and not types.is_numeric_dtype(dtype)


def _indicators(values: pd.Series, name: str) -> FloatArray:
    text = values.astype(str)
    levels = sorted(text.unique())
    if len(levels) == 1:
        raise DesignError(f"the trait '{name}' is the same for everyone: leave it out, it cannot form groups.")
    if len(levels) > MOST_LEVELS:
        raise DesignError(
            f"the trait '{name}' has {len(levels)} different texts ({shown(levels, 3)}), too many for a category (at most {MOST_LEVELS}): "
            "join them into fewer, or correct what should be numbers."
        )
    return (text.to_numpy()[:, None] == np.array(levels, dtype=object)[None, :]).astype(np.float64)


def _scaled(columns: FloatArray, strata: IntArray) -> FloatArray:
    """Centred within strata, scaled to one unit of sum of squares a person over all columns together, rounded."""
    out = np.zeros(columns.shape)
    for stratum in range(int(strata.max()) + 1):
        inside = np.flatnonzero(strata == stratum)
        centred = columns[inside] - _means(columns[inside])
        total = math.fsum((centred**2).ravel().tolist())
        if total > 1e-12 * max(1.0, float(np.abs(columns[inside]).max()) ** 2):
            out[inside] = np.rint(centred * (UNIT * math.sqrt(len(inside) / total)))
    return out


def _squares(numbers: FloatArray, strata: IntArray) -> FloatArray:
    """Squared deviations from the stratum's mean (k-plus); zero where there are two values, whose spread follows from the level."""
    squares = np.zeros((len(numbers), 1))
    for stratum in range(int(strata.max()) + 1):
        inside = np.flatnonzero(strata == stratum)
        if len(np.unique(numbers[inside])) > 2:
            squares[inside] = (numbers[inside, None] - _means(numbers[inside, None])) ** 2
    return _scaled(squares, strata)


def _means(columns: FloatArray) -> FloatArray:
    # exactly rounded sums: the last digit of a mean must not depend on the machine
    return np.array([math.fsum(c.tolist()) / len(c) for c in columns.T])
