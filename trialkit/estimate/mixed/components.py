"""What the random effects amount to: variances, intraclass correlations with intervals, and tests that a variance is zero."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from trialkit.estimate.mixed.mixed_model import MixedModel, refit
from trialkit.estimate.mixed.random_effects import RandomEffect
from trialkit.inference.arrays import FloatArray
from trialkit.inference.mixed.icc import RatioTest, variance_ratio

EXACT = "inverted exact F test (Wald 1947; Harville & Fenech 1985)"
MIXTURE = "half chi-square(0), half chi-square(1)"


def variance_components(model: MixedModel) -> dict[str, float]:
    """var_<name> of every random effect and residual, then the icc (one) or icc_<name> (several)."""
    theta = dict(zip(model.variances, model.mixed.theta.tolist()))
    random = [e.name for e in model.effects]
    out = {f"var_{n}": theta[n] for n in (*random, *(n for n in model.variances if n not in random))}
    shares = _shares(model)
    if len(shares) == 1:
        return out | {"icc": shares[0][2]}
    return out | {f"icc_{_share_name(model, effect, arm)}": icc for effect, arm, icc in shares}


def intraclass_correlations(model: MixedModel, conf_level: float) -> list[dict[str, Any]]:
    """One entry a random effect and residual variance: icc (cut off at 0), its interval, the F test behind it, levels and sizes."""
    rows = []
    for effect, arm, icc in _shares(model):
        exact = _exact(model, effect, arm, conf_level)
        sizes = np.bincount(effect.codes[effect.codes >= 0])
        sizes = sizes[sizes > 0]
        rows.append(
            {
                "name": effect.name, "arm": None if arm is None else model.sample.arms[arm], "icc": icc, "conf_low": exact.icc_low,
                "conf_high": exact.icc_high, "conf_level": conf_level, "interval": EXACT if math.isfinite(exact.icc_low) else None,
                "f_statistic": exact.statistic, "f_df_num": exact.df_num, "f_df_denom": exact.df_denom, "f_p_value": exact.p_value,
                "levels": len(sizes), "size_mean": float(sizes.mean()), "size_min": int(sizes.min()), "size_max": int(sizes.max()),
            }
        )  # fmt: skip
    return rows


def variance_tests(model: MixedModel) -> list[dict[str, Any]]:
    """Restricted likelihood-ratio test of each random effect's variance against 0, upwards.

    The difference in -2 restricted log likelihood, 0 where the estimate is below 0, is referred to the mixture that holds for one variance on the
    edge of its space (Self & Liang 1987; Stram & Lee 1994). With few groups that is approximate; the F test of the icc is exact.
    """
    rows = []
    first = len(model.variances) - len(model.effects)
    spread = (
        np.sqrt(np.maximum(np.diag(model.mixed.inverse_information(model.mixed.observed)), 0.0)) * float(model.mixed.unit) ** 2
    )
    for p, effect in enumerate(model.effects, start=first):
        value = float(model.mixed.theta[p])
        statistic = 0.0
        if value > 0:
            zero = model.mixed.at_limit.copy()
            zero[p] = True
            statistic = max(float(refit(model, model.part, model.effects, zero).deviance - model.mixed.deviance), 0.0)
        p_value = 0.5 * float(special.chdtrc(1, statistic)) if statistic > 0 else 1.0
        rows.append(
            {
                "name": effect.name, "estimate": value, "std_error": float(spread[p]) if not model.mixed.at_limit[p] else math.nan,
                "statistic": statistic, "p_value": p_value, "reference": MIXTURE,
            }
        )  # fmt: skip
    return rows


def _shares(model: MixedModel) -> list[tuple[RandomEffect, int | None, float]]:
    """Effect, arm (None: one residual variance for all) and the effect's share of the variance of a person there."""
    parts = len(model.variances) - len(model.effects)
    theta = np.maximum(model.mixed.theta, 0.0)
    arms = np.unique(model.sample.arm)
    out: list[tuple[RandomEffect, int | None, float]] = []
    for f, effect in enumerate(model.effects):
        for a in effect.arms if parts > 1 else (None,):
            where = effect.arms[0] if a is None else a
            residual = theta[0] if a is None else theta[int(np.searchsorted(arms, a))]
            beside = sum(theta[parts + h] for h, other in enumerate(model.effects) if where in other.arms)
            out.append((effect, a, float(theta[parts + f] / (beside + residual))))
    return out


def _share_name(model: MixedModel, effect: RandomEffect, arm: int | None) -> str:
    if arm is None or len(effect.arms) == 1:
        return effect.name
    return f"{effect.name}_{model.sample.arms[arm]}"


def _exact(model: MixedModel, effect: RandomEffect, arm: int | None, conf_level: float) -> RatioTest:
    """The exact test among people without another random effect; undefined where this one's have another, which would be in the ratio."""
    people = np.ones(model.sample.n, dtype=bool) if arm is None else model.sample.arm == arm
    inside = people.copy()
    for other in model.effects:
        if other is not effect:
            inside &= other.codes < 0
    if ((effect.codes >= 0) & people & ~inside).any():
        return RatioTest(math.nan, 0, 0, math.nan, math.nan, math.nan)
    X: FloatArray = model.fit.X[inside]
    return variance_ratio(y=model.sample.y[inside], X=X, group=effect.codes[inside], conf_level=conf_level)
