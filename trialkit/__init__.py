"""trialkit: randomized field trials of group-based social programmes, from the power calculation to the report."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Trial": "trialkit.trial",
    "Time": "trialkit.estimate.outcome",
    "itt": "trialkit.estimate.itt",
    "combinations": "trialkit.estimate.registry",
    "adjust_p": "trialkit.estimate.several.adjust_p",
    "cace": "trialkit.estimate.take_up.cace",
    "family": "trialkit.estimate.several.family",
    "few_groups": "trialkit.estimate.draws.few_groups",
    "gatekeeping": "trialkit.estimate.several.gatekeeping",
    "harms": "trialkit.estimate.outcomes.harms",
    "index": "trialkit.estimate.several.index",
    "longitudinal": "trialkit.estimate.longitudinal.repeated_measures",
    "logrank": "trialkit.estimate.survival.logrank",
    "mediate": "trialkit.estimate.mediation.mediate",
    "meta": "trialkit.estimate.several.meta",
    "randomization_test": "trialkit.estimate.draws.randomization",
    "specification_curve": "trialkit.estimate.multiverse.curve",
    "subgroups": "trialkit.estimate.subgroups.effect_modification",
    "wild_bootstrap": "trialkit.estimate.draws.wild_bootstrap",
    "read": "trialkit.io",
    "receipt": "trialkit.io",
    "Plan": "trialkit.plan.plan",
    "Result": "trialkit.results",
}
_ROOMS = (
    "design",
    "economics",
    "effect_size",
    "errors",
    "measurement",
    "mediation",
    "missing",
    "plot",
    "power",
    "selection",
    "simulate",
)
_ELSEWHERE = {
    "plot": "trialkit.report.figures",
    "effect_size": "trialkit.estimate.effect_sizes.analyses",
    "mediation": "trialkit.estimate.mediation.analyses",
}

__all__ = ["__version__", *_PUBLIC, *_ROOMS]


def __getattr__(name: str) -> Any:
    """Public names load on first use, so that `import trialkit` stays fast (PEP 562)."""
    if name in _PUBLIC:
        value = getattr(import_module(_PUBLIC[name]), name)
    elif name in _ROOMS:
        value = import_module(_ELSEWHERE.get(name, f"trialkit.{name}"))
    else:
        raise AttributeError(f"module 'trialkit' has no attribute '{name}'")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
