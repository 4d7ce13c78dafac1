"""Who was reached, who stayed, and whether the arms were alike at the start.

The functions are imported here at once, not on demand: each bears the name of its module, and whichever of the two was loaded
last would otherwise stand under that name.
"""

from trialkit.selection.attrition import attrition
from trialkit.selection.balance import balance
from trialkit.selection.complier_profile import complier_profile
from trialkit.selection.flow import flow

__all__ = ["attrition", "balance", "complier_profile", "flow"]
