"""Balance at baseline: raw summaries by arm and standardized differences, among everyone randomized.

The standardized difference is (mean_a - mean_control) / sqrt((s2_a + s2_control)/2) of the unadjusted data; for a category it
is given level by level with s2 = p(1 - p). No p-values of single covariates: in a randomized trial differences at baseline are chance by
construction, and their size is what matters. Source: Austin (2009), Statistics in Medicine 28.

One omnibus test a contrast asks whether the assignment as a whole looks as the design makes it: Hansen & Bowers (2008), and the same with draws of the
trial's own design (inference/draws/balance.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from trialkit.errors import UsageError
from trialkit.estimate.covariates import is_category
from trialkit.estimate.draws.assignments import Source
from trialkit.estimate.request import checked_level
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.distributions import t_quantile
from trialkit.inference.draws.balance import (
    chance_difference,
    omnibus,
    omnibus_draws,
    standardized_difference_draws,
)
from trialkit.misuse import explained
from trialkit.printed import number, p_text
from trialkit.results import Note, TableResult
from trialkit.trial import Trial

DENOMINATOR = "square root of the mean of the two arms' variances"
UNITS_PER_DF = 5


@dataclass(frozen=True)
class BalanceResult(TableResult):
    """One row a covariate (a level of a category) and contrast; the omnibus test of the first contrast as properties."""

    kind = "balance"

    @property
    def chisq(self) -> float:
        """Hansen-Bowers chi-square of the first contrast."""
        return float(self._first("chisq"))

    @property
    def df(self) -> int:
        return int(self._first("df"))

    @property
    def p_value(self) -> float:
        """Of the omnibus test, by the chi-square distribution."""
        return _number(self._first("p_value"))

    @property
    def p_permutation(self) -> float:
        """Of the omnibus test, by draws of the design; NaN without draws."""
        return _number(self._first("p_permutation"))

    def omnibus(self) -> pd.DataFrame:
        """One row a contrast: chisq, df, p_value, p_permutation with its Monte Carlo error, units of assignment."""
        return pd.DataFrame(list(self.details.get("omnibus", ())))

    def table_one(self) -> pd.DataFrame:
        """Table 1 in text: mean (SD) of numbers, n (%) of shares and categories, an arm a column, and standardized differences."""
        contrasts = list(dict.fromkeys(r["contrast"] for r in self.table))
        arms = self.details["arms"]
        rows: dict[tuple[str, str, str], dict[str, str]] = {}
        for r in self.table:
            row = rows.setdefault((r["covariate"], r["level"], r["kind"]), {})
            row[arms[0]] = _cell(r, "control")
            row[arms[1 + contrasts.index(r["contrast"])]] = _cell(r, "arm")
            row[f"standardized difference, {r['contrast']}"] = number(_number(r["standardized_difference"]))
        order = [*arms, *(f"standardized difference, {c}" for c in contrasts)]
        lead = [
            {"covariate": c, "level": "missing" if k == "missing" else level, "shown": "mean (SD)" if k == "number" else "n (%)"}
            for c, level, k in rows
        ]
        return pd.DataFrame([a | {k: r.get(k, "") for k in order} for a, r in zip(lead, rows.values())])

    def _first(self, name: str) -> Any:
        found = self.details.get("omnibus")
        if not found:
            raise UsageError(
                "this balance table has no omnibus test: name covariates, as in tk.selection.balance(trial, ['age'])."
            )
        return found[0][name]

    def _title(self) -> str:
        return "Balance at baseline (standardized differences)"

    def __str__(self) -> str:
        lines = [super().__str__()]
        for o in self.details.get("omnibus", ()):
            p = _number(o["p_value"])
            text = f"  all at once, {o['contrast']}: chi-square({o['df']}) = {o['chisq']:.2f}" if o["df"] else ""
            text += f", p {p_text(p)}" if math.isfinite(p) else ""
            drawn = _number(o["p_permutation"])
            text += f"; by {o['draws']} draws of the design p {p_text(drawn)}" if math.isfinite(drawn) else ""
            lines += [text] if text else []
        return "\n".join(lines)


@explained
def balance(
    trial: Trial,
    covariates: Sequence[str],
    *,
    cluster_size: bool = True,
    n_draws: int | Literal["all"] | None = None,
    seed: int | np.random.Generator | None = None,
    conf_level: float = 0.95,
) -> BalanceResult:
    """Standardized differences and variance ratios of baseline covariates, each arm against control, and an omnibus test.

    Parameters
    ----------
    covariates : baseline columns. Numbers give one row, categories one a level; a row of missingness is added where values
        are missing.
    cluster_size : with `cluster=`, count the size of a cluster among its covariates where sizes differ (default).
    n_draws : None (default) takes the assignment as complete randomization of people (clusters) within strata. A number, or 'all', takes
        the chance band and a second p-value of the omnibus test from that many draws of the trial's own design.
    seed : needed for draws. conf_level : of the chance band.

    Returns
    -------
    BalanceResult
        `.tidy()` with covariate, level, kind ('number', 'share', 'missing'), contrast, n, mean and sd per arm (`_control`,
        `_arm`), standardized_difference, variance_ratio (numbers only), chance_low and chance_high: where the standardized difference
        lies in 95 of 100 assignments of this design. `.chisq`, `.df`, `.p_value`, `.p_permutation` of the first contrast and `.omnibus()` of
        all; `.table_one()` in text.

    Raises
    ------
    UsageError, ColumnNotFoundError, DesignError
        A column that is no list or is unknown; draws without a design or a seed.

    Notes
    -----
    Whole clusters assigned are tested by their totals. Groups formed after randomization are no units of assignment: people are. In the omnibus test
    a missing value is a covariate of its own (an indicator; what is filled in then does not matter) and nobody is dropped. Sampling weights do
    not enter, because the question is the assignment; people of weight zero are left out.

    References
    ----------
    Hansen & Bowers (2008), Statistical Science 23(2); Austin (2009), Statistics in Medicine 28.

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> d = pd.DataFrame({"arm": list("abab"), "age": [20, 22, 24, 30]})
    >>> tk.selection.balance(tk.Trial(d, arm="arm", control="a"), ["age"]).tidy()["standardized_difference"].round(2).tolist()
    [0.89]
    """
    if isinstance(covariates, str):
        raise UsageError(f"covariates takes a list of columns: write ['{covariates}'].")
    checked_level(conf_level)
    source = None if n_draws is None else Source.of(trial, n_draws, seed)
    notes = [Note("denominator", f"standardized by the {DENOMINATOR}.")]
    columns = [(name, *c) for name in covariates for c in _columns(trial, name)]
    comparisons = [_comparison(trial, arm, source, cluster_size, conf_level) for arm in range(1, len(trial.arms))]
    rows = [c.row(*column) for column in columns for c in comparisons]
    tests = [c.omnibus(columns, notes) for c in comparisons] if columns else []
    details = {
        "denominator": DENOMINATOR,
        "arms": [str(a) for a in trial.arms],
        "omnibus": tests,
        "conf_level": conf_level,
        "band": "complete randomization within strata" if source is None else f"draws of {type(trial.design).__name__}",
    }
    return BalanceResult((), tuple(dict.fromkeys(notes)), details, tuple(rows))


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The people of one arm and of control; `draws` (B, n) are ones for those in the arm, None without draws of the design."""

    trial: Trial
    contrast: str
    rows: IntArray
    treated: BoolArray
    stratum: IntArray
    unit: IntArray
    cluster_size: bool
    asked: bool
    draws: FloatArray | None
    weights: FloatArray | None
    enumerated: bool
    conf_level: float

    def row(self, name: str, level: str, kind: str, values: FloatArray) -> Mapping[str, Any]:
        """The row of a covariate."""
        mine = values[self.rows]
        known = np.isfinite(mine)
        found = _summary(mine[known & ~self.treated], mine[known & self.treated], kind)
        low, high = self._band(mine, known, kind, found)
        return {
            "covariate": name,
            "level": level,
            "kind": kind,
            "contrast": self.contrast,
            **found,
            "chance_low": low,
            "chance_high": high,
        }

    def _band(self, x: FloatArray, known: BoolArray, kind: str, found: Mapping[str, Any]) -> tuple[float, float]:
        """Where the standardized difference lies in `conf_level` of assignments."""
        tail = (1 - self.conf_level) / 2
        if min(found["n_control"], found["n_arm"]) < 2 or (self.asked and self.draws is None):
            return math.nan, math.nan
        if self.draws is None:
            scale = math.sqrt((found["sd_control"] ** 2 + found["sd_arm"] ** 2) / 2)
            if not scale > 0:
                return math.nan, math.nan
            chance = chance_difference(
                x=x[known], treated=self.treated[known], stratum=self.stratum[known], unit=self.unit[known]
            )
            half = t_quantile(1 - tail, math.inf) * chance.sd
            return (chance.mean - half) / scale, (chance.mean + half) / scale
        assert self.weights is not None
        drawn = standardized_difference_draws(x=x[known], treated=self.draws[:, known], share=kind != "number")
        finite = np.isfinite(drawn)
        if not finite.any():
            return math.nan, math.nan
        order = np.argsort(drawn[finite])
        values, total = drawn[finite][order], np.cumsum(self.weights[finite][order])
        total /= total[-1]
        last = len(values) - 1
        return float(values[min(int(np.searchsorted(total, tail)), last)]), float(
            values[min(int(np.searchsorted(total, 1 - tail)), last)]
        )

    def omnibus(self, columns: Sequence[tuple[str, str, str, FloatArray]], notes: list[Note]) -> dict[str, Any]:
        """All covariates at once, as totals of the units of assignment."""
        x = np.column_stack([np.where(np.isfinite(v), v, _filled(v))[self.rows] for *_, v in columns])
        _, first, code = np.unique(self.unit, return_index=True, return_inverse=True)
        code = code.reshape(-1)
        sizes = np.bincount(code).astype(float)
        totals = x if len(sizes) == len(x) else np.column_stack([np.bincount(code, weights=c).astype(float) for c in x.T])
        if len(sizes) == len(x):
            first = np.arange(len(x))
        elif self.cluster_size and np.ptp(sizes) > 0:
            totals = np.column_stack([totals, sizes])
        found = omnibus(x=totals, treated=self.treated[first], stratum=self.stratum[first])
        drawn = math.nan
        if self.draws is not None:
            assert self.weights is not None
            drawn = omnibus_draws(
                x=totals,
                treated=self.draws[:, first],
                stratum=self.stratum[first],
                weights=self.weights,
                observed=self.treated[first],
            )
        notes += self._notes(found.df, len(totals))
        count = 0 if self.draws is None else len(self.draws)
        error = 0.0 if self.enumerated else math.sqrt(drawn * (1 - drawn) / count) if count and drawn == drawn else math.nan
        return {
            "contrast": self.contrast, "chisq": found.chisq, "df": found.df, "p_value": found.p_value, "p_permutation": drawn,
            "mc_error": error, "draws": max(count - (not self.enumerated), 0), "n_units": len(totals),
        }  # fmt: skip

    def _notes(self, df: int, units: int) -> list[Note]:
        notes = []
        if df == 0:
            notes.append(Note("omnibus_undefined", "no covariate varies within strata: there is nothing to test."))
        elif df * UNITS_PER_DF > units:
            notes.append(
                Note(
                    "omnibus_many",
                    f"the omnibus test holds {df} term{'' if df == 1 else 's'} against {units} units of assignment: its chi-square p-value is rough. Draws of the design "
                    "(n_draws=, seed=) are exact.",
                )
            )
        if self.asked and self.draws is None:
            notes.append(
                Note(
                    "no_two_arm_law",
                    f"the design cannot be drawn for {self.contrast} alone, so there is no chance band and no p-value by draws.",
                )
            )
        return notes


