"""One factor per wave and group, with loadings, intercepts and residual variances equal over waves and groups, level by level.

In wave w of group g item j follows x = nu + lambda eta + e. Configural: every wave and group has numbers of its own. Metric: lambda
is the same everywhere. Scalar: nu too. Strict: var(e) too. The factor has variance 1 and mean 0 in the first wave of the first
group; its variance elsewhere is free once loadings are equal, its mean once intercepts are. Residuals of the same item covary
over waves. Sources: Meredith (1993), Psychometrika 58; Widaman, Ferrer & Conger (2010) for waves; Byrne, Shavelson & Muthen (1989)
for letting single places go free.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy import special

from trialkit.inference.factor.fit import Fit
from trialkit.inference.factor.model import FactorModel, Kind, Parameter
from trialkit.inference.factor.modification import release_tests

Level: TypeAlias = Literal["configural", "metric", "scalar", "strict"]

LEVELS: tuple[Level, ...] = ("configural", "metric", "scalar", "strict")
EQUAL: dict[Level, tuple[Kind, ...]] = {
    "configural": (),
    "metric": ("loading",),
    "scalar": ("loading", "intercept"),
    "strict": ("loading", "intercept", "residual"),
}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A number of one item in one wave of one group, all counted from 0."""

    kind: Kind
    item: int
    wave: int
    group: int


def invariant_model(
    n_items: int, n_waves: int, n_groups: int, level: Level, freed: Collection[Place] = frozenset()
) -> FactorModel:
    """The model of a level; item j of wave w is item w n_items + j of the model, and `freed` places have numbers of their own."""
    equal = EQUAL[level]
    table: list[Parameter] = []

    def label(kind: Kind, item: int, wave: int, group: int) -> str:
        shared = kind in equal and Place(kind, item, wave, group) not in freed
        return f"{kind} {item}" + ("" if shared else f" at {wave}, {group}")

    for g in range(n_groups):
        for w in range(n_waves):
            for j in range(n_items):
                row = w * n_items + j
                table.append(Parameter("loading", g, row, w, label("loading", j, w, g)))
                table.append(Parameter("residual", g, row, row, label("residual", j, w, g)))
                table.append(Parameter("intercept", g, row, 0, label("intercept", j, w, g)))
                table += [Parameter("residual", g, row, v * n_items + j, f"same item {j}: {w}, {v}, {g}") for v in range(w)]
            first = g == 0 and w == 0
            if first or "loading" not in equal:
                table.append(Parameter("factor", g, w, w, None, 1.0))
            else:
                table.append(Parameter("factor", g, w, w, f"variance of {w}, {g}"))
            table += [Parameter("factor", g, w, v, f"covariance of {w}, {v}, {g}") for v in range(w)]
            if "intercept" in equal and not first:
                table.append(Parameter("mean", g, w, 0, f"mean of {w}, {g}"))
    return FactorModel(n_items * n_waves, n_waves, n_groups, True, tuple(table))


def largest_release(fit: Fit, kind: Kind, n_items: int, kept: Collection[int]) -> tuple[Place, float] | None:
    """The place of this kind whose equality the data speak against most, and its score test (1 df); items in `kept` stay equal."""
    tests = release_tests(fit)
    best: tuple[Place, float] | None = None
    for p, index in zip(tests.parameters, tests.index):
        wave, item = divmod(p.row, n_items)
        if p.kind != kind or (kind == "residual" and p.row != p.col) or item in kept or not math.isfinite(index):
            continue
        if best is None or index > best[1]:
            best = Place(kind, item, wave, p.group), float(index)
    return best


@dataclass(frozen=True, slots=True)
class Difference:
    """Likelihood ratio test of a model within another."""

    chisq: float
    df: int
    p_value: float


def difference(chisq: float, df: int, free_chisq: float, free_df: int) -> Difference:
    """The narrower model first."""
    return _tested(chisq - free_chisq, df - free_df)


def scaled_difference(chisq: float, df: int, scaling: float, free_chisq: float, free_df: int, free_scaling: float) -> Difference:
    """The same from unscaled chi-squares and their scaling factors: T_d / c_d, c_d = (df c - df' c') / (df - df').

    NaN where c_d is not positive. Source: Satorra & Bentler (2001), Psychometrika 66.
    """
    steps = df - free_df
    own = free_df * free_scaling if free_df else 0.0
    scale = (df * scaling - own) / steps if steps else math.nan
    return _tested((chisq - free_chisq) / scale if scale > 0 else math.nan, steps)


def _tested(chisq: float, df: int) -> Difference:
    known = math.isfinite(chisq) and df > 0
    return Difference(chisq, df, float(special.chdtrc(df, max(chisq, 0.0))) if known else math.nan)


def improper(fit: Fit) -> bool:
    """A negative residual or factor variance, or factors that correlate beyond one."""
    at = fit.point.matrices
    return bool(
        (np.einsum("gii->gi", at.residuals) < 0).any() or min(np.linalg.eigvalsh(psi).min() for psi in at.factors) < -1e-8
    )
