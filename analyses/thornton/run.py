"""Vouchers for learning one's HIV result (Thornton 2008): a plan, the published figures, and what the villages do.

From the top of the repository: `python analyses/thornton/run.py [folder for the report]`. Data: package `causaldata` (thornton_hiv); without it
the script says how to get it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import trialkit as tk
from trialkit.inference.arrays import Clusters
from trialkit.inference.linear.covariance import covariance
from trialkit.inference.linear.least_squares import least_squares

HERE = Path(__file__).resolve().parent
HOW = (
    "The data of Thornton (2008) come with the package 'causaldata', which is not installed. Get it with: "
    'pip install "trialkit[examples]"'
)
AMOUNTS = {"none": 0.0, "up to 0.50": 0.5, "up to 1.00": 1.0, "up to 2.00": 2.0, "more": np.inf}


def main(arguments: list[str]) -> int:
    """Load, run the plan, print its figures beside the published ones."""
    target = Path(arguments[0]) if arguments else Path("report") / "thornton"
    people = load()
    if people is None:
        print(HOW, file=sys.stderr)
        return 0
    report = tk.Plan.load(HERE / "plan.toml").run(people)
    saved = report.save(target)
    print(table(people, report).to_string(index=False))
    print(f"\nBy amount of the voucher, in dollars\n{amounts(people).to_string(index=False)}")
    print(f"\nReport: {saved}")
    return 0


def load() -> pd.DataFrame | None:
    """The 2,834 people with a voucher and a known outcome; None without the package."""
    try:
        import causaldata
    except ImportError:
        return None
    people = causaldata.thornton_hiv.load_pandas().data
    people = people.dropna(subset=["any", "got"]).reset_index(drop=True)
    return people.assign(person=np.arange(len(people)), arm=people["any"].map({0: "none", 1: "incentive"}))


def table(people: pd.DataFrame, report: Any) -> pd.DataFrame:
    """Shares and differences in percentage points (standard errors)."""
    planned = report.outcomes[0]
    raw = planned.companions["difference_in_means"]
    share = people.groupby("arm")["got"].mean()
    placed = people.dropna(subset=["villnum"]).assign(village=lambda d: d["villnum"].astype(int))
    within = tk.Trial(placed, arm="arm", control="none", strata=["village"])
    rows = [
        ("came, no incentive", "33.9", f"{100 * share['none']:.1f}"),
        ("came, any incentive", "78.9", f"{100 * share['incentive']:.1f}"),
        ("difference", "", shown(raw)),
        ("difference, planned: age, HIV and distance", "", shown(planned.result)),
        ("difference, errors by village, no covariates", "", by_village(placed, [])),
        (
            "difference, errors by village, age, age squared, HIV",
            "43.1 (2.3)",
            by_village(placed, ["age", "age_squared", "hiv2004"]),
        ),
        ("difference within villages", "", shown(tk.itt(within, "got", strata_effects="additive"))),
    ]
    return pd.DataFrame(rows, columns=["what", "published", "found"])


def shown(result: tk.Result) -> str:
    e = result.estimates[0]
    return f"{100 * e.estimate:.1f} ({100 * e.std_error:.1f})"


def by_village(people: pd.DataFrame, adjust: list[str]) -> str:
    """Least squares with errors that may be alike within villages (CR1), as the paper has it.

    `tk.Trial(cluster="villnum")` refuses this, and rightly: people drew vouchers, so villages hold both arms and the design asks for no clustering. The
    kernels compute it for comparison with the paper.
    """
    d = people.assign(age_squared=people["age"] ** 2).dropna(subset=adjust)
    X = np.column_stack([np.ones(len(d)), d["any"], *(d[name] for name in adjust)]).astype(float)
    fit = least_squares(y=d["got"].to_numpy(float), X=X)
    found = covariance(fit, "CR1", Clusters.from_labels(d["village"].to_numpy()))
    return f"{100 * fit.coef[1]:.1f} ({100 * np.sqrt(found.matrix[1, 1]):.1f})"


def amounts(people: pd.DataFrame) -> pd.DataFrame:
    """Each amount against no incentive, in percentage points (standard errors)."""
    edges = [-np.inf, *AMOUNTS.values()]
    d = people.assign(amount=pd.cut(people["tinc"], edges, labels=list(AMOUNTS)).astype(str))
    found = tk.itt(tk.Trial(d, arm="amount", control="none"), "got", estimator="difference_in_means", measure="risk_difference")
    share = d.groupby("amount")["got"].agg(["mean", "size"])
    rows = {e.contrast.removesuffix(" - none"): e for e in found.estimates}
    return pd.DataFrame(
        [
            {
                "amount": name,
                "people": int(share.loc[name, "size"]),
                "came": f"{100 * share.loc[name, 'mean']:.1f}",
                "difference": "" if name == "none" else f"{100 * rows[name].estimate:.1f} ({100 * rows[name].std_error:.1f})",
            }
            for name in AMOUNTS
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
