"""Equivalence of two kinds of delivery that people chose themselves: without and with adjustment, beside the truth.

From the top of the repository: `python analyses/henderson_2013/run.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

import trialkit as tk
from trialkit.measurement import scale, score

DATA = Path(__file__).resolve().parents[2] / "simulated_data" / "henderson_2013.csv"
ADJUST = ["age", "female", "months_unemployed", "motivation_t0", "search_confidence_t0"]
# A fifth of an SD of the score, and five points in a hundred: set before the data were made.
MARGINS = {"search_confidence": 0.15, "employed": 0.05}


def main(arguments: list[str]) -> int:
    """Load, compare, print."""
    if arguments not in ([], ["coverage"]):
        print("run.py takes no arguments, or 'coverage'", file=sys.stderr)
        return 2
    print((coverage() if arguments else table(trial(tk.read(DATA)))).to_string(index=False))
    return 0


def trial(data: pd.DataFrame) -> tk.Trial:
    """The people with their scores; the groups exist for group delivery only."""
    jsse = scale("jobs_search_self_efficacy")
    for wave in ("t0", "t1"):
        data[f"search_confidence_{wave}"] = score(data, jsse, f"jsse_{wave}_{{item}}").values
    return tk.Trial(data, arm="arm", control="individual", unit="id", group="group", strata=["centre"])


def table(people: tk.Trial) -> pd.DataFrame:
    """Truth, difference and test against the margin, as it stands and adjusted for what people chose on."""
    truth = tk.simulate.scenario("henderson_2013", seed=1).value
    rows = []
    for outcome, column in (("search_confidence", "search_confidence_t1"), ("employed", "employed_t1")):
        for name, adjust in (("as it stands", []), ("adjusted", ADJUST)):
            found = tk.itt(people, column, adjust=adjust, equivalence=MARGINS[outcome])
            e, test = found.estimates[0], found.equivalence
            rows.append(
                {
                    "outcome": outcome,
                    "comparison": name,
                    "truth": f"{round(truth(outcome, 'difference'), 3) + 0.0:.3f}",
                    "difference": f"{e.estimate:.3f}",
                    "90 % interval": f"{test.conf_low:.3f} to {test.conf_high:.3f}",
                    "margin": f"{MARGINS[outcome]:g}",
                    "p different": f"{e.p_value:.3f}",
                    "p not equivalent": f"{test.p_value:.3f}",
                }
            )
    return pd.DataFrame(rows)


def coverage(n: int = 300) -> pd.DataFrame:
    """How often the 95 % interval holds the truth, and what is concluded, over replicated studies."""
    sets = tk.simulate.many("henderson_2013", n=n, seed=1)
    found = []
    for r in range(n):
        people = trial(sets.data(r))
        for outcome, column in (("search_confidence", "search_confidence_t1"), ("employed", "employed_t1")):
            true = sets.value(outcome, "difference")
            for name, adjust in (("as it stands", []), ("adjusted", ADJUST)):
                result = tk.itt(people, column, adjust=adjust, equivalence=MARGINS[outcome])
                e = result.estimates[0]
                held, equal = e.conf_low <= true <= e.conf_high, result.equivalence.p_value < 0.05
                found.append((outcome, name, e.estimate, held, e.p_value > 0.05, equal))
    columns = ["outcome", "comparison", "mean difference", "interval holds the truth", "'no difference'", "equivalence shown"]
    means = pd.DataFrame(found, columns=columns).groupby(columns[:2], sort=False).mean().reset_index()
    for name in columns[3:]:
        means[name] = [f"{100 * v:.1f} %" for v in means[name]]
    means[columns[2]] = [f"{v:.3f}" for v in means[columns[2]]]
    return means


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
