"""Trials with a mediator, small enough to refit by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

import trialkit as tk


def people(seed: int, n: int = 120, groups: int = 0) -> pd.DataFrame:
    """m1 and y1 after the arm, m0 and y0 before; with `groups`, the treated arm sits in groups that move both."""
    rng = np.random.default_rng(seed)
    arm = np.arange(n) % 2
    m0, y0 = rng.normal(size=(2, n))
    label = np.full(n, -1)
    lift = np.zeros((n, 2))
    if groups:
        label[arm == 1] = np.arange((arm == 1).sum()) % groups
        lift[arm == 1] = (0.4 * rng.normal(size=(groups, 2)))[label[arm == 1]]
    m1 = 0.5 * arm + 0.5 * m0 + lift[:, 0] + rng.normal(size=n)
    y1 = 0.2 * arm + (0.4 + 0.2 * arm) * m1 + 0.3 * y0 + lift[:, 1] + rng.normal(size=n)
    return pd.DataFrame(
        {
            "id": np.arange(n), "arm": np.where(arm == 1, "peer", "solo"), "group": [f"g{g}" if g >= 0 else None for g in label],
            "m0": m0, "y0": y0, "m1": m1, "y1": y1, "job": (y1 > 0.3).astype(int), "keen": (m1 > 0.2).astype(int),
            "visits": rng.poisson(np.exp(0.2 + 0.3 * arm + 0.2 * m0)), "stage": np.digitize(m1, [-0.5, 0.5, 1.2]),
            "site": (np.arange(n) // 2 % 3).astype(str),
        }
    )  # fmt: skip


def trial(data: pd.DataFrame, **roles) -> tk.Trial:
    return tk.Trial(data, **({"arm": "arm", "control": "solo", "unit": "id"} | roles))


def grouped(data: pd.DataFrame, **roles) -> tk.Trial:
    return trial(data, group="group", **roles)


def effects(result) -> dict[str, float]:
    return {e.estimand: e.estimate for e in result.estimates}
