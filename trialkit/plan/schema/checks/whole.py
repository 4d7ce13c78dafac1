"""What must hold between the parts of a plan: each rule returns the problems it finds, with the remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trialkit.errors import shown
from trialkit.plan.schema.base import Problem
from trialkit.plan.schema.checks.outcomes import outcome_problems
from trialkit.plan.schema.checks.scales import scale_use_problems
from trialkit.plan.schema.checks.selection import selection_problems
from trialkit.plan.schema.comparisons import comparison_problems
from trialkit.plan.schema.gatekeeping import graph_problems
from trialkit.plan.schema.multiverse import multiverse_problems
from trialkit.plan.schema.names import near_miss, repeated
from trialkit.plan.schema.scale_files import is_own, registry_keys
from trialkit.plan.schema.sections import DRAWING_COMPANIONS, DRAWING_CORRECTIONS, DRAWING_MISSING

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["check"]

Problems = Iterator[Problem]

MOST_WEIGHT = 1e6


def check(spec: PlanSpec) -> list[Problem]:
    """All contradictions between parts of the plan."""
    rules = (
        _arms, _data, _design, _groups, _scales, scale_use_problems, outcome_problems, _analysis, _few_groups, comparison_problems, graph_problems, _mediation, _selection, _subgroups,
        multiverse_problems,
    )  # fmt: skip
    return [problem for rule in rules for problem in rule(spec)]


def _arms(spec: PlanSpec) -> Problems:
    names = spec.arm_names
    if len(names) < 2:
        yield Problem(("arms",), f"a trial has at least two arms; [arms] names {shown(names)}")
    controls = [a.name for a in spec.arms if a.control]
    if not controls:
        yield Problem(("arms",), "no arm is the control; add control = true to the arm with which the others are compared")
    if len(controls) > 1:
        yield Problem(("arms", controls[1], "control"), f"{shown(controls)} all have control = true; keep it for one of them")
    for name in names:
        if " - " in name:
            yield Problem(("arms", name), f"the arm name '{name}' holds ' - ', which reads as a contrast; use another name")


def _data(spec: PlanSpec) -> Problems:
    data = spec.data
    seen: dict[str, str] = {}
    for role in ("unit", "arm", "group", "cluster", "weights", "uptake", "facilitator"):
        column = getattr(data, role)
        if column is not None and column in seen:
            message = f"'{column}' is both '{seen[column]}' and '{role}'; a column has one of these roles"
            yield Problem(("data", role), message)
        elif column is not None:
            seen[column] = role
    for column in (data.unit, data.arm):
        if column in data.strata:
            yield Problem(("data", "strata"), f"'{column}' cannot be a stratum: it is the unit or the arm itself")
    for wave in data.waves:
        if not re.fullmatch(r"\w+", wave.name):
            yield Problem(("data", "waves", wave.name), f"the wave '{wave.name}' must be one word, as it stands in column names")
        elif wave.name == "none":
            yield Problem(("data", "waves", "none"), "'none' cannot be the name of a wave; use another")


def _groups(spec: PlanSpec) -> Problems:
    if spec.grouped_arms and spec.data.group is None:
        message = f"arm '{spec.grouped_arms[0]}' is grouped, so [data] needs the column of the group assigned: group = \"group\""
        yield Problem(("data",), message)
    if spec.data.group is not None and not spec.grouped_arms:
        message = f"[data] names the group column '{spec.data.group}', but no arm has grouped = true in [arms]; say which arm has groups"
        yield Problem(("data", "group"), message)
    if spec.data.facilitator is not None and spec.data.group is None and spec.data.cluster is None:
        yield Problem(("data", "facilitator"), 'a facilitator leads groups; name the group column too: group = "group"')
    formation = spec.design.groups
    if formation is None:
        return
    if not spec.grouped_arms:
        yield Problem(("design", "groups"), "groups are formed, but no arm has grouped = true in [arms]")
    if formation.size[0] > formation.size[1]:
        low, high = formation.size
        yield Problem(
            ("design", "groups", "size"), f"the smallest group ({low}) is larger than the largest ({high}); write [{high}, {low}]"
        )
    for column in formation.alike:
        if column in formation.mixed:
            yield Problem(("design", "groups", "mixed"), f"'{column}' is in both alike and mixed; keep it in one")


_KEYS_OF_SCHEMES = (
    ("match", ("matched_pairs",)),
    ("balance_on", ("rerandomized", "minimization")),
    ("accept", ("rerandomized",)),
    ("block_sizes", ("permuted_blocks",)),
    ("probability", ("minimization",)),
)


def _design(spec: PlanSpec) -> Problems:
    design, data = spec.design, spec.data
    for name in design.allocation:
        if name not in spec.arm_names:
            yield Problem(("design", "allocation", name), f"'{name}' is not one of [arms].{near_miss(name, spec.arm_names)}")
    for name, weight in design.allocation.items():
        if weight > MOST_WEIGHT:
            message = f"the weight of '{name}' is {weight:g}; weights say how many people an arm gets for each in another, such as 1 or 2"
            yield Problem(("design", "allocation", name), message)
    left_out = [a for a in spec.arm_names if a not in design.allocation]
    if left_out:
        yield Problem(("design", "allocation"), f"allocation leaves out {shown(left_out)}; give every arm its weight")
    needs_strata = design.scheme in ("stratified", "stratified_clustered", "matched_pairs")
    if needs_strata and not data.strata:
        what = "the column of the pair" if design.scheme == "matched_pairs" else "the columns used in the randomization"
        yield Problem(("design", "scheme"), f"scheme '{design.scheme}' needs [data] strata: {what}")
    if design.scheme in ("clustered", "stratified_clustered") and data.cluster is None:
        message = f"scheme '{design.scheme}' needs [data] cluster: the column of the unit that was randomized"
        yield Problem(("design", "scheme"), message)
    if data.strata and design.scheme in ("simple", "complete", "clustered"):
        better = {"clustered": "stratified_clustered"}.get(design.scheme, "stratified")
        message = (
            f"scheme '{design.scheme}' uses no strata, but [data] strata names {shown(data.strata)}; write scheme = \"{better}\""
        )
        yield Problem(("design", "scheme"), f"{message} or remove strata")
    if data.cluster is not None and design.scheme in ("simple", "complete", "stratified"):
        better = "stratified_clustered" if data.strata else "clustered"
        message = (
            f"scheme '{design.scheme}' randomizes people, but [data] cluster names '{data.cluster}'; write scheme = \"{better}\""
        )
        yield Problem(("design", "scheme"), f"{message} or remove cluster")
    for key, scheme in _KEYS_OF_SCHEMES:
        if getattr(design, key) not in (None, ()) and design.scheme not in scheme:
            yield Problem(
                ("design", key), f"{key} is for scheme {shown(scheme)}, not for '{design.scheme}'; remove it or change the scheme"
            )
    if design.scheme == "rerandomized" and not (design.balance_on and design.accept):
        yield Problem(("design", "scheme"), "scheme 'rerandomized' needs balance_on (traits) and accept (a share, as in 0.1)")
    if design.scheme == "minimization" and not design.balance_on:
        yield Problem(("design", "scheme"), "scheme 'minimization' needs balance_on: the traits that are kept in balance")
    if design.clusters is not None and data.cluster is None:
        yield Problem(("design", "clusters"), "clusters are counted, but [data] names no cluster column")


def _scales(spec: PlanSpec) -> Problems:
    yield from repeated([s.name for s in spec.scales], "scales")
    for i, scale in enumerate(spec.scales):
        braces = [b.partition(":")[0] for b in re.findall(r"\{([^}]*)\}", scale.items)]
        wrong = [b for b in braces if b not in ("item", "wave")]
        if wrong:
            yield Problem(("scales", i, "items"), f"items may hold {{item}} and {{wave}}, not {{{wrong[0]}}}")
        elif braces.count("item") != 1 or braces.count("wave") > 1:
            message = f'items must hold {{item}} once, where the item number stands, as in "{scale.name}_{{wave}}_{{item}}"'
            yield Problem(("scales", i, "items"), message)
        elif "wave" in braces and not spec.data.waves:
            yield Problem(
                ("scales", i, "items"), 'items holds {wave}, but [data] waves names none, as in waves = { t0 = "before" }'
            )
        for wave in scale.waves:
            if wave not in spec.wave_names:
                yield Problem(("scales", i, "waves"), f"'{wave}' is not one of [data] waves.{near_miss(wave, spec.wave_names)}")
        if not is_own(scale.scale) and scale.scale not in registry_keys():
            message = f"the registry has no scale '{scale.scale}'.{near_miss(scale.scale, registry_keys())}"
            yield Problem(("scales", i, "scale"), message + " A scale of your own is the path of a .toml file.")
        if scale.code_range is not None and scale.code_range[0] >= scale.code_range[1]:
            message = f"code_range is the lowest and the highest code, as in [0, 3]; here it is {list(scale.code_range)}"
            yield Problem(("scales", i, "code_range"), message)
        if scale.waves and "wave" not in braces:
            yield Problem(("scales", i, "waves"), "waves are named, but items has no {wave} to put them in")


def _analysis(spec: PlanSpec) -> Problems:
    analysis, multiplicity, missing = spec.analysis, spec.multiplicity, spec.missing
    for column in analysis.adjust:
        if column in (spec.data.unit, spec.data.arm, spec.data.group, spec.data.uptake):
            message = f"'{column}' cannot be a covariate: it is the person, the arm, or comes after randomization"
            yield Problem(("analysis", "adjust"), message)
    if "cace" in analysis.companions and spec.data.uptake is None:
        yield Problem(
            ("analysis", "companions"), "'cace' needs the column that says who took up the offer: [data] uptake = \"attended\""
        )
    if "randomization_test" in analysis.companions and spec.grouped_arms and spec.design.groups is None:
        message = "a randomization test forms the groups anew in every draw: say how in [design] groups = { size = [smallest, largest] }"
        yield Problem(("analysis", "companions"), message)
    covariance = analysis.covariance
    if covariance.startswith("HC") and (spec.data.cluster is not None or spec.grouped_arms):
        message = f'covariance \'{covariance}\' ignores the groups; write "CR2" or leave "auto"'
        yield Problem(("analysis", "covariance"), message)
    if covariance.startswith("CR") and spec.data.cluster is None and not spec.grouped_arms:
        message = f'covariance \'{covariance}\' is for groups, and this trial has none; write "HC2" or leave "auto"'
        yield Problem(("analysis", "covariance"), message)
    if analysis.df in ("satterthwaite", "kenward_roger") and analysis.estimator != "mixed":
        message = f"df '{analysis.df}' belongs to estimator \"mixed\"; leave \"auto\" for '{analysis.estimator}'"
        yield Problem(("analysis", "df"), message)
    if analysis.estimator == "difference_in_means" and analysis.adjust:
        message = "'difference_in_means' takes no covariates; remove adjust, or write estimator = \"ancova\""
        yield Problem(("analysis", "adjust"), message)
    used = dict.fromkeys((*analysis.companions, analysis.estimator, *(o.estimator for o in spec.outcomes)))
    drawn = [c for c in used if c in DRAWING_COMPANIONS]
    if drawn and analysis.seed is None:
        yield Problem(("analysis", "companions"), f"{shown(drawn)}: random draws need a seed; add to [analysis] seed = 20261122")
    if multiplicity.method in DRAWING_CORRECTIONS and multiplicity.seed is None:
        message = f"'{multiplicity.method}': random draws need a seed; add to [multiplicity] seed = 20261122"
        yield Problem(("multiplicity", "method"), message)
    if multiplicity.method == "dunnett" and len(spec.arms) < 3:
        yield Problem(
            ("multiplicity", "method"), "'dunnett' is for several arms against one control; with two arms write \"holm\""
        )
    asked = [m for m in (missing.primary, *missing.sensitivity) if m in DRAWING_MISSING]
    if asked and missing.seed is None:
        yield Problem(("missing",), f"{shown(asked)}: random draws need a seed; add to [missing] seed = 20261122")
    if missing.primary in missing.sensitivity:
        yield Problem(("missing", "sensitivity"), f"'{missing.primary}' is already the primary analysis; remove it here")


def _few_groups(spec: PlanSpec) -> Problems:
    where = ("analysis", "few_groups")
    if not spec.analysis.few_groups:
        return
    if not spec.grouped_arms and spec.data.cluster is None:
        yield Problem(where, "few_groups is for trials with groups or clusters, and this one has neither; remove it")
    if len(spec.arms) > 2:
        yield Problem(where, f"few_groups compares two arms, and [arms] names {len(spec.arms)}; remove it")
    if spec.analysis.seed is None:
        yield Problem(where, "few_groups: random draws need a seed; add to [analysis] seed = 20261122")


def _mediation(spec: PlanSpec) -> Problems:
    for i, entry in enumerate(spec.mediation):
        at, mediator = ("mediation", i), entry.mediator
        names = [o.name for o in spec.outcomes]
        if entry.outcome not in names:
            yield Problem((*at, "outcome"), f"'{entry.outcome}' is not one of [[outcomes]].{near_miss(entry.outcome, names)}")
        if (mediator.column is None) == (mediator.scale is None):
            yield Problem((*at, "mediator"), "a mediator is either { column = ... } or { scale = ..., wave = ... }")
            continue
        scales = [s.name for s in spec.scales]
        if mediator.scale is not None and mediator.scale not in scales:
            message = f"'{mediator.scale}' is not one of [[scales]].{near_miss(mediator.scale, scales)}"
            yield Problem((*at, "mediator", "scale"), message)
            continue
        has_waves = mediator.scale is not None and "{wave}" in spec.scale(mediator.scale).items
        if has_waves and mediator.wave is None:
            message = f"say when '{mediator.scale}' is scored: wave = \"{(spec.wave_names or ('t1',))[-1]}\""
            yield Problem((*at, "mediator"), message)
        elif mediator.wave is not None and mediator.wave not in spec.wave_names:
            message = f"'{mediator.wave}' is not one of [data] waves.{near_miss(mediator.wave, spec.wave_names)}"
            yield Problem((*at, "mediator", "wave"), message)
        elif entry.outcome in names:
            yield from _mediator_in_time(spec, i)


def _mediator_in_time(spec: PlanSpec, i: int) -> Problems:
    entry, waves = spec.mediation[i], spec.wave_names
    then, outcome_wave = entry.mediator.wave, spec.outcome(entry.outcome).wave
    if then is None:
        return
    at = ("mediation", i, "mediator", "wave")
    if waves.index(then) == 0 and len(waves) > 1:
        yield Problem(
            at, f"the mediator is scored at '{then}', the first wave, before the programme could change it; use a later wave"
        )
    elif outcome_wave in waves and waves.index(then) > waves.index(outcome_wave):
        message = f"the mediator is scored at '{then}', after its outcome ('{outcome_wave}'): it cannot be on the way to it"
        yield Problem(at, message + "; use an earlier wave")


def _selection(spec: PlanSpec) -> Problems:
    if spec.selection.take_up and spec.data.uptake is None:
        yield Problem(
            ("selection", "take_up"), 'take_up needs the column that says who took up the offer: [data] uptake = "attended"'
        )
    yield from selection_problems(spec)
    if spec.harms is not None and spec.harms.events is None and not spec.harms.columns:
        yield Problem(("harms",), "[harms] needs events (a file) or columns (of the data)")


def _subgroups(spec: PlanSpec) -> Problems:
    names = [o.name for o in spec.outcomes]
    for i, entry in enumerate(spec.subgroups):
        for name in entry.outcomes:
            if name not in names:
                yield Problem(("subgroups", i, "outcomes"), f"'{name}' is not one of [[outcomes]].{near_miss(name, names)}")
        if entry.by in (spec.data.unit, spec.data.arm, spec.data.group, spec.data.uptake):
            message = f"'{entry.by}' is not a trait people had before randomization; subgroups need one"
            yield Problem(("subgroups", i, "by"), message)
        if entry.kind == "categorical" and entry.alternative != "two-sided":
            yield Problem(
                ("subgroups", i, "alternative"), 'a direction needs kind = "continuous"; categories are tested two-sided'
            )
