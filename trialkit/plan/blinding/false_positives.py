"""How often the planned analysis finds an effect in one's own data where there is none: arms drawn anew many times, the primary estimates made of each.

A test at level alpha rejects a share alpha of trials without an effect. Here people, covariates, losses and outcomes are those of the data, so the share is that
of this analysis on this population: it shows skewed outcomes, few groups, strata or covariates that the theory of the test does not foresee.
"""

from __future__ import annotations

import math
import time
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from trialkit.design.stream import checked_seed
from trialkit.errors import EstimationError, TrialkitError, UsageError
from trialkit.estimate.itt import itt
from trialkit.plan.blinding.made_up import MadeUp, made_up
from trialkit.plan.planned.asked import better_of
from trialkit.plan.planned.prepare import Prepared
from trialkit.plan.words.not_yet import not_yet
from trialkit.results import Note, TableResult
from trialkit.trial import Trial

if TYPE_CHECKING:
    from trialkit.design.base import Design
    from trialkit.plan.record import PlanRecord
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["FalsePositives", "false_positives"]

Reading = Literal["as it should", "too often", "too seldom", "not known"]
PLANNED, IGNORED = "as planned", "groups ignored"
AT_ONCE = 5
Found = dict[tuple[str, str, str], float]


@dataclass(frozen=True)
class FalsePositives(TableResult):
    """Shares of made-up trials without an effect in which p was below alpha.

    `.tidy()` has a row an outcome, contrast and analysis: repeats (that could be analysed), rejected, share, mc_error (its Monte Carlo standard error), conf_low
    and conf_high (exact 95 % interval of the share), alpha, expected_low and expected_high (where 95 % of shares of an exact test lie), reading and failures.
    The analysis 'groups ignored' is the same without the groups, as a comparison; 'any primary' is the share with at least one uncorrected p below alpha.
    """

    kind = "false_positives"

    @property
    def repeats(self) -> int:
        return int(self.details["repeats"])

    def _title(self) -> str:
        d = self.details
        groups = f", ICC of made-up groups {d['icc']:g}" if d["icc"] is not None else ""
        return f"False positives in {d['repeats']} made-up trials from {d['file']} (seed {d['seed']}{groups})"

    def __str__(self) -> str:
        lines = [self._title()]
        for r in self.table:
            what = f"{r['outcome']}, {r['contrast']}" if r["contrast"] else r["outcome"]
            share = (
                "no share"
                if r["share"] is None
                else f"{_percent(r['share'])} of trials (Monte Carlo error {_percent(r['mc_error'])})"
            )
            ought = (
                ""
                if r["alpha"] is None
                else f"; of an exact test {_percent(r['expected_low'])} to {_percent(r['expected_high'])}: {r['reading']}"
            )
            lines.append(f"  {what}, {r['analysis']}: p < {self.details['alpha']:g} in {share}{ought}")
        d = self.details
        lines.append(f"  {d['design']}; {d['seconds']:.0f} seconds, {1000 * d['seconds_per_repeat']:.0f} ms a repeat")
        return "\n".join([*lines, *(f"  note: {n.text}" for n in self.notes)])


