"""Complete randomization: exact numbers in each arm, all allocations with them equally likely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trialkit.design.mechanisms.celled import CellDesign, cell_parts
from trialkit.misuse import explained


@dataclass(frozen=True, eq=False, repr=False)
class Complete(CellDesign):
    """See `complete`."""

    scheme = "complete"


@explained
def complete(data: Any, *, unit: str | None = None, arms: Any, counts: Any = None) -> Complete:
    """Complete randomization: the numbers in each arm are fixed, or within one of their share.

    Parameters
    ----------
    data : people, one row each.
    unit : column that identifies them; with it no draw depends on the order of the rows.
    arms : label -> allocation weight. When the shares are not whole numbers of people, the leftover places are drawn
        systematically, so that the probability of an arm is exactly its share for everyone.
    counts : arm -> number instead of shares, or 'observed' for the numbers of the trial that analyses the draw.

    Raises
    ------
    DesignError
        Fewer people than arms, weights that are not positive, counts that do not sum to the number of people.
    IdentifierError
        Missing or repeated identifiers.

    Notes
    -----
    Fisher (1935), The Design of Experiments. Leftover places: systematic sampling (Madow 1949, Annals of Mathematical Statistics
    20); drawing them one by one in proportion to weights would give other probabilities than were declared.

    Examples
    --------
    >>> import trialkit as tk
    >>> d = tk.design.complete({"id": ["p1", "p2", "p3", "p4"]}, unit="id", arms={"a": 0.2, "b": 0.2, "c": 0.6})
    >>> d.probabilities.iloc[0].tolist(), d.count()
    ([0.2, 0.2, 0.6], 20)
    """
    return Complete(**cell_parts(data, unit=unit, arms=arms, counts=counts))
