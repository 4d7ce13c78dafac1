"""An executed notebook as a page: its words, code and results, pictures inside the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any


def from_notebook(path: Path) -> str:
    cells = json.loads(path.read_text())["cells"]
    return "\n\n".join(part for cell in cells for part in _shown(cell) if part.strip()) + "\n"


def _shown(cell: dict[str, Any]) -> list[str]:
    text = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return [text]
    return [f"```python\n{text}\n```", *(_output(output) for output in cell.get("outputs", []))]


def _output(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream":
        return _text("".join(output["text"])) if output.get("name") == "stdout" else ""
    data = output.get("data", {})
    if "image/png" in data:
        return f'<img alt="figure made by the code above" src="data:image/png;base64,{"".join(data["image/png"]).strip()}">'
    if "text/html" in data:
        inside = re.sub(r"<style.*?</style>|\n\s*\n", "\n", "".join(data["text/html"]), flags=re.DOTALL)
        return f"<div>{inside}</div>"
    return _text("".join(data.get("text/plain", "")))


def _text(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```" if text.strip() else ""
