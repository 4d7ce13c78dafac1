"""What a fitted factor model says, as rows and words: parameters, modification indices, factor scores."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from trialkit.inference.arrays import FloatArray
from trialkit.inference.factor.fiml import pattern_of_rows
from trialkit.inference.factor.fit import Fit
from trialkit.inference.factor.model import Parameter
from trialkit.inference.factor.modification import modification_indices, release_tests
from trialkit.measurement.factor_models.cfa_data import CfaData

_Z = 1.959963984540054


def parameter_rows(found: Fit, data: CfaData, covariance: FloatArray) -> list[dict[str, Any]]:
    at, lay = found.point.matrices, found.layout
    variance = np.diag(covariance)
    with np.errstate(invalid="ignore"):
        item_sd = np.sqrt(np.einsum("gii->gi", at.sigma))
        factor_sd = np.sqrt(np.einsum("gii->gi", at.factors))
        residual_sd = np.sqrt(np.einsum("gii->gi", at.residuals))
    rows = []
    for k, p in enumerate(found.model.parameters):
        g, i, j = p.group, p.row, p.col
        if p.kind == "loading":
            name, left, right, value = "loading", data.factors[j], data.items[i], at.loadings[g, i, j]
            standardized = value * factor_sd[g, j] / item_sd[g, i]
        elif p.kind == "residual":
            name, left, right, value = "residual covariance", data.items[i], data.items[j], at.residuals[g, i, j]
            standardized = value / (residual_sd[g, i] * residual_sd[g, j])
            if i == j:
                name, right, standardized = "residual variance", "", value / item_sd[g, i] ** 2
        elif p.kind == "factor":
            name, left, right, value = "factor covariance", data.factors[i], data.factors[j], at.factors[g, i, j]
            standardized = value / (factor_sd[g, i] * factor_sd[g, j])
            name = "factor variance" if i == j else name
        elif p.kind == "intercept":
            name, left, right, value = "intercept", data.items[i], "", at.intercepts[g, i]
            standardized = value / item_sd[g, i]
        else:
            name, left, right, value = "factor mean", data.factors[i], "", at.means[g, i]
            standardized = value / factor_sd[g, i]
        error = math.sqrt(variance[lay.index[k]]) if lay.index[k] >= 0 else math.nan
        z = float(value) / error if error > 0 else math.nan
        rows.append(
            {
                "group": data.group_labels[g],
                "parameter": name,
                "left": left,
                "right": right,
                "estimate": float(value),
                "std_error": error,
                "z": z,
                "p_value": float(2 * special.ndtr(-abs(z))),
                "conf_low": float(value) - _Z * error,
                "conf_high": float(value) + _Z * error,
                "standardized": float(standardized),
            }
        )
    return rows


def modification_rows(found: Fit, data: CfaData) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for tests, prefix in ((modification_indices(found), ""), (release_tests(found), "equal ")):
        for p, index, change, standardized in zip(tests.parameters, tests.index, tests.change, tests.standardized):
            if not math.isfinite(index):
                continue
            own = {"loading": data.factors, "factor": data.factors, "mean": data.factors}.get(p.kind, data.items)
            name: str = p.kind
            left, right = own[p.row] if p.kind != "loading" else own[p.col], ""
            if p.kind == "loading":
                right = data.items[p.row]
            elif p.kind in ("residual", "factor"):
                name = f"{p.kind} {'variance' if p.row == p.col else 'covariance'}"
                left, right = own[p.col], own[p.row] if p.row != p.col else ""
            rows.append(
                [data.group_labels[p.group], prefix + name, left, right, float(index), float(change), float(standardized)]
            )
    return rows


def factor_scores(found: Fit, data: CfaData, items: Any) -> pd.DataFrame:
    """E[factor | answers]: alpha + Psi Lambda' Sigma^-1 (x - mu) on the items that were answered."""
    at, pattern = found.point.matrices, pattern_of_rows(data.x, data.group)
    out = np.full((len(items), len(data.factors)), np.nan)
    for g in range(len(data.group_labels)):
        mine = data.group == g
        centre = at.mu[g] if found.layout.mean_structure else data.x[mine].mean(axis=0)
        seen = ~np.isnan(data.x[mine])
        pull = np.einsum("nij,nj->ni", found.point.inverse[pattern[mine]], np.where(seen, data.x[mine] - centre, 0.0))
        out[data.rows[mine]] = at.means[g] + pull @ (at.loadings[g] @ at.factors[g])
    index = items.index if isinstance(items, pd.DataFrame) else None
    return pd.DataFrame(out, index=index, columns=list(data.factors))


def in_words(p: Parameter, data: CfaData) -> str:
    where = f" (group {data.group_labels[p.group]})" if data.group_labels[p.group] else ""
    if p.kind == "loading":
        return f"loading of {data.items[p.row]} on {data.factors[p.col]}{where}"
    if p.kind == "residual" and p.row == p.col:
        return f"residual variance of {data.items[p.row]}{where}"
    if p.kind == "residual":
        return f"residual covariance of {data.items[p.row]} and {data.items[p.col]}{where}"
    if p.kind == "factor" and p.row == p.col:
        return f"variance of {data.factors[p.row]}{where}"
    if p.kind == "factor":
        return f"covariance of {data.factors[p.row]} and {data.factors[p.col]}{where}"
    return f"intercept of {data.items[p.row]}{where}" if p.kind == "intercept" else f"mean of {data.factors[p.row]}{where}"
