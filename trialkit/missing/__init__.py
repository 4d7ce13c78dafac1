"""Missing data: multiple imputation with groups in some arms, pooling, and how much the missing could matter.

The functions are imported here at once, not on demand: each bears the name of its module, and whichever of the two was loaded
last would otherwise stand under that name.
"""

from trialkit.missing.delta import delta
from trialkit.missing.impute import impute
from trialkit.missing.pool import pool
from trialkit.missing.reference_based import reference_based
from trialkit.missing.tipping_point import tipping_point
from trialkit.missing.what_if import what_if

__all__ = ["delta", "impute", "pool", "reference_based", "tipping_point", "what_if"]
