"""How like a population the people reached are: Tipton's index, covariate by covariate, and who lies outside.

The propensity to be in the sample is a logistic regression on the covariates over both tables; B is the Bhattacharyya coefficient of its densities in sample
and population, on the logit scale (Tipton's) or of the probability (inference/reach/tipton.py). Where a combination of covariates is found in one table only
the logit is infinite for those people: they share nothing with the other table, and B = sqrt(share_s share_p) B of the rest.
Source: Tipton (2014), Journal of Educational and Behavioral Statistics 39(6), 478-501.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import special

from trialkit.errors import ColumnNotFoundError, DataError, UsageError, ValueTypeError, shown
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.inference.outcomes.separation import limiting_fit
from trialkit.inference.reach.tipton import similarity
from trialkit.io.frames import numeric, to_pandas
from trialkit.misuse import explained
from trialkit.results import Note, TableResult
from trialkit.selection.reach.people import Shared, shared_columns
from trialkit.trial import rows_text

Scale = Literal["logit", "probability"]
BANDS = ((0.9, "very high"), (0.8, "high"), (0.5, "medium"), (0.0, "low"))


@dataclass(frozen=True)
class GeneralizabilityResult(TableResult):
    """`.tidy()`: a row a covariate (level of a category). `.index` is Tipton's B (logit scale), `.verdict` its band, `.outside` who lies outside support."""

    kind = "generalizability"

    @property
    def index(self) -> float:
        return self.index_logit

    @property
    def index_logit(self) -> float:
        return float(self.details["index_logit"])

    @property
    def index_probability(self) -> float:
        return float(self.details["index_probability"])

    @property
    def verdict(self) -> str:
        return str(self.details["verdict"])

    @property
    def share_outside(self) -> float:
        """Share of the population outside the support of the sample, by its weights."""
        return float(self.details["share_outside"])

    @property
    def outside(self) -> pd.DataFrame:
        """People of the population outside support: their row (counted from 0) and why."""
        return pd.DataFrame(self.details["outside"], columns=["row", "reason"])

    def _title(self) -> str:
        d = self.details
        return (
            f"Generalizability of {d['n_sample']} people to a population of {d['n_population']}: index {self.index:.3f} ({self.verdict}), "
            f"{100 * self.share_outside:.1f}% of the population outside the sample's support"
        )


@explained
def generalizability(
    sample: Any, population: Any, covariates: Sequence[str], *, weights: str | None = None, categorical: Sequence[str] = ()
) -> GeneralizabilityResult:
    """Tipton's generalizability index of a sample for a population, and who of the population lies outside the sample's support.

    Parameters
    ----------
    sample : table of the people reached (randomized, or any later stage).
    population : table of the people whom the programme is for and who are not in the sample.
    covariates : columns of both tables, numbers or categories, in which people may differ.
    weights : column of the population that says how many people each row stands for; by default one.
    categorical : numeric columns to treat as categories.

    Returns
    -------
    GeneralizabilityResult
        `.index` (= `.index_logit`, between 0 and 1), `.index_probability`, `.verdict` ('very high' from .9, 'high' from .8, 'medium' from .5, else
        'low'), `.outside`. `.tidy()`: covariate, level, mean_sample, mean_population, difference in SDs of the population, variance_ratio (sample / population),
        share_outside.

    Raises
    ------
    ColumnNotFoundError, MissingDataError, ValueTypeError, DataError
        A covariate that is absent, missing or of another kind in one of the tables; a table of fewer than two people.

    Notes
    -----
    The bands are ascribed to Tipton (2014): .5 and .8 as quoted by others, .9 was not checked against the source.
    A high index says that the measured covariates are distributed alike; it says nothing about covariates left out. In small samples it
    falls below 1 by chance alone.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> reached = pd.DataFrame({"age": rng.normal(45, 8, 150)})
    >>> others = pd.DataFrame({"age": rng.normal(42, 10, 600)})
    >>> found = tk.selection.generalizability(reached, others, ["age"])
    >>> found.verdict
    'very high'
    """
    inside, outside = to_pandas(sample).reset_index(drop=True), to_pandas(population).reset_index(drop=True)
    columns = shared_columns(inside, outside, covariates, categorical=categorical)
    load = None if weights is None else population_weights(outside, weights)
    eta_s, eta_p = propensities(columns, load)
    indices = {s: index_of(eta_s, eta_p, s, load) for s in ("logit", "probability")}
    away, reasons = support(columns, eta_s, eta_p)
    share = np.full(len(outside), 1 / len(outside)) if load is None else load / load.sum()
    rows = [_row(columns, j, share) for j in range(len(columns.columns))]
    details = {
        "index_logit": indices["logit"], "index_probability": indices["probability"], "verdict": verdict_of(indices["logit"]),
        "share_outside": float(share[away].sum() / share.sum()), "n_sample": len(inside), "n_population": len(outside), "weights": weights, "covariates": list(covariates),
        "outside": [{"row": int(i), "reason": r} for i, r in zip(np.flatnonzero(away), reasons)],
    }  # fmt: skip
    return GeneralizabilityResult((), tuple(_notes(eta_s, eta_p, away)), details, tuple(rows))


