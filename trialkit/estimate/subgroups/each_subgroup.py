"""Subgroup effects of any measure: the estimator is run in each subgroup, and the estimates are compared with their covariance.

People of one group may fall in several subgroups, so the estimates of the subgroups share the group's luck. Every estimator's variance is a
sum of squares over independent units, (sum_i u_i)^2 with influence values u_i. The covariance of two subgroups' effects is therefore taken with the
correlation of the units' sums in the two, and the subgroups' own standard errors:

    r_lm = sum_s U_sl U_sm / sqrt(sum_s U_sl^2 sum_s U_sm^2),   U_sl = sum of u_i over the members of unit s in subgroup l.

The df of the comparison are those of a regression of u_i times the size of its cell on the cells (arm by subgroup), with CR2 and the grouped working
covariance (inference/linear/wald.py). Where no unit has people in two subgroups the estimates are independent, and the df are matched in closed form
(inference/linear/heterogeneity.py). Ratios are compared as logs: the interaction is a ratio of ratios.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from trialkit.errors import ColumnNotFoundError, CombinationError, EstimationError, TrialkitError
from trialkit.estimate.itt import itt
from trialkit.estimate.itt_result import IttResult
from trialkit.estimate.linear.linear_model import LinearModel, fit_linear
from trialkit.estimate.measures import is_ratio
from trialkit.estimate.outcome import Time
from trialkit.estimate.parts import restricted
from trialkit.estimate.request import Request
from trialkit.estimate.sample import Sample, units_of_variance
from trialkit.estimate.subgroups.balance import balance_notes
from trialkit.estimate.subgroups.found import Interaction, Modification, SubgroupEffect, any_difference, single, words_of
from trialkit.estimate.subgroups.moderators import Moderator, check_cells, small_cells
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.linear.heterogeneity import differences, separate_df, trend, wald_f
from trialkit.inference.linear.wald import hotelling_df
from trialkit.results import Note
from trialkit.trial import Trial


@dataclass(frozen=True, slots=True)
class _Pooled:
    """The subgroups' results put together.

    `sample` holds everybody analysed, `codes` (n,) the subgroup of each (0, 1, ... in the order of `results`); `crossing` says whether an
    independent unit has people in two subgroups.
    """

    results: tuple[IttResult, ...]
    labels: tuple[str, ...]
    sample: Sample
    codes: IntArray
    crossing: bool
    ratio: bool

    @property
    def sizes(self) -> FloatArray:
        return np.bincount(self.codes, minlength=len(self.results)).astype(float)


def by_subgroup(trial: Trial, outcome: str | Time, request: Request, m: Moderator, arguments: Mapping[str, Any]) -> Modification:
    """Interactions and effects by one moderator; `arguments` are those of `itt`."""
    if m.continuous:
        raise CombinationError(
            f"'{m.name}' is continuous, and measure='{request.measure}' with estimator='{request.estimator}' is compared between subgroups only: bring it "
            "together in levels chosen beforehand, or use a difference (in means or proportions) with estimator='ancova' or 'lin'."
        )
    known = np.isfinite(trial.values(request.outcome)) & ~m.missing
    rows = np.flatnonzero(known)
    people = _sample(trial, request.outcome, rows, trial.values(request.outcome)[rows])
    check_cells(people, m, m.codes[rows])
    levels = np.unique(m.codes[rows]).tolist()
    results = tuple(_run(trial, outcome, m, level, arguments) for level in levels)
    pooled = _pooled(trial, request, m, levels, results)
    base = results[0].estimates[0].estimand
    interactions: list[Interaction] = []
    heterogeneity: dict[str, Any] = {}
    notes: list[Note] = []
    for row in range(len(results[0].estimates)):
        interactions.append(_compare(m, levels, pooled, row, base, heterogeneity, notes))
    s = pooled.sample
    notes = [
        *m.notes, *_named_notes(results, pooled.labels), *notes, *_scale_note(request), *small_cells(s, m, m.codes[s.rows]),
        *balance_notes(trial, s, m, request),
    ]  # fmt: skip
    first = results[0].estimates[0]
    return Modification(
        tuple(interactions), tuple(_effects(pooled)), s.n, s.n_clusters, s.groups_in(s.arm >= 0), f"{first.method}, in each subgroup",
        first.covariance, tuple(notes), {"n_missing": int(m.missing.sum())} | ({"heterogeneity": heterogeneity} if heterogeneity else {}),
    )  # fmt: skip


def _run(trial: Trial, outcome: str | Time, m: Moderator, level: int, arguments: Mapping[str, Any]) -> IttResult:
    """The estimator in one subgroup; an error says in which."""
    inside = (m.codes == level) & ~m.missing
    adjust = [a for a in arguments.get("adjust", ()) if a != m.name]
    try:
        return itt(restricted(trial, inside), outcome, **{**arguments, "adjust": adjust})
    except ColumnNotFoundError:
        raise
    except TrialkitError as error:
        raise type(error)(f"in subgroup '{m.levels[level]}' of '{m.name}': {error}") from error


def _pooled(trial: Trial, request: Request, m: Moderator, levels: Sequence[int], results: tuple[IttResult, ...]) -> _Pooled:
    rows, y, codes, weights = [], [], [], []
    for j, (level, result) in enumerate(zip(levels, results)):
        assert result.evidence is not None
        s = result.evidence.sample
        rows.append(np.flatnonzero((m.codes == level) & ~m.missing)[s.rows])
        y.append(s.y)
        codes.append(np.full(s.n, j))
        weights.append(np.ones(s.n) if s.weights is None else s.weights)
    together = _sample(trial, request.outcome, np.concatenate(rows), np.concatenate(y))
    if trial.weights is not None:
        together = replace(together, weights=np.concatenate(weights))
    own = np.concatenate(codes).astype(np.int64)
    crossing = any(len(np.unique(own[together.unit_of_variance == u])) > 1 for u in _shared_units(together))
    return _Pooled(results, tuple(m.levels[v] for v in levels), together, own, crossing, is_ratio(request.measure))


def _shared_units(s: Sample) -> IntArray:
    units, sizes = np.unique(s.unit_of_variance, return_counts=True)
    return units[sizes > 1] if s.clustered else units[:0]


def _sample(trial: Trial, outcome: str, rows: IntArray, y: FloatArray) -> Sample:
    cluster = trial.codes(trial.cluster)[rows] if trial.cluster else None
    group = trial.group_codes[rows]
    stratum = trial.codes(*trial.strata)[rows] if trial.strata else None
    return Sample(
        outcome, y, trial.arm_codes[rows], trial.arms, np.empty((len(rows), 0)), (), stratum, cluster, group,
        units_of_variance(trial, cluster, group), None, rows, (),
    )  # fmt: skip


def _effects(pooled: _Pooled) -> list[SubgroupEffect]:
    return [
        SubgroupEffect(
            e.contrast, label, _log(e.estimate) if pooled.ratio else e.estimate, e.std_error, e.df, e.n, e.n_clusters, e.n_groups,
            f"{e.estimand} in the subgroup",
        )
        for row in range(len(pooled.results[0].estimates))
        for label, e in ((label, r.estimates[row]) for label, r in zip(pooled.labels, pooled.results))
    ]  # fmt: skip


def _log(value: float) -> float:
    return math.log(value) if value > 0 else math.nan


def _compare(
    m: Moderator, levels: Sequence[int], pooled: _Pooled, row: int, base: str, heterogeneity: dict[str, Any], notes: list[Note]
) -> Interaction:
    """The interaction of one contrast: a difference of two, a trend over scores, or a joint test."""
    rows = [r.estimates[row] for r in pooled.results]
    theta = np.array([_log(e.estimate) if pooled.ratio else e.estimate for e in rows])
    se, df = np.array([e.std_error for e in rows]), np.array([e.df for e in rows])
    count, contrast = len(rows), rows[0].contrast
    words = words_of(m, pooled.labels, pooled.ratio)
    if not (np.isfinite(theta).all() and (se > 0).all() and (df > 0).all()):
        bad = [label for label, t, v, f in zip(pooled.labels, theta, se, df) if not (math.isfinite(t) and v > 0 and f > 0)]
        notes.append(
            Note(
                "interaction_undefined",
                f"'{m.name}': {', '.join(bad)} has no estimate with a standard error, so the effects cannot be compared.",
            )
        )
        nan = math.nan
        return Interaction(contrast, words, nan, nan, nan, count - 1, nan, nan, f"differences between subgroups in the {base}")
    covariance, nu = np.diag(se**2), None
    if pooled.crossing:
        values = _influence(pooled, row)
        covariance = _correlation(pooled, values) * np.outer(se, se)
        nu = _Cells(pooled, row, values)
    C = differences(count)

    def degrees(contrasts: FloatArray) -> float:
        return separate_df(variances=se**2, df=df, contrasts=contrasts) if nu is None else nu.df(contrasts)

    if count > 2:
        test = wald_f(estimates=theta, covariance=covariance, contrasts=C, nu=degrees(C))
        heterogeneity[contrast] = {
            "statistic": test.statistic,
            "df_num": test.df_num,
            "df_denom": test.df_denom,
            "p_value": test.p_value,
        }
        if m.kind != "ordinal":
            if math.isnan(test.p_value):
                text = f"{count} subgroups are too many for the groups or clusters there are: the joint test has no degrees of freedom left. Merge levels beforehand."
                notes.append(Note("joint_test_undefined", text))
            return any_difference(contrast, words, test, base)
    weights = C[0]
    if m.kind == "ordinal":
        weights = trend(scores=m.scores[list(levels)], sizes=pooled.sizes)
    spread = math.sqrt(float(weights @ covariance @ weights))
    return single(contrast, words, (float(weights @ theta), spread, degrees(weights[None, :])), base, m, pooled.ratio)


def _influence(pooled: _Pooled, row: int) -> FloatArray:
    """(n,) influence values of everybody, each in the effect of the own subgroup."""
    parts = []
    for result in pooled.results:
        evidence = result.evidence
        assert evidence is not None
        if evidence.influence:
            parts.append(evidence.influence[row])
        elif evidence.model is not None and evidence.model.cov.influence is not None:
            parts.append(_per_person(evidence.model, evidence.vectors[row]))
        else:
            raise CombinationError(
                f"people of one group or cluster fall in several subgroups, and estimator='{result.details.get('estimator')}' with this covariance does not say "
                "how their effects hang together: use estimator='ancova' or 'lin' with covariance='auto'."
            )
    return np.concatenate(parts)


def _per_person(model: LinearModel, vector: FloatArray) -> FloatArray:
    assert model.cov.influence is not None
    u = model.cov.influence @ vector[model.fit.kept]
    if model.cov.clusters is None:
        return np.asarray(u * model.fit.residuals)
    out = np.empty(len(u))
    order = model.cov.clusters.order
    out[order] = u * model.fit.residuals[order]
    return out


def _correlation(pooled: _Pooled, values: FloatArray) -> FloatArray:
    """(L, L) correlation of the subgroups' effects, from sums over independent units."""
    _, unit = np.unique(pooled.sample.unit_of_variance, return_inverse=True)
    unit = unit.reshape(-1)
    count = len(pooled.results)
    sums = np.zeros((int(unit.max()) + 1, count))
    np.add.at(sums, (unit, pooled.codes), values)
    V = sums.T @ sums
    scale = np.sqrt(np.diag(V))
    if not (scale > 0).all():
        raise EstimationError("a subgroup has no variation to compare.")
    return np.asarray(V / np.outer(scale, scale))


