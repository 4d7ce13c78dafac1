"""Five groups chosen for success: what the choice alone makes of a share.

From the top of the repository: `python analyses/venkatesh_2010/run.py`; with `coverage` 500 such surveys, beside 500 of groups drawn at random.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm, t

import trialkit as tk
from trialkit.simulate.runner import simulate_people

DATA = Path(__file__).resolve().parents[2] / "simulated_data" / "venkatesh_2010.csv"
KEY = "venkatesh_2010"


def main(arguments: list[str]) -> int:
    """Print the table, or with `coverage` many surveys."""
    if arguments not in ([], ["coverage"]):
        print("run.py takes no arguments, or: coverage", file=sys.stderr)
        return 2
    print((coverage() if arguments else table(tk.read(DATA))).to_string(index=False))
    return 0


def table(data: pd.DataFrame) -> pd.DataFrame:
    """The reported share with both intervals, beside the share in all groups, and the effect it is taken for."""
    everyone = population()
    truth = f"{everyone:.3f}"
    y, group = data["on_time"].to_numpy(dtype=float), data["group"].to_numpy()
    rows = [
        ("share on time, members independent", f"{y.mean():.3f}", interval(y), "share in all groups", truth),
        ("share on time, by group (4 df)", f"{y.mean():.3f}", interval(y, group), "share in all groups", truth),
        ("more than in all groups", f"{y.mean() - everyone:.3f}", "", "effect of the groups", "0.000"),
    ]
    return pd.DataFrame(rows, columns=["what is reported", "value", "95 % interval", "taken for", "truth"])


def population() -> float:
    """The share on time in all groups, from the truth."""
    return tk.simulate.scenario(KEY, seed=1).context["on_time"]["control_mean"]


def interval(y: np.ndarray, group: np.ndarray | None = None) -> str:
    """The limits as text."""
    low, high = limits(y, group)
    return f"{low:.3f} to {high:.3f}"


def limits(y: np.ndarray, group: np.ndarray | None = None) -> tuple[float, float]:
    """Wald's interval of a share; with groups the sums of deviations by group, and t with one degree of freedom less than groups."""
    mean, n = y.mean(), len(y)
    if group is None:
        half = norm.ppf(0.975) * np.sqrt(mean * (1 - mean) / n)
    else:
        codes = np.unique(group, return_inverse=True)[1]
        sums = np.bincount(codes, weights=y - mean)
        half = t.ppf(0.975, len(sums) - 1) * np.sqrt(len(sums) / (len(sums) - 1) * (sums @ sums)) / n
    return mean - half, mean + half


def coverage(n: int = 500, seed: int = 1) -> pd.DataFrame:
    """Mean share, and how often each interval holds the share in all groups, for groups chosen and groups drawn at random."""
    truth, sets = population(), tk.simulate.many(KEY, n=n, seed=seed)
    part = sets.scenario.part("group").model_copy(update={"one_in": 1})
    parts = tuple(part if p.name == "group" else p for p in sets.scenario.parts)
    at_random = sets.scenario.model_copy(update={"parts": parts})
    drawn = [simulate_people(at_random, n=at_random.people, entropy=s) for s in sets.seeds]
    surveys = {
        "chosen, the best of eight": [(sets["on_time"][:, r].astype(float), sets["group"][:, r]) for r in range(n)],
        "drawn at random": [(p["on_time"], p["group"]) for p in drawn],
    }
    rows = []
    for name, each in surveys.items():
        holds = [[low <= truth <= high for low, high in (limits(y), limits(y, g))] for y, g in each]
        alone, grouped = np.mean(holds, axis=0)
        mean, spread = np.mean([y.mean() for y, _ in each]), np.std([y.mean() for y, _ in each], ddof=1)
        rows.append((name, f"{mean:.3f}", f"{spread:.3f}", f"{100 * alone:.1f} %", f"{100 * grouped:.1f} %"))
    return pd.DataFrame(rows, columns=["five groups", "mean share", "SD", "members independent", "by group (4 df)"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
