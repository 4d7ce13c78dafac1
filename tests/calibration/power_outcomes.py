"""Simulated tests of rates, counts, ordered categories and times of independent people."""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from tests.calibration.power_kernels import Generator, Simulator, equivalent, reject

TINY = 1e-12


def two_rates(n: int, m: int, rate: float, *, method: str = "pooled", alternative: str = "two-sided") -> Simulator:
    """z test with the pooled, the unpooled or the arcsine's variance; Fisher's test from its table."""
    table = fisher_rejects(n, m) if method == "fisher" else None

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        a, b = rng.binomial(n, rate + effect, draws), rng.binomial(m, rate, draws)
        if table is not None:
            return table[a, b]
        x, y = a / n, b / m
        if method == "arcsine":
            return reject(2 * (np.arcsin(np.sqrt(x)) - np.arcsin(np.sqrt(y))), 1 / n + 1 / m, np.inf, alternative)
        pooled = (a + b) / (n + m)
        variance = pooled * (1 - pooled) * (1 / n + 1 / m) if method == "pooled" else x * (1 - x) / n + y * (1 - y) / m
        return reject(x - y, np.maximum(variance, TINY), np.inf, alternative)

    return draw


def fisher_rejects(n: int, m: int) -> np.ndarray:
    """(n + 1, m + 1) whether Fisher's two-sided p (all tables that are no more probable) is below .05."""
    found = np.zeros((n + 1, m + 1), dtype=bool)
    for total in range(n + m + 1):
        a = np.arange(max(0, total - m), min(n, total) + 1)
        chance = stats.hypergeom.pmf(a, n + m, total, n)
        p = np.where(chance[None, :] <= chance[:, None] * (1 + 1e-7), chance[None, :], 0).sum(1)
        found[a, total - a] = p < 0.05
    return found


def rates_with_baseline(n: int, m: int, rate: float, r: float) -> Simulator:
    """Least squares of the outcome on arm and a uniform score that correlates r with it among controls; z test."""
    step = r * np.sqrt(rate * (1 - rate))
    arm = np.concatenate([np.ones(n), np.zeros(m)])

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        x = rng.uniform(-np.sqrt(3), np.sqrt(3), (draws, n + m))
        y = (rng.random((draws, n + m)) < rate + effect * arm + step * x).astype(float)
        gap_y, gap_x = y[:, :n].mean(1) - y[:, n:].mean(1), x[:, :n].mean(1) - x[:, n:].mean(1)
        dy, dx = (v - np.where(arm == 1, v[:, :n].mean(1, keepdims=True), v[:, n:].mean(1, keepdims=True)) for v in (y, x))
        slope = (dx * dy).sum(1) / (dx**2).sum(1)
        residual = dy - slope[:, None] * dx
        variance = np.square(residual[:, :n]).sum(1) / n**2 + np.square(residual[:, n:]).sum(1) / m**2
        return reject(gap_y - slope * gap_x, variance, np.inf)

    return draw


def rates_margin(n: int, m: int, rate: float, effect: float, method: str) -> Simulator:
    """Non-inferiority of a rate; takes the margin."""

    def draw(margin: float, rng: Generator, draws: int) -> np.ndarray:
        a, b = rng.binomial(n, rate + effect, draws), rng.binomial(m, rate, draws)
        x, y = a / n, b / m
        if method == "unpooled":
            return reject(x - y + margin, np.maximum(x * (1 - x) / n + y * (1 - y) / m, TINY), np.inf, "greater")
        p = _on_the_margin(a, b, n, m, margin)
        variance = p * (1 - p) / n + (p + margin) * (1 - p - margin) / m
        return reject(x - y + margin, np.maximum(variance, TINY), np.inf, "greater")

    return draw


def _on_the_margin(a: np.ndarray, b: np.ndarray, n: int, m: int, margin: float) -> np.ndarray:
    """The treated's most likely rate when it lies the margin below that of the controls (Farrington & Manning 1990), by bisection."""
    low, high = np.full(len(a), TINY), np.full(len(a), 1 - margin - TINY)
    for _ in range(40):
        p = (low + high) / 2
        slope = a / p - (n - a) / (1 - p) + b / (p + margin) - (m - b) / (1 - p - margin)
        low, high = np.where(slope > 0, p, low), np.where(slope > 0, high, p)
    return (low + high) / 2


