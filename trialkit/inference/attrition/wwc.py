"""The attrition boundary of the What Works Clearinghouse: the published table for verdicts, its bias model for curves.

The model: an outcome of SD one and a latent wish to respond correlate a_t and a_c in the two arms; those with the strongest wish respond. With P the share
that responds and z = Phi^-1(1 - P), the mean of respondents is off by a phi(z)/P, so the difference between the arms is off by

    bias = a_t phi(z_t)/P_t - a_c phi(z_c)/P_c,    a_t^2, a_c^2 = .20, .15 (cautious) or .075, .05 (optimistic).

The boundary is the differential attrition at which the bias reaches a tolerance when the treated arm loses more. The published table lies within .15 percentage point of
the model at a tolerance of .055 from 7 % overall on, and reports a bias that rounds to .05; verdicts come from the table. Source: What Works
Clearinghouse, Standards Handbook 4.1, table II.1.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from scipy import optimize, special

from trialkit.inference.arrays import FloatArray

Assumption = Literal["cautious", "optimistic"]
ASSUMPTIONS: tuple[str, ...] = get_args(Assumption)
SQUARES = {"cautious": (0.20, 0.15), "optimistic": (0.075, 0.05)}
MODEL_TOLERANCE = 0.055

# largest differential in percentage points at overall attrition of 0, 1, 2, ... percent; beyond the end of a list attrition is always high
TABLE = {
    "cautious": (
        5.7, 5.8, 5.9, 5.9, 6.0, 6.1, 6.2, 6.3, 6.3, 6.3, 6.3, 6.2, 6.2, 6.1, 6.0, 5.9, 5.9, 5.8, 5.7, 5.5, 5.4, 5.3, 5.2, 5.1, 4.9, 4.8, 4.7, 4.5, 4.4, 4.3,
        4.1, 4.0, 3.8, 3.6, 3.5, 3.3, 3.2, 3.1, 2.9, 2.8, 2.6, 2.5, 2.3, 2.1, 2.0, 1.8, 1.6, 1.5, 1.3, 1.2, 1.0, 0.9, 0.7, 0.6, 0.4, 0.3, 0.2, 0.0,
    ),
    "optimistic": (
        10.0, 10.1, 10.2, 10.3, 10.4, 10.5, 10.7, 10.8, 10.9, 10.9, 10.9, 10.9, 10.9, 10.8, 10.8, 10.7, 10.6, 10.5, 10.3, 10.2, 10.0, 9.9, 9.7, 9.5, 9.4, 9.2,
        9.0, 8.8, 8.6, 8.4, 8.2, 8.0, 7.8, 7.6, 7.4, 7.2, 7.0, 6.7, 6.5, 6.3, 6.0, 5.8, 5.6, 5.3, 5.1, 4.9, 4.6, 4.4, 4.2, 3.9, 3.7, 3.5, 3.2, 3.0, 2.8, 2.6,
        2.3, 2.1, 1.9, 1.6, 1.4, 1.1, 0.9, 0.7, 0.5, 0.3,
    ),
}  # fmt: skip


def table_boundary(overall: float, assumption: str) -> float:
    """Largest differential attrition (a share) that is low at an overall attrition (a share), by the published table; NaN where none is.

    The overall rate is rounded to a whole percent, halves up: the handbook does not say how, and published code does so.
    """
    column = TABLE[assumption]
    percent = math.floor(100 * overall + 0.5 + 1e-9)
    return column[percent] / 100 if percent < len(column) else math.nan


def model_bias(*, attrition_treated: float, attrition_control: float, assumption: str) -> float:
    """Bias of the difference in means, in SD of the outcome, by the model; NaN when an arm has nobody left."""
    treated, control = (math.sqrt(s) for s in SQUARES[assumption])
    return treated * _shift(attrition_treated) - control * _shift(attrition_control)


def model_boundary(*, overall: float, assumption: str, tolerance: float = MODEL_TOLERANCE) -> float:
    """Differential attrition at which the model's bias is `tolerance`, arms of equal size and the treated one losing more.

    NaN where the bias is above the tolerance even without a difference; the largest difference that exists where it never gets there.
    """

    def excess(differential: float) -> float:
        rates = overall + differential / 2, overall - differential / 2
        return model_bias(attrition_treated=rates[0], attrition_control=max(rates[1], 0.0), assumption=assumption) - tolerance

    if not 0 < overall < 1:
        return math.nan
    most = 2 * min(overall, 1 - overall) * (1 - 1e-12)
    if excess(0.0) > 0:
        return math.nan
    return most if excess(most) <= 0 else float(optimize.brentq(excess, 0.0, most, xtol=1e-14))


def model_boundaries(*, overall: FloatArray, assumption: str, tolerance: float = MODEL_TOLERANCE) -> FloatArray:
    """`model_boundary` at each overall rate."""
    return np.array([model_boundary(overall=float(a), assumption=assumption, tolerance=tolerance) for a in overall])


def _shift(attrition: float) -> float:
    """phi(z)/P: how far the mean of the latent wish of respondents lies above that of everyone."""
    if attrition <= 0:
        return 0.0
    if attrition >= 1:
        return math.nan
    z = float(special.ndtri(attrition))
    return math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) / (1 - attrition)
