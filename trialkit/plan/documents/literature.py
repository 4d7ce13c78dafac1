"""Works behind the methods that a plan asks for, so that a document cites what is used and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["GUIDES", "LINEAR", "works"]

LINEAR = frozenset({"ancova", "lin", "difference_in_means"})
GUIDES = {
    "sap": "Gamble C, Krishan A, Stocken D, et al. (2017). Guidelines for the content of statistical analysis plans in clinical trials. JAMA 318: 2337-2343.",
    "spirit": "Chan A-W, Boutron I, Hopewell S, et al. (2025). SPIRIT 2025 statement: updated guideline for protocols of randomised trials. BMJ 389: e081477.",
    "tidier": "Hoffmann TC, Glasziou PP, Boutron I, et al. (2014). Better reporting of interventions: template for intervention description and replication (TIDieR) checklist and guide. BMJ 348: g1687.",
}
_ESTIMATORS = {
    "ancova": "Freedman DA (2008). On regression adjustments to experimental data. Advances in Applied Mathematics 40: 180-193.",
    "lin": "Lin W (2013). Agnostic notes on regression adjustments to experimental data. Annals of Applied Statistics 7: 295-318.",
    "horvitz_thompson": "Horvitz DG, Thompson DJ (1952). A generalization of sampling without replacement from a finite universe. JASA 47: 663-685.",
    "aipw": "Robins JM, Rotnitzky A, Zhao LP (1994). Estimation of regression coefficients when some regressors are not always observed. JASA 89: 846-866.",
    "mixed": "Roberts C, Roberts SA (2005). Design and analysis of clinical trials with clustering effects due to treatment. Clinical Trials 2: 152-162.",
    "g_computation": "Moore KL, van der Laan MJ (2009). Covariate adjustment in randomized trials with binary outcomes. Statistics in Medicine 28: 39-64.",
    "poisson": "Gourieroux C, Monfort A, Trognon A (1984). Pseudo maximum likelihood methods: applications to Poisson models. Econometrica 52: 701-720.",
    "win_odds": "Brunner E, Vandemeulebroecke M, Mütze T (2021). Win odds: an adaptation of the win ratio to include ties. Statistics in Medicine 40: 3367-3384.",
    "proportional_odds": "McCullagh P (1980). Regression models for ordinal data. JRSS B 42: 109-142.",
    "quantile": "Koenker R, Bassett G (1978). Regression quantiles. Econometrica 46: 33-50.",
    "cox": "Cox DR (1972). Regression models and life-tables. JRSS B 34: 187-220.",
    "rmst": "Andersen PK, Hansen MG, Klein JP (2004). Regression analysis of restricted mean survival time based on pseudo-observations. Lifetime Data Analysis 10: 335-350.",
}
_ESTIMATORS["hajek"] = _ESTIMATORS["horvitz_thompson"]
_CORRECTIONS = {
    "holm": "Holm S (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6: 65-70.",
    "hochberg": "Hochberg Y (1988). A sharper Bonferroni procedure for multiple tests of significance. Biometrika 75: 800-802.",
    "bh": "Benjamini Y, Hochberg Y (1995). Controlling the false discovery rate. JRSS B 57: 289-300.",
    "sharpened_q": "Anderson ML (2008). Multiple inference and gender differences in the effects of early intervention. JASA 103: 1481-1495.",
    "romano_wolf": "Romano JP, Wolf M (2005). Exact and approximate stepdown methods for multiple hypothesis testing. JASA 100: 94-108.",
    "westfall_young": "Westfall PH, Young SS (1993). Resampling-based multiple testing. New York: Wiley.",
    "dunnett": "Dunnett CW (1955). A multiple comparison procedure for comparing several treatments with a control. JASA 50: 1096-1121.",
    "gatekeeping": "Bretz F, Maurer W, Brannath W, Posch M (2009). A graphical approach to sequentially rejective multiple test procedures. Statistics in Medicine 28: 586-604.",
}
_MISSING = {
    "multiple_imputation": "Rubin DB (1987). Multiple imputation for nonresponse in surveys. New York: Wiley.",
    "lee_bounds": "Lee DS (2009). Training, wages, and sample selection: estimating sharp bounds on treatment effects. Review of Economic Studies 76: 1071-1102.",
    "manski_bounds": "Manski CF (1990). Nonparametric bounds on treatment effects. American Economic Review 80: 319-323.",
    "jump_to_reference": "Carpenter JR, Roger JH, Kenward MG (2013). Analysis of longitudinal trials with protocol deviation. Journal of Biopharmaceutical Statistics 23: 1352-1371.",
}
_MISSING |= dict.fromkeys(
    ("copy_reference", "copy_increments_in_reference", "last_mean_carried_forward"), _MISSING["jump_to_reference"]
)
_HC2 = "MacKinnon JG, White H (1985). Some heteroskedasticity-consistent covariance matrix estimators with improved finite sample properties. Journal of Econometrics 29: 305-325."
_CR2 = "Pustejovsky JE, Tipton E (2018). Small-sample methods for cluster-robust variance estimation and hypothesis testing in fixed effects models. Journal of Business & Economic Statistics 36: 672-683."
_CACE = "Angrist JD, Imbens GW, Rubin DB (1996). Identification of causal effects using instrumental variables. JASA 91: 444-455."
_MEDIATION = (
    "Imai K, Keele L, Tingley D (2010). A general approach to causal mediation analysis. Psychological Methods 15: 309-334."
)
_KLK = "Kling JR, Liebman JB, Katz LF (2007). Experimental analysis of neighborhood effects. Econometrica 75: 83-119."
_EVENTS = "ICH (2019). E9(R1) Addendum on estimands and sensitivity analysis in clinical trials. International Council for Harmonisation."


def works(spec: PlanSpec, guide: str = "") -> tuple[str, ...]:
    """The works that this plan's methods rest on, in alphabetical order; `guide` adds the list that the document follows."""
    return tuple(sorted(dict.fromkeys(_works(spec, guide)), key=str.casefold))


