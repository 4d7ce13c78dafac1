"""Gatekeeping: a family of hypotheses tested in an order that a graph lays down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from trialkit.errors import CombinationError, DataError, UsageError, nearest, shown
from trialkit.inference.arrays import FloatArray
from trialkit.inference.several.gatekeeping_graph import GraphTest, graph_test
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import TableResult

PassOn = Literal["all", "any"]
Shares: TypeAlias = "Sequence[float] | Mapping[str, float]"
Arrows: TypeAlias = "Sequence[Sequence[float]] | Mapping[str, Mapping[str, float]]"

_ROUNDING = 1e-9


@dataclass(frozen=True)
class GatekeepingResult(TableResult):
    """Hypotheses with their adjusted p-values; `.tidy()` has hypothesis, family, p_value, weight, p_adjusted and rejected."""

    kind = "gatekeeping"

    @property
    def p_adjusted(self) -> list[float]:
        """In the order the hypotheses were given: the smallest alpha at which each is rejected."""
        return [float(r["p_adjusted"]) for r in self.table]

    @property
    def rejected(self) -> list[str]:
        """Names of the rejected hypotheses, in the order they were given."""
        return [str(r["hypothesis"]) for r in self.table if r["rejected"]]

    @property
    def steps(self) -> pd.DataFrame:
        """Hypotheses in the order they are taken: the share of alpha each had, its alpha, and whether it was rejected."""
        return pd.DataFrame(self.details["steps"])

    def _title(self) -> str:
        return (
            f"Gatekeeping at alpha = {number(float(self.details['alpha']))}: {len(self.rejected)} of {len(self.table)} rejected"
        )


@explained
def gatekeeping(
    p: Sequence[float] | Mapping[str, float],
    *,
    weights: Shares | None = None,
    transitions: Arrows | None = None,
    families: Mapping[str, Sequence[str]] | None = None,
    pass_on: PassOn = "all",
    alpha: float = 0.05,
) -> GatekeepingResult:
    """Test hypotheses along a graph, with the family-wise error held at alpha.

    Every hypothesis starts with a share of alpha; when it is rejected, its share moves along its arrows to hypotheses still
    open. Fixed sequences, fallback and serial or parallel gatekeeping are such graphs. The graph is laid down before the data
    are seen.

    Parameters
    ----------
    p : unadjusted p-values, a list or {name: p}.
    weights : share of alpha that each hypothesis starts with; their sum is at most 1.
    transitions : row i says where the share of hypothesis i goes when it is rejected; rows sum to at most 1, the diagonal is
        zero. A list of rows, or {from: {to: share}} with names.
    families : instead of a graph, {family: names of its hypotheses} in the order they are tested; `p` then has names. Inside a
        family hypotheses share alpha equally and pass it to each other (Holm).
    pass_on : with families, when the next one opens: 'all' (serial, the default: when every hypothesis of the family is
        rejected, with the whole alpha) or 'any' (parallel: each rejected hypothesis of the first family passes its share on; the
        families behind it open the same way).
    alpha : family-wise error.

    Returns
    -------
    GatekeepingResult
        `.p_adjusted`, `.rejected`, `.steps`, `.tidy()`.

    Raises
    ------
    UsageError, CombinationError
        A graph that is not one: shares above 1, arrows from a hypothesis to itself, names that do not occur.
    DataError
        Missing or impossible p-values.

    References
    ----------
    Bretz, Maurer, Brannath & Posch (2009), algorithm 2; Dmitrienko, Offen & Westfall (2003).

    Examples
    --------
    >>> import trialkit as tk
    >>> found = tk.gatekeeping({"job": 0.02, "income": 0.01, "health": 0.3}, families={"primary": ["job"], "secondary": ["income", "health"]})
    >>> found.rejected
    ['job', 'income']
    """
    names = [str(n) for n in p] if isinstance(p, Mapping) else [f"H{i}" for i in range(1, len(p) + 1)]
    values = np.array([float(v) for v in (p.values() if isinstance(p, Mapping) else p)])
    _check_inputs(values, names, alpha)
    if families is not None:
        if weights is not None or transitions is not None:
            raise CombinationError("families= makes the graph: leave weights= and transitions= out, or give these alone.")
        if not isinstance(p, Mapping):
            raise UsageError("families= goes with named p-values: tk.gatekeeping({'job': 0.02, ...}, families=...).")
        places = _family_places(families, names)
        found, start = _in_families(values, places, pass_on)
    else:
        if weights is None or transitions is None:
            raise CombinationError("gatekeeping needs a graph: weights= and transitions=, or families=.")
        start, arrows = _shares(weights, names), _arrows(transitions, names)
        _check_graph(start, arrows, names)
        found = graph_test(p=values, weights=start, transitions=arrows)
        places = {}
    return _result(names, values, start, found, places, alpha)


def _result(
    names: Sequence[str], p: FloatArray, start: FloatArray, found: GraphTest, places: Mapping[str, Sequence[int]], alpha: float
) -> GatekeepingResult:
    family = {i: name for name, inside in places.items() for i in inside}
    # shares such as 1/3 + 1/6 are rounded; a p-value on the edge belongs inside
    rejected = found.p_adjusted <= alpha * (1 + 1e-12)
    table = []
    for i, name in enumerate(names):
        row: dict[str, Any] = {"hypothesis": name} | ({"family": family[i]} if family else {})
        row |= {"p_value": float(p[i]), "weight": float(start[i]), "p_adjusted": float(found.p_adjusted[i])}
        table.append(row | {"rejected": bool(rejected[i])})
    steps = [
        {
            "step": step + 1, "hypothesis": names[i], "p_value": float(p[i]), "weight": float(found.share[i]),
            "alpha": float(alpha * found.share[i]), "p_adjusted": float(found.p_adjusted[i]), "rejected": bool(rejected[i]),
        }
        for step, i in enumerate(found.order.tolist())
    ]  # fmt: skip
    return GatekeepingResult((), (), {"alpha": alpha, "steps": steps}, tuple(table))


def _in_families(p: FloatArray, places: Mapping[str, Sequence[int]], pass_on: str) -> tuple[GraphTest, FloatArray]:
    """Families in their order, each by Holm, and the shares at the start."""
    if pass_on not in ("all", "any"):
        raise UsageError(f"pass_on={pass_on!r} is unknown: it is 'all' or 'any'.")
    groups = list(places.values())
    start = np.zeros(len(p))
    start[list(groups[0])] = 1 / len(groups[0])
    if pass_on == "any":
        return graph_test(p=p, weights=start, transitions=_parallel(groups, len(p))), start
    adjusted, order, share, gate = np.ones(len(p)), [], np.zeros(len(p)), 0.0
    for inside in groups:
        rows = np.array(inside)
        own = graph_test(p=p[rows], weights=np.full(len(rows), 1 / len(rows)), transitions=_holm(len(rows)))
        # a family opens at the alpha at which the whole family before it is rejected
        adjusted[rows] = np.maximum(own.p_adjusted, gate)
        gate = float(adjusted[rows].max())
        order += rows[own.order].tolist()
        share[rows] = own.share
    return GraphTest(adjusted, np.array(order, dtype=np.int64), share), start


def _holm(m: int) -> FloatArray:
    return (np.ones((m, m)) - np.eye(m)) / max(m - 1, 1)


def _parallel(groups: Sequence[Sequence[int]], m: int) -> FloatArray:
    """Every hypothesis passes its share to the next family in equal parts; those of the last to each other."""
    arrows = np.zeros((m, m))
    for inside, following in pairwise(groups):
        arrows[np.ix_(inside, following)] = 1 / len(following)
    last = list(groups[-1])
    arrows[np.ix_(last, last)] = _holm(len(last))
    return arrows


def _family_places(families: Mapping[str, Sequence[str]], names: Sequence[str]) -> dict[str, list[int]]:
    out: dict[str, list[int]] = {}
    taken: set[str] = set()
    for family, members in families.items():
        if isinstance(members, str) or not len(members):
            raise UsageError(f"family '{family}' takes a list of at least one hypothesis.")
        for name in members:
            if name in taken:
                raise UsageError(f"hypothesis '{name}' stands in the families twice.")
            taken.add(name)
        out[str(family)] = [_place(str(name), names, f"family '{family}'") for name in members]
    left = [n for n in names if n not in taken]
    if left or not out:
        raise UsageError(
            f"{shown(left)} {'is' if len(left) == 1 else 'are'} in no family: a p-value outside the graph is not protected by it."
        )
    return out


def _place(name: str, names: Sequence[str], where: str) -> int:
    if name not in names:
        near = nearest(name, names)
        raise UsageError(
            f"{where} names '{name}', which is not among the p-values: {shown(names, 12)}.{f' Did you mean {near!r}?' if near else ''}"
        )
    return list(names).index(name)


def _shares(weights: Shares, names: Sequence[str]) -> FloatArray:
    out = np.zeros(len(names))
    if isinstance(weights, Mapping):
        for name, value in weights.items():
            out[_place(str(name), names, "weights")] = float(value)
        return out
    if len(weights) != len(names):
        raise UsageError(f"{len(names)} p-values need {len(names)} weights, not {len(weights)}.")
    return np.array([float(w) for w in weights])


def _arrows(transitions: Arrows, names: Sequence[str]) -> FloatArray:
    m = len(names)
    if isinstance(transitions, Mapping):
        out = np.zeros((m, m))
        for start, row in transitions.items():
            for end, value in row.items():
                out[_place(str(start), names, "transitions"), _place(str(end), names, f"the arrows of '{start}'")] = float(value)
        return out
    rows = [list(r) for r in transitions]
    if len(rows) != m or any(len(r) != m for r in rows):
        raise UsageError(f"{m} p-values need transitions of {m} rows and {m} columns.")
    return np.array(rows, dtype=float)


def _check_inputs(p: FloatArray, names: Sequence[str], alpha: float) -> None:
    if not len(p):
        raise UsageError("gatekeeping needs at least one p-value.")
    valid = (p >= 0) & (p <= 1)
    if not valid.all():
        bad = [n for n, ok in zip(names, valid) if not ok]
        raise DataError(f"p-values lie between 0 and 1 and none may be missing; look at {shown(bad)}.")
    if not 0 < alpha < 1:
        raise UsageError(f"alpha={alpha} must lie between 0 and 1, for instance 0.05.")


def _check_graph(weights: FloatArray, arrows: FloatArray, names: Sequence[str]) -> None:
    if not (weights >= 0).all() or weights.sum() > 1 + _ROUNDING or not weights.sum() > 0:
        raise UsageError(f"weights are shares of alpha: none below 0, and a sum above 0 and at most 1; it is {weights.sum():g}.")
    sums = arrows.sum(axis=1)
    wrong = ~(arrows >= 0).all(axis=1) | ~(sums <= 1 + _ROUNDING)
    if wrong.any():
        bad = [n for n, w in zip(names, wrong) if w]
        raise UsageError(
            f"the arrows of {shown(bad)} are below 0 or sum to more than 1: a rejected hypothesis has one share to pass on."
        )
    own = np.diag(arrows) != 0
    if own.any():
        raise UsageError(
            f"{shown([n for n, w in zip(names, own) if w])} passes its share to itself: the diagonal of transitions is zero."
        )
