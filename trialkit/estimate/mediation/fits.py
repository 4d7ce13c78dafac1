"""Which models, and their fits.

The rule: a mediator of 0 and 1 is logistic, an ordered categorical by proportional odds, any other linear; `mediator_model` names another. The outcome's model follows from the measure
(`OUTCOME_MODELS`), and the measure, where it is not said, from the outcome: 0 and 1 'risk_difference', a `Time` 'rmst_difference', else 'mean_difference'.
The result states both models. Whole numbers are never taken for counts unless that is said: sums of items are whole numbers too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trialkit.errors import CombinationError, EstimationError, UsageError, ValueTypeError, shown
from trialkit.estimate.linear.linear_model import fit_linear
from trialkit.estimate.mediation.linear_paths import LinearProblem, linear_problem
from trialkit.estimate.mediation.models import Regression, linear_regression
from trialkit.estimate.mediation.nonlinear_paths import NonlinearProblem, Response
from trialkit.estimate.mediation.ordered_model import categories, ordered_regression
from trialkit.estimate.mediation.pieces import Pieces, pieces
from trialkit.estimate.outcome import Time
from trialkit.estimate.outcomes.glm_model import fit_glm
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.mediation.effects import Scale
from trialkit.inference.mediation.nested_means import MediatorLaw, OutcomeLaw
from trialkit.inference.outcomes.glm import Family
from trialkit.trial import Trial

MEDIATOR_MODELS = ("linear", "logit", "poisson", "ordered")
OUTCOME_MODELS: dict[str, tuple[str, ...]] = {
    "mean_difference": ("linear", "poisson", "ordered"),
    "risk_difference": ("logit",),
    "risk_ratio": ("logit",),
    "odds_ratio": ("logit",),
    "mean_ratio": ("poisson",),
    "rate_ratio": ("poisson",),
    "rmst_difference": ("piecewise_exponential",),
    "rmst_ratio": ("piecewise_exponential",),
}
SCALES: dict[str, Scale] = {
    "risk_ratio": "log",
    "mean_ratio": "log",
    "rate_ratio": "log",
    "rmst_ratio": "log",
    "odds_ratio": "logit",
}
FAMILIES: dict[str, Family] = {"logit": "logistic", "poisson": "poisson"}
WORDS = {
    "linear": "linear regression", "logit": "logistic regression", "poisson": "Poisson regression (quasi-likelihood)",
    "ordered": "proportional odds regression, scores of the categories averaged",
    "piecewise_exponential": "piecewise exponential regression, mean time up to tau",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Models:
    """What was chosen: kinds of models, the measure, and its scale."""

    mediator: str
    outcome: str
    measure: str

    @property
    def scale(self) -> Scale:
        return SCALES.get(self.measure, "difference")

    @property
    def linear(self) -> bool:
        return self.mediator == self.outcome == "linear"


def choose(
    trial: Trial,
    outcome: str | Time,
    mediator: str,
    measure: str | None,
    mediator_model: str,
    outcome_model: str,
    ordered: tuple[str, ...] = (),
) -> Models:
    """The models by name or by the rule above, checked against the values; `ordered` names the ordered categoricals."""
    values = trial.values(mediator)
    rule = "ordered" if mediator in ordered else "logit" if _binary(values) else "linear"
    kind = rule if mediator_model == "auto" else mediator_model
    if kind not in MEDIATOR_MODELS:
        raise UsageError(f"mediator_model={kind!r} is unknown: it is 'auto', {shown(MEDIATOR_MODELS)}.")
    _check_values(values, mediator, kind, "mediator_model")
    if measure is None:
        measure = _own_measure(trial, outcome, ordered)
    if measure not in OUTCOME_MODELS:
        raise CombinationError(f"measure={measure!r} does not go with mediate: it is one of {shown(OUTCOME_MODELS, 9)}.")
    able = OUTCOME_MODELS[measure]
    if isinstance(outcome, Time) != (able == ("piecewise_exponential",)):
        raise UsageError(
            "a time with its event goes with measure='rmst_difference' or 'rmst_ratio', as in tk.mediate(trial, tk.Time('weeks', 'event'), ..., tau=20)."
        )
    rule = "ordered" if outcome in ordered and "ordered" in able else able[0]
    chosen = rule if outcome_model == "auto" else outcome_model
    if chosen not in able:
        raise CombinationError(f"outcome_model={chosen!r} does not go with measure='{measure}', which takes {shown(able)}.")
    if not isinstance(outcome, Time):
        _check_values(trial.values(outcome), outcome, chosen, "measure" if outcome_model == "auto" else "outcome_model")
    return Models(kind, chosen, measure)


def _own_measure(trial: Trial, outcome: str | Time, ordered: tuple[str, ...]) -> str:
    if isinstance(outcome, Time):
        return "rmst_difference"
    return "risk_difference" if outcome not in ordered and _binary(trial.values(outcome)) else "mean_difference"


def _binary(values: FloatArray) -> bool:
    seen = values[np.isfinite(values)]
    return bool(len(seen)) and bool(np.isin(seen, (0.0, 1.0)).all()) and bool(np.ptp(seen) > 0)


def _check_values(values: FloatArray, name: str, kind: str, said: str) -> None:
    seen = values[np.isfinite(values)]
    if not len(seen):
        return
    if kind == "logit" and not np.isin(seen, (0.0, 1.0)).all():
        raise ValueTypeError(
            f"'{name}' is {seen[~np.isin(seen, (0.0, 1.0))][0]:g} somewhere: a logistic model ({said}) needs 0 and 1."
        )
    if kind == "poisson" and (seen < 0).any():
        raise ValueTypeError(f"'{name}' is {seen[seen < 0][0]:g} somewhere: a model of counts ({said}) needs numbers from 0 up.")
    if kind == "poisson" and said == "mediator_model" and (seen != np.round(seen)).any():
        raise ValueTypeError(
            f"'{name}' is {seen[seen != np.round(seen)][0]:g} somewhere: a mediator of counts has whole numbers."
        )


def fitted(
    models: Models, s: Sample, m: FloatArray, X: FloatArray, terms: tuple[str, ...], unit: IntArray, *, mediator: str, interaction: bool,
    covariance: str, trial: Trial, outcome: str | Time, tau: float | None,
) -> LinearProblem | NonlinearProblem:  # fmt: skip
    """Both models with the effects as functions of their parameters."""
    t = s.arm.astype(float)
    arm = f"arm {s.arms[1]}"
    design_m, names_m = np.column_stack([np.ones(s.n), t, X]), ["constant", arm, *terms]
    design_y = np.column_stack([design_m, m, t * m] if interaction else [design_m, m])
    names_y = [*names_m, mediator, f"{arm} x {mediator}"][: design_y.shape[1]]
    as_outcome = replace(s, y=m, outcome=mediator)
    if models.linear:
        return linear_problem(
            mediator=_regression(as_outcome, design_m, names_m, "linear", covariance), outcome=_regression(s, design_y, names_y, "linear", covariance),
            y=s.y, m=m, t=t, X=X, unit=unit, weights=s.weights, interaction=interaction,
        )  # fmt: skip
    w = np.ones(s.n) if s.weights is None else s.weights
    mean_x = np.array([np.average(x, weights=w) for x in X.T])
    origin = float(np.average(m, weights=w))
    everyone = np.arange(s.n)
    centred_m = design_m - np.concatenate([[0.0, 0.0], mean_x])
    left = _response(
        as_outcome, design_m, names_m, centred_m, models.mediator, covariance, everyone, _centring(mean_x, None, interaction)
    )
    inner = m - origin
    centred_y = np.column_stack([centred_m, inner, t * inner] if interaction else [centred_m, inner])
    back = _centring(mean_x, origin, interaction)
    widths = None
    if isinstance(outcome, Time):
        found = pieces(trial, outcome, s, tau)
        widths = found.widths
        right = _piecewise(found, s, design_y, names_y, centred_y, covariance, back)
    else:
        right = _response(s, design_y, names_y, centred_y, models.outcome, covariance, everyone, back)
    law_m = MediatorLaw(models.mediator, X - mean_x, origin, categories(m) if models.mediator == "ordered" else None)  # type: ignore[arg-type]
    law_y = OutcomeLaw(models.outcome, X - mean_x, interaction, categories(s.y) if models.outcome == "ordered" else None, widths)  # type: ignore[arg-type]
    return NonlinearProblem(left, right, law_m, law_y, models.scale, unit, w)


def _centring(mean_x: FloatArray, origin: float | None, interaction: bool) -> FloatArray:
    """Coefficients in centred columns from those in raw columns: the constant takes up the means, the arm the mediator's origin."""
    k = len(mean_x)
    size = 2 + k + (0 if origin is None else 1 + interaction)
    out = np.eye(size)
    out[0, 2 : 2 + k] = mean_x
    if origin is not None:
        out[0, 2 + k] = origin
        if interaction:
            out[1, 3 + k] = origin
    return out


