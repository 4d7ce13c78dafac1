"""The pages of docs/ run as shown and print what they show; their links lead somewhere; the reference names everything public.

`make docs` builds the site. Without its packages the build is left out here, and everything else is tested all the same.
"""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import types
import warnings
from pathlib import Path
from unittest import mock

import pytest
import yaml

import trialkit as tk
from tests.scripts.page_runner import run
from trialkit import cli

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [DOCS / "index.md", DOCS / "tutorial.md", DOCS / "differences.md"]
DERIVATIONS = sorted(p for p in (DOCS / "derivations").glob("*.md") if p.name != "index.md")
PAGES += sorted(p for folder in ("derivations", "how_to", "coming_from") for p in (DOCS / folder).glob("*.md"))
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)


def name(path: Path) -> str:
    return path.relative_to(DOCS).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_pages_run_and_print_what_they_show(page, tmp_path, capsys):
    for block in run(page, tmp_path):
        if block.language == "python":
            assert block.printed == (block.shown or ""), f"write it anew: python -m tests.scripts.page_runner docs/{name(page)}"


@pytest.mark.parametrize("page", DERIVATIONS, ids=name)
def test_derivations_hold_the_equation_and_assert_the_numbers(page):
    text = page.read_text()
    assert "```math" in text and "assert " in text and "Source" in text
    assert f"]({page.name})" in (DOCS / "derivations" / "index.md").read_text()


@pytest.mark.parametrize("page", sorted((DOCS / "coming_from").glob("*.md")), ids=name)
def test_the_lines_on_the_right_run(page):
    text = page.read_text()
    names: dict[str, object] = {}
    for code in re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        exec(compile(code, str(page), "exec"), names)
    rows = [re.split(r"(?<!\\)\|", line) for line in text.splitlines() if line.startswith("| ")]
    codes = [cells[2].strip().strip("`") for cells in rows if cells[2].strip().startswith("`tk.")]
    assert len(codes) > 12
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert all(eval(code, names) is not None for code in codes)


def slugs(path: Path) -> set[str]:
    """Anchors of a page, as the site and the web pages of a repository make them."""
    titles = re.findall(r"^#+ (.*)$", FENCE.sub("", path.read_text()), flags=re.MULTILINE)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", t.replace("`", "")).strip().lower()) for t in titles}


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=name)
def test_links_lead_somewhere(page):
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = target.partition("#")
        file = (page.parent / place).resolve() if place else page
        if file.is_relative_to(DOCS / "reference"):
            broken += [] if name(file).removeprefix("reference/") in reference() else [target]
        elif not file.exists() or (anchor and file.suffix == ".md" and anchor not in slugs(file)):
            broken.append(target)
    assert broken == []


def navigation() -> list[str]:
    def flat(entry: object) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        return [a for e in (entry.values() if isinstance(entry, dict) else entry) for a in flat(e)]  # type: ignore[attr-defined]

    return flat(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])


def test_navigation_is_whole():
    shown = navigation()
    assert len(shown) == len(set(shown))
    for address in shown:
        if address.startswith("reference/"):
            assert address.removeprefix("reference/") in reference()
        elif address.startswith("notebooks/"):
            assert (ROOT / address).with_suffix(".ipynb").exists()
        else:
            assert (DOCS / address).exists() or (ROOT / address).exists(), address
    # a page of docs/ that is not named here comes under "More"; derivations and the like have a place
    assert {name(p) for p in PAGES} - set(shown) == set()
    assert {f"reference/{a}" for a in reference()} - set(shown) == set()


@functools.cache
def reference() -> dict[str, str]:
    """The pages that the site makes from the package."""
    with mock.patch.object(sys, "path", [str(DOCS / "generate"), *sys.path]):
        import reference as made
    return made.pages()


def test_everything_public_is_in_the_reference(capsys):
    pages = reference()
    for public in tk.__all__:
        thing = getattr(tk, public)
        if isinstance(thing, types.ModuleType):
            assert all(f"## tk.{public}.{n}\n" in pages[f"{public}.md"] for n in thing.__all__ if not n.startswith("_"))
        elif not public.startswith("_"):
            assert f"## tk.{public}\n" in pages["trialkit.md"]
    for code in (2, 3, 4, 5, 6, 7, 8):
        assert f"| {code} |" in pages["errors.md"]
    assert "`smallest_worthwhile`" in pages["plan.md"] and "[[outcomes]]" in pages["plan.md"]
    capsys.readouterr()
    cli.run(["--help"])
    verbs = re.findall(r"^  (\w+)  ", capsys.readouterr().out.partition("Commands:\n")[2], flags=re.MULTILINE)
    assert len(verbs) > 14 and all(f"## trialkit {verb}\n" in pages["commands.md"] for verb in verbs)


def test_a_docstring_becomes_a_page():
    with mock.patch.object(sys, "path", [str(DOCS / "generate"), *sys.path]):
        from docstring import markdown
    shown = markdown("""Sum of <a> and *b*.

    Parameters
    ----------
    a, b : numbers, one
        or more.
    c : the `third`.

    Raises
    ------
    UsageError
        when there is none.

    Examples
    --------
    >>> 1 + 1
    2
    """)
    assert "Sum of &lt;a> and \\*b\\*." in shown
    assert "- `a`, `b`: numbers, one or more.\n- `c`: the `third`." in shown
    assert "- `UsageError`: when there is none." in shown
    assert "```pycon\n>>> 1 + 1\n2\n```" in shown


def test_the_site_builds_without_warnings(tmp_path):
    pytest.importorskip("material", reason="the packages of `make docs` are not installed")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-3000:]
    page = (tmp_path / "site" / "derivations" / "lin.html").read_text()
    assert "<math" in page
    for built in (tmp_path / "site").rglob("*.html"):
        assert not re.search(r"""<(script|link|img|iframe)[^>]*(src|href)=["']?https?:""", built.read_text()), built
