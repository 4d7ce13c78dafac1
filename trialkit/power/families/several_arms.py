"""Several active arms against one control: Dunnett, Bonferroni, or the omnibus F test. Independent people.

Every comparison uses the variance pooled over all arms, df N - k - 1, and the correlation that the shared control brings. The per-comparison power
of Dunnett is the noncentral t at the single-step critical value; that of at least one and of all integrates over what is shared
(inference/power/many_to_one.py). The omnibus test has noncentrality N f^2, f the population SD of the arms' means in SDs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy import optimize, special

from trialkit.errors import UsageError
from trialkit.inference.arrays import FloatArray
from trialkit.inference.power.many_to_one import many_to_one_power
from trialkit.inference.power.noncentral import Alternative, t_tails
from trialkit.inference.several.dunnett import dunnett_critical
from trialkit.misuse import explained
from trialkit.power.arguments import Test, choice, optional, real, said
from trialkit.power.families.several_arms_grouped import GroupedArms, grouped_arms
from trialkit.power.gains import better_baseline
from trialkit.power.people import rounded_up
from trialkit.power.random_designs import imbalance_note, power_with_imbalance
from trialkit.power.result import PowerResult
from trialkit.power.solve import NoSolutionError
from trialkit.power.words import number, percent, size
from trialkit.results import Note

Correction: TypeAlias = Literal["dunnett", "bonferroni", "none", "omnibus"]
PowerOf: TypeAlias = Literal["weakest", "any", "all"]

SIZE_ARGUMENTS = ("n_per_arm", "controls", "groups")


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
        if d.get("groups") is not None:
            first = f"{size(d['groups'])} groups of {size(d['group_size'])} in each active arm with groups and {size(d['controls'])} controls"
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
        text = f"{text} {str(d['test_words']).capitalize()} ({d['method']}, {number(d['df'])} df{cut})."
        worst = [m for m in d["type_m"] if m is not None] if isinstance(d.get("type_m"), tuple) else []
        if worst:
            text += f" A significant estimate would exaggerate its effect up to {number(max(worst))} times on average (type M)."
        return f"{text}{self._bought()}" if gains else text

    def _bought(self) -> str:
        """What a little more brings the weakest comparison (or the common effect) to."""
        parts = []
        for gain in self.gains:
            value = gain.get("power", gain.get("effect"))
            weakest = min(value) if isinstance(value, tuple) else value
            parts.append(f"{gain['change']} to {percent(weakest) if 'power' in gain else number(weakest)}")
        if not parts:
            return ""
        rise = "The weakest comparison's power" if isinstance(self.power, tuple) else "Power"
        what = f"{rise} would rise with" if "power" in self.gains[0] else "The effect would fall with"
        return f" {what} {'; '.join(parts)}."


@explained
def several_arms(
    *,
    effects: Sequence[float] | None = None,
    means: Sequence[float] | None = None,
    power: float | None = None,
    n_per_arm: float | None = None,
    controls: float | None = None,
    groups: float | None = None,
    group_size: float | None = None,
    icc: float | None = None,
    grouped: Sequence[bool] | None = None,
    arms: int | None = None,
    correction: Correction | None = None,
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
    groups, group_size, icc : groups in each active arm whose people meet in groups, people in a group, and their intracluster correlation. grouped says of
        each active arm whether it does; unsaid: all. The others have `n_per_arm` people, unsaid groups x group_size. With groups `groups` is solved for.
    correction : 'dunnett' (default), 'bonferroni' (default with groups, where Dunnett's does not exist), 'none', or 'omnibus' (one F test of all arms).
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
    in_groups = any(v is not None for v in (groups, group_size, icc, grouped))
    kind = choice("correction", correction or ("bonferroni" if in_groups else "dunnett"), Correction)
    which = choice("power_of", power_of, PowerOf)
    spread = real("sd", sd, above=0)
    r = optional("baseline_correlation", baseline_correlation, above=-1, below=1)
    left = 1 - real("attrition", attrition, at_least=0, below=1)
    scale, lost_df = spread * math.sqrt(1 - (r or 0.0) ** 2), int(r is not None)
    wished = test.target(power)
    values, k = _effects(effects, means, arms, kind)
    if in_groups:
        asked = grouped_arms(
            grouped=grouped, arms=k, group_size=group_size, icc=icc, correction=kind, baseline_correlation=r, left=left, test=test
        )
        return _grouped(asked, inputs, values, wished, which, spread, groups, n_per_arm, controls, _WORDS[kind])

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
        "as_asked": {"n_per_arm": n} | ({} if controls is None else {"controls": controls}), "test_words": test.words(),
        **_standard(shown, spread, kind == "omnibus"), **_errors(np.asarray(shown) / scale, found, test, kind == "omnibus"),
    }  # fmt: skip
    if r is None or kind == "omnibus":
        return SeveralArmsResult((), (), details)
    weakest = float(found.each.min())
    effect = float(np.asarray(shown)[int(found.each.argmin())])
    real_power = power_with_imbalance(
        ncp=effect / scale / found.std_error, df=found.df, covariates=1, test=test, critical=found.critical
    )
    return SeveralArmsResult((), (imbalance_note(weakest, real_power),), {**details, "power_with_imbalance": real_power})


def _grouped(
    asked: GroupedArms,
    inputs: dict[str, Any],
    values: FloatArray | None,
    wished: float | None,
    which: PowerOf,
    spread: float,
    groups: float | None,
    n_per_arm: float | None,
    controls: float | None,
    words: str,
) -> SeveralArmsResult:
    """The answer when people of active arms meet in groups."""
    fixed = optional("n_per_arm", n_per_arm, above=1), optional("controls", controls, above=1)
    number_of = optional("groups", groups, above=1)
    given = {"effect": values is not None, "power": wished is not None, "groups": number_of is not None}
    missing = [name for name, there in given.items() if not there]
    if len(missing) != 1:
        raise UsageError(
            f"several_arms with groups solves for one of effects, power and groups; missing: {', '.join(missing) or 'none'}."
        )
    base = (values if values is not None else np.ones(len(asked.grouped))) / spread

    def sizes(k: float) -> tuple[float, float, float]:
        alone, single = (k * asked.group_size if n is None else n for n in fixed)
        return k, alone, single

    def power_at(k: float, shift: float = 1.0) -> float:
        if which == "weakest":
            return float(asked.each(shift * base, *sizes(k)).min())
        return asked.together(shift * base, *sizes(k))[0 if which == "any" else 1]

    common, sign = 1.0, asked.test.direction
    if missing[0] == "groups":
        assert wished is not None
        number_of = _solved(power_at, wished, 2.0, "groups")
    elif missing[0] == "effect":
        assert wished is not None and number_of is not None
        known = number_of
        common = sign * _solved(lambda e: power_at(known, sign * e), wished, 1e-6, "effect")
    assert number_of is not None
    k, alone, n_controls = sizes(number_of)
    each, together = asked.each(common * base, *sizes(k)), asked.together(common * base, *sizes(k))
    df, std_error = asked.least_df(*sizes(k))
    shown = tuple(float(v) for v in common * base * spread)
    people = [k * asked.group_size if g else alone for g in asked.grouped]
    met = ["groups" if g else "alone" for g in asked.grouped]
    details: dict[str, Any] = {
        "function": "several_arms", "solved_for": missing[0], "power": tuple(float(v) for v in each), "effects": shown, "means": None, "effect": shown[0],
        "power_any": together[0], "power_all": together[1], "critical": None, "df": df, "std_error": std_error * spread, "groups": k,
        "group_size": asked.group_size, "n_per_arm": max(people), "treated": sum(people), "controls": n_controls, "n": sum(people) + n_controls,
        "alpha": asked.test.alpha, "alternative": asked.test.alternative, "effect_f": None, "method": f"{words}, each with the variances of its own arms",
        "design": {"groups": rounded_up(k)} | {a: rounded_up(v) for a, v in zip(("n_per_arm", "controls"), fixed) if v is not None},
        "power_at_design": power_at(float(rounded_up(k)), common), "inputs": inputs, "as_asked": {"groups": k} | {a: v for a, v in zip(("n_per_arm", "controls"), fixed) if v is not None}, "test_words": asked.test.words(),
        "type_s": None, "type_m": None, **_standard(shown, spread, False),
        "assumptions": (f"SD {number(spread)} in every arm", f"active arms: {', '.join(met)}", f"intracluster correlation {number(asked.icc)} in groups"),
    }  # fmt: skip
    text = "at least one and all are reckoned with plug-in degrees of freedom, as if every comparison had a variance estimate of its own."
    return SeveralArmsResult((), (Note("together_plugin", text),), details)


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
    from scipy import stats  # slow to import, and most calls of the package do without it

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


def _standard(shown: tuple[float, ...], spread: float, omnibus: bool) -> dict[str, Any]:
    """The first effect in standard units, as `effect` is the first."""
    return (
        {"effect_standardized": None, "standardizer": ""}
        if omnibus
        else {
            "effect_standardized": shown[0] / spread,
            "standardizer": "the common SD",
        }
    )


def _errors(effects: FloatArray, found: Answer, test: Test, omnibus: bool) -> dict[str, Any]:
    """Type S and type M of every comparison at its own critical value."""
    if omnibus:
        return {"type_s": None, "type_m": None}
    tails = t_tails(ncp=effects / found.std_error, df=found.df, critical=found.critical, alternative=test.alternative)
    kinds = {"type_s": tails.type_s, "type_m": tails.type_m}
    return {k: tuple(float(x) if math.isfinite(x) else None for x in v) for k, v in kinds.items()}


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What might be changed, in words and as arguments."""
    found: list[tuple[str, dict[str, Any]]] = []
    if arguments.get("groups") is not None:
        found.append(("one more group per arm with groups", {"groups": arguments["groups"] + 1}))
        found.append(("one more member per group", {"group_size": arguments["group_size"] + 1}))
    elif arguments.get("n_per_arm") is not None:
        found.append(("ten more people per active arm", {"n_per_arm": arguments["n_per_arm"] + 10}))
    if arguments.get("controls") is not None:
        found.append(("ten more controls", {"controls": arguments["controls"] + 10}))
    return found if arguments.get("correction") == "omnibus" else [*found, better_baseline(arguments)]
