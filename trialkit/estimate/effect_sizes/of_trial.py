"""Effect sizes estimated from a trial, with intervals that respect strata, clusters and groups.

A function of the arms' shares, f(p1) - f(p0), is estimated through scores q_i = f(p_a) + f'(p_a) (y_i - p_a): their mean difference is the
effect size, and its standard error by any estimator of a mean difference is the delta method's. Placements do the same for ranks. So the
difference in means of `tk.itt` brings CR2 and the degrees of freedom of the grouped working covariance to all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from trialkit.errors import EstimationError, UsageError, ValueTypeError
from trialkit.estimate.analysis import estimates, notes_of
from trialkit.estimate.effect_sizes.conversions import LOG_ODDS_OF_D
from trialkit.estimate.effect_sizes.results import EffectMeasure, EffectSize, tested
from trialkit.estimate.linear import difference_in_means
from trialkit.estimate.parts import two_arm_trial, with_outcome
from trialkit.estimate.request import Request, arm_pairs
from trialkit.estimate.sample import Sample, sample
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.inference.distributions import TTest, t_test
from trialkit.inference.effect_sizes import placements, pre_post_d
from trialkit.misuse import explained
from trialkit.printed import counted_people
from trialkit.results import Estimate, Note
from trialkit.trial import Trial, rows_text

Contrasts = Literal["control", "all"]


@dataclass(frozen=True, slots=True)
class _Difference:
    """Differences in means of scores: rows, the arms of each row, and what to say of them."""

    estimates: tuple[Estimate, ...]
    contrasts: list[list[int]]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class _Transform:
    """f and f' of a share, and what their difference is called."""

    value: Callable[[float], float]
    slope: Callable[[float], float]
    estimand: str
    method: str


def _logit(factor: float, estimand: str, method: str) -> _Transform:
    return _Transform(lambda p: math.log(p / (1 - p)) / factor, lambda p: 1 / (p * (1 - p) * factor), estimand, method)


def _arcsine(p: float) -> float:
    return 2 * math.asin(math.sqrt(p))


_H = _Transform(_arcsine, lambda p: 1 / math.sqrt(p * (1 - p)), "difference of arcsine-transformed shares", "Cohen h")
_COX = _logit(LOG_ODDS_OF_D["cox"], "log odds ratio / 1.65, in SDs", "Cox d")
_LOGIT = _logit(LOG_ODDS_OF_D["logit"], "log odds ratio x sqrt(3)/pi, in SDs", "logit d")


@explained
def cohens_h(trial: Trial, outcome: str, *, contrasts: Contrasts = "control", conf_level: float = 0.95) -> EffectMeasure:
    """Cohen's h of an outcome of 0 and 1: the difference of 2 arcsin(sqrt(share)).

    Parameters
    ----------
    trial, outcome : the data and a column of 0 and 1.
    contrasts : each arm against 'control', or 'all' pairs.
    conf_level : of the intervals, which respect strata, clusters and groups.

    Raises
    ------
    ValueTypeError, EstimationError
        An outcome that is not 0 and 1, or an arm in which everyone is the same.

    References
    ----------
    Cohen (1988), chapter 6.

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> d = pd.DataFrame({"arm": ["peer"] * 40 + ["solo"] * 40, "job": [1] * 22 + [0] * 18 + [1] * 12 + [0] * 28})
    >>> round(tk.effect_size.cohens_h(tk.Trial(d, arm="arm", control="solo"), "job").estimate, 3)
    0.512
    """
    return EffectMeasure(*_of_shares(trial, outcome, _H, contrasts, conf_level))


@explained
def cox_d(trial: Trial, outcome: str, *, contrasts: Contrasts = "control", conf_level: float = 0.95) -> EffectSize:
    """Cox's d of an outcome of 0 and 1: the log odds ratio over 1.65, near the effect on a latent normal outcome.

    Arguments and errors as in `cohens_h`; no small-sample factor. Source: Sanchez-Meca, Marin-Martinez & Chacon-Moscoso (2003).

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> d = pd.DataFrame({"arm": ["peer"] * 40 + ["solo"] * 40, "job": [1] * 22 + [0] * 18 + [1] * 12 + [0] * 28})
    >>> round(tk.effect_size.cox_d(tk.Trial(d, arm="arm", control="solo"), "job").estimate, 3)
    0.635
    """
    return EffectSize(*_of_shares(trial, outcome, _COX, contrasts, conf_level))


