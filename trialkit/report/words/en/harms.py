"""The English of the section on adverse events."""

from __future__ import annotations


class HarmWords:
    """Words on adverse events."""

    harms_not_assessed = (
        "The plan does not say how harms would be looked for, so they were not assessed. Nothing here says that there were none."
    )
    harms_intro = (
        "People to whom an unwanted event happened at least once. A trial of this size cannot rule out rare harms: where nobody had an event, the "
        "share could still be as high as the limit shown."
    )
    harms_caption = "People with an unwanted event"
    event_header = "Event"
    harms_difference_header = "Difference, points"

    @staticmethod
    def harms_note(level: str) -> str:
        """What the limits are, and that nothing is corrected."""
        return f"At most: one-sided {level} limit where there was no event, members of a group taken to fare alike. Several events are not corrected for."

    @staticmethod
    def events_of(people: str, asked: str, not_asked: str) -> str:
        """'3 of 120, 4 not assessed'."""
        return f"{people} of {asked}" + (f", {not_asked} not assessed" if not_asked != "0" else "")

    @staticmethod
    def at_most(share: str, limit: str) -> str:
        """'0 % (at most 3.1 %)'."""
        return f"{share} (at most {limit})"
