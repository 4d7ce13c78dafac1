"""Files and command lines nobody should give a program, and what may come of them: a sentence, an exit code, nothing half written."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from trialkit.cli import run

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
DEEP = "x = " + "[" * 4000 + "]" * 4000


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left: its exit code, what it printed where."""

    code: int
    out: str
    err: str


def command(arguments: Sequence[object]) -> Done:
    """Run a command in this process; an exception that escapes is a failure of the caller's test."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(a) for a in arguments])
    return Done(code, out.getvalue(), err.getvalue())


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder, with its content, to see whether a refused command left it alone."""
    found: dict[str, bytes | None] = {}
    for root, folders, files in os.walk(folder):
        found |= {os.path.relpath(Path(root) / name, folder): None for name in folders}
        for name in files:
            path = Path(root) / name
            readable = path.is_file() and os.access(path, os.R_OK)
            found[os.path.relpath(path, folder)] = path.read_bytes() if readable else None
    return found


def refused(done: Done, *codes: int) -> str:
    """The sentence of a refusal, after it was seen to be one: an error line, an exit code that says why, no trace of the machinery."""
    assert done.code in codes, f"exit code {done.code}, not {codes}: {done.err[:400]}"
    helped = done.code == 2 and done.err.startswith("Usage: trialkit")  # no command at all: the help says what there is
    assert helped or done.err.startswith("error: ") or "\nerror: " in done.err, done.err[:400]
    assert "Traceback" not in done.err and 'File "' not in done.err
    assert not STEERING.search(done.out + done.err), "a control character reaches the terminal"
    assert len(done.err) < 6000, f"{len(done.err)} characters for one error"
    return done.err


PLAN_FILES: dict[str, Callable[[str], bytes]] = {
    "empty": lambda plan: b"",
    "blanks": lambda plan: b" \n\n ",
    "comments only": lambda plan: b"# nothing\n",
    "truncated": lambda plan: plan.encode()[: len(plan) // 2 - 3],
    "binary": lambda plan: bytes(range(256)) * 40,
    "nul byte": lambda plan: plan.replace("title", "ti\x00tle", 1).encode(),
    "utf-16": lambda plan: plan.encode("utf-16"),
    "latin-1": lambda plan: plan.replace("A small", "Een \u00e9\u00e9n", 1).encode("latin-1"),
    "two megabytes": lambda plan: plan.encode() + b"\n#" + b"x" * 2_000_000,
    "100,000 keys": lambda plan: plan.encode() + b"\n[extra]\n" + b"".join(b"k%d=1\n" % i for i in range(100_000)),
    "deep lists": lambda plan: plan.encode() + b"\n" + DEEP.encode(),
    "deep tables": lambda plan: plan.encode() + b"\n[" + b".".join([b"a"] * 3000) + b"]\n",
    "key twice": lambda plan: plan.replace("[data]", '[data]\nunit = "other"', 1).encode(),
    "section twice": lambda plan: plan.encode() + b"\n[trial]\ntitle = 'again'\n",
    "huge number": lambda plan: plan.encode() + b"\nx = " + b"9" * 6000,
    "escape sequence in a key": lambda plan: plan.encode() + b'\n"\\u001b[2J" = 1\n',
    "escape sequence in a value": lambda plan: plan.replace('unit = "id"', 'unit = "\\u001b[31mid"', 1).encode(),
    "zip": lambda plan: b"PK\x03\x04" + b"\x00" * 60,
    "json": lambda plan: b'{"trial": {"title": "x"}}',
    "a list": lambda plan: b"[[trial]]\n[[trial]]\n",
    "infinity": lambda plan: plan.encode() + b"\n[design]\nunits = inf\n",
}

DATA_FILES: dict[str, Callable[[bytes], bytes]] = {
    "empty.csv": lambda good: b"",
    "header.csv": lambda good: good.split(b"\n")[0] + b"\n",
    "binary.csv": lambda good: bytes(range(256)) * 50,
    "nul.csv": lambda good: good.replace(b"solo", b"so\x00lo", 1),
    "twice.csv": lambda good: good.replace(b"id,arm,", b"id,id,", 1),
    "cell.csv": lambda good: good.replace(b"solo", b"x" * 3_000_000, 1),
    "ragged.csv": lambda good: good + b"1,2,3,4,5,6,7,8,9,10,11\n",
    "quote.csv": lambda good: b'id,arm\n"1,solo\n',
    "wide.csv": lambda good: b",".join(b"c%d" % i for i in range(300)) + b"\n" + b",".join([b"1"] * 300) + b"\n",
    "other.csv": lambda good: b"name,score\nann,1\nbob,2\n",
    "html.csv": lambda good: good.replace(b"solo", b"<script>alert(1)</script>"),
    "formula.csv": lambda good: good.replace(b"solo", b"=cmd|' /C calc'!A0"),
    "escape.csv": lambda good: good.replace(b"solo", b"\x1b[2Jsolo", 1),
    "turned.csv": lambda good: good.replace(b"solo", "\u202esolo".encode(), 1),
    "text.xlsx": lambda good: good,
    "zip.xlsx": lambda good: b"PK\x03\x04" + b"\0" * 100,
    "header.sav": lambda good: b"$FL2" + b"\0" * 50,
    "text.sav": lambda good: good,
    "begun.dta": lambda good: b"<stata_dta>",
    "ends.parquet": lambda good: b"PAR1" + b"\0" * 20 + b"PAR1",
    "none": lambda good: good,
    "program.exe": lambda good: good,
}

JSON_FILES: dict[str, bytes] = {
    "empty.json": b"",
    "list.json": b"[]",
    "null.json": b"null",
    "deep.json": b"[" * 5000 + b"]" * 5000,
    "binary.json": bytes(range(256)),
    "half.json": b'{"a": ',
    "nothing.json": b"{}",
    "nan.json": b'{"kind": NaN}',
    "utf16.json": '{"a":1}'.encode("utf-16"),
    "twice.json": b'{"a":1,"a":2}',
    "future.json": b'{"content_version": 99, "lock_version": 99, "format": 99}',
    "infinite.json": b'{"content_version": 1e999}',
    "certificate.json": b"{}",
    "plan.lock.json": b'{"plan": 1, "manifest": []}',
    "escape.json": b'{"content_version": "\\u001b[2J"}',
}
