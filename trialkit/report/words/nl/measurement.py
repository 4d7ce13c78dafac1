"""The Dutch of the section on how well the scales measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from trialkit.report.words.en.measurement import MeasurementWords


class DutchMeasurement(MeasurementWords):
    """Words on reliability, invariance, the ends of a scale and reliable change."""

    measurement_intro = (
        "Alfa en omega zijn het deel van de variantie van een score dat geen toevallige fout is; voor het vergelijken van armen is ongeveer 0,7 of meer gebruikelijk. Een "
        "schaal meet steeds hetzelfde als haar items hun eenheid en nulpunt houden: dan is een verschil in de score een verschil in wat zij meet."
    )
    measurement_caption = "De schalen als meetinstrument"
    scale_word_header, answered_header, alpha_header, omega_header = "Schaal", "Mensen", "Alfa", "Omega"
    over_waves_header, over_arms_header, ends_header = "Gelijk in de tijd", "Gelijk in de armen", "Aan een uiteinde"
    ends_none = "weinig"
    same_measure: ClassVar[Mapping[str, str]] = {
        "same": "ja",
        "some_items": "niet alle items",
        "no": "nee",
        "not_one_factor": "niet bekend: niet één factor",
        "undefined": "niet bekend",
        "undecided": "niet te zeggen",
    }
    ends_words: ClassVar[Mapping[str, str]] = {"floor": "laagste", "ceiling": "hoogste"}
    warned_title = "Effecten op schalen die niet hetzelfde bleven meten"
    warned_outcomes = "Een schaal achter sommige van deze effecten bleef niet hetzelfde meten; zie het onderdeel over hoe goed de schalen maten."
    about_measure = (
        "De vragen achter een belangrijke uitkomst hielden hun betekenis niet, of dat was niet aan te tonen. Een deel van het verschil kan liggen in hoe mensen antwoorden, "
        "en niet in hoe het met hen gaat. Zie hoe goed de schalen maten."
    )
    latent_caption = "Het effect op de score en op wat de items meten, in standaarddeviaties van vóór het programma"
    latent_note = (
        "Wat wordt gemeten: de factor achter de items (latente covariantieanalyse), waarbij items die verschoven vrij of buiten beschouwing blijven. Een effect op de "
        "score is ook kleiner door de toevallige fout erin."
    )
    observed_header, latent_header = "Score", "Wat wordt gemeten"
    reliability_caption = "Betrouwbaarheid"
    everyone = "iedereen"
    invariance_models: ClassVar[Mapping[str, str]] = {
        "configural": "dezelfde items, één factor",
        "metric": "en gelijke eenheden (metrisch)",
        "scalar": "en gelijke nulpunten (scalair)",
        "strict": "en gelijke precisie (strikt)",
        "partial metric": "eenheden, behalve die zijn losgelaten",
        "partial scalar": "nulpunten, behalve die zijn losgelaten",
        "partial strict": "precisie, behalve die is losgelaten",
    }
    model_header, holds_header = "Gelijk gehouden", "Houdt stand"
    fit_headers = ("Chi-kwadraat", "df", "CFI", "RMSEA", "SRMR", "Verandering in CFI", "p van de verandering")
    ends_caption = "Mensen op de laagst en de hoogst mogelijke score"
    lowest_header, highest_header = "Laagste", "Hoogste"
    change_header = ("Arm", "Bekend", "Vooruit", "Gelijk", "Achteruit")
    change_difference_caption = "Verschillen tussen de armen in betrouwbare verandering, procentpunten"
    changes: ClassVar[Mapping[str, str]] = {"improved": "Vooruit", "unchanged": "Gelijk", "deteriorated": "Achteruit"}

    @staticmethod
    def measurement_note(waves: str, undecided: bool) -> str:
        """What two numbers in a cell are, and what was tested."""
        few = (
            " Niet te zeggen: de grenzen zijn overschreden, maar niet verder dan toeval doet bij zo weinig mensen (p van 0,01 of meer)."
            if undecided
            else ""
        )
        several = f"Getallen in een rij: {waves}. " if waves else ""
        return (
            f"{several}Mensen: met een antwoord. Gelijk in de tijd, gelijk in de armen: of de schaal daar hetzelfde meet, met toetsen van scalaire invariantie (grenzen van "
            f"Chen 2007). Aan een uiteinde: metingen met meer dan 15% van de mensen op de laagst of hoogst mogelijke score.{few}"
        )

    @staticmethod
    def measurement_fold(label: str) -> str:
        return f"{label}: alle getallen"

    @staticmethod
    def over_waves_caption(before: str, after: str) -> str:
        return f"Toetsen of hetzelfde wordt gemeten: {before} en {after}"

    @staticmethod
    def over_arms_caption(when: str) -> str:
        return f"Toetsen of hetzelfde wordt gemeten: de armen{f', {when}' if when else ''}"

    @staticmethod
    def let_go(freed: str) -> str:
        return f"Losgelaten: {freed}."

    @staticmethod
    def change_caption(before: str, after: str) -> str:
        return f"Betrouwbare verandering van mensen, {before} tot {after}"

    @staticmethod
    def change_note(points: str, reliability: str) -> str:
        return (
            f"Betrouwbaar: meer dan {points} punten, wat meetfout bij 95 van de 100 mensen verklaart (betrouwbaarheid {reliability}). Alleen al door meetfout komt ongeveer "
            "2,5% van de mensen aan elke kant, en de tijd verandert iedereen; alleen het verschil tussen de armen is als effect te lezen."
        )

    @staticmethod
    def reliably(column: str) -> str:
        """'Vooruit' of 'mood_t1 reliably improved'."""
        kind = column.rpartition(" ")[2]
        return DutchMeasurement.changes.get(kind, kind.capitalize())

    @staticmethod
    def at_end(share: str, end: str, wave: str) -> str:
        """'18,2% hoogste, na drie maanden'."""
        return f"{share} {end}{f', {wave}' if wave else ''}"
