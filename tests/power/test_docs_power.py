"""docs/power.md runs as shown, names every power function, and its table of cases is that of the suite."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import trialkit as tk
from tests.reference.power_table import TARGET, page
from trialkit.cli import run

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "power.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "plan.toml").write_text(blocks("toml")[0])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_python_blocks_run_in_their_order(folder, capsys):
    names: dict[str, object] = {}
    for code in blocks("python"):
        exec(compile(code, "docs/power.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "76.5 % probability" in printed and "are the fewest with 80 % power" in printed
    assert "<!doctype html>" in (folder / "memo.html").read_text().lower()
    assert names["groups"].table and names["figure"].get_xlabel() == "Groups"


@pytest.mark.parametrize("line", [line for block in blocks("sh") for line in block.splitlines()])
def test_commands_run(line, folder, capsys):
    program, *arguments = shlex.split(line)
    assert program == "trialkit"
    assert run(arguments) == 0
    assert "80 %" in capsys.readouterr().out or "--target" not in arguments


def test_every_power_function_is_named():
    functions = {n for n in tk.power.__all__ if n[0].islower()} - {"answer_for_plan"}
    assert {n for n in functions if f"`{n}`" not in TEXT and f"tk.power.{n}(" not in TEXT} == set()


def test_the_numbers_about_controls_are_the_functions():
    design = {"effect": 0.6, "groups": 4, "group_size": 10, "icc": 0.05}
    assert [round(tk.power.grouped(**design, controls=c).power, 3) for c in (80, 2000)] == [0.61, 0.577]


def test_the_page_is_linked():
    assert "power.md" in (ROOT / "README.md").read_text() and "power.md" in (ROOT / "docs" / "methods.md").read_text()


def test_the_table_of_cases_is_current():
    text, agree, cases = page()
    stored = TARGET.read_text()
    assert agree == cases and f"{agree} of {cases} cases agree" in stored

    def settled(content: str) -> list[list[str]]:
        """Everything but the last digits, which the platform decides."""
        cells = [line.split(" | ") for line in content.splitlines() if line.startswith("| `")]
        return [c[:4] + c[6:] for c in cells]

    assert settled(text) == settled(stored)
