"""The world a plan assumes: people, groups, baseline and outcome of one primary outcome, drawn block by block.

A block is one randomization with its groups, baseline, covariates and losses; the replicates inside a block differ in everything that happens after that. A
mean of the treated in groups has, in units of the SD of single people,

    y = r z + u_g + e,  z the baseline, Var(u) = icc, Var(e) = 1 - icc - r^2;   of the others  y = r z + e, Var(e) = 1 - r^2,

because the baseline precedes the groups (power/families/grouped.py). Where strata explain a share s of the variance, r z becomes sqrt(1 - s) r z + sqrt(s) times the
standardized number of the stratum, and (1 - s)(1 - r^2) is left. A rate has group rates from a beta distribution with the ICC; the same uniform numbers
serve every effect, so power curves are smooth. With take-up below one only takers have the effect on compliers. Counts, times and ordered outcomes: kinds.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import special

from trialkit.errors import PlanError, UsageError
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.power.plans.scale import Scale
from trialkit.power.plans.sizes import people_of, sizes_of_groups
from trialkit.power.simulation.kinds import Counts, Kind, Outcomes, ordered_kind, times_kind

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

STRATA = 4
RATES = ("risk_difference", "risk_ratio", "odds_ratio")


@dataclass(frozen=True, slots=True)
class World:
    """Numbers of one outcome and one contrast.

    Attributes
    ----------
    pair : (arm, reference). people : in each of the two. groups : sizes of the groups of each, empty where people stand alone.
    clusters : number of randomized clusters of each arm, or None. sd, rate : of the outcome; rate None for a mean.
    icc, correlation, attrition, take_up : as assumed. on_compliers : whether effects are those on compliers.
    strata_r2 : share of a mean's variance between strata. measure : of the outcome. kind : how counts, times and ordered outcomes are made; None for means and rates.
    """

    pair: tuple[str, str]
    people: tuple[int, int]
    groups: tuple[tuple[int, ...], tuple[int, ...]]
    clusters: tuple[int, int] | None
    sd: float
    rate: float | None
    icc: float
    correlation: float
    attrition: float
    take_up: float
    on_compliers: bool
    assumptions: tuple[str, ...]
    measure: str = "mean_difference"
    kind: Kind | None = None
    strata_r2: float = 0.0

    @property
    def dilution(self) -> float:
        return self.take_up if self.on_compliers else 1.0

    def truth(self, effect: float) -> float:
        """What the planned analysis estimates at a true effect; of a ratio the log."""
        if self.kind is not None:
            return self.kind.truth(effect, self.dilution)
        if self.rate is None or self.measure == "risk_difference":
            return effect * self.dilution
        reached = self.rate + effect * self.dilution
        if self.measure == "risk_ratio":
            return math.log(reached / self.rate)
        return float(special.logit(reached) - special.logit(self.rate))

    def block(self, spec: PlanSpec, outcome: Outcome, rng: np.random.Generator) -> Block:
        """One randomization of the people with all that is fixed in it."""
        n = sum(self.people)
        stratum = rng.permutation(np.arange(n) % STRATA) if spec.data.strata else np.zeros(n, dtype=np.int64)
        arm = _assigned(rng, stratum, self.people) if self.clusters is None else np.repeat([1, 0], self.people)
        unit = np.full(n, -1, dtype=np.int64)
        start = 0
        for side in (0, 1):
            inside = np.flatnonzero(arm == 1 - side)
            sizes = self.groups[side] if self.clusters is None else even(len(inside), self.clusters[side])
            if sizes:
                unit[rng.permutation(inside)] = start + np.repeat(np.arange(len(sizes)), sizes)
                start += len(sizes)
        z = rng.standard_normal(n)
        seen = rng.random(n) >= self.attrition
        takes = rng.random(n) < self.take_up
        covariates = {c: rng.standard_normal(n) for c in spec.adjust_for(outcome) if c != spec.baseline_column(outcome)}
        return Block(self, arm, unit, stratum, z, seen, takes, covariates, spec.baseline_column(outcome))


@dataclass(frozen=True, slots=True)
class Block:
    """People of one randomization. `arm` 1 is the arm, 0 the reference; `unit` the group or cluster, -1 alone."""

    world: World
    arm: IntArray
    unit: IntArray
    stratum: IntArray
    z: FloatArray
    seen: Any
    takes: Any
    covariates: dict[str, FloatArray]
    baseline: str | None

    @property
    def moved(self) -> FloatArray:
        """(n,) 1 for people who have the effect, 0 for others."""
        return (self.arm * (self.takes if self.world.on_compliers else 1)).astype(float)

    def frame(self, spec: PlanSpec, column: str, y: Any) -> pd.DataFrame:
        """The data as the plan's trial would hold them; `y` is (n,) or, of a time, a pair of times and events."""
        d = spec.data
        arms = np.where(self.arm == 1, self.world.pair[0], self.world.pair[1])
        found: dict[str, Any] = {str(d.unit or "unit"): np.arange(len(self.arm)), d.arm: arms}
        if isinstance(y, tuple):
            event = next(str(o.event) for o in spec.outcomes if o.time == column)
            found |= {column: np.where(self.seen, y[0], np.nan), event: np.where(self.seen, y[1], np.nan)}
        else:
            found[column] = np.where(self.seen, y, np.nan)
        labels = np.array([f"g{u}" for u in self.unit], dtype=object)
        labels[self.unit < 0] = None
        if self.world.clusters is not None:
            found[str(d.cluster)] = labels
        elif any(self.world.groups):
            found[str(d.group)] = labels
        for i, name in enumerate(d.strata):
            found[name] = [f"s{s}" for s in (self.stratum if i == 0 else np.zeros_like(self.stratum))]
        if self.baseline is not None:
            found[self.baseline] = self.world.sd * self.z
        return pd.DataFrame(found | self.covariates)

    def common(self, rng: np.random.Generator, replicates: int) -> Any:
        """Random numbers of `replicates` outcomes, the same for every effect; `outcomes` reads them."""
        if self.world.kind is not None:
            return self.world.kind.common(self, rng, replicates)
        return self.means(rng, replicates) if self.world.rate is None else self.rates(rng, replicates)

    def outcomes(self, common: Any, effect: float) -> Outcomes:
        """(R, n) outcomes at a true effect, of a time a pair of times and events; of everyone: `seen` says who is measured."""
        w = self.world
        if w.kind is not None:
            return w.kind.outcomes(self, common, effect)
        if w.rate is not None:
            return self.events(common, effect)
        shifted: FloatArray = common + effect * self.moved
        return shifted

    @property
    def shifts(self) -> bool:
        """Whether an effect moves everyone in the arm by itself, so that it leaves the residuals of a regression as they are."""
        return self.world.kind is None and self.world.rate is None and not self.world.on_compliers

    def means(self, rng: np.random.Generator, replicates: int) -> FloatArray:
        """(R, n) outcomes without an effect, of SD `world.sd`."""
        w, n = self.world, len(self.arm)
        inside = self.unit >= 0
        left = (1 - w.strata_r2) * (1 - w.correlation**2) - np.where(inside, w.icc, 0.0)
        y = (
            math.sqrt(1 - w.strata_r2) * w.correlation * self.z
            + self._of_strata()
            + rng.standard_normal((replicates, n)) * np.sqrt(left)
        )
        if inside.any() and w.icc:
            own = math.sqrt(w.icc) * rng.standard_normal((replicates, int(self.unit.max()) + 1))
            y[:, inside] += own[:, self.unit[inside]]
        return w.sd * y

    def _of_strata(self) -> FloatArray | float:
        """(n,) the strata's part of a mean, in SDs."""
        if not self.world.strata_r2:
            return 0.0
        score = self.stratum - self.stratum.mean()
        found: FloatArray = math.sqrt(self.world.strata_r2) * score / score.std()
        return found

    def rates(self, rng: np.random.Generator, replicates: int) -> tuple[FloatArray, FloatArray]:
        """Uniform numbers (R, n) of the people and (R, units) of the groups, the same for every effect."""
        units = int(self.unit.max()) + 1
        return rng.random((replicates, len(self.arm))), rng.random((replicates, max(units, 1)))

    def events(self, uniforms: tuple[FloatArray, FloatArray], effect: float) -> FloatArray:
        """(R, n) zeros and ones at an effect on the rate (of everyone assigned, or of takers)."""
        w = self.world
        assert w.rate is not None
        person, group = uniforms
        rate = w.rate + effect * self.moved
        if not ((rate > 0) & (rate < 1)).all():
            raise UsageError(f"effect={effect:g} takes a rate of {w.rate:g} out of 0 to 1.")
        chance = np.broadcast_to(rate, person.shape)
        inside = self.unit >= 0
        if w.icc and inside.any():
            # rates of groups from a beta distribution whose mean is the rate and whose variance is icc p (1-p)
            spread = (1 - w.icc) / w.icc
            # those of a group who have one rate share what is drawn for them, so it is inverted once
            pairs, seat = np.unique(np.column_stack([self.unit[inside], rate[inside]]), axis=0, return_inverse=True)
            units, mean = pairs[:, 0].astype(np.int64), pairs[:, 1]
            own = special.betaincinv(np.clip(mean * spread, 1e-9, None), (1 - mean) * spread, group[:, units])
            chance = chance.copy()
            chance[:, inside] = own[:, seat.reshape(-1)]
        return (person < chance).astype(float)


