"""What checks of a lock or a report find: one sentence a check, and an error where they must hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

from trialkit.errors import LockError

__all__ = ["Check", "Checked", "noted_hash"]


class Check(NamedTuple):
    """One thing that was looked at: its name, whether it holds, and a sentence."""

    name: str
    ok: bool
    sentence: str


class Checked:
    """Checks of something on disk: which of them do not hold, and an error that says so."""

    __slots__ = ()
    path: Path
    ok: bool
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """Sentences of the checks that do not hold."""
        return tuple(c.sentence for c in self.checks if not c.ok)

    @property
    def damage(self) -> tuple[str, ...]:
        """Sentences on what was done to the thing itself. A scale file that changed is a change of the plan, and no damage of its lock."""
        return tuple(c.sentence for c in self.checks if not c.ok and c.name != "scale")

    def require(self) -> Self:
        """Itself when everything holds; otherwise a LockError that says what does not."""
        if not self.ok:
            raise LockError(f"{self.path.name}: " + "; ".join(self.failed))
        return self


def noted_hash(noted: str | None, known: dict[str, str]) -> Iterator[Check]:
    """Whether a hash that someone noted, or at least 12 digits of it, is one of those known."""
    if noted is None:
        return
    said = noted.strip().lower()
    match = next((what for what, value in known.items() if len(said) >= 12 and value.startswith(said)), None)
    if match is None:
        yield Check("noted hash", False, f"the hash that was noted ({said[:16]}...) is not that of the {' or the '.join(known)}")
    else:
        yield Check("noted hash", True, f"the hash that was noted is that of the {match}")
