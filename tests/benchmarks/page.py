"""Writes docs/benchmarks.md: `python -m tests.benchmarks.page`, with `--quick` for a short run that leaves the long rows and the commands out."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.growth import GROWTHS, Growth
from tests.benchmarks.measure import Times, compared, exponent, once, seconds_of
from tests.benchmarks.rows import ROWS, Row, trialkit_command

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
PACKAGES = ("numpy", "scipy", "pandas", "statsmodels", "linearmodels")
STUDY = "klier_2019"
COMMANDS = [
    "simulate {key} --seed 1 --out .", "check {key}.plan.toml", "check {key}.plan.toml {key}.csv", "run {key}.plan.toml {key}.csv --quiet",
    "report report", "verify report --data {key}.csv", "export {key}.plan.toml --as all", "power {key}.plan.toml",
    "power {key}.plan.toml --simulate 1000 --seed 1", "randomize {key}.plan.toml {key}.csv --seed 1",
    "blind rerandomized {key}.plan.toml {key}.csv --seed 1 --out blind",
]  # fmt: skip

HEAD = """# Benchmarks

Written by `make benchmark`. Times are seconds of the processor, medians of runs in which trialkit and what it stands beside take turns; one thread each.
The ratio is the other's time over trialkit's: above 1 trialkit is faster. A ratio holds on another machine, seconds do not.

{machine}

## What was asked

'Asked' is the most seconds that the requirements allow. The spread is that of the runs. A loop is timed on a part of the draws and scaled; it is what a user would
write without the package. Where the two do not give the same (degrees of freedom, intervals, groups), the table says so.

"""
GROWTH = """
## How the cost grows

The exponent b is fitted to seconds = a size^b over the four sizes: 1 doubles with the size, below 1 a part of the cost is fixed.

"""
WAITING = """
## What a user waits for

Commands on the bundled study {key} (1,400 people, groups in one arm), each a process of its own, start included.

"""
LIMITS = """
## What stays, and why

- **The start of a command.** `import trialkit` loads nothing but itself, and `--help` nothing but the command line. A command that computes loads numpy, pandas and
  the parts of scipy with special functions and optimizers, most of what `check` takes; scipy.stats, the slowest part, is loaded by the few functions that use it.
- **Groups by traits.** Every draw of the mechanism is several searches for a good partition, and each row of a search has to wait for the one before. The searches of
  many draws run side by side; distances between people are computed once. Cost grows faster than the number of people in an arm and stratum (b above), and of a
  randomization test with its draws.
- **Power by simulation, one trial at a time.** Means and shares by regression run in batches. Ratios, counts, times, ordered outcomes and mixed models run the
  planned analysis itself for every trial, checks and notes included, so that what is simulated is what will be run; `--workers` shares them out.
- **Imputation.** 50 imputations are 250 sweeps or more over every column, with a group effect in each regression; the time is that of the regressions.
"""


def machine() -> str:
    """Cores and versions, and nothing that names the machine."""
    python = f"Python {platform.python_version()}"
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    r = ""
    if shutil.which("Rscript") is not None:
        said = subprocess.run(["Rscript", "-e", "cat(as.character(getRversion()))"], capture_output=True, text=True, check=True)
        r = f"; R {said.stdout}"
    return f"{os.cpu_count()} cores; {python}, {packages}{r}; trialkit {version('trialkit')}."


def told(seconds: float) -> str:
    """Seconds with two digits, and a unit that suits them."""
    if seconds < 1:
        return f"{1e3 * seconds:.2g} ms" if seconds < 0.0995 else f"{1e3 * seconds:.0f} ms"
    return f"{seconds:.2g} s" if seconds < 9.95 else f"{seconds:,.0f} s"


def spread(times: Times) -> str:
    return f" ({told(min(times.processor))} to {told(max(times.processor))})" if len(times.processor) > 1 else ""


def ratio_text(ours: Times, theirs: Times) -> str:
    ratio = theirs.median / ours.median
    return f"{ratio:,.0f}" if ratio >= 9.95 else f"{ratio:.2g}"


def line(row: Row, ours: Times, theirs: Times | None) -> str:
    within = told(row.asked) + ("" if ours.median <= row.asked else " **(missed)**")
    if theirs is None:
        other, ratio = (f"{row.beside}: not measured here" if row.beside else "none known"), ""
    else:
        other, ratio = f"{row.beside}: {told(theirs.median)}{spread(theirs)}", ratio_text(ours, theirs)
    return f"| {row.what} | {within} | {told(ours.median)}{spread(ours)} | {other} | {ratio} |"


def asked(quick: bool) -> Iterator[str]:
    yield "| what | asked | trialkit (spread) | beside (spread) | ratio |"
    yield "|---|---|---|---|---|"
    for row in ROWS:
        if quick and row.long:
            continue
        began = time.perf_counter()
        found = compared(row.case(), 1 if quick else 5)
        progress(row.what, began)
        yield line(row, *found)


def grown(growth: Growth, runs: int) -> str:
    seconds = [seconds_of(growth.at(size), runs) for size in growth.sizes]
    cells = " | ".join(f"{told(s)} ({size:,})" for size, s in zip(growth.sizes, seconds))
    return f"| {growth.what} | {growth.along} | {cells} | {exponent(growth.sizes, seconds):.2f} |"


def growths(quick: bool) -> Iterator[str]:
    yield "| what | by | once (size) | twice | four times | eight times | b |"
    yield "|---|---|---|---|---|---|---|"
    for growth in GROWTHS:
        began = time.perf_counter()
        found = grown(growth, 1 if quick else 3)
        progress(growth.what, began)
        yield found


def waited() -> Iterator[str]:
    """The commands in their order, on one folder."""
    yield "| command | seconds of the processor | of the clock |"
    yield "|---|---|---|"
    with tempfile.TemporaryDirectory() as folder:
        for text in COMMANDS:
            said = text.format(key=STUDY)
            worked, clock = once(trialkit_command(*said.split(), folder=Path(folder)))
            progress(said, time.perf_counter() - clock)
            yield f"| `trialkit {said}` | {told(worked)} | {told(clock)} |"


def progress(what: str, began: float) -> None:
    print(f"{time.perf_counter() - began:6.1f} s  {what}", file=sys.stderr, flush=True)


def page(quick: bool) -> Iterator[str]:
    """The page, piece by piece."""
    yield HEAD.format(machine=machine())
    yield from (f"{row}\n" for row in asked(quick))
    if quick:
        yield f"\nA short run: {sum(row.long for row in ROWS)} long rows and the commands are left out, and every call was timed once.\n"
    yield GROWTH
    yield from (f"{row}\n" for row in growths(quick))
    if not quick:
        yield WAITING.format(key=STUDY)
        yield from (f"{row}\n" for row in waited())
    yield LIMITS


if __name__ == "__main__":
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("--quick", action="store_true", help="every call once, without the long rows and the commands")
    asks.add_argument("--out", type=Path, default=PAGE)
    given = asks.parse_args()
    given.out.write_text("".join(page(given.quick)), encoding="utf-8")
