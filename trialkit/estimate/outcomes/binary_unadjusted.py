"""Ratios of arm means without covariates: the difference in means of a design on the log (or logit) scale, and Wald's textbook errors.

Every design's estimator is linear in the outcome. With theta_a the arms' means and h the log or the logit, h(theta_1) - h(theta_0) has by
the delta method the variance of the difference in means of the outcome multiplied by h'(theta_a) in arm a; so blocks, pairs, clusters
and groups in one arm keep their own variance and df (linear/difference_in_means.py).

Wald: the variance of a mean is sum (y - mean)^2 / n^2, p(1 - p)/n for shares, with normal intervals: what a two by two table in a
textbook gives. For independent people without covariates only.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from trialkit.errors import CombinationError, EstimationError
from trialkit.estimate.analysis import Analysis, Contrast
from trialkit.estimate.averages import apply_average, estimand_name
from trialkit.estimate.linear import difference_in_means
from trialkit.estimate.linear.difference_in_means import arm_contrast, complete_pairs, randomized_in_pairs
from trialkit.estimate.measures import MEASURES
from trialkit.estimate.outcomes.g_computation_scale import SCALES, arm_contrasts, size_notes, transformed, undefined
from trialkit.estimate.outcomes.rare import check_any_event, count_notes, event_notes
from trialkit.estimate.parts import two_arms
from trialkit.estimate.request import Request
from trialkit.estimate.sample import Sample, sample
from trialkit.inference.arrays import FloatArray
from trialkit.results import Note
from trialkit.trial import Trial


def run(trial: Trial, request: Request) -> Analysis:
    """The difference in means of a request, or for a ratio its counterpart on the log or logit scale."""
    if request.covariance == "wald":
        return wald(trial, request)
    if SCALES.get(request.measure, "difference") == "difference":
        if MEASURES[request.measure].outcome != "binary":
            return difference_in_means.run(trial, request)
        check_any_event(trial, request.outcome)
        plain = difference_in_means.run(trial, request)
        return replace(plain, notes=tuple(dict.fromkeys((*plain.notes, *event_notes(plain.sample)))))
    base = _sample(trial, request)
    contrasts, methods, covariances, influence = [], [], [], []
    notes = [*_notes(base, request), *size_notes(base, request)]
    for c in arm_contrasts(base, request):
        theta = _means(trial, base, request, c.arm, c.reference)
        means = np.full(len(base.arms), math.nan)
        means[[c.reference, c.arm]] = theta
        values, slopes = transformed(SCALES[request.measure], means)
        if np.isnan(values[[c.arm, c.reference]]).any():
            row, note = undefined(base, c, request.measure, values)
            contrasts.append(row)
            notes.append(note)
            influence.append(np.zeros(base.n))
            continue
        found, label, covariance, said = arm_contrast(
            trial, replace(base, y=base.y * np.nan_to_num(slopes)[base.arm]), request, c.arm, c.reference
        )
        if not found.std_error > 1e-9:
            raise EstimationError(f"'{base.outcome}' does not vary within the arms: there is no standard error.")
        contrasts.append(Contrast(c.arm, c.reference, float(values[c.arm] - values[c.reference]), found.std_error, found.df))
        influence.append(_influence(base, c.weights, means, slopes, found.std_error))
        notes += [n for n in said if n.code != "informative_size"]
        methods.append(label.replace("difference in means", f"{MEASURES[request.measure].title}, no covariates"))
        covariances.append(covariance)
    method = " / ".join(dict.fromkeys(methods)) or MEASURES[request.measure].title
    words = " / ".join(dict.fromkeys(covariances)) + ", delta method" if covariances else "none"
    return Analysis(
        base,
        tuple(contrasts),
        estimand_name(request.average),
        method,
        words,
        tuple(dict.fromkeys(notes)),
        influence=tuple(influence),
    )


def wald(trial: Trial, request: Request) -> Analysis:
    """Wald's standard errors and normal intervals for independent people without covariates."""
    if request.adjust or trial.weights is not None or request.average != "participant" or request.df != "auto":
        raise CombinationError(
            "covariance='wald' is the textbook's error of a table: it takes no adjust, weights, average='group' or df."
        )
    base = _sample(trial, request)
    if base.clustered:
        what = "clusters" if base.cluster is not None else "groups"
        raise CombinationError(f"covariance='wald' is for independent people; these have {what}: leave covariance out.")
    n = np.bincount(base.arm, minlength=len(base.arms))
    means = np.array([base.y[base.arm == a].mean() for a in range(len(n))])
    variances = np.array([base.y[base.arm == a].var() for a in range(len(n))]) / n
    values, slopes = transformed(SCALES[request.measure], means)
    notes = _notes(base, request)
    if trial.strata:
        notes.append(
            Note("strata_ignored", "Wald's standard error does not count the strata: it is too large where they matter.")
        )
    contrasts, influence = [], []
    for c in arm_contrasts(base, request):
        if np.isnan(values[c.weights != 0]).any():
            row, note = undefined(base, c, request.measure, values)
            contrasts.append(row)
            notes.append(note)
            influence.append(np.zeros(base.n))
            continue
        used = c.weights != 0
        se = math.sqrt(float((c.weights[used] * slopes[used]) ** 2 @ variances[used]))
        if not se > 0:
            raise EstimationError(f"'{base.outcome}' does not vary within the arms: there is no standard error.")
        contrasts.append(Contrast(c.arm, c.reference, float(c.weights[used] @ values[used]), se, math.inf, c.label))
        influence.append(_influence(base, c.weights, means, slopes, se))
    return Analysis(
        base, tuple(contrasts), estimand_name("participant"), f"{MEASURES[request.measure].title}, no covariates", "Wald",
        tuple(notes), influence=tuple(influence),
    )  # fmt: skip


