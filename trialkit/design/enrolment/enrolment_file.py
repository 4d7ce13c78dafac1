"""How an enrolment begins and is opened again: its first line, its seed, and the check that anyone can make."""

from __future__ import annotations

import json
import os
import stat
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

from trialkit.design.enrolment.roll import Roll
from trialkit.design.mechanisms.rolling import RollingDesign
from trialkit.design.record.chain_file import ChainFile, checked_lines
from trialkit.design.record.ledger import canonical, commitment, fresh_salt
from trialkit.design.registry import scheme
from trialkit.design.stream import checked_seed, fresh_seed
from trialkit.errors import LockError, UsageError
from trialkit.misuse import explained

__all__ = ["EnrolmentCheck", "begun", "check_enrolment", "declared", "resumed", "rolling"]

KIND = "trialkit enrolment"
SEED_KIND = "trialkit enrolment seed"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class EnrolmentCheck:
    """What `check_enrolment` found. `confirmed`: the allocations were computed again from the published seed."""

    path: Path
    lines: int
    people: int
    redraws: tuple[str, ...]
    reveals: int
    repairs: int
    confirmed: bool
    head: str

    def __str__(self) -> str:
        again = f", {len(self.redraws)} drawn again ({'; '.join(self.redraws[:3])})" if self.redraws else ""
        what = (
            "every allocation is the one that the published seed gives"
            if self.confirmed
            else "the seed is not published yet, so allocations cannot be computed again"
        )
        return (
            f"{self.path.name}: unbroken, {self.lines} lines, {self.people} people{again}, {self.reveals} reveals, "
            f"{self.repairs} repairs after a crash; {what}. Last hash {self.head}"
        )


@explained
def check_enrolment(path: str | Path) -> EnrolmentCheck:
    """Check the file of an enrolment without its seed file; once the seed is published in it, every allocation.

    Parameters
    ----------
    path
        The file. Nothing is written.

    Raises
    ------
    LockError
        A line that is not as it was written, or an allocation that design and seed do not give.

    Examples
    --------
    >>> print(check_enrolment("enrolment.jsonl"))           # doctest: +SKIP
    """
    place = Path(path).expanduser().resolve()
    content = _bytes(place)
    if not content.endswith(b"\n"):
        raise LockError(f"the last line of '{place.name}' is not finished: open the enrolment once, which mends that.")
    lines = checked_lines(content.split(b"\n")[:-1], place.name)
    design = declared(lines[0], None, place.name)
    finish = next((line for line in lines if line["event"] == "finish"), None)
    if finish is not None:
        number = _committed(lines[0], finish, place.name)
        Roll(design, number, finish["salt"], bool(lines[0]["conceal"])).follow(lines[1:], place.name)
    events = [line["event"] for line in lines]
    return EnrolmentCheck(
        path=place,
        lines=len(lines),
        people=events.count("add"),
        redraws=tuple(line["reason"] for line in lines if line["event"] == "redraw"),
        reveals=events.count("reveal"),
        repairs=events.count("repair"),
        confirmed=finish is not None,
        head=lines[-1]["hash"],
    )


def rolling(design: Any) -> RollingDesign:
    """A design that an enrolment can begin with.

    Raises
    ------
    UsageError
        Another kind of design, or one that has people or an arrival column already.
    """
    if not isinstance(design, RollingDesign):
        got = "nothing" if design is None else f"a {type(design).__name__}"
        raise UsageError(
            "an enrolment begins with a design for people who arrive one by one: tk.design.minimization(None, unit='id', ...) or "
            f"tk.design.permuted_blocks(None, unit='id', ...); got {got}."
        )
    if design.n:
        raise UsageError("give the design None instead of people: they come by add(...).")
    if "arrival" in design.settings:
        raise UsageError("leave arrival= out: in an enrolment the order of add(...) is the order of arrival.")
    return design


def begun(
    place: Path, secret: Path, seed: int | None, design: RollingDesign, told: Mapping[str, Any]
) -> tuple[ChainFile, int, str]:
    """A new seed file and a new enrolment file: (file, seed, salt)."""
    number, salt = fresh_seed() if seed is None else checked_seed(seed), fresh_salt()
    promise = commitment(salt, "seed", f"{number:x}")
    first = {
        "event": "open", "kind": KIND, "format_version": FORMAT_VERSION, "scheme": design.scheme,
        "settings": dict(design.settings), "seed_commitment": promise, **told,
    }  # fmt: skip
    try:
        first = json.loads(canonical(first))
    except (TypeError, ValueError) as reason:
        raise UsageError(f"the design cannot be written to a file ({reason}): use text or numbers as labels.") from None
    _write_seed(secret, {"kind": SEED_KIND, "seed": f"{number:x}", "salt": salt, "seed_commitment": promise})
    file = ChainFile(place, salt)
    try:
        file.create(first)
    except FileExistsError:
        raise
    except OSError:
        # nobody was enrolled: half a beginning would stand in the way of the next one
        for path in (place, secret):
            path.unlink(missing_ok=True)
        raise
    return file, number, salt


