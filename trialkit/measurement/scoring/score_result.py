"""The result of scoring: scores, what was done to the answers, and what to look at before the scores are used."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from trialkit.measurement.questionnaires.parts import Direction
from trialkit.measurement.questionnaires.scale import Scale
from trialkit.measurement.scoring.remarks import Note

__all__ = ["ScoreResult"]

SCHEMA_VERSION = 1

COUNTS = (
    "n_people",
    "n_scored",
    "n_missing",
    "n_prorated",
    "n_reversed",
    "n_answers_recoded",
    "n_out_of_range",
    "n_straight_lining",
    "n_speeding",
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ScoreResult:
    """Scores of one scale and what was done to the answers.

    Attributes
    ----------
    values
        Scores, with the index of the data; NaN where a person could not be scored.
    n_people, n_scored, n_missing
        Rows of the data, people with and without a score.
    n_prorated
        People whose score used the missing rule.
    n_reversed, n_answers_recoded
        Reversed items, and answers that were turned around.
    n_out_of_range
        Answers outside the codes; they were set missing.
    n_straight_lining
        People who gave all items the same code although some are reversed; None without reversed items.
    n_speeding
        People who answered faster than anyone can read; None when no times were given.
    per_item
        One row an item: item, column, reversed, n_answered, n_missing, n_out_of_range, and mean, min and max of the valid answers
        as they stand in the file (before reversal).
    per_person
        One row a person, with the index of the data: n_answered, n_out_of_range, longest_run (of equal codes in a row), and
        straight_lining and speeding (empty where they cannot be judged).
    answers
        Answers as they count in the score, one column an item under its name in the data: reversed items turned around, codes moved to
        those of the scale, NaN where missing or out of range. What `reliability`, `cfa`, `invariance` and `latent_effect` take.
    codes, range
        The codes of the file; lowest and highest possible score.
    notes
        Pairs (code, sentence).
    """

    scale: Scale
    form: str
    subscale: str | None
    codes: tuple[int, int]
    range: tuple[float, float]
    values: pd.Series
    per_item: pd.DataFrame
    n_people: int
    n_scored: int
    n_missing: int
    n_prorated: int
    n_reversed: int
    n_answers_recoded: int
    n_out_of_range: int
    n_straight_lining: int | None
    n_speeding: int | None
    per_person: pd.DataFrame
    answers: pd.DataFrame
    notes: tuple[Note, ...]

    @property
    def direction(self) -> Direction:
        """Which scores are better."""
        return self.scale.direction_of(self.subscale)

    def _summary(self) -> dict[str, float | None]:
        found = self.values.dropna()
        sd = float(found.std()) if len(found) > 1 else None
        if not len(found):
            return {"mean": None, "sd": None, "min": None, "max": None}
        return {"mean": float(found.mean()), "sd": sd, "min": float(found.min()), "max": float(found.max())}

    def _title(self) -> str:
        part = f", subscale '{self.subscale}'" if self.subscale else ""
        return f"{self.scale.name} ({self.scale.key}, form '{self.form}'{part})"

    def _lines(self) -> list[tuple[str, str]]:
        s, (low, high) = self._summary(), self.range
        spread = "" if s["mean"] is None else f": mean {s['mean']:.2f}"
        spread += "" if s["sd"] is None else f", SD {s['sd']:.2f}"
        spread += "" if s["min"] is None else f", observed {s['min']:.4g} to {s['max']:.4g}"
        lines = [
            ("answers", f"{self.n_people} people, {len(self.per_item)} items, codes {self.codes[0]}-{self.codes[1]}"),
            ("score", f"{low:g} to {high:g}, {self.direction} is better"),
            ("scored", f"{self.n_scored} people{spread}"),
            ("no score", f"{self.n_missing} people"),
            ("missing rule", f"used for {self.n_prorated} people"),
            ("reversed", f"{self.n_reversed} items, {self.n_answers_recoded} answers"),
            ("out of range", f"{self.n_out_of_range} answers, set missing"),
        ]
        if self.n_straight_lining is not None:
            lines.append(("same code", f"{self.n_straight_lining} people gave every item the same code"))
        if self.n_speeding is not None:
            lines.append(("too fast", f"{self.n_speeding} people answered faster than one can read"))
        return lines

    def __str__(self) -> str:
        lines = [self._title(), *(f"  {label:<13}{text}" for label, text in self._lines())]
        return "\n".join([*lines, *(f"  note [{code}] {sentence}" for code, sentence in self.notes)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th scope='row'>{label}</th><td>{escape(text)}</td></tr>" for label, text in self._lines())
        notes = "".join(f"<li><code>{code}</code> {escape(sentence)}</li>" for code, sentence in self.notes)
        table = f"<table><caption>{escape(self._title())}</caption><tbody>{rows}</tbody></table>"
        return table + (f"<ul>{notes}</ul>" if notes else "")

    def to_dict(self, *, values: bool = False) -> dict[str, Any]:
        """Counts, item table and notes for JSON. Scores of single people are left out unless `values` is True."""
        table = self.per_item.astype(object).where(self.per_item.notna(), None).to_dict(orient="records")
        content: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "kind": "score",
            "scale": self.scale.key,
            "verified": self.scale.verified,
            "form": self.form,
            "subscale": self.subscale,
            "direction": self.direction,
            "codes": list(self.codes),
            "range": list(self.range),
            **{name: getattr(self, name) for name in COUNTS},
            **self._summary(),
            "per_item": [{k: v.item() if isinstance(v, np.generic) else v for k, v in row.items()} for row in table],
            "notes": [list(note) for note in self.notes],
        }
        if values:
            content["index"] = [label if isinstance(label, int | str) else str(label) for label in self.values.index.tolist()]
            content["values"] = [None if np.isnan(v) else float(v) for v in self.values]
        return content
