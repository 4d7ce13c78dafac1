"""A design of the user's own: a list of assignments with their probabilities, or a function that draws one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialkit.design.base import Design
from trialkit.design.cells.rounding import key_thresholds
from trialkit.design.mechanism import ArmCodes
from trialkit.design.people import People, arm_shares, as_pairs, sort_key
from trialkit.design.stream import Stream, raw_block
from trialkit.errors import DesignError, UsageError, shown
from trialkit.inference.arrays import FloatArray
from trialkit.misuse import explained

DrawFunction = Callable[[np.random.Generator], Any]


@dataclass(frozen=True, eq=False, repr=False)
class Listed(Design):
    """A list of assignments; see `custom`.

    Attributes
    ----------
    rows : (assignments, n) codes in the design's order. weights : their probabilities. thresholds : the same as 64-bit keys.
    """

    rows: ArmCodes = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int16))
    weights: FloatArray = field(default_factory=lambda: np.zeros(0))
    thresholds: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))

    scheme = "custom"

    def _draw(self, streams: Sequence[Stream]) -> ArmCodes:
        return self.rows[np.searchsorted(self.thresholds, raw_block(streams, 1)[:, 0], side="right")]

    def _probabilities(self) -> FloatArray:
        return np.column_stack([self.weights @ (self.rows == code) for code in range(len(self.arms))])

    def _count(self) -> int:
        return len(self.rows)

    def _enumerate(self) -> tuple[ArmCodes, FloatArray]:
        return self.rows.copy(), self.weights.copy()

    def describe(self) -> str:
        """The mechanism in words."""
        return f"custom randomization of {self.n} people to {shown(self.arms, 10)}: one of {len(self.rows)} listed assignments"


@dataclass(frozen=True, eq=False, repr=False)
class Drawn(Design):
    """A user's draw function; see `custom`.

    Attributes
    ----------
    function : from a numpy Generator to the arms of all people, in the order of the rows of the data.
    """

    function: DrawFunction = field(default=lambda rng: [])

    scheme = "custom"

    @property
    def probabilities_exact(self) -> bool:
        """False: a function can only be tried."""
        return False

    def _draw(self, streams: Sequence[Stream]) -> ArmCodes:
        return np.stack([self._checked(self.function(stream.generator())) for stream in streams])

    def _checked(self, labels: Any) -> ArmCodes:
        values = np.asarray(labels).ravel().tolist()
        if len(values) != self.n:
            raise DesignError(f"the draw function gave {len(values)} arms for {self.n} people: it must give one each.")
        return self.codes(values)[self.people.rows].astype(np.int16)

    def describe(self) -> str:
        """The mechanism in words."""
        return f"custom randomization of {self.n} people to {shown(self.arms, 10)} by a draw function"


@overload
def custom(data: Any, *, assignments: Any, probabilities: Any = None, unit: str | None = None, arms: Any = None) -> Listed: ...


@overload
def custom(data: Any, *, draw: DrawFunction, unit: str | None = None, arms: Any) -> Drawn: ...


@explained
def custom(
    data: Any,
    *,
    assignments: Any = None,
    probabilities: Any = None,
    draw: DrawFunction | None = None,
    unit: str | None = None,
    arms: Any = None,
) -> Listed | Drawn:
    """A design of your own: the assignments that were possible, or the function that drew one.

    Parameters
    ----------
    data : people, one row each.
    assignments : matrix (assignments, people) of arm labels, or of codes 0, 1, ... into `arms`; columns in the order of the rows of
        `data`. Exact probabilities follow.
    probabilities : of the assignments, summing to one; equal by default.
    draw : function of a numpy Generator that returns everyone's arm in the order of the rows of `data`. Probabilities are then
        known by simulation, with their standard errors, and the draws follow the order of the rows and the numpy version.
    unit : column that identifies people. arms : label -> weight (weights are not used); by default the labels of `assignments`.

    Raises
    ------
    DesignError
        Probabilities that do not sum to one or are not positive, labels that are not arms, a matrix of another width, a list of one
        assignment (then nothing was random).
    IdentifierError
        Missing or repeated identifiers.

    Notes
    -----
    The analysis uses what is said here: a randomization test weights each listed assignment by its probability.

    Examples
    --------
    >>> import trialkit as tk
    >>> d = tk.design.custom({"id": ["a", "b"]}, unit="id", assignments=[["x", "y"], ["y", "x"]], probabilities=[0.25, 0.75])
    >>> d.probabilities["x"].tolist()
    [0.25, 0.75]
    >>> coin = tk.design.custom({"id": ["a", "b"]}, arms={"x": 1, "y": 1}, draw=lambda rng: rng.permutation(["x", "y"]))
    >>> sorted(coin.assign(seed=3)["arm"])
    ['x', 'y']
    """
    if (assignments is None) == (draw is None):
        raise UsageError("a custom design is given by assignments= (a matrix) or by draw= (a function): say one of them.")
    people = People.of(data, unit)
    settings: dict[str, Any] = {"unit": unit} if arms is None else {"unit": unit, "arms": as_pairs(arms)}
    if draw is not None:
        if probabilities is not None:
            raise UsageError("probabilities belong to assignments=; those of a draw function are simulated.")
        if arms is None:
            raise UsageError("a draw function needs arms=: the labels that it can return, as in arms={'a': 1, 'b': 1}.")
        return Drawn(people, arm_shares(arms)[0], settings | {"draw": _name_of(draw)}, draw)
    matrix = _matrix(assignments, people)
    labels = _labels(matrix) if arms is None else arm_shares(arms)[0]
    weights = _weights(probabilities, len(matrix))
    settings["assignments"] = matrix.tolist()
    if probabilities is not None:
        settings["probabilities"] = weights.tolist()
    thresholds = key_thresholds([Fraction(w) for w in weights.tolist()])
    return Listed(people, labels, settings, _coded(matrix, labels)[:, people.rows], weights, thresholds)


def _matrix(assignments: Any, people: People) -> NDArray[Any]:
    matrix = np.asarray(assignments)
    if matrix.ndim != 2 or matrix.shape[1] != people.n:
        raise DesignError(
            f"assignments has shape {matrix.shape}, and {people.n} people need a matrix (assignments, {people.n}): a row for each "
            "possible assignment, a column for each row of the data."
        )
    if len(matrix) < 2:
        raise DesignError("assignments holds one row: with a single possible assignment nothing is random.")
    missing = np.flatnonzero(pd.isna(matrix).any(axis=1)) + 1
    if len(missing):
        raise DesignError(
            f"rows {shown(missing.tolist())} of assignments hold missing arms: everyone has an arm in each of them."
        )
    return matrix


def _labels(matrix: NDArray[Any]) -> tuple[Hashable, ...]:
    labels = sorted(dict.fromkeys(matrix.ravel().tolist()), key=sort_key)
    if len(labels) < 2:
        raise DesignError(f"assignments holds one arm only ({shown(labels)}): two are needed.")
    return tuple(labels)


def _coded(matrix: NDArray[Any], labels: tuple[Hashable, ...]) -> ArmCodes:
    """Codes of the labels in a matrix; a matrix without any label may hold codes."""
    place = {label: code for code, label in enumerate(labels)}
    values = dict.fromkeys(matrix.ravel().tolist())
    if not any(v in place for v in values) and all(v in range(len(labels)) for v in values):
        place = {v: int(v) for v in values}
    unknown = [v for v in values if v not in place]
    if unknown:
        raise DesignError(
            f"assignments holds {shown(unknown)}, which is not an arm: the arms are {shown(labels)} (or their codes 0, 1, ...)."
        )
    return np.array([[place[v] for v in row] for row in matrix.tolist()], dtype=np.int16)


def _weights(probabilities: Any, count: int) -> FloatArray:
    if probabilities is None:
        return np.full(count, 1 / count)
    try:
        weights = np.asarray(probabilities, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError("probabilities holds numbers between 0 and 1, one for each assignment.") from error
    if weights.shape != (count,):
        raise DesignError(f"there are {weights.size} probabilities for {count} assignments: give one each.")
    wrong = np.flatnonzero(~((weights > 0) & (weights < 1))) + 1
    if len(wrong):
        raise DesignError(
            f"the probability of assignments {shown(wrong.tolist())} is not between 0 and 1: leave out those that cannot happen."
        )
    if abs(weights.sum() - 1) > 1e-8:
        raise DesignError(f"the probabilities of the assignments sum to {weights.sum():.10g}, and must sum to one.")
    return np.asarray(weights / weights.sum())


def _name_of(function: DrawFunction) -> str:
    return str(getattr(function, "__qualname__", type(function).__name__))