def _sample(trial: Trial, request: Request) -> Sample:
    if request.adjust:
        raise CombinationError("estimator='difference_in_means' takes no adjust: use estimator='g_computation' with covariates.")
    if MEASURES[request.measure].outcome == "binary":
        check_any_event(trial, request.outcome)
    return sample(trial, request.outcome, (), request.covariate_missing)


def _notes(s: Sample, request: Request) -> list[Note]:
    kind = MEASURES[request.measure].outcome
    return event_notes(s) if kind == "binary" else count_notes(s) if kind == "count" else []


def _means(trial: Trial, base: Sample, request: Request, arm: int, reference: int) -> FloatArray:
    """(2,) means of the reference and the arm: strata weighted by their size, as the difference in means does."""
    s = two_arms(base, arm, reference)
    if (
        trial.strata
        and randomized_in_pairs(trial, arm, reference)
        and s.weights is None
        and not (s.clustered and s.cluster is None)
    ):
        s, _ = complete_pairs(s)
    s = apply_average(s, request.average)
    weights = np.ones(s.n) if s.weights is None else s.weights
    stratum = np.zeros(s.n, dtype=np.int64) if s.stratum is None else np.unique(s.stratum, return_inverse=True)[1].reshape(-1)
    sizes = np.bincount(stratum, weights=weights)
    out = np.empty(2)
    for a in range(2):
        own = np.where(s.arm == a, weights, 0.0)
        cells = np.bincount(stratum, weights=own)
        if (cells <= 0).any():
            raise EstimationError(
                f"a stratum has no people of arm {s.arms[a]!r} with '{s.outcome}': merge it with a like stratum, or use estimator='g_computation'."
            )
        out[a] = float(sizes @ (np.bincount(stratum, weights=own * s.y) / cells) / sizes.sum())
    return out


def _influence(s: Sample, weights: FloatArray, means: FloatArray, slopes: FloatArray, se: float) -> FloatArray:
    """(n,) values of people, scaled so that the squared sums over units add to the variance."""
    used = weights != 0
    each = np.where(used[s.arm], weights[s.arm] * np.nan_to_num(slopes)[s.arm] * (s.y - np.nan_to_num(means)[s.arm]), 0.0)
    each = each / np.bincount(s.arm, minlength=len(s.arms))[s.arm]
    sums = np.bincount(np.unique(s.unit_of_variance, return_inverse=True)[1].reshape(-1), weights=each)
    norm = math.sqrt(float(sums @ sums))
    return each * (se / norm) if norm > 0 else each