def false_positives(
    plan: PlanRecord,
    data: Any,
    *,
    repeats: int = 500,
    seed: int,
    icc: float | None = None,
    take_up: float | None = None,
    design: Design | None = None,
    workers: int = 1,
    told: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> FalsePositives:
    """Stage 2 of blinding, repeated: the primary estimates on arms that are made up anew each time.

    Parameters
    ----------
    plan : a `tk.Plan`. data : a path or any data frame; the arm may be absent already.
    repeats : made-up trials; 500 give a Monte Carlo error of 1 percentage point. seed : required.
    icc, take_up, design : as in `run_rerandomized`.
    workers : processes; the numbers do not depend on it.
    told : called once with how long it will take, after the first repeat was timed. progress : called with (done, repeats).

    Returns
    -------
    FalsePositives
        With groups in an arm every outcome stands twice: as planned, and by the same analysis without the groups.

    Raises
    ------
    UsageError, DataError, PlanError, DesignError
        With the remedy.
    EstimationError
        The first made-up trials cannot be analysed; what the analysis says.

    Notes
    -----
    Only the planned estimates of the primary outcomes are made, with their own p-values; corrections, companions and pages are left out. Trials that could not
    be analysed are counted and left out of the shares.

    Examples
    --------
    >>> print(false_positives(plan, "wave1.sav", repeats=500, seed=1, workers=2))     # doctest: +SKIP
    """
    if isinstance(repeats, bool) or not isinstance(repeats, (int, np.integer)) or repeats < 20:
        raise UsageError(
            f"repeats={repeats!r}: a whole number of 20 or more; 500 give a Monte Carlo error of 1 percentage point."
        )
    number, spec = checked_seed(seed), plan.spec
    ready = made_up(spec, data, seed=number, folder=plan.folder, icc=icc, take_up=take_up, design=design)
    _rehearse(ready)
    start = time.perf_counter()
    one_of(ready, 1)
    once = time.perf_counter() - start
    if told is not None:
        told(_expected(once, int(repeats), workers))
    begun, found, failures = time.perf_counter(), [], Counter[str]()
    for done, (values, problem) in enumerate(_made(ready, int(repeats), workers), 1):
        found.append(values)
        if problem:
            failures[problem] += 1
        if progress is not None:
            progress(done, int(repeats))
    seconds = time.perf_counter() - begun
    alpha = 1 - spec.analysis.conf_level
    details = {
        "repeats": int(repeats), "seed": number, "alpha": round(alpha, 12), "icc": ready.icc if spec.grouped_arms else None, "take_up": ready.take_up,
        "design": ready.design.describe(), "file": ready.base.source.get("file", "data"), "people": ready.base.trial.n, "left_out": list(ready.left_out),
        "seconds": seconds, "seconds_per_repeat": seconds / int(repeats), "methods": {o.name: spec.estimator_for(o) for o in spec.primary},
    }  # fmt: skip
    table = _rows(spec, found, alpha)
    return FalsePositives((), tuple(_notes(spec, table, failures, int(repeats))), details, tuple(table))


def one_of(ready: MadeUp, draw: int) -> tuple[Found, str]:
    """p-values of one made-up trial by outcome, contrast and analysis, and what could not be done."""
    trial, found, problem = ready.redrawn(draw), Found(), ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for outcome in ready.spec.primary:
            for analysis in (PLANNED, IGNORED) if ready.spec.grouped_arms else (PLANNED,):
                try:
                    found |= _p_values(ready.spec, trial, outcome, analysis)
                except (TrialkitError, np.linalg.LinAlgError) as error:
                    problem = problem or f"'{outcome.name}', {analysis}: {error}"
    return found, problem


def _p_values(spec: PlanSpec, ready: Prepared, outcome: Outcome, analysis: str) -> Found:
    asked, trial = spec.asked_of_itt(outcome), ready.trial
    if analysis == IGNORED:
        trial = Trial(trial.data, **{**ready.roles, "group": None, "grouped_arms": None, "ungrouped": "error"})
        asked |= {"covariance": "auto", "df": "auto"}
    own = [dict[Hashable, float](c.weights.items()) for c in spec.analysis.contrasts if not isinstance(c, str)]
    result = itt(
        trial,
        contrasts=spec.analysis.contrasts if isinstance(spec.analysis.contrasts, str) else own,
        equivalence=outcome.equivalence,
        noninferiority=outcome.noninferiority,
        better=better_of(ready, outcome),
        **asked,
    )
    return {(outcome.name, e.contrast, analysis): e.p_value for e in result.estimates}


def _rehearse(ready: MadeUp) -> None:
    """The first made-up trials; raises what would otherwise be counted as failures of all."""
    said = ""
    for draw in (1, 2, 3):
        found, problem = one_of(ready, draw)
        if any(analysis == PLANNED for _, _, analysis in found):
            return
        said = said or problem
    missing = "; ".join(not_yet(ready.spec))
    raise EstimationError(f"no made-up trial could be analysed: {said or missing}")


def _expected(once: float, repeats: int, workers: int) -> str:
    from joblib import effective_n_jobs

    seconds = once * repeats / effective_n_jobs(workers)
    long = f"{seconds:.0f} seconds" if seconds < 100 else f"{seconds / 60:.0f} minutes"
    return f"one repeat takes {1000 * once:.0f} ms: {repeats} will take about {long}"


def _made(ready: MadeUp, repeats: int, workers: int) -> Iterator[tuple[Found, str]]:
    if workers == 1:
        yield from (one_of(ready, draw) for draw in range(1, repeats + 1))
        return
    from joblib import Parallel, delayed

    starts = range(1, repeats + 1, AT_ONCE)
    for several in Parallel(n_jobs=workers, return_as="generator")(
        delayed(_several)(ready, start, min(start + AT_ONCE, repeats + 1)) for start in starts
    ):
        yield from several


def _several(ready: MadeUp, start: int, stop: int) -> list[tuple[Found, str]]:
    return [one_of(ready, draw) for draw in range(start, stop)]


def _rows(spec: PlanSpec, found: list[Found], alpha: float) -> list[dict[str, Any]]:
    order = {o.name: i for i, o in enumerate(spec.primary)}
    keys = sorted({k for f in found for k in f}, key=lambda k: (order[k[0]], k[1], k[2] == IGNORED))
    rows = [_row(*k, [f[k] for f in found if k in f], len(found), alpha) for k in keys]
    planned = [k for k in keys if k[2] == PLANNED]
    if len(planned) > 1:
        smallest = [min(f[k] for k in planned) for f in found if all(k in f for k in planned)]
        rows.append(
            _row("any primary", "", PLANNED, smallest, len(found), alpha)
            | dict.fromkeys(("alpha", "expected_low", "expected_high", "reading"))
        )
    return rows


def _row(outcome: str, contrast: str, analysis: str, p: list[float], repeats: int, alpha: float) -> dict[str, Any]:
    from scipy import stats  # slow to import, and most calls of the package do without it

    known = [v for v in p if math.isfinite(v)]
    n, rejected = len(known), sum(v < alpha for v in known)
    low, high = stats.binom.ppf([0.025, 0.975], n, alpha) / n if n else (math.nan, math.nan)
    share = rejected / n if n else None
    return {
        "outcome": outcome, "contrast": contrast, "analysis": analysis, "repeats": n, "rejected": rejected, "share": share,
        "mc_error": None if share is None else math.sqrt(share * (1 - share) / n),
        "conf_low": None if share is None else float(stats.beta.ppf(0.025, rejected, n - rejected + 1)) if rejected else 0.0,
        "conf_high": None if share is None else float(stats.beta.ppf(0.975, rejected + 1, n - rejected)) if rejected < n else 1.0,
        "alpha": round(alpha, 12), "expected_low": float(low), "expected_high": float(high), "reading": _reading(share, float(low), float(high)),
        "failures": repeats - n,
    }  # fmt: skip


def _reading(share: float | None, low: float, high: float) -> Reading:
    if share is None:
        return "not known"
    return "too often" if share > high else "too seldom" if share < low else "as it should"


def _notes(spec: PlanSpec, table: list[dict[str, Any]], failures: Mapping[str, int], repeats: int) -> Iterator[Note]:
    if failures:
        first = max(failures, key=lambda k: failures[k])
        yield Note(
            "failures",
            f"{sum(failures.values())} of {repeats} made-up trials could not be analysed in full, most often because: {first}",
        )
    planned = [r for r in table if r["analysis"] == PLANNED]
    if any(r["reading"] == "too often" for r in planned):
        yield Note(
            "too_often",
            "the planned analysis finds effects too often where there are none: change the plan before it is locked, and say why.",
        )
    if any(r["reading"] == "too seldom" for r in planned):
        yield Note(
            "too_seldom",
            "the planned analysis finds effects less often than it may: it is safe, and has less power than it could.",
        )
    if spec.missing.primary != "available_cases":
        yield Note(
            "missing_data", f"the shares are those of available cases; the plan's '{spec.missing.primary}' is not repeated here."
        )
    yield Note(
        "what_it_is",
        "arms were drawn by the plan's design among people of whom some had the programme; the real arms were not looked at.",
    )


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"