def _response(
    s: Sample,
    design: FloatArray,
    names: list[str],
    centred: FloatArray,
    kind: str,
    covariance: str,
    rows: IntArray,
    centring: FloatArray,
) -> Response:
    if kind == "ordered":
        found = ordered_regression(s, design[:, 1:], names[1:], covariance)
        steps = len(found.coef) - design.shape[1] + 1
        whole = np.eye(len(found.coef))
        whole[:steps, steps:] = -centring[0, 1:]
        whole[steps:, steps:] = centring[1:, 1:]
        return Response(found, s.y, centred[:, 1:], rows, whole)
    return Response(_regression(s, design, names, kind, covariance), s.y, centred, rows, centring)


def _regression(
    s: Sample, design: FloatArray, names: list[str], kind: str, covariance: str, offset: FloatArray | None = None
) -> Regression:
    if kind == "linear":
        return linear_regression(fit_linear(s, design, names, kind=covariance, df="auto"), s.outcome)
    try:
        found = fit_glm(s, design, names, family=FAMILIES.get(kind, "poisson"), kind=covariance, df="auto", offset=offset)
    except EstimationError as error:
        if "tell the outcomes" not in str(error):
            raise
        what = str(error).split(" tell the outcomes")[0]
        raise EstimationError(
            f"{what} tell the values of '{s.outcome}' apart exactly for some people, so its regression has no maximum. Leave covariates out, merge small "
            "categories, say interaction=False, or take a linear model (measure='mean_difference', mediator_model='linear')."
        ) from error
    if found.model.sample.n < s.n:
        raise EstimationError(
            f"{shown(names[2:], 8)} tell the values of '{s.outcome}' apart exactly for {s.n - found.model.sample.n} people: merge small categories or strata, "
            "or leave covariates out."
        )
    if found.fit.collinear.any():
        left = [n for n, dropped in zip(names, found.fit.collinear, strict=True) if dropped]
        raise EstimationError(
            f"{shown(left)} cannot be told apart from other terms of the model of '{s.outcome}': leave covariates out."
        )
    nothing = float("nan")
    return Regression(
        kind, s.outcome, design, tuple(names), found.fit.coef, found.fit.y - found.fit.mu, nothing, nothing, found.model
    )