def world_of(
    spec: PlanSpec,
    outcome: Outcome,
    pair: tuple[str, str],
    arguments: dict[str, Any],
    notes: tuple[str, ...],
    scale: Scale | None = None,
) -> World:
    """The world of one outcome; `arguments` are those of the closed form (power/plans/sizes.py), so both assume the same."""
    people = people_of(spec, pair)
    clusters = None
    groups: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    if "clusters" in arguments:
        clusters = (int(arguments["allocation"][0]), int(arguments["allocation"][1]))
    elif any(arm in spec.grouped_arms for arm in pair):
        groups = tuple(sizes_of_groups(spec, n) if arm in spec.grouped_arms else () for arm, n in zip(pair, people))  # type: ignore[assignment]
    correlation, icc = float(arguments.get("baseline_correlation") or 0.0), float(arguments.get("icc") or 0.0)
    strata_r2 = float(arguments.get("strata_r2") or 0.0) if spec.data.strata and "control_rate" not in arguments else 0.0
    if strata_r2 and (1 - strata_r2) * (1 - correlation**2) <= icc:
        raise PlanError(f"strata_r2={strata_r2:g} and icc={icc:g} leave no variance between people: lower one of them.")
    if correlation**2 + icc >= 1:
        raise PlanError(
            f"baseline_correlation={correlation:g} and icc={icc:g} leave no variance between people: lower one of them."
        )
    rate, attrition = arguments.get("control_rate"), float(arguments.get("attrition") or 0.0)
    kind = None if scale is None else _kind(outcome, scale, icc, _lost(arguments, attrition))
    if scale is not None and kind is not None:
        correlation = 0.0
        attrition = 0.0 if scale.kind == "time" else attrition
    return World(
        pair, people, groups, clusters, float(arguments.get("sd", 1.0)), None if rate is None else float(rate), icc, correlation,
        attrition, float(arguments.get("take_up") or 1.0), outcome.estimand.population == "compliers", notes, outcome.measure, kind, strata_r2,
    )  # fmt: skip


