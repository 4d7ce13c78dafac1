"""Margins on scales whose variance depends on where the truth lies: rates in groups or clusters, and ratios.

Power against a margin is power at the truth, so that the variances are those at the truth and the distance to the margin is only a distance. Both kinds
therefore reduce to a difference in means with the two arms' standard deviations at the truth: of a rate sqrt(p(1-p)), of a log ratio the
square root of what a person adds to its variance (ratio_scales.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

from trialkit.errors import UsageError
from trialkit.power.arguments import Pair, choice, optional, real, shares, with_strata
from trialkit.power.families.ordinal import shares_of
from trialkit.power.families.ratio_scales import Counts, Ordered, RatioScale, Risks, RiskScale
from trialkit.power.families.time_to_event import Times, entry_of
from trialkit.power.mean_model import only_one
from trialkit.power.words import number, percent

Measure: TypeAlias = Literal["risk_difference", "risk_ratio", "odds_ratio"]
Better: TypeAlias = Literal["higher", "lower"]
# arguments that say what ratio is meant
RATIO_ARGUMENTS = (
    "control_mean",
    "dispersion",
    "variance_ratio",
    "control_shares",
    "event_probability",
    "control_median",
    "accrual",
    "follow_up",
    "dropout",
)


def ratio_scale(given: Mapping[str, Any], control_rate: float | None, measure: str) -> tuple[RatioScale, str, str] | None:
    """The scale of a ratio, its name and an assumption in words; None for a difference."""
    choice("measure", measure, Measure)
    if measure != "risk_difference":
        if control_rate is None:
            raise UsageError(f"measure='{measure}' needs control_rate, the share with the outcome in the control arm.")
        rate = real("control_rate", control_rate, above=0, below=1)
        kind: RiskScale = "risk_ratio" if measure == get_args(RiskScale)[0] else "odds_ratio"
        return Risks(rate, kind), measure.replace("_", " "), f"{percent(rate)} with the outcome in the control arm"
    times = {k: given.get(k) for k in ("control_median", "accrual", "follow_up", "event_probability")}
    kinds = {
        "control_rate": control_rate,
        "control_mean": given.get("control_mean"),
        "control_shares": given.get("control_shares"),
        "control_median or event_probability": next((v for v in times.values() if v is not None), None),
    }
    only_one("what is compared", kinds)
    if kinds["control_mean"] is not None:
        only_one("how counts spread", {k: given.get(k) for k in ("dispersion", "variance_ratio")})
        mean = real("control_mean", kinds["control_mean"], above=0)
        k, f = (given.get(name) for name in ("dispersion", "variance_ratio"))
        counts = Counts(mean, real("dispersion", k or 0.0, at_least=0), real("variance_ratio", f or 1.0, above=0))
        spread = f"dispersion {number(k)}" if k else f"a variance {number(counts.variance_ratio)} times the mean"
        return counts, "rate ratio", f"{number(mean)} expected in the control arm, {spread}"
    if kinds["control_shares"] is not None:
        control = shares_of(kinds["control_shares"])
        return Ordered(control), "odds ratio", f"control shares {', '.join(percent(s) for s in control)}"
    entry = entry_of(
        times["control_median"], times["accrual"], times["follow_up"], given.get("dropout", 0.0), times["event_probability"]
    )
    return None if entry is None else (Times(entry), "hazard ratio", f"proportional hazards; {entry.words()}")


def ratio_spread(scale: RatioScale, log_ratio: float, design: Mapping[str, Any]) -> tuple[float, float]:
    """Standard deviations of a person's contribution at the truth; the shares of the arms are one half where the sizes do not tell."""
    explained = ("baseline_correlation", "strata_r2", "baseline_r2", "individual_r2", "cluster_r2", "cluster_autocorrelation")
    said = [k for k in explained if design.get(k) is not None]
    if said:
        raise UsageError(f"{', '.join(said)} has no formula for the log of a ratio: leave it out, or simulate the plan.")
    if "sd" in design:
        raise UsageError("sd belongs to a difference in means; a ratio's variance follows from the other arguments.")
    if isinstance(scale, Risks) and not 0 < float(scale.treated_rate(log_ratio)) < 1:
        rate = scale.control_rate
        raise UsageError(f"ratio={math.exp(log_ratio):g} takes control_rate={rate:g} beyond 1: it must stay below {1 / rate:g}.")
    treated, control = scale.variances(log_ratio, _share(design))
    return math.sqrt(float(treated)), math.sqrt(float(control))


def _share(design: Mapping[str, Any]) -> float:
    allocation: Pair = design.get("allocation", (1, 1))
    if all(isinstance(design.get(k), (int, float)) for k in ("treated", "controls")):
        allocation = (design["treated"], design["controls"])
    size = design.get("group_size")
    people = sum(size) if isinstance(size, (list, tuple)) else (design.get("groups") or 0) * (size or 0)
    if people and design.get("controls"):
        allocation = (people, design["controls"])
    return shares(allocation)[0]


def rate_spread(control_rate: float, true: float, design: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords of a difference in means with the variances of two rates at the truth; a baseline leaves 1 - r^2 within groups or clusters."""
    rate = real("control_rate", control_rate, above=0, below=1)
    if not 0 < rate + true < 1:
        raise UsageError(f"effect={true:g} takes control_rate={rate:g} to {rate + true:g}; a rate lies between 0 and 1.")
    if any(k in design for k in ("sd", "var_group", "var_resid", "var_control")):
        raise UsageError("the variances of rates follow from control_rate and effect: leave out sd and the var_ arguments.")
    treated, control = (rate + true) * (1 - rate - true), rate * (1 - rate)
    r = with_strata(
        design.get("strata_r2"), optional("baseline_correlation", design.get("baseline_correlation"), above=-1, below=1)
    )
    if not r or "clusters" in design or "cluster_size" in design:
        return {"sd": (math.sqrt(treated), math.sqrt(control))}
    # grouped takes r^2 of a control's variance from both arms; for rates both keep 1 - r^2 of their own
    icc, other = real("icc", design.get("icc"), at_least=0, at_most=1), design.get("control_icc")
    in_groups = any(design.get(k) is not None for k in ("control_groups", "control_group_size"))
    part = (icc if other is None else real("control_icc", other, at_least=0, at_most=1)) if in_groups else 0.0
    left = [v * (s + (1 - s) * (1 - r * r)) for v, s in ((treated, icc), (control, part))]
    found = {
        "sd": tuple(math.sqrt(v) for v in left),
        "icc": icc * treated / left[0],
        "baseline_correlation": None,
        "strata_r2": None,
    }
    return found | ({"control_icc": part * control / left[1]} if in_groups else {})
