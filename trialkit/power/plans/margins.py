"""Power of a plan against its margins of equivalence and non-inferiority, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from trialkit.errors import UsageError
from trialkit.power.families.margins import equivalence, noninferiority
from trialkit.power.margins.tests import MarginResult
from trialkit.power.plans.scale import RATIO_WORDS, Scale
from trialkit.power.plans.sizes import Planned
from trialkit.power.solve import NoSolutionError
from trialkit.power.words import decimals, number, percent

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome

TARGET = 0.8
_AIMS = {"noninferiority": "Non-inferiority", "equivalence": "Equivalence"}


def margin_sentences(outcome: Outcome, design: Planned, scale: Scale) -> Iterator[str]:
    """One sentence a margin: power when there is truly no difference, the margin with 80 % power, and power at the assumed effect."""
    for aim in _AIMS:
        if getattr(outcome, aim) is not None:
            yield _sentence(aim, outcome, design, scale)


def _sentence(aim: str, outcome: Outcome, design: Planned, scale: Scale) -> str:
    question = _Question.of(aim, outcome, design, scale)
    if isinstance(question, str):
        return question
    try:
        found = question.ask(margin=question.margin)
    except (NoSolutionError, UsageError) as error:
        return f"Power against the {aim} margin has no formula here: {error}"
    text = f"{_AIMS[aim]} within {question.words(question.margin)} is shown with {percent(found.power)} probability if there is truly no difference"
    try:
        text += f"; {percent(TARGET)} needs a margin of {question.words(question.ask(power=TARGET).margin)}"
    except NoSolutionError:
        text += f"; no margin has {percent(TARGET)}"
    at = question.power_at_assumed()
    return text + (f"; with the effect you assume it is shown with {at}." if at else ".")


class _Question:
    """One margin as a power question: the function, its keywords, the margin on its scale, and a margin in words."""

    def __init__(self, aim: str, base: dict[str, Any], margin: float, scale: Scale, at: float | None, dilution: float) -> None:
        self.aim, self.base, self.margin, self.scale, self.at, self.dilution = (
            aim,
            base,
            margin,
            scale,
            at,
            dilution,
        )

    @classmethod
    def of(cls, aim: str, outcome: Outcome, design: Planned, scale: Scale) -> _Question | str:
        """The question, or the sentence that says why there is none."""
        margin = float(getattr(outcome, aim))
        better = "lower" if outcome.better == "lower" else "higher"
        base = {k: v for k, v in design.arguments.items() if k != "take_up"}
        if scale.ratio or outcome.measure in ("risk_ratio", "odds_ratio"):
            if aim == "equivalence":
                return f"Power against the equivalence margin is left out: a margin of {outcome.measure} is two ratios, and the plan gives a distance."
            return cls._of_ratio(aim, base, margin, outcome, design, scale)
        if scale.rate is not None:
            base["control_rate"] = scale.rate if better == "higher" else 1 - scale.rate
            if design.family == "binary":
                base = {k: v for k, v in base.items() if k not in ("baseline_correlation", "strata_r2")}
        elif not scale.raw:
            if outcome.assume.sd is None:
                return f"Power against the {aim} margin is left out: the margin is in the units of the outcome. Add its SD to assume."
            margin /= outcome.assume.sd
        dilution = design.take_up if design.on_compliers and design.take_up is not None else 1.0
        same = scale.falls == (better == "lower")
        # a direction that only the registry of scales knows is not looked up here
        known = scale.assumed is not None and outcome.better is not None
        toward = None if scale.assumed is None or not known else scale.assumed if same else -scale.assumed
        return cls(aim, base, margin, scale, toward, dilution)

    @classmethod
    def _of_ratio(
        cls, aim: str, base: dict[str, Any], margin: float, outcome: Outcome, design: Planned, scale: Scale
    ) -> _Question | str:
        if design.on_compliers and design.take_up is not None:
            return f"Power against the {aim} margin is left out: no formula takes the margin of a ratio to compliers."
        if scale.rate is not None:
            base = {k: v for k, v in base.items() if k not in ("baseline_correlation", "strata_r2")}
            base |= {"control_rate": scale.rate, "measure": outcome.measure}
        else:
            margin = math.exp(scale.read(margin))
        at = (
            None
            if scale.assumed is None or scale.rate is not None
            else math.exp(-scale.assumed if scale.falls else scale.assumed)
        )
        return cls(aim, base, margin, scale, at, 1.0)

    @property
    def ratio(self) -> bool:
        return self.scale.ratio or "measure" in self.base

    def ask(self, **more: Any) -> MarginResult:
        function = noninferiority if self.aim == "noninferiority" else equivalence
        if more.get("margin") is not None and not self.ratio:
            more["margin"] = more["margin"] * self.dilution
        if self.ratio and "margin" not in more:
            more["better"] = "higher" if self.margin < 1 else "lower"
        return function(**{**self.base, **more})

    def power_at_assumed(self) -> str | None:
        """Power at the assumed effect, or None where it has none."""
        if self.at is None:
            return None
        truth = {"ratio": self.at} if self.ratio else {"effect": self.at * self.dilution}
        try:
            return f"{percent(self.ask(margin=self.margin, **truth).power)} probability"
        except (NoSolutionError, UsageError):
            return "no more probability than by chance, because that effect lies at or beyond the margin"

    def words(self, margin: Any) -> str:
        if self.ratio:
            if self.scale.rate is not None:
                return f"a {self.base['measure'].replace('_', ' ')} of {number(margin)}"
            return f"{RATIO_WORDS[self.scale.measure]} of {number(self.scale.shown(math.log(margin)))}"
        if margin is not self.margin:  # one that was found is on everyone randomized
            margin = margin / self.dilution
        if self.scale.rate is not None:
            return f"{number(100 * margin)} percentage points"
        return number(margin) if self.scale.raw else f"{decimals(margin)} SD"
