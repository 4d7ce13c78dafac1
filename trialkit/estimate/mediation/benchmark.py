"""Unmeasured causes as strong as what was measured: what would be left of the indirect effect if another covariate like age had been missed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.errors import UsageError, nearest
from trialkit.estimate.covariates import covariates as covariate_columns
from trialkit.estimate.mediation.evidence import MediationEvidence, NaturalEffects
from trialkit.estimate.mediation.linear_parameters import AfterCovariance, chosen_covariance, linear_evidence
from trialkit.estimate.mediation.sensitivity import SensitivityResult, curve_details
from trialkit.inference.arrays import FloatArray
from trialkit.inference.confounding.robustness import benchmark as bound
from trialkit.inference.linear.least_squares import least_squares
from trialkit.inference.mediation.error_correlation import correlation_of_strengths
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Note, TableResult


@dataclass(frozen=True)
class MediationBenchmarks(TableResult):
    """A row a covariate and strength: its R2 with mediator and outcome, the correlation of errors it would leave, and the ACME with such a cause."""

    kind = "mediation_benchmark"

    def _title(self) -> str:
        d = self.details
        return f"Unmeasured causes of '{d['mediator']}' and '{d['outcome']}' as strong as covariates: the ACME is {number(d['acme'])} as it stands"

    def __str__(self) -> str:
        lines = [self._title()]
        for r in self.table:
            times = "" if r["k"] == 1 else f"{r['k']:g} times "
            left = "no bound" if r["acme"] is None or math.isnan(r["acme"]) else _left(r)
            lines.append(f"  {times}as strong as {r['covariate']}: {left}")
        return "\n".join([*lines, *(f"  note: {n.text}" for n in self.notes)])


def _left(r: Any) -> str:
    return f"{number(r['acme'])} ({number(r['conf_low'])} to {number(r['conf_high'])})"


@explained
def benchmark(
    result: NaturalEffects,
    covariates: Sequence[str] | None = None,
    *,
    k: Sequence[float] = (1.0, 2.0, 3.0),
    covariance: AfterCovariance = "auto",
) -> MediationBenchmarks:
    """The ACME if a cause of mediator and outcome as strong as an observed covariate had been missed; reached as `result.benchmark(["age"])`.

    Parameters
    ----------
    result : of `mediate` with two linear models.
    covariates : columns of `adjust` to compare with, by default all; the categories of a column count together.
    k : how many times as strong the unmeasured cause is taken, in the variance it explains of mediator and of outcome.
    covariance : as in `sensitivity`.

    Returns
    -------
    MediationBenchmarks
        Rows with covariate, k, r2_mediator and r2_outcome (partial, of the unmeasured cause), rho, acme, std_error, conf_low, conf_high. Of the two directions
        the one that pulls the ACME towards and past 0 is shown. NaN where a cause that strong would explain all of the mediator.

    Raises
    ------
    UsageError, CombinationError
        A covariate that was not adjusted for, none at all, models that are not linear.

    References
    ----------
    Cinelli & Hazlett (2020), JRSS B 82, eq. 20 and 21, for the slope of the mediator.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 100, "age": rng.normal(size=200)})
    >>> d["m1"] = 0.5 * (d["arm"] == "peer") + 0.3 * d["age"] + rng.normal(size=200)
    >>> d["y1"] = 0.6 * d["m1"] + 0.2 * d["age"] + rng.normal(size=200)
    >>> found = tk.mediate(tk.Trial(d, arm="arm", control="solo"), "y1", mediator="m1", adjust=["age"], inference="delta")
    >>> found.benchmark(["age"]).tidy()["covariate"].unique().tolist()
    ['age']
    """
    e = linear_evidence(result, "a benchmark")
    if isinstance(covariates, str):
        raise UsageError(f"benchmark takes a list of columns: write ['{covariates}'].")
    wanted = list(e.adjust if covariates is None else covariates)
    if not wanted:
        raise UsageError("there is no covariate to compare with: name some in tk.mediate(..., adjust=[...]).")
    for name in wanted:
        if name not in e.adjust:
            near = nearest(name, e.adjust)
            raise UsageError(f"covariates holds '{name}', which is not in adjust.{f' Did you mean {near!r}?' if near else ''}")
    if not len(k) or not min(k) > 0:
        raise UsageError("k holds positive numbers, such as [1, 2, 3].")
    details = curve_details(e, chosen_covariance(e, covariance), result.estimates[0].conf_level)
    curve = SensitivityResult((), (), details)
    towards = 1.0 if curve.breakpoint > 0 else -1.0
    rows = []
    for name in wanted:
        of_mediator, of_outcome = _strengths(e, name)
        rows += [_row(curve, name, float(times), of_mediator, of_outcome, towards) for times in k]
    notes = [
        Note(
            "worst_direction",
            "each cause is taken in the direction that pulls the ACME towards and past 0; causes of the other sign would raise it.",
        )
    ]
    if any(math.isnan(r["acme"]) for r in rows):
        notes.append(
            Note(
                "benchmark_beyond",
                "a cause that many times as strong as a covariate would explain all of the mediator: no bound.",
            )
        )
    return MediationBenchmarks(
        (), tuple(notes), {k: details[k] for k in ("outcome", "mediator", "acme", "breakpoints", "covariance")}, tuple(rows)
    )


def _strengths(e: MediationEvidence, name: str) -> tuple[float, float]:
    """Partial R2 of a covariate with the mediator, given arm and the rest, and with the outcome, given the mediator too."""
    own = set(covariate_columns(e.trial, (name,), "impute").names)
    inside = np.array([t in own for t in e.terms])
    if not inside.any():
        raise UsageError(f"'{name}' has no term of its own here: it is a stratum or a combination of other covariates.")
    others = np.column_stack([np.ones(e.sample.n), e.t, e.X[:, ~inside]])
    both = [e.m, e.t * e.m] if e.interaction else [e.m]
    return _added(e, e.m, others, e.X[:, inside]), _added(e, e.y, np.column_stack([others, *both]), e.X[:, inside])


def _added(e: MediationEvidence, y: FloatArray, rest: FloatArray, more: FloatArray) -> float:
    without = float(least_squares(y=y, X=rest, weights=e.weights).rss)
    return max(1 - float(least_squares(y=y, X=np.column_stack([rest, more]), weights=e.weights).rss) / without, 0.0)


def _row(curve: SensitivityResult, name: str, k: float, of_mediator: float, of_outcome: float, towards: float) -> dict[str, Any]:
    found = bound(r2_treatment=of_mediator, r2_outcome=of_outcome, k=k)
    row = {"covariate": name, "k": k, "r2_mediator": found.r2_treatment, "r2_outcome": found.r2_outcome}
    empty = dict.fromkeys(("rho", "acme", "std_error", "conf_low", "conf_high"), math.nan)
    if math.isnan(found.r2_treatment):
        return row | empty
    rho = towards * float(
        correlation_of_strengths(r2_mediator=np.array(found.r2_treatment), r2_outcome=np.array(found.r2_outcome))
    )
    at = curve.at(rho)
    return row | {"rho": rho, "acme": at["estimate"]} | {n: at[n] for n in ("std_error", "conf_low", "conf_high")}
