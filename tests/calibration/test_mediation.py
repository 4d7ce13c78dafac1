"""Coverage of the indirect effect with groups in one arm: Monte Carlo with CR2, and the percentile and BCa bootstrap of groups.

Groups of 6 to 14 people move the mediator and the outcome of their members, by independent effects or by one and the same; as many people stay alone. A fifth of the outcomes is
missing, more often where the baseline trait is absent. Where group effects on mediator and outcome go together, the slope of the mediator takes that in: no interval repairs the
bias, so coverage is counted for the effect itself and for the one that the regressions tend to.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed
from scipy.special import expit

import trialkit as tk
from tests.calibration.tables import JOBS, grid, mc_error
from trialkit.estimate.mediation import inference, mediate
from trialkit.estimate.mediation.fits import choose, fitted
from trialkit.estimate.mediation.linear_paths import LinearProblem
from trialkit.estimate.mediation.nonlinear_paths import NonlinearProblem
from trialkit.inference.draws.group_bootstrap import bootstrap_weights, resampling_cells
from trialkit.inference.mediation.draws import acceleration, bias_correction
from trialkit.inference.mediation.effects import EFFECTS, effects_of_means
from trialkit.inference.mediation.nested_means import nested_means
from trialkit.inference.mediation.weighted_fits import weighted_fits

REPLICATES = int(os.environ.get("TRIALKIT_CALIBRATION_MEDIATION", 2000))
DRAWS = 500
GROUPS = (8, 12, 20, 40)
ACME = EFFECTS.index("acme")
BAND = (0.93, 0.97)
METHODS = ("monte_carlo", "percentile", "bca")
A, B, C, TRAIT = 0.5, 0.5, 0.2, 0.3


@dataclass(frozen=True)
class World:
    """One cell: kind of outcome, whether group effects on mediator and outcome are one and the same, their ICC, the arm's effect on the mediator."""

    outcome: str
    correlated: bool
    icc: float
    a: float = A

    @property
    def kind(self) -> str:
        return "one and the same" if self.correlated else "independent"

    @property
    def spread(self) -> float:
        """SD of the group effects beside a residual SD of 1."""
        return float(np.sqrt(self.icc / (1 - self.icc)))

    def draw(self, rng: np.random.Generator, group: np.ndarray) -> tuple[np.ndarray, ...]:
        """trait, mediator and outcome of people with group codes (n,), -1 alone in the control arm."""
        inside = group >= 0
        t = inside.astype(float)
        count = int(group.max()) + 1
        u = rng.normal(size=count) * self.spread
        v = u if self.correlated else rng.normal(size=count) * self.spread
        own_u, own_v = (np.where(inside, e[np.maximum(group, 0)], 0.0) for e in (u, v))
        x = (rng.random(len(group)) < 0.5).astype(float)
        m = self.a * t + TRAIT * x + own_u + rng.normal(size=len(group))
        eta = C * t + B * m + TRAIT * x + own_v
        if self.outcome == "binary":
            return x, m, (rng.random(len(group)) < expit(eta - 0.5)).astype(float)
        return x, m, eta + rng.normal(size=len(group))

    def trial(self, groups: int, rng: np.random.Generator) -> tk.Trial:
        sizes = np.resize([6, 8, 10, 12, 14], groups)
        group = np.concatenate([np.repeat(np.arange(groups), sizes), np.full(int(sizes.sum()), -1)])
        x, m, y = self.draw(rng, group)
        y[rng.random(len(y)) < np.where(x == 1, 0.15, 0.25)] = np.nan
        data = pd.DataFrame({"x": x, "m": m, "y": y, "group": np.where(group >= 0, group, np.nan)})
        data["arm"] = np.where(group >= 0, "peer", "alone")
        return tk.Trial(data, arm="arm", control="alone", group="group")


@cache
def truths(world: World) -> tuple[float, float]:
    """The average ACME with the group effects of the outcome held apart from those of the mediator, and what the regressions tend to."""
    pooled = B
    if world.correlated:
        pooled = B + world.spread**2 / (world.spread**2 + 1)
    if world.outcome == "linear":
        return world.a * B, world.a * (B + pooled) / 2
    nodes, shares = np.polynomial.hermite_e.hermegauss(40)
    shares = shares / shares.sum()
    mean = np.zeros((2, 2))
    for t in (0, 1):
        for s in (0, 1):
            spread = np.sqrt(1 + (world.spread**2 if s else 0.0))
            for x in (0.0, 1.0):
                m = world.a * s + TRAIT * x + spread * nodes
                v = (world.spread if t else 0.0) * nodes
                mean[t, s] += 0.5 * shares @ expit(C * t + B * m[:, None] + TRAIT * x - 0.5 + v) @ shares
    own = float((mean[0, 1] - mean[0, 0] + mean[1, 1] - mean[1, 0]) / 2)
    return own, _limit(world)


