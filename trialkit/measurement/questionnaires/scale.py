"""What a measurement scale is: items, codes, forms, the score rule and the evidence for each of these facts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator

from trialkit.errors import ScaleError
from trialkit.measurement.questionnaires.checks import check_scale
from trialkit.measurement.questionnaires.description import describe
from trialkit.measurement.questionnaires.facts import ScaleFacts
from trialkit.measurement.questionnaires.files import explain, read_toml

__all__ = ["Scale"]


class Scale(ScaleFacts):
    """A measurement scale, read from the registry or from a TOML file of one's own.

    Parameters
    ----------
    key, name, construct, reference, licence, measures
        Identity, and `measures`: what a high score means, in words.
    direction
        Which scores are better: "higher" or "lower"; `subscale_directions` for subscales that run the other way.
    items
        Number of items.
    codes, item_codes, other_codes
        The codes that the score refers to; those of single items with another number of answers; other codings in circulation.
    forms, default_form
        Named forms. With several forms and no default, the form must be named when scoring.
    missing
        The missing rule, or "all_required".
    cut_offs, sd, remarks
        Thresholds, a typical standard deviation (may be absent) and traps.
    caveats
        What a reader of results must know: each becomes a note of every scoring, and so of the report.
    evidence_needed
        What has to be shown before the score of a new scale can carry a conclusion.
    sources
        Field -> `Source`. A field of status M or without a source counts as unverified.

    Examples
    --------
    >>> from trialkit.measurement import scale
    >>> scale("gse").range_of()
    (10.0, 40.0)
    >>> scale("rosenberg", form="reversed_2_5_6_8_9").chosen.reversed
    (2, 5, 6, 8, 9)
    >>> scale("cfpb_10", form="self_62plus").range_of()
    (14.0, 95.0)
    """

    @model_validator(mode="after")
    def _whole_scale(self) -> Scale:
        check_scale(self)
        return self

    @classmethod
    def from_toml(cls, path: str | Path) -> Scale:
        """Read a scale of one's own; a mistake is a `ScaleError` that names the file, the key and the remedy."""
        table, text = read_toml(Path(path))
        return cls.from_dict(table, where=f"scale file '{path}'", text=text)

    @classmethod
    def from_dict(cls, table: Mapping[str, Any], *, where: str = "the scale", text: str = "") -> Scale:
        """The same from a mapping; `text` (the TOML) lets errors name the line."""
        try:
            return cls.model_validate(dict(table))
        except ValidationError as error:
            raise ScaleError(explain(error, cls, where=where, text=text)) from None

    def describe(self) -> str:
        """The scale in readable lines: answers, forms, missing rule, cut-offs, licence and what was verified."""
        return describe(self)

    def __str__(self) -> str:
        return self.describe()
