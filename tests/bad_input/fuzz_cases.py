"""The makers of `fuzz`: each damages something in a folder and says which commands meet it and what may come of them."""

from __future__ import annotations

import copy
import functools
import gc
import json
import random
import resource
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from tests.bad_input import damaged_data, damaged_plans
from tests.bad_input.fuzz import Case, quiet
from tests.bad_input.hostile import Done, command
from tests.bad_input.test_fuzz import VERBS, WORDS
from tests.bad_input.toml_text import toml_text
from tests.plan.test_run import PLAN, data

DESIGN = '[design]\nscheme = "complete"\ngroups = { size = [4, 40] }\nunits = 160\nassumptions = { icc = 0.05 }\n\n'
DESIGNED = PLAN.replace("[[outcomes]]", f"{DESIGN}[[outcomes]]", 1)
SAID = ("--reason", "asked for", "--timing", "before_data", "--severity", "unchanged", "--validity", "unchanged", "--by", "ann")


@functools.cache
def _plans() -> list[tuple[str, dict[str, Any], Path | None]]:
    return damaged_plans.plan_tables()


@functools.cache
def _frame() -> pd.DataFrame:
    return data()


def plans(folder: Path, draw: random.Random) -> Iterator[Case]:
    """A damaged plan: read it, and do with it what a user does."""
    name, table, scales = _plans()[0] if draw.random() < 0.25 else draw.choice(_plans())
    if scales is not None and scales.is_dir():
        shutil.copytree(scales, folder / "scales")
    content, told = damaged_plans.damaged_plan(table, draw)
    (folder / "bad plan.toml").write_bytes(content)
    told = f"{name}: {told}"
    verdict: list[int] = []

    def read(done: Done) -> str:
        verdict.append(0)
        return ""

    yield Case(told, ("check", "bad plan.toml"), (0, 3), ("bad plan.toml",), ran=read)
    codes = (0, 3) if verdict else (3,)
    yield Case(told, ("check", "bad plan.toml", "--lang", "nl"), codes)
    if not verdict:
        verb = draw.choice(("lock", "power", "export", "run", "simulate"))
        yield Case(told, _of_plan(verb), (3, 4) if verb == "run" else (3,))
        return
    for verb in ("lock", draw.choice(("power", "export", "simulate", "json"))):
        yield Case(told, _of_plan(verb), (0, 2, 3, 5) if verb == "lock" else (0, 3, 7) if verb == "power" else (0, 3))
    if name == "small" and draw.random() < 0.5:
        _frame().to_csv(folder / "data.csv", index=False)
        yield Case(told, ("check", "bad plan.toml", "data.csv"), (0, 3, 4))
        if draw.random() < 0.4:
            yield Case(told, _of_plan("run"), (0, 3, 4, 5, 7))


def _of_plan(verb: str) -> tuple[str, ...]:
    return {
        "lock": ("lock", "bad plan.toml"),
        "power": ("power", "bad plan.toml"),
        "export": ("export", "bad plan.toml", "--as", "sap,methods,osf,r,stata", "--out", "papers"),
        "simulate": ("simulate", "--plan", "bad plan.toml", "--seed", "1"),
        "json": ("check", "bad plan.toml", "--json"),
        "run": ("run", "bad plan.toml", "data.csv", "--out", "out", "--quiet"),
    }[verb]


@functools.cache
def _good_numbers() -> tuple[dict[str, float], ...]:
    import trialkit as tk

    with quiet(), tempfile.TemporaryDirectory() as made:
        place = Path(made)
        (place / "plan.toml").write_text(PLAN)
        _frame().to_csv(place / "data.csv", index=False)
        return _numbers(tk.Plan.load(place / "plan.toml").run(place / "data.csv"))


def _numbers(content: Any) -> tuple[dict[str, float], ...]:
    columns = ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high", "n")
    return tuple({c: float(row[c]) for c in columns} for row in content.tidy().to_dict("records"))


def _differ(one: tuple[dict[str, float], ...], other: tuple[dict[str, float], ...]) -> bool:
    near = all(abs(a[k] - b[k]) <= 1e-9 * max(1.0, abs(a[k])) for a, b in zip(one, other) for k in a)
    return len(one) != len(other) or not near


