"""Who was reached, who stayed, and whether the arms were alike at the start.

The functions are imported here at once, not on demand: each bears the name of its module, and whichever of the two was loaded
last would otherwise stand under that name.
"""

from trialkit.selection.attrition import attrition, attrition_boundary
from trialkit.selection.balance import balance
from trialkit.selection.bounds import kling_liebman, lee_bounds, manski_bounds
from trialkit.selection.comparison.e_values import evalue
from trialkit.selection.comparison.matched_pairs import rosenbaum_bounds
from trialkit.selection.comparison.robustness import robustness_value
from trialkit.selection.comparison.stability import oster
from trialkit.selection.comparison.within_study_comparison import within_study
from trialkit.selection.complier_profile import complier_profile
from trialkit.selection.flow import flow
from trialkit.selection.peers.assignment import peer_assignment_test
from trialkit.selection.peers.composition import peer_composition
from trialkit.selection.reach.funnel import reach
from trialkit.selection.reach.generalizability import generalizability, tipton_index
from trialkit.selection.reach.transport import transport
from trialkit.selection.take_up.dose import dose
from trialkit.selection.take_up.principal_strata import principal_strata
from trialkit.selection.take_up.shares import take_up
from trialkit.selection.two_stage.preference_trial import preference_trial
from trialkit.selection.two_stage.saturation import saturation

__all__ = [
    "attrition",
    "attrition_boundary",
    "balance",
    "complier_profile",
    "dose",
    "evalue",
    "flow",
    "generalizability",
    "kling_liebman",
    "lee_bounds",
    "manski_bounds",
    "oster",
    "peer_assignment_test",
    "peer_composition",
    "preference_trial",
    "principal_strata",
    "reach",
    "robustness_value",
    "rosenbaum_bounds",
    "saturation",
    "take_up",
    "tipton_index",
    "transport",
    "within_study",
]
