"""What a design costs: its numbers times a price each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trialkit.errors import UsageError, nearest, shown
from trialkit.power.arguments import real
from trialkit.power.result import PowerResult
from trialkit.results import TableResult

COUNTED = ("treated", "controls", "groups", "control_groups", "clusters")


@dataclass(frozen=True)
class DesignCost(TableResult):
    """A row an item: how many, the price of one, and the amount; `.total`."""

    kind = "design_cost"

    @property
    def total(self) -> float:
        return float(self.details["total"])


def design_cost(result: PowerResult, costs: Mapping[str, float]) -> DesignCost:
    """Costs of a design by item.

    Parameters
    ----------
    result : of a power function; its whole numbers are what is paid for.
    costs : of one treated person ("treated"), control ("controls"), group ("groups"), control group or cluster, and "fixed" for what is paid once.

    Raises
    ------
    UsageError
        An item that the design does not have, or a negative price.

    Examples
    --------
    >>> found = tk.power.grouped(effect=0.4, groups=12, group_size=12, controls=144, icc=0.05)
    >>> design_cost(found, {"treated": 100, "groups": 500, "fixed": 1000}).total             # doctest: +SKIP
    21400.0
    """
    counts: dict[str, float] = {k: float(result.details[k]) for k in COUNTED if isinstance(result.details.get(k), (int, float))}
    rows: list[dict[str, Any]] = []
    for item, price in costs.items():
        if item != "fixed" and item not in counts:
            near = nearest(item, ["fixed", *counts])
            raise UsageError(
                f"this design has no '{item}' to pay for; it has {shown(counts)}, and 'fixed'.{f' Did you mean {near!r}?' if near else ''}"
            )
        number = 1.0 if item == "fixed" else counts[item]
        each = real(f"the cost of {item}", price, at_least=0)
        rows.append({"item": item, "number": number, "each": each, "amount": number * each})
    if not rows:
        raise UsageError("costs is empty: name what one unit costs, as in costs={'treated': 120, 'groups': 900}.")
    return DesignCost((), (), {"total": sum(r["amount"] for r in rows)}, tuple(rows))
