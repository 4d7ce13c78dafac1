"""Power over a range: any arguments as lists, every combination a row."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.errors import UsageError
from trialkit.misuse import explained
from trialkit.power.result import PowerResult
from trialkit.power.solve import NoSolutionError
from trialkit.results import Note, TableResult, chart_of

_CARRIED = ("n", "treated", "controls", "std_error", "df", "effect_standardized", "type_s", "type_m")
_MOST_POINTS = 100_000


@dataclass(frozen=True)
class PowerCurve(TableResult):
    """A table of power answers: what was varied, what was solved for, people, standard error and df in every row.

    `details` holds `varied` (arguments in their order), `solved_for`, `fixed` and `function`.

    Examples
    --------
    >>> found = tk.power.curve(tk.power.individual, effect=[0.3, 0.5], n_per_arm=[50, 100])
    >>> found.tidy()["power"].round(3).tolist()
    [0.318, 0.56, 0.697, 0.94]
    """

    kind = "power_curve"

    def _title(self) -> str:
        fixed = ", ".join(f"{k}={v}" for k, v in self.details["fixed"].items())
        return f"{self.details['solved_for']} of {self.details['function']}" + (f" with {fixed}" if fixed else "")

    def plot(self, **options: Any) -> Any:
        """The curves as a figure; options as in `tk.plot.power_curve`. Returns a matplotlib Axes."""
        return chart_of(self, **options)


@explained
def curve(function: Callable[..., PowerResult], **arguments: Any) -> PowerCurve:
    """Power answers over every combination of the arguments given as lists.

    Parameters
    ----------
    function : a power function, as `tk.power.grouped`.
    arguments : its keyword arguments. A list, range or array varies; a number, text or tuple does not (so that (2, 1) stays an
        allocation and (8, 10, 12) the sizes of three groups). As always one of power, effect and a size is left out.

    Returns
    -------
    PowerCurve
        `.tidy()` has one row a combination, the last argument changing fastest; a combination without a solution is NaN, with a
        note that quotes the reason.

    Raises
    ------
    UsageError
        Nothing varies, a list is empty, or an argument is refused by the function.

    Examples
    --------
    >>> found = tk.power.curve(tk.power.grouped, effect=[0.3, 0.4], groups=range(8, 11), group_size=12, controls=144, icc=0.05)
    >>> len(found.tidy())
    6
    """
    varied = {k: _values(k, v) for k, v in arguments.items() if _varies(v)}
    if not varied:
        raise UsageError("nothing varies: give at least one argument as a list, as in effect=[0.2, 0.3, 0.4].")
    points = math.prod(len(v) for v in varied.values())
    if points > _MOST_POINTS:
        raise UsageError(f"{points:,} combinations are too many for one table; vary fewer arguments or fewer values.")
    fixed = {k: v for k, v in arguments.items() if k not in varied}
    rows: list[tuple[Mapping[str, Any], PowerResult | None]] = []
    failures: list[str] = []
    solved_for: str | None = None
    for combination in itertools.product(*varied.values()):
        point = dict(zip(varied, combination))
        try:
            found = function(**fixed, **point)
        except NoSolutionError as error:
            failures.append(str(error))
            rows.append((point, None))
            continue
        solved_for = found.solved_for
        rows.append((point, found))
    if solved_for is None:
        raise NoSolutionError(f"no combination has a solution. The first: {failures[0]}")
    details = {
        "function": getattr(function, "__name__", "power"),
        "solved_for": solved_for,
        "varied": tuple(varied),
        "fixed": fixed,
    }
    table = tuple(_row(point, found, solved_for) for point, found in rows)
    return PowerCurve((), _notes(rows, failures), details, table)


def _varies(value: Any) -> bool:
    return isinstance(value, (list, range, np.ndarray)) or (isinstance(value, Iterable) and hasattr(value, "tolist"))


def _values(name: str, values: Any) -> list[Any]:
    found = [v.item() if isinstance(v, np.generic) else v for v in values]
    if not found:
        raise UsageError(f"{name} is an empty list; give at least one value.")
    return found


def _row(point: Mapping[str, Any], found: PowerResult | None, solved_for: str) -> dict[str, Any]:
    """One combination: what was varied, what was found, and the numbers that every design has."""
    names = [solved_for, *(k for k in _CARRIED if k not in point and k != solved_for)]
    numbers = {k: math.nan if found is None or found.details.get(k) is None else found.details[k] for k in names}
    return {**point, **numbers}


def _notes(rows: Sequence[tuple[Mapping[str, Any], PowerResult | None]], failures: Sequence[str]) -> tuple[Note, ...]:
    """Notes of the points, each once, and how many have no solution."""
    found = {n.code: n for _, r in rows if r is not None for n in r.notes}
    if failures:
        text = f"{len(failures)} of {len(rows)} combinations have no solution. The first: {failures[0]}"
        found["no_solution"] = Note("no_solution", text)
    return tuple(found.values())
