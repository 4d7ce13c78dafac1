"""The Dutch of what follows an analysis, beside its twin in `en`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from trialkit.report.words.en.checklists import ChecklistWords
from trialkit.report.words.nl.checklist_items import ITEMS


class DutchChecklists(ChecklistWords):
    """Woorden van de delen 'analysed', 'tests', 'standards' en 'checklists'."""

    checklist_texts: ClassVar[Mapping[str, tuple[str, str]]] = ITEMS

    analysed_intro = (
        "Per uitkomst en arm: mensen gerandomiseerd, mensen van wie de uitkomst op dat moment bekend is, en mensen in de analyse."
    )
    analysed_counts_caption = "Mensen gerandomiseerd, gemeten en geanalyseerd"
    analysed_agree = "Deze aantallen kloppen met het verloop, de tabel van de voormeting, de uitval en de effecten; een rapport waarin zij elkaar tegenspreken wordt niet gemaakt."
    time_header, known_header = "Moment", "Bekend"
    both_forms_caption = "Het effect als verschil en als verhouding"
    both_forms_intro = (
        "Een effect op een uitkomst van ja of nee leest anders als verschil dan als verhouding; daarom staan beide hier."
    )
    absolute_header, relative_header = "Verschil, procentpunten", "Verhouding"
    both_forms_note = "Een van de twee is het geplande effect; de andere gaat over dezelfde mensen en armen. Verhoudingen zijn van aandelen, of van kansverhoudingen (odds) als het plan dat zegt."

    tests_intro = "Elke toets van het plan, gedaan of niet, in de volgorde van het plan. Niets is weggelaten om wat eruit kwam."
    tests_caption = "Het plan, ingevuld"
    planned_test_header, status_header, mark_header = "Toets", "Status", "Afwijking"
    tests_note = "p, na correctie: met de correctie van het plan, die alleen voor de effecten geldt. Afwijking: het nummer in het register dat de toets raakt."
    unlogged = "niet vastgelegd"
    locked_rows = "Volgens het vastgelegde plan, vóór de wijzigingen"
    unplanned_rows = "Niet gepland"
    described_rows = "Beschreven, niet getoetst"
    test_kinds: ClassVar[Mapping[str, str]] = {
        "effect": "Effect", "margin": "Marge", "companion": "Daarnaast", "over_time": "In de tijd", "missing": "Ontbrekende mensen", "subgroup": "Interactie met",
        "mediation": "Via", "description": "Beschrijving",
    }  # fmt: skip
    described: ClassVar[Mapping[str, str]] = {
        "balance": "De armen bij het begin", "attrition": "Uitval per arm", "reach": "Van geschikt tot gevolgd", "take_up": "Wie deelnamen",
        "harms": "Ongewenste gebeurtenissen per arm",
    }  # fmt: skip
    test_methods: ClassVar[Mapping[str, str]] = {
        "equivalence": "gelijkwaardigheid", "noninferiority": "niet slechter dan", "response_weighting": "weging voor wie antwoordt",
        "horvitz_thompson": "weging volgens de loting (Horvitz-Thompson)", "hajek": "weging volgens de loting (Hájek)",
        "aipw": "weging en regressie samen (AIPW)", "g_computation": "gestandaardiseerde voorspellingen (g-berekening)",
        "logit": "logistische regressie", "poisson": "Poissonregressie", "exact": "exact", "mixed": "gemengd model (REML)", "win_odds": "win odds",
        "quantile": "kwantielen", "proportional_odds": "proportionele odds", "cox": "Coxregressie",
        "rmst": "gemiddelde tijd tot de grens van de meting", "aalen_johansen": "cumulatieve incidentie (Aalen-Johansen)",
    }  # fmt: skip
    statuses: ClassVar[Mapping[str, str]] = {
        "done": "gedaan",
        "not_estimable": "gedaan, geen schatting",
        "not_done": "niet gedaan",
    }
    reasons: ClassVar[Mapping[str, str]] = {
        "not_built": "deze versie kan dit niet", "not_for_measure": "niet voor deze maat",
        "nothing_missing": "niemand ontbreekt", "left_out": "kon niet worden gedaan",
        "dropped": "alleen in het vastgelegde plan; het gewijzigde plan liet dit weg",
    }  # fmt: skip

    def tests_counts(self, done: str, planned: str) -> str:
        return f"{done} van de {planned} geplande analyses zijn gedaan."

    standards_intro = (
        "Wat gepubliceerde bewijsstandaarden van dit onderzoek maken, voor zover getallen beslissen. Ze vragen ook wat geen gegevens laten zien, zoals of één begeleider alle groepen leidde; dat is aan "
        "de beoordelaar."
    )
    movisie_title = "Erkenning van interventies (Movisie)"
    movisie_fold = "Werkblad voor een effectonderzoek"
    wwc_intro = (
        "Het beste oordeel dat uitval en voormeting openlaten. Voorzichtig: het programma kan veranderen wie uitvallen; optimistisch: dat kan het nauwelijks. Het beoordelingsprotocol kiest. Marge: "
        "hoe ver het resultaat van het volgende, slechtere oordeel ligt; onder nul is die grens voorbij."
    )
    wwc_rating_caption = "Uitval, en het oordeel dat zij openlaat"
    wwc_baseline_caption = "Verschillen bij het begin tussen wie zijn geanalyseerd"
    wwc_note = "Standards Handbook 4.1, tabel II.1; het totale percentage is afgerond op hele procenten, zo lezen wij de tabel. Of versie 5.0 dezelfde grens heeft, is niet nagekeken in de bron."
    wwc_baseline_note = "|g| tot 0,05 is gelijk, tot 0,25 gelijk na correctie, daarboven niet. Aandelen: index van Cox. Marge: tot de volgende grens, in SD."
    rating_header, assumption_header, overall_lost, gap_header, boundary_header, margin_header = (
        "Oordeel",
        "Aanname",
        "Uitval",
        "Verschil",
        "Grens",
        "Marge",
    )
    decided_header, variable_header, adjusted_header, verdict_header = "Beslist door", "Kenmerk", "Gecorrigeerd", "Oordeel"
    eef_intro = "Gegevens die van onderzoekers worden gevraagd, uit het geheugen naar de richtlijn van 2022: lees de richtlijn voordat u aan de stichting rapporteert."
    eef_caption = "Effectgroottes, intraclasscorrelaties, ontbrekende mensen en deelnemers"
    eef_note = (
        "g: op de totale variantie (gepoolde SD van mensen, binnen en tussen groepen, niet gecorrigeerd), met het interval van het effect, dat rekening houdt met de groepen. n: mensen; groepen bij een correlatie, "
        "wie ontbreken bij een aandeel."
    )
    wwc_notes: ClassVar[Mapping[str, str]] = {
        "baseline_unknown": "Voor enkele kenmerken is geen verschil bepaald: geen variatie, of een aandeel van 0 of 1 in een arm.",
        "no_pretest": "Is een uitkomst niet voor de randomisatie gemeten, dan beslist het grootste verschil bij het begin.",
    }  # fmt: skip
    line_header, eef_estimate_header = "Gegeven", "Schatting"
    eef_lines: ClassVar[Mapping[str, str]] = {
        "hedges_g": "Hedges' g, totale variantie", "icc": "Intraclasscorrelatie, uitkomst", "icc_pretest": "Intraclasscorrelatie, voormeting", "missing": "Ontbreekt",
        "cace": "Effect onder wie deelnamen", "first_stage": "Eerste stap, effectieve F",
    }  # fmt: skip
    assumptions_named: ClassVar[Mapping[str, str]] = {"cautious": "voorzichtig", "optimistic": "optimistisch"}
    attrition_word = "uitval"
    levels_named: ClassVar[Mapping[str, str]] = {"people": "mensen", "clusters": "clusters"}
    ratings: ClassVar[Mapping[str, str]] = {
        "without_reservations": "kan zonder voorbehoud voldoen", "with_reservations": "kan met voorbehoud voldoen", "does_not_meet": "voldoet niet",
        "unknown": "niet te zeggen",
    }  # fmt: skip
    baseline_verdicts: ClassVar[Mapping[str, str]] = {
        "alike": "gelijk", "alike_adjusted": "gelijk na correctie, die is gedaan", "needs_adjustment": "vraagt correctie, die is niet gedaan", "apart": "te ver uiteen",
        "unknown": "niet bepaald",
    }  # fmt: skip

    def rating_margin(self, margin: str, unit: str) -> str:
        return f"{margin} {'punten' if unit == 'points' else 'SD'}" if unit else ""

    checklists_intro = "Wat richtlijnen voor rapportage vragen, en waar het staat. ‘In het rapport’: het staat hier, met een link. ‘Deels’: de rest is aan de auteur. ‘Auteur’: alleen de auteur kan het schrijven."
    checklist_titles: ClassVar[Mapping[str, str]] = {
        "consort": "CONSORT 2025", "cluster": "Uitbreiding voor clusteronderzoek, op haar plaatsen in CONSORT 2025",
        "social": "Uitbreiding voor sociale en psychologische interventies, op haar plaatsen in CONSORT 2025",
    }  # fmt: skip
    asks_header, answer_header, in_report_header = "Punt", "Wat het rapport zegt", "Waar"
    checklist_statuses: ClassVar[Mapping[str, str]] = {
        "auto": "In het rapport",
        "partly": "Deels",
        "author": "Auteur",
        "not_applicable": "Niet van toepassing",
    }
    to_write = "Te schrijven"
    one_arm_statement = (
        "Geen uitbreiding van CONSORT gaat over groepen in één arm. De punten voor clusteronderzoek die daar betekenis hebben zijn beantwoord voor de groepen van die arm; de andere zijn niet van toepassing, "
        "omdat mensen zijn gerandomiseerd. Het dichtst erbij komt de uitbreiding voor niet-farmacologische behandelingen, over clustering per uitvoerder."
    )
    extension_note = "De uitbreidingen nummeren naar CONSORT 2010; de plaatsen in 2025 zijn van ons. Niet nagekeken in de bron: de punten over clusters vanaf 15, en die over sociale programma's 12a, 13a, 15, 17a, 25 en 26."
    checklist_measures: ClassVar[Mapping[str, str]] = {
        "mean_difference": "verschil in gemiddelden", "risk_difference": "verschil in aandelen", "risk_ratio": "verhouding van aandelen", "odds_ratio": "oddsratio",
        "rate_ratio": "verhouding van aantallen", "mean_ratio": "verhouding van gemiddelden", "win_odds": "win odds", "proportional_odds": "proportionele odds",
        "quantile": "verschil in kwantielen", "hazard_ratio": "hazardratio", "rmst_difference": "verschil in begrensde gemiddelde tijd",
        "cumulative_incidence_difference": "verschil in cumulatieve incidentie",
    }  # fmt: skip
    schemes: ClassVar[Mapping[str, str]] = {
        "simple": "eenvoudige loting", "complete": "loting met vaste aantallen", "stratified": "loting binnen strata", "clustered": "loting van clusters",
        "stratified_clustered": "loting van clusters binnen strata", "matched_pairs": "loting binnen paren", "rerandomized": "herhaalde loting tot er balans is",
        "minimization": "minimalisatie", "permuted_blocks": "loting in blokken", "factorial": "een factoriële opzet", "custom": "een eigen opzet van het onderzoek",
    }  # fmt: skip
    frameworks: ClassVar[Mapping[str, str]] = {
        "superiority": "beter zijn (superioriteit)",
        "equivalence": "gelijkwaardigheid",
        "noninferiority": "niet slechter zijn",
    }
    restricted_by: ClassVar[Mapping[str, str]] = {
        "strata": "strata",
        "match": "gepaard op",
        "balance_on": "in balans gehouden op",
    }
    covariates_missing: ClassVar[Mapping[str, str]] = {
        "impute": "ingevuld zonder naar de arm te kijken", "drop": "weggelaten met de persoon", "error": "niet toegestaan",
    }  # fmt: skip
    bounds_named: ClassVar[Mapping[str, str]] = {"kling_liebman": "grenzen van Kling en Liebman"}

    fact_files = (
        "results.json, tabellen en figuren staan naast deze pagina, en het plan in plan/; software en versies zijn genoemd."
    )
    fact_harms_counted = "Gepland: ongewenste gebeurtenissen zijn per arm geteld."
    fact_harms_not_planned = "Naar ongewenste gevolgen is niet gekeken: het plan zegt er niets over."
    fact_no_interim = "Het plan heeft geen tussentijdse analyse."
    fact_as_randomized = "Wie is geanalyseerd, telt in de arm van de loting; aantallen per uitkomst en arm staan in het rapport."
    fact_no_losses = "Niemand viel uit op de primaire uitkomst."
    fact_one_form = "De effecten staan hier; een uitkomst van ja of nee heeft maar één vorm."
    fact_no_others = "Er was geen andere analyse gepland, en er is er geen toegevoegd."
    fact_no_strata = "Er waren geen strata of paren."
    fact_no_groups = "Er zijn geen groepen of clusters in dit onderzoek."
    fact_people_randomized = "Mensen zijn gerandomiseerd; groepen bestaan niet in alle armen."
    fact_people_are_units = "Mensen zijn gerandomiseerd, geen clusters."

    def fact_outcome_counts(self, counts: Sequence[tuple[str, int]]) -> str:
        names = {"primary": "primaire", "secondary": "secundaire", "exploratory": "verkennende"}
        return "Uitkomsten: " + ", ".join(f"{n} {names[role]}" for role, n in counts if n) + "."

    def fact_arms(self, arms: Sequence[str]) -> str:
        return f"{len(arms)} armen: {'; '.join(arms)}."

    def fact_design(self, arms: Sequence[str], shares: Sequence[str], scheme: str, frameworks: Sequence[str]) -> str:
        kinds = ", ".join(self.frameworks.get(k, k) for k in frameworks)
        return f"{len(arms)} armen ({'; '.join(arms)}), toegewezen {' : '.join(shares)}; {scheme}; {kinds}."

    def fact_changes(self, logged: int, keys: int, unplanned: int) -> str:
        changed = f", {keys} punten verschillen van het vastgelegde plan" if keys else ""
        return f"{logged or 'Geen'} afwijking{'' if logged == 1 else 'en'} vastgelegd{changed}; {unplanned or 'geen'} niet-geplande analyse{'' if unplanned == 1 else 's'}."

    def fact_assumed_effect(self, label: str, value: str) -> str:
        return f"verondersteld effect op {label}: {value}"

    def fact_restrictions(self, scheme: str, named: Sequence[tuple[str, Sequence[str]]], blocks: Sequence[str]) -> str:
        parts = [scheme, *(f"{self.restricted_by[k]}: {', '.join(v)}" for k, v in named)]
        return "; ".join([*parts, *([f"blokken van {', '.join(blocks)}"] if blocks else [])]) + "."

    def fact_allocation_kept(self, files: Sequence[str]) -> str:
        return f"Een certificaat van de toewijzing hoort bij de vastlegging: {', '.join(files)}."

    def fact_missing(self, primary: str, others: Sequence[str], covariates: str) -> str:
        also = f"; daarnaast: {', '.join(others)}" if others else ""
        return f"Uitkomsten: {primary}{also}. Covariaten: {self.covariates_missing.get(covariates, covariates)}."

    def fact_further(self, planned: int, unplanned: int) -> str:
        return f"{planned or 'Geen'} verdere geplande toets{'' if planned == 1 else 'en'}; {unplanned or 'geen'} niet-geplande analyse{'' if unplanned == 1 else 's'}, als zodanig gemerkt."

    def fact_lost(self, share: str) -> str:
        return f"{share} heeft geen primaire uitkomst; aantallen per arm staan in het rapport, redenen niet."

    def fact_both_forms(self, n: int) -> str:
        return f"Absolute en relatieve effecten voor {n} uitkomst{'' if n == 1 else 'en'} van ja of nee."

    def fact_notes(self, n: int) -> str:
        return f"{n or 'Geen'} opmerking{'' if n == 1 else 'en'} bij de primaire analyses."

    def fact_effect(self, label: str, contrast: str, value: str, low: str, high: str, level: str) -> str:
        return f"{label}: {contrast} {value} ({level}-interval {low} tot {high})."

    def fact_groups(self, arm: str, groups: str, people: str) -> str:
        return f"{arm}: {groups} groepen met {people} mensen."

    def fact_icc(self, label: str, icc: str, units: str, arm: str) -> str:
        return f"{label}: {icc} ({units} groepen{f' van {arm}' if arm else ''})."
