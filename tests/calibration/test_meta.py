"""Coverage of the pooled effect (REML, Hartung-Knapp) and of the prediction interval of `tk.meta`, the defaults and their rivals.

Estimates of k studies of n people in all have variance 4/n, that of a standardized difference; n is 100 throughout, or 30 to 500. With
'estimated' the analysis is given the variances that such studies would have estimated, with n - 2 degrees of freedom.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.special import ndtri, stdtrit

import trialkit as tk
from tests.calibration.tables import DESIGNS, REPLICATES, coverage_inside, grid, mc_error, over_designs

STUDIES, TAU2, SIZES = (5, 10, 20), (0.0, 0.01, 0.04, 0.16), ("equal", "unequal", "unequal, estimated")
CHANGE, STEPS = 1e-5, 2000  # change at which the package ends REML for variances of this size, and when it gives up


def reml_tau2(y: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(R,) tau2 of estimates and variances (R, k), by the package's steps and its end; NaN where it says that they did not settle."""
    tau2 = np.maximum(0.0, y.var(axis=1, ddof=1) - v.mean(axis=1))
    todo = np.arange(len(y))
    for _ in range(STEPS):
        w = 1 / (v[todo] + tau2[todo, None])
        total = w.sum(axis=1)
        deviation = w * (y[todo] - ((w * y[todo]).sum(axis=1) / total)[:, None])
        trace = total - (w**2).sum(axis=1) / total
        squares = (w**2).sum(axis=1) - 2 * (w**3).sum(axis=1) / total + ((w**2).sum(axis=1) / total) ** 2
        step = ((deviation**2).sum(axis=1) - trace) / squares
        step[(tau2[todo] == 0) & (step < 0)] = 0.0
        while (low := tau2[todo] + step < 0).any():
            step[low] /= 2
        tau2[todo] += step
        todo = todo[np.abs(step) > CHANGE]
        if not len(todo):
            break
    tau2[todo] = np.nan
    return tau2


def pooled(y: np.ndarray, v: np.ndarray) -> dict[str, np.ndarray]:
    """(R,) estimate, plain and Hartung-Knapp standard errors, tau2."""
    tau2 = reml_tau2(y, v)
    w = 1 / (v + tau2[:, None])
    estimate = (w * y).sum(axis=1) / w.sum(axis=1)
    spread = (w * (y - estimate[:, None]) ** 2).sum(axis=1) / (y.shape[1] - 1)
    plain = 1 / np.sqrt(w.sum(axis=1))
    return {"estimate": estimate, "plain": plain, "hk": plain * np.sqrt(spread), "tau2": tau2}


def studies(k: int, tau2: float, sizes: str, rng: np.random.Generator, replicates: int) -> tuple[np.ndarray, ...]:
    """Estimates, the variances given to the analysis, and the true effect of one study more; the mean effect is 0."""
    n = np.full(k, 100.0) if sizes == "equal" else np.exp(np.linspace(np.log(30), np.log(500), k))
    y = rng.normal(size=(replicates, k)) * np.sqrt(tau2 + 4 / n)
    v = np.tile(4 / n, (replicates, 1))
    if sizes.endswith("estimated"):
        v = v * rng.chisquare(n - 2, size=(replicates, k)) / (n - 2)
    return y, v, rng.normal(size=replicates) * np.sqrt(tau2)


def one_design(k: int, tau2: float, sizes: str, number: int, replicates: int = REPLICATES) -> np.ndarray:
    """Counts: settled; intervals that cover: Hartung-Knapp, normal, t with the larger of both errors; prediction 'hts', 'hk', 'normal'."""
    y, v, new = studies(k, tau2, sizes, np.random.default_rng([k, int(tau2 * 1000), SIZES.index(sizes), number]), replicates)
    p = pooled(y, v)
    wide = {"hts": (k - 2, p["plain"]), "hk": (k - 1, p["hk"])}
    counts = [
        np.isfinite(p["tau2"]),
        np.abs(p["estimate"]) <= stdtrit(k - 1, 0.975) * p["hk"],
        np.abs(p["estimate"]) <= ndtri(0.975) * p["plain"],
        np.abs(p["estimate"]) <= stdtrit(k - 1, 0.975) * np.maximum(p["hk"], p["plain"]),
    ]
    counts += [np.abs(new - p["estimate"]) <= stdtrit(df, 0.975) * np.sqrt(p["tau2"] + se**2) for df, se in wide.values()]
    counts.append(np.abs(new - p["estimate"]) <= ndtri(0.975) * np.sqrt(p["tau2"] + p["plain"] ** 2))
    return np.array([c.sum() for c in counts])


def cell(k: int, tau2: float, sizes: str) -> list[dict[str, object]]:
    total = DESIGNS * REPLICATES
    found = np.sum(over_designs(one_design, k, tau2, sizes), axis=0)
    hk, normal, larger, hts, hk_prediction, normal_prediction = found[1:] / found[0]
    row = {
        "studies": k, "tau2": tau2, "sizes": sizes, "replicates": total, "not_settled": int(total - found[0]), "coverage": hk,
        "mc_error": mc_error(hk, total), "coverage_normal": normal, "coverage_larger_error": larger, "prediction_coverage": hts, "prediction_hk": hk_prediction,
        "prediction_normal": normal_prediction, "inside_band": coverage_inside(hk, k),
        "prediction_inside_band": coverage_inside(hts, k),
    }  # fmt: skip
    return [row]


@pytest.mark.calibration
@pytest.mark.slow
def test_coverage_of_meta_analysis():
    table = grid("meta", ("studies", "tau2", "sizes"), list(product(STUDIES, TAU2, SIZES)), cell)
    assert table["coverage"].between(0.9, 0.98).all()


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("tau2", [0.0, 0.04])
def test_the_batched_path_is_the_package(sizes, tau2):
    y, v, _ = studies(6, tau2, sizes, np.random.default_rng(2), 40)
    p = pooled(y, v)
    for r in range(0, 40, 5):
        found = tk.meta(y[r].tolist(), v[r].tolist())
        assert (p["estimate"][r], p["hk"][r], p["tau2"][r]) == pytest.approx(
            (found.estimate, found.std_error, found.tau2), abs=1e-9
        )
        half = stdtrit(4, 0.975) * np.sqrt(p["tau2"][r] + p["plain"][r] ** 2)
        assert p["estimate"][r] + half == pytest.approx(found.prediction_high, abs=1e-9)
        plain = tk.meta(y[r].tolist(), v[r].tolist(), hartung_knapp=False, prediction="normal")
        assert p["plain"][r] == pytest.approx(plain.std_error, abs=1e-9)


def test_a_thin_version_of_the_coverage():
    """4,000 meta-analyses of 10 studies: within five Monte Carlo errors of 95 %."""
    found = sum(one_design(10, 0.04, "equal", d, replicates=1000) for d in range(4))
    assert abs(found[1] / found[0] - 0.95) < 5 * np.sqrt(0.05 * 0.95 / 4000)
