"""What in a data frame looks wrong without being so for certain: said, never changed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from trialkit.errors import shown
from trialkit.io.cells import number_style
from trialkit.io.labels import value_labels
from trialkit.io.text_suspicions import clipped, name_suspicions, repeated_ids, serial_dates, text_suspicions, written_otherwise

__all__ = ["suspicions", "undeclared_codes"]

# The values by which questionnaires commonly mark "no answer"; three nines or more at the top of a scale, negatives below it.
_USUAL_CODES = (-99.0, -98.0, -97.0, -88.0, -77.0, -9.0, 999.0, 9999.0, 99999.0, 999999.0, -999.0, -9999.0, -99999.0)
_SHARE_OF_NUMBERS = 0.5
_MEANS_MISSING = re.compile(
    r"refus|don'?t know|does not know|not applicable|no answer|not asked|missing|unknown|"
    r"weiger|weet niet|niet van toepassing|n\.?v\.?t|geen antwoord|niet gevraagd|ontbreek|onbekend",
    re.IGNORECASE,
)


def suspicions(frame: pd.DataFrame) -> Iterator[str]:
    """Sentences on columns that are empty, that look like numbers but hold text, or that hold undeclared missing codes."""
    yield from name_suspicions(list(frame.columns))
    for name in frame.columns:
        values = frame[name]
        dtype = values.dtype
        if bool(values.isna().all()):
            yield f"column '{name}' has no values at all"
        elif types.is_bool_dtype(dtype):
            continue
        elif types.is_numeric_dtype(dtype) and not types.is_complex_dtype(dtype):
            yield from repeated_ids(values, name)
            yield from serial_dates(values.to_numpy(dtype=np.float64, na_value=np.nan), name)
            yield from _undeclared(values.to_numpy(dtype=np.float64, na_value=np.nan), name, value_labels(frame, name))
        elif types.is_object_dtype(dtype) or types.is_string_dtype(dtype):
            yield from repeated_ids(values, name)
            yield from list(written_otherwise(values, name)) or _looks_numeric(values, name)
            yield from text_suspicions(values, name)


def undeclared_codes(values: pd.Series, name: str) -> Iterator[str]:
    """Sentences on values of a column of numbers that look like codes for a missing answer."""
    yield from _undeclared(values.to_numpy(dtype=np.float64, na_value=np.nan), name, {})


def _undeclared(values: npt.NDArray[np.float64], name: str, labels: dict[int | float | str, str]) -> Iterator[str]:
    present = values[np.isfinite(values)]
    rest = present[~np.isin(present, _USUAL_CODES)]
    for code in _USUAL_CODES:
        count = int(np.sum(present == code))
        if count and str(labels.get(code, "")) == "" and _stands_apart(code, rest):
            yield _undeclared_message(name, code, count, None)
    for labelled, label in labels.items():
        count = 0 if isinstance(labelled, str) else int(np.sum(present == float(labelled)))
        if count and (float(labelled) in _USUAL_CODES or _MEANS_MISSING.search(label)):
            yield _undeclared_message(name, float(labelled), count, label)


def _stands_apart(code: float, rest: npt.NDArray[np.float64]) -> bool:
    """Whether a code lies outside the other values with a gap: 999 in an id that runs to 1500 does not."""
    if not len(rest):
        return True
    return bool(code > rest.max() + 1 or code < rest.min() - 1)


def _undeclared_message(name: str, code: float, count: int, label: str | None) -> str:
    times = "once" if count == 1 else f"{count} times"
    meaning = f" (label: {label})" if label else ""
    return (
        f"column '{name}' has the value {code:g}{meaning} {times}, which looks like a code for a missing value that was not declared. "
        f'If it is one, read the file with missing_codes={{"{name}": {{{code:g}: "the reason"}}}}'
    )


def _looks_numeric(values: pd.Series, name: str) -> Iterator[str]:
    present = values[values.notna().to_numpy()]
    words = present.astype(str).str.strip()
    styles = {word: number_style([word]) for word in words.unique()}
    style = words.map(styles).to_numpy(dtype=str)
    numbers = style != "text"
    if numbers.mean() < _SHARE_OF_NUMBERS:
        return
    rows = np.flatnonzero(values.notna().to_numpy()) + 1
    commas, others = np.isin(style, ("comma", "dutch")), ~numbers
    if commas.any() and not (style == "point").any():
        yield f"column '{name}' looks numeric but holds text: {_places(words, rows, commas)}. Read the file with decimal=\",\""
    elif commas.any():
        yield f"column '{name}' looks numeric but mixes decimal commas and points: {_places(words, rows, commas)}. Correct the file"
    if others.any() and not words[others].str.match(r"-?0\d").any():
        yield (
            f"column '{name}' looks numeric but holds text: {_places(words, rows, others)}. "
            "Declare the code as missing (missing_codes) or correct the file"
        )
    elif not commas.any() and not others.any():
        remedy = (
            "Thousands were perhaps separated by points"
            if (style == "grouped").all()
            else "They stay text unless an analysis needs numbers"
        )
        yield f"column '{name}' holds numbers that are stored as text: {_places(words, rows, numbers)}. {remedy}"


def _places(words: pd.Series, rows: npt.NDArray[np.intp], chosen: npt.NDArray[np.bool_]) -> str:
    """'n.v.t.' and 'x' in rows 3, 8 and 2 more."""
    examples = [clipped(word) for word in list(dict.fromkeys(words.to_numpy()[chosen]))[:3]]
    where = [int(row) for row in rows[chosen]]
    return f"{shown([str(example) for example in examples])} in {'row' if len(where) == 1 else 'rows'} {shown(where)}"
