"""How well the planned scales measured: reliability, the same measure over waves and arms, ends of the scale, reliable change.

These analyses stand beside the effects. What one of them cannot do (a single item, an answer that everyone gave) is said in
the report and does not stop the run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import pandas as pd

from trialkit.errors import EstimationError
from trialkit.measurement import InvarianceResult, Reliability, floor_ceiling, invariance, reliability, reliable_change
from trialkit.plan.planned.response_shift import marked, shifted
from trialkit.plan.planned.standing import in_both, settled
from trialkit.plan.planned.tried import Tried
from trialkit.report.content import MeasurementContent, OutcomeContent
from trialkit.results import Note, Result, TableResult

if TYPE_CHECKING:
    from trialkit.plan.planned.prepare import Prepared
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["measured_scales", "with_measurement"]

R = TypeVar("R")
Pair = tuple[str, str]


@dataclass(frozen=True)
class Measured:
    """A planned scale with its answers: score columns and item columns by wave, in the order of the waves."""

    name: str
    label: str
    scores: dict[str, str]
    items: dict[str, list[str]]
    answers: pd.DataFrame
    dependent: str | None


def measured_scales(spec: PlanSpec, ready: Prepared) -> tuple[MeasurementContent, ...]:
    """What is known of every scale whose items were scored."""
    return tuple(_one(spec, ready, _gathered(spec, ready, entry.name)) for entry in spec.scales if _columns(spec, entry.name))


def with_measurement(
    spec: PlanSpec, ready: Prepared, outcomes: list[OutcomeContent], subgroups: dict[str, Result]
) -> tuple[tuple[MeasurementContent, ...], list[OutcomeContent], dict[str, Result]]:
    """The scales of a run, its outcomes and its subgroups; every effect on a scale that did not stay the same measure carries a note."""
    scales = measured_scales(spec, ready)
    if not any(m.changed for m in scales):
        return scales, outcomes, subgroups
    scales = tuple(shifted(spec, ready, m, outcomes) for m in scales)
    return (scales, *marked(spec, scales, outcomes, subgroups))


def _columns(spec: PlanSpec, name: str) -> dict[str, str]:
    """Score column by wave; '' for a scale without waves."""
    return {wave or "": column for column, (scale, wave) in spec.score_columns().items() if scale == name}


def _gathered(spec: PlanSpec, ready: Prepared, name: str) -> Measured:
    scores = _columns(spec, name)
    frames = [ready.answers[column] for column in scores.values()]
    label = next(s.label for s in ready.scales if s.name == name)
    items = {wave: [str(c) for c in frame] for wave, frame in zip(scores, frames)}
    wide = pd.concat(frames, axis=1)
    for role in (spec.data.arm, spec.data.cluster or spec.data.group):
        if role is not None:
            wide[role] = ready.trial.data[role]
    return Measured(name, label, scores, items, wide, spec.data.cluster or spec.data.group)


def _one(spec: PlanSpec, ready: Prepared, m: Measured) -> MeasurementContent:
    tried = Tried()
    pairs = _pairs(spec, m)
    asked = partial(reliability, m.answers, waves=m.items, cluster=m.dependent, conf_level=spec.analysis.conf_level)
    whole = tried("reliability", asked)
    by_arm = tried("reliability by arm", partial(asked, by=spec.data.arm))
    ends = tried("ends of the scale", lambda: _ends(ready, m))
    change = {
        " to ".join(pair): tried(f"reliable change from {' to '.join(pair)}", partial(_change, ready, m, whole, pair))
        for pair in pairs
    }
    over_waves: dict[str, TableResult | None] = {}
    over_arms: dict[str, TableResult | None] = {}
    if spec.measurement is None or spec.measurement.invariance:
        for pair in pairs:
            over_waves[" to ".join(pair)] = tried(f"invariance from {' to '.join(pair)}", partial(_over_waves, m, pair))
        for wave in _last_waves(m, pairs):
            at = f" at {wave}" if wave else ""
            over_arms[wave] = tried(f"invariance over arms{at}", partial(_over_arms, spec, m, wave))
    return MeasurementContent(
        name=m.name,
        label=m.label,
        waves={wave: spec.wave_label(wave) if wave else "" for wave in m.items},
        n_items=len(next(iter(m.items.values()))),
        reliability=whole,
        reliability_by_arm=by_arm,
        over_waves=_found(over_waves),
        over_arms=_found(over_arms),
        ends=ends,
        change=_found(change),
        left_out=tuple(dict.fromkeys(tried.left_out)),
    )


def _found(results: dict[str, R | None]) -> dict[str, R]:
    return {k: r for k, r in results.items() if r is not None}


def _pairs(spec: PlanSpec, m: Measured) -> list[Pair]:
    """Baseline and follow-up of every outcome and mediator on the scale; without any its first and last wave."""
    waves = [w for w in m.items if w]
    if len(waves) < 2:
        return []
    asked = [(o.baseline_wave or waves[0], o.wave) for o in spec.outcomes if o.scale == m.name]
    asked += [(waves[0], entry.mediator.wave) for entry in spec.mediation if entry.mediator.scale == m.name]
    found = [(a, b) for a, b in dict.fromkeys(asked) if a in m.items and b in m.items and a != b]
    return [(str(a), str(b)) for a, b in found] or [(waves[0], waves[-1])]


def _last_waves(m: Measured, pairs: list[Pair]) -> list[str]:
    """Waves at which the arms are compared: those of the effects."""
    return list(dict.fromkeys(b for _, b in pairs)) or [list(m.items)[-1]]


def _over_waves(m: Measured, pair: Pair) -> InvarianceResult:
    return _judged(m, partial(invariance, m.answers, waves={w: m.items[w] for w in pair}))


def _over_arms(spec: PlanSpec, m: Measured, wave: str) -> InvarianceResult:
    return _judged(m, partial(invariance, m.answers, m.items[wave], by=spec.data.arm))


def _judged(m: Measured, test: Callable[..., InvarianceResult]) -> InvarianceResult:
    """Tests that respect groups; where their scaling is not defined, which a gross misfit or few groups can do, those of people alone."""
    found = test(cluster=m.dependent)
    if m.dependent is None or found.scalar != "not judged" or found.level == "none":
        few = any(n.code == "few_clusters" for n in found.notes)
        return in_both(settled(found), partial(test, cluster=None)) if few else settled(found)
    plain = test(cluster=None)
    text = "the tests that respect groups are not defined here, so these are tests as if people were independent: p-values are too small."
    return settled(replace(plain, notes=(*plain.notes, Note("groups_ignored", text))))


def _ends(ready: Prepared, m: Measured) -> TableResult:
    counts = next(s.counts for s in ready.scales if s.name == m.name)
    found = floor_ceiling(
        list(m.scores.values()),
        range=(float(counts["low"]), float(counts["high"])),
        better=ready.directions[m.name],
        trial=ready.trial,
    )
    waves = {column: wave for wave, column in m.scores.items()}
    return replace(found, table=tuple({**r, "wave": waves[str(r["wave"])]} for r in found.table))


def _change(ready: Prepared, m: Measured, whole: Reliability | None, pair: Pair) -> TableResult:
    """Change beyond measurement error, by the omega of the sample at the first wave (its alpha where omega is none)."""
    row = {} if whole is None else next((dict(r) for r in whole.table if r.get("wave") == pair[0]), {})
    usable = [float(row[k]) for k in ("omega", "alpha") if row.get(k) is not None and 0 < float(row[k]) < 1]
    if not usable:
        raise EstimationError(f"no reliability at {pair[0]}, which says what measurement error is.")
    return reliable_change(
        m.scores[pair[0]],
        m.scores[pair[1]],
        reliability=usable[0],
        better=ready.directions[m.name],
        trial=ready.trial,
    )
