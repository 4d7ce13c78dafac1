"""Every outcome by the locked plan and by the one that was run, and whether they say the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from trialkit.report.content.outcomes import OutcomeContent
from trialkit.report.content.report_content import ReportContent
from trialkit.results import Estimate

NUMBERS = ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high", "n")


def both_plans(content: ReportContent) -> Iterator[tuple[OutcomeContent | None, OutcomeContent | None]]:
    """Every outcome by the locked plan and by the one that was run, in the order of the latter."""
    planned = {o.name: o for o in content.planned_outcomes}
    changed = {o.name: o for o in content.outcomes}
    for name in dict.fromkeys((*changed, *planned)):
        yield planned.get(name), changed.get(name)


def same_by_both(planned: OutcomeContent, changed: OutcomeContent) -> bool:
    """Whether all that a reader sees of an outcome is the same."""
    one, other = (list(o.result.estimates) for o in (planned, changed))
    kept = ("label", "role", "measure", "verdicts", "worthwhile", "better")
    return (
        len(one) == len(other)
        and all(getattr(planned, k) == getattr(changed, k) for k in kept if k != "worthwhile")
        and _equal(planned.worthwhile, changed.worthwhile)
        and all(_alike(a, b) for a, b in zip(one, other))
    )


def _alike(one: Estimate, other: Estimate) -> bool:
    texts = all(getattr(one, k) == getattr(other, k) for k in ("contrast", "estimand", "method", "covariance"))
    corrected = _equal(one.extra.get("p_adjusted"), other.extra.get("p_adjusted"))
    return texts and corrected and all(_equal(getattr(one, k), getattr(other, k)) for k in NUMBERS)


def _equal(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return bool((math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12))
