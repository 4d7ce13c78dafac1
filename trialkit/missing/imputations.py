"""Completed trials, the analysis of each, and what the imputation looked like."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from trialkit.errors import EstimationError, UsageError
from trialkit.estimate.measures import is_ratio
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.distributions import t_quantile, t_test
from trialkit.inference.imputation.rubin import rubin
from trialkit.missing.pool import pooled_extra, pooled_notes
from trialkit.missing.pooled_result import PooledResult
from trialkit.results import Estimate, Note, Result
from trialkit.trial import Trial

Progress = Callable[[str, int, int], None]

# said of every completed trial and untrue of the trial itself
_OF_ONE = ("outcome_missing", "covariate_imputed")


@dataclass(frozen=True, eq=False, repr=False)
class Imputations:
    """Completed trials, made when they are asked for.

    Attributes
    ----------
    trial : the trial with its missing values. columns : those imputed. methods : how each was drawn.
    drawn : per column (M, missing) values, rows in the order of `missing`. missing : per column the rows (from 0) that had no value.
    notes : what a reader must know.
    mean_trace, sd_trace : (M, iterations, columns) mean and SD of the values filled in, by iteration; without iterations their length is 1.
    """

    trial: Trial
    columns: tuple[str, ...]
    methods: Mapping[str, str]
    missing: Mapping[str, IntArray]
    drawn: Mapping[str, FloatArray]
    n_imputations: int
    strategy: str
    notes: tuple[Note, ...]
    mean_trace: FloatArray
    sd_trace: FloatArray
    shifts: Mapping[str, FloatArray] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.n_imputations

    @property
    def trials(self) -> Iterator[Trial]:
        """The completed trials, one after the other."""
        return (self.completed(m) for m in range(self.n_imputations))

    def completed(self, m: int) -> Trial:
        """Completed trial m, from 0."""
        if not 0 <= m < self.n_imputations:
            raise UsageError(f"there is no imputation {m}: they are numbered 0 to {self.n_imputations - 1}.")
        filled = {}
        for name, rows in self.missing.items():
            values = self.trial.values(name)
            values[rows] = self.drawn[name][m] + self.shifts.get(name, np.zeros(len(rows)))
            filled[name] = values
        return self.trial.with_columns(filled)

    def shifted(self, shifts: Mapping[str, FloatArray]) -> Imputations:
        """The same imputations with an amount for each missing value added to it (delta adjustment); `shifts` per column as long as `missing`."""
        for name, amount in shifts.items():
            if name not in self.missing:
                raise UsageError(f"'{name}' was not imputed: there is nothing to shift.")
            if np.shape(amount) != self.missing[name].shape:
                raise UsageError(f"the shifts of '{name}' are not one for each of its {len(self.missing[name])} missing values.")
        return Imputations(
            self.trial, self.columns, self.methods, self.missing, self.drawn, self.n_imputations, self.strategy, self.notes, self.mean_trace,
            self.sd_trace, dict(self.shifts) | {n: np.asarray(a, dtype=float) for n, a in shifts.items()},
        )  # fmt: skip

    def analyse(self, analysis: Callable[[Trial], Result], *, progress: Progress | None = None) -> PooledResult:
        """Run an analysis on each completed trial and pool its rows by Rubin's rules.

        Parameters
        ----------
        analysis : takes a completed trial and returns a result with rows, as `lambda t: tk.itt(t, "y1", adjust=["y0"])`.
        progress : called with ('analyse', done, of).

        Returns
        -------
        PooledResult
            The degrees of freedom with complete data are those of the row itself, averaged over the completed trials: with groups the
            Satterthwaite df, never the number of people less the number of coefficients. Ratios are pooled as logs.

        Raises
        ------
        EstimationError
            An analysis without a standard error (a test by draws), one that failed, or rows that differ between completed trials.
        """
        found = []
        for m, completed in enumerate(self.trials):
            found.append(analysis(completed))
            _check_rows(found[0], found[-1], m)
            if progress is not None:
                progress("analyse", m + 1, self.n_imputations)
        return pooled_result(
            found, (*self.notes, Note("imputed", self._sentence())), {"strategy": self.strategy, "methods": dict(self.methods)}
        )

    def diagnostics(self) -> pd.DataFrame:
        """Per column: method, share missing, mean and SD of the observed and of the imputed values, and R-hat.

        R-hat compares the chains' means over the second half of the iterations (Gelman & Rubin 1992); near 1 when the chains have
        mixed, NaN with one iteration.
        """
        rows = []
        for name, places in self.missing.items():
            j = self.columns.index(name)
            known = np.delete(self.trial.values(name), places)
            known, imputed = known[np.isfinite(known)], self.drawn[name]
            rows.append(
                {
                    "column": name, "method": self.methods[name], "n_missing": len(places), "share_missing": len(places) / self.trial.n,
                    "mean_observed": float(known.mean()), "mean_imputed": float(imputed.mean()), "sd_observed": float(known.std(ddof=1)),
                    "sd_imputed": float(imputed.std(axis=1).mean()), "r_hat": r_hat(self.mean_trace[:, :, j]),
                }
            )  # fmt: skip
        return pd.DataFrame(rows)

    def trace(self) -> pd.DataFrame:
        """Mean and SD of the values filled in, a row for each column, imputation and iteration."""
        m, steps, _ = self.mean_trace.shape
        chain, step = (a.ravel() + 1 for a in np.meshgrid(np.arange(m), np.arange(steps), indexing="ij"))
        parts = [
            pd.DataFrame(
                {
                    "column": name, "imputation": chain, "iteration": step,
                    "mean": self.mean_trace[:, :, self.columns.index(name)].ravel(), "sd": self.sd_trace[:, :, self.columns.index(name)].ravel(),
                }
            )
            for name in self.missing
        ]  # fmt: skip
        return pd.concat(parts, ignore_index=True)

    def _sentence(self) -> str:
        parts = ", ".join(f"'{n}' {len(r)}" for n, r in self.missing.items())
        return f"missing values were imputed {self.n_imputations} times in each arm apart (strategy '{self.strategy}'): {parts} of {self.trial.n} people."

    def __repr__(self) -> str:
        return f"{self.n_imputations} completed trials of {self.trial.n} people; " + "; ".join(
            f"{n}: {len(r)} missing, {self.methods[n]}" for n, r in self.missing.items()
        )


def missing_of(rows: IntArray, holes: BoolArray, names: Sequence[str]) -> dict[str, IntArray]:
    """Rows of the trial without a value, per column that has any."""
    return {n: rows[holes[:, j]] for j, n in enumerate(names) if holes[:, j].any()}


def r_hat(means: FloatArray) -> float:
    """R-hat of (M, iterations) chain means, their first half left out."""
    later = means[:, means.shape[1] // 2 :]
    steps = later.shape[1]
    if steps < 2 or len(later) < 2:
        return math.nan
    within, between = later.var(axis=1, ddof=1).mean(), later.mean(axis=1).var(ddof=1)
    return float(math.sqrt((steps - 1) / steps + between / within)) if within > 0 else math.nan


def _check_rows(first: Result, now: Result, m: int) -> None:
    if not isinstance(now, Result) or not now.estimates:
        raise UsageError("the analysis must return a result with rows, as tk.itt does.")
    labels = [[(e.outcome, e.contrast, e.estimand, _place(e)) for e in r.estimates] for r in (first, now)]
    if labels[0] != labels[1]:
        raise EstimationError(
            f"completed trial {m} gives other rows than the first: the analysis must ask for the same contrasts each time."
        )
    for e in now.estimates:
        if not (math.isfinite(e.estimate) and math.isfinite(e.std_error) and e.df > 0):
            raise EstimationError(
                f"the analysis of completed trial {m} gives no standard error for '{e.contrast}' of '{e.outcome}' with degrees of freedom: Rubin's rules "
                "pool estimates with standard errors. A test by draws has none; pool an estimate, or take the draws within one completed trial."
            )


def _place(e: Estimate) -> tuple[str, ...]:
    return tuple(str(e.extra[k]) for k in ("wave", "subgroup") if k in e.extra)


def pooled_result(found: Sequence[Result], notes: tuple[Note, ...], details: Mapping[str, object]) -> PooledResult:
    """Rows pooled by Rubin's rules over results of the same shape."""
    first = found[0]
    ratio = is_ratio(str(first.details.get("measure", "")))
    logs = [_is_log(e, ratio) for e in first.estimates]
    q = np.array([[math.log(e.estimate) if log else e.estimate for e, log in zip(r.estimates, logs)] for r in found])
    u = np.array([[e.std_error**2 for e in r.estimates] for r in found])
    com = np.array([[e.df for e in r.estimates] for r in found]).mean(axis=0)
    pooled = rubin(estimates=q, variances=u, df=com)
    rows = []
    for i, e in enumerate(first.estimates):
        error, df = math.sqrt(pooled.variance[i]), float(pooled.df[i])
        test = t_test(float(pooled.estimate[i]), error, df, e.conf_level)
        shown: Callable[[float], float] = math.exp if logs[i] else float
        kept = {k: v for k, v in e.extra.items() if k in ("wave", "subgroup")}
        rows.append(
            Estimate(
                outcome=e.outcome, estimand=e.estimand, contrast=e.contrast, estimate=shown(float(pooled.estimate[i])), std_error=error, df=df,
                statistic=test.statistic, p_value=test.p_value, conf_low=shown(test.conf_low), conf_high=shown(test.conf_high),
                conf_level=e.conf_level, n=e.n, n_clusters=e.n_clusters, n_groups=e.n_groups, method=f"{e.method}, multiple imputation",
                covariance=f"{e.covariance}, Rubin", extra=kept | pooled_extra(pooled, i, float(com[i]), len(found)),
            )
        )  # fmt: skip
    said = [n for r in found for n in r.notes if n.code not in _OF_ONE]
    every = dict.fromkeys((*notes, *[n for n in said if all(n in r.notes for r in found)], *pooled_notes(pooled, len(found))))
    measure = {"measure": first.details["measure"]} if "measure" in first.details else {}
    return PooledResult(tuple(rows), tuple(every), {"n_imputations": len(found), **measure, **details})


def _is_log(e: Estimate, ratio: bool) -> bool:
    """Whether the standard error of a row is that of its log: told by its interval, and where that says nothing by the measure."""
    half = t_quantile(1 - (1 - e.conf_level) / 2, e.df) * e.std_error
    raw = math.isclose(e.estimate + half, e.conf_high, rel_tol=1e-6, abs_tol=1e-9 * half)
    log = e.estimate > 0 and half < 700 and math.isclose(e.estimate * math.exp(half), e.conf_high, rel_tol=1e-6)
    return log if raw != log else ratio
