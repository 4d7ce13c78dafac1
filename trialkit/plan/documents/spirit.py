"""A protocol skeleton by the items of SPIRIT 2025 (Chan et al. 2025), in our own words.

34 items, 53 with their parts; every number was compared with two public copies of the list (docs/sources.md). The words are ours: hold a finished
protocol against the original. Groups and social programmes have no item of their own there: the design item tells them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trialkit.plan.documents.form import Form
from trialkit.plan.documents.made import Item as I
from trialkit.plan.documents.made import form_of
from trialkit.plan.documents.told import Told
from trialkit.plan.words.vocabulary import Language

if TYPE_CHECKING:
    from trialkit.plan.record import PlanRecord

__all__ = ["PARTS", "spirit"]

PARTS: tuple[tuple[str, str, tuple[I, ...]], ...] = (
    ("Administrative information", "Administratieve gegevens", (
        I("1a", "Title", "Titel", "name design, people, interventions, and that this is a protocol", "noem ontwerp, mensen, interventies, en dat dit een protocol is", ("title",)),
        I("1b", "Structured summary", "Gestructureerde samenvatting", "a summary of the protocol, with the items of the WHO's registration data set", "een samenvatting van het protocol, met de gegevens van de registratieset van de WHO"),
        I("2", "Protocol version", "Versie van het protocol", "date and version number", "datum en versienummer", ("hash_said",)),
        I("3a", "Contributors", "Wie bijdroegen", "names, affiliations, roles", "namen, instellingen, rollen"),
        I("3b", "Sponsor", "Verrichter", "name and contact", "naam en contact"),
        I("3c", "Role of sponsor and funder", "Rol van verrichter en financier", "in design, conduct, analysis and reporting", "in opzet, uitvoering, analyse en verslag"),
        I("3d", "Committees", "Commissies", "who coordinates, steers and oversees", "wie coördineert, stuurt en toezicht houdt"),
    )),
    ("Open science", "Open wetenschap", (
        I("4", "Registration", "Registratie", "name of the registry, link and date", "naam van het register, link en datum", ("registration",)),
        I("5", "Protocol and analysis plan", "Protocol en analyseplan", "where they can be read", "waar die te lezen zijn", ("hash_said",)),
        I("6", "Sharing of data and materials", "Delen van gegevens en materialen", "where data, dictionary, code and materials can be had", "waar gegevens, codeboek, code en materialen te krijgen zijn"),
        I("7a", "Funding", "Financiering", "money and other support", "geld en andere steun"),
        I("7b", "Interests", "Belangen", "financial and other interests of the principal investigators and the steering committee", "financiële en andere belangen van de hoofdonderzoekers en de stuurgroep"),
        I("8", "Dissemination", "Verspreiding", "how results reach participants, professionals and the public", "hoe resultaten deelnemers, professionals en publiek bereiken"),
    )),
    ("Introduction", "Inleiding", (
        I("9a", "Background and rationale", "Achtergrond en aanleiding", "what is known of benefits and harms", "wat bekend is over baten en schade"),
        I("9b", "Choice of comparator", "Keuze van de vergelijking", "why people are compared with this control", "waarom met deze controle wordt vergeleken", ("arm_points",)),
        I("10", "Objectives", "Doelen", "for benefits and for harms", "voor baten en voor schade", ("objectives",)),
    )),
    ("Methods: people, interventions, outcomes", "Methode: mensen, interventies, uitkomsten", (
        I("11", "Patient and public involvement", "Inbreng van betrokkenen", "how people concerned take part in design, conduct and reporting", "hoe betrokkenen meedoen in opzet, uitvoering en verslag"),
        I("12", "Trial design", "Ontwerp", "", "", ("design", "framework")),
        I("13", "Setting", "Plaats", "settings and places", "instellingen en plaatsen"),
        I("14a", "Eligibility of people", "Wie in aanmerking komen", "criteria of inclusion and exclusion", "criteria voor deelname en uitsluiting", ("population",)),
        I("14b", "Eligibility of sites and deliverers", "Eisen aan locaties en uitvoerders", "which places and which professionals", "welke plaatsen en welke professionals"),
        I("15a", "Intervention and comparator", "Interventie en vergelijking", "detail enough to repeat them; see the TIDieR form", "genoeg om het te herhalen; zie het TIDieR-formulier", ("arm_points", "groups")),
        I("15b", "Stopping or changing an intervention", "Stoppen of aanpassen van een interventie", "criteria for a participant", "criteria voor een deelnemer"),
        I("15c", "Adherence", "Deelname", "what is done to support it, and how it is followed", "wat wordt gedaan om die te steunen, en hoe die wordt gevolgd", ("adherence",)),
        I("15d", "Other care", "Andere zorg", "what is allowed and what is not", "wat is toegestaan en wat niet"),
        I("16", "Outcomes", "Uitkomsten", "why each outcome matters", "waarom elke uitkomst ertoe doet", ("outcomes", "measurements")),
        I("17", "Harms", "Ongewenste gebeurtenissen", "how they are defined and looked for", "hoe zij worden gedefinieerd en gezocht", ("harms",)),
        I("18", "Participant timeline", "Tijdlijn van een deelnemer", "a schedule of enrolment, interventions and measurements", "een schema van instroom, interventies en metingen", ("waves",)),
        I("19", "Sample size", "Steekproefgrootte", "", "", ("sample_size",)),
        I("20", "Recruitment", "Werving", "how enough people are reached", "hoe genoeg mensen worden bereikt", ("screening",)),
    )),
    ("Methods: assignment", "Methode: toewijzing", (
        I("21a", "Sequence: who and how", "Loting: wie en hoe", "who makes the sequence, and with what", "wie de volgorde maakt, en waarmee"),
        I("21b", "Sequence: kind and restrictions", "Loting: soort en beperkingen", "", "", ("randomization",)),
        I("22", "Concealment", "Verborgen houden", "how the next assignment stays hidden", "hoe de volgende toewijzing verborgen blijft"),
        I("23", "Implementation", "Uitvoering", "who enrols and assigns, and whether they can see the sequence", "wie inschrijft en toewijst, en of zij de volgorde kunnen zien"),
        I("24a", "Blinding: who", "Blindering: wie", "who does not know the arm", "wie de arm niet weet"),
        I("24b", "Blinding: how", "Blindering: hoe", "how, and how alike the interventions are", "hoe, en hoezeer de interventies op elkaar lijken"),
        I("24c", "Unblinding", "Opheffen van blindering", "when it is allowed, and how", "wanneer dat mag, en hoe"),
    )),
    ("Methods: data, analysis, monitoring", "Methode: gegevens, analyse, toezicht", (
        I("25a", "Measurements", "Metingen", "who collects what, with what training", "wie wat verzamelt, met welke training", ("measurements", "calculations")),
        I("25b", "Retention", "Behoud van deelnemers", "how people are kept, and what is measured of those who leave", "hoe mensen blijven, en wat wordt gemeten bij wie vertrekt"),
        I("26", "Data management", "Gegevensbeheer", "entry, coding, storage, quality", "invoer, codering, opslag, kwaliteit", ("codes",)),
        I("27a", "Statistical methods", "Statistische methoden", "", "", ("method", "covariates", "level", "multiplicity", "intervals")),
        I("27b", "Who is in each analysis", "Wie in elke analyse zit", "", "", ("populations",)),
        I("27c", "Missing data", "Ontbrekende gegevens", "", "", ("missing",)),
        I("27d", "Additional analyses", "Verdere analyses", "", "", ("subgroups", "companions", "further")),
        I("28a", "Data monitoring committee", "Commissie die de gegevens bewaakt", "who, how independent; or why none is needed", "wie, hoe onafhankelijk; of waarom die niet nodig is"),
        I("28b", "Interim analyses and stopping", "Tussentijdse analyses en stoppen", "rules outside this plan, and who decides", "regels buiten dit plan, en wie besluit", ("interim",)),
        I("29", "Monitoring of the conduct", "Toezicht op de uitvoering", "how often and how; or why not", "hoe vaak en hoe; of waarom niet"),
    )),
    ("Ethics", "Ethiek", (
        I("30", "Ethical approval", "Ethische toetsing", "approval, or the plan to seek it", "goedkeuring, of het voornemen die te vragen"),
        I("31", "Amendments", "Wijzigingen", "how changes of the protocol are told and to whom", "hoe wijzigingen worden gemeld en aan wie"),
        I("32a", "Consent", "Toestemming", "who asks, when (before or after the assignment) and how", "wie die vraagt, wanneer (voor of na de loting) en hoe"),
        I("32b", "Consent for further use", "Toestemming voor verder gebruik", "of data or samples in other studies", "van gegevens of monsters in ander onderzoek"),
        I("33", "Confidentiality", "Vertrouwelijkheid", "how personal data are protected during and after the trial", "hoe persoonsgegevens tijdens en na het onderzoek beschermd zijn"),
        I("34", "Care afterwards", "Zorg achteraf", "help after the trial, and help and compensation for those harmed by it", "hulp na het onderzoek, en hulp en vergoeding voor wie er schade van heeft"),
    )),
)  # fmt: skip

_KICKER = {"en": "Protocol skeleton (SPIRIT 2025)", "nl": "Raamwerk voor het protocol (SPIRIT 2025)"}


def spirit(plan: PlanRecord, language: Language = "en") -> Form:
    """The protocol skeleton of a plan."""
    told = Told(plan.spec, language, plan.folder, plan.hash)
    return form_of(plan, told, "spirit", _KICKER, PARTS, notices=(told.w("own_words"),))