@explained
def logit_d(trial: Trial, outcome: str, *, contrasts: Contrasts = "control", conf_level: float = 0.95) -> EffectSize:
    """The log odds ratio times sqrt(3)/pi: the effect on a latent logistic outcome, in its SDs.

    Arguments and errors as in `cohens_h`. Source: Hasselblad & Hedges (1995).

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> d = pd.DataFrame({"arm": ["peer"] * 40 + ["solo"] * 40, "job": [1] * 22 + [0] * 18 + [1] * 12 + [0] * 28})
    >>> round(tk.effect_size.logit_d(tk.Trial(d, arm="arm", control="solo"), "job").estimate, 3)
    0.578
    """
    return EffectSize(*_of_shares(trial, outcome, _LOGIT, contrasts, conf_level))


@explained
def common_language(trial: Trial, outcome: str, *, contrasts: Contrasts = "control", conf_level: float = 0.95) -> EffectMeasure:
    """Probability that a person of the arm scores above a person of the control arm, ties counted half; .5 is no effect.

    For any ordered outcome. Test and interval are on the log odds of this probability, so that they stay inside 0 to 1, with the placement
    variance of people, clusters or groups and its degrees of freedom. With strata, people are weighted so that both arms have the
    strata of the sample.

    Parameters
    ----------
    trial, outcome : the data and a numeric column.
    contrasts : each arm against 'control', or 'all' pairs.
    conf_level : of the intervals.

    References
    ----------
    McGraw & Wong (1992); Vargha & Delaney (2000); DeLong, DeLong & Clarke-Pearson (1988).

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> d = pd.DataFrame({"arm": ["peer"] * 4 + ["solo"] * 4, "rating": [2, 3, 4, 1, 1, 2, 1, 3]})
    >>> tk.effect_size.common_language(tk.Trial(d, arm="arm", control="solo"), "rating").estimate
    0.6875
    """
    return _superiority(trial, outcome, contrasts, conf_level, delta=False)


@explained
def cliffs_delta(trial: Trial, outcome: str, *, contrasts: Contrasts = "control", conf_level: float = 0.95) -> EffectMeasure:
    """Cliff's delta: P(arm above control) - P(arm below control), from -1 to 1; `common_language` on another scale.

    Arguments as in `common_language`. Source: Cliff (1993).

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> d = pd.DataFrame({"arm": ["peer"] * 4 + ["solo"] * 4, "rating": [2, 3, 4, 1, 1, 2, 1, 3]})
    >>> tk.effect_size.cliffs_delta(tk.Trial(d, arm="arm", control="solo"), "rating").estimate
    0.375
    """
    return _superiority(trial, outcome, contrasts, conf_level, delta=True)


@explained
def pre_post_control(
    trial: Trial, outcome: str, *, baseline: str, contrasts: Contrasts = "control", conf_level: float = 0.95
) -> EffectSize:
    """d_ppc2: the difference in mean change over the pooled SD of the pretest, small-sample corrected (Morris 2008).

    The treatment cannot have touched the pretest SD. People without the pretest have no change and are left out. For independent people the
    variance is Morris' equation 25; with strata, clusters, groups or weights it is that of the difference in change, with its degrees of
    freedom, plus d^2/(2 (n - 2)) for the SD.

    Parameters
    ----------
    trial, outcome : the data and the posttest.
    baseline : the pretest, in the same units.
    contrasts : each arm against 'control', or 'all' pairs.
    conf_level : of the intervals.

    Returns
    -------
    EffectSize
        `.estimate .variance .correlation`, the last between pretest and posttest within arms.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 50, "y0": rng.normal(size=100)})
    >>> d["y1"] = d["y0"] + 0.5 * (d["arm"] == "peer") + rng.normal(size=100) / 2
    >>> found = tk.effect_size.pre_post_control(tk.Trial(d, arm="arm", control="solo"), "y1", baseline="y0")
    >>> bool(found.conf_low < found.estimate < found.conf_high)
    True
    """
    s = sample(trial, outcome, (), "impute")
    pre = trial.values(baseline)[s.rows]
    known = np.isfinite(pre)
    change = _difference(_scored(trial, s, s.y - pre), _request(outcome, contrasts, conf_level))
    plain = not (s.clustered or trial.strata or s.weights is not None)
    rows, parts = [], []
    for e, (arm, reference) in zip(change.estimates, change.contrasts):
        inside = np.isin(s.arm, (arm, reference)) & known
        _check_pretest(pre[inside], s.arm[inside] == arm, baseline)
        found = pre_post_d(pre=pre[inside], post=s.y[inside], treated=s.arm[inside] == arm)
        d, variance = found.d, found.variance
        if not plain:
            raw = e.estimate / found.sd
            d, variance = found.j * raw, found.j**2 * (e.std_error**2 / found.sd**2 + raw**2 / (2 * found.df))
        se = math.sqrt(variance)
        estimand = f"{e.estimand} on the change, in SDs of '{baseline}'"
        rows.append(tested(e, d, se, t_test(d, se, e.df, conf_level), estimand=estimand, method=f"d_ppc2, {e.method}"))
        parts.append({"contrast": e.contrast, "correlation": found.correlation, "sd": found.sd, "j": found.j})
    notes = [*s.notes, *_own_notes(change, s)]
    if not known.all():
        lost = int((~known).sum())
        notes.append(
            Note(
                "baseline_missing",
                counted_people(lost, f"with '{outcome}' have no '{baseline}', so no change, and are left out."),
            )
        )
    return EffectSize(tuple(rows), tuple(notes), {"kind": "dppc2", "contrasts": change.contrasts, "parts": parts})


