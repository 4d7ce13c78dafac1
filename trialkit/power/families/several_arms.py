"""Several active arms against one control: Dunnett, Bonferroni, or the omnibus F test. Independent people.

Every comparison uses the variance pooled over all arms, df N - k - 1, and the correlation that the shared control brings. The per-comparison power
of Dunnett is the noncentral t at the single-step critical value; that of at least one and of all integrates over what is shared
(inference/many_to_one.py). The omnibus test has noncentrality N f^2, f the population SD of the arms' means in SDs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy import optimize, special, stats

from trialkit.errors import UsageError
from trialkit.inference.arrays import FloatArray
from trialkit.inference.dunnett import dunnett_critical
from trialkit.inference.many_to_one import many_to_one_power
from trialkit.inference.noncentral import Alternative
from trialkit.power.arguments import Test, choice, optional, real, said
from trialkit.power.people import rounded_up
from trialkit.power.result import PowerResult
from trialkit.power.solve import NoSolutionError
from trialkit.power.words import number, percent, size

Correction: TypeAlias = Literal["dunnett", "bonferroni", "none", "omnibus"]
PowerOf: TypeAlias = Literal["weakest", "any", "all"]

SIZE_ARGUMENTS = ("n_per_arm", "controls")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the tests do at one design."""

    each: FloatArray
    some: float
    every: float
    critical: float
    df: float
    std_error: float

    def one(self, which: PowerOf) -> float:
        return {"weakest": float(self.each.min()), "any": self.some, "all": self.every}[which]


class SeveralArmsResult(PowerResult):
    """Power of several arms: `.power` is a tuple, one number a comparison (one number for the omnibus test)."""

    kind = "power_several_arms"

    def paragraph(self, *, gains: bool = True) -> str:
        d = self.details
        first = f"{size(d['n_per_arm'])} people in each active arm and {size(d['controls'])} controls"
        chances = ", ".join(percent(p) for p in d["power"]) if isinstance(d["power"], tuple) else percent(d["power"])
        effects = (
            f"effects of {', '.join(number(e) for e in d['effects'])}"
            if d.get("effects")
            else f"means of {', '.join(number(m) for m in d['means'])}"
        )
        text = f"With {first}, {effects} are detected with probability {chances}."
        if d.get("power_any") is not None:
            text += f" At least one comparison is significant with probability {percent(d['power_any'])}, all of them with {percent(d['power_all'])}."
        cut = f", critical value {number(d['critical'])}" if d.get("critical") is not None else ""
        return f"{text} {str(d['test_words']).capitalize()} ({d['method']}, {number(d['df'])} df{cut})."


def several_arms(
    *,
    effects: Sequence[float] | None = None,
    means: Sequence[float] | None = None,
    power: float | None = None,
    n_per_arm: float | None = None,
    controls: float | None = None,
    arms: int | None = None,
    correction: Correction = "dunnett",
    power_of: PowerOf = "weakest",
    sd: float = 1.0,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    attrition: float = 0.0,
    baseline_correlation: float | None = None,
) -> SeveralArmsResult:
    """Power, size or common effect of a trial with several active arms and one control.

    Parameters
    ----------
    effects : effect of each active arm against control, in units of `sd`; left out (with `arms`, the number of active arms) the common effect
        is found. means : means of all arms, for correction='omnibus'.
    power : wanted for `power_of`: the 'weakest' comparison (default), at least one ('any') or 'all'.
    n_per_arm : people in each active arm. controls : in the control arm; unsaid as many as in an active arm (the optimum for k
        comparisons is about sqrt(k) times that).
    correction : 'dunnett' (default), 'bonferroni', 'none', or 'omnibus' (one F test of all arms).
    sd, alpha, alternative : as in `individual`. attrition : share lost. baseline_correlation : lowers the variance to 1 - r^2, costs one df.

    Returns
    -------
    SeveralArmsResult
        `.power` (a tuple) `.power_any .power_all .critical .df .n_per_arm .controls .n`.

    Raises
    ------
    UsageError, NoSolutionError
        Fewer than two active arms, or no size that reaches the power.

    Examples
    --------
    >>> found = tk.power.several_arms(effects=[0.5, 0.4, 0.3], n_per_arm=50)
    >>> [round(p, 4) for p in found.power], round(found.power_any, 4)
    ([0.5536, 0.3588, 0.1954], 0.6559)
    """
    inputs = said(locals())
    test = Test.checked(alpha, alternative)
    kind, which = choice("correction", correction, Correction), choice("power_of", power_of, PowerOf)
    spread = real("sd", sd, above=0)
    r = optional("baseline_correlation", baseline_correlation, above=-1, below=1)
    left = 1 - real("attrition", attrition, at_least=0, below=1)
    scale, lost_df = spread * math.sqrt(1 - (r or 0.0) ** 2), int(r is not None)
    wished = test.target(power)
    values, k = _effects(effects, means, arms, kind)

    def answer(n: float, shift: float = 1.0) -> Answer:
        base = values if values is not None else np.ones(k)
        controls_left = (n if controls is None else real("controls", controls, above=1)) * left
        if kind == "omnibus":
            return _omnibus(shift * base / scale, n * left, controls_left, lost_df, test.alpha)
        return _comparisons(shift * base / scale, n * left, controls_left, kind, lost_df, test)

    n = optional("n_per_arm", n_per_arm, above=1)
    missing = [name for name, given in (("effect", values is not None), ("power", wished is not None), ("n_per_arm", n is not None)) if not given]  # fmt: skip
    if len(missing) != 1:
        raise UsageError(f"several_arms solves for one of effects, power and n_per_arm; missing: {', '.join(missing) or 'none'}.")
    common = 1.0
    if missing[0] == "n_per_arm":
        assert wished is not None
        n = _solved(lambda x: answer(x).one(which), wished, 2 / left + 0.5, "n_per_arm")
    if missing[0] == "effect":
        assert wished is not None and n is not None
        sign = test.direction
        common = sign * _solved(lambda e: answer(n, sign * e).one(which), wished, 1e-6, "effect")
    assert n is not None
    found = answer(n, common)
    shown = tuple(float(v) for v in common * (values if values is not None else np.ones(k)))
    controls_now = float(n if controls is None else controls)
    whole = rounded_up(n)
    k_active = k - 1 if kind == "omnibus" else k
    details: dict[str, Any] = {
        "function": "several_arms", "solved_for": missing[0], "power": found.each[0] if kind == "omnibus" else tuple(float(p) for p in found.each),
        "effects": None if kind == "omnibus" else shown, "means": shown if kind == "omnibus" else None, "effect": None if kind == "omnibus" else shown[0],
        "power_any": None if kind == "omnibus" else found.some, "power_all": None if kind == "omnibus" else found.every,
        "critical": None if kind == "omnibus" else found.critical, "df": found.df, "std_error": found.std_error, "n_per_arm": float(n),
        "controls": controls_now, "n": k_active * float(n) + controls_now, "alpha": test.alpha, "alternative": test.alternative,
        "effect_f": float(np.std(np.asarray(shown)) / spread) if kind == "omnibus" else None, "method": _WORDS[kind], "design": {"n_per_arm": whole} | ({} if controls is None else {"controls": controls}),
        "power_at_design": answer(float(whole), common).one(which), "assumptions": (f"SD {number(spread)} in every arm",), "inputs": inputs,
        "as_asked": {"n_per_arm": n}, "test_words": test.words(), "type_s": None, "type_m": None,
    }  # fmt: skip
    return SeveralArmsResult((), (), details)


