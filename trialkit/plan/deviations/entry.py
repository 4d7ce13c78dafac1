"""One deviation: where in the plan, what was planned, what is done instead, and what that means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from trialkit.errors import UsageError, nearest, shown

__all__ = ["CHOICES", "Consequence", "Entry", "Kind", "Timing", "checked_choice", "checked_text", "kind_of_path"]

Kind = Literal["hypothesis", "sample", "measure", "exclusion", "model", "multiplicity", "software"]
Timing = Literal["before_data", "blinded", "after_unblinding"]
Consequence = Literal["unchanged", "reduced", "increased", "unclear"]

CHOICES: dict[str, tuple[str, ...]] = {
    "type": get_args(Kind),
    "timing": get_args(Timing),
    "severity": get_args(Consequence),
    "validity": get_args(Consequence),
}
MOST_CHARACTERS = 10_000

# The first pattern that is found in the place of a change tells its kind, unless the person says otherwise.
_KINDS: tuple[tuple[str, Kind], ...] = (
    (r"\.definition$|^(order of )?scales", "measure"),
    (r"^(multiplicity|outcomes\[.*\]\.family)", "multiplicity"),
    (r"^(data\.missing_codes|data\.ungrouped|outcomes\[.*\]\.intercurrent|harms)", "exclusion"),
    (r"^design", "sample"),
    (r"^(trial|arms|order of arms|subgroups|analysis\.contrasts)", "hypothesis"),
    (r"^outcomes\[.*\]\.(role|better|equivalence|noninferiority|smallest_worthwhile|estimand)", "hypothesis"),
    (r"^outcomes\[.*\]\.(estimator|adjust|baseline|measure)", "model"),
    (r"^(outcomes|order of outcomes|data)", "measure"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger.

    Attributes
    ----------
    id : 'D1', 'D2' ...
    plan_path : the key of the plan that differs, as `trialkit verify` names it; '' for what stands in no key.
    original, new : the planned and the present value.
    type : 'hypothesis', 'sample', 'measure', 'exclusion', 'model', 'multiplicity' or 'software'.
    reason : why. timing : 'before_data', 'blinded' or 'after_unblinding'. by, approved : who logged it, and who agreed.
    severity : what becomes of the severity of the test, its capability to show the claim wrong; validity : what becomes of the validity of
        the inference. 'unchanged', 'reduced', 'increased' or 'unclear' (Lakens 2024, Collabra: Psychology 10(1), 117094).
    source : 'plan' when lock and plan differ in this key, 'person' when somebody told it, 'software' for an erratum.
    date : ISO time (UTC). manifest_hash : of the lock it deviates from. hash : of the line.
    """

    id: str
    plan_path: str
    original: Any
    new: Any
    type: str
    reason: str
    timing: str
    by: str
    approved: str
    date: str
    severity: str
    validity: str
    source: str
    manifest_hash: str
    hash: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As a report shows it: without the hashes."""
        return {k: getattr(self, k) for k in FIELDS if k not in ("manifest_hash", "hash")}

    def __str__(self) -> str:
        where = f" {self.plan_path}:" if self.plan_path else ""
        return (
            f"{self.id} ({self.type}, {self.timing.replace('_', ' ')}){where} {brief(self.original)} -> {brief(self.new)}\n"
            f"    {self.reason} [severity {self.severity}, validity {self.validity}; {self.by}, {self.date}]"
        )


FIELDS = tuple(Entry.__dataclass_fields__)


def entry_of(line: Mapping[str, Any]) -> Entry:
    """The entry in a line of the ledger."""
    return Entry(**{k: line[k] for k in FIELDS})


def kind_of_path(path: str) -> Kind:
    """What kind of deviation a change of this key is, unless a person says otherwise.

    Examples
    --------
    >>> kind_of_path("outcomes['mood'].adjust"), kind_of_path("design.units"), kind_of_path("analysis.estimator")
    ('model', 'sample', 'model')
    """
    return next((kind for pattern, kind in _KINDS if re.search(pattern, path)), "model")


def checked_choice(name: str, value: str | None) -> str:
    """A choice as it stands in the ledger; 'before data' and 'before-data' are 'before_data'."""
    allowed = CHOICES[name]
    said = "_".join(str(value or "").casefold().replace("-", " ").replace("_", " ").split())
    if said in allowed:
        return said
    near = nearest(said, allowed) if said else None
    remedy = f"did you mean '{near}'?" if near else f"it is one of {shown(allowed, 9)}."
    raise UsageError(f"{name} is {f'{value!r}' if value else 'not said'}: {remedy}")


def checked_text(name: str, value: str | None, *, needed: bool = True) -> str:
    """A text of a person, without what cannot be printed."""
    said = " ".join("".join(c if c.isprintable() else " " for c in str(value or "")).split())
    if needed and not said:
        raise UsageError(f"{name} is not said: a deviation without it tells a reader nothing. Give {name}='...' in words.")
    if len(said) > MOST_CHARACTERS:
        raise UsageError(f"{name} has {len(said)} characters, and the ledger takes {MOST_CHARACTERS}: say it shorter.")
    return said


def brief(value: Any, most: int = 60) -> str:
    """A value in a line of text."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        text = f"'{value['name']}' (whole entry)" if "name" in value else "; ".join(f"{k}: {brief(v)}" for k, v in value.items())
    elif isinstance(value, (list, tuple)):
        text = ", ".join(brief(v) for v in value) or "none"
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."
