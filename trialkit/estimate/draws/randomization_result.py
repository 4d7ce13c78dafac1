"""What a randomization test gives back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from trialkit.printed import interval_text, number, p_text, test_text
from trialkit.results import DrawnTest


@dataclass(frozen=True)
class RandomizationResult(DrawnTest):
    """A randomization test, one contrast and outcome a row; `.statistic`, `.p_value` and the interval are those of the first."""

    kind = "randomization_test"

    @property
    def null(self) -> str:
        """The null hypothesis that each row tests, in words."""
        return str(self.details["null"])

    @property
    def joint(self) -> pd.DataFrame:
        """Tests of all arms, and of all rows, at once: outcome, test, statistic, p_value, mc_error. Empty with a single row."""
        return pd.DataFrame(self.details.get("joint", []), columns=["outcome", "test", "statistic", "p_value", "mc_error"])

    def _title(self) -> str:
        return f"Randomization test of {', '.join(dict.fromkeys(e.outcome for e in self.estimates))}: {self.null}"

    def __str__(self) -> str:
        several = len({e.outcome for e in self.estimates}) > 1
        lines = [self._title()]
        for e, error in zip(self.estimates, self.details["mc_error"]):
            adjusted = f", corrected p {p_text(e.extra['p_adjusted'])}" if "p_adjusted" in e.extra else ""
            simulated = f" (Monte Carlo error {number(float(error))})" if error else ""
            found = "" if math.isnan(e.estimate) else f": {interval_text(e)}"
            lines.append(f"  {f'{e.outcome}, ' if several else ''}{e.contrast}{found}")
            lines.append(f"    {test_text(e)}{simulated}{adjusted}; n = {e.n}; {e.method}")
        lines += [
            f"  {r['test']} ({r['outcome']}): {r['statistic']:.2f}, p {p_text(r['p_value'])}"
            for r in self.details.get("joint", [])
        ]
        return "\n".join([*lines, *(f"  note: {n.text}" for n in self.notes)])
