"""Which code made a number: versions of the packages, and a hash of the installed trialkit's own files."""

from __future__ import annotations

import hashlib
import platform
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import trialkit

__all__ = ["dependencies", "source_hash", "versions"]

PACKAGES = ("trialkit", "numpy", "scipy", "pandas")
_SOURCES = frozenset({".py", ".pyi", ".toml", ".json", ".jinja", ".j2", ".html", ".css", ".js", ".csv"})


@cache
def versions() -> dict[str, str]:
    """Versions of the packages whose numbers enter a result."""
    return {"python": platform.python_version(), **{package: _version(package) for package in PACKAGES}}


@cache
def dependencies() -> dict[str, str]:
    """Versions of everything that trialkit needs to run, by name."""
    try:
        needed = requires("trialkit") or []
    except PackageNotFoundError:  # running from a source tree that was never installed
        needed = []
    names = {re.split(r"[\s;<>=!~\[(]", line, maxsplit=1)[0].lower() for line in needed if "extra ==" not in line}
    return {name: _version(name) for name in sorted(names)}


@cache
def source_hash() -> str:
    """SHA-256 over the names and contents of trialkit's own files: a patched copy under the same version has another one.

    Line endings do not count, nor do compiled files.
    """
    root = Path(trialkit.__file__).parent
    digest = hashlib.sha256(b"trialkit source 1;")
    for path in sorted(p for p in root.rglob("*") if p.suffix in _SOURCES and p.is_file()):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        name = path.relative_to(root).as_posix()
        digest.update(f"{len(name.encode())}:{name}|{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
