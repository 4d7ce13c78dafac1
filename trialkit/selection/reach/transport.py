"""The effect of a trial among people whom it did not reach.

Identified when, given the covariates, effects do not differ between those who took part and those who did not, and when everyone in the target could have been
in the trial. Four estimators (inference/reach/transport.py); variances from each person's influence, summed over groups in the arms that have them, with CR2 factors
and Satterthwaite's df under the fitted one-arm grouped covariance (inference/linear/influence.py), the population as a part of its own.
Sources: Dahabreh et al. (2020), Statistics in Medicine 39; Hainmueller (2012), Political Analysis 20; Westreich et al. (2017), American Journal of Epidemiology 186.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from trialkit.errors import EstimationError, NotIdentifiedError, UsageError, shown
from trialkit.estimate.averages import estimand_name
from trialkit.estimate.sample import Sample, sample
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.inference.distributions import t_quantile, t_test
from trialkit.inference.linear.influence import influence_variance
from trialkit.inference.reach.inverse_odds import Participation, participation
from trialkit.inference.reach.transport import Method, People, Target, Transported, trial_means
from trialkit.inference.reach.transport import transport as carried
from trialkit.io.frames import to_pandas
from trialkit.misuse import explained
from trialkit.results import Estimate, Note
from trialkit.selection.reach.generalizability import index_of, population_weights, propensities, support, verdict_of
from trialkit.selection.reach.people import Shared, shared_columns
from trialkit.selection.reach.transport_result import TransportResult
from trialkit.trial import ALONE, Trial

TARGETS = {
    "outside": "average effect among the people of the population, outside the trial",
    "everyone": "average effect among the trial's people and the population together",
}
WORDS = {"outside": "the population outside the trial", "everyone": "trial and population together"}


@explained
def transport(
    trial: Trial,
    outcome: str,
    population: Any,
    covariates: Sequence[str],
    *,
    method: Method = "doubly_robust",
    target: Target = "outside",
    weights: str | None = None,
    census: bool = False,
    outside: Literal["keep", "drop"] = "keep",
    outcome_range: tuple[float, float] | None = None,
    conf_level: float = 0.95,
) -> TransportResult:
    """Effect of assignment in a target population, carried there by covariates measured in both.

    Parameters
    ----------
    trial : people without the outcome are left out; given the covariates the others stand for them too.
    outcome : numeric column, 0/1 for a difference in shares.
    population : table of people who are not in the trial, with the covariates. No outcome is needed.
    covariates : columns of both tables that may change the effect and differ between trial and population; measured before randomization.
    method : 'doubly_robust' (default: right when the participation model or the outcome model is), 'outcome_model', 'inverse_odds', 'entropy_balancing'. Outcome
        models are linear in each arm, the participation model is logistic; both in the covariates as they are, so add squares as columns where they matter.
    target : 'outside' (default): the people of `population`. 'everyone': those and the trial's people together.
    weights : column of the population with the number of people that each row stands for.
    census : whether `population` is everyone whom the number is about; else (default) a random sample, whose chance enters the standard error.
    outside : of people of the population outside the trial's support: 'keep' (default: the models extrapolate to them, with a note), or 'drop': the effect is
        that of the others.
    outcome_range : the lowest and highest possible outcome; adds `.bounds` on the effect in the whole population that assume nothing of those outside support.

    Returns
    -------
    TransportResult
        `.tidy()` has three rows a contrast (`people`: population, trial, difference). `.balance`, `.effective_n`, `.index`, `.outside`, `.bounds`.

    Raises
    ------
    NotIdentifiedError
        Trial and population do not overlap for a method that weights, or no weights give an arm the population's means.
    ColumnNotFoundError, MissingDataError, ValueTypeError
        A covariate that is absent, missing or of another kind in one of the tables.
    UsageError
        A trial with weights of its own, unknown options.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 150, "age": rng.normal(40, 8, 300)})
    >>> d["y"] = 0.05 * (d["age"] - 40) * (d["arm"] == "peer") + rng.normal(0, 0.5, 300)
    >>> others = pd.DataFrame({"age": rng.normal(44, 8, 500)})
    >>> found = tk.selection.transport(tk.Trial(d, arm="arm", control="solo"), "y", others, ["age"])
    >>> found.tidy()["people"].tolist()
    ['population', 'trial', 'difference']
    """
    _check(trial, outcome, covariates, method, target, outside, outcome_range)
    s = sample(trial, outcome, (), "impute")
    inside, rest = trial.data.iloc[s.rows].reset_index(drop=True), to_pandas(population).reset_index(drop=True)
    columns = shared_columns(inside, rest, covariates, categorical=trial.categorical, words=("the trial", "the population"))
    load = np.ones(len(rest)) if weights is None else population_weights(rest, weights)
    eta_s, eta_p = propensities(columns, load)
    away, reasons = support(columns, eta_s, eta_p)
    work = _Work(trial, s, columns, load, method, target, census, conf_level)
    found = work.estimate(~away if outside == "drop" else np.ones(len(rest), dtype=bool))
    notes = [*s.notes, *_notes(s, away, outside, found)]
    index = index_of(eta_s, eta_p, "logit", load)
    details = {
        "outcome": outcome, "method": method, "target": target, "target_words": WORDS[target], "covariates": list(covariates), "census": census,
        "outside_rule": outside, "weights": weights, "n_population": len(rest), "conf_level": conf_level,
        "index": index, "verdict": verdict_of(index),
        "share_outside": float(load[away].sum() / load.sum()), "outside": [{"row": int(i), "reason": r} for i, r in zip(np.flatnonzero(away), reasons)],
        "balance": work.balance(found), "effective_n": work.effective_n(found), "bounds": [],
    }  # fmt: skip
    if outcome_range is not None:
        details["bounds"] = work.bounds(away, outcome_range)
    return TransportResult(work.rows(outcome, found, outside), tuple(dict.fromkeys(notes)), details)


@dataclass(frozen=True, slots=True)
class _Found:
    """Means in the target and in the trial, with what they were computed from."""

    people: People
    target: Transported
    trial: Transported


@dataclass(frozen=True, slots=True)
class _Work:
    """The checked inputs."""

    trial: Trial
    s: Sample
    columns: Shared
    load: FloatArray
    method: Method
    target: Target
    census: bool
    conf_level: float

    def estimate(self, kept: BoolArray) -> _Found:
        """Means from the trial and the people of the population who are kept."""
        if not kept.any():
            raise NotIdentifiedError(
                "nobody in the population lies within the trial's support: the trial says nothing about these people."
            )
        X, outside = self.columns.matrix("sample"), self.columns.matrix("population")[kept]
        share = allocation_shares(self.s)
        people = People(self.s.y, self.s.arm, share, X, outside, self.load[kept], self.target)
        model = None
        if self.method in ("inverse_odds", "doubly_robust"):
            model = participation(X=X, outside=outside, weights=people.load)
            if model.separated is not None:
                raise NotIdentifiedError(self._no_overlap(model))
        found = carried(people, method=self.method, model=model)
        if found.unbalanced:
            raise NotIdentifiedError(self._no_balance(people, found.unbalanced[0]))
        return _Found(people, found, trial_means(people, adjusted=self.method in ("outcome_model", "doubly_robust")))

    def rows(self, outcome: str, found: _Found, outside: str) -> tuple[Estimate, ...]:
        estimand = TARGETS[self.target] + (" within the trial's support" if outside == "drop" else "")
        names = {
            "population": (found.target.means, found.target.influence, estimand),
            "trial": (found.trial.means, found.trial.influence, estimand_name("participant")),
            "difference": (
                found.target.means - found.trial.means,
                found.target.influence - found.trial.influence,
                "average effect in the population minus that in the trial",
            ),
        }
        out = []
        for arm in range(1, len(self.s.arms)):
            for who, (means, influence, words) in names.items():
                estimate, se, df = self.contrast(means, influence, arm)
                out.append(self._row(outcome, who, words, arm, estimate, se, df))
        return tuple(out)

    def contrast(self, means: FloatArray, influence: FloatArray, arm: int) -> tuple[float, float, float]:
        """Estimate, standard error and df of an arm against control."""
        s, m = self.s, len(influence) - self.s.n
        values = influence[:, arm] - influence[:, 0]
        code = np.r_[s.arm, np.full(m, len(s.arms))]
        unit = np.r_[s.unit_of_variance, int(s.unit_of_variance.max()) + 1 + np.arange(m)]
        group = np.r_[s.group, np.full(m, ALONE)] if s.cluster is None and (s.group != ALONE).any() else None
        if self.census:
            values, code, unit, group = values[: s.n], s.arm, s.unit_of_variance, None if group is None else s.group
        spread = influence_variance(values=values, arm=code, unit=unit, group=group)
        return float(means[arm] - means[0]), math.sqrt(spread.variance), spread.df

    def _row(self, outcome: str, who: str, estimand: str, arm: int, estimate: float, se: float, df: float) -> Estimate:
        s = self.s
        test = t_test(estimate, se, df, self.conf_level)
        covariance = "CR2, influence values by group or cluster" if s.clustered else "HC3, influence values"
        return Estimate(
            outcome=outcome, estimand=estimand, contrast=f"{s.arms[arm]} - {s.arms[0]}", estimate=estimate, std_error=se, df=df, statistic=test.statistic,
            p_value=test.p_value, conf_low=test.conf_low, conf_high=test.conf_high, conf_level=self.conf_level, n=s.n, n_clusters=s.n_clusters,
            n_groups=s.groups_in(s.arm >= 0), method=f"transported, {self.method.replace('_', ' ')}", covariance=covariance, extra={"people": who},
        )  # fmt: skip

    def bounds(self, away: BoolArray, outcome_range: tuple[float, float]) -> list[dict[str, Any]]:
        """Share within support times its effect, plus the share outside times the largest effects either way."""
        low, high = outcome_range
        values = self.s.y
        if values.min() < low or values.max() > high:
            raise UsageError(
                f"outcome_range={outcome_range} does not hold the outcomes, which run from {values.min():g} to {values.max():g}."
            )
        found = self.estimate(~away)
        total = self.load.sum() + (self.s.n if self.target == "everyone" else 0)
        out = float(self.load @ away / total)
        rows = []
        for arm in range(1, len(self.s.arms)):
            estimate, se, df = self.contrast(found.target.means, found.target.influence, arm)
            half = t_quantile(1 - (1 - self.conf_level) / 2, df) * se * (1 - out)
            lower, upper = (1 - out) * estimate - out * (high - low), (1 - out) * estimate + out * (high - low)
            rows.append(
                {"contrast": f"{self.s.arms[arm]} - {self.s.arms[0]}", "lower": lower, "upper": upper, "conf_low": lower - half, "conf_high": upper + half}
            )  # fmt: skip
        return rows

    def balance(self, found: _Found) -> list[dict[str, Any]]:
        """Covariate by covariate: target, trial, and the arms as weighted."""
        people = found.people
        wanted, X = people.wanted, people.X
        target = wanted @ people.rows
        sd = np.sqrt(np.maximum(wanted @ (people.rows - target) ** 2, 0.0))
        rows = []
        for j, name in enumerate(self.columns.names, start=1):
            row: dict[str, Any] = {"covariate": name, "population": float(target[j]), "trial": float(X[:, j].mean())}
            row["difference"] = _in_sds(row["trial"] - row["population"], sd[j])
            if found.target.weights is not None:
                for a, label in enumerate(self.s.arms):
                    inside = self.s.arm == a
                    row[f"weighted_{label}"] = float(found.target.weights[inside] @ X[inside, j])
                    row[f"difference_{label}"] = _in_sds(row[f"weighted_{label}"] - row["population"], sd[j])
            rows.append(row)
        return rows

    def effective_n(self, found: _Found) -> dict[str, float]:
        w = found.target.weights
        if w is None:
            return {}
        return {str(label): float(1 / (w[self.s.arm == a] ** 2).sum()) for a, label in enumerate(self.s.arms)}

    def _no_overlap(self, model: Participation) -> str:
        assert model.separated is not None
        names = [n for n, d in zip(self.columns.names, model.separated[1:]) if abs(d) > 1e-9]
        return (
            f"the trial and the population do not overlap: {shown(names)} tell some of their people apart for certain, so that no weights carry the one to the other. "
            "Leave out the people whom the other table has nothing of (outside='drop'), merge categories, or use method='outcome_model', which extrapolates."
        )

    def _no_balance(self, people: People, arm: int) -> str:
        inside = people.arm == arm
        target = people.wanted @ people.rows
        x = people.X[inside]
        beyond = [n for j, n in enumerate(self.columns.names, 1) if not x[:, j].min() < target[j] < x[:, j].max()]
        what = (
            f"the mean of {shown(beyond)} lies outside the range of that arm"
            if beyond
            else "that combination of means lies outside what that arm holds"
        )
        return (
            f"no weights give arm {self.s.arms[arm]!r} the means of the target population: {what}. Leave covariates out, use outside='drop', or "
            "method='outcome_model', which extrapolates."
        )


def allocation_shares(s: Sample) -> FloatArray:
    """(n,) share of the own arm among the people analysed, within the stratum where there are strata with people of every arm."""
    arms = range(len(s.arms))
    share = np.array([(s.arm == a).mean() for a in arms])[s.arm]
    if s.stratum is None:
        return share
    counts = np.array([[((s.stratum == z) & (s.arm == a)).sum() for a in arms] for z in range(int(s.stratum.max()) + 1)])
    if (counts[counts.sum(axis=1) > 0] == 0).any():
        return share
    return np.asarray((counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))[s.stratum, s.arm])


def _in_sds(gap: float, sd: float) -> float:
    return gap / sd if sd > 0 else (0.0 if abs(gap) < 1e-12 else math.nan)


def _check(
    trial: Trial,
    outcome: str,
    covariates: Sequence[str],
    method: str,
    target: str,
    outside: str,
    outcome_range: tuple[float, float] | None,
) -> None:
    if method not in get_args(Method):
        raise UsageError(f"method={method!r} is unknown: it is {shown(get_args(Method))}.")
    if target not in TARGETS:
        raise UsageError(f"target={target!r} is unknown: it is 'outside' or 'everyone'.")
    if outside not in ("keep", "drop"):
        raise UsageError(f"outside={outside!r} is unknown: it is 'keep' or 'drop'.")
    if trial.weights is not None:
        raise UsageError("transport makes weights of its own: give a Trial without weights.")
    if outcome_range is not None and not outcome_range[0] < outcome_range[1]:
        raise UsageError(f"outcome_range={outcome_range} must be the lowest and the highest possible outcome.")
    taken = [c for c in covariates if not isinstance(covariates, str) and c in (outcome, trial.arm, trial.group)]
    if taken:
        raise UsageError(f"covariates holds '{taken[0]}', which is the outcome, the arm or the group: leave it out.")
    if trial.n < 4:
        raise EstimationError(f"the trial has {trial.n} people: too few to carry an effect anywhere.")


def _notes(s: Sample, away: BoolArray, outside: str, found: _Found) -> list[Note]:
    text = "the effect in the population is that of people with the same covariates in the trial: what is not among the covariates is assumed not to change it."
    notes = [Note("transportability", text)]
    if away.any():
        done = "are left out" if outside == "drop" else "are reached by extrapolation"
        notes.append(
            Note(
                "outside_support",
                f"{int(away.sum())} of {len(away)} rows of the population lie outside the trial's support and {done}.",
            )
        )
    weights = found.target.weights
    if weights is not None:
        heavy = [
            f"arm {label!r} counts as {1 / (weights[s.arm == a] ** 2).sum():.0f} of {int((s.arm == a).sum())}, its heaviest person has {100 * weights[s.arm == a].max():.0f}% "
            "of the weight"
            for a, label in enumerate(s.arms)
            if 1 / (weights[s.arm == a] ** 2).sum() < 0.5 * (s.arm == a).sum() or weights[s.arm == a].max() > 0.1
        ]
        if heavy:
            notes.append(
                Note(
                    "few_carry_much", f"few people carry much of the weight: {'; '.join(heavy)}. Intervals may then be too short."
                )
            )
    return notes
