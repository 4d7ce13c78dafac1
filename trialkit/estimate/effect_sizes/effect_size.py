"""Standardized mean differences with intervals that respect groups and clusters.

g = J * estimate / s, with variance J^2 (se^2/s^2 + d^2/(2 v)): se is that of the estimate, so groups, clusters and covariates
carry over; s is always a raw SD, never a residual one. Default s: the control arm's SD when groups exist in one arm only (v =
n_control - 1; J = 1 - 3/(4v - 1)), else the pooled SD of the two arms (v = n - 2, exact J). Sources: Hedges (1981); Hedges &
Citkowicz (2015) for grouping in one arm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trialkit.errors import CombinationError, UsageError
from trialkit.inference.distributions import noncentrality_interval, small_sample_j, t_test
from trialkit.results import Estimate, Note, Result


class EffectSizeResult(Result):
    """Standardized effects; `.details['standardizer']` names the SD and its value per contrast."""

    kind = "effect_size"

    def _title(self) -> str:
        return f"Standardized effect on {self.estimates[0].outcome}"


def standardize(result: Result, kind: str, *, standardizer: Any, interval: str) -> Result:
    """Standardize each row of an ITT result of a mean difference.

    Parameters
    ----------
    kind : 'hedges_g' (small-sample corrected) or 'cohens_d'.
    standardizer : 'auto', 'pooled', 'control', or a number (a known SD, taken without error).
    interval : 't' (estimate +- t se, df of the effect) or 'noncentral' (independent people, no covariates, pooled SD).
    """
    if result.details.get("measure") != "mean_difference":
        raise CombinationError(
            f"an effect size in SDs is for a mean difference, not for measure='{result.details.get('measure')}': use measure='mean_difference'."
        )
    if kind not in ("hedges_g", "cohens_d"):
        raise CombinationError(f"there is no effect size '{kind}': there are 'hedges_g' and 'cohens_d'.")
    if interval not in ("t", "noncentral"):
        raise UsageError(f"interval={interval!r} is unknown: it is 't' or 'noncentral'.")
    rows: list[Estimate] = []
    used: list[dict[str, Any]] = []
    for estimate, (arm, reference) in zip(result.estimates, result.details["contrasts"]):
        name, sd, v, j = _standardizer(result, arm, reference, standardizer)
        if kind == "cohens_d":
            j = 1.0
        if not sd > 0:
            raise UsageError(f"the standardizer ({name}) is {sd}: an effect size needs a positive SD.")
        d = estimate.estimate / sd
        se = j * math.sqrt(estimate.std_error**2 / sd**2 + (d**2 / (2 * v) if math.isfinite(v) else 0.0))
        row = _row(estimate, j * d, se, f"{estimate.estimand} in SDs ({name})", kind)
        if interval == "noncentral":
            low, high = _noncentral(result, estimate, arm, reference, d, j, name)
            row = replace(row, conf_low=low, conf_high=high)
        rows.append(row)
        used.append({"name": name, "sd": sd, "df": v, "j": j})
    notes = [n for n in result.notes if n.code in ("few_groups", "dependence_ignored", "informative_size", "overlap_weighted")]
    if not math.isfinite(used[0]["df"]):
        notes.append(Note("standardizer_fixed", "the SD is taken as known: its uncertainty is not in the interval."))
    return EffectSizeResult(tuple(rows), tuple(notes), {"kind": kind, "standardizer": used})


def _arm(result: Result, code: int) -> Mapping[str, Any]:
    arms = result.details.get("arms")
    if not arms:
        raise UsageError("this result holds no arm summaries, so it has no effect size.")
    row: Mapping[str, Any] = arms[code]
    return row


def _standardizer(result: Result, arm: int, reference: int, asked: Any) -> tuple[str, float, float, float]:
    """Name, SD, its df, and the small-sample factor."""
    if isinstance(asked, (int, float)) and not isinstance(asked, bool):
        return "given SD", float(asked), math.inf, 1.0
    if arm < 0:
        raise CombinationError(
            "a contrast of your own has no one SD to go by: give the SD, as in standardized(standardizer=10.0)."
        )
    one, zero = _arm(result, arm), _arm(result, reference)
    one_arm = bool(result.details.get("one_arm_groups")) and (one["n_groups"] > 0) != (zero["n_groups"] > 0)
    if asked == "control" or (asked == "auto" and one_arm):
        base = zero if one["n_groups"] or not zero["n_groups"] else one
        v = base["n"] - 1.0
        return f"SD of {base['arm']}", base["sd"], v, 1 - 3 / (4 * v - 1)
    if asked in ("auto", "pooled"):
        v = one["n"] + zero["n"] - 2.0
        pooled = math.sqrt(((one["n"] - 1) * one["sd"] ** 2 + (zero["n"] - 1) * zero["sd"] ** 2) / v)
        return "pooled SD", pooled, v, small_sample_j(v)
    raise UsageError(f"standardizer={asked!r} is unknown: it is 'auto', 'pooled', 'control' or a number.")


def _row(estimate: Estimate, value: float, se: float, estimand: str, kind: str) -> Estimate:
    test = t_test(value, se, estimate.df, estimate.conf_level)
    return replace(
        estimate, estimand=estimand, estimate=value, std_error=se, statistic=test.statistic, p_value=test.p_value,
        conf_low=test.conf_low, conf_high=test.conf_high, method=f"{kind.replace('_', ' ').capitalize()}, {estimate.method}", extra={},
    )  # fmt: skip


def _noncentral(
    result: Result, estimate: Estimate, arm: int, reference: int, d: float, j: float, name: str
) -> tuple[float, float]:
    if result.details.get("clustered") or result.details.get("adjust") or name != "pooled SD":
        raise CombinationError(
            "interval='noncentral' holds for independent people, an unadjusted difference and the pooled SD only: use interval='t'."
        )
    one, zero = _arm(result, arm), _arm(result, reference)
    raw = one["mean"] - zero["mean"]
    if abs(estimate.estimate - raw) > 1e-8 * estimate.std_error:
        raise CombinationError(
            "interval='noncentral' holds for the plain difference of two arms; strata or weights make this another: use interval='t'."
        )
    root = math.sqrt(one["n"] * zero["n"] / (one["n"] + zero["n"]))
    low, high = noncentrality_interval(d * root, one["n"] + zero["n"] - 2.0, estimate.conf_level)
    return j * low / root, j * high / root
