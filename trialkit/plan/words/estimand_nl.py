"""The estimand of an outcome as one Dutch sentence, from the same parts of the plan as the English one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from trialkit.plan.words.estimand import contrast_sides
from trialkit.plan.words.not_yet import unfit_for_rule
from trialkit.report.words_nl_phrases import number_in_dutch

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Intercurrent, Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["amount", "estimand_in_dutch", "missing_in_dutch"]


def estimand_in_dutch(spec: PlanSpec, outcome: Outcome, contrast: str | tuple[str, str] | None = None) -> str:
    """What is estimated, in one Dutch sentence; `contrast` as for `estimand_sentence`.

    Examples
    --------
    >>> estimand_in_dutch(spec, spec.outcome("employed"))               # doctest: +SKIP
    "Onder alle gerandomiseerde mensen (werkloze jongeren): het verschil in het aandeel ‘Aan het werk’ tussen wie ..."
    """
    first, second = contrast_sides(spec, contrast)
    compared = _comparison(spec, outcome, _side(spec, first), _side(spec, second))
    return f"Onder {_population(spec, outcome)}: {compared}{_averaging(spec, outcome)}{_events(outcome)}."


def missing_in_dutch(spec: PlanSpec, outcome: Outcome) -> Iterator[str]:
    """`missing_sentence` in Dutch."""
    if spec.missing.primary == "available_cases" or unfit_for_rule(spec, outcome):
        return
    given = [c for c in spec.adjust_for(outcome) if c not in spec.data.strata]
    if spec.missing.primary == "multiple_imputation":
        given = ["de strata"] * bool(spec.data.strata) + given
        group = " en groep" if spec.grouped_arms or spec.data.cluster else ""
        earlier = " en eerdere metingen" if outcome.scale is not None and outcome.wave is not None else ""
        also = f", {', '.join(given)}{earlier}" if given else ""
        yield f"Uitkomsten die niet zijn waargenomen, ontbreken naar aanname toevallig gegeven arm{group}{also}: zij zijn ingevuld met meervoudige imputatie."
    else:
        yield (
            f"Uitkomsten die niet zijn waargenomen, ontbreken naar aanname toevallig gegeven arm, {', '.join(given)}: wie de uitkomst heeft, "
            "telt mee met het omgekeerde van de kans daarop."
        )


def amount(value: float) -> str:
    """A number of the plan with a decimal comma."""
    return number_in_dutch(f"{value:g}")


def _side(spec: PlanSpec, weights: Mapping[str, float]) -> str:
    """'wie ‘Groep’ kreeg aangeboden', or of several arms each with how it counts."""
    offers = [f"‘{spec.arm(a).label}’" for a in weights]
    if len(offers) == 1:
        return f"wie {offers[0]} kreeg aangeboden"
    same = len({round(w, 9) for w in weights.values()}) == 1
    counting = (
        "elke arm telt even zwaar" if same else ", ".join(f"{o} telt voor {amount(w)}" for o, w in zip(offers, weights.values()))
    )
    return f"wie {', '.join(offers[:-1])} of {offers[-1]} kreeg aangeboden ({counting})"


def _population(spec: PlanSpec, outcome: Outcome) -> str:
    everyone = f"alle gerandomiseerde mensen ({spec.trial.population})"
    if outcome.estimand.population == "compliers" or any(
        h.strategy == "principal_stratum" for h in outcome.intercurrent.values()
    ):
        return f"degenen van {everyone} die op het aanbod ingaan als het hun wordt gedaan"
    return everyone


def _comparison(spec: PlanSpec, outcome: Outcome, offered: str, others: str) -> str:
    what = f"‘{outcome.label}’{_when(spec, outcome)}"
    between = f"tussen {offered} en {others}"
    ratio = f"bij {offered} ten opzichte van {others}"
    match outcome.measure:
        case "mean_difference":
            return f"het verschil in het gemiddelde van {what} {between}"
        case "risk_difference":
            return f"het verschil in het aandeel {what} {between}"
        case "risk_ratio":
            return f"de verhouding van het aandeel {what} {ratio}"
        case "odds_ratio":
            return f"de verhouding van de odds van {what} {ratio}"
        case "rate_ratio":
            return f"de verhouding van het gemiddelde aantal {what} {ratio}"
        case "mean_ratio":
            return f"de verhouding van het gemiddelde van {what} {ratio}"
        case "win_odds":
            return f"hoeveel keer zo vaak het op {what} beter gaat met {offered} als met {others}, waarbij een gelijke stand half telt"
        case "proportional_odds":
            side = {"higher": "hogere", "lower": "lagere"}[outcome.better or "higher"]
            return f"de verhouding van de odds van een {side} categorie van {what} {ratio}, gelijk genomen bij elke categorie"
        case "quantile":
            which = "de mediaan" if outcome.q == 0.5 else f"het {amount(outcome.q or 0.0)}-kwantiel"
            return f"het verschil in {which} van {what} {between}"
        case "hazard_ratio":
            return f"de verhouding van de hazard van {what} {ratio}"
        case "rmst_difference":
            return f"het verschil in het gemiddelde van {what}, geteld tot {amount(outcome.tau or 0.0)}, {between}"


def _when(spec: PlanSpec, outcome: Outcome) -> str:
    """The wave in words, unless the label of the outcome says it already."""
    if outcome.wave is None or outcome.wave not in spec.wave_names:
        return ""
    said = spec.wave_label(outcome.wave)
    return "" if said.casefold() in outcome.label.casefold() else f" ({said})"


def _averaging(spec: PlanSpec, outcome: Outcome) -> str:
    if outcome.estimand.average == "group":
        return ", waarbij elke groep even zwaar telt"
    grouped = spec.data.group is not None or spec.data.cluster is not None
    return ", waarbij iedereen even zwaar telt" if grouped else ""


def _events(outcome: Outcome) -> str:
    """', wat er daarna ook met hen gebeurde (never attended: telt mee zoals ingedeeld; died: telt als 0)'."""
    if not outcome.intercurrent:
        return ", wat er daarna ook met hen gebeurde (iedereen telt mee zoals ingedeeld; het plan noemt geen gebeurtenissen)"
    by_strategy: dict[str, list[str]] = {}
    for event, handled in outcome.intercurrent.items():
        by_strategy.setdefault(_strategy(handled), []).append(event.replace("_", " "))
    listed = "; ".join(f"{', '.join(events)}: {strategy}" for strategy, events in by_strategy.items())
    opening = (
        "wat er daarna ook met hen gebeurde"
        if _AS_ASSIGNED in by_strategy
        else "met inachtneming van wat er daarna met hen gebeurde"
    )
    return f", {opening} ({listed})"


_AS_ASSIGNED = "telt mee zoals ingedeeld"


def _strategy(handled: Intercurrent) -> str:
    match handled.strategy:
        case "treatment_policy":
            return _AS_ASSIGNED
        case "composite":
            return f"telt als {amount(handled.value or 0.0)}"
        case "hypothetical":
            return f"alsof {handled.scenario}"
        case "while_on_treatment":
            return "alleen de tijd ervoor telt"
        case "principal_stratum":
            return "alleen mensen bij wie het in geen van de armen zou gebeuren"
