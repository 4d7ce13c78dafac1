"""Writes docs/power_cases.md: every number of power_cases.json beside what trialkit gives, with its source.

    python -m tests.reference.power_table

Cases of tier 3 belong to designs that have no power function yet; they are counted, not shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trialkit as tk

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "docs" / "power_cases.md"
CASES = json.loads((Path(__file__).parent / "power_cases.json").read_text())
PAIRS = ("sd", "allocation", "take_up", "margin", "cost")
BUILT_TIERS = 2


def close(found: Any, expected: Any, tolerance: float) -> bool:
    """The rule of the suite: within the tolerance, absolute or relative."""
    if isinstance(expected, (list, tuple)):
        return len(found) == len(expected) and all(close(f, e, tolerance) for f, e in zip(found, expected))
    if isinstance(expected, str) or expected is None:
        return bool(found == expected)
    return found is not None and abs(float(found) - expected) <= tolerance * max(1.0, abs(expected))


def difference(found: Any, expected: Any) -> float:
    if isinstance(expected, (list, tuple)):
        return max(difference(f, e) for f, e in zip(found, expected))
    return abs(float(found) - float(expected))


def rows(case: dict[str, Any]) -> Iterator[tuple[str, str, str, str, bool]]:
    """(field, expected, found, |difference|, agrees) of one case."""
    keywords = {k: tuple(v) if isinstance(v, list) and k in PAIRS else v for k, v in case["inputs"].items()}
    expected = dict(case["expected"])
    names = expected.pop("error_names", [])
    if expected.pop("raises", None):
        try:
            getattr(tk.power, case["function"])(**keywords)
        except tk.power.NoSolutionError as error:
            named = [n for n in names if n in str(error)]
            yield "error", f"no solution; names {', '.join(names)}", f"no solution; names {', '.join(named)}", "", named == names
            return
        yield "error", "no solution", "an answer", "", False
        return
    found = getattr(tk.power, case["function"])(**keywords)
    for field, value in expected.items():
        own = getattr(found, field)
        agrees = close(own, value, case["tol"])
        numeric = not isinstance(value, str) and value is not None
        yield field, text(value), text(own), distance(difference(own, value)) if numeric else "", agrees


def text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(text(v) for v in value)
    return f"{value:.10g}" if isinstance(value, (int, float)) else str(value)


def distance(value: float) -> str:
    """One significant digit; below 1e-9 only that, which rounding of the last digits decides."""
    return "< 1e-9" if value < 1e-9 else f"{value:.0e}"


def page() -> tuple[str, int, int]:
    """The page, how many cases agree, and of how many."""
    shown = [c for c in CASES if c["tier"] <= BUILT_TIERS]
    lines, agree = [], 0
    for case in shown:
        found = list(rows(case))
        agree += all(r[4] for r in found)
        for field, expected, own, off, ok in found:
            mark = "" if ok else " **differs**"
            cells = (
                f"`{case['id']}`",
                f"`{case['function']}`",
                field,
                expected,
                own + mark,
                off,
                f"{case['tol']:g}",
                case["source"].replace("|", "/"),
            )
            lines.append(f"| {' | '.join(cells)} |")
    later = sorted({c["function"] for c in CASES if c["tier"] > BUILT_TIERS})
    head = (
        "# Power: case by case\n\n"
        f"{agree} of {len(shown)} cases agree within their tolerance (absolute, or relative above 1). `tests/reference/power_cases.json` holds inputs and\n"
        f"notes; `python -m tests.reference.power_table` writes this page. {len(CASES) - len(shown)} further cases are of functions that are not\n"
        f"built: {', '.join(later)}.\n\n"
        "| case | function | number | expected | found | difference | tolerance | source |\n|---|---|---|---|---|---|---|---|\n"
    )
    return head + "\n".join(lines) + "\n", agree, len(shown)


if __name__ == "__main__":
    content, agree, cases = page()
    TARGET.write_text(content)
    print(f"{agree} of {cases} power cases agree; {TARGET.relative_to(ROOT)} is written")
