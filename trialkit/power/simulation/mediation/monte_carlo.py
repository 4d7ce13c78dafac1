"""Monte Carlo intervals of acme and total with joint CR2 covariance and df, for many replicates: `tk.mediate(inference="monte_carlo")`.

Parameters of the two models are m0, a, the slopes and the arm's effect c at the mean of the mediator. That mean moves with the true a, so the contrast of c and with it
its standard error and df belong to one true effect; all others serve every effect (paths.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.power.simulation.mediation.paths import Inferred, Paths, TruePaths, inferred
from trialkit.power.simulation.mediation.regression import Contrasted, Units, contrasted, strata_of_mediator, strata_of_outcome

PARAMETERS = 100_000


@dataclass(frozen=True, slots=True)
class MonteCarlo:
    """Both models of R replicates without an effect, up to their inference."""

    units: Units
    m: FloatArray
    interaction: bool
    mediator: Contrasted
    outcome: Contrasted
    origins: FloatArray

    @property
    def spoilt(self) -> BoolArray:
        """(R,) replicates that one at a time have rules of their own: groups fitted exactly."""
        return self.mediator.spoilt | self.outcome.spoilt


def units_of(*, t: FloatArray, X: FloatArray, unit: IntArray, group: IntArray | None, clustered: bool) -> Units:
    """Rows sorted by unit codes 0..S-1; `group` (n,) for a working covariance of groups in some arms."""
    order = np.argsort(unit, kind="stable").astype(np.int64)
    sizes = np.bincount(unit).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    t = t[order]
    return Units(
        t, X[order], order, starts, sizes, t[starts].astype(np.int64), None if group is None else group[order], clustered
    )


def fits(units: Units, m: FloatArray, y: FloatArray, true: tuple[TruePaths, ...], *, interaction: bool) -> MonteCarlo:
    """Both regressions of m and y (R, n), made without an effect, in the order of the people; c at the mean of the mediator under each of `true`."""
    m, y = m[:, units.order], y[:, units.order]
    n, k = units.X.shape
    base = np.column_stack([np.ones(n), units.t, units.X])
    of_m = np.zeros((1, 2 + k, 2))
    of_m[0, :, 0] = [1.0, 0.0, *units.X.mean(axis=0)]
    of_m[0, 1, 1] = 1.0
    strata = None if units.group is None else strata_of_mediator(units, base, m)
    mediator = contrasted(units, base[None], m, of_m, strata)
    added = [m[..., None], (units.t * m)[..., None]][: 1 + interaction]
    design = np.concatenate([np.broadcast_to(base, (len(m), *base.shape)), *added], axis=-1)
    origins = np.stack([m.mean(axis=1) + p.a * units.t.mean() for p in true])
    size = design.shape[-1]
    of_y = np.zeros((len(m), size, 1 + interaction + len(true)))
    of_y[:, 2 + k, : 1 + interaction] = 1.0
    for j, (p, origin) in enumerate(zip(true, origins)):
        at = 1 + interaction + j
        of_y[:, 1, at] = 1.0
        of_y[:, 2 + k, at] = -p.a
        if interaction:
            of_y[:, 3 + k, at] = origin - p.a
    if interaction:
        of_y[:, 3 + k, 1] = 1.0
    second = None if strata is None else strata_of_outcome(units, base, m, y, strata, interaction=interaction)
    return MonteCarlo(units, m, interaction, mediator, contrasted(units, design, y, of_y, second), origins)


def normals(n_draws: int, parameters: int, seed: int) -> FloatArray:
    """(B, P) independent normals of inference/mediation/draws.py."""
    raw = np.random.PCG64(np.random.SeedSequence(seed)).random_raw(n_draws * parameters)
    uniform = ((np.asarray(raw, dtype=np.uint64) >> np.uint64(11)).astype(float) + 0.5) * 2.0**-53
    return np.asarray(special.ndtri(uniform).reshape(n_draws, parameters))


def intervals(found: MonteCarlo, true: tuple[TruePaths, ...], *, n_draws: int, seed: int, conf_level: float) -> list[Inferred]:
    """Acme and total of every replicate under each of the true paths."""
    z = normals(n_draws, 4 + found.interaction, seed)
    chunk = max(1, PARAMETERS // n_draws)
    replicates = len(found.m)
    out = []
    for j, p in enumerate(true):
        parts = [
            _intervals(found, p, j, slice(i, min(i + chunk, replicates)), z, conf_level) for i in range(0, replicates, chunk)
        ]
        out.append(Inferred(*(np.concatenate([getattr(x, f) for x in parts], axis=1) for f in Inferred.__dataclass_fields__)))
    return out


def _intervals(found: MonteCarlo, p: TruePaths, j: int, part: slice, z: FloatArray, conf_level: float) -> Inferred:
    slopes = 1 + found.interaction
    kept = [*range(slopes), slopes + j]
    left, right = found.mediator, found.outcome
    # m0 and the mean of the mediator are the true paths' own; c is at that mean already
    estimate = np.concatenate([left.estimate[part], right.estimate[part][:, kept]], axis=1)
    estimate[:, 0] -= found.origins[j, part]
    estimate[:, 1] += p.a
    estimate[:, 2 : 2 + slopes] += p.b
    estimate[:, -1] += p.direct
    scores = np.concatenate([left.scores[part], right.scores[part][..., kept]], axis=-1)
    df = np.concatenate([left.df[part], right.df[part][:, kept]], axis=1)
    cov = np.swapaxes(scores, -1, -2) @ scores
    se = np.sqrt(np.diagonal(cov, axis1=1, axis2=2))
    values, vectors = np.linalg.eigh(cov / (se[:, :, None] * se[:, None, :]))
    root = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
    rotated = z @ np.swapaxes(root, -1, -2)
    tails = special.stdtrit(df[:, None, :], special.ndtr(-np.abs(rotated)))
    drawn = estimate[:, None, :] - np.sign(rotated) * tails * se[:, None, :]
    return inferred(_effects(estimate[:, None, :])[..., 0], _effects(drawn), conf_level)


def _effects(parameters: FloatArray) -> FloatArray:
    """(2, R, B) acme and total at parameters (R, B, P) of the models with the effect in."""
    m0, a, b0, b1, c = (parameters[..., i] for i in (0, 1, 2, -2, -1))
    return Paths(m0, a, b0, b1, c).effects(TruePaths(0.0, 0.0, 0.0))
