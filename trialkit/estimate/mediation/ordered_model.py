"""Proportional odds for a mediator or outcome of ordered categories, with the face of the other regressions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from trialkit.errors import CombinationError, EstimationError, shown
from trialkit.estimate.linear.linear_model import LinearModel, fit_linear
from trialkit.estimate.mediation.models import Contrasts, Regression
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.linear.influence import influence_variance
from trialkit.inference.mediation.ordered_scores import ordered_influence
from trialkit.inference.outcomes.proportional_odds import cumulative_logit
from trialkit.results import Note
from trialkit.trial import Trial

MOST_CATEGORIES = 12


def categories(values: FloatArray) -> FloatArray:
    """The distinct values, which are the categories' scores."""
    return np.unique(values)


def coded(trial: Trial, names: Sequence[str]) -> tuple[Trial, tuple[str, ...], list[Note]]:
    """The trial with ordered categoricals among `names` as scores 1, 2, ..., which columns these are, and a note on each."""
    found: dict[str, FloatArray] = {}
    notes = []
    for name in names:
        column = trial.column(name)
        if isinstance(column.dtype, pd.CategoricalDtype) and column.cat.ordered:
            codes = column.cat.codes.to_numpy(dtype=float)
            found[name] = np.where(codes < 0, np.nan, codes + 1)
            order = " < ".join(f"{c} ({k})" for k, c in enumerate(column.cat.categories, 1))
            notes.append(Note("ordered_codes", f"'{name}' is in the order {order}; means are of these scores."))
    return (trial.with_columns(found) if found else trial), tuple(found), notes


@dataclass(frozen=True, slots=True)
class OrderedRegression(Regression):
    """A proportional odds fit; `coef` is the thresholds and then the slopes of `design` (without a constant).

    `influence` (n, K) are values that sum to the error of the coefficients.
    """

    influence: FloatArray = field(default_factory=lambda: np.empty((0, 0)), repr=False)
    unit: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64), repr=False)

    @property
    def arm_at(self) -> int:
        """The arm comes behind the thresholds."""
        return len(self.coef) - self.design.shape[1]

    @property
    def vcov(self) -> FloatArray:
        found = self.contributions
        assert found is not None
        return np.asarray(found.T @ found)

    @property
    def covariance_kind(self) -> str:
        return "CR2" if self.model.sample.clustered else "HC2"

    @property
    def contributions(self) -> FloatArray | None:
        return self._by_unit(self.influence)

    def contrasts(self, vectors: FloatArray) -> Contrasts:
        values = self.influence @ vectors.T
        units = self._by_unit(values)
        cov = units.T @ units
        s = self.model.sample
        group = s.group if s.cluster is None and s.clustered else None
        df = np.array([influence_variance(values=v, arm=s.arm, unit=s.unit_of_variance, group=group).df for v in values.T])
        return Contrasts(vectors @ self.coef, np.sqrt(np.diag(cov)), df, np.asarray(cov), units)

    def _by_unit(self, values: FloatArray) -> FloatArray:
        """Sums by unit, each divided by sqrt(1 - n_unit/n_arm) as CR2 does in a regression on the arms."""
        s = self.model.sample
        _, first, size = np.unique(self.unit, return_index=True, return_counts=True)
        of_arm = np.bincount(s.arm)[s.arm[first]]
        sums = np.column_stack([np.bincount(self.unit, weights=v) for v in values.T])
        return np.asarray(sums / np.sqrt(1 - size / of_arm)[:, None])


def ordered_regression(s: Sample, design: FloatArray, names: list[str], covariance: str) -> OrderedRegression:
    """Fit; `design` (n, k) is the arm, covariates and, of an outcome, the mediator's terms."""
    if covariance not in ("auto", "CR2"):
        raise CombinationError(f"covariance={covariance!r} does not go with a model of ordered categories: leave it at 'auto'.")
    levels, category = np.unique(s.y, return_inverse=True)
    if len(levels) > MOST_CATEGORIES:
        raise EstimationError(
            f"'{s.outcome}' has {len(levels)} different values, too many for ordered categories (at most {MOST_CATEGORIES}): use the linear model."
        )
    code = category.reshape(-1).astype(np.int64)
    fit = cumulative_logit(category=code, X=design, weights=s.weights)
    if not fit.converged or fit.endless.any() or len(fit.kept) < design.shape[1]:
        bad = [names[k] for k, e in zip(fit.kept, fit.endless, strict=True) if e] or [
            names[j] for j in range(len(names)) if j not in fit.kept
        ]
        raise EstimationError(
            f"the model of ordered categories of '{s.outcome}' has no maximum: look at {shown(bad or names, 8)}, or merge categories."
        )
    theta = np.concatenate([fit.thresholds, fit.coef])
    influence, _ = ordered_influence(category=code, X=design, theta=theta, weights=s.weights)
    labels = (*(f"<= {v:g}" for v in levels[:-1]), *names)
    cuts, slopes = fit.thresholds, design @ fit.coef
    expected = levels[-1] - sum(step / (1 + np.exp(slopes - c)) for step, c in zip(np.diff(levels), cuts, strict=True))
    unit = np.unique(s.unit_of_variance, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return OrderedRegression(
        "ordered", s.outcome, design, labels, theta, s.y - expected, float("nan"), float("nan"), _stand_in(s), influence, unit
    )


def _stand_in(s: Sample) -> LinearModel:
    """The least-squares fit on the arm alone, for its checks of groups and its notes."""
    return fit_linear(s, np.column_stack([np.ones(s.n), s.arm]), ["constant", f"arm {s.arms[1]}"], kind="auto", df="auto")
