"""Exact tests and intervals of two proportions, without covariates: for counts so small that a normal approximation does not hold.

| measure | interval='exact' (default) | 'mid_p' | 'score' | 'newcombe' |
|---|---|---|---|---|
| risk difference, risk ratio | unconditional, ordered by the score (Chan & Zhang 1999) | | Miettinen & Nurminen | difference only |
| odds ratio | conditional (Fisher, Cornfield), central | conditional, mid-p | Miettinen & Nurminen | |

'exact' covers at least at its level, 'mid_p' and 'score' nearly so with shorter intervals. The p-value belongs to the interval: twice the
smaller exact tail, or the score test's; Newcombe's interval stands beside the score test. There is no standard error. For independent
people: groups and clusters are refused, because no exact distribution follows from counts then.
"""

from __future__ import annotations

import math

import numpy as np

from trialkit.errors import CombinationError, EstimationError, UsageError, nearest, shown
from trialkit.estimate.analysis import Analysis, Contrast
from trialkit.estimate.averages import estimand_name
from trialkit.estimate.outcomes.rare import check_any_event
from trialkit.estimate.request import Request, arm_pairs
from trialkit.estimate.sample import Sample, sample
from trialkit.estimate.strata import shares_differ
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import TTest
from trialkit.inference.outcomes.exact_binomial import TABLES, ExactTest, conditional_odds_ratio, unconditional
from trialkit.inference.outcomes.score_binomial import Kind, newcombe_interval, score_interval, score_statistic
from trialkit.results import Note
from trialkit.trial import Trial

KINDS: dict[str, Kind] = {"risk_difference": "difference", "risk_ratio": "ratio", "odds_ratio": "odds"}
ABLE = {
    "risk_difference": ("exact", "score", "newcombe"),
    "risk_ratio": ("exact", "score"),
    "odds_ratio": ("exact", "mid_p", "score"),
}
WORDS = {
    ("exact", False): "exact unconditional test (score order)",
    ("exact", True): "Fisher's exact test, conditional estimate",
    ("mid_p", True): "mid-p conditional test, conditional estimate",
    ("score", False): "score test",
    ("score", True): "score test",
    ("newcombe", False): "score test, Newcombe's hybrid interval",
}


def run(trial: Trial, request: Request) -> Analysis:
    """Every pair of arms of a request, each from the counts of its two arms."""
    interval = _interval(request)
    if request.adjust:
        raise CombinationError("estimator='exact' takes no adjust: use estimator='g_computation' with covariates.")
    if trial.weights is not None or request.average != "participant":
        raise CombinationError("estimator='exact' counts people: it takes no weights and no group average.")
    check_any_event(trial, request.outcome)
    s = sample(trial, request.outcome, (), request.covariate_missing)
    if s.clustered:
        what = "clusters" if s.cluster is not None else "groups"
        raise CombinationError(
            f"estimator='exact' is for independent people; these have {what}, whose members are alike. Use estimator='g_computation', and "
            "tk.randomization_test where events are few."
        )
    if trial.strata and shares_differ(trial):
        raise EstimationError(
            "the shares of the arms differ by stratum, so counts that leave the strata out are confounded by them. Use "
            "estimator='difference_in_means' or 'g_computation', which average over the strata, and tk.randomization_test where events are few."
        )
    notes = [Note("no_std_error", "an exact or score interval has no standard error; the statistic is that of the score test.")]
    if trial.strata:
        notes.append(Note("strata_ignored", "exact tests here do not count the strata; tk.randomization_test does."))
    contrasts, influence = [], []
    for arm, reference in arm_pairs(len(s.arms), request.contrasts):
        contrasts.append(_contrast(s, request, interval, arm, reference))
        influence.append(_influence(s, arm, reference))
    odds = request.measure == "odds_ratio"
    return Analysis(
        s, tuple(contrasts), estimand_name("participant"), WORDS[(interval, odds)], _covariance_words(interval, odds), tuple(notes),
        {"interval": interval}, influence=tuple(influence),
    )  # fmt: skip


def _interval(request: Request) -> str:
    interval = str(request.options.get("interval", "exact"))
    able = ABLE[request.measure]
    if interval not in able:
        near = nearest(interval, able)
        raise UsageError(
            f"interval='{interval}' does not go with measure='{request.measure}': it is one of {shown(able)}.{f' Did you mean {near!r}?' if near else ''}"
        )
    return interval


def _covariance_words(interval: str, odds: bool) -> str:
    if interval == "exact":
        return "none (conditional)" if odds else "none (unconditional)"
    return {"mid_p": "none (conditional)", "score": "under the value tested", "newcombe": "Wilson"}[interval]


def _contrast(s: Sample, request: Request, interval: str, arm: int, reference: int) -> Contrast:
    x1, x0 = (int(s.y[s.arm == a].sum()) for a in (arm, reference))
    n1, n0 = (int((s.arm == a).sum()) for a in (arm, reference))
    kind = KINDS[request.measure]
    if interval == "exact" and kind != "odds" and (n1 + 1) * (n0 + 1) > TABLES:
        raise CombinationError(
            f"{n1} and {n0} people are too many for the exact unconditional interval, which is for small trials: say interval='score', or use "
            "estimator='g_computation'."
        )
    null = 0.0 if kind == "difference" else 1.0
    statistic = float(score_statistic(x1=np.asarray(x1), n1=n1, x0=np.asarray(x0), n0=n0, kind=kind, value=null))
    found = _found(x1, n1, x0, n0, kind, interval, request.conf_level, statistic)
    if request.measure != "risk_difference":
        found = ExactTest(_log(found.estimate), found.p_value, _log(found.conf_low), _log(found.conf_high))
    exact = interval in ("exact", "mid_p")
    test = TTest(statistic, found.p_value, found.conf_low, found.conf_high)
    return Contrast(arm, reference, found.estimate, math.nan, math.nan if exact else math.inf, "", test)


def _found(x1: int, n1: int, x0: int, n0: int, kind: Kind, interval: str, conf_level: float, statistic: float) -> ExactTest:
    if interval in ("exact", "mid_p") and kind == "odds":
        return conditional_odds_ratio(x1=x1, n1=n1, x0=x0, n0=n0, conf_level=conf_level, mid_p=interval == "mid_p")
    if interval == "exact":
        return unconditional(x1=x1, n1=n1, x0=x0, n0=n0, kind=kind, conf_level=conf_level)
    limits = (
        newcombe_interval(x1=x1, n1=n1, x0=x0, n0=n0, conf_level=conf_level)
        if interval == "newcombe"
        else score_interval(x1=x1, n1=n1, x0=x0, n0=n0, kind=kind, conf_level=conf_level)
    )
    p = math.erfc(abs(statistic) / math.sqrt(2))
    return ExactTest(_sample_value(x1, n1, x0, n0, kind), p, *limits)


def _sample_value(x1: int, n1: int, x0: int, n0: int, kind: Kind) -> float:
    if kind == "difference":
        return x1 / n1 - x0 / n0
    above, below = (x1 * n0, x0 * n1) if kind == "ratio" else (x1 * (n0 - x0), x0 * (n1 - x1))
    return above / below if below else math.inf if above else math.nan


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf if value == 0 else math.nan


def _influence(s: Sample, arm: int, reference: int) -> FloatArray:
    """(n,) values of the difference in proportions, for families of tests."""
    out = np.zeros(s.n)
    for a, sign in ((arm, 1.0), (reference, -1.0)):
        inside = s.arm == a
        out[inside] = sign * (s.y[inside] - s.y[inside].mean()) / inside.sum()
    return out
