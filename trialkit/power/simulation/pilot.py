"""Trials resampled from the people of a pilot: outcomes as they were, without the pilot's effect, in the numbers of the plan.

Outcome, baseline and covariates of a person stay together. Whole groups are drawn with replacement, of members without replacement as many as the plan's
groups have. A bootstrap of G groups understates the variance between them by (G-1)/G (Davison & Hinkley 1997, 3.8), so group means are spread by
sqrt(G/(G-1)) about their mean. Where the pilot has no groups for a grouped arm, people are drawn one by one and a normal group effect with the plan's
ICC replaces that share of the variance that covariates leave.

The pilot's own effect is taken out by the plan's analysis of the pilot: a resampled trial with effect 0 has none by that analysis.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from trialkit.errors import DataError, PlanError, TrialkitError, UsageError
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.power.simulation.generated import check_frame, effect_of, needed
from trialkit.power.words import number, plural
from trialkit.results import Note

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

FEWEST = 10
FEW_GROUPS = 20


@dataclass(frozen=True, slots=True)
class Side:
    """Who can be drawn for one arm.

    Attributes
    ----------
    rows : of the pilot. sizes : of the groups to make, empty where people stand alone, and people their number.
    members : rows of each group of the pilot; empty where the ICC is the plan's or nobody is grouped.
    """

    arm: str
    rows: IntArray
    people: int
    sizes: tuple[int, ...]
    members: tuple[IntArray, ...]


@dataclass(frozen=True, slots=True)
class Pilot:
    """Makes the data of one trial from the pilot's people: the generator that `Generated` runs."""

    spec: PlanSpec
    outcome: Outcome
    frame: pd.DataFrame
    y: FloatArray
    rest: FloatArray
    sides: tuple[Side, Side]
    icc: float
    attrition: float
    assumptions: tuple[str, ...]
    notes: tuple[Note, ...] = field(default=())

    def __call__(self, rng: np.random.Generator, effect: float) -> pd.DataFrame:
        d, parts, start = self.spec.data, [], 0
        unit = d.cluster if d.cluster is not None else d.group
        for side, moved in zip(self.sides, (effect, 0.0)):
            rows, group, y = self._drawn(side, rng)
            part = self.frame.iloc[rows].reset_index(drop=True)
            lost = rng.random(len(rows)) < self.attrition
            part[self.spec.value_column(self.outcome)] = np.where(lost, np.nan, y + moved)
            part[d.arm] = side.arm
            if unit is not None:
                part[unit] = pd.Series([None if g < 0 else f"g{start + g}" for g in group], dtype=object)
            start += len(side.sizes)
            parts.append(part)
        made = pd.concat(parts, ignore_index=True)
        made[d.unit] = np.arange(len(made))
        return made

    def _drawn(self, side: Side, rng: np.random.Generator) -> tuple[IntArray, IntArray, FloatArray]:
        """Rows of the pilot, their groups in the trial (-1 alone), and their outcomes without an effect."""
        if not side.sizes:
            rows = rng.choice(side.rows, side.people)
            return rows, np.full(len(rows), -1), self.y[rows]
        group = np.repeat(np.arange(len(side.sizes)), side.sizes)
        if side.members:
            return self._groups(side, group, rng)
        rows = rng.choice(side.rows, side.people)
        variance = float(self.y[side.rows].var(ddof=1))
        left = 1 - self.icc * variance / float(self.rest[side.rows].var(ddof=1))
        own = math.sqrt(self.icc * variance) * rng.standard_normal(len(side.sizes))
        return rows, group, self.y[rows] - self.rest[rows] * (1 - math.sqrt(left)) + own[group]

    def _groups(self, side: Side, group: IntArray, rng: np.random.Generator) -> tuple[IntArray, IntArray, FloatArray]:
        means = np.array([self.y[m].mean() for m in side.members])
        sizes = np.array([len(m) for m in side.members])
        centre, spread = float(means @ sizes / sizes.sum()), math.sqrt(len(means) / (len(means) - 1))
        rows, moved = [], []
        for size, chosen in zip(side.sizes, rng.integers(len(means), size=len(side.sizes))):
            members = side.members[chosen]
            taken = rng.permutation(members)[:size]
            rows.append(np.concatenate([taken, rng.choice(members, size - len(taken))]))
            moved.append(np.full(size, (means[chosen] - centre) * (spread - 1)))
        found = np.concatenate(rows)
        return found, group, self.y[found] + np.concatenate(moved)


