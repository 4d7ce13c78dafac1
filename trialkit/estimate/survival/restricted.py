"""Restricted mean time, time lost and share with the event: differences (ratios) of averages over a window [0, tau], by pseudo-values.

Each arm's average comes from its own curve (inference/survival/restricted.py), so that nothing is assumed of how hazards compare; censoring is taken as
unrelated to the event within an arm. Person i's pseudo-value, the average plus n_a times the person's influence value, has the arm's average as its
mean, and stands in a regression on arms, strata and covariates as any outcome would: the differences stay those of the curves, adjusted for what the
covariates differ by chance, with HC2 or, with groups and clusters, CR2 and df under the grouped working covariance. Of a ratio the pseudo-values are
log m_a + (v_i - m_a)/m_a, m_a the arm's average.

People alone, nothing to adjust: Greenwood's variance and the normal distribution (as survRM2 and R's survfit). With interacted strata the curves
are those of arm and stratum, averaged by the strata's sizes.

Source: Andersen, Hansen & Klein (2004); Andersen & Perme (2010); Zhao et al. (2016) for the restricted mean; Andersen (2013) for time lost.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from trialkit.errors import CombinationError, EstimationError
from trialkit.estimate.analysis import Analysis, Contrast
from trialkit.estimate.averages import estimand_name, size_note
from trialkit.estimate.fit_notes import dependence_ignored
from trialkit.estimate.linear.ancova import arm_contrasts, describe, design_columns, strata_rule
from trialkit.estimate.linear.linear_model import fit_linear
from trialkit.estimate.measures import is_ratio
from trialkit.estimate.request import Request, arm_pairs
from trialkit.estimate.sample import Sample
from trialkit.estimate.strata import strata_names
from trialkit.estimate.survival.curves import arm_curves, arm_rows, curve_details, window
from trialkit.estimate.survival.time_result import TimeResult
from trialkit.estimate.survival.time_sample import TimeSample, time_sample
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.inference.survival.restricted import Quantity, restricted
from trialkit.results import Note
from trialkit.trial import ALONE, Trial

QUANTITIES: dict[str, Quantity] = {
    "rmst_difference": "restricted_mean",
    "rmst_ratio": "restricted_mean",
    "rmtl_difference": "time_lost",
    "cumulative_incidence_difference": "share",
}
MOST_LEFT_OUT = 400
FEW_PEOPLE = 40
NAMES = {"restricted_mean": "restricted mean time", "time_lost": "restricted mean time lost", "share": "share with the event"}
COLUMNS = {"restricted_mean": "rmst", "time_lost": "rmtl", "share": "share"}


def run(trial: Trial, request: Request) -> Analysis:
    """Restricted means, times lost or shares of a request."""
    assert request.time is not None
    quantity = QUANTITIES[request.measure]
    if quantity == "restricted_mean" and request.time.competing is not None:
        raise CombinationError(
            f"measure='{request.measure}' has no meaning for people with another exit ('{request.time.competing}'): their time to the event never ends. Use "
            "measure='cumulative_incidence_difference' or 'rmtl_difference'."
        )
    adjust = tuple(a for a in request.adjust if a not in trial.strata)
    base = time_sample(trial, request.time, adjust, request.covariate_missing)
    t = base.averaged(request.average)
    rule, unequal = strata_rule(trial, request)
    tau, notes = window(t, request.options.get("tau"), _cells(trial, t, rule))
    values = _pseudo_values(t, _cells(trial, t, rule), quantity, tau, is_ratio(request.measure))
    curves = arm_curves(t, request.conf_level)
    arms = _arm_averages(t, quantity, tau)
    details: dict[str, Any] = {
        "arms": [r | a for r, a in zip(arm_rows(trial, base, curves), arms)], "curves": curve_details(t, curves), "time": str(request.time),
        "conf_level": request.conf_level, "tau": tau, "quantity": quantity, "better": request.better,
    }  # fmt: skip
    plain = rule == "none" and not base.people.X.shape[1]
    if _few_units(t.people) and plain and isinstance(request.contrasts, str):
        details["jackknife_std_error"] = _jackknife(t, request, quantity, tau)
    if _by_greenwood(t.people, request, plain):
        found = _greenwood(t, request, values)
    else:
        found = _regression(trial, base, t, request, values, rule, unequal)
    method = f"{NAMES[quantity]} to {tau:g}, {found.method}"
    return replace(
        found, sample=base.people, method=method, notes=(*notes, *found.notes), details=details | dict(found.details), result=TimeResult
    )  # fmt: skip


def _cells(trial: Trial, t: TimeSample, rule: str) -> list[tuple[str, BoolArray]]:
    """Whose curves are averaged: the arms', or with interacted strata those of arm and stratum."""
    s = t.people
    if rule != "interacted":
        return [(str(label), s.arm == a) for a, label in enumerate(s.arms)]
    assert s.stratum is not None
    names = strata_names(trial)
    out = []
    for z in np.unique(s.stratum):
        for a, label in enumerate(s.arms):
            inside = (s.arm == a) & (s.stratum == z)
            if int(inside.sum()) < 2:
                raise EstimationError(
                    f"stratum '{names[z]}' has fewer than two people of arm {label!r}: a curve per stratum needs more. Merge small strata, or say "
                    "strata_effects='additive'."
                )
            out.append((f"{label}, {names[z]}", inside))
    return out


