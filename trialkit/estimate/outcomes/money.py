"""Money with zeros: an outcome is capped, cut into margins or transformed once, before any estimator sees it.

- cap: winsorized at pooled percentiles, blind to the arm. Name the percentile in the plan: chosen after the data are seen it is a free parameter.
- margin='any': whether the amount is above zero (the extensive margin); an experimental comparison of shares.
- margin='positive': the amount among those above zero (the intensive margin). The people above zero differ between arms when the arms move people
  above zero, so this is not an experimental comparison; Lee's bounds for those above zero under either arm stand beside it (money_bounds.py).
- transform='asinh' or 'log1p': on request only. With zeros in the data the effect depends on the unit of money and can be made any size by
  choosing it (Chen & Roth 2024, Quarterly Journal of Economics 139(2)); how much it moves when amounts are counted in a hundredth of the unit is shown.

Every estimator of the measure then works as it does for any outcome.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from trialkit.errors import CombinationError, EstimationError, UsageError, ValueTypeError
from trialkit.estimate.analysis import Analysis
from trialkit.estimate.itt_result import IttResult
from trialkit.estimate.outcomes.money_bounds import bounds_of_positive
from trialkit.estimate.parts import with_outcome
from trialkit.estimate.request import Request
from trialkit.inference.arrays import FloatArray
from trialkit.inference.linear.winsorize import winsorize
from trialkit.printed import counted_people
from trialkit.results import Note
from trialkit.trial import Trial, rows_text

Cap = float | tuple[float, float]
Margin = Literal["any", "positive"]
Transform = Literal["asinh", "log1p"]
MEASURES_OF = {
    "cap": ("mean_difference", "mean_ratio"),
    "any": ("mean_difference", "risk_difference", "risk_ratio", "odds_ratio"),
    "positive": ("mean_difference",),
    "asinh": ("mean_difference",),
    "log1p": ("mean_difference",),
}
UNIT = 100


@dataclass(frozen=True)
class MoneyResult(IttResult):
    """An effect on money that was capped, cut into margins or transformed.

    Attributes
    ----------
    cap : the amount of the cap, a pair of amounts for two percentiles, None without one.
    lee_bounds : with margin='positive', bounds for those above zero under either arm, one contrast a row.
    unit_check : with a transform, the estimate as given and with amounts counted in a hundredth of the unit, one contrast a row.

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 6, "savings": [0, 50, 0, 0, 20, 80, 10, 0, 0, 900, 30, 40]})
    >>> trial = tk.Trial(d, arm="arm", control="solo")
    >>> round(tk.itt(trial, "savings", cap=0.9).cap, 1)
    77.0
    >>> tk.itt(trial, "savings", margin="positive").lee_bounds[["lower", "upper"]].round(1).to_numpy().tolist()
    [[36.7, 323.3]]
    """

    kind = "money"

    @property
    def cap(self) -> float | tuple[float, float] | None:
        found = self.details.get("cap")
        return tuple(found) if isinstance(found, list) else found

    @property
    def lee_bounds(self) -> pd.DataFrame:
        if "lee_bounds" not in self.details:
            raise UsageError("Lee's bounds stand beside margin='positive' (without sampling weights).")
        return pd.DataFrame(self.details["lee_bounds"])

    @property
    def unit_check(self) -> pd.DataFrame:
        if "unit_check" not in self.details:
            raise UsageError("the unit is checked with transform='asinh' or 'log1p' only: other effects do not depend on it.")
        return pd.DataFrame(self.details["unit_check"])


@dataclass(frozen=True, slots=True)
class Money:
    """What was asked of `itt`: one of the three, checked."""

    cap: Cap | None = None
    margin: Margin | None = None
    transform: Transform | None = None

    @property
    def asked(self) -> bool:
        return any(v is not None for v in (self.cap, self.margin, self.transform))

    def check(self, measure: str) -> None:
        if sum(v is not None for v in (self.cap, self.margin, self.transform)) > 1:
            raise UsageError("cap, margin and transform are three different questions: ask one of them at a time.")
        for name, value, allowed in (
            ("margin", self.margin, ("any", "positive")),
            ("transform", self.transform, ("asinh", "log1p")),
        ):
            if value is not None and value not in allowed:
                raise UsageError(f"{name}={value!r} is unknown: it is {' or '.join(map(repr, allowed))}.")
        if self.cap is not None:
            _percentiles(self.cap)
        word = "cap" if self.cap is not None else str(self.margin or self.transform)
        if measure not in MEASURES_OF[word]:
            what = (
                f"cap={self.cap}"
                if self.cap is not None
                else f"margin='{self.margin}'"
                if self.margin
                else f"transform='{self.transform}'"
            )
            raise CombinationError(
                f"{what} goes with measure={' or '.join(repr(m) for m in MEASURES_OF[word])}, not with '{measure}'."
            )


@dataclass(frozen=True, slots=True)
class PreparedMoney:
    """The trial whose outcome is what was asked for, with what the result has to say of it."""

    trial: Trial
    suffix: str
    notes: tuple[Note, ...]
    details: dict[str, Any]


def prepare_money(trial: Trial, outcome: str, money: Money) -> PreparedMoney:
    """The outcome capped, cut or transformed."""
    y = trial.values(outcome)
    if not np.isfinite(y).any():
        return PreparedMoney(trial, "", (), {})
    if money.cap is not None:
        return _capped(trial, outcome, y, money.cap)
    if money.margin is not None:
        return _margin(trial, outcome, y, money.margin)
    assert money.transform is not None
    if money.transform == "log1p" and (y < 0).any():
        raise ValueTypeError(
            f"'{outcome}' is {y[y < 0][0]:g} in {rows_text(y < 0)}: log(1 + amount) is for amounts of zero and more. Use the amount itself "
            "(with cap=), or transform='asinh'."
        )
    made = np.arcsinh(y) if money.transform == "asinh" else np.log1p(y)
    return PreparedMoney(
        with_outcome(trial, outcome, made), f" of {money.transform} of the outcome", (), {"transform": money.transform}
    )


def _percentiles(cap: Any) -> tuple[float | None, float]:
    pair = cap if isinstance(cap, (tuple, list)) else (None, cap)
    numbers = [v for v in pair if v is not None]
    fine = len(pair) == 2 and pair[1] is not None and all(
        isinstance(v, (int, float, np.integer, np.floating)) and not isinstance(v, bool) and 0 < v < 1 for v in numbers
    )  # fmt: skip
    if not fine or numbers[-1] <= 0.5 or (len(numbers) == 2 and numbers[0] >= 0.5):
        raise UsageError(
            f"cap={cap!r} must be a percentile as a share above one half, such as .99, or two of them, such as (.01, .99). To cap at an amount, cap the "
            "column yourself beforehand."
        )
    return (None if pair[0] is None else float(pair[0])), float(pair[1])


def _capped(trial: Trial, outcome: str, y: FloatArray, cap: Cap) -> PreparedMoney:
    lower, upper = _percentiles(cap)
    found = winsorize(y=y, lower=lower, upper=upper)
    if not found.high > found.low or np.nanmax(found.values) == np.nanmin(found.values):
        raise EstimationError(
            f"capping '{outcome}' at its {100 * upper:g}th percentile ({found.high:g}) leaves no variation: use a higher percentile, or margin='any'."
        )
    names = [_ordinal(100 * v) for v in (lower, upper) if v is not None]
    limits = [v for v in (found.low, found.high) if math.isfinite(v)]
    where = " and ".join(f"{name} percentile ({limit:g})" for name, limit in zip(names, limits))
    beyond = found.n_below + found.n_above
    text = f"'{outcome}' is capped at its pooled {where}: {beyond} people lie beyond. The percentile belongs in the plan."
    limit: Any = found.high if lower is None else limits
    suffix = f" of the outcome capped at its {' and '.join(names)} percentile{'s' if lower is not None else ''}"
    return PreparedMoney(with_outcome(trial, outcome, found.values), suffix, (Note("capped", text),), {"cap": limit})


def _ordinal(percent: float) -> str:
    """'99th', '1st', '97.5th'."""
    text = f"{percent:g}"
    ending = "th" if "." in text or text[-2:] in ("11", "12", "13") else {"1": "st", "2": "nd", "3": "rd"}.get(text[-1], "th")
    return text + ending


def _margin(trial: Trial, outcome: str, y: FloatArray, margin: str) -> PreparedMoney:
    seen = np.isfinite(y)
    notes = []
    if (y < 0).any():
        notes.append(
            Note("negative_amounts", counted_people(int((y < 0).sum()), "have an amount below zero and count as not above zero."))
        )
    if margin == "any":
        made = np.where(seen, (y > 0).astype(float), np.nan)
        return PreparedMoney(with_outcome(trial, outcome, made), " of an amount above zero", tuple(notes), {"margin": "any"})
    counts = []
    for code, label in enumerate(trial.arms):
        inside = seen & (trial.arm_codes == code)
        above = int((inside & (y > 0)).sum())
        if above < 2 <= int(inside.sum()):
            raise EstimationError(
                f"{'nobody' if not above else 'one person'} in arm {label!r} has an amount of '{outcome}' above zero: there is no mean among them. "
                "Use margin='any'."
            )
        counts.append(f"{label}: {above} of {int(inside.sum())}")
    text = (
        f"only people above zero are compared ({', '.join(counts)}). Who is above zero depends on the arm, so this difference is not an effect of the "
        "arm; Lee's bounds (.lee_bounds) are for those who would be above zero under either arm."
    )
    notes.append(Note("intensive_margin", text))
    return PreparedMoney(
        with_outcome(trial, outcome, np.where(seen & (y > 0), y, np.nan)), "", tuple(notes), {"margin": "positive"}
    )


def finish_money(
    trial: Trial, request: Request, money: Money, prepared: PreparedMoney, analysis: Analysis, run: Callable[[Trial], Analysis]
) -> Analysis:
    """The analysis with its estimand, notes and what stands beside it; `run` repeats it on another trial."""
    notes, details = list(prepared.notes), dict(prepared.details)
    sample, estimand = analysis.sample, analysis.estimand + prepared.suffix
    if money.margin == "positive":
        estimand = "difference among those above zero"
        sample = replace(sample, notes=_missing_only(trial, request.outcome, sample.notes))
        bounds, said = bounds_of_positive(trial, request)
        details |= {"lee_bounds": bounds} if bounds else {}
        notes += said
    if money.transform is not None:
        rows, said = _unit_check(trial, request, money, analysis, run)
        details["unit_check"] = rows
        notes += said
    return replace(
        analysis, sample=sample, estimand=estimand, notes=(*notes, *analysis.notes), details={**analysis.details, **details},
        result=analysis.result or MoneyResult,
    )  # fmt: skip


def _missing_only(trial: Trial, outcome: str, notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """The note on missing outcomes counts amounts of zero as missing: say how many are."""
    absent = np.isnan(trial.values(outcome))
    out = [n for n in notes if n.code != "outcome_missing"]
    if absent.any():
        per_arm = ", ".join(f"{label}: {int(absent[trial.arm_codes == c].sum())}" for c, label in enumerate(trial.arms))
        out.append(
            Note("outcome_missing", f"{int(absent.sum())} of {trial.n} people have no '{outcome}' and are left out ({per_arm}).")
        )
    return tuple(out)


def _unit_check(
    trial: Trial, request: Request, money: Money, analysis: Analysis, run: Callable[[Trial], Analysis]
) -> tuple[list[dict[str, Any]], list[Note]]:
    """The same analysis with amounts counted in a hundredth of the unit."""
    y = trial.values(request.outcome)
    scaled = prepare_money(with_outcome(trial, request.outcome, y * UNIT), request.outcome, money)
    other = run(scaled.trial)
    rows = []
    for c, d in zip(analysis.contrasts, other.contrasts):
        label = c.label or f"{analysis.sample.arms[c.arm]} - {analysis.sample.arms[c.reference]}"
        rows.append({"contrast": label, "estimate": c.estimate, f"estimate_unit_{UNIT}": d.estimate})
    zeros = float((y[np.isfinite(y)] == 0).mean())
    first = rows[0]
    moved = f"{first['estimate']:.3g} becomes {first[f'estimate_unit_{UNIT}']:.3g}"
    text = (
        f"with zeros in the data ({100 * zeros:.0f} %) an effect on {money.transform} depends on the unit and is not a percentage: counted in a hundredth of "
        f"the unit (cents for euros), {moved} for {first['contrast']}. Report the amount itself, measure='mean_ratio', or the margins (Chen & Roth 2024)."
    )
    if zeros == 0:
        text = (
            f"an effect on {money.transform} is near a percentage where amounts are large, and depends on the unit where they are not: counted in a hundredth "
            f"of the unit, {moved} for {first['contrast']}."
        )
    return rows, [Note("unit_dependent", text)]