@explained
def tipton_index(sample: Any, population: Any, *, scale: Scale = "logit") -> float:
    """Tipton's index of two given vectors of propensities to be in the sample, each between 0 and 1.

    `scale` 'logit' (default) compares densities of the logits, 'probability' of the propensities themselves.

    Examples
    --------
    >>> import trialkit as tk
    >>> s, p = [0.2, 0.3, 0.4, 0.5, 0.6], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    >>> round(tk.selection.tipton_index(s, p, scale="probability"), 4)
    0.9702
    """
    if scale not in ("logit", "probability"):
        raise UsageError(f"scale={scale!r} is unknown: it is 'logit' or 'probability'.")
    vectors = []
    for values, name in ((sample, "sample"), (population, "population")):
        v = numeric(pd.Series(values), name)
        wrong = ~((v >= 0) & (v <= 1))
        if wrong.any():
            raise ValueTypeError(f"{name} holds propensities between 0 and 1, but not in {rows_text(wrong)}.")
        if len(v) < 2:
            raise DataError(f"{name} holds {len(v)} values: a density needs two or more.")
        vectors.append(special.logit(v))
    return index_of(vectors[0], vectors[1], scale, None)


def verdict_of(index: float) -> str:
    return next(word for least, word in BANDS if index >= least)


def index_of(eta_s: FloatArray, eta_p: FloatArray, scale: str, weights: FloatArray | None) -> float:
    """B of log odds that may be infinite."""
    if scale == "probability":
        return similarity(sample=special.expit(eta_s), population=special.expit(eta_p), weights=weights)
    s, p = np.isfinite(eta_s), np.isfinite(eta_p)
    load = np.ones(len(eta_p)) if weights is None else weights
    if s.sum() < 2 or p.sum() < 2:
        return 0.0
    rest = similarity(sample=eta_s[s], population=eta_p[p], weights=None if weights is None else weights[p])
    return math.sqrt(float(s.mean()) * float(load[p].sum() / load.sum())) * rest


def population_weights(population: pd.DataFrame, name: str) -> FloatArray:
    """Positive numbers of people that rows stand for."""
    if name not in population.columns:
        raise ColumnNotFoundError(name, population.columns, "the population")
    values = numeric(population[name], name)
    wrong = ~(values > 0)
    if wrong.any():
        raise DataError(
            f"the weights '{name}' of the population are missing, zero or negative in {rows_text(wrong)}: they say how many people a row stands for. "
            "Leave rows that stand for nobody out."
        )
    return values


def support(columns: Shared, eta_s: FloatArray, eta_p: FloatArray) -> tuple[BoolArray, list[str]]:
    """Who of the population is beyond the sample, covariate by covariate or in the propensity, and the reason of each of them."""
    beyond = [(c, c.outside) for c in columns.columns]
    far = (eta_p < eta_s.min()) | (eta_p > eta_s.max())
    away = far.copy()
    for _, mask in beyond:
        away |= mask
    reasons = []
    for i in np.flatnonzero(away):
        named = [f"{c.name}{'' if c.level else f' = {c.population[i]:g}'}" for c, mask in beyond if mask[i]]
        reasons.append("; ".join(named) if named else "combination of covariates")
    return away, reasons


def propensities(columns: Shared, load: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    """Log odds of being in the sample, infinite where a combination of covariates is found in one table only."""
    X, outside = columns.matrix("sample"), columns.matrix("population")
    both = np.vstack([X, outside])
    kept = [0] + [j for j in range(1, both.shape[1]) if np.ptp(both[:, j]) > 0]
    if len(kept) == 1:
        return np.zeros(len(X)), np.zeros(len(outside))
    member = np.r_[np.ones(len(X)), np.zeros(len(outside))]
    weights = None if load is None else np.r_[np.ones(len(X)), load * len(load) / load.sum()]
    found = limiting_fit(y=member, X=both[:, kept], family="logistic", weights=weights)
    eta = found.eta(both[:, kept])
    return eta[: len(X)], eta[len(X) :]


def _row(columns: Shared, j: int, share: FloatArray) -> Mapping[str, Any]:
    c = columns.columns[j]
    mean_p = float(share @ c.population)
    effective = 1 / float(share @ share)
    variance_p = float(share @ (c.population - mean_p) ** 2) * effective / (effective - 1)
    mean_s, variance_s = float(c.sample.mean()), float(c.sample.var(ddof=1))
    gap = mean_s - mean_p
    return {
        "covariate": c.covariate, "level": c.level, "mean_sample": mean_s, "mean_population": mean_p,
        "difference": gap / math.sqrt(variance_p) if variance_p > 0 else (0.0 if gap == 0 else math.nan),
        "variance_ratio": variance_s / variance_p if variance_p > 0 and not c.level else math.nan, "share_outside": float(share @ c.outside),
    }  # fmt: skip


def _notes(eta_s: FloatArray, eta_p: FloatArray, away: BoolArray) -> list[Note]:
    notes = [Note("denominator", "differences are in SDs of the population.")]
    if away.any():
        text = f"{int(away.sum())} of {len(away)} rows of the population lie outside the sample's support: for them a trial in this sample speaks by extrapolation only."
        notes.append(Note("outside_support", text))
    lone = [
        f"{int((~np.isfinite(e)).sum())} of the {w}"
        for e, w in ((eta_s, "sample"), (eta_p, "population"))
        if not np.isfinite(e).all()
    ]
    if lone:
        notes.append(
            Note("no_overlap", f"{shown(lone).replace(chr(39), '')} have covariates that nobody in the other table has.")
        )
    return notes
