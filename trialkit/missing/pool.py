"""Pool the estimates of several completed data sets."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from trialkit.errors import DataError, UsageError
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_test
from trialkit.inference.imputation.rubin import RubinPooled, rubin
from trialkit.missing.pooled_result import PooledResult
from trialkit.misuse import explained
from trialkit.results import Estimate, Note


@explained
def pool(
    estimates: Sequence[float],
    variances: Sequence[float],
    *,
    df: float,
    conf_level: float = 0.95,
    outcome: str = "pooled",
    contrast: str = "",
) -> PooledResult:
    """Pool the estimates of M completed data sets by Rubin's rules.

    Parameters
    ----------
    estimates : one a completed data set, on a scale where they are about normal: ratios as logs.
    variances : their squared standard errors.
    df : degrees of freedom that the estimate would have with complete data, those of the contrast itself: with groups the Satterthwaite
        df of the analysis, not the number of people less the number of coefficients. `math.inf` for a normal test.
    conf_level : of the interval.
    outcome, contrast : names for the row.

    Returns
    -------
    PooledResult
        `.estimate .std_error .df .conf_low .conf_high .p_value`, and `.within .between .riv .fmi`.

    Raises
    ------
    DataError
        Missing numbers, variances below zero, lists of different lengths, fewer than two estimates, df that is not positive.

    References
    ----------
    Rubin (1987); Barnard & Rubin (1999), Biometrika 86, 948-955.

    Examples
    --------
    >>> import trialkit as tk
    >>> found = tk.missing.pool([0.31, 0.28, 0.36, 0.33, 0.30], [0.010, 0.011, 0.0095, 0.0102, 0.0105], df=116)
    >>> round(found.estimate, 3), round(found.df, 1), round(found.fmi, 3)
    (0.316, 82.4, 0.119)
    """
    q, u = _numbers(estimates, "estimates"), _numbers(variances, "variances")
    if len(q) != len(u):
        raise DataError(f"there are {len(q)} estimates and {len(u)} variances: give a variance for each estimate.")
    if len(q) < 2:
        raise DataError("pooling needs the estimates of two completed data sets at least.")
    if (u < 0).any():
        raise DataError(f"variance {int(np.flatnonzero(u < 0)[0]) + 1} is negative: give squared standard errors.")
    if not df > 0:
        raise DataError(f"df={df!r} is not a number of degrees of freedom: give the df of the contrast in a completed data set.")
    if not 0 < conf_level < 1:
        raise UsageError(f"conf_level={conf_level!r} must lie between 0 and 1.")
    pooled = rubin(estimates=q[:, None], variances=u[:, None], df=np.array([float(df)]))
    test = t_test(float(pooled.estimate[0]), math.sqrt(pooled.variance[0]), float(pooled.df[0]), conf_level)
    row = Estimate(
        outcome=outcome, estimand="as in each completed data set", contrast=contrast, estimate=float(pooled.estimate[0]),
        std_error=math.sqrt(pooled.variance[0]), df=float(pooled.df[0]), statistic=test.statistic, p_value=test.p_value,
        conf_low=test.conf_low, conf_high=test.conf_high, conf_level=conf_level, n=0, n_clusters=0, n_groups=0,
        method=f"Rubin's rules, {len(q)} imputations", covariance="within + between imputations",
        extra=pooled_extra(pooled, 0, float(df), len(q)),
    )  # fmt: skip
    return PooledResult((row,), pooled_notes(pooled, len(q)), {"n_imputations": len(q)})


def pooled_extra(pooled: RubinPooled, row: int, df: float, m: int) -> dict[str, float]:
    """Columns of a pooled row beyond the usual ones."""
    return {
        "within": float(pooled.within[row]), "between": float(pooled.between[row]), "riv": float(pooled.riv[row]),
        "fmi": float(pooled.fmi[row]), "df_complete": df, "mc_error": float(pooled.mc_error[row]), "n_imputations": m,
    }  # fmt: skip


def pooled_notes(pooled: RubinPooled, m: int) -> tuple[Note, ...]:
    """What a reader must know of the number of imputations."""
    notes = []
    if (pooled.within <= 0).any():
        notes.append(
            Note(
                "no_variance",
                "the variance within the imputations is zero: the degrees of freedom are undefined, and there is no test and no interval.",
            )
        )
    worst = float(np.max(pooled.fmi))
    # von Hippel (2020): the standard error itself is steady within 5 per cent at about 1 + (fmi / 0.05)^2 / 2 imputations
    needed = math.ceil(1 + (worst / 0.05) ** 2 / 2)
    if m < needed:
        notes.append(
            Note(
                "few_imputations",
                f"with a fraction of missing information of {worst:.2f} another set of {m} imputations may move the standard error by more "
                f"than 5 per cent: {needed} imputations hold it within that.",
            )
        )
    return tuple(notes)


def _numbers(values: Sequence[float], what: str) -> FloatArray:
    try:
        out = np.asarray(list(values), dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"the {what} are not a list of numbers.") from error
    if out.ndim != 1:
        raise DataError(f"the {what} are not one list: pool one contrast at a time, or use Imputations.analyse.")
    bad = np.flatnonzero(~np.isfinite(out))
    if len(bad):
        raise DataError(f"the {what} have no number in place {int(bad[0]) + 1}: an analysis that failed cannot be pooled.")
    return out
