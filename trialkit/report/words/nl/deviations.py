"""Het Nederlands van afwijkingen, niet-geplande analyses en errata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from trialkit.report.document import among


class DutchDeviations:
    """Woorden over de afstand tussen plan en analyse."""

    deviation_choices: ClassVar[Mapping[str, str]] = {
        "hypothesis": "hypothese", "sample": "steekproef", "measure": "meting", "exclusion": "wie of wat buiten de analyse blijft", "model": "model",
        "multiplicity": "correctie voor meerdere toetsen", "software": "software",
        "before_data": "voordat er gegevens waren", "blinded": "met gegevens, zonder de armen te kennen", "after_unblinding": "nadat de armen bekend waren",
        "unchanged": "ongewijzigd", "reduced": "kleiner", "increased": "groter", "unclear": "onduidelijk",
    }  # fmt: skip
    severity_row, validity_row = "Strengheid van de toets", "Geldigheid van de conclusie"
    logged_late = "Dit is vastgelegd nadat de echte armen waren gezien: niets hier toont dat het eerder is besloten."
    no_longer = "Deze wijziging staat niet meer in het uitgevoerde plan."
    changed_both = "Het uitgevoerde plan wijkt af van het vastgelegde plan. Elke wijziging staat in het register, en beide plannen zijn op dezelfde gegevens uitgevoerd."
    changed_one = "Het uitgevoerde plan wijkt af van het vastgelegde plan. Elke wijziging staat in het register."
    changes_caption = "Verschillen tussen het vastgelegde en het uitgevoerde plan"
    key_header, locked_header, run_header, entry_header = "Plaats in het plan", "Vastgelegd", "Uitgevoerd", "Nummer"
    side_caption = "De uitkomsten volgens het vastgelegde en volgens het uitgevoerde plan"
    as_planned, as_changed = "zoals gepland", "zoals gewijzigd"
    only_planned, only_changed = "alleen in het vastgelegde plan", "alleen in het gewijzigde plan"
    all_same = "Elke uitkomst is volgens beide plannen gelijk."
    noticed_title = "Opgemerkt door de software, door niemand vastgelegd"
    entries_title = "Het register"
    status_changed = "Het plan stond vast en is daarna gewijzigd"
    status_unplanned, status_erratum = "Niet gepland", "Erratum"

    @staticmethod
    def changed_points(n: int) -> str:
        """Voor de strook bovenaan."""
        many = "1 punt van het vastgelegde plan is" if n == 1 else f"{n} punten van het vastgelegde plan zijn"
        return f"{many} gewijzigd; elke wijziging staat met haar reden in het register."

    @staticmethod
    def planned_not_run(reason: str) -> str:
        """Waarom er geen tweede kolom is."""
        return among(
            "Het vastgelegde plan kon niet op deze gegevens worden uitgevoerd; de uitkomsten ervan staan hier daarom niet naast. De reden: ",
            reason,
        )

    @staticmethod
    def side_note(same: str, level: str) -> str:
        """Onder de tabel."""
        told = (
            "" if same == "0" else f" {same} andere uitkomst{' is' if same == '1' else 'en zijn'} volgens beide plannen gelijk."
        )
        return f"Schattingen met {level.replace(' en ', '- en ')}-intervallen. De rest van dit rapport volgt het uitgevoerde plan.{told}"

    @staticmethod
    def noticed(kind: str, what: str, planned: str, reached: str) -> str:
        """Wat anders bleek dan gepland."""
        return {
            "people": f"Het plan noemt {planned} mensen; de gegevens bevatten er {reached}.",
            "clusters": f"Het plan noemt {planned} clusters; de gegevens bevatten er {reached}.",
            "group_size": f"Groepen in ‘{what}’ zouden {planned} mensen tellen; de gegevens bevatten groepen van {reached}.",
            "wave": f"Niemand heeft een score: {what}.",
            "definition": f"De definitie van de schaal ‘{what}’ in de schalenlijst is niet die van het vastgelegde plan.",
            "version": f"{what} was versie {planned} toen het plan werd vastgelegd en is nu {reached}.",
            "code": "De bestanden van de software zijn niet die van het vastleggen, al is de versie dezelfde.",
        }.get(kind, f"{kind} {what}: {planned}; {reached}")

    unplanned_intro = (
        "Deze analyses stonden niet in het plan. Ze kunnen een vraag voor een volgend onderzoek opleveren. De vraag van dit onderzoek kunnen ze niet "
        "beantwoorden, want ze zijn gekozen toen de gegevens bekend waren."
    )
    contrast_header, estimate_header = "Vergelijking", "Schatting"

    @staticmethod
    def unplanned_title(name: str) -> str:
        """Een kop met het merk."""
        return f"{name} (niet gepland)"

    @staticmethod
    def unplanned_why(reason: str, by: str, added: str) -> str:
        """De reden, en wie het wanneer toevoegde."""
        who = f" Toegevoegd{f' door {by}' if by else ''}{f' op {added}' if added else ''}." if by or added else ""
        return f"Waarom: {reason}{who}"

    @staticmethod
    def unplanned_count(n: int) -> str:
        """Voor de strook bovenaan."""
        return f"{n} {'analyse' if n == 1 else 'analyses'} toegevoegd"

    @staticmethod
    def rows_more(shown: str, of: str) -> str:
        """Onder een afgekorte tabel."""
        return f"De eerste {shown} van {of} rijen."

    erratum_caption = "Getallen en oordelen die anders zijn geworden"
    before_header, after_header, where_header_results = "Eerst", "Nu", "Plaats in results.json"
    erratum_reason, erratum_made, erratum_old, erratum_new = (
        "Wat er mis was",
        "Het eerdere rapport",
        "Software toen",
        "Software nu",
    )
    erratum_files = "De eerdere uitkomsten staan volledig in plan/results.before.json. Een getal telt als veranderd vanaf een miljardste deel (1e-9)."
    erratum_unsealed = "Het eerdere rapport is na het maken gewijzigd: het klopt niet meer met zijn eigen bundle.json."
    erratum_new_part, erratum_gone_part = "nieuw deel", "deel dat weg is"

    @staticmethod
    def erratum_lead(moved: int, moved_text: str, compared: str) -> str:
        """De uitkomst in een zin."""
        if moved == 0:
            return f"Het vastgelegde plan is opnieuw uitgevoerd na een verbetering van de software. Van {compared} getallen en oordelen is er geen veranderd."
        verb = "is er 1" if moved == 1 else f"zijn er {moved_text}"
        return f"Het vastgelegde plan is opnieuw uitgevoerd na een verbetering van de software. Van {compared} getallen en oordelen {verb} veranderd; dit rapport vervangt het eerdere."

    @staticmethod
    def erratum_short(moved: int, moved_text: str) -> str:
        """Voor de strook bovenaan."""
        return "niets veranderd" if moved == 0 else f"{moved_text} veranderd"

    @staticmethod
    def erratum_left_out(names: str) -> str:
        """Niet-geplande analyses van het eerdere rapport."""
        return f"Niet-geplande analyses van het eerdere rapport zijn niet opnieuw uitgevoerd en staan hier niet: {names}."