def pilot_of(
    spec: PlanSpec, outcome: Outcome, pair: tuple[str, str], frame: pd.DataFrame, sizes: tuple[tuple[int, ...], tuple[int, ...]],
    people: tuple[int, int], icc: float, attrition: float,
) -> Pilot:  # fmt: skip
    """The pilot, checked, without its effect, with what it cannot say among the notes."""
    kept, whole = _checked(spec, outcome, pair, frame)
    column, d = spec.value_column(outcome), spec.data
    y = kept[column].to_numpy(dtype=float)
    notes, said = [], [f"outcomes of {plural(len(kept), 'person', 'people')} of the pilot, drawn with replacement"]
    arm = kept[d.arm].astype(str).to_numpy() if whole else np.full(len(kept), pair[1], dtype=object)
    for side in pair:
        there = int((arm == side).sum()) if whole else len(kept)
        if there < FEWEST:
            raise DataError(
                f"the pilot has {plural(there, 'person', 'people')} with an outcome for '{side}': at least {FEWEST} are needed."
            )
    if whole:
        y = y - np.where(arm == pair[0], _effect(spec, outcome, kept, pair), 0.0)
        said.append("without the effect that the plan's analysis finds in the pilot")
    unit = d.cluster if d.cluster is not None else d.group
    labels = kept[unit] if unit is not None and unit in kept else None
    sides = []
    for k in (0, 1):
        rows = np.flatnonzero(arm == pair[k]) if whole else np.arange(len(kept))
        members = _members(labels, rows) if sizes[k] and labels is not None else ()
        sides.append(Side(pair[k], rows, people[k], sizes[k], members))
        if not sizes[k]:
            continue
        if members:
            notes += _grouped_notes(y, members, sizes[k], pair[k])
            said.append(f"'{pair[k]}' in groups drawn whole from the {len(members)} of the pilot")
        else:
            said.append(
                f"the pilot has no groups for '{pair[k]}': people drawn one by one, with the plan's intracluster correlation {number(icc)}"
            )
    rest = _rest(spec, outcome, kept, y)
    for s in sides:
        if s.sizes and not s.members and icc * y[s.rows].var(ddof=1) >= rest[s.rows].var(ddof=1):
            raise PlanError(
                f"icc={icc:g} is more than what covariates leave of the pilot's variance: lower it, or leave out the covariates."
            )
    if d.strata:
        said.append("strata as the pilot's people have them, not balanced by the draw")
    notes.append(
        Note(
            "pilot",
            f"power for people as in the pilot: with {plural(len(kept), 'person', 'people')} its SD is known to about {_percent(y)}.",
        )
    )
    return Pilot(spec, outcome, kept, y, rest, (sides[0], sides[1]), icc, attrition, tuple(said), tuple(notes))


def no_shift(outcome: Outcome) -> UsageError:
    """Why a pilot cannot serve an outcome."""
    return UsageError(
        f"pilot data serve differences of means: an effect on '{outcome.measure}' cannot be added to outcomes that people had. Leave out pilot= and write the "
        "pilot's numbers in assume (control_rate, shares, icc), or give generator=."
    )


