"""A fitted Cox model of arms and covariates, and the same model without some of the people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.errors import EstimationError, NotIdentifiedError, shown
from trialkit.estimate.fit_notes import collinear
from trialkit.estimate.survival.cox_checks import check_fit
from trialkit.estimate.survival.spread import LeftOut
from trialkit.estimate.survival.time_sample import TimeSample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.linear.least_squares import least_squares
from trialkit.inference.survival.cox import CoxFit, Ties, cox
from trialkit.results import Note

BLOCK = 2_000_000


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted Cox model with what is needed to fit it again without some people; columns are arms 1, 2, ... and covariates."""

    t: TimeSample
    stratum: IntArray | None
    columns: FloatArray
    names: tuple[str, ...]
    fit: CoxFit

    def without(self, vector: FloatArray) -> LeftOut:
        """The change of vector'b when units are left out: refits, in blocks of units."""

        def change(unit: IntArray) -> FloatArray:
            count = int(unit.max()) + 1
            step = max(BLOCK // (len(unit) * (1 + self.columns.shape[1])), 1)
            parts = [self._refitted(unit, np.arange(k, min(k + step, count))) for k in range(0, count, step)]
            return np.asarray((self.fit.coef - np.concatenate(parts)) @ vector)

        return change

    def _refitted(self, unit: IntArray, codes: IntArray) -> FloatArray:
        gone = unit == codes[:, None]
        s = self.t.people
        early = float(s.y.min()) - 1.0  # left out: gone before anyone else is at risk
        entry = None if self.t.entry is None else np.where(gone, early - 1.0, self.t.entry)
        fit = cox(
            time=np.where(gone, early, s.y), event=self.t.event & ~gone, X=self.columns, entry=entry, stratum=self.stratum,
            weights=s.weights, ties=self.fit.ties, start=self.fit.coef,
        )  # fmt: skip
        if not fit.converged.all():
            what = "group" if s.cluster is None else "cluster"
            raise EstimationError(
                f"without one of the {what}s some arm has no events, or the model no maximum: the variance between {what}s cannot be estimated. Use "
                "measure='rmst_difference', or leave strata and covariates out."
            )
        return fit.coef


def _within(X: FloatArray, stratum: IntArray | None) -> FloatArray:
    """Columns less their means in each stratum (zero where nothing is left): what the baselines do not take up."""
    codes = np.zeros(len(X), dtype=np.int64) if stratum is None else np.unique(stratum, return_inverse=True)[1].reshape(-1)
    size = np.bincount(codes)[:, None]
    sums = np.column_stack([np.bincount(codes, weights=column) for column in X.T])
    rest = X - (sums / size)[codes]
    empty = np.linalg.norm(rest, axis=0) <= 1e-7 * np.linalg.norm(X, axis=0)
    return np.where(empty, 0.0, rest)


def fitted(t: TimeSample, stratum: IntArray | None, ties: Ties) -> tuple[Model, list[Note]]:
    """Fit the arms and covariates of `t`; terms that are combinations of others are left out with a note."""
    s = t.people
    arms = s.arm_indicators
    X = np.concatenate([arms, s.X], axis=1)
    names = (*(f"arm {a}" for a in s.arms[1:]), *s.terms)
    kept = least_squares(y=s.y, X=_within(X, stratum)).kept
    notes = []
    left = [n for j, n in enumerate(names) if j not in kept]
    if any(j not in kept for j in range(arms.shape[1])):
        raise NotIdentifiedError(
            f"the hazard ratio of {shown([n for n in left if n.startswith('arm ')])} cannot be told apart from the strata: no stratum holds it and another "
            "arm. Use strata_effects='none'."
        )
    if left:
        notes.append(collinear(left))
    try:
        fit = cox(time=s.y, event=t.event, X=X[:, kept], entry=t.entry, stratum=stratum, weights=s.weights, ties=ties)
    except np.linalg.LinAlgError as error:
        raise EstimationError("the Cox model has no unique maximum: leave covariates or strata out.") from error
    used = tuple(names[j] for j in kept)
    check_fit(t, fit, used)
    return Model(t, stratum, X[:, kept], used, fit), notes
