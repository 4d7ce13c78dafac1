"""The Dutch of a report, beside `english`: the same names, in the words of docs/woordenlijst.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from trialkit.report.document import Passage, among
from trialkit.report.words.english import English
from trialkit.report.words.nl.blinding import DutchBlinding
from trialkit.report.words.nl.checklists import DutchChecklists
from trialkit.report.words.nl.deviations import DutchDeviations
from trialkit.report.words.nl.disclosure import DutchDisclosure
from trialkit.report.words.nl.figures import DutchFigures
from trialkit.report.words.nl.harms import DutchHarms
from trialkit.report.words.nl.measurement import DutchMeasurement
from trialkit.report.words.nl.mediation import DutchMediation
from trialkit.report.words.nl.methods import dutch_method
from trialkit.report.words.nl.multiverse import DutchMultiverse
from trialkit.report.words.nl.notes import dutch_note
from trialkit.report.words.nl.over_time import DutchOverTime
from trialkit.report.words.nl.phrases import NUMBERS
from trialkit.report.words.nl.plain import DutchPlain
from trialkit.report.words.nl.selection import DutchSelection
from trialkit.report.words.nl.tests import DutchTests


class Dutch(
    DutchPlain, DutchFigures, DutchTests, DutchHarms, DutchMeasurement, DutchSelection, DutchOverTime, DutchMediation, DutchBlinding,
    DutchDeviations, DutchMultiverse, DutchDisclosure, DutchChecklists, English,
):  # fmt: skip
    """Headings, captions, column headers and the sentences around the numbers."""

    language = "nl"
    numbers = NUMBERS

    months = (
        "januari", "februari", "maart", "april", "mei", "juni",
        "juli", "augustus", "september", "oktober", "november", "december",
    )  # fmt: skip
    kicker = "Rapport van een gerandomiseerd onderzoek"
    skip = "Naar het rapport"
    contents = "Inhoud"
    this_language = "Nederlands"
    other_languages = "Dit rapport in een andere taal"
    figure_word, table_word = "Figuur", "Tabel"
    none, yes, no = "geen", "ja", "nee"

    titles: ClassVar[Mapping[str, tuple[str, str]]] = {
        "summary": ("In gewone woorden", "In gewone woorden"),
        "primary": ("Primaire uitkomst", "Primaire uitkomst"),
        "flow": ("Mensen en groepen in het onderzoek", "Verloop"),
        "baseline": ("De armen bij het begin", "Voormeting"),
        "outcomes": ("Alle uitkomsten", "Alle uitkomsten"),
        "over_time": ("Het effect in de loop van de tijd", "In de tijd"),
        "subgroups": ("Verschilt het effect tussen soorten mensen?", "Subgroepen"),
        "mediation": ("Effecten via een tussenstap", "Tussenstappen"),
        "families": ("Correctie voor meerdere toetsen", "Meerdere toetsen"),
        "few_groups": ("Hetzelfde effect met de methoden voor weinig groepen", "Weinig groepen"),
        "selection": ("Wie kwamen, wie deelnamen en wie bleven", "Wie kwamen en bleven"),
        "attrition": ("Mensen zonder gemeten uitkomst", "Ontbrekende uitkomsten"),
        "multiverse": ("Hetzelfde effect met andere analyses", "Andere analyses"),
        "harms": ("Ongewenste gebeurtenissen", "Ongewenste gebeurtenissen"),
        "measurement": ("Hoe goed de schalen maten", "Meetkwaliteit"),
        "next": ("Bereikt en verondersteld: voor het volgende onderzoek", "Volgend onderzoek"),
        "scales": ("Hoe de schalen zijn gescoord", "Schalen"),
        "indices": ("Hoe de indexen zijn gemaakt", "Indexen"),
        "unplanned": ("Analyses die niet gepland waren", "Niet gepland"),
        "erratum": ("Erratum: dit rapport vervangt een eerder rapport", "Erratum"),
        "deviations": ("Afwijkingen van het plan", "Afwijkingen"),
        "not_run": ("Gepland, maar niet uitgevoerd door deze versie", "Niet uitgevoerd"),
        "analysed": ("De mensen achter elk resultaat", "Mensen in de analyse"),
        "tests": ("Het plan, toets voor toets", "Geplande toetsen"),
        "standards": ("Bewijsstandaarden", "Standaarden"),
        "checklists": ("Rapportagelijsten", "Rapportagelijsten"),
        "notes": ("Opmerkingen bij de analyses", "Opmerkingen"),
        "manifest": ("Hoe dit rapport te controleren en te herhalen is", "Controleren en herhalen"),
        "plan": ("Het plan", "Het plan"),
    }

    # --- primary outcome
    raw_caption = "Wat in elke arm is waargenomen, vóór elke correctie"
    companions_title = "Dezelfde uitkomst met andere methoden"
    companions_intro = "Gepland naast de primaire analyse, nooit in plaats daarvan. De eerste rij is de primaire analyse."
    companions_caption = "Andere geplande analyses van deze uitkomst"
    notes_title = "Opmerkingen bij deze analyse"
    arm_header, randomized_header, analysed_header = "Arm", "Gerandomiseerd", "Geanalyseerd"
    groups_header, clusters_header = "Groepen", "Clusters"
    mean_header, share_header = "Gemiddelde (SD)", "Aandeel"
    se_row, test_row, p_row = "Standaardfout", "t (vrijheidsgraden)", "p"
    effect_header = "Effect"
    se_log_row = "Standaardfout van de logaritme"
    g_header = "g"
    g_row, method_row, people_row = "Hedges' g (standaarddeviaties)", "Methode", "Mensen in de analyse"
    groups_row, clusters_row = "Groepen", "Onafhankelijke eenheden"
    worthwhile_row = "Kleinste verschil dat volgens het plan de moeite waard is"
    analysis_header, outcome_header, p_header, df_header = "Analyse", "Uitkomst", "p", "df"
    p_adjusted_header, se_header = "p, na correctie", "SE"
    reading_header = "Uitkomst en uitleg"
    n_header = "n"
    methods: ClassVar[Mapping[str, str]] = {
        "ancova": "Regressie met correctie voor de voormeting (ANCOVA)",
        "lin": "Regressie met correctie per arm (Lin)",
        "difference_in_means": "Verschil in gemiddelden",
        "randomization_test": "Randomisatietoets",
        "wild_bootstrap": "Wilde bootstrap",
        "cace": "Effect onder wie deelnamen (CACE)",
        "longitudinal": "Alle metingen in één model",
        "available_cases": "De primaire analyse van mensen met de uitkomst",
        "aipw": "Weging en regressie samen (AIPW)",
        "mixed": "Gemengd model (REML)",
    }
    primary_analysis = "Primaire analyse"
    roles: ClassVar[Mapping[str, str]] = {"primary": "Primair", "secondary": "Secundair", "exploratory": "Verkennend"}
    units: ClassVar[Mapping[str, str]] = {
        "share": "procentpunten",
        "sd": "standaarddeviaties",
        "raw": "eenheden van de maat",
        "ratio": "verhouding",
    }

    def above_one_is_better(self, label: str) -> str:
        return f"{label} (boven 1 is beter)"

    def outcome_label(self, label: str, better: str | None) -> str:
        return f"{label} (lager is beter)" if better == "lower" else label

    def estimate_caption(self, control: str | None) -> str:
        caption = "Het geschatte effect van de indeling"
        return f"{caption}, elke arm tegenover {control}" if control else caption

    def estimand(self, sentence: str) -> str:
        return among("Wat wordt geschat. ", sentence)

    def difference_header(self, unit: str, adjusted: bool) -> str:
        name = {"share": "verschil (procentpunten)", "sd": "verschil (SD)", "raw": "verschil", "ratio": "verhouding"}[unit]
        if adjusted:
            return f"Gecorrigeerde {name}" if unit == "ratio" else f"Gecorrigeerd {name}"
        return f"{name[:1].upper()}{name[1:]}"

    def interval_header(self, level: str) -> str:
        return f"{level}-interval" if level else "Interval"

    def interval(self, low: str, high: str) -> str:
        return f"{low} tot {high}"

    def test(self, statistic: str, df: str | None) -> str:
        return f"{statistic} ({df})" if df else f"{statistic} (normaal)"

    def method(self, method: str, covariance: str) -> str:
        said, how = dutch_method(method), dutch_method(covariance)
        if isinstance(said, Passage) or isinstance(how, Passage):
            return Passage(super().method(method, covariance), "en")
        return f"{said}; {how}" if covariance else said

    def p_adjusted_row(self, method: str) -> str:
        if method == "gatekeeping":
            return "p, na correctie langs het schema van het plan (gatekeeping)"
        return f"p, na correctie binnen de familie ({self.correction(method)})" if method else "p, na correctie binnen de familie"

    def raw_note(self, unit: str) -> str:
        return "" if unit == "share" else "SD: standaarddeviatie tussen mensen."

    # --- flow
    flow_intro = "Geteld in de gegevens, zodat elk getal hier klopt met de analyses. Groepen zijn de groepen waarbij mensen zijn ingedeeld, ook als zij nooit kwamen."
    flow_caption = "Mensen en groepen in elke stap, per arm"
    stage_header, people_header, share_of_randomized = "Stap", "Mensen", "Van de gerandomiseerden"
    group_size_header = "Groepsgrootte, kleinste tot grootste (gemiddelde)"
    stages: ClassVar[Mapping[str, str]] = {"randomized": "Gerandomiseerd", "took_up": "Nam deel", "outcome": "Uitkomst bekend"}

    def outcome_known(self, label: str) -> str:
        return f"Uitkomst bekend: {label}"

    def group_size(self, low: str, high: str, mean: str) -> str:
        return f"{low} tot {high} ({mean})"

    # --- baseline
    baseline_caption = "Kenmerken bij de voormeting van iedereen die is gerandomiseerd"
    characteristic_header, difference_short = "Kenmerk", "Gestand. verschil"
    baseline_intro = (
        "In een gerandomiseerd onderzoek zijn verschillen bij het begin toeval. Daarom staan hier geen p-waarden; het gaat om de grootte. "
        "Verschillen tot 0,05 standaarddeviatie zijn te verwaarlozen; tussen 0,05 en 0,25 moet een analyse ervoor corrigeren; "
        "boven 0,25 is corrigeren misschien niet genoeg."
    )
    baseline_note = (
        "Getallen zijn gemiddelde (SD) of percentage. Gestandaardiseerde verschillen zijn niet gecorrigeerd: arm min controle."
    )
    baseline_note_arms = "Elk gestandaardiseerd verschil is dat van de arm links ervan, min controle."
    missing_level = "ontbreekt"

    # --- outcomes
    readings: ClassVar[Mapping[str, str]] = {
        "worthwhile_benefit": "beter, genoeg om de moeite waard te zijn",
        "benefit_size_uncertain": "beter, grootte onzeker",
        "benefit_too_small": "beter, te weinig om de moeite waard te zijn",
        "no_worthwhile_difference": "geen verschil dat de moeite waard is",
        "inconclusive": "onbeslist",
        "harm": "slechter",
    }
    readings_neutral: ClassVar[Mapping[str, str]] = {
        **readings,
        "worthwhile_benefit": "hoger, genoeg om de moeite waard te zijn",
        "benefit_size_uncertain": "hoger, grootte onzeker",
        "benefit_too_small": "hoger, te weinig om de moeite waard te zijn",
        "harm": "lager",
    }
    not_estimated = "niet geschat"
    effects_caption = "Effecten op alle uitkomsten"

    def outcomes_intro(self, contrast: str | None, control: str | None) -> str:
        which = f"Elk verschil is {contrast}. " if contrast else f"Elk verschil is met ‘{control}’. " if control else ""
        return which + "Uitkomsten in verschillende eenheden staan op eigen assen; vergelijk ze niet op het oog tussen assen."

    def effects_note(self, level: str, method: str, families: bool) -> str:
        if not families or method in ("", "none"):
            correct = "p-waarden zijn niet gecorrigeerd voor het aantal uitkomsten. "
        elif method == "gatekeeping":
            correct = "p, na correctie: langs het schema van hypothesen in het plan (gatekeeping); uitkomsten daarbuiten hebben er geen. "
        else:
            correct = f"p, na correctie: binnen de familie van uitkomsten, met de methode {self.correction(method)}. "
        return (
            correct
            + f"De uitleg volgt de niet-gecorrigeerde {level}-intervallen. g: Hedges' g, het verschil in standaarddeviaties."
        )

    # --- attrition
    attrition_caption = "Mensen zonder gemeten uitkomst, per arm"
    attrition_intro = "Uitval kan een vergelijking vertekenen als er veel is, en meer nog als de armen verschillende aantallen of verschillende mensen verliezen."
    overall_header = "Totaal"

    def attrition_note(self, counts: bool) -> str:
        first = "Aantal zonder de uitkomst, van het aantal gerandomiseerd. " if counts else ""
        return f"{first}Verschil in uitval: arm min controle, in procentpunten."

    def differential_header(self, arm: str | None) -> str:
        return f"Verschil in uitval: {arm}" if arm else "Verschil in uitval"

    def lost(self, lost: str, randomized: str) -> str:
        return f" ({lost} van {randomized})"

    # --- next study
    next_intro = (
        "Wat het plan veronderstelde, naast wat dit onderzoek vond. Met deze getallen kan het volgende onderzoek worden gepland."
    )
    assumed_caption = "Verondersteld in het plan en bereikt in dit onderzoek"
    icc_caption = "Hoe sterk leden van een groep op elkaar lijken, per uitkomst"
    icc_note = "ICC: het deel van de variantie dat tussen groepen ligt, gegeven de arm (geschat met REML; nooit onder 0). Bij weinig groepen is het onzeker."
    quantity_header, plan_header, trial_header = "Grootheid", "Plan", "Dit onderzoek"
    where_header, icc_header, units_header = "Groepen van", "ICC", "Groepen"
    size_header, range_header = "Gemiddelde grootte", "Kleinste tot grootste"
    quantities: ClassVar[Mapping[str, str]] = {
        "icc": "Intraclasscorrelatie (ICC), primaire uitkomst",
        "attrition": "Mensen zonder de primaire uitkomst",
        "take_up": "Nam deel",
        "group_size": "Mensen in een groep",
        "groups": "Groepen",
        "units": "Gerandomiseerde mensen",
        "baseline_correlation": "Correlatie van uitkomst en voormeting",
    }

    # --- scales
    scales_caption = "Antwoorden en scores"
    scale_header, wave_header = "Schaal", "Meting"
    scale_columns: ClassVar[Mapping[str, str]] = {
        "scored": "Gescoord",
        "no_score": "Geen score",
        "prorated": "Aangevuld",
        "items_reversed": "Items omgekeerd",
        "answers_reversed": "Antwoorden omgekeerd",
        "out_of_range": "Antwoorden buiten bereik",
    }
    possible_header = "Mogelijke score"
    scales_note = "Aangevuld: mensen van wie de score uit een deel van de items is gemaakt, zoals de schaal toestaat. Antwoorden buiten bereik zijn op ontbrekend gezet."

    # --- deviations, not run, notes
    deviations_none = "Er zijn geen afwijkingen vastgelegd."
    deviations_none_detail = (
        "Het register bevat wat de onderzoekers hebben ingevoerd; een afwijking die niemand invoerde, staat er niet in."
    )
    not_run_intro = "Deze delen van het plan kan deze versie van de software niet uitvoeren. Ze horen niet bij dit rapport:"
    deviation_names: ClassVar[Mapping[str, str]] = {
        "id": "Nummer",
        "plan_path": "Waar in het plan",
        "original": "Gepland",
        "new": "In plaats daarvan gedaan",
        "type": "Soort",
        "reason": "Reden",
        "timing": "Wanneer",
        "by": "Ingevoerd door",
        "approved": "Goedgekeurd door",
        "date": "Datum",
        "severity": "Ernst",
        "validity": "Wat het voor het resultaat betekent",
        "planned_estimate": "Schatting volgens plan",
        "changed_estimate": "Schatting na de wijziging",
    }

    def deviation_title(self, number: str, what: str) -> str:
        return f"Afwijking {number}: {what}" if what else f"Afwijking {number}"

    def said(self, text: str) -> str:
        return dutch_note(text)

    # --- manifest, plan
    manifest_intro = "Met het plan, het gegevensbestand en de software die hier staan, komen dezelfde getallen er weer uit:"
    manifest_files = (
        "Naast deze pagina: results.json bevat elk getal erin, niet afgerond; in tables/ staan de tabellen als CSV en in figures/ de figuren "
        "als PNG en SVG; in plan/ staan het plan, de vastlegging en wat daarbij hoort; bundle.json bevat de SHA-256 van elk bestand, waarmee "
        "`trialkit verify` ze vergelijkt. De pagina is uit results.json alleen opnieuw te maken."
    )
    manifest_names: ClassVar[Mapping[str, str]] = {
        "plan_hash": "Plan, SHA-256",
        "manifest_hash": "Vastlegging (lock manifest), SHA-256",
        "level": "Niveau van de vastlegging",
        "locked_at": "Vastgelegd op",
        "evidence": "Bewijs bij de vastlegging, SHA-256",
        "fingerprint_sha256": "Vingerafdruk van de gegevens, SHA-256",
        "file": "Gegevensbestand",
        "format": "Bestandsvorm",
        "bytes": "Bestandsgrootte in bytes",
        "sha256": "Gegevensbestand, SHA-256 van de bytes",
        "bytes_sha256": "Gegevensbestand, SHA-256 van de bytes",
        "content_sha256": "Gegevens, SHA-256 van de inhoud",
        "rows": "Rijen in de gegevens",
        "columns": "Kolommen in de gegevens",
        "created": "Rapport gemaakt op",
        "software": "Software",
    }
    plan_fold = "Lees het plan zoals het is begrepen"
    plan_intro = "Het plan in woorden, met elke standaardkeuze uitgeschreven."

    # --- status, figures and folds
    status_plan, status_hash, status_deviations, status_made = "Plan", "Hash van het plan", "Afwijkingen", "Gemaakt"
    data_behind = "Getallen achter deze figuur"
    file_note = "Niet afgerond:"

    def deviations_count(self, n: int) -> str:
        return "geen vastgelegd" if n == 0 else f"{n} vastgelegd"


DUTCH = Dutch()
