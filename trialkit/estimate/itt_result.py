"""The result of `itt`: rows, what the arms looked like, and effect sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from trialkit.estimate.effect_sizes.effect_size import standardize
from trialkit.estimate.equivalence import WithMargins
from trialkit.estimate.linear.linear_model import LinearModel
from trialkit.estimate.measures import is_ratio
from trialkit.estimate.request import Request
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import TTest, t_test
from trialkit.inference.linear.wald import WaldTest
from trialkit.results import Estimate, Note, Result
from trialkit.trial import Trial

EffectSizeKind = Literal[
    "hedges_g", "cohens_d", "dppc2", "cohens_h", "cox_d", "logit_d", "cliffs_delta", "common_language", "percentile_improvement"
]


@dataclass(frozen=True, slots=True)
class Contrast:
    """A difference between two arms (codes), before it becomes a row; a contrast of one's own has a label and the codes -1.

    `test` holds the p-value and the interval where they do not come from a t distribution (exact tests), on the scale of the estimate.
    """

    arm: int
    reference: int
    estimate: float
    std_error: float
    df: float
    label: str = ""
    test: TTest | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """What an estimator hands back to `itt`.

    Attributes
    ----------
    contrasts : of a ratio on the log scale.
    model, vectors : the regression and the contrast of each row, where there is one.
    influence : without a regression, per row of the result (n,) values of the people analysed whose sum over independent units,
        squared and summed, is the variance of the contrast; what `family` draws signs on.
    result : the class of the result, for estimators that carry more than rows.
    """

    sample: Sample
    contrasts: tuple[Contrast, ...]
    estimand: str
    method: str
    covariance: str
    notes: tuple[Note, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    model: LinearModel | None = None
    vectors: tuple[FloatArray, ...] = ()
    influence: tuple[FloatArray, ...] = ()
    result: type[IttResult] | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What stands behind a result while the session lasts: the trial, the people, and the model or influence values of each row."""

    trial: Trial
    sample: Sample
    model: LinearModel | None
    vectors: tuple[FloatArray, ...]
    influence: tuple[FloatArray, ...]


@dataclass(frozen=True)
class IttResult(WithMargins):
    """Intention-to-treat effects of one outcome.

    `.by_arm` holds the raw (unadjusted) summaries; `.standardized()` the effect size with an interval that respects groups;
    `.joint_test()` tests several terms at once; `.equivalence` and `.noninferiority` hold the tests against margins that were given.
    """

    evidence: Evidence | None = field(default=None, compare=False, repr=False)

    kind = "itt"

    @property
    def by_arm(self) -> pd.DataFrame:
        """Raw n, mean and SD per arm, indexed by the arm's label; n_randomized counts everyone assigned."""
        return pd.DataFrame(self.details["arms"]).set_index("arm")

    @property
    def variance_parts(self) -> dict[str, float]:
        """Standard errors of the big and the small blocks of a hybrid design."""
        return dict(self.details.get("variance_parts", {}))

    def standardized(
        self,
        kind: EffectSizeKind = "hedges_g",
        *,
        standardizer: Literal["auto", "pooled", "control"] | float = "auto",
        interval: Literal["t", "noncentral"] = "t",
        baseline: str | None = None,
        icc: float | None = None,
    ) -> Result:
        """Effect size of each row.

        'hedges_g' and 'cohens_d' are described in `trialkit.estimate.effect_sizes.effect_size.standardize`; the other kinds, and 'hedges_g' with
        a given `icc` (Hedges 2007), in `trialkit.estimate.effect_sizes.effect_sizes_more`. `baseline` is for 'dppc2'.
        """
        if kind not in ("hedges_g", "cohens_d") or icc is not None:
            from trialkit.estimate.effect_sizes.effect_sizes_more import standardize_more

            trial = None if self.evidence is None else self.evidence.trial
            return standardize_more(self, kind, trial=trial, baseline=baseline, icc=icc)
        return standardize(self, kind, standardizer=standardizer, interval=interval)

    def number_needed_to_treat(self) -> Result:
        """People to assign for one more with the outcome, with its set when the interval covers zero."""
        from trialkit.estimate.effect_sizes.effect_sizes_more import number_needed_to_treat

        return number_needed_to_treat(self)

    def joint_test(self, terms: Sequence[str]) -> WaldTest:
        """Test that several terms of the regression are zero together; see `trialkit.estimate.several.joint.joint_test`."""
        from trialkit.estimate.several.joint import joint_test

        return joint_test(self, terms)

    def _title(self) -> str:
        return f"ITT of {self.estimates[0].outcome}"


def itt_result(analysis: Analysis, request: Request, trial: Trial) -> IttResult:
    """Rows and arm summaries from an analysis."""
    sample = analysis.sample
    shown = _ratio if is_ratio(request.measure) else float
    rows = []
    for c in analysis.contrasts:
        test = c.test or t_test(c.estimate, c.std_error, c.df, request.conf_level)
        rows.append(
            Estimate(
                outcome=request.outcome, estimand=analysis.estimand, contrast=c.label or f"{sample.arms[c.arm]} - {sample.arms[c.reference]}",
                estimate=shown(c.estimate), std_error=c.std_error, df=c.df, statistic=test.statistic, p_value=test.p_value,
                conf_low=shown(test.conf_low), conf_high=shown(test.conf_high), conf_level=request.conf_level, n=sample.n,
                n_clusters=sample.n_clusters, n_groups=sample.groups_in(sample.arm >= 0), method=analysis.method, covariance=analysis.covariance,
            )
        )  # fmt: skip
    details = {
        "measure": request.measure, "estimator": request.estimator, "adjust": list(request.adjust), "average": request.average,
        "clustered": sample.clustered, "one_arm_groups": sample.cluster is None and sample.clustered,
        "arms": arm_summaries(sample, trial),
        "contrasts": [[c.arm, c.reference] for c in analysis.contrasts],
    }  # fmt: skip
    notes = tuple(dict.fromkeys((*sample.notes, *analysis.notes)))
    evidence = Evidence(trial, sample, analysis.model, analysis.vectors, analysis.influence)
    return (analysis.result or IttResult)(tuple(rows), notes, details | dict(analysis.details), evidence)


def _ratio(log: float) -> float:
    """exp, infinite where the limit of an interval is beyond every number."""
    return math.exp(log) if not log > 700 else math.inf


def arm_summaries(sample: Sample, trial: Trial) -> list[dict[str, Any]]:
    """Raw summaries by arm, control first."""
    out = []
    for code, label in enumerate(sample.arms):
        inside = sample.arm == code
        y = sample.y[inside]
        out.append(
            {
                "arm": label, "n_randomized": int((trial.arm_codes == code).sum()), "n": int(inside.sum()), "mean": float(y.mean()), "sd": float(y.std(ddof=1)),
                "n_groups": sample.groups_in(inside), "n_clusters": len(set(sample.unit_of_variance[inside].tolist())),
            }
        )  # fmt: skip
    return out
