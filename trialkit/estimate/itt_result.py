"""The result of `itt`: rows, what the arms looked like, and the effect sizes and tests that go on from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from trialkit.estimate.analysis import Analysis, estimates, notes_of
from trialkit.estimate.arm_effects import ArmEffects, Evidence
from trialkit.estimate.effect_sizes.analyses import NumberNeeded, number_needed_to_treat, standardize_more
from trialkit.estimate.effect_sizes.effect_size import standardize
from trialkit.estimate.request import Request
from trialkit.estimate.sample import Sample
from trialkit.estimate.several.joint import joint_test
from trialkit.inference.linear.wald import WaldTest
from trialkit.results import Result
from trialkit.trial import Trial

EffectSizeKind = Literal[
    "hedges_g", "cohens_d", "dppc2", "cohens_h", "cox_d", "logit_d", "cliffs_delta", "common_language", "percentile_improvement"
]


class IttResult(ArmEffects):
    """Intention-to-treat effects of one outcome.

    `.by_arm` holds the raw (unadjusted) summaries; `.standardized()` the effect size with an interval that respects groups;
    `.joint_test()` tests several terms at once; `.equivalence` and `.noninferiority` hold the tests against margins that were given.
    """

    kind = "itt"

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
        a given `icc` (Hedges 2007), in `trialkit.estimate.effect_sizes.analyses`. `baseline` is for 'dppc2'.
        """
        if kind not in ("hedges_g", "cohens_d") or icc is not None:
            trial = None if self.evidence is None else self.evidence.trial
            return standardize_more(self, kind, trial=trial, baseline=baseline, icc=icc)
        return standardize(self, kind, standardizer=standardizer, interval=interval)

    def number_needed_to_treat(self) -> NumberNeeded:
        """People to assign for one more with the outcome, with its set when the interval covers zero."""
        return number_needed_to_treat(self)

    def joint_test(self, terms: Sequence[str]) -> WaldTest:
        """Test that several terms of the regression are zero together; see `trialkit.estimate.several.joint.joint_test`."""
        return joint_test(self, terms)


def itt_result(analysis: Analysis, request: Request, trial: Trial) -> IttResult:
    """Rows and arm summaries from an analysis."""
    sample = analysis.sample
    details = {
        "measure": request.measure, "estimator": request.estimator, "adjust": list(request.adjust), "average": request.average,
        "clustered": sample.clustered, "one_arm_groups": sample.cluster is None and sample.clustered,
        "arms": arm_summaries(sample, trial),
        "contrasts": [[c.arm, c.reference] for c in analysis.contrasts],
    }  # fmt: skip
    evidence = Evidence(trial, sample, analysis.model, analysis.vectors, analysis.influence)
    made = analysis.result or IttResult
    return made(estimates(analysis, request), notes_of(analysis), details | dict(analysis.details), evidence)


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
