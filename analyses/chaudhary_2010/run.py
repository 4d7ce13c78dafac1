"""How long groups live: from those that closed, from all of them, and from those that closed with the truncation taken in.

From the top of the repository: `python analyses/chaudhary_2010/run.py`; with `coverage` 300 such registers.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

import trialkit as tk
from trialkit.inference.survival.curve import survival_curve
from trialkit.simulate.components.lifetimes import DAYS_A_YEAR

KEY = "chaudhary_2010"
DATA = Path(__file__).resolve().parents[2] / "simulated_data" / f"{KEY}.csv"
END = 9496
# Few groups were founded so early that a longer life could be seen.
LONGEST = int(20 * DAYS_A_YEAR)
YEARS = (5, 10)
NAMES = ("closed groups, Kaplan-Meier", "closed and running groups, Kaplan-Meier", "closed groups, reverse time")


def main(arguments: list[str]) -> int:
    """Print the table, or with `coverage` many registers."""
    if arguments not in ([], ["coverage"]):
        print("run.py takes no arguments, or: coverage", file=sys.stderr)
        return 2
    print((coverage() if arguments else table(tk.read(DATA), tk.read(DATA.with_suffix(".running.csv")))).to_string(index=False))
    return 0


def table(closed: pd.DataFrame, running: pd.DataFrame) -> pd.DataFrame:
    """Share alive after five and ten years by each method, beside what it is the truth of."""
    rows = []
    for name, found in estimates(closed, running).items():
        row = {"method": name, "share of": "those closing in 20 years" if name == NAMES[2] else "all groups"}
        for years, (share, low, high) in zip(YEARS, found):
            row |= {f"{years} years": f"{share:.3f} ({low:.3f} to {high:.3f})", f"truth, {years}": f"{truth(name, years):.3f}"}
        rows.append(row)
    return pd.DataFrame(rows)


def truth(method: str, years: int) -> float:
    """The share alive of all groups, or of those that close within twenty years."""
    alive = {k: tk.simulate.scenario(KEY, seed=1).context[f"alive_{k}"]["control_mean"] for k in (*YEARS, 20)}
    return 1 - (1 - alive[years]) / (1 - alive[20]) if method == NAMES[2] else alive[years]


def estimates(closed: pd.DataFrame, running: pd.DataFrame) -> dict[str, list[tuple[float, float, float]]]:
    """Share alive after each of `YEARS` with its 95 % limits."""
    days, founded = closed["life_days"].to_numpy(dtype=float), closed["life_founded"].to_numpy(dtype=float)
    still = END - running["founded"].to_numpy(dtype=float)
    everything = np.concatenate([days, still]), np.repeat([True, False], [len(days), len(still)])
    at = [years * DAYS_A_YEAR for years in YEARS]
    return {
        NAMES[0]: [alive(days, np.ones(len(days), dtype=bool), day) for day in at],
        NAMES[1]: [alive(*everything, day) for day in at],
        NAMES[2]: [alive_in_reverse(days, founded, day) for day in at],
    }


def alive(days: np.ndarray, event: np.ndarray, day: float) -> tuple[float, float, float]:
    """Kaplan-Meier's share with Greenwood's interval."""
    curve = survival_curve(time=days, event=event)
    last = np.searchsorted(curve.time, day, side="right") - 1
    return curve.survival[last], curve.conf_low[last], curve.conf_high[last]


def alive_in_reverse(days: np.ndarray, founded: np.ndarray, day: float) -> tuple[float, float, float]:
    """The same among groups that close within `LONGEST` days, from closed groups only (Lagakos, Barraj & De Gruttola 1988, Biometrika 75).

    A group is in the list when it lived no longer than the time left at its founding. With time running backwards from the
    longest life that is delayed entry: risk sets at t are the groups that lived t days or less and could have been seen at t.
    """
    seen = days <= LONGEST
    left = np.minimum(END - founded[seen], LONGEST)
    backwards = LONGEST + 1 - days[seen]
    curve = survival_curve(time=backwards, event=np.ones(len(backwards), dtype=bool), entry=LONGEST + 0.5 - left)
    # Lived at most so many days: in reverse, still there after this time.
    last = np.searchsorted(curve.time, LONGEST - np.floor(day), side="right") - 1
    return 1 - curve.survival[last], 1 - curve.conf_high[last], 1 - curve.conf_low[last]


def coverage(n: int = 300, seed: int = 1) -> pd.DataFrame:
    """Bias and coverage of each method against what it is the truth of."""
    sets = tk.simulate.many(KEY, n=n, seed=seed)
    each = [estimates(sets.data(r), sets.lists(r)["running"]) for r in range(n)]
    rows = []
    for name in NAMES:
        row = {"method": name}
        for k, years in enumerate(YEARS):
            share, low, high = np.array([found[name][k] for found in each]).T
            value = truth(name, years)
            holds = np.mean((low <= value) & (value <= high))
            row |= {
                f"bias, {years} years": f"{round(share.mean() - value, 3) + 0.0:+.3f}",
                f"coverage, {years}": f"{100 * holds:.1f} %",
            }
        rows.append(row)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
