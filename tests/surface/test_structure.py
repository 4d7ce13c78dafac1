"""The house stands as docs/structure.md draws it: imports run downward and in no circle, files and folders stay small, what the page names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import trialkit as tk

PACKAGE = Path(tk.__file__).parent
ROOT = PACKAGE.parent
PAGE = (ROOT / "docs" / "structure.md").read_text(encoding="utf-8")
MOST_LINES, MOST_MODULES = 450, 25
NAMES_END = 37  # the drawing: names of rooms left of this column, what they hold right of it

FLOORS = [
    {"errors"},
    {"misuse", "printed"},
    {"inference"},
    {"results", "io"},
    {"design"},
    {"trial"},
    {"estimate"},
    {"measurement", "economics"},
    {"selection", "missing", "power", "simulate"},
    {"report"},
    {"plan"},
    {"cli"},
    {"__main__"},
]


def named(path: Path) -> str:
    """The dotted name of a file of the package; of an `__init__` that of its folder."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {named(path): path for path in PACKAGE.rglob("*.py")}


def imported(path: Path) -> set[str]:
    """Modules of the package that a file imports, inside functions too; only `if TYPE_CHECKING` is left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    checking = [b for b in ast.walk(tree) if isinstance(b, ast.If) and "TYPE_CHECKING" in ast.dump(b.test)]
    excused = {id(n) for block in checking for statement in block.body for n in ast.walk(statement)}
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in excused:
            continue
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports say the whole name"
            whole = {f"{node.module}.{a.name}" for a in node.names}
            found |= {m if m in MODULES else str(node.module) for m in whole}
    return (found & set(MODULES)) - {named(path)}


@cache
def imports() -> dict[str, set[str]]:
    return {name: imported(path) for name, path in MODULES.items()}


def circle(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_file_imports_itself_by_way_of_others():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert circle(imports()) == []
    assert sum(map(len, imports().values())) > 3000


def test_imports_run_downward():
    """No room imports one on its own floor or above it."""
    floor = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}
    assert set(floor) == {p.stem for p in PACKAGE.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()} - {"__init__"}
    wrong = []
    for name, others in imports().items():
        room = name.split(".")[1] if "." in name else ""
        rooms = {o.split(".")[1] for o in others if "." in o} - {room}
        wrong += [f"{name} imports {other}" for other in rooms if room and floor[other] >= floor[room]]
    assert not wrong


def test_the_lazy_package_imports_nothing_of_itself():
    assert imports()["trialkit"] == set()


def test_no_file_is_long():
    long = {name: n for name, p in MODULES.items() if (n := len(p.read_text(encoding="utf-8").splitlines())) > MOST_LINES}
    assert not long


def test_no_folder_holds_many_modules():
    held: dict[str, int] = {}
    for path in MODULES.values():
        if path.name != "__init__.py":
            held[str(path.parent.relative_to(ROOT))] = held.get(str(path.parent.relative_to(ROOT)), 0) + 1
    assert {folder: n for folder, n in held.items() if n > MOST_MODULES} == {}


def drawing() -> list[tuple[bool, list[str]]]:
    """Lines of the drawing: whether they are rooms inside the last, and the names."""
    lines = PAGE.split("```")[1].strip("\n").splitlines()
    return [(line.startswith(" "), line[:NAMES_END].split()) for line in lines if line[:NAMES_END].strip()]


def test_the_drawing_has_the_floors_from_above():
    heads = [set(names) for inside, names in drawing() if not inside]
    drawn = [room for names in heads for room in names]
    built = {room for rooms in FLOORS for room in rooms} - {"__main__"}
    assert sorted(drawn) == sorted(built)
    place = {room: i for i, rooms in enumerate(reversed(FLOORS)) for room in rooms}
    assert [place[r] for r in drawn] == sorted(place[r] for r in drawn)


def test_every_room_inside_a_room_is_drawn():
    """What is drawn exists, as a folder or a file, and no folder of a room is left out."""
    within: dict[str, set[str]] = {}
    above: list[str] = []
    for inside, names in drawing():
        if not inside:
            above = names
            continue
        for name in names:
            homes = [room for room in above if (PACKAGE / room / name).is_dir() or (PACKAGE / room / f"{name}.py").exists()]
            assert homes, f"the drawing has {name} in {above}, where there is none"
            for room in homes:
                within.setdefault(room, set()).add(name)
    folders = {p.parent for p in MODULES.values() if p.parent.parent.parent == PACKAGE}
    missing = sorted(f"{p.parent.name}/{p.name}" for p in folders if p.name not in within.get(p.parent.name, set()))
    assert missing == []


def test_every_file_that_the_page_names_exists():
    written = re.findall(r"`([\w./*<>-]+?(?:\.(?:pyi?|md|toml|json|csv)|/))`", PAGE)
    assert len(written) > 60
    for path in written:
        sought = re.sub(r"<[^>]*>", "*", path)
        found = any(next(base.glob(sought.rstrip("/")), None) for base in (PACKAGE, ROOT))
        assert found, f"docs/structure.md names `{path}`, which is not there"
