"""The two pictures of the README, drawn anew: `python docs/generate/pictures.py` (the first needs chromium).

`report.png` is the first screen of the report that `make demo` writes; `power_curve.png` is the power of 4 to 30 groups.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from PIL import Image

import trialkit as tk
from trialkit import cli

PICTURES = Path(__file__).resolve().parents[1] / "pictures"
SCREEN = (820, 1470)


def main() -> int:
    """Both pictures, in 64 colours."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        print("report.png needs chromium, which is not found; nothing was drawn", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder)
        report_page(drawn, browser)
        power_curve(drawn)
        for name in ("report.png", "power_curve.png"):
            with Image.open(drawn / name) as picture:
                picture.convert("RGB").quantize(64).save(PICTURES / name, optimize=True)
    return 0


def report_page(folder: Path, browser: str) -> None:
    """The top of the demonstration's report, in a window of the size of a page."""
    left = cli.run(["demo", "--folder", str(folder / "demo")])
    assert left == 0, f"trialkit demo left with {left}"
    size = ",".join(map(str, SCREEN))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={size}"]
    page = (folder / "demo" / "report" / "index.html").as_uri()
    subprocess.run(
        [browser, *options, f"--screenshot={folder / 'report.png'}", page], check=True, capture_output=True, timeout=120
    )


def power_curve(folder: Path) -> None:
    """Groups of ten against as many people without a group, as in the notebook on the number of groups."""
    curve = tk.power.curve(
        tk.power.grouped,
        effect=[0.3, 0.45, 0.6],
        groups=range(4, 31, 2),
        group_size=10,
        allocation=(1, 1),
        icc=0.1,
        baseline_correlation=0.5,
    )
    axes = tk.plot.power_curve(curve, labels={"effect": "effect (SD)", "groups": "Groups of 10, and as many controls"})
    axes.figure.savefig(folder / "power_curve.png", dpi=110, bbox_inches="tight")


if __name__ == "__main__":
    raise SystemExit(main())
