"""Bands, Monte Carlo errors and the tables in docs/calibration/."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.special import stdtr

FOLDER = Path(__file__).parents[2] / "docs" / "calibration"
DESIGNS = int(os.environ.get("TRIALKIT_CALIBRATION_DESIGNS", 40))
JOBS = int(os.environ.get("TRIALKIT_CALIBRATION_JOBS", 2))
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


def write(rows: Sequence[dict[str, Any]], name: str) -> pd.DataFrame:
    """The table of docs/calibration/<name>.csv, printed and returned."""
    table = pd.DataFrame(list(rows))
    FOLDER.mkdir(parents=True, exist_ok=True)
    table.to_csv(FOLDER / f"{name}.csv", index=False, float_format="%.5g", lineterminator="\n")
    print(table.to_string(index=False))
    from tests.calibration.findings import refresh  # it reads the tables written here

    refresh()
    return table
