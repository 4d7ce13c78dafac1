"""Before and after by memory: what is reported, beside what was and what the groups did.

From the top of the repository: `python analyses/assam_2015/run.py`; with `coverage` 500 such studies.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t

import trialkit as tk
from trialkit.simulate import load_scenario
from trialkit.simulate.runner import simulate_people

KEY = "assam_2015"
DATA = Path(__file__).resolve().parents[2] / "simulated_data" / f"{KEY}.csv"
SEED = 1


def main(arguments: list[str]) -> int:
    """Print both tables, or with `coverage` many studies."""
    if arguments not in ([], ["coverage"]):
        print("run.py takes no arguments, or: coverage", file=sys.stderr)
        return 2
    if arguments:
        print(coverage().to_string(index=False))
        return 0
    data = tk.read(DATA)
    print(table(data).to_string(index=False), mood(data).to_string(index=False), sep="\n\n")
    return 0


def table(data: pd.DataFrame) -> pd.DataFrame:
    """What members remember, what was, what is now, the change with both intervals, and the effect it is taken for."""
    truth = tk.simulate.scenario(KEY, seed=SEED).value
    spec = load_scenario(KEY)
    was = simulate_people(spec, n=spec.people, entropy=SEED)
    rows = []
    for name, digits in (("income", 0), ("confidence", 2)):
        recalled, now = (data[f"{name}_{w}"].to_numpy(dtype=float) for w in ("recalled", "now"))
        change = now - recalled
        rows.append(
            {
                "outcome": name,
                "before, by memory": f"{recalled.mean():.{digits}f}",
                "before, as it was": f"{was[f'{name}_before'].mean():.{digits}f}",
                "now": f"{now.mean():.{digits}f}",
                "change": f"{change.mean():.{digits}f}",
                "members independent": shown(mean_limits(change), digits),
                "by group": shown(mean_limits(change, data["group"].to_numpy()), digits),
                "truth": f"{truth(name, 'difference'):.{digits}f}",
            }
        )
    return pd.DataFrame(rows)


def mood(data: pd.DataFrame) -> pd.DataFrame:
    """How memory and present go with today's mood: a point of mood more, with intervals by group."""
    today, group = data["mood_now"].to_numpy(dtype=float), data["group"].to_numpy()
    rows = []
    for name, words, digits in (
        ("income_recalled", "income before, by memory", 0),
        ("income_now", "income now", 0),
        ("confidence_recalled", "confidence before, by memory", 2),
        ("confidence_now", "confidence now", 2),
    ):
        slope, limits = slope_limits(data[name].to_numpy(dtype=float), today, group)
        rows.append((words, f"{slope:.{digits}f}", shown(limits, digits)))
    return pd.DataFrame(rows, columns=["answer", "a point of mood more", "95 % interval, by group"])


def shown(limits: tuple[float, float], digits: int) -> str:
    """Limits as text."""
    return f"{limits[0]:.{digits}f} to {limits[1]:.{digits}f}"


def mean_limits(values: np.ndarray, group: np.ndarray | None = None) -> tuple[float, float]:
    """The t interval of a mean; with groups by their sums of deviations."""
    units = np.arange(len(values)) if group is None else group
    half = half_width((values - values.mean()) / len(values), units)
    return values.mean() - half, values.mean() + half


def slope_limits(y: np.ndarray, x: np.ndarray, group: np.ndarray) -> tuple[float, tuple[float, float]]:
    """The least-squares slope and its interval by group."""
    x = x - x.mean()
    slope = x @ y / (x @ x)
    half = half_width(x * (y - y.mean() - slope * x) / (x @ x), group)
    return slope, (slope - half, slope + half)


def half_width(influence: np.ndarray, units: np.ndarray) -> float:
    """Half the 95 % interval from sums of influence by unit; t with one degree of freedom less than units."""
    sums = np.bincount(np.unique(units, return_inverse=True)[1], weights=influence)
    return float(t.ppf(0.975, len(sums) - 1) * np.sqrt(len(sums) / (len(sums) - 1) * (sums @ sums)))


def coverage(n: int = 500, seed: int = 1) -> pd.DataFrame:
    """How many studies report a change whose interval leaves out zero, which is the effect."""
    sets = tk.simulate.many(KEY, n=n, seed=seed)
    rows = []
    for name in ("income", "confidence"):
        changes = (sets[f"{name}_now"] - sets[f"{name}_recalled"]).T.astype(float)
        groups = sets["group"].T
        beyond = [[low > 0 for low, _ in (mean_limits(c), mean_limits(c, g))] for c, g in zip(changes, groups)]
        alone, grouped = np.mean(beyond, axis=0)
        digits = 0 if name == "income" else 2
        rows.append((name, f"{changes.mean():.{digits}f}", "0", f"{100 * alone:.1f} %", f"{100 * grouped:.1f} %"))
    return pd.DataFrame(
        rows, columns=["outcome", "mean change", "effect", "above zero, members independent", "above zero, by group"]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
