from __future__ import annotations

import numpy as np
import pandas as pd

import trialkit as tk


def grouped_data(
    seed: int, groups: int = 10, controls: int = 80, icc: float = 0.1, effect: float = 0.3, strata: int = 0
) -> pd.DataFrame:
    """A one-arm grouped trial with unequal groups, a baseline, a binary covariate, and optionally strata."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(5, 16, groups)
    group = np.repeat(np.arange(groups), sizes)
    n = len(group) + controls
    arm = np.r_[np.ones(len(group)), np.zeros(controls)].astype(int)
    y0 = rng.normal(size=n)
    u = rng.normal(size=groups) * np.sqrt(icc)
    y = 0.5 * y0 + effect * arm + rng.normal(size=n) * np.sqrt(1 - icc)
    y[: len(group)] += u[group]
    d = pd.DataFrame(
        {"id": np.arange(n), "arm": np.where(arm == 1, "peer", "solo"), "y0": y0, "y": y, "female": rng.integers(0, 2, n)}
    )
    d["group"] = pd.Series([f"g{g:02d}" for g in group] + [None] * controls, dtype="object")
    if strata:
        d["site"] = np.r_[group % strata, np.arange(controls) % strata].astype(str)
    return d


def grouped_trial(data: pd.DataFrame, **roles) -> tk.Trial:
    return tk.Trial(data, **({"arm": "arm", "control": "solo", "unit": "id", "group": "group"} | roles))
