"""Effects between arms with what stands behind them: what tests and effect sizes of a result take; users hold an `IttResult`."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from trialkit.estimate.linear.linear_model import LinearModel
from trialkit.estimate.margins.equivalence import WithMargins
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray
from trialkit.trial import Trial


@dataclass(frozen=True, slots=True)
class Evidence:
    """What stands behind a result while the session lasts: the trial, the people, and the model or influence values of each row."""

    trial: Trial
    sample: Sample
    model: LinearModel | None
    vectors: tuple[FloatArray, ...]
    influence: tuple[FloatArray, ...]


@dataclass(frozen=True)
class ArmEffects(WithMargins):
    """Effects of one outcome, one contrast a row, with the raw summaries of the arms."""

    evidence: Evidence | None = field(default=None, compare=False, repr=False)

    @property
    def by_arm(self) -> pd.DataFrame:
        """Raw n, mean and SD per arm, indexed by the arm's label; n_randomized counts everyone assigned."""
        return pd.DataFrame(self.details["arms"]).set_index("arm")

    @property
    def variance_parts(self) -> dict[str, float]:
        """Standard errors of the big and the small blocks of a hybrid design."""
        return dict(self.details.get("variance_parts", {}))

    def _title(self) -> str:
        return f"ITT of {self.estimates[0].outcome}"
