"""Effects with the mediator's slope corrected for the measurement error of the mediator.

With M = true mediator + error, the error independent of everything, and reliability r = var(true)/var(M), the arm's effect a on M is right, but slopes of the
outcome on M are too small by the reliability that is left given arm and covariates,

    r_c = 1 - (1 - r) var(M) / s_e^2,

s_e^2 the residual variance of M. Corrected: b_t / r_c, acme_t = a b_t / r_c; the total needs no mediator, so what the indirect effect gains the direct effect loses.
Source: Fuller (1987), Measurement Error Models, section 1.2; Hoyle & Kenny (1999), on the size of it in mediation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trialkit.errors import NotIdentifiedError, UsageError
from trialkit.estimate.mediation.evidence import NaturalEffects
from trialkit.estimate.mediation.linear_parameters import (
    AfterCovariance,
    chosen_covariance,
    delta_rows,
    linear_evidence,
    linear_parameters,
)
from trialkit.inference.arrays import FloatArray
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Note, Result

EFFECTS = ("acme_control", "acme_treated", "acme", "ade_control", "ade_treated", "ade", "total")


@dataclass(frozen=True)
class DisattenuatedResult(Result):
    """Effects with a mediator free of error; `.conditional_reliability` is what arm and covariates leave of the reliability."""

    kind = "mediation_disattenuated"

    @property
    def conditional_reliability(self) -> float:
        return float(self.details["conditional_reliability"])

    def _title(self) -> str:
        d = self.details
        return (
            f"Mediation through '{d['mediator']}' free of measurement error: reliability {number(float(d['reliability']))}, given arm and covariates "
            f"{number(self.conditional_reliability)}"
        )


@explained
def disattenuated(
    result: NaturalEffects,
    reliability: float,
    *,
    reliability_se: float = 0.0,
    covariance: AfterCovariance = "auto",
    conf_level: float | None = None,
) -> DisattenuatedResult:
    """Effects corrected for the unreliability of the mediator; reached as `result.disattenuated(0.8)`.

    Parameters
    ----------
    result : of `mediate` with two linear models.
    reliability : of the mediator as used, among the people analysed: omega or alpha of the scale (`tk.measurement.reliability`), between 0 and 1. That of a published
        sample holds here only if people vary as much.
    reliability_se : its standard error, which then enters those of the effects; 0 takes the reliability as known.
    covariance : of the coefficients, as in `four_way`. conf_level : by default that of the result.

    Returns
    -------
    DisattenuatedResult
        Rows acme_control, acme_treated, acme, ade_control, ade_treated, ade and total by the delta method.

    Raises
    ------
    NotIdentifiedError
        A reliability so low that arm and covariates explain more of the mediator than it has of true variation.
    UsageError, CombinationError
        A reliability outside 0 to 1, models that are not linear.

    Notes
    -----
    Correcting assumes that covariates are measured without error; an unreliable baseline of the mediator adjusts too little.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 100})
    >>> d["m1"] = 0.5 * (d["arm"] == "peer") + rng.normal(size=200)
    >>> d["y1"] = 0.6 * d["m1"] + rng.normal(size=200)
    >>> found = tk.mediate(tk.Trial(d, arm="arm", control="solo"), "y1", mediator="m1", inference="delta")
    >>> found.disattenuated(0.8).conditional_reliability < 0.8
    True
    """
    e = linear_evidence(result, "the correction for unreliability")
    if not 0 < reliability <= 1:
        raise UsageError(f"reliability={reliability} must lie above 0 and up to 1, such as the omega of the scale.")
    if not (reliability_se >= 0 and math.isfinite(reliability_se)):
        raise UsageError(f"reliability_se={reliability_se} must be zero or positive.")
    level = result.level(conf_level)
    w = np.ones(e.sample.n) if e.weights is None else e.weights
    centred = e.m - np.average(e.m, weights=w)
    n = e.sample.n
    # both with their own degrees of freedom, so that neither is too small by the number of covariates
    spread = float(np.average(centred**2, weights=w)) * n / (n - 1)
    left = float(np.average(e.mediator_residuals**2, weights=w)) * n / e.mediator_model.model.fit.df_resid
    share = spread / left
    conditional = 1 - (1 - reliability) * share
    if not conditional > 0:
        raise NotIdentifiedError(
            f"with a reliability of {reliability:g} nothing true is left of '{e.mediator}' once arm and covariates are known (they explain {1 - 1 / share:.2f} of it): the "
            "reliability is too low to be that of these data, or the covariates hold a copy of the mediator."
        )
    kind = chosen_covariance(e, covariance)
    found = linear_parameters(e, kind, origin=float(np.average(e.m, weights=e.weights)))
    effects, gradient = _corrected(found.estimate, conditional)
    cov = np.zeros((6, 6))
    cov[:5, :5], cov[5, 5] = found.cov, (share * reliability_se) ** 2
    df = np.append(found.df, math.inf)
    method = "delta method, mediator's slope disattenuated"
    rows = delta_rows(e, EFFECTS, effects, gradient, cov, df, level=level, method=method, covariance=kind)
    notes = [
        Note(
            "error_of_measurement",
            "the error of the mediator is taken as independent of arm, covariates and outcome, and covariates as free of error.",
        )
    ]
    if reliability_se == 0:
        notes.append(Note("reliability_known", "the reliability is taken as known: reliability_se= lets its uncertainty count."))
    details = {
        "mediator": e.mediator,
        "reliability": float(reliability),
        "conditional_reliability": conditional,
        "covariance": kind,
    }
    return DisattenuatedResult(rows, tuple(notes), details)


def _corrected(paths: FloatArray, r: float) -> tuple[FloatArray, FloatArray]:
    """(7,) effects and (7, 6) derivatives by m0, a, b0, b1, c and the reliability left, slopes divided by r; the total stays."""
    m0, a, b0, b1, c = paths
    g = b1 - b0
    zero = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    acme, of_acme = [], []
    for arm, b in enumerate((b0, b1)):
        row = list(zero)
        row[1], row[2 + arm], row[5] = b / r, a / r, -a * b / r**2
        acme.append(a * b / r)
        of_acme.append(row)
    total = c + b1 * (m0 + a) - b0 * m0
    of_total = [g, b1, -m0, m0 + a, 1.0, 0.0]
    first, second = np.array(of_acme)
    whole = np.array(of_total)
    effects = np.array(
        [acme[0], acme[1], (acme[0] + acme[1]) / 2, total - acme[1], total - acme[0], total - (acme[0] + acme[1]) / 2, total]
    )
    rows = np.array([first, second, (first + second) / 2, whole - second, whole - first, whole - (first + second) / 2, whole])
    return effects, rows
