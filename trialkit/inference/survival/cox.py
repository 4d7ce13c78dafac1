"""Cox regression by Newton's method, for one data set or a batch of replicates.

h(t | x) = h_s(t) exp(x'b) in stratum s. With r_i = w_i exp(x_i'b), the risk set R and the d events tied at t in order l = 0 .. d-1,

    phi_l = sum_R r - (l/d) sum_events r,     xbar_l = (sum_R r x - (l/d) sum_events r x) / phi_l       (Efron; Breslow has l = 0),
    log L = sum_events w x'b - sum_l w log phi_l,     score = sum_events w x - sum_l w xbar_l,
    information = sum_i E_i x_i x_i' - sum_l w xbar_l xbar_l',     E_i = r_i sum over the times at risk of sum_l w (1 - [i has the event] l/d)/phi_l,

w under a sum over l being the mean weight of the tied events. E_i is the number of events expected of person i: writing the information by people
instead of by times leaves one matrix product of n rows.

Values of people whose sum is the error of b to first order (dfbeta) are I^-1 u_i, u_i the score residuals
u_i = integral (x_i - xbar(t)) dM_i(t) (Lin & Wei 1989), spread over the tied events as Efron's approximation does.

Source: Cox (1972); Efron (1977); Therneau & Grambsch (2000), Modeling Survival Data, chapters 3, 6 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.survival.risk import RiskSets, risk_sets

Ties = Literal["efron", "breslow"]
MAX_ITERATIONS = 40
DECREMENT = 1e-10
COLLAPSE = 1e-6


@dataclass(frozen=True, slots=True)
class CoxFit:
    """A fitted Cox model; leading axes are replicates, K the number of columns.

    Attributes
    ----------
    coef : (..., K). information : (..., K, K) of the partial likelihood at coef.
    loglik, loglik_start : (...) at coef and where the climb began (zero unless a start was given). iterations : Newton steps taken.
    converged : (...) False where the likelihood has no maximum or none was reached.
    separated : (...) True where it rises for ever in some direction (no events in an arm, for instance): coef is then where the climb was stopped.
    risk, columns, weights, ties : what the residuals need; columns (..., K, n) as given.
    """

    coef: FloatArray
    information: FloatArray
    loglik: FloatArray
    loglik_start: FloatArray
    iterations: int
    converged: BoolArray
    separated: BoolArray
    risk: RiskSets
    columns: FloatArray
    weights: FloatArray | None
    ties: Ties

    @property
    def covariance(self) -> FloatArray:
        """(..., K, K) inverse of the information: the covariance of coef when the model holds."""
        return np.asarray(np.linalg.inv(self.information))


@dataclass(frozen=True, slots=True)
class State:
    """At one b, by place (..., M): log phi's events (`counted`, their weight), hazard = counted/phi, early = hazard l/d, xbar (..., K, M); r by person."""

    eta: FloatArray
    r: FloatArray
    counted: FloatArray
    phi: FloatArray
    hazard: FloatArray
    early: FloatArray
    xbar: FloatArray


@dataclass(frozen=True, slots=True)
class _Likelihood:
    loglik: FloatArray
    score: FloatArray
    information: FloatArray


