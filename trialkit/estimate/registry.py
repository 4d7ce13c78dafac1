"""Which estimators exist, with which measures, covariances and degrees of freedom: the one table that `itt` looks in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from trialkit.errors import CombinationError, UsageError, nearest, shown
from trialkit.estimate.measures import MEASURES
from trialkit.misuse import explained

if TYPE_CHECKING:
    import pandas as pd

    from trialkit.estimate.analysis import Analysis
    from trialkit.estimate.request import Request
    from trialkit.trial import Trial

Runner = Callable[["Trial", "Request"], "Analysis"]
ROBUST = ("auto", "classical", "HC0", "HC1", "HC2", "HC3", "CR0", "CR1", "CR2", "CR3")


@dataclass(frozen=True, slots=True)
class Estimator:
    """An estimator, the measures it can give, the covariances and df it takes, and its own options. `module:function` runs it.

    `own_contrasts`: it takes weights by arm besides pairs of arms.
    """

    name: str
    title: str
    measures: tuple[str, ...]
    covariances: tuple[str, ...]
    dfs: tuple[str, ...]
    adjusts: bool
    path: str
    options: tuple[str, ...] = ()
    own_contrasts: bool = False

    @property
    def run(self) -> Runner:
        module, function = self.path.split(":")
        runner: Runner = getattr(import_module(module), function)
        return runner


LINEAR = ("mean_difference", "risk_difference")
ESTIMATORS: dict[str, Estimator] = {
    e.name: e
    for e in (
        Estimator("ancova", "ANCOVA (least squares)", LINEAR, ROBUST, ("auto", "independence", "working", "residual"), True, "trialkit.estimate.linear.ancova:run", own_contrasts=True),
        Estimator("response_weighting", "ANCOVA, respondents weighted by 1/probability of responding", LINEAR, ("auto",), ("auto",), True, "trialkit.estimate.response.response_weights:run",
            ("response_weights",)),
        Estimator("lin", "Lin's interacted regression", LINEAR, ROBUST, ("auto", "independence", "working", "residual"), True, "trialkit.estimate.linear.lin:run", own_contrasts=True),
        Estimator(
            "difference_in_means", "difference in means", (*LINEAR, "risk_ratio", "odds_ratio", "mean_ratio"), ("auto", "wald"), ("auto", "independence", "working"), False,
            "trialkit.estimate.outcomes.binary_unadjusted:run",
        ),
        Estimator("horvitz_thompson", "Horvitz-Thompson", LINEAR, ("auto",), ("auto",), False, "trialkit.estimate.linear.horvitz_thompson:run"),
        Estimator("hajek", "Hajek", LINEAR, ("auto",), ("auto",), False, "trialkit.estimate.linear.horvitz_thompson:run_hajek"),
        Estimator("aipw", "augmented IPW, linear working models by arm", LINEAR, ("auto",), ("auto",), True, "trialkit.estimate.linear.aipw:run",
            ("n_folds", "seed", "working_model", "probabilities"), own_contrasts=True),
        Estimator(
            "g_computation", "g-computation from one working model", (*LINEAR, "risk_ratio", "odds_ratio", "mean_ratio"), ("auto", "wald"), ("auto", "independence", "working"), True,
            "trialkit.estimate.outcomes.g_computation:run", ("working_model", "penalty"), own_contrasts=True,
        ),
        Estimator("logit", "logistic regression", ("odds_ratio",), ROBUST, ("auto", "independence", "working", "residual"), True, "trialkit.estimate.outcomes.binary_logit:run", ("penalty",), own_contrasts=True),
        Estimator("poisson", "Poisson quasi-likelihood", ("rate_ratio", "mean_ratio"), ROBUST[:1] + ROBUST[2:], ("auto", "independence", "working", "residual"), True,
            "trialkit.estimate.outcomes.counts:run", ("exposure", "offset"), own_contrasts=True),
        Estimator("exact", "exact tests of two proportions", ("risk_difference", "risk_ratio", "odds_ratio"), ("auto",), ("auto",), False, "trialkit.estimate.outcomes.binary_exact:run", ("interval",)),
        Estimator("mixed", "linear mixed model (REML)", ("mean_difference",), ("auto",), ("auto", "satterthwaite", "kenward_roger"), True,
            "trialkit.estimate.mixed.mixed:run", ("residual_by_arm", "random_by_arm", "random"), own_contrasts=True),
        Estimator("win_odds", "win odds", ("win_odds",), ("auto",), ("auto", "independence", "working"), True, "trialkit.estimate.outcomes.win_odds:run"),
        Estimator("quantile", "difference in quantiles, quantile regression", ("quantile",), ("auto",), ("auto", "independence", "working"), True,
            "trialkit.estimate.outcomes.quantile:run", ("q", "interval", "n_draws", "seed")),
        Estimator("proportional_odds", "proportional-odds logit", ("proportional_odds",), ("auto", "classical", "HC0", "CR2"), ("auto", "independence", "working"), True,
            "trialkit.estimate.outcomes.proportional_odds:run"),
        Estimator("cox", "Cox regression", ("hazard_ratio",), ("auto", "classical", "HC0", "HC2", "CR0", "CR2"), ("auto", "independence", "working", "residual"), True,
            "trialkit.estimate.survival.cox:run", ("ties",)),
        Estimator("rmst", "restricted mean time, pseudo-values", ("rmst_difference", "rmst_ratio"), (*ROBUST, "greenwood"), ("auto", "independence", "working", "residual"), True,
            "trialkit.estimate.survival.restricted:run", ("tau",), own_contrasts=True),
        Estimator("aalen_johansen", "shares and time lost with other exits, pseudo-values", ("cumulative_incidence_difference", "rmtl_difference"), (*ROBUST, "greenwood"),
            ("auto", "independence", "working", "residual"), True, "trialkit.estimate.survival.restricted:run", ("tau",), own_contrasts=True),
    )
}  # fmt: skip


@explained
def combinations() -> pd.DataFrame:
    """Every estimator x measure that exists, with the covariances and degrees of freedom each takes.

    Examples
    --------
    >>> import trialkit as tk
    >>> tk.combinations().query("measure == 'odds_ratio'")["estimator"].tolist()
    ['difference_in_means', 'g_computation', 'logit', 'exact']
    """
    import pandas as pd

    rows = [
        {"estimator": e.name, "measure": m, "covariance": ", ".join(e.covariances), "df": ", ".join(e.dfs), "adjust": e.adjusts}
        for e in ESTIMATORS.values()
        for m in e.measures
    ]
    return pd.DataFrame(rows)


def default_estimator(measure: str) -> str:
    """The estimator of a measure when none is named."""
    return MEASURES[measure].estimator if measure in MEASURES else "ancova"


def check_options(found: Estimator, options: Iterable[str], arguments: Iterable[str]) -> None:
    """The options are the estimator's own; `arguments` are those of the function called, for a near name."""
    unknown = [o for o in options if o not in found.options]
    if unknown:
        near = nearest(unknown[0], (*found.options, *arguments))
        raise UsageError(f"estimator='{found.name}' has no option {shown(unknown)}.{f' Did you mean {near!r}?' if near else ''}")


