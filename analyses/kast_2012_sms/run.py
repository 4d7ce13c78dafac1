"""Messages against meetings: 'no significant difference' beside a margin that was set before, at three waves, and their course.

From the top of the repository: `python analyses/kast_2012_sms/run.py`, or `... run.py coverage` for replicated trials.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

import trialkit as tk

DATA = Path(__file__).resolve().parents[2] / "simulated_data" / "kast_2012_sms.csv"
KEY = "kast_2012_sms"
# Half a deposit in a quarter, less than a fifth of what people make: set before the data were made.
MARGIN = 0.5
WAVES = {3: "deposits_t1", 6: "deposits_t2", 12: "deposits_t3"}
ADJUST = ["deposits_t0", "age", "female", "saving_goal_t0"]


def main(arguments: list[str]) -> int:
    """Load, compare, print."""
    if arguments == ["coverage"]:
        print(coverage().to_string(index=False))
        return 0
    if arguments:
        print("run.py takes no arguments, or 'coverage'", file=sys.stderr)
        return 2
    people = trial(tk.read(DATA))
    print(table(people).to_string(index=False))
    print(f"\nOver the waves\n{course(people).to_string(index=False)}")
    return 0


def trial(data: pd.DataFrame) -> tk.Trial:
    """The people: messages are held against meetings, and the groups exist in the arm with meetings only."""
    return tk.Trial(data, arm="arm", control="meetings", unit="id", group="group", grouped_arms=["meetings"], strata=["branch"])


def table(people: tk.Trial) -> pd.DataFrame:
    """Messages minus meetings at each wave: truth, interval, and how it is read without and with the margin."""
    truth = tk.simulate.scenario(KEY, seed=1).value
    rows = []
    for month, column in WAVES.items():
        found = tk.itt(people, column, adjust=ADJUST, noninferiority=MARGIN, better="higher")
        e, test = found.estimates[0], found.noninferiority
        rows.append(
            {
                "months": month,
                "truth": f"{round(-truth(f'deposits_{month}', 'difference'), 3) + 0.0:.3f}",
                "difference": f"{e.estimate:.3f}",
                "95 % interval": f"{e.conf_low:.3f} to {e.conf_high:.3f}",
                "p different": f"{e.p_value:.3f}",
                "read as": "equal" if e.p_value > 0.05 else "different",
                "p inferior by the margin": f"{test.p_value:.3f}",
                "not inferior": "shown" if test.shown else "not shown",
            }
        )
    return pd.DataFrame(rows)


def course(people: tk.Trial) -> pd.DataFrame:
    """All waves in one model: the differences, and how much the last differs from the first."""
    truth = tk.simulate.scenario(KEY, seed=1).value
    true = {month: -truth(f"deposits_{month}", "difference") for month in WAVES}
    found = tk.longitudinal(
        people, waves={0: "deposits_t0"} | WAVES, adjust=ADJUST[1:], over_waves={"last less first": {3: -1, 12: 1}}
    )
    rows = []
    for e in found.estimates:
        name = e.extra["over_waves"]
        value = true[12] - true[3] if name else true[e.extra["wave"]]
        rows.append(
            {
                "wave": name or f"{e.extra['wave']} months",
                "truth": f"{round(value, 3) + 0.0:.3f}",
                "difference": f"{e.estimate:.3f}",
                "95 % interval": f"{e.conf_low:.3f} to {e.conf_high:.3f}",
                "p": f"{e.p_value:.3f}",
            }
        )
    return pd.DataFrame(rows)


def coverage(replications: int = 300) -> pd.DataFrame:
    """Replicated trials of two sizes: how often the two are read as equal, and how often 'not inferior' is shown."""
    truth = tk.simulate.scenario(KEY, seed=1).value
    rows = []
    for size in (150, 900):
        sets = tk.simulate.many(KEY, n=replications, seed=2012, people=size)
        every = [trial(sets.data(r)) for r in range(replications)]
        for month, column in WAVES.items():
            held, equal, shown = [], [], []
            for people in every:
                found = tk.itt(people, column, adjust=ADJUST, noninferiority=MARGIN, better="higher")
                e = found.estimates[0]
                held.append(e.conf_low <= -truth(f"deposits_{month}", "difference") <= e.conf_high)
                equal.append(e.p_value > 0.05)
                shown.append(found.noninferiority.shown)
            shares = {"coverage": held, "read as equal": equal, "not inferior shown": shown}
            rows.append({"people": size, "months": month} | {k: f"{np.mean(v):.3f}" for k, v in shares.items()})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
