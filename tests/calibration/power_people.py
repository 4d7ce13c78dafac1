"""Simulated tests of means of independent people, by sufficient statistics or on raw data."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from tests.calibration.power_kernels import Generator, Simulator, equivalent, reject, satterthwaite_test, scaled_chi2
from trialkit.inference.several.dunnett import dunnett_critical


def two_means(
    n: int,
    m: int,
    sd: tuple[float, float] = (1, 1),
    *,
    welch: bool = False,
    alternative: str = "two-sided",
    alpha: float = 0.05,
    lost: float = 0.0,
    shift: float = 0.0,
) -> Simulator:
    """Pooled or Welch's t test; everyone drops out with probability `lost`. `shift` is added to the effect (margins)."""

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        k, l = (rng.binomial(x, 1 - lost, draws) for x in (n, m))  # noqa: E741
        vt, vc = sd[0] ** 2 / k, sd[1] ** 2 / l
        estimate = effect + shift + np.sqrt(vt + vc) * rng.standard_normal(draws)
        wt, wc = scaled_chi2(rng, k - 1, vt, draws), scaled_chi2(rng, l - 1, vc, draws)
        if welch:
            return satterthwaite_test(estimate, wt, wc, k - 1, l - 1, alternative, alpha)
        pooled = (wt * k * (k - 1) + wc * l * (l - 1)) / (k + l - 2)
        return reject(estimate, pooled * (1 / k + 1 / l), k + l - 2, alternative, alpha)

    return draw


def two_means_within(n: int, m: int, effect: float) -> Simulator:
    """Equivalence: two one-sided pooled t tests; takes the margin."""

    def draw(margin: float, rng: Generator, draws: int) -> np.ndarray:
        factor, df = 1 / n + 1 / m, n + m - 2
        estimate = effect + np.sqrt(factor) * rng.standard_normal(draws)
        return equivalent(estimate, scaled_chi2(rng, df, factor, draws), df, -margin, margin)

    return draw


def diluted(n: int, m: int, share: float) -> Simulator:
    """Only a share of the treated takes part, and they alone have the effect: a mixture, whose variance is larger.

    With c of n taking part the sum of squares within the arm is noncentral chi-square with noncentrality effect^2 c (n - c)/n.
    """

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        c = rng.binomial(n, share, draws)
        squares = rng.chisquare(n - 2, draws) + (rng.standard_normal(draws) + effect * np.sqrt(c * (n - c) / n)) ** 2
        squares += rng.chisquare(m - 1, draws)
        estimate = effect * c / n + np.sqrt(1 / n + 1 / m) * rng.standard_normal(draws)
        return reject(estimate, squares / (n + m - 2) * (1 / n + 1 / m), n + m - 2)

    return draw


def adjusted(variance: float, within_df: float, covariates: int = 1) -> Simulator:
    """A regression on random normal covariates: `variance` of the effect without their chance imbalance, which multiplies it by 1 + B/(1 - B).

    `within_df` is that of the residuals before the covariates; at two arms N - 2.
    """

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        df = within_df - covariates
        now = variance * (1 + rng.chisquare(covariates, draws) / rng.chisquare(df + 1, draws))
        estimate = effect + np.sqrt(now) * rng.standard_normal(draws)
        return reject(estimate, scaled_chi2(rng, df, now, draws), df)

    return draw


def ancova(n: int, m: int, r: float) -> Simulator:
    return adjusted((1 - r**2) * (1 / n + 1 / m), n + m - 2)


def pairs(count: int, sd: float, *, lost: float = 0.0, alternative: str = "two-sided", shift: float = 0.0) -> Simulator:
    """t test of differences with SD `sd`."""

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        left = rng.binomial(count, 1 - lost, draws)
        estimate = effect + shift + sd / np.sqrt(left) * rng.standard_normal(draws)
        return reject(estimate, scaled_chi2(rng, left - 1, sd**2 / left, draws), left - 1, alternative)

    return draw


def pairs_within(count: int, effect: float) -> Simulator:
    def draw(margin: float, rng: Generator, draws: int) -> np.ndarray:
        estimate = effect + rng.standard_normal(draws) / np.sqrt(count)
        return equivalent(estimate, scaled_chi2(rng, count - 1, 1 / count, draws), count - 1, -margin, margin)

    return draw


