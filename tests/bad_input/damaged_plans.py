"""Plans and scale files with something wrong that means something: keys, types, numbers, names, sections, encodings."""

from __future__ import annotations

import copy
import datetime
import random
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bad_input.toml_text import toml_text
from tests.plan.test_run import PLAN
from trialkit.plan.reading.template import starter_plan

ROOT = Path(__file__).resolve().parents[2]
VALUES: tuple[Any, ...] = (
    0, -1, 1, 2, 10**19, 10**400, 1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf"), -0.0, 0.5, True, False, "", " ", "nan", "0", "1,5", "None",
    "id", "arm", "y", "solo", "peer", "x" * 2000, "\u0000", "\u202e", "\u00e9e\u0301n", "\U0001f600", "../../etc/passwd", "C:\\temp", "{wave}", "{wave}{wave}", "{0.__class__}",
    "%s", "=1+1", "<b>", "$(id)", "a\nb", "a,b;c", [], [[]], {}, {"a": 1}, {"a": {"b": []}}, ["a", "a"], [1, "a"], [None for _ in ()], ["id"], ["y", "y"],
    datetime.date(1979, 5, 27), datetime.datetime(2026, 1, 1, 12), datetime.time(7, 30),
)  # fmt: skip

Path_ = tuple[Any, ...]


def plan_tables() -> list[tuple[str, dict[str, Any], Path | None]]:
    """Good plans as tables: the name, the table, and the folder with the files of their scales."""
    found: list[tuple[str, dict[str, Any], Path | None]] = [("small", tomllib.loads(PLAN), None)]
    for kind in ("binary", "scale"):
        for grouped in (True, False):
            found.append((f"starter {kind} {grouped}", tomllib.loads(starter_plan(kind=kind, grouped=grouped)), None))
    paths = [*(ROOT / "simulated_data").glob("*.plan.toml"), *(ROOT / "analyses").glob("*/plan.toml")]
    paths += list((ROOT / "analyses" / "questions").glob("*/plan.toml"))
    for path in sorted(paths):
        found.append((f"{path.parent.name}/{path.name}", tomllib.loads(path.read_text("utf-8")), path.parent / "scales"))
    return found


def places(table: Any, path: Path_ = ()) -> list[Path_]:
    """Paths to everything in a table."""
    found: list[Path_] = [path] if path else []
    if isinstance(table, dict):
        for key, value in table.items():
            found += places(value, (*path, key))
    elif isinstance(table, list):
        for i, value in enumerate(table):
            found += places(value, (*path, i))
    return found


def at(table: Any, path: Path_) -> Any:
    for key in path:
        table = table[key]
    return table


def misspelt(word: str, draw: random.Random) -> str:
    """A word as someone in a hurry writes it."""
    where = draw.randrange(len(word))
    kind = draw.choice(("drop", "double", "swap", "case", "space", "other"))
    if kind == "drop" and len(word) > 2:
        return word[:where] + word[where + 1 :]
    if kind == "swap" and where + 1 < len(word) and word[where] != word[where + 1]:
        return word[:where] + word[where + 1] + word[where] + word[where + 2 :]
    if kind == "case":
        return word[:where] + word[where].swapcase() + word[where + 1 :] if word[where].isalpha() else word + "s"
    if kind == "space":
        return word + " "
    return word[:where] + word[where] * 2 + word[where + 1 :] if kind == "double" else word + "x"


def drop(table: dict[str, Any], draw: random.Random) -> str:
    path = draw.choice(places(table))
    del at(table, path[:-1])[path[-1]]
    return f"dropped {path}"


def misspell(table: dict[str, Any], draw: random.Random) -> str:
    path = draw.choice([p for p in places(table) if isinstance(p[-1], str) and p[-1]])
    inside, new = at(table, path[:-1]), misspelt(path[-1], draw)
    items = [(new if k == path[-1] else k, v) for k, v in inside.items()]
    inside.clear()
    inside.update(items)
    return f"misspelt {path} as {new!r}"


def misspell_value(table: dict[str, Any], draw: random.Random) -> str:
    path = draw.choice([p for p in places(table) if isinstance(at(table, p), str) and at(table, p)] or [("title",)])
    if path == ("title",):
        return "nothing"
    at(table, path[:-1])[path[-1]] = misspelt(at(table, path), draw)
    return f"wrote {at(table, path)!r} under {path}"


def replace(table: dict[str, Any], draw: random.Random) -> str:
    path = draw.choice(places(table))
    value = copy.deepcopy(draw.choice(VALUES))
    at(table, path[:-1])[path[-1]] = value
    return f"put {str(value)[:40]!r} under {path}"


