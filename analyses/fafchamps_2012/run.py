"""Incomes alike within groups: who sat together, what came later, and members against people alone, beside the truth.

From the top of the repository: `python analyses/fafchamps_2012/run.py`; with `coverage` 200 such studies.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

import trialkit as tk
from trialkit.printed import p_text
from trialkit.results import Estimate

KEY = "fafchamps_2012"
DATA = Path(__file__).resolve().parents[2] / "simulated_data" / f"{KEY}.csv"
ADJUST = ["log_income_t0", "schooling", "female", "age"]
N_DRAWS = 5000
SEED = 1


def main(arguments: list[str]) -> int:
    """Print both tables, or with `coverage` many studies."""
    if arguments not in ([], ["coverage"]):
        print("run.py takes no arguments, or: coverage", file=sys.stderr)
        return 2
    if arguments:
        print(coverage().to_string(index=False))
        return 0
    data = with_logs(tk.read(DATA))
    print(alike(data).to_string(index=False), table(data).to_string(index=False), sep="\n\n")
    return 0


def with_logs(data: pd.DataFrame) -> pd.DataFrame:
    """Incomes on the log scale, on which they are compared within groups."""
    return data.assign(**{f"log_income_{w}": np.log(data[f"income_{w}"].to_numpy(dtype=float)) for w in ("t0", "t1")})


def alike(data: pd.DataFrame) -> pd.DataFrame:
    """Own log income on that of the others in the group, against memberships shuffled within neighbourhoods."""
    rows = []
    for wave, when in (("t0", "before groups were formed"), ("t1", "a year later")):
        found = tk.selection.peer_assignment_test(
            data, x=f"log_income_{wave}", group="group", pool="neighbourhood", n_draws=N_DRAWS, seed=SEED
        )
        p = p_text(found.p_permutation).removeprefix("= ")
        rows.append((when, f"{found.slope:.3f}", f"{found.slope_expected:.3f}", f"{found.slope_corrected:.3f}", p))
    return pd.DataFrame(rows, columns=["log income", "slope on peers", "expected by chance", "corrected", "p, shuffled"])


def table(data: pd.DataFrame) -> pd.DataFrame:
    """Mean income of members over that of people alone, as it stands and adjusted, beside the truth."""
    truth = tk.simulate.scenario(KEY, seed=SEED).value("income", "mean_ratio")
    rows = []
    for name, e in ratios(data).items():
        rows.append(
            (
                name,
                f"{truth:.3f}",
                f"{e.estimate:.3f}",
                f"{e.conf_low:.3f} to {e.conf_high:.3f}",
                p_text(e.p_value).removeprefix("= "),
            )
        )
    return pd.DataFrame(rows, columns=["members over people alone", "truth", "ratio of means", "95 % interval", "p"])


def ratios(data: pd.DataFrame) -> dict[str, Estimate]:
    """Poisson quasi-likelihood, whose mean is linear in the logarithm as that of incomes is."""
    people = tk.Trial(data, arm="arm", control="alone", unit="id", group="group", strata=["neighbourhood"])
    each = {"as it stands": [], "adjusted for what people chose on": ADJUST}
    return {
        name: tk.itt(people, "income_t1", measure="mean_ratio", estimator="poisson", adjust=adjust).estimates[0]
        for name, adjust in each.items()
    }


def coverage(n: int = 200, seed: int = 1) -> pd.DataFrame:
    """How often groups look alike before and after (p < .05), and how often each interval holds the true ratio."""
    sets = tk.simulate.many(KEY, n=n, seed=seed)
    truth, low_p, holds = sets.value("income", "mean_ratio"), [], []
    for r in range(n):
        data = with_logs(sets.data(r))
        low_p.append(
            [
                tk.selection.peer_assignment_test(data, x=x, group="group", pool="neighbourhood", n_draws=199, seed=r).p_permutation < 0.05
                for x in ("log_income_t0", "log_income_t1")
            ]
        )  # fmt: skip
        holds.append([e.conf_low <= truth <= e.conf_high for e in ratios(data).values()])
    figures = [*np.mean(low_p, axis=0), *np.mean(holds, axis=0)]
    names = ["alike before, p < .05", "alike later, p < .05", "interval as it stands holds 1", "adjusted interval holds 1"]
    return pd.DataFrame([[f"{100 * f:.1f} %" for f in figures]], columns=names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
