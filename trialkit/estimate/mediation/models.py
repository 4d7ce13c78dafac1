"""The two regressions of a mediation analysis: one face for least squares and for generalized linear models.

Mediator on arm and covariates, outcome on arm, covariates, mediator and (by default) arm x mediator, on the same people. The covariance across the two
models comes from the independent units: unit s contributes u_s to a coefficient of one model and v_s to one of the other, and their covariance is
sum_s u_s v_s. With groups that matters, because a good group raises both the mediator and the outcome of its members.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from trialkit.estimate.linear.linear_model import LinearModel
from trialkit.inference.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Contrasts:
    """Linear combinations of a model's coefficients: estimates, standard errors and df (k,), and (S, k) contributions of units.

    `contributions` is None with the classical covariance, where the two models are taken as independent.
    """

    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray
    cov: FloatArray
    contributions: FloatArray | None


@dataclass(frozen=True, slots=True)
class Regression:
    """A fitted regression.

    Attributes
    ----------
    kind : 'linear', 'logit', 'poisson', 'ordered' or 'piecewise_exponential'. response : name of the column explained.
    design : (n, K) constant, arm, covariates and, of the outcome, mediator and arm x mediator; the columns of `names`.
    coef : (K,). residuals : (n,) on the scale of the response. sigma : residual SD (n - K), NaN where there is none.
    r_squared : of a linear model. model : what gives covariances and df.
    """

    kind: str
    response: str
    design: FloatArray
    names: tuple[str, ...]
    coef: FloatArray
    residuals: FloatArray
    sigma: float
    r_squared: float
    model: LinearModel = field(repr=False)

    @property
    def arm_at(self) -> int:
        """Position of the arm among the coefficients."""
        return 1

    @property
    def vcov(self) -> FloatArray:
        """(K, K) covariance of the coefficients."""
        return self.model.cov.matrix

    @property
    def covariance_kind(self) -> str:
        return self.model.cov.kind

    @property
    def contributions(self) -> FloatArray | None:
        """(S, K) contributions of the independent units to the coefficients; None with the classical covariance."""
        if self.model.cov.influence is None:
            return None
        return np.column_stack([self.model.influence(v) for v in np.eye(len(self.coef))])

    def contrasts(self, vectors: FloatArray) -> Contrasts:
        """Combinations `vectors` (k, K), each with its own Satterthwaite df."""
        rows = np.array([self.model.contrast(v) for v in vectors])
        contributions = None
        if self.model.cov.influence is not None:
            contributions = np.column_stack([self.model.influence(v) for v in vectors])
        return Contrasts(rows[:, 0], rows[:, 1], rows[:, 2], vectors @ self.vcov @ vectors.T, contributions)


def linear_regression(model: LinearModel, response: str) -> Regression:
    """The face of a least-squares fit of full rank."""
    fit, y, w = model.fit, model.sample.y, model.sample.weights
    share = np.ones(len(y)) if w is None else w
    centred = y - np.average(y, weights=share)
    rss = float(fit.rss)
    scale = 1.0 if w is None else float(w.mean())
    return Regression(
        "linear", response, model.design, model.names, fit.coef, fit.residuals, float(np.sqrt(rss / scale / fit.df_resid)),
        1 - rss / float(share @ centred**2), model,
    )  # fmt: skip


def joined(mediator: Contrasts, outcome: Contrasts) -> Contrasts:
    """Both models' combinations together, mediator first, with the covariance across models that the units show.

    Where strata with one group borrow its variance, variances are larger than the sum over units; correlations are then the units'.
    """
    estimate, se, df = (
        np.concatenate([getattr(mediator, name), getattr(outcome, name)]) for name in ("estimate", "std_error", "df")
    )
    if mediator.contributions is None or outcome.contributions is None:
        size = len(mediator.estimate)
        cov = np.zeros((len(estimate), len(estimate)))
        cov[:size, :size], cov[size:, size:] = mediator.cov, outcome.cov
        return Contrasts(estimate, se, df, cov, None)
    both = np.column_stack([mediator.contributions, outcome.contributions])
    raw = both.T @ both
    own = np.sqrt(np.diag(raw))
    safe = np.where(own > 0, own, 1.0)
    return Contrasts(estimate, se, df, raw / np.outer(safe, safe) * np.outer(se, se), both)
