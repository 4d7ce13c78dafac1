"""The randomization test: what would the statistic have been under every other assignment that the design could have made?

The null tested is sharp: assignment changes nobody's outcome by other than a stated constant. With groups in one arm the sharp
null also denies that groups matter; an unstudentized test of a zero average effect then rejects too often when they do, so the
group-studentized statistic is the default there and the null is printed with the result.

With several arms each row tests its own two: their people change places and everyone else stays (assignments.py), so the test is
exact whatever the other arms do. The joint test and the corrected p-values take draws of all arms (randomization_joint.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from trialkit.errors import DesignError, UsageError, nearest, shown
from trialkit.estimate.covariates import CovariateMissing
from trialkit.estimate.draws.arm_statistic import ArmStatistic, arm_statistic, probabilities_differ
from trialkit.estimate.draws.assignments import Assignments, Source
from trialkit.estimate.draws.randomization_joint import Member, arms_jointly, outcomes_jointly
from trialkit.estimate.draws.randomization_result import RandomizationResult
from trialkit.estimate.request import Contrasts, arm_pairs, checked_level
from trialkit.estimate.sample import Sample, sample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.draws.randomization import Alternative, Reference, as_extreme, contrast_reference, custom
from trialkit.misuse import explained
from trialkit.results import Estimate, Note
from trialkit.trial import Trial

Statistic = Literal["auto", "difference", "studentized"]
UserStatistic = Callable[[FloatArray, IntArray, "IntArray | None"], float]
ESTIMAND = "effect under the sharp null"
FEW_GROUPS = 10


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked, the same for every outcome."""

    source: Source
    statistic: Any
    effects: FloatArray
    pairs: tuple[tuple[int, int], ...]
    alternative: Alternative
    weighted: bool
    conf_level: float


@dataclass(frozen=True, slots=True)
class _Tested:
    """A row with the Monte Carlo error of its p-value, the number of its assignments, and notes."""

    row: Estimate
    error: float
    draws: int
    notes: tuple[Note, ...]


@explained
def randomization_test(
    trial: Trial,
    outcome: str | Sequence[str],
    *,
    adjust: Sequence[str] = (),
    statistic: Statistic | UserStatistic = "auto",
    n_draws: int | Literal["all"] = 5000,
    seed: int | np.random.Generator | None = None,
    null_effect: float | dict[Hashable, float] = 0.0,
    alternative: Alternative = "two-sided",
    contrasts: Contrasts = "control",
    correction: Literal["step_down"] | None = "step_down",
    weighting: Literal["inverse_probability"] | None = None,
    covariate_missing: CovariateMissing = "impute",
    conf_level: float = 0.95,
) -> RandomizationResult:
    """Test an effect by the design that made the assignment.

    Parameters
    ----------
    trial : with `design=`; the assignments are drawn from it (groups are formed anew where it forms them).
    outcome : a column, or several; one assignment then serves all of them.
    adjust : baseline covariates; the statistic is then the regression coefficient given them and the strata.
    statistic : 'auto' is 'difference' for people and clusters, 'studentized' (by groups) with groups. Or a function of
        (outcome, arm codes, group codes) that returns a number, given the outcomes with the tested effects taken out; it has no
        interval, and with several arms one row tests that none of them changes anything.
    n_draws : a number of draws, or 'all' to list every assignment with its probability.
    seed : needed for draws; there is no default.
    null_effect : the constant effect tested, or one a treated arm.
    alternative : 'two-sided', 'greater' or 'less'.
    contrasts : each arm against 'control', or 'all' pairs.
    correction : with several rows, 'step_down' (the default) adds `p_adjusted` and the joint tests; None leaves them out.
    weighting : 'inverse_probability' weights the means of the arms (Hajek), for designs in which people of one stratum have
        different probabilities; the test is exact without it too, but unweighted means differ before anything has happened.

    Returns
    -------
    RandomizationResult
        p is (1 + as extreme) / (1 + draws) with its Monte Carlo error, or exact. The interval holds the constant effects that
        the two-sided test does not reject.

    Raises
    ------
    DesignError, UsageError, EstimationError
        Without a design, a seed, or any variation in the assignments.

    Notes
    -----
    With several arms a row tests that being in its arm rather than the other changes nobody's outcome. The people of these two arms
    change places, by the law of the design given that everyone else stays; other arms may have any effect, and the test is exact.
    Designs without such a law (minimization, permuted blocks, a draw function) draw all arms, with the effects of the others taken
    out as estimated; a note says so. `.joint` and `p_adjusted` rest on draws of all arms and studentized statistics: exact when no
    arm changes anything, and right in large samples otherwise. A row's `p_adjusted` is never below its own p.

    References
    ----------
    Fisher (1935); Rosenbaum (2002); Romano & Wolf (2005); Basse, Feller & Toulis (2019); Wu & Ding (2021).

    Examples
    --------
    >>> import trialkit as tk
    >>> people = {"id": range(8), "y": [3.0, 1, 4, 2, 2, 0, 1, 1]}
    >>> design = tk.design.complete(people, unit="id", arms={"solo": 1, "peer": 1})
    >>> data = people | {"arm": ["peer"] * 4 + ["solo"] * 4}
    >>> trial = tk.Trial(data, arm="arm", control="solo", unit="id", design=design)
    >>> round(tk.randomization_test(trial, "y", n_draws="all").p_value, 3)
    0.2
    """
    names = _checked(outcome, adjust, statistic, alternative, contrasts, correction, weighting, conf_level)
    adjust = tuple(a for a in adjust if a not in trial.strata)
    samples = [sample(trial, name, adjust, covariate_missing) for name in names]
    source = Source.of(trial, n_draws, seed)
    pairs = tuple(arm_pairs(len(trial.arms), contrasts))
    asked = _Asked(source, statistic, _effects(null_effect, trial), pairs, alternative, weighting is not None, conf_level)
    tested, joint = (_by_function if callable(statistic) else _by_contrast)(asked, samples, adjust, correction is not None)
    notes = [n for s in samples for n in s.notes] + [n for t in tested for n in t.notes] + _group_notes(statistic, trial)
    if trial.weights is not None:
        notes.append(
            Note("weights_unused", "sampling weights do not enter a randomization test; people of weight zero are left out.")
        )
    details = {
        "null": _null_words(asked, trial),
        "mc_error": [t.error for t in tested],
        "draws": [t.draws for t in tested],
        "enumerated": n_draws == "all",
        "alternative": alternative,
        "joint": joint,
    }
    return RandomizationResult(tuple(t.row for t in tested), tuple(dict.fromkeys(notes)), details)


