"""The flow of people and groups through the trial, counted from the data so that it reconciles with every analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.misuse import explained
from trialkit.results import TableResult
from trialkit.trial import ALONE, Trial


@dataclass(frozen=True)
class FlowResult(TableResult):
    """One row an arm and stage."""

    kind = "flow"

    def _title(self) -> str:
        return "Flow of people and groups"


@explained
def flow(trial: Trial, outcomes: Sequence[str], *, uptake: str | None = None) -> FlowResult:
    """People, groups and clusters per arm: randomized, took up (with `uptake`, a column of 0 and 1), and with each outcome.

    Rows hold arm, stage ('randomized', 'took_up', 'outcome'), outcome, people, groups, clusters, share (of those randomized),
    and for 'randomized' the smallest, mean and largest group.
    """
    rows: list[Mapping[str, Any]] = []
    for code, label in enumerate(trial.arms):
        inside = trial.arm_codes == code
        rows.append(_row(trial, label, "randomized", "", inside, inside) | _sizes(trial, inside))
        if uptake is not None:
            rows.append(_row(trial, label, "took_up", uptake, inside & (trial.values(uptake) > 0), inside))
        for name in outcomes:
            rows.append(_row(trial, label, "outcome", name, inside & np.isfinite(trial.values(name)), inside))
    return FlowResult((), (), {"people": trial.n, "groups": trial.n_groups}, tuple(rows))


def _row(trial: Trial, label: object, stage: str, outcome: str, who: Any, inside: Any) -> dict[str, Any]:
    groups = trial.group_codes[who & (trial.group_codes != ALONE)]
    clusters = len(np.unique(trial.codes(trial.cluster)[who])) if trial.cluster else 0
    return {
        "arm": label, "stage": stage, "outcome": outcome, "people": int(who.sum()), "groups": len(np.unique(groups)),
        "clusters": clusters, "share": float(who.sum() / inside.sum()),
    }  # fmt: skip


def _sizes(trial: Trial, inside: Any) -> dict[str, Any]:
    groups = trial.group_codes[inside & (trial.group_codes != ALONE)]
    if not len(groups):
        return {}
    _, sizes = np.unique(groups, return_counts=True)
    return {"group_size_min": int(sizes.min()), "group_size_mean": float(sizes.mean()), "group_size_max": int(sizes.max())}
