"""Before and after without a control arm: what it shows, beside what is true.

From the top of the repository: `python analyses/job_clubs/run.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t

import trialkit as tk
from trialkit.measurement import scale, score

DATA = Path(__file__).resolve().parents[2] / "simulated_data" / "job_clubs.csv"


def main(arguments: list[str]) -> int:
    """Load, compare, print."""
    if arguments:
        print("run.py takes no arguments", file=sys.stderr)
        return 2
    print(table(tk.read(DATA)).to_string(index=False))
    return 0


def table(data: pd.DataFrame) -> pd.DataFrame:
    """What such a study reports, and the effect it is taken for."""
    jsse = scale("jobs_search_self_efficacy")
    before, after = (score(data, jsse, f"jsse_{w}_{{item}}").values.to_numpy() for w in ("t0", "t1"))
    truth = tk.simulate.scenario("job_clubs", seed=1).value
    change, work = after - before, data["employed_t1"].to_numpy(dtype=float)
    return pd.DataFrame(
        [
            {
                "what is reported": "mean change of self-efficacy",
                "value": f"{change.mean():.3f}",
                "95 % interval": interval(change),
                "taken for": "effect of the club",
                "truth": f"{truth('self_efficacy', 'difference'):.3f}",
            },
            {
                "what is reported": "share at work after half a year",
                "value": f"{work.mean():.3f}",
                "95 % interval": interval(work),
                "taken for": "work found through the club",
                "truth": f"{truth('employed', 'difference'):.3f}",
            },
            {
                "what is reported": "correlation of self-efficacy afterwards with work",
                "value": f"{np.corrcoef(after, work)[0, 1]:.3f}",
                "95 % interval": "",
                "taken for": "self-efficacy leads to work",
                "truth": "none",
            },
        ]
    )


def interval(values: np.ndarray) -> str:
    """The t interval of a mean."""
    half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean() - half:.3f} to {values.mean() + half:.3f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
