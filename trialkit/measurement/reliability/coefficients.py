"""All coefficients of one set of items, their intervals, and the remarks that go with them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import special

from trialkit.errors import UsageError, shown
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.draws.group_bootstrap import bootstrap_weights
from trialkit.inference.factor.one_factor import one_factor
from trialkit.inference.reliability.alpha import (
    alpha,
    alpha_gradient,
    correlations,
    feldt,
    item_statistics,
    mean_correlation,
    standardized_alpha,
)
from trialkit.inference.reliability.delta import influence, jackknife_interval, robust_interval
from trialkit.inference.reliability.item_moments import item_covariances, item_sums, pair_counts
from trialkit.inference.reliability.omega import Omega, omega
from trialkit.inference.reliability.polychoric import categories, polychoric
from trialkit.inference.reliability.split_half import split_half
from trialkit.measurement.reliability.item_sets import ItemSet
from trialkit.results import Note

_DEPENDENT = 1e-8
_CLEAR = 0.2
_BAD_FIT, _REJECTED = 0.10, 0.05
_UNEQUAL = 4.0
_MOST_CATEGORIES = 12
_FEW_GROUPS = 10
_MOST_FAILURES = 0.1
# Up to this many units the jackknife, whose intervals are right with fewer of them; the two agree above.
_JACKKNIFE = 400

Pair = tuple[float, float]
_NONE: Pair = (math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for."""

    first_half: BoolArray
    ordinal: bool
    n_draws: int
    seed: int
    conf_level: float


@dataclass(slots=True)
class Found:
    """Numbers of one set: its row, its items, its polychoric correlations and its notes."""

    row: dict[str, Any]
    items: list[dict[str, Any]]
    polychoric: FloatArray | None = None
    notes: list[Note] = field(default_factory=list)


def coefficients(answers: ItemSet, wanted: Wanted) -> Found:
    """Everything of one set."""
    x, p = answers.x, answers.x.shape[1]
    s = item_covariances(x)
    r = correlations(s)
    a = float(alpha(s)) if s.sum() > 1e-12 * np.trace(s) else math.nan
    notes = list(answers.notes)
    factor = _factor(s, answers, notes)
    row: dict[str, Any] = {
        "n": len(x),
        "n_complete": int((~np.isnan(x)).all(axis=1).sum()),
        "n_units": int(answers.unit.max()) + 1,
        "n_items": p,
        "alpha": a,
        "alpha_standardized": float(standardized_alpha(r)),
        "average_r": float(mean_correlation(r)),
        "omega": factor.model if factor else math.nan,
        "omega_observed": factor.observed if factor else math.nan,
    }
    ordinal = _ordinal(answers, notes) if wanted.ordinal else None
    row |= _ordinal_numbers(ordinal, answers, notes)
    row |= _intervals(answers, s, a, factor, wanted, notes)
    sd = math.sqrt(s.sum()) if s.sum() > 0 else math.nan
    row |= {"sd": sd, "sem": sd * math.sqrt(1 - a) if 0 <= a <= 1 + 1e-12 else math.nan}
    row["sem_mean"] = row["sem"] / p
    halves = split_half(s, wanted.first_half)
    row |= {f"split_{name}": getattr(halves, name) for name in halves.__slots__}
    row["one_factor_rmsea"], row["one_factor_p"] = _one_factor_fit(factor, len(x), p)
    _remarks(answers, row, r, notes)
    return Found(row, _item_rows(answers, s, factor), ordinal, notes)


