"""Is a scale the same measure at both waves, and in both arms?"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from trialkit.errors import UsageError, shown
from trialkit.inference.factor.invariant import LEVELS, Level, improper
from trialkit.measurement.factor_models.cfa_data import Missing
from trialkit.measurement.factor_models.cfa_result import fit_verdict
from trialkit.measurement.invariance.data import Answers, read_answers
from trialkit.measurement.invariance.ladder import SMALL, Change, Step, bounds, climb, compare, holds
from trialkit.measurement.invariance.partial import search
from trialkit.measurement.invariance.result import InvarianceResult
from trialkit.measurement.invariance.verdict import change_in_words, invariance_verdict, no_common_model
from trialkit.misuse import explained
from trialkit.results import Note

_FEW_CLUSTERS = 40
_CLEARLY = 0.01
_NUMBERS = (
    "chisq", "df", "p_value", "cfi", "rmsea", "srmr", "chisq_scaled", "p_scaled", "cfi_corrected", "rmsea_corrected",
    "chisq_change", "df_change", "p_change", "cfi_change", "rmsea_change", "srmr_change",
)  # fmt: skip


@explained
def invariance(
    data: Any,
    items: Sequence[Hashable] | None = None,
    *,
    waves: Mapping[str, Sequence[Hashable]] | None = None,
    by: Any = None,
    levels: Sequence[Level] = ("configural", "metric", "scalar"),
    partial: bool = True,
    missing: Missing = "fiml",
    robust: Literal[False, "mlr"] = False,
    cluster: Any = None,
) -> InvarianceResult:
    """Test whether items measure the same thing in the same way over waves, over arms, or over both.

    A difference in a scale is a difference in what it measures only when the items keep their unit (loadings: metric invariance)
    and their zero point (intercepts: scalar invariance). A programme that changes how people read a question, and not only what
    they feel, breaks that: response shift.

    Parameters
    ----------
    data : data frame with the items as columns, already recoded (`tk.measurement.score` reverses items).
    items : item columns of one wave, to be compared over `by`.
    waves : item columns of each wave, the same items in the same order: {"t0": ["t0_i1", ...], "t1": ["t1_i1", ...]}. One factor a wave;
        residuals of the same item covary over waves.
    by : column or one value a person: arms, languages. With `waves` everything is equal over both at once.
    levels : of "configural", "metric", "scalar", "strict" (residual variances too), from the first without gaps.
    partial : when a level fails, let go the number that the data speak against most (largest score test), refit, and go on until the
        level holds or only two items are left equal. The numbers let go are named.
    missing : "fiml" uses everyone with at least one answer (missing at random given the answers there are); "listwise" only people
        with all answers.
    robust : "mlr" gives Yuan-Bentler scaled tests and robust indices, for answers that are not normal.
    cluster : column or one value a person: people of one peer group may be alike. Tests and indices are then robust to that; a
        person without a value is a cluster of one.

    Returns
    -------
    InvarianceResult
        `.tidy()` one row a model with its fit and changes, `.verdict`, `.level`, `.scalar`, `.freed`. A level holds by the bounds of Chen
        (2007): CFI falls by less than .010, and RMSEA rises by less than .015 or SRMR by less than .030 (metric) or .010 (scalar, strict).
        A configural model that does not fit by Hu & Bentler's bounds is said so, and nothing above it is judged.

    Raises
    ------
    UsageError
        Neither or both of items and waves, waves with different numbers of items, levels with a gap.
    NotIdentifiedError
        Fewer than three items.
    ColumnNotFoundError, ValueTypeError, DataError, MissingDataError, EstimationError
        As `tk.measurement.cfa`.

    Notes
    -----
    The likelihood ratio test (p_change) is given beside Chen's bounds: in large samples it rejects differences of no consequence, in
    small ones it misses large ones. Sources: Meredith (1993), Psychometrika 58; Chen (2007), Structural Equation Modeling 14;
    Satorra & Bentler (2001) for scaled differences; Byrne, Shavelson & Muthen (1989) for partial invariance; Oort (2005) for
    response shift.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> mood = rng.multivariate_normal([0, 0.3], [[1, 0.6], [0.6, 1]], size=500)
    >>> data = pd.DataFrame({f"t{w}_{i}": mood[:, w] + rng.normal(size=500) for w in (0, 1) for i in ("calm", "glad", "rested", "keen")})
    >>> lists = {w: [c for c in data if c.startswith(w)] for w in ("t0", "t1")}
    >>> found = tk.measurement.invariance(data, waves=lists)
    >>> found.level, found.tidy()["df"].tolist()
    ('scalar', [15, 18, 21])
    """
    asked = _levels(levels, missing, robust)
    answers = read_answers(data, items, waves, by, cluster, missing)
    corrected = robust == "mlr" or answers.data.unit is not None
    full = climb(answers, asked, robust=corrected)
    fit_text, fits = fit_verdict(_fit_details(full[0]), _improper_text(full[0]))
    judged = fits is not False and not improper(full[0].fit)
    changes = [compare(step, before) for before, step in pairwise(full)]
    kept = _holding(full, changes, fits, judged)
    reached, extra = _reached(answers, full, kept, partial and judged, robust=corrected)
    unfitted = asked[len(full) :]
    rows = [*_rows(answers, full, changes, kept), *_unfitted_rows(unfitted, judged=judged), *_partial_rows(answers, extra)]
    failed = next(((s.name, change_in_words(c)) for s, c, k in zip(full[1:], changes, kept[1:]) if k is False), None)
    if failed is None and unfitted:
        failed = (unfitted[0], "the data contradict it so much that the model has no solution")
    freed = [answers.place(p) for p in sorted(reached.freed)]
    text = invariance_verdict(answers.over, reached.name, reached.level, failed, freed, len(asked) > 1)
    unknown = next((s.name for s, k in zip(full[1:], kept[1:]) if k is None), None) if judged else None
    if unknown is not None:
        text = f"{unknown} invariance over {answers.over} cannot be judged: its scaled indices are undefined."
    details = {
        "verdict": text if judged else no_common_model(answers.over, fit_text),
        "level": reached.name if judged else "none",
        "freed": freed if judged else [],
        "freed_places": [[p.kind, p.item, p.wave, p.group] for p in sorted(reached.freed)] if judged else [],
        "columns": [list(answers.data.items[j :: answers.n_items]) for j in range(answers.n_items)],
        "scalar": _scalar(reached, asked, judged and unknown is None),
        "over": answers.over,
        "waves": [w for w in answers.waves if w],
        "groups": [g for g in answers.data.group_labels if g],
        "items": [answers.item(j) for j in range(answers.n_items)],
        "n": full[0].fit.n,
        "n_groups": len(np.unique(answers.data.unit)) if answers.data.unit is not None else 0,
        "bounds": {s.name: [bounds(s.level).cfi, bounds(s.level).rmsea, bounds(s.level).srmr] for s in full[1:]},
    }
    notes = (*answers.notes, *_notes(answers, full, changes, extra, unfitted, judged))
    return InvarianceResult((), notes, details, tuple(rows))


def _levels(levels: Sequence[Level], missing: str, robust: object) -> tuple[Level, ...]:
    if isinstance(levels, str):
        raise UsageError(f"levels takes a list: write levels=['configural', '{levels}'].")
    unknown = [str(k) for k in levels if k not in LEVELS]
    if unknown:
        raise UsageError(f"levels has {shown(unknown)}, which is none of {shown(LEVELS)}.")
    if not levels or tuple(levels) != LEVELS[: len(levels)]:
        raise UsageError(
            f"levels must go from 'configural' upward without gaps, because each is compared with the one before: {shown(LEVELS)}."
        )
    if missing not in ("fiml", "listwise"):
        raise UsageError(f"missing={missing!r} is unknown; use 'fiml' or 'listwise'.")
    if robust not in (False, "mlr"):
        raise UsageError(f"robust={robust!r} is unknown; use False or 'mlr'.")
    return tuple(levels)


def _fit_details(step: Step) -> dict[str, Any]:
    """What the verdict on the fit of a model reads."""
    out: dict[str, Any] = {
        k: getattr(step.indices, k) for k in ("chisq", "p_value", "df", "cfi", "rmsea", "srmr", "baseline_chisq", "baseline_df")
    }
    c = step.corrected
    names = ("chisq_scaled", "p_scaled", "cfi_robust", "rmsea_robust", "cfi_scaled", "rmsea_scaled")
    if c is None:
        return out | dict.fromkeys(names, math.nan)
    return out | dict(zip(names, (c.chisq, c.p_value, c.cfi, c.rmsea.value, c.cfi_scaled, c.rmsea_scaled.value)))


def _improper_text(step: Step) -> str:
    return "a residual variance is negative or factors correlate beyond one" if improper(step.fit) else ""


def _holding(full: list[Step], changes: list[Change], fits: bool | None, judged: bool) -> list[bool | None]:
    """Whether each level holds; a level above one that fails fails too."""
    if not judged:
        return [False, *(None for _ in changes)]
    out: list[bool | None] = [fits]
    for step, change in zip(full[1:], changes):
        out.append(False if out[-1] is False else holds(change, bounds(step.level)))
    return out


def _reached(
    answers: Answers, full: list[Step], kept: list[bool | None], partial: bool, *, robust: bool
) -> tuple[Step, list[tuple[Step, Step]]]:
    """The highest model that holds, and the partial models on the way, each with the model it was compared with."""
    reached, extra = full[0], []
    for step, ok in zip(full[1:], kept[1:]):
        if ok:
            reached = step
            continue
        if ok is None:
            break
        found = search(answers, step.level, reached, robust=robust) if partial else None
        if found is None:
            break
        extra.append((found, reached))
        reached = found
    return reached, extra


def _scalar(reached: Step, asked: tuple[Level, ...], judged: bool) -> str:
    if "scalar" not in asked:
        return "not tested"
    if not judged:
        return "not judged"
    if reached.level not in ("scalar", "strict"):
        return "fails"
    moved = any(p.kind != "residual" for p in reached.freed)
    return "partial" if moved else "full"


def _rows(answers: Answers, full: list[Step], changes: list[Change], kept: list[bool | None]) -> list[dict[str, Any]]:
    rows = [_row(answers, full[0], None, None, kept[0])]
    return rows + [_row(answers, s, b.name, c, k) for s, b, c, k in zip(full[1:], full, changes, kept[1:])]


def _partial_rows(answers: Answers, extra: list[tuple[Step, Step]]) -> list[dict[str, Any]]:
    return [_row(answers, s, b.name, compare(s, b), True) for s, b in extra]


def _unfitted_rows(levels: Sequence[Level], *, judged: bool) -> list[dict[str, Any]]:
    """Levels without a solution: they do not hold."""
    blank = dict.fromkeys(_NUMBERS, math.nan)
    ends = {"holds": False if judged else None, "freed": ""}
    return [{"model": k, "against": LEVELS[LEVELS.index(k) - 1]} | blank | ends for k in levels]


def _row(answers: Answers, step: Step, against: str | None, change: Change | None, ok: bool | None) -> dict[str, Any]:
    i, c, nan = step.indices, step.corrected, math.nan
    return {
        "model": step.name,
        "against": against or "",
        "chisq": i.chisq,
        "df": int(i.df),
        "p_value": i.p_value,
        "cfi": i.cfi,
        "rmsea": i.rmsea,
        "srmr": i.srmr,
        "chisq_scaled": nan if c is None else c.chisq,
        "p_scaled": nan if c is None else c.p_value,
        "cfi_corrected": nan if c is None else step.cfi,
        "rmsea_corrected": nan if c is None else step.rmsea,
        "chisq_change": nan if change is None else change.test.chisq,
        "df_change": nan if change is None else change.test.df,
        "p_change": nan if change is None else change.test.p_value,
        "cfi_change": nan if change is None else change.cfi,
        "rmsea_change": nan if change is None else change.rmsea,
        "srmr_change": nan if change is None else change.srmr,
        "holds": ok,
        "freed": "; ".join(answers.place(p) for p in sorted(step.freed)),
    }


def _notes(
    answers: Answers,
    full: list[Step],
    changes: list[Change],
    extra: list[tuple[Step, Step]],
    unfitted: Sequence[Level],
    judged: bool,
) -> list[Note]:
    notes = []
    if unfitted and judged:
        text = f"no solution was found for: {shown(unfitted)}. The equalities push residual variances below zero; the level does not hold."
        notes.append(Note("no_solution", text))
    if extra:
        text = "the numbers let go were found by looking for the worst in these data; they need a reason in the items, and a fresh sample."
        notes.append(Note("partial_search", text))
    shared = answers.n_items - len({p.item for s, _ in extra for p in s.freed if p.kind != "residual"})
    if extra and 2 * shared < answers.n_items:
        notes.append(
            Note(
                "few_equal_items",
                f"only {shared} of {answers.n_items} items are equal throughout: a weak tie for a comparison of means.",
            )
        )
    rejected = [s.name for s, c in zip(full[1:], changes) if holds(c, bounds(s.level)) and c.test.p_value < _CLEARLY]
    if rejected and judged:
        text = f"exact equality is rejected all the same (p_change below {_CLEARLY}) for: {shown(rejected)}; by Chen's bounds the misfit is small."
        notes.append(Note("exact_equality", text))
    if full[0].fit.n <= SMALL and judged:
        stricter = [
            s.name
            for s, c in zip(full[1:], changes)
            if holds(c, bounds(s.level)) and holds(c, bounds(s.level, small=True)) is False
        ]
        if stricter:
            text = f"by stricter bounds for {SMALL} people or fewer (CFI .005, RMSEA .010, SRMR .025 or .005; not checked against the source) this fails: {shown(stricter)}."
            notes.append(Note("small_sample", text))
    odd = [s.name for s in (*full[1:], *(s for s, _ in extra)) if improper(s.fit)]
    if odd and judged:
        notes.append(
            Note("improper", f"negative variances or correlations beyond one in: {shown(odd)}; do not interpret those models.")
        )
    unscaled = [s.name for s in full if s.corrected is not None and s.fit.df > 0 and math.isnan(s.corrected.scaling)]
    if unscaled:
        notes.append(
            Note(
                "no_scaling", f"the scaling factor of the chi-square is not positive in: {shown(unscaled)}; they are not judged."
            )
        )
    elif full[0].corrected is not None and not answers.data.complete:
        notes.append(
            Note("robust_missing", "robust CFI and RMSEA are not defined with missing answers; the scaled ones are used.")
        )
    if answers.data.unit is not None:
        several = int((np.bincount(answers.data.unit) > 1).sum())
        if several < _FEW_CLUSTERS:
            text = f"{several} clusters have more than one person; below about {_FEW_CLUSTERS} the robust tests reject too often."
            notes.append(Note("few_clusters", text))
    return notes
