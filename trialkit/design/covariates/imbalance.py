"""How far apart the arms of an assignment are: the Mahalanobis distance of the differences in means, or a user's own number.

M = D' V^-1 D, where D is the difference in (inverse-probability weighted) covariate means of two arms and V its covariance over the
base design: exact from pair probabilities when arm sizes are fixed, otherwise simulated. For complete randomization of n people
this is n p (1 - p) D' S^-1 D, with S the sample covariance.

References
----------
Morgan, K. L. & Rubin, D. B. (2012). Rerandomization to improve covariate balance in experiments. Annals of Statistics 40,
1263-1282, eq. (1) and section 5 for several arms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd

from trialkit.design.cells.units import Units
from trialkit.design.covariates.matrix import cluster_means, covariate_matrix, mahalanobis_coordinates
from trialkit.design.mechanism import ArmCodes, Mechanism
from trialkit.errors import DesignError
from trialkit.inference.arrays import FloatArray, IntArray

__all__ = ["Compare", "Imbalance", "MahalanobisImbalance", "OwnImbalance", "base_draws", "mahalanobis_imbalance"]

Compare = Literal["pairs", "rest"]
Sides = tuple[list[int], list[int]]
SIMULATED = 10_000
MOST_PAIRED = 2_000


class Imbalance(Protocol):
    """A number for each assignment; smaller is better."""

    def __call__(self, codes: ArmCodes) -> FloatArray:
        """(draws, n) arm codes -> (draws,)."""


@dataclass(frozen=True, slots=True)
class OwnImbalance:
    """A user's criterion of one assignment, applied to each."""

    criterion: Callable[[IntArray, pd.DataFrame], float]
    covariates: pd.DataFrame

    def __call__(self, codes: ArmCodes) -> FloatArray:
        found = np.array([float(self.criterion(row, self.covariates)) for row in codes.astype(np.int64)])
        if np.isnan(found).any():
            raise DesignError("the criterion returned NaN for an assignment: return a number, smaller for better balance.")
        return found


@dataclass(frozen=True, slots=True)
class MahalanobisImbalance:
    """The largest M over the comparisons of arms.

    Attributes
    ----------
    rows : the person that stands for each unit (cluster). values : (units, columns). weights : (units, arms) inverse probabilities.
    sides : arms on either side of each comparison. scales : for each comparison (columns, rank) so that M = |D scale|^2.
    """

    rows: IntArray
    values: FloatArray
    weights: FloatArray
    sides: tuple[Sides, ...]
    scales: tuple[FloatArray, ...]

    @property
    def rank(self) -> int:
        """Dimensions in which the base design leaves imbalance."""
        return max(s.shape[1] for s in self.scales)

    def __call__(self, codes: ArmCodes) -> FloatArray:
        found = np.max([((d @ s) ** 2).sum(axis=1) for d, s in zip(self.differences(codes), self.scales)], axis=0)
        # nobody in an arm is no balance at all
        return np.where(np.isnan(found), np.inf, found)

    def differences(self, codes: ArmCodes) -> Iterator[FloatArray]:
        """(draws, columns) differences in weighted means, for each comparison; NaN when a side is empty."""
        totals, sizes = self._sums(codes if len(self.rows) == codes.shape[1] else codes[:, self.rows])
        for first, second in self.sides:
            one, other = (sum(totals[a] for a in side) for side in (first, second))
            n_one, n_other = (sum(sizes[a] for a in side) for side in (first, second))
            both = np.asarray((n_one > 0) & (n_other > 0))
            difference = one / np.where(both, n_one, 1)[:, None] - other / np.where(both, n_other, 1)[:, None]
            yield np.where(both[:, None], difference, np.nan)

    def _sums(self, units: ArmCodes) -> tuple[list[FloatArray], list[FloatArray]]:
        """Weighted totals (draws, columns) and sizes (draws,) of each arm."""
        arms = self.weights.shape[1]
        if np.ptp(self.weights, axis=0).max() > 0:
            weighted = [(units == a) * self.weights[:, a] for a in range(arms)]
            return [w @ self.values for w in weighted], [w.sum(axis=1) for w in weighted]
        # the same weight for everyone in an arm cancels, and the last arm is what the others leave
        members = [units == a for a in range(arms - 1)]
        sizes = [m.sum(axis=1).astype(float) for m in members]
        totals = [m.astype(float) @ self.values for m in members]
        sizes.append(units.shape[1] - np.sum(sizes, axis=0))
        totals.append(self.values.sum(axis=0) - np.sum(totals, axis=0))
        return totals, sizes


