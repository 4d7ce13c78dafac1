"""E-values of mediation effects."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from trialkit.errors import CombinationError, UsageError
from trialkit.estimate.mediation.evidence import NaturalEffects
from trialkit.inference.confounding import evalue as kernel
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Note, TableResult

RATIOS = ("risk_ratio", "odds_ratio", "rate_ratio", "mean_ratio")
EFFECTS = ("acme_control", "acme_treated", "acme", "ade_control", "ade_treated", "ade")


@dataclass(frozen=True)
class MediationEValues(TableResult):
    """A row an effect: its risk ratio, E-value and the E-value of the limit nearest no effect. `.estimate` and `.limit` are those of the ACME."""

    kind = "mediation_evalue"

    @property
    def estimate(self) -> float:
        """E-value of the ACME."""
        return float(self.of("acme")["evalue"])

    @property
    def limit(self) -> float:
        """E-value of the limit of the ACME that is nearest no effect; 1 where the interval holds it."""
        return float(self.of("acme")["evalue_limit"])

    def of(self, effect: str) -> dict[str, Any]:
        """The row of an effect."""
        rows = {r["estimand"]: dict(r) for r in self.table}
        if effect not in rows:
            raise UsageError(f"there is no E-value of {effect!r} here: they are {', '.join(rows)}.")
        return rows[effect]

    def _title(self) -> str:
        return f"E-values: ACME {number(self.estimate)}, of its limit {number(self.limit)}"


@explained
def evalue(
    result: NaturalEffects,
    *,
    effects: Sequence[str] = EFFECTS,
    standardizer: Literal["total", "control"] = "total",
    common: bool | None = None,
) -> MediationEValues:
    """The strength, as a risk ratio, that an unmeasured common cause of mediator and outcome needs with both to explain an effect away; reached as `result.evalue()`.

    Parameters
    ----------
    result : of `mediate`, of a mean difference or a ratio.
    effects : which; by default indirect and direct ones. The total was randomized and needs none.
    standardizer : of a mean difference, the SD of the outcome by which it is divided: of all people analysed or of the control arm.
    common : of an odds ratio, whether the outcome is common (above 15 %): required there.

    Returns
    -------
    MediationEValues

    Notes
    -----
    E = RR + sqrt(RR (RR - 1)); a mean difference is turned into RR = exp(.91 d), and so are its limits, which keep the interval of the result. For an indirect effect the
    E-value holds approximately: the cause must be as strong with the mediator as with the outcome, given the arm. Source: VanderWeele & Ding (2017), Annals of
    Internal Medicine 167; Smith & VanderWeele (2019), Epidemiology 30 (mediational E-values).

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 100})
    >>> d["m1"] = 0.5 * (d["arm"] == "peer") + rng.normal(size=200)
    >>> d["y1"] = 0.6 * d["m1"] + rng.normal(size=200)
    >>> found = tk.mediate(tk.Trial(d, arm="arm", control="solo"), "y1", mediator="m1", inference="delta").evalue()
    >>> found.estimate > found.limit >= 1
    True
    """
    measure = str(result.details["measure"])
    notes: list[Note] = []
    if measure == "mean_difference":
        if standardizer not in ("total", "control"):
            raise UsageError(f"standardizer={standardizer!r} is unknown: it is 'total' or 'control'.")
        turn = _of_difference(result, standardizer, notes)
    elif measure in RATIOS:
        turn = _of_ratio(measure, common, notes)
    else:
        raise CombinationError(
            f"an E-value is not defined for measure='{measure}': for 0 and 1 ask tk.mediate(..., measure='risk_ratio').evalue()."
        )
    rows: list[dict[str, Any]] = []
    for name in effects:
        row = result.effect(name)
        if name in ("total", "proportion"):
            raise UsageError(f"effects holds {name!r}: E-values are for the indirect and direct effects, {', '.join(EFFECTS)}.")
        ratio, low, high = turn(row.estimate), turn(row.conf_low), turn(row.conf_high)
        near = low if ratio > 1 else high
        held = low <= 1 <= high
        strength = math.nan if math.isnan(near) else 1.0 if held else kernel.evalue(near)
        rows.append(
            {
                "estimand": name,
                "risk_ratio": ratio,
                "conf_low": low,
                "conf_high": high,
                "evalue": kernel.evalue(ratio),
                "evalue_limit": strength,
            }
        )
    return MediationEValues((), tuple(notes), {"measure": measure, "conf_level": result.estimates[0].conf_level}, tuple(rows))


def _of_difference(result: NaturalEffects, standardizer: str, notes: list[Note]) -> Callable[[float], float]:
    e = result.needed()
    used = np.ones(e.sample.n, dtype=bool) if standardizer == "total" else e.t == 0
    weights = None if e.weights is None else e.weights[used]
    y = e.y[used]
    centred = y - np.average(y, weights=weights)
    sd = math.sqrt(float(np.average(centred**2, weights=weights)) * len(y) / (len(y) - 1))
    notes.append(
        Note(
            "evalue_scale",
            f"a difference is divided by the SD of the outcome, {number(sd)} ({standardizer}), and taken as the risk ratio exp(.91 d).",
        )
    )
    return lambda value: kernel.from_smd(value / sd)


def _of_ratio(measure: str, common: bool | None, notes: list[Note]) -> Callable[[float], float]:
    if measure != "odds_ratio":
        return float
    if common is None:
        raise UsageError(
            "say common=True (outcome in more than 15 % of people) or common=False: an odds ratio is read differently."
        )
    if common:
        notes.append(Note("evalue_scale", "the odds ratio of a common outcome is taken as the square of a risk ratio."))
        return kernel.from_common_odds
    return float
