"""Attrition: who has no outcome, by arm, wave, group and trait; tests of selective attrition; and the Clearinghouse's verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialkit.design.stream import checked_seed
from trialkit.errors import TrialkitError, UsageError
from trialkit.estimate.request import checked_level
from trialkit.inference.arrays import BoolArray
from trialkit.misuse import explained
from trialkit.printed import p_text
from trialkit.results import Note, TableResult
from trialkit.selection.attrition.boundary import verdict_sentences, wwc_rows
from trialkit.selection.attrition.breakdown import by_group, by_trait, by_wave, checked_names, observed, undeclared_codes
from trialkit.selection.attrition.selective import ALL, permutation_rows, selective_tests
from trialkit.selection.stored import numbers_again
from trialkit.trial import Trial

RATE_NUMBERS = ("std_error", "df", "statistic", "p_value", "conf_low", "conf_high")
TEST_COLUMNS = ("test", "baseline", "statistic", "distribution", "df_num", "df_denom", "p_value", "covariance")


@dataclass(frozen=True)
class AttritionResult(TableResult):
    """Who is lost. `.overall` and `.differential` (largest difference between an arm and control, with its sign) are shares.

    `.tidy()` has a row an arm and, with `baseline`, the rows of the tests behind them (`row`: 'arm', 'iv_r', 'iv_p'). `.tests`, `.wwc`, `.rates`
    (differences between arms with standard errors), `.by_wave`, `.by_group` and `.by_trait` are tables; `.verdicts` are sentences.
    """

    kind = "attrition"

    @property
    def overall(self) -> float:
        return float(self.details["overall"])

    @property
    def differential(self) -> float:
        return float(self.details["differential"])

    @property
    def bias(self) -> dict[str, float]:
        """Bias of the Clearinghouse's model in SD, of the arm that differs most from control, 'cautious' and 'optimistic'."""
        rows = [r for r in self.details["wwc"] if r["level"] == "people"]
        return {
            a: max((r["bias"] for r in rows if r["assumption"] == a), key=_size, default=math.nan)
            for a in ("cautious", "optimistic")
        }

    @property
    def tests(self) -> pd.DataFrame:
        """Tests of selective attrition: iv_r (valid for respondents) and iv_p (valid for everyone); `baseline` is 'all' for the joint tests."""
        return pd.DataFrame(self._tests(), columns=[*TEST_COLUMNS])

    @property
    def wwc(self) -> pd.DataFrame:
        """Verdict by the published table; `margin` is in percentage points, below zero beyond the boundary."""
        return pd.DataFrame(numbers_again(self.details["wwc"], ("boundary", "margin", "bias")))

    @property
    def rates(self) -> pd.DataFrame:
        """Difference of the shares lost, each arm against control, as `tk.itt` estimates it: with groups, clusters, strata and weights."""
        return pd.DataFrame(numbers_again(self.details["rates"], RATE_NUMBERS))

    @property
    def by_wave(self) -> pd.DataFrame:
        return self._asked("by_wave", "waves={1: 'y1', 2: 'y2'}")

    @property
    def by_trait(self) -> pd.DataFrame:
        return self._asked("by_trait", "traits=['age', 'female']")

    @property
    def by_group(self) -> pd.DataFrame:
        """Losses of each group (each randomized cluster)."""
        return pd.DataFrame(self.details["by_group"], columns=["group", "arm", "members", "lost", "rate"])

    @property
    def verdicts(self) -> list[str]:
        """What the numbers say, a sentence each."""
        return list(self.details["verdicts"])

    def tidy(self) -> pd.DataFrame:
        if not self._tests():
            return super().tidy()
        rows = [{"row": "arm", **r} for r in self.table]
        rows += [{"row": t["test"], **{k: v for k, v in t.items() if k != "test"}} for t in self._tests()]
        labels = pd.Series([r.get("arm") for r in rows], dtype=object)
        return pd.DataFrame(rows).assign(arm=labels).astype({"randomized": "Int64", "lost": "Int64"})

    def _tests(self) -> list[dict[str, Any]]:
        return numbers_again(self.details.get("tests", []), ("statistic", "df_num", "df_denom", "p_value"))

    def _asked(self, key: str, example: str) -> pd.DataFrame:
        if key not in self.details:
            raise UsageError(f"ask for it: tk.selection.attrition(trial, '{self.details['outcome']}', {example}).")
        return pd.DataFrame(self.details[key])

    def _title(self) -> str:
        return f"Attrition on {self.details['outcome']}"

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {v}" for v in self.verdicts)])


