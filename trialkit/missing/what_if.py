"""Rules that need no model: what if everyone lost had failed, had succeeded, or failed in one arm and succeeded in the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from trialkit.errors import MissingDataError, UsageError
from trialkit.estimate.itt import itt
from trialkit.inference.arrays import FloatArray
from trialkit.missing.columns import number_column
from trialkit.misuse import explained
from trialkit.printed import interval_text, test_text
from trialkit.results import Estimate, Note, Result
from trialkit.trial import Trial


@dataclass(frozen=True)
class WhatIfResult(Result):
    """The effect under each rule; column `scenario` says which."""

    kind = "what_if"

    def _title(self) -> str:
        return f"What if: {self.estimates[0].outcome}"

    def __str__(self) -> str:
        lines = [self._title()]
        for e in self.estimates:
            lines += [
                f"  {e.extra['scenario']}, {e.contrast}: {interval_text(e)}",
                f"    {test_text(e)}; n = {e.n}; {e.method}, {e.covariance}",
            ]
        return "\n".join(lines + [f"  note: {n.text}" for n in self.notes])


@explained
def what_if(
    trial: Trial,
    outcome: str,
    *,
    failed: float | None = None,
    succeeded: float | None = None,
    better: Literal["higher", "lower"] = "higher",
    adjust: Sequence[str] = (),
    measure: str | None = None,
    analyse: Callable[[Trial], Result] | None = None,
) -> WhatIfResult:
    """The effect if those without the outcome had had a stated value.

    Parameters
    ----------
    trial : everyone randomized. outcome : the column.
    failed, succeeded : values put in for those lost. For an outcome of 0 and 1 by default 0 and 1, or 1 and 0 with better='lower'; otherwise `failed` must be
        said, and the rules that need `succeeded` are left out without it.
    better : which direction of the outcome is better.
    adjust, measure : of the analysis `tk.itt`; measure by default 'risk_difference' for 0 and 1, 'mean_difference' otherwise.
    analyse : another analysis in its place, which takes a completed trial and returns a result with rows.

    Returns
    -------
    WhatIfResult
        Rows with `scenario`: 'as observed' (available cases), 'all lost failed', 'all lost succeeded', 'worst for the programme' (lost treated people failed, lost
        control people succeeded) and 'best for the programme'.

    Raises
    ------
    UsageError
        Values that are not said or not numbers, nobody missing. MissingDataError : the outcome is missing for everyone.

    Notes
    -----
    The values are put in as if known: the intervals carry no uncertainty about them. The last two rules bound the effect for an outcome of 0 and 1, as
    Manski's bounds do.

    References
    ----------
    Horowitz & Manski (2000), JASA 95, 77-84; Hollis & Campbell (1999), BMJ 319, 670-674.

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> d = pd.DataFrame({"arm": ["peer"] * 50 + ["solo"] * 50, "job": [1.0] * 25 + [0.0] * 15 + [None] * 10 + [1.0] * 20 + [0.0] * 25 + [None] * 5})
    >>> found = tk.missing.what_if(tk.Trial(d, arm="arm", control="solo"), "job")
    >>> found.tidy()[["scenario", "estimate"]].round(3).to_numpy().tolist()[1:3]
    [['all lost failed', 0.1], ['all lost succeeded', 0.2]]
    """
    if better not in ("higher", "lower"):
        raise UsageError(f"better={better!r} is unknown: say 'higher' or 'lower'.")
    y = number_column(trial, outcome)
    lost = np.isnan(y)
    if lost.all():
        raise MissingDataError(
            f"the outcome '{outcome}' is missing for everyone: check the column, or that the follow-up wave is in the file."
        )
    if not lost.any():
        raise UsageError(f"nobody lacks '{outcome}': there is nothing to suppose.")
    binary = bool(np.isin(y[~lost], (0.0, 1.0)).all())
    low, high = _values(outcome, failed, succeeded, binary, better)
    kind = measure or ("risk_difference" if binary else "mean_difference")
    run = analyse or (lambda t: itt(t, outcome, adjust=adjust, measure=kind))
    rows: list[Estimate] = []
    notes: list[Note] = []
    for name, values in _scenarios(trial, low, high):
        found = run(trial if values is None else trial.with_columns({outcome: np.where(lost, values, y)}))
        rows += [replace(e, extra=dict(e.extra) | {"scenario": name}) for e in found.estimates]
        notes += [n for n in found.notes if n.code != "outcome_missing"]
    by_arm = ", ".join(f"{a}: {int(lost[trial.arm_codes == c].sum())}" for c, a in enumerate(trial.arms))
    text = f"{int(lost.sum())} of {trial.n} people have no '{outcome}' ({by_arm}); failed is {low:g}" + (
        "" if high is None else f", succeeded {high:g}"
    )
    notes.append(Note("what_if", f"{text}. These values are put in as if known: the intervals carry no uncertainty about them."))
    return WhatIfResult(tuple(rows), tuple(dict.fromkeys(notes)), {"failed": low, "succeeded": high, "measure": kind})


def _values(outcome: str, failed: float | None, succeeded: float | None, binary: bool, better: str) -> tuple[float, float | None]:
    if binary:
        failed = (0.0 if better == "higher" else 1.0) if failed is None else failed
        succeeded = 1.0 - failed if succeeded is None else succeeded
    if failed is None:
        raise UsageError(
            f"'{outcome}' is not of 0 and 1: say which value counts as failed, as failed=0 (and succeeded= for the rules that need it)."
        )
    for name, value in (("failed", failed), ("succeeded", succeeded)):
        if value is not None and not np.isfinite(value):
            raise UsageError(f"{name}={value!r} is not a number.")
    if binary and not {failed, succeeded} <= {0.0, 1.0}:
        raise UsageError(f"'{outcome}' holds 0 and 1: failed and succeeded are 0 and 1 too.")
    if succeeded is not None and (succeeded <= failed) == (better == "higher"):
        raise UsageError(f"failed={failed:g} and succeeded={succeeded:g} contradict better='{better}'.")
    return float(failed), None if succeeded is None else float(succeeded)


def _scenarios(trial: Trial, low: float, high: float | None) -> list[tuple[str, FloatArray | None]]:
    treated = trial.arm_codes > 0
    out: list[tuple[str, FloatArray | None]] = [("as observed", None), ("all lost failed", np.full(trial.n, low))]
    if high is not None:
        out += [
            ("all lost succeeded", np.full(trial.n, high)),
            ("worst for the programme", np.where(treated, low, high)),
            ("best for the programme", np.where(treated, high, low)),
        ]
    return out
