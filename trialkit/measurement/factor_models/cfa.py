"""Confirmatory factor analysis by maximum likelihood."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np

from trialkit.errors import EstimationError, NotIdentifiedError, UsageError, nearest, shown
from trialkit.inference.factor.fiml import moments, saturated
from trialkit.inference.factor.fit import Fit, fit
from trialkit.inference.factor.identification import unidentified
from trialkit.inference.factor.indices import fit_indices
from trialkit.inference.factor.model import Equal, FactorModel, factor_model, layout
from trialkit.inference.factor.robust import Robust
from trialkit.inference.factor.robust import robust as robust_corrections
from trialkit.measurement.factor_models.cfa_data import CfaData, Missing, check_dependence, read_data
from trialkit.measurement.factor_models.cfa_result import CfaResult, fit_verdict
from trialkit.measurement.factor_models.cfa_table import factor_scores, in_words, modification_rows, parameter_rows
from trialkit.misuse import explained
from trialkit.results import Note

_FEW_CLUSTERS = 40
_NEARLY_ONE = 0.95
_WEAK = 0.3


@explained
def cfa(
    items: Any,
    model: Mapping[str, Sequence[Hashable]],
    *,
    groups: Any = None,
    equal: Collection[Equal] = (),
    residual_covariances: Sequence[tuple[Hashable, Hashable]] = (),
    missing: Missing = "fiml",
    robust: Literal[False, "mlr"] = False,
    cluster: Any = None,
    std_lv: bool = True,
) -> CfaResult:
    """Fit a confirmatory factor model: does each item measure the factor it should, and nothing else?

    Parameters
    ----------
    items : data frame with the items as columns, already recoded (`tk.measurement.score` reverses items).
    model : factor name -> its item columns, {"f": ["i1", "i2", "i3"]}. An item may belong to several factors; factors correlate.
    groups : column or one value a person: a model for each group (arms, languages), means included.
    equal : what is the same in all groups, of "loadings", "intercepts", "residuals", "residual_covariances", "means",
        "factor_variances", "factor_covariances". Equal loadings free the factor variances, equal intercepts the factor means of
        every group but the first.
    residual_covariances : pairs of items that share more than their factors, such as the same item at two waves.
    missing : "fiml" uses everyone with at least one answer, assuming answers missing at random given the others; "listwise" drops
        people with a missing answer, which needs answers missing completely at random.
    robust : "mlr" adds the Yuan-Bentler scaled chi-square and Huber-White standard errors, for answers that are not normal.
    cluster : column or one value a person: people of one peer group may be alike. Standard errors and chi-square are then
        robust to that; a person without a value (a control in a trial with groups in one arm) is a cluster of one.
    std_lv : True gives factors a variance of 1, so that every loading is estimated; False gives each factor the scale of its first
        item, whose loading is then 1. Fit is the same. Standard errors of loadings are not.

    Returns
    -------
    CfaResult
        Fit (`.chisq .df .p_value .cfi .tli .rmsea .rmsea_low .rmsea_high .srmr .verdict`), `.loadings` (items by factors) and
        `.loadings_table`, `.factor_correlations`, `.residual_variances`, `.intercepts`, `.factor_scores`,
        `.modification_indices()`. Items are treated as continuous, which five or more answer categories allow (Rhemtulla,
        Brosseau-Liard & Savalei 2012). Means are part of the model with groups or missing answers.

    Raises
    ------
    NotIdentifiedError
        Fewer variances and covariances than free numbers, a factor of one item, numbers that the data cannot tell apart.
    DataError
        An item without variance, items that determine each other, text, codes for missing answers.
    EstimationError
        Fewer people than items; no convergence.

    Notes
    -----
    Sources: Joreskog (1969), Psychometrika 34, for maximum likelihood; Arbuckle (1996) for missing answers; Yuan & Bentler (2000) for
    the scaled chi-square; Hu & Bentler (1999) for the bounds of the verdict. Those bounds were found for models of moderate size;
    they are conventions, and no proof that a scale is valid.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> mood = rng.normal(size=(400, 1))
    >>> data = pd.DataFrame(mood + rng.normal(size=(400, 4)), columns=["calm", "glad", "rested", "keen"])
    >>> found = tk.measurement.cfa(data, {"mood": ["calm", "glad", "rested", "keen"]})
    >>> found.df, found.fits
    (2, True)
    """
    _check_options(missing, robust, equal, groups)
    data = read_data(items, model, groups=groups, cluster=cluster, missing=missing)
    pairs = _pairs(residual_covariances, data)
    table = factor_model(
        data.pattern,
        n_groups=len(data.group_labels),
        mean_structure=groups is not None or not data.complete,
        residual_pairs=pairs,
        identification="unit_variance" if std_lv else "marker",
        equal=tuple(equal),
    )
    _check_counts(table, data)
    found = _fitted(table, data)
    corrected = _corrected(found, data) if robust == "mlr" or data.unit is not None else None
    return _result(found, data, corrected, items)


def _check_options(missing: str, robust: object, equal: Collection[str], groups: Any) -> None:
    if missing not in get_args(Missing):
        raise UsageError(f"missing={missing!r} is unknown; use 'fiml' or 'listwise'.")
    if robust not in (False, "mlr"):
        raise UsageError(f"robust={robust!r} is unknown; use False or 'mlr'.")
    if isinstance(equal, str):
        raise UsageError(f"equal takes a list: write equal=['{equal}'].")
    known = get_args(Equal)
    for name in equal:
        if name not in known:
            near = nearest(str(name), known)
            guess = f" Did you mean '{near}'?" if near else ""
            raise UsageError(f"equal has '{name}', which is none of {shown(known, 10)}.{guess}")
    if equal and groups is None:
        raise UsageError("equal says what is the same in all groups, but there are no groups. Give groups=, or leave equal out.")
    if "means" in equal and "intercepts" not in equal:
        raise UsageError(
            "factor means can be compared only when intercepts are equal: add 'intercepts' to equal, or leave 'means' out."
        )


def _pairs(given: Sequence[tuple[Hashable, Hashable]], data: CfaData) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for pair in given:
        if isinstance(pair, str) or len(pair) != 2:
            raise UsageError(f"residual_covariances lists pairs of items, such as [('i1', 'i2')], not {pair!r}.")
        for name in pair:
            if str(name) not in data.items:
                near = nearest(str(name), data.items)
                guess = f" Did you mean '{near}'?" if near else ""
                raise UsageError(f"residual_covariances names '{name}', which is no item of the model.{guess}")
        i, j = (data.items.index(str(name)) for name in pair)
        if i == j or (i, j) in out or (j, i) in out:
            raise UsageError(f"residual_covariances has the pair {shown([str(p) for p in pair])} twice, or an item with itself.")
        out.append((i, j))
    return out


def _check_counts(model: FactorModel, data: CfaData) -> None:
    lay = layout(model)
    if lay.df >= 0:
        loose = unidentified(model)
        if loose:
            raise _not_identified(model, data, loose)
        return
    several = [data.items[i] for i in np.flatnonzero(data.pattern.sum(axis=1) > 1)]
    small = [data.factors[f] for f in np.flatnonzero(data.pattern.sum(axis=0) < 3)]
    what = f" Items in several factors: {shown(several)}." if several else ""
    what += f" Factors of fewer than three items: {shown(small)}." if small else ""
    raise NotIdentifiedError(
        f"the model has {lay.n_free} free numbers, but the {len(data.items)} items have only {lay.n_moments} variances, covariances"
        f"{' and means' if lay.mean_structure else ''} to find them from.{what} Use more items, fewer loadings or fewer residual covariances."
    )


def _not_identified(model: FactorModel, data: CfaData, labels: Collection[str]) -> NotIdentifiedError:
    return NotIdentifiedError(
        f"the data cannot tell these numbers apart: {shown(_words(model, data, labels), 6)}. Factors of two items need another factor "
        "that they correlate with, and factors that share items need items of their own."
    )


def _fitted(model: FactorModel, data: CfaData) -> Fit:
    facts = moments(data.x, data.group)
    without = saturated(facts)
    check_dependence(data, without)
    try:
        found = fit(model, facts, h1=without)
    except np.linalg.LinAlgError:
        raise EstimationError("no starting values were found for the model. Check the items' scales and the model.") from None
    if not found.converged:
        below = [data.items[i] for i in np.flatnonzero((np.einsum("gii->gi", found.point.matrices.residuals) < 0).any(axis=0))]
        heywood = f" The residual variance of {shown(below)} runs below zero (a Heywood case)." if below else ""
        raise EstimationError(
            f"the model did not converge in {found.iterations} steps; what drifts is: {shown(_words(found.model, data, _loose(found)), 4)}."
            f"{heywood} The model asks more than these data can tell: leave out an item, a loading or a residual covariance, or merge "
            "factors."
        )
    if found.unidentified:
        raise _not_identified(found.model, data, found.unidentified)
    return found


def _loose(found: Fit) -> list[str]:
    """Labels of the flattest direction of the likelihood."""
    size = np.sqrt(np.abs(np.diag(found.information))) + 1e-300
    _, vectors = np.linalg.eigh(found.information / np.outer(size, size))
    order = np.argsort(-np.abs(vectors[:, 0]))
    return [found.layout.labels[k] for k in order[:3]]


def _words(model: FactorModel, data: CfaData, labels: Collection[str]) -> list[str]:
    first = {p.label: p for p in reversed(model.parameters) if p.label is not None}
    return [in_words(first[label], data) for label in labels]


def _corrected(found: Fit, data: CfaData) -> Robust:
    baseline = fit_indices(found).baseline_chisq
    try:
        return robust_corrections(found, data.x, group=data.group, baseline=baseline, unit=data.unit)
    except np.linalg.LinAlgError:
        raise EstimationError(
            "the robust corrections need the inverse of the information about all variances and covariances, which these few people do "
            "not give. Use robust=False, or fewer items."
        ) from None


def _result(found: Fit, data: CfaData, corrected: Robust | None, items: Any) -> CfaResult:
    indices = fit_indices(found)
    improper = _improper(found, data)
    kind = "standard errors from the " + ("expected" if found.data.complete else "observed") + " information"
    if corrected is not None:
        kind = "Huber-White standard errors" if data.unit is None else f"standard errors robust to {corrected.n_units} clusters"
    details: dict[str, Any] = {name: getattr(indices, name) for name in indices.__slots__ if name != "n_free"}
    details |= _scaled(corrected)
    verdict, fits = fit_verdict(details, "; ".join(improper))
    details |= {
        "n": found.n,
        "items": list(data.items),
        "factors": list(data.factors),
        "groups": list(data.group_labels),
        "group_sizes": [int(v) for v in found.data.group_n],
        "converged": found.converged,
        "iterations": found.iterations,
        "covariance": kind,
        "verdict": verdict,
        "fits": fits,
        "modification_indices": modification_rows(found, data),
    }
    covariance = found.covariance if corrected is None else corrected.covariance
    rows = parameter_rows(found, data, covariance)
    return CfaResult((), _notes(found, data, corrected, improper), details, tuple(rows), factor_scores(found, data, items))


def _scaled(corrected: Robust | None) -> dict[str, float]:
    names = (
        "chisq_scaled",
        "p_scaled",
        "scaling_factor",
        "cfi_robust",
        "tli_robust",
        "rmsea_robust",
        "cfi_scaled",
        "rmsea_scaled",
    )
    if corrected is None:
        return dict.fromkeys(names, math.nan)
    c = corrected
    return dict(zip(names, (c.chisq, c.p_value, c.scaling, c.cfi, c.tli, c.rmsea.value, c.cfi_scaled, c.rmsea_scaled.value)))


def _improper(found: Fit, data: CfaData) -> list[str]:
    """Variances below zero and factors that correlate beyond one, in words."""
    out = []
    for g, label in enumerate(data.group_labels):
        where = f" in group {label}" if label else ""
        residual = np.diag(found.point.matrices.residuals[g])
        out += [
            f"the residual variance of '{data.items[i]}' is negative ({residual[i]:.3f}){where}"
            for i in np.flatnonzero(residual < 0)
        ]
        psi = found.point.matrices.factors[g]
        variance = np.diag(psi)
        out += [
            f"the variance of factor '{data.factors[f]}' is negative ({variance[f]:.3f}){where}"
            for f in np.flatnonzero(variance < 0)
        ]
        if (variance > 0).all():
            r = psi / np.sqrt(np.outer(variance, variance))
            beyond = [(a, b) for a in range(len(r)) for b in range(a) if abs(r[a, b]) > 1]
            out += [f"factors '{data.factors[b]}' and '{data.factors[a]}' correlate {r[a, b]:.3f}{where}" for a, b in beyond]
            if not beyond and np.linalg.eigvalsh(r).min() < -1e-8:
                out.append(f"the correlations of the factors contradict each other{where}")
        theta = found.point.matrices.residuals[g]
        if (residual > 0).all() and np.linalg.eigvalsh(theta).min() < -1e-8:
            out.append(f"the residual covariances are larger than their variances allow{where}")
    return out


def _notes(found: Fit, data: CfaData, corrected: Robust | None, improper: list[str]) -> tuple[Note, ...]:
    notes = list(data.notes)
    if improper:
        notes.append(
            Note(
                "improper",
                "improper solutions come from too few people, an item that hardly belongs, or a wrong model; it is no result.",
            )
        )
    notes += _weak_loadings(found, data)
    for f, name in enumerate(data.factors):
        mine = np.flatnonzero(data.pattern[:, f])
        if len(mine) == 2:
            notes.append(
                Note(
                    "two_items",
                    f"factor '{name}' has only {shown([data.items[i] for i in mine])}: found through its correlation with other factors.",
                )
            )
    for g, label in enumerate(data.group_labels):
        psi = found.point.matrices.factors[g]
        sd = np.sqrt(np.maximum(np.diag(psi), 1e-300))
        for a in range(len(psi)):
            for b in range(a):
                r = psi[a, b] / sd[a] / sd[b]
                if _NEARLY_ONE < abs(r) <= 1:
                    where = f" in group {label}" if label else ""
                    notes.append(
                        Note(
                            "one_factor",
                            f"factors '{data.factors[b]}' and '{data.factors[a]}' correlate {r:.3f}{where}: hardly two.",
                        )
                    )
    if corrected is not None and found.df > 0 and math.isnan(corrected.scaling):
        notes.append(
            Note("no_scaling", "the scaling factor of the chi-square is not positive, so there is no scaled chi-square.")
        )
    elif corrected is not None and not found.data.complete and found.df > 0:
        notes.append(
            Note("robust_missing", "robust CFI and RMSEA are not defined with missing answers; the scaled ones are given.")
        )
    if data.unit is not None:
        sizes = np.bincount(data.unit)
        several = int((sizes > 1).sum())
        if several < _FEW_CLUSTERS:
            notes.append(
                Note(
                    "few_clusters",
                    f"{several} clusters have more than one person; below about {_FEW_CLUSTERS} the robust standard errors are too small.",
                )
            )
    return tuple(notes)


def _weak_loadings(found: Fit, data: CfaData) -> list[Note]:
    """Items that hardly belong to their factor, or run against the others on it."""
    notes = []
    at = found.point.matrices
    for g, label in enumerate(data.group_labels):
        where = f" in group {label}" if label else ""
        for f, name in enumerate(data.factors):
            own = np.flatnonzero(data.pattern[:, f])
            values = at.loadings[g, own, f]
            sizes = np.abs(values) * math.sqrt(max(at.factors[g, f, f], 0.0)) / np.sqrt(np.diag(at.sigma[g])[own])
            against = [data.items[i] for i, v, size in zip(own, values, sizes) if v * np.sum(values) < 0 and size >= _WEAK]
            weak = [data.items[i] for i, size in zip(own, sizes) if size < _WEAK]
            if against:
                notes.append(
                    Note(
                        "runs_against",
                        f"{shown(against)} {'runs' if len(against) == 1 else 'run'} against the other items of '{name}'{where}: not recoded?",
                    )
                )
            if weak:
                notes.append(
                    Note(
                        "weak_loading",
                        f"{shown(weak)} hardly {'measures' if len(weak) == 1 else 'measure'} '{name}'{where}: standardized loading below {_WEAK}.",
                    )
                )
    return notes
