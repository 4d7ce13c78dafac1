"""Plans of one outcome for the tests of simulated worlds."""

from __future__ import annotations

from functools import cache

import trialkit as tk

BASE = """
schema_version = 1
[trial]
title = "Savings circles"
population = "people in debt"
[arms]
solo = {{ control = true }}
circle = {{ grouped = {grouped} }}
[data]
unit = "id"
arm = "arm"
{group}
{data}
[design]
units = {units}
{design}
[[outcomes]]
name = "y"
role = "primary"
{outcome}
"""


@cache
def plan_of(
    outcome: str, *, grouped: bool = False, units: int = 200, assume: str = "", size: int = 10, data: str = ""
) -> tk.Plan:
    """A plan with this outcome; `assume` goes into [design] assumptions."""
    formation = f"groups = {{ size = [{size}, {size}] }}\n" if grouped else ""
    return tk.Plan.from_text(
        BASE.format(
            grouped="true" if grouped else "false", group='group = "group"' if grouped else "", units=units, data=data,
            design=f"{formation}assumptions = {{ {assume} }}", outcome=outcome,
        )
    )  # fmt: skip