def _lost(arguments: dict[str, Any], attrition: float) -> float:
    """The share lost by the end, which the formula for times takes as a rate of drop-out."""
    return -math.expm1(-arguments["dropout"] * arguments["follow_up"]) if arguments.get("dropout") else attrition


def _kind(outcome: Outcome, scale: Scale, icc: float, attrition: float) -> Kind | None:
    if scale.kind == "count":
        return Counts(scale.given["control_mean"], scale.given["variance_ratio"], icc)
    if scale.kind == "time":
        return times_kind(outcome.tau if outcome.measure == "rmst_difference" else None, scale.given, icc, attrition)
    if scale.kind == "ordered":
        return ordered_kind(outcome.measure, outcome.better, scale.given, icc)
    return None


def _assigned(rng: np.random.Generator, stratum: IntArray, people: tuple[int, int]) -> IntArray:
    """Arms in random order within strata, each stratum with its share, the whole trial's numbers exactly."""
    counts = np.bincount(stratum)
    exact = counts * people[0] / sum(people)
    treated = np.floor(exact).astype(np.int64)
    more = people[0] - int(treated.sum())
    treated[rng.permutation(len(counts))[:more]] += 1
    arm = np.zeros(len(stratum), dtype=np.int64)
    for s, k in enumerate(treated):
        arm[rng.permutation(np.flatnonzero(stratum == s))[:k]] = 1
    return arm


def even(people: int, units: int) -> tuple[int, ...]:
    """Sizes that differ by at most one."""
    small, larger = divmod(people, units)
    return (small + 1,) * larger + (small,) * (units - larger)
