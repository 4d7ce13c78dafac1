"""What a memo is about: power results, or the primary outcomes of a plan as power results with where their assumptions come from.

The plan is read, never imported: this room lies below `plan`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from trialkit.errors import UsageError, shown
from trialkit.power import HOMES
from trialkit.power.plans.answer import TARGET, answer_for_plan
from trialkit.power.plans.outcome import scale_of
from trialkit.power.plans.scale import Scale
from trialkit.power.plans.sizes import Planned, planned
from trialkit.power.result import PowerResult
from trialkit.power.solve import NoSolutionError

FUNCTIONS = ("individual", "binary", "grouped", "clustered")
Unit = Literal["sd", "raw", "rate"]


@dataclass(frozen=True, slots=True)
class Question:
    """One outcome and one contrast.

    Attributes
    ----------
    shown : the design with its power, in whole numbers where a size was solved for; None where no formula or no detectable effect exists.
    label, arm, reference : in words; empty for a result without a plan.
    unit : whether effects are in SDs, in the outcome's own units, or differences of shares. falls : whether the effect looked for is a fall.
    rate : share in the control arm, as the outcome is counted.
    target : the power that designs are compared at.
    sources : "plan", "default" or "stated" by argument. aside : what the formula leaves out, as keys of the words.
    more : further results by name: smallest, stricter, takers. members : tests that `stricter` corrects for. share : that take part.
    swapped : whether the groups, which power calls the treated arm, are those of the reference.
    state : "ok", "no_formula" or "hopeless".
    """

    shown: PowerResult | None
    label: str = ""
    arm: str = ""
    reference: str = ""
    unit: Unit = "sd"
    falls: bool = False
    rate: float | None = None
    target: float = TARGET
    sources: Mapping[str, str] = field(default_factory=dict)
    aside: tuple[str, ...] = ()
    more: Mapping[str, PowerResult] = field(default_factory=dict)
    members: int = 0
    share: float | None = None
    swapped: bool = False
    state: str = "ok"

    @property
    def result(self) -> PowerResult:
        assert self.shown is not None
        return self.shown

    def base(self) -> dict[str, Any]:
        """The arguments of the design without effect and power."""
        return {k: v for k, v in self.result.inputs.items() if k not in ("effect", "power")}

    def ask(self, **changes: Any) -> PowerResult | None:
        """The same call with some arguments changed (None: left out); None where that design does not exist or does not reach the power."""
        arguments = {k: v for k, v in {**self.base(), **changes}.items() if v is not None}
        try:
            return function_of(self.result)(**arguments)
        except (NoSolutionError, UsageError):
            return None


def function_of(result: PowerResult) -> Callable[..., PowerResult]:
    """The power function that made a result."""
    found: Callable[..., PowerResult] = getattr(family_of(result), result.function)
    return found


def family_of(result: PowerResult) -> Any:
    """The module of that function."""
    return import_module(f"trialkit.power.{HOMES[result.function]}")


def questions(what: Any, outcomes: Sequence[str] | str | None) -> tuple[Question, ...]:
    """The questions of a plan, or of one or several power results."""
    if hasattr(what, "spec") or hasattr(what, "primary"):
        if outcomes is not None:
            raise UsageError("outcomes names results of power functions; a plan has the labels of its own outcomes.")
        return _of_plan(getattr(what, "spec", what))
    results = list(what) if isinstance(what, (list, tuple)) else [what]
    if not results or not all(isinstance(r, PowerResult) for r in results):
        raise UsageError(
            "a memo is made of a tk.Plan, or of one or several results of tk.power.individual, binary, grouped or clustered."
        )
    names = [""] * len(results) if outcomes is None else [outcomes] if isinstance(outcomes, str) else [str(o) for o in outcomes]
    if len(names) != len(results):
        raise UsageError(f"outcomes has {len(names)} names for {len(results)} results; give one each.")
    return tuple(_of_result(r, name) for r, name in zip(results, names))


def _of_result(result: PowerResult, label: str) -> Question:
    if result.function not in FUNCTIONS:
        raise UsageError(
            f"there is no memo of tk.power.{result.function} yet: it is made of results of {shown(FUNCTIONS)}. str(result) gives its paragraph."
        )
    inputs = result.inputs
    rate = inputs.get("control_rate")
    said_sd = inputs.get("sd", 1.0) != 1.0 or any(k.startswith("var_") for k in inputs)
    unit: Unit = "rate" if rate is not None else "raw" if said_sd else "sd"
    target = float(inputs["power"]) if "power" in inputs else TARGET
    return Question(
        _upwards(whole_numbers(result)), label=label, unit=unit, falls=result.effect < 0, rate=rate, target=target,
        sources=dict.fromkeys(inputs, "stated"),
    )  # fmt: skip


def whole_numbers(result: PowerResult) -> PowerResult:
    """The design to plan as a result of its own, where a size was solved for; otherwise the result."""
    if result.solved_for in ("power", "effect"):
        return result
    sizes = family_of(result).SIZE_ARGUMENTS
    base = {k: v for k, v in result.inputs.items() if k not in (*sizes, "power")}
    return function_of(result)(**{**base, **result.design, "effect": result.effect})


def _upwards(result: PowerResult) -> PowerResult:
    """A fall of a share as the rise of its complement, which has the same power: a two-sided test is solved for rises only."""
    rate = result.inputs.get("control_rate")
    if rate is None or result.effect >= 0 or result.alternative != "two-sided":
        return result
    return function_of(result)(**{**result.inputs, "control_rate": 1 - rate, "effect": -result.effect})


def _of_plan(spec: Any) -> tuple[Question, ...]:
    answers = answer_for_plan(spec).answers
    pairs = [(o, pair) for o in spec.primary for pair in spec.contrasts]
    found = []
    for (outcome, pair), answer in zip(pairs, answers):
        arm, reference = (spec.arm(name).label or name for name in pair)
        names = {"label": answer.label, "arm": arm, "reference": reference}
        scale = scale_of(spec, outcome)
        if scale is None or scale.kind not in ("mean", "rate"):  # the memo has no words for ratios yet
            found.append(Question(None, **names, state="no_formula"))
        elif answer.detectable is None:
            found.append(Question(None, **names, state="hopeless"))
        else:
            result = answer.assumed or answer.detectable
            design = planned(spec, outcome, pair, scale)
            members, stricter = _stricter(spec, outcome, design)
            more = {"smallest": _smallest(design, scale), "stricter": stricter, "takers": _takers(design, result)}
            found.append(
                Question(
                    result, **names, unit="rate" if scale.rate is not None else "raw" if scale.raw else "sd", falls=scale.falls, rate=scale.rate,
                    sources=_sources(spec, outcome, design), aside=_aside(spec, outcome, scale, design),
                    more={k: v for k, v in more.items() if v is not None}, members=members, share=design.take_up,
                    swapped=design.family == "grouped" and pair[0] not in spec.grouped_arms,
                )
            )  # fmt: skip
    if all(q.shown is None for q in found):
        raise UsageError(
            "power has no number for any primary outcome of this plan: `trialkit power` with the plan says why. Plan for more people, or give "
            "tk.power.memo the result of a power function."
        )
    return tuple(found)


def _smallest(design: Planned, scale: Scale) -> PowerResult | None:
    differs = scale.smallest is not None and (scale.assumed is None or abs(scale.smallest - scale.assumed) > 1e-12)
    return design.ask(effect=scale.smallest) if differs else None


def _takers(design: Planned, result: PowerResult) -> PowerResult | None:
    """The effect among those who take part that is the shown one on everyone randomized."""
    if design.take_up is None or design.on_compliers:
        return None
    return design.ask(effect=result.effect / design.take_up, take_up=design.take_up, effect_on="compliers")


def _stricter(spec: Any, outcome: Any, design: Planned) -> tuple[int, PowerResult | None]:
    """Tests of the outcome's family, and the effect that is detectable when the level is divided by their number."""
    members = len(spec.families[outcome.family]) * len(spec.comparisons)
    if spec.multiplicity.method in ("none", "gatekeeping") or members < 2:
        return members, None
    try:
        return members, design.ask(power=TARGET, alpha=design.alpha / members)
    except NoSolutionError:
        return members, None


