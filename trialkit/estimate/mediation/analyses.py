"""`tk.mediation`: what goes on from `tk.mediate`, and several mediators at once.

The functions are imported here at once, not on demand: some bear the name of their module.
"""

from trialkit.estimate.mediation.benchmark import benchmark
from trialkit.estimate.mediation.controlled_direct import controlled_direct_effect
from trialkit.estimate.mediation.evalues import evalue
from trialkit.estimate.mediation.exclusion import exclusion_check
from trialkit.estimate.mediation.four_way import four_way
from trialkit.estimate.mediation.manipulated import encouragement_design, parallel_design
from trialkit.estimate.mediation.moderated import moderated
from trialkit.estimate.mediation.sensitivity import sensitivity
from trialkit.estimate.mediation.several_mediators import several_mediators
from trialkit.estimate.mediation.unreliability import disattenuated
from trialkit.estimate.mediation.waves import longitudinal

__all__ = [
    "benchmark",
    "controlled_direct_effect",
    "disattenuated",
    "encouragement_design",
    "evalue",
    "exclusion_check",
    "four_way",
    "longitudinal",
    "moderated",
    "parallel_design",
    "sensitivity",
    "several_mediators",
]