def _check_pretest(pre: FloatArray, treated: BoolArray, baseline: str) -> None:
    for inside in (treated, ~treated):
        if int(inside.sum()) < 3:
            raise EstimationError(
                f"an arm has {int(inside.sum())} people with '{baseline}' and the outcome: an SD and a change need more."
            )
    if max(np.ptp(pre[treated]), np.ptp(pre[~treated])) <= 1e-12 * max(1.0, float(np.abs(pre).max())):
        raise EstimationError(
            f"the pretest '{baseline}' is the same for everyone within the arms: it has no SD to standardize by."
        )


def _of_shares(
    trial: Trial, outcome: str, transform: _Transform, contrasts: Contrasts, conf_level: float
) -> tuple[tuple[Estimate, ...], tuple[Note, ...], dict[str, object]]:
    """Rows of f(p1) - f(p0)."""
    s = sample(trial, outcome, (), "impute")
    other = (s.y != 0) & (s.y != 1)
    if other.any():
        where = np.zeros(trial.n, dtype=bool)
        where[s.rows[other]] = True
        raise ValueTypeError(
            f"{transform.method} needs an outcome of 0 and 1, but '{outcome}' is {s.y[other][0]:g} in {rows_text(where)}: recode it."
        )
    scores, shares = np.empty(s.n), {}
    weights = _standardizing(s, np.ones(s.n, dtype=bool))
    for code, label in enumerate(s.arms):
        inside = s.arm == code
        p = float(weights[inside] @ s.y[inside])
        if s.y[inside].min() == s.y[inside].max():
            raise EstimationError(
                f"everyone in arm {label!r} has '{outcome}' = {s.y[inside][0]:g}: {transform.method} has no standard error there. Report the risk difference."
            )
        shares[str(label)] = p
        scores[inside] = transform.value(p) + transform.slope(p) * (s.y[inside] - p)
    found = _difference(_scored(trial, s, scores), _request(outcome, contrasts, conf_level))
    rows = tuple(replace(e, estimand=transform.estimand, method=f"{transform.method}, {e.method}") for e in found.estimates)
    notes = (*s.notes, *_own_notes(found, s))
    return rows, notes, {"kind": transform.method, "contrasts": found.contrasts, "shares": shares}


def _superiority(trial: Trial, outcome: str, contrasts: Contrasts, conf_level: float, *, delta: bool) -> EffectMeasure:
    request = _request(outcome, contrasts, conf_level)
    s = sample(trial, outcome, (), "impute")
    pairs = arm_pairs(len(s.arms), contrasts)
    rows, notes = [], list(s.notes)
    for arm, reference in pairs:
        inside = np.isin(s.arm, (arm, reference))
        weights = _standardizing(s, inside)
        scores = np.zeros(s.n)
        scores[inside] = placements(y=s.y[inside], treated=s.arm[inside] == arm, weights=weights[inside])
        treated = inside & (s.arm == arm)
        if np.ptp(scores[treated]) == 0 and np.ptp(scores[inside & ~treated]) == 0:
            e, probability = _apart(s, outcome, arm, reference, conf_level), float(weights[treated] @ scores[treated])
            notes.append(
                Note(
                    "no_overlap",
                    f"{e.contrast}: no person of one arm scores between people of the other, so there is no interval.",
                )
            )
        else:
            found = _difference(two_arm_trial(_scored(trial, s, scores), arm, reference), replace(request, contrasts="control"))
            e, probability = found.estimates[0], (1 + found.estimates[0].estimate) / 2
            notes += _own_notes(found, s)
        rows.append(_superiority_row(e, probability, delta))
    kind = "cliffs_delta" if delta else "common_language"
    return EffectMeasure(tuple(rows), tuple(dict.fromkeys(notes)), {"kind": kind, "contrasts": [list(p) for p in pairs]})


