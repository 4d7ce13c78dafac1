"""The randomization test: what would the statistic have been under every other assignment that the design could have made?

The null tested is sharp: assignment changes nobody's outcome by other than a stated constant. With groups in one arm the sharp
null also denies that groups matter; an unstudentized test of a zero average effect then rejects too often when they do, so the
group-studentized statistic is the default there and the null is printed with the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from trialkit.errors import CombinationError, DesignError, EstimationError, UsageError, nearest, shown
from trialkit.estimate.covariates import CovariateMissing
from trialkit.estimate.sample import Sample, sample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.least_squares import least_squares
from trialkit.inference.randomization import Alternative, Reference, as_extreme, blocked_difference, coefficient, custom
from trialkit.results import DrawnTest, Estimate, Note
from trialkit.trial import ALONE, Trial

Statistic = Literal["auto", "difference", "studentized"]
UserStatistic = Callable[[FloatArray, IntArray, "IntArray | None"], float]


@dataclass(frozen=True)
class RandomizationResult(DrawnTest):
    """A randomization test of one contrast a row; `.statistic`, `.p_value` and the interval are those of the first."""

    kind = "randomization_test"

    @property
    def null(self) -> str:
        """The null hypothesis that was tested, in words."""
        return str(self.details["null"])

    def _title(self) -> str:
        return f"Randomization test of {self.estimates[0].outcome}: {self.null}"


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Assignments for the rows of a sample, in trial codes, the observed one among them."""

    arms: IntArray
    groups: IntArray | None
    weights: FloatArray
    enumerated: bool


def randomization_test(
    trial: Trial,
    outcome: str,
    *,
    adjust: Sequence[str] = (),
    statistic: Statistic | UserStatistic = "auto",
    n_draws: int | Literal["all"] = 5000,
    seed: int | np.random.Generator | None = None,
    null_effect: float | dict[Hashable, float] = 0.0,
    alternative: Alternative = "two-sided",
    covariate_missing: CovariateMissing = "impute",
    conf_level: float = 0.95,
) -> RandomizationResult:
    """Test an effect by the design that made the assignment.

    Parameters
    ----------
    trial : with `design=`; the assignments are drawn from it (groups are formed anew where it forms them).
    adjust : baseline covariates; the statistic is then the regression coefficient given them and the strata.
    statistic : 'auto' is 'difference' for people and clusters, 'studentized' (by groups) with groups. Or a function of
        (outcome, arm codes, group codes) that returns a number, given the outcomes with the tested effect taken out; it has no
        interval.
    n_draws : a number of draws, or 'all' to list every assignment with its probability.
    seed : needed for draws; there is no default.
    null_effect : the constant effect tested, or one a treated arm.
    alternative : 'two-sided', 'greater' or 'less'.

    Returns
    -------
    RandomizationResult
        p is (1 + as extreme) / (1 + draws) with its Monte Carlo error, or exact. The interval holds the constant effects that
        the two-sided test does not reject.

    Raises
    ------
    DesignError, UsageError, EstimationError
        Without a design, a seed, or any variation in the assignments.

    Examples
    --------
    >>> import trialkit as tk
    >>> people = {"id": range(8), "y": [3.0, 1, 4, 2, 2, 0, 1, 1]}
    >>> design = tk.design.complete(people, unit="id", arms={"solo": 1, "peer": 1})
    >>> data = people | {"arm": ["peer"] * 4 + ["solo"] * 4}
    >>> trial = tk.Trial(data, arm="arm", control="solo", unit="id", design=design)
    >>> round(tk.randomization_test(trial, "y", n_draws="all").p_value, 3)
    0.114
    """
    if isinstance(adjust, str):
        raise UsageError(f"adjust takes a list of columns: write adjust=['{adjust}'].")
    if alternative not in ("two-sided", "greater", "less"):
        raise UsageError(f"alternative={alternative!r} is unknown: it is 'two-sided', 'greater' or 'less'.")
    adjust = tuple(a for a in adjust if a not in trial.strata)
    s = sample(trial, outcome, adjust, covariate_missing)
    drawn = _drawn(trial, s, n_draws, seed)
    effects = _effects(null_effect, s)
    rows, errors = [], []
    notes = list(s.notes)
    for arm in range(1, len(s.arms)):
        reference, label = _reference(trial, s, drawn, arm, statistic, adjust, effects)
        tau = effects[arm]
        value, own = reference.statistics(tau)
        p = float(min(reference.weights[as_extreme(value, own, alternative)].sum(), 1.0))
        low, high = (math.nan, math.nan) if callable(statistic) else reference.interval(conf_level)
        errors.append(0.0 if drawn.enumerated else math.sqrt(p * (1 - p) / len(reference.weights)))
        notes += _interval_notes(low, high, drawn, p)
        rows.append(
            Estimate(
                outcome, "effect under the sharp null", f"{s.arms[arm]} - {s.arms[0]}", reference.observed, math.nan, math.nan,
                own, p, low, high, conf_level, s.n, s.n_clusters, s.groups_in(s.arm >= 0), label, "randomization distribution",
            )
        )  # fmt: skip
    details = {
        "null": _null_words(effects, s),
        "mc_error": errors,
        "draws": len(drawn.arms),
        "enumerated": drawn.enumerated,
        "alternative": alternative,
    }
    return RandomizationResult(tuple(rows), tuple(dict.fromkeys(notes)), details)


