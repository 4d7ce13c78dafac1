"""The paths as regressions give them, the test of arm x mediator, and the mediator's slope within groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from trialkit.errors import TrialkitError
from trialkit.estimate.linear.linear_model import fit_linear
from trialkit.estimate.mediation.evidence import MediationEvidence
from trialkit.estimate.mediation.models import Regression
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_test
from trialkit.results import Note
from trialkit.trial import ALONE


def path_rows(e: MediationEvidence, covariance: str) -> list[dict[str, Any]]:
    """Rows of `MediationResult.paths`, coefficients on the scale of their models; 'total' from the outcome's model without the mediator."""
    arm = e.outcome_model.arm_at
    k = arm + 1 + e.X.shape[1]
    size = len(e.outcome_model.coef)
    rows = [_row("a", e.mediator_model, _unit(len(e.mediator_model.coef), e.mediator_model.arm_at))]
    if e.interaction:
        slope = _unit(size, k)
        rows += [_row("b_control", e.outcome_model, slope), _row("b_treated", e.outcome_model, slope + _unit(size, k + 1))]
        rows.append(_row("interaction", e.outcome_model, _unit(size, k + 1)))
        direct = _unit(size, arm) + _unit(size, k + 1) * float(np.average(e.m, weights=e.weights))
    else:
        rows.append(_row("b", e.outcome_model, _unit(size, k)))
        direct = _unit(size, arm)
    rows.append(_row("direct", e.outcome_model, direct))
    if e.outcome_model.kind == "linear":
        design = _without_mediator(e)
        model = fit_linear(e.sample, design, _names(e), kind=covariance, df="auto")
        rows.append({"path": "total"} | _numbers(*model.contrast(_unit(design.shape[1], 1))))
    return rows


def interaction_test(e: MediationEvidence) -> dict[str, float] | None:
    """The test of arm x mediator: no difference in slopes between the arms."""
    if not e.interaction:
        return None
    row = _row("interaction", e.outcome_model, _unit(len(e.outcome_model.coef), e.outcome_model.arm_at + 2 + e.X.shape[1]))
    return {k: v for k, v in row.items() if k != "path"}


def group_slopes(e: MediationEvidence) -> tuple[list[dict[str, Any]], list[Note]]:
    """The mediator's slope in the grouped arm, pooled, within and between groups, with the assumption that groups call for.

    Within: the mediator about its group's mean. Where a good group raises mediator and outcome alike, the pooled slope mixes that in and the within-group
    slope does not; neither is free of what differs between members.
    """
    s = e.sample
    members = s.group != ALONE
    if not members.any():
        return [], []
    notes = [
        Note(
            "group_is_a_cause",
            "the group is a consequence of the arm that moves both mediator and outcome: natural effects then assume that group effects on the two are independent "
            "given the covariates. The slope within groups stands beside the pooled one (.group_slopes).",
        )
    ]
    if e.outcome_model.kind == "piecewise_exponential":
        return [], notes
    if e.outcome_model.kind != "linear":
        notes.append(
            Note("linear_slopes", "the slopes within and between groups are those of a linear regression of the outcome.")
        )
    _, code = np.unique(s.group[members], return_inverse=True)
    w = np.ones(s.n) if e.weights is None else e.weights
    sums = np.bincount(code, weights=(w * e.m)[members])
    means = np.zeros(s.n)
    means[members] = (sums / np.bincount(code, weights=w[members]))[code]
    base = _without_mediator(e)
    alone = np.where(members, 0.0, e.m)
    centre = float(np.average(e.m, weights=e.weights))
    split = np.column_stack(
        [base, np.where(members, 0.0, e.m - centre), np.where(members, e.m - means, 0.0), np.where(members, means - centre, 0.0)]
    )
    pooled = np.column_stack([base, np.where(members, 0.0, alone - centre), np.where(members, e.m - centre, 0.0)])
    try:
        rows = _slopes(e, pooled, {"pooled": -1}) + _slopes(e, split, {"within groups": -2, "between groups": -1})
    except TrialkitError as error:
        return [], [*notes, Note("no_group_slopes", f"the slopes within and between groups have no estimate: {error}")]
    return rows, notes


def _slopes(e: MediationEvidence, design: FloatArray, at: dict[str, int]) -> list[dict[str, Any]]:
    known = _names(e)
    names = [*known, *(f"slope {j}" for j in range(design.shape[1] - len(known)))]
    model = fit_linear(replace(e.sample), design, names, kind="auto", df="auto")
    rows = []
    for name, j in at.items():
        found = _numbers(*model.contrast(_unit(design.shape[1], j % design.shape[1])))
        rows.append({"slope": name} | {k: found[k] for k in ("estimate", "std_error", "df", "p_value")})
    return rows


def _unit(size: int, j: int) -> FloatArray:
    out = np.zeros(size)
    out[j] = 1.0
    return out


def _row(path: str, model: Regression, vector: FloatArray) -> dict[str, Any]:
    found = model.contrasts(vector[None, :])
    return {"path": path} | _numbers(float(found.estimate[0]), float(found.std_error[0]), float(found.df[0]))


def _numbers(estimate: float, std_error: float, df: float) -> dict[str, float]:
    test = t_test(estimate, std_error, df, 0.95)
    return {"estimate": estimate, "std_error": std_error, "df": df, "statistic": test.statistic, "p_value": test.p_value}


def _without_mediator(e: MediationEvidence) -> FloatArray:
    return np.column_stack([np.ones(e.sample.n), e.t, e.X])


def _names(e: MediationEvidence) -> list[str]:
    return ["constant", f"arm {e.sample.arms[1]}", *e.terms]