def turn(table: dict[str, Any], draw: random.Random) -> str:
    """A value in another form: a number as text, a word as a list, a table in a list."""
    path = draw.choice(places(table))
    value = at(table, path)
    forms: list[Any] = [str(value)[:200], [value], {"value": value}]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        forms += [-value, value * 1000, value / 3, value + 1, float(value), bool(value)]
    if isinstance(value, list) and value:
        forms += [value[0], value[:1], value + value[:1], value[::-1]]
    at(table, path[:-1])[path[-1]] = copy.deepcopy(draw.choice(forms))
    return f"turned {path} into {str(at(table, path))[:60]!r}"


def double(table: dict[str, Any], draw: random.Random) -> str:
    path = draw.choice([p for p in places(table) if isinstance(at(table, p), list) and at(table, p)] or [()])
    if not path:
        return "nothing"
    entry = draw.choice(at(table, path))
    at(table, path).append(copy.deepcopy(entry))
    return f"doubled an entry of {path}"


def swap(table: dict[str, Any], draw: random.Random) -> str:
    one, other = draw.choice(places(table)), draw.choice(places(table))
    if one[: len(other)] == other or other[: len(one)] == one:
        return "nothing"
    a, b = copy.deepcopy(at(table, one)), copy.deepcopy(at(table, other))
    at(table, one[:-1])[one[-1]], at(table, other[:-1])[other[-1]] = b, a
    return f"swapped {one} and {other}"


def move(table: dict[str, Any], draw: random.Random) -> str:
    """A key in another section than its own."""
    paths = [p for p in places(table) if isinstance(p[-1], str)]
    tables = [p for p in places(table) if isinstance(at(table, p), dict)]
    source, target = draw.choice(paths), draw.choice(tables)
    if target[: len(source)] == source:
        return "nothing"
    value = at(table, source[:-1]).pop(source[-1])
    at(table, target)[source[-1]] = value
    return f"moved {source} to {target}"


def rename_arm(table: dict[str, Any], draw: random.Random) -> str:
    arms = table.get("arms")
    if not isinstance(arms, dict) or not arms:
        return "nothing"
    old = draw.choice(list(arms))
    new = draw.choice(("another", "", " ", "1", "true", old.upper(), old + " ", "\u0430rm", "a-b", "x" * 300))
    table["arms"] = {(new if k == old else k): v for k, v in arms.items()}
    return f"renamed arm {old!r} to {new!r}"


def rename_columns(table: dict[str, Any], draw: random.Random) -> str:
    keys = [p for p in places(table) if p[-1] in ("unit", "arm", "group", "column", "baseline", "cluster", "strata", "weights")]
    if not keys:
        return "nothing"
    path = draw.choice(keys)
    at(table, path[:-1])[path[-1]] = draw.choice(("id", "arm", "group", "y", "nowhere", "Y", "y ", ""))
    return f"column {at(table, path)!r} under {path}"


MUTATIONS: tuple[Callable[[dict[str, Any], random.Random], str], ...] = (
    drop, misspell, misspell_value, replace, replace, turn, turn, double, swap, move, rename_arm, rename_columns,
)  # fmt: skip

BYTES: dict[str, Callable[[str, random.Random], bytes]] = {
    "as it is": lambda text, draw: text.encode("utf-8", "surrogatepass"),
    "bom": lambda text, draw: b"\xef\xbb\xbf" + text.encode(),
    "crlf": lambda text, draw: text.replace("\n", "\r\n").encode(),
    "cr": lambda text, draw: text.replace("\n", "\r").encode(),
    "utf-16": lambda text, draw: text.encode("utf-16"),
    "latin-1": lambda text, draw: text.replace("e", "\u00e9", 1).encode("latin-1", "replace"),
    "truncated": lambda text, draw: text.encode()[: draw.randrange(len(text) + 1)],
    "one byte": lambda text, draw: _one_byte(text.encode(), draw),
    "typographic quotes": lambda text, draw: text.replace('"', "\u201d", draw.randint(1, 4)).encode(),
    "tab": lambda text, draw: text.replace(" = ", "\t=\t").encode(),
    "doubled line": lambda text, draw: _doubled(text, draw).encode(),
    "comment cut": lambda text, draw: text.replace("\n", " # ", draw.randint(1, 3)).encode(),
}
READABLE = ("as it is", "bom", "crlf", "tab")


def _one_byte(content: bytes, draw: random.Random) -> bytes:
    where = draw.randrange(len(content))
    return content[:where] + bytes([draw.randrange(256)]) + content[where + 1 :]


def _doubled(text: str, draw: random.Random) -> str:
    lines = text.split("\n")
    where = draw.randrange(len(lines))
    return "\n".join([*lines[: where + 1], *lines[where:]])


def damaged_plan(table: dict[str, Any], draw: random.Random) -> tuple[bytes, str]:
    """The bytes of a plan with one to three things wrong, and what they are."""
    made, told = copy.deepcopy(table), []
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        if places(made):
            told.append(draw.choice(MUTATIONS)(made, draw))
    coding = draw.choice(list(BYTES)) if draw.random() < 0.15 else "as it is"
    return BYTES[coding](toml_text(made), draw), "; ".join([*told, coding])
