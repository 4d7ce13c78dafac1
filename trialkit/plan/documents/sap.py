"""The statistical analysis plan by the 55 items of Gamble et al. (2017), in our own words: filled where the plan knows, asked of the authors elsewhere.

Compared with public copies: the numbers 1a to 13b, the content of 14 to 24 and 26 to 31, and the total. The numbers of 25 and 32 were not checked against the source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trialkit.plan.documents.form import Form
from trialkit.plan.documents.made import Item, form_of
from trialkit.plan.documents.told import Told
from trialkit.plan.words.vocabulary import Language

if TYPE_CHECKING:
    from trialkit.plan.record import PlanRecord

__all__ = ["PARTS", "sap"]

I = Item  # noqa: E741
PARTS: tuple[tuple[str, str, tuple[Item, ...]], ...] = (
    ("Administrative information", "Administratieve gegevens", (
        I("1a", "Title", "Titel", "whether this is the title of the protocol", "of dit de titel van het protocol is", ("title",)),
        I("1b", "Registration", "Registratie", "", "", ("registration",)),
        I("2", "Version of this plan", "Versie van dit plan", "version number and date", "versienummer en datum", ("hash_said",)),
        I("3", "Version of the protocol", "Versie van het protocol", "the protocol version this plan goes with", "de versie van het protocol waar dit plan bij hoort"),
        I("4a", "Revisions", "Herzieningen", "earlier versions, each with its date", "eerdere versies, elk met datum"),
        I("4b", "Reason of each revision", "Reden van elke herziening", "why each revision was made", "waarom elke herziening is gemaakt"),
        I("4c", "When revised, seen from interim looks", "Moment van herziening tegenover tussentijdse analyses", "whether anyone had seen outcomes by arm at each revision", "of iemand bij elke herziening uitkomsten per arm had gezien"),
        I("5", "Contributors", "Wie bijdroegen", "names, affiliations and roles", "namen, instellingen en rollen"),
        I("6a", "Signature of the author", "Handtekening van de auteur", "name, signature, date", "naam, handtekening, datum"),
        I("6b", "Signature of the senior statistician", "Handtekening van de verantwoordelijke statisticus", "name, signature, date", "naam, handtekening, datum"),
        I("6c", "Signature of the chief investigator", "Handtekening van de hoofdonderzoeker", "name, signature, date", "naam, handtekening, datum"),
    )),
    ("Introduction", "Inleiding", (
        I("7", "Background", "Achtergrond", "why the trial is done, in a few paragraphs", "waarom het onderzoek wordt gedaan, in enkele alinea's"),
        I("8", "Objectives and hypotheses", "Doelen en hypothesen", "which direction is expected, and why", "welke richting wordt verwacht, en waarom", ("objectives",)),
    )),
    ("Study methods", "Opzet van het onderzoek", (
        I("9", "Design", "Ontwerp", "a short description of the programme in each arm", "een korte beschrijving van het programma in elke arm", ("design",)),
        I("10", "Randomization", "Randomisatie", "who draws, with what, and how the list stays hidden", "wie loot, waarmee, en hoe de lijst verborgen blijft", ("randomization",)),
        I("11", "Sample size", "Steekproefgrootte", "", "", ("sample_size",)),
        I("12", "Framework of each comparison", "Soort vergelijking", "", "", ("framework",)),
        I("13a", "Interim analyses", "Tussentijdse analyses", "", "", ("interim",)),
        I("13b", "Level adjusted for interim looks", "Aanpassing van het niveau voor tussentijdse analyses", "", "", ("interim",)),
        I("13c", "Stopping rules", "Stopregels", "rules on safety or funding outside this analysis, if any", "regels over veiligheid of geld buiten deze analyse, als die er zijn", ("interim",)),
        I("14", "When the final analysis is done", "Moment van de eindanalyse", "when the data are complete and closed", "wanneer de gegevens compleet en gesloten zijn", ("final",)),
        I("15", "Times of measurement", "Meetmomenten", "the window around each time that still counts", "de marge rond elk moment die nog meetelt", ("waves",)),
    )),
    ("Statistical principles", "Statistische uitgangspunten", (
        I("16", "Level of significance", "Significantieniveau", "", "", ("level",)),
        I("17", "Several tests", "Meerdere toetsen", "", "", ("multiplicity",)),
        I("18", "Confidence intervals", "Betrouwbaarheidsintervallen", "", "", ("intervals",)),
        I("19a", "Adherence and exposure: definition", "Deelname en blootstelling: definitie", "what counts as taking part, and as enough of it", "wat telt als deelname, en als genoeg ervan", ("adherence",)),
        I("19b", "How adherence is shown", "Hoe deelname wordt getoond", "any further summary of sessions attended", "verdere samenvattingen van bijgewoonde bijeenkomsten", ("adherence_shown",)),
        I("19c", "Protocol deviations: definition", "Afwijkingen van het protocol: definitie", "which deviations count as such", "welke afwijkingen als zodanig tellen"),
        I("19d", "Which protocol deviations are shown", "Welke afwijkingen worden getoond", "how they are summarized by arm", "hoe zij per arm worden samengevat"),
        I("20", "Analysis populations", "Analysepopulaties", "", "", ("populations",)),
    )),
    ("Trial population", "Onderzoekspopulatie", (
        I("21", "Screening", "Screening", "what is reported of people screened and not randomized", "wat wordt vermeld over mensen die zijn gescreend en niet gerandomiseerd", ("screening",)),
        I("22", "Eligibility", "Wie in aanmerking komen", "inclusion and exclusion criteria", "criteria voor deelname en uitsluiting", ("population",)),
        I("23", "Recruitment and flow diagram", "Werving en stroomdiagram", "", "", ("flow",)),
        I("24a", "Withdrawal: levels", "Terugtrekking: soorten", "whether people can leave the programme but stay in the measurements", "of mensen het programma kunnen verlaten maar in de metingen blijven", ("events",)),
        I("24b", "Withdrawal: timing", "Terugtrekking: moment", "how the time of leaving is recorded", "hoe het moment van vertrek wordt vastgelegd"),
        I("24c", "Withdrawal: reasons and presentation", "Terugtrekking: redenen en weergave", "how reasons are recorded", "hoe redenen worden vastgelegd", ("losses",)),
        I("25a", "Baseline characteristics", "Kenmerken bij de voormeting", "", "", ("balance",)),
        I("25b", "How they are summarized", "Hoe zij worden samengevat", "", "", ("balance_how",)),
    )),
    ("Analysis", "Analyse", (
        I("26a", "Outcomes and their times", "Uitkomsten en hun momenten", "", "", ("outcomes",)),
        I("26b", "Measurement and units", "Meting en eenheden", "units of each outcome, where the name does not say them", "eenheid van elke uitkomst, waar de naam die niet zegt", ("measurements",)),
        I("26c", "Calculations", "Berekeningen", "", "", ("calculations",)),
        I("27a", "Method and how effects are shown", "Methode en hoe effecten worden getoond", "", "", ("method",)),
        I("27b", "Covariates", "Covariaten", "", "", ("covariates",)),
        I("27c", "Checks of assumptions", "Controle van aannamen", "further checks, if any", "verdere controles, als die er zijn", ("checks",)),
        I("27d", "When assumptions fail", "Als aannamen niet kloppen", "what is done then; the primary analysis itself does not change", "wat er dan gebeurt; de primaire analyse zelf verandert niet", ("fails",)),
        I("27e", "Sensitivity analyses", "Gevoeligheidsanalyses", "", "", ("sensitivity",)),
        I("27f", "Subgroups", "Subgroepen", "", "", ("subgroups",)),
        I("28", "Missing data", "Ontbrekende gegevens", "what is done during the trial to keep people in the measurements", "wat tijdens het onderzoek wordt gedaan om mensen in de metingen te houden", ("missing",)),
        I("29", "Additional analyses", "Verdere analyses", "", "", ("further",)),
        I("30", "Harms", "Ongewenste gebeurtenissen", "definitions, severity, who judges", "definities, ernst, wie oordeelt", ("harms",)),
        I("31", "Software", "Software", "", "", ("software",)),
        I("32a", "References for methods", "Literatuur over methoden", "", "", ("reference_note",)),
        I("32b", "Data management plan", "Datamanagementplan", "where it is", "waar het is"),
        I("32c", "Trial master file", "Onderzoeksdossier", "where it is", "waar het is"),
        I("32d", "Other procedures", "Andere procedures", "procedures or documents this plan relies on", "procedures of documenten waarop dit plan steunt"),
    )),
)  # fmt: skip

_KICKER = {"en": "Statistical analysis plan", "nl": "Statistisch analyseplan"}
_FALLBACK_EN = {
    "1b": "registry and number, once there is one", "25a": "the baseline characteristics to be shown; the plan names none under [selection] balance", "25b": "how they are summarized",
    "26c": "calculations behind the outcomes; the plan has none", "15": "times of measurement; the plan names none", "11": "numbers of people and groups, and how they were set",
}  # fmt: skip
_FALLBACK_NL = {
    "1b": "register en nummer, zodra die er zijn", "25a": "de kenmerken die worden getoond; het plan noemt er geen onder [selection] balance", "25b": "hoe zij worden samengevat",
    "26c": "berekeningen achter de uitkomsten; het plan heeft er geen", "15": "meetmomenten; het plan noemt er geen", "11": "aantallen mensen en groepen, en hoe die zijn bepaald",
}  # fmt: skip


def sap(plan: PlanRecord, language: Language = "en") -> Form:
    """The statistical analysis plan of a plan.

    Examples
    --------
    >>> from trialkit.plan import Plan, starter_plan
    >>> form = sap(Plan.from_text(starter_plan()))
    >>> len(form.entries), form.entry("16").state
    (55, 'filled')
    """
    told = Told(plan.spec, language, plan.folder, plan.hash)
    fallback = _FALLBACK_EN if language == "en" else _FALLBACK_NL
    return form_of(plan, told, "sap", _KICKER, PARTS, notices=(told.w("own_words"),), fallback=fallback)
