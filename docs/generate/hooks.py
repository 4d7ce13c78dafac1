"""What the site adds to the pages in docs/: the reference, formulas as MathML, and the files outside docs/ that pages link to."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files
from notebook import from_notebook
from reference import pages as reference_pages

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"(?P<open>!?\[[^\]\n]*\]\()(?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
SIZE = 3_000_000


def mathml(source: str, language: str, css_class: str, options: Any, md: Any, **further: Any) -> str:
    """A ```math block as MathML, which browsers draw without a script."""
    lines = [line.strip() for line in source.strip().splitlines() if line.strip()]
    return "".join(f'<div class="formula">{convert(line, display="block")}</div>' for line in lines)


def on_config(config: Any) -> Any:
    fence = {"name": "math", "class": "math", "format": mathml}
    config.mdx_configs.setdefault("pymdownx.superfences", {})["custom_fences"] = [fence]
    more = sorted({p.name for p in (ROOT / "docs").glob("*.md")} - set(addresses(config.nav)))
    if more:
        config.nav = [*config.nav, {"More": more}]
    return config


def addresses(nav: Any) -> list[str]:
    """Every page that a navigation names."""
    if isinstance(nav, str):
        return [nav]
    return [address for entry in (nav.values() if isinstance(nav, dict) else nav) for address in addresses(entry)]


def on_files(files: Files, config: Any) -> Files:
    for address, text in reference_pages().items():
        files.append(File.generated(config, f"reference/{address}", content=text))
    waiting = [(f.src_uri, Path(f.abs_src_path).read_text()) for f in files if f.is_documentation_page() and f.abs_src_path]
    known = {f.src_uri for f in files}
    while waiting:
        address, text = waiting.pop()
        for target in outside(address, text):
            if target in known:
                continue
            known.add(target)
            if target.endswith((".md", ".ipynb")):
                written = from_notebook(ROOT / target) if target.endswith(".ipynb") else (ROOT / target).read_text()
                page = str(PurePosixPath(target).with_suffix(".md"))
                files.append(File.generated(config, page, content=moved(target, written)))
                waiting.append((target, written))
            else:
                files.append(File.generated(config, target, content=(ROOT / target).read_bytes()))
    return files


def outside(address: str, text: str) -> list[str]:
    """Files of the repository outside docs/ that a page links to, as seen from the repository."""
    found = []
    for match in LINK.finditer(FENCE.sub("", text)):
        place = located(address, match["target"])
        if place and not place.startswith("docs/"):
            found.append(place)
    return found


def located(address: str, target: str) -> str | None:
    """The linked file as seen from the repository; None for the web and for what does not exist."""
    if re.match(r"[a-z]+:|/", target):
        return None
    here = PurePosixPath("docs") / address if (ROOT / "docs" / address).exists() else PurePosixPath(address)
    place = normpath(str(here.parent / target))
    source = ROOT / place
    return place if not place.startswith("..") and source.is_file() and source.stat().st_size < SIZE else None


def moved(address: str, text: str) -> str:
    """Links as they stand on the site, where docs/ is the root and the rest lies beside it."""

    def again(match: re.Match[str]) -> str:
        place = located(address, match["target"])
        if place is None:
            return match[0]
        site = place.removeprefix("docs/").removesuffix(".ipynb") + (".md" if place.endswith(".ipynb") else "")
        start = str(PurePosixPath(address).parent)
        return f"{match['open']}{relpath(site, start)}{match['anchor'] or ''})"

    parts, end = [], 0
    for fence in FENCE.finditer(text):
        parts += [LINK.sub(again, text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, LINK.sub(again, text[end:])])


def on_page_markdown(text: str, page: Any, config: Any, files: Files) -> str:
    return moved(page.file.src_uri, text) if page.file.abs_src_path and page.file.generated_by is None else text