def resumed(place: Path, secret: Path, seed: int | None, head: str | None) -> tuple[ChainFile, int, str]:
    """An enrolment file that was checked, and the seed that it commits to: (file, seed, salt)."""
    hidden = _read_seed(secret, place.name)
    file = ChainFile(place, hidden["salt"])
    file.load(head)
    if not file.lines:
        raise LockError(f"'{place.name}' has no first line: it never began. Remove it and '{secret.name}', and begin again.")
    number = _committed(file.lines[0], hidden, place.name)
    if seed is not None and checked_seed(seed) != number:
        raise LockError(f"'{place.name}' was begun with another seed: leave seed= out to go on with it.")
    return file, number, hidden["salt"]


def declared(first: Mapping[str, Any], given: RollingDesign | None, name: str) -> RollingDesign:
    """The design of the first line, which must be the one that is given.

    Raises
    ------
    LockError
        Another design (says in what), or a file that is no enrolment.
    """
    if first.get("kind") != KIND:
        raise LockError(f"'{name}' is not the file of an enrolment.")
    if first["format_version"] != FORMAT_VERSION:
        raise LockError(
            f"'{name}' has format {first['format_version']}, and this version reads {FORMAT_VERSION}: install a newer one."
        )
    if given is not None:
        given = rolling(given)
        mine, stored = {"scheme": given.scheme, **given.settings}, {"scheme": first["scheme"], **first["settings"]}
        keys = [k for k in sorted({*mine, *stored}) if canonical(mine.get(k)) != canonical(stored.get(k))]
        if keys:
            raise LockError(
                f"'{name}' was begun with {keys[0]} = {stored.get(keys[0])!r}, not {mine.get(keys[0])!r}: a design stays as it is during "
                "an enrolment. Leave the design out to go on with it."
            )
    make = scheme(first["scheme"])
    known = signature(make).parameters
    made: RollingDesign = make(None, **{k: v for k, v in first["settings"].items() if k in known})
    return made


def _bytes(place: Path) -> bytes:
    try:
        return place.read_bytes()
    except OSError as reason:
        raise LockError(f"'{place.name}' cannot be read ({reason.strerror or 'unknown reason'}).") from None


def _committed(first: Mapping[str, Any], hidden: Mapping[str, Any], name: str) -> int:
    """The seed, which must be the one that the first line commits to."""
    if commitment(str(hidden["salt"]), "seed", str(hidden["seed"])) != first.get("seed_commitment"):
        raise LockError(f"the seed is not the one that '{name}' was begun with: give the seed file of this enrolment.")
    return int(hidden["seed"], 16)


def _write_seed(secret: Path, content: Mapping[str, str]) -> None:
    try:
        handle = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise LockError(
            f"'{secret.name}' exists, but the enrolment that it belongs to is not at the path given: put that file back, or choose "
            "another seed_file. A seed is used once. Was the beginning cut off, so that nobody was ever enrolled, remove it and begin again."
        ) from None
    except OSError as reason:
        raise UsageError(f"the seed cannot be kept in '{secret}' ({reason.strerror or 'unknown reason'}).") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(content, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        secret.unlink(missing_ok=True)
        raise


def _read_seed(secret: Path, name: str) -> dict[str, str]:
    try:
        content = json.loads(secret.read_text("utf-8"))
        if content["kind"] != SEED_KIND:
            raise ValueError
        int(content["seed"], 16), bytes.fromhex(content["salt"])
    except FileNotFoundError:
        raise LockError(f"the seed of '{name}' is not in '{secret.name}': say where it was kept.") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise LockError(f"'{secret.name}' cannot be read as the seed of an enrolment: use an undamaged copy.") from None
    if os.name == "posix" and stat.S_IMODE(secret.stat().st_mode) & 0o077:
        warnings.warn(
            f"others can read '{secret.name}', and with it every allocation: take their permissions away (chmod 600).",
            stacklevel=4,
        )
    return dict(content)
