"""A specification curve: one row a specification, what they have in common, and the joint test."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialkit.printed import interval_text, number, p_text
from trialkit.results import Estimate, Result


@dataclass(frozen=True)
class SpecificationCurve(Result):
    """The effect by every declared specification, the registered one first.

    `.tidy()` has one row a specification: `specification` (its choices in words), `registered`, a column for every kind of choice, `column` (the
    outcome as it was scored) and `reason` (why a specification that could not be estimated has no numbers).
    `.summary` describes the curve, `.joint` holds the tests of the whole curve, `.p_value` is that of the statistic chosen beforehand.
    """

    kind = "specification_curve"

    @property
    def registered(self) -> Estimate:
        """The row of the registered specification."""
        return next(e for e in self.estimates if e.extra["registered"])

    @property
    def failed(self) -> tuple[Estimate, ...]:
        """Specifications that could not be estimated; `extra['reason']` says why."""
        return tuple(e for e in self.estimates if e.extra["reason"])

    @property
    def summary(self) -> Mapping[str, Any]:
        """Number, failures, median, lowest and highest estimate, shares, and the place of the registered one (1 is the lowest)."""
        found: Mapping[str, Any] = self.details["summary"]
        return found

    @property
    def joint(self) -> pd.DataFrame:
        """A row a statistic: observed, p_value, mc_error, chosen; empty without draws."""
        return pd.DataFrame([dict(r) for r in self.details["joint"]])

    @property
    def p_value(self) -> float:
        """Of the joint test by the statistic chosen beforehand; NaN without draws."""
        return next((float(r["p_value"]) for r in self.details["joint"] if r["chosen"]), math.nan)

    def _title(self) -> str:
        return f"Specification curve of {self.estimates[0].outcome}, {self.details['contrast']}"

    def __str__(self) -> str:
        s = self.summary
        lines = [
            self._title(),
            f"  registered: {interval_text(self.registered)}",
            f"  {s['estimated']} of {s['specifications']} specifications estimated: median {number(s['median'])}, from {number(s['lowest'])} to {number(s['highest'])}",
            f"  {s['same_sign']} with the sign of the registered one, {s['significant']} with p < {self.details['alpha']:g}",
        ]
        for r in self.details["joint"]:
            chosen = " (chosen beforehand)" if r["chosen"] else ""
            lines.append(
                f"  joint test, {str(r['statistic']).replace('_', ' ')}: {number(float(r['observed']))}, p {p_text(float(r['p_value']))}{chosen}"
            )
        lines += [f"  failed: {e.extra['specification']}: {e.extra['reason']}" for e in self.failed]
        return "\n".join([*lines, *(f"  note: {n.text}" for n in self.notes)])
