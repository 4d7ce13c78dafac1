"""What must hold before a mediation analysis is worth fitting: an error with its remedy, or a note."""

from __future__ import annotations

import re

import numpy as np

from trialkit.errors import (
    ColumnNotFoundError,
    EstimationError,
    GroupError,
    MissingDataError,
    NotIdentifiedError,
    UsageError,
    ValueTypeError,
    shown,
)
from trialkit.estimate.outcome import Time
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.io.suspicions import suspicions
from trialkit.results import Note
from trialkit.trial import ALONE, Trial, rows_text

_CODES = (-99.0, -98.0, -97.0, -9.0, -999.0, -9999.0)
_EXACT = 1e-10
_HARDLY = 1e-6


def check_roles(trial: Trial, outcome: str | Time, mediator: str, adjust: tuple[str, ...]) -> None:
    """The mediator is a column of its own, with no other role."""
    if not isinstance(mediator, str) or not isinstance(outcome, (str, Time)):
        raise UsageError("mediate takes one outcome (a column, or tk.Time) and one mediator (a column): call it once for each.")
    columns = outcome.columns if isinstance(outcome, Time) else (outcome,)
    for name in (mediator, *columns):
        if name not in trial.data.columns:
            raise ColumnNotFoundError(name, trial.data.columns)
    if mediator in columns:
        raise UsageError(f"the mediator '{mediator}' is the outcome: name the intermediate step, measured before the outcome.")
    roles: dict[str | None, str] = {
        trial.arm: "the arm",
        trial.group: "the group",
        trial.unit: "the identifier",
        trial.cluster: "the cluster",
        trial.weights: "the weights",
        **dict.fromkeys(trial.strata, "a stratum of the randomization, which was there before the arm"),
    }
    if mediator in roles:
        raise UsageError(
            f"the mediator '{mediator}' is {roles[mediator]}: a mediator is measured after randomization, on people."
        )
    if mediator in adjust:
        raise UsageError(
            f"adjust holds the mediator '{mediator}': leave it out. What is adjusted for was measured before randomization (its baseline may be there)."
        )


def check_waves(mediator_wave: float | None, outcome_wave: float | None) -> list[Note]:
    """The mediator comes before the outcome."""
    if mediator_wave is None or outcome_wave is None:
        return []
    if mediator_wave > outcome_wave:
        raise UsageError(
            f"the mediator was measured at wave {mediator_wave:g}, after the outcome (wave {outcome_wave:g}): what comes later cannot carry the effect. "
            "Take the mediator of an earlier wave, or the outcome of a later one."
        )
    if mediator_wave == outcome_wave:
        return [
            Note(
                "same_wave",
                "mediator and outcome were measured at the same time: that the mediator moved first is assumed, and the outcome moving the mediator would "
                "look the same.",
            )
        ]
    return []


def check_codes(trial: Trial, name: str) -> list[Note]:
    """A code for missing that was not declared: an error where nothing else is below zero, else a note."""
    values = trial.values(name)
    seen = values[np.isfinite(values)]
    coded = np.isin(values, _CODES)
    rest = seen[~np.isin(seen, _CODES)]
    if coded.any() and (not len(rest) or rest.min() >= 0):
        raise ValueTypeError(
            f"'{name}' is {values[coded][0]:g} in {rows_text(coded)} and nowhere else below zero, which is how missing answers are coded. Set them to missing, "
            f"as in data['{name}'].replace({values[coded][0]:g}, float('nan')), or read the file with missing_codes=."
        )
    return [Note("suspicious_values", f"{sentence}.") for sentence in suspicions(trial.data[[name]])]


