"""Codes for a missing answer that nobody declared, such as 99 among answers from 1 to 5."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from trialkit.errors import ValueTypeError
from trialkit.inference.arrays import FloatArray
from trialkit.measurement.scoring.screening import looks_like_missing
from trialkit.results import Note

FAR_CODE = 66


def stray_codes(x: FloatArray, names: Sequence[Hashable], remedy: Callable[[float], str]) -> list[Note]:
    """Refuse codes in x (n, items) that stand far off the other answers, with the remedy for the code; remark on near ones."""
    notes = []
    for j, name in enumerate(names):
        values = x[~np.isnan(x[:, j]), j]
        suspect = looks_like_missing(values) & (values == np.round(values))
        rest = values[~suspect]
        if not suspect.any() or len(rest) < 2 or (rest != np.round(rest)).any() or rest.min() < 0:
            continue
        far = values[suspect & ((values < 0) | (values >= max(FAR_CODE, 2 * rest.max())))]
        if len(far):
            raise ValueTypeError(
                f"item '{name}' holds {far[0]:g} ({len(far)} times) beside answers from {rest.min():g} to {rest.max():g}: that looks like "
                f"a code for a missing answer. {remedy(far[0])}"
            )
        if values[suspect].min() - rest.max() >= max(rest.max() - rest.min(), 2):
            notes.append(
                Note("stray_code", f"item '{name}' holds {values[suspect][0]:g}, far from the other answers; is it an answer?")
            )
    return notes
