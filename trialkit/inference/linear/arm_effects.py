"""Effects of arms over many assignments at once, with the covariances that studentize them.

Everything a randomization test needs is linear in the outcome given the assignment, so several targets (the outcome, the observed
treatment) go through one pass: effects (B, A, m) of A treated arms against arm 0, for m targets and B assignments. The covariance of
effect a of target k with effect b of target l is a sum over people or groups of products of scores; a contrast of arms and any
outcome y - tau z take theirs from it.

Two estimators: means of arms weighted over blocks, with Neyman's variance (Hajek's when people have probabilities of their own), and
the least-squares coefficients of all arms given covariates, with HC2 or, by groups, CR2 factors 1/(1 - n_g/n_arm).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from trialkit.inference.arrays import FloatArray, IntArray

ArmArray: TypeAlias = "NDArray[np.signedinteger[Any]]"

CELLS = 400_000
SINGULAR = 1e-10


@dataclass(frozen=True, slots=True)
class ArmEffects:
    """Effects of the treated arms and their covariance.

    Attributes
    ----------
    effects : (B, A, m); NaN where an arm is empty or cannot be told from the covariates.
    covariance : (B, A, m, A, m), or None when not asked for.
    """

    effects: FloatArray
    covariance: FloatArray | None

    def contrast(self, arm: int, reference: int) -> tuple[FloatArray, FloatArray | None]:
        """(B, m) arm minus reference (codes; 0 is the control arm) and its (B, m, m) covariance."""
        value, spread = self.effects[:, arm - 1], self.covariance
        own = None if spread is None else spread[:, arm - 1, :, arm - 1]
        if reference == 0:
            return value, own
        value = value - self.effects[:, reference - 1]
        if spread is None or own is None:
            return value, None
        cross = spread[:, arm - 1, :, reference - 1]
        return value, own + spread[:, reference - 1, :, reference - 1] - cross - np.swapaxes(cross, 1, 2)


def mean_effects(
    *, targets: FloatArray, draws: ArmArray, n_arms: int, block: IntArray, studentize: bool, weights: FloatArray | None = None
) -> ArmEffects:
    """Differences in means, blocks weighted by their size.

    Parameters
    ----------
    targets : (n, m). draws : (B, n) arm codes 0..n_arms-1. block : (n,) codes.
    weights : (n, n_arms) inverse probabilities; the means and variances are then Hajek's.
    """
    m = targets.shape[1]
    upper = np.triu_indices(m)
    columns = {}
    for j in np.unique(block):
        inside = block == j
        t = targets[inside] - targets[inside].mean(axis=0)  # sums of squares lose no digits to a large mean
        for code in range(n_arms):
            w = np.ones(len(t)) if weights is None else weights[inside, code]
            columns[j, code] = _columns(t, w, upper, studentize)
    step = max(64, CELLS // draws.shape[1])
    parts = [_mean_chunk(draws[s : s + step], block, n_arms, columns, m, studentize) for s in range(0, len(draws), step)]
    mean = np.concatenate([p[0] for p in parts])
    effects = mean[:, 1:] - mean[:, :1]
    if not studentize:
        return ArmEffects(effects, None)
    spread = np.concatenate([p[1] for p in parts])
    covariance = np.broadcast_to(spread[:, :1, :, None, :], (len(draws), n_arms - 1, m, n_arms - 1, m)).copy()
    for a in range(n_arms - 1):
        covariance[:, a, :, a] += spread[:, a + 1]
    return ArmEffects(effects, covariance)


def _columns(t: FloatArray, w: FloatArray, upper: tuple[IntArray, ...], studentize: bool) -> FloatArray:
    """What is summed over the people of an arm: weights, weighted targets, and for the variance their squares and products."""
    out = [w[:, None], w[:, None] * t]
    if studentize:
        square = (w**2)[:, None]
        out += [np.ones((len(t), 1)), square, square * t, square * t[:, upper[0]] * t[:, upper[1]]]
    return np.hstack(out)


def _mean_chunk(
    draws: ArmArray, block: IntArray, n_arms: int, columns: Mapping[tuple[int, int], FloatArray], m: int, studentize: bool
) -> tuple[FloatArray, FloatArray]:
    mean, spread = np.zeros((len(draws), n_arms, m)), np.zeros((len(draws), n_arms, m, m))
    for j in np.unique(block):
        inside = block == j
        share = inside.sum() / len(block)
        part = draws if inside.all() else draws[:, inside]
        for code in range(n_arms):
            sums = (part == code).astype(float) @ columns[j, code]
            with np.errstate(divide="ignore", invalid="ignore"):
                centre = sums[:, 1 : 1 + m] / sums[:, :1]
                mean[:, code] += share * centre
                if studentize:
                    spread[:, code] += share**2 * _mean_variance(sums, centre, m)
    return mean, spread


def _mean_variance(sums: FloatArray, centre: FloatArray, m: int) -> FloatArray:
    """n/(n-1) sum w^2 (t - mean)(t - mean)' / (sum w)^2; for equal weights s^2/n."""
    upper = np.triu_indices(m)
    total, n, square = sums[:, 0], sums[:, 1 + m], sums[:, 2 + m]
    first, second = sums[:, 3 + m : 3 + 2 * m], np.zeros((len(sums), m, m))
    second[:, upper[0], upper[1]] = sums[:, 3 + 2 * m :]
    second[:, upper[1], upper[0]] = sums[:, 3 + 2 * m :]
    cross = first[:, :, None] * centre[:, None, :]
    about = second - cross - np.swapaxes(cross, 1, 2) + square[:, None, None] * centre[:, :, None] * centre[:, None, :]
    return np.asarray(about * (n / (n - 1) / total**2)[:, None, None])


