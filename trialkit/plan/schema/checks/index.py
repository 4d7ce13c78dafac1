"""Rules for an outcome that is an index: what it may be made of, and which way each part counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from trialkit.errors import shown
from trialkit.plan.schema.base import Problem
from trialkit.plan.schema.outcomes import Outcome

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["index_problems"]


def index_problems(spec: PlanSpec, outcome: Outcome, at: tuple[str, int]) -> Iterator[Problem]:
    """Problems of one index."""
    index, where = outcome.index, (*at, "index", "of")
    assert index is not None
    named = {o.name: o for o in spec.outcomes}
    scores = spec.score_columns()
    roles = {spec.data.unit, spec.data.arm, spec.data.group, spec.data.uptake}
    for name in index.of:
        part = named.get(name)
        if part is None:
            if name in roles:
                yield Problem(where, f"'{name}' is the person, the arm, the group or take-up, and no part of an index")
        elif part.name == outcome.name:
            yield Problem(where, f"the index '{outcome.name}' cannot be made of itself")
        elif part.kind in ("time", "index"):
            what = "a time until an event" if part.kind == "time" else "an index itself"
            yield Problem(where, f"'{name}' is {what}, which an index cannot hold; name columns or outcomes that are")
        elif part.better is None and part.scale is None:
            message = f"which direction of '{name}' is better decides how it counts in '{outcome.name}'; add better = \"higher\" or \"lower\" to it"
            yield Problem((*at[:1], spec.outcomes.index(part), "name"), message)
    twice = len(spec.components(outcome)) < len(index.of)
    if twice:
        yield Problem(where, f"two parts of the index '{outcome.name}' are the same column; it would count double")
    for name in index.lower:
        if name not in index.of:
            yield Problem((*at, "index", "lower"), f"'{name}' is better lower, but not among of = {list(index.of)}")
        elif name in named or name in scores:
            what = "an outcome" if name in named else "the score of a scale"
            yield Problem(
                (*at, "index", "lower"), f"'{name}' is {what}, which says itself which direction is better; remove it here"
            )
    if index.kind == "klk" and index.missing is not None:
        yield Problem(
            (*at, "index", "missing"), 'missing belongs to kind "icw"; "klk" puts a missing part at the mean of the arm'
        )
    if outcome.better == "lower":
        yield Problem(
            (*at, "better"),
            f"an index is made so that higher is better; parts that are better lower are named in lower = {shown(index.of[:1])}",
        )
    if outcome.baseline is not None and outcome.baseline in index.of:
        yield Problem(
            (*at, "baseline"),
            f"the baseline of the index is '{outcome.baseline}', one of its parts; name what was measured before",
        )
