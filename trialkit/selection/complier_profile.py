"""What compliers, never-takers and always-takers look like at baseline, by Abadie's kappa.

With Z the assignment, D the take-up and p the share assigned in the stratum, kappa = 1 - D(1-Z)/(1-p) - (1-D)Z/p has the mean P(complier), and E(kappa x)/E(kappa)
is the mean of x among compliers; (1-D)Z/p and D(1-Z)/(1-p) do the same for never- and always-takers. Standard errors come from influence values, the estimated
shares included, summed over groups or clusters. Source: Abadie (2003); Marbach & Hangartner (2020).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from trialkit.errors import NotIdentifiedError, UsageError, ValueTypeError
from trialkit.estimate.sample import units_of_variance
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.misuse import explained
from trialkit.printed import counted_people
from trialkit.results import Note, TableResult
from trialkit.trial import Trial, rows_text

KINDS = ("complier", "never_taker", "always_taker")


@dataclass(frozen=True)
class ComplierProfile(TableResult):
    """`.tidy()`: a row a covariate with means of everyone, compliers, never-takers and always-takers; shares of the three kinds."""

    kind = "complier_profile"

    @property
    def share_complier(self) -> float:
        return float(self.details["shares"]["complier"])

    @property
    def share_never(self) -> float:
        return float(self.details["shares"]["never_taker"])

    @property
    def share_always(self) -> float:
        return float(self.details["shares"]["always_taker"])

    def _title(self) -> str:
        d = self.details
        shares = ", ".join(f"{100 * d['shares'][k]:.1f}% {k.replace('_', '-')}s" for k in KINDS)
        return f"Who takes up the offer ('{d['uptake']}'): {shares}"


@explained
def complier_profile(trial: Trial, *, uptake: str, covariates: Sequence[str], conf_level: float = 0.95) -> ComplierProfile:
    """Baseline means of compliers, never-takers and always-takers, with simultaneous intervals.

    Parameters
    ----------
    trial : two arms. uptake : column of 0 and 1. covariates : numeric baseline columns; missing values leave the person out of that row.
    conf_level : of the intervals, simultaneous over the covariates (Sidak).

    Returns
    -------
    ComplierProfile
        Columns covariate, everyone, complier, complier_se, complier_low, complier_high, and the same for never_taker and always_taker (NaN where there are
        none), difference (compliers minus everyone) with difference_se and p_value.

    Raises
    ------
    UsageError, ValueTypeError, NotIdentifiedError
        More than two arms, sampling weights, take-up that is not 0 and 1, or an assignment that moves nobody.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 100, "age": rng.normal(40, 9, 200)})
    >>> d["came"] = ((d["arm"] == "peer") & (d["age"] > 38)) * 1
    >>> found = tk.selection.complier_profile(tk.Trial(d, arm="arm", control="solo"), uptake="came", covariates=["age"])
    >>> bool(found.tidy()["complier"][0] > found.tidy()["never_taker"][0])
    True
    """
    if isinstance(covariates, str):
        raise UsageError(f"covariates takes a list of columns: write covariates=['{covariates}'].")
    if trial.weights is not None:
        raise UsageError("compliers are described without sampling weights: give a Trial without weights.")
    if len(trial.arms) != 2:
        raise UsageError("complier profiles compare two arms: make a Trial of the two you mean.")
    took = trial.values(uptake)
    wrong = np.isfinite(took) & (took != 0) & (took != 1)
    if wrong.any():
        raise ValueTypeError(f"uptake='{uptake}' must be 0 or 1, but it is {took[wrong][0]:g} in {rows_text(wrong)}.")
    stratum = trial.codes(*trial.strata) if trial.strata else np.zeros(trial.n, dtype=np.int64)
    unit = units_of_variance(trial, trial.codes(trial.cluster) if trial.cluster else None, trial.group_codes)
    known = np.isfinite(took)
    notes = [*trial.notes]
    if not known.all():
        notes.append(Note("uptake_missing", counted_people(int((~known).sum()), f"have no '{uptake}' and are left out.")))
    people = _Kinds(trial.arm_codes, took, stratum, unit, known)
    weights = people.weights(known)
    shares = {k: float(w[known].mean()) for k, w in weights.items()}
    if shares["complier"] <= 0:
        raise NotIdentifiedError(
            f"'{uptake}' is not higher in {trial.arms[1]!r} than in {trial.arms[0]!r}: without compliers there is nobody to describe."
        )
    level = conf_level ** (1 / max(len(covariates), 1))
    rows: list[Mapping[str, Any]] = []
    for name in covariates:
        x = trial.values(name)
        rows.append({"covariate": name, **people.row(x, known & np.isfinite(x), level)})
        if (~np.isfinite(x) & known).any():
            notes.append(
                Note(
                    "covariate_missing",
                    counted_people(int((~np.isfinite(x) & known).sum()), f"have no '{name}' and are left out of its row."),
                )
            )
    details = {"uptake": uptake, "shares": shares, "conf_level": conf_level, "n_units": len(np.unique(unit[known]))}
    return ComplierProfile((), tuple(dict.fromkeys(notes)), details, tuple(rows))


@dataclass(frozen=True, slots=True)
class _Kinds:
    """Arrays of the trial's people; `take` is NaN where unknown."""

    arm: IntArray
    take: FloatArray
    stratum: IntArray
    unit: IntArray
    known: BoolArray

    def weights(self, use: BoolArray) -> dict[str, FloatArray]:
        """Weights of the three kinds of people."""
        p = self._shares(use)
        z, d = self.arm.astype(float), np.nan_to_num(self.take)
        never, always = (1 - d) * z / p, d * (1 - z) / (1 - p)
        return {"complier": 1 - never - always, "never_taker": never, "always_taker": always}

    def _shares(self, use: BoolArray) -> FloatArray:
        """Share assigned in the stratum of each person."""
        count = np.bincount(self.stratum[use], minlength=int(self.stratum.max()) + 1)
        assigned = np.bincount(self.stratum[use], weights=self.arm[use], minlength=len(count))
        share = assigned / np.maximum(count, 1)
        bad = (count > 0) & ((assigned == 0) | (assigned == count))
        if bad.any():
            raise NotIdentifiedError(
                f"{int(bad.sum())} of {int((count > 0).sum())} strata have people of one arm only: there compliers cannot be told from others. Merge strata."
            )
        return share[self.stratum]

    def row(self, x: FloatArray, use: BoolArray, level: float) -> dict[str, Any]:
        """Means with intervals of each kind, and the difference of compliers from everyone."""
        filled = np.where(use, x, 0.0)
        found: dict[str, Any] = {"everyone": float(x[use].mean()), "sd": float(x[use].std(ddof=1))}
        influence: dict[str, FloatArray] = {"everyone": np.where(use, (filled - found["everyone"]) / use.sum(), 0.0)}
        units = len(np.unique(self.unit[use]))
        cut = float(-special.stdtrit(units - 1, (1 - level) / 2))
        for kind, w in self.weights(use).items():
            total = float(w[use].sum())
            if abs(total) < 1e-9 * use.sum():
                found |= {kind: math.nan, f"{kind}_se": math.nan, f"{kind}_low": math.nan, f"{kind}_high": math.nan}
                continue
            mean = float(w[use] @ x[use]) / total
            influence[kind] = self._influence(kind, filled - mean, w, use) / total
            se = self._se(influence[kind])
            found |= {kind: mean, f"{kind}_se": se, f"{kind}_low": mean - cut * se, f"{kind}_high": mean + cut * se}
        gap = found["complier"] - found["everyone"]
        se = self._se(influence["complier"] - influence["everyone"])
        p = 2 * float(special.stdtr(units - 1, -abs(gap) / se)) if se > 0 else math.nan
        return found | {"difference": gap, "difference_se": se, "p_value": p}

    def _influence(self, kind: str, centred: FloatArray, w: FloatArray, use: BoolArray) -> FloatArray:
        """Contributions of the people to the sum of w (x - mean), the estimated shares included."""
        p = self._shares(use)
        z, d = self.arm.astype(float), np.nan_to_num(self.take)
        slope = {"never_taker": -(1 - d) * z / p**2, "always_taker": d * (1 - z) / (1 - p) ** 2}
        slope["complier"] = -slope["never_taker"] - slope["always_taker"]
        size = int(self.stratum.max()) + 1
        pull = np.bincount(self.stratum[use], weights=(slope[kind] * centred)[use], minlength=size)
        count = np.maximum(np.bincount(self.stratum[use], minlength=size), 1)
        return np.where(use, w * centred + (pull / count)[self.stratum] * (z - p), 0.0)

    def _se(self, influence: FloatArray) -> float:
        sums = np.bincount(self.unit, weights=influence)
        units = len(np.unique(self.unit[self.known]))
        return math.sqrt(float(sums @ sums) * units / (units - 1))
