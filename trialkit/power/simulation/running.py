"""The blocks of a simulation: how large they are, on which workers they run, what is kept of them, and how far they are.

Block b is made from the seed and b alone and its size follows from b alone, so a longer run begins with the blocks of a shorter one, and neither the number
of workers nor an interruption changes a number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from trialkit.errors import UsageError
from trialkit.power.simulation.tally import Tally

ROUND = 20
FIRST = 40


class Blocks(Protocol):
    """What can be run: tallies of block b, one an effect, and what tells it from other simulations."""

    @property
    def replicates(self) -> int: ...

    @property
    def later(self) -> int: ...

    def block(self, index: int) -> list[Tally]: ...

    def head(self) -> dict[str, Any]: ...


def size_of(question: Blocks, index: int) -> int:
    """Replicates of a block: few in each of the first 40, so that power is an average over many randomizations, then more."""
    return question.replicates if index < FIRST else question.later


def blocks_for(question: Blocks, n_draws: int) -> int:
    """How many blocks hold this many replicates, the last one whole."""
    early = FIRST * question.replicates
    if n_draws <= early:
        return -(-n_draws // question.replicates)
    return FIRST - (early - n_draws) // question.later


def run(question: Blocks, blocks: range, workers: int, saved: Saved) -> Iterator[list[Tally]]:
    """Tallies in the order of the blocks, from the checkpoint where it has them."""
    waiting = [b for b in blocks if b not in saved.known]
    if workers == 1 or len(waiting) < 2:
        made = (question.block(b) for b in waiting)
    else:
        from joblib import Parallel, delayed

        made = iter(Parallel(n_jobs=workers, return_as="generator")(delayed(question.block)(b) for b in waiting))
    for b in blocks:
        if b in saved.known:
            yield saved.known[b]
            continue
        tallies = next(made)
        saved.keep(b, tallies)
        yield tallies


class Saved:
    """Finished blocks in a file, a line each; the first line says whose they are."""

    def __init__(self, path: str | Path | None, question: Blocks) -> None:
        self.path = None if path is None else Path(path)
        self.known: dict[int, list[Tally]] = {}
        if self.path is None:
            return
        head = json.dumps(question.head())
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        if not lines or (len(lines) == 1 and head.startswith(lines[0])):  # new, or stopped while the first line was written
            self.path.write_text(head + "\n")
            return
        if lines[0] != head:
            raise UsageError(f"'{self.path.name}' holds the blocks of another simulation: delete it, or name another checkpoint.")
        whole = [*(line for line in lines[1:] if self._reads(line))]
        if len(whole) < len(lines) - 1:  # a line cut off when the run was stopped: the next one would be written onto it
            self.path.write_text("\n".join([head, *whole]) + "\n")

    def _reads(self, line: str) -> bool:
        try:
            content = json.loads(line)
        except json.JSONDecodeError:
            return False
        self.known[content["block"]] = [Tally(**t) for t in content["tallies"]]
        return True

    def keep(self, block: int, tallies: list[Tally]) -> None:
        self.known[block] = tallies
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps({"block": block, "tallies": [t.to_dict() for t in tallies]}) + "\n")


class Told:
    """Tells how many blocks are done: to a function, on a bar with the time left, or to nobody."""

    def __init__(self, progress: bool | Callable[[int, int], None] | None, blocks: int) -> None:
        self._call = progress if callable(progress) else None
        self._bar: Any = None
        self._blocks = blocks
        if progress is True:
            from tqdm import tqdm

            self._bar = tqdm(total=blocks, desc="simulating", unit="block")

    def __enter__(self) -> Told:
        return self

    def __call__(self, done: int) -> None:
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
        if self._call is not None:
            self._call(done, self._blocks)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()
