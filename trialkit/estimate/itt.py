"""The intention-to-treat effect: one function, every estimator of the registry behind it."""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

from trialkit.errors import CombinationError, UsageError, nearest, shown
from trialkit.estimate.covariates import CovariateMissing
from trialkit.estimate.itt_result import IttResult, itt_result
from trialkit.estimate.outcome import Time, check_outcome
from trialkit.estimate.registry import ESTIMATORS, default_estimator, find
from trialkit.estimate.request import Average, Contrasts, Request, StrataEffects
from trialkit.estimate.several.joint import dunnett_corrected
from trialkit.trial import Trial


def itt(
    trial: Trial,
    outcome: str | Time,
    *,
    adjust: Sequence[str] = (),
    estimator: str | None = None,
    measure: str = "mean_difference",
    covariance: str = "auto",
    df: str = "auto",
    strata_effects: StrataEffects = "auto",
    average: Average = "participant",
    contrasts: Contrasts | Sequence[Mapping[Hashable, float]] = "control",
    covariate_missing: CovariateMissing = "impute",
    correction: Literal["dunnett"] | None = None,
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
    measure : 'mean_difference', or 'risk_difference' for an outcome of 0 and 1 (the linear probability difference).
    covariance : 'auto' is HC2, or CR2 with clusters or groups, because those are unbiased under the working model and sized
        well with few clusters. Others: classical, HC0-HC3, CR0-CR3.
    df : 'auto': the residual df with HC, Satterthwaite's with CR2 and CR3. With groups in one arm the moments are taken
        under the fitted grouped covariance ('working'), because single controls inflate the 'independence' df.
    strata_effects : 'auto' adds the strata, interacted where the arms' shares differ by stratum; 'additive',
        'interacted', 'none'.
    average : 'participant' (each person counts the same) or 'group'.
    contrasts : each arm against 'control', 'all' pairs, or weights by arm that sum to zero, as in [{'peer': 1, 'coach': -1}]
        ('ancova' and 'lin').
    correction : 'dunnett' adds `p_adjusted` for several arms against control, by the joint t of their contrasts.
    conf_level : of the intervals.
    options : of one estimator only; 'aipw' takes n_folds, seed, working_model and probabilities (see `trialkit.estimate.linear.aipw`).

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
    name = estimator if estimator is not None else default_estimator(measure)
    request = Request(
        str(outcome),
        tuple(adjust),
        name,
        measure,
        covariance,
        df,
        strata_effects,
        average,
        contrasts if isinstance(contrasts, str) else tuple(contrasts),
        covariate_missing,
        float(conf_level),
        options,
        outcome if isinstance(outcome, Time) else None,
    )
    found = find(name, measure, covariance, df)
    unknown = [o for o in options if o not in found.options]
    if unknown:
        near = nearest(unknown[0], (*found.options, *inspect.signature(itt).parameters))
        raise UsageError(f"estimator='{name}' has no option {shown(unknown)}.{f' Did you mean {near!r}?' if near else ''}")
    if not isinstance(request.contrasts, str) and not found.own_contrasts:
        able = [e.name for e in ESTIMATORS.values() if e.own_contrasts]
        raise CombinationError(f"contrasts of your own go with estimator={shown(able)}, not with '{name}'.")
    check_outcome(trial, outcome, measure)
    if correction not in (None, "dunnett"):
        raise UsageError(
            f"correction={correction!r} is unknown here: it is 'dunnett'. For several outcomes use tk.family([...], correction=...)."
        )
    analysis = found.run(trial, request)
    result = itt_result(analysis, request, trial)
    return result if correction is None else dunnett_corrected(result)
