"""Two by two factorial trials: peer contact or not, crossed with a coach or not; cells of people, or of groups.

Equal cells of people: pooled variance, df 4n - 4. The main effect (mean of a factor's two cells minus the mean of the others) has variance
sd^2/n, the interaction (difference of differences) and twice that of one simple effect 4 sd^2/n and 2 sd^2/n.
Cells that differ, or whose people meet in groups: every cell has the variance of its own mean, v = sd^2 (1 + (m-1) icc)/(k m) with k - 1 df (k groups
of m) or sd^2/n with n - 1, and the contrast w has V = sum w^2 v with Satterthwaite df V^2 / sum (w^2 v)^2/df.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.power.noncentral import Alternative, t_power
from trialkit.misuse import explained
from trialkit.power.arguments import EffectOn, Pair, Reference, TakeUp, Test, choice, optional, real, said
from trialkit.power.assemble import assemble
from trialkit.power.mean_model import MeanModel, all_rounded_up, asked_sizes, only_one
from trialkit.power.model import Sizes
from trialkit.power.result import PowerResult
from trialkit.power.solve import solve
from trialkit.power.words import number, percent, plural, size
from trialkit.results import Note

FactorialContrast: TypeAlias = Literal["main", "interaction"]

SIZE_ARGUMENTS = ("n_per_cell", "cells")
# cells in the order (first factor off, second off), (off, on), (on, off), (on, on); 'main' is that of the first factor
_WEIGHTS = {"main": (-0.5, -0.5, 0.5, 0.5), "interaction": (1.0, -1.0, -1.0, 1.0)}


@dataclass(frozen=True, slots=True)
class Cell:
    """People of one cell, alone or in groups."""

    units: float
    size: float
    icc: float

    def variance(self, left: float) -> float:
        """Of the cell's mean in units of the variance of a person; attrition shrinks groups, never their number."""
        if self.size == 1:
            return 1 / (self.units * left)
        return (1 + (self.size * left - 1) * self.icc) / (self.units * self.size * left)

    def df(self, left: float) -> float:
        return (self.units * left if self.size == 1 else self.units) - 1


@explained
def factorial(
    *,
    effect: float | None = None,
    power: float | None = None,
    n_per_cell: float | None = None,
    cells: Sequence[Mapping[str, float]] | None = None,
    contrast: FactorialContrast = "main",
    sd: float = 1.0,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    test: Reference = "t",
    attrition: float = 0.0,
    take_up: Pair = 1.0,
    effect_on: EffectOn = "compliers",
) -> PowerResult:
    """Power, detectable effect or cell size of a two by two factorial trial.

    Parameters
    ----------
    effect : main effect, or difference of differences with contrast='interaction', in units of `sd`.
    n_per_cell : people in each of four equal cells without groups.
    cells : four cells instead, each {'n': 60} or {'groups': 8, 'group_size': 8, 'icc': 0.1}, in the order neither, second factor only, first
        factor only, both; the main effect is that of the first factor. With cells the effect or the power is left out.
    contrast : 'main' or 'interaction'.
    sd, alpha, alternative, test, take_up, effect_on : as in `individual`. attrition : share lost; shrinks groups, never their number.

    Returns
    -------
    PowerResult
        `.n_per_cell .n .df .std_error`; `.power_main .power_interaction .power_simple` at the same raw effect.

    Raises
    ------
    UsageError, NoSolutionError
        Not four cells, a cell said in two ways, or no size that reaches the power.

    Examples
    --------
    >>> found = tk.power.factorial(effect=0.3, n_per_cell=60)
    >>> round(found.power_main, 4), round(found.power_interaction, 4)
    (0.6385, 0.212)
    """
    inputs = said(locals())
    checked, uptake = Test.checked(alpha, alternative, test), TakeUp.checked(take_up, effect_on)
    kind = choice("contrast", contrast, FactorialContrast)
    spread, left = real("sd", sd, above=0), 1 - real("attrition", attrition, at_least=0, below=1)
    only_one("the cells", {"n_per_cell": n_per_cell, "cells": cells})
    listed = None if cells is None else _cells(cells)

    def spread_of(weights: Sequence[float], x: Sizes) -> tuple[Any, Any]:
        if listed is None:
            people = np.asarray(x["n_per_cell"]) * left
            return spread**2 * sum(w * w for w in weights) / people, 4 * people - 4
        v = np.array([w * w * c.variance(left) for w, c in zip(weights, listed)])
        df = np.array([c.df(left) for c in listed])
        used = v > 0
        return spread**2 * v.sum(), v.sum() ** 2 / (v[used] ** 2 / df[used]).sum()

    def fields(x: Sizes) -> dict[str, Any]:
        if listed is not None:
            return {"n": sum(c.units * c.size for c in listed), "cells": tuple(cells or ())}
        return {"n_per_cell": float(x["n_per_cell"]), "n": 4 * float(x["n_per_cell"])}

    model = MeanModel(
        lambda x, _: spread_of(_WEIGHTS[kind], x),
        checked,
        lambda x: _words(listed, x),
        fields,
        all_rounded_up,
        (lambda x: {"cells": cells}) if listed is not None else dict,
    )
    wished, effect = checked.target(power), optional("effect", effect)
    given: dict[str, Any] = {"n_per_cell": n_per_cell} if listed is None else {"cells": tuple(range(4))}
    solved_for, known, unknown = asked_sizes(
        "factorial", given, {"n_per_cell": 1.01 / left, "cells": 0}, effect=effect, power=wished
    )
    solution = solve(model, effect=effect, power=wished, known=known, unknown=unknown, take_up=uptake, test=checked)
    found = assemble(
        "factorial",
        model,
        solution,
        solved_for=solved_for,
        inputs=inputs,
        test=checked,
        take_up=uptake,
        method="normal formula" if test == "z" else "cell variances" if listed else "pooled variance of four cells",
        standardized=(solution.effect / spread, "the common SD"),
        assumptions=(
            "the main effect of the first factor" if kind == "main" else "the interaction: a difference of differences",
            f"{percent(1 - left)} are lost to follow-up" if left < 1 else None,
        ),
        notes=_notes(listed) if test == "t" else (),
    )
    assigned = solution.effect * uptake.dilution
    others: dict[str, float] = {}
    for name, weights in {**_WEIGHTS, "simple": (-1.0, 0.0, 1.0, 0.0)}.items():
        variance, df = spread_of(weights, solution.sizes)
        reference = math.inf if test == "z" else float(df)
        se = math.sqrt(float(variance))
        others[f"power_{name}"] = float(
            t_power(ncp=assigned / se, df=reference, alpha=checked.alpha, alternative=checked.alternative)
        )
        others |= {f"std_error_{name}": se, f"df_{name}": reference}
    return found.with_details(**others)