def waves(n: int, m: int, pre: int, post: int, correlation: Any, estimator: str) -> Simulator:
    """Raw waves; the mean after, its change, or ordinary least squares on the mean before."""
    size = pre + post
    matrix = np.full((size, size), correlation) if np.ndim(correlation) == 0 else np.array(correlation, dtype=float)
    np.fill_diagonal(matrix, 1.0)
    root = np.linalg.cholesky(matrix)

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        y = rng.standard_normal((draws, n + m, size)) @ root.T
        after = y[:, :, pre:].mean(2)
        after[:, :n] += effect
        if estimator == "post":
            return _pooled_test(after, n)
        before = y[:, :, :pre].mean(2)
        return _pooled_test(after - before, n) if estimator == "change" else _covariance_test(after, before, n)

    return draw


def _pooled_test(y: np.ndarray, n: int) -> np.ndarray:
    t, c = y[:, :n], y[:, n:]
    df = y.shape[1] - 2
    pooled = (t.var(1) * t.shape[1] + c.var(1) * c.shape[1]) / df
    return reject(t.mean(1) - c.mean(1), pooled * (1 / t.shape[1] + 1 / c.shape[1]), df)


def _covariance_test(y: np.ndarray, x: np.ndarray, n: int, df_lost: int = 3) -> np.ndarray:
    m = y.shape[1] - n
    gap_y, gap_x = y[:, :n].mean(1) - y[:, n:].mean(1), x[:, :n].mean(1) - x[:, n:].mean(1)
    dy, dx = (
        np.concatenate([v[:, :n] - v[:, :n].mean(1, keepdims=True), v[:, n:] - v[:, n:].mean(1, keepdims=True)], 1)
        for v in (y, x)
    )
    sxx, sxy, syy = (np.einsum("ij,ij->i", a, b) for a, b in ((dx, dx), (dx, dy), (dy, dy)))
    df = n + m - df_lost
    variance = (syy - sxy**2 / sxx) / df * (1 / n + 1 / m + gap_x**2 / sxx)
    return reject(gap_y - sxy / sxx * gap_x, variance, df)


def slopes(n: int, times: tuple[float, ...], intercept: float, slope: float, covariance: float, resid: float) -> Simulator:
    """Raw waves with random intercepts and slopes; t test of every person's least-squares slope, which is the mixed model's when all are seen."""
    t = np.array(times) - np.mean(times)
    root = np.linalg.cholesky(np.array([[intercept, covariance], [covariance, slope]]))

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        own = rng.standard_normal((draws, 2 * n, 2)) @ root.T
        own[:, :n, 1] += effect
        y = own[:, :, :1] + own[:, :, 1:] * np.array(times) + np.sqrt(resid) * rng.standard_normal((draws, 2 * n, len(t)))
        return _pooled_test(y @ t / (t @ t), n)

    return draw


def monotone(n: int, correlation: Any, kept: tuple[float, ...]) -> Simulator:
    """Waves with monotone drop-out; maximum likelihood by regressing each wave on those before it (Anderson 1957), unstructured covariance.

    The variance of the last wave's effect is the information's at the fitted covariance.
    """
    root, size = np.linalg.cholesky(np.array(correlation, dtype=float)), len(kept)
    ends = np.concatenate([np.full(round(n * (a - b)), j + 1) for j, (a, b) in enumerate(zip(kept, (*kept[1:], 0.0)))])
    last = np.concatenate([ends, ends])
    arm = np.repeat([1.0, 0.0], len(ends))

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        y = rng.standard_normal((draws, len(arm), size)) @ root.T
        y[:, :, -1] += effect * arm
        gap, fitted = np.zeros((draws, size)), np.zeros((draws, size, size))
        for j in range(size):
            seen = last > j
            X = np.concatenate(
                [np.ones((draws, seen.sum(), 1)), np.broadcast_to(arm[seen, None], (draws, seen.sum(), 1)), y[:, seen, :j]], 2
            )
            found = np.linalg.solve(np.einsum("dni,dnj->dij", X, X), np.einsum("dni,dn->di", X, y[:, seen, j])[..., None])[..., 0]
            squares = np.square(y[:, seen, j] - np.einsum("dni,di->dn", X, found)).sum(1) / (seen.sum() - 2 - j)
            slope = found[:, 2:]
            gap[:, j] = found[:, 1] + np.einsum("di,di->d", slope, gap[:, :j])
            fitted[:, j, :j] = fitted[:, :j, j] = np.einsum("di,dij->dj", slope, fitted[:, :j, :j])
            fitted[:, j, j] = squares + np.einsum("di,di->d", slope, fitted[:, j, :j])
        information = np.zeros_like(fitted)
        for j in range(1, size + 1):
            information[:, :j, :j] += (ends == j).sum() * np.linalg.inv(fitted[:, :j, :j])
        return reject(gap[:, -1], 2 * np.linalg.inv(information)[:, -1, -1], len(arm) - 2)

    return draw


