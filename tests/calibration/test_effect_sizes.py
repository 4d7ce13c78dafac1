"""Coverage of the intervals of effect sizes: people alone, clusters in both arms, groups in one arm; effects of 0, .3 and .8 SD.

Continuous outcomes are normal with a total variance of one in both arms, so that every standardizer estimates the same SD; for the
known-ICC form of groups in one arm the controls have the within-group part, as that form supposes. Outcomes of 0 and 1 are thresholds of
the same variables (30 % among the controls), with a log odds ratio of 0, .3 and .8 logit SDs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy.special import expit, logit, ndtr, ndtri

import trialkit as tk
from tests.calibration.effect_size_trials import (
    BASELINE_R,
    SHARES,
    Interval,
    Setting,
    Shares,
    common_language,
    dppc2,
    hedges_g,
    known_icc_g,
    noncentral_covers,
    wald_ratio,
)
from tests.calibration.tables import DESIGNS, REPLICATES, coverage_inside, grid, mc_error, over_designs

EFFECTS, CONTROL_RISK = (0.0, 0.3, 0.8), 0.3
UNITS = {"people": (10, 20, 50, 100), "clusters": (6, 10, 20, 40), "groups in one arm": (6, 10, 20, 40)}
ICCS = {"people": (0.0,), "clusters": (0.05, 0.2), "groups in one arm": (0.05, 0.2)}


def risk(effect: float) -> float:
    """Share of the treated with the outcome when the log odds ratio is `effect` logit SDs."""
    return float(expit(logit(CONTROL_RISK) + effect * np.pi / np.sqrt(3)))


class Continuous:
    """Measures of outcomes `y` (R, n) without effect, to which effects are added; `pre` a pretest, free of units."""

    def __init__(self, s: Setting, y: np.ndarray, pre: np.ndarray, icc: float) -> None:
        self.s, self.y, self.pre, self.icc = s, y, pre, icc
        root = np.sqrt(1 - BASELINE_R**2)
        self.post, self.explained = BASELINE_R * pre + root * y, BASELINE_R * s.baseline + root * y
        self.plain, self.adjusted = s.plain.run(y), s.adjusted.run(self.explained)
        self.change = s.difference(self.post - pre)

    def measures(self, effect: float) -> dict[str, tuple[Interval, float]]:
        """Intervals with their truths."""
        s, add = self.s, effect * self.s.treated
        standardizer = "control" if s.kind == "groups in one arm" else "pooled"
        out = {
            "hedges_g": (hedges_g(s, self.y, self.plain, effect, standardizer), effect),
            "hedges_g, adjusted": (hedges_g(s, self.explained, self.adjusted, effect, standardizer), effect),
            "dppc2": (dppc2(s, self.pre, self.post, self.change, effect), effect),
            "common_language, cliffs_delta": (common_language(s, self.y + add), float(ndtr(effect / np.sqrt(2)))),
        }
        if standardizer == "pooled":
            out["hedges_g, control SD"] = (hedges_g(s, self.y, self.plain, effect, "control"), effect)
        if s.kind == "clusters":
            out["hedges_g, known icc"] = (known_icc_g(s, self.y + add, self.icc), effect)
        elif s.kind == "groups in one arm":
            less = np.where(s.treated, self.y, np.sqrt(1 - self.icc) * self.y)
            out["hedges_g, known icc"] = (known_icc_g(s, less + add, self.icc), effect)
        return out


def binary(s: Setting, y: np.ndarray, effect: float) -> dict[str, tuple[Interval, float]]:
    p1, p0 = risk(effect), CONTROL_RISK
    b = (y < np.where(s.treated, ndtri(p1), ndtri(p0))).astype(float)
    shares = Shares(s, b)
    out = {kind: (shares.of(kind), float(f(p1) - f(p0))) for kind, (f, _) in SHARES.items()}
    out["risk_difference, number needed"] = (shares.difference(normal=s.kind == "people"), p1 - p0)
    if s.kind == "people":
        out["risk_difference, ancova"] = (shares.difference(normal=False), p1 - p0)
        out["risk_ratio of counts"] = (wald_ratio(s, b, "risk_ratio"), float(np.log(p1 / p0)))
        out["odds_ratio of counts"] = (wald_ratio(s, b, "odds_ratio"), float(logit(p1) - logit(p0)))
    return out


def one_design(
    kind: str, units: int, icc: float, number: int, replicates: int = REPLICATES, effects: Sequence[float] = EFFECTS
) -> dict[tuple[str, float], np.ndarray]:
    """Per measure and effect: replicates with an interval, intervals that cover, and the sum of errors."""
    rng = np.random.default_rng([units, int(icc * 100), number, len(kind)])
    s = Setting(kind, units, rng)
    y, pre = s.noise(rng, icc, replicates), rng.normal(size=(replicates, len(s.arm)))
    numbers, out = Continuous(s, y, pre, icc), {}
    for effect in effects:
        for name, (found, truth) in (numbers.measures(effect) | binary(s, y, effect)).items():
            has = np.isfinite(found.low) & np.isfinite(found.high)
            covers = has & (found.low <= truth) & (truth <= found.high)
            out[name, effect] = np.array([has.sum(), covers.sum(), float((found.estimate[has] - truth).sum())])
        if kind == "people":
            covers = noncentral_covers(s, y + effect * s.treated, effect)
            out["hedges_g, noncentral", effect] = np.array([replicates, covers.sum(), np.nan])
    return out


def cell(kind: str, units: int, icc: float) -> list[dict[str, object]]:
    parts = over_designs(one_design, kind, units, icc)
    total, rows = DESIGNS * REPLICATES, []
    for name, effect in parts[0]:
        has, covers, error = np.sum([p[name, effect] for p in parts], axis=0)
        coverage = covers / has
        rows.append(
            {
                "design": kind, "units_per_arm": units, "icc": icc, "measure": name, "effect": effect, "replicates": total,
                "no_interval": int(total - has), "coverage": coverage, "bias": error / has, "mc_error": mc_error(coverage, has),
                "inside_band": coverage_inside(coverage, 10 if kind == "people" else units),
            }
        )  # fmt: skip
    return rows


@pytest.mark.calibration
@pytest.mark.slow
def test_coverage_of_effect_sizes():
    cells = [(kind, units, icc) for kind, counts in UNITS.items() for units in counts for icc in ICCS[kind]]
    table = grid("effect_sizes", ("design", "units_per_arm", "icc"), cells, cell)
    assert (table["coverage"] >= 0.85).all()


@pytest.mark.parametrize(("kind", "units"), [("people", 20), ("clusters", 6), ("groups in one arm", 6)])
def test_the_batched_path_is_the_package(kind, units):
    rng = np.random.default_rng([3, units])
    s = Setting(kind, units, rng)
    icc = 0.1
    y, pre = s.noise(rng, icc, 30), rng.normal(size=(30, len(s.arm)))
    mine = Continuous(s, y, pre, icc).measures(0.3) | binary(s, y, 0.3)
    for r in (0, 13, 29):
        for name, found in _package(s, y[r], pre[r], 0.3, icc).items():
            value = mine[name][0]
            assert (value.estimate[r], value.low[r], value.high[r]) == pytest.approx(found(), abs=1e-9), (name, r)


def _package(s: Setting, y: np.ndarray, pre: np.ndarray, effect: float, icc: float) -> dict[str, Callable[[], tuple]]:
    """Estimate and limits from the package's own calls, by measure."""
    add, root = effect * s.treated, np.sqrt(1 - BASELINE_R**2)
    b = (y < np.where(s.treated, ndtri(risk(effect)), ndtri(CONTROL_RISK))).astype(float)
    less = np.where(s.treated, y, np.sqrt(1 - icc) * y) if s.kind == "groups in one arm" else y
    t = s.trial(
        y=y + add, post=BASELINE_R * pre + root * y + add, pre=pre, explained=BASELINE_R * s.baseline + root * y + add, b=b,
        less=less + add,
    )  # fmt: skip
    plain = tk.itt(t, "y")
    out = {
        "hedges_g": lambda: _row(plain.standardized("hedges_g")),
        "hedges_g, adjusted": lambda: _row(tk.itt(t, "explained", adjust=["y0"]).standardized("hedges_g")),
        "dppc2": lambda: _row(tk.itt(t, "post").standardized("dppc2", baseline="pre")),
        "common_language, cliffs_delta": lambda: _row(plain.standardized("common_language")),
        "cohens_h": lambda: _row(tk.effect_size.cohens_h(t, "b")),
        "cox_d": lambda: _row(tk.effect_size.cox_d(t, "b")),
        "logit_d": lambda: _row(tk.effect_size.logit_d(t, "b")),
        "risk_difference, number needed": lambda: _row(tk.itt(t, "b", measure="risk_difference")),
    }
    if s.kind == "people":
        out["risk_difference, ancova"] = lambda: _row(tk.itt(t, "b", measure="risk_difference", estimator="ancova"))
        a, c = int(b[s.treated].sum()), int(b[~s.treated].sum())
        counts = tk.effect_size.from_counts(events_1=a, n_1=s.n1, events_0=c, n_0=s.n0).tidy().set_index("estimand")
        columns = ["estimate", "conf_low", "conf_high"]
        out["risk_ratio of counts"] = lambda: tuple(np.log(counts.loc["risk ratio", columns].astype(float)))
        out["odds_ratio of counts"] = lambda: tuple(np.log(counts.loc["odds ratio", columns].astype(float)))
    else:
        out["hedges_g, known icc"] = lambda: _row(tk.itt(t, "less").standardized("hedges_g", icc=icc))
    if s.kind != "groups in one arm":
        out["hedges_g, control SD"] = lambda: _row(plain.standardized("hedges_g", standardizer="control"))
    return out


def _row(result: tk.Result) -> tuple[float, float, float]:
    e = result.estimates[0]
    return e.estimate, e.conf_low, e.conf_high


def test_noncentral_coverage_is_that_of_its_limits():
    rng = np.random.default_rng(8)
    s = Setting("people", 12, rng)
    y = s.noise(rng, 0.0, 40) + 0.8 * s.treated
    covers = noncentral_covers(s, y, 0.8)
    for r in range(0, 40, 3):
        e = tk.itt(s.trial(y=y[r]), "y").standardized("hedges_g", interval="noncentral").estimates[0]
        assert (e.conf_low <= 0.8 <= e.conf_high) == covers[r]


def test_a_thin_version_of_the_coverage():
    """2,000 trials of 10 groups: Hedges g and Cliff's delta within five Monte Carlo errors of 95 %."""
    parts = [one_design("groups in one arm", 10, 0.05, d, replicates=250, effects=(0.3,)) for d in range(8)]
    for name in ("hedges_g", "common_language, cliffs_delta"):
        assert abs(sum(p[name, 0.3][1] for p in parts) / 2000 - 0.95) < 5 * np.sqrt(0.05 * 0.95 / 2000)
