"""ANCOVA of respondents weighted by the inverse of their estimated probability of responding.

The effect on everyone randomized when, given the arm and the named baseline columns, responding does not depend on the outcome (missing at random). The
probabilities come from one logistic regression of responding on the arm and the columns (without `response_weights` those of adjust), over everyone randomized; an arm without losses has probability 1.
Standard errors stack both regressions (inference/attrition/response.py): an empirical sandwich with the residual df for people alone, CR2 of the first-order
values with df under the grouped working covariance for groups, by cluster for clusters. Losses of whole groups are not mended by weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import CombinationError, NotIdentifiedError, UsageError, shown
from trialkit.estimate.analysis import Analysis, Contrast
from trialkit.estimate.averages import estimand_name
from trialkit.estimate.covariates import covariates
from trialkit.estimate.itt_result import IttResult
from trialkit.estimate.linear.ancova import design_columns, strata_rule
from trialkit.estimate.request import Request, arm_pairs
from trialkit.estimate.response.value_errors import check_units, error_of_values
from trialkit.estimate.sample import Sample, sample
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.inference.attrition.response import ResponseWeighted, response_weighted
from trialkit.printed import counted_people
from trialkit.results import Note
from trialkit.trial import Trial

SMALL = 0.05


@dataclass(frozen=True)
class ResponseWeightedResult(IttResult):
    """An effect from weighted respondents.

    Attributes
    ----------
    std_error_fixed : standard error of the first row with the weights taken as known.
    response : coefficients of the response model, a row a term.
    effective_n : respondents that an unweighted mean would need, (sum w)^2 / sum w^2.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 100, "y0": rng.normal(size=200)})
    >>> d["y1"] = (d["y0"] + rng.normal(size=200)).where(rng.random(200) < 0.8)
    >>> found = tk.itt(tk.Trial(d, arm="arm", control="solo"), "y1", adjust=["y0"], response_weights=["y0"])
    >>> found.response["term"].tolist()
    ['constant', 'arm peer', 'y0']
    """

    kind = "response_weighted"

    @property
    def std_error_fixed(self) -> float:
        return float(self.details["std_error_fixed"][0])

    @property
    def response(self) -> pd.DataFrame:
        return pd.DataFrame(self.details["response"])

    @property
    def effective_n(self) -> float:
        return float(self.details["effective_n"])


def run(trial: Trial, request: Request) -> Analysis:
    """The weighted ANCOVA of a request."""
    names = _columns(trial, request)
    if request.average != "participant":
        raise CombinationError("response_weights= goes with average='participant': the weights stand for people, not for groups.")
    adjust = tuple(a for a in request.adjust if a not in trial.strata)
    respondents = sample(trial, request.outcome, adjust, request.covariate_missing)
    everyone, observed = _everyone(trial, request, adjust)
    rule, unequal = strata_rule(trial, request)
    notes = check_units(everyone, observed)
    X = design_columns(trial, everyone, rule, notes, unequal)[0]
    Z, response_terms, said = _response_columns(trial, everyone, names)
    notes += said
    complete = [a for a in range(len(trial.arms)) if observed[everyone.arm == a].all()]
    certain = np.isin(everyone.arm, complete)
    found = _fitted(everyone, observed, X, Z, certain, request, names)
    notes += _notes(trial, everyone, observed, found, complete, names)
    contrasts, fixed, influence = [], [], []
    for arm, reference in arm_pairs(len(trial.arms), request.contrasts):
        vector = np.zeros(X.shape[1])
        vector[arm] = 1.0
        if reference:
            vector[reference] = -1.0
        if np.isnan(found.coef[vector != 0]).any():
            raise NotIdentifiedError(
                f"the effect of arm {trial.arms[arm]!r} cannot be told apart from the covariates among respondents: leave some out."
            )
        values = found.values @ vector
        std_error, df, failed = _error(everyone, values, found.df_resid)
        notes += failed
        known, _, _ = _error(everyone, found.values_fixed @ vector, found.df_resid)
        contrasts.append(Contrast(arm, reference, float(found.coef[vector != 0] @ vector[vector != 0]), std_error, df))
        fixed.append(known)
        influence.append(_of_respondents(everyone, observed, values, std_error))
    weight = np.where(observed, 1 / found.probability, 0.0) * (1.0 if everyone.weights is None else everyone.weights)
    details = {
        "std_error_fixed": fixed, "effective_n": float(weight.sum() ** 2 / (weight**2).sum()), "response_weights": list(names),
        "response": [{"term": t, "coefficient": float(c)} for t, c in zip(response_terms, found.response)],
        "probability": {"least": float(found.probability[observed].min()), "greatest": float(found.probability[observed].max())},
    }  # fmt: skip
    method = "ANCOVA" if respondents.X.shape[1] or trial.strata else "least squares without covariates"
    clustered = everyone.clustered
    cov = ("CR2" if clustered else "sandwich") + " of the response and the outcome model"
    return Analysis(
        respondents, tuple(contrasts), estimand_name("participant"), f"{method}, respondents weighted by 1/probability of responding", cov,
        tuple(dict.fromkeys(notes)), details, influence=tuple(influence), result=ResponseWeightedResult,
    )  # fmt: skip


def _columns(trial: Trial, request: Request) -> tuple[str, ...]:
    given: Any = request.options.get("response_weights", request.adjust)
    if isinstance(given, str) or not isinstance(given, Sequence):
        example = f"['{given}']" if isinstance(given, str) else "['y0', 'age']"
        raise UsageError(
            f"response_weights takes the baseline columns of the response model, as in response_weights={example}; the arm is always in it."
        )
    names = tuple(given)
    taken = {
        trial.arm: "the arm, which is always in it",
        request.outcome: "the outcome",
        trial.unit: "the identifier",
        trial.group: "the group",
    }
    for name in names:
        if name is not None and name in taken:
            raise UsageError(f"response_weights holds '{name}', which is {taken[name]}: name baseline columns.")
    return names


def _everyone(trial: Trial, request: Request, adjust: tuple[str, ...]) -> tuple[Sample, BoolArray]:
    """Everyone randomized, and who of them responded."""
    y = trial.values(request.outcome)
    seen = np.isfinite(y)
    filled = trial.with_columns({request.outcome: np.where(seen, y, y[seen].mean())})
    everyone = sample(filled, request.outcome, adjust, request.covariate_missing)
    return everyone, seen[everyone.rows]


def _response_columns(trial: Trial, s: Sample, names: tuple[str, ...]) -> tuple[FloatArray, list[str], list[Note]]:
    x = covariates(trial, names, "impute")
    arms = s.arm_indicators
    columns = np.column_stack([np.ones(s.n), arms, x.columns[s.rows]])
    return columns, ["constant", *(f"arm {a}" for a in s.arms[1:]), *x.names], list(x.notes)


def _fitted(
    s: Sample, observed: BoolArray, X: FloatArray, Z: FloatArray, certain: BoolArray, request: Request, names: tuple[str, ...]
) -> ResponseWeighted:
    try:
        return response_weighted(y=s.y, observed=observed, X=X, Z=Z, certain=certain, weights=s.weights)
    except ValueError as error:
        raise NotIdentifiedError(
            f"{shown(names)} tell exactly that some people have no '{request.outcome}': their probability of responding is 0, so nobody can stand for them. "
            "Leave out or merge the columns and levels in which nobody responds, or use tk.selection.lee_bounds."
        ) from error


def _error(s: Sample, values: FloatArray, df_resid: int) -> tuple[float, float, list[Note]]:
    if not s.clustered:
        return math.sqrt(float((values**2).sum())), float(df_resid), []
    return error_of_values(s, values)


def _of_respondents(s: Sample, observed: BoolArray, values: FloatArray, std_error: float) -> FloatArray:
    """Values of respondents alone, scaled so that the squares of their sums over units make the variance: what joint tests correlate."""
    own = values[observed]
    sums = np.bincount(s.unit_of_variance[observed], weights=own)
    return own * (std_error / math.sqrt(float(sums @ sums)))


def _notes(
    trial: Trial, s: Sample, observed: BoolArray, found: ResponseWeighted, complete: list[int], names: tuple[str, ...]
) -> list[Note]:
    notes = [
        Note(
            "missing_at_random",
            f"respondents stand for those lost with the same arm and {shown(names, 8) if names else 'no other trait'}: the effect is that on everyone "
            "randomized if nothing else links responding to the outcome.",
        )
    ]
    if complete and len(complete) < len(trial.arms):
        notes.append(
            Note(
                "arm_complete",
                f"nobody is lost in {shown([trial.arms[a] for a in complete])}: its people count 1 and are not in the response model.",
            )
        )
    if len(complete) == len(trial.arms):
        notes.append(Note("nobody_lost", "nobody is lost: all weights are 1."))
    told = found.certain & ~np.isin(s.arm, complete)
    if told.any():
        notes.append(
            Note("certain_response", counted_people(int(told.sum()), "lie in levels in which everyone responds: they count 1."))
        )
    least = float(found.probability[observed].min())
    if least < SMALL:
        notes.append(
            Note(
                "extreme_weights",
                f"the least probability of responding is {least:.3f}, a weight of {1 / least:.0f}: a few people carry the estimate. Read it beside the bounds.",
            )
        )
    return notes
