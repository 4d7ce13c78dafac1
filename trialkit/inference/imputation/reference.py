"""What waves after drop-out would have been: mean and covariance of a person's waves under reference-based rules, and delta adjustment.

With mu and T of the person's own arm, mu_ref and R of the reference arm, 1 the waves up to the last observed and 2 those after it:

- mar: mu and T. cr (copy reference): mu_ref and R throughout. lmcf (last mean carried forward): mu_2 = mu at the last observed wave, T.
- j2r (jump to reference): mu_1 own, mu_2 of the reference. cir (copy increments in reference): mu_2j = mu_last + mu_ref,j - mu_ref,last.
- j2r and cir have S11 = T11, S21 = R21 R11^-1 T11, S22 = R22 - R21 R11^-1 (R11 - T11) R11^-1 R12: the past as in the own arm, the future given the past as
  in the reference arm.

A person without any observed wave follows the reference under cr, j2r and cir, the own arm under lmcf and mar. Missing waves before the last one
observed are drawn from the same joint distribution given what was observed. Source: Carpenter, Roger & Kenward (2013), Journal of
Biopharmaceutical Statistics 23, 1352-1371.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray

Rule = Literal["mar", "cr", "j2r", "cir", "lmcf"]


@dataclass(frozen=True, slots=True)
class Conditional:
    """Missing given observed waves: y_mis = mean_mis + (y_obs - mean_obs) slope + e, e of covariance `rest`.

    slope : (..., observed, missing). rest : (..., missing, missing).
    """

    slope: FloatArray
    rest: FloatArray


def rule_mean(*, rule: Rule, own: FloatArray, reference: FloatArray, last: int) -> FloatArray:
    """Means (or coefficients of means) of the J waves on the last axis; `last` counts the waves up to the last observed one.

    Examples
    --------
    >>> import numpy as np
    >>> own, reference = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.6, 0.9])
    >>> rule_mean(rule="cir", own=own, reference=reference, last=2).round(6).tolist()
    [1.0, 2.0, 2.3]
    """
    if rule == "mar" or last == own.shape[-1]:
        return reference.copy() if rule == "cr" else own.copy()
    if rule == "cr" or (last == 0 and rule in ("j2r", "cir")):
        return reference.copy()
    out = own.copy()
    if rule == "j2r":
        out[..., last:] = reference[..., last:]
    elif rule == "cir":
        out[..., last:] = own[..., last - 1 : last] + reference[..., last:] - reference[..., last - 1 : last]
    elif last > 0:
        out[..., last:] = own[..., last - 1 : last]
    return out


def rule_covariance(*, rule: Rule, own: FloatArray, reference: FloatArray, last: int) -> FloatArray:
    """Covariance (..., J, J) of the waves."""
    if rule == "cr" or (last == 0 and rule in ("j2r", "cir")):
        return reference.copy()
    if rule in ("mar", "lmcf") or last == own.shape[-1]:
        return own.copy()
    slope = np.linalg.solve(reference[..., :last, :last], reference[..., :last, last:])
    turned = np.swapaxes(slope, -1, -2)
    out = own.copy()
    out[..., last:, :last] = turned @ own[..., :last, :last]
    out[..., :last, last:] = np.swapaxes(out[..., last:, :last], -1, -2)
    out[..., last:, last:] = (
        reference[..., last:, last:] - turned @ (reference[..., :last, :last] - own[..., :last, :last]) @ slope
    )
    return out


def conditional(*, covariance: FloatArray, observed: BoolArray) -> Conditional:
    """Missing waves given the observed ones under a covariance (..., J, J); `observed` (J,)."""
    o, m = np.flatnonzero(observed), np.flatnonzero(~observed)
    across = covariance[..., o[:, None], m]
    slope = np.linalg.solve(covariance[..., o[:, None], o], across) if len(o) else across
    return Conditional(np.asarray(slope), np.asarray(covariance[..., m[:, None], m] - np.swapaxes(across, -1, -2) @ slope))


def last_observed(observed: BoolArray) -> IntArray:
    """(n,) number of waves up to the last observed one of (n, J)."""
    waves = observed.shape[1]
    return np.where(observed.any(axis=1), waves - np.argmax(observed[:, ::-1], axis=1), 0).astype(np.int64)


def delta_adjustment(*, delta: FloatArray, dlag: FloatArray, event: int) -> FloatArray:
    """(J,) amounts for the waves of a person whose first wave after the event is `event` (from 1; J + 1 for none).

    The increments delta_j dlag_(j - event + 1) add up from the event on (Roger 2017; as in the R package rbmi).

    Examples
    --------
    >>> import numpy as np
    >>> delta_adjustment(delta=np.array([5.0, 6.0, 7.0, 8.0]), dlag=np.array([1.0, 2.0, 3.0, 4.0]), event=2).tolist()
    [0.0, 6.0, 20.0, 44.0]
    """
    out = np.zeros(len(delta))
    after = len(delta) - event + 1
    if after > 0:
        out[event - 1 :] = np.cumsum(delta[event - 1 :] * dlag[:after])
    return out
