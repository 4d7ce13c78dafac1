"""Closed-form power against simulation, 100,000 replicates a setting; the table goes to docs/calibration/power.csv.

Estimates are drawn as sufficient statistics (means and chi-square variances), so that a setting takes hundredths of a second.
With groups in one arm the test that is simulated is the Satterthwaite test: on group means where groups are equal, on REML
estimates of the treated arm where they are not (group variance free to be negative, as in the package's own fit; truncated at zero
it loses up to .011 with six groups). Two kinds of rows are known to leave the band, are named in the notes of the result, and are
held to the size named there: normal formulas for counts, whose exact power is a saw, and the "optimistic" ones (a baseline, random
drop-out, rates in groups).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special

import trialkit as tk

pytestmark = [pytest.mark.calibration, pytest.mark.slow]

TARGET = Path(__file__).parents[2] / "docs" / "calibration" / "power.csv"
DRAWS = 100_000
SEED = 20_261_122
WITHIN = 0.010
KNOWN = {
    "counts": 0.016,
    "optimistic: baseline": 0.005,
    "optimistic: attrition": 0.008,
    "optimistic: rate": 0.012,
    "optimistic: rate, 6 groups": 0.030,
}
STEPS = np.linspace(np.log(1e-3), np.log(4.0), 70)  # log of the ratio of variances above its lower limit, for REML by profile

Generator = np.random.Generator
Simulator = Callable[[float, Generator], np.ndarray]


@dataclass(frozen=True)
class Setting:
    """A design, the target power that fixes its effect, and a simulator: effect, generator -> rejections (two-sided, .05)."""

    family: str
    design: dict[str, object]
    target: float
    simulate: Simulator
    kind: str = "exact"


def reject(estimate: np.ndarray, variance: np.ndarray, df: np.ndarray | float) -> np.ndarray:
    return 2 * special.stdtr(df, -np.abs(estimate) / np.sqrt(variance)) < 0.05


def scaled_chi2(rng: Generator, df: float, scale: float) -> np.ndarray:
    """Estimates of a variance `scale` with df degrees of freedom."""
    return scale * rng.chisquare(df, DRAWS) / df


def satterthwaite_test(estimate: np.ndarray, vt: np.ndarray, vc: np.ndarray, a: float, b: float) -> np.ndarray:
    return reject(estimate, vt + vc, (vt + vc) ** 2 / (vt**2 / a + vc**2 / b))


def two_means(n: int, m: int, sd: tuple[float, float], welch: bool) -> Simulator:
    def draw(effect: float, rng: Generator) -> np.ndarray:
        vt, vc = sd[0] ** 2 / n, sd[1] ** 2 / m
        estimate = effect + np.sqrt(vt + vc) * rng.standard_normal(DRAWS)
        wt, wc = scaled_chi2(rng, n - 1, vt), scaled_chi2(rng, m - 1, vc)
        if welch:
            return satterthwaite_test(estimate, wt, wc, n - 1, m - 1)
        pooled = (wt * n * (n - 1) + wc * m * (m - 1)) / (n + m - 2)
        return reject(estimate, pooled * (1 / n + 1 / m), n + m - 2)

    return draw


def ancova(n: int, r: float) -> Simulator:
    """A random normal baseline: its chance imbalance F costs the variance factor 1 + F."""

    def draw(effect: float, rng: Generator) -> np.ndarray:
        left, spread = 1 - r**2, rng.chisquare(2 * n - 2, DRAWS)
        variance = left * (2 / n + (2 / n) * rng.standard_normal(DRAWS) ** 2 / spread)
        estimate = effect + np.sqrt(variance) * rng.standard_normal(DRAWS)
        return reject(estimate, variance * rng.chisquare(2 * n - 3, DRAWS) / (2 * n - 3), 2 * n - 3)

    return draw


def two_rates(n: int, m: int, rate: float) -> Simulator:
    def draw(effect: float, rng: Generator) -> np.ndarray:
        x, y = rng.binomial(n, rate + effect, DRAWS) / n, rng.binomial(m, rate, DRAWS) / m
        pooled = (n * x + m * y) / (n + m)
        variance = np.maximum(pooled * (1 - pooled), 1e-12) * (1 / n + 1 / m)
        return np.abs(x - y) / np.sqrt(variance) > -special.ndtri(0.025)

    return draw


def equal_clusters(k: tuple[int, int], m: int, icc: float) -> Simulator:
    def draw(effect: float, rng: Generator) -> np.ndarray:
        each, df = icc + (1 - icc) / m, sum(k) - 2
        factor = 1 / k[0] + 1 / k[1]
        estimate = effect + np.sqrt(each * factor) * rng.standard_normal(DRAWS)
        return reject(estimate, scaled_chi2(rng, df, each) * factor, df)

    return draw


def profile_reml(
    means: list[np.ndarray], sizes: list[np.ndarray], within: np.ndarray, within_df: float
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """REML with a common ratio of group to residual variance, maximized over a grid of ratios with a parabola at its top.

    The ratio may be negative down to -1/largest group, as in the package's own fit. `means` holds an array (draws, groups) an arm;
    returns the arms' estimates and their variances.
    """
    df = within_df + sum(m.shape[1] - 1 for m in means)
    limit = 1 / max(m.max() for m in sizes)
    likelihood = np.empty((len(STEPS), len(within)))
    for i, ratio in enumerate(np.exp(STEPS) - limit * (1 - 1e-4)):
        total, logs = within.copy(), 0.0
        for y, m in zip(means, sizes):
            w = m / (1 + ratio * m)
            centre = y @ w / w.sum()
            total += np.square(y - centre[:, None]) @ w
            logs += np.log(1 + ratio * m).sum() + np.log(w.sum())
        likelihood[i] = -(df * np.log(total / df) + logs) / 2
    ratio = np.exp(_top(likelihood)) - limit * (1 - 1e-4)
    estimates, squares = [], within.copy()
    weights = [m[None, :] / (1 + ratio[:, None] * m[None, :]) for m in sizes]
    for y, w in zip(means, weights):
        centre = (y * w).sum(1) / w.sum(1)
        squares += (w * np.square(y - centre[:, None])).sum(1)
        estimates.append(centre)
    return estimates, [squares / df / w.sum(1) for w in weights]


def _top(likelihood: np.ndarray) -> np.ndarray:
    """Where the parabola through the best step and its neighbours has its top."""
    best = np.clip(likelihood.argmax(0), 1, len(STEPS) - 2)
    low, mid, high = (likelihood[best + d, np.arange(likelihood.shape[1])] for d in (-1, 0, 1))
    curvature = np.minimum(low - 2 * mid + high, -1e-12)
    return STEPS[best] + np.clip(0.5 * (low - high) / curvature, -1, 1) * (STEPS[1] - STEPS[0])


def unequal_clusters(sizes: tuple[tuple[int, ...], tuple[int, ...]], icc: float) -> Simulator:
    def draw(effect: float, rng: Generator) -> np.ndarray:
        m = [np.array(s, dtype=float) for s in sizes]
        means = [np.sqrt(icc + (1 - icc) / k) * rng.standard_normal((DRAWS, len(k))) for k in m]
        within_df = sum(k.sum() - len(k) for k in m)
        (t, c), (vt, vc) = profile_reml(means, m, (1 - icc) * rng.chisquare(within_df, DRAWS), within_df)
        return reject(effect + t - c, vt + vc, sum(map(len, m)) - 2)

    return draw


def equal_groups(k: int, m: int, controls: int, icc: float, sd: tuple[float, float]) -> Simulator:
    """Welch-Satterthwaite on group means and single controls."""

    def draw(effect: float, rng: Generator) -> np.ndarray:
        vt, vc = sd[0] ** 2 * (icc + (1 - icc) / m) / k, sd[1] ** 2 / controls
        estimate = effect + np.sqrt(vt + vc) * rng.standard_normal(DRAWS)
        return satterthwaite_test(estimate, scaled_chi2(rng, k - 1, vt), scaled_chi2(rng, controls - 1, vc), k - 1, controls - 1)

    return draw


def unequal_groups(sizes: tuple[int, ...], controls: int, icc: float) -> Simulator:
    """REML in the treated arm, groups - 1 df for its part."""

    def draw(effect: float, rng: Generator) -> np.ndarray:
        m = np.array(sizes, dtype=float)
        means = np.sqrt(icc + (1 - icc) / m) * rng.standard_normal((DRAWS, len(m)))
        within_df = m.sum() - len(m)
        (t,), (vt,) = profile_reml([means], [m], (1 - icc) * rng.chisquare(within_df, DRAWS), within_df)
        estimate = effect + t - rng.standard_normal(DRAWS) / np.sqrt(controls)
        return satterthwaite_test(estimate, vt, scaled_chi2(rng, controls - 1, 1 / controls), len(m) - 1, controls - 1)

    return draw


def grouped_both(k: tuple[int, int], m: tuple[int, int], icc: tuple[float, float]) -> Simulator:
    def draw(effect: float, rng: Generator) -> np.ndarray:
        vt, vc = ((i + (1 - i) / n) / g for g, n, i in zip(k, m, icc))
        estimate = effect + np.sqrt(vt + vc) * rng.standard_normal(DRAWS)
        return satterthwaite_test(estimate, scaled_chi2(rng, k[0] - 1, vt), scaled_chi2(rng, k[1] - 1, vc), k[0] - 1, k[1] - 1)

    return draw


def groups_with_baseline(k: int, m: int, controls: int, icc: float, r: float) -> Simulator:
    """The slope is estimated within groups and among controls; then as without a baseline, on adjusted means."""

    def draw(effect: float, rng: Generator) -> np.ndarray:
        out = []
        for _ in range(DRAWS // 2000):
            x, xc = rng.standard_normal((2000, k, m)), rng.standard_normal((2000, controls))
            noise = np.sqrt(1 - icc - r**2)
            y = effect + r * x + np.sqrt(icc) * rng.standard_normal((2000, k, 1)) + noise * rng.standard_normal(x.shape)
            yc = r * xc + np.sqrt(1 - r**2) * rng.standard_normal(xc.shape)
            dx, dc = x - x.mean(2, keepdims=True), xc - xc.mean(1, keepdims=True)
            slope = ((dx * y).sum((1, 2)) + (dc * yc).sum(1)) / ((dx**2).sum((1, 2)) + (dc**2).sum(1))
            means, alone = y.mean(2) - slope[:, None] * x.mean(2), yc - slope[:, None] * xc
            vt, vc = means.var(1, ddof=1) / k, alone.var(1, ddof=1) / controls
            out.append(satterthwaite_test(means.mean(1) - alone.mean(1), vt, vc, k - 1, controls - 1))
        return np.concatenate(out)

    return draw


def groups_with_losses(k: int, m: int, controls: int, icc: float, lost: float) -> Simulator:
    """Everyone drops out by chance; unweighted means of the groups that are left."""

    def draw(effect: float, rng: Generator) -> np.ndarray:
        left = np.maximum(rng.binomial(m, 1 - lost, (DRAWS, k)), 1)
        means = effect + np.sqrt(icc + (1 - icc) / left) * rng.standard_normal((DRAWS, k))
        n = rng.binomial(controls, 1 - lost, DRAWS)
        vc = rng.chisquare(n - 1) / (n - 1) / n
        estimate = means.mean(1) - rng.standard_normal(DRAWS) / np.sqrt(n)
        return satterthwaite_test(estimate, means.var(1, ddof=1) / k, vc, k - 1, n - 1)

    return draw


def groups_of_rates(k: int, m: int, controls: int, icc: float, rate: float) -> Simulator:
    """Beta-binomial groups; Welch-Satterthwaite on group proportions."""

    def draw(effect: float, rng: Generator) -> np.ndarray:
        p, scale = rate + effect, 1 / icc - 1
        y = rng.binomial(m, rng.beta(p * scale, (1 - p) * scale, (DRAWS, k))) / m
        c = rng.binomial(controls, rate, DRAWS) / controls
        vc = c * (1 - c) / (controls - 1)
        vt = np.maximum(y.var(1, ddof=1) / k, 1e-12)
        return satterthwaite_test(y.mean(1) - c, vt, vc, k - 1, controls - 1)

    return draw


def settings() -> Iterator[Setting]:
    yield from individual_settings()
    yield from binary_settings()
    yield from clustered_settings()
    yield from grouped_settings()
    yield from optimistic_settings()


def individual_settings() -> Iterator[Setting]:
    for n, target in itertools.product((5, 10, 30, 100, 400), (0.3, 0.8, 0.95)):
        yield Setting("individual", {"n_per_arm": n}, target, two_means(n, n, (1, 1), False))
    for (n, m), target in itertools.product(((8, 24), (40, 70), (150, 50)), (0.3, 0.8)):
        yield Setting("individual", {"treated": n, "controls": m}, target, two_means(n, m, (1, 1), False))
    for (n, m), sd, target in itertools.product(((12, 12), (10, 40), (40, 10), (80, 30)), ((1.6, 1.0), (1.0, 2.5)), (0.5, 0.8)):
        yield Setting("individual", {"treated": n, "controls": m, "sd": sd}, target, two_means(n, m, sd, True))
    for n, r in itertools.product((40, 80, 200), (0.3, 0.6, 0.8)):
        yield Setting("individual", {"n_per_arm": n, "baseline_correlation": r}, 0.8, ancova(n, r))


def binary_settings() -> Iterator[Setting]:
    for rate, (n, m), target in itertools.product((0.1, 0.3, 0.5), ((300, 300), (800, 800), (400, 800)), (0.5, 0.8, 0.9)):
        yield Setting("binary", {"control_rate": rate, "treated": n, "controls": m}, target, two_rates(n, m, rate), "counts")
    for rate, (n, m) in itertools.product((0.1, 0.3), ((30, 30), (40, 80), (100, 100))):
        yield Setting(
            "binary", {"control_rate": rate, "treated": n, "controls": m, "method": "exact"}, 0.8, two_rates(n, m, rate)
        )


def clustered_settings() -> Iterator[Setting]:
    for k, m, icc in itertools.product((3, 5, 10, 20), (8, 30), (0.02, 0.1, 0.3)):
        yield Setting("clustered", {"clusters": 2 * k, "cluster_size": m, "icc": icc}, 0.8, equal_clusters((k, k), m, icc))
    for arms, icc in itertools.product(((5, 10), (12, 6)), (0.05, 0.2)):
        design = {"clusters": sum(arms), "allocation": arms, "cluster_size": 15, "icc": icc}
        yield Setting("clustered", design, 0.8, equal_clusters(arms, 15, icc))
    sizes = ((40, 12, 25, 8, 33, 20, 16, 30), (15, 30, 22, 10, 45, 18, 12, 26))
    for icc, target in itertools.product((0.05, 0.1, 0.2), (0.5, 0.8)):
        yield Setting("clustered", {"cluster_size": sizes, "icc": icc}, target, unequal_clusters(sizes, icc))


def grouped_settings() -> Iterator[Setting]:
    every = itertools.product((3, 4, 5, 6, 8, 10, 15, 20, 30), (5, 12), (0.0, 0.05, 0.2), (30, 100, 400))
    for i, (k, m, icc, controls) in enumerate(every):
        design = {"groups": k, "group_size": m, "controls": controls, "icc": icc}
        yield Setting("grouped", design, (0.5, 0.8, 0.9)[i % 3], equal_groups(k, m, controls, icc, (1, 1)))
    for k, controls, sd in itertools.product((3, 5, 10, 30), (40, 150), ((1.3, 1.0), (1.0, 1.5))):
        design = {"groups": k, "group_size": 10, "controls": controls, "icc": 0.1, "sd": sd}
        yield Setting("grouped", design, 0.8, equal_groups(k, 10, controls, 0.1, sd))
    for k, m, icc in (((10, 8), (8, 12), (0.1, 0.04)), ((5, 5), (10, 10), (0.1, 0.1)), ((4, 12), (15, 6), (0.2, 0.05))):
        design = {
            "groups": k[0],
            "group_size": m[0],
            "icc": icc[0],
            "control_groups": k[1],
            "control_group_size": m[1],
            "control_icc": icc[1],
        }
        yield Setting("grouped", design, 0.8, grouped_both(k, m, icc))
    for sizes, icc in itertools.product(
        ((6, 8, 9, 10, 12, 12, 14, 15, 5, 9), (5, 6, 8, 12, 15, 20), tuple(range(4, 24))), (0.05, 0.12, 0.2)
    ):
        yield Setting(
            "grouped", {"group_size": sizes, "controls": 100, "icc": icc}, 0.8, unequal_groups(sizes, 100, icc), "unequal"
        )


def optimistic_settings() -> Iterator[Setting]:
    for k, r in itertools.product((6, 10, 20), (0.4, 0.7)):
        design = {"groups": k, "group_size": 10, "controls": 100, "icc": 0.1, "baseline_correlation": r}
        yield Setting("grouped", design, 0.8, groups_with_baseline(k, 10, 100, 0.1, r), "optimistic: baseline")
    for k, lost in itertools.product((6, 10, 20), (0.1, 0.25)):
        design = {"groups": k, "group_size": 12, "controls": 100, "icc": 0.1, "attrition": lost}
        yield Setting("grouped", design, 0.8, groups_with_losses(k, 12, 100, 0.1, lost), "optimistic: attrition")
    for k, rate, icc in itertools.product((6, 12, 25), (0.2, 0.4), (0.03, 0.08)):
        design = {"groups": k, "group_size": 10, "controls": 120, "icc": icc, "control_rate": rate}
        kind = "optimistic: rate, 6 groups" if k == 6 else "optimistic: rate"
        yield Setting("grouped", design, 0.8, groups_of_rates(k, 10, 120, icc, rate), kind)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rows = []
    every = list(settings())
    for setting, seed in zip(every, np.random.SeedSequence(SEED).spawn(len(every))):
        call = getattr(tk.power, setting.family)
        found = call(power=setting.target, **setting.design)
        simulated = float(setting.simulate(found.effect, np.random.default_rng(seed)).mean())
        rows.append(
            {
                "family": setting.family,
                "kind": setting.kind,
                "design": ", ".join(f"{k}={v}" for k, v in setting.design.items()),
                "effect": found.effect,
                "formula": setting.target,
                "simulated": simulated,
                "mc_error": np.sqrt(simulated * (1 - simulated) / DRAWS),
                "deviation": setting.target - simulated,
            }
        )
    made = pd.DataFrame(rows)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    made.to_csv(TARGET, index=False, float_format="%.5f", lineterminator="\n")
    return made


def test_the_formula_is_within_a_hundredth_of_simulation(table):
    held = table[~table["kind"].isin(KNOWN)]
    assert len(held) >= 250
    off = held[held["deviation"].abs() > WITHIN]
    assert off.empty, off.to_string()


def test_exact_grouped_power_is_simulated_power(table):
    exact = table[(table["family"] == "grouped") & (table["kind"] == "exact")]
    assert exact["design"].str.contains("groups=3,").sum() >= 18
    off = exact[exact["deviation"].abs() > 4.5 * exact["mc_error"]]
    assert off.empty, off.to_string()


def test_known_deviations_have_the_size_that_the_notes_name(table):
    known = table[table["kind"].isin(KNOWN)]
    assert set(known["kind"]) == set(KNOWN)
    off = known[known["deviation"].abs() > known["kind"].map(KNOWN)]
    assert off.empty, off.to_string()
    assert known[known["kind"].str.startswith("optimistic")]["deviation"].mean() > 0


def test_enumeration_is_right_where_the_normal_formula_for_counts_is_not(table):
    for setting, row in zip(settings(), table.itertuples()):
        if setting.kind == "counts":
            exact = tk.power.binary(effect=row.effect, method="exact", **setting.design).power
            assert abs(exact - row.simulated) < 4.5 * row.mc_error, row
