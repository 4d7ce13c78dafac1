"""Power of a [[mediation]] entry of a plan: `tk.mediate` with the entry's own keywords on thousands of made trials.

The first replicate of a block goes through `tk.mediate` itself, which settles the people, the covariates and the inference; the others are the same computation for all at
once (bootstrap.py, monte_carlo.py). Replicates with rules of their own, groups that are fitted exactly or draws that determine nothing, go through `tk.mediate` one at a time.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from trialkit.errors import PlanError, TrialkitError, UsageError, nearest, shown
from trialkit.estimate.mediation.evidence import MediationEvidence
from trialkit.estimate.mediation.inference import chosen
from trialkit.estimate.mediation.mediate import mediate
from trialkit.estimate.mediation.result import MediationResult
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.inference.draws.group_bootstrap import bootstrap_weights, resampling_cells
from trialkit.power.arguments import real
from trialkit.power.families.mediation import mediation as closed_form
from trialkit.power.plans.outcome import scale_of
from trialkit.power.plans.sizes import planned
from trialkit.power.simulation.mediation.bootstrap import resampling
from trialkit.power.simulation.mediation.monte_carlo import fits, intervals, units_of
from trialkit.power.simulation.mediation.paths import Inferred, TruePaths, inferred
from trialkit.power.simulation.mediation.world import MediationBlock, MediationWorld, checked, columns_of
from trialkit.power.simulation.running import size_of
from trialkit.power.simulation.tally import Tally, row
from trialkit.power.simulation.world import world_of
from trialkit.power.words import number, percent
from trialkit.results import Note
from trialkit.trial import ALONE, Trial

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec
    from trialkit.plan.schema.sections import Mediation

INNER_DRAWS = 999
CHUNK = 100
DISAGREES = 0.01


@dataclass(frozen=True, slots=True)
class MediationQuestion:
    """One mediation entry of a plan and one contrast with all that a simulation needs; it travels to workers."""

    spec: PlanSpec
    outcome: Outcome
    entry: Mediation
    made: MediationWorld
    paths: tuple[TruePaths, ...]
    seed: int
    alpha: float
    draws: int
    replicates: int = 100
    later: int = 500

    def randomized(self, index: int) -> tuple[MediationBlock, np.random.Generator]:
        """One randomization; its random numbers follow from the seed and its index alone."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(index,)))
        return self.made.block(self.spec, self.outcome, rng), rng

    def block(self, index: int) -> list[Tally]:
        """Tallies of total and acme of each of the true paths."""
        block, rng = self.randomized(index)
        inner = int(rng.integers(2**31))
        found = self.inferred(block, *block.draw(rng, size_of(self, index)), inner)
        return [
            _tally(f, j, getattr(p, name), self.alpha)
            for f, p in zip(found, self.paths)
            for j, name in ((1, "total"), (0, "acme"))
        ]

    def inferred(self, block: MediationBlock, m: FloatArray, y: FloatArray, seed: int) -> list[Inferred]:
        """Acme and total of replicates (R, n) made without an effect, under each of the true paths."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            first = next((f for i in range(min(5, len(m))) if (f := self._evidence(block, m[i], y[i])) is not None), None)
            if first is None:
                nothing = np.full((2, len(m)), np.nan)
                return [Inferred(*(nothing,) * 5) for _ in self.paths]
            parts = [self._chunk(block, first, m[i : i + CHUNK], y[i : i + CHUNK], seed) for i in range(0, len(m), CHUNK)]
        return [_joined([part[j] for part in parts]) for j in range(len(self.paths))]

    def one(self, block: MediationBlock, m: FloatArray, y: FloatArray, true: TruePaths, **keywords: Any) -> MediationResult:
        """`tk.mediate` as the plan asks for it, of one replicate (n,) with these true paths."""
        c, pair = self.made.columns, self.made.world.pair
        m = m + true.a * block.block.arm
        frame = block.frame(self.spec, m, y + true.direct * block.block.arm + true.b * m)
        own = self.spec.roles() | {"control": pair[1], "facilitator": None, "weights": None, "categorical": []}
        if own["group"] in frame:
            own["grouped_arms"] = [a for a in pair if a in self.spec.grouped_arms]
        else:
            own |= {"group": None, "grouped_arms": None, "ungrouped": "singleton"}
        if own["unit"] not in frame:
            own["unit"] = None
        return mediate(
            Trial(frame, **own), c.outcome, mediator=c.mediator, adjust=c.adjust, mediator_baseline=c.mediator_baseline,
            outcome_baseline=c.outcome_baseline, interaction=self.entry.interaction, measure="mean_difference", arm=pair[0],
            conf_level=1 - self.alpha, **keywords,
        )  # fmt: skip

    def head(self) -> dict[str, Any]:
        """What tells the blocks of this simulation from those of another, for a checkpoint."""
        return {
            "seed": self.seed, "mediation": self.entry.model_dump(mode="json"), "paths": [asdict(p) for p in self.paths], "alpha": self.alpha,
            "draws": self.draws, "replicates": [self.replicates, self.later], "world": str(self.made),
        }  # fmt: skip

    def _evidence(self, block: MediationBlock, m: FloatArray, y: FloatArray) -> MediationEvidence | None:
        try:
            return self.one(block, m, y, TruePaths(0.0, 0.0, 0.0), inference="delta").needed()
        except (TrialkitError, np.linalg.LinAlgError):
            return None

    def _chunk(self, block: MediationBlock, e: MediationEvidence, m: FloatArray, y: FloatArray, seed: int) -> list[Inferred]:
        s, level = e.sample, 1 - self.alpha
        method = chosen("auto", s, batched=True)[0]
        seen_m, seen_y = m[:, s.rows], y[:, s.rows]
        if method == "group_bootstrap":
            code, cell = resampling_cells(arm=s.arm, stratum=s.stratum, unit=s.unit_of_variance)
            weights = np.concatenate([np.ones((1, len(cell))), *bootstrap_weights(cell=cell, n_draws=self.draws, seed=seed)])
            drawn = resampling(t=e.t, X=e.X, unit=code, weights=weights, interaction=self.entry.interaction).paths(seen_m, seen_y)
            effects = [drawn.effects(p) for p in self.paths]
            found = [inferred(x[..., 0], x[..., 1:], level) for x in effects]
            apart = ~np.isfinite(drawn.b0 + drawn.b1).all(axis=1)
        else:
            group = s.group if s.cluster is None and (s.group != ALONE).any() else None
            units = units_of(t=e.t, X=e.X, unit=e.unit, group=group, clustered=s.clustered)
            fitted = fits(units, seen_m, seen_y, self.paths, interaction=self.entry.interaction)
            found = intervals(fitted, self.paths, n_draws=self.draws, seed=seed, conf_level=level)
            apart = fitted.spoilt | _without_pairs(s.group, s.arm, group is not None)
        for r in np.flatnonzero(apart):
            for p, of_path in zip(self.paths, found):
                self._replace(of_path, int(r), block, m[r], y[r], p, seed)
        return found

    def _replace(
        self, found: Inferred, r: int, block: MediationBlock, m: FloatArray, y: FloatArray, p: TruePaths, seed: int
    ) -> None:
        """Writes what `tk.mediate` says of replicate r into the arrays; NaN where it refuses."""
        try:
            rows = {e.estimand: e for e in self.one(block, m, y, p, n_draws=self.draws, seed=seed).estimates}
        except (TrialkitError, np.linalg.LinAlgError):
            rows = {}
        for i, name in enumerate(("acme", "total")):
            for field in Inferred.__dataclass_fields__:
                getattr(found, field)[i, r] = getattr(rows[name], field) if name in rows else math.nan


def _without_pairs(group: Any, arm: Any, grouped: bool) -> BoolArray:
    """Whether a grouped arm has no group of two left, whose members then count as single people in the working covariance."""
    if not grouped:
        return np.asarray(False)
    return np.asarray(any(np.bincount(group[(arm == a) & (group >= 0)]).max() < 2 for a in np.unique(arm[group >= 0])))


def _joined(parts: list[Inferred]) -> Inferred:
    return Inferred(*(np.concatenate([getattr(x, f) for x in parts], axis=1) for f in Inferred.__dataclass_fields__))


def _tally(found: Inferred, j: int, truth: float, alpha: float) -> Tally:
    """What the replicates of a block did; significant by the p-value of the draws. A failed analysis is neither significant nor covered."""
    ok = found.ok[j]
    est, se, p = found.estimate[j, ok], found.std_error[j, ok], found.p_value[j, ok]
    significant = p <= alpha + 1e-12
    covered = (found.conf_low[j, ok] <= truth) & (truth <= found.conf_high[j, ok])
    wrong = significant & (np.sign(est) != np.sign(truth)) if truth else np.zeros_like(significant)
    draws, rejected = len(ok), int(significant.sum())
    return Tally(
        1, draws, int((~ok).sum()), rejected, rejected**2, rejected * draws, draws**2, int(wrong.sum()), int(covered.sum()),
        float(est.sum()), float((est**2).sum()), float(se.sum()), float(np.abs(est[significant]).sum()),
    )  # fmt: skip


def question_of(
    spec: PlanSpec, mediator: str, outcome: str | None, pair: tuple[str, str], effects: Sequence[float] | None, seed: int
) -> tuple[MediationQuestion, str, tuple[str, ...]]:
    """The question, the design in words, and what is assumed."""
    entry = _entry(spec, mediator, outcome)
    if pair[1] != spec.control or pair[0] == spec.control:
        raise UsageError(
            f"a mediation question compares an arm with control ('{spec.control}'): say contrast=('{next(n for n in spec.arm_names if n != spec.control)}', '{spec.control}')."
        )
    own = spec.outcome(entry.outcome)
    scale = scale_of(spec, own)
    if scale is None or scale.kind != "mean" or own.measure != "mean_difference":
        raise UsageError(
            f"the mediation of '{own.name}' has a measure '{own.measure}', and only linear mediation of a mean difference is simulated: models of rates, counts and times "
            "average over the covariates in every draw and cannot be run for thousands of replicates at once."
        )
    if spec.design.units is None:
        raise PlanError("[design] units is missing: a simulation needs the planned number of people, over all arms.")
    a = entry.assume
    if a is None:
        raise PlanError(
            f"the [[mediation]] of '{own.name}' has no assume: say how strong the paths are, in SDs, as in assume = {{ a = 0.4, b = 0.3, direct = 0.1 }}."
        )
    closed, columns = planned(spec, own, pair, scale), columns_of(spec, entry)
    general = spec.design.assumptions.baseline_correlation
    said = own.assume.baseline_correlation if own.assume.baseline_correlation is not None else general
    of_y = 0.0 if columns.outcome_baseline is None or said is None else said
    said = a.baseline_correlation if a.baseline_correlation is not None else general
    of_m = 0.0 if columns.mediator_baseline is None or said is None else said
    arguments = {**closed.arguments, "sd": 1.0, "baseline_correlation": of_y, "strata_r2": 0.0}
    world = replace(world_of(spec, own, pair, arguments, (), scale), on_compliers=False, take_up=1.0)
    icc = world.icc if a.icc is None else a.icc
    checked(icc, of_m, "mediator")
    values = (0.0, a.a) if effects is None else tuple(real("effects", e) for e in effects)
    if not values:
        raise UsageError(
            "effects is empty: with mediator= give at least one effect of the arm on the mediator, as in effects=[0, 0.4]."
        )
    paths = tuple(TruePaths(v, a.b, a.direct) for v in dict.fromkeys(values))
    draws = min(INNER_DRAWS, entry.draws)
    alpha = round(1 - spec.analysis.conf_level, 12)
    made = MediationWorld(world, columns, icc, of_m, a.group_correlation)
    question = MediationQuestion(spec, own, entry, made, paths, seed, alpha, draws)
    return question, closed.words, _assumptions(made, a.b, a.direct)


def _entry(spec: PlanSpec, mediator: str, outcome: str | None) -> Mediation:
    known = {str(e.mediator.column or e.mediator.scale): e for e in spec.mediation if outcome in (None, e.outcome)}
    if mediator in known:
        matching = [
            e for e in spec.mediation if mediator in (e.mediator.column, e.mediator.scale) and outcome in (None, e.outcome)
        ]
        if len(matching) == 1:
            return matching[0]
        raise UsageError(
            f"{len(matching)} of [[mediation]] go through '{mediator}': say which outcome, one of {shown([e.outcome for e in matching])}, with outcome=."
        )
    if not spec.mediation:
        raise UsageError(
            "the plan has no [[mediation]]: add one with outcome, mediator, seed and assume, or leave out mediator=."
        )
    near = nearest(mediator, list(known))
    where = f" of '{outcome}'" if outcome is not None else ""
    raise UsageError(
        f"no [[mediation]]{where} goes through '{mediator}'; the plan has {shown(list(known)) or 'none'}.{f' Did you mean {near!r}?' if near else ''}"
    )


def _assumptions(made: MediationWorld, b: float, direct: float) -> tuple[str, ...]:
    w = made.world
    said = [f"slope b of {number(b)} and direct effect of {number(direct)}, in SDs of the outcome given the mediator"]
    if w.clusters is not None or any(w.groups):
        said.append(f"intracluster correlation {number(made.icc)} of the mediator and {number(w.icc)} of the outcome given it")
        said.append(f"group effects on the two that correlate {number(made.group_correlation)}")
    said += [
        f"baseline correlation {number(r)} of the {what}"
        for r, what in ((made.correlation, "mediator"), (w.correlation, "outcome"))
        if r
    ]
    said.append(f"{percent(w.attrition)} lost to follow-up" if w.attrition else "nobody lost to follow-up")
    if made.columns.adjust:
        said.append("other covariates explain nothing")
    return (*said, "no effect of strata", "no confounding of mediator and outcome")


def rehearse(question: MediationQuestion) -> None:
    """Analyses a replicate of each of three randomizations until one goes through; raises the error when none does."""
    failed: TrialkitError | None = None
    for index in range(3):
        block, rng = question.randomized(index)
        m, y = block.draw(rng, 1)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                question.one(block, m[0], y[0], question.paths[-1], inference="delta")
            return
        except TrialkitError as error:
            failed = error
    assert failed is not None
    raise failed


def rows_of(question: MediationQuestion, totals: list[Tally]) -> list[dict[str, Any]]:
    """A row for each of the true paths: the summary of the acme with its closed form, and power, bias and coverage of the total."""
    rows = []
    for j, p in enumerate(question.paths):
        of_total, found = row(totals[2 * j], p.total, p.total), row(totals[2 * j + 1], p.acme, p.acme)
        formula = _closed_form(question, p)
        rows.append(
            found
            | {"closed_form": formula, "difference": None if formula is None else found["power"] - formula}
            | {"a": p.a, "b": p.b, "direct": p.direct, "total": p.total}
            | {f"total_{k}": of_total[k] for k in ("power", "mc_error", "bias", "coverage", "failures")}
        )
    return rows


def _closed_form(question: MediationQuestion, p: TruePaths) -> float | None:
    """The Monte Carlo test of the product among single people, paths in SDs of what the baselines leave.

    With slopes by arm the mean of the two is as precise as the one slope of the formula where the arms are equal.
    """
    w = question.made.world
    uneven = question.entry.interaction and w.people[0] != w.people[1]
    if w.clusters is not None or any(w.groups) or uneven or not p.acme:
        return None
    left_m, left_y = math.sqrt(1 - question.made.correlation**2), math.sqrt(1 - w.correlation**2)
    return float(
        closed_form(
            a=p.a / left_m, b=p.b * left_m / left_y, n=sum(w.people), allocation=w.people, attrition=w.attrition, alpha=question.alpha, method="monte_carlo",
        ).power
    )  # fmt: skip


def notes_of(question: MediationQuestion, rows: list[dict[str, Any]]) -> list[Note]:
    """What tells the simulation from the analysis that will be run, and from the closed form."""
    notes = []
    for r in rows:
        if r["difference"] is not None and abs(r["difference"]) > max(DISAGREES, 3 * r["mc_error"]):
            notes.append(
                Note(
                    "closed_form_differs",
                    f"at a path a of {number(r['a'])} the simulation has {percent(r['power'])} and the closed form {percent(r['closed_form'])}: trust the simulation, "
                    "which runs the planned analysis.",
                )
            )
    if question.entry.draws > question.draws:
        notes.append(
            Note(
                "fewer_draws",
                f"each replicate takes {question.draws} draws instead of the plan's {question.entry.draws}, which costs a little power and no level; replicates of a "
                "randomization share them.",
            )
        )
    return notes
