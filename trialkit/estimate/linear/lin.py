"""Lin's regression: covariates and strata centred at the sample mean and interacted with every treated arm.

y = b0 + sum_a tau_a 1[a] + x~'g + sum_a 1[a] x~'d_a + e, x~ = x - mean(x). tau_a is the sample-average effect, never less
precise in large samples than the difference in means. Source: Lin (2013), Annals of Applied Statistics 7(1).
"""

from __future__ import annotations

import numpy as np

from trialkit.estimate.analysis import Analysis
from trialkit.estimate.averages import apply_average, estimand_name, size_note
from trialkit.estimate.linear.ancova import arm_contrasts, describe
from trialkit.estimate.linear.linear_model import fit_linear
from trialkit.estimate.request import Request
from trialkit.estimate.sample import Sample, sample
from trialkit.estimate.strata import centred, centred_indicators, check_cells, strata_names
from trialkit.inference.arrays import FloatArray
from trialkit.trial import Trial


def run(trial: Trial, request: Request) -> Analysis:
    """Lin's estimator of a request; strata always enter, interacted, unless strata_effects='none'."""
    adjust = tuple(a for a in request.adjust if a not in trial.strata)
    base = sample(trial, request.outcome, adjust, request.covariate_missing)
    analysed = apply_average(base, request.average)
    columns, names = interacted_columns(trial, analysed, request)
    model = fit_linear(analysed, columns, names, kind=request.covariance, df=request.df)
    notes = size_note(base, columns, request)
    found = arm_contrasts(model, request, range(1, len(base.arms)))
    return Analysis(
        base,
        tuple(c for c, _ in found),
        estimand_name(request.average),
        "Lin regression",
        describe(model),
        (*notes, *model.notes),
        model=model,
        vectors=tuple(v for _, v in found),
    )


def interacted_columns(trial: Trial, s: Sample, request: Request) -> tuple[FloatArray, list[str]]:
    """Columns of Lin's regression with their names; the arms are columns 1, 2, ..."""
    arms = s.arm_indicators
    x, terms = centred(s.X, s.weights), list(s.terms)
    if trial.strata and request.strata_effects != "none":
        labels = strata_names(trial)
        check_cells(s, labels, "Merge small strata, or use estimator='ancova' with strata_effects='additive'.")
        indicators, used = centred_indicators(s, labels)
        x = np.concatenate([x, indicators], axis=1)
        terms += [f"stratum {u}" for u in used]
    parts = [np.ones((s.n, 1)), arms, x]
    names = ["constant", *(f"arm {a}" for a in s.arms[1:]), *terms]
    for a in range(arms.shape[1]):
        parts.append(x * arms[:, [a]])
        names += [f"arm {s.arms[a + 1]} x {t}" for t in terms]
    return np.concatenate(parts, axis=1), names
