"""The planned multiverse: the alternatives of [multiverse] around the registered analysis of an outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trialkit.errors import ScaleError, TrialkitError
from trialkit.estimate.multiverse.alternatives import AVAILABLE, NOT_ADJUSTED
from trialkit.estimate.multiverse.curve import specification_curve
from trialkit.inference.arrays import FloatArray
from trialkit.measurement import score
from trialkit.missing import impute
from trialkit.plan.planned.missing import Work
from trialkit.plan.planned.prepare import composites, used_scale
from trialkit.plan.planned.primary_missing import has_rule
from trialkit.plan.planned.side_by_side import drawable
from trialkit.plan.schema.multiverse import curved
from trialkit.plan.schema.outcomes import score_column
from trialkit.results import Result
from trialkit.trial import Trial

if TYPE_CHECKING:
    from trialkit.plan.planned.prepare import Prepared
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["planned_multiverse"]

Progress = Callable[[str, int, int], None]
IMPUTED, WEIGHTED = "multiple imputation", "weights by response"


def planned_multiverse(
    spec: PlanSpec, ready: Prepared, *, folder: Path | None = None, progress: Progress | None = None
) -> tuple[dict[str, Result], tuple[str, ...]]:
    """A specification curve for every outcome asked for and every treated arm, and what could not be done, in words."""
    found: dict[str, Result] = {}
    said: list[str] = []
    for outcome in curved(spec):
        for arm in ready.trial.arms[1:]:
            key = outcome.name if len(ready.trial.arms) == 2 else f"{outcome.name}: {arm} - {ready.trial.control}"
            try:
                found[key] = _curve(spec, ready, outcome, arm, folder, progress)
            except TrialkitError as error:
                said.append(f"'{outcome.label or outcome.name}': {error}")
    return found, tuple(dict.fromkeys(said))


def _curve(spec: PlanSpec, ready: Prepared, outcome: Outcome, arm: Any, folder: Path | None, progress: Progress | None) -> Result:
    said = spec.multiverse
    assert said is not None
    column, asked = spec.value_column(outcome), spec.asked_of_itt(outcome)
    trial = ready.designed(spec) if drawable(spec) else ready.trial
    made = dict(_scorings(spec, ready, outcome, folder))
    trial = trial.with_columns({c: values for columns in made.values() for c, values in columns.items()})
    others = [_alternative(column, label) for label in made]
    baseline = spec.baseline_column(outcome)
    instead = {
        label: {baseline: _alternative(baseline, label)}
        for label, columns in made.items()
        if baseline is not None and _alternative(baseline, label) in columns
    }
    return specification_curve(
        trial,
        column,
        adjust=_adjustments(spec, outcome),
        estimators=list(dict.fromkeys((asked["estimator"], *said.estimators))),
        covariances=list(dict.fromkeys((asked["covariance"], *said.covariances))),
        missing=_rules(spec, ready, outcome, trial, [column, *others]),
        caps=[None, *said.winsorize],
        scoring={"as registered": column, **dict(zip(made, others))},
        instead=instead,
        measure=outcome.measure,
        arm=arm,
        combine=said.combine,
        standardize=bool(said.subscales) and outcome.measure == "mean_difference",
        n_draws=said.draws,
        seed=said.seed if said.seed is not None else spec.analysis.seed,
        statistic=said.statistic,
        refit=said.refit,
        strata_effects=spec.analysis.strata_effects,
        covariate_missing=spec.analysis.covariate_missing,
        conf_level=spec.analysis.conf_level,
        progress=progress,
    )


def _adjustments(spec: PlanSpec, outcome: Outcome) -> dict[str, tuple[str, ...]]:
    """The registered set first; a declared set that is the same goes without saying."""
    assert spec.multiverse is not None
    registered = spec.adjust_for(outcome)
    sets = {", ".join(registered) or NOT_ADJUSTED: registered}
    return sets | {label: columns for label, columns in spec.multiverse.adjust.items() if set(columns) != set(registered)}


def _rules(spec: PlanSpec, ready: Prepared, outcome: Outcome, trial: Trial, columns: list[str]) -> dict[str, Any]:
    """Rules for missing outcomes; without missing outcomes there is nothing to choose."""
    said = spec.multiverse
    assert said is not None
    registered = spec.missing.primary if has_rule(spec, outcome) else "available_cases"
    rules: dict[str, Any] = {AVAILABLE: None}
    values = [trial.values(c) for c in columns]
    if all(np.isfinite(v).all() for v in values):
        return rules
    predictors = [c for c in spec.adjust_for(outcome) if c not in trial.strata]
    if "multiple_imputation" in (registered, *said.missing):
        rules[IMPUTED] = _imputing(spec, ready, outcome)
    if "inverse_probability_weights" in (registered, *said.missing) and predictors:
        rules[WEIGHTED] = predictors
    first = {"multiple_imputation": IMPUTED, "inverse_probability_weights": WEIGHTED}.get(registered, AVAILABLE)
    return {first: rules[first], **rules}


def _imputing(spec: PlanSpec, ready: Prepared, outcome: Outcome) -> Callable[[Trial, str], Any]:
    """Imputation as for the primary and the sensitivity analyses: with the earlier waves of the registered score, other scores alone."""
    m, work = spec.missing, Work(spec, ready, outcome, None)
    assert m.seed is not None
    seed = m.seed

    def imputed(trial: Trial, column: str) -> Any:
        columns = work.waves if column == work.column else [column]
        return impute(trial, columns, predictors=work.predictors, n_imputations=m.imputations, seed=seed)

    return imputed


Scores = dict[str, FloatArray]


def _scorings(spec: PlanSpec, ready: Prepared, outcome: Outcome, folder: Path | None) -> Iterator[tuple[str, Scores]]:
    """By label, the columns of another scoring of the outcome and of its baseline score."""
    said = spec.multiverse
    assert said is not None
    if outcome.scale is None or not (said.prorate or said.leave_out_items or said.subscales):
        return
    use = spec.scale(outcome.scale)
    entry = used_scale(use.scale, use.form, folder)
    taken: dict[str, str | None] = {
        score_column(use.name, w): w for w in (outcome.wave, outcome.baseline_wave) if w is not None
    } or {use.name: None}
    taken = {c: w for c, w in taken.items() if c in ready.answers}

    def scored(wave: str | None, **other: Any) -> FloatArray:
        items = use.items if wave is None else use.items.replace("{wave}", wave)
        made = score(ready.trial.data, entry, items, **{**use.scoring(wave), **other})
        return made.values.to_numpy(dtype=float, na_value=np.nan)

    def under(label: str, scores: Scores) -> tuple[str, Scores]:
        return label, {_alternative(c, label): _with_composites(spec, ready, outcome, c, v) for c, v in scores.items()}

    for allowed in said.prorate:
        if allowed != use.prorate:
            yield under(f"{allowed} answers may be missing", {c: scored(w, prorate=allowed) for c, w in taken.items()})
    for item in said.leave_out_items:
        yield under(f"without item {item}", {c: _without(ready, c, scored(w), item, outcome) for c, w in taken.items()})
    for name in said.subscales:
        if any(h.strategy == "composite" for h in outcome.intercurrent.values()):
            raise ScaleError(
                f"the planned value of a composite event is one of the whole scale, not of subscale '{name}': leave subscales out."
            )
        yield under(f"subscale {name}", {c: scored(w, subscale=name) for c, w in taken.items()})


def _without(ready: Prepared, column: str, values: FloatArray, item: int, outcome: Outcome) -> FloatArray:
    """The score from the other items, on the range of the whole: what a score is of the mean of all its items, of the mean of those left.

    People with a registered score have this one too, when they gave any of the other answers.
    """
    answers: pd.DataFrame = ready.answers[column]
    if not 1 <= item <= answers.shape[1]:
        raise ScaleError(f"the score of '{outcome.name}' has {answers.shape[1]} items, so there is no item {item} to leave out.")
    table = answers.to_numpy(dtype=float)
    whole = np.isfinite(table).all(axis=1) & np.isfinite(values)
    X = np.column_stack([np.ones(int(whole.sum())), table[whole].mean(axis=1)])
    line, *_ = np.linalg.lstsq(X, values[whole], rcond=None)
    if len(X) < 3 or np.abs(X @ line - values[whole]).max() > 1e-8 * max(float(np.ptp(values[whole])), 1e-300):
        raise ScaleError(
            f"the score of '{outcome.name}' is neither the sum nor the mean of its items, so an item cannot simply be left out."
        )
    left = np.delete(table, item - 1, axis=1)
    some = np.isfinite(left).any(axis=1) & np.isfinite(values)
    mean = np.full(len(left), np.nan)
    mean[some] = np.nanmean(left[some], axis=1)
    return np.asarray(line[0] + line[1] * mean)


def _with_composites(spec: PlanSpec, ready: Prepared, outcome: Outcome, column: str, values: FloatArray) -> FloatArray:
    """The planned value for people to whom a composite event happened, as in the registered outcome."""
    if column != spec.value_column(outcome):
        return values
    for _, happened, value in composites(outcome, ready.trial.data):
        values = np.where(happened, value, values)
    return values


def _alternative(column: str, label: str) -> str:
    return f"{column} ({label})"
