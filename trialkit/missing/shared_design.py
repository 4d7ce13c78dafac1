"""The pooled effect at many deltas: by one regression for all imputations together where the analysis allows it, else trial by trial.

A completed trial differs from another in its outcome alone, so a least-squares analysis has one design, one set of leverages and CR2 factors and one set of
moments for all imputations and deltas (estimate/linear/many_outcomes.py). That the analysis is of this kind is not taken on trust: at delta 0 every
completed trial is analysed by itself, which shows the designs to be the same and the numbers to agree, and at every other delta one of them is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from trialkit.errors import UsageError, shown
from trialkit.estimate.itt_result import IttResult
from trialkit.estimate.linear.linear_model import LinearModel
from trialkit.estimate.linear.many_outcomes import ManyOutcomes
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_test
from trialkit.inference.imputation.rubin import rubin
from trialkit.inference.linear.absorb import AbsorbedFit
from trialkit.missing.imputations import Imputations
from trialkit.results import Result
from trialkit.trial import Trial

_BY_LEAST_SQUARES = ("ancova", "lin", "difference_in_means")
_AGREE = 1e-8
_MOST_NUMBERS = 4_000_000

Analyse = Callable[[Trial], Result]


class PooledAt:
    """The pooled row of one contrast with delta times `moved` added to the imputed values of a column.

    Parameters
    ----------
    moved : (missing,) 1 for the imputed values that move, 0 for the others, in the order of `imputed.missing`.
    contrast : of the analysis; its only one when None.
    """

    def __init__(self, imputed: Imputations, outcome: str, moved: FloatArray, analyse: Analyse, contrast: str | None) -> None:
        self._imputed, self._outcome, self._moved, self._analyse, self._contrast = imputed, outcome, moved, analyse, contrast
        self._rows: dict[float, dict[str, Any]] = {}
        self._many: ManyOutcomes | None = None
        self._look: _Look | None = None
        self.disagreed = False

    def __call__(self, delta: float) -> dict[str, Any]:
        """delta, contrast, estimate, std_error, df, conf_low, conf_high, p_value, conf_level and measure."""
        if self._look is None:
            self._begin()
        if delta not in self._rows:
            together = self._together(delta)
            self._rows[delta] = self._one_by_one(delta, self._analyse) if together is None else together
        return self._rows[delta]

    @property
    def together(self) -> bool:
        """Whether the imputations of a delta are one regression; False before the first."""
        return self._many is not None

    def _begin(self) -> None:
        self._look = _Look(self._outcome, self._analyse, self._contrast)
        self._rows[0.0] = self._one_by_one(0.0, self._look)
        if self._look.same:
            assert self._look.model is not None and self._look.vector is not None
            self._many = ManyOutcomes(self._look.model, self._look.vector)
            if not self._look.agrees(self._estimates(0.0)):
                self._many = None

    def _one_by_one(self, delta: float, analyse: Analyse) -> dict[str, Any]:
        pooled = self._shifted(delta).analyse(analyse)
        e = row_of(pooled, self._contrast)
        keys = ("contrast", "estimate", "std_error", "df", "conf_low", "conf_high", "p_value", "conf_level")
        return {"delta": delta} | {k: getattr(e, k) for k in keys} | {"measure": pooled.details.get("measure", "")}

    def _shifted(self, delta: float) -> Imputations:
        return self._imputed.shifted({self._outcome: delta * self._moved})

    def _together(self, delta: float) -> dict[str, Any] | None:
        """The row from all imputations at once; None where that is not to be had, and from the first disagreement on."""
        if self._many is None:
            return None
        found = self._estimates(delta)
        if not (np.isfinite(found).all() and (found[:, 1:] > 0).all()):
            return None
        probe = len(self._rows) % len(found)
        alone = row_of(self._analyse(self._shifted(delta).completed(probe)), self._contrast)
        if not _agree(found[[probe]], np.array([[alone.estimate, alone.std_error, alone.df]])):
            self._many, self.disagreed, self._rows = None, True, {0.0: self._rows[0.0]}
            return None
        pooled = rubin(estimates=found[:, :1], variances=found[:, 1:2] ** 2, df=found[:, 2:].mean(axis=0))
        first = self._rows[0.0]
        error, df = math.sqrt(pooled.variance[0]), float(pooled.df[0])
        test = t_test(float(pooled.estimate[0]), error, df, first["conf_level"])
        return first | {
            "delta": delta, "estimate": float(pooled.estimate[0]), "std_error": error, "df": df, "conf_low": test.conf_low,
            "conf_high": test.conf_high, "p_value": test.p_value,
        }  # fmt: skip

    def _estimates(self, delta: float) -> FloatArray:
        """(M, 3) estimate, standard error and df in each completed trial."""
        assert self._many is not None and self._look is not None and self._look.model is not None
        rows, drawn = self._look.model.sample.rows, self._imputed.drawn[self._outcome]
        known, places = self._imputed.trial.values(self._outcome), self._imputed.missing[self._outcome]
        each = max(1, _MOST_NUMBERS // len(known))
        parts = []
        for start in range(0, len(drawn), each):
            part = drawn[start : start + each]
            y = np.broadcast_to(known, (len(part), len(known))).copy()
            y[:, places] = part + delta * self._moved
            found = self._many.run(y[:, rows])
            parts.append(np.column_stack([found.estimate, np.sqrt(np.maximum(found.variance, 0.0)), found.df]))
        return np.concatenate(parts)


class _Look:
    """An analysis, watched: whether the regressions of the completed trials differ in the outcome alone."""

    def __init__(self, outcome: str, analyse: Analyse, contrast: str | None) -> None:
        self._outcome, self._analyse, self._contrast = outcome, analyse, contrast
        self._numbers: list[tuple[float, float, float]] = []
        self.model: LinearModel | None = None
        self.vector: FloatArray | None = None
        self.same = True

    def __call__(self, trial: Trial) -> Result:
        found = self._analyse(trial)
        if self.same:
            self.same = self._compare(trial, found)
        return found

    def agrees(self, found: FloatArray) -> bool:
        """Whether numbers (M, 3) are those of the analyses seen."""
        return _agree(found, np.array(self._numbers))

    def _compare(self, trial: Trial, found: Result) -> bool:
        if not isinstance(found, IttResult) or found.evidence is None or found.evidence.trial is not trial:
            return False
        model = found.evidence.model
        place = next((i for i, e in enumerate(found.estimates) if self._contrast in (None, e.contrast)), None)
        if model is None or place is None or found.details["estimator"] not in _BY_LEAST_SQUARES:
            return False
        e, vector = found.estimates[place], found.evidence.vectors[place]
        if not np.array_equal(model.sample.y, trial.values(self._outcome)[model.sample.rows]):
            return False  # capped or transformed
        self._numbers.append((e.estimate, e.std_error, e.df))
        if self.model is None or self.vector is None:
            self.model, self.vector = model, vector
            return _serves(model)
        first = self.model.sample
        return (
            np.array_equal(model.design, self.model.design)
            and np.array_equal(vector, self.vector)
            and np.array_equal(model.sample.rows, first.rows)
            and np.array_equal(model.sample.unit_of_variance, first.unit_of_variance)
            and model.fit.weights is None
            and model.cov.kind == self.model.cov.kind
        )


def _serves(model: LinearModel) -> bool:
    """Whether a model stands for other outcomes: without weights or absorbed strata, and with the working covariance that it asks for."""
    if model.fit.weights is not None or isinstance(model.fit, AbsorbedFit) or model.df_rule == "groups":
        return False
    return model.working is not None or not model.cov.n_full_leverage


def _agree(found: FloatArray, alone: FloatArray) -> bool:
    """Estimates to a hundred-millionth of a standard error, standard errors and df as closely in themselves."""
    if found.shape != alone.shape:
        return False
    scale = np.column_stack([alone[:, 1], alone[:, 1], alone[:, 2]])
    return bool((np.abs(found - alone) <= _AGREE * scale).all())


def row_of(result: Result, contrast: str | None) -> Any:
    """The row of a contrast; of None the only one."""
    if contrast is None and len(result.estimates) == 1:
        return result.estimates[0]
    names = [e.contrast for e in result.estimates]
    if contrast is None:
        raise UsageError(f"the analysis has {len(names)} rows: say contrast= one of {shown(names)}.")
    for e in result.estimates:
        if e.contrast == contrast:
            return e
    raise UsageError(f"there is no contrast {contrast!r} in the analysis: say one of {shown(names)}.")
