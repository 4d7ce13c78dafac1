"""Standard error and degrees of freedom of an estimate from values of people that sum to its error: people, groups or clusters as units.

- Without strata: means of the values by arm as a regression, CR2 (HC2) with factors 1/(1 - n_u/n_arm), df under the grouped working covariance.
- Strata, people alone: the same by cell of stratum and arm.
- Strata with groups or clusters: values of a score are shrunk in each stratum (the stratum's own baseline takes part of a group's effect away), so
  sums over units understate what they vary. Each unit's sum is then replaced by the change of the estimate when the unit is left out,
  times 1 - n_u/n_arm. Where a stratum holds a single cluster of some arm the strata are the units.

Simulated: docs/calibration/survival.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from trialkit.errors import CombinationError, GroupError
from trialkit.estimate.outcomes.linearized import Linearized, by_arm
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.survival.cox import CoxFit
from trialkit.inference.survival.leverage import adjusted_dfbeta
from trialkit.results import Note
from trialkit.trial import ALONE

LeftOut = Callable[[IntArray], FloatArray]
LARGE_CELL = 20
FEW_STRATA = 4


def adjusted_values(s: Sample, fit: CoxFit, vector: FloatArray) -> FloatArray:
    """(n,) adjusted dfbeta, with the factor 1/(1 - n_u/n) of the baseline in place of the 1/(1 - n_u/n_arm) that `by_arm` puts in."""
    size = _unit_sizes(s)
    return np.asarray(
        (vector @ adjusted_dfbeta(fit, s.unit_of_variance)) * np.sqrt((1 - size / _arm_sizes(s)) / (1 - size / s.n))
    )


def _arm_sizes(s: Sample) -> FloatArray:
    """(n,) the number of people in each person's arm."""
    return np.bincount(s.arm, minlength=len(s.arms))[s.arm].astype(float)


def _unit_sizes(s: Sample) -> FloatArray:
    """(n,) the number of people in each person's unit."""
    _, codes, sizes = np.unique(s.unit_of_variance, return_inverse=True, return_counts=True)
    return sizes[codes.reshape(-1)].astype(float)


def spread(s: Sample, values: FloatArray, stratum: IntArray | None, left_out: LeftOut, *, df: str) -> Linearized:
    """Spread of the sum of `values` (n,).

    Parameters
    ----------
    stratum : (n,) codes when the strata are part of the estimate, else None.
    left_out : function of a unit code a person (n,), -1 for people who are not to be left out, that gives for each code the estimate less the
        estimate without that unit's people.
    df : 'auto', 'working' or 'independence'.
    """
    if stratum is None:
        return by_arm(s, values, df=df)
    if not s.clustered:
        if df == "working":
            raise CombinationError("df='working' is for groups that exist in some arms only (group=): use df='independence'.")
        return _by_cell(s, values, stratum)
    if s.cluster is not None and _lone_clusters(s, stratum):
        return _by_stratum(values, stratum)
    return by_arm(s, _replaced(s, values, left_out), df=df)


def small_strata(s: Sample, stratum: IntArray | None) -> bool:
    """Whether people are alone and some stratum has too few of an arm for a variance within cells."""
    return stratum is not None and not s.clustered and int(_cells(s, stratum)[1].min()) < LARGE_CELL


def _cells(s: Sample, stratum: IntArray) -> tuple[IntArray, IntArray]:
    """(n,) cell of each person, and (cells,) their sizes; strata without one of the arms say nothing and count too."""
    _, cell, sizes = np.unique(stratum * len(s.arms) + s.arm, return_inverse=True, return_counts=True)
    return cell.reshape(-1), sizes


def _by_cell(s: Sample, values: FloatArray, stratum: IntArray) -> Linearized:
    """HC2 and Bell-McCaffrey df of means by cell, which for cells are sums of squares; cells of one person say nothing."""
    cell, sizes = _cells(s, stratum)
    free = np.maximum(sizes - 1.0, 1.0)
    centred = values - (np.bincount(cell, weights=values) / sizes)[cell]
    influence = centred * np.sqrt(sizes / free)[cell]
    first = np.unique(cell, return_index=True)[1]
    share = sizes / _arm_sizes(s)[first] ** 2
    df = float(share.sum() ** 2 / (share**2 / free).sum())
    text = "some strata have few people of an arm, where HC2 is too small: covariance='classical' holds there when hazards are proportional."
    notes = (Note("small_strata", text),) if int(sizes.min()) < LARGE_CELL else ()
    return Linearized(float(values.sum()), math.sqrt(float(influence @ influence)), df, influence, "HC2", notes)


def _lone_clusters(s: Sample, stratum: IntArray) -> bool:
    cell, sizes = _cells(s, stratum)
    return any(len(np.unique(s.unit_of_variance[cell == c])) < 2 for c in range(len(sizes)))


def _by_stratum(values: FloatArray, stratum: IntArray) -> Linearized:
    """The sums of strata are independent and whole: no part of one is taken by another."""
    _, codes = np.unique(stratum, return_inverse=True)
    codes = codes.reshape(-1)
    sums = np.bincount(codes, weights=values)
    count = len(sums)
    if count < FEW_STRATA:
        raise GroupError(
            f"some of the {count} strata have a single cluster of an arm, so the strata are the units of the variance, and {count} are too few. "
            "Merge strata, or say strata_effects='none'."
        )
    factor = math.sqrt(count / (count - 1))
    spread_of = factor * math.sqrt(float(sums @ sums))
    text = f"some strata have a single cluster of an arm: the {count} strata are the units of the variance."
    notes = (Note("strata_are_units", text),)
    per_person = factor * sums[codes] / np.bincount(codes)[codes]
    return Linearized(float(values.sum()), spread_of, float(count - 1), per_person, "CR2 by stratum", notes)


def _replaced(s: Sample, values: FloatArray, left_out: LeftOut) -> FloatArray:
    """Values whose sums over groups (clusters) are the changes of the estimate without them, times 1 - n_u/n_arm."""
    unit = s.group if s.cluster is None else s.cluster
    present, codes = np.unique(unit[unit != ALONE], return_inverse=True)
    whole = np.full(s.n, ALONE, dtype=np.int64)
    whole[unit != ALONE] = codes.reshape(-1)
    change = left_out(whole)
    members = whole != ALONE
    code = whole[members]
    size = np.bincount(code, minlength=len(present))
    sums = np.bincount(code, weights=values[members], minlength=len(present))
    share = size[code] / _arm_sizes(s)[members]
    out = values.copy()
    out[members] += (change[code] * (1 - share) - sums[code]) / size[code]
    return out