def data_files(folder: Path, draw: random.Random) -> Iterator[Case]:
    """Damaged data against a good plan: what `check` says, and what the run says."""
    (folder / "plan.toml").write_text(PLAN)
    damage = damaged_data.damaged_data(_frame(), draw, folder / "bad data.csv")
    expects = damage.expects
    remarked: list[str] = []

    def checked(done: Done) -> str:
        remarked.append(done.out + done.err)
        return ""

    told = f"{damage.told}: {expects}"
    yield Case(told, ("check", "plan.toml", "bad data.csv"), (0, 4, 7), damage.says, ran=checked)
    yield Case(
        told,
        ("run", "plan.toml", "bad data.csv", "--out", "out", "--quiet"),
        _codes(expects),
        damage.says,
        ran=lambda done: _ran(folder, damage, done),
    )


def _codes(expects: str) -> tuple[int, ...]:
    return {
        damaged_data.SAME: (0,),
        damaged_data.REFUSED: (4, 7),
        damaged_data.REMARKED: (0, 4, 7),
        damaged_data.OTHER: (0, 4, 7),
    }[expects]


def _ran(folder: Path, damage: damaged_data.Damage, done: Done) -> str:
    """What a report that was written says of the damage."""
    from trialkit.report.save import load_content

    content = load_content(folder / "out")
    if damage.expects == damaged_data.SAME and _differ(_numbers(content), _good_numbers()):
        return f"other numbers: {_numbers(content)[0]} and {_good_numbers()[0]}"
    if damage.expects == damaged_data.REMARKED:
        notes = " ".join(
            [
                done.err,
                *(str(n.text) for n in content.notes),
                json.dumps(content.data, default=str),
                json.dumps(list(content.not_run)),
            ]
        )
        notes += json.dumps([o.result.to_dict().get("notes") for o in content.outcomes if o.result is not None], default=str)
        if not any(word in notes for word in damage.says):
            return f"ran without a word: {_numbers(content)[0]}"
    return ""


def scales(folder: Path, draw: random.Random) -> Iterator[Case]:
    """A damaged scale file, described and used by a plan."""
    good = draw.choice(
        [
            *(damaged_plans.ROOT / "simulated_data" / "scales").glob("*.toml"),
            *(damaged_plans.ROOT / "trialkit/measurement/registry").glob("*.toml"),
        ]
    )
    content, told = damaged_plans.damaged_plan(tomllib.loads(good.read_text("utf-8")), draw)
    (folder / "scales").mkdir()
    (folder / "scales" / "own.toml").write_bytes(content)
    described: list[int] = []
    yield Case(
        f"{good.stem}: {told}",
        ("scales", "scales/own.toml"),
        (0, 3, 4),
        ("own.toml",),
        ran=lambda done: described.append(0) or "",
    )
    table = copy.deepcopy(next(t for n, t, _ in _plans() if n == "starter scale True"))
    for use in table["scales"]:
        use["scale"] = "scales/own.toml"
        for key in ("form", "subscale"):
            use.pop(key, None)
    (folder / "plan.toml").write_text(toml_text(table), encoding="utf-8")
    yield Case(f"{good.stem}: {told}", ("check", "plan.toml"), (0, 3))
    yield Case(f"{good.stem}: {told}", ("lock", "plan.toml"), (0, 3, 5))
    if described and draw.random() < 0.3:
        yield Case(f"{good.stem}: {told}", ("simulate", "--plan", "plan.toml", "--seed", "1"), (0, 3))


