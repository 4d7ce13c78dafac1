"""A plan back in plain Dutch words, with every default written out: the twin of `describe`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from trialkit.plan.planned.side_by_side import FEW_GROUPS, FEW_GROUPS_DRAWS, when_few
from trialkit.plan.schema.gatekeeping import hypotheses, in_graph
from trialkit.plan.schema.mediators import mediator_baseline
from trialkit.plan.schema.outcomes import HedgesG, Outcome, ScaleUse
from trialkit.plan.schema.scale_files import definition
from trialkit.plan.words.estimand_nl import amount, estimand_in_dutch, missing_in_dutch
from trialkit.plan.words.not_yet import not_yet
from trialkit.report.document import opening
from trialkit.report.words_nl_notes import dutch_note

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec
    from trialkit.plan.schema.sections import Mediation

__all__ = ["describe_in_dutch"]

WIDTH = 100


def describe_in_dutch(spec: PlanSpec, *, folder: Path | None = None) -> str:
    """The plan in plain Dutch words, one block of text; `folder` is where the plan's own scale files stand.

    Examples
    --------
    >>> print(describe_in_dutch(spec))                            # doctest: +SKIP
    Mobiele groepen voor werkloze jongeren
    ...
    """
    sections = (
        ("", _trial(spec)),
        ("Armen", _arms(spec)),
        ("Gegevens", _data(spec)),
        ("Schalen", _scales(spec, folder)),
        ("Uitkomsten", _outcomes(spec, folder)),
        ("Analyse", _analysis(spec)),
        ("Verder gepland", _further(spec)),
        ("Gepland, maar niet uitgevoerd door deze versie", (f"{dutch_note(part)}." for part in not_yet(spec))),
    )
    blocks = []
    for title, sentences in sections:
        rows = [_wrapped(s) for s in sentences]
        if rows:
            blocks.append("\n".join([*([title] if title else []), *rows]))
    return f"{spec.trial.title}\n" + "\n\n".join(blocks)


def _wrapped(sentence: str) -> str:
    return textwrap.fill(sentence, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _trial(spec: PlanSpec) -> Iterator[str]:
    yield f"Gerandomiseerd: {spec.trial.population}."
    if spec.trial.registration:
        yield f"Geregistreerd als {spec.trial.registration} (zo staat het in het plan; niet opgezocht)."
    else:
        yield "Het plan noemt geen openbare registratie: een vastlegging ervan is lokaal (niveau L0) tot er bewijs bij komt."


def _arms(spec: PlanSpec) -> Iterator[str]:
    for arm in spec.arms:
        roles = [r for r, held in (("de controlegroep", arm.control), ("mensen komen in groepen", arm.grouped)) if held]
        shares = f"gewicht bij de loting {amount(spec.design.allocation[arm.name])}"
        yield f"'{arm.name}': {arm.label} ({'; '.join([*roles, shares])})."
    strata = f" binnen {_listed(spec.data.strata)}" if spec.data.strata else ""
    yield f"{_SCHEMES[spec.design.scheme]}{strata}."
    if spec.design.units is not None:
        clusters = f" in {spec.design.clusters} clusters" if spec.design.clusters is not None else ""
        yield f"Gepland: {spec.design.units} mensen{clusters}."
    formation = spec.design.groups
    if formation is not None:
        low, high = formation.size
        alike = f", gelijk in {_listed(formation.alike)}" if formation.alike else ""
        mixed = f", gemengd in {_listed(formation.mixed)}" if formation.mixed else ""
        yield f"Groepen van {low} tot {high} mensen{alike}{mixed}."
    if spec.grouped_arms and len(spec.grouped_arms) < len(spec.arms):
        yield "Groepen bestaan maar in een deel van de armen. De analyse laat mensen daar op elkaar lijken, en nergens anders."
    assumed = {k: v for k, v in spec.design.assumptions.model_dump().items() if v is not None}
    if assumed:
        said = ", ".join(f"{_ASSUMED.get(k, k.replace('_', ' '))} {amount(v)}" for k, v in assumed.items())
        yield f"Verondersteld voor de planning, nooit gebruikt in de analyse: {said}."


def _data(spec: PlanSpec) -> Iterator[str]:
    data = spec.data
    roles = {
        "mens": data.unit, "arm": data.arm, "groep van indeling": data.group, "cluster": data.cluster, "gewicht": data.weights,
        "nam deel": data.uptake, "begeleider": data.facilitator,
    }  # fmt: skip
    yield f"Kolommen: {', '.join(f'{role} {column!r}' for role, column in roles.items() if column is not None)}."
    if data.waves:
        yield f"Metingen: {', '.join(f'{w.name} ({w.label})' for w in data.waves)}."
    if data.missing_codes:
        yield f"Codes die geen waarde zijn: {', '.join(f'{code} ({why})' for code, why in data.missing_codes.items())}."
    else:
        yield "Er zijn geen codes voor ontbrekende antwoorden opgegeven: een code als -99 zou voor een waarde doorgaan, of de analyse stoppen."


def _scales(spec: PlanSpec, folder: Path | None) -> Iterator[str]:
    for entry in spec.scales:
        waves = spec.scale_waves(entry.name)
        when = f" bij {_listed(waves)}" if waves else ""
        known = definition(entry.scale, folder)
        name = f"{known['name']} ('{entry.scale}')" if isinstance(known.get("name"), str) else f"'{entry.scale}'"
        yield f"'{entry.name}': {name}{_part_of(entry)}{when}, uit de kolommen {entry.items}."


def _part_of(entry: ScaleUse) -> str:
    by_person = " en ".join(f"{what} ('{column}')" for what, column in (entry.form_from or {}).items())
    said = [
        f"vorm '{entry.form}'" if entry.form else "",
        f"per mens de vorm naar {by_person}" if by_person else "",
        f"subschaal '{entry.subscale}'" if entry.subscale else "",
    ]
    return "".join(f", {text}" for text in said if text)


def _outcomes(spec: PlanSpec, folder: Path | None) -> Iterator[str]:
    for outcome in spec.outcomes:
        family = f", familie '{outcome.family}'" if outcome.family != outcome.role else ""
        yield f"'{outcome.name}' ({_ROLES[outcome.role]}{family})"
        for comparison in spec.comparisons:
            yield estimand_in_dutch(spec, outcome, comparison.text)
        yield from missing_in_dutch(spec, outcome)
        yield f"{_source(spec, outcome)} {_better(spec, outcome, folder)} {_matters(outcome)}".strip()
        for event, handled in outcome.intercurrent.items():
            if handled.strategy == "composite" and handled.column is None:
                yield f"Geen kolom zegt bij wie '{event}' gebeurde; de waarde {amount(handled.value or 0.0)} moet dus al in de gegevens staan."


def _source(spec: PlanSpec, outcome: Outcome) -> str:
    adjust = spec.adjust_for(outcome)
    adjusted = (
        f", gecorrigeerd voor {_listed(adjust)}"
        if adjust and spec.estimator_for(outcome) != "difference_in_means"
        else ", niet gecorrigeerd"
    )
    if outcome.kind == "time":
        return f"Gelezen uit '{outcome.time}' met '{outcome.event}'{adjusted}."
    if outcome.index is not None:
        return f"{_INDICES[outcome.index.kind]} van {_parts(spec, outcome)}, elk in SD's van de controlegroep{adjusted}."
    made = "Gescoord als" if outcome.kind == "scale" else "Gelezen uit"
    return f"{made} '{spec.value_column(outcome)}'{adjusted}."


def _parts(spec: PlanSpec, outcome: Outcome) -> str:
    named = []
    for column, part in spec.components(outcome).items():
        turned = part.better == "lower" if part is not None and part.better is not None else column in outcome.index.lower  # type: ignore[union-attr]
        named.append(f"'{column}'{' (omgekeerd: lager is beter)' if turned else ''}")
    return f"{', '.join(named[:-1])} en {named[-1]}"


def _better(spec: PlanSpec, outcome: Outcome, folder: Path | None) -> str:
    if outcome.better is not None:
        return f"{_SIDES[outcome.better]} is beter."
    if outcome.scale is not None:
        use = spec.scale(outcome.scale)
        known = definition(use.scale, folder)
        direction = known.get("subscale_directions", {}).get(use.subscale, known.get("direction"))
        if direction in ("higher", "lower"):
            return f"{_SIDES[direction]} is beter (volgens de schaal)."
        return "Beter: zoals de schaal zegt."
    return "Welke kant beter is, is niet gezegd; het rapport noemt dus geen van beide beter."


def _matters(outcome: Outcome) -> str:
    told = []
    if isinstance(outcome.smallest_worthwhile, HedgesG):
        told.append(
            f"Een effect van {amount(outcome.smallest_worthwhile.hedges_g)} standaarddeviatie of meer is de moeite waard."
        )
    elif outcome.smallest_worthwhile is not None:
        told.append(f"Een effect van {amount(outcome.smallest_worthwhile)} of meer is de moeite waard.")
    elif outcome.role == "primary":
        told.append(
            "Het kleinste effect dat de moeite waard is, is niet gezegd; het rapport kan dus niet zeggen of het effect groot genoeg is."
        )
    for margin, word in (("equivalence", "Gelijkwaardig"), ("noninferiority", "Niet slechter")):
        value = getattr(outcome, margin)
        if value is not None:
            told.append(f"{word} binnen {amount(value)}.")
    return " ".join(told)


def _analysis(spec: PlanSpec) -> Iterator[str]:
    analysis, multiplicity = spec.analysis, spec.multiplicity
    yield f"{opening(_named(_ESTIMATORS, analysis.estimator))}{f' met {_listed(analysis.adjust)}' if analysis.adjust else ''}."
    yield f"Standaardfouten: {_covariance(spec)}."
    yield f"{amount(analysis.conf_level * 100)}%-betrouwbaarheidsintervallen; {_compared(spec)}."
    yield f"Mensen zonder een covariaat van de voormeting: {_COVARIATE_MISSING[analysis.covariate_missing]}."
    if spec.data.strata:
        yield f"Strata: {_STRATA[analysis.strata_effects]}."
    families = {name: members for name, members in spec.families.items() if len(members) * len(spec.comparisons) > 1}
    if multiplicity.method == "none":
        yield "Geen correctie voor meerdere uitkomsten."
    elif multiplicity.method == "gatekeeping":
        yield from _graph(spec)
    elif families:
        drawn = f" ({multiplicity.draws} trekkingen, startgetal {multiplicity.seed})" if multiplicity.seed is not None else ""
        yield f"Correctie binnen een familie: {multiplicity.method.replace('_', '-')}{drawn}, voor {_listed(tuple(families))}."
    else:
        yield "Geen familie heeft meer dan één toets; er wordt dus niets gecorrigeerd."
    times = (
        f", {spec.missing.imputations} keer (startgetal {spec.missing.seed})"
        if spec.missing.primary == "multiple_imputation"
        else ""
    )
    beside = "" if spec.missing.primary == "available_cases" else "; alleen de mensen met de uitkomst ernaast"
    yield f"Uitkomsten die niet zijn waargenomen: {_named(_MISSING, spec.missing.primary)}{times}{beside}."
    if spec.missing.sensitivity:
        yield f"Hoeveel wie ontbreken ertoe kunnen doen: {', '.join(_named(_MISSING, s) for s in spec.missing.sensitivity)}."
    if analysis.companions:
        yield f"Naast de primaire analyse, nooit in plaats daarvan: {', '.join(_named(_ESTIMATORS, c) for c in analysis.companions)}."
    yield from _few_groups(spec)


def _graph(spec: PlanSpec) -> Iterator[str]:
    m = spec.multiplicity
    if m.families:
        yield f"Gatekeeping: de families worden getoetst in de volgorde {_listed(m.families)}, elk met Holm."
        if len(m.families) > 1 and m.pass_on == "any":
            yield "Elke verworpen hypothese van een familie geeft haar deel van alfa door aan de volgende."
        elif len(m.families) > 1:
            yield "De volgende familie wordt pas getoetst als elke hypothese van de vorige is verworpen."
    else:
        yield f"Gatekeeping: alfa begint als {_shares(m.weights or {})}."
        for start, row in (m.transitions or {}).items():
            kept = {end: share for end, share in row.items() if share > 0}
            yield (
                f"Als '{start}' is verworpen, gaat haar deel naar {_shares(kept)}."
                if kept
                else f"Het deel van '{start}' gaat nergens heen."
            )
    outside = [h for h in hypotheses(spec) if h not in in_graph(spec)]
    if outside:
        yield f"Buiten het schema, verkennend en niet gecorrigeerd: {_listed(tuple(outside))}."


def _shares(shares: Mapping[str, float]) -> str:
    parts = [f"'{name}' ({amount(round(share, 4))})" for name, share in shares.items() if share > 0]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} en {parts[-1]}"


def _compared(spec: PlanSpec) -> str:
    if isinstance(spec.analysis.contrasts, str):
        return _CONTRASTS[spec.analysis.contrasts]
    return "vergeleken: " + "; ".join(f"'{c.label}' met '{c.against}' ({c.text})" for c in spec.comparisons)


def _few_groups(spec: PlanSpec) -> Iterator[str]:
    side_by_side = "CR2, CR3, wilde bootstrap en randomisatietoets naast elkaar"
    if spec.analysis.few_groups:
        draws = min(spec.analysis.draws, FEW_GROUPS_DRAWS)
        yield f"Voor de primaire uitkomsten {side_by_side} ({draws} trekkingen, startgetal {spec.analysis.seed})."
    elif when_few(spec):
        yield f"Voor de primaire uitkomsten {side_by_side}, als een arm minder dan {FEW_GROUPS} groepen of clusters heeft."


def _covariance(spec: PlanSpec) -> str:
    covariance = spec.analysis.covariance
    if covariance != "auto":
        return covariance
    if not spec.grouped_arms and spec.data.cluster is None:
        return "HC2, met t-intervallen (de standaardkeuze)"
    return "CR2 met de groepen en losse mensen als clusters, en vrijheidsgraden volgens Satterthwaite (de standaardkeuze)"


def _further(spec: PlanSpec) -> Iterator[str]:
    if spec.scales:
        yield _measurement(spec)
    for entry in spec.mediation:
        through = entry.mediator.column or entry.mediator.scale
        when = f" bij {entry.mediator.wave}" if entry.mediator.wave else ""
        yield _mediation(spec, entry, f"'{through}'{when}")
    for group in spec.subgroups:
        kind, side = _named(_SUBGROUPS, group.kind), _named(_SUBGROUPS, group.alternative)
        yield f"Of het effect op {_listed(group.outcomes)} verschilt naar '{group.by}' ({kind}, {side})."
    selection = spec.selection
    if selection.reach is not None:
        yield f"Wie zijn bereikt, uit '{selection.reach.funnel}'{f', naar {_listed(selection.reach.by)}' if selection.reach.by else ''}."
    if selection.balance:
        yield f"Verschillen bij het begin: {_listed(selection.balance)}."
    if selection.vulnerability:
        yield f"Deelname en uitval worden getoond naar: {_listed(selection.vulnerability)}."
    if selection.groups_by_chance:
        yield f"Of toeval mensen in hun groep bracht, wordt getoetst naar: {_listed(selection.groups_by_chance)}."
    looked = [w for w, asked in (("uitval per arm", selection.attrition), ("deelname", selection.take_up)) if asked]
    if looked:
        yield f"Beschreven: {' en '.join(looked)}."
    if spec.harms is None:
        yield "Ongewenste gevolgen: niet gepland; het rapport zal zeggen dat ze niet zijn onderzocht."
    else:
        sources = [
            *([f"'{spec.harms.events}'"] if spec.harms.events else []),
            *([_listed(spec.harms.columns)] if spec.harms.columns else []),
        ]
        yield f"Ongewenste gevolgen per arm, uit {' en '.join(sources)}."


def _mediation(spec: PlanSpec, entry: Mediation, step: str) -> str:
    baseline = mediator_baseline(spec, entry)
    before = (
        f", met '{baseline}' als de tussenstap van vóór het programma"
        if baseline
        else ", zonder de tussenstap van vóór het programma"
    )
    slopes = "mag per arm verschillen" if entry.interaction else "is in beide armen gelijk"
    return (
        f"Hoeveel van het effect op '{entry.outcome}' via {step} loopt{before}; de helling van de tussenstap {slopes}. "
        f"De gevoeligheid voor een niet-gemeten oorzaak wordt gemeld ({entry.draws} trekkingen, startgetal {entry.seed})."
    )


def _measurement(spec: PlanSpec) -> str:
    said = "Voor elke schaal: betrouwbaarheid per meting en arm, mensen aan de uiteinden van de schaal, betrouwbare verandering"
    if spec.measurement is not None and not spec.measurement.invariance:
        return f"{said}. Invariantie wordt niet getoetst."
    return f"{said}, en of zij over metingen en armen hetzelfde meet; waar dat niet zo is, krijgen haar effecten een waarschuwing en het latente effect."


def _listed(names: tuple[str, ...]) -> str:
    quoted = [f"'{n}'" for n in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} en {quoted[-1]}"


def _named(words: dict[str, str], key: str) -> str:
    return words.get(key, key.replace("_", " "))


_ROLES = {"primary": "primair", "secondary": "secundair", "exploratory": "verkennend"}
_SIDES = {"higher": "Hoger", "lower": "Lager"}
_ASSUMED = {
    "icc": "ICC", "attrition": "uitval", "take_up": "deelname", "baseline_correlation": "correlatie met de voormeting",
}  # fmt: skip
_SCHEMES = {
    "simple": "Mensen zijn één voor één geloot, elk met dezelfde kansen",
    "complete": "Mensen zijn geloot, met vaste aantallen per arm",
    "stratified": "Mensen zijn geloot",
    "clustered": "Hele clusters zijn geloot",
    "stratified_clustered": "Hele clusters zijn geloot",
    "matched_pairs": "Mensen zijn in paren verdeeld en geloot",
    "rerandomized": "Mensen zijn opnieuw geloot tot de armen op elkaar leken",
    "minimization": "Mensen zijn één voor één zo ingedeeld dat de armen op elkaar blijven lijken (minimalisatie)",
    "permuted_blocks": "Mensen zijn geloot in blokken, in volgorde van aanmelding",
    "factorial": "Mensen zijn geloot over combinaties",
    "custom": "Mensen zijn geloot op een eigen manier van het plan",
}
_ESTIMATORS = {
    "ancova": "kleinste kwadraten op arm en voormeting (ANCOVA)",
    "lin": "kleinste kwadraten met arm maal covariaten (Lin)",
    "difference_in_means": "verschil in gemiddelden",
    "horvitz_thompson": "Horvitz-Thompson, met de kansen van de loting",
    "hajek": "Hajek, met de kansen van de loting",
    "aipw": "weging en regressie samen, met kruiselings schatten (AIPW)",
    "mixed": "gemengd model (REML) met groepen in hun arm en residuele variantie per arm",
    "randomization_test": "randomisatietoets",
    "wild_bootstrap": "wilde bootstrap",
    "cace": "effect onder wie deelnamen (CACE)",
    "longitudinal": "alle metingen in één model",
}
_INDICES = {
    "icw": "Een index, gewogen met de inverse covariantie (Anderson 2008),",
    "klk": "Het gewone gemiddelde (Kling, Liebman & Katz 2007)",
}
_CONTRASTS = {"control": "elke arm is vergeleken met de controlegroep", "all": "elk paar armen is vergeleken"}
_COVARIATE_MISSING = {
    "impute": "het gemiddelde komt ervoor in de plaats, blind voor de arm, met een indicator; niemand valt af",
    "drop": "zij doen niet mee",
    "error": "de analyse stopt",
}
_STRATA = {
    "auto": "een term voor elk, maal arm waar de verdeling over de armen per stratum verschilt (de standaardkeuze)",
    "additive": "een term voor elk",
    "interacted": "een term voor elk, maal arm",
    "none": "niet in het model",
}
_MISSING = {
    "available_cases": "beschikbare waarnemingen",
    "multiple_imputation": "meervoudige imputatie",
    "jump_to_reference": "zoals de controlegroep (jump to reference)",
    "copy_reference": "steeds zoals de controlegroep (copy reference)",
    "copy_increments_in_reference": "verandering zoals de controlegroep (copy increments)",
    "last_mean_carried_forward": "het laatste gemiddelde",
    "inverse_probability_weights": "weging van wie bleven",
    "lee_bounds": "grenzen van Lee",
    "manski_bounds": "uiterste gevallen (Manski)",
    "kling_liebman": "grenzen van Kling en Liebman",
    "tipping_point": "omslagpunt",
}
_SUBGROUPS = {
    "continuous": "doorlopend", "categorical": "in categorieën",
    "two-sided": "tweezijdig", "greater": "eenzijdig, groter", "less": "eenzijdig, kleiner",
}  # fmt: skip
