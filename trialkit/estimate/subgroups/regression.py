"""From the one regression to interactions and subgroup effects: levels, scores, and the line over a continuous moderator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trialkit.errors import TrialkitError, UsageError
from trialkit.estimate.averages import estimand_name
from trialkit.estimate.linear.ancova import describe
from trialkit.estimate.request import Request, arm_pairs
from trialkit.estimate.sample import Sample
from trialkit.estimate.subgroups.balance import balance_notes
from trialkit.estimate.subgroups.found import Interaction, Modification, SubgroupEffect, any_difference, single, words_of
from trialkit.estimate.subgroups.moderators import Moderator, small_cells
from trialkit.estimate.subgroups.one_model import Fitted, joint, one_model
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.inference.distributions import t_quantile, t_test
from trialkit.inference.linear.heterogeneity import differences, trend
from trialkit.inference.linear.line_band import band_width
from trialkit.printed import number
from trialkit.results import Note
from trialkit.trial import Trial

_GRID = 41
_PERCENTILES = (10, 50, 90)


def by_regression(trial: Trial, request: Request, m: Moderator, at: Sequence[float] | None) -> Modification:
    """Interactions and effects by one moderator, every contrast of the request."""
    fitted = one_model(trial, request, m)
    s = fitted.sample
    base = "overlap-weighted ITT" if fitted.overlap else estimand_name(request.average)
    found = _along(trial, fitted, request, m, base, at) if m.continuous else _by_level(fitted, request, m, base)
    interactions, effects, notes, details = found
    notes = [*s.notes, *m.notes, *fitted.notes, *notes, *balance_notes(trial, s, m, request)]
    return Modification(
        tuple(interactions), tuple(effects), s.n, s.n_clusters, s.groups_in(s.arm >= 0), fitted.method, describe(fitted.model),
        tuple(notes), details | {"n_missing": int(m.missing.sum())},
    )  # fmt: skip


_Found = tuple[list[Interaction], list[SubgroupEffect], list[Note], dict[str, Any]]


def _by_level(fitted: Fitted, request: Request, m: Moderator, base: str) -> _Found:
    s, model = fitted.sample, fitted.model
    labels = [m.levels[v] for v in fitted.levels]
    count = len(labels)
    interactions, effects = [], []
    notes = small_cells(s, m, m.codes[s.rows])
    heterogeneity = {}
    for arm, reference in arm_pairs(len(s.arms), request.contrasts):
        contrast = f"{s.arms[arm]} - {s.arms[reference]}"
        vectors = np.array([fitted.vector(arm, reference, row) for row in np.eye(count)])
        C = differences(count) @ vectors
        if m.kind == "ordinal" and count > 2:
            sizes = np.bincount(fitted.codes, weights=s.weights, minlength=count).astype(float)
            weights = trend(scores=m.scores[list(fitted.levels)], sizes=sizes)
            interactions.append(single(contrast, words_of(m, labels), model.contrast(weights @ vectors), base, m))
        elif count == 2:
            scale = 1.0 if m.kind != "ordinal" else float(np.diff(m.scores[list(fitted.levels)])[0])
            interactions.append(single(contrast, words_of(m, labels), model.contrast(C[0] / scale), base, m))
        if count > 2:
            test, said = joint(fitted, C)
            notes += said
            heterogeneity[contrast] = {
                "statistic": test.statistic, "df_num": test.df_num, "df_denom": test.df_denom, "p_value": test.p_value,
            }  # fmt: skip
            if m.kind != "ordinal":
                interactions.append(any_difference(contrast, words_of(m, labels), test, base))
        for j, vector in enumerate(vectors):
            inside = fitted.codes == j
            effects.append(
                SubgroupEffect(contrast, labels[j], *model.contrast(vector), *counts(s, inside), f"{base} in the subgroup")
            )
    return interactions, effects, notes, {"heterogeneity": heterogeneity} if heterogeneity else {}


def counts(s: Sample, inside: BoolArray) -> tuple[int, int, int]:
    """People, independent units and real groups."""
    return int(inside.sum()), len(np.unique(s.unit_of_variance[inside])), s.groups_in(inside)


def _along(trial: Trial, fitted: Fitted, request: Request, m: Moderator, base: str, at: Sequence[float] | None) -> _Found:
    s, model = fitted.sample, fitted.model
    values = m.values[s.rows]
    low, high, notes = _support(s, m, values)
    points = _points(m, values, low, high, at)
    grid = np.linspace(low, high, _GRID)
    interactions, effects, curves = [], [], {}
    everyone = counts(s, np.ones(s.n, dtype=bool))
    for arm, reference in arm_pairs(len(s.arms), request.contrasts):
        contrast = f"{s.arms[arm]} - {s.arms[reference]}"
        level, slope = (fitted.vector(arm, reference, row) for row in np.eye(2))
        interactions.append(single(contrast, "per unit", model.contrast(slope), base, m))
        for value, label in points:
            found = model.contrast(level + (value - fitted.centre) * slope)
            effects.append(SubgroupEffect(contrast, label, *found, *everyone, f"{base} at the moderator's value", value))
        curves[contrast] = _curve(fitted, request, level, slope, grid)
    linearity, said = _linearity(trial, request, m)
    details = {
        "curves": curves, "support": [low, high], "linearity": linearity, "mean": fitted.centre, "sd": float(values.std(ddof=1)),
        "histogram": _histogram(s, values, low, high),
    }  # fmt: skip
    return interactions, effects, [*notes, *said], details


def _support(s: Sample, m: Moderator, values: FloatArray) -> tuple[float, float, list[Note]]:
    """Where every arm has people: nothing is said about the effect elsewhere."""
    ranges = np.array([[values[s.arm == a].min(), values[s.arm == a].max()] for a in range(len(s.arms))])
    low, high = float(ranges[:, 0].max()), float(ranges[:, 1].min())
    beyond = int(((values < low) | (values > high)).sum())
    if beyond <= max(2, 0.02 * s.n):
        return low, high, []
    text = f"{beyond} people have a '{m.name}' outside {number(low)} to {number(high)}, where both arms have people: the effect is shown inside only."
    return low, high, [Note("moderator_support", text)]


def _points(m: Moderator, values: FloatArray, low: float, high: float, at: Sequence[float] | None) -> list[tuple[float, str]]:
    """Values of the moderator at which effects stand in rows, with their labels."""
    if at is None:
        found = [(float(np.clip(np.percentile(values, p), low, high)), p) for p in _PERCENTILES]
        kept = [(v, p) for i, (v, p) in enumerate(found) if v not in [w for w, _ in found[:i]]]
        return [(v, f"{m.name} = {_amount(v)} ({'median' if p == 50 else f'{p}th percentile'})") for v, p in kept]
    outside = [v for v in at if not low <= float(v) <= high]
    if outside or not len(at):
        raise UsageError(
            f"at={{'{m.name}': ...}} takes values between {number(low)} and {number(high)}, where both arms have people"
            + (f"; {outside[0]:g} is not." if outside else ".")
        )
    return [(float(v), f"{m.name} = {_amount(float(v))}") for v in at]


def _amount(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1e4 else f"{value:.4g}"


def _curve(fitted: Fitted, request: Request, level: FloatArray, slope: FloatArray, grid: FloatArray) -> dict[str, Any]:
    """The effect over the moderator with pointwise limits and a band for the whole line, whose df is the smallest on it."""
    found = [fitted.model.contrast(level + (value - fitted.centre) * slope) for value in grid]
    estimate, se, df = (np.array(column) for column in zip(*found))
    V = fitted.model.cov.matrix
    kept = fitted.model.fit.kept
    ends = np.array([(level + (v - fitted.centre) * slope)[kept] for v in (grid[0], grid[-1])])
    shared = ends @ V @ ends.T
    correlation = float(shared[0, 1] / np.sqrt(shared[0, 0] * shared[1, 1]))
    width = band_width(correlation=correlation, df=float(df.min()), conf_level=request.conf_level)
    half = np.array([t_quantile((1 + request.conf_level) / 2, v) for v in df]) * se
    return {
        "value": grid, "estimate": estimate, "std_error": se, "df": df, "conf_low": estimate - half, "conf_high": estimate + half,
        "band_low": estimate - width * se, "band_high": estimate + width * se, "band_width": width, "band_df": float(df.min()),
    }  # fmt: skip


def _linearity(trial: Trial, request: Request, m: Moderator) -> tuple[dict[str, float], list[Note]]:
    """p of a bend in the effect (the square of the moderator by arm), per contrast; empty where the values allow no bend."""
    try:
        fitted = one_model(trial, request, m, squared=True)
        s, found = fitted.sample, {}
        for arm, reference in arm_pairs(len(s.arms), request.contrasts):
            bend = fitted.model.contrast(fitted.vector(arm, reference, np.array([0.0, 0.0, 1.0])))
            found[f"{s.arms[arm]} - {s.arms[reference]}"] = t_test(*bend, 0.95).p_value
    except TrialkitError:  # two values, or too few units: a straight line is all that can be fitted
        return {}, []
    bent = [c for c, p in found.items() if p < 0.05]
    if not bent:
        return found, []
    text = f"the effect does not change along a straight line over '{m.name}' (a bend has p < .05): the slope is an average over its range."
    return found, [Note("moderator_not_linear", text)]


def _histogram(s: Sample, values: FloatArray, low: float, high: float) -> dict[str, Any]:
    """Counts of people by arm in bins over the support, for the figure."""
    edges = np.linspace(low, high, 21)
    return {"edges": edges, "counts": {str(a): np.histogram(values[s.arm == c], edges)[0] for c, a in enumerate(s.arms)}}
