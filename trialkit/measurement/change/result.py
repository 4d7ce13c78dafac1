"""Results on change: a table, a few numbers with a name, sentences, and (with a trial) differences between arms."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass, field

import pandas as pd

from trialkit.errors import UsageError
from trialkit.printed import interval_text, number, test_text
from trialkit.results import Result, TableResult


@dataclass(frozen=True)
class ChangeResult(TableResult):
    """A table in `.tidy()`, sentences in `.words`, differences between arms in `.differences()`."""

    kind = "change"

    @property
    def words(self) -> list[str]:
        """What was done and found, in sentences."""
        return [str(w) for w in self.details["words"]]

    def differences(self) -> pd.DataFrame:
        """Differences between arms, one row an outcome and contrast; empty without a trial."""
        return Result.tidy(self)

    def _number(self, name: str) -> float:
        value = self.details[name]
        return math.nan if value is None else float(value)

    def _title(self) -> str:
        return str(self.details["title"])

    def __str__(self) -> str:
        lines = [self._title(), *(f"  {w}" for w in self.words)]
        lines.append(self.tidy().to_string(index=False, float_format=number, na_rep=""))
        for e in self.estimates:
            lines += [
                f"  {e.outcome}, {e.contrast}: {interval_text(e)}",
                f"    {test_text(e)}; n = {e.n}; {e.estimand}; {e.method}",
            ]
        return "\n".join(lines + [f"  note: {n.text}" for n in self.notes])

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{html.escape(w)}</p>" for w in self.words)
        compared = ""
        if self.estimates:
            shown = self.differences().drop(columns=["conf_level"])
            compared = shown.to_html(index=False, border=0, float_format=number, escape=True, na_rep="")
        return super()._repr_html_().replace("</strong>", f"</strong>{words}{compared}", 1)


@dataclass(frozen=True)
class ReliableChange(ChangeResult):
    """Reliable change of people.

    `.tidy()` has one row for everyone and, with a trial, one an arm: n, n_missing (no change known), improved, unchanged, deteriorated (people),
    share_improved, share_deteriorated (weighted where the trial has weights). `.people` has one row a person: pre, post, change, rci, verdict.

    Attributes
    ----------
    sem, se_difference : standard error of one measurement and of a difference of two, in points of the scale.
    smallest_reliable_change : points beyond which a change is called reliable.
    improved, unchanged, deteriorated, n : people.
    """

    scores: pd.DataFrame | None = field(default=None, repr=False, compare=False)

    kind = "reliable_change"

    @property
    def people(self) -> pd.DataFrame:
        """One row a person, with the index of the data; kept out of stored results, because these are people's data."""
        if self.scores is None:
            raise UsageError("a stored result has no rows of people. Run the function again on the data.")
        return self.scores.copy()

    @property
    def sem(self) -> float:
        return self._number("sem")

    @property
    def se_difference(self) -> float:
        return self._number("se_difference")

    @property
    def smallest_reliable_change(self) -> float:
        return self._number("smallest_reliable_change")

    @property
    def n(self) -> int:
        return int(self.table[0]["n"])

    @property
    def improved(self) -> int:
        return int(self.table[0]["improved"])

    @property
    def unchanged(self) -> int:
        return int(self.table[0]["unchanged"])

    @property
    def deteriorated(self) -> int:
        return int(self.table[0]["deteriorated"])


@dataclass(frozen=True)
class ClinicalChange(ReliableChange):
    """Clinically significant change: as `ReliableChange`, with `recovered` beside it and the `cutoff`.

    `improved` counts people who improved reliably without crossing the cut-off from the clinical side. The table also has began_clinical (people) and
    share_recovered_of_clinical.
    """

    kind = "clinical_change"

    @property
    def cutoff(self) -> float:
        return self._number("cutoff")

    @property
    def recovered(self) -> int:
        return int(self.table[0]["recovered"])


@dataclass(frozen=True)
class MinimalDifference(ChangeResult):
    """Candidates for the smallest difference that matters, one row a method: method, basis, estimate, conf_low, conf_high, n."""

    kind = "minimal_difference"

    @property
    def auc(self) -> float:
        """Area under the curve of change against the anchor; NaN without an anchor."""
        return self._number("auc")

    @property
    def anchor_correlation(self) -> float:
        """Correlation of change with improved or not; NaN without an anchor."""
        return self._number("anchor_correlation")

    def __getitem__(self, method: str) -> float:
        """The estimate of a method, as `found["0.5 SD"]`."""
        known = {str(r["method"]): r["estimate"] for r in self.table}
        if method not in known:
            raise UsageError(f"there is no method '{method}' here; there are: {', '.join(known)}.")
        return math.nan if known[method] is None else float(known[method])


@dataclass(frozen=True)
class FloorCeiling(ChangeResult):
    """People at the ends of the scale, one row a wave (and arm): n, n_missing, floor, ceiling (people), share_floor, share_ceiling, verdict."""

    kind = "floor_ceiling"


@dataclass(frozen=True)
class RegressionToMean(ChangeResult):
    """Observed and expected change of people selected on their first score, one row an arm.

    Columns: arm, n, mean_pre, mean_post, change, expected (normal population), expected_given_pre (from the mean they began at), beyond (change minus
    expected_given_pre).
    """

    kind = "regression_to_mean"

    @property
    def expected(self) -> float:
        """Expected change under no effect, of a normal population selected at the cut-off."""
        return self._number("expected")


@dataclass(frozen=True)
class Desirability(ChangeResult):
    """Correlation of an outcome with a desirability scale, one row an arm: arm, n, n_missing, correlation, conf_low, conf_high, df.

    `.differences()` has the difference between arms of Fisher's z of the correlations.
    """

    kind = "desirability"


@dataclass(frozen=True)
class DesirabilityBias(ChangeResult):
    """The effect under a bias in the treated arm's answers, one row a contrast and bias.

    Columns: contrast, bias (points), bias_sd (in SDs of the control arm), estimate, conf_low, conf_high, p_value.
    """

    kind = "desirability_bias"

    @property
    def breakpoint(self) -> float:
        """Bias in points at which nothing is left of the first contrast's effect; NaN when the effect is not an improvement."""
        return self._first("breakpoint")

    @property
    def breakpoint_interval(self) -> float:
        """Bias in points at which the first contrast's interval begins to cover zero; 0 when it does so already."""
        return self._first("breakpoint_interval")

    def _first(self, name: str) -> float:
        value = self.details["contrasts"][0][name]
        return math.nan if value is None else float(value)