def rates_within(n: int, rate: float, effect: float) -> Simulator:
    """Equivalence of two rates, unpooled variance; takes the margin."""

    def draw(margin: float, rng: Generator, draws: int) -> np.ndarray:
        x, y = rng.binomial(n, rate + effect, draws) / n, rng.binomial(n, rate, draws) / n
        return equivalent(x - y, np.maximum((x * (1 - x) + y * (1 - y)) / n, TINY), np.inf, -margin, margin)

    return draw


def negative_binomial(n: int, m: int, mean: float, dispersion: float) -> Simulator:
    """Wald test of the log ratio after maximum likelihood; the arms share the dispersion, which is estimated (Poisson: none).

    The counts' histogram is all that the likelihood needs.
    """

    def draw(log_ratio: float, rng: Generator, draws: int) -> np.ndarray:
        arms = [(n, mean * np.exp(log_ratio)), (m, mean)]
        if not dispersion:
            t, c = (np.maximum(rng.poisson(mu * k, draws), 0.5) for k, mu in arms)
            return reject(np.log(t / n) - np.log(c / m), 1 / t + 1 / c, np.inf)
        counts = [_histogram(k, mu, dispersion, rng, draws) for k, mu in arms]
        means = [np.maximum(h @ np.arange(h.shape[1]) / k, 0.5 / k) for h, (k, _) in zip(counts, arms)]
        k = 1 / _shape(counts, means, (n, m))
        variance = (1 / means[0] + k) / n + (1 / means[1] + k) / m
        return reject(np.log(means[0] / means[1]), variance, np.inf)

    return draw


def _histogram(people: int, mu: float, dispersion: float, rng: Generator, draws: int) -> np.ndarray:
    size, p = 1 / dispersion, 1 / (1 + dispersion * mu)
    top = int(stats.nbinom.isf(1e-9, size, p))
    chances = stats.nbinom.pmf(np.arange(top + 1), size, p)
    return rng.multinomial(people, chances / chances.sum(), size=draws)


def _shape(counts: list[np.ndarray], means: list[np.ndarray], people: tuple[int, int]) -> np.ndarray:
    """1/dispersion by Newton steps on its log: the likelihood's slope is sum_j N(y > j)/(a + j) - sum_arms n log(1 + mean/a)."""
    width = max(h.shape[1] for h in counts)
    beyond = sum(
        np.pad(h.sum(1, keepdims=True) - np.cumsum(h, 1), ((0, 0), (0, width - h.shape[1]))).astype(np.float64) for h in counts
    )
    j = np.arange(width)
    low, high = np.full(len(beyond), -4.0), np.full(len(beyond), 8.0)
    for _ in range(24):
        middle = (low + high) / 2
        a = np.exp(middle)
        slope = (beyond / (a[:, None] + j)).sum(1) - sum(k * np.log1p(m / a) for k, m in zip(people, means))
        low, high = np.where(slope > 0, middle, low), np.where(slope > 0, high, middle)
    return np.exp((low + high) / 2)


def quasi_poisson(n: int, m: int, mean: float, factor: float) -> Simulator:
    """Wald test of the log ratio, Pearson's factor pooled over the arms; counts are negative binomial with variance factor x mean."""

    def draw(log_ratio: float, rng: Generator, draws: int) -> np.ndarray:
        arms = [(n, mean * np.exp(log_ratio)), (m, mean)]
        y = [rng.negative_binomial(mu / (factor - 1), 1 / factor, (draws, k)) for k, mu in arms]
        means = [v.mean(1) for v in y]
        pearson = sum((v.var(1) * v.shape[1]) / c for v, c in zip(y, means)) / (n + m - 2)
        return reject(np.log(means[0] / means[1]), pearson * (1 / (n * means[0]) + 1 / (m * means[1])), np.inf)

    return draw


