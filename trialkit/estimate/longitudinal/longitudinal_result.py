"""The result of `longitudinal`: effects by wave and over waves, estimated means, covariances, fit, and its companions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialkit.errors import UsageError
from trialkit.inference.linear.wald import WaldTest
from trialkit.printed import interval_text, number, p_text, test_text
from trialkit.results import Estimate, Result


@dataclass(frozen=True)
class LongitudinalCompanions(Result):
    """Rows to read beside a longitudinal model: the same contrasts with empirical standard errors."""

    kind = "longitudinal_companions"

    def _title(self) -> str:
        return "Beside the longitudinal model: standard errors by group or cluster"


@dataclass(frozen=True)
class LongitudinalResult(Result):
    """Intention-to-treat effects at each wave and over waves, from one model of all waves.

    `.tidy()` has two more columns: `wave`, the label of a single wave, and `over_waves`, the name of a weighted sum of waves
    ('average', 'fade_out', 'slope'); each row has one of them. `n` counts everyone in the model, `n_observed` those seen at the wave.
    """

    kind = "longitudinal"

    @property
    def deviance(self) -> float:
        """-2 log restricted likelihood (log likelihood with reml=False)."""
        return _float(self.details["deviance"])

    @property
    def aic(self) -> float:
        """Counts covariance parameters, and the fixed effects with reml=False. Compare models with the same fixed effects."""
        return _float(self.details["aic"])

    @property
    def bic(self) -> float:
        """As `.aic`, with the logarithm of the number of people."""
        return _float(self.details["bic"])

    @property
    def variance_components(self) -> dict[str, float]:
        """Variances and covariances by wave.

        `var_resid_<wave>`, `cov_resid_<wave><wave>` of people (with `_<arm>` behind when they differ by arm), `var_group_<wave>`,
        `cov_group_<wave><wave>`, `icc_<wave>` of groups in one arm (`_<arm>` behind when several arms have groups), `var_cluster_<wave>` and so on of
        randomized clusters. Labels of more than one character are joined by an underscore: `cov_group_6_12`.
        """
        return {k: _float(v) for k, v in self.details["variance_components"].items()}

    @property
    def means(self) -> pd.DataFrame:
        """Estimated mean of each arm at each wave, at the average of the covariates, with its interval."""
        return pd.DataFrame(self.details["means"])

    @property
    def observed(self) -> pd.DataFrame:
        """What was seen: n, mean and SD by arm and wave, with the number randomized."""
        return pd.DataFrame(self.details["observed"])

    def companions(self) -> LongitudinalCompanions:
        """The same contrasts with CR2 standard errors, by group or cluster and single people: what holds if the covariances of the model do not."""
        found = self.details["companions"]
        if not found:
            raise UsageError(
                "this trial has no groups or clusters: covariance='CR2' gives the empirical standard errors by person."
            )
        return LongitudinalCompanions(tuple(_estimate(r) for r in found), (), {"of": self.estimates[0].method})

    def covariance_matrix(self, of: str = "people", arm: Any = None) -> pd.DataFrame:
        """Fitted covariance matrix over waves of 'people', 'groups' or 'clusters'; `arm` where each arm has its own."""
        found: Mapping[str, Any] = self.details["covariances"]
        if of not in found:
            raise UsageError(f"there is no covariance of {of!r}; there are those of {', '.join(found)}.")
        entries = found[of]
        names = [e["arm"] for e in entries]
        if arm is None and len(entries) > 1:
            raise UsageError(f"each arm has its own: say arm= one of {', '.join(repr(n) for n in names)}.")
        if arm is not None and arm not in names:
            raise UsageError(f"there is no covariance of {of} by itself for arm {arm!r}.")
        entry = entries[0] if arm is None else entries[names.index(arm)]
        return pd.DataFrame(entry["matrix"], index=entry["waves"], columns=entry["waves"], dtype=float)

    def joint_test(self, contrast: str | None = None) -> WaldTest:
        """Test that there is no effect at any follow-up, by default of the first contrast."""
        found: Mapping[str, Any] = self.details["joint"]
        name = self.estimates[0].contrast if contrast is None else contrast
        if name not in found:
            raise UsageError(f"there is no contrast '{name}'; there are {', '.join(repr(k) for k in found)}.")
        t = found[name]
        return WaldTest(_float(t["statistic"]), int(t["df_num"]), _float(t["df_denom"]), _float(t["p_value"]))

    def _title(self) -> str:
        return f"Effects over waves ({', '.join(str(w) for w in self.details['waves'])})"

    def __str__(self) -> str:
        e = self.estimates[0]
        groups = f", {e.n_groups} groups" if e.n_groups else f", {e.n_clusters} clusters" if e.n_clusters != e.n else ""
        lines = [self._title(), f"  {e.method}; {e.covariance}; n = {e.n}{groups}"]
        for contrast in dict.fromkeys(e.contrast for e in self.estimates):
            lines.append(f"  {contrast}")
            lines += [f"    {where(e)}: {interval_text(e)}; {test_text(e)}" for e in self.estimates if e.contrast == contrast]
            joint = self.joint_test(contrast)
            if joint.df_num > 1 and joint.p_value == joint.p_value:
                lines.append(
                    f"    at any wave: F({joint.df_num}, {joint.df_denom:.1f}) = {joint.statistic:.2f}, p {p_text(joint.p_value)}"
                )
        lines.append(f"  -2 log likelihood {number(self.deviance)}, AIC {number(self.aic)}, BIC {number(self.bic)}")
        return "\n".join([*lines, *(f"  note: {n.text}" for n in self.notes)])


def where(e: Estimate) -> str:
    """'wave 2' or 'average'."""
    return str(e.extra["over_waves"]).replace("_", "-") if e.extra.get("over_waves") else f"wave {e.extra['wave']}"


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)


_NUMBERS = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high", "conf_level")
_EXTRA = ("wave", "over_waves", "n_observed")


def _estimate(row: Mapping[str, Any]) -> Estimate:
    known: dict[str, Any] = {k: _float(v) if k in _NUMBERS else v for k, v in row.items() if k not in _EXTRA}
    return Estimate(**known, extra={k: row[k] for k in _EXTRA})
