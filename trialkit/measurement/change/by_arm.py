"""Arms compared on a person's verdict: the package's own estimator, so that groups, clusters, strata and weights count as everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from trialkit.errors import TrialkitError, shown
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.results import Estimate, Note
from trialkit.trial import Trial

Compared = tuple[tuple[Estimate, ...], tuple[Note, ...]]


def difference(
    trial: Trial,
    name: str,
    values: FloatArray,
    *,
    measure: str,
    adjust: Sequence[str],
    conf_level: float,
    column: str = "_change",
) -> Compared:
    """Difference between arms in a column of values (n,), NaN where unknown, named `name` in the rows; a note where there is none.

    With a share of 0 or 1 in some arm the standard error of a difference says nothing: without groups the exact-score interval takes its place, with
    groups no difference is given.
    """
    from trialkit.estimate.itt import itt  # the room above: loaded when arms are compared, not with the scales

    options: dict[str, Any] = {"adjust": tuple(adjust)}
    notes: tuple[Note, ...] = ()
    if measure == "risk_difference":
        flat = _without_spread(trial, values)
        grouped = trial.group is not None or trial.cluster is not None
        if len(flat) == len(trial.arms) and len({s for _, s in flat}) == 1:
            return (), (
                Note(
                    "no_difference",
                    f"{name}: {'nobody' if flat[0][1] == 0 else 'everybody'} in every arm; no difference is estimated.",
                ),
            )
        if flat and grouped:
            return (), (
                Note(
                    "no_difference",
                    f"{name}: nobody or everybody in {shown(a for a, _ in flat)}. With groups the uncertainty of such a share cannot be estimated, "
                    "so no difference is given; the shares stand in the table.",
                ),
            )
        if flat:
            options = {"estimator": "exact"}
            notes = (
                Note(
                    "exact",
                    f"{name}: nobody or everybody in {shown(a for a, _ in flat)}, so the exact-score interval is given, unadjusted.",
                ),
            )
    try:
        found = itt(trial.with_columns({column: values}), column, measure=measure, conf_level=conf_level, **options)
    except TrialkitError as error:
        return (), (Note("no_difference", f"{name}: no difference between arms is given: {_named(str(error), column, name)}"),)
    told = tuple(Note(n.code, _named(n.text, column, name)) for n in found.notes)
    return tuple(replace(e, outcome=name) for e in found.estimates), (*notes, *told)


def _named(text: str, column: str, name: str) -> str:
    return text.replace(f"'{column}'", f"'{name}'").replace(column, name)


def _without_spread(trial: Trial, values: FloatArray) -> list[tuple[Any, float]]:
    weights = weights_of(trial)
    kept = np.isfinite(values) & (weights > 0)
    out = []
    for code, label in enumerate(trial.arms):
        mine = values[kept & (trial.arm_codes == code)]
        if len(mine) and np.ptp(mine) == 0:
            out.append((label, float(mine[0])))
    return out


def weights_of(trial: Trial) -> FloatArray:
    """(n,) sampling weights; ones without."""
    return np.ones(trial.n) if trial.weights is None else trial.values(trial.weights)


def restricted(trial: Trial, keep: BoolArray) -> Trial:
    """The trial of the people in `keep`, who are told apart by what was measured before randomization."""
    if keep.all():
        return trial
    return Trial(
        trial.data[keep],
        arm=trial.arm, control=trial.control, unit=trial.unit, strata=trial.strata, cluster=trial.cluster, group=_group(trial, keep),
        facilitator=trial.facilitator, weights=trial.weights, categorical=trial.categorical, ungrouped="singleton",
    )  # fmt: skip


def _group(trial: Trial, keep: BoolArray) -> str | None:
    """The column of groups while two people of one group are left."""
    left = trial.group_codes[keep]
    left = left[left >= 0]
    return trial.group if len(left) and np.bincount(left).max() > 1 else None


def parts_of(trial: Trial | None, n: int) -> list[tuple[str, BoolArray]]:
    """'everyone' and, with a trial, each arm; people of weight zero are in none."""
    if trial is None:
        return [("everyone", np.ones(n, dtype=bool))]
    counted = weights_of(trial) > 0
    arms = [(str(label), counted & (trial.arm_codes == code)) for code, label in enumerate(trial.arms)]
    return [("everyone", counted), *arms]


def share(flag: BoolArray, inside: BoolArray, weights: FloatArray) -> float:
    """Weighted share of `flag` among `inside`; NaN where nobody is inside."""
    total = weights[inside].sum()
    return float(weights[inside & flag].sum() / total) if total > 0 else float("nan")
