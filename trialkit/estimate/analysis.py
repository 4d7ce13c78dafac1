"""What an estimator hands back, and the rows that it becomes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trialkit.estimate.linear.linear_model import LinearModel
from trialkit.estimate.measures import is_ratio
from trialkit.estimate.request import Request
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import TTest, t_test
from trialkit.results import Estimate, Note

if TYPE_CHECKING:
    from trialkit.estimate.itt_result import IttResult


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


def estimates(analysis: Analysis, request: Request) -> tuple[Estimate, ...]:
    """A row a contrast; of a ratio the ratio."""
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
    return tuple(rows)


def notes_of(analysis: Analysis) -> tuple[Note, ...]:
    """The notes on the sample and those of the estimator, each once."""
    return tuple(dict.fromkeys((*analysis.sample.notes, *analysis.notes)))


def _ratio(log: float) -> float:
    """exp, infinite where the limit of an interval is beyond every number."""
    return math.exp(log) if not log > 700 else math.inf
