"""Who is lost, whether that is selective, and whether it is much."""

from trialkit.selection.attrition.boundary import attrition_boundary
from trialkit.selection.attrition.losses import AttritionResult, attrition

__all__ = ["AttritionResult", "attrition", "attrition_boundary"]