def check_contrasts(found: Estimator, contrasts: object) -> None:
    """Contrasts of one's own go with estimators that take them."""
    if not isinstance(contrasts, str) and not found.own_contrasts:
        able = [e.name for e in ESTIMATORS.values() if e.own_contrasts]
        raise CombinationError(f"contrasts of your own go with estimator={shown(able)}, not with '{found.name}'.")


def find(estimator: str, measure: str, covariance: str, df: str) -> Estimator:
    """The estimator for a request, or an error that names the nearest request that exists."""
    if estimator not in ESTIMATORS:
        near = nearest(estimator, ESTIMATORS)
        raise CombinationError(
            f"there is no estimator '{estimator}'; there are {shown(ESTIMATORS, 20)}.{f' Did you mean {near!r}?' if near else ''}"
        )
    found = ESTIMATORS[estimator]
    if measure not in found.measures:
        able = [e.name for e in ESTIMATORS.values() if measure in e.measures]
        if able:
            raise CombinationError(f"estimator='{estimator}' does not give measure='{measure}': use estimator={shown(able)}.")
        known = {m for e in ESTIMATORS.values() for m in e.measures}
        near = nearest(measure, known)
        raise CombinationError(
            f"there is no measure '{measure}' for any estimator; there are {shown(sorted(known), 20)}.{f' Did you mean {near!r}?' if near else ''}"
        )
    for what, value, allowed in (("covariance", covariance, found.covariances), ("df", df, found.dfs)):
        if value not in allowed:
            near = nearest(value, allowed)
            raise CombinationError(
                f"estimator='{estimator}' does not take {what}='{value}': it takes {shown(allowed, 20)}.{f' Did you mean {near!r}?' if near else ''}"
            )
    return found
