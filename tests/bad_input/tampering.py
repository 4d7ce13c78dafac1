"""One character changed anywhere in what a study keeps: every verification that reads the file finds it, and names the file and the place.

`python -m tests.bad_input.tampering --places 60 --seed 1` prints, by file, how many changes were found, named and placed, and which were not.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bad_input.fuzz_cases import sealed
from tests.bad_input.hostile import command

# what stands in a folder of a report and is no part of it
PASSED_OVER = (".trialkit",)
# where a change is, in other words than the number of its line: a person of a list, a key of the plan, a cell of the data
ELSEWHERE = re.compile(
    r"another entry for|no row for|differs from the locked one: |changed at |differs in row|says something else than .* under '"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that is kept, and the command that verifies it."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a verification says of one changed character: whether it found it, named the file and the place, and its words."""

    where: int
    found: bool
    named: bool
    placed: bool
    said: str


def kept_files(folder: Path) -> list[Kept]:
    """Every file that a verification speaks for."""
    verify = ("verify", "plan.lock.json", "--data", "data.csv")
    report = [Kept(f"report/{p}", ("verify", "report")) for p in _files(folder / "report")]
    allocation = ("verify", "allocation/certificate.json", "--data", "people.csv")
    return [
        *report,
        *(Kept(n, verify) for n in ("plan.lock.json", "plan.lock.evidence.json", "plan.deviations.jsonl", "plan.data.json", "data.csv", "plan.toml")),
        *(Kept(f"allocation/{p}", allocation) for p in _files(folder / "allocation")),
        Kept("people.csv", allocation),
        *(Kept(f"enrolled/{n}", ("randomize", "rolling.toml", "people.csv", "--out", "enrolled")) for n in ("enrolment.jsonl", "enrolment.jsonl.head", "enrolment.seed.json")),
    ]  # fmt: skip


def _files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name not in PASSED_OVER)


def tampered(kept: Kept, folder: Path, places: int, draw: random.Random) -> Iterator[Seen]:
    """Change one character at a time, verify, and put it back."""
    path = folder / kept.name
    good = path.read_bytes()
    try:
        for _ in range(places):
            where = draw.randrange(len(good))
            other = draw.choice([b for b in _bytes_like(good[where]) if b != good[where]])
            path.write_bytes(good[:where] + bytes([other]) + good[where + 1 :])
            done = command(kept.arguments)
            said = done.out + done.err
            wrong = [line for line in said.splitlines() if line.startswith(("  NO ", "error: "))]
            line = good[:where].count(b"\n") + 1
            named = any(path.name in text for text in wrong)
            placed = any(re.search(rf"\b(line|lines|entry|row) {line}\b", text) or ELSEWHERE.search(text) for text in wrong)
            yield Seen(where, done.code not in (0, 1), named, placed, " | ".join(wrong)[:300] or said[-200:])
    finally:
        path.write_bytes(good)


def _bytes_like(byte: int) -> bytes:
    """Characters that would not be noticed in the place of another."""
    for kind in (b"0123456789", b"abcdefghijklmnopqrstuvwxyz", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b" ,;.:-_"):
        if byte in kind:
            return kind
    return bytes(range(256))


def looked_at(places: int, seed: int, only: str = "") -> Iterator[tuple[Kept, list[Seen]]]:
    """Every kept file with what was seen of its changes."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="tampering ") as made:
        folder = Path(made) / "study"
        shutil.copytree(sealed(), folder)
        os.chdir(folder)
        try:
            done = command(("release", "allocation", "--enrolment-closed"))
            assert done.code == 0, done.err
            for kept in kept_files(folder):
                if only in kept.name:
                    yield kept, list(tampered(kept, folder, places, random.Random(f"{seed} {kept.name}")))
        finally:
            os.chdir(here)


def main(arguments: list[str] | None = None) -> int:
    """Print what was seen; 0 when every change was found."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--places", type=int, default=60)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--only", default="")
    said = asked.parse_args(arguments)
    missed = 0
    for kept, seen in looked_at(said.places, said.seed, said.only):
        unseen = [s for s in seen if not s.found]
        missed += len(unseen)
        print(
            f"{kept.name}: {len(seen) - len(unseen)} of {len(seen)} found, {sum(s.named for s in seen)} named, {sum(s.placed for s in seen)} placed",
            flush=True,
        )
        for s in unseen[:3]:
            print(f"    not found at byte {s.where}: {s.said}")
        unnamed = [s for s in seen if s.found and not s.named]
        for s in unnamed[:2]:
            print(f"    not named, byte {s.where}: {s.said}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