def _works(spec: PlanSpec, guide: str) -> Iterator[str]:
    if guide:
        yield GUIDES[guide]
    estimators = {spec.estimator_for(o) for o in spec.outcomes}
    yield from (_ESTIMATORS[e] for e in estimators if e in _ESTIMATORS)
    robust = spec.analysis.covariance
    clustered = bool(spec.grouped_arms) or spec.data.cluster is not None
    if estimators & LINEAR and (robust == "CR2" or (robust == "auto" and clustered)):
        yield _CR2
    if estimators & LINEAR and (robust == "HC2" or (robust == "auto" and not clustered)):
        yield _HC2
    if spec.grouped_arms and len(spec.grouped_arms) < len(spec.arms):
        yield _ESTIMATORS["mixed"]
    if spec.multiplicity.method in _CORRECTIONS and corrects(spec):
        yield _CORRECTIONS[spec.multiplicity.method]
    yield from (_MISSING[r] for r in (spec.missing.primary, *spec.missing.sensitivity) if r in _MISSING)
    if "cace" in spec.analysis.companions:
        yield _CACE
    if spec.mediation:
        yield _MEDIATION
    kinds = {o.index.kind for o in spec.outcomes if o.index is not None}
    if "icw" in kinds:
        yield _CORRECTIONS["sharpened_q"]
    if "klk" in kinds:
        yield _KLK
    if any(o.intercurrent for o in spec.outcomes):
        yield _EVENTS


def corrects(spec: PlanSpec) -> bool:
    """Whether the plan's correction has more than one test to correct."""
    if spec.multiplicity.method == "gatekeeping":
        return True
    return any(len(members) * len(spec.comparisons) > 1 for members in spec.families.values())
