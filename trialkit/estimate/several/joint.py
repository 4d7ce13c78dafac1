"""Tests of several coefficients at once: joint tests of terms, and Dunnett's correction for several arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from trialkit.errors import CombinationError, EstimationError, UsageError, nearest, shown
from trialkit.estimate.arm_effects import ArmEffects
from trialkit.estimate.linear.linear_model import LinearModel
from trialkit.inference.arrays import FloatArray
from trialkit.inference.linear.wald import WaldTest, htz
from trialkit.inference.several.dunnett import dunnett_p

R = TypeVar("R", bound=ArmEffects)


def joint_test(result: ArmEffects, terms: Sequence[str]) -> WaldTest:
    """Test that terms of the regression are zero together.

    With CR2 and CR3 the approximate Hotelling test of Pustejovsky & Tipton (2018), under the working covariance where groups
    exist in one arm; with other covariances the F test on their df.

    Parameters
    ----------
    terms : names of covariates (a category stands for all its levels) or of arms.

    Returns
    -------
    WaldTest
        .statistic .df_num .df_denom .p_value
    """
    if isinstance(terms, str):
        raise UsageError(f"terms is a list: write joint_test(['{terms}']).")
    model = fitted(result)
    columns = [j for term in terms for j in term_columns(model, term)]
    if not columns:
        raise UsageError("name at least one term to test.")
    left_out = [model.names[j] for j in columns if model.fit.collinear[j]]
    if left_out:
        raise EstimationError(f"{shown(left_out)} was left out as a combination of other terms, so it cannot be tested.")
    position = {int(k): i for i, k in enumerate(model.fit.kept)}
    contrasts = np.zeros((len(columns), len(model.fit.kept)))
    for row, j in enumerate(columns):
        contrasts[row, position[j]] = 1.0
    return htz(model.fit, model.cov, contrasts, working=model.working)


def fitted(result: ArmEffects) -> LinearModel:
    """The regression behind a result of this session."""
    if result.evidence is None:
        raise UsageError("this result was read from a file and holds no fitted model: run the analysis again.")
    if result.evidence.model is None:
        raise CombinationError(
            f"estimator='{result.details.get('estimator')}' has no regression behind it here: use estimator='ancova' or 'lin'."
        )
    return result.evidence.model


def term_columns(model: LinearModel, term: str) -> list[int]:
    """Columns of a term: an arm, a covariate, or all levels of a category."""
    found = [j for j, name in enumerate(model.names) if name in (term, f"arm {term}") or name.startswith(f"{term}: ")]
    if not found:
        near = nearest(term, model.names)
        raise UsageError(
            f"there is no term '{term}' in the regression; there are {shown(model.names[1:], 12)}.{f' Did you mean {near!r}?' if near else ''}"
        )
    return found


def dunnett_corrected(result: R) -> R:
    """`p_adjusted` of several arms against control by the joint t distribution of their contrasts.

    The correlation is that of the estimated contrasts; each keeps its own df. Source: Dunnett (1955).
    """
    model = fitted(result)
    assert result.evidence is not None
    if any(reference for _, reference in result.details["contrasts"]):
        raise CombinationError("correction='dunnett' is for arms against control: use contrasts='control'.")
    correlation = _correlation(model, result.evidence.vectors)
    statistics = np.array([e.statistic for e in result.estimates])
    try:
        p = dunnett_p(statistics, correlation, [e.df for e in result.estimates])
    except ValueError as error:
        raise EstimationError(
            f"Dunnett's correction does not exist here: {error}. Use tk.family([...], correction='holm')."
        ) from error
    rows = tuple(replace(e, extra={**e.extra, "p_adjusted": float(value)}) for e, value in zip(result.estimates, np.asarray(p)))
    return replace(result, estimates=rows)


def _correlation(model: LinearModel, vectors: Sequence[FloatArray]) -> FloatArray:
    C = np.array([v[model.fit.kept] for v in vectors])
    V = C @ model.cov.matrix @ C.T
    scale = np.sqrt(np.diag(V))
    return np.asarray(V / np.outer(scale, scale), dtype=float)
