"""Attrition: who has no outcome, by arm, overall and the difference between arms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.results import TableResult
from trialkit.trial import Trial


@dataclass(frozen=True)
class AttritionResult(TableResult):
    """Rates by arm. `.overall` and `.differential` (largest difference between an arm and control) are shares."""

    kind = "attrition"

    @property
    def overall(self) -> float:
        return float(self.details["overall"])

    @property
    def differential(self) -> float:
        return float(self.details["differential"])

    def _title(self) -> str:
        return f"Attrition on {self.details['outcome']}"


def attrition(trial: Trial, outcome: str) -> AttritionResult:
    """Share of randomized people without the outcome, by arm.

    Rows hold arm, randomized, lost, rate, difference (from control). The differential is signed: arm minus control.
    """
    lost = ~np.isfinite(trial.values(outcome))
    rates = [float(lost[trial.arm_codes == c].mean()) for c in range(len(trial.arms))]
    rows: list[Mapping[str, Any]] = [
        {
            "arm": label, "randomized": int((trial.arm_codes == c).sum()), "lost": int(lost[trial.arm_codes == c].sum()),
            "rate": rates[c], "difference": rates[c] - rates[0],
        }
        for c, label in enumerate(trial.arms)
    ]  # fmt: skip
    differences = [r - rates[0] for r in rates[1:]]
    details = {"outcome": outcome, "overall": float(lost.mean()), "differential": max(differences, key=abs)}
    return AttritionResult((), (), details, tuple(rows))
