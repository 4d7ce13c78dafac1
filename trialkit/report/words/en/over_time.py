"""The English of the section on the effect over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class OverTimeWords:
    """Words on effects at every wave."""

    over_time_intro = (
        "One model of all waves: people who missed a wave stay in with the waves they have. It holds when what is missing depends only on what was "
        "observed. The analysis of the plan's own wave stands in the sections above."
    )
    over_waves: ClassVar[Mapping[str, str]] = {
        "average": "Average over the follow-ups",
        "fade_out": "Change from the first to the last follow-up",
        "slope": "Change per unit of time",
    }

    @staticmethod
    def course_caption(label: str) -> str:
        """Of the table."""
        return f"The effect at every wave: {label}"

    @staticmethod
    def caption_course(label: str, level: str) -> str:
        """Of the figure."""
        return f"{label}: estimated mean of each arm at each wave, with its {level} interval. Whether arms differ is read from the table."

    @staticmethod
    def alt_course(label: str) -> str:
        """Text in place of the figure."""
        return f"Estimated means of the arms over the waves: {label}. The effects stand in the table."