@explained
def attrition(
    trial: Trial,
    outcome: str,
    *,
    baseline: str | Sequence[str] | None = None,
    traits: str | Sequence[str] | None = None,
    waves: Mapping[Any, str] | None = None,
    covariance: str = "auto",
    saturated: bool = False,
    n_draws: int | None = None,
    seed: int | np.random.Generator | None = None,
    conf_level: float = 0.95,
) -> AttritionResult:
    """Share of randomized people without the outcome, by arm, with tests of whether those lost differ.

    Parameters
    ----------
    trial : everyone randomized. outcome : the column whose missing values are the losses.
    baseline : columns measured before randomization, best of all the outcome itself: tests of selective attrition (Ghanem et al. 2023). Several
        are tested one by one and together.
    traits : baseline columns to count losses by; numbers are split at their median.
    waves : column of each wave, in order, as in {1: 'y1', 2: 'y2'}: losses by wave.
    covariance : of the tests; 'auto' is HC2, or CR2 with groups or clusters.
    saturated : compare arms within every stratum, instead of with stratum effects.
    n_draws, seed : permutation versions of the tests besides (people alone, permuted within strata).
    conf_level : of the difference of rates.

    Returns
    -------
    AttritionResult
        Rows hold arm, randomized, lost, rate, difference (from control); the differential is signed: arm minus control.

    Raises
    ------
    UsageError, CombinationError, ColumnNotFoundError, MissingDataError
        A baseline without values or variation, permutations without a seed or with groups.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 50, "y0": rng.normal(size=100)})
    >>> d["y1"] = d["y0"].where(rng.random(100) < 0.8)
    >>> found = tk.selection.attrition(tk.Trial(d, arm="arm", control="solo"), "y1", baseline="y0")
    >>> found.tests["test"].tolist()
    ['iv_r', 'iv_p']
    >>> found.wwc["assumption"].tolist()
    ['cautious', 'optimistic']
    """
    checked_level(conf_level)
    lost = ~observed(trial, outcome)
    shares = [float(lost[trial.arm_codes == c].mean()) for c in range(len(trial.arms))]
    rows: list[Mapping[str, Any]] = [
        {
            "arm": label, "randomized": int((trial.arm_codes == c).sum()), "lost": int(lost[trial.arm_codes == c].sum()),
            "rate": shares[c], "difference": shares[c] - shares[0],
        }
        for c, label in enumerate(trial.arms)
    ]  # fmt: skip
    groups, notes = by_group(trial, lost)
    notes += undeclared_codes(trial, outcome)
    rates, said = _rates(trial, lost, shares, conf_level)
    notes += said
    if trial.weights is not None:
        text = "losses are counted a person each, those of weight zero too, and the verdict rests on the counts; of the rates only the differences in .rates are weighted."
        notes.append(Note("losses_unweighted", text))
    wwc = wwc_rows(trial, lost)
    details: dict[str, Any] = {
        "outcome": outcome, "overall": float(lost.mean()), "differential": max((s - shares[0] for s in shares[1:]), key=abs),
        "rates": rates, "wwc": wwc, "by_group": groups, "verdicts": verdict_sentences(wwc),
    }  # fmt: skip
    baselines = checked_names(baseline, "baseline")
    if baselines:
        details["tests"], said = selective_tests(trial, ~lost, baselines, covariance=covariance, saturated=saturated)
        notes += said
        details["verdicts"] = [*details["verdicts"], *_test_sentences(details["tests"], lost)]
    if n_draws is not None:
        if not baselines or seed is None:
            raise UsageError("the permutation versions need baseline= and seed=, as in baseline='y0', n_draws=2000, seed=4711.")
        more, said = permutation_rows(trial, ~lost, baselines, n_draws=n_draws, seed=checked_seed(seed))
        details["tests"] = [*details["tests"], *more]
        notes += said
    if traits is not None:
        details["by_trait"] = by_trait(trial, lost, checked_names(traits, "traits"))
    if waves is not None:
        details["by_wave"] = by_wave(trial, waves)
    return AttritionResult((), tuple(dict.fromkeys(notes)), details, tuple(rows))


def _size(value: float | None) -> float:
    return -1.0 if value is None or math.isnan(value) else abs(value)


def _rates(trial: Trial, lost: BoolArray, shares: list[float], conf_level: float) -> tuple[list[dict[str, Any]], list[Note]]:
    """Differences of shares with the standard errors of the trial's design; NaN where nobody, or everybody, is lost."""
    from trialkit.estimate.itt import itt

    contrasts = [f"{a} - {trial.arms[0]}" for a in trial.arms[1:]]
    empty = dict.fromkeys(RATE_NUMBERS, math.nan)
    bare = [{"contrast": c, "estimate": s - shares[0], **empty} for c, s in zip(contrasts, shares[1:])]
    if lost.all() or not lost.any():
        return bare, [
            Note("everyone_lost", "nobody has the outcome: check that the follow-up wave is in the file.")
        ] if lost.all() else []
    name = "share lost"
    try:
        found = itt(trial.with_columns({name: lost.astype(float)}), name, conf_level=conf_level)
    except TrialkitError as error:
        return bare, [Note("rates_undefined", f"the difference of the rates has no standard error: {error}")]
    return [
        {"contrast": e.contrast, "estimate": e.estimate, **{k: getattr(e, k) for k in RATE_NUMBERS}} for e in found.estimates
    ], []


def _test_sentences(rows: Sequence[Mapping[str, Any]], lost: BoolArray) -> list[str]:
    several = any(r["baseline"] == ALL for r in rows)
    chosen = {r["test"]: r for r in rows if r["baseline"] == ALL or not several}
    if not lost.any():
        return ["Nobody is lost, so attrition cannot have biased the comparison; the tests only compare the arms at baseline."]
    out = []
    for test, whom in (("iv_r", "those observed"), ("iv_p", "everyone randomized")):
        p = chosen[test]["p_value"]
        if p is None or math.isnan(p):
            continue
        verb = "is evidence against" if p < 0.05 else "gives no evidence against"
        out.append(f"The baseline {verb} a comparison valid for {whom} ({test}, p {p_text(p)}).")
    if out:
        out.append(
            "A test that does not reject is not proof: with few lost it would miss much. Read it beside the bounds (tk.selection.lee_bounds)."
        )
    return out
