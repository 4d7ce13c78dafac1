"""Release of the seeds of an allocation, after enrolment has closed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from trialkit.design.record.certify import certificate_text
from trialkit.design.record.folder import LOG, RELEASE, Files, filled, read_secret
from trialkit.design.record.ledger import chained, commitment, log_text, moment, read_log
from trialkit.errors import LockError, UnblindingError, UsageError
from trialkit.io.write import atomic_text
from trialkit.misuse import explained

KIND = "trialkit seed release"


@explained
def release(
    folder: str | Path,
    *,
    enrolment_closed: bool,
    secrets: Mapping[int, str | Path] | None = None,
    by: str | None = None,
    at: datetime | None = None,
) -> Path:
    """Publish the seeds of a folder's allocations, so that anyone can draw them again; nothing more is allocated in it afterwards.

    Parameters
    ----------
    enrolment_closed : say True when the last person has been enrolled; before, the seed would give later assignments away.
    secrets : batch -> file with its seed, where it was not kept in the folder.
    by, at : who released (for the log), and the time; unsaid: now.

    Returns
    -------
    Path
        Of `seed.release.json`, for whoever holds the certificate.

    Raises
    ------
    UnblindingError
        When enrolment has not closed.
    LockError
        A seed that is not the one committed to, an edited log, seeds that were released before.

    Examples
    --------
    >>> import pathlib, tempfile, trialkit as tk
    >>> folder = pathlib.Path(tempfile.mkdtemp()) / "allocation"
    >>> design = tk.design.complete({"id": range(6)}, unit="id", arms={"solo": 1, "peer": 1})
    >>> made = tk.design.allocate(design, folder=folder)
    >>> release(folder, enrolment_closed=True).name
    'seed.release.json'
    """
    place = Path(folder).expanduser().resolve()
    log = read_log(place / LOG)
    if not log:
        raise UsageError(f"'{place.name}' holds no allocation: name the folder that allocate() wrote.")
    if enrolment_closed is not True:
        raise UnblindingError(
            "the seed gives every assignment away: release it when enrolment has closed, with enrolment_closed=True."
        )
    if (place / RELEASE).exists() or any(line["event"] == "release" for line in log):
        raise LockError(f"the seeds of '{place.name}' were released before: they are in {RELEASE}.")
    batches = [_checked(place, b, (secrets or {}).get(b)) for b in sorted({line["batch"] for line in log})]
    when = moment(at)
    content = {"kind": KIND, "format_version": 1, "released_at": when, "batches": batches}
    entry = {"at": when, "event": "release", "batch": 0, "certificates": [b["certificate"] for b in batches], "by": by}
    with filled(place) as new:
        atomic_text(new / RELEASE, certificate_text(content))
        atomic_text(new / LOG, log_text([*log, chained(log, entry)]))
    return place / RELEASE


def _checked(place: Path, batch: int, elsewhere: str | Path | None) -> dict[str, Any]:
    """The seed and salt of a batch, which must be those committed to."""
    path = place / Files(batch).secret if elsewhere is None else Path(elsewhere).expanduser()
    hidden = read_secret(path)
    try:
        made = json.loads((place / Files(batch).certificate).read_text("utf-8"))
        promise, own = made["seed_commitment"], made["certificate_hash"]
    except (OSError, ValueError, KeyError, TypeError):
        raise LockError(f"'{Files(batch).certificate}' is gone or damaged: put back the undamaged copy.") from None
    if commitment(hidden["salt"], "seed", hidden["seed"]) != promise:
        raise LockError(
            f"the seed in '{path.name}' is not the one that {Files(batch).certificate} commits to: use the file of that batch."
        )
    return {"batch": batch, "certificate": own, "seed": hidden["seed"], "salt": hidden["salt"]}


def read_release(path: Path) -> dict[str, Any]:
    """The content of a release file, as `release` wrote it: `released_at`, and `batches` with certificate, seed and salt.

    Raises
    ------
    LockError
        When it is gone, damaged or edited.
    """
    try:
        text = path.read_bytes().decode("utf-8")
        content: dict[str, Any] = json.loads(text)
        whole = content["kind"] == KIND and content["format_version"] == 1 and isinstance(content["released_at"], str)
        if not whole or text.replace("\r\n", "\n") != certificate_text(content):
            raise ValueError
        for entry in content["batches"]:
            if f"{int(entry['seed'], 16):x}" != entry["seed"] or type(entry["batch"]) is not int:
                raise ValueError
            if not isinstance(entry["salt"], str) or not isinstance(entry["certificate"], str):
                raise ValueError
    except (OSError, ValueError, KeyError, TypeError):
        raise LockError(f"'{path.name}' cannot be read as a release of seeds: use an undamaged copy.") from None
    return content
