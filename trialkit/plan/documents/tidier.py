"""A description of the programme by the 12 items of TIDieR (Hoffmann et al. 2014), in our own words; a plan knows little of it, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trialkit.plan.documents.form import Form
from trialkit.plan.documents.made import Item as I
from trialkit.plan.documents.made import form_of
from trialkit.plan.documents.told import Told
from trialkit.plan.words.vocabulary import Language

if TYPE_CHECKING:
    from trialkit.plan.record import PlanRecord

__all__ = ["PARTS", "tidier"]

PARTS: tuple[tuple[str, str, tuple[I, ...]], ...] = (
    ("The programme", "Het programma", (
        I("1", "Name", "Naam", "the name or a phrase that describes it", "de naam of een omschrijving", ("arm_points",)),
        I("2", "Why", "Waarom", "the theory or reason behind its essential parts", "de theorie of reden achter de wezenlijke onderdelen"),
        I("3", "What: materials", "Wat: materialen", "what is used or handed out, also in training deliverers, and where it can be had", "wat wordt gebruikt of uitgedeeld, ook bij de training, en waar het te krijgen is"),
        I("4", "What: procedures", "Wat: activiteiten", "each activity, enabling ones included", "elke activiteit, ook ondersteunende"),
        I("5", "Who provides it", "Wie voert uit", "expertise, background and training of each kind of deliverer", "deskundigheid, achtergrond en training van elke soort uitvoerder", ("facilitator",)),
        I("6", "How it is delivered", "Hoe", "face to face, by telephone or online", "in persoon, per telefoon of online", ("mode", "groups")),
        I("7", "Where", "Waar", "kinds of places, and what they need", "soorten plaatsen, en wat daar nodig is"),
        I("8", "When and how much", "Wanneer en hoeveel", "number of sessions, schedule, length and intensity", "aantal bijeenkomsten, schema, duur en intensiteit"),
        I("9", "Tailoring", "Maatwerk", "what is adapted to the person, when and how", "wat aan de persoon wordt aangepast, wanneer en hoe"),
        I("10", "Modifications", "Wijzigingen", "changes during the trial: what, why, when (to be filled during the trial)", "veranderingen tijdens het onderzoek: wat, waarom, wanneer (tijdens het onderzoek in te vullen)"),
        I("11", "Fidelity as planned", "Uitvoering zoals gepland", "how adherence and fidelity are assessed and supported, and by whom", "hoe deelname en trouw aan het programma worden gemeten en gesteund, en door wie", ("adherence",)),
        I("12", "Fidelity as delivered", "Werkelijke uitvoering", "how far it was delivered as planned (to be filled after the trial)", "hoever het is uitgevoerd zoals gepland (na het onderzoek in te vullen)"),
    )),
)  # fmt: skip

_KICKER = {"en": "Description of the programme (TIDieR)", "nl": "Beschrijving van het programma (TIDieR)"}


def tidier(plan: PlanRecord, language: Language = "en") -> Form:
    """The TIDieR form of a plan."""
    told = Told(plan.spec, language, plan.folder, plan.hash)
    return form_of(plan, told, "tidier", _KICKER, PARTS, notices=(told.w("own_words"),))
