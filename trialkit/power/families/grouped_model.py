"""Groups in the treated arm against single controls (or against groups of another kind): variances, df, tails.

V = vT + vC with 1/vT = sum_j 1/(su2 + se2/m_j) over the K groups, vC = sC2/nC, df K - 1 and nC - 1. A baseline precedes the groups:
it removes r^2 sC2 from se2 and from sC2, nothing from su2 (multiplying V by 1 - r^2 would be wrong). Attrition shrinks m and nC,
never K. For a rate su2 = icc pT(1-pT).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.power.grouped_power import exact_tails, satterthwaite_df
from trialkit.inference.power.noncentral import Tails, t_tails
from trialkit.power.arguments import Test
from trialkit.power.families.ratio_scales import RatioScale
from trialkit.power.model import Precision, Sizes
from trialkit.power.people import rounded_up
from trialkit.power.words import plural, size


@dataclass(frozen=True, slots=True)
class Components:
    """Variances between and within groups, by arm; single controls have no group variance."""

    group: Any
    resid: Any
    control_group: Any
    control_resid: Any

    @property
    def treated(self) -> Any:
        return self.group + self.resid

    @property
    def control(self) -> Any:
        return self.control_group + self.control_resid

    def less_baseline(self, correlation: float | None) -> Components:
        """What a baseline taken before the groups leaves: r^2 of the individual variance of a control goes from both arms."""
        if not correlation:
            return self
        removed = correlation**2 * self.control_resid
        if not removed < self.resid:
            raise UsageError(
                f"baseline_correlation={correlation:g} removes {removed:.3g} of the individual variance, and var_resid is {self.resid:.3g} only: "
                "a baseline that strong does not fit these variances. Lower it, or check icc and sd."
            )
        return Components(self.group, self.resid - removed, self.control_group, self.control_resid - removed)


@dataclass(frozen=True, slots=True)
class Rates:
    """A rate in the control arm, the ICCs, and what a baseline leaves of the individual variance of both arms."""

    control_rate: float
    icc: float
    control_icc: float
    left: float

    def components(self, effect: Any) -> Components:
        p, q = self.control_rate + effect, self.control_rate
        treated, control = p * (1 - p), q * (1 - q)
        shares = (self.icc, (1 - self.icc) * self.left, self.control_icc, (1 - self.control_icc) * self.left)
        return Components(shares[0] * treated, shares[1] * treated, shares[2] * control, shares[3] * control)


@dataclass(frozen=True, slots=True)
class LogRatios:
    """A log ratio and the ICCs of the people's contributions to it."""

    scale: RatioScale
    icc: float
    control_icc: float

    def components(self, effect: Any, share: Any = 0.5) -> Components:
        treated, control = self.scale.variances(effect, share)
        shares = (self.icc, 1 - self.icc, self.control_icc, 1 - self.control_icc)
        return Components(shares[0] * treated, shares[1] * treated, shares[2] * control, shares[3] * control)


