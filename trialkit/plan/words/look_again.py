"""What in a valid plan deserves a second look before it is locked: choices that are often mistakes, each with what it would mean."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trialkit.plan.schema.outcomes import RATIO_MEASURES, HedgesG, Outcome
from trialkit.plan.words.vocabulary import Language

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["MANY_PRIMARY", "Look", "look_again"]

MANY_PRIMARY = 5  # tests that share one alpha; with more, each is held to less than .01
FEW_UNITS = 10  # groups or clusters of an arm below which an interval rests on a handful of degrees of freedom
WISHED_POWER = 0.8
NOTICEABLE_LOSS = 0.2
LEAST_CONFIDENCE = 0.8


@dataclass(frozen=True, slots=True)
class Look:
    """One thing to look at again: a fixed code, the key of the plan it is about, and why, in words."""

    code: str
    key: str
    text: str


def look_again(spec: PlanSpec, language: Language = "en") -> tuple[Look, ...]:
    """Known traps of a plan that is valid all the same. Nothing here stops a run.

    Parameters
    ----------
    spec : the plan. language : of the sentences.

    Examples
    --------
    >>> from trialkit.plan.reading.load import load_spec
    >>> from trialkit.plan.reading.template import starter_plan
    >>> [look.code for look in look_again(load_spec(starter_plan()))]
    ['low_power']
    """
    words = _WORDS[language]
    looks = (*_of_outcomes(spec), *_of_design(spec), *_of_losses(spec), *_of_analysis(spec))
    return tuple(
        Look(code, key, words[code].format(**{k: _told(k, v, language) for k, v in facts.items()})) for code, key, facts in looks
    )


Found = Iterator[tuple[str, str, dict[str, Any]]]


def _told(what: str, value: Any, language: str) -> str:
    """A number as the language writes it; what is text already stays as the plan would hold it."""
    if not isinstance(value, float):
        return str(value)
    text = f"{value:.1f}" if what in ("cautious", "optimistic") else f"{value:.3g}"
    return text.replace(".", ",") if language == "nl" else text


def _of_outcomes(spec: PlanSpec) -> Found:
    for outcome in spec.outcomes:
        if len(spec.wave_names) > 1 and outcome.wave == spec.wave_names[0]:
            yield "before_randomization", f"outcomes.{outcome.name}.wave", {"name": outcome.name, "wave": outcome.wave}
    for outcome in spec.primary:
        key = f"outcomes.{outcome.name}"
        if outcome.smallest_worthwhile is None:
            yield "no_worthwhile", f"{key}.smallest_worthwhile", {"name": outcome.name}
        if outcome.kind == "column" and outcome.baseline is None and outcome.measure == "mean_difference":
            yield "no_baseline", f"{key}.baseline", {"name": outcome.name}
        yield from _of_margins(outcome, key)
    if len(spec.primary) > MANY_PRIMARY:
        yield "many_primary", "outcomes", {"n": len(spec.primary), "alpha": (1 - spec.analysis.conf_level) / len(spec.primary)}


def _of_margins(outcome: Outcome, key: str) -> Found:
    smallest, assumed = outcome.smallest_worthwhile, outcome.assume.effect
    if outcome.measure in RATIO_MEASURES or smallest is None:
        return
    in_sd = isinstance(smallest, HedgesG)
    size = smallest.hedges_g if isinstance(smallest, HedgesG) else smallest
    for margin in ("equivalence", "noninferiority"):
        value = getattr(outcome, margin)
        if value is not None and not in_sd and value > size:
            yield "wide_margin", f"{key}.{margin}", {"name": outcome.name, "margin": float(value), "size": float(size)}
    # for a scale the assumed effect is in SDs, as hedges_g is; otherwise both are in the units of the measure
    if assumed is not None and in_sd == (outcome.kind == "scale") and 0 < abs(assumed) < size - 1e-12:
        yield "assumes_less", f"{key}.assume.effect", {"name": outcome.name, "assumed": float(assumed), "size": float(size)}
    if assumed and outcome.better is not None and (assumed > 0) != (outcome.better == "higher"):
        yield "assumes_harm", f"{key}.assume.effect", {"name": outcome.name, "assumed": float(assumed)}


def _of_design(spec: PlanSpec) -> Found:
    clustered = spec.data.cluster is not None or "clustered" in spec.design.scheme
    correlated = clustered or bool(spec.grouped_arms)
    unsaid = [o.name for o in spec.primary if o.assume.icc is None]
    if correlated and spec.design.assumptions.icc is None and unsaid:
        yield "no_icc" if not spec.grouped_arms else "no_icc_one_arm", "design.assumptions.icc", {}
    if spec.design.units is None:
        yield "no_units", "design.units", {}
        return
    count = _units_of_an_arm(spec, clustered)
    if count is not None and count < FEW_UNITS:
        yield "few_clusters" if clustered else "few_groups", "design.units", {"n": count}
    yield from _of_power(spec)


def _units_of_an_arm(spec: PlanSpec, clustered: bool) -> int | None:
    """Clusters or groups of the arm that has fewest of them, as planned; None where the plan does not tell."""
    weights = spec.design.allocation
    total = sum(weights.values())
    if clustered:
        clusters = spec.design.clusters
        return None if clusters is None else int(clusters * min(weights.values()) / total)
    if spec.design.groups is None or not spec.grouped_arms or spec.design.units is None:
        return None
    typical = sum(spec.design.groups.size) / 2
    return min(max(int(spec.design.units * weights[arm] / total / typical), 1) for arm in spec.grouped_arms)


def _of_power(spec: PlanSpec) -> Found:
    """Power for the smallest effect that would matter, by the formula of `trialkit power`, where there is one."""
    from trialkit.errors import TrialkitError
    from trialkit.power.plans.outcome import scale_of
    from trialkit.power.plans.sizes import planned

    for outcome in spec.primary:
        scale = scale_of(spec, outcome)
        if scale is None or scale.smallest is None:
            continue
        try:
            power = min(planned(spec, outcome, pair, scale).ask(effect=scale.smallest).power for pair in spec.contrasts)
        except TrialkitError:
            continue  # `trialkit power` says what is lacking
        if power < WISHED_POWER - 1e-9:
            yield (
                "low_power",
                f"outcomes.{outcome.name}.smallest_worthwhile",
                {"name": outcome.name, "power": f"{100 * power:.0f}"},
            )


def _of_losses(spec: PlanSpec) -> Found:
    from trialkit.inference.attrition.wwc import table_boundary

    lost = spec.design.assumptions.attrition
    if lost is None or lost <= 0:
        return
    key, facts = "design.assumptions.attrition", {"lost": f"{100 * lost:.0f}"}
    cautious, optimistic = (100 * table_boundary(lost, assumption) for assumption in ("cautious", "optimistic"))
    if math.isnan(optimistic):
        yield "rating_lost", key, facts
    elif math.isnan(cautious):
        yield "rating_optimistic", key, facts | {"optimistic": float(optimistic)}
    elif lost >= NOTICEABLE_LOSS:
        yield "rating_narrow", key, facts | {"cautious": float(cautious), "optimistic": float(optimistic)}
    if lost >= NOTICEABLE_LOSS and spec.missing.primary == "available_cases" and not spec.missing.sensitivity:
        yield "no_sensitivity", "missing.sensitivity", facts


def _of_analysis(spec: PlanSpec) -> Found:
    level = spec.analysis.conf_level
    if level < LEAST_CONFIDENCE:
        yield "conf_level", "analysis.conf_level", {"level": f"{100 * level:g}", "alpha": level, "meant": f"{1 - level:.10g}"}
    families = {outcome.family for outcome in spec.primary}
    if spec.multiplicity.method not in ("none", "gatekeeping") and len(families) > 1:
        yield "primary_families", "outcomes", {"n": len(spec.primary), "k": len(families)}
    tests = len(spec.primary) * len(spec.comparisons)
    if spec.multiplicity.method == "none" and tests > 1:
        yield "no_correction", "multiplicity.method", {"n": tests, "chance": f"{100 * (1 - level**tests):.0f}"}


_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "no_worthwhile": "'{name}' has no smallest_worthwhile: the report can say whether there is an effect, not whether it is large enough, and 'no difference found' will be read as 'equally good'.",
        "no_baseline": "'{name}' has no baseline: the same measurement before randomization would make its interval narrower and costs one question.",
        "many_primary": "{n} primary outcomes share one error rate, so that each alone is held to about {alpha}: name the few that decide, and make the others secondary.",
        "wide_margin": "the margin of '{name}', {margin}, is wider than its smallest worthwhile effect, {size}: 'equally good' could be declared while a worthwhile difference is lost.",
        "assumes_less": "'{name}' assumes an effect of {assumed}, and calls less than {size} not worthwhile: the trial is planned for a success that would not count as one.",
        "assumes_harm": "'{name}' assumes an effect of {assumed}, which is in the worse direction: power and simulated data will aim at harm. Turn its sign, or mend `better`.",
        "no_icc_one_arm": "people are put in groups, and no icc is assumed: power then takes 0.05, and a made-up check of false positives has to be told one. Members of a group come to resemble each other, mostly by .02 to .15.",
        "no_icc": "whole clusters are randomized, and no icc is assumed: power then takes 0.05. Write icc under [design] assumptions.",
        "no_units": "the planned number of people is not said ([design] units): neither power nor simulated data can tell whether the plan can work.",
        "few_groups": "about {n} groups are planned in an arm: intervals get wide and lean on the shape of the data. More and smaller groups help more than more people in each.",
        "few_clusters": "an arm has {n} clusters: intervals get wide and lean on the shape of the data. More clusters help more than more people in each.",
        "low_power": "the smallest worthwhile effect on '{name}' would be found with a probability of {power} %: a trial that finds nothing would not show that there is nothing. `trialkit power` tells what would help.",
        "rating_lost": "{lost} % lost is high attrition by the What Works Clearinghouse whatever the difference between the arms: the best rating is out of reach.",
        "rating_optimistic": "{lost} % lost is high attrition by the cautious boundary of the What Works Clearinghouse whatever the difference between the arms; by the optimistic one as soon as they differ by more than {optimistic} points.",
        "rating_narrow": "with {lost} % lost, the best rating of the What Works Clearinghouse is gone once the losses of the arms differ by more than {cautious} points (cautious boundary) or {optimistic} (optimistic).",
        "no_sensitivity": "{lost} % are expected to be lost, and nothing shows how much they could matter: add [missing] sensitivity, for instance lee_bounds or tipping_point.",
        "conf_level": "conf_level is {level} %: that is a very short interval. For tests at alpha {alpha} write conf_level = {meant}.",
        "before_randomization": "'{name}' is taken at '{wave}', the first wave, before randomization: nothing can have changed it yet. Name a later wave.",
        "primary_families": "{n} primary outcomes stand in {k} families, and a correction works within a family, so that none is made between them: give them the same family, or make one of them primary.",
        "no_correction": "{n} primary tests without correction find something by chance with a probability of up to {chance} %.",
    },
    "nl": {
        "no_worthwhile": "'{name}' heeft geen smallest_worthwhile: het rapport kan zeggen of er een effect is, niet of het groot genoeg is, en 'geen verschil gevonden' wordt gelezen als 'even goed'.",
        "no_baseline": "'{name}' heeft geen voormeting: dezelfde meting vóór de loting maakt het interval smaller en kost één vraag.",
        "many_primary": "{n} primaire uitkomsten delen één foutenkans, zodat elk apart op ongeveer {alpha} wordt getoetst: noem de paar die beslissen en maak de andere secundair.",
        "wide_margin": "de marge van '{name}', {margin}, is ruimer dan het kleinste effect dat ertoe doet, {size}: 'even goed' kan worden verklaard terwijl een verschil dat ertoe doet verloren gaat.",
        "assumes_less": "'{name}' gaat uit van een effect van {assumed} en noemt minder dan {size} niet de moeite waard: het onderzoek mikt op een succes dat geen succes zou heten.",
        "assumes_harm": "'{name}' gaat uit van een effect van {assumed}, en dat is de slechte kant op: onderscheidend vermogen en gesimuleerde gegevens gaan dan uit van schade. Draai het teken om of herstel `better`.",
        "no_icc_one_arm": "mensen komen in groepen en er staat geen icc: `trialkit power` rekent dan met 0,05, en een proef met verzonnen loting moet er een horen. Leden van een groep gaan op elkaar lijken, meestal met 0,02 tot 0,15.",
        "no_icc": "hele clusters worden geloot en er staat geen icc: `trialkit power` rekent dan met 0,05. Zet icc bij de assumptions van [design].",
        "no_units": "het geplande aantal mensen ontbreekt ([design] units): onderscheidend vermogen en gesimuleerde gegevens zijn dan niet te berekenen.",
        "few_groups": "er zijn ongeveer {n} groepen in een arm gepland: intervallen worden breed en leunen op de vorm van de gegevens. Meer en kleinere groepen helpen meer dan meer mensen per groep.",
        "few_clusters": "een arm heeft {n} clusters: intervallen worden breed en leunen op de vorm van de gegevens. Meer clusters helpen meer dan meer mensen per cluster.",
        "low_power": "het kleinste effect dat ertoe doet op '{name}' wordt gevonden met een kans van {power} %: een onderzoek dat niets vindt, toont dan niet dat er niets is. `trialkit power` zegt wat helpt.",
        "rating_lost": "{lost} % uitval is voor het What Works Clearinghouse hoog, hoe klein het verschil tussen de armen ook is: de hoogste beoordeling is buiten bereik.",
        "rating_optimistic": "{lost} % uitval is volgens de voorzichtige grens van het What Works Clearinghouse altijd hoog, en volgens de ruime grens zodra de armen meer dan {optimistic} punten verschillen.",
        "rating_narrow": "bij {lost} % uitval vervalt de hoogste beoordeling van het What Works Clearinghouse zodra de uitval van de armen meer dan {cautious} punten (voorzichtige grens) of {optimistic} (ruime grens) verschilt.",
        "no_sensitivity": "naar verwachting valt {lost} % uit, en niets laat zien hoeveel dat kan uitmaken: zet sensitivity bij [missing], bijvoorbeeld lee_bounds of tipping_point.",
        "conf_level": "conf_level is {level} %: dat is een heel kort interval. Is alfa {alpha} bedoeld, schrijf dan conf_level = 1 - alfa, hier {meant}.",
        "before_randomization": "'{name}' wordt gemeten op '{wave}', de eerste meting, vóór de loting: er kan dan nog niets zijn veranderd. Noem een latere meting.",
        "primary_families": "{n} primaire uitkomsten staan in {k} families, en een correctie werkt binnen een familie: tussen hen wordt dus niet gecorrigeerd. Geef ze dezelfde familie of maak er één primair.",
        "no_correction": "{n} primaire toetsen zonder correctie vinden met een kans van ten hoogste {chance} % iets bij toeval.",
    },
}  # fmt: skip
