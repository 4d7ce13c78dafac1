"""Means of each arm in a target population, carried from a trial by weights, by a model of the outcome, or by both.

With g_i the odds of not taking part (inverse_odds.py), c_i = 1/P(own arm), u_t the weights of the target people and x covariates with a constant:

- inverse odds:      mu_a = sum_a c g y / sum_a c g.
- entropy balancing: g within each arm by entropy_balancing.py, so that covariates have exactly the target's means there.
- outcome model:     mu_a = xbar_u'b_a, b_a the regression of y on x in arm a.
- doubly robust:     mu_a = xbar_u'b_a + sum_a c g (y - x'b_a) / sum_a c g: right when the weights or the outcome model are.

Each is the solution of stacked estimating equations. `influence` holds each person's first-order part of the error, that through the fitted
participation model, outcome model and target means included, over the trial's people and then the population's; their sums over independent units give the
variance (influence.py). Residuals there are those without the person in the fit, e/(1 - leverage) (HC3), and weights w/(1 - w): with heavy weights first-order values alone
are too small. Sources: Dahabreh et al. (2020), Statistics in Medicine 39, equations 5-9; Stefanski & Boos (2002) for the stacking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.linear.least_squares import least_squares
from trialkit.inference.reach.entropy_balancing import entropy_balance
from trialkit.inference.reach.inverse_odds import Participation

Method = Literal["inverse_odds", "entropy_balancing", "outcome_model", "doubly_robust"]
Target = Literal["outside", "everyone"]


@dataclass(frozen=True, slots=True)
class Transported:
    """Means (A,) of the arms in the target, influence (n + m, A), and weights (n,) of sum one within each arm (None for an outcome model).

    `unbalanced` are the arms whose covariates could not be given the target's means; their means are NaN.
    """

    means: FloatArray
    influence: FloatArray
    weights: FloatArray | None
    unbalanced: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class People:
    """The trial's people and those of the population.

    Attributes
    ----------
    y : (n,). arm : (n,) codes. share : (n,) probability of the own arm. X : (n, K) with a constant first. outside : (m, K). load : (m,) weights of the
    population. target : whose mean effect is wanted.
    """

    y: FloatArray
    arm: IntArray
    share: FloatArray
    X: FloatArray
    outside: FloatArray
    load: FloatArray
    target: Target

    @property
    def wanted(self) -> FloatArray:
        """(n + m,) shares of the target people, of sum one."""
        inside = np.full(len(self.y), 1.0 if self.target == "everyone" else 0.0)
        u = np.r_[inside, self.load]
        return np.asarray(u / u.sum())

    @property
    def rows(self) -> FloatArray:
        return np.vstack([self.X, self.outside])


def transport(people: People, *, method: Method, model: Participation | None) -> Transported:
    """Means of the arms in the target population; `model` is needed by the two methods with odds."""
    arms = range(int(people.arm.max()) + 1)
    if method == "entropy_balancing":
        return _balanced(people, arms)
    if method == "outcome_model":
        parts = [_outcome(people, people.arm == a) for a in arms]
        return Transported(np.array([p[0] for p in parts]), np.column_stack([p[1] for p in parts]), None)
    if model is None:
        raise ValueError(f"{method} needs a participation model")
    parts = [_odds(people, people.arm == a, model, augmented=method == "doubly_robust") for a in arms]
    weights = np.zeros(len(people.y))
    for a in arms:
        weights[people.arm == a] = _raw_weights(people, model)[people.arm == a]
        weights[people.arm == a] /= weights[people.arm == a].sum()
    return Transported(np.array([p[0] for p in parts]), np.column_stack([p[1] for p in parts]), weights)


def trial_means(people: People, *, adjusted: bool) -> Transported:
    """Means of the arms among the trial's own people: by regression with covariates in each arm, or by 1/probability alone."""
    n = len(people.y)
    means, influence = [], []
    everyone = np.r_[np.full(n, 1.0 / n), np.zeros(len(people.outside))]
    for a in range(int(people.arm.max()) + 1):
        inside = people.arm == a
        w = np.where(inside, 1 / people.share, 0.0)
        w = w / w.sum()
        base, rest, left_out, values = 0.0, people.y, people.y, np.zeros(n + len(people.outside))
        if adjusted:
            fit = _regression(people, inside)
            rest, left_out = fit.residuals, fit.left_out
            predicted = people.rows @ fit.coef
            base = float(everyone @ predicted)
            values = everyone * (predicted - base) + fit.influence @ (everyone @ people.rows - w @ people.X)
        mean = float(w @ rest)
        values[:n] += w * (left_out - mean) / np.maximum(1 - w, 1e-8)
        means.append(base + mean)
        influence.append(values)
    return Transported(np.array(means), np.column_stack(influence), None)


