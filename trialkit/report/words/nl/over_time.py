"""The Dutch of the section on the effect over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from trialkit.report.words.en.over_time import OverTimeWords


class DutchOverTime(OverTimeWords):
    """Words on effects at every wave."""

    over_time_intro = (
        "Eén model van alle metingen: mensen die een meting misten, doen mee met de metingen die er wel zijn. Het model geldt als wat ontbreekt alleen samenhangt "
        "met wat wel is waargenomen. De analyse van de meting die het plan noemt, staat hierboven."
    )
    over_waves: ClassVar[Mapping[str, str]] = {
        "average": "Gemiddeld over de nametingen",
        "fade_out": "Verandering van de eerste naar de laatste nameting",
        "slope": "Verandering per tijdseenheid",
    }

    @staticmethod
    def course_caption(label: str) -> str:
        """Of the table."""
        return f"Het effect bij elke meting: {label}"

    @staticmethod
    def caption_course(label: str, level: str) -> str:
        """Of the figure."""
        return f"{label}: geschat gemiddelde van elke arm bij elke meting, met het {level}-interval. Of armen verschillen, staat in de tabel."

    @staticmethod
    def alt_course(label: str) -> str:
        """Text in place of the figure."""
        return f"Geschatte gemiddelden van de armen over de metingen: {label}. De effecten staan in de tabel."
