"""Commands killed on the way: what stood there before is whole, or what comes after it is, and the same command can be given again.

`python -m tests.bad_input.kills --moments 100 --seed 1` kills processes at random moments of `trialkit run`; every command is also killed
right before each time that it opens, moves, makes or removes something on disk. A kill is SIGKILL: nothing can be caught or tidied.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bad_input.hostile import command
from tests.plan.test_run import PLAN, data
from trialkit.design import Enrolment
from trialkit.plan.deviations.ledger import read_ledger
from trialkit.plan.locking.manifest import read_lock
from trialkit.plan.locking.verify import verify
from trialkit.plan.locking.verify_bundle import verify_bundle

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGING = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.chmod"})
DESIGN = '[design]\nscheme = "complete"\ngroups = { size = [4, 40] }\n\n'
COUNTED = DESIGN.replace('complete"', 'complete"\nunits = 160')
ROLLING = '[design]\nscheme = "minimization"\nbalance_on = ["sex"]\n\n'
SAID = ("--reason", "asked for", "--timing", "before_data", "--severity", "unchanged", "--validity", "unchanged", "--by", "ann")

Folder = Path
Step = Sequence[str] | Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Killed:
    """A command to be killed: the steps before it, what has to hold after it, and exit codes with which it may answer when given again."""

    name: str
    arguments: tuple[str, ...]
    sound: Callable[[Folder], str]
    before: tuple[Step, ...] = ()
    again: tuple[int, ...] = (0,)
    design: str = DESIGN


def prepared(case: Killed, folder: Folder) -> None:
    """A folder as it is before the command."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.toml").write_text(PLAN.replace("[[outcomes]]", f"{case.design}[[outcomes]]", 1))
    frame = data().assign(sex=lambda f: ["f", "m"] * (len(f) // 2) + ["f"] * (len(f) % 2))
    frame.to_csv(folder / "data.csv", index=False)
    frame.drop(columns=["arm", "group"]).head(40).to_csv(folder / "people.csv", index=False)
    frame.drop(columns=["arm", "group"]).head(60).to_csv(folder / "more.csv", index=False)
    (folder / "registry.txt").write_text("A small trial, registered.\n")
    for step in case.before:
        if callable(step):
            step(folder)
        else:
            done = command(step)
            assert done.code == 0, (case.name, step, done.err)


def changed_alpha(folder: Folder) -> None:
    text = (folder / "plan.toml").read_text()
    (folder / "plan.toml").write_text(text.replace("smallest_worthwhile = 0.05", "smallest_worthwhile = 0.06", 1))


def report_holds(name: str) -> Callable[[Folder], str]:
    def sound(folder: Folder) -> str:
        place = folder / name
        if not place.exists():
            return "" if name != "report" else "the report is gone"
        found = verify_bundle(place)
        return "; ".join(found.failed)

    return sound


def lock_holds(folder: Folder) -> str:
    place = folder / "plan.lock.json"
    return "" if not place.exists() else "; ".join(verify(place).failed)


def lock_and_ledger_hold(folder: Folder) -> str:
    read_ledger(folder / "plan.deviations.jsonl", read_lock(folder / "plan.lock.json"))
    return lock_holds(folder)


def allocation_holds(folder: Folder) -> str:
    """Every list has its certificate, its seed and its line in the log, or nothing is there."""
    place = folder / "allocation"
    lists = sorted(place.glob("allocation*.csv"))
    certificates = sorted(place.glob("certificate*.json"))
    if len(lists) != len(certificates):
        return f"{len(lists)} lists and {len(certificates)} certificates"
    for certificate in certificates:
        done = command(["verify", certificate])
        if done.code:
            return f"{certificate.name}: {done.out}{done.err}"
    if place.exists() and not lists:
        return f"an allocation folder without a list: {sorted(p.name for p in place.iterdir())}"
    return ""


def enrolment_holds(folder: Folder) -> str:
    """Everyone on the list is in the enrolment, and it can be opened; a seed without an enrolment says what to do."""
    place = folder / "allocation"
    enrolment, listed = place / "enrolment.jsonl", place / "allocation.csv"
    if not enrolment.exists():
        return "a list without its enrolment" if listed.exists() else ""
    with Enrolment.open(enrolment, seed_file=place / "enrolment.seed.json", by="ann") as sitting:
        known = set(sitting.allocation["id"].astype(str)) if sitting.n else set()
    rows = [line.split(",")[0] for line in listed.read_text().splitlines()[1:]] if listed.exists() else []
    return "" if set(rows) <= known else f"{len(set(rows) - known)} people of the list are not in the enrolment"


def documents_hold(name: str) -> Callable[[Folder], str]:
    def sound(folder: Folder) -> str:
        place = folder / name
        half = [p.name for p in place.rglob("*") if p.is_file() and not p.stat().st_size] if place.exists() else []
        return f"empty files: {half}" if half else ""

    return sound


def json_holds(*names: str) -> Callable[[Folder], str]:
    def sound(folder: Folder) -> str:
        for name in names:
            if (folder / name).exists():
                json.loads((folder / name).read_text())
        return ""

    return sound


LOCK, RUN_ONCE = ("lock", "plan.toml"), ("run", "plan.toml", "data.csv", "--quiet")
CASES = (
    Killed("run", RUN_ONCE, report_holds("report"), (RUN_ONCE,)),
    Killed("run locked", RUN_ONCE, report_holds("report"), (LOCK, RUN_ONCE)),
    Killed("report", ("report", "report/results.json", "--out", "report"), report_holds("report"), (RUN_ONCE,)),
    Killed("lock", LOCK, lock_holds, again=(0, 5)),
    Killed("amend", (*LOCK, "--amend", "funder"), lock_holds, (LOCK, changed_alpha), again=(0, 5)),
    Killed("evidence", (*LOCK, "--evidence", "registry.txt", "--kind", "registry", "--id", "NCT1", "--by", "ann"), lock_holds, (LOCK,), again=(0, 5)),
    Killed("randomize", ("randomize", "plan.toml", "people.csv", "--seed", "4"), allocation_holds, again=(0, 3)),
    Killed(
        "second batch", ("randomize", "plan.toml", "more.csv", "--seed", "5"), allocation_holds,
        (("randomize", "plan.toml", "people.csv", "--seed", "4"),), again=(0, 3),
    ),
    Killed(
        "release", ("release", "allocation", "--enrolment-closed"), allocation_holds,
        (("randomize", "plan.toml", "people.csv", "--seed", "4"),), again=(0, 5),
    ),
    Killed("enrol", ("randomize", "plan.toml", "people.csv", "--seed", "4"), enrolment_holds, again=(0, 3, 5), design=ROLLING),
    Killed(
        "enrol more", ("randomize", "plan.toml", "more.csv"), enrolment_holds,
        (("randomize", "plan.toml", "people.csv", "--seed", "4"),), again=(0, 3), design=ROLLING,
    ),
    Killed("deviate", ("deviate", "plan.toml", *SAID), lock_and_ledger_hold, (LOCK, changed_alpha), again=(0, 2)),
    Killed("export", ("export", "plan.toml", "--as", "all"), documents_hold("documents")),
    Killed("erratum", ("erratum", "report", "plan.toml", "data.csv", "--reason", "a bug", "--by", "ann", "--quiet"), report_holds("report"), (LOCK, RUN_ONCE)),
    Killed("masked", ("blind", "masked", "plan.toml", "data.csv", "--key", "key.json"), json_holds("key.json"), again=(0, 2)),
    Killed("unblind", ("blind", "unblind", "plan.toml", "data.csv", "--by", "ann"), lock_holds, (LOCK,), again=(0, 6)),
    Killed("simulate", ("simulate", "--plan", "plan.toml", "--seed", "1"), documents_hold("."), again=(0, 2), design=COUNTED),
    Killed("init", ("init", "new/plan.toml", "--defaults"), documents_hold("new"), again=(0, 2)),
)  # fmt: skip


def _dying(folder: Folder, at: int, count: list[int]) -> Callable[[str, tuple[Any, ...]], None]:
    """A hook that ends the process before its `at`-th change of the disk below a folder."""
    inside = str(folder.resolve())

    def hook(event: str, said: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = said
            if isinstance(path, int) or not (flags or 0) & WRITING:
                return
        elif event not in CHANGING:
            return
        name = os.fsdecode(said[0]) if isinstance(said[0], (str, bytes, os.PathLike)) else inside
        if not os.path.join(inside, name).startswith(inside):
            return
        count[0] += 1
        if count[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)

    return hook


def killed_at(case: Killed, folder: Folder, at: int) -> int:
    """Give the command in a fork that dies before its `at`-th change; how many changes there were, 0 when it died."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            os.chdir(folder)
            count = [0]
            sys.addaudithook(_dying(folder, at, count))
            done = command(case.arguments)
            os.write(writing, f"{count[0]} {done.code} {done.err[:300]}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read().decode("utf-8", "replace")
    os.waitpid(child, 0)
    if not told:
        return 0
    changes, code, rest = told.split(" ", 2)
    assert code == "0", (case.name, code, rest)
    return int(changes)


def after_kills(case: Killed, place: Path, most: int | None = None, seed: int = 1) -> Iterator[tuple[int, str]]:
    """(kill, what is wrong after it) for every change of the disk that a command makes, or for `most` of them."""
    start = place / "start"
    here = os.getcwd()
    start.mkdir(parents=True)
    os.chdir(start)
    try:
        prepared(case, start)
        shutil.copytree(start, place / "whole", symlinks=True)
        total = killed_at(case, place / "whole", 0)
        moments = list(range(1, total + 1))
        if most is not None and most < total:
            moments = sorted(random.Random(seed).sample(moments, most))
        for at in moments:
            folder = place / f"at-{at}"
            shutil.copytree(start, folder, symlinks=True)
            os.chdir(folder)
            killed_at(case, folder, at)
            yield at, wrong_after(case, folder)
            os.chdir(here)
            shutil.rmtree(folder)
    finally:
        os.chdir(here)


def wrong_after(case: Killed, folder: Folder) -> str:
    """What does not hold after a kill, or when the command is given again."""
    try:
        problem = case.sound(folder)
        if problem:
            return f"after the kill: {problem}"
        done = command(case.arguments)
        if done.code not in case.again or (done.code and not done.err.startswith("error: ")):
            return f"given again: exit code {done.code}: {done.err[:400]}"
        problem = case.sound(folder)
        return f"after it was given again: {problem}" if problem else ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def at_random_moments(case: Killed, moments: int, seed: int, place: Path) -> Iterator[tuple[bool, str]]:
    """(whether it was killed, what is wrong) for a command given over and over in one folder and killed at random moments of its duration."""
    here = os.getcwd()
    place.mkdir(parents=True)
    os.chdir(place)
    try:
        prepared(case, place)
        began = time.monotonic()
        assert not _killed_after(case, place, None)
        lasts = time.monotonic() - began
        draw = random.Random(seed)
        for _ in range(moments):
            killed = _killed_after(case, place, draw.uniform(0, lasts))
            yield killed, case.sound(place)
        yield False, wrong_after(case, place)
    finally:
        os.chdir(here)


def _killed_after(case: Killed, folder: Path, seconds: float | None) -> bool:
    """Give the command in a fork; whether it was killed after this time before it ended."""
    child = os.fork()
    if child == 0:
        try:
            os.chdir(folder)
            command(case.arguments)
        finally:
            os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def main(arguments: list[str] | None = None) -> int:
    """Print what does not hold; 0 when everything does."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--moments", type=int, default=100, help="random kills of a run")
    asked.add_argument(
        "--most", type=int, default=None, help="kills of each other command; unsaid: before every change of the disk"
    )
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--only", nargs="*", default=None)
    said = asked.parse_args(arguments)
    failures = 0
    for case in CASES:
        if said.only is not None and case.name not in said.only:
            continue
        with tempfile.TemporaryDirectory() as made:
            found = list(after_kills(case, Path(made) / "kills", said.most, said.seed))
        wrong = [(at, problem) for at, problem in found if problem]
        failures += len(wrong)
        print(f"{case.name}: {len(found)} kills, {len(wrong)} not whole", flush=True)
        for at, problem in wrong[:6]:
            print(f"    before change {at}: {problem[:500]}", flush=True)
    if said.moments:
        with tempfile.TemporaryDirectory() as made:
            moments = list(at_random_moments(CASES[0], said.moments, said.seed, Path(made) / "moments"))
        bad = [problem for _, problem in moments if problem]
        failures += len(bad)
        kills = sum(killed for killed, _ in moments)
        print(f"run at {said.moments} random moments: {kills} kills, {len(bad)} not whole {bad[:5]}", flush=True)
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
