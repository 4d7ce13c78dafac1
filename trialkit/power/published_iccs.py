"""Published ranges of intracluster correlations, each with its source; a start where no pilot exists, never a substitute for one."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from trialkit.misuse import explained


@dataclass(frozen=True, slots=True)
class IccRange:
    """Quartiles of published ICCs (ends of a range stand for the quartiles where a source gives no more)."""

    words: str
    quartiles: tuple[float, float, float]
    exact_quartiles: bool
    estimates: int | None
    source: str


RANGES: dict[str, IccRange] = {
    "group_interventions": IccRange(
        "groups of a group-administered intervention", (0.02, 0.07, 0.12), False, None,
        "Baldwin, Stice & Rohde (2008), Psychotherapy Research, PMC2797475: range .02-.12 in two randomized trials; the middle is that of the range",
    ),
    "primary_care": IccRange(
        "patients of one primary-care practice", (0.0, 0.010, 0.032), True, 1039, "Adams et al. (2004), Journal of Clinical Epidemiology 57: 785-794",
    ),
    "primary_care_adjusted": IccRange(
        "patients of one primary-care practice, adjusted for covariates", (0.0, 0.005, 0.021), True, 1039,
        "Adams et al. (2004), Journal of Clinical Epidemiology 57: 785-794",
    ),
    "practices_in_individual_trials": IccRange(
        "patients of one practice in trials that randomized patients", (0.0, 0.016, 0.03), True, None,
        "BMC Medical Research Methodology (2020) 20: 83, 17 trials",
    ),
    "diabetes_practices": IccRange(
        "adults with diabetes of one practice", (0.006, 0.0185, 0.037), True, 112, "Littenberg & MacLean (2006), BMC Medical Research Methodology 6: 20",
    ),
}  # fmt: skip


@explained
def icc_ranges() -> pd.DataFrame:
    """The built-in ranges: key, what was grouped, quartiles, number of estimates, source.

    Examples
    --------
    >>> "group_interventions" in set(tk.power.icc_ranges()["key"])
    True
    """
    rows = [
        {
            "key": key, "what": r.words, "q25": r.quartiles[0], "median": r.quartiles[1], "q75": r.quartiles[2], "exact_quartiles": r.exact_quartiles,
            "estimates": r.estimates, "source": r.source,
        }
        for key, r in RANGES.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)
