"""What every design can do: assign once, draw many, say its probabilities, and list its assignments when they can be counted.

A scheme is a subclass in a file of its own. It fills in `_draw` (arm codes for a batch of draws) and, where they exist in closed
form, `_probabilities`, `_enumerate` and `_pair_probabilities`; everything else is here. People stand in canonical order (sorted
by their identifier, when one is given), so that no draw depends on the order of the rows.
"""

from __future__ import annotations

import html
import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialkit.design.stream import BLOCK, Seed, Stream, checked_seed
from trialkit.errors import ColumnNotFoundError, DesignError, IdentifierError, UsageError, shown
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.io.frames import to_pandas

ArmCodes = NDArray[np.int16]
MOST_ENUMERATED = 2_000_000
PROBABILITY_DRAWS = 20_000
NO_GROUP = -1


@dataclass(frozen=True)
class Draws:
    """Assignments drawn from a design.

    Attributes
    ----------
    arms : (draws, units) codes into `labels`.
    groups : (draws, units) group numbers within a draw, -1 without one; None when the design forms no groups.
    units : identifiers, the columns of `arms`. labels : arms.
    """

    arms: ArmCodes
    groups: IntArray | None
    units: NDArray[Any]
    labels: tuple[Hashable, ...]


@dataclass(frozen=True)
class People:
    """The people of a design in canonical order.

    Attributes
    ----------
    frame : their columns, sorted by identifier. unit : its name, or None (then the order of the rows counts).
    """

    frame: pd.DataFrame
    unit: str | None

    @classmethod
    def of(cls, data: Any, unit: str | None) -> People:
        frame = to_pandas(data).reset_index(drop=True)
        if not len(frame):
            raise DesignError("there are no people to assign.")
        if unit is None:
            return cls(frame, None)
        if unit not in frame.columns:
            raise ColumnNotFoundError(unit, frame.columns, "the people")
        bad = frame[unit].isna() | frame[unit].duplicated(keep=False)
        if bad.any():
            rows = (np.flatnonzero(bad) + 1).tolist()
            raise IdentifierError(
                f"'{unit}' is missing or repeated in rows {shown(rows)}: every person needs an identifier of their own."
            )
        order = sorted(range(len(frame)), key=lambda i: _sort_key(frame[unit].iloc[i]))
        return cls(frame.iloc[order].reset_index(drop=True), unit)

    @property
    def n(self) -> int:
        return len(self.frame)

    @property
    def ids(self) -> NDArray[Any]:
        return self.frame[self.unit].to_numpy() if self.unit is not None else np.arange(self.n)

    def column(self, name: str) -> pd.Series:
        if name not in self.frame.columns:
            raise ColumnNotFoundError(name, self.frame.columns, "the people")
        return self.frame[name]

    def complete(self, name: str, role: str) -> pd.Series:
        """A column without missing values."""
        values = self.column(name)
        if values.isna().any():
            who = self.ids[values.isna().to_numpy()].tolist()
            raise DesignError(
                f"the {role} '{name}' is missing for {shown(who)}: fill it in before the draw, it cannot be made up afterwards."
            )
        return values


def _sort_key(value: Any) -> tuple[int, Any]:
    """Numbers before text, each in its own order."""
    if isinstance(value, (int, float, np.integer, np.floating)):
        return (0, float(value))
    return (1, str(value))


def arm_shares(arms: Mapping[Hashable, float]) -> tuple[tuple[Hashable, ...], FloatArray]:
    """Labels and allocation shares of `arms` (label -> weight)."""
    if not isinstance(arms, Mapping) or len(arms) < 2:
        raise DesignError("arms names two arms or more with their allocation weights, as in arms={'individual': 1, 'peer': 1}.")
    weights = np.array([float(w) for w in arms.values()])
    if not np.all(np.isfinite(weights) & (weights > 0)):
        bad = [a for a, w in zip(arms, weights) if not (math.isfinite(w) and w > 0)]
        raise DesignError(f"the allocation weight of arm {shown(bad)} is not a positive number: leave an arm without people out.")
    return tuple(arms), weights / weights.sum()