def moderated(n: int, share: float | None) -> Simulator:
    """Treatment by moderator on raw data; without a share the moderator is a normal score, otherwise exactly that share has it."""
    half = n // 2

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        if share is not None:
            cells = (round(half * share), half - round(half * share)) * 2
            means = [rng.standard_normal(draws) / np.sqrt(c) for c in cells]
            estimate = effect + means[0] - means[1] - means[2] + means[3]
            return reject(estimate, scaled_chi2(rng, n - 4, sum(1 / c for c in cells), draws), n - 4)
        variance = 1 / rng.chisquare(half - 1, draws) + 1 / rng.chisquare(n - half - 1, draws)
        estimate = effect + np.sqrt(variance) * rng.standard_normal(draws)
        return reject(estimate, scaled_chi2(rng, n - 4, variance, draws), n - 4)

    return draw


def cells(variances: tuple[float, ...], dfs: tuple[float, ...], weights: tuple[float, ...], pooled: bool) -> Simulator:
    """A contrast of four cell means, with the cells' own variances (Satterthwaite) or one for all."""
    v, f, w = (np.array(x, dtype=float)[:, None] for x in (variances, dfs, weights))

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        estimate = effect + np.sqrt((w**2 * v).sum()) * rng.standard_normal(draws)
        if pooled:
            return reject(estimate, scaled_chi2(rng, f.sum(), (w**2 * v).sum(), draws), f.sum())
        own = w**2 * v * rng.chisquare(f, (len(v), draws)) / f
        return reject(estimate, own.sum(0), own.sum(0) ** 2 / (own**2 / f).sum(0))

    return draw


def arms_and_control(effects: tuple[float, ...], n: int, m: int, correction: str, which: str) -> Simulator:
    """Comparisons with one control that share the pooled variance; `which` is 'first', 'any' or 'all'."""
    k = len(effects)
    df = k * n + m - k - 1
    if correction == "dunnett":
        matrix = np.full((k, k), n / (n + m))
        np.fill_diagonal(matrix, 1.0)
        cut = dunnett_critical(matrix, df, 0.05)
    else:
        cut = stats.t.isf(0.025 / (k if correction == "bonferroni" else 1), df)

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        control = rng.standard_normal(draws) / np.sqrt(m)
        scale = np.sqrt(rng.chisquare(df, draws) / df * (1 / n + 1 / m))
        t = [(e + rng.standard_normal(draws) / np.sqrt(n) - control) / scale for e in effects]
        over = np.abs(np.array(t)) > cut
        return {"first": over[0], "any": over.any(0), "all": over.all(0)}[which]

    return draw


def omnibus(means: tuple[float, ...], n: int) -> Simulator:
    k = len(means)
    cut = stats.f.isf(0.05, k - 1, k * (n - 1))

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        found = np.array(means) + rng.standard_normal((draws, k)) / np.sqrt(n)
        residual = rng.chisquare(k * (n - 1), draws) / (k * (n - 1))
        return n * found.var(1, ddof=1) / residual > cut

    return draw


def joint_paths(n: int, a: float, share: float = 0.5) -> Simulator:
    """Raw mediator and outcome; both paths significant. The simulator takes b."""
    treated = round(n * share)
    arm = np.concatenate([np.full(treated, 1.0), np.zeros(n - treated)]) - treated / n

    def draw(b: float, rng: Generator, draws: int) -> np.ndarray:
        mediator = a * arm + rng.standard_normal((draws, n))
        outcome = b * mediator + rng.standard_normal((draws, n))
        return paths_test(arm, mediator, outcome)

    return draw


def paths_test(arm: np.ndarray, mediator: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Joint significance; `arm` is centred."""
    n, spread = len(arm), arm @ arm
    m = mediator - mediator.mean(1, keepdims=True)
    y = outcome - outcome.mean(1, keepdims=True)
    path = m @ arm / spread
    m = m - path[:, None] * arm
    y = y - (y @ arm / spread)[:, None] * arm
    left = (m**2).sum(1)
    slope = (m * y).sum(1) / left
    residual = (y**2).sum(1) - slope**2 * left
    return reject(path, left / (n - 2) / spread, n - 2) & reject(slope, residual / (n - 3) / left, n - 3)
