"""The Dutch of blinded and simulated reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from trialkit.report.words.en.blinding import BlindingWords


class DutchBlinding(BlindingWords):
    """Marks of dry runs, and the record of unblinding."""

    blinding_marks: ClassVar[Mapping[str, str]] = {
        "simulated": "GESIMULEERD: geen echte mensen",
        "rerandomized": "GEBLINDEERD: de armen zijn verzonnen",
    }
    blinding_truths: ClassVar[Mapping[str, str]] = {
        "null": "Het programma doet niets in deze gegevens.",
        "target": "Het programma heeft de effecten die het plan aanneemt.",
    }
    status_unblinded = "Gedeblindeerd"
    unblinded_fact = "Gedeblindeerd, eerste keer"

    def blinding_sentences(self, said: Mapping[str, Any]) -> list[str]:
        mark = said.get("mark")
        found = []
        if mark == "simulated":
            found.append(
                "Elk getal komt uit gesimuleerde gegevens, gemaakt uit het plan. Geen ervan zegt iets over het onderzoek."
            )
            found.append(self.blinding_truths.get(str(said.get("truth")), ""))
        elif mark == "rerandomized":
            found.append(
                "Mensen en antwoorden zijn echt, en de loting van het plan heeft opnieuw bepaald wie in welke arm zit: geen verschil tussen de armen is een effect. "
                "De echte arm, de groepen en de deelname zijn eruit gehaald voordat er iets is berekend."
            )
            if said.get("icc"):
                found.append(
                    f"Leden van de verzonnen groepen lijken op elkaar (intraclasscorrelatie {self._decimal(said['icc'])})."
                )
        if said.get("seed") is not None:
            found.append(f"Startgetal {said['seed']}.")
        return [s for s in found if s]

    def unblinded(self, at: str, by: str) -> str:
        return f"{at}, door {by.replace('(nobody named)', '(niemand genoemd)')}" if by else at

    @staticmethod
    def _decimal(value: Any) -> str:
        return f"{float(value):g}".replace(".", ",")
