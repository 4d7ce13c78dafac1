"""Two arms of independent people and a rate: the risk difference.

- pooled: z test with the pooled variance under the null, the unpooled one under the alternative (R's power.prop.test).
- unpooled: Wald z, unpooled under both.
- arcsine: h = 2 asin(sqrt pT) - 2 asin(sqrt pC), variance 1/nT + 1/nC (R's pwr).
- exact: the pooled z test, by summing both binomials; fisher: Fisher's exact test, in the same way. Both also give the size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.arrays import BoolArray
from trialkit.inference.power.binomial_power import CountTest, count_tails, rejections
from trialkit.inference.power.noncentral import Alternative, Tails, t_tails
from trialkit.misuse import explained
from trialkit.power.arguments import (
    EffectOn,
    Pair,
    TakeUp,
    Test,
    attrition_words,
    both_arms,
    choice,
    optional,
    real,
    said,
    strata_words,
    with_strata,
)
from trialkit.power.assemble import assemble
from trialkit.power.families.individual import baseline_words
from trialkit.power.gains import better_baseline
from trialkit.power.model import Precision, Sizes, Unknown
from trialkit.power.people import People, asked_people, people_arguments, people_fields, people_words, whole_people
from trialkit.power.result import PowerResult
from trialkit.power.solve import solve
from trialkit.power.words import percent
from trialkit.results import Note

BinaryMethod: TypeAlias = Literal["pooled", "unpooled", "arcsine", "exact", "fisher"]

SIZE_ARGUMENTS = ("n", "n_per_arm", "treated", "controls", "allocation")
_METHOD_WORDS = {
    "pooled": "pooled variance under the null",
    "unpooled": "unpooled variance",
    "arcsine": "arcsine transformation",
    "exact": "pooled z test by enumeration",
    "fisher": "Fisher's test by enumeration",
}
_COUNT_TEST: dict[str, CountTest] = {"exact": "pooled", "fisher": "fisher"}
_MOST_COUNTED = 25_000_000


@dataclass(frozen=True, slots=True)
class Binary:
    """All but effect, power and sizes."""

    control_rate: float
    method: BinaryMethod
    attrition: tuple[float, float]
    baseline_correlation: float | None
    test: Test

    @property
    def counted(self) -> bool:
        return self.method in _COUNT_TEST

    def analysed(self, sizes: Sizes) -> tuple[Any, Any]:
        n, m = (np.asarray(sizes[k]) * (1 - lost) for k, lost in zip(("treated", "controls"), self.attrition))
        return (np.floor(n + 1e-9), np.floor(m + 1e-9)) if self.counted else (n, m)

    def tails(self, effect: Any, sizes: Sizes) -> Tails:
        n, m = self.analysed(sizes)
        if self.counted:
            return self._counted(effect, n, m)
        if self.method == "arcsine":
            ncp = (_angle(self.control_rate + effect) - _angle(self.control_rate)) / np.sqrt(1 / n + 1 / m)
            return self._normal(ncp, 1.0)
        spread, null = self.variances(effect, n, m)
        return self._normal(effect / np.sqrt(spread), np.sqrt(null / spread) if self.method == "pooled" else 1.0)

    def _normal(self, ncp: Any, stretch: Any) -> Tails:
        """`stretch`: standard error under the null by that under the alternative."""
        critical = self.test.critical(math.inf) * stretch
        return t_tails(ncp=ncp, df=math.inf, critical=critical, alternative=self.test.alternative)

    def _counted(self, effect: Any, n: Any, m: Any) -> Tails:
        """Enumerations, one for every element; they share the table of rejections."""
        rows = np.broadcast(effect, n, m)
        found = [
            count_tails(
                rate_treated=min(self.control_rate + float(e), 1.0),
                rate_control=self.control_rate,
                rejected=_table(int(a), int(b), _COUNT_TEST[self.method], self.test),
            )
            for e, a, b in rows
        ]
        columns = ([getattr(t, k) for t in found] for k in ("upper", "lower", "upper_size", "lower_size", "ncp"))
        return Tails(*(np.asarray(c, dtype=float).reshape(rows.shape) for c in columns))

    def variances(self, effect: Any, n: Any, m: Any) -> tuple[Any, Any]:
        """Variance of the risk difference under the alternative and, pooled, under the null."""
        p, q = self.control_rate + effect, self.control_rate
        pooled = (n * p + m * q) / (n + m)
        left = 1 - (self.baseline_correlation or 0.0) ** 2
        return left * (p * (1 - p) / n + q * (1 - q) / m), left * pooled * (1 - pooled) * (1 / n + 1 / m)

    def precision(self, effect: float, sizes: Sizes) -> Precision:
        return Precision(math.sqrt(self.variances(effect, *self.analysed(sizes))[0]), math.inf)

    def effect_limit(self, direction: int) -> float:
        return 1 - self.control_rate if direction > 0 else self.control_rate

    def whole(self, sizes: Sizes) -> Sizes:
        return whole_people(sizes)

    def arguments(self, sizes: Sizes) -> dict[str, Any]:
        return people_arguments(sizes)

    def fields(self, sizes: Sizes) -> dict[str, Any]:
        found = people_fields(sizes) | {"control_rate": self.control_rate}
        if not self.counted:
            return found
        none = _scalar(self._counted(0.0, *self.analysed(sizes)).power)
        return found | {"size": none}

    def words(self, sizes: Sizes) -> str:
        return people_words(sizes)


@lru_cache(maxsize=32)
def _table(n: int, m: int, test: CountTest, level: Test) -> BoolArray:
    if (n + 1) * (m + 1) > _MOST_COUNTED:
        raise UsageError(f"an exact test with {n:,} and {m:,} people is too large to enumerate; use method='pooled'.")
    return rejections(treated=n, controls=m, test=test, alpha=level.alpha, alternative=level.alternative)


def _angle(rate: Any) -> Any:
    return 2 * np.arcsin(np.sqrt(rate))


def _scalar(value: Any) -> float:
    return float(np.asarray(value).reshape(-1)[0])


@explained
def binary(
    *,
    control_rate: float,
    effect: float | None = None,
    power: float | None = None,
    n_per_arm: float | None = None,
    n: float | None = None,
    treated: float | None = None,
    controls: float | None = None,
    allocation: Pair = (1, 1),
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    method: BinaryMethod = "pooled",
    attrition: Pair = 0.0,
    take_up: Pair = 1.0,
    effect_on: EffectOn = "compliers",
    baseline_correlation: float | None = None,
    strata_r2: float | None = None,
) -> PowerResult:
    """Power, detectable difference or number of people for a difference between two rates.

    Parameters
    ----------
    control_rate : share with the outcome in the control arm.
    effect : risk difference, as .1 for a rise of ten percentage points.
    n_per_arm, n, treated, controls, allocation : people to randomize, as in `individual`.
    method : "pooled" (default: z test, pooled variance under the null), "unpooled", "arcsine", or by enumeration "exact" (the pooled
        z test) and "fisher". With an enumeration the sizes are whole, and power is a saw: a note says where it dips.
    alpha, alternative, attrition, take_up, effect_on : as in `individual`.
    baseline_correlation : of the outcome with covariates; variances fall to 1 - r^2 of theirs ("pooled" and "unpooled" only).
    strata_r2 : share of the variance between strata, as in `individual` ("pooled" and "unpooled" only).

    Returns
    -------
    PowerResult
        `.n_per_arm .std_error`, and `.size` with an enumeration. `effect_standardized` is Cohen's h.

    Raises
    ------
    UsageError
        An argument out of its bounds, a rate outside 0 to 1, or not exactly one argument left out.
    NoSolutionError
        No effect or size reaches the power.

    Notes
    -----
    Source: R's power.prop.test and pwr; the enumerations as R's dbinom and fisher.test.

    Examples
    --------
    >>> round(tk.power.binary(control_rate=0.3, effect=0.1, power=0.8).n_per_arm, 1)
    355.9
    """
    inputs = said(locals())
    checked = Test.checked(alpha, alternative)
    uptake = TakeUp.checked(take_up, effect_on)
    r = optional("baseline_correlation", baseline_correlation, above=-1, below=1)
    model = Binary(
        control_rate=real("control_rate", control_rate, above=0, below=1),
        method=choice("method", method, BinaryMethod),
        attrition=both_arms("attrition", attrition, at_least=0, below=1),
        baseline_correlation=with_strata(strata_r2, r),
        test=checked,
    )
    if model.baseline_correlation and method not in ("pooled", "unpooled"):
        raise UsageError(
            f"{'baseline_correlation' if r else 'strata_r2'} has no meaning for method='{method}'; use method='pooled' or 'unpooled'."
        )
    wished, effect = checked.target(power), optional("effect", effect)
    people = People(n_per_arm=n_per_arm, n=n, treated=treated, controls=controls, allocation=allocation)
    solved_for, known, unknown = asked_people("binary", people, effect, wished, model.attrition, checked, model)
    if unknown is not None and model.counted:
        unknown = _whole(unknown, model, people)
    solution = solve(model, effect=effect, power=wished, known=known, unknown=unknown, take_up=uptake, test=checked)
    assigned = solution.effect * uptake.dilution
    return assemble(
        "binary",
        model,
        solution,
        solved_for=solved_for,
        inputs=inputs,
        test=checked,
        take_up=uptake,
        method=_METHOD_WORDS[method],
        standardized=(float(_angle(control_rate + assigned) - _angle(control_rate)), "Cohen's h"),
        assumptions=(
            f"{percent(control_rate)} with the outcome in the control arm, {percent(control_rate + assigned)} in the treated",
            baseline_words(r),
            strata_words(strata_r2),
            attrition_words(model.attrition),
        ),
        notes=_notes(model, assigned, solution.sizes),
    )


def _whole(unknown: Unknown, model: Binary, people: People) -> Unknown:
    """The same unknown over whole numbers; both arms are whole at every step."""

    def sizes(x: Any) -> Sizes:
        return {k: float(v) for k, v in whole_people(unknown.sizes(x)).items()}

    return Unknown(unknown.name, math.ceil(unknown.lowest), sizes, unknown.explain, whole=True)


def _notes(model: Binary, effect: float, sizes: Sizes) -> list[Note]:
    if model.counted:
        return []
    n, m = model.analysed(sizes)
    p, q = model.control_rate + effect, model.control_rate
    fewest = min(float(k) * min(rate, 1 - rate) for k, rate in ((n, p), (m, q)))
    if fewest < 5:
        text = "an arm is expected to have fewer than 5 people with (or without) the outcome: the normal formula is rough there; use method='exact'."
        return [Note("few_events", text)]
    if min(n, m) < 1000:
        text = "counts make exact power a saw around the normal formula (up to .015 off at 300 people per arm); method='exact' follows it."
        return [Note("counts", text)]
    return []


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What might be changed, in words and as arguments."""
    found = [("ten more people per arm", {k: arguments[k] + 10 for k in ("treated", "controls")})]
    if arguments.get("method") in ("pooled", "unpooled"):
        found.append(better_baseline(arguments))
    return found
