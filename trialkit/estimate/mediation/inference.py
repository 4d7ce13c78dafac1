"""From a problem (parameters and effects) to standard errors, intervals and p-values, by draws or by the delta method.

Which one to trust depends on the number of independent units: see `chosen`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from trialkit.errors import CombinationError, EstimationError, UsageError
from trialkit.estimate.mediation.models import Contrasts
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_test
from trialkit.inference.draws.group_bootstrap import bootstrap_weights, resampling_cells
from trialkit.inference.mediation.draws import acceleration, bias_correction, summary, t_draws
from trialkit.results import Note
from trialkit.trial import ALONE

Inference = Literal["auto", "group_bootstrap", "monte_carlo", "delta"]
Interval = Literal["percentile", "bca"]
MANY_UNITS = 40
CHUNK = 500


class Problem(Protocol):
    """Two fitted models, as parameters with a covariance and effects that are functions of them."""

    def parameters(self) -> Contrasts: ...

    def effects(self, parameters: FloatArray) -> FloatArray: ...

    def resampled(self, weights: FloatArray) -> FloatArray: ...


@dataclass(frozen=True, slots=True)
class Inferred:
    """Per effect (8,): standard error, df (NaN with draws), statistic, p-value and limits; draws (B, 8) or None."""

    std_error: FloatArray
    df: FloatArray
    p_value: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    draws: FloatArray | None
    method: str
    notes: tuple[Note, ...]


def chosen(inference: Inference, s: Sample, *, batched: bool) -> tuple[str, Note | None]:
    """The method, and with 'auto' a sentence on why.

    Whole groups are resampled when the arm with the fewest units has many of them; with few, percentiles of a bootstrap are too narrow, and Monte
    Carlo with CR2 and the paths' own degrees of freedom takes its place (docs/mediation.md). `batched`: whether refits can be made in one batch.
    """
    if inference not in ("auto", "group_bootstrap", "monte_carlo", "delta"):
        raise UsageError(f"inference={inference!r} is unknown: it is 'auto', 'group_bootstrap', 'monte_carlo' or 'delta'.")
    units = min(len(np.unique(s.unit_of_variance[s.arm == a])) for a in range(len(s.arms)))
    what = "groups" if s.cluster is None and (s.group != ALONE).any() else "clusters" if s.cluster is not None else "people"
    if inference == "group_bootstrap" and not batched:
        raise CombinationError("models of ordered categories are not refitted in a bootstrap: use inference='monte_carlo'.")
    if inference != "auto":
        if inference == "group_bootstrap" and units < MANY_UNITS and what != "people":
            return inference, Note(
                "few_units_bootstrap",
                f"an arm has {units} {what}: a bootstrap of so few is too narrow (inference='monte_carlo' keeps its level).",
            )
        return inference, None
    if not batched:
        return "monte_carlo", None
    if units >= MANY_UNITS:
        return "group_bootstrap", None
    return "monte_carlo", Note(
        "inference_chosen",
        f"an arm has {units} {what}, fewer than {MANY_UNITS}: intervals come from Monte Carlo draws with the small-sample covariance and its degrees of freedom, "
        "because a bootstrap of few units is too narrow.",
    )


def infer(
    problem: Problem,
    s: Sample,
    estimate: FloatArray,
    *,
    method: str,
    interval: Interval,
    n_draws: int,
    seed: int | None,
    conf_level: float,
) -> Inferred:
    """Inference on effects (8,) by a method of `chosen`."""
    if interval not in ("percentile", "bca"):
        raise UsageError(f"interval={interval!r} is unknown: it is 'percentile' or 'bca'.")
    if interval == "bca" and method != "group_bootstrap":
        raise UsageError("interval='bca' corrects a bootstrap: say inference='group_bootstrap' with it.")
    if method == "delta":
        return _delta(problem, estimate, conf_level)
    if seed is None:
        raise UsageError("draws need a seed: say seed=4711 (any number you choose), or inference='delta', which draws nothing.")
    if method == "monte_carlo":
        return _monte_carlo(problem, estimate, n_draws, seed, conf_level)
    return _bootstrap(problem, s, estimate, n_draws, seed, conf_level, interval)


def _monte_carlo(problem: Problem, estimate: FloatArray, n_draws: int, seed: int, conf_level: float) -> Inferred:
    p = problem.parameters()
    drawn = t_draws(estimate=p.estimate, cov=p.cov, df=p.df, n_draws=n_draws, seed=seed)
    draws = np.concatenate([problem.effects(drawn[i : i + CHUNK]) for i in range(0, n_draws, CHUNK)])
    return _of_draws(estimate, draws, conf_level, "Monte Carlo", None, None)


def _bootstrap(
    problem: Problem, s: Sample, estimate: FloatArray, n_draws: int, seed: int, conf_level: float, interval: Interval
) -> Inferred:
    code, cell = resampling_cells(arm=s.arm, stratum=s.stratum, unit=s.unit_of_variance)
    draws = np.concatenate(
        [problem.resampled(w) for w in bootstrap_weights(cell=cell, n_draws=n_draws, seed=seed, people=len(code))]
    )
    what = "groups" if s.clustered and s.cluster is None else "clusters" if s.cluster is not None else "people"
    if interval == "percentile":
        return _of_draws(estimate, draws, conf_level, f"bootstrap of {what}, percentile", None, None)
    units = len(cell)
    left_out = np.concatenate([problem.resampled(1.0 - np.eye(units)[i : i + CHUNK]) for i in range(0, units, CHUNK)])
    return _of_draws(
        estimate, draws, conf_level, f"bootstrap of {what}, BCa", bias_correction(estimate=estimate, draws=draws),
        acceleration(left_out=left_out, cell=cell),
    )  # fmt: skip


def _of_draws(
    estimate: FloatArray, draws: FloatArray, conf_level: float, method: str, z0: FloatArray | None, accelerated: FloatArray | None
) -> Inferred:
    found = summary(draws=draws, conf_level=conf_level, z0=z0, acceleration=accelerated)
    notes = []
    undefined = int(found.n_undefined[:-1].max())
    if undefined > 0.1 * len(draws):
        raise EstimationError(
            f"{undefined} of {len(draws)} draws have no effect: leave covariates out, or merge small categories."
        )
    if undefined:
        notes.append(Note("undefined_draws", f"{undefined} of {len(draws)} draws have no effect and are left out."))
    se = found.std_error.copy()
    se[-1] = np.nan  # a ratio of draws that may be near zero has no standard deviation to speak of
    return Inferred(
        se, np.full(len(estimate), np.nan), found.p_value, found.conf_low, found.conf_high, draws, method, tuple(notes)
    )


def _delta(problem: Problem, estimate: FloatArray, conf_level: float) -> Inferred:
    """First-order standard errors with t tails; the df of parameters that are not exact are joined by Satterthwaite's rule."""
    p = problem.parameters()
    se = np.sqrt(np.diag(p.cov))
    step = 1e-4 * np.where(se > 0, se, 1.0)
    shifts = np.diag(step)
    gradient = (problem.effects(p.estimate + shifts) - problem.effects(p.estimate - shifts)).T / (2 * step)
    variance = np.einsum("ej,jk,ek->e", gradient, p.cov, gradient)
    parts = (gradient * se) ** 2
    df = parts.sum(axis=1) ** 2 / np.maximum((parts**2 / p.df).sum(axis=1), 1e-300)
    rows = [
        t_test(float(e), float(np.sqrt(max(v, 0.0))), float(f), conf_level)
        for e, v, f in zip(estimate, variance, df, strict=True)
    ]
    return Inferred(
        np.sqrt(np.maximum(variance, 0.0)), df, np.array([r.p_value for r in rows]), np.array([r.conf_low for r in rows]),
        np.array([r.conf_high for r in rows]), None, "delta method", (),
    )  # fmt: skip