def cox(
    *,
    time: FloatArray,
    event: NDArray[np.generic],
    X: FloatArray,
    entry: FloatArray | None = None,
    stratum: IntArray | None = None,
    weights: FloatArray | None = None,
    ties: Ties = "efron",
    start: FloatArray | None = None,
) -> CoxFit:
    """Fit log hazard ratios.

    Parameters
    ----------
    time : (..., n) until the event or censoring; leading axes are replicates. event : (..., n) true for an event.
    X : (n, K) shared by all replicates or (..., n, K), one a replicate; of full rank among those at risk.
    entry : (..., n) time at which observation began (left truncation). stratum : (n,) codes, each with its own baseline hazard.
    weights : (n,) or (..., n) positive case weights. ties : 'efron' or 'breslow'.
    start : (K,) or (..., K) coefficients to begin at, where a neighbouring fit is known; zero otherwise.

    Examples
    --------
    >>> import numpy as np
    >>> fit = cox(time=np.array([4.0, 3, 1, 1, 2, 2, 3]), event=np.array([1, 1, 1, 0, 1, 1, 0]), X=np.array([[0.0, 2, 1, 1, 1, 0, 0]]).T)
    >>> fit.coef.round(4)
    array([0.4608])
    """
    risk = risk_sets(time=time, event=event, entry=entry, stratum=stratum)
    columns = np.swapaxes(np.asarray(X, dtype=float), -1, -2)
    lead = np.shape(time)[:-1]
    shared = columns if columns.ndim > 2 or not lead else columns[(None,) * len(lead)]
    centre = shared.mean(axis=-1, keepdims=True)
    spread = shared.std(axis=-1, keepdims=True)
    spread = np.where(spread > 0, spread, 1.0)
    unit = (shared - centre) / spread
    scale = np.broadcast_to(spread[..., 0], (*lead, columns.shape[-2]))
    beta = np.zeros((*lead, columns.shape[-2])) if start is None else np.broadcast_to(start, scale.shape) * scale
    first = here = _likelihood(risk, unit, beta, weights, ties)
    flat = _flat(first.information, first.information)
    done = flat.copy()
    iterations = 0
    while not done.all() and iterations < MAX_ITERATIONS:
        iterations += 1
        step = _solve(here.information, here.score, done)
        decrement = np.einsum("...k,...k->...", step, here.score)
        step = np.where(done[..., None], 0.0, step)
        beta, here = _climb(risk, unit, beta, step, here, weights, ties)
        flat |= _flat(here.information, first.information)
        done |= flat | (decrement < DECREMENT)
    information = here.information * scale[..., :, None] * scale[..., None, :]
    return CoxFit(
        beta / scale, information, here.loglik, first.loglik, iterations, done & ~flat, flat, risk, shared, weights, ties
    )


def _climb(
    risk: RiskSets,
    unit: FloatArray,
    beta: FloatArray,
    step: FloatArray,
    here: _Likelihood,
    weights: FloatArray | None,
    ties: Ties,
) -> tuple[FloatArray, _Likelihood]:
    """A Newton step, halved where the likelihood would fall."""
    factor = np.ones(beta.shape[:-1])
    for _ in range(30):
        there = _likelihood(risk, unit, beta + factor[..., None] * step, weights, ties)
        worse = ~(there.loglik >= here.loglik - 1e-10 * (1 + np.abs(here.loglik)))
        if not worse.any():
            break
        factor = np.where(worse, factor / 2, factor)
    return beta + factor[..., None] * step, there


def _solve(information: FloatArray, score: FloatArray, done: BoolArray) -> FloatArray:
    identity = np.eye(information.shape[-1])
    safe = np.where(done[..., None, None], identity, information)
    return np.asarray(np.linalg.solve(safe, score[..., None])[..., 0])


def _flat(information: FloatArray, first: FloatArray) -> BoolArray:
    """Where the information has (nearly) vanished in some direction, compared with that at b = 0: the likelihood has no maximum."""
    values, vectors = np.linalg.eigh(first)
    top = values[..., -1:]
    usable = (values > 1e-10 * np.maximum(top, 1e-300)) & (top > 1e-12)
    root = np.where(usable, 1 / np.sqrt(np.where(usable, values, 1.0)), 0.0)
    half = vectors * root[..., None, :]
    relative = np.swapaxes(half, -1, -2) @ information @ half
    sound = np.isfinite(relative).all(axis=(-1, -2))
    smallest = np.linalg.eigvalsh(np.where(sound[..., None, None], relative, 0.0))[..., 0]
    return np.asarray(~usable.all(axis=-1) | ~sound | (smallest < COLLAPSE))


def _state(risk: RiskSets, columns: FloatArray, beta: FloatArray, weights: FloatArray | None, ties: Ties) -> State:
    eta = np.einsum("...k,...kn->...n", beta, columns)
    eta = eta - eta.max(axis=-1, keepdims=True)
    r = np.maximum(np.exp(eta), 1e-290)
    r = r if weights is None else weights * r
    rx = r[..., None, :] * columns
    total, moment = risk.at_risk(r), risk.at_risk(rx)
    fraction: FloatArray | float = 0.0
    if ties == "efron" and risk.tied:
        fraction = risk.rank / _tie_count(risk)
        total = total - fraction * risk.tie_sum(risk.at(r))
        moment = moment - fraction[..., None, :] * risk.tie_sum(risk.at(rx))
    counted = risk.event.astype(float) if weights is None else _mean_weight(risk, weights)
    phi = np.where(risk.event, total, 1.0)
    xbar = np.where(risk.event[..., None, :], moment, 0.0) / phi[..., None, :]
    hazard = counted / phi
    return State(eta, r, counted, phi, hazard, np.asarray(hazard * fraction), xbar)


