"""Whether those who were lost differ at baseline: tests of selective attrition by regression and by permutation.

Differential attrition alone is not the test of validity: equal shares may be lost for different reasons, and different shares for the same. With a baseline value
of the outcome two hypotheses can be tested:

- iv_r: among the observed, and among the lost, the arms are alike at baseline; then the comparison of respondents is valid for respondents.
- iv_p: all cells of arm and response are alike; then it is valid for everyone randomized.

With strata iv_p adds stratum effects and iv_r stratum x response effects (as Stata's attregtest), `saturated` compares cells within every stratum. Source:
Ghanem, Hirshleifer & Ortiz-Becerra (2023), Journal of Human Resources.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np

from trialkit.errors import CombinationError, MissingDataError, UsageError
from trialkit.estimate.linear.working import working_covariance
from trialkit.estimate.sample import Sample, units_of_variance
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.attrition.permutation import permutation_tests
from trialkit.inference.attrition.regression import BaselineFit, fit_baseline, joint_people, joint_units, single
from trialkit.inference.linear.covariance import KINDS, CovarianceKind
from trialkit.inference.linear.wald import WaldTest
from trialkit.printed import counted_people
from trialkit.results import Note
from trialkit.trial import ALONE, Trial

TESTS = ("iv_r", "iv_p")
ALL = "all"
FEW = 15  # people in a cell of arm and response below which the joint chi-square is not to be trusted


@dataclass(frozen=True, slots=True)
class _Cells:
    """Who is in which cell of arm and response (and stratum), with the columns beside them and the contrasts of cell means."""

    columns: FloatArray
    contrasts: FloatArray
    keep: BoolArray


def selective_tests(
    trial: Trial, observed: BoolArray, baselines: Sequence[str], *, covariance: str, saturated: bool
) -> tuple[list[dict[str, Any]], list[Note]]:
    """Rows iv_r and iv_p of each baseline and, with several, of all together."""
    clustered = trial.cluster is not None or bool((trial.group_codes != ALONE).any())
    kind = _kind(covariance, clustered)
    if saturated and not trial.strata:
        raise UsageError("saturated=True compares cells within strata: name the strata in Trial(strata=[...]).")
    notes: list[Note] = []
    if trial.weights is not None:
        notes.append(
            Note("tests_unweighted", "the tests of selective attrition and the verdict do not use the sampling weights.")
        )
    rows = []
    for test in TESTS:
        fits = [_fit(trial, observed, name, test, kind, saturated, notes) for name in baselines]
        rows += [
            _row(test, name, kind, _tried(partial(single, f, kind=kind), test, name, notes)) for f, name in zip(fits, baselines)
        ]
        if len(baselines) > 1 and not clustered:
            smallest = min(float(f.fit.X[:, f.contrasts.any(axis=0)].sum(axis=0).min()) for f in fits)
            if smallest < FEW:
                text = f"a cell of arm and response holds {smallest:.0f} people: the joint chi-square is for large numbers; read the tests one by one, or draw (n_draws=)."
                notes.append(Note("few_in_a_cell", text))
        if len(baselines) > 1:
            joint = joint_units if clustered else joint_people
            rows.append(
                _row(test, ALL, "CR2" if clustered else "HC0", _tried(partial(joint, fits), test, "all baselines", notes))
            )
    return rows, list(dict.fromkeys(notes))


def permutation_rows(
    trial: Trial, observed: BoolArray, baselines: Sequence[str], *, n_draws: int, seed: int
) -> tuple[list[dict[str, Any]], list[Note]]:
    """Rows of the permutation versions, all baselines together."""
    if trial.cluster is not None or (trial.group_codes != ALONE).any():
        what = "clusters" if trial.cluster is not None else "groups"
        raise CombinationError(
            f"the permutation version (n_draws=) exchanges people one by one, which {what} do not allow: leave n_draws out; the regression version "
            f"counts {what}."
        )
    if n_draws < 1:
        raise UsageError(f"n_draws={n_draws} must be 1 or more, such as 2000.")
    x = np.column_stack([_known(trial, b) for b in baselines])
    keep = np.isfinite(x).all(axis=1)
    stratum = trial.codes(*trial.strata)[keep] if trial.strata else None
    found = permutation_tests(
        x=x[keep], arm=trial.arm_codes[keep], observed=observed[keep], stratum=stratum, n_draws=n_draws, seed=seed
    )
    name = ALL if len(baselines) > 1 else baselines[0]
    rows = [
        {
            "test": f"{test}_permutation", "baseline": name, "statistic": one.statistic, "distribution": "permutation", "df_num": math.nan,
            "df_denom": math.nan, "p_value": one.p_value, "covariance": f"{n_draws} permutations",
        }
        for test, one in zip(TESTS, found)
    ]  # fmt: skip
    return rows, []


def _kind(covariance: str, clustered: bool) -> CovarianceKind:
    kind = ("CR2" if clustered else "HC2") if covariance == "auto" else covariance
    if kind not in KINDS:
        raise CombinationError(f"covariance={covariance!r} is unknown: it is 'auto' or one of {', '.join(KINDS)}.")
    if kind.startswith("CR") and not clustered:
        raise CombinationError(
            f"covariance='{kind}' needs groups or clusters: name them in Trial(group=...) or Trial(cluster=...)."
        )
    return cast(CovarianceKind, kind)


def _known(trial: Trial, name: str) -> FloatArray:
    values = trial.values(name)
    if not np.isfinite(values).any():
        raise MissingDataError(f"the baseline '{name}' has no values at all: check the column.")
    return values


def _fit(trial: Trial, observed: BoolArray, name: str, test: str, kind: str, saturated: bool, notes: list[Note]) -> BaselineFit:
    values = _known(trial, name)
    known = np.isfinite(values)
    if not known.all():
        notes.append(Note("baseline_missing", counted_people(int((~known).sum()), f"have no '{name}' and are not in its tests.")))
    unit = units_of_variance(trial, trial.codes(trial.cluster) if trial.cluster else None, trial.group_codes)
    cells = _cells(trial, observed, unit, known, test, saturated, notes)
    rows = np.flatnonzero(cells.keep)
    y = values[rows]
    spread = float(y.std())
    if not spread > 0:
        raise UsageError(f"the baseline '{name}' is the same for everyone: it cannot show who is lost. Choose another.")
    fit = fit_baseline(y=(y - y.mean()) / spread, X=cells.columns)
    contrasts = cells.contrasts[:, fit.kept]
    working = None
    if kind in ("CR2", "CR3") and trial.cluster is None:
        s = Sample(
            name, fit.residuals, trial.arm_codes[rows], trial.arms, np.empty((len(rows), 0)), (), None, None, trial.group_codes[rows],
            unit[rows], None, rows, (),
        )  # fmt: skip
        working = working_covariance(s, fit.X)
        if working is None:
            notes.append(
                Note("working_df_failed", f"the group variance of '{name}' could not be fitted: df are those under independence.")
            )
    return BaselineFit(fit, unit[rows], contrasts, working)


def _cells(
    trial: Trial, observed: BoolArray, unit: IntArray, known: BoolArray, test: str, saturated: bool, notes: list[Note]
) -> _Cells:
    """Cells with two independent units or more; the people of others are left out of the tests and said so."""
    stratum = trial.codes(*trial.strata) if trial.strata else np.zeros(trial.n, dtype=np.int64)
    part = stratum if saturated else np.zeros(trial.n, dtype=np.int64)
    keys, small = [], 0
    keep = known.copy()
    for key in sorted(set(zip(part[known].tolist(), observed[known].tolist(), trial.arm_codes[known].tolist()))):
        inside = known & (part == key[0]) & (observed == key[1]) & (trial.arm_codes == key[2])
        if len(np.unique(unit[inside])) < 2:
            small += int(inside.sum())
            keep &= ~inside
        else:
            keys.append(key)
    if small:
        notes.append(
            Note(
                "small_cells",
                counted_people(
                    small, "are alone (or in one group) in their cell of arm and response and are left out of the tests."
                ),
            )
        )
    columns = [((part == p) & (observed == r) & (trial.arm_codes == a)).astype(float) for p, r, a in keys]
    contrasts = _contrasts(keys, test)
    if not len(contrasts):
        raise MissingDataError("no two cells of arm and response hold people: there is nothing to compare.")
    beside: list[FloatArray] = []
    if trial.strata and not saturated:
        for s in np.unique(stratum[keep])[1:]:
            inside = (stratum == s).astype(float)
            beside += [inside, inside * observed] if test == "iv_r" else [inside]
    stacked = np.column_stack([*columns, *beside])[keep]
    return _Cells(stacked, np.pad(contrasts, ((0, 0), (0, len(beside)))), keep)


def _contrasts(keys: Sequence[tuple[int, bool, int]], test: str) -> FloatArray:
    """Differences of cells from the first of theirs: of the stratum, and for iv_r of the response too."""
    first: dict[Any, int] = {}
    out = []
    for j, (p, r, _) in enumerate(keys):
        home = (p, r) if test == "iv_r" else p
        if home in first:
            row = np.zeros(len(keys))
            row[j], row[first[home]] = 1.0, -1.0
            out.append(row)
        else:
            first[home] = j
    return np.array(out).reshape(len(out), len(keys))


def _tried(run: Callable[[], WaldTest], test: str, name: str, notes: list[Note]) -> WaldTest:
    try:
        found = run()
    except ValueError as error:
        notes.append(Note("test_undefined", f"{test} of {name} is not defined: {error}."))
        return WaldTest(math.nan, 0, math.nan, math.nan)
    if math.isnan(found.p_value):
        notes.append(
            Note(
                "test_undefined",
                f"{test} of {name} is not defined: too few groups or clusters for {found.df_num} comparisons at once.",
            )
        )
    return found


def _row(test: str, baseline: str, kind: str, found: WaldTest) -> dict[str, Any]:
    return {
        "test": test, "baseline": baseline, "statistic": found.statistic, "distribution": "chi2" if math.isinf(found.df_denom) else "F",
        "df_num": float(found.df_num), "df_denom": found.df_denom, "p_value": found.p_value, "covariance": kind,
    }  # fmt: skip
