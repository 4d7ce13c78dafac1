"""Mediator and outcome by any two of the models: effects by summing over the mediator's distribution, refits of draws in one batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.estimate.mediation.models import Contrasts, Regression, joined
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.mediation.effects import Scale, effects_of_means
from trialkit.inference.mediation.nested_means import MediatorLaw, OutcomeLaw, nested_means
from trialkit.inference.mediation.weighted_fits import Kind, weighted_fits

FAMILIES: dict[str, Kind] = {"linear": "linear", "logit": "logistic", "poisson": "poisson", "piecewise_exponential": "poisson"}
CELLS = 1_500_000


@dataclass(frozen=True, slots=True)
class Response:
    """One model in centred columns: what a refit of it needs.

    `rows` (N,) is the person of each row of the fit (people have several in a piecewise model).
    """

    regression: Regression
    y: FloatArray
    design: FloatArray
    rows: IntArray
    centring: FloatArray
    offset: FloatArray | None = None

    def refit(self, weights: FloatArray, start: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(B, K) coefficients at weights (B, n) of people, and (B,) residual SDs, NaN where the model has none."""
        w = weights[:, self.rows]
        found = weighted_fits(
            y=self.y, X=self.design, kind=FAMILIES[self.regression.kind], weights=w, start=start, offset=self.offset
        )
        if self.regression.kind != "linear":
            return found, np.full(len(found), np.nan)
        squares = np.einsum("bn,bn->b", w, (self.y - found @ self.design.T) ** 2) / w.sum(axis=1)
        n, k = self.design.shape
        return found, np.sqrt(squares * n / (n - k))


@dataclass(frozen=True, slots=True)
class NonlinearProblem:
    """Parameters are the coefficients of both models, with covariates and mediator centred at their means."""

    mediator: Response
    outcome: Response
    law_m: MediatorLaw
    law_y: OutcomeLaw
    scale: Scale
    unit: IntArray
    weights: FloatArray

    @property
    def regressions(self) -> tuple[Regression, Regression]:
        return self.mediator.regression, self.outcome.regression

    def parameters(self) -> Contrasts:
        return joined(
            self.mediator.regression.contrasts(self.mediator.centring), self.outcome.regression.contrasts(self.outcome.centring)
        )

    def effects(self, parameters: FloatArray) -> FloatArray:
        """(B, 8) effects at parameters (B, p); the residual SD of a linear mediator is the fitted one."""
        k = len(self.mediator.centring)
        sigma = np.full(len(parameters), self.mediator.regression.sigma)
        return self._in_parts(parameters[:, :k], sigma, parameters[:, k:], None)

    def resampled(self, weights: FloatArray) -> FloatArray:
        """(B, 8) effects of refits at weights (B, U) of the units, averaged over the people drawn."""
        out = []
        for part in self._parts(len(weights)):
            own = weights[part][:, self.unit] * self.weights
            start = self.parameters_at()
            theta_m, sigma = self.mediator.refit(own, start[0])
            theta_y, _ = self.outcome.refit(own, start[1])
            out.append(self._in_parts(theta_m, sigma, theta_y, own))
        return np.concatenate(out)

    def parameters_at(self) -> tuple[FloatArray, FloatArray]:
        """Fitted coefficients of both models in centred columns."""
        return (
            self.mediator.centring @ self.mediator.regression.coef,
            self.outcome.centring @ self.outcome.regression.coef,
        )

    def _in_parts(self, theta_m: FloatArray, sigma: FloatArray, theta_y: FloatArray, own: FloatArray | None) -> FloatArray:
        means = [
            nested_means(
                mediator=self.law_m, outcome=self.law_y, theta_m=theta_m[part], sigma=sigma[part], theta_y=theta_y[part],
                weights=self.weights if own is None else own[part],
            )
            for part in self._parts(len(theta_m))
        ]  # fmt: skip
        return effects_of_means(np.concatenate(means), self.scale)

    def _parts(self, draws: int) -> list[slice]:
        size = max(1, CELLS // max(len(self.outcome.y), len(self.unit)))
        return [slice(i, i + size) for i in range(0, draws, size)]
