"""The English of counts that are withheld."""

from __future__ import annotations


class DisclosureWords:
    """Words on disclosure control."""

    @staticmethod
    def withheld(least: str) -> str:
        """What the marks stand for."""
        return (
            f"The plan withholds counts of fewer than {least} people, so that nobody can be recognized: <{least} stands for such a count, * for a count "
            f"and – for a share, mean or difference from which one could be worked out. This holds for every file of the report. Zeros are shown."
        )
