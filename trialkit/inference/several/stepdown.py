"""Step-down adjustment from the joint null distribution of a family, as drawn by a randomization or a bootstrap.

Hypotheses are taken from the most to the least extreme. The one at hand is compared, draw by draw, with the most extreme value
among itself and those not yet taken, so that dependence between outcomes is used:

- Romano & Wolf (2005, 2016): p_s = P(max over remaining of |t*| >= |t_s|);
- Westfall & Young (1993): p_s = P(min over remaining of p* <= p_s);

and the adjusted values never fall along the order. A sample of B draws gives (1 + #)/(1 + B), which is valid for any B (Phipson &
Smyth 2010); draws that enumerate every assignment give the sum of their probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray, IntArray

TIE_TOLERANCE = 1.5e-8


@dataclass(frozen=True, slots=True)
class StepDown:
    """Adjusted p-values of a family; leading axes are replicates.

    Attributes
    ----------
    p_adjusted : (..., S).
    order : (..., S) hypotheses from the most to the least extreme.
    share : (..., S) share of the draws (their probability) at or beyond each hypothesis' step, before monotonicity.
    std_error : (..., S) Monte Carlo error of p_adjusted; 0 when the draws are the whole set.
    n_draws : B.
    """

    p_adjusted: FloatArray
    order: IntArray
    share: FloatArray
    std_error: FloatArray
    n_draws: int


def romano_wolf(
    *, statistics: FloatArray, null: FloatArray, plus_one: bool = True, probabilities: FloatArray | None = None
) -> StepDown:
    """Step-down on the largest |statistic|.

    Parameters
    ----------
    statistics : (..., S) observed, two-sided. null : (..., B, S) the same statistics under the joint null, a row a draw.
    plus_one : count the observed assignment among the draws; False when they hold it.
    probabilities : (B,) of assignments that enumerate the whole set; no plus one then.

    Examples
    --------
    >>> import numpy as np
    >>> romano_wolf(statistics=np.array([2.0, 1.0]), null=np.array([[0.5, 1.5], [0.1, 0.2], [3.0, 0.0]])).p_adjusted.tolist()
    [0.5, 0.5]
    """
    bound = np.abs(statistics) * (1 - TIE_TOLERANCE)
    return _step_down(bound, np.abs(null), plus_one, probabilities)


def westfall_young(
    *, p: FloatArray, null: FloatArray, plus_one: bool = True, probabilities: FloatArray | None = None
) -> StepDown:
    """Step-down on the smallest p-value; `p` (..., S) and `null` (..., B, S) as in `romano_wolf`."""
    # smaller p is more extreme: the same steps on the negative scale
    return _step_down(-p * (1 + TIE_TOLERANCE), -null, plus_one, probabilities)


def _step_down(bound: FloatArray, null: FloatArray, plus_one: bool, probabilities: FloatArray | None) -> StepDown:
    order = np.argsort(-bound, axis=-1, kind="stable")
    taken = np.take_along_axis(null, order[..., None, :], axis=-1)
    remaining = np.maximum.accumulate(taken[..., ::-1], axis=-1)[..., ::-1]
    beyond = remaining >= np.take_along_axis(bound, order, axis=-1)[..., None, :]
    draws = null.shape[-2]
    if probabilities is not None:
        share = np.einsum("...bs,b->...s", beyond, probabilities / probabilities.sum())
        stepped, error = share, np.zeros_like(share)
    else:
        counts = beyond.sum(axis=-2)
        share = counts / draws
        stepped = (1 + counts) / (1 + draws) if plus_one else share
        error = np.sqrt(stepped * (1 - stepped) / draws)
    # the error belongs to the step whose value a hypothesis carries
    leader = _leaders(stepped)
    p = np.take_along_axis(stepped, leader, axis=-1)
    return StepDown(
        _restore(p, order), order, _restore(share, order), _restore(np.take_along_axis(error, leader, axis=-1), order), draws
    )


def _leaders(stepped: FloatArray) -> IntArray:
    """Position of the largest value so far, along the last axis."""
    highest = np.maximum.accumulate(stepped, axis=-1)
    own = np.where(stepped >= highest, np.arange(stepped.shape[-1]), 0)
    return np.maximum.accumulate(own, axis=-1)


def _restore(values: FloatArray, order: IntArray) -> FloatArray:
    out = np.empty_like(values)
    np.put_along_axis(out, order, values, axis=-1)
    return out
