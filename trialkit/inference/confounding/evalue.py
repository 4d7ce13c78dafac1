"""E-values: the risk ratio that an unmeasured confounder needs with both treatment and outcome to explain an estimate away.

E = RR + sqrt(RR (RR - 1)) for RR >= 1, and of 1/RR below. Other measures are turned into approximate risk ratios: an odds ratio or hazard ratio of a rare
outcome as it is; of a common one sqrt(OR) and (1 - .5^sqrt(HR))/(1 - .5^sqrt(1/HR)); a standardized difference exp(.91 d), with limits
exp(.91 d +- 1.78 se). Source: VanderWeele & Ding (2017), Annals of Internal Medicine 167; Mathur et al. (2018), Epidemiology 29; the odds ratio: VanderWeele (2017),
Biometrics 73.
"""

from __future__ import annotations

import math


def evalue(risk_ratio: float, null: float = 1.0) -> float:
    """E-value that moves a risk ratio to `null`."""
    ratio = risk_ratio / null
    ratio = 1 / ratio if ratio < 1 else ratio
    return ratio + math.sqrt(ratio * (ratio - 1))


def from_common_odds(odds_ratio: float) -> float:
    return math.sqrt(odds_ratio)


def from_common_hazards(hazard_ratio: float) -> float:
    root = math.sqrt(hazard_ratio)
    return (1 - 0.5**root) / (1 - 0.5 ** (1 / root))


def from_smd(d: float) -> float:
    return math.exp(0.91 * d)