@dataclass(frozen=True, slots=True)
class _Regression:
    """Of one arm: coefficients (0 for columns left out), residuals (n,), residuals of the arm's people without themselves in the fit (n,), and influence (n + m, K)
    of its people on the coefficients, made of the latter."""

    coef: FloatArray
    residuals: FloatArray
    left_out: FloatArray
    influence: FloatArray


def _regression(people: People, inside: BoolArray) -> _Regression:
    fit = least_squares(y=people.y[inside], X=people.X[inside])
    coef = np.nan_to_num(fit.coef)
    residual = people.y - people.X @ coef
    influence = np.zeros((len(people.y) + len(people.outside), people.X.shape[1]))
    left_out = residual.copy()
    left_out[inside] = residual[inside] / np.maximum(1 - fit.leverage, 1e-8)
    influence[np.ix_(np.flatnonzero(inside), fit.kept)] = (people.X[inside][:, fit.kept] * left_out[inside][:, None]) @ fit.bread
    return _Regression(coef, residual, left_out, influence)


def _outcome(people: People, inside: BoolArray) -> tuple[float, FloatArray]:
    fit = _regression(people, inside)
    u = people.wanted
    predicted = people.rows @ fit.coef
    mean = float(u @ predicted)
    return mean, u * (predicted - mean) + fit.influence @ (u @ people.rows)


def _odds_outside(people: People, model: Participation) -> FloatArray:
    """(n,) people outside for each one inside with the same covariates; the model counts rows of the population, `load` the people they stand for."""
    return np.asarray(np.exp(-model.linear[: len(people.y)]) * people.load.mean())


def _raw_weights(people: People, model: Participation) -> FloatArray:
    return np.asarray((_odds_outside(people, model) + (1.0 if people.target == "everyone" else 0.0)) / people.share)


def _odds(people: People, inside: BoolArray, model: Participation, *, augmented: bool) -> tuple[float, FloatArray]:
    n = len(people.y)
    w = np.where(inside, _raw_weights(people, model), 0.0)
    slope = np.where(inside, _odds_outside(people, model) / people.share, 0.0) / w.sum()
    w = w / w.sum()
    u = people.wanted
    if augmented:
        fit = _regression(people, inside)
        rest, left_out = fit.residuals, fit.left_out
        predicted = people.rows @ fit.coef
        base = float(u @ predicted)
        influence = u * (predicted - base) + fit.influence @ (u @ people.rows - w @ people.X)
    else:
        rest, left_out, base, influence = people.y, people.y, 0.0, np.zeros(n + len(people.outside))
    mean = float(w @ rest)
    influence[:n] += w * (left_out - mean) / np.maximum(1 - w, 1e-8)
    influence -= model.influence @ (people.X.T @ (slope * (rest - mean)))
    return base + mean, influence


def _balanced(people: People, arms: range) -> Transported:
    n = len(people.y)
    u = people.wanted
    target = u @ people.rows[:, 1:]
    moved = u[:, None] * (people.rows[:, 1:] - target)
    means, influence, weights = np.full(len(arms), np.nan), np.zeros((n + len(people.outside), len(arms))), np.zeros(n)
    failed = []
    for a in arms:
        inside = people.arm == a
        x = people.X[inside, 1:]
        found = entropy_balance(x=x, target=target, base=1 / people.share[inside])
        if not found.converged:
            failed.append(a)
            continue
        w = found.weights
        fit = least_squares(y=people.y[inside], X=np.column_stack([np.ones(len(x)), x - target]), weights=w)
        coef = np.nan_to_num(fit.coef)
        means[a] = w @ people.y[inside]
        influence[:n, a][inside] = w * fit.residuals / np.maximum(1 - fit.leverage, 1e-8)
        influence[:, a] += moved @ coef[1:]
        weights[inside] = w
    return Transported(means, influence, weights, tuple(failed))
