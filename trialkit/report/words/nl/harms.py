"""The Dutch of the section on adverse events."""

from __future__ import annotations

from trialkit.report.words.en.harms import HarmWords


class DutchHarms(HarmWords):
    """Words on adverse events."""

    harms_not_assessed = "Het plan zegt niet hoe ongewenste gevolgen zouden worden vastgesteld; ze zijn dus niet onderzocht. Hieruit volgt niet dat ze er niet waren."
    harms_intro = (
        "Mensen die minstens één keer een ongewenste gebeurtenis meemaakten. Een onderzoek van deze omvang kan zeldzame schade niet uitsluiten: waar niemand "
        "zo'n gebeurtenis had, kan het aandeel nog zo hoog zijn als de vermelde grens."
    )
    harms_caption = "Mensen met een ongewenste gebeurtenis"
    event_header = "Gebeurtenis"
    harms_difference_header = "Verschil, procentpunten"

    @staticmethod
    def harms_note(level: str) -> str:
        """What the limits are, and that nothing is corrected."""
        return (
            f"Hoogstens: eenzijdige {level}-grens waar geen gebeurtenis was; leden van een groep vergaat het daarbij gelijk. Er is niet gecorrigeerd voor het aantal "
            "gebeurtenissen."
        )

    @staticmethod
    def events_of(people: str, asked: str, not_asked: str) -> str:
        """'3 van 120, 4 niet onderzocht'."""
        return f"{people} van {asked}" + (f", {not_asked} niet onderzocht" if not_asked != "0" else "")

    @staticmethod
    def at_most(share: str, limit: str) -> str:
        """'0% (hoogstens 3,1%)'."""
        return f"{share} (hoogstens {limit})"
