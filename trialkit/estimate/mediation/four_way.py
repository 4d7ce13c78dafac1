"""The effect of the arm in four parts: neither, interaction, mediation, both.

With m* a value at which the mediator is held, Y(t, m) the outcome there and M(t) the mediator in arm t,

    cde = E[Y(1, m*) - Y(0, m*)]                 controlled direct effect: neither mediation nor interaction,
    intref = pnde - cde                          reference interaction: interaction with the mediator that people have anyway,
    intmed = tnie - pnie                         mediated interaction: what the arm moves in the mediator and the slope it changes,
    pnie                                         pure indirect effect: mediation alone,

and cde + intref + intmed + pnie = te; pnde is ade_control, tnie acme_treated and pnie acme_control of `mediate`.
Source: VanderWeele (2014), Epidemiology 25(5), 749-761.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.errors import UsageError
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

PARTS = ("cde", "intref", "intmed", "pnie", "pnde", "tnie", "te")


@dataclass(frozen=True)
class FourWayResult(Result):
    """Rows cde, intref, intmed and pnie, which add up to te, and pnde and tnie; `.shares` the four parts of the total."""

    kind = "four_way"

    @property
    def shares(self) -> dict[str, float]:
        """Parts of the total, which add up to 1; a part below 0 or above 1 opposes or exceeds the rest. Not to be read where the total may be 0."""
        values = {e.estimand: e.estimate for e in self.estimates}
        return {k: values[k] / values["te"] if values["te"] else float("nan") for k in PARTS[:4]}

    def _title(self) -> str:
        d = self.details
        return f"Four-way decomposition of the effect on '{self.estimates[0].outcome}', '{d['mediator']}' held at {number(float(d['mediator_value']))} for cde"


@explained
def four_way(
    result: NaturalEffects, *, mediator_value: float, covariance: AfterCovariance = "auto", conf_level: float | None = None
) -> FourWayResult:
    """The effect of the arm in four parts; reached as `result.four_way(mediator_value=...)`.

    Parameters
    ----------
    result : of `mediate` with two linear models and the interaction of arm and mediator.
    mediator_value : m*, at which the mediator is held in the controlled direct effect: a value that people can have, such as the top of the scale. There is no
        default, because cde and the reference interaction depend on it.
    covariance : of the coefficients: 'classical'; 'models', the one that `mediate` was asked for; 'auto' is 'models' with groups or clusters and else 'classical', as
        in regmedint and the SAS macro. Standard errors by the delta method, with the covariates at their means.
    conf_level : by default that of the result.

    Returns
    -------
    FourWayResult
        `.tidy()` with rows cde, intref, intmed, pnie, pnde, tnie and te, and `.shares`.

    Raises
    ------
    CombinationError, UsageError
        Models that are not linear, no interaction, a result read from a file.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 100})
    >>> d["m1"] = 0.5 * (d["arm"] == "peer") + rng.normal(size=200)
    >>> d["y1"] = 0.6 * d["m1"] + rng.normal(size=200)
    >>> parts = tk.mediate(tk.Trial(d, arm="arm", control="solo"), "y1", mediator="m1", inference="delta").four_way(mediator_value=1.0)
    >>> abs(sum(parts.shares.values()) - 1) < 1e-12
    True
    """
    e = linear_evidence(result, "the four-way decomposition")
    if not e.interaction:
        raise UsageError(
            "without the interaction of arm and mediator two of the four parts are 0 by assumption: ask tk.mediate(..., interaction=True)."
        )
    if not np.isfinite(mediator_value):
        raise UsageError(f"mediator_value={mediator_value} must be a number, a value that the mediator can have.")
    level = result.level(conf_level)
    kind = chosen_covariance(e, covariance)
    found = linear_parameters(e, kind, origin=float(mediator_value))
    effects, gradient = decomposed(found.estimate)
    rows = delta_rows(e, PARTS, effects, gradient, found.cov, found.df, level=level, method="delta method", covariance=kind)
    notes = [
        Note(
            "sequential_ignorability",
            f"cde needs that nothing unmeasured moves both '{e.mediator}' and '{e.outcome}'; the other parts need as well that nothing the arm brings about does.",
        )
    ]
    low, high = float(e.m.min()), float(e.m.max())
    if not low <= mediator_value <= high:
        notes.append(
            Note(
                "beyond_the_data",
                f"mediator_value={mediator_value:g} lies outside what was seen ({low:g} to {high:g}): cde is an extrapolation of straight lines.",
            )
        )
    return FourWayResult(
        rows, tuple(notes), {"mediator": e.mediator, "mediator_value": float(mediator_value), "covariance": kind}
    )


def decomposed(paths: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(7,) parts in the order of `PARTS` and (7, 5) their derivatives by m0, a, b0, b1 and c, the mediator counted from m*."""
    m0, a, b0, b1, c = paths
    g = b1 - b0
    parts = np.array([c, g * m0, g * a, a * b0, c + g * m0, a * b1, c + g * m0 + a * b1])
    cde = [0.0, 0.0, 0.0, 0.0, 1.0]
    intref = [g, 0.0, -m0, m0, 0.0]
    intmed = [0.0, g, -a, a, 0.0]
    pnie = [0.0, b0, a, 0.0, 0.0]
    rows = np.array([cde, intref, intmed, pnie])
    return parts, np.vstack([rows, rows[0] + rows[1], rows[2] + rows[3], rows.sum(axis=0)])
