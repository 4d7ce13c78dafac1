"""The result of a latent-level effect."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from trialkit.results import Result


@dataclass(frozen=True)
class LatentEffect(Result):
    """Effects on the factor beside effects on the mean of its items.

    `.tidy()` has, for each arm, the rows of `unit` "marker item" and "baseline SD" (level "latent"), "item points", "baseline SD" and
    "baseline SD, corrected" (level "observed"), with the columns every result has.

    Attributes
    ----------
    reliability : omega of the mean of the items at baseline: share of its variance that is the factor's.
    baseline_sd : of the factor, in units of the marker item.
    slope : of the factor at follow-up on the factor at baseline, within arms.
    loadings : by item, of both waves, with intercepts; the marker's loading is 1.
    fit : chisq, df, p_value, cfi, rmsea and srmr of the model, not corrected for groups.
    direct_effects : score tests (chi-square, 1 df) that an arm moves an item beside the factor, by item column and arm.
    """

    kind = "latent_effect"

    @property
    def reliability(self) -> float:
        return float(self.details["reliability"])

    @property
    def baseline_sd(self) -> float:
        return float(self.details["baseline_sd"])

    @property
    def slope(self) -> float:
        return float(self.details["slope"])

    @property
    def loadings(self) -> pd.DataFrame:
        return pd.DataFrame([dict(r) for r in self.details["loadings"]]).set_index("item")

    @property
    def fit(self) -> dict[str, float]:
        return dict(self.details["fit"])

    @property
    def direct_effects(self) -> pd.DataFrame:
        return pd.DataFrame([dict(r) for r in self.details["direct_effects"]])

    def _title(self) -> str:
        return f"Latent effect on {self.estimates[0].outcome}, marker item {self.details['marker']}"
