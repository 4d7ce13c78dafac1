"""Rules for [[outcomes]]: what each kind of outcome needs, and which measure fits it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from trialkit.errors import shown
from trialkit.plan.schema.base import Problem
from trialkit.plan.schema.checks.index import index_problems
from trialkit.plan.schema.names import near_miss, repeated
from trialkit.plan.schema.outcomes import BINARY_MEASURES, DIRECTED_MEASURES, RATIO_MEASURES, TIME_MEASURES, HedgesG, Outcome

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["outcome_problems"]

Problems = Iterator[Problem]
At = tuple[str, int]


def outcome_problems(spec: PlanSpec) -> Problems:
    """All problems of the outcomes."""
    yield from repeated([o.name for o in spec.outcomes], "outcomes")
    if not spec.primary:
        message = 'no outcome is primary; give the one that decides the trial role = "primary"'
        yield Problem(("outcomes", 0, "role"), message)
    for i, outcome in enumerate(spec.outcomes):
        at = ("outcomes", i)
        given = list(_given(outcome, at))
        yield from given
        if given:
            continue
        if outcome.scale is not None:
            yield from _scored(spec, outcome, at)
        elif outcome.index is not None:
            yield from index_problems(spec, outcome, at)
        elif outcome.wave is not None and outcome.wave not in spec.wave_names:
            message = f"'{outcome.wave}' is not one of [data] waves.{near_miss(outcome.wave, spec.wave_names)}"
            yield Problem((*at, "wave"), message)
        yield from _measure(outcome, at)
        yield from _margins(outcome, at)
        yield from _covariates(spec, outcome, at)
        yield from _events(spec, outcome, at)
        yield from _assumed(spec, outcome, at)


def _given(outcome: Outcome, at: At) -> Problems:
    """Exactly one of column, scale, time with event, index."""
    kinds = (("column", outcome.column), ("scale", outcome.scale), ("time", outcome.time), ("index", outcome.index))
    ways = [way for way, given in kinds if given is not None]
    if not ways:
        message = (
            f"outcome '{outcome.name}' must say where it stands: column = ..., or scale = ... with wave = ..., or time = ... with event = ..., "
            "or index = { of = [...] }"
        )
        yield Problem(at, message)
    elif len(ways) > 1:
        yield Problem((*at, ways[1]), f"outcome '{outcome.name}' has {shown(ways)}; keep one of them")
    elif "time" in ways and outcome.event is None:
        yield Problem(
            (*at, "time"), f"outcome '{outcome.name}' has a time but no event; add event = \"...\" (1 seen, 0 not seen)"
        )
    elif outcome.event is not None and "time" not in ways:
        yield Problem((*at, "event"), f"outcome '{outcome.name}' has an event but no time; add time = \"...\"")


def _scored(spec: PlanSpec, outcome: Outcome, at: At) -> Problems:
    names = [s.name for s in spec.scales]
    if outcome.scale not in names:
        message = f"'{outcome.scale}' is not one of [[scales]].{near_miss(str(outcome.scale), names)}"
        yield Problem((*at, "scale"), message)
        return
    scale, waves = spec.scale(outcome.scale), spec.wave_names
    has_waves = "{wave}" in scale.items
    if outcome.baseline is not None:
        yield Problem((*at, "baseline"), "a scale is adjusted for its own earlier score; write baseline_wave instead of baseline")
    if has_waves and outcome.wave is None:
        yield Problem(at, f"say when '{outcome.scale}' is scored: wave = \"{waves[-1] if waves else 't1'}\"")
    for key in ("wave", "baseline_wave"):
        wave = getattr(outcome, key)
        if wave is None:
            continue
        if not has_waves:
            yield Problem((*at, key), f"the items of '{outcome.scale}' have no {{wave}}; remove {key} or add {{wave}} to items")
        elif wave not in waves:
            yield Problem((*at, key), f"'{wave}' is not one of [data] waves.{near_miss(wave, waves)}")
        elif scale.waves and wave not in scale.waves:
            yield Problem((*at, key), f"'{outcome.scale}' is taken at {shown(scale.waves)}, not at '{wave}'")
    both = outcome.wave in waves and outcome.baseline_wave in waves
    if both and waves.index(str(outcome.baseline_wave)) >= waves.index(str(outcome.wave)):
        message = f"the baseline ('{outcome.baseline_wave}') must come before the outcome ('{outcome.wave}')"
        yield Problem((*at, "baseline_wave"), message)


def _measure(outcome: Outcome, at: At) -> Problems:
    measure, where = outcome.measure, (*at, "measure")
    if outcome.kind == "time" and measure not in TIME_MEASURES:
        message = f'a time until an event is compared by "hazard_ratio" or "rmst_difference", not by \'{measure}\''
        yield Problem(where, message)
    if outcome.kind != "time" and measure in TIME_MEASURES:
        yield Problem(where, f"'{measure}' needs time = ... and event = ..., not a {outcome.kind}")
    if outcome.kind in ("scale", "index") and measure in BINARY_MEASURES | {"rate_ratio"}:
        what = "a scale" if outcome.kind == "scale" else "an index"
        message = f"'{measure}' compares shares or counts, and {what} gives scores; write measure = \"mean_difference\""
        yield Problem(where, message)
    if measure == "rmst_difference" and outcome.tau is None:
        yield Problem(where, "'rmst_difference' needs tau, the time up to which the mean is taken, as in tau = 39")
    if outcome.tau is not None and measure != "rmst_difference":
        yield Problem((*at, "tau"), f"tau belongs to 'rmst_difference'; the measure here is '{measure}'")
    if outcome.q is not None and measure != "quantile":
        yield Problem((*at, "q"), f"q belongs to 'quantile'; the measure here is '{measure}'")
    if outcome.baseline_wave is not None and outcome.scale is None:
        yield Problem(
            (*at, "baseline_wave"), 'baseline_wave belongs to a scale; for a column write baseline = "its earlier column"'
        )
    if outcome.wave is not None and outcome.kind == "time":
        yield Problem((*at, "wave"), "a time until an event has no wave; remove it")


def _margins(outcome: Outcome, at: At) -> Problems:
    directed = [k for k in ("noninferiority",) if getattr(outcome, k) is not None]
    if outcome.measure in DIRECTED_MEASURES:
        directed.append("measure")
    if directed and outcome.better is None and outcome.scale is None:
        yield Problem((*at, directed[0]), 'which direction is the better one decides this; add better = "higher" or "lower"')
    if outcome.equivalence is not None and outcome.noninferiority is not None:
        yield Problem((*at, "noninferiority"), "an outcome has a margin of equivalence or of non-inferiority; keep one")
    if isinstance(outcome.smallest_worthwhile, HedgesG) and outcome.measure != "mean_difference":
        message = (
            f"a distance in standard deviations fits 'mean_difference'; for '{outcome.measure}' write a number in its own units"
        )
        yield Problem((*at, "smallest_worthwhile"), message)
    if outcome.measure == "risk_difference":
        for key in ("smallest_worthwhile", "equivalence", "noninferiority"):
            value = getattr(outcome, key)
            if isinstance(value, float) and value >= 1:
                yield Problem(
                    (*at, key), f"a difference of shares lies below 1; write {value / 100:g} for {value:g} percentage points"
                )


def _covariates(spec: PlanSpec, outcome: Outcome, at: At) -> Problems:
    if spec.estimator_for(outcome) == "difference_in_means" and (outcome.adjust or outcome.baseline):
        key = "adjust" if outcome.adjust else "baseline"
        message = f"'difference_in_means' takes no covariates; remove {key}, or write estimator = \"ancova\" for '{outcome.name}'"
        yield Problem((*at, key), message)
    own = {spec.value_column(outcome), *((outcome.event,) if outcome.event else ()), *spec.components(outcome)}
    for column in outcome.adjust if outcome.adjust is not None else spec.analysis.adjust:
        if column in own:
            where = (*at, "adjust") if outcome.adjust is not None else ("analysis", "adjust")
            message = f"'{column}' is the outcome '{outcome.name}' itself; adjust for what was measured before randomization"
            yield Problem(where, message)
    if outcome.baseline in own:
        message = f"the baseline of '{outcome.name}' is the outcome's own column; name the column measured before"
        yield Problem((*at, "baseline"), message)
    if own & {spec.data.unit, spec.data.arm, spec.data.group}:
        key = "column" if outcome.column else "time"
        yield Problem((*at, key), f"'{spec.value_column(outcome)}' is the person, the arm or the group, not an outcome")


def _events(spec: PlanSpec, outcome: Outcome, at: At) -> Problems:
    for event, handled in outcome.intercurrent.items():
        where = (*at, "intercurrent", event)
        if handled.strategy == "composite" and handled.value is None:
            message = f"composite needs the value '{outcome.name}' takes when '{event}' happens, as in value = 0"
            yield Problem(where, message)
        if handled.strategy != "composite" and handled.value is not None:
            yield Problem((*where, "value"), f"value belongs to the strategy 'composite', not to '{handled.strategy}'")
        if handled.strategy == "hypothetical" and not handled.scenario:
            yield Problem(where, f"hypothetical needs scenario: what is imagined instead of '{event}'")
        if handled.strategy != "hypothetical" and handled.scenario is not None:
            yield Problem((*where, "scenario"), f"scenario belongs to the strategy 'hypothetical', not to '{handled.strategy}'")
        if handled.strategy == "principal_stratum" and spec.data.uptake is None and handled.column is None:
            yield Problem(where, "a principal stratum is defined by who takes up the offer; name [data] uptake or a column here")
    if outcome.estimand.population == "compliers" and spec.data.uptake is None:
        message = "the effect among compliers needs the column that says who took up the offer: [data] uptake"
        yield Problem((*at, "estimand", "population"), message)
    if outcome.estimand.average == "group" and spec.data.group is None and spec.data.cluster is None:
        said_here = spec.analysis.average == "participant"
        yield Problem(
            (*at, "estimand", "average") if said_here else ("analysis", "average"),
            "an average over groups needs groups: name [data] group or cluster",
        )


def _assumed(spec: PlanSpec, outcome: Outcome, at: At) -> Problems:
    assume = outcome.assume
    if outcome.measure == "risk_difference" and assume.control_rate is not None and assume.effect is not None:
        reached = assume.control_rate + assume.effect
        if not 0 <= reached <= 1:
            message = (
                f"control_rate {assume.control_rate:g} plus effect {assume.effect:g} is {reached:g}, no share between 0 and 1"
            )
            yield Problem((*at, "assume"), message)
    if outcome.measure in RATIO_MEASURES and assume.effect is not None and assume.effect <= 0:
        yield Problem((*at, "assume"), f"'{outcome.measure}' is a ratio; an assumed effect is above 0 (1 is no effect)")
    if assume.shares:
        total = sum(assume.shares)
        if len(assume.shares) < 2 or abs(total - 1) > 1e-6:
            message = f"shares of two or more categories add up to 1, as in [0.2, 0.5, 0.3]; these add up to {total:g}"
            yield Problem((*at, "assume", "shares"), message)
    if assume.strata_r2 and not spec.data.strata:
        yield Problem((*at, "assume", "strata_r2"), "strata_r2 is what strata explain, and [data] strata names none")
