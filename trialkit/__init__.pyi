from trialkit import errors, measurement, power, selection, simulate
from trialkit.estimate.adjust_p import adjust_p
from trialkit.estimate.itt import itt
from trialkit.estimate.registry import combinations
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
    "combinations",
    "errors",
    "itt",
    "measurement",
    "plot",
    "power",
    "read",
    "receipt",
    "selection",
    "simulate",
]
