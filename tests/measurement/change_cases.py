"""A small trial with groups in the treated arm, scores before and after, a rating of change and a desirability scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import trialkit as tk

RATINGS = ["worse", "same", "a bit better", "much better"]


def people(seed: int = 3, n: int = 240, size: int = 10) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    treated = np.arange(n) >= n // 2
    group = np.arange(n) // size
    pre = np.round(rng.normal(40, 12, n))
    common = rng.normal(0, 3, n)[group]
    post = np.round(pre * 0.6 + 16 + np.where(treated, 5 + common, 0) + rng.normal(0, 8, n))
    felt = pd.cut(post - pre + rng.normal(0, 6, n), [-999, -6, 4, 14, 999], labels=RATINGS)
    post[::17] = np.nan
    return pd.DataFrame(
        {
            "arm": np.where(treated, "peer", "solo"), "group": np.where(treated, group, np.nan), "y0": pre, "y1": post, "felt": felt.astype(str),
            "md": rng.normal(size=n), "w": rng.uniform(0.5, 2, n),
        }
    )  # fmt: skip


def trial(data: pd.DataFrame | None = None, **roles: Any) -> tk.Trial:
    return tk.Trial(people() if data is None else data, **{"arm": "arm", "control": "solo", "group": "group"} | roles)
