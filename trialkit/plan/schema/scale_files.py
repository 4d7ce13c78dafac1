"""Where the definition of a planned scale stands, without loading the measurement code: registry key or own TOML file."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import trialkit

__all__ = ["definition", "digest", "is_own", "refuse_damaged", "registry_keys", "scale_path"]


def is_own(scale: str) -> bool:
    """True for the path of a TOML file, False for a key of the registry."""
    return scale.endswith(".toml") or "/" in scale or "\\" in scale


@cache
def registry_keys() -> tuple[str, ...]:
    """Keys of the registry."""
    return tuple(sorted(p.stem for p in _registry().glob("*.toml")))


def scale_path(scale: str, folder: Path | None = None) -> Path:
    """The file that defines a scale; own files are looked for beside the plan."""
    return (folder or Path()) / scale if is_own(scale) else _registry() / f"{scale}.toml"


def definition(scale: str, folder: Path | None = None) -> dict[str, Any]:
    """The table of a scale's file; empty when there is no readable one (the measurement code says why, when it scores)."""
    try:
        return tomllib.loads(scale_path(scale, folder).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}


def digest(scale: str, folder: Path | None = None) -> str | None:
    """SHA-256 of the file that defines a scale; None when it cannot be read."""
    try:
        return hashlib.sha256(scale_path(scale, folder).read_bytes().replace(b"\r\n", b"\n")).hexdigest()
    except OSError:
        return None


def refuse_damaged(scales: Iterable[str], folder: Path | None) -> None:
    """Read the files of one's own that are there, so that a plan is not locked on a scale that cannot be scored.

    Raises
    ------
    ScaleError
        A file that defines no scale: says what is wrong in it.
    """
    for scale in dict.fromkeys(scales):
        if is_own(scale) and scale_path(scale, folder).exists():
            from trialkit.measurement import Scale

            Scale.from_toml(scale_path(scale, folder))


def _registry() -> Path:
    return Path(trialkit.__file__).parent / "measurement" / "registry"
