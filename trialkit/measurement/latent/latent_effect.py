"""The effect on what a scale measures: regression of the factor at follow-up on the arm and the factor at baseline."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from trialkit.errors import EstimationError, UsageError, nearest
from trialkit.estimate.covariates import CovariateMissing
from trialkit.estimate.itt import itt
from trialkit.estimate.outcomes.linearized import by_arm
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_test
from trialkit.inference.factor.indices import fit_indices
from trialkit.inference.factor.invariant import Place, improper
from trialkit.inference.factor.latent_regression import LatentRegression, direct_effects, latent_regression
from trialkit.measurement.factor_models.cfa_result import BOUNDS, CFI_BOUND, RMSEA_BOUND, SRMR_BOUND
from trialkit.measurement.invariance.result import InvarianceResult, short
from trialkit.measurement.latent.latent_data import LatentData, freed_places, latent_data
from trialkit.measurement.latent.latent_result import LatentEffect
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Estimate, Note
from trialkit.trial import Trial

_ANSWERED = 0.5
_ALPHA = 0.05


@explained
def latent_effect(
    trial: Trial,
    items: Mapping[str, Sequence[Hashable]],
    *,
    adjust: Sequence[str] = (),
    free: Sequence[Hashable] | InvarianceResult = (),
    marker: Hashable | None = None,
    covariate_missing: CovariateMissing = "impute",
    conf_level: float = 0.95,
) -> LatentEffect:
    """Effect of assignment on the factor behind a scale, beside the effect on the mean of its items.

    One factor a wave, the same loadings and intercepts at both waves and in all arms, residuals of the same item correlated over waves.
    The factor at follow-up is regressed on the arm, the factor at baseline, strata and covariates (latent analysis of covariance).
    Adjusting for the factor instead of a score with error in it, and leaving item error out of the outcome, gives an effect
    in baseline standard deviations of what is measured, which the reliability of the scale does not dilute.

    Parameters
    ----------
    trial : the data and their roles; with groups, groups of one arm count as independent units, as in `tk.itt`.
    items : item columns by wave, baseline first, in the same order: {"t0": [...], "t1": [...]}, recoded.
    adjust : baseline columns, as in `tk.itt`.
    free : item columns whose loading and intercept may differ between waves, or the result of `tk.measurement.invariance` over these
        waves, whose freed numbers are taken.
    marker : item in whose unit the factor is expressed; by default the first that is not free.
    covariate_missing : "impute", "drop" or "error".
    conf_level : of the intervals.

    Returns
    -------
    LatentEffect
        Rows by arm: the latent effect in the marker's unit and in baseline SDs of the factor; the observed effect (`tk.itt` of the mean
        of the items, adjusted for that mean at baseline), the same over the baseline SD of the mean, and that divided by the root of
        its reliability. The standard error of the latent effect in SDs counts the estimation of the SD; those of the last two rows take the
        SD and the reliability as known. `.loadings`, `.reliability`, `.fit`, `.direct_effects`.

    Raises
    ------
    UsageError
        Other than two waves, waves with different numbers of items, weights, an unknown item in `free` or `marker`.
    EstimationError
        The model does not converge.
    ColumnNotFoundError, ValueTypeError, DataError, MissingDataError
        As `tk.measurement.cfa` and `tk.itt`.

    Notes
    -----
    Missing answers are used as far as they go (full-information maximum likelihood: missing at random given the answers there are, the arm
    and the covariates). Standard errors are sandwich ones from each person's influence, summed by independent unit and corrected
    as `tk.itt` does it (CR2 with the degrees of freedom of a working covariance where groups exist in one arm). Sources: Bollen (1989), ch. 8;
    Oort (2005), Quality of Life Research 14, for measurement that changes; Yuan & Bentler (2000) for the sandwich.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(4)
    >>> arm = np.repeat(["solo", "peer"], 200)
    >>> before = rng.normal(size=400)
    >>> after = 0.6 * before + 0.5 * (arm == "peer") + 0.8 * rng.normal(size=400)
    >>> answers = {f"t{w}_i{j}": f + 0.8 * rng.normal(size=400) for w, f in enumerate((before, after)) for j in range(4)}
    >>> trial = tk.Trial(pd.DataFrame(answers).assign(arm=arm), arm="arm", control="solo")
    >>> found = tk.measurement.latent_effect(trial, {w: [f"{w}_i{j}" for j in range(4)] for w in ("t0", "t1")})
    >>> found.tidy()["unit"].tolist()
    ['marker item', 'baseline SD', 'item points', 'baseline SD', 'baseline SD, corrected']
    >>> found.estimates[0].conf_low < 0.5 < found.estimates[0].conf_high
    True
    """
    if not 0 < conf_level < 1:
        raise UsageError(f"conf_level must lie between 0 and 1, not {conf_level!r}.")
    if isinstance(adjust, str):
        raise UsageError(f"adjust takes a list: write adjust=['{adjust}'].")
    data = latent_data(trial, items, tuple(adjust), covariate_missing)
    apart = freed_places(free, data)
    unit = _marker(marker, data, apart)
    fitted = _fitted(data, unit, apart)
    reliability = _reliability(fitted, data.n_items)
    rows, notes = _rows(trial, data, fitted, data.columns[unit], reliability, tuple(adjust), covariate_missing, conf_level)
    direct = _direct(trial, data, fitted)
    details = {
        "waves": list(data.waves),
        "marker": data.columns[unit],
        "freed": [f"{p.kind} of {data.columns[data.n_items + p.item]}" for p in sorted(apart)],
        "reliability": reliability,
        "baseline_sd": fitted.baseline_sd,
        "slope": fitted.slope,
        "loadings": _loadings(fitted, data),
        "fit": _fit(fitted),
        "direct_effects": direct,
        "improper": improper(fitted.fit),
    }
    said = (*data.notes, *notes, *_model_notes(direct, details))
    return LatentEffect(tuple(rows), tuple(dict.fromkeys(said)), details)


def _marker(marker: Hashable | None, data: LatentData, apart: frozenset[Place]) -> int:
    touched = {p.item for p in apart}
    if marker is None:
        return next(j for j in range(data.n_items) if j not in touched)
    if str(marker) not in data.columns:
        near = nearest(str(marker), data.columns)
        raise UsageError(f"marker='{marker}' is no item.{f' Did you mean {near!r}?' if near else ''}")
    j = data.columns.index(str(marker)) % data.n_items
    if j in touched:
        raise UsageError(
            f"marker='{marker}' is free between the waves, and cannot give the factor its unit. Choose another item."
        )
    return j


def _fitted(data: LatentData, unit: int, apart: frozenset[Place]) -> LatentRegression:
    size = data.x.shape[1] + data.z.shape[1]
    if len(data.x) <= size:
        raise EstimationError(
            f"{len(data.x)} people and {size} items, strata and covariates: the model needs more people than that (and many more to be "
            "of use). Leave covariates out, or use the mean of the items with tk.itt."
        )
    try:
        found = latent_regression(data.x, data.z, marker=unit, freed=apart)
    except np.linalg.LinAlgError:
        found = None
    if found is None or not found.fit.converged or found.fit.unidentified or not found.fit.h1.converged:
        raise EstimationError(
            "the latent regression did not converge. Look at the items with tk.measurement.invariance first: a wave whose items do not measure one "
            "factor, items that determine each other, or too few people, gives this."
        )
    return found


def _reliability(fitted: LatentRegression, p: int) -> float:
    """Omega of the mean of the items at baseline: (sum lambda)^2 psi / its model variance."""
    at = fitted.fit.point.matrices
    common = float(at.loadings[0, :p, 0].sum() ** 2 * at.factors[0, 0, 0])
    return common / (common + float(at.residuals[0, :p, :p].sum()))


def _rows(
    trial: Trial,
    data: LatentData,
    fitted: LatentRegression,
    marker: str,
    reliability: float,
    adjust: tuple[str, ...],
    covariate_missing: CovariateMissing,
    conf_level: float,
) -> tuple[list[Estimate], list[Note]]:
    observed, sd, notes = _observed(trial, data, adjust, covariate_missing, conf_level)
    rows = []
    for a in range(1, len(trial.arms)):
        for unit, name, values, influence in (
            ("marker item", f"unit of item '{marker}'", fitted.effects, fitted.influence),
            ("baseline SD", "baseline SDs of the factor", fitted.standardized, fitted.standardized_influence),
        ):
            row, said = _latent_row(trial, data, a, values[a - 1], influence[:, a - 1], name, unit, conf_level)
            rows.append(row)
            notes += said
        one = observed[a - 1]
        steps = [
            (1.0, "item points", "on the mean of the items"),
            (1 / sd, "baseline SD", "on the mean of the items, in its baseline SDs"),
        ]
        if reliability > 0:
            words = "on the mean of the items, in its baseline SDs, corrected for unreliability"
            steps.append((1 / (sd * math.sqrt(reliability)), "baseline SD, corrected", words))
        rows += [_scaled(one, data.waves[1], factor, unit, words) for factor, unit, words in steps]
    return rows, notes


def _latent_row(
    trial: Trial, data: LatentData, a: int, value: float, influence: FloatArray, name: str, unit: str, conf_level: float
) -> tuple[Estimate, tuple[Note, ...]]:
    s = data.sample
    spread = by_arm(s, influence, df="auto")
    test = t_test(float(value), spread.std_error, spread.df, conf_level)
    row = Estimate(
        outcome=data.waves[1], estimand=f"participant-average ITT on the factor, {name}", contrast=f"{trial.arms[a]} - {trial.arms[0]}",
        estimate=float(value), std_error=spread.std_error, df=spread.df, statistic=test.statistic, p_value=test.p_value,
        conf_low=test.conf_low, conf_high=test.conf_high, conf_level=conf_level, n=s.n, n_clusters=s.n_clusters,
        n_groups=s.groups_in(s.arm >= 0), method="latent analysis of covariance, full-information maximum likelihood",
        covariance=spread.covariance, extra={"level": "latent", "unit": unit},
    )  # fmt: skip
    return row, spread.notes


def _observed(
    trial: Trial, data: LatentData, adjust: tuple[str, ...], covariate_missing: CovariateMissing, conf_level: float
) -> tuple[tuple[Estimate, ...], float, list[Note]]:
    """`itt` of the mean of the items and the baseline SD of that mean."""
    p = data.n_items
    means = {}
    for w, wave in enumerate(data.waves):
        x = data.x[:, w * p : (w + 1) * p]
        enough = (~np.isnan(x)).mean(axis=1) >= _ANSWERED
        column = np.full(trial.n, np.nan)
        column[data.sample.rows[enough]] = np.nanmean(x[enough], axis=1)
        means[f"mean of items {wave}"] = column
    before, after = means
    wide = trial.with_columns(means)
    found = itt(wide, after, adjust=[before, *adjust], covariate_missing=covariate_missing, conf_level=conf_level)
    notes = list(found.notes)
    if np.isnan(data.x).any():
        text = "the mean of the items is of the items answered, for people who answered at least half of them; the latent effect uses every answer."
        notes.append(Note("mean_of_answered", text))
    return found.estimates, float(np.nanstd(means[before], ddof=1)), notes


def _scaled(e: Estimate, outcome: str, factor: float, unit: str, words: str) -> Estimate:
    return Estimate(
        outcome=outcome, estimand=f"{e.estimand} {words}", contrast=e.contrast, estimate=factor * e.estimate, std_error=factor * e.std_error,
        df=e.df, statistic=e.statistic, p_value=e.p_value, conf_low=factor * e.conf_low, conf_high=factor * e.conf_high,
        conf_level=e.conf_level, n=e.n, n_clusters=e.n_clusters, n_groups=e.n_groups, method=e.method, covariance=e.covariance,
        extra={"level": "observed", "unit": unit},
    )  # fmt: skip


def _loadings(fitted: LatentRegression, data: LatentData) -> list[dict[str, Any]]:
    at, p = fitted.fit.point.matrices, data.n_items
    return [
        {
            "item": name,
            "wave": data.waves[i // p],
            "loading": float(at.loadings[0, i, i // p]),
            "intercept": float(at.intercepts[0, i]),
            "residual_variance": float(at.residuals[0, i, i]),
        }
        for i, name in enumerate(data.columns)
    ]


def _fit(fitted: LatentRegression) -> dict[str, float]:
    found = fit_indices(fitted.fit)
    return {k: float(getattr(found, k)) for k in ("chisq", "df", "p_value", "cfi", "rmsea", "srmr")}


def _direct(trial: Trial, data: LatentData, fitted: LatentRegression) -> list[dict[str, Any]]:
    rows = []
    for a in range(1, len(trial.arms)):
        tests = direct_effects(fitted.fit, data.n_items, a - 1)
        rows += [{"arm": str(trial.arms[a]), "item": name, "chisq": float(v)} for name, v in zip(data.columns, tests)]
    return rows


def _model_notes(direct: list[dict[str, Any]], details: Mapping[str, Any]) -> list[Note]:
    from scipy import special  # beside the estimate, not for it

    notes = []
    fit = details["fit"]
    off = [
        f"{name} {short(fit[key])}"
        for name, key, bad in (
            ("CFI", "cfi", fit["cfi"] < CFI_BOUND),
            ("RMSEA", "rmsea", fit["rmsea"] > RMSEA_BOUND),
            ("SRMR", "srmr", fit["srmr"] > SRMR_BOUND),
        )
        if bad
    ]
    if off:
        text = f"the measurement model does not fit ({', '.join(off)}; the bounds are {BOUNDS}): see tk.measurement.invariance for what to let go."
        notes.append(Note("misfit", text))
    limit = _ALPHA / max(len(direct), 1)
    moved = [r for r in direct if math.isfinite(r["chisq"]) and special.chdtrc(1, r["chisq"]) < limit]
    if moved:
        said = ", ".join(f"{r['item']} ({r['arm']}, chi-square {number(r['chisq'])})" for r in moved)
        text = f"the arms answer these items differently at the same level of the factor: {said}. The programme, or chance, moved the answer and not the factor."
        notes.append(Note("direct_effects", text))
    if details["improper"]:
        notes.append(
            Note(
                "improper", "a negative variance or a correlation of factors beyond one: the solution is improper and no result."
            )
        )
    return notes
