"""Simulated tests where people come in clusters, groups or blocks."""

from __future__ import annotations

import numpy as np

from tests.calibration.power_kernels import (
    Generator,
    Simulator,
    equivalent,
    profile_reml,
    reject,
    satterthwaite_test,
    scaled_chi2,
)
from tests.calibration.power_people import paths_test

Listed = tuple[tuple[int, ...], tuple[int, ...]]


def equal_clusters(
    k: tuple[int, int],
    variance: float,
    *,
    alternative: str = "two-sided",
    satterthwaite: tuple[float, float] | None = None,
    shift: float = 0.0,
) -> Simulator:
    """t test of cluster means of variance `variance`, pooled, or Satterthwaite's where the arms' SDs differ."""

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        sd = satterthwaite or (1.0, 1.0)
        v = [variance * s**2 / g for s, g in zip(sd, k)]
        estimate = effect + shift + np.sqrt(sum(v)) * rng.standard_normal(draws)
        if satterthwaite:
            parts = [scaled_chi2(rng, g - 1, x, draws) for g, x in zip(k, v)]
            return satterthwaite_test(estimate, *parts, k[0] - 1, k[1] - 1, alternative)
        df = sum(k) - 2
        return reject(estimate, scaled_chi2(rng, df, sum(v), draws), df, alternative)

    return draw


def clusters_within(k: int, variance: float) -> Simulator:
    """Equivalence with k clusters an arm and no effect; takes the margin."""

    def draw(margin: float, rng: Generator, draws: int) -> np.ndarray:
        scale = 2 * variance / k
        estimate = np.sqrt(scale) * rng.standard_normal(draws)
        return equivalent(estimate, scaled_chi2(rng, 2 * k - 2, scale, draws), 2 * k - 2, -margin, margin)

    return draw


def unequal_clusters(sizes: Listed, icc: float) -> Simulator:
    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        return _reml_test(effect, [np.array(s, dtype=float) for s in sizes], icc, rng, draws)

    return draw


