"""Fixed effects of a longitudinal model, and contrasts of them.

With waves j and arms a, y_ij = m_j + sum_a g_aj 1[arm = a] + covariates and strata, one level m_j a wave. In a constrained model (cLDA) g is zero at
the wave before randomization: the arms share that mean. Covariates and strata are centred over the people analysed and have effects of their
own at every wave by default, so that m_j + g_aj is the mean of arm a at wave j for people like all of them, and g_aj the effect.
Source: Liang & Zeger (2000), Sankhya B 62; Liu, Lu, Mogg, Mallick & Mehrotra (2009), Statistics in Medicine 28 (cLDA).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trialkit.errors import EstimationError, NotIdentifiedError, shown
from trialkit.estimate.longitudinal.wave_sample import WaveSample
from trialkit.inference.arrays import FloatArray
from trialkit.inference.linear.least_squares import LeastSquares


@dataclass(frozen=True, slots=True)
class WaveDesign:
    """Columns (n, T, K) with their names; `level[j]` and `effect[a, j]` are the positions of m_j and g_aj."""

    columns: FloatArray
    names: tuple[str, ...]
    level: tuple[int, ...]
    effect: Mapping[tuple[int, int], int]

    def mean(self, arm: int, wave: int) -> FloatArray:
        """(K,) weights of the mean of an arm at a wave."""
        out = np.zeros(len(self.names))
        out[self.level[wave]] = 1.0
        if (arm, wave) in self.effect:
            out[self.effect[arm, wave]] = 1.0
        return out

    def difference(self, arm: int, reference: int, waves: Mapping[int, float]) -> FloatArray:
        """(K,) weights of the effect of one arm against another, weighted over waves."""
        return np.asarray(sum(w * (self.mean(arm, j) - self.mean(reference, j)) for j, w in waves.items()))

    def kept(self, weights: FloatArray, X: FloatArray, ols: LeastSquares) -> FloatArray:
        """Weights over the columns in the fit; X (N, K) are its rows.

        A column left out is a combination of kept ones: a contrast must not depend on how they share its effect.
        """
        dropped = np.flatnonzero(ols.collinear)
        scale = np.linalg.norm(X, axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        combination = np.linalg.lstsq(X[:, ols.kept] / scale[ols.kept], X[:, dropped] / scale[dropped], rcond=None)[0]
        share = weights / scale
        gap = np.abs(share[dropped] - combination.T @ share[ols.kept])
        guilty = [self.names[j] for j, g in zip(dropped, gap) if g > 1e-6 * np.abs(share).max()]
        if guilty:
            raise NotIdentifiedError(
                f"the effect of the arm cannot be told apart from {shown(guilty)}: in these data they carry the same information. "
                "Leave the covariate out of adjust, or the stratum out of strata."
            )
        return weights[ols.kept]


def wave_design(s: WaveSample, *, strata: str, stratum_names: Sequence[str], by_wave: bool) -> WaveDesign:
    """The columns of a model; strata are 'none', 'additive' or 'interacted' with the arms."""
    waves = np.broadcast_to(np.eye(s.waves), (s.n, s.waves, s.waves))
    parts, names = [waves], [f"wave {w}" for w in s.labels]
    effect: dict[tuple[int, int], int] = {}
    for a in range(1, len(s.arms)):
        inside = (s.arm == a).astype(float)
        for j in s.follow_ups:
            effect[a, j] = len(names)
            parts.append(waves[:, :, [j]] * inside[:, None, None])
            names.append(f"arm {s.arms[a]} x wave {s.labels[j]}")
    if strata != "none":
        indicators, labels = _indicators(s, stratum_names)
        _spread(parts, names, indicators, [f"stratum {x}" for x in labels], s, by_wave or strata == "interacted")
        if strata == "interacted":
            _check_cells(s, stratum_names)
            for a in range(1, len(s.arms)):
                for j in s.follow_ups:
                    parts.append(waves[:, :, [j]] * (indicators * (s.arm == a)[:, None])[:, None, :])
                    names += [f"arm {s.arms[a]} x stratum {x} x wave {s.labels[j]}" for x in labels]
    _spread(parts, names, s.X - s.X.mean(axis=0), list(s.terms), s, by_wave)
    return WaveDesign(np.concatenate(parts, axis=2), tuple(names), tuple(range(s.waves)), effect)


def _spread(
    parts: list[FloatArray], names: list[str], values: FloatArray, labels: list[str], s: WaveSample, by_wave: bool
) -> None:
    """Columns (n, k) at every wave: with one effect, or one a wave."""
    if not values.shape[1]:
        return
    if not by_wave:
        parts.append(np.broadcast_to(values[:, None, :], (s.n, s.waves, values.shape[1])))
        names += labels
        return
    for j, wave in enumerate(s.labels):
        at = np.zeros((s.n, s.waves, values.shape[1]))
        at[:, j] = values
        parts.append(at)
        names += [f"{x} x wave {wave}" for x in labels]


def _indicators(s: WaveSample, names: Sequence[str]) -> tuple[FloatArray, list[str]]:
    """Stratum indicators but the first present, centred over the people analysed."""
    assert s.stratum is not None
    present = np.unique(s.stratum)
    indicators = (s.stratum[:, None] == present[1:]).astype(float)
    return indicators - indicators.mean(axis=0), [names[k] for k in present[1:]]


def _check_cells(s: WaveSample, names: Sequence[str]) -> None:
    """Effects by stratum need two people of every arm in every stratum at every wave."""
    assert s.stratum is not None
    for j in s.follow_ups:
        for k in np.unique(s.stratum):
            for a, label in enumerate(s.arms):
                count = int((s.seen[:, j] & (s.stratum == k) & (s.arm == a)).sum())
                if count < 2:
                    raise EstimationError(
                        f"stratum '{names[k]}' has {count} {'person' if count == 1 else 'people'} of arm {label!r} at wave {s.labels[j]!r}: an effect per "
                        "stratum needs two of each arm. Merge small strata, or use strata_effects='additive' (an overlap-weighted effect)."
                    )
