"""The rooms of the report and of the command line: files import each other in one direction only, and a report is found wherever it is installed."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from pathlib import Path

import pytest

import trialkit as tk
from tests.report.contents import content
from trialkit.report.content import ReportContent
from trialkit.report.save import Report, load_content, save_report

PACKAGE = Path(tk.__file__).parent


def _imported(path: Path, known: set[str]) -> set[str]:
    """Modules that a file imports, inside functions too; blocks for type checkers are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    guarded = {
        id(n) for b in ast.walk(tree) if isinstance(b, ast.If) and "TYPE_CHECKING" in ast.dump(b.test) for n in ast.walk(b)
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in guarded:
            wholes = {f"{node.module}.{a.name}" for a in node.names}
            found |= (wholes & known) | ({node.module} & known if not wholes <= known else set())
    return found


@pytest.mark.parametrize("room", ["report", "cli"])
def test_no_file_imports_one_that_imports_it(room: str) -> None:
    paths = {
        ".".join(("trialkit", *p.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): p
        for p in (PACKAGE / room).rglob("*.py")
    }
    graph = {name: _imported(path, set(paths)) - {name} for name, path in paths.items()}
    assert sum(map(len, graph.values())) > len(paths) / 2  # the arrows are seen at all
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_content_is_data_and_a_report_is_content_with_a_way_to_disk(tmp_path: Path) -> None:
    plain = content()
    assert type(plain) is ReportContent
    report = Report.from_dict(plain.to_dict())
    assert isinstance(report, ReportContent) and report.to_dict() == plain.to_dict()
    again = load_content(save_report(plain, tmp_path / "one", word=False).parent)
    assert type(again) is Report
    page = again.save(tmp_path / "two", word=False)
    assert page.read_bytes() == (tmp_path / "one" / "index.html").read_bytes()


def test_templates_and_styles_are_found_beside_the_code() -> None:
    kept = {p.name for p in files("trialkit.report").joinpath("templates").iterdir()}
    assert {"report.html", "blocks.html", "report.css", "memo.html", "memo.css"} <= kept


def test_the_package_is_its_own_command() -> None:
    told = subprocess.run([sys.executable, "-m", "trialkit", "--version"], capture_output=True, text=True, check=True)
    assert told.stdout == f"trialkit {tk.__version__}\n"
