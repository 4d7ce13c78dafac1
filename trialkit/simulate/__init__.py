"""Simulated trials with known truth: scenarios of the studies of the review, composed of parts."""

from trialkit.simulate.replicates import Replicates, many
from trialkit.simulate.simulated import Simulated, scenario, scenarios, write_scenario
from trialkit.simulate.spec import ScenarioSpec, load_scenario, read_scenario
from trialkit.simulate.truth import Truth, compute_truth

__all__ = [
    "Replicates",
    "ScenarioSpec",
    "Simulated",
    "Truth",
    "compute_truth",
    "load_scenario",
    "many",
    "read_scenario",
    "scenario",
    "scenarios",
    "write_scenario",
]