def _likelihood(risk: RiskSets, columns: FloatArray, beta: FloatArray, weights: FloatArray | None, ties: Ties) -> _Likelihood:
    at = _state(risk, columns, beta, weights, ties)
    died = _observed(risk, weights)
    loglik = (died * at.eta).sum(axis=-1) - (at.counted * np.log(at.phi)).sum(axis=-1)
    score = np.einsum("...n,...kn->...k", died, columns) - np.einsum("...m,...km->...k", at.counted, at.xbar)
    return _Likelihood(loglik, score, _information(risk, columns, at, 1.0))


def _information(risk: RiskSets, columns: FloatArray, at: State, g: FloatArray | float) -> FloatArray:
    expected = at.r * accumulated(risk, at.hazard * g, at.early * g)
    found = (columns * expected[..., None, :]) @ np.swapaxes(columns, -1, -2)
    found = found - (at.xbar * (at.counted * g)[..., None, :]) @ np.swapaxes(at.xbar, -1, -2)
    return np.asarray((found + np.swapaxes(found, -1, -2)) / 2)


def accumulated(risk: RiskSets, hazard: FloatArray, early: FloatArray) -> FloatArray:
    """Increments summed over the times at which each person was at risk, less what ties take off at a person's own event."""
    found = risk.accumulate(hazard)
    if not risk.tied:
        return found
    event = risk.event if hazard.ndim == risk.event.ndim else risk.event[..., None, :]
    return found - risk.of_time(np.where(event, risk.tie_sum(early), 0.0))


def _observed(risk: RiskSets, weights: FloatArray | None) -> FloatArray:
    """(..., n) the weight of people with the event, 0 for others."""
    died = risk.of_time(risk.event).astype(float)
    return died if weights is None else died * weights


def _tie_count(risk: RiskSets) -> FloatArray:
    return np.maximum(risk.tie_sum(np.ones(risk.event.shape)), 1.0)


def _mean_weight(risk: RiskSets, weights: FloatArray) -> FloatArray:
    """(..., M) at each event the mean weight of those tied with it."""
    return np.where(risk.event, risk.tie_sum(risk.at(weights)) / _tie_count(risk), 0.0)


def state(fit: CoxFit) -> State:
    return _state(fit.risk, fit.columns, fit.coef, fit.weights, fit.ties)


def score_residuals(fit: CoxFit, *, time_weights: FloatArray | None = None) -> FloatArray:
    """(..., K, n) score residuals, which sum to the score; `time_weights` (..., M) are a factor g(t) of each event's part of them."""
    at, risk = state(fit), fit.risk
    g = np.ones(risk.event.shape) if time_weights is None else time_weights
    hazard, early = at.hazard * g, at.early * g
    exposure = accumulated(risk, hazard, early)
    moment = accumulated(risk, hazard[..., None, :] * at.xbar, early[..., None, :] * at.xbar)
    centre = risk.of_time(risk.tie_sum(at.xbar * g[..., None, :]) / _tie_count(risk)[..., None, :])
    died, own = _observed(risk, fit.weights)[..., None, :], risk.of_time(g)[..., None, :]
    return np.asarray(died * (fit.columns * own - centre) - at.r[..., None, :] * (fit.columns * exposure[..., None, :] - moment))


def weighted_information(fit: CoxFit, time_weights: FloatArray) -> FloatArray:
    """(..., K, K) sum over events of g(t) times the covariance of x in the risk set."""
    return _information(fit.risk, fit.columns, state(fit), time_weights)


def dfbeta(fit: CoxFit) -> FloatArray:
    """(..., K, n) values of people that sum to the error of coef: I^-1 times the score residuals."""
    return np.asarray(fit.covariance @ score_residuals(fit))


def expected_events(fit: CoxFit) -> FloatArray:
    """(..., n) events expected of each person at coef; the observed minus these are the martingale residuals."""
    at = state(fit)
    return np.asarray(at.r * accumulated(fit.risk, at.hazard, at.early))
