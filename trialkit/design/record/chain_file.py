"""A file to which lines are only added: each carries the hash of the one before, one sitting at a time may write, and it survives a crash.

- An edited, removed or reordered line is found when the file is opened, because the hashes no longer follow each other.
- Lines taken off the end are found by the head, a small file beside it with the number of lines and the last hash, under a key that is
  not there (HMAC). Whoever holds an older copy of both files, or the key, can still go back: for that, give the last hash to someone
  else now and then, and open with `head=`.
- A write that was cut off leaves a last line without its end. It is taken off, and a line says so. Whole lines stay.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trialkit.design.record.ledger import FIRST, canonical, chained, sha256
from trialkit.errors import LockError, TrialkitError
from trialkit.io.write import atomic_text

__all__ = ["ChainFile", "SittingLock"]


class SittingLock:
    """A lock file that says who is at work; it exists while a sitting lasts. One that a killed process left on this computer is replaced."""

    def __init__(self, beside: Path, by: str, at: str):
        self.path = beside.with_name(beside.name + ".lock")
        self.content = canonical({"by": by, "process": os.getpid(), "computer": socket.gethostname(), "since": at}) + "\n"
        try:
            self._handle: int | None = self._made()
        except FileExistsError:
            raise LockError(self._held(beside)) from None
        except OSError as reason:
            raise LockError(f"'{beside}' cannot be written to ({reason.strerror or 'unknown reason'}).") from None

    def release(self) -> None:
        """Remove the lock, unless it is another sitting's by now."""
        if self._handle is not None:
            os.close(self._handle)  # first: some systems remove no file that is open
            self._handle = None
        try:
            if self.path.read_text("utf-8") == self.content:
                self.path.unlink()
        except OSError:
            pass

    def _made(self) -> int:
        """The lock file, open and held by the system until this process ends, however it ends."""
        try:
            handle = os.open(self.path, _NEW, 0o644)
        except FileExistsError:
            if not _left_behind(self.path):
                raise
            handle = os.open(self.path, _NEW, 0o644)
        _hold(handle)
        try:
            _write_all(handle, self.content.encode("utf-8"))
        except OSError:
            os.close(handle)
            self.path.unlink(missing_ok=True)
            raise
        return handle

    def _held(self, beside: Path) -> str:
        try:
            holder = json.loads(self.path.read_text("utf-8"))
            who = f"{holder['by']} (process {holder['process']} on {holder['computer']}, since {holder['since']})"
        except (OSError, ValueError, KeyError, TypeError):
            who = "another sitting"
        return (
            f"'{beside.name}' is in use by {who}: close that sitting first. If it has ended without closing, remove "
            f"'{self.path.name}' after making sure that nobody works in it."
        )


