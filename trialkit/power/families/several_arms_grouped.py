"""Several active arms against one control when people of some or all active arms meet in groups.

Every comparison has the variances of its own two arms, V_i = vT_i + vC with vT_i = s^2 (1 + (m-1) icc)/(K m) or s^2/n, and its own Satterthwaite df: it is the
test of `grouped` at the corrected level, exact over the variance ratio. Dunnett's critical value needs one pooled variance and does not exist here. At
least one and all: given the control arm's mean the comparisons are independent, so that both are integrals over one normal variable (plug-in df, each
comparison with a variance estimate of its own).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.arrays import FloatArray
from trialkit.inference.power.grouped_power import exact_tails, satterthwaite_df
from trialkit.inference.power.noncentral import critical_value, t_tails
from trialkit.power.arguments import Test, real

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(96)


@dataclass(frozen=True, slots=True)
class GroupedArms:
    """Which active arms meet in groups, and how; variances in units of that of a person after the baseline."""

    grouped: tuple[bool, ...]
    group_size: float
    icc: float
    removed: float
    left: float
    level: float
    test: Test

    def parts(self, groups: float, alone: float, controls: float) -> tuple[FloatArray, float, FloatArray, float]:
        """Variances of the active arms' means and of the control's, with their df."""
        m, person = self.group_size * self.left, 1 - self.removed
        within = 1 - self.icc - self.removed
        active = [(self.icc + within / m) / groups if g else person / (alone * self.left) for g in self.grouped]
        df = [groups - 1 if g else alone * self.left - 1 for g in self.grouped]
        return np.array(active), person / (controls * self.left), np.array(df), controls * self.left - 1

    def each(self, effects: FloatArray, groups: float, alone: float, controls: float) -> FloatArray:
        """Power of every comparison."""
        vt, vc, a, b = self.parts(groups, alone, controls)
        tails = exact_tails(
            effect=effects,
            treated=vt,
            control=vc,
            df_treated=a,
            df_control=b,
            alpha=self.level,
            alternative=self.test.alternative,
        )
        return np.asarray(tails.power)

    def together(self, effects: FloatArray, groups: float, alone: float, controls: float) -> tuple[float, float]:
        """Power of at least one and of all."""
        vt, vc, a, b = self.parts(groups, alone, controls)
        df = satterthwaite_df(treated=vt, control=vc, df_treated=a, df_control=b)
        cut = critical_value(df, self.level, self.test.alternative) * np.sqrt((vt + vc) / vt)
        shifted = (effects - math.sqrt(vc) * _NODES[:, None]) / np.sqrt(vt)
        one = t_tails(ncp=shifted, df=df, critical=cut, alternative=self.test.alternative).power
        w = _WEIGHTS / _WEIGHTS.sum()
        return float(1 - w @ np.prod(1 - one, axis=1)), float(w @ np.prod(one, axis=1))

    def least_df(self, groups: float, alone: float, controls: float) -> tuple[float, float]:
        """Smallest df of a comparison, and the largest standard error."""
        vt, vc, a, b = self.parts(groups, alone, controls)
        return float(np.min(satterthwaite_df(treated=vt, control=vc, df_treated=a, df_control=b))), math.sqrt(
            float(vt.max()) + vc
        )


def grouped_arms(
    *,
    grouped: Sequence[bool] | None,
    arms: int,
    group_size: Any,
    icc: Any,
    correction: str,
    baseline_correlation: float | None,
    left: float,
    test: Test,
) -> GroupedArms:
    """What was said about groups, checked."""
    if correction not in ("bonferroni", "none"):
        raise UsageError(
            f"correction='{correction}' needs one variance for all arms, and arms whose people meet in groups have their own: use correction='bonferroni'."
        )
    if group_size is None or icc is None:
        missing = " and ".join(k for k, v in (("group_size", group_size), ("icc", icc)) if v is None)
        raise UsageError(f"{missing} missing: with groups say groups, group_size and icc.")
    which = (True,) * arms if grouped is None else tuple(bool(g) for g in grouped)
    if len(which) != arms or not any(which):
        raise UsageError(
            f"grouped must say of each of the {arms} active arms whether its people meet in groups, of at least one that they do."
        )
    rho = real("icc", icc, at_least=0, at_most=1)
    removed = (baseline_correlation or 0.0) ** 2
    if not removed < 1 - rho:
        raise UsageError(
            f"baseline_correlation={baseline_correlation:g} removes {removed:.3g} of the variance, and {1 - rho:.3g} lies within groups only."
        )
    level = test.alpha / (arms if correction == "bonferroni" else 1)
    return GroupedArms(which, real("group_size", group_size, at_least=1), rho, removed, left, level, test)
