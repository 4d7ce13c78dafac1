"""Every mapped reference case agrees within its stated tolerance."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reference.mapping import HERE, MAP, UNUSED, agrees, load

KNOWN = {c["id"]: c for suite in ("cases.json", "more_cases.json") for c in load(suite)}


@pytest.mark.parametrize("name", sorted(MAP))
def test_agrees(name: str) -> None:
    case: dict[str, Any] = KNOWN[name]
    found = MAP[name](HERE / "data")
    expected = {k: v for k, v in case["expected"].items() if k not in UNUSED}
    assert expected
    off = {k: (found.get(k), v) for k, v in expected.items() if not agrees(found.get(k), v, case["tol"])}
    assert not off, f"{case['source']}: {off}"
