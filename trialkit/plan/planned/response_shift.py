"""What follows when a scale did not stay the same measure: a note on every effect computed from it, and the effect on what it measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from trialkit.errors import EstimationError, TrialkitError, shown
from trialkit.measurement import InvarianceResult, latent_effect, response_shift_note
from trialkit.plan.schema.outcomes import score_column
from trialkit.report.content import MeasurementContent, OutcomeContent
from trialkit.report.content.mediation import MediationContent
from trialkit.results import Estimate, Note, Result

if TYPE_CHECKING:
    from trialkit.plan.planned.prepare import Prepared
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["marked", "marked_mediation", "marked_over_time", "shifted"]

R = TypeVar("R", bound=Result)
_FEWEST = 3
_ALIKE = " In the arms it is the same measure: what moved alike in both cancels in the difference between them."
WHOLE_SCORE = "baseline SD of the score"


def shifted(spec: PlanSpec, ready: Prepared, m: MeasurementContent, outcomes: Sequence[OutcomeContent]) -> MeasurementContent:
    """The scale with the latent effect of each outcome that is a score of it, where that score did not stay the same measure."""
    latent: dict[str, Result] = {}
    left_out = list(m.left_out)
    for outcome in spec.outcomes:
        if outcome.scale != m.name or not notes_of(m, outcome.wave or "", _baseline(m, outcome), outcome.label):
            continue
        try:
            found = _latent(spec, ready, m, outcome)
        except TrialkitError as error:
            left_out.append(f"latent effect on '{outcome.name}': {error}")
        else:
            named = tuple(replace(e, outcome=outcome.name) for e in found.estimates)
            whole = _of_the_score(spec, ready, outcome, next(o.result for o in outcomes if o.name == outcome.name), m)
            latent[outcome.name] = replace(found, estimates=(*named, *whole))
    return replace(m, latent=latent, left_out=tuple(left_out))


def notes_of(m: MeasurementContent, wave: str, before: str, label: str) -> list[Note]:
    """Notes for an effect on the score at `wave`: of the change since `before`, and of the arms."""
    notes = []
    over_waves, over_arms = m.over_waves.get(f"{before} to {wave}"), m.over_arms.get(wave)
    named = {w: f"'{text or w}'" for w, text in m.waves.items()}
    time, arms = f"from {named.get(before)} to {named.get(wave)}", f"in every arm{f', {named[wave]}' if wave else ''}"
    for found, over in ((over_waves, time), (over_arms, arms)):
        if isinstance(found, InvarianceResult):
            note = response_shift_note(found, label)
            if note is not None and _standing(found) != "undecided":
                alike = found is over_waves and _standing(over_arms) == "same" and found.scalar != "not judged"
                notes.append(Note(note.code, _sentence(found, label, over) + (_ALIKE if alike else "")))
    return notes


def _standing(found: Result | None) -> str:
    return "" if found is None else str(found.details["standing"])


def _sentence(found: InvarianceResult, label: str, over: str) -> str:
    if found.scalar == "not judged" and found.level != "none":
        return f"'{label}': whether it is the same measure {over} is not known, because the indices of fit are not defined."
    if found.scalar == "not judged":
        return (
            f"'{label}' may not be the same measure {over}: a model with one factor does not fit the answers of the {found.n} people there, so it is not "
            "known whether the items measure one thing."
        )
    what = "a change in what is measured with a change in how the questions are answered (response shift)"
    if found.over == "groups":
        what = "what is measured with how the questions are answered in each arm"
    which = f"These differ: {shown(found.freed, 6)}." if found.scalar == "partial" else "No few items explain it."
    return f"'{label}' is not the same measure {over} (scalar invariance fails): the effect mixes {what}. {which}"


def _latent(spec: PlanSpec, ready: Prepared, m: MeasurementContent, outcome: Outcome) -> Result:
    """The effect on the factor, with what moved between the waves free and without the items that the arms answer differently."""
    wave, before = outcome.wave or "", _baseline(m, outcome)
    over_waves, over_arms = m.over_waves.get(f"{before} to {wave}"), m.over_arms.get(wave)
    if any(h.strategy == "composite" for h in outcome.intercurrent.values()):
        raise EstimationError(
            "people with a composite event have a planned value and no answers, so the items cannot tell the effect."
        )
    if not isinstance(over_waves, InvarianceResult):
        raise EstimationError("it needs the items before and after, tested for invariance.")
    for found in (over_waves, over_arms):
        if _standing(found) in ("no", "not_one_factor", "undefined"):
            raise EstimationError("no few items explain the difference, so there is no factor that means the same throughout.")
    apart = _items(over_arms)
    columns = [[str(c) for c in pair] for j, pair in enumerate(over_waves.details["columns"]) if j not in apart]
    if len(columns) < _FEWEST:
        raise EstimationError(f"the arms answer all but {len(columns)} items differently; a factor needs {_FEWEST}.")
    answers = {w: ready.answers[score_column(m.name, w)] for w in (before, wave)}
    wide = ready.trial.with_columns({str(c): frame[c].to_numpy() for frame in answers.values() for c in frame})
    moved = _items(over_waves)
    free = [pair[1] for j, pair in enumerate(over_waves.details["columns"]) if j in moved - apart]
    own = score_column(m.name, before)
    return latent_effect(
        wide,
        {w: [pair[i] for pair in columns] for i, w in enumerate((before, wave))},
        adjust=tuple(c for c in spec.adjust_for(outcome) if c != own),
        free=free if apart or not moved else over_waves,
        covariate_missing=spec.analysis.covariate_missing,
        conf_level=spec.analysis.conf_level,
    )


def _of_the_score(spec: PlanSpec, ready: Prepared, outcome: Outcome, result: Result, m: MeasurementContent) -> Iterator[Estimate]:
    """The effect on the whole score in its standard deviations before the programme, items that moved included."""
    if outcome.measure != "mean_difference":
        return
    sd = float(np.nanstd(ready.trial.values(score_column(m.name, _baseline(m, outcome))), ddof=1))
    for e in result.estimates if sd > 0 else ():
        scaled = {k: getattr(e, k) / sd for k in ("estimate", "std_error", "conf_low", "conf_high")}
        words = f"{e.estimand} on the score, in its baseline SDs"
        yield replace(e, **scaled, estimand=words, extra={"level": "observed", "unit": WHOLE_SCORE})


def _items(found: Result | None) -> set[int]:
    """Numbers of the items whose loading or intercept was let go, where that is more than chance."""
    if found is None or _standing(found) != "some_items":
        return set()
    return {int(j) for kind, j, *_ in found.details["freed_places"] if kind in ("loading", "intercept")}


def _baseline(m: MeasurementContent, outcome: Outcome) -> str:
    return str(outcome.baseline_wave or next(iter(m.waves)))


def marked(
    spec: PlanSpec, scales: Sequence[MeasurementContent], outcomes: list[OutcomeContent], subgroups: dict[str, Result]
) -> tuple[list[OutcomeContent], dict[str, Result]]:
    """Outcomes and subgroups with the notes of the scales that they are computed from, indices included."""
    notes = {o.name: _of_outcome(spec, scales, spec.outcome(o.name)) for o in outcomes}
    out = [
        replace(
            o,
            result=noted(o.result, notes[o.name]),
            effect_size=None if o.effect_size is None else noted(o.effect_size, notes[o.name]),
            companions={k: noted(r, notes[o.name]) for k, r in o.companions.items()},
            few_groups=None if o.few_groups is None else noted(o.few_groups, notes[o.name]),
        )
        for o in outcomes
    ]
    found = {k: noted(r, notes.get(r.estimates[0].outcome, ()) if r.estimates else ()) for k, r in subgroups.items()}
    return out, found


def noted(result: R, notes: Sequence[Note]) -> R:
    """The result with further notes."""
    return replace(result, notes=(*result.notes, *notes)) if notes else result


def marked_over_time(spec: PlanSpec, scales: Sequence[MeasurementContent], found: Mapping[str, Result]) -> dict[str, Result]:
    """The courses over all waves, by outcome, with the notes of their scales."""
    return {name: noted(r, _of_outcome(spec, scales, spec.outcome(name))) for name, r in found.items()}


def marked_mediation(
    spec: PlanSpec, scales: Sequence[MeasurementContent], found: Sequence[MediationContent]
) -> tuple[MediationContent, ...]:
    """The mediation analyses with the notes of the scales of their outcome and of their mediator."""
    return tuple(
        m
        if m.result is None
        else replace(
            m,
            result=noted(
                m.result,
                (
                    *_of_outcome(spec, scales, spec.outcome(m.outcome)),
                    *_of_column(spec, scales, m.mediator, m.mediator_label, None),
                ),
            ),
        )
        for m in found
    )


def _of_outcome(spec: PlanSpec, scales: Sequence[MeasurementContent], outcome: Outcome) -> tuple[Note, ...]:
    parts = [spec.value_column(outcome)] if outcome.index is None else list(spec.components(outcome))
    named = {m.name: m.label for m in scales}
    notes: list[Note] = []
    for column in parts:
        scale = named.get(spec.score_columns().get(column, ("", None))[0], "")
        notes += _of_column(
            spec, scales, column, outcome.label if outcome.index is None else f"{scale} in {outcome.label}", outcome
        )
    return tuple(dict.fromkeys(notes))


def _of_column(
    spec: PlanSpec, scales: Sequence[MeasurementContent], column: str, label: str, outcome: Outcome | None
) -> list[Note]:
    """Notes of the scale that a column is a score of; none for other columns. Without an outcome the first wave is the baseline."""
    name, wave = spec.score_columns().get(column, ("", None))
    m = next((m for m in scales if m.name == name), None)
    if m is None:
        return []
    before = next(iter(m.waves)) if outcome is None else _baseline(m, outcome)
    return notes_of(m, wave or "", before, label)
