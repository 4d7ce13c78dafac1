from trialkit import design, economics, errors, measurement, missing, power, selection, simulate
from trialkit.estimate.effect_sizes import analyses as effect_size
from trialkit.estimate.several.adjust_p import adjust_p
from trialkit.estimate.take_up.cace import cace
from trialkit.estimate.several.family import family
from trialkit.estimate.draws.few_groups import few_groups
from trialkit.estimate.several.gatekeeping import gatekeeping
from trialkit.estimate.outcomes.harms import harms
from trialkit.estimate.several.index import index
from trialkit.estimate.itt import itt
from trialkit.estimate.longitudinal.repeated_measures import longitudinal
from trialkit.estimate.survival.logrank import logrank
from trialkit.estimate.mediation import analyses as mediation
from trialkit.estimate.mediation.mediate import mediate
from trialkit.estimate.several.meta import meta
from trialkit.estimate.draws.randomization import randomization_test
from trialkit.estimate.outcome import Time
from trialkit.estimate.registry import combinations
from trialkit.estimate.draws.wild_bootstrap import wild_bootstrap
from trialkit.estimate.multiverse.curve import specification_curve
from trialkit.estimate.subgroups.effect_modification import subgroups
from trialkit.io import read, receipt
from trialkit.plan.plan import Plan
from trialkit.report import figures as plot
from trialkit.results import Result
from trialkit.trial import Trial

__version__: str

__all__ = [
    "Plan",
    "Result",
    "Time",
    "Trial",
    "__version__",
    "adjust_p",
    "cace",
    "combinations",
    "design",
    "economics",
    "effect_size",
    "errors",
    "family",
    "few_groups",
    "gatekeeping",
    "harms",
    "index",
    "itt",
    "longitudinal",
    "logrank",
    "measurement",
    "mediate",
    "mediation",
    "meta",
    "missing",
    "plot",
    "power",
    "randomization_test",
    "read",
    "receipt",
    "selection",
    "simulate",
    "specification_curve",
    "subgroups",
    "wild_bootstrap",
]