def _comparison(trial: Trial, arm: int, source: Source | None, cluster_size: bool, conf_level: float) -> _Comparison:
    inside = (trial.arm_codes == arm) | (trial.arm_codes == 0)
    if trial.weights is not None:
        inside &= trial.values(trial.weights) > 0
    rows = np.flatnonzero(inside)
    stratum = trial.codes(*trial.strata)[rows] if trial.strata else np.zeros(len(rows), dtype=np.int64)
    unit = trial.codes(trial.cluster)[rows] if trial.cluster else np.arange(len(rows))
    base = _Comparison(
        trial, f"{trial.arms[arm]} - {trial.arms[0]}", rows, trial.arm_codes[rows] == arm, stratum, unit, cluster_size,
        source is not None, None, None, False, conf_level,
    )  # fmt: skip
    found = None if source is None else source.two_arms(arm, 0)
    if found is None:
        return base
    return replace(base, draws=(found.arms[:, rows] == arm).astype(float), weights=found.weights, enumerated=found.enumerated)


def _columns(trial: Trial, name: str) -> list[tuple[str, str, FloatArray]]:
    series = trial.column(name)
    missing = series.isna().to_numpy()
    out: list[tuple[str, str, FloatArray]] = []
    if is_category(trial, name):
        codes, levels = pd.factorize(series, sort=True)
        for code, level in enumerate(levels):
            out.append((str(level), "share", np.where(missing, np.nan, (codes == code).astype(float))))
    else:
        values = trial.values(name)
        binary = set(np.unique(values[np.isfinite(values)]).tolist()) <= {0.0, 1.0}
        out.append(("", "share" if binary else "number", values))
    if missing.any():
        out.append(("", "missing", missing.astype(float)))
    return out


