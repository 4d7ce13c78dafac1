"""A report that can be published by itself: bundle.json with the SHA-256 of every file, and a hash over them all.

Whoever changes a file can write a new bundle.json too. What a bundle proves is that it is the one whose hash was noted elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from trialkit.errors import FileReadError
from trialkit.report.writing.places import TEXT, line_marks

__all__ = [
    "NAME",
    "PLAN_FOLDER",
    "bundle_hash",
    "bundle_text",
    "files_in",
    "plan_files",
    "read_bundle",
    "seal",
    "write_plan_files",
]

NAME, PLAN_FOLDER = "bundle.json", "plan"
KIND, FORMAT_VERSION = "trialkit report bundle", 1
# Written by file managers into any folder, and by trialkit to know its own; no part of a report.
PASSED_OVER = frozenset({".trialkit", ".DS_Store", "Thumbs.db", "desktop.ini"})
MOST_BYTES = 50_000_000


def seal(folder: Path, told: Mapping[str, Any]) -> str:
    """Write bundle.json for every file that stands in the folder; its hash.

    Parameters
    ----------
    folder : of the report, complete but for this file.
    told : further entries, such as the hash of the lock's manifest.
    """
    from trialkit.io.write import atomic_text

    content = {
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        **told,
        "files": {name: _entry(folder / name) for name in files_in(folder)},
    }
    content["bundle_hash"] = bundle_hash(content)
    atomic_text(folder / NAME, bundle_text(content))
    return str(content["bundle_hash"])


def files_in(folder: Path) -> list[str]:
    """Names of the files of a report, bundle.json left out."""
    return sorted(_files_in(folder))


def bundle_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of everything else in bundle.json."""
    body = {k: v for k, v in content.items() if k != "bundle_hash"}
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def bundle_text(content: Mapping[str, Any]) -> str:
    """The one way bundle.json is written."""
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_bundle(folder: Path) -> tuple[dict[str, Any], str]:
    """bundle.json as a table, and its text.

    Raises
    ------
    FileReadError
        When there is none, or it cannot be read.
    """
    path = folder / NAME
    if not path.is_file():
        raise FileReadError(f"there is no {NAME} in '{folder}', so it is not the folder of a report: trialkit run writes one.")
    damaged = f"'{path}' cannot be read: it was damaged or changed. Use an undamaged copy of the report."
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError
        text = path.read_bytes().decode("utf-8")
        content = json.loads(text)
        files = content["files"]
        if content["kind"] != KIND or not all(isinstance(f, dict) and isinstance(f.get("sha256"), str) for f in files.values()):
            raise ValueError
        version = content["format_version"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise FileReadError(damaged) from None
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise FileReadError(
            f"'{path}' is of format {version}, and this trialkit reads up to {FORMAT_VERSION}: install a newer one."
        )
    return content, text


def plan_files(folder: Path) -> dict[str, bytes]:
    """The plan, locks, evidence and ledgers that a report carries, by their names beside the plan; none where there is no bundle."""
    try:
        names = read_bundle(folder)[0]["files"]
    except FileReadError:
        return {}
    inside = [n for n in names if n.startswith(f"{PLAN_FOLDER}/") and is_inside(n) and (folder / n).is_file()]
    return {name.removeprefix(f"{PLAN_FOLDER}/"): (folder / name).read_bytes() for name in inside}


def write_plan_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put them into the folder of a report."""
    for name, content in files.items():
        if not is_inside(name):
            raise FileReadError(f"'{name}' lies outside the folder of the plan, so it cannot be put into a report.")
        path = folder / PLAN_FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def is_inside(name: str) -> bool:
    """Whether a name stays inside the folder that it is put in."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\\" not in name and ":" not in name


def _files_in(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if (path.is_file() or path.is_symlink()) and name != NAME and path.name not in PASSED_OVER:
            yield name


def _entry(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    marks = line_marks(content) if path.suffix.lower() in TEXT else {}
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), **marks}
