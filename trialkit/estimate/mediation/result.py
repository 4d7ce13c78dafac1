"""The result of `mediate`: the natural effects, and the analyses that go on from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trialkit.estimate.mediation.benchmark import MediationBenchmarks, benchmark
from trialkit.estimate.mediation.evalues import MediationEValues, evalue
from trialkit.estimate.mediation.evidence import NaturalEffects
from trialkit.estimate.mediation.four_way import FourWayResult, four_way
from trialkit.estimate.mediation.sensitivity import SensitivityResult, sensitivity
from trialkit.estimate.mediation.unreliability import DisattenuatedResult, disattenuated
from trialkit.results import chart_of


class MediationResult(NaturalEffects):
    """Natural direct and indirect effects of the arm on an outcome through a mediator.

    `.tidy()` has the effects by `estimand`; `.effect("acme")` one of them; `.paths` the arm's effect on the mediator, the mediator's slopes and the
    direct and total effect as regressions give them (direct at the mediator's mean); `.interaction` the test of arm x mediator; `.group_slopes` the slope within groups beside
    the pooled one. `.sensitivity()`, `.evalue()` and `.plot()` go on from here.
    """

    kind = "mediation"

    def sensitivity(self, **options: Any) -> SensitivityResult:
        """How strong an unmeasured common cause of mediator and outcome would have to be; see `trialkit.estimate.mediation.sensitivity`."""
        return sensitivity(self, **options)

    def evalue(self, **options: Any) -> MediationEValues:
        """E-values of the effects; see `trialkit.estimate.mediation.evalues`."""
        return evalue(self, **options)

    def four_way(self, **options: Any) -> FourWayResult:
        """The four-way decomposition; see `trialkit.estimate.mediation.four_way`."""
        return four_way(self, **options)

    def benchmark(self, covariates: Sequence[str] | None = None, **options: Any) -> MediationBenchmarks:
        """The ACME with an unmeasured cause as strong as a covariate; see `trialkit.estimate.mediation.benchmark`."""
        return benchmark(self, covariates, **options)

    def disattenuated(self, reliability: float, **options: Any) -> DisattenuatedResult:
        """Effects with the mediator's slope corrected for its unreliability; see `trialkit.estimate.mediation.unreliability`."""
        return disattenuated(self, reliability, **options)

    def plot(self, **options: Any) -> Any:
        """The paths with their numbers, and the effects; see `trialkit.report.figures.mediation_chart`."""
        return chart_of(self, **options)
