"""Several comparisons and outcomes in one randomization test: the joint test of arms, and p-values by step-down.

One assignment serves every arm and outcome, so the tests depend on each other in the draws as they do in the trial. The null of
these tests is the joint sharp one: being in another arm changes nobody's outcome, in any of the arms. All statistics are divided by
their standard errors, so that they are on one scale and keep their level in large samples when only averages are equal, or when
another arm has an effect (Wu & Ding 2021). Step-down on the largest |t|: Romano & Wolf (2005); on the smallest p for a statistic of
one's own: Westfall & Young (1993).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.estimate.draws.arm_statistic import ArmStatistic
from trialkit.estimate.draws.assignments import Assignments
from trialkit.inference.arrays import FloatArray
from trialkit.inference.draws.randomization import Alternative, as_extreme, extremeness, rank_p
from trialkit.inference.linear.arm_effects import ArmEffects
from trialkit.inference.several.stepdown import StepDown, romano_wolf, westfall_young

FLAT = 1e-12


@dataclass(frozen=True, slots=True)
class Member:
    """One outcome of the family: its statistic, and the outcome with the tested effects taken out."""

    outcome: str
    statistic: ArmStatistic
    untreated: FloatArray


def arms_jointly(
    members: Sequence[Member], pairs: Sequence[tuple[int, int]], drawn: Assignments, alternative: Alternative
) -> tuple[FloatArray, list[dict[str, Any]]]:
    """Adjusted p-values, comparisons of the first outcome first, and the rows of the joint tests."""
    own, null, rows = [], [], []
    for member in members:
        statistic = member.statistic
        targets = member.untreated[:, None]
        over_draws = statistic.effects(targets, drawn.of(statistic.sample.rows))
        observed = statistic.effects(targets, statistic.observed())
        own.append(_t(observed, pairs)[0])
        null.append(_t(over_draws, pairs))
        if alternative == "two-sided" and over_draws.effects.shape[1] > 1:
            f, mine = _f(over_draws), float(_f(observed)[0])
            p = float(min(drawn.weights[as_extreme(f, mine, "greater")].sum(), 1.0))
            rows.append(_row(member.outcome, "F over arms", mine, p, drawn))
    t = np.concatenate(own)
    found = romano_wolf(
        statistics=extremeness(t, alternative), null=extremeness(np.column_stack(null), alternative), probabilities=drawn.weights
    )
    if len(t) > 1:
        sided = {"two-sided": "largest |t|", "greater": "largest t", "less": "smallest t"}[alternative]
        largest = float(t[int(np.argmax(extremeness(t, alternative)))])
        rows.append(_row("all" if len(members) > 1 else members[0].outcome, sided, largest, float(found.p_adjusted.min()), drawn))
    return _capped(found), rows


def outcomes_jointly(
    names: Sequence[str], own: FloatArray, null: FloatArray, drawn: Assignments, alternative: Alternative
) -> tuple[FloatArray, list[dict[str, Any]]]:
    """The same for a statistic of one's own, one number an outcome: on the scale of its p-value among the draws."""
    p, draws = rank_p(own, null, drawn.weights, alternative)
    found = westfall_young(p=p, null=draws, probabilities=drawn.weights)
    row = _row("all", "smallest p", float(p.min()), float(found.p_adjusted.min()), drawn)
    return _capped(found), [row] if len(names) > 1 else []


def _capped(found: StepDown) -> FloatArray:
    return np.minimum(found.p_adjusted, 1.0)


def _t(found: ArmEffects, pairs: Sequence[tuple[int, int]]) -> FloatArray:
    """(B, comparisons) t of the first target."""
    columns = []
    for arm, reference in pairs:
        value, spread = found.contrast(arm, reference)
        assert spread is not None
        v, variance = value[:, 0], spread[:, 0, 0]
        # without spread the arms are apart exactly: as extreme as can be unless there is no difference
        apart = np.where(np.abs(v) > 0, np.inf * np.sign(v), 0.0)
        columns.append(np.divide(v, np.sqrt(np.maximum(variance, 0.0)), out=apart, where=variance > 0))
    return np.column_stack(columns)


def _f(found: ArmEffects) -> FloatArray:
    """(B,) Wald statistic of all treated arms over their number."""
    assert found.covariance is not None
    e, V = found.effects[:, :, 0], found.covariance[:, :, 0, :, 0]
    scale = np.sqrt(np.maximum(np.einsum("baa->ba", V), 0.0))
    flat = (scale <= 0).any(axis=1)
    safe = np.where(scale > 0, scale, 1.0)
    R = V / (safe[:, :, None] * safe[:, None, :])
    flat |= np.linalg.eigvalsh(R)[:, 0] <= FLAT
    R[flat] = np.eye(e.shape[1])
    z = e / safe
    out = np.einsum("ba,ba->b", z, np.linalg.solve(R, z[:, :, None])[:, :, 0]) / e.shape[1]
    return np.where(flat, np.where(np.abs(e).max(axis=1) > 0, np.inf, 0.0), out)


def _row(outcome: str, test: str, statistic: float, p: float, drawn: Assignments) -> dict[str, Any]:
    p = min(p, 1.0)
    error = 0.0 if drawn.enumerated else float(np.sqrt(p * (1 - p) / len(drawn.weights)))
    return {"outcome": outcome, "test": test, "statistic": statistic, "p_value": p, "mc_error": error}
