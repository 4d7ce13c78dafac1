"""Assurance: power averaged over what is not known (ICC, SD, effect), and the worst case over a range.

Power at a best guess is optimistic where power is concave in the guess. The expectation runs over a fixed low-discrepancy sequence of quantiles (the
additive recurrence of Roberts 2018), so no chance enters and no seed is needed. Source: O'Hagan, Stevens & Campbell (2005).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from scipy import special

from trialkit.errors import UsageError, nearest, shown
from trialkit.inference.arrays import FloatArray
from trialkit.misuse import explained
from trialkit.power.arguments import real
from trialkit.power.published_iccs import RANGES
from trialkit.power.result import PowerResult
from trialkit.power.solve import NoSolutionError
from trialkit.power.words import number, percent
from trialkit.results import TableResult, chart_of

Prior: TypeAlias = tuple[Any, ...] | str
KINDS = ("uniform", "normal", "lognormal", "quartiles")


@dataclass(frozen=True)
class Assurance(TableResult):
    """Expected power, its spread, and the worst case. `.tidy()` has a row a point of the priors with its power."""

    kind = "assurance"

    @property
    def assurance(self) -> float:
        """Power averaged over the priors."""
        return float(self.details["assurance"])

    @property
    def worst(self) -> float:
        """Lowest power over the central 95 % of the priors, their corners included."""
        return float(self.details["worst"])

    def __str__(self) -> str:
        d = self.details
        spread = " and ".join(percent(v) for v in d["middle"])
        lines = [
            f"Power averaged over {', '.join(d['priors_in_words'])}: {percent(self.assurance)} (at the middle of the priors {percent(d['at_medians'])}).",
            f"Power lies between {spread} in the middle 80 % of the priors; the chance that it is at least {percent(d['target'])} is {percent(d['reaches'])}; "
            f"at worst (95 % corners) it is {percent(self.worst)}.",
        ]
        return "\n".join(lines)

    def _title(self) -> str:
        return str(self).splitlines()[0]

    def plot(self, **options: Any) -> Any:
        """The distribution of power over the priors; see `tk.plot.assurance`."""
        return chart_of(self, **options)


@explained
def assurance(
    function: Callable[..., PowerResult],
    *,
    priors: Mapping[str, Prior],
    target: float = 0.8,
    n_points: int = 256,
    **arguments: Any,
) -> Assurance:
    """Power of a design averaged over priors on its assumptions.

    Parameters
    ----------
    function : a power function, as `tk.power.grouped`. arguments : its keywords; `power` and what stands in `priors` are left out.
    priors : by argument: ('uniform', low, high), ('normal', mean, sd), ('lognormal', median, factor: one SD upwards multiplies by it),
        ('quartiles', q25, median, q75: a normal through them on the side of each, cut off at 0), or for `icc` the key of a built-in range
        (`tk.power.icc_ranges()`).
    target : the power that should be reached. n_points : points of the expectation.

    Returns
    -------
    Assurance
        `.assurance .worst`, `.tidy()`.

    Raises
    ------
    UsageError
        An unknown prior, or power itself asked for.

    Examples
    --------
    >>> design = {"groups": 12, "group_size": 10, "controls": 120}
    >>> found = tk.power.assurance(tk.power.grouped, priors={"icc": ("uniform", 0.0, 0.15), "effect": ("normal", 0.4, 0.05)}, **design)
    >>> round(found.assurance, 2)
    0.72
    """
    if "power" in arguments or "power" in priors:
        raise UsageError("assurance gives power: leave power out, and say the whole design.")
    if not priors:
        raise UsageError("priors is empty: name what is uncertain, as in priors={'icc': ('uniform', 0, 0.1)}.")
    double = [k for k in priors if k in arguments]
    if double:
        raise UsageError(f"{shown(double)} is fixed and has a prior: say it once.")
    quantiles = {k: _quantile(k, v) for k, v in priors.items()}
    grid = _sequence(int(real("n_points", n_points, at_least=16)), len(quantiles))
    rows = []
    for u in grid:
        point = {k: q(float(p)) for (k, q), p in zip(quantiles.items(), u)}
        rows.append({**point, "power": _power(function, arguments, point)})
    found = np.array([r["power"] for r in rows])
    corners = np.array(np.meshgrid(*[(0.025, 0.975)] * len(quantiles))).reshape(len(quantiles), -1).T
    worst = min(_power(function, arguments, {k: q(float(p)) for (k, q), p in zip(quantiles.items(), u)}) for u in corners)
    middle = _power(function, arguments, {k: q(0.5) for k, q in quantiles.items()})
    wished = real("target", target, above=0, below=1)
    details = {
        "assurance": float(found.mean()), "worst": min(worst, float(found.min())), "at_medians": middle, "target": wished,
        "reaches": float((found >= wished).mean()), "middle": [float(v) for v in np.quantile(found, [0.1, 0.9])],
        "priors_in_words": [_words(k, v) for k, v in priors.items()], "function": getattr(function, "__name__", "power"),
    }  # fmt: skip
    return Assurance((), (), details, tuple(rows))


@explained
def maximin(
    function: Callable[..., PowerResult],
    *,
    ranges: Mapping[str, tuple[float, float]],
    designs: Sequence[Mapping[str, Any]],
    **arguments: Any,
) -> pd.DataFrame:
    """The design whose worst power over ranges of assumptions is best.

    Parameters
    ----------
    function : a power function. ranges : by argument (low, high); all corners are tried. designs : keywords of each design.

    Returns
    -------
    pandas.DataFrame
        A row a design, best first: its keywords, worst and best power.

    Examples
    --------
    >>> designs = [{"groups": 8, "group_size": 15}, {"groups": 12, "group_size": 10}]
    >>> found = tk.power.maximin(tk.power.grouped, ranges={"icc": (0, 0.15)}, designs=designs, effect=0.4, controls=120)
    >>> int(found.iloc[0]["groups"])
    12
    """
    if not ranges:
        raise UsageError("ranges is empty: name what is uncertain, as in ranges={'icc': (0, 0.15)}.")
    if not len(designs):
        raise UsageError(
            "designs is empty: give the keywords of each design, as in designs=[{'groups': 8, 'group_size': 15}, ...]."
        )
    rows = []
    for design in designs:
        corners = np.array(np.meshgrid(*ranges.values())).reshape(len(ranges), -1).T
        found = [_power(function, {**arguments, **design}, dict(zip(ranges, map(float, c)))) for c in corners]
        rows.append({**design, "worst": min(found), "best": max(found)})
    return pd.DataFrame(rows).sort_values("worst", ascending=False, ignore_index=True)


def _power(function: Callable[..., PowerResult], arguments: Mapping[str, Any], point: Mapping[str, float]) -> float:
    try:
        return float(function(**arguments, **point).power)
    except NoSolutionError:
        return math.nan


def _sequence(points: int, dimensions: int) -> FloatArray:
    """(points, dimensions) evenly spread in the unit cube: k times the powers of the root of x^(d+1) = x + 1."""
    root = 2.0
    for _ in range(60):
        root = (1 + root) ** (1 / (dimensions + 1))
    steps = root ** -np.arange(1.0, dimensions + 1)
    return np.asarray((0.5 + np.arange(1, points + 1)[:, None] * steps) % 1.0)


def _quantile(name: str, prior: Prior) -> Callable[[float], float]:
    if isinstance(prior, str):
        if name != "icc" or prior not in RANGES:
            near = nearest(prior, RANGES)
            raise UsageError(
                f"there is no built-in range '{prior}' for {name}.{f' Did you mean {near!r}?' if near else ''} tk.power.icc_ranges() lists them."
            )
        return _of_quartiles(*RANGES[prior].quartiles)
    kind, *values = prior
    if kind not in KINDS:
        raise UsageError(f"the prior of {name} must begin with {shown(KINDS)}; it is {prior!r}.")
    numbers = [real(f"the prior of {name}", v) for v in values]
    if len(numbers) != (3 if kind == "quartiles" else 2):
        raise UsageError(
            f"the prior ('{kind}', ...) of {name} takes {3 if kind == 'quartiles' else 2} numbers; it has {len(numbers)}."
        )
    if kind == "quartiles":
        return _of_quartiles(*numbers)
    first, second = numbers
    if kind == "uniform":
        if second <= first:
            raise UsageError(f"the uniform prior of {name} needs low below high; it is {prior!r}.")
        return lambda p: first + (second - first) * p
    if second <= 0:
        raise UsageError(f"the spread of the prior of {name} must be positive; it is {second:g}.")
    if kind == "normal":
        return lambda p: first + second * float(special.ndtri(p))
    return lambda p: first * second ** float(special.ndtri(p))


def _of_quartiles(low: float, middle: float, high: float) -> Callable[[float], float]:
    """Two halves of normals that meet in the median, cut off at 0."""
    if not low <= middle <= high or low == high:
        raise UsageError(f"quartiles must rise; they are {low:g}, {middle:g}, {high:g}.")

    def at(p: float) -> float:
        z = float(special.ndtri(p)) / 0.674489750196
        return max(middle + z * (high - middle if z > 0 else middle - low), 0.0)

    return at


def _words(name: str, prior: Prior) -> str:
    if isinstance(prior, str):
        return f"{name} as in {RANGES[prior].words}"
    kind, *v = prior
    return {
        "uniform": lambda: f"{name} uniform from {number(v[0])} to {number(v[1])}",
        "normal": lambda: f"{name} normal around {number(v[0])} (SD {number(v[1])})",
        "lognormal": lambda: f"{name} lognormal around {number(v[0])} (factor {number(v[1])})",
        "quartiles": lambda: f"{name} with quartiles {number(v[0])}, {number(v[1])}, {number(v[2])}",
    }[kind]()
