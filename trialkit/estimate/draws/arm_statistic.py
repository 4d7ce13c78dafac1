"""Which statistic a randomization test computes for every assignment, by what the trial is.

Means of arms over strata; a regression on arms, strata and covariates when there are covariates, or when the standard error has to
follow groups or clusters; and, when asked for, means weighted by inverse probabilities, for people of one stratum who had
probabilities of their own. Covariates are taken out of the outcome beforehand in that case.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trialkit.errors import CombinationError, DesignError, EstimationError
from trialkit.estimate.draws.assignments import Assignments
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.linear.arm_effects import ArmEffects, mean_effects, regression_effects
from trialkit.inference.linear.least_squares import least_squares
from trialkit.trial import ALONE, Trial

DECLARED, ESTIMATED = 1e-9, 0.05


@dataclass(frozen=True, slots=True)
class ArmStatistic:
    """The statistic of one outcome.

    Attributes
    ----------
    basis : (n, r) orthonormal: constant, strata, covariates. block : (n,) strata. inverse : (n, arms) inverse probabilities, or None.
    regression : whether the effects are regression coefficients.
    """

    sample: Sample
    basis: FloatArray
    block: IntArray
    inverse: FloatArray | None
    adjusted: bool
    studentize: bool
    regression: bool

    @property
    def label(self) -> str:
        """In words."""
        by = ", studentized" if self.studentize else ""
        if self.inverse is not None:
            return f"{'adjusted ' if self.adjusted else ''}difference in means weighted by inverse probabilities{by}"
        if not self.regression:
            return f"difference in means{by}"
        units = by and self.sample.clustered
        name = "regression coefficient" if self.adjusted or self.sample.stratum is not None else "difference in means"
        return f"{name}{by}{(' by clusters' if self.sample.cluster is not None else ' by groups') if units else ''}"

    def studentized(self) -> ArmStatistic:
        """The same divided by its standard error."""
        if self.inverse is not None and self.sample.clustered:
            raise CombinationError(
                "weighting by inverse probabilities has no studentized statistic with groups or clusters: leave weighting out, or say "
                "statistic='difference' and correction=None."
            )
        return replace(self, studentize=True, regression=self.inverse is None and (self.regression or self.sample.clustered))

    def effects(self, targets: FloatArray, drawn: Assignments) -> ArmEffects:
        """Effects of every treated arm on the targets (n, m), for assignments of these people."""
        n_arms = len(self.sample.arms)
        if self.inverse is not None:
            rest = targets - self.basis @ (self.basis.T @ targets)
            whole = np.zeros(self.sample.n, dtype=np.int64)
            return _whole(
                mean_effects(
                    targets=rest, draws=drawn.arms, n_arms=n_arms, block=whole, studentize=self.studentize, weights=self.inverse
                )
            )
        if not self.regression:
            found = mean_effects(targets=targets, draws=drawn.arms, n_arms=n_arms, block=self.block, studentize=self.studentize)
            if found.covariance is None or np.isfinite(found.covariance).all():
                return _whole(found)
            # an arm has one person in some stratum: the regression has a variance where the stratum alone has none
        groups = self.groups(drawn)
        return _whole(
            regression_effects(
                targets=targets, draws=drawn.arms, n_arms=n_arms, basis=self.basis, studentize=self.studentize, groups=groups
            )
        )

    def observed(self) -> Assignments:
        """The one assignment that happened."""
        s = self.sample
        groups = s.group[None, :] if s.cluster is None and (s.group != ALONE).any() else None
        return Assignments(s.arm[None, :], groups, np.ones(1), False)

    def groups(self, drawn: Assignments) -> IntArray | None:
        """Groups (or clusters) of every draw for the standard error; clusters stay who they are."""
        s = self.sample
        if not self.studentize or not s.clustered:
            return None
        if s.cluster is not None:
            codes = np.unique(s.cluster, return_inverse=True)[1].reshape(-1).astype(np.int64)
            return np.broadcast_to(codes, drawn.arms.shape)
        if drawn.groups is None:
            raise DesignError(
                "the trial has groups, but its design does not form them, so other assignments have no groups. Make group formation part of the "
                "design: design.with_groups(arm=..., size=(10, 15)), or use tk.wild_bootstrap."
            )
        return drawn.groups


def arm_statistic(trial: Trial, s: Sample, adjust: tuple[str, ...], *, studentize: bool, weighted: bool) -> ArmStatistic:
    """The statistic for these people, weighted by inverse probabilities or not."""
    block = _strata(s)
    indicators = (block[:, None] == np.unique(block)[1:]).astype(float)
    basis = least_squares(y=s.y, X=np.column_stack([np.ones(s.n), indicators, s.X])).q
    inverse = _inverse(trial, s) if weighted else None
    made = ArmStatistic(s, basis, block, inverse, bool(adjust), False, bool(adjust))
    return made.studentized() if studentize else made


def _strata(s: Sample) -> IntArray:
    return s.stratum if s.stratum is not None else np.zeros(s.n, dtype=np.int64)


def _inverse(trial: Trial, s: Sample) -> FloatArray:
    """(n, arms) inverse probabilities of the design."""
    p = _probabilities(trial, s)
    if (p <= 0).any():
        raise EstimationError(
            f"{int((p <= 0).any(axis=1).sum())} people could not have been in every arm: compare the arms among those who could, "
            "in a Trial and design of these people alone."
        )
    return np.asarray(1 / p)


def _probabilities(trial: Trial, s: Sample) -> FloatArray:
    assert trial.places is not None
    matrix = trial.design.probability_matrix[trial.places[s.rows]]
    return np.asarray(matrix[:, trial.design.codes(list(s.arms))])


def probabilities_differ(trial: Trial, s: Sample, drawn: Assignments) -> bool:
    """Whether people of one stratum have different probabilities.

    Where the design has no closed form for them the draws tell, and only large differences count.
    """
    if trial.design.probabilities_exact:
        return _spread(_probabilities(trial, s), _strata(s)) > DECLARED
    moving = np.any(drawn.arms != drawn.arms[0], axis=0)
    shares = np.column_stack([drawn.weights @ (drawn.arms[:, moving] == code) for code in range(len(s.arms))])
    return bool(moving.any()) and _spread(shares, _strata(s)[moving]) > max(ESTIMATED, 3.0 / np.sqrt(len(drawn.arms)))


def _spread(p: FloatArray, block: IntArray) -> float:
    """Largest difference of a probability within a stratum."""
    order = np.argsort(block, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(block[order]) > 0])
    within = np.maximum.reduceat(p[order], starts) - np.minimum.reduceat(p[order], starts)
    return float(within.max())


def _whole(found: ArmEffects) -> ArmEffects:
    """Assignments in which an arm is empty have no statistic; they are refused rather than left out."""
    bad = ~np.isfinite(found.effects).all(axis=(1, 2))
    if bad.any():
        raise EstimationError(
            f"in {int(bad.sum())} of {len(found.effects)} assignments an arm has nobody with the outcome, or cannot be told from the strata and "
            "covariates: the statistic does not exist there."
        )
    if found.covariance is not None and not np.isfinite(found.covariance).all():
        raise EstimationError(
            "in some assignments an arm has a single person with the outcome: the statistic has no standard error there. Say "
            "statistic='difference' and correction=None."
        )
    return found
