"""The estimand of an outcome as one sentence: population, measure, contrast, time and what is made of intercurrent events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from trialkit.errors import UsageError, nearest
from trialkit.plan.schema.outcomes import Intercurrent, Outcome
from trialkit.plan.words.not_yet import unfit_for_rule

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["contrast_pair", "contrast_sides", "estimand_sentence", "missing_sentence"]


def estimand_sentence(spec: PlanSpec, outcome: Outcome | str, contrast: str | tuple[str, str] | None = None) -> str:
    """What is estimated, in one sentence.

    Parameters
    ----------
    outcome
        An outcome of the plan or its name.
    contrast
        "peer - individual" or ("peer", "individual"), or the text of one of the plan's own; unsaid: the first comparison of the plan.

    Examples
    --------
    >>> estimand_sentence(spec, "employed", "peer - individual")      # doctest: +SKIP
    "Among all randomized unemployed people, the difference in the share 'In work' between those offered peer group and those ..."
    """
    if isinstance(outcome, str):
        outcome = spec.outcome(outcome)
    first, second = contrast_sides(spec, contrast)
    offered, others = _side(spec, first), _side(spec, second)
    compared = _comparison(spec, outcome, offered, others)
    return f"Among {_population(spec, outcome)}, {compared}{_averaging(spec, outcome)}{_events(outcome)}."


def missing_sentence(spec: PlanSpec, outcome: Outcome) -> Iterator[str]:
    """What the analysis takes the outcomes to be that were not observed, where the plan's rule says more than 'available cases' and fits the outcome."""
    if spec.missing.primary == "available_cases" or unfit_for_rule(spec, outcome):
        return
    given = [c for c in spec.adjust_for(outcome) if c not in spec.data.strata]
    if spec.missing.primary == "multiple_imputation":
        given = ["the strata"] * bool(spec.data.strata) + given
        group = " and group" if spec.grouped_arms or spec.data.cluster else ""
        earlier = " and earlier waves" if outcome.scale is not None and outcome.wave is not None else ""
        also = f", {', '.join(given)}{earlier}" if given else ""
        how = "they are filled in by multiple imputation"
        yield f"Outcomes that were not observed are taken to be missing at random given arm{group}{also}: {how}."
    else:
        how = "people with the outcome are weighted by the inverse of their probability of having it"
        yield f"Outcomes that were not observed are taken to be missing at random given arm, {', '.join(given)}: {how}."


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


def _side(spec: PlanSpec, weights: Mapping[str, float]) -> str:
    """'those offered a peer group', or of several arms 'those offered a peer group or a coach (every arm counting the same)'."""
    offers = [_as_offer(spec.arm(a).label) for a in weights]
    if len(offers) == 1:
        return f"those offered {offers[0]}"
    same = len({round(w, 9) for w in weights.values()}) == 1
    counting = (
        "every arm counting the same" if same else ", ".join(f"{o} counting {w:g}" for o, w in zip(offers, weights.values()))
    )
    return f"those offered {', '.join(offers[:-1])} or {offers[-1]} ({counting})"


def _as_offer(label: str) -> str:
    """A label inside a sentence: a capital that only opens it goes, an acronym stays."""
    return label[:1].lower() + label[1:] if label[1:2].islower() or label[:2] == "A " else label


def _population(spec: PlanSpec, outcome: Outcome) -> str:
    everyone = f"all randomized {spec.trial.population}"
    if outcome.estimand.population == "compliers" or any(
        h.strategy == "principal_stratum" for h in outcome.intercurrent.values()
    ):
        return f"those of {everyone} who take up the offer when it is made to them"
    return everyone


def _comparison(spec: PlanSpec, outcome: Outcome, offered: str, others: str) -> str:
    what = f"'{outcome.label}'{_when(spec, outcome)}"
    between = f"between {offered} and {others}"
    ratio = f"among {offered} to that among {others}"
    match outcome.measure:
        case "mean_difference":
            return f"the difference in the mean of {what} {between}"
        case "risk_difference":
            return f"the difference in the share {what} {between}"
        case "risk_ratio":
            return f"the ratio of the share {what} {ratio}"
        case "odds_ratio":
            return f"the ratio of the odds of {what} {ratio}"
        case "rate_ratio":
            return f"the ratio of the mean count {what} {ratio}"
        case "mean_ratio":
            return f"the ratio of the mean of {what} {ratio}"
        case "win_odds":
            return f"the odds that someone of {offered} does better on {what} than someone of {others}, ties counting half"
        case "proportional_odds":
            return f"the ratio of the odds of a {outcome.better or 'higher'} category of {what} {ratio}, taken as the same at every category"
        case "quantile":
            which = "median" if outcome.q == 0.5 else f"{outcome.q:g} quantile"
            return f"the difference in the {which} of {what} {between}"
        case "hazard_ratio":
            return f"the ratio of the hazard of {what} {ratio}"
        case "rmst_difference":
            return f"the difference in the mean of {what}, counted up to {outcome.tau:g}, {between}"


def _when(spec: PlanSpec, outcome: Outcome) -> str:
    """The wave in words, unless the label of the outcome says it already."""
    if outcome.wave is None or outcome.wave not in spec.wave_names:
        return ""
    said = spec.wave_label(outcome.wave)
    return "" if said.casefold() in outcome.label.casefold() else f" {said}"


def _averaging(spec: PlanSpec, outcome: Outcome) -> str:
    if outcome.estimand.average == "group":
        return ", every group counting the same"
    grouped = spec.data.group is not None or spec.data.cluster is not None
    return ", every person counting the same" if grouped else ""


def _events(outcome: Outcome) -> str:
    """', whatever happened to them afterwards (never attended: treatment policy; died: counted as 0)'."""
    if not outcome.intercurrent:
        return ", whatever happened to them afterwards (treatment policy; the plan names no events)"
    by_strategy: dict[str, list[str]] = {}
    for event, handled in outcome.intercurrent.items():
        by_strategy.setdefault(_strategy(handled), []).append(event.replace("_", " "))
    listed = "; ".join(f"{', '.join(events)}: {strategy}" for strategy, events in by_strategy.items())
    opening = (
        "whatever happened to them afterwards" if "treatment policy" in by_strategy else "with what happened to them afterwards"
    )
    return f", {opening} ({listed})"


def _strategy(handled: Intercurrent) -> str:
    match handled.strategy:
        case "treatment_policy":
            return "treatment policy"
        case "composite":
            return f"counted as {handled.value:g}"
        case "hypothetical":
            return f"as if {handled.scenario}"
        case "while_on_treatment":
            return "only the time before it counts"
        case "principal_stratum":
            return "only people to whom it would not happen in either arm"
