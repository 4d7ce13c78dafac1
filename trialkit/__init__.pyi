from trialkit import design, errors, measurement, power, selection, simulate
from trialkit.estimate import effect_sizes_more as effect_size
from trialkit.estimate.adjust_p import adjust_p
from trialkit.estimate.cace import cace
from trialkit.estimate.family import family
from trialkit.estimate.few_groups import few_groups
from trialkit.estimate.gatekeeping import gatekeeping
from trialkit.estimate.index import index
from trialkit.estimate.itt import itt
from trialkit.estimate.meta import meta
from trialkit.estimate.randomization import randomization_test
from trialkit.estimate.registry import combinations
from trialkit.estimate.wild_bootstrap import wild_bootstrap
from trialkit.io import read, receipt
from trialkit.plan.plan import Plan
from trialkit.report import figures as plot
from trialkit.results import Result
from trialkit.trial import Trial

__version__: str

__all__ = [
    "Plan",
    "Result",
    "Trial",
    "__version__",
    "adjust_p",
    "cace",
    "combinations",
    "design",
    "effect_size",
    "errors",
    "family",
    "few_groups",
    "gatekeeping",
    "index",
    "itt",
    "measurement",
    "meta",
    "plot",
    "power",
    "randomization_test",
    "read",
    "receipt",
    "selection",
    "simulate",
    "wild_bootstrap",
]
