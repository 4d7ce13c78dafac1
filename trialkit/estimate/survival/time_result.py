"""The result of a time outcome: rows, curves, medians, the log-rank test and the check of proportional hazards."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from trialkit.errors import UsageError
from trialkit.estimate.itt_result import IttResult
from trialkit.estimate.survival.logrank import LogrankResult
from trialkit.results import Result


@dataclass(frozen=True)
class TimeResult(IttResult):
    """Effects on a time until an event.

    `.by_arm` has people, events, person-time and the median time with its interval (and, with a window, `rmst` or `share` with `std_error`);
    `.curves` the Kaplan-Meier or Aalen-Johansen curves that `tk.plot.survival` draws; `.logrank` the test of equal curves.
    """

    kind = "itt_time"

    @property
    def curves(self) -> pd.DataFrame:
        """A row an arm and time: at_risk, events, survival with pointwise limits; with other exits also share, the share with the event."""
        return pd.concat([pd.DataFrame(c) for c in self.details["curves"]], ignore_index=True)

    @property
    def logrank(self) -> LogrankResult:
        """The log-rank test of equal curves, with groups and clusters counted: .statistic .p_value .observed .expected."""
        found = self.details.get("logrank")
        if found is None:
            raise UsageError("the log-rank test goes with hazard ratios: run tk.logrank(trial, tk.Time(...)).")
        result = Result.from_dict(found)
        assert isinstance(result, LogrankResult)
        return result

    @property
    def proportional_hazards(self) -> pd.DataFrame:
        """Test of each arm's hazard ratio for a change over time: statistic, df, p_value."""
        found = self.details.get("proportional_hazards")
        if found is None:
            raise UsageError(
                "proportional hazards are assumed by measure='hazard_ratio' only: this measure assumes nothing of the kind."
            )
        return pd.DataFrame(found)

    @property
    def tau(self) -> float:
        """End of the window of a restricted mean or a share."""
        if "tau" not in self.details:
            raise UsageError("a hazard ratio has no window: tau goes with restricted means and shares.")
        return float(self.details["tau"])

    @property
    def jackknife_std_error(self) -> tuple[float, ...]:
        """Standard errors of the rows by leaving out one group (cluster) at a time, unadjusted: a companion of those in the rows."""
        found = self.details.get("jackknife_std_error")
        if found is None:
            raise UsageError(
                "a jackknife over groups needs groups or clusters (400 at most), and a restricted mean or a share without covariates and strata."
            )
        return tuple(float(v) for v in found)

    def _title(self) -> str:
        return f"ITT of {self.estimates[0].outcome} ({str(self.details['measure']).replace('_', ' ')})"
