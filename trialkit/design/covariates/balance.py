"""Balance before anything is fixed: the imbalance of baseline covariates that a design lets one expect.

The standardized difference of an allocation is (mean_arm - mean_first) / sqrt((s2_arm + s2_first) / 2), the measure of balance tables
(Austin 2009, Statistics in Medicine 28); a category has one for each of its levels, with s2 = p(1 - p). Over draws of a design it
varies around zero (when everyone has the same probabilities); its range says what chance can do, and what another design would
prevent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialkit.design.cells.units import some_names
from trialkit.design.mechanism import ArmCodes, Mechanism
from trialkit.design.stream import checked_seed
from trialkit.errors import ColumnNotFoundError, UsageError, ValueTypeError
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.io.frames import numeric, to_pandas
from trialkit.results import Note, TableResult

RANGE = (0.025, 0.975)
LARGE = 0.1


@dataclass(frozen=True)
class ExpectedBalance(TableResult):
    """One row a covariate (a level of a category) and contrast."""

    kind = "expected_balance"

    def _title(self) -> str:
        if "n_draws" not in self.details:
            return "Balance of an allocation (standardized differences)"
        return f"Balance to expect over {self.details['n_draws']} draws (standardized differences): {self.details['design']}"


@dataclass(frozen=True, eq=False)
class Measured:
    """Covariates as columns of numbers.

    Attributes
    ----------
    names : (covariate, level, kind) of each. values : (n, columns), centred, 0 where missing. present : (n, columns).
    shares : (columns,) whether the variance is that of a share. centres : (columns,) what was subtracted.
    """

    names: list[tuple[str, str, str]]
    values: FloatArray
    present: BoolArray
    shares: BoolArray
    centres: FloatArray


def expected_balance(design: Mechanism, covariates: Sequence[str], *, n_draws: int = 1000, seed: Any) -> ExpectedBalance:
    """What imbalance to expect of a design: standardized differences over draws from it.

    Parameters
    ----------
    covariates : columns of the design's people; numbers give a row, categories one a level, missing values one more.
    n_draws : draws. seed : of the draws (not of the allocation).

    Returns
    -------
    ExpectedBalance
        `.tidy()`: covariate, level, kind ('number', 'share', 'missing'), contrast (arm - first arm), mean_abs_difference,
        range_low and range_high (95 % of draws lie between), largest (of all draws, without sign), share_large (draws beyond 0.1).

    Raises
    ------
    ColumnNotFoundError, UsageError
        Unknown columns; no seed.

    Examples
    --------
    >>> import trialkit as tk
    >>> people = {"id": range(40), "age": [20 + i for i in range(40)]}
    >>> table = tk.design.complete(people, unit="id", arms={"a": 1, "b": 1}).balance(["age"], seed=1).tidy()
    >>> table["mean_abs_difference"].round(1).tolist()
    [0.3]
    """
    measured = _measured(design, covariates)
    if n_draws < 20:
        raise UsageError(f"n_draws={n_draws}: a 95 % range needs 20 draws at least, and 1000 are soon made.")
    blocks = [_differences(design, measured, arms)[0] for arms in design._blocks(n_draws, checked_seed(seed), "draws")]
    found = np.concatenate(blocks)
    rows: list[Mapping[str, Any]] = []
    notes = [Note("range", f"range_low and range_high hold 95 % of {n_draws} draws; share_large is the share beyond {LARGE}.")]
    if np.isnan(found).any():
        notes.append(Note("empty_arm", "draws in which an arm has too few people for a difference are left out of its row."))
    for arm in range(1, len(design.arms)):
        for column, (name, level, kind) in enumerate(measured.names):
            rows.append(
                {"covariate": name, "level": level, "kind": kind, "contrast": _contrast(design, arm)}
                | _spread(found[:, arm - 1, column])
            )
    return ExpectedBalance((), tuple(notes), {"n_draws": n_draws, "design": design.describe()}, tuple(rows))


def allocation_balance(design: Mechanism, covariates: Sequence[str], allocation: Any) -> ExpectedBalance:
    """Standardized differences of one allocation (a frame with the design's unit and 'arm', as `assign` gives).

    Returns
    -------
    ExpectedBalance
        `.tidy()`: covariate, level, kind, contrast, mean_first, mean_arm, standardized_difference.
    """
    measured = _measured(design, covariates)
    frame = to_pandas(allocation)
    unit = design.people.unit
    for name in ["arm"] + ([unit] if unit else []):
        if name not in frame.columns:
            raise ColumnNotFoundError(name, frame.columns, "the allocation")
    codes = np.zeros(design.n, dtype=np.int16)
    codes[design.positions(frame[unit] if unit else frame["arm"])] = design.codes(frame["arm"])
    differences, means = _differences(design, measured, codes[None, :])
    rows: list[Mapping[str, Any]] = []
    for arm in range(1, len(design.arms)):
        for column, (name, level, kind) in enumerate(measured.names):
            rows.append(
                {
                    "covariate": name, "level": level, "kind": kind, "contrast": _contrast(design, arm),
                    "mean_first": float(means[0, 0, column]), "mean_arm": float(means[0, arm, column]),
                    "standardized_difference": float(differences[0, arm - 1, column]),
                }
            )  # fmt: skip
    return ExpectedBalance((), (), {"design": design.describe()}, tuple(rows))


def _contrast(design: Mechanism, arm: int) -> str:
    return f"{design.arms[arm]} - {design.arms[0]}"


def _spread(values: FloatArray) -> dict[str, float]:
    known = values[~np.isnan(values)]
    if not len(known):
        return dict.fromkeys(("mean_abs_difference", "range_low", "range_high", "largest", "share_large"), float("nan"))
    low, high = np.quantile(known, RANGE)
    size = np.abs(known)
    return {
        "mean_abs_difference": float(size.mean()),
        "range_low": float(low),
        "range_high": float(high),
        "largest": float(size.max()),
        "share_large": float((size > LARGE).mean()),
    }


def _measured(design: Mechanism, covariates: Sequence[str]) -> Measured:
    names: list[tuple[str, str, str]] = []
    columns: list[FloatArray] = []
    for name in some_names(covariates, "covariates"):
        for level, kind, values in _columns(design.people.column(name), name):
            names.append((name, level, kind))
            columns.append(values)
    raw = np.column_stack(columns)
    present = ~np.isnan(raw)
    filled = np.where(present, raw, 0.0)
    centres = filled.sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    shares = np.array([kind != "number" for _, _, kind in names])
    return Measured(names, np.where(present, raw - centres, 0.0), present, shares, centres)


def _columns(series: pd.Series, name: str) -> list[tuple[str, str, FloatArray]]:
    missing = series.isna().to_numpy(dtype=bool)
    out: list[tuple[str, str, FloatArray]] = []
    try:
        values = None if isinstance(series.dtype, pd.CategoricalDtype) else numeric(series, name)
    except ValueTypeError:
        values = None
    if values is None:
        codes, levels = pd.factorize(series, sort=True)
        out = [
            (str(level), "share", np.where(missing, np.nan, (codes == code).astype(float))) for code, level in enumerate(levels)
        ]
    else:
        known = values[~np.isnan(values)]
        out = [("", "share" if set(np.unique(known).tolist()) <= {0.0, 1.0} else "number", values)]
    if missing.any():
        out.append(("", "missing", missing.astype(float)))
    return out


def _differences(design: Mechanism, measured: Measured, arms: ArmCodes) -> tuple[FloatArray, FloatArray]:
    """Standardized differences (draws, arms - 1, columns) and means (draws, arms, columns)."""
    means, variances = [], []
    with np.errstate(divide="ignore", invalid="ignore"):
        for code in range(len(design.arms)):
            inside = (arms == code).astype(np.float64)
            n = inside @ measured.present
            mean = inside @ measured.values / n
            spread = (inside @ measured.values**2 - n * mean**2) / np.where(measured.shares, n, n - 1)
            means.append(mean)
            variances.append(np.maximum(spread, 0.0))
        mean, variance = np.stack(means, axis=1), np.stack(variances, axis=1)
        gap = mean[:, 1:] - mean[:, :1]
        scale = np.sqrt((variance[:, 1:] + variance[:, :1]) / 2)
        level = np.where(scale > 0, gap / scale, np.where(np.abs(gap) < 1e-12, 0.0, np.nan))
    return np.where(np.isnan(scale), np.nan, level), mean + measured.centres