def check_mediator(trial: Trial, s: Sample, mediator: str, values: FloatArray) -> list[Note]:
    """The mediator varies in both arms and belongs to people; values (N,) are those of the whole trial, of the arms in `s`."""
    notes: list[Note] = []
    members = trial.group_codes != ALONE
    absent = ~np.isfinite(values)
    compared = np.isin(trial.arm_codes, [trial.arms.index(a) for a in s.arms])
    if (absent | ~compared).all():
        raise MissingDataError(
            f"the mediator '{mediator}' is missing for everyone: check the column, or that its wave is in the file."
        )
    for label in s.arms:
        inside = trial.arm_codes == trial.arms.index(label)
        if absent[inside].all():
            grouped = members[~inside & compared & ~absent].any()
            raise (GroupError if grouped else MissingDataError)(
                f"the mediator '{mediator}' is missing for everyone in arm {label!r}. "
                + (
                    "A property of groups (cohesion, attendance norms) exists in the grouped arm only, so there is no value it would have had in the other arm "
                    "and no natural effect through it. Ask instead how the outcome varies with it among groups (tk.subgroups within the arm), or take a "
                    "mediator that every person has, such as perceived support."
                    if grouped
                    else "A mediator is measured in both arms: what only one arm has cannot be compared."
                )
            )
    group_level = members & ~absent & compared
    if group_level.any() and _constant_in_groups(values[group_level], trial.group_codes[group_level]):
        raise GroupError(
            f"the mediator '{mediator}' has one value for all members of each group: it is a property of groups, which exist in some arms only. What it would have "
            "been without a group is not defined, so there is no natural effect through it. Ask how the outcome varies with it among groups, or take a "
            "mediator that every person has, such as perceived support."
        )
    missing = absent & compared
    if missing.any():
        per_arm = ", ".join(f"{a}: {int(missing[trial.arm_codes == trial.arms.index(a)].sum())}" for a in s.arms)
        notes.append(
            Note(
                "mediator_missing",
                f"{int(missing.sum())} of {int(compared.sum())} people have no '{mediator}' and are left out ({per_arm}).",
            )
        )
    return notes


def check_variation(s: Sample, mediator: str, m: FloatArray) -> None:
    """The mediator is neither constant nor told by the arm, and is not a copy of the outcome."""
    if len(m) == 0:
        raise MissingDataError(f"nobody has both '{s.outcome}' and the mediator '{mediator}'.")
    for code, label in enumerate(s.arms):
        if (s.arm == code).sum() < 2:
            raise MissingDataError(
                f"arm {label!r} has fewer than two people with both '{s.outcome}' and the mediator '{mediator}'."
            )
    spread = np.ptp(m)
    if spread <= _EXACT * max(1.0, float(np.abs(m).max())):
        raise EstimationError(f"the mediator '{mediator}' is the same ({m[0]:g}) for everyone: nothing can go through it.")
    if float(np.std(m)) < _HARDLY * float(np.abs(m).max()):
        raise EstimationError(
            f"the mediator '{mediator}' hardly varies beside its size (SD {np.std(m):.3g}, values near {m[0]:g}): subtract a round number from it."
        )
    flat = [a for c, a in enumerate(s.arms) if np.ptp(m[s.arm == c]) <= _EXACT * spread]
    if len(flat) == len(s.arms):
        raise NotIdentifiedError(
            f"the mediator '{mediator}' is told exactly by the arm ({s.arms[0]!r}: {m[s.arm == 0][0]:g}, {s.arms[1]!r}: {m[s.arm == 1][0]:g}): its effect cannot be "
            "told apart from the arm's. A mediator varies within arms; taking part in the programme is take-up (tk.cace)."
        )
    if flat:
        raise NotIdentifiedError(
            f"the mediator '{mediator}' is the same for everyone in arm {shown(flat)}: its slope there is unknown. If only one arm could have it, it is take-up of "
            "the programme (tk.cace), not a mediator."
        )
    if len(m) > 2 and abs(float(np.corrcoef(m, s.y)[0, 1])) > 1 - _EXACT:
        raise NotIdentifiedError(f"the mediator '{mediator}' is a copy of the outcome '{s.outcome}': take a measure of its own.")


def _constant_in_groups(values: FloatArray, group: IntArray) -> bool:
    order = np.argsort(group, kind="stable")
    v, g = values[order], group[order]
    same = g[1:] == g[:-1]
    return bool(same.any() and len(np.unique(g)) > 1 and (v[1:][same] == v[:-1][same]).all() and np.ptp(v) > 0)


def baseline_notes(outcome: str, mediator: str, adjust: tuple[str, ...], given: tuple[str | None, str | None]) -> list[Note]:
    """A request for the mediator and outcome at baseline, where neither is among what is adjusted for."""
    absent = [
        what
        for what, name, named in (("mediator", mediator, given[0]), ("outcome", outcome, given[1]))
        if named is None and not any(_stem(a) == _stem(name) for a in adjust)
    ]
    if not absent:
        return []
    return [
        Note(
            "baseline_not_adjusted",
            f"the {' and the '.join(absent)} at baseline {'is' if len(absent) == 1 else 'are'} not among the covariates: were {'it' if len(absent) == 1 else 'they'} "
            "measured, adjust for them (mediator_baseline=, outcome_baseline=). People who stood higher before also stand higher after on both, which would "
            "count as an effect through the mediator.",
        )
    ]


def _stem(name: str) -> str:
    """The name without its wave: y0 and y1, depress1 and depress2 are the same thing."""
    return re.sub(r"(pre|post|baseline|base|bl|wave|obs|follow_?up)|[\d_.\s]|(?<=_)[tw](?=\d)", "", name.casefold())