def _checked(
    outcome: Any,
    adjust: Any,
    statistic: Any,
    alternative: str,
    contrasts: str,
    correction: Any,
    weighting: Any,
    conf_level: float,
) -> tuple[str, ...]:
    """The outcomes, after what can be said without looking at data."""
    if isinstance(adjust, str):
        raise UsageError(f"adjust takes a list of columns: write adjust=['{adjust}'].")
    checked_level(conf_level)
    known: tuple[tuple[str, Any, tuple[Any, ...], str], ...] = (
        ("statistic", statistic, ("auto", "difference", "studentized"), "'auto', 'difference', 'studentized' or a function"),
        ("alternative", alternative, ("two-sided", "greater", "less"), "'two-sided', 'greater' or 'less'"),
        ("contrasts", contrasts, ("control", "all"), "'control' or 'all'"),
        ("correction", correction, ("step_down", None), "'step_down' or None"),
        ("weighting", weighting, ("inverse_probability", None), "'inverse_probability' or None"),
    )
    for name, value, allowed, words in known:
        if not callable(value) and value not in allowed:
            raise UsageError(f"{name}={value!r} is unknown: it is {words}.")
    names = (outcome,) if isinstance(outcome, str) else tuple(outcome)
    if not names or len(set(names)) < len(names):
        raise UsageError("outcome is a column, or a list of different columns.")
    return names


def _effects(null_effect: float | dict[Hashable, float], trial: Trial) -> FloatArray:
    """The tested effect of every arm, control first."""
    arms = trial.arms
    out = np.zeros(len(arms))
    if not isinstance(null_effect, Mapping):
        out[1:] = float(null_effect)
        return out
    for label, value in null_effect.items():
        if label not in arms[1:]:
            near = nearest(str(label), arms[1:])
            raise UsageError(
                f"null_effect names {label!r}, which is not a treated arm; they are {shown(arms[1:])}.{f' Did you mean {near!r}?' if near else ''}"
            )
        out[arms.index(label)] = float(value)
    return out


