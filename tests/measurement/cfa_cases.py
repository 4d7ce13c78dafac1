"""Inputs and numbers of lavaan that the tests of factor models share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
DATA = HERE.parent / "reference" / "data"
LAVAAN: dict[str, Any] = json.loads((HERE / "cfa_reference" / "lavaan.json").read_text())
HOLZINGER = {"visual": ["x1", "x2", "x3"], "textual": ["x4", "x5", "x6"], "speed": ["x7", "x8", "x9"]}
TWO_WAVES = {"a": [f"t0_i{j}" for j in range(1, 7)], "b": [f"t1_i{j}" for j in range(1, 7)]}


def misfit() -> pd.DataFrame:
    return pd.read_csv(DATA / "items_misfit.csv")


def with_missing() -> pd.DataFrame:
    """The rule of reference.R."""
    d = misfit()
    items = [c for c in d if c != "z"]
    n = len(d)
    for j, name in enumerate(items):
        d.loc[np.arange(j, n, 7 + j), name] = np.nan
    low = d["t0_i1"].notna() & (d["t0_i1"] < 0) & (np.arange(1, n + 1) % 2 == 0)
    d.loc[low, "t1_i6"] = np.nan
    return d


def peer_groups(n: int) -> list[float]:
    """Groups of eight in the first half, nobody's group in the second."""
    return [i // 8 if i + 1 <= n / 2 else np.nan for i in range(n)]


def recoded(prefix: str) -> pd.DataFrame:
    x = pd.read_csv(DATA / "items.csv")[[f"{prefix}_i{j}" for j in range(1, 9)]].copy()
    for j in (3, 7):
        x[f"{prefix}_i{j}"] = 6 - x[f"{prefix}_i{j}"]
    return x


def holzinger() -> pd.DataFrame:
    """People whose means and covariances by school are those of Holzinger & Swineford (1939)."""
    rng = np.random.default_rng(1)
    parts = []
    for school, moments in LAVAAN["moments"].items():
        n = LAVAAN["moments_n"][["Pasteur", "Grant-White"].index(school)]
        z = rng.normal(size=(n, 9))
        z -= z.mean(axis=0)
        z = z @ np.linalg.inv(np.linalg.cholesky(z.T @ z / n)).T
        x = np.array(moments["mean"]) + z @ np.linalg.cholesky(np.array(moments["cov"])).T
        parts.append(pd.DataFrame(x, columns=[f"x{j}" for j in range(1, 10)]).assign(school=school))
    return pd.concat(parts, ignore_index=True)


def lavaan_rows(name: str, op: str) -> list[tuple[str, str, int, float, float, float]]:
    """lhs, rhs, group, estimate, standard error, standardized of one kind of parameter."""
    r = LAVAAN[name]
    group = r["group"] if isinstance(r["group"], list) else [1] * len(r["op"])
    found = zip(r["lhs"], r["op"], r["rhs"], group, r["est"], r["se"], r["std"])
    return [(a, b, g, e, s, z) for a, o, b, g, e, s, z in found if o == op]
