"""`trialkit verify`: of a report, a lock or the certificate of an allocation."""

from __future__ import annotations

from pathlib import Path

import typer

from trialkit.cli.show import out, write_json
from trialkit.errors import FileReadError, LockError, UsageError


def verified(lock: Path, *, plan: Path | None, data: Path | None, noted: str | None, json: bool) -> None:
    """Print what holds and what does not; a failure ends with the exit code of a lock."""
    if lock.suffix == ".toml":
        raise UsageError(f"'{lock}' is a plan; what is verified is its lock: trialkit verify {lock.with_suffix('.lock.json')}")
    if not lock.suffix and not lock.exists():
        raise FileReadError(
            f"there is no file or folder '{lock}': name the lock of a plan, the folder of a report or the certificate of an allocation."
        )
    if lock.is_dir() or lock.name == "bundle.json":
        from trialkit.plan.locking.verify_bundle import verify_bundle

        if plan is not None:
            raise UsageError("a report carries its plan: leave out --plan, or verify the lock by itself.")
        report = verify_bundle(lock if lock.is_dir() else lock.parent, data=data, noted=noted)
        write_json(report.to_dict()) if json else out(str(report))
        if not report.ok:
            raise typer.Exit(LockError.exit_code)
        return
    if lock.name.startswith("certificate"):
        _verify_certificate(lock, data, json)
        return
    from trialkit.plan.locking.verify import verify as verify_lock

    beside = lock.with_name(lock.name.replace(".lock.json", ".toml"))
    found = verify_lock(lock, plan=plan or (beside if beside != lock and beside.exists() else None), data=data, noted=noted)
    write_json(found.to_dict()) if json else out(str(found))
    if not found.ok:
        raise typer.Exit(LockError.exit_code)


def _verify_certificate(path: Path, people: Path | None, json: bool) -> None:
    from trialkit.design.record.rerun import verify_certificate
    from trialkit.io import read

    checked = verify_certificate(path, None if people is None else read(people))
    write_json(checked.to_dict()) if json else out(str(checked))
    # before the seed is released nothing can be confirmed, which is not a failure
    if any(c.ok is False for c in checked.checks):
        raise typer.Exit(LockError.exit_code)
