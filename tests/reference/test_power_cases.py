"""Cases of power_cases.json: every function that exists agrees at the stated tolerance, tiers 1 and 2; the source of each is in the file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import trialkit as tk

BUILT = ("individual", "paired", "binary", "clustered", "grouped")
PAIRS = ("sd", "allocation", "take_up", "margin", "cost")
EVERY = json.loads((Path(__file__).parent / "power_cases.json").read_text())
CASES = {c["id"]: c for c in EVERY if c["function"] in BUILT and c["tier"] <= 2}


def agrees(found: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, Sequence) and not isinstance(expected, str):
        return len(found) == len(expected) and all(agrees(f, e, tolerance) for f, e in zip(found, expected))
    return found is not None and abs(float(found) - expected) <= tolerance * max(1.0, abs(expected))


def arguments(case: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) and k in PAIRS else v for k, v in case["inputs"].items()}


def test_every_case_of_the_built_functions_is_here():
    assert len(CASES) == 60
    assert {c["function"] for c in CASES.values()} == set(BUILT)


@pytest.mark.parametrize("name", sorted(k for k, c in CASES.items() if "raises" not in c["expected"]))
def test_agrees(name: str) -> None:
    case = CASES[name]
    found = getattr(tk.power, case["function"])(**arguments(case))
    off = {k: (getattr(found, k), v) for k, v in case["expected"].items() if not agrees(getattr(found, k), v, case["tol"])}
    assert case["expected"] and not off, f"{case['source']}: {off}"


@pytest.mark.parametrize("name", sorted(k for k, c in CASES.items() if "raises" in c["expected"]))
def test_refuses_the_impossible_by_name(name: str) -> None:
    case = CASES[name]
    with pytest.raises(tk.power.NoSolutionError) as caught:
        getattr(tk.power, case["function"])(**arguments(case))
    assert isinstance(caught.value, ValueError)
    assert all(word in str(caught.value) for word in case["expected"]["error_names"])
