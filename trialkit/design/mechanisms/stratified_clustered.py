"""Stratified clustered randomization: whole clusters are randomized within strata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trialkit.design.cells.leftovers import Misfits
from trialkit.design.cells.units import some_names
from trialkit.design.mechanisms.celled import CellDesign, cell_parts
from trialkit.misuse import explained


@dataclass(frozen=True, eq=False, repr=False)
class StratifiedClustered(CellDesign):
    """See `stratified_clustered`."""

    scheme = "stratified_clustered"


@explained
def stratified_clustered(
    data: Any,
    *,
    cluster: str,
    strata: Sequence[str],
    arms: Any,
    unit: str | None = None,
    misfits: Misfits = "stratum",
    counts: Any = None,
    shares: Any = None,
) -> StratifiedClustered:
    """Complete randomization of clusters within strata; everyone gets the arm of their cluster.

    Parameters
    ----------
    data : people, one row each. cluster : column of the clusters; they may differ in size.
    strata : columns whose combinations are the strata; all people of a cluster are in one stratum.
    arms : label -> allocation weight. unit : column that identifies people.
    misfits : 'stratum', 'global' or 'pool': clusters left over when shares are not whole, see `stratified`.
    counts : stratum -> arm -> number of clusters instead of shares, or 'observed'.
    shares : stratum -> arm -> weight, when the weights differ between strata.

    Raises
    ------
    DesignError
        A cluster in two strata, a missing stratum or cluster, a stratum with fewer clusters than arms.
    IdentifierError
        Missing or repeated identifiers.

    Notes
    -----
    Donner & Klar (2000), Design and Analysis of Cluster Randomization Trials.

    Examples
    --------
    >>> import trialkit as tk
    >>> people = {"school": list("aabbccdd"), "town": list("eeeeffff")}
    >>> d = tk.design.stratified_clustered(people, cluster="school", strata=["town"], arms={"usual": 1, "new": 1})
    >>> d.count()
    4
    """
    some_names(strata, "strata")
    parts = cell_parts(data, unit=unit, arms=arms, strata=strata, cluster=cluster, counts=counts, misfits=misfits, shares=shares)
    return StratifiedClustered(**parts)
