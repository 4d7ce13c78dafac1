"""The plan in Dutch, beside `plan_en`, in the words of docs/woordenlijst.md."""

from __future__ import annotations

__all__ = ["SENTENCES", "marks", "note", "offer"]


def marks(number: str) -> str:
    """A decimal comma, and a point between thousands."""
    from trialkit.report.words.nl.phrases import number_in_dutch

    return number_in_dutch(number)


def offer(label: str) -> str:
    """A label inside a sentence."""
    return f"‘{label}’"


def note(part: str) -> str:
    """A part that cannot be run, in Dutch where the catalogue of notes has it."""
    from trialkit.report.words.nl.notes import dutch_note

    return dutch_note(part)


_ESTIMATORS = {
    "ancova": "kleinste kwadraten op arm en voormeting (ANCOVA)",
    "lin": "kleinste kwadraten met arm maal covariaten (Lin)",
    "difference_in_means": "verschil in gemiddelden",
    "horvitz_thompson": "Horvitz-Thompson, met de kansen van de loting",
    "hajek": "Hajek, met de kansen van de loting",
    "aipw": "weging en regressie samen, met kruiselings schatten (AIPW)",
    "mixed": "gemengd model (REML) met groepen in hun arm en residuele variantie per arm",
    "g_computation": "g-computatie met één werkmodel",
    "logit": "logistische regressie",
    "poisson": "Poissonregressie met robuuste standaardfouten",
    "win_odds": "win odds: ieder in de ene arm tegenover ieder in de andere",
    "proportional_odds": "regressie met proportionele odds",
    "quantile": "kwantielregressie",
    "cox": "Coxregressie",
    "rmst": "gemiddelde tijd tot een grens, met pseudowaarden",
    "randomization_test": "randomisatietoets",
    "wild_bootstrap": "wilde bootstrap",
    "cace": "effect onder wie deelnamen (CACE)",
    "longitudinal": "alle metingen in één model",
}
_RULES = {
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

SENTENCES: dict[str, str] = {
    **{f"estimator_{key}": words for key, words in _ESTIMATORS.items()},
    **{f"companion_{key}": words for key, words in _ESTIMATORS.items()},
    **{f"rule_{key}": words for key, words in _RULES.items()},
    "and": "en", "or": "of",
    "head_arms": "Armen", "head_data": "Gegevens", "head_scales": "Schalen", "head_outcomes": "Uitkomsten", "head_analysis": "Analyse", "head_further": "Verder gepland",
    "head_not_yet": "Gepland, maar niet uitgevoerd door deze versie",
    # the trial and its arms
    "randomized": "Gerandomiseerd: {population}.",
    "registered": "Geregistreerd als {id} (zo staat het in het plan; niet opgezocht).",
    "unregistered": "Het plan noemt geen openbare registratie: een vastlegging ervan is lokaal (niveau L0) tot er bewijs bij komt.",
    "control": "de controlegroep", "in_groups": "mensen komen in groepen", "weight": "gewicht bij de loting {weight}", "arm": "'{name}': {label} ({roles}).",
    "scheme_simple": "Mensen zijn één voor één geloot, elk met dezelfde kansen", "scheme_complete": "Mensen zijn geloot, met vaste aantallen per arm",
    "scheme_stratified": "Mensen zijn geloot", "scheme_clustered": "Hele clusters zijn geloot", "scheme_stratified_clustered": "Hele clusters zijn geloot",
    "scheme_matched_pairs": "Mensen zijn in paren verdeeld en geloot", "scheme_rerandomized": "Mensen zijn opnieuw geloot tot de armen op elkaar leken",
    "scheme_minimization": "Mensen zijn één voor één zo ingedeeld dat de armen op elkaar blijven lijken (minimalisatie)",
    "scheme_permuted_blocks": "Mensen zijn geloot in blokken, in volgorde van aanmelding", "scheme_factorial": "Mensen zijn geloot over combinaties",
    "scheme_custom": "Mensen zijn geloot op een eigen manier van het plan",
    "within": " binnen {columns}", "planned": "Gepland: {n} mensen{clusters}.", "in_clusters": " in {n} clusters",
    "formed": "Groepen van {low} tot {high} mensen{within}{alike}{mixed}.", "alike": ", gelijk in {columns}", "mixed": ", gemengd in {columns}",
    "keep_together": "Mensen met dezelfde '{column}' komen in dezelfde groep.", "keep_apart": "Mensen met dezelfde '{column}' komen in verschillende groepen.",
    "waiting_list": "Wie niet in een groep van de juiste grootte past, wacht; wie dat zijn, wordt geloot.",
    "some_groups": "Groepen bestaan maar in een deel van de armen. De analyse laat mensen daar op elkaar lijken, en nergens anders.",
    "assumed": "Verondersteld voor de planning, nooit gebruikt in de analyse: {numbers}.",
    "assumption_icc": "ICC", "assumption_attrition": "uitval", "assumption_take_up": "deelname", "assumption_baseline_correlation": "correlatie met de voormeting",
    # data and scales
    "columns": "Kolommen: {columns}.", "role_unit": "persoon", "role_arm": "arm", "role_group": "groep van indeling", "role_cluster": "cluster", "role_weights": "gewicht",
    "role_uptake": "nam deel", "role_facilitator": "begeleider", "waves": "Metingen: {waves}.",
    "codes": "Codes die geen waarde zijn: {codes}.",
    "no_codes": "Er zijn geen codes voor ontbrekende antwoorden opgegeven: een code als -99 zou voor een waarde doorgaan, of de analyse stoppen.",
    "scale": "'{name}': {scale}{parts}{when}, uit de kolommen {items}.", "at": " bij {waves}", "form": ", vorm '{form}'",
    "form_from": ", per mens de vorm naar {columns}", "subscale": ", subschaal '{subscale}'",
    # outcomes
    "outcome": "'{name}' ({role}{family})", "family": ", familie '{family}'", "outcome_primary": "primair", "outcome_secondary": "secundair", "outcome_exploratory": "verkennend",
    "composite_unread": "Geen kolom zegt bij wie '{event}' gebeurde; de waarde {value} moet dus al in de gegevens staan.",
    "adjusted": ", gecorrigeerd voor {columns}", "unadjusted": ", niet gecorrigeerd", "from_time": "Gelezen uit '{time}' met '{event}'{adjusted}.",
    "from_index": "{index} van {parts}, elk in SD's van de controlegroep{adjusted}.", "scored": "Gescoord als '{column}'{adjusted}.",
    "from_column": "Gelezen uit '{column}'{adjusted}.", "turned": " (omgekeerd: lager is beter)",
    "index_icw": "Een index, gewogen met de inverse covariantie (Anderson 2008),", "index_klk": "Het gewone gemiddelde (Kling, Liebman & Katz 2007)",
    "side_higher": "Hoger", "side_lower": "Lager", "better": "{side} is beter.", "better_by_scale": "{side} is beter (volgens de schaal).",
    "better_as_scale": "Beter: zoals de schaal zegt.", "better_unsaid": "Welke kant beter is, is niet gezegd; het rapport noemt dus geen van beide beter.",
    "worthwhile_sd": "Een effect van {size} standaarddeviatie of meer is de moeite waard.", "worthwhile": "Een effect van {size} of meer is de moeite waard.",
    "worthwhile_unsaid": "Het kleinste effect dat de moeite waard is, is niet gezegd; het rapport kan dus niet zeggen of het effect groot genoeg is.",
    "equivalence": "Gelijkwaardig binnen {margin}.", "noninferiority": "Niet slechter binnen {margin}.",
    # analysis
    "estimated": "{estimator}{adjusted}{whose}.", "estimated_with": " met {columns}", "estimated_for": " (voor {outcomes})",
    "errors": "Standaardfouten: {covariance}.", "hc2": "HC2, met t-intervallen (de standaardkeuze)",
    "cr2": "CR2 met de groepen en losse mensen als clusters, en vrijheidsgraden volgens Satterthwaite (de standaardkeuze)",
    "intervals": "{level}%-betrouwbaarheidsintervallen; {compared}.", "contrasts_control": "elke arm is vergeleken met de controlegroep",
    "contrasts_all": "elk paar armen is vergeleken", "contrasts_own": "vergeleken: {contrasts}", "contrast": "'{label}' met '{against}' ({text})",
    "covariate_missing": "Mensen zonder een covariaat van de voormeting: {rule}.",
    "covariate_impute": "het gemiddelde komt ervoor in de plaats, blind voor de arm, met een indicator; niemand valt af", "covariate_drop": "zij doen niet mee",
    "covariate_error": "de analyse stopt",
    "strata": "Strata: {rule}.", "strata_auto": "een term voor elk, maal arm waar de verdeling over de armen per stratum verschilt (de standaardkeuze)",
    "strata_additive": "een term voor elk", "strata_interacted": "een term voor elk, maal arm", "strata_none": "niet in het model",
    "no_correction": "Geen correctie voor meerdere uitkomsten.", "nothing_to_correct": "Geen familie heeft meer dan één toets; er wordt dus niets gecorrigeerd.",
    "correction": "Correctie binnen een familie: {method}{drawn}, voor {families}.", "drawn": " ({draws} trekkingen, startgetal {seed})",
    "graph_families": "Gatekeeping: de families worden getoetst in de volgorde {families}, elk met Holm.",
    "graph_any": "Elke verworpen hypothese van een familie geeft haar deel van alfa door aan de volgende.",
    "graph_all": "De volgende familie wordt pas getoetst als elke hypothese van de vorige is verworpen.",
    "graph_starts": "Gatekeeping: alfa begint als {shares}.", "graph_passes": "Als '{name}' is verworpen, gaat haar deel naar {shares}.",
    "graph_ends": "Het deel van '{name}' gaat nergens heen.", "graph_outside": "Buiten het schema, verkennend en niet gecorrigeerd: {names}.",
    "missing": "Uitkomsten die niet zijn waargenomen: {rule}{times}{beside}.", "times": ", {n} keer (startgetal {seed})",
    "beside": "; alleen de mensen met de uitkomst ernaast",
    "missing_sensitivity": "Hoeveel wie ontbreken ertoe kunnen doen: {rules}.",
    "companions": "Naast de primaire analyse, nooit in plaats daarvan: {names}.",
    "few_groups": "Voor de primaire uitkomsten CR2, CR3, wilde bootstrap en randomisatietoets naast elkaar ({draws} trekkingen, startgetal {seed}).",
    "few_groups_if": "Voor de primaire uitkomsten CR2, CR3, wilde bootstrap en randomisatietoets naast elkaar, als een arm minder dan {most} groepen of clusters heeft.",
    # also planned
    "measurement": "Voor elke schaal: betrouwbaarheid per meting en arm, mensen aan de uiteinden van de schaal, betrouwbare verandering. Invariantie wordt niet getoetst.",
    "measurement_invariance": "Voor elke schaal: betrouwbaarheid per meting en arm, mensen aan de uiteinden van de schaal, betrouwbare verandering, en of zij over metingen en armen "
    "hetzelfde meet; waar dat niet zo is, krijgen haar effecten een waarschuwing en het latente effect.",
    "step": "'{name}'", "step_at": "'{name}' bij {wave}",
    "mediation": "Hoeveel van het effect op '{outcome}' via {step} loopt{before}; de helling van de tussenstap {slopes}. De gevoeligheid voor een niet-gemeten oorzaak wordt gemeld "
    "({draws} trekkingen, startgetal {seed}).",
    "step_before": ", met '{column}' als de tussenstap van vóór het programma", "step_before_none": ", zonder de tussenstap van vóór het programma",
    "slopes_differ": "mag per arm verschillen", "slopes_same": "is in beide armen gelijk",
    "curve": "Een specificatiecurve van {names} naast de geregistreerde analyse, {how}: {choices}. Gezamenlijke toets door opnieuw te loten: {statistic}, {draws} trekkingen, "
    "startgetal {seed}.",
    "curve_all": "in alle combinaties", "curve_one_at_a_time": "één voor één", "curve_adjusted": "gecorrigeerd voor {columns} ({label})", "curve_nothing": "niets",
    "curve_estimator": "schatter {name}", "curve_covariance": "standaardfouten {name}", "curve_prorate": "{n} antwoorden die mogen ontbreken",
    "curve_item": "zonder item {n}", "curve_subscale": "subschaal {name}", "curve_winsorize": "afgekapt op {percent}%",
    "statistic_median_t": "mediaan van schatting / standaardfout", "statistic_mean_abs_t": "gemiddelde van |schatting / standaardfout|", "statistic_share_significant": "aandeel met p onder de grens, in één richting",
    "statistic_median_estimate": "mediaan van de schattingen, in SD's",
    "subgroup": "Of het effect op {outcomes} verschilt naar '{by}' ({kind}, {side}).", "subgroup_continuous": "doorlopend", "subgroup_categorical": "in categorieën",
    "subgroup_two-sided": "tweezijdig", "subgroup_greater": "eenzijdig, groter", "subgroup_less": "eenzijdig, kleiner",
    "reach": "Wie zijn bereikt, uit '{file}'{by}.", "reach_by": ", naar {columns}", "balance": "Verschillen bij het begin: {columns}.",
    "vulnerability": "Deelname en uitval worden getoond naar: {columns}.", "by_chance": "Of toeval mensen in hun groep bracht, wordt getoetst naar: {columns}.",
    "described": "Beschreven: {what}.", "losses": "uitval per arm", "take_up": "deelname",
    "no_harms": "Ongewenste gevolgen: niet gepland; het rapport zal zeggen dat ze niet zijn onderzocht.", "harms": "Ongewenste gevolgen per arm, uit {sources}.",
    # estimands
    "estimand": "Onder {population}: {compared}{averaging}{events}.",
    "offered": "wie {offer} kreeg aangeboden", "offered_any": "wie {offers} kreeg aangeboden ({counting})", "counting_same": "elke arm telt even zwaar",
    "counting": "{offer} telt voor {weight}",
    "everyone": "alle gerandomiseerde mensen ({population})", "compliers": "degenen van {everyone} die op het aanbod ingaan als het hun wordt gedaan",
    "what": "‘{label}’{when}", "when": " ({wave})", "between": "tussen {offered} en {others}", "ratio": "bij {offered} ten opzichte van {others}",
    "measure_mean_difference": "het verschil in het gemiddelde van {what} {between}", "measure_risk_difference": "het verschil in het aandeel {what} {between}",
    "measure_risk_ratio": "de verhouding van het aandeel {what} {ratio}", "measure_odds_ratio": "de verhouding van de odds van {what} {ratio}",
    "measure_rate_ratio": "de verhouding van het gemiddelde aantal {what} {ratio}", "measure_mean_ratio": "de verhouding van het gemiddelde van {what} {ratio}",
    "measure_win_odds": "hoeveel keer zo vaak het op {what} beter gaat met {offered} als met {others}, waarbij een gelijke stand half telt",
    "measure_proportional_odds": "de verhouding van de odds van een {side} categorie van {what} {ratio}, gelijk genomen bij elke categorie",
    "category_higher": "hogere", "category_lower": "lagere",
    "measure_quantile": "het verschil in {quantile} van {what} {between}", "median": "de mediaan", "quantile": "het {q}-kwantiel",
    "measure_hazard_ratio": "de verhouding van de hazard van {what} {ratio}",
    "measure_rmst_difference": "het verschil in het gemiddelde van {what}, geteld tot {tau}, {between}",
    "by_group": ", waarbij elke groep even zwaar telt", "by_person": ", waarbij iedereen even zwaar telt",
    "no_events": ", wat er daarna ook met hen gebeurde (iedereen telt mee zoals ingedeeld; het plan noemt geen gebeurtenissen)", "events": ", {opening} ({events})",
    "whatever": "wat er daarna ook met hen gebeurde", "minding": "met inachtneming van wat er daarna met hen gebeurde",
    "strategy_treatment_policy": "telt mee zoals ingedeeld", "strategy_composite": "telt als {value}", "strategy_hypothetical": "alsof {scenario}",
    "strategy_while_on_treatment": "alleen de tijd ervoor telt", "strategy_principal_stratum": "alleen mensen bij wie het in geen van de armen zou gebeuren",
    "at_random_imputed": "Uitkomsten die niet zijn waargenomen, ontbreken naar aanname toevallig gegeven arm{group}{also}: zij zijn ingevuld met meervoudige imputatie.",
    "and_group": " en groep", "the_strata": "de strata", "and_earlier": " en eerdere metingen",
    "at_random_weighted": "Uitkomsten die niet zijn waargenomen, ontbreken naar aanname toevallig gegeven arm, {given}: wie de uitkomst heeft, telt mee met het omgekeerde van de "
    "kans daarop.",
}  # fmt: skip