def _checked(spec: PlanSpec, outcome: Outcome, pair: tuple[str, str], frame: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """People with an outcome, in the columns that the plan reads, and whether both arms are there."""
    d = spec.data
    if not isinstance(frame, pd.DataFrame):
        raise UsageError(f"pilot= is a pandas DataFrame with the columns that the plan names, not a {type(frame).__name__}.")
    arms = set(frame[d.arm].dropna().astype(str)) if d.arm in frame else set()
    whole = set(pair) <= arms
    used = frame[frame[d.arm].astype(str).isin(pair)] if whole else frame
    stand_in = used.copy()
    for column in (d.group, d.cluster):
        if column is not None and column not in stand_in:
            stand_in[column] = None
    if not whole:
        stand_in[d.arm] = np.where(np.arange(len(stand_in)) % 2, pair[0], pair[1])
    check_frame(spec, outcome, pair, stand_in, "pilot")
    column = spec.value_column(outcome)
    values = pd.to_numeric(used[column])
    columns = [c for c in dict.fromkeys((*needed(spec, outcome), *((d.unit,) if d.unit in used else ()))) if c in used]
    return used.loc[values.notna(), columns].assign(**{column: values}).reset_index(drop=True), whole


def _effect(spec: PlanSpec, outcome: Outcome, kept: pd.DataFrame, pair: tuple[str, str]) -> float:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return effect_of(spec, outcome, kept, pair)[0]
    except TrialkitError as error:
        raise DataError(f"the plan's analysis cannot be run on the pilot, so its effect cannot be taken out: {error}") from error


def _members(labels: pd.Series, rows: IntArray) -> tuple[IntArray, ...]:
    """Rows of each group; none where fewer than two groups are named."""
    codes, names = pd.factorize(labels.iloc[rows])
    found = tuple(rows[codes == g] for g in range(len(names)))
    return found if len(found) > 1 and max(map(len, found)) > 1 else ()


def _rest(spec: PlanSpec, outcome: Outcome, kept: pd.DataFrame, y: FloatArray) -> FloatArray:
    """What covariates leave of the outcome."""
    covariates = kept[list(spec.adjust_for(outcome))]
    coded = pd.get_dummies(covariates, drop_first=True, dtype=float)
    X = np.column_stack([np.ones(len(y)), coded.fillna(coded.mean()).fillna(0.0).to_numpy(dtype=float)])
    found: FloatArray = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    return found


def _grouped_notes(y: FloatArray, members: tuple[IntArray, ...], sizes: tuple[int, ...], arm: str) -> list[Note]:
    icc, low, high = icc_interval([y[m] for m in members])
    notes = []
    if len(members) < FEW_GROUPS:
        text = (
            f"the intracluster correlation of '{arm}' in the pilot is {number(icc)}, known no better than from {number(low)} to {number(high)} (95 %, "
            f"{len(members)} groups): power is that of the pilot's own value. Simulate the plan without pilot= at icc={number(high)} as well."
        )
        notes.append(Note("pilot_icc", text))
    if max(sizes) > min(len(m) for m in members):
        text = (
            f"groups of the pilot have as few as {min(len(m) for m in members)} members and the plan's {max(sizes)}: members are repeated inside a group, which makes it more "
            "alike than it was, and power a little low."
        )
        notes.append(Note("pilot_small_groups", text))
    return notes


def icc_interval(groups: list[FloatArray]) -> tuple[float, float, float]:
    """ICC of a one-way layout by analysis of variance with its 95 % F interval, at the harmonic-like mean size m0 (Donner & Wells 1986)."""
    sizes, means = np.array([len(g) for g in groups]), np.array([g.mean() for g in groups])
    n, k = int(sizes.sum()), len(groups)
    if n == k:
        return 0.0, 0.0, 1.0
    between = float(sizes @ (means - sizes @ means / n) ** 2) / (k - 1)
    within = sum(float(((g - g.mean()) ** 2).sum()) for g in groups) / (n - k)
    m0 = (n - float((sizes**2).sum()) / n) / (k - 1)
    if within == 0:
        return 1.0, 0.0, 1.0

    def at(f: float) -> float:
        return min(max((f - 1) / (f + m0 - 1), 0.0), 1.0)

    f = between / within
    return at(f), at(f / special.fdtri(k - 1, n - k, 0.975)), at(f / special.fdtri(k - 1, n - k, 0.025))


def _percent(y: FloatArray) -> str:
    """Half of the 95 % interval of an SD, in percent, with the outcome's own kurtosis."""
    z = (y - y.mean()) / y.std()
    return f"{100 * 1.96 * math.sqrt(max(float((z**4).mean()) - 1, 0.1) / (4 * len(y))):.0f} %"
