"""Mediator at one wave, outcome at a later one, with both before the arm: the order is checked and what is adjusted for is said.

Source: Landau, Emsley & Dunn (2018), Clinical Trials 15(3); Maxwell & Cole (2007), Psychological Methods 12(1), on why the same wave for both misleads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from trialkit.errors import ColumnNotFoundError, UsageError, shown
from trialkit.estimate.mediation.mediate import mediate
from trialkit.estimate.mediation.result import MediationResult
from trialkit.misuse import explained
from trialkit.results import Note
from trialkit.trial import Trial


@explained
def longitudinal(
    trial: Trial,
    outcome: str,
    *,
    mediator: str,
    mediator_baseline: str,
    outcome_baseline: str,
    mediator_wave: float,
    outcome_wave: float,
    baseline_wave: float = 0,
    change: bool = False,
    adjust: Sequence[str] = (),
    **options: Any,
) -> MediationResult:
    """Natural direct and indirect effects with the mediator at one wave and the outcome at a later one.

    Parameters
    ----------
    trial : the data and their roles, one row a person. outcome : column at `outcome_wave`. mediator : column at `mediator_wave`.
    mediator_baseline, outcome_baseline : the same two at `baseline_wave`, before the arm could act.
    mediator_wave, outcome_wave, baseline_wave : numbers (waves, weeks, months) with baseline < mediator < outcome.
    change : False (default) adjusts for both baselines. True takes changes from baseline as mediator and outcome and does not adjust for the two: right where the covariates
        move levels and not changes; people who stood low rise by chance, which the default handles and changes do not.
    adjust : further baseline columns. options : those of `tk.mediate` (interaction, inference, n_draws, seed, covariance, ...).

    Returns
    -------
    MediationResult
        As of `tk.mediate`, with the note 'waves' on order and adjustment; group-aware as that is. With `change` the columns are called 'change in ...'.

    Raises
    ------
    UsageError, ColumnNotFoundError
        Waves out of order or the same for mediator and outcome, a baseline that is missing or is the same column; and what `mediate` raises.

    Notes
    -----
    With both baselines as covariates and a linear outcome model, effects on the change and on the level are the same numbers, so `change=True` leaves the baselines out.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 100, "hope0": rng.normal(size=200), "work0": rng.normal(size=200)})
    >>> d["hope1"] = 0.5 * (d["arm"] == "peer") + 0.5 * d["hope0"] + rng.normal(size=200)
    >>> d["work2"] = 0.6 * d["hope1"] + 0.5 * d["work0"] + rng.normal(size=200)
    >>> found = tk.mediation.longitudinal(tk.Trial(d, arm="arm", control="solo"), "work2", mediator="hope1", mediator_baseline="hope0", outcome_baseline="work0",
    ...     mediator_wave=1, outcome_wave=2, inference="delta")
    >>> found.details["adjust"]
    ['hope0', 'work0']
    """
    if not isinstance(trial, Trial):
        raise UsageError("longitudinal takes a Trial first: tk.Trial(data, arm=..., control=...).")
    _check(trial, outcome, mediator, mediator_baseline, outcome_baseline, adjust)
    _check_order(baseline_wave, mediator_wave, outcome_wave)
    order = f"'{mediator}' at {mediator_wave:g} stands before '{outcome}' at {outcome_wave:g}, both after baseline at {baseline_wave:g}"
    waves: dict[str, Any] = {"mediator_wave": mediator_wave, "outcome_wave": outcome_wave}
    if change:
        step, end = f"change in {mediator}", f"change in {outcome}"
        changed = trial.with_columns(
            {
                step: trial.values(mediator) - trial.values(mediator_baseline),
                end: trial.values(outcome) - trial.values(outcome_baseline),
            }
        )
        found = mediate(changed, end, mediator=step, adjust=adjust, **waves, **options)
        text = (
            f"{order}; changes from '{mediator_baseline}' and '{outcome_baseline}', which are not adjusted for"
            f"{f'; adjusted for {shown(list(adjust), 12)}' if adjust else '; nothing else is adjusted for'}. That nothing moves both changes is assumed; regression to the mean does where "
            "the baselines hold chance."
        )
    else:
        found = mediate(
            trial, outcome, mediator=mediator, adjust=adjust, mediator_baseline=mediator_baseline, outcome_baseline=outcome_baseline, **waves, **options
        )  # fmt: skip
        text = f"{order}; both models adjust for {shown(list(found.details['adjust']), 12)}."
    notes = [n for n in found.notes if n.code != "baseline_not_adjusted"]
    details = {
        **found.details,
        "waves": {"baseline": baseline_wave, "mediator": mediator_wave, "outcome": outcome_wave},
        "change": change,
        "baselines": [mediator_baseline, outcome_baseline],
    }
    return replace(found, notes=(Note("waves", text), *notes), details=details)


def _check(trial: Trial, outcome: str, mediator: str, before_m: str, before_y: str, adjust: Sequence[str]) -> None:
    if isinstance(adjust, str):
        raise UsageError(f"adjust takes a list of columns: write adjust=['{adjust}'].")
    columns = {"outcome": outcome, "mediator": mediator, "mediator_baseline": before_m, "outcome_baseline": before_y}
    for role, name in columns.items():
        if not isinstance(name, str):
            raise UsageError(f"{role} is the name of a column, not {name!r}.")
        if name not in trial.data.columns:
            raise ColumnNotFoundError(name, trial.data.columns)
    if len(set(columns.values())) < 4:
        raise UsageError(
            f"outcome, mediator and the two baselines are four columns, here {shown(list(columns.values()))}: for one measure that is both, there is nothing to mediate."
        )


def _check_order(baseline: float, mediator: float, outcome: float) -> None:
    for name, value in (("baseline_wave", baseline), ("mediator_wave", mediator), ("outcome_wave", outcome)):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise UsageError(f"{name}={value!r} must be a number, such as 1.")
    if not baseline < mediator:
        raise UsageError(
            f"the mediator (wave {mediator:g}) was measured no later than baseline (wave {baseline:g}): the arm could not have moved it. Take a wave after the arm."
        )
    if not mediator < outcome:
        raise UsageError(
            f"the mediator (wave {mediator:g}) was measured no earlier than the outcome (wave {outcome:g}): what comes later, or at once, cannot be shown to carry the effect. "
            "Take a later outcome or an earlier mediator; tk.mediate takes both of one wave, with a note."
        )
