"""Logistic regression: the odds ratio of an arm, conditional on covariates and strata.

logit P(y = 1) = b0 + sum_a tau_a 1[arm = a] + x'g + stratum effects; exp(tau_a) compares people alike in x. With covariates that matter
it lies further from 1 than the odds ratio of the whole population, which estimator='g_computation' gives (Gail, Wieand & Piantadosi 1984).
Sandwich errors, CR2 with clusters or groups on the response scale (inference/outcomes/glm_covariance.py); compared with clubSandwich 0.5.8.
"""

from __future__ import annotations

from trialkit.errors import CombinationError, UsageError
from trialkit.estimate.analysis import Analysis
from trialkit.estimate.averages import apply_average, estimand_name
from trialkit.estimate.linear.ancova import describe, design_columns, strata_rule
from trialkit.estimate.outcomes.g_computation_scale import size_notes
from trialkit.estimate.outcomes.glm_model import contrasts_of, fit_glm, with_events
from trialkit.estimate.outcomes.rare import check_any_event, event_notes
from trialkit.estimate.request import Request
from trialkit.estimate.sample import sample
from trialkit.results import Note
from trialkit.trial import Trial

CONDITIONAL = "covariate-conditional ITT"


def run(trial: Trial, request: Request) -> Analysis:
    """Logistic regression of a request; `penalty='firth'` keeps it finite where covariates tell the outcomes apart."""
    penalty = request.options.get("penalty")
    if penalty not in (None, "firth"):
        raise UsageError(f"penalty={penalty!r} is unknown: it is 'firth' or None.")
    if request.strata_effects == "interacted":
        raise CombinationError(
            "estimator='logit' has one odds ratio for all strata, so strata_effects='interacted' does not go with it: use 'additive', or "
            "estimator='g_computation'."
        )
    if penalty and (trial.weights is not None or request.average != "participant"):
        raise CombinationError("penalty='firth' takes no weights and no group average.")
    check_any_event(trial, request.outcome)
    adjust = tuple(a for a in request.adjust if a not in trial.strata)
    base = sample(trial, request.outcome, adjust, request.covariate_missing)
    notes = [*event_notes(base), *size_notes(base, request)]
    rule, _ = strata_rule(trial, request)
    strata = "additive" if rule == "interacted" else rule
    s, able = with_events(apply_average(base, request.average), "logistic")
    found = None
    if len(able) > 1:
        columns, names = design_columns(trial, s, strata, notes, False)
        found = fit_glm(
            s, columns, names, family="logistic", kind=request.covariance, df=request.df, penalized=penalty is not None
        )
    contrasts, vectors = contrasts_of(found, base, able, request, notes)
    conditional = bool(base.X.shape[1]) or strata == "additive"
    if conditional:
        notes.append(
            Note(
                "conditional_odds_ratio",
                "the odds ratio compares people alike in the covariates; that of the whole population is nearer to 1 (estimator='g_computation').",
            )
        )
    return Analysis(
        base, contrasts, CONDITIONAL if conditional else estimand_name(request.average),
        f"logistic regression{', Firth' + chr(39) + 's penalty' if penalty else ''}", "none" if found is None else describe(found.model),
        tuple(dict.fromkeys((*notes, *(() if found is None else found.model.notes)))),
        model=None if found is None else found.model, vectors=vectors,
    )  # fmt: skip
