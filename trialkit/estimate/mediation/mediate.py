"""How much of the effect of the arm goes through an intermediate step: natural direct and indirect effects.

Source: Imai, Keele & Tingley (2010), Psychological Methods 15(4); VanderWeele (2015), Explanation in Causal Inference, chapters 2 and 5.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from trialkit.design.stream import Seed, checked_seed
from trialkit.errors import ArmError, CombinationError, UsageError, repeated, shown
from trialkit.estimate.covariates import CovariateMissing
from trialkit.estimate.fit_notes import collinear
from trialkit.estimate.linear.ancova import describe
from trialkit.estimate.mediation import checks
from trialkit.estimate.mediation.evidence import MediationEvidence, arms_text
from trialkit.estimate.mediation.fits import Models, choose, fitted, model_words
from trialkit.estimate.mediation.inference import Inference, Inferred, Interval, chosen, infer
from trialkit.estimate.mediation.models import Regression, joined
from trialkit.estimate.mediation.ordered_model import coded
from trialkit.estimate.mediation.path_table import group_slopes, interaction_test, path_rows
from trialkit.estimate.mediation.result import MediationResult
from trialkit.estimate.outcome import Time
from trialkit.estimate.parts import kept_rows
from trialkit.estimate.request import checked_level
from trialkit.estimate.sample import Sample, sample
from trialkit.estimate.strata import centred_indicators, shares_differ, strata_names
from trialkit.inference.arrays import FloatArray
from trialkit.inference.linear.covariance import KINDS
from trialkit.inference.linear.least_squares import independent_columns
from trialkit.inference.mediation.effects import EFFECTS
from trialkit.misuse import explained
from trialkit.results import Estimate, Note
from trialkit.trial import Trial

MediatorModel: TypeAlias = Literal["auto", "linear", "logit", "poisson", "ordered"]
OutcomeModel: TypeAlias = Literal["auto", "linear", "logit", "poisson", "ordered", "piecewise_exponential"]


@explained
def mediate(
    trial: Trial,
    outcome: str | Time,
    *,
    mediator: str,
    adjust: Sequence[str] = (),
    mediator_baseline: str | None = None,
    outcome_baseline: str | None = None,
    interaction: bool = True,
    measure: str | None = None,
    mediator_model: MediatorModel = "auto",
    outcome_model: OutcomeModel = "auto",
    tau: float | None = None,
    arm: Hashable | None = None,
    inference: Inference = "auto",
    interval: Interval = "percentile",
    n_draws: int = 5000,
    seed: Seed | None = None,
    covariance: str = "auto",
    mediator_wave: float | None = None,
    outcome_wave: float | None = None,
    covariate_missing: CovariateMissing = "impute",
    conf_level: float = 0.95,
) -> MediationResult:
    """Natural indirect (ACME) and direct (ADE) effects of the arm on an outcome.

    The ACME is how the outcome would change if the mediator moved as the arm moves it while everything else the arm does stayed put; the ADE is the
    rest. Only the arm was randomized, so both rest on assumptions that no data can show: given the covariates nothing else moves both mediator and
    outcome, nor does anything the arm itself brings about. Read them with `.sensitivity()`.

    Parameters
    ----------
    trial : the data and their roles. outcome : column. mediator : column measured after the arm and before the outcome, of people.
    adjust : baseline columns in both models. mediator_baseline, outcome_baseline : the same things before the arm, added to `adjust`; without them
        differences between people that were there before count as effects through the mediator (Landau, Emsley & Dunn 2018).
    interaction : let the mediator's slope differ by arm (default), because forcing one slope biases both effects where it does; `.interaction` tests it.
    measure : scale of the effects: 'mean_difference'; of 0 and 1 'risk_difference', 'risk_ratio' and 'odds_ratio' (of the population, not conditional); of counts
        'mean_ratio' and 'rate_ratio'; of a `Time` 'rmst_difference' and 'rmst_ratio'. By default the difference that fits the outcome. Ratios are estimated as logs.
    mediator_model : 'linear', 'logit', 'poisson' or 'ordered'; 'auto' is logistic for 0 and 1, 'ordered' for ordered categoricals, else linear. Whole numbers are not taken for counts unsaid.
    outcome_model : follows from the measure; for a mean difference 'linear' (auto), 'poisson' or 'ordered' (proportional odds, scores averaged).
    tau : of a `Time`, up to which its mean is taken.
    arm : the arm compared with control, needed when there are several.
    inference : 'group_bootstrap' resamples whole groups (people alone; within strata) for both models together; 'monte_carlo' draws the coefficients of
        both models with their joint CR2 covariance and Satterthwaite df; 'delta' takes first-order standard errors. 'auto' chooses by the number of
        independent units of the smaller arm: 'monte_carlo' below 40, since a bootstrap of few groups is too narrow.
    interval : of the bootstrap: 'percentile' or 'bca'.
    n_draws, seed : of the draws; there is no default seed.
    covariance : of the coefficients: 'auto' is CR2 with groups or clusters and HC2 without; 'classical' gives Sobel's standard error with 'delta'.
    mediator_wave, outcome_wave : numbers of the waves, to check their order.
    covariate_missing : as in `itt`. conf_level : of the intervals.

    Returns
    -------
    MediationResult
        Rows acme_control, acme_treated, acme, ade_control, ade_treated, ade, total and proportion (acme/total). `_control` and `_treated` say in which arm
        the rest is held; without interaction they are equal.

    Raises
    ------
    UsageError, ColumnNotFoundError, ValueTypeError, MissingDataError, GroupError, NotIdentifiedError, EstimationError
        A mediator that is the outcome, is measured after it, has another role, is text or holds codes for missing; is missing in an arm, belongs to groups,
        is constant or told by the arm. Each says where, and the remedy.

    Notes
    -----
    Estimates are those of the fitted models, whatever the inference. Strata of the randomization enter both models as indicators. p = 2 (k + 1)/(B + 1), k the draws on the rarer side of zero. The proportion has an interval that
    may be endless in meaning where the total is near zero: reports leave it out when the total's interval covers zero.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 100, "y0": rng.normal(size=200)})
    >>> d["m1"] = 0.5 * (d["arm"] == "peer") + 0.3 * d["y0"] + rng.normal(size=200)
    >>> d["y1"] = 0.6 * d["m1"] + 0.3 * d["y0"] + rng.normal(size=200)
    >>> found = tk.mediate(tk.Trial(d, arm="arm", control="solo"), "y1", mediator="m1", adjust=["y0"], n_draws=200, seed=1)
    >>> found.tidy()["estimand"].tolist()[:3]
    ['acme_control', 'acme_treated', 'acme']
    """
    asked = _adjusted(adjust, mediator_baseline, outcome_baseline)
    if not isinstance(trial, Trial):
        raise UsageError(
            "mediate takes a Trial first: tk.mediate(tk.Trial(data, arm=..., control=...), 'outcome', mediator='...')."
        )
    checked_level(conf_level)
    if isinstance(n_draws, bool) or int(n_draws) != n_draws or n_draws < 20:
        raise UsageError(f"n_draws={n_draws!r} must be a whole number of at least 20; 5000 keeps the limits steady.")
    if covariance != "auto" and covariance not in KINDS:
        raise CombinationError(f"covariance={covariance!r} is unknown: it is 'auto', {shown(KINDS, 9)}.")
    checks.check_roles(trial, outcome, mediator, asked)
    notes = checks.check_waves(mediator_wave, outcome_wave)
    used = None if seed is None else checked_seed(seed)
    trial, ordered, told_order = coded(trial, (mediator,) if isinstance(outcome, Time) else (mediator, outcome))
    notes += told_order
    for name in (mediator, str(outcome)):
        notes += checks.check_codes(trial, name)
    s, m, told = _sample(trial, outcome, mediator, asked, arm, covariate_missing)
    X, terms, more = _covariates(trial, s)
    notes += [*told, *more, *checks.baseline_notes(str(outcome), mediator, asked, (mediator_baseline, outcome_baseline))]
    models = choose(trial, outcome, mediator, measure, mediator_model, outcome_model, ordered)
    _, codes = np.unique(s.unit_of_variance, return_inverse=True)
    unit = codes.reshape(-1).astype(np.int64)
    problem = fitted(
        models,
        s,
        m,
        X,
        terms,
        unit,
        mediator=mediator,
        interaction=interaction,
        covariance=covariance,
        trial=trial,
        outcome=outcome,
        tau=tau,
    )
    of_mediator, of_outcome = problem.regressions
    estimate = problem.effects(problem.parameters().estimate[None, :])[0]
    method, why = chosen(inference, s, batched="ordered" not in (models.mediator, models.outcome))
    found = infer(
        problem, s, estimate, method=method, interval=interval, n_draws=int(n_draws), seed=used, conf_level=float(conf_level)
    )
    evidence = MediationEvidence(
        trial, s, outcome, mediator, models.measure, interaction, asked, used, s.y, m, s.arm.astype(float), X, terms, unit,
        s.weights, of_mediator, of_outcome, _joint(of_mediator, of_outcome), found.draws,
    )  # fmt: skip
    notes += [*of_mediator.model.notes, *of_outcome.model.notes, *found.notes, *([why] if why else [])]
    return _result(evidence, models, estimate, found, method, interval, n_draws, conf_level, covariance, [*s.notes, *notes])


def _adjusted(adjust: Sequence[str], *baselines: str | None) -> tuple[str, ...]:
    if isinstance(adjust, str):
        raise UsageError(f"adjust takes a list of columns: write adjust=['{adjust}'].")
    if len(set(adjust)) < len(adjust):
        raise UsageError(f"adjust names {shown(repeated(adjust))} twice: once is enough.")
    return tuple(dict.fromkeys((*adjust, *(b for b in baselines if b is not None))))


def _sample(
    trial: Trial,
    outcome: str | Time,
    mediator: str,
    adjust: tuple[str, ...],
    arm: Hashable | None,
    covariate_missing: CovariateMissing,
) -> tuple[Sample, FloatArray, list[Note]]:
    """The people of two arms with outcome and mediator, their mediator, and notes."""
    base = sample(trial, str(outcome), tuple(a for a in adjust if a not in trial.strata), covariate_missing)
    base, notes = _two_arms(base, arm)
    values = trial.values(mediator)
    notes += checks.check_mediator(trial, base, mediator, values)
    m = values[base.rows]
    s = kept_rows(base, np.isfinite(m))
    m = values[s.rows]
    checks.check_variation(s, mediator, m)
    return s, m, notes


def _two_arms(s: Sample, arm: Hashable | None) -> tuple[Sample, list[Note]]:
    if arm is None and len(s.arms) > 2:
        raise ArmError(
            f"the trial has {len(s.arms)} arms: say which one is compared with {s.arms[0]!r}, as in arm={s.arms[1]!r}."
        )
    wanted = s.arms[1] if arm is None else arm
    if wanted not in s.arms[1:]:
        raise ArmError(f"arm={wanted!r} is not an arm that is compared with {s.arms[0]!r}: these are {shown(s.arms[1:])}.")
    if len(s.arms) == 2:
        return s, []
    code = s.arms.index(wanted)
    part = kept_rows(s, np.isin(s.arm, (0, code)))
    others = [a for a in s.arms[1:] if a != wanted]
    return replace(part, arm=(part.arm == code).astype(np.int64), arms=(s.arms[0], wanted)), [
        Note("arms_left_out", f"{wanted!r} is compared with {s.arms[0]!r}; people of {shown(others)} are left out.")
    ]


def _covariates(trial: Trial, s: Sample) -> tuple[FloatArray, tuple[str, ...], list[Note]]:
    """Covariates and stratum indicators, without those that are combinations of others or of the arm."""
    notes: list[Note] = []
    X, terms = s.X, list(s.terms)
    if s.stratum is not None:
        indicators, names = centred_indicators(s, strata_names(trial))
        X, terms = np.column_stack([indicators, X]), [*(f"stratum {n}" for n in names), *terms]
        if shares_differ(trial):
            notes.append(
                Note(
                    "overlap_weighted",
                    "shares of the arms differ by stratum and stratum effects are additive: strata count by size times p(1-p).",
                )
            )
    full = np.column_stack([np.ones(s.n), s.arm, X])
    norm = np.linalg.norm(full, axis=0)
    kept = independent_columns(full / np.where(norm > 0, norm, 1.0))
    left = [terms[j - 2] for j in range(2, full.shape[1]) if j not in kept]
    if left:
        notes.append(collinear(left))
    used = [j - 2 for j in kept if j >= 2]
    return X[:, used], tuple(terms[j] for j in used), notes


def _joint(mediator: Regression, outcome: Regression) -> FloatArray:
    return joined(mediator.contrasts(np.eye(len(mediator.coef))), outcome.contrasts(np.eye(len(outcome.coef)))).cov


def _result(
    e: MediationEvidence, models: Models, estimate: FloatArray, found: Inferred, method: str, interval: str, n_draws: int, conf_level: float, covariance: str,
    notes: list[Note],
) -> MediationResult:  # fmt: skip
    s = e.sample
    ratio = models.scale != "difference"
    rows = []
    for j, name in enumerate(EFFECTS):
        se = float(found.std_error[j])
        shown_as = float if not ratio or name == "proportion" else _ratio
        rows.append(
            Estimate(
                outcome=str(e.outcome), estimand=name, contrast=arms_text(s.arms), estimate=shown_as(float(estimate[j])), std_error=se, df=float(found.df[j]),
                statistic=float(estimate[j]) / se if se > 0 else float("nan"), p_value=float(found.p_value[j]), conf_low=shown_as(float(found.conf_low[j])),
                conf_high=shown_as(float(found.conf_high[j])), conf_level=conf_level, n=s.n, n_clusters=s.n_clusters, n_groups=s.groups_in(s.arm >= 0),
                method=found.method, covariance="resampling" if method == "group_bootstrap" else describe(e.outcome_model.model),
            )
        )  # fmt: skip
    slopes, told = group_slopes(e)
    test = interaction_test(e)
    details = {
        "mediator": e.mediator, "measure": e.measure, "ratio": ratio, "adjust": list(e.adjust), "interaction": test,
        "mediator_model": e.mediator_model.kind, "outcome_model": e.outcome_model.kind, "inference": method,
        "interval": interval if method == "group_bootstrap" else None, "n_draws": None if method == "delta" else n_draws, "seed": e.seed,
        "arms": [{"arm": a, "n_randomized": int((e.trial.arm_codes == e.trial.arms.index(a)).sum()), "n": int((s.arm == c).sum())} for c, a in enumerate(s.arms)],
        "paths": path_rows(e, covariance), "group_slopes": slopes,
        "r_squared": {"mediator": e.mediator_model.r_squared, "outcome": e.outcome_model.r_squared},
    }  # fmt: skip
    notes += [*told, *_standing_notes(e, rows, models)]
    return MediationResult(tuple(rows), tuple(dict.fromkeys(notes)), details, e)


def _ratio(log: float) -> float:
    return math.exp(log) if not log > 700 else math.inf


def _standing_notes(e: MediationEvidence, rows: list[Estimate], models: Models) -> list[Note]:
    """What a reader must know of any mediation analysis, and of this one's models."""
    notes = [
        Note(
            "sequential_ignorability",
            f"only the arm was randomized: that nothing else moves both '{e.mediator}' and the outcome, given the covariates, is assumed. "
            ".sensitivity() says how strong such a cause would have to be.",
        )
    ]
    if not models.linear:
        notes.append(Note("models", f"{model_words(models)}; effects are averages over the covariates of the people analysed."))
    null = 0.0 if models.scale == "difference" else 1.0
    total = rows[EFFECTS.index("total")]
    logs = "" if models.scale == "difference" else " on the log scale"
    if total.conf_low > null or total.conf_high < null:
        text = f"the proportion is acme / total{logs}; it lies below 0 or above 1 where direct and indirect effects oppose each other."
        return [*notes, Note("proportion", text)]
    text = f"the proportion is acme / total{logs}: the interval of the total covers no effect, so it can be any number, and reports leave it out."
    return [*notes, Note("proportion_unstable", text)]
