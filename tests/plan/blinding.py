"""A small trial with groups in one arm, for the tests of blinding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

import trialkit as tk

PLAN = """
schema_version = 1
[trial]
title = "A small trial"
population = "people who applied"
[arms]
solo = { label = "Counselling", control = true }
peer = { label = "Counselling plus a group", grouped = true }
[data]
unit = "id"
arm = "arm"
group = "group"
uptake = "came"
facilitator = "leader"
strata = ["site"]
missing_codes = { -99 = "refused" }
[design]
units = 240
groups = { size = [6, 9], within = ["site"] }
assumptions = { icc = 0.1, attrition = 0.1, take_up = 0.7, baseline_correlation = 0.5 }
[[outcomes]]
name = "mood"
column = "y"
baseline = "y0"
role = "primary"
better = "higher"
assume = { effect = 1.5, sd = 3 }
[[outcomes]]
name = "job"
column = "job"
role = "secondary"
measure = "risk_difference"
better = "higher"
assume = { control_rate = 0.4, effect = 0.2 }
[analysis]
adjust = ["female"]
[selection]
balance = ["y0", "female"]
"""


def planned(folder: Path, text: str = PLAN) -> tk.Plan:
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return tk.Plan.load(path)


def people(seed: int, *, effect: float = 0.0, n: int = 240, told: bool = False) -> pd.DataFrame:
    """A trial in rows sorted by arm, whose identifiers and further columns give the arm away when `told`."""
    rng = np.random.default_rng(seed)
    arm = np.repeat(["peer", "solo"], n // 2)
    treated = arm == "peer"
    group = np.array([f"g{i // 8:02d}" if t else None for i, t in enumerate(treated)], dtype=object)
    y0 = rng.normal(size=n)
    u = rng.normal(size=n // 16 + 1) * 0.3
    y = 10 + 3 * (0.5 * y0 + effect * treated + rng.normal(size=n) * 0.8 + np.where(treated, u[np.arange(n) // 8 % len(u)], 0))
    frame = pd.DataFrame(
        {
            "id": [f"q{k}" for k in rng.permutation(n)], "arm": arm, "group": group, "site": rng.choice(["a", "b"], n),
            "came": np.where(treated, (rng.random(n) < 0.7) * 1, 0), "leader": np.where(treated, "kim", None), "female": rng.integers(0, 2, n),
            "y0": y0.round(3), "y": np.where(rng.random(n) < 0.1, -99, y.round(3)), "job": (rng.random(n) < 0.4) * 1,
        }
    )  # fmt: skip
    if told:
        frame["id"] = [f"{'P' if t else 'S'}{i}" for i, t in enumerate(treated)]
        frame["code"] = np.where(treated, 7, 3)
        frame["rating_of_group"] = np.where(treated, rng.integers(1, 6, n), np.nan)
        frame["reason_not_offered"] = np.where(treated, None, "waiting")
        frame["session"] = [f"s{i // 4}" for i in range(n)]
        frame["hours"] = np.where(treated, 20, 2) + rng.normal(size=n)
        frame["remark"] = [f"{'liked the others' if t else 'alone'} {i}" for i, t in enumerate(treated)]
        frame["colour"] = rng.choice(["red", "blue"], n)
    return frame