def _limit(world: World) -> float:
    """The ACME of the fitted models in a trial of a million people in each arm."""
    rng = np.random.default_rng(5)
    people = 1_000_000
    group = np.concatenate([np.arange(people) // 10, np.full(people, -1)])
    x, m, y = world.draw(rng, group)
    t = (group >= 0).astype(float)
    of_mediator = np.linalg.lstsq(np.column_stack([np.ones(len(t)), t, x]), m, rcond=None)[0]
    design = np.column_stack([np.ones(len(t)), t, x, m, t * m])
    of_outcome = weighted_fits(y=y, X=design, kind="logistic", weights=np.ones((1, len(y))), start=np.zeros(5))[0]
    sigma = np.std(m - np.column_stack([np.ones(len(t)), t, x]) @ of_mediator)
    nodes, shares = np.polynomial.hermite_e.hermegauss(40)
    mean = np.zeros((2, 2))
    for arm in (0, 1):
        for s in (0, 1):
            for trait in (0.0, 1.0):
                at = of_mediator @ [1, s, trait] + sigma * nodes
                eta = of_outcome[0] + of_outcome[1] * arm + of_outcome[2] * trait + (of_outcome[3] + of_outcome[4] * arm) * at
                mean[arm, s] += 0.5 * expit(eta) @ shares / shares.sum()
    return float((mean[0, 1] - mean[0, 0] + mean[1, 1] - mean[1, 0]) / 2)


class Merged:
    """A problem of which people with equal covariates are averaged once: the same effects in a fraction of the time."""

    def __init__(self, problem: NonlinearProblem):
        self.problem = problem
        law = problem.law_m.X
        rows, first, code = np.unique(law, axis=0, return_index=True, return_inverse=True)
        self.member = np.eye(len(rows))[code.reshape(-1)]
        self.laws = {
            "mediator": replace(problem.law_m, X=law[first]),
            "outcome": replace(problem.law_y, X=problem.law_y.X[first]),
        }

    def parameters(self):
        return self.problem.parameters()

    def effects(self, parameters):
        p = self.problem
        k = len(p.mediator.centring)
        sigma = np.full(len(parameters), p.mediator.regression.sigma)
        return self._of(parameters[:, :k], sigma, parameters[:, k:], p.weights @ self.member)

    def resampled(self, weights):
        p = self.problem
        own = weights[:, p.unit] * p.weights
        start = p.parameters_at()
        theta, sigma = p.mediator.refit(own, start[0])
        return self._of(theta, sigma, p.outcome.refit(own, start[1])[0], own @ self.member)

    def _of(self, theta_m, sigma, theta_y, weights):
        means = nested_means(**self.laws, theta_m=theta_m, sigma=sigma, theta_y=theta_y, weights=weights)
        return effects_of_means(means, self.problem.scale)


def problem_of(trial: tk.Trial) -> tuple[LinearProblem | NonlinearProblem, mediate.Sample, np.ndarray]:
    """What tk.mediate(trial, 'y', mediator='m', adjust=['x']) fits, and its effects."""
    s, m, _ = mediate._sample(trial, "y", "m", ("x",), None, "impute")
    X, terms, _ = mediate._covariates(trial, s)
    models = choose(trial, "y", "m", None, "auto", "auto")
    _, unit = np.unique(s.unit_of_variance, return_inverse=True)
    problem = fitted(
        models, s, m, X, terms, unit.reshape(-1).astype(np.int64), mediator="m", interaction=True, covariance="auto", trial=trial, outcome="y", tau=None
    )  # fmt: skip
    return problem, s, problem.effects(problem.parameters().estimate[None, :])[0]


def intervals(trial: tk.Trial, seed: int, *, draws: int = DRAWS) -> tuple[float, dict[str, tuple[float, float]]]:
    """The ACME and its interval by each method; both bootstrap intervals are of the same draws."""
    problem, s, estimate = problem_of(trial)
    problem = Merged(problem) if isinstance(problem, NonlinearProblem) else problem
    carlo = inference._monte_carlo(problem, estimate, draws, seed, 0.95)
    code, cell = resampling_cells(arm=s.arm, stratum=s.stratum, unit=s.unit_of_variance)
    made = np.concatenate(
        [problem.resampled(w) for w in bootstrap_weights(cell=cell, n_draws=draws, seed=seed, people=len(code))]
    )
    left_out = problem.resampled(1.0 - np.eye(len(cell)))
    z0, a = bias_correction(estimate=estimate, draws=made), acceleration(left_out=left_out, cell=cell)
    plain = inference._of_draws(estimate, made, 0.95, "", None, None)
    bca = inference._of_draws(estimate, made, 0.95, "", z0, a)
    found = dict(zip(METHODS, (carlo, plain, bca), strict=True))
    return float(estimate[ACME]), {k: (float(r.conf_low[ACME]), float(r.conf_high[ACME])) for k, r in found.items()}


def one(world: World, groups: int, r: int) -> tuple[float, dict[str, tuple[float, float]]]:
    """Of replicate r, which has its own stream."""
    seed = [29, groups, int(world.icc * 100), int(world.a * 100), world.correlated, world.outcome == "binary", r]
    return intervals(world.trial(groups, np.random.default_rng(seed)), seed=r)


def cell(world: World, groups: int, replicates: int) -> list[dict[str, object]]:
    """Rows by method."""
    found = Parallel(n_jobs=JOBS)(delayed(one)(world, groups, r) for r in range(replicates))
    estimates = [estimate for estimate, _ in found]
    own, limit = truths(world)
    rows = []
    for k in METHODS:
        low, high = np.array([limits[k] for _, limits in found]).T
        coverage = float(((low <= own) & (own <= high)).mean())
        of_limit = float(((low <= limit) & (limit <= high)).mean())
        rows.append(
            {
                "outcome": world.outcome, "group_effects": world.kind, "icc": world.icc, "arm_on_mediator": world.a,
                "groups": groups, "method": k, "replicates": len(estimates), "acme": own, "bias": float(np.mean(estimates)) - own, "coverage": coverage,
                "coverage_of_limit": of_limit, "width": float(np.median(high - low)), "mc_error": mc_error(of_limit, len(estimates)),
                "inside_band": BAND[0] <= of_limit <= BAND[1],
            }
        )  # fmt: skip
    return rows


WORLDS = (
    World("linear", False, 0.1),
    World("linear", True, 0.1),
    World("linear", False, 0.3),
    World("linear", False, 0.1, a=0.0),
    World("binary", False, 0.1),
    World("binary", True, 0.1),
)


@pytest.mark.calibration
@pytest.mark.slow
def test_coverage_of_the_indirect_effect():
    columns = ("outcome", "group_effects", "icc", "arm_on_mediator", "groups")
    cells = {(w.outcome, w.kind, w.icc, w.a, g): (w, g, REPLICATES) for w in WORLDS for g in GROUPS}
    table = grid("mediation", columns, cells, cell, replicates=REPLICATES)
    carlo = table[table["method"] == "monte_carlo"]
    off = 3 * carlo["mc_error"].clip(lower=0.005)
    assert carlo["coverage_of_limit"].between(BAND[0] - off, BAND[1] + off).all()


@pytest.mark.parametrize("world", [World("linear", False, 0.1), World("binary", True, 0.1)], ids=str)
def test_the_batched_path_is_the_package(world):
    trial = world.trial(8, np.random.default_rng(3))
    estimate, found = intervals(trial, seed=4, draws=200)
    for method, how in {
        "monte_carlo": {"inference": "monte_carlo"},
        "percentile": {"inference": "group_bootstrap"},
        "bca": {"inference": "group_bootstrap", "interval": "bca"},
    }.items():
        e = tk.mediate(trial, "y", mediator="m", adjust=["x"], n_draws=200, seed=4, **how).effect("acme")
        assert estimate == pytest.approx(e.estimate, rel=1e-9)
        assert found[method] == pytest.approx((e.conf_low, e.conf_high), rel=1e-7, abs=1e-9)


def test_a_thin_version_of_the_coverage():
    """300 trials with 12 groups: Monte Carlo with CR2 within four Monte Carlo errors of 95 %."""
    rows = {r["method"]: r for r in cell(World("linear", False, 0.1), 12, 300)}
    assert abs(rows["monte_carlo"]["coverage"] - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 300)
    assert rows["monte_carlo"]["width"] > rows["percentile"]["width"] * 0.95
