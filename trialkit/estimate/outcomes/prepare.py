"""What an outcome becomes before an estimator sees it: codes of ordered categories; money capped, cut into margins or transformed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from trialkit.errors import ValueTypeError, shown
from trialkit.estimate.analysis import Analysis
from trialkit.estimate.measures import MEASURES
from trialkit.estimate.outcome import Time
from trialkit.estimate.outcomes.money import Money, PreparedMoney, finish_money, prepare_money
from trialkit.estimate.parts import with_outcome
from trialkit.estimate.request import Request
from trialkit.io.frames import numeric
from trialkit.io.suspicions import suspicions
from trialkit.results import Note
from trialkit.trial import Trial


@dataclass(frozen=True, slots=True)
class Prepared:
    """The trial that the estimator gets; `finish` puts what the preparation has to say into the analysis."""

    trial: Trial
    given: Trial
    money: Money
    made: PreparedMoney | None
    notes: tuple[Note, ...] = ()

    def finish(self, request: Request, analysis: Analysis, run: Callable[[Trial], Analysis]) -> Analysis:
        """The analysis with estimand, notes and details of the preparation; `run` repeats it on another trial."""
        if self.notes:
            analysis = replace(analysis, notes=(*self.notes, *analysis.notes))
        return analysis if self.made is None else finish_money(self.given, request, self.money, self.made, analysis, run)


def prepare(trial: Trial, outcome: str | Time, measure: str, money: Money) -> Prepared:
    """The trial with the outcome that the measure is estimated on.

    Raises
    ------
    UsageError, CombinationError, ValueTypeError, EstimationError
        More than one of cap, margin and transform, or one that does not go with the measure; words without an order; amounts below zero with log1p;
        nobody above zero.
    """
    suspected = () if isinstance(outcome, Time) else _suspected(trial.column(outcome), outcome)
    if money.asked:
        money.check(measure)
        made = prepare_money(trial, str(outcome), money)
        return Prepared(made.trial, trial, money, made, suspected)
    if measure in MEASURES and MEASURES[measure].outcome == "ordered":
        codes, notes = _ordered(trial.column(str(outcome)), str(outcome))
        if codes is not None:
            return Prepared(with_outcome(trial, str(outcome), codes), trial, money, None, notes)
    return Prepared(trial, trial, money, None, suspected)


def _suspected(column: pd.Series, name: str) -> tuple[Note, ...]:
    """A value such as -99 that stands apart and looks like a code for a missing answer would be analysed as a number."""
    if not is_numeric_dtype(column.dtype) or is_bool_dtype(column.dtype) or column.isna().all():
        return ()
    return tuple(Note("undeclared_code", f"{text}.") for text in suspicions(column.to_frame(name)))


def _ordered(column: pd.Series, name: str) -> tuple[np.ndarray | None, tuple[Note, ...]]:
    """Codes 1, 2, ... of an ordered categorical; None for numbers; an error for words whose order is not known."""
    if isinstance(column.dtype, pd.CategoricalDtype) and column.cat.ordered:
        codes = column.cat.codes.to_numpy(dtype=float)
        seen = set(column.dropna().astype(str))
        labels = [str(c) for c in column.cat.categories]
        text = f"'{name}' is in the order {' < '.join(f'{c} ({k})' for k, c in enumerate(labels, 1))}."
        unused = [c for c in labels if c not in seen]
        if unused:
            text += f" Nobody has {shown(unused)}."
        return np.where(codes < 0, np.nan, codes + 1), (Note("ordered_codes", text),)
    try:
        numeric(column, name)
    except ValueTypeError as error:
        words = [v for v in dict.fromkeys(column.dropna()) if isinstance(v, str)]
        if not words or "decimal comma" in str(error):
            raise
        raise ValueTypeError(
            f"'{name}' holds words ({shown(words, 4)}), whose order is not known. Say it, lowest first: "
            f"data['{name}'] = pd.Categorical(data['{name}'], categories=[{', '.join(repr(w) for w in words[:3])}, ...], ordered=True); or give numbers."
        ) from error
    return None, ()
