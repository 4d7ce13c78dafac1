"""The mixed model of a trial with groups in some arms, randomized clusters, or random sites and facilitators.

y = Xb + sum_f Z_f u_f + e by REML; X holds the arms, strata and covariates of the ANCOVA. With groups in the treated arm only this is the partially
nested, heteroscedastic model y_ij = b0 + theta T + T u_j + (1 - T) r_ij + T e_ij: a variance between groups in each grouped arm, and a residual variance
for each arm. Ignoring the groups, or calling every control a group of one in a model with one residual variance, misstates the error
(Roberts & Roberts 2005, Clinical Trials 2(2); Bauer, Sterba & Hallfors 2008, Multivariate Behavioral Research 43(2); Candlish et al. 2018, BMC Medical
Research Methodology 18:105). Degrees of freedom are Satterthwaite's or Kenward and Roger's, never residual ones or infinity.

The estimate weights each group by its precision, n/(sigma2 + n tau2): between the average over participants (tau2 = 0) and over groups. Where size goes with
the outcome these differ, and a note says so.

Options: `residual_by_arm`, `random_by_arm`, `random` (see options.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from trialkit.estimate.analysis import Analysis
from trialkit.estimate.averages import size_note
from trialkit.estimate.linear.ancova import arm_contrasts, describe, design_columns, many_strata, strata_rule
from trialkit.estimate.linear.linear_model import LinearModel, fit_linear
from trialkit.estimate.mixed.components import MIXTURE, intraclass_correlations, variance_components, variance_tests
from trialkit.estimate.mixed.mixed_model import fit_mixed
from trialkit.estimate.mixed.mixed_result import MixedResult
from trialkit.estimate.mixed.options import mixed_options
from trialkit.estimate.mixed.random_effects import RandomEffect, random_effects, without_random_strata
from trialkit.estimate.request import Request
from trialkit.estimate.sample import Sample, sample
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_test
from trialkit.inference.linear.covariance import covariance
from trialkit.inference.linear.least_squares import least_squares
from trialkit.results import Note, plain
from trialkit.trial import ALONE, Trial

ESTIMAND = "precision-weighted ITT"
CARRIED = ("collinear", "few_groups")


def run(trial: Trial, request: Request) -> Analysis:
    """The mixed model of a request."""
    options = mixed_options(trial, request)
    fixed = without_random_strata(trial, options)
    s = sample(fixed, request.outcome, tuple(a for a in request.adjust if a not in fixed.strata), request.covariate_missing)
    if trial.facilitator in options.random:  # the trial's note says that they are left out
        s = replace(s, notes=tuple(n for n in s.notes if n.code != "facilitator_recorded"))
    notes: list[Note] = []
    effects = random_effects(fixed, s, options, notes)
    strata, unequal = strata_rule(fixed, request)
    columns, names = design_columns(fixed, s, strata, notes, unequal)
    absorb = many_strata(s, strata)
    robust, base = _regressions(fixed, s, columns, names, absorb)
    by_arm = bool((s.group != ALONE).any() and s.cluster is None) if options.residual_by_arm is None else options.residual_by_arm
    model = fit_mixed(base, effects, by_arm=by_arm, df=request.df)
    found = arm_contrasts(model, request, range(1, len(s.arms)))
    overlap = strata == "additive" and unequal
    if overlap:
        notes.append(
            Note(
                "overlap_weighted",
                "shares of the arms differ by stratum and stratum effects are additive: strata count by size times p(1-p).",
            )
        )
    notes += [n for n in robust.notes if n.code in CARRIED]
    notes += [] if absorb else _size_note(s, columns, request)
    tests = variance_tests(model)
    details: dict[str, Any] = {
        "variance_components": variance_components(model), "deviance": float(model.mixed.deviance),
        "icc": intraclass_correlations(model, request.conf_level), "variance_tests": tests,
        "random": [e.name for e in effects], "residual_by_arm": by_arm, "df_method": model.df_rule,
        "at_limit": [n for n, held in zip(model.variances, model.mixed.at_limit.tolist()) if held],
    }  # fmt: skip
    details["companions"] = _companions(
        robust, request, int(not absorb), tests, "overlap-weighted ITT" if overlap else "participant-average ITT"
    )
    return Analysis(
        s, tuple(c for c, _ in found), "overlap-weighted ITT" if overlap else ESTIMAND, _method(effects, by_arm, strata),
        "Kenward-Roger" if model.df_rule == "kenward_roger" else "model-based (Satterthwaite df)", (*notes, *model.notes), details=plain(details), model=model,
        vectors=tuple(v for _, v in found), influence=tuple(model.person_values(v) for _, v in found), result=MixedResult,
    )  # fmt: skip


def _regressions(trial: Trial, s: Sample, columns: FloatArray, names: list[str], absorb: bool) -> tuple[LinearModel, LinearModel]:
    """The design-based regression, and the one whose columns the mixed model takes: the same, but that the former absorbs many strata."""
    if not absorb:
        robust = fit_linear(s, columns, names, kind="auto", df="auto")
        return robust, robust
    few, short = design_columns(trial, s, "none", [], False)
    robust = fit_linear(s, few[:, 1:], short[1:], kind="auto", df="auto", absorb=True)
    fit = least_squares(y=s.y, X=columns)
    return robust, LinearModel(s, columns, tuple(names), fit, covariance(fit, "classical"), "residual", None, robust.notes)


def _method(effects: Sequence[RandomEffect], by_arm: bool, strata: str) -> str:
    what = ", ".join(e.what for e in effects)
    text = f"mixed model (REML), random intercepts of {what}"
    text += "; residual variance by arm" if by_arm else ""
    return text + (", strata interacted" if strata == "interacted" else "")


def _size_note(s: Sample, columns: Any, request: Request) -> list[Note]:
    """The check on informative sizes, with what this estimator does about them."""
    return [
        replace(
            n,
            text=n.text.partition(" This row")[0]
            + " This row weights them by precision, which lies between: with 'ancova' you choose.",
        )
        for n in size_note(s, columns, request)
    ]


def _companions(
    robust: LinearModel, request: Request, first: int, tests: Sequence[dict[str, Any]], estimand: str
) -> dict[str, Any]:
    """Rows of the design-based regression, whose arms begin at column `first`, and of the tests of the variances, and the notes of the former."""
    s = robust.sample
    counts = {"n": s.n, "n_clusters": s.n_clusters, "n_groups": s.groups_in(s.arm >= 0)}
    common = {"outcome": request.outcome, "conf_level": request.conf_level, **counts}
    rows: list[dict[str, Any]] = []
    for c, _ in arm_contrasts(robust, request, range(first, first + len(s.arms) - 1)):
        test = t_test(c.estimate, c.std_error, c.df, request.conf_level)
        rows.append(
            common | {
                "estimand": estimand, "contrast": c.label or f"{s.arms[c.arm]} - {s.arms[c.reference]}", "estimate": c.estimate, "std_error": c.std_error,
                "df": c.df, "statistic": test.statistic, "p_value": test.p_value, "conf_low": test.conf_low, "conf_high": test.conf_high,
                "method": "design-based: ANCOVA", "covariance": describe(robust),
            }
        )  # fmt: skip
    nan = float("nan")
    for t in tests:
        rows.append(
            common | {
                "estimand": "variance component", "contrast": f"var_{t['name']}", "estimate": t["estimate"], "std_error": t["std_error"], "df": nan,
                "statistic": t["statistic"], "p_value": t["p_value"], "conf_low": nan, "conf_high": nan, "method": "restricted likelihood ratio against 0",
                "covariance": MIXTURE,
            }
        )  # fmt: skip
    return {"rows": rows, "notes": [{"code": n.code, "text": n.text} for n in robust.notes]}