@functools.cache
def sealed() -> Path:
    """A folder with everything that is sealed: lock, ledger, evidence, fingerprint, report, allocation, enrolment."""
    place = Path(tempfile.mkdtemp(prefix="trialkit sealed "))
    (place / "plan.toml").write_text(DESIGNED)
    _frame().to_csv(place / "data.csv", index=False)
    people = _frame().drop(columns=["arm", "group"]).assign(sex=lambda f: ["f", "m", "m"] * (len(f) // 3))
    people.head(60).to_csv(place / "people.csv", index=False)
    (place / "registry.txt").write_text("A small trial, registered as NCT1.\n")
    (place / "rolling.toml").write_text(
        PLAN.replace("[[outcomes]]", '[design]\nscheme = "minimization"\nbalance_on = ["sex"]\n\n[[outcomes]]', 1)
    )
    here = Path.cwd()
    import os

    os.chdir(place)
    try:
        steps: list[tuple[str, ...]] = [
            ("lock", "plan.toml"),
            ("lock", "plan.toml", "--evidence", "registry.txt", "--kind", "registry", "--id", "NCT1", "--by", "ann"),
            ("deviate", "plan.toml", "--type", "sample", "--original", "183 people", "--new", "180 people", *SAID),
            ("deviate", "plan.toml", "--type", "sample", "--original", "a", "--new", "b", *SAID),
            ("run", "plan.toml", "data.csv", "--quiet"),
            ("randomize", "plan.toml", "people.csv", "--seed", "4"),
            ("randomize", "rolling.toml", "people.csv", "--seed", "4", "--out", "enrolled"),
        ]
        for step in steps:
            done = command(step)
            assert done.code == 0, (step, done.err)
    finally:
        os.chdir(here)
    return place


READERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "plan.lock.json": (("verify", "plan.lock.json"), ("run", "plan.toml", "data.csv", "--out", "out", "--quiet"), ("deviate", "plan.toml", "--list"), ("lock", "plan.toml", "--amend", "x")),
    "plan.lock.evidence.json": (("verify", "plan.lock.json"), ("lock", "plan.toml", "--evidence", "registry.txt", "--kind", "registry", "--id", "NCT2", "--by", "bea")),
    "plan.deviations.jsonl": (("verify", "plan.lock.json"), ("deviate", "plan.toml", "--list"), ("deviate", "plan.toml", "--type", "sample", "--original", "c", "--new", "d", *SAID)),
    "plan.data.json": (("verify", "plan.lock.json", "--data", "data.csv"), ("run", "plan.toml", "data.csv", "--out", "out", "--quiet")),
    "report/results.json": (("verify", "report"), ("report", "report/results.json", "--out", "again"), ("export", "report", "--as", "consort,pap,wwc,eef,movisie")),
    "report/bundle.json": (("verify", "report"), ("report", "report", "--out", "again")),
    "report/plan/plan.lock.json": (("verify", "report"),),
    "report/plan/plan.data.json": (("verify", "report", "--data", "data.csv"),),
    "allocation/certificate.json": (("verify", "allocation/certificate.json"), ("release", "allocation", "--enrolment-closed"), ("lock", "rolling.toml", "--evidence", "allocation/certificate.json", "--by", "ann")),
    "allocation/allocation.csv": (("randomize", "plan.toml", "data.csv"), ("randomize", "plan.toml", "people.csv", "--reason", "x")),
    "allocation/allocation.log.jsonl": (("verify", "allocation/certificate.json"), ("randomize", "plan.toml", "data.csv"), ("release", "allocation", "--enrolment-closed")),
    "allocation/allocation.seed.json": (("release", "allocation", "--enrolment-closed"),),
    "enrolled/enrolment.jsonl": (("randomize", "rolling.toml", "people.csv", "--out", "enrolled"),),
    "enrolled/enrolment.jsonl.head": (("randomize", "rolling.toml", "people.csv", "--out", "enrolled"),),
    "enrolled/enrolment.seed.json": (("randomize", "rolling.toml", "people.csv", "--out", "enrolled"),),
}  # fmt: skip
JSON_VALUES = (
    None,
    0,
    -1,
    1e300,
    10**30,
    True,
    "x",
    "",
    "\x1b[2J",
    "\u202e",
    "../../x",
    [],
    [[]],
    {},
    {"a": None},
    "0" * 64,
    "2026-01-01T00:00:00Z",
    "NaN",
)


def ledgers(folder: Path, draw: random.Random) -> Iterator[Case]:
    """Something in a file that is sealed, or that was stored: read by every command that reads it."""
    for entry in sealed().iterdir():
        shutil.copytree(entry, folder / entry.name) if entry.is_dir() else shutil.copy2(entry, folder / entry.name)
    name = draw.choice([n for n in READERS if (folder / n).exists()])
    path = folder / name
    told = f"{name}: {_damage_stored(path, draw)}"
    for arguments in draw.sample(READERS[name], min(2, len(READERS[name]))):
        answers = arguments[0] == "verify"
        yield Case(told, arguments, (0, 2, 3, 4, 5, 6, 7), answers=answers)


def _damage_stored(path: Path, draw: random.Random) -> str:
    kind = draw.choice(
        (
            "value",
            "value",
            "value",
            "drop",
            "key",
            "bytes",
            "cut",
            "lines",
            "empty",
            "folder",
            "gone",
            "utf-16",
            "bom",
            "nan",
            "link",
        )
    )
    content = path.read_bytes()
    if kind in ("value", "drop", "key") and path.suffix in (".json", ".jsonl"):
        return _damage_json(path, kind, draw)
    if kind == "lines":
        lines = content.split(b"\n")
        draw.shuffle(lines)
        path.write_bytes(b"\n".join(lines[: draw.randint(0, len(lines))]))
    elif kind == "empty":
        path.write_bytes(draw.choice((b"", b"\n", b"{}", b"[]", b"null", b"0", b'""')))
    elif kind == "folder":
        path.unlink()
        path.mkdir()
    elif kind == "gone":
        path.unlink()
    elif kind == "utf-16":
        path.write_bytes(content.decode().encode("utf-16"))
    elif kind == "bom":
        path.write_bytes(b"\xef\xbb\xbf" + content)
    elif kind == "nan":
        path.write_bytes(content.replace(b": 0", b": NaN", 1).replace(b'": "', b'": Infinity, "x": "', 1))
    elif kind == "link":
        path.unlink()
        path.symlink_to(draw.choice(("nowhere", path.name, "/dev/null", "/etc/passwd")))
    elif kind == "cut":
        path.write_bytes(content[: draw.randrange(len(content))])
    else:
        where = draw.randrange(len(content))
        path.write_bytes(content[:where] + bytes([draw.randrange(256)]) + content[where + 1 :])
    return kind


def _damage_json(path: Path, kind: str, draw: random.Random) -> str:
    text = path.read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else [json.loads(text)]
    table = draw.choice(lines)
    where = draw.choice(damaged_plans.places(table))
    inside = damaged_plans.at(table, where[:-1])
    if kind == "drop":
        del inside[where[-1]]
    elif kind == "key" and isinstance(where[-1], str):
        inside[where[-1] + "x"] = inside.pop(where[-1])
    else:
        inside[where[-1]] = copy.deepcopy(draw.choice(JSON_VALUES))
    made = (
        "\n".join(json.dumps(line, sort_keys=True, separators=(",", ":")) for line in lines) + "\n"
        if path.suffix == ".jsonl"
        else json.dumps(lines[0], indent=1)
    )
    path.write_text(made, encoding="utf-8")
    return f"{kind} {where}"


def commands(folder: Path, draw: random.Random) -> Iterator[Case]:
    """Command lines: flags missing, doubled, wrong, in another order; unknown verbs; strange places."""
    (folder / "plan.toml").write_text(DESIGNED)
    _frame().to_csv(folder / "data.csv", index=False)
    (folder / "a plan with blanks.toml").write_text(DESIGNED)
    words = draw.choice(VERBS).split() + draw.sample(
        [*WORDS, "a plan with blanks.toml", "--seed=", "--seed=1", "-s", "---", "\u00e9", "."], draw.randint(0, 5)
    )
    slow = [w for w in words if w in ("--simulate", "--search", "demo")]
    if slow:
        words = [w for w in words if w not in slow]
    # a group of commands by itself answers with its help
    yield Case("a command line", tuple(words), (0, 2, 3, 4, 5, 6, 7), answers=words in ([], ["blind"]))


def disks(folder: Path, draw: random.Random) -> Iterator[Case]:
    """A disk that is full after some bytes, and places that cannot be written."""
    for entry in sealed().iterdir():
        shutil.copytree(entry, folder / entry.name) if entry.is_dir() else shutil.copy2(entry, folder / entry.name)
    arguments = draw.choice(
        (
            ("run", "plan.toml", "data.csv", "--quiet"), ("lock", "rolling.toml"), ("randomize", "plan.toml", "data.csv"), ("export", "plan.toml", "--as", "sap,r"),
            ("deviate", "plan.toml", "--type", "sample", "--original", "c", "--new", "d", *SAID), ("release", "allocation", "--enrolment-closed"),
            ("simulate", "--plan", "plan.toml", "--seed", "1"), ("report", "report", "--out", "report"), ("init", "new/plan.toml", "--defaults"),
            ("blind", "masked", "plan.toml", "data.csv", "--key", "key.json"), ("randomize", "rolling.toml", "data.csv", "--out", "other", "--seed", "1"),
            ("power", "plan.toml", "--memo", "memo.html"), ("lock", "rolling.toml", "--evidence", "registry.txt", "--kind", "registry", "--id", "N", "--by", "a"),
            ("blind", "rerandomized", "plan.toml", "data.csv", "--seed", "1"), ("export", "data.csv", "--as", "csv,dta,sav,xlsx"),
        )
    )  # fmt: skip
    full = draw.choice((0, 1, 60, 500, 3000, 20_000, 60_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (full, hard))
    try:
        # whole files may stay: a plan before the data that fit it, data for one program before another
        several = arguments[0] == "init" or "csv,dta,sav,xlsx" in arguments
        yield Case(f"a disk that takes {full} bytes", arguments, (0, 2, 4, 5), writes=several)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        # the library of workbooks prints a trace when what it could not finish is cleared away: here, not in a later case
        with quiet():
            gc.collect()
