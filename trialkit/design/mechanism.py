"""An assignment mechanism as the functions below a design see it: draw, say probabilities, and list assignments when they can be counted.

`Design` (base.py) adds what is asked of it by users: balance and groups. A scheme fills in `_draw` (arm codes for a batch of draws) and, where they exist in closed
form, `_probabilities`, `_enumerate` and `_pair_probabilities`; everything else is here. People stand in canonical order (sorted
by their identifier, when one is given), so that no draw depends on the order of the rows.
"""

from __future__ import annotations

import html
import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialkit.design.people import People, matched
from trialkit.design.stream import Seed, Stream, block_rows, checked_seed, purpose_path
from trialkit.errors import DesignError, IdentifierError, UsageError, shown
from trialkit.inference.arrays import FloatArray, IntArray

__all__ = ["MOST_ENUMERATED", "PROBABILITY_DRAWS", "ArmCodes", "Draws", "Mechanism"]

ArmCodes = NDArray[np.int16]
MOST_ENUMERATED = 2_000_000
PROBABILITY_DRAWS = 20_000


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


@dataclass(frozen=True, eq=False, repr=False)
class Mechanism(ABC):
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
    def probabilities_exact(self) -> bool:
        """Whether the probabilities come in closed form or by enumeration; otherwise `probabilities_se` says how well they are known."""
        return True

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
        return exact if exact is not None else self._simulated_probabilities

    @property
    def probabilities_se(self) -> pd.DataFrame:
        """Monte Carlo standard errors of `probabilities`; zero where they are exact."""
        p = self.probability_matrix
        se = np.zeros_like(p) if self._probabilities() is not None else np.sqrt(p * (1 - p) / PROBABILITY_DRAWS)
        return pd.DataFrame(se, index=pd.Index(self.people.ids, name=self.people.unit), columns=list(self.arms))

    @cached_property
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
                f"this design has {_size_text(count)} assignments, too many to list (at most {MOST_ENUMERATED:,}): use draw_many."
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
        arms = np.empty((n_draws, self.n), dtype=np.int16)
        done = 0
        for block in self._blocks(n_draws, checked_seed(seed), "draws"):
            arms[done : done + len(block)] = block
            done += len(block)
        return Draws(arms, None, self.people.ids, self.arms)

    def assign(self, *, seed: Seed) -> pd.DataFrame:
        """One allocation: a frame of unit, arm (and group), in the order of the identifiers.

        An allocation's seed is kept secret until enrolment has closed: `trialkit.design.allocate` draws one from the system.
        """
        codes = self._draw([Stream(checked_seed(seed), *purpose_path("allocation"))])[0]
        name = self.people.unit or "unit"
        return pd.DataFrame({name: self.people.ids, "arm": [self.arms[c] for c in codes], **self._allocation_columns(codes)})

    def _allocation_columns(self, codes: ArmCodes) -> dict[str, list[Any]]:
        """Further columns of an allocation with these arm codes."""
        return {}

    def codes(self, labels: Any) -> IntArray:
        """Codes of arm labels; labels that were written to a file as text are recognized by their text.

        Raises
        ------
        DesignError
            For a label that is not an arm of the design.
        """
        known: dict[Any, int] = {str(arm): code for code, arm in reversed(list(enumerate(self.arms)))}
        known |= {arm: code for code, arm in enumerate(self.arms)}
        values = pd.Series(labels).tolist()
        unknown = [v for v in dict.fromkeys(values) if v not in known and str(v) not in known]
        if unknown:
            raise DesignError(f"{shown(unknown)} is not an arm of the design; the arms are {shown(self.arms)}.")
        return np.array([known[v] if v in known else known[str(v)] for v in values], dtype=np.int64)

    def positions(self, ids: Any) -> IntArray:
        """The place in the design's order of each row of other data: `draws.arms[:, design.positions(ids)]` has their order.

        Parameters
        ----------
        ids : identifiers of the rows. A design without a unit matches rows by position; then only their number counts.

        Raises
        ------
        IdentifierError
            For identifiers that are missing, repeated or unknown, and for people of the design that are not among them.

        Examples
        --------
        >>> import trialkit as tk
        >>> d = tk.design.complete({"id": ["b", "a", "c"]}, unit="id", arms={"x": 1, "y": 1})
        >>> d.positions(["c", "a", "b"]).tolist()
        [2, 0, 1]
        """
        rows = pd.Series(ids).reset_index(drop=True)
        if self.people.unit is None:
            if len(rows) != self.n:
                raise IdentifierError(
                    f"the data have {len(rows)} rows and the design {self.n} people. The design has no unit, so rows are matched by "
                    "position: give the rows of the draw in their order, or name the identifier under unit= in the design."
                )
            return np.arange(self.n)
        return matched(rows, self.people.ids, self.people.unit)

    @property
    def resolved(self) -> bool:
        """False while numbers that the design takes from data (counts='observed') are not known yet."""
        return True

    def resolve(self, arm_codes: Any) -> Self:
        """The design with the numbers that it takes from data filled in; itself when it takes none.

        Parameters
        ----------
        arm_codes : code into `design.arms` of each person, in the design's order (`positions` maps other orders onto it).
        """
        return self

    def _blocks(self, n_draws: int, seed: int, purpose: str) -> Iterator[ArmCodes]:
        """Draws in blocks that fit in memory; each draw has a stream of its own, so the size of a block changes nothing."""
        path = purpose_path(purpose)
        rows = block_rows(self.n)
        for start in range(0, n_draws, rows):
            yield self._draw([Stream(seed, *path, draw) for draw in range(start, min(start + rows, n_draws))])

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


def _size_text(count: int) -> str:
    if count < 10**6:
        return str(count)
    digits = len(str(count)) if count < 10**1000 else int(count.bit_length() * math.log10(2)) + 1
    return f"about 10^{digits - 1}"
