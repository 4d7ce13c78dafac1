"""Sharp bounds of the indirect effect in one arm, mediator and outcome 0 or 1, from what a design lets be seen.

People are of types: the mediator under each setting z of the arm, the outcome at mediator 1 and at 0, and the mediator that the other arm would give. Shares of types are any that agree
with the shares seen; the effect is linear in them, so its least and largest value are linear programmes. Data of the other arm's outcomes say nothing of this arm's, so they do not enter.
Source: Imai, Tingley & Yamamoto (2013), JRSS A 176(1), sections 3.2 and 4.1 (parallel and parallel encouragement designs).
"""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy import optimize

from trialkit.inference.arrays import FloatArray

PARALLEL = "parallel"
ENCOURAGEMENT = "encouragement"
_ALWAYS = ((0,), (1,))
_MONOTONE = ((0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 1, 1))


def types(design: str) -> tuple[FloatArray, FloatArray]:
    """What each type contributes to the shares seen (R, K) and to E[Y(t, M_t)] - E[Y(t, M_t')] (K,).

    Rows of the parallel design: P(Y=1, M=1), P(Y=1, M=0) and P(Y=0, M=1) of arm t, P(M=1) of the other arm, P(Y=1) with the mediator set to 1 and set to 0 in arm t.
    Rows of the encouragement design: the first three for each of discouraged, neither and encouraged, then P(M=1) of the other arm with neither.
    """
    paths = _ALWAYS if design == PARALLEL else _MONOTONE
    now = 0 if design == PARALLEL else 1
    columns, effect = [], []
    for path, y1, y0, other in product(paths, (0, 1), (0, 1), (0, 1)):
        seen: list[int] = []
        for m in path:
            y = y1 if m else y0
            seen += [y * m, y * (1 - m), (1 - y) * m]
        seen.append(other)
        if design == PARALLEL:
            seen += [y1, y0]
        columns.append(seen)
        effect.append((y1 if path[now] else y0) - (y1 if other else y0))
    return np.array(columns, dtype=float).T, np.array(effect, dtype=float)


def type_bounds(*, design: str, low: FloatArray, high: FloatArray) -> tuple[float, float]:
    """Least and largest E[Y(t, M_t)] - E[Y(t, M_t')] with the shares seen (R,) within `low` and `high`; NaN where no shares of types agree with them."""
    seen, effect = types(design)
    found = []
    for sign in (1.0, -1.0):
        answer = optimize.linprog(
            sign * effect,
            A_ub=np.vstack([seen, -seen]),
            b_ub=np.concatenate([high, -low]),
            A_eq=np.ones((1, len(effect))),
            b_eq=[1.0],
            bounds=(0, None),
            method="highs",
        )
        found.append(sign * float(answer.fun) if answer.status == 0 else float("nan"))
    return found[0], found[1]
