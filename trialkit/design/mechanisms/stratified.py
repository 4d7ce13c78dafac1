"""Stratified randomization: complete randomization within each stratum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trialkit.design.cells.leftovers import Misfits
from trialkit.design.cells.units import some_names
from trialkit.design.mechanisms.celled import CellDesign, cell_parts
from trialkit.misuse import explained


@dataclass(frozen=True, eq=False, repr=False)
class Stratified(CellDesign):
    """See `stratified`."""

    scheme = "stratified"


@explained
def stratified(
    data: Any,
    *,
    strata: Sequence[str],
    arms: Any,
    unit: str | None = None,
    misfits: Misfits = "stratum",
    counts: Any = None,
    shares: Any = None,
) -> Stratified:
    """Stratified randomization: every stratum has its share of each arm.

    Parameters
    ----------
    data : people, one row each.
    strata : columns whose combinations are the strata. arms : label -> allocation weight.
    unit : column that identifies people; with it no draw depends on the order of the rows.
    misfits : what happens to places left over when shares of a stratum are not whole. Each rule gives everyone exactly the declared
        probabilities. 'stratum' (default): every stratum draws its own, so numbers are within one of their share in each stratum,
        and draws of different strata stay independent. 'global': strata are rounded together, so that the totals of the trial are
        within one of their shares as well; the strata then depend on each other. 'pool': people who do not fit in complete sets (of
        2 for 1:1, of 3 for 1:2) are drawn at random from each stratum and randomized together as one more stratum; the rule for
        many strata that are small, and the only one for strata with fewer people than arms.
    counts : stratum -> arm -> number instead of shares (a tuple of labels for several columns), or 'observed' for the numbers of
        the trial that analyses the draw.
    shares : stratum -> arm -> weight, when the weights differ between strata.

    Raises
    ------
    DesignError
        A missing stratum, a stratum with fewer people than arms, counts that do not sum to the size of a stratum.
    IdentifierError
        Missing or repeated identifiers.

    Notes
    -----
    Given the numbers in each arm, all allocations inside a stratum are equally likely. Controlled rounding: Cox (1987), JASA 82.
    The rules for misfits are compared in Carril (2017), Stata Journal 17.

    Examples
    --------
    >>> import trialkit as tk
    >>> people = {"id": range(7), "agency": list("nnnnsss")}
    >>> d = tk.design.stratified(people, unit="id", strata=["agency"], arms={"individual": 1, "peer": 1})
    >>> d.count(), d.draw_many(2, seed=1).arms[:, :4].sum(axis=1).tolist()
    (36, [2, 2])
    """
    some_names(strata, "strata")
    return Stratified(**cell_parts(data, unit=unit, arms=arms, strata=strata, counts=counts, misfits=misfits, shares=shares))
