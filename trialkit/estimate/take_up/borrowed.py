"""The reduced form where strata hold one group (cluster) of an arm: the variance that its covariance does not see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trialkit.estimate.linear.linear_model import LinearModel
from trialkit.estimate.linear.working import working_covariance
from trialkit.inference.arrays import FloatArray
from trialkit.inference.linear.small_sample import WorkingCovariance
from trialkit.inference.take_up.instruments import ReducedForm, TwoStage


def with_borrowed(form: ReducedForm, fits: TwoStage, reduced: LinearModel, d: FloatArray) -> ReducedForm:
    """Covariances of the effects on y and on d with what `LinearModel.contrast` adds for such strata, so that one instrument's
    Anderson-Rubin test of no effect is the test of the intention-to-treat effect.

    That of y with d is half of what the sum of the two (in units of their residual SDs) has beyond both.
    """
    unit = np.eye(len(reduced.fit.kept))[fits.instruments]
    if reduced.working is None or not any(reduced.borrows(c) for c in unit):
        return form
    spread = [float(np.sqrt(np.mean(f.residuals**2))) for f in (fits.reduced, fits.first)]
    on_y = _unseen(fits, reduced, reduced.working)
    if spread[1] <= 1e-10 * max(float(np.abs(d).max()), 1e-300):  # assignment decides uptake: nothing varies
        return replace(form, cov_y=form.cov_y + on_y)
    scale = spread[0] / spread[1]
    of_d, of_sum = (working_covariance(replace(reduced.sample, y=v), reduced.fit.X) for v in (d, reduced.sample.y + scale * d))
    if of_d is None or of_sum is None:
        return replace(form, cov_y=form.cov_y + on_y)
    on_d, on_sum = (_unseen(fits, reduced, w) for w in (of_d, of_sum))
    cross = (on_sum - on_y - scale**2 * on_d) / (2 * scale)
    return ReducedForm(form.effect, form.cov_y + on_y, form.cov_yd + cross, form.cov_d + on_d)


def _unseen(fits: TwoStage, reduced: LinearModel, working: WorkingCovariance) -> FloatArray:
    """(m, m) covariance of the instruments' coefficients that the robust one misses in the mean; quadratic in the contrast."""
    unit = np.eye(len(reduced.fit.kept))[fits.instruments]
    own = np.array([reduced.unseen(c, working) for c in unit])
    out = np.diag(own)
    for i in range(len(unit)):
        for j in range(i):
            out[i, j] = out[j, i] = (reduced.unseen(unit[i] + unit[j], working) - own[i] - own[j]) / 2
    return out
