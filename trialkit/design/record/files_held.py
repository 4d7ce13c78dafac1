"""The files beside a certificate, held against it: the seed that is kept, its release, the list, the workbook."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from trialkit.design.record.certify import texts
from trialkit.design.record.folder import LOG, RELEASE, Files, parsed_list, read_secret, secret_text, workbook_rows, write_list
from trialkit.design.record.ledger import cell_text, commitment, log_problem
from trialkit.design.record.seed_release import read_release
from trialkit.errors import LockError, shown

__all__ = ["Check", "list_held", "release_held", "released_batch", "seed_file_held", "was_released", "workbook_held"]


class Check(NamedTuple):
    """One thing that was looked at: its name, whether it holds (None: it could not be looked at), and a sentence."""

    name: str
    ok: bool | None
    sentence: str


def seed_file_held(path: Path, content: Mapping[str, Any]) -> Iterator[Check]:
    """The seed file in the folder, which is needed for the release, is whole: said without telling the seed."""
    beside = path.parent / Files(content["batch"]).secret
    if path.name != Files(content["batch"]).certificate or not beside.exists():
        return
    try:
        text = beside.read_bytes().decode("utf-8").replace("\r\n", "\n")
        hidden = read_secret(beside)
        number, salt = int(hidden["seed"], 16), hidden["salt"]
        as_written = text == secret_text(content["batch"], content["certificate_hash"], number, salt)
        fine = as_written and commitment(salt, "seed", f"{number:x}") == content.get("seed_commitment")
    except PermissionError:
        yield Check("seed file", True, f"{beside.name} may not be read by you, and was not looked at")
        return
    except (LockError, OSError, ValueError):
        fine = False
    if fine:
        yield Check("seed file", True, f"{beside.name} holds the seed that the certificate commits to")
    else:
        sentence = "is not the file that was written with this certificate: put back the undamaged copy"
        yield Check("seed file", False, f"{beside.name} {sentence}")


def release_held(path: Path, content: Mapping[str, Any], elsewhere: str | Path | None) -> Iterator[Check]:
    """The release is of this certificate, and of the time that the log tells.

    Raises
    ------
    LockError
        A release that is gone, damaged or edited.
    """
    place = path.parent / RELEASE if elsewhere is None else Path(elsewhere).expanduser()
    if elsewhere is None and not place.exists():
        return
    release = read_release(place)
    entry = released_batch(release, content["batch"])
    if entry is None:
        yield Check("release", False, f"{place.name} holds no seed of batch {content['batch']}")
        return
    if entry["certificate"] != content["certificate_hash"]:
        yield Check("release", False, f"{place.name} is of another certificate: it names {entry['certificate'][:12]}...")
        return
    log = path.parent / LOG
    when = release["released_at"]
    if not log.exists() or log_problem(log):
        yield Check("release", True, f"{place.name} is of this certificate; it alone says that it was released on {when}")
        return
    told = [line for line in _lines(log) if line["event"] == "release"]
    if not told:
        yield Check("release", False, f"the log knows of no release, and {place.name} is here")
    elif (told[-1]["at"], told[-1]["certificates"]) != (when, [b["certificate"] for b in release["batches"]]):
        yield Check(
            "release", False, f"{place.name} says something else than the log: the seeds were released on {told[-1]['at']}"
        )
    else:
        yield Check("release", True, f"{place.name} is of this certificate, released on {when} as the log says")


def released_batch(release: Mapping[str, Any], batch: int) -> Mapping[str, Any] | None:
    """The certificate, seed and salt of a batch in a release."""
    return next((b for b in reversed(release["batches"]) if b["batch"] == batch), None)


def was_released(path: Path) -> bool:
    """Whether the log beside a certificate tells of a release."""
    log = path.parent / LOG
    return log.exists() and not log_problem(log) and any(line["event"] == "release" for line in _lines(log))


def list_held(path: Path, content: Mapping[str, Any], frame: pd.DataFrame) -> Iterator[Check]:
    """The list beside the certificate is the allocation as it would be written."""
    beside = path.parent / Files(content["batch"]).table
    if not beside.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        write_list(Path(folder) / "list.csv", frame, content.get("columns") or {})
        expected = (Path(folder) / "list.csv").read_bytes()
    found = beside.read_bytes()
    if found == expected or (found.replace(b"\r\n", b"\n") == expected and found.count(b"\r\n") == found.count(b"\n")):
        yield Check("list", True, f"{beside.name} is the allocation that was drawn")
        return
    try:
        given = parsed_list(found.decode("utf-8"))
    except (UnicodeDecodeError, csv.Error):
        yield Check("list", False, f"{beside.name} cannot be read as a list: it was damaged")
        return
    yield Check("list", False, _difference(beside.name, given, parsed_list(expected.decode("utf-8"))))


def workbook_held(path: Path, content: Mapping[str, Any], frame: pd.DataFrame, people: pd.DataFrame) -> Iterator[Check]:
    """The workbook holds the allocation, and beside it what the people's own columns say; columns of someone else's are told."""
    beside = path.parent / Files(content["batch"]).workbook
    if not beside.exists():
        return
    names = content.get("columns") or {}
    expected = [[names.get(str(c), str(c)) for c in frame.columns], *texts(frame)]
    width = len(expected[0])
    try:
        rows = workbook_rows(beside)
        # a worksheet does not store the empty cells at the end of a row
        longest = max([width, *map(len, rows)])
        rows = [[*row, *[""] * (longest - len(row))] for row in rows]
    except Exception:
        yield Check("workbook", False, f"{beside.name} cannot be read as a workbook: it was damaged")
        return
    further = rows[0][width:] if rows else []
    known = [name for name in further if name in people.columns]
    cells = {name: [cell_text(v) for v in people[name].tolist()] for name in known}
    expected = [[*row, *(name if i == 0 else cells[name][i - 1] for name in known)] for i, row in enumerate(expected)]
    kept = [*range(width), *(width + i for i, name in enumerate(further) if name in cells)]
    found = [[row[i] for i in kept] for row in rows]
    if found != expected:
        yield Check("workbook", False, _difference(beside.name, found, expected))
        return
    beyond = [name or "without a name" for name in further if name not in cells]
    told = f"; {shown(beyond)} is no column of the people, and was not compared" if beyond else ""
    yield Check("workbook", True, f"{beside.name} holds the allocation that was drawn{told}")


def _lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def _difference(name: str, found: list[list[str]], expected: list[list[str]]) -> str:
    """Which people a list has wrong."""
    if found[:1] != expected[:1]:
        return f"{name} has other columns than the list that was drawn"
    mine, theirs = {tuple(r[:1]): r for r in expected[1:]}, {tuple(r[:1]): r for r in found[1:]}
    absent = [k[0] for k in mine if k not in theirs]
    strange = [k[0] if k else "an empty row" for k in theirs if k not in mine]
    other = [k[0] for k in mine if k in theirs and theirs[k] != mine[k]]
    told = [
        f"another entry for {shown(other)}" if other else "",
        f"no row for {shown(absent)}" if absent else "",
        f"a row for {shown(strange)}, who was not allocated" if strange else "",
    ]
    words = "; ".join(t for t in told if t) or "the same people and entries, but another order or layout"
    return f"{name} is not the list that was drawn: {words}"
