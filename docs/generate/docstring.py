"""From a NumPy-style docstring to Markdown."""

from __future__ import annotations

import re
import textwrap

HEADING = re.compile(r"^(\S[^\n]*)\n-{3,}\s*$", re.MULTILINE)
ENTRY = re.compile(r"^(?P<name>\S.*?) ?: (?P<text>.*)$")
LISTED = {"Parameters", "Other Parameters", "Attributes"}


def sections(docstring: str) -> list[tuple[str, str]]:
    """(heading, text) in their order; the first has no heading."""
    text = textwrap.dedent(" " * 200 + docstring) if docstring.startswith("\n") else _dedent(docstring)
    found = []
    start, heading = 0, ""
    for match in HEADING.finditer(text):
        found.append((heading, text[start : match.start()].strip("\n")))
        heading, start = match.group(1).strip(), match.end()
    found.append((heading, text[start:].strip("\n")))
    return [(h, t) for h, t in found if t.strip()]


def _dedent(text: str) -> str:
    first, _, rest = text.partition("\n")
    return f"{first.strip()}\n{textwrap.dedent(rest)}"


def markdown(docstring: str | None) -> str:
    """The whole docstring; an empty one gives an empty text."""
    parts = []
    for heading, text in sections(docstring or ""):
        if heading:
            parts.append(f"**{heading}**")
        if heading in LISTED:
            parts.append(entries(text))
        elif heading == "Raises":
            parts.append(raised(text))
        else:
            parts.append(prose(text))
    return "\n\n".join(parts)


def entries(text: str) -> str:
    """`name : what it is` with its indented continuation, as a list."""
    items: list[list[str]] = []
    for line in text.splitlines():
        match = ENTRY.match(line)
        if match and not line.startswith(" "):
            names = ", ".join(f"`{name.strip()}`" for name in match["name"].split(","))
            items.append([f"- {names}: {escape(match['text'].strip())}"])
        elif not line.startswith(" ") and line.strip() and not items:
            items.append([f"- {escape(line.strip())}"])
        elif items and line.strip():
            bare = not line.startswith(" ")
            items.append([f"- {escape(line.strip())}"]) if bare else items[-1].append(escape(line.strip()))
    return "\n".join(" ".join(item) for item in items)


def raised(text: str) -> str:
    """Names of errors, each with what is wrong."""
    items: list[str] = []
    for line in text.splitlines():
        if line and not line.startswith(" "):
            names, _, rest = line.partition(" : ")
            items.append(
                "- " + ", ".join(f"`{name.strip()}`" for name in names.split(",")) + (f": {escape(rest)}" if rest else "")
            )
        elif line.strip() and items:
            items[-1] += (" " if ":" in items[-1].split("`")[-1] else ": ") + escape(line.strip())
    return "\n".join(items)


def prose(text: str) -> str:
    """Paragraphs; doctests become code, indented formulas stay code."""
    out: list[str] = []
    for block in re.split(r"\n\s*\n", text):
        lines = block.splitlines()
        start = next((i for i, line in enumerate(lines) if line.lstrip().startswith(">>>")), None)
        if start is not None:
            out.append("\n".join(escape(line) for line in lines[:start]))
            out.append("```pycon\n" + textwrap.dedent("\n".join(lines[start:])) + "\n```")
        elif all(line.startswith("    ") for line in lines):
            out.append("```text\n" + textwrap.dedent(block) + "\n```")
        else:
            out.append("\n".join(escape(line.strip() if not line.lstrip().startswith(("- ", "* ")) else line) for line in lines))
    return "\n\n".join(part for part in out if part.strip())


def escape(text: str) -> str:
    """HTML, emphasis and links are text here; `code` stays code."""
    pieces = re.split(r"(`+[^`]*`+)", text)
    shown = []
    for piece in pieces:
        if piece.startswith("`"):
            shown.append(re.sub(r"`+([^`]*)`+", r"`\1`", piece))
        else:
            shown.append(re.sub(r"([*_\[\]])", r"\\\1", piece.replace("&", "&amp;").replace("<", "&lt;")))
    return "".join(shown)