def _factor(s: FloatArray, answers: ItemSet, notes: list[Note]) -> Omega | None:
    where = answers.where
    if len(s) < 3:
        notes.append(Note("omega_two_items", f"omega needs three items or more: one factor of two items cannot be found{where}."))
        return None
    values, vectors = np.linalg.eigh(correlations(s))
    if values[0] < _DEPENDENT:
        involved = [answers.items[j] for j in np.flatnonzero(np.abs(vectors[:, 0]) > 0.05)]
        why = (
            "determine each other (copies, or a total beside its parts)"
            if values[0] > -_DEPENDENT
            else "have covariances of different people"
        )
        why += (
            ""
            if values[0] > -_DEPENDENT
            else " that contradict each other; missing='listwise' gives covariances of the same people"
        )
        notes.append(Note("omega_undefined", f"omega is not defined{where}: the items {shown(involved, 8)} {why}."))
        return None
    found = omega(s)
    if not found.converged:
        notes.append(Note("omega_undefined", f"omega is not defined{where}: the one-factor model did not converge."))
        return None
    if found.heywood:
        below = [answers.items[j] for j in np.flatnonzero(found.residuals < 0)]
        notes.append(
            Note(
                "heywood",
                f"the one-factor model gives {shown(below)} a negative residual variance{where}: omega is not to be trusted; two items may "
                "share wording, or one factor may not do.",
            )
        )
    return found


def _one_factor_fit(factor: Omega | None, n: int, p: int) -> Pair:
    """RMSEA and the p-value of exact fit; NaN with three items or fewer, which any one factor fits."""
    df = p * (p - 3) // 2
    if factor is None or df == 0:
        return _NONE
    return math.sqrt(max(factor.discrepancy / df - 1 / n, 0.0)), float(special.chdtrc(df, max(n * factor.discrepancy, 0.0)))


def _ordinal(answers: ItemSet, notes: list[Note]) -> FloatArray:
    codes, values = categories(answers.x)
    for name, distinct in zip(answers.items, values):
        if len(distinct) > _MOST_CATEGORIES:
            raise UsageError(
                f"item '{name}' has {len(distinct)} different answers, too many for categories (at most {_MOST_CATEGORIES}). Leave ordinal out."
            )
    found = polychoric(codes)
    pairs = np.argwhere(np.triu(found.at_edge[0], 1))
    if len(pairs):
        names = [f"{answers.items[i]} with {answers.items[k]}" for i, k in pairs]
        notes.append(
            Note(
                "polychoric_edge",
                f"the polychoric correlation of {shown(names)} runs to one{answers.where}, because cells of the table are empty; it was "
                "stopped at .9995. Nothing is added to empty cells. Put rare answers together.",
            )
        )
    return found.correlations[0]


def _ordinal_numbers(r: FloatArray | None, answers: ItemSet, notes: list[Note]) -> dict[str, float]:
    names = ("ordinal_alpha", "ordinal_omega")
    if r is None:
        return dict.fromkeys(names, math.nan)
    model = math.nan
    if np.linalg.eigvalsh(r)[0] <= _DEPENDENT:
        notes.append(
            Note(
                "polychoric_not_definite",
                f"the polychoric correlations{answers.where} are not positive definite (each is estimated apart): ordinal omega is not "
                "defined, and ordinal alpha is to be read with care.",
            )
        )
    elif len(r) > 2:
        model = float(one_factor(r[None]).omega[0])
    notes.append(
        Note(
            "ordinal_scores",
            "ordinal alpha and omega are those of the continuous variables supposed behind the answers, not of the sum that is analysed "
            "(Chalmers 2018); they do not give its standard error of measurement.",
        )
    )
    return dict(zip(names, (float(standardized_alpha(r)), model)))


