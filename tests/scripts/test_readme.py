"""What the README shows works as shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.mark.parametrize(("code", "shown"), re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", TEXT, flags=re.DOTALL))
def test_python_blocks_run_and_print_what_is_shown(code, shown, capsys):
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert printed.strip()
    assert not shown or printed.split() == shown.split()


def test_the_first_result_is_shown_early():
    before = TEXT[: TEXT.index("```text")].splitlines()
    assert len(before) < 60 and TEXT.count("docs/pictures/") == 2


def test_commands_exist():
    from trialkit.cli.app import app

    known = {c.name or c.callback.__name__ for c in app.registered_commands}
    shown = {line.split()[1] for block in blocks("sh") for line in block.splitlines() if line.startswith("trialkit ")}
    assert shown
    assert shown <= known


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make ([a-z]+)", TEXT):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)