class ChainFile:
    """Lines of a file that were checked, and ways to add more.

    Parameters
    ----------
    path : the file. key : secret of the head's code, in hexadecimal.
    """

    def __init__(self, path: Path, key: str):
        self.path, self._key = path, bytes.fromhex(key)
        self.lines: list[dict[str, Any]] = []
        self.repaired = 0

    @property
    def head(self) -> str:
        """Hash of the last line."""
        return str(self.lines[-1]["hash"]) if self.lines else FIRST

    def create(self, entry: Mapping[str, Any]) -> None:
        """Begin the file with a first line."""
        line = chained([], entry)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644)
        _write(handle, (canonical(line) + "\n").encode("utf-8"))
        _sync_folder(self.path.parent)
        self.lines = [line]
        self._seal()

    def append(self, entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Add lines, on disk before this returns.

        Raises
        ------
        LockError
            When the file was changed since it was read.
        """
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0))
        if os.fstat(handle).st_size != self._size:
            os.close(handle)
            raise LockError(f"'{self.path.name}' was changed while this sitting had it open: close it and open it again.")
        before, longer = len(self.lines), list(self.lines)
        for entry in entries:
            longer.append(chained(longer, entry))
        try:
            _write(handle, "".join(canonical(line) + "\n" for line in longer[before:]).encode("utf-8"))
        except OSError:
            # a disk that filled up took the first lines: who is on them was told nothing
            os.truncate(self.path, self._size)
            raise
        self.lines = longer
        self._seal()
        return self.lines[before:]

    def load(self, head: str | None = None) -> None:
        """Read and check the file; cut a last line that was not finished.

        Raises
        ------
        LockError
            A line that is not as it was written, or lines that are gone.
        """
        content = self.path.read_bytes()
        whole, _, rest = content.rpartition(b"\n")
        self.lines = checked_lines(whole.split(b"\n") if whole else [], self.path.name)
        if rest and self._finished(rest):
            whole, rest, content = content, b"", content + b"\n"
            _write(os.open(self.path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)), b"\n")
        self._check_head(head)
        if rest:
            self.repaired = len(rest)
            with self.path.open("r+b") as file:
                file.truncate(len(content) - len(rest))
                file.flush()
                os.fsync(file.fileno())
        self._size = len(content) - len(rest)
        if head is not None:
            self._seal()

    def _finished(self, rest: bytes) -> bool:
        """Whether a last line lacks nothing but its end; then it is kept."""
        try:
            self.lines += checked_lines([rest], self.path.name, self.lines)
        except TrialkitError:
            return False
        return True

    @property
    def _head_path(self) -> Path:
        return self.path.with_name(self.path.name + ".head")

    def _code(self, lines: int, last: str) -> str:
        return hmac.new(self._key, f"{lines}:{last}".encode(), hashlib.sha256).hexdigest()

    def _seal(self) -> None:
        self._size = self.path.stat().st_size
        lines = len(self.lines)
        atomic_text(self._head_path, canonical({"lines": lines, "hash": self.head, "code": self._code(lines, self.head)}) + "\n")

    def _check_head(self, head: str | None) -> None:
        name = self.path.name
        if head is not None:
            if head not in {line["hash"] for line in self.lines}:
                raise LockError(
                    f"no line of '{name}' has the hash {head[:12]}...: lines were taken off its end, or it is another file."
                )
            return
        try:
            noted = json.loads(self._head_path.read_text("utf-8"))
            lines, last, code = int(noted["lines"]), str(noted["hash"]), str(noted["code"])
        except FileNotFoundError:
            if len(self.lines) <= 1:
                return
            raise LockError(
                f"'{self._head_path.name}' is gone, without which lines taken off the end would go unseen: put it back, or open with "
                "head='a hash of the file that someone else kept'."
            ) from None
        except (OSError, ValueError, KeyError, TypeError):
            lines, last, code = 0, "", ""
        if not hmac.compare_digest(code, self._code(lines, last)):
            raise LockError(
                f"'{self._head_path.name}' is not as it was written, or belongs to another file: put back the right one."
            )
        if len(self.lines) < lines:
            raise LockError(
                f"'{name}' has {len(self.lines)} whole lines, and it had {lines}: lines were taken off its end. Put back the undamaged file."
            )
        if self.lines[lines - 1]["hash"] != last:
            raise LockError(f"line {lines} of '{name}' is not the one that was written: put back the undamaged file.")


def checked_lines(texts: Sequence[bytes], name: str, before: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
    """Lines that follow each other from `before` on.

    Raises
    ------
    LockError
        Naming the first line that does not.
    """
    found: list[dict[str, Any]] = []
    previous = before[-1]["hash"] if before else FIRST
    for number, text in enumerate(texts, start=len(before) + 1):
        try:
            line = json.loads(text)
            own = line.pop("hash")
            stands, place, link = own == sha256(canonical(line)), line["line"], line["previous"]
            stands = stands and text == canonical({**line, "hash": own}).encode("utf-8")
        except (ValueError, KeyError, TypeError, AttributeError):
            stands, place, link = False, number, previous
        if not stands:
            raise LockError(
                f"line {number} of '{name}' is not as it was written: it was edited. Nothing is added to an edited file: put back the "
                "undamaged one."
            )
        if place != number or link != previous:
            raise LockError(
                f"line {number} of '{name}' does not follow the one before it (it was written as line {place}): lines were removed, "
                "added or put in another order. Put back the undamaged file."
            )
        previous = own
        found.append({**line, "hash": own})
    return found


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def _hold(handle: int) -> bool:
    """Ask the system to hold an open file for this process alone; False where another has it or the system cannot."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _left_behind(path: Path) -> bool:
    """Whether a lock file was left by a process of this computer that has ended; the file is gone then.

    Both have to say so: the system, which holds the file of a sitting that goes on (also of one in a container, where process numbers mean
    something else), and the number of the process.
    """
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        if not _hold(handle):
            return False
        holder = json.loads(os.read(handle, 10_000))
        if holder["computer"] != socket.gethostname() or _runs(int(holder["process"])):
            return False
        if not os.path.samestat(os.fstat(handle), os.stat(path)):
            return False  # another sitting was faster, and the file is its own by now
        path.unlink()
        return True
    except (OSError, ValueError, KeyError, TypeError):
        return False
    finally:
        os.close(handle)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _write(handle: int, content: bytes) -> None:
    """Write everything, to the disk itself, and close."""
    try:
        _write_all(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_all(handle: int, content: bytes) -> None:
    """A disk that is nearly full takes a part without an error; the error comes with the rest."""
    view = memoryview(content)
    while view:
        view = view[os.write(handle, view) :]


def _sync_folder(folder: Path) -> None:
    """The name of a new file on disk too, where the system can do that."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
