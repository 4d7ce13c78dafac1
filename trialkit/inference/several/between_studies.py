"""Steps towards the variance between studies that never leave its range, for every model of the means."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["MOST_STEPS", "scored_tau2"]

MOST_STEPS = 2000


def scored_tau2(start: float, step_at: Callable[[float], float], end: float) -> float:
    """Fisher scoring of REML from `start`: a step below zero is halved, and a step of at most `end` is the last.

    Raises
    ------
    ArithmeticError
        The iteration does not settle.
    """
    tau2 = start
    for _ in range(MOST_STEPS):
        step = step_at(tau2)
        while tau2 + step < 0:
            step /= 2
            if abs(step) < 1e-300:
                step = -tau2
        tau2 += step
        if abs(step) <= end:
            return tau2
    raise ArithmeticError("the REML iteration of tau2 did not settle")
