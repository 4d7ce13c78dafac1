"""The controlled direct effect by sequential g-estimation, where the arm itself brings about causes of mediator and outcome.

1. Y ~ 1 + t + X + L + M (+ t M), L what comes after the arm and moves both mediator and outcome: the slopes b (and g) of the mediator.
2. Y - b (M - m*) - g t (M - m*), the outcome with the mediator held at m*, on 1 + t + X: the coefficient of t is the controlled direct effect.

L belongs in step 1, where leaving it out confounds the mediator's slope, and not in step 2, where it would take away what the arm does through it. The variance
counts both steps: a unit's contribution is that to step 2 less h times that to the slopes, h the coefficient of t in the regression of (M - m*, t (M - m*)) on 1 + t + X.
Source: Vansteelandt (2009), Epidemiology 20(6); Acharya, Blackwell & Sen (2016), American Political Science Review 110(3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from trialkit.errors import ColumnNotFoundError, MissingDataError, UsageError
from trialkit.estimate.covariates import covariates
from trialkit.estimate.linear.linear_model import fit_linear
from trialkit.estimate.mediation.evidence import MediationEvidence, arms_text
from trialkit.estimate.mediation.linear_parameters import combined_df, linear_evidence
from trialkit.estimate.mediation.models import joined, linear_regression
from trialkit.estimate.mediation.result import MediationResult
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_test
from trialkit.inference.linear.least_squares import independent_columns, least_squares
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Estimate, Note, Result


@dataclass(frozen=True)
class ControlledDirectResult(Result):
    """One row: the effect of the arm on the outcome with the mediator held at a value for everyone."""

    kind = "controlled_direct"

    def _title(self) -> str:
        d = self.details
        return f"Controlled direct effect on '{self.estimates[0].outcome}', '{d['mediator']}' held at {number(float(d['mediator_value']))}"


@explained
def controlled_direct_effect(
    result: MediationResult, *, mediator_value: float, caused_by_arm: Sequence[str] = (), conf_level: float | None = None
) -> ControlledDirectResult:
    """The effect of the arm if the mediator were held at one value for everyone, by sequential g-estimation.

    Unlike natural effects it may be asked when the arm moves other causes of mediator and outcome (group cohesion, say), as long as these were measured.

    Parameters
    ----------
    result : of `mediate` with two linear models; its covariates, interaction, covariance and people are taken over.
    mediator_value : at which the mediator is held. Without the interaction of arm and mediator the effect does not depend on it.
    caused_by_arm : columns measured after the arm and before the mediator that move mediator and outcome.
    conf_level : by default that of the result.

    Returns
    -------
    ControlledDirectResult
        One row 'cde', its standard error that of both steps with the result's covariance (CR2 with groups or clusters) and Satterthwaite df.

    Raises
    ------
    ColumnNotFoundError, UsageError, MissingDataError, CombinationError
        A column that is unknown, has another role or is missing for some people analysed; models that are not linear.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 100})
    >>> d["cohesion"] = 0.5 * (d["arm"] == "peer") + rng.normal(size=200)
    >>> d["m1"] = 0.5 * d["cohesion"] + rng.normal(size=200)
    >>> d["y1"] = 0.6 * d["m1"] + 0.4 * d["cohesion"] + rng.normal(size=200)
    >>> m = tk.mediate(tk.Trial(d, arm="arm", control="solo"), "y1", mediator="m1", inference="delta")
    >>> tk.mediation.controlled_direct_effect(m, mediator_value=0.0, caused_by_arm=["cohesion"]).tidy()["estimand"].tolist()
    ['cde']
    """
    e = linear_evidence(result, "sequential g-estimation")
    if not math.isfinite(mediator_value):
        raise UsageError(f"mediator_value={mediator_value} must be a number, a value that the mediator can have.")
    level = result.level(conf_level)
    kind = e.outcome_model.covariance_kind
    L, names = _after(e, caused_by_arm)
    held = np.column_stack([e.m, e.t * e.m] if e.interaction else [e.m]) - float(mediator_value) * np.column_stack(
        [np.ones(e.sample.n), e.t] if e.interaction else [np.ones(e.sample.n)]
    )
    base = np.column_stack([np.ones(e.sample.n), e.t, e.X])
    labels = ["constant", f"arm {e.sample.arms[1]}", *e.terms]
    first_design = np.column_stack([base, L, held])
    extra = [e.mediator, f"arm x {e.mediator}"][: held.shape[1]]
    first = linear_regression(fit_linear(e.sample, first_design, [*labels, *names, *extra], kind=kind, df="auto"), str(e.outcome))
    width = held.shape[1]
    slopes = first.coef[-width:]
    second = linear_regression(
        fit_linear(replace(e.sample, y=e.y - held @ slopes), base, labels, kind=kind, df="auto"), str(e.outcome)
    )
    carried = np.array([least_squares(y=column, X=base, weights=e.weights).coef[1] for column in held.T])
    of_first = np.zeros((width, first_design.shape[1]))
    of_first[:, -width:] = np.eye(width)
    of_second = np.zeros((1, base.shape[1]))
    of_second[0, 1] = 1.0
    both = joined(first.contrasts(of_first), second.contrasts(of_second))
    vector = np.append(-carried, 1.0)
    estimate, se = float(both.estimate[-1]), math.sqrt(max(float(vector @ both.cov @ vector), 0.0))
    df = float(combined_df(vector, both.cov, both.df))
    test = t_test(estimate, se, df, level)
    s = e.sample
    row = Estimate(
        str(e.outcome), "cde", arms_text(s.arms), estimate, se, df, test.statistic, test.p_value, test.conf_low, test.conf_high, level,
        s.n, s.n_clusters, s.groups_in(s.arm >= 0), "sequential g-estimation", kind,
    )  # fmt: skip
    notes = [
        Note(
            "no_unmeasured_confounder",
            f"that nothing else moves both '{e.mediator}' and '{e.outcome}', given arm, covariates and {', '.join(map(repr, caused_by_arm)) or 'nothing after the arm'}, is assumed; "
            "nor may the mediator's slope depend on what the arm brings about.",
        )
    ]
    low, high = float(e.m.min()), float(e.m.max())
    if not low <= mediator_value <= high:
        notes.append(
            Note("beyond_the_data", f"mediator_value={mediator_value:g} lies outside what was seen ({low:g} to {high:g}).")
        )
    details = {
        "mediator": e.mediator, "mediator_value": float(mediator_value), "caused_by_arm": list(caused_by_arm), "slopes": slopes.tolist(),
    }  # fmt: skip
    return ControlledDirectResult((row,), tuple(notes), details)


def _after(e: MediationEvidence, names: Sequence[str]) -> tuple[FloatArray, list[str]]:
    """Columns of what the arm brings about, complete for the people analysed."""
    if isinstance(names, str):
        raise UsageError(f"caused_by_arm takes a list of columns: write ['{names}'].")
    for name in names:
        if name not in e.trial.data.columns:
            raise ColumnNotFoundError(name, e.trial.data.columns)
        if name in (e.mediator, str(e.outcome), e.trial.arm, e.trial.group, *e.adjust):
            raise UsageError(f"caused_by_arm holds '{name}', which already has another role here: leave it out.")
        absent = int(e.trial.column(name).isna().to_numpy()[e.sample.rows].sum())
        if absent:
            raise MissingDataError(
                f"'{name}' is missing for {absent} of the {e.sample.n} people analysed: what comes after the arm is not filled in with a mean. Impute it "
                "(tk.missing.impute), or leave out people without it before tk.mediate and say so."
            )
    found = covariates(e.trial, tuple(names), "impute")
    columns = found.columns[e.sample.rows]
    kept = [j for j in range(columns.shape[1]) if np.ptp(columns[:, j]) > 0]
    base = np.column_stack([np.ones(e.sample.n), e.t, e.X, columns[:, kept]])
    norm = np.linalg.norm(base, axis=0)
    used = [j - 2 - e.X.shape[1] for j in independent_columns(base / np.where(norm > 0, norm, 1.0))]
    chosen = [kept[j] for j in used if j >= 0]
    return columns[:, chosen], [found.names[j] for j in chosen]
