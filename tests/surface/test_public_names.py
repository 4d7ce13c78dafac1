"""The lazy names and their stubs are the same list, and importing the package stays cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import trialkit as tk

PACKAGE = Path(tk.__file__).parent


def test_stub_and_package_agree():
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    listed = next(ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign))
    assert sorted(listed) == sorted(tk.__all__)
    for name in tk.__all__:
        assert getattr(tk, name) is not None
    imported = {a.asname or a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert imported | {"__version__"} == set(tk.__all__)


def test_unknown_names_are_refused():
    try:
        tk.iit  # noqa: B018
    except AttributeError as error:
        assert "iit" in str(error)
    else:
        raise AssertionError("an unknown name was accepted")


def test_import_loads_no_heavy_library():
    code = (
        "import sys, trialkit; print([m for m in ('numpy', 'pandas', 'scipy', 'statsmodels', 'matplotlib') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


FLOORS = [
    {"errors"},
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


def rooms_imported(path: Path) -> set[str]:
    """Rooms that a file imports, type-checking blocks left out."""
    tree = ast.parse(path.read_text())
    guarded = {
        id(n) for b in ast.walk(tree) if isinstance(b, ast.If) and "TYPE_CHECKING" in ast.dump(b.test) for n in ast.walk(b)
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and id(node) not in guarded and (node.module or "").startswith("trialkit."):
            found.add(node.module.split(".")[1])
    return found


def test_imports_run_downward():
    """No room imports one above it; docs/structure.md draws the floors."""
    floor = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        for other in rooms_imported(path) - {room}:
            if floor[other] >= floor[room]:
                wrong.append(f"{path.relative_to(PACKAGE)} imports {other}")
    assert not wrong