def varying_clusters(k: int, mean: float, cv: float, icc: float, designs: int = 500) -> Simulator:
    """Sizes drawn anew for every 500th of the replicates: lognormal, whole, at least 2."""

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        spread = np.sqrt(np.log1p(cv**2))
        found = []
        for _ in range(min(designs, draws)):
            sizes = [np.maximum(np.round(mean * np.exp(spread * rng.standard_normal(k) - spread**2 / 2)), 2) for _ in range(2)]
            found.append(_reml_test(effect, sizes, icc, rng, draws // min(designs, draws)))
        return np.concatenate(found)

    return draw


def _reml_test(effect: float, sizes: list[np.ndarray], icc: float, rng: Generator, draws: int) -> np.ndarray:
    means = [np.sqrt(icc + (1 - icc) / m) * rng.standard_normal((draws, len(m))) for m in sizes]
    within_df = sum(m.sum() - len(m) for m in sizes)
    (t, c), (vt, vc) = profile_reml(means, sizes, (1 - icc) * rng.chisquare(within_df, draws), within_df)
    return reject(effect + t - c, vt + vc, sum(map(len, sizes)) - 2)


def clusters_with_losses(k: int, m: int, icc: float, lost: float) -> Simulator:
    """Random drop-out; unweighted cluster means, pooled."""

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        left = np.maximum(rng.binomial(m, 1 - lost, (draws, 2 * k)), 1)
        means = np.sqrt(icc + (1 - icc) / left) * rng.standard_normal((draws, 2 * k))
        t, c = means[:, :k], means[:, k:]
        variance = (t.var(1, ddof=1) + c.var(1, ddof=1)) / k
        return reject(effect + t.mean(1) - c.mean(1), variance, 2 * k - 2)

    return draw


def clusters_of_rates(k: int, m: int, icc: float, rate: float) -> Simulator:
    """Beta-binomial clusters; pooled t test of cluster proportions."""

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        t, c = (_proportions(p, icc, m, (draws, k), rng) for p in (rate + effect, rate))
        return reject(t.mean(1) - c.mean(1), np.maximum(t.var(1, ddof=1) + c.var(1, ddof=1), 1e-12) / k, 2 * k - 2)

    return draw


def _proportions(p: float, icc: float, m: int, shape: tuple[int, int], rng: Generator) -> np.ndarray:
    scale = 1 / icc - 1
    return rng.binomial(m, rng.beta(p * scale, (1 - p) * scale, shape)) / m


def equal_groups(
    k: int,
    m: int,
    controls: int,
    icc: float,
    sd: tuple[float, float] = (1, 1),
    *,
    alternative: str = "two-sided",
    alpha: float = 0.05,
    shift: float = 0.0,
) -> Simulator:
    """Welch-Satterthwaite on group means and single controls."""

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        vt, vc = sd[0] ** 2 * (icc + (1 - icc) / m) / k, sd[1] ** 2 / controls
        estimate = effect + shift + np.sqrt(vt + vc) * rng.standard_normal(draws)
        parts = scaled_chi2(rng, k - 1, vt, draws), scaled_chi2(rng, controls - 1, vc, draws)
        return satterthwaite_test(estimate, *parts, k - 1, controls - 1, alternative, alpha)

    return draw


def groups_within(k: int, m: int, controls: int, icc: float) -> Simulator:
    """Equivalence with groups in one arm and no effect, Welch-Satterthwaite; takes the margin."""

    def draw(margin: float, rng: Generator, draws: int) -> np.ndarray:
        vt, vc, b = (icc + (1 - icc) / m) / k, 1 / controls, controls - 1
        estimate = np.sqrt(vt + vc) * rng.standard_normal(draws)
        wt, wc = scaled_chi2(rng, k - 1, vt, draws), scaled_chi2(rng, b, vc, draws)
        df = (wt + wc) ** 2 / (wt**2 / (k - 1) + wc**2 / b)
        return equivalent(estimate, wt + wc, df, -margin, margin)

    return draw


def unequal_groups(sizes: tuple[int, ...], controls: int, icc: float, sd: tuple[float, float] = (1, 1)) -> Simulator:
    """REML in the treated arm, groups - 1 df for its part."""

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        m = np.array(sizes, dtype=float)
        means = sd[0] * np.sqrt(icc + (1 - icc) / m) * rng.standard_normal((draws, len(m)))
        within_df = m.sum() - len(m)
        (t,), (vt,) = profile_reml([means], [m], sd[0] ** 2 * (1 - icc) * rng.chisquare(within_df, draws), within_df)
        estimate = effect + t - sd[1] * rng.standard_normal(draws) / np.sqrt(controls)
        vc = scaled_chi2(rng, controls - 1, sd[1] ** 2 / controls, draws)
        return satterthwaite_test(estimate, vt, vc, len(m) - 1, controls - 1)

    return draw


def grouped_both(k: tuple[int, int], m: tuple[int, int], icc: tuple[float, float]) -> Simulator:
    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        vt, vc = ((i + (1 - i) / n) / g for g, n, i in zip(k, m, icc))
        estimate = effect + np.sqrt(vt + vc) * rng.standard_normal(draws)
        parts = scaled_chi2(rng, k[0] - 1, vt, draws), scaled_chi2(rng, k[1] - 1, vc, draws)
        return satterthwaite_test(estimate, *parts, k[0] - 1, k[1] - 1)

    return draw


def groups_with_baseline(k: int, m: int, controls: int, icc: float, r: float) -> Simulator:
    """Raw data. The slope is estimated within groups and among controls; then as without a baseline, on adjusted means."""

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        x, xc = rng.standard_normal((draws, k, m)), rng.standard_normal((draws, controls))
        noise = np.sqrt(1 - icc - r**2)
        y = effect + r * x + np.sqrt(icc) * rng.standard_normal((draws, k, 1)) + noise * rng.standard_normal(x.shape)
        yc = r * xc + np.sqrt(1 - r**2) * rng.standard_normal(xc.shape)
        dx, dc = x - x.mean(2, keepdims=True), xc - xc.mean(1, keepdims=True)
        slope = ((dx * y).sum((1, 2)) + (dc * yc).sum(1)) / ((dx**2).sum((1, 2)) + (dc**2).sum(1))
        means, alone = y.mean(2) - slope[:, None] * x.mean(2), yc - slope[:, None] * xc
        vt, vc = means.var(1, ddof=1) / k, alone.var(1, ddof=1) / controls
        return satterthwaite_test(means.mean(1) - alone.mean(1), vt, vc, k - 1, controls - 1)

    return draw


def groups_with_losses(k: int, m: int, controls: int, icc: float, lost: float) -> Simulator:
    """Everyone drops out by chance; unweighted means of the groups that are left."""

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        left = np.maximum(rng.binomial(m, 1 - lost, (draws, k)), 1)
        means = effect + np.sqrt(icc + (1 - icc) / left) * rng.standard_normal((draws, k))
        n = rng.binomial(controls, 1 - lost, draws)
        vc = rng.chisquare(n - 1) / (n - 1) / n
        estimate = means.mean(1) - rng.standard_normal(draws) / np.sqrt(n)
        return satterthwaite_test(estimate, means.var(1, ddof=1) / k, vc, k - 1, n - 1)

    return draw


def groups_diluted(k: int, m: int, controls: int, icc: float, share: float) -> Simulator:
    """A share of every group, by chance, takes part, and they alone have the effect."""

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        means = effect * rng.binomial(m, share, (draws, k)) / m + np.sqrt(icc + (1 - icc) / m) * rng.standard_normal((draws, k))
        vc = scaled_chi2(rng, controls - 1, 1 / controls, draws)
        estimate = means.mean(1) - rng.standard_normal(draws) / np.sqrt(controls)
        return satterthwaite_test(estimate, means.var(1, ddof=1) / k, vc, k - 1, controls - 1)

    return draw


def groups_of_rates(k: int, m: int, controls: int, icc: float, rate: float) -> Simulator:
    """Beta-binomial groups; Welch-Satterthwaite on group proportions."""

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        y = _proportions(rate + effect, icc, m, (draws, k), rng)
        c = rng.binomial(controls, rate, draws) / controls
        vc = c * (1 - c) / (controls - 1)
        vt = np.maximum(y.var(1, ddof=1) / k, 1e-12)
        return satterthwaite_test(y.mean(1) - c, vt, vc, k - 1, controls - 1)

    return draw


def groups_of_rates_both(k: tuple[int, int], m: tuple[int, int], icc: float, rate: float) -> Simulator:
    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        y = [_proportions(p, icc, n, (draws, g), rng) for p, n, g in zip((rate + effect, rate), m, k)]
        vt, vc = (np.maximum(v.var(1, ddof=1) / v.shape[1], 1e-12) for v in y)
        return satterthwaite_test(y[0].mean(1) - y[1].mean(1), vt, vc, k[0] - 1, k[1] - 1)

    return draw


def blocks_of_people(blocks: int, size: int, share: float, kind: str, *, icc: float = 0.0, spread: float = 0.0) -> Simulator:
    """Raw block means. Random: one-sample t of the blocks' differences; otherwise their mean with the residuals pooled within blocks and
    arms (fixed), or with the blocks' own effects left in the residuals (constant)."""
    n = round(size * share)
    factor = 1 / n + 1 / (size - n)

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        resid = 1 - icc
        gaps = effect + np.sqrt(icc * spread + resid * factor) * rng.standard_normal((draws, blocks))
        if kind == "random":
            return reject(gaps.mean(1), gaps.var(1, ddof=1) / blocks, blocks - 1)
        squares, df = resid * rng.chisquare(blocks * (size - 2), draws), blocks * (size - 2)
        if kind == "constant":
            squares, df = squares + gaps.var(1) * blocks / factor, df + blocks - 1
        return reject(gaps.mean(1), squares / df * factor / blocks, df)

    return draw


def blocks_in_three_levels(top: int, blocks: int, size: int, icc: tuple[float, float], spread: tuple[float, float]) -> Simulator:
    """Random effects: one-sample t of the superblocks' differences."""

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        own = np.sqrt(icc[0] * spread[0]) * rng.standard_normal((draws, top))
        middle = np.sqrt(icc[1] * spread[1]) * rng.standard_normal((draws, top, blocks))
        people = np.sqrt((1 - sum(icc)) * 4 / size) * rng.standard_normal((draws, top, blocks))
        gaps = effect + own + (middle + people).mean(2)
        return reject(gaps.mean(1), gaps.var(1, ddof=1) / top, top - 1)

    return draw


def blocks_of_clusters(
    blocks: int, clusters: int, size: int, icc: float, kind: str, *, block_icc: float = 0.0, spread: float = 0.0
) -> Simulator:
    """Half of the clusters of every block treated; cluster means."""
    half = clusters // 2

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        each = icc + (1 - icc - block_icc) / size
        y = np.sqrt(each) * rng.standard_normal((draws, blocks, clusters))
        y[:, :, :half] += effect + np.sqrt(block_icc * spread) * rng.standard_normal((draws, blocks, 1))
        gaps = y[:, :, :half].mean(2) - y[:, :, half:].mean(2)
        if kind == "random":
            return reject(gaps.mean(1), gaps.var(1, ddof=1) / blocks, blocks - 1)
        df, factor = blocks * (clusters - 2), 2 / half
        squares = half * (y[:, :, :half].var(2) + y[:, :, half:].var(2)).sum(1)
        if kind == "constant":
            squares, df = squares + gaps.var(1) * blocks / factor, df + blocks - 1
        return reject(gaps.mean(1), squares / df * factor / blocks, df)

    return draw


def moderated_clusters(clusters: int, size: int, icc: float, share: float, level: str) -> Simulator:
    """Moderator of people: within clusters, cluster effects by arm removed; of clusters: four cells of cluster means."""
    half = clusters // 2

    def draw(effect: float, rng: Generator, draws: int) -> np.ndarray:
        if level == "individual":
            factor = (1 - icc) * (2 / half) * (1 / (size * share) + 1 / (size * (1 - share)))
            df = clusters * size - clusters - 2
            estimate = effect + np.sqrt(factor) * rng.standard_normal(draws)
            return reject(estimate, scaled_chi2(rng, df, factor, draws), df)
        cells = [round(half * share), half - round(half * share)] * 2
        factor = (icc + (1 - icc) / size) * sum(1 / c for c in cells)
        estimate = effect + np.sqrt(factor) * rng.standard_normal(draws)
        return reject(estimate, scaled_chi2(rng, clusters - 4, factor, draws), clusters - 4)

    return draw


def joint_cluster_paths(clusters: int, size: int, icc: float, a: float, direct: float) -> Simulator:
    """Raw people in clusters, mediator of clusters; joint significance on the cluster means. Takes b."""
    arm = np.repeat([0.5, -0.5], clusters // 2)

    def draw(b: float, rng: Generator, draws: int) -> np.ndarray:
        own = 1 - a**2 / 4
        between = icc - (a * b + direct) ** 2 / 4 - b**2 * own
        mediator = a * arm + np.sqrt(own) * rng.standard_normal((draws, clusters))
        people = np.sqrt(1 - icc) * rng.standard_normal((draws, clusters, size)).mean(2)
        outcome = b * mediator + direct * arm + np.sqrt(between) * rng.standard_normal((draws, clusters)) + people
        return paths_test(arm, mediator, outcome)

    return draw


def _gamma_counts(mean: float, dispersion: float, icc: float, shape: tuple[int, int, int], rng: Generator) -> np.ndarray:
    """Sums of groups: negative binomial people whose groups' means are gamma, the share `icc` of the relative variance."""
    total = 1 / mean + dispersion
    rates = mean * rng.gamma(1 / (icc * total), icc * total, shape[:2])
    own = (1 - icc) * total - 1 / mean
    return rng.negative_binomial(shape[2] / own, 1 / (1 + own * rates))


def groups_of_counts(k: int, m: int, controls: int, icc: float, mean: float, dispersion: float) -> Simulator:
    """Log ratio of the arms' means, delta-method variances of group means and of single controls, Satterthwaite. Takes the log ratio."""

    def draw(log_ratio: float, rng: Generator, draws: int) -> np.ndarray:
        y = _gamma_counts(mean * np.exp(log_ratio), dispersion, icc, (draws, k, m), rng) / m
        c = rng.negative_binomial(1 / dispersion, 1 / (1 + dispersion * mean), (draws, controls))
        vt = y.var(1, ddof=1) / k / y.mean(1) ** 2
        vc = c.var(1, ddof=1) / controls / c.mean(1) ** 2
        return satterthwaite_test(np.log(y.mean(1) / c.mean(1)), vt, vc, k - 1, controls - 1)

    return draw


def clusters_of_counts(k: int, m: int, icc: float, mean: float, dispersion: float) -> Simulator:
    """The same with clusters in both arms, clusters - 2 df. Takes the log ratio."""

    def draw(log_ratio: float, rng: Generator, draws: int) -> np.ndarray:
        t, c = (_gamma_counts(mu, dispersion, icc, (draws, k, m), rng) / m for mu in (mean * np.exp(log_ratio), mean))
        variance = sum(v.var(1, ddof=1) / k / v.mean(1) ** 2 for v in (t, c))
        return reject(np.log(t.mean(1) / c.mean(1)), variance, 2 * k - 2)

    return draw