def _pseudo_values(t: TimeSample, cells: list[tuple[str, BoolArray]], quantity: Quantity, tau: float, ratio: bool) -> FloatArray:
    """(n,) values whose (weighted) mean in each cell is the cell's average."""
    s = t.people
    weight = np.ones(s.n) if s.weights is None else s.weights
    out = np.empty(s.n)
    for _, inside in cells:
        found = restricted(**t.part(inside), tau=tau, quantity=quantity)
        out[inside] = float(found.value) + found.influence * weight[inside].sum() / weight[inside]
    if not ratio:
        return out
    for a, label in enumerate(s.arms):
        inside = s.arm == a
        mean = (
            _averaged_over_strata(s, out, weight, inside)
            if len(cells) > len(s.arms)
            else float(np.average(out[inside], weights=weight[inside]))
        )
        if mean <= 0:
            raise EstimationError(f"the average of arm {label!r} up to {tau:g} is zero: it has no ratio. Use a difference.")
        out[inside] = math.log(mean) + (out[inside] - mean) / mean
    return out


def _averaged_over_strata(s: Sample, values: FloatArray, weight: FloatArray, inside: BoolArray) -> float:
    """The arm's average with the strata counted as in the whole sample."""
    assert s.stratum is not None
    total = 0.0
    for z in np.unique(s.stratum):
        cell = inside & (s.stratum == z)
        total += weight[s.stratum == z].sum() / weight.sum() * float(np.average(values[cell], weights=weight[cell]))
    return total


def _by_greenwood(s: Sample, request: Request, plain: bool) -> bool:
    if request.covariance == "greenwood":
        if not plain or s.weights is not None or request.df != "auto":
            raise CombinationError(
                "covariance='greenwood' is the variance of curves without covariates, strata and weights, with the normal distribution: use covariance='auto'."
            )
        return True
    alone = not s.clustered and s.weights is None
    return plain and alone and request.covariance == "auto" and request.df == "auto" and isinstance(request.contrasts, str)


def _greenwood(t: TimeSample, request: Request, values: FloatArray) -> Analysis:
    """Differences of the arms' averages with the sum of their variances."""
    s = t.people
    size = np.bincount(s.arm, minlength=len(s.arms)).astype(float)
    means = np.bincount(s.arm, weights=values) / size
    centred = (values - means[s.arm]) / size[s.arm]
    contrasts, influence, notes = [], [], []
    for arm, reference in arm_pairs(len(s.arms), request.contrasts):
        sign = (s.arm == arm).astype(float) - (s.arm == reference)
        u = centred * sign
        se = math.sqrt(float(u @ u))
        if not se > 0:
            raise EstimationError(f"'{s.outcome}' does not vary within the arms up to tau: there is no standard error.")
        contrasts.append(Contrast(arm, reference, float(means[arm] - means[reference]), se, math.inf))
        influence.append(u)
    few = ", ".join(f"{n} in {label}" for label, n in zip(s.arms, size.astype(int), strict=True) if n < FEW_PEOPLE)
    if few:
        text = f"few people ({few}): normal limits on Greenwood's variance are a little too narrow; df='independence' keeps the level better."
        notes.append(Note("small_arm", text))
    if s.clustered:
        notes.append(dependence_ignored(s, "greenwood"))
    name = "Kaplan-Meier by arm" if t.other is None else "Aalen-Johansen by arm"
    words = "Greenwood" if t.other is None else "influence values"
    return Analysis(s, tuple(contrasts), estimand_name(request.average), name, words, tuple(notes), influence=tuple(influence))