_WORDS = {
    "dunnett": "Dunnett's single-step comparisons with control",
    "bonferroni": "Bonferroni's comparisons with control",
    "none": "uncorrected comparisons with control",
    "omnibus": "one F test of all arms",
}


def _effects(effects: Any, means: Any, arms: int | None, kind: str) -> tuple[FloatArray | None, int]:
    """Effects (or all means), or None with the number of active arms when the common effect is looked for."""
    if kind == "omnibus":
        if means is None or effects is not None:
            raise UsageError("correction='omnibus' takes means=[...] of all arms, the control's first.")
        found = np.asarray([real("means", m) for m in means])
        if len(found) < 3 or np.ptp(found) == 0:
            raise UsageError("means must hold at least three arms that are not all the same.")
        return found, len(found)
    if means is not None:
        raise UsageError("means belong to correction='omnibus'; say effects against control.")
    if effects is None:
        if arms is None or arms < 2:
            raise UsageError("without effects say arms, the number of active arms (2 or more).")
        return None, int(arms)
    found = np.asarray([real("effects", e) for e in effects])
    if len(found) < 2:
        raise UsageError("effects must hold two or more active arms; with one use tk.power.individual.")
    if arms is not None and arms != len(found):
        raise UsageError(f"arms={arms}, but effects lists {len(found)} active arms.")
    return found, len(found)


def _comparisons(effects: FloatArray, n: float, m: float, kind: str, lost_df: int, test: Test) -> Answer:
    k = len(effects)
    df = k * n + m - k - 1 - lost_df
    loading = math.sqrt(n / (n + m))
    correlation = np.full((k, k), loading**2)
    np.fill_diagonal(correlation, 1.0)
    if kind == "dunnett":
        critical = dunnett_critical(correlation, df, test.alpha, alternative=test.alternative)
    else:
        level = test.alpha / (k if kind == "bonferroni" else 1)
        critical = float(-special.stdtrit(df, level / 2 if test.alternative == "two-sided" else level))
    se = math.sqrt(1 / n + 1 / m)
    found = many_to_one_power(
        ncp=effects / se, loadings=np.full(k, loading), df=df, critical=critical, alternative=test.alternative
    )
    return Answer(found.each, found.some, found.every, critical, df, se)


def _omnibus(means: FloatArray, n: float, m: float, lost_df: int, alpha: float) -> Answer:
    counts = np.array([m, *[n] * (len(means) - 1)])
    df = counts.sum() - len(means) - lost_df
    ncp = float(counts @ (means - counts @ means / counts.sum()) ** 2)
    cut = stats.f.isf(alpha, len(means) - 1, df)
    power = np.array([stats.ncf.sf(cut, len(means) - 1, df, ncp)])
    return Answer(power, float(power[0]), float(power[0]), math.nan, float(df), math.nan)


def _solved(power_at: Callable[[float], float], target: float, lowest: float, name: str) -> float:
    """The smallest value at which the power is reached, by Brent's method between doublings."""
    low, high = lowest, 2 * lowest
    if power_at(low) >= target:
        raise NoSolutionError(
            f"power={target:g} is below what the smallest {name}, {number(low)}, has: give {name} and leave out power."
        )
    while power_at(high) < target:
        low, high = high, 2 * high
        if high > 1e8:
            raise NoSolutionError(f"power={target:g} is out of reach for any {name}: look at the effects or the alternative.")
    return float(optimize.brentq(lambda x: power_at(x) - target, low, high, xtol=1e-12 * high, rtol=1e-12))


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Nothing is offered: the answer is a list."""
    return []