def _piecewise(
    p: Pieces, s: Sample, design: FloatArray, names: list[str], centred: FloatArray, covariance: str, centring: FloatArray
) -> Response:
    """Poisson regression of events per piece with the log of the time at risk as offset; a person's pieces stay together in the variance."""
    rows = p.person
    long = replace(
        s, y=p.event, arm=s.arm[rows], X=s.X[rows], stratum=None if s.stratum is None else s.stratum[rows], cluster=None if s.cluster is None else s.cluster[rows],
        group=s.group[rows], unit_of_variance=s.unit_of_variance[rows], weights=None if s.weights is None else s.weights[rows], rows=s.rows[rows],
    )  # fmt: skip
    later = p.later
    if covariance.startswith("HC"):
        raise CombinationError(
            f"covariance={covariance!r} does not go with a time, where a person has several rows: leave it at 'auto'."
        )
    kind = "CR2" if covariance == "auto" else covariance
    labels = [*names, *(f"piece {j + 2}" for j in range(later.shape[1]))]
    offset = np.log(p.exposure)
    found = _regression(long, np.column_stack([design[rows], later]), labels, "piecewise_exponential", kind, offset)
    size = len(centring) + later.shape[1]
    whole = np.eye(size)
    whole[: len(centring), : len(centring)] = centring
    return Response(found, p.event, np.column_stack([centred[rows], later]), rows, whole, offset)


def model_words(models: Models) -> str:
    return f"mediator by {WORDS[models.mediator]}, outcome by {WORDS[models.outcome]}"
