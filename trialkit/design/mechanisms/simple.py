"""Simple randomization: everyone draws an arm by themselves."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialkit.design.base import Design
from trialkit.design.cells.counts import looked_up
from trialkit.design.cells.leftovers import exact_shares
from trialkit.design.cells.rounding import key_thresholds
from trialkit.design.mechanism import ArmCodes
from trialkit.design.people import People, arm_shares, as_mapping, as_pairs
from trialkit.design.stream import Stream, raw_block
from trialkit.errors import DesignError, UsageError, shown
from trialkit.inference.arrays import FloatArray
from trialkit.io.frames import numeric
from trialkit.misuse import explained


@dataclass(frozen=True, eq=False, repr=False)
class Simple(Design):
    """See `simple`.

    Attributes
    ----------
    matrix : (n, arms) probabilities. thresholds : (arms - 1, n or 1) the same as 64-bit keys.
    """

    matrix: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    thresholds: NDArray[np.uint64] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.uint64))

    scheme = "simple"

    def _draw(self, streams: Sequence[Stream]) -> ArmCodes:
        keys = raw_block(streams, self.n)
        out = np.zeros(keys.shape, dtype=np.int16)
        for row in self.thresholds:
            out += keys >= row
        return out

    def _probabilities(self) -> FloatArray:
        return self.matrix

    def _pair_probabilities(self, first: int, second: int) -> FloatArray:
        pairs = np.outer(self.matrix[:, first], self.matrix[:, second])
        np.fill_diagonal(pairs, self.matrix[:, first] if first == second else 0.0)
        return pairs

    def _count(self) -> int:
        return len(self.arms) ** self.n

    def _enumerate(self) -> tuple[ArmCodes, FloatArray]:
        arms = len(self.arms)
        place = arms ** np.arange(self.n - 1, -1, -1, dtype=np.int64)
        codes = (np.arange(arms**self.n)[:, None] // place % arms).astype(np.int16)
        weights = np.ones(len(codes))
        for person in range(self.n):
            weights *= self.matrix[person, codes[:, person]]
        return codes, weights


@explained
def simple(data: Any, *, arms: Any, unit: str | None = None, probability: Any = None) -> Simple:
    """Simple (Bernoulli, multinomial) randomization: independent draws, so the numbers in the arms are left to chance.

    Parameters
    ----------
    data : people, one row each.
    arms : label -> allocation weight; with `probability` only the labels count.
    unit : column that identifies people; with it no draw depends on the order of the rows.
    probability : column with each person's probability of the *last* arm, when there are two; or arm -> column for every arm.

    Raises
    ------
    DesignError
        Fewer people than arms, probabilities that are missing, not between 0 and 1, or do not sum to one.
    IdentifierError
        Missing or repeated identifiers.

    Notes
    -----
    Prefer `complete`, which fixes the numbers; this is for people who arrive one by one, and for probabilities that differ between
    people (weight the analysis by them: estimator='horvitz_thompson' or 'hajek').

    Examples
    --------
    >>> import trialkit as tk
    >>> people = {"id": ["a", "b", "c"], "chance": [0.2, 0.5, 0.8]}
    >>> tk.design.simple(people, unit="id", arms={"no": 1, "yes": 1}, probability="chance").probabilities["yes"].tolist()
    [0.2, 0.5, 0.8]
    """
    labels, _ = arm_shares(arms)
    people = People.of(data, unit)
    if people.n < len(labels):
        who = "1 person" if people.n == 1 else f"{people.n} people"
        raise DesignError(f"{who} cannot fill {len(labels)} arms ({shown(labels)}): each arm needs one at least.")
    settings: dict[str, Any] = {"unit": unit, "arms": as_pairs(arms)}
    if probability is None:
        shares = exact_shares(as_mapping(arms))
        matrix = np.tile([float(p) for p in shares], (people.n, 1))
        return Simple(people, labels, settings, matrix, key_thresholds(shares)[:, None])
    settings["probability"] = as_pairs(probability)
    matrix = _declared(people, labels, probability)
    exact = [key_thresholds([Fraction(p) for p in row]) for row in matrix.tolist()]
    return Simple(people, labels, settings, matrix, np.array(exact).T)


def _declared(people: People, labels: tuple[Hashable, ...], probability: Any) -> FloatArray:
    """(n, arms) probabilities from columns of the people."""
    columns = as_mapping(probability)
    if isinstance(columns, str):
        if len(labels) != 2:
            raise UsageError(
                f"probability='{columns}' is the probability of the last of two arms, and there are {len(labels)}: name a column for "
                "each, as in probability={'a': 'p_a', 'b': 'p_b', 'c': 'p_c'}."
            )
        last = _column(people, columns)
        return np.column_stack([1 - last, last])
    if not isinstance(columns, Mapping):
        raise UsageError("probability is the name of a column, or a mapping of arms to columns.")
    matrix = np.column_stack([_column(people, name) for name in looked_up(columns, labels, "probability")])
    off = np.abs(matrix.sum(axis=1) - 1) > 1e-8
    if off.any():
        raise DesignError(
            f"the probabilities of the arms do not sum to one for {people.named(off)} (they sum to "
            f"{shown(np.round(matrix[off].sum(axis=1), 6).tolist(), 3)}): give each person probabilities that do."
        )
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True))


def _column(people: People, name: str) -> FloatArray:
    values = numeric(people.complete(name, "probability"), name)
    outside = ~((values > 0) & (values < 1))
    if outside.any():
        raise DesignError(
            f"the probability '{name}' is not between 0 and 1 for {people.named(outside)}: leave people who cannot be in an arm out "
            "of the draw, and do not analyse them as randomized."
        )
    return values
