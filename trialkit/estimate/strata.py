"""Strata of the randomization: are the arms' shares equal across them, and which columns carry them."""

from __future__ import annotations

import numpy as np

from trialkit.errors import EstimationError
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.trial import Trial

UNEQUAL_P = 0.01


def strata_codes(trial: Trial) -> IntArray:
    return trial.codes(*trial.strata)


def strata_names(trial: Trial) -> list[str]:
    """Label of each stratum code, 'agency=A, sex=f'."""
    codes = strata_codes(trial)
    first = [int(np.flatnonzero(codes == s)[0]) for s in range(int(codes.max()) + 1)]
    return [", ".join(f"{name}={trial.data[name].iloc[i]}" for name in trial.strata) for i in first]


def shares_differ(trial: Trial) -> bool:
    """Whether arms' shares differ by stratum more than rounding and chance explain, among everyone randomized.

    With a design its probabilities decide. Without one the shares are equal when every count lies within one unit of its stratum's size times the overall share (exact allocation), or when a
    chi-square test of homogeneity has p >= .01 (simple randomization). Units are clusters when clusters were randomized.
    The rule looks at assignments only, never at outcomes. Where it errs towards 'equal', overlap weights are nearly the
    sample's; where it errs towards 'differ', the interacted regression is still valid.
    """
    from scipy import stats  # slow to import, and most calls of the package do without it

    codes, arm = strata_codes(trial), trial.arm_codes
    if trial.design is not None:
        return _probabilities_differ(trial, codes)
    if trial.cluster is not None:
        _, first = np.unique(trial.codes(trial.cluster), return_index=True)
        codes, arm = codes[first], arm[first]
    table = np.zeros((int(codes.max()) + 1, len(trial.arms)))
    np.add.at(table, (codes, arm), 1)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    if np.all(np.abs(table - expected) <= 1.0 + 1e-9):
        return False
    chisq = float(((table - expected) ** 2 / expected).sum())
    df = (table.shape[0] - 1) * (table.shape[1] - 1)
    return bool(df > 0 and stats.chi2.sf(chisq, df) < UNEQUAL_P)


def _probabilities_differ(trial: Trial, codes: IntArray) -> bool:
    """With a design the declared probabilities decide, by the mean of each stratum."""
    p = trial.design.probability_matrix[trial.places]
    means = np.array([p[codes == s].mean(axis=0) for s in range(int(codes.max()) + 1)])
    return bool(np.ptp(means, axis=0).max() > (1e-9 if trial.design.probabilities_exact else 0.05))


def centred_indicators(sample: Sample, names: list[str]) -> tuple[FloatArray, list[str]]:
    """Stratum indicators but the first present, centred at their (weighted) mean in the sample."""
    assert sample.stratum is not None
    present = np.unique(sample.stratum)
    indicators = (sample.stratum[:, None] == present[1:]).astype(float)
    return centred(indicators, sample.weights), [names[s] for s in present[1:]]


def centred(columns: FloatArray, weights: FloatArray | None) -> FloatArray:
    return columns - np.average(columns, axis=0, weights=weights) if columns.shape[1] else columns


def check_cells(sample: Sample, names: list[str], remedy: str) -> None:
    """An interacted regression needs two people of every arm in every stratum."""
    assert sample.stratum is not None
    for s in np.unique(sample.stratum):
        for code, label in enumerate(sample.arms):
            count = int(((sample.stratum == s) & (sample.arm == code)).sum())
            if count < 2:
                raise EstimationError(
                    f"stratum '{names[s]}' has {count} {'person' if count == 1 else 'people'} of arm {label!r} with '{sample.outcome}': an effect per stratum "
                    f"needs two of each arm. {remedy}"
                )