def _intervals(
    answers: ItemSet, s: FloatArray, a: float, factor: Omega | None, wanted: Wanted, notes: list[Note]
) -> dict[str, Any]:
    x, unit, level = answers.x, answers.unit, wanted.conf_level
    out: dict[str, Pair] = dict.fromkeys(("alpha", "omega", "ordinal_alpha", "ordinal_omega"), _NONE)
    if wanted.n_draws:
        kind = f"bootstrap of {int(unit.max()) + 1} units" if answers.clustered else "bootstrap"
        out |= _bootstrap(answers, wanted, notes)
    else:
        kind = f"robust to {int(unit.max()) + 1} units" if answers.clustered else "Feldt"
        without = item_sums(x, unit).without_each() if unit.max() < _JACKKNIFE else None
        if answers.clustered:
            out["alpha"] = _robust(a, alpha_gradient(s), None if without is None else alpha(without), answers, s, level)
        else:
            out["alpha"] = feldt(a, n=int(pair_counts(x).min()), items=len(s), conf_level=level)
        if factor is not None:
            left_out = None if without is None else one_factor(without).omega
            out["omega"] = _robust(factor.model, factor.gradient, left_out, answers, s, level)
    if answers.clustered:
        _group_notes(answers, math.isnan(out["alpha"][0]) and not wanted.n_draws, notes)
    if factor is not None and math.isnan(out["omega"][0]) and not wanted.n_draws:
        notes.append(
            Note(
                "omega_interval",
                f"the interval of omega is not defined{answers.where}: too few units, or a fit that hangs on a few people.",
            )
        )
    return {f"{name}_{end}": value for name, pair in out.items() for end, value in zip(("low", "high"), pair)} | {
        "interval": kind
    }


def _robust(
    value: float, gradient: FloatArray, left_out: FloatArray | None, answers: ItemSet, s: FloatArray, level: float
) -> Pair:
    """By the jackknife where there are few units and every one of its fits converged, else by the influence of people."""
    if left_out is not None and np.isfinite(left_out).all():
        found = jackknife_interval(value, left_out, unit=answers.unit, conf_level=level)
    else:
        per_person = influence(gradient, x=answers.x, s=s)
        found = robust_interval(value, per_person, unit=answers.unit, conf_level=level)
    return found.low, found.high


def _group_notes(answers: ItemSet, undefined: bool, notes: list[Note]) -> None:
    sizes = np.bincount(answers.unit)
    groups = int((sizes > 1).sum())
    if undefined:
        notes.append(Note("interval_undefined", f"the {len(sizes)} units{answers.where} are too few for an interval."))
    elif 0 < groups < _FEW_GROUPS:
        notes.append(
            Note("few_groups", f"only {groups} groups of more than one person{answers.where}: the intervals are approximate.")
        )


def _bootstrap(answers: ItemSet, wanted: Wanted, notes: list[Note]) -> dict[str, Pair]:
    """Percentile intervals over resampled units, groups and people alone apart."""
    unit, p = answers.unit, answers.x.shape[1]
    sums = item_sums(answers.x, unit)
    codes: IntArray | None = categories(answers.x)[0] if wanted.ordinal else None
    names = ["alpha", "omega"] + (["ordinal_alpha", "ordinal_omega"] if wanted.ordinal else [])
    drawn: dict[str, list[FloatArray]] = {name: [] for name in names}
    for weights in bootstrap_weights(cell=_cells(unit), n_draws=wanted.n_draws, seed=wanted.seed, people=3 * p * p):
        s = sums.covariances(weights)
        drawn["alpha"].append(alpha(s))
        if p > 2:
            drawn["omega"].append(one_factor(s).omega)
        if codes is not None:
            r = polychoric(codes, unit=unit, weights=weights).correlations
            drawn["ordinal_alpha"].append(standardized_alpha(r))
            if p > 2:
                drawn["ordinal_omega"].append(one_factor(r).omega)
    tails = [(1 - wanted.conf_level) / 2, (1 + wanted.conf_level) / 2]
    out = {}
    for name, parts in drawn.items():
        if not parts:
            continue
        values = np.concatenate(parts)
        good = values[np.isfinite(values)]
        failed = len(values) - len(good)
        if failed > _MOST_FAILURES * len(values):
            notes.append(
                Note(
                    "draws_failed",
                    f"{name} was not defined in {failed} of {len(values)} draws{answers.where}: no interval is given.",
                )
            )
            continue
        if failed:
            notes.append(
                Note("draws_failed", f"{name} was not defined in {failed} of {len(values)} draws{answers.where}, left out.")
            )
        low, high = np.quantile(good, tails)
        out[name] = (float(low), float(high))
    return out


def _cells(unit: IntArray) -> IntArray:
    """Groups and people alone are resampled apart, unless one of the kinds has a single unit."""
    cell: IntArray = (np.bincount(unit) > 1).astype(np.int64)
    return np.zeros_like(cell) if np.bincount(cell, minlength=2).min() < 2 else cell


