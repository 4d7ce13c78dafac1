"""The parameters of two fitted linear models, with the covariance that an analysis after `mediate` asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from trialkit.errors import CombinationError, UsageError
from trialkit.estimate.mediation.evidence import MediationEvidence, NaturalEffects, arms_text
from trialkit.estimate.mediation.models import Contrasts, Regression, joined
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_test
from trialkit.inference.linear.covariance import covariance as covariance_of
from trialkit.results import Estimate

AfterCovariance: TypeAlias = Literal["auto", "classical", "models"]


@dataclass(frozen=True, slots=True)
class LinearParameters:
    """m0, a, b0, b1 and c of `linear_means`: estimate and df (5,), cov (5, 5), and what units contribute (S, 5), None with the classical covariance."""

    estimate: FloatArray
    cov: FloatArray
    df: FloatArray
    contributions: FloatArray | None


def linear_evidence(result: NaturalEffects, what: str) -> MediationEvidence:
    """The evidence of an analysis with two linear models."""
    e = result.needed()
    if not e.linear:
        raise CombinationError(
            f"{what} needs a linear model of both mediator and outcome; here they are {e.mediator_model.kind} and {e.outcome_model.kind}. For 0 and 1 a linear model "
            "of the risk is there too: tk.mediate(..., measure='mean_difference', mediator_model='linear'); .evalue() works for ratios."
        )
    return e


def chosen_covariance(e: MediationEvidence, covariance: str) -> str:
    """'classical' or 'models'; 'auto' is the models' own with groups or clusters and the classical one without."""
    if covariance not in ("auto", "classical", "models"):
        raise UsageError(
            f"covariance={covariance!r} is unknown: it is 'auto', 'classical' or 'models' (the one that tk.mediate was asked for)."
        )
    if covariance == "auto":
        return "models" if e.sample.clustered else "classical"
    if covariance == "classical" and e.sample.clustered:
        raise UsageError("covariance='classical' ignores the groups or clusters: leave it at 'auto'.")
    return covariance


def linear_parameters(e: MediationEvidence, covariance: str, *, origin: float) -> LinearParameters:
    """Parameters with the mediator counted from `origin`; covariance is one of `chosen_covariance`."""
    k = 2 + e.X.shape[1]
    of_mediator = np.zeros((2, k))
    of_mediator[0] = [1.0, 0.0, *(np.average(x, weights=e.weights) for x in e.X.T)]
    of_mediator[1, 1] = 1.0
    of_outcome = np.zeros((3, k + 1 + e.interaction))
    of_outcome[:2, k] = 1.0
    of_outcome[2, 1] = 1.0
    if e.interaction:
        of_outcome[1, k + 1] = 1.0
        of_outcome[2, k + 1] = origin
    if covariance == "classical":
        both = joined(_classical(e.mediator_model, of_mediator), _classical(e.outcome_model, of_outcome))
    else:
        both = joined(e.mediator_model.contrasts(of_mediator), e.outcome_model.contrasts(of_outcome))
    both.estimate[0] -= origin
    return LinearParameters(both.estimate, both.cov, both.df, both.contributions)


def _classical(model: Regression, vectors: FloatArray) -> Contrasts:
    fit = model.model.fit
    cov = vectors @ covariance_of(fit, "classical").matrix @ vectors.T
    return Contrasts(vectors @ model.coef, np.sqrt(np.diag(cov)), np.full(len(vectors), float(fit.df_resid)), cov, None)


def combined_df(gradient: FloatArray, cov: FloatArray, df: FloatArray) -> FloatArray:
    """(...,) Satterthwaite df of combinations with derivatives `gradient` (..., P) of parameters with their own df (P,)."""
    parts = gradient**2 * np.diag(cov)
    return np.asarray(parts.sum(axis=-1) ** 2 / np.maximum((parts**2 / df).sum(axis=-1), 1e-300))


def delta_rows(
    e: MediationEvidence,
    names: Sequence[str],
    effects: FloatArray,
    gradient: FloatArray,
    cov: FloatArray,
    df: FloatArray,
    *,
    level: float,
    method: str,
    covariance: str,
) -> tuple[Estimate, ...]:
    """Rows of effects (E,) with derivatives `gradient` (E, P) by parameters with covariance `cov` (P, P) and their own df (P,)."""
    s = e.sample
    variance = np.einsum("ep,pq,eq->e", gradient, cov, gradient)
    kind = e.outcome_model.covariance_kind if covariance == "models" else "classical"
    rows = []
    for name, value, v, f in zip(names, effects, variance, combined_df(gradient, cov, df), strict=True):
        se = float(np.sqrt(max(v, 0.0)))
        test = t_test(float(value), se, float(f), level)
        rows.append(
            Estimate(
                str(e.outcome), name, arms_text(s.arms), float(value), se, float(f), test.statistic, test.p_value, test.conf_low, test.conf_high, level,
                s.n, s.n_clusters, s.groups_in(s.arm >= 0), method, kind,
            )
        )  # fmt: skip
    return tuple(rows)