def _summary(control: FloatArray, arm: FloatArray, kind: str) -> dict[str, Any]:
    means = [float(v.mean()) if len(v) else math.nan for v in (control, arm)]
    variances = [_variance(v, m, kind) for v, m in zip((control, arm), means)]
    scale = math.sqrt(sum(variances) / 2) if math.isfinite(sum(variances)) else math.nan
    return {
        "n_control": len(control), "n_arm": len(arm), "mean_control": means[0], "mean_arm": means[1],
        "sd_control": math.sqrt(variances[0]), "sd_arm": math.sqrt(variances[1]),
        "standardized_difference": (means[1] - means[0]) / scale if scale > 0 else (0.0 if means[0] == means[1] else math.nan),
        "variance_ratio": variances[1] / variances[0] if kind == "number" and variances[0] > 0 else math.nan,
    }  # fmt: skip


def _variance(values: FloatArray, mean: float, kind: str) -> float:
    if kind in ("share", "missing"):
        return mean * (1 - mean)
    return float(values.var(ddof=1)) if len(values) > 1 else math.nan


def _filled(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else 0.0


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _cell(row: Mapping[str, Any], which: str) -> str:
    n, mean, sd = row[f"n_{which}"], _number(row[f"mean_{which}"]), _number(row[f"sd_{which}"])
    if not n or math.isnan(mean):
        return ""
    if row["kind"] == "number":
        return f"{number(mean)} ({number(sd)})"
    return f"{round(n * mean)} ({100 * mean:.1f}%)"
