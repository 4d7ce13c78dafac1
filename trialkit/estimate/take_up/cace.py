"""The effect on those who take the programme up because they were assigned to it: two-stage least squares.

Assignment is the instrument, uptake the endogenous variable; covariates and strata enter both stages as in the ANCOVA. With one instrument
the estimate is the ITT effect on the outcome over the ITT effect on uptake, both from the same regression: with interacted strata
the average over all compliers, whatever the shares of the arms; with additive strata the same where the shares are equal.

Degrees of freedom are those of `itt` (n - K with HC; Satterthwaite's with CR2, under the fitted grouped covariance of
y - effect x uptake with groups in one arm), on the second stage's columns, [fitted uptake, covariates]. t, never z.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from trialkit.errors import CombinationError, EstimationError, MissingDataError, NotIdentifiedError, UsageError, shown
from trialkit.estimate.covariates import CovariateMissing
from trialkit.estimate.linear import ancova
from trialkit.estimate.linear.linear_model import LinearModel, fit_linear
from trialkit.estimate.linear.working import working_covariance
from trialkit.estimate.margins.equivalence import Equivalence, against_margins, margins
from trialkit.estimate.parts import two_arms
from trialkit.estimate.registry import ROBUST
from trialkit.estimate.request import Better, Contrasts, Request, StrataEffects, arm_pairs
from trialkit.estimate.sample import Sample, sample
from trialkit.estimate.strata import centred_indicators, check_cells, strata_names
from trialkit.estimate.take_up.borrowed import with_borrowed
from trialkit.estimate.take_up.cace_result import (
    CaceResult,
    ComplierAnalysis,
    assumption_notes,
    cace_details,
    cace_row,
    contrast_notes,
)
from trialkit.inference.arrays import FloatArray
from trialkit.inference.linear.covariance import covariance as robust_covariance
from trialkit.inference.linear.wald import hotelling_df
from trialkit.inference.take_up.instruments import (
    TwoStage,
    anderson_rubin,
    effective_f,
    reduced_form,
    two_stage,
)
from trialkit.misuse import explained
from trialkit.printed import counted_people
from trialkit.results import Note
from trialkit.trial import Trial, rows_text

Instruments = Literal["arms", "arm_by_strata"]


@explained
def cace(
    trial: Trial,
    outcome: str,
    *,
    uptake: str,
    adjust: Sequence[str] = (),
    instruments: Instruments | Sequence[str] | None = None,
    covariance: str = "auto",
    df: str = "auto",
    strata_effects: StrataEffects = "auto",
    covariate_missing: CovariateMissing = "impute",
    contrasts: Contrasts = "control",
    equivalence: Equivalence | None = None,
    noninferiority: float | None = None,
    better: Better | None = None,
    conf_level: float = 0.95,
) -> CaceResult:
    """Complier average causal effect: the effect of taking part on people who take part when assigned and not otherwise.

    Rests on random assignment and on two assumptions that no test shows: assignment acts on the outcome through uptake alone (exclusion), and
    nobody does the opposite of what was assigned (monotonicity). Uptake outside the assigned arm (two-sided non-compliance) is allowed.

    Parameters
    ----------
    trial, outcome, adjust, strata_effects, covariate_missing, contrasts, equivalence, noninferiority, better, conf_level : as in `itt`.
    uptake : column with what was received, 0 or 1; other numbers (sessions) give a weighted average effect of one unit more, not
        a dose-response. It must be known for everyone with the outcome.
    instruments : None: the arm, each contrast by itself. 'arms': all treated arms as instruments of one effect. 'arm_by_strata': the
        arm and its product with each stratum. Or names of further columns that were randomized.
    covariance : 'auto' is HC2, or CR2 with clusters or groups; others as in `itt`. Leverages are those of the second stage.
    df : as in `itt`.

    Returns
    -------
    CaceResult
        `.tidy()`, `.effective_f`, `.anderson_rubin` (valid with a weak first stage), `.tf`, `.compliance`, `.first_stage`.

    Raises
    ------
    EstimationError
        When assignment does not move uptake: there is no first stage, and no effect.
    MissingDataError, UsageError, CombinationError
        For unknown uptake, or columns with two roles.

    Notes
    -----
    Imbens & Angrist (1994); Angrist, Imbens & Rubin (1996); effective F: Montiel Olea & Pflueger (2013); tF: Lee et al. (2022).

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> from trialkit.estimate.take_up.cace import cace
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 60, "came": [0, 1] * 60})
    >>> d.loc[d.index % 6 == 1, "came"] = 0
    >>> d["y"] = 0.5 * d["came"] + rng.normal(size=120)
    >>> r = cace(tk.Trial(d, arm="arm", control="solo"), "y", uptake="came")
    >>> round(r.compliance.compliers, 3), r.anderson_rubin.kind
    (0.667, 'interval')
    """
    request = _request(trial, outcome, uptake, adjust, covariance, df, strata_effects, covariate_missing, contrasts, conf_level)
    asked = margins(
        measure="mean_difference", equivalence=equivalence, noninferiority=noninferiority, better=better, conf_level=request.conf_level,
    )  # fmt: skip
    base = sample(trial, outcome, request.adjust, covariate_missing)
    received = _uptake(trial, uptake, base)
    notes: list[Note] = []
    if instruments == "arms":
        tasks = [(base, received, " or ".join(str(a) for a in base.arms[1:]) + f" - {base.arms[0]}")]
    else:
        pairs = arm_pairs(len(base.arms), contrasts)
        tasks = []
        for a, b in pairs:
            s = two_arms(base, a, b) if len(base.arms) > 2 else base
            tasks.append((s, received[np.searchsorted(base.rows, s.rows)], f"{base.arms[a]} - {base.arms[b]}"))
    rows, details = [], {}
    for s, d, label in tasks:
        analysis = _analyse(trial, s, d, request, instruments, label, notes)
        rows.append(cace_row(analysis, request, label))
        details[label] = cace_details(analysis, request)
        notes += contrast_notes(analysis, request, label, len(tasks) > 1)
    notes += assumption_notes(received, uptake)
    result = CaceResult(
        tuple(rows), tuple(dict.fromkeys((*base.notes, *notes))),
        {"uptake": uptake, "adjust": list(request.adjust), "contrasts": details},
    )  # fmt: skip
    return against_margins(result, asked)


def _request(
    trial: Any,
    outcome: str,
    uptake: str,
    adjust: Any,
    covariance: str,
    df: str,
    strata: Any,
    missing: Any,
    contrasts: Any,
    level: float,
) -> Request:
    if not isinstance(trial, Trial):
        raise UsageError("cace takes a Trial first: tk.cace(tk.Trial(data, arm=..., control=...), 'outcome', uptake='attended').")
    if isinstance(adjust, str):
        raise UsageError(f"adjust takes a list of columns: write adjust=['{adjust}'].")
    if covariance not in ROBUST:
        raise CombinationError(f"covariance='{covariance}' is unknown: it is one of {', '.join(ROBUST)}.")
    if df not in ("auto", "independence", "working", "residual"):
        raise CombinationError(f"df='{df}' is unknown: it is 'auto', 'independence', 'working' or 'residual'.")
    roles = {
        trial.arm: "the arm",
        trial.group: "the group",
        trial.unit: "the identifier",
        trial.weights: "the weights",
        outcome: "the outcome",
    }
    roles |= dict.fromkeys(adjust, "among adjust") | dict.fromkeys(trial.strata, "a stratum")
    if uptake in roles:
        raise UsageError(f"uptake='{uptake}' is {roles[uptake]}: uptake is the column with what people received.")
    return Request(
        outcome=outcome, adjust=tuple(a for a in adjust if a not in trial.strata), estimator="ancova", measure="mean_difference",
        covariance=covariance, df=df, strata_effects=strata, average="participant", contrasts=contrasts, covariate_missing=missing,
        conf_level=float(level),
    )  # fmt: skip


def _uptake(trial: Trial, uptake: str, s: Sample) -> FloatArray:
    values = trial.values(uptake)
    missing = np.zeros(trial.n, dtype=bool)
    missing[s.rows] = ~np.isfinite(values[s.rows])
    if missing.any():
        raise MissingDataError(
            f"the uptake '{uptake}' is missing for {counted_people(int(missing.sum()))} with '{s.outcome}' ({rows_text(missing)}): whoever is left out must "
            "not depend on it. Write 0 for those who were not offered the programme or did not come."
        )
    received: FloatArray = values[s.rows]
    if np.ptp(received) == 0:
        raise EstimationError(f"there is no first stage: '{uptake}' is {received[0]:g} for everyone, so assignment moved nobody.")
    return received


def _analyse(
    trial: Trial, s: Sample, d: FloatArray, request: Request, instruments: Any, label: str, notes: list[Note]
) -> ComplierAnalysis:
    strata, unequal = ancova.strata_rule(trial, request)
    columns, names = ancova.design_columns(trial, s, strata, notes, unequal)
    Z, W, ordered = _roles(trial, s, columns, names, request, instruments)
    reduced = fit_linear(s, np.concatenate([Z, W], axis=1), ordered, kind=request.covariance, df=request.df)
    notes += reduced.notes
    try:
        fits = two_stage(y=s.y, d=d, W=W, Z=Z, weights=s.weights)
    except ValueError as error:
        raise EstimationError(
            f"{error} for {label}: uptake is the same whatever was assigned (given the covariates and strata), so there is no effect of taking part to estimate. "
            "Check the column of uptake, or report the intention-to-treat effect."
        ) from error
    if Z.shape[1] == 1 and not len(fits.instruments):
        raise NotIdentifiedError(
            "the effect of the arm cannot be told apart from the covariates: in these data they carry the same information. Leave covariates out of adjust."
        )
    form = with_borrowed(reduced_form(fits, reduced.cov), fits, reduced, d)
    model = _second_stage(fits, reduced, W)
    estimate, std_error, df = model.contrast(np.eye(model.design.shape[1])[0])
    several = len(fits.instruments) > 1
    shrink, df_denom = _anderson_rubin_df(fits, reduced, several)
    found = anderson_rubin(form, df_denom=df_denom, conf_level=request.conf_level, shrink=shrink, centre=estimate, unit=std_error)
    overlap = strata == "additive" and unequal
    return ComplierAnalysis(
        s, d, form, ancova.describe(model), estimate, std_error, df, effective_f(fits, form), found,
        _overidentification(fits, model, d, W, Z) if several else None,
        "overlap-weighted complier average" if overlap else "complier average", several,
    )  # fmt: skip


def _roles(
    trial: Trial, s: Sample, columns: FloatArray, names: list[str], request: Request, instruments: Any
) -> tuple[FloatArray, FloatArray, list[str]]:
    """Instruments (n, m), exogenous columns (n, k), and the names of both in this order, from the columns of the ANCOVA."""
    at = list(range(1, len(s.arms)))
    extra: list[FloatArray] = []
    extra_names: list[str] = []
    if instruments == "arm_by_strata":
        if not trial.strata:
            raise UsageError(
                "instruments='arm_by_strata' needs strata: name the columns used in the randomization in Trial(strata=[...])."
            )
        products = [j for j, n in enumerate(names) if " x stratum " in n]
        at += products
        if not products:
            labels = strata_names(trial)
            check_cells(s, labels, "Merge small strata, or leave instruments out.")
            indicators, used = centred_indicators(s, labels)
            extra, extra_names = [indicators * columns[:, [1]]], [f"arm {s.arms[1]} x stratum {u}" for u in used]
    elif isinstance(instruments, str) and instruments != "arms":
        raise UsageError(f"instruments={instruments!r} is unknown: it is None, 'arms', 'arm_by_strata' or a list of columns.")
    elif instruments is not None and instruments != "arms":
        extra_names = list(instruments)
        for n in extra_names:
            if n in (*request.adjust, request.outcome, trial.arm, *trial.strata):
                raise UsageError(
                    f"the instrument '{n}' already has another role: an instrument acts through uptake alone, so it is not adjusted for."
                )
        values = [trial.values(n)[s.rows] for n in extra_names]
        lost = [n for n, v in zip(extra_names, values) if not np.isfinite(v).all()]
        if lost:
            raise MissingDataError(
                f"the instrument {shown(lost)} has missing values: what was randomized is known for everyone, so fill it in from the allocation list."
            )
        extra = [np.column_stack(values)] if values else []
    rest = [j for j in range(columns.shape[1]) if j not in at]
    Z = np.concatenate([columns[:, at], *extra], axis=1)
    return Z, columns[:, rest], [*(names[j] for j in at), *extra_names, *(names[j] for j in rest)]


def _second_stage(fits: TwoStage, reduced: LinearModel, W: FloatArray) -> LinearModel:
    """The structural equation as a linear model, with the covariance and df rule of the reduced form."""
    s, cov = reduced.sample, reduced.cov
    second = robust_covariance(fits.second, cov.kind, s.clusters if cov.clusters is not None else None)
    beta = fits.second.coef[0]
    structural = replace(s, y=s.y - beta * _endogenous(fits))
    working = reduced.working
    if working is not None:
        # the instruments stay among the columns: they take the degrees of freedom that the estimate has used
        working = working_covariance(structural, fits.reduced.X) or working
    design = np.column_stack([_fitted(fits), W])
    names = ("uptake", *(f"column {j}" for j in range(W.shape[1])))
    return replace(reduced, sample=structural, design=design, names=names, fit=fits.second, cov=second, working=working)


def _fitted(fits: TwoStage) -> FloatArray:
    return fits.second.X[:, 0]


def _endogenous(fits: TwoStage) -> FloatArray:
    return fits.second.X[:, 0] + fits.first.residuals


def _anderson_rubin_df(fits: TwoStage, reduced: LinearModel, several: bool) -> tuple[float, float]:
    """The factor and denominator df of the joint test of the instruments in the reduced form, as `itt` tests them."""
    C = np.eye(len(fits.reduced.kept))[fits.instruments]
    if not several:
        vector = np.zeros(reduced.design.shape[1])
        vector[fits.reduced.kept[fits.instruments[0]]] = 1.0
        return 1.0, reduced.contrast(vector)[2]
    if reduced.cov.clusters is None:
        return 1.0, float(reduced.fit.df_resid)
    nu = hotelling_df(reduced.fit, reduced.cov, C, reduced.working)
    m = len(fits.instruments)
    if nu - m + 1 <= 0:
        raise EstimationError(f"{m} instruments are too many for {reduced.cov.clusters.count} clusters: leave instruments out.")
    return (nu - m + 1) / nu, nu - m + 1


def _overidentification(fits: TwoStage, model: LinearModel, d: FloatArray, W: FloatArray, Z: FloatArray) -> dict[str, Any]:
    """Do the instruments agree? Wooldridge's robust score test, Sargan's (classical), Hansen's J by cluster; from linearmodels."""
    from linearmodels.iv import IV2SLS, IVGMM

    s = model.sample
    y = s.y + fits.second.coef[0] * d
    exogenous = W[:, fits.second.kept[fits.second.kept > 0] - 1]
    independent = Z[:, fits.reduced.kept[fits.instruments]]
    if model.cov.clusters is not None:
        test = (
            IVGMM(y, exogenous, d, independent, weights=s.weights, weight_type="clustered", clusters=s.unit_of_variance)
            .fit(iter_limit=2)
            .j_stat
        )
        name = "Hansen J by cluster"
    else:
        fitted = IV2SLS(y, exogenous, d, independent, weights=s.weights).fit(cov_type="robust", debiased=True)
        classical = model.cov.kind == "classical"
        test = fitted.sargan if classical else fitted.wooldridge_overid
        name = "Sargan" if classical else "Wooldridge score"
    return {"statistic": float(test.stat), "df": float(test.df), "p_value": float(test.pval), "test": name}
