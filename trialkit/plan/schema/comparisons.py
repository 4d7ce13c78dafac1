"""Which arms a plan compares: pairs, or contrasts of its own, averages of some arms against averages of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trialkit.errors import nearest, shown
from trialkit.plan.schema.base import Problem
from trialkit.plan.schema.sections import OwnContrast

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["Comparison", "comparison_problems", "comparisons"]

ROUNDING = 1e-6
LINEAR = ("ancova", "lin")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison: its text in the results, the arms of each side with their weights, and each side in words."""

    text: str
    first: Mapping[str, float]
    second: Mapping[str, float]
    label: str
    against: str


def comparisons(spec: PlanSpec) -> tuple[Comparison, ...]:
    """Every comparison of the plan, in its order."""
    own = spec.analysis.contrasts
    if isinstance(own, str):
        return tuple(
            Comparison(f"{arm} - {reference}", {arm: 1.0}, {reference: 1.0}, spec.arm(arm).label, spec.arm(reference).label)
            for arm, reference in spec.contrasts
        )
    return tuple(_own(spec, contrast) for contrast in own)


def _own(spec: PlanSpec, contrast: OwnContrast) -> Comparison:
    first = {a: w for a, w in contrast.weights.items() if w > 0}
    second = {a: -w for a, w in contrast.weights.items() if w < 0}
    against = contrast.against if contrast.against is not None else " / ".join(spec.arm(a).label for a in second)
    return Comparison(_text(contrast.weights), first, second, contrast.label, against)


def _text(weights: Mapping[str, float]) -> str:
    """'0.5 peer + 0.5 coach - solo': as the rows of the results name it."""
    parts = []
    for arm, weight in sorted(weights.items(), key=lambda item: item[1] < 0):
        if weight:
            size = "" if abs(weight) == 1 else f"{abs(weight):g} "
            parts.append(f"{'- ' if weight < 0 else '+ '}{size}{arm}")
    return " ".join(parts).removeprefix("+ ")


def comparison_problems(spec: PlanSpec) -> Iterator[Problem]:
    """What contradicts itself in the contrasts of a plan, with the remedy."""
    own, at = spec.analysis.contrasts, ("analysis", "contrasts")
    if isinstance(own, str):
        if own == "all" and spec.multiplicity.method == "dunnett":
            yield Problem(
                ("multiplicity", "method"), '\'dunnett\' is for arms against one control; write contrasts = "control", or "holm"'
            )
        return
    if not own:
        yield Problem(at, 'contrasts is empty; write "control", "all", or [{ label = "...", weights = { ... } }]')
    for i, contrast in enumerate(own):
        yield from _weights(spec, contrast, (*at, i))
    texts = [_text(c.weights) for c in own]
    for i, text in enumerate(texts):
        if text in texts[:i]:
            yield Problem((*at, i), f"the contrast '{own[i].label}' ({text}) stands twice; keep one")
        elif own[i].label in [c.label for c in own[:i]]:
            yield Problem((*at, i, "label"), f"two contrasts are called '{own[i].label}'; give each a label of its own")
    yield from _analyses(spec)


def _weights(spec: PlanSpec, contrast: OwnContrast, at: tuple[str | int, ...]) -> Iterator[Problem]:
    unknown = [a for a in contrast.weights if a not in spec.arm_names]
    for name in unknown:
        near = nearest(name, spec.arm_names)
        hint = f" Did you mean '{near}'?" if near else f" There are: {shown(spec.arm_names)}."
        yield Problem((*at, "weights", name), f"'{name}' is not one of [arms].{hint}")
    above = sum(w for w in contrast.weights.values() if w > 0)
    below = sum(w for w in contrast.weights.values() if w < 0)
    if abs(above - 1) > ROUNDING or abs(below + 1) > ROUNDING:
        message = (
            f"the weights of '{contrast.label}' sum to {above:g} above zero and {below:g} below; an average against an average has 1 and -1, "
            "as in { peer = 0.5, coach = 0.5, individual = -1 }"
        )
        yield Problem((*at, "weights"), message)
    if sum(w < 0 for w in contrast.weights.values()) > 1 and contrast.against is None:
        yield Problem(at, f"say in words what '{contrast.label}' is compared with: against = \"...\"")


def _analyses(spec: PlanSpec) -> Iterator[Problem]:
    """Analyses that know no contrasts of one's own."""
    from trialkit.plan.schema.outcomes import HedgesG

    analysis = spec.analysis
    others = [c for c in analysis.companions if c not in LINEAR]
    if others:
        yield Problem(
            ("analysis", "companions"),
            f"{shown(others)} compare arms in pairs, and contrasts are the plan's own; remove one or the other",
        )
    if spec.multiplicity.method == "dunnett":
        yield Problem(
            ("multiplicity", "method"),
            "'dunnett' is for arms against one control; with contrasts of the plan's own write \"holm\"",
        )
    for i, outcome in enumerate(spec.outcomes):
        if spec.estimator_for(outcome) not in LINEAR:
            where = ("outcomes", i, "estimator") if outcome.estimator else ("analysis", "estimator")
            message = f"contrasts of the plan's own go with estimator {shown(LINEAR)}, not with '{spec.estimator_for(outcome)}'"
            yield Problem(where, message)
        if isinstance(outcome.smallest_worthwhile, HedgesG):
            message = "a distance in standard deviations needs one SD, which a contrast of several arms has not; write a number in the outcome's units"
            yield Problem(("outcomes", i, "smallest_worthwhile"), message)
