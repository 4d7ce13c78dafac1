"""Does a published report still hold: every file as it was written, and plan, lock, results and data belonging to each other? Works offline
on the folder alone, and says where a change sits.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialkit.errors import TrialkitError
from trialkit.plan.locking.chain import broken_at, lines_of
from trialkit.plan.locking.checked import Check, Checked, noted_hash
from trialkit.plan.locking.fingerprint import Fingerprint, further_changed, held_against, read_fingerprint
from trialkit.plan.locking.levels import level_in_words
from trialkit.plan.locking.verify import Verification, verify
from trialkit.report.writing.bundle import NAME, PLAN_FOLDER, bundle_hash, bundle_text, files_in, is_inside, read_bundle
from trialkit.report.writing.places import changed_lines, key_of_line

__all__ = ["BundleVerification", "verify_bundle"]

MOST_SHOWN = 120


@dataclass(frozen=True, slots=True)
class BundleVerification(Checked):
    """What `verify_bundle` found in the folder of a report.

    `ok` is true when every check holds; `changed` names the files that are not as they were written; `lock` is what was found about the
    lock that the report carries, None without one.
    """

    path: Path
    ok: bool
    checks: tuple[Check, ...]
    changed: tuple[str, ...]
    bundle_hash: str
    lock: Verification | None

    def to_dict(self) -> dict[str, Any]:
        """Plain tables and lists, for JSON."""
        return {
            "path": str(self.path),
            "ok": self.ok,
            "bundle_hash": self.bundle_hash,
            "changed": list(self.changed),
            "checks": [c._asdict() for c in self.checks],
            "proven": proven(self),
            "not_proven": not_proven(self),
            "lock": None if self.lock is None else self.lock.to_dict(),
        }

    def __str__(self) -> str:
        head = f"{self.path.name}: {'everything holds' if self.ok else 'DOES NOT HOLD'}"
        rows = [f"  {'ok ' if c.ok else 'NO '} {c.name}: {c.sentence}" for c in self.checks]
        told = [
            "What this shows",
            *(f"  - {s}" for s in proven(self)),
            "What it does not show",
            *(f"  - {s}" for s in not_proven(self)),
        ]
        level = [] if self.lock is None else [level_in_words(self.lock.level)]
        return "\n".join([head, *rows, f"  bundle hash {self.bundle_hash}", *told, *level])


def verify_bundle(folder: str | Path, *, data: Any = None, noted: str | None = None) -> BundleVerification:
    """Check the folder of a report, with what belongs to it.

    Parameters
    ----------
    folder
        What `trialkit run` wrote, or a copy of it.
    data
        A data file or frame, to be held against the data that were analysed.
    noted
        A hash that someone noted when the report or the lock was made: of the bundle, of the lock's manifest or of the plan. Without one
        a bundle that was made anew as a whole cannot be told from the first.

    Raises
    ------
    FileReadError
        When the folder holds no bundle.json that can be read.

    Examples
    --------
    >>> print(verify_bundle("report", data="wave1.csv"))          # doctest: +SKIP
    """
    folder = Path(folder)
    bundle, text = read_bundle(folder)
    found = list(_files(folder, bundle))
    checks = [_seal(bundle, text), *(c for _, c in found)]
    if not found:
        checks.append(Check("files", True, f"all {len(bundle['files'])} files are as they were written"))
    results = _results(folder)
    lock_path, plan_path = _places(folder, bundle)
    lock, from_lock = _lock(lock_path, plan_path)
    checks += from_lock
    checks += _ledgers(folder, bundle, lock)
    checks += _belongs(bundle, results, lock)
    checks += _data(folder, bundle, results, data)
    hashes = {} if lock is None else {"lock": lock.manifest_hash, "plan": lock.plan_hash}
    checks += noted_hash(noted, {"bundle": str(bundle.get("bundle_hash")), **hashes})
    return BundleVerification(
        path=folder,
        ok=all(c.ok for c in checks),
        checks=tuple(checks),
        changed=tuple(dict.fromkeys(name for name, _ in found)),
        bundle_hash=str(bundle.get("bundle_hash")),
        lock=lock,
    )


def proven(found: BundleVerification) -> list[str]:
    """What holds, in words."""
    if not found.ok:
        return ["that the report is not as it was made, or does not belong together: see the lines marked NO"]
    told = ["no file of the report was changed, added or taken away since its bundle.json was written"]
    if found.lock is not None:
        told.append(
            f"the results name the lock that the report carries (manifest {found.lock.manifest_hash[:12]}), and "
            + (
                "every point where the plan differs from the locked one is in the ledger"
                if found.lock.differences
                else "the plan is the locked one"
            )
        )
    if any(c.name == "data" for c in found.checks):
        told.append("the data given here are those that the results name")
    if any(c.name == "noted hash" for c in found.checks):
        told.append("it is the one whose hash you noted")
    return told


def not_proven(found: BundleVerification) -> list[str]:
    """What a folder by itself cannot show."""
    told = []
    if not any(c.name == "noted hash" for c in found.checks):
        told.append(
            "that it is the first report: whoever writes every file anew can write a new bundle.json. Compare the bundle hash with one that "
            "was noted elsewhere (--noted HASH)"
        )
    if found.lock is None:
        told.append("that the plan was written before the data were seen: it was not locked")
    elif found.lock.level in ("L0", "L1 (claimed)", "L2 (claimed)", "L3 (claimed)"):
        told.append(f"when the plan was locked, and that no other plan was (level {found.lock.level})")
    else:
        told.append(
            f"that no other plan was locked; the evidence for level {found.lock.level} is kept here, its issuer has to be asked"
        )
    told.append("that the numbers follow from the data: run the plan again on the data for that")
    if not any(c.name == "data" for c in found.checks):
        told.append("that data you hold are the ones that were analysed: give them with --data")
    return told


def _seal(bundle: Mapping[str, Any], text: str) -> Check:
    if bundle_hash(bundle) != bundle.get("bundle_hash"):
        return Check(NAME, False, f"{NAME} was changed after it was written: its hash is another one")
    if text.replace("\r\n", "\n") != bundle_text(bundle) or text.count("\r") not in (0, text.count("\n")):
        return Check(NAME, False, f"{NAME} was edited: its layout is not as it was written")
    return Check(NAME, True, f"{NAME} stands as it was written")


def _files(folder: Path, bundle: Mapping[str, Any]) -> Iterator[tuple[str, Check]]:
    """A check for every file that is not as bundle.json says."""
    present = set(files_in(folder))
    for name, stored in bundle["files"].items():
        path = folder / name
        if not is_inside(name):
            yield name, Check("file", False, f"{NAME} names '{name}', which lies outside the report")
        elif name not in present:
            yield name, Check("file", False, f"{name} is gone")
        elif path.is_symlink():
            yield name, Check("file", False, f"{name} is a link to another file")
        elif hashlib.sha256(content := path.read_bytes()).hexdigest() != stored["sha256"]:
            yield name, Check("file", False, f"{name} was changed{_where(name, content, stored)}")
    for name in sorted(present - bundle["files"].keys()):
        yield name, Check("file", False, f"{name} was added")


def _where(name: str, content: bytes, stored: Mapping[str, Any]) -> str:
    """The place of a change in words."""
    if "marks" not in stored:
        return ""
    if hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest() == stored["sha256"]:
        return ": its line ends were converted, and nothing else (copy the report as it is, without conversion of text files)"
    place = changed_lines(content, stored)
    if place is None:
        return ""
    first, last = place
    if first > content.count(b"\n") + 1:
        return f": it ends before line {first}"
    if first != last:
        return f" in lines {first} to {last}"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return f" in line {first}"
    # a hostile file must not steer the terminal that this is printed on
    line = "".join(c if c.isprintable() else "\ufffd" for c in text.split("\n")[first - 1].strip())
    now = line if len(line) <= MOST_SHOWN else f"{line[:MOST_SHOWN]}..."
    key = f" at {key_of_line(text, first)}" if name.endswith(".json") and key_of_line(text, first) else ""
    return f"{key} in line {first}, which now reads: {now}" if now else f"{key} in line {first}, which is empty now"


def _results(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / "results.json").read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _places(folder: Path, bundle: Mapping[str, Any]) -> tuple[Path | None, Path | None]:
    """The lock and the plan of the report."""
    here = [n for n in bundle["files"] if n.startswith(f"{PLAN_FOLDER}/") and n.count("/") == 1 and is_inside(n)]
    manifest = bundle.get("manifest_hash")
    locks = [
        folder / n
        for n in here
        if n.endswith(".json") and not n.endswith((".evidence.json", ".data.json")) and (folder / n).is_file()
    ]
    tables = [folder / n for n in here if n.endswith(".toml") and (folder / n).is_file()]
    plans = [p for p in tables if _is_plan(p)] or tables
    lock = (
        next((p for p in locks if f'"manifest_hash": "{manifest}"' in p.read_text("utf-8", "replace")), None)
        if manifest
        else None
    )
    if lock is None and manifest:
        lock = next((p for p in locks if not p.stem[-1:].isdigit()), None)
    beside = lock.name.removesuffix(".lock.json") + ".toml" if lock is not None else ""
    return lock, next((p for p in plans if p.name == beside), plans[0] if plans else None)


def _is_plan(path: Path) -> bool:
    """A plan, and not the scale that may stand beside it."""
    try:
        return "arms" in tomllib.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        return False


def _lock(lock_path: Path | None, plan_path: Path | None) -> tuple[Verification | None, list[Check]]:
    if lock_path is None:
        return None, [Check("lock", True, "the report carries no lock: the plan was not locked before the run")]
    try:
        found = verify(lock_path, plan=plan_path)
    except TrialkitError as reason:
        return None, [Check("lock", False, f"{PLAN_FOLDER}/{lock_path.name}: {reason}")]
    names = {
        "file": lock_path.name,
        "manifest": lock_path.name,
        "locked plan": lock_path.name,
        "plan": plan_path.name if plan_path else "",
    }
    return found, [c._replace(sentence=f"{names[c.name]}: {c.sentence}") if names.get(c.name) else c for c in found.checks]


def _ledgers(folder: Path, bundle: Mapping[str, Any], lock: Verification | None) -> Iterator[Check]:
    """Chains of lines; that of the deviations is held against the lock where there is one."""
    for name in bundle["files"]:
        if lock is not None and name.endswith(".deviations.jsonl"):
            continue
        if not name.endswith(".jsonl") or not is_inside(name) or not (folder / name).is_file():
            continue
        lines = lines_of((folder / name).read_bytes().decode("utf-8", "replace"))
        broken = broken_at(lines)
        if broken is not None:
            yield Check("ledger", False, f"entry {broken} of {name} is not as it was written, or one before it is missing")
        else:
            told = "the entry of" if len(lines) == 1 else f"the {len(lines)} entries of"
            yield Check("ledger", True, f"{told} {name} {'stands' if len(lines) == 1 else 'stand'} as written")


def _belongs(bundle: Mapping[str, Any], results: Mapping[str, Any] | None, lock: Verification | None) -> Iterator[Check]:
    """Whether the results name the lock that is here."""
    if results is None:
        yield Check("results", False, "results.json cannot be read")
        return
    told = results.get("lock")
    named = told if isinstance(told, Mapping) else {}
    if lock is not None and named.get("manifest_hash") != lock.manifest_hash:
        yield Check("results", False, "results.json names another lock than the report carries (lock.manifest_hash)")
    elif lock is None and named.get("manifest_hash"):
        yield Check(
            "results", False, "results.json names a lock (lock.manifest_hash), and the report carries none that can be read"
        )
    elif named.get("plan_hash") != bundle.get("plan_hash"):
        yield Check("results", False, f"results.json and {NAME} name different plans (lock.plan_hash)")
    elif lock is not None and named.get("level") != lock.level:
        yield Check(
            "results", False, f"results.json says level {named.get('level')} (lock.level), and what is here gives {lock.level}"
        )
    elif lock is not None:
        yield Check("results", True, "results.json names the lock that the report carries")


def _data(folder: Path, bundle: Mapping[str, Any], results: Mapping[str, Any] | None, data: Any) -> list[Check]:
    names = [n for n in bundle["files"] if n.startswith(f"{PLAN_FOLDER}/") and n.endswith(".data.json") and is_inside(n)]
    if not names:
        return [Check("data", False, "the report carries no fingerprint to hold them against")] if data is not None else []
    name = names[0]
    try:
        found = read_fingerprint(folder / name)
    except TrialkitError as reason:
        return [Check("data fingerprint", False, f"{name}: {reason}")]
    told = (results or {}).get("data")
    named = told if isinstance(told, Mapping) else {}
    same = (named.get("fingerprint_sha256"), named.get("content_sha256")) == (found.hash, found.content["content_sha256"])
    sentence = "names the data of the results" if same else "is not of the data that results.json names (data.content_sha256)"
    checks = [Check("data fingerprint", same, f"{name} {sentence}")]
    if data is not None:
        try:
            checks.append(Check("data", *held_against(found, data, salt=_salt(folder, found, data))))
        except TrialkitError as reason:
            checks.append(Check("data", False, str(reason)))
        if isinstance(data, (str, Path)):
            checks += [Check("further data", *told) for told in further_changed(found, Path(data).resolve().parent)]
    return checks


def _salt(folder: Path, published: Fingerprint, data: Any) -> str | None:
    """The salt of the columns' hashes from the fingerprint that was kept beside the data, the plan or the report."""
    near = [folder.resolve().parent, folder.resolve().parent.parent]
    if isinstance(data, (str, Path)):
        near.insert(0, Path(data).resolve().parent)
    for place in near:
        for path in sorted(place.glob("*.data.json")):
            try:
                kept = read_fingerprint(path)
            except TrialkitError:
                continue
            if kept.hash == published.hash and kept.salt is not None:
                return kept.salt
    return None
