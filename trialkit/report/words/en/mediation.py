"""The English of mediation: effects through an intermediate step. Nothing here says that a pathway is proven: the step was not randomized."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class MediationWords:
    """Words on direct and indirect effects."""

    mediation_intro = (
        "How much of the effect is estimated to go through an intermediate step. Only the arm was randomized, not the step: what follows holds if nothing that was "
        "not measured moves both the step and the outcome. It is an estimate under that assumption, and no proof of how the programme works."
    )
    mediation_effects: ClassVar[Mapping[str, str]] = {
        "acme": "Indirect: through the step",
        "acme_control": "the step working as in the control arm",
        "acme_treated": "the step working as in the treated arm",
        "ade": "Direct: all other ways",
        "ade_control": "the step as it is in the control arm",
        "ade_treated": "the step as it is in the treated arm",
        "total": "Total effect",
        "proportion": "Share of the total that is indirect",
    }
    mediation_effect_header = "Effect"
    mediation_paths_header, mediation_coefficient_header = "Path", "Coefficient"
    mediation_paths: ClassVar[Mapping[str, str]] = {
        "a": "Arm to step",
        "b": "Step to outcome",
        "b_control": "Step to outcome, control arm",
        "b_treated": "Step to outcome, treated arm",
        "interaction": "Difference between the arms in that slope",
        "direct": "Arm to outcome, step held at its mean",
        "total": "Arm to outcome, step left out",
    }
    mediation_slopes: ClassVar[Mapping[str, str]] = {
        "pooled": "Step to outcome among members of groups",
        "within groups": "the same, within groups",
        "between groups": "the same, between groups",
    }
    mediation_models: ClassVar[Mapping[str, str]] = {
        "linear": "linear regression",
        "logit": "logistic regression",
        "poisson": "Poisson regression",
        "ordered": "proportional odds",
        "piecewise_exponential": "piecewise exponential regression",
    }
    mediation_coefficients: ClassVar[Mapping[str, str]] = {
        "logit": "log odds",
        "poisson": "log rate",
        "ordered": "log odds",
        "piecewise_exponential": "log hazard",
    }
    mediation_notes: ClassVar[Mapping[str, str]] = {
        "baseline_not_adjusted": (
            "Step or outcome before the programme is not among the covariates. People who stood higher before also stand higher after on both, which would count as "
            "an effect through the step."
        ),
        "group_is_a_cause": (
            "Groups exist as a consequence of the arm and move both step and outcome: the indirect effect then assumes that their effects on the two are independent "
            "given the covariates. The slope of the step within groups stands in the table of the regressions."
        ),
    }
    mediation_withheld = "The share of the total that is indirect is not given: the interval of the total effect includes no effect, so that the share could be any number."
    mediation_sensitive_header = "What an unmeasured common cause could do"
    mediation_rho = "Correlation of errors left by an unmeasured cause"
    mediation_of_risk = "This curve is of linear models of step and outcome (differences of shares), because it is not defined for the models above."
    mediation_of_ratio = "E-values are those of the risk ratio, with first-order standard errors."
    agrema_title = (
        "Items of the AGReMA statement (short form; the nine names are ours, not checked against the form) and where they are"
    )
    agrema_names: ClassVar[Mapping[str, str]] = {
        "objectives": "Effects of interest",
        "design": "Design and data",
        "assumed": "Assumed causal model",
        "assumptions": "Assumptions",
        "measurement": "Measurement of exposure, step and outcome",
        "statistics": "Statistical methods",
        "sensitivity": "Sensitivity analysis",
        "people": "People analysed",
        "limits": "Limits of interpretation",
    }

    def mediation_title(self, outcome: str, mediator: str) -> str:
        return f"{outcome}, through {mediator}"

    def mediation_caption(self, outcome: str, mediator: str) -> str:
        return f"Direct and indirect effects on {outcome}, through {mediator}"

    def mediation_paths_caption(self, mediator: str) -> str:
        return f"The regressions behind it; the step is {mediator}"

    def mediation_indirect(self, value: str) -> str:
        return f"Indirect effect: {value}"

    def mediation_direct(self, value: str) -> str:
        return f"Direct effect: {value}"

    def mediation_total(self, value: str) -> str:
        return f"Total effect: {value}"

    def mediation_coefficient(self, value: str, se: str, what: str) -> str:
        return f"{value} (SE {se}{f', {what}' if what else ''})"

    def mediation_breakpoint(self, rho: str) -> str:
        return f"A correlation of errors of {rho} would leave no indirect effect"

    def mediation_cause(self) -> str:
        return "unmeasured cause"

    def mediation_sensitive(self, rho: str, limit: str | None, products: str) -> str:
        """How strong a cause would undo the estimate, and its interval."""
        first = f"The indirect effect is zero if an unmeasured cause leaves the errors of step and outcome correlated by {rho} (a cause that explains {products} of the variance of both, multiplied)."
        if limit is None:
            return f"{first} The interval of this curve (first-order standard errors, not the one in the table) includes zero already without such a cause."
        return f"{first} The interval of this curve (first-order standard errors) includes zero from {limit} on."

    def mediation_evalue(self, value: str, limit: str) -> str:
        return (
            f"E-value of the indirect effect: {value}; of the limit of its interval nearest to no effect: {limit}. A cause would have to be associated with both step and outcome by a risk ratio "
            "that large each, beyond the covariates."
        )

    def mediation_models_note(self, of_mediator: str, of_outcome: str) -> str:
        return f"Step by {of_mediator}, outcome by {of_outcome}; coefficients on the scale of their models."

    def of_randomized(self, people: str, randomized: str) -> str:
        return f"{people} of {randomized} randomized"

    def mediation_note(self, level: str, method: str, draws: str | None) -> str:
        return f"{level} intervals; {method}{f', {draws} draws' if draws else ''}."

    def mediation_caption_paths(self, outcome: str, mediator: str, level: str, cause: bool) -> str:
        said = f"{outcome}: the arm, the step ({mediator}) and the outcome, with coefficients and effects ({level} intervals)."
        return f"{said} The dashed lines are what was not measured." if cause else said

    def mediation_caption_effects(self, outcome: str, level: str) -> str:
        return f"{outcome}: indirect and direct effect, which add up to the total, with {level} intervals."

    def mediation_caption_rho(self, outcome: str, level: str) -> str:
        return f"{outcome}: the indirect effect if an unmeasured cause correlates the errors of step and outcome, with its {level} interval; the dashed line is where nothing is left of it."

    def mediation_alt_paths(self, indirect: str, direct: str, total: str) -> str:
        return f"Diagram from arm to step to outcome and from arm to outcome. Indirect effect {indirect}, direct effect {direct}, total effect {total}."

    def mediation_alt_effects(self, outcome: str) -> str:
        return f"Bars of the indirect, direct and total effect on {outcome}, with intervals."

    def mediation_alt_rho(self, rho: str) -> str:
        return f"Curve of the indirect effect over the correlation of errors; it is zero at {rho}."

    def agrema_objectives(self, outcome: str, mediator: str, arm: str, control: str) -> str:
        return f"Natural indirect and direct effects of {arm} against {control} on {outcome}, the indirect one through {mediator}; planned."

    def agrema_design(self, n: str) -> str:
        return f"Randomized trial; the arm was randomized, the step was not. {n} people in the analysis."

    def agrema_assumed(self, mediator: str, outcome: str, interaction: bool) -> str:
        return f"The arm moves {mediator}, which moves {outcome}; the arm also moves {outcome} in other ways." + (
            " The slope of the step may differ by arm."
            if interaction
            else " The slope of the step is taken as the same in both arms."
        )

    def agrema_assumptions(self, adjust: str, grouped: bool) -> str:
        first = (
            f"Given {adjust}, nothing moves both step and outcome, before the arm or as its consequence."
            if adjust
            else "Nothing moves both step and outcome, before the arm or as its consequence; no covariate was adjusted for."
        )
        return first + (" Groups move both, so their effects on the two are assumed to be independent." if grouped else "")

    def agrema_measurement(self, mediator: str, outcome: str, wave_m: str, wave_y: str) -> str:
        when = [f"{what} {wave}" for what, wave in (("the step", wave_m), ("the outcome", wave_y)) if wave]
        return f"{mediator}; {outcome}." + (
            f" Measured: {', '.join(when)}." if when else " The plan does not say when the step was measured."
        )

    def agrema_statistics(self, of_mediator: str, of_outcome: str, method: str) -> str:
        return f"Step by {of_mediator}, outcome by {of_outcome}; {method}."

    def agrema_people(self, counts: str) -> str:
        return f"{counts}; people without step or outcome are left out."

    agrema_sensitivity_done = "Correlation of errors at which the indirect effect is zero, and E-values: above."
    agrema_sensitivity_none = "Not available for this outcome; the reasons stand above."
    agrema_limits = "The step was not randomized. The estimates are those of the models and assumptions named here, and other causes of both cannot be ruled out by these data."