def _regression(
    trial: Trial, base: TimeSample, t: TimeSample, request: Request, values: FloatArray, rule: str, unequal: bool
) -> Analysis:
    """The pseudo-values regressed on arms, strata and covariates."""
    notes: list[Note] = []
    analysed = replace(t.people, y=values)
    columns, names = design_columns(trial, analysed, rule, notes, unequal)
    model = fit_linear(analysed, columns, names, kind=request.covariance, df=request.df)
    notes += size_note(replace(base.people, y=values), columns, request)
    found = arm_contrasts(model, request, range(1, len(analysed.arms)))
    overlap = rule == "additive" and unequal
    if overlap:
        text = "shares of the arms differ by stratum and stratum effects are additive: strata count by size times p(1-p)."
        notes.append(Note("overlap_weighted", text))
    adjusted = bool(analysed.X.shape[1])
    method = (
        "pseudo-values"
        + (" adjusted" if adjusted else "")
        + {"none": "", "additive": ", strata effects", "interacted": ", strata interacted"}[rule]
    )
    return Analysis(
        t.people, tuple(c for c, _ in found), "overlap-weighted ITT" if overlap else estimand_name(request.average), method, describe(model),
        (*notes, *model.notes), model=model, vectors=tuple(v for _, v in found),
    )  # fmt: skip


def _arm_averages(t: TimeSample, quantity: Quantity, tau: float) -> list[dict[str, float]]:
    """Each arm's average with a standard error that counts its groups or clusters, and how many are under observation at tau."""
    s, out = t.people, []
    for a in range(len(s.arms)):
        inside = s.arm == a
        found = restricted(**t.part(inside), tau=tau, quantity=quantity)
        se = math.sqrt(float(found.variance))
        if s.cluster is not None or (s.group[inside] != ALONE).any():
            se = _unit_error(found.influence, s.unit_of_variance[inside])
        row = {COLUMNS[quantity]: float(found.value), "std_error": se, "at_risk_at_tau": float(found.at_risk)}
        out.append(row | {"mean": float(found.value)})
    return out


def _unit_error(values: FloatArray, unit: Any) -> float:
    _, codes, sizes = np.unique(unit, return_inverse=True, return_counts=True)
    sums = np.bincount(codes.reshape(-1), weights=values)
    return math.sqrt(float((sums**2 / (1 - sizes / len(values))).sum())) if len(sums) > 1 else math.nan


def _few_units(s: Sample) -> bool:
    """Groups or clusters, and not so many that leaving each out is a long way to the same number."""
    units = s.n_clusters if s.cluster is not None else s.groups_in(s.arm >= 0)
    return s.clustered and units <= MOST_LEFT_OUT


def _jackknife(t: TimeSample, request: Request, quantity: Quantity, tau: float) -> list[float]:
    """Standard errors of the contrasts by leaving out units of arms with groups or clusters; the other arms' are Greenwood's."""
    s = t.people
    variances = []
    for a in range(len(s.arms)):
        inside = s.arm == a
        part = t.part(inside)
        whole = restricted(**part, tau=tau, quantity=quantity)
        scale = float(whole.value) ** 2 if is_ratio(request.measure) else 1.0
        if s.cluster is None and (s.group[inside] == ALONE).all():
            variances.append(float(whole.variance) / scale)
            continue
        codes = np.unique(s.unit_of_variance[inside], return_inverse=True)[1].reshape(-1)
        variances.append(_left_out_variance(part, codes, quantity, tau) / scale)
    return [math.sqrt(variances[arm] + variances[reference]) for arm, reference in arm_pairs(len(s.arms), request.contrasts)]


def _left_out_variance(part: dict[str, Any], codes: Any, quantity: Quantity, tau: float) -> float:
    """(K - 1)/K times the sum of squares of the averages without each unit, about their mean."""
    count = int(codes.max()) + 1
    step = max(500_000 // len(codes), 1)
    weights = np.ones(len(codes)) if part["weights"] is None else part["weights"]
    found = []
    for k in range(0, count, step):
        kept = codes != np.arange(k, min(k + step, count))[:, None]
        lead: dict[str, Any] = {
            key: None if v is None else np.broadcast_to(v, kept.shape) for key, v in part.items() if key != "weights"
        }
        found.append(restricted(**lead, weights=weights * kept, tau=tau, quantity=quantity).value)
    values = np.concatenate(found)
    return float((count - 1) / count * ((values - values.mean()) ** 2).sum())
