"""Does a lock still hold: is the file unchanged, does the plan belong to it, what evidence is there, do the data fit? Works offline."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialkit.errors import LockError, TrialkitError, shown
from trialkit.plan.deviations.changes import changed_definitions, changes_of
from trialkit.plan.deviations.entry import Entry as Logged
from trialkit.plan.deviations.ledger import ledger_beside, read_ledger
from trialkit.plan.locking.canonical import sha256_of_json, sha256_of_text
from trialkit.plan.locking.checked import Check, Checked, noted_hash
from trialkit.plan.locking.differences import Difference, differences
from trialkit.plan.locking.evidence import Entry, attached_level, evidence_path, file_problems, read_evidence
from trialkit.plan.locking.expected import data_problems
from trialkit.plan.locking.fingerprint import fingerprint_beside, further_changed, held_against, read_fingerprint
from trialkit.plan.locking.levels import level_in_words
from trialkit.plan.locking.manifest import kept_beside, lock_text, locked_plan, parsed_lock, rendered
from trialkit.plan.locking.software import source_hash, versions
from trialkit.plan.reading.load import parse_plan, read_plan_text
from trialkit.plan.record import PlanRecord
from trialkit.plan.schema.plan_spec import PlanSpec
from trialkit.plan.schema.scale_files import digest, is_own

__all__ = ["Verification", "verify", "verify_plan"]


@dataclass(frozen=True, slots=True)
class Verification(Checked):
    """What `verify` found. `ok` is true when every check holds; `differences` lists the keys of the plan that changed."""

    path: Path
    ok: bool
    level: str
    checks: tuple[Check, ...]
    plan_hash: str
    manifest_hash: str
    locked_at: str
    differences: tuple[Difference, ...] = ()
    evidence: tuple[Entry, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain tables and lists, for JSON."""
        return {
            "path": str(self.path),
            "ok": self.ok,
            "level": self.level,
            "meaning": level_in_words(self.level),
            "locked_at": self.locked_at,
            "plan_hash": self.plan_hash,
            "manifest_hash": self.manifest_hash,
            "checks": [c._asdict() for c in self.checks],
            "differences": [{"path": d.path, "locked": d.locked, "present": d.present} for d in self.differences],
            "evidence": [dict(e.content) for e in self.evidence],
        }

    def __str__(self) -> str:
        head = f"{self.path.name}: {'everything holds' if self.ok else 'DOES NOT HOLD'} (locked on {self.locked_at})"
        rows = [f"  {'ok ' if c.ok else 'NO '} {c.name}: {c.sentence}" for c in self.checks]
        return "\n".join([head, *rows, f"  manifest hash {self.manifest_hash}", level_in_words(self.level)])


def verify(
    lock_path: str | Path,
    *,
    plan: PlanSpec | str | Path | None = None,
    data: Any = None,
    source_text: str | None = None,
    folder: str | Path | None = None,
    ledger: str | Path | None = None,
    noted: str | None = None,
) -> Verification:
    """Recompute the hashes of a lock and hold a plan and data against it.

    Parameters
    ----------
    lock_path
        The lock file.
    plan
        The present plan, or the path of its file: differing keys are listed with both values.
    data
        A data frame, or the path of a data file: its columns and arms are compared with what was locked.
    source_text
        The text of the plan file, where `plan` is a `PlanSpec`: tells a change of comments from none.
    folder
        Where the plan's own scale files stand; unsaid: beside the plan file, or beside the lock.
    ledger
        The ledger of deviations; unsaid: the one beside the plan file or the lock, if any. Changes that it tells do not fail the check.
    noted
        A hash of the manifest or the plan that someone noted: whoever makes a lock anew cannot give it that hash again.

    Returns
    -------
    Verification

    Raises
    ------
    LockError
        When the file cannot be read as a lock at all.

    Examples
    --------
    >>> print(verify("plan.lock.json", plan="plan.toml"))         # doctest: +SKIP
    """
    path = Path(lock_path)
    text = lock_text(path)
    manifest = parsed_lock(text, path.name)
    spec, source = _present_plan(plan, source_text)
    beside = Path(plan).parent if isinstance(plan, (str, Path)) else path.parent
    level, attached, looked_at = _evidence(path, manifest)
    changed = differences(locked_plan(manifest), spec.to_dict()) if spec is not None else ()
    at, entries, told = _ledger(path, plan, ledger, manifest)
    checks = [
        _file(text, manifest),
        _manifest(manifest),
        _plan(manifest),
        *_chain(path, manifest),
        *looked_at,
        *told,
        *_plan_file(manifest, spec, source, changed, at, entries),
        *_scales(manifest, Path(folder) if folder is not None else beside, entries),
        *_data(manifest, data),
        *_data_event(path, manifest, data),
        _versions(manifest),
        *_source(manifest),
        *noted_hash(noted, {"lock": manifest["manifest_hash"], "plan": manifest["plan_hash"]}),
    ]
    return Verification(
        path=path,
        ok=all(c.ok for c in checks),
        level=level,
        checks=tuple(checks),
        plan_hash=manifest["plan_hash"],
        manifest_hash=manifest["manifest_hash"],
        locked_at=manifest["locked_at"],
        differences=changed,
        evidence=attached,
    )