def _superiority_row(e: Estimate, probability: float, delta: bool) -> Estimate:
    """Test and interval on the log odds of the probability, whose standard error is that of the placements' mean difference."""
    test = TTest(math.nan, math.nan, math.nan, math.nan)
    if 0 < probability < 1 and e.std_error > 0:
        odds = math.log(probability / (1 - probability))
        on_log = t_test(odds, e.std_error / (probability * (1 - probability)), e.df, e.conf_level)
        low, high = (1 / (1 + math.exp(-v)) for v in (on_log.conf_low, on_log.conf_high))
        test = TTest(on_log.statistic, on_log.p_value, low, high)
    if not delta:
        return tested(
            e, probability, e.std_error, test, estimand="probability of superiority", method=f"common-language effect, {e.method}"
        )
    ends = TTest(test.statistic, test.p_value, 2 * test.conf_low - 1, 2 * test.conf_high - 1)
    return tested(e, 2 * probability - 1, 2 * e.std_error, ends, estimand="Cliff's delta", method=f"Cliff's delta, {e.method}")


def _apart(s: Sample, outcome: str, arm: int, reference: int, conf_level: float) -> Estimate:
    """A row without a standard error."""
    inside = np.isin(s.arm, (arm, reference))
    nan = math.nan
    return Estimate(
        outcome, "", f"{s.arms[arm]} - {s.arms[reference]}", nan, nan, nan, nan, nan, nan, nan, conf_level, int(inside.sum()),
        len(np.unique(s.unit_of_variance[inside])), s.groups_in(inside), "placements", "none",
    )  # fmt: skip


def _standardizing(s: Sample, inside: BoolArray) -> FloatArray:
    """Weights that sum to one within each arm and give every arm the strata of all people `inside`."""
    own = np.ones(s.n) if s.weights is None else s.weights
    stratum = np.zeros(s.n, dtype=np.int64) if s.stratum is None else s.stratum
    out = np.zeros(s.n)
    arms = np.unique(s.arm[inside])
    for j in np.unique(stratum[inside]):
        here = inside & (stratum == j)
        cells = [here & (s.arm == a) for a in arms]
        if all(
            c.any() for c in cells
        ):  # a stratum without one of the arms has no difference; the estimator refuses or reports it
            for c in cells:
                out[c] = own[c] / own[c].sum() * own[here].sum()
    for a in arms:
        total = out[inside & (s.arm == a)].sum()
        out[inside & (s.arm == a)] /= total if total > 0 else 1.0
    return out


def _request(outcome: str, contrasts: Contrasts, conf_level: float) -> Request:
    if contrasts not in ("control", "all"):
        raise UsageError(
            f"contrasts={contrasts!r} is unknown: effect sizes of a trial are for each arm against 'control' or for 'all' pairs."
        )
    return Request(
        outcome=outcome, adjust=(), estimator="difference_in_means", measure="mean_difference", covariance="auto", df="auto", strata_effects="auto",
        average="participant", contrasts=contrasts, covariate_missing="impute", conf_level=float(conf_level),
    )  # fmt: skip


def _scored(trial: Trial, s: Sample, scores: FloatArray) -> Trial:
    """The trial with scores in the place of the outcome."""
    column = np.full(trial.n, np.nan)
    column[s.rows] = scores
    return with_outcome(trial, s.outcome, column)


def _difference(trial: Trial, request: Request) -> _Difference:
    """The difference in means of the scores, with the variance of the design."""
    found = difference_in_means.run(trial, request)
    return _Difference(estimates(found, request), [[c.arm, c.reference] for c in found.contrasts], notes_of(found))


def _own_notes(found: _Difference, s: Sample) -> list[Note]:
    """Notes of the difference in means that the sample has not already given."""
    return [n for n in found.notes if n not in s.notes and n.code not in ("outcome_missing", "informative_size")]