def mahalanobis_imbalance(base: Mechanism, names: list[str], compare: Compare) -> tuple[MahalanobisImbalance, str]:
    """The criterion for a base design, and whether its covariance is 'exact' or 'simulated'."""
    values, sources = covariate_matrix(base.people, names)
    rows = np.arange(base.n)
    units: Units | None = getattr(base, "units", None)
    if units is not None and units.cluster is not None:
        values = cluster_means(values, units.member)
        rows = np.unique(units.member, return_index=True)[1]
    points = mahalanobis_coordinates(values, sources, units.nouns if units is not None else "people")
    shares = base.probability_matrix[rows]
    weights = np.divide(1.0, shares, out=np.zeros_like(shares), where=shares > 0)
    arms = range(len(base.arms))
    pairs = [([b], [a]) for a in arms for b in arms if a < b]
    sides = pairs if compare == "pairs" or len(pairs) == 1 else [([a], [b for b in arms if b != a]) for a in arms]
    unscaled = MahalanobisImbalance(rows, points, weights, tuple(sides), ())
    covariances = _exact(base, unscaled, shares)
    how = "simulated" if covariances is None else "exact"
    scales = [_scale(c) for c in (covariances or _simulated(base, unscaled))]
    if not any(s.shape[1] for s in scales):
        raise DesignError(f"the base design balances {', '.join(names)} exactly already: there is nothing to rerandomize on.")
    return MahalanobisImbalance(rows, points, weights, tuple(sides), tuple(scales)), how


def base_draws(base: Mechanism, n_draws: int) -> Iterator[ArmCodes]:
    """Draws by a constant seed: what is computed from them is a property of the design."""
    return base._blocks(n_draws, 0, "probabilities")


def _scale(covariance: FloatArray) -> FloatArray:
    """Square root of the generalized inverse."""
    roots, vectors = np.linalg.eigh(covariance)
    kept = roots > 1e-9 * max(float(roots.max()), 1e-300)
    out: FloatArray = vectors[:, kept] / np.sqrt(roots[kept])
    return out


def _exact(base: Mechanism, criterion: MahalanobisImbalance, shares: FloatArray) -> list[FloatArray] | None:
    """Covariances of the differences from pair probabilities; None when arm sizes vary or there is no closed form."""
    if base.n > MOST_PAIRED or np.ptp(shares, axis=0).max() > 1e-12 or base._pair_probabilities(0, 0) is None:
        return None
    some = next(base_draws(base, 64))[:, criterion.rows]
    counts = np.stack([(some == a).sum(axis=1) for a in range(len(base.arms))], axis=1)
    if np.ptp(counts, axis=0).max() > 0:
        return None
    square = np.ix_(criterion.rows, criterion.rows)

    def joint(first: list[int], second: list[int]) -> FloatArray:
        parts: list[Any] = [base.pair_probabilities(base.arms[a], base.arms[b])[square] for a in first for b in second]
        return np.sum(parts, axis=0) / (counts[0][first].sum() * counts[0][second].sum())

    found = []
    for first, second in criterion.sides:
        middle = joint(first, first) + joint(second, second) - joint(first, second) - joint(second, first)
        found.append(criterion.values.T @ middle @ criterion.values)
    return found


def _simulated(base: Mechanism, criterion: MahalanobisImbalance) -> list[FloatArray]:
    blocks = [list(criterion.differences(codes)) for codes in base_draws(base, SIMULATED)]
    stacked = [np.concatenate([b[i] for b in blocks]) for i in range(len(criterion.sides))]
    known = [d[~np.isnan(d).any(axis=1)] for d in stacked]
    return [d.T @ d / max(len(d), 1) for d in known]