def verify_plan(plan: PlanRecord, lock: str | Path | None = None, *, data: Any = None) -> Verification:
    """The plan as it was read, and data if given, held against its lock; unsaid, the one beside it."""
    source = plan.lock_path if lock is None else Path(lock)
    ledger = ledger_beside(plan.path) if plan.path is not None else None
    return verify(source, plan=plan.spec, source_text=plan.text, data=data, folder=plan.folder, ledger=ledger)


def _file(text: str, manifest: dict[str, Any]) -> Check:
    expected = rendered(manifest)
    if text == expected:
        return Check("file", True, "the lock file stands as it was written")
    if text.replace("\r\n", "\n") == expected and text.count("\r\n") == text.count("\n"):
        return Check("file", True, "the lock file stands as it was written, with its line endings converted")
    return Check("file", False, "the lock file was edited: its layout is not as it was written")


def _manifest(manifest: dict[str, Any]) -> Check:
    content = {k: v for k, v in manifest.items() if k != "manifest_hash"}
    if _hash(content) == manifest["manifest_hash"]:
        return Check("manifest", True, "the manifest hash is that of the content")
    return Check("manifest", False, "the content of the lock was changed after it was made: its hash is another one")


def _plan(manifest: dict[str, Any]) -> Check:
    if _hash(manifest["plan"]) == manifest["plan_hash"]:
        return Check("locked plan", True, "the plan hash is that of the plan in the lock")
    return Check("locked plan", False, "the plan in the lock was changed after it was made: its hash is another one")


def _chain(path: Path, manifest: dict[str, Any]) -> Iterator[Check]:
    amendments = manifest["amendments"]
    if not amendments:
        return
    reasons = shown([str(a.get("reason")) if isinstance(a, dict) else str(a) for a in amendments], 3)
    told = f"amended {len(amendments)} time{'s' if len(amendments) > 1 else ''}: {reasons}"
    before = kept_beside(path, len(amendments) - 1)
    if not before.exists():
        yield Check("amendments", True, f"{told}; the lock before it ({before.name}) is not here to be compared")
        return
    try:
        earlier = parsed_lock(lock_text(before), before.name)
    except LockError as reason:
        yield Check("amendments", False, f"{told}; {reason}")
        return
    content = {k: v for k, v in earlier.items() if k != "manifest_hash"}
    holds = _hash(content) == manifest["previous_manifest_hash"]
    yield Check("amendments", holds, f"{told}; {before.name} {'is' if holds else 'is not'} the lock that was amended")


def _evidence(path: Path, manifest: dict[str, Any]) -> tuple[str, tuple[Entry, ...], list[Check]]:
    """The level with its evidence, the entries for this version of the lock, and what was looked at."""
    checks = [
        Check(
            "allocation",
            True,
            f"the allocation of batch {c.get('batch')} was committed to when the plan was locked ({c.get('file')})",
        )
        for c in manifest.get("allocation", ())
        if isinstance(c, dict)
    ]
    if not evidence_path(path).exists():
        return manifest["level"], (), checks
    try:
        found = read_evidence(path)
    except LockError as reason:
        return manifest["level"], (), [*checks, Check("evidence", False, str(reason))]
    problems = list(file_problems(path, found, manifest["manifest_hash"]))
    checks += [Check("evidence", False, problem) for problem in problems]
    mine = found.of(manifest["manifest_hash"])
    checks += [Check("evidence", True, str(entry)) for entry in mine if not problems]
    if len(mine) < len(found.entries):
        earlier = len(found.entries) - len(mine)
        checks.append(
            Check(
                "evidence",
                True,
                f"{earlier} further {'entry is' if earlier == 1 else 'entries are'} of another version of this lock",
            )
        )
    return (manifest["level"] if problems else attached_level(manifest, found)), mine, checks


_REMEDY = (
    "Put the locked plan back, write every change down with its reason (`trialkit deviate`), or lock the change as an amendment before "
    "the data are seen (`trialkit lock PLAN --amend 'why'`)"
)


def _plan_file(
    manifest: dict[str, Any],
    spec: PlanSpec | None,
    source: str | None,
    changed: tuple[Difference, ...],
    ledger: Path,
    entries: tuple[Logged, ...],
) -> Iterator[Check]:
    if spec is None:
        return
    if changed:
        found = changes_of(changed, entries)
        left = found.unlogged
        listed = "; ".join(str(c) for c in left[:12]) + (f" and {len(left) - 12} more" if len(left) > 12 else "")
        if left:
            yield Check(
                "plan",
                False,
                f"the plan differs from the locked one: {listed}. {_REMEDY}",
            )
        else:
            points = f"{len(changed)} point{'s' if len(changed) > 1 else ''}"
            yield Check(
                "plan", True, f"the plan differs from the locked one in {points}, told in {ledger.name} ({', '.join(found.ids)})"
            )
    elif source is None or sha256_of_text(source.replace("\r\n", "\n")) == manifest["source_hash"]:
        yield Check("plan", True, "the plan is the locked one")
    else:
        yield Check("plan", True, "the plan says what was locked; only comments or layout of its file changed")


