"""Clustered randomization: whole clusters (classes, teams, villages) are randomized, and everyone gets the cluster's arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trialkit.design.mechanisms.celled import CellDesign, cell_parts
from trialkit.misuse import explained


@dataclass(frozen=True, eq=False, repr=False)
class Clustered(CellDesign):
    """See `clustered`."""

    scheme = "clustered"


@explained
def clustered(data: Any, *, cluster: str, arms: Any, unit: str | None = None, counts: Any = None) -> Clustered:
    """Complete randomization of clusters; the numbers of clusters are fixed, those of people follow from their sizes.

    Parameters
    ----------
    data : people, one row each. cluster : column of the clusters; they may differ in size.
    arms : label -> allocation weight. unit : column that identifies people.
    counts : arm -> number of clusters instead of shares, or 'observed'.

    Raises
    ------
    DesignError
        A missing cluster, fewer clusters than arms, counts that do not sum to the number of clusters.
    IdentifierError
        Missing or repeated identifiers.

    Notes
    -----
    Donner & Klar (2000), Design and Analysis of Cluster Randomization Trials. Analyse with cluster= in the trial.

    Examples
    --------
    >>> import trialkit as tk
    >>> d = tk.design.clustered({"team": list("aabbbcd")}, cluster="team", arms={"usual": 1, "new": 1})
    >>> d.count(), d.pair_probabilities("new", "new")[0, :3].round(3).tolist()
    (6, [0.5, 0.5, 0.167])
    """
    return Clustered(**cell_parts(data, unit=unit, arms=arms, cluster=cluster, counts=counts))
