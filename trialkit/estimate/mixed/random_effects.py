"""Which random intercepts the model has: groups by grouped arm, randomized clusters, and the columns of `random`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.errors import CombinationError, EstimationError, GroupError, MissingDataError, NotIdentifiedError, shown
from trialkit.estimate.mixed.options import MixedOptions
from trialkit.estimate.parts import changed
from trialkit.estimate.sample import Sample
from trialkit.estimate.strata import shares_differ
from trialkit.inference.arrays import IntArray
from trialkit.results import Note
from trialkit.trial import ALONE, Trial, rows_text

MOST_LEVELS = 3000
FEW_LEVELS = 5


@dataclass(frozen=True, slots=True)
class RandomEffect:
    """A random intercept with one variance.

    Attributes
    ----------
    name : of the variance without 'var_': 'group', 'group_peer', 'cluster', 'site'. what : its levels in words ('groups in peer').
    codes : (n,) level of each person analysed, -1 where it has none. arms : codes of the arms in which it occurs.
    """

    name: str
    what: str
    codes: IntArray
    arms: tuple[int, ...]

    @property
    def levels(self) -> int:
        return len(np.unique(self.codes[self.codes >= 0]))


def random_effects(trial: Trial, s: Sample, options: MixedOptions, notes: list[Note]) -> tuple[RandomEffect, ...]:
    """The random intercepts of a request, or an error when there is none or one cannot be estimated."""
    added = [_column(trial, s, name) for name in options.random]
    effects = [*_clusters(s, options), *_groups(s, notes), *added]
    if not effects:
        raise CombinationError(
            "estimator='mixed' needs groups (Trial(group=...)), randomized clusters (Trial(cluster=...)) or random=['site']: in this trial everyone is "
            "independent, which is what estimator='ancova' is for."
        )
    for i, effect in enumerate(effects):
        _check_sizes(effect, s)
        for other in effects[:i]:
            _check_apart(effect, other)
    for effect in added:
        if effect.levels < FEW_LEVELS:
            text = f"a variance from {effect.levels} {effect.what} is hardly known: as strata (fixed effects) they are taken out exactly."
            notes.append(Note("few_levels", text))
    if sum(e.levels for e in effects) > MOST_LEVELS and not one_a_person(effects):
        raise EstimationError(
            f"the random effects have {sum(e.levels for e in effects)} levels, more than the {MOST_LEVELS} that crossed effects can have here: enter "
            "the largest as strata, or leave it out."
        )
    return tuple(effects)


def one_a_person(effects: list[RandomEffect] | tuple[RandomEffect, ...]) -> bool:
    """No person has two random intercepts."""
    return bool((np.sum([e.codes >= 0 for e in effects], axis=0) <= 1).all())


def without_random_strata(trial: Trial, options: MixedOptions) -> Trial:
    """The trial with fixed effects only for the strata that are not random."""
    random = [name for name in options.random if name in trial.strata]
    if not random:
        return trial
    if shares_differ(trial):
        raise EstimationError(
            f"the shares of the arms differ by stratum, and random effects of {shown(random)} would take out only part of what that confounds: "
            "leave it out of random, so that it has fixed effects."
        )
    return changed(trial, strata=tuple(name for name in trial.strata if name not in random))


def _groups(s: Sample, notes: list[Note]) -> list[RandomEffect]:
    present = [int(a) for a in np.unique(s.arm[s.group != ALONE])]
    if s.cluster is not None and present and _same_partition(s.group, s.cluster):
        notes.append(
            Note("groups_are_clusters", "every group is a whole cluster: the clusters' variance holds that of the groups.")
        )
        return []
    out = []
    for a in present:
        name = "group" if len(present) == 1 else f"group_{s.arms[a]}"
        out.append(RandomEffect(name, f"groups in {s.arms[a]}", np.where(s.arm == a, s.group, ALONE), (a,)))
    return out


def _clusters(s: Sample, options: MixedOptions) -> list[RandomEffect]:
    if s.cluster is None:
        return []
    arms = tuple(range(len(s.arms)))
    if not options.random_by_arm:
        return [RandomEffect("cluster", "clusters", s.cluster, arms)]
    return [
        RandomEffect(f"cluster_{s.arms[a]}", f"clusters in {s.arms[a]}", np.where(s.arm == a, s.cluster, ALONE), (a,))
        for a in arms
    ]


def _column(trial: Trial, s: Sample, name: str) -> RandomEffect:
    codes = trial.codes(name)[s.rows]
    has = [bool((codes[s.arm == a] >= 0).any()) for a in range(len(s.arms))]
    missing = (codes < 0) & np.array(has)[s.arm]
    if missing.any():
        where = np.zeros(trial.n, dtype=bool)
        where[s.rows[missing]] = True
        raise MissingDataError(
            f"'{name}' is missing in {rows_text(where)}: a column of random effects is filled in for everyone of an arm, or for no one of it."
        )
    role = "facilitator" if name == trial.facilitator else name
    return RandomEffect(role, f"levels of '{name}'", codes, tuple(a for a, h in enumerate(has) if h))


def _check_sizes(effect: RandomEffect, s: Sample) -> None:
    sizes = np.bincount(effect.codes[effect.codes >= 0])
    sizes = sizes[sizes > 0]
    if len(sizes) < 2:
        raise GroupError(
            f"only one of the {effect.what} has people with '{s.outcome}': a variance between them cannot be estimated from one. More are needed; leaving "
            "it out would claim a precision that is not there."
        )
    if sizes.max() == 1:
        raise GroupError(
            f"all {effect.what} have one member with '{s.outcome}': what they share cannot be told from what each person brings. Use "
            "estimator='ancova', which takes every one of them as an independent unit."
        )


def _check_apart(effect: RandomEffect, other: RandomEffect) -> None:
    here, there = effect.codes >= 0, other.codes >= 0
    if (here == there).all() and _same_partition(effect.codes, other.codes):
        raise NotIdentifiedError(
            f"the {effect.what} and the {other.what} are the same people: their variances cannot be told apart. Leave one of them out."
        )


def _same_partition(a: IntArray, b: IntArray) -> bool:
    """Among people who have an `a`, its levels and those of `b` are the same sets."""
    inside = a >= 0
    pairs = np.unique(np.column_stack([a[inside], b[inside]]), axis=0)
    return bool(len(pairs) == len(np.unique(pairs[:, 0])) == len(np.unique(pairs[:, 1])))
