"""What stands behind a mediation analysis: the models, the people and the natural effects, for everything that goes on from them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

import pandas as pd

from trialkit.errors import UsageError, nearest
from trialkit.estimate.mediation.models import Regression
from trialkit.estimate.outcome import Time
from trialkit.estimate.request import checked_level
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.results import Estimate, Result
from trialkit.trial import Trial


@dataclass(frozen=True, slots=True)
class MediationEvidence:
    """What stands behind a mediation analysis while the session lasts; rows are the n people analysed.

    Attributes
    ----------
    trial, sample : the trial and its people analysed; of a trial with several arms only the two compared (sample.arm is 0 and 1).
    outcome, mediator, measure, interaction : what was asked. adjust : columns adjusted for. seed : of the draws.
    y, m, t : (n,) outcome (of a `Time` its time), mediator, arm 0 or 1. X : (n, k) covariates and strata without a constant, named by `terms`.
    unit : (n,) codes of independent units (groups, clusters, people alone). weights : (n,) or None.
    mediator_model : of design [constant, arm, X]. outcome_model : of design [constant, arm, X, mediator, arm x mediator], the last with interaction only.
    joint_vcov : (K_M + K_Y, K_M + K_Y) covariance of the coefficients of both models, mediator first.
    draws : (B, 8) effects of each draw in the order of `trialkit.inference.mediation.effects.EFFECTS`, ratios as logs; None with the delta method.
    """

    trial: Trial
    sample: Sample
    outcome: str | Time
    mediator: str
    measure: str
    interaction: bool
    adjust: tuple[str, ...]
    seed: int | None
    y: FloatArray
    m: FloatArray
    t: FloatArray
    X: FloatArray
    terms: tuple[str, ...]
    unit: IntArray
    weights: FloatArray | None
    mediator_model: Regression
    outcome_model: Regression
    joint_vcov: FloatArray
    draws: FloatArray | None

    @property
    def mediator_residuals(self) -> FloatArray:
        return self.mediator_model.residuals

    @property
    def outcome_residuals(self) -> FloatArray:
        return self.outcome_model.residuals

    @property
    def mediator_vcov(self) -> FloatArray:
        return self.mediator_model.vcov

    @property
    def outcome_vcov(self) -> FloatArray:
        return self.outcome_model.vcov

    @property
    def linear(self) -> bool:
        """Whether both models are linear."""
        return self.mediator_model.kind == self.outcome_model.kind == "linear"


@dataclass(frozen=True)
class NaturalEffects(Result):
    """Natural direct and indirect effects with their evidence: what the analyses after `mediate` take; users hold a `MediationResult`."""

    evidence: MediationEvidence | None = field(default=None, compare=False, repr=False)

    def effect(self, name: str) -> Estimate:
        """The row of one effect: 'acme', 'ade', 'total', 'acme_control', ..."""
        rows = {e.estimand: e for e in self.estimates}
        if name not in rows:
            near = nearest(name, rows)
            raise UsageError(
                f"there is no effect {name!r} here: they are {', '.join(rows)}.{f' Did you mean {near!r}?' if near else ''}"
            )
        return rows[name]

    @property
    def paths(self) -> pd.DataFrame:
        """Rows by path with estimate, std_error, df, statistic and p_value: a, b (or b_control and b_treated), interaction, direct, total."""
        return pd.DataFrame(self.details["paths"]).set_index("path")

    @property
    def interaction(self) -> dict[str, float]:
        """Estimate, std_error, df, statistic and p_value of arm x mediator; empty without the interaction."""
        return dict(self.details.get("interaction") or {})

    @property
    def group_slopes(self) -> pd.DataFrame:
        """The mediator's slope in the grouped arm: pooled, within and between groups; empty without groups."""
        return pd.DataFrame(self.details.get("group_slopes") or [], columns=["slope", "estimate", "std_error", "df", "p_value"])

    def withheld(self) -> bool:
        """Whether a report leaves the proportion out: the interval of the total effect covers no effect."""
        total = self.effect("total")
        null = 1.0 if self.details.get("ratio") else 0.0
        return not (total.conf_low > null or total.conf_high < null)

    def level(self, conf_level: float | None) -> float:
        """The level of intervals that was asked for, by default that of the result."""
        return checked_level(self.estimates[0].conf_level if conf_level is None else conf_level)

    def needed(self) -> MediationEvidence:
        """The evidence, or an error where the result was read back from a file."""
        if self.evidence is None:
            raise UsageError(
                "this result was read from a file, which does not keep the data: run tk.mediate(...) again for this step."
            )
        return self.evidence

    def _title(self) -> str:
        return f"Mediation of {self.estimates[0].outcome} through {self.details['mediator']}"


def arms_text(arms: tuple[Hashable, ...]) -> str:
    return f"{arms[1]} - {arms[0]}"
