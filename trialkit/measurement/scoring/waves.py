"""Several waves scored in one call: the patterns of each wave, and the results side by side."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialkit.errors import UsageError, shown
from trialkit.measurement.questionnaires.scale import Scale
from trialkit.measurement.scoring.answers import PLACE
from trialkit.measurement.scoring.remarks import Note
from trialkit.measurement.scoring.score_result import COUNTS, ScoreResult

__all__ = ["WaveScores", "by_wave", "require_waves"]

WAVE = "{wave}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WaveScores:
    """Scores of one scale at several waves; `scores["t0"]` is the `ScoreResult` of a wave.

    Attributes
    ----------
    by_wave
        Wave -> ScoreResult.
    values
        Data frame with the index of the data and a column `<scale>_<wave>` for each wave.
    answers
        Data frame of the answers as they count, the items of all waves side by side; `items` names those of each wave.
    items
        Wave -> names of its item columns in `answers`, as `reliability`, `invariance` and `latent_effect` take them.
    counts
        Data frame, one row a wave: n_people, n_scored, n_missing, n_prorated, n_out_of_range, ...
    notes
        Pairs (code, sentence); each sentence names its wave.
    """

    by_wave: dict[str, ScoreResult]

    def __getitem__(self, wave: str) -> ScoreResult:
        if wave not in self.by_wave:
            raise UsageError(f"wave '{wave}' was not scored; the waves are {shown(self.by_wave)}.")
        return self.by_wave[wave]

    @property
    def values(self) -> pd.DataFrame:
        """Scores, one column a wave."""
        return pd.DataFrame({f"{r.values.name}_{wave}": r.values for wave, r in self.by_wave.items()})

    @property
    def answers(self) -> pd.DataFrame:
        """Answers as they count in the scores, all waves side by side."""
        return pd.concat([r.answers for r in self.by_wave.values()], axis=1)

    @property
    def items(self) -> dict[str, list[str]]:
        """Item columns of each wave."""
        return {wave: [str(c) for c in r.answers.columns] for wave, r in self.by_wave.items()}

    @property
    def counts(self) -> pd.DataFrame:
        """What was done to the answers, one row a wave."""
        rows = {wave: {name: getattr(r, name) for name in COUNTS} for wave, r in self.by_wave.items()}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("wave")

    @property
    def notes(self) -> tuple[Note, ...]:
        """The remarks of all waves."""
        return tuple((code, f"{wave}: {sentence}") for wave, r in self.by_wave.items() for code, sentence in r.notes)

    def to_dict(self, *, values: bool = False) -> dict[str, Any]:
        """The results of the waves for JSON; scores of single people only with `values`."""
        return {"kind": "wave_scores", "waves": {wave: r.to_dict(values=values) for wave, r in self.by_wave.items()}}

    def __str__(self) -> str:
        return "\n".join(f"{wave}: {result}" for wave, result in self.by_wave.items())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return "".join(result._repr_html_() for result in self.by_wave.values())


def by_wave(
    items: str | Sequence[Hashable], waves: Sequence[str], form_from: Mapping[str, str] | None, seconds: str | None
) -> Iterator[tuple[str, str, dict[str, str] | None, str | None]]:
    """For each wave: its name, the pattern of its items, and its columns for the form and the seconds."""
    if isinstance(waves, str) or not waves or len(set(waves)) < len(waves):
        raise UsageError(f"waves={waves!r} must list different waves, as in waves=['t0', 't1'].")
    if not isinstance(items, str) or WAVE not in items:
        raise UsageError(
            f"with waves, items must be a pattern with {WAVE} and {{item}}, such as 'gse_{WAVE}_{{item}}', not {items!r}."
        )
    for wave in map(str, waves):
        places = {k: v.replace(WAVE, wave) for k, v in form_from.items()} if form_from is not None else None
        yield wave, items.replace(WAVE, wave), places, seconds.replace(WAVE, wave) if seconds else None


def require_waves(items: str | Sequence[Hashable], data: pd.DataFrame, scale: Scale) -> None:
    """Refuse a pattern with {wave} when no waves were named; says which ones the columns hold."""
    if not isinstance(items, str) or WAVE not in items:
        return
    place = PLACE.search(items)
    if place is None:
        return
    # (.+?) for the wave, the number of the last item for the item: a wave counts only when the file has all its items.
    last = place.group(0).format(item=scale.items)
    pattern = re.escape(items.replace(place.group(0), "\0")).replace(re.escape("\0"), re.escape(last))
    matcher = re.compile(pattern.replace(re.escape(WAVE), "(.+?)"))
    found = [m.group(1) for m in map(matcher.fullmatch, map(str, data.columns)) if m]
    remedy = (
        f"the columns hold {shown(found)}: say waves={found}"
        if found
        else f"no columns fit items='{items}' with {{item}} = {last}"
    )
    raise UsageError(f"items='{items}' holds {WAVE}, so the waves must be named in waves=[...]; {remedy}.")