def _item_rows(answers: ItemSet, s: FloatArray, factor: Omega | None) -> list[dict[str, Any]]:
    x, statistics = answers.x, item_statistics(s)
    sd = np.sqrt(np.diag(s))
    loading = factor.loadings / sd if factor else np.full(len(s), np.nan)
    # The kernel points the factor by the sum in units of the items, which one wide item can turn.
    loading = loading * (-1.0 if loading.sum() < 0 else 1.0)
    columns = {
        "mean": np.nanmean(x, axis=0),
        "sd": sd,
        "item_rest": statistics.item_rest,
        "alpha_if_dropped": statistics.alpha_if_dropped,
        "loading": loading,
    }
    count = (~np.isnan(x)).sum(axis=0)
    return [
        {"item": name, "n": int(count[j])} | {key: float(values[j]) for key, values in columns.items()}
        for j, name in enumerate(answers.items)
    ]


def _remarks(answers: ItemSet, row: dict[str, Any], r: FloatArray, notes: list[Note]) -> None:
    where, a = answers.where, row["alpha"]
    against = _against(r)
    if against:
        names = [answers.items[j] for j in against]
        notes.append(
            Note(
                "keyed_the_other_way",
                f"{shown(names)} {'runs' if len(names) == 1 else 'run'} against the other items{where}: keyed the other way? If so, say scale=, or "
                f"reverse={names} with codes=(lowest, highest).",
            )
        )
    if a < 0 or math.isnan(a):
        notes.append(
            Note(
                "negative_alpha",
                f"alpha is {'not defined' if math.isnan(a) else 'negative'}{where}: the items do not rise and fall together, so their sum measures "
                "no one thing, and there is no standard error of measurement.",
            )
        )
    weak = [] if against else [answers.items[j] for j in np.flatnonzero(_item_rest(r, np.ones(len(r))) < _CLEAR)]
    if 0 < len(weak) < len(answers.items):
        notes.append(
            Note(
                "weak_items",
                f"{shown(weak)} hardly {'goes' if len(weak) == 1 else 'go'} with the other items{where} (below .20).",
            )
        )
    sd = np.nanstd(answers.x, axis=0)
    if sd.max() > _UNEQUAL * sd.min():
        wide, narrow = answers.items[int(sd.argmax())], answers.items[int(sd.argmin())]
        notes.append(
            Note(
                "unequal_spread",
                f"'{wide}' has {sd.max() / sd.min():.0f} times the standard deviation of '{narrow}'{where}: is it an item of this scale? In a plain "
                "sum it drowns the others.",
            )
        )
    if row["one_factor_rmsea"] > _BAD_FIT and row["one_factor_p"] < _REJECTED:
        notes.append(
            Note(
                "not_one_factor",
                f"one factor describes these items badly{where} (RMSEA {row['one_factor_rmsea']:.2f}): alpha and omega are then no measure of "
                "how well one thing is measured; see tk.measurement.cfa.",
            )
        )


def _against(r: FloatArray) -> list[int]:
    """Items of the smaller camp on the first principal axis, when they clearly belong to it turned around."""
    if len(r) < 3:
        return [1] if r[0, 1] < -_CLEAR else []
    side = np.where(np.linalg.eigh(r)[1][:, -1] >= 0, 1.0, -1.0)
    if side.sum() < 0 or (side.sum() == 0 and side[0] < 0):
        side = -side
    clear = _item_rest(r, side) > _CLEAR
    return [int(j) for j in np.flatnonzero((side < 0) & clear)]


def _item_rest(r: FloatArray, side: FloatArray) -> FloatArray:
    """Correlation of each standardized item, turned to its side, with the sum of the others turned to theirs."""
    turned = r * np.outer(side, side)
    with_all = turned.sum(axis=1)
    rest = turned.sum() - 2 * with_all + 1
    return np.asarray((with_all - 1) / np.sqrt(np.maximum(rest, 1e-12)))
