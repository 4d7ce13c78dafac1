"""From a solution to a result: the same fields and sentences for every family."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from trialkit.power.arguments import TakeUp, Test
from trialkit.power.model import Model
from trialkit.power.random_designs import imbalance, take_up_notes
from trialkit.power.result import PowerResult
from trialkit.power.solve import Solution
from trialkit.results import Note


def assemble(
    function: str,
    model: Model,
    solution: Solution,
    *,
    solved_for: str,
    inputs: Mapping[str, Any],
    test: Test,
    take_up: TakeUp,
    method: str,
    standardized: tuple[float, str] | None,
    assumptions: Sequence[str | None],
    notes: Sequence[Note] = (),
    covariates: float = 0,
) -> PowerResult:
    """The result of a power function.

    Parameters
    ----------
    standardized : effect in standard units and the standardizer in words.
    assumptions : sentences without a full stop; None is left out.
    covariates : random ones that the test adjusts for at the level where its df are counted.
    """
    sizes, effect = solution.sizes, solution.effect
    assigned = effect * take_up.dilution
    precision = model.precision(assigned, sizes)
    design = model.whole(sizes)
    details: dict[str, Any] = {
        "function": function,
        "solved_for": solved_for,
        "power": solution.power,
        "effect": effect,
        "effect_assigned": assigned,
        "effect_standardized": standardized[0] if standardized else None,
        "standardizer": standardized[1] if standardized else "",
        **model.fields(sizes),
        "std_error": precision.std_error,
        "df": precision.df,
        "type_s": _defined(solution.tails.type_s),
        "type_m": _defined(solution.tails.type_m),
        "alpha": test.alpha,
        "alternative": test.alternative,
        "method": method,
        "design": model.arguments(design),
        "power_at_design": float(model.tails(assigned, design).power),
        "assumptions": tuple(a for a in (*assumptions, take_up.words(effect)) if a),
        "inputs": dict(inputs),
        "as_asked": model.arguments(sizes),
        "words": model.words(sizes),
        "design_words": model.words(design),
        "test_words": test.words(),
    }
    more, optimistic = imbalance(details, covariates, test)
    said = (*solution.notes, *notes, *optimistic, *take_up_notes(take_up, details, test))
    return PowerResult((), said, {**details, **more})


def _defined(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
