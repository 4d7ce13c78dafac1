"""A plan back in plain words: what was said, what was left unsaid and so decided by a default, and what cannot be run yet."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from trialkit.plan.planned.side_by_side import FEW_GROUPS, FEW_GROUPS_DRAWS, when_few
from trialkit.plan.schema.gatekeeping import graph_words
from trialkit.plan.schema.mediators import mediator_baseline
from trialkit.plan.schema.multiverse import multiverse_words
from trialkit.plan.schema.outcomes import HedgesG, Outcome, ScaleUse
from trialkit.plan.schema.scale_files import definition
from trialkit.plan.words.estimand import estimand_sentence, missing_sentence
from trialkit.plan.words.not_yet import not_yet

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec
    from trialkit.plan.schema.sections import Mediation

__all__ = ["describe", "estimand_sentence"]

WIDTH = 100


def describe(spec: PlanSpec, *, folder: Path | None = None) -> str:
    """The plan in plain words, one block of text.

    Parameters
    ----------
    folder
        Where the plan's own scale files stand; unsaid: the present folder.

    Examples
    --------
    >>> print(describe(spec))                            # doctest: +SKIP
    Mobile peer groups for unemployed young people
    ...
    """
    sections = (
        ("", _trial(spec)),
        ("Arms", _arms(spec)),
        ("Data", _data(spec)),
        ("Scales", _scales(spec, folder)),
        ("Outcomes", _outcomes(spec, folder)),
        ("Analysis", _analysis(spec)),
        ("Also planned", _further(spec)),
        ("Planned, but not run by this version", (f"{part}." for part in not_yet(spec))),
    )
    blocks = []
    for title, sentences in sections:
        rows = [_wrapped(s) for s in sentences]
        if rows:
            blocks.append("\n".join([*([title] if title else []), *rows]))
    return f"{spec.trial.title}\n" + "\n\n".join(blocks)


def _wrapped(sentence: str) -> str:
    return textwrap.fill(sentence, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _trial(spec: PlanSpec) -> Iterator[str]:
    yield f"Randomized: {spec.trial.population}."
    if spec.trial.registration:
        yield f"Registered as {spec.trial.registration} (claimed in the plan, not looked up)."
    else:
        yield "No public registration is named in the plan: a lock of it is local (level L0) until evidence is attached."


def _arms(spec: PlanSpec) -> Iterator[str]:
    for arm in spec.arms:
        roles = [r for r, held in (("the control", arm.control), ("people are put in groups", arm.grouped)) if held]
        shares = f"allocation weight {spec.design.allocation[arm.name]:g}"
        yield f"'{arm.name}': {arm.label} ({'; '.join([*roles, shares])})."
    yield f"{_SCHEMES[spec.design.scheme]}{_strata(spec)}."
    if spec.design.units is not None:
        clusters = f" in {spec.design.clusters} clusters" if spec.design.clusters is not None else ""
        yield f"Planned: {spec.design.units} people{clusters}."
    formation = spec.design.groups
    if formation is not None:
        low, high = formation.size
        alike = f", alike in {_listed(formation.alike)}" if formation.alike else ""
        mixed = f", mixed in {_listed(formation.mixed)}" if formation.mixed else ""
        yield f"Groups of {low} to {high} people{alike}{mixed}."
    if spec.grouped_arms and len(spec.grouped_arms) < len(spec.arms):
        yield "Groups exist in some arms only, so the analysis lets people resemble each other there and nowhere else."
    assumed = {k.replace("_", " "): v for k, v in spec.design.assumptions.model_dump().items() if v is not None}
    if assumed:
        yield f"Assumed for planning, never used in the analysis: {', '.join(f'{k} {v:g}' for k, v in assumed.items())}."


def _strata(spec: PlanSpec) -> str:
    return f" within {_listed(spec.data.strata)}" if spec.data.strata else ""


def _data(spec: PlanSpec) -> Iterator[str]:
    data = spec.data
    roles = {"person": data.unit, "arm": data.arm, "group assigned": data.group, "cluster": data.cluster, "weight": data.weights}
    roles |= {"took it up": data.uptake, "facilitator": data.facilitator}
    yield f"Columns: {', '.join(f'{role} {column!r}' for role, column in roles.items() if column is not None)}."
    if data.waves:
        yield f"Waves: {', '.join(f'{w.name} ({w.label})' for w in data.waves)}."
    if data.missing_codes:
        yield f"Codes that are no values: {', '.join(f'{code} ({why})' for code, why in data.missing_codes.items())}."
    else:
        yield "No codes are declared as missing: a code such as -99 in the data would be taken for a value, or stop the run."


def _scales(spec: PlanSpec, folder: Path | None) -> Iterator[str]:
    for entry in spec.scales:
        waves = spec.scale_waves(entry.name)
        when = f" at {_listed(waves)}" if waves else ""
        known = definition(entry.scale, folder)
        name = f"{known['name']} ('{entry.scale}')" if isinstance(known.get("name"), str) else f"'{entry.scale}'"
        yield f"'{entry.name}': {name}{_part_of(entry)}{when}, from columns {entry.items}."


def _part_of(entry: ScaleUse) -> str:
    """Which form and subscale are scored, where the plan says so."""
    by_person = " and ".join(f"{what} ('{column}')" for what, column in (entry.form_from or {}).items())
    said = [
        f"form '{entry.form}'" if entry.form else "",
        f"each person's form by {by_person}" if by_person else "",
        f"subscale '{entry.subscale}'" if entry.subscale else "",
    ]
    return "".join(f", {text}" for text in said if text)


def _outcomes(spec: PlanSpec, folder: Path | None) -> Iterator[str]:
    for outcome in spec.outcomes:
        family = f", family '{outcome.family}'" if outcome.family != outcome.role else ""
        yield f"'{outcome.name}' ({outcome.role}{family})"
        for comparison in spec.comparisons:
            yield estimand_sentence(spec, outcome, comparison.text)
        yield from missing_sentence(spec, outcome)
        yield f"{_source(spec, outcome)} {_better(spec, outcome, folder)} {_matters(outcome)}".strip()
        for event, handled in outcome.intercurrent.items():
            if handled.strategy == "composite" and handled.column is None:
                yield f"No column says to whom '{event}' happened, so the value {handled.value:g} must stand in the data already."


def _source(spec: PlanSpec, outcome: Outcome) -> str:
    adjust = spec.adjust_for(outcome)
    adjusted = (
        f", adjusted for {_listed(adjust)}" if adjust and spec.estimator_for(outcome) != "difference_in_means" else ", unadjusted"
    )
    if outcome.kind == "time":
        return f"Read from '{outcome.time}' with '{outcome.event}'{adjusted}."
    if outcome.index is not None:
        return f"{_INDICES[outcome.index.kind]} of {_parts(spec, outcome)}, each in SDs of the control arm{adjusted}."
    made = "Scored as" if outcome.kind == "scale" else "Read from"
    return f"{made} '{spec.value_column(outcome)}'{adjusted}."


def _parts(spec: PlanSpec, outcome: Outcome) -> str:
    """The parts of an index, with what is turned."""
    named = []
    for column, part in spec.components(outcome).items():
        turned = part.better == "lower" if part is not None and part.better is not None else column in outcome.index.lower  # type: ignore[union-attr]
        named.append(f"'{column}'{' (turned: lower is better)' if turned else ''}")
    return f"{', '.join(named[:-1])} and {named[-1]}"


def _better(spec: PlanSpec, outcome: Outcome, folder: Path | None) -> str:
    if outcome.better is not None:
        return f"{outcome.better.capitalize()} is better."
    if outcome.scale is not None:
        use = spec.scale(outcome.scale)
        known = definition(use.scale, folder)
        direction = known.get("subscale_directions", {}).get(use.subscale, known.get("direction"))
        return (
            f"{str(direction).capitalize()} is better (from the scale)."
            if direction in ("higher", "lower")
            else "Better: as the scale says."
        )
    return "Which direction is better was not said, so the report calls neither better."


def _matters(outcome: Outcome) -> str:
    told = []
    if isinstance(outcome.smallest_worthwhile, HedgesG):
        told.append(f"An effect of {outcome.smallest_worthwhile.hedges_g:g} standard deviations or more would be worthwhile.")
    elif outcome.smallest_worthwhile is not None:
        told.append(f"An effect of {outcome.smallest_worthwhile:g} or more would be worthwhile.")
    elif outcome.role == "primary":
        told.append("No smallest worthwhile effect was said, so the report cannot say whether the effect is large enough.")
    for margin, word in (("equivalence", "Equivalence"), ("noninferiority", "Non-inferiority")):
        value = getattr(outcome, margin)
        if value is not None:
            told.append(f"{word} within {value:g}.")
    return " ".join(told)


def _analysis(spec: PlanSpec) -> Iterator[str]:
    analysis, multiplicity = spec.analysis, spec.multiplicity
    yield f"{_ESTIMATORS[analysis.estimator]}{f' with {_listed(analysis.adjust)}' if analysis.adjust else ''}."
    yield f"Standard errors: {_covariance(spec)}."
    yield f"{analysis.conf_level * 100:g} % confidence intervals; {_compared(spec)}."
    yield f"People without a baseline covariate: {_COVARIATE_MISSING[analysis.covariate_missing]}."
    if spec.data.strata:
        yield f"Strata: {_STRATA[analysis.strata_effects]}."
    families = {name: members for name, members in spec.families.items() if len(members) * len(spec.comparisons) > 1}
    if multiplicity.method == "none":
        yield "No correction for several outcomes."
    elif multiplicity.method == "gatekeeping":
        yield from graph_words(spec)
    elif families:
        drawn = f" ({multiplicity.draws} draws, seed {multiplicity.seed})" if multiplicity.seed is not None else ""
        yield f"Correction within a family: {multiplicity.method.replace('_', '-')}{drawn}, for {_listed(tuple(families))}."
    else:
        yield "No family has more than one test, so nothing is corrected."
    times = (
        f", {spec.missing.imputations} times (seed {spec.missing.seed})" if spec.missing.primary == "multiple_imputation" else ""
    )
    beside = "" if spec.missing.primary == "available_cases" else "; the people with the outcome alone beside it"
    yield f"Outcomes that were not observed: {spec.missing.primary.replace('_', ' ')}{times}{beside}."
    if spec.missing.sensitivity:
        yield f"How much the missing people could matter: {', '.join(s.replace('_', ' ') for s in spec.missing.sensitivity)}."
    if analysis.companions:
        yield f"Shown beside the primary analysis, never instead of it: {', '.join(c.replace('_', ' ') for c in analysis.companions)}."
    yield from _few_groups(spec)


def _compared(spec: PlanSpec) -> str:
    if isinstance(spec.analysis.contrasts, str):
        return _CONTRASTS[spec.analysis.contrasts]
    return "compared: " + "; ".join(f"'{c.label}' with '{c.against}' ({c.text})" for c in spec.comparisons)


def _few_groups(spec: PlanSpec) -> Iterator[str]:
    side_by_side = "CR2, CR3, wild bootstrap and the randomization test side by side"
    if spec.analysis.few_groups:
        yield f"For the primary outcomes {side_by_side} ({min(spec.analysis.draws, FEW_GROUPS_DRAWS)} draws, seed {spec.analysis.seed})."
    elif when_few(spec):
        yield f"For the primary outcomes {side_by_side}, if an arm has fewer than {FEW_GROUPS} groups or clusters."


def _covariance(spec: PlanSpec) -> str:
    covariance = spec.analysis.covariance
    if covariance != "auto":
        return covariance
    if not spec.grouped_arms and spec.data.cluster is None:
        return "HC2, with t intervals (the default)"
    return "CR2 with the groups and single people as clusters, and Satterthwaite degrees of freedom (the default)"


def _further(spec: PlanSpec) -> Iterator[str]:
    if spec.scales:
        yield _measurement(spec)
    for entry in spec.mediation:
        through = entry.mediator.column or entry.mediator.scale
        when = f" at {entry.mediator.wave}" if entry.mediator.wave else ""
        yield _mediation(spec, entry, f"'{through}'{when}")
    yield from multiverse_words(spec)
    for group in spec.subgroups:
        yield f"Whether the effect on {_listed(group.outcomes)} differs by '{group.by}' ({group.kind}, {group.alternative})."
    selection = spec.selection
    if selection.reach is not None:
        yield f"Who was reached, from '{selection.reach.funnel}'{f', by {_listed(selection.reach.by)}' if selection.reach.by else ''}."
    if selection.balance:
        yield f"Balance at the start: {_listed(selection.balance)}."
    if selection.vulnerability:
        yield f"Take-up and losses are shown by: {_listed(selection.vulnerability)}."
    if selection.groups_by_chance:
        yield f"Whether chance put people in their groups is tested by: {_listed(selection.groups_by_chance)}."
    looked = [w for w, asked in (("losses by arm", selection.attrition), ("take-up", selection.take_up)) if asked]
    if looked:
        yield f"Described: {' and '.join(looked)}."
    if spec.harms is None:
        yield "Harms: not planned; the report will say that they were not assessed."
    else:
        sources = [
            *([f"'{spec.harms.events}'"] if spec.harms.events else []),
            *([_listed(spec.harms.columns)] if spec.harms.columns else []),
        ]
        yield f"Harms by arm, from {' and '.join(sources)}."


def _mediation(spec: PlanSpec, entry: Mediation, step: str) -> str:
    baseline = mediator_baseline(spec, entry)
    before = f", with '{baseline}' as the step before the programme" if baseline else ", without the step before the programme"
    slopes = "may differ by arm" if entry.interaction else "is the same in both arms"
    return (
        f"How much of the effect on '{entry.outcome}' goes through {step}{before}; the slope of the step {slopes}. "
        f"Sensitivity to an unmeasured cause is reported ({entry.draws} draws, seed {entry.seed})."
    )


def _measurement(spec: PlanSpec) -> str:
    said = "For every scale: reliability by wave and arm, people at the ends of the scale, reliable change"
    if spec.measurement is not None and not spec.measurement.invariance:
        return f"{said}. Invariance is not tested."
    return f"{said}, and whether it is the same measure over waves and arms; where it is not, its effects carry a warning and the latent effect."


def _listed(names: tuple[str, ...]) -> str:
    quoted = [f"'{n}'" for n in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


_SCHEMES = {
    "simple": "People were randomized one by one, each with the same chances",
    "complete": "People were randomized, with fixed numbers in each arm",
    "stratified": "People were randomized",
    "clustered": "Whole clusters were randomized",
    "stratified_clustered": "Whole clusters were randomized",
    "matched_pairs": "People were paired and randomized",
    "rerandomized": "People were randomized again until the arms were alike",
    "minimization": "People were assigned one by one so that the arms stay alike (minimization)",
    "permuted_blocks": "People were randomized in blocks as they came",
    "factorial": "People were randomized to combinations",
    "custom": "People were randomized by a procedure of the plan's own",
}
_ESTIMATORS = {
    "ancova": "Least squares on arm and baseline (ANCOVA)",
    "lin": "Least squares with arm-by-covariate interactions (Lin)",
    "difference_in_means": "Difference in means",
    "horvitz_thompson": "Horvitz-Thompson, by the probabilities of the design",
    "hajek": "Hajek, by the probabilities of the design",
    "aipw": "Augmented inverse probability weighting with cross-fitting",
    "mixed": "Mixed model (REML) with groups in their arms and residual variance by arm",
}
_INDICES = {
    "icw": "An index weighted by the inverse covariance (Anderson 2008)",
    "klk": "The plain mean (Kling, Liebman & Katz 2007)",
}
_CONTRASTS = {"control": "each arm is compared with the control", "all": "every pair of arms is compared"}
_COVARIATE_MISSING = {
    "impute": "the mean is put in its place, blind to arm, with an indicator; nobody is dropped",
    "drop": "left out",
    "error": "the run stops",
}
_STRATA = {
    "auto": "a term for each, interacted with arm where the arms' shares differ by stratum (the default)",
    "additive": "a term for each",
    "interacted": "a term for each, interacted with arm",
    "none": "not in the model",
}
