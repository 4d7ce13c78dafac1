"""The result of `transport`: the effect in the population, the trial's own beside it, and what carries the one to the other."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from trialkit.results import Result


@dataclass(frozen=True)
class TransportResult(Result):
    """Three rows a contrast, told apart by the column `people`: 'population', 'trial', and 'difference' (population minus trial).

    Attributes
    ----------
    index : Tipton's generalizability index of the people analysed for the population; `share_outside` is the share of the population outside their support.
    """

    kind = "transport"

    @property
    def index(self) -> float:
        return float(self.details["index"])

    @property
    def share_outside(self) -> float:
        return float(self.details["share_outside"])

    @property
    def outside(self) -> pd.DataFrame:
        """People of the population outside support: their row (counted from 0) and why."""
        return pd.DataFrame(self.details["outside"], columns=["row", "reason"])

    @property
    def balance(self) -> pd.DataFrame:
        """Means of the covariates in the population and the trial, and per arm as weighted; differences in SDs of the population."""
        return pd.DataFrame(self.details["balance"])

    @property
    def effective_n(self) -> dict[str, float]:
        """Kish's effective number of people by arm, (sum w)^2 / sum w^2; empty for an outcome model, which has no weights."""
        return dict(self.details["effective_n"])

    @property
    def bounds(self) -> pd.DataFrame:
        """Bounds of the effect in the whole population, whatever the effect among those outside support; needs `outcome_range`."""
        return pd.DataFrame(self.details["bounds"], columns=["contrast", "lower", "upper", "conf_low", "conf_high"])

    def _title(self) -> str:
        d = self.details
        return f"Effect on {d['outcome']} carried to {d['target_words']} ({d['method'].replace('_', ' ')}); generalizability index {self.index:.3f}"

    def __str__(self) -> str:
        lines = super().__str__().split("\n")
        first = 1
        for e in self.estimates:
            lines[first] = lines[first].replace(f"  {e.contrast}:", f"  {e.contrast}, {e.extra['people']}:", 1)
            first += 2
        return "\n".join(lines)
