"""Which deviations concern a planned test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from trialkit.report.content import ReportContent

WHOLE = ("trial", "arms", "order of arms", "data", "design", "analysis", "scales", "order of scales")
PARTS = {"missing": "missing", "mediation": "mediation", "subgroups": "subgroup"}


def concerning(content: ReportContent, row: Mapping[str, Any], unlogged: str) -> list[str]:
    """Numbers of the entries of the ledger that concern a test, and `unlogged` for changes that no entry tells."""
    found = [str(e.get("id") or i) for i, e in enumerate(content.deviations, 1) if concerns(str(e.get("plan_path") or ""), row)]
    found += [str(c.get("entry") or unlogged) for c in content.departures.changes if concerns(str(c.get("path") or ""), row)]
    return list(dict.fromkeys(found))


def concerns(path: str, row: Mapping[str, Any]) -> bool:
    """Whether a change at this place of the plan touches the test: its outcome, its section, or what every analysis rests on.

    Examples
    --------
    >>> concerns("outcomes['employed'].adjust", {"outcome": "employed", "test": "effect", "method": "ancova"})
    True
    >>> concerns("missing.imputations", {"outcome": "employed", "test": "effect", "method": "ancova"})
    False
    """
    head = re.split(r"[.\[]", path, maxsplit=1)[0]
    if head in ("outcomes", "order of outcomes"):
        named = re.match(r"outcomes\['(.*?)'\]", path)
        return named is not None and named.group(1) == row["outcome"]
    if head in PARTS:
        return bool(row["test"] == PARTS[head])
    if head == "multiplicity":
        return bool(row["test"] == "effect")
    if head in ("selection", "harms"):
        return bool(row["test"] == "description") and (head == "harms") == (row["method"] == "harms")
    return head in WHOLE
