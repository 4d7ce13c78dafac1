"""Two arms of independent people and a mean: pooled t test, or Welch's where the arms' SDs differ.

Pooled: V = s^2 (1/nT + 1/nC), df nT + nC - 2. Welch: V = sT^2/nT + sC^2/nC with the Satterthwaite df at these variances. A
baseline measurement multiplies the variance by 1 - r^2 and costs one df; its chance imbalance is ignored, as usual.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.power.grouped_power import exact_tails, satterthwaite_df
from trialkit.inference.power.noncentral import Alternative, Tails, t_tails
from trialkit.misuse import explained
from trialkit.power.arguments import (
    EffectOn,
    Pair,
    Reference,
    Standardizer,
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
from trialkit.power.gains import better_baseline
from trialkit.power.model import Precision, Sizes
from trialkit.power.people import People, asked_people, people_arguments, people_fields, people_words, whole_people
from trialkit.power.random_designs import plugin_note
from trialkit.power.result import PowerResult
from trialkit.power.solve import Solution, solve
from trialkit.power.words import number
from trialkit.results import Note

SIZE_ARGUMENTS = ("n", "n_per_arm", "treated", "controls", "allocation")


@dataclass(frozen=True, slots=True)
class Individual:
    """All but effect, power and sizes."""

    sd: tuple[float, float]
    welch: bool
    attrition: tuple[float, float]
    baseline_correlation: float | None
    covariates: int
    test: Test

    def parts(self, sizes: Sizes) -> tuple[Any, Any, Any]:
        """Variances of the two arms' means, and the df of their sum."""
        n, m = (np.asarray(sizes[k]) * (1 - lost) for k, lost in zip(("treated", "controls"), self.attrition))
        left = 1 - (self.baseline_correlation or 0.0) ** 2
        vt, vc = left * self.sd[0] ** 2 / n, left * self.sd[1] ** 2 / m
        if self.test.reference == "z":
            return vt, vc, math.inf
        df = satterthwaite_df(treated=vt, control=vc, df_treated=n - 1, df_control=m - 1) if self.welch else n + m - 2
        return vt, vc, df - self.covariates

    def tails(self, effect: Any, sizes: Sizes) -> Tails:
        vt, vc, df = self.parts(sizes)
        return t_tails(ncp=effect / np.sqrt(vt + vc), df=df, critical=self.test.critical(df), alternative=self.test.alternative)

    def precision(self, effect: float, sizes: Sizes) -> Precision:
        vt, vc, df = self.parts(sizes)
        return Precision(math.sqrt(vt + vc), float(df))

    def effect_limit(self, direction: int) -> float:
        return math.inf

    def whole(self, sizes: Sizes) -> Sizes:
        return whole_people(sizes)

    def arguments(self, sizes: Sizes) -> dict[str, Any]:
        return people_arguments(sizes)

    def fields(self, sizes: Sizes) -> dict[str, Any]:
        return people_fields(sizes)

    def words(self, sizes: Sizes) -> str:
        return people_words(sizes)


