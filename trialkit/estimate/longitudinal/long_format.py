"""From one row a measurement to one row a person, which is what `Trial` and `longitudinal` take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from trialkit.errors import ColumnNotFoundError, DataError, IdentifierError, shown
from trialkit.io.frames import to_pandas
from trialkit.trial import rows_text

HOW_TO = (
    "one row a person is needed, with a column for each wave. From a table with one row a measurement:\n"
    "    from trialkit.estimate.longitudinal.long_format import to_wide\n"
    "    people = to_wide(data, unit='id', wave='wave', outcome='y')      # columns y_0, y_1, ...; the other columns stay\n"
    "    tk.longitudinal(tk.Trial(people, ...), waves={0: 'y_0', 1: 'y_1'})"
)


def to_wide(data: Any, *, unit: str, wave: str, outcome: str | Sequence[str]) -> pd.DataFrame:
    """One row a person from a table with one row a measurement.

    Parameters
    ----------
    data : pandas, polars or pyarrow table.
    unit : column that identifies people. wave : column that says when. outcome : column or columns measured at every wave.

    Returns
    -------
    pandas.DataFrame
        People in the order of their first row; a column `<outcome>_<wave>` for each wave in order, missing where a person was not measured,
        then every other column, which must not change within a person.

    Raises
    ------
    ColumnNotFoundError, IdentifierError, DataError
        For absent columns, people or waves without a name, two rows of one person at one wave, and columns that change within a person.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"id": [1, 1, 2], "wave": [0, 1, 0], "arm": ["solo", "solo", "peer"], "y": [3.0, 4.0, 2.5]})
    >>> to_wide(rows, unit="id", wave="wave", outcome="y").to_dict("list")
    {'id': [1, 2], 'arm': ['solo', 'peer'], 'y_0': [3.0, 2.5], 'y_1': [4.0, nan]}
    """
    frame = to_pandas(data).reset_index(drop=True)
    measured = [outcome] if isinstance(outcome, str) else list(outcome)
    for name in (unit, wave, *measured):
        if name not in frame.columns:
            raise ColumnNotFoundError(name, frame.columns)
    for name in (unit, wave):
        if frame[name].isna().any():
            raise IdentifierError(
                f"'{name}' is missing in {rows_text(frame[name].isna())}: every measurement is of someone at some wave."
            )
    twice = frame.duplicated([unit, wave], keep=False)
    if twice.any():
        people = frame.loc[twice, unit].drop_duplicates().tolist()
        raise IdentifierError(f"'{unit}' {shown(people)} has two rows at one '{wave}': keep one measurement a person and wave.")
    fixed = [c for c in frame.columns if c not in (wave, *measured)]
    _check_constant(frame, unit, [c for c in fixed if c != unit])
    people = frame.drop_duplicates(unit)[fixed].reset_index(drop=True)
    order = people[unit]
    for name in measured:
        wide = frame.pivot(index=unit, columns=wave, values=name).reindex(order)
        for label in sorted(wide.columns) if wide.columns.inferred_type != "mixed" else wide.columns:
            column = f"{name}_{label}"
            if column in people.columns:
                raise DataError(f"the data already have a column '{column}': rename it.")
            people[column] = wide[label].to_numpy()
    return people


def _check_constant(frame: pd.DataFrame, unit: str, names: Sequence[str]) -> None:
    changing = [c for c in names if (frame.groupby(unit, sort=False)[c].nunique(dropna=False) > 1).any()]
    if changing:
        raise DataError(
            f"{shown(changing)} {'changes' if len(changing) == 1 else 'change'} within a person: add what is measured at every wave to outcome=, "
            "and leave the rest out, or keep its first value."
        )
