"""Rolling enrolment: people are allocated as they come, and everything is kept in a file that can only grow.

The file has a line for every allocation, re-draw and reveal. A sitting opens it, checks it, computes all allocations again from the
seed, and goes on where the last one stopped: the list is the same as if all had come in one sitting, and the same as
`design.assign(seed=...)` on everyone in that order. Seed and salt are in a file of their own that only its owner can read; the
enrolment holds a commitment to them until `finish` publishes both. `trialkit.design.record.chain_file` says what the chain of hashes
shows and what it cannot.
"""

from __future__ import annotations

import getpass
import warnings
import weakref
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd

from trialkit.design.enrolment.enrolment_file import begun, check_enrolment, declared, resumed, rolling
from trialkit.design.enrolment.roll import ALLOCATIONS, Enrolled, Roll, as_json
from trialkit.design.mechanisms.rolling import RollingDesign, check_levels
from trialkit.design.people import People
from trialkit.design.record.chain_file import ChainFile, SittingLock
from trialkit.design.record.ledger import cell_text, moment
from trialkit.errors import DesignError, IdentifierError, LockError, UnblindingError, UsageError, shown
from trialkit.io.frames import to_pandas

__all__ = ["Enrolment", "check_enrolment"]


class Enrolment:
    """An enrolment that is open for one sitting, made by `Enrolment.open`; use it in a `with` block, or `close` it."""

    def __init__(self, file: ChainFile, roll: Roll, by: str, lock: SittingLock):
        self._file, self._roll, self._by = file, roll, by
        self._unit = str(roll.design.people.unit)
        self._unlock = weakref.finalize(self, lock.release)

    @classmethod
    def open(
        cls,
        path: str | Path,
        design: RollingDesign | None = None,
        *,
        seed_file: str | Path,
        seed: int | None = None,
        conceal: bool = False,
        by: str | None = None,
        at: datetime | None = None,
        head: str | None = None,
    ) -> Self:
        """Begin an enrolment, or go on with one.

        Parameters
        ----------
        path
            The file of the enrolment (`.jsonl`); made when it is not there.
        design
            `minimization(None, ...)` or `permuted_blocks(None, ...)`; needed to begin, and compared afterwards.
        seed_file
            Where the seed is kept, apart from the file; made with permissions for its owner only. Keep a copy in a safe place.
        seed
            To begin with a seed of your own; unsaid: 128 bits of the system's entropy.
        conceal
            Keep arms out of the file and out of `add`: `reveal` gives them one by one. Fixed at the beginning.
        by, at
            Who is sitting (unsaid: the user of the computer), and the time (unsaid: now).
        head
            A hash of the file that someone else kept: it must be there. Also opens a file whose own head was lost.

        Raises
        ------
        LockError
            Another sitting is open (says who); a file that was edited, shortened or put in another order; another design or seed.

        Examples
        --------
        >>> import pathlib, tempfile, trialkit as tk
        >>> from trialkit.design.enrolment.enrolment import Enrolment
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> design = tk.design.minimization(None, unit="id", factors=["sex"], arms={"individual": 1, "peer": 1})
        >>> with Enrolment.open(folder / "enrolment.jsonl", design, seed_file=folder / "seed.json", seed=1) as sitting:
        ...     rows = sitting.add({"id": ["p1", "p2"], "sex": ["f", "m"]})
        >>> with Enrolment.open(folder / "enrolment.jsonl", seed_file=folder / "seed.json") as sitting:
        ...     rows = sitting.add({"id": "p3", "sex": "f"})
        ...     sitting.allocation["id"].tolist()
        ['p1', 'p2', 'p3']
        """
        place, secret = Path(path).expanduser().resolve(), Path(seed_file).expanduser().resolve()
        if place == secret:
            raise UsageError("the seed is kept apart from the enrolment: give seed_file another name.")
        who, when = by or _user(), moment(at)
        lock = SittingLock(place, who, when)
        try:
            if place.exists():
                file, number, salt = resumed(place, secret, seed, head)
                made = declared(file.lines[0], design, place.name)
            else:
                made = rolling(design)
                file, number, salt = begun(place, secret, seed, made, {"conceal": bool(conceal), "by": who, "at": when})
            roll = Roll(made, number, salt, bool(file.lines[0]["conceal"]))
            roll.follow(file.lines[1:], place.name)
            sitting = cls(file, roll, who, lock)
            if file.repaired:
                sitting._write([{"event": "repair", "removed_bytes": file.repaired, "by": who, "at": when}])
            return sitting
        except BaseException:
            lock.release()
            raise

    def add(self, people: Any, *, batch: str = "main", by: str | None = None, at: datetime | None = None) -> pd.DataFrame:
        """Allocate people, in the order of the rows.

        Parameters
        ----------
        people
            A person ({"id": "p1", "sex": "f"}) or a data frame of several, with the identifier and the columns of the design.
        batch
            A name for those who come later or replace others, such as "late entrants"; they are allocated by the same design.
        by, at
            Who and when; unsaid: who sits, now.

        Returns
        -------
        pandas.DataFrame
            unit, number of the arrival (`place`), and arm unless the enrolment is concealed.

        Raises
        ------
        IdentifierError
            An identifier that is missing, repeated, or enrolled already.
        DesignError
            A missing value, or a level that was not declared. Nobody of these people is enrolled then.
        """
        self._ready()
        newcomers = self._newcomers(people)
        told = {"batch": str(batch), "by": by or self._by, "at": moment(at)}
        seen = {name: set(levels) for name, levels in self._roll.levels.items()}
        entries, fresh = [], []
        columns = [newcomers[name].tolist() for name in seen]
        for row, unit in enumerate(newcomers[self._unit].tolist()):
            values = [as_json(column[row]) for column in columns]
            new = [name for (name, levels), v in zip(seen.items(), values) if self.n and v not in levels]
            fresh += [f"{v!r} of '{name}' with '{cell_text(unit)}'" for name, v in zip(seen, values) if name in new]
            for levels, v in zip(seen.values(), values):
                levels.add(v)
            entries.append(
                {"event": "add", "unit": as_json(unit), "values": values, **told} | ({"new_levels": new} if new else {})
            )
        self._write(entries)
        if fresh:
            warnings.warn(f"new level {'; '.join(fresh)}: it was accepted. Was it misspelt, draw again (redraw).", stacklevel=2)
        return self._table([self._roll.find(e["unit"]) for e in entries])

    def redraw(
        self,
        unit: Any,
        *,
        reason: str,
        values: Mapping[str, Any] | None = None,
        by: str | None = None,
        at: datetime | None = None,
    ) -> pd.DataFrame:
        """Allocate a person again, with a line that says why; the first allocation stays in the file.

        Parameters
        ----------
        unit
            The identifier.
        reason
            Why, such as "enrolled with the wrong sex".
        values
            Columns of the design that were wrong, with their right values.
        by, at
            Who and when; unsaid: who sits, now.

        Returns
        -------
        pandas.DataFrame
            As from `add`.

        Raises
        ------
        UsageError
            Without a reason, or with a column that the design does not use.
        """
        self._ready()
        person = self._roll.find(unit)
        if not str(reason or "").strip():
            raise UsageError("a re-draw needs its reason, which goes into the file.")
        right = dict(zip(self._roll.levels, person.values))
        strange = [name for name in values or {} if name not in right]
        if strange:
            raise UsageError(f"{shown(strange)} is not a column of the design; it uses {shown(right)}.")
        right |= {name: as_json(v) for name, v in (values or {}).items()}
        self._complete(pd.DataFrame({self._unit: [person.unit], **{name: [v] for name, v in right.items()}}))
        entry = {
            "event": "redraw",
            "unit": person.unit,
            "values": list(right.values()),
            "batch": person.batch,
            "reason": str(reason),
        }
        self._write([{**entry, "by": by or self._by, "at": moment(at)}])
        return self._table([person])

    def reveal(self, unit: Any, *, by: str, at: datetime | None = None) -> Any:
        """The arm of one person; who saw it and when is written down first.

        Raises
        ------
        UsageError
            Without `by`.
        IdentifierError
            Somebody who is not enrolled: one person at a time is revealed.
        """
        self._ready(finished=True)
        if not str(by or "").strip():
            raise UsageError("a reveal says who sees it: by='name'.")
        person = self._roll.find(unit)
        arm = self._roll.design.arms[person.code]
        self._write([{"event": "reveal", "unit": person.unit, "arm": as_json(arm), "by": str(by), "at": moment(at)}])
        person.revealed = True
        return arm

    def finish(self, *, enrolment_closed: bool, by: str | None = None, at: datetime | None = None) -> None:
        """Publish seed and salt in the file, so that anyone can check all allocations (`check_enrolment`); nobody is added afterwards.

        Raises
        ------
        UnblindingError
            When enrolment has not closed: the seed gives later allocations away.
        """
        self._ready()
        if enrolment_closed is not True:
            raise UnblindingError(
                "the seed gives every allocation away: finish when enrolment has closed, with enrolment_closed=True."
            )
        self._write([{"event": "finish", **self._roll.secret, "by": by or self._by, "at": moment(at)}])
        self._roll.finished = True

    def close(self) -> None:
        """End the sitting, so that another can begin."""
        self._unlock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def n(self) -> int:
        """People enrolled."""
        return len(self._roll.people)

    @property
    def head(self) -> str:
        """Hash of the last line: give it to someone else now and then."""
        return self._file.head

    @property
    def concealed(self) -> bool:
        """Whether arms are given one by one only."""
        return self._roll.conceal and not self._roll.finished

    @property
    def allocation(self) -> pd.DataFrame:
        """Everyone in order of arrival: unit, place, arm (None while concealed and not revealed), batch and time."""
        rows = list(self._roll.people.values())
        arms = [self._arm(r) if r.revealed or not self.concealed else None for r in rows]
        columns = {self._unit: [r.unit for r in rows], "place": [r.place for r in rows], "arm": arms}
        return pd.DataFrame(columns | {"batch": [r.batch for r in rows], "at": [r.at for r in rows]})

    def design(self) -> RollingDesign:
        """The design on everyone enrolled, for the analysis, in the order of the file.

        After a re-draw it is only close to how the list came about, and a warning says so.
        """
        rows = list(self._roll.people.values())
        if not rows:
            raise DesignError("nobody is enrolled yet.")
        again = [r.unit for r in rows if r.draws > 1]
        if again:
            warnings.warn(f"{shown(again)} drawn again: the design is only close to how the list came about.", stacklevel=2)
        columns = {name: [r.values[i] for r in rows] for i, name in enumerate(self._roll.levels)}
        return self._roll.design.with_people(pd.DataFrame({self._unit: [r.unit for r in rows]} | columns))

    def __str__(self) -> str:
        hidden = ", arms concealed" if self.concealed else ""
        design = self._roll.design
        return f"enrolment '{self._file.path.name}': {self.n} people, {design.scheme} to {shown(design.arms, 10)}{hidden}; last hash {self.head[:12]}"

    def __repr__(self) -> str:
        return f"<{self}>"

    def _arm(self, person: Enrolled) -> Any:
        return self._roll.design.arms[person.code]

    def _table(self, people: Sequence[Enrolled]) -> pd.DataFrame:
        columns = {self._unit: [p.unit for p in people], "place": [p.place for p in people]}
        return pd.DataFrame(columns if self.concealed else columns | {"arm": [self._arm(p) for p in people]})

    def _ready(self, *, finished: bool = False) -> None:
        if not self._unlock.alive:
            raise UsageError("this sitting is closed: open the enrolment again.")
        if self._roll.finished and not finished:
            raise LockError(
                f"'{self._file.path.name}' is finished and its seed public, so nobody is added: begin another enrolment."
            )

    def _write(self, entries: list[dict[str, Any]]) -> None:
        """Allocate where an entry asks for it, and write the lines."""
        try:
            self._file.append([self._roll.allocate(e) if e["event"] in ALLOCATIONS else e for e in entries])
        except BaseException:
            # the roll is ahead of the file now, so this sitting must not go on
            self.close()
            raise

    def _newcomers(self, people: Any) -> pd.DataFrame:
        """The rows of people who may be added, in their order."""
        one = isinstance(people, Mapping) and all(pd.api.types.is_scalar(v) for v in people.values())
        frame = to_pandas({k: [v] for k, v in people.items()} if one else people).reset_index(drop=True)
        canonical = self._complete(frame)
        known = [u for u in frame[self._unit].tolist() if cell_text(u) in self._roll.people]
        if known:
            raise IdentifierError(
                f"{shown([cell_text(u) for u in known])} of '{self._unit}' is enrolled already: leave them out, or say redraw(...) with a reason."
            )
        keys = [cell_text(u) for u in frame[self._unit].tolist()]
        if len(set(keys)) < len(keys):
            twice = sorted({k for k in keys if keys.count(k) > 1})
            raise IdentifierError(f"{shown(twice)} of '{self._unit}' is there twice, once as a number and once as text.")
        return canonical.frame.iloc[np.argsort(canonical.rows)].reset_index(drop=True)

    def _complete(self, frame: pd.DataFrame) -> People:
        people = People.of(frame, self._unit)
        for name, levels in self._roll.design.levels.items():
            check_levels(people, name, levels)
        return people


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # an account without a name
        return "unknown"