class _Cells:
    """Degrees of freedom of comparisons, from a regression of influence values on arm by subgroup."""

    def __init__(self, pooled: _Pooled, row: int, values: FloatArray):
        arm, reference = pooled.results[0].details["contrasts"][row]
        s, count = pooled.sample, len(pooled.results)
        keep = (s.arm == arm) | (s.arm == reference)
        arms = (s.arm[keep] == arm).astype(np.int64)
        cell = 2 * pooled.codes[keep] + arms
        sizes = np.bincount(cell, minlength=2 * count)
        X = (cell[:, None] == np.arange(2 * count)).astype(float)
        part = replace(
            s, y=values[keep] * sizes[cell], arm=arms, arms=("reference", "arm"), X=X, stratum=None, rows=s.rows[keep], weights=None,
            cluster=None if s.cluster is None else s.cluster[keep], group=s.group[keep], unit_of_variance=s.unit_of_variance[keep],
        )  # fmt: skip
        self.model = fit_linear(part, X, [f"cell {c}" for c in range(2 * count)], kind="CR2", df="auto")

    def df(self, contrasts: FloatArray) -> float:
        C = np.repeat(contrasts, 2, axis=1)
        if self.model.df_rule == "groups":
            return self.model.contrast(C[0])[2]
        working = self.model.working if self.model.df_rule == "working" else None
        return hotelling_df(self.model.fit, self.model.cov, C[:, self.model.fit.kept], working)


def _named_notes(results: Sequence[IttResult], labels: Sequence[str]) -> list[Note]:
    """Notes of the subgroups: once where all say the same, with the subgroup's name where they do not."""
    everywhere = set(results[0].notes).intersection(*(r.notes for r in results))
    named = [Note(n.code, f"in '{label}': {n.text}") for label, r in zip(labels, results) for n in r.notes if n not in everywhere]
    return [n for n in results[0].notes if n in everywhere] + [n for n in named if n.code not in ("few_groups", "small_arm")]


def _scale_note(request: Request) -> list[Note]:
    if not is_ratio(request.measure):
        return []
    text = (
        "the effects are compared as ratios: the interaction is a ratio of ratios. Ratios may differ where differences do not, and the other way round: "
        "say beforehand which scale counts."
    )
    return [Note("interaction_scale", text)]
