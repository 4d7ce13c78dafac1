"""Who came, who stayed, who took it up, and what the missing people could do to the answer: the part of a report's content on selection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trialkit.report.content.stored import stored_table
from trialkit.results import Result, TableResult, plain


@dataclass(frozen=True)
class SelectionContent:
    """What is known of who is in the trial.

    `reach` is the funnel of [selection] reach. `take_up` has kinds of people by trait ('' is everyone); `formed` tests by trait whether chance put people in
    groups. `formation` says how groups were to be formed. `missing` has the analyses of what the missing could do: by outcome, then by rule (bounds,
    pooled imputations, tipping points). `left_out` says what could not be analysed, and why.
    """

    reach: TableResult | None = None
    take_up: Mapping[str, TableResult] = field(default_factory=dict)
    formed: Mapping[str, TableResult] = field(default_factory=dict)
    formation: Mapping[str, Any] = field(default_factory=dict)
    missing: Mapping[str, Mapping[str, Result]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "reach": None if self.reach is None else self.reach.to_dict(),
            "take_up": {k: r.to_dict() for k, r in self.take_up.items()},
            "formed": {k: r.to_dict() for k, r in self.formed.items()},
            "formation": plain(self.formation),
            "missing": {k: {rule: r.to_dict() for rule, r in rules.items()} for k, rules in self.missing.items()},
            "left_out": list(self.left_out),
        }

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> SelectionContent:
        """What `to_dict` wrote."""
        return SelectionContent(
            reach=stored_table(content["reach"]) if content["reach"] else None,
            take_up={k: stored_table(r) for k, r in content["take_up"].items()},
            formed={k: stored_table(r) for k, r in content["formed"].items()},
            formation=content["formation"],
            missing={k: {rule: Result.from_dict(r) for rule, r in rules.items()} for k, rules in content["missing"].items()},
            left_out=tuple(content["left_out"]),
        )
