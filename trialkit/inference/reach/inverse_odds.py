"""Who takes part, given covariates, and weights that make those who did look like those who did not.

P(S = 1 | x) is a logistic regression of membership of the trial on covariates, over trial and population. With g = (1 - p)/p the trial weighted by g has the
covariates of the people outside it; by 1/p = 1 + g those of everyone. Score contributions give the influence of each person on the coefficients,
sum_j v_j (S_j - p_j) x_j H^-1 with H = sum v p(1-p) x x'. Source: Westreich et al. (2017), American Journal of Epidemiology 186; Dahabreh et al. (2020),
Statistics in Medicine 39.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray
from trialkit.inference.outcomes.glm import glm
from trialkit.inference.outcomes.separation import separating_direction


@dataclass(frozen=True, slots=True)
class Participation:
    """A fitted model of taking part; rows are the trial's n people, then the population's m.

    Attributes
    ----------
    linear : (n + m,) log odds of taking part. influence : (n + m, K) values that sum to the error of the coefficients, 0 for columns left out.
    separated : (K,) a direction of the columns along which trial and population do not overlap, or None.
    """

    linear: FloatArray
    influence: FloatArray
    separated: FloatArray | None

    @property
    def probability(self) -> FloatArray:
        return np.asarray(1 / (1 + np.exp(-self.linear)))


def participation(*, X: FloatArray, outside: FloatArray, weights: FloatArray | None = None) -> Participation:
    """Model from columns X (n, K) of the trial and `outside` (m, K) of the population, a constant included.

    `weights` (m,) of the population are scaled to mean one, so that in whatever unit they are given the model is the same.
    """
    member = np.r_[np.ones(len(X)), np.zeros(len(outside))]
    rows = np.vstack([X, outside])
    load = np.ones(len(rows)) if weights is None else np.r_[np.ones(len(X)), weights / weights.mean()]
    fit = glm(y=member, X=rows, family="logistic", weights=None if weights is None else load)
    separated = None
    if bool(fit.suspect):
        found = separating_direction(y=member, X=rows[:, fit.kept], family="logistic")
        if found is not None:
            separated = np.zeros(X.shape[1])
            separated[fit.kept] = found
    influence = np.zeros(rows.shape)
    influence[:, fit.kept] = (
        (load * (member - fit.mu))[:, None]
        * rows[:, fit.kept]
        @ np.linalg.pinv((rows[:, fit.kept] * (load * fit.mu * (1 - fit.mu))[:, None]).T @ rows[:, fit.kept], hermitian=True)
    )
    return Participation(fit.eta, influence, separated)
