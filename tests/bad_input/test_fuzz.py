"""Three hundred plans and command lines, damaged at random: never a trace of the machinery, always a known exit code, nothing half written."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import trialkit.simulate
from tests.bad_input.hostile import Done, command, refused, tree
from tests.plan.test_run import PLAN, data
from trialkit.plan.reading.template import starter_plan

VALUES = (
    "0", "-1", "1e308", "nan", "inf", "true", "[]", "{}", "[[1]]", '""', '"\\u0000"', '"\\u001b[2J"', '"' + "x" * 2000 + '"', "1979-05-27", "{ a = 1 }",
    "99999999999999999999", '"../../../etc/passwd"', '"=1+1"', '"<b>"', '"{wave}{wave}"', '"{item:>9999999}"', '"{0.__class__}"', '"%s%n"', "[1, 'a']", '["a", "a"]',
    "0x10", "-0.0", '"\\u202e"', '"arm"', '"id"',
)  # fmt: skip
WORDS = (
    "--seed", "-1", "1e9", "--out", "", "--", "-", "--help", "--json", "plan.toml", "data.csv", "nothere.csv", "out", "--as", "all", "--lang", "xx", "--data", "--lock",
    "999999999999999999999", "--effects", "0,,1", "--search", "n", "--target", "2", "--icc", "nan", "--key", "--by", "me", "\x1b[2J", "\u202e", "a\x00b", "--plan",
    "--evidence", "--kind", "x" * 400, "--list", "--path", "outcomes.9.name", "--scale", "gse", "--template", "--noted", "--dry-run", "--amend",
)  # fmt: skip
VERBS = (
    "init", "check", "lock", "run", "report", "verify", "deviate", "erratum", "randomize", "release", "power", "simulate", "scales", "export", "schema",
    "blind simulated", "blind rerandomized", "blind masked", "blind unblind", "blind", "chekc", "",
)  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.toml").write_text(PLAN)
    data().to_csv(tmp_path / "data.csv", index=False)
    return tmp_path


def sources() -> list[str]:
    long = Path(trialkit.simulate.__file__).parent / "scenarios" / "klier_2019.plan.toml"
    return [PLAN, starter_plan(), starter_plan(kind="scale", grouped=False), long.read_text(encoding="utf-8")]


def damaged(text: str, draw: random.Random) -> str:
    """A text with one to four things wrong."""
    for _ in range(draw.randint(1, 4)):
        lines = text.split("\n")
        at = draw.randrange(len(lines))
        kind = draw.choice(("value", "value", "value", "swap", "drop", "double", "key", "move", "cut", "letter"))
        name, equals, value = lines[at].partition("=")
        if kind in ("cut", "letter"):
            text = _torn(text, kind, draw)
            continue
        if kind == "value" and equals:
            lines[at] = f"{name}= {draw.choice(VALUES)}"
        elif kind == "key" and equals:
            lines[at] = f"{draw.choice(('name', 'unit', 'x', 'later', '__class__', 'model_config', 'scale'))} ={value}"
        elif kind == "swap":
            other = draw.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif kind == "drop":
            del lines[at]
        elif kind == "double":
            lines.insert(at, lines[at])
        elif kind == "move":
            lines.append(lines.pop(at))
        text = "\n".join(lines) or "#"
    return text


def _torn(text: str, kind: str, draw: random.Random) -> str:
    where = draw.randrange(len(text) + 1)
    if kind == "letter":
        return text[:where] + draw.choice("[]{}\"'=,#\\\x00\x1b\u202e.0é\n") + text[where:]
    return text[:where] if draw.random() < 0.2 else text[:where] + text[where + draw.randint(1, 30) :]


def held(done: Done) -> None:
    if done.code == 0:
        assert "Traceback" not in done.err
    else:
        refused(done, 2, 3, 4, 5, 6, 7, 8)


@pytest.mark.parametrize("block", range(4))
def test_damaged_plans(block: int, place: Path) -> None:
    texts, fine = sources(), 0
    for i in range(40):
        draw = random.Random(1000 * block + i)
        (place / "bad.toml").write_bytes(damaged(draw.choice(texts), draw).encode())
        before = tree(place)
        read = command(["check", "bad.toml"])
        held(read)
        assert read.code in (0, 3), (block, i, read.err)
        fine += read.code == 0
        verb = draw.choice(("lock", "power", "simulate --seed 1 --plan", "export --as r,stata,aea", "deviate --list", "check"))
        then = command([*verb.split(), "bad.toml", *(["data.csv"] if verb == "check" else [])])
        held(then)
        assert read.code == 0 or then.code == 3, (block, i, verb, then.err)
        if then.code:
            assert tree(place) == before, (block, i, verb)
        (place / "bad.lock.json").unlink(missing_ok=True)
        (place / "bad_simulated.csv").unlink(missing_ok=True)
    assert 3 <= fine <= 37


@pytest.mark.parametrize("block", range(2))
def test_damaged_command_lines(block: int, place: Path) -> None:
    for i in range(60):
        draw = random.Random(77 + 1000 * block + i)
        words = draw.choice(VERBS).split() + draw.sample(WORDS, draw.randint(0, 4))
        before = tree(place)
        done = command(words)
        held(done)
        if done.code:
            assert {k: v for k, v in tree(place).items() if k != "plan.data.json"} == before, (block, i, words)
        assert not [name for name in tree(place) if name.endswith(".tmp")], (block, i, words)
