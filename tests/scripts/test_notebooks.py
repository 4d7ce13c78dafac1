"""Notebooks run as scripts, and their executed copies have the same code, no errors and no paths of a machine.

A notebook is a script with `# %%` cells and an executed copy beside it. After a change to the script, `python -m
tests.scripts.test_notebooks` executes the copies again (needs nbclient and ipykernel).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "notebooks").glob("*.py"))
MARK = re.compile(r"^# %%(.*)$", flags=re.MULTILINE)
MACHINE_PATH = re.compile(r"(?<![\w.:/<])(?:/(?:home|tmp|root|usr|opt|var|work|Users|private|mnt)\b/?|[A-Za-z]:\\\w)")
MOST_BYTES = 500_000

each = pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)


def cells(text: str) -> list[tuple[str, str]]:
    """('code' or 'markdown', source) of each cell of a script."""
    parts = MARK.split(text)
    assert not parts[0].strip(), "text before the first cell"
    found = []
    for mark, body in zip(parts[1::2], parts[2::2]):
        words = "[markdown]" in mark
        source = re.sub(r"^# ?", "", body.strip("\n"), flags=re.MULTILINE) if words else body.strip("\n")
        found.append(("markdown" if words else "code", source))
    return found


def executed(script: Path) -> dict[str, Any]:
    return json.loads(script.with_suffix(".ipynb").read_text("utf-8"))


def outputs(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [o for cell in notebook["cells"] for o in cell.get("outputs", [])]


def words(output: dict[str, Any]) -> str:
    """The text of an output, without its pictures."""
    shown = [v for kind, v in output.get("data", {}).items() if not kind.startswith("image/png")]
    return "".join("".join(v) for v in [output.get("text", ""), *shown])


def test_there_are_notebooks():
    assert SCRIPTS
    assert [p.stem for p in sorted((ROOT / "notebooks").glob("*.ipynb"))] == [p.stem for p in SCRIPTS]


@each
def test_runs_as_a_script(script, tmp_path):
    inside = tmp_path / "here"
    inside.mkdir()
    env = {**os.environ, "MPLBACKEND": "Agg", "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", str(script)],
        cwd=inside,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert not MACHINE_PATH.search(done.stdout)
    assert list(inside.iterdir()) == [], "a notebook writes into a temporary folder of its own"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("tmp")] == [], "a notebook removes its temporary folder"


@each
def test_the_executed_copy_is_of_this_script(script):
    copied = [(c["cell_type"], "".join(c["source"])) for c in executed(script)["cells"]]
    assert copied == cells(script.read_text("utf-8"))


@each
def test_every_cell_was_executed_in_order_without_errors(script):
    notebook = executed(script)
    counts = [c["execution_count"] for c in notebook["cells"] if c["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    made = outputs(notebook)
    assert made
    assert [o for o in made if o["output_type"] == "error" or o.get("name") == "stderr"] == []
    assert any("image/png" in o.get("data", {}) for o in made)


@each
def test_the_executed_copy_names_no_machine_and_is_small(script):
    place = script.with_suffix(".ipynb")
    notebook = json.loads(place.read_text("utf-8"))
    for output in outputs(notebook):
        assert not MACHINE_PATH.search(words(output)), words(output)
    assert not MACHINE_PATH.search(json.dumps(notebook["metadata"]))
    assert place.stat().st_size < MOST_BYTES


def test_the_readme_has_a_line_for_every_notebook():
    listed = re.findall(r"^\| \[(\w+)\]\(notebooks/(\w+)\.ipynb\)", (ROOT / "README.md").read_text("utf-8"), flags=re.MULTILINE)
    assert all(name == place for name, place in listed)
    assert sorted(name for name, _ in listed) == [p.stem for p in SCRIPTS]


def test_links_and_pictures_of_the_readme_and_of_notebooks_are_there():
    readme = ROOT / "README.md"
    found = {}
    for page in [readme, *SCRIPTS]:
        text = page.read_text("utf-8")
        text = text if page == readme else "\n".join(source for kind, source in cells(text) if kind == "markdown")
        for place in re.findall(r"\]\(([^)#]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text):
            found[page.name, place] = place.startswith("http") or (page.parent / place).is_file()
    assert ("README.md", "docs/pictures/report.png") in found
    assert [names for names, there in found.items() if not there] == []


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "pictures").iterdir()), ids=lambda p: p.name)
def test_pictures_are_small(picture):
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 100_000


def test_paths_are_recognized():
    assert all(MACHINE_PATH.search(t) for t in ("in /tmp/x", "'/home/me'", "C:\\people", "(/Users/me)"))
    assert not any(MACHINE_PATH.search(t) for t in ("a/home", "and/or 1/2", "https://example.org/home/x"))


def _execute(script: Path) -> None:
    """Write the executed copy of a script."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook()
    for number, (kind, source) in enumerate(cells(script.read_text("utf-8"))):
        made = nbformat.v4.new_code_cell(source) if kind == "code" else nbformat.v4.new_markdown_cell(source)
        made["id"] = f"cell-{number}"
        notebook.cells.append(made)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    NotebookClient(notebook, timeout=300, kernel_name="python3", record_timing=False, coalesce_streams=True).execute()
    notebook.metadata.pop("language_info", None)
    script.with_suffix(".ipynb").write_text(nbformat.writes(notebook) + "\n", "utf-8")


if __name__ == "__main__":
    for each_script in SCRIPTS:
        _execute(each_script)
        sys.stdout.write(f"executed {each_script.stem}\n")