@explained
def individual(
    *,
    effect: float | None = None,
    power: float | None = None,
    n_per_arm: float | None = None,
    n: float | None = None,
    treated: float | None = None,
    controls: float | None = None,
    sd: Pair = 1.0,
    allocation: Pair = (1, 1),
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    test: Reference = "t",
    attrition: Pair = 0.0,
    take_up: Pair = 1.0,
    effect_on: EffectOn = "compliers",
    baseline_correlation: float | None = None,
    strata_r2: float | None = None,
    n_strata: int | None = None,
    standardizer: Standardizer | None = None,
) -> PowerResult:
    """Power, detectable effect or number of people of a trial that randomizes independent people.

    Leave out one of `effect`, `power` and the size; it is found by exact inversion of the noncentral t.

    Parameters
    ----------
    effect : difference in means, in the units of `sd`; with sd=1 in standard deviations.
    power : probability of rejecting; both tails count when two-sided.
    n_per_arm, n, treated, controls : people to randomize, said in one way: per arm, in total (split by `allocation`), or by arm.
    sd : standard deviation of the outcome; (treated, control) asks for Welch's test.
    allocation : (treated, control) weights.
    alpha, alternative, test : level, direction, and "t" or "z" (the normal formula).
    attrition : share lost, or (treated, control); the analysed numbers are what is left.
    take_up : share of the treated that takes part, or (treated, control).
    effect_on : whose effect `effect` is: "compliers" (diluted by take_up) or "assigned".
    baseline_correlation : of the outcome with its baseline; the variance falls to 1 - r^2 of it, at the cost of one df.
    strata_r2 : share of the variance between the strata of the randomization, `baseline_correlation` then being that within strata:
        (1 - strata_r2)(1 - r^2) of the variance is left. n_strata : strata adjusted for, at the cost of n_strata - 1 df.
    standardizer : SD that `effect_standardized` divides by: "control" (default when the SDs differ), "treated" or "pooled".

    Returns
    -------
    PowerResult
        `.n_per_arm .n .treated .controls .df .std_error`, real-valued; `.design` and `.power_at_design` in whole numbers.

    Raises
    ------
    UsageError
        An argument out of its bounds, or not exactly one left out.
    NoSolutionError
        Nothing reaches the power; the text names the binding argument and the bound.

    Notes
    -----
    Source: noncentral t as in R's pwr; ANCOVA as in PowerUpR's power.ira, which takes the baseline as balanced: a note names the power with
    its chance imbalance (`.power_with_imbalance`, .005 lower at 80 people and .015 at 30), and that of Welch's test with few people.

    Examples
    --------
    >>> round(tk.power.individual(effect=0.35, power=0.9).n_per_arm, 4)
    172.5157
    >>> round(tk.power.individual(n_per_arm=100, power=0.8).effect, 4)
    0.3981
    """
    inputs = said(locals())
    checked = Test.checked(alpha, alternative, test)
    uptake = TakeUp.checked(take_up, effect_on)
    r = optional("baseline_correlation", baseline_correlation, above=-1, below=1)
    model = Individual(
        sd=both_arms("sd", sd, above=0),
        welch=isinstance(sd, (list, tuple)),
        attrition=both_arms("attrition", attrition, at_least=0, below=1),
        baseline_correlation=with_strata(strata_r2, r),
        covariates=int(r is not None) + _strata_df(strata_r2, n_strata),
        test=checked,
    )
    wished, effect = checked.target(power), optional("effect", effect)
    people = People(n_per_arm=n_per_arm, n=n, treated=treated, controls=controls, allocation=allocation)
    solved_for, known, unknown = asked_people("individual", people, effect, wished, model.attrition, checked, model)
    solution = solve(model, effect=effect, power=wished, known=known, unknown=unknown, take_up=uptake, test=checked)
    return assemble(
        "individual",
        model,
        solution,
        solved_for=solved_for,
        inputs=inputs,
        test=checked,
        take_up=uptake,
        method="normal formula" if test == "z" else "Welch" if model.welch else "pooled variance",
        standardized=standardized(solution.effect, model.sd, standardizer),
        assumptions=(sd_words(model.sd), baseline_words(r), strata_words(strata_r2), attrition_words(model.attrition)),
        notes=_notes(model, solution, uptake.dilution),
        covariates=int(bool(r)),
    )


def standardized(effect: float, sd: tuple[float, float], standardizer: Standardizer | None) -> tuple[float, str]:
    """Effect in standard deviations and whose they are."""
    if standardizer is None and sd[0] == sd[1]:
        return effect / sd[0], "the common SD"
    named = choice("standardizer", standardizer or "control", Standardizer)
    scale = {"treated": sd[0], "control": sd[1], "pooled": math.sqrt((sd[0] ** 2 + sd[1] ** 2) / 2)}[named]
    words = {"treated": "the treated arm's SD", "control": "the control arm's SD", "pooled": "the pooled SD"}[named]
    return effect / scale, words


def sd_words(sd: tuple[float, float]) -> str:
    """Standard deviations as an assumption."""
    if sd[0] == sd[1]:
        return f"SD {number(sd[0])} in both arms"
    return f"SD {number(sd[0])} in the treated and {number(sd[1])} in the control arm"


def baseline_words(correlation: float | None) -> str:
    """The baseline as an assumption."""
    return "no baseline measurement" if correlation is None else f"baseline correlation {number(correlation)}"


def _strata_df(strata_r2: Any, n_strata: Any) -> int:
    if n_strata is None:
        return 0
    if strata_r2 is None:
        raise UsageError(
            "n_strata without strata_r2 costs degrees of freedom for nothing: say what the strata explain, 0 if nothing."
        )
    return int(real("n_strata", n_strata, at_least=1)) - 1


def _notes(model: Individual, solution: Solution, dilution: float) -> list[Note]:
    """What simulation says of the formula (docs/calibration/power.csv)."""
    found: list[Note] = []
    sizes = solution.sizes
    left = [float(sizes[k]) * (1 - lost) for k, lost in zip(("treated", "controls"), model.attrition)]
    if model.welch and model.test.reference == "t":
        vt, vc, _ = model.parts(sizes)
        exact = exact_tails(
            effect=solution.effect * dilution, treated=vt, control=vc, df_treated=left[0] - 1, df_control=left[1] - 1,
            alpha=model.test.alpha, alternative=model.test.alternative,
        )  # fmt: skip
        found += plugin_note(solution.power, float(exact.power), "people")
    if any(model.attrition) and min(left) < 20:
        text = "random drop-out makes the numbers left vary; the formula is up to .01 too high with 14 people left in an arm."
        found.append(Note("attrition_optimistic", text))
    return found


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What might be changed, in words and as arguments."""
    more = {k: arguments[k] + 10 for k in ("treated", "controls")}
    return [("ten more people per arm", more), better_baseline(arguments)]
