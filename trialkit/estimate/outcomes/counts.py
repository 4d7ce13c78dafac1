"""Poisson quasi-likelihood: the ratio of mean counts, or of rates when people were observed for different lengths of time.

log E(y) = log(exposure) + b0 + sum_a tau_a 1[arm = a] + x'g + stratum effects. exp(tau_a) is the ratio of means whatever the outcome's
distribution (counts, amounts with zeros) and, in a randomized trial, whether or not the covariates' part is right (Gourieroux, Monfort &
Trognon 1984; Rosenblum & van der Laan 2010); covariates gain precision only. Standard errors are sandwiches, never Poisson's, so counts
that vary more than Poisson counts are counted as they vary. There is no negative binomial: its coefficients are consistent only where its
variance is right, and the sandwich here already is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import CombinationError, DataError, MissingDataError, UsageError
from trialkit.estimate.analysis import Analysis
from trialkit.estimate.averages import apply_average, estimand_name
from trialkit.estimate.itt_result import IttResult
from trialkit.estimate.linear.ancova import describe, design_columns, strata_rule
from trialkit.estimate.outcomes.g_computation_scale import size_notes
from trialkit.estimate.outcomes.glm_model import GlmModel, contrasts_of, fit_glm, with_events
from trialkit.estimate.outcomes.rare import count_notes
from trialkit.estimate.request import Request
from trialkit.estimate.sample import Sample, sample
from trialkit.inference.arrays import FloatArray
from trialkit.results import Note
from trialkit.trial import Trial, rows_text

OVERDISPERSED = 1.5


class CountResult(IttResult):
    """Ratios of means or rates; `.by_arm` adds events, exposure and the rate of each arm."""

    kind = "counts"

    @property
    def dispersion(self) -> float:
        """Pearson's chi-square over its df: 1 for Poisson counts; standard errors do not rest on it."""
        value = self.details.get("dispersion")
        return float("nan") if value is None else float(value)

    @property
    def by_arm(self) -> pd.DataFrame:
        """Raw summaries per arm with `total`, `exposure` (people, when none is given) and `rate`."""
        return super().by_arm.join(pd.DataFrame(self.details["rates"]).set_index("arm"))


@dataclass(frozen=True, slots=True)
class Exposure:
    """Exposure (n,) of the people analysed, and its name."""

    values: FloatArray
    name: str


def run(trial: Trial, request: Request) -> Analysis:
    """Poisson regression of a request, with `exposure` (a column of positive numbers) or `offset` (a column of its logs)."""
    if request.strata_effects == "interacted":
        raise CombinationError(
            "estimator='poisson' has one ratio for all strata, so strata_effects='interacted' does not go with it: use 'additive', or "
            "measure='mean_ratio' with estimator='g_computation'."
        )
    adjust = tuple(a for a in request.adjust if a not in trial.strata)
    base = sample(trial, request.outcome, adjust, request.covariate_missing)
    exposed = _exposure(trial, base, request)
    rule, unequal = strata_rule(trial, request)
    strata = "additive" if rule == "interacted" else rule
    notes = [*count_notes(base), *size_notes(base, request), *_design_notes(exposed, strata == "additive" and unequal)]
    s, able = with_events(apply_average(base, request.average), "poisson")
    found = None
    if len(able) > 1:
        columns, names = design_columns(trial, s, strata, notes, False)
        offset = None if exposed is None else np.log(exposed.values[np.isin(base.arm, able)])
        found = fit_glm(s, columns, names, family="poisson", kind=request.covariance, df=request.df, offset=offset)
        notes += _dispersion_note(base, found)
    contrasts, vectors = contrasts_of(found, base, able, request, notes)
    estimand = "overlap-weighted ITT" if strata == "additive" and unequal else estimand_name(request.average)
    if exposed is not None:
        estimand = f"{estimand}, per {exposed.name}"
    return Analysis(
        base, contrasts, estimand, "Poisson quasi-likelihood" + ("" if exposed is None else f", exposure {exposed.name}"),
        "none" if found is None else describe(found.model), tuple(dict.fromkeys((*notes, *(() if found is None else found.model.notes)))),
        {"dispersion": None if found is None else float(found.fit.dispersion), "rates": _rates(base, exposed)},
        model=None if found is None else found.model, vectors=vectors, result=CountResult,
    )  # fmt: skip


def _exposure(trial: Trial, s: Sample, request: Request) -> Exposure | None:
    """The exposure of the people analysed; positive and known for each of them."""
    given = {k: request.options.get(k) for k in ("exposure", "offset")}
    named = {k: v for k, v in given.items() if v is not None}
    if not named:
        return None
    if len(named) > 1:
        raise UsageError("say exposure= (positive numbers) or offset= (their logs), not both: one would be counted twice.")
    if request.measure != "rate_ratio":
        raise CombinationError("a ratio per unit of exposure is a rate ratio: say measure='rate_ratio'.")
    (role, name), *_ = named.items()
    if not isinstance(name, str):
        raise UsageError(f"{role}={name!r} names a column of the data.")
    if name in (trial.arm, trial.group, trial.weights, s.outcome):
        raise UsageError(f"{role}='{name}' already has another role in the analysis.")
    column = trial.values(name)
    missing = np.zeros(trial.n, dtype=bool)
    missing[s.rows] = ~np.isfinite(column[s.rows])
    if missing.any():
        raise MissingDataError(
            f"{role} '{name}' is missing in {rows_text(missing)}, where '{s.outcome}' is known: fill in how long these people were observed."
        )
    if role == "offset":
        return Exposure(np.exp(column[s.rows]), f"exp({name})")
    wrong = np.zeros(trial.n, dtype=bool)
    wrong[s.rows] = column[s.rows] <= 0
    if wrong.any():
        raise DataError(
            f"exposure '{name}' is zero or negative in {rows_text(wrong)}: exposure is a positive length of time (for its log, say offset=)."
        )
    return Exposure(column[s.rows], name)


def _design_notes(exposed: Exposure | None, overlap: bool) -> list[Note]:
    notes = []
    if exposed is not None:
        notes.append(
            Note(
                "exposure",
                f"the ratio is of events per unit of {exposed.name}, people counting by it; where the arms change how long people are observed, it does "
                "not compare the same time.",
            )
        )
    if overlap:
        notes.append(
            Note(
                "overlap_weighted",
                "shares of the arms differ by stratum and one ratio holds for all: strata count by their expected counts times p(1-p). For the "
                "sample-average ratio use measure='mean_ratio', estimator='g_computation'.",
            )
        )
    return notes


def _dispersion_note(s: Sample, found: GlmModel) -> list[Note]:
    value = float(found.fit.dispersion)
    if value < OVERDISPERSED or (s.y != np.round(s.y)).any():
        return []
    return [
        Note(
            "overdispersion",
            f"the counts vary {value:.2g} times as much as Poisson counts; the robust standard error counts that.",
        )
    ]


def _rates(s: Sample, exposed: Exposure | None) -> list[dict[str, Any]]:
    time = np.ones(s.n) if exposed is None else exposed.values
    rows = []
    for a, label in enumerate(s.arms):
        inside = s.arm == a
        total, own = float(s.y[inside].sum()), float(time[inside].sum())
        rows.append({"arm": label, "total": total, "exposure": own, "rate": total / own})
    return rows
