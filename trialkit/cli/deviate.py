"""`trialkit deviate` and `trialkit erratum`: what to log, asked for on a terminal, refused elsewhere; a corrected report beside an earlier one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from trialkit.cli.show import Told, in_flags
from trialkit.errors import UsageError
from trialkit.plan.deviations.entry import CHOICES, Entry, brief, checked_choice, kind_of_path
from trialkit.plan.deviations.log import ledger_of, log_deviations, present_changes, wanted
from trialkit.plan.locking.differences import Difference
from trialkit.plan.locking.manifest import locked_plan
from trialkit.plan.plan import Plan

NEEDED = ("reason", "timing", "severity", "validity", "by")
QUESTIONS = {
    "type": "kind of deviation",
    "reason": "why",
    "timing": "when was it decided",
    "severity": "severity of the test (its capability to show the claim wrong)",
    "validity": "validity of the conclusion",
    "by": "your name",
}


def deviate(
    plan_path: Path,
    given: Mapping[str, str | None],
    *,
    path: str | None,
    original: str | None,
    new: str | None,
    lock: Path | None,
) -> Told:
    """Log what the plan or the options tell; on a terminal what is missing is asked for, change by change."""
    plan = Plan.load(plan_path)
    with in_flags(**{name: name for name in ("type", "new", "original", *NEEDED)}):
        return _logged(plan, given, path=path, original=original, new=new, lock=lock)


def _logged(
    plan: Plan,
    given: Mapping[str, str | None],
    *,
    path: str | None,
    original: str | None,
    new: str | None,
    lock: Path | None,
) -> Told:
    for key in CHOICES:
        if given.get(key):
            checked_choice(key, given[key])
    changes: list[Difference] = []
    if new is None:
        _, manifest, _ = ledger_of(plan, lock)
        changes = list(wanted(present_changes(plan, lock), locked_plan(manifest), path, original, None, None))
    missing = [k for k in NEEDED if not given.get(k)]
    if not missing:
        said: dict[str, Any] = {k: v for k, v in given.items() if v}
        return _told(plan, log_deviations(plan, **said, path=path, original=original, new=new, lock=lock), lock)
    if not _can_ask():
        raise UsageError(_refusal(changes, missing, path, new))
    found: list[Entry] = []
    answers = dict(given)
    for change in changes or [Difference(path or "", original, new)]:
        print(f"{change}", file=sys.stderr)
        answers = _asked(change, given, by=answers.get("by"))
        kept = {k: v for k, v in answers.items() if v}
        one: dict[str, Any] = {"path": change.path or None, **kept}
        if not changes:
            one |= {"original": original, "new": new}
        found += log_deviations(plan, **one, lock=lock)
    return _told(plan, tuple(found), lock)


def listed(plan_path: Path, lock: Path | None) -> Told:
    """What the ledger holds, and what it does not tell yet; nothing is written."""
    plan = Plan.load(plan_path)
    _, _, entries = ledger_of(plan, lock)
    changes = present_changes(plan, lock)
    lines = [str(e) for e in entries] or ["The ledger is empty."]
    lines += [f"not logged: {d}" for d in changes.unlogged]
    return Told(
        "\n".join(lines),
        {
            "entries": [e.to_dict() | {"hash": e.hash} for e in entries],
            "unlogged": [{"path": d.path, "locked": d.locked, "present": d.present} for d in changes.unlogged],
        },
    )


def _can_ask() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _refusal(changes: list[Difference], missing: list[str], path: str | None, new: str | None) -> str:
    listed = "; ".join(f"{d.path}: {brief(d.locked)} -> {brief(d.present)}" for d in changes[:12])
    what = f"{len(changes)} change{'s' if len(changes) != 1 else ''} ({listed})" if new is None else f"'{new}'"
    options = " ".join(f"--{k} {'|'.join(CHOICES[k]) if k in CHOICES else '...'}" for k in missing)
    each = " With --path KEY one of them is logged, with a reason of its own." if len(changes) > 1 and path is None else ""
    return f"nothing was logged: for {what} a reader must be told more. Add {options}{each}"


def _asked(change: Difference, given: Mapping[str, str | None], by: str | None) -> dict[str, str | None]:
    """What the options do not say, from the person at the terminal."""
    answers = dict(given)
    for key in ("type", *NEEDED):
        if answers.get(key):
            continue
        unsaid = kind_of_path(change.path) if key == "type" and change.path else by if key == "by" and by else None
        answers[key] = _ask(key, unsaid)
    return answers


def _ask(key: str, unsaid: str | None, read: Callable[[], str] | None = None) -> str:
    choices = f" ({' | '.join(CHOICES[key])})" if key in CHOICES else ""
    while True:
        print(f"  {QUESTIONS[key]}{choices}{f' [{unsaid}]' if unsaid else ''}: ", end="", file=sys.stderr, flush=True)
        line = (read or sys.stdin.readline)()
        if not line:
            raise UsageError(f"{key} was not answered; what was not answered in full is not logged.")
        said = line.strip() or unsaid or ""
        if said and (key not in CHOICES or "_".join(said.casefold().replace("-", " ").split()) in CHOICES[key]):
            return said


def _told(plan: Plan, entries: tuple[Entry, ...], lock: Path | None) -> Told:
    path, _, _ = ledger_of(plan, lock)
    last = entries[-1].hash
    text = "\n".join(
        [
            *(str(e) for e in entries),
            f"ledger: {path}",
            f"last hash: {last} (give it to someone else: lines taken off the end show by it)",
        ]
    )
    return Told(text, {"ledger": str(path), "entries": [e.to_dict() | {"hash": e.hash} for e in entries]})


def corrected(
    earlier: Path, plan_path: Path, data: Path, target: Path, given: Mapping[str, str | None], *, lock: Path | None, progress: Any
) -> Told:
    """`trialkit erratum`: run again, compare, log, and write a report beside the earlier one."""
    from trialkit.plan.deviations.erratum import erratum

    folder = earlier if earlier.is_dir() else earlier.parent
    if target.resolve() == folder.resolve():
        raise UsageError(f"the earlier report stays as it is: write the corrected one elsewhere than {target}, with --out.")
    said = {k: v for k, v in given.items() if v}
    for key in ("reason", "by"):
        if key not in said:
            raise UsageError(
                f"--{key} is not said: an erratum tells what was wrong, and who says so. Add --reason 'what was wrong' --by 'your name'."
            )
    content = erratum(Plan.load(plan_path), earlier, data, lock=lock, progress=progress, **said)  # type: ignore[arg-type]
    page = content.save(target, progress=progress)
    table = content.departures.erratum
    assert table is not None
    d = table.details
    lines = [f"{d['moved']} of {d['compared']} numbers and readings moved"]
    lines += [f"  {r['where']}: {r['before']} -> {r['after']}" for r in table.table[:20]]
    lines += [f"  and {len(table.table) - 20} more, in tables/erratum.csv"] if len(table.table) > 20 else []
    return Told("\n".join([*lines, f"report: {page}"]), table.to_dict() | {"report": str(page)})
