"""The result of `cace`: rows, first stage, the Anderson-Rubin set, the tF interval and who complied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trialkit.errors import UsageError
from trialkit.results import Result, interval_text, number, p_text, test_text


@dataclass(frozen=True, slots=True)
class AndersonRubin:
    """The Anderson-Rubin test of no effect and the set of effects that it does not reject.

    Attributes
    ----------
    statistic, p_value, df_num, df_denom : F test of no effect; with one instrument that of the intention-to-treat effect.
    kind : 'interval', 'disjoint' (everything outside an interval), 'everything', 'half-line' or 'empty'.
    intervals : the parts of the set. conf_low, conf_high : its outermost ends, infinite where it does not end.
    """

    statistic: float
    p_value: float
    df_num: int
    df_denom: float
    kind: str
    intervals: tuple[tuple[float, float], ...]
    conf_low: float
    conf_high: float
    conf_level: float

    def __str__(self) -> str:
        level = f"{100 * self.conf_level:g}%"
        if self.kind == "empty":
            return f"Anderson-Rubin {level} set: empty"
        parts = " and ".join(f"{number(low)} to {number(high)}" for low, high in self.intervals)
        return f"Anderson-Rubin {level} set: {parts} ({self.kind}); F({self.df_num}, {self.df_denom:.1f}) = {self.statistic:.2f}, p {p_text(self.p_value)}"


@dataclass(frozen=True, slots=True)
class TF:
    """The tF interval: estimate +- critical x t quantile / 1.96 x standard error; infinite where F is below 4."""

    critical: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True)
class Compliance:
    """Shares of people, from the uptake in each arm, covariates and strata adjusted: the first stage."""

    compliers: float
    always_takers: float
    never_takers: float


@dataclass(frozen=True)
class CaceResult(Result):
    """Complier average effects, one contrast a row.

    `.effective_f`, `.anderson_rubin`, `.tf`, `.compliance` and `.overidentification` are those of the first contrast; `.of(contrast)` gives
    the details of another.
    """

    kind = "cace"

    @property
    def effective_f(self) -> float:
        """Strength of the first stage: the squared robust t of one instrument, Montiel Olea and Pflueger's F of several."""
        return _float(self.of()["effective_f"])

    @property
    def anderson_rubin(self) -> AndersonRubin:
        """Test and set that hold whatever the strength of the first stage."""
        return anderson_rubin_of(self.of()["anderson_rubin"])

    @property
    def tf(self) -> TF:
        """Interval with a critical value that depends on F (one instrument, 95 %)."""
        found = self.of()["tf"]
        return TF(*(_float(found[k]) for k in ("critical", "conf_low", "conf_high")))

    @property
    def compliance(self) -> Compliance:
        """Shares of compliers, always-takers and never-takers; NaN where they are not defined."""
        found = self.of()["compliance"]
        return Compliance(*(_float(found[k]) for k in ("compliers", "always_takers", "never_takers")))

    @property
    def first_stage(self) -> dict[str, float]:
        """Effect of assignment on uptake: estimate, std_error, df (one instrument)."""
        return {k: _float(v) for k, v in self.of()["first_stage"].items()}

    @property
    def overidentification(self) -> dict[str, Any] | None:
        """Test that several instruments agree: statistic, df, p_value and its name; None with one instrument."""
        found = self.of().get("overidentification")
        return None if found is None else {k: v if k == "test" else _float(v) for k, v in found.items()}

    def of(self, contrast: str | None = None) -> Mapping[str, Any]:
        """Details of a contrast, by default the first."""
        found: Mapping[str, Any] = self.details["contrasts"]
        name = self.estimates[0].contrast if contrast is None else contrast
        if name not in found:
            raise UsageError(f"there is no contrast '{name}'; there are {', '.join(repr(k) for k in found)}.")
        details: Mapping[str, Any] = found[name]
        return details

    def _title(self) -> str:
        return f"Complier average effect of {self.details['uptake']} on {self.estimates[0].outcome}"

    def __str__(self) -> str:
        lines = [self._title()]
        for e in self.estimates:
            details = self.of(e.contrast)
            lines.append(f"  {e.contrast}: {interval_text(e)}")
            size = f"n = {e.n}" + (f", {e.n_groups} groups" if e.n_groups else f", {e.n_clusters} clusters" if e.n_clusters != e.n else "")
            lines.append(f"    {test_text(e)}; {size}; {e.method}, {e.covariance}")
            lines.append(f"    effective F {number(_float(details['effective_f']))}; {anderson_rubin_of(details['anderson_rubin'])}")
        return "\n".join([*lines, *(f"  note: {n.text}" for n in self.notes)])


def anderson_rubin_of(found: Mapping[str, Any]) -> AndersonRubin:
    """The object of a stored Anderson-Rubin set, in which infinities may be text."""
    return AndersonRubin(
        statistic=_float(found["statistic"]), p_value=_float(found["p_value"]), df_num=int(found["df_num"]), df_denom=_float(found["df_denom"]),
        kind=str(found["kind"]), intervals=tuple((_float(a), _float(b)) for a, b in found["intervals"]), conf_low=_float(found["conf_low"]),
        conf_high=_float(found["conf_high"]), conf_level=_float(found["conf_level"]),
    )  # fmt: skip


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)
