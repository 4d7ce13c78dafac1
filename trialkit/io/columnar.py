"""Parquet files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pandas as pd

from trialkit.errors import FileReadError, UsageError
from trialkit.io.codes import MissingCodes
from trialkit.io.declare import settle_column
from trialkit.io.frames import plain_objects
from trialkit.io.guards.zipped import MOST_CELLS
from trialkit.io.labels import ATTRIBUTE, ColumnDescription
from trialkit.io.tables import ReadOptions, Table

__all__ = ["read_parquet"]


def read_parquet(path: Path, codes: MissingCodes, options: ReadOptions) -> Table:
    """Read a Parquet file; labels that were read from another file before travel with it."""
    try:
        import pyarrow.parquet as parquet
    except ImportError as cause:
        raise UsageError(f'reading {path} needs pyarrow, an extra. Install it: pip install "trialkit[parquet]".') from cause
    sizes = parquet.read_metadata(path)
    # A repeated value takes no room in the file: its size says nothing of what it unpacks to.
    if sizes.num_rows * max(1, sizes.num_columns) > 10 * MOST_CELLS:
        raise FileReadError(
            f"{path} holds {sizes.num_rows} rows of {sizes.num_columns} columns, more than trialkit reads. Export fewer."
        )
    stored = parquet.read_table(path)
    _refuse_nested(stored.schema, path)
    frame = stored.to_pandas()
    # A named index holds data (often the id); an unnamed one only counts rows.
    named = [name for name in frame.index.names if name is not None]
    frame = plain_objects(frame.reset_index(named) if named else frame).reset_index(drop=True)
    frame.columns = pd.Index([str(name) for name in frame.columns])
    codes.check(frame.columns)
    table = Table({}, columns=_kept_descriptions(stored.schema.metadata))
    for name in frame.columns:
        column, missing = settle_column(frame[name], codes.of(name), decimal=options.decimal)
        table.data[name] = column
        known = table.columns.setdefault(name, {})
        if missing:
            known["missing"] = [*known.get("missing", []), *missing]
    return table


def _refuse_nested(schema: Any, path: Path) -> None:
    import pyarrow

    for column in schema:
        if pyarrow.types.is_nested(column.type) or pyarrow.types.is_binary(column.type):
            raise FileReadError(
                f"column '{column.name}' of {path} holds {column.type} in each cell where one value is needed. "
                "Spread it over columns of its own before saving."
            )


def _kept_descriptions(metadata: Mapping[bytes, bytes] | None) -> dict[str, ColumnDescription]:
    """What pandas stored of ``attrs`` when the file was written from a frame that trialkit read."""
    try:
        kept = json.loads((metadata or {}).get(b"PANDAS_ATTRS", b"{}"))
        columns = kept[ATTRIBUTE]["columns"]
    except (ValueError, KeyError, TypeError):
        return {}
    known = {str(name): value for name, value in columns.items() if isinstance(value, dict)} if isinstance(columns, dict) else {}
    return cast(dict[str, ColumnDescription], known)
