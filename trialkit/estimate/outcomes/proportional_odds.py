"""Proportional odds: one odds ratio of a better category, the same at every cut of an ordered outcome, and the check of that sameness.

logit P(Y >= category | arm, x) = -theta + tau_arm + x'g, maximum likelihood (inference/outcomes/proportional_odds.py). Ratios are exp(tau).

- Covariance: 'classical' is the inverse information (the default for people alone), 'HC0' the sandwich, 'CR2' (the default with groups or
  clusters) works on the values that sum to the estimate's error, as means of each arm (and stratum): factors 1/(1 - n_g/n_arm) and df under the
  grouped working covariance.
- Strata and covariates enter as columns, so the odds ratio is conditional on them: it lies further from 1 than the unadjusted one even when the
  arms are perfectly balanced (odds ratios do not collapse).
- Proportionality is an assumption. Always reported: the odds ratio at each cut on its own, and Brant's Wald test that they are equal, with
  a covariance that respects groups; F with Hotelling's correction where degrees of freedom are few.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialkit.errors import CombinationError, EstimationError, shown
from trialkit.estimate.analysis import Analysis, Contrast
from trialkit.estimate.averages import apply_average
from trialkit.estimate.fit_notes import dependence_ignored
from trialkit.estimate.itt_result import IttResult
from trialkit.estimate.linear.ancova import strata_rule
from trialkit.estimate.outcomes.linearized import Linearized, by_arm, collinear_notes
from trialkit.estimate.outcomes.win_odds import direction
from trialkit.estimate.request import Request, arm_pairs
from trialkit.estimate.sample import Sample, sample
from trialkit.estimate.strata import centred_indicators, strata_names
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.distributions import t_test
from trialkit.inference.outcomes.proportional_odds import CumulativeLogit, cumulative_logit, unit_covariance
from trialkit.inference.outcomes.win_odds import tied_levels
from trialkit.printed import p_text
from trialkit.results import Note
from trialkit.trial import Trial

MOST_CATEGORIES = 50


@dataclass(frozen=True, slots=True)
class Proportionality:
    """Wald test that the odds ratios at all cuts are equal; NaN where fewer than two cuts have one."""

    statistic: float
    df_num: float
    df_denom: float
    p_value: float


@dataclass(frozen=True)
class ProportionalOddsResult(IttResult):
    """Common odds ratios, one contrast a row; `.proportionality` is the check of the first, `.cuts` the odds ratio at each cut.

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 9, "rating": [1, 2, 2, 1, 3, 3, 1, 3, 2, 2, 3, 3, 1, 2, 2, 3, 1, 1]})
    >>> r = tk.itt(tk.Trial(d, arm="arm", control="solo"), "rating", measure="proportional_odds")
    >>> r.cuts[["cut", "n_arm", "n_reference"]].to_numpy().tolist()
    [['at least 2', 7, 5], ['at least 3', 4, 2]]
    """

    kind = "proportional_odds"

    @property
    def proportionality(self) -> Proportionality:
        return self.proportionality_of(0)

    def proportionality_of(self, row: int) -> Proportionality:
        """The check of a row of the result."""
        found = self.details["proportionality"][row]
        return Proportionality(**{k: math.nan if v is None else float(v) for k, v in found.items()})

    @property
    def cuts(self) -> pd.DataFrame:
        """The odds ratio of each cut on its own, with the counts on its better side."""
        return pd.DataFrame(self.details["cuts"])

    @property
    def thresholds(self) -> list[float]:
        """Log odds of a worse category at each cut, in the control arm with all covariates zero."""
        return [float(t) for t in self.details["thresholds"]]


@dataclass(frozen=True, slots=True)
class _Scale:
    """The ordered outcome: category codes from worst to best, the value of each, and how cuts are named."""

    category: IntArray
    levels: FloatArray
    word: str

    def cut(self, j: int) -> str:
        return f"{self.word} {self.levels[j]:g}"


def run(trial: Trial, request: Request) -> Analysis:
    """Proportional odds of a request."""
    adjust = tuple(a for a in request.adjust if a not in trial.strata)
    base = sample(trial, request.outcome, adjust, request.covariate_missing)
    s = apply_average(base, request.average)
    scale = _scale(s, request)
    X, names, notes = _columns(trial, s, request)
    fit = cumulative_logit(category=scale.category, X=X, weights=s.weights)
    _check_fit(s, fit, names)
    notes += collinear_notes(X, fit.kept, names, range(len(s.arms) - 1))
    kind = _kind(s, request)
    pairs = arm_pairs(len(s.arms), request.contrasts)
    vectors = [_vector(fit, a, b) for a, b in pairs]
    spreads = [_spread(s, fit, v, kind, request) for v in vectors]
    contrasts = tuple(
        Contrast(a, b, float(v @ fit.coef[fit.kept]), w.std_error, w.df) for (a, b), v, w in zip(pairs, vectors, spreads)
    )
    checks = [_check_cuts(s, scale, X, a, b, request) for a, b in pairs]
    notes += [*_empty(s, scale), *(n for w in spreads for n in w.notes), *(c.note for c in checks)]
    given = X.shape[1] > len(s.arms) - 1
    if given:
        text = "the odds ratio compares people with the same covariates and strata; as a rule it lies further from 1 than the unadjusted one even in balanced arms."
        notes.append(Note("conditional_odds_ratio", text))
    if kind == "classical" and s.clustered:
        notes.append(dependence_ignored(s, "classical"))
    return Analysis(
        base, contrasts, "common odds ratio" + (" at equal covariates" if given else ""),
        "proportional-odds logit", spreads[0].covariance, tuple(notes),
        {
            "cuts": [row for c in checks for row in c.rows], "proportionality": [_numbers(c.test) for c in checks],
            "thresholds": fit.thresholds.tolist(), "loglik": fit.loglik, "better": "lower" if direction(request) < 0 else "higher",
        },
        influence=tuple(w.influence for w in spreads), result=ProportionalOddsResult,
    )  # fmt: skip


def _numbers(test: Proportionality) -> dict[str, float]:
    return {"statistic": test.statistic, "df_num": test.df_num, "df_denom": test.df_denom, "p_value": test.p_value}


def _scale(s: Sample, request: Request) -> _Scale:
    sign = direction(request)
    code, values = tied_levels(sign * s.y)
    if len(values) > MOST_CATEGORIES:
        raise EstimationError(
            f"'{s.outcome}' has {len(values)} different values: proportional odds is for ordered categories (at most {MOST_CATEGORIES}). Use "
            "measure='win_odds', which needs no categories, or make categories of it beforehand."
        )
    return _Scale(code, sign * values, "at least" if sign > 0 else "at most")


def _columns(trial: Trial, s: Sample, request: Request) -> tuple[FloatArray, list[str], list[Note]]:
    """Arms, strata and covariates; the arms are columns 0, 1, ..."""
    parts = [s.arm_indicators]
    names = [f"arm {a}" for a in s.arms[1:]]
    notes = []
    if request.strata_effects == "interacted":
        raise CombinationError(
            "estimator='proportional_odds' has one odds ratio for all strata: leave strata_effects out, or use tk.subgroups."
        )
    rule, unequal = strata_rule(trial, request)
    if rule != "none":
        indicators, used = centred_indicators(s, strata_names(trial))
        parts.append(indicators)
        names += [f"stratum {u}" for u in used]
    if unequal and rule != "none":
        text = "shares of the arms differ by stratum: the odds ratio is taken as the same in every stratum."
        notes.append(Note("strata_common", text))
    return np.concatenate([*parts, s.X], axis=1), [*names, *s.terms], notes


def _check_fit(s: Sample, fit: CumulativeLogit, names: Sequence[str]) -> None:
    if fit.endless.any():
        guilty = [names[j] for j in fit.kept[fit.endless]]
        raise EstimationError(
            f"the odds ratio of {shown(guilty)} on '{s.outcome}' is infinite: it tells categories apart without exception. Merge categories, "
            "leave the covariate out, or use measure='win_odds'."
        )
    if not fit.converged:
        raise EstimationError(f"the model of '{s.outcome}' did not converge: merge sparse categories, or use measure='win_odds'.")


def _kind(s: Sample, request: Request) -> str:
    kind = request.covariance
    if kind == "auto":
        kind = "CR2" if s.clustered else "HC0" if s.weights is not None else "classical"
    if kind == "CR2" and not s.clustered:
        raise CombinationError("covariance='CR2' needs groups or clusters: use 'classical' or 'HC0'.")
    if kind == "HC0" and s.clustered:
        raise CombinationError("covariance='HC0' is for people alone: with groups or clusters use 'CR2'.")
    if request.df != "auto" and kind != "CR2":
        raise CombinationError(f"df='{request.df}' goes with covariance='CR2' (groups or clusters), not with '{kind}'.")
    return kind


def _vector(fit: CumulativeLogit, arm: int, reference: int) -> FloatArray:
    """Weights of the kept coefficients; the arms are always kept."""
    out = np.zeros(len(fit.kept))
    out[arm - 1] = 1.0
    if reference:
        out[reference - 1] = -1.0
    return out


def _spread(s: Sample, fit: CumulativeLogit, vector: FloatArray, kind: str, request: Request) -> Linearized:
    """Standard error, df and values of a contrast of coefficients."""
    values = fit.values @ vector
    if kind == "CR2":
        return by_arm(s, values, df=request.df, strata=request.strata_effects != "none")
    variance = float(vector @ fit.bread @ vector) if kind == "classical" else float(values @ values)
    scaled = values * math.sqrt(variance / float(values @ values))
    return Linearized(0.0, math.sqrt(variance), math.inf, scaled, "inverse information" if kind == "classical" else "HC0", ())


@dataclass(frozen=True, slots=True)
class _CutCheck:
    rows: list[dict[str, object]]
    test: Proportionality
    note: Note


def _check_cuts(s: Sample, scale: _Scale, X: FloatArray, arm: int, reference: int, request: Request) -> _CutCheck:
    """Logits of each cut on its own, and the test that the arm's coefficients agree."""
    label = f"{s.arms[arm]} - {s.arms[reference]}"
    rows: list[dict[str, object]] = []
    logs, values, dfs = [], [], []
    for j in range(1, len(scale.levels)):
        beyond = scale.category >= j
        row: dict[str, object] = {"contrast": label, "cut": scale.cut(j), "n_arm": int(beyond[s.arm == arm].sum())}
        row |= {
            "n_reference": int(beyond[s.arm == reference].sum()),
            "odds_ratio": math.nan,
            "std_error": math.nan,
            "df": math.nan,
        }
        row |= {"conf_low": math.nan, "conf_high": math.nan}
        rows.append(row)
        fit = cumulative_logit(category=beyond.astype(np.int64), X=X, weights=s.weights)
        if not fit.converged or fit.endless.any():
            continue
        vector = _vector(fit, arm, reference)
        found = by_arm(s, fit.values @ vector, df="auto", strata=request.strata_effects != "none")
        log, df = float(vector @ fit.coef[fit.kept]), found.df if s.clustered else math.inf
        interval = t_test(log, found.std_error, df, request.conf_level)
        row |= {"odds_ratio": math.exp(log), "std_error": found.std_error, "df": df}
        row |= {"conf_low": math.exp(interval.conf_low), "conf_high": math.exp(interval.conf_high)}
        logs.append(log)
        values.append(fit.values @ vector)
        dfs.append(df)
    test = _equal(s, np.array(logs), values, min(dfs, default=math.nan))
    return _CutCheck(rows, test, _note(rows, test, len(scale.levels)))


