"""Tables of a report read back from its results.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialkit.results import Result, TableResult

__all__ = ["stored_table", "stored_table_if_any"]


def stored_table(content: Mapping[str, Any]) -> TableResult:
    """The table that was written."""
    result = Result.from_dict(content)
    assert isinstance(result, TableResult)
    return result


def stored_table_if_any(content: Mapping[str, Any] | None) -> TableResult | None:
    """The same, or None where there was none."""
    return stored_table(content) if content else None
