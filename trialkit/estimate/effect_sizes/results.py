"""Results of the further effect sizes: those in SDs, and those on a scale of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from trialkit.errors import UsageError
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import TTest
from trialkit.results import Estimate, Result


class _OneEffect(Result):
    """Shortcuts to the numbers of a single row."""

    @property
    def estimate(self) -> float:
        return self._only().estimate

    @property
    def std_error(self) -> float:
        return self._only().std_error

    @property
    def variance(self) -> float:
        """Squared standard error of the estimate; of d, where `.d` and `.g` are told apart."""
        part = self._part()
        return float(part["variance"]) if "variance" in part else self._only().std_error ** 2

    @property
    def df(self) -> float:
        return self._only().df

    @property
    def p_value(self) -> float:
        return self._only().p_value

    @property
    def conf_low(self) -> float:
        return self._only().conf_low

    @property
    def conf_high(self) -> float:
        return self._only().conf_high

    def _only(self) -> Estimate:
        if len(self.estimates) != 1:
            raise UsageError(f"this result has {len(self.estimates)} rows: read them from .tidy().")
        return self.estimates[0]

    def _part(self) -> Mapping[str, Any]:
        self._only()
        parts = self.details.get("parts") or [{}]
        found: Mapping[str, Any] = parts[0]
        return found

    def _number(self, name: str) -> float:
        part = self._part()
        if name not in part:
            raise UsageError(f"this effect size has no '{name}'; it has {', '.join(part) or 'the columns of .tidy()'}.")
        value = part[name]
        return math.nan if value is None else float(value)

    @property
    def parts(self) -> pd.DataFrame:
        """What each row was made of."""
        return pd.DataFrame(self.details.get("parts", []))


class EffectSize(_OneEffect):
    """Effects in SDs. A single row has `.estimate .std_error .variance .df .conf_low .conf_high`, and `.d .g` or `.correlation` where there are any."""

    kind = "effect_size_more"

    @property
    def d(self) -> float:
        """Before the small-sample correction."""
        return self._number("d")

    @property
    def g(self) -> float:
        """After it."""
        return self._number("g")

    @property
    def variance_printed(self) -> float:
        """With the second term as printed in Hedges (2007), equation 16."""
        return self._number("variance_printed")

    @property
    def correlation(self) -> float:
        """Of pretest and posttest, within arms."""
        return self._number("correlation")

    def _title(self) -> str:
        return f"Effect on {self.estimates[0].outcome} in SDs"


class EffectMeasure(_OneEffect):
    """Effects on a scale of their own: shares, ratios, probabilities, percentiles."""

    kind = "effect_measure"

    def _title(self) -> str:
        return f"Effect on {self.estimates[0].outcome}"


def tested(base: Estimate, value: float, se: float, test: TTest, *, estimand: str, method: str) -> Estimate:
    """A row with another estimate, its test and its interval."""
    return replace(
        base, estimand=estimand, estimate=value, std_error=se, statistic=test.statistic, p_value=test.p_value, conf_low=test.conf_low,
        conf_high=test.conf_high, method=method, extra={},
    )  # fmt: skip


def summary_row(sizes_1: FloatArray, sizes_0: FloatArray, conf_level: float, clusters: int, groups: int) -> Estimate:
    """A row of summary numbers, to be filled in."""
    nan = math.nan
    n = int(sizes_1.sum() + sizes_0.sum())
    return Estimate(
        "outcome", "", "treated - control", nan, nan, nan, nan, nan, nan, nan, conf_level, n, clusters, groups, "", "known ICC"
    )
