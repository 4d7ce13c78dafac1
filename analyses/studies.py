"""Write docs/studies.md: every study's truth, its naive reading, the right analysis and how often their intervals hold the truth."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "studies.md"
END = "| [kast_2012_groups]"
# the outcome that carries each study's headline
HEADLINES = {
    "klier_2019": ("self_efficacy", "standardized", "self-efficacy, SD"),
    "felgenhauer_2019": ("digital_skills", "standardized", "digital skills, SD"),
    "himle_2014": ("anxiety", "standardized", "anxiety, SD"),
    "jobs_ii_2000": ("depression", "standardized", "depression after six months, SD"),
    "tyohon": ("preparedness", "standardized", "preparedness, SD"),
    "greaney_2016": ("invested", "mean_ratio", "village investment, ratio"),
}


def rows() -> list[str]:
    """The lines of the table that come from the calibration of the planned scenarios."""
    table = pd.read_csv(ROOT / "docs" / "calibration" / "scenarios.csv").set_index(["scenario", "outcome", "metric"])
    lines = []
    for key, (outcome, metric, words) in HEADLINES.items():
        r = table.loc[(key, outcome, metric)]
        lines.append(
            f"| [{key}](../analyses/{key}/README.md) | {words} | {r['truth']:.3f} | the same estimate, groups ignored: SE {r['mean_std_error_ignoring_groups']:.3f} "
            f"| {r['mean_estimate']:.3f}, SE {r['mean_std_error']:.3f} | {100 * r['coverage_ignoring_groups']:.1f} % | {100 * r['coverage']:.1f} % | {r['replicates']:.0f} |"
        )
    return lines


def page(text: str) -> str:
    """The page with its calibrated rows made anew."""
    head, rest = text.split("|---|---|---|---|---|---|---|---|\n", 1)
    _, kept = rest.split(END, 1)
    return head + "|---|---|---|---|---|---|---|---|\n" + "\n".join(rows()) + "\n" + END + kept


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text("utf-8")), encoding="utf-8")
    print(PAGE.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
