"""Power of a plan: one paragraph for each primary outcome, from its [design] and the outcomes' `assume`.

The plan is read, never imported: this room lies below `plan`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trialkit.errors import PlanError
from trialkit.misuse import explained
from trialkit.power.plans.margins import margin_sentences
from trialkit.power.plans.outcome import scale_of
from trialkit.power.plans.scale import Scale
from trialkit.power.plans.sizes import Planned, planned
from trialkit.power.result import PowerResult
from trialkit.power.solve import NoSolutionError
from trialkit.power.words import decimals, percent
from trialkit.results import SCHEMA_VERSION, plain

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

TARGET = 0.8
WORTH_SAYING = 1.05  # an exaggeration below 5 % is left out


@dataclass(frozen=True, slots=True)
class OutcomeAnswer:
    """Power for one primary outcome and one contrast.

    Attributes
    ----------
    outcome, label, contrast : whose answer this is; contrast reads "peer - individual".
    sentences : the paragraph.
    detectable : the effect found with 80 % power; None where power for the measure is not built.
    assumed : power for the effect that the plan assumes, if it does.
    used, missing : assumptions taken from the plan, and those that had to be supplied.
    """

    outcome: str
    label: str
    contrast: str
    sentences: tuple[str, ...]
    detectable: PowerResult | None
    assumed: PowerResult | None
    used: tuple[str, ...]
    missing: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.label} ({self.contrast})\n{' '.join(self.sentences)}"

    def to_dict(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome,
            "label": self.label,
            "contrast": self.contrast,
            "paragraph": " ".join(self.sentences),
            "detectable": None if self.detectable is None else self.detectable.to_dict(),
            "assumed": None if self.assumed is None else self.assumed.to_dict(),
            "used": list(self.used),
            "missing": list(self.missing),
        }


@dataclass(frozen=True, slots=True)
class PowerAnswer:
    """What the planned trial can detect: `str()` gives the paragraphs, `to_dict()` the numbers for --json."""

    answers: tuple[OutcomeAnswer, ...]

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.answers))

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = plain(
            {"schema_version": SCHEMA_VERSION, "kind": "power_answer", "answers": [a.to_dict() for a in self.answers]}
        )
        return found


@explained
def answer_for_plan(spec: PlanSpec) -> PowerAnswer:
    """What the planned trial can detect, for each primary outcome and each planned contrast.

    Parameters
    ----------
    spec : a plan. Used are [design] units, allocation, clusters, groups and assumptions, and `assume` of the primary outcomes;
        what is unsaid gets a default that the answer names.

    Returns
    -------
    PowerAnswer

    Raises
    ------
    PlanError
        [design] units (or, with whole clusters randomized, clusters) is missing, or too few people for the groups.

    Notes
    -----
    The effect is the one on everyone randomized unless the estimand's population is "compliers"; its direction is that of the
    assumed effect, otherwise of `better`. A correction for several outcomes enters as the level divided by their number.

    Examples
    --------
    >>> print(tk.power.answer_for_plan(spec))                            # doctest: +SKIP
    """
    if spec.design.units is None:
        raise PlanError(
            "[design] units is missing: power needs the planned number of people, over all arms. Write, for instance, units = 400."
        )
    return PowerAnswer(tuple(_answer(spec, o, pair) for o in spec.primary for pair in spec.contrasts))


def _answer(spec: PlanSpec, outcome: Outcome, pair: tuple[str, str]) -> OutcomeAnswer:
    contrast = f"{pair[0]} - {pair[1]}"
    scale = scale_of(spec, outcome)
    if scale is None or not (scale.ratio or scale.kind in ("mean", "rate")):
        remedy = (
            "and its data cannot be simulated from a plan: plan the number of people by a mean or a share of the same outcome, or give "
            "tk.power.simulate a generator= of such data."
            if scale is None
            else "simulate the plan (trialkit power --simulate)."
        )
        text = f"No formula is known for power with measure '{outcome.measure}'{',' if scale is None else ':'} {remedy}"
        return OutcomeAnswer(outcome.name, outcome.label, contrast, (text,), None, None, (), ())
    design = planned(spec, outcome, pair, scale)
    try:
        detectable = design.ask(power=TARGET)
    except NoSolutionError as error:
        hopeless = (f"With {design.words} no effect can be detected with {percent(TARGET)} probability: {error}",)
        return OutcomeAnswer(outcome.name, outcome.label, contrast, hopeless, None, None, design.used, design.missing)
    assumed = None if scale.assumed is None else design.ask(effect=scale.assumed)
    sentences = (
        _detectable_sentence(design, scale, detectable),
        *_judged(design, scale, assumed),
        *_read_with(spec, outcome, design, scale, detectable),
        *_assumptions(design),
    )
    return OutcomeAnswer(outcome.name, outcome.label, contrast, sentences, detectable, assumed, design.used, design.missing)


def _detectable_sentence(design: Planned, scale: Scale, detectable: PowerResult) -> str:
    """'With 12 groups of 12 and 144 controls you detect 0.38 SD with 80 % probability; two more groups would bring it to 0.35 ...'"""
    parts: list[str] = []
    last: float | None = None
    for change, arguments in design.improvements():
        try:
            effect = design.size(design.ask(power=TARGET, **arguments))
        except NoSolutionError:
            continue
        gain = design.size(detectable) - effect
        only = "only " if last is not None and gain < last else ""
        to = scale.short(effect)
        parts.append(f"{change} would bring it to {to}" if not parts else f"{change} {only}to {to}")
        last = gain
    more = f"; {'; '.join(parts)}" if parts else ""
    return f"With {design.words} you detect {scale.words(design.size(detectable))} with {percent(TARGET)} probability{more}."


def _judged(design: Planned, scale: Scale, assumed: PowerResult | None) -> Iterator[str]:
    """Power for the effect that the plan assumes and for the smallest that would matter."""
    if assumed is not None:
        text = (
            f"The effect you assume, {scale.words(design.size(assumed))}, is detected with {percent(assumed.power)} probability"
        )
        if assumed.type_m is not None and assumed.type_m >= WORTH_SAYING:
            text += f"; a significant estimate would then exaggerate it {decimals(assumed.type_m)} times on average"
        yield text + "."
    if scale.smallest is not None and (scale.assumed is None or abs(scale.smallest - scale.assumed) > 1e-12):
        power = design.ask(effect=scale.smallest).power
        yield f"The smallest effect that would matter, {scale.words(scale.smallest)}, is detected with {percent(power)} probability."
    yield from scale.unused


def _read_with(spec: PlanSpec, outcome: Outcome, design: Planned, scale: Scale, detectable: PowerResult) -> Iterator[str]:
    """Take-up, corrections and margins: what the first number does not hold."""
    if design.take_up is not None and not design.on_compliers and scale.ratio:
        yield from _ratio_of_takers(design, scale)
    elif design.take_up is not None and not design.on_compliers:
        inside = scale.amount(detectable.effect / design.take_up)
        yield f"This is the effect on everyone randomized; with {percent(design.take_up)} taking up the offer it takes {inside} among those who do."
    members = len(spec.families[outcome.family]) * len(spec.comparisons)
    if spec.multiplicity.method == "gatekeeping":
        share = spec.starting_share(outcome)
        if 0 < share < 1:
            stricter = design.size(design.ask(power=TARGET, alpha=design.alpha * share))
            yield f"With its share of alpha at the start of the graph ({share:.3g}) you detect {scale.short(stricter)} at worst."
        elif not share:
            yield "The graph tests it only after others are rejected; this is the power of its test alone."
    elif spec.multiplicity.method != "none" and members > 1:
        stricter = design.size(design.ask(power=TARGET, alpha=design.alpha / members))
        yield f"With a correction for the {members} tests of its family you detect {scale.short(stricter)} at worst."
    yield from margin_sentences(outcome, design, scale)


def _ratio_of_takers(design: Planned, scale: Scale) -> Iterator[str]:
    """The ratio among those who take part; only means of counts mix without further assumptions."""
    assert design.take_up is not None
    if design.family != "count":
        yield f"This is the ratio of everyone randomized; with {percent(design.take_up)} taking up the offer it lies further from 1 among those who do."
        return
    try:
        inside = design.size(design.ask(power=TARGET, take_up=design.take_up, effect_on="compliers"))
    except NoSolutionError:
        yield f"No ratio among the {percent(design.take_up)} who take up the offer brings that about."
        return
    yield f"This is the ratio of everyone randomized; with {percent(design.take_up)} taking up the offer it takes {scale.short(inside)} among those who do."


def _assumptions(design: Planned) -> Iterator[str]:
    if design.used:
        yield f"Taken from the plan: {'; '.join(design.used)}."
    if design.missing:
        yield f"Not in the plan and supplied here: {'; '.join(design.missing)}."
    if design.left_aside:
        yield f"Left aside: {'; '.join(design.left_aside)}."
