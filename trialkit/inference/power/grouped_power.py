"""Power of the Welch-Satterthwaite test when the two arms' variances are estimated with few degrees of freedom.

The estimate is normal with variance V = vT + vC. The test divides it by the square root of wT + wC, wT ~ vT chi2_a/a and
wC ~ vC chi2_b/b, and refers it to t with the estimated df. With groups in one arm a = K - 1 and b = nC - 1.

- plug-in ("satterthwaite"): noncentral t with df V^2/(vT^2/a + vC^2/b). Too high when a is small: .01-.03 at K = 3.
- exact: given B = chi2_a/(chi2_a + chi2_b) ~ Beta(a/2, b/2) the estimated df and the ratio of the estimated to the pooled
  variance are fixed, and the statistic is a noncentral t with a + b df:

      power = E_B[ P(|T'| > t_df(B) sqrt((a+b) c(B)/V)) ],   c(B) = vT B/a + vC (1-B)/b,   df(B) = c^2/[(vT B/a)^2/a + (vC(1-B)/b)^2/b].

  The expectation is a trapezoidal sum over the logit of B, that of T' one over log S (noncentral.py).

Source: Welch (1938); Satterthwaite (1946); Roberts & Roberts (2005) for groups in one arm.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trialkit.inference.arrays import FloatArray
from trialkit.inference.power.noncentral import Alternative, Tails, chi_nodes, critical_value, given_scale, joined, one_sided

_DROP = 36.0
_STEP = 0.15
_BLOCK = 8
# A control arm without limit is one whose variance is known to nine digits.
_MOST_DF = 1e9


def satterthwaite_df(*, treated: Any, control: Any, df_treated: Any, df_control: Any) -> FloatArray:
    """Degrees of freedom of a variance treated + control whose parts are estimated with df_treated and df_control."""
    vt, vc, a, b = (np.asarray(x, dtype=float) for x in (treated, control, df_treated, df_control))
    return np.asarray((vt + vc) ** 2 / (vt**2 / a + vc**2 / b))


def exact_tails(
    *,
    effect: Any,
    treated: Any,
    control: Any,
    df_treated: Any,
    df_control: Any,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> Tails:
    """Rejections of the Welch-Satterthwaite test, exactly.

    Parameters
    ----------
    effect : true difference.
    treated, control : the two parts vT and vC of the variance of its estimate.
    df_treated, df_control : degrees of freedom with which they are estimated (need not be whole).
        All five broadcast against each other.

    Examples
    --------
    Ten groups of ten (ICC .1) against 78 single controls.

    >>> found = exact_tails(effect=0.5, treated=(0.1 + 0.9 / 10) / 10, control=1 / 78, df_treated=9, df_control=77)
    >>> round(float(found.power), 5)
    0.76533
    """
    arrays = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (effect, treated, control, df_treated, df_control)))
    shape, flat = arrays[0].shape, [x.reshape(-1) for x in arrays]
    flat[3], flat[4] = np.minimum(flat[3], _MOST_DF), np.minimum(flat[4], _MOST_DF)
    ncp = flat[0] / np.sqrt(flat[1] + flat[2])
    _, vt, vc, a, b = flat
    pieces = [_block_tails(ncp[i], vt[i], vc[i], a[i], b[i], alpha, alternative) for i in _blocks(len(ncp))]
    return one_sided(joined(pieces, ncp.reshape(shape)), alternative)


def _block_tails(
    ncp: FloatArray, vt: FloatArray, vc: FloatArray, a: FloatArray, b: FloatArray, alpha: float, alternative: Alternative
) -> list[FloatArray]:
    share, share_weights = _beta_nodes(a, b)
    part_t, part_c = vt[:, None] * share / a[:, None], vc[:, None] * (1 - share) / b[:, None]
    estimated = part_t + part_c
    df = satterthwaite_df(treated=part_t, control=part_c, df_treated=a[:, None], df_control=b[:, None])
    cut = critical_value(df, alpha, alternative) * np.sqrt((a + b)[:, None] * estimated / (vt + vc)[:, None])
    s, s_weights = chi_nodes(a + b, ncp, cut.max(axis=1))
    parts = given_scale(ncp[:, None, None], cut[:, :, None] * s[:, None, :])
    return [np.einsum("pij,pi,pj->p", part, share_weights, s_weights) for part in parts]


def _beta_nodes(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Nodes of B ~ Beta(a/2, b/2) and their weights, (points, nodes)."""
    low, high, count = _beta_span(a, b)
    p, half = (a / (a + b))[:, None], ((a + b) / 2)[:, None]
    x = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, count)
    weights = np.exp(-half * _distance(x, p))
    odds = p / (1 - p) * np.exp(x)
    return odds / (1 + odds), weights / weights.sum(axis=1, keepdims=True)


def _distance(x: FloatArray, p: FloatArray) -> FloatArray:
    """-log density of x = logit B - logit p, divided by (a + b)/2; zero at its mode x = 0, p = a/(a + b)."""
    return np.log1p(p * np.expm1(x)) - p * x


def _beta_span(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray, int]:
    """Where the density of the logit has fallen by exp(-36), by Newton steps from outside, and a number of nodes."""
    p, half = a / (a + b), (a + b) / 2
    ends = []
    for end in (-(2 * _DROP / a - np.log1p(-p) / p), (_DROP / half - np.log(p)) / (1 - p)):
        for _ in range(8):
            e = p * np.exp(end)
            end = end - (_distance(end, p) - _DROP / half) / (e / (1 - p + e) - p)
        ends.append(end)
    step = np.minimum(_STEP, 0.5 / np.sqrt(half * p * (1 - p)))
    return ends[0], ends[1], int(np.ceil(np.max((ends[1] - ends[0]) / step, initial=8.0))) + 1


def _blocks(count: int) -> list[slice]:
    """Short blocks, because the finest element of a block sets the nodes of all."""
    return [slice(i, i + _BLOCK) for i in range(0, max(count, 1), _BLOCK)]
