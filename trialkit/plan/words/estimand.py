"""The estimand of an outcome as one sentence: population, measure, contrast, time and what is made of intercurrent events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from trialkit.errors import UsageError, nearest
from trialkit.plan.schema.outcomes import Intercurrent, Outcome
from trialkit.plan.words.not_yet import unfit_for_rule
from trialkit.plan.words.vocabulary import WORDS, Language, Vocabulary

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["contrast_pair", "contrast_sides", "estimand_sentence", "missing_sentence"]


def estimand_sentence(
    spec: PlanSpec, outcome: Outcome | str, contrast: str | tuple[str, str] | None = None, *, language: Language = "en"
) -> str:
    """What is estimated, in one sentence.

    Parameters
    ----------
    outcome
        An outcome of the plan or its name.
    contrast
        "peer - individual" or ("peer", "individual"), or the text of one of the plan's own; unsaid: the first comparison of the plan.
    language
        "en" or "nl".

    Examples
    --------
    >>> estimand_sentence(spec, "employed", "peer - individual")      # doctest: +SKIP
    "Among all randomized unemployed people, the difference in the share 'In work' between those offered peer group and those ..."
    """
    if isinstance(outcome, str):
        outcome = spec.outcome(outcome)
    w = WORDS[language]
    first, second = contrast_sides(spec, contrast)
    return w(
        "estimand",
        population=_population(spec, outcome, w),
        compared=_comparison(spec, outcome, _side(spec, first, w), _side(spec, second, w), w),
        averaging=_averaging(spec, outcome, w),
        events=_events(outcome, w),
    )


def missing_sentence(spec: PlanSpec, outcome: Outcome, *, language: Language = "en") -> Iterator[str]:
    """What the analysis takes the outcomes to be that were not observed, where the plan's rule says more than 'available cases' and fits the outcome."""
    if spec.missing.primary == "available_cases" or unfit_for_rule(spec, outcome):
        return
    w = WORDS[language]
    given = [c for c in spec.adjust_for(outcome) if c not in spec.data.strata]
    if spec.missing.primary != "multiple_imputation":
        yield w("at_random_weighted", given=", ".join(given))
        return
    given = [w("the_strata")] * bool(spec.data.strata) + given
    group = w("and_group") if spec.grouped_arms or spec.data.cluster else ""
    earlier = w("and_earlier") if outcome.scale is not None and outcome.wave is not None else ""
    yield w("at_random_imputed", group=group, also=f", {', '.join(given)}{earlier}" if given else "")


def contrast_sides(spec: PlanSpec, contrast: str | tuple[str, str] | None) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """The arms on either side of a contrast, with their weights."""
    known = {c.text: c for c in spec.comparisons}
    if contrast is None or (isinstance(contrast, str) and contrast in known):
        comparison = spec.comparisons[0] if contrast is None else known[str(contrast)]
        return comparison.first, comparison.second
    arm, reference = contrast_pair(spec, contrast)
    return {arm: 1.0}, {reference: 1.0}


def contrast_pair(spec: PlanSpec, contrast: str | tuple[str, str] | None) -> tuple[str, str]:
    """(arm, reference) of a contrast given in words, as a pair or not at all."""
    if contrast is None:
        return spec.contrasts[0]
    arm, _, reference = contrast.partition(" - ") if isinstance(contrast, str) else (contrast[0], "", contrast[1])
    for name in (arm, reference):
        if name not in spec.arm_names:
            near = nearest(name, spec.arm_names)
            raise UsageError(f"'{name}' is not an arm of the plan.{f' Did you mean {near!r}?' if near else ''}")
    return arm, reference


def _side(spec: PlanSpec, weights: Mapping[str, float], w: Vocabulary) -> str:
    """'those offered a peer group', or of several arms 'those offered a peer group or a coach (every arm counting the same)'."""
    offers = [w.offer(spec.arm(a).label) for a in weights]
    if len(offers) == 1:
        return w("offered", offer=offers[0])
    same = len({round(weight, 9) for weight in weights.values()}) == 1
    each = (w("counting", offer=o, weight=w.amount(weight)) for o, weight in zip(offers, weights.values()))
    return w("offered_any", offers=w.joined(offers, by="or"), counting=w("counting_same") if same else ", ".join(each))


def _population(spec: PlanSpec, outcome: Outcome, w: Vocabulary) -> str:
    everyone = w("everyone", population=spec.trial.population)
    strata = any(h.strategy == "principal_stratum" for h in outcome.intercurrent.values())
    return w("compliers", everyone=everyone) if strata or outcome.estimand.population == "compliers" else everyone


def _comparison(spec: PlanSpec, outcome: Outcome, offered: str, others: str, w: Vocabulary) -> str:
    """The measure in words; its sentence takes of these what it needs."""
    q, tau = outcome.q or 0.0, outcome.tau or 0.0
    return w(
        f"measure_{outcome.measure}",
        what=w("what", label=outcome.label, when=_when(spec, outcome, w)),
        between=w("between", offered=offered, others=others),
        ratio=w("ratio", offered=offered, others=others),
        offered=offered,
        others=others,
        side=w(f"category_{outcome.better or 'higher'}"),
        quantile=w("median") if q == 0.5 else w("quantile", q=w.amount(q)),
        tau=w.amount(tau),
    )


def _when(spec: PlanSpec, outcome: Outcome, w: Vocabulary) -> str:
    """The wave in words, unless the label of the outcome says it already."""
    if outcome.wave is None or outcome.wave not in spec.wave_names:
        return ""
    said = spec.wave_label(outcome.wave)
    return "" if said.casefold() in outcome.label.casefold() else w("when", wave=said)


def _averaging(spec: PlanSpec, outcome: Outcome, w: Vocabulary) -> str:
    if outcome.estimand.average == "group":
        return w("by_group")
    return w("by_person") if spec.data.group is not None or spec.data.cluster is not None else ""


def _events(outcome: Outcome, w: Vocabulary) -> str:
    """', whatever happened to them afterwards (never attended: treatment policy; died: counted as 0)'."""
    if not outcome.intercurrent:
        return w("no_events")
    by_strategy: dict[str, list[str]] = {}
    for event, handled in outcome.intercurrent.items():
        by_strategy.setdefault(_strategy(handled, w), []).append(event.replace("_", " "))
    listed = "; ".join(f"{', '.join(events)}: {strategy}" for strategy, events in by_strategy.items())
    as_assigned = any(h.strategy == "treatment_policy" for h in outcome.intercurrent.values())
    return w("events", opening=w("whatever" if as_assigned else "minding"), events=listed)


def _strategy(handled: Intercurrent, w: Vocabulary) -> str:
    return w(f"strategy_{handled.strategy}", value=w.amount(handled.value or 0.0), scenario=handled.scenario)
