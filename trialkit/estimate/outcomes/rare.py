"""Rare events: what is known when none was seen, and what a reader must be told when there were few.

With no event among n independent people the exact upper limit of the probability is 1 - (1 - conf_level)^(1/n), about 3/n at 95 %: the
rule of three (Hanley & Lippman-Hand 1983, JAMA 249, 1743-1745). People of one group share what happens to them, so with groups the same
zeros say less. Without an event the intraclass correlation cannot be estimated; it is either given, and n becomes the effective number
n / (1 + (m - 1) icc) with m = sum n_g^2 / sum n_g (Kish 1965; on the careful side where groups are beta-binomial), or the two extremes
are shown: independent people, and groups in which all fare alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trialkit.errors import EstimationError, UsageError, shown
from trialkit.estimate.request import checked_level
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.results import Note
from trialkit.trial import ALONE, Trial

FEW = 5
MANY_GROUPS = 20
PER_TERM = 5
PEOPLE_PER_TERM = 10


@dataclass(frozen=True, slots=True)
class ZeroEvents:
    """Upper limits of a probability of which no event was seen.

    Attributes
    ----------
    n : people. groups : independent groups, people alone included; n without groups.
    upper : for independent people. upper_groups : when all members of a group fare alike.
    effective_n, upper_icc : for the intraclass correlation `icc`; None when none was given.
    conf_level : of these one-sided limits.
    """

    n: int
    groups: int
    conf_level: float
    upper: float
    upper_groups: float
    icc: float | None = None
    effective_n: float | None = None
    upper_icc: float | None = None

    def __str__(self) -> str:
        level = f"{100 * self.conf_level:g} %"
        text = f"none among {self.n} people: at most {_percent(self.upper)} ({level} limit) if people were independent"
        if self.groups == self.n:
            return text
        if self.upper_icc is not None:
            return f"{text}, {_percent(self.upper_icc)} with an intraclass correlation of {self.icc:g}"
        return f"{text}, up to {_percent(self.upper_groups)} if all members of a group fared alike ({self.groups} groups and people alone)"


def zero_events(n: int, *, sizes: Sequence[int] | None = None, icc: float | None = None, conf_level: float = 0.95) -> ZeroEvents:
    """What no event among n people says about its probability: the exact form of the rule of three.

    Parameters
    ----------
    n : people observed, none with the event.
    sizes : people in each group; people in no group are those left of n. None: everyone is independent.
    icc : an assumed intraclass correlation, 0 to 1; it cannot be estimated where there are no events.
    conf_level : of the one-sided limits.

    Raises
    ------
    UsageError
        Fewer than one person, groups with more people than n, an icc outside 0 to 1.

    Examples
    --------
    >>> round(zero_events(100).upper, 4)
    0.0295
    >>> found = zero_events(100, sizes=[10] * 10, icc=0.1)
    >>> round(found.effective_n, 1), round(found.upper_icc, 4), round(found.upper_groups, 4)
    (52.6, 0.0553, 0.2589)
    """
    if n < 1:
        raise UsageError(f"n={n}: the limit needs at least one person.")
    checked_level(conf_level)
    if icc is not None and not 0 <= icc <= 1:
        raise UsageError(f"icc={icc} must lie between 0 and 1.")
    members = np.asarray([] if sizes is None else sizes, dtype=float)
    if (members < 1).any() or members.sum() > n:
        raise UsageError(f"the groups hold {members.sum():g} people, one or more each, which does not go with n={n}.")
    alone = n - int(members.sum())
    groups = len(members) + alone
    tail = 1 - conf_level
    found = ZeroEvents(n, groups, conf_level, 1 - tail ** (1 / n), 1 - tail ** (1 / groups))
    if icc is None:
        return found
    size = (float(members @ members) + alone) / n
    effective = n / (1 + (size - 1) * icc)
    return ZeroEvents(n, groups, conf_level, found.upper, found.upper_groups, float(icc), effective, 1 - tail ** (1 / effective))


def event_notes(s: Sample, *, terms: int = 0) -> list[Note]:
    """Notes on an outcome of 0 and 1: arms without events (or with nothing else), few of them, few for the covariates."""
    people = np.bincount(s.arm, minlength=len(s.arms))
    events = np.bincount(s.arm, weights=s.y, minlength=len(s.arms))
    notes = []
    for count, what in ((events, "events"), (people - events, "others")):
        notes += [_zero_note(s, int(a), what) for a in np.flatnonzero(count == 0)]
    rarer = np.minimum(events, people - events)
    few = {str(s.arms[a]): f"{events[a]:g} of {people[a]}" for a in np.flatnonzero((rarer > 0) & (rarer < _enough(s)))}
    if few:
        remedy = "a randomization test" if s.clustered else "estimator='exact' (without covariates)"
        text = ", ".join(f"{k}: {v}" for k, v in few.items())
        notes.append(Note("few_events", f"few people with the event, or without it ({text}): read the interval beside {remedy}."))
    least = int(min(events.sum(), (people - events).sum()))
    if terms and least < PER_TERM * terms:
        notes.append(
            Note(
                "many_terms",
                f"{terms} covariate terms for {least} people with the rarer outcome: the standard error takes the working model as given and "
                "is too small with so many; adjust for fewer.",
            )
        )
    return notes


def _enough(s: Sample) -> FloatArray:
    """People with the rarer outcome that an arm should have: with fewer than 20 groups two a group (docs/calibration/binary.md)."""
    out = np.full(len(s.arms), float(FEW))
    if s.cluster is None:
        for a in range(len(s.arms)):
            groups = s.groups_in(s.arm == a)
            out[a] = max(FEW, 2 * groups) if groups < MANY_GROUPS else FEW
    return out


def count_notes(s: Sample, *, terms: int = 0) -> list[Note]:
    """Notes on counts: arms with few events in all, many covariate terms for the people there are."""
    totals = {str(label): float(s.y[s.arm == a].sum()) for a, label in enumerate(s.arms)}
    few = ", ".join(f"{t:g} in {label}" for label, t in totals.items() if 0 < t < FEW)
    notes = []
    if few:
        notes.append(
            Note("few_events", f"few events in all ({few}): the interval leans on a normal approximation that needs more.")
        )
    if terms and s.n < PEOPLE_PER_TERM * terms:
        notes.append(
            Note(
                "many_terms",
                f"{terms} covariate terms for {s.n} people: the standard error takes the working model as given and is too small with so many; "
                "adjust for fewer.",
            )
        )
    return notes


def check_any_event(trial: Trial, outcome: str) -> None:
    """An outcome of 0 and 1 that never (or always) occurred allows no comparison; the limits by arm are what can be said."""
    y = trial.values(outcome)
    seen = np.isfinite(y)
    if not seen.any():
        return
    for value, what in ((0.0, "no one has"), (1.0, "everyone has")):
        if (y[seen] == value).all():
            limits = []
            for a, label in enumerate(trial.arms):
                inside = seen & (trial.arm_codes == a)
                if inside.any():
                    limits.append(f"{label}, {zero_events(int(inside.sum()), sizes=shared_sizes(trial, inside))}")
            text = "; ".join(limits)
            raise EstimationError(
                f"{what} '{outcome}': there is no variation to compare the arms by. What can be said is how often it can be"
                f"{' at most' if value == 0 else ' absent at most'} (one-sided limits): {text}."
            )


def shared_sizes(trial: Trial, inside: BoolArray) -> list[int]:
    """Sizes of the randomized clusters, or else the groups, of some people; who is alone is not among them."""
    return _sizes((trial.group_codes if trial.cluster is None else trial.codes(trial.cluster))[inside])


def _zero_note(s: Sample, arm: int, what: str) -> Note:
    inside = s.arm == arm
    unit = s.group[inside] if s.cluster is None else s.cluster[inside]
    found = zero_events(int(inside.sum()), sizes=_sizes(unit))
    missing = f"'{s.outcome}'" if what == "events" else f"anything but '{s.outcome}'"
    return Note(
        "zero_events",
        f"arm {shown([s.arms[arm]])} has no one with {missing}: {found}. The arm adds nothing to the standard error of a difference, which is too "
        f"small, and a ratio has none.{'' if s.clustered else chr(32) + 'Use estimator=' + chr(39) + 'exact' + chr(39) + '.'}",
    )


def _sizes(groups: np.ndarray) -> list[int]:
    members = groups[groups != ALONE]
    return [int(v) for v in np.unique(members, return_counts=True)[1]]


def _percent(value: float) -> str:
    return f"{100 * value:.2g} %"
