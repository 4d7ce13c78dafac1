"""Omitted variable bias of a regression coefficient in partial R2: robustness values, adjusted estimates and bounds by observed covariates.

With t and df of the treatment, f = |t|/sqrt(df). A confounder Z that explains R_y = R2(Y~Z|D,X) and R_d = R2(D~Z|X) moves the estimate by

    se sqrt(df) sqrt(R_y R_d/(1 - R_d)),   and its standard error to   se sqrt((1 - R_y)/(1 - R_d)) sqrt(df/(df - 1)).

The robustness value is the smallest bound on both R2 that takes away 100q % of the estimate, or with alpha < 1 brings the rest to the edge of
significance on df - 1: with x = q f - f_c, f_c = t_{alpha/2, df-1}/sqrt(df - 1), it is 2/(1 + sqrt(1 + 4/x^2)), and ((qf)^2 - f_c^2)/(1 + (qf)^2) where
q f > 1/f_c, because a smaller R_y then serves better. Source: Cinelli & Hazlett (2020), JRSS B 82, eq. 5-21; (2022), "An omitted variable bias
framework for sensitivity analysis of instrumental variables", on the second form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_quantile


@dataclass(frozen=True, slots=True)
class Bound:
    """The strength of a confounder k times as strong as observed covariates; R2 of one or more is capped at 1."""

    r2_treatment: float
    r2_outcome: float


def partial_r2(t: float, df: float) -> float:
    """Share of the residual variation of the outcome that the treatment explains."""
    return t**2 / (t**2 + df)


def robustness_value(*, t: float, df: float, q: float = 1.0, alpha: float = 1.0) -> float:
    """The robustness value of a coefficient with this t on df; alpha = 1 is that of the point estimate."""
    strength = q * abs(t) / math.sqrt(df)
    critical = abs(t_quantile(alpha / 2, df - 1)) / math.sqrt(df - 1)
    rest = strength - critical
    if rest <= 0:
        return 0.0
    if critical > 0 and strength > 1 / critical:
        return (strength**2 - critical**2) / (1 + strength**2)
    return 2 / (1 + math.sqrt(1 + 4 / rest**2))


def adjusted(
    *, estimate: float, std_error: float, df: float, r2_treatment: FloatArray, r2_outcome: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Estimate and standard error with a confounder of these strengths (arrays of one shape) that pulls towards and past zero."""
    d, y = np.asarray(r2_treatment, dtype=float), np.asarray(r2_outcome, dtype=float)
    bias = std_error * math.sqrt(df) * np.sqrt(y * d / (1 - d))
    moved = math.copysign(1.0, estimate) * (abs(estimate) - bias)
    return moved, std_error * np.sqrt((1 - y) / (1 - d)) * math.sqrt(df / (df - 1))


def benchmark(*, r2_treatment: float, r2_outcome: float, k: float) -> Bound:
    """Bounds for a confounder k times as strong as covariates with partial R2 r2_treatment = R2(D~X_j|rest), r2_outcome = R2(Y~X_j|D, rest).

    Source: Cinelli & Hazlett (2020), eq. 20 and 21. A confounder that would explain all of the treatment has no bound: NaN.
    """
    d = k * r2_treatment / (1 - r2_treatment)
    if d >= 1:
        return Bound(math.nan, math.nan)
    shared = k * r2_treatment**2 / ((1 - k * r2_treatment) * (1 - r2_treatment))
    if not 0 <= shared < 1:
        return Bound(d, 1.0)
    eta = (math.sqrt(k) + math.sqrt(shared)) / math.sqrt(1 - shared)
    return Bound(d, min(eta**2 * r2_outcome / (1 - r2_outcome), 1.0))
