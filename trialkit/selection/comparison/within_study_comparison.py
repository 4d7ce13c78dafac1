"""What a study without randomization would have found: a trial's treated people against outsiders, and why that differs from the trial."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from trialkit.design.stream import checked_seed
from trialkit.errors import ColumnNotFoundError, EstimationError, MissingDataError, NotIdentifiedError, UsageError
from trialkit.estimate.covariates import category_columns
from trialkit.estimate.request import checked_level
from trialkit.estimate.sample import units_of_variance
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.confounding.within_study import CONTROL, METHODS, OUTSIDE, PARTS, TREATED, Pieces
from trialkit.inference.confounding.within_study import within_study as pieces_of
from trialkit.inference.distributions import t_test
from trialkit.inference.draws.group_bootstrap import bootstrap_weights, resampling_cells
from trialkit.inference.linear.least_squares import independent_columns
from trialkit.io.frames import numeric, to_pandas
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Estimate, Note, Result
from trialkit.selection.comparison.observed import listed
from trialkit.trial import Trial

ESTIMANDS = {
    "experimental": "average effect in the trial",
    "naive": "treated people of the trial minus outsiders",
    "bias": "selection bias: naive minus experimental",
    "support": "part of the bias from people without counterparts",
    "covariates": "part of the bias from covariates within common support",
    "residual": "part of the bias that covariates do not explain",
}
ALTERNATIVES = "effect on the treated if the covariates explained who takes part"
FAILURES = 0.05


@dataclass(frozen=True)
class WithinStudyResult(Result):
    """Rows experimental, naive, bias, support, covariates, residual. `bias` is the sum of the last three, and naive minus experimental."""

    kind = "within_study"

    def part(self, name: str) -> Estimate:
        """The row of a part: 'experimental', 'naive', 'bias', 'support', 'covariates' or 'residual'."""
        found = [e for e in self.estimates if e.extra["part"] == name]
        if not found:
            raise UsageError(f"there is no part {name!r}: parts are {', '.join(PARTS)}.")
        return found[0]

    def alternatives(self) -> pd.DataFrame:
        """Side by side, what a study without randomization would have found: estimate and std_error, then bias against the trial with std_error and interval."""
        return pd.DataFrame(list(self.details["alternatives"]))

    def _title(self) -> str:
        d = self.details
        return (
            f"Within-study comparison on {self.estimates[0].outcome}: {d['treated']} treated and {d['controls']} controls of the trial, {d['outsiders']} outsiders "
            f"({100 * d['share_trial']:.0f}% and {100 * d['share_outsiders']:.0f}% in common support)"
        )

    def __str__(self) -> str:
        lines = [super().__str__()]
        for a in self.details["alternatives"]:
            if a["estimate"] is not None:
                lines.append(f"  {a['method']}: {number(float(a['estimate']))}, bias {number(float(a['bias']))}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _People:
    """Arrays of trial and outsiders together. `unit` are independent units; `base` the weights before resampling."""

    y: FloatArray
    X: FloatArray
    part: IntArray
    base: FloatArray
    unit: IntArray
    stratum: IntArray | None
    notes: tuple[Note, ...]

    def units(self, part: int) -> int:
        return len(np.unique(self.unit[self.part == part]))


@explained
def within_study(
    trial: Trial,
    outcome: str,
    *,
    comparison: Any,
    covariates: Sequence[str],
    seed: int,
    n_draws: int = 500,
    conf_level: float = 0.95,
) -> WithinStudyResult:
    """Compare a trial with the same estimate from outsiders, and split the difference in support, covariates and residual selection.

    Parameters
    ----------
    trial : two arms. outcome : numeric column, in the trial and among outsiders.
    comparison : data frame of people whom nobody randomized (decliners, a register, a survey), with the outcome and the covariates.
    covariates : columns measured before, in both; text is a category, a missing value gets the mean and an indicator (a level of its own).
    seed : of the bootstrap. n_draws : joint draws of groups (clusters), people and outsiders.
    conf_level : of the intervals.

    Returns
    -------
    WithinStudyResult
        `.part("bias")`, `.part("support")`, `.part("covariates")`, `.part("residual")`, `.alternatives()`. Naive minus experimental is the controls of
        the trial minus the outsiders; the parts add up to it exactly.

    Raises
    ------
    UsageError, ColumnNotFoundError, NotIdentifiedError, EstimationError
        More than two arms, a column that one side lacks, covariates that separate the trial from the outsiders completely.

    Notes
    -----
    Common support is the range of the log odds of being in the trial that both sides cover. Within it the outcomes of outsiders are carried to the trial's controls by
    least squares weighted with these odds. The alternatives compare treated people with outsiders: difference in means, regression, nearest-neighbour matching on
    the log odds (with replacement, standard error of Abadie & Imbens, none for its bias because the bootstrap fails for matching), weighting by the odds, entropy balancing,
    and weighted regression (doubly robust). The bootstrap resamples whole groups and clusters with Rao and Wu's factor U/(U - 1); t intervals have as many df as the smallest
    of the samples has units, less one.

    References
    ----------
    LaLonde (1986), AER 76; Heckman, Ichimura, Smith & Todd (1998), Econometrica 66; Wong & Steiner (2018), Evaluation Review 42.

    Examples
    --------
    >>> import numpy as np, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(0.5, 1, 80); arm = np.repeat(["solo", "peer"], 40)
    >>> trial = tk.Trial({"arm": arm, "x": x, "y": x + 0.5 * (arm == "peer") + rng.normal(size=80)}, arm="arm", control="solo")
    >>> z = rng.normal(0, 1, 200)
    >>> found = tk.selection.within_study(trial, "y", comparison={"x": z, "y": z + rng.normal(size=200)}, covariates=["x"], seed=1, n_draws=50)
    >>> parts = sum(found.part(p).estimate for p in ("support", "covariates", "residual"))
    >>> bool(abs(parts - found.part("bias").estimate) < 1e-9)
    True
    """
    names = listed(covariates, "covariates")
    if not names:
        raise UsageError("covariates is empty: name what is known of both the trial and the outsiders.")
    if len(trial.arms) != 2:
        raise UsageError("a within-study comparison takes two arms: make a Trial of the two you mean.")
    if seed is None or isinstance(n_draws, bool) or int(n_draws) != n_draws or n_draws < 2:
        raise UsageError("the bootstrap needs a seed and a number of draws: seed=4711, n_draws=500.")
    checked_level(conf_level)
    people = _people(trial, outcome, to_pandas(comparison).reset_index(drop=True), names)
    found = pieces_of(y=people.y, X=people.X, part=people.part, weights=people.base, unit=people.unit)
    if np.isnan(found.parts).any():
        raise NotIdentifiedError(
            "the covariates (nearly) tell who is in the trial and who is not, so the trial and the outsiders have no people in common: leave out the "
            "covariate that does so, or take outsiders who are more alike."
        )
    drawn = _draws(people, found, int(n_draws), checked_seed(seed))
    failed = float(np.isnan(drawn[:, : len(PARTS)]).any(axis=1).mean())
    if failed > FAILURES:
        raise EstimationError(
            f"{100 * failed:.0f}% of the bootstrap samples leave no common support: take fewer covariates or more outsiders."
        )
    notes = list(people.notes)
    if failed:
        notes.append(
            Note(
                "draws_failed",
                f"{round(failed * n_draws)} of {n_draws} bootstrap samples had no common support and are left out.",
            )
        )
    spread = np.array([np.std(c[np.isfinite(c)], ddof=1) if np.isfinite(c).mean() > 1 - FAILURES else math.nan for c in drawn.T])
    rows = tuple(_row(people, outcome, p, float(found.parts[i]), float(spread[i]), conf_level) for i, p in enumerate(PARTS))
    outside = people.part == OUTSIDE
    details = {
        "alternatives": _alternatives(people, found, spread[len(PARTS) :], conf_level),
        "treated": int((people.part == TREATED).sum()), "controls": int((people.part == CONTROL).sum()), "outsiders": int(outside.sum()),
        "share_trial": float(found.inside[~outside].mean()), "share_outsiders": float(found.inside[outside].mean()), "n_draws": int(n_draws),
        "covariates": list(names),
    }  # fmt: skip
    if np.isnan(found.methods).any():
        lost = [m for m, v in zip(METHODS, found.methods) if np.isnan(v)]
        notes.append(Note("alternatives_undefined", f"{', '.join(lost)}: no weights make the outsiders like the treated people."))
    notes.append(Note("matching_bias", "the bias of matching has no standard error: the bootstrap does not hold for matching."))
    return WithinStudyResult(rows, tuple(dict.fromkeys(notes)), details)


def _people(trial: Trial, outcome: str, outsiders: pd.DataFrame, names: tuple[str, ...]) -> _People:
    for name in (outcome, *names):
        trial.column(name)
        if name not in outsiders.columns:
            raise ColumnNotFoundError(name, outsiders.columns)
    if outcome in names:
        raise UsageError(f"covariates holds the outcome '{outcome}': leave it out.")
    y = np.r_[trial.values(outcome), numeric(outsiders[outcome], outcome)]
    inside = np.arange(len(y)) < trial.n
    weights = np.r_[np.ones(trial.n) if trial.weights is None else trial.values(trial.weights), np.ones(len(outsiders))]
    part = np.r_[np.where(trial.arm_codes == 1, TREATED, CONTROL), np.full(len(outsiders), OUTSIDE)].astype(np.int64)
    keep, notes = np.isfinite(y) & (weights > 0), list(trial.notes)
    if not np.isfinite(y).all():
        lost = ~np.isfinite(y)
        notes.append(
            Note(
                "outcome_missing",
                f"{int(lost[inside].sum())} people of the trial and {int(lost[~inside].sum())} outsiders have no '{outcome}' and are left out.",
            )
        )
    for p, what in ((CONTROL, "controls of the trial"), (TREATED, "treated people of the trial"), (OUTSIDE, "outsiders")):
        if (keep & (part == p)).sum() < 2:
            raise MissingDataError(f"fewer than two {what} have '{outcome}': there is nothing to compare.")
    X = _design(trial, outsiders, names, keep)
    unit = units_of_variance(trial, trial.codes(trial.cluster) if trial.cluster else None, trial.group_codes)
    unit = np.r_[unit, unit.max() + 1 + np.arange(len(outsiders))]
    stratum = np.r_[trial.codes(*trial.strata), np.zeros(len(outsiders), dtype=np.int64)] if trial.strata else None
    base = weights * _stratum_weights(part, stratum, weights, keep)
    return _People(
        y[keep], X, part[keep], base[keep], unit[keep], None if stratum is None else stratum[keep], tuple(notes)
    )  # fmt: skip


def _design(trial: Trial, outsiders: pd.DataFrame, names: tuple[str, ...], keep: BoolArray) -> FloatArray:
    """A constant and the covariates of both sides, centred, of unit scale, without combinations of others."""
    columns = []
    for name in names:
        mine, theirs = trial.column(name), outsiders[name]
        text = [not (is_numeric_dtype(s) or is_bool_dtype(s)) or isinstance(s.dtype, pd.CategoricalDtype) for s in (mine, theirs)]
        if any(text) or name in trial.categorical or name in trial.strata:
            both = pd.concat([mine.astype(object), theirs.astype(object)], ignore_index=True)[keep]
            columns.append(category_columns(both.where(both.isna(), both.astype(str)))[0])
            continue
        values = np.r_[numeric(mine, name), numeric(theirs, name)][keep]
        absent = ~np.isfinite(values)
        if absent.all():
            raise MissingDataError(
                f"the covariate '{name}' has no values at all: leave it out of covariates, or check the column."
            )
        columns.append(np.where(absent, values[~absent].mean(), values)[:, None])
        if absent.any():
            columns.append(absent.astype(float)[:, None])
    stacked = np.column_stack(columns)
    spread = stacked.std(axis=0)
    varies = spread > 1e-12 * np.maximum(np.abs(stacked).max(axis=0), 1e-300)
    unit = (stacked[:, varies] - stacked[:, varies].mean(axis=0)) / spread[varies]
    X = np.column_stack([np.ones(len(stacked)), unit])
    return X[:, independent_columns(X / np.sqrt((X**2).sum(axis=0)))]


def _stratum_weights(part: IntArray, stratum: IntArray | None, weights: FloatArray, keep: BoolArray) -> FloatArray:
    """Each arm weighted to the strata of the whole trial, so that the experimental effect is that of the stratified trial."""
    out = np.ones(len(part))
    if stratum is None:
        return out
    inside = keep & (part != OUTSIDE)
    total = np.bincount(stratum[inside], weights=weights[inside], minlength=int(stratum.max()) + 1)
    for p in (CONTROL, TREATED):
        mine = keep & (part == p)
        own = np.bincount(stratum[mine], weights=weights[mine], minlength=len(total))
        if ((own == 0) & (total > 0)).any():
            alone = int(((own == 0) & (total > 0)).sum())
            raise NotIdentifiedError(
                f"{alone} {'stratum has' if alone == 1 else 'strata have'} nobody {'treated' if p == TREATED else 'of the control arm'} with the outcome: merge strata."
            )
        out[mine] = (total / np.maximum(own, 1e-300))[stratum[mine]]
        out[mine] *= own.sum() / total.sum()
    return out


def _draws(people: _People, found: Pieces, n_draws: int, seed: int) -> FloatArray:
    """(n_draws, parts and methods) of joint draws."""
    balances = bool(np.isfinite(found.methods[METHODS.index("entropy_balancing")]))
    code, cell = resampling_cells(arm=people.part, stratum=people.stratum, unit=people.unit)
    out = []
    for chunk in bootstrap_weights(cell=cell, n_draws=n_draws, seed=seed, people=len(people.y)):
        for drawn in chunk:
            w = people.base * drawn[code]
            use = w > 0
            one = pieces_of(
                y=people.y[use], X=people.X[use], part=people.part[use], weights=w[use], unit=people.unit[use], start=found.start, matching=False, balancing=balances,
            )  # fmt: skip
            out.append(np.r_[one.parts, one.methods, one.methods - one.parts[0]])
    return np.array(out)


def _df(people: _People, parts: tuple[int, ...]) -> float:
    return float(min(people.units(p) for p in parts) - 1)


def _row(people: _People, outcome: str, part: str, value: float, se: float, conf_level: float) -> Estimate:
    sides = {"experimental": (TREATED, CONTROL), "naive": (TREATED, OUTSIDE)}.get(part, (CONTROL, OUTSIDE))
    df = _df(people, sides)
    test = t_test(value, se, df, conf_level)
    n = int(np.isin(people.part, sides).sum())
    return Estimate(
        outcome, ESTIMANDS[part], part, value, se, df, test.statistic, test.p_value, test.conf_low, test.conf_high, conf_level, n,
        len(np.unique(people.unit[np.isin(people.part, sides)])), 0, "difference in means" if part in PARTS[:3] else "decomposition",
        "joint bootstrap of units", {"part": part},
    )  # fmt: skip


def _alternatives(people: _People, found: Pieces, spread: FloatArray, conf_level: float) -> list[Mapping[str, Any]]:
    """Every method beside the trial; `spread` holds the standard errors of the estimates, then of their biases."""
    rows: list[Mapping[str, Any]] = []
    df = _df(people, (TREATED, CONTROL, OUTSIDE))
    for i, method in enumerate(METHODS):
        value, se, se_bias = float(found.methods[i]), float(spread[i]), float(spread[len(METHODS) + i])
        bias = value - float(found.parts[0])
        if method == "matching":
            se, se_bias = found.matching_se, math.nan
        test = t_test(bias, se_bias, df, conf_level)
        numbers = {
            "estimate": value, "std_error": se, "bias": bias, "bias_std_error": se_bias, "bias_conf_low": test.conf_low, "bias_conf_high": test.conf_high,
        }  # fmt: skip
        rows.append(
            {"method": method, "estimand": ALTERNATIVES} | {k: v if math.isfinite(v) else None for k, v in numbers.items()}
        )
    return rows
