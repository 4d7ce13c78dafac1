"""The input of generate.R: 90 people in three arms and sites, weekly times with ties, delayed entry, other exits, weights, units."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

rng = np.random.default_rng(20260)
n = 90
arm = np.arange(n) % 3
x = rng.normal(size=n).round(3)
unit = rng.integers(0, 25, n)
rate = np.exp(0.5 * (arm == 1) + 0.3 * x + 0.5 * rng.normal(size=25)[unit])
job, moved, end = rng.exponential(14 / rate), rng.exponential(40, n), rng.uniform(8, 26, n)
weeks = np.ceil(np.minimum(np.minimum(job, moved), end))
status = np.where(job <= np.minimum(moved, end), 1, np.where(moved <= end, 2, 0))
entry = np.where(rng.random(n) < 0.4, np.floor(rng.random(n) * np.minimum(weeks, 6)), 0)
people = pd.DataFrame(
    {
        "arm": arm, "z": (arm == 1) * 1, "x": x, "site": rng.integers(0, 3, n), "unit": unit, "weeks": weeks, "event": (status == 1) * 1,
        "status": status, "entry": entry, "w": rng.uniform(0.5, 2.0, n).round(2),
    }
)  # fmt: skip
people.to_csv(Path(__file__).parent / "people.csv", index=False)
