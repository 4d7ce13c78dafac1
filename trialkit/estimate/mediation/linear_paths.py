"""Two linear models: their paths, and the effects as closed forms of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.estimate.mediation.models import Contrasts, Regression, joined
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.mediation.cross_products import LinearPaths, linear_paths
from trialkit.inference.mediation.effects import effects_of_means, linear_means


@dataclass(frozen=True, slots=True)
class LinearProblem:
    """Mediator and outcome by linear models; parameters are m0, a, b (or b0 and b1) and c of `linear_means`.

    The mediator's origin is its mean, so that parameters and their df do not depend on units or origins.
    """

    mediator: Regression
    outcome: Regression
    y: FloatArray
    m: FloatArray
    t: FloatArray
    X: FloatArray
    unit: IntArray
    weights: FloatArray | None
    interaction: bool
    products: LinearPaths

    @property
    def regressions(self) -> tuple[Regression, Regression]:
        return self.mediator, self.outcome

    def vectors(self) -> tuple[FloatArray, FloatArray]:
        """Rows that make the parameters of the coefficients of each model."""
        k = 2 + self.X.shape[1]
        start = np.zeros((2, k))
        start[0] = [1.0, 0.0, *(np.average(x, weights=self.weights) for x in self.X.T)]
        start[1, 1] = 1.0
        size = k + 1 + self.interaction
        rows = np.zeros((3 if self.interaction else 2, size))
        rows[:-1, k] = 1.0
        rows[-1, 1] = 1.0
        if self.interaction:
            rows[1, k + 1] = 1.0
            rows[-1, k + 1] = self._origin()
        return start, rows

    def parameters(self) -> Contrasts:
        """All parameters with their joint covariance."""
        of_mediator, of_outcome = self.vectors()
        both = joined(self.mediator.contrasts(of_mediator), self.outcome.contrasts(of_outcome))
        both.estimate[0] -= self._origin()
        return both

    def effects(self, parameters: FloatArray) -> FloatArray:
        """(B, 8) effects at parameters (B, p)."""
        paths = parameters if self.interaction else parameters[:, [0, 1, 2, 2, 3]]
        return effects_of_means(linear_means(paths))

    def resampled(self, weights: FloatArray) -> FloatArray:
        """(B, 8) effects of refits at weights (B, U) of the units."""
        return effects_of_means(linear_means(self.products.draw(weights)))

    def _origin(self) -> float:
        return float(np.average(self.m, weights=self.weights))


def linear_problem(
    *, mediator: Regression, outcome: Regression, y: FloatArray, m: FloatArray, t: FloatArray, X: FloatArray, unit: IntArray,
    weights: FloatArray | None, interaction: bool,
) -> LinearProblem:  # fmt: skip
    """The problem with the cross-products of its units (codes 0..U-1)."""
    products = linear_paths(y=y, m=m, t=t, X=X, unit=unit, interaction=interaction, weights=weights)
    return LinearProblem(mediator, outcome, y, m, t, X, unit, weights, interaction, products)