def _drawn(trial: Trial, s: Sample, n_draws: int | str, seed: Any) -> _Drawn:
    design = trial.design
    if design is None:
        raise DesignError(
            "a randomization test draws from the design that made the assignment: give it as Trial(design=tk.design.stratified(...)) or the like."
        )
    assert trial.places is not None
    recode = np.array([_code(label, trial.arms) for label in design.arms], dtype=np.int8)
    columns = trial.places[s.rows]
    if n_draws == "all":
        listed, weights = design.enumerate()
        return _Drawn(recode[listed[:, columns]], None, np.asarray(weights, dtype=float), True)
    if not isinstance(n_draws, (int, np.integer)) or n_draws < 1:
        raise UsageError(f"n_draws={n_draws!r} is a number of draws, or 'all' to list every assignment.")
    if seed is None:
        raise UsageError("a randomization test by draws needs a seed: say seed=4711 (any number you choose), or n_draws='all'.")
    draws = design.draw_many(int(n_draws), seed=seed)
    arms = np.concatenate([s.arm[None, :].astype(np.int8), recode[np.take(draws.arms, columns, axis=1)]])
    groups = None
    if draws.groups is not None:
        groups = np.concatenate([s.group[None, :], np.asarray(draws.groups[:, columns], dtype=np.int64)])
    return _Drawn(arms, groups, np.full(len(arms), 1 / len(arms)), False)


def _code(label: Hashable, arms: tuple[Hashable, ...]) -> int:
    """Code in the trial of an arm of the design; -1 for an arm that nobody in the data is in."""
    return next((i for i, a in enumerate(arms) if a == label or str(a) == str(label)), -1)


def _effects(null_effect: float | dict[Hashable, float], s: Sample) -> FloatArray:
    """The tested effect of every arm, control first."""
    out = np.zeros(len(s.arms))
    if not isinstance(null_effect, dict):
        out[1:] = float(null_effect)
        return out
    for label, value in null_effect.items():
        if label not in s.arms[1:]:
            near = nearest(str(label), s.arms[1:])
            raise UsageError(
                f"null_effect names {label!r}, which is not a treated arm; they are {shown(s.arms[1:])}.{f' Did you mean {near!r}?' if near else ''}"
            )
        out[s.arms.index(label)] = float(value)
    return out


def _reference(
    trial: Trial, s: Sample, drawn: _Drawn, arm: int, statistic: Any, adjust: tuple[str, ...], effects: FloatArray
) -> tuple[Reference, str]:
    if callable(statistic):
        return _user(s, drawn, statistic, effects, arm), "user's statistic"
    if statistic not in ("auto", "difference", "studentized"):
        raise UsageError(f"statistic={statistic!r} is unknown: it is 'auto', 'difference', 'studentized' or a function.")
    grouped = s.cluster is None and bool((s.group != ALONE).any())
    studentize = statistic == "studentized" or (statistic == "auto" and grouped)
    block = s.stratum if s.stratum is not None else np.zeros(s.n, dtype=np.int64)
    others = np.delete(effects, [0, arm]) if len(s.arms) > 2 else np.zeros(0)
    if (others != 0).any():
        raise CombinationError("null effects of several arms go with a statistic of your own; a contrast has one.")
    if not adjust and not grouped and not (studentize and s.cluster is not None):
        found = blocked_difference(
            y=s.y,
            observed=s.arm,
            draws=drawn.arms,
            arm=arm,
            reference=0,
            block=block,
            studentize=studentize,
            weights=drawn.weights,
        )
        return _usable(found), "difference in means" + (", studentized" if studentize else "")
    if len(s.arms) > 2:
        raise CombinationError(
            "with several arms the adjusted and grouped statistics need two arms: keep the people of two arms, or leave adjust out."
        )
    basis = _basis(s, block)
    groups, own = _groups(s, drawn, studentize)
    found = coefficient(
        y=s.y,
        observed=s.arm,
        draws=drawn.arms,
        basis=basis,
        studentize=studentize,
        weights=drawn.weights,
        groups=groups,
        observed_groups=own,
    )
    what = "regression coefficient" if adjust or s.stratum is not None else "difference in means"
    by = ", studentized by groups" if groups is not None else ", studentized" if studentize else ""
    return _usable(found), what + by


