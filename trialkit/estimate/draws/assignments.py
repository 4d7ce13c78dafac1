"""The assignments that the observed one is compared with: drawn from the design or listed, of all arms or of two of them alone.

A comparison of two arms says nothing about a third. Its null hypothesis fixes the outcomes of the people of these two arms only, so
only they change places: everyone else stays where they were assigned, and the two labels are drawn anew by the design's own law
given that. For designs that are exchangeable within cells these are permutations within the cells; for independent draws the two
probabilities, made to sum to one; for a list the part of it that agrees on everyone else; for rerandomization those that are
accepted. Source: conditional randomization tests, Zheng & Zhang (2008); Basse, Feller & Toulis (2019), Biometrika 106(2).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from trialkit.design.base import Design, GroupedDesign
from trialkit.design.cells.leftovers import JointLaw
from trialkit.design.cells.rounding import key_thresholds
from trialkit.design.cells.units import Units
from trialkit.design.mechanisms.celled import CellDesign
from trialkit.design.mechanisms.complete import Complete
from trialkit.design.mechanisms.custom import Listed
from trialkit.design.mechanisms.matched_pairs import MatchedPairs
from trialkit.design.mechanisms.rerandomized import Rerandomized
from trialkit.design.mechanisms.simple import Simple
from trialkit.errors import DesignError, EstimationError, UsageError, shown
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.linear.arm_effects import ArmArray
from trialkit.trial import ALONE, Trial

Count = int | Literal["all"]


@dataclass(frozen=True, slots=True)
class Assignments:
    """Assignments of everyone in a trial.

    Attributes
    ----------
    arms : (B, n) codes of the trial's arms; among draws the observed assignment is the first, a list holds it anyway.
    groups : (B, n), or None where the design forms none. weights : (B,) probabilities. enumerated : whether this is all there are.
    """

    arms: ArmArray
    groups: IntArray | None
    weights: FloatArray
    enumerated: bool

    def of(self, rows: IntArray) -> Assignments:
        """The same for some of the people."""
        if len(rows) == self.arms.shape[1]:
            return self
        groups = None if self.groups is None else self.groups[:, rows]
        return replace(self, arms=self.arms[:, rows], groups=groups)


@dataclass(frozen=True, slots=True)
class Source:
    """Where assignments come from: a trial with its design, how many, and the seed."""

    trial: Trial
    n_draws: Count
    seed: Any

    @staticmethod
    def of(trial: Trial, n_draws: Any, seed: Any) -> Source:
        """Checked."""
        if trial.design is None:
            raise DesignError(
                "a randomization test draws from the design that made the assignment: give it as Trial(design=tk.design.stratified(...)) or the like."
            )
        whole = isinstance(n_draws, (int, np.integer)) and not isinstance(n_draws, bool)
        if n_draws != "all" and (not whole or n_draws < 1):
            raise UsageError(f"n_draws={n_draws!r} must be a number of draws, such as 5000, or 'all' to list every assignment.")
        if n_draws != "all" and seed is None:
            raise UsageError(
                "a randomization test by draws needs a seed: say seed=4711 (any number you choose), or n_draws='all'."
            )
        return Source(trial, n_draws, seed)

    def all_arms(self) -> Assignments:
        """Everyone changes places."""
        return self._made(self.trial.design, None)

    def two_arms(self, arm: int, reference: int) -> Assignments | None:
        """Only people of these two arms (codes of the trial) change places; None where the design has no such law that is known."""
        design, trial = self.trial.design, self.trial
        if len(trial.arms) == 2 and len(design.arms) == 2:
            return self.all_arms()
        codes = design.codes([trial.arms[arm], trial.arms[reference]])
        observed = np.empty(trial.n, dtype=np.int64)
        observed[self._places] = design.codes([trial.arms[c] for c in trial.arm_codes])
        law = two_arm_law(design, observed, (int(codes[0]), int(codes[1])))
        if law is not None:
            return self._made(law, (trial.arm_codes == arm) | (trial.arm_codes == reference))
        return self._part_of_list(arm, reference) if self.n_draws == "all" else None

    @property
    def _places(self) -> IntArray:
        assert self.trial.places is not None
        return self.trial.places

    def _made(self, design: Design, moving: BoolArray | None) -> Assignments:
        arms, groups, weights = self._listed(design) if self.n_draws == "all" else self._drawn(design)
        trial = self.trial
        if moving is not None:
            arms[:, ~moving] = trial.arm_codes[~moving]
            if groups is not None:  # groups of people who stay are the observed ones, numbered behind those formed anew
                stays = ~moving & (trial.group_codes != ALONE)
                groups[:, ~moving] = ALONE
                groups[:, stays] = trial.group_codes[stays] + int(groups.max(initial=-1)) + 1
        return Assignments(arms, groups, weights, self.n_draws == "all")

    def _listed(self, design: Design) -> tuple[ArmArray, None, FloatArray]:
        listed, weights = design.enumerate()
        possible = weights > 0
        return self._recoded(design, listed[possible]), None, np.asarray(weights[possible], dtype=float)

    def _drawn(self, design: Design) -> tuple[ArmArray, IntArray | None, FloatArray]:
        trial = self.trial
        draws = design.draw_many(int(self.n_draws), seed=self.seed)
        arms = np.concatenate([trial.arm_codes[None, :].astype(np.int8), self._recoded(design, draws.arms)])
        groups = None
        if draws.groups is not None:
            groups = np.concatenate([trial.group_codes[None, :], np.asarray(draws.groups[:, self._places], dtype=np.int64)])
        return arms, groups, np.full(len(arms), 1 / len(arms))

    def _part_of_list(self, arm: int, reference: int) -> Assignments | None:
        """The listed assignments that leave everyone else in their arm."""
        arms, groups, weights = self._listed(self.trial.design)
        observed = self.trial.arm_codes
        moving = (observed == arm) | (observed == reference)
        kept = (arms[:, ~moving] == observed[~moving]).all(axis=1)
        if kept.sum() < 2:
            return None
        return Assignments(arms[kept], groups, weights[kept] / weights[kept].sum(), True)

    def _recoded(self, design: Design, codes: ArmArray) -> ArmArray:
        """Codes of the trial for the rows of its data."""
        recode = np.array([_code(label, self.trial.arms) for label in design.arms], dtype=np.int8)
        out = recode[np.take(codes, self._places, axis=1)]
        if (recode < 0).any() and (out < 0).any():
            empty = [a for a, c in zip(design.arms, recode) if c < 0]
            raise EstimationError(
                f"the design can put people in {shown(empty)}, where nobody of the data is: their outcomes there are unknown under any "
                "hypothesis on the other arms."
            )
        return out


def _code(label: Hashable, arms: tuple[Hashable, ...]) -> int:
    """Code in the trial of an arm of the design; -1 for an arm that nobody in the data is in."""
    return next((i for i, a in enumerate(arms) if a == label or str(a) == str(label)), -1)


def two_arm_law(design: Design, observed: IntArray, pair: tuple[int, int]) -> Design | None:
    """The design given where the people of all other arms are; None for a scheme without a known law.

    Parameters
    ----------
    observed : (n,) codes of the design's arms in its own order. pair : the two arms whose people change places.
    """
    maker = next((make for scheme, make in _LAWS.items() if isinstance(design, scheme)), None)
    return None if maker is None else maker(design, observed, pair)


def _grouped(design: Any, observed: IntArray, pair: tuple[int, int]) -> Design | None:
    inner = two_arm_law(design.inner, observed, pair)
    return None if inner is None else replace(design, inner=inner)


def _accepted(design: Any, observed: IntArray, pair: tuple[int, int]) -> Design | None:
    base = two_arm_law(design.base, observed, pair)
    return None if base is None else replace(design, base=base, symmetric=False)


def _celled(design: Any, observed: IntArray, pair: tuple[int, int]) -> Design:
    units, law = _finer(design.units, design.units.cell_of, observed, len(design.arms), pair)
    return replace(design, units=units, law=law)


def _paired(design: Any, observed: IntArray, pair: tuple[int, int]) -> Design:
    units, law = _finer(design.units, design.block, observed, len(design.arms), pair)
    return Complete(design.people, design.arms, design.settings, units=units, law=law)


def _finer(units: Units, cell_of: IntArray, observed: IntArray, n_arms: int, pair: tuple[int, int]) -> tuple[Units, JointLaw]:
    """Cells of those who change places, and for everyone else a cell for each arm; the numbers are those observed."""
    arm = np.zeros(units.count, dtype=np.int64)
    arm[units.member] = observed
    cells = int(cell_of.max()) + 1
    _, finer = np.unique(np.where(np.isin(arm, pair), cell_of, cells + arm), return_inverse=True)
    finer = finer.reshape(-1).astype(np.int64)
    table = np.zeros((int(finer.max()) + 1, n_arms), dtype=np.int64)
    np.add.at(table, (finer, arm), 1)
    return replace(units, cell_of=finer, cells=tuple(range(len(table)))), JointLaw(table)


def _independent(design: Any, observed: IntArray, pair: tuple[int, int]) -> Design:
    matrix, thresholds = np.zeros_like(design.matrix), []
    for person, row in enumerate(design.matrix.tolist()):
        shares = [Fraction(0)] * len(row)
        places = pair if observed[person] in pair else (int(observed[person]),)
        total = sum((Fraction(row[a]) for a in places), Fraction(0))
        for a in places:
            shares[a] = Fraction(row[a]) / total
        matrix[person] = [float(s) for s in shares]
        thresholds.append(key_thresholds(shares))
    return replace(design, matrix=matrix, thresholds=np.array(thresholds).T)


def _from_list(design: Any, observed: IntArray, pair: tuple[int, int]) -> Design | None:
    stays = ~np.isin(observed, pair)
    kept = (design.rows[:, stays] == observed[stays]).all(axis=1)
    if kept.sum() < 2:
        return None
    weights = design.weights[kept] / design.weights[kept].sum()
    exact = [Fraction(w) for w in weights.tolist()]
    return replace(design, rows=design.rows[kept], weights=weights, thresholds=key_thresholds(exact))


_LAWS: dict[type[Design], Callable[[Any, IntArray, tuple[int, int]], Design | None]] = {
    GroupedDesign: _grouped,
    Rerandomized: _accepted,
    CellDesign: _celled,
    MatchedPairs: _paired,
    Simple: _independent,
    Listed: _from_list,
}
