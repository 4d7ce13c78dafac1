"""What a reader weighs before believing that an effect differs between people: the facts that the analysis knows, and those it cannot.

The items are those on which instruments for judging effect modification agree: predicted direction, earlier evidence, chance, number of
tests, cut points (ICEMAN: Schandelmaier et al. 2020, CMAJ 192(32)), with two of a trial by groups: when the trait was measured, and how much each
subgroup rests on. They are facts to judge by, not a score.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trialkit.estimate.subgroups.found import Interaction, Modification
from trialkit.estimate.subgroups.moderators import Moderator
from trialkit.printed import number, p_text
from trialkit.trial import Trial

AUTHOR = "for the author to say"


def as_predicted(direction: str | None, interaction: Interaction) -> bool | None:
    """Whether the sign of the interaction is the one predicted; None where none was, or where there is no sign."""
    if direction in (None, "two-sided") or interaction.estimate != interaction.estimate:
        return None
    return interaction.estimate > 0 if direction == "greater" else interaction.estimate < 0


def credibility(
    trial: Trial,
    m: Moderator,
    found: Modification,
    *,
    planned: bool,
    direction: str | None,
    tests: int,
    adjusted: Sequence[float] | None,
) -> list[dict[str, Any]]:
    """Items with an answer, one row each."""
    items = [
        ("planned", "Was it planned before the outcome was seen?", "yes, as stated" if planned else "no, or not stated"),
        ("direction", "Was the direction predicted, and right?", _direction(direction, found)),
        ("evidence", "Does earlier evidence point the same way?", AUTHOR),
        ("chance", "How easily would chance do this?", _chance(found, adjusted)),
        ("tests", "How many interactions were tested?", f"{tests}, {'corrected for' if adjusted else 'not corrected for'}"),
        ("cut_points", "Were cut points chosen?", _cuts(m)),
        ("before", "Was the trait measured before randomization?", _before(trial, m, found)),
        ("size", "What does the smallest subgroup rest on?", _size(found)),
    ]
    return [{"moderator": m.name, "item": key, "question": question, "answer": answer} for key, question, answer in items]


def _direction(direction: str | None, found: Modification) -> str:
    if direction in (None, "two-sided"):
        return "no direction was predicted"
    signs = [as_predicted(direction, i) for i in found.interactions]
    if all(s is None for s in signs):
        return f"predicted {direction}; the test has no direction"
    return f"predicted {direction}, " + ("and the estimate agrees" if all(signs) else "and the estimate is opposite")


def _chance(found: Modification, adjusted: Sequence[float] | None) -> str:
    parts = []
    for j, i in enumerate(found.interactions):
        text = "undefined" if i.p_value != i.p_value else f"p {p_text(i.p_value)}"
        corrected = "" if adjusted is None or adjusted[j] != adjusted[j] else f" (corrected {p_text(adjusted[j])})"
        parts.append(f"{i.contrast}: interaction {text}{corrected}")
    return "; ".join(parts)


def _cuts(m: Moderator) -> str:
    if m.continuous:
        return "no: the trait was kept continuous"
    return f"{len(m.levels)} levels as in the data; {AUTHOR} whether they were cut from numbers, and when"


def _before(trial: Trial, m: Moderator, found: Modification) -> str:
    if m.name in trial.strata:
        return "yes: it was used in the randomization"
    if any(n.code == "moderator_differs_by_arm" for n in found.notes):
        return "doubtful: the arms differ in it"
    return f"the arms do not differ in it beyond chance; {AUTHOR}"


def _size(found: Modification) -> str:
    smallest = min(found.effects, key=lambda e: e.n)
    groups = f", {smallest.n_groups} groups" if smallest.n_groups else ""
    return f"{smallest.subgroup}: {number(smallest.n)} people{groups}"