def regression_effects(
    *, targets: FloatArray, draws: ArmArray, n_arms: int, basis: FloatArray, studentize: bool, groups: IntArray | None = None
) -> ArmEffects:
    """Least-squares coefficients of the treated arms given covariates.

    Parameters
    ----------
    targets : (n, m). draws : (B, n) arm codes 0..n_arms-1.
    basis : (n, r) orthonormal, spanning the constant, covariates and strata.
    groups : (B, n) group codes for the covariance, -1 for people alone; None for HC2.
    """
    residual = targets - basis @ (basis.T @ targets)
    columns = np.column_stack([basis, residual])
    leverage = np.einsum("ij,ij->i", basis, basis)
    step = max(16, CELLS // (draws.shape[1] * (n_arms - 1)))
    effects, spreads = [], []
    for start in range(0, len(draws), step):
        part = draws[start : start + step]
        Z = (part[:, None, :] == np.arange(1, n_arms)[:, None]).astype(float)
        products = Z @ columns
        projected = products[..., : basis.shape[1]]
        gram = _gram(Z, projected)
        slopes = np.linalg.solve(gram, products[..., basis.shape[1] :])
        effects.append(slopes)
        if studentize and groups is None and n_arms == 2:
            spreads.append(_two_arm_variances(Z[:, 0], projected[:, 0] @ basis.T, residual, leverage, gram[:, 0], slopes[:, 0]))
        elif studentize:
            partial = Z - projected @ basis.T
            influence = np.linalg.solve(gram, partial)
            left = residual.T - np.swapaxes(slopes, 1, 2) @ partial
            if groups is None:
                h = leverage + np.einsum("ban,ban->bn", influence, partial)
                left = left / np.sqrt(np.maximum(1 - h, 1e-12))[:, None, :]
            scores = (influence[:, :, None, :] * left[:, None, :, :]).reshape(len(part), -1, part.shape[1])
            if groups is not None:
                scores = group_scores(scores, part, groups[start : start + step], n_arms)
            spreads.append((scores @ np.swapaxes(scores, 1, 2)).reshape(len(part), *slopes.shape[1:], *slopes.shape[1:]))
    return ArmEffects(np.concatenate(effects), np.concatenate(spreads) if studentize else None)


def _two_arm_variances(
    z: FloatArray, fitted: FloatArray, residual: FloatArray, leverage: FloatArray, gram: FloatArray, slopes: FloatArray
) -> FloatArray:
    """HC2 covariances (b, 1, m, 1, m) with one treated arm: the general formula a row at a time, so that its arrays stay small."""
    partial = z - fitted
    left = [r - slopes[:, [k]] * partial for k, r in enumerate(residual.T)]
    partial *= partial
    rest = partial / gram
    rest += leverage
    np.subtract(1, rest, out=rest)
    np.maximum(rest, 1e-12, out=rest)
    partial /= rest
    out = np.empty((len(z), 1, len(left), 1, len(left)))
    for k, first in enumerate(left):
        weighted = partial * first
        for i, second in enumerate(left[: k + 1]):
            out[:, 0, k, 0, i] = out[:, 0, i, 0, k] = np.einsum("bn,bn->b", weighted, second) / gram[:, 0] ** 2
    return out


def _gram(Z: FloatArray, projected: FloatArray) -> FloatArray:
    """Cross-products of the arms given the basis; NaN where they cannot be told apart."""
    counts = Z.sum(axis=2)
    gram = -(projected @ np.swapaxes(projected, 1, 2))
    a = np.arange(Z.shape[1])
    gram[:, a, a] += counts
    scale = np.sqrt(np.maximum(counts, 1.0))
    relative = gram / (scale[:, :, None] * scale[:, None, :])
    smallest = relative[:, 0, 0] if len(a) == 1 else np.linalg.eigvalsh(relative)[:, 0]
    gram[smallest <= SINGULAR] = np.nan
    return gram


def group_scores(scores: FloatArray, draws: ArmArray, groups: IntArray, n_arms: int) -> FloatArray:
    """Sums (b, q, units) over groups, each times 1/sqrt(1 - n_g/n_arm); people alone count as groups of one."""
    b = len(draws)
    width = max(int(groups.max(initial=-1)) + 1, 1)
    rows = np.arange(b)[:, None]
    arm_size = np.stack([(draws == code).sum(axis=1) for code in range(n_arms)], axis=1)[rows, draws]
    member = groups >= 0
    index = (np.where(member, groups, 0) + rows * width)[member]
    size = np.bincount(index, minlength=b * width)
    of_arm = np.ones(b * width)
    of_arm[index] = arm_size[member]
    factor = 1 / np.sqrt(np.maximum(1 - size / of_arm, 1e-12))
    alone = np.where(member, 0.0, 1 / np.sqrt(1 - 1 / np.maximum(arm_size, 2)))
    sums = [np.bincount(index, weights=scores[:, q][member], minlength=b * width) * factor for q in range(scores.shape[1])]
    return np.concatenate([np.stack(sums, axis=1).reshape(b, width, -1).swapaxes(1, 2), scores * alone[:, None, :]], axis=2)
