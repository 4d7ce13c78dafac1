"""Log-rank test of equal curves: classical for independent people, corrected by the units where there are groups, clusters or weights.

With groups the classical chi-square counts people in a group as independent and rejects too often. As Rao and Scott (1984) do for tables, the variance of
observed less expected events is multiplied by what groups (clusters, weights) do to that of the Cox coefficients of the arms: with B the model's covariance of
the coefficients and R the one from units (`spread.py`), Var(O - E) = V^1/2 (B^-1/2 R B^-1/2) V^1/2, V hypergeometric. Of two arms that is the chi-square divided
by R/B, referred to the square of t; several arms are tested together by Hotelling's T^2 with the smallest of their df.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import special

from trialkit.errors import CombinationError, EstimationError, UsageError
from trialkit.estimate.linear.ancova import strata_rule
from trialkit.estimate.outcome import Time, check_outcome
from trialkit.estimate.request import Request, StrataEffects
from trialkit.estimate.survival.cox_checks import check_events
from trialkit.estimate.survival.cox_model import fitted
from trialkit.estimate.survival.spread import adjusted_values, spread
from trialkit.estimate.survival.time_sample import TimeSample, time_sample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.survival.logrank import LogrankScore, logrank_score
from trialkit.misuse import explained
from trialkit.printed import number, p_text
from trialkit.results import Note, TableResult
from trialkit.trial import Trial

Covariance = Literal["auto", "classical", "CR2"]
NEVER_TOGETHER = "the arms are never at risk together when the event happens: their curves cannot be compared."


@dataclass(frozen=True)
class LogrankResult(TableResult):
    """A log-rank test; a row an arm.

    `.statistic` is chi-square with `.df` degrees of freedom when `.df_denom` is infinite; otherwise Hotelling's T^2 (of two arms the square of a t with
    `df_denom` degrees of freedom). `.observed` and `.expected` hold the events of each arm, control first.
    """

    kind = "logrank"

    @property
    def statistic(self) -> float:
        return _float(self.details["statistic"])

    @property
    def p_value(self) -> float:
        return _float(self.details["p_value"])

    @property
    def df(self) -> int:
        return int(self.details["df"])

    @property
    def df_denom(self) -> float:
        return _float(self.details["df_denom"])

    @property
    def observed(self) -> tuple[float, ...]:
        return tuple(float(r["observed"]) for r in self.table)

    @property
    def expected(self) -> tuple[float, ...]:
        return tuple(float(r["expected"]) for r in self.table)

    def _title(self) -> str:
        name = f"chi2({self.df})" if math.isinf(self.df_denom) else f"T2({self.df}, {self.df_denom:.1f})"
        return f"Log-rank test of {self.details['outcome']}: {name} = {number(self.statistic)}, p {p_text(self.p_value)}; {self.details['method']}"


@explained
def logrank(
    trial: Trial, time: Time, *, strata_effects: StrataEffects | Literal[False] = "auto", covariance: Covariance = "auto"
) -> LogrankResult:
    """Test that the curves of all arms are the same.

    Parameters
    ----------
    trial : the data and their roles; its strata stratify the test. time : a `Time`.
    strata_effects : 'auto' or 'additive' (compare within strata), or 'none'.
    covariance : 'auto': 'classical' (hypergeometric, chi-square) for independent people, 'CR2' with groups, clusters or weights, because the
        classical test then rejects too often.

    Returns
    -------
    LogrankResult
        `.statistic .df .df_denom .p_value .observed .expected`; `.tidy()` has a row an arm.

    Raises
    ------
    UsageError, CombinationError, DataError, EstimationError
        What cannot be tested, with the remedy.

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 6, "weeks": [9, 4, 8, 3, 12, 6, 7, 7, 5, 2, 12, 12], "event": [1] * 10 + [0] * 2})
    >>> found = tk.logrank(tk.Trial(d, arm="arm", control="solo"), tk.Time("weeks", "event"))
    >>> found.observed, round(found.p_value, 3)
    ((5.0, 5.0), 0.275)
    """
    if not isinstance(time, Time):
        raise UsageError(f"logrank takes a time with its event: write tk.Time({time!r}, 'event column').")
    if covariance not in ("auto", "classical", "CR2"):
        raise UsageError(f"covariance={covariance!r} is unknown here: it is 'auto', 'classical' or 'CR2'.")
    check_outcome(trial, time, "hazard_ratio")
    asked: StrataEffects = "none" if strata_effects is False else strata_effects
    request = Request(str(time), (), "logrank", "hazard_ratio", "auto", "auto", asked, "participant", "control", "impute", 0.95)
    if asked == "interacted":
        raise UsageError("a log-rank test compares within strata ('auto') or across them ('none').")
    t = time_sample(trial, time, (), "impute")
    rule, _ = strata_rule(trial, request)
    return logrank_of(t, None if rule == "none" else t.people.stratum, covariance)


def logrank_of(t: TimeSample, stratum: IntArray | None, covariance: str) -> LogrankResult:
    """The test of people already prepared."""
    s = t.people
    robust = s.clustered or s.weights is not None
    if covariance == "classical" and s.weights is not None:
        raise CombinationError(
            "the classical log-rank test does not go with weights, which it would count as people: use covariance='auto'."
        )
    notes = list(s.notes)
    if covariance == "classical" and s.clustered:
        notes.append(
            Note(
                "dependence_ignored",
                "the classical log-rank test ignores the groups (clusters): it rejects too often when they matter.",
            )
        )
    found = logrank_score(time=s.y, event=t.event, arm=s.arm, arms=len(s.arms), entry=t.entry, stratum=stratum, weights=s.weights)
    test = _by_units(t, stratum, found) if covariance == "CR2" or (covariance == "auto" and robust) else _classical(t, found)
    how = "stratified, " if stratum is not None else ""
    table = tuple(
        {"arm": label, "n": int((s.arm == a).sum()), "observed": float(found.observed[a]), "expected": float(found.expected[a])}
        for a, label in enumerate(s.arms)
    )
    details = {
        "outcome": s.outcome, "statistic": test.statistic, "df": len(s.arms) - 1, "df_denom": test.df_denom, "p_value": test.p_value, "method": how + test.words,
        "n": s.n, "n_groups": s.groups_in(s.arm >= 0), "n_clusters": s.n_clusters,
    }  # fmt: skip
    return LogrankResult((), tuple(dict.fromkeys((*notes, *test.notes))), details, table)


@dataclass(frozen=True, slots=True)
class _Test:
    statistic: float
    df_denom: float
    p_value: float
    words: str
    notes: tuple[Note, ...] = ()


def _classical(t: TimeSample, found: LogrankScore) -> _Test:
    df = len(t.people.arms) - 1
    try:
        statistic = float(found.statistic)
    except np.linalg.LinAlgError as error:
        raise EstimationError(NEVER_TOGETHER) from error
    return _Test(statistic, math.inf, float(special.chdtrc(df, statistic)), "hypergeometric variance")


def _by_units(t: TimeSample, stratum: IntArray | None, found: LogrankScore) -> _Test:
    s = t.people
    arms = len(s.arms)
    check_events(t, "With groups the log-rank test rests on one. Use measure='rmst_difference', which needs none.")
    alone = replace(t, people=replace(s, X=np.empty((s.n, 0)), terms=()))
    model, _ = fitted(alone, stratum, "efron")
    parts = [spread(s, adjusted_values(s, model.fit, row), stratum, model.without(row), df="auto") for row in np.eye(arms - 1)]
    _, codes = np.unique(s.unit_of_variance, return_inverse=True)
    sums = np.array([np.bincount(codes.reshape(-1), weights=p.influence) for p in parts])
    robust = sums @ sums.T
    errors = np.array([p.std_error for p in parts])
    robust *= np.outer(errors, errors) / np.sqrt(np.outer(np.diag(robust), np.diag(robust)))
    root, back = _root(found.covariance[1:, 1:], 0.5), _root(model.fit.covariance, -0.5)
    variance = root @ back @ robust @ back @ root
    difference = (found.observed - found.expected)[1:]
    statistic = float(difference @ np.linalg.solve(variance, difference))
    q, df = arms - 1, min(p.df for p in parts)
    if df - q + 1 <= 0:
        raise EstimationError("there are fewer groups (clusters) than arms to test together: compare the arms one at a time.")
    p_value = float(special.fdtrc(q, df - q + 1, statistic * (df - q + 1) / (df * q)))
    return _Test(statistic, df, p_value, parts[0].covariance, tuple(n for p in parts for n in p.notes))


def _root(matrix: FloatArray, power: float) -> FloatArray:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * values**power) @ vectors.T)


def _float(value: object) -> float:
    return float("nan") if value is None else float(value)  # type: ignore[arg-type]