def _by_contrast(
    asked: _Asked, samples: Sequence[Sample], adjust: tuple[str, ...], correct: bool
) -> tuple[list[_Tested], list[dict[str, Any]]]:
    """A row for every outcome and pair of arms; then all of them at once."""
    source, trial = asked.source, asked.source.trial
    by_pair = {pair: source.two_arms(*pair) for pair in asked.pairs}
    several = len(samples) * len(asked.pairs) > 1
    together = _together(asked, by_pair, needed=several and correct)
    tested, members = [], []
    for s in samples:
        studentize = asked.statistic == "studentized" or (asked.statistic == "auto" and s.cluster is None and s.clustered)
        statistic = arm_statistic(trial, s, adjust, studentize=studentize, weighted=asked.weighted)
        tested += [_pair(asked, statistic, pair, by_pair[pair], together) for pair in asked.pairs]
        if several and correct:
            members.append(Member(s.outcome, statistic.studentized(), s.y - asked.effects[s.arm]))
    if not members:
        return tested, []
    assert together is not None
    p, joint = arms_jointly(members, asked.pairs, together, asked.alternative)
    return [_corrected(t, float(value)) for t, value in zip(tested, p)], joint


def _together(asked: _Asked, by_pair: Mapping[Any, Assignments | None], *, needed: bool) -> Assignments | None:
    """Assignments in which people of all arms change places, when something needs them."""
    if len(asked.source.trial.arms) == 2:
        return by_pair[1, 0] or asked.source.all_arms()
    if not needed and all(by_pair.values()):
        return None
    try:
        return asked.source.all_arms()
    except DesignError as error:
        if all(by_pair.values()):
            raise DesignError(f"{error} Each row alone can be tested: say correction=None.") from error
        raise


def _pair(
    asked: _Asked, statistic: ArmStatistic, pair: tuple[int, int], two: Assignments | None, together: Assignments | None
) -> _Tested:
    """The test of one contrast of one outcome."""
    s, (arm, reference) = statistic.sample, pair
    y, notes = s.y, []
    if two is None:
        assert together is not None
        two, y = together, s.y - _others(statistic, pair)[s.arm]
        if len(s.arms) > 2:
            notes.append(_TOGETHER)
    drawn = two.of(s.rows)
    targets = np.column_stack([y, (s.arm == arm).astype(float)])
    found = contrast_reference(
        statistic.effects(targets, drawn), statistic.effects(targets, statistic.observed()), arm, reference, drawn.weights
    )
    _check_varies(found, drawn)
    tau = float(asked.effects[arm] - asked.effects[reference])
    value, own = found.statistics(tau)
    p = float(min(found.weights[as_extreme(value, own, asked.alternative)].sum(), 1.0))
    low, high = found.interval(asked.conf_level)
    row = _row(asked, s, f"{s.arms[arm]} - {s.arms[reference]}", found.observed, own, p, (low, high), statistic.label)
    notes += _drawn_notes(low, high, drawn)
    if not asked.weighted and probabilities_differ(asked.source.trial, s, drawn):
        notes.append(_UNEQUAL)
    return _Tested(row, _error(p, drawn), len(drawn.arms), tuple(notes))


_TOGETHER = Note(
    "arms_together",
    "the design cannot be drawn for two arms alone, so all arms are drawn, with the effects of the others taken out as estimated: "
    "p-values and intervals of single arms hold in large samples and are not exact.",
)
_UNEQUAL = Note(
    "unequal_probabilities",
    "people of one stratum had different probabilities of the arms: the test holds, but means of the arms differ for that reason alone. "
    "weighting='inverse_probability' takes it out of the estimate and the interval.",
)


def _others(statistic: ArmStatistic, pair: tuple[int, int]) -> FloatArray:
    """Effect of every arm against the reference of a pair, as estimated; zero for the pair itself."""
    s, (arm, reference) = statistic.sample, pair
    treated = s.arm_indicators
    found = statistic.effects(np.column_stack([s.y, treated]), statistic.observed()).effects[0]
    effects = np.concatenate([[0.0], np.linalg.solve(found[:, 1:], found[:, 0])])
    effects -= effects[reference]
    effects[[arm, reference]] = 0.0
    return effects


