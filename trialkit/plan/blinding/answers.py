"""Answers to the items of a questionnaire that follow a trait: a normal response an item, cut where equal shares of people would give each answer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray
from trialkit.plan.planned.prepare import used_scale

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import ScaleUse

__all__ = ["answers_of"]

LOADING = 0.8


def answers_of(
    entry: ScaleUse, wave: str | None, trait: FloatArray, rng: np.random.Generator, folder: Path | None
) -> dict[str, Any]:
    """Columns of answers of a scale at a wave, with its codes, reversed items and words as the plan says they stand in the data.

    Response of an item: .8 trait + .6 noise, so that the score of ten items correlates .97 with the trait.
    """
    used = used_scale(entry.scale, entry.form, folder)
    items = entry.items if wave is None else entry.items.replace("{wave}", wave)
    form = used.forms[entry.form] if entry.form is not None and entry.form in used.forms else next(iter(used.forms.values()))
    turned = set(form.reversed) - set(entry.already_reversed)
    words = {value: word for word, value in entry.codes.items()}
    found: dict[str, Any] = {}
    for item in range(1, used.items + 1):
        low, high = _codes(entry, used, item)
        response = LOADING * trait + np.sqrt(1 - LOADING**2) * rng.standard_normal(len(trait))
        keyed = np.minimum(low + np.floor(special.ndtr(response) * (high - low + 1)), high)
        answer = low + high - keyed if item in turned else keyed
        column = re.sub(r"\{item(?::([^}]*))?\}", lambda m, j=item: format(j, m.group(1) or ""), items)  # type: ignore[misc]
        found[column] = [words.get(v, v) for v in answer.tolist()] if words else answer
    return found


def _codes(entry: ScaleUse, used: Any, item: int) -> tuple[int, int]:
    if entry.code_range is not None:
        return entry.code_range
    codes = used.item_codes.get(item, used.codes)
    return int(codes.min), int(codes.max)