def wilcoxon(n: int, m: int, shares: tuple[float, ...]) -> Simulator:
    """Wilcoxon's test with its correction for ties, which is the score test of proportional odds; takes the odds ratio."""
    below = np.cumsum(shares)[:-1]

    def draw(odds_ratio: float, rng: Generator, draws: int) -> np.ndarray:
        moved = below / (below + odds_ratio * (1 - below))
        t = rng.multinomial(n, np.diff([0, *moved, 1]), size=draws)
        c = rng.multinomial(m, shares, size=draws)
        both, total = t + c, n + m
        ranks = np.cumsum(both, 1) - both / 2
        gap = (t * ranks).sum(1) / n - (c * ranks).sum(1) / m
        variance = (1 / n + 1 / m) * total**2 / 12 * (1 - ((both / total) ** 3).sum(1)) * total / (total - 1)
        return reject(gap, variance, np.inf)

    return draw


def proportional_odds(n: int, m: int, shares: tuple[float, ...]) -> Simulator:
    """Wald test of the proportional odds model by Newton's method on the table; takes the odds ratio."""
    below, k = np.cumsum(shares)[:-1], len(shares)

    def draw(odds_ratio: float, rng: Generator, draws: int) -> np.ndarray:
        moved = below / (below + odds_ratio * (1 - below))
        tables = [rng.multinomial(n, np.diff([0, *moved, 1]), size=draws), rng.multinomial(m, shares, size=draws)]
        beta = np.column_stack([np.tile(special.logit(below), (draws, 1)), np.full(draws, np.log(odds_ratio))])
        for _ in range(7):
            score, information = _odds_score(beta, tables, k)
            beta += np.clip(np.linalg.solve(information, score[..., None])[..., 0], -1, 1)
        return reject(beta[:, -1], np.linalg.inv(_odds_score(beta, tables, k)[1])[:, -1, -1], np.inf)

    return draw


def _odds_score(beta: np.ndarray, tables: list[np.ndarray], k: int) -> tuple[np.ndarray, np.ndarray]:
    score, information = np.zeros_like(beta), np.zeros((*beta.shape, k))
    for arm, table in zip((1.0, 0.0), tables):
        low = special.expit(beta[:, :-1] - arm * beta[:, -1:])
        edge = np.zeros((len(beta), 1))
        chance = np.maximum(np.diff(np.concatenate([edge, low, edge + 1], 1), axis=1), TINY)
        slope = low * (1 - low)
        # derivative of each category's chance in the cuts and the effect
        D = np.zeros((len(beta), k, k))
        for j in range(k - 1):
            D[:, j, j] += slope[:, j]
            D[:, j + 1, j] -= slope[:, j]
        D[:, :, -1] = -arm * D[:, :, :-1].sum(2)
        score += np.einsum("dc,dcp->dp", table / chance, D)
        information += np.einsum("d,dc,dcp,dcq->dpq", table.sum(1).astype(float), 1 / chance, D, D, optimize=True)
    return score, information


def log_rank(
    n: int, share: float, hazard: float, *, accrual: float, follow_up: float, dropout: float = 0.0, events: int | None = None
) -> Simulator:
    """Log-rank test on raw exponential times; with `events` everybody enters at once and the study stops at that many events.

    Takes the hazard ratio.
    """
    treated = round(n * share)
    arm = np.arange(n) < treated

    def draw(ratio: float, rng: Generator, draws: int) -> np.ndarray:
        time = rng.exponential(1.0, (draws, n)) / np.where(arm, hazard * ratio, hazard)
        if events is None:
            stop = follow_up + rng.uniform(0, accrual, (draws, n)) if accrual else np.full((draws, n), follow_up)
            if dropout:
                stop = np.minimum(stop, rng.exponential(1 / dropout, (draws, n)))
            seen, time = time <= stop, np.minimum(time, stop)
        order = time.argsort(1)
        who = arm[order]
        happened = (
            np.broadcast_to(np.arange(n) < events, (draws, n)) if events is not None else np.take_along_axis(seen, order, 1)
        )
        at_risk = np.arange(n, 0, -1)
        part = (treated - np.cumsum(who, 1) + who) / at_risk
        return reject((happened * (who - part)).sum(1), (happened * part * (1 - part)).sum(1), np.inf)

    return draw
