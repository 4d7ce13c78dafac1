"""The Dutch of counts that are withheld."""

from __future__ import annotations

from trialkit.report.words.en.disclosure import DisclosureWords


class DutchDisclosure(DisclosureWords):
    """Words on disclosure control."""

    @staticmethod
    def withheld(least: str) -> str:
        """What the marks stand for."""
        return (
            f"Volgens het plan worden aantallen van minder dan {least} mensen niet getoond, zodat niemand te herkennen is: <{least} staat voor zo'n aantal, * voor "
            f"een aantal en – voor een aandeel, gemiddelde of verschil waaruit zo'n aantal te berekenen zou zijn. Dit geldt voor elk bestand van het rapport. "
            f"Nullen worden wel getoond."
        )
