"""Augmented inverse-probability weighting and g-computation with linear working models, known allocation probabilities.

theta_a = mean mu_a(x) + weighted mean over arm a of (y - mu_a(x)); the effect is a difference of two. mu_a is a regression of the outcome on
covariates and strata within arm a (AIPW, 'ANHECOVA') or one regression for all arms (g-computation). Because the probabilities are known, the
estimate is consistent whether or not mu_a is right; it only gains precision (Tsiatis et al. 2008; Bannick et al. 2025).

- Independent people: Ye et al.'s variance with its stratum term, normal intervals (inference/linear/influence.py). Strata of fewer than 40 people,
  which that term does not suit, take the variance and df of their design (outcomes/g_computation_variance.py).
- Groups or clusters: linear working models without folds take the CR2 scores of the same regression (lin.py), whose leverages count the
  covariates, plus what varies because the covariates' means do; with folds the influence values by unit, factors 1/(1 - n_g/n_arm). Both
  with t on Satterthwaite's df, under the grouped working covariance with groups in some arms.
- Cross-fitting (`n_folds`): mu_a for the people of a fold is fitted to the others; folds hold whole groups and clusters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from trialkit.design.stream import Seed, Stream, checked_seed
from trialkit.errors import CombinationError, EstimationError, UsageError, shown
from trialkit.estimate.analysis import Analysis, Contrast
from trialkit.estimate.averages import estimand_name
from trialkit.estimate.fit_notes import normal_small_arm
from trialkit.estimate.linear import lin
from trialkit.estimate.linear.ancova import describe
from trialkit.estimate.linear.linear_model import LinearModel, fit_linear
from trialkit.estimate.outcomes.g_computation_scale import arm_contrasts
from trialkit.estimate.outcomes.g_computation_variance import SMALL_STRATA, Spread, spread_of
from trialkit.estimate.request import Request
from trialkit.estimate.sample import Sample, sample
from trialkit.estimate.strata import check_cells, shares_differ, strata_names
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.linear.influence import influence_values, influence_variance, marginal_means, ye_covariance
from trialkit.inference.linear.least_squares import least_squares
from trialkit.results import Note
from trialkit.trial import ALONE, Trial

Learner = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]
OPTIONS = ("n_folds", "seed", "working_model", "probabilities")


@dataclass(frozen=True, slots=True)
class AipwOptions:
    """Options of the estimator beyond those of every estimator.

    Attributes
    ----------
    n_folds : folds of whole units for cross-fitting; None fits the working models to everyone.
    seed : needed with n_folds, because the folds are drawn.
    working_model : 'linear', or a function (X to fit, y to fit, X to predict) -> predictions, which needs n_folds.
    probabilities : 'auto' (those of the trial's design, else shares), 'design' or 'shares' (by stratum where they differ).
    """

    n_folds: int | None = None
    seed: Seed | None = None
    working_model: Literal["linear"] | Learner = "linear"
    probabilities: Literal["auto", "design", "shares"] = "auto"

    def __post_init__(self) -> None:
        if not callable(self.working_model) and self.working_model != "linear":
            raise UsageError(
                f"working_model={self.working_model!r} is unknown: it is 'linear' or a function (X, y, X_new) -> predictions."
            )
        if self.probabilities not in ("auto", "design", "shares"):
            raise UsageError(f"probabilities={self.probabilities!r} is unknown: it is 'auto', 'design' or 'shares'.")
        if self.n_folds is None:
            if callable(self.working_model):
                raise UsageError("a working model of your own is cross-fitted: say n_folds=5 and a seed.")
            return
        if isinstance(self.n_folds, bool) or not isinstance(self.n_folds, (int, np.integer)) or self.n_folds < 2:
            raise UsageError(f"n_folds={self.n_folds!r} must be a number of folds, 2 or more, or None to fit to everyone.")
        if self.seed is None:
            raise UsageError("cross-fitting draws its folds: say seed=4711 (any number you choose).")


def run(trial: Trial, request: Request) -> Analysis:
    """AIPW: a working model within each arm; strata enter it unless strata_effects='none'."""
    return _run(trial, request, _options(request), separate=True)


def run_g_computation(trial: Trial, request: Request) -> Analysis:
    """G-computation from one linear model of arms, covariates and strata: the ANCOVA estimate with Ye et al.'s variance."""
    options = _options(request)
    if options != AipwOptions():
        raise UsageError("estimator='g_computation' takes no folds and no working model of one's own: use estimator='aipw'.")
    return _run(trial, request, options, separate=False)


def _options(request: Request) -> AipwOptions:
    given: Mapping[str, Any] = request.options
    unknown = [k for k in given if k not in OPTIONS]
    if unknown:
        raise UsageError(f"estimator='{request.estimator}' does not take {shown(unknown)}: it takes {shown(OPTIONS, 10)}.")
    return AipwOptions(**given)


def _run(trial: Trial, request: Request, options: AipwOptions, *, separate: bool) -> Analysis:
    if trial.weights is not None or request.average != "participant":
        raise CombinationError(f"estimator='{request.estimator}' takes no weights and no group average: use estimator='lin'.")
    adjust = tuple(a for a in request.adjust if a not in trial.strata)
    s = sample(trial, request.outcome, adjust, request.covariate_missing)
    if np.array([(s.y[s.arm == a] == s.y[s.arm == a][0]).all() for a in range(len(s.arms))]).all():
        raise EstimationError(f"'{s.outcome}' does not vary within the arms: there is no standard error.")
    by_design = _by_design(trial, s, request, options)
    s = s if by_design is None else by_design.sample
    X = _columns(trial, s, request)
    probabilities, note = _probabilities(trial, s, options)
    if by_design is not None:
        probabilities, note = by_design.probabilities, list(by_design.notes)
    predictions = _predictions(s, X, options, separate)
    means = marginal_means(y=s.y, arm=s.arm, predictions=predictions, probabilities=probabilities)
    asked = arm_contrasts(s, request)
    fitted = _Fitted(predictions, probabilities, means, [c.weights for c in asked])
    if by_design is not None:
        found = by_design.with_predictions(predictions)
        spread, covariance = [found.of(v)[:2] for v in fitted.vectors], found.covariance
        notes = [n for n in found.said if n.code != "small_arm"]
    elif s.clustered:
        by_lin = separate and options.n_folds is None
        spread, covariance, notes = _clustered(trial, s, request, fitted, by_lin)
    else:
        spread, covariance = _independent(trial, s, fitted), "influence values"
        notes = normal_small_arm(s, "estimator='lin'" if separate else "df='independence'")
    contrasts = tuple(
        Contrast(c.arm, c.reference, float(c.weights @ means), se, df, c.label) for c, (se, df) in zip(asked, spread)
    )
    for c in contrasts:
        if not c.std_error > 1e-10 * float(s.y.std()):
            raise EstimationError(
                f"the outcome '{s.outcome}' is determined exactly by the working model: there is no standard error."
            )
    what = (
        "linear working model" + ("s by arm" if separate else "")
        if options.working_model == "linear"
        else "working model of the user"
    )
    folds = f", {options.n_folds} folds of whole {_unit_word(s)}" if options.n_folds else ""
    name = "AIPW" if separate else "g-computation"
    return Analysis(
        s, contrasts, estimand_name("participant"), f"{name} ({what}{folds})", covariance, tuple(dict.fromkeys((*note, *notes))),
        influence=tuple(_scaled(s, fitted, v, c.std_error) for v, c in zip(fitted.vectors, contrasts)),
    )  # fmt: skip


def _by_design(trial: Trial, s: Sample, request: Request, options: AipwOptions) -> Spread | None:
    """The variance of the design where strata are small (Ye et al.'s takes them as large), or where independent people ask for a t."""
    if s.clustered or options.probabilities == "design":
        return None
    small = s.stratum is not None and s.n < SMALL_STRATA * len(np.unique(s.stratum))
    return spread_of(trial, s, request) if small or request.df != "auto" else None


def _scaled(s: Sample, f: _Fitted, vector: FloatArray, se: float) -> FloatArray:
    """(n,) influence values whose squared sums over units add to the variance."""
    values = influence_values(y=s.y, arm=s.arm, predictions=f.predictions, probabilities=f.probabilities) @ vector
    sums = np.bincount(np.unique(s.unit_of_variance, return_inverse=True)[1].reshape(-1), weights=values)
    return np.asarray(values * (se / math.sqrt(float(sums @ sums))))


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Predictions and probabilities (n, arms), the arms' means, and a vector (arms,) a contrast."""

    predictions: FloatArray
    probabilities: FloatArray
    means: FloatArray
    vectors: list[FloatArray]

    @property
    def one_share(self) -> bool:
        """Whether everyone had the same probabilities."""
        return bool(np.ptp(self.probabilities, axis=0).max() <= 1e-12)


def _unit_word(s: Sample) -> str:
    return "clusters" if s.cluster is not None else "groups" if s.clustered else "people"


def _columns(trial: Trial, s: Sample, request: Request) -> FloatArray:
    """Covariates and stratum indicators, without a constant."""
    if not trial.strata or request.strata_effects == "none":
        return s.X
    assert s.stratum is not None
    check_cells(s, strata_names(trial), "Merge small strata, or say strata_effects='none'.")
    present = np.unique(s.stratum)
    return np.concatenate([s.X, (s.stratum[:, None] == present[1:]).astype(float)], axis=1)


def _probabilities(trial: Trial, s: Sample, options: AipwOptions) -> tuple[FloatArray, list[Note]]:
    """(n, arms) known probabilities; shares of the people analysed where no design is given."""
    if options.probabilities == "design" and trial.design is None:
        raise UsageError("probabilities='design' needs the design that made the assignment: give it as Trial(design=...).")
    if trial.design is not None and options.probabilities != "shares":
        by_label = {str(label): j for j, label in enumerate(trial.design.arms)}
        order = [by_label[str(label)] for label in s.arms]
        found: FloatArray = trial.design.probability_matrix[trial.places][s.rows][:, order]
        if (found[np.arange(s.n), s.arm] <= 0).any():
            raise EstimationError(
                "some people are in an arm to which the design gives them probability zero: check the design and the data."
            )
        return found, []
    if trial.strata and shares_differ(trial):
        assert s.stratum is not None
        out = np.empty((s.n, len(s.arms)))
        for z in np.unique(s.stratum):
            inside = s.stratum == z
            out[inside] = np.bincount(s.arm[inside], minlength=len(s.arms)) / inside.sum()
        return out, [
            Note(
                "shares_by_stratum",
                "shares of the arms differ by stratum: people count by the share of their arm in their stratum.",
            )
        ]
    return np.broadcast_to(np.bincount(s.arm, minlength=len(s.arms)) / s.n, (s.n, len(s.arms))).copy(), []


def _predictions(s: Sample, X: FloatArray, options: AipwOptions, separate: bool) -> FloatArray:
    """(n, arms) predicted outcomes, each person's from models that did not see the person's fold."""
    fold = np.zeros(s.n, dtype=np.int64) if options.n_folds is None else _folds(s, options)
    out = np.empty((s.n, len(s.arms)))
    for k in range(int(fold.max()) + 1):
        held = fold == k
        used = np.ones(s.n, dtype=bool) if options.n_folds is None else ~held
        if not separate:
            out[held] = _common(s, X)
            continue
        for a in range(len(s.arms)):
            rows = used & (s.arm == a)
            if options.working_model == "linear":
                out[held, a] = _linear(s, X, rows, X[held], a)
            else:
                assert callable(options.working_model)
                out[held, a] = _own(options.working_model, X[rows], s.y[rows], X[held])
    return out


def _linear(s: Sample, X: FloatArray, rows: Any, new: FloatArray, arm: int) -> FloatArray:
    design = np.column_stack([np.ones(int(rows.sum())), X[rows]])
    fit = least_squares(y=s.y[rows], X=design)
    if fit.df_resid < 1:
        raise EstimationError(
            f"arm {s.arms[arm]!r} has {int(rows.sum())} people for a working model of {len(fit.kept)} terms: leave covariates or strata out."
        )
    coef = np.nan_to_num(fit.coef)
    return np.asarray(coef[0] + new @ coef[1:])


def _common(s: Sample, X: FloatArray) -> FloatArray:
    arms = s.arm_indicators
    coef = np.nan_to_num(least_squares(y=s.y, X=np.column_stack([np.ones(s.n), arms, X])).coef)
    k = arms.shape[1]
    shared = coef[0] + X @ coef[k + 1 :]
    return np.asarray(shared[:, None] + np.concatenate([[0.0], coef[1 : k + 1]]))


def _own(learner: Learner, X: FloatArray, y: FloatArray, new: FloatArray) -> FloatArray:
    found = np.asarray(learner(X, y, new), dtype=float).reshape(-1)
    if found.shape != (len(new),) or not np.isfinite(found).all():
        raise UsageError(
            f"the working model gave {found.shape[0]} predictions, or missing ones, for {len(new)} people: one number a person is needed."
        )
    return found


def _folds(s: Sample, options: AipwOptions) -> IntArray:
    """Fold of each person: units are shuffled and dealt out by arm and stratum, so that every fold has its part of each."""
    assert options.n_folds is not None and options.seed is not None
    _, first, unit = np.unique(s.unit_of_variance, return_index=True, return_inverse=True)
    arm = s.arm[first]
    least = int(np.bincount(arm, minlength=len(s.arms)).min())
    if least < options.n_folds:
        raise UsageError(
            f"n_folds={options.n_folds} is more than the {least} {_unit_word(s)} of an arm: say n_folds={max(least, 2)} or less."
        )
    stratum = np.zeros(len(first), dtype=np.int64) if s.stratum is None else s.stratum[first]
    order = np.lexsort((Stream(checked_seed(options.seed), 0).keys(len(first)), stratum, arm))
    fold = np.empty(len(first), dtype=np.int64)
    for a in range(len(s.arms)):
        mine = order[arm[order] == a]
        fold[mine] = np.arange(len(mine)) % options.n_folds
    return fold[unit.reshape(-1)]


def _independent(trial: Trial, s: Sample, f: _Fitted) -> list[tuple[float, float]]:
    if f.one_share:
        balanced = trial.strata and getattr(trial.design, "scheme", "") != "simple"
        matrix = ye_covariance(y=s.y, arm=s.arm, predictions=f.predictions, stratum=s.stratum if balanced else None)
    else:
        values = influence_values(y=s.y, arm=s.arm, predictions=f.predictions, probabilities=f.probabilities)
        matrix = values.T @ values * (s.n / (s.n - 1))
    return [(math.sqrt(max(float(v @ matrix @ v), 0.0)), math.inf) for v in f.vectors]


def _clustered(
    trial: Trial, s: Sample, request: Request, f: _Fitted, by_lin: bool
) -> tuple[list[tuple[float, float]], str, list[Note]]:
    """Standard error and df of each contrast, the words for the covariance, and notes."""
    if by_lin:
        columns, names = lin.interacted_columns(trial, s, request)
        model = fit_linear(s, columns, names, kind="CR2", df="auto")
        found = [_lin_spread(model, f.predictions @ v, v) for v in f.vectors]
        rounding = 1e-14 * float(np.abs(s.y).max())  # of an outcome far from its origin
        # where probabilities differ within the cells of the model the two are different estimates
        if all(abs(e - float(v @ f.means)) <= 1e-8 * float(s.y.std()) + rounding for (e, _, _), v in zip(found, f.vectors)):
            return [(se, df) for _, se, df in found], describe(model), list(model.notes)
    arms = s.arm_indicators
    checked = fit_linear(s, np.column_stack([np.ones(s.n), arms]), ["constant", *map(str, s.arms[1:])], kind="CR2", df=request.df)
    group = s.group if s.cluster is None and (s.group != ALONE).any() and request.df != "independence" else None
    values = influence_values(y=s.y, arm=s.arm, predictions=f.predictions, probabilities=f.probabilities)
    variances = [influence_variance(values=values @ v, arm=s.arm, unit=s.unit_of_variance, group=group) for v in f.vectors]
    notes = [n for n in checked.notes if n.code == "few_groups"]
    if not all(v.converged for v in variances):
        text = "the group variance could not be fitted; the degrees of freedom are the number of groups minus one."
        notes.append(Note("working_df_failed", text))
    return [(math.sqrt(v.variance), v.df) for v in variances], f"{describe(checked)}, influence values", notes


def _lin_spread(model: LinearModel, difference: FloatArray, vector: FloatArray) -> tuple[float, float, float]:
    """The interacted regression takes the covariates' means as given; that they vary adds (difference_i - mean)/n to each unit's score."""
    c = np.zeros(model.design.shape[1])
    c[1 : len(vector)] = vector[1:]
    estimate, se, df = model.contrast(c)
    scores = model.influence(c)
    clusters = model.sample.clusters
    means = clusters.sum(((difference - difference.mean()) / len(difference))[clusters.order, None])[:, 0]
    return estimate, math.sqrt(se**2 + float(((scores + means) ** 2 - scores**2).sum())), df
