"""The data as a second event: what was analysed, by its bytes and by its content, column by column.

The content hash is that of `trialkit.io.content_hash`, of the data as read and with the plan's missing codes blanked: columns sorted by
name, every value in one way of writing, rows in their order. The same values re-saved in another kind of file give the same hash.

A column with few different values can be guessed and tried out against a plain hash. The hashes of columns are therefore salted; the salt stands in
plan.data.json beside the plan and goes where the data go, and the published copy is without it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialkit.errors import LockError, UsageError, nearest
from trialkit.plan.locking.canonical import canonical_json, parse_strict, sha256_of_text
from trialkit.report.writing.bundle import is_inside

if TYPE_CHECKING:
    import pandas as pd

    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = [
    "Fingerprint",
    "fingerprint_beside",
    "fingerprint_of",
    "further_changed",
    "further_files",
    "held_against",
    "keep_fingerprint",
    "read_fingerprint",
]

KIND = "trialkit data fingerprint"
FORMAT_VERSION = 1
RULE = (
    "content_sha256: columns sorted by name, values in one way of writing, missing codes of the plan blanked, rows in their order; "
    "by_column: HMAC-SHA-256 of each column under a salt that goes with the data, and three sums that tell the row of a single change"
)
# A prime above every sum of row numbers; a change of one cell in row i moves the sums by d, i d and i^2 d modulo it.
PRIME = 2**61 - 1
_TEXT = (".csv", ".tsv", ".txt")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is known of the data that were analysed; `content` as it stands in the file."""

    content: Mapping[str, Any]

    @property
    def hash(self) -> str:
        """SHA-256 of everything but the salt: the same for the kept and the published copy."""
        return str(self.content["fingerprint_hash"])

    @property
    def salt(self) -> str | None:
        """The salt of the columns' hashes; None in a published copy."""
        return self.content.get("salt")

    def published(self) -> Fingerprint:
        """The same without the salt."""
        return Fingerprint({k: v for k, v in self.content.items() if k != "salt"})

    def text(self) -> str:
        """As it stands in its file."""
        return json.dumps(self.content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def fingerprint_beside(lock_or_plan: Path) -> Path:
    """plan.toml or plan.lock.json -> plan.data.json."""
    stem = lock_or_plan.name.removesuffix(".lock.json").removesuffix(".toml").removesuffix(".json")
    return lock_or_plan.with_name(f"{stem}.data.json")


def fingerprint_of(
    frame: pd.DataFrame | None,
    source: Mapping[str, Any],
    *,
    salt: str | None = None,
    missing_codes: Mapping[str, Any] | None = None,
    earlier: list[dict[str, Any]] | None = None,
    by: str | None = None,
    made_at: str | None = None,
    further: list[dict[str, Any]] | None = None,
) -> Fingerprint:
    """The fingerprint of data as `prepare.load_data` read them.

    Parameters
    ----------
    frame, source : the data, and what is known of their file (with 'content_sha256').
    salt : of the columns' hashes; without one there are none, and no frame is needed.
    missing_codes : the plan's, which were blanked; kept, so that the data can be read in the same way again.
    earlier : former data of the same plan. by, made_at : who, and when as ISO time.
    further : other data files of the plan, from `further_files`.
    """
    content: dict[str, Any] = {
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "rule": RULE,
        "file": str(source.get("file", "data")),
        "sha256": source.get("sha256"),
        "bytes": source.get("bytes"),
        "content_sha256": source["content_sha256"],
        "rows": int(source["rows"]),
        "columns": int(source["columns"]),
        "missing_codes": _texts(missing_codes or {}),
        "further": further or [],
        "by_column": [] if salt is None or frame is None else _by_column(frame, salt),
        "earlier": earlier or [],
        "by": by,
        "made_at": made_at or _moment(None),
    }
    content["fingerprint_hash"] = sha256_of_text(canonical_json(content))
    return Fingerprint(content if salt is None else {**content, "salt": salt})


def keep_fingerprint(
    target: Path,
    frame: pd.DataFrame,
    source: Mapping[str, Any],
    *,
    missing_codes: Mapping[str, Any] | None = None,
    further: list[dict[str, Any]] | None = None,
    by: str | None = None,
    at: datetime | None = None,
) -> Fingerprint:
    """Write the fingerprint beside the plan; the one of the same data that stands there already is kept, with its date.

    Other data than before are a new event: the former ones are listed under 'earlier', and nothing is forgotten.

    Raises
    ------
    LockError
        When the one that stands there was changed.
    """
    from trialkit.io.write import atomic_text

    before = read_fingerprint(target) if target.exists() else None
    if before is not None and before.salt is None:
        raise LockError(
            f"'{target.name}' is the published copy, without its salt: put back the one that was kept beside the plan."
        )
    earlier: list[dict[str, Any]] = []
    if before is not None:
        old = before.content
        now = (source.get("sha256"), source["content_sha256"], source.get("file"), further or [])
        if (old["sha256"], old["content_sha256"], old["file"], old["further"]) == now:
            return before
        earlier = [*old["earlier"], {k: old[k] for k in ("file", "sha256", "content_sha256", "rows", "columns", "by", "made_at")}]
    salt = secrets.token_hex(16) if before is None else str(before.salt)
    made = fingerprint_of(
        frame, source, salt=salt, missing_codes=missing_codes, earlier=earlier, by=by, made_at=_moment(at), further=further
    )
    atomic_text(target, made.text())
    return made


def further_files(spec: PlanSpec, folder: Path | None) -> list[dict[str, Any]]:
    """Data files that the plan names beside the one that is analysed, with the hash of their bytes; None where a file is not there."""
    from trialkit.plan.planned.beside import beside

    funnel = None if spec.selection.reach is None else spec.selection.reach.funnel
    events = None if spec.harms is None else spec.harms.events
    named = dict.fromkeys(name for name in (funnel, events) if name)
    return [{"file": name, "sha256": _sha256_of(beside(folder, name))} for name in named]


def further_changed(stored: Fingerprint, folder: Path) -> list[tuple[bool, str]]:
    """Of each further data file, whether it is the one that was read, and a sentence; those that are not in the folder are passed over."""
    found = []
    for entry in stored.content["further"]:
        now = _sha256_of(folder / str(entry["file"])) if is_inside(str(entry["file"])) else None
        if now is not None and entry["sha256"] is not None:
            same = now == entry["sha256"]
            found.append(
                (
                    same,
                    f"{entry['file']} {'is the file that was read, byte by byte' if same else 'was changed after it was read'}",
                )
            )
    return found


def _sha256_of(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def read_fingerprint(path: Path) -> Fingerprint:
    """A fingerprint that stands as it was written.

    Raises
    ------
    LockError
        When it cannot be read, or was changed.
    """
    damaged = f"'{path.name}' cannot be read as the fingerprint of data: it was damaged or changed. Use an undamaged copy."
    try:
        text = path.read_bytes().decode("utf-8")
        content = parse_strict(text)
    except (OSError, ValueError):
        raise LockError(damaged) from None
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise LockError(damaged)
    version = content.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise LockError(
            f"'{path.name}' is of format {version}, and this trialkit reads up to {FORMAT_VERSION}: install a newer one."
        )
    body = {k: v for k, v in content.items() if k not in ("fingerprint_hash", "salt")}
    found = Fingerprint(content)
    if sha256_of_text(canonical_json(body)) != content.get("fingerprint_hash") or text.replace("\r\n", "\n") != found.text():
        raise LockError(f"'{path.name}' was changed after it was made: its hash is another one. Use an undamaged copy.")
    return found


def held_against(stored: Fingerprint, data: Any, *, salt: str | None = None) -> tuple[bool, str]:
    """Whether data are those of the fingerprint, and a sentence; where they are not, the columns and rows that differ.

    A text file under the name of the analysed one must be that file, byte by byte. Other files and frames must hold the same values.

    Parameters
    ----------
    data : the path of a data file, or a frame.
    salt : of the columns' hashes, where `stored` is a published copy; without it the columns cannot be told.
    """
    from trialkit.io import apply_missing_codes
    from trialkit.io.frames import to_pandas
    from trialkit.io.labels import source as source_of
    from trialkit.io.read import read
    from trialkit.io.write import content_hash

    known, codes = stored.content, _codes(stored.content["missing_codes"])
    name, sha256 = "the data", None
    if isinstance(data, (str, Path)):
        frame = read(data, missing_codes=codes)
        found = source_of(frame)
        name, sha256 = Path(data).name, found["sha256"] if found is not None else None
    else:
        frame = apply_missing_codes(to_pandas(data), codes)
    if sha256 is not None and sha256 == known["sha256"]:
        return True, f"{name} is the file that was analysed, byte by byte"
    same = content_hash(frame) == known["content_sha256"]
    if same and sha256 is not None and name == known["file"] and name.lower().endswith(_TEXT):
        return (
            False,
            f"{name} was changed after it was analysed: every value is the same, but not every byte (layout, digits or line ends)",
        )
    if same:
        return True, f"{name} holds the values that were analysed, in another file ({known['file']} was read then)"
    where = _where(known, frame, salt or stored.salt)
    return False, f"{name} does not hold the data that were analysed: {where}"


def _where(known: Mapping[str, Any], frame: pd.DataFrame, salt: str | None) -> str:
    if len(frame) != known["rows"]:
        return f"{len(frame)} rows where there were {known['rows']}"
    stored = {c["name"]: c for c in known["by_column"]}
    if not stored or salt is None:
        return "its values have another hash (the fingerprint beside the plan, which holds the salt, tells the column and row)"
    names = [str(c) for c in frame.columns]
    gone = [f"there is no column '{c}'{_near(c, names)}" for c in stored if c not in names]
    more = [f"column '{c}' is new" for c in names if c not in stored]
    changed = []
    for column in _by_column(frame[[c for c in frame.columns if str(c) in stored]], salt):
        before = stored[column["name"]]
        if before["sha256"] != column["sha256"]:
            changed.append(f"column '{column['name']}' differs {_row(before['sums'], column['sums'], len(frame))}")
    return shown_plain([*gone, *more, *changed]) or "its values have another hash"


def shown_plain(told: list[str], most: int = 8) -> str:
    """Up to `most` of them, and how many more."""
    return "; ".join(told[:most]) + (f"; and {len(told) - most} more" if len(told) > most else "")


def _near(name: str, names: list[str]) -> str:
    near = nearest(name, names)
    return f" (near: '{near}')" if near else ""


def _row(before: list[str], now: list[str], rows: int) -> str:
    """Where a column changed: the row of a single change, else that there are several."""
    change = [(int(b, 16) - int(a, 16)) % PRIME for a, b in zip(before, now)]
    if change[0] == 0:
        return "in the order of its values: rows were exchanged"
    row = change[1] * pow(change[0], -1, PRIME) % PRIME
    if 1 <= row <= rows and change[2] == row * change[1] % PRIME:
        return f"in row {row} (line {row + 1} of a text file)"
    return "in more than one row"


def _by_column(frame: pd.DataFrame, salt: str) -> list[dict[str, Any]]:
    import numpy as np
    import pandas as pd

    from trialkit.io.frames import plain_objects, to_pandas
    from trialkit.io.write import column_texts

    data, key = to_pandas(frame), bytes.fromhex(salt)
    data.attrs = {}  # pandas copies the labels of a file deeply with every column that is taken
    data = plain_objects(data)
    rows = np.arange(1, len(data) + 1, dtype=np.int64)
    powers = [np.ones(len(data), dtype=np.int64), rows, rows * rows]
    found = []
    for name in data.columns:
        texts = column_texts(data[name], name)
        whole = hmac.new(
            key, f"{len(name)}:{name}|{';'.join(texts)}".encode("utf-8", "surrogatepass"), hashlib.sha256
        ).hexdigest()
        codes, kinds = pd.factorize(np.asarray(texts, dtype=object))
        digests = [_digest(key, f"{name}|{text}") for text in kinds]
        sums = []
        for power in powers:
            places = np.zeros(len(kinds), dtype=np.int64)
            np.add.at(places, codes, power)
            sums.append(sum(d * int(p) for d, p in zip(digests, places)) % PRIME)
        found.append({"name": name, "sha256": whole, "sums": [f"{s:x}" for s in sums]})
    return found


def _digest(key: bytes, text: str) -> int:
    made = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=8).digest()
    return int.from_bytes(made, "big") % PRIME


def _texts(codes: Mapping[str, Any]) -> dict[str, Any]:
    return {str(k): _texts(v) if isinstance(v, Mapping) else str(v) for k, v in codes.items()}


def _codes(stored: Mapping[str, Any]) -> dict[Any, Any]:
    return dict(stored)


def _moment(at: datetime | None) -> str:
    at = datetime.now(UTC) if at is None else at
    if at.tzinfo is None:
        raise UsageError("at needs a time zone, as in datetime.now(timezone.utc)")
    return at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
