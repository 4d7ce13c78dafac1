"""Simulated trials with an outcome of 0 and 1 or a count, analysed for all replicates of a design together.

An event happens when 0.5 x + group effect + noise (unit variance, a share ICC of it between groups) exceeds a threshold; x is a covariate.
A count is Poisson with a gamma heterogeneity of each person and a log-normal factor of each group. The analysis is that of `tk.itt` with x
as covariate: `tests/calibration/test_binary.py` holds the two to each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import ndtri

import trialkit as tk
from tests.calibration.batch import Batch
from trialkit.errors import TrialkitError
from trialkit.estimate.linear.linear_model import fit_linear, settled
from trialkit.estimate.outcomes.g_computation_scale import SCALES, transformed
from trialkit.estimate.sample import sample
from trialkit.inference.linear.influence import linearized_outcome, marginal_means, ye_covariance
from trialkit.inference.outcomes.glm import Family, glm, mean_of
from trialkit.inference.outcomes.glm_covariance import glm_covariance

SLOPE = 0.5
TOTAL = np.sqrt(1 + SLOPE**2)


@dataclass(frozen=True)
class People:
    """Arm (0, 1) and unit (groups or clusters; -1 alone) of each person."""

    arm: np.ndarray
    unit: np.ndarray
    clustered: bool = False

    @property
    def n(self) -> int:
        return len(self.arm)

    def frame(self, x: np.ndarray, y: np.ndarray) -> pd.DataFrame:
        labels = pd.Series([f"g{u}" if u >= 0 else None for u in self.unit], dtype="object")
        return pd.DataFrame({"arm": self.arm, "unit": labels, "x": x, "y": y})

    def trial(self, x: np.ndarray, y: np.ndarray) -> tk.Trial:
        roles = {}
        if (self.unit >= 0).any():
            roles = {"cluster": "unit"} if self.clustered else {"group": "unit", "ungrouped": "singleton"}
        return tk.Trial(self.frame(x, y), arm="arm", control=0, **roles)

    def effects(self, rng: np.random.Generator, replicates: int) -> np.ndarray:
        """(R, n) a standard normal of each unit, and of each person alone."""
        drawn = rng.normal(size=(replicates, max(int(self.unit.max()) + 1, 1)))
        out = rng.normal(size=(replicates, self.n))
        inside = self.unit >= 0
        out[:, inside] = drawn[:, self.unit[inside]]
        return out


def groups_in_one_arm(groups: int, rng: np.random.Generator) -> People:
    """Groups of mean size 12, CV .5, and as many single controls as 12 a group."""
    sizes = np.maximum(2, np.round(rng.gamma(4, 3, groups))).astype(int)
    unit = np.repeat(np.arange(groups), sizes)
    return People(np.r_[np.ones(len(unit), int), np.zeros(12 * groups, int)], np.r_[unit, -np.ones(12 * groups, int)])


def clusters(count: int, rng: np.random.Generator) -> People:
    """Clusters of mean size 20, CV .5, half of them treated."""
    sizes = np.maximum(2, np.round(rng.gamma(4, 5, count))).astype(int)
    treated = rng.permutation(np.arange(count) < count // 2).astype(int)
    return People(np.repeat(treated, sizes), np.repeat(np.arange(count), sizes), clustered=True)


def alone(n: int, rng: np.random.Generator) -> People:
    return People(rng.permutation(np.arange(n) % 2), -np.ones(n, int))


def events(
    people: People, icc: float, rates: tuple[float, float], rng: np.random.Generator, replicates: int
) -> tuple[np.ndarray, np.ndarray]:
    """(R, n) covariate and outcome; `rates` of control and treated are those of the population."""
    x = rng.normal(size=(replicates, people.n))
    latent = SLOPE * x + np.sqrt(icc) * people.effects(rng, replicates) + np.sqrt(1 - icc) * rng.normal(size=x.shape)
    threshold = -ndtri(np.asarray(rates)) * TOTAL
    return x, (latent > threshold[people.arm]).astype(float)


def counts(
    people: People, spread: float, means: tuple[float, float], rng: np.random.Generator, replicates: int
) -> tuple[np.ndarray, np.ndarray]:
    """(R, n) covariate and count: variance of the log factor of groups `spread`, person heterogeneity with variance .5 of mean 1."""
    x = rng.normal(size=(replicates, people.n))
    inside = people.unit >= 0
    factor = np.where(inside, np.exp(np.sqrt(spread) * people.effects(rng, replicates) - spread / 2), 1.0)
    mean = np.asarray(means)[people.arm] * np.exp(0.3 * x - 0.045) * factor
    return x, rng.poisson(mean * rng.gamma(2.0, 0.5, size=x.shape)).astype(float)


def truth(measure: str, rates: tuple[float, float]) -> float:
    values, _ = transformed(SCALES["risk_ratio" if measure == "rate_ratio" else measure], np.asarray(rates))
    return float(values[1] - values[0])


@dataclass(frozen=True)
class Estimates:
    """(R,) numbers of one measure; NaN where the ratio of a replicate is not defined."""

    estimate: np.ndarray
    std_error: np.ndarray
    df: np.ndarray


def g_computation(
    people: People, x: np.ndarray, y: np.ndarray, measures: tuple[str, ...], *, family: Family = "logistic", ye: bool = False
) -> dict[str, Estimates]:
    """G-computation with the covariate, as `tk.itt` computes it."""
    columns = np.stack([np.ones(x.shape), np.broadcast_to(people.arm, x.shape), x], axis=-1)
    fit = glm(y=y, X=columns, family=family)
    shared = fit.eta - fit.coef[:, 1:2] * people.arm
    predictions = np.stack([mean_of(family, shared), mean_of(family, shared + fit.coef[:, 1:2])], axis=-1)
    probabilities = np.broadcast_to(np.bincount(people.arm) / people.n, (people.n, 2))
    means = marginal_means(y=y, arm=people.arm, predictions=predictions, probabilities=probabilities)
    batch = None if ye else _arms(people, x[0], y[0])
    out = {}
    for measure in measures:
        values, slopes = transformed(SCALES[measure], means)
        gradient = np.nan_to_num(slopes, nan=1.0) * np.array([-1.0, 1.0])
        estimate = values[:, 1] - values[:, 0]
        if ye:
            se = np.array([_ye(people, y[r], predictions[r], gradient[r]) for r in range(len(y))])
            found = Estimates(estimate, se, np.full(len(y), np.inf))
        else:
            outcome = linearized_outcome(y=y, arm=people.arm, predictions=predictions, gradient=gradient)
            spread = batch.run(outcome)
            found = Estimates(estimate, spread.std_error, spread.df)
        out[measure] = _one_by_one(people, x, y, measure, found, fit.suspect, family)
    return out


def _ye(people: People, y: np.ndarray, predictions: np.ndarray, gradient: np.ndarray) -> float:
    matrix = ye_covariance(y=y, arm=people.arm, predictions=predictions)
    return float(np.sqrt(max(gradient @ matrix @ gradient, 0.0)))


def _arms(people: People, x: np.ndarray, y: np.ndarray) -> Batch:
    """The regression of a linearized outcome on the arms, ready for other outcomes."""
    s = sample(people.trial(x, y), "y", (), "impute")
    own = (s.arm[:, None] == np.arange(2)).astype(float)
    noise = np.random.default_rng(1).normal(size=s.n)
    kind = "auto" if s.clustered else "CR2"
    model = fit_linear(replace(s, y=noise), own, ["arm 0", "arm 1"], kind=kind, df="auto" if s.clustered else "independence")
    return Batch(model, np.ones(2))


def _one_by_one(
    people: People, x: np.ndarray, y: np.ndarray, measure: str, found: Estimates, suspect: np.ndarray, family: Family
) -> Estimates:
    """Replicates whose working model has its maximum at infinity go through `tk.itt` itself."""
    estimate, se, df = (v.copy() for v in (found.estimate, found.std_error, found.df))
    for r in np.flatnonzero(suspect):
        try:
            e = tk.itt(people.trial(x[r], y[r]), "y", adjust=["x"], measure=measure, estimator="g_computation").estimates[0]
            value = e.estimate if SCALES[measure] == "difference" else np.log(e.estimate)
            estimate[r], se[r], df[r] = value, e.std_error, e.df
        except TrialkitError:
            estimate[r], se[r], df[r] = np.nan, np.nan, np.nan
    return Estimates(estimate, se, df)


def regression(people: People, x: np.ndarray, y: np.ndarray, family: Family) -> Estimates:
    """The coefficient of the arm in a logistic or Poisson regression with the covariate, as estimators 'logit' and 'poisson' give it."""
    columns = np.stack([np.ones(x.shape), np.broadcast_to(people.arm, x.shape), x], axis=-1)
    fits = glm(y=y, X=columns, family=family)
    s = sample(people.trial(x[0], y[0]), "y", (), "impute")
    kind = "CR2" if s.clustered else "HC2"
    numbers = []
    for r in range(len(y)):
        fit = replace(
            fits, coef=fits.coef[r], X=fits.X[r], y=fits.y[r], eta=fits.eta[r], mu=fits.mu[r], variance=fits.variance[r], bread=fits.bread[r],
            rotation=fits.rotation[r], deviance=fits.deviance[r], converged=fits.converged[r], suspect=fits.suspect[r],
        )  # fmt: skip
        if bool(fit.suspect):
            numbers.append((np.nan, np.nan, np.nan))
            continue
        linear, cov = glm_covariance(fit, kind, s.clusters if s.clustered else None)
        model = settled(
            s, linear, design=columns[r], names=["constant", "arm", "x"], outcome=linear.residuals, kind=kind, df="auto", notes=[],
            make=lambda k, cov=cov: (k, cov),
        )  # fmt: skip
        numbers.append(model.contrast(np.array([0.0, 1.0, 0.0])))
    return Estimates(*np.array(numbers).T)