@dataclass(frozen=True, eq=False, repr=False)
class Design(ABC):
    """An assignment mechanism: who could have been in which arm, and with which probability.

    Attributes
    ----------
    people : the people, in canonical order. arms : labels; codes 0, 1, ... in this order.
    settings : what was declared, JSON-able (the certificate prints it).
    """

    people: People
    arms: tuple[Hashable, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)

    scheme: ClassVar[str] = ""
    probabilities_exact: ClassVar[bool] = True

    @abstractmethod
    def _draw(self, streams: Sequence[Stream]) -> ArmCodes:
        """Arm codes (draws, n), one row from each stream."""

    def _probabilities(self) -> FloatArray | None:
        """(n, arms) exact probabilities, or None when they are only known by simulation."""
        return None

    def _enumerate(self) -> tuple[ArmCodes, FloatArray] | None:
        """Every assignment and its probability, or None when they cannot be listed."""
        return None

    def _count(self) -> int | None:
        """How many assignments `_enumerate` would list; None when it cannot."""
        return None

    def _pair_probabilities(self, first: int, second: int) -> FloatArray | None:
        """(n, n) probabilities that i is in arm `first` and j in arm `second`, or None when not in closed form."""
        return None

    @property
    def n(self) -> int:
        return self.people.n

    @property
    def probabilities(self) -> pd.DataFrame:
        """Probability of each arm for each person, indexed by identifier; exact unless `probabilities_exact` is False."""
        return pd.DataFrame(
            self.probability_matrix, index=pd.Index(self.people.ids, name=self.people.unit), columns=list(self.arms)
        )

    @property
    def probability_matrix(self) -> FloatArray:
        """(n, arms) in canonical order."""
        exact = self._probabilities()
        return exact if exact is not None else self._simulated_probabilities()

    @property
    def probabilities_se(self) -> pd.DataFrame:
        """Monte Carlo standard errors of `probabilities`; zero where they are exact."""
        p = self.probability_matrix
        se = np.zeros_like(p) if self._probabilities() is not None else np.sqrt(p * (1 - p) / PROBABILITY_DRAWS)
        return pd.DataFrame(se, index=pd.Index(self.people.ids, name=self.people.unit), columns=list(self.arms))

    def _simulated_probabilities(self) -> FloatArray:
        # a property of the design, so the seed is a constant and the answer the same each time
        counts = np.zeros((self.n, len(self.arms)))
        for arms in self._blocks(PROBABILITY_DRAWS, 0, "probabilities"):
            for code in range(len(self.arms)):
                counts[:, code] += (arms == code).sum(axis=0)
        return counts / PROBABILITY_DRAWS

    def pair_probabilities(self, first: Hashable, second: Hashable) -> FloatArray:
        """(n, n) joint probabilities in canonical order, from the closed form or by enumeration."""
        a, b = self._code(first), self._code(second)
        exact = self._pair_probabilities(a, b)
        if exact is not None:
            return exact
        assignments, weights = self.enumerate()
        return np.einsum("r,ri,rj->ij", weights, (assignments == a).astype(float), (assignments == b).astype(float))

    def count(self) -> int | None:
        """Number of possible assignments, when it can be counted."""
        return self._count()

    def enumerate(self) -> tuple[ArmCodes, FloatArray]:
        """Every assignment (rows, codes in canonical order) and its probability.

        Raises
        ------
        DesignError
            When they cannot be listed, or are more than two million.
        """
        count = self._count()
        if count is not None and count > MOST_ENUMERATED:
            raise DesignError(
                f"this design has {count:.3g} assignments, too many to list (at most {MOST_ENUMERATED:,}): use draw_many."
            )
        found = self._enumerate()
        if found is None:
            raise DesignError(f"the assignments of a '{self.scheme}' design cannot be listed: use draw_many.")
        return found

    def draw_many(self, n_draws: int, *, seed: Seed) -> Draws:
        """Draw assignments for an analysis; draw i depends on the seed and i only.

        Examples
        --------
        >>> import trialkit as tk
        >>> d = tk.design.complete({"id": range(6)}, unit="id", arms={"a": 1, "b": 1})
        >>> d.draw_many(3, seed=1).arms.sum(axis=1).tolist()
        [3, 3, 3]
        """
        if n_draws < 1:
            raise UsageError(f"n_draws={n_draws}: at least one draw is needed.")
        arms = np.concatenate(list(self._blocks(n_draws, checked_seed(seed), "draws")))
        return Draws(arms, None, self.people.ids, self.arms)

    def assign(self, *, seed: Seed) -> pd.DataFrame:
        """One allocation: a frame of unit, arm (and group), in the order of the identifiers.

        An allocation's seed is kept secret until enrolment has closed: `trialkit.design.allocate` draws one from the system.
        """
        codes = self._draw([Stream(checked_seed(seed), *_path("allocation"))])[0]
        name = self.people.unit or "unit"
        return pd.DataFrame({name: self.people.ids, "arm": [self.arms[c] for c in codes]})

    def _blocks(self, n_draws: int, seed: int, purpose: str) -> Iterator[ArmCodes]:
        """Draws in blocks that fit in memory; each draw has a stream of its own, so the size of a block changes nothing."""
        path = _path(purpose)
        for start in range(0, n_draws, BLOCK):
            yield self._draw([Stream(seed, *path, draw) for draw in range(start, min(start + BLOCK, n_draws))])

    def _code(self, label: Hashable) -> int:
        if label not in self.arms:
            raise DesignError(f"{label!r} is not an arm of the design; the arms are {shown(self.arms)}.")
        return self.arms.index(label)

    def describe(self) -> str:
        """The mechanism in words."""
        return f"{self.scheme} randomization of {self.n} people to {shown(self.arms, 10)}"

    def __str__(self) -> str:
        return self.describe()

    def __repr__(self) -> str:
        return f"<{self.describe()}>"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.describe())}</p>"


_PURPOSES = ("allocation", "draws", "probabilities", "groups")


def _path(purpose: str) -> tuple[int, ...]:
    """Streams of different purposes never overlap."""
    return (_PURPOSES.index(purpose),)


def compositions(counts: Sequence[int]) -> int:
    """Number of ways to give labels with these counts: the multinomial coefficient."""
    out, left = 1, sum(counts)
    for c in counts:
        out *= math.comb(left, c)
        left -= c
    return out
