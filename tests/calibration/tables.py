"""Bands, Monte Carlo errors and the tables in docs/calibration/.

`grid` is how a table is made: cell by cell, the table written after each, so that a run that is stopped has lost one cell. With
TRIALKIT_CALIBRATION_RESUME=1 only cells with fewer replicates than asked are run, the thinnest first; without it every cell is run anew.
TRIALKIT_CALIBRATION_ONLY="groups=6,icc=0.1" keeps to the cells with these values.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.special import stdtr

FOLDER = Path(__file__).parents[2] / "docs" / "calibration"
DESIGNS = int(os.environ.get("TRIALKIT_CALIBRATION_DESIGNS", 40))
JOBS = int(os.environ.get("TRIALKIT_CALIBRATION_JOBS", 2))
RESUME = os.environ.get("TRIALKIT_CALIBRATION_RESUME", "") == "1"
ONLY = dict(part.split("=") for part in os.environ.get("TRIALKIT_CALIBRATION_ONLY", "").split(",") if part)
REPLICATES = 500  # of each design: 20,000 a cell


def over_designs(run: Callable[..., Any], *cell: Any) -> list[Any]:
    """`run(*cell, design)` for every design; the numbers do not depend on the number of workers."""
    return Parallel(n_jobs=JOBS)(delayed(run)(*cell, d) for d in range(DESIGNS))


def p_values(estimate: np.ndarray, std_error: np.ndarray, df: np.ndarray | float) -> np.ndarray:
    """Two-sided p of the t test."""
    return 2 * stdtr(df, -np.abs(estimate) / std_error)


def mc_error(share: Any, replicates: Any) -> Any:
    return np.round(np.sqrt(share * (1 - share) / replicates), 5)


def size_inside(size: float, groups: float) -> bool:
    """4-6 % from 10 groups (clusters) on, at most 6.5 % below."""
    return bool(0.04 <= size <= 0.06) if groups >= 10 else bool(size <= 0.065)


def coverage_inside(coverage: float, groups: float) -> bool:
    """94-96 % from 10 groups on, at least 93.5 % below."""
    return bool(0.94 <= coverage <= 0.96) if groups >= 10 else bool(coverage >= 0.935)


def said(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a cell, shown as soon as they are there (pytest -s)."""
    for row in rows:
        print(", ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()), flush=True)
    return rows


def text_of(value: Any) -> str:
    """A value as it stands in a table."""
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    return f"{value:.5g}" if isinstance(value, float | np.floating) else str(value)


def grid(
    name: str,
    columns: Sequence[str],
    cells: Mapping[tuple[Any, ...], tuple[Any, ...]] | Sequence[tuple[Any, ...]],
    rows_of: Callable[..., list[dict[str, Any]]],
    *,
    replicates: int | None = None,
) -> pd.DataFrame:
    """The table of docs/calibration/<name>.csv, with the rows `rows_of(*arguments)` of every cell.

    `columns` are those whose values say which cell a row is of; `cells` has those values, each with the arguments of its run where they are others.
    Rows of cells that are no longer in the grid are dropped.
    """
    arguments = cells if isinstance(cells, Mapping) else {c: c for c in cells}
    wanted = DESIGNS * REPLICATES if replicates is None else replicates
    order = {tuple(text_of(v) for v in key): key for key in arguments}
    have = {k: rows for k, rows in _stored(name, columns).items() if k in order}
    due = [k for k in order if all(of == _number(ONLY[c]) for c, of in zip(columns, k, strict=True) if c in ONLY)]
    if RESUME:
        counts = {k: min((int(float(r["replicates"])) for r in have.get(k, [])), default=0) for k in order}
        due = sorted((k for k in due if counts[k] < wanted), key=lambda k: counts[k])
    for key in due:
        have[key] = [{c: text_of(v) for c, v in row.items()} for row in said(rows_of(*arguments[order[key]]))]
        _store([row for k in order for row in have.get(k, [])], name)
    return read(name)


def _stored(name: str, columns: Sequence[str]) -> dict[tuple[str, ...], list[dict[str, str]]]:
    """Rows by cell, as they are written."""
    path = FOLDER / f"{name}.csv"
    if not path.exists():
        return {}
    found: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records"):
        if all(c in row for c in (*columns, "replicates")):
            found.setdefault(tuple(_number(row[c]) for c in columns), []).append({str(k): v for k, v in row.items()})
    return found


def _number(text: str) -> str:
    """As `text_of` writes the number that stands there otherwise (0.0 for 0)."""
    try:
        return f"{float(text):.5g}"
    except ValueError:
        return text


def _store(rows: list[dict[str, str]], name: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.csv"
    beside = path.with_suffix(".part")
    pd.DataFrame(rows).to_csv(beside, index=False, lineterminator="\n")
    beside.replace(path)


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}.csv")


def write(rows: Sequence[dict[str, Any]], name: str) -> pd.DataFrame:
    """A whole table at once, printed and returned."""
    table = pd.DataFrame(list(rows))
    FOLDER.mkdir(parents=True, exist_ok=True)
    table.to_csv(FOLDER / f"{name}.csv", index=False, float_format="%.5g", lineterminator="\n")
    print(table.to_string(index=False))
    return table
