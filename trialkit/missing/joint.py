"""Imputation of the waves of one outcome under the joint normal model, missing at random or by a reference-based rule."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence

import numpy as np

from trialkit.design.stream import Stream
from trialkit.errors import ArmError, EstimationError, UsageError, nearest, shown
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.imputation.reference import Rule, last_observed, rule_covariance, rule_mean
from trialkit.inference.imputation.waves import WavesDraw, draw_waves, fill
from trialkit.missing.columns import Prepared
from trialkit.missing.imputations import Imputations, Progress, missing_of
from trialkit.results import Note
from trialkit.trial import Trial

_NUMBERED = re.compile(r"^(.*?)(\d+)(\D*)$")

RULES: Mapping[str, str] = {
    "mar": "as people of the same arm with the same observed values",
    "cr": "as if the person had been in the reference arm throughout",
    "j2r": "with the mean of the reference arm from the first missing wave on, as if the effect were gone at once",
    "cir": "with the changes over time of the reference arm from the last observed wave on, as if the effect so far were kept and nothing added",
    "lmcf": "with the mean of the own arm at the last observed wave",
}


def wave_names(waves: Sequence[str] | Mapping[float, str]) -> tuple[str, ...]:
    """Columns in order of time; numbered names that run backwards are refused."""
    if isinstance(waves, str):
        raise UsageError(f"the waves are a list of columns in order of time: write ['{waves}', ...].")
    if isinstance(waves, Mapping):
        times = list(waves)
        if times != sorted(times):
            raise UsageError(f"the times of the waves run {shown(times)}: give them in increasing order.")
        return tuple(waves.values())
    names = tuple(waves)
    parts = [_NUMBERED.match(n) for n in names]
    numbered = [(m.group(1), m.group(3), int(m.group(2))) for m in parts if m]
    if len(numbered) == len(names) > 1 and len({n[:2] for n in numbered}) == 1:
        numbers = [n[2] for n in numbered]
        if numbers != sorted(numbers):
            raise UsageError(
                f"the waves {shown(names)} do not run in order of time: the rules look at what comes after the last observed wave. Put them in "
                "order, or say their times: {0.5: 'column', 1: 'column'}."
            )
    return names


def reference_code(trial: Trial, reference: Hashable | None) -> int:
    if reference is None:
        return 0
    if reference not in trial.arms:
        near = nearest(str(reference), trial.arms)
        raise ArmError(
            f"the reference arm {reference!r} is not an arm; the arms are {shown(trial.arms)}.{f' Did you mean {near!r}?' if near else ''}"
        )
    return trial.arms.index(reference)


def check_waves(p: Prepared) -> None:
    for j, name in enumerate(p.columns):
        known = p.values[np.isfinite(p.values[:, j]), j]
        if np.isin(known, (0.0, 1.0)).all():
            raise UsageError(
                f"'{name}' holds 0 and 1 only, and reference-based rules rest on a joint normal model. Use strategy='mar', and tk.missing.what_if or "
                "tk.missing.tipping_point for other assumptions."
            )


def design_matrix(p: Prepared, inside: IntArray) -> FloatArray:
    """Constant and the predictors, those dependent among rows `inside` left out, standardized over everyone."""
    centre, scale = p.fixed.mean(axis=0), p.fixed.std(axis=0)
    X = np.column_stack([np.ones(len(p.fixed)), (p.fixed - centre) / np.where(scale > 0, scale, 1.0)])
    keep: list[int] = []
    for j in range(X.shape[1]):
        if np.linalg.matrix_rank(X[inside][:, [*keep, j]], tol=1e-8 * np.sqrt(len(inside))) == len(keep) + 1:
            keep.append(j)
    return X[:, keep]


def impute_waves(
    trial: Trial, p: Prepared, rule: Rule, reference: int, seed: int, m: int, progress: Progress | None
) -> Imputations:
    """Imputations of the waves `p.columns`."""
    check_waves(p)
    rows = [np.flatnonzero(p.arm == a) for a in range(len(trial.arms))]
    designs = [_arm_design(trial, p, a, rows) for a in range(len(trial.arms))]
    chains = [_draws(p, rows[a], designs[a][rows[a]], m, seed, a) for a in range(len(trial.arms))]
    holes = np.isnan(p.values)
    last = last_observed(~holes)
    missing = missing_of(p.rows, holes, p.columns)
    drawn = {n: np.empty((m, len(r))) for n, r in missing.items()}
    for i in range(m):
        states = [next(c) for c in chains]
        done = np.where(holes, np.nan, p.values)
        rng = Stream(seed, len(rows), i).generator()
        for a, inside in enumerate(rows):
            if rule == "mar" or a in (0, reference):
                done[inside] = states[a].y
            else:
                _by_rule(done, inside, rule, states[a], states[reference], designs[a], designs[reference], last, rng)
        for name in missing:
            j = p.columns.index(name)
            drawn[name][i] = done[holes[:, j], j]
        if progress is not None:
            progress("impute", i + 1, m)
    notes = list(p.notes)
    if rule != "mar":
        between = int(sum(np.isnan(p.values[:, j])[last > j].sum() for j in range(len(p.columns))))
        notes.append(
            Note(
                "reference_based",
                f"missing waves after the last observed one are imputed {RULES[rule]} (reference {trial.arms[reference]!r}); {between} missing values before it as "
                "missing at random. Rubin's rules then give a standard error near that of the complete-case analysis, larger than the variance over repeated trials.",
            )
        )
    shape = np.full((m, 1, len(p.columns)), np.nan)
    means, sds = shape.copy(), shape.copy()
    for name in missing:
        means[:, 0, p.columns.index(name)], sds[:, 0, p.columns.index(name)] = drawn[name].mean(axis=1), drawn[name].std(axis=1)
    words = "joint normal" + (" with group effects" if (p.group >= 0).any() else "")
    return Imputations(trial, p.columns, dict.fromkeys(p.columns, words), missing, drawn, m, rule, tuple(notes), means, sds)


def _arm_design(trial: Trial, p: Prepared, a: int, rows: Sequence[IntArray]) -> FloatArray:
    """Predictors of one arm."""
    X = design_matrix(p, rows[a])
    if len(rows[a]) < X.shape[1] + 2 * len(p.columns) + 2:
        raise EstimationError(
            f"arm {trial.arms[a]!r} has {len(rows[a])} people for {X.shape[1]} predictors and {len(p.columns)} waves: name fewer predictors."
        )
    return X


def _draws(p: Prepared, inside: IntArray, X: FloatArray, m: int, seed: int, a: int) -> Iterator[WavesDraw]:
    y = p.values[inside]
    centre, scale = np.nanmean(y, axis=0), np.maximum(np.nanstd(y, axis=0), 1e-12)
    codes = np.full(len(inside), -1, dtype=np.int64)
    member = p.group[inside] >= 0
    found, inner = np.unique(p.group[inside][member], return_inverse=True)
    codes[member] = inner
    rng = Stream(seed, a).generator()
    for d in draw_waves(y=(y - centre) / scale, X=X, group=codes, n_groups=len(found), draws=m, rng=rng):
        coef = d.coef * scale
        coef[0] += centre
        shift = np.zeros((len(inside), len(scale)))
        shift[member] = (d.effects * scale)[codes[member]]
        both = np.outer(scale, scale)
        yield WavesDraw(coef, d.sigma * both, d.psi * both, shift, np.where(np.isnan(y), d.y * scale + centre, y))


def _by_rule(
    done: FloatArray,
    inside: IntArray,
    rule: Rule,
    own: WavesDraw,
    other: WavesDraw,
    X_own: FloatArray,
    X_other: FloatArray,
    last: IntArray,
    rng: np.random.Generator,
) -> None:
    """Draw the missing waves of one arm; the group's effect is part of the own arm's mean, a grouped reference counts its groups as spread."""
    mean_own = X_own[inside] @ own.coef + own.effects
    mean_other = X_other[inside] @ other.coef
    spread_other = other.sigma + other.psi
    open_rows = np.isnan(done[inside])
    keys = np.column_stack([last[inside], open_rows])
    kinds, which = np.unique(keys, axis=0, return_inverse=True)
    which = which.reshape(-1)
    for k, kind in enumerate(kinds):
        observed = ~kind[1:].astype(bool)
        if observed.all():
            continue
        chosen = np.flatnonzero(which == k)
        mean = rule_mean(rule=rule, own=mean_own[chosen], reference=mean_other[chosen], last=int(kind[0]))
        spread = rule_covariance(rule=rule, own=own.sigma, reference=spread_other, last=int(kind[0]))
        part = done[inside[chosen]]
        fill(part, mean, spread, [(np.arange(len(chosen)), observed)], rng)
        done[inside[chosen]] = part
