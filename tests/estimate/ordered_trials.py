"""Trials with ratings, amounts and groups for the tests of ordinal, quantile and money outcomes."""

from __future__ import annotations

import numpy as np
import pandas as pd

import trialkit as tk
from tests.estimate.helpers import grouped_data


def rated(seed: int, effect: float = 0.4, **options: float) -> pd.DataFrame:
    """Groups in one arm with a score `y`, a rating of 1 to 4, and an amount with zeros."""
    d = grouped_data(seed, effect=effect, **options)
    d["rating"] = np.digitize(d["y"], [-0.8, 0.1, 1.0]) + 1
    d["amount"] = np.round(np.maximum(np.exp(d["y"] + 4) - 45, 0), 2)
    d["site"] = np.where(np.arange(len(d)) % 3 == 0, "north", "south")
    d["weight"] = np.random.default_rng(seed).uniform(0.5, 2, len(d))
    return d


def alone(seed: int, n: int = 160, effect: float = 0.5, arms: int = 2) -> pd.DataFrame:
    """People alone in two or more arms."""
    rng = np.random.default_rng(seed)
    arm = np.arange(n) % arms
    y0 = rng.normal(size=n)
    y = 0.6 * y0 + effect * (arm > 0) + rng.normal(size=n)
    d = pd.DataFrame(
        {"arm": np.array(["solo", "peer", "coach"])[arm], "y0": y0, "y": y, "rating": np.digitize(y, [-1, 0, 1]) + 1}
    )
    d["amount"] = np.round(np.maximum(np.exp(y + 4) - 45, 0), 2)
    d["site"] = rng.choice(["a", "b", "c"], n)
    return d


def trial(d: pd.DataFrame, **roles: object) -> tk.Trial:
    return tk.Trial(d, **({"arm": "arm", "control": "solo"} | roles))


def grouped(d: pd.DataFrame, **roles: object) -> tk.Trial:
    return trial(d, group="group", **roles)


def numbers(result: tk.Result) -> np.ndarray:
    """Every number of the rows."""
    return result.tidy()[["estimate", "std_error", "df", "p_value", "conf_low", "conf_high"]].to_numpy(dtype=float)