def _basis(s: Sample, block: IntArray) -> FloatArray:
    """Orthonormal basis of the constant, strata and covariates."""
    indicators = (block[:, None] == np.unique(block)[1:]).astype(float)
    return least_squares(y=s.y, X=np.column_stack([np.ones(s.n), indicators, s.X])).q


def _groups(s: Sample, drawn: _Drawn, studentize: bool) -> tuple[IntArray | None, IntArray | None]:
    """Groups (or clusters) of every draw for the studentized statistic; groups that the design does not form stay who they are."""
    if not studentize:
        return None, None
    if s.cluster is not None:
        _, codes = np.unique(s.cluster, return_inverse=True)
        own = codes.reshape(-1).astype(np.int64)
        return np.broadcast_to(own, drawn.arms.shape), own
    if not (s.group != ALONE).any():
        return None, None
    if drawn.groups is None:
        raise DesignError(
            "the trial has groups, but its design does not form them, so other assignments have no groups. Make group formation part of the "
            "design: design.with_groups(arm=..., size=(10, 15)), or use tk.wild_bootstrap."
        )
    return drawn.groups, s.group


def _usable(found: Reference) -> Reference:
    """Draws in which an arm is empty have no statistic; they are refused rather than left out."""
    if not np.isfinite(found.outcome).all():
        bad = int((~np.isfinite(found.outcome)).sum())
        raise EstimationError(
            f"in {bad} of {len(found.outcome)} assignments an arm has nobody with the outcome: the statistic does not exist there."
        )
    if np.ptp(found.treatment) <= 1e-12 and len(found.treatment) > 1:
        raise EstimationError("every assignment of the design is the observed one: there is nothing to compare it with.")
    return found


def _user(s: Sample, drawn: _Drawn, statistic: UserStatistic, effects: FloatArray, arm: int) -> Reference:
    """A user's function on the outcomes with the tested effect taken out, which no assignment changes under the null."""
    untreated = s.y - effects[s.arm]
    values = custom(lambda arms, groups: statistic(untreated, arms, groups), drawn.arms, drawn.groups)
    own = float(statistic(untreated, s.arm, s.group if drawn.groups is not None else None))
    tau = effects[arm]
    return Reference(values + tau, np.ones(len(values)), own + tau, None, math.nan, drawn.weights)


def _null_words(effects: FloatArray, s: Sample) -> str:
    if not effects.any():
        words = "being assigned to another arm changes nobody's outcome"
    else:
        parts = ", ".join(f"{s.arms[a]} by {effects[a]:g}" for a in range(1, len(s.arms)))
        words = f"assignment changes everyone's outcome by the same amount ({parts})"
    grouped = s.cluster is None and bool((s.group != ALONE).any())
    return words + (", and it does not matter with whom one is in a group" if grouped else "")


def _interval_notes(low: float, high: float, drawn: _Drawn, p: float) -> list[Note]:
    notes = []
    if math.isinf(low) or math.isinf(high):
        notes.append(
            Note(
                "interval_unbounded",
                "the assignments are too few to bound the effect at this level: the interval has no end on one side or both.",
            )
        )
    if drawn.enumerated and len(drawn.arms) < 40:
        notes.append(
            Note(
                "few_assignments",
                f"the design has {len(drawn.arms)} assignments: the smallest possible p is {drawn.weights.min():.3g}.",
            )
        )
    return notes