def _by_function(
    asked: _Asked, samples: Sequence[Sample], adjust: tuple[str, ...], correct: bool
) -> tuple[list[_Tested], list[dict[str, Any]]]:
    """A user's function on the outcomes with the tested effects taken out, which no assignment changes under the null."""
    drawn = _together(asked, dict.fromkeys(asked.pairs), needed=True)
    assert drawn is not None
    tested, owns, draws = [], [], []
    for s in samples:
        mine = drawn.of(s.rows)
        untreated = s.y - asked.effects[s.arm]
        values = custom(lambda arms, groups, y=untreated: asked.statistic(y, arms, groups), mine.arms, mine.groups)  # type: ignore[misc]
        own = float(asked.statistic(untreated, s.arm, s.group if mine.groups is not None else None))
        if not np.isfinite(values).all() or not math.isfinite(own):
            raise UsageError("the statistic is no finite number for some assignments: return a number for every one.")
        p = float(min(mine.weights[as_extreme(values, own, asked.alternative)].sum(), 1.0))
        contrast = f"{s.arms[1]} - {s.arms[0]}" if len(s.arms) == 2 else "all arms"
        row = _row(asked, s, contrast, math.nan, own, p, (math.nan, math.nan), "user's statistic")
        tested.append(_Tested(row, _error(p, mine), len(mine.arms), (_OWN, *_drawn_notes(math.nan, math.nan, mine))))
        owns.append(own)
        draws.append(values)
    if len(samples) == 1 or not correct:
        return tested, []
    p_adjusted, joint = outcomes_jointly(
        [s.outcome for s in samples], np.array(owns), np.column_stack(draws), drawn, asked.alternative
    )
    return [_corrected(t, float(value)) for t, value in zip(tested, p_adjusted)], joint


_OWN = Note(
    "own_statistic", "a statistic of your own is tested: it stands under `statistic`, and there is no estimate and no interval."
)


def _row(
    asked: _Asked, s: Sample, contrast: str, estimate: float, own: float, p: float, interval: tuple[float, float], method: str
) -> Estimate:
    return Estimate(
        s.outcome, ESTIMAND, contrast, estimate, math.nan, math.nan, own, p, *interval, asked.conf_level, s.n, s.n_clusters,
        s.groups_in(s.arm >= 0), method, "randomization distribution",
    )  # fmt: skip


def _corrected(tested: _Tested, p: float) -> _Tested:
    """With `p_adjusted`; the draws of all arms may say a little less than those of two, and a correction never helps."""
    row = replace(tested.row, extra={**tested.row.extra, "p_adjusted": max(p, tested.row.p_value)})
    return replace(tested, row=row)


def _error(p: float, drawn: Assignments) -> float:
    return 0.0 if drawn.enumerated else math.sqrt(p * (1 - p) / len(drawn.weights))


def _check_varies(found: Reference, drawn: Assignments) -> None:
    if np.ptp(found.treatment) <= 1e-12 and len(drawn.arms) > 1 and not drawn.enumerated:
        raise DesignError("every assignment of the design is the observed one: there is nothing to compare it with.")


def _null_words(asked: _Asked, trial: Trial) -> str:
    effects, arms = asked.effects, trial.arms
    several = len(arms) > 2
    if effects.any():
        parts = ", ".join(f"{arms[a]} by {effects[a]:g}" for a in range(1, len(arms)))
        words = f"assignment changes everyone's outcome by the same amount ({parts})"
    elif several and not callable(asked.statistic):
        words = "being assigned to the one arm instead of the other changes nobody's outcome, whatever the remaining arms do"
    else:
        words = "being assigned to another arm changes nobody's outcome"
    grouped = trial.cluster is None and trial.n_groups > 0
    return words + (", and it does not matter with whom one is in a group" if grouped else "")


def _group_notes(statistic: Any, trial: Trial) -> list[Note]:
    """The null holds no group effects; what the test does when there are some (docs/calibration/draws.md)."""
    groups = trial.n_groups if trial.cluster is None else 0
    if not groups or callable(statistic):
        return []
    if statistic == "difference":
        text = "the plain difference rejects too often when groups differ, however many they are: statistic='studentized' divides by a standard error with groups."
        return [Note("groups_differ", text)]
    if groups > FEW_GROUPS:
        return []
    text = f"with {groups} groups the test, whose null holds no group effects, rejects a little too often when groups differ much: read it beside the interval."
    return [Note("few_groups_drawn", text)]


def _drawn_notes(low: float, high: float, drawn: Assignments) -> list[Note]:
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
