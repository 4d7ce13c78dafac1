"""Figures: each takes a result and returns a matplotlib Axes, without touching pyplot or any global state.

In a notebook the returned axes show themselves; `ax.figure.savefig(...)` writes them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trialkit.report.figures.arms import means
    from trialkit.report.figures.assurance_chart import assurance
    from trialkit.report.figures.attrition_chart import attrition, attrition_boundary
    from trialkit.report.figures.baseline import love
    from trialkit.report.figures.bounds_chart import bounds
    from trialkit.report.figures.effects import forest, interval
    from trialkit.report.figures.equivalence_chart import equivalence
    from trialkit.report.figures.flow_chart import flow
    from trialkit.report.figures.funnel_chart import funnel
    from trialkit.report.figures.group_quality_chart import group_quality
    from trialkit.report.figures.group_sizes_chart import group_sizes
    from trialkit.report.figures.means_chart import means_by_wave
    from trialkit.report.figures.mediation_chart import mediation, mediation_effects, mediation_sensitivity
    from trialkit.report.figures.meta_chart import meta_forest
    from trialkit.report.figures.power_contour_chart import power_contour
    from trialkit.report.figures.power_curve_chart import power_curve
    from trialkit.report.figures.robustness_chart import robustness
    from trialkit.report.figures.search_chart import simulated_search
    from trialkit.report.figures.simulated_power_chart import simulated_power
    from trialkit.report.figures.specification_chart import specification_curve
    from trialkit.report.figures.subgroup_chart import subgroups
    from trialkit.report.figures.survival_chart import survival

# The modules have other names than the functions: a module of the same name would take the function's place once it is imported.
_PUBLIC = {
    "assurance": "assurance_chart",
    "attrition": "attrition_chart",
    "attrition_boundary": "attrition_chart",
    "bounds": "bounds_chart",
    "equivalence": "equivalence_chart",
    "flow": "flow_chart",
    "forest": "effects",
    "funnel": "funnel_chart",
    "group_quality": "group_quality_chart",
    "group_sizes": "group_sizes_chart",
    "interval": "effects",
    "love": "baseline",
    "means": "arms",
    "means_by_wave": "means_chart",
    "mediation": "mediation_chart",
    "mediation_effects": "mediation_chart",
    "mediation_sensitivity": "mediation_chart",
    "meta_forest": "meta_chart",
    "power_contour": "power_contour_chart",
    "power_curve": "power_curve_chart",
    "robustness": "robustness_chart",
    "simulated_search": "search_chart",
    "simulated_power": "simulated_power_chart",
    "specification_curve": "specification_chart",
    "subgroups": "subgroup_chart",
    "survival": "survival_chart",
}

__all__ = [
    "assurance",
    "attrition",
    "attrition_boundary",
    "bounds",
    "equivalence",
    "flow",
    "forest",
    "funnel",
    "group_quality",
    "group_sizes",
    "interval",
    "love",
    "means",
    "means_by_wave",
    "mediation",
    "mediation_effects",
    "mediation_sensitivity",
    "meta_forest",
    "power_contour",
    "power_curve",
    "robustness",
    "simulated_power",
    "simulated_search",
    "specification_curve",
    "subgroups",
    "survival",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'trialkit.report.figures' has no attribute '{name}'")
    return getattr(import_module(f"trialkit.report.figures.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