def _ledger(
    lock_path: Path, plan: PlanSpec | str | Path | None, said: str | Path | None, manifest: dict[str, Any]
) -> tuple[Path, tuple[Logged, ...], list[Check]]:
    """The ledger of deviations, its entries, and whether they are as they were written."""
    places = [ledger_beside(Path(plan))] if isinstance(plan, (str, Path)) else []
    places = [Path(said)] if said is not None else [*places, ledger_beside(lock_path)]
    place = next((p for p in places if p.exists()), places[0])
    if not place.exists():
        return place, (), []
    try:
        entries = read_ledger(place, manifest)
    except LockError as reason:
        return place, (), [Check("deviations", False, str(reason))]
    many = f"{len(entries)} {'entry' if len(entries) == 1 else 'entries'}"
    return (
        place,
        entries,
        [Check("deviations", True, f"the {many} of {place.name} are as they were written, and begin at this lock")],
    )


def _scales(manifest: dict[str, Any], folder: Path, entries: tuple[Logged, ...]) -> Iterator[Check]:
    found = changes_of(list(changed_definitions(manifest, folder)), entries)
    logged = {d.path.removeprefix("scales['").removesuffix("'].definition"): e.id for d, e in found.logged}
    for entry in manifest["scales"]:
        name, scale, locked = entry.get("name"), str(entry.get("scale")), entry.get("sha256")
        now = digest(scale, folder)
        if locked is None or now is None:
            yield Check("scale", True, f"the file of scale '{name}' ('{scale}') is not here to be compared")
        elif now == locked:
            yield Check("scale", True, f"the definition of '{name}' is the locked one")
        elif is_own(scale) and name in logged:
            yield Check(
                "scale",
                True,
                f"the definition of '{name}' ('{scale}') was changed since the lock, told in the ledger ({logged[name]})",
            )
        else:
            # A newer trialkit may have corrected its registry; that is told, and is no tampering.
            told = "was changed" if is_own(scale) else "in the registry differs in this version of trialkit"
            yield Check("scale", not is_own(scale), f"the definition of '{name}' ('{scale}') {told} since the lock")


def _data(manifest: dict[str, Any], data: Any) -> Iterator[Check]:
    if data is None:
        return
    from trialkit.io.frames import to_pandas

    where, told = "the data", ""
    if isinstance(data, (str, Path)):
        from trialkit.io.read import read

        where = Path(data).name
        try:
            frame = read(data)
        except TrialkitError as reason:
            yield Check("data", False, str(reason))
            return
        told = f" (SHA-256 of the file: {hashlib.sha256(Path(data).read_bytes()).hexdigest()})"
    else:
        frame = to_pandas(data)
    arm = next((c["name"] for c in manifest["expected_data"] if "arm" in c["roles"]), None)
    arms = frame[arm].dropna().unique().tolist() if arm in frame.columns else None
    problems = data_problems(manifest["expected_data"], list(frame.columns), arms)
    if problems:
        yield Check("data", False, "; ".join(problems))
    else:
        yield Check("data", True, f"{where} has the columns and arms that were locked{told}")


def _data_event(path: Path, manifest: dict[str, Any], data: Any) -> Iterator[Check]:
    """The data against the fingerprint of those that were analysed, where one stands beside the lock."""
    if data is None:
        return
    stored = fingerprint_beside(path)
    if not stored.exists():
        return
    try:
        found = read_fingerprint(stored)
        yield Check("data event", *held_against(found, data))
        yield from (Check("further data", *told) for told in further_changed(found, path.resolve().parent))
    except TrialkitError as reason:
        yield Check("data event", False, str(reason))


def _versions(manifest: dict[str, Any]) -> Check:
    present = versions()
    changed = [f"{k} {v} -> {present.get(k, 'absent')}" for k, v in manifest["versions"].items() if present.get(k) != v]
    if not changed:
        return Check("versions", True, "the package versions are those of the lock")
    return Check("versions", True, f"other versions than at the lock, which can move last digits: {', '.join(changed)}")


def _source(manifest: dict[str, Any]) -> Iterator[Check]:
    """Whether the installed trialkit is the one of the lock, file by file; told, and no tampering of the lock."""
    locked = manifest.get("source_sha256")
    if locked is None or manifest["versions"].get("trialkit") != versions().get("trialkit"):
        return
    if locked == source_hash():
        yield Check("code", True, "the files of trialkit are those of the lock")
    else:
        yield Check(
            "code", True, "trialkit has the version of the lock but not the same files: it was patched, or is a working copy"
        )


def _present_plan(plan: PlanSpec | str | Path | None, source: str | None) -> tuple[PlanSpec | None, str | None]:
    if isinstance(plan, (str, Path)):
        text = read_plan_text(plan)
        return parse_plan(text, Path(plan).name), text
    return plan, source


def _hash(content: Any) -> str | None:
    try:
        return sha256_of_json(content)
    except ValueError:
        return None
