"""The incremental cost-effectiveness ratio with Fieller's interval, net benefit and acceptability, from summary figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trialkit.errors import UsageError, shown
from trialkit.inference.distributions import t_quantile, t_tail
from trialkit.inference.fieller import fieller
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Note, TableResult


@dataclass(frozen=True)
class CostEffectiveness(TableResult):
    """`.icer` with its set (`.roots`, `.bounded`), and net benefit at the threshold (`.inmb`, `.se_inmb`); `.ceac()` at any thresholds."""

    kind = "icer"

    @property
    def icer(self) -> float:
        """Extra cost for one more unit of effect; NaN without a difference in effect."""
        return self._value("icer")

    @property
    def roots(self) -> tuple[float, float]:
        """Fieller's limits; the set lies between them when `bounded`, else outside them, and is every number when they are NaN."""
        return self._value("root_low"), self._value("root_high")

    @property
    def bounded(self) -> bool:
        return bool(self.details["bounded"])

    @property
    def inmb(self) -> float:
        """Incremental net monetary benefit: threshold x effect - cost."""
        return self._value("inmb")

    @property
    def se_inmb(self) -> float:
        return self._value("se_inmb")

    def net_benefit(self, threshold: float) -> tuple[float, float]:
        """Net benefit and its standard error at a threshold."""
        d = self.details
        value = threshold * d["delta_effect"] - d["delta_cost"]
        variance = threshold**2 * d["se_effect"] ** 2 + d["se_cost"] ** 2 - 2 * threshold * d["covariance"]
        return value, math.sqrt(max(variance, 0.0))

    def ceac(self, thresholds: Sequence[float] | None = None) -> list[float]:
        """Acceptability at thresholds (by default a third of, once and twice that of the result): one minus the one-sided p-value of a net benefit above zero."""
        own = float(self.details["threshold"])
        df = float(self.details["df"])
        found = []
        for threshold in (own / 3, own, 2 * own) if thresholds is None else thresholds:
            value, se = self.net_benefit(float(threshold))
            found.append(t_tail(-value / se, df) if se > 0 else math.nan)
        return found

    def _value(self, name: str) -> float:
        found = self.table[0][name]
        return math.nan if found is None else float(found)

    def _title(self) -> str:
        low, high = self.roots
        level = f"{100 * self.details['conf_level']:g}%"
        if math.isnan(low):
            span = f"the {level} set holds every number"
        elif self.bounded:
            span = f"{level} interval {number(low)} to {number(high)}"
        else:
            span = f"{level} set: below {number(low)} or above {number(high)}"
        return f"Cost per unit of effect {number(self.icer)} ({span})"


@explained
def icer(
    *,
    delta_cost: float,
    se_cost: float,
    delta_effect: float,
    se_effect: float,
    correlation: float,
    threshold: float,
    df: float = math.inf,
    conf_level: float = 0.95,
) -> CostEffectiveness:
    """The incremental cost-effectiveness ratio with Fieller's interval, net monetary benefit and acceptability.

    Parameters
    ----------
    delta_cost, se_cost : difference in mean cost between the arms, and its standard error; for groups those of `tk.itt`, which respect them.
    delta_effect, se_effect : the same for the effect, in units in which more is better. correlation : of the two estimates.
    threshold : what one unit of effect is worth, in the unit of the costs.
    df : degrees of freedom, for t in place of normal quantiles; give the smaller of the two differences with few groups.
    conf_level : of the interval.

    Returns
    -------
    CostEffectiveness
        `.icer`, `.roots`, `.bounded`, `.inmb`, `.se_inmb`, `.ceac(thresholds)`.

    Raises
    ------
    UsageError
        Standard errors that are not positive, a correlation outside -1 to 1.

    Notes
    -----
    Where the effect does not differ from zero the set is unbounded and no interval is given in its place. A negative ratio has two meanings
    (cheaper and better, or dearer and worse); a note says which.

    References
    ----------
    Fieller (1954); Willan & O'Brien (1996), Health Economics 5; Stinnett & Mullahy (1998), Medical Decision Making 18.

    Examples
    --------
    >>> found = icer(delta_cost=1000, se_cost=300, delta_effect=0.05, se_effect=0.015, correlation=0.2, threshold=30000)
    >>> [round(r, 3) for r in found.roots], found.inmb
    ([8214.361, 48695.208], 500.0)
    """
    given = (delta_cost, se_cost, delta_effect, se_effect, correlation, threshold)
    if not all(math.isfinite(v) for v in given):
        raise UsageError(
            f"costs, effects, their standard errors, the correlation and the threshold must be numbers; got {shown(given, 6)}."
        )
    if not (se_cost > 0 and se_effect > 0):
        raise UsageError(f"standard errors lie above zero; got se_cost={se_cost:g} and se_effect={se_effect:g}.")
    if not -1 <= correlation <= 1:
        raise UsageError(
            f"correlation={correlation:g} must lie between -1 and 1: it is that of the estimates of cost and effect."
        )
    if not df > 0:
        raise UsageError(f"df={df:g} must lie above zero.")
    if not 0 < conf_level < 1:
        raise UsageError(f"conf_level={conf_level:g} must lie between 0 and 1, for instance 0.95.")
    covariance = correlation * se_cost * se_effect
    quantile = t_quantile(1 - (1 - conf_level) / 2, df)
    found = fieller(
        numerator=delta_cost,
        denominator=delta_effect,
        variances=(se_cost**2, se_effect**2),
        covariance=covariance,
        quantile=quantile,
    )
    details = {
        "delta_cost": delta_cost, "se_cost": se_cost, "delta_effect": delta_effect, "se_effect": se_effect, "covariance": covariance,
        "threshold": threshold, "df": "inf" if math.isinf(df) else df, "conf_level": conf_level, "bounded": found.bounded,
    }  # fmt: skip
    ratio = delta_cost / delta_effect if delta_effect else math.nan
    base = CostEffectiveness((), (), details)
    inmb, se_inmb = base.net_benefit(threshold)
    row = {"icer": ratio, "root_low": found.low, "root_high": found.high, "inmb": inmb, "se_inmb": se_inmb}
    return CostEffectiveness((), _notes(delta_cost, delta_effect, ratio, found.bounded), details, (row,))


def _notes(cost: float, effect: float, ratio: float, bounded: bool) -> tuple[Note, ...]:
    notes = []
    if ratio < 0:
        text = "costs less and does more" if effect > 0 else "costs more and does less"
        notes.append(Note("ratio_negative", f"the treatment {text}: the ratio itself has no meaning, the net benefit has."))
    elif effect < 0 and cost < 0:
        notes.append(
            Note(
                "less_for_less",
                "the treatment does less and costs less: the ratio is what is saved for each unit of effect given up.",
            )
        )
    if not bounded:
        notes.append(
            Note("unbounded", "the effect does not differ from zero at this level, so the ratio has no bounded interval.")
        )
    return tuple(notes)