def _notes(listed: tuple[Cell, ...] | None) -> list[Note]:
    """What simulation says of the formula (docs/calibration/power.csv)."""
    if listed is None or min(c.units for c in listed) >= 8:
        return []
    text = (
        "with few groups or people in a cell the plug-in degrees of freedom are optimistic: by .02 to .03 at 4 groups, .005 at 8."
    )
    return [Note("plugin_df", text)]


def _cells(cells: Any) -> tuple[Cell, ...]:
    if not isinstance(cells, (list, tuple)) or len(cells) != 4:
        raise UsageError("cells must list four cells: neither, second factor only, first factor only, both.")
    return tuple(_cell(i, c) for i, c in enumerate(cells, 1))


def _cell(i: int, cell: Any) -> Cell:
    if not isinstance(cell, Mapping) or set(cell) not in ({"n"}, {"groups", "group_size", "icc"}, {"groups", "group_size"}):
        raise UsageError(f"cell {i} must be {{'n': 60}} or {{'groups': 8, 'group_size': 8, 'icc': 0.1}}; it is {cell!r}.")
    if "n" in cell:
        return Cell(real(f"n of cell {i}", cell["n"], above=1), 1.0, 0.0)
    if "icc" not in cell:
        raise UsageError(f"cell {i} has groups but no icc: say 'icc': 0.05, or 0 for none.")
    return Cell(
        real(f"groups of cell {i}", cell["groups"], above=1),
        real(f"group_size of cell {i}", cell["group_size"], above=1),
        real(f"icc of cell {i}", cell["icc"], at_least=0, at_most=1),
    )


def _words(listed: tuple[Cell, ...] | None, sizes: Sizes) -> str:
    if listed is None:
        return f"four cells of {plural(sizes['n_per_cell'], 'person', 'people')}"
    parts = [size(c.units) if c.size == 1 else f"{size(c.units)} groups of {size(c.size)} (ICC {number(c.icc)})" for c in listed]
    return f"cells of {', '.join(parts)}"


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What might be changed, in words and as arguments."""
    if "n_per_cell" in arguments:
        return [("ten more people per cell", {"n_per_cell": arguments["n_per_cell"] + 10})]
    grouped = [dict(c) | {"groups": c["groups"] + 1} if "groups" in c else dict(c) for c in arguments.get("cells", ())]
    return [("one more group in each grouped cell", {"cells": grouped})] if any("groups" in c for c in grouped) else []
