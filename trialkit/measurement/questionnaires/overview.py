"""docs/scales.md: the registry as a page, with the share of each scale's facts that was verified.

Written by `python -m trialkit.measurement.questionnaires.overview docs/scales.md`; a test holds the page against the registry.
"""

from __future__ import annotations

import sys
from pathlib import Path

from trialkit.measurement.questionnaires.registered import scale, scales, templates

__all__ = ["page"]

HEAD = """# Scales

Facts about scoring, never the wording of items. `trialkit scales KEY` describes a scale with the source of each fact; a scale with facts
that nobody compared with a publication warns when it is scored. "Verified" counts the stated fields (reference, licence, direction, items, codes,
reversal, score, missing rule, and where they exist subscales, conversion table, other codings and cut-offs) that were read in the owner's own text,
read in a secondary source or worked out from such a text; the last column names the others.

This page is written by `python -m trialkit.measurement.questionnaires.overview docs/scales.md`.

"""


def page() -> str:
    """The page as Markdown."""
    rows = [
        "| key | scale | items x codes | score | better | forms | licence | verified | not verified |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in scales().to_dict("records"):
        entry = scale(row["key"])
        named = "" if entry.form else " (name one)"
        cells = (
            f"`{entry.key}`", entry.name, f"{entry.items} x {row['codes']}", row["range"], entry.direction,
            ", ".join(f"`{name}`" for name in entry.forms) + named, entry.licence, f"{entry.verified_share:.0%}", ", ".join(entry.unverified),
        )  # fmt: skip
        rows.append("| " + " | ".join(cells) + " |")
    new = ", ".join(f"`{name}`" for name in templates())
    tail = f"\nTemplates for new constructs, with the evidence that each still needs: {new}. `trialkit scales --template NAME > mine.toml` writes one.\n"
    return HEAD + "\n".join(rows) + "\n" + tail


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
