"""The roll of an enrolment: who is on it, and the next allocation from the seed; a stored line is followed by computing it again."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from trialkit.design.mechanisms.rolling import KEYS, RollingDesign
from trialkit.design.record.ledger import canonical, cell_text
from trialkit.design.stream import Stream, purpose_path
from trialkit.errors import IdentifierError, LockError, nearest

__all__ = ["ALLOCATIONS", "Enrolled", "Roll", "as_json"]

ALLOCATIONS = ("add", "redraw")


@dataclass(slots=True)
class Enrolled:
    """One person: identifier, number of the arrival, values of the design's columns, slot and arm code, and what else is told."""

    unit: Any
    place: int
    values: tuple[Hashable, ...]
    slot: int
    code: int
    batch: str
    at: str
    draws: int = 1
    revealed: bool = False


class Roll:
    """Everyone enrolled so far, and the state from which the next person is allocated."""

    def __init__(self, design: RollingDesign, seed: int, salt: str, conceal: bool):
        self.design, self.conceal = design, conceal
        self.people: dict[str, Enrolled] = {}
        self.levels: dict[str, set[Hashable]] = {name: set() for name in design.levels}
        self.finished = False
        self.secret = {"seed": f"{seed:x}", "salt": salt}
        self._stream = Stream(seed, *purpose_path("allocation"))
        self._state = design.start()

    def find(self, unit: Any) -> Enrolled:
        """A person by identifier.

        Raises
        ------
        IdentifierError
            For somebody who is not enrolled.
        """
        found = self.people.get(cell_text(unit))
        if found is None:
            near = nearest(cell_text(unit), self.people)
            remedy = f" Did you mean '{near}'?" if near else ""
            raise IdentifierError(f"'{cell_text(unit)}' is not enrolled.{remedy}")
        return found

    def allocate(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """An 'add' or 'redraw' with its arm, or with the code of a concealed one."""
        values = tuple(entry["values"])
        key = cell_text(entry["unit"])
        if entry["event"] == "redraw":
            person = self.people[key]
            self._state.withdraw(person.values, person.slot)
            person.values, person.draws, person.revealed, person.at = values, person.draws + 1, False, entry["at"]
        else:
            person = Enrolled(entry["unit"], len(self.people) + 1, values, -1, -1, entry["batch"], entry["at"])
            self.people[key] = person
        first, second = self._stream.keys(KEYS).tolist()
        person.slot = self._state.step(values, first, second)
        person.code = self.design.fold[person.slot]
        for seen, value in zip(self.levels.values(), values):
            seen.add(value)
        arm = as_json(self.design.arms[person.code])
        return {**entry, **({"sealed": self._sealed(person, arm)} if self.conceal else {"arm": arm})}

    def _sealed(self, person: Enrolled, arm: Any) -> str:
        """A code that commits to the arm and tells nothing without the salt."""
        text = canonical([person.place, person.draws, person.unit, arm])
        return hmac.new(bytes.fromhex(self.secret["salt"]), text.encode("utf-8"), hashlib.sha256).hexdigest()

    def follow(self, lines: Iterable[Mapping[str, Any]], name: str) -> None:
        """Take in stored lines.

        Raises
        ------
        LockError
            An allocation that is not the one which design and seed give.
        """
        for line in lines:
            event = line["event"]
            if event in ALLOCATIONS:
                made = self.allocate(line)
                if any(made[k] != line.get(k) for k in ("arm", "sealed") if k in made or k in line):
                    raise LockError(
                        f"line {line['line']} of '{name}' holds another allocation of '{line['unit']}' than design and seed give: it was "
                        "written by hand, or the seed belongs to another enrolment."
                    )
            elif event == "reveal":
                self.find(line["unit"]).revealed = True
            elif event == "finish":
                self.finished = True


def as_json(value: Any) -> Any:
    """An identifier, level or arm as JSON has it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (str, int, float, bool)) else str(value)
