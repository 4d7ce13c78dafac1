"""Who was reached, who stayed, and whether the arms were alike at the start."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "balance": "trialkit.selection.balance",
    "attrition": "trialkit.selection.attrition",
    "flow": "trialkit.selection.flow",
}

__all__ = ["attrition", "balance", "flow"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'trialkit.selection' has no attribute '{name}'")
    return getattr(import_module(_PUBLIC[name]), name)
