"""Bad days: thousands of damaged plans, data, scales, ledgers and command lines, and what has to come of each.

`python -m tests.bad_input.fuzz --cases 2000 --seed 1 [--only plans data scales ledgers commands disks]`

Of every case: a documented exit code that fits, no trace of the machinery, one helpful sentence, nothing new or half written after a refusal,
under 20 seconds of the processor; and what runs although something was damaged says no number that the damage made meaningless. A case is made again by
`--seed` and its number: `--from 117 --cases 1`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bad_input.hostile import STEERING, Done, command, tree

SLOW = 20.0
DOCUMENTED = (0, 2, 3, 4, 5, 6, 7, 8)
# written before the analysis on purpose: which data were looked at is known even when they did not fit
EVENTS = (".data.json",)
LONGEST = 4000
RUN = "import sys; from trialkit.cli import main; main(sys.argv[1:])"
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Case:
    """A command on something damaged: what was done, the codes that fit, words of which one has to be in a refusal, and a look at what ran."""

    told: str
    arguments: tuple[str, ...]
    codes: tuple[int, ...] = DOCUMENTED
    says: tuple[str, ...] = ()
    ran: Callable[[Done], str] | None = None
    # a verification says what does not hold as its result, not as an error
    answers: bool = False
    # a command that was interrupted may leave what it had finished: only half a file is a fault
    writes: bool = False


Maker = Callable[[Path, random.Random], Iterator[Case]]


def wrong_with(
    case: Case, done: Done, before: dict[str, bytes | None], after: dict[str, bytes | None], seconds: float
) -> list[str]:
    """What is not as it has to be."""
    found = []
    said = done.out + done.err
    if done.code not in DOCUMENTED:
        found.append(f"exit code {done.code}: {done.err[:500]}")
    elif done.code not in case.codes:
        found.append(f"exit code {done.code}, not {case.codes}: {said[-500:]}")
    if "Traceback" in said or 'File "' in done.err or "trialkit itself failed" in said:
        found.append(f"a trace: {said[-500:]}")
    if STEERING.search(said):
        found.append("a control character reaches the terminal")
    if done.code and not case.answers:
        found += _sentence(case, done.err)
        left = {
            name for name in {*before, *after} if before.get(name, b"-") != after.get(name, b"-") and not name.endswith(EVENTS)
        }
        if left and not case.writes:
            found.append(f"changed although refused: {sorted(left)[:5]}")
    half = [name for name in after if name not in before and name.endswith((".tmp", ".former", ".lock"))]
    if half:
        found.append(f"left behind: {half}")
    if not done.code and case.ran is not None:
        problem = case.ran(done)
        found += [problem] if problem else []
    if seconds > SLOW:
        found.append(f"{seconds:.0f} seconds")
    return found


def _sentence(case: Case, err: str) -> list[str]:
    at = err.rfind("error: ")
    if at < 0:
        return [f"no sentence: {err[-300:]!r}"]
    text = err[at + 7 :].strip()
    found = []
    if not 25 <= len(text) <= LONGEST:
        found.append(f"a sentence of {len(text)} letters: {text[:200]}")
    if text.endswith((",", ";", "(")):
        found.append(f"no whole sentence: {text[-120:]!r}")
    if case.says and not any(word in text for word in case.says):
        found.append(f"names none of {case.says}: {text[:400]}")
    machinery = [
        w
        for w in ("NoneType", "object has no", "KeyError", "TypeError", "ValueError", "<class", "numpy.", "pandas.", "0x7f")
        if w in text
    ]
    if machinery and not any(w in case.told for w in machinery):
        found.append(f"speaks of the machinery ({machinery}): {text[:300]}")
    return found


def in_own_process(arguments: tuple[str, ...], folder: Path, **more: str) -> Done:
    """The same command as a user gives it."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"} | more
    safe = [a.replace("\x00", "") for a in arguments]
    done = subprocess.run([sys.executable, "-c", RUN, *safe], cwd=folder, env=environment, capture_output=True, check=False)
    return Done(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def makers() -> dict[str, Maker]:
    """What is damaged, and who makes the cases."""
    from tests.bad_input import fuzz_cases

    return {
        "plans": fuzz_cases.plans,
        "data": fuzz_cases.data_files,
        "scales": fuzz_cases.scales,
        "ledgers": fuzz_cases.ledgers,
        "commands": fuzz_cases.commands,
        "disks": fuzz_cases.disks,
    }


def cases_of(kind: str, seed: int, number: int) -> Iterator[tuple[Case, Done, list[str]]]:
    """Every command of one case, in a folder of its own: the case, what came of it, what is wrong."""
    make = makers()[kind]
    here = os.getcwd()
    with tempfile.TemporaryDirectory(prefix="bad days ") as made:
        folder = Path(made)
        os.chdir(folder)
        try:
            draw = random.Random(f"{kind} {seed} {number}")
            for case in make(folder, draw):
                before, began = tree(folder), time.process_time()
                wrong: list[str] = []
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    try:
                        done = command(case.arguments)
                    except BaseException as error:
                        done = Done(1, "", f"{type(error).__name__}: {error}")
                        wrong = [f"an exception escapes: {type(error).__name__}: {error}"]
                seconds = time.process_time() - began
                yield case, done, wrong + wrong_with(case, done, before, tree(folder), seconds)
                if draw.random() < 0.004:
                    own = in_own_process(case.arguments, folder)
                    # a command that was done may say so when it is given again
                    other = done.code and own.code not in (done.code, *case.codes)
                    if other or "Traceback" in own.err:
                        yield case, own, [f"in a process of its own: exit code {own.code}: {own.err[-300:]}"]
        finally:
            os.chdir(here)


def main(arguments: list[str] | None = None) -> int:
    """Run cases and print what is wrong; 0 when nothing is."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--cases", type=int, default=2000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--from", type=int, default=0, dest="first")
    asked.add_argument("--only", nargs="*", choices=list(makers()), default=list(makers()))
    asked.add_argument("--seconds", type=float, default=None, help="stop after this time")
    asked.add_argument("--show", action="store_true", help="print every case")
    said = asked.parse_args(arguments)
    began, codes, faults, commands = time.monotonic(), Counter[tuple[str, int]](), 0, 0
    for number in range(said.first, said.first + said.cases):
        if said.seconds is not None and time.monotonic() - began > said.seconds:
            break
        kind = said.only[number % len(said.only)]
        # the whole case first: while a disk is full, nothing can be printed either
        for case, done, wrong in list(cases_of(kind, said.seed, number)):
            commands += 1
            codes[kind, done.code] += 1
            if said.show:
                print(
                    f"{kind} {number}: {' '.join(case.arguments)[:120]!r} ({case.told[:160]}): {done.code} {done.err[-300:]!r}",
                    flush=True,
                )
            for problem in wrong:
                faults += 1
                print(f"{kind} {number}: {' '.join(case.arguments)[:120]!r} ({case.told[:300]})\n    {problem}", flush=True)
    for kind in said.only:
        told = ", ".join(f"{count} with {code}" for (k, code), count in sorted(codes.items()) if k == kind)
        print(f"{kind}: {told}")
    print(f"{commands} commands, {faults} faults, {time.monotonic() - began:.0f} seconds")
    return int(faults > 0)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing printed by what prepares a case."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


if __name__ == "__main__":
    sys.exit(main())
