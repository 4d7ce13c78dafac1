"""A plan back in plain words: what was said, what was left unsaid and so decided by a default, and what cannot be run yet."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from trialkit.plan.planned.side_by_side import FEW_GROUPS, FEW_GROUPS_DRAWS, when_few
from trialkit.plan.schema.outcomes import HedgesG, Outcome, ScaleUse
from trialkit.plan.schema.scale_files import definition
from trialkit.plan.words.also_planned import also_planned, graph
from trialkit.plan.words.estimand import estimand_sentence, missing_sentence
from trialkit.plan.words.not_yet import not_yet
from trialkit.plan.words.vocabulary import WORDS, Language, Vocabulary

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["describe"]

WIDTH = 100


def describe(spec: PlanSpec, *, folder: Path | None = None, language: Language = "en") -> str:
    """The plan in plain words, one block of text.

    Parameters
    ----------
    folder
        Where the plan's own scale files stand; unsaid: the present folder.
    language
        "en" or "nl".

    Examples
    --------
    >>> print(describe(spec))                            # doctest: +SKIP
    Mobile peer groups for unemployed young people
    ...
    """
    w = WORDS[language]
    sections = (
        ("", _trial(spec, w)),
        (w("head_arms"), _arms(spec, w)),
        (w("head_data"), _data(spec, w)),
        (w("head_scales"), _scales(spec, w, folder)),
        (w("head_outcomes"), _outcomes(spec, w, folder, language)),
        (w("head_analysis"), _analysis(spec, w)),
        (w("head_further"), also_planned(spec, w)),
        (w("head_not_yet"), (f"{w.note(part)}." for part in not_yet(spec))),
    )
    blocks = []
    for title, sentences in sections:
        rows = [_wrapped(s) for s in sentences]
        if rows:
            blocks.append("\n".join([*([title] if title else []), *rows]))
    return f"{spec.trial.title}\n" + "\n\n".join(blocks)


def _wrapped(sentence: str) -> str:
    return textwrap.fill(sentence, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _trial(spec: PlanSpec, w: Vocabulary) -> Iterator[str]:
    yield w("randomized", population=spec.trial.population)
    yield w("registered", id=spec.trial.registration) if spec.trial.registration else w("unregistered")


def _arms(spec: PlanSpec, w: Vocabulary) -> Iterator[str]:
    design = spec.design
    for arm in spec.arms:
        roles = [w(key) for key, held in (("control", arm.control), ("in_groups", arm.grouped)) if held]
        roles.append(w("weight", weight=w.amount(design.allocation[arm.name])))
        yield w("arm", name=arm.name, label=arm.label, roles="; ".join(roles))
    yield f"{w.named('scheme', design.scheme)}{_of_columns(w, 'within', spec.data.strata)}."
    if design.units is not None:
        clusters = w("in_clusters", n=design.clusters) if design.clusters is not None else ""
        yield w("planned", n=design.units, clusters=clusters)
    yield from _formation(spec, w)
    if spec.grouped_arms and len(spec.grouped_arms) < len(spec.arms):
        yield w("some_groups")
    assumed = {k: v for k, v in design.assumptions.model_dump().items() if v is not None}
    if assumed:
        yield w("assumed", numbers=", ".join(f"{w.named('assumption', k)} {w.amount(v)}" for k, v in assumed.items()))


def _formation(spec: PlanSpec, w: Vocabulary) -> Iterator[str]:
    """How groups are put together."""
    formation = spec.design.groups
    if formation is None:
        return
    low, high = formation.size
    traits = {key: _of_columns(w, key, getattr(formation, key)) for key in ("within", "alike", "mixed")}
    yield w("formed", low=low, high=high, **traits)
    for key in ("keep_together", "keep_apart"):
        column = getattr(formation, key)
        if column is not None:
            yield w(key, column=column)
    if formation.waiting_list:
        yield w("waiting_list")


def _of_columns(w: Vocabulary, key: str, columns: tuple[str, ...]) -> str:
    return w(key, columns=w.listed(columns)) if columns else ""


def _data(spec: PlanSpec, w: Vocabulary) -> Iterator[str]:
    data = spec.data
    roles = ("unit", "arm", "group", "cluster", "weights", "uptake", "facilitator")
    named = {role: getattr(data, role) for role in roles if getattr(data, role) is not None}
    yield w("columns", columns=", ".join(f"{w(f'role_{role}')} {column!r}" for role, column in named.items()))
    if data.waves:
        yield w("waves", waves=", ".join(f"{wave.name} ({wave.label})" for wave in data.waves))
    if data.missing_codes:
        yield w("codes", codes=", ".join(f"{code} ({why})" for code, why in data.missing_codes.items()))
    else:
        yield w("no_codes")


def _scales(spec: PlanSpec, w: Vocabulary, folder: Path | None) -> Iterator[str]:
    for entry in spec.scales:
        waves = spec.scale_waves(entry.name)
        when = w("at", waves=w.listed(waves)) if waves else ""
        known = definition(entry.scale, folder)
        scale = f"{known['name']} ('{entry.scale}')" if isinstance(known.get("name"), str) else f"'{entry.scale}'"
        yield w("scale", name=entry.name, scale=scale, parts=_part_of(entry, w), when=when, items=entry.items)


def _part_of(entry: ScaleUse, w: Vocabulary) -> str:
    """Which form and subscale are scored, where the plan says so."""
    by_person = f" {w('and')} ".join(f"{what} ('{column}')" for what, column in (entry.form_from or {}).items())
    said = [
        w("form", form=entry.form) if entry.form else "",
        w("form_from", columns=by_person) if by_person else "",
        w("subscale", subscale=entry.subscale) if entry.subscale else "",
    ]
    return "".join(said)


def _outcomes(spec: PlanSpec, w: Vocabulary, folder: Path | None, language: Language) -> Iterator[str]:
    for outcome in spec.outcomes:
        family = w("family", family=outcome.family) if outcome.family != outcome.role else ""
        yield w("outcome", name=outcome.name, role=w.named("outcome", outcome.role), family=family)
        for comparison in spec.comparisons:
            yield estimand_sentence(spec, outcome, comparison.text, language=language)
        yield from missing_sentence(spec, outcome, language=language)
        yield f"{_source(spec, outcome, w)} {_better(spec, outcome, w, folder)} {_matters(outcome, w)}".strip()
        for event, handled in outcome.intercurrent.items():
            if handled.strategy == "composite" and handled.column is None:
                yield w("composite_unread", event=event, value=w.amount(handled.value or 0.0))


def _source(spec: PlanSpec, outcome: Outcome, w: Vocabulary) -> str:
    adjust = spec.adjust_for(outcome)
    plain = not adjust or not _adjusts(spec.estimator_for(outcome))
    adjusted = w("unadjusted") if plain else w("adjusted", columns=w.listed(adjust))
    if outcome.kind == "time":
        return w("from_time", time=outcome.time, event=outcome.event, adjusted=adjusted)
    if outcome.index is not None:
        return w("from_index", index=w(f"index_{outcome.index.kind}"), parts=_parts(spec, outcome, w), adjusted=adjusted)
    return w("scored" if outcome.kind == "scale" else "from_column", column=spec.value_column(outcome), adjusted=adjusted)


def _adjusts(estimator: str) -> bool:
    """Whether an estimator takes covariates; one that is not built is told as planned."""
    from trialkit.estimate.registry import ESTIMATORS

    return estimator not in ESTIMATORS or ESTIMATORS[estimator].adjusts


def _parts(spec: PlanSpec, outcome: Outcome, w: Vocabulary) -> str:
    """The parts of an index, with what is turned."""
    named = []
    for column, part in spec.components(outcome).items():
        turned = part.better == "lower" if part is not None and part.better is not None else column in outcome.index.lower  # type: ignore[union-attr]
        named.append(f"'{column}'{w('turned') if turned else ''}")
    return w.joined(named)


def _better(spec: PlanSpec, outcome: Outcome, w: Vocabulary, folder: Path | None) -> str:
    if outcome.better is not None:
        return w("better", side=w(f"side_{outcome.better}"))
    if outcome.scale is None:
        return w("better_unsaid")
    use = spec.scale(outcome.scale)
    known = definition(use.scale, folder)
    direction = known.get("subscale_directions", {}).get(use.subscale, known.get("direction"))
    return w("better_by_scale", side=w(f"side_{direction}")) if direction in ("higher", "lower") else w("better_as_scale")


def _matters(outcome: Outcome, w: Vocabulary) -> str:
    told = []
    if isinstance(outcome.smallest_worthwhile, HedgesG):
        told.append(w("worthwhile_sd", size=w.amount(outcome.smallest_worthwhile.hedges_g)))
    elif outcome.smallest_worthwhile is not None:
        told.append(w("worthwhile", size=w.amount(outcome.smallest_worthwhile)))
    elif outcome.role == "primary":
        told.append(w("worthwhile_unsaid"))
    for margin in ("equivalence", "noninferiority"):
        value = getattr(outcome, margin)
        if value is not None:
            told.append(w(margin, margin=w.amount(value)))
    return " ".join(told)


def _analysis(spec: PlanSpec, w: Vocabulary) -> Iterator[str]:
    analysis = spec.analysis
    yield from _estimated(spec, w)
    yield w("errors", covariance=_covariance(spec, w))
    yield w("intervals", level=w.amount(analysis.conf_level * 100), compared=_compared(spec, w))
    yield w("covariate_missing", rule=w(f"covariate_{analysis.covariate_missing}"))
    if spec.data.strata:
        yield w("strata", rule=w(f"strata_{analysis.strata_effects}"))
    yield from _several_tests(spec, w)
    yield _unobserved(spec, w)
    if spec.missing.sensitivity:
        yield w("missing_sensitivity", rules=", ".join(w.named("rule", s) for s in spec.missing.sensitivity))
    if analysis.companions:
        yield w("companions", names=", ".join(w.named("companion", c) for c in analysis.companions))
    if analysis.few_groups:
        yield w("few_groups", draws=min(analysis.draws, FEW_GROUPS_DRAWS), seed=analysis.seed)
    elif when_few(spec):
        yield w("few_groups_if", most=FEW_GROUPS)


def _estimated(spec: PlanSpec, w: Vocabulary) -> Iterator[str]:
    """Every estimator that the outcomes get, and which outcomes, where they differ in it."""
    used: dict[str, list[str]] = {}
    for outcome in spec.outcomes:
        used.setdefault(spec.estimator_for(outcome), []).append(outcome.name)
    for name, outcomes in used.items():
        words = w.named("estimator", name)
        adjusted = _of_columns(w, "estimated_with", spec.analysis.adjust) if _adjusts(name) else ""
        whose = w("estimated_for", outcomes=w.listed(outcomes)) if len(used) > 1 else ""
        yield w("estimated", estimator=f"{words[:1].upper()}{words[1:]}", adjusted=adjusted, whose=whose)


def _covariance(spec: PlanSpec, w: Vocabulary) -> str:
    if spec.analysis.covariance != "auto":
        return spec.analysis.covariance
    return w("cr2" if spec.grouped_arms or spec.data.cluster is not None else "hc2")


def _compared(spec: PlanSpec, w: Vocabulary) -> str:
    if isinstance(spec.analysis.contrasts, str):
        return w(f"contrasts_{spec.analysis.contrasts}")
    own = [w("contrast", label=c.label, against=c.against, text=c.text) for c in spec.comparisons]
    return w("contrasts_own", contrasts="; ".join(own))


def _several_tests(spec: PlanSpec, w: Vocabulary) -> Iterator[str]:
    multiplicity = spec.multiplicity
    families = [name for name, members in spec.families.items() if len(members) * len(spec.comparisons) > 1]
    if multiplicity.method == "none":
        yield w("no_correction")
    elif multiplicity.method == "gatekeeping":
        yield from graph(spec, w)
    elif families:
        drawn = w("drawn", draws=multiplicity.draws, seed=multiplicity.seed) if multiplicity.seed is not None else ""
        yield w("correction", method=multiplicity.method.replace("_", "-"), drawn=drawn, families=w.listed(families))
    else:
        yield w("nothing_to_correct")


def _unobserved(spec: PlanSpec, w: Vocabulary) -> str:
    missing = spec.missing
    times = w("times", n=missing.imputations, seed=missing.seed) if missing.primary == "multiple_imputation" else ""
    beside = "" if missing.primary == "available_cases" else w("beside")
    return w("missing", rule=w.named("rule", missing.primary), times=times, beside=beside)
