"""What the planned sensitivity analyses say the missing people could do to the primary effects: [missing] sensitivity."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from trialkit.errors import TrialkitError, UsageError
from trialkit.estimate.itt import itt
from trialkit.estimate.itt_result import IttResult
from trialkit.missing import impute, tipping_point, what_if
from trialkit.missing.imputations import Imputations
from trialkit.plan.planned.asked import better_of
from trialkit.plan.schema.outcomes import Outcome, score_column
from trialkit.results import Result
from trialkit.selection.bounds import kling_liebman, lee_bounds, manski_bounds
from trialkit.trial import Trial

if TYPE_CHECKING:
    from trialkit.plan.planned.prepare import Prepared
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["Work", "planned_missing"]

Progress = Callable[[str, int, int], None]
DIFFERENCES = ("mean_difference", "risk_difference")
STRATEGIES = {
    "jump_to_reference": "j2r",
    "copy_reference": "cr",
    "copy_increments_in_reference": "cir",
    "last_mean_carried_forward": "lmcf",
}


def planned_missing(
    spec: PlanSpec, ready: Prepared, outcome: Outcome, *, progress: Progress | None = None
) -> tuple[dict[str, Result], list[str]]:
    """Results by rule, and what could not be done, in words.

    Where the plan looks at losses ([selection] attrition), Lee's bounds stand among the results unasked: they need neither a choice nor a seed.
    """
    asked = list(spec.missing.sensitivity)
    unasked = spec.selection.attrition and "lee_bounds" not in asked and outcome.measure in DIFFERENCES
    work = Work(spec, ready, outcome, progress)
    if outcome.kind == "time":
        return {}, [f"{work.name}: times are analysed as censored, so [missing] has nothing to add."] if asked else []
    if work.complete:
        return {}, []
    found: dict[str, Result] = {}
    said: list[str] = []
    for rule in [*asked, *(["lee_bounds"] if unasked else [])]:
        try:
            found |= dict(RULES[rule](work, rule))
        except TrialkitError as error:
            said.append(f"{work.name}, {rule.replace('_', ' ')}: {error}")
    return found, said


@dataclass(frozen=True)
class Work:
    """One outcome with the analysis that the plan makes of it, to be made again of completed trials."""

    spec: PlanSpec
    ready: Prepared
    outcome: Outcome
    progress: Progress | None

    @property
    def trial(self) -> Trial:
        return self.ready.trial

    @property
    def name(self) -> str:
        return f"'{self.outcome.label or self.outcome.name}'"

    @property
    def column(self) -> str:
        return self.spec.value_column(self.outcome)

    @cached_property
    def values(self) -> Any:
        return self.trial.values(self.column)

    @property
    def complete(self) -> bool:
        """Whether nobody who counts lacks the outcome."""
        counts = np.ones(self.trial.n, bool) if self.trial.weights is None else self.trial.values(self.trial.weights) > 0
        return bool(np.isfinite(self.values[counts]).all())

    @property
    def binary(self) -> bool:
        return bool(np.isin(self.values[np.isfinite(self.values)], (0.0, 1.0)).all())

    @property
    def contrasts(self) -> Any:
        asked = self.spec.analysis.contrasts
        return asked if isinstance(asked, str) else "control"

    @property
    def waves(self) -> list[str]:
        """The columns of the outcome's scale after baseline, up to the outcome's own wave; the outcome alone where it is no scale with waves."""
        o, names = self.outcome, list(self.spec.wave_names)
        if o.scale is None or o.wave is None or o.baseline_wave not in names:
            return [self.column]
        between = names[names.index(o.baseline_wave) + 1 : names.index(o.wave)]
        earlier = [score_column(o.scale, w) for w in between]
        return [*(c for c in earlier if c in self.trial.data.columns), self.column]

    @property
    def predictors(self) -> list[str]:
        return [c for c in self.spec.adjust_for(self.outcome) if c not in self.trial.strata]

    def analyse(self, trial: Trial, **other: Any) -> IttResult:
        """The planned analysis of a trial; `other` stands in place of keywords of `itt`."""
        a = self.spec.analysis
        own: list[Mapping[Hashable, float]] = [
            dict[Hashable, float](c.weights.items()) for c in a.contrasts if not isinstance(c, str)
        ]
        asked = self.spec.asked_of_itt(self.outcome, other.pop("estimator", None)) | other
        return itt(trial, contrasts=a.contrasts if isinstance(a.contrasts, str) else own, **asked)

    def weighted(self, **other: Any) -> IttResult:
        """ANCOVA of respondents weighted by the inverse of their probability of responding."""
        own = ("estimator", "covariance", "df", "average")
        asked = self.spec.asked_of_itt(self.outcome, "ancova") | other
        kept = {k: v for k, v in asked.items() if k not in own}
        return itt(self.trial, contrasts=self.contrasts, response_weights=self.predictors, **kept)

    @cached_property
    def imputed(self) -> Imputations:
        return self.impute("mar")

    def impute(self, strategy: Any) -> Imputations:
        """Imputations by the plan; outcomes with the same columns and predictors share them, and so do the primary and the sensitivity analyses."""
        m = self.spec.missing
        assert m.seed is not None
        key = (strategy, *self.waves, "", *self.predictors)
        known = self.ready.imputations.get(key)
        if known is None or known.trial is not self.trial:
            known = impute(
                self.trial, self.waves, predictors=self.predictors, strategy=strategy, n_imputations=m.imputations, seed=m.seed,
                progress=self.progress,
            )  # fmt: skip
            self.ready.imputations[key] = known
        return known


Found = Iterator[tuple[str, Result]]


def _available(work: Work, rule: str) -> Found:
    yield rule, work.analyse(work.trial)


def _imputed(work: Work, rule: str) -> Found:
    yield rule, work.imputed.analyse(work.analyse, progress=work.progress)


def _reference_based(work: Work, rule: str) -> Found:
    if work.binary:
        raise UsageError(
            "it rests on a normal model, which an outcome of 0 and 1 does not have; 'multiple_imputation' and 'tipping_point' are for those."
        )
    yield rule, work.impute(STRATEGIES[rule]).analyse(work.analyse, progress=work.progress)


def _weighted(work: Work, rule: str) -> Found:
    _differences_only(work)
    if not work.predictors:
        raise UsageError("weights by response need baseline covariates: name them in [analysis] adjust.")
    yield rule, work.weighted()


def _lee(work: Work, rule: str) -> Found:
    _differences_only(work)
    yield rule, lee_bounds(work.trial, work.column, contrasts=work.contrasts, conf_level=work.spec.analysis.conf_level)


def _kling_liebman(work: Work, rule: str) -> Found:
    _differences_only(work)
    yield rule, kling_liebman(work.trial, work.column, contrasts=work.contrasts, conf_level=work.spec.analysis.conf_level)


def _manski(work: Work, rule: str) -> Found:
    _differences_only(work)
    yield (
        rule,
        manski_bounds(
            work.trial,
            work.column,
            support=_range(work),
            contrasts=work.contrasts,
            conf_level=work.spec.analysis.conf_level,
        ),
    )


def _range(work: Work) -> tuple[float, float] | None:
    """The least and the greatest value that the outcome can have, where that is known."""
    if work.binary:
        return None
    for scored in work.ready.scales:
        if scored.column == work.column:
            return float(scored.counts["low"]), float(scored.counts["high"])
    raise UsageError("worst cases need an outcome of 0 and 1 or the score of a scale, whose ends are known.")


def _tipping(work: Work, rule: str) -> Found:
    """How far the lost must be off before the conclusion changes; for an outcome of 0 and 1, the worst and the best that could have become of them."""
    if work.binary:
        better = better_of(work.ready, work.outcome) or "higher"
        yield rule, what_if(work.trial, work.column, better=better, analyse=work.analyse)
        return
    texts = [e.contrast for e in work.analyse(work.trial).estimates]
    for text in texts:
        alone = [a for a in work.trial.arms[1:] if text == f"{a} - {work.trial.arms[0]}"]
        yield (
            rule if len(texts) == 1 else f"{rule}: {text}",
            tipping_point(
                work.imputed,
                work.column,
                analyse=work.analyse,
                contrast=text,
                arms=alone or None,
                progress=work.progress,
            ),
        )


def _differences_only(work: Work) -> None:
    if work.outcome.measure not in DIFFERENCES:
        raise UsageError(f"it is for differences of means and shares, not for measure '{work.outcome.measure}'.")


RULES: dict[str, Callable[[Work, str], Found]] = {
    "available_cases": _available,
    "multiple_imputation": _imputed,
    **dict.fromkeys(STRATEGIES, _reference_based),
    "inverse_probability_weights": _weighted,
    "lee_bounds": _lee,
    "manski_bounds": _manski,
    "kling_liebman": _kling_liebman,
    "tipping_point": _tipping,
}