def _equal(s: Sample, logs: FloatArray, values: list[FloatArray], df: float) -> Proportionality:
    """Hotelling's F that all logs are equal."""
    from scipy import stats  # slow to import, and most calls of the package do without it

    m = len(logs) - 1
    if m < 1:
        return Proportionality(math.nan, math.nan, math.nan, math.nan)
    stacked = np.column_stack(values)
    V = unit_covariance(values=stacked[:, 1:] - stacked[:, :1], arm=s.arm, unit=s.unit_of_variance)
    gap = logs[1:] - logs[0]
    if df - m + 1 <= 0 or np.linalg.matrix_rank(V) < m:
        return Proportionality(math.nan, float(m), math.nan, math.nan)
    wald = float(gap @ np.linalg.solve(V, gap))
    if math.isinf(df):
        return Proportionality(wald / m, float(m), math.inf, float(stats.chi2.sf(wald, m)))
    F = wald * (df - m + 1) / (df * m)
    return Proportionality(F, float(m), df - m + 1, float(stats.f.sf(F, m, df - m + 1)))


def _note(rows: list[dict[str, object]], test: Proportionality, categories: int) -> Note:
    if categories == 2:
        return Note("one_cut", "the outcome has two categories, so there is one odds ratio and nothing to check.")
    each = ", ".join(f"{r['cut']}: {r['odds_ratio']:.3g}" for r in rows)
    if math.isnan(test.p_value):
        verdict = "too few cuts (or groups) have one to test that they are equal."
        return Note("proportionality", f"odds ratios at each cut: {each}; {verdict}")
    verdict = f"test of equality p {p_text(test.p_value)}"
    if test.p_value < 0.05:
        return Note(
            "not_proportional",
            f"odds ratios at each cut: {each}; {verdict}: they differ, so the common one is an average that holds at no cut. Report the cuts, or win odds.",
        )
    return Note("proportionality", f"odds ratios at each cut: {each}; {verdict}, which does not show that they are equal.")


def _empty(s: Sample, scale: _Scale) -> list[Note]:
    """Categories that nobody of an arm is in."""
    parts = []
    for code, value in enumerate(scale.levels):
        without = [str(a) for k, a in enumerate(s.arms) if not ((scale.category == code) & (s.arm == k)).any()]
        parts += [f"{value:g} (nobody in {', '.join(without)})"] if without else []
    if not parts:
        return []
    return [
        Note(
            "empty_category",
            f"categories without people in an arm: {'; '.join(parts)}. There the comparison rests on proportionality alone.",
        )
    ]
