"""The record of an allocation: the list, its certificate, the secret seed, and the log, written together or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from trialkit.design.base import Design
from trialkit.design.record.certify import Certificate, certificate_text, certified
from trialkit.design.record.folder import (
    LOG,
    RELEASE,
    Files,
    filled,
    list_cells,
    list_rows,
    read_secret,
    secret_text,
    write_list,
    write_private,
    write_workbook,
)
from trialkit.design.record.ledger import DRAWN, cell_text, chained, commitment, fresh_salt, list_text, log_text, moment, read_log
from trialkit.design.record.rerun import drawn, innermost
from trialkit.design.stream import checked_seed, fresh_seed
from trialkit.errors import ColumnNotFoundError, DesignError, LockError, UsageError, shown
from trialkit.io.write import atomic_text
from trialkit.misuse import explained
from trialkit.results import plain

__all__ = ["Allocation", "allocate"]


ENTROPY = "128 bits of system entropy"


@dataclass(frozen=True)
class Allocation:
    """An allocation that was written.

    Attributes
    ----------
    folder : where. batch : its number. table : unit, arm and what else was drawn, in the order of the identifiers.
    certificate : what may be published. files : the list, the workbook, the certificate and the log.
    """

    folder: Path
    batch: int
    table: pd.DataFrame
    certificate: Certificate
    files: tuple[Path, ...]

    def __str__(self) -> str:
        given = self.certificate.content["seed_source"] != ENTROPY
        guessable = "\nThe seed was given: whoever can guess it has the list. Leave seed= out to have one drawn." if given else ""
        return (
            f"{self.certificate}\n"
            f"Written to {self.folder.name}: {shown([f.name for f in self.files], 10)}.\n"
            "Give the certificate to someone outside the trial now. Keep the seed secret until enrolment has closed, and then release it."
            f"{guessable}"
        )


@explained
def allocate(
    design: Design,
    *,
    folder: str | Path,
    seed: int | None = None,
    batch: int = 1,
    reason: str | None = None,
    balance: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
    show: Sequence[str] = (),
    secret: str | Path | None = None,
    by: str | None = None,
    at: datetime | None = None,
) -> Allocation:
    """Draw an allocation and write its record: list, certificate, commitment, log.

    The certificate commits to the allocation and to the seed by salted hashes. The seed is in one file that only its owner
    can read, and nowhere else; `release` publishes it when enrolment has closed, and `verify_certificate` then draws again.

    Parameters
    ----------
    folder : a new folder, or the one of earlier batches of the same trial.
    seed : of the allocation; by default 128 bits of the system's entropy. A seed that can be guessed gives the list away.
    batch : 1, or the next number for people who came later or replace others; people of earlier batches stay as they are.
    reason : why an existing batch is drawn again; without it that is refused. The former files are kept, and the log says so.
    balance : covariates whose standardized differences go into the certificate.
    columns : names for the columns of the list ('arm', 'group', ...), as in {'arm': 'conditie'}.
    show : further columns of the people for the workbook, such as their names.
    secret : where the seed is kept; unsaid: a file in the folder.
    by, at : who allocated (for the log), and the time; unsaid: now.

    Raises
    ------
    DesignError
        People without identifiers, people who were allocated in another batch, an existing batch without a reason.
    LockError
        A log that was edited, a seed that was released.

    Examples
    --------
    >>> import pathlib, tempfile, trialkit as tk
    >>> folder = pathlib.Path(tempfile.mkdtemp()) / "allocation"
    >>> design = tk.design.complete({"id": range(6)}, unit="id", arms={"solo": 1, "peer": 1})
    >>> made = tk.design.allocate(design, folder=folder)
    >>> sorted(p.name for p in folder.iterdir() if p.suffix in (".csv", ".json"))
    ['allocation.csv', 'allocation.seed.json', 'certificate.json']
    """
    place, when = Path(folder).expanduser().resolve(), moment(at)
    log, files = read_log(place / LOG), Files(batch)
    former = [line for line in log if line["batch"] == batch and line["event"] in DRAWN]
    _check(design, place, log, batch, bool(former), reason)
    number, salt = (fresh_seed() if seed is None else checked_seed(seed)), fresh_salt()
    frame = drawn(design, number, batch)
    named = _names(frame, columns)
    about = {
        "columns": named,
        "seed_source": ENTROPY if seed is None else "given by the user",
        "reason": reason if former else None,
        "replaces": former[-1]["certificate"] if former else None,
        "differs_from_first_batch": _differences(place, design) if batch > 1 else [],
    }
    made = certified(design, frame, seed=number, salt=salt, balance=balance, batch=batch, at=when, about=about)
    entry = {
        "at": when, "event": "redraw" if former else "allocate", "batch": batch, "people": design.n,
        "certificate": made.hash, "reason": reason if former else None, "by": by,
    }  # fmt: skip
    shown_too = design.people.frame[_shown(design, show)]
    hidden = secret_text(batch, made.hash, number, salt)
    own = None if secret is None else Path(secret).expanduser().resolve()
    if own is not None:
        write_private(own, hidden)
    try:
        with filled(place) as new:
            _keep_former(new, files, len(former))
            write_list(new / files.table, frame, named)
            write_workbook(new / files.workbook, frame, named, shown_too)
            atomic_text(new / files.certificate, certificate_text(made.to_dict()))
            if own is None:
                write_private(new / files.secret, hidden)
            atomic_text(new / LOG, log_text([*log, chained(log, entry)]))
    except BaseException:
        if own is not None:
            own.unlink(missing_ok=True)
        raise
    return Allocation(place, batch, frame, made, tuple(place / f for f in (files.table, files.workbook, files.certificate, LOG)))


def _check(design: Design, place: Path, log: list[dict[str, Any]], batch: int, again: bool, reason: str | None) -> None:
    """Whether this batch may be drawn now."""
    if design.people.unit is None:
        raise DesignError(
            "the people have no identifier, so a list could not say who is who: name the column under unit= in the design."
        )
    if not design.resolved:
        raise DesignError(
            "this design takes its numbers from observed data, so there is nothing to draw: give the numbers themselves."
        )
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise UsageError(f"batch={batch!r}: batches are numbered 1, 2, ...")
    if (place / RELEASE).exists():
        raise LockError(f"the seeds of '{place.name}' were released, so enrolment has closed: nothing more is allocated in it.")
    done = sorted({line["batch"] for line in log})
    if again and not (reason and reason.strip()):
        first = next(line["at"] for line in log if line["batch"] == batch)
        raise DesignError(
            f"batch {batch} of '{place.name}' was allocated on {first[:10]}. People are not drawn again without a reason: give "
            f"reason=, which goes into the log, or allocate people who came later as batch={done[-1] + 1}."
        )
    if not again and batch != len(done) + 1:
        raise DesignError(f"batch={batch}, but the next batch of '{place.name}' is {len(done) + 1}.")
    if not log and place.is_dir() and any(place.glob("allocation*")):
        raise LockError(f"'{place.name}' holds an allocation but its log ({LOG}) is gone: put it back, or choose a new folder.")
    for other in done:
        if other:
            _undamaged(place, Files(other))
    mine = {cell_text(v) for v in design.people.ids.tolist()}
    for other in (b for b in done if b != batch):
        both = sorted(mine & {row[0] for row in list_rows(place / Files(other).table)})
        if both:
            raise DesignError(
                f"{shown(both)} {'was' if len(both) == 1 else 'were'} allocated in batch {other} and stay as they are: leave them out."
            )


def _undamaged(place: Path, files: Files) -> None:
    """The list of an earlier batch as it was drawn: people whose lines are gone from it would be drawn a second time.

    Where the seed is kept elsewhere, and with it the salt of the commitment, only the number of people can be compared.
    """
    remedy = "put back the undamaged file before anyone else is allocated."
    try:
        made = json.loads((place / files.certificate).read_text("utf-8"))
        names = {str(name): str(original) for original, name in (made.get("columns") or {}).items()}
        people, promise = int(made["people"]), made["allocation_commitment"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise LockError(f"'{files.certificate}' of '{place.name}' is gone or damaged: {remedy}") from None
    header, *rows = list_cells(place / files.table)
    if len(rows) != people:
        raise LockError(f"'{files.table}' of '{place.name}' has {len(rows)} people, and {people} were drawn: {remedy}")
    if (place / files.secret).exists():
        salt = read_secret(place / files.secret)["salt"]
        if commitment(salt, "allocation", list_text([names.get(c, c) for c in header], rows)) != promise:
            raise LockError(f"'{files.table}' of '{place.name}' is not the list that was drawn ({files.certificate}): {remedy}")


def _names(frame: pd.DataFrame, columns: Mapping[str, str] | None) -> dict[str, str]:
    """The user's names of the list's columns."""
    given = dict(columns or {})
    for name in given:
        if name not in frame.columns:
            raise ColumnNotFoundError(name, frame.columns, "the allocation list")
    renamed = [given.get(str(c), str(c)) for c in frame.columns]
    twice = sorted({c for c in renamed if renamed.count(c) > 1})
    if twice:
        raise UsageError(f"two columns of the list would be called {shown(twice)}: give them different names in columns=.")
    return given


def _shown(design: Design, show: Sequence[str]) -> list[str]:
    if isinstance(show, str):
        raise UsageError(f"show takes a list of columns: write show=['{show}'].")
    for name in show:
        design.people.column(name)
    return [name for name in show if name != design.people.unit]


def _differences(place: Path, design: Design) -> list[str]:
    """What of the declared design is not as in the first batch; another scheme or other arms are no batch of it at all."""
    first = json.loads((place / Files(1).certificate).read_text("utf-8"))
    now = plain({"arms": list(design.arms), "settings": design.settings})
    if innermost(first) != innermost({"scheme": design.scheme, **now}) or first["arms"] != now["arms"]:
        raise DesignError(
            f"the first batch was allocated by '{innermost(first)}' to {shown(first['arms'])}, this one by '{design.scheme}' to "
            f"{shown(now['arms'])}: a batch follows the same design. Use it, or another folder for another trial."
        )
    old, new = first["settings"], now["settings"]
    return sorted(k for k in {*old, *new} if old.get(k) != new.get(k))


def _keep_former(folder: Path, files: Files, count: int) -> None:
    """Files of a draw that is replaced stay, under another name."""
    for name in (files.table, files.workbook, files.certificate, files.secret) if count else ():
        if (folder / name).exists():
            stem, _, ending = name.partition(".")
            (folder / name).rename(folder / f"{stem}.replaced-{count}.{ending}")