@dataclass(frozen=True, slots=True)
class Grouped:
    """All but effect, power and sizes.

    Sizes: groups, group_size, and controls or control_groups and control_group_size. `listed` holds the size of every treated
    group when they differ; group_size is then absent.
    """

    outcome: Components | Rates | LogRatios
    attrition: tuple[float, float]
    listed: tuple[float, ...] | None
    control_grouped: bool
    exact: bool
    test: Test

    def components(self, effect: Any, sizes: Sizes | None = None) -> Components:
        if isinstance(self.outcome, LogRatios):
            return self.outcome.components(effect, 0.5 if sizes is None else self._share(sizes))
        return self.outcome.components(effect) if isinstance(self.outcome, Rates) else self.outcome

    def _share(self, sizes: Sizes) -> Any:
        """Share of the treated among the people analysed."""
        treated = sum(self.listed) if self.listed is not None else np.asarray(sizes["groups"]) * sizes["group_size"]
        single = not self.control_grouped
        controls = sizes["controls"] if single else np.asarray(sizes["control_groups"]) * sizes["control_group_size"]
        left = treated * (1 - self.attrition[0])
        return left / (left + np.asarray(controls) * (1 - self.attrition[1]))

    def parts(self, effect: Any, sizes: Sizes) -> tuple[Any, Any, Any, Any]:
        """vT, vC and the degrees of freedom with which they are estimated."""
        c = self.components(effect, sizes)
        groups = np.asarray(sizes["groups"])
        if self.listed is not None:
            vt = 1 / sum(1 / (c.group + c.resid / (m * (1 - self.attrition[0]))) for m in self.listed)
        else:
            vt = (c.group + c.resid / (np.asarray(sizes["group_size"]) * (1 - self.attrition[0]))) / groups
        if not self.control_grouped:
            left = np.asarray(sizes["controls"]) * (1 - self.attrition[1])
            return vt, c.control / left, groups - 1, left - 1
        number, m = np.asarray(sizes["control_groups"]), np.asarray(sizes["control_group_size"]) * (1 - self.attrition[1])
        return vt, (c.control_group + c.control_resid / m) / number, groups - 1, number - 1

    def tails(self, effect: Any, sizes: Sizes) -> Tails:
        vt, vc, a, b = self.parts(effect, sizes)
        if self.exact and self.test.reference == "t":
            return exact_tails(
                effect=effect,
                treated=vt,
                control=vc,
                df_treated=a,
                df_control=b,
                alpha=self.test.alpha,
                alternative=self.test.alternative,
            )
        df = self._df(vt, vc, a, b)
        return t_tails(ncp=effect / np.sqrt(vt + vc), df=df, critical=self.test.critical(df), alternative=self.test.alternative)

    def precision(self, effect: float, sizes: Sizes) -> Precision:
        vt, vc, a, b = self.parts(effect, sizes)
        return Precision(math.sqrt(vt + vc), float(self._df(vt, vc, a, b)))

    def _df(self, vt: Any, vc: Any, a: Any, b: Any) -> Any:
        return math.inf if self.test.reference == "z" else satterthwaite_df(treated=vt, control=vc, df_treated=a, df_control=b)

    def effect_limit(self, direction: int) -> float:
        if not isinstance(self.outcome, Rates):
            return math.inf
        return 1 - self.outcome.control_rate if direction > 0 else self.outcome.control_rate

    def whole(self, sizes: Sizes) -> Sizes:
        return {k: rounded_up(v) for k, v in sizes.items()}

    def arguments(self, sizes: Sizes) -> dict[str, Any]:
        if self.listed is None:
            return dict(sizes)
        return {"group_size": self.listed, **{k: v for k, v in sizes.items() if k != "groups"}}

    def people(self, sizes: Sizes) -> tuple[float, float]:
        """People to randomize to the treated and to the control arm."""
        treated = float(sum(self.listed)) if self.listed is not None else float(sizes["groups"] * sizes["group_size"])
        return treated, float(
            sizes["control_groups"] * sizes["control_group_size"] if self.control_grouped else sizes["controls"]
        )

    def fields(self, sizes: Sizes) -> dict[str, Any]:
        treated, controls = self.people(sizes)
        equal = math.isclose(treated, controls, rel_tol=1e-12)
        found: dict[str, Any] = {"n": treated + controls, "n_per_arm": treated if equal else None, "treated": treated}
        found |= {k: float(v) for k, v in sizes.items()} | {"controls": controls}
        if self.listed is not None:
            return found | {"group_size": self.listed}
        c = self.components(0.0)
        m = float(sizes["group_size"]) * (1 - self.attrition[0])
        return found | {"design_effect": float(1 + (m - 1) * c.group / c.treated)}

    def words(self, sizes: Sizes) -> str:
        return f"{self.groups_words(sizes)} and {self.control_words(sizes)}"

    def groups_words(self, sizes: Sizes) -> str:
        if self.listed is not None:
            return f"{len(self.listed)} groups of {sizes_words(self.listed)}"
        return f"{plural(sizes['groups'], 'group')} of {size(sizes['group_size'])}"

    def control_words(self, sizes: Sizes) -> str:
        if not self.control_grouped:
            return plural(sizes["controls"], "control")
        return f"{plural(sizes['control_groups'], 'control group')} of {size(sizes['control_group_size'])}"


def sizes_words(listed: Sequence[float]) -> str:
    """'12', '12 or 13', '5 to 15 people'."""
    low, high = min(listed), max(listed)
    if low == high:
        return size(low)
    return f"{size(low)} or {size(high)}" if high - low == 1 else f"{size(low)} to {size(high)} people"