def _sources(spec: Any, outcome: Any, design: Planned) -> dict[str, str]:
    """For each assumption whether the plan has it."""
    has = {
        "group_size": spec.design.groups is not None,
        "sd": outcome.assume.sd is not None,
        "control_rate": outcome.assume.control_rate is not None,
    }
    keys = ("icc", "attrition", "take_up", "baseline_correlation", "strata_r2")
    for key in keys:
        has[key] = getattr(outcome.assume, key, None) is not None or getattr(spec.design.assumptions, key, None) is not None
    found = {k: "plan" if v else "default" for k, v in has.items()}
    if has["baseline_correlation"] and "baseline_correlation" not in design.arguments:
        found["baseline_correlation"] = "aside"
    return found


def _aside(spec: Any, outcome: Any, scale: Scale, design: Planned) -> tuple[str, ...]:
    """What the formula leaves out, by key; power/plans says the same in English sentences."""
    found = []
    stratified = spec.data.strata or spec.design.scheme in ("stratified", "stratified_clustered")
    if stratified and "strata_r2" not in design.arguments:
        found.append("strata")
    if spec.design.scheme in ("matched_pairs", "rerandomized", "minimization"):
        found.append("design")
    if [c for c in spec.adjust_for(outcome) if c != spec.baseline_column(outcome)]:
        found.append("covariates")
    if scale.unused:
        found.append("units")
    if outcome.equivalence is not None or outcome.noninferiority is not None:
        found.append("margin")
    return tuple(found)
