"""The intention-to-treat effect: one function, every estimator of the registry behind it."""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

from trialkit.errors import UsageError
from trialkit.estimate.covariates import CovariateMissing
from trialkit.estimate.itt_result import IttResult, itt_result
from trialkit.estimate.margins.equivalence import Equivalence, against_margins, margins
from trialkit.estimate.outcome import Time, check_outcome
from trialkit.estimate.outcomes.money import Cap, Margin, Money, Transform
from trialkit.estimate.outcomes.prepare import prepare
from trialkit.estimate.registry import check_contrasts, check_options, default_estimator, find
from trialkit.estimate.request import Average, Better, Contrasts, Request, StrataEffects
from trialkit.estimate.several.joint import dunnett_corrected
from trialkit.misuse import explained
from trialkit.trial import Trial


@explained
def itt(
    trial: Trial,
    outcome: str | Time,
    *,
    adjust: Sequence[str] = (),
    estimator: str | None = None,
    measure: str = "mean_difference",
    covariance: str = "auto",
    df: str = "auto",
    strata_effects: StrataEffects | Literal[False] = "auto",
    average: Average = "participant",
    contrasts: Contrasts | Sequence[Mapping[Hashable, float]] = "control",
    covariate_missing: CovariateMissing = "impute",
    correction: Literal["dunnett"] | None = None,
    equivalence: Equivalence | None = None,
    noninferiority: float | None = None,
    better: Better | None = None,
    cap: Cap | None = None,
    margin: Margin | None = None,
    transform: Transform | None = None,
    conf_level: float = 0.95,
    **options: Any,
) -> IttResult:
    """Effect of assignment on an outcome, for everyone who was randomized and has the outcome.

    Parameters
    ----------
    trial : the data and their roles.
    outcome : numeric column, or a `Time` with its event.
    adjust : baseline columns. Numbers enter as they are, categories as indicators; missing values never drop a person
        (`covariate_missing`: 'impute' the mean with an indicator, 'drop' or 'error').
    estimator : by default the measure's own ('ancova' for a mean difference); `combinations()` lists what goes with what.
    measure : 'mean_difference'; of an outcome of 0 and 1 'risk_difference', 'risk_ratio' and 'odds_ratio' (by default g-computation from a
        logistic working model: effects on the whole population, with covariates or without); of counts 'rate_ratio' and 'mean_ratio';
        of ordered categories 'win_odds' and 'proportional_odds'; 'quantile' with q=. Of a `Time` 'hazard_ratio', 'rmst_difference', 'rmst_ratio',
        'cumulative_incidence_difference' and 'rmtl_difference' (restricted means and shares up to tau=).
    covariance : 'auto' is HC2, or CR2 with clusters or groups, because those are unbiased under the working model and sized
        well with few clusters. Others: classical, HC0-HC3, CR0-CR3.
    df : 'auto': the residual df with HC, Satterthwaite's with CR2 and CR3. With groups in one arm the moments are taken
        under the fitted grouped covariance ('working'), because single controls inflate the 'independence' df.
    strata_effects : 'auto' adds the strata, interacted where the arms' shares differ by stratum; 'additive',
        'interacted', 'none' (or False). A logistic or Poisson working model leaves them out unless 'additive'; its variance counts them.
    average : 'participant' (each person counts the same) or 'group'.
    contrasts : each arm against 'control', 'all' pairs, or weights by arm that sum to zero, as in [{'peer': 1, 'coach': -1}]
        ('ancova', 'lin', 'aipw', 'g_computation', 'logit', 'poisson' and 'mixed').
    correction : 'dunnett' adds `p_adjusted` for several arms against control, by the joint t of their contrasts.
    equivalence : margins set beforehand: a distance to both sides, (lower, upper), or for a ratio two ratios as in (0.8, 1.25).
        `.equivalence` has the two one-sided tests at alpha = 1 - conf_level and the 1 - 2 alpha interval.
    noninferiority : a distance, put on the worse side by `better`; or the bound with its sign (-0.2), for a ratio the bound
        itself (0.8). `.noninferiority` has the one-sided test. For one-sided 2.5 % say conf_level=0.975.
    better : which direction of the outcome is better, 'higher' or 'lower'; signs margins and orders win odds and categories.
    cap : money: winsorize at a pooled percentile set beforehand, as .99 or (.01, .99); `.cap` is the amount.
    margin : money with zeros: 'any' compares the shares above zero; 'positive' the amounts of those above zero, with Lee's bounds.
    transform : 'asinh' or 'log1p' of money; depends on the unit (`trialkit.estimate.outcomes.money`).
    conf_level : of the intervals.
    options : of one estimator only; `response_weights`, baseline columns, weights respondents by 1/probability of responding (`trialkit.estimate.response`);
        'aipw' takes n_folds, seed, working_model and probabilities (see `trialkit.estimate.linear.aipw`),
        'g_computation' working_model and penalty, 'logit' penalty, 'poisson' exposure or offset, 'exact' interval,
        'mixed' residual_by_arm, random_by_arm and random (`trialkit.estimate.mixed.options`),
        'quantile' q, interval, n_draws and seed (`trialkit.estimate.outcomes.quantile`), 'cox' ties ('efron' or 'breslow'), 'rmst' and 'aalen_johansen' tau.

    Returns
    -------
    IttResult
        `.tidy()`, `.by_arm`, `.standardized("hedges_g")`, `.notes`.

    Raises
    ------
    CombinationError, ColumnNotFoundError, MissingDataError, GroupError, NotIdentifiedError, EstimationError
        Each says which column, arm or group, and the remedy.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 50, "y0": rng.normal(size=100)})
    >>> d["y1"] = d["y0"] / 2 + 0.4 * (d["arm"] == "peer") + rng.normal(size=100)
    >>> tk.itt(tk.Trial(d, arm="arm", control="solo"), "y1", adjust=["y0"]).tidy()["contrast"].tolist()
    ['peer - solo']
    """
    if isinstance(adjust, str):
        raise UsageError(f"adjust takes a list of columns: write adjust=['{adjust}'].")
    if not isinstance(trial, Trial):
        raise UsageError("itt takes a Trial first: tk.itt(tk.Trial(data, arm=..., control=...), 'outcome').")
    if correction not in (None, "dunnett"):
        raise UsageError(
            f"correction={correction!r} is unknown here: it is 'dunnett'. For several outcomes use tk.family([...], correction=...)."
        )
    if estimator is None:
        estimator = "response_weighting" if "response_weights" in options else default_estimator(measure)
    request = Request(
        outcome=str(outcome), adjust=tuple(adjust), estimator=estimator, measure=measure, covariance=covariance, df=df,
        strata_effects="none" if strata_effects is False else strata_effects, average=average,
        contrasts=contrasts if isinstance(contrasts, str) else tuple(contrasts), covariate_missing=covariate_missing,
        conf_level=float(conf_level), options=options, time=outcome if isinstance(outcome, Time) else None, better=better,
    )  # fmt: skip
    found = find(estimator, measure, covariance, df)
    asked = margins(
        measure=measure, equivalence=equivalence, noninferiority=noninferiority, better=better, conf_level=request.conf_level
    )
    check_options(found, options, inspect.signature(itt).parameters)
    check_contrasts(found, request.contrasts)
    prepared = prepare(trial, outcome, measure, Money(cap, margin, transform))
    check_outcome(prepared.trial, outcome, measure)
    analysis = prepared.finish(request, found.run(prepared.trial, request), lambda other: found.run(other, request))
    result = itt_result(analysis, request, trial)
    return against_margins(result if correction is None else dunnett_corrected(result), asked)
