"""Times of a call and of what a user would run instead, taken in turns, so that what else runs on the machine falls on both."""

from __future__ import annotations

import gc
import resource
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Case:
    """What is timed.

    Attributes
    ----------
    ours, peer : the two calls; no peer where nothing else gives the same.
    scale : the peer is timed on 1/scale of the work, and its seconds are multiplied.
    runs : how often each is timed, after one run that is not counted (unless runs is 1).
    elsewhere : seconds of a peer that times itself, as a process of R does, for a number of runs; none where it is not installed.
    """

    ours: Call
    peer: Call | None = None
    scale: float = 1.0
    runs: int = 5
    elsewhere: Callable[[int], list[float]] | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of processor and of the clock, one a run."""

    processor: list[float]
    clock: list[float]

    @property
    def median(self) -> float:
        return float(np.median(self.processor))

    @property
    def waited(self) -> float:
        return float(np.median(self.clock))


def processor() -> float:
    """Seconds of processor time of this process and of those that it started and that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def once(call: Call) -> tuple[float, float]:
    """Seconds of the processor and of the clock; garbage is collected before, not within."""
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        worked, waited = processor(), time.perf_counter()
        call()
        return processor() - worked, time.perf_counter() - waited


def compared(case: Case, most: int) -> tuple[Times, Times | None]:
    """Ours and the peer's in turns, at most so often each."""
    runs = min(case.runs, most)
    calls = [c for c in (case.ours, case.peer) if c is not None]
    if case.runs > 1:
        for call in calls:
            once(call)
    taken: list[list[tuple[float, float]]] = [[] for _ in calls]
    for _ in range(runs):
        for call, into in zip(calls, taken):
            into.append(once(call))
    ours = Times(*map(list, zip(*taken[0])))
    if case.peer is not None:
        return ours, Times(*([case.scale * s for s in part] for part in zip(*taken[1])))
    told = case.elsewhere(runs) if case.elsewhere is not None else []
    return ours, Times(told, told) if told else None


def seconds_of(call: Call, runs: int) -> float:
    """The median of the processor's seconds after a run that is not counted."""
    once(call)
    return float(np.median([once(call)[0] for _ in range(runs)]))


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """b of seconds = a size^b, by least squares of the logs."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
