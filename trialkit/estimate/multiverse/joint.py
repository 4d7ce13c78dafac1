"""A specification curve over the assignments that the design could have made: in a batch where a specification is linear, by running it again where it is not.

The null is sharp: assignment changes nobody's outcome, nor whether it is seen. People, covariates and outcomes then stay as they are and the arms (with the
groups, where the design forms them) change. A specification is linear when the coefficient of the randomization test, or Lin's with every term by arm, gives its
estimate for the observed assignment; that is checked for each, and one for which it does not hold is run again for every draw or left out. All t are divided by one
kind of standard error (HC2, or by groups or clusters), so that the statistic is the same function of every assignment.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from trialkit.errors import DesignError, EstimationError, TrialkitError
from trialkit.estimate.draws.arm_statistic import ArmStatistic, arm_statistic
from trialkit.estimate.draws.assignments import Assignments, Source
from trialkit.estimate.itt_result import IttResult
from trialkit.estimate.multiverse.alternatives import Specification
from trialkit.inference.arrays import FloatArray
from trialkit.inference.draws.interacted_effects import interacted_effects
from trialkit.inference.draws.specification_curve import STATISTICS, Curves, CurveStatistic, joint_test
from trialkit.results import Estimate, Result
from trialkit.trial import ALONE, Trial

SAME = 1e-6  # of a standard error
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Ran:
    """A specification with its result, and the row of the contrast (or why there is none)."""

    specification: Specification
    result: Result | None
    row: Estimate | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """What the joint test gives: rows of the statistics, which specifications are in, and how the assignments were made."""

    rows: tuple[dict[str, Any], ...]
    inside: tuple[int, ...]
    draws: int
    enumerated: bool
    together: bool


def joint(
    source: Source,
    ran: Sequence[Ran],
    pair: tuple[int, int],
    *,
    alpha: float,
    again: Callable[[Trial, Specification], Estimate] | None,
    progress: Progress | None = None,
) -> Curve:
    """The joint tests of the specifications that have a row.

    Parameters
    ----------
    again : runs a specification on another trial, for those that are not linear; None leaves them out.
    """
    trial = source.trial
    if source.n_draws == "all" and _forms_groups(trial):
        raise DesignError("assignments that are listed have no groups: give a number of draws and a seed.")
    two = source.two_arms(*pair)
    drawn = two if two is not None else source.all_arms()
    if _forms_groups(trial) and drawn.groups is None:
        raise DesignError(
            "the trial has groups, but its design does not form them, so other assignments have no groups. Make group formation part of the "
            "design: design.with_groups(arm=..., size=(10, 15)), or say n_draws=0 for a curve without its joint test."
        )
    observed = _observed(trial)
    columns: dict[int, tuple[Curves, Curves]] = {}
    known: dict[Any, tuple[Curves, Curves]] = {}
    sliced: dict[bytes, Assignments] = {}
    units = _groups_in_draws(drawn)
    for i, one in enumerate(ran):
        found = _linear(trial, one, pair, observed)
        if found is not None:
            s = found.statistic.sample
            key = (s.rows.tobytes(), s.y.tobytes(), found.statistic.basis.tobytes(), found.interacted, found.statistic.regression)
            if key not in known:
                mine = sliced.setdefault(s.rows.tobytes(), drawn.of(s.rows))
                known[key] = (found.over(mine, units), found.over(observed.of(s.rows), _groups_in_draws(observed)))
            columns[i] = known[key]
        elif one.row is not None and again is not None:
            columns[i] = _by_running(trial, one, drawn, again, progress)
    if not columns:
        return Curve((), (), len(drawn.arms), drawn.enumerated, two is None)
    every, own = _side_by_side([c[0] for c in columns.values()]), _side_by_side([c[1] for c in columns.values()])
    rows = tuple(_row(name, every, own, drawn, alpha) for name in STATISTICS)
    return Curve(rows, tuple(columns), len(drawn.arms), drawn.enumerated, two is None and len(trial.arms) > 2)


def _row(name: CurveStatistic, every: Curves, own: Curves, drawn: Assignments, alpha: float) -> dict[str, Any]:
    found = joint_test(name=name, drawn=every, observed=own, weights=drawn.weights, alpha=alpha)
    error = 0.0 if drawn.enumerated else math.sqrt(found.p_value * (1 - found.p_value) / len(drawn.weights))
    return {"statistic": name, "observed": found.observed, "p_value": found.p_value, "mc_error": error}


def _forms_groups(trial: Trial) -> bool:
    return trial.cluster is None and bool((trial.group_codes != ALONE).any())


def _observed(trial: Trial) -> Assignments:
    groups = trial.group_codes[None, :] if _forms_groups(trial) else None
    return Assignments(trial.arm_codes[None, :], groups, np.ones(1), False)


@dataclass(frozen=True, slots=True)
class Linear:
    """A statistic that gives the estimate of a specification; `interacted`: every term by arm (Lin)."""

    statistic: ArmStatistic
    pair: tuple[int, int]
    interacted: bool

    @property
    def spread(self) -> float:
        """SD of the outcome over everyone: the same whatever the assignment, so that estimates in several units have a median."""
        return float(self.statistic.sample.y.std(ddof=1))

    def over(self, drawn: Assignments, groups: FloatArray | None) -> Curves:
        """(B, 1) estimates in SDs of everyone, t, and the df that they are referred to."""
        s = self.statistic.sample
        estimate, variance = self._interacted(drawn) if self.interacted else self._plain(drawn)
        if not np.isfinite(estimate).all():
            raise EstimationError("in some assignments an arm has too few people for the covariates.")
        # without spread the arms are apart exactly: as extreme as can be unless there is no difference
        apart = np.where(np.abs(estimate) > 0, np.inf * np.sign(estimate), 0.0)
        t = np.divide(estimate, np.sqrt(np.maximum(variance, 0.0)), out=apart, where=variance > 0)
        people = float(s.n - self.statistic.basis.shape[1] - len(s.arms) + 1)
        df = np.full(len(t), people if s.cluster is None else float(s.n_clusters - len(s.arms))) if groups is None else groups
        return Curves((estimate / self.spread)[:, None], t[:, None], np.maximum(df, 1.0)[:, None])

    def _plain(self, drawn: Assignments) -> tuple[FloatArray, FloatArray]:
        value, spread = self.statistic.effects(self.statistic.sample.y[:, None], drawn).contrast(*self.pair)
        assert spread is not None
        return value[:, 0], spread[:, 0, 0]

    def _interacted(self, drawn: Assignments) -> tuple[FloatArray, FloatArray]:
        s = self.statistic.sample
        return interacted_effects(
            y=s.y, draws=drawn.arms, n_arms=len(s.arms), arm=self.pair[0], reference=self.pair[1], basis=self.statistic.basis,
            groups=self.statistic.groups(drawn),
        )  # fmt: skip


def _linear(trial: Trial, one: Ran, pair: tuple[int, int], observed: Assignments) -> Linear | None:
    """The statistic of a specification whose estimate it is, or None."""
    if not isinstance(one.result, IttResult) or one.row is None or one.result.evidence is None:
        return None
    s = one.result.evidence.sample
    if s.weights is not None or len(s.y) != len(s.rows):
        return None
    plain = arm_statistic(trial, s, one.specification.adjust, studentize=True, weighted=False)
    regression = replace(plain, regression=True)
    for found in (Linear(plain, pair, False), Linear(regression, pair, False), Linear(regression, pair, True)):
        try:
            value = found.over(observed.of(s.rows), None).estimate[0, 0] * found.spread
        except TrialkitError:  # no such coefficient for these people
            continue
        if abs(value - one.row.estimate) <= SAME * one.row.std_error:
            return found
    return None


def _groups_in_draws(drawn: Assignments) -> FloatArray | None:
    """(B,) groups of every draw less one: the df of a t that follows groups in one arm."""
    if drawn.groups is None:
        return None
    return np.array([len(np.unique(g[g != ALONE])) - 1.0 for g in drawn.groups])


def _by_running(
    trial: Trial, one: Ran, drawn: Assignments, again: Callable[[Trial, Specification], Estimate], progress: Progress | None
) -> tuple[Curves, Curves]:
    """The specification run again on every assignment; its own t and df."""
    found = np.empty((len(drawn.arms), 3))
    spread = float(np.nanstd(trial.values(one.specification.column), ddof=1))
    for b in range(len(drawn.arms)):
        try:
            row = again(redrawn(trial, drawn, b), one.specification)
        except TrialkitError as error:
            raise EstimationError(
                f"specification '{one.specification.name}' cannot be run on every assignment ({error}). Leave it out of the joint test with refit=False."
            ) from error
        found[b] = row.estimate / spread, row.statistic, row.df
        if progress is not None:
            progress(one.specification.name, b + 1, len(drawn.arms))
    assert one.row is not None
    own = np.array([[one.row.estimate / spread, one.row.statistic, one.row.df]])
    return _three(found), _three(own)


def _three(values: FloatArray) -> Curves:
    df = np.where(np.isfinite(values[:, 2:]), values[:, 2:], np.inf)
    return Curves(values[:, :1], values[:, 1:2], np.minimum(df, 1e9))


def redrawn(trial: Trial, drawn: Assignments, b: int) -> Trial:
    """The trial as it would have been under assignment b, everyone's values as they are."""
    changed: dict[str, Any] = {trial.arm: [trial.arms[c] for c in drawn.arms[b]]}
    if drawn.groups is not None and trial.group is not None:
        changed[trial.group] = [None if g == ALONE else f"group {g}" for g in drawn.groups[b]]
    roles: Mapping[str, Any] = {
        "arm": trial.arm, "control": trial.control, "unit": trial.unit, "strata": list(trial.strata), "cluster": trial.cluster, "group": trial.group,
        "grouped_arms": list(trial.grouped_arms) or None, "weights": trial.weights, "categorical": list(trial.categorical),
        "design": trial.design, "ungrouped": "singleton",
    }  # fmt: skip
    return Trial(trial.data.assign(**changed), **roles)


def _side_by_side(parts: Sequence[Curves]) -> Curves:
    return Curves(*(np.concatenate([getattr(p, k) for p in parts], axis=1) for k in ("estimate", "t", "df")))
